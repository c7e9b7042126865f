/*
 * Digests, whole and over chunks. Methods are fetched once; contexts are
 * reused, which is most of what a short digest costs.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* RFC 9054, Section 3.2: SHAKE128 gives 256 bits, SHAKE256 gives 512. */
enum { SHAKE128_BYTES = 32, SHAKE256_BYTES = 64 };

int
pst_md_index(int32_t alg)
{
	switch (alg) {
	case PST_ALG_SHA256:
		return MD_SHA256;
	case PST_ALG_SHA384:
		return MD_SHA384;
	case PST_ALG_SHA512:
		return MD_SHA512;
	case PST_ALG_SHAKE128:
		return MD_SHAKE128;
	case PST_ALG_SHAKE256:
		return MD_SHAKE256;
	default:
		return -1;
	}
}

static bool
finish(EVP_MD_CTX *ctx, int md, uint8_t *out, size_t *len)
{
	unsigned int n = 0;

	if (md == MD_SHAKE128 || md == MD_SHAKE256) {
		*len = md == MD_SHAKE128 ? SHAKE128_BYTES : SHAKE256_BYTES;
		return EVP_DigestFinalXOF(ctx, out, *len) == 1;
	}
	if (EVP_DigestFinal_ex(ctx, out, &n) != 1)
		return false;
	*len = n;
	return true;
}

static enum pst_err
digest(struct pst_openssl *o, int md, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	size_t i;

	if (EVP_DigestInit_ex2(o->scratch, o->md[md], NULL) != 1)
		return PST_ERR_CRYPTO;
	for (i = 0; i < n; i++) {
		if (parts[i].len > 0 &&
		    EVP_DigestUpdate(o->scratch, parts[i].ptr, parts[i].len) !=
			1)
			return PST_ERR_CRYPTO;
	}
	return finish(o->scratch, md, out, len) ? PST_OK : PST_ERR_CRYPTO;
}

enum pst_err
pst_port_digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	int md = pst_md_index(alg);

	*len = 0;
	if (md < 0)
		return PST_ERR_COSE_ALG;
	return digest(ctx, md, parts, n, out, len);
}

enum pst_err
pst_port_ecdsa_digest(struct pst_openssl *o, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len)
{
	switch (alg) {
	case PST_ALG_ES256:
	case PST_ALG_ESP256:
		return digest(o, MD_SHA256, parts, n, out, len);
	case PST_ALG_ES384:
		return digest(o, MD_SHA384, parts, n, out, len);
	case PST_ALG_ES512:
		return digest(o, MD_SHA512, parts, n, out, len);
	default:
		return PST_ERR_COSE_ALG;
	}
}

enum pst_err
pst_port_hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	struct pst_openssl *o = ctx;
	int md = pst_md_index(alg);
	uint32_t i;

	*handle = UINT32_MAX;
	if (md < 0)
		return PST_ERR_COSE_ALG;
	for (i = 0; i < HASHES_MAX && o->hash_md[i] >= 0; i++)
		;
	if (i == HASHES_MAX)
		return PST_ERR_LIMIT;
	if (o->hash[i] == NULL)
		o->hash[i] = EVP_MD_CTX_new();
	if (o->hash[i] == NULL ||
	    EVP_DigestInit_ex2(o->hash[i], o->md[md], NULL) != 1)
		return PST_ERR_CRYPTO;
	o->hash_md[i] = md;
	*handle = i;
	return PST_OK;
}

static bool
running(const struct pst_openssl *o, uint32_t handle)
{
	return handle < HASHES_MAX && o->hash_md[handle] >= 0;
}

enum pst_err
pst_port_hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	struct pst_openssl *o = ctx;

	if (!running(o, handle))
		return PST_ERR_STATE;
	if (chunk.len == 0)
		return PST_OK;
	return EVP_DigestUpdate(o->hash[handle], chunk.ptr, chunk.len) == 1
	    ? PST_OK
	    : PST_ERR_CRYPTO;
}

enum pst_err
pst_port_hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	struct pst_openssl *o = ctx;
	int md;

	if (!running(o, handle))
		return PST_ERR_STATE;
	md = o->hash_md[handle];
	o->hash_md[handle] = -1;
	if (out == NULL)
		return PST_OK;
	*len = 0;
	return finish(o->hash[handle], md, out, len) ? PST_OK : PST_ERR_CRYPTO;
}

enum pst_err
pst_port_join(struct pst_openssl *o, const struct pst_bytes *parts, size_t n,
    struct pst_bytes *out)
{
	size_t total = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (parts[i].len > SIZE_MAX - total)
			return PST_ERR_LIMIT;
		total += parts[i].len;
	}
	if (n == 1) {
		*out = parts[0];
		return PST_OK;
	}
	if (total > o->joined_cap) {
		uint8_t *grown = realloc(o->joined, total);

		if (grown == NULL)
			return PST_ERR_CRYPTO;
		o->joined = grown;
		o->joined_cap = total;
	}
	out->ptr = o->joined;
	out->len = 0;
	for (i = 0; i < n; i++) {
		if (parts[i].len > 0)
			memcpy(
			    o->joined + out->len, parts[i].ptr, parts[i].len);
		out->len += parts[i].len;
	}
	return PST_OK;
}
