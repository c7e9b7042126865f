/*
 * Messages: written and verified here, damaged, and refused.
 */
#include <stdlib.h>

#include "fixture.h"
#include "test.h"

static const struct pst_bytes none = { NULL, 0 };
static const struct pst_bytes text = { (const uint8_t *)"what is signed", 14 };

static struct fixture f;
static uint8_t buf[8192];
static struct pst_signer signers[PST_COSE_SIGNERS_MAX + 1];

static struct pst_cose_sign_args
args_of(size_t count)
{
	struct pst_cose_sign_args args = {
		.payload = text, .signers = signers, .count = count
	};

	return args;
}

/* A Sign1 by `key`; empty on failure. */
static struct pst_bytes
sign1_with(int key, int32_t alg, struct pst_cose_sign_args args)
{
	struct pst_cbor_writer w;

	signers[0] = fixture_signer(&f, key, alg);
	args.signers = signers;
	args.count = 1;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	if (pst_cose_sign1(&w, f.crypto, &args) != PST_OK)
		return none;
	return pst_cbor_written(&w);
}

static enum pst_err
verify_bytes(struct pst_bytes msg, struct pst_verified *out)
{
	struct pst_cose_message parsed;
	enum pst_err err = pst_cose_parse(msg, PST_TAG_SIGN1, &parsed, NULL);

	if (err != PST_OK)
		return err;
	return pst_cose_verify(&parsed, f.crypto, &f.keys, none, out);
}

static void
every_algorithm_verifies(void)
{
	static const struct {
		int key;
		int32_t alg;
	} cases[] = { { KEY_P256, PST_ALG_ESP256 }, { KEY_P256, PST_ALG_ES256 },
		{ KEY_P384, PST_ALG_ES384 }, { KEY_P521, PST_ALG_ES512 },
		{ KEY_P384, PST_ALG_ES256 }, { KEY_P256, PST_ALG_ES512 },
		{ KEY_ED25519, PST_ALG_ED25519 },
		{ KEY_ED25519, PST_ALG_EDDSA } };
	struct pst_verified out;
	size_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* ECDSA signatures vary: leading zeros come up by chance */
		for (n = 0; n < 40; n++) {
			struct pst_bytes msg =
			    sign1_with(cases[i].key, cases[i].alg, args_of(1));

			CHECK(msg.len > 0);
			CHECK_EQ(verify_bytes(msg, &out), PST_OK);
			CHECK(pst_equal(out.payload, text));
			CHECK_EQ(out.alg, cases[i].alg);
			CHECK_EQ(out.who, cases[i].key);
			CHECK(pst_pubkey_equal(&out.key, &f.pub[cases[i].key]));
		}
	}
}

/* pitfall: a message signed with Ed25519 works for a short payload and fails
 * for a longer one */
static void
ed25519_signs_payloads_of_any_length(void)
{
	static const size_t lengths[] = { 0, 1, 23, 24, 63, 64, 65, 255, 256,
		1000, 65535, 65536, 1 << 20 };
	uint8_t *payload = calloc(1, 1 << 20);
	uint8_t *out = malloc((1 << 20) + 512);
	struct pst_cose_sign_args args = args_of(1);
	struct pst_cose_message msg;
	struct pst_verified verified;
	struct pst_cbor_writer w;
	size_t i;

	CHECK(payload != NULL && out != NULL);
	signers[0] = fixture_signer(&f, KEY_ED25519, 0);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		args.payload = (struct pst_bytes){ payload, lengths[i] };
		pst_cbor_writer_init(&w, out, (1 << 20) + 512);
		CHECK_EQ(pst_cose_sign1(&w, f.crypto, &args), PST_OK);
		CHECK_EQ(pst_cose_parse(
			     pst_cbor_written(&w), PST_TAG_SIGN1, &msg, NULL),
		    PST_OK);
		CHECK_EQ(
		    pst_cose_verify(&msg, f.crypto, &f.keys, none, &verified),
		    PST_OK);
		CHECK_EQ(verified.payload.len, lengths[i]);
	}
	free(payload);
	free(out);
}

