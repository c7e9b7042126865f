/*
 * COSE_Key of the core, and thumbprints.
 */
#include <stdlib.h>

#include "fixture.h"
#include "test.h"

#define B(s) PST_BYTES_LIT(s)

static const struct pst_bytes none = { NULL, 0 };
static struct fixture f;

/* RFC 9679, Section 6: the key and its thumbprint */
static const uint8_t rfc_x[32] = { 0x65, 0xed, 0xa5, 0xa1, 0x25, 0x77, 0xc2,
	0xba, 0xe8, 0x29, 0x43, 0x7f, 0xe3, 0x38, 0x70, 0x1a, 0x10, 0xaa, 0xa3,
	0x75, 0xe1, 0xbb, 0x5b, 0x5d, 0xe1, 0x08, 0xde, 0x43, 0x9c, 0x08, 0x55,
	0x1d };
static const uint8_t rfc_y[32] = { 0x1e, 0x52, 0xed, 0x75, 0x70, 0x11, 0x63,
	0xf7, 0xf9, 0xe4, 0x0d, 0xdf, 0x9f, 0x34, 0x1b, 0x3d, 0xc9, 0xba, 0x86,
	0x0a, 0xf7, 0xe0, 0xca, 0x7c, 0xa7, 0xe9, 0xee, 0xcd, 0x00, 0x84, 0xd1,
	0x9c };
static const uint8_t rfc_thumbprint[32] = { 0x49, 0x6b, 0xd8, 0xaf, 0xad, 0xf3,
	0x07, 0xe5, 0xb0, 0x8c, 0x64, 0xb0, 0x42, 0x1b, 0xf9, 0xdc, 0x01, 0x52,
	0x8a, 0x34, 0x4a, 0x43, 0xbd, 0xa8, 0x8f, 0xad, 0xd1, 0x66, 0x9d, 0xa2,
	0x53, 0xec };

static void
rfc9679_example_has_its_thumbprint(void)
{
	struct pst_pubkey key = {
		.kty = PST_KTY_EC2, .crv = PST_CRV_P256, .coord_len = 32
	};
	uint8_t thumb[PST_THUMBPRINT_LEN];

	memcpy(key.x, rfc_x, 32);
	memcpy(key.y, rfc_y, 32);
	CHECK_EQ(pst_cose_thumbprint(f.crypto, &key, thumb), PST_OK);
	CHECK(memcmp(thumb, rfc_thumbprint, 32) == 0);
	/* alg does not enter it, and a compressed y is the same key */
	key.alg = PST_ALG_ES256;
	key.y_sign = 2;
	memset(key.y, 0, sizeof(key.y));
	CHECK_EQ(pst_cose_thumbprint(f.crypto, &key, thumb), PST_OK);
	CHECK(memcmp(thumb, rfc_thumbprint, 32) == 0);
	CHECK_EQ(f.crypto->expand(f.crypto->ctx, &key), PST_OK);
	CHECK(key.y_sign == 0 && memcmp(key.y, rfc_y, 32) == 0);
	/* a port that cannot compute y says so */
	{
		struct pst_crypto poor = *f.crypto;

		poor.expand = NULL;
		key.y_sign = 2;
		CHECK_EQ(pst_cose_thumbprint(&poor, &key, thumb),
		    PST_ERR_UNSUPPORTED);
	}
}

static void
every_curve_goes_out_and_in(void)
{
	uint8_t buf[256];
	struct pst_cbor_writer w;
	struct pst_pubkey key, back;
	struct pst_bytes kid, enc;
	size_t i, at;

	for (i = 0; i < KEY_HMAC; i++) {
		key = f.pub[i];
		pst_cbor_writer_init(&w, buf, sizeof(buf));
		pst_cose_key_encode(&w, &key, none);
		enc = pst_cbor_written(&w);
		CHECK_EQ(pst_cose_key_decode(enc, &back, &kid, &at), PST_OK);
		CHECK(pst_pubkey_equal(&key, &back) && kid.len == 0);
		CHECK(back.alg == 0 && at == enc.len);
		key.alg = PST_ALG_ES256;
		pst_cbor_writer_init(&w, buf, sizeof(buf));
		pst_cose_key_encode(&w, &key, B("name"));
		enc = pst_cbor_written(&w);
		CHECK_EQ(pst_cose_key_decode(enc, &back, &kid, NULL), PST_OK);
		CHECK(back.alg == PST_ALG_ES256 && pst_equal(kid, B("name")));
	}
}

