/* Published components, who should have them, whose keys are trusted. */
#include <stdio.h>
#include <string.h>

#include "admin_internal.h"

/* --- components -------------------------------------------------------- */

static json_t *
manifest_json(const struct pst_tam_manifest *m)
{
	json_t *components = json_array();
	struct pst_list list = m->components;
	struct pst_bytes id;

	while (pst_list_next(&list, &id))
		json_array_append_new(components, pst_admin_component(id));
	return json_pack("{s:o, s:I, s:o, s:o, s:I, s:o, s:o}", "manifest",
	    pst_admin_component(m->manifest_id), "sequence",
	    (json_int_t)m->sequence, "digest", pst_admin_digest(&m->digest),
	    "components", components, "size", (json_int_t)m->envelope_len,
	    "signer",
	    m->signer != NULL ? pst_admin_text(m->signer) : json_null(),
	    "published", pst_admin_time(m->published_s));
}

static bool
add_manifest(void *ctx, const struct pst_tam_manifest *m)
{
	return pst_admin_page_add(ctx, m->id, manifest_json(m));
}

static enum pst_err
list_components(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(&p,
	    pst_tam_list_manifests(
		c->reader, c->after, limit, add_manifest, &p));
}

static enum pst_err
publish(struct pst_admin_call *c)
{
	struct pst_tam_manifest m;
	enum pst_err err;

	err = pst_tam_publish(c->store, c->reader, c->crypto, c->who, c->body,
	    c->now_s, &m, c->note);
	if (err != PST_OK)
		return err;
	/* A number is given to what was not there before. */
	c->status = m.id != 0 ? 201 : 200;
	c->out = manifest_json(&m);
	return PST_OK;
}

const struct pst_admin_route pst_admin_component_routes[] = {
	{ "GET", "/components", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_components },
	{ "POST", "/components", 0, PST_ADMIN_ENVELOPE, publish },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};

/* --- assignments ------------------------------------------------------- */

static const char *const scopes[] = {
	[PST_TAM_ALL] = "all",
	[PST_TAM_GROUP] = "group",
	[PST_TAM_DEVICE] = "device",
};

static bool
add_assignment(void *ctx, const struct pst_tam_assignment_row *row)
{
	return pst_admin_page_add(ctx, row->id,
	    json_pack("{s:o, s:s, s:o, s:b, s:b, s:b}", "component",
		pst_admin_component(row->component), "scope",
		scopes[row->scope], "target",
		row->scope == PST_TAM_ALL ? json_null()
					  : pst_admin_text(row->target),
		"on-request", row->terms == PST_TAM_ON_REQUEST, "remediation",
		row->terms == PST_TAM_REMEDIATION, "published",
		row->published));
}

static enum pst_err
list_assignments(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(&p,
	    pst_tam_list_assignments(
		c->reader, c->after, limit, add_assignment, &p));
}

/** Whom an assignment is for: a scope, and a name unless it is all. */
static enum pst_err
read_scope(struct pst_admin_call *c, const char *scope, const char *target,
    enum pst_tam_scope *out)
{
	size_t i;

	for (i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		if (strcmp(scopes[i], scope) != 0)
			continue;
		*out = (enum pst_tam_scope)i;
		if ((*out == PST_TAM_ALL) == (target[0] == 0))
			return PST_OK;
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "target: names the group or device, and is absent for all");
	}
	return pst_admin_refuse(
	    c, PST_ERR_ARG, "scope: \"all\", \"group\" or \"device\"");
}

static enum pst_err
scope_failed(struct pst_admin_call *c, enum pst_err err, const char *scope,
    const char *target)
{
	if (err != PST_ERR_NOT_FOUND || target[0] == 0)
		return err;
	return pst_admin_refuse(c, err, "no such %s: %s", scope, target);
}

