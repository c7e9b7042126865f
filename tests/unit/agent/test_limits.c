/*
 * What one party can take from the others: room in the registry, commits, and
 * the store.
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"
#define NO_URI ((struct pst_bytes){ NULL, 0 })

#define BEGIN() CHECK(world_begin())

static size_t
count(enum pst_reg_kind kind)
{
	return pst_reg_count(&w.agent.registry, kind, PST_REG_ANY, PST_REG_ANY);
}

/* The n-th manifest of TWO with one component, of n-th names. */
struct numbered {
	uint8_t id[7];
	uint8_t content[7];
	char token[12];
	struct world_manifest m;
};

static void
number(struct numbered *x, size_t n)
{
	static const uint8_t id[7] = { 0x82, 0x41, 0xbb, 0x43, 'm', 0, 0 };

	memcpy(x->id, id, sizeof(id));
	memcpy(x->content, id, sizeof(id));
	x->content[4] = 'c';
	x->id[5] = x->content[5] = (uint8_t)(n >> 8);
	x->id[6] = x->content[6] = (uint8_t)n;
	snprintf(x->token, sizeof(x->token), "token-%05zu", n % 100000);
	x->m = world_hello(1, "x");
	x->m.signer = BOB;
	x->m.id = (struct pst_bytes){ x->id, sizeof(x->id) };
	x->m.image[0].id = (struct pst_bytes){ x->content, sizeof(x->content) };
	x->m.image[0].uri = "#x";
	x->m.image[0].integrated = true;
}

static void
install_two(struct numbered *x)
{
	struct world_update u = {
		.tam = TWO, .token = x->token, .manifests = 1
	};

	u.manifest[0] = x->m;
	world_update(&u);
}

static void
remove_two(struct numbered *x)
{
	struct world_update u = {
		.tam = TWO, .token = x->token, .unneeded = 1
	};

	x->token[0] = 'u';
	u.unlink[0] = x->m.id;
	world_update(&u);
}

/* Nothing here depends on how payloads come. */
static bool
once(void)
{
	return !w.mode.rebuild && w.mode.chunk != 1;
}

static void
no_tam_has_more_entries_than_its_share(void)
{
	struct numbered x;
	size_t i, n = PST_AGENT_INSTALLED_MAX / 4;
	struct world_manifest m = world_hello(1, V1);

	if (!once())
		return;
	BEGIN();
	for (i = 0; i <= n; i++) {
		number(&x, i);
		install_two(&x);
		CHECK(i < n ? world_success() : w.out.reason == PST_ERR_LIMIT);
	}
	CHECK_EQ(count(PST_REG_COMPONENT), n);
	CHECK(world_tidy());
	/* The other has all of its own. */
	world_install("token-one", &m);
	CHECK(world_success());
	/* A version that needs no more than what it replaces fits. */
	number(&x, 0);
	x.token[0] = 'v';
	x.m.sequence = 2;
	install_two(&x);
	CHECK(world_success());
}

/* Tombstones of one TAM until there is no room for another. */
static void
fill_with_tombstones(size_t *n)
{
	struct numbered x;

	for (*n = 0; *n < 5000; (*n)++) {
		number(&x, *n);
		install_two(&x);
		if (!world_success())
			return;
		remove_two(&x);
		CHECK(world_success());
	}
}

static void
tombstones_of_one_tam_leave_room_for_the_others(void)
{
	struct pst_agent_memory before = w.memory;
	struct world_manifest m = world_hello(1, V1);
	struct numbered x;
	size_t n = 0;

	if (!once())
		return;
	w.memory.registry_cap = 16384;
	BEGIN();
	w.memory.registry_cap = 16384;
	CHECK_EQ(world_reopen(), PST_OK);
	fill_with_tombstones(&n);
	CHECK_CASE();
	CHECK_EQ(w.out.reason, PST_ERR_SPACE);
	CHECK(n > 20 && n < 5000);
	CHECK_EQ(count(PST_REG_MANIFEST), n);
	/* It is told so, each time, and its newest tokens are remembered. */
	install_two((number(&x, n), x.token[0] = 'w', &x));
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	install_two(&x);
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_REPLAY);
	world_install("token-one", &m);
	CHECK(world_success());
	w.err = pst_agent_request_ta(&w.agent, WORLD, NO_URI, &w.out);
	CHECK_EQ(w.err, PST_OK);
	w.memory = before;
	CHECK(world_begin());
}

