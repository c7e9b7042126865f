/*
 * What a manifest would do: its sequences are walked, not run. Every
 * alternative of a try-each is taken, and a nested sequence is walked once
 * with all components that it may be run for, so the answers say "may".
 */
#include "suit_run.h"

/* A sequence that is being walked; offsets as in struct pst_suit_frame. */
struct level {
	uint32_t at, left;
	uint32_t other_at, other_len; /* alternatives after this one */
	struct pst_suit_index index;
};

struct walk {
	const struct pst_suit_manifest *m;
	pst_suit_visit *visit;
	pst_suit_copied *copied;
	void *ctx;
	struct pst_suit_images *out;
	/* what a source-component names, so what a swap may change */
	uint64_t sources[PST_SUIT_COMPONENT_WORDS];
	/* components for which an encryption-info is set, and one whose
	 * payload has a tag */
	uint64_t encrypted[PST_SUIT_COMPONENT_WORDS];
	uint64_t tagged[PST_SUIT_COMPONENT_WORDS];
	int32_t section;
	struct pst_bytes code;
	uint32_t depth;
	struct level levels[PST_SUIT_DEPTH_MAX + 1];
};

static uint32_t
set_size(const struct walk *w, const struct pst_suit_index *index)
{
	switch (index->kind) {
	case INDEX_NONE:
		return 0;
	case INDEX_ONE:
		return 1;
	case INDEX_LIST:
		return index->list_len;
	default:
		return (uint32_t)w->m->index_count;
	}
}

static uint32_t
set_member(const struct walk *w, const struct pst_suit_index *index, uint32_t n)
{
	switch (index->kind) {
	case INDEX_ONE:
		return index->one;
	case INDEX_LIST:
		return pst_suit_index_entry(w->code, index->list_at, n);
	default:
		return n;
	}
}

static void
note_encrypted(struct walk *w, uint32_t c, struct pst_bytes value)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, value);
	pst_suit_set(w->encrypted, c);
	if (pst_suit_encryption_info_aead(pst_cbor_bstr(&r, 1, SIZE_MAX)))
		pst_suit_set(w->tagged, c);
}

/* A parameter is set for every component of the present set. */
static enum pst_err
parameter(struct walk *w, int64_t label, struct pst_bytes value)
{
	const struct pst_suit_index *index = &w->levels[w->depth - 1].index;
	enum pst_err err = PST_OK;
	uint32_t i, n = set_size(w, index);

	for (i = 0; i < n && err == PST_OK; i++) {
		uint32_t c = set_member(w, index, i);

		if (label != PST_SUIT_PARAM_URI)
			pst_suit_set(w->out->acted, c);
		if (label == PST_SUIT_PARAM_IMAGE_DIGEST &&
		    w->section != PST_SUIT_UNINSTALL)
			pst_suit_set(w->out->digests, c);
		if (label == PST_SUIT_PARAM_ENCRYPTION_INFO)
			note_encrypted(w, c, value);
		if (w->visit != NULL)
			err = w->visit(w->ctx, (enum pst_suit_label)w->section,
			    c, (enum pst_suit_parameter)label, value);
	}
	return err;
}

static void
note_source(struct walk *w, int64_t label, struct pst_bytes value)
{
	struct pst_cbor_reader r;
	uint32_t source;

	if (label != PST_SUIT_PARAM_SOURCE_COMPONENT)
		return;
	pst_cbor_reader_init(&r, value);
	source = (uint32_t)pst_cbor_uint(&r, PST_SUIT_COMPONENTS_MAX);
	pst_suit_set(w->sources, source);
	pst_suit_set(w->out->acted, source);
}

