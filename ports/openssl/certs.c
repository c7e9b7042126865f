/*
 * Certificate files, for trust anchors and x5chain.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static enum pst_err
keep(struct pst_certs *certs, X509 *x, const char **why)
{
	uint8_t *der = NULL;
	int len;

	if (certs->count == PST_X5CHAIN_MAX) {
		*why = "more certificates than a chain may have";
		return PST_ERR_LIMIT;
	}
	len = i2d_X509(x, &der);
	if (len <= 0)
		return PST_ERR_CRYPTO;
	certs->cert[certs->count].ptr = der;
	certs->cert[certs->count].len = (size_t)len;
	certs->count++;
	return PST_OK;
}

static enum pst_err
from_pem(BIO *bio, struct pst_certs *out, const char **why)
{
	enum pst_err err = PST_OK;
	unsigned long reason;
	X509 *x;

	while (err == PST_OK) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (x == NULL)
			break;
		err = keep(out, x, why);
		X509_free(x);
	}
	if (err != PST_OK)
		return err;
	/* The end of the file is the only good reason to stop. */
	reason = ERR_peek_last_error();
	if (ERR_GET_LIB(reason) != ERR_LIB_PEM ||
	    ERR_GET_REASON(reason) != PEM_R_NO_START_LINE) {
		*why = "a certificate is damaged";
		return PST_ERR_COSE_CERT;
	}
	return PST_OK;
}

static enum pst_err
from_der(struct pst_bytes in, struct pst_certs *out, const char **why)
{
	const uint8_t *p = in.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)in.len);
	enum pst_err err = PST_ERR_COSE_CERT;

	*why = "neither PEM nor DER of a certificate";
	if (x != NULL && p == in.ptr + in.len)
		err = keep(out, x, why);
	X509_free(x);
	return err;
}

enum pst_err
pst_certs_parse(struct pst_bytes in, struct pst_certs *out, const char **why)
{
	const char *unused;
	enum pst_err err;
	BIO *bio;

	if (why == NULL)
		why = &unused;
	*why = "no certificate";
	memset(out, 0, sizeof(*out));
	if (in.len == 0 || in.len > INT32_MAX)
		return PST_ERR_COSE_CERT;
	ERR_clear_error();
	if (in.ptr[0] == 0x30) {
		err = from_der(in, out, why);
	} else {
		bio = BIO_new_mem_buf(in.ptr, (int)in.len);
		err = bio != NULL ? from_pem(bio, out, why) : PST_ERR_CRYPTO;
		BIO_free(bio);
	}
	if (err == PST_OK && out->count == 0)
		err = PST_ERR_COSE_CERT;
	if (err != PST_OK)
		pst_certs_free(out);
	ERR_clear_error();
	return err;
}

enum pst_err
pst_certs_read(const char *path, struct pst_certs *out, const char **why)
{
	const char *unused;
	uint8_t *data;
	size_t len = 0;
	enum pst_err err;

	if (why == NULL)
		why = &unused;
	memset(out, 0, sizeof(*out));
	err = pst_file_read(path, PST_KEY_FILE_MAX, &data, &len, why);
	if (err != PST_OK)
		return err;
	err = pst_certs_parse((struct pst_bytes){ data, len }, out, why);
	free(data);
	return err;
}

enum pst_err
pst_cert_public(struct pst_bytes der, struct pst_pubkey *out)
{
	const uint8_t *p = der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	enum pst_err err = PST_ERR_COSE_CERT;
	struct pst_key key;
	const char *why;

	if (x != NULL && X509_get0_pubkey(x) != NULL)
		err = pst_pkey_export(X509_get0_pubkey(x), false, &key, &why);
	if (err == PST_OK)
		*out = key.pub;
	X509_free(x);
	ERR_clear_error();
	return err;
}

void
pst_certs_free(struct pst_certs *certs)
{
	size_t i;

	for (i = 0; i < certs->count; i++) {
		/* i2d allocated it; the view is const, the bytes are ours. */
		union {
			const uint8_t *view;
			uint8_t *own;
		} p = { certs->cert[i].ptr };

		OPENSSL_free(p.own);
	}
	memset(certs, 0, sizeof(*certs));
}

void
pst_certs_x5chain(struct pst_cbor_writer *w, const struct pst_certs *certs)
{
	size_t i;

	if (certs->count != 1)
		pst_cbor_put_array(w, certs->count);
	for (i = 0; i < certs->count; i++)
		pst_cbor_put_bstr(w, certs->cert[i]);
}