/* Updates that install nothing, more than tokens have room for. */
static void
tokens_make_room_for_each_other_only(void)
{
	struct pst_agent_memory before = w.memory;
	struct world_update u = { .tam = TWO, .unneeded = 1 };
	struct world_manifest m = world_hello(1, V1);
	char token[PST_TOKEN_MAX + 1];
	size_t i;

	if (!once())
		return;
	BEGIN();
	w.memory.registry_cap = 8192;
	CHECK_EQ(world_reopen(), PST_OK);
	world_install("token-of-one", &m);
	CHECK(world_success());
	memset(token, 't', sizeof(token));
	token[PST_TOKEN_MAX] = '\0';
	u.token = token;
	u.unlink[0] = WORLD_MANIFEST;
	for (i = 0; i < 2 * PST_AGENT_TOKENS_MAX; i++) {
		token[0] = (char)('A' + i / 16);
		token[1] = (char)('A' + i % 16);
		world_update(&u);
		CHECK(world_success());
	}
	CHECK(count(PST_REG_TOKEN) < PST_AGENT_TOKENS_MAX);
	CHECK(count(PST_REG_TOKEN) > 8);
	world_update(&u);
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_REPLAY);
	world_install("token-of-one", &m);
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_REPLAY);
	w.memory = before;
	CHECK(world_begin());
}

/* Applications ask for as much as they can: every TAM is answered still. */
static void
requests_of_applications_leave_room_for_answers(void)
{
	struct pst_agent_memory before = w.memory;
	static uint8_t id[PST_SUIT_ID_MAX] = { 0x82, 0x41, 0xbb, 0x58, 240 };
	struct pst_bytes view = { id, 5 + 240 };
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };
	size_t i, had = 0;

	if (!once())
		return;
	BEGIN();
	w.memory.registry_cap = 8192;
	CHECK_EQ(world_reopen(), PST_OK);
	for (i = 0; i < PST_AGENT_REQUESTS_MAX; i++) {
		id[5] = (uint8_t)i;
		w.err = pst_agent_request_ta(&w.agent, view, NO_URI, &w.out);
		CHECK(w.err == PST_OK || w.err == PST_ERR_SPACE);
		had += w.err == PST_OK;
	}
	CHECK(had > 2 && had < PST_AGENT_REQUESTS_MAX);
	CHECK_EQ(count(PST_REG_REQUEST), had);
	q.suites = PST_SUITE_ESP256;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items = PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.token = PST_BYTES_LIT("query-token");
	q.present = 1u << PST_LABEL_TOKEN;
	for (i = ONE; i <= TWO; i++) {
		w.err = pst_agent_policy_check(&w.agent, true, &w.out);
		CHECK_EQ(w.err, PST_OK);
		CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
		world_send((int)i, world_make_query((int)i, &q));
		CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	}
	w.memory = before;
	CHECK(world_begin());
}

/* --- one after the other ------------------------------------------------- */

static void
request(struct pst_bytes id)
{
	w.err = pst_agent_request_ta(&w.agent, id, NO_URI, &w.out);
	world_drive();
}

static void
unrequest(struct pst_bytes id)
{
	w.err = pst_agent_unrequest_ta(&w.agent, id, &w.out);
	world_drive();
}

static void
a_request_and_its_withdrawal_do_not_take_turns(void)
{
	BEGIN();
	request(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	unrequest(HELLO);
	CHECK_EQ(w.err, PST_OK);
	request(HELLO);
	CHECK_EQ(w.err, PST_ERR_AGENT_RATE);
	unrequest(HELLO);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(count(PST_REG_REQUEST), 1);
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S;
	request(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
}

static void
needed_and_unneeded_do_not_take_turns(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	unrequest(HELLO);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	/* That it is needed may be said at any time. */
	request(HELLO);
	CHECK_EQ(w.err, PST_OK);
	unrequest(HELLO);
	CHECK_EQ(w.err, PST_ERR_AGENT_RATE);
	w.clock.now_s += PST_AGENT_REQUEST_INTERVAL_S;
	unrequest(HELLO);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(count(PST_REG_UNNEEDED), 1);
}

/* --- payloads ------------------------------------------------------------ */

static void
a_payload_without_a_size_has_the_devices(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.no_size = true;
	w.config.payload_max = strlen(V1) - 1;
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_LIMIT));
	CHECK(world_holds(HELLO, NULL));
	CHECK(world_tidy());
	/* A size that was signed for is the signer's matter. */
	m.no_size = false;
	world_install("token-02", &m);
	CHECK(world_success());
	m = world_hello(2, V1);
	m.no_size = true;
	w.config.payload_max = strlen(V1);
	world_install("token-03", &m);
	CHECK(world_success());
	w.config.payload_max = 0;
	CHECK(world_holds(HELLO, V1));
}

void
limit_cases(void)
{
	RUN(no_tam_has_more_entries_than_its_share);
	RUN(tombstones_of_one_tam_leave_room_for_the_others);
	RUN(tokens_make_room_for_each_other_only);
	RUN(requests_of_applications_leave_room_for_answers);
	RUN(a_request_and_its_withdrawal_do_not_take_turns);
	RUN(needed_and_unneeded_do_not_take_turns);
	RUN(a_payload_without_a_size_has_the_devices);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
