/*
 * Signing, MACs and their verification (RFC 9052, Sections 4.4 and 6.3).
 *
 * What is signed is a CBOR array that begins with a context string and ends
 * with the payload. It is never built in memory: the port gets it in parts,
 * so a payload of any size needs no copy.
 */
#include "cose_internal.h"
#include "hsslms.h"

#include "../pst_internal.h"

static void
add_bstr(
    struct pst_cose_structure *s, struct pst_cbor_writer *w, struct pst_bytes v)
{
	size_t start = w->len;

	pst_cbor_put_head(w, PST_CBOR_BSTR, v.len);
	s->parts[s->count++] =
	    (struct pst_bytes){ s->heads + start, w->len - start };
	s->parts[s->count++] = v;
}

static struct pst_bytes
context_of(uint64_t kind)
{
	switch (kind) {
	case PST_TAG_SIGN:
		return PST_BYTES_LIT("Signature");
	case PST_TAG_MAC0:
		return PST_BYTES_LIT("MAC0");
	case PST_TAG_MAC:
		return PST_BYTES_LIT("MAC");
	case PST_TAG_ENCRYPT0:
		return PST_BYTES_LIT("Encrypt0");
	case PST_TAG_ENCRYPT:
		return PST_BYTES_LIT("Encrypt");
	default:
		return PST_BYTES_LIT("Signature1");
	}
}

void
pst_cose_structure_init(struct pst_cose_structure *s, uint64_t kind,
    struct pst_bytes body, struct pst_bytes signer, struct pst_bytes aad,
    struct pst_bytes payload)
{
	bool sign = kind == PST_TAG_SIGN;
	bool sealed = kind == PST_TAG_ENCRYPT0 || kind == PST_TAG_ENCRYPT;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, s->heads, sizeof(s->heads));
	pst_cbor_put_array(&w, sign ? 5 : sealed ? 3 : 4);
	pst_cbor_put_tstr(&w, context_of(kind));
	s->count = 0;
	add_bstr(s, &w, body);
	/* The first part is the context and the head that follows it. */
	s->parts[0] = (struct pst_bytes){ s->heads, w.len };
	if (sign)
		add_bstr(s, &w, signer);
	add_bstr(s, &w, aad);
	if (!sealed)
		add_bstr(s, &w, payload);
}

/* ESP256 is ES256 on P-256, Ed25519 is EdDSA on that curve (RFC 9864). */
static int32_t
same_as(int32_t alg)
{
	if (alg == PST_ALG_ESP256)
		return PST_ALG_ES256;
	if (alg == PST_ALG_ED25519)
		return PST_ALG_EDDSA;
	return alg;
}

bool
pst_alg_fits(const struct pst_pubkey *key, int32_t alg)
{
	if (key->alg != PST_ALG_NONE && same_as(key->alg) != same_as(alg))
		return false;
	switch (alg) {
	case PST_ALG_ESP256:
		return key->kty == PST_KTY_EC2 && key->crv == PST_CRV_P256;
	case PST_ALG_ES256:
	case PST_ALG_ES384:
	case PST_ALG_ES512:
		/* RFC 9053, Section 2.1: any hash with any of the curves */
		return key->kty == PST_KTY_EC2;
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
		return key->kty == PST_KTY_OKP && key->crv == PST_CRV_ED25519;
	case PST_ALG_HSS_LMS:
		return key->kty == PST_KTY_HSS_LMS;
	default:
		return false;
	}
}

/* One signature under verification. */
struct check {
	const struct pst_crypto *crypto;
	const struct pst_keys *keys;
	struct pst_cose_headers headers;
	struct pst_bytes signature;
	struct pst_cose_structure tbs;
	struct pst_verified *out;
};

static enum pst_err
check_signature(struct check *c, size_t attempt)
{
	struct pst_pubkey *key = &c->out->key;
	enum pst_err err;

	if (c->keys->find == NULL)
		return PST_ERR_NOT_FOUND;
	err = c->keys->find(
	    c->keys->ctx, &c->headers, attempt, key, &c->out->who);
	if (err != PST_OK)
		return err;
	if (!pst_alg_fits(key, c->headers.alg))
		return PST_ERR_COSE_ALG;
	/* RFC 8778: hashing is all that it takes, so no port has to know it. */
	if (c->headers.alg == PST_ALG_HSS_LMS)
		return pst_hss_verify(c->crypto,
		    (struct pst_bytes){ key->x, key->coord_len }, c->tbs.parts,
		    c->tbs.count, c->signature);
	return c->crypto->verify(c->crypto->ctx, key, c->headers.alg,
	    c->tbs.parts, c->tbs.count, c->signature);
}

