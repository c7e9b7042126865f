/*
 * PEM: PKCS #8, SEC 1 and SubjectPublicKeyInfo, written as the first and the
 * last of these.
 */
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <string.h>

#include "internal.h"

/* OpenSSL asks for a pass phrase; there is nobody to ask. */
static int
no_password(char *buf, int size, int rw, void *asked)
{
	(void)buf;
	(void)size;
	(void)rw;
	*(bool *)asked = true;
	return -1;
}

static bool
mentions(struct pst_bytes in, const char *text)
{
	return memmem(in.ptr, in.len, text, strlen(text)) != NULL;
}

static EVP_PKEY *
read_pkey(struct pst_bytes in, bool secret, bool *encrypted)
{
	BIO *bio = BIO_new_mem_buf(in.ptr, (int)in.len);
	EVP_PKEY *pkey = NULL;

	if (bio == NULL)
		return NULL;
	if (secret)
		pkey =
		    PEM_read_bio_PrivateKey(bio, NULL, no_password, encrypted);
	else
		pkey = PEM_read_bio_PUBKEY(bio, NULL, no_password, encrypted);
	BIO_free(bio);
	return pkey;
}

enum pst_err
pst_key_from_pem(struct pst_bytes in, struct pst_key *out, const char **why)
{
	bool secret = mentions(in, "PRIVATE KEY-----");
	bool encrypted = false;
	EVP_PKEY *pkey;
	enum pst_err err;

	if (!secret && !mentions(in, "PUBLIC KEY-----")) {
		*why = mentions(in, "CERTIFICATE-----")
		    ? "a certificate, where a key is wanted"
		    : "PEM, but not of a key";
		return PST_ERR_COSE_KEY_FORMAT;
	}
	if (in.len > INT32_MAX)
		return PST_ERR_LIMIT;
	pkey = read_pkey(in, secret, &encrypted);
	if (pkey == NULL && encrypted) {
		*why = "the key is encrypted with a pass phrase";
		return PST_ERR_UNSUPPORTED;
	}
	if (pkey == NULL) {
		*why = "the key is damaged or of an unknown kind";
		return PST_ERR_COSE_KEY_FORMAT;
	}
	err = pst_pkey_export(pkey, secret, out, why);
	EVP_PKEY_free(pkey);
	return err;
}

static bool
write_pkey(BIO *bio, EVP_PKEY *pkey, bool secret)
{
	if (secret)
		return PEM_write_bio_PKCS8PrivateKey(
			   bio, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	return PEM_write_bio_PUBKEY(bio, pkey) == 1;
}

enum pst_err
pst_key_to_pem(const struct pst_key *key, bool secret, uint8_t *out, size_t cap,
    size_t *len)
{
	EVP_PKEY *pkey;
	BIO *bio;
	char *data = NULL;
	long n = 0;
	enum pst_err err = PST_ERR_CRYPTO;

	if (key->pub.kty == PST_KTY_SYMMETRIC)
		return PST_ERR_UNSUPPORTED;
	pkey = secret ? pst_pkey_private(key) : pst_pkey_public(&key->pub);
	bio = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem());
	if (pkey == NULL)
		err = PST_ERR_COSE_KEY_FORMAT;
	else if (bio != NULL && write_pkey(bio, pkey, secret))
		n = BIO_get_mem_data(bio, &data);
	if (n > 0 && (size_t)n > cap) {
		err = PST_ERR_SPACE;
	} else if (n > 0) {
		memcpy(out, data, (size_t)n);
		*len = (size_t)n;
		err = PST_OK;
	}
	if (secret && n > 0)
		OPENSSL_cleanse(data, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return err;
}
