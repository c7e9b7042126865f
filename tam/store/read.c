/*
 * What the engine reads: one statement a message for the device's row, and
 * the catalogue of newest manifests and who gets them, which changes seldom
 * and is kept by each reader until the store's generation moves on. The
 * generation comes with the device's row.
 */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

/* Groups of one device that count; more are ignored by no rule but memory. */
#define GROUPS_MAX 256
/* Rows that live at one time: the attested device and the sender's. */
#define SLOTS 4

/* Who gets a manifest. */
struct grant {
	int64_t grp; /* 0: all devices */
	enum pst_tam_terms terms;
};

struct item {
	struct pst_tam_target target; /* its terms are set for each device */
	bool domain; /* a security domain comes before what lives in it */
	struct grant *grants;
	size_t grant_count;
	uint8_t *bytes; /* what the target views */
};

struct slot {
	uint8_t *bytes;
	size_t cap;
	int64_t id;
	int64_t groups[GROUPS_MAX];
	size_t group_count;
};

struct pst_tam_reader {
	struct pst_tam_db db;
	/* catalogue, as of generation; 0: none */
	int64_t generation;
	struct item *items;
	size_t item_count;
	bool device_grants; /* some device has an assignment of its own */
	struct pst_tam_target targets[PST_TAM_TARGETS_MAX];
	int64_t now_generation; /* of the last device that was read */
	struct slot slots[SLOTS];
	size_t slot;
	/* the last one that was read; a rollout asks for it again and again */
	uint8_t *envelope;
	size_t envelope_cap, envelope_len;
	int64_t envelope_of; /* 0: none */
	uint8_t *room;	     /* of pst_tam_reader_room */
};

/* --- the catalogue ----------------------------------------------------- */

static void
catalogue_free(struct pst_tam_reader *r)
{
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		free(r->items[i].grants);
		free(r->items[i].bytes);
	}
	free(r->items);
	r->items = NULL;
	r->item_count = 0;
	r->generation = 0;
}

static bool
same(struct pst_bytes a, struct pst_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool
provides(const struct pst_tam_target *t, struct pst_bytes component)
{
	struct pst_list list = t->components;
	struct pst_bytes id;

	if (same(t->manifest_id, component))
		return true;
	while (pst_list_next(&list, &id)) {
		if (same(id, component))
			return true;
	}
	return false;
}

/* ['domain', uuid] is a security domain's descriptor. */
static bool
is_domain(struct pst_list components)
{
	static const uint8_t prefix[] = { 0x81, 0x46, 'd', 'o', 'm', 'a', 'i',
		'n' };
	struct pst_bytes id;

	return pst_list_next(&components, &id) &&
	    pst_component_id_under(
		id, (struct pst_bytes){ prefix, sizeof(prefix) });
}

static struct pst_bytes
keep(uint8_t **at, struct pst_bytes v)
{
	struct pst_bytes kept = { *at, v.len };

	if (v.len > 0)
		memcpy(*at, v.ptr, v.len);
	*at += v.len;
	return kept;
}

static enum pst_err
item_read(sqlite3_stmt *s, struct item *item)
{
	struct pst_tam_target *t = &item->target;
	struct pst_bytes id = pst_tam_col_blob(s, 1);
	struct pst_suit_digest digest = pst_tam_col_digest(s, 3);
	struct pst_list components = pst_tam_col_list(s, 5);
	uint8_t *at;

	memset(item, 0, sizeof(*item));
	at = malloc(id.len + digest.bytes.len + components.items.len + 1);
	if (at == NULL)
		return PST_ERR_LIMIT;
	item->bytes = at;
	t->manifest = sqlite3_column_int64(s, 0);
	t->sequence = pst_tam_col_u64(s, 2);
	t->envelope_len = (size_t)pst_tam_col_u64(s, 7);
	t->manifest_id = keep(&at, id);
	t->digest.alg = digest.alg;
	t->digest.bytes = keep(&at, digest.bytes);
	t->components.count = components.count;
	t->components.items = keep(&at, components.items);
	item->domain = is_domain(t->components);
	return PST_OK;
}

static enum pst_err
items_load(struct pst_tam_reader *r)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, SQL_CATALOGUE);
	enum pst_err err = PST_OK;
	int rc = SQLITE_ERROR;

	while (err == PST_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct item *grown =
		    realloc(r->items, (r->item_count + 1) * sizeof(*grown));

		if (grown == NULL) {
			err = PST_ERR_LIMIT;
			break;
		}
		r->items = grown;
		err = item_read(s, &r->items[r->item_count]);
		if (err == PST_OK)
			r->item_count++;
	}
	(void)sqlite3_reset(s);
	return err != PST_OK ? err : pst_tam_db_err(rc);
}

