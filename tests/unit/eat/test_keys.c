/*
 * What Evidence says of a device's other keys: the claim, and the token beside
 * native quotes.
 */
#include <postern/eat.h>
#include <postern/eat_keys.h>

#include "ports/openssl/openssl.h"
#include "test.h"

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static struct pst_signer teep, other;
static struct pst_pubkey teep_pub, other_pub;
static struct pst_eat_keys keys;

static bool
make_key(int32_t alg, struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number;
	bool ok;

	ok = pst_key_generate(alg, &key) == PST_OK &&
	    pst_openssl_add(port, &key, &number) == PST_OK &&
	    pst_openssl_signer(port, number, alg, signer) == PST_OK;
	*pub = key.pub;
	pst_key_wipe(&key);
	return ok;
}

static struct pst_bytes
claim(const struct pst_eat_keys *k)
{
	static uint8_t out[PST_EAT_KEYS_MAX];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_eat_keys_encode(&w, k);
	return pst_cbor_written(&w);
}

static void
both_keys_go_both_ways(void)
{
	struct pst_eat_keys some = keys, out;

	CHECK_EQ(pst_eat_keys_decode(claim(&some), &out), PST_OK);
	CHECK(pst_pubkey_equal(&out.encryption, &keys.encryption));
	CHECK(pst_pubkey_equal(&out.report, &keys.report));
	some.report.kty = 0;
	CHECK_EQ(pst_eat_keys_decode(claim(&some), &out), PST_OK);
	CHECK(pst_pubkey_equal(&out.encryption, &keys.encryption));
	CHECK_EQ(out.report.kty, 0);
	CHECK_EQ(
	    pst_eat_keys_decode((struct pst_bytes){ NULL, 0 }, &out), PST_OK);
	CHECK_EQ(out.encryption.kty, 0);
}

static void
what_is_no_key_is_refused(void)
{
	const struct {
		struct pst_bytes in;
		const char *why;
	} rows[] = {
		{ PST_BYTES_LIT("\x80"), "an array" },
		{ PST_BYTES_LIT("\xa1\x01\xa0"), "an empty key" },
		{ PST_BYTES_LIT("\xa1\x01\x40"), "bytes" },
		{ PST_BYTES_LIT("\xa2\x03\x00\x03\x00"), "a label twice" },
		{ PST_BYTES_LIT("\xa0\x00"), "something behind it" },
	};
	struct pst_eat_keys out, swapped = keys;
	struct pst_bytes in = claim(&keys);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_EQ(
		    pst_eat_keys_decode(rows[i].in, &out), PST_ERR_EAT_CLAIM);
	for (i = 1; i < in.len; i++)
		CHECK_EQ(
		    pst_eat_keys_decode((struct pst_bytes){ in.ptr, i }, &out),
		    PST_ERR_EAT_CLAIM);
	/* One cannot encrypt to a key that only signs. */
	swapped.encryption = keys.report;
	CHECK_EQ(pst_eat_keys_decode(claim(&swapped), &out), PST_ERR_EAT_CLAIM);
}

static void
the_claim_stands_last_in_a_claims_set(void)
{
	uint8_t set[512];
	struct pst_eat e, out;
	struct pst_cbor_writer w;
	struct pst_verified v;

	memset(&e, 0, sizeof(e));
	e.ueid = PST_BYTES_LIT("\x01ueid-of-x");
	e.keys = claim(&keys);
	pst_cbor_writer_init(&w, set, sizeof(set));
	pst_eat_encode(&w, &e);
	v = pst_verified_by_caller(pst_cbor_written(&w));
	CHECK_EQ(pst_eat_decode(&v, &out, NULL), PST_OK);
	CHECK(pst_equal(out.keys, e.keys));
	CHECK(pst_equal(out.ueid, e.ueid));
	/* {-70001: []} */
	v = pst_verified_by_caller(
	    PST_BYTES_LIT("\xa1\x3a\x00\x01\x11\x70\x80"));
	CHECK_EQ(pst_eat_decode(&v, &out, NULL), PST_ERR_EAT_CLAIM);
}

static uint8_t token[PST_EAT_KEYS_TOKEN_MAX];

static struct pst_bytes
signed_by(const struct pst_signer *signer)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, token, sizeof(token));
	if (pst_eat_keys_sign(&w, crypto, signer, claim(&keys)) != PST_OK)
		return (struct pst_bytes){ NULL, 0 };
	return pst_cbor_written(&w);
}

static void
a_token_counts_by_the_teep_key_alone(void)
{
	struct pst_bytes t = signed_by(&teep), out;

	CHECK(t.len > 0);
	CHECK_EQ(pst_eat_keys_open(t, crypto, &teep_pub, &out), PST_OK);
	CHECK(pst_equal(out, claim(&keys)));
	t = signed_by(&other);
	CHECK_EQ(pst_eat_keys_open(t, crypto, &teep_pub, &out),
	    PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(out.len, 0);
}

/* The TEEP key signs other things too: none of them is such a token. */
static void
another_token_by_that_key_is_none(void)
{
	struct pst_cose_sign_args args = { .signers = &teep, .count = 1 };
	struct pst_bytes claims = PST_BYTES_LIT("\xa1\x3a\x00\x01\x11\x70\xa0");
	struct pst_bytes out;
	struct pst_cbor_writer w;

	args.payload = claims;
	pst_cbor_writer_init(&w, token, sizeof(token));
	CHECK_EQ(pst_cose_sign1(&w, crypto, &args), PST_OK);
	CHECK_EQ(
	    pst_eat_keys_open(pst_cbor_written(&w), crypto, &teep_pub, &out),
	    PST_ERR_EAT_PROFILE);
	args.payload = PST_BYTES_LIT("\x82\x02\xa0");
	pst_cbor_writer_init(&w, token, sizeof(token));
	CHECK_EQ(pst_cose_sign1(&w, crypto, &args), PST_OK);
	CHECK(pst_eat_keys_open(
		  pst_cbor_written(&w), crypto, &teep_pub, &out) != PST_OK);
}

static void
touched_tokens_do_not_verify(void)
{
	struct pst_bytes t = signed_by(&teep), out, in;
	size_t i;

	for (i = 0; i < t.len; i++) {
		in = (struct pst_bytes){ token, i };
		CHECK(pst_eat_keys_open(in, crypto, &teep_pub, &out) != PST_OK);
		token[i] ^= 1;
		if (pst_eat_keys_open(t, crypto, &teep_pub, &out) == PST_OK)
			CHECK(pst_equal(out, claim(&keys)));
		token[i] ^= 1;
	}
}

int
main(void)
{
	struct pst_signer unused;

	port = pst_openssl_new();
	if (port == NULL || (crypto = pst_openssl_crypto(port)) == NULL ||
	    !make_key(PST_ALG_ESP256, &teep, &teep_pub) ||
	    !make_key(PST_ALG_ESP256, &other, &other_pub) ||
	    !make_key(PST_ALG_ESP256, &unused, &keys.encryption) ||
	    !make_key(PST_ALG_ED25519, &unused, &keys.report))
		return 1;
	RUN(both_keys_go_both_ways);
	RUN(what_is_no_key_is_refused);
	RUN(the_claim_stands_last_in_a_claims_set);
	RUN(a_token_counts_by_the_teep_key_alone);
	RUN(another_token_by_that_key_is_none);
	RUN(touched_tokens_do_not_verify);
	pst_openssl_free(&port);
	TEST_END();
}
