/*
 * Integrated payloads and dependencies (draft-ietf-suit-manifest, Section 7.5;
 * draft-ietf-suit-trust-domains, Integrated Dependencies) against the digests
 * of the manifest. A device checks them as it installs; whoever passes an
 * envelope on checks them before.
 */
#include "suit_run.h"

/* One integrated payload, looked for in the manifest. */
struct look {
	const struct pst_crypto *crypto;
	const struct pst_suit_manifest *m;
	struct pst_bytes uri;
	struct pst_bytes payload;
	struct pst_bytes manifest; /* in the payload, when it is an envelope */
	/* components for which the URI is set, then whose digest fits */
	uint64_t named[PST_SUIT_COMPONENT_WORDS];
	uint64_t fits[PST_SUIT_COMPONENT_WORDS];
	/* components with encryption-info, or what such a one may be decrypted
	 * from */
	uint64_t encrypted[PST_SUIT_COMPONENT_WORDS];
	uint64_t sources[PST_SUIT_COMPONENT_WORDS];
	bool decrypts;
};

/* The digest of a dependency is of its manifest (trust-domains,
 * SUIT_Dependencies). */
static bool
digest_fits(const struct look *l, const struct pst_suit_digest *want,
    uint32_t component)
{
	const struct pst_bytes *what =
	    pst_suit_dependency(l->m, component) ? &l->manifest : &l->payload;
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_bytes have = { buf, 0 };

	return l->crypto->digest(l->crypto->ctx, want->alg, what, 1, buf,
		   &have.len) == PST_OK &&
	    pst_equal(have, want->bytes);
}

static enum pst_err
visit(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct look *l = ctx;
	struct pst_suit_digest want;
	struct pst_cbor_reader r;

	(void)section;
	pst_cbor_reader_init(&r, value);
	if (label == PST_SUIT_PARAM_ENCRYPTION_INFO) {
		pst_suit_set(l->encrypted, component);
		l->decrypts = true;
		return PST_OK;
	}
	if (label == PST_SUIT_PARAM_SOURCE_COMPONENT) {
		pst_suit_set(l->sources,
		    (uint32_t)pst_cbor_uint(&r, PST_SUIT_COMPONENTS_MAX));
		return PST_OK;
	}
	if (label == PST_SUIT_PARAM_URI) {
		if (pst_same(pst_cbor_tstr(&r, 0, SIZE_MAX), l->uri))
			pst_suit_set(l->named, component);
		return PST_OK;
	}
	/* One digest that fits is enough, so the rest need no hashing. */
	if (label != PST_SUIT_PARAM_IMAGE_DIGEST ||
	    pst_suit_has(l->fits, component))
		return PST_OK;
	pst_cbor_reader_init(&r, pst_cbor_bstr(&r, 0, SIZE_MAX));
	want = pst_suit_digest_read(&r);
	if (pst_cbor_end(&r) == PST_OK && digest_fits(l, &want, component))
		pst_suit_set(l->fits, component);
	return PST_OK;
}

/* What copy-params copies counts as set. */
static void
copied(void *ctx, uint32_t from, uint32_t to, int64_t label)
{
	struct look *l = ctx;
	uint64_t *words = label == PST_SUIT_PARAM_URI ? l->named
	    : label == PST_SUIT_PARAM_IMAGE_DIGEST    ? l->fits
	    : label == PST_SUIT_PARAM_ENCRYPTION_INFO ? l->encrypted
						      : NULL;

	if (words != NULL && pst_suit_has(words, from))
		pst_suit_set(words, to);
}

static enum pst_err
check(struct look *l)
{
	struct pst_suit_images images;
	enum pst_err err;
	uint64_t any = 0;
	size_t i;

	err = pst_suit_walk(l->m, visit, copied, l, &images);
	if (err != PST_OK)
		return err;
	for (i = 0; i < PST_SUIT_COMPONENT_WORDS; i++) {
		uint64_t open = l->named[i] & ~l->fits[i] & ~l->encrypted[i];

		any |= l->named[i];
		if (l->decrypts)
			open &= ~l->sources[i] | images.digests[i];
		if (l->m->dependencies.count > 0)
			open &= images.digests[i];
		if (open)
			return PST_ERR_SUIT_DIGEST;
	}
	return any != 0 ? PST_OK : PST_ERR_SUIT_STRUCTURE;
}

