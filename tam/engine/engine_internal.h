/*
 * Shared by the files of the engine: one message being handled.
 */
#ifndef POSTERN_TAM_ENGINE_INTERNAL_H
#define POSTERN_TAM_ENGINE_INTERNAL_H

#include <tam/engine/engine.h>
#include <tam/engine/plan.h>

/** One call of pst_tam_message. */
struct pst_tam_turn {
	struct pst_tam_engine *e;
	struct pst_tam_output *out;
	uint64_t now_s;
	struct pst_bytes body;
	size_t scratch_len; /* used so far of out->scratch */

	struct pst_tam_appraisal appraisal;
	bool appraised; /* there was a payload, and a Verifier spoke */
	bool foreign;	/* genuine, but of another device than the sender */
	bool remedy;	/* out of policy: only what is for remediation */
	struct pst_bytes payload;  /* as it is in the message */
	struct pst_bytes evidence; /* what was appraised: payload, decrypted */
	struct pst_bytes format;   /* its media type */
	struct pst_tam_device device;

	/* set once the signature verified */
	uint32_t suite;
	struct pst_pubkey key;
	uint8_t thumbprint[PST_THUMBPRINT_LEN];
	struct pst_teep_message msg;
};

/** Answer nothing: 204, and say why in the log. */
enum pst_err pst_tam_drop(struct pst_tam_output *out, enum pst_err err,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Write the log line. */
void pst_tam_note(struct pst_tam_output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Encode m, sign it and make it the reply.
 *
 * @param suite  one suite: COSE_Sign1; 0: COSE_Sign by all
 * @param tail   bytes of scratch that are in use already
 */
enum pst_err pst_tam_send(struct pst_tam_engine *e, struct pst_tam_output *out,
    const struct pst_teep_message *m, uint32_t suite,
    size_t tail) PST_MUST_CHECK;

/** Make a QueryRequest the reply. */
enum pst_err pst_tam_query(struct pst_tam_engine *e, struct pst_tam_output *out,
    uint32_t suite, uint32_t freshness, uint64_t now_s) PST_MUST_CHECK;

/** The suites that this engine can sign with, as bits. */
uint32_t pst_tam_suites(const struct pst_tam_engine *e);

/** The freshness mechanisms that it accepts: bit n, mechanism n. */
uint32_t pst_tam_freshness(const struct pst_tam_engine *e);

/** Room in scratch behind what is used; taken by pst_tam_kept. */
void pst_tam_scratch(struct pst_tam_turn *t, struct pst_cbor_writer *w);
/** Keep what w wrote: a view that lives as long as the output. */
struct pst_bytes
pst_tam_kept(struct pst_tam_turn *t, const struct pst_cbor_writer *w);

/** pst_keys.find_secret for what agents encrypt to this TAM. */
struct pst_keys pst_tam_recipients(struct pst_tam_turn *t);

/**
 * Set t->evidence: t->payload, or what is in it when it is encrypted. It is
 * unverified bytes.
 *
 * @retval PST_ERR_COSE_KEY, _DECRYPT  it was encrypted to somebody else
 */
enum pst_err pst_tam_open_payload(struct pst_tam_turn *t) PST_MUST_CHECK;

/**
 * Make an Attestation Result of the device that was accepted, in scratch.
 *
 * @param out  empty when this TAM makes none, or none can be made
 */
enum pst_err pst_tam_result_make(
    struct pst_tam_turn *t, struct pst_bytes *out) PST_MUST_CHECK;

/* The messages of an agent; the signature verified, the device is known. */
enum pst_err pst_tam_on_response(struct pst_tam_turn *t) PST_MUST_CHECK;
enum pst_err pst_tam_on_success(struct pst_tam_turn *t) PST_MUST_CHECK;
enum pst_err pst_tam_on_error(struct pst_tam_turn *t) PST_MUST_CHECK;

#endif
