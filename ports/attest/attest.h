/*
 * Attesters: what this machine can prove about itself, each as the attester
 * port that the agent asks (include/postern/eat.h). The software attester, an
 * EAT by a key in a file, is in core/eat.
 *
 * Every one gives Evidence in the project's container, with the agent's
 * COSE_Key beside a quote whose user data is the challenge, 32 bytes, and the
 * key's thumbprint, 32 bytes. A challenge of another length counts by its
 * SHA-256.
 */
#ifndef POSTERN_PORT_ATTEST_H
#define POSTERN_PORT_ATTEST_H

#include <postern/eat.h>

/* Kernel interfaces give reports of some 10 KiB, with certificates 32. */
#define PST_ATTEST_BLOB_MAX 65536

/* --- TPM 2.0, through tpm2-tss (tpm.c) ----------------------------------- */

struct pst_attest_tpm;

/**
 * Open the TPM and make the attestation key: a restricted signing key on
 * P-256 in the endorsement hierarchy, which comes out the same at every start
 * of the same TPM, so nothing of it is stored.
 *
 * @param tcti  as tpm2-tss names a TPM, "device:/dev/tpmrm0"; NULL: its default
 * @param pcrs  bit n: PCR n of the SHA-256 bank is quoted
 * @param log   path of the firmware's event log; NULL: it is not sent
 * @param why   set to a phrase for a person when it fails
 * @retval PST_ERR_IO           the TPM cannot be reached
 * @retval PST_ERR_UNSUPPORTED  it refused what is asked of it
 */
enum pst_err pst_attest_tpm_open(const struct pst_crypto *crypto,
    const char *tcti, uint32_t pcrs, const char *log,
    struct pst_attest_tpm **out, const char **why) PST_MUST_CHECK;

/** Accepts NULL and clears the caller's pointer. */
void pst_attest_tpm_close(struct pst_attest_tpm **t);

/** The public part of the attestation key, to be enrolled. */
const struct pst_pubkey *pst_attest_tpm_key(const struct pst_attest_tpm *t);

void pst_attest_tpm_init(struct pst_attester *out, struct pst_attest_tpm *t);

/* --- Linux configfs-tsm: SEV-SNP, TDX and CCA guests (tsm.c) -------------- */

#define PST_ATTEST_TSM_PATH "/sys/kernel/config/tsm/report"

struct pst_attest_tsm {
	const struct pst_crypto *crypto;
	const char *path; /* PST_ATTEST_TSM_PATH, or another for tests */
	const char *name; /* of the entry below it that is made and used */
	int privlevel;	  /* of SEV-SNP's VMPL; negative: the default */
};

void pst_attest_tsm_init(struct pst_attester *out, struct pst_attest_tsm *t);

/* --- Gramine's /dev/attestation: SGX (gramine.c) ---------------------------
 */

#define PST_ATTEST_GRAMINE_PATH "/dev/attestation"

struct pst_attest_gramine {
	const struct pst_crypto *crypto;
	const char *path;
};

void
pst_attest_gramine_init(struct pst_attester *out, struct pst_attest_gramine *g);

#endif
