/*
 * A TAM node: the state folder (database, keys) and, for each thread that
 * serves, a worker with an engine, a crypto table, a reader and buffers.
 */
#ifndef POSTERN_TAM_NODE_H
#define POSTERN_TAM_NODE_H

#include <tam/store/store.h>

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
 * @retval as pst_tam_message; PST_ERR_AGAIN does not occur while appraisal
 *         is in process
 */
enum pst_err pst_tam_worker_handle(struct pst_tam_worker *worker,
    uint32_t suite, struct pst_bytes body, uint64_t now_s,
    const struct pst_tam_output **out) PST_MUST_CHECK;

/** Likewise, then commit and wait: for tests and tools, not for servers. */
enum pst_err pst_tam_worker_exchange(struct pst_tam_worker *worker,
    uint32_t suite, struct pst_bytes body, uint64_t now_s,
    const struct pst_tam_output **out) PST_MUST_CHECK;

#endif
