/*
 * Appraisal of Evidence and of Attestation Results, with fresh keys: a device
 * (attestation key and TEEP key), a Verifier, and strangers.
 */
#include "verifier/verifier.h"

#include "ports/openssl/openssl.h"
#include "test.h"

enum { NOW = 1700000000, SKEW = 60, MAX_AGE = 600 };

static const struct pst_bytes none = { NULL, 0 };
static struct pst_bytes evidence_format, challenge;

static struct pst_openssl *port;
static const struct pst_crypto *crypto;

struct party {
	struct pst_pubkey pub;
	struct pst_signer signer;
};
static struct party device, agent, stranger, authority;

/* Key sources with one key each; who says which. */
static enum pst_err
find_one(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct party *p = ctx;

	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = p->pub;
	*who = 42;
	return PST_OK;
}

static struct pst_keys device_keys = { .ctx = &device, .find = find_one };
static struct pst_keys authority_keys = { .ctx = &authority, .find = find_one };
static struct pst_verifier verifier;

static void
make_party(struct party *p, int32_t alg)
{
	struct pst_key key;
	uint32_t number;

	CHECK_EQ(pst_key_generate(alg, &key), PST_OK);
	p->pub = key.pub;
	CHECK_EQ(pst_openssl_add(port, &key, &number), PST_OK);
	CHECK_EQ(pst_openssl_signer(port, number, 0, &p->signer), PST_OK);
}

static void
set_up(void)
{
	verifier.crypto = crypto;
	verifier.attesters = &device_keys;
	verifier.verifiers = &authority_keys;
	verifier.skew_s = SKEW;
	verifier.max_age_s = MAX_AGE;
	verifier.allow_debug = false;
	verifier.need_reference = false;
}

static uint8_t evidence_bytes[2048];

/* Evidence of the device about `key`. */
static struct pst_bytes
evidence(struct pst_bytes nonce, const struct pst_pubkey *key, bool debug)
{
	static uint8_t software[32];
	struct pst_eat_attester s = { 0 };
	struct pst_attester a;
	struct pst_bytes format;
	size_t len = 0;

	s.crypto = crypto;
	s.key = device.signer;
	s.ueid = PST_BYTES_LIT("\1device");
	s.oemid = PST_BYTES_LIT("oem");
	s.hwmodel = PST_BYTES_LIT("model");
	s.hwversion = PST_BYTES_LIT("1");
	s.swname = PST_BYTES_LIT("urn:example:agent");
	s.software.alg = PST_ALG_SHA256;
	s.software.bytes = (struct pst_bytes){ software, sizeof(software) };
	s.debug_enabled = debug;
	pst_eat_attester_init(&a, &s);
	if (a.evidence(a.ctx,
		&(struct pst_attest_request){
		    .challenge = nonce, .key = key, .now_s = NOW },
		evidence_bytes, sizeof(evidence_bytes), &len,
		&format) != PST_OK)
		return none;
	return (struct pst_bytes){ evidence_bytes, len };
}

/* An Attestation Result about the agent's key, as the claims say. */
static struct pst_bytes
result(const struct pst_eat *claims, const struct party *signer)
{
	static uint8_t out[2048];
	uint8_t payload[1024];
	struct pst_cose_sign_args args = { 0 };
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, payload, sizeof(payload));
	pst_eat_encode(&w, claims);
	args.payload = pst_cbor_written(&w);
	args.signers = &signer->signer;
	args.count = 1;
	pst_cbor_writer_init(&w, out, sizeof(out));
	if (pst_cose_sign1(&w, crypto, &args) != PST_OK)
		return none;
	return pst_cbor_written(&w);
}

static uint8_t agent_thumbprint[PST_THUMBPRINT_LEN];

static struct pst_eat
result_claims(void)
{
	struct pst_eat e;

	memset(&e, 0, sizeof(e));
	e.ueid = PST_BYTES_LIT("\1device");
	e.oemid = PST_BYTES_LIT("oem");
	e.hwmodel = PST_BYTES_LIT("model");
	e.hwversion = PST_BYTES_LIT("1");
	e.manifests.items = PST_BYTES_LIT("\x82\x18\x3c\x40");
	e.manifests.count = 1;
	e.cnf_kid = (struct pst_bytes){ agent_thumbprint, PST_THUMBPRINT_LEN };
	e.has_iat = true;
	e.iat = NOW;
	return e;
}

