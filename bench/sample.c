#include "sample.h"

#include <string.h>

#include "bench.h"

/* Memory for everything that is encoded here. */
static uint8_t arena[65536];
static size_t arena_used;

static struct sample s;

static void
writer(struct pst_cbor_writer *w)
{
	pst_cbor_writer_init(w, arena + arena_used, sizeof(arena) - arena_used);
}

static struct pst_bytes
keep(struct pst_cbor_writer *w)
{
	struct pst_bytes out = pst_cbor_written(w);

	bench_must(w->err == PST_OK, "making the sample");
	arena_used += out.len;
	return out;
}

static const uint8_t filler[512] = { 0x5a };

static struct pst_bytes
fill(size_t len)
{
	return (struct pst_bytes){ filler, len };
}

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = headers->alg == PST_ALG_ED25519 ? s.ed25519_pub : s.esp256_pub;
	*who = 0;
	return PST_OK;
}

const struct pst_keys sample_keys = { NULL, find, NULL, false };

static void
put_id(struct pst_cbor_writer *w, const char *last)
{
	pst_cbor_put_array(w, 2);
	pst_cbor_put_bstr(w, fill(16));
	pst_cbor_put_bstr(
	    w, (struct pst_bytes){ (const uint8_t *)last, strlen(last) });
}

/* bstr .cbor SUIT_Digest */
static void
put_digest(struct pst_cbor_writer *w, struct pst_bytes of)
{
	uint8_t digest[PST_DIGEST_MAX];
	size_t mark, len;

	bench_must(s.crypto->digest(s.crypto->ctx, PST_ALG_SHA256, &of, 1,
		       digest, &len) == PST_OK,
	    "digest");
	mark = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_int(w, PST_ALG_SHA256);
	pst_cbor_put_bstr(w, (struct pst_bytes){ digest, len });
	pst_cbor_wrap_bstr(w, mark);
}

/* Reporting policies as the manifest draft's examples have them: conditions
 * are always recorded, directives when they fail. */
enum { CONDITION_POLICY = 15, DIRECTIVE_POLICY = 2 };

static void
put_condition(struct pst_cbor_writer *w, int64_t command)
{
	pst_cbor_put_int(w, command);
	pst_cbor_put_uint(w, CONDITION_POLICY);
}

static void
put_directive(struct pst_cbor_writer *w, int64_t command)
{
	pst_cbor_put_int(w, command);
	pst_cbor_put_uint(w, DIRECTIVE_POLICY);
}

static void
put_common(struct pst_cbor_writer *w)
{
	size_t common = pst_cbor_wrap_begin(w);
	size_t sequence;

	pst_cbor_put_map(w, 2);
	pst_cbor_put_uint(w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(w, 1);
	put_id(w, "ta");
	pst_cbor_put_uint(w, PST_SUIT_SHARED_SEQUENCE);
	sequence = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 6);
	pst_cbor_put_uint(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 4);
	pst_cbor_put_uint(w, PST_SUIT_PARAM_VENDOR);
	pst_cbor_put_bstr(w, fill(16));
	pst_cbor_put_uint(w, PST_SUIT_PARAM_CLASS);
	pst_cbor_put_bstr(w, fill(16));
	pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_DIGEST);
	put_digest(w, s.payload);
	pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_SIZE);
	pst_cbor_put_uint(w, s.payload.len);
	put_condition(w, PST_SUIT_COND_VENDOR);
	put_condition(w, PST_SUIT_COND_CLASS);
	pst_cbor_wrap_bstr(w, sequence);
	pst_cbor_wrap_bstr(w, common);
}

