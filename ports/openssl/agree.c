/*
 * Key agreement: ECDH and HKDF.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "internal.h"

/* x of own times peer, in the full length of a coordinate (RFC 9053, 6.3). */
static enum pst_err
derive(
    EVP_PKEY *own, EVP_PKEY *peer, size_t coord_len, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	enum pst_err err = PST_ERR_CRYPTO;

	*len = PST_COORD_MAX;
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	err = PST_ERR_COSE_KEY_FORMAT;
	/* This checks that peer is a point of own's curve, and not infinity. */
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 1) != 1)
		goto out;
	err = PST_ERR_CRYPTO;
	if (EVP_PKEY_derive(ctx, out, len) == 1 && *len == coord_len)
		err = PST_OK;
out:
	EVP_PKEY_CTX_free(ctx);
	if (err != PST_OK) {
		OPENSSL_cleanse(out, PST_COORD_MAX);
		*len = 0;
		ERR_clear_error();
	}
	return err;
}

enum pst_err
pst_port_ecdh(void *ctx, uint32_t key, const struct pst_pubkey *peer,
    uint8_t *out, size_t *len)
{
	const struct private_slot *slot = pst_private_slot(ctx, key);
	EVP_PKEY *pkey;
	enum pst_err err;

	*len = 0;
	if (slot == NULL || slot->pkey == NULL || slot->pub.kty != PST_KTY_EC2)
		return PST_ERR_COSE_KEY;
	if (peer->kty != PST_KTY_EC2 || peer->crv != slot->pub.crv)
		return PST_ERR_COSE_KEY_FORMAT;
	pkey = pst_pkey_public(peer);
	if (pkey == NULL) {
		ERR_clear_error();
		return PST_ERR_COSE_KEY_FORMAT;
	}
	err = derive(slot->pkey, pkey, slot->pub.coord_len, out, len);
	EVP_PKEY_free(pkey);
	return err;
}

enum pst_err
pst_port_ecdh_ephemeral(void *ctx, const struct pst_pubkey *peer,
    struct pst_pubkey *mine, uint8_t *out, size_t *len)
{
	EVP_PKEY *theirs, *own;
	struct pst_key key;
	const char *why;
	enum pst_err err;

	(void)ctx;
	*len = 0;
	memset(mine, 0, sizeof(*mine));
	if (peer->kty != PST_KTY_EC2)
		return PST_ERR_COSE_KEY_FORMAT;
	theirs = pst_pkey_public(peer);
	if (theirs == NULL) {
		ERR_clear_error();
		return PST_ERR_COSE_KEY_FORMAT;
	}
	own = EVP_EC_gen(pst_curve_name(peer->crv));
	err = own == NULL ? PST_ERR_CRYPTO
			  : pst_pkey_export(own, false, &key, &why);
	if (err == PST_OK)
		err = derive(own, theirs, peer->coord_len, out, len);
	if (err == PST_OK)
		*mine = key.pub;
	EVP_PKEY_free(own);
	EVP_PKEY_free(theirs);
	return err;
}

/* OSSL_PARAM takes what it only reads without const. */
static OSSL_PARAM
octets(const char *name, struct pst_bytes v)
{
	union {
		const uint8_t *in;
		void *out;
	} p = { v.ptr };

	return OSSL_PARAM_construct_octet_string(name, p.out, v.len);
}

enum pst_err
pst_port_hkdf(void *ctx, int32_t hash, struct pst_secret ikm,
    struct pst_bytes salt, struct pst_bytes info, uint8_t *out, size_t len)
{
	char sha256[] = "SHA256", sha512[] = "SHA512";
	char *name = hash == PST_ALG_SHA512 ? sha512 : sha256;
	struct pst_openssl *o = ctx;
	OSSL_PARAM params[5], *p = params;
	struct pst_bytes secret;
	EVP_KDF *kdf;
	EVP_KDF_CTX *kctx;
	enum pst_err err;

	if (hash != PST_ALG_SHA256 && hash != PST_ALG_SHA512)
		return PST_ERR_COSE_ALG;
	err = pst_secret_bytes(o, ikm, PST_ALG_NONE, &secret);
	if (err != PST_OK)
		return err;
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	kctx = EVP_KDF_CTX_new(kdf);
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
	*p++ = octets(OSSL_KDF_PARAM_KEY, secret);
	*p++ = octets(OSSL_KDF_PARAM_INFO, info);
	/* No salt is as many zeros as the hash has bytes (RFC 5869, 2.2),
	 * which is what OpenSSL does when there is no such parameter. */
	if (salt.len > 0)
		*p++ = octets(OSSL_KDF_PARAM_SALT, salt);
	*p = OSSL_PARAM_construct_end();
	if (kctx == NULL || EVP_KDF_derive(kctx, out, len, params) != 1) {
		OPENSSL_cleanse(out, len);
		ERR_clear_error();
		err = PST_ERR_CRYPTO;
	}
	EVP_KDF_CTX_free(kctx);
	EVP_KDF_free(kdf);
	return err;
}
