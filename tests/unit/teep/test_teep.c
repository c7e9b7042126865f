/*
 * The five messages, negotiation, media types. Messages are written as hex,
 * by hand from draft-ietf-teep-protocol, not by the encoder under test.
 */
#include <postern/eat.h>
#include <postern/teep.h>

#include <stdlib.h>

#include "test.h"

#define TOKEN "48a0a1a2a3a4a5a6a7"
#define SUITES "828182122881821232"
#define PROFILES "84842f28381c39fffd842f32381c39fffd842f28381c01842f32381c1818"

struct buffer {
	uint8_t bytes[2048];
	size_t len;
};

static int
nibble(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c);

	return at != NULL && c != '\0' ? (int)(at - digits) : -1;
}

static void
append(struct buffer *b, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		if (nibble(hex[0]) < 0 || nibble(hex[1]) < 0 ||
		    b->len == sizeof(b->bytes))
			abort();
		b->bytes[b->len++] =
		    (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	}
}

static void
fill(struct buffer *b, size_t n)
{
	while (n-- > 0)
		b->bytes[b->len++] = (uint8_t)'x';
}

static struct pst_verified
shown(const struct buffer *b)
{
	return pst_verified_by_caller((struct pst_bytes){ b->bytes, b->len });
}

/* Decode from an exact-size copy, so that a sanitizer sees an over-read. */
static enum pst_err
decode_exact(const uint8_t *bytes, size_t len, struct pst_teep_message *m)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct pst_verified v;
	enum pst_err err;
	size_t at;

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	v = pst_verified_by_caller((struct pst_bytes){ copy, len });
	err = pst_teep_decode(&v, m, &at);
	if (at > len)
		abort();
	free(copy);
	return err;
}

static enum pst_err
decode_hex(const char *hex)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;

	append(&b, hex);
	return decode_exact(b.bytes, b.len, &m);
}

/* One of each message, with every option that it may carry. */
static const char attested[] = "8501a6"
			       "0248c0c1c2c3c4c5c6c7"
			       "0382001affffffff"
			       "0743010203"
			       "0d63612f62"
			       "138141a0"
			       "15820001" SUITES PROFILES "0f";

static const char unattested[] = "8501a2"
				 "038100"
				 "14" TOKEN SUITES PROFILES "02";

static const char response[] = "8202a9"
			       "0600"
			       "0743010203"
			       "0881a200814141035824822f5820"
			       "000102030405060708090a0b0c0d0e0f"
			       "101112131415161718191a1b1c1d1e1f"
			       "098101"
			       "0d63612f62"
			       "0e82a110814141a310814142110212f5"
			       "0f8181414d"
			       "138141a0"
			       "14" TOKEN;

static const char update[] = "8203a8"
			     "0743010203"
			     "0a8241a043d86ba0"
			     "0c6161"
			     "0d63612f62"
			     "0f8181414d"
			     "14" TOKEN "1662656e"
			     "1707";

static const char success[] = "8205a3"
			      "0b626f6b"
			      "138141a0"
			      "14" TOKEN;

static const char error[] = "8306a9"
			    "01" SUITES "0248c0c1c2c3c4c5c6c7"
			    "038100"
			    "04" PROFILES "0c6161"
			    "138141a0"
			    "14" TOKEN "15820001"
			    "1662656e"
			    "05";

static const char *const good[] = { attested, unattested, response, update,
	success, error };
enum { GOOD = sizeof(good) / sizeof(good[0]) };

static void
good_message(size_t i, struct buffer *b)
{
	b->len = 0;
	append(b, good[i]);
}

