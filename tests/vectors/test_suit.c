/*
 * SUIT envelopes and reports: the published ones and the project's own, each
 * row against what it expects. Manifests that authenticate are also run on a
 * device in memory; the own ones say how that must end.
 */
#include <postern/suit.h>
#include <string.h>

#include "core/cose/sealed.h"
#include "ports/openssl/openssl.h"
#include "runner.h"
#include "tests/unit/suit/world.h"

enum { KEYS_MAX = 4 };

static struct pst_openssl *port;
static const struct pst_crypto *crypto;

struct given {
	struct pst_key key[KEYS_MAX];
	uint32_t number[KEYS_MAX];
	size_t count;
};

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct given *g = ctx;

	(void)headers;
	if (attempt >= g->count)
		return PST_ERR_NOT_FOUND;
	*key = g->key[attempt].pub;
	*who = 40 + (uint32_t)attempt;
	return PST_OK;
}

/* What find_secret gives must fit what is asked for. */
static bool
secret_fits(const struct pst_key *key, int32_t alg)
{
	bool agreement =
	    alg <= PST_ALG_ECDH_ES_HKDF_256 && alg >= PST_ALG_ECDH_SS_A256KW;

	return (key->pub.kty == PST_KTY_EC2) == agreement;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	struct given *g = ctx;
	size_t i;

	for (i = 0; i < g->count; i++) {
		if (!secret_fits(&g->key[i], headers->alg) || attempt-- > 0)
			continue;
		*key = g->number[i];
		*who = 40 + (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* Signers of dependencies, and the secrets of a device. */
struct everybody {
	struct given signers, device;
};

static enum pst_err
find_signer(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct everybody *e = ctx;

	return find(&e->signers, headers, attempt, key, who);
}

static enum pst_err
find_device_secret(void *ctx, const struct pst_cose_headers *headers,
    size_t attempt, uint32_t *key, uint32_t *who)
{
	struct everybody *e = ctx;

	return find_secret(&e->device, headers, attempt, key, who);
}

/* A .bin file is the secret itself. */
static bool
load_key(struct vector *v, struct given *g, const char *name)
{
	struct pst_bytes file = vector_file(v, name);
	struct pst_key *key = &g->key[g->count];
	size_t len = strlen(name);
	const char *why = "";

	memset(key, 0, sizeof(*key));
	if (len > 4 && strcmp(name + len - 4, ".bin") == 0) {
		key->pub.kty = PST_KTY_SYMMETRIC;
		key->secret_len = file.len;
		memcpy(key->secret, file.ptr, file.len);
	} else if (pst_key_parse(file, key, &why) != PST_OK) {
		vector_fail(v, "%s: %s", name, why);
		return false;
	}
	if (key->secret_len > 0 &&
	    pst_openssl_add(port, key, &g->number[g->count]) != PST_OK) {
		vector_fail(v, "%s: not taken", name);
		return false;
	}
	g->count++;
	return true;
}

static bool
load_list(struct vector *v, struct given *g, const json_t *keys)
{
	size_t i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < json_array_size(keys) && i < KEYS_MAX; i++)
		if (!load_key(v, g, json_string_value(json_array_get(keys, i))))
			return false;
	return true;
}

static bool
load_keys(struct vector *v, struct given *g)
{
	return load_list(v, g, json_object_get(v->row, "key"));
}

static bool
says(const struct vector *v, const char *words)
{
	return strstr(v->expected, words) != NULL;
}

static bool
needs(const struct vector *v, const char *draft)
{
	const json_t *list =
	    json_object_get(json_object_get(v->row, "suit"), "drafts_needed");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), draft) ==
		    0)
			return true;
	return false;
}

/* Decode and authenticate; or, when nobody signed, decode and accept. */
static enum pst_err
open_envelope(struct vector *v, struct given *g, bool signed_,
    struct pst_suit_manifest *m)
{
	struct pst_keys keys = { g, find, find_secret, false };
	struct pst_suit_envelope env;
	enum pst_err err;
	size_t at;

