#include "world.h"

#include <postern/eat_encrypt.h>

#include <stdlib.h>
#include <unistd.h>

static const struct pst_bytes no_bytes = { NULL, 0 };

/* --- identifiers ------------------------------------------------------- */

static struct pst_bytes
encode_id(const char *a, const char *b)
{
	static uint8_t pool[64][160];
	static unsigned next;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, pool[next++ % 64], sizeof(pool[0]));
	pst_cbor_put_array(&w, b != NULL ? 2 : 1);
	pst_cbor_put_bstr(
	    &w, (struct pst_bytes){ (const uint8_t *)a, strlen(a) });
	if (b != NULL)
		pst_cbor_put_bstr(
		    &w, (struct pst_bytes){ (const uint8_t *)b, strlen(b) });
	return pst_cbor_written(&w);
}

struct pst_bytes
component(const char *text)
{
	return encode_id(text, NULL);
}

struct pst_bytes
manifest_of(const char *text)
{
	return encode_id(text, "manifest");
}

struct pst_bytes
digest_of(uint8_t byte)
{
	static uint8_t pool[64][32];
	static unsigned next;
	uint8_t *d = pool[next++ % 64];

	memset(d, byte, 32);
	return (struct pst_bytes){ d, 32 };
}

/* --- the test technology ----------------------------------------------- */

/* Attestation keys that the Verifier knows. */
static struct pst_pubkey known[16];
static size_t known_count;

static enum pst_err
attester_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct world *w = ctx;
	uint8_t print[PST_THUMBPRINT_LEN];
	size_t i;

	for (i = 0; i < known_count && attempt == 0; i++) {
		if (pst_cose_thumbprint(w->crypto, &known[i], print) ==
			PST_OK &&
		    pst_equal(headers->kid,
			(struct pst_bytes){ print, sizeof(print) })) {
			*key = known[i];
			*who = (uint32_t)i;
			return PST_OK;
		}
	}
	return PST_ERR_NOT_FOUND;
}

static void
read_evidence(struct pst_bytes payload, struct pst_tam_appraisal *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes key;
	bool bad;

	pst_cbor_reader_init(&r, payload);
	(void)pst_cbor_array(&r, 4, 4);
	if (pst_cbor_peek(&r) == PST_CBOR_BSTR)
		out->nonce = pst_cbor_bstr(&r, 0, 64);
	else
		pst_cbor_null(&r);
	key = pst_cbor_bstr(&r, 1, 256);
	bad = pst_cbor_bool(&r);
	out->issued_s = pst_cbor_uint(&r, UINT64_MAX);
	out->genuine = pst_cbor_end(&r) == PST_OK &&
	    pst_cose_key_decode(key, &out->key, NULL, NULL) == PST_OK;
	out->has_key = out->genuine;
	out->err = !out->genuine ? PST_ERR_EAT_CLAIM
	    : bad		 ? PST_ERR_EAT_REFUSED
				 : PST_OK;
	out->claims = payload;
}

static enum pst_err
appraise(void *ctx, struct pst_bytes format, struct pst_bytes payload,
    uint64_t now_s, struct pst_tam_appraisal *out)
{
	static uint8_t print[PST_THUMBPRINT_LEN];
	struct world *w = ctx;
	struct pst_keys keys = { .ctx = w, .find = attester_key };
	struct pst_cose_message m;
	struct pst_verified v;

	(void)now_s;
	if (w->appraise_later)
		return PST_ERR_AGAIN;
	memset(out, 0, sizeof(*out));
	/* Without a format only a Result of a trusted Verifier would do, and
	 * this world trusts none. */
	out->err = PST_ERR_COSE_KEY;
	if (format.len == 0)
		return PST_OK;
	if (pst_cose_parse(payload, PST_TAG_SIGN1, &m, NULL) != PST_OK)
		return PST_OK;
	out->err = pst_cose_verify(&m, w->crypto, &keys, no_bytes, &v);
	if (out->err != PST_OK)
		return PST_OK;
	if (pst_cose_thumbprint(w->crypto, &v.key, print) != PST_OK)
		return PST_ERR_CRYPTO;
	out->attester = (struct pst_bytes){ print, sizeof(print) };
	out->technology = PST_BYTES_LIT("eat");
	out->device_keys = w->device_keys;
	read_evidence(v.payload, out);
	if (out->err == PST_ERR_EAT_REFUSED) {
		out->out_of_policy = w->out_of_policy;
		out->reasons = PST_BYTES_LIT("measurement: refused");
	}
	return PST_OK;
}