static enum pst_err
appraise(struct pst_bytes payload, struct pst_bytes format,
    struct pst_bytes nonce, const struct pst_pubkey *key, uint64_t now_s)
{
	struct pst_appraisal a;
	enum pst_err err = pst_verifier_appraise(
	    &verifier, payload, format, nonce, key, now_s, &a);

	/* What is returned, what is recorded and the verdict agree. */
	if (a.why != err || a.accepted != (err == PST_OK) ||
	    a.technology == NULL || a.check_count == 0)
		return PST_ERR_STATE;
	return err;
}

static void
accepts_evidence_of_an_enrolled_device(void)
{
	struct pst_appraisal a;
	size_t i;

	set_up();
	CHECK_EQ(pst_verifier_appraise(&verifier,
		     evidence(challenge, &agent.pub, false), evidence_format,
		     challenge, &agent.pub, NOW, &a),
	    PST_OK);
	CHECK(a.accepted && a.opened && !a.is_result);
	CHECK_EQ(a.who, 42);
	CHECK(strcmp(a.technology, "eat") == 0);
	CHECK(pst_equal(a.claims.ueid, PST_BYTES_LIT("\1device")));
	CHECK(a.has_agent_key && pst_pubkey_equal(&a.agent_key, &agent.pub));
	CHECK(memcmp(a.key_id, device.signer.kid, PST_THUMBPRINT_LEN) == 0);
	for (i = 0; i < a.check_count; i++)
		CHECK_EQ(a.checks[i].err, PST_OK);
}

static void
the_media_type_is_compared_by_its_parts(void)
{
	struct pst_bytes e;

	set_up();
	e = evidence(challenge, &agent.pub, false);
	CHECK_EQ(appraise(e,
		     PST_BYTES_LIT("Application/EAT+CWT;EAT_PROFILE="
				   "\"" PST_EAT_EVIDENCE_PROFILE "\""),
		     challenge, &agent.pub, NOW),
	    PST_OK);
	CHECK_EQ(appraise(e, PST_BYTES_LIT("application/eat+cwt"), challenge,
		     &agent.pub, NOW),
	    PST_ERR_UNSUPPORTED);
	CHECK_EQ(
	    appraise(e, PST_BYTES_LIT("application/eat+cwt; eat_profile=\"x\""),
		challenge, &agent.pub, NOW),
	    PST_ERR_UNSUPPORTED);
	CHECK(!pst_verifier_knows(PST_BYTES_LIT("application/eat+cwt")));
	CHECK(pst_verifier_knows(evidence_format));
	CHECK(pst_verifier_knows(none));
}

/* design.md, section 5: a payload without a format is an Attestation Result,
 * and only one that a trusted Verifier signed is accepted. */
static void
evidence_without_a_format_is_refused(void)
{
	struct pst_bytes e;

	set_up();
	e = evidence(challenge, &agent.pub, false);
	CHECK_EQ(appraise(e, none, challenge, &agent.pub, NOW),
	    PST_ERR_COSE_SIGNATURE);
	verifier.verifiers = NULL;
	CHECK_EQ(
	    appraise(e, none, challenge, &agent.pub, NOW), PST_ERR_COSE_KEY);
	/* Not even when the device's key is taken for a Verifier's. */
	verifier.verifiers = &device_keys;
	CHECK_EQ(
	    appraise(e, none, challenge, &agent.pub, NOW), PST_ERR_EAT_PROFILE);
}

static void
a_result_is_no_evidence(void)
{
	struct pst_eat claims = result_claims();

	set_up();
	CHECK_EQ(appraise(result(&claims, &device), evidence_format, challenge,
		     &agent.pub, NOW),
	    PST_ERR_EAT_PROFILE);
}

