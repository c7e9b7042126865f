/*
 * Submodules, nested tokens and Detached EAT Bundles (RFC 9711, Sections
 * 4.2.18 and 5), made here and read again.
 */
#include <postern/eat_modules.h>
#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"

static const struct pst_bytes none = { NULL, 0 };
static const struct pst_crypto *crypto;
static struct pst_openssl *port;

/* Two devices' keys; `known` is how many of them a reader is given. */
static struct pst_pubkey pubs[2];
static struct pst_signer signers[2];
static size_t known;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt >= known)
		return PST_ERR_NOT_FOUND;
	*key = pubs[attempt];
	*who = (uint32_t)attempt;
	return PST_OK;
}

static const struct pst_keys keys = { .find = find };

struct buffer {
	uint8_t bytes[8192];
	size_t len;
};

static struct pst_bytes
bytes(const struct buffer *b)
{
	return (struct pst_bytes){ b->bytes, b->len };
}

/* Claims with an exp of n and these submodules. */
static void
claims(struct buffer *out, uint64_t n, const struct pst_eat_module *m,
    size_t count)
{
	struct pst_cbor_writer w, list;
	struct pst_eat e;
	uint8_t pairs[6000];
	size_t i;

	memset(&e, 0, sizeof(e));
	e.has_exp = true;
	e.exp = n;
	pst_cbor_writer_init(&list, pairs, sizeof(pairs));
	for (i = 0; i < count; i++)
		pst_eat_module_put(&list, &m[i]);
	e.submods = (struct pst_list){ pst_cbor_written(&list), 2 * count };
	pst_cbor_writer_init(&w, out->bytes, sizeof(out->bytes));
	pst_eat_encode(&w, &e);
	out->len = pst_cbor_written(&w).len;
}

/* A COSE_Sign1 by one of the keys, with CWT's tag or without. */
static void
sign(struct buffer *out, const struct buffer *payload, size_t by, bool tag)
{
	struct pst_cose_sign_args args;
	struct pst_cbor_writer w;

	memset(&args, 0, sizeof(args));
	args.payload = bytes(payload);
	args.signers = &signers[by];
	args.count = 1;
	pst_cbor_writer_init(&w, out->bytes, sizeof(out->bytes));
	if (tag)
		pst_cbor_put_tag(&w, PST_TAG_CWT);
	if (pst_cose_sign1(&w, crypto, &args) != PST_OK)
		abort();
	out->len = w.len;
}

static struct pst_eat_module
module(const char *name, enum pst_eat_module_kind kind, struct pst_bytes b)
{
	struct pst_eat_module m = { { (const uint8_t *)name, strlen(name) },
		kind, b, 0 };

	return m;
}

/* The digest of claims as a submodule, into buf. */
static struct pst_eat_module
digest(const char *name, int32_t alg, const struct buffer *set,
    uint8_t buf[PST_DIGEST_MAX])
{
	struct pst_eat_module m = module(name, PST_EAT_MODULE_DIGEST, none);
	struct pst_bytes in = bytes(set);

	m.alg = alg;
	if (crypto->digest(crypto->ctx, alg, &in, 1, buf, &m.bytes.len) !=
	    PST_OK)
		abort();
	m.bytes.ptr = buf;
	return m;
}

/* A bundle of one token and one set. */
static void
bundle_of(struct buffer *out, const struct buffer *token, const char *name,
    const struct buffer *set)
{
	struct pst_eat_module m =
	    module(name, PST_EAT_MODULE_TOKEN, bytes(set));
	struct pst_eat_bundle b = { bytes(token), { none, 2 } };
	struct pst_cbor_writer w, list;
	uint8_t pairs[4096];

	pst_cbor_writer_init(&list, pairs, sizeof(pairs));
	pst_eat_module_put(&list, &m);
	b.sets.items = pst_cbor_written(&list);
	pst_cbor_writer_init(&w, out->bytes, sizeof(out->bytes));
	pst_eat_bundle_put(&w, &b);
	out->len = pst_cbor_written(&w).len;
}

static struct pst_eat_tree tree;
static struct pst_eat_fault fault;

static enum pst_err
read_claims(const struct buffer *b)
{
	struct pst_verified v = pst_verified_by_caller(bytes(b));

	return pst_eat_tree_read(&v, NULL, crypto, &keys, &tree, &fault);
}

