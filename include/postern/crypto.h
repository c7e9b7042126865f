/*
 * The crypto port: what the core asks of a cryptographic library. One table
 * of functions, implemented by ports/openssl on hosts and by ports/gp inside
 * a TEE. Private keys stay behind it; the core names them by a number.
 *
 * A table belongs to one thread at a time; two threads use two.
 */
#ifndef POSTERN_CRYPTO_H
#define POSTERN_CRYPTO_H

#include <postern/base.h>

/** IANA COSE Algorithms that appear here. */
enum pst_alg {
	PST_ALG_NONE = 0,
	PST_ALG_A128GCM = 1,
	PST_ALG_A192GCM = 2,
	PST_ALG_A256GCM = 3,
	PST_ALG_HMAC_256_64 = 4, /* HMAC-SHA-256 cut to 64 bits */
	PST_ALG_HMAC_256 = 5,	 /* HMAC 256/256 */
	PST_ALG_HMAC_384 = 6,
	PST_ALG_HMAC_512 = 7,
	PST_ALG_CHACHA_POLY = 24,
	PST_ALG_A128KW = -3,
	PST_ALG_A192KW = -4,
	PST_ALG_A256KW = -5,
	PST_ALG_DIRECT = -6,
	PST_ALG_ES256 = -7,
	PST_ALG_EDDSA = -8,
	PST_ALG_ESP256 = -9,
	PST_ALG_SHA256 = -16,
	PST_ALG_SHAKE128 = -18,
	PST_ALG_ED25519 = -19,
	PST_ALG_ECDH_ES_HKDF_256 = -25,
	PST_ALG_ECDH_ES_HKDF_512 = -26,
	PST_ALG_ECDH_SS_HKDF_256 = -27,
	PST_ALG_ECDH_SS_HKDF_512 = -28,
	PST_ALG_ECDH_ES_A128KW = -29,
	PST_ALG_ECDH_ES_A192KW = -30,
	PST_ALG_ECDH_ES_A256KW = -31,
	PST_ALG_ECDH_SS_A128KW = -32,
	PST_ALG_ECDH_SS_A192KW = -33,
	PST_ALG_ECDH_SS_A256KW = -34,
	PST_ALG_ES384 = -35,
	PST_ALG_ES512 = -36,
	PST_ALG_SHA384 = -43,
	PST_ALG_SHA512 = -44,
	PST_ALG_SHAKE256 = -45,
	PST_ALG_HSS_LMS = -46,
	PST_ALG_A256CTR = -65532,
	PST_ALG_A192CTR = -65533,
	PST_ALG_A128CTR = -65534
};

/** COSE key types and curves (IANA COSE registries). */
enum pst_kty {
	PST_KTY_OKP = 1,
	PST_KTY_EC2 = 2,
	PST_KTY_SYMMETRIC = 4,
	PST_KTY_HSS_LMS = 5
};
enum pst_crv {
	PST_CRV_P256 = 1,
	PST_CRV_P384 = 2,
	PST_CRV_P521 = 3,
	PST_CRV_ED25519 = 6
};

#define PST_COORD_MAX 66      /* a P-521 coordinate */
#define PST_HSS_PUB_LEN 60    /* levels, types, identifier, root */
#define PST_SIGNATURE_MAX 132 /* two P-521 scalars */
#define PST_DIGEST_MAX 64     /* SHA-512, SHAKE256 */
#define PST_THUMBPRINT_LEN 32 /* SHA-256, RFC 9679 */
#define PST_KID_MAX 64	      /* longest kid that is looked up */
#define PST_X5CHAIN_MAX 5     /* certificates in a chain, leaf included */
#define PST_CEK_MAX 64	      /* a content key: HMAC-SHA-512's is the longest */
#define PST_WRAP_OVERHEAD 8   /* what AES key wrap adds (RFC 3394) */
#define PST_AEAD_TAG_LEN 16   /* of every AEAD here */

/** A public key as plain data, from a COSE_Key, a PEM file or a certificate.
 * One of HSS/LMS (RFC 8778) has crv 0 and is in x whole. */
