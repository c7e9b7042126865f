/*
 * Integrated payloads against the digests that the manifest sets. The walk
 * over the command sequences is core's; it tells the parameters one at a
 * time, so digests are gathered first and payloads compared after.
 */
#include <string.h>

#include "diag/diag.h"
#include "manifest.h"

/* Different image digests of one component: alternatives of a try-each. */
enum { DIGESTS_MAX = 8 };

struct check {
	const struct pst_suit_manifest *m;
	const struct pst_crypto *crypto;
	const char *path;
	struct {
		struct pst_suit_digest digest[DIGESTS_MAX];
		size_t count;
		bool encrypted; /* then the digest may be of the plaintext */
	} component[PST_SUIT_COMPONENTS_MAX];
	bool failed;
};

static enum pst_err
gather(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct check *c = ctx;
	struct pst_cbor_reader r;
	size_t n;

	(void)section;
	if (component >= PST_SUIT_COMPONENTS_MAX)
		return PST_OK;
	if (label == PST_SUIT_PARAM_ENCRYPTION_INFO)
		c->component[component].encrypted = true;
	n = c->component[component].count;
	if (label != PST_SUIT_PARAM_IMAGE_DIGEST)
		return PST_OK;
	if (n == DIGESTS_MAX)
		return PST_ERR_LIMIT;
	pst_cbor_reader_init(&r, value);
	value = pst_cbor_bstr(&r, 1, SIZE_MAX);
	pst_cbor_reader_init(&r, value);
	c->component[component].digest[n] = pst_suit_digest_read(&r);
	c->component[component].count++;
	return pst_cbor_end(&r);
}

static bool
has_digest(struct check *c, uint32_t component, struct pst_bytes payload)
{
	const struct pst_suit_digest *d;
	uint8_t out[PST_DIGEST_MAX];
	struct pst_bytes computed = { out, 0 };
	size_t i;

	for (i = 0; i < c->component[component].count; i++) {
		d = &c->component[component].digest[i];
		if (c->crypto->digest(c->crypto->ctx, d->alg, &payload, 1, out,
			&computed.len) == PST_OK &&
		    pst_equal(computed, d->bytes))
			return true;
	}
	return false;
}

static enum pst_err
compare(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct check *c = ctx;
	struct pst_cbor_reader r;
	struct pst_bytes uri, payload;

	(void)section;
	if (label != PST_SUIT_PARAM_URI || component >= PST_SUIT_COMPONENTS_MAX)
		return PST_OK;
	pst_cbor_reader_init(&r, value);
	uri = pst_cbor_tstr(&r, 0, PST_SUIT_URI_MAX);
	if (!pst_suit_integrated(&c->m->envelope, uri, &payload) ||
	    c->component[component].count == 0 ||
	    has_digest(c, component, payload))
		return PST_OK;
	/* Ciphertext: whether the digest is of it or of what it decrypts to
	 * is known when it was decrypted. */
	if (c->component[component].encrypted)
		return PST_OK;
	(void)cli_fail("%s: integrated payload of component %u: %s", c->path,
	    component, pst_err_name(PST_ERR_SUIT_DIGEST));
	c->failed = true;
	return PST_OK;
}

int
cli_manifest_check(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, const char *path)
{
	static struct check c;
	struct pst_suit_images images;
	enum pst_err err;

	memset(&c, 0, sizeof(c));
	c.m = m;
	c.crypto = crypto;
	c.path = path;
	err = pst_suit_manifest_images(m, gather, &c, &images);
	if (err == PST_OK)
		err = pst_suit_manifest_images(m, compare, &c, &images);
	/* What was severed and is not here cannot be checked, and need not be:
	 * its digest is signed. */
	if (err == PST_ERR_SUIT_SEVERED) {
		cli_warn("%s: a severed section is not here, so integrated "
			 "payloads are not checked",
		    path);
		return CLI_DONE;
	}
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	return c.failed ? CLI_REFUSED : CLI_DONE;
}
