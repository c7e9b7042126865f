/*
 * Diagnostic notation: RFC 8949, Appendix A in both directions, everything
 * else that a printer and a parser have to get right, and what they refuse.
 */
#include <component.h>
#include <diag.h>
#include <stdlib.h>

#include "test.h"

struct pair {
	const char *hex;
	const char *notation;
};

/* RFC 8949, Appendix A; the three widths of Infinity and NaN are told apart
 * by encoding indicators (Section 8.1). */
static const struct pair appendix_a[] = {
	{ "00", "0" },
	{ "01", "1" },
	{ "0a", "10" },
	{ "17", "23" },
	{ "1818", "24" },
	{ "1819", "25" },
	{ "1864", "100" },
	{ "1903e8", "1000" },
	{ "1a000f4240", "1000000" },
	{ "1b000000e8d4a51000", "1000000000000" },
	{ "1bffffffffffffffff", "18446744073709551615" },
	{ "c249010000000000000000", "18446744073709551616" },
	{ "3bffffffffffffffff", "-18446744073709551616" },
	{ "c349010000000000000000", "-18446744073709551617" },
	{ "20", "-1" },
	{ "29", "-10" },
	{ "3863", "-100" },
	{ "3903e7", "-1000" },
	{ "f90000", "0.0" },
	{ "f98000", "-0.0" },
	{ "f93c00", "1.0" },
	{ "fb3ff199999999999a", "1.1" },
	{ "f93e00", "1.5" },
	{ "f97bff", "65504.0" },
	{ "fa47c35000", "100000.0" },
	{ "fa7f7fffff", "3.4028234663852886e+38" },
	{ "fb7e37e43c8800759c", "1.0e+300" },
	{ "f90001", "5.960464477539063e-8" },
	{ "f90400", "0.00006103515625" },
	{ "f9c400", "-4.0" },
	{ "fbc010666666666666", "-4.1" },
	{ "f97c00", "Infinity" },
	{ "f97e00", "NaN" },
	{ "f9fc00", "-Infinity" },
	{ "fa7f800000", "Infinity_2" },
	{ "fa7fc00000", "NaN_2" },
	{ "faff800000", "-Infinity_2" },
	{ "fb7ff0000000000000", "Infinity_3" },
	{ "fb7ff8000000000000", "NaN_3" },
	{ "fbfff0000000000000", "-Infinity_3" },
	{ "f4", "false" },
	{ "f5", "true" },
	{ "f6", "null" },
	{ "f7", "undefined" },
	{ "f0", "simple(16)" },
	{ "f8ff", "simple(255)" },
	{ "c074323031332d30332d32315432303a30343a30305a",
	    "0(\"2013-03-21T20:04:00Z\")" },
	{ "c11a514b67b0", "1(1363896240)" },
	{ "c1fb41d452d9ec200000", "1(1363896240.5)" },
	{ "d74401020304", "23(h'01020304')" },
	{ "d818456449455446", "24(h'6449455446')" },
	{ "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
	    "32(\"http://www.example.com\")" },
	{ "40", "h''" },
	{ "4401020304", "h'01020304'" },
	{ "60", "\"\"" },
	{ "6161", "\"a\"" },
	{ "6449455446", "\"IETF\"" },
	{ "62225c", "\"\\\"\\\\\"" },
	{ "62c3bc", "\"\xc3\xbc\"" },
	{ "63e6b0b4", "\"\xe6\xb0\xb4\"" },
	{ "64f0908591", "\"\xf0\x90\x85\x91\"" },
	{ "80", "[]" },
	{ "83010203", "[1, 2, 3]" },
	{ "8301820203820405", "[1, [2, 3], [4, 5]]" },
	{ "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	    "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, "
	    "19, 20, 21, 22, 23, 24, 25]" },
	{ "a0", "{}" },
	{ "a201020304", "{1: 2, 3: 4}" },
	{ "a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}" },
	{ "826161a161626163", "[\"a\", {\"b\": \"c\"}]" },
	{ "a56161614161626142616361436164614461656145",
	    "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", "
	    "\"e\": \"E\"}" },
	{ "5f42010243030405ff", "(_ h'0102', h'030405')" },
	{ "7f657374726561646d696e67ff", "(_ \"strea\", \"ming\")" },
	{ "9fff", "[_ ]" },
	{ "9f018202039f0405ffff", "[_ 1, [2, 3], [_ 4, 5]]" },
	{ "9f01820203820405ff", "[_ 1, [2, 3], [4, 5]]" },
	{ "83018202039f0405ff", "[1, [2, 3], [_ 4, 5]]" },
	{ "83019f0203ff820405", "[1, [_ 2, 3], [4, 5]]" },
	{ "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
	    "[_ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
	    "18, 19, 20, 21, 22, 23, 24, 25]" },
	{ "bf61610161629f0203ffff", "{_ \"a\": 1, \"b\": [_ 2, 3]}" },
	{ "826161bf61626163ff", "[\"a\", {_ \"b\": \"c\"}]" },
	{ "bf6346756ef563416d7421ff", "{_ \"Fun\": true, \"Amt\": -2}" },
};

