/*
 * A crypto port that answers from memory, so that what uses it is measured
 * alone.
 */
#ifndef POSTERN_BENCH_REPLAY_H
#define POSTERN_BENCH_REPLAY_H

#include <postern/crypto.h>

enum { RECORDED_MAX = 64 };

/** Records what digests another gave, and then, not recording, replays it. */
struct replay {
	struct pst_crypto table;
	const struct pst_crypto *real;
	bool recording;
	size_t count, at;
	uint8_t digest[RECORDED_MAX][32];
};

void replay_init(struct replay *r, const struct pst_crypto *real);

#endif
