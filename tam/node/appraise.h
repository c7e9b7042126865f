/*
 * The in-process Verifier as the engine's appraiser: enrolled attestation
 * keys and anchored Verifiers come from the store.
 */
#ifndef POSTERN_TAM_APPRAISE_H
#define POSTERN_TAM_APPRAISE_H

#include <tam/node/subject.h>
#include <tam/node/verdict.h>
#include <tam/store/store.h>
#include <verifier/verifier.h>

/* Claims of one payload, encoded again for the record. */
#define PST_TAM_CLAIMS_MAX 8192

/* What was wrong, a line a check; the rest is left out. */
#define PST_TAM_REASONS_MAX 1024

struct pst_tam_local_verifier {
	struct pst_verifier verifier;
	struct pst_keys attesters, verifiers;
	const struct pst_crypto *crypto;
	const struct pst_tam_records *records;
	struct pst_tam_reader *reader;
	uint32_t evidence_age_s, result_age_s; /* oldest, without challenge */
	struct pst_appraisal last; /* what the engine's appraisal views */
	/* the enrolled key that was tried last, and what its row is found by */
	struct pst_pubkey tried;
	uint8_t tried_by[PST_TAM_ATTESTER_MAX];
	size_t tried_by_len;
	uint8_t claims[PST_TAM_CLAIMS_MAX];
	struct pst_tam_subject subject;
	uint8_t verdict[PST_TAM_VERDICT_MAX];
	char reasons[PST_TAM_REASONS_MAX];
};

/** Fill in v and out; v, records and reader are kept. */
void pst_tam_local_verifier_init(struct pst_tam_local_verifier *v,
    const struct pst_crypto *crypto, const struct pst_tam_policy *policy,
    const struct pst_tam_records *records, struct pst_tam_reader *reader,
    struct pst_tam_appraiser *out);

/** What v->last, which was opened, says to the engine. */
void pst_tam_local_verifier_fill(
    struct pst_tam_local_verifier *v, struct pst_tam_appraisal *out);

#endif
