/*
 * To whom Evidence goes, and how (draft-ietf-teep-protocol, Sections "EATs and
 * SUIT Reports" and "Privacy Considerations").
 */
#include <postern/eat_encrypt.h>
#include <postern/eat_keys.h>

#include "cases.h"
#include "test.h"
#include "world.h"

#define BEGIN() CHECK(begin())

static struct pst_pubkey tam_pub; /* what the TAM lets one encrypt to */
static uint32_t tam_number;

static bool
begin(void)
{
	struct pst_key key;

	if (tam_number == 0 &&
	    (pst_key_generate(PST_ALG_ESP256, &key) != PST_OK ||
		pst_openssl_add(w.outside, &key, &tam_number) != PST_OK))
		return false;
	if (tam_pub.kty == 0) {
		tam_pub = key.pub;
		pst_key_wipe(&key);
	}
	if (!world_begin())
		return false;
	w.tams[ONE].encryption_key = tam_pub;
	w.tams[ONE].confidential_transport = false;
	w.attester.challenge_len = SIZE_MAX;
	return true;
}

/* Only for a recipient that is named by the thumbprint of the TAM's key. */
static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	uint8_t kid[PST_THUMBPRINT_LEN];

	(void)ctx;
	*key = tam_number;
	*who = 0;
	if (attempt > 0 ||
	    pst_cose_thumbprint(pst_openssl_crypto(w.outside), &tam_pub, kid) !=
		PST_OK ||
	    !pst_equal(headers->kid, (struct pst_bytes){ kid, sizeof(kid) }))
		return PST_ERR_NOT_FOUND;
	return PST_OK;
}

/* What the TAM reads out of the answer. */
static struct pst_bytes
read_by_tam(void)
{
	static uint8_t out[4096];
	const struct pst_keys keys = { .find_secret = find_secret };
	struct pst_bytes plain;

	if (!pst_eat_encrypted(w.answer.attestation_payload) ||
	    pst_eat_decrypt(w.answer.attestation_payload,
		pst_openssl_crypto(w.outside), &keys, out, sizeof(out),
		&plain) != PST_OK)
		return (struct pst_bytes){ NULL, 0 };
	return plain;
}

static void
query(int tam, int by)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items =
	    PST_TEEP_ITEM_ATTESTATION | PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.challenge = PST_BYTES_LIT("challenge-of-32-bytes-0123456789");
	q.present = 1u << PST_LABEL_CHALLENGE;
	world_send(tam, world_make_query(by, &q));
}

static bool
attester_was_asked(void)
{
	return w.attester.challenge_len != SIZE_MAX;
}

static void
evidence_is_encrypted_to_the_tam(void)
{
	BEGIN();
	query(ONE, ONE);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	CHECK(pst_equal(read_by_tam(), PST_BYTES_LIT("evidence")));
	/* The format is that of what is inside. */
	CHECK(pst_equal(w.answer.attestation_payload_format,
	    PST_BYTES_LIT("application/octet-stream")));
	CHECK(attester_was_asked());
}

static void
encryption_goes_before_a_confidential_transport(void)
{
	BEGIN();
	w.tams[ONE].confidential_transport = true;
	query(ONE, ONE);
	CHECK(pst_equal(read_by_tam(), PST_BYTES_LIT("evidence")));
}

static void
without_a_key_there_is_no_evidence(void)
{
	BEGIN();
	w.tams[ONE].encryption_key.kty = 0;
	query(ONE, ONE);
	CHECK(
	    world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_EXPOSED));
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD));
	CHECK(w.answer.err_msg.len > 0);
	CHECK(!attester_was_asked());
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_EXPOSED);
}

static void
a_confidential_transport_will_do(void)
{
	BEGIN();
	w.tams[ONE].encryption_key.kty = 0;
	w.tams[ONE].confidential_transport = true;
	query(ONE, ONE);
	CHECK(
	    pst_equal(w.answer.attestation_payload, PST_BYTES_LIT("evidence")));
}

/* "MUST present its attestation payload only to an authenticated and
 * authorized TAM" */
static void
nobody_but_the_tam_of_the_session_gets_evidence(void)
{
	BEGIN();
	query(ONE, STRANGER);
	CHECK(!attester_was_asked());
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD));
	BEGIN();
	query(ONE, TWO);
	CHECK(!attester_was_asked());
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD));
}

/* What else the device has is attested with the rest. */
static void
the_other_keys_are_given_to_the_attester(void)
{
	struct pst_eat_keys keys;

	BEGIN();
	query(ONE, ONE);
	CHECK_EQ(pst_eat_keys_decode(
		     (struct pst_bytes){ w.attester.keys, w.attester.keys_len },
		     &keys),
	    PST_OK);
	CHECK(pst_pubkey_equal(&keys.report, &w.config.report_pub));
	CHECK_EQ(keys.encryption.kty, 0);
}

/* A report is signed with a key of its own, and content is encrypted to one
 * that the device has. */
static void
keys_that_are_attested_are_there(void)
{
	struct pst_pubkey report = w.config.report_pub;

	BEGIN();
	w.tams[ONE].sign_reports = true;
	w.config.report_pub.kty = 0;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.config.report_pub = w.config.pub;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.config.report_pub = report;
	w.config.encryption_pub = tam_pub;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	memset(&w.config.encryption_pub, 0, sizeof(w.config.encryption_pub));
	CHECK_EQ(world_reopen(), PST_OK);
}

/* Every operation of the crypto port fails once: nothing leaves in clear. */
static void
a_port_that_fails_gives_no_evidence_away(void)
{
	uint32_t n;

	for (n = 1; n < 30; n++) {
		BEGIN();
		w.crypto.fault.fail_at = n;
		w.crypto.fault.with = PST_ERR_CRYPTO;
		query(ONE, ONE);
		memset(&w.crypto.fault, 0, sizeof(w.crypto.fault));
		if (PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD))
			CHECK(pst_equal(
			    read_by_tam(), PST_BYTES_LIT("evidence")));
		CHECK_EQ(w.crypto.ciphering, 0);
	}
}

static void
too_little_room_is_said(void)
{
	size_t cap;
	bool fits = false;

	for (cap = 64; cap < 1024; cap += 32) {
		BEGIN();
		w.memory.out_cap = cap;
		CHECK_EQ(world_reopen(), PST_OK);
		query(ONE, ONE);
		if (w.err != PST_OK || w.answer.type == PST_TEEP_ERROR) {
			CHECK(!fits);
			continue;
		}
		fits = true;
		CHECK(pst_equal(read_by_tam(), PST_BYTES_LIT("evidence")));
	}
	CHECK(fits);
}

/* An anchor entry with a key that no ECDH takes, or that signs as well. */
static void
an_encryption_key_only_encrypts(void)
{
	BEGIN();
	w.tams[ONE].encryption_key.kty = PST_KTY_OKP;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.tams[ONE].encryption_key = w.tams[ONE].keys[0];
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.tams[ONE].encryption_key = tam_pub;
	CHECK_EQ(world_reopen(), PST_OK);
}

void
evidence_cases(void)
{
	RUN(evidence_is_encrypted_to_the_tam);
	RUN(encryption_goes_before_a_confidential_transport);
	RUN(without_a_key_there_is_no_evidence);
	RUN(a_confidential_transport_will_do);
	RUN(nobody_but_the_tam_of_the_session_gets_evidence);
	RUN(the_other_keys_are_given_to_the_attester);
	RUN(keys_that_are_attested_are_there);
	RUN(a_port_that_fails_gives_no_evidence_away);
	RUN(too_little_room_is_said);
	RUN(an_encryption_key_only_encrypts);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
