/*
 * Whatever is changed in the signed part of a good manifest is refused before
 * any of its commands runs, and whatever is added to its envelope without a
 * signature is refused or has no effect. The manifests are rows of
 * tests/vectors/suit/vectors.jsonl, trees and encrypted ones among them.
 */
#include <stdlib.h>

#include "suit_test.h"

enum { CAP = 8192, SIGNERS = 3 };

static const char *const names[] = { "esp256.cbor", "cose-sign.cbor",
	"second-block.cbor", "severed.cbor", "coswid-severed.cbor",
	"fetch-integrated.cbor", "write.cbor", "vendor.cbor",
	"copy-verified.cbor", "tree-integrated.cbor",
	"enc-write-ecdh-chacha.cbor" };
#define NAMES (sizeof(names) / sizeof(names[0]))

static const int update[] = { PST_SUIT_DEPENDENCY_RESOLUTION,
	PST_SUIT_PAYLOAD_FETCH, PST_SUIT_CANDIDATE_VERIFICATION,
	PST_SUIT_INSTALL, PST_SUIT_VALIDATE, 0 };

static struct pst_pubkey signers[SIGNERS];
static uint32_t device_key;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < SIGNERS; i++) {
		if (!pst_alg_fits(&signers[i], headers->alg) || attempt-- > 0)
			continue;
		*key = signers[i];
		*who = 40 + (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = device_key;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static const struct pst_keys keys = { NULL, find, find_secret, false };

/* --- a manifest and what becomes of it --------------------------------------
 */

static struct pst_bytes
vector(const char *name, uint8_t out[CAP])
{
	char path[256];
	struct pst_bytes b = { out, 0 };
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), PST_SOURCE_DIR "/tests/vectors/suit/%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		abort();
	b.len = fread(out, 1, CAP, f);
	fclose(f);
	if (b.len == 0 || b.len == CAP)
		abort();
	return b;
}

/* What a run left behind. */
struct outcome {
	enum pst_err err;
	bool ran; /* it was authenticated, and its commands began */
	uint8_t content[32];
};

static const uint8_t ids[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
	0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b,
	0x2c, 0x2d, 0x2e, 0x2f };

/* The names and contents of all components, as one digest. */
static void
fingerprint(const struct world *w, uint8_t out[32])
{
	const struct pst_crypto *c = fixture()->crypto;
	struct pst_bytes part;
	uint8_t digest[PST_DIGEST_MAX];
	uint32_t hash;
	size_t i, len = 0;

	if (c->hash_begin(c->ctx, PST_ALG_SHA256, &hash) != PST_OK)
		abort();
	for (i = 0; i < w->count; i++) {
		const struct world_component *x = &w->c[i];

		part = (struct pst_bytes){ x->name, x->name_len };
		if (!x->present || x->len == 0)
			continue;
		if (c->hash_update(c->ctx, hash, part) != PST_OK)
			abort();
		part = (struct pst_bytes){ x->data, x->len };
		if (c->hash_update(c->ctx, hash, part) != PST_OK)
			abort();
	}
	if (c->hash_end(c->ctx, hash, digest, &len) != PST_OK || len != 32)
		abort();
	memcpy(out, digest, 32);
}

static struct outcome
run(struct pst_bytes in)
{
	static struct world world;
	struct outcome o = { PST_OK, false, { 0 } };
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;

	o.err = pst_suit_envelope_decode(in, &env, NULL);
	if (o.err == PST_OK)
		o.err = pst_suit_authenticate(
		    &env, fixture()->crypto, &keys, &m, NULL);
	if (o.err != PST_OK)
		return o;
	world_init(&world);
	world.keys = &keys;
	world.vendor = (struct pst_bytes){ ids, 16 };
	world.class_id = (struct pst_bytes){ ids + 16, 16 };
	world.device = (struct pst_bytes){ ids + 32, 16 };
	world_serve(&world, "https://x.example/p", B("the payload"));
	o.ran = true;
	o.err = world_run(&world, &m, fixture()->crypto, update);
	fingerprint(&world, o.content);
	world_free(&world);
	return o;
}

static bool
same(const struct outcome *a, const struct outcome *b)
{
	return a->err == b->err && memcmp(a->content, b->content, 32) == 0;
}

/* Does at lie in one of the parts that signature and digests cover? */
static bool
signed_part(const struct pst_suit_envelope *env, const uint8_t *at)
{
	static const uint8_t severable[] = { PST_SUIT_COSWID,
		PST_SUIT_DEPENDENCY_RESOLUTION, PST_SUIT_PAYLOAD_FETCH,
		PST_SUIT_CANDIDATE_VERIFICATION, PST_SUIT_INSTALL,
		PST_SUIT_TEXT };
	struct pst_cbor_reader r;
	struct pst_bytes part = env->digest_content;
	size_t n = env->member_count;
	int64_t label;
	size_t i;

	if (at >= part.ptr && at < part.ptr + part.len)
		return true;
	part = env->manifest_bstr;
	if (at >= part.ptr && at < part.ptr + part.len)
		return true;
	pst_cbor_reader_init(&r, env->members);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		bool is = false;

		label = -1;
		if (pst_cbor_peek(&r) == PST_CBOR_UINT)
			label = pst_cbor_int(&r, 0, 1000);
		else
			pst_cbor_skip(&r);
		part = pst_cbor_item(&r);
		for (i = 0; i < sizeof(severable); i++)
			is = is || label == severable[i];
		if (is && at >= part.ptr && at < part.ptr + part.len)
			return true;
	}
	return false;
}

