/*
 * A payload of 1 GB that is decrypted as it is fetched: through the processor,
 * and its hash and its cipher alone, chunk by chunk in turns, so that what
 * disturbs one disturbs all. Making the ciphertext is not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"
#include "sample.h"

enum { CHUNK = 1 << 16, PARAMS = 16 };
static const uint64_t payload_bytes = 1000000000;

/* A device that takes everything and keeps nothing. */
struct sink {
	struct pst_suit_host host;
	uint64_t bytes;
};

static enum pst_err
sink_authorise(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, struct pst_suit_act act)
{
	(void)ctx;
	(void)m;
	(void)component;
	(void)act;
	return PST_OK;
}

static enum pst_err
sink_begin(
    void *ctx, uint32_t index, struct pst_bytes component, uint64_t bytes)
{
	(void)ctx;
	(void)index;
	(void)component;
	(void)bytes;
	return PST_OK;
}

static enum pst_err
sink_write(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	struct sink *s = ctx;

	(void)index;
	s->bytes += chunk.len;
	return PST_OK;
}

static enum pst_err
sink_end(void *ctx, uint32_t index)
{
	(void)ctx;
	(void)index;
	return PST_OK;
}

struct install {
	struct sink sink;
	struct pst_keys keys;
	uint32_t kek;
	struct pst_suit_manifest m;
	struct pst_suit_run run;
	struct pst_suit_report report;
	struct pst_suit_param params[PARAMS];
	uint8_t work[CHUNK + PST_AEAD_TAG_LEN];
	uint8_t info[256], envelope[1024], records[64];
	uint8_t chunk[CHUNK], scratch[CHUNK];
	struct pst_cose_sealing sealing;
	uint32_t hash, cipher; /* alone */
	double total_ns, hash_ns, cipher_ns;
};

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	struct install *i = ctx;

	(void)headers;
	*key = i->kek;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static double
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
put_pair(struct pst_cbor_writer *w, int64_t label, uint64_t value)
{
	pst_cbor_put_int(w, label);
	pst_cbor_put_uint(w, value);
}

/* Fetch into the only component; with a digest it is hashed on the way. */
static void
put_install(struct pst_cbor_writer *w, struct pst_bytes info, bool digest)
{
	static const uint8_t zero[32];
	const struct pst_suit_digest d = { PST_ALG_SHA256, { zero, 32 } };
	uint8_t buf[64];
	struct pst_cbor_writer in;

	pst_cbor_put_array(w, 4);
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, digest ? 3 : 2);
	if (digest) {
		pst_cbor_writer_init(&in, buf, sizeof(buf));
		pst_suit_digest_put(&in, &d);
		pst_cbor_put_int(w, PST_SUIT_PARAM_IMAGE_DIGEST);
		pst_cbor_put_bstr(w, pst_cbor_written(&in));
	}
	pst_cbor_put_int(w, PST_SUIT_PARAM_ENCRYPTION_INFO);
	pst_cbor_put_bstr(w, info);
	pst_cbor_put_int(w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(w, PST_BYTES_LIT("https://bench.example/"));
	put_pair(w, PST_SUIT_DIR_FETCH, 0);
}

static void
put_manifest(struct pst_cbor_writer *w, struct pst_bytes info, bool digest)
{
	uint8_t install[512];
	struct pst_cbor_writer i;

	pst_cbor_writer_init(&i, install, sizeof(install));
	put_install(&i, info, digest);
	pst_cbor_put_map(w, 4);
	put_pair(w, PST_SUIT_VERSION, 1);
	put_pair(w, PST_SUIT_SEQUENCE, 1);
	pst_cbor_put_uint(w, PST_SUIT_COMMON);
	/* One component, ['a']. */
	pst_cbor_put_bstr(w, PST_BYTES_LIT("\xa1\x02\x81\x81\x41\x61"));
	pst_cbor_put_uint(w, PST_SUIT_INSTALL);
	pst_cbor_put_bstr(w, pst_cbor_written(&i));
}