static struct pst_bytes
evidence(struct world *w, const struct agent *a, struct pst_bytes challenge)
{
	static uint8_t out[1024];
	uint8_t claims[512], key[256], work[1024];
	struct pst_cose_sign_args args;
	struct pst_cbor_writer c, k, o;

	pst_cbor_writer_init(&k, key, sizeof(key));
	pst_cose_key_encode(&k, &a->pub, no_bytes);
	pst_cbor_writer_init(&c, claims, sizeof(claims));
	pst_cbor_put_array(&c, 4);
	if (w->no_nonce)
		pst_cbor_put_null(&c);
	else
		pst_cbor_put_bstr(&c, challenge);
	pst_cbor_put_bstr(&c, pst_cbor_written(&k));
	pst_cbor_put_bool(&c, w->verdict_bad);
	pst_cbor_put_uint(&c, w->iat);
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&c);
	args.signers = &a->attester;
	args.count = 1;
	pst_cbor_writer_init(&o, out, sizeof(out));
	if (pst_cose_sign1(&o, w->crypto, &args) != PST_OK)
		return no_bytes;
	if (w->evidence_to != NULL &&
	    pst_eat_encrypt(w->crypto, PST_ALG_A128GCM, w->evidence_to, out,
		sizeof(out), &o.len, work, sizeof(work)) != PST_OK)
		return no_bytes;
	return pst_cbor_written(&o);
}

/* --- agents ------------------------------------------------------------ */

static bool
new_key(struct world *w, int32_t alg, struct pst_signer *signer,
    struct pst_pubkey *pub)
{
	struct pst_key key;
	bool ok;

	if (pst_key_generate(alg, &key) != PST_OK)
		return false;
	memset(signer, 0, sizeof(*signer));
	*pub = key.pub;
	signer->alg = alg;
	signer->kid_len = PST_THUMBPRINT_LEN;
	ok = pst_openssl_add(w->openssl, &key, &signer->key) == PST_OK &&
	    pst_cose_thumbprint(w->crypto, pub, signer->kid) == PST_OK;
	pst_key_wipe(&key);
	return ok;
}

void
agent_forget(struct agent *a)
{
	pst_cbor_writer_init(&a->tc, a->tc_buf, sizeof(a->tc_buf));
	pst_cbor_writer_init(
	    &a->requested, a->requested_buf, sizeof(a->requested_buf));
	pst_cbor_writer_init(
	    &a->unneeded, a->unneeded_buf, sizeof(a->unneeded_buf));
	a->tc_count = a->requested_count = a->unneeded_count = 0;
}

bool
agent_new(struct world *w, struct agent *a, int32_t alg)
{
	memset(a, 0, sizeof(*a));
	agent_forget(a);
	if (!new_key(w, PST_ALG_ESP256, &a->attester, &a->attester_pub))
		return false;
	return new_key(w, alg, &a->signer, &a->pub);
}

bool
world_knows(const struct agent *a)
{
	if (known_count == 16)
		return false;
	known[known_count++] = a->attester_pub;
	return true;
}

bool
agent_enroll(struct world *w, struct agent *a, int32_t alg, const char *name)
{
	struct pst_tam_attester by = { .technology = "", .has_key = true };
	int64_t id;

	if (!agent_new(w, a, alg) || !world_knows(a))
		return false;
	by.key = a->attester_pub;
	return pst_tam_device_enroll(w->store, w->crypto, "test", name, &by,
		   w->now_s, &id) == PST_OK;
}

