#include "fleet.h"

#include <dirent.h>
#include <postern/suit_encode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tam/node/node.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "sample.h"

/* What is installed: as large as a small Trusted Application. */
enum { PAYLOAD_BYTES = 4096 };

static const uint8_t uuid[16] = { 0x8d, 0x82, 0x57, 0x3a, 1, 2, 3, 4, 5, 6, 7,
	8, 9, 10, 11, 12 };
static uint8_t prefix_buf[32], ta_buf[32], manifest_buf[48];
static struct pst_bytes prefix, ta_id, manifest_id;

static struct pst_bytes
component(uint8_t *buf, size_t cap, const char *last)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, cap);
	pst_cbor_put_array(&w, last != NULL ? 2 : 1);
	pst_cbor_put_bstr(&w, (struct pst_bytes){ uuid, sizeof(uuid) });
	if (last != NULL)
		pst_cbor_put_bstr(&w,
		    (struct pst_bytes){ (const uint8_t *)last, strlen(last) });
	return pst_cbor_written(&w);
}

static void
ids(void)
{
	prefix = component(prefix_buf, sizeof(prefix_buf), NULL);
	ta_id = component(ta_buf, sizeof(ta_buf), "ta");
	manifest_id = component(manifest_buf, sizeof(manifest_buf), "manifest");
}

static struct pst_bytes
envelope(uint8_t *buf, size_t cap)
{
	static uint8_t payload[PAYLOAD_BYTES] = { 0x7f, 'E', 'L', 'F' };
	static uint8_t unsigned_buf[2 * PAYLOAD_BYTES];
	struct pst_suit_build_component c = { .id = ta_id,
		.source = PST_SUIT_FROM_ENVELOPE,
		.uri = PST_BYTES_LIT("#ta"),
		.data = { payload, sizeof(payload) } };
	struct pst_suit_build b = { .sequence = 1,
		.component_id = manifest_id,
		.components = &c,
		.count = 1,
		.uninstall = true };
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, unsigned_buf, sizeof(unsigned_buf));
	bench_must(pst_suit_build(&w, sample()->crypto, &b) == PST_OK &&
		pst_suit_envelope_decode(pst_cbor_written(&w), &env, NULL) ==
		    PST_OK,
	    "building a manifest");
	pst_cbor_writer_init(&w, buf, cap);
	bench_must(pst_suit_sign(&w, &env, sample()->crypto, PST_TAG_SIGN1,
		       &sample()->esp256, 1) == PST_OK,
	    "signing a manifest");
	return pst_cbor_written(&w);
}

static void
add_key(struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number;

	bench_must(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK &&
		pst_openssl_add(sample()->port, &key, &number) == PST_OK &&
		pst_openssl_signer(
		    sample()->port, number, PST_ALG_ESP256, signer) == PST_OK,
	    "making a key");
	*pub = key.pub;
	pst_key_wipe(&key);
}

static void
device_init(struct fleet_device *d, size_t i)
{
	static const uint8_t oemid[3] = { 0x89, 0x48, 0x23 };

	memset(d, 0, sizeof(*d));
	pst_mem_store_init(&d->store);
	add_key(&d->key, &d->pub);
	add_key(&d->eat.key, &d->attestation);
	d->ueid[0] = 1;
	memcpy(d->ueid + 1, &i, sizeof(i));
	d->eat.crypto = sample()->crypto;
	d->eat.ueid = (struct pst_bytes){ d->ueid, sizeof(d->ueid) };
	d->eat.oemid = (struct pst_bytes){ oemid, sizeof(oemid) };
	d->eat.hwmodel = PST_BYTES_LIT("bench");
	d->eat.hwversion = PST_BYTES_LIT("1.0");
	d->eat.swname = PST_BYTES_LIT("postern");
	d->eat.swversion = PST_BYTES_LIT("0.1.0");
	d->eat.software.alg = PST_ALG_SHA256;
	d->eat.software.bytes = (struct pst_bytes){ d->pub.x, 32 };
}

static void
publish(
    struct pst_tam_store *store, struct pst_tam_worker *worker, uint64_t now_s)
{
	static uint8_t buf[2 * PAYLOAD_BYTES];
	struct pst_tam_anchor anchor = { .kind = PST_TAM_SIGNER,
		.name = "bench",
		.key = sample()->esp256_pub,
		.prefixes = { prefix, 1 } };
	char note[PST_TAM_NOTE_MAX] = "";
	enum pst_err err;