static enum pst_err
parameters(struct walk *w, struct pst_cbor_reader *r)
{
	struct pst_cbor_seen seen;
	struct pst_bytes value;
	enum pst_err err = PST_OK;
	size_t n = pst_cbor_map(r, SIZE_MAX, &seen);

	if (pst_cbor_ok(r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_key(r, &seen);

		if (!pst_cbor_ok(r))
			break;
		value.ptr = r->in.ptr + r->at;
		err = pst_suit_param_check(r, label, w->m->index_count);
		value.len = (size_t)(r->in.ptr + r->at - value.ptr);
		if (err == PST_OK) {
			note_source(w, label, value);
			err = parameter(w, label, value);
		}
	}
	return err != PST_OK ? err : r->err;
}

static void
changed(struct walk *w, uint32_t c)
{
	pst_suit_set(w->out->written, c);
	pst_suit_clear(w->out->verified, c);
}

static void
swapped(struct walk *w, uint32_t c)
{
	uint32_t i;

	changed(w, c);
	for (i = 0; i < w->m->index_count; i++)
		if (pst_suit_has(w->sources, i))
			changed(w, i);
}

/* A component was verified; so may be what it was decrypted from. */
static void
verified(struct walk *w, uint32_t c)
{
	struct pst_suit_images *out = w->out;
	size_t i;

	if (pst_suit_has(out->written, c))
		pst_suit_set(out->verified, c);
	for (i = 0;
	     pst_suit_has(w->encrypted, c) && i < PST_SUIT_COMPONENT_WORDS; i++)
		out->verified[i] |= out->written[i] & w->sources[i];
}

/* A copy of what was verified is verified. */
static bool
source_verified(const struct walk *w)
{
	size_t i;

	for (i = 0; i < PST_SUIT_COMPONENT_WORDS; i++)
		if (w->out->verified[i] & w->sources[i])
			return true;
	return false;
}

/* What a command with a reporting policy may do to one component. */
static void
effect(struct walk *w, int64_t id, uint32_t c)
{
	struct pst_suit_images *out = w->out;

	switch (id) {
	case PST_SUIT_DIR_FETCH:
	case PST_SUIT_DIR_COPY:
		changed(w, c);
		if (pst_suit_has(w->tagged, c) ||
		    (id == PST_SUIT_DIR_COPY && source_verified(w)))
			verified(w, c);
		break;
	case PST_SUIT_DIR_SWAP:
		swapped(w, c);
		break;
	case PST_SUIT_DIR_WRITE:
		pst_suit_set(out->written, c);
		pst_suit_set(out->verified, c);
		break;
	case PST_SUIT_COND_IMAGE_MATCH:
	case PST_SUIT_COND_CHECK_CONTENT:
	case PST_SUIT_COND_DEPENDENCY_INTEGRITY:
		verified(w, c);
		break;
	case PST_SUIT_DIR_UNLINK:
		if (w->section == PST_SUIT_UNINSTALL)
			pst_suit_set(out->unlinked, c);
		break;
	default:
		break;
	}
}

static enum pst_err
enter(struct walk *w, struct pst_bytes content)
{
	struct level *l = &w->levels[w->depth - 1];

	return pst_suit_sequence(w->code, (uint32_t)(content.ptr - w->code.ptr),
	    (uint32_t)content.len, &l->at, &l->left);
}

/* One level more, for the same components. */
static enum pst_err
descend(struct walk *w)
{
	if (w->depth > PST_SUIT_DEPTH_MAX)
		return PST_ERR_LIMIT;
	memset(&w->levels[w->depth], 0, sizeof(w->levels[0]));
	w->levels[w->depth].index = w->levels[w->depth - 1].index;
	w->depth++;
	return PST_OK;
}

/* The next alternative of the level on top; nil and none end it. */
static enum pst_err
next_alternative(struct walk *w)
{
	struct level *l = &w->levels[w->depth - 1];
	struct pst_cbor_reader r;
	struct pst_bytes content;

	pst_cbor_reader_init(&r, w->code);
	r.at = l->other_at;
	if (l->other_len == 0 || pst_cbor_peek(&r) == PST_CBOR_SIMPLE) {
		w->depth--;
		return PST_OK;
	}
	content = pst_cbor_bstr(&r, 1, SIZE_MAX);
	l->other_at = (uint32_t)r.at;
	l->other_len--;
	l->index = w->levels[w->depth - 2].index;
	return enter(w, content);
}

static enum pst_err
try_each(struct walk *w, uint32_t arg)
{
	uint32_t first, count;
	enum pst_err err;

	err = pst_suit_alternatives(w->code, arg, &first, &count);
	if (err == PST_OK)
		err = descend(w);
	if (err != PST_OK)
		return err;
	w->levels[w->depth - 1].other_at = first;
	w->levels[w->depth - 1].other_len = count;
	return next_alternative(w);
}

static enum pst_err
run_sequence(struct walk *w, struct pst_cbor_reader *r)
{
	struct pst_bytes content = pst_cbor_bstr(r, 1, SIZE_MAX);
	enum pst_err err;

	if (!pst_cbor_ok(r))
		return r->err;
	err = descend(w);
	return err == PST_OK ? enter(w, content) : err;
}

/* The parameters of override-multiple, each for its component, the last of
 * which is the present one after it. */
static enum pst_err
override_multiple(struct walk *w, struct pst_cbor_reader *r)
{
	struct pst_suit_index *index = &w->levels[w->depth - 1].index;
	struct pst_cbor_seen seen;
	enum pst_err err = PST_OK;
	size_t n = pst_cbor_map(r, PST_SUIT_COMPONENTS_MAX, &seen);

	if (pst_cbor_ok(r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(r)) {
		int64_t c = pst_cbor_key(r, &seen);

		if (!pst_cbor_ok(r))
			break;
		if (c < 0 || (uint64_t)c >= w->m->index_count)
			return PST_ERR_SUIT_COMPONENT;
		index->kind = INDEX_ONE;
		index->one = (uint32_t)c;
		err = parameters(w, r);
	}
	return err != PST_OK ? err : r->err;
}

/* If the bit of one component is set, so is that of another. */
static void
spread(uint64_t *words, uint32_t from, uint32_t to)
{
	if (pst_suit_has(words, from))
		pst_suit_set(words, to);
}

/* What another component may have by then is set for this one too. */
static void
copied(struct walk *w, uint32_t from, uint32_t to, int64_t label)
{
	if (label != PST_SUIT_PARAM_URI)
		pst_suit_set(w->out->acted, to);
	if (label == PST_SUIT_PARAM_IMAGE_DIGEST &&
	    w->section != PST_SUIT_UNINSTALL)
		spread(w->out->digests, from, to);
	if (label == PST_SUIT_PARAM_ENCRYPTION_INFO) {
		spread(w->encrypted, from, to);
		spread(w->tagged, from, to);
	}
	if (w->copied != NULL)
		w->copied(w->ctx, from, to, label);
}

/* A label of copy-params, for the present set. */
static void
copied_all(struct walk *w, uint32_t from, int64_t label)
{
	const struct pst_suit_index *index = &w->levels[w->depth - 1].index;
	uint32_t i, n = set_size(w, index);

	for (i = 0; i < n; i++)
		copied(w, from, set_member(w, index, i), label);
}

/* {+ uint => [+ int]}. The visitor has seen the values where they were set. */
static enum pst_err
copy_params(struct walk *w, struct pst_cbor_reader *r)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PST_SUIT_COMPONENTS_MAX, &seen);

	if (pst_cbor_ok(r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t c = pst_cbor_key(r, &seen);
		size_t k = pst_cbor_array(r, 1, PST_SUIT_COMMANDS_MAX);

		if (pst_cbor_ok(r) &&
		    (c < 0 || (uint64_t)c >= w->m->index_count))
			return PST_ERR_SUIT_COMPONENT;
		while (pst_cbor_ok(r) && k-- > 0)
			copied_all(w, (uint32_t)c,
			    pst_cbor_int(r, INT32_MIN, INT32_MAX));
	}
	return r->err;
}

static enum pst_err
act(struct walk *w, struct pst_cbor_reader *r, int64_t id)
{
	const struct pst_suit_index *index = &w->levels[w->depth - 1].index;
	uint32_t i, n = set_size(w, index);

	(void)pst_cbor_uint(r, 15);
	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		if (pst_suit_trait_of(id)->component)
			pst_suit_set(w->out->acted, set_member(w, index, i));
		effect(w, id, set_member(w, index, i));
	}
	return r->err;
}

