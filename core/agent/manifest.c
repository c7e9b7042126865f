/*
 * One manifest of an Update: authenticated, compared with what is installed,
 * and recorded when its procedure is done. The way back is in unlink.c.
 *
 * All of it happens in a->staged. How sequence numbers are compared is in
 * compare(); what becomes of an old version is in manifest_end(): its
 * references are replaced by the new one's, in the same transaction. Its
 * uninstall section does not run, for it would take away what has just been
 * written; it runs when the TAM unlinks a manifest (docs/interop.md).
 */
#include "agent/agent_internal.h"

enum pst_err
pst_agent_stage(struct pst_agent *a)
{
	struct pst_reg_record r;
	size_t at = 0;
	enum pst_err err;

	a->staged.len = 0;
	while (pst_reg_next(&a->registry, &at, &r)) {
		if (!pst_reg_transactional(r.kind))
			continue;
		err = pst_reg_add(&a->staged, &r);
		if (err != PST_OK)
			return err;
	}
	return PST_OK;
}

bool
pst_agent_find_manifest(
    const struct pst_agent *a, struct pst_bytes id, struct pst_reg_record *r)
{
	return pst_reg_find(&a->staged, PST_REG_MANIFEST, id, PST_REG_ANY, r);
}

/* Where the manifest will be kept: reachable for its signer and the TAM. */
static enum pst_err
check_id(const struct pst_agent *a, const struct pst_suit_manifest *m)
{
	struct pst_reg_record r;

	/* A root manifest without an identifier could never be replaced or
	 * removed (trust-domains, Manifest Component ID). */
	if (m->component_id.len == 0 || m->component_id.len > PST_SUIT_ID_MAX)
		return PST_ERR_SUIT_COMPONENT;
	if (!pst_agent_tam_covers(a, a->update.tam, m->component_id) ||
	    m->who >= a->config->signer_count ||
	    !pst_agent_scope_covers(
		&a->config->signers[m->who].scope, m->component_id))
		return PST_ERR_SUIT_UNAUTHORISED;
	if (pst_reg_find(&a->staged, PST_REG_COMPONENT, m->component_id,
		PST_REG_ANY, &r))
		return PST_ERR_SUIT_COMPONENT;
	return PST_OK;
}

/* Hash algorithms have negative numbers; a record holds none. */
static uint64_t
hash_number(int32_t alg)
{
	return (uint64_t)(-(int64_t)alg);
}

/*
 * Rollback protection (draft-ietf-suit-manifest, Section 6.1). The number of
 * a manifest that was uninstalled still counts; the very same manifest may
 * come back after that, for an Update that asks for it is new: the replay of
 * an old one was refused by its token.
 *
 * @param same  it is installed already
 */
static enum pst_err
compare(
    const struct pst_agent *a, const struct pst_suit_manifest *m, bool *same)
{
	struct pst_reg_record r;
	bool equal;

	*same = false;
	if (!pst_agent_find_manifest(a, m->component_id, &r) ||
	    m->sequence > r.n[0])
		return PST_OK;
	equal = hash_number(m->digest.alg) == r.n[2] &&
	    pst_equal(m->digest.bytes, r.data);
	if (m->sequence < r.n[0] || !equal)
		return PST_ERR_SUIT_SEQUENCE;
	*same = r.n[1] != 0;
	return PST_OK;
}

/*
 * What the version before refers to may go with it, so its components are
 * reached by this signer and this TAM, as for an unlink.
 */
static enum pst_err
check_replaced(const struct pst_agent *a, const struct pst_suit_manifest *m)
{
	const struct pst_agent_scope *signer =
	    &a->config->signers[m->who].scope;
	struct pst_reg_record link;
	size_t at = 0;

	while (pst_reg_seek(&a->staged, &at, PST_REG_LINK, m->component_id,
	    PST_REG_ANY, &link)) {
		if (!pst_agent_tam_covers(a, a->update.tam, link.other) ||
		    !pst_agent_scope_covers(signer, link.other))
			return PST_ERR_SUIT_UNAUTHORISED;
	}
	return PST_OK;
}

