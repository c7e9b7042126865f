/* Skipping, well-formedness and UTF-8, likewise. */
#include "harness.h"

void
prove_skip(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;

	//@ split len;
	r = reader(len);
	pst_cbor_skip(&r);
	//@ assert r.at <= r.in.len;
}

void
prove_well_formed(void)
{
	size_t len = any_len();
	struct pst_bytes in;
	size_t at = 0;

	//@ split len;
	in = bytes(len);
	(void)!pst_cbor_well_formed(in, any_bool() ? &at : NULL);
	//@ assert at <= in.len;
}

void
prove_utf8(void)
{
	size_t len = any_len();
	struct pst_bytes text;

	//@ split len;
	text = bytes(len);
	(void)pst_utf8_valid(text);
}

void
prove_skip_forward(void)
{
	size_t len = any_len();
	struct pst_cbor_reader r;
	size_t start;

	//@ split len;
	r = reader(len);
	//@ split r.at;
	start = r.at;
	pst_cbor_skip(&r);
	//@ assert start <= r.at <= r.in.len;
}