static void
decodes_every_option_into_its_own_field(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;
	struct pst_verified v;
	struct pst_bytes item;

	append(&b, update);
	v = shown(&b);
	CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
	/* pitfalls, Messages: err-code and err-msg in the wrong fields */
	CHECK_EQ(m.err_code, 7);
	CHECK_EQ(m.err_msg.len, 1);
	CHECK(m.err_msg.ptr[0] == 'a');
	CHECK_EQ(m.err_lang.len, 2);
	CHECK_EQ(m.token.len, 8);
	CHECK_EQ(m.token.ptr[0], 0xa0);
	CHECK_EQ(m.attestation_payload.len, 3);
	CHECK_EQ(m.attestation_payload_format.len, 3);
	CHECK_EQ(m.unneeded_manifest_list.count, 1);
	CHECK_EQ(m.manifest_list.count, 2);
	CHECK(pst_teep_next_bstr(&m.manifest_list, &item));
	CHECK_EQ(item.len, 1);
	CHECK(pst_teep_next_bstr(&m.manifest_list, &item));
	CHECK_EQ(item.len, 3);
	CHECK(!pst_teep_next_bstr(&m.manifest_list, &item));
	CHECK(pst_teep_next_item(&m.unneeded_manifest_list, &item));
	CHECK_EQ(item.len, 3);
}

static void
decodes_a_query_request(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;
	struct pst_verified v;

	append(&b, attested);
	v = shown(&b);
	CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
	CHECK_EQ(m.type, PST_TEEP_QUERY_REQUEST);
	CHECK_EQ(m.suites, PST_SUITE_ED25519 | PST_SUITE_ESP256);
	CHECK_EQ(m.profiles, 15);
	CHECK_EQ(m.data_items, 15);
	CHECK_EQ(m.freshness, 3);
	CHECK_EQ(m.challenge.len, 8);
	CHECK(pst_teep_offers_version(&m, 0));
	CHECK(pst_teep_offers_version(&m, UINT32_MAX));
	CHECK(!pst_teep_offers_version(&m, 1));
}

/* pitfalls, Messages: requested-tc-info keeps only its last member; tc-list
 * is read with an old key. */
static void
decodes_every_member_of_the_lists(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_requested q;
	struct pst_teep_message m;
	struct pst_teep_tc tc;
	struct pst_verified v;

	append(&b, response);
	v = shown(&b);
	CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
	CHECK_EQ(m.requested_tc_list.count, 2);
	CHECK(pst_teep_next_requested(&m.requested_tc_list, &q));
	CHECK_EQ(q.component_id.ptr[2], 'A');
	CHECK(!q.has_sequence);
	CHECK(!q.have_binary);
	CHECK(pst_teep_next_requested(&m.requested_tc_list, &q));
	CHECK_EQ(q.component_id.ptr[2], 'B');
	CHECK_EQ(q.sequence, 2);
	CHECK(q.has_sequence && q.have_binary);
	CHECK(!pst_teep_next_requested(&m.requested_tc_list, &q));
	CHECK(pst_teep_next_tc(&m.tc_list, &tc));
	CHECK_EQ(tc.component_id.len, 3);
	CHECK_EQ(tc.digest_alg, PST_ALG_SHA256);
	CHECK_EQ(tc.digest.len, 32);
	CHECK_EQ(tc.digest.ptr[31], 0x1f);
	CHECK(!tc.has_image_size);
}

/* pitfalls, Messages: a decoded Success encodes as a QueryRequest. */
static void
encodes_what_it_decoded(void)
{
	struct buffer b;
	struct pst_cbor_writer w;
	struct pst_teep_message m;
	struct pst_verified v;
	uint8_t out[2048];
	size_t i;

	for (i = 0; i < GOOD; i++) {
		good_message(i, &b);
		v = shown(&b);
		CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
		pst_cbor_writer_count(&w);
		CHECK_EQ(pst_teep_encode(&w, &m), PST_OK);
		/* Suites come out in the order of their bits. */
		CHECK_EQ(w.len, b.len);
		pst_cbor_writer_init(&w, out, w.len);
		CHECK_EQ(pst_teep_encode(&w, &m), PST_OK);
		v = pst_verified_by_caller(pst_cbor_written(&w));
		CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
		CHECK_EQ(m.type, b.bytes[1]);
		pst_cbor_writer_init(&w, out, w.len - 1);
		CHECK_EQ(pst_teep_encode(&w, &m), PST_ERR_SPACE);
	}
}

