/*
 * What the SUIT processor asks of this device. Everything happens in
 * a->staged and in fresh objects; nobody sees it before the commit.
 */
#include "agent/agent_internal.h"

static bool
find(const struct pst_agent *a, enum pst_reg_kind kind, struct pst_bytes key,
    struct pst_reg_record *r)
{
	return pst_reg_find(&a->staged, kind, key, PST_REG_ANY, r);
}

/* Does an anchor's scope admit it? */
static bool
admits(const struct pst_agent_scope *scope, struct pst_bytes component,
    struct pst_suit_act act)
{
	if (act.kind == PST_SUIT_ACT_HOLD)
		return pst_agent_scope_covers(scope, component);
	return pst_agent_scope_allows(
	    scope, component, act.kind == PST_SUIT_ACT_PARAMETER, act.label);
}

/*
 * The signer's anchor and the TAM's must both admit it. When an installed
 * manifest is uninstalled its signer was checked long ago, and may be trusted
 * no more: that must not keep its components here. A manifest may list what
 * its signer does not reach, to say where a dependency finds its payload; it
 * has no reference to that (docs/decisions/0033).
 */
static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, struct pst_suit_act act)
{
	struct pst_agent *a = ctx;
	const struct pst_agent_update *u = &a->update;
	struct pst_reg_record r;

	if (component.len > PST_SUIT_ID_MAX)
		return PST_ERR_SUIT_COMPONENT;
	if (!admits(&a->config->tams[u->tam].scope, component, act))
		return PST_ERR_SUIT_UNAUTHORISED;
	if (!u->uninstall &&
	    (m->who >= a->config->signer_count ||
		(act.kind != PST_SUIT_ACT_HOLD &&
		    !admits(
			&a->config->signers[m->who].scope, component, act))))
		return PST_ERR_SUIT_UNAUTHORISED;
	/* Where a root manifest is kept there is no room for content. */
	if (pst_same(component, u->manifest.component_id) ||
	    find(a, PST_REG_MANIFEST, component, &r))
		return PST_ERR_SUIT_COMPONENT;
	return PST_OK;
}

static enum pst_err
identify(void *ctx, struct pst_bytes component, enum pst_suit_parameter what,
    struct pst_bytes uuid)
{
	const struct pst_agent *a = ctx;
	struct pst_bytes mine;

	(void)component;
	switch (what) {
	case PST_SUIT_PARAM_VENDOR:
		mine = a->config->vendor_id;
		break;
	case PST_SUIT_PARAM_CLASS:
		mine = a->config->class_id;
		break;
	case PST_SUIT_PARAM_DEVICE:
		mine = a->config->device_id;
		break;
	default:
		return PST_ERR_SUIT_PARAMETER;
	}
	if (mine.len == 0 || !pst_same(mine, uuid))
		return PST_ERR_SUIT_CONDITION;
	return PST_OK;
}

/* Components of a TEE have one place each, slot 0. */
static enum pst_err
slot(void *ctx, struct pst_bytes component, uint64_t number)
{
	(void)ctx;
	(void)component;
	return number == 0 ? PST_OK : PST_ERR_SUIT_CONDITION;
}

struct pst_bytes
pst_agent_host_kept(const struct pst_agent *a, uint32_t number)
{
	const struct pst_suit_run *run = &a->update.run;
	uint32_t place;

	if (number == 0)
		return a->update.manifest.component_id;
	(void)pst_suit_run_manifest(run, number, &place);
	return pst_suit_run_place(run, place);
}

/* The number of a manifest of the run. */
static uint32_t
number_of(const struct pst_agent *a, const struct pst_suit_manifest *m)
{
	const struct pst_suit_run *run = &a->update.run;
	uint32_t n, place;

	for (n = run->loaded_count; n > 0; n--) {
		if (pst_suit_run_manifest(run, n, &place) == m)
			break;
	}
	return n;
}

/* A manifest gives up its reference to a place. */
static void
note_unlinked(struct pst_agent *a, uint32_t number, struct pst_bytes component)
{
	const struct pst_suit_run *run = &a->update.run;
	uint32_t i;

	for (i = 0; i < run->place_count; i++) {
		if (pst_same(pst_suit_run_place(run, i), component))
			a->update.unlinked[number][i / 64] |= (uint64_t)1
			    << (i % 64);
	}
}

