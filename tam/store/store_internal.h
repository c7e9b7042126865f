/*
 * Shared by the files of the store: one connection with its prepared
 * statements, the jobs of the writer, and the cached catalogue of a reader.
 */
#ifndef POSTERN_TAM_STORE_INTERNAL_H
#define POSTERN_TAM_STORE_INTERNAL_H

#include <tam/store/store.h>

#include <sqlite3.h>

/* Every statement by name; the texts are in tam/sql.c, in this order. */
enum pst_tam_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVE,
	SQL_SAVE_UNDO,
	SQL_SAVE_DONE,
	SQL_GENERATION_NEXT,

	/* what the engine changes */
	SQL_SPEND,
	SQL_ROW,
	SQL_ROW_TOKEN,
	SQL_KEY,
	SQL_DEVICE_KEYS,
	SQL_EVIDENCE,
	SQL_INVENTORY_CLEAR,
	SQL_INVENTORY_PUT,
	SQL_INVENTORY_PARTS,
	SQL_INVENTORY_DROP,
	SQL_REPORT,
	SQL_REPORTS_TRIM,
	SQL_PURGE_SPENT,
	SQL_PURGE_TOKENS,
	SQL_PURGE_AUDIT,

	/* what the engine reads */
	SQL_DEVICE_BY_KEY,
	SQL_DEVICE_BY_ATTESTER,
	SQL_GENERATION,
	SQL_CATALOGUE,
	SQL_GRANTS,
	SQL_DEVICE_GRANTS,
	SQL_ANY_DEVICE_GRANT,
	SQL_ENVELOPE,

	/* what an operator does */
	SQL_AUDIT,
	SQL_DEVICE_ID,
	SQL_DEVICE_ADD,
	SQL_DEVICE_SHOWN,
	SQL_ATTESTER,
	SQL_ATTESTER_ADD,
	SQL_ATTESTER_RENEW,
	SQL_ATTESTER_REMOVE,
	SQL_ATTESTER_NEWEST,
	SQL_DEVICE_STATUS,
	SQL_DEVICE_REMOVE,
	SQL_GROUP_ID,
	SQL_GROUP_ADD,
	SQL_GROUP_REMOVE,
	SQL_MEMBER_ADD,
	SQL_MEMBER_REMOVE,
	SQL_ASSIGN,
	SQL_UNASSIGN,
	SQL_ANCHOR_SAME,
	SQL_ANCHOR_ADD,
	SQL_ANCHOR_REMOVE,
	SQL_ENDORSEMENT_NEXT,
	SQL_ENDORSEMENT_COUNT,
	SQL_ENDORSEMENT_PUT,
	SQL_ENDORSEMENT_REMOVE,
	SQL_MANIFEST_NEWEST,
	SQL_MANIFEST_ADD,
	SQL_MANIFEST_COMPONENT,
	SQL_MANIFEST_TRIM,

	/* what an operator sees */
	SQL_LIST_DEVICES,
	SQL_FIND_DEVICE,
	SQL_DEVICE_GROUPS,
	SQL_LIST_ATTESTERS,
	SQL_FIND_EVIDENCE,
	SQL_LIST_INVENTORY,
	SQL_LIST_REPORTS,
	SQL_LIST_MANIFESTS,
	SQL_LIST_GROUPS,
	SQL_LIST_ASSIGNMENTS,
	SQL_PUBLISHED,
	SQL_LIST_ANCHORS,
	SQL_LIST_ENDORSEMENTS,
	SQL_FIND_ENDORSEMENT,
	SQL_ENDORSEMENT_GENERATION,
	SQL_LIST_AUDIT,
	SQL_COUNTS,
	SQL_COUNT
};
extern const char *const pst_tam_sql_text[SQL_COUNT];

/* The schema, one step a version; version n is after steps 1..n. */
extern const char *const pst_tam_schema[];
extern const int pst_tam_schema_version;

/** One connection. Used by one thread at a time. */
struct pst_tam_db {
	sqlite3 *sql;
	sqlite3_stmt *stmts[SQL_COUNT];
};

