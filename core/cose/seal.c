/*
 * Encryption (RFC 9052, Section 5.3) for recipients (RFC 9053, Section 6).
 */
#include "sealed.h"

#include "../pst_internal.h"

/* A message under work. */
struct seal {
	const struct pst_crypto *crypto;
	const struct pst_cose_encrypt_args *args;
	uint64_t kind;
	struct pst_bytes protected; /* views header */
	struct pst_bytes iv;	    /* views iv_bytes */
	struct pst_secret cek;	    /* views cek_bytes unless direct */
	uint8_t header[8];
	uint8_t iv_bytes[16];
	uint8_t cek_bytes[PST_CEK_MAX];
};

static struct pst_bytes
alg_map(uint8_t buf[8], int32_t alg)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, 8);
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, PST_COSE_ALG);
	pst_cbor_put_int(&w, alg);
	return pst_cbor_written(&w);
}

static void
fail(struct pst_cbor_writer *w, enum pst_err err)
{
	if (w->err == PST_OK)
		w->err = err;
}

static bool
is_wrap(int32_t alg)
{
	return alg == PST_ALG_A128KW || alg == PST_ALG_A192KW ||
	    alg == PST_ALG_A256KW;
}

static enum pst_err
recipient_fits(const struct pst_cose_recipient *to)
{
	if (to->alg == PST_ALG_DIRECT || is_wrap(to->alg))
		return to->key != 0 ? PST_OK : PST_ERR_ARG;
	if (pst_cose_es_wrap(to->alg) == 0)
		return PST_ERR_COSE_ALG;
	return to->pub != NULL ? PST_OK : PST_ERR_ARG;
}

/* RFC 9052, 8.5.1: a direct key is the only recipient's. RFC 9459, Section 4:
 * AES-CTR has nothing that could cover external_aad. */
static enum pst_err
args_fit(const struct seal *s)
{
	const struct pst_cose_encrypt_args *a = s->args;
	bool ctr = pst_cose_is_ctr(a->alg);
	enum pst_err err = PST_OK;
	size_t i;

	if (a->count < 1 || a->count > PST_COSE_RECIPIENTS_MAX)
		return PST_ERR_ARG;
	if (ctr ? !a->unauthenticated : !pst_cose_is_aead(a->alg))
		return PST_ERR_COSE_ALG;
	if (ctr && a->aad.len > 0)
		return PST_ERR_ARG;
	if (s->kind == PST_TAG_ENCRYPT0 &&
	    a->recipients[0].alg != PST_ALG_DIRECT)
		return PST_ERR_ARG;
	for (i = 0; i < a->count && err == PST_OK; i++) {
		if (a->recipients[i].alg == PST_ALG_DIRECT && a->count != 1)
			return PST_ERR_ARG;
		err = recipient_fits(&a->recipients[i]);
	}
	return err;
}

/* A fresh IV, and a fresh content key unless it is the recipient's own. */
static enum pst_err
fresh(struct seal *s)
{
	const struct pst_cose_recipient *first = &s->args->recipients[0];
	size_t len = pst_cose_key_len(s->args->alg);
	enum pst_err err;

	s->iv.ptr = s->iv_bytes;
	s->iv.len = pst_cose_is_ctr(s->args->alg) ? 16 : 12;
	err = s->crypto->random(s->crypto->ctx, s->iv_bytes, s->iv.len);
	if (err != PST_OK)
		return err;
	if (first->alg == PST_ALG_DIRECT) {
		s->cek.key = first->key;
		return PST_OK;
	}
	s->cek.bytes = (struct pst_bytes){ s->cek_bytes, len };
	return s->crypto->random(s->crypto->ctx, s->cek_bytes, len);
}

static enum pst_err
cipher_begin(const struct seal *s, uint32_t *handle)
{
	static const struct pst_bytes none = { NULL, 0 };
	const struct pst_crypto *c = s->crypto;
	bool ctr = pst_cose_is_ctr(s->args->alg);
	struct pst_cose_structure aad;

	pst_cose_structure_init(
	    &aad, s->kind, s->protected, none, s->args->aad, none);
	return c->cipher_begin(c->ctx, s->args->alg, true, s->cek, s->iv,
	    aad.parts, ctr ? 0 : aad.count, handle);
}

