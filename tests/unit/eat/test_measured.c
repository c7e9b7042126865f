/*
 * What the claims "measurements" and "manifests" hold, written as hex by hand
 * from RFC 9393 and the drafts on measured components and SUIT reports.
 */
#include <postern/eat_measured.h>
#include <stdlib.h>

#include "test.h"

struct buffer {
	uint8_t bytes[4096];
	size_t len;
};

static void
append(struct buffer *b, const char *hex)
{
	const char *digits = "0123456789abcdef";

	for (; hex[0] != '\0'; hex += 2) {
		const char *high = strchr(digits, hex[0]);
		const char *low = strchr(digits, hex[1]);

		if (high == NULL || low == NULL || b->len == sizeof(b->bytes))
			abort();
		b->bytes[b->len++] =
		    (uint8_t)((high - digits) << 4 | (low - digits));
	}
}

static struct pst_bytes
bytes_of(struct buffer *b, const char *hex)
{
	b->len = 0;
	append(b, hex);
	return (struct pst_bytes){ b->bytes, b->len };
}

#define D32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define D48 D32 "00112233445566778899aabbccddeeff"

/* --- measured components ------------------------------------------------ */

static enum pst_err
component(const char *hex, struct pst_eat_measured *m)
{
	static struct buffer b;

	return pst_eat_measured_decode(bytes_of(&b, hex), m);
}

static void
a_component_is_read_and_written(void)
{
	static const char *const good[] = {
		/* "boot" ["1.2"], SHA-256 */
		"a201826462"
		"6f6f74"
		"8163312e3202820158"
		"20" D32,
		/* SHA-384, no version */
		"a2018162"
		"6665028207"
		"5830" D48,
		/* the value itself */
		"a2018162"
		"66650543"
		"010203",
	};
	struct pst_eat_measured m;
	struct pst_cbor_writer w;
	struct buffer b;
	uint8_t out[256];
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(component(good[i], &m), PST_OK);
		CHECK_EQ(m.alg,
		    i == 0	 ? PST_ALG_SHA256
			: i == 1 ? PST_ALG_SHA384
				 : PST_ALG_NONE);
		CHECK_EQ(m.value.len, i == 0 ? 32 : i == 1 ? 48 : 3);
		CHECK_EQ(m.version.len, i == 0 ? 3 : 0);
		pst_cbor_writer_init(&w, out, sizeof(out));
		pst_eat_measured_put(&w, &m);
		CHECK(pst_equal(pst_cbor_written(&w), bytes_of(&b, good[i])));
	}
	/* A hash by its name, and a version with its scheme. */
	CHECK_EQ(component("a2018261618261"
			   "3101028267"
			   "7368612d323536"
			   "5820" D32,
		     &m),
	    PST_OK);
	CHECK_EQ(m.alg, PST_ALG_SHA256);
}

static void
what_is_no_component_is_refused(void)
{
	static const struct {
		enum pst_err err;
		const char *hex, *why;
	} rows[] = {
		{ PST_ERR_EAT_CLAIM, "80", "a list" },
		{ PST_ERR_EAT_CLAIM, "a0", "empty" },
		{ PST_ERR_EAT_CLAIM, "a101816161", "no measurement" },
		{ PST_ERR_EAT_CLAIM,
		    "a10541"
		    "00",
		    "no name" },
		{ PST_ERR_EAT_CLAIM,
		    "a2018160"
		    "054100",
		    "an empty name" },
		{ PST_ERR_EAT_CLAIM, "a20180054100", "an empty id" },
		{ PST_ERR_EAT_CLAIM,
		    "a301816161028201"
		    "5820" D32 "054100",
		    "both" },
		{ PST_ERR_EAT_CLAIM,
		    "a201816161028201"
		    "4101",
		    "a short digest" },
		{ PST_ERR_EAT_CLAIM,
		    "a201816161028207"
		    "5820" D32,
		    "SHA-384 of 32 bytes" },
		{ PST_ERR_COSE_ALG,
		    "a201816161028202"
		    "50"
		    "00112233445566778899aabbccddeeff",
		    "a truncated hash" },
		{ PST_ERR_EAT_CLAIM,
		    "a20181616102822f"
		    "5820" D32,
		    "COSE's number" },
		{ PST_ERR_COSE_ALG,
		    "a201816161028267"
		    "7368612d313238"
		    "4101",
		    "an unknown name" },
		{ PST_ERR_EAT_PROFILE, "a30181616103814101054100",
		    "authorities" },
		{ PST_ERR_EAT_PROFILE,
		    "a301816161"
		    "0448000000000000000105"
		    "4100",
		    "flags" },
		{ PST_ERR_EAT_CLAIM, "a3018161610541000600", "a label more" },
		{ PST_ERR_EAT_CLAIM,
		    "a201816161054100"
		    "00",
		    "a byte more" },
		{ PST_ERR_EAT_CLAIM,
		    "a30181616105410005"
		    "4100",
		    "twice" },
	};
	struct pst_eat_measured m;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (component(rows[i].hex, &m) != rows[i].err)
			printf("  %s\n", rows[i].why);
		CHECK_EQ(component(rows[i].hex, &m), rows[i].err);
		CHECK(m.name.len == 0 && m.value.len == 0);
	}
}