void
agent_has(struct agent *a, struct pst_bytes id, struct pst_bytes digest)
{
	struct pst_teep_tc tc = { .component_id = id,
		.digest_alg = digest.len > 0 ? PST_ALG_SHA256 : 0,
		.digest = digest,
		.has_image_size = digest.len == 0 };

	pst_teep_put_tc(&a->tc, &tc);
	a->tc_count++;
}

void
agent_wants(struct agent *a, struct pst_bytes id)
{
	struct pst_teep_requested r = { .component_id = id };

	pst_teep_put_requested(&a->requested, &r);
	a->requested_count++;
}

void
agent_unneeds(struct agent *a, struct pst_bytes id)
{
	pst_cbor_put_raw(&a->unneeded, id);
	a->unneeded_count++;
}

struct pst_bytes
agent_sign(
    struct world *w, const struct agent *a, const struct pst_teep_message *m)
{
	static uint8_t payload[WORLD_BUFFER];
	struct pst_cose_sign_args args;
	struct pst_cbor_writer p, o;

	pst_cbor_writer_init(&p, payload, sizeof(payload));
	if (pst_teep_encode(&p, m) != PST_OK)
		return no_bytes;
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&p);
	args.signers = &a->signer;
	args.count = 1;
	pst_cbor_writer_init(&o, w->body, sizeof(w->body));
	if (pst_cose_sign1(&o, w->crypto, &args) != PST_OK)
		return no_bytes;
	return pst_cbor_written(&o);
}

static void
put_list(struct pst_teep_message *m, struct pst_list *list,
    enum pst_teep_label label, const struct pst_cbor_writer *w, size_t count)
{
	list->items = pst_cbor_written(w);
	list->count = count;
	if (count > 0)
		m->present |= 1u << label;
}

struct pst_bytes
agent_response(struct world *w, struct agent *a, struct pst_bytes challenge)
{
	static const uint8_t token[8] = "surplus";
	const struct agent *by = w->evidence_of != NULL ? w->evidence_of : a;
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_QUERY_RESPONSE;
	put_list(&m, &m.tc_list, PST_LABEL_TC_LIST, &a->tc, a->tc_count);
	put_list(&m, &m.requested_tc_list, PST_LABEL_REQUESTED_TC_LIST,
	    &a->requested, a->requested_count);
	put_list(&m, &m.unneeded_manifest_list,
	    PST_LABEL_UNNEEDED_MANIFEST_LIST, &a->unneeded, a->unneeded_count);
	if (!w->no_evidence) {
		m.attestation_payload = evidence(w, by, challenge);
		m.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD;
	}
	if (!w->no_evidence && !w->no_format) {
		m.attestation_payload_format =
		    PST_BYTES_LIT("application/x-test");
		m.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	}
	if (w->with_token) {
		m.token = (struct pst_bytes){ token, sizeof(token) };
		m.present |= 1u << PST_LABEL_TOKEN;
	}
	return agent_sign(w, a, &m);
}

struct pst_bytes
agent_answer(struct world *w, const struct agent *a, struct pst_bytes token,
    uint32_t err_code, struct pst_bytes digest, struct pst_bytes nonce)
{
	uint8_t records[64], report[1024], item[1100], work[1024];
	struct pst_suit_digest d = { PST_ALG_SHA256, digest };
	struct pst_suit_report rep;
	struct pst_cbor_writer r, i;
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	m.type = err_code != 0 ? PST_TEEP_ERROR : PST_TEEP_SUCCESS;
	m.err_code = err_code;
	if (token.len > 0) {
		m.token = token;
		m.present |= 1u << PST_LABEL_TOKEN;
	}
	if (err_code != 0) {
		m.err_msg = PST_BYTES_LIT("it did not work");
		m.present |= 1u << PST_LABEL_ERR_MSG;
	}
	if (digest.len > 0) {
		pst_suit_report_init(&rep, records, sizeof(records));
		if (err_code != 0) {
			rep.err = PST_ERR_SUIT_CONDITION;
			rep.reason = PST_SUIT_REASON_CONDITION_FAILED;
			rep.record.section = PST_SUIT_INSTALL;
			rep.record.offset = 7;
		}
		pst_cbor_writer_init(&r, report, sizeof(report));
		if (pst_suit_report_encode(&r, &rep, no_bytes, &d, nonce) !=
		    PST_OK)
			return no_bytes;
		if (pst_suit_report_protect(w->crypto, &w->cover, report,
			sizeof(report), &r.len, work, sizeof(work)) != PST_OK)
			return no_bytes;
		pst_cbor_writer_init(&i, item, sizeof(item));
		pst_cbor_put_bstr(&i, pst_cbor_written(&r));
		m.suit_reports.items = pst_cbor_written(&i);
		m.suit_reports.count = 1;
		m.present |= 1u << PST_LABEL_SUIT_REPORTS;
	}
	return agent_sign(w, a, &m);
}

