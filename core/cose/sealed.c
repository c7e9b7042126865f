/*
 * COSE_Encrypt0, COSE_Encrypt and COSE_Mac taken apart (RFC 9052, Sections
 * 5.1, 5.2 and 6.1). Shapes and headers are checked here, nothing else.
 */
#include "sealed.h"

#include "../pst_internal.h"

struct recipient {
	struct pst_bytes protected, unprotected, wrapped;
};

/* COSE_recipient = [protected, unprotected, ciphertext, ? recipients] */
static void
recipient(struct pst_cbor_reader *r, struct recipient *out)
{
	size_t start = r->at;

	memset(out, 0, sizeof(*out));
	/* A fourth element would be recipients of this recipient's key. */
	if (pst_cbor_array(r, 3, 4) == 4)
		pst_cbor_fail(r, PST_ERR_UNSUPPORTED);
	out->protected = pst_cose_protected_bucket(r);
	out->unprotected = pst_cose_unprotected_bucket(r);
	pst_cose_check_headers(r, start, out->protected, out->unprotected);
	/* nil where there is nothing to carry is seen in the field */
	if (pst_cbor_peek(r) == PST_CBOR_SIMPLE)
		pst_cbor_null(r);
	else
		out->wrapped = pst_cbor_bstr(r, 0, SIZE_MAX);
}

static struct pst_list
recipients(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	size_t n = pst_cbor_array(r, 1, PST_COSE_RECIPIENTS_MAX);
	size_t start = r->at;
	struct recipient one;
	size_t i;

	for (i = 0; i < n && pst_cbor_ok(r); i++)
		recipient(r, &one);
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

/* The tag, and the elements that belong to it. */
static void
kind(struct pst_cbor_reader *r, struct pst_cose_sealed *out)
{
	static const uint64_t untagged[] = { PST_TAG_ENCRYPT0, PST_TAG_ENCRYPT,
		PST_TAG_MAC };
	size_t n;

	out->tagged = pst_cbor_peek(r) == PST_CBOR_TAG;
	if (out->tagged)
		out->kind = pst_cbor_tag(r);
	n = pst_cbor_array(r, 3, 5);
	if (!pst_cbor_ok(r))
		return;
	if (!out->tagged)
		out->kind = untagged[n - 3];
	if (out->kind != untagged[n - 3])
		pst_cbor_fail(r, PST_ERR_COSE_STRUCTURE);
}

static void
message(struct pst_cbor_reader *r, struct pst_cose_sealed *out)
{
	size_t start = r->at;

	out->protected = pst_cose_protected_bucket(r);
	out->unprotected = pst_cose_unprotected_bucket(r);
	pst_cose_check_headers(r, start, out->protected, out->unprotected);
	if (pst_cbor_peek(r) == PST_CBOR_SIMPLE) {
		pst_cbor_null(r);
		out->detached = true;
	} else {
		out->content = pst_cbor_bstr(r, 0, SIZE_MAX);
	}
	if (out->kind == PST_TAG_MAC)
		out->tag = pst_cbor_bstr(r, 0, SIZE_MAX);
	if (out->kind != PST_TAG_ENCRYPT0)
		out->recipients = recipients(r);
}

enum pst_err
pst_cose_sealed_parse(
    struct pst_bytes msg, struct pst_cose_sealed *out, size_t *at)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, msg);
	kind(&r, out);
	if (pst_cbor_ok(&r))
		message(&r, out);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

bool
pst_cose_recipient(const struct pst_cose_sealed *msg, size_t index,
    struct pst_cose_headers *headers, struct pst_bytes *unprotected,
    struct pst_bytes *wrapped)
{
	struct pst_list list = msg->recipients;
	struct pst_cbor_reader r;
	struct pst_bytes item;
	struct recipient one;
	size_t i;

	for (i = 0; i <= index; i++) {
		if (!pst_list_next(&list, &item))
			return false;
	}
	pst_cbor_reader_init(&r, item);
	recipient(&r, &one);
	*unprotected = one.unprotected;
	*wrapped = one.wrapped;
	return pst_cbor_end(&r) == PST_OK &&
	    pst_cose_headers_read(one.protected, one.unprotected, headers) ==
	    PST_OK;
}
