/*
 * The writer: each function from every state that another one can leave, into
 * a buffer that ends where its memory ends.
 */
#include "harness.h"

/* Bytes of the buffer, and of what one call writes. */
enum { CAP_MAX = 16, BYTES_MAX = 12 };

static uint8_t buffer[CAP_MAX];
static uint8_t content[BYTES_MAX];

/*
 * Which states: 0 with room, 1 failed, 2 counting only. The invariant, which
 * each driver asserts at its end: a writer with a buffer that has not failed
 * has written no more than fits. The length of one that has failed is
 * anything.
 */
#ifndef WRITER
#define WRITER 0
#endif

static size_t
up_to(size_t max)
{
	return Frama_C_size_t_interval(0, max);
}

static struct pst_cbor_writer
writer(size_t cap, size_t len)
{
	struct pst_cbor_writer w;

	Frama_C_make_unknown((char *)buffer, sizeof(buffer));
	pst_cbor_writer_init(&w, buffer + (CAP_MAX - cap), cap);
	if (WRITER == 2)
		pst_cbor_writer_count(&w);
	if (WRITER == 1)
		w.err = PST_ERR_SPACE;
	w.len = WRITER == 0 ? len : any_size();
	return w;
}

static struct pst_bytes
content_of(size_t len)
{
	Frama_C_make_unknown((char *)content, sizeof(content));
	return (struct pst_bytes){ content + (BYTES_MAX - len), len };
}

void
prove_put_head(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len;

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	pst_cbor_put_head(
	    &w, (enum pst_cbor_type)Frama_C_interval(0, 7), any_u64());
	//@ assert WRITER == 2 || w.err != PST_OK || w.len <= w.cap;
}

void
prove_put_numbers(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len;
	struct pst_cbor_integer v = { any_bool(), any_u64() };

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	switch (Frama_C_interval(0, 8)) {
	case 0:
		pst_cbor_put_uint(&w, any_u64());
		break;
	case 1:
		pst_cbor_put_int(&w, any_i64());
		break;
	case 2:
		pst_cbor_put_integer(&w, v);
		break;
	case 3:
		pst_cbor_put_array(&w, any_size());
		break;
	case 4:
		pst_cbor_put_map(&w, any_size());
		break;
	case 5:
		pst_cbor_put_tag(&w, any_u64());
		break;
	case 6:
		pst_cbor_put_bool(&w, any_bool());
		break;
	case 7:
		pst_cbor_put_null(&w);
		break;
	default:
		pst_cbor_put_simple(&w, (uint8_t)Frama_C_interval(0, 255));
	}
	//@ assert WRITER == 2 || w.err != PST_OK || w.len <= w.cap;
}

void
prove_put_bytes(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len;
	size_t n = up_to(BYTES_MAX);
	struct pst_bytes v;

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	//@ split n;
	v = content_of(n);
	switch (Frama_C_interval(0, 2)) {
	case 0:
		pst_cbor_put_bstr(&w, v);
		break;
	case 1:
		pst_cbor_put_tstr(&w, v);
		break;
	default:
		pst_cbor_put_raw(&w, v);
	}
	//@ assert WRITER == 2 || w.err != PST_OK || w.len <= w.cap;
}

void
prove_wrap(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len, mark;

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	(void)pst_cbor_wrap_begin(&w);
	mark = up_to(len);
	//@ split mark;
	switch (Frama_C_interval(0, 2)) {
	case 0:
		pst_cbor_wrap_bstr(&w, mark);
		break;
	case 1:
		pst_cbor_wrap_array(&w, mark, any_size());
		break;
	default:
		pst_cbor_wrap_map(&w, mark, any_size());
	}
	//@ assert WRITER == 2 || w.err != PST_OK || w.len <= w.cap;
}

void
prove_written(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len;
	struct pst_bytes out;

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	out = pst_cbor_written(&w);
	//@ assert out.len == 0 || out.len <= w.cap;
}

void
prove_put_float(void)
{
	size_t cap = up_to(CAP_MAX);
	struct pst_cbor_writer w;
	size_t len;

	//@ split cap;
	len = up_to(cap);
	//@ split len;
	w = writer(cap, len);
	pst_cbor_put_float(&w, Frama_C_double_interval(-0x1p127, 0x1p127));
	//@ assert WRITER == 2 || w.err != PST_OK || w.len <= w.cap;
}