	err = pst_suit_envelope_decode(v->data, &env, &at);
	if (err != PST_OK)
		return err;
	if (signed_)
		return pst_suit_authenticate(&env, crypto, &keys, m, &at);
	return pst_suit_accept(&env, crypto, m, &at);
}

/* "element 20: severed, digest matches" and "… absent from the envelope" */
static bool
elements_as_said(struct vector *v, const struct pst_suit_manifest *m)
{
	const char *p = v->expected;
	char text[64];
	int label;

	while ((p = strstr(p, "element ")) != NULL) {
		if (sscanf(p, "element %d: severed, %63[^;,]", &label, text) !=
		    2) {
			vector_fail(v, "row not understood: %s", p);
			return false;
		}
		p++;
		if ((m->severed >> label & 1) !=
			(strncmp(text, "absent", 6) == 0) ||
		    (m->sections >> label & 1) !=
			(strncmp(text, "digest matches", 14) == 0)) {
			vector_fail(v, "element %d is not %s", label, text);
			return false;
		}
	}
	return true;
}

static bool
contains(struct pst_bytes in, struct pst_bytes what)
{
	return what.len > 0 &&
	    memmem(in.ptr, in.len, what.ptr, what.len) != NULL;
}

/* "integrated dependency envelope #x: matches image-digest" */
static bool
dependency_as_said(struct vector *v, const struct pst_suit_manifest *m)
{
	const char *p = strstr(v->expected, "integrated dependency envelope ");
	struct pst_suit_manifest inner;
	struct pst_suit_envelope env;
	struct pst_bytes payload;
	char name[64];

	if (p == NULL)
		return true;
	if (sscanf(p, "integrated dependency envelope %63[^:]", name) != 1)
		return false;
	if (!pst_suit_integrated(&m->envelope,
		(struct pst_bytes){ (uint8_t *)name, strlen(name) },
		&payload) ||
	    pst_suit_envelope_decode(payload, &env, NULL) != PST_OK ||
	    pst_suit_accept(&env, crypto, &inner, NULL) != PST_OK ||
	    !contains(m->envelope.manifest_bstr, inner.digest.bytes)) {
		vector_fail(v, "dependency %s is not what is said", name);
		return false;
	}
	return true;
}

/* How a run may end. The examples' digests and sizes are of no content that
 * was published, so a manifest that is understood fails where it compares. */
static bool
ends_as_it_should(
    struct vector *v, const struct pst_suit_manifest *m, enum pst_err err)
{
	if (says(v, "unsupported command"))
		return err == PST_ERR_SUIT_COMMAND;
	if (m->severed >> PST_SUIT_INSTALL & 1)
		return err == PST_ERR_SUIT_SEVERED;
	return err == PST_OK || err == PST_ERR_SUIT_CONDITION ||
	    err == PST_ERR_SUIT_OPERATION;
}

/*
 * The examples of trust-domains write these two files. Then they invoke
 * without their dependency, which its invoke section does not allow.
 */
static enum vector_result
check_tree(struct vector *v, const struct pst_suit_manifest *m, struct given *g)
{
	const struct pst_keys keys = { g, find, find_secret, false };
	static const int update[] = { 15, 16, 18, 20, 7, 0 };
	static const int invoke[] = { 9, 0 };
	static struct world w;
	bool holds;
	enum pst_err err, second;

	world_init(&w);
	w.chunk = 100;
	w.keys = &keys;
	world_serve(&w, "http://example.com/dependent.suit",
	    vector_file(v, "td-example0-dependent.cbor"));
	err = world_run(&w, m, crypto, update);
	holds = world_holds(&w, PST_BYTES_LIT("\x81\x42\x30\x30"),
		    PST_BYTES_LIT("hello world")) &&
	    world_holds(&w, PST_BYTES_LIT("\x81\x42\x31\x30"),
		PST_BYTES_LIT(" in multiple trust domains"));
	second = world_run(&w, m, crypto, invoke);
	world_free(&w);
	if (err != PST_OK || !holds)
		return vector_fail(
		    v, "the update ends with %s (%d)", pst_err_name(err), err);
	if (second != PST_ERR_SUIT_DEPENDENCY)
		return vector_fail(v, "the invocation ends with %s (%d)",
		    pst_err_name(second), second);
	return VECTOR_PASS;
}

