/*
 * What an operator sees: one function a listing, each a walk over one
 * statement. A row views the statement and dies with the next step.
 */
#include "store_internal.h"

#include <stdio.h>
#include <string.h>

/* Room for the names of a device's groups; what does not fit is cut at a
 * comma. */
#define GROUPS_TEXT_MAX 2048

/* Fill a row and hand it on; false ends the walk. */
typedef bool
give_row(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx);

/* A pointer to a function does not fit a void pointer in ISO C: it travels
 * inside one of these. */
struct each {
	pst_tam_each_device *device;
	pst_tam_each_attester *attester;
	pst_tam_each_inventory *inventory;
	pst_tam_each_report *report;
	pst_tam_each_manifest *manifest;
	pst_tam_each_group *group;
	pst_tam_each_assignment *assignment;
	pst_tam_each_anchor *anchor;
	pst_tam_each_audit *audit;
};

static enum pst_err
walk(struct pst_tam_db *db, sqlite3_stmt *s, give_row *give, struct each *each,
    void *ctx)
{
	int rc;

	if (s == NULL)
		return PST_ERR_STORE;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (!give(db, s, each, ctx))
			break;
	}
	(void)sqlite3_reset(s);
	return pst_tam_db_err(rc);
}

static sqlite3_stmt *
page(struct pst_tam_db *db, enum pst_tam_sql which, int64_t after, size_t limit)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);

	(void)sqlite3_bind_int64(s, 1, after);
	pst_tam_bind_u64(s, 2, limit);
	return s;
}

/* --- devices ----------------------------------------------------------- */

static void
groups_of(struct pst_tam_db *db, int64_t device, char out[GROUPS_TEXT_MAX])
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_DEVICE_GROUPS);
	size_t len = 0;

	out[0] = '\0';
	(void)sqlite3_bind_int64(s, 1, device);
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *name = pst_tam_col_str(s, 0);

		if (strlen(name) + 2 > GROUPS_TEXT_MAX - len)
			break;
		len += (size_t)snprintf(out + len, GROUPS_TEXT_MAX - len,
		    "%s%s", len > 0 ? "," : "", name);
	}
	(void)sqlite3_reset(s);
}

static bool
give_device(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	char groups[GROUPS_TEXT_MAX];
	struct pst_tam_device_row row;

	row.id = sqlite3_column_int64(s, 0);
	row.name = pst_tam_col_str(s, 1);
	row.status = (enum pst_tam_status)sqlite3_column_int(s, 2);
	row.attester = pst_tam_col_blob(s, 3);
	row.has_key = pst_tam_col_key(s, 4, &row.key);
	row.enrolled_s = pst_tam_col_u64(s, 5);
	row.seen_s = pst_tam_col_u64(s, 6);
	row.attested_s = pst_tam_col_u64(s, 7);
	row.attested = (enum pst_err)sqlite3_column_int(s, 8);
	row.claims = pst_tam_col_blob(s, 9);
	row.pending = sqlite3_column_int(s, 10) != 0;
	row.pending_expires_s = pst_tam_col_u64(s, 11);
	row.verdict = pst_tam_col_blob(s, 12);
	row.appraised_s = pst_tam_col_u64(s, 13);
	row.reasons = pst_tam_col_str(s, 14);
	groups_of(db, row.id, groups);
	row.groups = groups;
	return ((struct each *)each)->device(ctx, &row);
}

enum pst_err
pst_tam_list_devices(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_device *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .device = each };

	return walk(
	    db, page(db, SQL_LIST_DEVICES, after, limit), give_device, &e, ctx);
}

/* Count what was found, so that an unknown name is no empty success. */
struct found {
	pst_tam_each_device *each;
	void *ctx;
	bool any;
};

static bool
found_one(void *ctx, const struct pst_tam_device_row *row)
{
	struct found *f = ctx;

	f->any = true;
	return f->each(f->ctx, row);
}

enum pst_err
pst_tam_find_device(struct pst_tam_reader *r, const char *name,
    pst_tam_each_device *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_FIND_DEVICE);
	struct found f = { each, ctx, false };
	struct each e = { .device = found_one };
	enum pst_err err;

	pst_tam_bind_str(s, 1, name);
	err = walk(db, s, give_device, &e, &f);
	return err == PST_OK && !f.any ? PST_ERR_NOT_FOUND : err;
}