/* --- changes ----------------------------------------------------------------
 */

static void
byte_changes(const char *name)
{
	static const uint8_t with[] = { 0x00, 0xff, 0x01, 0x02, 0x04, 0x08,
		0x10, 0x20, 0x40, 0x80, 0x55 };
	uint8_t buf[CAP];
	struct pst_bytes in = vector(name, buf);
	struct outcome good = run(in), got;
	struct pst_suit_envelope env;
	bool covered[CAP];
	size_t i, k, tried = 0;

	CHECK_EQ(good.err, PST_OK);
	CHECK_EQ(pst_suit_envelope_decode(in, &env, NULL), PST_OK);
	for (i = 0; i < in.len; i++)
		covered[i] = signed_part(&env, buf + i);
	for (i = 0; i < in.len; i++) {
		for (k = 0; k < sizeof(with); k++) {
			uint8_t was = buf[i];

			/* The first two replace, the others flip. */
			buf[i] = k < 2 ? with[k] : (uint8_t)(was ^ with[k]);
			got = run(in);
			tried += buf[i] != was && covered[i];
			if (buf[i] != was && covered[i])
				CHECK(!got.ran && got.err != PST_OK);
			else if (got.err == PST_OK)
				CHECK(same(&got, &good));
			buf[i] = was;
		}
	}
	CHECK(tried > 500);
}

static void
a_changed_byte_of_the_signed_part_is_refused_before_any_command(void)
{
	size_t i;

	for (i = 0; i < NAMES; i++) {
		byte_changes(names[i]);
		CHECK_CASE();
	}
}

/* --- additions
 * ---------------------------------------------------------------- */

/* The envelope with one pair more, in front of pair `place`; or, when key is
 * empty, with its pairs turned round. */
static struct pst_bytes
with_pair(const struct pst_suit_envelope *env, size_t place,
    struct pst_bytes key, struct pst_bytes value, uint8_t out[CAP])
{
	struct pst_cbor_writer w;
	struct pst_cbor_reader r;
	size_t i;

	pst_cbor_writer_init(&w, out, CAP);
	pst_cbor_put_map(&w, env->member_count + 1);
	pst_cbor_reader_init(&r, env->members);
	for (i = 0; i <= env->member_count; i++) {
		if (i == place) {
			pst_cbor_put_raw(&w, key);
			pst_cbor_put_raw(&w, value);
		}
		if (i == env->member_count)
			break;
		pst_cbor_put_raw(&w, pst_cbor_item(&r));
		pst_cbor_put_raw(&w, pst_cbor_item(&r));
	}
	if (w.err != PST_OK)
		abort();
	return pst_cbor_written(&w);
}

