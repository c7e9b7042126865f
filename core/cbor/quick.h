/*
 * For files of core/cbor only: the heads that real messages are made of,
 * recognised without a call. Whatever this does not recognise, faults
 * included, is left to pst_cbor_head, which alone judges.
 */
#ifndef PST_CBOR_QUICK_H
#define PST_CBOR_QUICK_H

#include <postern/cbor.h>

/** pst_cbor_skip; returns how many heads it passed over. */
size_t pst_cbor_skip_heads(struct pst_cbor_reader *r);

/**
 * A head of the shortest form with an argument below 2^16, or a simple value
 * below 24.
 *
 * @return bytes that it takes; 0 when it is none of these
 */
static inline size_t
pst_cbor_quick(const struct pst_cbor_reader *r, uint8_t *major, uint64_t *arg)
{
	const uint8_t *in = r->in.ptr;
	uint8_t info;

	if (r->err != PST_OK || r->in.len - r->at < 1)
		return 0;
	*major = in[r->at] >> 5;
	info = in[r->at] & 31;
	*arg = info;
	if (info < 24)
		return 1;
	if (*major == PST_CBOR_SIMPLE)
		return 0;
	if (info == 24 && r->in.len - r->at >= 2 && in[r->at + 1] >= 24) {
		*arg = in[r->at + 1];
		return 2;
	}
	if (info == 25 && r->in.len - r->at >= 3 && in[r->at + 1] != 0) {
		*arg = (uint64_t)in[r->at + 1] << 8 | in[r->at + 2];
		return 3;
	}
	return 0;
}

#endif
