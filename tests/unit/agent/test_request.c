/*
 * RequestTA, UnrequestTA, RequestPolicyCheck, ProcessError; QueryResponses
 * that nobody asked for.
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"
#define NO_URI ((struct pst_bytes){ NULL, 0 })
#define ELSEWHERE ID("\xcc\x42ta")

#define BEGIN() CHECK(world_begin())

static void
request(struct pst_bytes id, struct pst_bytes uri)
{
	w.err = pst_agent_request_ta(&w.agent, id, uri, &w.out);
	world_drive();
}

static void
unrequest(struct pst_bytes id)
{
	w.err = pst_agent_unrequest_ta(&w.agent, id, &w.out);
	world_drive();
}

static void
check(bool force)
{
	w.err = pst_agent_policy_check(&w.agent, force, &w.out);
}

/* A QueryRequest in timestamp mode, or with a challenge, or with a token. */
static void
query(bool challenge, bool token)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items = PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	if (!token) {
		q.data_items |= PST_TEEP_ITEM_ATTESTATION;
		q.present = 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
		q.freshness = 1u << PST_FRESHNESS_TIMESTAMP | 1;
	}
	if (challenge)
		q.present |= 1u << PST_LABEL_CHALLENGE;
	if (token)
		q.present |= 1u << PST_LABEL_TOKEN;
	q.challenge = PST_BYTES_LIT("challenge");
	q.token = PST_BYTES_LIT("query-token");
	world_send(ONE, world_make_query(ONE, &q));
}

static bool
asks_for(struct pst_bytes id)
{
	struct pst_list list = w.answer.requested_tc_list;
	struct pst_teep_requested r;

	while (pst_teep_next_requested(&list, &r)) {
		if (pst_equal(r.component_id, id))
			return true;
	}
	return false;
}

static bool
calls_unneeded(struct pst_bytes id)
{
	struct pst_list list = w.answer.unneeded_manifest_list;
	struct pst_bytes item;

	while (pst_teep_next_item(&list, &item)) {
		if (pst_equal(item, id))
			return true;
	}
	return false;
}

static void
a_request_leads_to_its_tam_and_into_the_list(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	request(HELLO, NO_URI);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK(pst_equal(w.out.uri, URI_ONE));
	query(false, true);
	CHECK(asks_for(HELLO));
	world_install("token-01", &m);
	CHECK(world_success());
	query(false, true);
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_REQUESTED_TC_LIST));
	request(HELLO, NO_URI);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
}

static void
a_repeated_request_is_declined(void)
{
	BEGIN();
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	request(HELLO, NO_URI);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S - 1;
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	w.clock.now_s += 1;
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(pst_reg_count(
		     &w.agent.registry, PST_REG_REQUEST, HELLO, PST_REG_ANY),
	    1);
}

static void
requests_are_bounded_and_old_ones_make_room(void)
{
	uint8_t id[] = { 0x82, 0x41, 0xaa, 0x41, 0 };
	struct pst_bytes view = { id, sizeof(id) };
	size_t i;

	BEGIN();
	for (i = 0; i < PST_AGENT_REQUESTS_MAX; i++) {
		id[4] = (uint8_t)i;
		request(view, NO_URI);
		CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	}
	id[4] = 0xff;
	request(view, NO_URI);
	CHECK_EQ(w.err, PST_ERR_AGENT_RATE);
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S;
	request(view, NO_URI);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(pst_reg_count(&w.agent.registry, PST_REG_REQUEST, PST_REG_ANY,
		     PST_REG_ANY),
	    PST_AGENT_REQUESTS_MAX);
}

static void
a_suggested_tam_counts_when_it_is_anchored_and_reaches_it(void)
{
	BEGIN();
	request(WORLD, URI_TWO);
	CHECK(pst_equal(w.out.uri, URI_TWO));
	unrequest(WORLD);
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S;
	request(WORLD, PST_BYTES_LIT("https://evil.example/tam"));
	CHECK(pst_equal(w.out.uri, URI_ONE));
	request(HELLO, URI_TWO);
	CHECK(pst_equal(w.out.uri, URI_ONE));
	request(ELSEWHERE, URI_ONE);
	CHECK_EQ(w.err, PST_ERR_AGENT_TAM);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
}

