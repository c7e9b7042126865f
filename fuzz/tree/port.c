/*
 * A crypto port for fuzzing: FNV-1a in the place of every hash and MAC, a
 * stream of it in the place of every cipher. None of it is secure; all of it
 * tells one content from another.
 */
#include <string.h>

#include "tree.h"

enum { HASHES = 4, CIPHERS = 2, COMPUTED = 4096, KEK = 1, SIGNATURE = 64 };

static const uint64_t basis = 0xcbf29ce484222325u;

struct hash {
	bool used;
	int32_t alg;
	uint64_t state;
};

struct cipher {
	bool used, encrypt, tagged;
	uint64_t key, tag, ciphertext, at;
};

static struct hash hashes[HASHES];
static struct cipher ciphers[CIPHERS];
static uint64_t computed[COMPUTED];
static size_t computed_count;
static uint8_t next_random;
struct opened port_opened;

static uint64_t
mix(uint64_t state, struct pst_bytes in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		state = (state ^ in.ptr[i]) * 0x100000001b3u;
	return state;
}

static uint64_t
start(int32_t alg)
{
	return (basis ^ (uint32_t)alg) * 0x100000001b3u;
}

static void
widen(uint64_t state, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(state >> (8 * (i % 8)));
}

static size_t
digest_len(int32_t alg)
{
	return alg == PST_ALG_SHA256 || alg == PST_ALG_SHAKE128 ? 32
	    : alg == PST_ALG_SHA384				? 48
								: 64;
}

static void
finish(uint64_t state, int32_t alg, uint8_t *out, size_t *len)
{
	*len = digest_len(alg);
	widen(state, out, *len);
	if (computed_count < COMPUTED)
		computed[computed_count++] = state;
}

uint64_t
port_value(int32_t alg, struct pst_bytes in)
{
	return mix(start(alg), in);
}

void
port_reset(void)
{
	MUST(port_held() == 0);
	computed_count = 0;
	next_random = 0;
	memset(&port_opened, 0, sizeof(port_opened));
}

bool
port_computed(uint64_t value)
{
	size_t i;

	for (i = 0; i < computed_count; i++)
		if (computed[i] == value)
			return true;
	return computed_count == COMPUTED;
}

int
port_held(void)
{
	int i, n = 0;

	for (i = 0; i < HASHES; i++)
		n += hashes[i].used;
	for (i = 0; i < CIPHERS; i++)
		n += ciphers[i].used;
	return n;
}

static bool
supports(void *ctx, int32_t alg)
{
	(void)ctx;
	return alg != PST_ALG_NONE;
}

static enum pst_err
random_bytes(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	while (len-- > 0)
		*out++ = ++next_random;
	return PST_OK;
}

static uint64_t
mix_parts(uint64_t state, const struct pst_bytes *parts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		state = mix(state, parts[i]);
	return state;
}

static enum pst_err
digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	(void)ctx;
	finish(mix_parts(start(alg), parts, n), alg, out, len);
	return PST_OK;
}

static enum pst_err
hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	uint32_t i;

	(void)ctx;
	for (i = 0; i < HASHES && hashes[i].used; i++)
		;
	MUST(i < HASHES);
	hashes[i] = (struct hash){ true, alg, start(alg) };
	*handle = i + 1;
	return PST_OK;
}

static struct hash *
hash_of(uint32_t handle)
{
	MUST(handle >= 1 && handle <= HASHES && hashes[handle - 1].used);
	return &hashes[handle - 1];
}

static enum pst_err
hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	struct hash *h = hash_of(handle);

	(void)ctx;
	h->state = mix(h->state, chunk);
	return PST_OK;
}

static enum pst_err
hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	struct hash *h = hash_of(handle);

	(void)ctx;
	h->used = false;
	if (out != NULL)
		finish(h->state, h->alg, out, len);
	return PST_OK;
}

static enum pst_err
sign(void *ctx, uint32_t key, int32_t alg, const struct pst_bytes *parts,
    size_t n, uint8_t *sig, size_t *len)
{
	(void)ctx;
	(void)key;
	*len = SIGNATURE;
	widen(mix_parts(start(alg), parts, n), sig, *len);
	return PST_OK;
}

static enum pst_err
verify(void *ctx, const struct pst_pubkey *pub, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	uint8_t want[SIGNATURE];
	size_t len;

	(void)pub;
	(void)sign(ctx, 0, alg, parts, n, want, &len);
	return sig.len == len && memcmp(sig.ptr, want, len) == 0
	    ? PST_OK
	    : PST_ERR_COSE_SIGNATURE;
}

