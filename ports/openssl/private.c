/*
 * Private and secret keys by number: signing and MACs.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void
pst_private_slot_clear(struct private_slot *slot)
{
	EVP_PKEY_CTX_free(slot->ec);
	EVP_MD_CTX_free(slot->ed);
	EVP_PKEY_free(slot->pkey);
	EVP_MAC_CTX_free(slot->mac);
	OPENSSL_clear_free(slot->secret, slot->secret_len);
	if (slot->external.close != NULL)
		slot->external.close(slot->external.ctx);
	memset(slot, 0, sizeof(*slot));
}

struct private_slot *
pst_private_slot(struct pst_openssl *o, uint32_t number)
{
	if (number == 0 || number > o->key_count ||
	    o->keys[number - 1].pub.kty == 0)
		return NULL;
	return &o->keys[number - 1];
}

static bool
fill_pair(struct private_slot *slot, const struct pst_key *key)
{
	slot->pkey = pst_pkey_private(key);
	if (slot->pkey == NULL)
		return false;
	if (key->pub.kty == PST_KTY_OKP) {
		slot->ed = EVP_MD_CTX_new();
		return slot->ed != NULL &&
		    EVP_DigestSignInit_ex(slot->ed, NULL, NULL, NULL, NULL,
			slot->pkey, NULL) == 1;
	}
	slot->ec = EVP_PKEY_CTX_new_from_pkey(NULL, slot->pkey, NULL);
	return slot->ec != NULL && EVP_PKEY_sign_init(slot->ec) == 1;
}

static bool
fill_secret(struct private_slot *slot, const struct pst_key *key)
{
	slot->secret = OPENSSL_memdup(key->secret, key->secret_len);
	slot->secret_len = key->secret_len;
	return slot->secret != NULL;
}

static enum pst_err
keep(struct pst_openssl *o, const struct private_slot *slot, uint32_t *number)
{
	struct private_slot *grown =
	    realloc(o->keys, (o->key_count + 1) * sizeof(*grown));

	if (grown == NULL)
		return PST_ERR_CRYPTO;
	o->keys = grown;
	o->keys[o->key_count++] = *slot;
	*number = (uint32_t)o->key_count;
	return PST_OK;
}

enum pst_err
pst_openssl_add(
    struct pst_openssl *o, const struct pst_key *key, uint32_t *number)
{
	struct private_slot slot;
	enum pst_err err;
	bool ok;

	*number = 0;
	if (key->secret_len == 0 || key->secret_len > PST_SECRET_MAX)
		return PST_ERR_ARG;
	memset(&slot, 0, sizeof(slot));
	if (pst_key_thumbprint(key, slot.thumbprint) != PST_OK)
		return PST_ERR_COSE_KEY_FORMAT;
	slot.pub = key->pub;
	ok = key->pub.kty == PST_KTY_SYMMETRIC ? fill_secret(&slot, key)
					       : fill_pair(&slot, key);
	if (!ok) {
		pst_private_slot_clear(&slot);
		return PST_ERR_COSE_KEY_FORMAT;
	}
	err = keep(o, &slot, number);
	if (err != PST_OK)
		pst_private_slot_clear(&slot);
	return err;
}

enum pst_err
pst_openssl_add_external(struct pst_openssl *o, const struct pst_pubkey *pub,
    const struct pst_external *it, uint32_t *number)
{
	struct pst_key key = { .pub = *pub };
	struct private_slot slot;

	*number = 0;
	if (pub->kty != PST_KTY_EC2 && pub->kty != PST_KTY_OKP)
		return PST_ERR_ARG;
	memset(&slot, 0, sizeof(slot));
	slot.pub = *pub;
	slot.external = *it;
	if (pst_key_thumbprint(&key, slot.thumbprint) != PST_OK)
		return PST_ERR_COSE_KEY_FORMAT;
	return keep(o, &slot, number);
}

enum pst_err
pst_openssl_add_file(struct pst_openssl *o, const char *path, uint32_t *number,
    struct pst_pubkey *pub, const char **why)
{
	const char *unused;
	struct pst_key key;
	enum pst_err err;

	if (why == NULL)
		why = &unused;
	*number = 0;
	err = pst_key_read(path, &key, why);
	if (err == PST_OK && key.secret_len == 0) {
		*why = "the file has no private key";
		err = PST_ERR_COSE_KEY;
	}
	if (err == PST_OK) {
		*why = "the key is damaged";
		err = pst_openssl_add(o, &key, number);
	}
	if (err == PST_OK && pub != NULL)
		*pub = key.pub;
	pst_key_wipe(&key);
	return err;
}

void
pst_openssl_remove(struct pst_openssl *o, uint32_t number)
{
	struct private_slot *slot = pst_private_slot(o, number);

	if (slot != NULL)
		pst_private_slot_clear(slot);
}

enum pst_err
pst_openssl_public(
    struct pst_openssl *o, uint32_t number, struct pst_pubkey *out)
{
	const struct private_slot *slot = pst_private_slot(o, number);

	memset(out, 0, sizeof(*out));
	if (slot == NULL)
		return PST_ERR_COSE_KEY;
	*out = slot->pub;
	return PST_OK;
}

enum pst_err
pst_openssl_signer(
    struct pst_openssl *o, uint32_t number, int32_t alg, struct pst_signer *out)
{
	const struct private_slot *slot = pst_private_slot(o, number);
	struct pst_key key;

	memset(out, 0, sizeof(*out));
	if (slot == NULL)
		return PST_ERR_COSE_KEY;
	memset(&key, 0, sizeof(key));
	key.pub = slot->pub;
	if (alg == PST_ALG_NONE)
		alg = pst_key_default_alg(&key);
	if (slot->pub.kty != PST_KTY_SYMMETRIC && !pst_alg_fits(&key.pub, alg))
		return PST_ERR_COSE_ALG;
	out->key = number;
	out->alg = alg;
	out->kid_len = PST_THUMBPRINT_LEN;
	memcpy(out->kid, slot->thumbprint, PST_THUMBPRINT_LEN);
	return PST_OK;
}

static enum pst_err
sign_ec(struct pst_openssl *o, struct private_slot *slot, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len)
{
	uint8_t digest[PST_DIGEST_MAX];
	uint8_t der[ECDSA_DER_MAX];
	size_t digest_len = 0;
	size_t der_len = sizeof(der);
	enum pst_err err;

	err = pst_port_ecdsa_digest(o, alg, parts, n, digest, &digest_len);
	if (err != PST_OK)
		return err;
	if (EVP_PKEY_sign(slot->ec, der, &der_len, digest, digest_len) != 1)
		return PST_ERR_CRYPTO;
	if (!pst_ecdsa_from_der(
		(struct pst_bytes){ der, der_len }, sig, slot->pub.coord_len))
		return PST_ERR_CRYPTO;
	*len = 2 * (size_t)slot->pub.coord_len;
	return PST_OK;
}

static enum pst_err
sign_ed(struct pst_openssl *o, struct private_slot *slot,
    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len)
{
	struct pst_bytes msg = { NULL, 0 };
	enum pst_err err = pst_port_join(o, parts, n, &msg);

	if (err != PST_OK)
		return err;
	*len = PST_SIGNATURE_MAX;
	if (EVP_DigestSign(slot->ed, sig, len, msg.ptr, msg.len) == 1)
		return PST_OK;
	/* As in verify_ed: some releases want a fresh context. */
	*len = PST_SIGNATURE_MAX;
	if (EVP_DigestSignInit_ex(
		slot->ed, NULL, NULL, NULL, NULL, slot->pkey, NULL) == 1 &&
	    EVP_DigestSign(slot->ed, sig, len, msg.ptr, msg.len) == 1)
		return PST_OK;
	*len = 0;
	return PST_ERR_CRYPTO;
}