/* May it be installed, and is there anything to do? Apart for its frame. */
static __attribute__((noinline)) enum pst_err
check(const struct pst_agent *a, const struct pst_suit_manifest *m, bool *same)
{
	enum pst_err err = check_id(a, m);

	if (err == PST_OK)
		err = compare(a, m, same);
	if (err == PST_OK && !*same)
		err = check_replaced(a, m);
	return err;
}

enum pst_err
pst_agent_run_begin(struct pst_agent *a, const struct pst_keys *keys)
{
	struct pst_agent_update *u = &a->update;
	const struct pst_suit_run_args args = { a->ports.crypto, &u->host,
		&u->report, keys, a->memory.suit };

	return pst_suit_run_begin(&u->run, &u->manifest, &args);
}

enum pst_err
pst_agent_manifest_begin(struct pst_agent *a, struct pst_bytes envelope)
{
	struct pst_agent_update *u = &a->update;
	const struct pst_crypto *c = a->ports.crypto;
	bool same = false;
	enum pst_err err;

	u->place++;
	u->step = 0;
	u->uninstall = false;
	u->keys = pst_agent_signer_keys(a);
	pst_agent_report_begin(a);
	err = pst_suit_envelope_decode(envelope, &u->envelope, NULL);
	if (err == PST_OK)
		err = pst_suit_authenticate(
		    &u->envelope, c, &u->keys, &u->manifest, NULL);
	if (err == PST_OK)
		err = check(a, &u->manifest, &same);
	if (err != PST_OK)
		return err;
	if (same) {
		pst_agent_manifest_report(a, PST_OK);
		return PST_OK;
	}
	pst_agent_links_mark(a, u->manifest.component_id);
	err = pst_agent_run_begin(a, &u->keys);
	u->running = err == PST_OK;
	return err;
}

static enum pst_err
hash_object(struct pst_agent *a, uint32_t hash, uint64_t object, uint64_t *size)
{
	const struct pst_store *s = a->ports.store;
	const struct pst_crypto *c = a->ports.crypto;
	struct pst_bytes chunk = { a->memory.suit.work, 0 };
	enum pst_err err;

	*size = 0;
	do {
		err = s->object_read(s->ctx, object, *size, a->memory.suit.work,
		    a->memory.suit.work_cap, &chunk.len);
		if (err == PST_OK && chunk.len > 0)
			err = c->hash_update(c->ctx, hash, chunk);
		*size += chunk.len;
	} while (err == PST_OK && chunk.len > 0);
	return err;
}

/* Size and digest of what was written, from what the store gives back. */
static enum pst_err
measure(struct pst_agent *a, struct pst_reg_record *r)
{
	const struct pst_crypto *c = a->ports.crypto;
	uint8_t digest[PST_DIGEST_MAX];
	uint32_t hash = 0;
	size_t len = 0;
	enum pst_err err, end;

	err = c->hash_begin(c->ctx, PST_ALG_SHA256, &hash);
	if (err != PST_OK)
		return err;
	err = hash_object(a, hash, r->n[0], &r->n[1]);
	end = c->hash_end(c->ctx, hash, err == PST_OK ? digest : NULL, &len);
	if (err == PST_OK)
		err = end;
	if (err == PST_OK && len != 32)
		err = PST_ERR_CRYPTO;
	if (err != PST_OK)
		return err;
	r->data.ptr = digest;
	r->data.len = len;
	r->n[3] = 0;
	return pst_reg_put(&a->staged, r);
}

/* A staged component with its size and digest; false: there is none. */
static enum pst_err
measured(struct pst_agent *a, struct pst_bytes id, struct pst_reg_record *r,
    bool *there)
{
	enum pst_err err;

	*there =
	    pst_reg_find(&a->staged, PST_REG_COMPONENT, id, PST_REG_ANY, r);
	if (!*there || r->n[3] == 0)
		return PST_OK;
	err = measure(a, r);
	if (err != PST_OK)
		return err;
	*there =
	    pst_reg_find(&a->staged, PST_REG_COMPONENT, id, PST_REG_ANY, r);
	return PST_OK;
}

