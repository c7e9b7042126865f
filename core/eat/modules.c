/*
 * Submodules, nested tokens and Detached EAT Bundles (RFC 9711, Sections
 * 4.2.18 and 5).
 *
 * The nodes of a tree are the queue that it is read with: each is looked
 * through once for submodules, which are appended. So a parent stands before
 * its children, and neither depth nor number costs stack.
 */
#include <postern/eat_modules.h>

#include "../pst_internal.h"

/* --- one submodule ------------------------------------------------------ */

enum { HASH_NAME_LEN = 7 }; /* of the three */

/* "Either the integer or string identifier may be used", of COSE's registry. */
static int32_t
hash_alg(struct pst_cbor_reader *r)
{
	static const struct {
		uint8_t name[HASH_NAME_LEN + 1];
		int32_t alg;
	} known[] = { { "SHA-256", PST_ALG_SHA256 },
		{ "SHA-384", PST_ALG_SHA384 }, { "SHA-512", PST_ALG_SHA512 } };
	struct pst_bytes name = { NULL, 0 };
	int32_t alg = PST_ALG_NONE;
	size_t i;

	if (pst_cbor_peek(r) == PST_CBOR_TSTR)
		name = pst_cbor_tstr(r, 1, SIZE_MAX);
	else
		alg = (int32_t)pst_cbor_int(r, INT32_MIN, INT32_MAX);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (alg == known[i].alg ||
		    pst_same(name,
			(struct pst_bytes){ known[i].name, HASH_NAME_LEN }))
			return known[i].alg;
	return PST_ALG_NONE;
}

static void
module_value(struct pst_bytes value, struct pst_eat_module *out)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, value);
	switch (pst_cbor_peek(&r)) {
	case PST_CBOR_MAP:
		out->kind = PST_EAT_MODULE_CLAIMS;
		out->bytes = value;
		break;
	case PST_CBOR_BSTR:
		out->kind = PST_EAT_MODULE_TOKEN;
		out->bytes = pst_cbor_bstr(&r, 1, SIZE_MAX);
		break;
	case PST_CBOR_TSTR:
		out->kind = PST_EAT_MODULE_JSON;
		out->bytes = pst_cbor_tstr(&r, 1, SIZE_MAX);
		break;
	default:
		out->kind = PST_EAT_MODULE_DIGEST;
		(void)pst_cbor_array(&r, 2, 2);
		out->alg = hash_alg(&r);
		out->bytes = pst_cbor_bstr(&r, 1, PST_DIGEST_MAX);
	}
}

/* The next name and its value; both were checked when they were listed. */
static bool
next_pair(struct pst_list *list, struct pst_bytes *name, struct pst_bytes *item)
{
	struct pst_cbor_reader r;
	struct pst_bytes label;

	if (!pst_list_next(list, &label) || !pst_list_next(list, item))
		return false;
	pst_cbor_reader_init(&r, label);
	*name = pst_cbor_tstr(&r, 1, PST_EAT_MODULE_NAME_MAX);
	return true;
}

bool
pst_eat_module_next(struct pst_list *submods, struct pst_eat_module *out)
{
	struct pst_bytes value;

	memset(out, 0, sizeof(*out));
	if (!next_pair(submods, &out->name, &value))
		return false;
	module_value(value, out);
	return true;
}

void
pst_eat_module_put(struct pst_cbor_writer *w, const struct pst_eat_module *m)
{
	pst_cbor_put_tstr(w, m->name);
	switch (m->kind) {
	case PST_EAT_MODULE_TOKEN:
		pst_cbor_put_bstr(w, m->bytes);
		break;
	case PST_EAT_MODULE_JSON:
		pst_cbor_put_tstr(w, m->bytes);
		break;
	case PST_EAT_MODULE_DIGEST:
		pst_cbor_put_array(w, 2);
		pst_cbor_put_int(w, m->alg);
		pst_cbor_put_bstr(w, m->bytes);
		break;
	default:
		pst_cbor_put_raw(w, m->bytes);
	}
}

/* --- bundles ------------------------------------------------------------ */

static bool
next_is_tag(struct pst_bytes in, uint64_t tag)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, in);
	return pst_cbor_tag_optional(&r, tag);
}

struct pst_bytes
pst_eat_without_tag(struct pst_bytes token)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, token);
	if (!pst_cbor_tag_optional(&r, PST_TAG_CWT))
		return token;
	return (struct pst_bytes){ token.ptr + r.at, token.len - r.at };
}

bool
pst_eat_bundle_is(struct pst_bytes in)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, in);
	return pst_cbor_tag_optional(&r, PST_TAG_EAT_BUNDLE) ||
	    pst_cbor_match(&r, PST_BYTES_LIT("\x82"));
}