/** Open a connection with the pragmas of this store. */
enum pst_err pst_tam_db_open(
    struct pst_tam_db *db, const char *path, bool write) PST_MUST_CHECK;
void pst_tam_db_close(struct pst_tam_db *db);

/** A statement, reset and without bindings; NULL when it cannot be made. */
sqlite3_stmt *pst_tam_stmt(struct pst_tam_db *db, enum pst_tam_sql which);

/** What an sqlite3 result means; SQLITE_ROW and SQLITE_DONE are PST_OK. */
enum pst_err pst_tam_db_err(int rc);

/** Run a statement that gives no rows, and reset it. */
enum pst_err pst_tam_run(sqlite3_stmt *stmt) PST_MUST_CHECK;
/** Likewise by name, without parameters. */
enum pst_err
pst_tam_run_sql(struct pst_tam_db *db, enum pst_tam_sql which) PST_MUST_CHECK;

/* Parameters count from 1. Blobs and texts are borrowed until the reset. */
void pst_tam_bind_blob(sqlite3_stmt *stmt, int at, struct pst_bytes v);
void pst_tam_bind_text(sqlite3_stmt *stmt, int at, struct pst_bytes v);
void pst_tam_bind_str(sqlite3_stmt *stmt, int at, const char *v);
void pst_tam_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v);
void pst_tam_bind_digest(
    sqlite3_stmt *stmt, int at, const struct pst_suit_digest *d);

/* Columns count from 0. Views die with the next step or reset. */
struct pst_bytes pst_tam_col_blob(sqlite3_stmt *stmt, int at);
const char *pst_tam_col_str(sqlite3_stmt *stmt, int at);
uint64_t pst_tam_col_u64(sqlite3_stmt *stmt, int at);
struct pst_suit_digest pst_tam_col_digest(sqlite3_stmt *stmt, int at);
/** A COSE_Key; false when the column is NULL or no key. */
bool pst_tam_col_key(sqlite3_stmt *stmt, int at, struct pst_pubkey *key);
/** Items and their count, in two columns. */
struct pst_list pst_tam_col_list(sqlite3_stmt *stmt, int at);

/* A COSE_Key of any size that pst_pubkey holds. */
#define PST_TAM_KEY_BYTES 192

/** Apply one list of changes inside the open transaction. */
enum pst_err pst_tam_changes_apply(
    struct pst_tam_db *db, const struct pst_tam_changes *ch) PST_MUST_CHECK;
/** Drop what has expired at now_s. */
enum pst_err
pst_tam_purge(struct pst_tam_db *db, uint64_t now_s) PST_MUST_CHECK;

/** Work for the writer that is no list of changes: an operator's. */
typedef enum pst_err pst_tam_work(struct pst_tam_db *db, void *ctx);
/**
 * Run work in the writer, in a transaction of its own kind, and wait. Its
 * error undoes what it did.
 */
enum pst_err pst_tam_store_work(
    struct pst_tam_store *store, pst_tam_work *work, void *ctx) PST_MUST_CHECK;

/** A checked manifest on its way into the store. */
struct pst_tam_publication {
	struct pst_tam_manifest manifest; /* id is set */
	const char *who;
};
/** pst_tam_work: add it, unless it is there or something newer is. */
enum pst_err pst_tam_manifest_store(struct pst_tam_db *db, void *publication);

/** Write an audit row. */
enum pst_err pst_tam_audit(struct pst_tam_db *db, const char *who,
    const char *what, const char *detail, uint64_t now_s) PST_MUST_CHECK;

/** The number of a row by name; 0 with PST_ERR_NOT_FOUND. */
enum pst_err pst_tam_id_of(struct pst_tam_db *db, enum pst_tam_sql which,
    const char *name, int64_t *id) PST_MUST_CHECK;

const char *pst_tam_store_path(const struct pst_tam_store *store);
struct pst_tam_db *pst_tam_reader_db(struct pst_tam_reader *reader);
/** Memory of the reader that lives until it is asked again; NULL: none. */
uint8_t *pst_tam_reader_room(struct pst_tam_reader *reader, size_t bytes);

/** A name as store.h demands it. */
bool pst_tam_name_ok(const char *name);

#endif
