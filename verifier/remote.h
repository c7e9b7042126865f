/*
 * A client of the challenge-response API (docs/attestation.md, "A Verifier
 * elsewhere"): hands Evidence to a Verifier and brings back its result, a JWT
 * that the caller has yet to verify.
 *
 * A bounded number of threads, each with a connection of its own that it
 * keeps; a bounded queue before them. Nobody who submits waits.
 */
#ifndef POSTERN_VERIFIER_REMOTE_H
#define POSTERN_VERIFIER_REMOTE_H

#include "unverified.h"

/* Sessions at one time: more would burden the Verifier, not hurry it. */
#define PST_REMOTE_THREADS 16
/* Evidence that waits for a thread; above it the answer is PST_ERR_BUSY. */
#define PST_REMOTE_QUEUE_MAX 256
/* One request; and one piece of Evidence with all its requests and repeats,
 * from when it was handed in. A device waits so long for its answer. */
#define PST_REMOTE_REQUEST_MS 8000
#define PST_REMOTE_TOTAL_MS 20000
/* After a failure of all tries: no new ones for so long. */
#define PST_REMOTE_REST_MS 2000
/* A session shows its Evidence again, in base64. */
#define PST_REMOTE_ANSWER_MAX ((size_t)2 << 20)
#define PST_REMOTE_NOTE_MAX 160

struct pst_remote;

struct pst_remote_config {
	const char *uri; /* of the Verifier: scheme, host, port, path. Kept. */
	const char *ca;	 /* PEM file, the only CAs; NULL: the system's. Kept. */
	unsigned threads;
	unsigned queue_max;
	unsigned request_ms, total_ms, rest_ms;
};

/** What came of it. Views memory that is gone after the call. */
struct pst_remote_answer {
	/*
	 * PST_OK: the Verifier gave a result. PST_ERR_UNSUPPORTED: it does not
	 * take such Evidence. PST_ERR_EAT_CLAIM: it cannot read this one.
	 * PST_ERR_FETCH: it could not be asked, or did not keep to the API.
	 */
	enum pst_err err;
	struct pst_bytes token; /* JWT, not verified */
	const char *note;	/* for the log; empty after PST_OK */
};

/** Called once for each submission that was taken, in a thread of its own. */
typedef void pst_remote_done(void *ctx, const struct pst_remote_answer *answer);

/** Set every limit to its default and leave the rest zero. */
void pst_remote_config_init(struct pst_remote_config *config);

/**
 * Why such a URI is refused, in words; NULL when it is usable: https, or http
 * to this host alone, without user, query or fragment.
 */
const char *pst_remote_uri_refused(const char *uri);

/**
 * Start the threads. The Verifier is not asked anything yet.
 *
 * @retval PST_ERR_ARG  the URI is not usable
 * @retval PST_ERR_IO   no thread, or no library
 */
enum pst_err pst_remote_start(struct pst_remote **out,
    const struct pst_remote_config *config) PST_MUST_CHECK;

/**
 * Hand in Evidence. It is copied; done will be called.
 *
 * @param nonce  of the session: pst_unverified.nonce, or an EAT's
 * @retval PST_ERR_BUSY         the queue is full, or the Verifier just failed
 * @retval PST_ERR_UNSUPPORTED  no media type that can be said in HTTP
 */
enum pst_err
pst_remote_submit(struct pst_remote *r, const struct pst_unverified *evidence,
    struct pst_bytes nonce, pst_remote_done *done, void *ctx) PST_MUST_CHECK;

/**
 * Break off what is under way: each gets PST_ERR_FETCH within a second or two.
 * Nothing is taken any more. NULL is fine.
 */
void pst_remote_stop(struct pst_remote *r);

/** Stop, wait until all that was under way had its answer, and free. */
void pst_remote_free(struct pst_remote **remote);

#endif
