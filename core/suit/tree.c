/*
 * The manifests of a run and their components (draft-ietf-suit-trust-domains,
 * Section 6). A component identifier that several manifests have is one place.
 */
#include "suit_run.h"

/* --- what there is ------------------------------------------------------- */

/* Dependency `number`; NULL when there is none. */
static const struct pst_suit_loaded *
loaded(const struct pst_suit_run *run, uint32_t number)
{
	const struct pst_suit_loaded *l = run->loaded;

	while (l != NULL && l->number != number)
		l = l->next;
	return l;
}

const struct pst_suit_manifest *
pst_suit_tree_manifest(const struct pst_suit_run *run, uint32_t number)
{
	const struct pst_suit_loaded *l;

	if (number == 0)
		return run->root;
	l = loaded(run, number);
	return l != NULL ? &l->m : NULL;
}

const struct pst_suit_manifest *
pst_suit_run_manifest(
    const struct pst_suit_run *run, uint32_t number, uint32_t *place)
{
	const struct pst_suit_loaded *l = loaded(run, number);

	*place = l != NULL ? l->place : UINT32_MAX;
	return pst_suit_tree_manifest(run, number);
}

uint32_t
pst_suit_run_place_of(
    const struct pst_suit_run *run, uint32_t number, size_t index)
{
	const struct pst_suit_loaded *l = loaded(run, number);

	if (number == 0 && index < run->root->index_count)
		return (uint32_t)index;
	if (l == NULL || index >= l->m.index_count)
		return UINT32_MAX;
	return l->components[index].place;
}

uint32_t
pst_suit_place(const struct pst_suit_run *run, uint32_t index)
{
	uint32_t place =
	    pst_suit_run_place_of(run, pst_suit_number(run), index);

	/* A manifest without components has the index 0 all the same. */
	return place == UINT32_MAX ? 0 : place;
}

struct pst_bytes
pst_suit_run_place(const struct pst_suit_run *run, uint32_t index)
{
	const struct pst_suit_loaded *l;
	struct pst_bytes id = { NULL, 0 };
	uint32_t i;

	if (index < run->root->index_count)
		return pst_suit_component(run->root, index);
	for (l = run->loaded; l != NULL; l = l->next) {
		for (i = 0; i < l->m.index_count; i++) {
			if (l->components[i].place != index)
				continue;
			id.ptr = l->components[i].id;
			id.len = l->components[i].id_len;
			return id;
		}
	}
	return id;
}

void
pst_suit_place_record(const struct pst_suit_run *run, uint32_t place,
    struct pst_suit_record *record)
{
	const struct pst_suit_loaded *l, *at = NULL;
	size_t n = 0;
	uint32_t i;

	record->component = place;
	/* The newest is looked at first, so the one that brought it is last. */
	for (l = run->loaded; place >= run->root->index_count && l != NULL;
	     l = l->next)
		for (i = 0; i < l->m.index_count; i++)
			if (l->components[i].place == place) {
				record->component = i;
				at = l;
			}
	for (l = at; l != NULL; l = loaded(run, l->dependent))
		n++;
	record->walk_len = n < PST_SUIT_WALK_MAX ? (uint8_t)n : 0;
	for (l = at; record->walk_len > 0 && l != NULL;
	     l = loaded(run, l->dependent))
		record->walk[--n] = l->component;
}

struct pst_suit_loaded *
pst_suit_tree_verified(const struct pst_suit_run *run, uint32_t place)
{
	struct pst_suit_loaded *l = run->loaded;

	while (l != NULL &&
	    (l->place != place || !(l->contexts >> pst_suit_number(run) & 1)))
		l = l->next;
	return l;
}

void
pst_suit_integrity_drop(struct pst_suit_run *run, uint32_t place)
{
	struct pst_suit_loaded *l;

	for (l = run->loaded; l != NULL; l = l->next) {
		if (place != PST_SUIT_PLACES_MAX && l->place != place)
			continue;
		l->contexts = 0;
		l->uninstalled = false;
	}
	if (place != PST_SUIT_PLACES_MAX)
		pst_suit_clear(run->matched, place);
	else
		memset(run->matched, 0, sizeof(run->matched));
}

/* --- loading ------------------------------------------------------------- */

/* Room in the arena, for any structure; NULL when there is not enough. */
static void *
take(struct pst_suit_run *run, size_t bytes)
{
	const struct pst_suit_memory *memory = &run->memory;
	const size_t unit = sizeof(uint64_t);
	size_t at = run->arena_used;
	size_t odd = (size_t)((uintptr_t)(memory->arena + at) % unit);

	if (odd != 0)
		odd = unit - odd;
	if (odd > memory->arena_cap - at ||
	    bytes > memory->arena_cap - at - odd)
		return NULL;
	run->arena_used = at + odd + bytes;
	return memory->arena + at + odd;
}

