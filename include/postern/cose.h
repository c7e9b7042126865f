/*
 * COSE (RFC 9052, RFC 9053): Sign1, Sign, Mac0; COSE_Key; thumbprints
 * (RFC 9679); x5chain (RFC 9360). Messages may carry their tag or not.
 *
 * A payload that verified is a struct pst_verified, and decoders of messages
 * take nothing else: the wrong order does not compile.
 */
#ifndef POSTERN_COSE_H
#define POSTERN_COSE_H

#include <postern/cbor.h>
#include <postern/crypto.h>

#define PST_TAG_ENCRYPT0 16
#define PST_TAG_MAC0 17
#define PST_TAG_SIGN1 18
#define PST_TAG_CWT 61
#define PST_TAG_ENCRYPT 96
#define PST_TAG_MAC 97
#define PST_TAG_SIGN 98

/* Signatures in a COSE_Sign: one a cipher suite and room to change keys. */
#define PST_COSE_SIGNERS_MAX 8
/* Entries in one header map; the messages in use have at most 4. */
#define PST_COSE_HEADERS_MAX 16
/* Bytes of a bucket: a chain of PST_X5CHAIN_MAX certificates of 3 KiB fits. */
#define PST_COSE_BUCKET_MAX 16384

/** Header labels (RFC 9052, Section 3.1; RFC 9360). */
enum pst_cose_header {
	PST_COSE_ALG = 1,
	PST_COSE_CRIT = 2,
	PST_COSE_CONTENT_TYPE = 3,
	PST_COSE_KID = 4,
	PST_COSE_IV = 5,
	PST_COSE_X5CHAIN = 33
};

/** What one protected and one unprotected bucket said. Views the message. */
struct pst_cose_headers {
	int32_t alg;	       /* protected, else unprotected; 0 when absent */
	bool alg_protected;    /* alg came from the protected bucket */
	bool unknown_critical; /* crit lists a label that is not understood */
	struct pst_bytes kid;
	struct pst_list x5chain;       /* bstr items, leaf first; RFC 9360 */
	struct pst_bytes content_type; /* the encoded value; empty if absent */
	struct pst_bytes protected;    /* content of the bstr */
};

/**
 * A COSE message taken apart, nothing verified. Views the message. The
 * signatures of a COSE_Sign stay encoded, checked for their shape, and are
 * read one at a time: the struct stays small however many there are.
 */
struct pst_cose_message {
	uint64_t kind; /* PST_TAG_SIGN1, PST_TAG_SIGN or PST_TAG_MAC0 */
	bool tagged;
	bool detached;		      /* payload is nil in the message */
	struct pst_bytes payload;     /* empty when detached */
	struct pst_bytes protected;   /* body bucket, bstr content */
	struct pst_bytes unprotected; /* body bucket, encoded map */
	struct pst_bytes signature;   /* Sign1: signature, Mac0: tag */
	struct pst_list signatures;   /* Sign: 1..PST_COSE_SIGNERS_MAX */
};

/**
 * Read signature `index` of a message; Sign1 and Mac0 have one, index 0.
 *
 * @return false when there are no more
 */
bool pst_cose_signature(const struct pst_cose_message *msg, size_t index,
    struct pst_cose_headers *headers, struct pst_bytes *signature);

/**
 * Bytes whose origin was checked. Made only by the verify functions here and
 * by pst_verified_by_caller.
 */
struct pst_verified {
	struct pst_bytes payload;
	struct pst_pubkey key; /* the key that verified; zero for a MAC */
	int32_t alg;
	uint32_t
	    who; /* what the key source said of the key: an anchor's index */
};

/**
 * Where keys come from. find is asked with the headers of one signature and
 * attempt 0, 1, 2 … until it answers PST_ERR_NOT_FOUND; each key that it gives
 * is tried. It must give only keys that may sign this kind of message.
 */
struct pst_keys {
	void *ctx;
	enum pst_err (*find)(void *ctx, const struct pst_cose_headers *headers,
	    size_t attempt, struct pst_pubkey *key, uint32_t *who);
	/* secret keys for a MAC; NULL when there are none */
	enum pst_err (*find_secret)(void *ctx,
	    const struct pst_cose_headers *headers, size_t attempt,
	    uint32_t *key, uint32_t *who);
	/* RFC 9052 lets alg stand in the unprotected bucket; the protocols
	 * here do not. True only for tools that check any COSE message. */
	bool alg_unprotected;
};

/**
 * Take a COSE message apart. Accepts Sign1, Sign, Mac0, tagged or not; an
 * untagged 4-element array is read as `untagged` says.
 *
 * @param untagged  PST_TAG_SIGN1 or PST_TAG_MAC0: what four elements mean
 *                  without a tag; an array whose last element is an array is
 *                  a COSE_Sign in either case
 * @param at        offset of the first fault; may be NULL
 */
enum pst_err pst_cose_parse(struct pst_bytes msg, uint64_t untagged,
    struct pst_cose_message *out, size_t *at) PST_MUST_CHECK;

