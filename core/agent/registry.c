#include "registry.h"

#include "pst_internal.h"

/* Where a kind keeps the number of an object, or NOWHERE. */
#define NOWHERE PST_REG_NUMBERS

/* A version: integers of at most nine bytes after the head of their array. */
#define RELEASE_MAX (1 + 9 * PST_SUIT_VERSION_MAX)
_Static_assert(RELEASE_MAX <= UINT8_MAX, "data_max can say it");

/* Bounds of the fields; all of them are checked when a registry is loaded. */
static const struct {
	uint16_t key_min, key_max;
	uint16_t other_min, other_max;
	uint8_t data_min, data_max;
	uint8_t object; /* which number names an object */
	bool transactional;
} table[PST_REG_KINDS] = {
	[PST_REG_HEAD] = { 0, 0, 0, 0, 0, 0, NOWHERE, false },
	[PST_REG_COMPONENT] = { 2, PST_SUIT_ID_MAX, 0, 0, 32, 32, 0, true },
	[PST_REG_LINK] = { 2, PST_SUIT_ID_MAX, 2, PST_SUIT_ID_MAX, 0, 0,
	    NOWHERE, true },
	[PST_REG_MANIFEST] = { 2, PST_SUIT_ID_MAX, 1, PST_AGENT_NAME_MAX, 16,
	    PST_DIGEST_MAX, 1, true },
	[PST_REG_TOKEN] = { 1, PST_AGENT_NAME_MAX, PST_TOKEN_MIN, PST_TOKEN_MAX,
	    0, 0, NOWHERE, false },
	[PST_REG_JOURNAL] = { 1, PST_AGENT_NAME_MAX, 0, 0, 0, 0, 0, false },
	[PST_REG_FETCH] = { 32, 32, PST_REG_PLACE_LEN, PST_REG_PLACE_LEN, 0, 0,
	    0, false },
	[PST_REG_TAM] = { 1, PST_AGENT_NAME_MAX, 0, 0, 0, 0, NOWHERE, false },
	[PST_REG_REQUEST] = { 2, PST_SUIT_ID_MAX, 1, PST_AGENT_NAME_MAX, 0,
	    PST_AGENT_NAME_MAX, NOWHERE, false },
	[PST_REG_UNNEEDED] = { 2, PST_SUIT_ID_MAX, 0, 0, 0, 0, NOWHERE, false },
	[PST_REG_RESULT] = { 1, PST_AGENT_NAME_MAX, 0, PST_AGENT_FORMAT_MAX, 0,
	    0, 0, false },
	[PST_REG_PRIOR] = { 2, PST_SUIT_ID_MAX, 0, 0, 32, 32, 0, false },
	[PST_REG_RELEASE] = { 2, PST_SUIT_ID_MAX, 0, 0, 2, RELEASE_MAX, NOWHERE,
	    true },
};

static void
read_record(struct pst_cbor_reader *r, struct pst_reg_record *out)
{
	size_t i;

	pst_cbor_array(r, PST_REG_FIELDS, PST_REG_FIELDS);
	out->kind = (enum pst_reg_kind)pst_cbor_uint(r, PST_REG_KINDS - 1);
	out->key = pst_cbor_bstr(
	    r, table[out->kind].key_min, table[out->kind].key_max);
	out->other = pst_cbor_bstr(
	    r, table[out->kind].other_min, table[out->kind].other_max);
	out->data = pst_cbor_bstr(
	    r, table[out->kind].data_min, table[out->kind].data_max);
	for (i = 0; i < PST_REG_NUMBERS; i++)
		out->n[i] = pst_cbor_uint(r, UINT64_MAX);
}

static void
write_numbers(struct pst_cbor_writer *w, const struct pst_reg_record *r)
{
	size_t i;

	for (i = 0; i < PST_REG_NUMBERS; i++)
		pst_cbor_put_uint(w, r->n[i]);
}

static void
write_record(struct pst_cbor_writer *w, const struct pst_reg_record *r)
{
	pst_cbor_put_array(w, PST_REG_FIELDS);
	pst_cbor_put_uint(w, r->kind);
	pst_cbor_put_bstr(w, r->key);
	pst_cbor_put_bstr(w, r->other);
	pst_cbor_put_bstr(w, r->data);
	write_numbers(w, r);
}

bool
pst_reg_next(
    const struct pst_registry *reg, size_t *at, struct pst_reg_record *r)
{
	struct pst_cbor_reader in;
	struct pst_bytes rest;

	if (*at >= reg->len)
		return false;
	rest.ptr = reg->buf + *at;
	rest.len = reg->len - *at;
	pst_cbor_reader_init(&in, rest);
	read_record(&in, r);
	if (!pst_cbor_ok(&in)) {
		/* Checked when it was loaded: this cannot be. */
		*at = reg->len;
		return false;
	}
	r->start = *at;
	*at += in.at;
	return true;
}