static void
rejects_every_truncation(void)
{
	struct pst_teep_message m, zero;
	struct buffer b;
	size_t i, n;

	memset(&zero, 0, sizeof(zero));
	for (i = 0; i < GOOD; i++) {
		good_message(i, &b);
		for (n = 0; n < b.len; n++) {
			CHECK(decode_exact(b.bytes, n, &m) != PST_OK);
			CHECK(memcmp(&m, &zero, sizeof(m)) == 0);
		}
	}
}

/* No flipped byte is read out of bounds; what still decodes encodes again. */
static void
survives_every_flipped_byte(void)
{
	struct pst_cbor_writer w;
	struct pst_teep_message m;
	struct buffer b;
	size_t i, n;
	int bit;

	for (i = 0; i < GOOD; i++) {
		good_message(i, &b);
		for (n = 0; n < b.len * 8; n++) {
			bit = 1 << (n & 7);
			b.bytes[n / 8] = (uint8_t)(b.bytes[n / 8] ^ bit);
			if (decode_exact(b.bytes, b.len, &m) == PST_OK) {
				pst_cbor_writer_count(&w);
				CHECK(m.type != 0);
			}
			b.bytes[n / 8] = (uint8_t)(b.bytes[n / 8] ^ bit);
		}
	}
}

static void
rejects_trailing_bytes(void)
{
	struct pst_teep_message m;
	struct buffer b;
	size_t i;

	for (i = 0; i < GOOD; i++) {
		good_message(i, &b);
		append(&b, "f6");
		CHECK_EQ(
		    decode_exact(b.bytes, b.len, &m), PST_ERR_CBOR_TRAILING);
	}
}

struct refused {
	enum pst_err err;
	const char *hex;
	const char *why;
};

