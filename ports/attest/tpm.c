/*
 * Quotes of a TPM 2.0 through tpm2-tss's ESYS (TCG, TPM 2.0 Library, Part 3).
 *
 * extraData holds at most a digest on many TPMs, so it is SHA-256 of challenge
 * and thumbprint, and the challenge goes into the container. The quote is of
 * PCRs that may change between quoting and reading them; then both are done
 * again.
 */
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "internal.h"

#define PCRS 24
#define TRIES 4
#define LOG_MAX 262144

struct pst_attest_tpm {
	const struct pst_crypto *crypto;
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR key;
	struct pst_pubkey pub;
	uint32_t pcrs;
	const char *log;
};

/* One quote with what is beside it. */
struct quoted {
	TPM2B_ATTEST *attest;
	uint8_t signature[256];
	size_t signature_len;
	uint32_t known;
	uint8_t value[PCRS][32];
};

static const TPM2B_PUBLIC template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM |
		    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
		    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
		    TPMA_OBJECT_SIGN_ENCRYPT,
		.parameters.eccDetail = {
			.symmetric.algorithm = TPM2_ALG_NULL,
			.scheme = { .scheme = TPM2_ALG_ECDSA,
			    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

static bool
coordinate(const TPM2B_ECC_PARAMETER *p, uint8_t out[PST_COORD_MAX])
{
	if (p->size > 32)
		return false;
	memset(out, 0, 32);
	memcpy(out + 32 - p->size, p->buffer, p->size);
	return true;
}

static enum pst_err
make_key(struct pst_attest_tpm *t, const char **why)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPM2B_DATA outside = { 0 };
	const TPML_PCR_SELECTION creation = { 0 };
	TPM2B_PUBLIC *pub = NULL;
	const TPMS_ECC_POINT *point;
	TSS2_RC rc;
	bool good;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template,
	    &outside, &creation, &t->key, &pub, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		*why = "the TPM does not make the attestation key";
		return PST_ERR_UNSUPPORTED;
	}
	point = &pub->publicArea.unique.ecc;
	t->pub.kty = PST_KTY_EC2;
	t->pub.crv = PST_CRV_P256;
	t->pub.coord_len = 32;
	good =
	    coordinate(&point->x, t->pub.x) && coordinate(&point->y, t->pub.y);
	Esys_Free(pub);
	*why = good ? NULL : "the TPM's key is not on P-256";
	return good ? PST_OK : PST_ERR_UNSUPPORTED;
}

enum pst_err
pst_attest_tpm_open(const struct pst_crypto *crypto, const char *tcti,
    uint32_t pcrs, const char *log, struct pst_attest_tpm **out,
    const char **why)
{
	struct pst_attest_tpm *t = calloc(1, sizeof(*t));
	enum pst_err err = PST_ERR_IO;

	*out = NULL;
	*why = "out of memory";
	if (t == NULL)
		return PST_ERR_LIMIT;
	t->crypto = crypto;
	t->pcrs = pcrs & ((1u << PCRS) - 1);
	t->log = log;
	t->key = ESYS_TR_NONE;
	*why = "the TPM cannot be reached";
	if (Tss2_TctiLdr_Initialize(tcti, &t->tcti) == TSS2_RC_SUCCESS &&
	    Esys_Initialize(&t->esys, t->tcti, NULL) == TSS2_RC_SUCCESS)
		err = make_key(t, why);
	if (err != PST_OK)
		pst_attest_tpm_close(&t);
	*out = t;
	return err;
}

void
pst_attest_tpm_close(struct pst_attest_tpm **ref)
{
	struct pst_attest_tpm *t = *ref;

	*ref = NULL;
	if (t == NULL)
		return;
	if (t->esys != NULL && t->key != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, t->key);
	if (t->esys != NULL)
		Esys_Finalize(&t->esys);
	if (t->tcti != NULL)
		Tss2_TctiLdr_Finalize(&t->tcti);
	free(t);
}

