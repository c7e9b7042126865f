/*
 * An envelope from parts that are encoded already: for tools that make
 * manifests by their own rules, or make one again.
 */
#include <postern/suit_encode.h>

#include "suit_internal.h"

/* Bytewise order of encoded map keys (RFC 8949, Section 4.2.1). */
static bool
before(struct pst_bytes a, struct pst_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	return order < 0 || (order == 0 && a.len < b.len);
}

/* The pair whose key follows that of `last`; NULL after the last. */
static const struct pst_suit_pair *
after(const struct pst_suit_pair *pairs, size_t count,
    const struct pst_suit_pair *last)
{
	const struct pst_suit_pair *next = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if ((last == NULL || before(last->key, pairs[i].key)) &&
		    (next == NULL || before(pairs[i].key, next->key)))
			next = &pairs[i];
	}
	return next;
}

static size_t
put_pairs(
    struct pst_cbor_writer *w, const struct pst_suit_pair *pairs, size_t count)
{
	const struct pst_suit_pair *p = NULL;
	size_t n = 0;

	for (; (p = after(pairs, count, p)) != NULL; n++) {
		pst_cbor_put_raw(w, p->key);
		pst_cbor_put_raw(w, p->value);
	}
	return n;
}

enum pst_err
pst_suit_pairs_put(
    struct pst_cbor_writer *w, const struct pst_suit_pair *pairs, size_t count)
{
	size_t mark = w->len;
	size_t n = put_pairs(w, pairs, count);

	/* A key that occurs twice is written once. */
	if (n != count)
		return PST_ERR_CBOR_DUPLICATE;
	pst_cbor_wrap_map(w, mark, n);
	return w->err;
}

enum pst_err
pst_suit_digest_of(const struct pst_crypto *crypto, int32_t alg,
    struct pst_bytes item, uint8_t out[PST_DIGEST_MAX],
    struct pst_suit_digest *digest)
{
	digest->alg = alg;
	digest->bytes.ptr = out;
	return crypto->digest(
	    crypto->ctx, alg, &item, 1, out, &digest->bytes.len);
}

/* SUIT_Authentication with a digest that is known. */
static void
put_wrapper(struct pst_cbor_writer *w, const struct pst_suit_parts *parts,
    const struct pst_suit_digest *digest)
{
	size_t outer = pst_cbor_wrap_begin(w), inner, i;

	pst_cbor_put_array(w, 1 + parts->block_count);
	inner = pst_cbor_wrap_begin(w);
	pst_suit_digest_put(w, digest);
	pst_cbor_wrap_bstr(w, inner);
	for (i = 0; i < parts->block_count; i++)
		pst_cbor_put_bstr(w, parts->blocks[i]);
	pst_cbor_wrap_bstr(w, outer);
}

/*
 * The digest covers the manifest's head, which need not stand beside its
 * content; so it is hashed as two parts.
 */
static enum pst_err
manifest_digest(const struct pst_crypto *crypto,
    const struct pst_suit_parts *parts, uint8_t out[PST_DIGEST_MAX],
    struct pst_suit_digest *d)
{
	uint8_t head[9];
	struct pst_cbor_writer h;
	struct pst_bytes both[2];

	if (parts->digest.alg != 0) {
		*d = parts->digest;
		return PST_OK;
	}
	pst_cbor_writer_init(&h, head, sizeof(head));
	pst_cbor_put_head(&h, PST_CBOR_BSTR, parts->manifest.len);
	both[0] = pst_cbor_written(&h);
	both[1] = parts->manifest;
	d->alg = parts->digest_alg != 0 ? parts->digest_alg : PST_ALG_SHA256;
	d->bytes.ptr = out;
	return crypto->digest(crypto->ctx, d->alg, both, 2, out, &d->bytes.len);
}

enum pst_err
pst_suit_assemble(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_suit_parts *parts)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest digest;
	enum pst_err err = manifest_digest(crypto, parts, out, &digest);

	if (err != PST_OK)
		return err;
	if (parts->member_count + 2 > PST_SUIT_MEMBERS_MAX ||
	    parts->block_count > PST_SUIT_AUTH_MAX)
		return PST_ERR_LIMIT;
	if (!parts->untagged)
		pst_cbor_put_tag(w, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(w, parts->member_count + 2);
	pst_cbor_put_uint(w, PST_SUIT_AUTHENTICATION);
	put_wrapper(w, parts, &digest);
	pst_cbor_put_uint(w, PST_SUIT_MANIFEST);
	pst_cbor_put_bstr(w, parts->manifest);
	if (put_pairs(w, parts->members, parts->member_count) !=
	    parts->member_count)
		return PST_ERR_CBOR_DUPLICATE;
	return w->err;
}
