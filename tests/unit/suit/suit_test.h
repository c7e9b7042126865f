/*
 * What the SUIT tests share: a crypto port, the test signer's key, vectors.
 */
#ifndef SUIT_TEST_H
#define SUIT_TEST_H

#include <postern/suit.h>
#include <postern/suit_encode.h>

#include "ports/openssl/openssl.h"
#include "test.h"
#include "world.h"

struct fixture {
	struct pst_openssl *port;
	const struct pst_crypto *crypto;
	struct pst_pubkey pub; /* ESP256, the test signer */
	struct pst_signer signer;
	struct pst_signer mac; /* HMAC 256/256 */
	struct pst_keys keys;
};

/** One for the program. Ends it when the port cannot be had. */
struct fixture *fixture(void);

/** Decode and authenticate; PST_OK, or the first error. */
enum pst_err authentic(struct pst_bytes in, struct pst_suit_manifest *m);

/** Decode and accept. */
enum pst_err accepted(struct pst_bytes in, struct pst_suit_manifest *m);

/** A component identifier of one part, in static memory. */
struct pst_bytes component_id(const char *part);

#define B(s) PST_BYTES_LIT(s)

#endif
