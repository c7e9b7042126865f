/* Devices, what they report, and groups. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"
#include "diag.h"

/* --- devices ----------------------------------------------------------- */

static json_t *
groups_json(const char *names)
{
	json_t *list = json_array();
	const char *end;

	for (; *names != 0; names = *end ? end + 1 : end) {
		end = strchrnul(names, ',');
		json_array_append_new(
		    list, json_stringn(names, (size_t)(end - names)));
	}
	return list;
}

/* The lines as a list. */
static json_t *
reasons_json(const char *lines)
{
	json_t *list = json_array();
	const char *end;

	for (; *lines != 0; lines = *end ? end + 1 : end) {
		end = strchrnul(lines, '\n');
		json_array_append_new(
		    list, json_stringn(lines, (size_t)(end - lines)));
	}
	return list;
}

static json_t *
attested_json(const struct pst_tam_device_row *row)
{
	bool ever = row->claims.len > 0 || row->attested_s > 0;

	return json_pack("{s:o, s:o, s:o}", "passed",
	    pst_admin_time(row->attested_s), "why", reasons_json(row->reasons),
	    "last",
	    ever || row->attested != PST_OK
		? json_string(pst_err_name(row->attested))
		: json_null());
}

static json_t *
device_json(struct pst_admin_call *c, const struct pst_tam_device_row *row)
{
	json_t *key = row->has_key ? pst_admin_key(c, &row->key) : json_null();

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "name", pst_admin_text(row->name), "status",
	    row->status == PST_TAM_REVOKED ? "revoked" : "active", "attester",
	    pst_admin_hex(row->attester), "teep-key", key, "enrolled",
	    pst_admin_time(row->enrolled_s), "seen",
	    pst_admin_time(row->seen_s), "attestation", attested_json(row),
	    "update-pending-until",
	    row->pending ? pst_admin_time(row->pending_expires_s) : json_null(),
	    "groups", groups_json(row->groups));
}

static bool
add_device(void *ctx, const struct pst_tam_device_row *row)
{
	struct pst_admin_page *p = ctx;

	return pst_admin_page_add(p, row->id, device_json(p->c, row));
}

static enum pst_err
list_devices(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(&p,
	    pst_tam_list_devices(c->reader, c->after, limit, add_device, &p));
}

/** One device, found by name or number. */
struct one {
	struct pst_admin_call *c;
	json_t *json;
	int64_t id;
	char name[PST_ADMIN_NAME_LEN];
	bool fresh; /* enrolled in this second */
};

static bool
take_device(void *ctx, const struct pst_tam_device_row *row)
{
	struct one *o = ctx;

	o->json = device_json(o->c, row);
	o->id = row->id;
	o->fresh = row->enrolled_s == o->c->now_s;
	snprintf(o->name, sizeof(o->name), "%s", row->name);
	return false;
}

static bool
add_inventory(void *ctx, const struct pst_tam_inventory_row *row)
{
	json_t *item;

	item = json_pack("{s:o, s:o, s:o, s:o, s:b}", "component",
	    pst_admin_component(row->component), "digest",
	    pst_admin_digest(&row->digest), "size",
	    row->has_image_size ? json_integer((json_int_t)row->image_size)
				: json_null(),
	    "since", pst_admin_time(row->since_s), "manifest",
	    row->is_manifest);
	if (row->is_manifest)
		json_object_set_new(
		    item, "sequence", json_integer((json_int_t)row->sequence));
	return json_array_append_new(ctx, item) == 0;
}

enum pst_err
pst_admin_about_device(struct pst_admin_call *c, enum pst_err err)
{
	if (err != PST_ERR_NOT_FOUND)
		return err;
	return pst_admin_refuse(c, err, "no device is called %s", c->arg[0]);
}

static enum pst_err
show_device(struct pst_admin_call *c)
{
	struct one o = { .c = c };
	json_t *inventory;
	enum pst_err err;

	err = pst_tam_find_device(c->reader, c->arg[0], take_device, &o);
	if (err != PST_OK)
		return pst_admin_about_device(c, err);
	inventory = json_array();
	err = pst_tam_list_inventory(c->reader, o.id, add_inventory, inventory);
	json_object_set_new(o.json, "components", inventory);
	if (err == PST_OK)
		err = pst_admin_attesters(c, o.id, o.json);
	c->out = o.json;
	return err;
}

