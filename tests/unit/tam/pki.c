#include "pki.h"

#include <openssl/x509v3.h>
#include <string.h>

static bool
add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = x != NULL && X509_add_ext(cert, x, -1) == 1;

	X509_EXTENSION_free(x);
	return ok;
}

static bool
add_own(X509 *cert, const struct pki_extension *e)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(e->oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *x = NULL;
	bool ok = oid != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, e->der.ptr, (int)e->der.len) == 1;

	if (ok)
		x = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	ok = x != NULL && X509_add_ext(cert, x, -1) == 1;
	X509_EXTENSION_free(x);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ok;
}

static bool
fill(X509 *cert, const struct pki_wanted *w, EVP_PKEY *key, X509 *issuer)
{
	static long serial = 1;
	const struct pki_extension *e = w->extensions;
	bool ok;

	ok = X509_set_version(cert, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)w->from_s) !=
		NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)w->until_s) !=
		NULL &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		MBSTRING_ASC, (const unsigned char *)w->name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert,
		X509_get_subject_name(issuer != NULL ? issuer : cert)) == 1 &&
	    X509_set_pubkey(cert, key) == 1 &&
	    add(cert, NID_basic_constraints,
		w->ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	    add(cert, NID_key_usage,
		w->ca ? "critical,keyCertSign,cRLSign"
		      : "critical,digitalSignature");
	for (; ok && e != NULL && e->oid != NULL; e++)
		ok = add_own(cert, e);
	return ok;
}

X509 *
pki_certificate(const struct pki_wanted *w, EVP_PKEY *key, X509 *issuer,
    EVP_PKEY *issuer_key)
{
	X509 *cert = X509_new();

	if (cert == NULL)
		return NULL;
	if (fill(cert, w, key, issuer) &&
	    X509_sign(
		cert, issuer_key != NULL ? issuer_key : key, EVP_sha384()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

struct pst_bytes
pki_der(X509 *cert, uint8_t *buf, size_t cap)
{
	struct pst_bytes none = { NULL, 0 };
	uint8_t *at = buf;
	int len = i2d_X509(cert, NULL);

	if (len <= 0 || (size_t)len > cap || i2d_X509(cert, &at) != len)
		return none;
	return (struct pst_bytes){ buf, (size_t)len };
}

static bool
revoke(X509_CRL *crl, X509 *cert, uint64_t when_s)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)when_s);
	bool ok = r != NULL && t != NULL &&
	    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(cert)) ==
		1 &&
	    X509_REVOKED_set_revocationDate(r, t) == 1 &&
	    X509_CRL_add0_revoked(crl, r) == 1;

	ASN1_TIME_free(t);
	if (!ok)
		X509_REVOKED_free(r);
	return ok;
}

struct pst_bytes
pki_crl(X509 *issuer, EVP_PKEY *key, X509 *cert, uint64_t from_s,
    uint64_t until_s, uint8_t *buf, size_t cap)
{
	struct pst_bytes out = { buf, 0 };
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)from_s);
	bool ok = crl != NULL && X509_CRL_set_version(crl, 1) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
	    X509_CRL_set1_lastUpdate(crl, t) == 1 &&
	    ASN1_TIME_set(t, (time_t)until_s) != NULL &&
	    X509_CRL_set1_nextUpdate(crl, t) == 1 &&
	    (cert == NULL || revoke(crl, cert, from_s)) &&
	    X509_CRL_sign(crl, key, EVP_sha384()) > 0;
	int len = ok ? i2d_X509_CRL(crl, NULL) : 0;
	uint8_t *at = buf;

	if (len > 0 && (size_t)len <= cap && i2d_X509_CRL(crl, &at) == len)
		out.len = (size_t)len;
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return out;
}
