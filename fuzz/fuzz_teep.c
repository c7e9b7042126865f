/*
 * A TEEP message: whatever decodes has lists that can be walked to their end,
 * and encodes to something that decodes to the same message. Bytes in a COSE
 * wrapper are unwrapped here by their shape only, to reach the message.
 */
#include <postern/eat.h>
#include <postern/teep.h>

#include "fuzz.h"

static void
walk(struct pst_teep_message m)
{
	struct pst_teep_requested q;
	struct pst_teep_tc tc;
	struct pst_bytes item;
	size_t n;
	uint32_t v;

	for (n = m.tc_list.count; n > 0; n--)
		MUST(pst_teep_next_tc(&m.tc_list, &tc));
	for (n = m.requested_tc_list.count; n > 0; n--)
		MUST(pst_teep_next_requested(&m.requested_tc_list, &q));
	for (n = m.manifest_list.count; n > 0; n--)
		MUST(pst_teep_next_bstr(&m.manifest_list, &item));
	for (n = m.suit_reports.count; n > 0; n--)
		MUST(pst_teep_next_bstr(&m.suit_reports, &item));
	for (n = m.unneeded_manifest_list.count; n > 0; n--)
		MUST(pst_teep_next_item(&m.unneeded_manifest_list, &item));
	for (n = m.versions.count; n > 0; n--)
		MUST(pst_teep_next_uint(&m.versions, &v));
	for (n = m.ext_list.count; n > 0; n--)
		MUST(pst_teep_next_uint(&m.ext_list, &v));
	MUST(!pst_teep_next_item(&m.tc_list, &item));
}

/* Encoded twice over, a message stays the same. */
static void
round_trip(const struct pst_teep_message *m)
{
	static uint8_t first[1 << 20], second[1 << 20];
	struct pst_teep_message again;
	struct pst_cbor_writer w, w2;
	struct pst_verified v;

	pst_cbor_writer_init(&w, first, sizeof(first));
	if (pst_teep_encode(&w, m) != PST_OK)
		return; /* a sender is held to more than a receiver */
	v = pst_verified_by_caller(pst_cbor_written(&w));
	MUST(pst_teep_decode(&v, &again, NULL) == PST_OK);
	MUST(again.present == m->present && again.type == m->type);
	MUST(again.suites == m->suites && again.profiles == m->profiles);
	MUST(again.err_code == m->err_code);
	pst_cbor_writer_init(&w2, second, sizeof(second));
	MUST(pst_teep_encode(&w2, &again) == PST_OK);
	MUST(pst_equal(pst_cbor_written(&w2), v.payload));
}

static void
message(struct pst_bytes in)
{
	struct pst_bytes payload, format;
	struct pst_teep_message m;
	struct pst_verified v;
	size_t at;

	v = pst_verified_by_caller(in);
	if (pst_teep_decode(&v, &m, &at) != PST_OK) {
		MUST(at <= in.len);
		MUST(m.present == 0 && m.token.ptr == NULL);
		MUST(pst_teep_peek_evidence(in, &payload, &format) != PST_OK);
		return;
	}
	walk(m);
	round_trip(&m);
	(void)pst_teep_is_result(&m);
	if (pst_teep_peek_evidence(in, &payload, &format) == PST_OK)
		MUST(m.type == PST_TEEP_QUERY_RESPONSE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_cbor_reader r;
	struct pst_bytes payload;

	message(in);
	pst_cbor_reader_init(&r, in);
	if (pst_cbor_peek(&r) == PST_CBOR_TAG)
		(void)pst_cbor_tag(&r);
	(void)pst_cbor_array(&r, 4, 4);
	(void)pst_cbor_bstr(&r, 0, SIZE_MAX);
	pst_cbor_skip(&r);
	payload = pst_cbor_bstr(&r, 0, SIZE_MAX);
	if (pst_cbor_ok(&r))
		message(payload);
	(void)pst_media_type_same(in, PST_BYTES_LIT(PST_EAT_TEEP_FORMAT));
	return 0;
}