/* The answer to a call that enrolled a device, or found it enrolled. */
enum pst_err
pst_admin_device_by_id(struct pst_admin_call *c, int64_t id)
{
	struct one o = { .c = c };
	enum pst_err err;

	err = pst_tam_list_devices(c->reader, id - 1, 1, take_device, &o);
	if (err == PST_OK && o.json == NULL)
		err = PST_ERR_NOT_FOUND;
	if (err == PST_OK)
		err = pst_admin_attesters(c, o.id, o.json);
	c->out = o.json;
	c->status = o.fresh ? 201 : 200;
	return err;
}

enum pst_err
pst_admin_device_by_name(struct pst_admin_call *c)
{
	struct one o = { .c = c };
	enum pst_err err;

	err = pst_tam_find_device(c->reader, c->arg[0], take_device, &o);
	if (err == PST_OK)
		err = pst_admin_attesters(c, o.id, o.json);
	c->out = o.json;
	return pst_admin_about_device(c, err);
}

static enum pst_err
set_device_status(struct pst_admin_call *c)
{
	struct one o = { .c = c };
	enum pst_tam_status status;
	const char *text = "";
	enum pst_err err;

	err = pst_admin_unpack(c, "{s:s}", "status", &text);
	if (err != PST_OK)
		return err;
	if (strcmp(text, "active") == 0)
		status = PST_TAM_ACTIVE;
	else if (strcmp(text, "revoked") == 0)
		status = PST_TAM_REVOKED;
	else
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "status: \"active\" or \"revoked\", nothing else");
	err = pst_tam_device_status(
	    c->store, c->who, c->arg[0], status, c->now_s);
	if (err == PST_OK)
		err =
		    pst_tam_find_device(c->reader, c->arg[0], take_device, &o);
	c->out = o.json;
	return pst_admin_about_device(c, err);
}

static enum pst_err
remove_device(struct pst_admin_call *c)
{
	c->status = 204;
	return pst_admin_about_device(
	    c, pst_tam_device_remove(c->store, c->who, c->arg[0], c->now_s));
}

/* --- reports ----------------------------------------------------------- */

/* draft-ietf-suit-report, Section 4.2. */
static const char *const reasons[] = {
	[PST_SUIT_REASON_OK] = "ok",
	[PST_SUIT_REASON_CBOR_PARSE] = "cbor-parse",
	[PST_SUIT_REASON_COSE_UNSUPPORTED] = "cose-unsupported",
	[PST_SUIT_REASON_ALG_UNSUPPORTED] = "alg-unsupported",
	[PST_SUIT_REASON_UNAUTHORISED] = "unauthorised",
	[PST_SUIT_REASON_COMMAND_UNSUPPORTED] = "command-unsupported",
	[PST_SUIT_REASON_COMPONENT_UNSUPPORTED] = "component-unsupported",
	[PST_SUIT_REASON_COMPONENT_UNAUTHORISED] = "component-unauthorised",
	[PST_SUIT_REASON_PARAMETER_UNSUPPORTED] = "parameter-unsupported",
	[PST_SUIT_REASON_SEVERING_UNSUPPORTED] = "severing-unsupported",
	[PST_SUIT_REASON_CONDITION_FAILED] = "condition-failed",
	[PST_SUIT_REASON_OPERATION_FAILED] = "operation-failed",
	[PST_SUIT_REASON_INVOKE_PENDING] = "invoke-pending",
};

static json_t *
reason_json(enum pst_suit_reason reason)
{
	size_t i = (size_t)reason;

	if (i < sizeof(reasons) / sizeof(*reasons) && reasons[i] != NULL)
		return json_string(reasons[i]);
	return json_sprintf("%d", (int)reason);
}

/* manifest-id of the record: the walk of dependencies to the manifest that
 * ran. Only the report itself has it. */
static json_t *
walk_json(struct pst_bytes raw)
{
	/* What is stored was decoded when it came. */
	struct pst_verified report = pst_verified_by_caller(raw);
	struct pst_suit_report_view view;
	json_t *walk = json_array();
	size_t i;

	if (pst_suit_report_decode(&report, &view, NULL) != PST_OK)
		return walk;
	for (i = 0; i < view.record.walk_len; i++)
		json_array_append_new(walk, json_integer(view.record.walk[i]));
	return walk;
}

static json_t *
name_or_null(const char *name)
{
	return name != NULL ? json_string(name) : json_null();
}

