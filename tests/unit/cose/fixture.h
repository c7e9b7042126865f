/*
 * A port with fresh keys of every kind, and a key source that gives them.
 */
#ifndef POSTERN_COSE_FIXTURE_H
#define POSTERN_COSE_FIXTURE_H

#include "ports/openssl/openssl.h"

enum { KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_HMAC, KEY_COUNT };

struct fixture {
	struct pst_openssl *port;
	const struct pst_crypto *crypto;
	uint32_t number[KEY_COUNT];
	struct pst_pubkey pub[KEY_COUNT];
	struct pst_keys keys; /* gives every key; ctx is the fixture */
};

/* Ends the program when it cannot be made. */
void fixture_init(struct fixture *f);
void fixture_wipe(struct fixture *f);
/* A signer of one of the keys; alg 0: the key's default. */
struct pst_signer fixture_signer(struct fixture *f, int key, int32_t alg);

#endif
