/*
 * One SQLite connection: opening it safely, its prepared statements, and
 * short names for binding and reading.
 */
#include "store_internal.h"

#include <string.h>

/* Another process (a backup, the shell) may hold the lock a moment. */
#define BUSY_MS 5000

static enum pst_err
pragma(sqlite3 *sql, const char *text)
{
	return pst_tam_db_err(sqlite3_exec(sql, text, NULL, NULL, NULL));
}

enum pst_err
pst_tam_db_err(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return PST_OK;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return PST_ERR_STORE_DAMAGED;
	case SQLITE_FULL:
		return PST_ERR_STORE_FULL;
	case SQLITE_CONSTRAINT:
		return PST_ERR_STATE;
	default:
		return PST_ERR_STORE;
	}
}

enum pst_err
pst_tam_db_open(struct pst_tam_db *db, const char *path, bool write)
{
	int flags = SQLITE_OPEN_NOMUTEX |
	    (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	enum pst_err err;

	memset(db, 0, sizeof(*db));
	err = pst_tam_db_err(sqlite3_open_v2(path, &db->sql, flags, NULL));
	if (err == PST_OK)
		err = pst_tam_db_err(sqlite3_busy_timeout(db->sql, BUSY_MS));
	if (err == PST_OK && write)
		err = pragma(db->sql, "PRAGMA journal_mode = WAL");
	if (err == PST_OK)
		err = pragma(db->sql,
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA trusted_schema = OFF;"
		    "PRAGMA temp_store = MEMORY;"
		    "PRAGMA journal_size_limit = 67108864");
	if (err != PST_OK)
		pst_tam_db_close(db);
	return err;
}

void
pst_tam_db_close(struct pst_tam_db *db)
{
	size_t i;

	for (i = 0; i < SQL_COUNT; i++)
		(void)sqlite3_finalize(db->stmts[i]);
	(void)sqlite3_close(db->sql);
	memset(db, 0, sizeof(*db));
}

sqlite3_stmt *
pst_tam_stmt(struct pst_tam_db *db, enum pst_tam_sql which)
{
	sqlite3_stmt **stmt = &db->stmts[which];

	if (*stmt == NULL &&
	    sqlite3_prepare_v3(db->sql, pst_tam_sql_text[which], -1,
		SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		return NULL;
	(void)sqlite3_reset(*stmt);
	(void)sqlite3_clear_bindings(*stmt);
	return *stmt;
}

enum pst_err
pst_tam_run(sqlite3_stmt *stmt)
{
	int rc;

	if (stmt == NULL)
		return PST_ERR_STORE;
	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	(void)sqlite3_reset(stmt);
	return pst_tam_db_err(rc);
}

enum pst_err
pst_tam_run_sql(struct pst_tam_db *db, enum pst_tam_sql which)
{
	return pst_tam_run(pst_tam_stmt(db, which));
}

/* A binding fails only for want of memory or a wrong index; then the step
 * that follows sees NULL, and NOT NULL columns refuse it. sqlite3_* take a
 * NULL statement as misuse and do nothing. */

void
pst_tam_bind_blob(sqlite3_stmt *stmt, int at, struct pst_bytes v)
{
	if (v.len > 0)
		(void)sqlite3_bind_blob64(
		    stmt, at, v.ptr, v.len, SQLITE_STATIC);
}

void
pst_tam_bind_text(sqlite3_stmt *stmt, int at, struct pst_bytes v)
{
	(void)sqlite3_bind_text64(stmt, at,
	    v.len > 0 ? (const char *)v.ptr : "", v.len, SQLITE_STATIC,
	    SQLITE_UTF8);
}

void
pst_tam_bind_str(sqlite3_stmt *stmt, int at, const char *v)
{
	(void)sqlite3_bind_text(stmt, at, v, -1, SQLITE_STATIC);
}

void
pst_tam_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v)
{
	if (v > INT64_MAX)
		v = INT64_MAX;
	(void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)v);
}

void
pst_tam_bind_digest(sqlite3_stmt *stmt, int at, const struct pst_suit_digest *d)
{
	(void)sqlite3_bind_int64(stmt, at, d->alg);
	pst_tam_bind_blob(stmt, at + 1, d->bytes);
}

struct pst_bytes
pst_tam_col_blob(sqlite3_stmt *stmt, int at)
{
	struct pst_bytes v;

	v.ptr = sqlite3_column_blob(stmt, at);
	v.len = (size_t)sqlite3_column_bytes(stmt, at);
	if (v.ptr == NULL)
		v.len = 0;
	return v;
}

const char *
pst_tam_col_str(sqlite3_stmt *stmt, int at)
{
	const unsigned char *s = sqlite3_column_text(stmt, at);

	return s != NULL ? (const char *)s : "";
}

uint64_t
pst_tam_col_u64(sqlite3_stmt *stmt, int at)
{
	sqlite3_int64 v = sqlite3_column_int64(stmt, at);

	return v < 0 ? 0 : (uint64_t)v;
}

struct pst_suit_digest
pst_tam_col_digest(sqlite3_stmt *stmt, int at)
{
	struct pst_suit_digest d;

	d.alg = sqlite3_column_int(stmt, at);
	d.bytes = pst_tam_col_blob(stmt, at + 1);
	return d;
}

bool
pst_tam_col_key(sqlite3_stmt *stmt, int at, struct pst_pubkey *key)
{
	struct pst_bytes v = pst_tam_col_blob(stmt, at);

	memset(key, 0, sizeof(*key));
	return v.len > 0 && pst_cose_key_decode(v, key, NULL, NULL) == PST_OK;
}

struct pst_list
pst_tam_col_list(sqlite3_stmt *stmt, int at)
{
	struct pst_list list;

	list.items = pst_tam_col_blob(stmt, at);
	list.count = (size_t)pst_tam_col_u64(stmt, at + 1);
	return list;
}
