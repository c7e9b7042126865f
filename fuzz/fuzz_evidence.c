/*
 * Evidence of every technology, by a Verifier that trusts nobody: it may say
 * what is wrong, and must accept none. A technology that finds its keys in the
 * Evidence itself must not open it without an anchor.
 */
#include <postern/eat.h>

#include <string.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"
#include "verifier/verifier.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pst_openssl *port;
	static struct pst_appraisal a;
	struct pst_verifier nobody = { .max_age_s = 60 };
	struct pst_bytes in = { data, size };
	const char *const *formats;
	const char *name;
	size_t n, k;

	if (port == NULL)
		port = pst_openssl_new();
	nobody.crypto = pst_openssl_crypto(port);
	for (n = 0; pst_verifier_technology(n, &name, &formats); n++) {
		struct pst_bytes format = { (const uint8_t *)name,
			strlen(name) };

		MUST(pst_verifier_appraise(&nobody, in, format,
			 PST_BYTES_LIT("12345678"), NULL, 1700000000,
			 &a) != PST_OK);
		MUST(!a.accepted && !a.opened && a.why != PST_OK);
		MUST(a.check_count > 0 && a.stored <= sizeof(a.store));
		for (k = 0; k < a.claim_count; k++)
			MUST(a.claim[k].name != NULL);
	}
	MUST(pst_verifier_appraise(&nobody, in,
		 PST_BYTES_LIT(PST_EVIDENCE_FORMAT), PST_BYTES_LIT("12345678"),
		 NULL, 1700000000, &a) != PST_OK);
	MUST(pst_verifier_appraise(&nobody, in,
		 PST_BYTES_LIT("application/vnd.veraison.tsm-report+cbor"),
		 PST_BYTES_LIT("12345678"), NULL, 1700000000, &a) != PST_OK);
	return 0;
}
