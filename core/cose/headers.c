/*
 * Header parameters (RFC 9052, Section 3; RFC 9360, Section 2).
 */
#include "cose_internal.h"

#include "../pst_internal.h"

/* alg is an integer or a text; texts name private algorithms and fit none of
 * ours, so they read as no algorithm. */
static int32_t
algorithm(struct pst_cbor_reader *r)
{
	enum pst_cbor_type type = pst_cbor_peek(r);
	struct pst_cbor_integer v;

	if (type == PST_CBOR_TSTR) {
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		return PST_ALG_NONE;
	}
	v = pst_cbor_integer(r);
	if (v.magnitude > INT32_MAX)
		return PST_ALG_NONE;
	return v.negative ? -1 - (int32_t)v.magnitude : (int32_t)v.magnitude;
}

/* RFC 9360, Section 2: one certificate is a bstr, more are an array. */
static struct pst_list
chain(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	struct pst_list rest;
	struct pst_bytes item;

	if (pst_cbor_peek(r) == PST_CBOR_BSTR) {
		out.items = pst_cbor_item(r);
		out.count = pst_cbor_ok(r) ? 1 : 0;
		return out;
	}
	out = pst_cbor_list(r, 2, PST_X5CHAIN_MAX);
	rest = out;
	while (pst_list_next(&rest, &item)) {
		if (item.ptr[0] >> 5 != PST_CBOR_BSTR)
			pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
	}
	return out;
}

static struct pst_bytes
content_type(struct pst_cbor_reader *r)
{
	enum pst_cbor_type type = pst_cbor_peek(r);

	if (type != PST_CBOR_UINT && type != PST_CBOR_TSTR)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
	return pst_cbor_item(r);
}

/* Is the encoded label `key` one of the map that `map` holds? */
static bool
has_label(struct pst_bytes map, struct pst_bytes key)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, map);
	n = pst_cbor_map(&r, PST_COSE_HEADERS_MAX, &seen);
	for (; n > 0 && pst_cbor_ok(&r); n--) {
		if (pst_same(pst_cbor_item(&r), key))
			return true;
		pst_cbor_skip(&r);
	}
	return false;
}

/* The labels that this code acts upon or that an application may read. */
static bool
understood(struct pst_bytes label)
{
	if (label.len == 1)
		return label.ptr[0] >= PST_COSE_ALG &&
		    label.ptr[0] <= PST_COSE_KID;
	return label.len == 2 && label.ptr[0] == 0x18 &&
	    label.ptr[1] == PST_COSE_X5CHAIN;
}

/* RFC 9052, Section 3.1: crit is protected, not empty, and names parameters
 * that are in the protected bucket. */
static void
critical(struct pst_cbor_reader *r, struct pst_bytes protected,
    struct pst_cose_headers *out)
{
	struct pst_list labels = pst_cbor_list(r, 1, PST_COSE_HEADERS_MAX);
	struct pst_bytes label;

	while (pst_list_next(&labels, &label)) {
		uint8_t major = label.ptr[0] >> 5;

		if (major != PST_CBOR_UINT && major != PST_CBOR_NINT &&
		    major != PST_CBOR_TSTR)
			pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
		if (!has_label(protected, label))
			pst_cbor_fail(r, PST_ERR_COSE_STRUCTURE);
		if (!understood(label))
			out->unknown_critical = true;
	}
}

/* A label is a number or a text (RFC 9052, Section 1.5). */
static void
check_label(struct pst_cbor_reader *r, struct pst_bytes key)
{
	uint8_t major = key.len > 0 ? key.ptr[0] >> 5 : PST_CBOR_UINT;

	if (major != PST_CBOR_UINT && major != PST_CBOR_NINT &&
	    major != PST_CBOR_TSTR)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
}

static void
parameter(struct pst_cbor_reader *r, int64_t label, bool protected,
    struct pst_cose_headers *out)
{
	switch (label) {
	case PST_COSE_ALG:
		out->alg = algorithm(r);
		out->alg_protected = protected;
		break;
	case PST_COSE_CRIT:
		if (!protected)
			pst_cbor_fail(r, PST_ERR_COSE_STRUCTURE);
		critical(r, out->protected, out);
		break;
	case PST_COSE_CONTENT_TYPE:
		out->content_type = content_type(r);
		break;
	case PST_COSE_KID:
		out->kid = pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	case PST_COSE_X5CHAIN:
		out->x5chain = chain(r);
		break;
	default:
		pst_cbor_skip(r);
	}
}

static enum pst_err
bucket(struct pst_bytes map, bool protected, struct pst_cose_headers *out,
    uint64_t *labels)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, map);
	n = pst_cbor_map(&r, PST_COSE_HEADERS_MAX, &seen);
	for (; n > 0 && pst_cbor_ok(&r); n--) {
		int64_t label = pst_cbor_key(&r, &seen);

		check_label(&r, seen.key);
		/* Section 3: no label in both buckets. Small labels are bits;
		 * others are looked for one by one. */
		if (!protected && (label < 0 || label >= 64) &&
		    out->protected.len > 0 &&
		    has_label(out->protected, seen.key))
			pst_cbor_fail(&r, PST_ERR_CBOR_DUPLICATE);
		if (pst_cbor_ok(&r))
			parameter(&r, label, protected, out);
	}
	*labels = seen.small;
	return pst_cbor_end(&r);
}

enum pst_err
pst_cose_headers_read(struct pst_bytes protected, struct pst_bytes unprotected,
    struct pst_cose_headers *out)
{
	uint64_t inside = 0;
	uint64_t outside = 0;
	enum pst_err err = PST_OK;

	memset(out, 0, sizeof(*out));
	out->protected = protected;
	if (protected.len > 0)
		err = bucket(protected, true, out, &inside);
	if (err == PST_OK)
		err = bucket(unprotected, false, out, &outside);
	if (err == PST_OK && (inside & outside) != 0)
		err = PST_ERR_CBOR_DUPLICATE;
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

static struct pst_bytes
value_of(struct pst_bytes map, int64_t label)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, map);
	n = pst_cbor_map(&r, PST_COSE_HEADERS_MAX, &seen);
	for (; n > 0 && pst_cbor_ok(&r); n--) {
		if (pst_cbor_key(&r, &seen) == label)
			return pst_cbor_item(&r);
		pst_cbor_skip(&r);
	}
	return none;
}

struct pst_bytes
pst_cose_header(
    struct pst_bytes protected, struct pst_bytes unprotected, int64_t label)
{
	struct pst_bytes v = { NULL, 0 };

	if (protected.len > 0)
		v = value_of(protected, label);
	return v.len > 0 ? v : value_of(unprotected, label);
}

enum pst_err
pst_cose_x5chain_certs(
    struct pst_list chain_list, struct pst_bytes *certs, size_t cap, size_t *n)
{
	struct pst_cbor_reader r;
	struct pst_bytes item;

	*n = 0;
	if (chain_list.count > cap)
		return PST_ERR_LIMIT;
	while (pst_list_next(&chain_list, &item)) {
		pst_cbor_reader_init(&r, item);
		certs[*n] = pst_cbor_bstr(&r, 1, SIZE_MAX);
		if (pst_cbor_end(&r) != PST_OK) {
			*n = 0;
			return PST_ERR_COSE_CERT;
		}
		(*n)++;
	}
	return PST_OK;
}
