/*
 * Objects of a token: finding the one that is meant, and its public part.
 */
#include <string.h>

#include "internal.h"

/* The object's label, its id and its class. */
enum { NAMED_BY = 3 };

enum {
	DER_OCTET_STRING = 4,
	SEC1_UNCOMPRESSED = 4,
	POINT_MAX = 1 + 2 * PST_COORD_MAX + 4,
	PARAMS_MAX = 32
};

static CK_ULONG
template_of(
    struct pst_p11_key *key, CK_OBJECT_CLASS *class, CK_ATTRIBUTE t[NAMED_BY])
{
	static const CK_ATTRIBUTE_TYPE by[] = { CKA_LABEL, CKA_ID };
	CK_ATTRIBUTE *named;
	CK_ULONG n = 0;
	size_t i;

	t[n++] = (CK_ATTRIBUTE){ CKA_CLASS, class, sizeof(*class) };
	for (i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		named = p11_kit_uri_get_attribute(key->uri, by[i]);
		if (named != NULL)
			t[n++] = *named;
	}
	return n;
}

enum pst_err
pst_p11_find(struct pst_p11_key *key, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *out, const char **why)
{
	CK_ATTRIBUTE t[NAMED_BY];
	CK_ULONG n = template_of(key, &class, t);
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	CK_RV rv;

	*out = 0;
	rv = key->f->C_FindObjectsInit(key->session, t, n);
	if (rv == CKR_OK) {
		rv = key->f->C_FindObjects(key->session, found, 2, &count);
		(void)key->f->C_FindObjectsFinal(key->session);
	}
	if (rv != CKR_OK) {
		*why = p11_kit_strerror(rv);
		return PST_ERR_CRYPTO;
	}
	if (count != 1) {
		*why = count == 0
		    ? "the token has no such key"
		    : "the token has several such keys; name one by object= "
		      "or id=";
		return count == 0 ? PST_ERR_NOT_FOUND : PST_ERR_LIMIT;
	}
	*out = found[0];
	return PST_OK;
}

/* One attribute into buf; its length, 0 when the token does not say. */
static size_t
attribute(struct pst_p11_key *key, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *buf, size_t cap)
{
	CK_ATTRIBUTE a = { type, buf, cap };
	CK_RV rv = key->f->C_GetAttributeValue(key->session, object, &a, 1);

	return rv == CKR_OK && a.ulValueLen <= cap ? a.ulValueLen : 0;
}

bool
pst_p11_flag(
    struct pst_p11_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL flag = CK_FALSE;

	return attribute(key, object, type, &flag, sizeof(flag)) ==
	    sizeof(flag) &&
	    flag != CK_FALSE;
}

/* CKA_EC_PARAMS: an OBJECT IDENTIFIER, or for Edwards curves also the name. */
static int32_t
curve_of(struct pst_bytes params)
{
	static const struct {
		uint8_t len, der[14];
		int32_t crv;
	} curves[] = {
		{ 10, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
		    PST_CRV_P256 },
		{ 7, "\x06\x05\x2b\x81\x04\x00\x22", PST_CRV_P384 },
		{ 7, "\x06\x05\x2b\x81\x04\x00\x23", PST_CRV_P521 },
		{ 5, "\x06\x03\x2b\x65\x70", PST_CRV_ED25519 },
		{ 14,
		    "\x13\x0c"
		    "edwards25519",
		    PST_CRV_ED25519 },
	};
	size_t i;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (params.len == curves[i].len &&
		    memcmp(params.ptr, curves[i].der, params.len) == 0)
			return curves[i].crv;
	}
	return 0;
}

/* CKA_EC_POINT is a DER OCTET STRING around the point; some tokens leave the
 * wrapping away. */
static struct pst_bytes
unwrapped(struct pst_bytes v, size_t want)
{
	size_t head = v.len > 2 && v.ptr[1] == 0x81 ? 3 : 2;

	if (v.len != want + head || v.ptr[0] != DER_OCTET_STRING ||
	    v.ptr[head - 1] != want)
		return v;
	return (struct pst_bytes){ v.ptr + head, want };
}

static bool
fill_point(struct pst_pubkey *pub, struct pst_bytes v)
{
	size_t len = pst_cose_coord_len(pub->crv);
	bool okp = pub->crv == PST_CRV_ED25519;
	size_t want = okp ? len : 1 + 2 * len;

	v = unwrapped(v, want);
	if (v.len != want || (!okp && v.ptr[0] != SEC1_UNCOMPRESSED))
		return false;
	pub->kty = okp ? PST_KTY_OKP : PST_KTY_EC2;
	pub->coord_len = (uint8_t)len;
	memcpy(pub->x, v.ptr + !okp, len);
	if (!okp)
		memcpy(pub->y, v.ptr + 1 + len, len);
	return true;
}

enum pst_err
pst_p11_read_public(
    struct pst_p11_key *key, CK_OBJECT_HANDLE object, const char **why)
{
	uint8_t params[PARAMS_MAX], point[POINT_MAX];
	struct pst_bytes p = { params, 0 }, q = { point, 0 };
	struct pst_pubkey pub;

	memset(&pub, 0, sizeof(pub));
	p.len = attribute(key, object, CKA_EC_PARAMS, params, sizeof(params));
	q.len = attribute(key, object, CKA_EC_POINT, point, sizeof(point));
	pub.crv = curve_of(p);
	*why = "the key is neither on P-256, P-384, P-521 nor Ed25519";
	if (pub.crv == 0)
		return PST_ERR_UNSUPPORTED;
	*why = "the token does not tell the public part of the key";
	if (!fill_point(&pub, q))
		return PST_ERR_NOT_FOUND;
	key->pub = pub;
	return PST_OK;
}
