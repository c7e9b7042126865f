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

static enum pst_err
mac_with(void *ctx, struct pst_secret key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->mac_with(m->inner->ctx, key, alg, parts, n, out, len);
}

static enum pst_err
wrap(void *ctx, struct pst_secret kek, int32_t alg, struct pst_bytes cek,
    uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->wrap(m->inner->ctx, kek, alg, cek, out, len);
}

static enum pst_err
unwrap(void *ctx, struct pst_secret kek, int32_t alg, struct pst_bytes wrapped,
    uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->unwrap(m->inner->ctx, kek, alg, wrapped, out, len);
}

static enum pst_err
ecdh(void *ctx, uint32_t key, const struct pst_pubkey *peer, uint8_t *out,
    size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->ecdh(m->inner->ctx, key, peer, out, len);
}

static enum pst_err
ecdh_ephemeral(void *ctx, const struct pst_pubkey *peer,
    struct pst_pubkey *mine, uint8_t *out, size_t *len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->ecdh_ephemeral(m->inner->ctx, peer, mine, out, len);
}

static enum pst_err
hkdf(void *ctx, int32_t hash, struct pst_secret ikm, struct pst_bytes salt,
    struct pst_bytes info, uint8_t *out, size_t len)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->hkdf(m->inner->ctx, hash, ikm, salt, info, out, len);
}

static enum pst_err
cipher_begin(void *ctx, int32_t alg, bool encrypt, struct pst_secret key,
    struct pst_bytes iv, const struct pst_bytes *aad, size_t n,
    uint32_t *handle)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err == PST_OK)
		err = m->inner->cipher_begin(
		    m->inner->ctx, alg, encrypt, key, iv, aad, n, handle);
	if (err == PST_OK)
		m->ciphering++;
	return err;
}

static enum pst_err
cipher_update(void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = pst_mem_fault(&m->fault);

	if (err != PST_OK)
		return err;
	return m->inner->cipher_update(m->inner->ctx, handle, in, out);
}

/* As hash_end: a failed end releases the handle. */
static enum pst_err
cipher_end(void *ctx, uint32_t handle, uint8_t *tag)
{
	struct pst_mem_crypto *m = ctx;
	enum pst_err err = tag == NULL ? PST_OK : pst_mem_fault(&m->fault);
	enum pst_err end = m->inner->cipher_end(
	    m->inner->ctx, handle, err == PST_OK ? tag : NULL);

	if (m->ciphering > 0)
		m->ciphering--;
	return err != PST_OK ? err : end;
}

/* What the inner port lacks stays NULL. */
static void
encryption(struct pst_crypto *port, const struct pst_crypto *inner)
{
	port->mac_with = inner->mac_with != NULL ? mac_with : NULL;
	if (inner->cipher_begin == NULL)
		return;
	port->wrap = wrap;
	port->unwrap = unwrap;
	port->ecdh = ecdh;
	port->ecdh_ephemeral = ecdh_ephemeral;
	port->hkdf = hkdf;
	port->cipher_begin = cipher_begin;
	port->cipher_update = cipher_update;
	port->cipher_end = cipher_end;
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

	encryption(&port, m->inner);
	return port;
}