/* The envelope, unsigned: what is measured comes after the signature. */
static void
make_manifest(struct install *i, struct pst_bytes info, bool digest)
{
	const struct pst_crypto *c = sample()->crypto;
	struct pst_suit_digest d = { PST_ALG_SHA256, { NULL, 0 } };
	uint8_t hash[PST_DIGEST_MAX], m[768], bstr[800], item[64], wrap[80];
	struct pst_cbor_writer w, in;
	struct pst_suit_envelope env;
	struct pst_bytes all;

	pst_cbor_writer_init(&in, m, sizeof(m));
	put_manifest(&in, info, digest);
	pst_cbor_writer_init(&w, bstr, sizeof(bstr));
	pst_cbor_put_bstr(&w, pst_cbor_written(&in));
	all = pst_cbor_written(&w);
	bench_must(
	    c->digest(c->ctx, d.alg, &all, 1, hash, &d.bytes.len) == PST_OK,
	    "digest");
	d.bytes.ptr = hash;
	pst_cbor_writer_init(&in, item, sizeof(item));
	pst_suit_digest_put(&in, &d);
	pst_cbor_writer_init(&w, wrap, sizeof(wrap));
	pst_cbor_put_array(&w, 1);
	pst_cbor_put_bstr(&w, pst_cbor_written(&in));
	pst_cbor_writer_init(&in, i->envelope, sizeof(i->envelope));
	pst_cbor_put_map(&in, 2);
	pst_cbor_put_uint(&in, PST_SUIT_AUTHENTICATION);
	pst_cbor_put_bstr(&in, pst_cbor_written(&w));
	pst_cbor_put_uint(&in, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&in, all);
	bench_must(in.err == PST_OK &&
		pst_suit_envelope_decode(pst_cbor_written(&in), &env, NULL) ==
		    PST_OK &&
		pst_suit_accept(&env, c, &i->m, NULL) == PST_OK,
	    "manifest");
}

/* A fresh key, and the message that carries its content key. */
static void
make_payload(struct install *i, int32_t alg, bool digest)
{
	struct pst_cose_recipient to = { PST_ALG_A128KW, 0, NULL, { NULL, 0 } };
	const struct pst_cose_encrypt_args args = { .alg = alg,
		.detached = true,
		.unauthenticated = true,
		.recipients = &to,
		.count = 1 };
	struct pst_key key = { .pub.kty = PST_KTY_SYMMETRIC, .secret_len = 16 };
	const struct pst_crypto *c = sample()->crypto;
	struct pst_cbor_writer w;

	bench_must(c->random(c->ctx, key.secret, 16) == PST_OK &&
		pst_openssl_add(sample()->port, &key, &i->kek) == PST_OK,
	    "key");
	to.key = i->kek;
	pst_cbor_writer_init(&w, i->info, sizeof(i->info));
	bench_must(pst_cose_encrypt_begin(&i->sealing, &w, c, &args) == PST_OK,
	    "encryption");
	make_manifest(i, pst_cbor_written(&w), digest);
}

static void
begin(struct install *i, int32_t alg)
{
	static const uint8_t key[32], iv[16];
	const struct pst_crypto *c = sample()->crypto;
	bool ctr = alg == PST_ALG_A128CTR;
	const struct pst_suit_run_args args = { c, &i->sink.host, &i->report,
		&i->keys,
		{ .params = i->params,
		    .param_cap = PARAMS,
		    .work = i->work,
		    .work_cap = sizeof(i->work) } };
	const struct pst_secret secret = { 0,
		{ key, alg == PST_ALG_CHACHA_POLY ? 32 : 16 } };

	i->keys = (struct pst_keys){ i, NULL, find_secret, false };
	i->sink = (struct sink){ .host = { .ctx = &i->sink,
				     .authorise = sink_authorise,
				     .write_begin = sink_begin,
				     .write = sink_write,
				     .write_end = sink_end } };
	pst_suit_report_init(&i->report, i->records, sizeof(i->records));
	bench_must(pst_suit_run_begin(&i->run, &i->m, &args) == PST_OK &&
		pst_suit_run(&i->run, PST_SUIT_INSTALL) == PST_ERR_AGAIN,
	    "run");
	bench_must(c->hash_begin(c->ctx, PST_ALG_SHA256, &i->hash) == PST_OK &&
		c->cipher_begin(c->ctx, alg, false, secret,
		    (struct pst_bytes){ iv, ctr ? 16 : 12 }, NULL, 0,
		    &i->cipher) == PST_OK,
	    "ciphers");
}

