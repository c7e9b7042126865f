/*
 * Ciphers over chunks, and AES key wrap.
 */
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "internal.h"

struct method {
	int32_t alg;
	uint8_t key_len, iv_len;
	bool aead;
	const EVP_CIPHER *(*cipher)(void);
};

/* RFC 9053, Sections 4.1 and 4.3; RFC 9459 */
static const struct method methods[] = {
	{ PST_ALG_A128GCM, 16, 12, true, EVP_aes_128_gcm },
	{ PST_ALG_A192GCM, 24, 12, true, EVP_aes_192_gcm },
	{ PST_ALG_A256GCM, 32, 12, true, EVP_aes_256_gcm },
	{ PST_ALG_CHACHA_POLY, 32, 12, true, EVP_chacha20_poly1305 },
	{ PST_ALG_A128CTR, 16, 16, false, EVP_aes_128_ctr },
	{ PST_ALG_A192CTR, 24, 16, false, EVP_aes_192_ctr },
	{ PST_ALG_A256CTR, 32, 16, false, EVP_aes_256_ctr },
};

static const struct method wraps[] = {
	{ PST_ALG_A128KW, 16, 0, false, EVP_aes_128_wrap },
	{ PST_ALG_A192KW, 24, 0, false, EVP_aes_192_wrap },
	{ PST_ALG_A256KW, 32, 0, false, EVP_aes_256_wrap },
};

static const struct method *
find(const struct method *list, size_t n, int32_t alg)
{
	for (; n > 0; n--, list++) {
		if (list->alg == alg)
			return list;
	}
	return NULL;
}

static const struct method *
method_of(int32_t alg)
{
	return find(methods, sizeof(methods) / sizeof(methods[0]), alg);
}

static const struct method *
wrap_of(int32_t alg)
{
	return find(wraps, sizeof(wraps) / sizeof(wraps[0]), alg);
}

bool
pst_cipher_supports(int32_t alg)
{
	return method_of(alg) != NULL || wrap_of(alg) != NULL;
}

/* A context in its starting state, keyed. */
static enum pst_err
start(struct pst_openssl *o, const struct method *m, bool encrypt,
    struct pst_secret secret, const uint8_t *iv, EVP_CIPHER_CTX **out)
{
	EVP_CIPHER_CTX *ctx;
	struct pst_bytes key;
	enum pst_err err = pst_secret_bytes(o, secret, m->alg, &key);

	*out = NULL;
	if (err != PST_OK)
		return err;
	if (key.len != m->key_len)
		return PST_ERR_COSE_ALG;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return PST_ERR_CRYPTO;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_CipherInit_ex2(
		ctx, m->cipher(), key.ptr, iv, encrypt ? 1 : 0, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return PST_ERR_CRYPTO;
	}
	*out = ctx;
	return PST_OK;
}

/* RFC 3394 works on halves of a block, two at least. */
static bool
wrappable(size_t len)
{
	return len % 8 == 0 && len >= 16 && len <= PST_CEK_MAX;
}

enum pst_err
pst_port_wrap(void *ctx, struct pst_secret kek, int32_t alg,
    struct pst_bytes cek, uint8_t *out, size_t *len)
{
	const struct method *m = wrap_of(alg);
	EVP_CIPHER_CTX *cipher;
	enum pst_err err;
	int n = 0;

	*len = 0;
	if (m == NULL)
		return PST_ERR_COSE_ALG;
	if (!wrappable(cek.len))
		return PST_ERR_ARG;
	err = start(ctx, m, true, kek, NULL, &cipher);
	if (err != PST_OK)
		return err;
	if (EVP_EncryptUpdate(cipher, out, &n, cek.ptr, (int)cek.len) != 1 ||
	    (size_t)n != cek.len + PST_WRAP_OVERHEAD)
		err = PST_ERR_CRYPTO;
	else
		*len = (size_t)n;
	EVP_CIPHER_CTX_free(cipher);
	return err;
}

enum pst_err
pst_port_unwrap(void *ctx, struct pst_secret kek, int32_t alg,
    struct pst_bytes wrapped, uint8_t *out, size_t *len)
{
	const struct method *m = wrap_of(alg);
	EVP_CIPHER_CTX *cipher;
	/* OpenSSL may use the whole length of its input as room. */
	uint8_t room[PST_CEK_MAX + PST_WRAP_OVERHEAD];
	enum pst_err err;
	int n = 0;