static void
rejects_what_the_text_forbids(void)
{
	static const struct refused rows[] = {
		{ PST_ERR_CBOR_RANGE, "80", "no message type" },
		{ PST_ERR_CBOR_TYPE, "a0", "not an array" },
		{ PST_ERR_TEEP_TYPE, "8204a0", "type 4 is reserved" },
		{ PST_ERR_TEEP_TYPE, "8200a0", "type 0" },
		{ PST_ERR_TEEP_TYPE, "8207a0", "type 7" },
		{ PST_ERR_TEEP_TYPE, "8218ffa0", "type 255" },
		{ PST_ERR_CBOR_TYPE, "820580", "options is an array" },
		{ PST_ERR_CBOR_RANGE, "8305a000", "surplus element" },
		{ PST_ERR_CBOR_RANGE, "8206a0", "Error without err-code" },
		{ PST_ERR_TEEP_FIELD, "8306a000", "err-code 0" },
		{ PST_ERR_TEEP_FIELD, "8203a11700", "err-code 0 in Update" },
		{ PST_ERR_CBOR_RANGE, "8401a0" SUITES PROFILES,
		    "no data-item-requested" },
		{ PST_ERR_CBOR_DUPLICATE, "8205a214" TOKEN "14" TOKEN,
		    "token twice" },
		{ PST_ERR_CBOR_DUPLICATE, "8205a2186400186401",
		    "an unknown option twice" },
		{ PST_ERR_CBOR_TYPE, "8205a12000", "option label -1" },
		{ PST_ERR_CBOR_TYPE, "8205a1616100", "option label is text" },
		{ PST_ERR_TEEP_FIELD, "8205a10c6161", "err-msg in Success" },
		{ PST_ERR_TEEP_FIELD, "8203a10b6161", "msg in Update" },
		{ PST_ERR_TEEP_FIELD, "8306a1170105", "option 23 in Error" },
		{ PST_ERR_TEEP_FIELD, "8202a110814141",
		    "component-id is no option of a message" },
		{ PST_ERR_CBOR_INDEFINITE, "9f05a0ff", "indefinite array" },
		{ PST_ERR_CBOR_INDEFINITE, "8205bfff", "indefinite map" },
		{ PST_ERR_CBOR_PREFERRED, "821805a0", "type in two bytes" },
		{ PST_ERR_CBOR_UTF8, "8205a10b61ff", "msg is not UTF-8" },
		{ PST_ERR_CBOR_TYPE, "8205a10b4161", "msg is bytes" },
		{ PST_ERR_CBOR_RANGE, "8203a10a80", "empty manifest-list" },
		{ PST_ERR_CBOR_TYPE, "8203a10a814180",
		    "a manifest that is an array" },
		{ PST_ERR_CBOR_TYPE, "8203a10a8143d86ca0",
		    "a manifest with tag 108" },
		{ PST_ERR_CBOR_TYPE, "8203a10a81a0",
		    "a manifest that is not wrapped" },
		{ PST_ERR_CBOR_RANGE, "8203a10f8180", "empty component id" },
		{ PST_ERR_CBOR_TYPE, "8203a10f814141",
		    "a component id that is bytes" },
		{ PST_ERR_CBOR_RANGE, "8202a1061b0000000100000000",
		    "a version of 33 bits" },
		{ PST_ERR_TEEP_FIELD, "8202a10881a100814141",
		    "system-property-claims without a parameter" },
		{ PST_ERR_CBOR_TYPE, "8202a10881a203430000000e01",
		    "a digest that is no array" },
		{ PST_ERR_TEEP_FIELD, "8202a10881a20e011100",
		    "system-property-claims without an identifier" },
		{ PST_ERR_CBOR_RANGE, "8202a10881a2008141410344822f4100",
		    "a SHA-256 digest of one byte" },
		{ PST_ERR_TEEP_FIELD, "8202a10e81a11101",
		    "requested-tc-info without component-id" },
		{ PST_ERR_TEEP_FIELD, "8202a10e81a21081414112f5",
		    "have-binary without a sequence number" },
		{ PST_ERR_CBOR_DUPLICATE,
		    "8202a10e81a2108141411081"
		    "4142",
		    "component-id twice" },
		{ PST_ERR_TEEP_FIELD, "8501a0" SUITES PROFILES "02",
		    "no token and no attestation" },
		{ PST_ERR_TEEP_FIELD,
		    "8501a214" TOKEN "0248c0c1c2c3c4c5c6c7" SUITES PROFILES
		    "00",
		    "a challenge without attestation" },
		{ PST_ERR_TEEP_FIELD,
		    "8501a214" TOKEN "158100" SUITES PROFILES "00",
		    "freshness without attestation" },
		{ PST_ERR_CBOR_RANGE, "8501a080" PROFILES "01",
		    "no cipher suites" },
		{ PST_ERR_CBOR_RANGE, "8501a0" SUITES "8001",
		    "no SUIT profiles" },
		{ PST_ERR_CBOR_TYPE, "8501a08112" PROFILES "01",
		    "a cipher suite that is a number" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (decode_hex(rows[i].hex) != rows[i].err)
			printf("  %s\n", rows[i].why);
		CHECK_EQ(decode_hex(rows[i].hex), rows[i].err);
	}
}

/* Bytes in an option, one below, at and above each bound of the text. */
static void
string_sizes_are_those_of_the_text(void)
{
	static const struct {
		const char *before;
		uint8_t major;
		size_t min, max;
	} rows[] = {
		{ "8203a114", 2, 8, 64 },  /* token */
		{ "8306a102", 2, 8, 512 }, /* challenge */
		{ "8205a10b", 3, 1, 128 }, /* msg */
		{ "8203a10c", 3, 1, 128 }, /* err-msg */
		{ "8306a10c", 3, 1, 128 },
		{ "8203a116", 3, 1, 35 }, /* err-lang */
		{ "8306a116", 3, 1, 35 },
	};
	struct pst_teep_message m;
	struct pst_cbor_writer w;
	struct buffer b;
	size_t i, n;
	bool fits;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (n = 0; n <= rows[i].max + 1; n++) {
			b.len = 0;
			append(&b, rows[i].before);
			pst_cbor_writer_init(&w, b.bytes + b.len, 16);
			pst_cbor_put_head(
			    &w, (enum pst_cbor_type)rows[i].major, n);
			b.len += w.len;
			fill(&b, n);
			if (b.bytes[1] == 6)
				append(&b, "01");
			fits = n >= rows[i].min && n <= rows[i].max;
			CHECK_EQ(decode_exact(b.bytes, b.len, &m),
			    fits ? PST_OK : PST_ERR_CBOR_RANGE);
		}
	}
}

