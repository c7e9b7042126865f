/*
 * The manifest of an envelope (draft-ietf-suit-manifest, Sections 8.4, 8.5).
 *
 * Order matters: first the digest of the manifest, then the manifest is
 * parsed and severed members are compared, and last every member of the
 * envelope must have been named by the manifest. authenticate.c lets nothing
 * come here whose digest was not signed.
 */
#include "suit_internal.h"

/* Where a section's offset is kept; 0 for what is no section. */
static const uint8_t slots[PST_SUIT_LABEL_MAX + 1] = {
	[PST_SUIT_SET_VERSION] = 1,
	[PST_SUIT_VALIDATE] = 2,
	[PST_SUIT_LOAD] = 3,
	[PST_SUIT_INVOKE] = 4,
	[PST_SUIT_COSWID] = 5,
	[PST_SUIT_DEPENDENCY_RESOLUTION] = 6,
	[PST_SUIT_PAYLOAD_FETCH] = 7,
	[PST_SUIT_CANDIDATE_VERIFICATION] = 8,
	[PST_SUIT_INSTALL] = 9,
	[PST_SUIT_TEXT] = 10,
	[PST_SUIT_UNINSTALL] = 11,
};
_Static_assert(PST_SUIT_SECTION_COUNT == 11, "one slot a section");

/* What examining one manifest needs beside its reader. */
struct examination {
	struct pst_suit_manifest *m;
	const struct pst_crypto *crypto;
	struct pst_cbor_reader r; /* over members, at the manifest */
	uint32_t named; /* members that the manifest has a digest of */
};

struct pst_bytes
pst_suit_section(const struct pst_suit_manifest *m, enum pst_suit_label label)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_cbor_reader r;

	if (!(m->sections & pst_suit_bit((int64_t)label)))
		return none;
	pst_cbor_reader_init(&r, m->envelope.members);
	r.at = m->section_at[slots[label] - 1];
	return pst_cbor_bstr(&r, 0, SIZE_MAX);
}

struct pst_bytes
pst_suit_set_version(const struct pst_suit_manifest *m)
{
	return pst_suit_section(m, PST_SUIT_SET_VERSION);
}

/* Take the first entry of suit-dependencies off; prefix is empty when it has
 * none. The map was judged when the manifest was read. */
static bool
next_dependency(
    struct pst_list *list, uint64_t *index, struct pst_bytes *prefix)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_bytes item;

	prefix->len = 0;
	if (!pst_list_next(list, &item))
		return false;
	pst_cbor_reader_init(&r, item);
	*index = pst_cbor_uint(&r, UINT64_MAX);
	(void)pst_list_next(list, &item);
	pst_cbor_reader_init(&r, item);
	if (pst_cbor_map(&r, SIZE_MAX, &seen) == 0)
		return true;
	(void)pst_cbor_key(&r, &seen);
	*prefix = pst_cbor_item(&r);
	return true;
}

bool
pst_suit_dependency_find(const struct pst_suit_manifest *m, size_t index,
    uint32_t *ordinal, struct pst_bytes *prefix)
{
	struct pst_list list = m->dependencies;
	uint64_t key;

	for (*ordinal = 0; next_dependency(&list, &key, prefix); ++*ordinal)
		if (key == index)
			return true;
	return false;
}

bool
pst_suit_dependency(const struct pst_suit_manifest *m, size_t index)
{
	struct pst_bytes prefix;
	uint32_t ordinal;

	return pst_suit_dependency_find(m, index, &ordinal, &prefix);
}

struct pst_bytes
pst_suit_component(const struct pst_suit_manifest *m, size_t index)
{
	struct pst_list list = m->components;
	struct pst_bytes item = { NULL, 0 };
	uint32_t ordinal;

	if (index >= m->index_count)
		return item;
	if (index >= list.count) {
		(void)pst_suit_dependency_find(m, index, &ordinal, &item);
		return item;
	}
	do
		(void)pst_list_next(&list, &item);
	while (index-- > 0);
	return item;
}

