/*
 * A manifest and its envelope from a description
 * (draft-ietf-suit-manifest, Section 8; draft-ietf-suit-trust-domains).
 */
#include "suit_build.h"

#define UUID_LEN 16
#define SEVERABLE_HERE \
	(1u << PST_SUIT_DEPENDENCY_RESOLUTION | 1u << PST_SUIT_PAYLOAD_FETCH | \
	    1u << PST_SUIT_CANDIDATE_VERIFICATION | 1u << PST_SUIT_INSTALL | \
	    1u << PST_SUIT_TEXT)

/* --- is the description one that can be written? ------------------------ */

static bool
uuid_or_none(struct pst_bytes v)
{
	return v.len == 0 || v.len == UUID_LEN;
}

static bool
has_digest(const struct pst_suit_digest *d)
{
	size_t len = pst_suit_digest_len(d->alg);

	return len > 0 && d->bytes.len == len;
}

static bool
source_valid(const struct pst_suit_build_component *c)
{
	bool named = c->uri.len > 0 && c->uri.len <= PST_SUIT_URI_MAX &&
	    pst_utf8_valid(c->uri);

	switch (c->source) {
	case PST_SUIT_FROM_URI:
		return named && has_digest(&c->digest);
	case PST_SUIT_FROM_ENVELOPE:
		return named && (c->digest.alg == 0 || has_digest(&c->digest));
	case PST_SUIT_FROM_CONTENT:
		return c->digest.alg == 0 || has_digest(&c->digest);
	case PST_SUIT_FROM_DEVICE:
		return has_digest(&c->digest);
	default:
		return false;
	}
}

/* Its digest is that of its manifest: it cannot be computed here. */
static bool
dependency_valid(const struct pst_suit_build_component *c)
{
	if (!c->dependency)
		return c->prefix.len == 0;
	return (c->source == PST_SUIT_FROM_URI ||
		   c->source == PST_SUIT_FROM_ENVELOPE) &&
	    has_digest(&c->digest) && !c->invoke &&
	    (c->prefix.len == 0 || pst_component_id_valid(c->prefix));
}

/* Of what is encrypted only the plaintext has the digest of the image. */
static bool
encryption_valid(const struct pst_suit_build_component *c)
{
	return c->encryption_info.len == 0 ||
	    (c->source != PST_SUIT_FROM_DEVICE && has_digest(&c->digest));
}

static bool
requires_valid(const struct pst_suit_build_component *c)
{
	struct pst_cbor_reader r;
	size_t i;

	for (i = 0; i < PST_SUIT_BUILD_REQUIRES; i++) {
		if (c->requires[i].len == 0)
			continue;
		pst_cbor_reader_init(&r, c->requires[i]);
		pst_suit_version_match_read(&r);
		if (pst_cbor_end(&r) != PST_OK)
			return false;
	}
	return true;
}

static bool
component_valid(const struct pst_suit_build_component *c)
{
	return pst_component_id_valid(c->id) && source_valid(c) &&
	    dependency_valid(c) && encryption_valid(c) && requires_valid(c) &&
	    uuid_or_none(c->vendor_id) && uuid_or_none(c->class_id) &&
	    uuid_or_none(c->device_id) && pst_utf8_valid(c->text_vendor) &&
	    pst_utf8_valid(c->text_model) &&
	    pst_utf8_valid(c->text_description) &&
	    pst_utf8_valid(c->text_version);
}

static bool
clash(const struct pst_suit_build_component *a,
    const struct pst_suit_build_component *b)
{
	return pst_same(a->id, b->id) ||
	    (a->source == PST_SUIT_FROM_ENVELOPE &&
		b->source == PST_SUIT_FROM_ENVELOPE &&
		pst_same(a->uri, b->uri));
}