	*len = 0;
	if (m == NULL)
		return PST_ERR_COSE_ALG;
	if (wrapped.len < PST_WRAP_OVERHEAD ||
	    !wrappable(wrapped.len - PST_WRAP_OVERHEAD))
		return PST_ERR_COSE_DECRYPT;
	err = start(ctx, m, false, kek, NULL, &cipher);
	if (err != PST_OK)
		return err;
	if (EVP_DecryptUpdate(
		cipher, room, &n, wrapped.ptr, (int)wrapped.len) != 1 ||
	    (size_t)n != wrapped.len - PST_WRAP_OVERHEAD) {
		err = PST_ERR_COSE_DECRYPT;
		ERR_clear_error();
	} else {
		memcpy(out, room, (size_t)n);
		*len = (size_t)n;
	}
	EVP_CIPHER_CTX_free(cipher);
	OPENSSL_cleanse(room, sizeof(room));
	return err;
}

/* One call of EVP_CipherUpdate takes an int. */
enum { STEP_MAX = 1 << 30 };

static enum pst_err
step(EVP_CIPHER_CTX *ctx, struct pst_bytes in, uint8_t *out)
{
	int n;

	while (in.len > 0) {
		size_t now = in.len < STEP_MAX ? in.len : STEP_MAX;

		if (EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)now) != 1 ||
		    (size_t)n != now)
			return PST_ERR_CRYPTO;
		in.ptr += now;
		in.len -= now;
		if (out != NULL)
			out += now;
	}
	return PST_OK;
}

enum pst_err
pst_port_cipher_begin(void *ctx, int32_t alg, bool encrypt,
    struct pst_secret key, struct pst_bytes iv, const struct pst_bytes *aad,
    size_t n, uint32_t *handle)
{
	const struct method *m = method_of(alg);
	struct pst_openssl *o = ctx;
	struct cipher_slot *slot;
	enum pst_err err;
	uint32_t i;
	size_t k;

	*handle = UINT32_MAX;
	if (m == NULL || iv.len != m->iv_len || (!m->aead && n > 0))
		return PST_ERR_COSE_ALG;
	for (i = 0; i < CIPHERS_MAX && o->cipher[i].ctx != NULL; i++)
		;
	if (i == CIPHERS_MAX)
		return PST_ERR_LIMIT;
	slot = &o->cipher[i];
	err = start(o, m, encrypt, key, iv.ptr, &slot->ctx);
	for (k = 0; k < n && err == PST_OK; k++)
		err = step(slot->ctx, aad[k], NULL);
	if (err != PST_OK) {
		EVP_CIPHER_CTX_free(slot->ctx);
		slot->ctx = NULL;
		return err;
	}
	slot->encrypt = encrypt;
	slot->aead = m->aead;
	*handle = i;
	return PST_OK;
}

static struct cipher_slot *
running(struct pst_openssl *o, uint32_t handle)
{
	if (handle >= CIPHERS_MAX || o->cipher[handle].ctx == NULL)
		return NULL;
	return &o->cipher[handle];
}

enum pst_err
pst_port_cipher_update(
    void *ctx, uint32_t handle, struct pst_bytes in, uint8_t *out)
{
	struct cipher_slot *slot = running(ctx, handle);

	return slot == NULL ? PST_ERR_STATE : step(slot->ctx, in, out);
}

static enum pst_err
finish(struct cipher_slot *slot, uint8_t *tag)
{
	uint8_t rest[EVP_MAX_BLOCK_LENGTH];
	int n = 0;

	if (tag == NULL || !slot->aead)
		return PST_OK;
	if (!slot->encrypt &&
	    EVP_CIPHER_CTX_ctrl(
		slot->ctx, EVP_CTRL_AEAD_SET_TAG, PST_AEAD_TAG_LEN, tag) != 1)
		return PST_ERR_CRYPTO;
	if (EVP_CipherFinal_ex(slot->ctx, rest, &n) != 1)
		return slot->encrypt ? PST_ERR_CRYPTO : PST_ERR_COSE_DECRYPT;
	if (slot->encrypt &&
	    EVP_CIPHER_CTX_ctrl(
		slot->ctx, EVP_CTRL_AEAD_GET_TAG, PST_AEAD_TAG_LEN, tag) != 1)
		return PST_ERR_CRYPTO;
	return PST_OK;
}

enum pst_err
pst_port_cipher_end(void *ctx, uint32_t handle, uint8_t *tag)
{
	struct cipher_slot *slot = running(ctx, handle);
	enum pst_err err;

	if (slot == NULL)
		return PST_ERR_STATE;
	err = finish(slot, tag);
	EVP_CIPHER_CTX_free(slot->ctx);
	memset(slot, 0, sizeof(*slot));
	if (err != PST_OK)
		ERR_clear_error();
	return err;
}
