/*
 * TPM 2.0 quotes (TCG, TPM 2.0 Library, Part 2: TPMS_ATTEST, TPMT_SIGNATURE),
 * numbers in big-endian order. The quote is signed by an attestation key that
 * is enrolled, or whose certificate leads to an anchor.
 *
 * A quote holds only the digest of the PCRs that it selects. Their values come
 * beside it, as does the event log that explains them; what policy looks at is
 * believed only after both were recomputed.
 *
 * The payload is TPMS_ATTEST; its parts are TPMT_SIGNATURE (or a plain DER
 * signature), PCR values, certificates, a log. A log is TCG's crypto agile
 * format (PC Client Platform Firmware Profile, Section 10.2).
 *
 * qualifyingData (extraData) has room for a digest only: 64 bytes are challenge
 * and thumbprint (design.md, section 5); 32 are SHA-256 of these 64, which
 * then stand in the container.
 */
#include <openssl/rsa.h>
#include <string.h>

#include "cert.h"
#include "policy.h"
#include "tpm.h"

/* TPM_GENERATED_VALUE and TPM_ST_ATTEST_QUOTE. */
#define MAGIC 0xff544347u
#define QUOTE 0x8018
/* tcg-kp-AIKCertificate (TCG EK Credential Profile, Appendix A) */
#define OID_AK "2.23.133.8.3"
enum { ALG_RSASSA = 0x14, ALG_RSAPSS = 0x16, ALG_ECDSA = 0x18 };

/* A cursor that stops at the end and stays there. */
struct cursor {
	struct pst_bytes in;
	size_t at;
	bool failed;
};

static struct pst_bytes
take(struct cursor *c, size_t len)
{
	struct pst_bytes out = { NULL, 0 };

	if (c->failed || len > c->in.len - c->at) {
		c->failed = true;
		return out;
	}
	out.ptr = c->in.ptr + c->at;
	out.len = len;
	c->at += len;
	return out;
}

static uint64_t
number(struct cursor *c, size_t len)
{
	struct pst_bytes b = take(c, len);

	return c->failed ? 0 : pst_be(b.ptr, len);
}

static struct pst_bytes
sized(struct cursor *c)
{
	return take(c, (size_t)number(c, 2));
}

/* --- the quote ------------------------------------------------------------ */

static enum pst_err
read_selection(struct cursor *c, struct pst_tpm_quote *q)
{
	uint64_t i, k, banks = number(c, 4);

	if (banks == 0 || banks > PST_TPM_BANKS_MAX)
		return PST_ERR_EAT_CLAIM;
	for (i = 0; i < banks; i++) {
		struct pst_tpm_bank *b = &q->bank[i];
		struct pst_bytes bits;

		b->alg = (uint16_t)number(c, 2);
		bits = take(c, (size_t)number(c, 1));
		if (c->failed || bits.len > 4)
			return PST_ERR_EAT_CLAIM;
		for (k = 0; k < bits.len; k++)
			b->selected |= (uint32_t)bits.ptr[k] << (8 * k);
		if (b->selected >> PST_TPM_PCRS != 0)
			return PST_ERR_EAT_CLAIM;
	}
	q->banks = (size_t)banks;
	return PST_OK;
}

static enum pst_err
read_quote(struct pst_bytes in, struct pst_tpm_quote *q)
{
	struct cursor c = { in, 0, false };
	enum pst_err err;

	memset(q, 0, sizeof(*q));
	if (number(&c, 4) != MAGIC || number(&c, 2) != QUOTE)
		return PST_ERR_EAT_CLAIM;
	q->signer = sized(&c);
	q->extra = sized(&c);
	(void)take(&c, 8); /* clock */
	q->resets = (uint32_t)number(&c, 4);
	q->restarts = (uint32_t)number(&c, 4);
	q->safe = number(&c, 1) != 0;
	q->firmware = number(&c, 8);
	err = read_selection(&c, q);
	q->digest = sized(&c);
	if (err != PST_OK || c.failed || c.at != in.len)
		return PST_ERR_EAT_CLAIM;
	return PST_OK;
}