/* An envelope whose members are looked at. */
struct level {
	struct pst_bytes envelope; /* encoded; the root's is not needed */
	uint32_t next;		   /* member to look at */
};

/* The next member with a text key; false when there is none. */
static bool
next_payload(
    const struct pst_suit_envelope *env, struct level *level, struct look *l)
{
	struct pst_cbor_reader r;
	uint32_t i;

	pst_cbor_reader_init(&r, env->members);
	for (i = 0; i < env->member_count && pst_cbor_ok(&r); i++) {
		if (i < level->next || pst_cbor_peek(&r) != PST_CBOR_TSTR) {
			pst_cbor_skip(&r);
			pst_cbor_skip(&r);
			continue;
		}
		l->uri = pst_cbor_tstr(&r, 0, SIZE_MAX);
		l->payload = pst_cbor_bstr(&r, 0, SIZE_MAX);
		level->next = i + 1;
		return pst_cbor_ok(&r);
	}
	return false;
}

/* Is the payload one of a dependency? */
static bool
of_dependency(const struct look *l)
{
	uint32_t i;

	for (i = 0; i < l->m->index_count; i++)
		if (pst_suit_has(l->named, i) &&
		    !pst_suit_has(l->encrypted, i) &&
		    pst_suit_dependency(l->m, i))
			return true;
	return false;
}

/*
 * Look at the next payload of one level.
 *
 * @param name   its key; len 0 when there is none left
 * @param inner  set to the payload when it is a dependency, else empty
 */
static enum pst_err
look(const struct pst_suit_manifest *m, const struct pst_crypto *crypto,
    struct level *level, struct pst_bytes *name, struct pst_bytes *inner)
{
	struct pst_suit_envelope env;
	struct look l;
	enum pst_err err;

	memset(&l, 0, sizeof(l));
	l.crypto = crypto;
	l.m = m;
	inner->len = 0;
	if (!next_payload(&m->envelope, level, &l)) {
		name->len = 0;
		return PST_OK;
	}
	*name = l.uri;
	if (pst_suit_envelope_decode(l.payload, &env, NULL) == PST_OK)
		l.manifest = env.manifest_bstr;
	err = check(&l);
	if (err == PST_OK && of_dependency(&l))
		*inner = l.payload;
	return err;
}

/* Likewise in a dependency, which is taken apart again for each of its
 * payloads, so that only one is in memory at a time. */
static enum pst_err
look_inside(const struct pst_crypto *crypto, struct level *level,
    struct pst_bytes *name, struct pst_bytes *inner)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	enum pst_err err;

	err = pst_suit_envelope_decode(level->envelope, &env, NULL);
	if (err == PST_OK)
		err = pst_suit_accept(&env, crypto, &m, NULL);
	return err == PST_OK ? look(&m, crypto, level, name, inner) : err;
}

enum pst_err
pst_suit_integrated_check(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, struct pst_bytes *name)
{
	struct level levels[PST_SUIT_TREE_DEPTH_MAX + 1];
	struct pst_bytes found, inner = { NULL, 0 };
	uint32_t depth = 0;
	enum pst_err err;

	*name = (struct pst_bytes){ NULL, 0 };
	memset(levels, 0, sizeof(levels));
	for (;;) {
		found = *name;
		err = depth == 0
		    ? look(m, crypto, &levels[0], &found, &inner)
		    : look_inside(crypto, &levels[depth], &found, &inner);
		if (found.len > 0)
			*name = found;
		if (err != PST_OK)
			return err;
		if (inner.len > 0 && depth == PST_SUIT_TREE_DEPTH_MAX)
			return PST_ERR_LIMIT;
		if (inner.len > 0) {
			levels[++depth].envelope = inner;
			levels[depth].next = 0;
		} else if (found.len == 0 && depth-- == 0) {
			break;
		}
	}
	*name = (struct pst_bytes){ NULL, 0 };
	return PST_OK;
}
