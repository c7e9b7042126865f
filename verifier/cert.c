/*
 * Paths of vendors' certificates (RFC 5280) and the signatures that hang on
 * them. The time is the caller's: a recorded sample is judged as of its day.
 */
#include "cert.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "ports/openssl/openssl.h"

/* Level 2 of OpenSSL: at least 112 bits everywhere, no SHA-1. */
enum { AUTH_LEVEL = 2 };

X509 *
pst_cert_parse(struct pst_bytes der)
{
	const uint8_t *p = der.ptr;
	X509 *x;

	if (der.len == 0 || der.len > INT32_MAX)
		return NULL;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p != der.ptr + der.len) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

static enum pst_err
push(STACK_OF(X509) * stack, X509 *x)
{
	if (x == NULL)
		return PST_ERR_COSE_CERT;
	if (sk_X509_push(stack, x) > 0)
		return PST_OK;
	X509_free(x);
	return PST_ERR_CRYPTO;
}

int
pst_pem_no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

bool
pst_pem_ended(void)
{
	unsigned long reason = ERR_peek_last_error();
	bool ended = ERR_GET_LIB(reason) == ERR_LIB_PEM &&
	    ERR_GET_REASON(reason) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return ended;
}

static enum pst_err
push_pem(STACK_OF(X509) * stack, struct pst_bytes file)
{
	BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
	enum pst_err err = bio != NULL ? PST_OK : PST_ERR_CRYPTO;
	int had = sk_X509_num(stack);
	X509 *x;

	ERR_clear_error();
	while (err == PST_OK) {
		x = PEM_read_bio_X509(bio, NULL, pst_pem_no_password, NULL);
		if (x == NULL)
			break;
		err = push(stack, x);
	}
	BIO_free(bio);
	if (err == PST_OK && (!pst_pem_ended() || sk_X509_num(stack) == had))
		err = PST_ERR_COSE_CERT;
	return err;
}

enum pst_err
pst_certs_push(STACK_OF(X509) * stack, struct pst_bytes file)
{
	if (file.len == 0 || file.len > INT32_MAX)
		return PST_ERR_COSE_CERT;
	if (file.ptr[0] == 0x30)
		return push(stack, pst_cert_parse(file));
	return push_pem(stack, file);
}

/* An issuer of which no CRL was given is not asked. */
static int
without_crl(int ok, X509_STORE_CTX *ctx)
{
	return ok ||
	    X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL;
}

static enum pst_err
failed(X509_STORE_CTX *ctx, const char **why)
{
	int reason = X509_STORE_CTX_get_error(ctx);

	*why = X509_verify_cert_error_string(reason);
	switch (reason) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return PST_ERR_COSE_CERT_EXPIRED;
	default:
		return PST_ERR_COSE_CERT;
	}
}

/* Both lists of certificates that may stand between, as one. */
static STACK_OF(X509) * joined(STACK_OF(X509) * a, STACK_OF(X509) * b)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	int i;

	for (i = 0; all != NULL && i < sk_X509_num(a); i++)
		(void)sk_X509_push(all, sk_X509_value(a, i));
	for (i = 0; all != NULL && i < sk_X509_num(b); i++)
		(void)sk_X509_push(all, sk_X509_value(b, i));
	return all;
}

enum pst_err
pst_cert_path(const struct pst_endorsements *e, X509 *leaf,
    STACK_OF(X509) * between, uint64_t now_s, const char **why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *all = NULL;
	X509_VERIFY_PARAM *param;
	enum pst_err err = PST_ERR_CRYPTO;
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	*why = NULL;
	if (e == NULL || e->anchor_count == 0 || now_s > INT64_MAX) {
		*why = "no trust anchor is configured";
		X509_STORE_CTX_free(ctx);
		return PST_ERR_COSE_CERT;
	}
	/* Authorities sign certificates, and nothing else. */
	if (X509_check_ca(leaf) != 0) {
		*why = "the certificate is an authority's";
		X509_STORE_CTX_free(ctx);
		return PST_ERR_COSE_CERT;
	}
	all = joined(between, e->between);
	if (ctx == NULL || all == NULL ||
	    X509_STORE_CTX_init(ctx, e->anchors, leaf, all) != 1)
		goto out;
	if (e->crl_count > 0)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* OpenSSL counts those between leaf and anchor. */
	X509_VERIFY_PARAM_set_depth(param, PST_CERT_DEPTH - 2);
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_STORE_CTX_set_verify_cb(ctx, without_crl);
	err = X509_verify_cert(ctx) == 1 ? PST_OK : failed(ctx, why);
out:
	sk_X509_free(all);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

bool
pst_cert_is_for(X509 *cert, const char *oid)
{
	EXTENDED_KEY_USAGE *list =
	    X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *want = OBJ_txt2obj(oid, 1);
	bool is = false;
	int i;

	for (i = 0; want != NULL && i < sk_ASN1_OBJECT_num(list); i++)
		is = is || OBJ_cmp(sk_ASN1_OBJECT_value(list, i), want) == 0;
	ASN1_OBJECT_free(want);
	EXTENDED_KEY_USAGE_free(list);
	ERR_clear_error();
	return is;
}

bool
pst_cert_subject_has(X509 *cert, int nid, const char *value)
{
	X509_NAME *name = X509_get_subject_name(cert);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0) {
		const ASN1_STRING *s =
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

		if (pst_equal((struct pst_bytes){ ASN1_STRING_get0_data(s),
				  (size_t)ASN1_STRING_length(s) },
			(struct pst_bytes){
			    (const uint8_t *)value, strlen(value) }))
			return true;
	}
	return false;
}

