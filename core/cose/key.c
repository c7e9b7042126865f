/*
 * COSE_Key of type EC2 and OKP (RFC 9052, Section 7; RFC 9053, Section 7) and
 * HSS-LMS (RFC 8778, Section 4), and its thumbprint (RFC 9679).
 */
#include "cose_internal.h"
#include "hsslms.h"

#include "../pst_internal.h"

enum {
	KEY_KTY = 1,
	KEY_KID = 2,
	KEY_ALG = 3,
	KEY_OPS = 4,
	KEY_CRV = -1,
	KEY_PUB = -1, /* of HSS-LMS */
	KEY_X = -2,
	KEY_Y = -3
};

enum { OP_SIGN = 1, OP_VERIFY = 2 };

/* More labels than any key in use has. */
#define KEY_LABELS_MAX 16
#define KEY_OPS_MAX 16

size_t
pst_cose_coord_len(int32_t crv)
{
	switch (crv) {
	case PST_CRV_P256:
	case PST_CRV_ED25519:
		return 32;
	case PST_CRV_P384:
		return 48;
	case PST_CRV_P521:
		return 66;
	default:
		return 0;
	}
}

/* What was read, before it is known to fit together. */
struct parts {
	int64_t kty, crv, alg;
	struct pst_bytes kid, pub, x, y;
	uint8_t y_sign; /* 0, or the SEC 1 prefix 2 or 3 */
	bool ops_fit;
};

/* An integer label or a text, which names nothing that we know. */
static int64_t
number_or_text(struct pst_cbor_reader *r)
{
	if (pst_cbor_peek(r) == PST_CBOR_TSTR) {
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		return 0;
	}
	return pst_cbor_int(r, INT32_MIN, INT32_MAX);
}

/* RFC 9052, Section 7.1: key_ops restricts; a key for neither signing nor
 * verifying is not for us. */
static bool
operations(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 1, KEY_OPS_MAX);
	bool fit = false;

	for (; n > 0 && pst_cbor_ok(r); n--) {
		int64_t op = number_or_text(r);

		fit = fit || op == OP_SIGN || op == OP_VERIFY;
	}
	return fit;
}

/* RFC 9053, Section 7.1.1: y is a bstr, or a bool that is its lowest bit. */
static void
read_y(struct pst_cbor_reader *r, struct parts *p)
{
	if (pst_cbor_peek(r) == PST_CBOR_SIMPLE)
		p->y_sign = pst_cbor_bool(r) ? 3 : 2;
	else
		p->y = pst_cbor_bstr(r, 1, PST_COORD_MAX);
}

static void
read_parts(struct pst_cbor_reader *r, struct parts *p)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, KEY_LABELS_MAX, &seen);

	for (; n > 0 && pst_cbor_ok(r); n--) {
		switch (pst_cbor_key(r, &seen)) {
		case KEY_KTY:
			p->kty = number_or_text(r);
			break;
		case KEY_KID:
			p->kid = pst_cbor_bstr(r, 0, SIZE_MAX);
			break;
		case KEY_ALG:
			p->alg = number_or_text(r);
			if (p->alg == 0)
				pst_cbor_fail(r, PST_ERR_COSE_KEY_FORMAT);
			break;
		case KEY_OPS:
			p->ops_fit = operations(r);
			break;
		case KEY_CRV:
			if (pst_cbor_peek(r) == PST_CBOR_BSTR)
				p->pub = pst_cbor_bstr(
				    r, PST_HSS_PUB_LEN, PST_HSS_PUB_LEN);
			else
				p->crv = number_or_text(r);
			break;
		case KEY_X:
			p->x = pst_cbor_bstr(r, 1, PST_COORD_MAX);
			break;
		case KEY_Y:
			read_y(r, p);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
}

static bool
fits_together(const struct parts *p)
{
	size_t len = pst_cose_coord_len((int32_t)p->crv);
	bool okp = p->crv == PST_CRV_ED25519;

	if (p->kty == PST_KTY_HSS_LMS)
		return p->ops_fit && p->x.len == 0 && p->y.len == 0 &&
		    p->y_sign == 0 && pst_hss_key_fits(p->pub);
	if (len == 0 || !p->ops_fit || p->x.len != len)
		return false;
	if (okp)
		return p->kty == PST_KTY_OKP && p->y.len == 0 && p->y_sign == 0;
	return p->kty == PST_KTY_EC2 && (p->y.len == len || p->y_sign != 0);
}

enum pst_err
pst_cose_key_decode(struct pst_bytes in, struct pst_pubkey *out,
    struct pst_bytes *kid, size_t *at)
{
	struct pst_cbor_reader r;
	struct parts p;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	memset(&p, 0, sizeof(p));
	p.ops_fit = true;
	pst_cbor_reader_init(&r, in);
	read_parts(&r, &p);
	if (pst_cbor_ok(&r) && !fits_together(&p))
		pst_cbor_fail(&r, PST_ERR_COSE_KEY_FORMAT);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	if (kid != NULL)
		*kid = err == PST_OK ? p.kid : (struct pst_bytes){ NULL, 0 };
	if (err != PST_OK)
		return err;
	if (p.kty == PST_KTY_HSS_LMS)
		p.x = p.pub;
	out->kty = (int32_t)p.kty;
	out->crv = (int32_t)p.crv;
	out->alg = (int32_t)p.alg;
	out->coord_len = (uint8_t)p.x.len;
	out->y_sign = p.y_sign;
	pst_copy(out->x, p.x);
	pst_copy(out->y, p.y);
	return PST_OK;
}

static void
put_y(struct pst_cbor_writer *w, const struct pst_pubkey *key)
{
	pst_cbor_put_int(w, KEY_Y);
	if (key->y_sign != 0)
		pst_cbor_put_bool(w, key->y_sign == 3);
	else
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ key->y, key->coord_len });
}

