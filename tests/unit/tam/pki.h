/* A vendor's certificates for tests, made afresh with test keys. */
#ifndef POSTERN_TEST_TAM_PKI_H
#define POSTERN_TEST_TAM_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <postern/base.h>

/* What a certificate is to be. */
struct pki_wanted {
	const char *name;
	bool ca;
	uint64_t from_s, until_s;
	/* more extensions: dotted OID and DER content; ended by NULL */
	const struct pki_extension {
		const char *oid;
		struct pst_bytes der;
	} * extensions;
};

/** Issued by issuer and its key; both NULL: self-signed. NULL: it failed. */
X509 *pki_certificate(const struct pki_wanted *w, EVP_PKEY *key, X509 *issuer,
    EVP_PKEY *issuer_key);

/** DER into buf; empty when it does not fit. */
struct pst_bytes pki_der(X509 *cert, uint8_t *buf, size_t cap);

/** DER of a CRL of issuer that revokes cert, or nothing when it is NULL. */
struct pst_bytes pki_crl(X509 *issuer, EVP_PKEY *key, X509 *cert,
    uint64_t from_s, uint64_t until_s, uint8_t *buf, size_t cap);

#endif