/* A pitfall of the field: a MAC must never be checked with a signature's code
 * or the reverse, so keys of the two kinds come from different functions. Not
 * inlined: its tag would weigh on the stack below every signature. */
static __attribute__((noinline)) enum pst_err
check_mac(struct check *c, size_t attempt)
{
	uint8_t tag[PST_DIGEST_MAX];
	struct pst_bytes want = { tag, 0 };
	uint32_t key = 0;
	enum pst_err err;

	if (c->keys->find_secret == NULL)
		return PST_ERR_NOT_FOUND;
	err = c->keys->find_secret(
	    c->keys->ctx, &c->headers, attempt, &key, &c->out->who);
	if (err != PST_OK)
		return err;
	err = c->crypto->mac(c->crypto->ctx, key, c->headers.alg, c->tbs.parts,
	    c->tbs.count, tag, &want.len);
	if (err == PST_OK && !pst_equal(want, c->signature))
		err = PST_ERR_COSE_SIGNATURE;
	pst_wipe(tag, sizeof(tag));
	return err;
}

static enum pst_err
acceptable(const struct check *c)
{
	if (c->headers.unknown_critical)
		return PST_ERR_COSE_CRIT;
	if (c->headers.alg == PST_ALG_NONE)
		return PST_ERR_COSE_ALG;
	/* RFC 9052, Section 3.1: alg MUST be protected where that is possible;
	 * here it always is, unless the key source asks for less. */
	if (!c->headers.alg_protected && !c->keys->alg_unprotected)
		return PST_ERR_COSE_ALG;
	if (c->headers.alg == PST_ALG_HSS_LMS)
		return c->crypto->supports(c->crypto->ctx, PST_ALG_SHA256)
		    ? PST_OK
		    : PST_ERR_COSE_ALG;
	if (!c->crypto->supports(c->crypto->ctx, c->headers.alg))
		return PST_ERR_COSE_ALG;
	return PST_OK;
}

/* Which of two refusals says more: a port that failed, then a signature that
 * is wrong, then a key that was refused for a reason, then the rest. */
static int
rank(enum pst_err err)
{
	switch (err) {
	case PST_ERR_CRYPTO:
		return 5;
	case PST_ERR_COSE_SIGNATURE:
	case PST_ERR_COSE_DECRYPT:
		return 4;
	case PST_ERR_NOT_FOUND:
		return 0;
	case PST_ERR_COSE_KEY:
		return 1;
	case PST_ERR_COSE_ALG:
	case PST_ERR_COSE_CRIT:
		return 2;
	default:
		return 3;
	}
}

enum pst_err
pst_cose_worst(enum pst_err a, enum pst_err b)
{
	return rank(b) > rank(a) ? b : a;
}

static enum pst_err
try_keys(struct check *c, bool mac)
{
	enum pst_err err = acceptable(c);
	enum pst_err said = PST_ERR_COSE_KEY;
	size_t i;

	if (err != PST_OK)
		return err;
	for (i = 0; i < PST_COSE_ATTEMPTS_MAX; i++) {
		err = mac ? check_mac(c, i) : check_signature(c, i);
		if (err == PST_OK)
			return PST_OK;
		if (err == PST_ERR_NOT_FOUND)
			break;
		said = pst_cose_worst(said, err);
	}
	return said;
}

static enum pst_err
verify_one(const struct pst_cose_message *msg, size_t index,
    struct pst_bytes payload, struct pst_bytes aad, struct check *c)
{
	if (!pst_cose_signature(msg, index, &c->headers, &c->signature))
		return PST_ERR_NOT_FOUND;
	pst_cose_structure_init(&c->tbs, msg->kind, msg->protected,
	    c->headers.protected, aad, payload);
	return try_keys(c, msg->kind == PST_TAG_MAC0);
}

/* crit in the body of a COSE_Sign concerns every signature. The headers are
 * read into memory that is used for the signature's afterwards. */
static enum pst_err
body_acceptable(
    const struct pst_cose_message *msg, struct pst_cose_headers *body)
{
	enum pst_err err =
	    pst_cose_headers_read(msg->protected, msg->unprotected, body);

	if (err == PST_OK && body->unknown_critical)
		err = PST_ERR_COSE_CRIT;
	return err;
}

