/*
 * Two technologies that are the same bytes with another signer: the EAT that
 * an agent of this project signs with its attestation key, and the EAT that a
 * Verifier signed as an Attestation Result. Each has a profile of its own, so
 * neither passes for the other, even where one key were trusted for both.
 */
#include "internal.h"

#include <string.h>

#include "policy.h"

/* CWT tag 61 around COSE (RFC 8392, Section 6) is allowed, never needed. */
static struct pst_bytes
without_cwt_tag(struct pst_bytes payload)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, payload);
	if (!pst_cbor_tag_optional(&r, PST_TAG_CWT))
		return payload;
	return (struct pst_bytes){ payload.ptr + r.at, payload.len - r.at };
}

/* A device or a Verifier signs alone: COSE_Sign1, not Sign, and no MAC. */
static enum pst_err
verify(const struct pst_verifier *v, const struct pst_keys *keys,
    struct pst_bytes payload, struct pst_verified *out)
{
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	enum pst_err err;

	if (keys == NULL)
		return PST_ERR_COSE_KEY;
	err =
	    pst_cose_parse(without_cwt_tag(payload), PST_TAG_SIGN1, &msg, NULL);
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

/* {1: [name, …], 2: [alg, digest]} (RFC 10013): the digest; else empty. */
static struct pst_bytes
measured(struct pst_bytes component)
{
	struct pst_bytes digest = { NULL, 0 };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, component);
	n = pst_cbor_map(&r, 8, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		if (pst_cbor_key(&r, &seen) != 2) {
			pst_cbor_skip(&r);
			continue;
		}
		(void)pst_cbor_array(&r, 2, 2);
		pst_cbor_skip(&r);
		digest = pst_cbor_bstr(&r, 20, PST_DIGEST_MAX);
	}
	return pst_cbor_end(&r) == PST_OK ? digest
					  : (struct pst_bytes){ NULL, 0 };
}

/* [content-format, bstr]: a component's digest, or what it is otherwise. */
static void
put_measurements(struct pst_appraisal *out)
{
	struct pst_list list = out->claims.measurements;
	struct pst_bytes item, digest;
	struct pst_cbor_reader r;

	while (pst_list_next(&list, &item)) {
		pst_cbor_reader_init(&r, item);
		(void)pst_cbor_array(&r, 2, 2);
		(void)pst_cbor_uint(&r, UINT16_MAX);
		item = pst_cbor_bstr(&r, 0, SIZE_MAX);
		digest = measured(item);
		pst_claim_bytes(
		    out, "measurement", digest.len > 0 ? digest : item);
	}
}

/* What Reference Values may speak of. */
static void
put_claims(struct pst_appraisal *out)
{
	const struct pst_eat *e = &out->claims;

	pst_claim_bytes(out, "ueid", e->ueid);
	pst_claim_bytes(out, "hwmodel", e->hwmodel);
	pst_claim_text(out, "hwversion", e->hwversion);
	if (e->oemid_is_pen)
		pst_claim_uint(out, "oemid", e->oemid_pen);
	else
		pst_claim_bytes(out, "oemid", e->oemid);
	if (e->swname.len > 0)
		pst_claim_text(out, "sw-name", e->swname);
	if (e->swversion.len > 0)
		pst_claim_text(out, "sw-version", e->swversion);
	if (e->has_dbgstat)
		pst_claim_uint(out, "debug-state", e->dbgstat);
	put_measurements(out);
}

static void
open_with(const struct pst_verifier *v, const struct pst_keys *keys,
    const char *profile, struct pst_bytes payload, struct pst_appraisal *out)
{
	struct pst_bytes wanted = { (const uint8_t *)profile, strlen(profile) };
	struct pst_verified verified;
	enum pst_err err;

	err = verify(v, keys, payload, &verified);
	pst_appraisal_add(out, "signature", err);
	if (err != PST_OK)
		return;
	out->key = verified.key;
	out->who = verified.who;
	err = pst_cose_thumbprint(v->crypto, &verified.key, out->key_id);
	if (err == PST_OK)
		err = pst_eat_decode(&verified, &out->claims, NULL);
	if (err == PST_OK)
		err = pst_eat_check_claims(&out->claims);
	pst_appraisal_add(out, "claims", err);
	if (err != PST_OK)
		return;
	pst_appraisal_add(
	    out, "profile", pst_eat_check_profile(&out->claims, wanted));
	put_claims(out);
	agent_key(out);
}

static void
open_evidence(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	(void)now_s;
	open_with(v, v->attesters, PST_EAT_EVIDENCE_PROFILE, in->payload, out);
}

static void
open_result(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	(void)now_s;
	open_with(v, v->verifiers, PST_EAT_TEEP_PROFILE, in->payload, out);
}

/* Fresh by its time: it says when it was made, and that is not long ago. */
static enum pst_err
check_age(const struct pst_verifier *v, const struct pst_eat *e, uint64_t now_s)
{
	if (!e->has_iat)
		return PST_ERR_EAT_NONCE;
	if (now_s > e->iat && now_s - e->iat > v->max_age_s)
		return PST_ERR_EAT_EXPIRED;
	return PST_OK;
}

static enum pst_err
check_nonce(const struct pst_verifier *v, const struct pst_eat *e,
    struct pst_bytes challenge)
{
	uint8_t nonce[PST_EAT_NONCE_MAX];
	enum pst_err err;
	size_t n;

	err = pst_eat_nonce_of(v->crypto, challenge, nonce, &n);
	if (err != PST_OK)
		return err;
	return pst_equal(e->nonce, (struct pst_bytes){ nonce, n })
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

/* What both kinds have in common. */
static void
judge_common(const struct pst_verifier *v, const struct pst_pubkey *agent,
    uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_eat *e = &out->claims;
	bool debug = e->has_dbgstat && e->dbgstat == 0;

	pst_appraisal_add(
	    out, "time", pst_eat_check_times(e, now_s, v->skew_s));
	if (agent != NULL)
		pst_appraisal_add(out, "binding", check_binding(v, e, agent));
	pst_appraisal_add(out, "debug",
	    debug && !v->allow_debug ? PST_ERR_EAT_REFUSED : PST_OK);
	pst_rules_judge(v, now_s, out);
}

/* With a challenge the nonce proves freshness, and nothing else does. */
static void
judge_evidence(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	if (challenge.len > 0)
		pst_appraisal_add(
		    out, "nonce", check_nonce(v, &out->claims, challenge));
	else
		pst_appraisal_add(
		    out, "age", check_age(v, &out->claims, now_s));
	judge_common(v, agent, now_s, out);
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
		err = check_nonce(v, &out->claims, challenge);
	if (err != PST_OK)
		err = check_age(v, &out->claims, now_s);
	pst_appraisal_add(out, "age", err);
	judge_common(v, agent, now_s, out);
}

static const char *const evidence_formats[] = { PST_EAT_EVIDENCE_FORMAT, NULL };
static const char *const result_formats[] = { PST_EAT_TEEP_FORMAT, NULL };

const struct pst_technology pst_technology_eat = { "eat", evidence_formats,
	false, open_evidence, judge_evidence, NULL };

const struct pst_technology pst_technology_result = { "result", result_formats,
	true, open_result, judge_result, NULL };
