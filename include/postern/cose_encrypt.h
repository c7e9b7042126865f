/*
 * COSE with content keys (RFC 9052, Sections 5 and 6.1; RFC 9053, Section 6):
 * Encrypt0, Encrypt and Mac, read and checked. Algorithms are those that the
 * port supports; of CTR see pst_cose_open_args.
 */
#ifndef POSTERN_COSE_ENCRYPT_H
#define POSTERN_COSE_ENCRYPT_H

#include <postern/cose.h>

/* Recipients of one message: a group is served by one message a device, or by
 * a key that the group has. */
#define PST_COSE_RECIPIENTS_MAX 32

/** What the KDF context of SUIT and TEEP has in SuppPubInfo.other. */
#define PST_COSE_KDF_SUIT PST_BYTES_LIT("SUIT Payload Encryption")
#define PST_COSE_KDF_REPORT PST_BYTES_LIT("SUIT Report Encryption")
#define PST_COSE_KDF_EAT PST_BYTES_LIT("EAT Encryption")

/** A message taken apart, nothing checked but its shape. Views the message. */
struct pst_cose_sealed {
	uint64_t kind; /* PST_TAG_ENCRYPT0, PST_TAG_ENCRYPT or PST_TAG_MAC */
	bool tagged;
	bool detached;		    /* content is nil in the message */
	struct pst_bytes protected; /* bstr content */
	struct pst_bytes unprotected;
	struct pst_bytes content;   /* ciphertext, or payload of a Mac */
	struct pst_bytes tag;	    /* of a Mac */
	struct pst_list recipients; /* of Encrypt and Mac; at least one */
};

/**
 * Take a message apart, tagged or not: without a tag three elements are an
 * Encrypt0, four an Encrypt and five a Mac. Recipients of recipients are
 * refused as PST_ERR_UNSUPPORTED.
 *
 * @param at  offset of the first fault; may be NULL
 */
enum pst_err pst_cose_sealed_parse(struct pst_bytes msg,
    struct pst_cose_sealed *out, size_t *at) PST_MUST_CHECK;

/** How to open a message. */
struct pst_cose_open_args {
	/* find_secret is asked with the headers of a recipient (of an
	 * Encrypt0: of the message) for a secret key or, where they say ECDH,
	 * a private one. find is asked for a static key of the sender that
	 * only its kid names. */
	const struct pst_keys *keys;
	struct pst_bytes aad; /* external_aad */
	/* SuppPubInfo.other of the KDF context; ptr NULL: not there */
	struct pst_bytes kdf_other;
	/* Accept AES-CTR (RFC 9459): what it gives is not authentic, and the
	 * caller has a digest of it. Else PST_ERR_COSE_ALG. */
	bool unauthenticated;
	/* Only content keys that come wrapped: AxxxKW, ECDH with AxxxKW. The
	 * wrap tells a wrong key before anything is decrypted. */
	bool wrapped;
	bool one_recipient; /* only the recipient with index `recipient` */
	size_t recipient;
};

/**
 * An opening message; the caller's memory. No content key stays in it: that
 * is with the port. Its plaintext is not authentic until pst_cose_open_end has
 * returned PST_OK, and with AES-CTR it never is.
 */
struct pst_cose_opening {
	const struct pst_crypto *crypto;
	uint32_t handle;
	int32_t alg;
	uint32_t who; /* what the key source said of the key */
	bool running;
	uint8_t tag_len; /* 0 for AES-CTR */
	uint8_t held;	 /* bytes in last */
	/* The end of what has come so far may be the tag. */
	uint8_t last[PST_AEAD_TAG_LEN];
};

/**
 * Find the content key and begin to decrypt.
 *
 * @param next  which candidate to begin with, 0 at first; set to the one after
 *              the candidate taken. A key that was used directly can be wrong
 *              without a sign of it before the end: then begin again with it.
 * @retval PST_ERR_COSE_KEY      no key is left
 * @retval PST_ERR_COSE_DECRYPT  there were keys; none fits
 */
enum pst_err pst_cose_open_begin(struct pst_cose_opening *o,
    const struct pst_cose_sealed *msg, const struct pst_crypto *crypto,
    const struct pst_cose_open_args *args, size_t *next) PST_MUST_CHECK;

/**
 * Decrypt a chunk of the ciphertext, whose tag is its end.
 *
 * @param out  in.len + PST_AEAD_TAG_LEN bytes; not the memory of in
 * @param len  set to the bytes written, not authentic yet
 */
enum pst_err pst_cose_open_update(struct pst_cose_opening *o,
    struct pst_bytes in, uint8_t *out, size_t *len) PST_MUST_CHECK;

/**
 * Likewise in place.
 *
 * @param buf  the chunk; the PST_AEAD_TAG_LEN bytes before it are the caller's
 *             too, and are written: the end of the chunk before goes there
 * @param out  set to the plaintext, a view of that memory
 */
enum pst_err pst_cose_open_in_place(struct pst_cose_opening *o, uint8_t *buf,
    size_t len, struct pst_bytes *out) PST_MUST_CHECK;

/** Check the tag; PST_OK makes what was written authentic. */
enum pst_err pst_cose_open_end(struct pst_cose_opening *o) PST_MUST_CHECK;

