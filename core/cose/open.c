/*
 * Decryption and MACs under content keys (RFC 9052, Sections 5.3 and 6.3).
 */
#include "sealed.h"

#include "../pst_internal.h"

enum { IV_MAX = 16 };

bool
pst_cose_is_ctr(int32_t alg)
{
	return alg == PST_ALG_A128CTR || alg == PST_ALG_A192CTR ||
	    alg == PST_ALG_A256CTR;
}

bool
pst_cose_is_aead(int32_t alg)
{
	return alg == PST_ALG_A128GCM || alg == PST_ALG_A192GCM ||
	    alg == PST_ALG_A256GCM || alg == PST_ALG_CHACHA_POLY;
}

/* Headers of the content. RFC 9459, Section 4: AES-CTR authenticates nothing,
 * so its protected bucket is empty; elsewhere alg is protected. */
static enum pst_err
content_headers(const struct pst_cose_sealed *msg,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_cose_headers *h)
{
	enum pst_err err =
	    pst_cose_headers_read(msg->protected, msg->unprotected, h);

	if (err != PST_OK)
		return err;
	if (h->unknown_critical)
		return PST_ERR_COSE_CRIT;
	if (h->alg == PST_ALG_NONE || !crypto->supports(crypto->ctx, h->alg))
		return PST_ERR_COSE_ALG;
	if (pst_cose_is_ctr(h->alg))
		return msg->protected.len == 0 ? PST_OK
					       : PST_ERR_COSE_STRUCTURE;
	if (!h->alg_protected && !keys->alg_unprotected)
		return PST_ERR_COSE_ALG;
	return PST_OK;
}

static enum pst_err
read_iv(const struct pst_cose_sealed *msg, struct pst_bytes *out)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(
	    &r, pst_cose_header(msg->protected, msg->unprotected, PST_COSE_IV));
	*out = pst_cbor_bstr(&r, 1, IV_MAX);
	/* A partial IV needs a context that no protocol here has. */
	return pst_cbor_end(&r) == PST_OK ? PST_OK : PST_ERR_COSE_STRUCTURE;
}

static enum pst_err
start(struct pst_cose_opening *o, const struct pst_cose_sealed *msg,
    struct pst_bytes aad, struct pst_secret key)
{
	static const struct pst_bytes none = { NULL, 0 };
	struct pst_cose_structure s;
	struct pst_bytes iv;
	enum pst_err err = read_iv(msg, &iv);

	if (err != PST_OK)
		return err;
	pst_cose_structure_init(&s, msg->kind, msg->protected, none, aad, none);
	if (pst_cose_is_ctr(o->alg))
		s.count = 0;
	err = o->crypto->cipher_begin(o->crypto->ctx, o->alg, false, key, iv,
	    s.parts, s.count, &o->handle);
	o->running = err == PST_OK;
	return err;
}

enum pst_err
pst_cose_open_begin(struct pst_cose_opening *o,
    const struct pst_cose_sealed *msg, const struct pst_crypto *crypto,
    const struct pst_cose_open_args *args, size_t *next)
{
	struct pst_content_key key;
	struct pst_cose_headers h;
	enum pst_err err;

	memset(o, 0, sizeof(*o));
	if (crypto->cipher_begin == NULL)
		return PST_ERR_UNSUPPORTED;
	if (msg->kind == PST_TAG_MAC)
		return PST_ERR_COSE_STRUCTURE;
	err = content_headers(msg, crypto, args->keys, &h);
	if (err != PST_OK)
		return err;
	if (!pst_cose_is_aead(h.alg) &&
	    !(pst_cose_is_ctr(h.alg) && args->unauthenticated))
		return PST_ERR_COSE_ALG;
	err = pst_cose_content_key(msg, h.alg, crypto, args, next, &key);
	if (err != PST_OK)
		return err;
	o->crypto = crypto;
	o->alg = h.alg;
	o->who = key.who;
	o->tag_len = pst_cose_is_ctr(h.alg) ? 0 : PST_AEAD_TAG_LEN;
	err = start(o, msg, args->aad, key.secret);
	pst_wipe(&key, sizeof(key));
	return err;
}

void
pst_cose_open_abort(struct pst_cose_opening *o)
{
	if (o->running)
		(void)o->crypto->cipher_end(o->crypto->ctx, o->handle, NULL);
	memset(o, 0, sizeof(*o));
}

/* Decrypt n bytes of what is held, and keep the rest at the front. */
static enum pst_err
release(struct pst_cose_opening *o, size_t n, uint8_t *out)
{
	enum pst_err err = o->crypto->cipher_update(
	    o->crypto->ctx, o->handle, (struct pst_bytes){ o->last, n }, out);

	memmove(o->last, o->last + n, o->held - n);
	o->held = (uint8_t)(o->held - n);
	return err;
}

/* Of all that has come, the last tag_len bytes stay held: how many of those
 * held so far go when a chunk of n bytes comes. */
static size_t
released(const struct pst_cose_opening *o, size_t n)
{
	size_t keep = n < o->tag_len ? n : o->tag_len;

	return o->held + keep > o->tag_len ? o->held + keep - o->tag_len : 0;
}

enum pst_err
pst_cose_open_update(
    struct pst_cose_opening *o, struct pst_bytes in, uint8_t *out, size_t *len)
{
	enum pst_err err = PST_OK;
	size_t keep, from_held, from_in;