/* Run the manifest on a device that is whatever it asks for, and that finds
 * as many zeros behind each URI as it says. */
static enum vector_result
run_as_far_as_possible(struct vector *v, const struct pst_suit_manifest *m)
{
	static const int all[] = { 15, 16, 18, 20, 7, 8, 9, 24, 0 };
	static const uint8_t zeros[1 << 17];
	static struct world w;
	enum pst_err err;
	size_t i;

	world_init(&w);
	w.chunk = 1000;
	w.serve_any = (struct pst_bytes){ zeros, sizeof(zeros) };
	for (i = 0; i < m->components.count; i++)
		world_install(&w, pst_suit_component(m, i),
		    PST_BYTES_LIT("not the image"));
	err = world_run(&w, m, crypto, all);
	world_free(&w);
	if (!ends_as_it_should(v, m, err))
		return vector_fail(
		    v, "run ends with %s (%d)", pst_err_name(err), err);
	return VECTOR_PASS;
}

/* The secrets of the device that the examples of firmware-encryption are
 * encrypted to. */
static bool
load_device(struct vector *v, struct given *g)
{
	memset(g, 0, sizeof(*g));
	return load_key(v, g, "keys/a128kw-a16.bin") &&
	    load_key(v, g, "keys/agent-p256.priv.pem");
}

/* The examples with a payload that was published: it must come out. */
static enum vector_result
run_decrypting(struct vector *v, const struct pst_suit_manifest *m)
{
	static const int update[] = { 15, 16, 20, 7, 0 };
	const json_t *said =
	    json_object_get(json_object_get(v->row, "suit"), "decryption");
	const char *plain = json_string_value(
	    json_object_get(json_array_get(said, 0), "plaintext"));
	static struct everybody all;
	static const struct pst_keys secrets = { &all, find_signer,
		find_device_secret, false };
	static struct world w;
	enum pst_err err;
	bool right;

	memset(&all, 0, sizeof(all));
	if (plain == NULL || !load_device(v, &all.device) ||
	    !load_key(v, &all.signers, "keys/suit-example-p256.cose_key"))
		return vector_fail(v, "row not understood");
	world_init(&w);
	w.chunk = 7;
	w.keys = &secrets;
	world_serve(&w, "coaps://example.com/encrypted-firmware",
	    vector_file(v, "fe-encinfo-aes-kw-aes-gcm.payload.bin"));
	err = world_run(&w, m, crypto, update);
	right = err == PST_OK &&
	    world_holds(&w, pst_suit_component(m, 0),
		(struct pst_bytes){ (const uint8_t *)plain, strlen(plain) });
	world_free(&w);
	if (!right)
		return vector_fail(
		    v, "decryption ends with %s (%d)", pst_err_name(err), err);
	return VECTOR_PASS;
}

/* A SUIT_Encryption_Info and its payload. */
static enum vector_result
check_encryption_info(struct vector *v)
{
	struct pst_bytes plain = vector_hex(v, vector_text(v, "plaintext_hex"));
	struct pst_bytes payload =
	    vector_file(v, vector_text(v, "payload_file"));
	struct given device;
	const struct pst_keys secrets = { &device, NULL, find_secret, false };
	const struct pst_cose_open_args args = { .keys = &secrets,
		.kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = true,
		.wrapped = true };
	struct pst_cose_sealed sealed;
	uint8_t out[256];
	size_t len = 0;
	enum pst_err err;

	if (payload.len > sizeof(out) || !load_device(v, &device))
		return VECTOR_FAIL;
	err = pst_cose_sealed_parse(v->data, &sealed, NULL);
	if (err == PST_OK)
		err = pst_cose_decrypt(
		    &sealed, payload, crypto, &args, out, &len, NULL);
	if (err != PST_OK || !pst_equal((struct pst_bytes){ out, len }, plain))
		return vector_fail(
		    v, "%s (%d), %zu bytes", pst_err_name(err), err, len);
	return VECTOR_PASS;
}