/* A bstr with a sequence that would write, and other values of members. */
static size_t
values(struct pst_bytes out[8])
{
	static const uint8_t abort_now[] = { 0x43, 0x82, 0x0e, 0x00 };
	static const uint8_t write_it[] = { 0x4b, 0x84, 0x14, 0xa1, 0x12, 0x45,
		'e', 'v', 'i', 'l', '!', 0x12, 0x00 };

	out[0] = B("\x40");
	out[1] = (struct pst_bytes){ abort_now, sizeof(abort_now) };
	out[2] = (struct pst_bytes){ write_it, sizeof(write_it) };
	out[3] = B("\xf6");
	out[4] = B("\x00");
	out[5] = B("\x80");
	out[6] = B("\xa0");
	return 7;
}

static void
additions(const char *name)
{
	uint8_t buf[CAP], out[CAP], key[8];
	struct pst_bytes in = vector(name, buf), value[8], k = { key, 0 };
	struct outcome good = run(in), got;
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	size_t i, n, place;
	int64_t label;

	CHECK_EQ(good.err, PST_OK);
	CHECK_EQ(pst_suit_envelope_decode(in, &env, NULL), PST_OK);
	n = values(value);
	for (label = -3; label <= 40; label++) {
		for (i = 0; i < n; i++) {
			pst_cbor_writer_init(&w, key, sizeof(key));
			if (label == 40) /* a payload that nothing names */
				pst_cbor_put_tstr(&w, B("#evil"));
			else
				pst_cbor_put_int(&w, label);
			k.len = w.len;
			for (place = 0; place <= env.member_count; place++) {
				got = run(
				    with_pair(&env, place, k, value[i], out));
				if (got.err == PST_OK)
					CHECK(same(&got, &good));
			}
		}
	}
}

static void
what_is_added_without_a_signature_is_refused_or_inert(void)
{
	size_t i;

	for (i = 0; i < NAMES; i++) {
		additions(names[i]);
		CHECK_CASE();
	}
}

/* What was there and is not: no manifest does something else without it. */
static void
a_member_that_was_taken_out_is_missed_or_not_needed(void)
{
	uint8_t buf[CAP], out[CAP];
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	struct pst_cbor_reader r;
	struct outcome good, got;
	size_t i, k, n;

	for (i = 0; i < NAMES; i++) {
		struct pst_bytes in = vector(names[i], buf);

		good = run(in);
		CHECK_EQ(pst_suit_envelope_decode(in, &env, NULL), PST_OK);
		for (n = 0; n < env.member_count; n++) {
			pst_cbor_writer_init(&w, out, sizeof(out));
			pst_cbor_put_map(&w, env.member_count - 1);
			pst_cbor_reader_init(&r, env.members);
			for (k = 0; k < env.member_count; k++) {
				struct pst_bytes key = pst_cbor_item(&r);
				struct pst_bytes value = pst_cbor_item(&r);

				if (k == n)
					continue;
				pst_cbor_put_raw(&w, key);
				pst_cbor_put_raw(&w, value);
			}
			got = run(pst_cbor_written(&w));
			if (got.err == PST_OK)
				CHECK(same(&got, &good));
		}
	}
}

