/*
 * The port's table: digests, signatures, MACs, keys by number.
 */
#include <stdlib.h>

#include "ports/openssl/internal.h"
#include "test.h"

#define B(s) PST_BYTES_LIT(s)

static struct pst_openssl *o;
static const struct pst_crypto *c;

/* FIPS 180-4 and FIPS 202 values of "abc", first four bytes */
static void
digests_have_their_known_values(void)
{
	static const struct {
		int32_t alg;
		size_t len;
		uint8_t first[4];
	} rows[] = {
		{ PST_ALG_SHA256, 32, { 0xba, 0x78, 0x16, 0xbf } },
		{ PST_ALG_SHA384, 48, { 0xcb, 0x00, 0x75, 0x3f } },
		{ PST_ALG_SHA512, 64, { 0xdd, 0xaf, 0x35, 0xa1 } },
		{ PST_ALG_SHAKE128, 32, { 0x58, 0x81, 0x09, 0x2d } },
		{ PST_ALG_SHAKE256, 64, { 0x48, 0x33, 0x66, 0x60 } },
	};
	const struct pst_bytes parts[] = { B("a"), { NULL, 0 }, B("bc") };
	uint8_t out[PST_DIGEST_MAX];
	uint32_t handle;
	size_t i, j, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(c->digest(c->ctx, rows[i].alg, parts, 3, out, &len),
		    PST_OK);
		CHECK_EQ(len, rows[i].len);
		CHECK(memcmp(out, rows[i].first, 4) == 0);
		memset(out, 0, sizeof(out));
		CHECK_EQ(c->hash_begin(c->ctx, rows[i].alg, &handle), PST_OK);
		for (j = 0; j < 3; j++)
			CHECK_EQ(
			    c->hash_update(c->ctx, handle, parts[j]), PST_OK);
		CHECK_EQ(c->hash_end(c->ctx, handle, out, &len), PST_OK);
		CHECK(len == rows[i].len && memcmp(out, rows[i].first, 4) == 0);
	}
	CHECK_EQ(c->digest(c->ctx, PST_ALG_ES256, parts, 3, out, &len),
	    PST_ERR_COSE_ALG);
	CHECK_EQ(
	    c->hash_begin(c->ctx, PST_ALG_HMAC_256, &handle), PST_ERR_COSE_ALG);
}

static void
hash_handles_are_independent_and_bounded(void)
{
	uint32_t h[HASHES_MAX + 1];
	uint8_t a[PST_DIGEST_MAX], b[PST_DIGEST_MAX];
	size_t len;
	int i;

	for (i = 0; i < HASHES_MAX; i++) {
		CHECK_EQ(c->hash_begin(c->ctx, PST_ALG_SHA256, &h[i]), PST_OK);
		CHECK_EQ(c->hash_update(
			     c->ctx, h[i], i % 2 ? B("one") : B("another")),
		    PST_OK);
	}
	CHECK_EQ(c->hash_begin(c->ctx, PST_ALG_SHA256, &h[i]), PST_ERR_LIMIT);
	CHECK_EQ(c->hash_end(c->ctx, h[1], a, &len), PST_OK);
	CHECK_EQ(c->hash_end(c->ctx, h[3], b, &len), PST_OK);
	CHECK(memcmp(a, b, 32) == 0);
	CHECK_EQ(c->hash_end(c->ctx, h[0], b, &len), PST_OK);
	CHECK(memcmp(a, b, 32) != 0);
	/* a handle that ended is no handle */
	CHECK_EQ(c->hash_update(c->ctx, h[0], B("x")), PST_ERR_STATE);
	CHECK_EQ(c->hash_end(c->ctx, h[0], b, &len), PST_ERR_STATE);
	CHECK_EQ(c->hash_end(c->ctx, 1000, b, &len), PST_ERR_STATE);
	for (i = 2; i < HASHES_MAX; i++) {
		if (i != 3)
			CHECK_EQ(c->hash_end(c->ctx, h[i], NULL, NULL), PST_OK);
	}
	CHECK_EQ(c->hash_begin(c->ctx, PST_ALG_SHA256, &h[0]), PST_OK);
	CHECK_EQ(c->hash_end(c->ctx, h[0], NULL, NULL), PST_OK);
}

