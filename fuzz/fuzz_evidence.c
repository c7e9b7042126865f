/*
 * Evidence of every technology, by a Verifier that trusts nobody: it may say
 * what is wrong, and must accept none. A technology that finds its keys in the
 * Evidence itself must not open it without an anchor.
 */
#include <postern/eat.h>

#include <string.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"
#include "verifier/tpm.h"
#include "verifier/verifier.h"

/* A log is read only beside a genuine quote: here beside one that is given. */
static void
replay(const struct pst_crypto *crypto, struct pst_bytes log)
{
	static const uint8_t zeros[PST_DIGEST_MAX];
	static const uint16_t algs[] = { PST_TPM_SHA256, PST_TPM_SHA384,
		PST_TPM_SHA512, 0x04 };
	struct pst_tpm_quote q = { .banks = 1 };
	const char *why = NULL;
	size_t i, pcr;

	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		q.bank[0].alg = algs[i];
		q.bank[0].selected = q.bank[0].known = 0xffffff;
		for (pcr = 0; pcr < PST_TPM_PCRS; pcr++)
			q.bank[0].value[pcr] = (struct pst_bytes){ zeros,
				pst_tpm_hash_len(algs[i]) };
		MUST((pst_tpm_log_replay(crypto, log, &q, &why) == PST_OK) ==
		    (why == NULL));
	}
}

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
	if (pst_tpm_log_is(in))
		replay(nobody.crypto, in);
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