/* Encodings that Appendix A has none of. */
static const struct pair others[] = {
	{ "1817", "23_0" },
	{ "190017", "23_1" },
	{ "1a00000017", "23_2" },
	{ "1b0000000000000017", "23_3" },
	{ "3800", "-1_0" },
	{ "5800", "h''_0" },
	{ "79000161", "\"a\"_1" },
	{ "980101", "[_0 1]" },
	{ "b9000101 02", "{_1 1: 2}" },
	{ "d801 00", "1_0(0)" },
	{ "fa3f800000", "1.0_2" },
	{ "fb3ff0000000000000", "1.0_3" },
	{ "5fff", "''_" },
	{ "7fff", "\"\"_" },
	{ "5f40ff", "(_ h'')" },
	{ "bfff", "{_ }" },
	{ "5f5800 4101ff", "(_ h''_0, h'01')" },
	{ "c15f4100ff", "1((_ h'00'))" },
	/* NaNs with a payload or a sign; text that is not UTF-8 */
	{ "f97e01", "float'7e01'" },
	{ "f9fe00", "float'fe00'" },
	{ "fa7f800001", "float'7f800001'" },
	{ "fbfff8000000000000", "float'fff8000000000000'" },
	{ "61ff", "text'ff'" },
	{ "62c080", "text'c080'" },
	/* bignums that are not written as one would write the number */
	{ "c24101", "2(h'01')" },
	{ "c24a00010000000000000000", "2(h'00010000000000000000')" },
	{ "c25809010000000000000000", "2(h'010000000000000000'_0)" },
	{ "c2f6", "2(null)" },
	{ "c34900ffffffffffffffff", "3(h'00ffffffffffffffff')" },
	/* nothing that a terminal obeys */
	{ "641b5b324a", "\"\\u001b[2J\"" },
	{ "630a097f", "\"\\n\\t\\u007f\"" },
	{ "62c285", "\"\\u0085\"" },
	{ "63e280ae", "\"\\u202e\"" },
	{ "64f3a08081", "\"\\udb40\\udc01\"" },
	{ "fa00000001", "1.401298464324817e-45" },
	{ "fb0000000000000001", "5.0e-324" },
	{ "fb7fefffffffffffff", "1.7976931348623157e+308" },
	{ "fb444b1ae4d6e2ef50", "1.0e+21" },
};

