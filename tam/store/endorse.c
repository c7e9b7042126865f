/*
 * Files for the Verifier in process. They are rows, so that every node has
 * the same; a generation of their own tells a node when to load them anew.
 */
#include "store_internal.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 256

static const char *const kinds[PST_TAM_ENDORSEMENT_KINDS] = {
	[PST_TAM_VENDOR_ROOT] = "vendor-root",
	[PST_TAM_DEVICE_ROOT] = "device-root",
	[PST_TAM_COLLATERAL] = "collateral",
	[PST_TAM_CRL] = "crl",
	[PST_TAM_REFERENCE] = "reference",
};

const char *
pst_tam_endorsement_kind_name(enum pst_tam_endorsement_kind kind)
{
	return kinds[kind];
}

/* One operator's call, as the writer sees it. */
struct op {
	const char *who;
	const char *what;
	const struct pst_tam_endorsement *row;
	uint64_t now_s;
};

static bool
kind_ok(enum pst_tam_endorsement_kind kind)
{
	return kind >= PST_TAM_VENDOR_ROOT && kind < PST_TAM_ENDORSEMENT_KINDS;
}

static sqlite3_stmt *
named(struct pst_tam_db *db, enum pst_tam_sql which,
    const struct pst_tam_endorsement *row)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);

	if (s == NULL)
		return NULL;
	(void)sqlite3_bind_int64(s, 1, (int64_t)row->kind);
	pst_tam_bind_str(s, 2, row->name);
	return s;
}

static enum pst_err
changed(struct pst_tam_db *db, const struct op *op)
{
	char detail[DETAIL_MAX];
	enum pst_err err = pst_tam_run_sql(db, SQL_ENDORSEMENT_NEXT);

	if (err != PST_OK)
		return err;
	(void)snprintf(detail, sizeof(detail), "%s %s", kinds[op->row->kind],
	    op->row->name);
	return pst_tam_audit(db, op->who, op->what, detail, op->now_s);
}

static enum pst_err
check_room(struct pst_tam_db *db, const struct pst_tam_endorsement *row)
{
	sqlite3_stmt *s = named(db, SQL_ENDORSEMENT_COUNT, row);
	int64_t count;
	int rc;

	if (s == NULL)
		return PST_ERR_STORE;
	rc = sqlite3_step(s);
	count = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s);
	if (rc != SQLITE_ROW)
		return PST_ERR_STORE;
	return count < PST_TAM_ENDORSEMENTS_MAX ? PST_OK : PST_ERR_LIMIT;
}

static enum pst_err
put(struct pst_tam_db *db, void *ctx)
{
	const struct op *op = ctx;
	enum pst_err err = check_room(db, op->row);
	sqlite3_stmt *s;

	if (err != PST_OK)
		return err;
	s = named(db, SQL_ENDORSEMENT_PUT, op->row);
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_u64(s, 3, op->now_s);
	pst_tam_bind_u64(s, 4, op->row->content.len);
	pst_tam_bind_blob(s, 5, op->row->content);
	err = pst_tam_run(s);
	return err == PST_OK ? changed(db, op) : err;
}

enum pst_err
pst_tam_endorsement_put(struct pst_tam_store *store, const char *who,
    const struct pst_tam_endorsement *e, uint64_t now_s)
{
	struct op op = { who, "add endorsement", e, now_s };

	if (!kind_ok(e->kind) || !pst_tam_name_ok(e->name) ||
	    e->content.len == 0)
		return PST_ERR_ARG;
	if (e->content.len > PST_TAM_ENDORSEMENT_MAX)
		return PST_ERR_LIMIT;
	return pst_tam_store_work(store, put, &op);
}

static enum pst_err
drop(struct pst_tam_db *db, void *ctx)
{
	const struct op *op = ctx;
	sqlite3_stmt *s = named(db, SQL_ENDORSEMENT_REMOVE, op->row);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	err = pst_tam_run(s);
	if (err == PST_OK && sqlite3_changes(db->sql) == 0)
		err = PST_ERR_NOT_FOUND;
	return err == PST_OK ? changed(db, op) : err;
}

