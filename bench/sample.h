/*
 * What is measured: messages and a manifest of ordinary size, made with fresh
 * keys, so that the suite needs no files.
 */
#ifndef POSTERN_BENCH_SAMPLE_H
#define POSTERN_BENCH_SAMPLE_H

#include <postern/teep.h>

#include "ports/openssl/openssl.h"

enum sample_message {
	SAMPLE_QUERY_REQUEST,
	SAMPLE_QUERY_RESPONSE,
	SAMPLE_UPDATE,
	SAMPLE_SUCCESS,
	SAMPLE_ERROR,
	SAMPLE_COUNT
};

struct sample {
	struct pst_openssl *port;
	const struct pst_crypto *crypto;
	struct pst_signer esp256, ed25519;
	struct pst_pubkey esp256_pub, ed25519_pub;
	struct pst_teep_message message[SAMPLE_COUNT];
	struct pst_bytes encoded[SAMPLE_COUNT];
	struct pst_bytes envelope; /* signed with esp256 */
	struct pst_bytes payload;  /* that it installs */
};

/** The one sample of the program, made at the first call. */
const struct sample *sample(void);

/** A key source that gives the two keys. */
extern const struct pst_keys sample_keys;

const char *sample_name(enum sample_message m);

#endif
