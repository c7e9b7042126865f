/*
 * What "measurements" and "manifests" hold. CoSWID nests directories in
 * directories; they are looked through with a bounded queue.
 */
#include <postern/eat_measured.h>

#include "../pst_internal.h"

enum {
	TEXT_MAX = 1024, /* longest text that is looked at */
	RAW_MAX = 65536, /* of what is measured without a hash */
	MEMBERS_MAX = 64,
	LIST_MAX = 1024,  /* files, or directories, of one folder */
	HASH_NAME_LEN = 7 /* of the three */
};

static const uint64_t coswid_tag = 1398229316;

/* --- items -------------------------------------------------------------- */

bool
pst_eat_content_next(struct pst_list *list, struct pst_eat_content *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes item;

	memset(out, 0, sizeof(*out));
	if (!pst_list_next(list, &item))
		return false;
	pst_cbor_reader_init(&r, item);
	(void)pst_cbor_array(&r, 2, 2);
	out->format = (uint16_t)pst_cbor_uint(&r, UINT16_MAX);
	out->bytes = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return true;
}

void
pst_eat_content_put(struct pst_cbor_writer *w, const struct pst_eat_content *c)
{
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, c->format);
	pst_cbor_put_bstr(w, c->bytes);
}

/* --- digests ------------------------------------------------------------ */

/* IANA's Named Information Hash Algorithm Registry, not COSE's; its truncated
 * hashes are too short to be relied on. */
static const struct hash {
	uint64_t id;
	uint8_t name[HASH_NAME_LEN + 1];
	int32_t alg;
	size_t len;
} hashes[] = { { 1, "sha-256", PST_ALG_SHA256, 32 },
	{ 7, "sha-384", PST_ALG_SHA384, 48 },
	{ 8, "sha-512", PST_ALG_SHA512, 64 } };
#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static const struct hash *
hash_of(struct pst_cbor_reader *r)
{
	struct pst_bytes name = { NULL, 0 };
	uint64_t id = 0;
	size_t i;

	if (pst_cbor_peek(r) == PST_CBOR_TSTR)
		name = pst_cbor_tstr(r, 1, TEXT_MAX);
	else
		id = pst_cbor_uint(r, UINT64_MAX);
	for (i = 0; i < HASHES; i++)
		if (id == hashes[i].id ||
		    pst_same(name,
			(struct pst_bytes){ hashes[i].name, HASH_NAME_LEN }))
			return &hashes[i];
	return NULL;
}

/* [alg, value] */
static struct pst_bytes
digest(struct pst_cbor_reader *r, int32_t *alg)
{
	const struct hash *h;
	struct pst_bytes value;

	(void)pst_cbor_array(r, 2, 2);
	h = hash_of(r);
	if (h == NULL)
		pst_cbor_fail(r, PST_ERR_COSE_ALG);
	value = pst_cbor_bstr(r, 1, PST_DIGEST_MAX);
	if (h != NULL && value.len != h->len)
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	*alg = h != NULL ? h->alg : PST_ALG_NONE;
	return value;
}

/* What is wrong with the bytes of a claim is a fault of the claim. */
static enum pst_err
ended(struct pst_cbor_reader *r)
{
	enum pst_err err = pst_cbor_end(r);

	if (err == PST_OK || err == PST_ERR_COSE_ALG ||
	    err == PST_ERR_EAT_PROFILE || err == PST_ERR_LIMIT)
		return err;
	return PST_ERR_EAT_CLAIM;
}

/* --- measured components ------------------------------------------------ */

enum { MC_ID = 1, MC_DIGEST = 2, MC_AUTHORITIES = 3, MC_FLAGS = 4, MC_RAW = 5 };

/* [name, ? [version, ? scheme]] */
static void
component_id(struct pst_cbor_reader *r, struct pst_eat_measured *m)
{
	bool version = pst_cbor_array(r, 1, 2) == 2;

	m->name = pst_cbor_tstr(r, 1, TEXT_MAX);
	if (!version)
		return;
	version = pst_cbor_array(r, 1, 2) == 2;
	m->version = pst_cbor_tstr(r, 1, TEXT_MAX);
	if (version)
		pst_cbor_skip(r);
}