static void
refuses_an_unknown_attestation_key(void)
{
	struct pst_bytes e;

	set_up();
	device_keys.ctx = &stranger;
	e = evidence(challenge, &agent.pub, false);
	CHECK_EQ(appraise(e, evidence_format, challenge, &agent.pub, NOW),
	    PST_ERR_COSE_SIGNATURE);
	verifier.attesters = NULL;
	CHECK_EQ(appraise(e, evidence_format, challenge, &agent.pub, NOW),
	    PST_ERR_COSE_KEY);
	device_keys.ctx = &device;
}

/* The unprotected bucket holds hints; the rest is signed or is shape. */
static void
refuses_every_flipped_byte_and_every_truncation(void)
{
	struct pst_cose_message msg;
	struct pst_bytes e;
	size_t i, hints;

	set_up();
	e = evidence(challenge, &agent.pub, false);
	CHECK_EQ(pst_cose_parse(e, PST_TAG_SIGN1, &msg, NULL), PST_OK);
	hints = (size_t)(msg.unprotected.ptr - e.ptr);
	for (i = 0; i < e.len; i++) {
		evidence_bytes[i] ^= 1;
		CHECK((i >= hints && i < hints + msg.unprotected.len) ||
		    appraise(e, evidence_format, challenge, &agent.pub, NOW) !=
			PST_OK);
		evidence_bytes[i] ^= 1;
		CHECK(appraise((struct pst_bytes){ e.ptr, i }, evidence_format,
			  challenge, &agent.pub, NOW) != PST_OK);
	}
	CHECK_EQ(
	    appraise(e, evidence_format, challenge, &agent.pub, NOW), PST_OK);
}

/* pitfalls, Attestation: a used, fixed or missing challenge is accepted. */
static void
refuses_evidence_for_another_challenge(void)
{
	static const uint8_t longer[512] = { 1 };
	struct pst_bytes big = { longer, sizeof(longer) };
	struct pst_bytes e;

	set_up();
	e = evidence(challenge, &agent.pub, false);
	CHECK_EQ(appraise(e, evidence_format,
		     PST_BYTES_LIT("another challenge"), &agent.pub, NOW),
	    PST_ERR_EAT_NONCE);
	e = evidence(none, &agent.pub, false);
	CHECK_EQ(appraise(e, evidence_format, challenge, &agent.pub, NOW),
	    PST_ERR_EAT_NONCE);
	e = evidence(big, &agent.pub, false);
	CHECK_EQ(appraise(e, evidence_format, big, &agent.pub, NOW), PST_OK);
	big.len--;
	CHECK_EQ(appraise(e, evidence_format, big, &agent.pub, NOW),
	    PST_ERR_EAT_NONCE);
}

static void
without_a_challenge_its_age_counts(void)
{
	struct pst_bytes e;

	set_up();
	e = evidence(none, &agent.pub, false);
	CHECK_EQ(appraise(e, evidence_format, none, &agent.pub, NOW), PST_OK);
	CHECK_EQ(appraise(e, evidence_format, none, &agent.pub, NOW + MAX_AGE),
	    PST_OK);
	CHECK_EQ(
	    appraise(e, evidence_format, none, &agent.pub, NOW + MAX_AGE + 1),
	    PST_ERR_EAT_EXPIRED);
	CHECK_EQ(
	    appraise(e, evidence_format, none, &agent.pub, NOW - SKEW), PST_OK);
	CHECK_EQ(appraise(e, evidence_format, none, &agent.pub, NOW - SKEW - 1),
	    PST_ERR_EAT_EXPIRED);
}

/* pitfalls, Attestation: cnf is not compared with the key that signed. */
static void
refuses_evidence_of_another_agent(void)
{
	struct pst_bytes e;

	set_up();
	e = evidence(challenge, &stranger.pub, false);
	CHECK_EQ(appraise(e, evidence_format, challenge, &agent.pub, NOW),
	    PST_ERR_EAT_BINDING);
}

static void
a_device_that_can_be_debugged_is_refused_unless_allowed(void)
{
	struct pst_bytes e;

	set_up();
	e = evidence(challenge, &agent.pub, true);
	CHECK_EQ(appraise(e, evidence_format, challenge, &agent.pub, NOW),
	    PST_ERR_EAT_REFUSED);
	verifier.allow_debug = true;
	CHECK_EQ(
	    appraise(e, evidence_format, challenge, &agent.pub, NOW), PST_OK);
}

