#include <component.h>

#include "test.h"

static const struct {
	const char *text;
	const char *encoded; /* hexadecimal */
} pairs[] = {
	{ "ta",
	    "8142"
	    "7461" },
	{ "uuid:8d82573a-926d-4754-9353-32dc29997f74/ta",
	    "8250"
	    "8d82573a926d4754935332dc29997f74"
	    "42"
	    "7461" },
	{ "hex:", "8140" },
	{ "hex:00", "814100" },
	{ "a b/hex:2f/c",
	    "8343"
	    "612062"
	    "41"
	    "2f"
	    "41"
	    "63" },
	/* 16 printable bytes are text, a literal "hex:" is not */
	{ "0123456789abcdef",
	    "8150"
	    "30313233343536373839616263646566" },
	{ "hex:6865783a",
	    "8144"
	    "6865783a" },
	{ "hex:c3a9",
	    "8142"
	    "c3a9" },
};

static struct pst_bytes
unhex(const char *text, uint8_t *out)
{
	struct pst_bytes b = { out, strlen(text) / 2 };

	if (!pst_hex_parse(text, strlen(text), out))
		b.len = 0;
	return b;
}

static void
text_and_encoding_are_the_same_identifier(void)
{
	uint8_t want_buf[PST_SUIT_ID_MAX], got[PST_SUIT_ID_MAX];
	char text[PST_COMPONENT_TEXT_MAX];
	struct pst_bytes want;
	size_t i, len;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		want = unhex(pairs[i].encoded, want_buf);
		CHECK(want.len > 0);
		CHECK_EQ(
		    pst_component_parse(pairs[i].text, got, sizeof(got), &len),
		    PST_OK);
		CHECK_EQ(len, want.len);
		CHECK(memcmp(got, want.ptr, len) == 0);
		CHECK_EQ(pst_component_print(want, text, sizeof(text)), PST_OK);
		CHECK(strcmp(text, pairs[i].text) == 0);
	}
}

static void
refuses_text_that_is_no_identifier(void)
{
	static const char *const bad[] = { "", "/", "a/", "/a", "a//b",
		"uuid:", "uuid:8d82573a-926d-4754-9353-32dc29997f7",
		"uuid:8d82573a-926d-4754-9353-32dc29997f744",
		"uuid:8d82573a9-26d-4754-9353-32dc29997f74", "hex:0", "hex:0g",
		"a\tb", "\x1b[2J", "caf\xc3\xa9" };
	uint8_t out[PST_SUIT_ID_MAX];
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(pst_component_parse(bad[i], out, sizeof(out), &len),
		    PST_ERR_ARG);
		CHECK_EQ(len, 0);
	}
}

static void
refuses_encodings_that_are_no_identifier(void)
{
	static const char *const bad[] = { "", "80", "4101", "8101", "814100ff",
		"8142", "9f4100ff", "81580100" };
	uint8_t buf[64];
	char text[PST_COMPONENT_TEXT_MAX];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(pst_component_print(
			  unhex(bad[i], buf), text, sizeof(text)) != PST_OK);
		CHECK_EQ(text[0], 0);
	}
}

static void
counts_and_sizes_have_a_bound(void)
{
	char text[1024];
	uint8_t out[1024];
	size_t len;

	memset(text, 'a', sizeof(text));
	text[252] = '\0'; /* 1 + 2 + 252: 255 bytes */
	CHECK_EQ(pst_component_parse(text, out, sizeof(out), &len), PST_OK);
	text[252] = 'a';
	text[254] = '\0'; /* 1 + 2 + 254 */
	CHECK_EQ(
	    pst_component_parse(text, out, sizeof(out), &len), PST_ERR_LIMIT);
	memcpy(text, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 32);
	CHECK_EQ(pst_component_parse(text, out, sizeof(out), &len), PST_OK);
	memcpy(text, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 34);
	CHECK_EQ(
	    pst_component_parse(text, out, sizeof(out), &len), PST_ERR_LIMIT);
}

static void
a_small_buffer_is_refused_and_left_empty(void)
{
	static const uint8_t id[] = { 0x82, 0x41, 0x00, 0x42, 't', 'a' };
	struct pst_bytes in = { id, sizeof(id) };
	uint8_t out[sizeof(id)];
	char text[16];
	size_t cap, len;

	for (cap = 1; cap < sizeof("hex:00/ta"); cap++) {
		CHECK_EQ(pst_component_print(in, text, cap), PST_ERR_SPACE);
		CHECK_EQ(text[0], 0);
	}
	CHECK_EQ(pst_component_print(in, text, cap), PST_OK);
	for (cap = 0; cap < sizeof(id); cap++)
		CHECK_EQ(pst_component_parse("hex:00/ta", out, cap, &len),
		    PST_ERR_SPACE);
}

/* The longest text that any identifier has. */
static void
the_named_size_always_suffices(void)
{
	static const uint8_t zeros[PST_SUIT_ID_MAX];
	uint8_t id[PST_SUIT_ID_MAX];
	char text[PST_COMPONENT_TEXT_MAX];
	struct pst_cbor_writer w;
	size_t i;

	pst_cbor_writer_init(&w, id, sizeof(id));
	pst_cbor_put_array(&w, PST_SUIT_ID_PARTS_MAX);
	for (i = 1; i < PST_SUIT_ID_PARTS_MAX; i++)
		pst_cbor_put_bstr(&w, (struct pst_bytes){ zeros, 1 });
	pst_cbor_put_bstr(
	    &w, (struct pst_bytes){ zeros, sizeof(id) - w.len - 2 });
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.len, sizeof(id));
	CHECK_EQ(pst_component_print(
		     (struct pst_bytes){ id, w.len }, text, sizeof(text)),
	    PST_OK);
}

int
main(void)
{
	RUN(text_and_encoding_are_the_same_identifier);
	RUN(refuses_text_that_is_no_identifier);
	RUN(refuses_encodings_that_are_no_identifier);
	RUN(counts_and_sizes_have_a_bound);
	RUN(a_small_buffer_is_refused_and_left_empty);
	RUN(the_named_size_always_suffices);
	TEST_END();
}
