/*
 * Trust anchors: which keys may sign what, and which component identifiers
 * they reach. A key out of an anchor reaches only what its prefixes cover.
 */
#include "agent/agent_internal.h"

bool
pst_agent_scope_covers(const struct pst_agent_scope *s, struct pst_bytes id)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (pst_component_id_under(id, s->prefix[i]))
			return true;
	}
	return false;
}

bool
pst_agent_tam_covers(
    const struct pst_agent *a, uint32_t tam, struct pst_bytes id)
{
	return pst_agent_scope_covers(&a->config->tams[tam].scope, id);
}

/* TEEP messages are signed with one of the suites (Section 8.1). */
static bool
suite_accepted(const struct pst_agent *a, int32_t alg)
{
	return (a->config->suites & pst_teep_suite_of(alg)) != 0;
}

/*
 * The leaf's key, when the message's chain ends at this TAM's root. Without a
 * time that can be relied on nobody knows whether a certificate is valid, and
 * whoever sets the clock could revive an old one: then none is accepted, and
 * only keys of the configuration are (docs/interop.md).
 */
static enum pst_err
certified(struct pst_agent *a, const struct pst_agent_tam *tam,
    const struct pst_cose_headers *headers, struct pst_pubkey *key)
{
	const struct pst_crypto *c = a->ports.crypto;
	const struct pst_clock *clock = a->ports.clock;
	struct pst_bytes certs[PST_X5CHAIN_MAX];
	uint64_t now_s = 0;
	bool trusted = false;
	size_t n = 0, root = 0;
	enum pst_err err;

	if (tam->root.len == 0 || headers->x5chain.count == 0)
		return PST_ERR_NOT_FOUND;
	err = pst_cose_x5chain_certs(
	    headers->x5chain, certs, PST_X5CHAIN_MAX, &n);
	if (err == PST_OK)
		err = clock->now(clock->ctx, &now_s, &trusted);
	if (err == PST_OK && !trusted)
		err = PST_ERR_CLOCK;
	if (err == PST_OK)
		err = c->chain(
		    c->ctx, certs, n, &tam->root, 1, now_s, key, &root);
	/* Kept: "no key was found" alone would hide an expired certificate. */
	if (err != PST_OK)
		a->cert_err = err;
	return err == PST_OK ? PST_OK : PST_ERR_NOT_FOUND;
}

static enum pst_err
tam_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct pst_agent *a = ctx;
	const struct pst_agent_tam *tam = &a->config->tams[a->tam];
	size_t i;

	if (!suite_accepted(a, headers->alg))
		return PST_ERR_NOT_FOUND;
	for (i = 0; i < tam->key_count; i++) {
		if (!pst_alg_fits(&tam->keys[i], headers->alg))
			continue;
		if (attempt-- > 0)
			continue;
		*key = tam->keys[i];
		*who = (uint32_t)i;
		return PST_OK;
	}
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*who = (uint32_t)tam->key_count;
	return certified(a, tam, headers, key);
}

bool
pst_agent_by_certificate(const struct pst_agent *a)
{
	return a->verified.who >= a->config->tams[a->tam].key_count;
}

static enum pst_err
signer_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct pst_agent *a = ctx;
	size_t i;

	for (i = 0; i < a->config->signer_count; i++) {
		if (!pst_alg_fits(&a->config->signers[i].key, headers->alg))
			continue;
		if (attempt-- > 0)
			continue;
		*key = a->config->signers[i].key;
		*who = (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

struct pst_keys
pst_agent_tam_keys(struct pst_agent *a)
{
	struct pst_keys keys = { .ctx = a, .find = tam_key };

	return keys;
}

struct pst_keys
pst_agent_signer_keys(struct pst_agent *a)
{
	struct pst_keys keys = { .ctx = a, .find = signer_key };

	return keys;
}
