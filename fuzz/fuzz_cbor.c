/*
 * The reader against libcbor: both must agree on what is well-formed, and
 * whatever the reader accepts must survive being copied item by item.
 */
#include <postern/cbor.h>

#include <cbor.h>

#include "fuzz.h"

/*
 * Where libcbor is no oracle: it allocates by announced counts (32 and 64 bit
 * ones are left out), it knows no simple values but false, true, null and
 * undefined, and no tags 6 to 20.
 */
static int
oracle_can_judge(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		uint8_t b = data[i];

		if (b == 0x9a || b == 0x9b || b == 0xba || b == 0xbb)
			return 0;
		if (b == 0xf8 || (b >= 0xe0 && b < 0xf4))
			return 0;
		if (b >= 0xc6 && b <= 0xd4)
			return 0;
	}
	return 1;
}

/* libcbor refuses text that is not UTF-8; to RFC 8949 that is validity, not
 * well-formedness. Called for well-formed input only. */
static int
all_text_is_utf8(struct pst_bytes in)
{
	struct pst_cbor_reader r;
	struct pst_cbor_head h;
	struct pst_bytes s;

	pst_cbor_reader_init_profile(&r, in, PST_CBOR_ANY);
	while (r.at < in.len) {
		pst_cbor_head(&r, &h);
		MUST(pst_cbor_ok(&r));
		if ((h.type != PST_CBOR_BSTR && h.type != PST_CBOR_TSTR) ||
		    h.indefinite)
			continue;
		s.ptr = in.ptr + r.at;
		s.len = (size_t)h.arg;
		r.at += s.len;
		if (h.type == PST_CBOR_TSTR && !pst_utf8_valid(s))
			return 0;
	}
	return 1;
}

/* Re-encode by heads; the strict profile admits only preferred encoding, so
 * the copy must equal the input. */
static void
copy_equals_input(struct pst_bytes in)
{
	static uint8_t out[1 << 20];
	struct pst_cbor_reader r;
	struct pst_cbor_writer w;
	struct pst_cbor_head h;
	struct pst_bytes s = { NULL, 0 };

	pst_cbor_reader_init(&r, in);
	pst_cbor_writer_init(&w, out, sizeof(out));
	while (r.at < in.len) {
		pst_cbor_head(&r, &h);
		MUST(pst_cbor_ok(&r));
		if (h.type == PST_CBOR_FLOAT) {
			pst_cbor_put_raw(&w,
			    (struct pst_bytes){ in.ptr + r.at - h.arg_len - 1,
				(size_t)h.arg_len + 1 });
			continue;
		}
		pst_cbor_put_head(&w, h.type, h.arg);
		if (h.type != PST_CBOR_BSTR && h.type != PST_CBOR_TSTR)
			continue;
		MUST(h.arg <= in.len - r.at);
		s.ptr = in.ptr + r.at;
		s.len = (size_t)h.arg;
		r.at += s.len;
		pst_cbor_put_raw(&w, s);
	}
	MUST(w.err == PST_OK);
	MUST(w.len == in.len);
	MUST(pst_equal(pst_cbor_written(&w), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_cbor_reader r;
	struct cbor_load_result result;
	cbor_item_t *item;
	enum pst_err ours;
	size_t at;

	ours = pst_cbor_well_formed(in, &at);
	MUST(at <= size);
	pst_cbor_reader_init(&r, in);
	pst_cbor_skip(&r);
	if (pst_cbor_end(&r) == PST_OK) {
		MUST(ours == PST_OK);
		if (size <= 1 << 20)
			copy_equals_input(in);
	}
	if (size == 0 || ours == PST_ERR_CBOR_DEPTH ||
	    !oracle_can_judge(data, size))
		return 0;
	item = cbor_load(data, size, &result);
	if (ours == PST_OK)
		MUST((item != NULL && result.read == size) ||
		    !all_text_is_utf8(in));
	else
		MUST(item == NULL || result.read < size);
	if (item != NULL)
		cbor_decref(&item);
	return 0;
}