const struct pst_pubkey *
pst_attest_tpm_key(const struct pst_attest_tpm *t)
{
	return &t->pub;
}

static TPML_PCR_SELECTION
selection(uint32_t pcrs)
{
	TPML_PCR_SELECTION s = { .count = 1 };

	s.pcrSelections[0].hash = TPM2_ALG_SHA256;
	s.pcrSelections[0].sizeofSelect = 3;
	s.pcrSelections[0].pcrSelect[0] = (BYTE)pcrs;
	s.pcrSelections[0].pcrSelect[1] = (BYTE)(pcrs >> 8);
	s.pcrSelections[0].pcrSelect[2] = (BYTE)(pcrs >> 16);
	return s;
}

static uint32_t
selected(const TPML_PCR_SELECTION *s)
{
	const BYTE *b = s->pcrSelections[0].pcrSelect;

	return s->count == 1 ? b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16
			     : 0;
}

/* A TPM gives at most eight values at once, and says which. */
static enum pst_err
read_some(struct pst_attest_tpm *t, struct quoted *q)
{
	TPML_PCR_SELECTION want = selection(t->pcrs & ~q->known);
	TPML_PCR_SELECTION *got = NULL;
	TPML_DIGEST *values = NULL;
	uint32_t pcr, bits, n = 0;

	if (Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		&want, NULL, &got, &values) != TSS2_RC_SUCCESS)
		return PST_ERR_IO;
	bits = selected(got);
	for (pcr = 0; pcr < PCRS; pcr++) {
		if ((bits >> pcr & 1) == 0)
			continue;
		if (n == values->count || values->digests[n].size != 32)
			break;
		memcpy(q->value[pcr], values->digests[n++].buffer, 32);
		q->known |= 1u << pcr;
	}
	Esys_Free(got);
	Esys_Free(values);
	return n > 0 ? PST_OK : PST_ERR_UNSUPPORTED;
}

static enum pst_err
quote(struct pst_attest_tpm *t, const uint8_t digest[32], struct quoted *q)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
	TPML_PCR_SELECTION pcrs = selection(t->pcrs);
	TPM2B_DATA extra = { .size = 32 };
	TPMT_SIGNATURE *signature = NULL;
	TSS2_RC rc;

	memcpy(extra.buffer, digest, 32);
	q->signature_len = 0;
	rc = Esys_Quote(t->esys, t->key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &extra, &scheme, &pcrs, &q->attest, &signature);
	if (rc != TSS2_RC_SUCCESS)
		return PST_ERR_IO;
	rc = Tss2_MU_TPMT_SIGNATURE_Marshal(
	    signature, q->signature, sizeof(q->signature), &q->signature_len);
	Esys_Free(signature);
	return rc == TSS2_RC_SUCCESS ? PST_OK : PST_ERR_UNSUPPORTED;
}

/* Are the values those that were quoted? Their digest ends the quote. */
static enum pst_err
compare(struct pst_attest_tpm *t, const struct quoted *q)
{
	struct pst_bytes parts[PCRS];
	uint8_t digest[PST_DIGEST_MAX];
	size_t len, n = 0;
	uint32_t pcr;
	enum pst_err err;

	for (pcr = 0; pcr < PCRS; pcr++)
		if (q->known >> pcr & 1)
			parts[n++] = (struct pst_bytes){ q->value[pcr], 32 };
	err = t->crypto->digest(
	    t->crypto->ctx, PST_ALG_SHA256, parts, n, digest, &len);
	if (err != PST_OK || q->attest->size < 32)
		return PST_ERR_UNSUPPORTED;
	return memcmp(q->attest->attestationData + q->attest->size - 32, digest,
		   32) == 0
	    ? PST_OK
	    : PST_ERR_BUSY;
}

