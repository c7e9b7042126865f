/*
 * From a recipient to the content key (RFC 9053, Section 6): direct, AES key
 * wrap, and ECDH with HKDF, with or without a key wrap behind it.
 */
#include "sealed.h"

#include "../pst_internal.h"

enum {
	HEADER_EPHEMERAL = -1,
	HEADER_STATIC = -2,
	HEADER_STATIC_KID = -3,
	HEADER_SALT = -20,
	HEADER_PARTY_U = -21,
	HEADER_PARTY_V = -24
};

/* COSE_KDF_Context. The longest of the protocols here has 60 bytes; identities
 * and nonces of other senders need more. */
#define KDF_CONTEXT_MAX 320

/* How a recipient's algorithm comes to a key. */
struct method {
	int32_t alg;
	int32_t wrap;	/* the key wrap behind the KDF; 0: none */
	int32_t hash;	/* of HKDF; 0: no key agreement */
	bool is_static; /* the sender's key is static */
};

static const struct method methods[] = {
	{ PST_ALG_DIRECT, 0, 0, false },
	{ PST_ALG_A128KW, PST_ALG_A128KW, 0, false },
	{ PST_ALG_A192KW, PST_ALG_A192KW, 0, false },
	{ PST_ALG_A256KW, PST_ALG_A256KW, 0, false },
	{ PST_ALG_ECDH_ES_HKDF_256, 0, PST_ALG_SHA256, false },
	{ PST_ALG_ECDH_ES_HKDF_512, 0, PST_ALG_SHA512, false },
	{ PST_ALG_ECDH_SS_HKDF_256, 0, PST_ALG_SHA256, true },
	{ PST_ALG_ECDH_SS_HKDF_512, 0, PST_ALG_SHA512, true },
	{ PST_ALG_ECDH_ES_A128KW, PST_ALG_A128KW, PST_ALG_SHA256, false },
	{ PST_ALG_ECDH_ES_A192KW, PST_ALG_A192KW, PST_ALG_SHA256, false },
	{ PST_ALG_ECDH_ES_A256KW, PST_ALG_A256KW, PST_ALG_SHA256, false },
	{ PST_ALG_ECDH_SS_A128KW, PST_ALG_A128KW, PST_ALG_SHA256, true },
	{ PST_ALG_ECDH_SS_A192KW, PST_ALG_A192KW, PST_ALG_SHA256, true },
	{ PST_ALG_ECDH_SS_A256KW, PST_ALG_A256KW, PST_ALG_SHA256, true },
};

static const struct method *
method_of(int32_t alg)
{
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].alg == alg)
			return &methods[i];
	}
	return NULL;
}

size_t
pst_cose_key_len(int32_t alg)
{
	switch (alg) {
	case PST_ALG_A128KW:
	case PST_ALG_A128GCM:
	case PST_ALG_A128CTR:
		return 16;
	case PST_ALG_A192KW:
	case PST_ALG_A192GCM:
	case PST_ALG_A192CTR:
		return 24;
	case PST_ALG_A256KW:
	case PST_ALG_A256GCM:
	case PST_ALG_A256CTR:
	case PST_ALG_CHACHA_POLY:
	case PST_ALG_HMAC_256_64:
	case PST_ALG_HMAC_256:
		return 32;
	case PST_ALG_HMAC_384:
		return 48;
	case PST_ALG_HMAC_512:
		return 64;
	default:
		return 0;
	}
}

/* One recipient under work. */
struct layer {
	const struct pst_crypto *crypto;
	const struct pst_cose_open_args *args;
	const struct method *method;
	struct pst_cose_headers headers;
	struct pst_bytes unprotected;
	struct pst_bytes wrapped;
	int32_t alg; /* of the content */
};

static struct pst_bytes
header(const struct layer *l, int64_t label)
{
	return pst_cose_header(l->headers.protected, l->unprotected, label);
}

/* PartyInfo: identity, nonce, other, each from its header or nil. */
static void
put_party(struct pst_cbor_writer *w, const struct layer *l, int64_t first)
{
	struct pst_bytes v;
	int64_t i;

	pst_cbor_put_array(w, 3);
	for (i = 0; i < 3; i++) {
		v = header(l, first - i);
		if (v.len > 0)
			pst_cbor_put_raw(w, v);
		else
			pst_cbor_put_null(w);
	}
}

/* COSE_KDF_Context (RFC 9053, Section 5.2) for a key of alg. */
static void
put_context(struct pst_cbor_writer *w, const struct layer *l, int32_t alg)
{
	bool other = l->args->kdf_other.ptr != NULL;

	pst_cbor_put_array(w, 4);
	pst_cbor_put_int(w, alg);
	put_party(w, l, HEADER_PARTY_U);
	put_party(w, l, HEADER_PARTY_V);
	pst_cbor_put_array(w, other ? 3 : 2);
	pst_cbor_put_uint(w, 8 * pst_cose_key_len(alg));
	pst_cbor_put_bstr(w, l->headers.protected);
	if (other)
		pst_cbor_put_bstr(w, l->args->kdf_other);
}