enum pst_err
pst_tam_endorsement_remove(struct pst_tam_store *store, const char *who,
    enum pst_tam_endorsement_kind kind, const char *name, uint64_t now_s)
{
	struct pst_tam_endorsement row = { .kind = kind, .name = name };
	struct op op = { who, "remove endorsement", &row, now_s };

	if (!kind_ok(kind))
		return PST_ERR_ARG;
	return pst_tam_store_work(store, drop, &op);
}

/* --- reading ----------------------------------------------------------- */

static struct pst_tam_endorsement
row_of(sqlite3_stmt *s)
{
	return (struct pst_tam_endorsement){
		.id = sqlite3_column_int64(s, 0),
		.kind = (enum pst_tam_endorsement_kind)sqlite3_column_int(s, 1),
		.name = pst_tam_col_str(s, 2),
		.added_s = pst_tam_col_u64(s, 3),
		.size = (size_t)pst_tam_col_u64(s, 4),
		.content = pst_tam_col_blob(s, 5),
	};
}

/* A kind that a newer version wrote is nothing to this one: it must not be
 * passed over as if it were not there. */
static enum pst_err
walk(sqlite3_stmt *s, size_t *count, pst_tam_each_endorsement *each, void *ctx)
{
	struct pst_tam_endorsement row;
	enum pst_err err = PST_OK;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		row = row_of(s);
		++*count;
		if (!kind_ok(row.kind))
			err = PST_ERR_STORE_DAMAGED;
		if (err != PST_OK || !each(ctx, &row))
			break;
	}
	(void)sqlite3_reset(s);
	return err != PST_OK ? err : pst_tam_db_err(rc);
}

enum pst_err
pst_tam_list_endorsements(struct pst_tam_reader *r, int64_t after, size_t limit,
    bool contents, pst_tam_each_endorsement *each, void *ctx)
{
	sqlite3_stmt *s =
	    pst_tam_stmt(pst_tam_reader_db(r), SQL_LIST_ENDORSEMENTS);
	size_t count = 0;

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, after);
	pst_tam_bind_u64(s, 2, limit);
	(void)sqlite3_bind_int(s, 3, contents);
	return walk(s, &count, each, ctx);
}

enum pst_err
pst_tam_find_endorsement(struct pst_tam_reader *r,
    enum pst_tam_endorsement_kind kind, const char *name,
    pst_tam_each_endorsement *each, void *ctx)
{
	struct pst_tam_endorsement row = { .kind = kind, .name = name };
	sqlite3_stmt *s =
	    named(pst_tam_reader_db(r), SQL_FIND_ENDORSEMENT, &row);
	size_t count = 0;
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	err = walk(s, &count, each, ctx);
	return err == PST_OK && count == 0 ? PST_ERR_NOT_FOUND : err;
}

enum pst_err
pst_tam_endorsement_generation(struct pst_tam_reader *r, int64_t *out)
{
	sqlite3_stmt *s =
	    pst_tam_stmt(pst_tam_reader_db(r), SQL_ENDORSEMENT_GENERATION);
	int rc;

	*out = 0;
	if (s == NULL)
		return PST_ERR_STORE;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s);
	return rc == SQLITE_ROW ? PST_OK : PST_ERR_STORE;
}

enum pst_err
pst_tam_snapshot(struct pst_tam_reader *r,
    enum pst_err (*read)(void *ctx, struct pst_tam_reader *r), void *ctx)
{
	sqlite3 *sql = pst_tam_reader_db(r)->sql;
	enum pst_err err;

	err = pst_tam_db_err(sqlite3_exec(sql, "BEGIN", NULL, NULL, NULL));
	if (err != PST_OK)
		return err;
	err = read(ctx, r);
	(void)sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL);
	return err;
}
