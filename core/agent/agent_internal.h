/*
 * Between the files of core/agent.
 */
#ifndef PST_AGENT_INTERNAL_H
#define PST_AGENT_INTERNAL_H

#include <postern/agent_state.h>

#include "agent/registry.h"
#include "pst_internal.h"

#define PST_NOTHING ((struct pst_bytes){ NULL, 0 })

/* --- agent.c: the registry and the store -------------------------------- */

/** Forget changes to a->registry: load what the store has. */
void pst_agent_reload(struct pst_agent *a);

/** Commit a->registry; on failure load again what the store has. */
enum pst_err pst_agent_commit(struct pst_agent *a) PST_MUST_CHECK;

/** Commit a->staged and make it the registry; as above on failure. */
enum pst_err pst_agent_commit_staged(struct pst_agent *a) PST_MUST_CHECK;

/** Remove objects that no record names. Not while an Update is active. */
void pst_agent_collect(struct pst_agent *a);

/** A fresh object number. */
uint64_t pst_agent_object(struct pst_agent *a);

/** Write one finished object. */
enum pst_err pst_agent_object_store(
    struct pst_agent *a, uint64_t id, struct pst_bytes content) PST_MUST_CHECK;

/** Read a whole object into out. */
enum pst_err pst_agent_object_load(struct pst_agent *a, uint64_t id,
    uint8_t *out, size_t cap, size_t *len) PST_MUST_CHECK;

struct pst_bytes pst_agent_tam_name(const struct pst_agent *a, uint32_t tam);

/** SHA-256 of some bytes. */
enum pst_err pst_agent_sha256(const struct pst_agent *a, struct pst_bytes in,
    uint8_t out[32]) PST_MUST_CHECK;

/* --- keys.c: anchors and scopes ----------------------------------------- */

bool
pst_agent_scope_covers(const struct pst_agent_scope *s, struct pst_bytes id);
/** Does the scope let this command, or parameter, be used on a component? */
bool pst_agent_scope_allows(const struct pst_agent_scope *s,
    struct pst_bytes id, bool parameter, int64_t label);
bool pst_agent_tam_covers(
    const struct pst_agent *a, uint32_t tam, struct pst_bytes id);

/** Where keys for the message of session a->tam come from. */
struct pst_keys pst_agent_tam_keys(struct pst_agent *a);
/**
 * Where keys for manifests come from: find those that verify, find_secret
 * those that check a MAC or that content is encrypted to.
 */
struct pst_keys pst_agent_signer_keys(struct pst_agent *a);

/** Was the verified message signed by a key out of a certificate? */
bool pst_agent_by_certificate(const struct pst_agent *a);

/* --- answer.c ----------------------------------------------------------- */

/** Begin a->answer. */
void pst_agent_answer_begin(struct pst_agent *a, enum pst_teep_type type);
void pst_agent_answer_token(struct pst_agent *a, struct pst_bytes token);

/**
 * Encode and sign a->answer and make it the effect. Its lists may live in
 * memory.out; memory.message is overwritten.
 */
enum pst_err pst_agent_send(struct pst_agent *a, uint32_t tam,
    struct pst_agent_out *out) PST_MUST_CHECK;

/** Begin an Error message: code, text and the lists that the code needs. */
void pst_agent_error_begin(struct pst_agent *a, enum pst_err err);

/** Answer with an Error message for err, or with nothing when that is due. */
enum pst_err pst_agent_refuse(struct pst_agent *a, enum pst_err err,
    bool authentic, struct pst_agent_out *out) PST_MUST_CHECK;

/** Tell the host to connect to this TAM. */
void
pst_agent_connect(struct pst_agent *a, uint32_t tam, struct pst_agent_out *out);

/* --- message.c ---------------------------------------------------------- */

/**
 * Verify memory.message[0..len) as a message of session a->tam and decode it.
 *
 * @param authentic  set once its signature held
 */
enum pst_err pst_agent_authenticate(
    struct pst_agent *a, size_t len, bool *authentic) PST_MUST_CHECK;

/* --- query.c ------------------------------------------------------------ */

enum pst_err
pst_agent_query(struct pst_agent *a, struct pst_agent_out *out) PST_MUST_CHECK;

/** Answer what this TAM asked last without being asked, if the text lets us. */
enum pst_err pst_agent_unsolicited(struct pst_agent *a, uint32_t tam,
    struct pst_agent_out *out) PST_MUST_CHECK;

/* --- evidence.c --------------------------------------------------------- */

/** What this agent encrypts with, for a TAM. */
int32_t pst_agent_content_alg(const struct pst_agent *a);

/**
 * Make Evidence for a TAM at the start of memory.out, encrypt it as the TAM's
 * entry asks, and put it into a->answer. What came in memory.message is gone.
 *
 * @param w  writes to memory.out, from its start; goes on behind the Evidence
 * @retval PST_ERR_AGENT_EXPOSED  the entry has no key to encrypt to, and does
 *                                not call the transport confidential
 */
