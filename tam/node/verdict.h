/*
 * What an EAR will say of a device (verifier/ear.h), as the store keeps it
 * from one appraisal to the next.
 */
#ifndef POSTERN_TAM_VERDICT_H
#define POSTERN_TAM_VERDICT_H

#include <verifier/ear.h>

#define PST_TAM_VERDICT_MAX 128 /* bytes of a verdict */

/** Write status and vector of an EAR: [status, {claim: value}]. */
void pst_tam_verdict_put(struct pst_cbor_writer *w, const struct pst_ear *ear);

/**
 * Read it back: status and vector; the rest is zero.
 *
 * @return false when it is none
 */
bool pst_tam_verdict_get(struct pst_bytes verdict, struct pst_ear *out);

#endif
