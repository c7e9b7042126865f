/*
 * An HTTP client that keeps many exchanges going in one thread, over kept or
 * fresh TCP connections to a server on loopback.
 */
#ifndef POSTERN_BENCH_HTTP_LOAD_H
#define POSTERN_BENCH_HTTP_LOAD_H

#include <postern/base.h>

/** What an answer leads to. */
enum load_next { LOAD_SEND, LOAD_DONE };

/**
 * One of many things that happen at once, each a run of exchanges.
 *
 * @param lane    0 … lanes-1: the caller's memory for it
 * @param status  of the last answer; 0: a new run begins
 * @param body    of the answer; in the load's memory
 * @param next    set to what is posted with LOAD_SEND; stays valid until the
 *                next call for this lane
 */
typedef enum load_next load_step(void *ctx, unsigned lane, int status,
    struct pst_bytes body, struct pst_bytes *next);

struct load {
	uint16_t port;
	const char *path;
	unsigned lanes;
	size_t runs; /* in all */
	bool fresh;  /* a connection for each exchange */
	load_step *step;
	void *ctx;
};

/** Do all runs. Ends the program when the server does not answer. */
void load_run(const struct load *l);

#endif
