/*
 * What a Verifier believes beforehand, from the files of a command line.
 */
#ifndef PST_CLI_ENDORSE_H
#define PST_CLI_ENDORSE_H

#include "keyring.h"
#include "verifier/endorsements.h"

/** Take one file. @return CLI_DONE, or CLI_REFUSED after saying why */
int cli_endorse(
    struct pst_endorsements *e, enum pst_endorsement_use use, const char *path);

/**
 * Take a folder of anchors: certificates become trust anchors, keys go into
 * the ring. Names that begin with a dot are passed over.
 */
int cli_endorse_anchors(
    struct pst_endorsements *e, struct cli_keyring *ring, const char *folder);

/**
 * Put the attestation keys that CoRIMs brought into the ring, and say how
 * many values of theirs have no effect.
 */
int
cli_endorse_keys(const struct pst_endorsements *e, struct cli_keyring *ring);

#endif