static enum pst_err
assign(struct pst_admin_call *c)
{
	const char *text = "", *scope = "", *target = "";
	uint8_t id[PST_SUIT_ID_MAX];
	struct pst_bytes component;
	enum pst_tam_scope to;
	int on_request = 0, remediation = 0;
	enum pst_tam_terms terms = PST_TAM_ALWAYS;
	bool published;
	enum pst_err err;

	err = pst_admin_unpack(c, "{s:s, s:s, s?s, s?b, s?b}", "component",
	    &text, "scope", &scope, "target", &target, "on-request",
	    &on_request, "remediation", &remediation);
	if (err == PST_OK && on_request && remediation)
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "on-request and remediation exclude each other");
	if (on_request)
		terms = PST_TAM_ON_REQUEST;
	if (remediation)
		terms = PST_TAM_REMEDIATION;
	if (err == PST_OK)
		err = pst_admin_component_read(c, text, id, &component);
	if (err == PST_OK)
		err = read_scope(c, scope, target, &to);
	if (err != PST_OK)
		return err;
	err = pst_tam_assign(
	    c->store, c->who, component, to, target, terms, c->now_s);
	if (err != PST_OK)
		return scope_failed(c, err, scope, target);
	err = pst_tam_published(c->reader, component, &published);
	if (err != PST_OK)
		return err;
	c->out = json_pack("{s:o, s:s, s:o, s:b, s:b, s:b}", "component",
	    pst_admin_component(component), "scope", scope, "target",
	    to == PST_TAM_ALL ? json_null() : json_string(target), "on-request",
	    on_request, "remediation", remediation, "published", published);
	return PST_OK;
}

static enum pst_err
unassign(struct pst_admin_call *c)
{
	uint8_t id[PST_SUIT_ID_MAX];
	struct pst_bytes component;
	enum pst_tam_scope to;
	enum pst_err err;

	if ((c->query & PST_ADMIN_Q_COMPONENT) == 0 ||
	    (c->query & PST_ADMIN_Q_SCOPE) == 0)
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "give ?component= and &scope=, and &target= unless all");
	err = pst_admin_component_read(c, c->component, id, &component);
	if (err == PST_OK)
		err = read_scope(c, c->scope, c->target, &to);
	if (err != PST_OK)
		return err;
	c->status = 204;
	err = pst_tam_unassign(
	    c->store, c->who, component, to, c->target, c->now_s);
	if (err == PST_ERR_NOT_FOUND)
		return pst_admin_refuse(c, err, "no such assignment");
	return err;
}

/* --- anchors ----------------------------------------------------------- */

static const char *const kinds[] = {
	[PST_TAM_SIGNER] = "signer",
	[PST_TAM_VERIFIER] = "verifier",
	[PST_TAM_AUTHOR] = "author",
};

static enum pst_err
read_kind(
    struct pst_admin_call *c, const char *text, enum pst_tam_anchor_kind *out)
{
	if (strcmp(text, kinds[PST_TAM_SIGNER]) == 0)
		*out = PST_TAM_SIGNER;
	else if (strcmp(text, kinds[PST_TAM_VERIFIER]) == 0)
		*out = PST_TAM_VERIFIER;
	else if (strcmp(text, kinds[PST_TAM_AUTHOR]) == 0)
		*out = PST_TAM_AUTHOR;
	else
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "kind: of a key \"signer\", \"verifier\" or \"author\", "
		    "nothing else");
	return PST_OK;
}

static json_t *
anchor_json(struct pst_admin_call *c, const struct pst_tam_anchor *a)
{
	json_t *prefixes = json_array();
	struct pst_list list = a->prefixes;
	struct pst_bytes id;

	while (pst_list_next(&list, &id))
		json_array_append_new(prefixes, pst_admin_component(id));
	return json_pack("{s:s, s:o, s:o, s:o}", "kind", kinds[a->kind], "name",
	    pst_admin_text(a->name), "key", pst_admin_key(c, &a->key),
	    "prefixes", prefixes);
}

static bool
add_anchor(void *ctx, const struct pst_tam_anchor *row)
{
	struct pst_admin_page *p = ctx;

	return pst_admin_page_add(p, row->id, anchor_json(p->c, row));
}

static enum pst_err
list_anchors(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(&p,
	    pst_tam_list_anchors(c->reader, c->after, limit, add_anchor, &p));
}

enum { PREFIXES_MAX = 64 }; /* of one anchor */

/** Encoded identifiers of a JSON list, one after another. */
static enum pst_err
read_prefixes(struct pst_admin_call *c, const json_t *in,
    uint8_t buf[PREFIXES_MAX * PST_SUIT_ID_MAX], struct pst_list *out)
{
	struct pst_bytes id;
	size_t at = 0, i;
	enum pst_err err;
	json_t *item;

	if (in != NULL && !json_is_array(in))
		return pst_admin_refuse(c, PST_ERR_ARG, "prefixes: not a list");
	if (json_array_size(in) > PREFIXES_MAX)
		return pst_admin_refuse(c, PST_ERR_LIMIT, "prefixes: too many");
	json_array_foreach((json_t *)(uintptr_t)in, i, item)
	{
		if (!json_is_string(item))
			return pst_admin_refuse(
			    c, PST_ERR_ARG, "prefixes: not a list of text");
		err = pst_admin_component_read(
		    c, json_string_value(item), buf + at, &id);
		if (err != PST_OK)
			return err;
		at += id.len;
	}
	*out = (struct pst_list){ { buf, at }, json_array_size(in) };
	return PST_OK;
}