/** Where and why a manifest's procedure stopped; null when it did not. */
static json_t *
failure_json(const struct pst_tam_report_row *row)
{
	if (row->success || row->manifest.alg == 0)
		return json_null();
	return json_pack("{s:o, s:I, s:s, s:o, s:i, s:o, s:i, s:i, s:n, s:n}",
	    "reason", reason_json(row->reason), "code", (json_int_t)row->code,
	    "meaning", pst_err_name((enum pst_err)row->code), "manifest-id",
	    walk_json(row->raw), "section", (int)row->record.section,
	    "section-name",
	    name_or_null(pst_diag_suit_section(row->record.section)), "offset",
	    (int)row->record.offset, "component-index",
	    (int)row->record.component, "command", "component");
}

/* The command at an offset of a section, by its name. */
static json_t *
command_at(
    const struct pst_suit_manifest *m, json_int_t section, json_int_t offset)
{
	struct pst_bytes code = section == PST_SUIT_COMMON
	    ? m->shared_sequence
	    : pst_suit_section(m, (enum pst_suit_label)section);
	struct pst_cbor_reader r;
	int64_t id;

	if (offset <= 0 || (size_t)offset >= code.len)
		return json_null();
	pst_cbor_reader_init(&r, code);
	r.at = (size_t)offset;
	id = pst_cbor_int(&r, INT32_MIN, INT32_MAX);
	return pst_cbor_ok(&r) ? name_or_null(pst_diag_suit_command(id))
			       : json_null();
}

/*
 * What the record of a failure points at, out of the manifest that was
 * published: "the SUIT Manifest as a dictionary" (draft-ietf-suit-report,
 * Section 3). In a dependency it is not looked up.
 */
static void
explain(struct pst_admin_call *c, json_t *failure, int64_t manifest)
{
	struct pst_tam_records records;
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_bytes bytes;
	json_int_t section, offset, index;
	json_t *walk;

	if (json_unpack(failure, "{s:o, s:I, s:I, s:I}", "manifest-id", &walk,
		"section", &section, "offset", &offset, "component-index",
		&index) != 0 ||
	    json_array_size(walk) > 0 || section == 0)
		return;
	pst_tam_reader_records(c->reader, &records);
	if (records.envelope(records.ctx, manifest, &bytes) != PST_OK ||
	    pst_suit_envelope_decode(bytes, &env, NULL) != PST_OK ||
	    pst_suit_accept(&env, c->crypto, &m, NULL) != PST_OK)
		return;
	json_object_set_new(
	    failure, "command", command_at(&m, section, offset));
	json_object_set_new(failure, "component",
	    pst_admin_component(pst_suit_component(&m, (size_t)index)));
}

/* Until a row is explained: the number of its manifest. */
#define NUMBER "published-number"

static bool
add_report(void *ctx, const struct pst_tam_report_row *row)
{
	json_t *item;

	item = json_pack("{s:I, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "device",
	    (json_int_t)row->device, "at", pst_admin_time(row->at_s), "success",
	    row->success, "err-code",
	    row->err_code ? json_integer(row->err_code) : json_null(), "msg",
	    row->msg[0] ? pst_admin_text(row->msg) : json_null(), "manifest",
	    row->manifest_id.len > 0 ? pst_admin_component(row->manifest_id)
				     : json_null(),
	    "digest", pst_admin_digest(&row->manifest), "failure",
	    failure_json(row));
	if (!row->success && row->published != 0)
		json_object_set_new(item, NUMBER, json_integer(row->published));
	return pst_admin_page_add(ctx, row->id, item);
}

/* The store knows a report's device and manifest by number; people know them
 * by name. */
static enum pst_err
name_devices(struct pst_admin_call *c)
{
	json_t *item, *items = json_object_get(c->out, "items");
	size_t i;

	json_array_foreach(items, i, item)
	{
		struct one o = { .c = c };
		json_int_t id =
		    json_integer_value(json_object_get(item, "device"));
		enum pst_err err =
		    pst_tam_list_devices(c->reader, id - 1, 1, take_device, &o);

		json_decref(o.json);
		if (err != PST_OK)
			return err;
		json_object_set_new(item, "device",
		    o.id == id ? pst_admin_text(o.name) : json_null());
		explain(c, json_object_get(item, "failure"),
		    json_integer_value(json_object_get(item, NUMBER)));
		json_object_del(item, NUMBER);
	}
	return PST_OK;
}

static enum pst_err
reports_of(struct pst_admin_call *c, int64_t device)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);
	enum pst_err err;

	err = pst_admin_page_end(&p,
	    pst_tam_list_reports(
		c->reader, device, c->after, limit, add_report, &p));
	return err == PST_OK ? name_devices(c) : err;
}

