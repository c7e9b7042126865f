/*
 * AWS Nitro Enclaves attestation documents (AWS, "Nitro Enclaves Attestation
 * Process"): an untagged COSE_Sign1, ES384, by a certificate that stands in
 * the payload, under the partition's root.
 *
 * That certificate is read before the signature is checked, for there is no
 * other; nothing else is. Its chain is judged at the document's own time, the
 * leaf lives three hours, and how old the document may be is judged apart.
 *
 * The agent's key is bound by public_key, which holds its COSE_Key, or by
 * user_data: challenge and thumbprint (design.md, section 5).
 */
#include <string.h>

#include "cert.h"
#include "internal.h"
#include "policy.h"

#define PCR_COUNT 32
#define PCR_LEN 48
#define ITEMS_MAX 64

/* The payload, taken apart. */
struct document {
	struct pst_bytes module, digest, certificate, public_key, user_data,
	    nonce;
	struct pst_list bundle;
	uint64_t timestamp_ms;
	struct pst_bytes pcr[PCR_COUNT];
};

/* A map of either length; left counts down when it is definite. */
struct map {
	bool indefinite;
	uint64_t left;
};

static struct map
map_begin(struct pst_cbor_reader *r)
{
	struct map m = { false, 0 };
	struct pst_cbor_head h;

	pst_cbor_head(r, &h);
	if (h.type != PST_CBOR_MAP || (!h.indefinite && h.arg > ITEMS_MAX))
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	m.indefinite = h.indefinite;
	m.left = h.indefinite ? ITEMS_MAX : h.arg;
	return m;
}

static bool
map_next(struct pst_cbor_reader *r, struct map *m)
{
	struct pst_cbor_head h;

	if (!pst_cbor_ok(r))
		return false;
	if (m->indefinite && pst_cbor_peek(r) == PST_CBOR_BREAK) {
		pst_cbor_head(r, &h);
		return false;
	}
	if (m->left == 0) {
		if (m->indefinite)
			pst_cbor_fail(r, PST_ERR_LIMIT);
		return false;
	}
	m->left--;
	return true;
}

/* What comes twice is refused. */
static void
once(struct pst_cbor_reader *r, struct pst_bytes *to, struct pst_bytes value)
{
	if (to->ptr != NULL)
		pst_cbor_fail(r, PST_ERR_CBOR_DUPLICATE);
	*to = value;
}

static void
nullable(struct pst_cbor_reader *r, struct pst_bytes *to, size_t max)
{
	if (pst_cbor_peek(r) == PST_CBOR_SIMPLE)
		pst_cbor_null(r);
	else
		once(r, to, pst_cbor_bstr(r, 0, max));
}

static void
pcrs(struct pst_cbor_reader *r, struct document *d)
{
	struct map m = map_begin(r);

	while (map_next(r, &m)) {
		uint64_t n = pst_cbor_uint(r, PCR_COUNT - 1);

		if (pst_cbor_ok(r))
			once(r, &d->pcr[n], pst_cbor_bstr(r, PCR_LEN, PCR_LEN));
	}
}

static bool
is(struct pst_bytes name, const char *what)
{
	return pst_equal(
	    name, (struct pst_bytes){ (const uint8_t *)what, strlen(what) });
}

static void
member(struct pst_cbor_reader *r, struct pst_bytes name, struct document *d)
{
	if (is(name, "module_id"))
		once(r, &d->module, pst_cbor_tstr(r, 1, 128));
	else if (is(name, "digest"))
		once(r, &d->digest, pst_cbor_tstr(r, 1, 16));
	else if (is(name, "timestamp"))
		d->timestamp_ms = pst_cbor_uint(r, INT64_MAX);
	else if (is(name, "pcrs"))
		pcrs(r, d);
	else if (is(name, "certificate"))
		once(r, &d->certificate, pst_cbor_bstr(r, 1, 4096));
	else if (is(name, "cabundle"))
		d->bundle = pst_cbor_list(r, 1, PST_CERTS_MAX - 1);
	else if (is(name, "public_key"))
		nullable(r, &d->public_key, 1024);
	else if (is(name, "user_data"))
		nullable(r, &d->user_data, 1024);
	else if (is(name, "nonce"))
		nullable(r, &d->nonce, 1024);
	else
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
}

