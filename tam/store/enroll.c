/*
 * Who attests for a device. A device has one attester, or two and more while
 * a key is replaced. Each is found by the bytes that name it: the thumbprint
 * of a key, or a claim of the Evidence.
 */
#include "store_internal.h"

#include <ports/openssl/openssl.h>

#include <stdio.h>
#include <string.h>

#define TECHNOLOGY_MAX 16

/* One call, as the writer sees it. */
struct enrolment {
	const char *who;
	const char *what;
	const char *name;
	uint64_t now_s;
	const struct pst_tam_attester *in;
	struct pst_bytes attester; /* what names it */
	struct pst_bytes key;	   /* COSE_Key, or empty */
	uint8_t print[PST_THUMBPRINT_LEN];
	uint8_t encoded[PST_TAM_KEY_BYTES];
	char given[17]; /* a name made of it */
	int64_t id;	/* of the device; result */
};

/* A word of lower case letters: what the Verifier calls a technology. */
static bool
technology_ok(const char *t)
{
	size_t len = strlen(t);

	return len <= TECHNOLOGY_MAX &&
	    strspn(t, "abcdefghijklmnopqrstuvwxyz-") == len;
}

static enum pst_err
prepare_key(struct enrolment *e, const struct pst_crypto *crypto)
{
	struct pst_cbor_writer w;
	enum pst_err err;

	/* A key that everybody has proves nothing. */
	if (pst_pubkey_published(&e->in->key))
		return PST_ERR_COSE_KEY;
	err = pst_cose_thumbprint(crypto, &e->in->key, e->print);
	if (err != PST_OK)
		return err;
	pst_cbor_writer_init(&w, e->encoded, sizeof(e->encoded));
	pst_cose_key_encode(&w, &e->in->key, (struct pst_bytes){ NULL, 0 });
	e->key = pst_cbor_written(&w);
	return w.err;
}

static enum pst_err
prepare(struct enrolment *e, const struct pst_crypto *crypto)
{
	const struct pst_tam_attester *in = e->in;
	enum pst_err err = PST_OK;
	size_t i;

	if ((!in->has_key && in->identity.len == 0) ||
	    in->identity.len > PST_TAM_ATTESTER_MAX ||
	    !technology_ok(in->technology) ||
	    (in->x5chain.len > 0 && !in->has_key) ||
	    /* a claim of one technology may be another's by chance */
	    (in->identity.len > 0 && in->technology[0] == '\0'))
		return PST_ERR_ARG;
	if (in->has_key)
		err = prepare_key(e, crypto);
	e->attester = in->identity.len > 0
	    ? in->identity
	    : (struct pst_bytes){ e->print, sizeof(e->print) };
	for (i = 0; i < 8 && i < e->attester.len; i++)
		(void)snprintf(e->given + 2 * i, 3, "%02x", e->attester.ptr[i]);
	return err;
}

/* --- rows ---------------------------------------------------------------- */

/* What there is under these bytes. */
struct holder {
	int64_t device; /* 0: nothing */
	bool same;	/* the very same, but for: */
	bool narrower;	/* it had no technology, and now gets one */
};

static enum pst_err
find(struct pst_tam_db *db, const struct enrolment *e, struct holder *out)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_ATTESTER);
	enum pst_err err;
	int rc;

	memset(out, 0, sizeof(*out));
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, e->attester);
	rc = sqlite3_step(s);
	err = pst_tam_db_err(rc);
	if (rc == SQLITE_ROW) {
		const char *technology = pst_tam_col_str(s, 1);
		bool equal = strcmp(technology, e->in->technology) == 0;

		out->device = sqlite3_column_int64(s, 0);
		out->narrower = !equal && technology[0] == '\0';
		out->same = (equal || out->narrower) &&
		    pst_equal(pst_tam_col_blob(s, 2), e->key) &&
		    pst_equal(pst_tam_col_blob(s, 3), e->in->x5chain);
	}
	(void)sqlite3_reset(s);
	return err;
}

static enum pst_err
show_by(struct pst_tam_db *db, struct pst_bytes attester, int64_t device)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_DEVICE_SHOWN);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, attester);
	(void)sqlite3_bind_int64(s, 2, device);
	return pst_tam_run(s);
}

static enum pst_err
insert(struct pst_tam_db *db, const struct enrolment *e)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_ATTESTER_ADD);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, e->attester);
	(void)sqlite3_bind_int64(s, 2, e->id);
	pst_tam_bind_str(s, 3, e->in->technology);
	if (e->key.len > 0)
		pst_tam_bind_blob(s, 4, e->key);
	if (e->in->x5chain.len > 0)
		pst_tam_bind_blob(s, 5, e->in->x5chain);
	pst_tam_bind_str(s, 6, e->in->origin != NULL ? e->in->origin : "");
	pst_tam_bind_u64(s, 7, e->now_s);
	return pst_tam_run(s);
}

/* The same name with another key, certificate or technology: that one counts
 * from now on. */
static enum pst_err
renew(struct pst_tam_db *db, const struct enrolment *e)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_ATTESTER_RENEW);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, e->in->technology);
	if (e->key.len > 0)
		pst_tam_bind_blob(s, 2, e->key);
	if (e->in->x5chain.len > 0)
		pst_tam_bind_blob(s, 3, e->in->x5chain);
	pst_tam_bind_blob(s, 4, e->attester);
	return pst_tam_run(s);
}

