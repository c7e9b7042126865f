#include <tam/node/trust.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTHORS_MAX = 64 };

struct pst_tam_trust {
	atomic_uint users;
	int64_t generation;
	struct pst_endorsements *endorsements;
	struct pst_bytes root[PST_TAM_ROOTS_MAX]; /* owned */
	size_t root_count;
};

/* One loading. */
struct load {
	struct pst_tam_trust *t;
	const struct pst_crypto *crypto;
	const struct pst_tam_endorsement *with;
	bool with_done;
	struct pst_pubkey author[AUTHORS_MAX];
	size_t authors;
	struct pst_keys keys;
	enum pst_err err;
	char *note;
};

/* --- one row ------------------------------------------------------------ */

static void
add_root(void *ctx, struct pst_bytes der)
{
	struct load *l = ctx;
	struct pst_tam_trust *t = l->t;
	uint8_t *copy;

	if (t->root_count == PST_TAM_ROOTS_MAX) {
		l->err = PST_ERR_LIMIT;
		return;
	}
	copy = malloc(der.len);
	if (copy == NULL) {
		l->err = PST_ERR_BUSY;
		return;
	}
	memcpy(copy, der.ptr, der.len);
	t->root[t->root_count++] = (struct pst_bytes){ copy, der.len };
}

static enum pst_err
add_device_root(struct load *l, struct pst_bytes file, const char **why)
{
	enum pst_err err = pst_endorsements_certificates(file, add_root, l);

	*why = l->err != PST_OK ? "too many certificates"
				: "not a certificate, or a damaged one";
	return err != PST_OK ? err : l->err;
}

static enum pst_err
add_crl(struct load *l, struct pst_bytes file, const char **why)
{
	struct pst_endorsements *e = l->t->endorsements;
	size_t had = pst_endorsements_crls(e);
	enum pst_err err =
	    pst_endorsements_add(e, PST_ENDORSE_COLLATERAL, file, why);

	if (err == PST_OK && pst_endorsements_crls(e) == had) {
		*why = "not a CRL, or a damaged one";
		err = PST_ERR_COSE_CERT;
	}
	return err;
}

static enum pst_err
add_file(
    struct load *l, const struct pst_tam_endorsement *row, const char **why)
{
	struct pst_endorsements *e = l->t->endorsements;

	switch (row->kind) {
	case PST_TAM_VENDOR_ROOT:
		return pst_endorsements_add(
		    e, PST_ENDORSE_ANCHOR, row->content, why);
	case PST_TAM_DEVICE_ROOT:
		return add_device_root(l, row->content, why);
	case PST_TAM_CRL:
		return add_crl(l, row->content, why);
	case PST_TAM_REFERENCE:
		return pst_endorsements_add(
		    e, PST_ENDORSE_REFERENCE, row->content, why);
	default:
		return pst_endorsements_add(
		    e, PST_ENDORSE_COLLATERAL, row->content, why);
	}
}

static void
add_row(struct load *l, const struct pst_tam_endorsement *row)
{
	const char *why = "";

	l->err = add_file(l, row, &why);
	if (l->err != PST_OK && l->note != NULL)
		(void)snprintf(l->note, PST_TAM_NOTE_MAX, "%s %.60s: %s",
		    pst_tam_endorsement_kind_name(row->kind), row->name, why);
}

static bool
take(void *ctx, const struct pst_tam_endorsement *row)
{
	struct load *l = ctx;
	const struct pst_tam_endorsement *with = l->with;

	if (with != NULL && with->kind == row->kind &&
	    strcmp(with->name, row->name) == 0) {
		l->with_done = true;
		row = with;
	}
	add_row(l, row);
	return l->err == PST_OK;
}

/* --- all rows ----------------------------------------------------------- */

static bool
take_author(void *ctx, const struct pst_tam_anchor *row)
{
	struct load *l = ctx;

	if (row->kind != PST_TAM_AUTHOR)
		return true;
	if (l->authors == AUTHORS_MAX) {
		l->err = PST_ERR_LIMIT;
		return false;
	}
	l->author[l->authors++] = row->key;
	return true;
}

static bool
is_named(const struct load *l, struct pst_bytes kid, size_t i)
{
	uint8_t print[PST_THUMBPRINT_LEN];

	return kid.len != sizeof(print) ||
	    (pst_cose_thumbprint(l->crypto, &l->author[i], print) == PST_OK &&
		pst_equal(kid, (struct pst_bytes){ print, sizeof(print) }));
}

/* pst_keys.find: a kid that is a thumbprint names one, any other kid is its
 * author's own affair. */