static enum pst_err
grant_add(struct item *item, struct grant g)
{
	struct grant *grown =
	    realloc(item->grants, (item->grant_count + 1) * sizeof(*grown));

	if (grown == NULL)
		return PST_ERR_LIMIT;
	item->grants = grown;
	item->grants[item->grant_count++] = g;
	return PST_OK;
}

static enum pst_err
grants_load(struct pst_tam_reader *r)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, SQL_GRANTS);
	enum pst_err err = PST_OK;
	struct grant g;
	int rc = SQLITE_ERROR;
	size_t i;

	while (err == PST_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct pst_bytes component = pst_tam_col_blob(s, 0);

		g.grp = sqlite3_column_int(s, 1) == PST_TAM_ALL
		    ? 0
		    : sqlite3_column_int64(s, 2);
		g.terms = (enum pst_tam_terms)sqlite3_column_int(s, 3);
		for (i = 0; i < r->item_count && err == PST_OK; i++) {
			if (provides(&r->items[i].target, component))
				err = grant_add(&r->items[i], g);
		}
	}
	(void)sqlite3_reset(s);
	return err != PST_OK ? err : pst_tam_db_err(rc);
}

static enum pst_err
device_grants_load(struct pst_tam_reader *r)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, SQL_ANY_DEVICE_GRANT);
	int rc = sqlite3_step(s);

	r->device_grants = sqlite3_column_int(s, 0) != 0;
	(void)sqlite3_reset(s);
	return rc == SQLITE_ROW ? PST_OK : PST_ERR_STORE;
}

/* Loaded in one read transaction: all of one generation. */
static enum pst_err
catalogue_load(struct pst_tam_reader *r)
{
	sqlite3_stmt *s;
	int64_t generation = 0;
	enum pst_err err;

	if (r->generation != 0 && r->generation == r->now_generation)
		return PST_OK;
	catalogue_free(r);
	err =
	    pst_tam_db_err(sqlite3_exec(r->db.sql, "BEGIN", NULL, NULL, NULL));
	if (err != PST_OK)
		return err;
	s = pst_tam_stmt(&r->db, SQL_GENERATION);
	if (sqlite3_step(s) == SQLITE_ROW)
		generation = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s);
	err = generation != 0 ? items_load(r) : PST_ERR_STORE;
	if (err == PST_OK)
		err = grants_load(r);
	if (err == PST_OK)
		err = device_grants_load(r);
	(void)sqlite3_exec(r->db.sql, "COMMIT", NULL, NULL, NULL);
	if (err != PST_OK)
		catalogue_free(r);
	else
		r->generation = generation;
	return err;
}

/* --- targets of one device --------------------------------------------- */

static const struct slot *
slot_of(const struct pst_tam_reader *r, int64_t device)
{
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		if (r->slots[i].id == device)
			return &r->slots[i];
	}
	return NULL;
}

static bool
member(const struct slot *s, int64_t grp)
{
	size_t i;

	for (i = 0; s != NULL && i < s->group_count; i++) {
		if (s->groups[i] == grp)
			return true;
	}
	return false;
}

/* In this order: the most that any assignment says. */
enum want { NOT_WANTED, ON_REQUEST, WANTED, REMEDY };

static enum want
want_of(enum pst_tam_terms terms)
{
	switch (terms) {
	case PST_TAM_ALWAYS:
		return WANTED;
	case PST_TAM_REMEDIATION:
		return REMEDY;
	default:
		return ON_REQUEST;
	}
}

static enum want
by_groups(const struct item *item, const struct slot *slot)
{
	enum want want = NOT_WANTED;
	size_t i;

	for (i = 0; i < item->grant_count; i++) {
		const struct grant *g = &item->grants[i];

		if (g->grp != 0 && !member(slot, g->grp))
			continue;
		if (want_of(g->terms) > want)
			want = want_of(g->terms);
	}
	return want;
}

/* Assignments to this very device; few devices have any. */
static enum pst_err
by_device(struct pst_tam_reader *r, int64_t device, enum want *wants)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, SQL_DEVICE_GRANTS);
	int rc;
	size_t i;

	(void)sqlite3_bind_int64(s, 1, device);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct pst_bytes component = pst_tam_col_blob(s, 0);
		enum want want =
		    want_of((enum pst_tam_terms)sqlite3_column_int(s, 1));

		for (i = 0; i < r->item_count; i++) {
			if (want > wants[i] &&
			    provides(&r->items[i].target, component))
				wants[i] = want;
		}
	}
	(void)sqlite3_reset(s);
	return pst_tam_db_err(rc);
}

