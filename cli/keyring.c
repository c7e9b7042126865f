#include "keyring.h"

#include <errno.h>
#include <string.h>

void
cli_hex_text(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static bool
agrees(int32_t alg)
{
	return alg <= PST_ALG_ECDH_ES_HKDF_256 && alg >= PST_ALG_ECDH_SS_A256KW;
}

static bool
authenticates(int32_t alg)
{
	return alg >= PST_ALG_HMAC_256_64 && alg <= PST_ALG_HMAC_512;
}

/* Can this key open what alg sealed: a secret, or for ECDH a private key? */
static bool
opens(const struct cli_keyring_entry *e, int32_t alg)
{
	if (e->opens_only && authenticates(alg))
		return false;
	if (agrees(alg))
		return e->pub.kty == PST_KTY_EC2 && e->number != 0;
	return e->pub.kty == PST_KTY_SYMMETRIC;
}

/* Can it verify what alg signed, or is it the named static key of a sender? */
static bool
verifies(const struct cli_keyring_entry *e, const struct pst_cose_headers *h)
{
	struct pst_bytes kid = { e->kid, e->kid_len };

	if (e->opens_only)
		return false;
	if (agrees(h->alg))
		return e->pub.kty == PST_KTY_EC2 && pst_equal(kid, h->kid);
	return e->pub.kty != PST_KTY_SYMMETRIC && pst_alg_fits(&e->pub, h->alg);
}

/* The attempt-th key that can be used with this algorithm. */
static const struct cli_keyring_entry *
candidate(const struct cli_keyring *ring, const struct pst_cose_headers *h,
    size_t attempt, bool secret)
{
	const struct cli_keyring_entry *e;
	size_t i;

	for (i = 0; i < ring->count; i++) {
		e = &ring->key[i];
		if (ring->only != NULL && ring->only != e)
			continue;
		if (secret ? !opens(e, h->alg) : !verifies(e, h))
			continue;
		if (attempt-- == 0)
			return e;
	}
	return NULL;
}

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct cli_keyring *ring = ctx;
	const struct cli_keyring_entry *e =
	    candidate(ring, headers, attempt, false);

	if (e == NULL)
		return PST_ERR_NOT_FOUND;
	*key = e->pub;
	*who = (uint32_t)(e - ring->key);
	return PST_OK;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	const struct cli_keyring *ring = ctx;
	const struct cli_keyring_entry *e =
	    candidate(ring, headers, attempt, true);

	if (e == NULL)
		return PST_ERR_NOT_FOUND;
	*key = e->number;
	*who = (uint32_t)(e - ring->key);
	return PST_OK;
}

int
cli_keyring_open(struct cli_keyring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->port = pst_openssl_new();
	if (ring->port == NULL)
		return cli_fail("OpenSSL does not start");
	ring->crypto = pst_openssl_crypto(ring->port);
	ring->keys.ctx = ring;
	ring->keys.find = find;
	ring->keys.find_secret = find_secret;
	return CLI_DONE;
}

void
cli_keyring_close(struct cli_keyring *ring)
{
	pst_openssl_free(&ring->port);
}

static enum pst_err
take(struct cli_keyring *ring, const struct pst_key *key,
    struct cli_keyring_entry *e)
{
	enum pst_err err = pst_key_thumbprint(key, e->thumbprint);

	e->pub = key->pub;
	e->secret_len = key->secret_len;
	e->kid_len = key->kid_len;
	memcpy(e->kid, key->kid, key->kid_len);
	if (err == PST_OK && key->secret_len > 0)
		err = pst_openssl_add(ring->port, key, &e->number);
	return err;
}

static int
take_token(struct cli_keyring *ring, const char *uri)
{
	struct cli_keyring_entry *e = &ring->key[ring->count];
	struct pst_key key = { .secret_len = 0 };
	enum pst_err err;
	int status = cli_token_open(uri, &e->token);

	if (status != CLI_DONE)
		return status;
	pst_p11_public(e->token, &key.pub);
	err = take(ring, &key, e);
	if (err == PST_OK)
		err = pst_p11_add(ring->port, e->token, &e->number);
	if (err != PST_OK) {
		pst_p11_free(&e->token);
		return cli_fail("%s: %s", uri, pst_err_name(err));
	}
	e->path = uri;
	ring->count++;
	return CLI_DONE;
}

int
cli_keyring_add(struct cli_keyring *ring, const char *path)
{
	struct cli_keyring_entry *e = &ring->key[ring->count];
	struct cli_file f;
	struct pst_key key;
	const char *why = NULL;
	enum pst_err err;
	int status;

	if (ring->count == CLI_KEYS_MAX)
		return cli_fail("more than %d keys", CLI_KEYS_MAX);
	if (pst_p11_is_uri(path))
		return take_token(ring, path);
	status = cli_read(path, PST_KEY_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	e->path = path;
	err = pst_key_parse(cli_bytes(&f), &key, &why);
	cli_file_free(&f);
	if (err == PST_OK)
		err = take(ring, &key, e);
	pst_key_wipe(&key);
	if (err != PST_OK)
		return cli_fail(
		    "%s: %s", path, why != NULL ? why : pst_err_name(err));
	ring->secrets += e->pub.kty == PST_KTY_SYMMETRIC;
	ring->count++;
	return CLI_DONE;
}

int
cli_keyring_add_public(
    struct cli_keyring *ring, const char *name, const struct pst_pubkey *pub)
{
	struct cli_keyring_entry *e = &ring->key[ring->count];
	const struct pst_key key = { .pub = *pub };
	enum pst_err err;

	if (ring->count == CLI_KEYS_MAX)
		return cli_fail("more than %d keys", CLI_KEYS_MAX);
	e->path = name;
	err = take(ring, &key, e);
	if (err != PST_OK)
		return cli_fail("%s: %s", name, pst_err_name(err));
	ring->count++;
	return CLI_DONE;
}

int
cli_keyring_unlock(const struct cli_keyring_entry *e)
{
	if (e->number == 0)
		return cli_fail("%s: no private key in it", e->path);
	if (e->token != NULL)
		return cli_token_unlock(e->path, e->token);
	if (strcmp(e->path, "-") != 0 && pst_key_file_exposed(e->path))
		cli_warn("%s: others can read this private key", e->path);
	return CLI_DONE;
}
