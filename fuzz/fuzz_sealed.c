/*
 * COSE_Encrypt0, COSE_Encrypt and COSE_Mac: what parses is opened with a
 * secret key and with a private one, whole and in pieces, and nothing opens.
 */
#include <postern/cose_encrypt.h>
#include <stdlib.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"

static struct pst_openssl *port;
static uint32_t secret, private;

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > 1)
		return PST_ERR_NOT_FOUND;
	*key = attempt == 0 ? secret : private;
	*who = (uint32_t)attempt;
	return PST_OK;
}

static void
set_up(void)
{
	struct pst_key key;

	port = pst_openssl_new();
	MUST(port != NULL);
	MUST(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK);
	MUST(pst_openssl_add(port, &key, &private) == PST_OK);
	MUST(pst_key_generate(PST_ALG_HMAC_256, &key) == PST_OK);
	key.secret_len = 16;
	MUST(pst_openssl_add(port, &key, &secret) == PST_OK);
}

static void
inside(struct pst_bytes view, struct pst_bytes in)
{
	if (view.len == 0)
		return;
	MUST(view.ptr >= in.ptr);
	MUST(view.len <= in.len);
	MUST((size_t)(view.ptr - in.ptr) <= in.len - view.len);
}

static void
pieces(const struct pst_cose_sealed *msg, struct pst_bytes content,
    const struct pst_cose_open_args *args, uint8_t *out)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(port);
	struct pst_cose_opening o;
	size_t next = 0, len, half = content.len / 2;

	if (pst_cose_open_begin(&o, msg, crypto, args, &next) != PST_OK)
		return;
	MUST(pst_cose_open_update(&o, (struct pst_bytes){ content.ptr, half },
		 out, &len) == PST_OK);
	MUST(len <= half);
	pst_cose_open_abort(&o);
	pst_cose_open_abort(&o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pst_keys keys = { .find_secret = find_secret,
		.alg_unprotected = true };
	struct pst_cose_open_args args = { .keys = &keys };
	struct pst_bytes in = { data, size }, content;
	struct pst_cose_sealed msg;
	struct pst_verified verified;
	uint8_t *out;
	size_t at, len;

	if (port == NULL)
		set_up();
	if (pst_cose_sealed_parse(in, &msg, &at) != PST_OK) {
		MUST(at <= size);
		return 0;
	}
	inside(msg.content, in);
	inside(msg.tag, in);
	inside(msg.recipients.items, in);
	content = msg.detached ? in : msg.content;
	out = malloc(content.len + PST_AEAD_TAG_LEN);
	MUST(out != NULL);
	/* the keys are fresh: nothing in the world opens */
	MUST(pst_cose_decrypt(&msg, content, pst_openssl_crypto(port), &args,
		 out, &len, NULL) != PST_OK);
	MUST(len == 0);
	MUST(pst_cose_mac_verify(&msg, content, pst_openssl_crypto(port), &args,
		 &verified) != PST_OK);
	pieces(&msg, content, &args, out);
	free(out);
	return 0;
}
