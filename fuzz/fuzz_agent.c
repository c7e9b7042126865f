/*
 * Bytes for an agent that has one TAM and one signer. The first byte says what
 * the rest is: a message as it comes; the payload of a message that the TAM
 * signs; or a manifest that the signer signs, in an Update that the TAM signs.
 * The last two get behind the signatures, where the fuzzer would never come.
 *
 * Whatever comes, the registry stays one that can be loaded, nothing is left in
 * the store that it does not name, and what is sent is a message.
 */
#include <string.h>

#include <mem.h>
#include <postern/agent_state.h>

#include "agent/registry.h"
#include "fuzz.h"
#include "ports/openssl/openssl.h"

enum { AS_IT_COMES = 0, AS_PAYLOAD = 1, AS_MANIFEST = 2, KINDS = 3 };
enum { FETCHES_MAX = 64 };

static struct {
	bool ready;
	struct pst_openssl *openssl;
	struct pst_signer own, tam, signer;
	struct pst_pubkey tam_pub, signer_pub;
	struct pst_mem_store store;
	struct pst_mem_clock clock;
	struct pst_mem_attester attester;
	struct pst_store store_port;
	struct pst_clock clock_port;
	struct pst_attester attester_port;
	struct pst_agent_tam tams[1];
	struct pst_agent_signer signers[1];
	struct pst_agent_config config;
	struct pst_agent agent;
} f;

static uint8_t registry[8192], staged[8192], message[65536], out[65536];
static uint8_t report[8192], work[256], made[2][65536];
static _Alignas(8) uint8_t arena[65536];
static struct pst_suit_param params[64];
static const uint8_t uuid[16] = "fuzzfuzzfuzzfuz";

static void
key(struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key k;
	uint32_t number = 0;

	MUST(pst_key_generate(PST_ALG_ED25519, &k) == PST_OK);
	MUST(pst_openssl_add(f.openssl, &k, &number) == PST_OK);
	MUST(pst_openssl_signer(f.openssl, number, PST_ALG_ED25519, signer) ==
	    PST_OK);
	*pub = k.pub;
	pst_key_wipe(&k);
}

static void
init(void)
{
	struct pst_agent_scope scope = { 0 };

	f.openssl = pst_openssl_new();
	MUST(f.openssl != NULL);
	key(&f.config.key, &f.config.pub);
	key(&f.tam, &f.tam_pub);
	key(&f.signer, &f.signer_pub);
	pst_mem_store_init(&f.store);
	f.store_port = pst_mem_store_port(&f.store);
	f.clock_port = pst_mem_clock_port(&f.clock);
	f.clock.now_s = 1800000000;
	f.clock.trusted = true;
	f.attester.fixed = PST_BYTES_LIT("evidence");
	f.attester_port = pst_mem_attester_port(&f.attester);
	scope.count = 1;
	scope.prefix[0] = PST_BYTES_LIT("\x81\x41\xaa");
	f.tams[0].name = PST_BYTES_LIT("tam");
	f.tams[0].uri = PST_BYTES_LIT("https://tam.example/");
	f.tams[0].confidential_transport = true;
	f.tams[0].key_count = 1;
	f.tams[0].keys[0] = f.tam_pub;
	f.tams[0].scope = scope;
	f.signers[0].key = f.signer_pub;
	f.signers[0].scope = scope;
	f.config.tams = f.tams;
	f.config.tam_count = 1;
	f.config.signers = f.signers;
	f.config.signer_count = 1;
	f.config.suites = PST_SUITE_ED25519;
	f.config.vendor_id = (struct pst_bytes){ uuid, sizeof(uuid) };
	f.config.class_id = f.config.vendor_id;
	f.config.device_id = f.config.vendor_id;
	f.ready = true;
}

static void
open_agent(void)
{
	struct pst_agent_ports ports = { pst_openssl_crypto(f.openssl),
		&f.store_port, &f.clock_port, &f.attester_port };
	struct pst_agent_memory memory = { registry, staged, sizeof(registry),
		message, sizeof(message), out, sizeof(out), report,
		sizeof(report),
		{ params, sizeof(params) / sizeof(params[0]), work,
		    sizeof(work), arena, sizeof(arena) } };

	MUST(pst_agent_open(&f.agent, &f.config, &ports, &memory) == PST_OK);
}

