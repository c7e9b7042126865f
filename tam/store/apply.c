/*
 * A list of changes becomes rows. Called by the writer inside a savepoint:
 * an error undoes the whole list and nothing else.
 */
#include "store_internal.h"

#include <string.h>

static enum pst_err
run_id(struct pst_tam_db *db, enum pst_tam_sql which, int64_t id)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, id);
	return pst_tam_run(s);
}

/* The unique index is what makes a challenge good for one use. */
static enum pst_err
spend(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_SPEND);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(
	    s, 1, (struct pst_bytes){ ch->challenge, sizeof(ch->challenge) });
	pst_tam_bind_u64(s, 2, ch->challenge_expires_s);
	err = pst_tam_run(s);
	return err == PST_ERR_STATE ? PST_ERR_TEEP_TOKEN : err;
}

/* An empty digest after a merge: the next tc-list replaces everything. */
static void
bind_row(sqlite3_stmt *s, const struct pst_tam_changes *ch)
{
	const uint32_t tc = PST_TAM_INVENTORY | PST_TAM_MERGE;

	pst_tam_bind_u64(s, 1, ch->now_s);
	if ((ch->what & PST_TAM_ATTESTED) != 0) {
		(void)sqlite3_bind_int(s, 2, (int)ch->attested);
		pst_tam_bind_blob(s, 3, ch->claims);
		pst_tam_bind_blob(s, 13, ch->verdict);
		(void)sqlite3_bind_text(s, 14,
		    ch->reasons.len > 0 ? (const char *)ch->reasons.ptr : "",
		    (int)ch->reasons.len, SQLITE_STATIC);
	}
	(void)sqlite3_bind_int(s, 4, (ch->what & tc) != 0);
	if ((ch->what & PST_TAM_INVENTORY) != 0)
		pst_tam_bind_blob(s, 5,
		    (struct pst_bytes){ ch->tc_digest, sizeof(ch->tc_digest) });
	if ((ch->what & PST_TAM_LEDGER) != 0)
		pst_tam_bind_blob(s, 6, ch->ledger);
	(void)sqlite3_bind_int(s, 7, (ch->what & PST_TAM_RENEGOTIATED) != 0);
	(void)sqlite3_bind_int64(s, 8, ch->device);
}

/* A new token, or none when it was used up or withdrawn. */
static void
bind_token(sqlite3_stmt *s, const struct pst_tam_changes *ch)
{
	struct pst_bytes token = { ch->token, sizeof(ch->token) };

	(void)sqlite3_bind_int64(s, 10, 0);
	if ((ch->what & PST_TAM_UPDATE) != 0) {
		pst_tam_bind_blob(s, 9, token);
		pst_tam_bind_u64(s, 10, ch->token_expires_s);
		pst_tam_bind_blob(s, 11, ch->pending);
	}
	if ((ch->what & PST_TAM_ANSWER) != 0)
		pst_tam_bind_blob(s, 12, token);
}

/* Every list touches its device's row, so one that is gone is noticed, and so
 * is a token that was used or replaced meanwhile. */
static enum pst_err
row(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	const uint32_t token =
	    PST_TAM_UPDATE | PST_TAM_ANSWER | PST_TAM_WITHDRAW;
	bool touches = (ch->what & token) != 0;
	sqlite3_stmt *s = pst_tam_stmt(db, touches ? SQL_ROW_TOKEN : SQL_ROW);
	enum pst_err err;

	if (s == NULL)
		return PST_ERR_STORE;
	bind_row(s, ch);
	if (touches)
		bind_token(s, ch);
	err = pst_tam_run(s);
	if (err != PST_OK || sqlite3_changes(db->sql) > 0)
		return err;
	return (ch->what & PST_TAM_ANSWER) != 0 ? PST_ERR_TEEP_TOKEN
						: PST_ERR_NOT_FOUND;
}

static enum pst_err
key(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	uint8_t buf[PST_TAM_KEY_BYTES];
	struct pst_cbor_writer w;
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_KEY);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cose_key_encode(&w, &ch->key, (struct pst_bytes){ NULL, 0 });
	if (w.err != PST_OK)
		return w.err;
	pst_tam_bind_blob(s, 1, pst_cbor_written(&w));
	pst_tam_bind_blob(
	    s, 2, (struct pst_bytes){ ch->thumbprint, sizeof(ch->thumbprint) });
	(void)sqlite3_bind_int64(s, 3, ch->device);
	return pst_tam_run(s);
}

static enum pst_err
device_keys(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_DEVICE_KEYS);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_blob(s, 1, ch->device_keys);
	(void)sqlite3_bind_int64(s, 2, ch->device);
	return pst_tam_run(s);
}

static enum pst_err
evidence(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_EVIDENCE);

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, ch->device);
	pst_tam_bind_u64(s, 2, ch->now_s);
	pst_tam_bind_text(s, 3, ch->evidence_format);
	pst_tam_bind_blob(s, 4, ch->evidence);
	return pst_tam_run(s);
}

static enum pst_err
put_components(struct pst_tam_db *db, const struct pst_tam_changes *ch,
    struct pst_list list)
{
	struct pst_teep_tc tc;
	struct pst_suit_digest digest;
	sqlite3_stmt *s;
	enum pst_err err;