/* RFC 4231, test case 2 */
static void
hmac_has_its_known_value(void)
{
	static const uint8_t want[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60,
		0x75, 0x4e };
	struct pst_key key = {
		.pub.kty = PST_KTY_SYMMETRIC, .secret_len = 4, .secret = "Jefe"
	};
	const struct pst_bytes parts[] = { B("what do ya want "),
		B("for nothing?") };
	uint8_t out[PST_DIGEST_MAX];
	uint32_t number;
	size_t len;
	int i;

	CHECK_EQ(pst_openssl_add(o, &key, &number), PST_OK);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(c->mac(c->ctx, number, PST_ALG_HMAC_256, parts, 2, out,
			     &len),
		    PST_OK);
		CHECK(len == 32 && memcmp(out, want, 8) == 0);
		CHECK_EQ(c->mac(c->ctx, number, PST_ALG_HMAC_256_64, parts, 2,
			     out, &len),
		    PST_OK);
		CHECK(len == 8 && memcmp(out, want, 8) == 0);
		CHECK_EQ(c->mac(c->ctx, number, PST_ALG_HMAC_512, parts, 2, out,
			     &len),
		    PST_OK);
		CHECK(len == 64 && out[0] == 0x16 && out[1] == 0x4b);
	}
	CHECK_EQ(c->mac(c->ctx, number, PST_ALG_ES256, parts, 2, out, &len),
	    PST_ERR_COSE_ALG);
	CHECK_EQ(c->sign(c->ctx, number, PST_ALG_ES256, parts, 2, out, &len),
	    PST_ERR_COSE_KEY);
	pst_openssl_remove(o, number);
	CHECK_EQ(c->mac(c->ctx, number, PST_ALG_HMAC_256, parts, 2, out, &len),
	    PST_ERR_COSE_KEY);
	CHECK_EQ(c->mac(c->ctx, 0, PST_ALG_HMAC_256, parts, 2, out, &len),
	    PST_ERR_COSE_KEY);
}

/* More keys than the cache holds, each used twice in turn. */
static void
cached_keys_are_not_confused(void)
{
	enum { KEYS = 3 * PUBKEYS_CACHED };
	static struct pst_pubkey pub[KEYS];
	static uint8_t sig[KEYS][PST_SIGNATURE_MAX];
	const struct pst_bytes msg = B("message");
	struct pst_bytes s = { NULL, 64 };
	struct pst_key key;
	uint32_t number;
	size_t len;
	int i, round;

	for (i = 0; i < KEYS; i++) {
		int32_t alg = i % 2 ? PST_ALG_ED25519 : PST_ALG_ESP256;

		CHECK_EQ(pst_key_generate(alg, &key), PST_OK);
		CHECK_EQ(pst_openssl_add(o, &key, &number), PST_OK);
		pub[i] = key.pub;
		CHECK_EQ(c->sign(c->ctx, number, alg, &msg, 1, sig[i], &len),
		    PST_OK);
		CHECK_EQ(len, 64);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < KEYS; i++) {
			int32_t alg = i % 2 ? PST_ALG_ED25519 : PST_ALG_ESP256;

			s.ptr = sig[i];
			CHECK_EQ(c->verify(c->ctx, &pub[i], alg, &msg, 1, s),
			    PST_OK);
			s.ptr = sig[(i + 2) % KEYS];
			CHECK_EQ(c->verify(c->ctx, &pub[i], alg, &msg, 1, s),
			    PST_ERR_COSE_SIGNATURE);
		}
	}
}

/* A key that is none, in the slot of one that is: neither may verify by the
 * other's context. */
