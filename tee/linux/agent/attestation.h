/*
 * What proves what this device is: the attester that the configuration names.
 */
#ifndef PST_TEE_ATTESTATION_H
#define PST_TEE_ATTESTATION_H

#include "config.h"
#include "ports/attest/attest.h"

/** The attester in use; one of these, by the configuration. */
struct pst_attestation {
	struct pst_eat_attester software;
	struct pst_attest_tpm *tpm; /* owned */
	struct pst_attest_tsm tsm;
	struct pst_attest_gramine gramine;
};

/**
 * Open the attester of the configuration; a.software is filled in already.
 *
 * @param c    kept, as is a
 * @param why  set to a phrase for a person when it fails
 */
enum pst_err pst_attestation_open(struct pst_attestation *a,
    const struct pst_config *c, const struct pst_crypto *crypto,
    struct pst_attester *out, const char **why) PST_MUST_CHECK;

/** Accepts one that was not opened. */
void pst_attestation_close(struct pst_attestation *a);

/** "software", "tpm" … */
const char *pst_attestation_name(enum pst_config_attestation technology);

#endif
