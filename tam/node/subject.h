/*
 * What an Attestation Result says of a device: the claims that the TEEP
 * profile requires (draft-ietf-teep-protocol, Section 5), whatever the
 * technology of its Evidence.
 */
#ifndef POSTERN_TAM_SUBJECT_H
#define POSTERN_TAM_SUBJECT_H

#include <verifier/verifier.h>

struct pst_tam_subject {
	struct pst_eat eat; /* no times, nonce, profile and cnf */
	uint8_t ueid[PST_EAT_UEID_MAX];
	uint8_t manifests[2048];
};

/**
 * The ueid by which a device is known to its Verifier, never the device's own
 * word: type RAND and 32 bytes, the thumbprint of its attestation key, or the
 * SHA-256 of another identity (RFC 9711, Section 4.2.1). So another TAM finds
 * the device under the identity that it enrolled it by.
 */
enum pst_err pst_tam_ueid(const struct pst_crypto *crypto,
    struct pst_bytes attester, uint8_t out[PST_EAT_UEID_MAX]) PST_MUST_CHECK;

/** The attester that such a ueid names; empty: of another kind. */
struct pst_bytes pst_tam_ueid_attester(struct pst_bytes ueid);

/**
 * Fill in out from an appraisal that was opened.
 *
 * @param attester  who attested; borrowed
 * @param out       views the payload, and itself
 * @return false when no Result can be made of it
 */
bool pst_tam_subject_of(const struct pst_crypto *crypto,
    const struct pst_appraisal *a, struct pst_bytes attester,
    struct pst_tam_subject *out);

#endif
