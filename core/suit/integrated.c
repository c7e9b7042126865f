/*
 * Integrated payloads (draft-ietf-suit-manifest, Section 7.5) against the
 * digests of the manifest. A device checks them as it installs; whoever passes
 * an envelope on checks them before.
 */
#include "suit_run.h"

/* One integrated payload, looked for in the manifest. */
struct look {
	const struct pst_crypto *crypto;
	struct pst_bytes uri;
	struct pst_bytes payload;
	/* components for which the URI is set, then whose digest fits */
	uint64_t named[PST_SUIT_COMPONENT_WORDS];
	uint64_t fits[PST_SUIT_COMPONENT_WORDS];
	/* components with encryption-info, or what such a one may be decrypted
	 * from */
	uint64_t encrypted[PST_SUIT_COMPONENT_WORDS];
	uint64_t sources[PST_SUIT_COMPONENT_WORDS];
	bool decrypts;
};

static bool
digest_fits(const struct look *l, const struct pst_suit_digest *want)
{
	uint8_t buf[PST_DIGEST_MAX];
	struct pst_bytes have = { buf, 0 };

	return l->crypto->digest(l->crypto->ctx, want->alg, &l->payload, 1, buf,
		   &have.len) == PST_OK &&
	    pst_equal(have, want->bytes);
}

static enum pst_err
visit(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	uint64_t bit = (uint64_t)1 << (component % 64);
	struct look *l = ctx;
	struct pst_suit_digest want;
	struct pst_cbor_reader r;

	(void)section;
	pst_cbor_reader_init(&r, value);
	if (label == PST_SUIT_PARAM_ENCRYPTION_INFO) {
		l->encrypted[component / 64] |= bit;
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
			l->named[component / 64] |= bit;
		return PST_OK;
	}
	/* One digest that fits is enough, so the rest need no hashing. */
	if (label != PST_SUIT_PARAM_IMAGE_DIGEST ||
	    pst_suit_has(l->fits, component))
		return PST_OK;
	pst_cbor_reader_init(&r, pst_cbor_bstr(&r, 0, SIZE_MAX));
	want = pst_suit_digest_read(&r);
	if (pst_cbor_end(&r) == PST_OK && digest_fits(l, &want))
		l->fits[component / 64] |= bit;
	return PST_OK;
}

static enum pst_err
check(const struct pst_suit_manifest *m, struct look *l)
{
	struct pst_suit_images images;
	enum pst_err err;
	uint64_t any = 0;
	size_t i;

	err = pst_suit_manifest_images(m, visit, l, &images);
	if (err != PST_OK)
		return err;
	for (i = 0; i < PST_SUIT_COMPONENT_WORDS; i++) {
		uint64_t open = l->named[i] & ~l->fits[i] & ~l->encrypted[i];

		any |= l->named[i];
		if (l->decrypts)
			open &= ~l->sources[i] | images.digests[i];
		if (open)
			return PST_ERR_SUIT_DIGEST;
	}
	return any != 0 ? PST_OK : PST_ERR_SUIT_STRUCTURE;
}

enum pst_err
pst_suit_integrated_check(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, struct pst_bytes *name)
{
	const struct pst_suit_envelope *env = &m->envelope;
	struct pst_cbor_reader r;
	struct look l;
	size_t n = env->member_count;
	enum pst_err err;

	*name = (struct pst_bytes){ NULL, 0 };
	pst_cbor_reader_init(&r, env->members);
	for (; n > 0 && pst_cbor_ok(&r); n--) {
		if (pst_cbor_peek(&r) != PST_CBOR_TSTR) {
			pst_cbor_skip(&r);
			pst_cbor_skip(&r);
			continue;
		}
		memset(&l, 0, sizeof(l));
		l.crypto = crypto;
		l.uri = pst_cbor_tstr(&r, 0, SIZE_MAX);
		l.payload = pst_cbor_bstr(&r, 0, SIZE_MAX);
		if (!pst_cbor_ok(&r))
			break;
		err = check(m, &l);
		if (err != PST_OK) {
			*name = l.uri;
			return err;
		}
	}
	return pst_cbor_end(&r);
}
