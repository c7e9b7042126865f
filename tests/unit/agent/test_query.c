/*
 * QueryRequests, messages that deserve no more than a refusal, and X.509.
 */
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"

#define BEGIN() CHECK(world_begin())

#define TIMESTAMP (1u << PST_FRESHNESS_TIMESTAMP)
#define NONCE (1u << PST_FRESHNESS_NONCE)

static struct pst_teep_message
attested(void)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items =
	    PST_TEEP_ITEM_ATTESTATION | PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.challenge = PST_BYTES_LIT("challenge-of-32-bytes-0123456789");
	q.present = 1u << PST_LABEL_CHALLENGE;
	return q;
}

static struct pst_teep_message
with_token(void)
{
	struct pst_teep_message q = attested();

	q.data_items = PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.token = PST_BYTES_LIT("query-token");
	q.present = 1u << PST_LABEL_TOKEN;
	return q;
}

static void
query(int tam, const struct pst_teep_message *q)
{
	world_send(tam, world_make_query(tam, q));
}

static bool
refused(uint32_t code, enum pst_err reason)
{
	return world_failed((enum pst_teep_code)code, reason);
}

/* An Error that tells a stranger nothing. */
static bool
bare(void)
{
	return w.answer.type == PST_TEEP_ERROR &&
	    w.answer.present == 1u << PST_LABEL_ERR_MSG;
}

static void
answers_with_evidence_over_the_challenge(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	CHECK(
	    pst_equal(w.answer.attestation_payload, PST_BYTES_LIT("evidence")));
	CHECK(pst_equal(w.answer.attestation_payload_format,
	    PST_BYTES_LIT("application/octet-stream")));
	CHECK(pst_equal((struct pst_bytes){ w.attester.challenge,
			    w.attester.challenge_len },
	    q.challenge));
	CHECK_EQ(w.answer.token.len, 0);
	/* Nothing is installed: the list would be empty. */
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_TC_LIST));
	CHECK(pst_equal(w.out.uri, URI_ONE));
}

static void
answers_with_the_token_and_without_evidence(void)
{
	struct pst_teep_message q = with_token();

	BEGIN();
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	CHECK(pst_equal(w.answer.token, q.token));
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD));
}

static void
lists_components_and_manifests_of_the_tams_scope(void)
{
	struct world_update u = { .token = "token-01", .manifests = 2 };
	struct pst_teep_message q = with_token();
	struct pst_teep_tc tc;
	size_t n[2] = { 0, 0 };
	int tam;

	BEGIN();
	u.manifest[0] = world_hello(1, V1);
	u.manifest[1] = world_hello(1, "w");
	u.manifest[1].id = WORLD_MANIFEST;
	u.manifest[1].image[0].id = WORLD;
	u.manifest[1].image[0].uri = "https://files.example/world";
	world_update(&u);
	CHECK(world_success());
	for (tam = ONE; tam <= TWO; tam++) {
		query(tam, &q);
		while (pst_teep_next_tc(&w.answer.tc_list, &tc)) {
			bool bb =
			    pst_component_id_under(tc.component_id, PREFIX_BB);

			CHECK_EQ(tc.digest_alg, PST_ALG_SHA256);
			CHECK(tam == ONE || bb);
			if (pst_equal(tc.component_id, HELLO))
				CHECK_EQ(tc.image_size, sizeof(V1) - 1);
			if (pst_equal(tc.component_id, WORLD_MANIFEST))
				CHECK(!tc.has_image_size);
			n[tam]++;
		}
	}
	CHECK_EQ(n[ONE], 4);
	CHECK_EQ(n[TWO], 2);
}

