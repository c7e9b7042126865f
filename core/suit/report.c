/*
 * SUIT_Report, both directions (draft-ietf-suit-report).
 */
#include <postern/suit_report.h>

#include "suit_internal.h"

/* Labels of the report and of the maps in it. */
enum {
	REPORT_NONCE = 2,
	REPORT_RECORDS = 3,
	REPORT_RESULT = 4,
	RESULT_CODE = 5,
	RESULT_RECORD = 6,
	RESULT_REASON = 7,
	REPORT_CAPABILITIES = 8,
	REPORT_REFERENCE = 99
};

/* Parameters in one record; all registries together have 20 odd. Labels past
 * 63 are compared with each other, so the bound is one on time as well. */
#define PROPERTIES_MAX 64
#define NONCE_MAX 512 /* a TEEP challenge is the longest there is */

enum pst_suit_reason
pst_suit_reason_of(enum pst_err err)
{
	switch (err) {
	case PST_OK:
		return PST_SUIT_REASON_OK;
	case PST_ERR_SUIT_STRUCTURE:
	case PST_ERR_SUIT_VERSION:
		return PST_SUIT_REASON_CBOR_PARSE;
	case PST_ERR_COSE_STRUCTURE:
	case PST_ERR_COSE_CRIT:
		return PST_SUIT_REASON_COSE_UNSUPPORTED;
	case PST_ERR_COSE_ALG:
		return PST_SUIT_REASON_ALG_UNSUPPORTED;
	case PST_ERR_COSE_KEY:
	case PST_ERR_COSE_SIGNATURE:
	case PST_ERR_COSE_KEY_FORMAT:
	case PST_ERR_COSE_CERT:
	case PST_ERR_COSE_CERT_EXPIRED:
	case PST_ERR_SUIT_UNSIGNED:
	case PST_ERR_SUIT_DIGEST:
		return PST_SUIT_REASON_UNAUTHORISED;
	case PST_ERR_UNSUPPORTED:
	case PST_ERR_SUIT_COMMAND:
		return PST_SUIT_REASON_COMMAND_UNSUPPORTED;
	case PST_ERR_SUIT_COMPONENT:
		return PST_SUIT_REASON_COMPONENT_UNSUPPORTED;
	case PST_ERR_SUIT_UNAUTHORISED:
		return PST_SUIT_REASON_COMPONENT_UNAUTHORISED;
	case PST_ERR_SUIT_PARAMETER:
		return PST_SUIT_REASON_PARAMETER_UNSUPPORTED;
	case PST_ERR_SUIT_SEVERED:
		return PST_SUIT_REASON_SEVERING_UNSUPPORTED;
	case PST_ERR_SUIT_CONDITION:
		return PST_SUIT_REASON_CONDITION_FAILED;
	default:
		return err >= PST_ERR_CBOR_END && err <= PST_ERR_CBOR_ORDER
		    ? PST_SUIT_REASON_CBOR_PARSE
		    : PST_SUIT_REASON_OPERATION_FAILED;
	}
}

void
pst_suit_report_init(struct pst_suit_report *r, uint8_t *buf, size_t cap)
{
	memset(r, 0, sizeof(*r));
	pst_cbor_writer_init(&r->records, buf, cap);
	/* With no buffer a writer only counts; here it means no records. */
	if (buf == NULL)
		r->records.err = PST_ERR_SPACE;
}

void
pst_suit_report_keep(struct pst_suit_report *r, size_t mark)
{
	if (r->records.err == PST_OK) {
		r->count++;
		return;
	}
	r->dropped++;
	r->records.len = mark;
	if (r->records.buf != NULL)
		r->records.err = PST_OK;
}

void
pst_suit_report_add(struct pst_suit_report *r, struct pst_bytes item)
{
	size_t mark = r->records.len;

	pst_cbor_put_raw(&r->records, item);
	pst_suit_report_keep(r, mark);
}

void
pst_suit_record_put(struct pst_cbor_writer *w,
    const struct pst_suit_record *record, size_t properties)
{
	size_t i;

	pst_cbor_put_array(w, 5);
	pst_cbor_put_array(w, record->walk_len);
	for (i = 0; i < record->walk_len; i++)
		pst_cbor_put_uint(w, record->walk[i]);
	pst_cbor_put_int(w, record->section);
	pst_cbor_put_uint(w, record->offset);
	pst_cbor_put_uint(w, record->component);
	pst_cbor_put_map(w, properties);
}