/* Compare item, a whole bstr, with what the manifest says of it. */
static void
compare(struct examination *e, const struct pst_suit_digest *digest,
    struct pst_bytes item)
{
	pst_cbor_fail(&e->r, pst_suit_digest_check(e->crypto, digest, item));
}

/*
 * A member that is a sequence, or the digest of one that stands, or stood,
 * in the envelope. A sequence that was severed is used only when it has the
 * digest that was signed.
 */
static void
section(struct examination *e, int64_t label)
{
	struct pst_suit_manifest *m = e->m;
	struct pst_suit_digest digest;
	struct pst_bytes item;
	size_t at = e->r.at;

	if (pst_cbor_peek(&e->r) != PST_CBOR_ARRAY ||
	    !(pst_suit_bit(label) & PST_SUIT_SEVERABLE)) {
		(void)pst_cbor_bstr(&e->r, 1, SIZE_MAX);
		m->sections |= pst_suit_bit(label);
		m->section_at[slots[label] - 1] = (uint32_t)at;
		return;
	}
	digest = pst_suit_digest_read(&e->r);
	e->named |= pst_suit_bit(label);
	if (!pst_suit_member(&m->envelope, label, &item)) {
		m->severed |= pst_suit_bit(label);
		return;
	}
	if (!pst_cbor_ok(&e->r))
		return;
	compare(e, &digest, item);
	m->sections |= pst_suit_bit(label);
	m->section_at[slots[label] - 1] =
	    (uint32_t)(item.ptr - m->envelope.members.ptr);
}

/*
 * SUIT_Components. The same identifier twice would let one index be written
 * after the other was verified.
 */
static void
components(struct examination *e)
{
	struct pst_list rest, before;
	struct pst_bytes id, other;

	rest = pst_cbor_list(&e->r, 1, SIZE_MAX);
	(void)pst_suit_at_most(
	    &e->r, rest.count, PST_SUIT_COMPONENTS_MAX, PST_ERR_SUIT_COMPONENT);
	if (!pst_cbor_ok(&e->r))
		return;
	e->m->components = rest;
	while (pst_list_next(&rest, &id)) {
		if (!pst_component_id_valid(id))
			pst_cbor_fail(&e->r, PST_ERR_SUIT_COMPONENT);
		before = e->m->components;
		while (pst_list_next(&before, &other) && other.ptr != id.ptr)
			if (pst_same(id, other))
				pst_cbor_fail(&e->r, PST_ERR_SUIT_COMPONENT);
	}
}

/* SUIT_Dependencies; what its indices mean is judged in indices(). */
static void
dependencies(struct examination *e)
{
	struct pst_cbor_seen seen, inner;
	struct pst_bytes prefix;
	size_t n = pst_cbor_map(&e->r, SIZE_MAX, &seen);
	size_t fields, start = e->r.at;

	if (n == 0)
		pst_cbor_fail(&e->r, PST_ERR_CBOR_RANGE);
	n = pst_suit_at_most(
	    &e->r, n, PST_SUIT_DEPENDENCIES_MAX, PST_ERR_LIMIT);
	e->m->dependencies.count = 2 * n;
	while (n-- > 0 && pst_cbor_ok(&e->r)) {
		if (pst_cbor_key(&e->r, &seen) < 0)
			pst_cbor_fail(&e->r, PST_ERR_CBOR_TYPE);
		fields = pst_cbor_map(&e->r, 1, &inner);
		if (fields == 0)
			continue;
		if (pst_cbor_key(&e->r, &inner) != 1)
			pst_cbor_fail(&e->r, PST_ERR_SUIT_STRUCTURE);
		prefix = pst_cbor_item(&e->r);
		if (!pst_component_id_valid(prefix))
			pst_cbor_fail(&e->r, PST_ERR_SUIT_COMPONENT);
	}
	e->m->dependencies.items.ptr = e->r.in.ptr + start;
	e->m->dependencies.items.len = e->r.at - start;
}

