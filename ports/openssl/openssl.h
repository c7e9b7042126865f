/*
 * The crypto port on OpenSSL 3, and keys in files.
 *
 * One instance belongs to one thread. Contexts, parsed public keys and
 * private keys live in it and are reused. Key material leaves it only through
 * pst_key_encode and is wiped wherever it was copied.
 */
#ifndef POSTERN_PORT_OPENSSL_H
#define POSTERN_PORT_OPENSSL_H

#include <postern/cose.h>

/* --- keys as data and as files ----------------------------------------- */

/* The longest secret: a P-521 scalar is 66 bytes; HMAC keys may be longer. */
#define PST_SECRET_MAX 256
/* The longest key file that is read; an RSA key or a chain is longer than
 * what is accepted, and is refused for what it is. */
#define PST_KEY_FILE_MAX 65536
/* Room that any encoded key fits in. */
#define PST_KEY_ENCODED_MAX 1024

/**
 * A key as plain data. A secret key has pub.kty PST_KTY_SYMMETRIC and nothing
 * else in pub but alg. Wipe with pst_key_wipe.
 */
struct pst_key {
	struct pst_pubkey pub;
	size_t secret_len; /* 0: only the public part is known */
	uint8_t secret[PST_SECRET_MAX];
	size_t kid_len; /* of the file; 0 when it names none */
	uint8_t kid[PST_KID_MAX];
};

enum pst_key_format { PST_KEY_PEM, PST_KEY_COSE, PST_KEY_JWK };

void pst_key_wipe(struct pst_key *key);

/**
 * Read a key: PEM (PKCS #8, SEC 1, SubjectPublicKeyInfo), COSE_Key or JWK,
 * told apart by content. A private part must belong to the public one.
 *
 * @param why  set to a phrase for a person when it fails; may be NULL
 *
 * @retval PST_ERR_COSE_KEY_FORMAT  not a key, or a damaged one
 * @retval PST_ERR_UNSUPPORTED      a key of a kind that is not supported
 */
enum pst_err pst_key_parse(
    struct pst_bytes in, struct pst_key *out, const char **why) PST_MUST_CHECK;

/**
 * Read a key file.
 *
 * @retval PST_ERR_IO  cannot be read; errno says why
 */
enum pst_err pst_key_read(
    const char *path, struct pst_key *out, const char **why) PST_MUST_CHECK;

/** Can others than the owner read the file? False when it cannot be told. */
bool pst_key_file_exposed(const char *path);

/**
 * Encode a key; a COSE_Key and a JWK carry kid and alg when they are set.
 *
 * @param secret  with its private part; PST_ERR_ARG when there is none.
 *                A symmetric key has no other part: false refuses it.
 * @param cap     PST_KEY_ENCODED_MAX always suffices
 */
enum pst_err
pst_key_encode(const struct pst_key *key, enum pst_key_format format,
    bool secret, uint8_t *out, size_t cap, size_t *len) PST_MUST_CHECK;

/**
 * Write a new key file, mode 0600 when secret, else 0644, and sync it.
 *
 * @retval PST_ERR_STATE  the file exists; a key is never overwritten
 * @retval PST_ERR_IO     errno says why; nothing is left behind
 */
enum pst_err pst_key_write(const char *path, const struct pst_key *key,
    enum pst_key_format format, bool secret) PST_MUST_CHECK;

/**
 * A fresh key for alg: ESP256, ES256, ES384, ES512, Ed25519, EdDSA,
 * ECDH-ES+A128KW (P-256), or a secret one for HMAC or AES key wrap. pub.alg of
 * one that signs is left 0, so that it is not tied to one of two names for the
 * same algorithm; one that encrypts does nothing else.
 */
enum pst_err pst_key_generate(int32_t alg, struct pst_key *out) PST_MUST_CHECK;

/** RFC 9679 thumbprint, of secret keys as well (Section 4.4). */
enum pst_err pst_key_thumbprint(
    const struct pst_key *key, uint8_t out[PST_THUMBPRINT_LEN]) PST_MUST_CHECK;

/**
 * Was the private part of this key printed in a specification or a public
 * repository? Such a key protects nothing: programs refuse it, outside tests.
 */
bool pst_key_published(const struct pst_key *key);
bool pst_pubkey_published(const struct pst_pubkey *key);