/* What is written is referred to by all manifests that have it. */
static void
note_written(struct pst_agent *a, uint32_t place)
{
	size_t n;

	for (n = 0; n <= PST_SUIT_DEPENDENCIES_MAX; n++)
		a->update.unlinked[n][place / 64] &=
		    ~((uint64_t)1 << (place % 64));
}

/*
 * "If the reference count of a component is non-zero, any command that alters
 * that component MUST cause the Manifest Processor to Abort" (trust-domains,
 * suit-directive-unlink). References of this manifest and its tree, or of the
 * one that it replaces, do not count: they end with this transaction. What
 * others refer to may be written with the bytes that it has: what it was is
 * kept until all is written and can be compared.
 */
static enum pst_err
keep_prior(struct pst_agent *a, struct pst_bytes component)
{
	struct pst_reg_record r, had;

	if (!pst_agent_links_others(a, component) ||
	    find(a, PST_REG_PRIOR, component, &had))
		return PST_OK;
	if (!find(a, PST_REG_COMPONENT, component, &r))
		return PST_ERR_AGENT_IN_USE;
	r.kind = PST_REG_PRIOR;
	return pst_reg_add(&a->staged, &r);
}

enum pst_err
pst_agent_host_place(struct pst_agent *a, uint32_t index,
    struct pst_bytes component, uint64_t object)
{
	static const uint8_t unknown[32];
	struct pst_reg_record r = { .kind = PST_REG_COMPONENT };
	enum pst_err err = keep_prior(a, component);

	if (err != PST_OK)
		return err;
	note_written(a, index);
	a->update.open_index = index;
	a->update.open_object = object;
	a->update.open_bytes = 0;
	r.key = component;
	r.data.ptr = unknown;
	r.data.len = sizeof(unknown);
	r.n[0] = object;
	r.n[3] = 1;
	return pst_reg_put(&a->staged, &r);
}

/* The object to write into: a fetch that is begun anew keeps its own. */
static uint64_t
write_object(struct pst_agent *a, uint32_t index)
{
	struct pst_agent_update *u = &a->update;

	if (!u->fetching || u->fetch_begun || u->fetch_index != index) {
		u->fetching = false;
		return pst_agent_object(a);
	}
	u->fetch_begun = true;
	if (u->fetch_object == 0)
		u->fetch_object = pst_agent_object(a);
	return u->fetch_object;
}

static enum pst_err
write_begin(
    void *ctx, uint32_t index, struct pst_bytes component, uint64_t size_bytes)
{
	struct pst_agent *a = ctx;
	const struct pst_store *s = a->ports.store;
	enum pst_err err;

	(void)size_bytes;
	a->update.open = false;
	if (a->update.uninstall)
		return PST_ERR_SUIT_OPERATION;
	err = pst_agent_host_place(a, index, component, write_object(a, index));
	if (err == PST_OK)
		err = s->object_create(s->ctx, a->update.open_object);
	a->update.open = err == PST_OK;
	return err;
}

/* Where the manifest sets no image-size, this device does. */
static bool
fits(const struct pst_agent *a, size_t len)
{
	const struct pst_agent_update *u = &a->update;
	uint64_t max = a->config->payload_max;

	if (u->run.image_bytes != UINT64_MAX)
		return true;
	if (max == 0)
		max = PST_AGENT_PAYLOAD_MAX;
	return u->open_bytes <= max && len <= max - u->open_bytes;
}

static enum pst_err
write(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	struct pst_agent *a = ctx;
	struct pst_agent_update *u = &a->update;
	const struct pst_store *s = a->ports.store;
	enum pst_err err;

	if (!u->open || u->open_index != index)
		return PST_ERR_STATE;
	if (!fits(a, chunk.len))
		return PST_ERR_LIMIT;
	err = s->object_append(s->ctx, u->open_object, chunk);
	if (err == PST_OK)
		u->open_bytes += chunk.len;
	return err;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	struct pst_agent *a = ctx;
	struct pst_agent_update *u = &a->update;
	const struct pst_store *s = a->ports.store;
	enum pst_err err;

	if (!u->open || u->open_index != index)
		return PST_ERR_STATE;
	u->open = false;
	err = s->object_finish(s->ctx, u->open_object);
	if (err == PST_OK && u->fetching && u->fetch_index == index)
		pst_agent_journal_complete(a);
	u->fetching = false;
	return err;
}

