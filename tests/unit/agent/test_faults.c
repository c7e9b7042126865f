/*
 * Every call of every port fails once, and the power goes during every write:
 * afterwards there is the old state or the new one, whole, and the device goes
 * on working.
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "tree.h"

#define OLD "old 1"
#define NEW "newer"
#define LAST "last of all"
#define NO_URI ((struct pst_bytes){ NULL, 0 })

/* Something that an agent does, from what it finds to what it leaves. */
struct step {
	const char *before; /* HELLO's content; NULL: not installed */
	const char *after;
	void (*run)(void);
	/* what installs sequence number n with this content */
	void (*version)(uint64_t n, const char *content, const char *token);
};

/* A fetched component and one that comes along. */
static struct world_manifest
version(uint64_t sequence, const char *payload)
{
	struct world_manifest m = world_hello(sequence, payload);

	m.count = 2;
	m.image[1].id = HELLO_DATA;
	m.image[1].payload = m.image[0].payload;
	m.image[1].uri = "#data";
	m.image[1].integrated = true;
	return m;
}

/* Encrypted to the device. Where the engine lives for a byte only, no payload
 * that has a tag ever comes to its end (docs/decisions/0104). */
static struct world_manifest
sealed(uint64_t sequence, const char *payload)
{
	struct world_manifest m = version(sequence, payload);
	bool possible = !w.mode.rebuild || w.mode.chunk > 1;

	m.image[0].sealed = m.image[1].sealed = possible;
	return m;
}

static void
sealed_version(uint64_t n, const char *content, const char *token)
{
	struct world_manifest m = sealed(n, content);

	world_install(token, &m);
}

static void
install_sealed(void)
{
	sealed_version(1, OLD, "token-01");
}

static void
replace_sealed(void)
{
	sealed_version(2, NEW, "token-02");
}

static void
plain_version(uint64_t n, const char *content, const char *token)
{
	struct world_manifest m = version(n, content);

	world_install(token, &m);
}

/* HELLO belongs to a dependency of a dependency; HELLO_DATA to the root. All
 * levels change with each version, and each is written and verified. */
static void
tree_of(uint64_t n, const char *content, const char *token, bool encrypted)
{
	static struct tree low, middle, root;

	memset(&low, 0, sizeof(low));
	memset(&middle, 0, sizeof(middle));
	memset(&root, 0, sizeof(root));
	low.sequence = middle.sequence = root.sequence = n;
	low.count = middle.count = 1;
	low.part[0] = (struct tree_part){ .id = HELLO,
		.uri = "https://files.example/tree",
		.payload = content,
		.encrypted = encrypted };
	tree_make(&low);
	middle.part[0] = (struct tree_part){ .id = ID("\xaa\x43low"),
		.uri = "https://files.example/low",
		.dependency = &low };
	tree_make(&middle);
	root.id = HELLO_MANIFEST;
	root.count = 2;
	root.part[0] = (struct tree_part){
		.id = ID("\xaa\x43mid"), .uri = "#middle", .dependency = &middle
	};
	root.part[1] = (struct tree_part){
		.id = HELLO_DATA, .uri = "#data", .payload = content
	};
	tree_install(&root, ONE, token);
}

static void
tree_version(uint64_t n, const char *content, const char *token)
{
	tree_of(n, content, token, false);
}

static void
secret_version(uint64_t n, const char *content, const char *token)
{
	tree_of(n, content, token, true);
}

static void
install(void)
{
	plain_version(1, OLD, "token-01");
}

static void
replace(void)
{
	plain_version(2, NEW, "token-02");
}

static void
install_tree(void)
{
	tree_version(1, OLD, "token-01");
}

static void
replace_tree(void)
{
	tree_version(2, NEW, "token-02");
}

static void
install_secret(void)
{
	secret_version(1, OLD, "token-01");
}

static void
replace_secret(void)
{
	secret_version(2, NEW, "token-02");
}

static void
remove_it(void)
{
	struct world_update u = { .token = "token-03", .unneeded = 1 };

	u.unlink[0] = HELLO_MANIFEST;
	world_update(&u);
}

static void
keep_result(void)
{
	struct world_update u = { .token = "token-04" };

	u.result = PST_BYTES_LIT("a passport");
	world_update(&u);
}

static void
ask_for_it(void)
{
	w.err = pst_agent_request_ta(&w.agent, WORLD, NO_URI, &w.out);
	world_drive();
}

static void
ask_no_more(void)
{
	w.err = pst_agent_unrequest_ta(&w.agent, HELLO, &w.out);
	world_drive();
}

