/*
 * Attestation payloads that were encrypted to the TAM
 * (draft-ietf-teep-protocol, Section "EATs and SUIT Reports": "The TAM will
 * decrypt the encrypted Evidence and will forward it to the Verifier").
 */
#include <postern/eat_encrypt.h>
#include <tam/engine/engine_internal.h>

/* pst_keys.find_secret: the TAM has one key that agents encrypt to. */
static enum pst_err
encryption_key(void *ctx, const struct pst_cose_headers *headers,
    size_t attempt, uint32_t *key, uint32_t *who)
{
	const struct pst_tam_turn *t = ctx;

	*who = 0;
	if (attempt > 0 || t->e->encryption_key == 0 ||
	    headers->alg != PST_ALG_ECDH_ES_A128KW)
		return PST_ERR_NOT_FOUND;
	*key = t->e->encryption_key;
	return PST_OK;
}

struct pst_keys
pst_tam_recipients(struct pst_tam_turn *t)
{
	return (struct pst_keys){ .ctx = t, .find_secret = encryption_key };
}

enum pst_err
pst_tam_open_payload(struct pst_tam_turn *t)
{
	const struct pst_keys keys = pst_tam_recipients(t);
	struct pst_cbor_writer w;
	enum pst_err err;

	t->evidence = t->payload;
	if (!pst_eat_encrypted(t->payload))
		return PST_OK;
	pst_tam_scratch(t, &w);
	err = pst_eat_decrypt(
	    t->payload, t->e->crypto, &keys, w.buf, w.cap, &t->evidence);
	if (err == PST_OK)
		t->scratch_len += t->evidence.len;
	return err;
}
