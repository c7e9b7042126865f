/*
 * Passports (RFC 9334, Section 5.1): the Attestation Result that one TAM gave
 * is shown to another in place of Evidence, where the configuration says so
 * and the other goes by time (draft-ietf-teep-protocol, Section 9).
 *
 * It is shown only while it would hold: in the TEEP profile, in time by a
 * clock that can be relied on, about the key that signs. When a TAM did not
 * want it, that TAM gets Evidence for a day.
 */
#include "agent/agent_internal.h"

/* What its maker says of it. It came in an Update whose signature held; who
 * made it is judged by the TAM that it is shown to. */
static enum pst_err
holds(struct pst_agent *a, struct pst_bytes result, uint64_t now_s)
{
	uint8_t own[PST_THUMBPRINT_LEN];
	struct pst_verified claims;
	struct pst_eat eat;
	enum pst_err err;

	err = pst_cose_parse(result, PST_TAG_SIGN1, &a->cose, NULL);
	if (err == PST_OK &&
	    (a->cose.kind != PST_TAG_SIGN1 || a->cose.detached))
		err = PST_ERR_COSE_STRUCTURE;
	if (err != PST_OK)
		return err;
	claims = pst_verified_by_caller(a->cose.payload);
	err = pst_eat_decode(&claims, &eat, NULL);
	if (err == PST_OK)
		err =
		    pst_cose_thumbprint(a->ports.crypto, &a->config->pub, own);
	if (err != PST_OK)
		return err;
	return pst_eat_check(&eat, PST_BYTES_LIT(PST_EAT_TEEP_PROFILE),
	    PST_NOTHING, own, a->ports.crypto, now_s, 0);
}

bool
pst_agent_passport_refused(const struct pst_reg_record *tam, uint64_t now_s)
{
	uint64_t since_s = tam->n[1] >> PST_FACT_REFUSED_SHIFT;

	return since_s != 0 && now_s >= since_s &&
	    now_s - since_s < PST_AGENT_REFUSED_S;
}

/* Has this TAM refused what it was shown? */
static bool
unwanted(const struct pst_agent *a, uint32_t tam, uint64_t now_s)
{
	struct pst_reg_record r;

	return pst_reg_find(&a->registry, PST_REG_TAM,
		   pst_agent_tam_name(a, tam), PST_REG_ANY, &r) &&
	    pst_agent_passport_refused(&r, now_s);
}

enum pst_err
pst_agent_passport(struct pst_agent *a, uint32_t tam, size_t *len)
{
	struct pst_bytes from = a->config->tams[tam].passport;
	const struct pst_clock *clock = a->ports.clock;
	struct pst_bytes result = { a->memory.out, 0 };
	struct pst_reg_record r;
	uint64_t now_s = 0;
	bool trusted = false;
	enum pst_err err;

	*len = 0;
	if (from.len == 0 || !a->by_time ||
	    clock->now(clock->ctx, &now_s, &trusted) != PST_OK || !trusted ||
	    unwanted(a, tam, now_s) ||
	    !pst_reg_find(&a->registry, PST_REG_RESULT, from, PST_REG_ANY, &r))
		return PST_ERR_NOT_FOUND;
	if (r.other.len > 0 &&
	    !pst_media_type_same(r.other, PST_BYTES_LIT(PST_EAT_TEEP_FORMAT)))
		return PST_ERR_NOT_FOUND;
	err = pst_agent_object_load(
	    a, r.n[0], a->memory.out, a->memory.out_cap, &result.len);
	if (err != PST_OK)
		return err;
	if (holds(a, result, now_s) != PST_OK)
		return PST_ERR_NOT_FOUND;
	*len = result.len;
	return PST_OK;
}