static void
component_member(
    struct pst_cbor_reader *r, int64_t label, struct pst_eat_measured *m)
{
	switch (label) {
	case MC_ID:
		component_id(r, m);
		break;
	case MC_DIGEST:
		m->value = digest(r, &m->alg);
		break;
	case MC_RAW:
		m->value = pst_cbor_bstr(r, 1, RAW_MAX);
		break;
	case MC_AUTHORITIES:
	case MC_FLAGS:
		pst_cbor_fail(r, PST_ERR_EAT_PROFILE);
		break;
	default:
		/* "These rules must be strictly followed", and they know no
		 * others. */
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	}
}

enum pst_err
pst_eat_measured_decode(struct pst_bytes in, struct pst_eat_measured *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	int values = 0;
	enum pst_err err;
	int64_t label;
	size_t n;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, MEMBERS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &seen);
		values += label == MC_DIGEST || label == MC_RAW;
		if (pst_cbor_ok(&r))
			component_member(&r, label, out);
	}
	err = ended(&r);
	/* Either the digest or the value itself. */
	if (err == PST_OK && (out->name.len == 0 || values != 1))
		err = PST_ERR_EAT_CLAIM;
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

static void
put_digest(struct pst_cbor_writer *w, const struct pst_eat_measured *m)
{
	size_t i;

	for (i = 0; i < HASHES && hashes[i].alg != m->alg; i++)
		;
	if (i == HASHES) {
		w->err = PST_ERR_COSE_ALG;
		return;
	}
	pst_cbor_put_uint(w, MC_DIGEST);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, hashes[i].id);
	pst_cbor_put_bstr(w, m->value);
}

void
pst_eat_measured_put(
    struct pst_cbor_writer *w, const struct pst_eat_measured *m)
{
	bool version = m->version.len > 0;

	pst_cbor_put_map(w, 2);
	pst_cbor_put_uint(w, MC_ID);
	pst_cbor_put_array(w, 1 + (size_t)version);
	pst_cbor_put_tstr(w, m->name);
	if (version) {
		pst_cbor_put_array(w, 1);
		pst_cbor_put_tstr(w, m->version);
	}
	if (m->alg != PST_ALG_NONE) {
		put_digest(w, m);
		return;
	}
	pst_cbor_put_uint(w, MC_RAW);
	pst_cbor_put_bstr(w, m->value);
}

/* --- CoSWID (RFC 9393, Section 2) ---------------------------------------- */

enum {
	SWID_NAME = 1,
	SWID_EVIDENCE = 3,
	SWID_PAYLOAD = 6,
	SWID_HASH = 7,
	SWID_VERSION = 13,
	SWID_DIRECTORY = 16,
	SWID_FILE = 17,
	SWID_FS_NAME = 24,
	SWID_PATH_ELEMENTS = 26
};

/* T / [2* T]: one item, or an array of them, as a list. */
static struct pst_list
one_or_more(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 1 };

	if (pst_cbor_peek(r) == PST_CBOR_ARRAY)
		return pst_cbor_list(r, 1, LIST_MAX);
	out.items = pst_cbor_item(r);
	return out;
}

static void
add_folder(
    struct pst_coswid *c, struct pst_cbor_reader *r, struct pst_bytes members)
{
	if (c->folders == PST_COSWID_FOLDERS_MAX)
		pst_cbor_fail(r, PST_ERR_LIMIT);
	else if (pst_cbor_ok(r))
		c->folder[c->folders++] = members;
}

/* The elements of a directory's path are files and directories again. */
static void
directory(struct pst_coswid *c, struct pst_bytes entry)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, entry);
	n = pst_cbor_map(&r, MEMBERS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		if (pst_cbor_key(&r, &seen) == SWID_PATH_ELEMENTS)
			add_folder(c, &r, pst_cbor_item(&r));
		else
			pst_cbor_skip(&r);
	}
	c->err = ended(&r);
}