/* draft-ietf-teep-protocol, Section 8.1: one signature a suite. */
static void
accepts_several_signatures_of_which_it_knows_one(void)
{
	struct pst_teep_message q = with_token();
	struct pst_cose_sign_args args = { .count = 2 };
	struct pst_signer signers[2];
	static uint8_t payload[1024], bytes[2048];
	struct pst_cbor_writer c;

	BEGIN();
	pst_cbor_writer_init(&c, payload, sizeof(payload));
	CHECK_EQ(pst_teep_encode(&c, &q), PST_OK);
	args.payload = pst_cbor_written(&c);
	args.signers = signers;
	signers[0] = w.tam_key[TWO];
	signers[1] = w.tam_key[ONE];
	pst_cbor_writer_init(&c, bytes, sizeof(bytes));
	CHECK_EQ(
	    pst_cose_sign(&c, pst_openssl_crypto(w.outside), &args), PST_OK);
	world_send(ONE, pst_cbor_written(&c));
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	world_send(TWO, pst_cbor_written(&c));
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	signers[1] = w.tam_key[STRANGER];
	pst_cbor_writer_init(&c, bytes, sizeof(bytes));
	CHECK_EQ(
	    pst_cose_sign(&c, pst_openssl_crypto(w.outside), &args), PST_OK);
	world_send(ONE, pst_cbor_written(&c));
	CHECK(bare());
}

static void
a_stranger_learns_nothing(void)
{
	struct pst_teep_message q = with_token();

	BEGIN();
	query(STRANGER, &q); /* no such session */
	CHECK_EQ(w.err, PST_ERR_AGENT_TAM);
	world_send(ONE, world_make_query(STRANGER, &q));
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_COSE_SIGNATURE));
	CHECK(bare());
	/* A TAM's key is good for its own session only. */
	world_send(TWO, world_make_query(ONE, &q));
	CHECK(bare());
	/* Not even which suites there are. */
	w.config.suites = PST_SUITE_ESP256;
	world_send(TWO, world_make_query(TWO, &q));
	w.config.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	CHECK(bare());
}

static void
errors_to_strangers_are_few_a_minute(void)
{
	struct pst_teep_message q = with_token();
	struct pst_bytes bytes = PST_BYTES_LIT("\x84nonsense");
	size_t i;

	BEGIN();
	if (w.mode.rebuild)
		return; /* counted in memory */
	for (i = 0; i < PST_AGENT_ERRORS_PER_MINUTE; i++) {
		world_send(ONE, bytes);
		CHECK(bare());
	}
	world_send(ONE, bytes);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	CHECK(w.out.reason != PST_OK);
	/* Another session, and authentic messages, are not concerned. */
	world_send(TWO, bytes);
	CHECK(bare());
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	w.clock.now_s += 60;
	world_send(ONE, bytes);
	CHECK(bare());
}

static void
negotiation_errors_carry_the_lists_that_the_text_wants(void)
{
	static const uint8_t version_1[] = { 1 };
	struct pst_teep_message q = with_token();

	BEGIN();
	q.present |= 1u << PST_LABEL_VERSIONS;
	q.versions.items = (struct pst_bytes){ version_1, 1 };
	q.versions.count = 1;
	query(ONE, &q);
	CHECK(refused(
	    PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION, PST_ERR_TEEP_VERSION));
	CHECK_EQ(w.answer.versions.count, 1);
	CHECK(pst_equal(w.answer.token, q.token));
	q = with_token();
	q.suites = PST_SUITE_ED25519;
	query(ONE, &q);
	CHECK(refused(
	    PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES, PST_ERR_TEEP_SUITE));
	CHECK_EQ(w.answer.suites, PST_SUITE_ESP256);
	q = attested();
	q.present |= 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	q.freshness = 1u << 7;
	query(ONE, &q);
	CHECK(refused(PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS,
	    PST_ERR_TEEP_FRESHNESS));
	CHECK_EQ(w.answer.freshness, NONCE | TIMESTAMP);
	/* Time is no proof on a device that has no time. */
	w.clock.trusted = false;
	q.freshness = TIMESTAMP;
	query(ONE, &q);
	CHECK(refused(PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS,
	    PST_ERR_TEEP_FRESHNESS));
	CHECK_EQ(w.answer.freshness, NONCE);
}

