#include <tam/node/appraise.h>

#include <stdio.h>
#include <string.h>

/* A certified key counts while its path leads to an anchor: there is none yet
 * that this node knows. */
static enum pst_err
chain_key(const struct pst_tam_local_verifier *v, struct pst_bytes x5chain,
    struct pst_pubkey *key)
{
	(void)v;
	(void)x5chain;
	memset(key, 0, sizeof(*key));
	return PST_ERR_COSE_CERT;
}

static enum pst_err
row_key(const struct pst_tam_local_verifier *v,
    const struct pst_tam_device *device, struct pst_pubkey *key)
{
	if (device->attestation_key.len == 0)
		return PST_ERR_NOT_FOUND;
	if (device->x5chain.len > 0)
		return chain_key(v, device->x5chain, key);
	return pst_cose_key_decode(device->attestation_key, key, NULL, NULL);
}

/* The kid of Evidence is the thumbprint of its key (TEEP's EAT profile), and
 * a device is enrolled under that thumbprint. A token of PSA or CCA is looked
 * for by its instance-id, and so enrolled with that identity and its key. */
static enum pst_err
attester_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct pst_tam_local_verifier *v = ctx;
	struct pst_tam_device device;
	enum pst_err err;

	*who = 0;
	if (attempt > 0 || headers->kid.len == 0 ||
	    headers->kid.len > sizeof(v->tried_by))
		return PST_ERR_NOT_FOUND;
	err = v->records->device_by_attester(
	    v->records->ctx, headers->kid, &device);
	if (err == PST_OK)
		err = row_key(v, &device, key);
	if (err != PST_OK)
		return err;
	v->tried = *key;
	v->tried_by_len = headers->kid.len;
	memcpy(v->tried_by, headers->kid.ptr, headers->kid.len);
	return PST_OK;
}

/* The n-th Verifier whose key the kid names; all of them when it names none. */
struct search {
	const struct pst_crypto *crypto;
	struct pst_bytes kid;
	size_t left;
	struct pst_pubkey *key;
	bool found;
};

static bool
is_wanted(void *ctx, const struct pst_tam_anchor *row)
{
	struct search *s = ctx;
	uint8_t print[PST_THUMBPRINT_LEN];

	if (row->kind != PST_TAM_VERIFIER)
		return true;
	if (s->kid.len > 0 &&
	    (pst_cose_thumbprint(s->crypto, &row->key, print) != PST_OK ||
		!pst_equal(s->kid, (struct pst_bytes){ print, sizeof(print) })))
		return true;
	if (s->left-- > 0)
		return true;
	*s->key = row->key;
	s->found = true;
	return false;
}

static enum pst_err
verifier_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct pst_tam_local_verifier *v = ctx;
	struct search s = { v->crypto, headers->kid, attempt, key, false };
	enum pst_err err;

	*who = 0;
	err = pst_tam_list_anchors(v->reader, 0, SIZE_MAX, is_wanted, &s);
	if (err != PST_OK)
		return err;
	return s.found ? PST_OK : PST_ERR_NOT_FOUND;
}

static void
put_claims(struct pst_tam_local_verifier *v, struct pst_tam_appraisal *out)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, v->claims, sizeof(v->claims));
	pst_eat_encode(&w, &v->last.claims);
	/* Too many to keep: the record has none, the verdict stands. */
	if (w.err == PST_OK)
		out->claims = pst_cbor_written(&w);
}

/* For the record, and for the Attestation Result that may come of it. */
static void
put_verdict(struct pst_tam_local_verifier *v, struct pst_tam_appraisal *out)
{
	struct pst_cbor_writer w;
	struct pst_ear ear;

	pst_ear_of(&v->last, &ear);
	pst_cbor_writer_init(&w, v->verdict, sizeof(v->verdict));
	pst_tam_verdict_put(&w, &ear);
	if (w.err == PST_OK)
		out->verdict = pst_cbor_written(&w);
	if (pst_tam_subject_of(v->crypto, &v->last, out->attester, &v->subject))
		out->subject = &v->subject.eat;
}

/* "reference (pcr16): refused": what was looked at, at what, and why not. */
static void
put_reasons(struct pst_tam_local_verifier *v, struct pst_tam_appraisal *out)
{
	size_t i, len = 0;

	for (i = 0; i < v->last.check_count; i++) {
		const struct pst_appraisal_check *c = &v->last.checks[i];
		size_t room = sizeof(v->reasons) - len;
		int n;

		if (c->err == PST_OK)
			continue;
		n = snprintf(v->reasons + len, room, "%s%s%s%s%s: %s",
		    len > 0 ? "\n" : "", c->what, c->why != NULL ? " (" : "",
		    c->why != NULL ? c->why : "", c->why != NULL ? ")" : "",
		    pst_err_name(c->err));
		if (n < 0 || (size_t)n >= room)
			break;
		len += (size_t)n;
	}
	out->reasons = (struct pst_bytes){ (const uint8_t *)v->reasons, len };
}

/* Measurements and the age of firmware are put right by an update. A debugger
 * is not, and would see what is delivered. */
