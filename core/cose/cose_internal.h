/*
 * For files of core/cose only.
 */
#ifndef PST_COSE_INTERNAL_H
#define PST_COSE_INTERNAL_H

#include <postern/cose.h>

/**
 * Read the two buckets of one signature or message (RFC 9052, Section 3).
 *
 * @param protected    content of the bstr: empty or one map
 * @param unprotected  the encoded map
 * @param out          zeroed on failure
 */
enum pst_err pst_cose_headers_read(struct pst_bytes protected,
    struct pst_bytes unprotected, struct pst_cose_headers *out) PST_MUST_CHECK;

/* A key source that never ends must not hang a verifier. */
#define PST_COSE_ATTEMPTS_MAX 256

/** The two buckets of a layer, positioned at it (RFC 9052, Section 3). */
struct pst_bytes pst_cose_protected_bucket(struct pst_cbor_reader *r);
struct pst_bytes pst_cose_unprotected_bucket(struct pst_cbor_reader *r);
/** Make r fail at start when the buckets are no headers. */
void pst_cose_check_headers(struct pst_cbor_reader *r, size_t start,
    struct pst_bytes protected, struct pst_bytes unprotected);

/**
 * The encoded value of a label, from either bucket; empty when there is none.
 * Both were read by pst_cose_headers_read.
 */
struct pst_bytes pst_cose_header(
    struct pst_bytes protected, struct pst_bytes unprotected, int64_t label);

/** Which of two refusals says more. */
enum pst_err pst_cose_worst(enum pst_err a, enum pst_err b);

/* Context and heads between the parts; each head takes at most 9 bytes. */
struct pst_cose_structure {
	uint8_t heads[12 + 4 * 9];
	struct pst_bytes parts[8];
	size_t count;
};

/**
 * Sig_structure (4.4), Enc_structure (5.3) or MAC_structure (6.3).
 *
 * @param signer   protected bucket of one COSE_Signature; of "Signature" only
 * @param payload  not of an Enc_structure
 */
void pst_cose_structure_init(struct pst_cose_structure *s, uint64_t kind,
    struct pst_bytes body, struct pst_bytes signer, struct pst_bytes aad,
    struct pst_bytes payload);

#endif
