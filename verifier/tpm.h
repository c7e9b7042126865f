/* TPM 2.0 structures that a quote needs, between tpm.c and tpm_log.c. */
#ifndef PST_VERIFIER_TPM_H
#define PST_VERIFIER_TPM_H

#include "internal.h"

#define PST_TPM_BANKS_MAX 4
#define PST_TPM_PCRS 24

/* TPM_ALG_ID of the hashes that are accepted. */
enum { PST_TPM_SHA256 = 0x0b, PST_TPM_SHA384 = 0x0c, PST_TPM_SHA512 = 0x0d };

/** PCRs of one hash algorithm. */
struct pst_tpm_bank {
	uint16_t alg;
	uint32_t selected; /* bit n: PCR n is in the quote */
	uint32_t known;	   /* bit n: its value was given */
	struct pst_bytes value[PST_TPM_PCRS];
};

struct pst_tpm_quote {
	struct pst_bytes signer; /* qualified name of the attestation key */
	struct pst_bytes extra;
	struct pst_bytes digest; /* of the selected PCRs */
	uint64_t firmware;
	uint32_t resets, restarts;
	bool safe;
	size_t banks;
	struct pst_tpm_bank bank[PST_TPM_BANKS_MAX];
};

/** The COSE number of a TPM's hash; PST_ALG_NONE for one not accepted. */
int32_t pst_tpm_hash(uint64_t alg);

/** Bytes of its digests; 0 for one not accepted. */
size_t pst_tpm_hash_len(uint64_t alg);

/** Is this the beginning of an event log? */
bool pst_tpm_log_is(struct pst_bytes log);

/**
 * Replay an event log: every PCR that is quoted, and that the log has events
 * for, must come to its value.
 *
 * @param why  set when it does not
 */
enum pst_err
pst_tpm_log_replay(const struct pst_crypto *crypto, struct pst_bytes log,
    const struct pst_tpm_quote *q, const char **why) PST_MUST_CHECK;

#endif