static enum pst_err
read(struct pst_bytes payload, struct document *d)
{
	struct pst_cbor_reader r;
	struct map m;

	memset(d, 0, sizeof(*d));
	pst_cbor_reader_init_profile(&r, payload, PST_CBOR_ANY);
	m = map_begin(&r);
	while (map_next(&r, &m)) {
		struct pst_bytes name = pst_cbor_tstr(&r, 1, 32);

		if (pst_cbor_ok(&r))
			member(&r, name, d);
	}
	if (pst_cbor_end(&r) != PST_OK || d->module.len == 0 ||
	    !is(d->digest, "SHA384") || d->certificate.len == 0 ||
	    d->bundle.count == 0 || d->timestamp_ms == 0 || d->pcr[0].len == 0)
		return PST_ERR_EAT_CLAIM;
	return PST_OK;
}

static enum pst_err
push_bundle(struct pst_list bundle, STACK_OF(X509) * certs)
{
	struct pst_bytes item;
	enum pst_err err = PST_OK;

	while (err == PST_OK && pst_list_next(&bundle, &item)) {
		struct pst_cbor_reader r;

		pst_cbor_reader_init_profile(&r, item, PST_CBOR_ANY);
		err = pst_certs_push(certs, pst_cbor_bstr(&r, 1, 4096));
	}
	return err;
}

/* The document's own certificate is the only key that may have signed it. */
static enum pst_err
leaf_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	return pst_cert_key(ctx, key);
}

static enum pst_err
check_signature(const struct pst_verifier *v,
    const struct pst_cose_message *msg, X509 *leaf)
{
	struct pst_keys keys = { .ctx = leaf, .find = leaf_key };
	struct pst_bytes none = { NULL, 0 };
	struct pst_verified verified;
	enum pst_err err;

	err = pst_cose_verify(msg, v->crypto, &keys, none, &verified);
	if (err == PST_OK && verified.alg != PST_ALG_ES384)
		err = PST_ERR_COSE_ALG;
	return err;
}

static const char *const pcr_names[PCR_COUNT] = { "pcr0", "pcr1", "pcr2",
	"pcr3", "pcr4", "pcr5", "pcr6", "pcr7", "pcr8", "pcr9", "pcr10",
	"pcr11", "pcr12", "pcr13", "pcr14", "pcr15", "pcr16", "pcr17", "pcr18",
	"pcr19", "pcr20", "pcr21", "pcr22", "pcr23", "pcr24", "pcr25", "pcr26",
	"pcr27", "pcr28", "pcr29", "pcr30", "pcr31" };

/* An enclave that runs in debug mode has zeros in PCR0 to PCR2. */
static bool
is_debug(const struct document *d)
{
	static const uint8_t zeros[PCR_LEN];

	return pst_equal(d->pcr[0], (struct pst_bytes){ zeros, sizeof(zeros) });
}

static void
put_claims(const struct document *d, struct pst_appraisal *out)
{
	size_t i;

	pst_claim_text(out, "module-id", d->module);
	pst_claim_uint(out, "timestamp", d->timestamp_ms / 1000);
	for (i = 0; i < PCR_COUNT; i++)
		if (d->pcr[i].len > 0)
			pst_claim_bytes(out, pcr_names[i], d->pcr[i]);
	if (d->public_key.len > 0)
		pst_claim_bytes(out, "public-key", d->public_key);
	if (d->nonce.len > 0)
		pst_claim_bytes(out, "nonce", d->nonce);
	out->identity = d->module;
	out->debug = is_debug(d);
	out->claims.has_iat = true;
	out->claims.iat = d->timestamp_ms / 1000;
}