/* --- CoSWID -------------------------------------------------------------- */

/* {0: "t", 1: "os", 13: "1", `member`: …} */
#define TAG(member, collection) \
	"a40061740162" \
	"6f730d6131" member collection
#define FILE_A \
	"a218186161" \
	"078201" \
	"5820" D32
#define FILE_B "a118186162"

static enum pst_err
swid(const char *hex, struct pst_coswid *c)
{
	static struct buffer b;

	return pst_coswid_decode(bytes_of(&b, hex), c);
}

static size_t
files(struct pst_coswid *c, size_t *hashed)
{
	struct pst_coswid_file f;
	size_t n = 0;

	*hashed = 0;
	for (; pst_coswid_next(c, &f); n++)
		*hashed += f.alg == PST_ALG_SHA256 && f.digest.len == 32;
	return n;
}

static void
files_of_a_coswid_are_listed(void)
{
	static const struct {
		const char *hex;
		size_t files, hashed;
		bool evidence;
	} rows[] = {
		{ TAG("03", "a111" FILE_A), 1, 1, true },
		{ TAG("06", "a11182" FILE_A FILE_B), 2, 1, false },
		/* a directory with a file, beside one */
		{ TAG("03",
		      "a21181" FILE_B "10a2181861641"
		      "81aa11182" FILE_A FILE_A),
		    3, 2, true },
		/* two directories, one in the other */
		{ TAG("03",
		      "a110a2181861641"
		      "81aa2"
		      "11" FILE_A "10a118"
		      "1aa111" FILE_A),
		    2, 2, true },
		{ TAG("03", "a0"), 0, 0, true },
	};
	struct pst_coswid c;
	size_t i, hashed;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (swid(rows[i].hex, &c) != PST_OK)
			printf("  row %zu\n", i);
		CHECK_EQ(swid(rows[i].hex, &c), PST_OK);
		CHECK(c.name.len == 2 && c.version.len == 1);
		CHECK_EQ(c.has_evidence, rows[i].evidence);
		CHECK_EQ(c.has_payload, !rows[i].evidence);
		CHECK_EQ(files(&c, &hashed), rows[i].files);
		CHECK_EQ(hashed, rows[i].hashed);
	}
}

static void
what_is_no_coswid_is_refused(void)
{
	static const struct {
		enum pst_err err;
		const char *hex, *why;
	} rows[] = {
		{ PST_ERR_EAT_CLAIM, "80", "a list" },
		{ PST_ERR_EAT_CLAIM, "a1006174", "no name" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "00"), "evidence: a number" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a11100"), "file: a number" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a11180"), "no files" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a111a0"), "a nameless file" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a111a1181800"),
		    "a number for a name" },
		{ PST_ERR_EAT_CLAIM,
		    TAG("03",
			"a111a21818616107820141"
			"00"),
		    "a short hash" },
		{ PST_ERR_COSE_ALG, TAG("03", "a111a2181861610782024100"),
		    "a truncated hash" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a11001"),
		    "directory: a number" },
		{ PST_ERR_EAT_CLAIM,
		    "a5006174016"
		    "26f730d613103a006a0",
		    "evidence and payload" },
		{ PST_ERR_EAT_CLAIM, TAG("03", "a0") "00", "a byte more" },
	};
	struct pst_coswid c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (swid(rows[i].hex, &c) != rows[i].err)
			printf("  %s\n", rows[i].why);
		CHECK_EQ(swid(rows[i].hex, &c), rows[i].err);
		CHECK(c.name.len == 0 && c.folders == 0);
	}
}

/* {16: [n directories with nothing but elements in them]} */
static enum pst_err
folders(size_t n)
{
	struct buffer b = { .len = 0 };
	struct pst_coswid c;
	size_t i;

	append(&b,
	    "a4006174016"
	    "26f730d613103a110");
	b.bytes[b.len++] = 0x98;
	b.bytes[b.len++] = (uint8_t)n;
	for (i = 0; i < n; i++)
		append(&b, "a1181aa0");
	return pst_coswid_decode((struct pst_bytes){ b.bytes, b.len }, &c);
}