/* Take the last folder that is left: its files, and folders of its own. */
static void
open_folder(struct pst_coswid *c)
{
	struct pst_list folders = { { NULL, 0 }, 0 };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_bytes entry;
	size_t n;

	pst_cbor_reader_init(&r, c->folder[--c->folders]);
	n = pst_cbor_map(&r, MEMBERS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case SWID_FILE:
			c->files = one_or_more(&r);
			break;
		case SWID_DIRECTORY:
			folders = one_or_more(&r);
			break;
		default:
			pst_cbor_skip(&r);
		}
	}
	c->err = ended(&r);
	while (c->err == PST_OK && pst_list_next(&folders, &entry))
		directory(c, entry);
}

static enum pst_err
file(struct pst_bytes entry, struct pst_coswid_file *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, entry);
	n = pst_cbor_map(&r, MEMBERS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case SWID_FS_NAME:
			out->name = pst_cbor_tstr(&r, 1, TEXT_MAX);
			break;
		case SWID_HASH:
			out->digest = digest(&r, &out->alg);
			break;
		default:
			pst_cbor_skip(&r);
		}
	}
	if (pst_cbor_ok(&r) && out->name.len == 0)
		pst_cbor_fail(&r, PST_ERR_EAT_CLAIM);
	return ended(&r);
}

bool
pst_coswid_next(struct pst_coswid *c, struct pst_coswid_file *out)
{
	struct pst_bytes entry;

	memset(out, 0, sizeof(*out));
	while (c->err == PST_OK) {
		if (pst_list_next(&c->files, &entry)) {
			c->err = file(entry, out);
			return c->err == PST_OK;
		}
		if (c->folders == 0)
			return false;
		open_folder(c);
	}
	return false;
}

static void
coswid_member(struct pst_cbor_reader *r, int64_t label, struct pst_coswid *c,
    struct pst_bytes *evidence, struct pst_bytes *payload)
{
	switch (label) {
	case SWID_NAME:
		c->name = pst_cbor_tstr(r, 1, TEXT_MAX);
		break;
	case SWID_VERSION:
		c->version = pst_cbor_tstr(r, 1, TEXT_MAX);
		break;
	case SWID_EVIDENCE:
		*evidence = pst_cbor_item(r);
		c->has_evidence = true;
		break;
	case SWID_PAYLOAD:
		*payload = pst_cbor_item(r);
		c->has_payload = true;
		break;
	default:
		pst_cbor_skip(r);
	}
}

enum pst_err
pst_coswid_decode(struct pst_bytes in, struct pst_coswid *out)
{
	struct pst_bytes evidence = { NULL, 0 }, payload = { NULL, 0 };
	struct pst_coswid_file f;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_coswid all;
	size_t n;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, in);
	(void)pst_cbor_tag_optional(&r, coswid_tag);
	n = pst_cbor_map(&r, MEMBERS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		int64_t label = pst_cbor_key(&r, &seen);

		if (pst_cbor_ok(&r))
			coswid_member(&r, label, out, &evidence, &payload);
	}
	/* Evidence, a payload, or neither. */
	if (pst_cbor_ok(&r) &&
	    (out->name.len == 0 || (out->has_evidence && out->has_payload)))
		pst_cbor_fail(&r, PST_ERR_EAT_CLAIM);
	out->err = ended(&r);
	if (out->has_evidence || out->has_payload)
		add_folder(out, &r, out->has_evidence ? evidence : payload);
	all = *out;
	while (pst_coswid_next(&all, &f))
		;
	if (all.err != PST_OK)
		memset(out, 0, sizeof(*out));
	return all.err;
}

/* --- SUIT ---------------------------------------------------------------- */

enum pst_err
pst_eat_suit_reference(struct pst_bytes in, struct pst_bytes *uri,
    struct pst_suit_digest *digest_out)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	pst_cbor_reader_init(&r, in);
	(void)pst_cbor_array(&r, 2, 2);
	*uri = pst_cbor_tstr(&r, 0, TEXT_MAX);
	*digest_out = pst_suit_digest_read(&r);
	err = ended(&r);
	if (err != PST_OK) {
		memset(uri, 0, sizeof(*uri));
		memset(digest_out, 0, sizeof(*digest_out));
	}
	return err;
}