static enum pst_err
find_author(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct load *l = ctx;
	size_t i;

	*who = 0;
	for (i = 0; i < l->authors; i++) {
		if (!is_named(l, headers->kid, i) || attempt-- > 0)
			continue;
		*key = l->author[i];
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

static enum pst_err
read_all(void *ctx, struct pst_tam_reader *reader)
{
	struct load *l = ctx;
	enum pst_err err;

	err = pst_tam_endorsement_generation(reader, &l->t->generation);
	if (err == PST_OK)
		err = pst_tam_list_anchors(reader, 0, SIZE_MAX, take_author, l);
	if (err == PST_OK && l->err == PST_OK)
		err = pst_tam_list_endorsements(
		    reader, 0, SIZE_MAX, true, take, l);
	if (err == PST_OK && l->err == PST_OK && l->with != NULL &&
	    !l->with_done)
		add_row(l, l->with);
	return err != PST_OK ? err : l->err;
}

static struct pst_tam_trust *
trust_new(void)
{
	struct pst_tam_trust *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	atomic_init(&t->users, 1);
	t->endorsements = pst_endorsements_new();
	if (t->endorsements == NULL)
		pst_tam_trust_drop(&t);
	return t;
}

enum pst_err
pst_tam_trust_load(struct pst_tam_reader *reader,
    const struct pst_crypto *crypto, const struct pst_tam_endorsement *with,
    struct pst_tam_trust **out, char note[PST_TAM_NOTE_MAX])
{
	struct load l = {
		.t = trust_new(), .crypto = crypto, .with = with, .note = note
	};
	enum pst_err err;

	*out = NULL;
	if (l.t == NULL)
		return PST_ERR_BUSY;
	l.keys = (struct pst_keys){ .ctx = &l, .find = find_author };
	pst_endorsements_authors(l.t->endorsements, crypto, &l.keys);
	err = pst_tam_snapshot(reader, read_all, &l);
	/* They were for the loading alone. */
	pst_endorsements_authors(l.t->endorsements, NULL, NULL);
	if (err != PST_OK)
		pst_tam_trust_drop(&l.t);
	*out = l.t;
	return err;
}

void
pst_tam_trust_drop(struct pst_tam_trust **trust)
{
	struct pst_tam_trust *t = *trust;
	size_t i;

	*trust = NULL;
	if (t == NULL || atomic_fetch_sub(&t->users, 1) != 1)
		return;
	pst_endorsements_free(&t->endorsements);
	for (i = 0; i < t->root_count; i++) {
		union {
			const uint8_t *view;
			uint8_t *own;
		} p = { t->root[i].ptr };

		free(p.own);
	}
	free(t);
}

const struct pst_endorsements *
pst_tam_trust_endorsements(const struct pst_tam_trust *trust)
{
	return trust->endorsements;
}

const struct pst_bytes *
pst_tam_trust_roots(const struct pst_tam_trust *trust, size_t *count)
{
	*count = trust->root_count;
	return trust->root;
}

/* --- sharing ------------------------------------------------------------ */

void
pst_tam_trust_cell_init(struct pst_tam_trust_cell *cell)
{
	(void)pthread_mutex_init(&cell->lock, NULL);
	cell->now = NULL;
}

void
pst_tam_trust_cell_close(struct pst_tam_trust_cell *cell)
{
	pst_tam_trust_drop(&cell->now);
	(void)pthread_mutex_destroy(&cell->lock);
}

/* The row that changed may have changed again meanwhile: what was loaded says
 * of which generation it is, and the next message sees to the rest. */
static enum pst_err
share(struct pst_tam_trust_cell *cell, struct pst_tam_reader *reader,
    const struct pst_crypto *crypto, int64_t generation,
    struct pst_tam_trust **mine, char *note)
{
	struct pst_tam_trust *fresh;
	enum pst_err err;

	if (cell->now == NULL || cell->now->generation < generation) {
		err = pst_tam_trust_load(reader, crypto, NULL, &fresh, note);
		if (err != PST_OK)
			return err;
		pst_tam_trust_drop(&cell->now);
		cell->now = fresh;
	}
	pst_tam_trust_drop(mine);
	(void)atomic_fetch_add(&cell->now->users, 1);
	*mine = cell->now;
	return PST_OK;
}

enum pst_err
pst_tam_trust_refresh(struct pst_tam_trust_cell *cell,
    struct pst_tam_reader *reader, const struct pst_crypto *crypto,
    struct pst_tam_trust **mine, char note[PST_TAM_NOTE_MAX])
{
	int64_t generation;
	enum pst_err err;

	err = pst_tam_endorsement_generation(reader, &generation);
	if (err != PST_OK)
		return err;
	if (*mine != NULL && (*mine)->generation >= generation)
		return PST_OK;
	(void)pthread_mutex_lock(&cell->lock);
	err = share(cell, reader, crypto, generation, mine, note);
	(void)pthread_mutex_unlock(&cell->lock);
	return err;
}
