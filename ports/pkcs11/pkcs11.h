/*
 * Private keys in PKCS#11 tokens, named by URIs (RFC 7512). The key never
 * leaves its token: what leaves is the public part and signatures.
 *
 * p11-kit finds and loads the modules that the machine is configured with, or
 * the one that module-path names. A key belongs to one thread.
 */
#ifndef POSTERN_PORT_PKCS11_H
#define POSTERN_PORT_PKCS11_H

#include "ports/openssl/openssl.h"

/* A longer PIN is refused. */
#define PST_P11_PIN_MAX 255

/** Where a PIN comes from when the URI has no pin-source. */
struct pst_p11_prompt {
	void *ctx;
	/** @param token  its label, for the question; the text is not trusted
	 *  @return false when there is nobody to ask */
	bool (*ask)(
	    void *ctx, const char *token, char pin[PST_P11_PIN_MAX + 1]);
};

struct pst_p11_key;

/** Does a text begin with "pkcs11:"? */
bool pst_p11_is_uri(const char *text);

/**
 * Find the one key that a URI names and read its public part: P-256, P-384,
 * P-521 or Ed25519. Asks for no PIN unless the token hides even that.
 *
 * A PIN in the URI (pin-value) is refused: command lines are seen by others.
 * pin-source is a file: whose first line is the PIN; a program is not run.
 *
 * @param prompt  borrowed until the key is freed
 * @param why     set to a phrase for a person when it fails
 *
 * @retval PST_ERR_ARG          no URI of a key, or a PIN stands in it
 * @retval PST_ERR_NOT_FOUND    no such key, or not exactly one such token
 * @retval PST_ERR_LIMIT        more than one such key
 * @retval PST_ERR_UNSUPPORTED  a key of a kind that is not supported
 */
enum pst_err pst_p11_open(const char *uri, const struct pst_p11_prompt *prompt,
    struct pst_p11_key **out, const char **why) PST_MUST_CHECK;
/** Logs out, wipes and frees; accepts NULL and clears the pointer. */
void pst_p11_free(struct pst_p11_key **key);

void pst_p11_public(const struct pst_p11_key *key, struct pst_pubkey *out);

/**
 * Log in and find the private part, once. A wrong PIN is tried once only: a
 * token counts them.
 *
 * @retval PST_ERR_COSE_KEY  no PIN, a wrong one, or no private key
 */
enum pst_err
pst_p11_unlock(struct pst_p11_key *key, const char **why) PST_MUST_CHECK;

/** The path of pin-source, or NULL. */
const char *pst_p11_pin_file(const struct pst_p11_key *key);

/**
 * Take the key into a port, which signs with it as with one of its own and
 * then owns it: it is freed with the port.
 */
enum pst_err pst_p11_add(struct pst_openssl *port, struct pst_p11_key *key,
    uint32_t *number) PST_MUST_CHECK;

#endif
