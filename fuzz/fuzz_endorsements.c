/*
 * Files of an operator: anchors, collateral, Reference Values and CoRIMs, and
 * Attestation Results of another Verifier. Whatever is taken can be given
 * back, and no result is read without its Verifier's signature.
 */
#include "verifier/endorsements.h"

#include "fuzz.h"
#include "ports/openssl/openssl.h"
#include "verifier/ear.h"

static void
take(enum pst_endorsement_use use, struct pst_bytes in)
{
	struct pst_endorsements *e = pst_endorsements_new();
	const char *why = NULL;

	if (e == NULL)
		return;
	if (pst_endorsements_add(e, use, in, &why) != PST_OK)
		MUST(why != NULL);
	pst_endorsements_free(&e);
	MUST(e == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pst_openssl *port;
	static struct pst_key key;
	struct pst_bytes in = { data, size };
	struct pst_ear ear;

	if (port == NULL) {
		port = pst_openssl_new();
		MUST(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK);
	}
	take(PST_ENDORSE_ANCHOR, in);
	take(PST_ENDORSE_COLLATERAL, in);
	take(PST_ENDORSE_REFERENCE, in);
	MUST(pst_ear_read_jwt(pst_openssl_crypto(port), &key.pub, in, &ear) !=
	    PST_OK);
	MUST(ear.submods == 0 && ear.status == PST_EAR_NONE);
	return 0;
}
