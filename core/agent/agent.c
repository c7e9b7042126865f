/*
 * The agent: opening, and its registry and objects in the store.
 *
 * What is installed is in a->registry, which is always what the store has
 * committed, journal progress apart. An Update builds the components, links
 * and manifests that shall be in a->staged; its one commit joins them with
 * the rest of the registry. Contents are objects, written under fresh numbers
 * beside the old ones: what no record names after a commit is removed, and
 * what a power cut leaves over is removed at the next opening.
 *
 * When a commit fails nobody knows whether it happened: the registry is
 * loaded again, and if that fails too the agent refuses everything until it
 * is opened again.
 */
#include "agent/agent_internal.h"

struct pst_bytes
pst_agent_tam_name(const struct pst_agent *a, uint32_t tam)
{
	return a->config->tams[tam].name;
}

enum pst_err
pst_agent_sha256(
    const struct pst_agent *a, struct pst_bytes in, uint8_t out[32])
{
	const struct pst_crypto *c = a->ports.crypto;
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;
	enum pst_err err;

	err = c->digest(c->ctx, PST_ALG_SHA256, &in, 1, digest, &len);
	if (err != PST_OK)
		return err;
	if (len != 32)
		return PST_ERR_CRYPTO;
	memcpy(out, digest, 32);
	return PST_OK;
}

static enum pst_err
put_head(struct pst_agent *a, struct pst_registry *reg)
{
	struct pst_reg_record head = { .kind = PST_REG_HEAD };

	head.n[0] = PST_REG_VERSION;
	head.n[1] = a->next_object;
	return pst_reg_put(reg, &head);
}

/* What the store has becomes the registry; an empty store is a new one. */
static enum pst_err
load(struct pst_agent *a)
{
	const struct pst_store *s = a->ports.store;
	struct pst_reg_record head;
	enum pst_err err;

	a->open = false;
	err =
	    s->load(s->ctx, a->registry.buf, a->registry.cap, &a->registry.len);
	if (err != PST_OK)
		return err;
	if (a->registry.len == 0) {
		err = put_head(a, &a->registry);
	} else {
		err = pst_reg_check(&a->registry);
	}
	if (err != PST_OK)
		return err;
	if (!pst_reg_find(
		&a->registry, PST_REG_HEAD, PST_REG_ANY, PST_REG_ANY, &head))
		return PST_ERR_STORE_DAMAGED;
	/* Numbers that were given in vain are not given again. */
	if (head.n[1] > a->next_object)
		a->next_object = head.n[1];
	a->open = true;
	return PST_OK;
}

void
pst_agent_reload(struct pst_agent *a)
{
	if (load(a) != PST_OK)
		a->open = false;
}

static enum pst_err
commit(struct pst_agent *a, struct pst_registry *reg)
{
	const struct pst_store *s = a->ports.store;
	struct pst_bytes all;
	enum pst_err err;

	err = put_head(a, reg);
	if (err != PST_OK)
		goto reload;
	all.ptr = reg->buf;
	all.len = reg->len;
	err = s->commit(s->ctx, all);
	if (err == PST_OK)
		return PST_OK;

reload:
	pst_agent_reload(a);
	return err;
}

enum pst_err
pst_agent_commit(struct pst_agent *a)
{
	return commit(a, &a->registry);
}

enum pst_err
pst_agent_commit_staged(struct pst_agent *a)
{
	enum pst_err err = commit(a, &a->staged);

	if (err != PST_OK)
		return err;
	memcpy(a->registry.buf, a->staged.buf, a->staged.len);
	a->registry.len = a->staged.len;
	return PST_OK;
}

/* A failure leaves an object for the next time. */
void
pst_agent_collect(struct pst_agent *a)
{
	const struct pst_store *s = a->ports.store;
	uint64_t id = 0;

	while (s->object_next(s->ctx, &id) == PST_OK && id < UINT64_MAX) {
		if (!pst_reg_names(&a->registry, id) &&
		    s->object_remove(s->ctx, id) != PST_OK)
			return;
		id++;
	}
}

uint64_t
pst_agent_object(struct pst_agent *a)
{
	return a->next_object++;
}

