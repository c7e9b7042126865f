/*
 * The engine against scripted agents, with the real store behind it.
 */
#include "world.h"

static struct world w;
static struct agent a, b;

static const struct pst_bytes none = { NULL, 0 };

/* One device that should have X, published as sequence 1. */
static bool
begin(void)
{
	return world_open(&w) &&
	    agent_enroll(&w, &a, PST_ALG_ESP256, "alpha") &&
	    world_publish(&w, "x", 1, 0x11, 100) &&
	    world_assign(&w, "x", false);
}

#define BEGIN() CHECK(begin())
#define END() world_close(&w)

static size_t
updates(void)
{
	return w.msg.type == PST_TEEP_UPDATE ? w.msg.manifest_list.count : 0;
}

/* The token of the Update that just came, out of the reply's memory. */
static struct pst_bytes
token(void)
{
	static uint8_t copy[PST_TOKEN_MAX];

	memset(copy, 0, sizeof(copy));
	if (w.msg.token.len > 0)
		memcpy(copy, w.msg.token.ptr, w.msg.token.len);
	return (struct pst_bytes){ copy, w.msg.token.len };
}

static struct pst_bytes
challenge(void)
{
	static uint8_t copy[PST_TAM_CHALLENGE_LEN];

	memset(copy, 0, sizeof(copy));
	if (w.msg.challenge.len == sizeof(copy))
		memcpy(copy, w.msg.challenge.ptr, sizeof(copy));
	return (struct pst_bytes){ copy, w.msg.challenge.len };
}

static struct pst_tam_counts
counts(void)
{
	struct pst_tam_counts c;

	if (pst_tam_count(w.reader, &c) != PST_OK)
		memset(&c, 0xff, sizeof(c));
	return c;
}

static bool
dropped(enum pst_err err)
{
	if (w.out.reply_len == 0 && w.out.event == PST_TAM_EV_DROPPED &&
	    w.out.err == err && w.out.note[0] != '\0')
		return true;
	printf("  reply %zu, event %d, err %d, note \"%s\"\n", w.out.reply_len,
	    w.out.event, w.out.err, w.out.note);
	return false;
}

/* An Update with an err-code and a reason, and no component. */
static bool
refused(uint32_t code)
{
	if (w.msg.type == PST_TEEP_UPDATE && w.msg.err_code == code &&
	    w.msg.err_msg.len > 0 &&
	    !PST_TEEP_HAS(&w.msg, PST_LABEL_MANIFEST_LIST) &&
	    !PST_TEEP_HAS(&w.msg, PST_LABEL_UNNEEDED_MANIFEST_LIST) &&
	    !PST_TEEP_HAS(&w.msg, PST_LABEL_TOKEN) && w.signatures == 1)
		return true;
	printf("  type %d, err_code %u, err %d, note \"%s\"\n", w.msg.type,
	    w.msg.err_code, w.out.err, w.out.note);
	return false;
}

/* --- QueryRequest ------------------------------------------------------ */

/* pitfalls.md, Messages: the first QueryRequest is a COSE_Sign with one
 * signature a suite, not a Sign1 with one algorithm. */
static void
first_request_has_one_signature_a_suite(void)
{
	BEGIN();
	CHECK(world_connect(&w, 0));
	CHECK_EQ(w.cose.kind, PST_TAG_SIGN);
	CHECK(w.cose.tagged);
	CHECK_EQ(w.signatures, 2);
	CHECK_EQ(w.msg.type, PST_TEEP_QUERY_REQUEST);
	CHECK_EQ(w.msg.suites, PST_SUITE_ESP256 | PST_SUITE_ED25519);
	CHECK_EQ(w.msg.data_items, 3);
	CHECK_EQ(w.msg.challenge.len, PST_TAM_CHALLENGE_LEN);
	CHECK(!PST_TEEP_HAS(&w.msg, PST_LABEL_TOKEN));
	CHECK(!PST_TEEP_HAS(&w.msg, PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS));
	END();
}

static void
a_hint_gives_a_sign1_of_that_suite(void)
{
	BEGIN();
	CHECK(world_connect(&w, PST_SUITE_ESP256));
	CHECK_EQ(w.cose.kind, PST_TAG_SIGN1);
	CHECK_EQ(w.verified.alg, PST_ALG_ESP256);
	CHECK_EQ(w.msg.suites, PST_SUITE_ESP256);
	CHECK(world_connect(&w, PST_SUITE_ED25519));
	CHECK_EQ(w.verified.alg, PST_ALG_ED25519);
	CHECK_EQ(pst_tam_connect(&w.engine, 64, w.now_s, &w.out),
	    PST_ERR_TEEP_SUITE);
	END();
}

static void
challenges_differ_and_prove_themselves(void)
{
	uint8_t one[PST_TAM_CHALLENGE_LEN], other[PST_TAM_CHALLENGE_LEN];
	struct pst_bytes c = { one, sizeof(one) };
	uint64_t expires;
	size_t i;

	BEGIN();
	CHECK_EQ(pst_tam_challenge_make(&w.engine, w.now_s, one), PST_OK);
	CHECK_EQ(pst_tam_challenge_make(&w.engine, w.now_s, other), PST_OK);
	CHECK(memcmp(one, other, sizeof(one)) != 0);
	CHECK_EQ(
	    pst_tam_challenge_check(&w.engine, c, w.now_s, &expires), PST_OK);
	CHECK_EQ(expires, w.now_s + w.engine.policy.challenge_life_s);
	CHECK_EQ(pst_tam_challenge_check(&w.engine, c, expires - 1, &expires),
	    PST_OK);
	CHECK_EQ(pst_tam_challenge_check(&w.engine, c,
		     w.now_s + w.engine.policy.challenge_life_s, &expires),
	    PST_ERR_EAT_EXPIRED);
	for (i = 0; i < sizeof(one); i++) {
		one[i] ^= 1;
		CHECK_EQ(
		    pst_tam_challenge_check(&w.engine, c, w.now_s, &expires),
		    PST_ERR_EAT_NONCE);
		one[i] ^= 1;
	}
	for (c.len = 0; c.len < sizeof(one); c.len++)
		CHECK_EQ(
		    pst_tam_challenge_check(&w.engine, c, w.now_s, &expires),
		    PST_ERR_EAT_NONCE);
	END();
}

static void
a_retired_challenge_key_is_refused(void)
{
	uint8_t one[PST_TAM_CHALLENGE_LEN];
	struct pst_bytes c = { one, sizeof(one) };
	uint64_t expires;

	BEGIN();
	CHECK_EQ(pst_tam_challenge_make(&w.engine, w.now_s, one), PST_OK);
	w.engine.mac_keys[0].until_s = w.now_s;
	CHECK_EQ(pst_tam_challenge_check(&w.engine, c, w.now_s, &expires),
	    PST_ERR_EAT_NONCE);
	CHECK_EQ(
	    pst_tam_challenge_make(&w.engine, w.now_s, one), PST_ERR_STATE);
	END();
}

/* pitfalls.md, Servers: two rows are written for each first request and none
 * is ever deleted. */