static enum pst_err
check(const struct pst_suit_build *what)
{
	size_t i, k, dependencies = 0;

	if (what->count > PST_SUIT_COMPONENTS_MAX ||
	    what->reference_uri.len > PST_SUIT_URI_MAX)
		return PST_ERR_LIMIT;
	if (what->count == 0 || what->severable & ~SEVERABLE_HERE ||
	    !pst_utf8_valid(what->reference_uri) ||
	    !pst_utf8_valid(what->language) ||
	    !pst_utf8_valid(what->text_manifest) ||
	    !pst_utf8_valid(what->text_update))
		return PST_ERR_ARG;
	if (what->component_id.len > 0 &&
	    !pst_component_id_valid(what->component_id))
		return PST_ERR_ARG;
	if (what->set_version.len > 0 &&
	    !pst_suit_version_valid(what->set_version))
		return PST_ERR_ARG;
	for (i = 0; i < what->count; i++) {
		if (!component_valid(&what->components[i]))
			return PST_ERR_ARG;
		dependencies += what->components[i].dependency;
		if (dependencies > PST_SUIT_DEPENDENCIES_MAX)
			return PST_ERR_LIMIT;
		for (k = 0; k < i; k++)
			if (clash(&what->components[i], &what->components[k]))
				return PST_ERR_ARG;
	}
	return PST_OK;
}

/* --- text ---------------------------------------------------------------- */

static size_t
text_count(const struct pst_suit_build_component *c)
{
	return (size_t)(c->text_vendor.len > 0) + (c->text_model.len > 0) +
	    (c->text_description.len > 0) + (c->text_version.len > 0);
}

static void
put_text(struct pst_cbor_writer *w, uint64_t label, struct pst_bytes text)
{
	if (text.len == 0)
		return;
	pst_cbor_put_uint(w, label);
	pst_cbor_put_tstr(w, text);
}

/* Bytewise order of encoded map keys (RFC 8949, Section 4.2.1). */
static bool
before(struct pst_bytes a, struct pst_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	return order < 0 || (order == 0 && a.len < b.len);
}

/* The component with text whose identifier follows `last` in that order. */
static const struct pst_suit_build_component *
text_after(const struct pst_suit_build *what,
    const struct pst_suit_build_component *last)
{
	const struct pst_suit_build_component *c, *next = NULL;
	size_t i;

	for (i = 0; i < what->count; i++) {
		c = &what->components[i];
		if (text_count(c) > 0 &&
		    (last == NULL || before(last->id, c->id)) &&
		    (next == NULL || before(c->id, next->id)))
			next = c;
	}
	return next;
}

/* SUIT_Text_Map in one language; a sequence only in that it is wrapped. */
static void
put_text_map(struct pst_suit_building *b)
{
	const struct pst_suit_build *what = b->what;
	const struct pst_suit_build_component *c = NULL;
	struct pst_cbor_writer *w = b->w;
	size_t i,
	    pairs = (size_t)(what->text_manifest.len > 0) +
	    (what->text_update.len > 0);

	for (i = 0; i < what->count; i++)
		pairs += text_count(&what->components[i]) > 0;
	pst_cbor_put_map(w, 1);
	pst_cbor_put_tstr(w, what->language);
	pst_cbor_put_map(w, pairs);
	put_text(w, 1, what->text_manifest);
	put_text(w, 2, what->text_update);
	while ((c = text_after(what, c)) != NULL) {
		pst_cbor_put_raw(w, c->id);
		pst_cbor_put_map(w, text_count(c));
		put_text(w, 1, c->text_vendor);
		put_text(w, 2, c->text_model);
		put_text(w, 5, c->text_description);
		put_text(w, 6, c->text_version);
	}
}

/* --- the manifest --------------------------------------------------------- */

/* Put SHA-256 of what was written since mark in its place. */
static void
replace_by_digest(struct pst_suit_building *b, size_t mark)
{
	struct pst_cbor_writer *w = b->w;
	uint8_t out[PST_DIGEST_MAX] = { 0 };
	struct pst_suit_digest d = { PST_ALG_SHA256, { out, SHA256_LEN } };
	struct pst_bytes item = { NULL, 0 };
	size_t len;

	if (w->buf != NULL && w->err == PST_OK && b->err == PST_OK) {
		item.ptr = w->buf + mark;
		item.len = w->len - mark;
		b->err = b->crypto->digest(
		    b->crypto->ctx, PST_ALG_SHA256, &item, 1, out, &len);
	}
	w->len = mark;
	pst_suit_digest_put(w, &d);
}