bool
pst_cert_has_crl(const struct pst_endorsements *e, X509 *cert)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(e->anchors);
	const X509_NAME *issuer = X509_get_issuer_name(cert);
	int i;

	for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509_OBJECT *o = sk_X509_OBJECT_value(objects, i);
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(o);

		if (crl != NULL &&
		    X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0)
			return true;
	}
	return false;
}

enum pst_err
pst_cert_key(X509 *cert, struct pst_pubkey *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	enum pst_err err;

	if (len <= 0)
		return PST_ERR_CRYPTO;
	err = pst_cert_public((struct pst_bytes){ der, (size_t)len }, out);
	OPENSSL_free(der);
	return err;
}

bool
pst_cert_extension(X509 *cert, const char *oid, struct pst_bytes *out)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *value;
	int at;

	if (object == NULL)
		return false;
	at = X509_get_ext_by_OBJ(cert, object, -1);
	ASN1_OBJECT_free(object);
	if (at < 0)
		return false;
	value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	out->ptr = ASN1_STRING_get0_data(value);
	out->len = (size_t)ASN1_STRING_length(value);
	return true;
}

size_t
pst_ecdsa_der(const uint8_t *r, const uint8_t *s, size_t len, uint8_t out[160])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *rn = BN_bin2bn(r, (int)len, NULL);
	BIGNUM *sn = BN_bin2bn(s, (int)len, NULL);
	int n = 0;

	if (sig == NULL || rn == NULL || sn == NULL ||
	    ECDSA_SIG_set0(sig, rn, sn) != 1) {
		BN_free(rn);
		BN_free(sn);
	} else if (i2d_ECDSA_SIG(sig, NULL) <= 160) {
		n = i2d_ECDSA_SIG(sig, &out);
	}
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

bool
pst_ecdsa_raw(struct pst_bytes der, uint8_t *raw, size_t coord_len)
{
	const uint8_t *p = der.ptr;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
	bool good = sig != NULL && p == der.ptr + der.len &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)coord_len) > 0 &&
	    BN_bn2binpad(
		ECDSA_SIG_get0_s(sig), raw + coord_len, (int)coord_len) > 0;

	ECDSA_SIG_free(sig);
	ERR_clear_error();
	return good;
}

static bool
check(EVP_MD_CTX *ctx, EVP_PKEY *key, const char *hash, int padding,
    const struct pst_bytes *parts, size_t n, struct pst_bytes signature)
{
	EVP_PKEY_CTX *pctx = NULL;
	size_t i;

	if (EVP_DigestVerifyInit_ex(ctx, &pctx, hash, NULL, NULL, key, NULL) !=
	    1)
		return false;
	if (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(pctx, padding) <= 0)
		return false;
	if (padding == RSA_PKCS1_PSS_PADDING &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_AUTO) <= 0)
		return false;
	for (i = 0; i < n; i++)
		if (EVP_DigestVerifyUpdate(ctx, parts[i].ptr, parts[i].len) !=
		    1)
			return false;
	return EVP_DigestVerifyFinal(ctx, signature.ptr, signature.len) == 1;
}

enum pst_err
pst_signature_check(EVP_PKEY *key, const char *hash, int padding,
    const struct pst_bytes *parts, size_t n, struct pst_bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	if (ctx == NULL)
		return PST_ERR_CRYPTO;
	good = key != NULL && signature.len > 0 &&
	    check(ctx, key, hash, padding, parts, n, signature);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? PST_OK : PST_ERR_COSE_SIGNATURE;
}
