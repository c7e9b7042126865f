/*
 * What the Verifier in process believes beforehand, loaded from the store: one
 * for all threads of a node, and another one when the rows change.
 */
#ifndef POSTERN_TAM_TRUST_H
#define POSTERN_TAM_TRUST_H

#include <pthread.h>

#include <tam/store/store.h>
#include <verifier/endorsements.h>

/* Certificates that may stand above agents' x5chains. */
#define PST_TAM_ROOTS_MAX 64

/** Never changed once it is loaded; counted. */
struct pst_tam_trust;

/**
 * Load all rows as they are at one moment.
 *
 * @param crypto  borrowed: for CoRIMs that are signed
 * @param with    NULL, or a row that stands in for the one of its kind and
 *                name: to see whether it would fit
 * @param note    one line for people that names the row, when it fails
 *
 * @retval PST_ERR_COSE_CERT, _ARG, _LIMIT …  a row is not what it should be
 */
enum pst_err pst_tam_trust_load(struct pst_tam_reader *reader,
    const struct pst_crypto *crypto, const struct pst_tam_endorsement *with,
    struct pst_tam_trust **out, char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;
/** Let go. NULL is fine; clears the caller's pointer. */
void pst_tam_trust_drop(struct pst_tam_trust **trust);

const struct pst_endorsements *
pst_tam_trust_endorsements(const struct pst_tam_trust *trust);
/** DER roots of agents' certificates. */
const struct pst_bytes *
pst_tam_trust_roots(const struct pst_tam_trust *trust, size_t *count);

/** Where the threads of a node share the present one. */
struct pst_tam_trust_cell {
	pthread_mutex_t lock;
	struct pst_tam_trust *now; /* under lock */
};

void pst_tam_trust_cell_init(struct pst_tam_trust_cell *cell);
void pst_tam_trust_cell_close(struct pst_tam_trust_cell *cell);

/**
 * Bring *mine up to date: one question to the store when nothing changed.
 * Whoever is first after a change loads for all.
 *
 * @param mine  NULL, or what this thread held so far; let go when it is old,
 *              kept when this fails
 */
enum pst_err pst_tam_trust_refresh(struct pst_tam_trust_cell *cell,
    struct pst_tam_reader *reader, const struct pst_crypto *crypto,
    struct pst_tam_trust **mine, char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;

#endif
