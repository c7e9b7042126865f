/*
 * The six examples of draft-ietf-suit-manifest, Appendix B, read in place: from
 * their bytes to the end of all their sections.
 *
 * `real` checks the signature and the digest of the manifest. The images of the
 * examples do not exist, only their digests, so that of an image is always
 * answered from the manifest; the baseline is the signature and the digest of
 * the manifest alone. `stubbed` has no cryptography at all.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "ports/openssl/openssl.h"
#include "replay.h"
#include "sample.h"

enum { CAP = 4096, COMPONENTS = 8, IMAGE_MAX = 131072 };

static const char *const files[6] = { "manifest-ex0-signed.cbor",
	"manifest-ex1-signed.cbor", "manifest-ex2-full-signed.cbor",
	"manifest-ex3-signed.cbor", "manifest-ex4-signed.cbor",
	"manifest-ex5-signed.cbor" };

static const int sections[] = { PST_SUIT_PAYLOAD_FETCH, PST_SUIT_INSTALL,
	PST_SUIT_VALIDATE, PST_SUIT_LOAD, PST_SUIT_INVOKE };

/* --- a port that knows the images' digests ----------------------------------
 */

static struct example {
	struct pst_bytes envelope;
	struct pst_bytes wanted[COMPONENTS]; /* digest of each image */
	uint64_t size[COMPONENTS];
	uint32_t current; /* component that is written or read */
	bool writing;
	struct pst_crypto port; /* knows what images hash to */
	/* for the baseline */
	EVP_PKEY *key;
	uint8_t sig[80];
	size_t sig_len;
	struct pst_bytes manifest;
} x;

static struct pst_pubkey signer;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = signer;
	return PST_OK;
}

static const struct pst_keys keys = { NULL, find, NULL, false };

static enum pst_err
hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	(void)ctx;
	(void)alg;
	*handle = 0;
	return PST_OK;
}

static enum pst_err
hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	(void)ctx;
	(void)handle;
	(void)chunk;
	return PST_OK;
}

static enum pst_err
hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	struct pst_bytes d = x.wanted[x.current];

	(void)ctx;
	(void)handle;
	if (out == NULL)
		return PST_OK;
	memcpy(out, d.ptr, d.len);
	*len = d.len;
	return PST_OK;
}

/* --- a device ----------------------------------------------------------------
 */

static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name,
    struct pst_suit_act act)
{
	(void)ctx;
	(void)m;
	(void)name;
	(void)act;
	return PST_OK;
}

static enum pst_err
identify(void *ctx, struct pst_bytes name, enum pst_suit_parameter what,
    struct pst_bytes uuid)
{
	(void)ctx;
	(void)name;
	(void)what;
	(void)uuid;
	return PST_OK;
}

static enum pst_err
slot(void *ctx, struct pst_bytes name, uint64_t number)
{
	(void)ctx;
	(void)name;
	/* Of two digests for one component, note() keeps the last: slot 1's. */
	return number == 1 ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
write_begin(void *ctx, uint32_t index, struct pst_bytes name, uint64_t size)
{
	(void)ctx;
	(void)name;
	(void)size;
	x.current = index;
	x.writing = true;
	return PST_OK;
}

static enum pst_err
write_chunk(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	(void)ctx;
	(void)index;
	(void)chunk;
	return PST_OK;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	(void)ctx;
	(void)index;
	x.writing = false;
	return PST_OK;
}

/* Content of the size that is wanted, which nobody looks at: that of the
 * target while a component is copied, for example 4 copies a compressed image
 * to a larger one. */
static enum pst_err
read_content(void *ctx, uint32_t index, struct pst_bytes name, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	uint64_t size = x.size[x.writing ? x.current : index];
	uint64_t left = size > at ? size - at : 0;

	(void)ctx;
	(void)name;
	(void)out;
	if (!x.writing)
		x.current = index;
	*len = left < cap ? (size_t)left : cap;
	return PST_OK;
}

static enum pst_err
invoke(void *ctx, struct pst_bytes name, struct pst_bytes args)
{
	(void)ctx;
	(void)name;
	(void)args;
	return PST_OK;
}

static const struct pst_suit_host host = {
	.authorise = authorise,
	.identify = identify,
	.slot = slot,
	.write_begin = write_begin,
	.write = write_chunk,
	.write_end = write_end,
	.read = read_content,
	.invoke = invoke,
};

/* --- the measure
 * --------------------------------------------------------------- */

static struct pst_suit_param params[64];
static uint8_t work[65536], records[1024];

static void
process(void *ctx)
{
	static const uint8_t payload[IMAGE_MAX];
	const struct pst_crypto *crypto = ctx;
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_report report;
	const struct pst_suit_run_args args = { crypto, &host, &report, NULL,
		{ params, sizeof(params) / sizeof(params[0]), work,
		    sizeof(work), NULL, 0 } };
	struct pst_suit_run run;
	enum pst_err err;
	size_t i;

	bench_must(pst_suit_envelope_decode(x.envelope, &env, NULL) == PST_OK &&
		pst_suit_authenticate(&env, crypto, &keys, &m, NULL) == PST_OK,
	    "authentication");
	pst_suit_report_init(&report, records, sizeof(records));
	bench_must(pst_suit_run_begin(&run, &m, &args) == PST_OK, "beginning");
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		err = pst_suit_run(&run, (enum pst_suit_label)sections[i]);
		while (err == PST_ERR_AGAIN)
			err = pst_suit_resume(&run, PST_OK,
			    (struct pst_bytes){
				payload, (size_t)x.size[run.fetch_component] },
			    true);
		bench_must(err == PST_OK, "a section");
	}
	bench_must(pst_suit_run_end(&run) == PST_OK, "the end");
}

