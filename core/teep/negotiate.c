/*
 * What follows from a decoded message: negotiation (draft-ietf-teep-protocol,
 * Sections 8 and 9), wire codes for errors (Section 4.6), and whether an
 * attestation payload is Evidence or an Attestation Result (Section 7.1.1).
 */
#include <postern/eat.h>
#include <postern/teep.h>

uint32_t
pst_teep_pick_suite(uint32_t offered, uint32_t mine)
{
	uint32_t both = offered & mine;

	/* ESP256 first: it is what hardware keys can do. */
	if (both & PST_SUITE_ESP256)
		return PST_SUITE_ESP256;
	return both & PST_SUITE_ED25519;
}

uint32_t
pst_teep_pick_profile(uint32_t offered, uint32_t mine)
{
	/* Authenticated encryption before counter mode, and of each the one
	 * whose signature hardware keys can do. */
	static const uint8_t order[] = { PST_PROFILE_ESP256_A128GCM,
		PST_PROFILE_ED25519_CHACHA, PST_PROFILE_ESP256_A128CTR,
		PST_PROFILE_ED25519_A128CTR };
	size_t i;

	for (i = 0; i < sizeof(order); i++) {
		if (offered & mine & order[i])
			return order[i];
	}
	return 0;
}

uint32_t
pst_teep_pick_freshness(const struct pst_teep_message *m, uint32_t mine)
{
	uint32_t both = mine;

	/* "If this parameter is absent, it means only the nonce mechanism is
	 * supported" (Section 4.2). */
	if (PST_TEEP_HAS(m, PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS))
		both &= m->freshness;
	else
		both &= 1u << PST_FRESHNESS_NONCE;
	if (both & 1u << PST_FRESHNESS_NONCE)
		return 1u << PST_FRESHNESS_NONCE;
	return both & 1u << PST_FRESHNESS_TIMESTAMP;
}

int32_t
pst_teep_suite_alg(uint32_t suite)
{
	if (suite == PST_SUITE_ESP256)
		return PST_ALG_ESP256;
	return suite == PST_SUITE_ED25519 ? PST_ALG_ED25519 : PST_ALG_NONE;
}

uint32_t
pst_teep_suite_of(int32_t alg)
{
	if (alg == PST_ALG_ESP256)
		return PST_SUITE_ESP256;
	return alg == PST_ALG_ED25519 ? PST_SUITE_ED25519 : 0;
}

bool
pst_teep_offers_version(const struct pst_teep_message *m, uint32_t version)
{
	struct pst_list versions = m->versions;
	uint32_t v;

	if (!PST_TEEP_HAS(m, PST_LABEL_VERSIONS))
		return version == 0;
	while (pst_teep_next_uint(&versions, &v)) {
		if (v == version)
			return true;
	}
	return false;
}

enum pst_teep_code
pst_teep_code_of(enum pst_err err)
{
	switch (err) {
	case PST_ERR_TEEP_FRESHNESS:
		return PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS;
	case PST_ERR_TEEP_VERSION:
		return PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION;
	case PST_ERR_TEEP_SUITE:
	case PST_ERR_COSE_ALG:
		return PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES;
	case PST_ERR_COSE_CERT:
		return PST_TEEP_ERR_BAD_CERTIFICATE;
	case PST_ERR_COSE_CERT_EXPIRED:
		return PST_TEEP_ERR_CERTIFICATE_EXPIRED;
	case PST_ERR_TEEP_REPORT:
		return PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT;
	case PST_ERR_TEEP_ATTEST:
		return PST_TEEP_ERR_ATTESTATION_REQUIRED;
	case PST_ERR_BUSY:
	case PST_ERR_AGAIN:
	case PST_ERR_AGENT_RATE:
	case PST_ERR_STORE:
	case PST_ERR_CRYPTO:
	case PST_ERR_CLOCK:
	case PST_ERR_IO:
		return PST_TEEP_ERR_TEMPORARY_ERROR;
	case PST_ERR_STORE_FULL:
	case PST_ERR_FETCH:
	case PST_ERR_AGENT_IN_USE:
		return PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED;
	default:
		break;
	}
	if (err >= PST_ERR_SUIT_STRUCTURE && err < PST_ERR_EAT_CLAIM)
		return PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED;
	/* Attestation that does not satisfy is attestation still required. */
	if (err >= PST_ERR_EAT_CLAIM && err < PST_ERR_TEEP_TYPE)
		return PST_TEEP_ERR_ATTESTATION_REQUIRED;
	return PST_TEEP_ERR_PERMANENT_ERROR;
}

bool
pst_teep_is_result(const struct pst_teep_message *m)
{
	if (!PST_TEEP_HAS(m, PST_LABEL_ATTESTATION_PAYLOAD_FORMAT))
		return true;
	return pst_media_type_same(
	    m->attestation_payload_format, PST_BYTES_LIT(PST_EAT_TEEP_FORMAT));
}
