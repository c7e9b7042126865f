#include <tam/node/subject.h>

#include <stdio.h>
#include <string.h>

enum {
	UEID_RAND = 0x01,	 /* RFC 9711, Section 4.2.1 */
	FORMAT_SUIT_REPORT = 270 /* IANA CoAP Content-Formats */
};

/* A technology's own word for what runs, and who made the platform. */
static const struct native {
	const char *technology;
	const char *claim;
	uint32_t pen; /* IANA Private Enterprise Number */
} natives[] = {
	{ "snp", "measurement", 3704 },
	{ "dcap", "mrenclave", 343 },
	{ "dcap", "mrtd", 343 },
	{ "tpm", "pcr-digest", 21911 },
	{ "nitro", "pcr0", 4843 },
	{ "psa", "sw-value", 4128 },
	{ "cca", "initial-measurement", 4128 },
};

enum pst_err
pst_tam_ueid(const struct pst_crypto *crypto, struct pst_bytes attester,
    uint8_t out[PST_EAT_UEID_MAX])
{
	uint8_t digest[PST_DIGEST_MAX];
	size_t len;
	enum pst_err err;

	if (attester.len == 0)
		return PST_ERR_ARG;
	out[0] = UEID_RAND;
	if (attester.len == PST_EAT_UEID_MAX - 1) {
		memcpy(out + 1, attester.ptr, attester.len);
		return PST_OK;
	}
	err = crypto->digest(
	    crypto->ctx, PST_ALG_SHA256, &attester, 1, digest, &len);
	if (err == PST_OK)
		memcpy(out + 1, digest, PST_EAT_UEID_MAX - 1);
	return err;
}

struct pst_bytes
pst_tam_ueid_attester(struct pst_bytes ueid)
{
	if (ueid.len != PST_EAT_UEID_MAX || ueid.ptr[0] != UEID_RAND)
		return (struct pst_bytes){ NULL, 0 };
	return (struct pst_bytes){ ueid.ptr + 1, ueid.len - 1 };
}

/* Of an EAT: what it says, but for who, when and for whom. */
static void
from_eat(const struct pst_eat *claims, struct pst_eat *e)
{
	const struct pst_bytes none = { NULL, 0 };

	*e = *claims;
	e->iss = e->nonce = e->profile = e->cnf_kid = e->cnf_key = none;
	e->has_iat = e->has_exp = e->has_nbf = false;
	/* Submodules are signed by others, and the rest of it tells a relying
	 * party what it did not ask for. */
	memset(&e->submods, 0, sizeof(e->submods));
	memset(&e->measres, 0, sizeof(e->measres));
	e->bootseed = none;
	e->has_uptime = e->has_bootcount = e->has_intuse = false;
}

/* The hash of a measurement is told by its length. */
static int32_t
hash_of(size_t len)
{
	switch (len) {
	case 32:
		return PST_ALG_SHA256;
	case 48:
		return PST_ALG_SHA384;
	case 64:
		return PST_ALG_SHA512;
	default:
		return PST_ALG_NONE;
	}
}

/* A SUIT_Reference (draft-ietf-suit-report, Section 4): URI and digest. There
 * is no manifest, so the URI names the technology and its claim. */
static void
put_reference(struct pst_cbor_writer *w, const char *technology,
    const struct pst_claim *c)
{
	char uri[128];
	struct pst_bytes text = { (const uint8_t *)uri, 0 };
	size_t mark;

	text.len = (size_t)snprintf(uri, sizeof(uri), "%s#%s.%s",
	    PST_EAT_EVIDENCE_PROFILE, technology, c->name);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, FORMAT_SUIT_REPORT);
	mark = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_tstr(w, text);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_int(w, hash_of(c->bytes.len));
	pst_cbor_put_bstr(w, c->bytes);
	pst_cbor_wrap_bstr(w, mark);
}

static size_t
put_references(struct pst_cbor_writer *w, const struct pst_appraisal *a,
    const struct native *n)
{
	size_t i, count = 0;

	for (i = 0; i < a->claim_count && count < PST_EAT_MANIFESTS_MAX; i++) {
		const struct pst_claim *c = &a->claim[i];

		if (c->kind != PST_CLAIM_BYTES ||
		    strcmp(c->name, n->claim) != 0 ||
		    hash_of(c->bytes.len) == PST_ALG_NONE)
			continue;
		put_reference(w, a->technology, c);
		count++;
	}
	return count;
}

static bool
from_native(const struct pst_appraisal *a, struct pst_tam_subject *out)
{
	struct pst_eat *e = &out->eat;
	struct pst_cbor_writer w;
	size_t i;

	for (i = 0; i < sizeof(natives) / sizeof(natives[0]); i++) {
		if (strcmp(natives[i].technology, a->technology) != 0)
			continue;
		pst_cbor_writer_init(
		    &w, out->manifests, sizeof(out->manifests));
		e->manifests.count = put_references(&w, a, &natives[i]);
		if (w.err != PST_OK || e->manifests.count == 0)
			continue;
		e->manifests.items = pst_cbor_written(&w);
		e->oemid_pen = natives[i].pen;
		e->oemid_is_pen = true;
		e->hwmodel = (struct pst_bytes){ (const uint8_t *)a->technology,
			strlen(a->technology) };
		e->hwversion = e->hwmodel;
		e->has_dbgstat = true;
		e->dbgstat = a->debug ? 0 : 1;
		return true;
	}
	return false;
}

bool
pst_tam_subject_of(const struct pst_crypto *crypto,
    const struct pst_appraisal *a, struct pst_bytes attester,
    struct pst_tam_subject *out)
{
	memset(&out->eat, 0, sizeof(out->eat));
	if (!a->opened || a->is_result)
		return false;
	if (strcmp(a->technology, "eat") == 0)
		from_eat(&a->claims, &out->eat);
	else if (!from_native(a, out))
		return false;
	out->eat.ueid = (struct pst_bytes){ out->ueid, sizeof(out->ueid) };
	return pst_tam_ueid(crypto, attester, out->ueid) == PST_OK;
}