/* What a custom command does only the device knows. */
static enum pst_err
custom(struct walk *w, struct pst_cbor_reader *r)
{
	const struct pst_suit_index *index = &w->levels[w->depth - 1].index;
	uint32_t i, n = set_size(w, index);

	pst_suit_custom_argument(r);
	for (i = 0; i < n && pst_cbor_ok(r); i++)
		pst_suit_set(w->out->acted, set_member(w, index, i));
	return r->err;
}

static enum pst_err
command(struct walk *w)
{
	struct level *l = &w->levels[w->depth - 1];
	struct pst_cbor_reader r;
	enum pst_err err;
	int64_t id;
	uint32_t arg;

	pst_cbor_reader_init(&r, w->code);
	r.at = l->at;
	id = pst_cbor_int(&r, INT32_MIN, INT32_MAX);
	arg = (uint32_t)r.at;
	pst_cbor_skip(&r);
	l->at = (uint32_t)r.at;
	l->left--;
	r.at = arg;
	err = pst_suit_command_refused(id, w->section == PST_SUIT_COMMON);
	if (err != PST_OK)
		return err;
	if (id == PST_SUIT_DIR_SET_COMPONENT_INDEX)
		return pst_suit_index_read(
		    w->code, arg, w->m->index_count, &l->index);
	if (id == PST_SUIT_DIR_OVERRIDE_MULTIPLE)
		return override_multiple(w, &r);
	if (l->index.kind == INDEX_NONE)
		return PST_ERR_SUIT_COMPONENT;
	if (id == PST_SUIT_DIR_COPY_PARAMS)
		return copy_params(w, &r);
	if (id == PST_SUIT_DIR_TRY_EACH)
		return try_each(w, arg);
	if (id == PST_SUIT_DIR_RUN_SEQUENCE)
		return run_sequence(w, &r);
	if (pst_suit_trait_of(id)->policy)
		return act(w, &r, id);
	if (pst_suit_custom(id))
		return custom(w, &r);
	return parameters(w, &r);
}