enum pst_err pst_agent_evidence(struct pst_agent *a, uint32_t tam,
    struct pst_bytes challenge, struct pst_cbor_writer *w) PST_MUST_CHECK;

/** Mechanisms that this agent has at the moment: bit n, mechanism n. */
uint32_t pst_agent_freshness(const struct pst_agent *a);

/** The suite that this agent signs with. */
uint32_t pst_agent_own_suite(const struct pst_agent *a);

/* --- attested.c: what a TAM says of itself ------------------------------- */

/** Does this TAM have to attest? */
bool pst_agent_must_attest(const struct pst_agent *a, uint32_t tam);
/** Has it lately, if it has to? */
bool pst_agent_has_attested(const struct pst_agent *a, uint32_t tam);
/** A fresh challenge for the TAM of this session; views a. */
enum pst_err pst_agent_attested_ask(
    struct pst_agent *a, struct pst_bytes *challenge) PST_MUST_CHECK;
/**
 * Judge the attestation of the TAM whose QueryRequest is in a->in.
 *
 * @retval PST_ERR_TEEP_ATTEST  it has to attest, and did not
 * @retval otherwise            what it attested is not accepted: a->tam_refused
 */
enum pst_err pst_agent_attested_check(struct pst_agent *a) PST_MUST_CHECK;

/* --- passport.c ---------------------------------------------------------- */

/**
 * Put the passport for this TAM into memory.out.
 *
 * @retval PST_ERR_NOT_FOUND  there is none that it would take
 */
enum pst_err pst_agent_passport(
    struct pst_agent *a, uint32_t tam, size_t *len) PST_MUST_CHECK;

/** Did this TAM refuse a passport lately? */
bool
pst_agent_passport_refused(const struct pst_reg_record *tam, uint64_t now_s);

/* --- update.c ----------------------------------------------------------- */

/** Begin with the Update in a->in, whose message has len bytes. */
enum pst_err pst_agent_update_message(
    struct pst_agent *a, size_t len, struct pst_agent_out *out) PST_MUST_CHECK;

/** Go on with the Update under way, from the journal if need be. */
enum pst_err pst_agent_update_continue(
    struct pst_agent *a, struct pst_agent_out *out) PST_MUST_CHECK;

/* --- links.c: which manifests refer to what ------------------------------- */

/**
 * Mark, in a->staged, what root manifests reach, all but the one with this
 * identifier. Good until links are added or removed.
 */
void pst_agent_links_mark(struct pst_agent *a, struct pst_bytes but);
/** Do those that were marked refer to a component? */
bool
pst_agent_links_others(const struct pst_agent *a, struct pst_bytes component);
/** Does anybody but the manifest that is kept at `by`, at this moment? */
bool pst_agent_links_more(
    const struct pst_agent *a, struct pst_bytes by, struct pst_bytes component);
/**
 * Remove from a->staged what no root manifest reaches.
 *
 * @retval PST_ERR_SUIT_UNAUTHORISED  the TAM of the Update does not reach it
 */
enum pst_err pst_agent_links_sweep(struct pst_agent *a) PST_MUST_CHECK;

/* --- share.c: who may fill the registry --------------------------------- */

/**
 * Put a record of a kind that is charged to nobody, where that leaves room for
 * what must always fit.
 *
 * @retval PST_ERR_SPACE  it does not
 */
enum pst_err pst_agent_note(struct pst_agent *a, struct pst_registry *reg,
    const struct pst_reg_record *r) PST_MUST_CHECK;

/** Add the token of an Update; the TAM's oldest make room. */
enum pst_err pst_agent_note_token(struct pst_agent *a, struct pst_registry *reg,
    const struct pst_reg_record *r) PST_MUST_CHECK;

/**
 * May this be installed, as far as room goes? What is there already and only
 * shrinks may.
 *
 * @param was  what there was before; an empty one: nothing was
 * @param tam  name of the TAM on whose behalf it is done
 * @retval PST_ERR_SPACE  its share of the registry is full
 * @retval PST_ERR_LIMIT  its share of the entries of a tc-list is
 */
enum pst_err
pst_agent_share_check(const struct pst_agent *a, const struct pst_registry *was,
    const struct pst_registry *is, struct pst_bytes tam) PST_MUST_CHECK;

/** The TAM that this record of what is installed is charged to; or nothing. */
struct pst_bytes
pst_agent_payer(const struct pst_registry *reg, const struct pst_reg_record *r);

/* --- settle.c ----------------------------------------------------------- */

/** Was the Update with this identity seen before? */
bool pst_agent_update_seen(const struct pst_agent *a);

/**
 * Turn the outcome of processing into what the host has to do.
 *
 * @param err  PST_OK: commit; PST_ERR_AGAIN: suspend; else what failed
 */
enum pst_err pst_agent_settle(struct pst_agent *a, enum pst_err err,
    struct pst_agent_out *out) PST_MUST_CHECK;

