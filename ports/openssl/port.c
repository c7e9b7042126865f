/*
 * The instance and its table of functions.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool
supports(void *ctx, int32_t alg)
{
	(void)ctx;
	switch (alg) {
	case PST_ALG_ES256:
	case PST_ALG_ESP256:
	case PST_ALG_ES384:
	case PST_ALG_ES512:
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
	case PST_ALG_HMAC_256_64:
	case PST_ALG_HMAC_256:
	case PST_ALG_HMAC_384:
	case PST_ALG_HMAC_512:
		return true;
	case PST_ALG_DIRECT:
		return true;
	default:
		if (alg <= PST_ALG_ECDH_ES_HKDF_256 &&
		    alg >= PST_ALG_ECDH_SS_A256KW)
			return true;
		return pst_md_index(alg) >= 0 || pst_cipher_supports(alg);
	}
}

static enum pst_err
port_random(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	if (len > INT32_MAX)
		return PST_ERR_ARG;
	if (len > 0 && RAND_bytes(out, (int)len) != 1) {
		memset(out, 0, len);
		return PST_ERR_CRYPTO;
	}
	return PST_OK;
}

static const struct pst_crypto functions = {
	.supports = supports,
	.random = port_random,
	.digest = pst_port_digest,
	.hash_begin = pst_port_hash_begin,
	.hash_update = pst_port_hash_update,
	.hash_end = pst_port_hash_end,
	.sign = pst_port_sign,
	.verify = pst_port_verify,
	.mac = pst_port_mac,
	.chain = pst_port_chain,
	.expand = pst_port_expand,
	.mac_with = pst_port_mac_with,
	.wrap = pst_port_wrap,
	.unwrap = pst_port_unwrap,
	.ecdh = pst_port_ecdh,
	.ecdh_ephemeral = pst_port_ecdh_ephemeral,
	.hkdf = pst_port_hkdf,
	.cipher_begin = pst_port_cipher_begin,
	.cipher_update = pst_port_cipher_update,
	.cipher_end = pst_port_cipher_end,
};

static bool
fetch(struct pst_openssl *o)
{
	static const char *const names[MD_COUNT] = { "SHA256", "SHA384",
		"SHA512", "SHAKE128", "SHAKE256" };
	size_t i;

	for (i = 0; i < MD_COUNT; i++) {
		o->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
		if (o->md[i] == NULL)
			return false;
	}
	o->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	o->scratch = EVP_MD_CTX_new();
	return o->hmac != NULL && o->scratch != NULL;
}

struct pst_openssl *
pst_openssl_new(void)
{
	struct pst_openssl *o = calloc(1, sizeof(*o));
	size_t i;

	if (o == NULL)
		return NULL;
	o->table = functions;
	o->table.ctx = o;
	for (i = 0; i < HASHES_MAX; i++)
		o->hash_md[i] = -1;
	if (!fetch(o))
		pst_openssl_free(&o);
	return o;
}

void
pst_openssl_free(struct pst_openssl **held)
{
	struct pst_openssl *o = *held;
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < o->key_count; i++)
		pst_private_slot_clear(&o->keys[i]);
	free(o->keys);
	for (i = 0; i < PUBKEYS_CACHED; i++)
		pst_pubkey_slot_clear(&o->pubkeys[i]);
	for (i = 0; i < HASHES_MAX; i++)
		EVP_MD_CTX_free(o->hash[i]);
	for (i = 0; i < CIPHERS_MAX; i++)
		EVP_CIPHER_CTX_free(o->cipher[i].ctx);
	EVP_MD_CTX_free(o->scratch);
	for (i = 0; i < MD_COUNT; i++)
		EVP_MD_free(o->md[i]);
	EVP_MAC_free(o->hmac);
	free(o->joined);
	free(o);
	*held = NULL;
}

const struct pst_crypto *
pst_openssl_crypto(struct pst_openssl *o)
{
	return &o->table;
}
