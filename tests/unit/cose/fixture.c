#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct fixture *f = ctx;

	(void)headers;
	if (attempt >= KEY_HMAC)
		return PST_ERR_NOT_FOUND;
	*key = f->pub[attempt];
	*who = (uint32_t)attempt;
	return PST_OK;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	struct fixture *f = ctx;

	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = f->number[KEY_HMAC];
	*who = KEY_HMAC;
	return PST_OK;
}

void
fixture_init(struct fixture *f)
{
	static const int32_t algs[KEY_COUNT] = { PST_ALG_ESP256, PST_ALG_ES384,
		PST_ALG_ES512, PST_ALG_ED25519, PST_ALG_HMAC_256 };
	struct pst_key key;
	int i;

	memset(f, 0, sizeof(*f));
	f->port = pst_openssl_new();
	if (f->port == NULL)
		abort();
	f->crypto = pst_openssl_crypto(f->port);
	for (i = 0; i < KEY_COUNT; i++) {
		if (pst_key_generate(algs[i], &key) != PST_OK ||
		    pst_openssl_add(f->port, &key, &f->number[i]) != PST_OK)
			abort();
		f->pub[i] = key.pub;
		pst_key_wipe(&key);
	}
	f->keys.ctx = f;
	f->keys.find = find;
	f->keys.find_secret = find_secret;
}

void
fixture_wipe(struct fixture *f)
{
	pst_openssl_free(&f->port);
}

struct pst_signer
fixture_signer(struct fixture *f, int key, int32_t alg)
{
	struct pst_signer out;

	if (pst_openssl_signer(f->port, f->number[key], alg, &out) != PST_OK)
		abort();
	return out;
}