/* Blocks of nobody, in front of the good ones and behind them. */
static void
blocks_of_nobody_are_refused_or_inert(void)
{
	static const uint8_t stranger[] = { 0x58, 0x4a, 0xd2, 0x84, 0x43, 0xa1,
		0x01, 0x28, 0xa0, 0xf6, 0x58, 0x40 };
	uint8_t buf[CAP], out[CAP], block[80] = { 0 };
	struct pst_bytes extra[9], in;
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	struct outcome good, got;
	size_t i, k, n, mark;
	int behind;

	memcpy(block, stranger, sizeof(stranger));
	extra[0] = (struct pst_bytes){ block, 2 + 0x4a };
	n = 1 + values(extra + 1);
	for (i = 0; i < NAMES; i++) {
		in = vector(names[i], buf);
		good = run(in);
		CHECK_EQ(pst_suit_envelope_decode(in, &env, NULL), PST_OK);
		CHECK_EQ(good.err, PST_OK);
		for (k = 0; k < n; k++) {
			for (behind = 0; behind < 2; behind++) {
				pst_cbor_writer_init(&w, out, sizeof(out));
				pst_cbor_put_map(&w, 2);
				pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
				mark = pst_cbor_wrap_begin(&w);
				pst_cbor_put_array(&w, env.blocks.count + 2);
				pst_cbor_put_bstr(&w, env.digest_content);
				if (!behind)
					pst_cbor_put_raw(&w, extra[k]);
				pst_cbor_put_raw(&w, env.blocks.items);
				if (behind)
					pst_cbor_put_raw(&w, extra[k]);
				pst_cbor_wrap_bstr(&w, mark);
				pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
				pst_cbor_put_raw(&w, env.manifest_bstr);
				got = run(pst_cbor_written(&w));
				/* Members that were left out are missed. */
				if (got.err == PST_OK && env.member_count == 2)
					CHECK(same(&got, &good));
			}
		}
	}
}

/* Signature and manifest of two good envelopes do not fit each other. */
static void
a_signature_is_of_one_manifest(void)
{
	uint8_t a_buf[CAP], b_buf[CAP], out[CAP];
	struct pst_suit_envelope a, b;
	struct pst_cbor_writer w;
	struct outcome got;
	size_t i, k, mark;

	for (i = 0; i < NAMES; i++) {
		for (k = 0; k < NAMES; k++) {
			struct pst_bytes x = vector(names[i], a_buf);
			struct pst_bytes y = vector(names[k], b_buf);

			CHECK_EQ(pst_suit_envelope_decode(x, &a, NULL), PST_OK);
			CHECK_EQ(pst_suit_envelope_decode(y, &b, NULL), PST_OK);
			if (pst_equal(a.manifest_bstr, b.manifest_bstr))
				continue;
			pst_cbor_writer_init(&w, out, sizeof(out));
			pst_cbor_put_map(&w, 2);
			pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
			mark = pst_cbor_wrap_begin(&w);
			pst_cbor_put_array(&w, a.blocks.count + 1);
			pst_cbor_put_bstr(&w, a.digest_content);
			pst_cbor_put_raw(&w, a.blocks.items);
			pst_cbor_wrap_bstr(&w, mark);
			pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
			pst_cbor_put_raw(&w, b.manifest_bstr);
			got = run(pst_cbor_written(&w));
			CHECK(!got.ran);
			CHECK_EQ(got.err, PST_ERR_SUIT_DIGEST);
		}
	}
}

static void
set_up(void)
{
	static const char *const files[] = { "keys/signer.cose_key",
		"keys/author.cose_key", "keys/signer-p256.cose_key" };
	uint8_t buf[CAP];
	struct pst_key key;
	size_t i;

	for (i = 0; i < SIGNERS; i++) {
		CHECK_EQ(
		    pst_key_parse(vector(files[i], buf), &key, NULL), PST_OK);
		signers[i] = key.pub;
	}
	CHECK_EQ(pst_key_parse(vector("keys/device.cose_key", buf), &key, NULL),
	    PST_OK);
	CHECK_EQ(pst_openssl_add(fixture()->port, &key, &device_key), PST_OK);
	pst_key_wipe(&key);
}

int
main(void)
{
	RUN(set_up);
	RUN(a_changed_byte_of_the_signed_part_is_refused_before_any_command);
	RUN(what_is_added_without_a_signature_is_refused_or_inert);
	RUN(a_member_that_was_taken_out_is_missed_or_not_needed);
	RUN(blocks_of_nobody_are_refused_or_inert);
	RUN(a_signature_is_of_one_manifest);
	TEST_END();
}