int32_t
pst_cose_es_wrap(int32_t alg)
{
	const struct method *m = method_of(alg);

	return m != NULL && m->hash != 0 && !m->is_static ? m->wrap : 0;
}

void
pst_cose_plain_context(struct pst_cbor_writer *w, int32_t alg,
    struct pst_bytes protected, struct pst_bytes other)
{
	struct pst_cose_open_args args = { .kdf_other = other };
	struct layer l;

	memset(&l, 0, sizeof(l));
	l.args = &args;
	l.headers.protected = protected;
	l.unprotected = PST_BYTES_LIT("\xa0");
	put_context(w, &l, alg);
}

static enum pst_err
read_bstr(struct pst_bytes item, struct pst_bytes *out)
{
	struct pst_cbor_reader r;

	*out = (struct pst_bytes){ NULL, 0 };
	if (item.len == 0)
		return PST_OK;
	pst_cbor_reader_init(&r, item);
	*out = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return pst_cbor_end(&r);
}

/* The sender's public key: in the message, or known here by its kid. */
static __attribute__((noinline)) enum pst_err
peer_key(const struct layer *l, struct pst_pubkey *out)
{
	bool fixed = l->method->is_static;
	const struct pst_keys *keys = l->args->keys;
	struct pst_cose_headers asked;
	struct pst_bytes v;
	uint32_t who;

	v = header(l, fixed ? HEADER_STATIC : HEADER_EPHEMERAL);
	if (v.len > 0)
		return pst_cose_key_decode(v, out, NULL, NULL);
	v = header(l, HEADER_STATIC_KID);
	if (!fixed || v.len == 0 || keys->find == NULL)
		return PST_ERR_COSE_STRUCTURE;
	asked = l->headers;
	if (read_bstr(v, &asked.kid) != PST_OK)
		return PST_ERR_COSE_STRUCTURE;
	return keys->find(keys->ctx, &asked, 0, out, &who) == PST_OK
	    ? PST_OK
	    : PST_ERR_COSE_KEY;
}

static enum pst_err
agree(const struct layer *l, uint32_t key, uint8_t *secret, size_t *len)
{
	struct pst_pubkey peer;
	enum pst_err err;

	memset(&peer, 0, sizeof(peer));
	err = peer_key(l, &peer);
	if (err == PST_OK && peer.kty != PST_KTY_EC2)
		err = PST_ERR_COSE_ALG;
	if (err != PST_OK)
		return err;
	return l->crypto->ecdh(l->crypto->ctx, key, &peer, secret, len);
}

/* ECDH, then HKDF to a key for alg. */
static __attribute__((noinline)) enum pst_err
derive(const struct layer *l, uint32_t key, int32_t alg, uint8_t *out)
{
	uint8_t context[KDF_CONTEXT_MAX];
	uint8_t secret[PST_COORD_MAX];
	struct pst_secret ikm = { 0, { secret, 0 } };
	struct pst_cbor_writer w;
	struct pst_bytes salt;
	enum pst_err err;

	pst_cbor_writer_init(&w, context, sizeof(context));
	put_context(&w, l, alg);
	if (w.err != PST_OK)
		return PST_ERR_LIMIT;
	if (read_bstr(header(l, HEADER_SALT), &salt) != PST_OK)
		return PST_ERR_COSE_STRUCTURE;
	err = agree(l, key, secret, &ikm.bytes.len);
	if (err == PST_OK)
		err = l->crypto->hkdf(l->crypto->ctx, l->method->hash, ikm,
		    salt, pst_cbor_written(&w), out, pst_cose_key_len(alg));
	pst_wipe(secret, sizeof(secret));
	return err;
}

static enum pst_err
unwrap(
    const struct layer *l, struct pst_secret kek, struct pst_content_key *out)
{
	size_t want = pst_cose_key_len(l->alg);
	size_t len = 0;
	enum pst_err err;

	err = l->crypto->unwrap(
	    l->crypto->ctx, kek, l->method->wrap, l->wrapped, out->bytes, &len);
	if (err == PST_OK && len != want)
		err = PST_ERR_COSE_DECRYPT;
	out->secret = (struct pst_secret){ 0, { out->bytes, len } };
	return err;
}