/* The wrapped key is the key and eight bytes that it has to fit. */
static enum pst_err
wrap(void *ctx, struct pst_secret kek, int32_t alg, struct pst_bytes cek,
    uint8_t *out, size_t *len)
{
	(void)ctx;
	MUST(kek.key == KEK);
	memcpy(out, cek.ptr, cek.len);
	widen(port_value(alg, cek), out + cek.len, PST_WRAP_OVERHEAD);
	*len = cek.len + PST_WRAP_OVERHEAD;
	return PST_OK;
}

static enum pst_err
unwrap(void *ctx, struct pst_secret kek, int32_t alg, struct pst_bytes wrapped,
    uint8_t *out, size_t *len)
{
	struct pst_bytes cek = wrapped;
	uint8_t fits[PST_WRAP_OVERHEAD];

	(void)ctx;
	if (kek.key != KEK || wrapped.len < 16 + PST_WRAP_OVERHEAD ||
	    wrapped.len > PST_CEK_MAX + PST_WRAP_OVERHEAD)
		return PST_ERR_COSE_DECRYPT;
	cek.len -= PST_WRAP_OVERHEAD;
	widen(port_value(alg, cek), fits, sizeof(fits));
	if (memcmp(fits, wrapped.ptr + cek.len, sizeof(fits)) != 0)
		return PST_ERR_COSE_DECRYPT;
	memcpy(out, cek.ptr, cek.len);
	*len = cek.len;
	return PST_OK;
}

static enum pst_err
cipher_begin(void *ctx, int32_t alg, bool encrypt, struct pst_secret key,
    struct pst_bytes iv, const struct pst_bytes *aad, size_t n,
    uint32_t *handle)
{
	struct cipher *c;
	uint32_t i;

	(void)ctx;
	for (i = 0; i < CIPHERS && ciphers[i].used; i++)
		;
	MUST(i < CIPHERS);
	c = &ciphers[i];
	c->used = true;
	c->encrypt = encrypt;
	c->tagged = alg > 0;
	c->key = mix(mix(start(alg), key.bytes), iv);
	c->tag = mix_parts(c->key, aad, n);
	c->ciphertext = start(PST_ALG_SHA256);
	c->at = 0;
	*handle = i + 1;
	return PST_OK;
}

static struct cipher *
cipher_of(uint32_t handle)
{
	MUST(handle >= 1 && handle <= CIPHERS && ciphers[handle - 1].used);
	return &ciphers[handle - 1];
}

static enum pst_err
cipher_update(void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out)
{
	struct cipher *c = cipher_of(handle);
	uint8_t clear, sealed;
	size_t i;

	(void)ctx;
	for (i = 0; i < in.len; i++, c->at++) {
		uint8_t pad = (uint8_t)(c->key >> (8 * (c->at % 8))) ^
		    (uint8_t)(c->at * 7);

		clear = c->encrypt ? in.ptr[i] : in.ptr[i] ^ pad;
		sealed = c->encrypt ? in.ptr[i] ^ pad : in.ptr[i];
		c->tag = mix(c->tag, (struct pst_bytes){ &clear, 1 });
		c->ciphertext =
		    mix(c->ciphertext, (struct pst_bytes){ &sealed, 1 });
		out[i] = c->encrypt ? sealed : clear;
	}
	return PST_OK;
}

static enum pst_err
cipher_end(void *ctx, uint32_t handle, uint8_t *tag)
{
	struct cipher *c = cipher_of(handle);
	uint8_t want[PST_AEAD_TAG_LEN];

	(void)ctx;
	c->used = false;
	if (tag == NULL)
		return PST_OK;
	widen(c->tag, want, sizeof(want));
	if (c->encrypt && c->tagged)
		memcpy(tag, want, sizeof(want));
	if (c->encrypt)
		return PST_OK;
	if (c->tagged && memcmp(tag, want, sizeof(want)) != 0)
		return PST_ERR_COSE_DECRYPT;
	port_opened = (struct opened){ true, c->tagged, c->ciphertext };
	return PST_OK;
}

const struct pst_crypto port = { .supports = supports,
	.random = random_bytes,
	.digest = digest,
	.hash_begin = hash_begin,
	.hash_update = hash_update,
	.hash_end = hash_end,
	.sign = sign,
	.verify = verify,
	.wrap = wrap,
	.unwrap = unwrap,
	.cipher_begin = cipher_begin,
	.cipher_update = cipher_update,
	.cipher_end = cipher_end };

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	memset(key, 0, sizeof(*key));
	key->kty = PST_KTY_EC2;
	key->crv = PST_CRV_P256;
	key->coord_len = 32;
	*who = 7;
	return PST_OK;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	if (attempt > 0 || headers->alg != PST_ALG_A128KW)
		return PST_ERR_NOT_FOUND;
	*key = KEK;
	*who = 0;
	return PST_OK;
}

const struct pst_keys port_keys = { NULL, find, find_secret, false };
const struct pst_signer port_signer = { .key = 2, .alg = PST_ALG_ESP256 };
