/*
 * Keys of a device beside the one that signs its TEEP messages: what content
 * is encrypted to (RFC 9397, Section 9.8), and what its SUIT Reports are signed
 * with. Evidence attests them.
 *
 * In an EAT they are a claim of our Evidence profile. A native quote has room
 * for one thumbprint, that of the TEEP key: then the TEEP key, which the quote
 * attests, signs an EAT with that one claim, and this travels in the container.
 */
#ifndef POSTERN_EAT_KEYS_H
#define POSTERN_EAT_KEYS_H

#include <postern/cose.h>

/* Bytes of the claim with two keys on P-521, and of the token around it. */
#define PST_EAT_KEYS_MAX 320
#define PST_EAT_KEYS_TOKEN_MAX 640

/** kty 0: the device has none, or does not say. */
struct pst_eat_keys {
	struct pst_pubkey encryption; /* EC2, for ECDH-ES */
	struct pst_pubkey report;     /* verifies SUIT Reports */
};

/** Write the claim's value: {? 1: COSE_Key, ? 2: COSE_Key}. */
void
pst_eat_keys_encode(struct pst_cbor_writer *w, const struct pst_eat_keys *keys);

/**
 * Read it; empty bytes are no keys.
 *
 * @retval PST_ERR_EAT_CLAIM  not such a map, or a key that does not fit
 */
enum pst_err pst_eat_keys_decode(
    struct pst_bytes in, struct pst_eat_keys *out) PST_MUST_CHECK;

/** Write the token for a container: a COSE_Sign1 by the TEEP key. */
enum pst_err
pst_eat_keys_sign(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_signer *signer, struct pst_bytes keys) PST_MUST_CHECK;

/**
 * Verify such a token by the TEEP key.
 *
 * @param keys  set to the encoded claim; views token
 * @retval PST_ERR_EAT_PROFILE  it is a token of another kind
 */
enum pst_err
pst_eat_keys_open(struct pst_bytes token, const struct pst_crypto *crypto,
    const struct pst_pubkey *key, struct pst_bytes *keys) PST_MUST_CHECK;

#endif
