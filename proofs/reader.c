/*
 * The reader: each function from every state that another one can leave, so
 * that any order of calls is covered. The state that it leaves is asserted to
 * be one of those that the drivers begin with.
 */
#include "harness.h"

void
prove_head(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	struct pst_cbor_head h;

	//@ split len;
	r = reader(len);
	pst_cbor_head(&r, &h);
	//@ assert r.at <= r.in.len;
	//@ assert \initialized(&h.type) && \initialized(&h.arg);
	//@ assert \initialized(&h.arg_len) && \initialized(&h.indefinite);
}

void
prove_peek(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_peek(&r);
	//@ assert r.at <= r.in.len;
}

void
prove_uint(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_uint(&r, any_u64());
	//@ assert r.at <= r.in.len;
}

void
prove_int(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_int(&r, any_i64(), any_i64());
	//@ assert r.at <= r.in.len;
}

void
prove_integer(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_integer(&r);
	//@ assert r.at <= r.in.len;
}

void
prove_bstr(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_bstr(&r, any_size(), any_size());
	//@ assert r.at <= r.in.len;
}

void
prove_tstr(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	//@ split r.at;
	(void)pst_cbor_tstr(&r, any_size(), any_size());
	//@ assert r.at <= r.in.len;
}

void
prove_array(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	size_t n;

	//@ split len;
	r = reader(len);
	n = pst_cbor_array(&r, any_size(), any_size());
	//@ assert r.at <= r.in.len;
	//@ assert n <= r.in.len;
}

void
prove_map(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	//@ split len;
	r = reader(len);
	n = pst_cbor_map(&r, any_size(), &seen);
	//@ assert r.at <= r.in.len;
	//@ assert n <= r.in.len && seen.start <= r.in.len;
}

void
prove_key(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;

	//@ split len;
	r = reader(len);
	seen.key = (struct pst_bytes){ NULL, 0 };
	seen.start = Frama_C_size_t_interval(0, r.in.len);
	seen.done = any_size();
	seen.small = any_u64();
	seen.walked = any_size();
	//@ split r.at;
	(void)pst_cbor_key(&r, &seen);
	//@ assert r.at <= r.in.len;
	//@ assert seen.start <= r.in.len;
}

void
prove_simple(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	if (any_bool())
		(void)pst_cbor_bool(&r);
	else
		pst_cbor_null(&r);
	//@ assert r.at <= r.in.len;
}

void
prove_tag(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	if (any_bool())
		(void)pst_cbor_tag(&r);
	else
		(void)pst_cbor_tag_optional(&r, any_u64());
	//@ assert r.at <= r.in.len;
}

void
prove_match(void)
{
	static uint8_t constant[16];
	size_t len = any_len();
	struct pst_cbor_reader r;
	size_t n = Frama_C_size_t_interval(0, sizeof(constant));
	struct pst_bytes encoded;

	//@ split n;
	encoded = (struct pst_bytes){ constant, n };
	//@ split len;
	r = reader(len);
	Frama_C_make_unknown((char *)constant, sizeof(constant));
	(void)pst_cbor_match(&r, encoded);
	//@ assert r.at <= r.in.len;
}

void
prove_item(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	struct pst_bytes item;

	//@ split len;
	r = reader(len);
	//@ split r.at;
	item = pst_cbor_item(&r);
	//@ assert r.at <= r.in.len;
	//@ assert item.len <= r.in.len;
}

void
prove_list(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_list(&r, any_size(), any_size());
	//@ assert r.at <= r.in.len;
}

void
prove_list_next(void)
{
	size_t len = any_len();
	struct pst_list list;
	struct pst_bytes item;

	//@ split len;
	list.items = bytes(len);
	list.count = any_size();
	(void)pst_list_next(&list, &item);
}

void
prove_end(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	(void)pst_cbor_end(&r);
	//@ assert r.at <= r.in.len;
}
