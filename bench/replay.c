#include "replay.h"

#include <string.h>

#include "bench.h"

static bool
replay_supports(void *ctx, int32_t alg)
{
	struct replay *r = ctx;

	return r->real->supports(r->real->ctx, alg);
}

static void
recalled(struct replay *r, uint8_t *out, size_t *len)
{
	if (r->recording) {
		bench_must(r->count < RECORDED_MAX && *len == 32, "recording");
		memcpy(r->digest[r->count++], out, 32);
		return;
	}
	*len = 32;
	memcpy(out, r->digest[r->at], 32);
	r->at = (r->at + 1) % r->count;
}

static enum pst_err
replay_digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	struct replay *r = ctx;
	enum pst_err err = PST_OK;

	if (r->recording)
		err = r->real->digest(r->real->ctx, alg, parts, n, out, len);
	recalled(r, out, len);
	return err;
}

static enum pst_err
replay_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	struct replay *r = ctx;

	*handle = 0;
	if (!r->recording)
		return PST_OK;
	return r->real->hash_begin(r->real->ctx, alg, handle);
}

static enum pst_err
replay_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	struct replay *r = ctx;

	if (!r->recording)
		return PST_OK;
	return r->real->hash_update(r->real->ctx, handle, chunk);
}

static enum pst_err
replay_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	struct replay *r = ctx;
	enum pst_err err = PST_OK;

	if (r->recording)
		err = r->real->hash_end(r->real->ctx, handle, out, len);
	if (out != NULL)
		recalled(r, out, len);
	return err;
}

static enum pst_err
replay_verify(void *ctx, const struct pst_pubkey *pub, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	struct replay *r = ctx;

	if (!r->recording)
		return PST_OK;
	return r->real->verify(r->real->ctx, pub, alg, parts, n, sig);
}

void
replay_init(struct replay *r, const struct pst_crypto *real)
{
	memset(r, 0, sizeof(*r));
	r->real = real;
	r->recording = true;
	r->table.ctx = r;
	r->table.supports = replay_supports;
	r->table.digest = replay_digest;
	r->table.hash_begin = replay_begin;
	r->table.hash_update = replay_update;
	r->table.hash_end = replay_end;
	r->table.verify = replay_verify;
}
