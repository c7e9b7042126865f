/*
 * EAT claims and the software attester. Claims-sets are written as hex by
 * hand from RFC 9711 and RFC 8747.
 */
#include <postern/eat.h>

#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"

static const struct pst_bytes none = { NULL, 0 };
static const struct pst_crypto *crypto;
static struct pst_openssl *port;

struct buffer {
	uint8_t bytes[1024];
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

static enum pst_err
decode(const uint8_t *bytes, size_t len, struct pst_eat *e)
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
	err = pst_eat_decode(&v, e, &at);
	if (at > len)
		abort();
	free(copy);
	return err;
}

static enum pst_err
decode_hex(const char *hex)
{
	struct buffer b = { .len = 0 };
	struct pst_eat e;

	append(&b, hex);
	return decode(b.bytes, b.len, &e);
}

/* Every claim that is known, in deterministic order. */
static const char full[] = "b7"
			   "016169"		  /* iss */
			   "0402"		  /* exp */
			   "0500"		  /* nbf */
			   "0601"		  /* iat */
			   "08a1034101"		  /* cnf: kid */
			   "0a480102030405060708" /* eat_nonce */
			   "19010047"
			   "01020304050607"
			   "190102"
			   "43"
			   "894823"
			   "190103"
			   "41aa"
			   "190104"
			   "8163312e30"
			   "190105"
			   "05"
			   "190106"
			   "f5"
			   "190107"
			   "04"
			   "190109"
			   "6170"
			   "19010a"
			   "a26161a0616282"
			   "2f42abcd"
			   "19010b"
			   "07"
			   "19010c"
			   "4101"
			   "19010e"
			   "616e"
			   "19010f"
			   "816176"
			   "190110"
			   "81821841"
			   "4100"
			   "190111"
			   "8182183c"
			   "4100"
			   "190112"
			   "8182617381826169"
			   "01"
			   "190113"
			   "05";

static void
decodes_and_encodes_every_claim(void)
{
	struct buffer b = { .len = 0 };
	struct pst_cbor_writer w;
	struct pst_verified v;
	struct pst_eat e;
	uint8_t out[512];

	append(&b, full);
	v = pst_verified_by_caller((struct pst_bytes){ b.bytes, b.len });
	CHECK_EQ(pst_eat_decode(&v, &e, NULL), PST_OK);
	CHECK_EQ(e.exp, 2);
	CHECK_EQ(e.iat, 1);
	CHECK(e.has_nbf && e.nbf == 0);
	CHECK_EQ(e.cnf_kid.len, 1);
	CHECK_EQ(e.nonce.len, 8);
	CHECK_EQ(e.ueid.len, 7);
	CHECK_EQ(e.oemid.len, 3);
	CHECK(pst_equal(e.hwversion, PST_BYTES_LIT("1.0")));
	CHECK_EQ(e.dbgstat, 4);
	CHECK_EQ(e.manifests.count, 1);
	CHECK(e.has_uptime && e.uptime == 5 && e.has_oemboot && e.oemboot);
	CHECK(e.has_bootcount && e.bootcount == 7 && e.bootseed.len == 1);
	CHECK(e.submods.count == 4 && e.measres.count == 1);
	CHECK(e.has_intuse && e.intuse == 5);
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_eat_encode(&w, &e);
	CHECK(pst_equal(pst_cbor_written(&w), v.payload));
}

static void
rejects_every_truncation(void)
{
	struct buffer b = { .len = 0 };
	struct pst_eat e, zero;
	size_t n;

	memset(&zero, 0, sizeof(zero));
	append(&b, full);
	for (n = 0; n < b.len; n++) {
		CHECK(decode(b.bytes, n, &e) != PST_OK);
		CHECK(memcmp(&e, &zero, sizeof(e)) == 0);
	}
	append(&b, "00");
	CHECK_EQ(decode(b.bytes, b.len, &e), PST_ERR_CBOR_TRAILING);
}

