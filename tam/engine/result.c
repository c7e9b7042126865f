/*
 * The Attestation Result that a TAM makes of a device that it accepted: an EAT
 * in the TEEP profile (draft-ietf-teep-protocol, Section 5), signed by the
 * TAM's Verifier key, to be carried to other TAMs as a passport (RFC 9334,
 * Section 5.1).
 *
 * It is made here, and not by the Verifier, because only now is it known that
 * the Evidence was fresh and that the agent's key signed the message. It has
 * no nonce: whom it will be shown to is not known.
 */
#include <tam/engine/engine_internal.h>

#include <string.h>

/* cnf: "the key ID is the hash of the TEEP Agent public key" (Section
 * 7.1.1.1), and the key itself for a TAM that has not met it. */
static enum pst_err
confirm(struct pst_tam_turn *t, struct pst_eat *e)
{
	struct pst_cbor_writer w;

	pst_tam_scratch(t, &w);
	pst_cose_key_encode(&w, &t->key, (struct pst_bytes){ NULL, 0 });
	if (w.err != PST_OK)
		return w.err;
	e->cnf_key = pst_tam_kept(t, &w);
	e->cnf_kid = (struct pst_bytes){ t->thumbprint, sizeof(t->thumbprint) };
	return PST_OK;
}

static enum pst_err
sign(struct pst_tam_turn *t, const struct pst_eat *e, struct pst_bytes *out)
{
	struct pst_cose_sign_args args;
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_tam_scratch(t, &w);
	pst_eat_encode(&w, e);
	if (w.err != PST_OK)
		return w.err;
	memset(&args, 0, sizeof(args));
	args.payload = pst_tam_kept(t, &w);
	args.signers = t->e->result_key;
	args.count = 1;
	pst_tam_scratch(t, &w);
	err = pst_cose_sign1(&w, t->e->crypto, &args);
	if (err == PST_OK)
		*out = pst_tam_kept(t, &w);
	return err;
}

enum pst_err
pst_tam_result_make(struct pst_tam_turn *t, struct pst_bytes *out)
{
	struct pst_eat e;
	enum pst_err err;

	*out = (struct pst_bytes){ NULL, 0 };
	if (t->e->result_key == NULL || t->appraisal.subject == NULL)
		return PST_OK;
	e = *t->appraisal.subject;
	err = confirm(t, &e);
	if (err != PST_OK)
		return err;
	e.profile = PST_BYTES_LIT(PST_EAT_TEEP_PROFILE);
	e.has_iat = e.has_exp = true;
	e.iat = t->now_s;
	e.exp = t->now_s + t->e->policy.result_life_s;
	return sign(t, &e, out);
}
