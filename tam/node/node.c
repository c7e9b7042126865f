/*
 * A node puts the parts together: keys, store, and for each thread a worker.
 *
 * Challenge keys rotate while the node runs. The node's list changes under
 * its lock and an epoch is counted up; a worker compares epochs before each
 * message, without the lock, and takes the new list when they differ.
 */
#include <tam/node/appraise.h>
#include <tam/node/keys.h>
#include <tam/node/node.h>
#include <tam/node/remote.h>
#include <tam/node/trust.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pst_tam_node {
	struct pst_tam_policy policy;
	struct pst_tam_store *store;
	pthread_mutex_t lock;
	struct pst_tam_keys keys; /* challenge keys: under lock */
	atomic_uint epoch;
	_Atomic uint64_t rotate_s;  /* when the next challenge key is due */
	bool remote;		    /* Evidence goes to a Verifier elsewhere */
	struct pst_pubkey verifier; /* its key */
	struct pst_tam_trust_cell trust;
};

struct pst_tam_worker {
	struct pst_tam_node *node;
	struct pst_openssl *openssl;
	struct pst_tam_reader *reader;
	struct pst_tam_records store_records;
	/* what the engine reads through: one row is asked for once a turn */
	struct pst_tam_records records;
	bool cached;
	struct pst_tam_device cache;
	struct pst_tam_trust *trust;
	struct pst_tam_local_verifier verifier;
	struct pst_tam_appraiser appraiser;
	struct pst_tam_remote_verifier remote;
	struct pst_tam_engine engine;
	struct pst_signer result_key;
	unsigned epoch; /* of the challenge keys that the engine has */
	struct pst_tam_output out;
};

/* --- the node ---------------------------------------------------------- */

static void
set_rotation(struct pst_tam_node *n)
{
	uint64_t newest =
	    n->keys.challenge[n->keys.challenge_count - 1].created_s;

	atomic_store(&n->rotate_s, newest + PST_TAM_ROTATE_S);
}

static enum pst_err
open_store(struct pst_tam_node *n, const char *dir, char *note)
{
	char *path;
	size_t len = strlen(dir) + sizeof("/tam.db");
	enum pst_err err;

	path = malloc(len);
	if (path == NULL)
		return PST_ERR_LIMIT;
	(void)snprintf(path, len, "%s/tam.db", dir);
	err = pst_tam_store_open(path, &n->store, note);
	free(path);
	return err;
}

enum pst_err
pst_tam_node_open(const char *dir, const struct pst_tam_policy *policy,
    struct pst_tam_node **out, char note[PST_TAM_NOTE_MAX])
{
	struct pst_tam_node *n = calloc(1, sizeof(*n));
	enum pst_err err;

	*out = NULL;
	if (n == NULL)
		return PST_ERR_LIMIT;
	if (policy != NULL)
		n->policy = *policy;
	else
		pst_tam_policy_default(&n->policy);
	(void)pthread_mutex_init(&n->lock, NULL);
	pst_tam_trust_cell_init(&n->trust);
	err = pst_tam_keys_open(dir, (uint64_t)time(NULL), &n->keys, note);
	if (err == PST_OK) {
		set_rotation(n);
		err = open_store(n, dir, note);
	}
	if (err != PST_OK) {
		pst_tam_node_close(&n);
		return err;
	}
	*out = n;
	return PST_OK;
}

void
pst_tam_node_close(struct pst_tam_node **node)
{
	struct pst_tam_node *n = *node;

	if (n == NULL)
		return;
	pst_tam_trust_cell_close(&n->trust);
	pst_tam_store_close(&n->store);
	pst_tam_keys_close(&n->keys);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
	*node = NULL;
}

struct pst_tam_store *
pst_tam_node_store(struct pst_tam_node *node)
{
	return node->store;
}

void
pst_tam_node_verifier(struct pst_tam_node *node, const struct pst_pubkey *key)
{
	node->remote = true;
	node->verifier = *key;
}

