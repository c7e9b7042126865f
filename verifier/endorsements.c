/*
 * The Verifier's own files, told apart by their content.
 */
#include "endorsements.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cert.h"
#include "corim.h"
#include "dcap.h"
#include "policy.h"

/* The longest file: an event log may have a megabyte, a CRL more. */
#define FILE_MAX (8u << 20)

struct pst_endorsements *
pst_endorsements_new(void)
{
	struct pst_endorsements *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->anchors = X509_STORE_new();
	e->between = sk_X509_new_null();
	if (e->anchors == NULL || e->between == NULL)
		pst_endorsements_free(&e);
	return e;
}

static void
drop(struct pst_bytes owned)
{
	union {
		const uint8_t *view;
		uint8_t *own;
	} p = { owned.ptr };

	free(p.own);
}

void
pst_endorsements_free(struct pst_endorsements **ref)
{
	struct pst_endorsements *e = *ref;
	size_t i;

	*ref = NULL;
	if (e == NULL)
		return;
	X509_STORE_free(e->anchors);
	sk_X509_pop_free(e->between, X509_free);
	for (i = 0; i < e->collateral_count; i++)
		drop(e->collateral[i]);
	pst_rules_free(e);
	free(e->keys);
	free(e);
}

static bool
starts(struct pst_bytes file, const char *with)
{
	return file.len >= strlen(with) &&
	    memcmp(file.ptr, with, strlen(with)) == 0;
}

/* PEM may begin with text for people. */
static bool
has(struct pst_bytes file, const char *what)
{
	return memmem(file.ptr, file.len, what, strlen(what)) != NULL;
}

static enum pst_err
add_crl(struct pst_endorsements *e, X509_CRL *crl)
{
	bool added = crl != NULL && X509_STORE_add_crl(e->anchors, crl) == 1;

	X509_CRL_free(crl);
	ERR_clear_error();
	if (!added)
		return PST_ERR_COSE_CERT;
	e->crl_count++;
	return PST_OK;
}

static enum pst_err
add_crls_pem(struct pst_endorsements *e, struct pst_bytes file)
{
	BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
	enum pst_err err = bio != NULL ? PST_OK : PST_ERR_CRYPTO;
	size_t had = e->crl_count;
	X509_CRL *crl;

	ERR_clear_error();
	while (err == PST_OK) {
		crl =
		    PEM_read_bio_X509_CRL(bio, NULL, pst_pem_no_password, NULL);
		if (crl == NULL)
			break;
		err = add_crl(e, crl);
		ERR_clear_error();
	}
	BIO_free(bio);
	/* A CRL that is passed over revokes nothing. */
	if (err == PST_OK && (!pst_pem_ended() || e->crl_count == had))
		err = PST_ERR_COSE_CERT;
	return err;
}

enum pst_err
pst_endorsements_crl(struct pst_endorsements *e, struct pst_bytes der)
{
	const uint8_t *p = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);

	if (crl != NULL && p != der.ptr + der.len) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	ERR_clear_error();
	return add_crl(e, crl);
}

static bool
is_crl(struct pst_bytes der)
{
	const uint8_t *p = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	bool is = crl != NULL;

	X509_CRL_free(crl);
	ERR_clear_error();
	return is;
}

static enum pst_err
add_anchors(struct pst_endorsements *e, struct pst_bytes file)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	enum pst_err err = PST_ERR_CRYPTO;
	int i;

	if (certs != NULL)
		err = pst_certs_push(certs, file);
	for (i = 0; err == PST_OK && i < sk_X509_num(certs); i++) {
		if (X509_STORE_add_cert(e->anchors, sk_X509_value(certs, i)) !=
		    1)
			err = PST_ERR_CRYPTO;
		e->anchor_count++;
	}
	if (err == PST_OK && sk_X509_num(certs) == 0)
		err = PST_ERR_COSE_CERT;
	sk_X509_pop_free(certs, X509_free);
	return err;
}