	*len = 0;
	if (!o->running)
		return PST_ERR_STATE;
	keep = in.len < o->tag_len ? in.len : o->tag_len;
	from_in = in.len - keep;
	from_held = released(o, in.len);
	if (from_held > 0)
		err = release(o, from_held, out);
	if (err == PST_OK && from_in > 0)
		err = o->crypto->cipher_update(o->crypto->ctx, o->handle,
		    (struct pst_bytes){ in.ptr, from_in }, out + from_held);
	if (err != PST_OK) {
		pst_wipe(out, from_held + from_in);
		pst_cose_open_abort(o);
		return err;
	}
	if (keep > 0)
		memcpy(o->last + o->held, in.ptr + from_in, keep);
	o->held = (uint8_t)(o->held + keep);
	*len = from_held + from_in;
	return PST_OK;
}

/* What was held goes right before the chunk, so that all of the chunk that is
 * decrypted stays where it is. */
enum pst_err
pst_cose_open_in_place(
    struct pst_cose_opening *o, uint8_t *buf, size_t len, struct pst_bytes *out)
{
	uint8_t *to = buf - released(o, len);
	size_t n;
	enum pst_err err =
	    pst_cose_open_update(o, (struct pst_bytes){ buf, len }, to, &n);

	*out = (struct pst_bytes){ to, n };
	return err;
}

enum pst_err
pst_cose_open_end(struct pst_cose_opening *o)
{
	bool whole = o->held == o->tag_len;
	enum pst_err err;

	if (!o->running)
		return PST_ERR_STATE;
	err = o->crypto->cipher_end(
	    o->crypto->ctx, o->handle, whole ? o->last : NULL);
	o->running = false;
	pst_cose_open_abort(o);
	/* A ciphertext that is shorter than its tag is none. */
	return whole ? err : PST_ERR_COSE_DECRYPT;
}

/* One candidate. */
static enum pst_err
attempt(struct pst_cose_opening *o, struct pst_bytes content, uint8_t *out,
    size_t *len)
{
	size_t body = content.len - o->tag_len;
	uint32_t handle = o->handle;
	uint8_t tag[PST_AEAD_TAG_LEN] = { 0 };
	enum pst_err err, end;

	if (content.len < o->tag_len) {
		pst_cose_open_abort(o);
		return PST_ERR_COSE_DECRYPT;
	}
	memcpy(tag, content.len > 0 ? content.ptr + body : tag, o->tag_len);
	o->running = false;
	err = o->crypto->cipher_update(o->crypto->ctx, handle,
	    (struct pst_bytes){ content.ptr, body }, out);
	end = o->crypto->cipher_end(
	    o->crypto->ctx, handle, err == PST_OK ? tag : NULL);
	err = err == PST_OK ? end : err;
	if (err != PST_OK)
		pst_wipe(out, body);
	else
		*len = body;
	return err;
}

enum pst_err
pst_cose_decrypt(const struct pst_cose_sealed *msg, struct pst_bytes content,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    uint8_t *out, size_t *len, uint32_t *who)
{
	enum pst_err said = PST_ERR_COSE_KEY;
	struct pst_cose_opening o;
	size_t next = 0;
	enum pst_err err;

	*len = 0;
	for (;;) {
		err = pst_cose_open_begin(&o, msg, crypto, args, &next);
		said = pst_cose_worst(said, err == PST_OK ? said : err);
		/* A key of another length or use is passed over, if another
		 * one is left. */
		if (err == PST_ERR_COSE_ALG && next > 0 &&
		    next % PST_COSE_ATTEMPTS_MAX != 0)
			continue;
		if (err != PST_OK)
			return said;
		if (who != NULL)
			*who = o.who;
		err = attempt(&o, content, out, len);
		if (err == PST_OK)
			return PST_OK;
		said = pst_cose_worst(said, err);
	}
}

static enum pst_err
check_mac(const struct pst_cose_sealed *msg, int32_t alg,
    struct pst_bytes payload, struct pst_bytes aad,
    const struct pst_crypto *crypto, struct pst_secret key)
{
	static const struct pst_bytes none = { NULL, 0 };
	uint8_t tag[PST_DIGEST_MAX];
	struct pst_bytes want = { tag, 0 };
	struct pst_cose_structure s;
	enum pst_err err;

	pst_cose_structure_init(
	    &s, msg->kind, msg->protected, none, aad, payload);
	err = crypto->mac_with(
	    crypto->ctx, key, alg, s.parts, s.count, tag, &want.len);
	if (err == PST_OK && !pst_equal(want, msg->tag))
		err = PST_ERR_COSE_SIGNATURE;
	pst_wipe(tag, sizeof(tag));
	return err;
}

enum pst_err
pst_cose_mac_verify(const struct pst_cose_sealed *msg, struct pst_bytes payload,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    struct pst_verified *out)
{
	enum pst_err said = PST_ERR_COSE_KEY;
	struct pst_content_key key;
	struct pst_cose_headers h;
	size_t next = 0;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	if (msg->kind != PST_TAG_MAC)
		return PST_ERR_COSE_STRUCTURE;
	if (crypto->mac_with == NULL)
		return PST_ERR_UNSUPPORTED;
	err = content_headers(msg, crypto, args->keys, &h);
	while (err == PST_OK) {
		err =
		    pst_cose_content_key(msg, h.alg, crypto, args, &next, &key);
		if (err != PST_OK)
			break;
		err = check_mac(
		    msg, h.alg, payload, args->aad, crypto, key.secret);
		out->who = key.who;
		pst_wipe(&key, sizeof(key));
		if (err == PST_OK) {
			out->payload = payload;
			out->alg = h.alg;
			return PST_OK;
		}
		said = pst_cose_worst(said, err);
		err = PST_OK;
	}
	memset(out, 0, sizeof(*out));
	return pst_cose_worst(said, err);
}