static void
a_nonce_that_was_not_sent_is_an_inconsistent_request(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	q.present = 0;
	query(ONE, &q);
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_FIELD));
	q.present = 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	q.freshness = NONCE | TIMESTAMP;
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	CHECK_EQ(w.attester.challenge_len, 0);
}

static void
reports_that_cannot_be_read_are_told(void)
{
	struct pst_teep_message q = with_token();

	BEGIN();
	q.present |= 1u << PST_LABEL_SUIT_REPORTS;
	q.suit_reports.count = 1;
	q.suit_reports.items = PST_BYTES_LIT("\x41\xa0");
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	/* COSE_Sign1 by an algorithm that is known, and one that is not */
	q.suit_reports.items =
	    PST_BYTES_LIT("\x49\xd2\x84\x43\xa1\x01\x28\xa0\x40\x40");
	query(ONE, &q);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	q.suit_reports.items =
	    PST_BYTES_LIT("\x49\xd2\x84\x43\xa1\x01\x20\xa0\x40\x40");
	query(ONE, &q);
	CHECK(
	    refused(PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT, PST_ERR_TEEP_REPORT));
	/* COSE_Encrypt0 */
	q.suit_reports.items = PST_BYTES_LIT("\x45\xd0\x83\x40\xa0\x40");
	query(ONE, &q);
	CHECK(
	    refused(PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT, PST_ERR_TEEP_REPORT));
	CHECK(w.answer.profiles != 0);
}

static void
an_attester_that_fails_is_an_error(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	w.attester.fault.fail_at = 1;
	w.attester.fault.calls = 0;
	w.attester.fault.with = PST_ERR_CRYPTO;
	query(ONE, &q);
	CHECK(refused(PST_TEEP_ERR_TEMPORARY_ERROR, PST_ERR_CRYPTO));
}

static void
messages_that_an_agent_sends_are_refused(void)
{
	struct pst_teep_message m = { .type = PST_TEEP_SUCCESS };

	BEGIN();
	query(ONE, &m);
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_TYPE));
	m.type = PST_TEEP_QUERY_RESPONSE;
	query(ONE, &m);
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_TYPE));
	m.type = PST_TEEP_ERROR;
	m.err_code = PST_TEEP_ERR_PERMANENT_ERROR;
	query(ONE, &m);
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_TYPE));
}

static void
authentic_nonsense_is_a_permanent_error(void)
{
	static const struct {
		const char *why;
		struct pst_bytes payload;
	} rows[] = {
		{ "no array", { (const uint8_t *)"\xa0", 1 } },
		{ "unknown type", { (const uint8_t *)"\x82\x04\xa0", 3 } },
		{ "token of 1 byte",
		    { (const uint8_t *)"\x82\x03\xa1\x14\x41x", 6 } },
		{ "duplicate label",
		    { (const uint8_t *)"\x82\x03\xa2\x17\x01\x17\x01", 7 } },
		{ "trailing byte", { (const uint8_t *)"\x82\x03\xa0\x00", 4 } },
		{ "surplus element",
		    { (const uint8_t *)"\x83\x03\xa0\x00", 4 } },
	};
	size_t i;

	BEGIN();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_send(ONE, world_sign(ONE, rows[i].payload));
		CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
		CHECK_EQ(w.answer.err_code, PST_TEEP_ERR_PERMANENT_ERROR);
		CHECK_EQ(w.answer.token.len, 0);
	}
}

static void
a_message_over_the_limit_is_refused_unread(void)
{
	static uint8_t large[32768];
	struct pst_bytes bytes = { large, 0 };
	uint64_t tried;

	BEGIN();
	tried = w.crypto.verified;
	bytes.len = w.memory.message_cap + 1;
	world_send(ONE, bytes);
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_TOO_LARGE));
	CHECK_EQ(w.crypto.verified, tried);
	bytes.len = PST_MESSAGE_MAX + 1; /* never looked at */
	world_send(ONE, bytes);
	CHECK_EQ(w.out.reason, PST_ERR_TEEP_TOO_LARGE);
}

