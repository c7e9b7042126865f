/*
 * The TEEP profile (draft-ietf-teep-protocol, Section 5), claim by claim: each
 * that it requires left out, of another type, of another size, and twice; and
 * encodings that it does not allow. Values are written as hex by hand.
 */
#include <postern/eat.h>
#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"

static const struct pst_crypto *crypto;

struct buffer {
	uint8_t bytes[2048];
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

/* One claim: its label and its value. */
struct row {
	const char *label, *value;
};

#define KID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MANIFEST \
	"8182" \
	"19010e" \
	"5827826178822f5820" KID

/* What the profile requires. */
static const struct row required[] = {
	{ "08", "a1035820" KID },	  /* cnf: kid */
	{ "190100", "4701020304050607" }, /* ueid */
	{ "190102", "43894823" },	  /* oemid */
	{ "190103", "416d" },		  /* hwmodel */
	{ "190104", "816131" },		  /* hwversion */
	{ "190110", MANIFEST },		  /* manifests: SUIT_Reference */
};
#define REQUIRED (sizeof(required) / sizeof(required[0]))

static const struct pst_bytes profile = { (const uint8_t *)PST_EAT_TEEP_PROFILE,
	sizeof(PST_EAT_TEEP_PROFILE) - 1 };

/* Decode and check a claims-set as one that a Verifier signed. */
static enum pst_err
judge(const struct buffer *b)
{
	static const uint8_t kid[32] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
		0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
		0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	const struct pst_bytes none = { NULL, 0 };
	struct pst_verified v =
	    pst_verified_by_caller((struct pst_bytes){ b->bytes, b->len });
	struct pst_eat e;
	enum pst_err err = pst_eat_decode(&v, &e, NULL);

	if (err == PST_OK)
		err = pst_eat_check(&e, profile, none, kid, crypto, 1000, 0);
	return err;
}

/* The required claims; row `at` with another value, which may be left out
 * (NULL), or with one more claim, when `at` is REQUIRED. */
static enum pst_err
with(size_t at, const char *label, const char *value)
{
	struct buffer b = { .len = 0 };
	size_t i, n = REQUIRED + (at == REQUIRED) - (value == NULL);

	b.bytes[b.len++] = (uint8_t)(0xa0 | n);
	for (i = 0; i < REQUIRED; i++) {
		if (i == at && value == NULL)
			continue;
		append(&b, required[i].label);
		append(&b, i == at ? value : required[i].value);
	}
	if (at == REQUIRED) {
		append(&b, label);
		append(&b, value);
	}
	return judge(&b);
}

static void
what_is_required_suffices(void)
{
	/* An unknown claim more. */
	CHECK_EQ(with(REQUIRED, "3a00010000", "f6"), PST_OK);
	CHECK_EQ(with(REQUIRED, "0a", "480102030405060708"), PST_OK);
	CHECK_EQ(with(REQUIRED, "190109",
		     "74"
		     "75726e3a696574663a7266633a72666358585858"),
	    PST_OK);
}

static void
each_required_claim_must_be_there(void)
{
	size_t i;

	for (i = 0; i < REQUIRED; i++)
		CHECK_EQ(with(i, NULL, NULL), PST_ERR_EAT_CLAIM);
}

/* Values of every other type; oemid alone may be a number. */
static void
each_required_claim_has_its_type(void)
{
	static const char *const values[] = { "00", "20", "4101", "6131", "80",
		"a0", "f4", "f6", "f93c00", "c100" };
	size_t i, k;

	for (i = 0; i < REQUIRED; i++) {
		for (k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			const char *label = required[i].label;

			if (strcmp(label, "190102") == 0 && k == 0)
				continue;
			if (strcmp(label, "190103") == 0 && k == 2)
				continue;
			if (with(i, NULL, values[k]) != PST_ERR_EAT_CLAIM)
				printf("  %s: %s\n", label, values[k]);
			CHECK_EQ(with(i, NULL, values[k]), PST_ERR_EAT_CLAIM);
		}
	}
}

static void
each_required_claim_has_its_size(void)
{
	static const struct row rows[] = {
		{ "190100", "46010203040506" },
		{ "190100",
		    "5822000102030405060708090a0b0c0d0e0f101112131415161718191a"
		    "1b1c1d1e1f2021" },
		{ "190102", "420102" },
		{ "190102", "4401020304" },
		{ "190102", "1b0000000100000000" },
		{ "190103", "40" },
		{ "190103", "5821" KID "00" },
		{ "190104", "80" },
		{ "190104", "8361310101" },
		{ "190110", "80" },
		{ "190110", "818119010e" },
		{ "190110",
		    "81831901"
		    "0e4100"
		    "00" },
		{ "190110",
		    "81821a0001000041"
		    "00" },
		{ "08", "a10340" },
	};
	size_t i, k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		for (i = 0; i < REQUIRED; i++) {
			if (strcmp(required[i].label, rows[k].label) != 0)
				continue;
			if (with(i, NULL, rows[k].value) != PST_ERR_EAT_CLAIM)
				printf(
				    "  %s: %s\n", rows[k].label, rows[k].value);
			CHECK_EQ(
			    with(i, NULL, rows[k].value), PST_ERR_EAT_CLAIM);
		}
	}
	/* A key of another size is another key. */
	CHECK_EQ(with(0, NULL,
		     "a10344000102"
		     "03"),
	    PST_ERR_EAT_BINDING);
}