static void
check_policy(void)
{
	w.err = pst_agent_policy_check(&w.agent, true, &w.out);
	world_drive();
}

static void
answer_a_query(void)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items =
	    PST_TEEP_ITEM_ATTESTATION | PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.challenge = PST_BYTES_LIT("challenge");
	q.present = 1u << PST_LABEL_CHALLENGE;
	world_send(ONE, world_make_query(ONE, &q));
}

static const struct step steps[] = {
	{ NULL, OLD, install, plain_version },
	{ OLD, NEW, replace, plain_version },
	{ OLD, NULL, remove_it, plain_version },
	{ OLD, OLD, keep_result, plain_version },
	{ OLD, OLD, ask_for_it, plain_version },
	{ OLD, OLD, ask_no_more, plain_version },
	{ OLD, OLD, check_policy, plain_version },
	{ OLD, OLD, answer_a_query, plain_version },
	{ NULL, OLD, install_sealed, sealed_version },
	{ OLD, NEW, replace_sealed, sealed_version },
	/* trees of manifests, of which the latter are encrypted */
	{ NULL, OLD, install_tree, tree_version },
	{ OLD, NEW, replace_tree, tree_version },
	{ OLD, NULL, remove_it, tree_version },
	{ NULL, OLD, install_secret, secret_version },
	{ OLD, NEW, replace_secret, secret_version },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* Trees ask for several payloads a time, and what is encrypted begins anew
 * with each engine: byte by byte that would take for ever. */
static bool
skipped(const struct step *s)
{
	return (s->version == tree_version || s->version == secret_version) &&
	    w.mode.chunk == 1;
}

static bool
holds(const char *content)
{
	return world_holds(HELLO, content) && world_holds(HELLO_DATA, content);
}

static bool
old_or_new(const struct step *s)
{
	return holds(s->before) || holds(s->after);
}

/* An Error must not say of any manifest that it was installed. */
static bool
claims_nothing(void)
{
	struct pst_suit_report_view view;

	return w.answer.type != PST_TEEP_ERROR ||
	    w.answer.suit_reports.count == 0 ||
	    (w.answer.suit_reports.count == 1 && world_report(&view) &&
		!view.success);
}

static bool
prepare(const struct step *s)
{
	if (!world_begin())
		return false;
	if (s->before == NULL)
		return true;
	s->version(1, s->before, "token-01");
	return world_success();
}

/* Nothing fails any more: what is there, and does the device go on? */
static void
check_recovery(const struct step *s, bool done)
{
	memset(&w.store.fault, 0, sizeof(w.store.fault));
	memset(&w.crypto.fault, 0, sizeof(w.crypto.fault));
	memset(&w.clock.fault, 0, sizeof(w.clock.fault));
	memset(&w.attester.fault, 0, sizeof(w.attester.fault));
	CHECK_EQ(world_reopen(), PST_OK);
	CHECK(old_or_new(s));
	CHECK(!done || holds(s->after));
	CHECK(world_tidy());
	/* An Update that was under way ends now. */
	w.err = pst_agent_policy_check(&w.agent, false, &w.out);
	CHECK_EQ(w.err, PST_OK);
	if (w.out.what == PST_AGENT_FETCH || w.out.what == PST_AGENT_SEND) {
		world_drive();
		CHECK(world_success());
		CHECK(holds(s->after));
	}
	CHECK(old_or_new(s));
	s->version(9, LAST, "token-09");
	CHECK(world_success());
	CHECK(holds(LAST));
	CHECK(world_tidy());
}

static void
fail_each_call(const struct step *s, struct pst_mem_fault *fault,
    enum pst_err with, bool sticky)
{
	uint64_t n;
	bool done;

	for (n = 1;; n++) {
		CHECK(prepare(s));
		memset(fault, 0, sizeof(*fault));
		fault->with = with;
		fault->sticky = sticky;
		fault->fail_at = n;
		s->run();
		done = world_success();
		CHECK(claims_nothing());
		if (fault->failed == 0)
			break;
		/* An open engine never shows a mixture. */
		CHECK(!w.open || !w.agent.open || old_or_new(s));
		check_recovery(s, done);
		CHECK_CASE();
	}
	/* Without a fault it does what it is for. */
	CHECK(n > 1);
	CHECK(holds(s->after));
}

static void
every_store_call_may_fail_once(void)
{
	size_t i;

	for (i = 0; i < STEPS; i++) {
		if (skipped(&steps[i]))
			continue;
		fail_each_call(&steps[i], &w.store.fault, PST_ERR_STORE, false);
		CHECK_CASE();
	}
}

static void
the_store_may_fail_for_good_at_every_call(void)
{
	size_t i;

	for (i = 0; i < STEPS; i++) {
		if (skipped(&steps[i]))
			continue;
		fail_each_call(&steps[i], &w.store.fault, PST_ERR_IO, true);
		CHECK_CASE();
	}
}

/* Run with its commit reported as failed; returns whether it was. */
static bool
commit_fails(void (*run)(void))
{
	uint64_t n;

	for (n = 1; n < 1000; n++) {
		w.late = true;
		if (!prepare(&steps[2]))
			return false;
		w.late = false;
		w.store.fault.with = PST_ERR_STORE;
		w.store.fault.fail_at = n;
		w.store.denied = 0;
		run();
		if (w.store.denied == 1)
			return true;
	}
	return false;
}

static void
a_commit_that_failed_late_has_happened(void)
{
	size_t i;

	for (i = 0; i < STEPS; i++) {
		if (skipped(&steps[i]))
			continue;
		w.late = true;
		fail_each_call(&steps[i], &w.store.fault, PST_ERR_STORE, false);
		w.late = false;
		CHECK_CASE();
	}
	/* What the store has is what is answered. */
	CHECK_EQ(commit_fails(remove_it), true);
	CHECK(world_success());
	CHECK(holds(NULL));
}

static void
every_crypto_call_may_fail(void)
{
	size_t i;

	for (i = 0; i < STEPS; i++) {
		if (skipped(&steps[i]))
			continue;
		/* Without a signature or digest there is no call to fail. */
		if (steps[i].run == ask_for_it || steps[i].run == ask_no_more ||
		    steps[i].run == check_policy)
			continue;
		fail_each_call(
		    &steps[i], &w.crypto.fault, PST_ERR_CRYPTO, false);
		CHECK_CASE();
	}
}

static void
the_clock_and_the_attester_may_fail(void)
{
	fail_each_call(&steps[4], &w.clock.fault, PST_ERR_CLOCK, false);
	CHECK_CASE();
	fail_each_call(&steps[6], &w.clock.fault, PST_ERR_CLOCK, false);
	CHECK_CASE();
	fail_each_call(&steps[7], &w.clock.fault, PST_ERR_CLOCK, false);
	CHECK_CASE();
	fail_each_call(&steps[7], &w.attester.fault, PST_ERR_IO, false);
}

/* The device dies: nothing the engine still says is heard. */
static void
cut_each_write(const struct step *s, enum pst_mem_cut cut)
{
	uint64_t n;

	for (n = 1;; n++) {
		CHECK(prepare(s));
		w.store.writes = 0;
		w.store.cut = cut;
		w.store.cut_at = n;
		s->run();
		if (!w.store.off)
			break;
		pst_mem_store_reboot(&w.store);
		check_recovery(s, false);
		CHECK_CASE();
	}
	w.store.cut_at = 0;
	CHECK(holds(s->after));
}

static void
the_power_may_go_at_every_write(void)
{
	size_t i;
	int cut;

	for (cut = PST_MEM_CUT_BEFORE; cut <= PST_MEM_CUT_TORN; cut++) {
		for (i = 0; i < STEPS; i++) {
			if (skipped(&steps[i]))
				continue;
			cut_each_write(&steps[i], (enum pst_mem_cut)cut);
			CHECK_CASE();
		}
	}
}

/* Memory that is too small in any place gives an error, never a part. */
static void
too_little_memory_is_an_error(void)
{
	const struct step *s = &steps[1];
	struct pst_agent_memory full = w.memory;
	size_t *caps[] = { &w.memory.registry_cap, &w.memory.message_cap,
		&w.memory.out_cap };
	size_t i, cap;

	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		for (cap = 64; cap < 2048; cap += 61) {
			CHECK(prepare(s));
			*caps[i] = cap;
			if (world_reopen() == PST_OK)
				s->run();
			CHECK(!w.open || old_or_new(s));
			w.memory = full;
			check_recovery(s, false);
			CHECK_CASE();
		}
	}
}

void
fault_cases(void)
{
	RUN(every_store_call_may_fail_once);
	RUN(the_store_may_fail_for_good_at_every_call);
	RUN(a_commit_that_failed_late_has_happened);
	RUN(every_crypto_call_may_fail);
	RUN(the_clock_and_the_attester_may_fail);
	RUN(the_power_may_go_at_every_write);
	RUN(too_little_memory_is_an_error);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
