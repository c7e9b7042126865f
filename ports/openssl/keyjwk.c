/*
 * JWK (RFC 7517, RFC 7518, RFC 8037): kty EC, OKP and oct.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int
base64url_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* RFC 4648, Section 5, without padding. Returns false for other characters,
 * bits left over, or more than cap bytes. */
static bool
base64url_decode(const char *in, uint8_t *out, size_t cap, size_t *len)
{
	uint32_t bits = 0;
	unsigned int held = 0;
	int v;

	*len = 0;
	for (; *in != '\0'; in++) {
		v = base64url_value(*in);
		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (*len == cap)
			return false;
		out[(*len)++] = (uint8_t)(bits >> held);
		bits &= (1u << held) - 1;
	}
	return held < 6 && bits == 0;
}

static void
base64url_encode(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned int held = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		held += 8;
		while (held >= 6) {
			held -= 6;
			*out++ = digits[bits >> held & 63];
		}
	}
	if (held > 0)
		*out++ = digits[bits << (6 - held) & 63];
	*out = '\0';
}

static const char *
text(const json_t *jwk, const char *name)
{
	return json_string_value(json_object_get(jwk, name));
}

/* A member of exactly want bytes. */
static bool
member(const json_t *jwk, const char *name, uint8_t *out, size_t want)
{
	const char *s = text(jwk, name);
	size_t len;

	return s != NULL && base64url_decode(s, out, want, &len) && len == want;
}

static int32_t
curve(const json_t *jwk)
{
	const char *name = text(jwk, "crv");

	if (name == NULL)
		return 0;
	if (strcmp(name, "P-256") == 0)
		return PST_CRV_P256;
	if (strcmp(name, "P-384") == 0)
		return PST_CRV_P384;
	if (strcmp(name, "P-521") == 0)
		return PST_CRV_P521;
	if (strcmp(name, "Ed25519") == 0)
		return PST_CRV_ED25519;
	return 0;
}

static enum pst_err
pair(const json_t *jwk, bool okp, struct pst_key *out, const char **why)
{
	struct pst_pubkey *pub = &out->pub;
	size_t len;

	pub->kty = okp ? PST_KTY_OKP : PST_KTY_EC2;
	pub->crv = curve(jwk);
	len = pst_cose_coord_len(pub->crv);
	if (len == 0 || okp != (pub->crv == PST_CRV_ED25519)) {
		*why = "neither P-256, P-384, P-521 nor Ed25519";
		return PST_ERR_UNSUPPORTED;
	}
	pub->coord_len = (uint8_t)len;
	*why = "a member of the JWK is missing or has a wrong length";
	if (!member(jwk, "x", pub->x, len) ||
	    (!okp && !member(jwk, "y", pub->y, len)))
		return PST_ERR_COSE_KEY_FORMAT;
	if (json_object_get(jwk, "d") == NULL)
		return PST_OK;
	out->secret_len = len;
	return member(jwk, "d", out->secret, len) ? PST_OK
						  : PST_ERR_COSE_KEY_FORMAT;
}

static enum pst_err
octets(const json_t *jwk, struct pst_key *out, const char **why)
{
	const char *k = text(jwk, "k");

	out->pub.kty = PST_KTY_SYMMETRIC;
	*why = "k of the JWK is missing or has a wrong length";
	if (k == NULL ||
	    !base64url_decode(
		k, out->secret, sizeof(out->secret), &out->secret_len) ||
	    out->secret_len == 0)
		return PST_ERR_COSE_KEY_FORMAT;
	return PST_OK;
}

/* alg restricts a key, so one that is not known is not passed over; kid is a
 * text here and bytes in COSE. */
static enum pst_err
names(const json_t *jwk, struct pst_key *out, const char **why)
{
	const json_t *alg = json_object_get(jwk, "alg");
	const char *kid = text(jwk, "kid");

	if (alg != NULL) {
		if (json_is_string(alg))
			out->pub.alg = pst_alg_by_name(json_string_value(alg));
		if (out->pub.alg == PST_ALG_NONE) {
			*why = "alg of the JWK is not supported";
			return PST_ERR_UNSUPPORTED;
		}
	}
	if (kid == NULL)
		return PST_OK;
	if (strlen(kid) > PST_KID_MAX) {
		*why = "kid of the JWK is too long";
		return PST_ERR_LIMIT;
	}
	out->kid_len = strlen(kid);
	memcpy(out->kid, kid, out->kid_len);
	return PST_OK;
}