static void
survives_every_flipped_byte(void)
{
	struct buffer b = { .len = 0 };
	struct pst_eat e;
	size_t n;
	int bit, accepted = 0;

	append(&b, full);
	for (n = 0; n < b.len * 8; n++) {
		bit = 1 << (n & 7);
		b.bytes[n / 8] = (uint8_t)(b.bytes[n / 8] ^ bit);
		accepted += decode(b.bytes, b.len, &e) == PST_OK;
		b.bytes[n / 8] = (uint8_t)(b.bytes[n / 8] ^ bit);
	}
	CHECK(accepted < (int)b.len * 8);
}

static void
rejects_ill_typed_claims(void)
{
	static const struct {
		enum pst_err err;
		const char *hex;
		const char *why;
	} rows[] = { { PST_ERR_EAT_CLAIM, "80", "an array" },
		{ PST_ERR_EAT_CLAIM, "a10a4701020304050607", "nonce of 7" },
		{ PST_ERR_EAT_CLAIM, "a10a680102030405060708", "nonce: text" },
		{ PST_ERR_EAT_CLAIM,
		    "a10a824801020304050607084801020304050607ff",
		    "two nonces" },
		{ PST_ERR_EAT_CLAIM, "a119010046010203040506", "ueid of 6" },
		{ PST_ERR_EAT_CLAIM, "a11901024401020304", "oemid of 4" },
		{ PST_ERR_EAT_CLAIM, "a119010220", "oemid -1" },
		{ PST_ERR_EAT_CLAIM, "a119010340", "hwmodel of 0" },
		{ PST_ERR_EAT_CLAIM, "a119010463312e30", "hwversion: text" },
		{ PST_ERR_EAT_CLAIM, "a119010705", "dbgstat 5" },
		{ PST_ERR_EAT_CLAIM,
		    "a11901108080"
		    "00",
		    "manifests: none" },
		{ PST_ERR_EAT_CLAIM, "a119011081821841a0",
		    "a manifest that is no byte string" },
		{ PST_ERR_EAT_CLAIM,
		    "a1190111818118"
		    "41",
		    "a measurement of one element" },
		{ PST_ERR_EAT_CLAIM, "a106fb41d452d9e0000000", "iat: a float" },
		{ PST_ERR_EAT_CLAIM, "a10620", "iat before 1970" },
		{ PST_ERR_EAT_CLAIM, "a108a1014100", "cnf key: bytes" },
		{ PST_ERR_EAT_CLAIM, "a108a10340", "cnf kid of 0" },
		{ PST_ERR_EAT_CLAIM,
		    "a1190106"
		    "01",
		    "oemboot: a number" },
		{ PST_ERR_EAT_CLAIM, "a119010b20", "bootcount -1" },
		{ PST_ERR_EAT_CLAIM, "a119010c40", "bootseed of 0" },
		{ PST_ERR_EAT_CLAIM, "a1190113f6", "intuse: null" },
		{ PST_ERR_EAT_CLAIM, "a119011280", "measres: none" },
		{ PST_ERR_EAT_CLAIM,
		    "a119011281826173"
		    "80",
		    "measres: an empty group" },
		{ PST_ERR_EAT_CLAIM, "a1190112818261738182616900",
		    "measres: result 0" },
		{ PST_ERR_EAT_CLAIM, "a1190112818261738182616905",
		    "measres: result 5" },
		{ PST_ERR_EAT_CLAIM, "a119010aa0", "submods: none" },
		{ PST_ERR_EAT_CLAIM, "a119010a80", "submods: a list" },
		{ PST_ERR_EAT_CLAIM, "a119010aa160a0", "submods: no name" },
		{ PST_ERR_EAT_CLAIM, "a119010aa101a0", "submods: a number" },
		{ PST_ERR_EAT_CLAIM,
		    "a119010aa16161"
		    "40",
		    "submods: an empty token" },
		{ PST_ERR_EAT_CLAIM, "a119010aa16161f6", "submods: null" },
		{ PST_ERR_EAT_CLAIM,
		    "a119010aa16161"
		    "812f",
		    "submods: a digest without bytes" },
		{ PST_ERR_CBOR_DUPLICATE, "a119010aa26161a06161a0",
		    "submods: a name twice" },
		{ PST_ERR_CBOR_DUPLICATE, "a206010602", "iat twice" },
		{ PST_ERR_CBOR_DUPLICATE,
		    "a2190107001901"
		    "0701",
		    "dbgstat twice" },
		{ PST_ERR_CBOR_DUPLICATE, "a108a2034101034102", "kid twice" },
		{ PST_ERR_CBOR_INDEFINITE, "bf0601ff", "indefinite map" },
		{ PST_ERR_CBOR_PREFERRED, "a1180601", "label in two bytes" },
		{ PST_ERR_CBOR_UTF8, "a10161ff", "iss is not UTF-8" } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (decode_hex(rows[i].hex) != rows[i].err)
			printf("  %s\n", rows[i].why);
		CHECK_EQ(decode_hex(rows[i].hex), rows[i].err);
	}
}

