/*
 * Reference Values: what claims of Evidence may be, by technology. A claim
 * that a rule names and the Evidence lacks is refused.
 */
#include "policy.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Rules of all technologies, and values of one rule. */
#define RULES_MAX 512
#define VALUES_MAX 4096

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Hexadecimal as bytes; other text as it is. */
static bool
text_value(const char *s, struct pst_bytes *out)
{
	size_t i, n = strlen(s);
	bool hex = n >= 2 && n % 2 == 0;
	uint8_t *p = malloc(n + 1);

	if (p == NULL)
		return false;
	for (i = 0; i < n && hex; i++)
		hex = nibble(s[i]) >= 0;
	memcpy(p, s, n);
	for (i = 0; hex && i < n / 2; i++)
		p[i] = (uint8_t)(nibble(s[2 * i]) << 4 | nibble(s[2 * i + 1]));
	*out = (struct pst_bytes){ p, hex ? n / 2 : n };
	return true;
}

static bool
number_value(uint64_t v, struct pst_bytes *out)
{
	uint8_t *p = malloc(sizeof(v));

	if (p == NULL)
		return false;
	memcpy(p, &v, sizeof(v));
	*out = (struct pst_bytes){ p, sizeof(v) };
	return true;
}

static bool
is_number(const json_t *j)
{
	return json_is_integer(j) && json_integer_value(j) >= 0;
}

static bool
values(struct pst_rule *rule, const json_t *list)
{
	size_t i, n = json_array_size(list);

	if (n == 0 || n > VALUES_MAX)
		return false;
	rule->values = calloc(n, sizeof(*rule->values));
	for (i = 0; rule->values != NULL && i < n; i++) {
		const json_t *v = json_array_get(list, i);
		struct pst_bytes *to = &rule->values[rule->value_count];

		if (json_is_string(v) ? !text_value(json_string_value(v), to)
				      : !is_number(v) ||
			    !number_value((uint64_t)json_integer_value(v), to))
			return false;
		rule->value_count++;
	}
	return rule->values != NULL;
}

static bool
bounds(struct pst_rule *rule, const json_t *map)
{
	const json_t *min = json_object_get(map, "min");
	const json_t *max = json_object_get(map, "max");

	if ((min != NULL && !is_number(min)) ||
	    (max != NULL && !is_number(max)) ||
	    json_object_size(map) != (size_t)(min != NULL) + (max != NULL))
		return false;
	rule->has_min = min != NULL;
	rule->has_max = max != NULL;
	rule->min = min != NULL ? (uint64_t)json_integer_value(min) : 0;
	rule->max = max != NULL ? (uint64_t)json_integer_value(max) : 0;
	return rule->has_min || rule->has_max;
}

static enum pst_err
new_rule(struct pst_endorsements *e, const char *technology, const char *claim,
    struct pst_rule **out)
{
	struct pst_rule *more, *rule;

	if (e->rule_count == RULES_MAX)
		return PST_ERR_LIMIT;
	if (strlen(technology) >= sizeof(rule->technology) ||
	    strlen(claim) >= sizeof(rule->claim) ||
	    !pst_technology_is(technology))
		return PST_ERR_ARG;
	more = realloc(e->rules, (e->rule_count + 1) * sizeof(*more));
	if (more == NULL)
		return PST_ERR_LIMIT;
	e->rules = more;
	rule = &e->rules[e->rule_count++];
	memset(rule, 0, sizeof(*rule));
	strcpy(rule->technology, technology);
	strcpy(rule->claim, claim);
	*out = rule;
	return PST_OK;
}

static enum pst_err
add(struct pst_endorsements *e, const char *technology, const char *claim,
    const json_t *what)
{
	struct pst_rule *rule;
	enum pst_err err = new_rule(e, technology, claim, &rule);

	if (err != PST_OK)
		return err;
	if (json_is_array(what) ? values(rule, what)
				: json_is_object(what) && bounds(rule, what))
		return PST_OK;
	return PST_ERR_ARG;
}

/* The rule of values for a claim, or a new one. */
static enum pst_err
rule_of(struct pst_endorsements *e, const char *technology, const char *claim,
    struct pst_rule **out)
{
	size_t i;

	for (i = 0; i < e->rule_count; i++) {
		*out = &e->rules[i];
		if (strcmp((*out)->technology, technology) == 0 &&
		    strcmp((*out)->claim, claim) == 0 && !(*out)->has_min &&
		    !(*out)->has_max)
			return PST_OK;
	}
	return new_rule(e, technology, claim, out);
}

enum pst_err
pst_rules_value(struct pst_endorsements *e, const char *technology,
    const char *claim, struct pst_bytes value)
{
	struct pst_rule *rule;
	struct pst_bytes *more;
	uint8_t *copy;
	enum pst_err err = rule_of(e, technology, claim, &rule);

	if (err != PST_OK)
		return err;
	if (rule->value_count == VALUES_MAX)
		return PST_ERR_LIMIT;
	more = realloc(rule->values, (rule->value_count + 1) * sizeof(*more));
	if (more == NULL)
		return PST_ERR_LIMIT;
	rule->values = more;
	copy = malloc(value.len + 1);
	if (copy == NULL)
		return PST_ERR_LIMIT;
	memcpy(copy, value.ptr, value.len);
	more[rule->value_count++] = (struct pst_bytes){ copy, value.len };
	return PST_OK;
}