/* Is there more of the component from `at` on? */
static enum pst_err
nothing_more(
    struct pst_suit_run *run, const struct pst_suit_command_now *c, uint64_t at)
{
	struct pst_bytes chunk;
	enum pst_err err =
	    pst_suit_read_chunk(run, c->component, c->name, at, &chunk);

	if (err == PST_OK && chunk.len > 0)
		return PST_ERR_LIMIT;
	return err;
}

enum pst_err
pst_suit_tree_read(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, struct pst_bytes *env)
{
	uint8_t *out = run->memory.arena + run->arena_used;
	size_t room = run->memory.arena_cap - run->arena_used;
	size_t len, at = 0;
	enum pst_err err;

	do {
		len = 0;
		if (room == at)
			err = nothing_more(run, c, at);
		else
			err = pst_suit_hard(
			    run->host->read(run->host->ctx, c->component,
				c->name, at, out + at, room - at, &len));
		if (err == PST_OK && len > room - at)
			err = PST_ERR_SUIT_OPERATION;
		if (err != PST_OK)
			return err;
		at += len;
	} while (len > 0);
	env->ptr = out;
	env->len = at;
	return PST_OK;
}

/* A place for a component: its own when one has this identifier already. */
static enum pst_err
place_of(struct pst_suit_run *run, struct pst_bytes id, uint16_t *place)
{
	uint32_t i;

	for (i = 0; i < run->place_count; i++) {
		if (!pst_same(pst_suit_run_place(run, i), id))
			continue;
		*place = (uint16_t)i;
		return PST_OK;
	}
	if (run->place_count == PST_SUIT_PLACES_MAX)
		return PST_ERR_LIMIT;
	*place = run->place_count++;
	return PST_OK;
}

/* Both identifiers' elements in one, in the arena (trust-domains,
 * SUIT_Dependencies: "prepends the prefix"). */
static enum pst_err
prefixed(
    struct pst_suit_run *run, struct pst_bytes prefix, struct pst_bytes *id)
{
	struct pst_cbor_reader a, b;
	struct pst_cbor_writer w;
	struct pst_list first, second;
	uint8_t *out;

	if (!PST_SUIT_WITH_DEPENDENCY_PREFIX || prefix.len == 0)
		return PST_OK;
	pst_cbor_reader_init(&a, prefix);
	pst_cbor_reader_init(&b, *id);
	first = pst_cbor_list(&a, 1, PST_SUIT_ID_PARTS_MAX);
	second = pst_cbor_list(&b, 1, PST_SUIT_ID_PARTS_MAX);
	out = take(run, prefix.len + id->len);
	if (out == NULL)
		return PST_ERR_LIMIT;
	pst_cbor_writer_init(&w, out, prefix.len + id->len);
	pst_cbor_put_array(&w, first.count + second.count);
	pst_cbor_put_raw(&w, first.items);
	pst_cbor_put_raw(&w, second.items);
	*id = pst_cbor_written(&w);
	return w.err == PST_OK && pst_component_id_valid(*id)
	    ? PST_OK
	    : PST_ERR_SUIT_COMPONENT;
}

/* The prefix of what a dependency of the manifest that runs names: that of
 * the manifest itself, and the one that it gives. */
static enum pst_err
prefix_of(struct pst_suit_run *run, uint32_t index, struct pst_bytes *prefix)
{
	const struct pst_suit_loaded *l = loaded(run, pst_suit_number(run));
	struct pst_bytes outer = { NULL, 0 };
	uint32_t ordinal;

	if (l != NULL)
		outer = l->prefix;
	/* Of one that is not in suit-components it is the identifier. */
	if (index >= run->m->components.count ||
	    !pst_suit_dependency_find(run->m, index, &ordinal, prefix))
		prefix->len = 0;
	if (prefix->len > 0)
		return prefixed(run, outer, prefix);
	*prefix = outer;
	return PST_OK;
}

/* Give the dependency's components their places. */
static enum pst_err
components(struct pst_suit_run *run, struct pst_suit_loaded *l)
{
	uint32_t i, n = l->m.index_count;
	struct pst_bytes id;
	enum pst_err err;

	l->components = take(run, n * sizeof(l->components[0]));
	if (l->components == NULL)
		return PST_ERR_LIMIT;
	for (i = 0; i < n; i++) {
		id = pst_suit_component(&l->m, i);
		err = prefixed(run, l->prefix, &id);
		if (err == PST_OK)
			err = place_of(run, id, &l->components[i].place);
		if (err != PST_OK)
			return err;
		l->components[i].id = id.ptr;
		l->components[i].id_len = (uint16_t)id.len;
	}
	return PST_OK;
}

