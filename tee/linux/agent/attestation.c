#include "attestation.h"

#include <string.h>
#include <unistd.h>

#define TSM_ENTRY "postern"

const char *
pst_attestation_name(enum pst_config_attestation technology)
{
	switch (technology) {
	case PST_ATTEST_BY_TPM:
		return "tpm";
	case PST_ATTEST_BY_TSM:
		return "tsm";
	case PST_ATTEST_BY_GRAMINE:
		return "gramine";
	default:
		return "software";
	}
}

/* An empty path is the kernel's, or Gramine's, own. */
static const char *
folder(const struct pst_config *c, const char *otherwise)
{
	return *c->attestation.path != '\0' ? c->attestation.path : otherwise;
}

static enum pst_err
open_tsm(struct pst_attestation *a, const struct pst_config *c,
    const struct pst_crypto *crypto, struct pst_attester *out, const char **why)
{
	a->tsm = (struct pst_attest_tsm){ crypto,
		folder(c, PST_ATTEST_TSM_PATH), TSM_ENTRY, -1 };
	if (access(a->tsm.path, F_OK) != 0) {
		*why = "there is no configfs-tsm: not a confidential guest, or "
		       "its kernel is too old";
		return PST_ERR_NOT_FOUND;
	}
	pst_attest_tsm_init(out, &a->tsm);
	return PST_OK;
}

static enum pst_err
open_gramine(struct pst_attestation *a, const struct pst_config *c,
    const struct pst_crypto *crypto, struct pst_attester *out, const char **why)
{
	a->gramine = (struct pst_attest_gramine){ crypto,
		folder(c, PST_ATTEST_GRAMINE_PATH) };
	if (access(a->gramine.path, F_OK) != 0) {
		*why = "there is no /dev/attestation: not under Gramine";
		return PST_ERR_NOT_FOUND;
	}
	pst_attest_gramine_init(out, &a->gramine);
	return PST_OK;
}

enum pst_err
pst_attestation_open(struct pst_attestation *a, const struct pst_config *c,
    const struct pst_crypto *crypto, struct pst_attester *out, const char **why)
{
	const char *tcti = c->attestation.tcti, *log = c->attestation.log;
	enum pst_err err;

	*why = NULL;
	switch (c->attestation.technology) {
	case PST_ATTEST_BY_TPM:
		err = pst_attest_tpm_open(crypto, *tcti != '\0' ? tcti : NULL,
		    c->attestation.pcrs, *log != '\0' ? log : NULL, &a->tpm,
		    why);
		if (err == PST_OK)
			pst_attest_tpm_init(out, a->tpm);
		return err;
	case PST_ATTEST_BY_TSM:
		return open_tsm(a, c, crypto, out, why);
	case PST_ATTEST_BY_GRAMINE:
		return open_gramine(a, c, crypto, out, why);
	default:
		pst_eat_attester_init(out, &a->software);
		return PST_OK;
	}
}

void
pst_attestation_close(struct pst_attestation *a)
{
	pst_attest_tpm_close(&a->tpm);
}