enum pst_err
pst_rules_bound(struct pst_endorsements *e, const char *technology,
    const char *claim, uint64_t n, bool least)
{
	struct pst_bytes value = { (const uint8_t *)&n, sizeof(n) };
	struct pst_rule *rule;
	enum pst_err err;

	if (!least)
		return pst_rules_value(e, technology, claim, value);
	err = new_rule(e, technology, claim, &rule);
	if (err != PST_OK)
		return err;
	rule->has_min = true;
	rule->min = n;
	return PST_OK;
}

enum pst_err
pst_rules_parse(
    struct pst_endorsements *e, struct pst_bytes json, const char **why)
{
	json_t *root = json_loadb(
	    (const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
	const char *technology, *claim;
	json_t *claims, *what;
	enum pst_err err = json_is_object(root) ? PST_OK : PST_ERR_ARG;

	*why = "not JSON of {technology: {claim: [values] or {min, max}}}";
	json_object_foreach(root, technology, claims)
	{
		if (!json_is_object(claims))
			err = PST_ERR_ARG;
		json_object_foreach(claims, claim, what) if (err == PST_OK)
		    err = add(e, technology, claim, what);
	}
	json_decref(root);
	return err;
}

void
pst_rules_free(struct pst_endorsements *e)
{
	size_t i, k;

	for (i = 0; i < e->rule_count; i++) {
		for (k = 0; k < e->rules[i].value_count; k++) {
			union {
				const uint8_t *view;
				uint8_t *own;
			} p = { e->rules[i].values[k].ptr };

			free(p.own);
		}
		free(e->rules[i].values);
	}
	free(e->rules);
	e->rules = NULL;
	e->rule_count = 0;
}

static bool
listed(const struct pst_rule *rule, struct pst_bytes value)
{
	size_t i;

	for (i = 0; i < rule->value_count; i++)
		if (pst_equal(rule->values[i], value))
			return true;
	return false;
}

static bool
allows(const struct pst_rule *rule, const struct pst_claim *c)
{
	struct pst_bytes number = { (const uint8_t *)&c->n, sizeof(c->n) };

	if (rule->values != NULL)
		return listed(
		    rule, c->kind == PST_CLAIM_UINT ? number : c->bytes);
	return c->kind == PST_CLAIM_UINT &&
	    (!rule->has_min || c->n >= rule->min) &&
	    (!rule->has_max || c->n <= rule->max);
}

/* Every claim of that name must be allowed, and there must be one. */
static bool
holds(const struct pst_rule *rule, const struct pst_appraisal *a)
{
	bool any = false;
	size_t i;

	for (i = 0; i < a->claim_count; i++) {
		if (strcmp(a->claim[i].name, rule->claim) != 0)
			continue;
		if (!allows(rule, &a->claim[i]))
			return false;
		any = true;
	}
	return any;
}

bool
pst_rules_have(
    const struct pst_verifier *v, const char *technology, const char *claim)
{
	const struct pst_endorsements *e = v->endorsements;
	size_t i;

	for (i = 0; e != NULL && i < e->rule_count; i++)
		if (strcmp(e->rules[i].technology, technology) == 0 &&
		    strcmp(e->rules[i].claim, claim) == 0)
			return true;
	return false;
}

static bool
in_time(const struct pst_endorsements *e, uint64_t now_s)
{
	return now_s >= e->rules_from_s &&
	    (e->rules_until_s == 0 || now_s <= e->rules_until_s);
}

void
pst_rules_judge(
    const struct pst_verifier *v, uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_endorsements *e = v->endorsements;
	size_t i, n = e != NULL ? e->rule_count : 0;
	bool any = false;

	for (i = 0; i < n; i++) {
		const struct pst_rule *rule = &e->rules[i];

		if (strcmp(rule->technology, out->technology) != 0)
			continue;
		/* What firmware may be says nothing of the software. */
		any = any || strcmp(rule->claim, "tcb-status") != 0;
		pst_appraisal_note(out, "reference",
		    holds(rule, out) ? PST_OK : PST_ERR_EAT_REFUSED,
		    rule->claim);
	}
	if (any && !in_time(e, now_s))
		pst_appraisal_note(out, "reference", PST_ERR_EAT_EXPIRED,
		    "a CoRIM is not valid at this time");
	/* For a result its Verifier had them. */
	if (!any && v->need_reference && !out->is_result &&
	    (v->any_software & pst_verifier_technology_bit(out->technology)) ==
		0)
		pst_appraisal_note(out, "reference-values", PST_ERR_EAT_REFUSED,
		    "none are configured");
}
