/*
 * The writer: shortest forms, counting, wrapping, the sticky error.
 */
#include <postern/cbor.h>

#include <math.h>

#include "cases.h"
#include "test.h"

static uint8_t buf[256];
static struct pst_cbor_writer w;

static void
begin(void)
{
	memset(buf, 0xee, sizeof(buf));
	pst_cbor_writer_init(&w, buf, sizeof(buf));
}

static bool
wrote(const char *bytes, size_t len)
{
	return w.err == PST_OK && w.len == len && memcmp(buf, bytes, len) == 0;
}
#define WROTE(lit) wrote(lit, sizeof(lit) - 1)

static void
integers_take_the_shortest_form(void)
{
	begin();
	pst_cbor_put_uint(&w, 0);
	pst_cbor_put_uint(&w, 23);
	pst_cbor_put_uint(&w, 24);
	pst_cbor_put_uint(&w, 255);
	pst_cbor_put_uint(&w, 256);
	pst_cbor_put_uint(&w, 65535);
	pst_cbor_put_uint(&w, 65536);
	pst_cbor_put_uint(&w, UINT32_MAX);
	pst_cbor_put_uint(&w, (uint64_t)UINT32_MAX + 1);
	CHECK(WROTE("\x00\x17\x18\x18\x18\xff\x19\x01\x00\x19\xff\xff"
		    "\x1a\x00\x01\x00\x00\x1a\xff\xff\xff\xff"
		    "\x1b\x00\x00\x00\x01\x00\x00\x00\x00"));
	begin();
	pst_cbor_put_int(&w, -1);
	pst_cbor_put_int(&w, -24);
	pst_cbor_put_int(&w, -25);
	pst_cbor_put_int(&w, INT64_MIN);
	pst_cbor_put_integer(&w, (struct pst_cbor_integer){ true, UINT64_MAX });
	CHECK(WROTE("\x20\x37\x38\x18\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"
		    "\x3b\xff\xff\xff\xff\xff\xff\xff\xff"));
}

static void
floats_take_the_shortest_form_that_keeps_the_value(void)
{
	static const struct {
		double value;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 0.0, "\xf9\x00\x00", 3 },
		{ -0.0, "\xf9\x80\x00", 3 },
		{ 1.0, "\xf9\x3c\x00", 3 },
		{ 1.1, "\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", 9 },
		{ 1.5, "\xf9\x3e\x00", 3 },
		{ 65504.0, "\xf9\x7b\xff", 3 },
		{ 100000.0, "\xfa\x47\xc3\x50\x00", 5 },
		{ 3.4028234663852886e+38, "\xfa\x7f\x7f\xff\xff", 5 },
		{ 1.0e+300, "\xfb\x7e\x37\xe4\x3c\x88\x00\x75\x9c", 9 },
		{ 5.960464477539063e-8, "\xf9\x00\x01", 3 },
		{ 0.00006103515625, "\xf9\x04\x00", 3 },
		{ 0.000060975551605224609375, "\xf9\x03\xff", 3 },
		{ 2.98023223876953125e-8, "\xfa\x33\x00\x00\x00", 5 },
		{ -4.0, "\xf9\xc4\x00", 3 },
		{ (double)INFINITY, "\xf9\x7c\x00", 3 },
		{ (double)NAN, "\xf9\x7e\x00", 3 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_cbor_reader r;
		struct pst_cbor_head h;
		double back;

		begin();
		pst_cbor_put_float(&w, rows[i].value);
		CHECK(wrote(rows[i].bytes, rows[i].len));
		pst_cbor_reader_init(&r, pst_cbor_written(&w));
		pst_cbor_head(&r, &h);
		CHECK_EQ(h.type, PST_CBOR_FLOAT);
		back = pst_cbor_float_value(&h);
		CHECK(back == rows[i].value ||
		    (isnan(back) && isnan(rows[i].value)));
	}
}

static void
simple_values_that_do_not_exist_are_refused(void)
{
	begin();
	pst_cbor_put_simple(&w, 16);
	pst_cbor_put_simple(&w, 255);
	CHECK(WROTE("\xf0\xf8\xff"));
	pst_cbor_put_simple(&w, 24);
	CHECK_EQ(w.err, PST_ERR_ARG);
	CHECK_EQ(pst_cbor_written(&w).len, 0);
}

static void
one_structure(void)
{
	size_t outer, inner;

	pst_cbor_put_map(&w, 2);
	pst_cbor_put_uint(&w, 1);
	outer = pst_cbor_wrap_begin(&w);
	pst_cbor_put_tag(&w, 18);
	inner = pst_cbor_wrap_begin(&w);
	pst_cbor_put_bool(&w, true);
	pst_cbor_put_null(&w);
	pst_cbor_wrap_array(&w, inner, 2);
	pst_cbor_wrap_bstr(&w, outer);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("x"));
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("yz"));
}

static void
wraps_what_was_written_into_a_bstr_or_an_array(void)
{
	begin();
	one_structure();
	CHECK(WROTE("\xa2\x01\x44\xd2\x82\xf5\xf6\x61"
		    "x"
		    "\x42"
		    "yz"));
}

static void
a_wrap_may_need_a_longer_head(void)
{
	uint8_t bytes[30] = { 0 };
	size_t mark;

	begin();
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_bstr(&w, (struct pst_bytes){ bytes, sizeof(bytes) });
	pst_cbor_wrap_bstr(&w, mark);
	CHECK_EQ(w.len, 34);
	CHECK(memcmp(buf, "\x58\x20\x58\x1e", 4) == 0);
}

static void
counting_and_writing_agree(void)
{
	size_t counted;

	pst_cbor_writer_count(&w);
	one_structure();
	counted = w.len;
	CHECK_EQ(w.err, PST_OK);
	begin();
	one_structure();
	CHECK_EQ(w.len, counted);
}

static void
every_buffer_that_is_too_small_is_refused_and_left_alone(void)
{
	size_t cap, need;

	begin();
	one_structure();
	need = w.len;
	for (cap = 0; cap < need; cap++) {
		memset(buf, 0xee, sizeof(buf));
		pst_cbor_writer_init(&w, buf, cap);
		one_structure();
		CHECK_EQ(w.err, PST_ERR_SPACE);
		CHECK_EQ(w.len, need);
		CHECK_EQ(buf[cap], 0xee);
		CHECK_EQ(pst_cbor_written(&w).len, 0);
	}
}

void
writer_cases(void)
{
	RUN(integers_take_the_shortest_form);
	RUN(floats_take_the_shortest_form_that_keeps_the_value);
	RUN(simple_values_that_do_not_exist_are_refused);
	RUN(wraps_what_was_written_into_a_bstr_or_an_array);
	RUN(a_wrap_may_need_a_longer_head);
	RUN(counting_and_writing_agree);
	RUN(every_buffer_that_is_too_small_is_refused_and_left_alone);
	cbor_cases += test_cases;
	cbor_failures += test_failures;
}