/* One chunk of ciphertext through all three. */
static void
chunk(struct install *i, size_t n, bool last)
{
	const struct pst_crypto *c = sample()->crypto;
	struct pst_bytes in = { i->chunk, n };
	enum pst_err want = last ? PST_OK : PST_ERR_AGAIN;
	double t[4];

	t[0] = now_ns();
	bench_must(
	    pst_suit_resume(&i->run, PST_OK, in, last) == want, "install");
	t[1] = now_ns();
	bench_must(c->hash_update(c->ctx, i->hash, in) == PST_OK, "hash");
	t[2] = now_ns();
	bench_must(
	    c->cipher_update(c->ctx, i->cipher, in, i->scratch) == PST_OK,
	    "cipher");
	t[3] = now_ns();
	i->total_ns += t[1] - t[0];
	i->hash_ns += t[2] - t[1];
	i->cipher_ns += t[3] - t[2];
}

static void
through(struct install *i)
{
	const struct pst_crypto *c = sample()->crypto;
	uint64_t left = payload_bytes;
	size_t n, tag;

	while (left > 0) {
		n = left < CHUNK ? (size_t)left : CHUNK;
		bench_must(pst_cose_encrypt_update(&i->sealing,
			       (struct pst_bytes){ i->scratch, n },
			       i->chunk) == PST_OK,
		    "encryption");
		left -= n;
		chunk(i, n, false);
	}
	bench_must(pst_cose_encrypt_end(&i->sealing, i->chunk, &tag) == PST_OK,
	    "encryption");
	chunk(i, tag, true);
	bench_must(i->sink.bytes == payload_bytes, "whole payload");
	(void)c->hash_end(c->ctx, i->hash, NULL, NULL);
	(void)c->cipher_end(c->ctx, i->cipher, NULL);
	pst_suit_run_abandon(&i->run);
	pst_openssl_remove(sample()->port, i->kek);
}

static double
resident_kib(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)r.ru_maxrss;
}

static double
mb_s(double ns)
{
	return (double)payload_bytes / 1e6 / (ns / 1e9);
}

static void
print_more(const char *name, const char *what, double value, const char *unit,
    double baseline, double ratio, const char *note)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s%s", name, what);
	bench_print(full, value, unit, baseline, ratio, note);
}

static void
measure(const char *name, int32_t alg, bool digest)
{
	struct install *i;
	double slower, sum, before = resident_kib();

	if (!bench_wanted(name))
		return;
	i = calloc(1, sizeof(*i));
	bench_must(i != NULL, "memory");
	make_payload(i, alg, digest);
	begin(i, alg);
	through(i);
	sum = i->hash_ns + i->cipher_ns;
	slower = i->hash_ns > i->cipher_ns ? i->hash_ns : i->cipher_ns;
	bench_print(name, mb_s(i->total_ns), "MB/s", mb_s(slower),
	    i->total_ns / slower,
	    i->hash_ns > i->cipher_ns ? "sha256 alone, the slower"
				      : "the cipher alone, the slower");
	if (digest)
		print_more(name, "_sum", mb_s(i->total_ns), "MB/s", mb_s(sum),
		    i->total_ns / sum,
		    "sha256 and the cipher, one after the other");
	print_more(name, "_memory", resident_kib() - before, "KiB", 0, 0,
	    "what the process grew by, this measure's buffers in it");
	free(i);
}

void
bench_decrypt(void)
{
	measure("suit_decrypt_1gb_gcm_tag", PST_ALG_A128GCM, false);
	measure("suit_decrypt_1gb_gcm_digest", PST_ALG_A128GCM, true);
	measure("suit_decrypt_1gb_chacha_tag", PST_ALG_CHACHA_POLY, false);
	measure("suit_decrypt_1gb_ctr_digest", PST_ALG_A128CTR, true);
}
