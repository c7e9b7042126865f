/*
 * The command sequences of a manifest that is built. They follow the templates
 * of draft-ietf-suit-manifest, Section 7: the shared sequence sets what is
 * known of each component and checks that this is the right device, install
 * gets the image and verifies it, validate verifies it again.
 */
#include "suit_build.h"

/* Reporting policies (Section 8.4.7): a failure is recorded; image-match adds
 * the digest that was found, so that a report tells what is installed. */
enum { POLICY_CHECK = 2, POLICY_ACT = 2, POLICY_MATCH = 14 };

/* A command sequence being written. */
struct sequence {
	struct pst_cbor_writer *w;
	size_t mark, elements;
};

typedef void sequence_writer(struct pst_suit_building *b, struct sequence *s);

size_t
pst_suit_build_dependencies(const struct pst_suit_build *what)
{
	size_t i, n = 0;

	for (i = 0; i < what->count; i++)
		n += what->components[i].dependency;
	return n;
}

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
select_component(struct pst_suit_building *b, struct sequence *s, size_t index)
{
	if (b->what->count == 1)
		return;
	command(s, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_uint(s->w, index);
}

static void
select_all(struct pst_suit_building *b, struct sequence *s)
{
	if (b->what->count == 1)
		return;
	command(s, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_bool(s->w, true);
}

/* SHA-256 of data as a SUIT_Digest. With a writer that only counts, nothing
 * needs to be computed. */
static void
put_sha256(struct pst_suit_building *b, struct pst_bytes data)
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
put_known(struct pst_suit_building *b, const struct pst_suit_build_component *c)
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
shared(struct pst_suit_building *b, struct sequence *s)
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
preconditions(struct pst_suit_building *b, struct sequence *s)
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
obtain(struct pst_suit_building *b, struct sequence *s, size_t index)
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
process(struct pst_suit_building *b, struct sequence *s,
    enum pst_suit_label section)
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
resolve(struct pst_suit_building *b, struct sequence *s)
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
payload_fetch(struct pst_suit_building *b, struct sequence *s)
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
candidates(struct pst_suit_building *b, struct sequence *s)
{
	process(b, s, PST_SUIT_CANDIDATE_VERIFICATION);
}

static void
install(struct pst_suit_building *b, struct sequence *s)
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

/* Every component that is an image. */
static void
select_images(struct pst_suit_building *b, struct sequence *s)
{
	size_t i, n = pst_suit_build_dependencies(b->what);

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
validate(struct pst_suit_building *b, struct sequence *s)
{
	process(b, s, PST_SUIT_VALIDATE);
	if (pst_suit_build_dependencies(b->what) == b->what->count)
		return;
	select_images(b, s);
	act(s, PST_SUIT_COND_IMAGE_MATCH, POLICY_MATCH);
}

static void
load(struct pst_suit_building *b, struct sequence *s)
{
	process(b, s, PST_SUIT_LOAD);
}

static void
invoke(struct pst_suit_building *b, struct sequence *s)
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
uninstall(struct pst_suit_building *b, struct sequence *s)
{
	if (!b->what->uninstall)
		return;
	process(b, s, PST_SUIT_UNINSTALL);
	select_all(b, s);
	act(s, PST_SUIT_DIR_UNLINK, POLICY_ACT);
}

static sequence_writer *
writer_of(int label)
{
	switch (label) {
	case PST_SUIT_SHARED_SEQUENCE:
		return shared;
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
	default:
		return uninstall;
	}
}

bool
pst_suit_build_sequence(struct pst_suit_building *b, int label)
{
	struct sequence s = { b->w, 0, 0 };
	size_t mark = pst_cbor_wrap_begin(b->w);

	s.mark = pst_cbor_wrap_begin(b->w);
	writer_of(label)(b, &s);
	pst_cbor_wrap_array(b->w, s.mark, s.elements);
	pst_cbor_wrap_bstr(b->w, mark);
	return s.elements > 0;
}