/* As a caller does: the token's own signature first. */
static enum pst_err
read_bundle(struct pst_bytes in)
{
	struct pst_eat_bundle b;
	struct pst_cose_message msg;
	struct pst_verified v;
	enum pst_err err = pst_eat_bundle_decode(in, &b, NULL);

	memset(&tree, 0, sizeof(tree));
	if (err == PST_OK)
		err = pst_cose_parse(b.token, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK)
		err = pst_cose_verify(&msg, crypto, &keys, none, &v);
	if (err == PST_OK)
		err = pst_eat_tree_read(&v, &b, crypto, &keys, &tree, &fault);
	return err;
}

static bool
is(struct pst_bytes b, const char *text)
{
	return pst_equal(
	    b, (struct pst_bytes){ (const uint8_t *)text, strlen(text) });
}

static void
claims_sets_are_read_with_their_paths(void)
{
	struct buffer leaf, inner, outer;
	struct pst_eat_module m[2];
	uint8_t path[64];
	size_t n;

	claims(&leaf, 3, NULL, 0);
	m[0] = module("leaf", PST_EAT_MODULE_CLAIMS, bytes(&leaf));
	claims(&inner, 2, m, 1);
	m[0] = module("OS", PST_EAT_MODULE_CLAIMS, bytes(&inner));
	m[1] = module("other", PST_EAT_MODULE_CLAIMS, bytes(&leaf));
	claims(&outer, 1, m, 2);
	CHECK_EQ(read_claims(&outer), PST_OK);
	CHECK_EQ(tree.count, 4);
	CHECK(tree.node[0].claims.exp == 1 && tree.node[1].claims.exp == 2);
	CHECK(tree.node[2].claims.exp == 3 && tree.node[3].claims.exp == 3);
	CHECK(is(tree.node[2].name, "other"));
	CHECK(tree.node[3].parent == 1 && tree.node[3].depth == 2);
	CHECK(tree.node[3].token == 0);
	n = pst_eat_tree_path(&tree, 3, path, sizeof(path));
	CHECK(is((struct pst_bytes){ path, n }, "OS/leaf/"));
	CHECK_EQ(pst_eat_tree_path(&tree, 0, path, sizeof(path)), 0);
	CHECK_EQ(pst_eat_tree_path(&tree, 3, path, 7), 0);
	CHECK_EQ(pst_eat_tree_path(&tree, 3, path, 8), 8);
}

static void
nested_tokens_verify_by_a_key_of_their_own(void)
{
	struct buffer inner, token, outer;
	struct pst_eat_module m;

	claims(&inner, 2, NULL, 0);
	sign(&token, &inner, 1, true);
	m = module("SE", PST_EAT_MODULE_TOKEN, bytes(&token));
	claims(&outer, 1, &m, 1);
	known = 2;
	CHECK_EQ(read_claims(&outer), PST_OK);
	CHECK_EQ(tree.count, 2);
	CHECK(tree.node[1].token == 1 && tree.node[1].who == 1);
	CHECK(pst_pubkey_equal(&tree.node[1].key, &pubs[1]));
	CHECK_EQ(tree.node[1].claims.exp, 2);
	/* By nobody who is known. */
	known = 1;
	CHECK_EQ(read_claims(&outer), PST_ERR_COSE_SIGNATURE);
	CHECK(fault.signature && is(fault.module, "SE"));
	CHECK_EQ(tree.count, 0);
	known = 0;
	CHECK_EQ(read_claims(&outer), PST_ERR_COSE_KEY);
	known = 2;
	/* One bit of its claims. */
	token.bytes[token.len - 70] ^= 1;
	claims(&outer, 1, &m, 1);
	CHECK(read_claims(&outer) != PST_OK);
}