	bench_must(pst_tam_anchor_add(store, "bench", &anchor, now_s) == PST_OK,
	    "adding an anchor");
	err = pst_tam_publish(store, pst_tam_worker_reader(worker),
	    pst_tam_worker_crypto(worker), "bench", envelope(buf, sizeof(buf)),
	    now_s, NULL, note);
	if (err != PST_OK)
		fprintf(stderr, "bench: %s\n", note);
	bench_must(err == PST_OK, "publishing");
	bench_must(pst_tam_assign(store, "bench", ta_id, PST_TAM_ALL, "", false,
		       now_s) == PST_OK,
	    "assigning");
}

static void
tam_init(struct fleet *f)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct pst_tam_worker *worker = NULL;
	struct pst_tam_store *store;
	struct pst_tam_node *node = NULL;
	struct pst_tam_attester by = { .technology = "eat", .has_key = true };
	char path[128], name[32];
	struct pst_key key;
	int64_t id;
	size_t i;

	bench_must(pst_tam_node_open(f->dir, NULL, &node, NULL) == PST_OK &&
		pst_tam_worker_new(node, &worker) == PST_OK,
	    "making a TAM");
	store = pst_tam_node_store(node);
	publish(store, worker, now_s);
	for (i = 0; i < f->count; i++) {
		(void)snprintf(name, sizeof(name), "device-%zu", i);
		by.key = f->devices[i].attestation;
		bench_must(
		    pst_tam_device_enroll(store, pst_tam_worker_crypto(worker),
			"bench", name, &by, now_s, &id) == PST_OK,
		    "enrolling");
	}
	(void)snprintf(path, sizeof(path), "%s/tam-esp256.pub.pem", f->dir);
	bench_must(pst_key_read(path, &key, NULL) == PST_OK, path);
	f->tam.keys[0] = key.pub;
	(void)snprintf(path, sizeof(path), "%s/tam-ed25519.pub.pem", f->dir);
	bench_must(pst_key_read(path, &key, NULL) == PST_OK, path);
	f->tam.keys[1] = key.pub;
	f->tam.key_count = 2;
	pst_tam_worker_free(&worker);
	pst_tam_node_close(&node);
}

void
fleet_init(struct fleet *f, size_t count)
{
	const char *tmp = getenv("TMPDIR");
	size_t i;

	memset(f, 0, sizeof(*f));
	ids();
	f->count = count;
	f->devices = calloc(count, sizeof(*f->devices));
	bench_must(f->devices != NULL, "memory");
	(void)snprintf(f->dir, sizeof(f->dir), "%s/postern-bench-XXXXXX",
	    tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	bench_must(mkdtemp(f->dir) != NULL, "a temporary folder");
	for (i = 0; i < count; i++)
		device_init(&f->devices[i], i);
	f->tam.name = PST_BYTES_LIT("bench");
	f->tam.uri = PST_BYTES_LIT("http://127.0.0.1/tam");
	f->tam.confidential_transport = true;
	f->tam.scope.count = 1;
	f->tam.scope.prefix[0] = prefix;
	f->signer.key = sample()->esp256_pub;
	f->signer.scope = f->tam.scope;
	tam_init(f);
}

/* Only what a TAM makes: files of its folder and of keys/ below it. */
static void
remove_folder(const char *path)
{
	char below[512];
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (unlink(below) != 0 && strcmp(e->d_name, "keys") == 0)
			remove_folder(below);
	}
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

void
fleet_wipe(struct fleet *f)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		pst_mem_store_free(&f->devices[i].store);
	free(f->devices);
	remove_folder(f->dir);
}

void
fleet_agent_open(struct fleet_agent *a, const struct fleet *f, size_t i)
{
	struct fleet_device *d = &f->devices[i];
	struct pst_agent_ports ports = { sample()->crypto, &a->store, &a->clock,
		&a->attester };
	struct pst_agent_memory memory = { a->registry, a->staged,
		sizeof(a->registry), a->message, sizeof(a->message), a->out,
		sizeof(a->out), a->report, sizeof(a->report),
		{ a->params, sizeof(a->params) / sizeof(a->params[0]), a->work,
		    sizeof(a->work), NULL, 0 } };

	a->store = pst_mem_store_port(&d->store);
	a->time.now_s = (uint64_t)time(NULL);
	a->time.trusted = true;
	memset(&a->time.fault, 0, sizeof(a->time.fault));
	a->clock = pst_mem_clock_port(&a->time);
	pst_eat_attester_init(&a->attester, &d->eat);
	a->config = (struct pst_agent_config){ .tams = &f->tam,
		.tam_count = 1,
		.signers = &f->signer,
		.signer_count = 1,
		.key = d->key,
		.pub = d->pub,
		.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519,
		.policy_interval_s = 3600 };
	bench_must(
	    pst_agent_open(&a->agent, &a->config, &ports, &memory) == PST_OK,
	    "opening an agent");
}