/* What is read but written otherwise. */
static const struct pair read_only[] = {
	{ "83010203", " [ 1 , 2,3 , ] " },
	{ "83010203", "/ a / [1 / one /, 2 # two\n, // x\n 3]" },
	{ "420102", "h'01 / comment / 02'" },
	{ "43666f6f", "'foo'" },
	{ "4427270a5c", "'\\'\\'\\n\\\\'" },
	{ "420102", "b64'AQI='" },
	{ "43fbefff", "b64'++//'" },
	{ "43fbefff", "b64'--__'" },
	{ "43666f6f", "b32'MZXW6==='" },
	{ "43666f6f", "h32'CPNMU==='" },
	{ "420102", "<<1, 2>>" },
	{ "40", "<<>>" },
	{ "58020102", "<<1, 2>>_0" },
	{ "656162636465", "\"ab\" \"cde\"" },
	{ "43616263", "'a' h'62' \"c\"" },
	{ "62c3bc", "\"\\u00fc\"" },
	{ "64f0908591", "\"\\ud800\\udd51\"" },
	{ "1864", "0x64" },
	{ "1864", "0o144" },
	{ "1864", "0b1100100" },
	{ "f93e00", "0x1.8p0" },
	{ "fa47c35000", "1e5" },
	{ "f93c00", "1.0_1" },
	{ "00", "0_i" },
	{ "f6", "null" },
	{ "e0", "simple(0)" },
	{ "f5", "simple(21)" },
	{ "c249010000000000000000", "0x10000000000000000" },
};

static struct pst_bytes
unhex(const char *text, uint8_t *out)
{
	struct pst_bytes b = { out, 0 };

	for (; *text != '\0'; text += 2) {
		while (*text == ' ')
			text++;
		if (!pst_hex_parse(text, 2, out + b.len++))
			b.len = 0;
	}
	return b;
}

static char *
printed(
    struct pst_bytes in, enum pst_diag_form form, enum pst_err *err, size_t *at)
{
	const struct pst_shape *shape;
	const char *what;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	shape = pst_diag_guess(in, &what);
	*err = pst_diag_print(f, in, form, shape, at);
	fclose(f);
	return text;
}

static bool
parses_to(const char *notation, struct pst_bytes want)
{
	struct pst_bytes text = { (const uint8_t *)notation, strlen(notation) };
	struct pst_diag_fault fault;
	uint8_t *out;
	size_t len;
	bool same;

	if (pst_diag_parse(text, &out, &len, &fault) != PST_OK) {
		printf("  %s: %s at %zu\n", notation, fault.why, fault.at);
		return false;
	}
	same = len == want.len && memcmp(out, want.ptr, len) == 0;
	free(out);
	return same;
}

/* Both ways, and through every form that is notation. */
static void
both_ways(const struct pair *p)
{
	static const enum pst_diag_form forms[] = { PST_DIAG_LINE,
		PST_DIAG_PRETTY, PST_DIAG_ANNOTATED };
	uint8_t buf[128];
	struct pst_bytes in = unhex(p->hex, buf);
	enum pst_err err;
	size_t i, at;
	char *text;
	bool same;

	for (i = 0; i < 3; i++) {
		text = printed(in, forms[i], &err, &at);
		same = i > 0 || strcmp(text, p->notation) == 0;
		if (!same)
			printf("  %s, not %s\n", text, p->notation);
		same = same && parses_to(text, in);
		free(text);
		CHECK_EQ(err, PST_OK);
		CHECK(same);
	}
	CHECK(parses_to(p->notation, in));
}

static void
appendix_a_round_trips(void)
{
	size_t i;

	for (i = 0; i < sizeof(appendix_a) / sizeof(appendix_a[0]); i++) {
		both_ways(&appendix_a[i]);
		CHECK_CASE();
	}
}

static void
every_other_encoding_round_trips(void)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		both_ways(&others[i]);
		CHECK_CASE();
	}
}

