/*
 * Two technologies that are the same bytes with another signer: the EAT that
 * an agent of this project signs with its attestation key, and the EAT that a
 * Verifier signed as an Attestation Result. Each has a profile of its own, so
 * neither passes for the other, even where one key were trusted for both.
 */
#include "internal.h"

#include <string.h>

#include "eat_claims.h"

/* A device or a Verifier signs alone: COSE_Sign1, not Sign, and no MAC. */
static enum pst_err
verify(const struct pst_verifier *v, const struct pst_keys *keys,
    struct pst_bytes token, struct pst_verified *out)
{
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	enum pst_err err;

	if (keys == NULL)
		return PST_ERR_COSE_KEY;
	err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL);
	if (err != PST_OK)
		return err;
	if (msg.kind != PST_TAG_SIGN1)
		return PST_ERR_COSE_STRUCTURE;
	return pst_cose_verify(&msg, v->crypto, keys, no_aad, out);
}

static void
agent_key(struct pst_appraisal *out)
{
	enum pst_err err;

	if (out->claims.cnf_key.len == 0)
		return;
	err = pst_cose_key_decode(
	    out->claims.cnf_key, &out->agent_key, NULL, NULL);
	if (err == PST_OK)
		out->has_agent_key = true;
	else
		pst_appraisal_add(out, "cnf", PST_ERR_EAT_CLAIM);
}

/* A token by itself, or the one that a Detached EAT Bundle is about. */
static enum pst_err
main_token(struct pst_bytes payload, struct pst_eat_bundle *bundle,
    struct pst_bytes *token)
{
	enum pst_err err;

	memset(bundle, 0, sizeof(*bundle));
	*token = pst_eat_without_tag(payload);
	if (!pst_eat_bundle_is(payload))
		return PST_OK;
	err = pst_eat_bundle_decode(payload, bundle, NULL);
	*token = bundle->token;
	return err;
}

/* What is wrong with a submodule is told apart from what is with the token. */
static enum pst_err
read_tree(const struct pst_verifier *v, const struct pst_keys *keys,
    const struct pst_verified *verified, const struct pst_eat_bundle *bundle,
    struct pst_eat_tree *tree, struct pst_appraisal *out)
{
	struct pst_eat_fault fault;
	enum pst_err err =
	    pst_eat_tree_read(verified, bundle, v->crypto, keys, tree, &fault);

	if (err != PST_OK && fault.module.len > 0) {
		pst_appraisal_note(out, "submodule", err,
		    fault.signature ? "a nested token" : NULL);
		return err;
	}
	if (err == PST_OK) {
		out->claims = tree->node[0].claims;
		err = pst_eat_check_claims(&out->claims);
	}
	pst_appraisal_add(out, "claims", err);
	return err;
}

static void
open_with(const struct pst_verifier *v, const struct pst_keys *keys,
    const char *profile, struct pst_bytes payload, uint64_t now_s,
    struct pst_appraisal *out)
{
	struct pst_bytes wanted = { (const uint8_t *)profile, strlen(profile) };
	struct pst_bytes token;
	struct pst_eat_bundle bundle;
	struct pst_eat_tree tree;
	struct pst_verified verified;
	enum pst_err err = main_token(payload, &bundle, &token);

	if (err != PST_OK) {
		pst_appraisal_add(out, "format", err);
		return;
	}
	err = verify(v, keys, token, &verified);
	pst_appraisal_add(out, "signature", err);
	if (err != PST_OK)
		return;
	out->key = verified.key;
	out->who = verified.who;
	err = pst_cose_thumbprint(v->crypto, &verified.key, out->key_id);
	if (err != PST_OK) {
		pst_appraisal_add(out, "claims", err);
		return;
	}
	if (read_tree(v, keys, &verified, &bundle, &tree, out) != PST_OK)
		return;
	pst_appraisal_add(
	    out, "profile", pst_eat_check_profile(&out->claims, wanted));
	pst_eat_put_claims(v, &tree, now_s, out);
	agent_key(out);
	pst_appraisal_device_keys(out);
}

static void
open_evidence(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	open_with(
	    v, v->attesters, PST_EAT_EVIDENCE_PROFILE, in->payload, now_s, out);
}

static void
open_result(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	open_with(
	    v, v->verifiers, PST_EAT_TEEP_PROFILE, in->payload, now_s, out);
}

