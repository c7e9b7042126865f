/*
 * Certificates, CRLs and plain signatures of vendors' chains, for the files of
 * verifier/ only. Keys here may be RSA, which no COSE key of this project is.
 */
#ifndef PST_VERIFIER_CERT_H
#define PST_VERIFIER_CERT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <postern/cose.h>

#include "endorsements.h"

/* Certificates that come with one piece of Evidence, leaf included. */
#define PST_CERTS_MAX 8
/* Longest path: leaf, three between, anchor. */
#define PST_CERT_DEPTH 5

/** Kept in endorsements.c; the verifier's files read it. */
struct pst_endorsements {
	X509_STORE *anchors;	  /* with the CRLs */
	STACK_OF(X509) * between; /* help to reach an anchor */
	size_t anchor_count;
	size_t crl_count;
	struct pst_bytes collateral[PST_COLLATERAL_MAX]; /* owned */
	size_t collateral_count;
	struct pst_rule *rules; /* policy.c */
	size_t rule_count;
	uint64_t rules_from_s, rules_until_s; /* of CoRIMs; 0: for ever */
	struct pst_pubkey *keys; /* attestation keys out of CoRIMs; owned */
	size_t key_count;
	size_t passed_over; /* values of CoRIMs that nothing here uses */
	const struct pst_crypto *crypto;
	const struct pst_keys *authors; /* of signed CoRIMs; NULL: none */
};

/** One certificate in DER; NULL when it is none. Freed by X509_free. */
X509 *pst_cert_parse(struct pst_bytes der);

/** Push all certificates of PEM text, at least one, or one of DER. */
enum pst_err
pst_certs_push(STACK_OF(X509) * stack, struct pst_bytes file) PST_MUST_CHECK;

/** Nobody is asked for the password of a PEM file that is encrypted. */
int pst_pem_no_password(char *buf, int size, int writing, void *ctx);

/** Is the end of the file why the last read of PEM found nothing? */
bool pst_pem_ended(void);

/**
 * Is there a path from leaf to an anchor at now_s (RFC 5280)? Unknown critical
 * extensions and algorithms under 112 bits are refused, and a leaf that is an
 * authority's. Where there is a CRL
 * of an issuer on the path it is asked, and must be current.
 *
 * @param between  more certificates that came with the Evidence; may be NULL
 * @param anchor   set to the anchor's subject's certificate when not NULL;
 *                 valid while e is
 * @retval PST_ERR_COSE_CERT          no path; or one is revoked
 * @retval PST_ERR_COSE_CERT_EXPIRED  a certificate or CRL is not valid now
 */
enum pst_err pst_cert_path(const struct pst_endorsements *e, X509 *leaf,
    STACK_OF(X509) * between, uint64_t now_s, const char **why) PST_MUST_CHECK;

/** Is this purpose (dotted OID) in the certificate's extended key usage? */
bool pst_cert_is_for(X509 *cert, const char *oid);

/** Does its subject have this attribute, once or more? */
bool pst_cert_subject_has(X509 *cert, int nid, const char *value);

/** Does this CRL set have one of the certificate's issuer? */
bool pst_cert_has_crl(const struct pst_endorsements *e, X509 *cert);

/** The certificate's key as COSE sees it. */
enum pst_err pst_cert_key(X509 *cert, struct pst_pubkey *out) PST_MUST_CHECK;

/**
 * Content of the extension with this dotted OID, DER.
 *
 * @return false when it has none
 */
bool pst_cert_extension(X509 *cert, const char *oid, struct pst_bytes *out);

/** DER of an ECDSA signature from two big-endian numbers of len bytes. */
size_t
pst_ecdsa_der(const uint8_t *r, const uint8_t *s, size_t len, uint8_t out[160]);

/** The two numbers of a DER signature, each coord_len bytes, big-endian. */
bool pst_ecdsa_raw(struct pst_bytes der, uint8_t *raw, size_t coord_len);

/**
 * A signature over the parts: ECDSA in DER, or RSA with `padding`.
 *
 * @param hash     "SHA256" …
 * @param padding  RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING; 0 for EC
 * @retval PST_ERR_COSE_SIGNATURE  does not verify
 */
enum pst_err pst_signature_check(EVP_PKEY *key, const char *hash, int padding,
    const struct pst_bytes *parts, size_t n,
    struct pst_bytes signature) PST_MUST_CHECK;

#endif
