/* Encrypting a stream to recipients. */
#include "encrypt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"

enum { CHUNK = 65536, SHA256_LEN = 32 };

/* Names of the IANA registry, and how people write the one with a slash. */
int32_t
cli_content_alg(const char *name)
{
	int32_t alg = pst_alg_by_name(name);

	switch (alg) {
	case PST_ALG_A128GCM:
	case PST_ALG_A192GCM:
	case PST_ALG_A256GCM:
	case PST_ALG_CHACHA_POLY:
	case PST_ALG_A128CTR:
	case PST_ALG_A192CTR:
	case PST_ALG_A256CTR:
		return alg;
	default:
		return 0;
	}
}

static bool
is_ctr(int32_t alg)
{
	return alg == PST_ALG_A128CTR || alg == PST_ALG_A192CTR ||
	    alg == PST_ALG_A256CTR;
}

/* --- recipients ------------------------------------------------------------
 */

static int32_t
wrap_of_length(size_t len)
{
	switch (len) {
	case 16:
		return PST_ALG_A128KW;
	case 24:
		return PST_ALG_A192KW;
	case 32:
		return PST_ALG_A256KW;
	default:
		return 0;
	}
}

/* How the content key gets to the owner of a key; 0: not at all. */
static int32_t
method(const struct cli_keyring_entry *e)
{
	int32_t alg = 0;

	if (e->pub.kty == PST_KTY_SYMMETRIC)
		alg = wrap_of_length(e->secret_len);
	else if (e->pub.kty == PST_KTY_EC2)
		alg = PST_ALG_ECDH_ES_A128KW;
	return e->pub.alg == 0 || e->pub.alg == alg ? alg : 0;
}

static int
recipient(const struct cli_keyring_entry *e, struct pst_cose_recipient *out)
{
	int32_t alg = method(e);

	if (alg == 0)
		return cli_fail("%s: this key receives nothing; an elliptic "
				"curve key or one of 16, 24 or 32 bytes for "
				"key wrap does",
		    e->path);
	if (pst_pubkey_published(&e->pub))
		cli_warn(
		    "%s: this key was published; it protects nothing", e->path);
	*out = (struct pst_cose_recipient){ .alg = alg,
		.key = e->number,
		.pub = &e->pub,
		.kid = { e->kid, e->kid_len } };
	if (e->kid_len == 0)
		out->kid =
		    (struct pst_bytes){ e->thumbprint, PST_THUMBPRINT_LEN };
	return CLI_DONE;
}

/* --- the stream ------------------------------------------------------------
 */

struct stream {
	const struct pst_crypto *crypto;
	struct pst_cose_sealing sealing;
	uint32_t plain, cipher; /* digests */
	cli_sink *sink;
	void *ctx;
	struct cli_encrypted *out;
	struct cli_progress progress;
};

static enum pst_err
emit(struct stream *s, struct pst_bytes chunk)
{
	enum pst_err err =
	    s->crypto->hash_update(s->crypto->ctx, s->cipher, chunk);

	s->out->cipher_bytes += chunk.len;
	if (err == PST_OK && chunk.len > 0 && !s->sink(s->ctx, chunk))
		err = PST_ERR_IO;
	return err;
}

static enum pst_err
pass(struct stream *s, FILE *in, uint8_t *buf)
{
	struct pst_bytes chunk = { buf, 0 };
	enum pst_err err = PST_OK;

	while (err == PST_OK && (chunk.len = fread(buf, 1, CHUNK, in)) > 0) {
		s->out->plain_bytes += chunk.len;
		err = s->crypto->hash_update(s->crypto->ctx, s->plain, chunk);
		if (err == PST_OK)
			err = pst_cose_encrypt_update(&s->sealing, chunk, buf);
		if (err == PST_OK)
			err = emit(s, chunk);
		cli_progress_add(&s->progress, chunk.len);
	}
	if (err == PST_OK && ferror(in))
		err = PST_ERR_IO;
	return err;
}

