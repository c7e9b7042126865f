/*
 * What an operator does: each call is one job of the writer, with one audit
 * row, and returns when it is durable. What changes who should have what
 * moves the generation on, so that readers load their catalogue anew.
 */
#include "store_internal.h"

#include <cli/diag/component.h>
#include <ports/openssl/openssl.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 512

/* One operator's call, as the writer sees it. */
struct op {
	const char *who;
	const char *what;
	const char *name;
	const char *other; /* a second name */
	uint64_t now_s;
	struct pst_bytes key, component;
	struct pst_list prefixes;
	int64_t kind; /* status, scope or kind of anchor */
	bool flag;
	enum pst_tam_terms terms;
	int64_t id; /* result */
};

bool
pst_tam_name_ok(const char *name)
{
	struct pst_bytes v;
	size_t i;

	if (name == NULL)
		return false;
	v = (struct pst_bytes){ (const uint8_t *)name, strlen(name) };
	if (v.len == 0 || v.len > PST_TAM_NAME_MAX || !pst_utf8_valid(v))
		return false;
	for (i = 0; i < v.len; i++) {
		if (v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

enum pst_err
pst_tam_audit(struct pst_tam_db *db, const char *who, const char *what,
    const char *detail, uint64_t now_s)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_AUDIT);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_u64(s, 1, now_s);
	pst_tam_bind_str(s, 2, who != NULL ? who : "");
	pst_tam_bind_str(s, 3, what);
	pst_tam_bind_str(s, 4, detail);
	return pst_tam_run(s);
}

static enum pst_err audit(struct pst_tam_db *db, const struct op *op,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum pst_err
audit(struct pst_tam_db *db, const struct op *op, const char *format, ...)
{
	char detail[DETAIL_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return pst_tam_audit(db, op->who, op->what, detail, op->now_s);
}

/* Run a statement that must change a row. */
static enum pst_err
run_found(struct pst_tam_db *db, sqlite3_stmt *s)
{
	enum pst_err err = pst_tam_run(s);

	if (err == PST_OK && sqlite3_changes(db->sql) == 0)
		return PST_ERR_NOT_FOUND;
	return err;
}

/* A statement about a kind and a name that must change a row. */
static enum pst_err
run_on_kind(struct pst_tam_db *db, enum pst_tam_sql which, const struct op *op)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, op->kind);
	pst_tam_bind_str(s, 2, op->name);
	return run_found(db, s);
}

/* It changed who should have what: readers load anew, and the audit says so. */
static enum pst_err
changed(struct pst_tam_db *db, const struct op *op)
{
	enum pst_err err = pst_tam_run_sql(db, SQL_GENERATION_NEXT);

	return err == PST_OK ? audit(db, op, "%s", op->name) : err;
}

/* A job that needs to know no more than a name. */
static enum pst_err
with_name(struct pst_tam_store *store, pst_tam_work *work, const char *who,
    const char *what, const char *name, uint64_t now_s)
{
	struct op op = {
		.who = who, .what = what, .name = name, .now_s = now_s
	};

	return pst_tam_store_work(store, work, &op);
}

enum pst_err
pst_tam_id_of(struct pst_tam_db *db, enum pst_tam_sql which, const char *name,
    int64_t *id)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);
	enum pst_err err;
	int rc;

	*id = 0;
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, name);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*id = sqlite3_column_int64(s, 0);
	err = rc == SQLITE_DONE ? PST_ERR_NOT_FOUND : pst_tam_db_err(rc);
	(void)sqlite3_reset(s);
	return err;
}

/* --- devices ----------------------------------------------------------- */

static enum pst_err
set_status(struct pst_tam_db *db, void *ctx)
{
	struct op *op = ctx;
	enum pst_err err = run_on_kind(db, SQL_DEVICE_STATUS, op);

	return err == PST_OK ? audit(db, op, "%s", op->name) : err;
}

enum pst_err
pst_tam_device_status(struct pst_tam_store *store, const char *who,
    const char *name, enum pst_tam_status status, uint64_t now_s)
{
	struct op op = { .who = who, .name = name, .now_s = now_s };

	if (status != PST_TAM_ACTIVE && status != PST_TAM_REVOKED)
		return PST_ERR_ARG;
	op.what = status == PST_TAM_ACTIVE ? "reinstate" : "revoke";
	op.kind = status;
	return pst_tam_store_work(store, set_status, &op);
}

static enum pst_err
remove_named(struct pst_tam_db *db, struct op *op, enum pst_tam_sql which)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, op->name);
	err = run_found(db, s);
	return err == PST_OK ? changed(db, op) : err;
}

static enum pst_err
remove_device(struct pst_tam_db *db, void *ctx)
{
	return remove_named(db, ctx, SQL_DEVICE_REMOVE);
}