static void
every_truncation_and_flipped_byte_is_refused(void)
{
	struct pst_teep_message q = with_token();
	static uint8_t bytes[1024];
	struct pst_bytes good, cut = { bytes, 0 };
	size_t i;

	BEGIN();
	good = world_make_query(ONE, &q);
	memcpy(bytes, good.ptr, good.len);
	for (i = 0; i < good.len; i++) {
		cut.len = i;
		world_send(ONE, cut);
		CHECK(w.out.what == PST_AGENT_NOTHING || bare());
		cut.len = good.len;
		bytes[i] ^= 1;
		world_send(ONE, cut);
		/* The kid in the unprotected header is only a hint. */
		CHECK(w.out.what == PST_AGENT_NOTHING || bare() ||
		    w.answer.type == PST_TEEP_QUERY_RESPONSE);
		if (w.answer.type == PST_TEEP_QUERY_RESPONSE)
			CHECK(pst_equal(w.answer.token, q.token));
		bytes[i] ^= 1;
	}
	world_send(ONE, cut);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
}

/* --- X.509 -------------------------------------------------------------- */

static uint8_t root_der[1024], leaf_der[1024];
static struct pst_bytes root = { root_der, 0 }, leaf = { leaf_der, 0 };

static bool
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* What a strict reading of RFC 5280 wants in a certificate. */
static bool
extend_all(X509 *cert, X509 *issuer)
{
	bool ca = cert == issuer;

	return extend(cert, issuer, NID_basic_constraints,
		   ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	    extend(cert, issuer, NID_key_usage,
		ca ? "critical,keyCertSign" : "critical,digitalSignature") &&
	    extend(cert, issuer, NID_subject_key_identifier, "hash") &&
	    extend(cert, issuer, NID_authority_key_identifier, "keyid:always");
}

/* A certificate for key; issuer NULL makes a root. */
static X509 *
issue(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const char *name,
    const long valid[2])
{
	X509 *cert = X509_new();
	X509_NAME *n = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	ASN1_TIME_set(X509_getm_notBefore(cert), valid[0]);
	ASN1_TIME_set(X509_getm_notAfter(cert), valid[1]);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    cert, X509_get_subject_name(issuer == NULL ? cert : issuer));
	if (!extend_all(cert, issuer == NULL ? cert : issuer) ||
	    X509_sign(cert, issuer_key, EVP_sha256()) <= 0)
		abort();
	return cert;
}

static size_t
to_der(X509 *cert, uint8_t *out)
{
	unsigned char *p = out;
	int len = i2d_X509(cert, &p);

	X509_free(cert);
	return len > 0 ? (size_t)len : 0;
}

/* The key pair becomes the STRANGER's. */
static bool
take_key(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct pst_bytes pem = { NULL, 0 };
	struct pst_key parsed;
	uint32_t number = 0;
	char *data;
	bool ok;

	ok = PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) > 0;
	pem.len = (size_t)BIO_get_mem_data(bio, &data);
	pem.ptr = (const uint8_t *)data;
	ok = ok && pst_key_parse(pem, &parsed, NULL) == PST_OK &&
	    pst_openssl_add(w.outside, &parsed, &number) == PST_OK &&
	    pst_openssl_signer(w.outside, number, PST_ALG_ESP256,
		&w.tam_key[STRANGER]) == PST_OK;
	BIO_free(bio);
	return ok;
}

/* A root and a leaf with the STRANGER's key. */
static bool
make_chain(long from_s, long to_s)
{
	static const long always[2] = { 0, 4000000000 };
	const long valid[2] = { from_s, to_s };
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = issue(ca_key, NULL, ca_key, "root", always);
	X509 *cert = issue(key, ca, ca_key, "tam", valid);
	bool ok = take_key(key);

	leaf.len = to_der(cert, leaf_der);
	root.len = to_der(ca, root_der);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return ok;
}