/*
 * Which component indices there are. The published examples of trust-domains
 * name a dependency that is not in suit-components by the next index, and its
 * prefix is its identifier then (docs/interop.md).
 */
static void
indices(struct examination *e)
{
	struct pst_list list = e->m->dependencies;
	struct pst_bytes prefix;
	uint64_t index;

	e->m->index_count = (uint32_t)e->m->components.count;
	while (pst_cbor_ok(&e->r) && next_dependency(&list, &index, &prefix)) {
		if (index < e->m->components.count)
			continue;
		if (index != e->m->index_count || prefix.len == 0 ||
		    index >= PST_SUIT_COMPONENTS_MAX)
			pst_cbor_fail(&e->r, PST_ERR_SUIT_COMPONENT);
		e->m->index_count++;
	}
}

/* Read a bstr and go on inside it; returns where the outer map ends. */
static size_t
enter(struct examination *e)
{
	struct pst_bytes content = pst_cbor_bstr(&e->r, 1, SIZE_MAX);
	size_t outer = e->r.in.len;

	if (pst_cbor_ok(&e->r)) {
		e->r.in.len = e->r.at;
		e->r.at -= content.len;
	}
	return outer;
}

/* Nothing may follow inside the bstr; then go on after it. */
static void
leave(struct examination *e, size_t outer)
{
	if (pst_cbor_ok(&e->r) && e->r.at != e->r.in.len)
		pst_cbor_fail(&e->r, PST_ERR_CBOR_TRAILING);
	e->r.in.len = outer;
}

static void
common(struct examination *e)
{
	struct pst_cbor_seen seen;
	size_t outer = enter(e);
	size_t n = pst_cbor_map(&e->r, 8, &seen);

	while (n-- > 0 && pst_cbor_ok(&e->r)) {
		switch (pst_cbor_key(&e->r, &seen)) {
		case PST_SUIT_DEPENDENCIES:
			dependencies(e);
			break;
		case PST_SUIT_COMPONENTS:
			components(e);
			break;
		case PST_SUIT_SHARED_SEQUENCE:
			e->m->shared_sequence =
			    pst_cbor_bstr(&e->r, 1, SIZE_MAX);
			break;
		default:
			pst_cbor_fail(&e->r, PST_ERR_SUIT_STRUCTURE);
		}
	}
	leave(e, outer);
	indices(e);
}

/* A wrong version is told before anything else of the manifest is judged. */
static void
version(struct examination *e)
{
	if (pst_cbor_uint(&e->r, UINT64_MAX) != 1)
		pst_cbor_fail(&e->r, PST_ERR_SUIT_VERSION);
}

/* [+int] */
static void
set_version(struct examination *e)
{
	struct pst_bytes version = pst_suit_set_version(e->m);
	struct pst_cbor_reader r;

	if (!pst_cbor_ok(&e->r) || pst_suit_version_valid(version))
		return;
	pst_cbor_reader_init(&r, version);
	(void)pst_suit_at_most(&e->r, pst_cbor_array(&r, 0, SIZE_MAX),
	    PST_SUIT_VERSION_MAX, PST_ERR_LIMIT);
	pst_cbor_fail(&e->r, PST_ERR_SUIT_STRUCTURE);
}

/*
 * One member of the manifest. An unknown one is refused: it may be the very
 * command sequence that makes the others safe.
 */