/* A section as a bstr, without its label; false, and nothing, when empty. */
static bool
put_section(struct pst_suit_building *b, int label)
{
	size_t mark = b->w->len;

	if (label != PST_SUIT_TEXT) {
		if (pst_suit_build_sequence(b, label))
			return true;
		b->w->len = mark;
		return false;
	}
	if (b->what->language.len == 0)
		return false;
	put_text_map(b);
	pst_cbor_wrap_bstr(b->w, mark);
	return true;
}

/* A section of the manifest with its label; returns pairs written. */
static size_t
manifest_section(struct pst_suit_building *b, int label)
{
	size_t start = b->w->len;
	size_t mark;

	pst_cbor_put_uint(b->w, (uint64_t)label);
	mark = b->w->len;
	if (!put_section(b, label)) {
		b->w->len = start;
		return 0;
	}
	if (b->what->severable & pst_suit_bit(label))
		replace_by_digest(b, mark);
	return 1;
}

/* SUIT_Dependencies (trust-domains, Section 5). */
static void
put_dependencies(struct pst_suit_building *b)
{
	const struct pst_suit_build_component *c;
	size_t i;

	pst_cbor_put_uint(b->w, PST_SUIT_DEPENDENCIES);
	pst_cbor_put_map(b->w, pst_suit_build_dependencies(b->what));
	for (i = 0; i < b->what->count; i++) {
		c = &b->what->components[i];
		if (!c->dependency)
			continue;
		pst_cbor_put_uint(b->w, i);
		pst_cbor_put_map(b->w, c->prefix.len > 0);
		if (c->prefix.len > 0) {
			pst_cbor_put_uint(b->w, 1);
			pst_cbor_put_raw(b->w, c->prefix);
		}
	}
}