static void
a_bad_key_does_not_take_the_place_of_a_good_one(void)
{
	const struct pst_bytes msg = B("message");
	uint8_t sig[PST_SIGNATURE_MAX];
	struct pst_bytes s = { sig, 0 };
	struct pst_pubkey bad;
	struct pst_key key;
	uint32_t number;
	int i;

	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	CHECK_EQ(pst_openssl_add(o, &key, &number), PST_OK);
	CHECK_EQ(c->sign(c->ctx, number, PST_ALG_ESP256, &msg, 1, sig, &s.len),
	    PST_OK);
	for (i = 0; i < 32; i++) {
		bad = key.pub;
		bad.y[i] ^= 1; /* the same slot, no point of the curve */
		CHECK_EQ(
		    c->verify(c->ctx, &key.pub, PST_ALG_ESP256, &msg, 1, s),
		    PST_OK);
		CHECK_EQ(c->verify(c->ctx, &bad, PST_ALG_ESP256, &msg, 1, s),
		    PST_ERR_COSE_KEY_FORMAT);
		CHECK_EQ(c->verify(c->ctx, &bad, PST_ALG_ESP256, &msg, 1, s),
		    PST_ERR_COSE_KEY_FORMAT);
	}
	/* the other point with this x is another key */
	bad = key.pub;
	bad.y_sign = (uint8_t)(2 + (~bad.y[31] & 1));
	CHECK_EQ(c->verify(c->ctx, &bad, PST_ALG_ESP256, &msg, 1, s),
	    PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(
	    c->verify(c->ctx, &key.pub, PST_ALG_ESP256, &msg, 1, s), PST_OK);
}

static void
keys_that_are_no_keys_are_refused(void)
{
	const struct pst_bytes msg = B("m");
	uint8_t sig[64] = { 1 };
	struct pst_bytes s = { sig, 64 };
	struct pst_pubkey pub = {
		.kty = PST_KTY_EC2, .crv = PST_CRV_P256, .coord_len = 32
	};
	struct pst_key key;
	uint32_t number;

	CHECK_EQ(c->verify(c->ctx, &pub, PST_ALG_ES256, &msg, 1, s),
	    PST_ERR_COSE_KEY_FORMAT);
	pub.coord_len = 31;
	CHECK_EQ(c->verify(c->ctx, &pub, PST_ALG_ES256, &msg, 1, s),
	    PST_ERR_COSE_KEY_FORMAT);
	pub.crv = 99;
	CHECK_EQ(c->verify(c->ctx, &pub, PST_ALG_ES256, &msg, 1, s),
	    PST_ERR_COSE_KEY_FORMAT);
	CHECK_EQ(c->verify(c->ctx, &pub, PST_ALG_ED25519, &msg, 1, s),
	    PST_ERR_COSE_ALG);
	memset(&key, 0, sizeof(key));
	CHECK_EQ(pst_openssl_add(o, &key, &number), PST_ERR_ARG);
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	key.secret[5] ^= 1;
	CHECK_EQ(pst_openssl_add(o, &key, &number), PST_ERR_COSE_KEY_FORMAT);
	CHECK_EQ(number, 0);
	/* x of no point: 5 is none on P-256's curve with either y */
	memset(&pub, 0, sizeof(pub));
	pub = (struct pst_pubkey){ .kty = PST_KTY_EC2,
		.crv = PST_CRV_P256,
		.coord_len = 32,
		.y_sign = 2 };
	memset(pub.x, 0xff, 32);
	CHECK_EQ(c->expand(c->ctx, &pub), PST_ERR_COSE_KEY_FORMAT);
	CHECK_EQ(pub.y_sign, 2);
}

static void
compressed_keys_verify(void)
{
	const struct pst_bytes msg = B("m");
	uint8_t sig[PST_SIGNATURE_MAX];
	struct pst_bytes s = { sig, 0 };
	struct pst_pubkey pub, back;
	struct pst_key key;
	uint32_t number;
	int i;

	for (i = 0; i < 8; i++) {
		CHECK_EQ(pst_key_generate(PST_ALG_ES384, &key), PST_OK);
		CHECK_EQ(pst_openssl_add(o, &key, &number), PST_OK);
		CHECK_EQ(c->sign(c->ctx, number, PST_ALG_ES384, &msg, 1, sig,
			     &s.len),
		    PST_OK);
		pub = key.pub;
		pub.y_sign = (uint8_t)(2 + (pub.y[47] & 1));
		memset(pub.y, 0, sizeof(pub.y));
		CHECK_EQ(
		    c->verify(c->ctx, &pub, PST_ALG_ES384, &msg, 1, s), PST_OK);
		back = pub;
		CHECK_EQ(c->expand(c->ctx, &back), PST_OK);
		CHECK(memcmp(back.y, key.pub.y, 48) == 0);
		pub.y_sign ^= 1;
		CHECK_EQ(c->verify(c->ctx, &pub, PST_ALG_ES384, &msg, 1, s),
		    PST_ERR_COSE_SIGNATURE);
	}
}

/* Halves with leading zeros and high bits, both ways. */
static void
ecdsa_signatures_convert_both_ways(void)
{
	static const size_t lengths[] = { 32, 48, 66 };
	uint8_t raw[2 * PST_COORD_MAX], back[2 * PST_COORD_MAX];
	uint8_t der[ECDSA_DER_MAX];
	size_t i, zeros, len;

	for (i = 0; i < 3; i++) {
		size_t n = lengths[i];

		for (zeros = 0; zeros < n; zeros++) {
			memset(raw, 0x7f, sizeof(raw));
			memset(raw, 0, zeros);
			raw[zeros] = (uint8_t)(zeros % 2 ? 0x80 : 1);
			memset(raw + n, 0xff, n);
			len = pst_ecdsa_to_der(
			    (struct pst_bytes){ raw, 2 * n }, der);
			CHECK(len > 8 && len <= ECDSA_DER_MAX);
			CHECK(pst_ecdsa_from_der(
			    (struct pst_bytes){ der, len }, back, n));
			CHECK(memcmp(raw, back, 2 * n) == 0);
			CHECK(!pst_ecdsa_from_der(
			    (struct pst_bytes){ der, len - 1 }, back, n));
		}
	}
	CHECK_EQ(pst_ecdsa_to_der((struct pst_bytes){ raw, 63 }, der), 0);
	CHECK_EQ(pst_ecdsa_to_der((struct pst_bytes){ raw, 0 }, der), 0);
	CHECK_EQ(pst_ecdsa_to_der((struct pst_bytes){ raw, 134 }, der), 0);
}

static void
a_signer_is_named_by_its_thumbprint(void)
{
	struct pst_signer s;
	struct pst_key key;
	struct pst_pubkey pub;
	uint8_t thumb[PST_THUMBPRINT_LEN];
	uint32_t number;

	CHECK_EQ(pst_key_generate(PST_ALG_ED25519, &key), PST_OK);
	CHECK_EQ(pst_openssl_add(o, &key, &number), PST_OK);
	CHECK(number != 0);
	CHECK_EQ(pst_openssl_signer(o, number, 0, &s), PST_OK);
	CHECK_EQ(s.alg, PST_ALG_ED25519);
	CHECK_EQ(pst_cose_thumbprint(c, &key.pub, thumb), PST_OK);
	CHECK(s.kid_len == 32 && memcmp(s.kid, thumb, 32) == 0);
	CHECK_EQ(pst_openssl_signer(o, number, PST_ALG_ESP256, &s),
	    PST_ERR_COSE_ALG);
	CHECK_EQ(pst_openssl_signer(o, number + 1000, 0, &s), PST_ERR_COSE_KEY);
	CHECK_EQ(pst_openssl_public(o, number, &pub), PST_OK);
	CHECK(pst_pubkey_equal(&pub, &key.pub));
	pst_openssl_remove(o, number);
	CHECK_EQ(pst_openssl_public(o, number, &pub), PST_ERR_COSE_KEY);
}

static void
random_bytes_differ(void)
{
	uint8_t a[32], b[32];

	CHECK_EQ(c->random(c->ctx, a, sizeof(a)), PST_OK);
	CHECK_EQ(c->random(c->ctx, b, sizeof(b)), PST_OK);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_EQ(c->random(c->ctx, NULL, 0), PST_OK);
	CHECK(c->supports(c->ctx, PST_ALG_ESP256));
	CHECK(!c->supports(c->ctx, PST_ALG_HSS_LMS));
	CHECK(!c->supports(c->ctx, 0));
}

int
main(void)
{
	o = pst_openssl_new();
	if (o == NULL)
		return 1;
	c = pst_openssl_crypto(o);
	RUN(digests_have_their_known_values);
	RUN(hash_handles_are_independent_and_bounded);
	RUN(hmac_has_its_known_value);
	RUN(cached_keys_are_not_confused);
	RUN(a_bad_key_does_not_take_the_place_of_a_good_one);
	RUN(keys_that_are_no_keys_are_refused);
	RUN(compressed_keys_verify);
	RUN(ecdsa_signatures_convert_both_ways);
	RUN(a_signer_is_named_by_its_thumbprint);
	RUN(random_bytes_differ);
	pst_openssl_free(&o);
	pst_openssl_free(&o);
	TEST_END();
}