enum pst_err
pst_tam_device_remove(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s)
{
	return with_name(
	    store, remove_device, who, "remove device", name, now_s);
}

/* --- groups ------------------------------------------------------------ */

static enum pst_err
group_add(struct pst_tam_db *db, void *ctx)
{
	struct op *op = ctx;
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_GROUP_ADD);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, op->name);
	err = pst_tam_run(s);
	if (err == PST_OK)
		err = audit(db, op, "%s", op->name);
	return err;
}

enum pst_err
pst_tam_group_add(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s)
{
	if (!pst_tam_name_ok(name))
		return PST_ERR_ARG;
	return with_name(store, group_add, who, "add group", name, now_s);
}

static enum pst_err
group_remove(struct pst_tam_db *db, void *ctx)
{
	return remove_named(db, ctx, SQL_GROUP_REMOVE);
}

enum pst_err
pst_tam_group_remove(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s)
{
	return with_name(store, group_remove, who, "remove group", name, now_s);
}

static enum pst_err
group_member(struct pst_tam_db *db, void *ctx)
{
	struct op *op = ctx;
	int64_t group, device;
	sqlite3_stmt *s;
	enum pst_err err;

	err = pst_tam_id_of(db, SQL_GROUP_ID, op->name, &group);
	if (err == PST_OK)
		err = pst_tam_id_of(db, SQL_DEVICE_ID, op->other, &device);
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(db, op->flag ? SQL_MEMBER_ADD : SQL_MEMBER_REMOVE);
	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, device);
	(void)sqlite3_bind_int64(s, 2, group);
	err = op->flag ? pst_tam_run(s) : run_found(db, s);
	if (err == PST_OK)
		err = audit(db, op, "%s: %s", op->name, op->other);
	return err;
}

enum pst_err
pst_tam_group_member(struct pst_tam_store *store, const char *who,
    const char *group, const char *device, bool member, uint64_t now_s)
{
	struct op op = { .who = who,
		.name = group,
		.other = device,
		.flag = member,
		.now_s = now_s };

	op.what = member ? "join group" : "leave group";
	return pst_tam_store_work(store, group_member, &op);
}

/* --- assignments ------------------------------------------------------- */

static enum pst_err
resolve(
    struct pst_tam_db *db, const struct op *op, int64_t *group, int64_t *device)
{
	*group = *device = 0;
	if (op->kind == PST_TAM_GROUP)
		return pst_tam_id_of(db, SQL_GROUP_ID, op->name, group);
	if (op->kind == PST_TAM_DEVICE)
		return pst_tam_id_of(db, SQL_DEVICE_ID, op->name, device);
	return PST_OK;
}

static enum pst_err
audit_component(struct pst_tam_db *db, const struct op *op)
{
	static const char *const scope[] = { "all", "group ", "device " };
	static const char *const terms[] = { [PST_TAM_ALWAYS] = "",
		[PST_TAM_ON_REQUEST] = ", on request",
		[PST_TAM_REMEDIATION] = ", for remediation" };
	char text[PST_COMPONENT_TEXT_MAX];

	if (pst_component_print(op->component, text, sizeof(text)) != PST_OK)
		return PST_ERR_ARG;
	return audit(db, op, "%s to %s%s%s", text, scope[op->kind],
	    op->kind == PST_TAM_ALL ? "" : op->name, terms[op->terms]);
}

/* SQL_ASSIGN or SQL_UNASSIGN. */
static enum pst_err
change_assignment(
    struct pst_tam_db *db, const struct op *op, enum pst_tam_sql which)
{
	int64_t group, device;
	sqlite3_stmt *s;
	enum pst_err err;

	err = resolve(db, op, &group, &device);
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(db, which);
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, op->component);
	(void)sqlite3_bind_int64(s, 2, op->kind);
	if (group != 0)
		(void)sqlite3_bind_int64(s, 3, group);
	if (device != 0)
		(void)sqlite3_bind_int64(s, 4, device);
	if (which == SQL_ASSIGN)
		(void)sqlite3_bind_int(s, 5, (int)op->terms);
	err = which == SQL_ASSIGN ? pst_tam_run(s) : run_found(db, s);
	if (err == PST_OK)
		err = pst_tam_run_sql(db, SQL_GENERATION_NEXT);
	return err == PST_OK ? audit_component(db, op) : err;
}

static enum pst_err
assign(struct pst_tam_db *db, void *ctx)
{
	return change_assignment(db, ctx, SQL_ASSIGN);
}

static enum pst_err
unassign(struct pst_tam_db *db, void *ctx)
{
	return change_assignment(db, ctx, SQL_UNASSIGN);
}