static bool
give_attester(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_attester row;

	(void)db;
	row.identity = pst_tam_col_blob(s, 0);
	row.technology = pst_tam_col_str(s, 1);
	row.has_key = pst_tam_col_key(s, 2, &row.key);
	row.x5chain = pst_tam_col_blob(s, 3);
	row.origin = pst_tam_col_str(s, 4);
	row.since_s = pst_tam_col_u64(s, 5);
	return ((struct each *)each)->attester(ctx, &row);
}

enum pst_err
pst_tam_list_attesters(struct pst_tam_reader *r, int64_t device,
    pst_tam_each_attester *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_LIST_ATTESTERS);
	struct each e = { .attester = each };

	(void)sqlite3_bind_int64(s, 1, device);
	return walk(db, s, give_attester, &e, ctx);
}

enum pst_err
pst_tam_find_evidence(struct pst_tam_reader *r, const char *name,
    pst_tam_give_evidence *give, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_FIND_EVIDENCE);
	int rc;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, name);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		give(ctx, pst_tam_col_u64(s, 0), pst_tam_col_blob(s, 1),
		    pst_tam_col_blob(s, 2));
	(void)sqlite3_reset(s);
	return rc == SQLITE_DONE ? PST_ERR_NOT_FOUND : pst_tam_db_err(rc);
}

/* --- inventory and reports --------------------------------------------- */

static bool
give_inventory(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_inventory_row row;

	(void)db;
	row.component = pst_tam_col_blob(s, 0);
	row.digest = pst_tam_col_digest(s, 1);
	row.has_image_size = sqlite3_column_type(s, 3) != SQLITE_NULL;
	row.image_size = pst_tam_col_u64(s, 3);
	row.since_s = pst_tam_col_u64(s, 4);
	row.is_manifest = sqlite3_column_type(s, 5) != SQLITE_NULL;
	row.sequence = pst_tam_col_u64(s, 6);
	return ((struct each *)each)->inventory(ctx, &row);
}

enum pst_err
pst_tam_list_inventory(struct pst_tam_reader *r, int64_t device,
    pst_tam_each_inventory *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_LIST_INVENTORY);
	struct each e = { .inventory = each };

	(void)sqlite3_bind_int64(s, 1, device);
	return walk(db, s, give_inventory, &e, ctx);
}

static bool
give_report(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_report_row row;

	(void)db;
	memset(&row, 0, sizeof(row));
	row.id = sqlite3_column_int64(s, 0);
	row.device = sqlite3_column_int64(s, 1);
	row.at_s = pst_tam_col_u64(s, 2);
	row.success = sqlite3_column_int(s, 3) != 0;
	row.err_code = (uint32_t)sqlite3_column_int64(s, 4);
	row.msg = pst_tam_col_str(s, 5);
	row.manifest = pst_tam_col_digest(s, 6);
	row.manifest_id = pst_tam_col_blob(s, 8);
	row.code = sqlite3_column_int64(s, 9);
	row.reason = (enum pst_suit_reason)sqlite3_column_int(s, 10);
	row.record.section = sqlite3_column_int(s, 11);
	row.record.offset = (uint32_t)sqlite3_column_int64(s, 12);
	row.record.component = (uint32_t)sqlite3_column_int64(s, 13);
	row.raw = pst_tam_col_blob(s, 14);
	row.published = sqlite3_column_int64(s, 15);
	return ((struct each *)each)->report(ctx, &row);
}

enum pst_err
pst_tam_list_reports(struct pst_tam_reader *r, int64_t device, int64_t after,
    size_t limit, pst_tam_each_report *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_LIST_REPORTS);
	struct each e = { .report = each };

	(void)sqlite3_bind_int64(s, 1, after);
	(void)sqlite3_bind_int64(s, 2, device);
	pst_tam_bind_u64(s, 3, limit);
	return walk(db, s, give_report, &e, ctx);
}

/* --- the rest ---------------------------------------------------------- */

static bool
give_manifest(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_manifest row;

	(void)db;
	memset(&row, 0, sizeof(row));
	row.id = sqlite3_column_int64(s, 0);
	row.manifest_id = pst_tam_col_blob(s, 1);
	row.sequence = pst_tam_col_u64(s, 2);
	row.digest = pst_tam_col_digest(s, 3);
	row.components = pst_tam_col_list(s, 5);
	row.signer = pst_tam_col_str(s, 7);
	row.published_s = pst_tam_col_u64(s, 8);
	row.envelope_len = (size_t)pst_tam_col_u64(s, 9);
	return ((struct each *)each)->manifest(ctx, &row);
}