/* {+ tstr => bstr .cbor Claims-Set} */
static struct pst_list
detached_sets(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	struct pst_cbor_reader name;
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PST_EAT_SUBMODS_MAX, &seen);
	size_t start = r->at, i;

	if (n == 0)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		(void)pst_cbor_key(r, &seen);
		pst_cbor_reader_init(&name, seen.key);
		(void)pst_cbor_tstr(&name, 1, PST_EAT_MODULE_NAME_MAX);
		if (!pst_cbor_ok(&name))
			pst_cbor_fail(r, name.err);
		(void)pst_cbor_bstr(r, 1, SIZE_MAX);
	}
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = 2 * n;
	return out;
}

/* Section 5: "MAY be a CWT, or JWT …, but MUST NOT be a detached EAT bundle".
 * The tag is what tells them apart. */
static struct pst_bytes
main_token(struct pst_cbor_reader *r)
{
	struct pst_bytes token;

	if (pst_cbor_peek(r) == PST_CBOR_TSTR)
		pst_cbor_fail(r, PST_ERR_UNSUPPORTED);
	token = pst_cbor_bstr(r, 1, SIZE_MAX);
	if (pst_cbor_ok(r) && !next_is_tag(token, PST_TAG_CWT))
		pst_cbor_fail(r, PST_ERR_UNSUPPORTED);
	return pst_eat_without_tag(token);
}

enum pst_err
pst_eat_bundle_decode(
    struct pst_bytes in, struct pst_eat_bundle *out, size_t *at)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, in);
	(void)pst_cbor_tag_optional(&r, PST_TAG_EAT_BUNDLE);
	(void)pst_cbor_array(&r, 2, 2);
	out->token = main_token(&r);
	out->sets = detached_sets(&r);
	err = pst_cbor_end(&r);
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	if (at != NULL)
		*at = r.at;
	return err;
}

void
pst_eat_bundle_put(
    struct pst_cbor_writer *w, const struct pst_eat_bundle *bundle)
{
	size_t mark;

	pst_cbor_put_tag(w, PST_TAG_EAT_BUNDLE);
	pst_cbor_put_array(w, 2);
	mark = pst_cbor_wrap_begin(w);
	pst_cbor_put_tag(w, PST_TAG_CWT);
	pst_cbor_put_raw(w, bundle->token);
	pst_cbor_wrap_bstr(w, mark);
	pst_cbor_put_map(w, bundle->sets.count / 2);
	pst_cbor_put_raw(w, bundle->sets.items);
}

/* --- trees -------------------------------------------------------------- */

struct build {
	const struct pst_crypto *crypto;
	const struct pst_keys *keys;
	struct pst_eat_tree *out;
	struct pst_eat_fault *fault;
};

/* Claims of a payload whose signature, or digest, was checked. */
static enum pst_err
read_claims(
    struct build *b, struct pst_eat_node *n, const struct pst_verified *payload)
{
	return pst_eat_decode(payload, &n->claims, &b->fault->at);
}

/* A nested token has a signer of its own: one, as every EAT here. */
static enum pst_err
read_token(struct build *b, struct pst_eat_node *n, struct pst_bytes token)
{
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	enum pst_err err = b->keys != NULL ? PST_OK : PST_ERR_COSE_KEY;

	b->fault->signature = true;
	if (err == PST_OK)
		err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, &b->fault->at);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		err = pst_cose_verify(
		    &msg, b->crypto, b->keys, no_aad, &verified);
	if (err != PST_OK)
		return err;
	b->fault->signature = false;
	n->key = verified.key;
	n->who = verified.who;
	return read_claims(b, n, &verified);
}

/* "Always determined by the CBOR tag encountered after the byte string
 * wrapping is removed": one without a tag is no token. */
static enum pst_err
nested_token(struct build *b, struct pst_eat_node *n, struct pst_bytes bytes)
{
	enum pst_err err;

	if (next_is_tag(bytes, PST_TAG_CWT))
		return read_token(b, n, pst_eat_without_tag(bytes));
	if (!next_is_tag(bytes, PST_TAG_EAT_BUNDLE))
		return PST_ERR_UNSUPPORTED;
	err = pst_eat_bundle_decode(bytes, &n->bundle, &b->fault->at);
	return err == PST_OK ? read_token(b, n, n->bundle.token) : err;
}

/* The claims-set of this name in a bundle. */
static bool
find_set(const struct pst_eat_bundle *bundle, struct pst_bytes name,
    struct pst_bytes *claims)
{
	struct pst_list rest = bundle->sets;
	struct pst_cbor_reader r;
	struct pst_bytes other, item;

	while (next_pair(&rest, &other, &item)) {
		if (!pst_same(other, name))
			continue;
		pst_cbor_reader_init(&r, item);
		*claims = pst_cbor_bstr(&r, 1, SIZE_MAX);
		return true;
	}
	return false;
}

/*
 * Section 4.2.18.2: "The input to the digest algorithm is directly the …
 * Claims-Set"; Section 5: they are associated by name. A digest whose claims
 * came another way, or not at all, is left as it is.
 */