static enum pst_err
sequences(struct walk *w, int32_t section, struct pst_bytes code)
{
	enum pst_err err;

	if (code.len == 0)
		return PST_OK;
	memset(&w->levels[0], 0, sizeof(w->levels[0]));
	w->section = section;
	w->code = code;
	w->depth = 1;
	w->levels[0].index.kind =
	    w->m->index_count == 1 ? INDEX_ONE : INDEX_NONE;
	err = enter(w, code);
	while (err == PST_OK && w->depth > 0) {
		if (w->levels[w->depth - 1].left > 0)
			err = command(w);
		else if (w->depth > 1)
			err = next_alternative(w);
		else
			w->depth = 0;
	}
	return err;
}

enum pst_err
pst_suit_walk(const struct pst_suit_manifest *m, pst_suit_visit *visit,
    pst_suit_copied *copy, void *ctx, struct pst_suit_images *out)
{
	/* In the order in which an update, and then a start, runs them. */
	static const uint8_t order[] = { PST_SUIT_DEPENDENCY_RESOLUTION,
		PST_SUIT_PAYLOAD_FETCH, PST_SUIT_CANDIDATE_VERIFICATION,
		PST_SUIT_INSTALL, PST_SUIT_VALIDATE, PST_SUIT_LOAD,
		PST_SUIT_INVOKE, PST_SUIT_UNINSTALL };
	struct pst_suit_images images;
	struct walk w;
	enum pst_err err;
	size_t i;

	memset(&images, 0, sizeof(images));
	w.m = m;
	w.visit = visit;
	w.copied = copy;
	w.ctx = ctx;
	w.out = &images;
	memset(w.sources, 0, sizeof(w.sources));
	memset(w.encrypted, 0, sizeof(w.encrypted));
	memset(w.tagged, 0, sizeof(w.tagged));
	images.install = m->sections &
	    (1u << PST_SUIT_INSTALL | 1u << PST_SUIT_PAYLOAD_FETCH);
	images.validate = m->sections & 1u << PST_SUIT_VALIDATE;
	images.uninstall = m->sections & 1u << PST_SUIT_UNINSTALL;
	err = pst_suit_supported(m);
	if (err == PST_OK)
		err = sequences(&w, PST_SUIT_COMMON, m->shared_sequence);
	for (i = 0; err == PST_OK && i < sizeof(order); i++) {
		if (m->severed & pst_suit_bit(order[i]))
			return PST_ERR_SUIT_SEVERED;
		err = sequences(&w, order[i],
		    pst_suit_section(m, (enum pst_suit_label)order[i]));
	}
	if (err == PST_OK)
		*out = images;
	return err;
}

enum pst_err
pst_suit_manifest_images(const struct pst_suit_manifest *m,
    pst_suit_visit *visit, void *ctx, struct pst_suit_images *out)
{
	return pst_suit_walk(m, visit, NULL, ctx, out);
}