/* May the dependency's signer have its components at all? */
static enum pst_err
allowed(struct pst_suit_run *run, const struct pst_suit_loaded *l)
{
	enum pst_err err = PST_OK;
	uint32_t i;

	for (i = 0; err == PST_OK && i < l->m.index_count; i++)
		err = pst_suit_may(run, l->number, l->components[i].place,
		    PST_SUIT_ACT_HOLD, 0);
	return err;
}

/*
 * "By default, any signature of a Dependency MUST be verified" (trust-domains,
 * Changes to Required Checks). Without keys its digest vouches for it, and it
 * has the rights of its dependent.
 */
static enum pst_err
authenticate(struct pst_suit_run *run, const struct pst_suit_envelope *env,
    struct pst_suit_manifest *m)
{
	enum pst_err err;

	if (run->keys != NULL)
		return pst_suit_authenticate(
		    env, run->crypto, run->keys, m, NULL);
	err = pst_suit_accept(env, run->crypto, m, NULL);
	m->who = run->m->who;
	return err;
}

/* A dependency that was not loaded before. What was read is kept. */
static enum pst_err
load_new(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    const struct pst_suit_envelope *env, struct pst_bytes bytes,
    struct pst_bytes prefix)
{
	struct pst_suit_loaded *l;
	enum pst_err err;

	if (run->loaded_count == PST_SUIT_DEPENDENCIES_MAX)
		return PST_ERR_LIMIT;
	l = take(run, sizeof(*l));
	if (l == NULL)
		return PST_ERR_LIMIT;
	memset(l, 0, sizeof(*l));
	l->envelope = bytes;
	l->prefix = prefix;
	l->dependent = pst_suit_number(run);
	l->component = (uint16_t)c->index;
	l->place = (uint16_t)c->component;
	err = authenticate(run, env, &l->m);
	if (err == PST_OK)
		err = pst_suit_supported(&l->m);
	if (err == PST_OK && run->host->accept != NULL)
		err = pst_suit_hard(run->host->accept(
		    run->host->ctx, &l->m, c->component, c->name));
	if (err == PST_OK)
		err = components(run, l);
	if (err != PST_OK)
		return err;
	l->next = run->loaded;
	l->number = ++run->loaded_count;
	run->loaded = l;
	return allowed(run, l);
}

/* Has this very envelope been loaded for this component before? */
static struct pst_suit_loaded *
loaded_before(const struct pst_suit_run *run, uint32_t place,
    struct pst_bytes bytes, struct pst_bytes prefix)
{
	struct pst_suit_loaded *l = run->loaded;

	while (l != NULL &&
	    (l->place != place || !pst_same(l->prefix, prefix) ||
		!pst_same(l->envelope, bytes)))
		l = l->next;
	return l;
}

/* Once more for what is in the arena, with nothing that was found before. */
static enum pst_err
verify_again(struct pst_suit_run *run, struct pst_suit_loaded *l)
{
	const struct pst_suit_envelope *env = &l->m.envelope;
	enum pst_err err = PST_OK;

	if (run->keys != NULL)
		err = pst_suit_signatures(
		    env, run->crypto, run->keys, &l->m.who, NULL);
	if (err == PST_OK)
		err = pst_suit_digest_check(
		    run->crypto, &env->digest, env->manifest_bstr);
	return err;
}

enum pst_err
pst_suit_tree_load(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, const struct pst_suit_digest *digest,
    struct pst_suit_loaded **out)
{
	struct pst_suit_envelope env;
	struct pst_bytes bytes, prefix;
	enum pst_err err;

	err = pst_suit_tree_read(run, c, &bytes);
	if (err == PST_OK)
		err = pst_suit_envelope_decode(bytes, &env, NULL);
	if (err != PST_OK)
		return err;
	if (env.digest.alg != digest->alg ||
	    !pst_equal(env.digest.bytes, digest->bytes))
		return PST_ERR_SUIT_DIGEST;
	run->arena_used += bytes.len;
	err = prefix_of(run, c->index, &prefix);
	if (err != PST_OK)
		return err;
	*out = loaded_before(run, c->component, bytes, prefix);
	if (*out != NULL) {
		run->arena_used = (size_t)(bytes.ptr - run->memory.arena);
		err = verify_again(run, *out);
	} else {
		err = load_new(run, c, &env, bytes, prefix);
		*out = run->loaded;
	}
	if (err == PST_OK)
		(*out)->contexts |= 1u << pst_suit_number(run);
	return err;
}