	while (pst_teep_next_tc(&list, &tc)) {
		s = pst_tam_stmt(db, SQL_INVENTORY_PUT);
		if (s == NULL)
			return PST_ERR_STORE;
		digest = (struct pst_suit_digest){ tc.digest_alg, tc.digest };
		(void)sqlite3_bind_int64(s, 1, ch->device);
		pst_tam_bind_blob(s, 2, tc.component_id);
		pst_tam_bind_digest(s, 3, &digest);
		if (tc.has_image_size)
			pst_tam_bind_u64(s, 5, tc.image_size);
		pst_tam_bind_u64(s, 6, ch->now_s);
		err = pst_tam_run(s);
		if (err != PST_OK)
			return err;
	}
	return PST_OK;
}

static enum pst_err
inventory(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	enum pst_err err;

	err = run_id(db, SQL_INVENTORY_CLEAR, ch->device);
	if (err == PST_OK)
		err = put_components(db, ch, ch->tc_list);
	return err;
}

/* What the manifests that a Success confirms have brought with them. */
static enum pst_err
put_parts(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	struct pst_list list = ch->installed;
	struct pst_teep_tc tc;
	sqlite3_stmt *s;
	enum pst_err err;

	while (pst_teep_next_tc(&list, &tc)) {
		s = pst_tam_stmt(db, SQL_INVENTORY_PARTS);
		if (s == NULL)
			return PST_ERR_STORE;
		(void)sqlite3_bind_int64(s, 1, ch->device);
		pst_tam_bind_u64(s, 2, ch->now_s);
		pst_tam_bind_blob(s, 3, tc.digest);
		err = pst_tam_run(s);
		if (err != PST_OK)
			return err;
	}
	return PST_OK;
}

/* A Success is believed until the next tc-list. */
static enum pst_err
merge(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	struct pst_list list = ch->removed;
	struct pst_bytes id;
	sqlite3_stmt *s;
	enum pst_err err;

	err = put_components(db, ch, ch->installed);
	if (err == PST_OK)
		err = put_parts(db, ch);
	while (err == PST_OK && pst_list_next(&list, &id)) {
		s = pst_tam_stmt(db, SQL_INVENTORY_DROP);
		if (s == NULL)
			return PST_ERR_STORE;
		(void)sqlite3_bind_int64(s, 1, ch->device);
		pst_tam_bind_blob(s, 2, id);
		err = pst_tam_run(s);
	}
	return err;
}

static enum pst_err
report(struct pst_tam_db *db, const struct pst_tam_changes *ch,
    const struct pst_tam_report *r)
{
	sqlite3_stmt *s = pst_tam_stmt(db, SQL_REPORT);

	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, ch->device);
	pst_tam_bind_u64(s, 2, ch->now_s);
	(void)sqlite3_bind_int(s, 3, r->success);
	(void)sqlite3_bind_int64(s, 4, ch->err_code);
	pst_tam_bind_text(s, 5, ch->msg);
	pst_tam_bind_digest(s, 6, &r->manifest);
	(void)sqlite3_bind_int64(s, 8, r->code);
	(void)sqlite3_bind_int(s, 9, (int)r->reason);
	(void)sqlite3_bind_int(s, 10, r->record.section);
	(void)sqlite3_bind_int64(s, 11, r->record.offset);
	(void)sqlite3_bind_int64(s, 12, r->record.component);
	pst_tam_bind_blob(s, 13, r->raw);
	return pst_tam_run(s);
}

/* An answer without a SUIT Report is one row too. */
static enum pst_err
reports(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	struct pst_tam_report none;
	sqlite3_stmt *s;
	enum pst_err err = PST_OK;
	size_t i;

	memset(&none, 0, sizeof(none));
	none.success = ch->success;
	if (ch->report_count == 0)
		err = report(db, ch, &none);
	for (i = 0; i < ch->report_count && err == PST_OK; i++)
		err = report(db, ch, &ch->reports[i]);
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(db, SQL_REPORTS_TRIM);
	if (s == NULL)
		return PST_ERR_STORE;
	(void)sqlite3_bind_int64(s, 1, ch->device);
	(void)sqlite3_bind_int(s, 2, PST_TAM_REPORTS_KEPT);
	return pst_tam_run(s);
}

enum pst_err
pst_tam_changes_apply(struct pst_tam_db *db, const struct pst_tam_changes *ch)
{
	static const struct {
		uint32_t bit;
		enum pst_err (*apply)(
		    struct pst_tam_db *, const struct pst_tam_changes *);
	} steps[] = {
		/* first what may refuse the list */
		{ PST_TAM_SPEND, spend },
		{ UINT32_MAX, row },
		{ PST_TAM_KEY, key },
		{ PST_TAM_DEVICE_KEYS, device_keys },
		{ PST_TAM_EVIDENCE, evidence },
		{ PST_TAM_INVENTORY, inventory },
		{ PST_TAM_MERGE, merge },
		{ PST_TAM_REPORT, reports },
	};
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if ((ch->what & steps[i].bit) == 0)
			continue;
		err = steps[i].apply(db, ch);
		if (err != PST_OK)
			return err;
	}
	return PST_OK;
}

static enum pst_err
run_u64(struct pst_tam_db *db, enum pst_tam_sql which, uint64_t v)
{
	sqlite3_stmt *s = pst_tam_stmt(db, which);

	if (s == NULL)
		return PST_ERR_STORE;
	pst_tam_bind_u64(s, 1, v);
	return pst_tam_run(s);
}

enum pst_err
pst_tam_purge(struct pst_tam_db *db, uint64_t now_s)
{
	enum pst_err err;

	err = run_u64(db, SQL_PURGE_SPENT, now_s);
	if (err == PST_OK)
		err = run_u64(db, SQL_PURGE_TOKENS, now_s);
	if (err == PST_OK)
		err = run_u64(db, SQL_PURGE_AUDIT, PST_TAM_AUDIT_KEPT);
	return err;
}