/* The challenge is in nonce, or in the first half of user_data. */
static void
put_binding(const struct pst_verifier *v, const struct pst_evidence *in,
    const struct document *d, struct pst_appraisal *out)
{
	struct pst_evidence with = *in;

	if (d->public_key.len > 0 && with.agent_key.len == 0 &&
	    pst_cose_key_decode(d->public_key, &out->agent_key, NULL, NULL) ==
		PST_OK)
		with.agent_key = d->public_key;
	/* A COSE_Key in public_key needs no thumbprint beside it. */
	if (with.agent_key.len > 0 && with.agent_key.ptr == d->public_key.ptr) {
		out->has_agent_key = true;
		out->claims.cnf_key = d->public_key;
		with.agent_key.len = 0;
	}
	pst_native_user_data(v, &with, d->user_data, out);
	if (d->nonce.len > 0)
		out->claims.nonce = d->nonce;
}

static void
open_by(const struct pst_verifier *v, const struct pst_evidence *in,
    const struct pst_cose_message *msg, const struct document *d,
    STACK_OF(X509) * certs, struct pst_appraisal *out)
{
	X509 *leaf = pst_cert_parse(d->certificate);
	const char *why = NULL;
	enum pst_err err = PST_ERR_COSE_CERT;

	if (leaf != NULL)
		err = push_bundle(d->bundle, certs);
	if (err == PST_OK)
		err = pst_cert_path(
		    v->endorsements, leaf, certs, d->timestamp_ms / 1000, &why);
	/* Anchors are there for other technologies as well. */
	if (err == PST_OK &&
	    !(pst_cert_subject_has(leaf, NID_organizationName, "Amazon") &&
		pst_cert_subject_has(
		    leaf, NID_organizationalUnitName, "AWS"))) {
		why = "not an enclave's certificate";
		err = PST_ERR_COSE_CERT;
	}
	pst_appraisal_note(out, "certificate", err, why);
	if (leaf != NULL)
		pst_appraisal_add(
		    out, "signature", check_signature(v, msg, leaf));
	X509_free(leaf);
	put_claims(d, out);
	put_binding(v, in, d, out);
}

static void
open_document(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct pst_cose_message msg;
	struct document d;
	enum pst_err err;

	(void)now_s;
	err = pst_cose_parse(in->payload, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		err = read(msg.payload, &d);
	pst_appraisal_add(out, "format", err);
	if (err == PST_OK)
		open_by(v, in, &msg, &d, certs, out);
	sk_X509_pop_free(certs, X509_free);
}

static void
judge_document(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out)
{
	uint64_t made_s = out->claims.iat;
	enum pst_err err = PST_OK;

	if (made_s > now_s + v->skew_s ||
	    (now_s > made_s && now_s - made_s > v->max_age_s))
		err = PST_ERR_EAT_EXPIRED;
	pst_appraisal_add(out, "age", err);
	pst_native_judge(v, challenge, agent, now_s, out);
}

static enum pst_err
say(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_said *out)
{
	struct pst_cose_message msg;
	struct pst_pubkey key;
	struct document d;
	enum pst_err err;

	(void)crypto;
	err = pst_cose_parse(in->payload, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK)
		err = read(msg.payload, &d);
	if (err != PST_OK)
		return err;
	out->identity = d.module;
	out->nonce = d.nonce.len > 0 ? d.nonce : d.user_data;
	if (d.nonce.len > 0 &&
	    pst_cose_key_decode(d.public_key, &key, NULL, NULL) == PST_OK)
		out->key = d.public_key;
	return PST_OK;
}

static const char *const formats[] = {
	"application/vnd.postern.nitro-attestation", NULL
};

const struct pst_technology pst_technology_nitro = { "nitro", formats, false,
	open_document, judge_document, say };