/* A COSE_Key of the P-256 key with members of choice. */
static struct pst_bytes
key_with(uint8_t *buf, size_t cap, struct pst_bytes head, size_t members,
    struct pst_bytes x, struct pst_bytes y)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, cap);
	pst_cbor_put_map(&w, members + 2);
	pst_cbor_put_raw(&w, head);
	pst_cbor_put_int(&w, -2);
	pst_cbor_put_bstr(&w, x);
	pst_cbor_put_int(&w, -3);
	pst_cbor_put_raw(&w, y);
	return pst_cbor_written(&w);
}

static void
members_must_fit_together(void)
{
	const struct {
		const char *name;
		struct pst_bytes head;
		size_t members;
		enum pst_err want;
	} rows[] = {
		{ "plain", B("\x01\x02\x20\x01"), 2, PST_OK },
		{ "no kty", B("\x20\x01"), 1, PST_ERR_COSE_KEY_FORMAT },
		{ "no crv", B("\x01\x02"), 1, PST_ERR_COSE_KEY_FORMAT },
		{ "kty OKP", B("\x01\x01\x20\x01"), 2,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "kty symmetric", B("\x01\x04\x20\x01"), 2,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "kty text",
		    B("\x01\x62"
		      "EC\x20\x01"),
		    2, PST_ERR_COSE_KEY_FORMAT },
		{ "crv P-384", B("\x01\x02\x20\x02"), 2,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "crv X25519", B("\x01\x02\x20\x04"), 2,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "crv Ed25519", B("\x01\x02\x20\x06"), 2,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "kty twice", B("\x01\x02\x01\x02\x20\x01"), 3,
		    PST_ERR_CBOR_DUPLICATE },
		{ "crv twice", B("\x01\x02\x20\x01\x20\x01"), 3,
		    PST_ERR_CBOR_DUPLICATE },
		{ "kid text", B("\x01\x02\x02\x61k\x20\x01"), 3,
		    PST_ERR_CBOR_TYPE },
		{ "alg", B("\x01\x02\x03\x26\x20\x01"), 3, PST_OK },
		{ "alg zero", B("\x01\x02\x03\x00\x20\x01"), 3,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "alg text", B("\x01\x02\x03\x61x\x20\x01"), 3,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "ops verify", B("\x01\x02\x04\x81\x02\x20\x01"), 3, PST_OK },
		{ "ops sign", B("\x01\x02\x04\x81\x01\x20\x01"), 3, PST_OK },
		{ "ops derive", B("\x01\x02\x04\x81\x07\x20\x01"), 3,
		    PST_ERR_COSE_KEY_FORMAT },
		{ "ops none", B("\x01\x02\x04\x80\x20\x01"), 3,
		    PST_ERR_CBOR_RANGE },
		{ "ops text", B("\x01\x02\x04\x82\x61x\x02\x20\x01"), 3,
		    PST_OK },
		{ "unknown labels", B("\x01\x02\x18\x64\x80\x61x\xa0\x20\x01"),
		    4, PST_OK },
		{ "private part", B("\x01\x02\x20\x01\x23\x41x"), 3, PST_OK },
	};
	struct pst_bytes x = { rfc_x, 32 };
	uint8_t buf[256], y[34] = { 0x58, 32 };
	struct pst_pubkey key;
	size_t i;

	memcpy(y + 2, rfc_y, 32);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum pst_err err = pst_cose_key_decode(
		    key_with(buf, sizeof(buf), rows[i].head, rows[i].members, x,
			(struct pst_bytes){ y, 34 }),
		    &key, NULL, NULL);

		if (err != rows[i].want)
			printf("  row %s\n", rows[i].name);
		CHECK_EQ(err, rows[i].want);
		CHECK(err == PST_OK || key.kty == 0);
	}
}

static void
coordinates_have_their_exact_length(void)
{
	struct pst_bytes head = B("\x01\x02\x20\x01");
	uint8_t buf[256], y[35] = { 0x58, 32 }, x[33] = { 0 };
	struct pst_pubkey key;
	size_t n;

	memcpy(y + 2, rfc_y, 32);
	for (n = 31; n <= 33; n++)
		CHECK_EQ(pst_cose_key_decode(key_with(buf, sizeof(buf), head, 2,
						 (struct pst_bytes){ x, n },
						 (struct pst_bytes){ y, 34 }),
			     &key, NULL, NULL),
		    n == 32 ? PST_OK : PST_ERR_COSE_KEY_FORMAT);
	for (n = 31; n <= 33; n++) {
		y[1] = (uint8_t)n;
		CHECK_EQ(
		    pst_cose_key_decode(key_with(buf, sizeof(buf), head, 2,
					    (struct pst_bytes){ x, 32 },
					    (struct pst_bytes){ y, 2 + n }),
			&key, NULL, NULL),
		    n == 32 ? PST_OK : PST_ERR_COSE_KEY_FORMAT);
	}
	/* an Ed25519 key has no y, and a bool is not one either */
	CHECK_EQ(pst_cose_key_decode(
		     key_with(buf, sizeof(buf), B("\x01\x01\x20\x06"), 2,
			 (struct pst_bytes){ x, 32 }, B("\xf5")),
		     &key, NULL, NULL),
	    PST_ERR_COSE_KEY_FORMAT);
}