/** Give up an Update whose message cannot be verified any more. */
enum pst_err pst_agent_settle_drop(struct pst_agent *a, enum pst_err err,
    struct pst_agent_out *out) PST_MUST_CHECK;

/** Ask for the payload that the run waits for. */
void pst_agent_settle_ask(const struct pst_agent *a, struct pst_agent_out *out);

/* --- journal.c ---------------------------------------------------------- */

/** At the opening: is there an Update to be continued? */
void pst_agent_journal_open(struct pst_agent *a);
/** The run waits for a payload: make sure that it can go on later. */
enum pst_err pst_agent_journal_suspend(struct pst_agent *a) PST_MUST_CHECK;
/** Bring the Update's message back into memory. */
enum pst_err pst_agent_journal_load(struct pst_agent *a) PST_MUST_CHECK;
/** The payload of the fetch under way is there. */
void pst_agent_journal_complete(struct pst_agent *a);
/** Drop the journal from a registry. */
void pst_agent_journal_clear(struct pst_registry *reg);
/** pst_suit_host.fetched */
enum pst_err pst_agent_journal_ask(void *ctx, uint32_t index,
    struct pst_bytes component, struct pst_bytes uri, struct pst_bytes info,
    uint64_t *have, bool *complete);

/* --- request.c ---------------------------------------------------------- */

/**
 * Note and commit a request; its time is set here.
 *
 * @param lately  it was asked for a short while ago; nothing is noted
 * @retval PST_ERR_AGENT_RATE  there are too many, or it was asked for and
 *                             withdrawn within the interval
 */
enum pst_err pst_agent_request_note(
    struct pst_agent *a, struct pst_reg_record *r, bool *lately) PST_MUST_CHECK;

/* --- wanted.c: dependencies that are there, or elsewhere ------------------ */

/**
 * Before a fetch: what the component holds may be what is wanted.
 *
 * @param plain  it is not decrypted as it comes
 * @param there  it is, and has *have bytes
 * @retval PST_ERR_FETCH  it is not, and the URI is a TAM's
 */
enum pst_err pst_agent_wanted_fetch(struct pst_agent *a, uint32_t place,
    struct pst_bytes component, struct pst_bytes uri, bool plain,
    uint64_t *have, bool *there) PST_MUST_CHECK;

/** A dependency is missing: ask its TAM for it, if a URI names one and there
 * is room for the request. False: nobody is asked. */
bool pst_agent_wanted_request(struct pst_agent *a);
/** Does a dependency make this TAM due? */
bool pst_agent_wanted_due(const struct pst_agent *a, uint32_t tam);
/** It was contacted. */
void pst_agent_wanted_asked(struct pst_agent *a, uint32_t tam);
/** Is something in a->staged that this TAM's manifest waited for? Then it is
 * due. */
bool pst_agent_wanted_came(struct pst_agent *a, struct pst_bytes tam);

/* --- host.c: what the SUIT processor asks for --------------------------- */

void pst_agent_host_init(struct pst_agent *a);
/** Where a manifest of the run is kept: a component, or the root's own. */
struct pst_bytes
pst_agent_host_kept(const struct pst_agent *a, uint32_t number);
/** Make the staged component be this object, not yet measured. */
enum pst_err pst_agent_host_place(struct pst_agent *a, uint32_t index,
    struct pst_bytes component, uint64_t object) PST_MUST_CHECK;

/* --- manifest.c: one manifest, begun and ended -------------------------- */

/** Copy what an Update may change to a->staged. */
enum pst_err pst_agent_stage(struct pst_agent *a) PST_MUST_CHECK;

/**
 * Begin a run of u->manifest.
 *
 * @param keys  who may sign dependencies; NULL: nobody is asked
 */
enum pst_err pst_agent_run_begin(
    struct pst_agent *a, const struct pst_keys *keys) PST_MUST_CHECK;

/** Begin with an envelope: authenticate, compare sequence numbers, run. */
enum pst_err pst_agent_manifest_begin(
    struct pst_agent *a, struct pst_bytes envelope) PST_MUST_CHECK;
/** Its procedure is done: measure, link, record it in a->staged. */
enum pst_err pst_agent_manifest_end(struct pst_agent *a) PST_MUST_CHECK;

bool pst_agent_find_manifest(
    const struct pst_agent *a, struct pst_bytes id, struct pst_reg_record *r);

/* --- report.c ----------------------------------------------------------- */

/** Begin the report of the next manifest, of which nothing is known yet. */
void pst_agent_report_begin(struct pst_agent *a);

/** Write the report of the present manifest behind those before it. */
void pst_agent_manifest_report(struct pst_agent *a, enum pst_err err);

/* --- unlink.c ----------------------------------------------------------- */

/** Unlink an installed root manifest, in a->staged. */
enum pst_err pst_agent_manifest_unlink(
    struct pst_agent *a, struct pst_bytes id) PST_MUST_CHECK;

#endif