/* --- the signature -------------------------------------------------------- */

static const char *
hash_name(uint64_t alg)
{
	switch (alg) {
	case PST_TPM_SHA256:
		return "SHA256";
	case PST_TPM_SHA384:
		return "SHA384";
	case PST_TPM_SHA512:
		return "SHA512";
	default:
		/* SHA-1 (0x0004) among them: refused. */
		return NULL;
	}
}

/* r and s as they come, padded to one length. */
static size_t
ecdsa(struct cursor *c, uint8_t der[160])
{
	uint8_t r[66] = { 0 }, s[66] = { 0 };
	struct pst_bytes a = sized(c), b = sized(c);

	if (c->failed || a.len > sizeof(r) || b.len > sizeof(s))
		return 0;
	memcpy(r + sizeof(r) - a.len, a.ptr, a.len);
	memcpy(s + sizeof(s) - b.len, b.ptr, b.len);
	return pst_ecdsa_der(r, s, sizeof(r), der);
}

static enum pst_err
check_tpmt(EVP_PKEY *key, struct pst_bytes quote, struct pst_bytes signature)
{
	struct cursor c = { signature, 0, false };
	uint64_t alg = number(&c, 2);
	const char *hash = hash_name(number(&c, 2));
	struct pst_bytes sig;
	uint8_t der[160];
	int padding = 0;

	if (hash == NULL)
		return PST_ERR_COSE_ALG;
	switch (alg) {
	case ALG_ECDSA:
		sig.ptr = der;
		sig.len = ecdsa(&c, der);
		break;
	case ALG_RSASSA:
	case ALG_RSAPSS:
		padding = alg == ALG_RSASSA ? RSA_PKCS1_PADDING
					    : RSA_PKCS1_PSS_PADDING;
		sig = sized(&c);
		break;
	default:
		return PST_ERR_COSE_ALG;
	}
	if (c.failed || c.at != signature.len)
		return PST_ERR_COSE_STRUCTURE;
	return pst_signature_check(key, hash, padding, &quote, 1, sig);
}

static enum pst_err
check_one(EVP_PKEY *key, struct pst_bytes quote, struct pst_bytes signature)
{
	if (signature.len > 0 && signature.ptr[0] == 0x30)
		return pst_signature_check(
		    key, "SHA256", 0, &quote, 1, signature);
	return check_tpmt(key, quote, signature);
}

int32_t
pst_tpm_hash(uint64_t alg)
{
	switch (alg) {
	case PST_TPM_SHA256:
		return PST_ALG_SHA256;
	case PST_TPM_SHA384:
		return PST_ALG_SHA384;
	case PST_TPM_SHA512:
		return PST_ALG_SHA512;
	default:
		return PST_ALG_NONE;
	}
}

size_t
pst_tpm_hash_len(uint64_t alg)
{
	switch (alg) {
	case PST_TPM_SHA256:
		return 32;
	case PST_TPM_SHA384:
		return 48;
	case PST_TPM_SHA512:
		return 64;
	default:
		return 0;
	}
}

/* An enrolled key is used by the port, whose ECDSA signatures are r || s. */
static enum pst_err
check_enrolled(const struct pst_verifier *v, const struct pst_pubkey *key,
    struct pst_bytes quote, struct pst_bytes signature)
{
	static const int32_t algs[] = { 0, PST_ALG_ES256, PST_ALG_ES384,
		PST_ALG_ES512 };
	uint8_t raw[2 * PST_COORD_MAX] = { 0 };
	struct pst_bytes sig = { raw, 2 * (size_t)key->coord_len };
	struct cursor c = { signature, 0, false };
	struct pst_bytes r, s;