/* COSE_KDF_Context of ECDH-ES+A128KW, as bytes. */
static enum vector_result
check_kdf_context(struct vector *v)
{
	uint8_t buf[PST_PLAIN_CONTEXT_MAX];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cose_plain_context(&w, PST_ALG_A128KW,
	    PST_BYTES_LIT("\xa1\x01\x38\x1c"), PST_COSE_KDF_SUIT);
	if (w.err != PST_OK || !pst_equal(pst_cbor_written(&w), v->data))
		return vector_fail(v, "another context");
	return VECTOR_PASS;
}

static enum vector_result
check_rejected(struct vector *v, struct given *g)
{
	struct pst_suit_manifest m;
	enum pst_err err = open_envelope(v, g, true, &m);

	if (says(v, "unsupported command"))
		return err == PST_OK
		    ? run_as_far_as_possible(v, &m)
		    : vector_fail(v, "not authentic: %s", pst_err_name(err));
	if (err == PST_OK)
		return vector_fail(v, "accepted");
	if ((says(v, "signature does not verify") &&
		err != PST_ERR_COSE_SIGNATURE) ||
	    (says(v, "severed element") && err != PST_ERR_SUIT_DIGEST) ||
	    (says(v, "but the manifest digest does not match") &&
		err != PST_ERR_SUIT_DIGEST) ||
	    (says(v, "manifest version") && err != PST_ERR_SUIT_VERSION) ||
	    (says(v, "duplicate") && err != PST_ERR_CBOR_DUPLICATE))
		return vector_fail(
		    v, "refused for another reason: %s", pst_err_name(err));
	return VECTOR_PASS;
}

static enum vector_result
check_envelope(struct vector *v)
{
	struct pst_suit_manifest m;
	struct given g;
	enum pst_err err;
	bool unsigned_ = says(v, "no authentication block");

	if (!load_keys(v, &g))
		return VECTOR_FAIL;
	if (vector_expects(v, "must be rejected"))
		return check_rejected(v, &g);
	if (unsigned_ &&
	    open_envelope(v, &g, true, &m) != PST_ERR_SUIT_UNSIGNED)
		return vector_fail(v, "not refused as unsigned");
	err = open_envelope(v, &g, !unsigned_, &m);
	if (vector_expects(v, "NOT conformant"))
		return err == PST_ERR_SUIT_STRUCTURE
		    ? VECTOR_PASS
		    : vector_fail(v, "refused for another reason: %s",
			  pst_err_name(err));
	if (err != PST_OK)
		return vector_fail(v, "%s (%d)", pst_err_name(err), err);
	if (!unsigned_ && m.who != 40)
		return vector_fail(v, "signer is not named");
	if (!elements_as_said(v, &m) || !dependency_as_said(v, &m))
		return VECTOR_FAIL;
	if (needs(v, "firmware-encryption"))
		return run_decrypting(v, &m);
	if (m.dependencies.count > 0)
		return check_tree(v, &m, &g);
	return run_as_far_as_possible(v, &m);
}

/* --- the project's own ---------------------------------------------------- */

/* How payloads arrive; every row must come to the same in each way. */
struct delivery {
	const char *what;
	size_t chunk, read_max;
	bool rebuild, log;
};