static void
tag_aad_and_detachment_are_honoured(void)
{
	struct pst_bytes aad = PST_BYTES_LIT("bound");
	struct pst_cose_sign_args args = args_of(1);
	struct pst_cose_message msg;
	struct pst_verified out;
	struct pst_bytes bytes;

	args.aad = aad;
	args.detached = true;
	args.untagged = true;
	bytes = sign1_with(KEY_P256, 0, args);
	CHECK_EQ(bytes.ptr[0], 0x84);
	CHECK_EQ(pst_cose_parse(bytes, PST_TAG_SIGN1, &msg, NULL), PST_OK);
	CHECK(!msg.tagged && msg.detached && msg.kind == PST_TAG_SIGN1);
	CHECK_EQ(
	    pst_cose_verify_detached(&msg, text, f.crypto, &f.keys, aad, &out),
	    PST_OK);
	CHECK(pst_equal(out.payload, text));
	CHECK_EQ(
	    pst_cose_verify_detached(&msg, text, f.crypto, &f.keys, none, &out),
	    PST_ERR_COSE_SIGNATURE);
	CHECK(out.payload.ptr == NULL && out.key.kty == 0);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &f.keys, aad, &out),
	    PST_ERR_COSE_STRUCTURE);
	args = args_of(1);
	bytes = sign1_with(KEY_P256, 0, args);
	CHECK_EQ(bytes.ptr[0], 0xd2);
	CHECK_EQ(pst_cose_parse(bytes, PST_TAG_MAC0, &msg, NULL), PST_OK);
	CHECK(msg.tagged && msg.kind == PST_TAG_SIGN1);
	CHECK_EQ(
	    pst_cose_verify_detached(&msg, text, f.crypto, &f.keys, none, &out),
	    PST_ERR_COSE_STRUCTURE);
}

/* The same bytes, counted and written; a buffer one byte short is refused. */
static void
counting_and_writing_agree(void)
{
	struct pst_cose_sign_args args = args_of(2);
	struct pst_cbor_writer w;
	size_t need;

	signers[0] = fixture_signer(&f, KEY_P256, 0);
	signers[1] = fixture_signer(&f, KEY_ED25519, 0);
	pst_cbor_writer_count(&w);
	CHECK_EQ(pst_cose_sign(&w, f.crypto, &args), PST_OK);
	need = w.len;
	CHECK(need <= text.len + PST_COSE_SIGN_OVERHEAD(2));
	pst_cbor_writer_init(&w, buf, need);
	CHECK_EQ(pst_cose_sign(&w, f.crypto, &args), PST_OK);
	CHECK_EQ(w.len, need);
	pst_cbor_writer_init(&w, buf, need - 1);
	CHECK_EQ(pst_cose_sign(&w, f.crypto, &args), PST_ERR_SPACE);
	CHECK(pst_cbor_written(&w).ptr == NULL);
	args.count = 1;
	pst_cbor_writer_count(&w);
	CHECK_EQ(pst_cose_sign1(&w, f.crypto, &args), PST_OK);
	need = w.len;
	CHECK(need <= text.len + PST_COSE_SIGN1_OVERHEAD);
	CHECK_EQ(sign1_with(KEY_P256, 0, args).len, need);
}

static struct pst_bytes
sign_with(size_t count, struct pst_cose_sign_args args)
{
	struct pst_cbor_writer w;

	args.signers = signers;
	args.count = count;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	if (pst_cose_sign(&w, f.crypto, &args) != PST_OK)
		return none;
	return pst_cbor_written(&w);
}

static void
signers_are_bounded(void)
{
	struct pst_verified out;
	struct pst_bytes msg;
	uint8_t copy[sizeof(buf)];
	size_t i;

	for (i = 0; i <= PST_COSE_SIGNERS_MAX; i++)
		signers[i] = fixture_signer(&f, KEY_P256, 0);
	msg = sign_with(PST_COSE_SIGNERS_MAX, args_of(0));
	CHECK(msg.len > 0);
	CHECK_EQ(verify_bytes(msg, &out), PST_OK);
	CHECK(sign_with(PST_COSE_SIGNERS_MAX + 1, args_of(0)).len == 0);
	CHECK(sign_with(0, args_of(0)).len == 0);
	/* The list of eight claims to be nine, with the first one again. */
	msg = sign_with(PST_COSE_SIGNERS_MAX, args_of(0));
	memcpy(copy, msg.ptr, msg.len);
	i = 2 + 1 + 1 + 1 + 1 + text.len; /* up to the array of signatures */
	CHECK_EQ(copy[i - 0], 0x88);
	copy[i] = 0x89;
	memcpy(copy + msg.len, msg.ptr + i + 1,
	    (msg.len - i - 1) / PST_COSE_SIGNERS_MAX);
	msg.ptr = copy;
	msg.len += (msg.len - i - 1) / PST_COSE_SIGNERS_MAX;
	CHECK_EQ(verify_bytes(msg, &out), PST_ERR_CBOR_RANGE);
}

