/*
 * Attestation Results in both directions: a passport that one TAM gave and
 * another is shown (RFC 9334, Section 5.1), and TAMs that have to attest
 * before they get anything (draft-ietf-teep-protocol, Section 7.2.1).
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define BEGIN() CHECK(begin())

#define TIMESTAMP (1u << PST_FRESHNESS_TIMESTAMP)
#define NONCE (1u << PST_FRESHNESS_NONCE)
#define V1 "the first version of hello"

static struct pst_signer verifier, other_verifier;
static struct pst_pubkey verifier_pub;
static const struct pst_bytes none = { NULL, 0 };

static bool
make_verifier(struct pst_signer *signer, struct pst_pubkey *pub)
{
	struct pst_key key;
	uint32_t number;
	bool ok;

	ok = pst_key_generate(PST_ALG_ESP256, &key) == PST_OK &&
	    pst_openssl_add(w.outside, &key, &number) == PST_OK &&
	    pst_openssl_signer(w.outside, number, PST_ALG_ESP256, signer) ==
		PST_OK;
	*pub = key.pub;
	pst_key_wipe(&key);
	return ok;
}

static bool
begin(void)
{
	struct pst_pubkey other;

	if (verifier_pub.kty == 0 &&
	    (!make_verifier(&other_verifier, &other) ||
		!make_verifier(&verifier, &verifier_pub)))
		return false;
	if (!world_begin())
		return false;
	w.attester.challenge_len = SIZE_MAX;
	w.tams[TWO].passport = none;
	w.tams[ONE].verifier_count = 0;
	return true;
}

/* A Result about a key; what is not as it should be is set beforehand. */
static struct pst_eat result;
static const struct pst_signer *result_signer;

static void
result_begin(void)
{
	static const uint8_t ueid[17] = { 1, 2, 3 };

	memset(&result, 0, sizeof(result));
	result.ueid = (struct pst_bytes){ ueid, sizeof(ueid) };
	result.oemid = (struct pst_bytes){ ueid, 3 };
	result.hwmodel = PST_BYTES_LIT("test");
	result.hwversion = PST_BYTES_LIT("1");
	result.profile = PST_BYTES_LIT(PST_EAT_TEEP_PROFILE);
	result.manifests.items = PST_BYTES_LIT("\x82\x18\x3c\x41\xa0");
	result.manifests.count = 1;
	result.has_iat = result.has_exp = true;
	result.iat = w.clock.now_s;
	result.exp = w.clock.now_s + 3600;
	result_signer = &verifier;
}

static struct pst_bytes
result_about(const struct pst_pubkey *key)
{
	static uint8_t out[2048];
	const struct pst_crypto *c = pst_openssl_crypto(w.outside);
	struct pst_cose_sign_args args = { .signers = result_signer,
		.count = 1 };
	uint8_t claims[1024], print[PST_THUMBPRINT_LEN];
	struct pst_cbor_writer cw, ow;

	if (pst_cose_thumbprint(c, key, print) != PST_OK)
		return none;
	result.cnf_kid = (struct pst_bytes){ print, sizeof(print) };
	pst_cbor_writer_init(&cw, claims, sizeof(claims));
	pst_eat_encode(&cw, &result);
	args.payload = pst_cbor_written(&cw);
	pst_cbor_writer_init(&ow, out, sizeof(out));
	if (pst_cose_sign1(&ow, c, &args) != PST_OK)
		return none;
	return pst_cbor_written(&ow);
}

static struct pst_teep_message
request(uint32_t freshness)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items = PST_TEEP_ITEM_ATTESTATION;
	q.challenge = PST_BYTES_LIT("challenge-of-32-bytes-0123456789");
	q.freshness = freshness;
	q.present = 1u << PST_LABEL_CHALLENGE |
	    1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	return q;
}

static void
ask(int tam, uint32_t freshness)
{
	struct pst_teep_message q = request(freshness);

	w.attester.challenge_len = SIZE_MAX;
	world_send(tam, world_make_query(tam, &q));
}

/* --- passports ----------------------------------------------------------- */

static void
give(const char *token, struct pst_bytes passport)
{
	struct world_update u = { .tam = ONE, .token = token };

	u.result = passport;
	world_update(&u);
}

static bool
showed_passport(struct pst_bytes passport)
{
	return w.answer.type == PST_TEEP_QUERY_RESPONSE &&
	    pst_equal(w.answer.attestation_payload, passport) &&
	    !PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD_FORMAT) &&
	    w.attester.challenge_len == SIZE_MAX;
}

static bool
showed_evidence(void)
{
	return w.answer.type == PST_TEEP_QUERY_RESPONSE &&
	    pst_equal(w.answer.attestation_payload, PST_BYTES_LIT("evidence"));
}