static const struct delivery deliveries[] = {
	{ "whole", 0, 0, false, true },
	{ "in chunks of 7", 7, 5, false, true },
	{ "byte by byte", 1, 1, false, true },
	{ "the run rebuilt after each chunk", 9, 0, true, false },
	{ "byte by byte, the run rebuilt each time", 1, 0, true, false },
};

static struct pst_bytes
hex_item(struct vector *v, const json_t *list, size_t i)
{
	return vector_hex(v, json_string_value(json_array_get(list, i)));
}

static long long
number(const json_t *run, const char *key)
{
	return json_integer_value(json_object_get(run, key));
}

/* Members of the host that this device does not have. */
static void
take_away(const json_t *run, struct pst_suit_host *h)
{
	const json_t *list = json_object_get(run, "lacks"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);

		if (strcmp(name, "now") == 0)
			h->now = NULL;
		else if (strcmp(name, "battery") == 0)
			h->battery = NULL;
		else if (strcmp(name, "authorized") == 0)
			h->authorized = NULL;
		else if (strcmp(name, "version") == 0)
			h->version = NULL;
		else if (strcmp(name, "wait") == 0)
			h->wait = NULL;
		else if (strcmp(name, "metadata") == 0)
			h->metadata = NULL;
		else if (strcmp(name, "swap") == 0)
			h->swap = NULL;
		else if (strcmp(name, "unlink") == 0)
			h->unlink = NULL;
		else if (strcmp(name, "references") == 0)
			h->references = NULL;
	}
}

static void
set_up_facts(struct vector *v, const json_t *run, struct world *w)
{
	const json_t *list = json_object_get(run, "versions"), *pair;
	size_t i;

	w->now_s = (uint64_t)number(run, "now");
	w->no_clock = number(run, "now") < 0;
	w->battery_mwh = (uint64_t)number(run, "battery");
	w->priority_max = number(run, "priority");
	w->events_after = (int)number(run, "events_after");
	w->no_event = (enum pst_suit_event)number(run, "no_event");
	json_array_foreach(list, i, pair)
	{
		struct world_component *c = world_find(w, hex_item(v, pair, 0));
		struct pst_bytes version = hex_item(v, pair, 1);

		c->version_len = version.len;
		memcpy(c->version, version.ptr, version.len);
	}
	if (json_object_get(run, "custom") != NULL)
		world_custom(w);
	take_away(run, &w->host);
}

/* Who may touch what, and what others refer to. */
static void
set_up_tree(struct vector *v, const json_t *run, struct world *w)
{
	const json_t *list = json_object_get(run, "rights"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct world_right *r = &w->rights[w->rights_count++];

		r->who = (uint32_t)json_integer_value(json_array_get(item, 0));
		r->name = hex_item(v, item, 1);
		r->parameter = json_integer_value(json_array_get(item, 2));
	}
	w->oldest = (uint64_t)number(run, "oldest");
	list = json_object_get(run, "others");
	json_array_foreach(list, i, item) w->others[w->others_count++] =
	    hex_item(v, list, i);
}

static void
set_up(struct vector *v, const json_t *run, struct world *w)
{
	const json_t *list, *pair;
	size_t i;

	w->vendor =
	    vector_hex(v, json_string_value(json_object_get(run, "vendor")));
	w->class_id =
	    vector_hex(v, json_string_value(json_object_get(run, "class")));
	w->device =
	    vector_hex(v, json_string_value(json_object_get(run, "device")));
	w->fail_write = (enum pst_err)json_integer_value(
	    json_object_get(run, "fail_write"));
	list = json_object_get(run, "serve");
	json_array_foreach(list, i, pair) world_serve(w,
	    json_string_value(json_array_get(pair, 0)), hex_item(v, pair, 1));
	list = json_object_get(run, "installed");
	json_array_foreach(list, i, pair)
	    world_install(w, hex_item(v, pair, 0), hex_item(v, pair, 1));
	list = json_object_get(run, "slots");
	json_array_foreach(list, i, pair)
	{
		struct world_component *c = world_find(w, hex_item(v, pair, 0));

		c->has_slot = true;
		c->slot = (uint64_t)json_integer_value(json_array_get(pair, 1));
	}
	set_up_facts(v, run, w);
	set_up_tree(v, run, w);
	list = json_object_get(run, "refuse");
	if (list == NULL)
		return;
	w->refuse = json_integer_value(json_array_get(list, 0));
	w->refuse_name = hex_item(v, list, 1);
	w->refuse_with =
	    (enum pst_err)json_integer_value(json_array_get(list, 2));
}