/* An agent that knows one suite accepts a message signed for two. */
static enum pst_err
find_ed_only(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	if (attempt > 0 || headers->alg != PST_ALG_ED25519)
		return PST_ERR_NOT_FOUND;
	*key = f.pub[KEY_ED25519];
	*who = 7;
	return PST_OK;
}

static void
one_good_signature_is_enough(void)
{
	struct pst_keys ed_only = { NULL, find_ed_only, NULL, false };
	struct pst_keys nobody = { NULL, NULL, NULL, false };
	struct pst_cose_message msg;
	struct pst_verified out;
	struct pst_bytes bytes;
	uint8_t *at;

	signers[0] = fixture_signer(&f, KEY_P256, 0);
	signers[1] = fixture_signer(&f, KEY_ED25519, 0);
	bytes = sign_with(2, args_of(0));
	CHECK_EQ(pst_cose_parse(bytes, PST_TAG_SIGN1, &msg, NULL), PST_OK);
	CHECK_EQ(msg.signatures.count, 2);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &ed_only, none, &out), PST_OK);
	CHECK_EQ(out.who, 7);
	CHECK_EQ(out.alg, PST_ALG_ED25519);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &nobody, none, &out),
	    PST_ERR_COSE_KEY);
	/* the first algorithm becomes one that nobody knows: -9 to -10 */
	at = memmem(buf, bytes.len, "\x43\xa1\x01\x28", 4);
	CHECK(at != NULL);
	at[3] = 0x29;
	CHECK_EQ(verify_bytes(bytes, &out), PST_OK);
	CHECK_EQ(out.who, KEY_ED25519);
	/* and the second one breaks */
	buf[bytes.len - 1] ^= 1;
	CHECK_EQ(verify_bytes(bytes, &out), PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(pst_cose_verify_at(
		     &msg, 2, msg.payload, f.crypto, &f.keys, none, &out),
	    PST_ERR_NOT_FOUND);
}

/* Headers of one signature, nested as deep as may be, do not hide the next. */
static void
a_deep_header_hides_no_signature(void)
{
	struct pst_cose_headers h;
	struct pst_cose_message msg;
	struct pst_verified out;
	struct pst_cbor_writer w;
	struct pst_bytes good;
	uint8_t made[1024];
	size_t i;

	signers[0] = fixture_signer(&f, KEY_P256, 0);
	CHECK_EQ(
	    pst_cose_parse(sign_with(1, args_of(0)), PST_TAG_SIGN1, &msg, NULL),
	    PST_OK);
	good = msg.signatures.items;
	pst_cbor_writer_init(&w, made, sizeof(made));
	pst_cbor_put_array(&w, 4);
	pst_cbor_put_bstr(&w, none);
	pst_cbor_put_map(&w, 0);
	pst_cbor_put_bstr(&w, text);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_array(&w, 3);
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("\xa1\x01\x28"));
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, 100);
	for (i = 1; i < PST_CBOR_DEPTH_MAX; i++)
		pst_cbor_put_array(&w, 1);
	pst_cbor_put_null(&w);
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("no signature"));
	pst_cbor_put_raw(&w, good);
	CHECK_EQ(
	    pst_cose_parse(pst_cbor_written(&w), PST_TAG_SIGN1, &msg, NULL),
	    PST_OK);
	CHECK(pst_cose_signature(&msg, 0, &h, &good));
	CHECK(pst_cose_signature(&msg, 1, &h, &good));
	CHECK(!pst_cose_signature(&msg, 2, &h, &good));
	CHECK_EQ(verify_bytes(pst_cbor_written(&w), &out), PST_OK);
	CHECK_EQ(out.who, KEY_P256);
}

/* pitfalls: a zero-length authentication block, or one of the wrong kind for
 * the key (a Sign1 tried against an HMAC key), is read out of bounds */
