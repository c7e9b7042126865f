/*
 * Reference Values out of a CoRIM (draft-ietf-rats-corim): for files of
 * verifier/ only.
 */
#ifndef PST_VERIFIER_CORIM_H
#define PST_VERIFIER_CORIM_H

#include "cert.h"

/** Is it a CoRIM, unsigned (tag 501) or a COSE_Sign1? */
bool pst_corim_is(struct pst_bytes file);

/**
 * Take what a CoRIM says of PSA and CCA software, SEV-SNP guests and TPM
 * quotes as rules, attestation keys as keys and certificates as anchors.
 *
 * A signed one must be by an author that e was given. Values of kinds that
 * have no rule here are counted in e->passed_over.
 *
 * @param why  set to a phrase for a person when it fails
 */
enum pst_err pst_corim_add(struct pst_endorsements *e, struct pst_bytes file,
    const char **why) PST_MUST_CHECK;

#endif
