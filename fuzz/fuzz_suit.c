/*
 * Envelopes and reports. Digests are stubbed so that what follows them is
 * reached: every digest is zeros, and the envelope's own is set to that.
 * A manifest that decodes is walked, and run on a device in memory; how its
 * payloads are cut into chunks must change nothing.
 */
#include <postern/suit.h>
#include <postern/suit_encode.h>
#include <string.h>

#include "fuzz.h"
#include "tests/unit/suit/world.h"

static const uint8_t zeros[PST_DIGEST_MAX];
static int hashes;

static enum pst_err
digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	(void)ctx;
	(void)parts;
	(void)n;
	*len = alg == PST_ALG_SHA256 || alg == PST_ALG_SHAKE128 ? 32
	    : alg == PST_ALG_SHA384				? 48
								: 64;
	memset(out, 0, *len);
	return PST_OK;
}

static enum pst_err
hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	(void)ctx;
	hashes++;
	*handle = (uint32_t)-alg;
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
	hashes--;
	return out == NULL ? PST_OK
			   : digest(ctx, -(int32_t)handle, NULL, 0, out, len);
}

/* --- encryption: a cipher that anybody can compute ---------------------- */

static int ciphers;

static bool
supports(void *ctx, int32_t alg)
{
	(void)ctx;
	(void)alg;
	return true;
}

static enum pst_err
unwrap(void *ctx, struct pst_secret kek, int32_t alg, struct pst_bytes wrapped,
    uint8_t *out, size_t *len)
{
	(void)ctx;
	(void)kek;
	(void)alg;
	if (wrapped.len < 8 || wrapped.len > 8 + PST_CEK_MAX)
		return PST_ERR_COSE_DECRYPT;
	*len = wrapped.len - 8;
	memset(out, 0, *len);
	return PST_OK;
}

static enum pst_err
ecdh(void *ctx, uint32_t key, const struct pst_pubkey *peer, uint8_t *out,
    size_t *len)
{
	(void)ctx;
	(void)key;
	(void)peer;
	*len = 32;
	memset(out, 0, *len);
	return PST_OK;
}

static enum pst_err
hkdf(void *ctx, int32_t hash, struct pst_secret ikm, struct pst_bytes salt,
    struct pst_bytes info, uint8_t *out, size_t len)
{
	(void)ctx;
	(void)hash;
	(void)ikm;
	(void)salt;
	(void)info;
	memset(out, 0, len);
	return PST_OK;
}

static enum pst_err
cipher_begin(void *ctx, int32_t alg, bool encrypt, struct pst_secret key,
    struct pst_bytes iv, const struct pst_bytes *aad, size_t n,
    uint32_t *handle)
{
	(void)ctx;
	(void)encrypt;
	(void)key;
	(void)iv;
	(void)aad;
	(void)n;
	ciphers++;
	*handle = alg < 0;
	return PST_OK;
}

static enum pst_err
cipher_update(void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out)
{
	size_t i;

	(void)ctx;
	(void)handle;
	for (i = 0; i < in.len; i++)
		out[i] = in.ptr[i] ^ 0x5a;
	return PST_OK;
}

/* A tag is good when its first bit says so. */
static enum pst_err
cipher_end(void *ctx, uint32_t handle, uint8_t *tag)
{
	(void)ctx;
	ciphers--;
	return tag == NULL || handle == 1 || tag[0] % 2 == 0
	    ? PST_OK
	    : PST_ERR_COSE_DECRYPT;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = 1;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static const struct pst_keys secrets = { NULL, NULL, find_secret, false };

static const struct pst_crypto crypto = { .supports = supports,
	.digest = digest,
	.hash_begin = hash_begin,
	.hash_update = hash_update,
	.hash_end = hash_end,
	.unwrap = unwrap,
	.ecdh = ecdh,
	.hkdf = hkdf,
	.cipher_begin = cipher_begin,
	.cipher_update = cipher_update,
	.cipher_end = cipher_end };

static enum pst_err
run(struct world *w, const struct pst_suit_manifest *m, size_t chunk)
{
	static const int all[] = { 16, 20, 7, 8, 9, 24, 0 };
	enum pst_err err;

	world_init(w);
	w->chunk = chunk;
	w->read_max = chunk;
	w->serve_any = PST_BYTES_LIT("the bytes behind every address");
	/* Dependencies need no signature here. */
	w->keys = m->dependencies.count == 0 ? &secrets : NULL;
	err = world_run(w, m, &crypto, all);
	MUST(hashes == 0);
	MUST(ciphers == 0);
	MUST(err != PST_ERR_AGAIN);
	MUST((w->report.err == PST_OK) == (err == PST_OK));
	return err;
}

/* What the run reports can be read by whoever receives it. */
static void
report_is_readable(const struct world *w, const struct pst_suit_manifest *m)
{
	static uint8_t out[8192];
	struct pst_suit_report_view view;
	struct pst_cbor_writer writer;
	struct pst_bytes none = { NULL, 0 };
	struct pst_verified in;

	pst_cbor_writer_init(&writer, out, sizeof(out));
	MUST(pst_suit_report_encode(&writer, &w->report, m->reference_uri,
		 &m->digest, none) == PST_OK);
	in = pst_verified_by_caller(pst_cbor_written(&writer));
	MUST(pst_suit_report_decode(&in, &view, NULL) == PST_OK);
	MUST(view.records.count <= w->report.count);
}

static void
runs_agree(const struct pst_suit_manifest *m)
{
	static struct world a, b;
	enum pst_err err = run(&a, m, 0);
	size_t i;

	MUST(run(&b, m, 1) == err);
	MUST(a.count == b.count);
	for (i = 0; i < a.count; i++) {
		MUST(a.c[i].len == b.c[i].len);
		MUST(a.c[i].len == 0 ||
		    memcmp(a.c[i].data, b.c[i].data, a.c[i].len) == 0);
	}
	report_is_readable(&a, m);
	world_free(&a);
	world_free(&b);
}

/* An envelope without any of its severable members is one still. */
static void
severs(const struct pst_suit_envelope *env, size_t size)
{
	static uint8_t out[1 << 16];
	struct pst_suit_envelope less;
	struct pst_cbor_writer w;

	if (size > sizeof(out) - 16)
		return;
	pst_cbor_writer_init(&w, out, sizeof(out));
	MUST(pst_suit_sever(&w, env, UINT32_MAX, true) == PST_OK);
	MUST(pst_suit_envelope_decode(pst_cbor_written(&w), &less, NULL) ==
	    PST_OK);
	MUST(pst_suit_members(&less) == 0);
	MUST(less.member_count == 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_suit_report_view view;
	struct pst_verified report = pst_verified_by_caller(in);
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_images images;
	size_t at;

	(void)!pst_suit_report_decode(&report, &view, &at);
	MUST(at <= size);
	if (pst_suit_envelope_decode(in, &env, &at) != PST_OK) {
		MUST(at <= size);
		return 0;
	}
	severs(&env, size);
	env.digest.bytes.ptr = zeros;
	if (pst_suit_accept(&env, &crypto, &m, &at) != PST_OK) {
		MUST(at <= size);
		return 0;
	}
	(void)!pst_suit_manifest_images(&m, NULL, NULL, &images);
	runs_agree(&m);
	return 0;
}