static void
put_result(struct pst_cbor_writer *w, const struct pst_suit_report *r)
{
	pst_cbor_put_uint(w, REPORT_RESULT);
	if (r->err == PST_OK) {
		pst_cbor_put_bool(w, true);
		return;
	}
	pst_cbor_put_map(w, 3);
	pst_cbor_put_uint(w, RESULT_CODE);
	pst_cbor_put_int(w, (int64_t)r->err);
	pst_cbor_put_uint(w, RESULT_RECORD);
	pst_suit_record_put(w, &r->record, 0);
	pst_cbor_put_uint(w, RESULT_REASON);
	pst_cbor_put_uint(w, (uint64_t)r->reason);
}

/* What goes into a report: of the records and capabilities, what fits. */
struct content {
	const struct pst_suit_report *r;
	struct pst_list records;
	const struct pst_suit_capabilities *capabilities; /* or NULL */
	struct pst_bytes uri, nonce;
	const struct pst_suit_digest *manifest;
};

static void
put_report(struct pst_cbor_writer *w, const struct content *c)
{
	size_t n = 3;

	n += c->nonce.len > 0;
	n += c->capabilities != NULL;
	pst_cbor_put_map(w, n);
	if (c->nonce.len > 0) {
		pst_cbor_put_uint(w, REPORT_NONCE);
		pst_cbor_put_bstr(w, c->nonce);
	}
	pst_cbor_put_uint(w, REPORT_RECORDS);
	pst_cbor_put_array(w, c->records.count);
	pst_cbor_put_raw(w, c->records.items);
	put_result(w, c->r);
	if (c->capabilities != NULL) {
		pst_cbor_put_uint(w, REPORT_CAPABILITIES);
		pst_suit_capabilities_put(w, c->capabilities);
	}
	pst_cbor_put_uint(w, REPORT_REFERENCE);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_tstr(w, c->uri);
	pst_suit_digest_put(w, c->manifest);
}

static size_t
length(const struct content *c)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_count(&w);
	put_report(&w, c);
	return w.len;
}

/* As many of the records, from the first on, as fit into room bytes. */
static struct pst_list
records_within(const struct pst_suit_report *r, size_t room)
{
	struct pst_list all = { pst_cbor_written(&r->records), r->count };
	struct pst_list kept = { all.items, 0 };
	struct pst_bytes item;

	if (all.items.len <= room)
		return all;
	kept.items.len = 0;
	while (
	    pst_list_next(&all, &item) && item.len <= room - kept.items.len) {
		kept.items.len += item.len;
		kept.count++;
	}
	return kept;
}

enum pst_err
pst_suit_report_encode(struct pst_cbor_writer *w,
    const struct pst_suit_report *r, struct pst_bytes reference_uri,
    const struct pst_suit_digest *manifest, struct pst_bytes nonce)
{
	/* The array's head grows with its count. */
	const size_t head = 8;
	struct content c = { r, records_within(r, SIZE_MAX), r->capabilities,
		reference_uri, nonce, manifest };
	size_t fixed, room = w->cap - w->len;

	if (w->buf == NULL || w->err != PST_OK) {
		put_report(w, &c);
		return w->err;
	}
	if (length(&c) > room)
		c.capabilities = NULL;
	if (length(&c) > room) {
		c.records.count = c.records.items.len = 0;
		fixed = length(&c) + head;
		c.records = records_within(r, room < fixed ? 0 : room - fixed);
	}
	put_report(w, &c);
	return w->err;
}

/* --- reading ------------------------------------------------------------ */

/* SUIT_Record; what it measured is checked for shape and passed over. */
static struct pst_suit_record
record_read(struct pst_cbor_reader *r)
{
	struct pst_suit_record out = { 0 };
	struct pst_cbor_seen seen;
	size_t i, n = pst_cbor_array(r, 5, 16);
	size_t extensions = n > 5 ? n - 5 : 0;

	n = pst_cbor_array(r, 0, PST_SUIT_WALK_MAX);
	out.walk_len = (uint8_t)n;
	for (i = 0; i < n; i++)
		out.walk[i] = (uint16_t)pst_cbor_uint(r, UINT16_MAX);
	out.section = (int32_t)pst_cbor_int(r, INT32_MIN, INT32_MAX);
	out.offset = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
	out.component = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
	n = pst_cbor_map(r, PROPERTIES_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(r)) {
		(void)pst_cbor_key(r, &seen);
		pst_cbor_skip(r);
	}
	while (extensions-- > 0)
		pst_cbor_skip(r);
	return out;
}

