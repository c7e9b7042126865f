/*
 * A recipient out of a device's Evidence: whoever encrypts to it need not
 * believe the TAM that handed the Evidence out (RFC 9397, Section 9.8).
 */
#ifndef PST_CLI_MANIFEST_EVIDENCE_H
#define PST_CLI_MANIFEST_EVIDENCE_H

#include "keyring.h"

struct cli_evidence_args {
	const char *evidence;  /* path; NULL: there is none */
	const char *anchors;   /* folder of certificates and attestation keys */
	const char *reference; /* path of Reference Values, that hold for it */
};

/**
 * Appraise the Evidence and put the key that it attests for encryption into
 * the ring.
 *
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
int cli_evidence_recipient(
    const struct cli_evidence_args *a, struct cli_keyring *ring);

#endif
