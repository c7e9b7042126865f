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

#define BIT(label) ((uint64_t)1 << (label))

/* Commands that need leave: "any identity can verify an image digest"
 * (Section 9), and every other condition of a component that it may hold. */
static bool
free_to_all(int64_t command)
{
	const uint64_t directives = BIT(PST_SUIT_DIR_PROCESS_DEPENDENCY) |
	    BIT(PST_SUIT_DIR_WRITE) | BIT(PST_SUIT_DIR_FETCH) |
	    BIT(PST_SUIT_DIR_COPY) | BIT(PST_SUIT_DIR_INVOKE) |
	    BIT(PST_SUIT_DIR_WAIT) | BIT(PST_SUIT_DIR_SWAP) |
	    BIT(PST_SUIT_DIR_UNLINK);

	return command >= 0 && command < 64 && !(directives & BIT(command));
}

/* A label that has no bit is none that can be listed. */
static bool
granted(bool some, uint64_t listed, int64_t label)
{
	return !some || (label >= 0 && label < 64 && (listed >> label & 1));
}

bool
pst_agent_scope_allows(const struct pst_agent_scope *s, struct pst_bytes id,
    bool parameter, int64_t label)
{
	const struct pst_agent_rights *r;
	size_t i;

	if (!parameter && free_to_all(label))
		return pst_agent_scope_covers(s, id);
	for (i = 0; i < s->count; i++) {
		r = &s->rights[i];
		if (pst_component_id_under(id, s->prefix[i]) &&
		    granted(parameter ? r->some_parameters : r->some_commands,
			parameter ? r->parameters : r->commands, label))
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

/* A MAC of its own length only: a shorter one is easier to guess. */
static bool
mac_fits(const struct pst_pubkey *key, int32_t alg)
{
	if (key->kty != PST_KTY_SYMMETRIC)
		return false;
	return alg == (key->alg != PST_ALG_NONE ? key->alg : PST_ALG_HMAC_256);
}

static enum pst_err
signer_secret(const struct pst_agent *a, int32_t alg, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	const struct pst_agent_signer *s = a->config->signers;
	size_t i;

	for (i = 0; i < a->config->signer_count; i++) {
		if (!mac_fits(&s[i].key, alg) || attempt-- > 0)
			continue;
		*key = s[i].secret;
		*who = (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

static bool
agrees(int32_t alg)
{
	return alg == PST_ALG_ECDH_ES_A128KW || alg == PST_ALG_ECDH_ES_A192KW ||
	    alg == PST_ALG_ECDH_ES_A256KW;
}

/* A key for this recipient: by its kind, and by its name if one is given. */
static bool
secret_fits(
    const struct pst_agent_secret *s, const struct pst_cose_headers *headers)
{
	struct pst_bytes kid = { s->kid, sizeof(s->kid) };

	if (s->wrap != 0 ? headers->alg != s->wrap : !agrees(headers->alg))
		return false;
	return headers->kid.len == 0 || pst_same(headers->kid, kid) ||
	    pst_same(headers->kid, s->other_kid);
}

/*
 * What a MAC is checked with and what content is decrypted with are different
 * keys, told apart by the algorithm that they are wanted for.
 */
static enum pst_err
manifest_secret(void *ctx, const struct pst_cose_headers *headers,
    size_t attempt, uint32_t *key, uint32_t *who)
{
	const struct pst_agent *a = ctx;
	const struct pst_agent_secret *s = a->config->secrets;
	size_t i;

	if (headers->alg > 0)
		return signer_secret(a, headers->alg, attempt, key, who);
	for (i = 0; i < a->config->secret_count; i++) {
		if (!secret_fits(&s[i], headers) || attempt-- > 0)
			continue;
		*key = s[i].key;
		*who = (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* Can an EC2 key of the device unwrap a key for this cipher? */
static bool
decrypts(const struct pst_agent *a, int32_t cipher)
{
	const struct pst_crypto *c = a->ports.crypto;
	size_t i;

	if (!c->supports(c->ctx, cipher) ||
	    !c->supports(c->ctx, PST_ALG_ECDH_ES_A128KW))
		return false;
	for (i = 0; i < a->config->secret_count; i++) {
		if (a->config->secrets[i].wrap == 0)
			return true;
	}
	return false;
}

uint32_t
pst_agent_profiles(const struct pst_agent *a)
{
	static const struct {
		uint32_t profile;
		int32_t signature, cipher;
	} rows[] = {
		{ PST_PROFILE_ESP256_A128CTR, PST_ALG_ESP256, PST_ALG_A128CTR },
		{ PST_PROFILE_ED25519_A128CTR, PST_ALG_ED25519,
		    PST_ALG_A128CTR },
		{ PST_PROFILE_ESP256_A128GCM, PST_ALG_ESP256, PST_ALG_A128GCM },
		{ PST_PROFILE_ED25519_CHACHA, PST_ALG_ED25519,
		    PST_ALG_CHACHA_POLY },
	};
	const struct pst_crypto *c = a->ports.crypto;
	uint32_t all = 0;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (c->supports(c->ctx, rows[i].signature) &&
		    decrypts(a, rows[i].cipher))
			all |= rows[i].profile;
	}
	return all;
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
	struct pst_keys keys = {
		.ctx = a, .find = signer_key, .find_secret = manifest_secret
	};

	return keys;
}