/* system-property-claims: {0: component, + parameters}. */
static void
claims_read(struct pst_cbor_reader *r)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PROPERTIES_MAX, &seen);
	bool named = false;

	if (n < 2)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_key(r, &seen);
		struct pst_bytes item = pst_cbor_item(r);

		if (!pst_cbor_ok(r) || label != 0)
			continue;
		named = true;
		if (!pst_component_id_valid(item))
			pst_cbor_fail(r, PST_ERR_SUIT_COMPONENT);
	}
	if (pst_cbor_ok(r) && !named)
		pst_cbor_fail(r, PST_ERR_SUIT_STRUCTURE);
}

static void
records_read(struct pst_cbor_reader *r, struct pst_list *out)
{
	size_t i, n = pst_cbor_array(r, 0, SIZE_MAX);
	size_t start = r->at;

	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		if (pst_cbor_peek(r) == PST_CBOR_MAP)
			claims_read(r);
		else
			(void)record_read(r);
	}
	out->items.ptr = r->in.ptr + start;
	out->items.len = r->at - start;
	out->count = n;
}

/* true, or why not. */
static void
result_read(struct pst_cbor_reader *r, struct pst_suit_report_view *out)
{
	const uint64_t all =
	    1u << RESULT_CODE | 1u << RESULT_RECORD | 1u << RESULT_REASON;
	struct pst_cbor_seen seen;
	size_t n;

	if (pst_cbor_peek(r) != PST_CBOR_MAP) {
		out->success = pst_cbor_bool(r);
		if (pst_cbor_ok(r) && !out->success)
			pst_cbor_fail(r, PST_ERR_SUIT_STRUCTURE);
		return;
	}
	n = pst_cbor_map(r, 8, &seen);
	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case RESULT_CODE:
			out->code = pst_cbor_int(r, INT64_MIN, INT64_MAX);
			break;
		case RESULT_RECORD:
			out->record = record_read(r);
			break;
		case RESULT_REASON:
			out->reason =
			    (enum pst_suit_reason)pst_cbor_uint(r, INT32_MAX);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
	if (pst_cbor_ok(r) && (seen.small & all) != all)
		pst_cbor_fail(r, PST_ERR_SUIT_STRUCTURE);
}

static void
reference_read(struct pst_cbor_reader *r, struct pst_suit_report_view *out)
{
	(void)pst_cbor_array(r, 2, 2);
	out->uri = pst_cbor_tstr(r, 0, PST_SUIT_URI_MAX);
	out->manifest = pst_suit_digest_read(r);
}

static void
report_member(
    struct pst_cbor_reader *r, int64_t label, struct pst_suit_report_view *out)
{
	switch (label) {
	case REPORT_NONCE:
		out->nonce = pst_cbor_bstr(r, 0, NONCE_MAX);
		break;
	case REPORT_RECORDS:
		records_read(r, &out->records);
		break;
	case REPORT_RESULT:
		result_read(r, out);
		break;
	case REPORT_CAPABILITIES:
		if (pst_cbor_peek(r) != PST_CBOR_MAP)
			pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
		out->capability_report = pst_cbor_item(r);
		break;
	case REPORT_REFERENCE:
		reference_read(r, out);
		break;
	default:
		/* An extension says something more, never something else. */
		pst_cbor_skip(r);
	}
}

enum pst_err
pst_suit_report_decode(
    const struct pst_verified *in, struct pst_suit_report_view *out, size_t *at)
{
	const uint64_t required = 1u << REPORT_RECORDS | 1u << REPORT_RESULT;
	struct pst_suit_report_view view;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err;
	size_t n;

	memset(&view, 0, sizeof(view));
	pst_cbor_reader_init(&r, in->payload);
	n = pst_cbor_map(&r, 32, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		int64_t label = pst_cbor_key(&r, &seen);

		if (pst_cbor_ok(&r))
			report_member(&r, label, &view);
	}
	/* suit-reference is there when its digest is. */
	if (pst_cbor_ok(&r) &&
	    ((seen.small & required) != required || view.manifest.alg == 0))
		pst_cbor_fail(&r, PST_ERR_SUIT_STRUCTURE);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	if (err == PST_OK)
		*out = view;
	return err;
}
