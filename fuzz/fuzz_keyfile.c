/*
 * Key and certificate files: an administrator hands them in, an API may too.
 */
#include "fuzz.h"
#include "ports/openssl/openssl.h"

/* What was read is written in each format and read again the same. */
static void
again(const struct pst_key *key)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key back;
	size_t len;
	int format;

	for (format = PST_KEY_PEM; format <= PST_KEY_JWK; format++) {
		if (pst_key_encode(key, (enum pst_key_format)format,
			key->secret_len > 0, buf, sizeof(buf), &len) != PST_OK)
			continue;
		MUST(pst_key_parse((struct pst_bytes){ buf, len }, &back,
			 NULL) == PST_OK);
		MUST(back.secret_len == key->secret_len);
		MUST(key->pub.kty == PST_KTY_SYMMETRIC ||
		    pst_pubkey_equal(&back.pub, &key->pub));
		pst_key_wipe(&back);
	}
}

/* A peer's x5chain reaches the port's path validation as it stands. */
static void
path(struct pst_bytes in)
{
	static struct pst_openssl *port;
	const struct pst_crypto *crypto;
	struct pst_pubkey leaf;
	size_t root;

	if (port == NULL)
		port = pst_openssl_new();
	MUST(port != NULL);
	crypto = pst_openssl_crypto(port);
	if (crypto->chain(crypto->ctx, &in, 1, &in, 1, 1700000000, &leaf,
		&root) == PST_OK)
		MUST(leaf.kty != 0 && root == 0);
	else
		MUST(leaf.kty == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_certs certs;
	struct pst_key key;
	const char *why = NULL;

	if (pst_key_parse(in, &key, &why) == PST_OK)
		again(&key);
	else
		MUST(why != NULL);
	pst_key_wipe(&key);
	path(in);
	if (pst_certs_parse(in, &certs, NULL) == PST_OK) {
		MUST(certs.count >= 1 && certs.count <= PST_X5CHAIN_MAX);
		pst_certs_free(&certs);
	}
	return 0;
}