/*
 * What others refer to and was written here is what it was before; then what
 * was before stays. All of it is measured by its bytes: an envelope of the
 * same manifest with other signatures is another content (docs/interop.md).
 */
static enum pst_err
settle_prior(struct pst_agent *a, struct pst_reg_record *was)
{
	struct pst_reg_record is;
	bool there;
	enum pst_err err = measured(a, was->key, &is, &there);

	if (err == PST_OK && there &&
	    (is.n[1] != was->n[1] || !pst_equal(is.data, was->data)))
		err = PST_ERR_AGENT_IN_USE;
	if (err != PST_OK)
		return err;
	was->kind = PST_REG_COMPONENT;
	return pst_reg_put(&a->staged, was);
}

static enum pst_err
settle_priors(struct pst_agent *a)
{
	struct pst_reg_record was;
	enum pst_err err = PST_OK;

	/* Records move under views, so each is found anew and then removed. */
	while (err == PST_OK &&
	    pst_reg_find(
		&a->staged, PST_REG_PRIOR, PST_REG_ANY, PST_REG_ANY, &was)) {
		uint8_t id[PST_SUIT_ID_MAX], digest[32];

		pst_copy(id, was.key);
		pst_copy(digest, was.data);
		was.key.ptr = id;
		was.data.ptr = digest;
		err = settle_prior(a, &was);
		pst_reg_remove_first(
		    &a->staged, PST_REG_PRIOR, PST_REG_ANY, PST_REG_ANY);
	}
	return err;
}

/* Does the signer of a manifest of the run reach a component? */
static bool
reaches(const struct pst_agent *a, uint32_t number, struct pst_bytes component)
{
	const struct pst_suit_manifest *m;
	uint32_t place;

	m = pst_suit_run_manifest(&a->update.run, number, &place);
	return m->who < a->config->signer_count &&
	    pst_agent_scope_covers(
		&a->config->signers[m->who].scope, component);
}

/*
 * The reference of manifest `number` of the run to one of its components.
 * There may be no content, or the manifest itself unlinked it, or lists it
 * for its URI only.
 */
static enum pst_err
link_component(struct pst_agent *a, uint32_t number, size_t index)
{
	const struct pst_suit_run *run = &a->update.run;
	uint32_t place = pst_suit_run_place_of(run, number, index);
	struct pst_reg_record r, link = { .kind = PST_REG_LINK };
	bool there;
	enum pst_err err;

	if (place >= PST_SUIT_PLACES_MAX ||
	    a->update.unlinked[number][place / 64] >> (place % 64) & 1)
		return PST_OK;
	link.key = pst_agent_host_kept(a, number);
	link.other = pst_suit_run_place(run, place);
	if (!reaches(a, number, link.other))
		return PST_OK;
	err = measured(a, link.other, &r, &there);
	/* One that is there already keeps its mark. */
	if (err != PST_OK || !there ||
	    pst_reg_find(&a->staged, PST_REG_LINK, link.key, link.other, &r))
		return err;
	return pst_reg_add(&a->staged, &link);
}

/* What suit-set-version says of a manifest's components, for
 * suit-condition-version of a later one. Apart for its frame. */
static __attribute__((noinline)) enum pst_err
record_version(struct pst_agent *a, const struct pst_suit_manifest *m,
    struct pst_bytes kept)
{
	struct pst_reg_record r = { .kind = PST_REG_RELEASE };

	r.key = kept;
	r.data = pst_suit_set_version(m);
	if (r.data.len > 0)
		return pst_reg_put(&a->staged, &r);
	pst_reg_remove(&a->staged, PST_REG_RELEASE, r.key, PST_REG_ANY);
	return PST_OK;
}

/* All references of a manifest, in place of those of the version before. What
 * others have is the same manifest, so its references are as they were. */
static enum pst_err
link_manifest(
    struct pst_agent *a, uint32_t number, const struct pst_suit_manifest *m)
{
	struct pst_bytes kept = pst_agent_host_kept(a, number);
	enum pst_err err;
	size_t i;