static enum pst_err
finish(struct stream *s)
{
	uint8_t tag[PST_AEAD_TAG_LEN];
	struct pst_bytes last = { tag, 0 };
	enum pst_err err = pst_cose_encrypt_end(&s->sealing, tag, &last.len);

	return err == PST_OK ? emit(s, last) : err;
}

static enum pst_err
digests(struct stream *s, enum pst_err err)
{
	uint8_t digest[2][PST_DIGEST_MAX];
	const struct pst_crypto *c = s->crypto;
	enum pst_err one, two;
	size_t len;

	one = c->hash_end(c->ctx, s->plain, digest[0], &len);
	two = c->hash_end(c->ctx, s->cipher, digest[1], &len);
	memcpy(s->out->plain_sha256, digest[0], SHA256_LEN);
	memcpy(s->out->cipher_sha256, digest[1], SHA256_LEN);
	if (err == PST_OK)
		err = one;
	return err == PST_OK ? two : err;
}

static enum pst_err
begin(struct stream *s, const struct pst_cose_encrypt_args *args)
{
	const struct pst_crypto *c = s->crypto;
	struct pst_cbor_writer w;
	size_t len;
	enum pst_err err;

	pst_cbor_writer_init(&w, s->out->info, sizeof(s->out->info));
	err = c->hash_begin(c->ctx, PST_ALG_SHA256, &s->plain);
	if (err != PST_OK)
		return err;
	err = c->hash_begin(c->ctx, PST_ALG_SHA256, &s->cipher);
	if (err != PST_OK) {
		(void)!c->hash_end(c->ctx, s->plain, NULL, &len);
		return err;
	}
	err = pst_cose_encrypt_begin(&s->sealing, &w, c, args);
	s->out->info_len = w.len;
	return err == PST_OK ? PST_OK : digests(s, err);
}

static enum pst_err
run(struct stream *s, const struct pst_cose_encrypt_args *args, FILE *in)
{
	uint8_t buf[CHUNK];
	enum pst_err err = begin(s, args);

	if (err != PST_OK)
		return err;
	err = pass(s, in, buf);
	if (err == PST_OK)
		err = finish(s);
	pst_cose_encrypt_abort(&s->sealing);
	pst_wipe(buf, sizeof(buf));
	return digests(s, err);
}

int
cli_encrypt(const struct cli_keyring *ring, int32_t alg, const char *name,
    FILE *in, cli_sink *sink, void *ctx, struct cli_encrypted *out)
{
	struct pst_cose_recipient to[CLI_KEYS_MAX];
	struct stream s = {
		.crypto = ring->crypto, .sink = sink, .ctx = ctx, .out = out
	};
	struct pst_cose_encrypt_args args = { .alg = alg,
		.detached = true,
		.kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = is_ctr(alg),
		.recipients = to,
		.count = ring->count };
	int status = CLI_DONE;
	enum pst_err err;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; status == CLI_DONE && i < ring->count; i++)
		status = recipient(&ring->key[i], &to[i]);
	if (status != CLI_DONE)
		return status;
	cli_progress_begin(&s.progress, name, cli_progress_size(in));
	err = run(&s, &args, in);
	cli_progress_end(&s.progress);
	return err == PST_OK ? CLI_DONE
			     : cli_fail("%s: %s", name, pst_err_name(err));
}

/* --- other recipients
 * ---------------------------------------------------------- */

/* Only what opens: keys of recipients are not asked. */
struct openers {
	struct cli_keyring *ring;
	size_t recipients;
};

