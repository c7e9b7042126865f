/*
 * The reader: every bound, every refusal, and RFC 8949 Appendix F in full.
 */
#include <postern/cbor.h>

#include "cases.h"
#include "test.h"

static struct pst_cbor_reader
reading(const char *bytes, size_t len)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(
	    &r, (struct pst_bytes){ (const uint8_t *)bytes, len });
	return r;
}
#define READ(lit) reading(lit, sizeof(lit) - 1)

static void
reads_integers_at_their_edges(void)
{
	struct pst_cbor_reader r =
	    READ("\x00\x17\x18\x18\x18\xff\x19\x01\x00"
		 "\x1a\x00\x01\x00\x00\x1b\xff\xff\xff\xff\xff\xff\xff\xff");

	CHECK_EQ(pst_cbor_uint(&r, 0), 0);
	CHECK_EQ(pst_cbor_uint(&r, 23), 23);
	CHECK_EQ(pst_cbor_uint(&r, 24), 24);
	CHECK_EQ(pst_cbor_uint(&r, 255), 255);
	CHECK_EQ(pst_cbor_uint(&r, 256), 256);
	CHECK_EQ(pst_cbor_uint(&r, 65536), 65536);
	CHECK(pst_cbor_uint(&r, UINT64_MAX) == UINT64_MAX);
	CHECK_EQ(pst_cbor_end(&r), PST_OK);
}

static void
reads_the_full_integer_range(void)
{
	struct pst_cbor_reader r =
	    READ("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"
		 "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff\x20");
	struct pst_cbor_integer v = pst_cbor_integer(&r);

	CHECK(v.negative && v.magnitude == UINT64_MAX);
	CHECK(pst_cbor_int(&r, INT64_MIN, 0) == INT64_MIN);
	CHECK_EQ(pst_cbor_int(&r, -1, -1), -1);
	CHECK_EQ(pst_cbor_end(&r), PST_OK);
}

static void
int_refuses_what_int64_cannot_hold(void)
{
	struct pst_cbor_reader r = READ("\x3b\x80\x00\x00\x00\x00\x00\x00\x00");

	CHECK_EQ(pst_cbor_int(&r, INT64_MIN, INT64_MAX), 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_RANGE);
	CHECK_EQ(r.at, 0);
}

static void
refuses_a_value_over_its_bound_where_it_stood(void)
{
	struct pst_cbor_reader r = READ("\x01\x18\x64");

	CHECK_EQ(pst_cbor_uint(&r, 5), 1);
	CHECK_EQ(pst_cbor_uint(&r, 99), 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_RANGE);
	CHECK_EQ(r.at, 1);
	/* The error stays, and later reads give zero. */
	CHECK_EQ(pst_cbor_uint(&r, 100), 0);
	CHECK_EQ(pst_cbor_end(&r), PST_ERR_CBOR_RANGE);
}

static void
refuses_longer_heads_than_needed(void)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\x18\x17", 2 },
		{ "\x19\x00\xff", 3 },
		{ "\x1a\x00\x00\xff\xff", 5 },
		{ "\x1b\x00\x00\x00\x00\xff\xff\xff\xff", 9 },
		{ "\x38\x00", 2 },
		{ "\x58\x01\x00", 3 },
		{ "\x98\x00", 2 },
		{ "\xb8\x00", 2 },
		{ "\xd8\x12\x00", 3 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_cbor_reader r = reading(rows[i].bytes, rows[i].len);

		pst_cbor_skip(&r);
		CHECK_EQ(r.err, PST_ERR_CBOR_PREFERRED);
		CHECK_EQ(r.at, 0);
		CHECK_EQ(pst_cbor_well_formed(r.in, NULL), PST_OK);
	}
}

static void
strings_keep_their_bounds(void)
{
	struct pst_cbor_reader r = READ("\x43"
					"abc"
					"\x63"
					"abc");

	CHECK_EQ(pst_cbor_bstr(&r, 3, 3).len, 3);
	CHECK_EQ(pst_cbor_tstr(&r, 0, 3).len, 3);
	CHECK_EQ(pst_cbor_end(&r), PST_OK);
	r = READ("\x43"
		 "abc");
	CHECK_EQ(pst_cbor_bstr(&r, 4, 9).len, 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_RANGE);
	r = READ("\x43"
		 "abc");
	CHECK_EQ(pst_cbor_bstr(&r, 0, 2).len, 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_RANGE);
	r = READ("\x43"
		 "ab");
	CHECK_EQ(pst_cbor_bstr(&r, 0, 9).len, 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_END);
	CHECK_EQ(r.at, 0);
}