/* --- the TAM ----------------------------------------------------------- */

static enum pst_err
tam_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct world *w = ctx;

	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*who = headers->alg == PST_ALG_ESP256 ? 0 : 1;
	*key = w->tam_pub[*who];
	return PST_OK;
}

/* Every reply must verify and decode, by each of its signatures. */
static bool
open_reply(struct world *w)
{
	struct pst_keys keys = { .ctx = w, .find = tam_key };
	struct pst_bytes body = { w->reply, w->out.reply_len };
	struct pst_cose_headers headers;
	struct pst_bytes signature;

	memset(&w->msg, 0, sizeof(w->msg));
	w->signatures = 0;
	if (w->out.reply_len == 0)
		return true;
	memcpy(w->reply, w->out.reply, w->out.reply_len);
	if (pst_cose_parse(body, PST_TAG_SIGN1, &w->cose, NULL) != PST_OK ||
	    pst_cose_verify(
		&w->cose, w->crypto, &keys, no_bytes, &w->verified) != PST_OK)
		return false;
	while (
	    pst_cose_signature(&w->cose, w->signatures, &headers, &signature))
		w->signatures++;
	return pst_teep_decode(&w->verified, &w->msg, NULL) == PST_OK;
}

bool
world_connect(struct world *w, uint32_t suite)
{
	if (pst_tam_connect(&w->engine, suite, w->now_s, &w->out) != PST_OK)
		return false;
	return w->out.changes.what == 0 && open_reply(w);
}

bool
world_deliver(struct world *w, struct pst_bytes body)
{
	enum pst_err err;

	w->committed = PST_OK;
	err = pst_tam_message(&w->engine, body, NULL, w->now_s, &w->out);
	if (err != PST_OK)
		return false;
	if (w->out.changes.what != 0) {
		w->committed = pst_tam_store_apply(w->store, &w->out.changes);
		w->commits++;
	}
	/* A list that was refused is a replay: 204, as a host does it. */
	if (w->committed != PST_OK)
		w->out.reply_len = 0;
	return open_reply(w);
}

bool
world_session(struct world *w, struct agent *a)
{
	uint8_t challenge[PST_TAM_CHALLENGE_LEN];

	if (!world_connect(w, 0) || w->msg.challenge.len != sizeof(challenge))
		return false;
	memcpy(challenge, w->msg.challenge.ptr, sizeof(challenge));
	return world_deliver(w,
	    agent_response(
		w, a, (struct pst_bytes){ challenge, sizeof(challenge) }));
}