static enum pst_err
cipher(const struct seal *s, struct pst_bytes plaintext, uint8_t *content,
    size_t *len)
{
	const struct pst_crypto *c = s->crypto;
	uint32_t handle;
	enum pst_err err, end;

	err = cipher_begin(s, &handle);
	if (err != PST_OK)
		return err;
	err = c->cipher_update(c->ctx, handle, plaintext, content);
	end = c->cipher_end(
	    c->ctx, handle, err == PST_OK ? content + plaintext.len : NULL);
	if (err == PST_OK)
		err = end;
	if (err == PST_OK)
		*len = plaintext.len +
		    (pst_cose_is_ctr(s->args->alg) ? 0 : PST_AEAD_TAG_LEN);
	return err;
}

/* The key encryption key of an ECDH-ES recipient. */
static __attribute__((noinline)) enum pst_err
agree(const struct seal *s, const struct pst_cose_recipient *to,
    struct pst_bytes protected, struct pst_pubkey *mine, uint8_t *kek)
{
	int32_t wrap = pst_cose_es_wrap(to->alg);
	uint8_t context[PST_PLAIN_CONTEXT_MAX], secret[PST_COORD_MAX];
	struct pst_secret ikm = { 0, { secret, 0 } };
	static const struct pst_bytes none = { NULL, 0 };
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_cbor_writer_init(&w, context, sizeof(context));
	pst_cose_plain_context(&w, wrap, protected, s->args->kdf_other);
	if (w.err != PST_OK)
		return PST_ERR_LIMIT;
	err = s->crypto->ecdh_ephemeral(
	    s->crypto->ctx, to->pub, mine, secret, &ikm.bytes.len);
	if (err == PST_OK)
		err = s->crypto->hkdf(s->crypto->ctx, PST_ALG_SHA256, ikm, none,
		    pst_cbor_written(&w), kek, pst_cose_key_len(wrap));
	pst_wipe(secret, sizeof(secret));
	return err;
}

/* Wrap the content key; mine is written where there was an agreement. */
static enum pst_err
wrap_for(const struct seal *s, const struct pst_cose_recipient *to,
    struct pst_bytes protected, struct pst_pubkey *mine, uint8_t *wrapped,
    size_t *len)
{
	int32_t wrap = pst_cose_es_wrap(to->alg);
	struct pst_secret by = { to->key, { NULL, 0 } };
	uint8_t kek[32];
	enum pst_err err = PST_OK;

	*len = 0;
	if (to->alg == PST_ALG_DIRECT)
		return PST_OK;
	if (wrap == 0)
		return s->crypto->wrap(
		    s->crypto->ctx, by, to->alg, s->cek.bytes, wrapped, len);
	err = agree(s, to, protected, mine, kek);
	by = (struct pst_secret){ 0, { kek, pst_cose_key_len(wrap) } };
	if (err == PST_OK)
		err = s->crypto->wrap(
		    s->crypto->ctx, by, wrap, s->cek.bytes, wrapped, len);
	pst_wipe(kek, sizeof(kek));
	return err;
}

static void
put_unprotected(struct pst_cbor_writer *w, const struct pst_cose_recipient *to,
    const struct pst_pubkey *mine)
{
	static const struct pst_bytes none = { NULL, 0 };
	bool agreed = mine->kty != 0;
	size_t n = 1;

	n += to->kid.len > 0;
	pst_cbor_put_map(w, n);
	if (!agreed) {
		pst_cbor_put_uint(w, PST_COSE_ALG);
		pst_cbor_put_int(w, to->alg);
	}
	if (to->kid.len > 0) {
		pst_cbor_put_uint(w, PST_COSE_KID);
		pst_cbor_put_bstr(w, to->kid);
	}
	if (agreed) {
		pst_cbor_put_int(w, -1); /* ephemeral key */
		pst_cose_key_encode(w, mine, none);
	}
}

static __attribute__((noinline)) void
put_recipient(struct pst_cbor_writer *w, const struct seal *s,
    const struct pst_cose_recipient *to)
{
	uint8_t wrapped[PST_CEK_MAX + PST_WRAP_OVERHEAD], header[8];
	struct pst_bytes protected = { NULL, 0 };
	struct pst_pubkey mine;
	size_t len = 0;
	enum pst_err err;

	memset(&mine, 0, sizeof(mine));
	if (pst_cose_es_wrap(to->alg) != 0)
	protected = alg_map(header, to->alg);
	err = wrap_for(s, to, protected, &mine, wrapped, &len);
	if (err != PST_OK) {
		fail(w, err);
		return;
	}
	pst_cbor_put_array(w, 3);
	pst_cbor_put_bstr(w, protected);
	put_unprotected(w, to, &mine);
	pst_cbor_put_bstr(w, (struct pst_bytes){ wrapped, len });
}