	if (!pst_agent_links_others(a, kept))
		pst_reg_remove(&a->staged, PST_REG_LINK, kept, PST_REG_ANY);
	err = record_version(a, m, kept);
	for (i = 0; err == PST_OK && i < m->index_count; i++)
		err = link_component(a, number, i);
	return err;
}

/* Was another manifest loaded from this place after that one? */
static bool
superseded(const struct pst_suit_run *run, uint32_t number, uint32_t place)
{
	uint32_t n, other;

	for (n = number + 1; n <= run->loaded_count; n++) {
		(void)pst_suit_run_manifest(run, n, &other);
		if (other == place)
			return true;
	}
	return false;
}

/* The references of a dependency that is there; and its number, for those who
 * ask what is installed. Apart for its frame. */
static __attribute__((noinline)) enum pst_err
link_dependency(struct pst_agent *a, uint32_t number)
{
	const struct pst_suit_run *run = &a->update.run;
	const struct pst_suit_manifest *m;
	struct pst_reg_record r;
	uint32_t place;
	bool there;
	enum pst_err err;

	m = pst_suit_run_manifest(run, number, &place);
	if (superseded(run, number, place))
		return PST_OK;
	err = measured(a, pst_suit_run_place(run, place), &r, &there);
	if (err != PST_OK || !there)
		return err;
	if (r.n[2] != m->sequence) {
		r.n[2] = m->sequence;
		err = pst_reg_put(&a->staged, &r);
		if (err != PST_OK)
			return err;
	}
	return link_manifest(a, number, m);
}

/*
 * Marks say what others refer to, and are good as long as links of this tree
 * alone change: so they are looked at before the first is added.
 */
static enum pst_err
link_tree(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err = link_manifest(a, 0, &u->manifest);
	uint32_t n;

	for (n = 1; err == PST_OK && n <= u->run.loaded_count; n++)
		err = link_dependency(a, n);
	return err == PST_OK ? pst_agent_links_sweep(a) : err;
}

/*
 * The envelope as it is kept: authentication and manifest. Severed members
 * and payloads have done their work, and what uninstalling needs cannot be
 * severed (trust-domains, Uninstall).
 */
static enum pst_err
keep_envelope(struct pst_agent *a, uint64_t object)
{
	const struct pst_suit_envelope *env = &a->update.envelope;
	struct pst_cbor_writer w;
	size_t mark;

	pst_cbor_writer_init(&w, a->memory.out, a->memory.out_cap);
	pst_cbor_put_map(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 1 + env->blocks.count);
	pst_cbor_put_bstr(&w, env->digest_content);
	pst_cbor_put_raw(&w, env->blocks.items);
	pst_cbor_wrap_bstr(&w, mark);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, env->manifest_bstr);
	if (w.err != PST_OK)
		return w.err;
	return pst_agent_object_store(a, object, pst_cbor_written(&w));
}

static enum pst_err
record_manifest(struct pst_agent *a)
{
	const struct pst_suit_manifest *m = &a->update.manifest;
	struct pst_reg_record r = { .kind = PST_REG_MANIFEST };
	uint64_t object = pst_agent_object(a);
	enum pst_err err;

	err = keep_envelope(a, object);
	if (err != PST_OK)
		return err;
	/* One record a manifest, whichever TAM brought it. */
	pst_reg_remove(
	    &a->staged, PST_REG_MANIFEST, m->component_id, PST_REG_ANY);
	r.key = m->component_id;
	r.other = pst_agent_tam_name(a, a->update.tam);
	r.data = m->digest.bytes;
	r.n[0] = m->sequence;
	r.n[1] = object;
	r.n[2] = hash_number(m->digest.alg);
	return pst_reg_add(&a->staged, &r);
}

enum pst_err
pst_agent_manifest_end(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	err = pst_suit_run_end(&u->run);
	if (err == PST_OK)
		err = settle_priors(a);
	/* Before the links: what this one is kept under is a root manifest. */
	if (err == PST_OK)
		err = record_manifest(a);
	/* References of the version before end here, and only here. */
	if (err == PST_OK)
		err = link_tree(a);
	if (err != PST_OK)
		return err;
	pst_agent_manifest_report(a, PST_OK);
	u->running = false;
	return PST_OK;
}