enum pst_err
pst_cose_verify_at(const struct pst_cose_message *msg, size_t index,
    struct pst_bytes payload, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_bytes aad, struct pst_verified *out)
{
	struct check c;
	enum pst_err err = PST_OK;

	memset(out, 0, sizeof(*out));
	c.crypto = crypto;
	c.keys = keys;
	c.out = out;
	if (msg->kind == PST_TAG_SIGN)
		err = body_acceptable(msg, &c.headers);
	if (err == PST_OK)
		err = verify_one(msg, index, payload, aad, &c);
	if (err != PST_OK) {
		memset(out, 0, sizeof(*out));
		return err;
	}
	if (msg->kind == PST_TAG_MAC0)
		memset(&out->key, 0, sizeof(out->key));
	out->payload = payload;
	out->alg = c.headers.alg;
	return PST_OK;
}

static enum pst_err
verify(const struct pst_cose_message *msg, struct pst_bytes payload,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_bytes aad, struct pst_verified *out)
{
	enum pst_err said = PST_ERR_COSE_KEY;
	enum pst_err err;
	size_t i;

	for (i = 0; i < PST_COSE_SIGNERS_MAX; i++) {
		err =
		    pst_cose_verify_at(msg, i, payload, crypto, keys, aad, out);
		if (err == PST_OK)
			return PST_OK;
		if (err == PST_ERR_NOT_FOUND)
			break;
		said = pst_cose_worst(said, err);
	}
	return said;
}

enum pst_err
pst_cose_verify(const struct pst_cose_message *msg,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_bytes aad, struct pst_verified *out)
{
	memset(out, 0, sizeof(*out));
	if (msg->detached)
		return PST_ERR_COSE_STRUCTURE;
	return verify(msg, msg->payload, crypto, keys, aad, out);
}

enum pst_err
pst_cose_verify_detached(const struct pst_cose_message *msg,
    struct pst_bytes payload, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_bytes aad, struct pst_verified *out)
{
	memset(out, 0, sizeof(*out));
	if (!msg->detached)
		return PST_ERR_COSE_STRUCTURE;
	return verify(msg, payload, crypto, keys, aad, out);
}

struct pst_verified
pst_verified_by_caller(struct pst_bytes payload)
{
	struct pst_verified out;

	memset(&out, 0, sizeof(out));
	out.payload = payload;
	return out;
}

/* --- writing ----------------------------------------------------------- */

/* {1: alg}, at most 1 + 1 + 5 bytes; views buf. */
static struct pst_bytes
protected_alg(uint8_t buf[8], int32_t alg)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, 8);
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, PST_COSE_ALG);
	pst_cbor_put_int(&w, alg);
	return pst_cbor_written(&w);
}

static void
put_unprotected(struct pst_cbor_writer *w, const struct pst_signer *signer,
    struct pst_bytes x5chain)
{
	size_t n = 0;

	n += signer->kid_len > 0;
	n += x5chain.len > 0;
	pst_cbor_put_map(w, n);
	if (signer->kid_len > 0) {
		pst_cbor_put_uint(w, PST_COSE_KID);
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ signer->kid, signer->kid_len });
	}
	if (x5chain.len > 0) {
		pst_cbor_put_uint(w, PST_COSE_X5CHAIN);
		pst_cbor_put_raw(w, x5chain);
	}
}

static void
put_payload(struct pst_cbor_writer *w, const struct pst_cose_sign_args *args)
{
	if (args->detached)
		pst_cbor_put_null(w);
	else
		pst_cbor_put_bstr(w, args->payload);
}

static void
writer_fail(struct pst_cbor_writer *w, enum pst_err err)
{
	if (w->err == PST_OK)
		w->err = err;
}

/* The longest result of alg, for a writer that only counts: a P-521 key may
 * stand behind any of the three. */
static size_t
result_max(int32_t alg)
{
	switch (alg) {
	case PST_ALG_ESP256:
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
		return 64;
	case PST_ALG_HMAC_256:
		return 32;
	default:
		return PST_SIGNATURE_MAX;
	}
}

/* Sign or MAC, and write the result. A writer that only counts costs no
 * operation of the key and counts the longest result. */