static void
a_passport_is_shown_to_the_tam_that_is_to_see_it(void)
{
	struct pst_bytes passport;

	BEGIN();
	result_begin();
	passport = result_about(&w.config.pub);
	w.tams[TWO].passport = w.tams[ONE].name;
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_evidence()); /* none has come */
	give("token-01", passport);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_passport(passport));
	/* the one that gave it gets Evidence, as do those who want a nonce */
	ask(ONE, NONCE | TIMESTAMP);
	CHECK(showed_evidence());
	ask(TWO, NONCE);
	CHECK(showed_evidence());
	w.tams[TWO].passport = none;
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_evidence());
}

static void
a_passport_that_would_not_hold_stays_at_home(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		BEGIN();
		w.tams[TWO].passport = w.tams[ONE].name;
		result_begin();
		if (i == 0)
			result.exp = w.clock.now_s + 10;
		if (i == 1)
			result.profile =
			    PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE);
		give("token-01",
		    i == 2	 ? result_about(&w.tam_pub[ONE])
			: i == 3 ? PST_BYTES_LIT("no passport at all")
				 : result_about(&w.config.pub));
		CHECK(world_success());
		w.clock.now_s += 10;
		w.clock.trusted = i != 4;
		ask(TWO, NONCE | TIMESTAMP);
		CHECK(showed_evidence());
	}
}

static void
a_tam_that_refuses_a_passport_gets_evidence_soon(void)
{
	struct world_update refusal = { .tam = TWO,
		.err_code = PST_TEEP_ERR_ATTESTATION_REQUIRED };
	struct pst_bytes passport;
	int i;

	BEGIN();
	w.tams[TWO].passport = w.tams[ONE].name;
	result_begin();
	passport = result_about(&w.config.pub);
	give("token-01", passport);
	/* both were contacted just now */
	for (i = 0; i < 3; i++)
		CHECK_EQ(
		    pst_agent_policy_check(&w.agent, false, &w.out), PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_passport(passport));
	world_update(&refusal);
	CHECK(world_success());
	CHECK_EQ(pst_agent_policy_check(&w.agent, false, &w.out), PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(w.out.tam, TWO);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_evidence());
	/* That is refused too: no reason to come again at once. */
	world_update(&refusal);
	CHECK(world_success());
	for (i = 0; i < 2; i++)
		CHECK_EQ(
		    pst_agent_policy_check(&w.agent, false, &w.out), PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_evidence());
	/* A newer one is no better, for a day. */
	give("token-02", passport);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_evidence());
	w.clock.now_s += PST_AGENT_REFUSED_S;
	result.exp = w.clock.now_s + 3600;
	result.iat = w.clock.now_s;
	passport = result_about(&w.config.pub);
	give("token-03", passport);
	ask(TWO, NONCE | TIMESTAMP);
	CHECK(showed_passport(passport));
}

/* --- TAMs that attest ----------------------------------------------------- */

static void
begin_attested(void)
{
	BEGIN();
	w.tams[ONE].verifiers[0] = verifier_pub;
	w.tams[ONE].verifier_count = 1;
	result_begin();
}

static bool
wants_attestation(void)
{
	return world_failed(
		   PST_TEEP_ERR_ATTESTATION_REQUIRED, PST_ERR_TEEP_ATTEST) &&
	    PST_TEEP_HAS(&w.answer, PST_LABEL_CHALLENGE) &&
	    w.answer.challenge.len == 32 &&
	    PST_TEEP_HAS(&w.answer, PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS) &&
	    w.attester.challenge_len == SIZE_MAX;
}

static void
ask_with(struct pst_bytes payload, struct pst_bytes format)
{
	struct pst_teep_message q = request(NONCE);

	q.attestation_payload = payload;
	q.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD;
	q.attestation_payload_format = format;
	if (format.len > 0)
		q.present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	w.attester.challenge_len = SIZE_MAX;
	world_send(ONE, world_make_query(ONE, &q));
}

/* No Evidence, and no invitation to try the same again. */
static bool
rejected(enum pst_err why)
{
	return world_failed(PST_TEEP_ERR_PERMANENT_ERROR, why) &&
	    !PST_TEEP_HAS(&w.answer, PST_LABEL_CHALLENGE) &&
	    w.attester.challenge_len == SIZE_MAX;
}

static void
a_tam_that_did_not_attest_gets_a_challenge(void)
{
	uint8_t first[32];

	begin_attested();
	ask(ONE, NONCE);
	CHECK(wants_attestation());
	CHECK_EQ(w.answer.freshness, NONCE | TIMESTAMP);
	memcpy(first, w.answer.challenge.ptr, 32);
	ask(ONE, NONCE);
	CHECK(wants_attestation());
	CHECK(memcmp(first, w.answer.challenge.ptr, 32) != 0);
	/* Time is no proof for a device that has no time. */
	w.clock.trusted = false;
	ask(ONE, NONCE);
	CHECK_EQ(w.answer.freshness, NONCE);
	/* The other TAM need not. */
	ask(TWO, NONCE);
	CHECK(showed_evidence());
}