	if (key->kty != PST_KTY_EC2 || key->crv > PST_CRV_P521)
		return PST_ERR_COSE_ALG;
	if (signature.len > 0 && signature.ptr[0] == 0x30) {
		if (!pst_ecdsa_raw(signature, raw, key->coord_len))
			return PST_ERR_COSE_SIGNATURE;
	} else {
		if (number(&c, 2) != ALG_ECDSA ||
		    hash_name(number(&c, 2)) == NULL)
			return PST_ERR_COSE_ALG;
		r = sized(&c);
		s = sized(&c);
		if (c.failed || c.at != signature.len ||
		    r.len > key->coord_len || s.len > key->coord_len)
			return PST_ERR_COSE_SIGNATURE;
		memcpy(raw + key->coord_len - r.len, r.ptr, r.len);
		memcpy(raw + 2 * (size_t)key->coord_len - s.len, s.ptr, s.len);
	}
	return v->crypto->verify(
	    v->crypto->ctx, key, algs[key->crv], &quote, 1, sig);
}

/* --- what comes beside the quote ------------------------------------------ */

struct beside {
	struct pst_bytes signature, key, pcrs, log;
	STACK_OF(X509) * certs;
};

/* tpm2-tools writes its structures as a little-endian machine has them. */
#define TOOL_SELECTION 132
#define TOOL_LIST 532
#define TOOL_DIGEST 66

static bool
is_tool_file(struct pst_bytes b)
{
	return b.len > TOOL_SELECTION + 4 &&
	    (b.len - TOOL_SELECTION - 4) % TOOL_LIST == 0 &&
	    pst_le(b.ptr, 4) > 0 && pst_le(b.ptr, 4) <= PST_TPM_BANKS_MAX;
}

/* A part is known by its first bytes; certificates were tried before. */
static void
sort_part(struct beside *x, struct pst_bytes part)
{
	uint64_t first = part.len >= 2 ? pst_be(part.ptr, 2) : 0;

	if (pst_tpm_log_is(part))
		x->log = part;
	else if (is_tool_file(part))
		x->pcrs = part;
	else if (first == ALG_ECDSA || first == ALG_RSASSA ||
	    first == ALG_RSAPSS || first >> 8 == 0x30)
		x->signature = part;
	else if (first >> 13 == PST_CBOR_MAP && (first & 0xff) == 1)
		x->key = part;
	else if (first >> 13 == PST_CBOR_MAP)
		x->pcrs = part;
}

static void
gather(const struct pst_verifier *v, const struct pst_evidence *in,
    struct beside *x)
{
	const struct pst_endorsements *e = v->endorsements;
	size_t i;

	for (i = 0; e != NULL && i < e->collateral_count; i++)
		sort_part(x, e->collateral[i]);
	for (i = 0; i < in->part_count; i++)
		if (pst_certs_push(x->certs, in->part[i]) != PST_OK)
			sort_part(x, in->part[i]);
}

static void
put_value(
    struct pst_tpm_quote *q, uint64_t alg, uint64_t pcr, struct pst_bytes value)
{
	size_t i;

	for (i = 0; i < q->banks; i++) {
		if (q->bank[i].alg != alg || pcr >= PST_TPM_PCRS)
			continue;
		q->bank[i].known |= 1u << pcr;
		q->bank[i].value[pcr] = value;
	}
}

/* {+ alg => {+ pcr => bstr}} */
static enum pst_err
read_map(struct pst_bytes in, struct pst_tpm_quote *q)
{
	struct pst_cbor_seen banks, pcrs;
	struct pst_cbor_reader r;
	size_t n, k;

	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, PST_TPM_BANKS_MAX, &banks);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		int64_t alg = pst_cbor_key(&r, &banks);

		k = pst_cbor_map(&r, PST_TPM_PCRS, &pcrs);
		while (k-- > 0 && pst_cbor_ok(&r)) {
			int64_t pcr = pst_cbor_key(&r, &pcrs);
			struct pst_bytes value = pst_cbor_bstr(&r, 20, 64);

			if (pst_cbor_ok(&r))
				put_value(
				    q, (uint64_t)alg, (uint64_t)pcr, value);
		}
	}
	return pst_cbor_end(&r) == PST_OK ? PST_OK : PST_ERR_EAT_CLAIM;
}