void
pst_cose_key_encode(struct pst_cbor_writer *w, const struct pst_pubkey *key,
    struct pst_bytes kid)
{
	bool ec2 = key->kty == PST_KTY_EC2;
	bool hss = key->kty == PST_KTY_HSS_LMS;
	size_t n = hss ? 2 : 3;

	n += ec2;
	n += kid.len > 0;
	n += key->alg != PST_ALG_NONE;
	pst_cbor_put_map(w, n);
	pst_cbor_put_int(w, KEY_KTY);
	pst_cbor_put_int(w, key->kty);
	if (kid.len > 0) {
		pst_cbor_put_int(w, KEY_KID);
		pst_cbor_put_bstr(w, kid);
	}
	if (key->alg != PST_ALG_NONE) {
		pst_cbor_put_int(w, KEY_ALG);
		pst_cbor_put_int(w, key->alg);
	}
	pst_cbor_put_int(w, KEY_CRV);
	if (!hss) {
		pst_cbor_put_int(w, key->crv);
		pst_cbor_put_int(w, KEY_X);
	}
	pst_cbor_put_bstr(w, (struct pst_bytes){ key->x, key->coord_len });
	if (ec2)
		put_y(w, key);
}

/* The longest thumbprint input: a P-521 key. */
#define THUMBPRINT_INPUT_MAX (1 + 2 + 2 + 2 * (1 + 2 + PST_COORD_MAX))

enum pst_err
pst_cose_thumbprint(const struct pst_crypto *crypto,
    const struct pst_pubkey *key, uint8_t out[PST_THUMBPRINT_LEN])
{
	uint8_t input[THUMBPRINT_INPUT_MAX];
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_pubkey plain = *key;
	struct pst_cbor_writer w;
	struct pst_bytes part;
	size_t len = 0;
	enum pst_err err;

	memset(out, 0, PST_THUMBPRINT_LEN);
	/* RFC 9679, Section 4.2: y is never compressed, and only the members
	 * that the key type requires count. */
	if (plain.y_sign != 0) {
		if (crypto->expand == NULL)
			return PST_ERR_UNSUPPORTED;
		err = crypto->expand(crypto->ctx, &plain);
		if (err != PST_OK)
			return err;
	}
	plain.alg = PST_ALG_NONE;
	pst_cbor_writer_init(&w, input, sizeof(input));
	pst_cose_key_encode(&w, &plain, (struct pst_bytes){ NULL, 0 });
	if (w.err != PST_OK)
		return PST_ERR_COSE_KEY_FORMAT;
	part = pst_cbor_written(&w);
	err =
	    crypto->digest(crypto->ctx, PST_ALG_SHA256, &part, 1, digest, &len);
	if (err != PST_OK)
		return err;
	memcpy(out, digest, PST_THUMBPRINT_LEN);
	return PST_OK;
}

/* The lowest bit of y, as a SEC 1 prefix. */
static uint8_t
sign_of(const struct pst_pubkey *k)
{
	if (k->y_sign != 0)
		return k->y_sign;
	return (uint8_t)(2 + (k->y[k->coord_len - 1] & 1));
}

bool
pst_pubkey_equal(const struct pst_pubkey *a, const struct pst_pubkey *b)
{
	size_t len = a->coord_len;

	if (a->kty != b->kty || a->crv != b->crv || len != b->coord_len ||
	    len == 0 || len > PST_COORD_MAX)
		return false;
	if (memcmp(a->x, b->x, len) != 0)
		return false;
	if (a->kty != PST_KTY_EC2)
		return true;
	/* One x has two points; the lowest bit of y tells them apart. */
	if (a->y_sign != 0 || b->y_sign != 0)
		return sign_of(a) == sign_of(b);
	return memcmp(a->y, b->y, len) == 0;
}