/* Claim of `major` type with n bytes, for sizes on both sides of a bound. */
static enum pst_err
sized(uint64_t label, size_t n)
{
	static const uint8_t zeros[80];
	struct pst_cbor_writer w;
	uint8_t out[128];
	struct pst_eat e;

	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, label);
	pst_cbor_put_bstr(&w, (struct pst_bytes){ zeros, n });
	return decode(out, w.len, &e);
}

static void
sizes_are_those_of_the_text(void)
{
	size_t n;

	for (n = 0; n <= 65; n++) {
		CHECK_EQ(sized(PST_EAT_NONCE, n) == PST_OK, n >= 8 && n <= 64);
		CHECK_EQ(sized(PST_EAT_UEID, n) == PST_OK, n >= 7 && n <= 33);
		CHECK_EQ(sized(PST_EAT_OEMID, n) == PST_OK, n == 3 || n == 16);
		CHECK_EQ(
		    sized(PST_EAT_HWMODEL, n) == PST_OK, n >= 1 && n <= 32);
	}
}

static void
all_three_forms_of_oemid_are_read_and_written(void)
{
	struct buffer b = { .len = 0 };
	struct pst_cbor_writer w;
	struct pst_eat e;
	uint8_t out[32];

	append(&b, "a11901021a00010203");
	CHECK_EQ(decode(b.bytes, b.len, &e), PST_OK);
	CHECK(e.oemid_is_pen);
	CHECK_EQ(e.oemid_pen, 0x10203);
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_eat_encode(&w, &e);
	CHECK_EQ(w.len, b.len);
	CHECK(memcmp(out, b.bytes, b.len) == 0);
	memset(&e, 0, sizeof(e));
	e.oemid = PST_BYTES_LIT("\0\1\2\3");
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_eat_encode(&w, &e);
	CHECK(memcmp(out, b.bytes, b.len) == 0);
}

static void
unknown_claims_are_skipped(void)
{
	/* A negative, a text and a large label; nested content. */
	CHECK_EQ(decode_hex("a43a000100ff80616180"
			    "1a00010000a16161f6"
			    "0601"),
	    PST_OK);
	/* An OID as profile names no profile that is known. */
	CHECK_EQ(decode_hex("a1190109432a0304"), PST_OK);
}

static void
times_hold_with_the_skew_and_not_beyond(void)
{
	struct pst_eat e;

	memset(&e, 0, sizeof(e));
	CHECK_EQ(pst_eat_check_times(&e, 0, 0), PST_OK);
	e.has_exp = true;
	e.exp = 1000;
	CHECK_EQ(pst_eat_check_times(&e, 999, 0), PST_OK);
	CHECK_EQ(pst_eat_check_times(&e, 1000, 0), PST_ERR_EAT_EXPIRED);
	CHECK_EQ(pst_eat_check_times(&e, 1009, 10), PST_OK);
	CHECK_EQ(pst_eat_check_times(&e, 1010, 10), PST_ERR_EAT_EXPIRED);
	CHECK_EQ(pst_eat_check_times(&e, UINT64_MAX, 10), PST_ERR_EAT_EXPIRED);
	e.exp = UINT64_MAX;
	CHECK_EQ(pst_eat_check_times(&e, 5, 10), PST_OK);
	e.has_exp = false;
	e.has_nbf = true;
	e.nbf = 1000;
	CHECK_EQ(pst_eat_check_times(&e, 1000, 0), PST_OK);
	CHECK_EQ(pst_eat_check_times(&e, 999, 0), PST_ERR_EAT_EXPIRED);
	CHECK_EQ(pst_eat_check_times(&e, 990, 10), PST_OK);
	CHECK_EQ(pst_eat_check_times(&e, 989, 10), PST_ERR_EAT_EXPIRED);
	e.has_nbf = false;
	e.has_iat = true;
	e.iat = UINT64_MAX;
	CHECK_EQ(pst_eat_check_times(&e, 5, 10), PST_ERR_EAT_EXPIRED);
}

