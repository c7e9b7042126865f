/*
 * What Evidence says of itself while nothing of it is verified: enough to ask
 * a Verifier elsewhere about it, and what may be believed once that one
 * vouched for these very bytes and for this nonce.
 */
#ifndef POSTERN_VERIFIER_UNVERIFIED_H
#define POSTERN_VERIFIER_UNVERIFIED_H

#include "verifier.h"

/* Ways to hand in one piece of Evidence: as it came, without its container,
 * in the container of Linux's reports. */
#define PST_FORMS_MAX 3
/* What the last of these needs beside report and certificates. */
#define PST_FORM_OVERHEAD 64

/** One way to hand it in; bytes are NULL when they have to be written. */
struct pst_evidence_form {
	struct pst_bytes format; /* media type */
	struct pst_bytes bytes;
};

/** Views the payload, and itself: not to be copied. */
struct pst_unverified {
	const char *technology; /* static */
	/* What a Verifier's session about it must have as its nonce: the 64
	 * bytes of user data, or what its format holds instead. */
	struct pst_bytes nonce;
	struct pst_bytes challenge;  /* of the TAM, out of these */
	struct pst_bytes thumbprint; /* of the agent's key; empty: not bound */
	/* The attester by the name that its signer cannot choose: instance-id,
	 * chip-id, module-id, thumbprint of a certified key; empty: none. */
	struct pst_bytes identity;
	bool has_agent_key; /* a COSE_Key that the nonce is bound to */
	struct pst_pubkey agent_key;
	size_t form_count;
	struct pst_evidence_form form[PST_FORMS_MAX];
	struct pst_bytes report, certificates; /* of the form to be written */
	uint8_t both[2 * PST_THUMBPRINT_LEN];
	uint8_t print[PST_THUMBPRINT_LEN];
};

/**
 * Take Evidence apart without verifying it.
 *
 * @param format  its media type
 * @retval PST_ERR_UNSUPPORTED  no technology for this format, or one whose
 *                              Evidence only an enrolled key can vouch for
 * @retval PST_ERR_EAT_CLAIM    not of this format
 * @retval PST_ERR_EAT_BINDING  the key beside it is not the one it names
 */
enum pst_err
pst_unverified_read(const struct pst_crypto *crypto, struct pst_bytes payload,
    struct pst_bytes format, struct pst_unverified *out) PST_MUST_CHECK;

/**
 * The ways to hand in a payload, best first; the first is always the payload
 * itself. For Evidence that pst_unverified_read cannot take apart too.
 */
void pst_unverified_forms(struct pst_bytes payload, struct pst_bytes format,
    struct pst_unverified *out);

/**
 * The bytes of form i, which may have to be written.
 *
 * @param out  room for them: report, certificates and PST_FORM_OVERHEAD
 */
enum pst_err pst_unverified_form(const struct pst_unverified *u, size_t i,
    uint8_t *out, size_t cap, struct pst_bytes *bytes) PST_MUST_CHECK;

#endif
