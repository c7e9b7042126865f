/*
 * Public keys: between plain data and OpenSSL, a cache of parsed ones, and
 * verification.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "internal.h"

const char *
pst_curve_name(int32_t crv)
{
	switch (crv) {
	case PST_CRV_P256:
		return "P-256";
	case PST_CRV_P384:
		return "P-384";
	case PST_CRV_P521:
		return "P-521";
	case PST_CRV_ED25519:
		return "ED25519";
	default:
		return NULL;
	}
}

static bool
shape_fits(const struct pst_pubkey *key)
{
	size_t len = pst_cose_coord_len(key->crv);

	if (len == 0 || key->coord_len != len)
		return false;
	return key->kty ==
	    (key->crv == PST_CRV_ED25519 ? PST_KTY_OKP : PST_KTY_EC2);
}

/* SEC 1 point: 04 x y, or 02/03 x. */
static size_t
point(const struct pst_pubkey *key, uint8_t out[1 + 2 * PST_COORD_MAX])
{
	size_t len = key->coord_len;

	memcpy(out + 1, key->x, len);
	if (key->y_sign != 0) {
		out[0] = key->y_sign;
		return 1 + len;
	}
	out[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(out + 1 + len, key->y, len);
	return 1 + 2 * len;
}

/* EVP_PKEY_fromdata for an EC key; secret is NULL for a public one. */
static EVP_PKEY *
ec_from_data(const struct pst_pubkey *key, const BIGNUM *secret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	uint8_t pub[1 + 2 * PST_COORD_MAX];
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;
	size_t len = point(key, pub);

	if (ctx == NULL || bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
		pst_curve_name(key->crv), 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(
		bld, OSSL_PKEY_PARAM_PUB_KEY, pub, len) != 1)
		goto out;
	if (secret != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret) != 1)
		goto out;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey,
		secret != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
		params) != 1)
		pkey = NULL;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

EVP_PKEY *
pst_pkey_public(const struct pst_pubkey *key)
{
	if (!shape_fits(key))
		return NULL;
	if (key->kty == PST_KTY_OKP)
		return EVP_PKEY_new_raw_public_key_ex(
		    NULL, "ED25519", NULL, key->x, key->coord_len);
	return ec_from_data(key, NULL);
}

static EVP_PKEY *
ed_private(const struct pst_key *key)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(
	    NULL, "ED25519", NULL, key->secret, key->secret_len);
	uint8_t x[PST_COORD_MAX];
	size_t len = sizeof(x);

	/* Signing with a public key that is not one's own reveals the
	 * private one. */
	if (pkey != NULL &&
	    (EVP_PKEY_get_raw_public_key(pkey, x, &len) != 1 ||
		len != key->pub.coord_len || memcmp(x, key->pub.x, len) != 0)) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *
ec_private(const struct pst_key *key)
{
	BIGNUM *d = BN_secure_new();
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = NULL;

	if (d != NULL &&
	    BN_bin2bn(key->secret, (int)key->secret_len, d) != NULL) {
		BN_set_flags(d, BN_FLG_CONSTTIME);
		pkey = ec_from_data(&key->pub, d);
	}
	BN_clear_free(d);
	if (pkey == NULL)
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx == NULL || EVP_PKEY_pairwise_check(ctx) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

EVP_PKEY *
pst_pkey_private(const struct pst_key *key)
{
	if (!shape_fits(&key->pub) || key->secret_len != key->pub.coord_len)
		return NULL;
	return key->pub.kty == PST_KTY_OKP ? ed_private(key) : ec_private(key);
}

static bool
get_number(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t len)
{
	BIGNUM *v = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, name, &v) == 1 &&
	    BN_bn2binpad(v, out, (int)len) == (int)len;

	BN_clear_free(v);
	return ok;
}

static int32_t
curve_of(const EVP_PKEY *pkey)
{
	char name[32];

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1)
		return 0;
	if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0)
		return PST_CRV_P256;
	if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0)
		return PST_CRV_P384;
	if (strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0)
		return PST_CRV_P521;
	return 0;
}

