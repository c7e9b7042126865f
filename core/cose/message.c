/*
 * COSE_Sign1, COSE_Sign and COSE_Mac0 taken apart (RFC 9052, Sections 2, 4
 * and 6). Shapes and headers are checked here; nothing is verified.
 */
#include "cose_internal.h"

#include "../pst_internal.h"

/* Section 3: a zero-length bstr and the bstr of an empty map mean the same;
 * Sections 4.4 and 6.3 have the former stand in the signed structure. */
struct pst_bytes
pst_cose_protected_bucket(struct pst_cbor_reader *r)
{
	struct pst_bytes out = pst_cbor_bstr(r, 0, PST_COSE_BUCKET_MAX);

	if (out.len == 1 && out.ptr[0] == 0xa0)
		out.len = 0;
	return out;
}

struct pst_bytes
pst_cose_unprotected_bucket(struct pst_cbor_reader *r)
{
	size_t start = r->at;
	struct pst_bytes out;

	if (pst_cbor_peek(r) != PST_CBOR_MAP)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
	out = pst_cbor_item(r);
	if (out.len <= PST_COSE_BUCKET_MAX)
		return out;
	r->at = start;
	pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	return (struct pst_bytes){ NULL, 0 };
}

void
pst_cose_check_headers(struct pst_cbor_reader *r, size_t start,
    struct pst_bytes protected, struct pst_bytes unprotected)
{
	struct pst_cose_headers headers;
	enum pst_err err;

	if (!pst_cbor_ok(r))
		return;
	err = pst_cose_headers_read(protected, unprotected, &headers);
	if (err == PST_OK)
		return;
	r->at = start;
	pst_cbor_fail(r, err);
}

/* COSE_Signature = [protected, unprotected, signature : bstr], Section 4.1 */
static void
signature(struct pst_cbor_reader *r, struct pst_bytes *protected,
    struct pst_bytes *unprotected, struct pst_bytes *sig)
{
	(void)pst_cbor_array(r, 3, 3);
	*protected = pst_cose_protected_bucket(r);
	*unprotected = pst_cose_unprotected_bucket(r);
	*sig = pst_cbor_bstr(r, 0, SIZE_MAX);
}

static struct pst_list
signatures(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	struct pst_bytes protected, unprotected, sig;
	size_t n = pst_cbor_array(r, 1, PST_COSE_SIGNERS_MAX);
	size_t start = r->at;
	size_t i;

	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		size_t at = r->at;

		signature(r, &protected, &unprotected, &sig);
		pst_cose_check_headers(r, at, protected, unprotected);
	}
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

/* The tag, or what four elements mean without one. */
static void
kind(struct pst_cbor_reader *r, uint64_t untagged, struct pst_cose_message *out)
{
	out->kind = untagged;
	if (pst_cbor_peek(r) != PST_CBOR_TAG)
		return;
	out->tagged = true;
	out->kind = pst_cbor_tag(r);
	switch (out->kind) {
	case PST_TAG_SIGN1:
	case PST_TAG_SIGN:
	case PST_TAG_MAC0:
		break;
	case PST_TAG_ENCRYPT0:
	case PST_TAG_ENCRYPT:
	case PST_TAG_MAC:
		pst_cbor_fail(r, PST_ERR_UNSUPPORTED);
		break;
	default:
		pst_cbor_fail(r, PST_ERR_COSE_STRUCTURE);
	}
}

static void
message(struct pst_cbor_reader *r, struct pst_cose_message *out)
{
	size_t start;

	(void)pst_cbor_array(r, 4, 4);
	start = r->at;
	out->protected = pst_cose_protected_bucket(r);
	out->unprotected = pst_cose_unprotected_bucket(r);
	pst_cose_check_headers(r, start, out->protected, out->unprotected);
	if (pst_cbor_peek(r) == PST_CBOR_SIMPLE) {
		pst_cbor_null(r);
		out->detached = true;
	} else {
		out->payload = pst_cbor_bstr(r, 0, SIZE_MAX);
	}
	if (!out->tagged && pst_cbor_peek(r) == PST_CBOR_ARRAY)
		out->kind = PST_TAG_SIGN;
	if (out->kind == PST_TAG_SIGN)
		out->signatures = signatures(r);
	else
		out->signature = pst_cbor_bstr(r, 0, SIZE_MAX);
}

enum pst_err
pst_cose_parse(struct pst_bytes msg, uint64_t untagged,
    struct pst_cose_message *out, size_t *at)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, msg);
	kind(&r, untagged, out);
	message(&r, out);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

bool
pst_cose_signature(const struct pst_cose_message *msg, size_t index,
    struct pst_cose_headers *headers, struct pst_bytes *sig)
{
	struct pst_bytes protected = msg->protected;
	struct pst_bytes unprotected = msg->unprotected;
	struct pst_cbor_reader r;
	size_t i;

	memset(headers, 0, sizeof(*headers));
	*sig = (struct pst_bytes){ NULL, 0 };
	if (msg->kind != PST_TAG_SIGN) {
		if (index > 0)
			return false;
		*sig = msg->signature;
		return pst_cose_headers_read(protected, unprotected, headers) ==
		    PST_OK;
	}
	if (index >= msg->signatures.count)
		return false;
	/* Read as pst_cose_parse did: skipping a signature as one item would
	 * count its nesting from further out, and refuse what was accepted. */
	pst_cbor_reader_init(&r, msg->signatures.items);
	for (i = 0; i <= index; i++)
		signature(&r, &protected, &unprotected, sig);
	return pst_cbor_ok(&r) &&
	    pst_cose_headers_read(protected, unprotected, headers) == PST_OK;
}