/* When it fails the present key goes on signing; the next message tries
 * again. */
static void
rotate(struct pst_tam_node *n, uint64_t now_s)
{
	if (now_s < atomic_load(&n->rotate_s))
		return;
	(void)pthread_mutex_lock(&n->lock);
	if (pst_tam_keys_due(&n->keys, now_s) &&
	    pst_tam_keys_rotate(&n->keys, now_s) == PST_OK) {
		set_rotation(n);
		atomic_fetch_add(&n->epoch, 1);
	}
	(void)pthread_mutex_unlock(&n->lock);
}

/* --- keys of a worker -------------------------------------------------- */

static enum pst_err
add_signer(struct pst_tam_worker *w, const struct pst_key *key, uint32_t suite)
{
	struct pst_tam_signer *s = &w->engine.signers[w->engine.signer_count];
	uint32_t number;
	enum pst_err err;

	err = pst_openssl_add(w->openssl, key, &number);
	if (err == PST_OK)
		err = pst_openssl_signer(
		    w->openssl, number, pst_teep_suite_alg(suite), &s->key);
	if (err != PST_OK)
		return err;
	s->suite = suite;
	w->engine.signer_count++;
	return PST_OK;
}

static enum pst_err
add_result_key(struct pst_tam_worker *w)
{
	uint32_t number;
	enum pst_err err;

	err = pst_openssl_add(w->openssl, &w->node->keys.verifier, &number);
	if (err == PST_OK)
		err = pst_openssl_signer(
		    w->openssl, number, PST_ALG_ESP256, &w->result_key);
	w->engine.result_key = &w->result_key;
	return err;
}

/*
 * The newest key signs. One that it replaced verifies until all challenges
 * that it signed have expired.
 */
static enum pst_err
add_challenge_keys(struct pst_tam_worker *w)
{
	const struct pst_tam_keys *keys = &w->node->keys;
	struct pst_tam_engine *e = &w->engine;
	enum pst_err err;
	size_t i;

	for (i = 0; i < e->mac_count; i++)
		pst_openssl_remove(w->openssl, e->mac_keys[i].key);
	e->mac_count = 0;
	for (i = 0; i < keys->challenge_count; i++) {
		const struct pst_tam_challenge_key *k = &keys->challenge[i];
		struct pst_tam_mac_key *m = &e->mac_keys[i];
		bool last = i + 1 == keys->challenge_count;

		err = pst_openssl_add(w->openssl, &k->key, &m->key);
		if (err != PST_OK)
			return err;
		m->id = k->id;
		/* A clock that was set back must not leave the TAM without. */
		m->from_s = i == 0 ? 0 : k->created_s;
		m->until_s = last ? UINT64_MAX
				  : keys->challenge[i + 1].created_s +
			w->node->policy.challenge_life_s +
			w->node->policy.skew_s;
		e->mac_count++;
	}
	return PST_OK;
}

static enum pst_err
refresh_keys(struct pst_tam_worker *w)
{
	enum pst_err err;

	if (w->epoch == atomic_load(&w->node->epoch))
		return PST_OK;
	(void)pthread_mutex_lock(&w->node->lock);
	w->epoch = atomic_load(&w->node->epoch);
	err = add_challenge_keys(w);
	(void)pthread_mutex_unlock(&w->node->lock);
	if (err != PST_OK)
		w->epoch--; /* try again with the next message */
	return err;
}

/* --- what the Verifier believes ---------------------------------------- */

static enum pst_err
refresh_trust(struct pst_tam_worker *w, char note[PST_TAM_NOTE_MAX])
{
	enum pst_err err;

	err = pst_tam_trust_refresh(
	    &w->node->trust, w->reader, w->engine.crypto, &w->trust, note);
	if (err != PST_OK)
		return err;
	w->verifier.verifier.endorsements =
	    pst_tam_trust_endorsements(w->trust);
	w->engine.roots = pst_tam_trust_roots(w->trust, &w->engine.root_count);
	return PST_OK;
}