/**
 * Verify a Sign1, Sign or Mac0 whose payload is inside (RFC 9052, 4.4, 6.3).
 *
 * One good signature of a COSE_Sign by a key from `keys` is enough;
 * signatures by unknown algorithms or keys are passed over. alg must be
 * in the protected bucket. crit is honoured.
 *
 * @param keys  borrowed
 * @param aad   external_aad, may be empty
 * @param out   views msg
 *
 * @retval PST_ERR_COSE_KEY        no key was found for any signature
 * @retval PST_ERR_COSE_SIGNATURE  keys were found, none verified
 */
enum pst_err pst_cose_verify(const struct pst_cose_message *msg,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_bytes aad, struct pst_verified *out) PST_MUST_CHECK;

/** Likewise for a message whose payload is detached and given here. */
enum pst_err pst_cose_verify_detached(const struct pst_cose_message *msg,
    struct pst_bytes payload, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_bytes aad,
    struct pst_verified *out) PST_MUST_CHECK;

/**
 * Check one signature of a message only, for those who want each to hold.
 *
 * @param index    as in pst_cose_signature
 * @param payload  msg->payload, or the detached one
 * @retval PST_ERR_NOT_FOUND  the message has no such signature
 */
enum pst_err pst_cose_verify_at(const struct pst_cose_message *msg,
    size_t index, struct pst_bytes payload, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_bytes aad,
    struct pst_verified *out) PST_MUST_CHECK;

/** May a key be used with alg: by its type, curve and own alg? */
bool pst_alg_fits(const struct pst_pubkey *key, int32_t alg);

/**
 * The certificates of an x5chain header as views, leaf first, as the port's
 * chain function takes them. certs has room for cap.
 */
enum pst_err pst_cose_x5chain_certs(struct pst_list x5chain,
    struct pst_bytes *certs, size_t cap, size_t *n) PST_MUST_CHECK;

/**
 * Bytes that the caller vouches for: read back from its own sealed store, or
 * shown to a person and not acted upon. Each use says which.
 */
struct pst_verified pst_verified_by_caller(struct pst_bytes payload);

/** What to sign and how it is wrapped. */
struct pst_cose_sign_args {
	struct pst_bytes payload;
	struct pst_bytes aad; /* external_aad */
	bool detached;	      /* payload is nil in the message */
	bool untagged;
	const struct pst_signer *signers; /* borrowed; 1 for Sign1 */
	size_t count;
	struct pst_bytes x5chain; /* encoded value for header 33, or empty */
	/* What signers[0] made elsewhere, with a key that no port has here;
	 * ptr NULL: the port makes it. Not for COSE_Sign. */
	struct pst_bytes made;
};

/**
 * Write what signers[0] has to sign or to MAC: the Sig_structure of a
 * COSE_Sign1 (RFC 9052, Section 4.4) or the MAC_structure of a COSE_Mac0
 * (Section 6.3). Of a signer only alg counts.
 *
 * @param kind  PST_TAG_SIGN1 or PST_TAG_MAC0
 */
enum pst_err pst_cose_tbs(struct pst_cbor_writer *w, uint64_t kind,
    const struct pst_cose_sign_args *args) PST_MUST_CHECK;

/** Write a COSE_Sign1 by signers[0]. Errors go to w->err as well. */
enum pst_err
pst_cose_sign1(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args) PST_MUST_CHECK;

/** Write a COSE_Sign with one signature a signer (RFC 9052, 4.1). */
enum pst_err
pst_cose_sign(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args) PST_MUST_CHECK;

/** Write a COSE_Mac0 under signers[0], a secret key. */
enum pst_err
pst_cose_mac0(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args) PST_MUST_CHECK;

/** The most bytes that wrapping adds to a payload, x5chain apart. */
#define PST_COSE_SIGN1_OVERHEAD (16 + PST_KID_MAX + PST_SIGNATURE_MAX)
#define PST_COSE_SIGN_OVERHEAD(n) \
	(16 + (n) * (size_t)(16 + PST_KID_MAX + PST_SIGNATURE_MAX))

/**
 * Read the public part of a COSE_Key (RFC 9052, Section 7); a private part
 * is passed over. kid, when not NULL, is a view of the key's kid.
 */
enum pst_err pst_cose_key_decode(struct pst_bytes in, struct pst_pubkey *out,
    struct pst_bytes *kid, size_t *at) PST_MUST_CHECK;

/** Write a public COSE_Key in deterministic order; kid may be empty. */
void pst_cose_key_encode(struct pst_cbor_writer *w,
    const struct pst_pubkey *key, struct pst_bytes kid);

/** Bytes of a coordinate on a curve; 0 for a curve that is not supported. */
size_t pst_cose_coord_len(int32_t crv);

/** SHA-256 thumbprint of a public key (RFC 9679, Section 3). */
enum pst_err pst_cose_thumbprint(const struct pst_crypto *crypto,
    const struct pst_pubkey *key,
    uint8_t out[PST_THUMBPRINT_LEN]) PST_MUST_CHECK;

/** Are both the same key? alg is not compared. */
bool pst_pubkey_equal(const struct pst_pubkey *a, const struct pst_pubkey *b);

#endif
