/*
 * EAT Attestation Results: written and read back as JWT and CWT, altered, and
 * one of Veraison's (read in place; skipped without it).
 */
#include "verifier/ear.h"

#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"

enum { NOW = 1700000000 };

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static struct pst_pubkey verifier_key, other_key;
static struct pst_signer signer;
static const struct pst_bytes none = { NULL, 0 };

static enum pst_err
find_one(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	memcpy(key, ctx, sizeof(*key));
	return PST_OK;
}

static struct pst_keys keys = { .ctx = &verifier_key, .find = find_one };

static const struct pst_ear_args *
args(void)
{
	static struct pst_ear_args a;

	a = (struct pst_ear_args){ crypto, &signer, "snp", "example", "1",
		{ NULL, 0 } };
	return &a;
}

static struct pst_appraisal
appraisal(bool accepted)
{
	struct pst_appraisal a;

	memset(&a, 0, sizeof(a));
	a.accepted = accepted;
	a.technology = "snp";
	a.checks[0] = (struct pst_appraisal_check){ "signature", PST_OK, NULL };
	a.checks[1] = (struct pst_appraisal_check){ "tcb", PST_OK, NULL };
	a.checks[2] = (struct pst_appraisal_check){ "reference",
		accepted ? PST_OK : PST_ERR_EAT_REFUSED, "measurement" };
	a.check_count = 3;
	return a;
}

static struct pst_ear
result(bool accepted)
{
	struct pst_appraisal a = appraisal(accepted);
	struct pst_ear ear;

	pst_ear_of(&a, &ear);
	ear.has_iat = ear.has_exp = true;
	ear.iat = NOW;
	ear.exp = NOW + 600;
	ear.nonce_len = 32;
	memset(ear.nonce, 0xfb, sizeof(ear.nonce));
	return ear;
}

static void
an_appraisal_becomes_a_vector(void)
{
	struct pst_ear good = result(true), bad = result(false);

	CHECK_EQ(good.status, PST_EAR_AFFIRMING);
	CHECK_EQ(good.vector[PST_EAR_INSTANCE_IDENTITY], 2);
	CHECK_EQ(good.vector[PST_EAR_HARDWARE], 2);
	CHECK_EQ(good.vector[PST_EAR_EXECUTABLES], 3);
	CHECK(!good.has[PST_EAR_FILE_SYSTEM]);
	CHECK_EQ(bad.vector[PST_EAR_EXECUTABLES], 33);
	CHECK_EQ(bad.status, PST_EAR_CONTRAINDICATED);
}

static void
every_value_has_its_tier(void)
{
	static const struct {
		int8_t from, to;
		enum pst_ear_tier tier;
	} rows[] = { { -128, -97, PST_EAR_CONTRAINDICATED },
		{ -96, -33, PST_EAR_WARNING }, { -32, -2, PST_EAR_AFFIRMING },
		{ -1, 1, PST_EAR_NONE }, { 2, 31, PST_EAR_AFFIRMING },
		{ 32, 95, PST_EAR_WARNING },
		{ 96, 127, PST_EAR_CONTRAINDICATED } };
	size_t i;
	int v;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (v = rows[i].from; v <= rows[i].to; v++)
			CHECK_EQ(pst_ear_tier_of((int8_t)v), rows[i].tier);
}

static bool
same(const struct pst_ear *a, const struct pst_ear *b)
{
	return a->status == b->status && a->iat == b->iat && a->exp == b->exp &&
	    a->nonce_len == b->nonce_len &&
	    memcmp(a->nonce, b->nonce, a->nonce_len) == 0 &&
	    memcmp(a->has, b->has, sizeof(a->has)) == 0 &&
	    memcmp(a->vector, b->vector, sizeof(a->vector)) == 0;
}

static char jwt[4096];
static uint8_t cwt[4096];