/*
 * The store vouches for the bytes; a registry of another version, or one that
 * this build's limits do not admit, is refused all the same.
 */
enum pst_err
pst_reg_check(const struct pst_registry *reg)
{
	struct pst_reg_record r;
	struct pst_cbor_reader in;
	struct pst_bytes all = { reg->buf, reg->len };
	size_t heads = 0;

	pst_cbor_reader_init(&in, all);
	while (in.at < all.len && pst_cbor_ok(&in)) {
		read_record(&in, &r);
		if (!pst_cbor_ok(&in) || r.kind != PST_REG_HEAD)
			continue;
		heads++;
		if (r.n[0] != PST_REG_VERSION)
			return PST_ERR_STORE_DAMAGED;
	}
	if (pst_cbor_end(&in) != PST_OK || heads != 1)
		return PST_ERR_STORE_DAMAGED;
	return PST_OK;
}

static bool
matches(struct pst_bytes have, struct pst_bytes want)
{
	return want.len == SIZE_MAX || pst_same(have, want);
}

bool
pst_reg_seek(const struct pst_registry *reg, size_t *at, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other, struct pst_reg_record *r)
{
	while (pst_reg_next(reg, at, r)) {
		if (r->kind == kind && matches(r->key, key) &&
		    matches(r->other, other))
			return true;
	}
	return false;
}

bool
pst_reg_find(const struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other, struct pst_reg_record *r)
{
	size_t at = 0;

	return pst_reg_seek(reg, &at, kind, key, other, r);
}

size_t
pst_reg_count(const struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other)
{
	struct pst_reg_record r;
	size_t at = 0, count = 0;

	while (pst_reg_seek(reg, &at, kind, key, other, &r))
		count++;
	return count;
}

static bool
within(size_t len, size_t min, size_t max)
{
	return len >= min && len <= max;
}

enum pst_err
pst_reg_add(struct pst_registry *reg, const struct pst_reg_record *r)
{
	struct pst_cbor_writer w;

	/* What could not be loaded again must not be written. */
	if (!within(
		r->key.len, table[r->kind].key_min, table[r->kind].key_max) ||
	    !within(r->other.len, table[r->kind].other_min,
		table[r->kind].other_max) ||
	    !within(
		r->data.len, table[r->kind].data_min, table[r->kind].data_max))
		return PST_ERR_ARG;

	pst_cbor_writer_init(&w, reg->buf + reg->len, reg->cap - reg->len);
	write_record(&w, r);
	if (w.err != PST_OK)
		return w.err;
	reg->len += w.len;
	return PST_OK;
}

void
pst_reg_renumber(struct pst_registry *reg, const struct pst_reg_record *r)
{
	size_t end = r->start + pst_reg_size(r), len;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, NULL, 0);
	write_numbers(&w, r);
	len = w.len;
	pst_cbor_writer_init(&w, reg->buf + end - len, len);
	write_numbers(&w, r);
}

void
pst_reg_cut(
    struct pst_registry *reg, const struct pst_reg_record *r, size_t *end)
{
	size_t start = r->start;

	memmove(reg->buf + start, reg->buf + *end, reg->len - *end);
	reg->len -= *end - start;
	*end = start;
}

enum pst_err
pst_reg_put(struct pst_registry *reg, const struct pst_reg_record *r)
{
	struct pst_reg_record old;
	size_t end = 0;
	bool had = pst_reg_seek(reg, &end, r->kind, r->key, r->other, &old);
	enum pst_err err;

	/* Added first: its fields may view the record that it replaces. */
	err = pst_reg_add(reg, r);
	if (err == PST_OK && had)
		pst_reg_cut(reg, &old, &end);
	return err;
}

void
pst_reg_remove_first(struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other)
{
	struct pst_reg_record r;
	size_t at = 0;

	if (pst_reg_seek(reg, &at, kind, key, other, &r))
		pst_reg_cut(reg, &r, &at);
}

void
pst_reg_remove(struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other)
{
	struct pst_reg_record r;
	size_t at = 0;

	while (pst_reg_seek(reg, &at, kind, key, other, &r))
		pst_reg_cut(reg, &r, &at);
}

size_t
pst_reg_size(const struct pst_reg_record *r)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, NULL, 0);
	write_record(&w, r);
	return w.len;
}

bool
pst_reg_transactional(enum pst_reg_kind kind)
{
	return table[kind].transactional;
}

bool
pst_reg_names(const struct pst_registry *reg, uint64_t object)
{
	struct pst_reg_record r;
	size_t at = 0;

	while (pst_reg_next(reg, &at, &r)) {
		if (table[r.kind].object != NOWHERE &&
		    r.n[table[r.kind].object] == object)
			return true;
	}
	return false;
}