static void
thirty_thousand_first_requests_leave_no_rows(void)
{
	struct pst_tam_counts before, after;
	int i;

	BEGIN();
	before = counts();
	for (i = 0; i < 30000; i++) {
		CHECK_EQ(pst_tam_connect(
			     &w.engine, PST_SUITE_ED25519, w.now_s, &w.out),
		    PST_OK);
		CHECK_EQ(w.out.changes.what, 0);
	}
	after = counts();
	CHECK_EQ(memcmp(&before, &after, sizeof(before)), 0);
	CHECK_EQ(after.spent, 0);
	END();
}

/* --- a good session ---------------------------------------------------- */

static void
an_assigned_component_is_sent_once(void)
{
	struct pst_bytes envelope;

	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_UPDATE);
	CHECK_EQ(w.cose.kind, PST_TAG_SIGN1);
	CHECK_EQ(w.verified.alg, PST_ALG_ESP256);
	CHECK_EQ(updates(), 1);
	CHECK_EQ(w.msg.token.len, PST_TAM_TOKEN_LEN);
	CHECK(pst_teep_next_bstr(&w.msg.manifest_list, &envelope));
	CHECK_EQ(envelope.len, 100);
	CHECK_EQ(envelope.ptr[1], 0x11);
	CHECK(world_deliver(
	    &w, agent_answer(&w, &a, token(), 0, digest_of(0x11), token())));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	CHECK_EQ(w.out.reply_len, 0);
	CHECK_EQ(w.committed, PST_OK);
	CHECK_EQ(counts().reports, 1);
	END();
}

/* pitfalls.md, Servers: a component that is already installed is sent again
 * on every poll. */
static void
an_installed_component_is_not_sent_again(void)
{
	int i;

	BEGIN();
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	for (i = 0; i < 3; i++) {
		CHECK(world_session(&w, &a));
		CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
		CHECK_EQ(w.out.reply_len, 0);
		CHECK_EQ(w.committed, PST_OK);
	}
	END();
}

static void
a_newer_manifest_replaces_the_installed_one(void)
{
	BEGIN();
	CHECK(world_publish(&w, "x", 2, 0x22, 100));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	agent_forget(&a);
	agent_has(&a, manifest_of("x"), digest_of(0x22));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	END();
}

static void
an_ed25519_agent_is_answered_in_its_suite(void)
{
	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ED25519, "beta"));
	CHECK(world_session(&w, &b));
	CHECK_EQ(w.verified.alg, PST_ALG_ED25519);
	CHECK_EQ(updates(), 1);
	CHECK(world_deliver(
	    &w, agent_answer(&w, &b, token(), 0, digest_of(0x11), token())));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	END();
}

static bool
count_inventory(void *ctx, const struct pst_tam_inventory_row *row)
{
	(void)row;
	++*(size_t *)ctx;
	return true;
}

static size_t
inventory_of(int64_t device)
{
	size_t n = 0;

	if (pst_tam_list_inventory(w.reader, device, count_inventory, &n) !=
	    PST_OK)
		return SIZE_MAX;
	return n;
}

/* pitfalls.md, Servers: a second device that installs a component blanks the
 * first one's inventory. */
static void
a_second_device_does_not_blank_the_first_ones_inventory(void)
{
	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, component("x"), none);
	CHECK(world_session(&w, &a));
	CHECK_EQ(inventory_of(1), 2);
	CHECK(world_session(&w, &b));
	CHECK_EQ(updates(), 1);
	CHECK(world_deliver(
	    &w, agent_answer(&w, &b, token(), 0, digest_of(0x11), token())));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	CHECK_EQ(inventory_of(1), 2);
	/* the manifest and the component that it brought */
	CHECK_EQ(inventory_of(2), 2);
	END();
}

static void
a_changed_tc_list_replaces_the_inventory(void)
{
	BEGIN();
	agent_has(&a, component("p"), none);
	agent_has(&a, component("q"), none);
	CHECK(world_session(&w, &a));
	CHECK_EQ(inventory_of(1), 2);
	agent_forget(&a);
	agent_has(&a, component("q"), none);
	CHECK(world_session(&w, &a));
	CHECK_EQ(inventory_of(1), 1);
	agent_forget(&a);
	CHECK(world_session(&w, &a));
	CHECK_EQ(inventory_of(1), 0);
	END();
}

/* --- attestation ------------------------------------------------------- */

/* pitfalls.md, Attestation: the evidence is logged and the update is sent
 * whatever the result. */
static void
failed_appraisal_sends_no_component(void)
{
	BEGIN();
	w.verdict_bad = true;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	CHECK_EQ(w.out.event, PST_TAM_EV_REFUSED);
	CHECK_EQ(w.out.err, PST_ERR_EAT_REFUSED);
	CHECK_EQ(w.committed, PST_OK);
	END();
}

/* --- remediation ------------------------------------------------------- */

struct recorded {
	enum pst_err attested;
	char reasons[64];
};

static bool
take_reasons(void *ctx, const struct pst_tam_device_row *row)
{
	struct recorded *r = ctx;

	r->attested = row->attested;
	(void)snprintf(r->reasons, sizeof(r->reasons), "%s", row->reasons);
	return false;
}

static bool
recorded(enum pst_err attested, const char *reasons)
{
	struct recorded r = { .attested = PST_OK };

	return pst_tam_list_devices(w.reader, 0, 1, take_reasons, &r) ==
	    PST_OK &&
	    r.attested == attested && strcmp(r.reasons, reasons) == 0;
}

static void
out_of_policy_gets_the_remedy_and_nothing_else(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(world_publish(&w, "fix", 1, 0x77, 100));
	CHECK(world_assign_remedy(&w, "fix"));
	w.engine.policy.return_result = true;
	w.verdict_bad = w.out_of_policy = true;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(!PST_TEEP_HAS(&w.msg, PST_LABEL_ATTESTATION_PAYLOAD));
	CHECK(recorded(PST_ERR_EAT_REFUSED, "measurement: refused"));
	t = token();
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x77), t)));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	/* it has the remedy, and is still out of policy */
	agent_has(&a, manifest_of("fix"), digest_of(0x77));
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	/* back in policy: the rest follows, and nothing is held against it */
	w.verdict_bad = false;
	w.engine.policy.return_result = false;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(recorded(PST_OK, ""));
	END();
}

static void
a_remedy_is_for_genuine_devices_in_force(void)
{
	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "b"));
	CHECK(world_publish(&w, "fix", 1, 0x77, 100));
	CHECK(world_assign_remedy(&w, "fix"));
	w.verdict_bad = true;
	/* what is wrong is not its software alone */
	w.out_of_policy = false;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	/* another device's Evidence, out of policy as well */
	w.out_of_policy = true;
	w.evidence_of = &b;
	CHECK(world_session(&w, &a));
	CHECK(w.out.event != PST_TAM_EV_UPDATE);
	w.evidence_of = NULL;
	CHECK_EQ(pst_tam_device_status(
		     w.store, "test", "b", PST_TAM_REVOKED, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &b));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	END();
}

