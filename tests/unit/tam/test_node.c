/*
 * A node with the real attester and the real in-process Verifier, and its
 * state folder.
 */
#include "world.h"

#include <postern/eat.h>
#include <tam/node/keys.h>
#include <tam/node/node.h>
#include <tam/node/subject.h>

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[64];
static char note[PST_TAM_NOTE_MAX];
static struct pst_tam_node *node;
static struct pst_tam_worker *worker;
static const struct pst_tam_output *out;
static struct pst_openssl *openssl; /* the device's and the Verifier's */
static const struct pst_crypto *crypto;
static struct pst_signer attestation, teep, verifier;
static struct pst_pubkey attestation_pub, teep_pub, verifier_pub;
static uint64_t now_s;
static uint8_t body[16384];

static const struct pst_bytes none = { NULL, 0 };

static bool
new_key(int32_t alg, struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number;
	bool ok;

	if (pst_key_generate(alg, &key) != PST_OK)
		return false;
	*pub = key.pub;
	ok = pst_openssl_add(openssl, &key, &number) == PST_OK &&
	    pst_openssl_signer(openssl, number, alg, signer) == PST_OK;
	pst_key_wipe(&key);
	return ok;
}

static bool
open_node(const struct pst_tam_policy *policy)
{
	if (pst_tam_node_open(dir, policy, &node, note) != PST_OK) {
		printf("  %s\n", note);
		return false;
	}
	return pst_tam_worker_new(node, &worker) == PST_OK;
}

static void
close_node(void)
{
	pst_tam_worker_free(&worker);
	pst_tam_node_close(&node);
}

static bool
enroll_alpha(void)
{
	struct pst_tam_attester by = {
		.technology = "eat", .has_key = true, .key = attestation_pub
	};
	int64_t id;

	return pst_tam_device_enroll(pst_tam_node_store(node), crypto, "test",
		   "alpha", &by, now_s, &id) == PST_OK;
}

static bool
begin(const struct pst_tam_policy *policy)
{
	now_s = (uint64_t)time(NULL);
	(void)snprintf(dir, sizeof(dir), "/tmp/pst-node-XXXXXX");
	openssl = pst_openssl_new();
	if (mkdtemp(dir) == NULL || openssl == NULL || !open_node(policy))
		return false;
	crypto = pst_openssl_crypto(openssl);
	return new_key(PST_ALG_ESP256, &attestation, &attestation_pub) &&
	    new_key(PST_ALG_ESP256, &teep, &teep_pub) &&
	    new_key(PST_ALG_ED25519, &verifier, &verifier_pub) &&
	    enroll_alpha();
}

static void
remove_folder(const char *path)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

static void
end(void)
{
	close_node();
	pst_openssl_free(&openssl);
	remove_folder(dir);
}

#define BEGIN() CHECK(begin(NULL))

/* --- a device ---------------------------------------------------------- */

static struct pst_eat_attester device;

static void
device_init(void)
{
	static const uint8_t ueid[17] = { 1, 2, 3 }, oemid[3] = { 9, 9, 9 },
			     software[32] = { 7 };

	memset(&device, 0, sizeof(device));
	device.crypto = crypto;
	device.key = attestation;
	device.ueid = (struct pst_bytes){ ueid, sizeof(ueid) };
	device.oemid = (struct pst_bytes){ oemid, sizeof(oemid) };
	device.hwmodel = PST_BYTES_LIT("test board");
	device.hwversion = PST_BYTES_LIT("1.0");
	device.swname = PST_BYTES_LIT("postern-agent");
	device.swversion = PST_BYTES_LIT("0.1");
	device.software = (struct pst_suit_digest){ PST_ALG_SHA256,
		{ software, sizeof(software) } };
}

static struct pst_bytes
signed_message(const struct pst_teep_message *m)
{
	static uint8_t payload[8192];
	struct pst_cose_sign_args args;
	struct pst_cbor_writer p, o;

	pst_cbor_writer_init(&p, payload, sizeof(payload));
	if (pst_teep_encode(&p, m) != PST_OK)
		return none;
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&p);
	args.signers = &teep;
	args.count = 1;
	pst_cbor_writer_init(&o, body, sizeof(body));
	if (pst_cose_sign1(&o, crypto, &args) != PST_OK)
		return none;
	return pst_cbor_written(&o);
}

