/*
 * What stands in the lists of a TEEP message. One function reads a kind of
 * item, both when the list is checked and when it is walked through; the two
 * kinds that are maps are written here too.
 */
#include "item.h"

void
pst_teep_item_uint32(struct pst_cbor_reader *r)
{
	(void)pst_cbor_uint(r, UINT32_MAX);
}

void
pst_teep_item_report(struct pst_cbor_reader *r)
{
	(void)pst_cbor_bstr(r, 1, PST_MESSAGE_MAX);
}

/* Tagged or not; what is inside belongs to the SUIT processor, which reports
 * on it. */
void
pst_teep_item_manifest(struct pst_cbor_reader *r)
{
	struct pst_bytes content = pst_cbor_bstr(r, 1, PST_MESSAGE_MAX);
	struct pst_cbor_reader in;

	pst_cbor_reader_init(&in, content);
	(void)pst_cbor_tag_optional(&in, PST_TAG_SUIT_ENVELOPE);
	if (pst_cbor_ok(r) && pst_cbor_peek(&in) != PST_CBOR_MAP)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
}

/* SUIT_Component_Identifier, as a view of its encoding. */
static struct pst_bytes
component_id(struct pst_cbor_reader *r)
{
	struct pst_bytes out = { NULL, 0 };
	size_t start = r->at;
	size_t n = pst_cbor_array(r, 1, PST_SUIT_ID_PARTS_MAX);

	while (n-- > 0)
		(void)pst_cbor_bstr(r, 0, PST_SUIT_ID_MAX);
	if (r->at - start > PST_SUIT_ID_MAX)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	if (!pst_cbor_ok(r))
		return out;
	out.ptr = r->in.ptr + start;
	out.len = r->at - start;
	return out;
}

void
pst_teep_item_component(struct pst_cbor_reader *r)
{
	(void)component_id(r);
}

/* bstr .cbor SUIT_Digest, the value of suit-parameter-image-digest. */
static void
image_digest(struct pst_cbor_reader *r, struct pst_teep_tc *tc)
{
	struct pst_bytes content = pst_cbor_bstr(r, 3, PST_DIGEST_MAX + 8);
	struct pst_cbor_reader in;

	if (!pst_cbor_ok(r))
		return;
	pst_cbor_reader_init(&in, content);
	(void)pst_cbor_array(&in, 2, 2);
	tc->digest_alg = (int32_t)pst_cbor_int(&in, INT32_MIN, INT32_MAX);
	tc->digest = pst_cbor_bstr(&in, 1, PST_DIGEST_MAX);
	if (pst_cbor_end(&in) != PST_OK)
		pst_cbor_fail(r, in.err);
	else if (tc->digest_alg == 0 ||
	    (tc->digest_alg == PST_ALG_SHA256 && tc->digest.len != 32))
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
}

enum { SYSTEM_COMPONENT_ID = 0, CLAIMS_MAX = 32 };

/* system-property-claims (draft-ietf-suit-report): an identifier and at least
 * one SUIT parameter; those that a TAM does not plan with are skipped. */
static void
system_properties(struct pst_cbor_reader *r, struct pst_teep_tc *tc)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, CLAIMS_MAX, &seen);

	if (n < 2)
		pst_cbor_fail(r, PST_ERR_TEEP_FIELD);
	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case SYSTEM_COMPONENT_ID:
			tc->component_id = component_id(r);
			break;
		case PST_SUIT_PARAM_IMAGE_DIGEST:
			image_digest(r, tc);
			break;
		case PST_SUIT_PARAM_IMAGE_SIZE:
			tc->image_size = pst_cbor_uint(r, UINT64_MAX);
			tc->has_image_size = true;
			break;
		default:
			pst_cbor_skip(r);
		}
	}
	if (tc->component_id.len == 0)
		pst_cbor_fail(r, PST_ERR_TEEP_FIELD);
}

void
pst_teep_item_tc(struct pst_cbor_reader *r)
{
	struct pst_teep_tc tc = { 0 };

	system_properties(r, &tc);
}

/* requested-tc-info (Section 4.3). */
static void
requested_info(struct pst_cbor_reader *r, struct pst_teep_requested *q)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, CLAIMS_MAX, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case PST_LABEL_COMPONENT_ID:
			q->component_id = component_id(r);
			break;
		case PST_LABEL_TC_MANIFEST_SEQUENCE_NUMBER:
			q->sequence = pst_cbor_uint(r, UINT64_MAX);
			q->has_sequence = true;
			break;
		case PST_LABEL_HAVE_BINARY:
			q->have_binary = pst_cbor_bool(r);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
	/* "If have-binary is true, the tc-manifest-sequence-number field MUST
	 * be present." */
	if (q->component_id.len == 0 || (q->have_binary && !q->has_sequence))
		pst_cbor_fail(r, PST_ERR_TEEP_FIELD);
}