static enum pst_err
collect(struct pst_tam_reader *r, const enum want *wants, size_t *count)
{
	size_t i, pass;

	*count = 0;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < r->item_count; i++) {
			if (wants[i] == NOT_WANTED ||
			    r->items[i].domain != (pass == 0))
				continue;
			if (*count == PST_TAM_TARGETS_MAX)
				return PST_ERR_LIMIT;
			r->targets[*count] = r->items[i].target;
			r->targets[*count].on_request = wants[i] == ON_REQUEST;
			r->targets[*count].remediation = wants[i] == REMEDY;
			++*count;
		}
	}
	return PST_OK;
}

static enum pst_err
targets(void *ctx, const struct pst_tam_device *device,
    const struct pst_tam_target **list, size_t *count)
{
	struct pst_tam_reader *r = ctx;
	enum want *wants;
	enum pst_err err;
	size_t i;

	*list = r->targets;
	*count = 0;
	err = catalogue_load(r);
	if (err != PST_OK || r->item_count == 0)
		return err;
	wants = calloc(r->item_count, sizeof(*wants));
	if (wants == NULL)
		return PST_ERR_BUSY;
	for (i = 0; i < r->item_count; i++)
		wants[i] = by_groups(&r->items[i], slot_of(r, device->id));
	err = r->device_grants ? by_device(r, device->id, wants) : PST_OK;
	if (err == PST_OK)
		err = collect(r, wants, count);
	free(wants);
	return err;
}

/* --- a device's row ---------------------------------------------------- */

/* Columns that are copied, because a view dies with the next step. */
static const int blobs[] = { 2, 3, 5, 7, 8, 9, 13, 14, 15, 16 };
#define BLOBS (sizeof(blobs) / sizeof(blobs[0]))

static enum pst_err
slot_copy(struct slot *slot, sqlite3_stmt *s, struct pst_bytes out[BLOBS])
{
	size_t need = 0, i;
	uint8_t *at;

	for (i = 0; i < BLOBS; i++)
		need += (size_t)sqlite3_column_bytes(s, blobs[i]);
	if (need > slot->cap || slot->bytes == NULL) {
		at = realloc(slot->bytes, need + 1);
		if (at == NULL)
			return PST_ERR_LIMIT;
		slot->bytes = at;
		slot->cap = need;
	}
	at = slot->bytes;
	for (i = 0; i < BLOBS; i++)
		out[i] = keep(&at, pst_tam_col_blob(s, blobs[i]));
	return PST_OK;
}

static enum pst_err
device_fill(struct pst_tam_reader *r, struct slot *slot, sqlite3_stmt *s,
    struct pst_tam_device *out)
{
	struct pst_bytes copy[BLOBS];
	enum pst_err err;

	err = slot_copy(slot, s, copy);
	if (err != PST_OK)
		return err;
	out->id = sqlite3_column_int64(s, 0);
	out->status = (enum pst_tam_status)sqlite3_column_int(s, 1);
	out->has_key = pst_tam_col_key(s, 4, &out->key);
	out->token_expires_s = pst_tam_col_u64(s, 6);
	out->renegotiated_s = pst_tam_col_u64(s, 10);
	out->name = copy[0];
	out->attester = copy[1];
	out->token = copy[2];
	out->pending = copy[3];
	out->ledger = copy[4];
	out->tc_digest = copy[5];
	out->attestation_key = copy[6];
	out->technology = copy[7];
	out->x5chain = copy[8];
	out->device_keys = copy[9];
	r->now_generation = sqlite3_column_int64(s, 12);
	return PST_OK;
}

static enum pst_err
device(struct pst_tam_reader *r, enum pst_tam_sql which,
    struct pst_bytes selector, struct pst_tam_device *out)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, which);
	struct slot *slot = &r->slots[r->slot++ % SLOTS];
	enum pst_err err = PST_ERR_NOT_FOUND;
	int rc;

	memset(out, 0, sizeof(*out));
	slot->id = 0;
	slot->group_count = 0;
	pst_tam_bind_blob(s, 1, selector);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (err == PST_ERR_NOT_FOUND)
			err = device_fill(r, slot, s, out);
		if (err != PST_OK)
			break;
		if (sqlite3_column_type(s, 11) != SQLITE_NULL &&
		    slot->group_count < GROUPS_MAX)
			slot->groups[slot->group_count++] =
			    sqlite3_column_int64(s, 11);
	}
	(void)sqlite3_reset(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = pst_tam_db_err(rc) != PST_OK ? pst_tam_db_err(rc)
						   : PST_ERR_STORE;
	if (err == PST_OK)
		slot->id = out->id;
	return err;
}