static void
what_people_write_is_read(void)
{
	uint8_t buf[128];
	size_t i;

	for (i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		CHECK(parses_to(
		    read_only[i].notation, unhex(read_only[i].hex, buf)));
}

static void
what_is_no_notation_is_refused(void)
{
	static const char *const bad[] = { "", " ", "[", "]", "[1", "[1 2]",
		"{1}", "{1:}", "{1: 2", "(1)", "1(", "1(2", "1 2", "1,", "h'0",
		"h'0'", "h'0g'", "b64'A'", "b64'AB'", "\"", "\"\\q\"", "'",
		"\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
		"tru", "truex", "simple(24)", "simple(256)", "simple()",
		"simple(1", "-", "--1", "-0", "1e", ".5", "1.5.5", "1e999",
		"0x", "0xg", "256_0", "24_i", "1.1_1", "1.0_0", "1_4",
		"18446744073709551616(0)", "/", "/ x", "[_1]x", "(_ 1)",
		"(_ h'00', \"a\")", "(_ )", "(_ ''_)", "<<1", "<<1,,>>",
		"float'7e'", "float'7e0'", "NaN_0", "-NaN", "text'0'",
		"\"\x01\"", "\"\xff\"", "h''_2x", "1_0 (", "[,]",
		"18446744073709551616_3" };
	struct pst_diag_fault fault;
	struct pst_bytes text;
	uint8_t *out;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text = (struct pst_bytes){ (const uint8_t *)bad[i],
			strlen(bad[i]) };
		fault.why = NULL;
		if (pst_diag_parse(text, &out, &len, &fault) == PST_OK)
			printf("  accepted: %s\n", bad[i]);
		CHECK(out == NULL);
		CHECK(fault.why != NULL);
		CHECK(fault.at <= text.len);
	}
}

static void
a_fault_says_where_it_is(void)
{
	struct pst_bytes text = PST_BYTES_LIT("[1,\n  2,\n  x]");
	struct pst_diag_fault fault;
	uint8_t *out;
	size_t len;

	CHECK_EQ(pst_diag_parse(text, &out, &len, &fault), PST_ERR_ARG);
	CHECK_EQ(fault.line, 3);
	CHECK_EQ(fault.column, 3);
	CHECK_EQ(fault.at, 11);
}

/* One level more than the bound is refused by both, and nothing crashes at a
 * million. */
static void
depth_has_a_bound(void)
{
	enum { MANY = 1000000 };
	uint8_t *deep = malloc(MANY);
	struct pst_bytes in = { deep, 0 };
	struct pst_diag_fault fault;
	uint8_t *out;
	size_t at, len;

	memset(deep, 0x81, MANY);
	deep[PST_DIAG_DEPTH_MAX - 1] = 0x80;
	in.len = PST_DIAG_DEPTH_MAX;
	CHECK_EQ(pst_diag_check(in, &at), PST_ERR_CBOR_DEPTH);
	CHECK_EQ(at, PST_DIAG_DEPTH_MAX - 1);
	in.ptr++;
	in.len--;
	CHECK_EQ(pst_diag_check(in, &at), PST_OK);
	in = (struct pst_bytes){ deep, MANY };
	memset(deep, 0x81, MANY);
	CHECK_EQ(pst_diag_check(in, &at), PST_ERR_CBOR_DEPTH);
	memset(deep, '[', MANY);
	CHECK_EQ(pst_diag_parse(in, &out, &len, &fault), PST_ERR_LIMIT);
	free(deep);
}

/* Whatever a bignum's size: decimal up to the bound, bytes beyond. */
static void
bignums_of_every_size_round_trip(void)
{
	uint8_t item[3 + PST_DIAG_BIGNUM_MAX + 2];
	struct pst_cbor_writer w;
	uint8_t number[PST_DIAG_BIGNUM_MAX + 1];
	enum pst_err err;
	size_t len, at;
	char *text;

	memset(number, 0xff, sizeof(number));
	for (len = 0; len <= sizeof(number); len++) {
		pst_cbor_writer_init(&w, item, sizeof(item));
		pst_cbor_put_tag(&w, 2 + len % 2);
		pst_cbor_put_bstr(&w, (struct pst_bytes){ number, len });
		CHECK_EQ(w.err, PST_OK);
		text = printed(pst_cbor_written(&w), PST_DIAG_LINE, &err, &at);
		CHECK_EQ(err, PST_OK);
		CHECK_EQ(text[1] == '(', len < 9 || len == sizeof(number));
		CHECK(parses_to(text, pst_cbor_written(&w)));
		free(text);
	}
}