void
pst_teep_item_requested(struct pst_cbor_reader *r)
{
	struct pst_teep_requested q = { 0 };

	requested_info(r, &q);
}

/* --- walking through a list -------------------------------------------- */

bool
pst_teep_next_item(struct pst_list *list_, struct pst_bytes *item)
{
	return pst_list_next(list_, item);
}

/*
 * Read the first item of a list where it stands, with the function that
 * checked it: skipping it as a whole first would count one level of nesting
 * more than the check did.
 */
static bool
begin(const struct pst_list *l, struct pst_cbor_reader *r)
{
	pst_cbor_reader_init(r, l->items);
	return l->count > 0;
}

static bool
advance(struct pst_list *l, const struct pst_cbor_reader *r)
{
	if (!pst_cbor_ok(r)) {
		l->count = 0;
		return false;
	}
	l->items.ptr += r->at;
	l->items.len -= r->at;
	l->count--;
	return true;
}

bool
pst_teep_next_bstr(struct pst_list *list_, struct pst_bytes *content)
{
	struct pst_cbor_reader r;

	if (!begin(list_, &r))
		return false;
	*content = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return advance(list_, &r);
}

bool
pst_teep_next_uint(struct pst_list *list_, uint32_t *number)
{
	struct pst_cbor_reader r;

	if (!begin(list_, &r))
		return false;
	*number = (uint32_t)pst_cbor_uint(&r, UINT32_MAX);
	return advance(list_, &r);
}

bool
pst_teep_next_tc(struct pst_list *list_, struct pst_teep_tc *tc)
{
	struct pst_cbor_reader r;

	memset(tc, 0, sizeof(*tc));
	if (!begin(list_, &r))
		return false;
	system_properties(&r, tc);
	return advance(list_, &r);
}

bool
pst_teep_next_requested(struct pst_list *list_, struct pst_teep_requested *q)
{
	struct pst_cbor_reader r;

	memset(q, 0, sizeof(*q));
	if (!begin(list_, &r))
		return false;
	requested_info(&r, q);
	return advance(list_, &r);
}

/* --- writing ----------------------------------------------------------- */

void
pst_teep_put_tc(struct pst_cbor_writer *w, const struct pst_teep_tc *tc)
{
	bool digest = tc->digest_alg != 0;
	size_t mark;

	/* system-property-claims has a parameter besides the identifier. */
	if (!digest && !tc->has_image_size && w->err == PST_OK)
		w->err = PST_ERR_TEEP_FIELD;
	pst_cbor_put_map(w, 1 + (size_t)digest + (size_t)tc->has_image_size);
	pst_cbor_put_uint(w, SYSTEM_COMPONENT_ID);
	pst_cbor_put_raw(w, tc->component_id);
	if (digest) {
		pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_DIGEST);
		mark = pst_cbor_wrap_begin(w);
		pst_cbor_put_array(w, 2);
		pst_cbor_put_int(w, tc->digest_alg);
		pst_cbor_put_bstr(w, tc->digest);
		pst_cbor_wrap_bstr(w, mark);
	}
	if (tc->has_image_size) {
		pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_SIZE);
		pst_cbor_put_uint(w, tc->image_size);
	}
}

void
pst_teep_put_requested(
    struct pst_cbor_writer *w, const struct pst_teep_requested *q)
{
	if (q->have_binary && !q->has_sequence && w->err == PST_OK)
		w->err = PST_ERR_TEEP_FIELD;
	pst_cbor_put_map(
	    w, 1 + (size_t)q->has_sequence + (size_t)q->have_binary);
	pst_cbor_put_uint(w, PST_LABEL_COMPONENT_ID);
	pst_cbor_put_raw(w, q->component_id);
	if (q->has_sequence) {
		pst_cbor_put_uint(w, PST_LABEL_TC_MANIFEST_SEQUENCE_NUMBER);
		pst_cbor_put_uint(w, q->sequence);
	}
	if (q->have_binary) {
		pst_cbor_put_uint(w, PST_LABEL_HAVE_BINARY);
		pst_cbor_put_bool(w, true);
	}
}