static bool
open_engine(struct world *w)
{
	static const int32_t algs[2] = { PST_ALG_ESP256, PST_ALG_ED25519 };
	static const uint32_t suites[2] = { PST_SUITE_ESP256,
		PST_SUITE_ED25519 };
	struct pst_signer encryption;
	struct pst_key mac;
	bool ok;
	size_t i;

	for (i = 0; i < 2; i++) {
		w->engine.signers[i].suite = suites[i];
		if (!new_key(
			w, algs[i], &w->engine.signers[i].key, &w->tam_pub[i]))
			return false;
	}
	w->engine.signer_count = 2;
	if (!new_key(w, PST_ALG_ESP256, &encryption, &w->encryption_pub))
		return false;
	w->engine.encryption_key = encryption.key;
	if (pst_key_generate(PST_ALG_HMAC_256, &mac) != PST_OK)
		return false;
	w->engine.mac_count = 1;
	w->engine.mac_keys[0].id = 1;
	w->engine.mac_keys[0].until_s = UINT64_MAX;
	ok = pst_openssl_add(w->openssl, &mac, &w->engine.mac_keys[0].key) ==
	    PST_OK;
	pst_key_wipe(&mac);
	pst_tam_policy_default(&w->engine.policy);
	w->engine.crypto = w->crypto;
	w->engine.records = &w->records;
	w->engine.appraiser = &w->appraiser;
	w->appraiser = (struct pst_tam_appraiser){ w, appraise };
	return ok;
}

static bool
open_store(struct world *w)
{
	char note[PST_TAM_NOTE_MAX];

	if (pst_tam_store_open(w->db, &w->store, note) != PST_OK) {
		printf("  %s\n", note);
		return false;
	}
	if (pst_tam_reader_open(w->store, &w->reader) != PST_OK)
		return false;
	pst_tam_reader_records(w->reader, &w->records);
	return true;
}

bool
world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	known_count = 0;
	w->now_s = 1800000000;
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/pst-tam-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		return false;
	(void)snprintf(w->db, sizeof(w->db), "%s/tam.db", w->dir);
	w->openssl = pst_openssl_new();
	if (w->openssl == NULL)
		return false;
	w->crypto = pst_openssl_crypto(w->openssl);
	w->out.reply_cap = WORLD_BUFFER;
	w->out.reply = malloc(w->out.reply_cap);
	w->out.scratch_cap = PST_TAM_SCRATCH_MAX;
	w->out.scratch = malloc(w->out.scratch_cap);
	if (w->out.reply == NULL || w->out.scratch == NULL)
		return false;
	return open_store(w) && open_engine(w);
}

bool
world_restart(struct world *w)
{
	pst_tam_reader_close(&w->reader);
	pst_tam_store_close(&w->store);
	return open_store(w);
}

void
world_close(struct world *w)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char path[128];
	size_t i;

	pst_tam_reader_close(&w->reader);
	pst_tam_store_close(&w->store);
	pst_openssl_free(&w->openssl);
	free(w->out.reply);
	free(w->out.scratch);
	for (i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->db, suffix[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
}

bool
world_publish(struct world *w, const char *text, uint64_t sequence,
    uint8_t digest, size_t envelope_len)
{
	struct pst_tam_publication p = { .who = "test" };
	uint8_t *envelope = calloc(1, envelope_len + 2);
	uint8_t hash[32];
	bool ok;

	if (envelope == NULL)
		return false;
	envelope[0] = 0xa1; /* looks like an envelope from outside */
	envelope[1] = digest;
	memset(hash, digest, sizeof(hash));
	p.manifest.manifest_id = manifest_of(text);
	p.manifest.sequence = sequence;
	hash[31] ^= w->digest_salt;
	p.manifest.digest =
	    (struct pst_suit_digest){ PST_ALG_SHA256, { hash, sizeof(hash) } };
	p.manifest.components.items = component(text);
	p.manifest.components.count = 1;
	p.manifest.envelope = (struct pst_bytes){ envelope, envelope_len };
	p.manifest.signer = "test";
	p.manifest.published_s = w->now_s;
	ok = pst_tam_store_work(w->store, pst_tam_manifest_store, &p) == PST_OK;
	free(envelope);
	return ok;
}

bool
world_assign_remedy(struct world *w, const char *text)
{
	return pst_tam_assign(w->store, "test", component(text), PST_TAM_ALL,
		   NULL, PST_TAM_REMEDIATION, w->now_s) == PST_OK;
}

bool
world_assign(struct world *w, const char *text, bool on_request)
{
	return pst_tam_assign(w->store, "test", component(text), PST_TAM_ALL,
		   NULL, on_request, w->now_s) == PST_OK;
}