static void
what_is_no_signed_cbor_token_is_refused(void)
{
	static const char ucss[] = "\xd9\x02\x59\xa1\x04\x02";
	struct buffer inner, token, outer;
	struct pst_eat_module m;

	known = 2;
	/* Without a tag it is not said what it is. */
	claims(&inner, 2, NULL, 0);
	sign(&token, &inner, 1, false);
	m = module("SE", PST_EAT_MODULE_TOKEN, bytes(&token));
	claims(&outer, 1, &m, 1);
	CHECK_EQ(read_claims(&outer), PST_ERR_UNSUPPORTED);
	m.bytes = (struct pst_bytes){ (const uint8_t *)ucss, sizeof(ucss) - 1 };
	claims(&outer, 1, &m, 1);
	CHECK_EQ(read_claims(&outer), PST_ERR_UNSUPPORTED);
	m = module("J", PST_EAT_MODULE_JSON, PST_BYTES_LIT("[\"JWT\",\"x\"]"));
	claims(&outer, 1, &m, 1);
	CHECK_EQ(read_claims(&outer), PST_ERR_UNSUPPORTED);
	CHECK(is(fault.module, "J"));
	/* A claim of the wrong type inside. */
	m = module(
	    "OS", PST_EAT_MODULE_CLAIMS, PST_BYTES_LIT("\xa1\x19\x01\x07\x05"));
	claims(&outer, 1, &m, 1);
	CHECK_EQ(read_claims(&outer), PST_ERR_EAT_CLAIM);
	CHECK(is(fault.module, "OS") && !fault.signature);
}

static void
number_and_depth_are_bounded(void)
{
	struct buffer a, b;
	struct pst_eat_module m[PST_EAT_SUBMODS_MAX];
	char names[PST_EAT_SUBMODS_MAX][4];
	size_t i;

	claims(&a, 1, NULL, 0);
	for (i = 0; i < PST_EAT_SUBMODS_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "m%zu", i);
		m[i] = module(names[i], PST_EAT_MODULE_CLAIMS, bytes(&a));
	}
	claims(&b, 1, m, PST_EAT_SUBMODS_MAX);
	CHECK_EQ(read_claims(&b), PST_OK);
	CHECK_EQ(tree.count, PST_EAT_NODES_MAX);
	/* One more, a level below. */
	claims(&a, 1, m, 1);
	claims(&b, 1, NULL, 0);
	m[0].bytes = bytes(&b);
	claims(&a, 1, m, 1);
	for (i = 0; i < PST_EAT_SUBMODS_MAX; i++)
		m[i].bytes = bytes(&a);
	claims(&b, 1, m, PST_EAT_SUBMODS_MAX);
	CHECK_EQ(read_claims(&b), PST_ERR_LIMIT);
	claims(&a, 1, NULL, 0);
	for (i = 0; i < PST_EAT_DEPTH_MAX; i++) {
		m[0].bytes = bytes(&a);
		claims(&b, 1, m, 1);
		a = b;
	}
	/* Each level is two maps: the reader's depth is the tighter bound. */
	CHECK(read_claims(&a) == PST_OK || fault.at < a.len);
	m[0].bytes = bytes(&a);
	claims(&b, 1, m, 1);
	CHECK(read_claims(&b) != PST_OK);
	CHECK_EQ(tree.count, 0);
}

static void
detached_claims_have_the_digest_that_is_signed(void)
{
	static const int32_t algs[] = { PST_ALG_SHA256, PST_ALG_SHA384,
		PST_ALG_SHA512 };
	struct buffer set, main_claims, token, b;
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_eat_module m;
	size_t i;

	known = 1;
	claims(&set, 5, NULL, 0);
	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		m = digest("TEE", algs[i], &set, buf);
		claims(&main_claims, 1, &m, 1);
		sign(&token, &main_claims, 0, false);
		bundle_of(&b, &token, "TEE", &set);
		CHECK(pst_eat_bundle_is(bytes(&b)));
		CHECK_EQ(read_bundle(bytes(&b)), PST_OK);
		CHECK_EQ(tree.count, 2);
		CHECK_EQ(tree.node[1].kind, PST_EAT_MODULE_DETACHED);
		CHECK(tree.node[1].claims.exp == 5 && tree.node[1].token == 0);
	}
	/* Without its tag as well. */
	CHECK_EQ(
	    read_bundle((struct pst_bytes){ b.bytes + 3, b.len - 3 }), PST_OK);
	/* Other claims, and claims that no digest speaks of. */
	claims(&set, 6, NULL, 0);
	bundle_of(&b, &token, "TEE", &set);
	CHECK_EQ(read_bundle(bytes(&b)), PST_ERR_EAT_DIGEST);
	CHECK(is(fault.module, "TEE"));
	CHECK_EQ(tree.count, 0);
	bundle_of(&b, &token, "tee", &set);
	CHECK_EQ(read_bundle(bytes(&b)), PST_ERR_EAT_DIGEST);
	/* Signed by nobody who is known. */
	known = 0;
	CHECK_EQ(read_bundle(bytes(&b)), PST_ERR_COSE_KEY);
}

