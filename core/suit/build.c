/*
 * A manifest and its envelope from a description
 * (draft-ietf-suit-manifest, Sections 7 and 8; draft-ietf-suit-trust-domains).
 *
 * The sequences follow the templates of Section 7: the shared sequence sets
 * what is known of each component and checks that this is the right device,
 * install gets the image and verifies it, validate verifies it again.
 */
#include <postern/suit_encode.h>

#include "suit_internal.h"

#define UUID_LEN 16
#define SHA256_LEN 32
#define SEVERABLE_HERE \
	(1u << PST_SUIT_DEPENDENCY_RESOLUTION | 1u << PST_SUIT_PAYLOAD_FETCH | \
	    1u << PST_SUIT_CANDIDATE_VERIFICATION | 1u << PST_SUIT_INSTALL | \
	    1u << PST_SUIT_TEXT)

/* Reporting policies (Section 8.4.7): a failure is recorded; image-match adds
 * the digest that was found, so that a report tells what is installed. */
enum { POLICY_CHECK = 2, POLICY_ACT = 2, POLICY_MATCH = 14 };

/* A command sequence being written. */
struct sequence {
	struct pst_cbor_writer *w;
	size_t mark, elements;
};

struct build {
	struct pst_cbor_writer *w;
	const struct pst_crypto *crypto;
	const struct pst_suit_build *what;
	enum pst_err err; /* of the crypto port */
};

typedef void sequence_writer(struct build *b, struct sequence *s);

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

/* --- command sequences --------------------------------------------------- */

static void
command(struct sequence *s, enum pst_suit_command id)
{
	pst_cbor_put_int(s->w, (int64_t)id);
	s->elements += 2;
}

static void
act(struct sequence *s, enum pst_suit_command id, uint64_t policy)
{
	command(s, id);
	pst_cbor_put_uint(s->w, policy);
}

/* Section 6.2: needed with more than one component only. */
static void
select_component(struct build *b, struct sequence *s, size_t index)
{
	if (b->what->count == 1)
		return;
	command(s, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_uint(s->w, index);
}

static void
select_all(struct build *b, struct sequence *s)
{
	if (b->what->count == 1)
		return;
	command(s, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_bool(s->w, true);
}

/* SHA-256 of data as a SUIT_Digest. With a writer that only counts, nothing
 * needs to be computed. */
static void
put_sha256(struct build *b, struct pst_bytes data)
{
	uint8_t out[PST_DIGEST_MAX] = { 0 };
	struct pst_suit_digest d = { PST_ALG_SHA256, { out, SHA256_LEN } };
	size_t len;

	if (b->w->buf != NULL && b->err == PST_OK)
		b->err = b->crypto->digest(
		    b->crypto->ctx, PST_ALG_SHA256, &data, 1, out, &len);
	pst_suit_digest_put(b->w, &d);
}

static void
uuid(struct pst_cbor_writer *w, enum pst_suit_parameter label,
    struct pst_bytes v)
{
	if (v.len == 0)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_bstr(w, v);
}

static uint64_t
image_bytes(const struct pst_suit_build_component *c)
{
	bool have = c->source == PST_SUIT_FROM_ENVELOPE ||
	    c->source == PST_SUIT_FROM_CONTENT;

	return have && c->digest.alg == 0 ? c->data.len : c->image_bytes;
}

/* What is known of a component before anything is done with it. */
static void
put_known(struct build *b, const struct pst_suit_build_component *c)
{
	struct pst_cbor_writer *w = b->w;
	size_t mark;

	pst_cbor_put_map(w,
	    (size_t)1 + (image_bytes(c) != UINT64_MAX) +
		(c->vendor_id.len > 0) + (c->class_id.len > 0) +
		(c->device_id.len > 0));
	uuid(w, PST_SUIT_PARAM_VENDOR, c->vendor_id);
	uuid(w, PST_SUIT_PARAM_CLASS, c->class_id);
	pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_DIGEST);
	mark = pst_cbor_wrap_begin(w);
	if (c->digest.alg != 0)
		pst_suit_digest_put(w, &c->digest);
	else
		put_sha256(b, c->data);
	pst_cbor_wrap_bstr(w, mark);
	if (image_bytes(c) != UINT64_MAX) {
		pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_SIZE);
		pst_cbor_put_uint(w, image_bytes(c));
	}
	uuid(w, PST_SUIT_PARAM_DEVICE, c->device_id);
}