enum pst_err
pst_agent_object_store(
    struct pst_agent *a, uint64_t id, struct pst_bytes content)
{
	const struct pst_store *s = a->ports.store;
	enum pst_err err;

	err = s->object_create(s->ctx, id);
	if (err == PST_OK)
		err = s->object_append(s->ctx, id, content);
	if (err == PST_OK)
		err = s->object_finish(s->ctx, id);
	return err;
}

enum pst_err
pst_agent_object_load(
    struct pst_agent *a, uint64_t id, uint8_t *out, size_t cap, size_t *len)
{
	const struct pst_store *s = a->ports.store;
	uint64_t bytes = 0;
	size_t at = 0, n = 0;
	enum pst_err err;

	*len = 0;
	err = s->object_size(s->ctx, id, &bytes);
	if (err != PST_OK)
		return err;
	if (bytes > cap)
		return PST_ERR_SPACE;
	while (at < bytes) {
		err = s->object_read(
		    s->ctx, id, at, out + at, (size_t)bytes - at, &n);
		if (err != PST_OK)
			return err;
		if (n == 0 || n > bytes - at)
			return PST_ERR_STORE_DAMAGED;
		at += n;
	}
	*len = at;
	return PST_OK;
}

static bool
scope_valid(const struct pst_agent_scope *s)
{
	size_t i;

	if (s->count > PST_AGENT_PREFIXES_MAX)
		return false;
	for (i = 0; i < s->count; i++) {
		if (!pst_component_id_valid(s->prefix[i]))
			return false;
	}
	return true;
}

static bool
tam_valid(const struct pst_agent_config *c, size_t index)
{
	const struct pst_agent_tam *t = &c->tams[index];
	size_t i;

	if (t->name.len == 0 || t->name.len > PST_AGENT_NAME_MAX)
		return false;
	if (t->uri.len == 0 || t->uri.len > PST_AGENT_URI_MAX)
		return false;
	if (t->key_count > PST_AGENT_TAM_KEYS_MAX || !scope_valid(&t->scope))
		return false;
	if (t->encryption_key.kty != 0 && t->encryption_key.kty != PST_KTY_EC2)
		return false;
	for (i = 0; i < t->key_count; i++) {
		if (pst_pubkey_equal(&t->keys[i], &t->encryption_key))
			return false;
	}
	if (t->verifier_count > PST_AGENT_VERIFIERS_MAX ||
	    t->passport.len > PST_AGENT_NAME_MAX)
		return false;
	/* The name keys the registry. */
	for (i = 0; i < index; i++) {
		if (pst_same(c->tams[i].name, t->name))
			return false;
	}
	return true;
}

/* Kinds are not mixed up, and no key has two uses. */
static bool
keys_valid(const struct pst_agent_config *c)
{
	const struct pst_agent_secret *d = c->secrets;
	size_t i, k;

	for (i = 0; i < c->signer_count; i++) {
		if ((c->signers[i].secret != 0) !=
		    (c->signers[i].key.kty == PST_KTY_SYMMETRIC))
			return false;
	}
	for (i = 0; i < c->secret_count; i++) {
		if (d[i].key == 0 || d[i].key == c->key.key ||
		    (d[i].wrap == 0 &&
			(d[i].pub.kty != PST_KTY_EC2 ||
			    pst_pubkey_equal(&d[i].pub, &c->pub))))
			return false;
		for (k = 0; k < c->signer_count; k++) {
			if (c->signers[k].secret == d[i].key)
				return false;
		}
	}
	return true;
}

/* What Evidence attests is what the device has. */
static bool
attested_keys_valid(const struct pst_agent_config *c)
{
	bool found = c->encryption_pub.kty == 0;
	size_t i;

	for (i = 0; i < c->secret_count; i++) {
		if (c->secrets[i].wrap == 0 &&
		    pst_pubkey_equal(&c->secrets[i].pub, &c->encryption_pub))
			found = true;
	}
	for (i = 0; i < c->tam_count; i++) {
		if (c->tams[i].sign_reports && c->report_pub.kty == 0)
			return false;
	}
	return found &&
	    (c->report_pub.kty == 0 ||
		(!pst_pubkey_equal(&c->report_pub, &c->pub) &&
		    !pst_pubkey_equal(&c->report_pub, &c->encryption_pub)));
}

