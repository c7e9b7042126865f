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
	if (pst_certs_parse(in, &certs, NULL) == PST_OK) {
		MUST(certs.count >= 1 && certs.count <= PST_X5CHAIN_MAX);
		pst_certs_free(&certs);
	}
	return 0;
}