static void
the_answer_to_a_refusal_ends_the_session(void)
{
	BEGIN();
	w.verdict_bad = true;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	/* the agent is not known by its key yet: it never passed */
	CHECK(world_deliver(&w, agent_answer(&w, &a, none, 0, none, none)));
	CHECK_EQ(w.out.reply_len, 0);
	w.verdict_bad = false;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	w.verdict_bad = true;
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(&w, agent_answer(&w, &a, none, 0, none, none)));
	CHECK(dropped(PST_OK));
	CHECK(world_deliver(&w,
	    agent_answer(
		&w, &a, none, PST_TEEP_ERR_PERMANENT_ERROR, none, none)));
	CHECK(dropped(PST_OK));
	END();
}

static void
a_key_that_is_not_enrolled_is_dropped(void)
{
	BEGIN();
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	CHECK(world_session(&w, &b));
	CHECK(dropped(PST_ERR_COSE_KEY));
	CHECK_EQ(w.out.changes.what, 0);
	END();
}

/* pitfalls.md, Attestation: cnf is not compared with the key that signed the
 * TEEP message. */
static void
evidence_of_another_agent_is_refused(void)
{
	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	/* beta is unknown by key so far: it cannot even be authenticated */
	w.evidence_of = &a;
	CHECK(world_session(&w, &b));
	CHECK(dropped(PST_ERR_COSE_KEY));
	w.evidence_of = NULL;
	CHECK(world_session(&w, &b));
	CHECK_EQ(updates(), 1);
	/* now it is, and it is told that this is not its Evidence */
	w.evidence_of = &a;
	CHECK(world_session(&w, &b));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	CHECK_EQ(w.out.err, PST_ERR_EAT_BINDING);
	CHECK_EQ(w.out.device, 2);
	END();
}

/* pitfalls.md, Attestation: an agent's key, once trusted, is trusted for a
 * year without attesting again. */
static void
a_message_without_evidence_is_refused(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	w.no_evidence = true;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	CHECK_EQ(w.out.err, PST_ERR_TEEP_ATTEST);
	END();
}

/* Without a format it claims to be an Attestation Result, and no trusted
 * Verifier signed it. */
static void
evidence_without_a_format_is_no_result(void)
{
	BEGIN();
	w.no_format = true;
	CHECK(world_session(&w, &a));
	CHECK(dropped(PST_ERR_COSE_KEY));
	w.no_format = false;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	w.no_format = true;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	END();
}

/* pitfalls.md, Attestation: a used challenge is accepted. */
static void
a_replayed_query_response_is_dropped(void)
{
	static uint8_t copy[WORLD_BUFFER];
	struct pst_bytes body;

	BEGIN();
	CHECK(world_connect(&w, 0));
	body = agent_response(&w, &a, challenge());
	memcpy(copy, body.ptr, body.len);
	body.ptr = copy;
	CHECK(world_deliver(&w, body));
	CHECK_EQ(updates(), 1);
	CHECK(world_deliver(&w, body));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	CHECK_EQ(w.out.reply_len, 0);
	CHECK_EQ(counts().spent, 1);
	/* also after the TAM was restarted */
	CHECK(world_restart(&w));
	CHECK(world_deliver(&w, body));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	END();
}

static void
a_used_challenge_in_another_message_is_dropped(void)
{
	struct pst_bytes c;

	BEGIN();
	CHECK(world_connect(&w, 0));
	c = challenge();
	CHECK(world_deliver(&w, agent_response(&w, &a, c)));
	CHECK_EQ(updates(), 1);
	agent_has(&a, component("p"), none);
	CHECK(world_deliver(&w, agent_response(&w, &a, c)));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	END();
}

static void
an_expired_challenge_is_dropped(void)
{
	struct pst_bytes c;

	BEGIN();
	CHECK(world_connect(&w, 0));
	c = challenge();
	w.now_s += w.engine.policy.challenge_life_s;
	CHECK(world_deliver(&w, agent_response(&w, &a, c)));
	CHECK(dropped(PST_ERR_EAT_EXPIRED));
	CHECK_EQ(w.out.changes.what & PST_TAM_UPDATE, 0);
	END();
}

static void
a_foreign_challenge_is_dropped(void)
{
	BEGIN();
	CHECK(world_deliver(&w, agent_response(&w, &a, digest_of(7))));
	CHECK(dropped(PST_ERR_EAT_NONCE));
	CHECK(world_deliver(
	    &w, agent_response(&w, &a, PST_BYTES_LIT("12345678"))));
	CHECK(dropped(PST_ERR_EAT_NONCE));
	END();
}

static void
an_unsolicited_response_is_refused_in_nonce_mode(void)
{
	static uint8_t copy[WORLD_BUFFER];
	struct pst_bytes body;

	BEGIN();
	w.no_nonce = true;
	w.iat = w.now_s;
	body = agent_response(&w, &a, none);
	memcpy(copy, body.ptr, body.len);
	body.ptr = copy;
	CHECK(world_deliver(&w, body));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	/* the same bytes again cost no second signature */
	CHECK(world_deliver(&w, body));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	END();
}

static void
timestamp_mode_takes_recent_evidence_once(void)
{
	struct pst_bytes body;
	static uint8_t copy[WORLD_BUFFER];

	BEGIN();
	w.engine.policy.timestamps = true;
	CHECK(world_connect(&w, 0));
	CHECK_EQ(w.msg.freshness, 3);
	w.no_nonce = true;
	w.iat = w.now_s - 10;
	body = agent_response(&w, &a, none);
	memcpy(copy, body.ptr, body.len);
	body.ptr = copy;
	CHECK(world_deliver(&w, body));
	CHECK_EQ(updates(), 1);
	CHECK(world_deliver(&w, body));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	w.iat = w.now_s - w.engine.policy.payload_age_s -
	    w.engine.policy.skew_s - 1;
	CHECK(world_deliver(&w, agent_response(&w, &a, none)));
	CHECK(dropped(PST_ERR_EAT_EXPIRED));
	w.iat = w.now_s + w.engine.policy.skew_s + 1;
	CHECK(world_deliver(&w, agent_response(&w, &a, none)));
	CHECK(dropped(PST_ERR_EAT_EXPIRED));
	w.iat = 0;
	CHECK(world_deliver(&w, agent_response(&w, &a, none)));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	END();
}