static void
directories_are_bounded(void)
{
	struct buffer b = { .len = 0 };
	struct pst_coswid c;
	size_t i;

	CHECK_EQ(folders(24), PST_ERR_LIMIT);
	append(&b,
	    "a4006174016"
	    "26f730d613103");
	/* Each in the one before: bounded by the reader's depth. */
	for (i = 0; i < 20; i++)
		append(&b, "a110a1181a");
	append(&b, "a0");
	CHECK(pst_coswid_decode((struct pst_bytes){ b.bytes, b.len }, &c) !=
	    PST_OK);
}

/* --- all ------------------------------------------------------------------
 */

/* A decoder on bytes of exactly that length. */
static void
decode_all(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	struct pst_bytes in = { copy, len }, uri;
	struct pst_suit_digest digest;
	struct pst_eat_measured m;
	struct pst_coswid c;
	size_t hashed;

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	if (pst_eat_measured_decode(in, &m) != PST_OK)
		CHECK(m.name.len == 0);
	if (pst_coswid_decode(in, &c) == PST_OK) {
		(void)files(&c, &hashed);
		CHECK_EQ(c.err, PST_OK);
	}
	if (pst_eat_suit_reference(in, &uri, &digest) != PST_OK)
		CHECK(uri.len == 0 && digest.alg == 0);
	free(copy);
}

static void
every_truncation_and_flipped_bit_is_survived(void)
{
	static const char boot[] = "a2018264626f6f748163312e320282015820" D32;
	static const char tagged[] = TAG("03",
	    "a21181" FILE_B "10a2181861641"
	    "81aa11182" FILE_A FILE_A);
	static const char digest[] = "826178822f5820" D32;
	static const char *const good[] = { boot, tagged, digest };
	struct buffer b;
	size_t i, n;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)bytes_of(&b, good[i]);
		for (n = 0; n < b.len; n++) {
			decode_all(b.bytes, n);
			CHECK_CASE();
		}
		for (n = 0; n < b.len * 8; n++) {
			b.bytes[n / 8] =
			    (uint8_t)(b.bytes[n / 8] ^ 1 << (n & 7));
			decode_all(b.bytes, b.len);
			CHECK_CASE();
			b.bytes[n / 8] =
			    (uint8_t)(b.bytes[n / 8] ^ 1 << (n & 7));
		}
	}
}

static void
a_suit_reference_is_an_array_of_two(void)
{
	struct buffer b;
	struct pst_bytes uri;
	struct pst_suit_digest d;

	CHECK_EQ(pst_eat_suit_reference(
		     bytes_of(&b, "826178822f5820" D32), &uri, &d),
	    PST_OK);
	CHECK(uri.len == 1 && d.alg == PST_ALG_SHA256 && d.bytes.len == 32);
	/* the map of an older draft; a digest in a byte string; a short one */
	CHECK_EQ(pst_eat_suit_reference(
		     bytes_of(&b, "a201617800822f5820" D32), &uri, &d),
	    PST_ERR_EAT_CLAIM);
	CHECK_EQ(
	    pst_eat_suit_reference(bytes_of(&b, "82617843822f41"), &uri, &d),
	    PST_ERR_EAT_CLAIM);
	CHECK_EQ(
	    pst_eat_suit_reference(bytes_of(&b, "826178822f4101"), &uri, &d),
	    PST_ERR_EAT_CLAIM);
}

static void
items_of_the_claims_are_taken_in_order(void)
{
	struct buffer b;
	struct pst_list list = { { NULL, 0 }, 2 };
	struct pst_eat_content c;
	struct pst_cbor_writer w;
	uint8_t out[32];

	list.items = bytes_of(&b,
	    "8219010e4101"
	    "821901024102");
	pst_cbor_writer_init(&w, out, sizeof(out));
	CHECK(pst_eat_content_next(&list, &c));
	CHECK_EQ(c.format, PST_FORMAT_SUIT_REPORT);
	pst_eat_content_put(&w, &c);
	CHECK(pst_eat_content_next(&list, &c));
	CHECK(c.format == PST_FORMAT_COSWID && c.bytes.ptr[0] == 2);
	pst_eat_content_put(&w, &c);
	CHECK(!pst_eat_content_next(&list, &c));
	CHECK(pst_equal(
	    pst_cbor_written(&w), (struct pst_bytes){ b.bytes, b.len }));
}

int
main(void)
{
	RUN(a_component_is_read_and_written);
	RUN(what_is_no_component_is_refused);
	RUN(files_of_a_coswid_are_listed);
	RUN(what_is_no_coswid_is_refused);
	RUN(directories_are_bounded);
	RUN(every_truncation_and_flipped_bit_is_survived);
	RUN(a_suit_reference_is_an_array_of_two);
	RUN(items_of_the_claims_are_taken_in_order);
	TEST_END();
}