struct pst_pubkey {
	int32_t kty; /* enum pst_kty: EC2, OKP or HSS-LMS */
	int32_t crv; /* enum pst_crv */
	int32_t alg; /* the only algorithm it may be used with; 0: any fit */
	uint8_t coord_len; /* bytes of x, and of y for EC2 */
	uint8_t y_sign;	   /* 0; or 2, 3: y is not given, only its lowest bit
			    * (RFC 9053, 7.1.1), as a SEC 1 prefix */
	uint8_t x[PST_COORD_MAX];
	uint8_t y[PST_COORD_MAX];
};

/** Which private or secret key, and how it is named on the wire. */
struct pst_signer {
	uint32_t key; /* the port's number for it */
	int32_t alg;
	uint8_t kid_len; /* 0: no kid header is sent */
	uint8_t kid[PST_KID_MAX];
};

/**
 * A secret for one operation: the port's own by number, or, with number 0,
 * bytes that were derived for one message and that the caller wipes.
 */
struct pst_secret {
	uint32_t key;
	struct pst_bytes bytes;
};

struct pst_crypto {
	void *ctx;

	/** Whether this port can compute alg at all. */
	bool (*supports)(void *ctx, int32_t alg);

	/** Fill out with len random bytes from a secure source. */
	enum pst_err (*random)(void *ctx, uint8_t *out, size_t len);

	/**
	 * Digest of the concatenation of n parts.
	 *
	 * @param out  PST_DIGEST_MAX bytes; *len is set to the digest's size
	 * @retval PST_ERR_COSE_ALG  alg is not a hash that the port has
	 */
	enum pst_err (*digest)(void *ctx, int32_t alg,
	    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);

	/**
	 * A digest over chunks. hash_begin gives a handle; hash_end gives the
	 * digest and releases it, or with out NULL only releases it.
	 *
	 * @retval PST_ERR_LIMIT  no handle is free (at least 4 are)
	 */
	enum pst_err (*hash_begin)(void *ctx, int32_t alg, uint32_t *handle);
	enum pst_err (*hash_update)(
	    void *ctx, uint32_t handle, struct pst_bytes chunk);
	enum pst_err (*hash_end)(
	    void *ctx, uint32_t handle, uint8_t *out, size_t *len);

	/**
	 * Sign the concatenation of n parts with private key `key`.
	 *
	 * @param sig  PST_SIGNATURE_MAX bytes; r || s for ECDSA
	 */
	enum pst_err (*sign)(void *ctx, uint32_t key, int32_t alg,
	    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len);

	/**
	 * Verify a signature over the concatenation of n parts.
	 *
	 * The port may keep a parsed form of pub, keyed by its bytes.
	 *
	 * @retval PST_ERR_COSE_SIGNATURE   does not verify
	 * @retval PST_ERR_COSE_ALG         alg does not fit the key
	 * @retval PST_ERR_COSE_KEY_FORMAT  pub is no point of its curve
	 */
	enum pst_err (*verify)(void *ctx, const struct pst_pubkey *pub,
	    int32_t alg, const struct pst_bytes *parts, size_t n,
	    struct pst_bytes sig);

	/**
	 * HMAC of the parts under secret key `key`; out has PST_DIGEST_MAX.
	 */
	enum pst_err (*mac)(void *ctx, uint32_t key, int32_t alg,
	    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);

	/**
	 * Check a certificate path and give the leaf's public key.
	 *
	 * @param certs    DER certificates, leaf first, at most PST_X5CHAIN_MAX
	 * @param roots    DER certificates that are trusted
	 * @param now_s    time to check validity at, seconds since 1970
	 * @param root     set to the index in roots where the path ended
	 * @retval PST_ERR_COSE_CERT          no acceptable path
	 * @retval PST_ERR_COSE_CERT_EXPIRED  a certificate is not valid now
	 * @retval PST_ERR_UNSUPPORTED        this port has no X.509
	 */
	enum pst_err (*chain)(void *ctx, const struct pst_bytes *certs,
	    size_t n, const struct pst_bytes *roots, size_t nroots,
	    uint64_t now_s, struct pst_pubkey *leaf, size_t *root);