static enum pst_err
assignment(struct pst_tam_store *store, pst_tam_work *work, struct op *op)
{
	if (!pst_component_id_valid(op->component) || op->kind < PST_TAM_ALL ||
	    op->kind > PST_TAM_DEVICE || op->terms < PST_TAM_ALWAYS ||
	    op->terms > PST_TAM_REMEDIATION)
		return PST_ERR_ARG;
	if (op->kind != PST_TAM_ALL && op->name == NULL)
		return PST_ERR_ARG;
	return pst_tam_store_work(store, work, op);
}

enum pst_err
pst_tam_assign(struct pst_tam_store *store, const char *who,
    struct pst_bytes component, enum pst_tam_scope scope, const char *target,
    enum pst_tam_terms terms, uint64_t now_s)
{
	struct op op = { .who = who,
		.what = "assign",
		.name = target,
		.component = component,
		.kind = scope,
		.terms = terms,
		.now_s = now_s };

	return assignment(store, assign, &op);
}

enum pst_err
pst_tam_unassign(struct pst_tam_store *store, const char *who,
    struct pst_bytes component, enum pst_tam_scope scope, const char *target,
    uint64_t now_s)
{
	struct op op = { .who = who,
		.what = "unassign",
		.name = target,
		.component = component,
		.kind = scope,
		.now_s = now_s };

	return assignment(store, unassign, &op);
}

/* --- anchors ----------------------------------------------------------- */

/* A name stands for one key; other prefixes replace the old ones. */
static enum pst_err
anchor_clash(struct pst_tam_db *db, const struct op *op)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_ANCHOR_SAME);
	enum pst_err err = PST_OK;

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, op->kind);
	pst_tam_bind_str(s, 2, op->name);
	if (sqlite3_step(s) == SQLITE_ROW &&
	    !pst_equal(pst_tam_col_blob(s, 0), op->key))
		err = PST_ERR_STATE;
	(void)sqlite3_reset(s);
	return err;
}

static const char *const anchor_kinds[] = { [PST_TAM_SIGNER] = "signer",
	[PST_TAM_VERIFIER] = "verifier",
	[PST_TAM_AUTHOR] = "author" };

/* An author's key decides which CoRIMs count. */
static enum pst_err
anchors_changed(struct pst_tam_db *db, const struct op *op)
{
	enum pst_err err = pst_tam_run_sql(db, SQL_GENERATION_NEXT);

	if (err == PST_OK && op->kind == PST_TAM_AUTHOR)
		err = pst_tam_run_sql(db, SQL_ENDORSEMENT_NEXT);
	return err;
}

static enum pst_err
anchor_add(struct pst_tam_db *db, void *ctx)
{
	static const uint8_t none[1];
	struct op *op = ctx;
	sqlite3_stmt *s;
	enum pst_err err;

	err = anchor_clash(db, op);
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(db, SQL_ANCHOR_ADD);
	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, op->kind);
	pst_tam_bind_str(s, 2, op->name);
	pst_tam_bind_blob(s, 3, op->key);
	if (op->prefixes.items.len > 0)
		pst_tam_bind_blob(s, 4, op->prefixes.items);
	else
		(void)sqlite3_bind_blob(s, 4, none, 0, SQLITE_STATIC);
	pst_tam_bind_u64(s, 5, op->prefixes.count);
	err = pst_tam_run(s);
	if (err == PST_OK)
		err = anchors_changed(db, op);
	if (err == PST_OK)
		err = audit(db, op, "%s %s", anchor_kinds[op->kind], op->name);
	return err;
}

static bool
prefixes_ok(const struct pst_tam_anchor *a)
{
	struct pst_list list = a->prefixes;
	struct pst_bytes id;

	while (pst_list_next(&list, &id)) {
		if (!pst_component_id_valid(id))
			return false;
	}
	/* A signer for nothing is a mistake that shows up too late. */
	return a->kind != PST_TAM_SIGNER || a->prefixes.count > 0;
}

enum pst_err
pst_tam_anchor_add(struct pst_tam_store *store, const char *who,
    const struct pst_tam_anchor *anchor, uint64_t now_s)
{
	uint8_t encoded[PST_TAM_KEY_BYTES];
	struct pst_cbor_writer w;
	struct op op = { .who = who,
		.what = "add anchor",
		.name = anchor->name,
		.kind = anchor->kind,
		.prefixes = anchor->prefixes,
		.now_s = now_s };

	if (!pst_tam_name_ok(anchor->name) || !prefixes_ok(anchor) ||
	    anchor->kind < PST_TAM_SIGNER || anchor->kind > PST_TAM_AUTHOR)
		return PST_ERR_ARG;
	if (pst_pubkey_published(&anchor->key))
		return PST_ERR_COSE_KEY;
	pst_cbor_writer_init(&w, encoded, sizeof(encoded));
	pst_cose_key_encode(&w, &anchor->key, (struct pst_bytes){ NULL, 0 });
	if (w.err != PST_OK)
		return w.err;
	op.key = pst_cbor_written(&w);
	return pst_tam_store_work(store, anchor_add, &op);
}

