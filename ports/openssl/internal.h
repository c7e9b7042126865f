/*
 * For files of this port only.
 */
#ifndef PST_OPENSSL_INTERNAL_H
#define PST_OPENSSL_INTERNAL_H

#include <openssl/evp.h>

#include "openssl.h"

/* Digests over chunks that may run at once; the port header promises 4. */
#define HASHES_MAX 8
/* Ciphers over chunks that may run at once; the port header promises 2. */
#define CIPHERS_MAX 4
/* Parsed public keys that are kept. A TAM sees a key two or three times in a
 * session, an agent has a handful of anchors. */
#define PUBKEYS_CACHED 256

enum { MD_SHA256, MD_SHA384, MD_SHA512, MD_SHAKE128, MD_SHAKE256, MD_COUNT };

/* A public key, parsed, with a context that is ready to verify. */
struct pubkey_slot {
	struct pst_pubkey key; /* kty 0: empty */
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *ec; /* for ECDSA */
	EVP_MD_CTX *ed;	  /* for Ed25519 */
};

/* A private or secret key with a context that is ready to sign. */
struct private_slot {
	struct pst_pubkey pub; /* kty 0: removed */
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *ec;
	EVP_MD_CTX *ed;
	uint8_t *secret; /* of a MAC key */
	size_t secret_len;
	EVP_MAC_CTX *mac;
	int32_t mac_alg;	      /* what mac is keyed for */
	struct pst_external external; /* sign NULL: the key is here */
	uint8_t thumbprint[PST_THUMBPRINT_LEN];
};

/* A cipher that is running; ctx NULL: free. */
struct cipher_slot {
	EVP_CIPHER_CTX *ctx;
	bool encrypt;
	bool aead;
};

struct pst_openssl {
	struct pst_crypto table;
	EVP_MD *md[MD_COUNT];
	EVP_MAC *hmac;
	EVP_MD_CTX *scratch; /* one digest at a time */
	EVP_MD_CTX *hash[HASHES_MAX];
	int hash_md[HASHES_MAX]; /* index into md; -1: free */
	struct cipher_slot cipher[CIPHERS_MAX];
	struct pubkey_slot pubkeys[PUBKEYS_CACHED];
	struct private_slot *keys;
	size_t key_count;
	uint8_t *joined; /* a message for Ed25519, in one piece */
	size_t joined_cap;
};

/* digest.c */
int pst_md_index(int32_t alg); /* -1: none */
enum pst_err pst_port_digest(void *ctx, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);
enum pst_err pst_port_hash_begin(void *ctx, int32_t alg, uint32_t *handle);
enum pst_err
pst_port_hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk);
enum pst_err
pst_port_hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len);
/** The digest that an ECDSA algorithm signs. */
enum pst_err pst_port_ecdsa_digest(struct pst_openssl *o, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);
/** The parts as one message: parts[0] itself, or a copy in o->joined. */
enum pst_err pst_port_join(struct pst_openssl *o, const struct pst_bytes *parts,
    size_t n, struct pst_bytes *out);

/* pubkey.c */
const char *pst_curve_name(int32_t crv);
/** A public key for OpenSSL; checks that the point is on its curve. */
EVP_PKEY *pst_pkey_public(const struct pst_pubkey *key);
/** A private key; checks that it belongs to its public part. */
EVP_PKEY *pst_pkey_private(const struct pst_key *key);
/** From OpenSSL to plain data; the private part when there is one. */
enum pst_err pst_pkey_export(
    const EVP_PKEY *pkey, bool secret, struct pst_key *out, const char **why);
enum pst_err pst_port_expand(void *ctx, struct pst_pubkey *key);
enum pst_err pst_port_verify(void *ctx, const struct pst_pubkey *pub,
    int32_t alg, const struct pst_bytes *parts, size_t n, struct pst_bytes sig);
void pst_pubkey_slot_clear(struct pubkey_slot *slot);

/* private.c */
enum pst_err pst_port_sign(void *ctx, uint32_t key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len);
enum pst_err pst_port_mac(void *ctx, uint32_t key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);
enum pst_err pst_port_mac_with(void *ctx, struct pst_secret key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);
void pst_private_slot_clear(struct private_slot *slot);
/** A key by number; NULL for one that is not there. */
struct private_slot *pst_private_slot(struct pst_openssl *o, uint32_t number);
/**
 * The bytes of a secret, which for one of the port's own must be symmetric
 * and free to be used with alg.
 */
enum pst_err pst_secret_bytes(struct pst_openssl *o, struct pst_secret secret,
    int32_t alg, struct pst_bytes *out);

/* agree.c */
enum pst_err pst_port_ecdh(void *ctx, uint32_t key,
    const struct pst_pubkey *peer, uint8_t *out, size_t *len);
enum pst_err pst_port_ecdh_ephemeral(void *ctx, const struct pst_pubkey *peer,
    struct pst_pubkey *mine, uint8_t *out, size_t *len);
enum pst_err pst_port_hkdf(void *ctx, int32_t hash, struct pst_secret ikm,
    struct pst_bytes salt, struct pst_bytes info, uint8_t *out, size_t len);

/* cipher.c */
bool pst_cipher_supports(int32_t alg); /* ciphers and key wrap */
enum pst_err pst_port_wrap(void *ctx, struct pst_secret kek, int32_t alg,
    struct pst_bytes cek, uint8_t *out, size_t *len);
enum pst_err pst_port_unwrap(void *ctx, struct pst_secret kek, int32_t alg,
    struct pst_bytes wrapped, uint8_t *out, size_t *len);
enum pst_err pst_port_cipher_begin(void *ctx, int32_t alg, bool encrypt,
    struct pst_secret key, struct pst_bytes iv, const struct pst_bytes *aad,
    size_t n, uint32_t *handle);
enum pst_err pst_port_cipher_update(
    void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out);
enum pst_err pst_port_cipher_end(void *ctx, uint32_t handle, uint8_t *tag);

/* ecdsa.c: r || s and the DER that OpenSSL speaks */
#define ECDSA_DER_MAX 144
size_t pst_ecdsa_to_der(struct pst_bytes raw, uint8_t der[ECDSA_DER_MAX]);

/* chain.c */
enum pst_err pst_port_chain(void *ctx, const struct pst_bytes *certs, size_t n,
    const struct pst_bytes *roots, size_t nroots, uint64_t now_s,
    struct pst_pubkey *leaf, size_t *root);

/* keypem.c, keycose.c, keyjwk.c: one format each */
enum pst_err
pst_key_from_pem(struct pst_bytes in, struct pst_key *out, const char **why);
enum pst_err pst_key_to_pem(const struct pst_key *key, bool secret,
    uint8_t *out, size_t cap, size_t *len);
enum pst_err
pst_key_from_cose(struct pst_bytes in, struct pst_key *out, const char **why);
enum pst_err pst_key_to_cose(const struct pst_key *key, bool secret,
    uint8_t *out, size_t cap, size_t *len);
enum pst_err
pst_key_from_jwk(struct pst_bytes in, struct pst_key *out, const char **why);
enum pst_err pst_key_to_jwk(const struct pst_key *key, bool secret,
    uint8_t *out, size_t cap, size_t *len);

/* keyfile.c */
enum pst_err pst_file_read(
    const char *path, size_t max, uint8_t **out, size_t *len, const char **why);

#endif