/* --- records, once a turn ---------------------------------------------- */

/* The Verifier asks for the attester's row, then the engine does. */
static enum pst_err
by_attester(void *ctx, struct pst_bytes attester, struct pst_tam_device *out)
{
	struct pst_tam_worker *w = ctx;
	enum pst_err err;

	if (w->cached && pst_equal(w->cache.attester, attester)) {
		*out = w->cache;
		return PST_OK;
	}
	err = w->store_records.device_by_attester(
	    w->store_records.ctx, attester, out);
	w->cached = err == PST_OK;
	if (w->cached)
		w->cache = *out;
	return err;
}

static enum pst_err
by_key(void *ctx, const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    struct pst_tam_device *out)
{
	struct pst_tam_worker *w = ctx;

	return w->store_records.device_by_key(
	    w->store_records.ctx, thumbprint, out);
}

static enum pst_err
targets(void *ctx, const struct pst_tam_device *device,
    const struct pst_tam_target **list, size_t *count)
{
	struct pst_tam_worker *w = ctx;

	return w->store_records.targets(
	    w->store_records.ctx, device, list, count);
}

static enum pst_err
envelope(void *ctx, int64_t manifest, struct pst_bytes *out)
{
	struct pst_tam_worker *w = ctx;

	return w->store_records.envelope(w->store_records.ctx, manifest, out);
}

/* --- workers ----------------------------------------------------------- */

static enum pst_err
worker_buffers(struct pst_tam_worker *w)
{
	w->out.reply_cap = PST_MESSAGE_MAX;
	w->out.reply = malloc(w->out.reply_cap);
	w->out.scratch_cap = PST_TAM_SCRATCH_MAX;
	w->out.scratch = malloc(w->out.scratch_cap);
	if (w->out.reply == NULL || w->out.scratch == NULL)
		return PST_ERR_LIMIT;
	return PST_OK;
}

static enum pst_err
worker_keys(struct pst_tam_worker *w)
{
	enum pst_err err;

	w->openssl = pst_openssl_new();
	if (w->openssl == NULL)
		return PST_ERR_CRYPTO;
	w->engine.crypto = pst_openssl_crypto(w->openssl);
	err = add_signer(w, &w->node->keys.esp256, PST_SUITE_ESP256);
	if (err == PST_OK)
		err = add_signer(w, &w->node->keys.ed25519, PST_SUITE_ED25519);
	if (err == PST_OK)
		err = pst_openssl_add(w->openssl, &w->node->keys.encryption,
		    &w->engine.encryption_key);
	if (err == PST_OK)
		err = add_result_key(w);
	if (err != PST_OK)
		return err;
	w->epoch = atomic_load(&w->node->epoch) - 1;
	return refresh_keys(w);
}

static void
worker_wire(struct pst_tam_worker *w)
{
	pst_tam_reader_records(w->reader, &w->store_records);
	w->records = (struct pst_tam_records){ w, by_key, by_attester, targets,
		envelope };
	pst_tam_local_verifier_init(&w->verifier, w->engine.crypto,
	    &w->node->policy, &w->records, w->reader, &w->appraiser);
	if (w->node->remote)
		pst_tam_remote_verifier_init(&w->remote, &w->node->verifier,
		    &w->engine, &w->verifier, &w->appraiser);
	w->engine.policy = w->node->policy;
	w->engine.records = &w->records;
	w->engine.appraiser = &w->appraiser;
}

