#include "token.h"

#include <string.h>

static size_t
row_of(const struct pst_token_claim *table, size_t n, int64_t label)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (table[i].label == label)
			return i;
	return n;
}

static void
value(struct pst_cbor_reader *r, const struct pst_token_claim *row,
    struct pst_token_value *v)
{
	size_t from = r->at;

	v->there = true;
	if (row->name == NULL)
		pst_cbor_skip(r);
	else if (row->kind == PST_CLAIM_UINT)
		v->n = pst_cbor_uint(r, UINT64_MAX);
	else if (row->kind == PST_CLAIM_TEXT)
		v->bytes = pst_cbor_tstr(r, row->min, row->max);
	else
		v->bytes = pst_cbor_bstr(r, row->min, row->max);
	v->item.ptr = r->in.ptr + from;
	v->item.len = r->at - from;
}

enum pst_err
pst_token_read(struct pst_bytes claims, const struct pst_token_claim *table,
    size_t n, struct pst_token_value *values)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t i, pairs;

	memset(values, 0, n * sizeof(*values));
	pst_cbor_reader_init_profile(&r, claims, PST_CBOR_ANY);
	pairs = pst_cbor_map(&r, PST_EAT_CLAIMS_MAX, &seen);
	while (pairs-- > 0 && pst_cbor_ok(&r)) {
		int64_t label = pst_cbor_key(&r, &seen);

		i = pst_cbor_ok(&r) ? row_of(table, n, label) : n;
		if (i < n)
			value(&r, &table[i], &values[i]);
		else
			pst_cbor_skip(&r);
	}
	if (pst_cbor_end(&r) != PST_OK)
		return PST_ERR_EAT_CLAIM;
	for (i = 0; i < n; i++)
		if (table[i].required && !values[i].there)
			return PST_ERR_EAT_CLAIM;
	return PST_OK;
}

void
pst_token_claims(struct pst_appraisal *out, const struct pst_token_claim *table,
    size_t n, const struct pst_token_value *values)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!values[i].there || table[i].name == NULL)
			continue;
		if (table[i].kind == PST_CLAIM_UINT)
			pst_claim_uint(out, table[i].name, values[i].n);
		else if (table[i].kind == PST_CLAIM_TEXT)
			pst_claim_text(out, table[i].name, values[i].bytes);
		else
			pst_claim_bytes(out, table[i].name, values[i].bytes);
	}
}

/* RFC 9783, Section 4.4.1; CCA has the same map with an algorithm, 6. */
static const struct pst_token_claim software[] = {
	{ 1, "sw-type", PST_CLAIM_TEXT, false, 0, 256 },
	{ 2, "sw-value", PST_CLAIM_BYTES, true, 32, 64 },
	{ 4, "sw-version", PST_CLAIM_TEXT, false, 0, 256 },
	{ 5, "sw-signer", PST_CLAIM_BYTES, true, 32, 64 },
	{ 6, "sw-algorithm", PST_CLAIM_TEXT, false, 0, 64 },
};
#define SOFTWARE (sizeof(software) / sizeof(software[0]))
#define SOFTWARE_MAX 16

enum pst_err
pst_token_software(struct pst_appraisal *out, struct pst_bytes list)
{
	struct pst_token_value values[SOFTWARE];
	struct pst_cbor_reader r;
	enum pst_err err = PST_OK;
	size_t n;

	pst_cbor_reader_init_profile(&r, list, PST_CBOR_ANY);
	n = pst_cbor_array(&r, 1, SOFTWARE_MAX);
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(&r)) {
		err = pst_token_read(
		    pst_cbor_item(&r), software, SOFTWARE, values);
		if (err == PST_OK)
			pst_token_claims(out, software, SOFTWARE, values);
	}
	if (err == PST_OK && pst_cbor_end(&r) != PST_OK)
		err = PST_ERR_EAT_CLAIM;
	return err;
}

/* A key source that asks for a name where the message has none. */
struct named {
	const struct pst_keys *keys;
	struct pst_bytes name;
};

static struct pst_cose_headers
with_name(const struct named *n, const struct pst_cose_headers *headers)
{
	struct pst_cose_headers h = *headers;

	if (h.kid.len == 0)
		h.kid = n->name;
	return h;
}

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct named *n = ctx;
	struct pst_cose_headers h = with_name(n, headers);

	return n->keys->find(n->keys->ctx, &h, attempt, key, who);
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	const struct named *n = ctx;
	struct pst_cose_headers h = with_name(n, headers);

	return n->keys->find_secret(n->keys->ctx, &h, attempt, key, who);
}

enum pst_err
pst_token_verify(const struct pst_verifier *v, struct pst_bytes token,
    struct pst_bytes name, struct pst_verified *out)
{
	struct named n = { v->attesters, name };
	struct pst_keys keys = { .ctx = &n, .find = find };
	struct pst_bytes none = { NULL, 0 };
	struct pst_cose_message msg;
	enum pst_err err;

	if (v->attesters == NULL)
		return PST_ERR_COSE_KEY;
	if (v->attesters->find_secret != NULL)
		keys.find_secret = find_secret;
	err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind == PST_TAG_SIGN)
		err = PST_ERR_COSE_STRUCTURE;
	return err == PST_OK
	    ? pst_cose_verify(&msg, v->crypto, &keys, none, out)
	    : err;
}