static void
a_digest_may_be_alone(void)
{
	struct buffer set, main_claims;
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_eat_module m;

	claims(&set, 5, NULL, 0);
	m = digest("TEE", PST_ALG_SHA256, &set, buf);
	claims(&main_claims, 1, &m, 1);
	CHECK_EQ(read_claims(&main_claims), PST_OK);
	CHECK_EQ(tree.node[1].kind, PST_EAT_MODULE_DIGEST);
	CHECK(pst_equal(tree.node[1].digest, m.bytes));
	CHECK(!tree.node[1].claims.has_exp);
}

static void
the_hash_may_be_named_by_text(void)
{
	static const char text[] = "\xa1\x19\x01\x0a\xa1\x61"
				   "a\x82\x67SHA-256\x41\x01";
	struct pst_verified v = pst_verified_by_caller(
	    (struct pst_bytes){ (const uint8_t *)text, sizeof(text) - 1 });
	struct pst_eat_module m;
	struct pst_eat e;

	CHECK_EQ(pst_eat_decode(&v, &e, NULL), PST_OK);
	CHECK(pst_eat_module_next(&e.submods, &m));
	CHECK(m.kind == PST_EAT_MODULE_DIGEST && m.alg == PST_ALG_SHA256);
	CHECK(!pst_eat_module_next(&e.submods, &m));
}

static void
a_bundle_may_be_nested_but_not_in_a_bundle(void)
{
	struct buffer set, inner, token, b, outer, top;
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_eat_module m;
	struct pst_eat_bundle taken;
	struct pst_cbor_writer w;

	known = 2;
	claims(&set, 5, NULL, 0);
	m = digest("TEE", PST_ALG_SHA256, &set, buf);
	claims(&inner, 2, &m, 1);
	sign(&token, &inner, 1, false);
	bundle_of(&b, &token, "TEE", &set);
	m = module("SE", PST_EAT_MODULE_TOKEN, bytes(&b));
	claims(&outer, 1, &m, 1);
	CHECK_EQ(read_claims(&outer), PST_OK);
	CHECK_EQ(tree.count, 3);
	CHECK(tree.node[2].kind == PST_EAT_MODULE_DETACHED);
	CHECK(tree.node[2].token == 1 && tree.node[2].claims.exp == 5);
	known = 1;
	CHECK_EQ(read_claims(&outer), PST_ERR_COSE_SIGNATURE);
	/* [bstr .cbor bundle, {"TEE": set}] */
	pst_cbor_writer_init(&w, top.bytes, sizeof(top.bytes));
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_bstr(&w, bytes(&b));
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("TEE"));
	pst_cbor_put_bstr(&w, bytes(&set));
	CHECK_EQ(pst_eat_bundle_decode(pst_cbor_written(&w), &taken, NULL),
	    PST_ERR_UNSUPPORTED);
	CHECK(taken.token.len == 0 && taken.sets.count == 0);
}