static bool
differs(struct vector *v, const struct delivery *d, const char *what,
    long long got, long long want)
{
	if (got == want)
		return false;
	vector_fail(v, "%s: %s is %lld, not %lld", d->what, what, got, want);
	return true;
}

/* Records and claims, byte for byte. */
static bool
items_as_said(struct vector *v, const json_t *run,
    const struct pst_suit_report_view *view, const struct delivery *d)
{
	const json_t *list = json_object_get(run, "items");
	struct pst_list records = view->records;
	struct pst_bytes item;
	size_t i = 0;

	if (list == NULL)
		return true;
	if (differs(v, d, "records", (long long)records.count,
		(long long)json_array_size(list)))
		return false;
	while (pst_list_next(&records, &item))
		if (!pst_equal(item, hex_item(v, list, i++))) {
			vector_fail(
			    v, "%s: record %zu is another one", d->what, i - 1);
			return false;
		}
	return true;
}

/* The walk of component indices to the manifest that failed. */
static bool
manifest_id_as_said(struct vector *v, const json_t *run,
    const struct pst_suit_record *record, const struct delivery *d)
{
	const json_t *list = json_object_get(run, "manifest_id");
	size_t i;

	if (list == NULL)
		return true;
	if (differs(v, d, "manifest-id", record->walk_len,
		(long long)json_array_size(list)))
		return false;
	for (i = 0; i < record->walk_len; i++)
		if (differs(v, d, "manifest-id", record->walk[i],
			json_integer_value(json_array_get(list, i))))
			return false;
	return true;
}

/* The report says what failed and where, and can be read back. */
static bool
report_as_said(struct vector *v, const json_t *run,
    const struct pst_suit_manifest *m, struct world *w,
    const struct delivery *d, enum pst_err err)
{
	const json_t *want = json_object_get(run, "report");
	const json_t *n = json_object_get(run, "records");
	const json_t *reason = json_object_get(run, "reason");
	struct pst_suit_report_view view;
	struct pst_bytes nonce = PST_BYTES_LIT("12345678");
	struct pst_cbor_writer out;
	struct pst_verified in;
	uint8_t buf[8192];

	pst_cbor_writer_init(&out, buf, sizeof(buf));
	if (pst_suit_report_encode(&out, &w->report, m->reference_uri,
		&m->digest, nonce) != PST_OK)
		return false;
	in = pst_verified_by_caller(pst_cbor_written(&out));
	if (differs(v, d, "report decoded",
		pst_suit_report_decode(&in, &view, NULL), PST_OK) ||
	    differs(v, d, "success", view.success, err == PST_OK) ||
	    differs(v, d, "code", view.code, err))
		return false;
	if (err != PST_OK &&
	    differs(v, d, "reason", view.reason, pst_suit_reason_of(err)))
		return false;
	if (reason != NULL &&
	    differs(v, d, "reason", view.reason, json_integer_value(reason)))
		return false;
	if (n != NULL &&
	    differs(v, d, "records", (long long)view.records.count,
		json_integer_value(n)))
		return false;
	if (!items_as_said(v, run, &view, d) ||
	    !manifest_id_as_said(v, run, &view.record, d))
		return false;
	return want == NULL ||
	    (!differs(v, d, "section", view.record.section,
		 json_integer_value(json_object_get(want, "section"))) &&
		!differs(v, d, "offset", view.record.offset,
		    json_integer_value(json_object_get(want, "offset"))) &&
		!differs(v, d, "component", view.record.component,
		    json_integer_value(json_object_get(want, "component"))));
}