static struct pst_bytes
sign(const struct pst_signer *signer, struct pst_bytes payload, bool detached,
    uint8_t *buf, size_t cap)
{
	struct pst_cose_sign_args args = { .payload = payload, .count = 1 };
	struct pst_cbor_writer w;

	args.detached = detached;
	args.signers = signer;
	pst_cbor_writer_init(&w, buf, cap);
	if (pst_cose_sign1(&w, pst_openssl_crypto(f.openssl), &args) != PST_OK)
		w.err = PST_ERR_SPACE;
	return pst_cbor_written(&w);
}

static void
put_digest(struct pst_cbor_writer *w, struct pst_bytes what)
{
	const struct pst_crypto *c = pst_openssl_crypto(f.openssl);
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_suit_digest d = { PST_ALG_SHA256, { digest, 0 } };

	MUST(
	    c->digest(c->ctx, d.alg, &what, 1, digest, &d.bytes.len) == PST_OK);
	pst_suit_digest_put(w, &d);
}

/* An Update with one envelope around the manifest. */
static struct pst_bytes
update(struct pst_bytes manifest)
{
	uint8_t wrapped[16384], digest[64], block[256];
	struct pst_cbor_writer w, d;
	struct pst_bytes bstr;
	size_t list, auth;

	pst_cbor_writer_init(&w, wrapped, sizeof(wrapped));
	pst_cbor_put_bstr(&w, manifest);
	bstr = pst_cbor_written(&w);
	pst_cbor_writer_init(&d, digest, sizeof(digest));
	put_digest(&d, bstr);
	pst_cbor_writer_init(&w, made[0], sizeof(made[0]));
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_uint(&w, PST_TEEP_UPDATE);
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, PST_LABEL_MANIFEST_LIST);
	pst_cbor_put_array(&w, 1);
	list = pst_cbor_wrap_begin(&w);
	pst_cbor_put_map(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	auth = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_bstr(&w, pst_cbor_written(&d));
	pst_cbor_put_bstr(&w,
	    sign(&f.signer, pst_cbor_written(&d), true, block, sizeof(block)));
	pst_cbor_wrap_bstr(&w, auth);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, bstr);
	pst_cbor_wrap_bstr(&w, list);
	return pst_cbor_written(&w);
}

/* What is sent is signed by the agent and decodes. */
static void
check_sent(const struct pst_agent_out *o)
{
	struct pst_cose_message msg;
	struct pst_verified v;
	struct pst_teep_message m;

	MUST(pst_cose_parse(o->message, PST_TAG_SIGN1, &msg, NULL) == PST_OK);
	v = pst_verified_by_caller(msg.payload);
	MUST(pst_teep_decode(&v, &m, NULL) == PST_OK);
}

static void
check_store(void)
{
	size_t i;

	MUST(pst_reg_check(&f.agent.registry) == PST_OK);
	for (i = 0; i < f.store.count; i++)
		MUST(f.agent.update.active ||
		    pst_reg_names(&f.agent.registry, f.store.objects[i].id));
}

/* Payloads are bytes of the input, one at a time. */
static void
drive(struct pst_agent_out *o, struct pst_bytes in)
{
	size_t i;
	struct pst_bytes chunk = in;
	enum pst_err err = PST_OK;

	for (i = 0; i < FETCHES_MAX && o->what == PST_AGENT_FETCH; i++) {
		chunk.len = in.len < i % 2 ? in.len : i % 2;
		err =
		    pst_agent_resume(&f.agent, 0, PST_OK, chunk, i % 8 == 7, o);
		if (err != PST_OK)
			return;
	}
	if (o->what == PST_AGENT_FETCH)
		err = pst_agent_resume(&f.agent, 0, PST_ERR_FETCH,
		    (struct pst_bytes){ NULL, 0 }, true, o);
	if (err == PST_OK && o->what == PST_AGENT_SEND)
		check_sent(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size }, bytes = { NULL, 0 };
	struct pst_agent_out o;

	if (!f.ready)
		init();
	if (size == 0 || size > 8192)
		return 0;
	in.ptr++;
	in.len--;
	pst_mem_store_free(&f.store);
	open_agent();
	switch (data[0] % KINDS) {
	case AS_PAYLOAD:
		bytes = sign(&f.tam, in, false, made[1], sizeof(made[1]));
		break;
	case AS_MANIFEST:
		bytes =
		    sign(&f.tam, update(in), false, made[1], sizeof(made[1]));
		break;
	default:
		bytes = in;
		break;
	}
	if (pst_agent_message(&f.agent, 0, bytes, &o) == PST_OK)
		drive(&o, in);
	check_store();
	pst_agent_close(&f.agent);
	/* What was committed can be opened again. */
	open_agent();
	check_store();
	pst_agent_close(&f.agent);
	return 0;
}