static enum pst_err
device_by_key(void *ctx, const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    struct pst_tam_device *out)
{
	return device(ctx, SQL_DEVICE_BY_KEY,
	    (struct pst_bytes){ thumbprint, PST_THUMBPRINT_LEN }, out);
}

static enum pst_err
device_by_attester(
    void *ctx, struct pst_bytes attester, struct pst_tam_device *out)
{
	return device(ctx, SQL_DEVICE_BY_ATTESTER, attester, out);
}

/* A view of the statement would keep a read transaction open, and with it the
 * write-ahead log; so it is copied, into room that is used again. */
static enum pst_err
envelope_keep(struct pst_tam_reader *r, int64_t manifest, struct pst_bytes v)
{
	uint8_t *grown;

	r->envelope_of = 0;
	if (v.len > r->envelope_cap) {
		grown = realloc(r->envelope, v.len);
		if (grown == NULL)
			return PST_ERR_BUSY;
		r->envelope = grown;
		r->envelope_cap = v.len;
	}
	memcpy(r->envelope, v.ptr, v.len);
	r->envelope_len = v.len;
	r->envelope_of = manifest;
	return PST_OK;
}

static enum pst_err
envelope_read(struct pst_tam_reader *r, int64_t manifest)
{
	sqlite3_stmt *s = pst_tam_stmt(&r->db, SQL_ENVELOPE);
	struct pst_bytes v;
	enum pst_err err;
	int rc;

	(void)sqlite3_bind_int64(s, 1, manifest);
	rc = sqlite3_step(s);
	err = rc == SQLITE_DONE ? PST_ERR_STORE : pst_tam_db_err(rc);
	if (err == PST_OK) {
		v = pst_tam_col_blob(s, 0);
		/* Trimmed meanwhile: the device asks again and gets the
		 * newest. */
		err = v.len > 0 ? envelope_keep(r, manifest, v) : PST_ERR_BUSY;
	}
	(void)sqlite3_reset(s);
	return err;
}

/* What is published under a number never changes. */
static enum pst_err
envelope(void *ctx, int64_t manifest, struct pst_bytes *out)
{
	struct pst_tam_reader *r = ctx;
	enum pst_err err = PST_OK;

	*out = (struct pst_bytes){ NULL, 0 };
	if (r->envelope_of != manifest)
		err = envelope_read(r, manifest);
	if (err == PST_OK)
		*out = (struct pst_bytes){ r->envelope, r->envelope_len };
	return err;
}

void
pst_tam_reader_records(
    struct pst_tam_reader *reader, struct pst_tam_records *out)
{
	*out = (struct pst_tam_records){ reader, device_by_key,
		device_by_attester, targets, envelope };
}

/* --- the reader -------------------------------------------------------- */

enum pst_err
pst_tam_reader_open(struct pst_tam_store *store, struct pst_tam_reader **out)
{
	struct pst_tam_reader *r = calloc(1, sizeof(*r));
	enum pst_err err;

	*out = NULL;
	if (r == NULL)
		return PST_ERR_LIMIT;
	err = pst_tam_db_open(&r->db, pst_tam_store_path(store), false);
	if (err != PST_OK) {
		free(r);
		return err;
	}
	*out = r;
	return PST_OK;
}

void
pst_tam_reader_close(struct pst_tam_reader **reader)
{
	struct pst_tam_reader *r = *reader;
	size_t i;

	if (r == NULL)
		return;
	catalogue_free(r);
	for (i = 0; i < SLOTS; i++)
		free(r->slots[i].bytes);
	free(r->envelope);
	free(r->room);
	pst_tam_db_close(&r->db);
	free(r);
	*reader = NULL;
}

struct pst_tam_db *
pst_tam_reader_db(struct pst_tam_reader *reader)
{
	return &reader->db;
}

uint8_t *
pst_tam_reader_room(struct pst_tam_reader *reader, size_t bytes)
{
	free(reader->room);
	reader->room = malloc(bytes + 1);
	return reader->room;
}