static void
a_long_challenge_is_hashed_into_the_nonce(void)
{
	static const uint8_t challenge[512] = { 1, 2, 3 };
	uint8_t nonce[PST_EAT_NONCE_MAX], digest[PST_DIGEST_MAX];
	struct pst_bytes whole = { challenge, 65 };
	size_t n, m;

	CHECK_EQ(pst_eat_nonce_of(crypto, none, nonce, &n), PST_OK);
	CHECK_EQ(n, 0);
	whole.len = 64;
	CHECK_EQ(pst_eat_nonce_of(crypto, whole, nonce, &n), PST_OK);
	CHECK_EQ(n, 64);
	CHECK(memcmp(nonce, challenge, 64) == 0);
	for (whole.len = 65; whole.len <= 512; whole.len += 447) {
		CHECK_EQ(pst_eat_nonce_of(crypto, whole, nonce, &n), PST_OK);
		CHECK_EQ(n, 32);
		CHECK_EQ(crypto->digest(crypto->ctx, PST_ALG_SHA256, &whole, 1,
			     digest, &m),
		    PST_OK);
		CHECK(memcmp(nonce, digest, 32) == 0);
	}
}

/* --- the attester ------------------------------------------------------ */

static struct pst_eat_attester attester_state;
static struct pst_attester attester;
static struct pst_pubkey attestation_key, agent_key;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = attestation_key;
	*who = 7;
	return PST_OK;
}

static enum pst_err
open_evidence(struct pst_bytes evidence, struct pst_eat *e)
{
	struct pst_keys keys = { .find = find };
	struct pst_cose_message msg;
	struct pst_verified v;
	enum pst_err err;

	err = pst_cose_parse(evidence, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK)
		err = pst_cose_verify(&msg, crypto, &keys, none, &v);
	if (err == PST_OK)
		err = pst_eat_decode(&v, e, NULL);
	return err;
}

static void
set_up_attester(int32_t alg)
{
	static uint8_t digest[32];
	struct pst_eat_attester *s = &attester_state;
	struct pst_key key;
	uint32_t number;

	memset(s, 0, sizeof(*s));
	CHECK_EQ(pst_key_generate(alg, &key), PST_OK);
	agent_key = key.pub;
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	attestation_key = key.pub;
	CHECK_EQ(pst_openssl_add(port, &key, &number), PST_OK);
	CHECK_EQ(pst_openssl_signer(port, number, 0, &s->key), PST_OK);
	s->crypto = crypto;
	s->ueid = PST_BYTES_LIT("\1device-0");
	s->oemid = PST_BYTES_LIT("\0\0\1\2");
	s->hwmodel = PST_BYTES_LIT("model");
	s->hwversion = PST_BYTES_LIT("1.0");
	s->swname = PST_BYTES_LIT("urn:example:agent");
	s->swversion = PST_BYTES_LIT("0.1");
	s->software.alg = PST_ALG_SHA256;
	s->software.bytes = (struct pst_bytes){ digest, sizeof(digest) };
	pst_eat_attester_init(&attester, s);
}

