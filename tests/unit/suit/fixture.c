#include <stdlib.h>

#include "suit_test.h"

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct fixture *f = ctx;

	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = f->pub;
	*who = 7;
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
	*key = f->mac.key;
	*who = 8;
	return PST_OK;
}

/* A fresh key, taken into the port. */
static struct pst_signer
signer(struct fixture *f, int32_t alg, struct pst_pubkey *pub)
{
	struct pst_signer s;
	struct pst_key key;
	uint32_t number;

	if (pst_key_generate(alg, &key) != PST_OK ||
	    pst_openssl_add(f->port, &key, &number) != PST_OK ||
	    pst_openssl_signer(f->port, number, alg, &s) != PST_OK)
		abort();
	if (pub != NULL)
		*pub = key.pub;
	pst_key_wipe(&key);
	return s;
}

struct fixture *
fixture(void)
{
	static struct fixture f;

	if (f.port != NULL)
		return &f;
	f.port = pst_openssl_new();
	if (f.port == NULL)
		abort();
	f.crypto = pst_openssl_crypto(f.port);
	f.signer = signer(&f, PST_ALG_ESP256, &f.pub);
	f.mac = signer(&f, PST_ALG_HMAC_256, NULL);
	f.keys.ctx = &f;
	f.keys.find = find;
	f.keys.find_secret = find_secret;
	return &f;
}

enum pst_err
authentic(struct pst_bytes in, struct pst_suit_manifest *m)
{
	struct pst_suit_envelope env;
	enum pst_err err = pst_suit_envelope_decode(in, &env, NULL);

	if (err != PST_OK)
		return err;
	return pst_suit_authenticate(
	    &env, fixture()->crypto, &fixture()->keys, m, NULL);
}

enum pst_err
accepted(struct pst_bytes in, struct pst_suit_manifest *m)
{
	struct pst_suit_envelope env;
	enum pst_err err = pst_suit_envelope_decode(in, &env, NULL);

	if (err != PST_OK)
		return err;
	return pst_suit_accept(&env, fixture()->crypto, m, NULL);
}

struct pst_bytes
component_id(const char *part)
{
	static uint8_t room[128][PST_SUIT_ID_MAX];
	static size_t next;
	uint8_t *buf = room[next++ % 128];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, PST_SUIT_ID_MAX);
	pst_cbor_put_array(&w, 1);
	pst_cbor_put_bstr(
	    &w, (struct pst_bytes){ (const uint8_t *)part, strlen(part) });
	return pst_cbor_written(&w);
}
