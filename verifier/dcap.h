/* Intel DCAP, between the quote (dcap.c) and its collateral (dcap_tcb.c). */
#ifndef PST_VERIFIER_DCAP_H
#define PST_VERIFIER_DCAP_H

#include "cert.h"
#include "internal.h"

#define PST_DCAP_COMPONENTS 16

/** What TCB status stands for, the better before the worse. */
enum pst_tcb_status {
	PST_TCB_UP_TO_DATE,
	PST_TCB_SW_HARDENING,
	PST_TCB_CONFIGURATION,
	PST_TCB_CONFIGURATION_AND_SW_HARDENING,
	PST_TCB_OUT_OF_DATE,
	PST_TCB_OUT_OF_DATE_CONFIGURATION,
	PST_TCB_REVOKED,
	PST_TCB_UNKNOWN /* no level is that old */
};

/** Intel's name of a status. */
const char *pst_tcb_status_name(enum pst_tcb_status status);

/** What the quote and its PCK certificate say of the platform. */
struct pst_dcap_platform {
	bool tdx;
	uint8_t component[PST_DCAP_COMPONENTS]; /* of the PCK certificate */
	uint16_t pce_svn;
	struct pst_bytes ppid;				  /* 16 bytes */
	struct pst_bytes fmspc;				  /* 6 bytes */
	struct pst_bytes pce_id;			  /* 2 bytes */
	struct pst_bytes tee_tcb_svn;			  /* TDX: 16 bytes */
	struct pst_bytes mr_seam_signer, seam_attributes; /* TDX */
	struct pst_bytes qe; /* report, 384 bytes */
};

/**
 * Find signed TCB information and the quoting enclave's identity among the
 * collateral, check them, and find the levels that the platform has.
 *
 * Adds checks "collateral", "qe-identity" and "tcb-level" and claims
 * "tcb-status" and "advisory".
 */
void pst_dcap_collateral(const struct pst_verifier *v,
    const struct pst_dcap_platform *p, uint64_t now_s,
    struct pst_appraisal *out);

/**
 * Certificates and CRLs out of a bundle of collateral in JSON; other JSON is
 * left alone.
 */
enum pst_err pst_dcap_bundle(
    struct pst_endorsements *e, struct pst_bytes json) PST_MUST_CHECK;

/** In endorsements.c, for pst_dcap_bundle. */
enum pst_err pst_endorsements_crl(
    struct pst_endorsements *e, struct pst_bytes der) PST_MUST_CHECK;

#endif