static enum pst_err
sign_external(struct pst_openssl *o, struct private_slot *slot, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len)
{
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes tbs = { digest, 0 };
	enum pst_err err;

	if (slot->pub.kty == PST_KTY_OKP)
		err = pst_port_join(o, parts, n, &tbs);
	else
		err = pst_port_ecdsa_digest(o, alg, parts, n, digest, &tbs.len);
	if (err == PST_OK)
		err =
		    slot->external.sign(slot->external.ctx, alg, tbs, sig, len);
	if (err == PST_OK &&
	    pst_port_verify(o, &slot->pub, alg, parts, n,
		(struct pst_bytes){ sig, *len }) != PST_OK)
		err = PST_ERR_CRYPTO;
	if (err == PST_OK)
		return PST_OK;
	memset(sig, 0, PST_SIGNATURE_MAX);
	*len = 0;
	return err;
}

enum pst_err
pst_port_sign(void *ctx, uint32_t key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *sig, size_t *len)
{
	struct pst_openssl *o = ctx;
	struct private_slot *slot = pst_private_slot(o, key);

	*len = 0;
	if (slot == NULL || slot->pub.kty == PST_KTY_SYMMETRIC)
		return PST_ERR_COSE_KEY;
	if (!pst_alg_fits(&slot->pub, alg))
		return PST_ERR_COSE_ALG;
	if (slot->external.sign != NULL)
		return sign_external(o, slot, alg, parts, n, sig, len);
	if (slot->pub.kty == PST_KTY_OKP)
		return sign_ed(o, slot, parts, n, sig, len);
	return sign_ec(o, slot, alg, parts, n, sig, len);
}

