/*
 * Calls that fail on demand: the counter, and the ports that only wrap.
 */
#include <string.h>

#include "mem.h"

enum pst_err
pst_mem_fault(struct pst_mem_fault *f)
{
	f->calls++;
	if (f->fail_at == 0 || f->calls < f->fail_at)
		return PST_OK;
	if (f->calls > f->fail_at && !f->sticky)
		return PST_OK;
	f->failed++;
	return f->with;
}

static enum pst_err
clock_now(void *ctx, uint64_t *seconds, bool *trusted)
{
	struct pst_mem_clock *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	*seconds = err == PST_OK ? m->now_s : 0;
	*trusted = err == PST_OK && m->trusted;
	return err;
}

struct pst_clock
pst_mem_clock_port(struct pst_mem_clock *m)
{
	struct pst_clock port = { m, clock_now };

	return port;
}

static enum pst_err
attest(void *ctx, const struct pst_attest_request *q, uint8_t *out, size_t cap,
    size_t *len, struct pst_bytes *format)
{
	struct pst_mem_attester *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	*len = 0;
	if (err != PST_OK)
		return err;
	if (q->challenge.len > sizeof(m->challenge) ||
	    q->keys.len > sizeof(m->keys))
		return PST_ERR_ARG;
	m->challenge_len = q->challenge.len;
	if (q->challenge.len > 0)
		memcpy(m->challenge, q->challenge.ptr, q->challenge.len);
	m->keys_len = q->keys.len;
	if (q->keys.len > 0)
		memcpy(m->keys, q->keys.ptr, q->keys.len);
	if (m->inner != NULL)
		return m->inner->evidence(
		    m->inner->ctx, q, out, cap, len, format);
	if (m->fixed.len > cap)
		return PST_ERR_SPACE;
	if (m->fixed.len > 0)
		memcpy(out, m->fixed.ptr, m->fixed.len);
	*len = m->fixed.len;
	*format = PST_BYTES_LIT("application/octet-stream");
	return PST_OK;
}

struct pst_attester
pst_mem_attester_port(struct pst_mem_attester *m)
{
	struct pst_attester port = { m, attest };

	return port;
}