static bool
out_of_policy(const struct pst_appraisal *a)
{
	size_t i;

	for (i = 0; i < a->check_count; i++) {
		const struct pst_appraisal_check *c = &a->checks[i];

		if (c->err == PST_OK)
			continue;
		if (c->err != PST_ERR_EAT_REFUSED ||
		    (strcmp(c->what, "reference") != 0 &&
			strcmp(c->what, "tcb-level") != 0))
			return false;
	}
	return a->opened && !a->is_result && !a->accepted;
}

/* Evidence by a key that is not enrolled: the kid that it names, so that an
 * operator can tell which device knocks. */
static struct pst_bytes
named_key(struct pst_bytes payload)
{
	struct pst_cose_headers headers;
	struct pst_cose_message msg;
	struct pst_bytes signature;

	if (pst_cose_parse(payload, PST_TAG_SIGN1, &msg, NULL) != PST_OK ||
	    !pst_cose_signature(&msg, 0, &headers, &signature))
		return (struct pst_bytes){ NULL, 0 };
	return headers.kid;
}

static struct pst_bytes
technology(const struct pst_appraisal *a)
{
	return (struct pst_bytes){ (const uint8_t *)a->technology,
		strlen(a->technology) };
}

/*
 * What the device is enrolled by: the row whose key verified, or else the
 * identity for which certificates vouch. Empty where neither is known: it is
 * nobody's Evidence then.
 */
static struct pst_bytes
attester_of(const struct pst_tam_local_verifier *v)
{
	static const uint8_t unset[PST_THUMBPRINT_LEN];
	const struct pst_appraisal *a = &v->last;

	if (a->is_result)
		return pst_tam_ueid_attester(a->claims.ueid);
	if (a->identity.len > 0)
		return a->identity;
	if (memcmp(a->key_id, unset, sizeof(unset)) != 0)
		return (struct pst_bytes){ a->key_id, sizeof(a->key_id) };
	if (v->tried_by_len > 0 && pst_pubkey_equal(&a->key, &v->tried))
		return (struct pst_bytes){ v->tried_by, v->tried_by_len };
	return (struct pst_bytes){ NULL, 0 };
}

void
pst_tam_local_verifier_fill(
    struct pst_tam_local_verifier *v, struct pst_tam_appraisal *out)
{
	struct pst_appraisal *a = &v->last;

	out->err = a->why;
	out->genuine = a->opened;
	out->is_result = a->is_result;
	out->technology = technology(a);
	out->attester = attester_of(v);
	out->nonce = a->claims.nonce;
	out->has_key = a->has_agent_key;
	out->key = a->agent_key;
	out->key_id = a->claims.cnf_kid;
	out->device_keys = a->claims.keys;
	out->issued_s = a->claims.has_iat ? a->claims.iat : 0;
	out->expires_s = a->claims.has_exp ? a->claims.exp : 0;
	put_claims(v, out);
	put_verdict(v, out);
}

/*
 * The nonce is given back as the challenge here: whether it is one of ours,
 * and unused, is the engine's to decide, and so is the binding to the key
 * that signs the message, which is not verified yet.
 */
static enum pst_err
appraise(void *ctx, struct pst_bytes format, struct pst_bytes payload,
    uint64_t now_s, struct pst_tam_appraisal *out)
{
	struct pst_tam_local_verifier *v = ctx;
	struct pst_appraisal *a = &v->last;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	err = pst_verifier_open(&v->verifier, payload, format, now_s, a);
	if (err >= PST_ERR_STORE)
		return err;
	v->verifier.max_age_s =
	    a->is_result ? v->result_age_s : v->evidence_age_s;
	if (err == PST_OK)
		err = pst_verifier_judge(
		    &v->verifier, a->claims.nonce, NULL, now_s, a);
	put_reasons(v, out);
	if (a->opened) {
		pst_tam_local_verifier_fill(v, out);
		out->out_of_policy = out_of_policy(a);
		return PST_OK;
	}
	out->err = a->why;
	out->is_result = a->is_result;
	out->technology = technology(a);
	if (err == PST_ERR_COSE_KEY && !a->is_result)
		out->attester = named_key(payload);
	return PST_OK;
}

void
pst_tam_local_verifier_init(struct pst_tam_local_verifier *v,
    const struct pst_crypto *crypto, const struct pst_tam_policy *policy,
    const struct pst_tam_records *records, struct pst_tam_reader *reader,
    struct pst_tam_appraiser *out)
{
	memset(v, 0, sizeof(*v));
	v->crypto = crypto;
	v->records = records;
	v->reader = reader;
	v->attesters = (struct pst_keys){ .ctx = v, .find = attester_key };
	v->verifiers = (struct pst_keys){ .ctx = v, .find = verifier_key };
	v->verifier.crypto = crypto;
	v->verifier.attesters = &v->attesters;
	v->verifier.verifiers = &v->verifiers;
	v->verifier.skew_s = policy->skew_s;
	v->evidence_age_s = policy->payload_age_s;
	v->result_age_s = policy->passport_age_s;
	v->verifier.allow_debug = policy->allow_debug;
	/* Who signs an EAT was enrolled one by one. What is under a vendor's
	 * root is any machine of that vendor's. */
	v->verifier.need_reference = true;
	v->verifier.any_software =
	    policy->any_software | pst_verifier_technology_bit("eat");
	*out = (struct pst_tam_appraiser){ v, appraise };
}
