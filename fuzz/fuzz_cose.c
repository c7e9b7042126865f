/*
 * COSE messages and keys: what parses is verified against a key, and every
 * view lies inside the input.
 */
#include <postern/cose.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"

static struct pst_openssl *port;
static struct pst_pubkey pub;
static uint32_t secret;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = pub;
	*who = 1;
	return PST_OK;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = secret;
	*who = 2;
	return PST_OK;
}

static void
set_up(void)
{
	struct pst_key key;

	port = pst_openssl_new();
	MUST(port != NULL);
	MUST(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK);
	pub = key.pub;
	MUST(pst_key_generate(PST_ALG_HMAC_256, &key) == PST_OK);
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
message(struct pst_bytes in, uint64_t untagged)
{
	struct pst_keys keys = { NULL, find, find_secret, false };
	struct pst_bytes none = { NULL, 0 };
	struct pst_cose_headers h;
	struct pst_cose_message msg;
	struct pst_verified out;
	struct pst_bytes sig;
	size_t at, i;

	if (pst_cose_parse(in, untagged, &msg, &at) != PST_OK) {
		MUST(at <= in.len);
		return;
	}
	inside(msg.payload, in);
	for (i = 0; pst_cose_signature(&msg, i, &h, &sig); i++) {
		inside(sig, in);
		inside(h.kid, in);
		inside(h.content_type, in);
		inside(h.x5chain.items, in);
	}
	MUST(i >= 1 && i <= PST_COSE_SIGNERS_MAX);
	/* the keys are fresh: nothing in the world verifies */
	if (msg.detached)
		MUST(
		    pst_cose_verify_detached(&msg, in, pst_openssl_crypto(port),
			&keys, none, &out) != PST_OK);
	else
		MUST(pst_cose_verify(&msg, pst_openssl_crypto(port), &keys,
			 none, &out) != PST_OK);
	MUST(out.payload.ptr == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_pubkey key;
	struct pst_bytes kid;
	size_t at;

	if (port == NULL)
		set_up();
	message(in, PST_TAG_SIGN1);
	message(in, PST_TAG_MAC0);
	if (pst_cose_key_decode(in, &key, &kid, &at) == PST_OK) {
		MUST(key.coord_len ==
		    (key.kty == PST_KTY_HSS_LMS ? PST_HSS_PUB_LEN
						: pst_cose_coord_len(key.crv)));
		inside(kid, in);
	}
	return 0;
}