static void
kinds_of_keys_do_not_mix(void)
{
	struct pst_cose_sign_args args = args_of(1);
	struct pst_keys only_mac = f.keys, only_sign = f.keys;
	struct pst_cose_message msg;
	struct pst_verified out;
	struct pst_cbor_writer w;

	only_mac.find = NULL;
	only_sign.find_secret = NULL;
	signers[0] = fixture_signer(&f, KEY_HMAC, 0);
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(pst_cose_mac0(&w, f.crypto, &args), PST_OK);
	CHECK_EQ(
	    pst_cose_parse(pst_cbor_written(&w), PST_TAG_SIGN1, &msg, NULL),
	    PST_OK);
	CHECK_EQ(msg.kind, PST_TAG_MAC0);
	CHECK_EQ(
	    pst_cose_verify(&msg, f.crypto, &only_mac, none, &out), PST_OK);
	CHECK_EQ(out.key.kty, 0);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &only_sign, none, &out),
	    PST_ERR_COSE_KEY);
	msg.signature.len = 0;
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &only_mac, none, &out),
	    PST_ERR_COSE_SIGNATURE);
	msg.signature.len = 31;
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &only_mac, none, &out),
	    PST_ERR_COSE_SIGNATURE);
	/* a secret key does not sign, a private one makes no MAC */
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(pst_cose_sign1(&w, f.crypto, &args), PST_ERR_COSE_KEY);
	signers[0] = fixture_signer(&f, KEY_P256, 0);
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(pst_cose_mac0(&w, f.crypto, &args), PST_ERR_COSE_KEY);
	CHECK_EQ(pst_cose_parse(sign1_with(KEY_P256, 0, args_of(1)),
		     PST_TAG_SIGN1, &msg, NULL),
	    PST_OK);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &only_mac, none, &out),
	    PST_ERR_COSE_KEY);
	msg.signature.len = 0;
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &f.keys, none, &out),
	    PST_ERR_COSE_SIGNATURE);
}