static void
a_result_over_the_challenge_opens_the_session(void)
{
	uint8_t challenge[32];

	begin_attested();
	if (w.mode.rebuild)
		return; /* the challenge is in memory */
	/* Even without a clock, and with times of a clock that differs. */
	w.clock.trusted = false;
	result.iat = 1;
	result.exp = 2;
	ask(ONE, NONCE);
	memcpy(challenge, w.answer.challenge.ptr, 32);
	result.nonce = (struct pst_bytes){ challenge, 32 };
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(showed_evidence());
	/* A challenge is good for one answer. */
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(wants_attestation());
}

static void
a_result_that_is_recent_opens_the_session(void)
{
	begin_attested();
	ask_with(
	    result_about(&w.tam_pub[ONE]), PST_BYTES_LIT(PST_EAT_TEEP_FORMAT));
	CHECK(showed_evidence());
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(showed_evidence());
}

static void
a_challenge_that_was_lost_is_replaced(void)
{
	begin_attested();
	w.clock.trusted = false;
	result.nonce = PST_BYTES_LIT("of a session that is over");
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(wants_attestation());
	if (w.mode.rebuild)
		return;
	/* Once: now there is one that it could have used. */
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(rejected(PST_ERR_EAT_NONCE));
}

static void
what_does_not_prove_the_tam_is_rejected(void)
{
	static const struct {
		const char *what;
		enum pst_err why;
	} rows[] = {
		{ "another key's", PST_ERR_EAT_BINDING },
		{ "by another Verifier", PST_ERR_COSE_SIGNATURE },
		{ "expired", PST_ERR_EAT_EXPIRED },
		{ "made too long ago", PST_ERR_EAT_EXPIRED },
		{ "of tomorrow", PST_ERR_EAT_EXPIRED },
		{ "of another profile", PST_ERR_EAT_PROFILE },
		{ "without hwmodel", PST_ERR_EAT_CLAIM },
		{ "of a TAM under debugging", PST_ERR_EAT_REFUSED },
		{ "Evidence", PST_ERR_UNSUPPORTED },
		{ "no COSE", PST_ERR_CBOR_END },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_bytes payload, format = none;

		begin_attested();
		if (i == 1)
			result_signer = &other_verifier;
		if (i == 2)
			result.exp = w.clock.now_s - 61;
		if (i == 3)
			result.iat -= 86400 + 1;
		if (i == 4)
			result.iat += 86400;
		if (i == 5)
			result.profile =
			    PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE);
		if (i == 6)
			result.hwmodel = none;
		result.has_dbgstat = i == 7;
		if (i == 8)
			format = PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT);
		payload =
		    result_about(i == 0 ? &w.tam_pub[TWO] : &w.tam_pub[ONE]);
		ask_with(i == 9 ? PST_BYTES_LIT("\x84") : payload, format);
		CHECK(rejected(rows[i].why));
	}
}

static void
a_tam_that_did_not_attest_changes_nothing(void)
{
	struct world_manifest m = world_hello(1, V1);

	begin_attested();
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_ATTESTATION_REQUIRED, PST_ERR_TEEP_ATTEST));
	CHECK(world_holds(HELLO, NULL));
	if (w.mode.rebuild)
		return;
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(showed_evidence());
	/* The same Update: it was not seen before. */
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	/* Attesting is good for a while. */
	w.clock.now_s += PST_AGENT_ATTESTED_S;
	m = world_hello(2, "w");
	world_install("token-02", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_ATTESTATION_REQUIRED, PST_ERR_TEEP_ATTEST));
}

static void
one_that_fails_to_attest_is_trusted_no_longer(void)
{
	struct world_manifest m = world_hello(1, V1);

	begin_attested();
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(showed_evidence());
	result_signer = &other_verifier;
	ask_with(result_about(&w.tam_pub[ONE]), none);
	CHECK(rejected(PST_ERR_COSE_SIGNATURE));
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_ATTESTATION_REQUIRED, PST_ERR_TEEP_ATTEST));
}

void
passport_cases(void)
{
	RUN(a_passport_is_shown_to_the_tam_that_is_to_see_it);
	RUN(a_passport_that_would_not_hold_stays_at_home);
	RUN(a_tam_that_refuses_a_passport_gets_evidence_soon);
	RUN(a_tam_that_did_not_attest_gets_a_challenge);
	RUN(a_result_over_the_challenge_opens_the_session);
	RUN(a_result_that_is_recent_opens_the_session);
	RUN(a_challenge_that_was_lost_is_replaced);
	RUN(what_does_not_prove_the_tam_is_rejected);
	RUN(a_tam_that_did_not_attest_changes_nothing);
	RUN(one_that_fails_to_attest_is_trusted_no_longer);
	w.tams[ONE].verifier_count = 0;
	w.tams[TWO].passport = none;
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