/* RFC 9053, Section 7.1.1 */
static void
compressed_y_is_a_bool(void)
{
	struct pst_bytes head = B("\x01\x02\x20\x01");
	struct pst_bytes x = { rfc_x, 32 };
	struct pst_pubkey even, odd, full;
	uint8_t buf[256], again[256], y[34] = { 0x58, 32 };
	struct pst_cbor_writer w;
	struct pst_bytes enc;

	memcpy(y + 2, rfc_y, 32);
	enc = key_with(buf, sizeof(buf), head, 2, x, B("\xf4"));
	CHECK_EQ(pst_cose_key_decode(enc, &even, NULL, NULL), PST_OK);
	CHECK_EQ(even.y_sign, 2);
	pst_cbor_writer_init(&w, again, sizeof(again));
	pst_cose_key_encode(&w, &even, none);
	CHECK(pst_equal(pst_cbor_written(&w), enc));
	CHECK_EQ(pst_cose_key_decode(
		     key_with(buf, sizeof(buf), head, 2, x, B("\xf5")), &odd,
		     NULL, NULL),
	    PST_OK);
	CHECK_EQ(pst_cose_key_decode(key_with(buf, sizeof(buf), head, 2, x,
					 (struct pst_bytes){ y, 34 }),
		     &full, NULL, NULL),
	    PST_OK);
	CHECK(pst_pubkey_equal(&full, &even));
	CHECK(!pst_pubkey_equal(&full, &odd));
	CHECK(!pst_pubkey_equal(&even, &odd));
	CHECK_EQ(pst_cose_key_decode(
		     key_with(buf, sizeof(buf), head, 2, x, B("\xf6")), &odd,
		     NULL, NULL),
	    PST_ERR_CBOR_TYPE);
}

static void
rejects_every_truncation(void)
{
	uint8_t buf[256];
	struct pst_cbor_writer w;
	struct pst_pubkey key;
	struct pst_bytes enc;
	size_t i, at;

	pst_cbor_writer_init(&w, buf, sizeof(buf) - 1);
	pst_cose_key_encode(&w, &f.pub[KEY_P521], B("kid"));
	enc = pst_cbor_written(&w);
	for (i = 0; i < enc.len; i++) {
		uint8_t *copy = malloc(i > 0 ? i : 1);

		CHECK(copy != NULL);
		memcpy(copy, enc.ptr, i);
		CHECK_EQ(pst_cose_key_decode(
			     (struct pst_bytes){ copy, i }, &key, NULL, &at),
		    PST_ERR_CBOR_END);
		CHECK(at <= i);
		free(copy);
	}
	buf[enc.len++] = 0;
	CHECK_EQ(
	    pst_cose_key_decode(enc, &key, NULL, NULL), PST_ERR_CBOR_TRAILING);
}

static void
keys_are_compared_by_their_point(void)
{
	struct pst_pubkey a = f.pub[KEY_P256], b = a;

	CHECK(pst_pubkey_equal(&a, &b));
	b.alg = PST_ALG_ES256;
	CHECK(pst_pubkey_equal(&a, &b));
	b.y[31] ^= 1;
	CHECK(!pst_pubkey_equal(&a, &b));
	b = a;
	b.x[0] ^= 1;
	CHECK(!pst_pubkey_equal(&a, &b));
	CHECK(!pst_pubkey_equal(&a, &f.pub[KEY_P384]));
	CHECK(!pst_pubkey_equal(&a, &f.pub[KEY_ED25519]));
	memset(&a, 0, sizeof(a));
	CHECK(!pst_pubkey_equal(&a, &a));
}

int
main(void)
{
	fixture_init(&f);
	RUN(rfc9679_example_has_its_thumbprint);
	RUN(every_curve_goes_out_and_in);
	RUN(members_must_fit_together);
	RUN(coordinates_have_their_exact_length);
	RUN(compressed_y_is_a_bool);
	RUN(rejects_every_truncation);
	RUN(keys_are_compared_by_their_point);
	fixture_wipe(&f);
	TEST_END();
}
