#include "world.h"

#include <postern/cose_encrypt.h>

#include <stdlib.h>
#include <string.h>

#include "agent/registry.h"

struct world w;

static uint8_t registry[65536], staged[65536];
static uint8_t message[16384], out[16384], report[8192], work[256];
static _Alignas(8) uint8_t arena[65536];
static struct pst_suit_param params[32];
static uint8_t made[4][16384]; /* messages that were made last */
static size_t made_count;

static const uint8_t vendor[16] = "vendor-uuid-16b";
static const uint8_t class_[16] = "class-uuid-16by";
static const uint8_t device[16] = "device-uuid-16b";
static const uint8_t other[16] = "other-uuid-16by";

static bool
make_key(struct pst_openssl *o, int32_t alg, struct pst_signer *signer,
    struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number = 0;
	bool ok;

	ok = pst_key_generate(alg, &key) == PST_OK &&
	    pst_openssl_add(o, &key, &number) == PST_OK &&
	    pst_openssl_signer(o, number, alg, signer) == PST_OK;
	*pub = key.pub;
	pst_key_wipe(&key);
	return ok;
}

/* One secret that both sides have. */
static bool
share_key(void)
{
	struct pst_key key;
	uint32_t number = 0;
	bool ok;

	ok = pst_key_generate(PST_ALG_HMAC_256, &key) == PST_OK &&
	    pst_openssl_add(w.device, &key, &w.mac_secret) == PST_OK &&
	    pst_openssl_add(w.outside, &key, &number) == PST_OK;
	w.signer_key[MAC].key = number;
	w.signer_key[MAC].alg = PST_ALG_HMAC_256;
	pst_key_wipe(&key);
	return ok;
}

/* Likewise what payloads are encrypted to. */
static bool
share_kek(void)
{
	struct pst_key key;
	bool ok;

	ok = pst_key_generate(PST_ALG_A128KW, &key) == PST_OK &&
	    pst_openssl_add(w.device, &key, &w.secret.key) == PST_OK &&
	    pst_openssl_add(w.outside, &key, &w.kek) == PST_OK;
	w.secret.wrap = PST_ALG_A128KW;
	pst_key_wipe(&key);
	return ok;
}

static void
configure(void)
{
	struct pst_agent_tam *t = w.tams;
	struct pst_agent_signer *s = w.signers;

	t[ONE].name = PST_BYTES_LIT("one");
	t[ONE].uri = URI_ONE;
	t[ONE].scope.count = 2;
	t[ONE].scope.prefix[0] = PREFIX_AA;
	t[ONE].scope.prefix[1] = PREFIX_BB;
	t[TWO].name = PST_BYTES_LIT("two");
	t[TWO].uri = URI_TWO;
	t[TWO].scope.count = 1;
	t[TWO].scope.prefix[0] = PREFIX_BB;
	t[ONE].key_count = t[TWO].key_count = 1;
	t[ONE].encryption_key.kty = t[TWO].encryption_key.kty = 0;
	t[ONE].confidential_transport = t[TWO].confidential_transport = true;
	t[ONE].sign_reports = t[TWO].sign_reports = false;
	t[ONE].keys[0] = w.tam_pub[ONE];
	t[TWO].keys[0] = w.tam_pub[TWO];
	s[ANNE].key = w.signer_pub[ANNE];
	s[ANNE].scope = t[ONE].scope;
	s[BOB].key = w.signer_pub[BOB];
	s[BOB].scope = t[TWO].scope;
	s[MAC].key.kty = PST_KTY_SYMMETRIC;
	s[MAC].secret = w.mac_secret;
	s[MAC].scope.count = 1;
	s[MAC].scope.prefix[0] = PREFIX_AA;
	w.config.secrets = &w.secret;
	w.config.secret_count = 1;
	w.config.tams = w.tams;
	w.config.tam_count = 2;
	w.config.signers = w.signers;
	w.config.signer_count = ANCHORS;
	w.config.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	w.config.vendor_id = (struct pst_bytes){ vendor, sizeof(vendor) };
	w.config.class_id = (struct pst_bytes){ class_, sizeof(class_) };
	w.config.device_id = (struct pst_bytes){ device, sizeof(device) };
	w.config.policy_interval_s = 3600;
	w.memory = (struct pst_agent_memory){ registry, staged,
		sizeof(registry), message, sizeof(message), out, sizeof(out),
		report, sizeof(report),
		{ params, sizeof(params) / sizeof(params[0]), work,
		    sizeof(work), arena, sizeof(arena) } };
}

