/* What a device's last appraisal came to, signed for relying parties. */
#include <stdlib.h>
#include <string.h>

#include <tam/node/subject.h>
#include <tam/node/verdict.h>

#include "admin_internal.h"

enum { RESULT_MAX = 4096 }; /* bytes of a token, in either form */

/** A device's verdict, and who it is about. */
struct subject {
	struct pst_ear ear;
	bool has;
	char name[PST_ADMIN_NAME_LEN];
	uint8_t ueid[PST_EAT_UEID_MAX];
	size_t ueid_len;
	const struct pst_crypto *crypto;
};

/* What the engine or the operator has against the device since then, or
 * beyond what the Verifier looked at, makes it no better. */
static void
worsen(const struct pst_tam_device_row *row, struct pst_ear *ear)
{
	if (row->status != PST_TAM_ACTIVE || row->attested != PST_OK)
		ear->status = PST_EAR_CONTRAINDICATED;
}

static bool
take(void *ctx, const struct pst_tam_device_row *row)
{
	struct subject *s = ctx;

	s->has =
	    row->appraised_s > 0 && pst_tam_verdict_get(row->verdict, &s->ear);
	worsen(row, &s->ear);
	s->ear.has_iat = true;
	s->ear.iat = row->appraised_s;
	snprintf(s->name, sizeof(s->name), "%s", row->name);
	if (pst_tam_ueid(s->crypto, row->attester, s->ueid) == PST_OK)
		s->ueid_len = sizeof(s->ueid);
	return false;
}

static json_t *
result_json(const struct subject *s, struct pst_bytes jwt, struct pst_bytes cwt)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "name",
	    pst_admin_text(s->name), "status", pst_ear_tier_name(s->ear.status),
	    "appraised", pst_admin_time(s->ear.iat), "expires",
	    pst_admin_time(s->ear.exp), "jwt",
	    json_stringn((const char *)jwt.ptr, jwt.len), "cwt",
	    pst_admin_hex(cwt));
}

static enum pst_err
write_result(struct pst_admin_call *c, const struct subject *s)
{
	const struct pst_ear_args args = { c->crypto, c->result_key, s->name,
		"Postern", "tam", { s->ueid, s->ueid_len } };
	char jwt[RESULT_MAX];
	uint8_t cwt[RESULT_MAX];
	size_t jwt_len = 0, cwt_len = 0;
	enum pst_err err;

	err = pst_ear_write_jwt(&s->ear, &args, jwt, sizeof(jwt), &jwt_len);
	if (err == PST_OK)
		err = pst_ear_write_cwt(
		    &s->ear, &args, cwt, sizeof(cwt), &cwt_len);
	if (err != PST_OK)
		return err;
	c->out =
	    result_json(s, (struct pst_bytes){ (const uint8_t *)jwt, jwt_len },
		(struct pst_bytes){ cwt, cwt_len });
	return PST_OK;
}

/* Signed now, of then: iat is when the device was appraised. */
static enum pst_err
device_result(struct pst_admin_call *c)
{
	struct subject s = { .crypto = c->crypto };
	enum pst_err err;

	err = pst_tam_find_device(c->reader, c->arg[0], take, &s);
	if (err == PST_ERR_NOT_FOUND)
		return pst_admin_refuse(
		    c, err, "no device is called %s", c->arg[0]);
	if (err != PST_OK)
		return err;
	if (!s.has)
		return pst_admin_refuse(c, PST_ERR_STATE,
		    "%s was not appraised yet; it will be at its next contact",
		    c->arg[0]);
	s.ear.has_exp = true;
	s.ear.exp = s.ear.iat + c->result_life_s;
	if (c->now_s >= s.ear.exp)
		return pst_admin_refuse(c, PST_ERR_STATE,
		    "the last appraisal of %s is too old; let it contact this "
		    "TAM again",
		    c->arg[0]);
	return write_result(c, &s);
}

const struct pst_admin_route pst_admin_result_routes[] = {
	{ "GET", "/devices/*/result", 0, PST_ADMIN_NO_BODY, device_result },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