/* Fresh by its time: it says when it was made, and that is not long ago. */
static enum pst_err
check_age(
    const struct pst_verifier *v, bool has_iat, uint64_t iat, uint64_t now_s)
{
	if (!has_iat)
		return PST_ERR_EAT_NONCE;
	if (now_s > iat && now_s - iat > v->max_age_s)
		return PST_ERR_EAT_EXPIRED;
	return PST_OK;
}

static enum pst_err
check_nonce(const struct pst_verifier *v, struct pst_bytes got,
    struct pst_bytes challenge)
{
	uint8_t nonce[PST_EAT_NONCE_MAX];
	enum pst_err err;
	size_t n;

	err = pst_eat_nonce_of(v->crypto, challenge, nonce, &n);
	if (err != PST_OK)
		return err;
	return pst_equal(got, (struct pst_bytes){ nonce, n })
	    ? PST_OK
	    : PST_ERR_EAT_NONCE;
}

static enum pst_err
check_binding(const struct pst_verifier *v, const struct pst_eat *e,
    const struct pst_pubkey *agent)
{
	uint8_t thumbprint[PST_THUMBPRINT_LEN];
	enum pst_err err = pst_cose_thumbprint(v->crypto, agent, thumbprint);

	if (err != PST_OK)
		return err;
	return pst_eat_check_binding(e, thumbprint, v->crypto);
}

/*
 * A nested token binds itself to the one around it by being in it, but that
 * one's signer could have kept it for years: it answers the challenge itself,
 * or says when it was made.
 */
static enum pst_err
check_nested(const struct pst_verifier *v, struct pst_bytes challenge,
    uint64_t now_s, const struct pst_appraisal *out)
{
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; i < out->nested_count && err == PST_OK; i++) {
		const struct pst_appraisal_nested *n = &out->nested[i];

		if (challenge.len > 0 &&
		    check_nonce(v, n->nonce, challenge) == PST_OK)
			continue;
		err = check_age(v, n->has_iat, n->iat, now_s);
	}
	return err;
}

/* What both kinds have in common. */
static void
judge_common(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_eat *e = &out->claims;

	if (out->nested_count > 0)
		pst_appraisal_note(out, "submodule",
		    check_nested(v, challenge, now_s, out),
		    "age of nested tokens");
	pst_appraisal_add(
	    out, "time", pst_eat_check_times(e, now_s, v->skew_s));
	if (agent != NULL)
		pst_appraisal_add(out, "binding", check_binding(v, e, agent));
	pst_appraisal_add(out, "debug",
	    out->debug && !v->allow_debug ? PST_ERR_EAT_REFUSED : PST_OK);
	pst_rules_judge(v, now_s, out);
}

/* With a challenge the nonce proves freshness, and nothing else does. */
static void
judge_evidence(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	if (challenge.len > 0)
		pst_appraisal_add(
		    out, "nonce", check_nonce(v, out->claims.nonce, challenge));
	else
		pst_appraisal_add(out, "age",
		    check_age(v, out->claims.has_iat, out->claims.iat, now_s));
	judge_common(v, challenge, agent, now_s, out);
}

/*
 * A result is a passport: its nonce, if it has one, is what the Verifier and
 * the agent agreed on. Its age is what proves freshness, except where it
 * answers this very challenge.
 */
static void
judge_result(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	enum pst_err err = PST_ERR_EAT_NONCE;

	if (challenge.len > 0)
		err = check_nonce(v, out->claims.nonce, challenge);
	if (err != PST_OK)
		err = check_age(v, out->claims.has_iat, out->claims.iat, now_s);
	pst_appraisal_add(out, "age", err);
	judge_common(v, challenge, agent, now_s, out);
}

static const char *const evidence_formats[] = { PST_EAT_EVIDENCE_FORMAT,
	"application/eat-bun+cbor; eat_profile=\"" PST_EAT_EVIDENCE_PROFILE
	"\"",
	NULL };
static const char *const result_formats[] = { PST_EAT_TEEP_FORMAT,
	"application/eat-bun+cbor; eat_profile=" PST_EAT_TEEP_PROFILE, NULL };

const struct pst_technology pst_technology_eat = { "eat", evidence_formats,
	false, open_evidence, judge_evidence, NULL };

const struct pst_technology pst_technology_result = { "result", result_formats,
	true, open_result, judge_result, NULL };
