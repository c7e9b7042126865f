/*
 * A crypto port that passes every call on to another one, or fails it.
 */
#include "mem.h"

static bool
supports(void *ctx, int32_t alg)
{
	struct pst_mem_crypto *m = ctx;

	return m->inner->supports(m->inner->ctx, alg);
}

static enum pst_err
random_bytes(void *ctx, uint8_t *out, size_t len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	return err != PST_OK ? err : m->inner->random(m->inner->ctx, out, len);
}

static enum pst_err
digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->digest(m->inner->ctx, alg, parts, n, out, len);
}

static enum pst_err
hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err == PST_OK)
		err = m->inner->hash_begin(m->inner->ctx, alg, handle);
	if (err == PST_OK)
		m->hashing++;
	return err;
}

static enum pst_err
hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->hash_update(m->inner->ctx, handle, chunk);
}

/* A failed end still releases the handle: so says the port's contract. */
static enum pst_err
hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = out == NULL ? PST_OK : pst_mem_fault(&m->fault);
	enum pst_err end = m->inner->hash_end(
	    m->inner->ctx, handle, err == PST_OK ? out : NULL, len);

	if (m->hashing > 0)
		m->hashing--;
	return err != PST_OK ? err : end;
}

static enum pst_err
sign(void *ctx, uint32_t key, int32_t alg, const struct pst_bytes *parts,
    size_t n, uint8_t *sig, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->sign(m->inner->ctx, key, alg, parts, n, sig, len);
}

static enum pst_err
verify(void *ctx, const struct pst_pubkey *pub, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	m->verified++;
	if (err != PST_OK)
		return err;
	return m->inner->verify(m->inner->ctx, pub, alg, parts, n, sig);
}

static enum pst_err
mac(void *ctx, uint32_t key, int32_t alg, const struct pst_bytes *parts,
    size_t n, uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->mac(m->inner->ctx, key, alg, parts, n, out, len);
}

static enum pst_err
chain(void *ctx, const struct pst_bytes *certs, size_t n,
    const struct pst_bytes *roots, size_t nroots, uint64_t now_s,
    struct pst_pubkey *leaf, size_t *root)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->chain(
	    m->inner->ctx, certs, n, roots, nroots, now_s, leaf, root);
}

struct pst_crypto
pst_mem_crypto_port(struct pst_mem_crypto *m)
{
	struct pst_crypto port = {
		.ctx = m,
		.supports = supports,
		.random = random_bytes,
		.digest = digest,
		.hash_begin = hash_begin,
		.hash_update = hash_update,
		.hash_end = hash_end,
		.sign = sign,
		.verify = verify,
		.mac = mac,
		.chain = chain,
	};

	return port;
}