static void
shared(struct build *b, struct sequence *s)
{
	size_t i;

	for (i = 0; i < b->what->count; i++) {
		const struct pst_suit_build_component *c =
		    &b->what->components[i];

		select_component(b, s, i);
		command(s, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		put_known(b, c);
		if (c->vendor_id.len > 0)
			act(s, PST_SUIT_COND_VENDOR, POLICY_CHECK);
		if (c->class_id.len > 0)
			act(s, PST_SUIT_COND_CLASS, POLICY_CHECK);
		if (c->device_id.len > 0)
			act(s, PST_SUIT_COND_DEVICE, POLICY_CHECK);
	}
}

/* What decides whether it is to be installed at all: not in the shared
 * sequence, which runs at validation and removal too. */
static void
preconditions(struct build *b, struct sequence *s)
{
	size_t i, k;

	if (b->what->use_before_s != 0) {
		select_component(b, s, 0);
		command(s, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		pst_cbor_put_map(s->w, 1);
		pst_cbor_put_uint(s->w, PST_SUIT_PARAM_USE_BEFORE);
		pst_cbor_put_uint(s->w, b->what->use_before_s);
		act(s, PST_SUIT_COND_USE_BEFORE, POLICY_CHECK);
	}
	for (i = 0; i < b->what->count; i++) {
		const struct pst_suit_build_component *c =
		    &b->what->components[i];

		for (k = 0; k < PST_SUIT_BUILD_REQUIRES; k++) {
			if (c->requires[k].len == 0)
				continue;
			select_component(b, s, i);
			command(s, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
			pst_cbor_put_map(s->w, 1);
			pst_cbor_put_uint(s->w, PST_SUIT_PARAM_VERSION);
			pst_cbor_put_bstr(s->w, c->requires[k]);
			act(s, PST_SUIT_COND_VERSION, POLICY_CHECK);
		}
	}
}

static bool
is_fetched(const struct pst_suit_build_component *c)
{
	return c->source == PST_SUIT_FROM_URI ||
	    c->source == PST_SUIT_FROM_ENVELOPE;
}

/* Set what says where it comes from, do so, and verify what came of it. */
static void
obtain(struct build *b, struct sequence *s, size_t index)
{
	const struct pst_suit_build_component *c = &b->what->components[index];

	select_component(b, s, index);
	command(s, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(s->w, (size_t)1 + (c->encryption_info.len > 0));
	if (!is_fetched(c)) {
		pst_cbor_put_uint(s->w, PST_SUIT_PARAM_CONTENT);
		pst_cbor_put_bstr(s->w, c->data);
	}
	if (c->encryption_info.len > 0) {
		pst_cbor_put_uint(s->w, PST_SUIT_PARAM_ENCRYPTION_INFO);
		pst_cbor_put_bstr(s->w, c->encryption_info);
	}
	if (is_fetched(c)) {
		pst_cbor_put_uint(s->w, PST_SUIT_PARAM_URI);
		pst_cbor_put_tstr(s->w, c->uri);
	}
	act(s, is_fetched(c) ? PST_SUIT_DIR_FETCH : PST_SUIT_DIR_WRITE,
	    POLICY_ACT);
	act(s,
	    c->dependency ? PST_SUIT_COND_DEPENDENCY_INTEGRITY
			  : PST_SUIT_COND_IMAGE_MATCH,
	    c->dependency ? POLICY_CHECK : POLICY_MATCH);
}

/* Run a section of every dependency that has it (trust-domains, Section 5).
 * Their integrity is known no longer than a section lasts. */
static void
process(struct build *b, struct sequence *s, enum pst_suit_label section)
{
	size_t i;

	for (i = 0; i < b->what->count; i++) {
		const struct pst_suit_build_component *c =
		    &b->what->components[i];

		if (!c->dependency ||
		    !(c->sections & pst_suit_bit((int64_t)section)))
			continue;
		select_component(b, s, i);
		act(s, PST_SUIT_COND_DEPENDENCY_INTEGRITY, POLICY_CHECK);
		act(s, PST_SUIT_DIR_PROCESS_DEPENDENCY, POLICY_ACT);
	}
}

static void
resolve(struct build *b, struct sequence *s)
{
	size_t i;

	for (i = 0; i < b->what->count; i++) {
		const struct pst_suit_build_component *c =
		    &b->what->components[i];

		if (!c->dependency)
			continue;
		obtain(b, s, i);
		if (c->sections & 1u << PST_SUIT_DEPENDENCY_RESOLUTION)
			act(s, PST_SUIT_DIR_PROCESS_DEPENDENCY, POLICY_ACT);
	}
}

static void
payload_fetch(struct build *b, struct sequence *s)
{
	size_t i;

	process(b, s, PST_SUIT_PAYLOAD_FETCH);
	if (b->what->early)
		preconditions(b, s);
	for (i = 0; b->what->early && i < b->what->count; i++)
		if (is_fetched(&b->what->components[i]) &&
		    !b->what->components[i].dependency)
			obtain(b, s, i);
}

static void
candidates(struct build *b, struct sequence *s)
{
	process(b, s, PST_SUIT_CANDIDATE_VERIFICATION);
}

static void
install(struct build *b, struct sequence *s)
{
	size_t i;

	if (!b->what->early)
		preconditions(b, s);
	process(b, s, PST_SUIT_INSTALL);
	for (i = 0; i < b->what->count; i++) {
		const struct pst_suit_build_component *c =
		    &b->what->components[i];

		if (c->source == PST_SUIT_FROM_CONTENT ||
		    (is_fetched(c) && !c->dependency && !b->what->early))
			obtain(b, s, i);
	}
}

static size_t
dependencies(const struct pst_suit_build *what)
{
	size_t i, n = 0;

	for (i = 0; i < what->count; i++)
		n += what->components[i].dependency;
	return n;
}

/* Every component that is an image. */
static void
select_images(struct build *b, struct sequence *s)
{
	size_t i, n = dependencies(b->what);

	if (n == 0) {
		select_all(b, s);
		return;
	}
	command(s, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_array(s->w, b->what->count - n);
	for (i = 0; i < b->what->count; i++)
		if (!b->what->components[i].dependency)
			pst_cbor_put_uint(s->w, i);
}

static void
validate(struct build *b, struct sequence *s)
{
	process(b, s, PST_SUIT_VALIDATE);
	if (dependencies(b->what) == b->what->count)
		return;
	select_images(b, s);
	act(s, PST_SUIT_COND_IMAGE_MATCH, POLICY_MATCH);
}

static void
load(struct build *b, struct sequence *s)
{
	process(b, s, PST_SUIT_LOAD);
}

static void
invoke(struct build *b, struct sequence *s)
{
	size_t i;

	process(b, s, PST_SUIT_INVOKE);

	for (i = 0; i < b->what->count; i++) {
		if (!b->what->components[i].invoke)
			continue;
		select_component(b, s, i);
		act(s, PST_SUIT_DIR_INVOKE, POLICY_ACT);
	}
}

static void
uninstall(struct build *b, struct sequence *s)
{
	if (!b->what->uninstall)
		return;
	process(b, s, PST_SUIT_UNINSTALL);
	select_all(b, s);
	act(s, PST_SUIT_DIR_UNLINK, POLICY_ACT);
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
put_text_map(struct build *b)
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

/* Write a sequence as an array in a bstr; false when it has no command. */
static bool
put_sequence(struct build *b, sequence_writer *write)
{
	struct sequence s = { b->w, 0, 0 };
	size_t mark = pst_cbor_wrap_begin(b->w);

	s.mark = pst_cbor_wrap_begin(b->w);
	write(b, &s);
	pst_cbor_wrap_array(b->w, s.mark, s.elements);
	pst_cbor_wrap_bstr(b->w, mark);
	return s.elements > 0;
}

/* Put SHA-256 of what was written since mark in its place. */
static void
replace_by_digest(struct build *b, size_t mark)
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

/* The sequence of a label, or NULL where it is text. */
static sequence_writer *
writer_of(int label)
{
	switch (label) {
	case PST_SUIT_VALIDATE:
		return validate;
	case PST_SUIT_LOAD:
		return load;
	case PST_SUIT_INVOKE:
		return invoke;
	case PST_SUIT_DEPENDENCY_RESOLUTION:
		return resolve;
	case PST_SUIT_CANDIDATE_VERIFICATION:
		return candidates;
	case PST_SUIT_PAYLOAD_FETCH:
		return payload_fetch;
	case PST_SUIT_INSTALL:
		return install;
	case PST_SUIT_UNINSTALL:
		return uninstall;
	default:
		return NULL;
	}
}

/* A section as a bstr, without its label; false, and nothing, when empty. */
static bool
put_section(struct build *b, int label)
{
	size_t mark = b->w->len;

	if (label != PST_SUIT_TEXT) {
		if (put_sequence(b, writer_of(label)))
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
manifest_section(struct build *b, int label)
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
put_dependencies(struct build *b)
{
	const struct pst_suit_build_component *c;
	size_t i;

	pst_cbor_put_uint(b->w, PST_SUIT_DEPENDENCIES);
	pst_cbor_put_map(b->w, dependencies(b->what));
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
put_common(struct build *b)
{
	size_t i, mark = pst_cbor_wrap_begin(b->w);
	bool some = dependencies(b->what) > 0;

	pst_cbor_put_map(b->w, (size_t)2 + some);
	if (some)
		put_dependencies(b);
	pst_cbor_put_uint(b->w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(b->w, b->what->count);
	for (i = 0; i < b->what->count; i++)
		pst_cbor_put_raw(b->w, b->what->components[i].id);
	pst_cbor_put_uint(b->w, PST_SUIT_SHARED_SEQUENCE);
	(void)put_sequence(b, shared);
	pst_cbor_wrap_bstr(b->w, mark);
}

/* The manifest's map; labels in ascending order. */
static void
put_manifest(struct build *b)
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
put_severed(struct build *b)
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
put_payloads(struct build *b)
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
put_wrapper(struct build *b)
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
put_members(struct build *b)
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
	struct build b = { w, crypto, what, PST_OK };
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