bool
world_init(void)
{
	memset(&w, 0, sizeof(w));
	w.device = pst_openssl_new();
	w.outside = pst_openssl_new();
	if (w.device == NULL || w.outside == NULL)
		return false;
	if (!make_key(w.device, PST_ALG_ESP256, &w.config.key, &w.config.pub) ||
	    !make_key(w.device, PST_ALG_ED25519, &w.config.report_key,
		&w.config.report_pub) ||
	    !make_key(
		w.outside, PST_ALG_ESP256, &w.tam_key[ONE], &w.tam_pub[ONE]) ||
	    !make_key(
		w.outside, PST_ALG_ED25519, &w.tam_key[TWO], &w.tam_pub[TWO]) ||
	    !make_key(w.outside, PST_ALG_ESP256, &w.tam_key[STRANGER],
		&w.tam_pub[STRANGER]) ||
	    !make_key(w.outside, PST_ALG_ESP256, &w.signer_key[ANNE],
		&w.signer_pub[ANNE]) ||
	    !make_key(w.outside, PST_ALG_ED25519, &w.signer_key[BOB],
		&w.signer_pub[BOB]) ||
	    !make_key(w.outside, PST_ALG_ESP256, &w.signer_key[EVE],
		&w.signer_pub[EVE]))
		return false;
	if (!share_key() || !share_kek())
		return false;
	pst_mem_store_init(&w.store);
	w.mode.chunk = SIZE_MAX;
	w.store_port = pst_mem_store_port(&w.store);
	w.clock_port = pst_mem_clock_port(&w.clock);
	w.crypto.inner = pst_openssl_crypto(w.device);
	w.crypto_port = pst_mem_crypto_port(&w.crypto);
	w.attester.fixed = PST_BYTES_LIT("evidence");
	w.attester_port = pst_mem_attester_port(&w.attester);
	configure();
	return true;
}

void
world_done(void)
{
	if (w.open)
		pst_agent_close(&w.agent);
	pst_mem_store_free(&w.store);
	pst_openssl_free(&w.device);
	pst_openssl_free(&w.outside);
}

enum pst_err
world_reopen(void)
{
	struct pst_agent_ports ports = { &w.crypto_port, &w.store_port,
		&w.clock_port, &w.attester_port };
	enum pst_err err;

	if (w.open)
		pst_agent_close(&w.agent);
	/* Nothing may be remembered but what the store has. */
	memset(registry, 0xee, sizeof(registry));
	memset(staged, 0xee, sizeof(staged));
	memset(message, 0xee, sizeof(message));
	memset(out, 0xee, sizeof(out));
	memset(report, 0xee, sizeof(report));
	err = pst_agent_open(&w.agent, &w.config, &ports, &w.memory);
	w.open = err == PST_OK;
	return err;
}

bool
world_begin(void)
{
	pst_mem_store_free(&w.store);
	w.store.late = w.late;
	memset(&w.crypto.fault, 0, sizeof(w.crypto.fault));
	memset(&w.clock.fault, 0, sizeof(w.clock.fault));
	memset(&w.attester.fault, 0, sizeof(w.attester.fault));
	w.clock.now_s = 1800000000;
	w.clock.trusted = true;
	w.served_count = 0;
	w.fetches = 0;
	w.unreachable = false;
	configure();
	return world_reopen() == PST_OK;
}

/* --- what others make --------------------------------------------------- */

static void
writer(struct pst_cbor_writer *c)
{
	pst_cbor_writer_init(c, made[made_count++ % 4], sizeof(made[0]));
}

static void
put_text(struct pst_cbor_writer *c, const char *s)
{
	pst_cbor_put_tstr(
	    c, (struct pst_bytes){ (const uint8_t *)s, strlen(s) });
}