static void
each_required_claim_is_there_once(void)
{
	size_t i;

	for (i = 0; i < REQUIRED; i++)
		CHECK_EQ(with(REQUIRED, required[i].label, required[i].value),
		    PST_ERR_CBOR_DUPLICATE);
}

static void
another_profile_is_refused(void)
{
	CHECK_EQ(with(REQUIRED, "190109", "6178"), PST_ERR_EAT_PROFILE);
	/* An OID. */
	CHECK_EQ(with(REQUIRED, "190109", "432a0304"), PST_ERR_EAT_PROFILE);
	CHECK_EQ(with(REQUIRED, "190109", "60"), PST_ERR_EAT_CLAIM);
}

/* "Only definite length arrays and maps", "only definite-length strings",
 * "preferred serialization", "CBOR Tags are not used". */
static void
encodings_are_those_of_the_profile(void)
{
	static const struct {
		const char *label, *value;
		enum pst_err err;
	} rows[] = {
		{ "08", "bf035820" KID "ff", PST_ERR_CBOR_INDEFINITE },
		{ "190100",
		    "5f43010203440405060"
		    "7ff",
		    PST_ERR_CBOR_INDEFINITE },
		{ "190104", "9f6131ff", PST_ERR_CBOR_INDEFINITE },
		{ "190104", "817f6131ff", PST_ERR_CBOR_INDEFINITE },
		{ "190110", "9f8219010e4100ff", PST_ERR_CBOR_INDEFINITE },
		{ "190110", "819f19010e4100ff", PST_ERR_CBOR_INDEFINITE },
		{ "190100", "580701020304050607", PST_ERR_CBOR_PREFERRED },
		{ "190103",
		    "590001"
		    "6d",
		    PST_ERR_CBOR_PREFERRED },
		{ "190104", "98016131", PST_ERR_CBOR_PREFERRED },
		{ "190110", "81821a0000010e4100", PST_ERR_CBOR_PREFERRED },
		{ "08", "b801035820" KID, PST_ERR_CBOR_PREFERRED },
	};
	struct buffer b = { .len = 0 };
	size_t i, k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		for (i = 0; i < REQUIRED; i++) {
			if (strcmp(required[i].label, rows[k].label) != 0)
				continue;
			CHECK_EQ(with(i, NULL, rows[k].value), rows[k].err);
		}
	}
	/* The map itself; a label that is not the shortest; a claim that is
	 * skipped is held to the same. */
	append(&b,
	    "bf06"
	    "01ff");
	CHECK_EQ(judge(&b), PST_ERR_CBOR_INDEFINITE);
	CHECK_EQ(with(REQUIRED, "1806", "01"), PST_ERR_CBOR_PREFERRED);
	CHECK_EQ(with(REQUIRED, "1903e7", "9f00ff"), PST_ERR_CBOR_INDEFINITE);
	CHECK_EQ(with(REQUIRED, "1903e7", "1800"), PST_ERR_CBOR_PREFERRED);
	/* A time with a tag. */
	CHECK_EQ(with(REQUIRED, "06", "c101"), PST_ERR_EAT_CLAIM);
	CHECK_EQ(with(REQUIRED, "04", "c11a7fffffff"), PST_ERR_EAT_CLAIM);
}

/* "When the eat_nonce claim is used, the value is a single bstr." */
static void
a_nonce_is_one_byte_string(void)
{
	static const char *const bad[] = { "47"
					   "01020304050607",
		"680102030405060708",
		"8148"
		"0102030405060708",
		"824801020304050607084801020304050607"
		"08",
		"00" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(with(REQUIRED, "0a", bad[i]), PST_ERR_EAT_CLAIM);
}

int
main(void)
{
	struct pst_openssl *port = pst_openssl_new();

	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	RUN(what_is_required_suffices);
	RUN(each_required_claim_must_be_there);
	RUN(each_required_claim_has_its_type);
	RUN(each_required_claim_has_its_size);
	RUN(each_required_claim_is_there_once);
	RUN(another_profile_is_refused);
	RUN(encodings_are_those_of_the_profile);
	RUN(a_nonce_is_one_byte_string);
	pst_openssl_free(&port);
	TEST_END();
}
