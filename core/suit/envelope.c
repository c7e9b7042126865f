/*
 * SUIT_Digest, SUIT_Component_Identifier and the envelope
 * (draft-ietf-suit-manifest, Sections 8.2, 8.3, 8.4.5.1, 10). Only shape is
 * judged here; nothing that this file returns is trusted.
 */
#include "suit_internal.h"

size_t
pst_suit_digest_len(int32_t alg)
{
	switch (alg) {
	case PST_ALG_SHA256:
	case PST_ALG_SHAKE128: /* 256 bits of output: RFC 9054, Section 3.3 */
		return 32;
	case PST_ALG_SHA384:
		return 48;
	case PST_ALG_SHA512:
	case PST_ALG_SHAKE256:
		return 64;
	default:
		return 0;
	}
}

struct pst_suit_digest
pst_suit_digest_read(struct pst_cbor_reader *r)
{
	struct pst_suit_digest d = { 0, { NULL, 0 } };
	size_t start = r->at;
	size_t len;

	/* None of the algorithms in use has parameters after the bytes. */
	(void)pst_cbor_array(r, 2, 2);
	d.alg = (int32_t)pst_cbor_int(r, INT32_MIN, INT32_MAX);
	len = pst_suit_digest_len(d.alg);
	if (pst_cbor_ok(r) && len == 0) {
		r->at = start;
		pst_cbor_fail(r, PST_ERR_COSE_ALG);
	}
	d.bytes = pst_cbor_bstr(r, len, len);
	if (!pst_cbor_ok(r))
		d.alg = 0;
	return d;
}

void
pst_suit_digest_put(struct pst_cbor_writer *w, const struct pst_suit_digest *d)
{
	pst_cbor_put_array(w, 2);
	pst_cbor_put_int(w, d->alg);
	pst_cbor_put_bstr(w, d->bytes);
}

enum pst_err
pst_suit_digest_check(const struct pst_crypto *crypto,
    const struct pst_suit_digest *digest, struct pst_bytes what)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_bytes got = { out, 0 };
	enum pst_err err;

	err = crypto->digest(crypto->ctx, digest->alg, &what, 1, out, &got.len);
	if (err != PST_OK)
		return err;
	return pst_equal(got, digest->bytes) ? PST_OK : PST_ERR_SUIT_DIGEST;
}

bool
pst_component_id_valid(struct pst_bytes encoded)
{
	struct pst_cbor_reader r;
	size_t n;

	if (encoded.len > PST_SUIT_ID_MAX)
		return false;
	pst_cbor_reader_init(&r, encoded);
	n = pst_cbor_array(&r, 1, PST_SUIT_ID_PARTS_MAX);
	while (n-- > 0)
		(void)pst_cbor_bstr(&r, 0, PST_SUIT_ID_MAX);
	return pst_cbor_end(&r) == PST_OK;
}

/* The elements of an encoded identifier; an empty list when it is none. */
static struct pst_list
parts(struct pst_bytes id)
{
	struct pst_cbor_reader r;
	struct pst_list list = { { NULL, 0 }, 0 };

	if (!pst_component_id_valid(id))
		return list;
	pst_cbor_reader_init(&r, id);
	return pst_cbor_list(&r, 1, PST_SUIT_ID_PARTS_MAX);
}

bool
pst_component_id_under(struct pst_bytes id, struct pst_bytes prefix)
{
	struct pst_list a = parts(id);
	struct pst_list b = parts(prefix);

	/* Whole elements are encoded one after another, each with its length,
	 * so equal bytes mean equal elements. */
	if (a.count == 0 || b.count == 0 || b.count > a.count ||
	    b.items.len > a.items.len)
		return false;
	a.items.len = b.items.len;
	return pst_same(a.items, b.items);
}

static bool
is_text(struct pst_bytes key)
{
	return key.len > 0 && key.ptr[0] >> 5 == PST_CBOR_TSTR;
}

/* A reader of the content of a bstr that goes on counting offsets in r. */
static struct pst_cbor_reader
inside(struct pst_cbor_reader *r, struct pst_bytes content)
{
	struct pst_cbor_reader in = *r;

	if (!pst_cbor_ok(r))
		return in;
	in.at = (size_t)(content.ptr - r->in.ptr);
	in.in.len = in.at + content.len;
	return in;
}

/* SUIT_Authentication: a digest and 0.. authentication blocks. */
static void
authentication(struct pst_cbor_reader *r, struct pst_suit_envelope *env)
{
	struct pst_cbor_reader digest;
	size_t n = pst_cbor_array(r, 1, SIZE_MAX);
	size_t i, first;

	n = pst_suit_at_most(r, n, 1 + PST_SUIT_AUTH_MAX, PST_ERR_LIMIT);
	env->digest_content = pst_cbor_bstr(r, 1, SIZE_MAX);
	if (!pst_cbor_ok(r))
		return;
	digest = inside(r, env->digest_content);
	env->digest = pst_suit_digest_read(&digest);
	if (pst_cbor_end(&digest) != PST_OK) {
		r->at = digest.at;
		pst_cbor_fail(r, digest.err);
		return;
	}
	first = r->at;
	for (i = 1; i < n; i++)
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
	env->blocks.items.ptr = r->in.ptr + first;
	env->blocks.items.len = r->at - first;
	env->blocks.count = pst_cbor_ok(r) ? n - 1 : 0;
}