/* bstr .cbor [-16, h'...'] */
static void
put_digest(struct pst_cbor_writer *c, struct pst_bytes content)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(w.outside);
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes d = { digest, 0 };
	size_t mark = pst_cbor_wrap_begin(c);

	if (crypto->digest(crypto->ctx, PST_ALG_SHA256, &content, 1, digest,
		&d.len) != PST_OK)
		abort();
	pst_cbor_put_array(c, 2);
	pst_cbor_put_int(c, PST_ALG_SHA256);
	pst_cbor_put_bstr(c, d);
	pst_cbor_wrap_bstr(c, mark);
}

static void
put_index(struct pst_cbor_writer *c, size_t i)
{
	pst_cbor_put_uint(c, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_uint(c, i);
}

static void
put_command(struct pst_cbor_writer *c, int64_t command)
{
	pst_cbor_put_int(c, command);
	pst_cbor_put_uint(c, 15);
}

/* What identifies device and images, for all sections. */
static void
shared(struct pst_cbor_writer *c, const struct world_manifest *m)
{
	size_t mark = pst_cbor_wrap_begin(c), i;

	pst_cbor_put_array(c, m->count * (m->for_device ? 12 : 8));
	for (i = 0; i < m->count; i++) {
		put_index(c, i);
		pst_cbor_put_uint(c, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		pst_cbor_put_map(c, (m->for_device ? 5u : 3u) + !m->no_size);
		pst_cbor_put_uint(c, PST_SUIT_PARAM_VENDOR);
		pst_cbor_put_bstr(c,
		    (struct pst_bytes){ m->other_vendor ? other : vendor, 16 });
		pst_cbor_put_uint(c, PST_SUIT_PARAM_CLASS);
		pst_cbor_put_bstr(c, (struct pst_bytes){ class_, 16 });
		pst_cbor_put_uint(c, PST_SUIT_PARAM_IMAGE_DIGEST);
		put_digest(c, m->image[i].payload);
		if (m->for_device) {
			pst_cbor_put_uint(c, PST_SUIT_PARAM_COMPONENT_SLOT);
			pst_cbor_put_uint(c, m->other_slot);
		}
		if (!m->no_size) {
			pst_cbor_put_uint(c, PST_SUIT_PARAM_IMAGE_SIZE);
			pst_cbor_put_uint(c, m->image[i].payload.len);
		}
		if (m->for_device) {
			pst_cbor_put_uint(c, PST_SUIT_PARAM_DEVICE);
			pst_cbor_put_bstr(c, (struct pst_bytes){ device, 16 });
			put_command(c, PST_SUIT_COND_DEVICE);
			put_command(c, PST_SUIT_COND_COMPONENT_SLOT);
		}
		put_command(c, PST_SUIT_COND_VENDOR);
		put_command(c, PST_SUIT_COND_CLASS);
	}
	pst_cbor_wrap_bstr(c, mark);
}

static void
common(struct pst_cbor_writer *c, const struct world_manifest *m)
{
	size_t mark = pst_cbor_wrap_begin(c), i;

	pst_cbor_put_map(c, 2);
	pst_cbor_put_uint(c, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(c, m->count);
	for (i = 0; i < m->count; i++)
		pst_cbor_put_raw(c, m->image[i].id);
	pst_cbor_put_uint(c, PST_SUIT_SHARED_SEQUENCE);
	shared(c, m);
	pst_cbor_wrap_bstr(c, mark);
}

/* A fresh content key each time; the buffers last as long as the update. */
static void
seal(struct world_image *image)
{
	static uint8_t infos[16][160], contents[16][512];
	static unsigned turn;
	struct pst_cose_recipient to = { PST_ALG_A128KW, w.kek, NULL,
		{ NULL, 0 } };
	const struct pst_cose_encrypt_args args = { .alg = PST_ALG_A128GCM,
		.detached = true,
		.recipients = &to,
		.count = 1 };
	unsigned i = turn++ % 16;
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, infos[i], sizeof(infos[i]));
	image->ciphertext.ptr = contents[i];
	if (image->payload.len + PST_AEAD_TAG_LEN > sizeof(contents[i]) ||
	    pst_cose_encrypt(&c, pst_openssl_crypto(w.outside), &args,
		image->payload, contents[i], &image->ciphertext.len) != PST_OK)
		abort();
	image->info = pst_cbor_written(&c);
}

static void
install(struct pst_cbor_writer *c, const struct world_manifest *m)
{
	size_t mark = pst_cbor_wrap_begin(c), list = mark, i, n = 0;

	list = pst_cbor_wrap_begin(c);
	if (m->first_count > 0) {
		put_index(c, 0);
		pst_cbor_put_raw(c, m->first);
		n = 2 + m->first_count;
	}
	for (i = 0; i < m->count; i++) {
		put_index(c, i);
		n += 4;
		if (m->unlink_first) {
			put_command(c, PST_SUIT_DIR_UNLINK);
			n += 2;
		}
		if (m->image[i].uri != NULL) {
			pst_cbor_put_uint(c, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
			pst_cbor_put_map(c, m->image[i].sealed ? 2 : 1);
			if (m->image[i].sealed) {
				pst_cbor_put_uint(
				    c, PST_SUIT_PARAM_ENCRYPTION_INFO);
				pst_cbor_put_bstr(c, m->image[i].info);
			}
			pst_cbor_put_uint(c, PST_SUIT_PARAM_URI);
			put_text(c, m->image[i].uri);
			put_command(c, PST_SUIT_DIR_FETCH);
			n += 4;
		}
		if (m->unlink_between) {
			put_command(c, PST_SUIT_COND_IMAGE_MATCH);
			put_command(c, PST_SUIT_DIR_UNLINK);
			n += 4;
		}
		put_command(c, PST_SUIT_COND_IMAGE_MATCH);
	}
	pst_cbor_wrap_array(c, list, n);
	pst_cbor_wrap_bstr(c, mark);
}

/* The same command for each component. */
static void
each(struct pst_cbor_writer *c, const struct world_manifest *m, int64_t command)
{
	size_t mark = pst_cbor_wrap_begin(c), i;

	pst_cbor_put_array(c, m->count * 4);
	for (i = 0; i < m->count; i++) {
		put_index(c, i);
		put_command(c, command);
	}
	pst_cbor_wrap_bstr(c, mark);
}

static void
uninstall(struct pst_cbor_writer *c, const struct world_manifest *m)
{
	size_t mark = pst_cbor_wrap_begin(c);

	switch (m->uninstall) {
	case WORLD_FETCHES:
		pst_cbor_put_array(c, 6);
		put_index(c, 0);
		pst_cbor_put_uint(c, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		pst_cbor_put_map(c, 1);
		pst_cbor_put_uint(c, PST_SUIT_PARAM_URI);
		put_text(c, m->image[0].uri);
		put_command(c, PST_SUIT_DIR_FETCH);
		break;
	case WORLD_ABORTS:
		pst_cbor_put_array(c, 6);
		put_index(c, 0);
		put_command(c, PST_SUIT_DIR_UNLINK);
		put_command(c, PST_SUIT_COND_ABORT);
		break;
	case WORLD_MATCHES:
	case WORLD_UNLINKS:
	default:
		break;
	}
	if (m->uninstall == WORLD_FETCHES || m->uninstall == WORLD_ABORTS) {
		pst_cbor_wrap_bstr(c, mark);
		return;
	}
	each(c, m,
	    m->uninstall == WORLD_MATCHES ? PST_SUIT_COND_IMAGE_MATCH
					  : PST_SUIT_DIR_UNLINK);
}

static struct pst_bytes
manifest_bstr(struct pst_cbor_writer *c, const struct world_manifest *m)
{
	size_t pairs = 6 + (size_t)(m->id.len > 0) + (size_t)(m->text != NULL) +
	    (size_t)(m->set_version.len > 0);
	size_t mark;

	writer(c);
	mark = pst_cbor_wrap_begin(c);
	pst_cbor_put_map(c, pairs);
	pst_cbor_put_uint(c, PST_SUIT_VERSION);
	pst_cbor_put_uint(c, 1);
	pst_cbor_put_uint(c, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(c, m->sequence);
	pst_cbor_put_uint(c, PST_SUIT_COMMON);
	common(c, m);
	if (m->text != NULL) {
		pst_cbor_put_uint(c, PST_SUIT_REFERENCE_URI);
		put_text(c, m->text);
	}
	if (m->id.len > 0) {
		pst_cbor_put_uint(c, PST_SUIT_COMPONENT_ID);
		pst_cbor_put_raw(c, m->id);
	}
	if (m->set_version.len > 0) {
		pst_cbor_put_uint(c, PST_SUIT_SET_VERSION);
		pst_cbor_put_bstr(c, m->set_version);
	}
	pst_cbor_put_uint(c, PST_SUIT_VALIDATE);
	each(c, m, PST_SUIT_COND_IMAGE_MATCH);
	pst_cbor_put_uint(c, PST_SUIT_INSTALL);
	install(c, m);
	pst_cbor_put_uint(c, PST_SUIT_UNINSTALL);
	uninstall(c, m);
	pst_cbor_wrap_bstr(c, mark);
	return pst_cbor_written(c);
}

/* The SUIT_Digest, signed as a detached payload. */
static void
authentication(struct pst_cbor_writer *c, const struct world_manifest *m,
    struct pst_bytes manifest)
{
	struct pst_cose_sign_args args = { .detached = true, .count = 1 };
	uint8_t digest[64];
	struct pst_cbor_writer d;
	struct pst_cbor_reader r;
	size_t mark, block;

	pst_cbor_writer_init(&d, digest, sizeof(digest));
	put_digest(&d, manifest);
	pst_cbor_reader_init(&r, pst_cbor_written(&d));
	args.payload = pst_cbor_bstr(&r, 1, SIZE_MAX);
	args.signers = &w.signer_key[m->signer];
	mark = pst_cbor_wrap_begin(c);
	pst_cbor_put_array(c, 2);
	pst_cbor_put_bstr(c, args.payload);
	block = pst_cbor_wrap_begin(c);
	if ((m->signer == MAC ? pst_cose_mac0 : pst_cose_sign1)(
		c, pst_openssl_crypto(w.outside), &args) != PST_OK)
		abort();
	pst_cbor_wrap_bstr(c, block);
	pst_cbor_wrap_bstr(c, mark);
}

void
world_serve(const struct world_image *image)
{
	size_t i;

	for (i = 0; i < w.served_count; i++) {
		if (strcmp(w.served[i].uri, image->uri) == 0)
			break;
	}
	if (i == sizeof(w.served) / sizeof(w.served[0]))
		abort();
	w.served[i] = *image;
	if (i == w.served_count)
		w.served_count++;
}

/* What comes is the ciphertext, when there is one. */
static struct pst_bytes
travels(const struct world_image *image)
{
	return image->sealed ? image->ciphertext : image->payload;
}

struct pst_bytes
world_make_manifest(const struct world_manifest *given)
{
	struct world_manifest copy = *given, *m = &copy;
	struct pst_cbor_writer c, inner;
	struct pst_bytes manifest;
	size_t i, pairs = 2;

	if (m->raw.len > 0)
		return m->raw;
	for (i = 0; i < m->count; i++)
		if (m->image[i].sealed)
			seal(&m->image[i]);
	manifest = manifest_bstr(&inner, m);
	for (i = 0; i < m->count; i++)
		pairs += m->image[i].integrated;
	writer(&c);
	pst_cbor_put_tag(&c, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(&c, pairs);
	pst_cbor_put_uint(&c, PST_SUIT_AUTHENTICATION);
	authentication(&c, m, manifest);
	pst_cbor_put_uint(&c, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&c, manifest);
	for (i = 0; i < m->count; i++) {
		if (!m->image[i].integrated) {
			if (m->image[i].uri != NULL)
				world_serve(&m->image[i]);
			continue;
		}
		put_text(&c, m->image[i].uri);
		pst_cbor_put_bstr(&c, travels(&m->image[i]));
	}
	return pst_cbor_written(&c);
}

struct world_manifest
world_hello(uint64_t sequence, const char *payload)
{
	struct world_manifest m = {
		.id = HELLO_MANIFEST, .sequence = sequence, .count = 1
	};

	m.image[0].id = HELLO;
	m.image[0].payload.ptr = (const uint8_t *)payload;
	m.image[0].payload.len = strlen(payload);
	m.image[0].uri = "https://files.example/hello";
	return m;
}

struct pst_bytes
world_sign(int tam, struct pst_bytes payload)
{
	struct pst_cose_sign_args args = { .payload = payload, .count = 1 };
	struct pst_cbor_writer c;

	args.signers = &w.tam_key[tam];
	writer(&c);
	if (pst_cose_sign1(&c, pst_openssl_crypto(w.outside), &args) != PST_OK)
		abort();
	return pst_cbor_written(&c);
}

struct pst_bytes
world_make_query(int tam, const struct pst_teep_message *m)
{
	struct pst_cbor_writer c;

	writer(&c);
	if (pst_teep_encode(&c, m) != PST_OK)
		abort();
	return world_sign(tam, pst_cbor_written(&c));
}

struct pst_bytes
world_make_update(const struct world_update *u)
{
	static uint8_t lists[2][16384];
	struct pst_teep_message m = { .type = PST_TEEP_UPDATE };
	struct pst_cbor_writer c;
	size_t i;

	pst_cbor_writer_init(&c, lists[0], sizeof(lists[0]));
	for (i = 0; i < u->manifests; i++)
		pst_cbor_put_bstr(&c, world_make_manifest(&u->manifest[i]));
	m.manifest_list.items = pst_cbor_written(&c);
	m.manifest_list.count = u->manifests;
	pst_cbor_writer_init(&c, lists[1], sizeof(lists[1]));
	for (i = 0; i < u->unneeded; i++)
		pst_cbor_put_raw(&c, u->unlink[i]);
	m.unneeded_manifest_list.items = pst_cbor_written(&c);
	m.unneeded_manifest_list.count = u->unneeded;
	if (u->manifests > 0)
		m.present |= 1u << PST_LABEL_MANIFEST_LIST;
	if (u->unneeded > 0)
		m.present |= 1u << PST_LABEL_UNNEEDED_MANIFEST_LIST;
	if (u->token != NULL) {
		m.present |= 1u << PST_LABEL_TOKEN;
		m.token.ptr = (const uint8_t *)u->token;
		m.token.len = strlen(u->token);
	}
	if (u->err_code != 0) {
		m.present |= 1u << PST_LABEL_ERR_CODE;
		m.err_code = u->err_code;
	}
	if (u->result.len > 0) {
		m.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD;
		m.attestation_payload = u->result;
	}
	return world_make_query(u->tam, &m);
}

/* --- the host ----------------------------------------------------------- */

static void
fetch(void)
{
	struct pst_bytes chunk = { NULL, 0 };
	const struct world_image *image = NULL;
	static const uint8_t other_payload[1024] = "another payload";
	struct pst_bytes whole = { NULL, 0 };
	uint64_t offset = w.out.offset;
	uint32_t tam = w.out.tam;
	bool last = true;
	size_t i;

	w.fetches++;
	for (i = 0; i < w.served_count; i++) {
		if (strlen(w.served[i].uri) == w.out.uri.len &&
		    memcmp(w.served[i].uri, w.out.uri.ptr, w.out.uri.len) == 0)
			image = &w.served[i];
	}
	if (image != NULL)
		whole = travels(image);
	if (image != NULL && offset <= whole.len) {
		chunk.ptr = whole.ptr + offset;
		chunk.len = whole.len - (size_t)offset;
		if (chunk.len > w.mode.chunk)
			chunk.len = w.mode.chunk;
		last = offset + chunk.len == whole.len;
	}
	if (image != NULL && image->wrong) {
		if (chunk.len > sizeof(other_payload))
			abort();
		chunk.ptr = other_payload;
	}
	if (w.mode.rebuild) {
		w.err = world_reopen();
		if (w.err != PST_OK)
			return;
	}
	w.err = pst_agent_resume(&w.agent, tam,
	    image == NULL || w.unreachable ? PST_ERR_FETCH : PST_OK, chunk,
	    last, &w.out);
}

static enum pst_err
own_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = w.config.pub;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

/* What the agent sent is signed by its key and is a message. */
static void
read_answer(void)
{
	struct pst_keys keys = { .find = own_key };
	struct pst_cose_message msg;
	struct pst_verified verified;
	struct pst_bytes copy = { w.answer_bytes, w.out.message.len };

	memset(&w.answer, 0, sizeof(w.answer));
	if (w.out.message.len > sizeof(w.answer_bytes))
		abort();
	memcpy(w.answer_bytes, w.out.message.ptr, w.out.message.len);
	w.answer_len = w.out.message.len;
	if (pst_cose_parse(copy, PST_TAG_SIGN1, &msg, NULL) != PST_OK ||
	    pst_cose_verify(&msg, pst_openssl_crypto(w.outside), &keys,
		(struct pst_bytes){ NULL, 0 }, &verified) != PST_OK ||
	    pst_teep_decode(&verified, &w.answer, NULL) != PST_OK)
		memset(&w.answer, 0, sizeof(w.answer));
}

void
world_drive(void)
{
	memset(&w.answer, 0, sizeof(w.answer));
	while (w.err == PST_OK && w.out.what == PST_AGENT_FETCH)
		fetch();
	if (w.err == PST_OK && w.out.what == PST_AGENT_SEND)
		read_answer();
	if (w.err == PST_OK && w.mode.rebuild)
		w.err = world_reopen();
}

void
world_send(int tam, struct pst_bytes bytes)
{
	w.err = pst_agent_message(&w.agent, (uint32_t)tam, bytes, &w.out);
	world_drive();
}

void
world_update(const struct world_update *u)
{
	world_send(u->tam, world_make_update(u));
}

void
world_install(const char *token, const struct world_manifest *m)
{
	struct world_update u = { .token = token, .manifests = 1 };

	u.manifest[0] = *m;
	world_update(&u);
}

/* --- what can be seen --------------------------------------------------- */

bool
world_success(void)
{
	return w.err == PST_OK && w.out.what == PST_AGENT_SEND &&
	    w.answer.type == PST_TEEP_SUCCESS;
}

bool
world_failed(enum pst_teep_code code, enum pst_err reason)
{
	return w.err == PST_OK && w.out.what == PST_AGENT_SEND &&
	    w.answer.type == PST_TEEP_ERROR && w.answer.err_code == code &&
	    w.out.reason == reason;
}

bool
world_holds(struct pst_bytes id, const char *content)
{
	struct pst_agent_component c;
	const struct pst_crypto *crypto = pst_openssl_crypto(w.outside);
	struct pst_bytes have = { NULL, 0 };
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes d = { digest, 0 };
	enum pst_err err = pst_agent_component(&w.agent, id, &c);
	size_t i;

	if (content == NULL)
		return err == PST_ERR_NOT_FOUND;
	if (err != PST_OK)
		return false;
	for (i = 0; i < w.store.count; i++) {
		if (w.store.objects[i].id != c.object)
			continue;
		have.ptr = w.store.objects[i].data;
		have.len = w.store.objects[i].len;
	}
	if (crypto->digest(crypto->ctx, PST_ALG_SHA256, &have, 1, digest,
		&d.len) != PST_OK)
		abort();
	return have.len == strlen(content) && c.size_bytes == have.len &&
	    memcmp(have.ptr, content, have.len) == 0 &&
	    pst_equal(d, c.digest.bytes);
}

bool
world_tidy(void)
{
	size_t i;

	for (i = 0; i < w.store.count; i++) {
		if (!pst_reg_names(&w.agent.registry, w.store.objects[i].id))
			return false;
	}
	return w.crypto.hashing == 0 &&
	    pst_reg_check(&w.agent.registry) == PST_OK;
}

bool
world_report(struct pst_suit_report_view *view)
{
	struct pst_list reports = w.answer.suit_reports;
	struct pst_verified v;
	struct pst_bytes bytes;

	if (!pst_teep_next_bstr(&reports, &bytes))
		return false;
	v = pst_verified_by_caller(bytes);
	return pst_suit_report_decode(&v, view, NULL) == PST_OK;
}