static enum pst_err
attempt(struct pst_attest_tpm *t, const uint8_t digest[32], struct quoted *q)
{
	enum pst_err err = quote(t, digest, q);

	q->known = 0;
	while (err == PST_OK && q->known != t->pcrs)
		err = read_some(t, q);
	return err == PST_OK ? compare(t, q) : err;
}

/* {11: {+ pcr => bstr}}, as verifier/tpm.c reads it. */
static void
put_values(struct pst_cbor_writer *w, const struct quoted *q)
{
	uint32_t pcr;

	pst_cbor_put_map(w, 1);
	pst_cbor_put_uint(w, TPM2_ALG_SHA256);
	pst_cbor_put_map(w, (size_t)__builtin_popcount(q->known));
	for (pcr = 0; pcr < PCRS; pcr++) {
		if ((q->known >> pcr & 1) == 0)
			continue;
		pst_cbor_put_uint(w, pcr);
		pst_cbor_put_bstr(w, (struct pst_bytes){ q->value[pcr], 32 });
	}
}

static enum pst_err
write_out(struct pst_attest_tpm *t, const struct quoted *q,
    struct pst_bytes challenge, const struct pst_attest_request *request,
    uint8_t *log, uint8_t *out, size_t cap, size_t *len,
    struct pst_bytes *format)
{
	const struct pst_bytes no_kid = { NULL, 0 };
	uint8_t values[PCRS * 36 + 16], ak[160];
	struct pst_attest_evidence e = {
		.type = "application/vnd.postern.tpm-quote",
		.challenge = challenge,
		.part_count = 3
	};
	struct pst_cbor_writer w;
	size_t log_len = 0;

	e.quote =
	    (struct pst_bytes){ q->attest->attestationData, q->attest->size };
	e.parts[0] = (struct pst_bytes){ q->signature, q->signature_len };
	pst_cbor_writer_init(&w, values, sizeof(values));
	put_values(&w, q);
	e.parts[1] = pst_cbor_written(&w);
	pst_cbor_writer_init(&w, ak, sizeof(ak));
	pst_cose_key_encode(&w, &t->pub, no_kid);
	e.parts[2] = pst_cbor_written(&w);
	/* A log that cannot be read is not sent; the values count without. */
	if (log != NULL &&
	    pst_attest_read(t->log, log, LOG_MAX, &log_len) == PST_OK)
		e.parts[e.part_count++] = (struct pst_bytes){ log, log_len };
	return pst_attest_write(t->crypto, request, &e, out, cap, len, format);
}

static enum pst_err
evidence(void *ctx, const struct pst_attest_request *request, uint8_t *out,
    size_t cap, size_t *len, struct pst_bytes *format)
{
	struct pst_attest_tpm *t = ctx;
	uint8_t user_data[PST_ATTEST_USER_DATA], digest[PST_DIGEST_MAX];
	struct pst_bytes both = { user_data, sizeof(user_data) };
	struct quoted q = { .attest = NULL };
	uint8_t *log = t->log != NULL ? malloc(LOG_MAX) : NULL;
	int tries = TRIES;
	size_t n;
	enum pst_err err;

	err = pst_attest_user_data(t->crypto, request, user_data);
	if (err == PST_OK)
		err = t->crypto->digest(
		    t->crypto->ctx, PST_ALG_SHA256, &both, 1, digest, &n);
	while (err == PST_OK) {
		Esys_Free(q.attest);
		q.attest = NULL;
		err = attempt(t, digest, &q);
		if (err != PST_ERR_BUSY || --tries == 0)
			break;
		err = PST_OK;
	}
	if (err == PST_OK)
		err = write_out(t, &q, (struct pst_bytes){ user_data, 32 },
		    request, log, out, cap, len, format);
	Esys_Free(q.attest);
	free(log);
	return err;
}

void
pst_attest_tpm_init(struct pst_attester *out, struct pst_attest_tpm *t)
{
	out->ctx = t;
	out->evidence = evidence;
}
