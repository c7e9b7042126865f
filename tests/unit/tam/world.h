/*
 * A TAM and its devices for tests: engine, store in a temporary folder, keys
 * made afresh, and agents whose messages are scripted with the core's
 * encoders. Evidence is a test technology: a COSE_Sign1 by the attestation
 * key over [nonce / null, COSE_Key, verdict, iat].
 */
#ifndef POSTERN_TEST_TAM_WORLD_H
#define POSTERN_TEST_TAM_WORLD_H

#include <ports/openssl/openssl.h>
#include <postern/suit_report.h>
#include <tam/store/store.h>
#include <tam/store/store_internal.h>

#include "test.h"

#define WORLD_BUFFER 65536

struct agent {
	struct pst_signer attester; /* of Evidence */
	struct pst_pubkey attester_pub;
	struct pst_signer signer; /* of TEEP messages */
	struct pst_pubkey pub;
	/* what it says */
	struct pst_cbor_writer tc, requested, unneeded;
	size_t tc_count, requested_count, unneeded_count;
	uint8_t tc_buf[8192], requested_buf[1024], unneeded_buf[1024];
};

struct world {
	char dir[64];
	char db[96];
	struct pst_openssl *openssl;
	const struct pst_crypto *crypto;
	struct pst_tam_store *store;
	struct pst_tam_reader *reader;
	struct pst_tam_records records;
	struct pst_tam_appraiser appraiser;
	struct pst_tam_engine engine;
	struct pst_pubkey tam_pub[2];
	uint64_t now_s;
	struct pst_tam_output out;
	enum pst_err committed; /* of the last delivery */
	unsigned commits;	/* lists of changes that were applied */
	/* the reply, taken apart */
	struct pst_cose_message cose;
	struct pst_verified verified;
	struct pst_teep_message msg;
	size_t signatures;
	uint8_t reply[WORLD_BUFFER];
	uint8_t body[WORLD_BUFFER]; /* what agents send */
	/* Evidence that the next response carries */
	bool no_nonce, no_evidence, no_format, verdict_bad, with_token;
	bool appraise_later;
	bool out_of_policy; /* what verdict_bad means */
	uint64_t iat;
	uint8_t digest_salt; /* to publish more than 256 manifests */
	const struct agent *evidence_of; /* another agent's; NULL: its own */
	const struct pst_pubkey *evidence_to; /* it is encrypted; NULL: not */
	struct pst_bytes device_keys;	      /* that it attests */
	/* how agents protect their reports, and the TAM's key for secrets */
	struct pst_suit_report_cover cover;
	struct pst_pubkey encryption_pub;
};

bool world_open(struct world *w);
void world_close(struct world *w);
/** Close the store and open it again, as a restart does. */
bool world_restart(struct world *w);

/** A fresh agent with the given suite's algorithm. */
bool agent_new(struct world *w, struct agent *a, int32_t alg);
/** The world's Verifier believes this agent's attestation key. */
bool world_knows(const struct agent *a);
/** Likewise, and enrolled under this name. */
bool
agent_enroll(struct world *w, struct agent *a, int32_t alg, const char *name);
void agent_forget(struct agent *a); /* lists are empty again */
void agent_has(struct agent *a, struct pst_bytes id, struct pst_bytes digest);
void agent_wants(struct agent *a, struct pst_bytes id);
void agent_unneeds(struct agent *a, struct pst_bytes id);

/** Empty POST; the reply is decoded into w->msg. */
bool world_connect(struct world *w, uint32_t suite);
/** Hand a body to the engine, commit, decode the reply if there is one. */
bool world_deliver(struct world *w, struct pst_bytes body);

/** Bodies; each views w->body. */
struct pst_bytes
agent_response(struct world *w, struct agent *a, struct pst_bytes challenge);
struct pst_bytes agent_sign(
    struct world *w, const struct agent *a, const struct pst_teep_message *m);
/** Success, or with err_code an Error, with a SUIT Report for digest. */
struct pst_bytes
agent_answer(struct world *w, const struct agent *a, struct pst_bytes token,
    uint32_t err_code, struct pst_bytes digest, struct pst_bytes nonce);

/** connect, respond, deliver: ends with the TAM's reply in w. */
bool world_session(struct world *w, struct agent *a);

/** Component [text], and [text, 'manifest']; encoded, static storage of 8. */
struct pst_bytes component(const char *text);
struct pst_bytes manifest_of(const char *text);
/** A digest made of one repeated byte, likewise. */
struct pst_bytes digest_of(uint8_t byte);
/** Publish [text] at a sequence number, past the checks of publish. */
bool world_publish(struct world *w, const char *text, uint64_t sequence,
    uint8_t digest, size_t envelope_len);
bool world_assign(struct world *w, const char *text, bool on_request);
/** For devices that are out of policy as well. */
bool world_assign_remedy(struct world *w, const char *text);

#endif
