/*
 * A manifest from its bytes to its report: envelope, authentication, install
 * with a fetched payload, validate. Once with cryptography that answers from
 * memory, so that the processor alone is measured, and once for real.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "bench.h"
#include "replay.h"
#include "sample.h"

/* A device with one component, whose content is in memory. */
static uint8_t content[4096];
static size_t content_len;

static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, struct pst_suit_act act)
{
	(void)ctx;
	(void)m;
	(void)component;
	(void)act;
	return PST_OK;
}

static enum pst_err
identify(void *ctx, struct pst_bytes component, enum pst_suit_parameter what,
    struct pst_bytes uuid)
{
	(void)ctx;
	(void)component;
	(void)what;
	return uuid.len == 16 ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
write_begin(
    void *ctx, uint32_t index, struct pst_bytes component, uint64_t size_bytes)
{
	(void)ctx;
	(void)index;
	(void)component;
	(void)size_bytes;
	content_len = 0;
	return PST_OK;
}

static enum pst_err
write_chunk(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	(void)ctx;
	(void)index;
	if (chunk.len > sizeof(content) - content_len)
		return PST_ERR_STORE_FULL;
	if (chunk.len > 0)
		memcpy(content + content_len, chunk.ptr, chunk.len);
	content_len += chunk.len;
	return PST_OK;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	(void)ctx;
	(void)index;
	return PST_OK;
}

static enum pst_err
read_content(void *ctx, uint32_t index, struct pst_bytes component, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	size_t from = (size_t)at;

	(void)ctx;
	(void)index;
	(void)component;
	*len = content_len - from < cap ? content_len - from : cap;
	memcpy(out, content + from, *len);
	return PST_OK;
}

static const struct pst_suit_host host = {
	.authorise = authorise,
	.identify = identify,
	.write_begin = write_begin,
	.write = write_chunk,
	.write_end = write_end,
	.read = read_content,
};

static struct pst_suit_param params[32];
static uint8_t work[512];
static uint8_t records[512], report_bytes[1024];

static void
process(void *ctx)
{
	const struct pst_crypto *crypto = ctx;
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_report report;
	const struct pst_suit_run_args args = { crypto, &host, &report, NULL,
		{ params, sizeof(params) / sizeof(params[0]), work,
		    sizeof(work), NULL, 0 } };
	struct pst_suit_run run;
	struct pst_cbor_writer w;

	bench_must(pst_suit_envelope_decode(sample()->envelope, &env, NULL) ==
		    PST_OK &&
		pst_suit_authenticate(&env, crypto, &sample_keys, &m, NULL) ==
		    PST_OK,
	    "authentication");
	pst_suit_report_init(&report, records, sizeof(records));
	bench_must(pst_suit_run_begin(&run, &m, &args) == PST_OK &&
		pst_suit_run(&run, PST_SUIT_INSTALL) == PST_ERR_AGAIN &&
		pst_suit_resume(&run, PST_OK, sample()->payload, true) ==
		    PST_OK &&
		pst_suit_run(&run, PST_SUIT_VALIDATE) == PST_OK &&
		pst_suit_run_end(&run) == PST_OK,
	    "installing");
	pst_cbor_writer_init(&w, report_bytes, sizeof(report_bytes));
	bench_must(pst_suit_report_encode(&w, &report, m.reference_uri,
		       &m.digest, (struct pst_bytes){ NULL, 0 }) == PST_OK,
	    "the report");
}

/* What no processor can do without: one signature checked, and the manifest
 * and its payload hashed, the latter twice since validate follows install. */
struct bound {
	EVP_PKEY *pkey;
	uint8_t sig[80];
	size_t sig_len;
	uint8_t tbs[80];
};

static void
needed(void *ctx)
{
	struct bound *b = ctx;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t digest[32];
	unsigned int len;

	bench_must(c != NULL &&
		EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, b->pkey) ==
		    1 &&
		EVP_DigestVerify(
		    c, b->sig, b->sig_len, b->tbs, sizeof(b->tbs)) == 1,
	    "EVP_DigestVerify");
	EVP_MD_CTX_free(c);
	bench_must(EVP_Digest(sample()->envelope.ptr, sample()->envelope.len,
		       digest, &len, EVP_sha256(), NULL) == 1 &&
		EVP_Digest(sample()->payload.ptr, sample()->payload.len, digest,
		    &len, EVP_sha256(), NULL) == 1 &&
		EVP_Digest(content, content_len, digest, &len, EVP_sha256(),
		    NULL) == 1,
	    "EVP_Digest");
}

static void
bound_init(struct bound *b)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(b, 0, sizeof(*b));
	b->pkey = EVP_EC_gen("P-256");
	b->sig_len = sizeof(b->sig);
	bench_must(b->pkey != NULL && c != NULL &&
		EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, b->pkey) == 1 &&
		EVP_DigestSign(
		    c, b->sig, &b->sig_len, b->tbs, sizeof(b->tbs)) == 1,
	    "EVP_DigestSign");
	EVP_MD_CTX_free(c);
}

void
bench_suit(void)
{
	static struct replay r;
	static struct bound b;
	struct bench_case stubbed = { "suit_process_stubbed", process, &r.table,
		NULL, NULL, NULL };
	union {
		const struct pst_crypto *view;
		void *ctx;
	} real = { sample()->crypto };
	struct bench_case full = { "suit_process_real", process, real.ctx,
		"EVP: verify, 3 SHA-256, fresh contexts", needed, &b };

	replay_init(&r, sample()->crypto);
	process(&r.table);
	r.recording = false;
	bench_time(&stubbed);
	bound_init(&b);
	process(real.ctx);
	bench_time(&full);
	EVP_PKEY_free(b.pkey);
}