static struct pst_bytes
with_chain(const struct pst_teep_message *q)
{
	static uint8_t payload[1024], bytes[4096], header[2048];
	struct pst_cose_sign_args args = { .count = 1 };
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, payload, sizeof(payload));
	if (pst_teep_encode(&c, q) != PST_OK)
		abort();
	args.payload = pst_cbor_written(&c);
	args.signers = &w.tam_key[STRANGER];
	pst_cbor_writer_init(&c, header, sizeof(header));
	pst_cbor_put_bstr(&c, leaf);
	args.x5chain = pst_cbor_written(&c);
	pst_cbor_writer_init(&c, bytes, sizeof(bytes));
	if (pst_cose_sign1(&c, pst_openssl_crypto(w.outside), &args) != PST_OK)
		abort();
	return pst_cbor_written(&c);
}

static void
a_tam_may_be_anchored_by_a_certificate(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	CHECK(make_chain(1700000000, 1900000000));
	world_send(ONE, with_chain(&q));
	CHECK(bare());
	w.tams[ONE].root = root;
	world_send(ONE, with_chain(&q));
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	/* Another TAM's root is not this one's. */
	world_send(TWO, with_chain(&q));
	CHECK(bare());
	w.tams[ONE].root = (struct pst_bytes){ NULL, 0 };
}

static void
an_expired_certificate_is_called_that(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	CHECK(make_chain(1700000000, 1750000000));
	w.tams[ONE].root = root;
	world_send(ONE, with_chain(&q));
	w.tams[ONE].root = (struct pst_bytes){ NULL, 0 };
	CHECK(refused(
	    PST_TEEP_ERR_CERTIFICATE_EXPIRED, PST_ERR_COSE_CERT_EXPIRED));
	CHECK(bare());
}

static void
a_certificate_needs_a_clock_that_can_be_relied_on(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	CHECK(make_chain(1700000000, 1900000000));
	w.tams[ONE].root = root;
	w.clock.trusted = false;
	world_send(ONE, with_chain(&q));
	CHECK(bare());
	CHECK_EQ(w.answer.err_code, PST_TEEP_ERR_TEMPORARY_ERROR);
	CHECK_EQ(w.out.reason, PST_ERR_CLOCK);
	/* A key of the configuration has no time of validity. */
	world_send(ONE, world_make_query(ONE, &q));
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	w.clock.trusted = true;
	world_send(ONE, with_chain(&q));
	w.tams[ONE].root = (struct pst_bytes){ NULL, 0 };
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
}

static void
a_certificate_that_may_expire_is_not_cached(void)
{
	struct pst_teep_message q = attested();

	BEGIN();
	CHECK(make_chain(1700000000, 1900000000));
	w.tams[ONE].root = root;
	q.present = 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	q.freshness = TIMESTAMP;
	world_send(ONE, with_chain(&q));
	w.tams[ONE].root = (struct pst_bytes){ NULL, 0 };
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	w.err = pst_agent_request_ta(
	    &w.agent, HELLO, (struct pst_bytes){ NULL, 0 }, &w.out);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
}

void
query_cases(void)
{
	RUN(answers_with_evidence_over_the_challenge);
	RUN(answers_with_the_token_and_without_evidence);
	RUN(lists_components_and_manifests_of_the_tams_scope);
	RUN(accepts_several_signatures_of_which_it_knows_one);
	RUN(a_stranger_learns_nothing);
	RUN(errors_to_strangers_are_few_a_minute);
	RUN(negotiation_errors_carry_the_lists_that_the_text_wants);
	RUN(a_nonce_that_was_not_sent_is_an_inconsistent_request);
	RUN(reports_that_cannot_be_read_are_told);
	RUN(an_attester_that_fails_is_an_error);
	RUN(messages_that_an_agent_sends_are_refused);
	RUN(authentic_nonsense_is_a_permanent_error);
	RUN(a_message_over_the_limit_is_refused_unread);
	RUN(every_truncation_and_flipped_byte_is_refused);
	RUN(a_tam_may_be_anchored_by_a_certificate);
	RUN(an_expired_certificate_is_called_that);
	RUN(a_certificate_needs_a_clock_that_can_be_relied_on);
	RUN(a_certificate_that_may_expire_is_not_cached);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