static enum pst_err
list_reports(struct pst_admin_call *c)
{
	return reports_of(c, 0);
}

static enum pst_err
list_device_reports(struct pst_admin_call *c)
{
	struct one o = { .c = c };
	enum pst_err err;

	err = pst_tam_find_device(c->reader, c->arg[0], take_device, &o);
	json_decref(o.json);
	return err == PST_OK ? reports_of(c, o.id)
			     : pst_admin_about_device(c, err);
}

const struct pst_admin_route pst_admin_device_routes[] = {
	{ "GET", "/devices", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_devices },
	{ "GET", "/devices/*", 0, PST_ADMIN_NO_BODY, show_device },
	{ "DELETE", "/devices/*", 0, PST_ADMIN_NO_BODY, remove_device },
	{ "PUT", "/devices/*/status", 0, PST_ADMIN_JSON, set_device_status },
	{ "GET", "/devices/*/reports", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_device_reports },
	{ "GET", "/reports", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY,
	    list_reports },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};

/* --- groups ------------------------------------------------------------ */

static bool
add_group(void *ctx, const struct pst_tam_group_row *row)
{
	return pst_admin_page_add(ctx, row->id,
	    json_pack("{s:o, s:I}", "name", pst_admin_text(row->name),
		"members", (json_int_t)row->members));
}

static enum pst_err
list_groups(struct pst_admin_call *c)
{
	struct pst_admin_page p;
	size_t limit = pst_admin_page_begin(&p, c);

	return pst_admin_page_end(
	    &p, pst_tam_list_groups(c->reader, c->after, limit, add_group, &p));
}

static enum pst_err
add_new_group(struct pst_admin_call *c)
{
	const char *name = "";
	enum pst_err err = pst_admin_unpack(c, "{s:s}", "name", &name);

	if (err != PST_OK)
		return err;
	if (strchr(name, ',') != NULL)
		return pst_admin_refuse(
		    c, PST_ERR_ARG, "name: a group's name has no comma");
	err = pst_tam_group_add(c->store, c->who, name, c->now_s);
	c->out = json_pack("{s:s}", "name", name);
	return err;
}

static enum pst_err
remove_group(struct pst_admin_call *c)
{
	enum pst_err err;

	c->status = 204;
	err = pst_tam_group_remove(c->store, c->who, c->arg[0], c->now_s);
	if (err != PST_ERR_NOT_FOUND)
		return err;
	return pst_admin_refuse(c, err, "no group is called %s", c->arg[0]);
}

/* Group, device or membership: the store does not say which is missing. */
static enum pst_err
member_not_found(struct pst_admin_call *c)
{
	struct one o = { .c = c };
	enum pst_err err;

	err = pst_tam_find_device(c->reader, c->arg[1], take_device, &o);
	json_decref(o.json);
	if (err == PST_ERR_NOT_FOUND)
		return pst_admin_refuse(
		    c, err, "no device is called %s", c->arg[1]);
	if (err != PST_OK)
		return err;
	return pst_admin_refuse(c, PST_ERR_NOT_FOUND,
	    "no group is called %s, or %s is not in it", c->arg[0], c->arg[1]);
}

static enum pst_err
set_member(struct pst_admin_call *c, bool member)
{
	enum pst_err err;

	c->status = 204;
	err = pst_tam_group_member(
	    c->store, c->who, c->arg[0], c->arg[1], member, c->now_s);
	return err == PST_ERR_NOT_FOUND ? member_not_found(c) : err;
}

static enum pst_err
add_member(struct pst_admin_call *c)
{
	return set_member(c, true);
}

static enum pst_err
remove_member(struct pst_admin_call *c)
{
	return set_member(c, false);
}

const struct pst_admin_route pst_admin_group_routes[] = {
	{ "GET", "/groups", PST_ADMIN_Q_PAGE, PST_ADMIN_NO_BODY, list_groups },
	{ "POST", "/groups", 0, PST_ADMIN_JSON, add_new_group },
	{ "DELETE", "/groups/*", 0, PST_ADMIN_NO_BODY, remove_group },
	{ "PUT", "/groups/*/members/*", 0, PST_ADMIN_NO_BODY, add_member },
	{ "DELETE", "/groups/*/members/*", 0, PST_ADMIN_NO_BODY,
	    remove_member },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
