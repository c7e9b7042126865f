/* One technology of attestation, as verifier.c uses it. */
#ifndef PST_VERIFIER_INTERNAL_H
#define PST_VERIFIER_INTERNAL_H

#include "verifier.h"

struct pst_technology {
	const char *name;
	const char *format; /* media type of its payloads */
	bool is_result;

	/**
	 * Verify and decode. Sets claims, key, who and agent_key; adds checks.
	 */
	void (*open)(const struct pst_verifier *v, struct pst_bytes payload,
	    struct pst_appraisal *out);

	/** Everything that is left to check. */
	void (*judge)(const struct pst_verifier *v, struct pst_bytes challenge,
	    const struct pst_pubkey *agent, uint64_t now_s,
	    struct pst_appraisal *out);
};

extern const struct pst_technology pst_technology_eat;
extern const struct pst_technology pst_technology_result;

/** Note the outcome of a check; the first failure becomes out->why. */
void pst_appraisal_add(
    struct pst_appraisal *out, const char *what, enum pst_err err);

#endif