static bool
device_as_said(struct vector *v, const json_t *run, struct world *w,
    const struct delivery *d)
{
	const json_t *list = json_object_get(run, "holds"), *pair;
	const char *log = json_string_value(json_object_get(run, "log"));
	size_t i;

	json_array_foreach(
	    list, i, pair) if (!world_holds(w, hex_item(v, pair, 0),
				   hex_item(v, pair, 1)))
	{
		vector_fail(
		    v, "%s: component %zu holds something else", d->what, i);
		return false;
	}
	if (d->log && log != NULL && strcmp(log, w->log) != 0) {
		vector_fail(v, "%s: done: %s, not: %s", d->what, w->log, log);
		return false;
	}
	return true;
}

static bool
run_once(struct vector *v, const json_t *run, const struct pst_suit_manifest *m,
    const struct given *signers, const struct delivery *d)
{
	static struct everybody all;
	static const struct pst_keys keys = { &all, find_signer,
		find_device_secret, false };
	static struct world w;
	const json_t *list = json_object_get(run, "sections"), *item;
	int sections[8] = { 0 };
	enum pst_err err;
	size_t i;
	bool ok;

	json_array_foreach(list, i, item) if (i < 7) sections[i] =
	    (int)json_integer_value(item);
	world_init(&w);
	set_up(v, run, &w);
	all.signers = *signers;
	if (!load_list(v, &all.device, json_object_get(run, "secrets")))
		return false;
	if (json_object_get(run, "no_keys") == NULL)
		w.keys = &keys;
	if (json_object_get(run, "arena") != NULL)
		w.memory.arena_cap = (size_t)number(run, "arena");
	w.chunk = d->chunk;
	w.read_max = d->read_max;
	w.rebuild = d->rebuild;
	err = world_run(&w, m, crypto, sections);
	ok = !differs(v, d, "result", err,
	    json_integer_value(json_object_get(run, "result")));
	ok = ok && report_as_said(v, run, m, &w, d, err) &&
	    device_as_said(v, run, &w, d);
	world_free(&w);
	return ok;
}

/* What the walk says: an error, or bits of components. Without an
 * expectation it must not refuse what a run does not. */
static bool
walk_as_said(
    struct vector *v, const json_t *run, const struct pst_suit_manifest *m)
{
	const struct delivery walk = { "walk", 0, 0, false, false };
	const json_t *want = json_object_get(run, "walk");
	json_int_t result = json_integer_value(json_object_get(run, "result"));
	struct pst_suit_images images;
	enum pst_err err = pst_suit_manifest_images(m, NULL, NULL, &images);

	if (json_is_integer(want))
		return !differs(
		    v, &walk, "result", err, json_integer_value(want));
	if (want == NULL && (err == PST_OK || result != PST_OK))
		return true;
	if (differs(v, &walk, "result", err, PST_OK))
		return false;
	return !differs(v, &walk, "digests", (long long)images.digests[0],
		   json_integer_value(json_array_get(want, 0))) &&
	    !differs(v, &walk, "written", (long long)images.written[0],
		json_integer_value(json_array_get(want, 1))) &&
	    !differs(v, &walk, "verified", (long long)images.verified[0],
		json_integer_value(json_array_get(want, 2))) &&
	    !differs(v, &walk, "unlinked", (long long)images.unlinked[0],
		json_integer_value(json_array_get(want, 3)));
}

/* What somebody who passes the envelope on finds in its payloads. */
static bool
integrated_as_said(
    struct vector *v, const json_t *run, const struct pst_suit_manifest *m)
{
	const struct delivery d = { "integrated", 0, 0, false, false };
	const json_t *want = json_object_get(run, "integrated");
	struct pst_bytes name;

	return want == NULL ||
	    !differs(v, &d, "result",
		pst_suit_integrated_check(m, crypto, &name),
		json_integer_value(want));
}