static enum pst_err
anchor_remove(struct pst_tam_db *db, void *ctx)
{
	struct op *op = ctx;
	enum pst_err err = run_on_kind(db, SQL_ANCHOR_REMOVE, op);

	if (err == PST_OK)
		err = anchors_changed(db, op);
	return err == PST_OK ? audit(db, op, "%s", op->name) : err;
}

enum pst_err
pst_tam_anchor_remove(struct pst_tam_store *store, const char *who,
    enum pst_tam_anchor_kind kind, const char *name, uint64_t now_s)
{
	struct op op = { .who = who,
		.what = "remove anchor",
		.name = name,
		.kind = kind,
		.now_s = now_s };

	return pst_tam_store_work(store, anchor_remove, &op);
}

/* --- manifests --------------------------------------------------------- */

/*
 * The very same is fine; otherwise the sequence number has to grow, or a
 * device that has the newer one would be sent the older (a downgrade).
 */
static enum pst_err
newer(struct pst_tam_db *db, const struct pst_tam_manifest *m, bool *known)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_MANIFEST_NEWEST);
	struct pst_suit_digest digest;
	enum pst_err err;
	int rc;

	*known = false;
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, m->manifest_id);
	rc = sqlite3_step(s);
	err = pst_tam_db_err(rc);
	if (rc == SQLITE_ROW) {
		digest = pst_tam_col_digest(s, 1);
		*known = digest.alg == m->digest.alg &&
		    pst_equal(digest.bytes, m->digest.bytes);
		if (!*known && pst_tam_col_u64(s, 0) >= m->sequence)
			err = PST_ERR_SUIT_SEQUENCE;
	}
	(void)sqlite3_reset(s);
	return err;
}

static enum pst_err
manifest_row(
    struct pst_tam_db *db, const struct pst_tam_manifest *m, int64_t *id)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_MANIFEST_ADD);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, m->manifest_id);
	pst_tam_bind_u64(s, 2, m->sequence);
	pst_tam_bind_digest(s, 3, &m->digest);
	pst_tam_bind_blob(s, 5, m->components.items);
	pst_tam_bind_u64(s, 6, m->components.count);
	pst_tam_bind_str(s, 7, m->signer);
	pst_tam_bind_u64(s, 8, m->published_s);
	pst_tam_bind_u64(s, 9, m->envelope.len);
	pst_tam_bind_blob(s, 10, m->envelope);
	err = pst_tam_run(s);
	if (err == PST_OK)
		*id = sqlite3_last_insert_rowid(db->sql);
	return err;
}

static enum pst_err
component_row(struct pst_tam_db *db, struct pst_bytes component, int64_t id)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_MANIFEST_COMPONENT);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, component);
	(void)sqlite3_bind_int64(s, 2, id);
	return pst_tam_run(s);
}

static enum pst_err
trim_envelopes(struct pst_tam_db *db, struct pst_bytes manifest_id)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_MANIFEST_TRIM);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, manifest_id);
	(void)sqlite3_bind_int(s, 2, PST_TAM_ENVELOPES_KEPT);
	return pst_tam_run(s);
}

enum pst_err
pst_tam_manifest_store(struct pst_tam_db *db, void *ctx)
{
	struct pst_tam_publication *p = ctx;
	const struct pst_tam_manifest *m = &p->manifest;
	struct op op = {
		.who = p->who, .what = "publish", .now_s = m->published_s
	};
	struct pst_list list = m->components;
	char text[PST_COMPONENT_TEXT_MAX];
	struct pst_bytes id;
	bool known;
	enum pst_err err;

	err = newer(db, m, &known);
	if (err != PST_OK || known)
		return err;
	err = manifest_row(db, m, &p->manifest.id);
	if (err == PST_OK)
		err = component_row(db, m->manifest_id, m->id);
	while (err == PST_OK && pst_list_next(&list, &id))
		err = component_row(db, id, m->id);
	if (err == PST_OK)
		err = trim_envelopes(db, m->manifest_id);
	if (err == PST_OK)
		err = pst_tam_run_sql(db, SQL_GENERATION_NEXT);
	if (err == PST_OK)
		err = pst_component_print(m->manifest_id, text, sizeof(text));
	if (err == PST_OK)
		err = audit(db, &op, "%s sequence %llu, signer %s", text,
		    (unsigned long long)m->sequence, m->signer);
	return err;
}