static enum pst_err
from_object(const json_t *jwk, struct pst_key *out, const char **why)
{
	const char *kty = text(jwk, "kty");
	enum pst_err err = PST_ERR_UNSUPPORTED;

	*why = "a JWK of a type that is not supported";
	if (json_object_get(jwk, "keys") != NULL) {
		*why = "a set of keys, where one key is wanted";
		return PST_ERR_UNSUPPORTED;
	}
	if (kty == NULL)
		return PST_ERR_COSE_KEY_FORMAT;
	if (strcmp(kty, "EC") == 0)
		err = pair(jwk, false, out, why);
	else if (strcmp(kty, "OKP") == 0)
		err = pair(jwk, true, out, why);
	else if (strcmp(kty, "oct") == 0)
		err = octets(jwk, out, why);
	return err == PST_OK ? names(jwk, out, why) : err;
}

enum pst_err
pst_key_from_jwk(struct pst_bytes in, struct pst_key *out, const char **why)
{
	json_t *jwk = json_loadb(
	    (const char *)in.ptr, in.len, JSON_REJECT_DUPLICATES, NULL);
	enum pst_err err;

	if (!json_is_object(jwk)) {
		json_decref(jwk);
		*why = "not well-formed JSON";
		return PST_ERR_COSE_KEY_FORMAT;
	}
	err = from_object(jwk, out, why);
	json_decref(jwk);
	return err;
}

/* Text under construction; full once it did not fit. */
struct line {
	char *out;
	size_t cap, len;
	bool full;
};

static void
add(struct line *l, const char *s)
{
	size_t n = strlen(s);

	if (n > l->cap - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->out + l->len, s, n);
	l->len += n;
}

static void
add_bytes(struct line *l, const char *name, const uint8_t *v, size_t len)
{
	char digits[(PST_SECRET_MAX * 4 + 2) / 3 + 1];

	base64url_encode(v, len, digits);
	add(l, ",\"");
	add(l, name);
	add(l, "\":\"");
	add(l, digits);
	add(l, "\"");
	OPENSSL_cleanse(digits, sizeof(digits));
}

/* A kid that is printable text stays what it is; other bytes, a thumbprint
 * for one, become base64url, which is how JOSE writes thumbprints. What would
 * then be too long to be read again is refused. */
static void
add_kid(struct line *l, const struct pst_key *key)
{
	char s[PST_KID_MAX + 1];
	size_t i;

	for (i = 0; i < key->kid_len; i++) {
		uint8_t b = key->kid[i];

		if (b < 0x20 || b > 0x7e || b == '"' || b == '\\') {
			if ((key->kid_len * 4 + 2) / 3 > PST_KID_MAX)
				l->full = true;
			else
				add_bytes(l, "kid", key->kid, key->kid_len);
			return;
		}
		s[i] = (char)b;
	}
	s[i] = '\0';
	add(l, ",\"kid\":\"");
	add(l, s);
	add(l, "\"");
}

static void
add_pair(struct line *l, const struct pst_key *key, bool secret)
{
	const struct pst_pubkey *pub = &key->pub;

	add(l,
	    pub->kty == PST_KTY_OKP ? "{\"kty\":\"OKP\",\"crv\":\""
				    : "{\"kty\":\"EC\",\"crv\":\"");
	add(l, pub->kty == PST_KTY_OKP ? "Ed25519" : pst_curve_name(pub->crv));
	add(l, "\"");
	add_bytes(l, "x", pub->x, pub->coord_len);
	if (pub->kty == PST_KTY_EC2)
		add_bytes(l, "y", pub->y, pub->coord_len);
	if (secret)
		add_bytes(l, "d", key->secret, key->secret_len);
}

enum pst_err
pst_key_to_jwk(const struct pst_key *key, bool secret, uint8_t *out, size_t cap,
    size_t *len)
{
	struct line l = { (char *)out, cap, 0, false };
	struct pst_key plain = *key;
	enum pst_err err = pst_port_expand(NULL, &plain.pub);
	const char *alg = pst_alg_name(key->pub.alg);

	if (key->pub.kty == PST_KTY_SYMMETRIC) {
		add(&l, "{\"kty\":\"oct\"");
		add_bytes(&l, "k", key->secret, key->secret_len);
	} else if (err == PST_OK && pst_curve_name(key->pub.crv) != NULL) {
		add_pair(&l, &plain, secret);
	} else {
		err = PST_ERR_COSE_KEY_FORMAT;
	}
	pst_key_wipe(&plain);
	if (alg != NULL) {
		add(&l, ",\"alg\":\"");
		add(&l, alg);
		add(&l, "\"");
	}
	if (key->kid_len > 0)
		add_kid(&l, key);
	add(&l, "}\n");
	if (err == PST_OK && l.full)
		err = PST_ERR_SPACE;
	*len = err == PST_OK ? l.len : 0;
	return err;
}