/* pitfalls, Messages: an unknown option is a hard error. */
static void
unknown_options_are_skipped(void)
{
	/* 0 and 5 have no meaning; 24 and 2^64-1 are extensions. */
	CHECK_EQ(decode_hex("8205a10000"), PST_OK);
	CHECK_EQ(decode_hex("8202a105818212"
			    "26"),
	    PST_OK);
	CHECK_EQ(decode_hex("8205a11818a16161820102"), PST_OK);
	CHECK_EQ(decode_hex("8205a11bfffffffffffffffff6"), PST_OK);
	CHECK_EQ(decode_hex("8205a21818f61819f6"), PST_OK);
}

/* "Implementations that receive unrecognized error code values greater than
 * 23 SHOULD handle them gracefully". */
static void
an_unknown_error_code_is_no_fault(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;

	append(&b, "8306a01818");
	CHECK_EQ(decode_exact(b.bytes, b.len, &m), PST_OK);
	CHECK_EQ(m.err_code, 24);
	b.len = 0;
	append(&b, "8306a01bffffffffffffffff");
	CHECK_EQ(decode_exact(b.bytes, b.len, &m), PST_OK);
	CHECK_EQ(m.err_code, UINT32_MAX);
	CHECK_EQ(decode_hex("8203a1171818"), PST_OK);
	CHECK_EQ(decode_hex("8306a00b"), PST_OK);
}

static void
unknown_suites_profiles_and_mechanisms_are_passed_over(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;

	/* [[18, -7]] and [[16, 1], [18, -19]]; one profile with ES256 */
	append(&b,
	    "8501a11583070118ff"
	    "828182122682821001821232"
	    "81842f26381c39fffd"
	    "01");
	CHECK_EQ(decode_exact(b.bytes, b.len, &m), PST_OK);
	CHECK_EQ(m.suites, 0);
	CHECK_EQ(m.profiles, 0);
	CHECK_EQ(m.freshness, 1u << 7 | 1u << 1);
	CHECK_EQ(pst_teep_pick_freshness(&m, 3), 1u << PST_FRESHNESS_TIMESTAMP);
	CHECK_EQ(pst_teep_pick_freshness(&m, 1), 0);
}

/* The published example does so; a sender of ours does not. */
static void
a_token_beside_the_attestation_bit_is_read_and_never_written(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;
	struct pst_cbor_writer w;
	struct pst_verified v;

	append(&b, "8501a114" TOKEN SUITES PROFILES "03");
	v = shown(&b);
	CHECK_EQ(pst_teep_decode(&v, &m, NULL), PST_OK);
	pst_cbor_writer_count(&w);
	CHECK_EQ(pst_teep_encode(&w, &m), PST_ERR_TEEP_FIELD);
	CHECK_EQ(w.len, 0);
	m.data_items = PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	CHECK_EQ(pst_teep_encode(&w, &m), PST_OK);
}

#define BIT(label) ((uint32_t)1 << (label))

static enum pst_err
encode(const struct pst_teep_message *m)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_count(&w);
	return pst_teep_encode(&w, m);
}