static void
a_revoked_device_gets_nothing(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK_EQ(pst_tam_device_status(
		     w.store, "test", "alpha", PST_TAM_REVOKED, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	CHECK(pst_equal(w.msg.err_msg, PST_BYTES_LIT("the device is revoked")));
	CHECK_EQ(pst_tam_device_status(
		     w.store, "test", "alpha", PST_TAM_ACTIVE, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	END();
}

static void
a_device_may_change_its_key_but_not_to_anothers(void)
{
	struct pst_signer signer;
	struct pst_pubkey pub;

	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	CHECK(world_session(&w, &a));
	CHECK((w.out.changes.what & PST_TAM_KEY) != 0);
	CHECK(world_session(&w, &a));
	CHECK((w.out.changes.what & PST_TAM_KEY) == 0);
	signer = b.signer;
	pub = b.pub;
	b.signer = a.signer;
	b.pub = a.pub;
	CHECK(world_session(&w, &b));
	CHECK(refused(PST_TEEP_ERR_ATTESTATION_REQUIRED));
	CHECK_EQ(w.out.err, PST_ERR_EAT_BINDING);
	a.signer = signer;
	a.pub = pub;
	CHECK(world_session(&w, &a));
	CHECK((w.out.changes.what & PST_TAM_KEY) != 0);
	CHECK_EQ(updates(), 1);
	END();
}

static void
a_token_that_nobody_sent_is_refused(void)
{
	BEGIN();
	w.with_token = true;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_TEEP_ERR_PERMANENT_ERROR));
	END();
}

/* A key enrolled for one technology signs nothing of another. */
static void
an_attester_counts_for_its_technology_only(void)
{
	struct pst_tam_attester by = { .technology = "tpm", .has_key = true };
	int64_t id;

	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	by.key = b.attester_pub;
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "beta", &by, 5, &id),
	    PST_OK);
	CHECK(world_session(&w, &b));
	CHECK(dropped(PST_ERR_EAT_REFUSED));
	CHECK(strstr(w.out.note, "enrolled for tpm, this is eat") != NULL);
	by.technology = "eat";
	by.key = a.attester_pub;
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "alpha", &by, 5, &id),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	END();
}

/* An attester that was added beside the first brings the same device. */
static void
a_device_keeps_its_state_when_its_attester_changes(void)
{
	struct pst_tam_attester by = { .technology = "eat", .has_key = true };
	struct pst_signer old;
	int64_t first;

	BEGIN();
	CHECK(world_session(&w, &a));
	first = w.out.device;
	CHECK_EQ(updates(), 1);
	old = a.attester;
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	by.key = b.attester_pub;
	CHECK(world_knows(&b));
	CHECK_EQ(pst_tam_attester_add(
		     w.store, w.crypto, "test", "alpha", &by, w.now_s),
	    PST_OK);
	/* a new TEEP key too, as after a factory reset: one device all along */
	CHECK(world_session(&w, &b));
	CHECK_EQ(w.out.device, first);
	CHECK((w.out.changes.what & PST_TAM_KEY) != 0);
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.device, first);
	CHECK_EQ(pst_tam_attester_remove(w.store, "test", "alpha",
		     (struct pst_bytes){ old.kid, 32 }, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK(dropped(PST_ERR_COSE_KEY));
	CHECK(world_session(&w, &b));
	CHECK_EQ(w.out.device, first);
	END();
}

static void
appraisal_may_come_later(void)
{
	struct pst_tam_appraisal later;
	struct pst_bytes body;

	BEGIN();
	CHECK(world_connect(&w, 0));
	body = agent_response(&w, &a, challenge());
	w.appraise_later = true;
	CHECK_EQ(pst_tam_message(&w.engine, body, NULL, w.now_s, &w.out),
	    PST_ERR_AGAIN);
	CHECK_EQ(w.out.changes.what, 0);
	CHECK_EQ(w.out.reply_len, 0);
	CHECK(w.out.payload.len > 0);
	CHECK(pst_equal(w.out.format, PST_BYTES_LIT("application/x-test")));
	w.appraise_later = false;
	CHECK_EQ(w.appraiser.appraise(
		     &w, w.out.format, w.out.payload, w.now_s, &later),
	    PST_OK);
	CHECK_EQ(
	    pst_tam_message(&w.engine, body, &later, w.now_s, &w.out), PST_OK);
	CHECK_EQ(w.out.event, PST_TAM_EV_UPDATE);
	END();
}

/* A port whose chains all end at this agent's key. */
static const struct agent *leaf_of = &a;

static enum pst_err
chain(void *ctx, const struct pst_bytes *certs, size_t n,
    const struct pst_bytes *roots, size_t nroots, uint64_t now_s,
    struct pst_pubkey *leaf, size_t *root)
{
	(void)ctx;
	(void)now_s;
	if (n != 1 || nroots != 1 ||
	    !pst_equal(certs[0], PST_BYTES_LIT("leaf")) ||
	    !pst_equal(roots[0], PST_BYTES_LIT("root")))
		return PST_ERR_COSE_CERT;
	*leaf = leaf_of->pub;
	*root = 0;
	return PST_OK;
}

static void
an_x5chain_under_a_root_gives_the_key(void)
{
	static const struct pst_bytes root = { (const uint8_t *)"root", 4 };
	struct pst_cose_sign_args args;
	struct pst_crypto crypto;
	struct pst_tam_appraisal said;
	struct pst_teep_message m;
	struct pst_cbor_writer p, o;
	uint8_t payload[256];
	struct pst_signer by;

	BEGIN();
	crypto = *w.crypto;
	crypto.chain = chain;
	w.engine.crypto = &crypto;
	CHECK(world_connect(&w, 0));
	memset(&said, 0, sizeof(said));
	said.genuine = true;
	said.attester = (struct pst_bytes){ a.attester.kid, 32 };
	said.nonce = challenge();
	said.key_id = (struct pst_bytes){ a.signer.kid, 32 };
	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_QUERY_RESPONSE;
	m.attestation_payload = PST_BYTES_LIT("native quote");
	m.attestation_payload_format = PST_BYTES_LIT("application/x-test");
	m.present = 1u << PST_LABEL_ATTESTATION_PAYLOAD |
	    1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	pst_cbor_writer_init(&p, payload, sizeof(payload));
	CHECK_EQ(pst_teep_encode(&p, &m), PST_OK);
	by = a.signer;
	by.kid_len = 0;
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&p);
	args.signers = &by;
	args.count = 1;
	args.x5chain = PST_BYTES_LIT("\x44leaf");
	pst_cbor_writer_init(&o, w.body, sizeof(w.body));
	CHECK_EQ(pst_cose_sign1(&o, w.crypto, &args), PST_OK);
	CHECK_EQ(pst_tam_message(
		     &w.engine, pst_cbor_written(&o), &said, w.now_s, &w.out),
	    PST_OK);
	CHECK(dropped(PST_ERR_COSE_KEY));
	w.engine.roots = &root;
	w.engine.root_count = 1;
	CHECK_EQ(pst_tam_message(
		     &w.engine, pst_cbor_written(&o), &said, w.now_s, &w.out),
	    PST_OK);
	CHECK_EQ(w.out.event, PST_TAM_EV_UPDATE);
	/* the Evidence has to be bound to that key all the same */
	said.key_id = digest_of(1);
	CHECK_EQ(pst_tam_message(
		     &w.engine, pst_cbor_written(&o), &said, w.now_s, &w.out),
	    PST_OK);
	CHECK_EQ(w.out.event, PST_TAM_EV_REFUSED);
	CHECK_EQ(w.out.err, PST_ERR_EAT_BINDING);
	w.engine.roots = NULL;
	w.engine.root_count = 0;
	END();
}