enum pst_err
pst_tam_worker_new(struct pst_tam_node *node, struct pst_tam_worker **out)
{
	struct pst_tam_worker *w = calloc(1, sizeof(*w));
	enum pst_err err;

	*out = NULL;
	if (w == NULL)
		return PST_ERR_LIMIT;
	w->node = node;
	err = worker_buffers(w);
	if (err == PST_OK)
		err = worker_keys(w);
	if (err == PST_OK)
		err = pst_tam_reader_open(node->store, &w->reader);
	if (err != PST_OK) {
		pst_tam_worker_free(&w);
		return err;
	}
	worker_wire(w);
	*out = w;
	return PST_OK;
}

void
pst_tam_worker_free(struct pst_tam_worker **worker)
{
	struct pst_tam_worker *w = *worker;

	if (w == NULL)
		return;
	pst_tam_reader_close(&w->reader);
	pst_tam_trust_drop(&w->trust);
	pst_openssl_free(&w->openssl);
	free(w->out.reply);
	free(w->out.scratch);
	free(w);
	*worker = NULL;
}

const struct pst_crypto *
pst_tam_worker_crypto(struct pst_tam_worker *worker)
{
	return worker->engine.crypto;
}

const struct pst_signer *
pst_tam_worker_result_key(const struct pst_tam_worker *worker)
{
	return &worker->result_key;
}

const struct pst_tam_policy *
pst_tam_worker_policy(const struct pst_tam_worker *worker)
{
	return &worker->node->policy;
}

struct pst_tam_reader *
pst_tam_worker_reader(struct pst_tam_worker *worker)
{
	return worker->reader;
}

enum pst_err
pst_tam_worker_handle(struct pst_tam_worker *worker, uint32_t suite,
    struct pst_bytes body, uint64_t now_s, const struct pst_tam_output **out)
{
	enum pst_err err;

	*out = &worker->out;
	worker->cached = false;
	worker->remote.note[0] = '\0';
	worker->out.reply_len = 0;
	worker->out.changes.what = 0;
	rotate(worker->node, now_s);
	err = refresh_keys(worker);
	if (err != PST_OK)
		return err;
	if (body.len == 0)
		return pst_tam_connect(
		    &worker->engine, suite, now_s, &worker->out);
	/* Without what was believed so far nothing is judged. */
	err = refresh_trust(worker, worker->out.note);
	if (err != PST_OK)
		return err;
	return pst_tam_message(
	    &worker->engine, body, NULL, now_s, &worker->out);
}

enum pst_err
pst_tam_worker_submit(struct pst_tam_worker *worker, struct pst_remote *remote,
    pst_remote_done *done, void *ctx)
{
	return pst_remote_submit(
	    remote, &worker->remote.evidence, worker->remote.nonce, done, ctx);
}

enum pst_err
pst_tam_worker_resume(struct pst_tam_worker *worker, struct pst_bytes body,
    const struct pst_remote_answer *answer, uint64_t now_s,
    const struct pst_tam_output **out)
{
	enum pst_err err;

	worker->remote.answer = answer;
	err = pst_tam_worker_handle(worker, 0, body, now_s, out);
	worker->remote.answer = NULL;
	return err;
}

const char *
pst_tam_worker_verifier_note(const struct pst_tam_worker *worker)
{
	return worker->remote.note;
}

enum pst_err
pst_tam_worker_exchange(struct pst_tam_worker *worker, uint32_t suite,
    struct pst_bytes body, uint64_t now_s, const struct pst_tam_output **out)
{
	enum pst_err err;

	err = pst_tam_worker_handle(worker, suite, body, now_s, out);
	if (err != PST_OK || worker->out.changes.what == 0)
		return err;
	err = pst_tam_store_apply(worker->node->store, &worker->out.changes);
	if (err == PST_OK)
		return PST_OK;
	worker->out.reply_len = 0;
	worker->out.err = err;
	if (err != PST_ERR_TEEP_TOKEN)
		return err;
	worker->out.event = PST_TAM_EV_DROPPED;
	(void)snprintf(worker->out.note, sizeof(worker->out.note),
	    "replayed: challenge or token was used before");
	return PST_OK;
}