static enum pst_err
detached(
    struct build *b, struct pst_eat_node *n, const struct pst_eat_module *m)
{
	const struct pst_eat_bundle *bundle = &b->out->node[n->token].bundle;
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 }, claims;
	struct pst_verified payload;
	enum pst_err err;

	n->digest = m->bytes;
	if (!find_set(bundle, m->name, &claims))
		return PST_OK;
	if (m->alg == PST_ALG_NONE)
		return PST_ERR_COSE_ALG;
	err = b->crypto->digest(
	    b->crypto->ctx, m->alg, &claims, 1, digest, &got.len);
	if (err == PST_OK && !pst_equal(got, m->bytes))
		err = PST_ERR_EAT_DIGEST;
	if (err != PST_OK)
		return err;
	n->kind = PST_EAT_MODULE_DETACHED;
	/* Its digest stands in a token that verified. */
	payload = pst_verified_by_caller(claims);
	return read_claims(b, n, &payload);
}

static enum pst_err
read_module(
    struct build *b, struct pst_eat_node *n, const struct pst_eat_module *m)
{
	struct pst_verified payload;

	switch (m->kind) {
	case PST_EAT_MODULE_CLAIMS:
		/* A part of claims that verified. */
		payload = pst_verified_by_caller(m->bytes);
		return read_claims(b, n, &payload);
	case PST_EAT_MODULE_TOKEN:
		return nested_token(b, n, m->bytes);
	case PST_EAT_MODULE_DIGEST:
		return detached(b, n, m);
	default:
		return PST_ERR_UNSUPPORTED;
	}
}

/* Append a submodule of node `parent` and read it. */
static enum pst_err
append(struct build *b, size_t parent, const struct pst_eat_module *m)
{
	struct pst_eat_tree *t = b->out;
	struct pst_eat_node *n;

	b->fault->module = m->name;
	b->fault->at = 0;
	if (t->count == PST_EAT_NODES_MAX ||
	    t->node[parent].depth == PST_EAT_DEPTH_MAX)
		return PST_ERR_LIMIT;
	n = &t->node[t->count];
	n->name = m->name;
	n->kind = m->kind;
	n->parent = parent;
	n->depth = t->node[parent].depth + 1;
	n->token =
	    m->kind == PST_EAT_MODULE_TOKEN ? t->count : t->node[parent].token;
	t->count++;
	return read_module(b, n, m);
}

/* Claims in a bundle that no digest speaks of are nobody's. */
static enum pst_err
all_sets_used(struct build *b, size_t token)
{
	struct pst_list rest = b->out->node[token].bundle.sets;
	struct pst_bytes name, item;
	size_t i;

	while (next_pair(&rest, &name, &item)) {
		for (i = 1; i < b->out->count; i++) {
			const struct pst_eat_node *n = &b->out->node[i];

			if (n->token == token &&
			    n->kind == PST_EAT_MODULE_DETACHED &&
			    pst_same(n->name, name))
				break;
		}
		b->fault->module = name;
		if (i == b->out->count)
			return PST_ERR_EAT_DIGEST;
	}
	return PST_OK;
}

static enum pst_err
build(struct build *b, const struct pst_verified *token)
{
	struct pst_eat_tree *t = b->out;
	struct pst_eat_module m;
	struct pst_list rest;
	enum pst_err err;
	size_t i;

	t->count = 1;
	t->node[0].kind = PST_EAT_MODULE_TOKEN;
	t->node[0].key = token->key;
	t->node[0].who = token->who;
	err = read_claims(b, &t->node[0], token);
	for (i = 0; i < t->count && err == PST_OK; i++) {
		rest = t->node[i].claims.submods;
		while (err == PST_OK && pst_eat_module_next(&rest, &m))
			err = append(b, i, &m);
	}
	for (i = 0; i < t->count && err == PST_OK; i++)
		err = all_sets_used(b, i);
	return err;
}

enum pst_err
pst_eat_tree_read(const struct pst_verified *token,
    const struct pst_eat_bundle *bundle, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_eat_tree *out,
    struct pst_eat_fault *fault)
{
	struct pst_eat_fault unused;
	struct build b = { crypto, keys, out, fault != NULL ? fault : &unused };
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	memset(b.fault, 0, sizeof(*b.fault));
	if (bundle != NULL)
		out->node[0].bundle = *bundle;
	err = build(&b, token);
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

size_t
pst_eat_tree_path(
    const struct pst_eat_tree *tree, size_t n, uint8_t *out, size_t cap)
{
	size_t i, end, len = 0;

	for (i = n; i > 0; i = tree->node[i].parent)
		len += tree->node[i].name.len + 1;
	if (len > cap)
		return 0;
	end = len;
	for (i = n; i > 0; i = tree->node[i].parent) {
		out[--end] = '/';
		end -= tree->node[i].name.len;
		pst_copy(out + end, tree->node[i].name);
	}
	return len;
}