/* The holder of another device's certificate answers in its name. */
static void
an_x5chain_answers_for_no_other_device(void)
{
	static const struct pst_bytes root = { (const uint8_t *)"root", 4 };
	struct pst_cose_sign_args args;
	struct pst_crypto crypto;
	struct pst_teep_message m;
	struct pst_cbor_writer p, o;
	uint8_t payload[256];
	struct pst_signer by;

	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	crypto = *w.crypto;
	crypto.chain = chain;
	w.engine.crypto = &crypto;
	w.engine.roots = &root;
	w.engine.root_count = 1;
	CHECK(world_session(&w, &a));
	leaf_of = &b;
	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_SUCCESS;
	m.token = token();
	m.present = 1u << PST_LABEL_TOKEN;
	pst_cbor_writer_init(&p, payload, sizeof(payload));
	CHECK_EQ(pst_teep_encode(&p, &m), PST_OK);
	by = b.signer;
	by.kid_len = a.signer.kid_len;
	memcpy(by.kid, a.signer.kid, sizeof(by.kid));
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&p);
	args.signers = &by;
	args.count = 1;
	args.x5chain = PST_BYTES_LIT("\x44leaf");
	pst_cbor_writer_init(&o, w.body, sizeof(w.body));
	CHECK_EQ(pst_cose_sign1(&o, w.crypto, &args), PST_OK);
	CHECK_EQ(pst_tam_message(
		     &w.engine, pst_cbor_written(&o), NULL, w.now_s, &w.out),
	    PST_OK);
	CHECK(dropped(PST_ERR_COSE_SIGNATURE));
	CHECK_EQ(w.out.changes.what, 0);
	leaf_of = &a;
	w.engine.roots = NULL;
	w.engine.root_count = 0;
	END();
}

/* --- bytes that are no message ----------------------------------------- */

static void
truncated_and_flipped_messages_change_nothing(void)
{
	static uint8_t copy[WORLD_BUFFER];
	struct pst_cose_message m;
	struct pst_bytes body;
	size_t i, len, open_at;

	BEGIN();
	CHECK(world_connect(&w, 0));
	body = agent_response(&w, &a, challenge());
	memcpy(copy, body.ptr, body.len);
	body.ptr = copy;
	len = body.len;
	for (body.len = 1; body.len < len; body.len++) {
		CHECK(world_deliver(&w, body));
		CHECK_EQ(w.out.event, PST_TAM_EV_DROPPED);
		CHECK_EQ(w.out.reply_len, 0);
		CHECK_EQ(w.out.changes.what, 0);
	}
	CHECK_EQ(pst_cose_parse(body, PST_TAG_SIGN1, &m, NULL), PST_OK);
	open_at = (size_t)(m.unprotected.ptr - copy);
	for (i = 0; i < len; i++) {
		/* nobody signs the unprotected bucket */
		if (i >= open_at && i < open_at + m.unprotected.len)
			continue;
		copy[i] ^= 1;
		CHECK(world_deliver(&w, body));
		CHECK_EQ(w.out.event, PST_TAM_EV_DROPPED);
		CHECK_EQ(w.out.reply_len, 0);
		CHECK_EQ(w.out.changes.what, 0);
		copy[i] ^= 1;
	}
	CHECK(world_deliver(&w, body));
	CHECK_EQ(updates(), 1);
	END();
}

static void
messages_of_a_tam_are_dropped(void)
{
	struct pst_teep_message m;

	BEGIN();
	CHECK(world_session(&w, &a));
	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_UPDATE;
	CHECK(world_deliver(&w, agent_sign(&w, &a, &m)));
	CHECK(dropped(PST_ERR_TEEP_TYPE));
	END();
}

static void
an_oversized_message_is_dropped(void)
{
	static uint8_t big[PST_MESSAGE_MAX + 1];

	BEGIN();
	CHECK(world_deliver(&w, (struct pst_bytes){ big, sizeof(big) }));
	CHECK(dropped(PST_ERR_TEEP_TOO_LARGE));
	END();
}

/* --- tokens ------------------------------------------------------------ */

/* pitfalls.md, Attestation: a token's expiry is never checked. */
static void
an_expired_token_is_dropped(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(world_session(&w, &a));
	t = token();
	w.now_s += w.engine.policy.token_life_s;
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	CHECK_EQ(counts().reports, 0);
	END();
}

static void
a_token_works_once(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(world_session(&w, &a));
	t = token();
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	CHECK_EQ(counts().reports, 1);
	END();
}

/* Two nodes may both find the token in the row: the commit decides. */
static void
two_answers_at_once_count_once(void)
{
	static uint8_t copy[WORLD_BUFFER];
	struct pst_tam_changes first;
	struct pst_bytes t, body;

	BEGIN();
	CHECK(world_session(&w, &a));
	t = token();
	body = agent_answer(&w, &a, t, 0, none, none);
	memcpy(copy, body.ptr, body.len);
	body.ptr = copy;
	CHECK_EQ(
	    pst_tam_message(&w.engine, body, NULL, w.now_s, &w.out), PST_OK);
	first = w.out.changes;
	CHECK_EQ(pst_tam_store_apply(w.store, &first), PST_OK);
	CHECK_EQ(pst_tam_store_apply(w.store, &first), PST_ERR_TEEP_TOKEN);
	CHECK_EQ(counts().reports, 1);
	END();
}