static void
wrapper(struct pst_cbor_reader *r, struct pst_suit_envelope *env)
{
	struct pst_bytes content = pst_cbor_bstr(r, 1, SIZE_MAX);
	struct pst_cbor_reader in = inside(r, content);

	if (env->manifest_bstr.len > 0) {
		/* Section 8.3: the wrapper MUST come before the manifest. */
		pst_cbor_fail(r, PST_ERR_SUIT_STRUCTURE);
		return;
	}
	authentication(&in, env);
	if (pst_cbor_end(&in) == PST_OK)
		return;
	r->at = in.at;
	pst_cbor_fail(r, in.err);
}

static void
member(struct pst_cbor_reader *r, struct pst_cbor_seen *seen,
    struct pst_suit_envelope *env)
{
	size_t start = r->at;
	int64_t label = pst_cbor_key(r, seen);
	size_t value = r->at;

	if (!pst_cbor_ok(r))
		return;
	if (label == PST_SUIT_AUTHENTICATION) {
		wrapper(r, env);
	} else if (label == PST_SUIT_MANIFEST) {
		(void)pst_cbor_bstr(r, 1, SIZE_MAX);
		env->manifest_bstr.ptr = r->in.ptr + value;
		env->manifest_bstr.len = r->at - value;
	} else if (pst_suit_bit(label) & PST_SUIT_SEVERABLE ||
	    is_text(seen->key)) {
		(void)pst_suit_at_most(
		    r, seen->key.len, PST_SUIT_URI_MAX + 3, PST_ERR_LIMIT);
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
	} else {
		/* What nobody could have signed for is not carried along. */
		r->at = start;
		pst_cbor_fail(r, PST_ERR_SUIT_STRUCTURE);
	}
}

enum pst_err
pst_suit_envelope_decode(
    struct pst_bytes in, struct pst_suit_envelope *out, size_t *at)
{
	struct pst_suit_envelope env;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err;
	size_t n;

	memset(&env, 0, sizeof(env));
	pst_cbor_reader_init(&r, in);
	/* Offsets are kept in 32 bits. */
	if (in.len > UINT32_MAX)
		pst_cbor_fail(&r, PST_ERR_LIMIT);
	(void)pst_cbor_tag_optional(&r, PST_TAG_SUIT_ENVELOPE);
	n = pst_cbor_map(&r, SIZE_MAX, &seen);
	n = pst_suit_at_most(&r, n, PST_SUIT_MEMBERS_MAX, PST_ERR_LIMIT);
	env.member_count = (uint32_t)n;
	env.members_at = (uint32_t)r.at;
	while (n-- > 0 && pst_cbor_ok(&r))
		member(&r, &seen, &env);
	if (pst_cbor_ok(&r) &&
	    (env.digest.alg == 0 || env.manifest_bstr.len == 0))
		pst_cbor_fail(&r, PST_ERR_SUIT_STRUCTURE);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	if (err != PST_OK)
		return err;
	/* Not before: of no bytes at all there is no pointer to add to. */
	env.members.ptr = in.ptr + env.members_at;
	env.members.len = r.at - env.members_at;
	*out = env;
	return PST_OK;
}

bool
pst_suit_member(
    const struct pst_suit_envelope *env, int64_t label, struct pst_bytes *item)
{
	struct pst_cbor_reader r;
	size_t n = env->member_count;

	pst_cbor_reader_init(&r, env->members);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		enum pst_cbor_type type = pst_cbor_peek(&r);
		bool found = type == PST_CBOR_UINT &&
		    pst_cbor_int(&r, 0, INT64_MAX) == label;

		if (type != PST_CBOR_UINT)
			pst_cbor_skip(&r);
		*item = pst_cbor_item(&r);
		if (found)
			return pst_cbor_ok(&r);
	}
	return false;
}

bool
pst_suit_integrated(const struct pst_suit_envelope *env, struct pst_bytes uri,
    struct pst_bytes *payload)
{
	struct pst_cbor_reader r;
	struct pst_bytes name, value;
	size_t n = env->member_count;

	pst_cbor_reader_init(&r, env->members);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		if (pst_cbor_peek(&r) != PST_CBOR_TSTR) {
			pst_cbor_skip(&r);
			pst_cbor_skip(&r);
			continue;
		}
		name = pst_cbor_tstr(&r, 0, SIZE_MAX);
		value = pst_cbor_bstr(&r, 0, SIZE_MAX);
		if (!pst_cbor_ok(&r) || !pst_same(name, uri))
			continue;
		*payload = value;
		return true;
	}
	return false;
}
