/*
 * COSE_Key files with private and symmetric keys. The public part is read by
 * the core; here are the members that the core passes over.
 */
#include <string.h>

#include "internal.h"

enum {
	KEY_KTY = 1,
	KEY_KID = 2,
	KEY_ALG = 3,
	KEY_CRV = -1,
	KEY_X = -2,
	KEY_Y = -3,
	KEY_D = -4,
	KEY_K = -1 /* of a symmetric key */
};

enum { LABELS_MAX = 16 };

/* Members as encoded items, since -1 means two things. */
struct members {
	int64_t kty, alg;
	struct pst_bytes kid, first, d;
};

static int64_t
number(struct pst_cbor_reader *r)
{
	if (pst_cbor_peek(r) == PST_CBOR_TSTR) {
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		return 0;
	}
	return pst_cbor_int(r, INT32_MIN, INT32_MAX);
}

static enum pst_err
read_members(struct pst_bytes in, struct members *m)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	memset(m, 0, sizeof(*m));
	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, LABELS_MAX, &seen);
	for (; n > 0 && pst_cbor_ok(&r); n--) {
		switch (pst_cbor_key(&r, &seen)) {
		case KEY_KTY:
			m->kty = number(&r);
			break;
		case KEY_KID:
			m->kid = pst_cbor_bstr(&r, 0, PST_KID_MAX);
			break;
		case KEY_ALG:
			m->alg = number(&r);
			break;
		case KEY_K:
			m->first = pst_cbor_item(&r);
			break;
		case KEY_D:
			m->d = pst_cbor_bstr(&r, 1, PST_COORD_MAX);
			break;
		default:
			pst_cbor_skip(&r);
		}
	}
	return pst_cbor_end(&r);
}

static enum pst_err
symmetric(const struct members *m, struct pst_key *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes k;

	pst_cbor_reader_init(&r, m->first);
	k = pst_cbor_bstr(&r, 1, PST_SECRET_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		return PST_ERR_COSE_KEY_FORMAT;
	out->pub.kty = PST_KTY_SYMMETRIC;
	out->pub.alg = (int32_t)m->alg;
	memcpy(out->secret, k.ptr, k.len);
	out->secret_len = k.len;
	return PST_OK;
}

static enum pst_err
asymmetric(struct pst_bytes in, const struct members *m, struct pst_key *out)
{
	enum pst_err err = pst_cose_key_decode(in, &out->pub, NULL, NULL);

	if (err != PST_OK)
		return err;
	/* RFC 9053, Section 7.1.1: d has the length of the order. */
	if (m->d.len != 0 && m->d.len != out->pub.coord_len)
		return PST_ERR_COSE_KEY_FORMAT;
	if (m->d.len > 0)
		memcpy(out->secret, m->d.ptr, m->d.len);
	out->secret_len = m->d.len;
	return PST_OK;
}

enum pst_err
pst_key_from_cose(struct pst_bytes in, struct pst_key *out, const char **why)
{
	struct members m;
	enum pst_err err = read_members(in, &m);

	if (err != PST_OK) {
		*why = "CBOR, but not a well-formed COSE_Key";
		return PST_ERR_COSE_KEY_FORMAT;
	}
	*why = "the COSE_Key lacks a member, or one does not fit";
	if (m.kty == PST_KTY_SYMMETRIC) {
		err = symmetric(&m, out);
	} else if (m.kty == PST_KTY_EC2 || m.kty == PST_KTY_OKP ||
	    (m.kty == PST_KTY_HSS_LMS && m.d.len == 0)) {
		err = asymmetric(in, &m, out);
	} else {
		*why = "a COSE_Key of a type that is not supported";
		err = PST_ERR_UNSUPPORTED;
	}
	if (err != PST_OK)
		return err;
	if (m.kid.len > 0)
		memcpy(out->kid, m.kid.ptr, m.kid.len);
	out->kid_len = m.kid.len;
	return PST_OK;
}

static void
put_common(struct pst_cbor_writer *w, const struct pst_key *key, size_t own)
{
	size_t n = own + 1;

	n += key->kid_len > 0;
	n += key->pub.alg != PST_ALG_NONE;
	pst_cbor_put_map(w, n);
	pst_cbor_put_int(w, KEY_KTY);
	pst_cbor_put_int(w, key->pub.kty);
	if (key->kid_len > 0) {
		pst_cbor_put_int(w, KEY_KID);
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ key->kid, key->kid_len });
	}
	if (key->pub.alg != PST_ALG_NONE) {
		pst_cbor_put_int(w, KEY_ALG);
		pst_cbor_put_int(w, key->pub.alg);
	}
}

static void
put_private(struct pst_cbor_writer *w, const struct pst_key *key)
{
	const struct pst_pubkey *pub = &key->pub;
	bool ec2 = pub->kty == PST_KTY_EC2;

	put_common(w, key, ec2 ? 4 : 3);
	pst_cbor_put_int(w, KEY_CRV);
	pst_cbor_put_int(w, pub->crv);
	pst_cbor_put_int(w, KEY_X);
	pst_cbor_put_bstr(w, (struct pst_bytes){ pub->x, pub->coord_len });
	if (ec2) {
		pst_cbor_put_int(w, KEY_Y);
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ pub->y, pub->coord_len });
	}
	pst_cbor_put_int(w, KEY_D);
	pst_cbor_put_bstr(
	    w, (struct pst_bytes){ key->secret, key->secret_len });
}

enum pst_err
pst_key_to_cose(const struct pst_key *key, bool secret, uint8_t *out,
    size_t cap, size_t *len)
{
	struct pst_bytes kid = { key->kid, key->kid_len };
	struct pst_key plain = *key;
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_cbor_writer_init(&w, out, cap);
	err = pst_port_expand(NULL, &plain.pub);
	if (key->pub.kty == PST_KTY_SYMMETRIC) {
		put_common(&w, key, 1);
		pst_cbor_put_int(&w, KEY_K);
		pst_cbor_put_bstr(
		    &w, (struct pst_bytes){ key->secret, key->secret_len });
	} else if (secret) {
		put_private(&w, &plain);
	} else {
		pst_cose_key_encode(&w, &plain.pub, kid);
	}
	pst_key_wipe(&plain);
	if (err == PST_OK)
		err = w.err;
	*len = err == PST_OK ? w.len : 0;
	return err;
}