static struct pst_bytes
response(struct pst_bytes payload, struct pst_bytes format)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_QUERY_RESPONSE;
	m.attestation_payload = payload;
	m.attestation_payload_format = format;
	m.present = 1u << PST_LABEL_ATTESTATION_PAYLOAD;
	if (format.len > 0)
		m.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	return signed_message(&m);
}

/* The challenge of a fresh QueryRequest; empty when there is none. */
static struct pst_bytes
challenge(void)
{
	static uint8_t copy[PST_TAM_CHALLENGE_LEN];
	struct pst_cose_message msg;
	struct pst_verified v;
	struct pst_teep_message m;

	if (pst_tam_worker_exchange(worker, 0, none, now_s, &out) != PST_OK ||
	    pst_cose_parse((struct pst_bytes){ out->reply, out->reply_len },
		PST_TAG_SIGN1, &msg, NULL) != PST_OK)
		return none;
	v = pst_verified_by_caller(msg.payload);
	if (pst_teep_decode(&v, &m, NULL) != PST_OK ||
	    m.challenge.len != sizeof(copy))
		return none;
	memcpy(copy, m.challenge.ptr, sizeof(copy));
	return (struct pst_bytes){ copy, sizeof(copy) };
}

static struct pst_bytes
evidence(struct pst_bytes nonce, struct pst_bytes *format)
{
	static uint8_t buf[4096];
	struct pst_attester a;
	size_t len;

	pst_eat_attester_init(&a, &device);
	if (a.evidence(a.ctx,
		&(struct pst_attest_request){
		    .challenge = nonce, .key = &teep_pub, .now_s = now_s },
		buf, sizeof(buf), &len, format) != PST_OK)
		return none;
	return (struct pst_bytes){ buf, len };
}

static bool
session(void)
{
	struct pst_bytes format, e = evidence(challenge(), &format);

	return e.len > 0 &&
	    pst_tam_worker_exchange(
		worker, 0, response(e, format), now_s, &out) == PST_OK;
}

/* What the reply says, without its signature (test_engine.c checks those). */
static struct pst_teep_message
reply(void)
{
	struct pst_cose_message msg;
	struct pst_teep_message m;
	struct pst_verified v;

	memset(&m, 0, sizeof(m));
	if (pst_cose_parse((struct pst_bytes){ out->reply, out->reply_len },
		PST_TAG_SIGN1, &msg, NULL) != PST_OK)
		return m;
	v = pst_verified_by_caller(msg.payload);
	if (pst_teep_decode(&v, &m, NULL) != PST_OK)
		memset(&m, 0, sizeof(m));
	return m;
}

/* --- attestation ------------------------------------------------------- */

static void
an_enrolled_device_attests(void)
{
	BEGIN();
	device_init();
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	CHECK_EQ(out->err, PST_OK);
	CHECK_EQ(out->device, 1);
	CHECK(out->changes.claims.len > 0);
	end();
}

static void
a_device_in_debug_mode_is_refused(void)
{
	BEGIN();
	device_init();
	device.debug_enabled = true;
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	CHECK_EQ(out->err, PST_ERR_EAT_REFUSED);
	CHECK_EQ(reply().err_code, PST_TEEP_ERR_ATTESTATION_REQUIRED);
	CHECK(reply().err_msg.len > 0);
	CHECK_EQ(reply().manifest_list.count, 0);
	end();
}

static void
an_unknown_attestation_key_is_dropped(void)
{
	BEGIN();
	device_init();
	CHECK_EQ(pst_tam_device_remove(
		     pst_tam_node_store(node), "test", "alpha", now_s),
	    PST_OK);
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_DROPPED);
	CHECK_EQ(out->reply_len, 0);
	/* the operator learns which key to enroll, or not */
	CHECK(strstr(out->note, "is not enrolled") != NULL);
	CHECK(strlen(out->note) > 64);
	end();
}

