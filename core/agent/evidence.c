/*
 * Evidence on its way to a TAM (draft-ietf-teep-protocol, Sections "EATs and
 * SUIT Reports" and "Privacy Considerations").
 *
 * It identifies the device, so it leaves only for a TAM whose signature held
 * and whose anchor has a key to encrypt to, or says that the transport hides
 * it well enough. Which of the two is decided before any Evidence is made.
 */
#include <postern/eat_encrypt.h>
#include <postern/eat_keys.h>

#include "agent/agent_internal.h"

/* The AEAD of the profile that goes with the agent's own key, or the other one
 * (suit-sha256-esp256-ecdh-a128gcm, suit-sha256-ed25519-ecdh-chacha-poly). */
int32_t
pst_agent_content_alg(const struct pst_agent *a)
{
	const struct pst_crypto *c = a->ports.crypto;
	bool gcm = a->config->key.alg == PST_ALG_ESP256;

	if (gcm && !c->supports(c->ctx, PST_ALG_A128GCM))
		return PST_ALG_CHACHA_POLY;
	if (!gcm && !c->supports(c->ctx, PST_ALG_CHACHA_POLY))
		return PST_ALG_A128GCM;
	return gcm ? PST_ALG_A128GCM : PST_ALG_CHACHA_POLY;
}

/*
 * The payload in memory.out becomes a message there. What came in is not
 * needed any more: it is where the ciphertext is made.
 */
static enum pst_err
seal(struct pst_agent *a, const struct pst_agent_tam *tam, size_t *len)
{
	const struct pst_agent_memory *m = &a->memory;

	a->update.loaded = false;
	return pst_eat_encrypt(a->ports.crypto, pst_agent_content_alg(a),
	    &tam->encryption_key, m->out, m->out_cap, len, m->message,
	    m->message_cap);
}

/* What else the device has, to be attested; empty when it has nothing. */
static struct pst_bytes
other_keys(const struct pst_agent *a, uint8_t buf[PST_EAT_KEYS_MAX])
{
	const struct pst_eat_keys keys = { a->config->encryption_pub,
		a->config->report_pub };
	struct pst_cbor_writer w;

	if (keys.encryption.kty == 0 && keys.report.kty == 0)
		return PST_NOTHING;
	pst_cbor_writer_init(&w, buf, PST_EAT_KEYS_MAX);
	pst_eat_keys_encode(&w, &keys);
	return pst_cbor_written(&w);
}

static enum pst_err
make(struct pst_agent *a, struct pst_bytes challenge, size_t *len)
{
	const struct pst_attester *t = a->ports.attester;
	const struct pst_clock *clock = a->ports.clock;
	uint8_t keys[PST_EAT_KEYS_MAX];
	struct pst_attest_request q = { .challenge = challenge,
		.key = &a->config->pub,
		.signer = &a->config->key,
		.keys = other_keys(a, keys) };
	bool trusted = false;
	enum pst_err err;

	err = clock->now(clock->ctx, &q.now_s, &trusted);
	if (err != PST_OK)
		return err;
	return t->evidence(t->ctx, &q, a->memory.out, a->memory.out_cap, len,
	    &a->answer.attestation_payload_format);
}

enum pst_err
pst_agent_evidence(struct pst_agent *a, uint32_t tam,
    struct pst_bytes challenge, struct pst_cbor_writer *w)
{
	const struct pst_agent_tam *to = &a->config->tams[tam];
	bool encrypt = to->encryption_key.kty != 0;
	size_t len = 0;
	enum pst_err err;

	if (!encrypt && !to->confidential_transport)
		return PST_ERR_AGENT_EXPOSED;
	err = pst_agent_passport(a, tam, &len);
	if (err == PST_ERR_NOT_FOUND)
		err = make(a, challenge, &len);
	if (err == PST_OK && encrypt)
		err = seal(a, to, &len);
	if (err != PST_OK)
		return err;
	a->answer.attestation_payload = (struct pst_bytes){ w->buf, len };
	a->answer.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD;
	if (a->answer.attestation_payload_format.len > 0)
		a->answer.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	/* The writer goes on behind it. */
	w->len = len;
	return PST_OK;
}