static void
a_token_of_another_device_is_dropped(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	CHECK(world_session(&w, &b));
	CHECK(world_session(&w, &a));
	t = token();
	CHECK(
	    world_deliver(&w, agent_answer(&w, &b, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	END();
}

static void
a_new_session_supersedes_a_pending_update(void)
{
	static uint8_t old[PST_TAM_TOKEN_LEN];
	struct pst_bytes t = { old, sizeof(old) };

	BEGIN();
	CHECK(world_session(&w, &a));
	memcpy(old, token().ptr, sizeof(old));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	END();
}

static void
a_report_of_another_update_voids_the_answer(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(world_session(&w, &a));
	t = token();
	CHECK(world_deliver(
	    &w, agent_answer(&w, &a, t, 0, digest_of(0x11), digest_of(1))));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	CHECK_EQ(counts().reports, 0);
	/* the first authentic answer uses the token up all the same */
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	END();
}

static void
an_answer_by_an_unknown_key_is_dropped(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	CHECK(world_session(&w, &a));
	t = token();
	CHECK(
	    world_deliver(&w, agent_answer(&w, &b, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_COSE_KEY));
	/* a known kid over another key's signature */
	memcpy(b.signer.kid, a.signer.kid, sizeof(b.signer.kid));
	CHECK(
	    world_deliver(&w, agent_answer(&w, &b, t, 0, digest_of(0x11), t)));
	CHECK(dropped(PST_ERR_COSE_SIGNATURE));
	END();
}

/* --- failures ---------------------------------------------------------- */

struct last_report {
	size_t count;
	bool success;
	uint32_t err_code;
	enum pst_suit_reason reason;
	struct pst_suit_record record;
	char msg[64];
	bool named;
};

static bool
take_report(void *ctx, const struct pst_tam_report_row *row)
{
	struct last_report *r = ctx;

	r->count++;
	r->success = row->success;
	r->err_code = row->err_code;
	r->reason = row->reason;
	r->record = row->record;
	r->named = row->manifest_id.len > 0;
	(void)snprintf(r->msg, sizeof(r->msg), "%s", row->msg);
	return true;
}

/* pitfalls.md, Servers: failed installs are received and never stored, so the
 * operator sees nothing. */
static void
a_failed_install_is_stored_with_its_reason(void)
{
	struct last_report r;

	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(&w,
	    agent_answer(&w, &a, token(),
		PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, digest_of(0x11),
		token())));
	CHECK_EQ(w.out.event, PST_TAM_EV_FAILURE);
	CHECK_EQ(w.out.reply_len, 0);
	CHECK(strstr(w.out.note, "it did not work") != NULL);
	memset(&r, 0, sizeof(r));
	CHECK_EQ(
	    pst_tam_list_reports(w.reader, 1, 0, 10, take_report, &r), PST_OK);
	CHECK_EQ(r.count, 1);
	CHECK(!r.success);
	CHECK(r.named);
	CHECK_EQ(r.err_code, PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED);
	CHECK_EQ(r.reason, PST_SUIT_REASON_CONDITION_FAILED);
	CHECK_EQ(r.record.section, PST_SUIT_INSTALL);
	CHECK_EQ(r.record.offset, 7);
	CHECK_EQ(strcmp(r.msg, "it did not work"), 0);
	CHECK_EQ(inventory_of(1), 0);
	END();
}

/* The report of a failure, protected as w.cover says; is it read? */
static bool
failure_is_read(bool read)
{
	struct last_report r;

	memset(&r, 0, sizeof(r));
	if (!world_session(&w, &a) ||
	    !world_deliver(&w,
		agent_answer(&w, &a, token(),
		    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, digest_of(0x11),
		    token())) ||
	    w.out.event != PST_TAM_EV_FAILURE ||
	    pst_tam_list_reports(w.reader, 1, 0, 1, take_report, &r) != PST_OK)
		return false;
	if (r.count != 1 || r.success)
		return false;
	w.now_s += 3600 * 24;
	if (!read)
		return !r.named && strstr(w.out.note, "1 unread: ") != NULL;
	return r.named && r.reason == PST_SUIT_REASON_CONDITION_FAILED &&
	    strstr(w.out.note, "(1 reports)") != NULL;
}

/* draft-ietf-teep-protocol, Section 8.2. */
static void
protected_reports_are_read(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_CHACHA_POLY };
	size_t i;

	BEGIN();
	w.cover.signer = &a.signer;
	CHECK(failure_is_read(true));
	for (i = 0; i < 2; i++) {
		w.cover = (struct pst_suit_report_cover){ NULL,
			&w.encryption_pub, none, algs[i] };
		CHECK(failure_is_read(true));
		w.cover.signer = &a.signer;
		CHECK(failure_is_read(true));
	}
	w.cover.alg = PST_ALG_A128CTR;
	CHECK(failure_is_read(true));
	END();
}

/* What the TAM cannot read says nothing, and hides no failure. */
static void
reports_under_other_keys_are_counted(void)
{
	BEGIN();
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	w.cover.signer = &b.signer;
	CHECK(failure_is_read(false));
	CHECK(strstr(w.out.note, "signature does not verify") != NULL);
	w.cover = (struct pst_suit_report_cover){ NULL, &b.pub, none,
		PST_ALG_A128GCM };
	CHECK(failure_is_read(false));
	CHECK(strstr(w.out.note, "does not decrypt") != NULL);
	w.cover.to = &w.encryption_pub;
	w.engine.encryption_key = 0;
	CHECK(failure_is_read(false));
	CHECK(strstr(w.out.note, "no trusted key") != NULL);
	END();
}

/* The nonce is looked at whatever is around it. */
static void
a_protected_report_of_another_update_voids_the_answer(void)
{
	BEGIN();
	w.cover = (struct pst_suit_report_cover){ &a.signer, &w.encryption_pub,
		none, PST_ALG_A128GCM };
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(&w,
	    agent_answer(&w, &a, token(), 0, digest_of(0x11), digest_of(1))));
	CHECK(dropped(PST_ERR_TEEP_TOKEN));
	CHECK_EQ(counts().reports, 0);
	END();
}

static bool
fail(uint32_t code, uint8_t digest)
{
	struct pst_bytes t = token();

	return world_deliver(&w,
	    agent_answer(
		&w, &a, t, code, digest != 0 ? digest_of(digest) : none, t));
}

static void
what_failed_backs_off_and_is_tried_again(void)
{
	uint64_t wait;

	BEGIN();
	wait = w.engine.policy.backoff_s;
	CHECK(world_session(&w, &a));
	CHECK(fail(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, 0x11));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	w.now_s += wait - 1;
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	w.now_s += 1;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(fail(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, 0));
	w.now_s += wait;
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	w.now_s += wait;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	/* another manifest has not failed */
	CHECK(fail(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, 0x11));
	CHECK(world_publish(&w, "x", 2, 0x22, 100));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	END();
}

static void
one_bad_manifest_does_not_hold_the_others_back(void)
{
	struct pst_bytes envelope;

	BEGIN();
	CHECK(world_publish(&w, "y", 1, 0x33, 100));
	CHECK(world_assign(&w, "y", false));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 2);
	CHECK(fail(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, 0x11));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(pst_teep_next_bstr(&w.msg.manifest_list, &envelope));
	CHECK_EQ(envelope.ptr[1], 0x33);
	END();
}

static void
a_temporary_error_is_no_reason_to_wait(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK(fail(PST_TEEP_ERR_TEMPORARY_ERROR, 0));
	CHECK_EQ(w.out.event, PST_TAM_EV_FAILURE);
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	END();
}

/* --- Errors to a QueryRequest ------------------------------------------ */

static struct pst_bytes
error_to_request(uint32_t code, uint32_t suites, uint32_t freshness)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_ERROR;
	m.err_code = code;
	m.suites = suites;
	m.freshness = freshness;
	if (suites != 0)
		m.present |= 1u << PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES;
	if (freshness != 0)
		m.present |= 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	return agent_sign(&w, &a, &m);
}

static void
an_authentic_error_gets_a_sign1_in_its_suite(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(&w,
	    error_to_request(
		PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES, PST_SUITE_ED25519, 0)));
	CHECK_EQ(w.msg.type, PST_TEEP_QUERY_REQUEST);
	CHECK_EQ(w.cose.kind, PST_TAG_SIGN1);
	CHECK_EQ(w.verified.alg, PST_ALG_ED25519);
	CHECK_EQ(w.msg.suites, PST_SUITE_ED25519);
	/* and not again at once: two peers must not keep each other busy */
	CHECK(world_deliver(&w,
	    error_to_request(
		PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES, PST_SUITE_ED25519, 0)));
	CHECK(dropped(PST_ERR_BUSY));
	w.now_s += w.engine.policy.renegotiate_s;
	CHECK(world_deliver(&w,
	    error_to_request(PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS, 0,
		1u << PST_FRESHNESS_NONCE)));
	CHECK_EQ(w.msg.type, PST_TEEP_QUERY_REQUEST);
	CHECK_EQ(w.verified.alg, PST_ALG_ESP256);
	END();
}