static void
evidence_passed_off_as_a_result_is_not_accepted(void)
{
	struct pst_bytes format, e;

	BEGIN();
	device_init();
	CHECK(session());
	e = evidence(challenge(), &format);
	CHECK_EQ(
	    pst_tam_worker_exchange(worker, 0, response(e, none), now_s, &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	CHECK_EQ(reply().err_code, PST_TEEP_ERR_ATTESTATION_REQUIRED);
	e = evidence(challenge(), &format);
	CHECK_EQ(pst_tam_worker_exchange(worker, 0,
		     response(e, PST_BYTES_LIT("application/x-unknown")), now_s,
		     &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	end();
}

/* --- Attestation Results ----------------------------------------------- */

static struct pst_bytes
result(const struct pst_signer *by, struct pst_bytes nonce)
{
	static uint8_t claims[2048], buf[4096], key[256];
	static const uint8_t ueid[17] = { 1, 2, 3 };
	struct pst_cose_sign_args args;
	struct pst_cbor_writer c, k, o;
	struct pst_eat e;

	memset(&e, 0, sizeof(e));
	pst_cbor_writer_init(&k, key, sizeof(key));
	pst_cose_key_encode(&k, &teep_pub, none);
	e.cnf_key = pst_cbor_written(&k);
	e.nonce = nonce;
	e.ueid = (struct pst_bytes){ ueid, sizeof(ueid) };
	e.oemid = (struct pst_bytes){ ueid, 3 };
	e.hwmodel = PST_BYTES_LIT("test board");
	e.hwversion = PST_BYTES_LIT("1.0");
	e.profile = PST_BYTES_LIT(PST_EAT_TEEP_PROFILE);
	e.manifests.items = PST_BYTES_LIT("\x82\x18\x3c\x41\xa0");
	e.manifests.count = 1;
	e.has_iat = true;
	e.iat = now_s;
	e.has_exp = true;
	e.exp = now_s + 600;
	pst_cbor_writer_init(&c, claims, sizeof(claims));
	pst_eat_encode(&c, &e);
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&c);
	args.signers = by;
	args.count = 1;
	pst_cbor_writer_init(&o, buf, sizeof(buf));
	if (pst_cose_sign1(&o, crypto, &args) != PST_OK)
		return none;
	return pst_cbor_written(&o);
}

static bool
give_result(const struct pst_signer *by, struct pst_bytes nonce)
{
	return pst_tam_worker_exchange(worker, 0,
		   response(result(by, nonce), none), now_s, &out) == PST_OK;
}

static bool
trust_verifier(void)
{
	struct pst_tam_anchor a = {
		.kind = PST_TAM_VERIFIER, .name = "v", .key = verifier_pub
	};

	return pst_tam_anchor_add(
		   pst_tam_node_store(node), "test", &a, now_s) == PST_OK;
}

/* A payload without a format is accepted only when a trusted Verifier signed
 * it. */
static void
a_result_counts_only_by_a_trusted_verifier(void)
{
	BEGIN();
	device_init();
	CHECK(session()); /* the TAM knows the device's key now */
	CHECK(give_result(&verifier, challenge()));
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	CHECK_EQ(reply().err_code, PST_TEEP_ERR_ATTESTATION_REQUIRED);
	CHECK(trust_verifier());
	CHECK(give_result(&verifier, challenge()));
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	CHECK_EQ(out->device, 1);
	/* the device's own key is no Verifier's */
	CHECK(give_result(&attestation, challenge()));
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	end();
}

static void
a_passport_counts_only_where_its_age_is_bounded(void)
{
	struct pst_tam_policy policy;

	BEGIN();
	device_init();
	CHECK(session());
	CHECK(trust_verifier());
	CHECK(give_result(&verifier, none));
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	close_node();
	pst_tam_policy_default(&policy);
	/* Evidence by its time is another matter */
	policy.timestamps = true;
	CHECK(open_node(&policy));
	now_s++;
	CHECK(give_result(&verifier, none));
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	close_node();
	policy.timestamps = false;
	policy.passport_age_s = 60;
	CHECK(open_node(&policy));
	/* other bytes than before, which are used up */
	now_s++;
	CHECK(give_result(&verifier, none));
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	/* a nonce that the Verifier and the agent agreed on */
	CHECK(give_result(&verifier, PST_BYTES_LIT("between us two")));
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	end();
}

/* --- Results that the TAM makes ---------------------------------------- */

static bool
begin_passports(void)
{
	struct pst_tam_policy policy;

	pst_tam_policy_default(&policy);
	policy.return_result = true;
	policy.result_life_s = 500;
	policy.passport_age_s = 300;
	if (!begin(&policy))
		return false;
	device_init();
	return session();
}

static bool
verifier_file(struct pst_pubkey *pub)
{
	char path[128];
	struct pst_key key;

	(void)snprintf(path, sizeof(path), "%s/tam-verifier.pub.pem", dir);
	if (pst_key_read(path, &key, NULL) != PST_OK)
		return false;
	*pub = key.pub;
	pst_key_wipe(&key);
	return true;
}

static enum pst_err
find_verifier(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*who = 0;
	return attempt == 0 && verifier_file(key) ? PST_OK : PST_ERR_NOT_FOUND;
}

/* The Result of the last reply, by the TAM's Verifier key, taken apart. */
static bool
read_result(struct pst_eat *e)
{
	struct pst_keys keys = { .find = find_verifier };
	struct pst_teep_message m = reply();
	struct pst_cose_message msg;
	struct pst_verified v;

	return pst_cose_parse(m.attestation_payload, PST_TAG_SIGN1, &msg,
		   NULL) == PST_OK &&
	    pst_cose_verify(&msg, crypto, &keys, none, &v) == PST_OK &&
	    pst_eat_decode(&v, e, NULL) == PST_OK;
}

static bool
anchor_itself(void)
{
	struct pst_tam_anchor a = { .kind = PST_TAM_VERIFIER, .name = "self" };
	if (!verifier_file(&a.key))
		return false;
	return pst_tam_anchor_add(
		   pst_tam_node_store(node), "test", &a, now_s) == PST_OK;
}

static void
an_accepted_device_gets_a_result_about_itself(void)
{
	uint8_t print[PST_THUMBPRINT_LEN], ueid[PST_EAT_UEID_MAX];
	struct pst_eat e;

	CHECK(begin_passports());
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	CHECK_EQ(reply().type, PST_TEEP_UPDATE);
	/* no format: the TEEP profile; no token: nothing awaits an answer */
	CHECK_EQ(reply().present, 1u << PST_LABEL_ATTESTATION_PAYLOAD);
	CHECK(read_result(&e));
	CHECK_EQ(pst_cose_thumbprint(crypto, &teep_pub, print), PST_OK);
	CHECK_EQ(pst_eat_check(&e, PST_BYTES_LIT(PST_EAT_TEEP_PROFILE), none,
		     print, crypto, now_s, 0),
	    PST_OK);
	CHECK_EQ(e.iat, now_s);
	CHECK_EQ(e.exp, now_s + 500);
	CHECK_EQ(e.nonce.len, 0);
	/* by the identity that was enrolled, whatever the device calls itself
	 */
	CHECK_EQ(pst_cose_thumbprint(crypto, &attestation_pub, print), PST_OK);
	CHECK_EQ(pst_tam_ueid(
		     crypto, (struct pst_bytes){ print, sizeof(print) }, ueid),
	    PST_OK);
	CHECK(pst_equal(e.ueid, (struct pst_bytes){ ueid, sizeof(ueid) }));
	CHECK(pst_equal(e.hwmodel, PST_BYTES_LIT("test board")));
	end();
}

static void
a_refused_device_gets_no_result(void)
{
	CHECK(begin_passports());
	device.debug_enabled = true;
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	CHECK_EQ(reply().attestation_payload.len, 0);
	end();
}

/* The same TAM plays the second one here: what it knows of the device is the
 * attestation key that was enrolled. */
static void
a_result_is_a_passport_until_it_is_too_old(void)
{
	static uint8_t kept[4096];
	struct pst_bytes passport = { kept, 0 }, again;
	struct pst_eat e;

	CHECK(begin_passports());
	CHECK(read_result(&e));
	passport.len = reply().attestation_payload.len;
	memcpy(kept, reply().attestation_payload.ptr, passport.len);
	CHECK_EQ(pst_tam_worker_exchange(
		     worker, 0, response(passport, none), now_s, &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_REFUSED);
	CHECK(anchor_itself());
	again = response(passport, none);
	CHECK_EQ(
	    pst_tam_worker_exchange(worker, 0, again, now_s, &out), PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	/* nobody's passport is made a newer one */
	CHECK_EQ(out->reply_len, 0);
	/* the same message again is a replay */
	CHECK_EQ(
	    pst_tam_worker_exchange(worker, 0, again, now_s, &out), PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_DROPPED);
	now_s += 362;
	CHECK_EQ(pst_tam_worker_exchange(
		     worker, 0, response(passport, none), now_s, &out),
	    PST_OK);
	CHECK(out->event != PST_TAM_EV_CURRENT);
	CHECK_EQ(out->err, PST_ERR_EAT_EXPIRED);
	end();
}

static void
another_devices_result_is_refused(void)
{
	static uint8_t kept[4096];
	struct pst_bytes passport = { kept, 0 };
	struct pst_signer thief;
	struct pst_pubkey thief_pub;

	CHECK(begin_passports());
	CHECK(anchor_itself());
	passport.len = reply().attestation_payload.len;
	memcpy(kept, reply().attestation_payload.ptr, passport.len);
	CHECK(new_key(PST_ALG_ESP256, &thief, &thief_pub));
	teep = thief;
	CHECK_EQ(pst_tam_worker_exchange(
		     worker, 0, response(passport, none), now_s, &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_DROPPED);
	CHECK_EQ(out->changes.what, 0);
	end();
}

/* --- several threads --------------------------------------------------- */

#define THREADS 4
#define BODIES 32

static struct {
	uint8_t bytes[2048];
	size_t len;
} bodies[BODIES];
static atomic_int accepted[BODIES];
static atomic_int faults;

/* Every thread sends every body, as a network that repeats would. */
static void *
send_all(void *ctx)
{
	struct pst_tam_worker *mine;
	const struct pst_tam_output *o;
	size_t start = (size_t)(uintptr_t)ctx, i;

	if (pst_tam_worker_new(node, &mine) != PST_OK) {
		atomic_fetch_add(&faults, 1);
		return NULL;
	}
	for (i = 0; i < BODIES; i++) {
		size_t k = (start + i) % BODIES;
		struct pst_bytes b = { bodies[k].bytes, bodies[k].len };

		if (pst_tam_worker_exchange(mine, 0, b, now_s, &o) != PST_OK)
			atomic_fetch_add(&faults, 1);
		else if (o->event == PST_TAM_EV_CURRENT)
			atomic_fetch_add(&accepted[k], 1);
		else if (o->err != PST_ERR_TEEP_TOKEN || o->reply_len != 0)
			atomic_fetch_add(&faults, 1);
	}
	pst_tam_worker_free(&mine);
	return NULL;
}

static void
many_threads_accept_each_response_once(void)
{
	struct pst_bytes format, e, r;
	pthread_t threads[THREADS];
	size_t i;

	BEGIN();
	device_init();
	for (i = 0; i < BODIES; i++) {
		e = evidence(challenge(), &format);
		r = response(e, format);
		CHECK(r.len > 0 && r.len <= sizeof(bodies[0].bytes));
		memcpy(bodies[i].bytes, r.ptr, r.len);
		bodies[i].len = r.len;
	}
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, send_all,
			     (void *)(uintptr_t)(i * BODIES / THREADS)),
		    0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(atomic_load(&faults), 0);
	for (i = 0; i < BODIES; i++)
		CHECK_EQ(atomic_load(&accepted[i]), 1);
	end();
}

/* --- the state folder -------------------------------------------------- */

static unsigned
mode_of(const char *name)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

static void
the_state_folder_is_made_for_its_owner(void)
{
	char sub[128];

	BEGIN();
	close_node();
	(void)snprintf(sub, sizeof(sub), "%s/a/b", dir);
	CHECK_EQ(pst_tam_node_open(sub, NULL, &node, note), PST_OK);
	CHECK_EQ(mode_of("a/b"), 0700);
	CHECK_EQ(mode_of("a/b/keys"), 0700);
	CHECK_EQ(mode_of("a/b/keys/tam-esp256.pem"), 0600);
	CHECK_EQ(mode_of("a/b/keys/tam-ed25519.pem"), 0600);
	CHECK_EQ(mode_of("a/b/keys/tam-encryption.pem"), 0600);
	CHECK_EQ(mode_of("a/b/tam-esp256.pub.pem"), 0644);
	CHECK_EQ(mode_of("a/b/tam-encryption.pub.pem"), 0644);
	CHECK_EQ(mode_of("a/b/tam.db"), 0600);
	end();
}

/* The key was named after SUIT Reports once: devices have it. */
static void
the_encryption_key_keeps_over_its_renaming(void)
{
	static const char *const is[] = { "a/keys/tam-encryption.pem",
		"a/tam-encryption.pub.pem" };
	static const char *const was[] = { "a/keys/tam-report.pem",
		"a/tam-report.pub.pem" };
	char sub[128], from[192], to[192];
	struct pst_key before, after;
	size_t i;

	BEGIN();
	close_node();
	(void)snprintf(sub, sizeof(sub), "%s/a", dir);
	CHECK_EQ(pst_tam_node_open(sub, NULL, &node, note), PST_OK);
	close_node();
	(void)snprintf(from, sizeof(from), "%s/%s", dir, is[1]);
	CHECK_EQ(pst_key_read(from, &before, NULL), PST_OK);
	for (i = 0; i < 2; i++) {
		(void)snprintf(from, sizeof(from), "%s/%s", dir, is[i]);
		(void)snprintf(to, sizeof(to), "%s/%s", dir, was[i]);
		CHECK_EQ(rename(from, to), 0);
	}
	CHECK_EQ(pst_tam_node_open(sub, NULL, &node, note), PST_OK);
	CHECK(access(to, F_OK) != 0);
	CHECK_EQ(pst_key_read(from, &after, NULL), PST_OK);
	CHECK(pst_pubkey_equal(&before.pub, &after.pub));
	end();
}

static void
keys_stay_the_same_over_a_restart(void)
{
	struct pst_bytes c, format, e;

	BEGIN();
	device_init();
	c = challenge();
	close_node();
	CHECK(open_node(NULL));
	e = evidence(c, &format);
	CHECK_EQ(pst_tam_worker_exchange(
		     worker, 0, response(e, format), now_s, &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	end();
}

static void
a_readable_private_key_is_refused(void)
{
	char path[512];

	BEGIN();
	close_node();
	(void)snprintf(path, sizeof(path), "%s/keys/tam-esp256.pem", dir);
	CHECK_EQ(chmod(path, 0644), 0);
	CHECK_EQ(pst_tam_node_open(dir, NULL, &node, note), PST_ERR_IO);
	CHECK(node == NULL);
	CHECK(strstr(note, "others can read") != NULL);
	end();
}

static void
a_public_key_that_does_not_fit_is_refused(void)
{
	char path[512], from[512];

	BEGIN();
	close_node();
	(void)snprintf(path, sizeof(path), "%s/tam-esp256.pub.pem", dir);
	(void)snprintf(from, sizeof(from), "%s/tam-ed25519.pub.pem", dir);
	CHECK_EQ(rename(from, path), 0);
	CHECK_EQ(pst_tam_node_open(dir, NULL, &node, note), PST_ERR_STATE);
	end();
}

static size_t
challenge_files(void)
{
	char path[512];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "challenge-", 10) == 0;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

/* A challenge made just before the key changed is good until it expires. */
static void
challenge_keys_rotate_under_a_running_session(void)
{
	struct pst_bytes c, format, e;
	int i;

	BEGIN();
	device_init();
	now_s += PST_TAM_ROTATE_S - 2;
	c = challenge();
	CHECK_EQ(challenge_files(), 1);
	now_s += 4;
	e = evidence(c, &format);
	CHECK_EQ(pst_tam_worker_exchange(
		     worker, 0, response(e, format), now_s, &out),
	    PST_OK);
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	CHECK_EQ(challenge_files(), 2);
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	for (i = 0; i < 5; i++) {
		now_s += PST_TAM_ROTATE_S;
		CHECK(session());
		CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	}
	CHECK_EQ(challenge_files(), 2);
	/* and what it left opens again */
	close_node();
	CHECK(open_node(NULL));
	CHECK(session());
	CHECK_EQ(out->event, PST_TAM_EV_CURRENT);
	end();
}

int
main(void)
{
	RUN(an_enrolled_device_attests);
	RUN(a_device_in_debug_mode_is_refused);
	RUN(an_unknown_attestation_key_is_dropped);
	RUN(evidence_passed_off_as_a_result_is_not_accepted);
	RUN(a_result_counts_only_by_a_trusted_verifier);
	RUN(a_passport_counts_only_where_its_age_is_bounded);
	RUN(an_accepted_device_gets_a_result_about_itself);
	RUN(a_refused_device_gets_no_result);
	RUN(a_result_is_a_passport_until_it_is_too_old);
	RUN(another_devices_result_is_refused);
	RUN(many_threads_accept_each_response_once);
	RUN(the_state_folder_is_made_for_its_owner);
	RUN(the_encryption_key_keeps_over_its_renaming);
	RUN(keys_stay_the_same_over_a_restart);
	RUN(a_readable_private_key_is_refused);
	RUN(a_public_key_that_does_not_fit_is_refused);
	RUN(challenge_keys_rotate_under_a_running_session);
	TEST_END();
}
