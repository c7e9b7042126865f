/*
 * EAT claims-sets and tokens: each row against what it expects.
 */
#include <postern/eat.h>
#include <string.h>

#include "keys.h"
#include "ports/openssl/openssl.h"
#include "runner.h"

enum { TAG_DEB = 602, TAG_COSWID = 1398229316, CLAIM_SUBMODS = 266 };

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static const struct pst_bytes none = { NULL, 0 };

/* The tag in front, or 0; *inner is what follows it. */
static uint64_t
outer_tag(struct pst_bytes in, struct pst_bytes *inner)
{
	struct pst_cbor_reader r;
	uint64_t tag;

	*inner = in;
	pst_cbor_reader_init(&r, in);
	if (pst_cbor_peek(&r) != PST_CBOR_TAG)
		return 0;
	tag = pst_cbor_tag(&r);
	inner->ptr += r.at;
	inner->len -= r.at;
	return tag;
}

/* The claims of a token, verified when the row has keys; a bare claims-set
 * as it is. */
static enum pst_err
payload_of(struct pst_bytes in, const struct vector_keys *keys,
    struct pst_verified *out)
{
	struct pst_cose_message msg;
	struct pst_bytes inner = in;
	enum pst_err err;

	*out = pst_verified_by_caller(in);
	if (in.len > 0 && in.ptr[0] >> 5 == PST_CBOR_MAP)
		return PST_OK;
	if (outer_tag(in, &inner) != PST_TAG_CWT)
		inner = in;
	err = pst_cose_parse(inner, PST_TAG_SIGN1, &msg, NULL);
	if (err != PST_OK)
		return err;
	if (keys->count > 0)
		return pst_cose_verify(&msg, crypto, &keys->source, none, out);
	*out = pst_verified_by_caller(msg.payload);
	return PST_OK;
}

/* Is every claim that the row lists and that we read there, and no other? */
static bool
claims_agree(const struct vector *v, const struct pst_eat *e)
{
	const json_t *list = json_object_get(v->row, "claims");
	const struct {
		int label;
		bool there;
	} read[] = { { PST_CWT_ISS, e->iss.len > 0 },
		{ PST_CWT_EXP, e->has_exp }, { PST_CWT_IAT, e->has_iat },
		{ PST_CWT_CNF, e->cnf_kid.len + e->cnf_key.len > 0 },
		{ PST_EAT_NONCE, e->nonce.len > 0 },
		{ PST_EAT_UEID, e->ueid.len > 0 },
		{ PST_EAT_OEMID, e->oemid.len > 0 || e->oemid_is_pen },
		{ PST_EAT_HWMODEL, e->hwmodel.len > 0 },
		{ PST_EAT_HWVERSION, e->hwversion.len > 0 },
		{ PST_EAT_DBGSTAT, e->has_dbgstat },
		{ PST_EAT_PROFILE, e->profile.len > 0 },
		{ PST_EAT_SWNAME, e->swname.len > 0 },
		{ PST_EAT_SWVERSION, e->swversion.len > 0 },
		{ PST_EAT_MANIFESTS, e->manifests.count > 0 },
		{ PST_EAT_MEASUREMENTS, e->measurements.count > 0 } };
	size_t i, j;

	if (list == NULL)
		return true;
	for (i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		bool listed = false;

		for (j = 0; j < json_array_size(list); j++)
			listed |= json_integer_value(json_array_get(list, j)) ==
			    read[i].label;
		if (listed != read[i].there)
			return false;
	}
	return true;
}

/* Does the row name a fault in a claim that is read, not in a submodule? */
static bool
deviates(const struct vector *v)
{
	const json_t *list = json_object_get(v->row, "issues");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const char *issue = json_string_value(json_array_get(list, i));

		if (issue != NULL && strncmp(issue, "submods/", 8) != 0)
			return true;
	}
	return false;
}