enum pst_err
pst_tam_list_manifests(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_manifest *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .manifest = each };

	return walk(db, page(db, SQL_LIST_MANIFESTS, after, limit),
	    give_manifest, &e, ctx);
}

static bool
give_group(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_group_row row;

	(void)db;
	row.id = sqlite3_column_int64(s, 0);
	row.name = pst_tam_col_str(s, 1);
	row.members = pst_tam_col_u64(s, 2);
	return ((struct each *)each)->group(ctx, &row);
}

enum pst_err
pst_tam_list_groups(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_group *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .group = each };

	return walk(
	    db, page(db, SQL_LIST_GROUPS, after, limit), give_group, &e, ctx);
}

static bool
give_assignment(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_assignment_row row;

	(void)db;
	row.id = sqlite3_column_int64(s, 0);
	row.component = pst_tam_col_blob(s, 1);
	row.scope = (enum pst_tam_scope)sqlite3_column_int(s, 2);
	row.target = row.scope == PST_TAM_GROUP ? pst_tam_col_str(s, 3)
						: pst_tam_col_str(s, 4);
	row.terms = (enum pst_tam_terms)sqlite3_column_int(s, 5);
	row.published = sqlite3_column_int(s, 6) != 0;
	return ((struct each *)each)->assignment(ctx, &row);
}

enum pst_err
pst_tam_list_assignments(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_assignment *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .assignment = each };

	return walk(db, page(db, SQL_LIST_ASSIGNMENTS, after, limit),
	    give_assignment, &e, ctx);
}

enum pst_err
pst_tam_published(
    struct pst_tam_reader *r, struct pst_bytes component, bool *published)
{
	sqlite3_stmt *s = pst_tam_stmt(pst_tam_reader_db(r), SQL_PUBLISHED);
	int rc;

	*published = false;
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, component);
	rc = sqlite3_step(s);
	*published = rc == SQLITE_ROW;
	(void)sqlite3_reset(s);
	return pst_tam_db_err(rc);
}

static bool
give_anchor(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_anchor row;

	(void)db;
	row.id = sqlite3_column_int64(s, 0);
	row.kind = (enum pst_tam_anchor_kind)sqlite3_column_int(s, 1);
	row.name = pst_tam_col_str(s, 2);
	if (!pst_tam_col_key(s, 3, &row.key))
		return true;
	row.prefixes = pst_tam_col_list(s, 4);
	return ((struct each *)each)->anchor(ctx, &row);
}

enum pst_err
pst_tam_list_anchors(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_anchor *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .anchor = each };

	return walk(
	    db, page(db, SQL_LIST_ANCHORS, after, limit), give_anchor, &e, ctx);
}

static bool
give_audit(struct pst_tam_db *db, sqlite3_stmt *s, void *each, void *ctx)
{
	struct pst_tam_audit_row row;

	(void)db;
	row.id = sqlite3_column_int64(s, 0);
	row.at_s = pst_tam_col_u64(s, 1);
	row.who = pst_tam_col_str(s, 2);
	row.what = pst_tam_col_str(s, 3);
	row.detail = pst_tam_col_str(s, 4);
	return ((struct each *)each)->audit(ctx, &row);
}

enum pst_err
pst_tam_list_audit(struct pst_tam_reader *r, int64_t after, size_t limit,
    pst_tam_each_audit *each, void *ctx)
{
	struct pst_tam_db *db = pst_tam_reader_db(r);
	struct each e = { .audit = each };

	return walk(
	    db, page(db, SQL_LIST_AUDIT, after, limit), give_audit, &e, ctx);
}

enum pst_err
pst_tam_count(struct pst_tam_reader *r, struct pst_tam_counts *out)
{
	sqlite3_stmt *s = pst_tam_stmt(pst_tam_reader_db(r), SQL_COUNTS);
	int rc;

	memset(out, 0, sizeof(*out));
	if (s == NULL)
		return PST_ERR_STORE;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		out->devices = pst_tam_col_u64(s, 0);
		out->manifests = pst_tam_col_u64(s, 1);
		out->spent = pst_tam_col_u64(s, 2);
		out->reports = pst_tam_col_u64(s, 3);
		out->inventory = pst_tam_col_u64(s, 4);
		out->audit = pst_tam_col_u64(s, 5);
	}
	(void)sqlite3_reset(s);
	return pst_tam_db_err(rc);
}