static void
evidence_carries_what_the_profile_requires(int32_t alg, size_t challenge_len)
{
	static const uint8_t challenge[512] = { 9, 8, 7 };
	struct pst_bytes asked = { challenge, challenge_len };
	uint8_t thumbprint[PST_THUMBPRINT_LEN], nonce[PST_EAT_NONCE_MAX];
	uint8_t out[2048];
	struct pst_bytes format;
	struct pst_pubkey key;
	struct pst_eat e;
	size_t len, n;

	set_up_attester(alg);
	CHECK_CASE();
	CHECK_EQ(attester.evidence(attester.ctx,
		     &(struct pst_attest_request){
			 .challenge = asked, .key = &agent_key, .now_s = 1000 },
		     out, sizeof(out), &len, &format),
	    PST_OK);
	CHECK(pst_media_type_same(
	    format, PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT)));
	CHECK_EQ(open_evidence((struct pst_bytes){ out, len }, &e), PST_OK);
	CHECK_EQ(pst_cose_thumbprint(crypto, &agent_key, thumbprint), PST_OK);
	CHECK_EQ(pst_eat_nonce_of(crypto, asked, nonce, &n), PST_OK);
	CHECK_EQ(
	    pst_eat_check(&e, PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE),
		(struct pst_bytes){ nonce, n }, thumbprint, crypto, 1000, 0),
	    PST_OK);
	CHECK_EQ(pst_cose_key_decode(e.cnf_key, &key, NULL, NULL), PST_OK);
	CHECK(pst_pubkey_equal(&key, &agent_key));
	CHECK_EQ(e.nonce.len, n);
	CHECK(e.oemid_is_pen && e.oemid_pen == 0x102);
	CHECK(e.has_dbgstat && e.dbgstat == 1);
	CHECK_EQ(e.measurements.count, 1);
}

static void
evidence_in_every_mode(void)
{
	static const int32_t algs[] = { PST_ALG_ESP256, PST_ALG_ED25519,
		PST_ALG_ES512 };
	static const size_t lens[] = { 0, 8, 32, 64, 65, 512 };
	size_t i, j;

	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		for (j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			evidence_carries_what_the_profile_requires(
			    algs[i], lens[j]);
			CHECK_CASE();
		}
	}
}

static void
evidence_needs_room_and_a_full_configuration(void)
{
	uint8_t out[2048];
	struct pst_bytes format;
	size_t len, cap, least = 0;

	set_up_attester(PST_ALG_ESP256);
	CHECK_CASE();
	for (cap = 0; cap < sizeof(out) && least == 0; cap++) {
		memset(out, 0xee, sizeof(out));
		if (attester.evidence(attester.ctx,
			&(struct pst_attest_request){
			    .challenge = none, .key = &agent_key, .now_s = 1 },
			out, cap, &len, &format) == PST_OK)
			least = cap;
		else
			CHECK_EQ(len, 0);
		CHECK_EQ(out[cap], 0xee);
	}
	CHECK(least > 300 && least < 1500);
	attester_state.ueid = none;
	CHECK_EQ(attester.evidence(attester.ctx,
		     &(struct pst_attest_request){
			 .challenge = none, .key = &agent_key, .now_s = 1 },
		     out, sizeof(out), &len, &format),
	    PST_ERR_ARG);
	set_up_attester(PST_ALG_ESP256);
	attester_state.software.alg = 0;
	CHECK_EQ(attester.evidence(attester.ctx,
		     &(struct pst_attest_request){
			 .challenge = none, .key = &agent_key, .now_s = 1 },
		     out, sizeof(out), &len, &format),
	    PST_ERR_ARG);
	set_up_attester(PST_ALG_ESP256);
	attester_state.swname = none;
	CHECK_EQ(attester.evidence(attester.ctx,
		     &(struct pst_attest_request){
			 .challenge = none, .key = &agent_key, .now_s = 1 },
		     out, sizeof(out), &len, &format),
	    PST_ERR_ARG);
}

/* A well-made claims-set, to be spoilt one claim at a time. */
static void
sound(struct pst_eat *e, const uint8_t thumbprint[PST_THUMBPRINT_LEN])
{
	memset(e, 0, sizeof(*e));
	e->nonce = PST_BYTES_LIT("12345678");
	e->ueid = PST_BYTES_LIT("1234567");
	e->oemid = PST_BYTES_LIT("abc");
	e->hwmodel = PST_BYTES_LIT("m");
	e->hwversion = PST_BYTES_LIT("1");
	e->manifests.items = PST_BYTES_LIT("\x82\x18\x3c\x40");
	e->manifests.count = 1;
	e->cnf_kid = (struct pst_bytes){ thumbprint, PST_THUMBPRINT_LEN };
}