static void
put_common(struct pst_suit_building *b)
{
	size_t i, mark = pst_cbor_wrap_begin(b->w);
	bool some = pst_suit_build_dependencies(b->what) > 0;

	pst_cbor_put_map(b->w, (size_t)2 + some);
	if (some)
		put_dependencies(b);
	pst_cbor_put_uint(b->w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(b->w, b->what->count);
	for (i = 0; i < b->what->count; i++)
		pst_cbor_put_raw(b->w, b->what->components[i].id);
	pst_cbor_put_uint(b->w, PST_SUIT_SHARED_SEQUENCE);
	(void)pst_suit_build_sequence(b, PST_SUIT_SHARED_SEQUENCE);
	pst_cbor_wrap_bstr(b->w, mark);
}

/* The manifest's map; labels in ascending order. */
static void
put_manifest(struct pst_suit_building *b)
{
	static const uint8_t sections[] = { PST_SUIT_VALIDATE, PST_SUIT_LOAD,
		PST_SUIT_INVOKE, PST_SUIT_DEPENDENCY_RESOLUTION,
		PST_SUIT_PAYLOAD_FETCH, PST_SUIT_CANDIDATE_VERIFICATION,
		PST_SUIT_INSTALL, PST_SUIT_TEXT, PST_SUIT_UNINSTALL };
	struct pst_cbor_writer *w = b->w;
	size_t mark = w->len, i, pairs = 3;

	pst_cbor_put_uint(w, PST_SUIT_VERSION);
	pst_cbor_put_uint(w, 1);
	pst_cbor_put_uint(w, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(w, b->what->sequence);
	pst_cbor_put_uint(w, PST_SUIT_COMMON);
	put_common(b);
	if (b->what->reference_uri.len > 0) {
		pst_cbor_put_uint(w, PST_SUIT_REFERENCE_URI);
		pst_cbor_put_tstr(w, b->what->reference_uri);
		pairs++;
	}
	if (b->what->component_id.len > 0) {
		pst_cbor_put_uint(w, PST_SUIT_COMPONENT_ID);
		pst_cbor_put_raw(w, b->what->component_id);
		pairs++;
	}
	if (b->what->set_version.len > 0) {
		pst_cbor_put_uint(w, PST_SUIT_SET_VERSION);
		pst_cbor_put_bstr(w, b->what->set_version);
		pairs++;
	}
	for (i = 0; i < sizeof(sections); i++)
		pairs += manifest_section(b, sections[i]);
	pst_cbor_wrap_map(w, mark, pairs);
}

/* --- the envelope --------------------------------------------------------- */

/* Sections that go into the envelope; each is there if it is not empty. */
static size_t
put_severed(struct pst_suit_building *b)
{
	static const uint8_t labels[] = { PST_SUIT_DEPENDENCY_RESOLUTION,
		PST_SUIT_PAYLOAD_FETCH, PST_SUIT_CANDIDATE_VERIFICATION,
		PST_SUIT_INSTALL, PST_SUIT_TEXT };
	size_t i, start, pairs = 0;

	for (i = 0; i < sizeof(labels); i++) {
		if (!(b->what->severable & pst_suit_bit(labels[i])))
			continue;
		start = b->w->len;
		pst_cbor_put_uint(b->w, labels[i]);
		if (put_section(b, labels[i]))
			pairs++;
		else
			b->w->len = start;
	}
	return pairs;
}

/* Text keys sort by length first, for their length is in the head. */
static bool
name_before(struct pst_bytes a, struct pst_bytes b)
{
	return a.len < b.len || (a.len == b.len && before(a, b));
}

static size_t
put_payloads(struct pst_suit_building *b)
{
	const struct pst_suit_build *what = b->what;
	const struct pst_suit_build_component *c, *next, *last = NULL;
	size_t i, pairs = 0;

	for (;;) {
		next = NULL;
		for (i = 0; i < what->count; i++) {
			c = &what->components[i];
			if (c->source == PST_SUIT_FROM_ENVELOPE &&
			    (last == NULL || name_before(last->uri, c->uri)) &&
			    (next == NULL || name_before(c->uri, next->uri)))
				next = c;
		}
		if (next == NULL)
			return pairs;
		pst_cbor_put_tstr(b->w, next->uri);
		pst_cbor_put_bstr(b->w, next->data);
		last = next;
		pairs++;
	}
}

/* The wrapper with the digest's bytes left to be set; returns where. */
static size_t
put_wrapper(struct pst_suit_building *b)
{
	static const uint8_t zeros[SHA256_LEN];
	const struct pst_suit_digest d = { PST_ALG_SHA256,
		{ zeros, SHA256_LEN } };
	size_t outer = pst_cbor_wrap_begin(b->w), inner;

	pst_cbor_put_array(b->w, 1);
	inner = pst_cbor_wrap_begin(b->w);
	pst_suit_digest_put(b->w, &d);
	pst_cbor_wrap_bstr(b->w, inner);
	pst_cbor_wrap_bstr(b->w, outer);
	return b->w->len - sizeof(zeros);
}

/* The members of the envelope; returns how many. */
static size_t
put_members(struct pst_suit_building *b)
{
	struct pst_cbor_writer *w = b->w;
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes item;
	size_t at, mark, len = 0;

	pst_cbor_put_uint(w, PST_SUIT_AUTHENTICATION);
	at = put_wrapper(b);
	pst_cbor_put_uint(w, PST_SUIT_MANIFEST);
	mark = pst_cbor_wrap_begin(w);
	put_manifest(b);
	pst_cbor_wrap_bstr(w, mark);
	if (w->buf != NULL && w->err == PST_OK && b->err == PST_OK) {
		/* Section 8.3: over the bstr with its head. */
		item.ptr = w->buf + mark;
		item.len = w->len - mark;
		b->err = b->crypto->digest(
		    b->crypto->ctx, PST_ALG_SHA256, &item, 1, digest, &len);
		if (b->err == PST_OK)
			memcpy(w->buf + at, digest, SHA256_LEN);
	}
	return 2 + put_severed(b) + put_payloads(b);
}

enum pst_err
pst_suit_build(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_suit_build *what)
{
	struct pst_suit_building b = { w, crypto, what, PST_OK };
	size_t mark, pairs;
	enum pst_err err = check(what);

	if (err != PST_OK)
		return err;
	pst_cbor_put_tag(w, PST_TAG_SUIT_ENVELOPE);
	mark = w->len;
	pairs = put_members(&b);
	if (pairs > PST_SUIT_MEMBERS_MAX)
		return PST_ERR_LIMIT;
	pst_cbor_wrap_map(w, mark, pairs);
	return b.err != PST_OK ? b.err : w->err;
}