static void
errors_that_cannot_be_met_end_the_session(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(&w,
	    error_to_request(PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS, 0,
		1u << PST_FRESHNESS_TIMESTAMP)));
	CHECK(dropped(PST_ERR_TEEP_FRESHNESS));
	CHECK(world_deliver(
	    &w, error_to_request(PST_TEEP_ERR_ATTESTATION_REQUIRED, 0, 0)));
	CHECK(dropped(PST_ERR_UNSUPPORTED));
	CHECK(strstr(w.out.note, "no Evidence") != NULL);
	CHECK(world_deliver(
	    &w, error_to_request(PST_TEEP_ERR_PERMANENT_ERROR, 0, 0)));
	CHECK(dropped(PST_OK));
	END();
}

static void
an_error_by_an_unknown_agent_is_dropped(void)
{
	BEGIN();
	CHECK(world_deliver(&w,
	    error_to_request(
		PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES, PST_SUITE_ED25519, 0)));
	CHECK(dropped(PST_ERR_COSE_KEY));
	END();
}

/* --- the planner ------------------------------------------------------- */

static void
a_request_brings_what_is_marked_for_it(void)
{
	BEGIN();
	CHECK(world_publish(&w, "r", 1, 0x44, 100));
	CHECK(world_assign(&w, "r", true));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	agent_wants(&a, component("r"));
	agent_wants(&a, component("nobody has this"));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	agent_forget(&a);
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, manifest_of("r"), digest_of(0x44));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	/* once installed it is kept up to date */
	CHECK(world_publish(&w, "r", 2, 0x45, 100));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	END();
}

static void
a_request_for_what_is_not_assigned_brings_nothing(void)
{
	BEGIN();
	CHECK(world_publish(&w, "secret", 1, 0x44, 100));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_wants(&a, component("secret"));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	END();
}

/* pitfalls.md, Messages: unneeded-manifest-list in its specified form gives
 * HTTP 500. */
static void
an_unneeded_manifest_is_unlinked(void)
{
	struct pst_bytes id;

	BEGIN();
	CHECK(world_publish(&w, "r", 1, 0x44, 100));
	CHECK(world_assign(&w, "r", true));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, manifest_of("r"), digest_of(0x44));
	agent_unneeds(&a, manifest_of("r"));
	agent_unneeds(&a, manifest_of("x"));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_UPDATE);
	CHECK(!PST_TEEP_HAS(&w.msg, PST_LABEL_MANIFEST_LIST));
	/* x is assigned: the operator's word stands */
	CHECK_EQ(w.msg.unneeded_manifest_list.count, 1);
	CHECK(pst_teep_next_item(&w.msg.unneeded_manifest_list, &id));
	CHECK(pst_equal(id, manifest_of("r")));
	CHECK(world_deliver(&w, agent_answer(&w, &a, token(), 0, none, none)));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	CHECK_EQ(inventory_of(1), 1);
	END();
}

static void
a_success_is_believed_until_the_next_tc_list(void)
{
	struct pst_bytes t;

	BEGIN();
	CHECK(world_session(&w, &a));
	t = token();
	CHECK(
	    world_deliver(&w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
	CHECK_EQ(inventory_of(1), 2);
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, component("x"), digest_of(0x99));
	CHECK_EQ(pst_tam_unassign(
		     w.store, "test", component("x"), PST_TAM_ALL, NULL, 1),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(inventory_of(1), 2);
	t = token();
	CHECK(world_deliver(&w, agent_answer(&w, &a, t, 0, none, none)));
	CHECK_EQ(w.out.event, PST_TAM_EV_SUCCESS);
	CHECK_EQ(inventory_of(1), 0);
	END();
}

/* An unlink that the device refuses is not asked for at every poll, even
 * when this TAM never sent the manifest. */
static void
an_unlink_that_failed_backs_off(void)
{
	BEGIN();
	CHECK(world_publish(&w, "r", 1, 0x44, 100));
	CHECK(world_assign(&w, "r", true));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, manifest_of("r"), digest_of(0x44));
	agent_unneeds(&a, manifest_of("r"));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.msg.unneeded_manifest_list.count, 1);
	CHECK(fail(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, 0));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	w.now_s += w.engine.policy.backoff_s;
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.msg.unneeded_manifest_list.count, 1);
	END();
}