static void
accepts_a_result_of_a_trusted_verifier(void)
{
	struct pst_eat claims = result_claims();
	struct pst_appraisal a;
	struct pst_bytes r;

	set_up();
	r = result(&claims, &authority);
	CHECK_EQ(pst_verifier_appraise(
		     &verifier, r, none, none, &agent.pub, NOW, &a),
	    PST_OK);
	CHECK(a.is_result && a.accepted);
	CHECK_EQ(appraise(r, PST_BYTES_LIT(PST_EAT_TEEP_FORMAT), none,
		     &agent.pub, NOW),
	    PST_OK);
	CHECK_EQ(
	    appraise(r, none, none, &stranger.pub, NOW), PST_ERR_EAT_BINDING);
	CHECK_EQ(appraise(r, none, none, &agent.pub, NOW + MAX_AGE + 1),
	    PST_ERR_EAT_EXPIRED);
	CHECK_EQ(
	    appraise(result(&claims, &stranger), none, none, &agent.pub, NOW),
	    PST_ERR_COSE_SIGNATURE);
}

static void
a_result_must_be_fresh_and_complete(void)
{
	struct pst_eat claims = result_claims();

	set_up();
	claims.has_iat = false;
	CHECK_EQ(
	    appraise(result(&claims, &authority), none, none, &agent.pub, NOW),
	    PST_ERR_EAT_NONCE);
	claims.nonce = challenge;
	CHECK_EQ(appraise(result(&claims, &authority), none, challenge,
		     &agent.pub, NOW),
	    PST_OK);
	claims = result_claims();
	claims.has_exp = true;
	claims.exp = NOW - SKEW;
	CHECK_EQ(
	    appraise(result(&claims, &authority), none, none, &agent.pub, NOW),
	    PST_ERR_EAT_EXPIRED);
	claims = result_claims();
	claims.cnf_kid = none;
	CHECK_EQ(
	    appraise(result(&claims, &authority), none, none, &agent.pub, NOW),
	    PST_ERR_EAT_CLAIM);
	claims = result_claims();
	claims.hwversion = none;
	CHECK_EQ(
	    appraise(result(&claims, &authority), none, none, &agent.pub, NOW),
	    PST_ERR_EAT_CLAIM);
}

static enum pst_err
appraise_by(const char *rules)
{
	struct pst_bytes json = { (const uint8_t *)rules, strlen(rules) };
	struct pst_endorsements *e = pst_endorsements_new();
	struct pst_bytes in = evidence(challenge, &agent.pub, false);
	enum pst_err err = PST_ERR_STATE;

	if (e != NULL &&
	    (json.len == 0 ||
		pst_endorsements_add(e, PST_ENDORSE_REFERENCE, json, NULL) ==
		    PST_OK)) {
		verifier.endorsements = e;
		err = appraise(in, evidence_format, challenge, &agent.pub, NOW);
		verifier.endorsements = NULL;
	}
	pst_endorsements_free(&e);
	return err;
}

/* What the device measured is 32 bytes of zero. */
static void
reference_values_are_asked_of_an_eat(void)
{
	static const char good[] =
	    "{\"eat\": {\"measurement\": "
	    "[\"000000000000000000000000000000000000"
	    "0000000000000000000000000000\"], \"sw-name\": "
	    "[\"urn:example:agent\"]}}";
	static const char other[] = "{\"eat\": {\"measurement\": "
				    "[\"010000000000000000000000000000000000"
				    "0000000000000000000000000000\"]}}";

	set_up();
	CHECK_EQ(appraise_by(""), PST_OK);
	CHECK_EQ(appraise_by(good), PST_OK);
	CHECK_EQ(appraise_by(other), PST_ERR_EAT_REFUSED);
	CHECK_EQ(
	    appraise_by("{\"eat\": {\"no-claim\": [1]}}"), PST_ERR_EAT_REFUSED);
	CHECK_EQ(appraise_by("{\"snp\": {\"vmpl\": [1]}}"), PST_OK);
	verifier.need_reference = true;
	CHECK_EQ(appraise_by(good), PST_OK);
	CHECK_EQ(appraise_by(""), PST_ERR_EAT_REFUSED);
	CHECK_EQ(
	    appraise_by("{\"snp\": {\"vmpl\": [1]}}"), PST_ERR_EAT_REFUSED);
}

