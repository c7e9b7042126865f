/*
 * Choosing the technology by media type, and the steps common to all.
 */
#include "internal.h"

#include <string.h>

/* More technologies are one row each. */
static const struct pst_technology *const technologies[] = {
	&pst_technology_eat, &pst_technology_result, &pst_technology_snp,
	&pst_technology_nitro, &pst_technology_psa, &pst_technology_cca,
	&pst_technology_tpm, &pst_technology_dcap
};
#define TECHNOLOGIES (sizeof(technologies) / sizeof(technologies[0]))

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static bool
is_of(const struct pst_technology *t, struct pst_bytes format)
{
	const char *const *f;

	if (pst_equal(format, text(t->name)))
		return true;
	for (f = t->formats; *f != NULL; f++)
		if (pst_media_type_same(format, text(*f)))
			return true;
	return false;
}

const struct pst_technology *
pst_technology_of(struct pst_bytes format)
{
	size_t i;

	/* "The absence of this parameter indicates that the format is …" the
	 * TEEP profile, hence a result; never a device's word about itself. */
	if (format.len == 0)
		return &pst_technology_result;
	for (i = 0; i < TECHNOLOGIES; i++)
		if (is_of(technologies[i], format))
			return technologies[i];
	return NULL;
}

static const struct pst_technology *
by_name(const char *name)
{
	size_t i;

	for (i = 0; i < TECHNOLOGIES; i++) {
		if (strcmp(technologies[i]->name, name) == 0)
			return technologies[i];
	}
	return NULL;
}

bool
pst_technology_is(const char *name)
{
	return by_name(name) != NULL;
}

bool
pst_verifier_technology(
    size_t n, const char **name, const char *const **formats)
{
	if (n >= TECHNOLOGIES)
		return false;
	*name = technologies[n]->name;
	*formats = technologies[n]->formats;
	return true;
}

uint32_t
pst_verifier_technology_bit(const char *name)
{
	size_t i;

	for (i = 0; i < TECHNOLOGIES; i++)
		if (strcmp(technologies[i]->name, name) == 0)
			return UINT32_C(1) << i;
	return 0;
}

bool
pst_verifier_knows(struct pst_bytes format)
{
	return pst_technology_of(format) != NULL || pst_container_is(format);
}

void
pst_appraisal_note(struct pst_appraisal *out, const char *what,
    enum pst_err err, const char *why)
{
	struct pst_appraisal_check *c;

	if (out->why == PST_OK)
		out->why = err;
	/* The list is for people; the verdict does not depend on its room. */
	if (out->check_count == PST_APPRAISAL_CHECKS_MAX)
		return;
	c = &out->checks[out->check_count++];
	c->what = what;
	c->err = err;
	c->why = why;
}

void
pst_appraisal_add(struct pst_appraisal *out, const char *what, enum pst_err err)
{
	pst_appraisal_note(out, what, err, NULL);
}

static struct pst_claim *
claim(struct pst_appraisal *out, const char *name, enum pst_claim_kind kind)
{
	static struct pst_claim nowhere;
	struct pst_claim *c = &nowhere;

	/* Policy must not miss one. */
	if (out->claim_count == PST_APPRAISAL_CLAIMS_MAX)
		pst_appraisal_note(out, "claims", PST_ERR_LIMIT, "too many");
	else
		c = &out->claim[out->claim_count++];
	c->name = name;
	c->kind = kind;
	return c;
}

void
pst_claim_bytes(
    struct pst_appraisal *out, const char *name, struct pst_bytes value)
{
	claim(out, name, PST_CLAIM_BYTES)->bytes = value;
}

void
pst_claim_text(
    struct pst_appraisal *out, const char *name, struct pst_bytes value)
{
	claim(out, name, PST_CLAIM_TEXT)->bytes = value;
}

void
pst_claim_uint(struct pst_appraisal *out, const char *name, uint64_t value)
{
	claim(out, name, PST_CLAIM_UINT)->n = value;
}

void
pst_appraisal_device_keys(struct pst_appraisal *out)
{
	enum pst_err err;

	if (out->claims.keys.len == 0)
		return;
	err = pst_eat_keys_decode(out->claims.keys, &out->device_keys);
	pst_appraisal_add(out, "keys", err);
}

struct pst_bytes
pst_appraisal_keep(struct pst_appraisal *out, struct pst_bytes value)
{
	struct pst_bytes kept = { out->store + out->stored, value.len };

	if (value.len > PST_APPRAISAL_STORE - out->stored) {
		pst_appraisal_note(out, "claims", PST_ERR_LIMIT, "too long");
		return (struct pst_bytes){ NULL, 0 };
	}
	if (value.len > 0)
		memcpy(out->store + out->stored, value.ptr, value.len);
	out->stored += value.len;
	return kept;
}

enum pst_err
pst_verifier_open(const struct pst_verifier *v, struct pst_bytes payload,
    struct pst_bytes format, uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_technology *t = NULL;
	struct pst_evidence in;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	out->technology = "unknown";
	err = pst_container_open(payload, &format, &in);
	if (err == PST_OK)
		t = pst_technology_of(format);
	if (t == NULL) {
		pst_appraisal_add(
		    out, "format", err != PST_OK ? err : PST_ERR_UNSUPPORTED);
		return out->why;
	}
	out->technology = t->name;
	out->is_result = t->is_result;
	t->open(v, &in, now_s, out);
	out->opened = out->why == PST_OK;
	return out->why;
}

enum pst_err
pst_verifier_judge(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_technology *t = by_name(out->technology);

	out->accepted = false;
	if (!out->opened || t == NULL) {
		if (out->why == PST_OK)
			out->why = PST_ERR_STATE;
		return out->why;
	}
	t->judge(v, challenge, agent, now_s, out);
	out->accepted = out->why == PST_OK;
	return out->why;
}

enum pst_err
pst_verifier_appraise(const struct pst_verifier *v, struct pst_bytes payload,
    struct pst_bytes format, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	enum pst_err err = pst_verifier_open(v, payload, format, now_s, out);

	if (err != PST_OK)
		return err;
	return pst_verifier_judge(v, challenge, agent, now_s, out);
}

static enum pst_err
find_agent(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct pst_agent_keys *from = ctx;
	enum pst_err err = PST_ERR_NOT_FOUND;
	size_t enrolled = 0;

	if (from->enrolled != NULL) {
		err = from->enrolled->find(
		    from->enrolled->ctx, headers, attempt, key, who);
		if (err != PST_ERR_NOT_FOUND)
			return err;
	}
	if (from->evidence == NULL || !from->evidence->opened ||
	    !from->evidence->has_agent_key)
		return PST_ERR_NOT_FOUND;
	/* The Evidence's key comes once, after the last enrolled one. */
	if (from->enrolled != NULL) {
		while (enrolled < attempt &&
		    from->enrolled->find(from->enrolled->ctx, headers, enrolled,
			key, who) == PST_OK)
			enrolled++;
	}
	if (attempt != enrolled)
		return PST_ERR_NOT_FOUND;
	*key = from->evidence->agent_key;
	*who = PST_WHO_EVIDENCE;
	return PST_OK;
}

void
pst_agent_keys_init(struct pst_keys *out, struct pst_agent_keys *from)
{
	memset(out, 0, sizeof(*out));
	out->ctx = from;
	out->find = find_agent;
}