	/**
	 * Compute y of a key that has y_sign, and clear y_sign. May be NULL.
	 *
	 * @retval PST_ERR_COSE_KEY_FORMAT  no point has this x; key unchanged
	 */
	enum pst_err (*expand)(void *ctx, struct pst_pubkey *key);

	/*
	 * What encryption needs. A port that lacks it leaves these NULL, all of
	 * them, and its `supports` says no.
	 */

	/** HMAC as `mac`, under any secret. */
	enum pst_err (*mac_with)(void *ctx, struct pst_secret key, int32_t alg,
	    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len);

	/**
	 * AES key wrap (RFC 3394): A128KW, A192KW, A256KW.
	 *
	 * @param cek  whole multiples of 8 bytes, 16 to PST_CEK_MAX
	 * @param out  cek.len + PST_WRAP_OVERHEAD bytes
	 */
	enum pst_err (*wrap)(void *ctx, struct pst_secret kek, int32_t alg,
	    struct pst_bytes cek, uint8_t *out, size_t *len);
	/**
	 * @param out  PST_CEK_MAX bytes; nothing of the key on failure
	 * @retval PST_ERR_COSE_DECRYPT  not wrapped with this key
	 */
	enum pst_err (*unwrap)(void *ctx, struct pst_secret kek, int32_t alg,
	    struct pst_bytes wrapped, uint8_t *out, size_t *len);

	/**
	 * The x coordinate of private key `key` times `peer` (ECDH).
	 *
	 * @param out  PST_COORD_MAX bytes; the caller wipes it
	 * @retval PST_ERR_COSE_KEY_FORMAT  peer is no point of key's curve
	 */
	enum pst_err (*ecdh)(void *ctx, uint32_t key,
	    const struct pst_pubkey *peer, uint8_t *out, size_t *len);
	/** Likewise with a fresh private key, of which only the public part
	 * `mine` is left. */
	enum pst_err (*ecdh_ephemeral)(void *ctx, const struct pst_pubkey *peer,
	    struct pst_pubkey *mine, uint8_t *out, size_t *len);

	/**
	 * HKDF (RFC 5869), extract and expand, to exactly len bytes.
	 *
	 * @param hash  PST_ALG_SHA256 or PST_ALG_SHA512
	 * @param salt  may be empty
	 */
	enum pst_err (*hkdf)(void *ctx, int32_t hash, struct pst_secret ikm,
	    struct pst_bytes salt, struct pst_bytes info, uint8_t *out,
	    size_t len);

	/**
	 * A cipher over chunks: AxxxCTR, AxxxGCM, ChaCha20/Poly1305. Every
	 * handle that begin gives is released by one end.
	 *
	 * @param iv   16 bytes for CTR, else 12
	 * @param aad  n parts, of an AEAD only
	 * @retval PST_ERR_LIMIT     no handle is free (at least 2 are)
	 * @retval PST_ERR_COSE_ALG  key or iv have not alg's length
	 */
	enum pst_err (*cipher_begin)(void *ctx, int32_t alg, bool encrypt,
	    struct pst_secret key, struct pst_bytes iv,
	    const struct pst_bytes *aad, size_t n, uint32_t *handle);
	/** out has in.len bytes and may be the same memory as in. What an AEAD
	 * decrypts is not authentic before its end says so. */
	enum pst_err (*cipher_update)(
	    void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out);
	/**
	 * Write the tag (encrypting) or check it (decrypting).
	 *
	 * @param tag  PST_AEAD_TAG_LEN bytes; unused for CTR; NULL to give up:
	 *             then nothing is checked and the handle is only released
	 * @retval PST_ERR_COSE_DECRYPT  the tag does not fit
	 */
	enum pst_err (*cipher_end)(void *ctx, uint32_t handle, uint8_t *tag);
};

#endif