/* RFC 9053, Section 3.1: the hash of an HMAC algorithm and its tag length. */
static const char *
hmac_hash(int32_t alg, size_t *len)
{
	switch (alg) {
	case PST_ALG_HMAC_256_64:
		*len = 8;
		return "SHA256";
	case PST_ALG_HMAC_256:
		*len = 32;
		return "SHA256";
	case PST_ALG_HMAC_384:
		*len = 48;
		return "SHA384";
	case PST_ALG_HMAC_512:
		*len = 64;
		return "SHA512";
	default:
		*len = 0;
		return NULL;
	}
}

/* A context that is keyed for alg starts again without its key. */
static bool
mac_start(struct pst_openssl *o, struct private_slot *slot, int32_t alg,
    const char *hash)
{
	char name[8];
	OSSL_PARAM params[2];

	if (slot->mac != NULL && slot->mac_alg == alg)
		return EVP_MAC_init(slot->mac, NULL, 0, NULL) == 1;
	EVP_MAC_CTX_free(slot->mac);
	slot->mac_alg = 0;
	slot->mac = EVP_MAC_CTX_new(o->hmac);
	if (slot->mac == NULL)
		return false;
	memcpy(name, hash, strlen(hash) + 1);
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (EVP_MAC_init(slot->mac, slot->secret, slot->secret_len, params) !=
	    1)
		return false;
	slot->mac_alg = alg;
	return true;
}

static enum pst_err
mac_parts(EVP_MAC_CTX *mac, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t want)
{
	size_t got = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (parts[i].len > 0 &&
		    EVP_MAC_update(mac, parts[i].ptr, parts[i].len) != 1)
			return PST_ERR_CRYPTO;
	}
	if (EVP_MAC_final(mac, out, &got, PST_DIGEST_MAX) != 1 || got < want)
		return PST_ERR_CRYPTO;
	return PST_OK;
}

enum pst_err
pst_port_mac(void *ctx, uint32_t key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len)
{
	struct pst_openssl *o = ctx;
	struct private_slot *slot = pst_private_slot(o, key);
	size_t want;
	const char *hash = hmac_hash(alg, &want);
	enum pst_err err;

	*len = 0;
	if (slot == NULL || slot->pub.kty != PST_KTY_SYMMETRIC)
		return PST_ERR_COSE_KEY;
	if (hash == NULL || (slot->pub.alg != 0 && slot->pub.alg != alg))
		return PST_ERR_COSE_ALG;
	if (!mac_start(o, slot, alg, hash))
		return PST_ERR_CRYPTO;
	err = mac_parts(slot->mac, parts, n, out, want);
	if (err == PST_OK)
		*len = want;
	return err;
}

enum pst_err
pst_port_mac_with(void *ctx, struct pst_secret key, int32_t alg,
    const struct pst_bytes *parts, size_t n, uint8_t *out, size_t *len)
{
	struct private_slot slot;
	size_t want;
	const char *hash = hmac_hash(alg, &want);
	enum pst_err err = PST_ERR_CRYPTO;

	*len = 0;
	if (key.key != 0)
		return pst_port_mac(ctx, key.key, alg, parts, n, out, len);
	if (hash == NULL)
		return PST_ERR_COSE_ALG;
	if (key.bytes.len == 0)
		return PST_ERR_COSE_KEY;
	/* A slot for this once, cleared with all that it holds. */
	memset(&slot, 0, sizeof(slot));
	slot.secret = OPENSSL_memdup(key.bytes.ptr, key.bytes.len);
	slot.secret_len = key.bytes.len;
	if (slot.secret != NULL && mac_start(ctx, &slot, alg, hash))
		err = mac_parts(slot.mac, parts, n, out, want);
	pst_private_slot_clear(&slot);
	if (err == PST_OK)
		*len = want;
	return err;
}

enum pst_err
pst_secret_bytes(struct pst_openssl *o, struct pst_secret secret, int32_t alg,
    struct pst_bytes *out)
{
	const struct private_slot *slot;

	*out = secret.bytes;
	if (secret.key == 0)
		return secret.bytes.len > 0 ? PST_OK : PST_ERR_COSE_KEY;
	slot = pst_private_slot(o, secret.key);
	if (slot == NULL || slot->pub.kty != PST_KTY_SYMMETRIC)
		return PST_ERR_COSE_KEY;
	if (slot->pub.alg != 0 && slot->pub.alg != alg)
		return PST_ERR_COSE_ALG;
	*out = (struct pst_bytes){ slot->secret, slot->secret_len };
	return PST_OK;
}