/* Every truncation and every flipped bit, for Sign1, Sign and Mac0. */
static void
damage_everywhere(struct pst_bytes msg)
{
	struct pst_verified out;
	struct pst_bytes cut;
	uint8_t *copy;
	size_t i;

	CHECK_EQ(verify_bytes(msg, &out), PST_OK);
	for (i = 0; i < msg.len; i++) {
		copy = malloc(i > 0 ? i : 1);
		CHECK(copy != NULL);
		memcpy(copy, msg.ptr, i);
		cut = (struct pst_bytes){ copy, i };
		CHECK(verify_bytes(cut, &out) != PST_OK);
		free(copy);
	}
	copy = malloc(msg.len + 1);
	CHECK(copy != NULL);
	memcpy(copy, msg.ptr, msg.len);
	copy[msg.len] = 0;
	cut = (struct pst_bytes){ copy, msg.len + 1 };
	CHECK_EQ(verify_bytes(cut, &out), PST_ERR_CBOR_TRAILING);
	cut.len--;
	for (i = 0; i < 8 * msg.len; i++) {
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		/* the kid is not protected; anything else must break */
		if (verify_bytes(cut, &out) == PST_OK)
			CHECK(memcmp(copy, msg.ptr, msg.len) != 0 &&
			    pst_equal(out.payload, text));
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	free(copy);
}

/* Without a kid nothing is unprotected, so every bit counts. */
static void
every_bit(struct pst_bytes msg)
{
	struct pst_verified out;
	uint8_t copy[2048];
	size_t i, accepted = 0;

	CHECK(msg.len > 0 && msg.len <= sizeof(copy));
	memcpy(copy, msg.ptr, msg.len);
	for (i = 0; i < 8 * msg.len; i++) {
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		accepted += verify_bytes((struct pst_bytes){ copy, msg.len },
				&out) == PST_OK;
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	CHECK_EQ(accepted, 0);
}

static void
rejects_every_truncation_and_flip(void)
{
	struct pst_cose_sign_args args = args_of(1);
	struct pst_cbor_writer w;

	damage_everywhere(sign1_with(KEY_P256, 0, args_of(1)));
	CHECK_CASE();
	signers[0] = fixture_signer(&f, KEY_P256, 0);
	signers[1] = fixture_signer(&f, KEY_ED25519, 0);
	damage_everywhere(sign_with(2, args_of(0)));
	CHECK_CASE();
	signers[0] = fixture_signer(&f, KEY_HMAC, 0);
	signers[0].kid_len = 0;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(pst_cose_mac0(&w, f.crypto, &args), PST_OK);
	every_bit(pst_cbor_written(&w));
	CHECK_CASE();
	signers[0] = fixture_signer(&f, KEY_ED25519, 0);
	signers[0].kid_len = 0;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(pst_cose_sign1(&w, f.crypto, &args), PST_OK);
	every_bit(pst_cbor_written(&w));
}

/* A Sign1 with these buckets, under a signature that is never right: what is
 * read of headers shows before that. */
static enum pst_err
with_buckets(struct pst_bytes protected, struct pst_bytes unprotected,
    struct pst_cose_message *msg, struct pst_cose_headers *headers)
{
	static uint8_t out[8192];
	struct pst_bytes sig;
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_cbor_put_tag(&w, PST_TAG_SIGN1);
	pst_cbor_put_array(&w, 4);
	pst_cbor_put_bstr(&w, protected);
	pst_cbor_put_raw(&w, unprotected);
	pst_cbor_put_bstr(&w, text);
	pst_cbor_put_bstr(&w, text);
	err = pst_cose_parse(pst_cbor_written(&w), PST_TAG_SIGN1, msg, NULL);
	if (err == PST_OK && !pst_cose_signature(msg, 0, headers, &sig))
		return PST_ERR_STATE;
	return err;
}

#define B(s) PST_BYTES_LIT(s)
struct header_row {
	const char *name;
	struct pst_bytes protected, unprotected;
	enum pst_err want;
};

static void
malformed_headers_are_refused(void)
{
	const struct header_row rows[] = {
		{ "plain", B("\xa1\x01\x26"), B("\xa0"), PST_OK },
		{ "empty buckets", B(""), B("\xa0"), PST_OK },
		{ "empty map", B("\xa0"), B("\xa0"), PST_OK },
		{ "alg twice", B("\xa2\x01\x26\x01\x26"), B("\xa0"),
		    PST_ERR_CBOR_DUPLICATE },
		{ "alg in both", B("\xa1\x01\x26"), B("\xa1\x01\x26"),
		    PST_ERR_CBOR_DUPLICATE },
		{ "-1 in both", B("\xa1\x20\x00"), B("\xa1\x20\x00"),
		    PST_ERR_CBOR_DUPLICATE },
		{ "text in both", B("\xa1\x61x\x00"), B("\xa1\x61x\x00"),
		    PST_ERR_CBOR_DUPLICATE },
		{ "text twice", B("\xa0"), B("\xa2\x61x\x00\x61x\x00"),
		    PST_ERR_CBOR_DUPLICATE },
		{ "label is bytes", B("\xa1\x41x\x00"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "label is null", B("\xa0"), B("\xa1\xf6\x00"),
		    PST_ERR_CBOR_TYPE },
		{ "alg is bytes", B("\xa1\x01\x41\x26"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "kid is text", B("\xa0"), B("\xa1\x04\x61k"),
		    PST_ERR_CBOR_TYPE },
		{ "kid is empty", B("\xa0"), B("\xa1\x04\x40"), PST_OK },
		{ "crit empty", B("\xa1\x02\x80"), B("\xa0"),
		    PST_ERR_CBOR_RANGE },
		{ "crit is uint", B("\xa1\x02\x01"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "crit names absent", B("\xa1\x02\x81\x03"), B("\xa0"),
		    PST_ERR_COSE_STRUCTURE },
		{ "crit names unprotected", B("\xa1\x02\x81\x04"),
		    B("\xa1\x04\x41k"), PST_ERR_COSE_STRUCTURE },
		{ "crit unprotected", B(""), B("\xa2\x02\x81\x04\x04\x41k"),
		    PST_ERR_COSE_STRUCTURE },
		{ "crit holds bytes", B("\xa1\x02\x81\x41x"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "content type is null", B("\xa1\x03\xf6"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "content type text", B("\xa1\x03\x61t"), B("\xa0"), PST_OK },
		{ "protected trails", B("\xa0\x00"), B("\xa0"),
		    PST_ERR_CBOR_TRAILING },
		{ "protected is array", B("\x80"), B("\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "unprotected is array", B(""), B("\x80"), PST_ERR_CBOR_TYPE },
		{ "unprotected is bstr", B(""), B("\x41\xa0"),
		    PST_ERR_CBOR_TYPE },
		{ "long form", B("\xa1\x18\x01\x26"), B("\xa0"),
		    PST_ERR_CBOR_PREFERRED },
		{ "indefinite", B("\xbf\x01\x26\xff"), B("\xa0"),
		    PST_ERR_CBOR_INDEFINITE },
		{ "chain of one in an array", B(""), B("\xa1\x18\x21\x81\x41x"),
		    PST_ERR_CBOR_RANGE },
		{ "chain of two", B(""), B("\xa1\x18\x21\x82\x41x\x41y"),
		    PST_OK },
		{ "chain of five", B(""),
		    B("\xa1\x18\x21\x85\x41v\x41w\x41x\x41y\x41z"), PST_OK },
		{ "chain of six", B(""),
		    B("\xa1\x18\x21\x86\x41u\x41v\x41w\x41x\x41y\x41z"),
		    PST_ERR_CBOR_RANGE },
		{ "chain of text", B(""), B("\xa1\x18\x21\x82\x41x\x61y"),
		    PST_ERR_CBOR_TYPE },
		{ "chain is text", B(""), B("\xa1\x18\x21\x61y"),
		    PST_ERR_CBOR_TYPE },
	};
	struct pst_cose_message msg;
	struct pst_cose_headers headers;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum pst_err err = with_buckets(
		    rows[i].protected, rows[i].unprotected, &msg, &headers);

		if (err != rows[i].want)
			printf("  row %s\n", rows[i].name);
		CHECK_EQ(err, rows[i].want);
	}
}

static void
headers_are_read(void)
{
	struct pst_cose_message msg;
	struct pst_cose_headers h;
	struct pst_bytes certs[PST_X5CHAIN_MAX];
	size_t n;

	CHECK_EQ(with_buckets(B("\xa3\x01\x26\x02\x82\x01\x61x\x61x\x00"),
		     B("\xa2\x04\x43kid\x18\x21\x82\x41x\x42yz"), &msg, &h),
	    PST_OK);
	CHECK_EQ(h.alg, PST_ALG_ES256);
	CHECK(h.alg_protected && h.unknown_critical);
	CHECK(pst_equal(h.kid, B("kid")));
	CHECK_EQ(
	    pst_cose_x5chain_certs(h.x5chain, certs, 1, &n), PST_ERR_LIMIT);
	CHECK_EQ(pst_cose_x5chain_certs(h.x5chain, certs, PST_X5CHAIN_MAX, &n),
	    PST_OK);
	CHECK(n == 2 && pst_equal(certs[1], B("yz")));
	CHECK_EQ(with_buckets(B(""), B("\xa2\x01\x28\x18\x21\x42yz"), &msg, &h),
	    PST_OK);
	CHECK(h.alg == PST_ALG_ESP256 && !h.alg_protected);
	CHECK_EQ(pst_cose_x5chain_certs(h.x5chain, certs, PST_X5CHAIN_MAX, &n),
	    PST_OK);
	CHECK(n == 1 && pst_equal(certs[0], B("yz")));
	/* algorithms beyond 32 bits, and texts, fit nothing */
	CHECK_EQ(with_buckets(
		     B("\xa1\x01\x1a\x80\x00\x00\x05"), B("\xa0"), &msg, &h),
	    PST_OK);
	CHECK_EQ(h.alg, 0);
	CHECK_EQ(with_buckets(B("\xa1\x01\x65"
				"ES256"),
		     B("\xa0"), &msg, &h),
	    PST_OK);
	CHECK_EQ(h.alg, 0);
}

static void
header_maps_are_bounded(void)
{
	uint8_t map[1 + 2 * (PST_COSE_HEADERS_MAX + 1)];
	struct pst_cose_message msg;
	struct pst_cose_headers h;
	size_t n, i;

	for (n = PST_COSE_HEADERS_MAX; n <= PST_COSE_HEADERS_MAX + 1; n++) {
		map[0] = (uint8_t)(0xa0 + n);
		for (i = 0; i < n; i++) {
			map[1 + 2 * i] = (uint8_t)(5 + i);
			map[2 + 2 * i] = 0;
		}
		CHECK_EQ(with_buckets(B(""),
			     (struct pst_bytes){ map, 1 + 2 * n }, &msg, &h),
		    n == PST_COSE_HEADERS_MAX ? PST_OK : PST_ERR_CBOR_RANGE);
	}
}

static void
header_buckets_are_bounded(void)
{
	static uint8_t map[PST_COSE_BUCKET_MAX + 1];
	const size_t len[] = { PST_COSE_BUCKET_MAX, PST_COSE_BUCKET_MAX + 1 };
	static uint8_t message[2 * sizeof(map)];
	struct pst_cose_message msg;
	struct pst_cbor_writer w;
	struct pst_bytes big;
	size_t i, k;

	for (i = 0; i < 4; i++) {
		/* {100: h'00...'} */
		memcpy(map, "\xa1\x18\x64\x59", 4);
		map[4] = (uint8_t)((len[i / 2] - 6) >> 8);
		map[5] = (uint8_t)(len[i / 2] - 6);
		big = (struct pst_bytes){ map, len[i / 2] };
		pst_cbor_writer_init(&w, message, sizeof(message));
		pst_cbor_put_array(&w, 4);
		k = i % 2;
		pst_cbor_put_bstr(&w, k == 0 ? big : none);
		pst_cbor_put_raw(&w, k == 0 ? B("\xa0") : big);
		pst_cbor_put_bstr(&w, text);
		pst_cbor_put_bstr(&w, text);
		CHECK_EQ(pst_cose_parse(
			     pst_cbor_written(&w), PST_TAG_SIGN1, &msg, NULL),
		    i < 2 ? PST_OK : PST_ERR_CBOR_RANGE);
	}
}

/* RFC 9052, Section 3.1 */
static void
alg_must_be_protected(void)
{
	struct pst_keys tool = f.keys;
	struct pst_cose_message msg;
	struct pst_cose_headers h;
	struct pst_verified out;

	CHECK_EQ(with_buckets(B(""), B("\xa1\x01\x28"), &msg, &h), PST_OK);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &f.keys, none, &out),
	    PST_ERR_COSE_ALG);
	/* for a tool the next hurdle is the signature itself */
	tool.alg_unprotected = true;
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &tool, none, &out),
	    PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(with_buckets(B("\xa3\x01\x28\x02\x81\x61x\x61x\x00"),
		     B("\xa0"), &msg, &h),
	    PST_OK);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &f.keys, none, &out),
	    PST_ERR_COSE_CRIT);
}

static void
other_structures_are_refused(void)
{
	const struct {
		struct pst_bytes bytes;
		enum pst_err want;
	} rows[] = {
		{ PST_BYTES_LIT(""), PST_ERR_CBOR_END },
		{ PST_BYTES_LIT("\x00"), PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd2\x80"), PST_ERR_CBOR_RANGE },
		{ PST_BYTES_LIT("\xd2\x85\x40\xa0\x40\x40\x40"),
		    PST_ERR_CBOR_RANGE },
		{ PST_BYTES_LIT("\xd0\x83\x40\xa0\x40"), PST_ERR_UNSUPPORTED },
		{ PST_BYTES_LIT("\xd8\x60\x84\x40\xa0\x40\x80"),
		    PST_ERR_UNSUPPORTED },
		{ PST_BYTES_LIT("\xd8\x61\x85\x40\xa0\x40\x40\x80"),
		    PST_ERR_UNSUPPORTED },
		{ PST_BYTES_LIT("\xd9\x03\xe6\x84\x40\xa0\x40\x40"),
		    PST_ERR_COSE_STRUCTURE },
		{ PST_BYTES_LIT("\xd2\xd2\x84\x40\xa0\x40\x40"),
		    PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd2\x84\x40\xa0\x40\x80"),
		    PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd2\x84\x40\xa0\x60\x40"),
		    PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd2\x84\x40\xa0\xf7\x40"),
		    PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd2\x84\x40\xa0\xf6\x40"), PST_OK },
		{ PST_BYTES_LIT("\x84\x40\xa0\x40\x40"), PST_OK },
		{ PST_BYTES_LIT("\x84\x40\xa0\x40\x80"), PST_ERR_CBOR_RANGE },
		{ PST_BYTES_LIT("\x84\x40\xa0\x40\x81\x83\x40\xa0\x40"),
		    PST_OK },
		{ PST_BYTES_LIT("\x84\x40\xa0\x40\x81\x82\x40\xa0"),
		    PST_ERR_CBOR_RANGE },
		{ PST_BYTES_LIT("\x84\x40\xa0\x40\x81\x83\x41\x00\xa0\x40"),
		    PST_ERR_CBOR_TYPE },
		{ PST_BYTES_LIT("\xd8\x62\x84\x40\xa0\x40\x40"),
		    PST_ERR_CBOR_TYPE },
	};
	struct pst_cose_message msg;
	size_t i, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum pst_err err =
		    pst_cose_parse(rows[i].bytes, PST_TAG_SIGN1, &msg, &at);

		if (err != rows[i].want)
			printf("  row %zu\n", i);
		CHECK_EQ(err, rows[i].want);
		CHECK(at <= rows[i].bytes.len);
		CHECK(err == PST_OK || msg.kind == 0);
	}
}

/* A key that names its algorithm is used with no other. */
static void
a_key_is_used_with_its_algorithm_only(void)
{
	struct pst_pubkey key = f.pub[KEY_P256];

	CHECK(pst_alg_fits(&key, PST_ALG_ES256));
	CHECK(pst_alg_fits(&key, PST_ALG_ES512));
	CHECK(!pst_alg_fits(&key, PST_ALG_ED25519));
	CHECK(!pst_alg_fits(&key, PST_ALG_HMAC_256));
	CHECK(!pst_alg_fits(&key, PST_ALG_NONE));
	key.alg = PST_ALG_ES256;
	/* two names for the same thing on this curve */
	CHECK(pst_alg_fits(&key, PST_ALG_ESP256));
	CHECK(!pst_alg_fits(&key, PST_ALG_ES512));
	CHECK(!pst_alg_fits(&f.pub[KEY_P384], PST_ALG_ESP256));
	CHECK(!pst_alg_fits(&f.pub[KEY_ED25519], PST_ALG_ESP256));
	CHECK(pst_alg_fits(&f.pub[KEY_ED25519], PST_ALG_EDDSA));
}

static enum pst_err
find_expired(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	(void)attempt;
	(void)key;
	(void)who;
	return PST_ERR_COSE_CERT_EXPIRED;
}

/* A key source that always answers neither hangs nor hides its reason. */
static void
a_refusal_by_the_key_source_is_told(void)
{
	struct pst_keys expired = { NULL, find_expired, NULL, false };
	struct pst_cose_message msg;
	struct pst_verified out;

	CHECK_EQ(pst_cose_parse(sign1_with(KEY_P256, 0, args_of(1)),
		     PST_TAG_SIGN1, &msg, NULL),
	    PST_OK);
	CHECK_EQ(pst_cose_verify(&msg, f.crypto, &expired, none, &out),
	    PST_ERR_COSE_CERT_EXPIRED);
}

static void
kid_and_x5chain_are_written_in_order(void)
{
	struct pst_cose_sign_args args = args_of(1);
	struct pst_cose_message msg;
	struct pst_cose_headers h;
	struct pst_bytes sig, bytes;

	args.x5chain = B("\x43xyz");
	bytes = sign1_with(KEY_P256, 0, args);
	CHECK_EQ(pst_cose_parse(bytes, PST_TAG_SIGN1, &msg, NULL), PST_OK);
	CHECK(pst_cose_signature(&msg, 0, &h, &sig));
	CHECK_EQ(h.kid.len, PST_THUMBPRINT_LEN);
	CHECK_EQ(h.x5chain.count, 1);
	CHECK_EQ(msg.unprotected.ptr[0], 0xa2);
	CHECK_EQ(msg.unprotected.ptr[1], PST_COSE_KID);
	CHECK_EQ(sig.len, 64);
	signers[0].kid_len = PST_KID_MAX + 1;
	args.signers = signers;
	{
		struct pst_cbor_writer w;

		pst_cbor_writer_init(&w, buf, sizeof(buf));
		CHECK_EQ(pst_cose_sign1(&w, f.crypto, &args), PST_ERR_ARG);
		CHECK_EQ(w.err, PST_ERR_ARG);
	}
}

int
main(void)
{
	fixture_init(&f);
	RUN(every_algorithm_verifies);
	RUN(ed25519_signs_payloads_of_any_length);
	RUN(tag_aad_and_detachment_are_honoured);
	RUN(counting_and_writing_agree);
	RUN(signers_are_bounded);
	RUN(one_good_signature_is_enough);
	RUN(a_deep_header_hides_no_signature);
	RUN(kinds_of_keys_do_not_mix);
	RUN(rejects_every_truncation_and_flip);
	RUN(malformed_headers_are_refused);
	RUN(headers_are_read);
	RUN(header_maps_are_bounded);
	RUN(header_buckets_are_bounded);
	RUN(alg_must_be_protected);
	RUN(other_structures_are_refused);
	RUN(a_key_is_used_with_its_algorithm_only);
	RUN(a_refusal_by_the_key_source_is_told);
	RUN(kid_and_x5chain_are_written_in_order);
	fixture_wipe(&f);
	TEST_END();
}
