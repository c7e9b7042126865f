/*
 * What a Verifier believes beforehand (RFC 9334, Section 8.2 and 8.3): trust
 * anchors, Endorsements that come with them (intermediate certificates, CRLs,
 * vendors' collateral) and Reference Values. Everything is given by the
 * operator as files or rows; nothing is fetched.
 */
#ifndef POSTERN_ENDORSEMENTS_H
#define POSTERN_ENDORSEMENTS_H

#include <postern/cose.h>

/* Files of collateral that are kept as they are, for one verifier. */
#define PST_COLLATERAL_MAX 64

struct pst_endorsements;

/** What a file is to the Verifier. */
enum pst_endorsement_use {
	PST_ENDORSE_ANCHOR,	/* certificates in it are trust anchors */
	PST_ENDORSE_COLLATERAL, /* they only help to reach one */
	/* Reference Values, JSON as docs/attestation.md has it, or a CoRIM */
	PST_ENDORSE_REFERENCE
};

/** @return NULL when memory is short */
struct pst_endorsements *pst_endorsements_new(void);
/** Accepts NULL and clears the caller's pointer. */
void pst_endorsements_free(struct pst_endorsements **e);

/**
 * Take a file, whose kind is told by its content: certificates or CRLs (PEM
 * with any number of them, or one in DER), or, as collateral, JSON or binary
 * data that a technology looks for itself. Bytes are copied.
 *
 * @param why  set to a phrase for a person when it fails; may be NULL
 * @retval PST_ERR_COSE_CERT  an anchor that is no certificate, or a damaged
 *                            certificate or CRL
 * @retval PST_ERR_ARG        Reference Values that are none
 * @retval PST_ERR_LIMIT      too many files
 */
enum pst_err
pst_endorsements_add(struct pst_endorsements *e, enum pst_endorsement_use use,
    struct pst_bytes file, const char **why) PST_MUST_CHECK;

/** Whose signature on a CoRIM counts; both are kept. */
void pst_endorsements_authors(struct pst_endorsements *e,
    const struct pst_crypto *crypto, const struct pst_keys *authors);

/** Attestation key n that a CoRIM brought; NULL when there are no more. */
const struct pst_pubkey *
pst_endorsements_key(const struct pst_endorsements *e, size_t n);

/** CRLs that were taken. */
size_t pst_endorsements_crls(const struct pst_endorsements *e);

/**
 * Hand out the certificates of a file, PEM or DER, each in DER.
 *
 * @param each  its view dies with the call
 * @retval PST_ERR_COSE_CERT  none, or a damaged one
 */
enum pst_err pst_endorsements_certificates(struct pst_bytes file,
    void (*each)(void *ctx, struct pst_bytes der), void *ctx) PST_MUST_CHECK;

/** Values of CoRIMs that no rule here looks at. */
size_t pst_endorsements_passed_over(const struct pst_endorsements *e);

#endif