static enum pst_err
key_from(const struct layer *l, uint32_t key, struct pst_content_key *out)
{
	uint8_t kek[32];
	struct pst_secret derived = { 0, { kek, 0 } };
	struct pst_secret own = { key, { NULL, 0 } };
	const struct method *m = l->method;
	enum pst_err err;

	if (m->hash == 0 && m->wrap == 0) {
		out->secret = own;
		return PST_OK;
	}
	if (m->hash == 0)
		return unwrap(l, own, out);
	if (m->wrap == 0) {
		err = derive(l, key, l->alg, out->bytes);
		out->secret = (struct pst_secret){ 0,
			{ out->bytes, pst_cose_key_len(l->alg) } };
		return err;
	}
	err = derive(l, key, m->wrap, kek);
	derived.bytes.len = pst_cose_key_len(m->wrap);
	if (err == PST_OK)
		err = unwrap(l, derived, out);
	pst_wipe(kek, sizeof(kek));
	return err;
}

/* RFC 9052, Section 8.5, and RFC 9053, Section 6: where the algorithm stands,
 * and that a method which authenticates nothing protects nothing. */
static enum pst_err
acceptable(const struct pst_cose_sealed *msg, struct layer *l)
{
	bool agreement;

	l->method = method_of(l->headers.alg);
	if (l->headers.unknown_critical)
		return PST_ERR_COSE_CRIT;
	if (l->method == NULL ||
	    !l->crypto->supports(l->crypto->ctx, l->headers.alg))
		return PST_ERR_COSE_ALG;
	agreement = l->method->hash != 0;
	if (agreement && !l->headers.alg_protected &&
	    !l->args->keys->alg_unprotected)
		return PST_ERR_COSE_ALG;
	if (!agreement && l->headers.protected.len > 0)
		return PST_ERR_COSE_STRUCTURE;
	if (l->args->wrapped && l->method->wrap == 0)
		return PST_ERR_COSE_ALG;
	/* A key without a wrap is the only recipient's, and carries nothing. */
	if (l->method->wrap == 0 &&
	    (l->wrapped.len > 0 || msg->recipients.count != 1))
		return PST_ERR_COSE_STRUCTURE;
	return PST_OK;
}

static enum pst_err
read_layer(const struct pst_cose_sealed *msg, size_t index, struct layer *l)
{
	static const struct method own_key = { PST_ALG_DIRECT, 0, 0, false };

	l->wrapped = (struct pst_bytes){ NULL, 0 };
	if (msg->kind == PST_TAG_ENCRYPT0) {
		l->method = &own_key;
		l->unprotected = msg->unprotected;
		if (index > 0)
			return PST_ERR_NOT_FOUND;
		return pst_cose_headers_read(
		    msg->protected, msg->unprotected, &l->headers);
	}
	if (!pst_cose_recipient(
		msg, index, &l->headers, &l->unprotected, &l->wrapped))
		return PST_ERR_NOT_FOUND;
	return acceptable(msg, l);
}

/* Candidates are attempts at recipients, in that order. */
static enum pst_err
candidate(const struct pst_cose_sealed *msg, struct layer *l, size_t *next,
    struct pst_content_key *out)
{
	const struct pst_keys *keys = l->args->keys;
	size_t index = *next / PST_COSE_ATTEMPTS_MAX;
	uint32_t key = 0;
	enum pst_err err = read_layer(msg, index, l);

	if (err == PST_ERR_NOT_FOUND)
		return err;
	if (err == PST_OK && l->args->one_recipient &&
	    index != l->args->recipient)
		err = PST_ERR_COSE_KEY;
	if (err == PST_OK && keys->find_secret == NULL)
		err = PST_ERR_COSE_KEY;
	if (err == PST_OK &&
	    keys->find_secret(keys->ctx, &l->headers,
		*next % PST_COSE_ATTEMPTS_MAX, &key, &out->who) != PST_OK)
		err = PST_ERR_COSE_KEY;
	if (err != PST_OK) {
		*next = (index + 1) * PST_COSE_ATTEMPTS_MAX;
		return err;
	}
	(*next)++;
	return key_from(l, key, out);
}

enum pst_err
pst_cose_content_key(const struct pst_cose_sealed *msg, int32_t alg,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    size_t *next, struct pst_content_key *out)
{
	enum pst_err said = PST_ERR_COSE_KEY;
	struct layer l;
	enum pst_err err;

	memset(&l, 0, sizeof(l));
	memset(out, 0, sizeof(*out));
	if (crypto->cipher_begin == NULL)
		return PST_ERR_UNSUPPORTED;
	if (pst_cose_key_len(alg) == 0)
		return PST_ERR_COSE_ALG;
	l.crypto = crypto;
	l.args = args;
	l.alg = alg;
	for (;;) {
		err = candidate(msg, &l, next, out);
		if (err == PST_OK)
			return PST_OK;
		pst_wipe(out, sizeof(*out));
		if (err == PST_ERR_NOT_FOUND)
			return said;
		said = pst_cose_worst(said, err);
	}
}