static void
a_bundle_of_nothing_is_refused(void)
{
	static const struct {
		enum pst_err err;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ PST_ERR_CBOR_RANGE, "\x81\x41\x00", 3 },
		{ PST_ERR_UNSUPPORTED, "\x82\x61j\xa1\x61t\x41\xa0", 8 },
		{ PST_ERR_UNSUPPORTED, "\x82\x41\x80\xa1\x61t\x41\xa0", 8 },
		{ PST_ERR_CBOR_RANGE, "\x82\x43\xd8\x3d\x80\xa0", 6 },
		{ PST_ERR_CBOR_TYPE, "\x82\x43\xd8\x3d\x80\xa1\x01\x41\xa0",
		    9 },
		{ PST_ERR_CBOR_TYPE, "\x82\x43\xd8\x3d\x80\xa1\x61t\xa0", 9 },
		{ PST_ERR_CBOR_DUPLICATE,
		    "\x82\x43\xd8\x3d\x80\xa2\x61t\x41\xa0\x61t\x41\xa0", 14 },
		{ PST_ERR_CBOR_INDEFINITE,
		    "\x82\x43\xd8\x3d\x80\xbf\x61t\x41\xa0\xff", 11 },
		{ PST_ERR_CBOR_TRAILING,
		    "\x82\x43\xd8\x3d\x80\xa1\x61t\x41\xa0\x00", 11 },
	};
	struct pst_eat_bundle b;
	size_t i, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(pst_eat_bundle_decode(
			     (struct pst_bytes){
				 (const uint8_t *)rows[i].bytes, rows[i].len },
			     &b, &at),
		    rows[i].err);
		CHECK(at <= rows[i].len && b.sets.count == 0);
	}
}

/* A bundle with a nested token and a claims-set in it. */
static void
everything(struct buffer *out)
{
	struct buffer set, leaf, inner, nested, main_claims, token;
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_eat_module m[3];

	claims(&leaf, 7, NULL, 0);
	claims(&inner, 2, NULL, 0);
	sign(&nested, &inner, 1, true);
	m[0] = module("leaf", PST_EAT_MODULE_CLAIMS, bytes(&leaf));
	claims(&set, 5, m, 1);
	m[0] = module("OS", PST_EAT_MODULE_CLAIMS, bytes(&leaf));
	m[1] = module("SE", PST_EAT_MODULE_TOKEN, bytes(&nested));
	m[2] = digest("TEE", PST_ALG_SHA256, &set, buf);
	claims(&main_claims, 1, m, 3);
	sign(&token, &main_claims, 0, false);
	bundle_of(out, &token, "TEE", &set);
}

/* On bytes of exactly that length. */
static enum pst_err
read_copy(const uint8_t *b, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	enum pst_err err;

	if (copy == NULL)
		abort();
	memcpy(copy, b, len);
	err = read_bundle((struct pst_bytes){ copy, len });
	free(copy);
	return err;
}

static void
every_truncation_and_every_flipped_byte_is_refused(void)
{
	struct buffer b;
	size_t n, accepted = 0;
	int mask;

	known = 2;
	everything(&b);
	CHECK_EQ(read_copy(b.bytes, b.len), PST_OK);
	CHECK_EQ(tree.count, 5);
	for (n = 0; n < b.len; n++) {
		CHECK(read_copy(b.bytes, n) != PST_OK);
		CHECK_EQ(tree.count, 0);
	}
	for (n = 0; n < b.len; n++) {
		bool good = false;

		for (mask = 1; mask < 256; mask = mask * 3 + 1) {
			b.bytes[n] = (uint8_t)(b.bytes[n] ^ mask);
			good = good || read_copy(b.bytes, b.len) == PST_OK;
			b.bytes[n] = (uint8_t)(b.bytes[n] ^ mask);
		}
		accepted += good;
	}
	/* The kid is not signed; which key it was, the signature says. */
	CHECK(accepted <= PST_KID_MAX);
}

int
main(void)
{
	struct pst_key key;
	uint32_t number;
	size_t i;

	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	for (i = 0; i < 2; i++) {
		if (pst_key_generate(PST_ALG_ESP256, &key) != PST_OK ||
		    pst_openssl_add(port, &key, &number) != PST_OK ||
		    pst_openssl_signer(port, number, 0, &signers[i]) != PST_OK)
			return 1;
		pubs[i] = key.pub;
	}
	RUN(claims_sets_are_read_with_their_paths);
	RUN(nested_tokens_verify_by_a_key_of_their_own);
	RUN(what_is_no_signed_cbor_token_is_refused);
	RUN(number_and_depth_are_bounded);
	RUN(detached_claims_have_the_digest_that_is_signed);
	RUN(a_digest_may_be_alone);
	RUN(the_hash_may_be_named_by_text);
	RUN(a_bundle_may_be_nested_but_not_in_a_bundle);
	RUN(a_bundle_of_nothing_is_refused);
	RUN(every_truncation_and_every_flipped_byte_is_refused);
	pst_openssl_free(&port);
	TEST_END();
}
