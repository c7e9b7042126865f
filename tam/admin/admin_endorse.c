/* Files for the Verifier in process: anchors, collateral, Reference Values. */
#include <stdio.h>
#include <string.h>

#include <tam/node/trust.h>

#include "admin_internal.h"

enum { TEXT_MAX = 65536 }; /* of a file that is shown whole */

static enum pst_err
read_kind(struct pst_admin_call *c, enum pst_tam_endorsement_kind *out)
{
	size_t i;

	for (i = PST_TAM_VENDOR_ROOT; i < PST_TAM_ENDORSEMENT_KINDS; i++) {
		if (strcmp(pst_tam_endorsement_kind_name(
			       (enum pst_tam_endorsement_kind)i),
			c->arg[0]) != 0)
			continue;
		*out = (enum pst_tam_endorsement_kind)i;
		return PST_OK;
	}
	return pst_admin_refuse(c, PST_ERR_ARG,
	    "kind: vendor-root, device-root, collateral, crl or reference");
}

static json_t *
row_json(const struct pst_tam_endorsement *e)
{
	return json_pack("{s:s, s:o, s:o, s:I}", "kind",
	    pst_tam_endorsement_kind_name(e->kind), "name",
	    pst_admin_text(e->name), "added", pst_admin_time(e->added_s),
	    "size", (json_int_t)e->size);
}

static bool
add_row(void *ctx, const struct pst_tam_endorsement *row)
{
	return pst_admin_page_add(ctx, row->id, row_json(row));
}

static enum pst_err
list_files(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(&p,
	    pst_tam_list_endorsements(
		c->reader, c->after, limit, false, add_row, &p));
}

/* PEM and JSON as they are; what is binary has only its digest. */
static json_t *
text_json(struct pst_bytes content)
{
	json_t *text = NULL;

	if (content.len <= TEXT_MAX)
		text = json_stringn((const char *)content.ptr, content.len);
	return text != NULL ? text : json_null();
}

static bool
show_row(void *ctx, const struct pst_tam_endorsement *row)
{
	struct pst_admin_call *c = ctx;
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;

	if (c->crypto->digest(c->crypto->ctx, PST_ALG_SHA256, &row->content, 1,
		digest, &len) != PST_OK)
		return false;
	c->out = row_json(row);
	json_object_set_new(c->out, "sha-256",
	    pst_admin_hex((struct pst_bytes){ digest, len }));
	json_object_set_new(c->out, "text", text_json(row->content));
	return false;
}

static enum pst_err
not_found(struct pst_admin_call *c, enum pst_err err)
{
	if (err != PST_ERR_NOT_FOUND)
		return err;
	return pst_admin_refuse(
	    c, err, "no %s is called %s", c->arg[0], c->arg[1]);
}

static enum pst_err
show_file(struct pst_admin_call *c)
{
	enum pst_tam_endorsement_kind kind = PST_TAM_VENDOR_ROOT;
	enum pst_err err = read_kind(c, &kind);

	if (err != PST_OK)
		return err;
	err = pst_tam_find_endorsement(c->reader, kind, c->arg[1], show_row, c);
	if (err == PST_OK && c->out == NULL)
		err = PST_ERR_CRYPTO;
	return not_found(c, err);
}

/* It has to fit with all the others before it is stored: what does not load
 * would leave the Verifier without any. */
static enum pst_err
put_file(struct pst_admin_call *c)
{
	struct pst_tam_endorsement e = { .name = c->arg[1],
		.added_s = c->now_s,
		.size = c->body.len,
		.content = c->body };
	struct pst_tam_trust *trust;
	enum pst_err err = read_kind(c, &e.kind);

	if (err != PST_OK)
		return err;
	if (c->body.len == 0)
		return pst_admin_refuse(c, PST_ERR_ARG, "the file is empty");
	err = pst_tam_trust_load(c->reader, c->crypto, &e, &trust, c->note);
	if (err != PST_OK)
		return err;
	pst_tam_trust_drop(&trust);
	err = pst_tam_endorsement_put(c->store, c->who, &e, c->now_s);
	if (err == PST_ERR_LIMIT)
		return pst_admin_refuse(
		    c, err, "more than %d files", PST_TAM_ENDORSEMENTS_MAX);
	if (err == PST_OK)
		c->out = row_json(&e);
	return err;
}

static enum pst_err
remove_file(struct pst_admin_call *c)
{
	enum pst_tam_endorsement_kind kind = PST_TAM_VENDOR_ROOT;
	enum pst_err err = read_kind(c, &kind);

	if (err != PST_OK)
		return err;
	c->status = 204;
	return not_found(c,
	    pst_tam_endorsement_remove(
		c->store, c->who, kind, c->arg[1], c->now_s));
}

const struct pst_admin_route pst_admin_endorsement_routes[] = {
	{ "GET", "/endorsements", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_files },
	{ "GET", "/endorsements/*/*", 0, PST_ADMIN_NO_BODY, show_file },
	{ "PUT", "/endorsements/*/*", 0, PST_ADMIN_FILE, put_file },
	{ "DELETE", "/endorsements/*/*", 0, PST_ADMIN_NO_BODY, remove_file },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