static void
a_jwt_reads_as_it_was_written(void)
{
	struct pst_ear ear = result(true), got;
	struct pst_bytes in = { (const uint8_t *)jwt, 0 };
	size_t i;

	CHECK_EQ(
	    pst_ear_write_jwt(&ear, args(), jwt, sizeof(jwt), &in.len), PST_OK);
	CHECK_EQ(pst_ear_read_jwt(crypto, &verifier_key, in, &got), PST_OK);
	CHECK(same(&ear, &got));
	CHECK_EQ(pst_ear_read_jwt(crypto, &other_key, in, &got),
	    PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(got.submods, 0);
	for (i = 0; i < in.len; i++) {
		struct pst_bytes cut = { in.ptr, i };

		CHECK(pst_ear_read_jwt(crypto, &verifier_key, cut, &got) !=
		    PST_OK);
		jwt[i] ^= 1;
		CHECK(pst_ear_read_jwt(crypto, &verifier_key, in, &got) !=
		    PST_OK);
		jwt[i] ^= 1;
	}
	for (i = 0; i < in.len; i++) {
		size_t n;

		CHECK_EQ(
		    pst_ear_write_jwt(&ear, args(), jwt, i, &n), PST_ERR_SPACE);
		CHECK_EQ(n, 0);
	}
}

static void
a_cwt_reads_as_it_was_written(void)
{
	struct pst_ear ear = result(false), got;
	struct pst_bytes in = { cwt, 0 };
	struct pst_keys stranger = { .ctx = &other_key, .find = find_one };
	size_t i;

	CHECK_EQ(
	    pst_ear_write_cwt(&ear, args(), cwt, sizeof(cwt), &in.len), PST_OK);
	CHECK_EQ(pst_ear_read_cwt(crypto, &keys, in, &got), PST_OK);
	CHECK(same(&ear, &got));
	CHECK_EQ(pst_ear_read_cwt(crypto, &stranger, in, &got),
	    PST_ERR_COSE_SIGNATURE);
	for (i = 0; i < in.len; i++) {
		struct pst_bytes cut = { in.ptr, i };

		CHECK(pst_ear_read_cwt(crypto, &keys, cut, &got) != PST_OK);
	}
}

/* -128 is a value like others, and worse than any that affirms. */
static void
the_lowest_value_is_no_affirmation(void)
{
	struct pst_ear ear = result(true), got;
	struct pst_bytes in = { cwt, 0 };

	ear.has[PST_EAR_EXECUTABLES] = true;
	ear.vector[PST_EAR_EXECUTABLES] = INT8_MIN;
	CHECK_EQ(
	    pst_ear_write_cwt(&ear, args(), cwt, sizeof(cwt), &in.len), PST_OK);
	CHECK_EQ(pst_ear_read_cwt(crypto, &keys, in, &got), PST_OK);
	CHECK(got.has[PST_EAR_EXECUTABLES]);
	CHECK_EQ(got.vector[PST_EAR_EXECUTABLES], INT8_MIN);
	CHECK_EQ(pst_ear_check(&got, none, NOW, 60, 300), PST_ERR_EAT_REFUSED);
}

static void
a_relying_party_asks(void)
{
	struct pst_ear ear = result(true), bad = result(false);
	struct pst_bytes nonce = { ear.nonce, 32 };

	CHECK_EQ(pst_ear_check(&ear, nonce, NOW + 5, 60, 300), PST_OK);
	CHECK_EQ(pst_ear_check(&ear, none, NOW + 5, 60, 300), PST_OK);
	CHECK_EQ(pst_ear_check(&ear, PST_BYTES_LIT("12345678"), NOW, 60, 300),
	    PST_ERR_EAT_NONCE);
	CHECK_EQ(pst_ear_check(&ear, nonce, NOW + 301, 60, 300),
	    PST_ERR_EAT_EXPIRED);
	CHECK_EQ(pst_ear_check(&ear, nonce, NOW + 661, 60, 3000),
	    PST_ERR_EAT_EXPIRED);
	CHECK_EQ(
	    pst_ear_check(&ear, nonce, NOW - 61, 60, 300), PST_ERR_EAT_EXPIRED);
	CHECK_EQ(pst_ear_check(&bad, nonce, NOW, 60, 300), PST_ERR_EAT_REFUSED);
}

/* "eyJhbGciOiJub25lIn0" is {"alg":"none"}. */
static void
no_signature_is_no_result(void)
{
	struct pst_ear got;

	CHECK_EQ(pst_ear_read_jwt(crypto, &verifier_key,
		     PST_BYTES_LIT("eyJhbGciOiJub25lIn0.e30."), &got),
	    PST_ERR_EAT_CLAIM);
	CHECK_EQ(pst_ear_read_jwt(crypto, &verifier_key,
		     PST_BYTES_LIT("eyJhbGciOiJub25lIn0.e30.AA"), &got),
	    PST_ERR_COSE_ALG);
	CHECK(pst_ear_read_jwt(crypto, &verifier_key, none, &got) != PST_OK);
}

static size_t
load(const char *name, char *out, size_t cap)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/vectors/attest/ear/%s", PST_SHARED_DIR,
	    name);
	f = fopen(path, "rb");
	if (f == NULL)
		return 0;
	n = fread(out, 1, cap, f);
	fclose(f);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	return n;
}

static void
veraisons_result_is_read(void)
{
	static char token[4096], key_text[1024];
	size_t n = load("veraison_ear_pub.jwk", key_text, sizeof(key_text));
	struct pst_bytes in = { (const uint8_t *)token, 0 };
	struct pst_ear got;
	struct pst_key key;

	CHECK_EQ(pst_key_parse(
		     (struct pst_bytes){ (uint8_t *)key_text, n }, &key, NULL),
	    PST_OK);
	in.len = load("veraison_ear_ok.jwt", token, sizeof(token));
	CHECK_EQ(pst_ear_read_jwt(crypto, &key.pub, in, &got), PST_OK);
	CHECK_EQ(got.status, PST_EAR_AFFIRMING);
	CHECK_EQ(got.iat, 1666091373);
	CHECK_EQ(got.nonce_len, 0);
	in.len = load("veraison_ear_hs256.jwt", token, sizeof(token));
	CHECK_EQ(
	    pst_ear_read_jwt(crypto, &key.pub, in, &got), PST_ERR_COSE_ALG);
}

static void
set_up(void)
{
	struct pst_key key;
	uint32_t number;

	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	verifier_key = key.pub;
	CHECK_EQ(pst_openssl_add(port, &key, &number), PST_OK);
	CHECK_EQ(pst_openssl_signer(port, number, 0, &signer), PST_OK);
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	other_key = key.pub;
}

int
main(void)
{
	char probe[8];

	port = pst_openssl_new();
	crypto = pst_openssl_crypto(port);
	RUN(set_up);
	RUN(an_appraisal_becomes_a_vector);
	RUN(every_value_has_its_tier);
	RUN(a_jwt_reads_as_it_was_written);
	RUN(a_cwt_reads_as_it_was_written);
	RUN(the_lowest_value_is_no_affirmation);
	RUN(a_relying_party_asks);
	RUN(no_signature_is_no_result);
	if (load("veraison_ear_pub.jwk", probe, sizeof(probe)) > 0)
		RUN(veraisons_result_is_read);
	else
		SKIP("veraisons_result_is_read", "the sample is not there");
	pst_openssl_free(&port);
	TEST_END();
}