static void
what_precedes_a_fault_is_printed(void)
{
	uint8_t buf[16];
	enum pst_err err;
	size_t at;
	char *text;

	text = printed(unhex("830102", buf), PST_DIAG_LINE, &err, &at);
	CHECK_EQ(err, PST_ERR_CBOR_END);
	CHECK_EQ(at, 0); /* three items cannot be in two bytes */
	free(text);
	text = printed(unhex("8301021c", buf), PST_DIAG_LINE, &err, &at);
	CHECK_EQ(err, PST_ERR_CBOR_MALFORMED);
	CHECK_EQ(at, 3);
	CHECK(strcmp(text, "[1, 2") == 0);
	free(text);
	text = printed(unhex("0000", buf), PST_DIAG_LINE, &err, &at);
	CHECK_EQ(err, PST_ERR_CBOR_TRAILING);
	CHECK_EQ(at, 1);
	free(text);
}

/* A byte string that should hold CBOR and does not is shown as it is. */
static void
damaged_inner_cbor_stays_a_byte_string(void)
{
	uint8_t buf[64];
	enum pst_err err;
	size_t at;
	char *text;

	text = printed(unhex("d28443 a10126 a0 4101 40", buf),
	    PST_DIAG_ANNOTATED, &err, &at);
	CHECK_EQ(err, PST_OK);
	CHECK(strstr(text, "/ alg / 1: -7 / ES256 /") != NULL);
	free(text);
	text = printed(unhex("d28443 a20126 a0 4101 40", buf),
	    PST_DIAG_ANNOTATED, &err, &at);
	CHECK_EQ(err, PST_OK);
	CHECK(strstr(text, "/ protected / h'a20126'") != NULL);
	free(text);
}

/* The text in a note cannot end its comment. */
static void
notes_cannot_end_their_comment(void)
{
	uint8_t buf[32];
	struct pst_bytes in = unhex("45612f2c5b31", buf); /* "a/,[1" */
	enum pst_err err;
	size_t at;
	char *text = printed(in, PST_DIAG_ANNOTATED, &err, &at);

	CHECK_EQ(err, PST_OK);
	CHECK(parses_to(text, in));
	CHECK(strchr(text, '[') == NULL);
	free(text);
}

static void
safe_text_has_nothing_that_a_terminal_obeys(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = { { "", "" }, { "plain/text\\", "plain/text\\" },
		{ "\x1b[2J", "\\u001b[2J" }, { "a\nb", "a\\nb" },
		{ "\x7f", "\\u007f" }, { "\xc3\xbc", "\xc3\xbc" },
		{ "\xc2\x85", "\\u0085" }, { "\xe2\x80\xae", "\\u202e" },
		{ "\xf0\x90\x85\x91", "\xf0\x90\x85\x91" },
		{ "\xff"
		  "x",
		    "\\xffx" },
		{ "\xc3", "\\xc3" }, { "\xe6\xb0", "\\xe6\\xb0" },
		{ "\xc0\x80", "\\xc0\\x80" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" } };
	struct pst_bytes in;
	char *out = NULL;
	size_t i, len;
	FILE *f;
	bool same;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = (struct pst_bytes){ (const uint8_t *)rows[i].text,
			strlen(rows[i].text) };
		f = open_memstream(&out, &len);
		pst_print_safe(f, in);
		fclose(f);
		same = strcmp(out, rows[i].want) == 0;
		if (!same)
			printf("  %s, not %s\n", out, rows[i].want);
		free(out);
		CHECK(same);
	}
}

int
main(void)
{
	RUN(appendix_a_round_trips);
	RUN(every_other_encoding_round_trips);
	RUN(what_people_write_is_read);
	RUN(what_is_no_notation_is_refused);
	RUN(a_fault_says_where_it_is);
	RUN(depth_has_a_bound);
	RUN(bignums_of_every_size_round_trip);
	RUN(what_precedes_a_fault_is_printed);
	RUN(damaged_inner_cbor_stays_a_byte_string);
	RUN(notes_cannot_end_their_comment);
	RUN(safe_text_has_nothing_that_a_terminal_obeys);
	TEST_END();
}