static void
put_headers(struct pst_cbor_writer *w, const struct seal *s)
{
	const struct pst_cose_recipient *first = &s->args->recipients[0];
	bool ctr = pst_cose_is_ctr(s->args->alg);
	bool kid = s->kind == PST_TAG_ENCRYPT0 && first->kid.len > 0;
	size_t n = 1;

	n += ctr;
	n += kid;
	pst_cbor_put_bstr(w, s->protected);
	pst_cbor_put_map(w, n);
	if (ctr) {
		pst_cbor_put_uint(w, PST_COSE_ALG);
		pst_cbor_put_int(w, s->args->alg);
	}
	if (kid) {
		pst_cbor_put_uint(w, PST_COSE_KID);
		pst_cbor_put_bstr(w, first->kid);
	}
	pst_cbor_put_uint(w, PST_COSE_IV);
	pst_cbor_put_bstr(w, s->iv);
}

static void
put_message(
    struct pst_cbor_writer *w, const struct seal *s, struct pst_bytes content)
{
	bool zero = s->kind == PST_TAG_ENCRYPT0;
	size_t i;

	if (!s->args->untagged)
		pst_cbor_put_tag(w, s->kind);
	pst_cbor_put_array(w, zero ? 3 : 4);
	put_headers(w, s);
	if (s->args->detached)
		pst_cbor_put_null(w);
	else
		pst_cbor_put_bstr(w, content);
	if (zero)
		return;
	pst_cbor_put_array(w, s->args->count);
	for (i = 0; i < s->args->count && w->err == PST_OK; i++)
		put_recipient(w, s, &s->args->recipients[i]);
}

/* Everything but the content: what it is encrypted with is fresh. */
static enum pst_err
seal_init(struct seal *s, const struct pst_cbor_writer *w, uint64_t kind,
    const struct pst_crypto *crypto, const struct pst_cose_encrypt_args *args)
{
	enum pst_err err;

	memset(s, 0, sizeof(*s));
	s->crypto = crypto;
	s->args = args;
	s->kind = kind;
	err = w->buf == NULL ? PST_ERR_ARG : args_fit(s);
	if (err == PST_OK && crypto->cipher_begin == NULL)
		err = PST_ERR_UNSUPPORTED;
	if (err != PST_OK)
		return err;
	if (!pst_cose_is_ctr(args->alg))
		s->protected = alg_map(s->header, args->alg);
	return fresh(s);
}

static enum pst_err
encrypt(struct pst_cbor_writer *w, uint64_t kind,
    const struct pst_crypto *crypto, const struct pst_cose_encrypt_args *args,
    struct pst_bytes plaintext, uint8_t *content, size_t *len)
{
	struct seal s;
	enum pst_err err;

	*len = 0;
	err = seal_init(&s, w, kind, crypto, args);
	if (err == PST_OK)
		err = cipher(&s, plaintext, content, len);
	if (err == PST_OK)
		put_message(w, &s, (struct pst_bytes){ content, *len });
	else
		fail(w, err);
	pst_wipe(&s, sizeof(s));
	if (w->err != PST_OK)
		*len = 0;
	return w->err;
}

enum pst_err
pst_cose_encrypt_begin(struct pst_cose_sealing *out, struct pst_cbor_writer *w,
    const struct pst_crypto *crypto, const struct pst_cose_encrypt_args *args)
{
	struct seal s;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	err = seal_init(&s, w, PST_TAG_ENCRYPT, crypto, args);
	if (err == PST_OK && !args->detached)
		err = PST_ERR_ARG;
	if (err == PST_OK)
		put_message(w, &s, (struct pst_bytes){ NULL, 0 });
	else
		fail(w, err);
	if (w->err == PST_OK)
		fail(w, cipher_begin(&s, &out->handle));
	pst_wipe(&s, sizeof(s));
	if (w->err != PST_OK)
		return w->err;
	out->crypto = crypto;
	out->tag_len = pst_cose_is_ctr(args->alg) ? 0 : PST_AEAD_TAG_LEN;
	out->running = true;
	return PST_OK;
}