static enum vector_result
rejected(struct vector *v, enum pst_err err)
{
	enum pst_err want = PST_ERR_EAT_CLAIM;
	const json_t *own = json_object_get(v->row, "err");

	if (own != NULL)
		want = (enum pst_err)json_integer_value(own);
	else if (strstr(v->expected, "signature does not verify") != NULL)
		want = PST_ERR_COSE_SIGNATURE;
	return err == want ? VECTOR_PASS
			   : vector_fail(v, "%s", pst_err_name(err));
}

static enum vector_result
token(struct vector *v, const struct vector_keys *keys)
{
	struct pst_verified bytes;
	struct pst_eat e;
	enum pst_err err;

	err = payload_of(v->data, keys, &bytes);
	if (err == PST_OK)
		err = pst_eat_decode(&bytes, &e, NULL);
	if (vector_expects(v, "must be rejected"))
		return rejected(v, err);
	/* "decodes; deviations: …": well-formed, and refused for the claim */
	if (deviates(v))
		return err == PST_ERR_EAT_CLAIM
		    ? VECTOR_PASS
		    : vector_fail(v, "%s", pst_err_name(err));
	if (err != PST_OK)
		return vector_fail(v, "%s", pst_err_name(err));
	if (!claims_agree(v, &e))
		return vector_fail(v, "other claims than listed");
	if (strstr(v->id, "MissingMandatoryNonce") != NULL && e.nonce.len > 0)
		return vector_fail(v, "has a nonce");
	return VECTOR_PASS;
}

/* The first digest submodule of a claims-set: {name: [alg, digest]}. */
static struct pst_bytes
submodule_digest(struct pst_bytes claims)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen, names;
	size_t n;

	pst_cbor_reader_init(&r, claims);
	n = pst_cbor_map(&r, PST_EAT_CLAIMS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		if (pst_cbor_key(&r, &seen) != CLAIM_SUBMODS) {
			pst_cbor_skip(&r);
			continue;
		}
		(void)pst_cbor_map(&r, 1, &names);
		(void)pst_cbor_key(&r, &names);
		(void)pst_cbor_array(&r, 2, 2);
		(void)pst_cbor_int(&r, PST_ALG_SHA256, PST_ALG_SHA256);
		return pst_cbor_bstr(&r, 32, 32);
	}
	return none;
}

/* Detached EAT Bundle: the digest is over the content of the byte string. */
static enum vector_result
bundle(struct vector *v, struct pst_bytes inner)
{
	const struct vector_keys no_keys = { .count = 0 };
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes token_bytes, detached;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_verified bytes;
	size_t len;

	pst_cbor_reader_init(&r, inner);
	(void)pst_cbor_array(&r, 2, 2);
	token_bytes = pst_cbor_bstr(&r, 1, inner.len);
	(void)pst_cbor_map(&r, 1, &seen);
	(void)pst_cbor_key(&r, &seen);
	detached = pst_cbor_bstr(&r, 1, inner.len);
	if (pst_cbor_end(&r) != PST_OK)
		return vector_fail(v, "not a bundle");
	if (payload_of(token_bytes, &no_keys, &bytes) != PST_OK)
		return vector_fail(v, "token inside");
	if (crypto->digest(crypto->ctx, PST_ALG_SHA256, &detached, 1, digest,
		&len) != PST_OK)
		return vector_fail(v, "digest");
	return pst_equal(submodule_digest(bytes.payload),
		   (struct pst_bytes){ digest, len })
	    ? VECTOR_PASS
	    : vector_fail(v, "another digest");
}

static enum vector_result
check(struct vector *v)
{
	struct vector_keys keys;
	struct pst_bytes inner;
	uint64_t tag;

	if (!vector_keys_load(v, &keys))
		return VECTOR_FAIL;
	if (pst_cbor_well_formed(v->data, NULL) != PST_OK)
		return vector_fail(v, "not well-formed");
	tag = outer_tag(v->data, &inner);
	if (tag == TAG_COSWID)
		return VECTOR_PASS; /* "decodes" is all that is said of it */
	return tag == TAG_DEB ? bundle(v, inner) : token(v, &keys);
}

int
main(int argc, char **argv)
{
	int result;

	if (argc != 2)
		return 2;
	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	result = vectors_run(argv[1], check);
	pst_openssl_free(&port);
	return result;
}