/* The selection of tpm2-tools, then lists of 8 digests in its order. */
static enum pst_err
read_tool_file(struct pst_bytes in, struct pst_tpm_quote *q)
{
	uint64_t banks = pst_le(in.ptr, 4);
	size_t lists = (in.len - TOOL_SELECTION - 4) / TOOL_LIST;
	size_t i, pcr, n = 0;

	for (i = 0; i < banks; i++) {
		const uint8_t *b = in.ptr + 4 + 8 * i;
		uint64_t bits = pst_le(b + 3, 4);

		for (pcr = 0; pcr < PST_TPM_PCRS; pcr++) {
			const uint8_t *d;
			uint64_t len;

			if ((bits >> pcr & 1) == 0)
				continue;
			if (n / 8 >= lists)
				return PST_ERR_EAT_CLAIM;
			d = in.ptr + TOOL_SELECTION + 4 + n / 8 * TOOL_LIST +
			    4 + n % 8 * TOOL_DIGEST;
			len = pst_le(d, 2);
			if (len > TOOL_DIGEST - 2)
				return PST_ERR_EAT_CLAIM;
			put_value(q, pst_le(b, 2), pcr,
			    (struct pst_bytes){ d + 2, (size_t)len });
			n++;
		}
	}
	return PST_OK;
}

/* --- the checks ----------------------------------------------------------- */

static int32_t
quote_hash(size_t digest_len)
{
	return digest_len == 32 ? PST_ALG_SHA256
	    : digest_len == 48	? PST_ALG_SHA384
	    : digest_len == 64	? PST_ALG_SHA512
				: PST_ALG_NONE;
}

/*
 * The digest is of all selected PCRs, in ascending order, bank by bank. It
 * does not say where one value ends: a value of another length would move the
 * next, and one PCR could pass for another.
 */
static enum pst_err
check_pcrs(const struct pst_verifier *v, const struct pst_tpm_quote *q)
{
	struct pst_bytes all[PST_TPM_BANKS_MAX * PST_TPM_PCRS];
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 };
	int32_t alg = quote_hash(q->digest.len);
	size_t i, pcr, n = 0;
	enum pst_err err;

	for (i = 0; i < q->banks; i++) {
		size_t want = pst_tpm_hash_len(q->bank[i].alg);

		for (pcr = 0; pcr < PST_TPM_PCRS; pcr++) {
			if ((q->bank[i].selected >> pcr & 1) == 0)
				continue;
			if ((q->bank[i].known >> pcr & 1) == 0 || want == 0 ||
			    q->bank[i].value[pcr].len != want)
				return PST_ERR_EAT_CLAIM;
			all[n++] = q->bank[i].value[pcr];
		}
	}
	if (alg == PST_ALG_NONE)
		return PST_ERR_COSE_ALG;
	err = v->crypto->digest(v->crypto->ctx, alg, all, n, digest, &got.len);
	if (err == PST_OK && !pst_equal(got, q->digest))
		err = PST_ERR_EAT_CLAIM;
	return err;
}

static const char *const pcr_names[PST_TPM_PCRS] = { "pcr0", "pcr1", "pcr2",
	"pcr3", "pcr4", "pcr5", "pcr6", "pcr7", "pcr8", "pcr9", "pcr10",
	"pcr11", "pcr12", "pcr13", "pcr14", "pcr15", "pcr16", "pcr17", "pcr18",
	"pcr19", "pcr20", "pcr21", "pcr22", "pcr23" };

