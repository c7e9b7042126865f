/*
 * ProcessTeepMessage (RFC 9397, Section 6.2.1): copy, verify, decode, hand on.
 */
#include "agent/agent_internal.h"

/*
 * The host's memory may change while it is read: what is verified and what is
 * used must be one copy.
 */
static enum pst_err
admit(struct pst_agent *a, struct pst_bytes message)
{
	if (message.len > PST_MESSAGE_MAX ||
	    message.len > a->memory.message_cap)
		return PST_ERR_TEEP_TOO_LARGE;
	a->update.loaded = false;
	pst_copy(a->memory.message, message);
	return PST_OK;
}

enum pst_err
pst_agent_authenticate(struct pst_agent *a, size_t len, bool *authentic)
{
	struct pst_bytes message = { a->memory.message, len };
	struct pst_keys keys = pst_agent_tam_keys(a);
	enum pst_err err;

	*authentic = false;
	a->token_len = 0;
	a->cert_err = PST_OK;
	err = pst_cose_parse(message, PST_TAG_SIGN1, &a->cose, NULL);
	if (err != PST_OK)
		return err;
	/* Section 4.1.2: COSE_Sign1 or COSE_Sign. */
	if (a->cose.kind != PST_TAG_SIGN1 && a->cose.kind != PST_TAG_SIGN)
		return PST_ERR_COSE_STRUCTURE;
	err = pst_cose_verify(
	    &a->cose, a->ports.crypto, &keys, PST_NOTHING, &a->verified);
	if ((err == PST_ERR_COSE_KEY || err == PST_ERR_COSE_SIGNATURE) &&
	    a->cert_err != PST_OK)
		return a->cert_err;
	if (err != PST_OK)
		return err;
	*authentic = true;
	err = pst_teep_decode(&a->verified, &a->in, NULL);
	if (err != PST_OK)
		return err;
	/* Answers are encoded over the message that it came in. */
	if (PST_TEEP_HAS(&a->in, PST_LABEL_TOKEN)) {
		pst_copy(a->token, a->in.token);
		a->token_len = (uint8_t)a->in.token.len;
	}
	return PST_OK;
}

enum pst_err
pst_agent_message(struct pst_agent *a, uint32_t tam, struct pst_bytes message,
    struct pst_agent_out *out)
{
	bool authentic = false;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	if (!a->open)
		return PST_ERR_STATE;
	if (tam >= a->config->tam_count)
		return PST_ERR_AGENT_TAM;
	if (a->update.active && a->update.tam == tam)
		return PST_ERR_BUSY;
	a->tam = tam;
	a->token_len = 0;
	a->tam_refused = false;
	err = admit(a, message);
	if (err == PST_OK)
		err = pst_agent_authenticate(a, message.len, &authentic);
	if (err != PST_OK)
		return pst_agent_refuse(a, err, authentic, out);
	switch (a->in.type) {
	case PST_TEEP_QUERY_REQUEST:
		err = pst_agent_query(a, out);
		break;
	case PST_TEEP_UPDATE:
		if (a->update.active)
			return PST_ERR_BUSY;
		if (!pst_agent_has_attested(a, tam)) {
			err = PST_ERR_TEEP_ATTEST;
			break;
		}
		return pst_agent_update_message(a, message.len, out);
	default:
		/* The other types are what an agent sends. */
		err = PST_ERR_TEEP_TYPE;
		break;
	}
	if (err != PST_OK)
		return pst_agent_refuse(a, err, true, out);
	return PST_OK;
}
