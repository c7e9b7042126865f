/*
 * EAT claims, in a COSE message or bare: what decodes encodes to claims that
 * decode to the same. Evidence goes through the verifier as well, which must
 * refuse it: no key is enrolled here.
 */
#include <postern/eat.h>

#include <string.h>

#include "fuzz.h"
#include "verifier/verifier.h"

static void
claims(struct pst_bytes in)
{
	static uint8_t out[1 << 20];
	struct pst_cbor_writer w;
	struct pst_eat e, again;
	struct pst_verified v;
	size_t at;

	v = pst_verified_by_caller(in);
	if (pst_eat_decode(&v, &e, &at) != PST_OK) {
		MUST(at <= in.len);
		MUST(e.ueid.ptr == NULL && !e.has_iat);
		return;
	}
	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_eat_encode(&w, &e);
	MUST(w.err == PST_OK);
	v = pst_verified_by_caller(pst_cbor_written(&w));
	MUST(pst_eat_decode(&v, &again, NULL) == PST_OK);
	MUST(pst_equal(again.ueid, e.ueid));
	MUST(pst_equal(again.nonce, e.nonce));
	MUST(pst_equal(again.cnf_key, e.cnf_key));
	MUST(again.iat == e.iat && again.exp == e.exp);
	MUST(again.manifests.count == e.manifests.count);
}

static void
appraise(struct pst_bytes payload, struct pst_bytes format)
{
	const struct pst_verifier nobody = { .max_age_s = 60 };
	struct pst_appraisal a;

	MUST(pst_verifier_appraise(&nobody, payload, format,
		 PST_BYTES_LIT("12345678"), NULL, 1700000000, &a) != PST_OK);
	MUST(!a.accepted && !a.opened);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_cose_message msg;
	struct pst_bytes none = { NULL, 0 };

	claims(in);
	if (pst_cose_parse(in, PST_TAG_SIGN1, &msg, NULL) == PST_OK)
		claims(msg.payload);
	appraise(in, none);
	appraise(in, PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT));
	appraise(PST_BYTES_LIT("\x80"), in);
	return 0;
}