/** The algorithm that a key is used with by default: its own, else ESP256,
 * ES384, ES512, Ed25519 or HMAC 256; 0 when there is none. */
int32_t pst_key_default_alg(const struct pst_key *key);

/** The key wrap that a secret is for: its alg, else by its length; 0: none. */
int32_t pst_key_wrap_alg(const struct pst_key *key);

/** An algorithm by the name used in files and options ("esp256"), any case;
 * 0 for none. */
int32_t pst_alg_by_name(const char *name);
/** The registered name of an algorithm, or NULL. */
const char *pst_alg_name(int32_t alg);

/** An ECDSA signature in DER as r || s, 2 * coord_len bytes at raw; false
 * when it is none. Nothing is verified. */
bool pst_ecdsa_from_der(struct pst_bytes der, uint8_t *raw, size_t coord_len);

/** Certificates of a file, leaf first as in a TLS chain file. */
struct pst_certs {
	size_t count;
	struct pst_bytes cert[PST_X5CHAIN_MAX]; /* DER, owned */
};

/** Read certificates: PEM (one or more) or one in DER. */
enum pst_err pst_certs_parse(struct pst_bytes in, struct pst_certs *out,
    const char **why) PST_MUST_CHECK;
enum pst_err pst_certs_read(
    const char *path, struct pst_certs *out, const char **why) PST_MUST_CHECK;
void pst_certs_free(struct pst_certs *certs);
/** The public key of one certificate in DER, of whatever use. */
enum pst_err
pst_cert_public(struct pst_bytes der, struct pst_pubkey *out) PST_MUST_CHECK;
/** Write them as the value of header x5chain (RFC 9360). */
void
pst_certs_x5chain(struct pst_cbor_writer *w, const struct pst_certs *certs);

/* --- the port ---------------------------------------------------------- */

struct pst_openssl;

/** @return NULL when memory or OpenSSL fails */
struct pst_openssl *pst_openssl_new(void);
/** Wipes and frees; accepts NULL and clears the caller's pointer. */
void pst_openssl_free(struct pst_openssl **o);

/** The table for the core; valid until the instance is freed. */
const struct pst_crypto *pst_openssl_crypto(struct pst_openssl *o);

/**
 * Take a private or secret key into the instance; key is only borrowed.
 *
 * @param number  what the core calls it; never 0
 * @retval PST_ERR_ARG  key has no private part
 */
enum pst_err pst_openssl_add(struct pst_openssl *o, const struct pst_key *key,
    uint32_t *number) PST_MUST_CHECK;

/** A private key that something else holds: a token. */
struct pst_external {
	void *ctx;
	/**
	 * @param tbs  the digest for ECDSA; the message itself for Ed25519
	 * @param sig  PST_SIGNATURE_MAX bytes; r || s for ECDSA
	 */
	enum pst_err (*sign)(void *ctx, int32_t alg, struct pst_bytes tbs,
	    uint8_t *sig, size_t *len);
	void (*close)(void *ctx); /* with the instance, or pst_openssl_remove */
};

/**
 * Take such a key; what it signs is verified with pub before it is used, so
 * that a wrong public part, or a fault, gives no signature.
 */
enum pst_err
pst_openssl_add_external(struct pst_openssl *o, const struct pst_pubkey *pub,
    const struct pst_external *it, uint32_t *number) PST_MUST_CHECK;

/** Read a private key file and take it; pub may be NULL. */
enum pst_err pst_openssl_add_file(struct pst_openssl *o, const char *path,
    uint32_t *number, struct pst_pubkey *pub, const char **why) PST_MUST_CHECK;

/** Forget a key; its number is not used again. */
void pst_openssl_remove(struct pst_openssl *o, uint32_t number);

/** The public part of a key that was added. */
enum pst_err pst_openssl_public(struct pst_openssl *o, uint32_t number,
    struct pst_pubkey *out) PST_MUST_CHECK;

/**
 * A signer of that key, whose kid is the key's thumbprint.
 *
 * @param alg  0: the key's default
 */
enum pst_err pst_openssl_signer(struct pst_openssl *o, uint32_t number,
    int32_t alg, struct pst_signer *out) PST_MUST_CHECK;

#endif