static bool
export_ed(const EVP_PKEY *pkey, bool secret, struct pst_key *out)
{
	size_t len = PST_COORD_MAX;

	out->pub.kty = PST_KTY_OKP;
	out->pub.crv = PST_CRV_ED25519;
	if (EVP_PKEY_get_raw_public_key(pkey, out->pub.x, &len) != 1)
		return false;
	out->pub.coord_len = (uint8_t)len;
	if (!secret)
		return true;
	out->secret_len = sizeof(out->secret);
	return EVP_PKEY_get_raw_private_key(
		   pkey, out->secret, &out->secret_len) == 1;
}

static bool
export_ec(const EVP_PKEY *pkey, bool secret, struct pst_key *out)
{
	size_t len = pst_cose_coord_len(out->pub.crv);

	out->pub.kty = PST_KTY_EC2;
	out->pub.coord_len = (uint8_t)len;
	if (!get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, out->pub.x, len) ||
	    !get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, out->pub.y, len))
		return false;
	if (!secret)
		return true;
	out->secret_len = len;
	return get_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, out->secret, len);
}

enum pst_err
pst_pkey_export(
    const EVP_PKEY *pkey, bool secret, struct pst_key *out, const char **why)
{
	bool ok;

	memset(out, 0, sizeof(*out));
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		ok = export_ed(pkey, secret, out);
	} else {
		if (EVP_PKEY_is_a(pkey, "EC"))
			out->pub.crv = curve_of(pkey);
		if (out->pub.crv == 0) {
			*why = "neither P-256, P-384, P-521 nor Ed25519";
			return PST_ERR_UNSUPPORTED;
		}
		ok = export_ec(pkey, secret, out);
	}
	if (ok)
		return PST_OK;
	pst_key_wipe(out);
	*why = "the key is damaged";
	return PST_ERR_COSE_KEY_FORMAT;
}

enum pst_err
pst_port_expand(void *ctx, struct pst_pubkey *key)
{
	EVP_PKEY *pkey;
	uint8_t y[PST_COORD_MAX];
	bool ok;

	(void)ctx;
	if (key->y_sign == 0)
		return PST_OK;
	pkey = pst_pkey_public(key);
	if (pkey == NULL) {
		ERR_clear_error();
		return PST_ERR_COSE_KEY_FORMAT;
	}
	ok = get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y, key->coord_len);
	EVP_PKEY_free(pkey);
	if (!ok)
		return PST_ERR_CRYPTO;
	memcpy(key->y, y, key->coord_len);
	key->y_sign = 0;
	return PST_OK;
}

void
pst_pubkey_slot_clear(struct pubkey_slot *slot)
{
	EVP_PKEY_CTX_free(slot->ec);
	EVP_MD_CTX_free(slot->ed);
	EVP_PKEY_free(slot->pkey);
	memset(slot, 0, sizeof(*slot));
}

static bool
same_bytes(const struct pst_pubkey *a, const struct pst_pubkey *b)
{
	return a->kty == b->kty && a->crv == b->crv &&
	    a->coord_len == b->coord_len && a->y_sign == b->y_sign &&
	    memcmp(a->x, b->x, a->coord_len) == 0 &&
	    (a->kty != PST_KTY_EC2 || a->y_sign != 0 ||
		memcmp(a->y, b->y, a->coord_len) == 0);
}

static bool
slot_fill(struct pubkey_slot *slot, const struct pst_pubkey *key)
{
	slot->pkey = pst_pkey_public(key);
	if (slot->pkey == NULL)
		return false;
	slot->key = *key;
	if (key->kty == PST_KTY_OKP) {
		slot->ed = EVP_MD_CTX_new();
		return slot->ed != NULL &&
		    EVP_DigestVerifyInit_ex(slot->ed, NULL, NULL, NULL, NULL,
			slot->pkey, NULL) == 1;
	}
	slot->ec = EVP_PKEY_CTX_new_from_pkey(NULL, slot->pkey, NULL);
	return slot->ec != NULL && EVP_PKEY_verify_init(slot->ec) == 1;
}