static void
put_result(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_signer *signer, bool mac,
    const struct pst_cose_structure *tbs)
{
	uint8_t out[PST_SIGNATURE_MAX];
	size_t len = 0;
	enum pst_err err;

	memset(out, 0, sizeof(out));
	if (w->buf == NULL) {
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ out, result_max(signer->alg) });
		return;
	}
	if (w->err != PST_OK)
		return;
	err = (mac ? crypto->mac : crypto->sign)(crypto->ctx, signer->key,
	    signer->alg, tbs->parts, tbs->count, out, &len);
	if (err != PST_OK)
		writer_fail(w, err);
	else
		pst_cbor_put_bstr(w, (struct pst_bytes){ out, len });
}

static bool
kids_fit(const struct pst_cose_sign_args *args)
{
	size_t i;

	for (i = 0; i < args->count; i++) {
		if (args->signers[i].kid_len > PST_KID_MAX)
			return false;
	}
	return true;
}

enum pst_err
pst_cose_tbs(struct pst_cbor_writer *w, uint64_t kind,
    const struct pst_cose_sign_args *args)
{
	static const struct pst_bytes none = { NULL, 0 };
	uint8_t header[8];
	struct pst_cose_structure tbs;
	size_t i;

	if (args->count != 1 ||
	    (kind != PST_TAG_SIGN1 && kind != PST_TAG_MAC0)) {
		writer_fail(w, PST_ERR_ARG);
		return w->err;
	}
	pst_cose_structure_init(&tbs, kind,
	    protected_alg(header, args->signers[0].alg), none, args->aad,
	    args->payload);
	for (i = 0; i < tbs.count; i++)
		pst_cbor_put_raw(w, tbs.parts[i]);
	return w->err;
}

static enum pst_err
write_single(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args, uint64_t tag)
{
	static const struct pst_bytes none = { NULL, 0 };
	uint8_t header[8];
	struct pst_bytes protected;
	struct pst_cose_structure tbs;

	if (args->count != 1 || !kids_fit(args)) {
		writer_fail(w, PST_ERR_ARG);
		return w->err;
	}
	protected = protected_alg(header, args->signers[0].alg);
	pst_cose_structure_init(
	    &tbs, tag, protected, none, args->aad, args->payload);
	if (!args->untagged)
		pst_cbor_put_tag(w, tag);
	pst_cbor_put_array(w, 4);
	pst_cbor_put_bstr(w, protected);
	put_unprotected(w, args->signers, args->x5chain);
	put_payload(w, args);
	if (args->made.ptr != NULL)
		pst_cbor_put_bstr(w, args->made);
	else
		put_result(w, crypto, args->signers, tag == PST_TAG_MAC0, &tbs);
	return w->err;
}

enum pst_err
pst_cose_sign1(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args)
{
	return write_single(w, crypto, args, PST_TAG_SIGN1);
}

enum pst_err
pst_cose_mac0(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args)
{
	return write_single(w, crypto, args, PST_TAG_MAC0);
}

static void
put_signature(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args, const struct pst_signer *signer)
{
	static const struct pst_bytes none = { NULL, 0 };
	uint8_t header[8];
	struct pst_bytes protected = protected_alg(header, signer->alg);
	struct pst_cose_structure tbs;

	pst_cose_structure_init(
	    &tbs, PST_TAG_SIGN, none, protected, args->aad, args->payload);
	pst_cbor_put_array(w, 3);
	pst_cbor_put_bstr(w, protected);
	put_unprotected(w, signer, args->x5chain);
	put_result(w, crypto, signer, false, &tbs);
}

enum pst_err
pst_cose_sign(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sign_args *args)
{
	static const struct pst_bytes none = { NULL, 0 };
	size_t i;

	if (args->count < 1 || args->count > PST_COSE_SIGNERS_MAX ||
	    args->made.ptr != NULL || !kids_fit(args)) {
		writer_fail(w, PST_ERR_ARG);
		return w->err;
	}
	if (!args->untagged)
		pst_cbor_put_tag(w, PST_TAG_SIGN);
	pst_cbor_put_array(w, 4);
	/* All headers are the signers' own: the body's buckets are empty. */
	pst_cbor_put_bstr(w, none);
	pst_cbor_put_map(w, 0);
	put_payload(w, args);
	pst_cbor_put_array(w, args->count);
	for (i = 0; i < args->count; i++)
		put_signature(w, crypto, args, &args->signers[i]);
	return w->err;
}