static enum pst_err
read(void *ctx, uint32_t index, struct pst_bytes component, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	struct pst_agent *a = ctx;
	const struct pst_store *s = a->ports.store;
	struct pst_reg_record r;

	(void)index;
	*len = 0;
	if (!find(a, PST_REG_COMPONENT, component, &r))
		return PST_ERR_NOT_FOUND;
	return s->object_read(s->ctx, r.n[0], at, out, cap, len);
}

/* The reference of this manifest, once; content without any is gone. */
static enum pst_err
unlink(void *ctx, const struct pst_suit_manifest *m, struct pst_bytes component)
{
	struct pst_agent *a = ctx;
	uint32_t number = number_of(a, m);
	struct pst_reg_record r;

	pst_reg_remove(&a->staged, PST_REG_LINK, pst_agent_host_kept(a, number),
	    component);
	note_unlinked(a, number, component);
	if (!pst_reg_find(&a->staged, PST_REG_LINK, PST_REG_ANY, component, &r))
		pst_reg_remove(
		    &a->staged, PST_REG_COMPONENT, component, PST_REG_ANY);
	return PST_OK;
}

static enum pst_err
references(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, bool *others)
{
	const struct pst_agent *a = ctx;

	*others = pst_agent_links_more(
	    a, pst_agent_host_kept(a, number_of(a, m)), component);
	return PST_OK;
}

/*
 * Rollback of a dependency (draft-ietf-suit-manifest, Section 6.2): it is not
 * older than what its component held before this transaction, nor than the
 * root manifest of its own name, installed or not.
 */
static enum pst_err
accept(void *ctx, const struct pst_suit_manifest *m, uint32_t index,
    struct pst_bytes component)
{
	const struct pst_agent *a = ctx;
	struct pst_reg_record r;

	(void)index;
	if (a->update.uninstall)
		return PST_OK;
	if (pst_reg_find(
		&a->registry, PST_REG_COMPONENT, component, PST_REG_ANY, &r) &&
	    m->sequence < r.n[2])
		return PST_ERR_SUIT_SEQUENCE;
	if (m->component_id.len > 0 &&
	    pst_reg_find(&a->registry, PST_REG_MANIFEST, m->component_id,
		PST_REG_ANY, &r) &&
	    m->sequence < r.n[0])
		return PST_ERR_SUIT_SEQUENCE;
	return PST_OK;
}

/* A time that the device itself does not rely on is none. */
static enum pst_err
now(void *ctx, uint64_t *seconds)
{
	const struct pst_agent *a = ctx;
	const struct pst_clock *clock = a->ports.clock;
	bool trusted = false;
	enum pst_err err = clock->now(clock->ctx, seconds, &trusted);

	if (err != PST_OK || !trusted)
		return PST_ERR_CLOCK;
	return PST_OK;
}

/*
 * A component has the version of the manifest that refers to it, the oldest
 * with a version when there are several. Until this transaction ends that is
 * the version that is installed, not the one that this manifest brings.
 */
static enum pst_err
version(void *ctx, struct pst_bytes component, struct pst_bytes *out)
{
	const struct pst_agent *a = ctx;
	struct pst_reg_record link, release;
	size_t at = 0;

	while (pst_reg_seek(
	    &a->staged, &at, PST_REG_LINK, PST_REG_ANY, component, &link)) {
		if (!find(a, PST_REG_RELEASE, link.key, &release))
			continue;
		*out = release.data;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

void
pst_agent_host_init(struct pst_agent *a)
{
	struct pst_suit_host *h = &a->update.host;

	memset(h, 0, sizeof(*h));
	h->ctx = a;
	h->authorise = authorise;
	h->identify = identify;
	h->slot = slot;
	h->write_begin = write_begin;
	h->write = write;
	h->write_end = write_end;
	h->read = read;
	h->fetched = pst_agent_journal_ask;
	h->unlink = unlink;
	h->references = references;
	h->accept = accept;
	h->invoke = NULL;
	h->now = now;
	h->version = version;
	/* No port tells the battery or asks a user, nothing here can wait for
	 * an event, and objects have neither metadata nor a second place. */
	h->battery = NULL;
	h->authorized = NULL;
	h->wait = NULL;
	h->metadata = NULL;
	h->swap = NULL;
}