static enum pst_err
write_audit(struct pst_tam_db *db, const struct enrolment *e)
{
	char detail[PST_TAM_NAME_MAX + 64];

	(void)snprintf(detail, sizeof(detail), "%s%s%s", e->name,
	    e->in->technology[0] != '\0' ? ", " : "", e->in->technology);
	return pst_tam_audit(db, e->who, e->what, detail, e->now_s);
}

/* --- enroll -------------------------------------------------------------- */

static enum pst_err
add_device(struct pst_tam_db *db, struct enrolment *e)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_DEVICE_ADD);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_str(s, 1, e->name);
	pst_tam_bind_blob(s, 2, e->attester);
	pst_tam_bind_u64(s, 3, e->now_s);
	err = pst_tam_run(s);
	if (err == PST_OK)
		e->id = sqlite3_last_insert_rowid(db->sql);
	return err;
}

static enum pst_err
enroll(struct pst_tam_db *db, void *ctx)
{
	struct enrolment *e = ctx;
	struct holder was;
	int64_t named;
	enum pst_err err;

	err = pst_tam_id_of(db, SQL_DEVICE_ID, e->name, &named);
	if (err != PST_OK && err != PST_ERR_NOT_FOUND)
		return err;
	err = find(db, e, &was);
	if (err != PST_OK)
		return err;
	e->id = named;
	if (named != 0 && was.device == named && was.same)
		return was.narrower ? renew(db, e) : PST_OK;
	if (named != 0 || was.device != 0)
		return PST_ERR_STATE;
	err = add_device(db, e);
	if (err == PST_OK)
		err = insert(db, e);
	return err == PST_OK ? write_audit(db, e) : err;
}

enum pst_err
pst_tam_device_enroll(struct pst_tam_store *store,
    const struct pst_crypto *crypto, const char *who, const char *name,
    const struct pst_tam_attester *attester, uint64_t now_s, int64_t *id)
{
	struct enrolment e = {
		.who = who, .what = "enroll", .now_s = now_s, .in = attester
	};
	enum pst_err err = prepare(&e, crypto);

	*id = 0;
	if (err != PST_OK)
		return err;
	e.name = name != NULL && name[0] != '\0' ? name : e.given;
	if (!pst_tam_name_ok(e.name))
		return PST_ERR_ARG;
	err = pst_tam_store_work(store, enroll, &e);
	if (err == PST_OK)
		*id = e.id;
	return err;
}

/* --- another key --------------------------------------------------------- */

static enum pst_err
add(struct pst_tam_db *db, void *ctx)
{
	struct enrolment *e = ctx;
	struct holder was;
	enum pst_err err;

	err = pst_tam_id_of(db, SQL_DEVICE_ID, e->name, &e->id);
	if (err == PST_OK)
		err = find(db, e, &was);
	if (err != PST_OK)
		return err;
	if (was.device != 0 && was.device != e->id)
		return PST_ERR_STATE;
	if (was.same && !was.narrower)
		return PST_OK;
	err = was.device != 0 ? renew(db, e) : insert(db, e);
	if (err == PST_OK)
		err = show_by(db, e->attester, e->id);
	return err == PST_OK ? write_audit(db, e) : err;
}

enum pst_err
pst_tam_attester_add(struct pst_tam_store *store,
    const struct pst_crypto *crypto, const char *who, const char *name,
    const struct pst_tam_attester *attester, uint64_t now_s)
{
	struct enrolment e = { .who = who,
		.what = "add attester",
		.name = name,
		.now_s = now_s,
		.in = attester };
	enum pst_err err = prepare(&e, crypto);

	return err == PST_OK ? pst_tam_store_work(store, add, &e) : err;
}

/* The newest that is left stands for the device. */
static enum pst_err
show_newest(struct pst_tam_db *db, int64_t device)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_ATTESTER_NEWEST);
	uint8_t copy[PST_TAM_ATTESTER_MAX];
	struct pst_bytes newest = { copy, 0 }, row;
	enum pst_err err;
	int rc;

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, device);
	rc = sqlite3_step(s);
	err = rc == SQLITE_DONE ? PST_ERR_STATE : pst_tam_db_err(rc);
	if (rc == SQLITE_ROW) {
		row = pst_tam_col_blob(s, 0);
		newest.len = row.len <= sizeof(copy) ? row.len : sizeof(copy);
		memcpy(copy, row.ptr, newest.len);
	}
	(void)sqlite3_reset(s);
	return err == PST_OK ? show_by(db, newest, device) : err;
}

static enum pst_err
take_away(struct pst_tam_db *db, void *ctx)
{
	struct enrolment *e = ctx;
	sqlite3_stmt *s;
	enum pst_err err;

	err = pst_tam_id_of(db, SQL_DEVICE_ID, e->name, &e->id);
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(db, SQL_ATTESTER_REMOVE);
	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, e->attester);
	(void)sqlite3_bind_int64(s, 2, e->id);
	err = pst_tam_run(s);
	if (err == PST_OK && sqlite3_changes(db->sql) == 0)
		return PST_ERR_NOT_FOUND;
	if (err == PST_OK)
		err = show_newest(db, e->id);
	return err == PST_OK
	    ? pst_tam_audit(db, e->who, "remove attester", e->name, e->now_s)
	    : err;
}

enum pst_err
pst_tam_attester_remove(struct pst_tam_store *store, const char *who,
    const char *name, struct pst_bytes attester, uint64_t now_s)
{
	struct enrolment e = {
		.who = who, .name = name, .now_s = now_s, .attester = attester
	};

	return pst_tam_store_work(store, take_away, &e);
}
