/*
 * A TAM node: the state folder (database, keys) and, for each thread that
 * serves, a worker with an engine, a crypto table, a reader and buffers.
 */
#ifndef POSTERN_TAM_NODE_H
#define POSTERN_TAM_NODE_H

#include <tam/store/store.h>
#include <verifier/remote.h>

struct pst_tam_node;
struct pst_tam_worker;

/**
 * Open the state folder dir; the first time create it (0700) with fresh
 * signing keys, a key that reports and Evidence are encrypted to, one that
 * signs Attestation Results and a challenge key under dir/keys (0600), the
 * database dir/tam.db, and the public keys dir/tam-esp256.pub.pem,
 * dir/tam-ed25519.pub.pem, dir/tam-encryption.pub.pem and
 * dir/tam-verifier.pub.pem.
 *
 * @param policy  borrowed; NULL: the defaults
 * @param note    one line for people when it fails; may be NULL
 */
enum pst_err
pst_tam_node_open(const char *dir, const struct pst_tam_policy *policy,
    struct pst_tam_node **out, char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;
/** Workers first. NULL is fine. */
void pst_tam_node_close(struct pst_tam_node **node);

/** The node's store; belongs to the node. */
struct pst_tam_store *pst_tam_node_store(struct pst_tam_node *node);

/**
 * Leave the appraisal of Evidence to a Verifier elsewhere (tam/node/remote.h),
 * whose results this key signs. Before there are workers.
 */
void
pst_tam_node_verifier(struct pst_tam_node *node, const struct pst_pubkey *key);

/** A worker for the calling thread. */
enum pst_err pst_tam_worker_new(
    struct pst_tam_node *node, struct pst_tam_worker **out) PST_MUST_CHECK;
void pst_tam_worker_free(struct pst_tam_worker **worker);

/** The worker's crypto table and reader, for the admin calls. */
const struct pst_crypto *pst_tam_worker_crypto(struct pst_tam_worker *worker);
struct pst_tam_reader *pst_tam_worker_reader(struct pst_tam_worker *worker);

/** What signs Attestation Results, a key of the worker's crypto table. */
const struct pst_signer *
pst_tam_worker_result_key(const struct pst_tam_worker *worker);
const struct pst_tam_policy *
pst_tam_worker_policy(const struct pst_tam_worker *worker);

/**
 * Answer one POST: pst_tam_connect for an empty body, else pst_tam_message.
 * Neither commits nor waits; what *out points to, reply bytes and changes
 * included, stays valid until the worker's next call.
 *
 * @param suite  hint of the URI: 0 (/tam), PST_SUITE_ESP256 or
 *               PST_SUITE_ED25519
 * @param out    set to the worker's output in every case
 *
 * @retval as pst_tam_message; PST_ERR_AGAIN: the Verifier has to be asked
 *         (pst_tam_worker_submit), then the answer goes to
 *         pst_tam_worker_resume
 */
enum pst_err pst_tam_worker_handle(struct pst_tam_worker *worker,
    uint32_t suite, struct pst_bytes body, uint64_t now_s,
    const struct pst_tam_output **out) PST_MUST_CHECK;

/**
 * After PST_ERR_AGAIN: ask the Verifier about what the message carries.
 *
 * @retval as pst_remote_submit
 */
enum pst_err pst_tam_worker_submit(struct pst_tam_worker *worker,
    struct pst_remote *remote, pst_remote_done *done, void *ctx) PST_MUST_CHECK;

/** The same message, with the Verifier's answer. By any worker. */
enum pst_err pst_tam_worker_resume(struct pst_tam_worker *worker,
    struct pst_bytes body, const struct pst_remote_answer *answer,
    uint64_t now_s, const struct pst_tam_output **out) PST_MUST_CHECK;

/** What the Verifier elsewhere said of the last message; may be empty. */
const char *pst_tam_worker_verifier_note(const struct pst_tam_worker *worker);

/** Likewise, then commit and wait: for tests and tools, not for servers. */
enum pst_err pst_tam_worker_exchange(struct pst_tam_worker *worker,
    uint32_t suite, struct pst_bytes body, uint64_t now_s,
    const struct pst_tam_output **out) PST_MUST_CHECK;

#endif