static void
refuses_to_send_what_the_text_forbids(void)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	CHECK_EQ(encode(&m), PST_ERR_TEEP_TYPE);
	m.type = (enum pst_teep_type)4;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_TYPE);
	m.type = PST_TEEP_SUCCESS;
	CHECK_EQ(encode(&m), PST_OK);
	m.present = BIT(PST_LABEL_TOKEN);
	m.token = PST_BYTES_LIT("1234567");
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.token = PST_BYTES_LIT("12345678");
	CHECK_EQ(encode(&m), PST_OK);
	m.present |= BIT(PST_LABEL_MSG);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.msg = PST_BYTES_LIT("\xff");
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.msg = PST_BYTES_LIT("fine");
	CHECK_EQ(encode(&m), PST_OK);
	m.present |= BIT(PST_LABEL_ERR_CODE);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.present = BIT(5);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.present = BIT(31);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.present = BIT(PST_LABEL_SUIT_REPORTS);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
}

/* "This otherwise optional parameter MUST be returned if err-code is …" */
static void
an_error_carries_the_list_that_belongs_to_its_code(void)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_ERROR;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.err_code = PST_TEEP_ERR_PERMANENT_ERROR;
	CHECK_EQ(encode(&m), PST_OK);
	m.err_code = PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.present = BIT(PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES);
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.suites = PST_SUITE_ESP256;
	CHECK_EQ(encode(&m), PST_OK);
	m.suites = 4;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.present = 0;
	m.err_code = PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.err_code = PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
	m.err_code = PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION;
	CHECK_EQ(encode(&m), PST_ERR_TEEP_FIELD);
}

static void
list_items_are_written_as_they_are_read(void)
{
	struct pst_teep_requested q = { .sequence = 7 }, q2;
	struct pst_teep_tc tc = { .image_size = 9 }, tc2;
	struct pst_cbor_writer w;
	struct pst_list list;
	uint8_t out[256];
	size_t split;

	tc.component_id = PST_BYTES_LIT("\x81\x41"
					"A");
	q.component_id = tc.component_id;
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_teep_put_tc(&w, &tc);
	CHECK_EQ(w.err, PST_ERR_TEEP_FIELD);
	pst_cbor_writer_init(&w, out, sizeof(out));
	tc.has_image_size = true;
	tc.digest_alg = PST_ALG_SHA256;
	tc.digest = PST_BYTES_LIT("0123456789abcdef0123456789abcdef");
	pst_teep_put_tc(&w, &tc);
	CHECK_EQ(w.err, PST_OK);
	split = w.len;
	list.items = pst_cbor_written(&w);
	list.count = 1;
	CHECK(pst_teep_next_tc(&list, &tc2));
	CHECK_EQ(tc2.image_size, 9);
	CHECK(pst_equal(tc2.digest, tc.digest));
	CHECK(pst_equal(tc2.component_id, tc.component_id));
	q.has_sequence = true;
	q.have_binary = true;
	pst_teep_put_requested(&w, &q);
	list.items = (struct pst_bytes){ out + split, w.len - split };
	list.count = 1;
	CHECK(pst_teep_next_requested(&list, &q2));
	CHECK_EQ(q2.sequence, 7);
	CHECK(q2.have_binary);
	q.has_sequence = false;
	pst_teep_put_requested(&w, &q);
	CHECK_EQ(w.err, PST_ERR_TEEP_FIELD);
}

/* Found by fuzzing: nested just deeply enough to be checked by one path and
 * refused by the other, an item vanished. */
static void
what_was_checked_can_be_taken_off_its_list(void)
{
	struct buffer b = { .len = 0 };
	struct pst_teep_message m;
	struct pst_verified v;
	struct pst_teep_tc tc;
	int i, depth;

	for (depth = 10; depth < 20; depth++) {
		b.len = 0;
		append(&b, "8202a10881a20081414103");
		b.len--; /* an unknown parameter in place of the digest */
		append(&b, "05");
		for (i = 0; i < depth; i++)
			append(&b, "81");
		append(&b, "00");
		v = pst_verified_by_caller(
		    (struct pst_bytes){ b.bytes, b.len });
		if (pst_teep_decode(&v, &m, NULL) != PST_OK)
			continue;
		CHECK(depth <= PST_CBOR_DEPTH_MAX);
		CHECK(pst_teep_next_tc(&m.tc_list, &tc));
	}
	CHECK(depth == 20);
}