static enum vector_result
check_own(struct vector *v)
{
	const json_t *run = json_object_get(v->row, "run");
	enum pst_err want = (enum pst_err)json_integer_value(
	    json_object_get(v->row, "authenticate"));
	struct pst_suit_manifest m;
	struct given g;
	enum pst_err err;
	size_t i;

	if (!load_keys(v, &g))
		return VECTOR_FAIL;
	err = open_envelope(v, &g, true, &m);
	if (err != want)
		return vector_fail(v, "%s (%d), not %s", pst_err_name(err), err,
		    pst_err_name(want));
	if (run == NULL)
		return VECTOR_PASS;
	for (i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++) {
		if (!run_once(v, run, &m, &g, &deliveries[i]))
			return VECTOR_FAIL;
	}
	return walk_as_said(v, run, &m) && integrated_as_said(v, run, &m)
	    ? VECTOR_PASS
	    : VECTOR_FAIL;
}

/* --- reports ------------------------------------------------------------ */

static enum vector_result
check_claims(struct vector *v)
{
	static const uint8_t bytes[32];
	struct pst_suit_digest digest = { PST_ALG_SHA256, { bytes, 32 } };
	struct pst_bytes none = { NULL, 0 };
	struct pst_suit_report_view view;
	struct pst_suit_report report;
	struct pst_cbor_writer w;
	struct pst_verified in;
	uint8_t records[512], out[1024];

	pst_suit_report_init(&report, records, sizeof(records));
	pst_suit_report_add(&report, v->data);
	pst_cbor_writer_init(&w, out, sizeof(out));
	if (pst_suit_report_encode(&w, &report, none, &digest, none) != PST_OK)
		return vector_fail(v, "does not encode");
	in = pst_verified_by_caller(pst_cbor_written(&w));
	if (pst_suit_report_decode(&in, &view, NULL) != PST_OK ||
	    view.records.count != 1)
		return vector_fail(v, "is no record of a report");
	return VECTOR_PASS;
}

static enum vector_result
check_report(struct vector *v)
{
	struct pst_suit_report_view view;
	struct pst_cose_message msg;
	struct pst_verified in = pst_verified_by_caller(v->data);
	struct pst_bytes none = { NULL, 0 };
	struct given g;
	struct pst_keys keys = { &g, find, find_secret, false };
	enum pst_err err;

	if (!load_keys(v, &g))
		return VECTOR_FAIL;
	if (says(v, "{0: component id"))
		return check_claims(v);
	if (says(v, "verifies")) {
		if (pst_cose_parse(v->data, PST_TAG_SIGN1, &msg, NULL) !=
			PST_OK ||
		    pst_cose_verify(&msg, crypto, &keys, none, &in) != PST_OK)
			return vector_fail(v, "does not verify");
	}
	err = pst_suit_report_decode(&in, &view, NULL);
	if (says(v, "must be rejected") || says(v, "NOT conformant"))
		return err != PST_OK ? VECTOR_PASS : vector_fail(v, "accepted");
	if (err != PST_OK)
		return vector_fail(v, "%s (%d)", pst_err_name(err), err);
	if (says(v, "payload conforms") || says(v, "conforms"))
		return VECTOR_PASS;
	return vector_fail(v, "row not understood");
}

static enum vector_result
check(struct vector *v)
{
	if (json_object_get(v->row, "authenticate") != NULL)
		return check_own(v);
	if (strstr(v->dir, "suit-report") != NULL)
		return check_report(v);
	if (says(v, "detached payload decrypts"))
		return check_encryption_info(v);
	if (says(v, "equals the context"))
		return check_kdf_context(v);
	return check_envelope(v);
}

int
main(int argc, char **argv)
{
	int status;

	port = pst_openssl_new();
	if (argc != 2 || port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	status = vectors_run(argv[1], check);
	pst_openssl_free(&port);
	return status;
}
