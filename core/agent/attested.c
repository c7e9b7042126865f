/*
 * A TAM that has to attest (draft-ietf-teep-protocol, Section 7.2.1): it is
 * told so with a challenge, and what it sends then is judged before anything
 * is answered. Until it has attested, and an hour later again, it gets no
 * Evidence and its Updates are refused.
 *
 * Challenge and outcome are in memory only. After a restart the TAM is asked
 * once more; nothing is gained by keeping them, and a challenge that was not
 * kept cannot be answered twice.
 */
#include "agent/agent_internal.h"

static bool
now(const struct pst_agent *a, uint64_t *now_s, bool *trusted)
{
	const struct pst_clock *clock = a->ports.clock;

	return clock->now(clock->ctx, now_s, trusted) == PST_OK;
}

static bool
within(uint64_t now_s, uint64_t since_s, uint32_t seconds)
{
	return now_s >= since_s && now_s - since_s < seconds;
}

bool
pst_agent_must_attest(const struct pst_agent *a, uint32_t tam)
{
	return a->config->tams[tam].verifier_count > 0;
}

bool
pst_agent_has_attested(const struct pst_agent *a, uint32_t tam)
{
	const struct pst_agent_attested *t = &a->attested[tam];
	uint64_t now_s = 0;
	bool trusted;

	if (!pst_agent_must_attest(a, tam))
		return true;
	return t->done && now(a, &now_s, &trusted) &&
	    within(now_s, t->done_s, PST_AGENT_ATTESTED_S);
}

enum pst_err
pst_agent_attested_ask(struct pst_agent *a, struct pst_bytes *challenge)
{
	const struct pst_crypto *c = a->ports.crypto;
	struct pst_agent_attested *t = &a->attested[a->tam];
	bool trusted;
	enum pst_err err;

	memset(t, 0, sizeof(*t));
	if (!now(a, &t->asked_s, &trusted))
		return PST_ERR_CLOCK;
	err = c->random(c->ctx, t->challenge, sizeof(t->challenge));
	if (err != PST_OK)
		return err;
	t->asked = true;
	*challenge = (struct pst_bytes){ t->challenge, sizeof(t->challenge) };
	return PST_OK;
}

/* pst_keys.find: the Verifiers of this TAM's anchor. */
static enum pst_err
verifier_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct pst_agent *a = ctx;
	const struct pst_agent_tam *tam = &a->config->tams[a->tam];
	size_t i;

	for (i = 0; i < tam->verifier_count; i++) {
		if (!pst_alg_fits(&tam->verifiers[i], headers->alg) ||
		    attempt-- > 0)
			continue;
		*key = tam->verifiers[i];
		*who = (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* Steps 1 of Section 7.2.1.1: "signed by a Verifier that the TEEP Agent
 * trusts". */
static enum pst_err
open_result(struct pst_agent *a, struct pst_verified *out)
{
	const struct pst_keys keys = { .ctx = a, .find = verifier_key };
	struct pst_cose_message msg;
	enum pst_err err;

	err = pst_cose_parse(
	    a->in.attestation_payload, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err != PST_OK)
		return err;
	return pst_cose_verify(&msg, a->ports.crypto, &keys, PST_NOTHING, out);
}

/* By the challenge, while it lives; it is good for one answer. */
static bool
answers(struct pst_agent *a, const struct pst_eat *eat, uint64_t now_s)
{
	struct pst_agent_attested *t = &a->attested[a->tam];
	struct pst_bytes challenge = { t->challenge, sizeof(t->challenge) };

	if (!t->asked || !within(now_s, t->asked_s, PST_AGENT_CHALLENGE_S) ||
	    !pst_equal(eat->nonce, challenge))
		return false;
	t->asked = false;
	return true;
}

/*
 * Fresh by the challenge, or by its time where there is a clock to compare
 * with: then it must have been made lately, and say until when it holds.
 */
static enum pst_err
fresh(struct pst_agent *a, const struct pst_eat *eat)
{
	uint64_t now_s = 0;
	bool trusted = false, answered;
	enum pst_err err;

	if (!now(a, &now_s, &trusted))
		return PST_ERR_CLOCK;
	answered = answers(a, eat, now_s);
	if (trusted) {
		err = pst_eat_check_times(eat, now_s, PST_AGENT_SKEW_S);
		if (err != PST_OK)
			return err;
	}
	if (answered)
		return PST_OK;
	/* Somebody else's nonce does not make it fresh; nor does a lost one
	 * make it stale when its time is right. */
	if (!trusted || !eat->has_iat || !eat->has_exp)
		return PST_ERR_EAT_NONCE;
	return now_s > eat->iat && now_s - eat->iat > PST_AGENT_RESULT_AGE_S
	    ? PST_ERR_EAT_EXPIRED
	    : PST_OK;
}

/* Step 2: cnf is the key that verified the message. */
static enum pst_err
judge(struct pst_agent *a, const struct pst_verified *result)
{
	const struct pst_crypto *c = a->ports.crypto;
	uint8_t key[PST_THUMBPRINT_LEN];
	struct pst_eat eat;
	enum pst_err err;

	err = pst_eat_decode(result, &eat, NULL);
	if (err == PST_OK)
		err = pst_eat_check_profile(
		    &eat, PST_BYTES_LIT(PST_EAT_TEEP_PROFILE));
	if (err == PST_OK)
		err = pst_eat_check_claims(&eat);
	if (err == PST_OK)
		err = pst_cose_thumbprint(c, &a->verified.key, key);
	if (err == PST_OK)
		err = pst_eat_check_binding(&eat, key, c);
	if (err != PST_OK)
		return err;
	if (eat.has_dbgstat && eat.dbgstat == 0)
		return PST_ERR_EAT_REFUSED;
	return fresh(a, &eat);
}

/*
 * Evidence needs a Verifier; this agent has none, and says which of the two it
 * takes: a Result, by the text's media type or by none.
 */
static enum pst_err
check(struct pst_agent *a)
{
	struct pst_verified result;
	enum pst_err err;

	if (!pst_teep_is_result(&a->in))
		return PST_ERR_UNSUPPORTED;
	err = open_result(a, &result);
	return err == PST_OK ? judge(a, &result) : err;
}

enum pst_err
pst_agent_attested_check(struct pst_agent *a)
{
	struct pst_agent_attested *t = &a->attested[a->tam];
	bool asked = t->asked, trusted;
	enum pst_err err;

	if (!pst_agent_must_attest(a, a->tam))
		return PST_OK;
	if (!PST_TEEP_HAS(&a->in, PST_LABEL_ATTESTATION_PAYLOAD))
		return PST_ERR_TEEP_ATTEST;
	err = check(a);
	/* A challenge that nobody has any more: here is another one. */
	if (err == PST_ERR_EAT_NONCE && !asked)
		return PST_ERR_TEEP_ATTEST;
	a->tam_refused = err != PST_OK;
	t->done = err == PST_OK && now(a, &t->done_s, &trusted);
	return err;
}