/* pitfalls, Libraries: a decoder needs a 175 KB structure. */
static void
a_decoded_message_is_small(void)
{
	CHECK(sizeof(struct pst_teep_message) <= 384);
}

static void
peeking_gives_the_attestation_payload_and_nothing_else(void)
{
	struct pst_bytes payload, format;
	struct buffer b = { .len = 0 };

	append(&b, response);
	CHECK_EQ(pst_teep_peek_evidence(
		     (struct pst_bytes){ b.bytes, b.len }, &payload, &format),
	    PST_OK);
	CHECK_EQ(payload.len, 3);
	CHECK(pst_equal(format, PST_BYTES_LIT("a/b")));
	b.len--;
	CHECK(pst_teep_peek_evidence((struct pst_bytes){ b.bytes, b.len },
		  &payload, &format) != PST_OK);
	CHECK_EQ(payload.len, 0);
	CHECK_EQ(format.len, 0);
	b.len = 0;
	append(&b, update);
	CHECK_EQ(pst_teep_peek_evidence(
		     (struct pst_bytes){ b.bytes, b.len }, &payload, &format),
	    PST_ERR_TEEP_TYPE);
	b.len = 0;
	append(&b, "8202a0");
	CHECK_EQ(pst_teep_peek_evidence(
		     (struct pst_bytes){ b.bytes, b.len }, &payload, &format),
	    PST_ERR_NOT_FOUND);
}

static void
both_ends_pick_the_same_suite(void)
{
	uint32_t both = PST_SUITE_ED25519 | PST_SUITE_ESP256;

	CHECK_EQ(
	    pst_teep_pick_suite(both, PST_SUITE_ED25519), PST_SUITE_ED25519);
	CHECK_EQ(
	    pst_teep_pick_suite(PST_SUITE_ED25519, both), PST_SUITE_ED25519);
	CHECK_EQ(pst_teep_pick_suite(both, both), PST_SUITE_ESP256);
	CHECK_EQ(pst_teep_pick_suite(PST_SUITE_ED25519, PST_SUITE_ESP256), 0);
	CHECK_EQ(pst_teep_pick_profile(15, 15), PST_PROFILE_ESP256_A128GCM);
	CHECK_EQ(pst_teep_pick_profile(PST_PROFILE_ED25519_A128CTR, 15),
	    PST_PROFILE_ED25519_A128CTR);
	CHECK_EQ(pst_teep_pick_profile(
		     PST_PROFILE_ED25519_A128CTR, PST_PROFILE_ESP256_A128CTR),
	    0);
	CHECK_EQ(pst_teep_suite_alg(PST_SUITE_ESP256), PST_ALG_ESP256);
	CHECK_EQ(pst_teep_suite_alg(both), 0);
	CHECK_EQ(pst_teep_suite_of(PST_ALG_ED25519), PST_SUITE_ED25519);
	CHECK_EQ(pst_teep_suite_of(PST_ALG_ES256), 0);
}

static void
nonce_is_what_an_absent_list_of_mechanisms_means(void)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	CHECK_EQ(pst_teep_pick_freshness(&m, 3), 1u << PST_FRESHNESS_NONCE);
	CHECK_EQ(pst_teep_pick_freshness(&m, 2), 0);
	CHECK(pst_teep_offers_version(&m, 0));
	CHECK(!pst_teep_offers_version(&m, 1));
}

static void
every_error_has_a_wire_code(void)
{
	int err;

	for (err = 1; err < 800; err++) {
		enum pst_teep_code code = pst_teep_code_of((enum pst_err)err);

		CHECK(code >= 1 && code <= 17);
	}
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_TOKEN), 1);
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_FRESHNESS), 3);
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_VERSION), 4);
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_SUITE), 5);
	CHECK_EQ(pst_teep_code_of(PST_ERR_COSE_CERT), 6);
	CHECK_EQ(pst_teep_code_of(PST_ERR_EAT_BINDING), 7);
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_ATTEST), 7);
	CHECK_EQ(pst_teep_code_of(PST_ERR_TEEP_REPORT), 8);
	CHECK_EQ(pst_teep_code_of(PST_ERR_COSE_CERT_EXPIRED), 9);
	CHECK_EQ(pst_teep_code_of(PST_ERR_BUSY), 10);
	CHECK_EQ(pst_teep_code_of(PST_ERR_SUIT_SEQUENCE), 17);
	CHECK_EQ(pst_teep_code_of(PST_ERR_SUIT_DEPENDENCY), 17);
}