enum pst_err
pst_cose_encrypt_update(
    struct pst_cose_sealing *s, struct pst_bytes in, uint8_t *out)
{
	enum pst_err err;

	if (!s->running)
		return PST_ERR_STATE;
	if (in.len == 0)
		return PST_OK;
	err = s->crypto->cipher_update(s->crypto->ctx, s->handle, in, out);
	if (err != PST_OK)
		pst_cose_encrypt_abort(s);
	return err;
}

enum pst_err
pst_cose_encrypt_end(struct pst_cose_sealing *s, uint8_t *out, size_t *len)
{
	enum pst_err err;

	*len = 0;
	if (!s->running)
		return PST_ERR_STATE;
	s->running = false;
	err = s->crypto->cipher_end(s->crypto->ctx, s->handle, out);
	if (err == PST_OK)
		*len = s->tag_len;
	memset(s, 0, sizeof(*s));
	return err;
}

void
pst_cose_encrypt_abort(struct pst_cose_sealing *s)
{
	if (s->running)
		(void)s->crypto->cipher_end(s->crypto->ctx, s->handle, NULL);
	memset(s, 0, sizeof(*s));
}

enum pst_err
pst_cose_encrypt(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_encrypt_args *args, struct pst_bytes plaintext,
    uint8_t *content, size_t *len)
{
	return encrypt(
	    w, PST_TAG_ENCRYPT, crypto, args, plaintext, content, len);
}

enum pst_err
pst_cose_encrypt0(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_encrypt_args *args, struct pst_bytes plaintext,
    uint8_t *content, size_t *len)
{
	if (args->count != 1) {
		*len = 0;
		fail(w, PST_ERR_ARG);
		return w->err;
	}
	return encrypt(
	    w, PST_TAG_ENCRYPT0, crypto, args, plaintext, content, len);
}

/* --- the same content for others ---------------------------------------------
 */

/* IV and protected bucket as they are: an AEAD covers the latter. */
static enum pst_err
adopt(struct seal *s, const struct pst_cose_sealed *msg)
{
	struct pst_cbor_reader r;

	s->protected = msg->protected;
	pst_cbor_reader_init(
	    &r, pst_cose_header(msg->protected, msg->unprotected, PST_COSE_IV));
	s->iv = pst_cbor_bstr(&r, 1, sizeof(s->iv_bytes));
	return pst_cbor_end(&r) == PST_OK ? PST_OK : PST_ERR_COSE_STRUCTURE;
}

static enum pst_err
rewrap(struct pst_cbor_writer *w, struct seal *s,
    const struct pst_cose_sealed *msg, const struct pst_cose_open_args *from)
{
	struct pst_content_key key;
	size_t next = 0;
	enum pst_err err;

	err = pst_cose_content_key(
	    msg, s->args->alg, s->crypto, from, &next, &key);
	if (err != PST_OK)
		return err;
	s->cek = key.secret;
	/* A key that was used directly is its owner's, not the message's. */
	if (s->cek.key != 0)
		err = PST_ERR_COSE_STRUCTURE;
	else
		put_message(w, s, (struct pst_bytes){ NULL, 0 });
	pst_wipe(&key, sizeof(key));
	return err;
}

enum pst_err
pst_cose_rewrap(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_cose_sealed *msg, const struct pst_cose_open_args *from,
    const struct pst_cose_encrypt_args *args)
{
	struct pst_cose_encrypt_args same = *args;
	struct pst_cose_headers h;
	struct seal s;
	enum pst_err err;

	memset(&s, 0, sizeof(s));
	s.crypto = crypto;
	s.args = &same;
	s.kind = PST_TAG_ENCRYPT;
	if (w->buf == NULL || args->count == 0 ||
	    args->recipients[0].alg == PST_ALG_DIRECT)
		return PST_ERR_ARG;
	if (msg->kind != PST_TAG_ENCRYPT || !msg->detached)
		return PST_ERR_COSE_STRUCTURE;
	err = pst_cose_headers_read(msg->protected, msg->unprotected, &h);
	if (err == PST_OK && h.unknown_critical)
		err = PST_ERR_COSE_CRIT;
	same.alg = h.alg;
	same.detached = true;
	if (err == PST_OK)
		err = args_fit(&s);
	if (err == PST_OK)
		err = adopt(&s, msg);
	if (err == PST_OK)
		err = rewrap(w, &s, msg, from);
	fail(w, err);
	return w->err;
}