static void
a_length_near_the_end_of_the_number_range_does_not_wrap(void)
{
	struct pst_cbor_reader r = READ("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"
					"abc");

	CHECK_EQ(pst_cbor_bstr(&r, 0, SIZE_MAX).len, 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_END);
	r = READ("\xbb\x80\x00\x00\x00\x00\x00\x00\x00"
		 "\x00");
	pst_cbor_skip(&r);
	CHECK_EQ(r.err, PST_ERR_CBOR_END);
}

static void
a_count_that_the_input_cannot_hold_is_refused_at_once(void)
{
	struct pst_cbor_reader r = READ("\x9a\x00\x01\x00\x00\x00");
	struct pst_cbor_seen seen;

	CHECK_EQ(pst_cbor_array(&r, 0, SIZE_MAX), 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_END);
	r = READ("\xa2\x00\x00\x01");
	CHECK_EQ(pst_cbor_map(&r, 9, &seen), 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_END);
}

static void
text_must_be_utf8(void)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "plain", true },
		{ "\xc3\xbc", true },
		{ "\xe6\xb0\xb4", true },
		{ "\xf0\x90\x85\x91", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\x80", false },	       /* lone continuation */
		{ "\xc3", false },	       /* cut */
		{ "\xc0\x80", false },	       /* overlong */
		{ "\xc1\xbf", false },	       /* overlong */
		{ "\xe0\x9f\xbf", false },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", false }, /* overlong */
		{ "\xed\xa0\x80", false },     /* surrogate */
		{ "\xf4\x90\x80\x80", false }, /* over U+10FFFF */
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
		{ "\xe6\xb0", false },
		{ "\xe6\x41\xb4", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_bytes text = { (const uint8_t *)rows[i].text,
			strlen(rows[i].text) };

		CHECK_EQ(pst_utf8_valid(text), rows[i].valid);
	}
}

/* One value of `heads` empty arrays, then `labels` pairs of text labels. */
static enum pst_err
read_labels(size_t heads, size_t labels)
{
	static uint8_t buf[60000];
	struct pst_cbor_reader r;
	struct pst_cbor_writer w;
	struct pst_cbor_seen seen;
	uint8_t name[2] = "a0";
	size_t i, n;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cbor_put_map(&w, labels + 1);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_array(&w, heads);
	for (i = 0; i < heads; i++)
		pst_cbor_put_array(&w, 0);
	for (i = 0; i < labels; i++) {
		name[0] = (uint8_t)('a' + i % 16);
		name[1] = (uint8_t)('a' + i / 16);
		pst_cbor_put_tstr(&w, (struct pst_bytes){ name, 2 });
		pst_cbor_put_null(&w);
	}
	pst_cbor_reader_init(&r, pst_cbor_written(&w));
	n = pst_cbor_map(&r, 100, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		(void)pst_cbor_key(&r, &seen);
		pst_cbor_skip(&r);
	}
	return pst_cbor_end(&r);
}

/* What is not signed must not cost many times what it is long. */
static void
a_map_made_to_be_compared_at_length_is_refused(void)
{
	CHECK_EQ(read_labels(0, 99), PST_ERR_LIMIT);
	CHECK_EQ(read_labels(0, 64), PST_OK);
	CHECK_EQ(read_labels(200, 32), PST_OK);
	CHECK_EQ(read_labels(50000, 4), PST_OK);
	CHECK_EQ(read_labels(50000, 5), PST_ERR_LIMIT);
}

static void
duplicate_labels_of_every_kind_are_refused(void)
{
	static const struct {
		const char *map;
		size_t len;
		enum pst_err err;
	} rows[] = {
		{ "\xa2\x01\x00\x02\x00", 5, PST_OK },
		{ "\xa2\x01\x00\x01\x00", 5, PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x18\x3f\x00\x18\x3f\x00", 7, PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x18\x40\x00\x18\x40\x00", 7, PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x20\x00\x20\x00", 5, PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x20\x00\x00\x00", 5, PST_OK },
		{ "\xa2\x61"
		  "a"
		  "\x00\x61"
		  "a"
		  "\x00",
		    7, PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x61"
		  "a"
		  "\x00\x61"
		  "b"
		  "\x00",
		    7, PST_OK },
		{ "\xa2\x61"
		  "a"
		  "\x00\x41"
		  "a"
		  "\x00",
		    7, PST_OK },
		{ "\xa3\x81\x01\x00\x05\x00\x81\x01\x00", 9,
		    PST_ERR_CBOR_DUPLICATE },
		{ "\xa2\x19\x03\xe8\x00\x19\x03\xe8\x00", 9,
		    PST_ERR_CBOR_DUPLICATE },
	};
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_cbor_reader r = reading(rows[i].map, rows[i].len);
		struct pst_cbor_seen seen;

		n = pst_cbor_map(&r, 9, &seen);
		while (n-- > 0 && pst_cbor_ok(&r)) {
			(void)pst_cbor_key(&r, &seen);
			pst_cbor_skip(&r);
		}
		CHECK_EQ(pst_cbor_end(&r), rows[i].err);
	}
}

