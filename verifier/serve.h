/*
 * The Verifier as a service: the challenge-response API of Veraison, so that
 * every client of that API is one of this (docs/attestation.md). A session is
 * a nonce, then Evidence, then an EAR as a JWT; it is dropped after
 * PST_VERIFIER_SESSION_S.
 */
#ifndef POSTERN_VERIFIER_SERVE_H
#define POSTERN_VERIFIER_SERVE_H

#include "ear.h"

#define PST_VERIFIER_SESSION_S 150
#define PST_VERIFIER_SESSIONS_MAX 4096
#define PST_VERIFIER_EVIDENCE_MAX ((size_t)1 << 20) /* bytes */
/* Of one address (IPv4), or one network of 64 bits (IPv6). */
#define PST_VERIFIER_PER_ADDRESS_MAX 512
#define PST_VERIFIER_CONNECTIONS_MAX 256 /* of one address a quarter */
#define PST_VERIFIER_REQUEST_S 30	 /* for a client to send a body */
#define PST_VERIFIER_DRAIN_S 5		 /* at the end, to answer */
/* Bytes of Evidence, in base64, that sessions hold to show it again. */
#define PST_VERIFIER_HELD_MAX ((size_t)64 << 20)

struct pst_verifier_service;

struct pst_verifier_serve {
	int listen_fd; /* bound and listening; kept open by the service */
	const char *cert, *key_pem;	     /* PEM text; NULL: no TLS. Kept. */
	const struct pst_verifier *verifier; /* used by one thread. Kept. */
	/* has the key that signs the results; may be the verifier's own. */
	const struct pst_crypto *crypto;
	const struct pst_signer *signer;     /* kept */
	const struct pst_pubkey *signer_pub; /* told to clients. Kept. */
	const char *developer, *build;	     /* kept */
	uint64_t lifetime_s;		     /* of a result */
	/* Called after each appraisal, in the service's thread; may be NULL. */
	void (*log)(void *ctx, const struct pst_appraisal *a);
	void *log_ctx;
};

/**
 * Start serving, in a thread of its own.
 *
 * @retval PST_ERR_IO  the socket, the certificate or a thread
 */
enum pst_err pst_verifier_start(struct pst_verifier_service **out,
    const struct pst_verifier_serve *config) PST_MUST_CHECK;

/** Finish the requests under way and free; clears the caller's pointer. */
void pst_verifier_stop(struct pst_verifier_service **service);

#endif