static void
what_is_no_longer_assigned_is_unlinked_if_we_sent_it(void)
{
	struct pst_bytes id;

	BEGIN();
	CHECK(world_session(&w, &a));
	CHECK(world_deliver(
	    &w, agent_answer(&w, &a, token(), 0, digest_of(0x11), token())));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	agent_has(&a, manifest_of("foreign"), digest_of(0x77));
	CHECK_EQ(pst_tam_unassign(w.store, "test", component("x"), PST_TAM_ALL,
		     NULL, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.msg.unneeded_manifest_list.count, 1);
	CHECK(pst_teep_next_item(&w.msg.unneeded_manifest_list, &id));
	CHECK(pst_equal(id, manifest_of("x")));
	CHECK(world_deliver(&w, agent_answer(&w, &a, token(), 0, none, none)));
	agent_forget(&a);
	agent_has(&a, manifest_of("foreign"), digest_of(0x77));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
	END();
}

static void
an_update_that_is_too_big_is_split(void)
{
	const size_t half = 40000;

	BEGIN();
	w.out.reply_cap = WORLD_BUFFER;
	CHECK(world_publish(&w, "big1", 1, 0x51, half - 32000));
	CHECK(world_publish(&w, "big2", 1, 0x52, half - 15000));
	CHECK(world_assign(&w, "big1", false));
	CHECK(world_assign(&w, "big2", false));
	agent_has(&a, manifest_of("x"), digest_of(0x11));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(strstr(w.out.note, "more next time") != NULL);
	agent_has(&a, manifest_of("big1"), digest_of(0x51));
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(strstr(w.out.note, "more next time") == NULL);
	END();
}

static void
too_many_components_stop_the_plan_and_nothing_else(void)
{
	char name[16];
	int i;

	BEGIN();
	w.digest_salt = 1;
	for (i = 1; i <= PST_TAM_TARGETS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		CHECK(world_publish(&w, name, 1, (uint8_t)i, 3));
		if (i == PST_TAM_TARGETS_MAX) {
			/* with x this makes as many as there may be */
			CHECK(world_session(&w, &a));
			CHECK_EQ(updates(), PST_TAM_TARGETS_MAX);
		}
		CHECK(world_assign(&w, name, false));
	}
	CHECK(world_session(&w, &a));
	CHECK(dropped(PST_ERR_LIMIT));
	CHECK_EQ(w.committed, PST_OK);
	CHECK_EQ(pst_tam_unassign(w.store, "test", component(name), PST_TAM_ALL,
		     NULL, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), PST_TAM_TARGETS_MAX);
	END();
}

static void
groups_and_single_devices_have_their_own(void)
{
	BEGIN();
	CHECK(agent_enroll(&w, &b, PST_ALG_ESP256, "beta"));
	CHECK(world_publish(&w, "g", 1, 0x61, 100));
	CHECK(world_publish(&w, "d", 1, 0x62, 100));
	CHECK_EQ(pst_tam_group_add(w.store, "test", "lab", w.now_s), PST_OK);
	CHECK_EQ(
	    pst_tam_group_member(w.store, "test", "lab", "beta", true, w.now_s),
	    PST_OK);
	CHECK_EQ(pst_tam_assign(w.store, "test", component("g"), PST_TAM_GROUP,
		     "lab", false, w.now_s),
	    PST_OK);
	CHECK_EQ(pst_tam_assign(w.store, "test", manifest_of("d"),
		     PST_TAM_DEVICE, "alpha", false, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 2); /* x and d */
	CHECK(world_session(&w, &b));
	CHECK_EQ(updates(), 2); /* x and g */
	CHECK_EQ(pst_tam_group_member(
		     w.store, "test", "lab", "beta", false, w.now_s),
	    PST_OK);
	CHECK(world_session(&w, &b));
	CHECK_EQ(updates(), 1);
	END();
}

/* --- lost messages ----------------------------------------------------- */

/*
 * The six HTTP messages of a session: empty POST, QueryRequest,
 * QueryResponse, Update, Success, 204. Each may be lost; the device then
 * begins anew. A lost response or Success is neither a failure nor a reason
 * to send again.
 */
static void
each_of_the_six_messages_may_be_lost(void)
{
	struct last_report r;
	struct pst_bytes t;
	int lost;

	for (lost = 1; lost <= 6; lost++) {
		BEGIN();
		if (lost >= 2)
			CHECK(world_connect(&w, 0));
		/* 1, 2, 3: the TAM saw an empty POST at most */
		if (lost <= 3)
			CHECK_EQ(counts().spent, 0);
		if (lost >= 4)
			CHECK(world_deliver(
			    &w, agent_response(&w, &a, challenge())));
		if (lost >= 5) {
			/* the Update arrived and was carried out */
			t = token();
			agent_has(&a, manifest_of("x"), digest_of(0x11));
			if (lost == 6)
				CHECK(world_deliver(&w,
				    agent_answer(
					&w, &a, t, 0, digest_of(0x11), t)));
		}
		/* the device polls again, long before any token expires */
		w.now_s += 60;
		CHECK(world_session(&w, &a));
		if (lost >= 5) {
			CHECK_EQ(w.out.event, PST_TAM_EV_CURRENT);
			CHECK_EQ(w.out.reply_len, 0);
			/* a Success that comes late finds no Update */
			CHECK(world_deliver(&w,
			    agent_answer(&w, &a, t, 0, digest_of(0x11), t)));
			CHECK(dropped(PST_ERR_TEEP_TOKEN));
		} else {
			CHECK_EQ(updates(), 1);
		}
		memset(&r, 0, sizeof(r));
		CHECK_EQ(
		    pst_tam_list_reports(w.reader, 0, 0, 9, take_report, &r),
		    PST_OK);
		CHECK_EQ(r.count, lost == 6 ? 1 : 0);
		END();
	}
}

int
main(void)
{
	RUN(first_request_has_one_signature_a_suite);
	RUN(a_hint_gives_a_sign1_of_that_suite);
	RUN(challenges_differ_and_prove_themselves);
	RUN(a_retired_challenge_key_is_refused);
	RUN(thirty_thousand_first_requests_leave_no_rows);
	RUN(an_assigned_component_is_sent_once);
	RUN(an_installed_component_is_not_sent_again);
	RUN(a_newer_manifest_replaces_the_installed_one);
	RUN(an_ed25519_agent_is_answered_in_its_suite);
	RUN(a_second_device_does_not_blank_the_first_ones_inventory);
	RUN(a_changed_tc_list_replaces_the_inventory);
	RUN(failed_appraisal_sends_no_component);
	RUN(out_of_policy_gets_the_remedy_and_nothing_else);
	RUN(a_remedy_is_for_genuine_devices_in_force);
	RUN(the_answer_to_a_refusal_ends_the_session);
	RUN(a_key_that_is_not_enrolled_is_dropped);
	RUN(evidence_of_another_agent_is_refused);
	RUN(a_message_without_evidence_is_refused);
	RUN(evidence_without_a_format_is_no_result);
	RUN(a_replayed_query_response_is_dropped);
	RUN(a_used_challenge_in_another_message_is_dropped);
	RUN(an_expired_challenge_is_dropped);
	RUN(a_foreign_challenge_is_dropped);
	RUN(an_unsolicited_response_is_refused_in_nonce_mode);
	RUN(timestamp_mode_takes_recent_evidence_once);
	RUN(a_revoked_device_gets_nothing);
	RUN(a_device_may_change_its_key_but_not_to_anothers);
	RUN(a_token_that_nobody_sent_is_refused);
	RUN(an_attester_counts_for_its_technology_only);
	RUN(a_device_keeps_its_state_when_its_attester_changes);
	RUN(appraisal_may_come_later);
	RUN(an_x5chain_under_a_root_gives_the_key);
	RUN(an_x5chain_answers_for_no_other_device);
	RUN(truncated_and_flipped_messages_change_nothing);
	RUN(messages_of_a_tam_are_dropped);
	RUN(an_oversized_message_is_dropped);
	RUN(an_expired_token_is_dropped);
	RUN(a_token_works_once);
	RUN(two_answers_at_once_count_once);
	RUN(a_token_of_another_device_is_dropped);
	RUN(a_new_session_supersedes_a_pending_update);
	RUN(a_report_of_another_update_voids_the_answer);
	RUN(protected_reports_are_read);
	RUN(reports_under_other_keys_are_counted);
	RUN(a_protected_report_of_another_update_voids_the_answer);
	RUN(an_answer_by_an_unknown_key_is_dropped);
	RUN(a_failed_install_is_stored_with_its_reason);
	RUN(what_failed_backs_off_and_is_tried_again);
	RUN(one_bad_manifest_does_not_hold_the_others_back);
	RUN(a_temporary_error_is_no_reason_to_wait);
	RUN(an_authentic_error_gets_a_sign1_in_its_suite);
	RUN(errors_that_cannot_be_met_end_the_session);
	RUN(an_error_by_an_unknown_agent_is_dropped);
	RUN(a_request_brings_what_is_marked_for_it);
	RUN(a_request_for_what_is_not_assigned_brings_nothing);
	RUN(an_unneeded_manifest_is_unlinked);
	RUN(a_success_is_believed_until_the_next_tc_list);
	RUN(an_unlink_that_failed_backs_off);
	RUN(what_is_no_longer_assigned_is_unlinked_if_we_sent_it);
	RUN(an_update_that_is_too_big_is_split);
	RUN(too_many_components_stop_the_plan_and_nothing_else);
	RUN(groups_and_single_devices_have_their_own);
	RUN(each_of_the_six_messages_may_be_lost);
	TEST_END();
}