/** Give up; accepts one that is not running. */
void pst_cose_open_abort(struct pst_cose_opening *o);

/**
 * Decrypt the whole of a message with whatever key fits.
 *
 * @param content  msg->content, or the detached ciphertext
 * @param out      content.len bytes; zeroed on failure
 * @param who      what the key source said of the key; may be NULL
 */
enum pst_err
pst_cose_decrypt(const struct pst_cose_sealed *msg, struct pst_bytes content,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    uint8_t *out, size_t *len, uint32_t *who) PST_MUST_CHECK;

/**
 * Check the MAC of a COSE_Mac (RFC 9052, Section 6.3).
 *
 * @param payload  msg->content, or the detached payload
 * @param out      views payload; its key is zero
 */
enum pst_err
pst_cose_mac_verify(const struct pst_cose_sealed *msg, struct pst_bytes payload,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    struct pst_verified *out) PST_MUST_CHECK;

/* --- writing ----------------------------------------------------------- */

/** Whom a message is for. */
struct pst_cose_recipient {
	int32_t alg;  /* direct, AxxxKW or ECDH-ES+AxxxKW */
	uint32_t key; /* direct and AxxxKW: the port's number for the secret */
	const struct pst_pubkey *pub; /* ECDH-ES+AxxxKW: EC2; borrowed */
	struct pst_bytes kid;	      /* empty: none is sent */
};

struct pst_cose_encrypt_args {
	int32_t alg; /* of the content */
	bool detached, untagged;
	struct pst_bytes aad;	    /* external_aad; not with AES-CTR */
	struct pst_bytes kdf_other; /* as in pst_cose_open_args */
	bool unauthenticated;	    /* AES-CTR may be used */
	const struct pst_cose_recipient *recipients; /* borrowed */
	size_t count;
};

/**
 * Write a COSE_Encrypt under a fresh content key and a fresh IV (RFC 9052,
 * Section 5.1). A direct recipient is the only one, and its key is used as it
 * is.
 *
 * @param w        has a buffer: this does not count without one
 * @param content  plaintext.len + PST_AEAD_TAG_LEN bytes: the ciphertext goes
 *                 there first; then into the message, unless it is detached
 * @param len      set to the bytes of content
 */
enum pst_err pst_cose_encrypt(struct pst_cbor_writer *w,
    const struct pst_crypto *crypto, const struct pst_cose_encrypt_args *args,
    struct pst_bytes plaintext, uint8_t *content, size_t *len) PST_MUST_CHECK;

/** An encrypting message; the caller's memory. No content key stays in it. */
struct pst_cose_sealing {
	const struct pst_crypto *crypto;
	uint32_t handle;
	uint8_t tag_len; /* 0 for AES-CTR */
	bool running;
};

/**
 * Write a COSE_Encrypt whose content is detached, and begin to encrypt that in
 * chunks: what a SUIT_Encryption_Info and a payload of any size need. The
 * message is whole when this returns; it does not depend on the content. The
 * detached content is what update gives, then what end gives.
 *
 * @param w     has a buffer: this does not count without one
 * @param args  args->detached is true; borrowed
 *
 * @retval PST_OK     s holds a cipher: end it or abort it
 * @retval otherwise  s holds nothing
 */
enum pst_err pst_cose_encrypt_begin(struct pst_cose_sealing *s,
    struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_encrypt_args *args) PST_MUST_CHECK;

/**
 * Encrypt a chunk.
 *
 * @param out  in.len bytes; may be the memory of in. After a failure nothing
 *             of it is to be used, and s holds nothing
 */
enum pst_err pst_cose_encrypt_update(struct pst_cose_sealing *s,
    struct pst_bytes in, uint8_t *out) PST_MUST_CHECK;

/**
 * Write the last bytes of the content: the tag; none with AES-CTR.
 *
 * @param out  PST_AEAD_TAG_LEN bytes
 * @param len  set to the bytes written
 */
enum pst_err pst_cose_encrypt_end(
    struct pst_cose_sealing *s, uint8_t *out, size_t *len) PST_MUST_CHECK;

/** Give up; accepts one that is not running. */
void pst_cose_encrypt_abort(struct pst_cose_sealing *s);

/**
 * Write a COSE_Encrypt with detached content again, for other recipients: its
 * content key and IV stay, and so does the ciphertext, which is not needed.
 * That is what a distributor does with what an author encrypted to it.
 *
 * @param from  how the content key is found, as for opening msg
 * @param args  recipients, not direct ones, and kdf_other; alg is msg's
 *
 * @retval PST_ERR_COSE_KEY      no key of `from` is for msg
 * @retval PST_ERR_COSE_DECRYPT  there were keys; none fits
 */
enum pst_err
pst_cose_rewrap(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sealed *msg, const struct pst_cose_open_args *from,
    const struct pst_cose_encrypt_args *args) PST_MUST_CHECK;

/** Write a COSE_Encrypt0 (Section 5.2): count is 1, the recipient direct. */
enum pst_err pst_cose_encrypt0(struct pst_cbor_writer *w,
    const struct pst_crypto *crypto, const struct pst_cose_encrypt_args *args,
    struct pst_bytes plaintext, uint8_t *content, size_t *len) PST_MUST_CHECK;

#endif