/*
 * Put another key of the same curve into a slot. A new point costs a
 * twentieth of a new EVP_PKEY, and a TAM meets every device's keys anew. The
 * context is initialised again, for a provider may have copied the key.
 */
static bool
slot_refill(struct pubkey_slot *slot, const struct pst_pubkey *key)
{
	uint8_t pub[1 + 2 * PST_COORD_MAX];

	if (slot->ec == NULL || slot->key.crv != key->crv || !shape_fits(key))
		return false;
	/* From here on the slot holds neither key until all went well. */
	slot->key.kty = 0;
	if (EVP_PKEY_set1_encoded_public_key(
		slot->pkey, pub, point(key, pub)) != 1 ||
	    EVP_PKEY_verify_init(slot->ec) != 1)
		return false;
	slot->key = *key;
	return true;
}

/* A direct-mapped cache: x is as good as random, and a sender that makes two
 * keys collide only slows itself. */
static struct pubkey_slot *
slot_for(struct pst_openssl *o, const struct pst_pubkey *key)
{
	size_t i = (size_t)(key->x[0] ^ key->x[7]) % PUBKEYS_CACHED;
	struct pubkey_slot *slot = &o->pubkeys[i];

	if (slot->key.kty != 0 && same_bytes(&slot->key, key))
		return slot;
	if (slot_refill(slot, key))
		return slot;
	pst_pubkey_slot_clear(slot);
	if (slot_fill(slot, key))
		return slot;
	pst_pubkey_slot_clear(slot);
	return NULL;
}

static enum pst_err
verify_ec(struct pst_openssl *o, struct pubkey_slot *slot, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	uint8_t digest[PST_DIGEST_MAX];
	uint8_t der[ECDSA_DER_MAX];
	size_t digest_len = 0;
	size_t der_len;
	enum pst_err err;

	/* RFC 9053, Section 2.1: both halves have the length of the order. */
	if (sig.len != 2 * (size_t)slot->key.coord_len)
		return PST_ERR_COSE_SIGNATURE;
	err = pst_port_ecdsa_digest(o, alg, parts, n, digest, &digest_len);
	if (err != PST_OK)
		return err;
	der_len = pst_ecdsa_to_der(sig, der);
	if (EVP_PKEY_verify(slot->ec, der, der_len, digest, digest_len) != 1)
		return PST_ERR_COSE_SIGNATURE;
	return PST_OK;
}

static enum pst_err
verify_ed(struct pst_openssl *o, struct pubkey_slot *slot,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	struct pst_bytes msg = { NULL, 0 };
	enum pst_err err = pst_port_join(o, parts, n, &msg);

	if (err != PST_OK)
		return err;
	if (EVP_DigestVerify(slot->ed, sig.ptr, sig.len, msg.ptr, msg.len) == 1)
		return PST_OK;
	/* Later releases want a context initialised anew for each message:
	 * a refusal counts only from a fresh one. */
	if (EVP_DigestVerifyInit_ex(
		slot->ed, NULL, NULL, NULL, NULL, slot->pkey, NULL) != 1)
		return PST_ERR_CRYPTO;
	if (EVP_DigestVerify(slot->ed, sig.ptr, sig.len, msg.ptr, msg.len) == 1)
		return PST_OK;
	return PST_ERR_COSE_SIGNATURE;
}

enum pst_err
pst_port_verify(void *ctx, const struct pst_pubkey *pub, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	struct pst_openssl *o = ctx;
	struct pubkey_slot *slot;
	enum pst_err err = PST_ERR_COSE_KEY_FORMAT;

	if (!pst_alg_fits(pub, alg))
		return PST_ERR_COSE_ALG;
	slot = slot_for(o, pub);
	if (slot != NULL && pub->kty == PST_KTY_OKP)
		err = verify_ed(o, slot, parts, n, sig);
	else if (slot != NULL)
		err = verify_ec(o, slot, alg, parts, n, sig);
	/* OpenSSL queues what it refused; the next user of this thread, TLS
	 * for one, would take that for its own failure. */
	if (err != PST_OK)
		ERR_clear_error();
	return err;
}