static bool
same(const char *a, const char *b)
{
	struct pst_bytes x = { (const uint8_t *)a, strlen(a) };
	struct pst_bytes y = { (const uint8_t *)b, strlen(b) };

	return pst_media_type_same(x, y);
}

static void
media_types_are_compared_by_their_parts(void)
{
	CHECK(same("application/eat+cwt", "Application/EAT+cwt"));
	CHECK(same(PST_EAT_TEEP_FORMAT,
	    "application/eat+cwt;eat_profile=\"urn:ietf:rfc:rfcXXXX\""));
	CHECK(same("a/b; x=1; y=2", "a/b ;Y=\"2\";X=1"));
	CHECK(same("a/b; x=\"1\\2\"", "a/b; x=12"));
	CHECK(same("a/b;", "a/b"));
	CHECK(!same("a/b; x=1", "a/b"));
	CHECK(!same("a/b", "a/b; x=1"));
	CHECK(!same("a/b; x=1; y=2", "a/b; x=1"));
	CHECK(!same("a/b; x=A", "a/b; x=a"));
	CHECK(!same("a/b; x=1", "a/b; x=12"));
	CHECK(!same("a/b; x=\"1", "a/b; x=\"1"));
	CHECK(!same("a/b; x", "a/b; x"));
	CHECK(!same("a/b x", "a/b x"));
	CHECK(!same("", ""));
	CHECK(!same(PST_EAT_EVIDENCE_FORMAT, PST_EAT_TEEP_FORMAT));
	CHECK(!same("application/eat+cwt", PST_EAT_TEEP_FORMAT));
}

static void
a_missing_format_means_an_attestation_result(void)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	CHECK(pst_teep_is_result(&m));
	m.present = BIT(PST_LABEL_ATTESTATION_PAYLOAD_FORMAT);
	CHECK(!pst_teep_is_result(&m));
	m.attestation_payload_format = PST_BYTES_LIT(PST_EAT_TEEP_FORMAT);
	CHECK(pst_teep_is_result(&m));
	m.attestation_payload_format = PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT);
	CHECK(!pst_teep_is_result(&m));
}

int
main(void)
{
	RUN(decodes_every_option_into_its_own_field);
	RUN(decodes_a_query_request);
	RUN(decodes_every_member_of_the_lists);
	RUN(encodes_what_it_decoded);
	RUN(rejects_every_truncation);
	RUN(survives_every_flipped_byte);
	RUN(rejects_trailing_bytes);
	RUN(rejects_what_the_text_forbids);
	RUN(string_sizes_are_those_of_the_text);
	RUN(unknown_options_are_skipped);
	RUN(an_unknown_error_code_is_no_fault);
	RUN(unknown_suites_profiles_and_mechanisms_are_passed_over);
	RUN(a_token_beside_the_attestation_bit_is_read_and_never_written);
	RUN(refuses_to_send_what_the_text_forbids);
	RUN(an_error_carries_the_list_that_belongs_to_its_code);
	RUN(list_items_are_written_as_they_are_read);
	RUN(what_was_checked_can_be_taken_off_its_list);
	RUN(a_decoded_message_is_small);
	RUN(peeking_gives_the_attestation_payload_and_nothing_else);
	RUN(both_ends_pick_the_same_suite);
	RUN(nonce_is_what_an_absent_list_of_mechanisms_means);
	RUN(every_error_has_a_wire_code);
	RUN(media_types_are_compared_by_their_parts);
	RUN(a_missing_format_means_an_attestation_result);
	TEST_END();
}