static enum pst_err
check(const struct pst_eat *e, const uint8_t *thumbprint)
{
	return pst_eat_check(e, PST_BYTES_LIT(PST_EAT_TEEP_PROFILE),
	    PST_BYTES_LIT("12345678"), thumbprint, crypto, 1000, 0);
}

static void
each_requirement_of_the_profile_is_checked(void)
{
	uint8_t thumbprint[PST_THUMBPRINT_LEN] = { 1 };
	uint8_t other[PST_THUMBPRINT_LEN] = { 2 };
	struct pst_eat e;

	sound(&e, thumbprint);
	CHECK_EQ(check(&e, thumbprint), PST_OK);
	e.ueid.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	sound(&e, thumbprint);
	e.oemid.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	e.oemid_is_pen = true;
	CHECK_EQ(check(&e, thumbprint), PST_OK);
	sound(&e, thumbprint);
	e.hwmodel.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	sound(&e, thumbprint);
	e.hwversion.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	sound(&e, thumbprint);
	e.manifests.count = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	sound(&e, thumbprint);
	e.cnf_kid.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_CLAIM);
	/* pitfalls, Attestation: cnf is not compared with the key */
	sound(&e, other);
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_BINDING);
	sound(&e, thumbprint);
	e.cnf_kid.len = PST_THUMBPRINT_LEN - 1;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_BINDING);
	sound(&e, thumbprint);
	e.nonce = PST_BYTES_LIT("12345679");
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_NONCE);
	e.nonce.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_NONCE);
	sound(&e, thumbprint);
	e.profile = PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE);
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_PROFILE);
	sound(&e, thumbprint);
	e.profile_is_oid = true;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_PROFILE);
	sound(&e, thumbprint);
	e.has_exp = true;
	e.exp = 999;
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_EXPIRED);
}

/* A COSE_Key and a kid that name two keys are one key too many. */
static void
cnf_key_and_kid_must_agree(void)
{
	uint8_t thumbprint[PST_THUMBPRINT_LEN], out[256];
	struct pst_cbor_writer w;
	struct pst_key a, b;
	struct pst_eat e;

	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &a), PST_OK);
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &b), PST_OK);
	CHECK_EQ(pst_cose_thumbprint(crypto, &a.pub, thumbprint), PST_OK);
	sound(&e, thumbprint);
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_cose_key_encode(&w, &a.pub, none);
	e.cnf_key = pst_cbor_written(&w);
	CHECK_EQ(check(&e, thumbprint), PST_OK);
	e.cnf_kid.len = 0;
	CHECK_EQ(check(&e, thumbprint), PST_OK);
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_cose_key_encode(&w, &b.pub, none);
	e.cnf_key = pst_cbor_written(&w);
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_BINDING);
	e.cnf_kid = (struct pst_bytes){ thumbprint, sizeof(thumbprint) };
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_BINDING);
	e.cnf_key = PST_BYTES_LIT("\xa0");
	CHECK_EQ(check(&e, thumbprint), PST_ERR_EAT_BINDING);
}

int
main(void)
{
	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	RUN(decodes_and_encodes_every_claim);
	RUN(rejects_every_truncation);
	RUN(survives_every_flipped_byte);
	RUN(rejects_ill_typed_claims);
	RUN(sizes_are_those_of_the_text);
	RUN(all_three_forms_of_oemid_are_read_and_written);
	RUN(unknown_claims_are_skipped);
	RUN(times_hold_with_the_skew_and_not_beyond);
	RUN(a_long_challenge_is_hashed_into_the_nonce);
	RUN(evidence_in_every_mode);
	RUN(evidence_needs_room_and_a_full_configuration);
	RUN(each_requirement_of_the_profile_is_checked);
	RUN(cnf_key_and_kid_must_agree);
	pst_openssl_free(&port);
	TEST_END();
}