static void
put_claims(
    const struct pst_tpm_quote *q, bool values, struct pst_appraisal *out)
{
	size_t i, pcr;

	pst_claim_uint(out, "firmware", q->firmware);
	pst_claim_uint(out, "resets", q->resets);
	pst_claim_uint(out, "restarts", q->restarts);
	pst_claim_uint(out, "clock-safe", q->safe);
	pst_claim_bytes(out, "pcr-digest", q->digest);
	for (i = 0; values && i < q->banks; i++)
		for (pcr = 0; pcr < PST_TPM_PCRS; pcr++)
			if (q->bank[i].selected >> pcr & 1)
				pst_claim_bytes(
				    out, pcr_names[pcr], q->bank[i].value[pcr]);
}

static enum pst_err
judge_pcrs(const struct pst_verifier *v, const struct beside *x,
    struct pst_tpm_quote *q, struct pst_appraisal *out)
{
	const char *why = NULL;
	enum pst_err err;

	if (x->pcrs.len == 0)
		return PST_ERR_NOT_FOUND;
	err = is_tool_file(x->pcrs) ? read_tool_file(x->pcrs, q)
				    : read_map(x->pcrs, q);
	if (err == PST_OK)
		err = check_pcrs(v, q);
	pst_appraisal_note(out, "pcrs", err,
	    err == PST_OK ? NULL : "the values are not what was quoted");
	if (err != PST_OK || x->log.len == 0)
		return err;
	err = pst_tpm_log_replay(v->crypto, x->log, q, &why);
	pst_appraisal_note(out, "log", err, why);
	return err;
}

/* Keys that were enrolled, until one fits. */
static enum pst_err
by_enrolled(const struct pst_verifier *v, const struct beside *x,
    struct pst_bytes quote, struct pst_appraisal *out)
{
	uint8_t print[PST_THUMBPRINT_LEN];
	struct pst_cose_headers headers = { 0 };
	struct pst_pubkey key;
	enum pst_err found, err = PST_ERR_COSE_KEY;
	size_t attempt;

	if (v->attesters == NULL)
		return PST_ERR_COSE_KEY;
	if (x->key.len > 0 &&
	    pst_cose_key_decode(x->key, &key, NULL, NULL) == PST_OK &&
	    pst_cose_thumbprint(v->crypto, &key, print) == PST_OK)
		headers.kid = (struct pst_bytes){ print, sizeof(print) };
	headers.alg = PST_ALG_ES256;
	for (attempt = 0;; attempt++) {
		found = v->attesters->find(
		    v->attesters->ctx, &headers, attempt, &out->key, &out->who);
		if (found != PST_OK)
			return found == PST_ERR_NOT_FOUND ? err : found;
		err = check_enrolled(v, &out->key, quote, x->signature);
		if (err == PST_OK)
			return pst_cose_thumbprint(
			    v->crypto, &out->key, out->key_id);
	}
}

static void
check_signature(const struct pst_verifier *v, const struct beside *x,
    struct pst_bytes quote, uint64_t now_s, struct pst_appraisal *out)
{
	X509 *leaf = sk_X509_value(x->certs, 0);
	const char *why = NULL;
	enum pst_err err;

	if (x->signature.len == 0) {
		pst_appraisal_note(out, "signature", PST_ERR_COSE_SIGNATURE,
		    "there is none beside the quote");
		return;
	}
	if (leaf == NULL) {
		pst_appraisal_add(
		    out, "signature", by_enrolled(v, x, quote, out));
		return;
	}
	err = pst_cert_path(v->endorsements, leaf, x->certs, now_s, &why);
	/* A key for other things signs whatever looks like a quote. */
	if (err == PST_OK && !pst_cert_is_for(leaf, OID_AK)) {
		why = "not of a TPM's attestation key";
		err = PST_ERR_COSE_CERT;
	}
	pst_appraisal_note(out, "certificate", err, why);
	pst_appraisal_add(out, "signature",
	    check_one(X509_get0_pubkey(leaf), quote, x->signature));
}