static void
what_is_no_identifier_is_refused(void)
{
	static uint8_t large[PST_SUIT_ID_MAX + 1];
	static const struct pst_bytes rows[] = {
		{ NULL, 0 },
		{ (const uint8_t *)"\x80", 1 },
		{ (const uint8_t *)"\x81\x01", 2 },
		{ (const uint8_t *)"\x41\xaa", 2 },
		{ (const uint8_t *)"\x81\x41\xaa\x00", 4 },
		{ large, sizeof(large) },
	};
	size_t i;

	BEGIN();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request(rows[i], NO_URI);
		CHECK_EQ(w.err, PST_ERR_ARG);
		unrequest(rows[i]);
		CHECK_EQ(w.err, PST_ERR_ARG);
	}
}

static void
unrequest_marks_the_manifest_and_request_takes_it_back(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct world_update u = { .token = "token-02", .unneeded = 1 };

	BEGIN();
	unrequest(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	world_install("token-01", &m);
	unrequest(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK(pst_equal(w.out.uri, URI_ONE));
	unrequest(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	query(false, true);
	CHECK(calls_unneeded(HELLO_MANIFEST));
	request(HELLO, NO_URI);
	query(false, true);
	CHECK(!calls_unneeded(HELLO_MANIFEST));
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S;
	unrequest(HELLO);
	u.unlink[0] = HELLO_MANIFEST;
	world_update(&u);
	CHECK(world_success());
	query(false, true);
	CHECK(!PST_TEEP_HAS(&w.answer, PST_LABEL_UNNEEDED_MANIFEST_LIST));
}

static void
unrequest_withdraws_a_request(void)
{
	BEGIN();
	request(HELLO, NO_URI);
	unrequest(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	query(false, true);
	CHECK(!asks_for(HELLO));
}

static void
a_response_nobody_asked_for_needs_timestamp_mode(void)
{
	BEGIN();
	query(false, false);
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_SEND);
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	CHECK(asks_for(HELLO));
	CHECK(PST_TEEP_HAS(&w.answer, PST_LABEL_ATTESTATION_PAYLOAD));
	CHECK_EQ(w.attester.challenge_len, 0);
	CHECK_EQ(w.answer.token.len, 0);
}

static void
a_response_nobody_asked_for_waits_for_all_three_conditions(void)
{
	/* The last QueryRequest had a challenge, or a token. */
	BEGIN();
	query(false, false);
	query(true, false);
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	BEGIN();
	query(false, false);
	query(false, true);
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	/* ProcessError came since. */
	BEGIN();
	query(false, false);
	CHECK_EQ(pst_agent_error(&w.agent, ONE), PST_OK);
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	/* It has asked again. */
	query(false, false);
	request(HELLO_DATA, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_SEND);
	/* There is no time to prove freshness with. */
	w.clock.trusted = false;
	request(ID("\xaa\x41x"), NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
}

static void
a_tam_that_finds_fault_has_to_ask_again(void)
{
	struct world_update u = { .token = "token-01",
		.err_code = PST_TEEP_ERR_ATTESTATION_REQUIRED };

	BEGIN();
	query(false, false);
	world_update(&u);
	CHECK(world_success());
	request(HELLO, NO_URI);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
}

static void
a_policy_check_gives_each_tam_once(void)
{
	BEGIN();
	if (w.mode.rebuild)
		return; /* a round is kept in memory */
	check(true);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK(pst_equal(w.out.uri, URI_ONE));
	check(true);
	CHECK(pst_equal(w.out.uri, URI_TWO));
	check(true);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	check(true);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
}

static void
a_tam_is_due_after_the_interval(void)
{
	BEGIN();
	check(false);
	CHECK_EQ(w.out.tam, ONE);
	CHECK_EQ(world_reopen(), PST_OK);
	check(false);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(w.out.tam, TWO);
	check(false);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	w.clock.now_s += w.config.policy_interval_s - 1;
	check(false);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	w.clock.now_s += 1;
	check(false);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(w.out.tam, ONE);
}

static void
sessions_that_do_not_exist_are_refused(void)
{
	BEGIN();
	CHECK_EQ(pst_agent_error(&w.agent, 2), PST_ERR_AGENT_TAM);
	CHECK_EQ(pst_agent_message(&w.agent, 2, PST_BYTES_LIT("\x80"), &w.out),
	    PST_ERR_AGENT_TAM);
}

static void
a_configuration_that_cannot_be_right_is_refused(void)
{
	BEGIN();
	w.tams[TWO].name = w.tams[ONE].name;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	CHECK(world_begin());
	w.tams[TWO].name = PST_BYTES_LIT("two");
	w.tams[TWO].scope.prefix[0] = PST_BYTES_LIT("\x80");
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.tams[TWO].scope.prefix[0] = PREFIX_BB;
	w.tams[TWO].uri = NO_URI;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	CHECK(world_begin());
}

static void
a_damaged_registry_does_not_open(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	w.store.registry[0] ^= 0xff;
	CHECK_EQ(world_reopen(), PST_ERR_STORE_DAMAGED);
	CHECK_EQ(
	    pst_agent_message(&w.agent, ONE, PST_BYTES_LIT("\x80"), &w.out),
	    PST_ERR_STATE);
	w.store.registry[0] ^= 0xff;
	CHECK_EQ(world_reopen(), PST_OK);
	CHECK(world_holds(HELLO, V1));
}

/* --- another agent beside it --------------------------------------------- */

/* Another device: memory, store and a TAM of its own. */
struct other {
	struct pst_mem_store store;
	struct pst_store store_port;
	struct pst_agent_config config;
	struct pst_agent agent;
	struct pst_agent_out out;
	uint8_t registry[8192], staged[8192], message[4096], reply[4096];
	uint8_t report[1024], work[PST_SUIT_WORK_MIN];
	struct pst_suit_param params[4];
};

static enum pst_err
other_open(struct other *o)
{
	const struct pst_agent_memory memory = {
		.registry = o->registry,
		.staged = o->staged,
		.registry_cap = sizeof(o->registry),
		.message = o->message,
		.message_cap = sizeof(o->message),
		.out = o->reply,
		.out_cap = sizeof(o->reply),
		.report = o->report,
		.report_cap = sizeof(o->report),
		.suit = { .params = o->params,
		    .param_cap = 4,
		    .work = o->work,
		    .work_cap = sizeof(o->work) },
	};
	struct pst_agent_ports ports = { &w.crypto_port, &o->store_port,
		&w.clock_port, &w.attester_port };

	pst_mem_store_init(&o->store);
	o->store_port = pst_mem_store_port(&o->store);
	o->config = w.config;
	o->config.tams = w.config.tams + TWO;
	o->config.tam_count = 1;
	return pst_agent_open(&o->agent, &o->config, &ports, &memory);
}

/* Nothing of an agent is outside the memory that it was given: neither what
 * it has nor what it does shows in another, whatever that memory held. */
static void
pitfall_two_agents_live_in_one_process(void)
{
	static struct other o;
	struct world_manifest m = world_hello(1, V1);
	struct pst_agent_component c;

	BEGIN();
	if (w.mode.rebuild)
		return; /* a round is kept in memory */
	memset(&o, 0xa5, sizeof(o));
	CHECK_EQ(other_open(&o), PST_OK);
	world_install("token-01", &m);
	CHECK(world_holds(HELLO, V1));
	CHECK_EQ(pst_agent_component(&o.agent, HELLO, &c), PST_ERR_NOT_FOUND);
	check(true);
	CHECK(pst_equal(w.out.uri, URI_ONE));
	CHECK_EQ(pst_agent_policy_check(&o.agent, true, &o.out), PST_OK);
	CHECK(pst_equal(o.out.uri, URI_TWO));
	check(true);
	CHECK(pst_equal(w.out.uri, URI_TWO));
	CHECK_EQ(pst_agent_policy_check(&o.agent, true, &o.out), PST_OK);
	CHECK_EQ(o.out.what, PST_AGENT_NOTHING);
	pst_agent_close(&o.agent);
	CHECK(world_holds(HELLO, V1));
	pst_mem_store_free(&o.store);
}

void
request_cases(void)
{
	RUN(a_request_leads_to_its_tam_and_into_the_list);
	RUN(a_repeated_request_is_declined);
	RUN(requests_are_bounded_and_old_ones_make_room);
	RUN(a_suggested_tam_counts_when_it_is_anchored_and_reaches_it);
	RUN(what_is_no_identifier_is_refused);
	RUN(unrequest_marks_the_manifest_and_request_takes_it_back);
	RUN(unrequest_withdraws_a_request);
	RUN(a_response_nobody_asked_for_needs_timestamp_mode);
	RUN(a_response_nobody_asked_for_waits_for_all_three_conditions);
	RUN(a_tam_that_finds_fault_has_to_ask_again);
	RUN(a_policy_check_gives_each_tam_once);
	RUN(a_tam_is_due_after_the_interval);
	RUN(sessions_that_do_not_exist_are_refused);
	RUN(a_configuration_that_cannot_be_right_is_refused);
	RUN(a_damaged_registry_does_not_open);
	RUN(pitfall_two_agents_live_in_one_process);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