static enum pst_err
add_new_anchor(struct pst_admin_call *c)
{
	uint8_t buf[PREFIXES_MAX * PST_SUIT_ID_MAX];
	struct pst_tam_anchor a = { .id = 0 };
	const char *kind = "", *text = "";
	json_t *prefixes = NULL;
	enum pst_err err;

	err = pst_admin_unpack(c, "{s:s, s:s, s:s, s?o}", "kind", &kind, "name",
	    &a.name, "key", &text, "prefixes", &prefixes);
	if (err == PST_OK)
		err = read_kind(c, kind, &a.kind);
	if (err == PST_OK)
		err = pst_admin_key_read(c, text, &a.key);
	if (err == PST_OK)
		err = read_prefixes(c, prefixes, buf, &a.prefixes);
	if (err != PST_OK)
		return err;
	if (a.kind == PST_TAM_SIGNER && a.prefixes.count == 0)
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "prefixes: a signer without one may sign for nothing; "
		    "name the components it is trusted with");
	if (a.kind != PST_TAM_SIGNER && a.prefixes.count > 0)
		return pst_admin_refuse(
		    c, PST_ERR_ARG, "prefixes: only a signer has them");
	err = pst_tam_anchor_add(c->store, c->who, &a, c->now_s);
	if (err == PST_ERR_STATE)
		return pst_admin_refuse(c, err,
		    "this name belongs to another key; remove it first");
	if (err == PST_OK)
		c->out = anchor_json(c, &a);
	return err;
}

static enum pst_err
remove_anchor(struct pst_admin_call *c)
{
	enum pst_tam_anchor_kind kind = PST_TAM_SIGNER;
	enum pst_err err = read_kind(c, c->arg[0], &kind);

	if (err != PST_OK)
		return err;
	c->status = 204;
	err =
	    pst_tam_anchor_remove(c->store, c->who, kind, c->arg[1], c->now_s);
	if (err != PST_ERR_NOT_FOUND)
		return err;
	return pst_admin_refuse(
	    c, err, "no %s anchor is called %s", kinds[kind], c->arg[1]);
}

const struct pst_admin_route pst_admin_anchor_routes[] = {
	{ "GET", "/assignments", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_assignments },
	{ "POST", "/assignments", 0, PST_ADMIN_JSON, assign },
	{ "DELETE", "/assignments",
	    PST_ADMIN_Q_COMPONENT | PST_ADMIN_Q_SCOPE | PST_ADMIN_Q_TARGET,
	    PST_ADMIN_NO_BODY, unassign },
	{ "GET", "/anchors", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_anchors },
	{ "POST", "/anchors", 0, PST_ADMIN_JSON, add_new_anchor },
	{ "DELETE", "/anchors/*/*", 0, PST_ADMIN_NO_BODY, remove_anchor },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};

/* --- the node ---------------------------------------------------------- */

static bool
add_audit(void *ctx, const struct pst_tam_audit_row *row)
{
	return pst_admin_page_add(ctx, row->id,
	    json_pack("{s:o, s:o, s:o, s:o}", "at", pst_admin_time(row->at_s),
		"who", pst_admin_text(row->who), "what",
		pst_admin_text(row->what), "detail",
		pst_admin_text(row->detail)));
}

static enum pst_err
list_audit(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(
	    &p, pst_tam_list_audit(c->reader, c->after, limit, add_audit, &p));
}

static enum pst_err
show_status(struct pst_admin_call *c)
{
	struct pst_tam_counts n;
	enum pst_err err = pst_tam_count(c->reader, &n);

	if (err != PST_OK)
		return err;
	c->out = json_pack("{s:o, s:I, s:I, s:I, s:I}", "uri",
	    c->uri != NULL ? pst_admin_text(c->uri) : json_null(), "devices",
	    (json_int_t)n.devices, "manifests", (json_int_t)n.manifests,
	    "reports", (json_int_t)n.reports, "audit", (json_int_t)n.audit);
	return PST_OK;
}

const struct pst_admin_route pst_admin_node_routes[] = {
	{ "GET", "/audit", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY, list_audit },
	{ "GET", "/status", 0, PST_ADMIN_NO_BODY, show_status },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
