/*
 * A session of the challenge-response API (docs/attestation.md), as JSON: what
 * the service and its client have in common.
 */
#ifndef POSTERN_VERIFIER_SESSION_H
#define POSTERN_VERIFIER_SESSION_H

#include <jansson.h>

#include <postern/eat.h>

#define PST_SESSION_API "/challenge-response/v1/"
#define PST_SESSION_TYPE \
	"application/vnd.veraison.challenge-response-session+json"

/* A nonce in base64url with its terminating zero. */
#define PST_SESSION_NONCE_TEXT ((4 * PST_EAT_NONCE_MAX + 2) / 3 + 1)

enum pst_session_status {
	PST_SESSION_WAITING,	/* for Evidence */
	PST_SESSION_PROCESSING, /* its result comes later */
	PST_SESSION_COMPLETE,
	PST_SESSION_FAILED
};

/** A session that was read. Free with pst_session_free. */
struct pst_session {
	enum pst_session_status status;
	uint8_t nonce[PST_EAT_NONCE_MAX];
	size_t nonce_len;
	struct pst_bytes result; /* the EAR, a JWT; empty: there is none */
	json_t *root;		 /* owned; what the views view */
};

/**
 * Read what a Verifier answered: hostile bytes of any length.
 *
 * @param out  to be freed after PST_OK; otherwise empty
 * @retval PST_ERR_EAT_CLAIM  not a session: a member is missing or ill-typed
 */
enum pst_err
pst_session_read(struct pst_bytes json, struct pst_session *out) PST_MUST_CHECK;

void pst_session_free(struct pst_session *s);

/** Does the session's "accept" list have this media type? */
bool pst_session_accepts(const struct pst_session *s, struct pst_bytes format);

/** Write a nonce in base64url, unpadded. */
void pst_session_nonce_text(
    struct pst_bytes nonce, char out[PST_SESSION_NONCE_TEXT]);

/**
 * Read a nonce of PST_EAT_NONCE_MIN to PST_EAT_NONCE_MAX bytes, in base64 of
 * either alphabet, padded or not.
 */
bool pst_session_nonce_read(const char *text, uint8_t out[PST_EAT_NONCE_MAX],
    size_t *len) PST_MUST_CHECK;

#endif
