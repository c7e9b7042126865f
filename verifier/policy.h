/*
 * Reference Values and the appraisal policy, for the files of verifier/ only.
 */
#ifndef PST_VERIFIER_POLICY_H
#define PST_VERIFIER_POLICY_H

#include "cert.h"
#include "internal.h"

/* What one claim of one technology may be. */
struct pst_rule {
	char technology[16];
	char claim[128];
	bool has_min, has_max;
	uint64_t min, max;
	struct pst_bytes *values; /* owned; bytes, text, or 8 bytes of a uint */
	size_t value_count;
};

/**
 * Take rules from JSON: {technology: {claim: rule}}, where a rule is a list of
 * values (hexadecimal for bytes, strings for text, numbers) or {"min": n,
 * "max": n}.
 *
 * @param why  set to a phrase for a person
 * @retval PST_ERR_ARG  it is not that
 */
enum pst_err pst_rules_parse(struct pst_endorsements *e, struct pst_bytes json,
    const char **why) PST_MUST_CHECK;

/** Add a value to the rule of a claim, which is made if there is none. */
enum pst_err pst_rules_value(struct pst_endorsements *e, const char *technology,
    const char *claim, struct pst_bytes value) PST_MUST_CHECK;
/** Likewise a number: the least that is allowed, or the only one. */
enum pst_err pst_rules_bound(struct pst_endorsements *e, const char *technology,
    const char *claim, uint64_t n, bool least) PST_MUST_CHECK;

void pst_rules_free(struct pst_endorsements *e);

/**
 * Judge the claims of an appraisal by the rules of its technology: adds one
 * check a rule, one when they are not valid now, and "reference-values" when
 * there is none at all and v asks for it.
 */
void pst_rules_judge(
    const struct pst_verifier *v, uint64_t now_s, struct pst_appraisal *out);

/** Does a rule speak of this claim? */
bool pst_rules_have(
    const struct pst_verifier *v, const char *technology, const char *claim);

#endif