static enum pst_err
find_opener(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	struct openers *o = ctx;
	const struct pst_keys *keys = &o->ring->keys;
	size_t i;

	for (i = 0; i < CLI_KEYS_MAX; i++) {
		enum pst_err err =
		    keys->find_secret(keys->ctx, headers, i, key, who);

		if (err != PST_OK)
			return err;
		if (*who >= o->recipients && attempt-- == 0)
			return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

int
cli_rewrap(struct cli_keyring *ring, size_t recipients, const char *name,
    struct pst_bytes info, struct cli_encrypted *out)
{
	struct pst_cose_recipient to[CLI_KEYS_MAX];
	struct openers openers = { ring, recipients };
	const struct pst_keys keys = { .ctx = &openers,
		.find_secret = find_opener };
	const struct pst_cose_open_args from = { .keys = &keys,
		.kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = true };
	const struct pst_cose_encrypt_args args = { .kdf_other =
							PST_COSE_KDF_SUIT,
		.unauthenticated = true,
		.recipients = to,
		.count = recipients };
	struct pst_cose_sealed msg;
	struct pst_cbor_writer w;
	enum pst_err err;
	size_t i;
	int status = CLI_DONE;

	memset(out, 0, sizeof(*out));
	for (i = 0; status == CLI_DONE && i < recipients; i++)
		status = recipient(&ring->key[i], &to[i]);
	if (status != CLI_DONE)
		return status;
	pst_cbor_writer_init(&w, out->info, sizeof(out->info));
	err = pst_cose_sealed_parse(info, &msg, NULL);
	if (err == PST_OK)
		err = pst_cose_rewrap(&w, ring->crypto, &msg, &from, &args);
	out->info_len = w.len;
	return err == PST_OK ? CLI_DONE
			     : cli_fail("%s: %s", name, pst_err_name(err));
}

/* --- a component of a manifest's source --------------------------------------
 */

/* A cli_sink into memory; what is larger than an envelope is refused. */
static bool
keep(void *ctx, struct pst_bytes chunk)
{
	struct cli_file *f = ctx;
	uint8_t *grown;

	errno = EFBIG;
	if (chunk.len > CLI_FILE_MAX - f->len)
		return false;
	grown = realloc(f->ptr, f->len + chunk.len + 1);
	if (grown == NULL)
		return false;
	memcpy(grown + f->len, chunk.ptr, chunk.len);
	f->ptr = grown;
	f->len += chunk.len;
	f->ptr[f->len] = 0;
	return true;
}

static int
to_file(const struct cli_keyring *ring, int32_t alg,
    const struct cli_source_encrypt *what, FILE *in, struct cli_encrypted *done)
{
	struct cli_output out;
	int status = cli_output_open(&out, what->out, 0644, true);

	if (status == CLI_DONE)
		status = cli_encrypt(
		    ring, alg, what->from, in, cli_output_write, &out, done);
	if (status == CLI_DONE)
		status = cli_output_commit(&out);
	cli_output_abandon(&out);
	return status;
}

static int
component(const struct cli_keyring *ring, int32_t alg,
    const struct cli_source_encrypt *what, struct cli_file *data,
    struct cli_encrypted *done)
{
	FILE *in = fopen(what->from, "rb");
	int status;

	if (in == NULL)
		return cli_fail("%s: %s", what->from, strerror(errno));
	status = what->out != NULL
	    ? to_file(ring, alg, what, in, done)
	    : cli_encrypt(ring, alg, what->from, in, keep, data, done);
	fclose(in);
	return status;
}

int
cli_encrypt_component(const struct cli_source_encrypt *what,
    struct cli_file *data, struct cli_file *info)
{
	struct cli_encrypted *done = calloc(1, sizeof(*done));
	int32_t alg =
	    cli_content_alg(what->alg != NULL ? what->alg : "a128gcm");
	struct cli_keyring ring;
	struct pst_bytes made;
	size_t i;
	int status = cli_keyring_open(&ring);

	if (status == CLI_DONE && done == NULL)
		status = cli_fail("no memory");
	if (status == CLI_DONE && alg == 0)
		status = cli_fail("no content encryption: %s", what->alg);
	for (i = 0; status == CLI_DONE && i < what->count; i++)
		status = cli_keyring_add(&ring, what->to[i]);
	if (status == CLI_DONE)
		status = component(&ring, alg, what, data, done);
	if (status == CLI_DONE) {
		made = (struct pst_bytes){ done->info, done->info_len };
		if (!keep(info, made))
			status = cli_fail("no memory");
	}
	cli_keyring_close(&ring);
	free(done);
	return status;
}