/* extraData: the 64 bytes themselves, or their digest. */
static void
user_data(const struct pst_verifier *v, const struct pst_evidence *in,
    const struct pst_tpm_quote *q, struct pst_appraisal *out)
{
	uint8_t both[64], digest[PST_DIGEST_MAX];
	struct pst_bytes whole = { both, sizeof(both) };
	struct pst_bytes got = { digest, 0 };
	struct pst_pubkey key;

	if (in->challenge.len != 32 || in->agent_key.len == 0 ||
	    q->extra.len != 32) {
		pst_native_user_data(v, in, q->extra, out);
		return;
	}
	memcpy(both, in->challenge.ptr, 32);
	if (pst_cose_key_decode(in->agent_key, &key, NULL, NULL) != PST_OK ||
	    pst_cose_thumbprint(v->crypto, &key, both + 32) != PST_OK ||
	    v->crypto->digest(v->crypto->ctx, PST_ALG_SHA256, &whole, 1, digest,
		&got.len) != PST_OK ||
	    !pst_equal(got, q->extra)) {
		pst_appraisal_note(out, "binding", PST_ERR_EAT_BINDING,
		    "extraData is not of this challenge and key");
		return;
	}
	pst_native_user_data(v, in, pst_appraisal_keep(out, whole), out);
}

/* EnactTrust's token: node id, length, quote, signature. */
static void
split_token(struct pst_bytes *quote, struct beside *x)
{
	struct pst_bytes in = *quote;
	size_t len;

	if (in.len < 22 || pst_be(in.ptr + 18, 4) != MAGIC)
		return;
	len = (size_t)pst_be(in.ptr + 16, 2);
	if (len > in.len - 18)
		return;
	*quote = (struct pst_bytes){ in.ptr + 18, len };
	x->signature =
	    (struct pst_bytes){ in.ptr + 18 + len, in.len - 18 - len };
}

static void
open_quote(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	struct beside x = { .certs = sk_X509_new_null() };
	struct pst_bytes quote = in->payload;
	struct pst_tpm_quote q;
	enum pst_err err = x.certs != NULL ? PST_OK : PST_ERR_CRYPTO;

	if (err == PST_OK) {
		gather(v, in, &x);
		split_token(&quote, &x);
		err = read_quote(quote, &q);
	}
	pst_appraisal_add(out, "format", err);
	if (err == PST_OK) {
		check_signature(v, &x, quote, now_s, out);
		/* Values and log are read only for a quote that is genuine. */
		err = out->why;
		if (err == PST_OK)
			err = judge_pcrs(v, &x, &q, out);
		put_claims(&q, err == PST_OK, out);
		user_data(v, in, &q, out);
	}
	sk_X509_pop_free(x.certs, X509_free);
}

/* A certificate beside the quote is the only one that may have signed it, so
 * its key is who attests. */
static enum pst_err
say(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_said *out)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct beside unused = { .certs = NULL };
	struct pst_bytes quote = in->payload;
	struct pst_tpm_quote q;
	struct pst_pubkey key;
	enum pst_err err;
	size_t i;

	split_token(&quote, &unused);
	err = read_quote(quote, &q);
	/* Not every part is a certificate. */
	for (i = 0; certs != NULL && i < in->part_count; i++)
		if (pst_certs_push(certs, in->part[i]) != PST_OK)
			continue;
	if (err == PST_OK)
		out->nonce = q.extra;
	if (err == PST_OK && sk_X509_num(certs) > 0 &&
	    pst_cert_key(sk_X509_value(certs, 0), &key) == PST_OK &&
	    pst_cose_thumbprint(crypto, &key, out->print) == PST_OK)
		out->identity =
		    (struct pst_bytes){ out->print, sizeof(out->print) };
	sk_X509_pop_free(certs, X509_free);
	return err;
}

static const char *const formats[] = { "application/vnd.postern.tpm-quote",
	"application/vnd.enacttrust.tpm-evidence", NULL };

const struct pst_technology pst_technology_tpm = { "tpm", formats, false,
	open_quote, pst_native_judge, say };