static void
labels_that_int64_cannot_hold_are_other(void)
{
	struct pst_cbor_reader r =
	    READ("\xa4\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x00"
		 "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x61"
		 "a"
		 "\x00\x2f\x00");
	struct pst_cbor_seen seen;

	CHECK_EQ(pst_cbor_map(&r, 9, &seen), 4);
	CHECK(pst_cbor_key(&r, &seen) == PST_CBOR_KEY_OTHER);
	CHECK_EQ(seen.key.len, 9);
	pst_cbor_skip(&r);
	CHECK(pst_cbor_key(&r, &seen) == PST_CBOR_KEY_OTHER);
	pst_cbor_skip(&r);
	CHECK(pst_cbor_key(&r, &seen) == PST_CBOR_KEY_OTHER);
	CHECK_EQ(seen.key.len, 2);
	pst_cbor_skip(&r);
	CHECK_EQ(pst_cbor_key(&r, &seen), -16);
	pst_cbor_skip(&r);
	CHECK_EQ(pst_cbor_end(&r), PST_OK);
}

static void
tags_and_simple_values(void)
{
	struct pst_cbor_reader r = READ("\xd8\x6b\xf5\xf4\xf6\xd2\x00\xf7");

	CHECK(!pst_cbor_tag_optional(&r, 18));
	CHECK(pst_cbor_tag_optional(&r, 107));
	CHECK(pst_cbor_bool(&r));
	CHECK(!pst_cbor_bool(&r));
	pst_cbor_null(&r);
	CHECK_EQ(pst_cbor_tag(&r), 18);
	CHECK_EQ(pst_cbor_uint(&r, 0), 0);
	CHECK_EQ(r.err, PST_OK);
	(void)pst_cbor_bool(&r);
	CHECK_EQ(r.err, PST_ERR_CBOR_TYPE);
	CHECK_EQ(r.at, 7);
}

static void
lists_give_their_items_one_by_one(void)
{
	struct pst_cbor_reader r = READ("\x83\x01\x82\x02\x03\x41"
					"x");
	struct pst_list list = pst_cbor_list(&r, 1, 3);
	struct pst_bytes item;

	CHECK_EQ(pst_cbor_end(&r), PST_OK);
	CHECK_EQ(list.count, 3);
	CHECK(pst_list_next(&list, &item) && item.len == 1);
	CHECK(pst_list_next(&list, &item) && item.len == 3);
	CHECK(pst_list_next(&list, &item) && item.len == 2);
	CHECK(!pst_list_next(&list, &item));
	r = READ("\x83\x01\x02\x03");
	CHECK_EQ(pst_cbor_list(&r, 1, 2).count, 0);
	CHECK_EQ(r.err, PST_ERR_CBOR_RANGE);
}

static void
depth_is_bounded_without_recursion(void)
{
	uint8_t deep[PST_CBOR_DEPTH_MAX + 2];
	struct pst_bytes in = { deep, PST_CBOR_DEPTH_MAX + 1 };

	memset(deep, 0x81, sizeof(deep));
	deep[PST_CBOR_DEPTH_MAX] = 0;
	CHECK_EQ(pst_cbor_well_formed(in, NULL), PST_OK);
	deep[PST_CBOR_DEPTH_MAX] = 0x81;
	deep[PST_CBOR_DEPTH_MAX + 1] = 0;
	in.len++;
	CHECK_EQ(pst_cbor_well_formed(in, NULL), PST_ERR_CBOR_DEPTH);
}