static void
put_install(struct pst_cbor_writer *w)
{
	size_t mark = pst_cbor_wrap_begin(w);

	pst_cbor_put_array(w, 6);
	pst_cbor_put_uint(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 1);
	pst_cbor_put_uint(w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(w, PST_BYTES_LIT("http://example.com/file.bin"));
	put_directive(w, PST_SUIT_DIR_FETCH);
	put_condition(w, PST_SUIT_COND_IMAGE_MATCH);
	pst_cbor_wrap_bstr(w, mark);
}

static void
put_single(struct pst_cbor_writer *w, int64_t command, uint64_t policy)
{
	size_t mark = pst_cbor_wrap_begin(w);

	pst_cbor_put_array(w, 2);
	pst_cbor_put_int(w, command);
	pst_cbor_put_uint(w, policy);
	pst_cbor_wrap_bstr(w, mark);
}

/* The manifest as its bstr, which is what its digest is taken of. */
static struct pst_bytes
manifest(void)
{
	struct pst_cbor_writer w;
	size_t mark;

	writer(&w);
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_map(&w, 7);
	pst_cbor_put_uint(&w, PST_SUIT_VERSION);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_uint(&w, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(&w, 3);
	pst_cbor_put_uint(&w, PST_SUIT_COMMON);
	put_common(&w);
	pst_cbor_put_uint(&w, PST_SUIT_COMPONENT_ID);
	put_id(&w, "manifest");
	pst_cbor_put_uint(&w, PST_SUIT_VALIDATE);
	put_single(&w, PST_SUIT_COND_IMAGE_MATCH, CONDITION_POLICY);
	pst_cbor_put_uint(&w, PST_SUIT_INSTALL);
	put_install(&w);
	pst_cbor_put_uint(&w, PST_SUIT_UNINSTALL);
	put_single(&w, PST_SUIT_DIR_UNLINK, DIRECTIVE_POLICY);
	pst_cbor_wrap_bstr(&w, mark);
	return keep(&w);
}

static void
make_envelope(void)
{
	struct pst_cose_sign_args args = {
		.detached = true, .signers = &s.esp256, .count = 1
	};
	struct pst_bytes m = manifest();
	struct pst_bytes digest;
	struct pst_cbor_reader r;
	struct pst_cbor_writer w;
	size_t wrapper, block, at;

	writer(&w);
	pst_cbor_put_map(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	wrapper = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 2);
	at = w.len;
	put_digest(&w, m);
	pst_cbor_reader_init(&r, (struct pst_bytes){ w.buf + at, w.len - at });
	digest = pst_cbor_bstr(&r, 1, 64);
	args.payload = digest;
	block = pst_cbor_wrap_begin(&w);
	bench_must(pst_cose_sign1(&w, s.crypto, &args) == PST_OK, "signing");
	pst_cbor_wrap_bstr(&w, block);
	pst_cbor_wrap_bstr(&w, wrapper);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, m);
	s.envelope = keep(&w);
}

static struct pst_list
list_of(struct pst_bytes items, size_t count)
{
	return (struct pst_list){ items, count };
}

static struct pst_list
versions(void)
{
	static const uint8_t zero = 0;

	return list_of((struct pst_bytes){ &zero, 1 }, 1);
}

static void
query_request(struct pst_teep_message *m)
{
	m->type = PST_TEEP_QUERY_REQUEST;
	m->present = 1u << PST_LABEL_CHALLENGE | 1u << PST_LABEL_VERSIONS;
	m->challenge = fill(32);
	m->versions = versions();
	m->suites = PST_SUITE_ED25519 | PST_SUITE_ESP256;
	m->profiles = PST_PROFILE_ESP256_A128CTR | PST_PROFILE_ED25519_A128CTR |
	    PST_PROFILE_ESP256_A128GCM | PST_PROFILE_ED25519_CHACHA;
	m->data_items =
	    PST_TEEP_ITEM_ATTESTATION | PST_TEEP_ITEM_TRUSTED_COMPONENTS;
}

static struct pst_bytes
component(const char *last)
{
	struct pst_cbor_writer w;

	writer(&w);
	put_id(&w, last);
	return keep(&w);
}

static void
query_response(struct pst_teep_message *m)
{
	struct pst_teep_tc tc = { .component_id = component("ta"),
		.digest_alg = PST_ALG_SHA256,
		.digest = fill(32) };
	struct pst_cbor_writer w;
	int i;

	m->type = PST_TEEP_QUERY_RESPONSE;
	m->present = 1u << PST_LABEL_SELECTED_VERSION |
	    1u << PST_LABEL_ATTESTATION_PAYLOAD |
	    1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT |
	    1u << PST_LABEL_TC_LIST;
	m->attestation_payload = fill(420);
	m->attestation_payload_format = PST_BYTES_LIT(
	    "application/eat+cwt; eat_profile=\"urn:example:evidence\"");
	writer(&w);
	for (i = 0; i < 4; i++)
		pst_teep_put_tc(&w, &tc);
	m->tc_list = list_of(keep(&w), 4);
}

static void
update(struct pst_teep_message *m)
{
	struct pst_cbor_writer w;

	m->type = PST_TEEP_UPDATE;
	m->present = 1u << PST_LABEL_MANIFEST_LIST | 1u << PST_LABEL_TOKEN;
	m->token = fill(32);
	writer(&w);
	pst_cbor_put_bstr(&w, s.envelope);
	m->manifest_list = list_of(keep(&w), 1);
}

static void
answer(struct pst_teep_message *m, enum pst_teep_type type)
{
	struct pst_cbor_writer w;

	m->type = type;
	m->present = 1u << PST_LABEL_TOKEN | 1u << PST_LABEL_SUIT_REPORTS;
	m->token = fill(32);
	writer(&w);
	pst_cbor_put_bstr(&w, fill(160));
	m->suit_reports = list_of(keep(&w), 1);
	if (type != PST_TEEP_ERROR)
		return;
	m->present |= 1u << PST_LABEL_ERR_MSG;
	m->err_msg = PST_BYTES_LIT("the image does not match its digest");
	m->err_code = PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED;
}

static void
add_key(int32_t alg, struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number;

	bench_must(pst_key_generate(alg, &key) == PST_OK &&
		pst_openssl_add(s.port, &key, &number) == PST_OK &&
		pst_openssl_signer(s.port, number, alg, signer) == PST_OK,
	    "making a key");
	*pub = key.pub;
	pst_key_wipe(&key);
}

static void
make(void)
{
	struct pst_cbor_writer w;
	int i;

	s.port = pst_openssl_new();
	bench_must(s.port != NULL, "OpenSSL");
	s.crypto = pst_openssl_crypto(s.port);
	add_key(PST_ALG_ESP256, &s.esp256, &s.esp256_pub);
	add_key(PST_ALG_ED25519, &s.ed25519, &s.ed25519_pub);
	s.payload = fill(sizeof(filler));
	make_envelope();
	query_request(&s.message[SAMPLE_QUERY_REQUEST]);
	query_response(&s.message[SAMPLE_QUERY_RESPONSE]);
	update(&s.message[SAMPLE_UPDATE]);
	answer(&s.message[SAMPLE_SUCCESS], PST_TEEP_SUCCESS);
	answer(&s.message[SAMPLE_ERROR], PST_TEEP_ERROR);
	for (i = 0; i < SAMPLE_COUNT; i++) {
		writer(&w);
		bench_must(
		    pst_teep_encode(&w, &s.message[i]) == PST_OK, "encoding");
		s.encoded[i] = keep(&w);
	}
}

const struct sample *
sample(void)
{
	if (s.port == NULL)
		make();
	return &s;
}

const char *
sample_name(enum sample_message m)
{
	static const char *const names[SAMPLE_COUNT] = { "query_request",
		"query_response", "update", "success", "error" };

	return names[m];
}