static void
manifest_member(struct examination *e, int64_t label)
{
	switch (label) {
	case PST_SUIT_VERSION:
		version(e);
		break;
	case PST_SUIT_SEQUENCE:
		e->m->sequence = pst_cbor_uint(&e->r, UINT64_MAX);
		break;
	case PST_SUIT_COMMON:
		common(e);
		break;
	case PST_SUIT_REFERENCE_URI:
		e->m->reference_uri = pst_cbor_tstr(&e->r, 0, SIZE_MAX);
		(void)pst_suit_at_most(&e->r, e->m->reference_uri.len,
		    PST_SUIT_URI_MAX, PST_ERR_LIMIT);
		break;
	case PST_SUIT_COMPONENT_ID:
		e->m->component_id = pst_cbor_item(&e->r);
		if (pst_cbor_ok(&e->r) &&
		    !pst_component_id_valid(e->m->component_id))
			pst_cbor_fail(&e->r, PST_ERR_SUIT_COMPONENT);
		break;
	case PST_SUIT_SET_VERSION:
		section(e, label);
		set_version(e);
		break;
	default:
		if (pst_suit_bit(label) & PST_SUIT_SECTIONS)
			section(e, label);
		else
			pst_cbor_fail(&e->r, PST_ERR_SUIT_STRUCTURE);
	}
}

static void
manifest(struct examination *e)
{
	const uint32_t required = 1u << PST_SUIT_VERSION |
	    1u << PST_SUIT_SEQUENCE | 1u << PST_SUIT_COMMON;
	struct pst_cbor_seen seen;
	size_t outer = enter(e);
	size_t n = pst_cbor_map(&e->r, PST_SUIT_LABEL_MAX, &seen);

	while (n-- > 0 && pst_cbor_ok(&e->r)) {
		size_t at = e->r.at;
		int64_t label = pst_cbor_key(&e->r, &seen);

		if (!pst_cbor_ok(&e->r))
			break;
		manifest_member(e, label);
		if (e->r.err == PST_ERR_SUIT_STRUCTURE)
			e->r.at = at;
	}
	if (pst_cbor_ok(&e->r) && (seen.small & required) != required)
		pst_cbor_fail(&e->r, PST_ERR_SUIT_STRUCTURE);
	leave(e, outer);
}

/*
 * Every member with an integer label must be named, by digest, in the
 * manifest: an `install` that somebody added to a signed envelope is not.
 */
static void
unnamed(struct examination *e)
{
	struct pst_cbor_reader *r = &e->r;
	size_t n = e->m->envelope.member_count;

	r->at = 0;
	while (n-- > 0 && pst_cbor_ok(r)) {
		bool text = pst_cbor_peek(r) == PST_CBOR_TSTR;
		size_t at = r->at;
		int64_t label;

		if (text) {
			pst_cbor_skip(r);
			pst_cbor_skip(r);
			continue;
		}
		label = pst_cbor_int(r, 0, PST_SUIT_LABEL_MAX);
		pst_cbor_skip(r);
		if (label == PST_SUIT_AUTHENTICATION ||
		    label == PST_SUIT_MANIFEST ||
		    e->named & pst_suit_bit(label))
			continue;
		r->at = at;
		pst_cbor_fail(r, PST_ERR_SUIT_DIGEST);
	}
}

/* Everything after the signature: the manifest's digest, then its content. */
enum pst_err
pst_suit_accept(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, struct pst_suit_manifest *out, size_t *at)
{
	struct examination e;

	memset(&e, 0, sizeof(e));
	memset(out, 0, sizeof(*out));
	out->envelope = *env;
	out->digest = env->digest;
	e.m = out;
	e.crypto = crypto;
	pst_cbor_reader_init(&e.r, env->members);
	e.r.at = (size_t)(env->manifest_bstr.ptr - env->members.ptr);
	compare(&e, &env->digest, env->manifest_bstr);
	if (pst_cbor_ok(&e.r))
		manifest(&e);
	if (pst_cbor_ok(&e.r))
		unnamed(&e);
	if (at != NULL)
		*at = env->members_at + e.r.at;
	if (!pst_cbor_ok(&e.r))
		memset(out, 0, sizeof(*out));
	return e.r.err;
}