/* Only what was opened can be judged, and refusal stays refusal. */
static void
judging_needs_an_open_payload(void)
{
	struct pst_appraisal a;

	set_up();
	CHECK(pst_verifier_open(&verifier, PST_BYTES_LIT("\x80"),
		  evidence_format, NOW, &a) != PST_OK);
	CHECK(!a.opened);
	CHECK(pst_verifier_judge(&verifier, challenge, &agent.pub, NOW, &a) !=
	    PST_OK);
	CHECK(!a.accepted);
	memset(&a, 0, sizeof(a));
	a.technology = "eat";
	CHECK_EQ(pst_verifier_judge(&verifier, challenge, &agent.pub, NOW, &a),
	    PST_ERR_STATE);
}

static void
the_agents_key_is_enrolled_or_comes_from_verified_evidence(void)
{
	struct pst_keys enrolled = { .ctx = &stranger, .find = find_one };
	struct pst_agent_keys from = { .enrolled = &enrolled };
	struct pst_cose_headers headers = { 0 };
	struct pst_appraisal a;
	struct pst_pubkey key;
	struct pst_keys keys;
	uint32_t who;

	set_up();
	pst_agent_keys_init(&keys, &from);
	CHECK_EQ(keys.find(keys.ctx, &headers, 0, &key, &who), PST_OK);
	CHECK_EQ(who, 42);
	CHECK_EQ(
	    keys.find(keys.ctx, &headers, 1, &key, &who), PST_ERR_NOT_FOUND);
	CHECK_EQ(
	    pst_verifier_open(&verifier, evidence(challenge, &agent.pub, false),
		evidence_format, NOW, &a),
	    PST_OK);
	from.evidence = &a;
	CHECK_EQ(keys.find(keys.ctx, &headers, 1, &key, &who), PST_OK);
	CHECK_EQ(who, PST_WHO_EVIDENCE);
	CHECK(pst_pubkey_equal(&key, &agent.pub));
	CHECK_EQ(
	    keys.find(keys.ctx, &headers, 2, &key, &who), PST_ERR_NOT_FOUND);
	from.enrolled = NULL;
	CHECK_EQ(keys.find(keys.ctx, &headers, 0, &key, &who), PST_OK);
	CHECK_EQ(
	    keys.find(keys.ctx, &headers, 1, &key, &who), PST_ERR_NOT_FOUND);
	/* Evidence whose signature did not verify names nobody. */
	a.opened = false;
	CHECK_EQ(
	    keys.find(keys.ctx, &headers, 0, &key, &who), PST_ERR_NOT_FOUND);
}

int
main(void)
{
	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	evidence_format = PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT);
	challenge = PST_BYTES_LIT("0123456789abcdef0123456789abcdef");
	make_party(&device, PST_ALG_ESP256);
	make_party(&agent, PST_ALG_ESP256);
	make_party(&stranger, PST_ALG_ESP256);
	make_party(&authority, PST_ALG_ESP256);
	if (test_failed ||
	    pst_cose_thumbprint(crypto, &agent.pub, agent_thumbprint) != PST_OK)
		return 1;
	RUN(accepts_evidence_of_an_enrolled_device);
	RUN(the_media_type_is_compared_by_its_parts);
	RUN(evidence_without_a_format_is_refused);
	RUN(a_result_is_no_evidence);
	RUN(refuses_an_unknown_attestation_key);
	RUN(refuses_every_flipped_byte_and_every_truncation);
	RUN(refuses_evidence_for_another_challenge);
	RUN(without_a_challenge_its_age_counts);
	RUN(refuses_evidence_of_another_agent);
	RUN(a_device_that_can_be_debugged_is_refused_unless_allowed);
	RUN(accepts_a_result_of_a_trusted_verifier);
	RUN(a_result_must_be_fresh_and_complete);
	RUN(reference_values_are_asked_of_an_eat);
	RUN(judging_needs_an_open_payload);
	RUN(the_agents_key_is_enrolled_or_comes_from_verified_evidence);
	pst_openssl_free(&port);
	TEST_END();
}