static enum pst_err
keep(struct pst_endorsements *e, struct pst_bytes file)
{
	uint8_t *copy;

	if (e->collateral_count == PST_COLLATERAL_MAX)
		return PST_ERR_LIMIT;
	copy = malloc(file.len);
	if (copy == NULL)
		return PST_ERR_LIMIT;
	memcpy(copy, file.ptr, file.len);
	e->collateral[e->collateral_count++] =
	    (struct pst_bytes){ copy, file.len };
	return PST_OK;
}

static enum pst_err
add_collateral(struct pst_endorsements *e, struct pst_bytes file)
{
	const uint8_t *p = file.ptr;
	X509 *cert = NULL;
	enum pst_err err;

	if (starts(file, "{")) {
		err = pst_dcap_bundle(e, file);
		return err == PST_OK ? keep(e, file) : err;
	}
	if (has(file, "-----BEGIN X509 CRL-----")) {
		err = add_crls_pem(e, file);
		if (err != PST_OK || !has(file, "-----BEGIN CERTIFICATE-----"))
			return err;
	}
	if (has(file, "-----BEGIN CERTIFICATE-----"))
		return pst_certs_push(e->between, file);
	if (file.ptr[0] == 0x30 && is_crl(file))
		return pst_endorsements_crl(e, file);
	if (file.ptr[0] == 0x30)
		cert = d2i_X509(NULL, &p, (long)file.len);
	X509_free(cert);
	ERR_clear_error();
	if (cert != NULL && p == file.ptr + file.len)
		return pst_certs_push(e->between, file);
	return keep(e, file);
}

enum pst_err
pst_endorsements_add(struct pst_endorsements *e, enum pst_endorsement_use use,
    struct pst_bytes file, const char **why)
{
	const char *unused;

	if (why == NULL)
		why = &unused;
	*why = "empty, or too long";
	if (file.len == 0 || file.len > FILE_MAX)
		return PST_ERR_LIMIT;
	switch (use) {
	case PST_ENDORSE_ANCHOR:
		*why = "not a certificate, or a damaged one";
		return add_anchors(e, file);
	case PST_ENDORSE_REFERENCE:
		return pst_corim_is(file) ? pst_corim_add(e, file, why)
					  : pst_rules_parse(e, file, why);
	default:
		*why = "a damaged certificate or CRL, or too many files";
		return add_collateral(e, file);
	}
}

void
pst_endorsements_authors(struct pst_endorsements *e,
    const struct pst_crypto *crypto, const struct pst_keys *authors)
{
	e->crypto = crypto;
	e->authors = authors;
}

const struct pst_pubkey *
pst_endorsements_key(const struct pst_endorsements *e, size_t n)
{
	return n < e->key_count ? &e->keys[n] : NULL;
}

size_t
pst_endorsements_passed_over(const struct pst_endorsements *e)
{
	return e->passed_over;
}

size_t
pst_endorsements_crls(const struct pst_endorsements *e)
{
	return e->crl_count;
}

static enum pst_err
give_der(X509 *cert, void (*each)(void *ctx, struct pst_bytes der), void *ctx)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len <= 0)
		return PST_ERR_COSE_CERT;
	each(ctx, (struct pst_bytes){ der, (size_t)len });
	OPENSSL_free(der);
	return PST_OK;
}

enum pst_err
pst_endorsements_certificates(struct pst_bytes file,
    void (*each)(void *ctx, struct pst_bytes der), void *ctx)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	enum pst_err err = PST_ERR_CRYPTO;
	int i;

	if (certs != NULL)
		err = pst_certs_push(certs, file);
	for (i = 0; err == PST_OK && i < sk_X509_num(certs); i++)
		err = give_der(sk_X509_value(certs, i), each, ctx);
	sk_X509_pop_free(certs, X509_free);
	return err;
}