static void
needed(void *ctx)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t out[32];
	unsigned int len;

	(void)ctx;
	bench_must(c != NULL &&
		EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, x.key) == 1 &&
		EVP_DigestVerify(c, x.sig, x.sig_len, work, 80) == 1 &&
		EVP_Digest(x.manifest.ptr, x.manifest.len, out, &len,
		    EVP_sha256(), NULL) == 1,
	    "EVP");
	EVP_MD_CTX_free(c);
}

/* --- loading
 * --------------------------------------------------------------------- */

static bool
load(const char *name, uint8_t *out, size_t *len)
{
	char path[512];
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "%s/vectors/suit/%s", PST_SHARED_DIR, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	*len = fread(out, 1, CAP, f);
	fclose(f);
	return true;
}

static enum pst_err
note(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct pst_cbor_reader r;
	struct pst_suit_digest d;

	(void)ctx;
	(void)section;
	bench_must(component < COMPONENTS, "components");
	pst_cbor_reader_init(&r, value);
	if (label == PST_SUIT_PARAM_IMAGE_SIZE)
		x.size[component] = pst_cbor_uint(&r, IMAGE_MAX);
	if (label != PST_SUIT_PARAM_IMAGE_DIGEST)
		return PST_OK;
	pst_cbor_reader_init(&r, pst_cbor_bstr(&r, 1, CAP));
	d = pst_suit_digest_read(&r);
	x.wanted[component] = d.bytes;
	return PST_OK;
}

static bool
set_up(const char *file, uint8_t buf[CAP])
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_images images;
	struct pst_key key;
	uint8_t text[CAP];
	size_t len = 0;

	memset(&x, 0, sizeof(x));
	if (!load(file, buf, &len) ||
	    !load("keys/suit-example-p256.cose_key", text, &x.envelope.len))
		return false;
	bench_must(pst_key_parse((struct pst_bytes){ text, x.envelope.len },
		       &key, NULL) == PST_OK,
	    "the examples' key");
	signer = key.pub;
	x.envelope = (struct pst_bytes){ buf, len };
	x.port = *sample()->crypto;
	x.port.hash_begin = hash_begin;
	x.port.hash_update = hash_update;
	x.port.hash_end = hash_end;
	bench_must(pst_suit_envelope_decode(x.envelope, &env, NULL) == PST_OK &&
		pst_suit_accept(&env, sample()->crypto, &m, NULL) == PST_OK &&
		pst_suit_manifest_images(&m, note, NULL, &images) == PST_OK,
	    "the example");
	x.manifest = env.manifest_bstr;
	return true;
}

static void
sign_bound(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	x.key = EVP_EC_gen("P-256");
	x.sig_len = sizeof(x.sig);
	bench_must(x.key != NULL && c != NULL &&
		EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, x.key) == 1 &&
		EVP_DigestSign(c, x.sig, &x.sig_len, work, 80) == 1,
	    "EVP_DigestSign");
	EVP_MD_CTX_free(c);
}

static void
one(size_t n)
{
	static uint8_t buf[CAP];
	static struct replay r;
	char stubbed_name[40], real_name[40];
	struct bench_case stubbed = { stubbed_name, process, &r.table, NULL,
		NULL, NULL };
	struct bench_case real = { real_name, process, &x.port,
		"EVP: verify and one SHA-256, fresh contexts", needed, NULL };

	(void)snprintf(
	    stubbed_name, sizeof(stubbed_name), "suit_example%zu_stubbed", n);
	(void)snprintf(real_name, sizeof(real_name), "suit_example%zu_real", n);
	if (!bench_wanted(stubbed_name) && !bench_wanted(real_name))
		return;
	if (!set_up(files[n], buf)) {
		bench_absent(real_name, "the examples are not there");
		return;
	}
	memset(work, 0, 80);
	sign_bound();
	replay_init(&r, &x.port);
	process(&r.table);
	r.recording = false;
	bench_time(&stubbed);
	memset(work, 0, 80);
	bench_time(&real);
	EVP_PKEY_free(x.key);
}

void
bench_examples(void)
{
	size_t n;

	for (n = 0; n < sizeof(files) / sizeof(files[0]); n++)
		one(n);
}
