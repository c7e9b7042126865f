/*
 * Choosing the technology by media type, and the steps common to all.
 */
#include "internal.h"

#include <string.h>

/* More technologies are one row each. */
static const struct pst_technology *const technologies[] = {
	&pst_technology_eat, &pst_technology_result
};

static const struct pst_technology *
by_format(struct pst_bytes format)
{
	size_t i;

	/* "The absence of this parameter indicates that the format is …" the
	 * TEEP profile, hence a result; never a device's word about itself. */
	if (format.len == 0)
		return &pst_technology_result;
	for (i = 0; i < sizeof(technologies) / sizeof(technologies[0]); i++) {
		const char *f = technologies[i]->format;

		if (pst_media_type_same(format,
			(struct pst_bytes){ (const uint8_t *)f, strlen(f) }))
			return technologies[i];
	}
	return NULL;
}

static const struct pst_technology *
by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(technologies) / sizeof(technologies[0]); i++) {
		if (strcmp(technologies[i]->name, name) == 0)
			return technologies[i];
	}
	return NULL;
}

bool
pst_verifier_knows(struct pst_bytes format)
{
	return by_format(format) != NULL;
}

void
pst_appraisal_add(struct pst_appraisal *out, const char *what, enum pst_err err)
{
	if (out->why == PST_OK)
		out->why = err;
	if (out->check_count == PST_APPRAISAL_CHECKS_MAX)
		return;
	out->checks[out->check_count].what = what;
	out->checks[out->check_count].err = err;
	out->check_count++;
}

enum pst_err
pst_verifier_open(const struct pst_verifier *v, struct pst_bytes payload,
    struct pst_bytes format, struct pst_appraisal *out)
{
	const struct pst_technology *t = by_format(format);

	memset(out, 0, sizeof(*out));
	out->technology = "unknown";
	if (t == NULL) {
		pst_appraisal_add(out, "format", PST_ERR_UNSUPPORTED);
		return out->why;
	}
	out->technology = t->name;
	out->is_result = t->is_result;
	t->open(v, payload, out);
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
	enum pst_err err = pst_verifier_open(v, payload, format, out);

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
