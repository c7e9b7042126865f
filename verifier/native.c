/*
 * What the formats that are not EATs have in common: 64 bytes of user data,
 * which hold the TAM's challenge and the thumbprint of the agent's key
 * (design.md, section 5), debug state, Reference Values.
 */
#include "internal.h"

#include <string.h>

#include "policy.h"

#define HALF 32

static bool
zero(struct pst_bytes b)
{
	size_t i;

	for (i = 0; i < b.len; i++)
		if (b.ptr[i] != 0)
			return false;
	return true;
}

/* The key that travels beside is the agent's if the user data says so. */
static void
agent_key(const struct pst_verifier *v, const struct pst_evidence *in,
    struct pst_appraisal *out)
{
	uint8_t print[PST_THUMBPRINT_LEN];
	enum pst_err err;

	if (in->agent_key.len == 0)
		return;
	err = pst_cose_key_decode(in->agent_key, &out->agent_key, NULL, NULL);
	if (err == PST_OK)
		err = pst_cose_thumbprint(v->crypto, &out->agent_key, print);
	if (err == PST_OK &&
	    !pst_equal(out->claims.cnf_kid,
		(struct pst_bytes){ print, sizeof(print) }))
		err = PST_ERR_EAT_BINDING;
	out->has_agent_key = err == PST_OK;
	pst_appraisal_note(out, "binding", err, "the agent's key");
}

/* Other keys, which the agent's key speaks for. */
static void
device_keys(const struct pst_verifier *v, const struct pst_evidence *in,
    struct pst_appraisal *out)
{
	enum pst_err err = PST_ERR_EAT_BINDING;

	if (in->keys.len == 0)
		return;
	if (out->has_agent_key)
		err = pst_eat_keys_open(
		    in->keys, v->crypto, &out->agent_key, &out->claims.keys);
	if (err != PST_OK)
		pst_appraisal_add(out, "keys", err);
	else
		pst_appraisal_device_keys(out);
}

void
pst_native_user_data(const struct pst_verifier *v,
    const struct pst_evidence *in, struct pst_bytes user_data,
    struct pst_appraisal *out)
{
	out->user_data = user_data;
	pst_claim_bytes(out, "user-data", user_data);
	if (user_data.len == 2 * HALF) {
		out->claims.nonce = (struct pst_bytes){ user_data.ptr, HALF };
		out->claims.cnf_kid =
		    (struct pst_bytes){ user_data.ptr + HALF, HALF };
	}
	agent_key(v, in, out);
	device_keys(v, in, out);
}

/*
 * Of a challenge of 32 bytes the other half is the agent's thumbprint, which
 * the binding judges. Any other fills what it fills, and zeros the rest.
 */
static enum pst_err
check_nonce(struct pst_bytes challenge, const struct pst_appraisal *out)
{
	struct pst_bytes user_data = out->user_data;
	struct pst_bytes begin = { user_data.ptr, challenge.len };
	struct pst_bytes rest;

	if (pst_equal(challenge, out->claims.nonce))
		return PST_OK;
	if (challenge.len > user_data.len)
		return PST_ERR_EAT_NONCE;
	rest.ptr = user_data.ptr + challenge.len;
	rest.len = user_data.len - challenge.len;
	if (!pst_equal(begin, challenge))
		return PST_ERR_EAT_NONCE;
	return challenge.len == HALF || zero(rest) ? PST_OK : PST_ERR_EAT_NONCE;
}

static enum pst_err
check_binding(const struct pst_verifier *v, const struct pst_pubkey *agent,
    const struct pst_appraisal *out)
{
	uint8_t print[PST_THUMBPRINT_LEN];
	enum pst_err err = pst_cose_thumbprint(v->crypto, agent, print);

	if (err != PST_OK)
		return err;
	return pst_eat_check_binding(&out->claims, print, v->crypto);
}

void
pst_native_judge(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	/* A quote says nothing of when it was made but by its challenge. A
	 * person who looks at one (no agent) may leave it out. */
	if (challenge.len > 0)
		pst_appraisal_add(out, "nonce", check_nonce(challenge, out));
	else if (agent != NULL)
		pst_appraisal_note(
		    out, "nonce", PST_ERR_EAT_NONCE, "there was no challenge");
	if (agent != NULL)
		pst_appraisal_add(out, "binding", check_binding(v, agent, out));
	pst_appraisal_add(out, "debug",
	    out->debug && !v->allow_debug ? PST_ERR_EAT_REFUSED : PST_OK);
	pst_rules_judge(v, now_s, out);
}