static void
indefinite_lengths_are_what_the_profile_says(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum pst_err err; /* of well-formedness */
	} rows[] = {
		{ "\x5f\x41"
		  "a"
		  "\x41"
		  "b"
		  "\xff",
		    6, PST_OK },
		{ "\x7f\x61"
		  "a"
		  "\xff",
		    4, PST_OK },
		{ "\x9f\x01\x9f\xff\xff", 5, PST_OK },
		{ "\xbf\x01\x02\xff", 4, PST_OK },
		{ "\xbf\x01\xff", 3, PST_ERR_CBOR_MALFORMED },
		{ "\x5f\x61"
		  "a"
		  "\xff",
		    4, PST_ERR_CBOR_MALFORMED },
		{ "\x5f\x5f\xff\xff", 4, PST_ERR_CBOR_MALFORMED },
		{ "\x5f\x01\xff", 3, PST_ERR_CBOR_MALFORMED },
		{ "\x9f\x01", 2, PST_ERR_CBOR_END },
		{ "\xff", 1, PST_ERR_CBOR_MALFORMED },
		{ "\x81\xff", 2, PST_ERR_CBOR_MALFORMED },
		{ "\xc1\xff", 2, PST_ERR_CBOR_MALFORMED },
		{ "\x9f\xc1\xff", 3, PST_ERR_CBOR_MALFORMED },
		{ "\x1f", 1, PST_ERR_CBOR_MALFORMED },
		{ "\x3f", 1, PST_ERR_CBOR_MALFORMED },
		{ "\xdf", 1, PST_ERR_CBOR_MALFORMED },
		{ "\xa1\x9f\xff\x00", 4, PST_OK },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_cbor_reader r = reading(rows[i].bytes, rows[i].len);

		CHECK_EQ(pst_cbor_well_formed(r.in, NULL), rows[i].err);
		pst_cbor_skip(&r);
		CHECK(r.err != PST_OK); /* the strict profile takes none */
	}
}

/* RFC 8949, Appendix F. */
static void
refuses_every_row_of_appendix_f(void)
{
	static const char *const rows[] = {
		/* end of input in a head */
		"18",
		"19",
		"1a",
		"1b",
		"1901",
		"1a0102",
		"1b01020304050607",
		"38",
		"58",
		"78",
		"98",
		"9a01ff00",
		"b8",
		"d8",
		"f8",
		"f900",
		"fa0000",
		"fb000000",
		/* definite-length strings with short data */
		"41",
		"61",
		"5affffffff00",
		"5bffffffffffffffff010203",
		"7affffffff00",
		"7b7fffffffffffffff010203",
		/* definite-length maps and arrays not closed */
		"81",
		"818181818181818181",
		"8200",
		"a1",
		"a20102",
		"a100",
		"a2000000",
		/* tag number not followed by content */
		"c0",
		/* indefinite-length strings not closed */
		"5f4100",
		"7f6100",
		/* indefinite-length maps and arrays not closed */
		"9f",
		"9f0102",
		"bf",
		"bf01020102",
		"819f",
		"9f8000",
		"9f9f9f9f9fffffffff",
		"9f819f819f9fffffff",
		/* reserved additional information */
		"1c",
		"1d",
		"1e",
		"3c",
		"3d",
		"3e",
		"5c",
		"5d",
		"5e",
		"7c",
		"7d",
		"7e",
		"9c",
		"9d",
		"9e",
		"bc",
		"bd",
		"be",
		"dc",
		"dd",
		"de",
		"fc",
		"fd",
		"fe",
		/* reserved two-byte simple values */
		"f800",
		"f801",
		"f818",
		"f81f",
		/* indefinite-length chunks not of the right type */
		"5f00ff",
		"5f21ff",
		"5f6100ff",
		"5f80ff",
		"5fa0ff",
		"5fc000ff",
		"5fe0ff",
		"7f4100ff",
		/* indefinite-length chunks not of definite length */
		"5f5f4100ffff",
		"7f7f6100ffff",
		/* break on its own */
		"ff",
		/* break in a definite-length item */
		"81ff",
		"8200ff",
		"a1ff",
		"a1ff00",
		"a100ff",
		"a20000ff",
		"9f81ff",
		"9f829f819f9fffffffff",
		/* break in an indefinite-length map on an odd item */
		"bf00ff",
		"bf000000ff",
		/* major types 0, 1, 6 with additional information 31 */
		"1f",
		"3f",
		"df",
	};
	uint8_t buf[32];
	size_t i, j, n;
	unsigned int byte;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i]) / 2;
		for (j = 0; j < n; j++) {
			if (sscanf(rows[i] + 2 * j, "%2x", &byte) != 1)
				byte = 0;
			buf[j] = (uint8_t)byte;
		}
		if (pst_cbor_well_formed((struct pst_bytes){ buf, n }, NULL) ==
		    PST_OK)
			printf("  accepted: %s\n", rows[i]);
		CHECK(pst_cbor_well_formed(
			  (struct pst_bytes){ buf, n }, NULL) != PST_OK);
	}
}