static bool
config_valid(const struct pst_agent_config *c)
{
	size_t i;

	if (c->tam_count > PST_AGENT_TAMS_MAX ||
	    c->signer_count > PST_AGENT_SIGNERS_MAX ||
	    c->secret_count > PST_AGENT_SECRETS_MAX || !keys_valid(c) ||
	    !attested_keys_valid(c))
		return false;
	for (i = 0; i < c->tam_count; i++) {
		if (!tam_valid(c, i))
			return false;
	}
	for (i = 0; i < c->signer_count; i++) {
		if (!scope_valid(&c->signers[i].scope))
			return false;
	}
	return (c->suites & pst_teep_suite_of(c->key.alg)) != 0;
}

enum pst_err
pst_agent_open(struct pst_agent *a, const struct pst_agent_config *config,
    const struct pst_agent_ports *ports, const struct pst_agent_memory *memory)
{
	enum pst_err err;

	memset(a, 0, sizeof(*a));
	if (!config_valid(config))
		return PST_ERR_ARG;
	a->config = config;
	a->ports = *ports;
	a->memory = *memory;
	a->registry.buf = memory->registry;
	a->registry.cap = memory->registry_cap;
	a->staged.buf = memory->staged;
	a->staged.cap = memory->registry_cap;
	a->next_object = 1;
	pst_agent_host_init(a);
	err = load(a);
	if (err != PST_OK)
		return err;
	pst_agent_journal_open(a);
	pst_agent_collect(a);
	return PST_OK;
}

void
pst_agent_close(struct pst_agent *a)
{
	if (a->update.running)
		pst_suit_run_abandon(&a->update.run);
	pst_wipe(a, sizeof(*a));
}

static void
describe(const struct pst_agent *a, const struct pst_reg_record *r,
    struct pst_agent_component *out)
{
	struct pst_reg_record link, m;

	memset(out, 0, sizeof(*out));
	out->id = r->key;
	out->object = r->n[0];
	out->size_bytes = r->n[1];
	out->digest.alg = PST_ALG_SHA256;
	out->digest.bytes = r->data;
	if (!pst_reg_find(
		&a->registry, PST_REG_LINK, PST_REG_ANY, r->key, &link))
		return;
	out->manifest_id = link.key;
	if (pst_reg_find(
		&a->registry, PST_REG_MANIFEST, link.key, PST_REG_ANY, &m))
		out->sequence = m.n[0];
	else if (pst_reg_find(&a->registry, PST_REG_COMPONENT, link.key,
		     PST_REG_ANY, &m))
		out->sequence = m.n[2];
}

enum pst_err
pst_agent_component(const struct pst_agent *a, struct pst_bytes id,
    struct pst_agent_component *out)
{
	struct pst_reg_record r;

	if (!a->open)
		return PST_ERR_STATE;
	if (!pst_reg_find(&a->registry, PST_REG_COMPONENT, id, PST_REG_ANY, &r))
		return PST_ERR_NOT_FOUND;
	describe(a, &r, out);
	return PST_OK;
}

enum pst_err
pst_agent_component_next(
    const struct pst_agent *a, size_t *cursor, struct pst_agent_component *out)
{
	struct pst_reg_record r;

	if (!a->open)
		return PST_ERR_STATE;
	if (!pst_reg_seek(&a->registry, cursor, PST_REG_COMPONENT, PST_REG_ANY,
		PST_REG_ANY, &r))
		return PST_ERR_NOT_FOUND;
	describe(a, &r, out);
	return PST_OK;
}

enum pst_err
pst_agent_result(struct pst_agent *a, uint32_t tam, uint8_t *out, size_t cap,
    size_t *len, struct pst_bytes *format)
{
	struct pst_reg_record r;

	*len = 0;
	*format = PST_NOTHING;
	if (!a->open)
		return PST_ERR_STATE;
	if (tam >= a->config->tam_count)
		return PST_ERR_AGENT_TAM;
	if (!pst_reg_find(&a->registry, PST_REG_RESULT,
		pst_agent_tam_name(a, tam), PST_REG_ANY, &r))
		return PST_ERR_NOT_FOUND;
	*format = r.other;
	return pst_agent_object_load(a, r.n[0], out, cap, len);
}
