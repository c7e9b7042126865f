/*
 * The writer mirrors the reader: buffer, cap, len, sticky error. Without a
 * buffer it counts, so that measuring and encoding are one function.
 */
#include <postern/cbor.h>

#include "../pst_internal.h"

void
pst_cbor_writer_init(struct pst_cbor_writer *w, uint8_t *buf, size_t cap)
{
	w->buf = buf;
	w->cap = cap;
	w->len = 0;
	w->err = PST_OK;
}

void
pst_cbor_writer_count(struct pst_cbor_writer *w)
{
	pst_cbor_writer_init(w, NULL, SIZE_MAX);
}

/* Room for n more bytes, or NULL when counting, failed or full. len always
 * advances, so that a caller learns how much was needed. */
static uint8_t *
room(struct pst_cbor_writer *w, size_t n)
{
	size_t at = w->len;

	if (n > SIZE_MAX - at) {
		w->err = PST_ERR_SPACE;
		return NULL;
	}
	w->len = at + n;
	if (w->len > w->cap && w->err == PST_OK)
		w->err = PST_ERR_SPACE;
	if (w->buf == NULL || w->err != PST_OK)
		return NULL;
	return w->buf + at;
}

static void
put(struct pst_cbor_writer *w, const uint8_t *bytes, size_t n)
{
	uint8_t *to = room(w, n);

	if (to != NULL && n > 0)
		memcpy(to, bytes, n);
}

/* Encode a head in the shortest form; returns its size, 1 to 9. */
static size_t
encode_head(uint8_t out[9], enum pst_cbor_type type, uint64_t arg)
{
	size_t len = 0;
	uint8_t info = (uint8_t)arg;
	size_t i;

	if (arg > UINT32_MAX) {
		len = 8;
		info = 27;
	} else if (arg > UINT16_MAX) {
		len = 4;
		info = 26;
	} else if (arg > UINT8_MAX) {
		len = 2;
		info = 25;
	} else if (arg > 23) {
		len = 1;
		info = 24;
	}
	out[0] = (uint8_t)((unsigned int)type << 5 | info);
	for (i = 0; i < len; i++)
		out[1 + i] = (uint8_t)(arg >> 8 * (len - 1 - i));
	return len + 1;
}

void
pst_cbor_put_head(
    struct pst_cbor_writer *w, enum pst_cbor_type type, uint64_t arg)
{
	uint8_t head[9];

	if (arg < 24) {
		uint8_t *to = room(w, 1);

		if (to != NULL)
			*to = (uint8_t)((unsigned int)type << 5 | arg);
		return;
	}
	put(w, head, encode_head(head, type, arg));
}

void
pst_cbor_put_uint(struct pst_cbor_writer *w, uint64_t v)
{
	pst_cbor_put_head(w, PST_CBOR_UINT, v);
}

void
pst_cbor_put_int(struct pst_cbor_writer *w, int64_t v)
{
	if (v >= 0)
		pst_cbor_put_head(w, PST_CBOR_UINT, (uint64_t)v);
	else
		pst_cbor_put_head(w, PST_CBOR_NINT, (uint64_t)(-1 - v));
}

void
pst_cbor_put_integer(struct pst_cbor_writer *w, struct pst_cbor_integer v)
{
	pst_cbor_put_head(
	    w, v.negative ? PST_CBOR_NINT : PST_CBOR_UINT, v.magnitude);
}

void
pst_cbor_put_bstr(struct pst_cbor_writer *w, struct pst_bytes v)
{
	pst_cbor_put_head(w, PST_CBOR_BSTR, v.len);
	put(w, v.ptr, v.len);
}

void
pst_cbor_put_tstr(struct pst_cbor_writer *w, struct pst_bytes v)
{
	pst_cbor_put_head(w, PST_CBOR_TSTR, v.len);
	put(w, v.ptr, v.len);
}

void
pst_cbor_put_array(struct pst_cbor_writer *w, size_t count)
{
	pst_cbor_put_head(w, PST_CBOR_ARRAY, count);
}

void
pst_cbor_put_map(struct pst_cbor_writer *w, size_t pairs)
{
	pst_cbor_put_head(w, PST_CBOR_MAP, pairs);
}

void
pst_cbor_put_tag(struct pst_cbor_writer *w, uint64_t tag)
{
	pst_cbor_put_head(w, PST_CBOR_TAG, tag);
}

void
pst_cbor_put_bool(struct pst_cbor_writer *w, bool v)
{
	pst_cbor_put_head(w, PST_CBOR_SIMPLE, v ? 21 : 20);
}

void
pst_cbor_put_null(struct pst_cbor_writer *w)
{
	pst_cbor_put_head(w, PST_CBOR_SIMPLE, 22);
}

void
pst_cbor_put_simple(struct pst_cbor_writer *w, uint8_t v)
{
	/* 24..31 have no encoding (RFC 8949, Section 3.3). */
	if (v >= 24 && v < 32) {
		if (w->err == PST_OK)
			w->err = PST_ERR_ARG;
		return;
	}
	pst_cbor_put_head(w, PST_CBOR_SIMPLE, v);
}

void
pst_cbor_put_raw(struct pst_cbor_writer *w, struct pst_bytes encoded)
{
	put(w, encoded.ptr, encoded.len);
}

size_t
pst_cbor_wrap_begin(struct pst_cbor_writer *w)
{
	return w->len;
}

/* Move what was written since mark and put a head before it. */
static void
wrap(struct pst_cbor_writer *w, size_t mark, enum pst_cbor_type type,
    uint64_t arg)
{
	uint8_t head[9];
	size_t content = w->len - mark;
	size_t n = encode_head(head, type, arg);

	if (room(w, n) == NULL)
		return;
	if (content > 0)
		memmove(w->buf + mark + n, w->buf + mark, content);
	memcpy(w->buf + mark, head, n);
}

void
pst_cbor_wrap_bstr(struct pst_cbor_writer *w, size_t mark)
{
	wrap(w, mark, PST_CBOR_BSTR, w->len - mark);
}

void
pst_cbor_wrap_array(struct pst_cbor_writer *w, size_t mark, size_t count)
{
	wrap(w, mark, PST_CBOR_ARRAY, count);
}

void
pst_cbor_wrap_map(struct pst_cbor_writer *w, size_t mark, size_t pairs)
{
	wrap(w, mark, PST_CBOR_MAP, pairs);
}

struct pst_bytes
pst_cbor_written(const struct pst_cbor_writer *w)
{
	struct pst_bytes out = { NULL, 0 };

	if (w->err == PST_OK && w->buf != NULL) {
		out.ptr = w->buf;
		out.len = w->len;
	}
	return out;
}
