/*
 * What PSA tokens and the two tokens of Arm CCA have in common: CWTs whose
 * claims have other numbers than an EAT's. For files of verifier/ only.
 */
#ifndef PST_VERIFIER_TOKEN_H
#define PST_VERIFIER_TOKEN_H

#include "internal.h"

/** Type and bounds of one claim, and what Reference Values call it. */
struct pst_token_claim {
	int64_t label;
	const char *name; /* NULL: read elsewhere, or passed over */
	enum pst_claim_kind kind;
	bool required;
	uint16_t min, max; /* bytes of a string; uints have any value */
};

/** Where the values of a table's claims are put, in its order. */
struct pst_token_value {
	bool there;
	struct pst_bytes bytes;
	uint64_t n;
	struct pst_bytes item; /* encoded */
};

/**
 * Read a claims-set by a table; claims that are not in it are passed over.
 * Duplicates are refused.
 *
 * @param values  one for each row
 * @retval PST_ERR_EAT_CLAIM  a claim is missing or not of its type
 */
enum pst_err
pst_token_read(struct pst_bytes claims, const struct pst_token_claim *table,
    size_t n, struct pst_token_value *values) PST_MUST_CHECK;

/** Hand the claims that have names to the policy. */
void
pst_token_claims(struct pst_appraisal *out, const struct pst_token_claim *table,
    size_t n, const struct pst_token_value *values);

/**
 * Software components, [+ map]: each one's type, value, version and signer as
 * claims "sw-type", "sw-value" … that Reference Values name.
 */
enum pst_err pst_token_software(
    struct pst_appraisal *out, struct pst_bytes list) PST_MUST_CHECK;

/** Is a life cycle (0x0000 to 0x60ff) "secured", 0x30xx? */
static inline bool
pst_token_secured(uint64_t life_cycle)
{
	return life_cycle >> 8 == 0x30;
}

/**
 * Verify a Sign1 or Mac0 by an enrolled key: of its kid, or, where it names
 * none, of `name`, such as the instance-id in its unverified payload.
 */
enum pst_err
pst_token_verify(const struct pst_verifier *v, struct pst_bytes token,
    struct pst_bytes name, struct pst_verified *out) PST_MUST_CHECK;

#endif
