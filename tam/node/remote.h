/*
 * A Verifier elsewhere as the engine's appraiser: what this TAM can check by
 * an enrolled key it checks, everything else it leaves to that Verifier, and
 * nothing is accepted without its signed word.
 *
 * The engine is asked twice about one message: the first time the appraiser
 * has a question, and the engine returns PST_ERR_AGAIN; the second time, with
 * the answer in place, it has an appraisal.
 */
#ifndef POSTERN_TAM_REMOTE_H
#define POSTERN_TAM_REMOTE_H

#include <tam/node/appraise.h>
#include <verifier/ear.h>
#include <verifier/remote.h>

struct pst_tam_remote_verifier {
	const struct pst_tam_engine *engine; /* whose challenges are answered */
	struct pst_tam_local_verifier *local;
	struct pst_tam_appraiser results; /* of the local Verifier */
	struct pst_pubkey key;		  /* that signs results there */
	/* what came back; NULL: nobody was asked yet */
	const struct pst_remote_answer *answer;
	/* set by PST_ERR_AGAIN: to be handed in, until the next call */
	struct pst_unverified evidence;
	struct pst_bytes nonce;
	struct pst_ear ear;
	struct pst_bytes verdict; /* what ear says; empty: no word of its */
	uint8_t verdict_bytes[PST_TAM_VERDICT_MAX];
	char note[PST_TAM_NOTE_MAX]; /* what the Verifier said; may be empty */
};

/**
 * Fill in v, and put it in the place of the local Verifier's appraiser, which
 * goes on judging Attestation Results.
 *
 * @param key        the only key that may sign results
 * @param appraiser  the local one's on entry; all but key are kept
 */
void pst_tam_remote_verifier_init(struct pst_tam_remote_verifier *v,
    const struct pst_pubkey *key, const struct pst_tam_engine *engine,
    struct pst_tam_local_verifier *local, struct pst_tam_appraiser *appraiser);

#endif