/* A structure with every kind of item, for the two sweeps below. */
static const uint8_t sample[] = { 0xd8, 0x6b, 0xa4, 0x01, 0x82, 0x18, 0x64,
	0x39, 0x01, 0x00, 0x02, 0x43, 1, 2, 3, 0x03, 0x65, 'h', 'e', 'l', 'l',
	'o', 0x04, 0xa1, 0x61, 'x', 0x83, 0xf5, 0xf6, 0xfb, 0x40, 9, 0x21, 0xfb,
	0x54, 0x44, 0x2d, 0x18 };

static void
rejects_every_truncation(void)
{
	size_t n, at;

	for (n = 0; n < sizeof(sample); n++) {
		struct pst_bytes in = { sample, n };

		CHECK_EQ(pst_cbor_well_formed(in, &at), PST_ERR_CBOR_END);
		CHECK(at <= n);
	}
	CHECK_EQ(pst_cbor_well_formed(
		     (struct pst_bytes){ sample, sizeof(sample) }, &at),
	    PST_OK);
	CHECK_EQ(at, sizeof(sample));
}

static void
every_flipped_byte_stays_in_bounds(void)
{
	uint8_t buf[sizeof(sample)];
	size_t i, at;
	unsigned int v;

	for (i = 0; i < sizeof(sample); i++) {
		for (v = 0; v < 256; v++) {
			memcpy(buf, sample, sizeof(sample));
			buf[i] = (uint8_t)v;
			(void)!pst_cbor_well_formed(
			    (struct pst_bytes){ buf, sizeof(buf) }, &at);
			CHECK(at <= sizeof(buf));
		}
	}
}

static void
trailing_bytes_are_refused(void)
{
	struct pst_cbor_reader r = READ("\x01\x02");

	CHECK_EQ(pst_cbor_uint(&r, 9), 1);
	CHECK_EQ(pst_cbor_end(&r), PST_ERR_CBOR_TRAILING);
	CHECK_EQ(pst_cbor_well_formed(r.in, NULL), PST_ERR_CBOR_TRAILING);
}

static void
equal_compares_length_and_bytes(void)
{
	CHECK(pst_equal(PST_BYTES_LIT("abc"), PST_BYTES_LIT("abc")));
	CHECK(!pst_equal(PST_BYTES_LIT("abc"), PST_BYTES_LIT("abd")));
	CHECK(!pst_equal(PST_BYTES_LIT("abc"), PST_BYTES_LIT("ab")));
	CHECK(pst_equal((struct pst_bytes){ NULL, 0 }, PST_BYTES_LIT("")));
}

static void
wipe_leaves_zeros(void)
{
	uint8_t secret[5] = { 1, 2, 3, 4, 5 };
	static const uint8_t zeros[5];

	pst_wipe(secret, sizeof(secret));
	CHECK(memcmp(secret, zeros, sizeof(zeros)) == 0);
}

void
reader_cases(void)
{
	RUN(reads_integers_at_their_edges);
	RUN(reads_the_full_integer_range);
	RUN(int_refuses_what_int64_cannot_hold);
	RUN(refuses_a_value_over_its_bound_where_it_stood);
	RUN(refuses_longer_heads_than_needed);
	RUN(strings_keep_their_bounds);
	RUN(a_length_near_the_end_of_the_number_range_does_not_wrap);
	RUN(a_count_that_the_input_cannot_hold_is_refused_at_once);
	RUN(text_must_be_utf8);
	RUN(duplicate_labels_of_every_kind_are_refused);
	RUN(a_map_made_to_be_compared_at_length_is_refused);
	RUN(labels_that_int64_cannot_hold_are_other);
	RUN(tags_and_simple_values);
	RUN(lists_give_their_items_one_by_one);
	RUN(depth_is_bounded_without_recursion);
	RUN(indefinite_lengths_are_what_the_profile_says);
	RUN(refuses_every_row_of_appendix_f);
	RUN(rejects_every_truncation);
	RUN(every_flipped_byte_stays_in_bounds);
	RUN(trailing_bytes_are_refused);
	RUN(equal_compares_length_and_bytes);
	RUN(wipe_leaves_zeros);
	cbor_cases += test_cases;
	cbor_failures += test_failures;
}
