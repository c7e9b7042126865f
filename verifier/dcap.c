/*
 * Intel SGX and TDX quotes of the DCAP kind (Intel, "SGX ECDSA QuoteLib
 * Reference", "TDX DCAP Quoting Library"), versions 3, 4 and 5.
 *
 * Four signatures lead from the report to Intel: the attestation key signs
 * header and report; the quoting enclave's report holds the digest of that
 * key; the platform's PCK signs this report; PCK's certificate hangs under
 * Intel's root. What the platform's firmware is worth is in dcap_tcb.c.
 */
#include "dcap.h"

#include <string.h>

#include "policy.h"

#define HEADER_LEN 48
#define SGX_LEN 384
#define TD10_LEN 584
#define TD15_LEN 648
#define KEY_LEN 64
#define SIGNATURE_LEN 64

enum { TEE_SGX = 0, TEE_TDX = 0x81 };
enum { CERT_PEM_CHAIN = 5, CERT_QE_REPORT = 6 };

static const uint8_t intel_qe[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c,
	0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

/* A quote taken apart; all view it. */
struct quote {
	bool tdx;
	bool td15;
	struct pst_bytes body;
	struct pst_bytes covered; /* by the attestation key */
	struct pst_bytes signature, key;
	struct pst_bytes qe, qe_signature, authentication;
	struct pst_bytes chain; /* PEM */
};

/* A cursor that stops at the end and stays there. */
struct cursor {
	struct pst_bytes in;
	size_t at;
	bool failed;
};

static struct pst_bytes
take(struct cursor *c, uint64_t len)
{
	struct pst_bytes out = { NULL, 0 };

	if (c->failed || len > c->in.len - c->at) {
		c->failed = true;
		return out;
	}
	out.ptr = c->in.ptr + c->at;
	out.len = (size_t)len;
	c->at += (size_t)len;
	return out;
}

static uint64_t
number(struct cursor *c, size_t len)
{
	struct pst_bytes b = take(c, len);

	return c->failed ? 0 : pst_le(b.ptr, len);
}

/* --- reading ---------------------------------------------------------------
 */

static void
read_body(struct cursor *c, uint64_t version, uint64_t tee, struct quote *q)
{
	uint64_t type, size;

	if (version < 5) {
		q->tdx = tee == TEE_TDX;
		q->body = take(c, q->tdx ? TD10_LEN : SGX_LEN);
		return;
	}
	type = number(c, 2);
	size = number(c, 4);
	q->tdx = type != 1;
	q->td15 = type == 3;
	if (type < 1 || type > 3 ||
	    size !=
		(type == 1	    ? SGX_LEN
			: type == 2 ? TD10_LEN
				    : TD15_LEN))
		c->failed = true;
	q->body = take(c, size);
}

/* Report, signature, data and chain of the quoting enclave. */
static void
read_qe(struct cursor *c, struct quote *q)
{
	q->qe = take(c, SGX_LEN);
	q->qe_signature = take(c, SIGNATURE_LEN);
	q->authentication = take(c, number(c, 2));
	if (number(c, 2) != CERT_PEM_CHAIN)
		c->failed = true;
	q->chain = take(c, number(c, 4));
}

static enum pst_err
read_quote(struct pst_bytes in, struct quote *q)
{
	struct cursor c = { in, 0, false };
	struct cursor sig, nested;
	uint64_t version, key_type, tee;
	struct pst_bytes vendor;

	memset(q, 0, sizeof(*q));
	version = number(&c, 2);
	key_type = number(&c, 2);
	tee = number(&c, 4);
	(void)take(&c, 4);
	vendor = take(&c, sizeof(intel_qe));
	(void)take(&c, 20);
	if (c.failed || version < 3 || version > 5 || key_type != 2 ||
	    (tee != TEE_SGX && (tee != TEE_TDX || version == 3)) ||
	    memcmp(vendor.ptr, intel_qe, sizeof(intel_qe)) != 0)
		return PST_ERR_EAT_CLAIM;
	read_body(&c, version, tee, q);
	if (c.failed || (version == 5 && q->tdx != (tee == TEE_TDX)))
		return PST_ERR_EAT_CLAIM;
	q->covered = (struct pst_bytes){ in.ptr, c.at };
	/* Bytes behind the signature data are the transport's. */
	sig = (struct cursor){ take(&c, number(&c, 4)), 0, false };
	q->signature = take(&sig, SIGNATURE_LEN);
	q->key = take(&sig, KEY_LEN);
	if (version > 3) {
		if (number(&sig, 2) != CERT_QE_REPORT)
			return PST_ERR_EAT_CLAIM;
		nested =
		    (struct cursor){ take(&sig, number(&sig, 4)), 0, false };
		read_qe(&nested, q);
		sig.failed = sig.failed || nested.failed;
	} else {
		read_qe(&sig, q);
	}
	return c.failed || sig.failed ? PST_ERR_EAT_CLAIM : PST_OK;
}

/* --- the chain of signatures ---------------------------------------------- */

static enum pst_err
check_quote(const struct pst_verifier *v, const struct quote *q)
{
	struct pst_pubkey key = {
		.kty = PST_KTY_EC2, .crv = PST_CRV_P256, .coord_len = 32
	};

	memcpy(key.x, q->key.ptr, 32);
	memcpy(key.y, q->key.ptr + 32, 32);
	return v->crypto->verify(
	    v->crypto->ctx, &key, PST_ALG_ES256, &q->covered, 1, q->signature);
}

/* report_data of the quoting enclave: SHA-256(key, authentication), zeros. */
static enum pst_err
check_key(const struct pst_verifier *v, const struct quote *q)
{
	const struct pst_bytes parts[2] = { q->key, q->authentication };
	uint8_t want[PST_DIGEST_MAX] = { 0 };
	struct pst_bytes all = { want, 64 };
	size_t len = 0;
	enum pst_err err;

	err = v->crypto->digest(
	    v->crypto->ctx, PST_ALG_SHA256, parts, 2, want, &len);
	memset(want + 32, 0, 32);
	if (err == PST_OK &&
	    !pst_equal(all, (struct pst_bytes){ q->qe.ptr + 320, 64 }))
		err = PST_ERR_EAT_BINDING;
	return err;
}

static enum pst_err
check_qe(X509 *pck, const struct quote *q)
{
	const uint8_t *s = q->qe_signature.ptr;
	uint8_t der[160];

	return pst_signature_check(X509_get0_pubkey(pck), "SHA256", 0, &q->qe,
	    1, (struct pst_bytes){ der, pst_ecdsa_der(s, s + 32, 32, der) });
}

/* --- what the PCK certificate says -----------------------------------------
 */

/* One element of DER off the front of in. */
static bool
element(struct pst_bytes *in, uint8_t *tag, struct pst_bytes *content)
{
	size_t len, head = 2, i;

	if (in->len < 2)
		return false;
	*tag = in->ptr[0];
	len = in->ptr[1];
	if (len >= 0x80) {
		size_t n = len & 0x7f;

		if (n == 0 || n > 2 || in->len < 2 + n)
			return false;
		for (len = 0, i = 0; i < n; i++)
			len = len << 8 | in->ptr[2 + i];
		head += n;
	}
	if (len > in->len - head)
		return false;
	*content = (struct pst_bytes){ in->ptr + head, len };
	in->ptr += head + len;
	in->len -= head + len;
	return true;
}

/* SEQUENCE {OBJECT IDENTIFIER, value}: the last arcs under `under`. */
static bool
pair(struct pst_bytes *in, struct pst_bytes under, struct pst_bytes *arcs,
    uint8_t *tag, struct pst_bytes *value)
{
	struct pst_bytes both, oid;
	uint8_t t;

	if (!element(in, &t, &both) || t != 0x30 || !element(&both, &t, &oid) ||
	    t != 0x06 || !element(&both, tag, value) || both.len != 0)
		return false;
	if (oid.len <= under.len || memcmp(oid.ptr, under.ptr, under.len) != 0)
		return false;
	arcs->ptr = oid.ptr + under.len;
	arcs->len = oid.len - under.len;
	return true;
}

/* 1.2.840.113741.1.13.1 */
static const uint8_t sgx_arcs[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01,
	0x0d, 0x01 };

static bool
small(struct pst_bytes integer, uint64_t max, uint64_t *out)
{
	if (integer.len == 0 || integer.len > 3 || integer.ptr[0] >= 0x80)
		return false;
	*out = pst_be(integer.ptr, integer.len);
	return *out <= max;
}

/* .2: sixteen components and PCESVN; .2.18 is the same once more. */
static bool
read_tcb(struct pst_bytes in, struct pst_dcap_platform *p)
{
	uint8_t under[sizeof(sgx_arcs) + 1], tag;
	struct pst_bytes arcs, value;
	uint32_t seen = 0;
	uint64_t n;

	memcpy(under, sgx_arcs, sizeof(sgx_arcs));
	under[sizeof(sgx_arcs)] = 2;
	while (in.len > 0) {
		if (!pair(&in, (struct pst_bytes){ under, sizeof(under) },
			&arcs, &tag, &value) ||
		    arcs.len != 1 || arcs.ptr[0] == 0 || arcs.ptr[0] > 18 ||
		    seen >> arcs.ptr[0] & 1)
			return false;
		seen |= 1u << arcs.ptr[0];
		if (arcs.ptr[0] == 18)
			continue;
		if (tag != 0x02 ||
		    !small(value, arcs.ptr[0] == 17 ? 0xffff : 0xff, &n))
			return false;
		if (arcs.ptr[0] == 17)
			p->pce_svn = (uint16_t)n;
		else
			p->component[arcs.ptr[0] - 1] = (uint8_t)n;
	}
	return (seen & 0x3fffe) == 0x3fffe;
}

static enum pst_err
read_pck(X509 *pck, struct pst_dcap_platform *p)
{
	const struct pst_bytes under = { sgx_arcs, sizeof(sgx_arcs) };
	struct pst_bytes in, all, arcs, value;
	bool tcb = false;
	uint8_t tag;

	if (!pst_cert_extension(pck, "1.2.840.113741.1.13.1", &in) ||
	    !element(&in, &tag, &all) || tag != 0x30 || in.len != 0)
		return PST_ERR_COSE_CERT;
	while (all.len > 0) {
		if (!pair(&all, under, &arcs, &tag, &value))
			return PST_ERR_COSE_CERT;
		if (arcs.len == 1 && arcs.ptr[0] == 1 && tag == 0x04)
			p->ppid = value;
		else if (arcs.len == 1 && arcs.ptr[0] == 2 && tag == 0x30)
			tcb = read_tcb(value, p);
		else if (arcs.len == 1 && arcs.ptr[0] == 3 && tag == 0x04)
			p->pce_id = value;
		else if (arcs.len == 1 && arcs.ptr[0] == 4 && tag == 0x04)
			p->fmspc = value;
	}
	return tcb && p->ppid.len == 16 && p->pce_id.len == 2 &&
		p->fmspc.len == 6
	    ? PST_OK
	    : PST_ERR_COSE_CERT;
}

/* --- claims -----------------------------------------------------------------
 */

static struct pst_bytes
field(const struct quote *q, size_t at, size_t len)
{
	return (struct pst_bytes){ q->body.ptr + at, len };
}

static void
put_sgx(const struct quote *q, struct pst_appraisal *out)
{
	pst_claim_bytes(out, "cpu-svn", field(q, 0, 16));
	pst_claim_uint(out, "misc-select", pst_le(q->body.ptr + 16, 4));
	pst_claim_bytes(out, "attributes", field(q, 48, 16));
	pst_claim_bytes(out, "mrenclave", field(q, 64, 32));
	pst_claim_bytes(out, "mrsigner", field(q, 128, 32));
	pst_claim_uint(out, "isv-prod-id", pst_le(q->body.ptr + 256, 2));
	pst_claim_uint(out, "isv-svn", pst_le(q->body.ptr + 258, 2));
	out->debug = (q->body.ptr[48] & 2) != 0;
}

static void
put_tdx(const struct quote *q, struct pst_appraisal *out)
{
	pst_claim_bytes(out, "tee-tcb-svn", field(q, 0, 16));
	pst_claim_bytes(out, "mrseam", field(q, 16, 48));
	pst_claim_bytes(out, "mrsignerseam", field(q, 64, 48));
	pst_claim_bytes(out, "seam-attributes", field(q, 112, 8));
	pst_claim_bytes(out, "td-attributes", field(q, 120, 8));
	pst_claim_bytes(out, "xfam", field(q, 128, 8));
	pst_claim_bytes(out, "mrtd", field(q, 136, 48));
	pst_claim_bytes(out, "mrconfigid", field(q, 184, 48));
	pst_claim_bytes(out, "mrowner", field(q, 232, 48));
	pst_claim_bytes(out, "mrownerconfig", field(q, 280, 48));
	pst_claim_bytes(out, "rtmr0", field(q, 328, 48));
	pst_claim_bytes(out, "rtmr1", field(q, 376, 48));
	pst_claim_bytes(out, "rtmr2", field(q, 424, 48));
	pst_claim_bytes(out, "rtmr3", field(q, 472, 48));
	if (q->td15) {
		pst_claim_bytes(out, "tee-tcb-svn2", field(q, 584, 16));
		pst_claim_bytes(out, "mrservicetd", field(q, 600, 48));
	}
	/* Bits 0 to 7 are the group of those that leave a TD without trust:
	 * DEBUG, and profiling. */
	out->debug = q->body.ptr[120] != 0;
}

static void
open_chain(const struct pst_verifier *v, const struct quote *q,
    STACK_OF(X509) * certs, uint64_t now_s, struct pst_appraisal *out)
{
	struct pst_dcap_platform p = { .tdx = q->tdx, .qe = q->qe };
	X509 *pck = sk_X509_value(certs, 0);
	const char *why = NULL;
	enum pst_err err;

	err = pst_cert_path(v->endorsements, pck, certs, now_s, &why);
	pst_appraisal_note(out, "certificate", err, why);
	pst_appraisal_note(out, "signature", check_quote(v, q), "quote");
	pst_appraisal_note(
	    out, "signature", check_qe(pck, q), "the quoting enclave's report");
	pst_appraisal_note(out, "quoting-key", check_key(v, q), NULL);
	pst_claim_uint(out, "revocation-checked",
	    v->endorsements != NULL && pst_cert_has_crl(v->endorsements, pck));
	if (q->tdx) {
		p.tee_tcb_svn = field(q, 0, 16);
		p.mr_seam_signer = field(q, 64, 48);
		p.seam_attributes = field(q, 112, 8);
	}
	err = read_pck(pck, &p);
	pst_appraisal_note(out, "platform", err, NULL);
	if (err == PST_OK) {
		pst_claim_bytes(out, "fmspc", pst_appraisal_keep(out, p.fmspc));
		out->identity = pst_appraisal_keep(out, p.ppid);
		pst_dcap_collateral(v, &p, now_s, out);
	}
}

static void
open_quote(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct quote q;
	enum pst_err err = read_quote(in->payload, &q);

	/* A C library's chain ends with a zero. */
	while (err == PST_OK && q.chain.len > 0 &&
	    q.chain.ptr[q.chain.len - 1] == 0)
		q.chain.len--;
	if (err == PST_OK)
		err = certs != NULL ? pst_certs_push(certs, q.chain)
				    : PST_ERR_CRYPTO;
	if (err == PST_OK &&
	    (sk_X509_num(certs) < 1 || sk_X509_num(certs) > PST_CERTS_MAX))
		err = PST_ERR_EAT_CLAIM;
	pst_appraisal_note(out, "format", err, NULL);
	if (err == PST_OK) {
		open_chain(v, &q, certs, now_s, out);
		if (q.tdx)
			put_tdx(&q, out);
		else
			put_sgx(&q, out);
		pst_native_user_data(
		    v, in, field(&q, q.tdx ? 520 : 320, 64), out);
	}
	sk_X509_pop_free(certs, X509_free);
}

static const char *const formats[] = { "application/vnd.postern.dcap-quote",
	NULL };

const struct pst_technology pst_technology_dcap = { "dcap", formats, false,
	open_quote, pst_native_judge, NULL };
