/*
 * Updates: what is installed, replaced, refused and removed.
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"
#define V2 "hello, the second"
#define W1 "a world"

#define BEGIN() CHECK(world_begin())

/* A second component, of the other prefix. */
static struct world_manifest
world_of(uint64_t sequence, const char *payload)
{
	struct world_manifest m = world_hello(sequence, payload);

	m.id = WORLD_MANIFEST;
	m.image[0].id = WORLD;
	m.image[0].uri = "https://files.example/world";
	return m;
}

static void
unlink_hello(const char *token)
{
	struct world_update u = { .token = token, .unneeded = 1 };

	u.unlink[0] = HELLO_MANIFEST;
	world_update(&u);
}

/* Records of a kind in what is committed. */
static size_t
count(enum pst_reg_kind kind)
{
	return pst_reg_count(&w.agent.registry, kind, PST_REG_ANY, PST_REG_ANY);
}

/* Where the run of the first report stopped. */
static int
view_section(void)
{
	struct pst_suit_report_view view;

	return world_report(&view) ? view.record.section : -1;
}

/* A manifest of another identifier that only refers to HELLO. */
static struct world_manifest
user_of_hello(const char *payload)
{
	struct world_manifest m = world_hello(1, payload);

	m.id = ID("\xaa\x44user");
	m.image[0].uri = NULL;
	return m;
}

static void
installs_and_reports_with_the_token_as_nonce(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	CHECK(world_holds(HELLO, NULL));
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-01")));
	CHECK_EQ(w.answer.suit_reports.count, 1);
	CHECK(world_report(&view));
	CHECK(view.success);
	CHECK(pst_equal(view.nonce, PST_BYTES_LIT("token-01")));
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
	CHECK_EQ(count(PST_REG_JOURNAL) + count(PST_REG_FETCH), 0);
}

static void
a_fetch_asks_for_each_byte_once(void)
{
	struct world_manifest m = world_hello(1, V1);
	size_t len = sizeof(V1) - 1;

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK_EQ(w.fetches, w.mode.chunk == 1 ? len : 1);
}

static void
an_update_without_a_token_gets_an_answer_without(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	world_install(NULL, &m);
	CHECK(world_success());
	CHECK_EQ(w.answer.token.len, 0);
	CHECK(world_report(&view));
	CHECK_EQ(view.nonce.len, 0);
}

static void
installs_integrated_and_fetched_components_together(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.count = 2;
	m.image[1].id = HELLO_DATA;
	m.image[1].payload = PST_BYTES_LIT("some data");
	m.image[1].uri = "#data";
	m.image[1].integrated = true;
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	CHECK(world_holds(HELLO_DATA, "some data"));
	CHECK(world_tidy());
}

static void
two_fetches_of_one_manifest_are_kept_apart(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.count = 2;
	m.image[1].id = HELLO_DATA;
	m.image[1].payload = PST_BYTES_LIT("data from elsewhere");
	m.image[1].uri = "https://files.example/data";
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	CHECK(world_holds(HELLO_DATA, "data from elsewhere"));
	/* The same URI for two components is two fetches as well. */
	m.sequence = 2;
	m.image[1].uri = m.image[0].uri;
	m.image[1].payload = m.image[0].payload;
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO_DATA, V1));
	CHECK(world_tidy());
}

static void
a_higher_sequence_number_replaces(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_agent_component c;

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	m = world_hello(7, V2);
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V2));
	CHECK_EQ(pst_agent_component(&w.agent, HELLO, &c), PST_OK);
	CHECK_EQ(c.sequence, 7);
	CHECK(pst_equal(c.manifest_id, HELLO_MANIFEST));
	/* Each manifest counts once: one reference, one record. */
	CHECK_EQ(count(PST_REG_LINK), 1);
	CHECK_EQ(count(PST_REG_MANIFEST), 1);
	CHECK(world_tidy());
}

static void
a_version_without_a_component_drops_it(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.count = 2;
	m.image[1].id = HELLO_DATA;
	m.image[1].payload = PST_BYTES_LIT("data");
	m.image[1].uri = "https://files.example/data";
	world_install("token-01", &m);
	CHECK(world_holds(HELLO_DATA, "data"));
	m = world_hello(2, V1);
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	CHECK(world_holds(HELLO_DATA, NULL));
	CHECK(world_tidy());
}

static void
pitfall_a_downgrade_is_refused_and_reported(void)
{
	struct world_manifest m = world_hello(5, V2);
	struct pst_suit_report_view view;

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	m = world_hello(4, V1);
	world_install("token-02", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_SEQUENCE));
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-02")));
	CHECK(world_report(&view));
	CHECK(!view.success);
	CHECK_EQ(view.code, PST_ERR_SUIT_SEQUENCE);
	CHECK(pst_equal(view.nonce, PST_BYTES_LIT("token-02")));
	CHECK(world_holds(HELLO, V2));
	CHECK_EQ(w.fetches, w.mode.chunk == 1 ? sizeof(V2) - 1 : 1);
}

static void
an_equal_number_with_another_digest_is_refused(void)
{
	struct world_manifest m = world_hello(5, V1);

	BEGIN();
	world_install("token-01", &m);
	m = world_hello(5, V2);
	world_install("token-02", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_SEQUENCE));
	CHECK(world_holds(HELLO, V1));
}

static void
the_same_manifest_again_is_a_success_and_nothing_is_done(void)
{
	struct world_manifest m = world_hello(5, V1);
	struct pst_agent_component before, after;
	struct pst_suit_report_view view;
	uint32_t fetches;

	BEGIN();
	world_install("token-01", &m);
	CHECK_EQ(pst_agent_component(&w.agent, HELLO, &before), PST_OK);
	fetches = w.fetches;
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK(world_report(&view));
	CHECK(view.success);
	CHECK_EQ(pst_agent_component(&w.agent, HELLO, &after), PST_OK);
	CHECK_EQ(after.object, before.object);
	CHECK_EQ(w.fetches, fetches);
	CHECK(world_tidy());
}

static void
an_old_update_is_refused_by_its_token(void)
{
	struct world_update u = { .token = "token-01", .manifests = 1 };
	static uint8_t bytes[16384];
	struct pst_bytes old, copy = { bytes, 0 };

	BEGIN();
	u.manifest[0] = world_hello(1, V1);
	old = world_make_update(&u);
	memcpy(bytes, old.ptr, old.len);
	copy.len = old.len;
	world_send(ONE, copy);
	CHECK(world_success());
	world_send(ONE, copy);
	CHECK(world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_REPLAY));
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-01")));
	CHECK(world_holds(HELLO, V1));
}

static void
an_update_without_a_token_is_refused_the_second_time(void)
{
	struct world_update u = { .manifests = 1 };
	static uint8_t bytes[16384];
	struct pst_bytes old, copy = { bytes, 0 };

	BEGIN();
	u.manifest[0] = world_hello(1, V1);
	old = world_make_update(&u);
	memcpy(bytes, old.ptr, old.len);
	copy.len = old.len;
	world_send(ONE, copy);
	CHECK(world_success());
	world_send(ONE, copy);
	CHECK(world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_REPLAY));
}

static void
the_token_of_a_refused_update_is_remembered(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.signer = EVE;
	world_install("token-01", &m);
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	m.signer = ANNE;
	world_install("token-01", &m);
	CHECK(world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_REPLAY));
	CHECK(world_holds(HELLO, NULL));
}

static void
remembered_tokens_are_bounded_and_the_oldest_goes_first(void)
{
	struct world_update u = { .unneeded = 1 };
	char token[] = "token-a0";
	size_t i;

	BEGIN();
	u.token = token;
	u.unlink[0] = HELLO_MANIFEST;
	for (i = 0; i < PST_AGENT_TOKENS_MAX; i++) {
		token[6] = (char)('a' + i / 16);
		token[7] = (char)('0' + i % 16);
		world_update(&u);
		CHECK(world_success());
	}
	CHECK_EQ(count(PST_REG_TOKEN), PST_AGENT_TOKENS_MAX);
	memcpy(token, "token-a0", 8);
	world_update(&u);
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_REPLAY);
	token[6] = 'z';
	world_update(&u);
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_TOKEN), PST_AGENT_TOKENS_MAX);
	token[6] = 'a';
	world_update(&u);
	CHECK(world_success());
	/* Another TAM's tokens push none of these out. */
	token[6] = 'y';
	u.tam = TWO;
	u.unlink[0] = WORLD_MANIFEST;
	world_update(&u);
	CHECK(world_success());
}

static void
unlink_removes_component_and_content(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	world_install("token-01", &m);
	unlink_hello("token-02");
	CHECK(world_success());
	CHECK(world_report(&view));
	CHECK(view.success);
	CHECK(world_holds(HELLO, NULL));
	CHECK_EQ(w.store.count, 0);
	CHECK_EQ(count(PST_REG_LINK), 0);
	/* The tombstone. */
	CHECK_EQ(count(PST_REG_MANIFEST), 1);
	/* Once more: it is gone, which is what was wanted. */
	unlink_hello("token-03");
	CHECK(world_success());
}

static void
what_an_uninstall_section_forgets_is_unlinked_all_the_same(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.uninstall = WORLD_MATCHES;
	world_install("token-01", &m);
	unlink_hello("token-02");
	CHECK(world_success());
	CHECK(world_holds(HELLO, NULL));
	CHECK_EQ(w.store.count, 0);
}

static void
an_uninstall_section_that_fails_keeps_everything(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	m.uninstall = WORLD_ABORTS;
	world_install("token-01", &m);
	CHECK(world_success());
	unlink_hello("token-02");
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK(world_report(&view));
	CHECK_EQ(view.record.section, PST_SUIT_UNINSTALL);
	CHECK(world_holds(HELLO, V1));
	CHECK_EQ(count(PST_REG_LINK), 1);
	/* Another version may do better. */
	m = world_hello(2, V2);
	world_install("token-03", &m);
	unlink_hello("token-04");
	CHECK(world_success());
	CHECK(world_holds(HELLO, NULL));
}

static void
an_uninstall_section_changes_no_content(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.uninstall = WORLD_FETCHES;
	world_install("token-01", &m);
	CHECK(world_success());
	unlink_hello("token-02");
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_OPERATION));
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
}

static void
a_version_may_unlink_what_it_writes_anew(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	m = world_hello(2, V2);
	m.unlink_first = true;
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V2));
	CHECK_EQ(count(PST_REG_LINK), 1);
	/* What it unlinks and does not write is not its own any more. */
	m = user_of_hello(V2);
	m.unlink_first = true;
	world_install("token-03", &m);
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK), 1);
	unlink_hello("token-04");
	CHECK(world_holds(HELLO, NULL));
	CHECK(world_tidy());
}

/* A digest that was measured before is not one of what is there. */
static void
image_match_does_not_match_what_was_unlinked(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.unlink_between = true;
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK_EQ(view_section(), PST_SUIT_INSTALL);
	CHECK(world_holds(HELLO, NULL));
	CHECK(world_tidy());
}

/* Unlinked and brought anew by one Update: the unlink comes first. */
static void
one_update_may_unlink_and_replace_the_same_manifest(void)
{
	struct world_update u = {
		.token = "token-02", .manifests = 2, .unneeded = 1
	};
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	u.unlink[0] = HELLO_MANIFEST;
	u.manifest[0] = u.manifest[1] = world_hello(2, V2);
	world_update(&u);
	CHECK(world_success());
	CHECK_EQ(w.answer.suit_reports.count, 3);
	CHECK(world_holds(HELLO, V2));
	CHECK_EQ(count(PST_REG_LINK), 1);
	CHECK_EQ(count(PST_REG_MANIFEST), 1);
	CHECK(world_tidy());
	/* Nor is it a way to an older one. */
	u.token = "token-03";
	u.manifests = 1;
	u.manifest[0] = m;
	world_update(&u);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_SEQUENCE));
	CHECK(world_holds(HELLO, V2));
}

static void
pitfall_an_old_install_after_unlink_is_refused(void)
{
	struct world_manifest old = world_hello(1, V1);
	struct world_manifest m = world_hello(2, V2);

	BEGIN();
	world_install("token-01", &m);
	unlink_hello("token-02");
	world_install("token-03", &old);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_SEQUENCE));
	CHECK(world_holds(HELLO, NULL));
	/* Another manifest of that number does not pass either. */
	old = world_hello(2, V1);
	world_install("token-04", &old);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_SEQUENCE);
	/* The one that was there may come back when a new Update says so. */
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_REPLAY);
	world_install("token-05", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V2));
	CHECK(world_tidy());
}

static void
a_replayed_unlink_after_reinstall_is_refused(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	unlink_hello("token-02");
	world_install("token-03", &m);
	CHECK(world_holds(HELLO, V1));
	unlink_hello("token-02");
	CHECK(world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_REPLAY));
	CHECK(world_holds(HELLO, V1));
}

static void
one_update_is_one_transaction(void)
{
	struct world_update u = {
		.token = "token-02", .manifests = 2, .unneeded = 1
	};
	struct world_manifest m = world_of(1, W1);

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	u.unlink[0] = WORLD_MANIFEST;
	u.manifest[0] = world_hello(1, V1);
	u.manifest[1] = world_hello(1, V2);
	u.manifest[1].id = ID("\xaa\x45other");
	u.manifest[1].image[0].id = HELLO_DATA;
	u.manifest[1].image[0].uri = "https://files.example/other";
	u.manifest[1].signer = EVE;
	world_update(&u);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_COSE_SIGNATURE));
	/* Only what failed is reported: nothing else happened. */
	CHECK_EQ(w.answer.suit_reports.count, 1);
	CHECK(world_holds(HELLO, NULL));
	CHECK(world_holds(WORLD, W1));
	CHECK(world_tidy());
	u.manifest[1].signer = ANNE;
	u.token = "token-03";
	world_update(&u);
	CHECK(world_success());
	CHECK_EQ(w.answer.suit_reports.count, 3);
	CHECK(world_holds(HELLO, V1));
	CHECK(world_holds(HELLO_DATA, V2));
	CHECK(world_holds(WORLD, NULL));
	CHECK(world_tidy());
}

static void
a_wrong_signer_installs_nothing(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	m.signer = EVE;
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_COSE_SIGNATURE));
	CHECK(world_report(&view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_UNAUTHORISED);
	CHECK(world_holds(HELLO, NULL));
	CHECK_EQ(w.fetches, 0);
	CHECK(world_tidy());
}

static void
components_must_be_in_the_signers_scope(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	/* Bob signs for bb; neither manifest nor component may be of aa. */
	m.signer = BOB;
	world_install("token-01", &m);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	m.id = WORLD_MANIFEST;
	world_install("token-02", &m);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	CHECK(world_report(&view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_COMPONENT_UNAUTHORISED);
	m.image[0].id = WORLD;
	world_install("token-03", &m);
	CHECK(world_success());
}

static void
components_must_be_in_the_tams_scope(void)
{
	struct world_update u = {
		.tam = TWO, .token = "token-01", .manifests = 1
	};

	BEGIN();
	u.manifest[0] = world_hello(1, V1);
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	u.token = "token-02";
	u.manifest[0].id = WORLD_MANIFEST;
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	u.token = "token-03";
	u.manifest[0].image[0].id = WORLD;
	world_update(&u);
	CHECK(world_success());
	CHECK(world_holds(WORLD, V1));
}

/*
 * A new version drops what the old one referred to: that is an unlink, and
 * whoever could not unlink it must not drop it this way either.
 */
static void
replacing_a_manifest_removes_nothing_out_of_scope(void)
{
	struct world_update u = { .token = "token-02", .manifests = 1 };
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	/* The manifest is kept in bb, what it installed in aa. */
	m.id = WORLD_MANIFEST;
	world_install("token-01", &m);
	CHECK(world_success());
	/* Bob signs for bb only. */
	u.manifest[0] = world_of(2, W1);
	u.manifest[0].signer = BOB;
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	CHECK(world_holds(HELLO, V1));
	/* Anne signs for both, but TAM two reaches bb only. */
	u.manifest[0].signer = ANNE;
	u.tam = TWO;
	u.token = "token-03";
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
	/* Who reaches both may. */
	u.tam = ONE;
	u.token = "token-04";
	world_update(&u);
	CHECK(world_success());
	CHECK(world_holds(HELLO, NULL));
	CHECK(world_holds(WORLD, W1));
}

/* Two entries for one TAM, say by two URIs, are no way around the memory. */
static void
a_replay_through_another_session_is_refused(void)
{
	struct world_update u = { .token = "token-01", .unneeded = 1 };
	static uint8_t bytes[16384];
	struct pst_bytes old, copy = { bytes, 0 };

	BEGIN();
	w.tams[TWO].keys[0] = w.tam_pub[ONE];
	CHECK_EQ(world_reopen(), PST_OK);
	u.unlink[0] = WORLD_MANIFEST;
	old = world_make_update(&u);
	memcpy(bytes, old.ptr, old.len);
	copy.len = old.len;
	world_send(ONE, copy);
	CHECK(world_success());
	world_send(TWO, copy);
	CHECK(world_failed(PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_AGENT_REPLAY));
}

static void
an_empty_scope_reaches_nothing(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	w.signers[ANNE].scope.count = 0;
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
}

static void
a_tam_unlinks_only_in_its_scope(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct world_update u = {
		.tam = TWO, .token = "token-02", .unneeded = 1
	};

	BEGIN();
	world_install("token-01", &m);
	u.unlink[0] = HELLO_MANIFEST;
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	CHECK(world_holds(HELLO, V1));
	/* Reaching what a manifest installed is not reaching the manifest. */
	m.id = ID("\xaa\x45other");
	m.image[0].id = WORLD;
	m.image[0].uri = "https://files.example/world";
	world_install("token-03", &m);
	CHECK(world_success());
	u.token = "token-04";
	u.unlink[0] = m.id;
	world_update(&u);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_UNAUTHORISED));
	CHECK(world_holds(WORLD, V1));
}

static void
a_signer_that_is_trusted_no_more_does_not_keep_its_components_here(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	w.config.signer_count = 0;
	CHECK_EQ(world_reopen(), PST_OK);
	unlink_hello("token-02");
	w.config.signer_count = 2;
	CHECK(world_success());
	CHECK(world_holds(HELLO, NULL));
}

static void
a_root_manifest_needs_an_identifier(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.id = (struct pst_bytes){ NULL, 0 };
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_COMPONENT));
}

static void
content_and_manifests_do_not_share_identifiers(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.image[0].id = HELLO_MANIFEST;
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_COMPONENT);
	m = world_hello(1, V1);
	world_install("token-02", &m);
	CHECK(world_success());
	m.id = HELLO;
	m.image[0].id = HELLO_DATA;
	world_install("token-03", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_COMPONENT);
	m.id = HELLO_DATA;
	m.image[0].id = HELLO_MANIFEST;
	world_install("token-04", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_COMPONENT);
}

static void
a_manifest_for_another_device_is_refused(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	m.other_vendor = true;
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK(world_report(&view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_CONDITION_FAILED);
	CHECK_EQ(w.fetches, 0);
}

static void
a_manifest_may_name_this_device_and_its_slot(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.for_device = true;
	m.other_slot = true;
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_CONDITION);
	m.other_slot = false;
	world_install("token-02", &m);
	CHECK(world_success());
	/* A device without an identifier is none that was named. */
	w.config.device_id.len = 0;
	m.sequence = 2;
	world_install("token-03", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_CONDITION);
}

/* The chunk is copied in parts that fit. */
static void
a_chunk_may_be_larger_than_the_buffer(void)
{
	static char large[3000];
	struct world_manifest m;

	if (w.mode.chunk == 1)
		return; /* there is no such chunk */
	BEGIN();
	memset(large, 'x', sizeof(large) - 1);
	m = world_hello(1, large);
	w.memory.out_cap = 1024;
	CHECK_EQ(world_reopen(), PST_OK);
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK_EQ(w.fetches, 1);
	CHECK(world_holds(HELLO, large));
}

static void
an_answer_without_room_for_reports_comes_without(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	m.sequence = 0;
	w.memory.out_cap = 200;
	CHECK_EQ(world_reopen(), PST_OK);
	world_install("token-02", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_SEQUENCE));
	CHECK_EQ(w.answer.suit_reports.count, 0);
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-02")));
}

static void
components_are_listed_one_by_one(void)
{
	struct world_update u = { .token = "token-01", .manifests = 2 };
	struct pst_agent_component c;
	size_t cursor = 0;

	BEGIN();
	CHECK_EQ(
	    pst_agent_component_next(&w.agent, &cursor, &c), PST_ERR_NOT_FOUND);
	u.manifest[0] = world_hello(3, V1);
	u.manifest[1] = world_of(4, W1);
	world_update(&u);
	CHECK(world_success());
	cursor = 0;
	CHECK_EQ(pst_agent_component_next(&w.agent, &cursor, &c), PST_OK);
	CHECK(pst_equal(c.id, HELLO));
	CHECK_EQ(c.sequence, 3);
	CHECK_EQ(pst_agent_component_next(&w.agent, &cursor, &c), PST_OK);
	CHECK(pst_equal(c.id, WORLD));
	CHECK_EQ(c.sequence, 4);
	CHECK_EQ(
	    pst_agent_component_next(&w.agent, &cursor, &c), PST_ERR_NOT_FOUND);
}

/* More than a tc-list can hold would shut the device off from its TAM. */
static void
a_payload_that_does_not_match_leaves_nothing_behind(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	m = world_hello(2, V2);
	m.image[0].wrong = true;
	world_install("token-02", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
	m.image[0].wrong = false;
	world_install("token-03", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V2));
}

static void
a_payload_that_cannot_be_had_leaves_nothing_behind(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	w.unreachable = true;
	world_install("token-01", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_FETCH));
	CHECK_EQ(w.store.count, 0);
	CHECK_EQ(count(PST_REG_JOURNAL) + count(PST_REG_FETCH), 0);
	w.unreachable = false;
	world_install("token-02", &m);
	CHECK(world_success());
}

static void
a_full_store_is_told_and_leaves_the_old_state(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	world_install("token-01", &m);
	CHECK(world_success());
	w.store.room_bytes = 600;
	m = world_hello(2, V2);
	world_install("token-02", &m);
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	CHECK_EQ(w.out.reason, PST_ERR_STORE_FULL);
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
	w.store.room_bytes = SIZE_MAX;
	world_install("token-03", &m);
	CHECK(world_success());
}

static void
a_component_stays_until_the_last_reference_is_gone(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct world_manifest user = user_of_hello(V1);
	struct world_update u = { .token = "token-04", .unneeded = 1 };

	BEGIN();
	world_install("token-01", &m);
	world_install("token-02", &user);
	CHECK(world_success());
	CHECK_EQ(
	    pst_reg_count(&w.agent.registry, PST_REG_LINK, PST_REG_ANY, HELLO),
	    2);
	unlink_hello("token-03");
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	/* The first manifest cannot take away a second reference. */
	unlink_hello("token-05");
	CHECK(world_holds(HELLO, V1));
	u.unlink[0] = user.id;
	world_update(&u);
	CHECK(world_success());
	CHECK(world_holds(HELLO, NULL));
	CHECK_EQ(w.store.count, 0);
}

static void
what_another_manifest_refers_to_is_not_altered(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct world_manifest user = user_of_hello(V1);

	BEGIN();
	world_install("token-01", &m);
	world_install("token-02", &user);
	CHECK(world_success());
	m = world_hello(2, V2);
	world_install("token-03", &m);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_AGENT_IN_USE));
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
}

static void
a_reference_to_content_that_is_not_there_is_refused(void)
{
	struct world_manifest user = user_of_hello(V1);

	BEGIN();
	world_install("token-01", &user);
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	CHECK_EQ(count(PST_REG_MANIFEST), 0);
}

static void
an_error_code_of_the_tam_is_answered_and_logged(void)
{
	struct world_update u = { .token = "token-01",
		.err_code = PST_TEEP_ERR_ATTESTATION_REQUIRED };

	BEGIN();
	world_update(&u);
	CHECK(world_success());
	CHECK_EQ(w.out.reason, PST_ERR_TEEP_ATTEST);
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-01")));
	CHECK_EQ(w.answer.suit_reports.count, 0);
}

static void
an_attestation_result_is_kept(void)
{
	struct world_update u = { .token = "token-01" };
	uint8_t buf[32];
	struct pst_bytes format;
	size_t len;

	BEGIN();
	CHECK_EQ(
	    pst_agent_result(&w.agent, ONE, buf, sizeof(buf), &len, &format),
	    PST_ERR_NOT_FOUND);
	u.result = PST_BYTES_LIT("first result");
	world_update(&u);
	CHECK(world_success());
	u.token = "token-02";
	u.result = PST_BYTES_LIT("a passport");
	world_update(&u);
	CHECK(world_success());
	CHECK_EQ(
	    pst_agent_result(&w.agent, ONE, buf, sizeof(buf), &len, &format),
	    PST_OK);
	CHECK(len == 10 && memcmp(buf, "a passport", 10) == 0);
	CHECK_EQ(format.len, 0);
	CHECK_EQ(pst_agent_result(&w.agent, ONE, buf, 9, &len, &format),
	    PST_ERR_SPACE);
	CHECK_EQ(w.store.count, 1);
	CHECK_EQ(
	    pst_agent_result(&w.agent, TWO, buf, sizeof(buf), &len, &format),
	    PST_ERR_NOT_FOUND);
}

/* Begin an Update of ONE that waits for its payload. */
static bool
wait_for_payload(void)
{
	struct world_update u = { .token = "token-01", .manifests = 1 };

	u.manifest[0] = world_hello(1, V1);
	w.err = pst_agent_message(&w.agent, ONE, world_make_update(&u), &w.out);
	return w.err == PST_OK && w.out.what == PST_AGENT_FETCH;
}

static void
another_update_is_busy_while_one_is_under_way(void)
{
	struct world_update u = {
		.tam = TWO, .token = "token-02", .manifests = 1
	};
	struct pst_agent_out fetch;

	BEGIN();
	CHECK(wait_for_payload());
	fetch = w.out;
	u.manifest[0] = world_of(1, W1);
	u.manifest[0].signer = BOB;
	CHECK_EQ(
	    pst_agent_message(&w.agent, TWO, world_make_update(&u), &w.out),
	    PST_ERR_BUSY);
	/* Nor does its own TAM get a second session. */
	CHECK_EQ(
	    pst_agent_message(&w.agent, ONE, world_make_update(&u), &w.out),
	    PST_ERR_BUSY);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	/* The first goes on although another message came between. */
	w.out = fetch;
	w.out.uri = PST_BYTES_LIT("https://files.example/hello");
	world_drive();
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	world_update(&u);
	CHECK(world_success());
	CHECK(world_holds(WORLD, W1));
}

static void
another_tams_query_is_answered_while_an_update_waits(void)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	BEGIN();
	CHECK(wait_for_payload());
	q.suites = PST_SUITE_ESP256;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.present = 1u << PST_LABEL_TOKEN;
	q.token = PST_BYTES_LIT("a-query-token");
	w.err =
	    pst_agent_message(&w.agent, TWO, world_make_query(TWO, &q), &w.out);
	world_drive();
	CHECK_EQ(w.answer.type, PST_TEEP_QUERY_RESPONSE);
	/* A hostile host that resumes for the wrong TAM gets nowhere. */
	CHECK_EQ(pst_agent_resume(
		     &w.agent, TWO, PST_OK, PST_BYTES_LIT("x"), true, &w.out),
	    PST_ERR_STATE);
	w.err = pst_agent_policy_check(&w.agent, false, &w.out);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_FETCH);
	CHECK_EQ(w.out.tam, ONE);
	CHECK_EQ(w.out.offset, 0);
	world_drive();
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
}

static void
an_interrupted_update_is_continued_by_a_policy_check(void)
{
	BEGIN();
	CHECK(wait_for_payload());
	w.err = pst_agent_resume(
	    &w.agent, ONE, PST_OK, PST_BYTES_LIT("the first "), false, &w.out);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.offset, 10);
	CHECK_EQ(world_reopen(), PST_OK);
	CHECK(world_holds(HELLO, NULL));
	w.err = pst_agent_policy_check(&w.agent, false, &w.out);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_FETCH);
	CHECK_EQ(w.out.offset, 10);
	/* Asked again it says the same. */
	w.err = pst_agent_policy_check(&w.agent, true, &w.out);
	CHECK_EQ(w.out.what, PST_AGENT_FETCH);
	CHECK_EQ(w.out.offset, 10);
	world_drive();
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
}

static void
an_interrupted_update_ends_with_the_trust_in_its_tam(void)
{
	BEGIN();
	CHECK(wait_for_payload());
	w.tams[ONE].keys[0] = w.tam_pub[STRANGER];
	CHECK_EQ(world_reopen(), PST_OK);
	w.err = pst_agent_policy_check(&w.agent, false, &w.out);
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.reason, PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(count(PST_REG_JOURNAL), 0);
	CHECK_EQ(w.store.count, 0);
	/* Without its TAM there is nobody to answer to. */
	BEGIN();
	CHECK(wait_for_payload());
	w.config.tam_count = 0;
	CHECK_EQ(world_reopen(), PST_OK);
	w.err = pst_agent_policy_check(&w.agent, false, &w.out);
	w.config.tam_count = 2;
	CHECK_EQ(w.err, PST_OK);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
}

/* Encrypted content has no middle to go on from: a chunk that comes after the
 * engine was destroyed is passed over, and the payload asked for anew. */
static void
an_encrypted_payload_that_was_cut_begins_anew(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct world_update u = { .token = "token-01", .manifests = 1 };
	struct pst_bytes chunk;
	size_t at, part = PST_AEAD_TAG_LEN + 1;

	BEGIN();
	m.image[0].sealed = true;
	u.manifest[0] = m;
	w.err = pst_agent_message(&w.agent, ONE, world_make_update(&u), &w.out);
	CHECK_EQ(w.err, PST_OK);
	for (at = 0; at < 2; at++) {
		CHECK_EQ(w.out.what, PST_AGENT_FETCH);
		CHECK_EQ(w.out.offset, 0);
		chunk = w.served[0].ciphertext;
		CHECK(chunk.len > part + 2);
		chunk.len = part;
		CHECK_EQ(pst_agent_resume(
			     &w.agent, ONE, PST_OK, chunk, false, &w.out),
		    PST_OK);
		CHECK_EQ(w.out.offset, part);
		CHECK_EQ(world_reopen(), PST_OK);
		chunk.ptr += part;
		chunk.len = 2;
		CHECK_EQ(pst_agent_resume(
			     &w.agent, ONE, PST_OK, chunk, false, &w.out),
		    PST_OK);
	}
	CHECK_EQ(w.out.offset, 0);
	CHECK(!world_holds(HELLO, V1));
	chunk = w.served[0].ciphertext;
	w.err = pst_agent_resume(&w.agent, ONE, PST_OK, chunk, true, &w.out);
	world_drive();
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	CHECK(world_tidy());
}

static void
encrypted_content_is_all_or_nothing(void)
{
	struct world_manifest m = world_hello(1, V1);
	bool possible = !w.mode.rebuild || w.mode.chunk > 1;

	BEGIN();
	m.image[0].sealed = possible;
	m.count = 2;
	m.image[1] = m.image[0];
	m.image[1].id = HELLO_DATA;
	m.image[1].uri = "#data";
	m.image[1].integrated = true;
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1) && world_holds(HELLO_DATA, V1));
	m.sequence = 2;
	m.image[0].wrong = true;
	world_install("token-02", &m);
	CHECK(!world_success());
	CHECK(world_holds(HELLO, V1) && world_holds(HELLO_DATA, V1));
	CHECK(world_tidy());
	/* Nor for a device that it is not for. */
	m.image[0].wrong = false;
	m.sequence = 3;
	w.config.secret_count = 0;
	CHECK_EQ(world_reopen(), PST_OK);
	world_install("token-03", &m);
	w.config.secret_count = 1;
	CHECK(!possible ||
	    world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
		PST_ERR_SUIT_RECIPIENT));
	CHECK(world_holds(HELLO, V1) && world_holds(HELLO_DATA, V1));
	CHECK(world_tidy());
}

static void
resume_without_an_update_is_refused(void)
{
	BEGIN();
	CHECK_EQ(pst_agent_resume(
		     &w.agent, ONE, PST_OK, PST_BYTES_LIT("x"), true, &w.out),
	    PST_ERR_STATE);
}

static void
a_damaged_envelope_is_an_error_without_a_report(void)
{
	struct pst_teep_message m = { .type = PST_TEEP_UPDATE };

	BEGIN();
	m.present = 1u << PST_LABEL_TOKEN | 1u << PST_LABEL_MANIFEST_LIST;
	m.token = PST_BYTES_LIT("token-01");
	m.manifest_list.items = PST_BYTES_LIT("\x43\xa1\x02\x40");
	m.manifest_list.count = 1;
	world_send(ONE, world_make_query(ONE, &m));
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	CHECK_EQ(w.answer.err_code, PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED);
	CHECK_EQ(w.answer.suit_reports.count, 0);
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-01")));
}

static void
every_truncation_of_a_manifest_is_refused(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_teep_message u = { .type = PST_TEEP_UPDATE };
	static uint8_t envelope[8192], item[8200];
	struct pst_bytes whole, part = { envelope, 0 };
	struct pst_cbor_writer c;
	char token[] = "token-000";

	BEGIN();
	m.image[0].uri = "#hello";
	m.image[0].integrated = true;
	whole = world_make_manifest(&m);
	memcpy(envelope, whole.ptr, whole.len);
	u.present = 1u << PST_LABEL_TOKEN | 1u << PST_LABEL_MANIFEST_LIST;
	u.token = PST_BYTES_LIT(token);
	u.manifest_list.count = 1;
	for (part.len = 3; part.len <= whole.len; part.len++) {
		token[6]++;
		if (token[6] == 'z') {
			token[6] = '0';
			token[7]++;
		}
		pst_cbor_writer_init(&c, item, sizeof(item));
		pst_cbor_put_bstr(&c, part);
		u.manifest_list.items = pst_cbor_written(&c);
		world_send(ONE, world_make_query(ONE, &u));
		CHECK_EQ(w.answer.type,
		    part.len < whole.len ? PST_TEEP_ERROR : PST_TEEP_SUCCESS);
		CHECK(world_holds(HELLO, part.len < whole.len ? NULL : V1));
	}
}

static void
removing_cases(void)
{
	RUN(unlink_removes_component_and_content);
	RUN(what_an_uninstall_section_forgets_is_unlinked_all_the_same);
	RUN(an_uninstall_section_that_fails_keeps_everything);
	RUN(an_uninstall_section_changes_no_content);
	RUN(a_version_may_unlink_what_it_writes_anew);
	RUN(image_match_does_not_match_what_was_unlinked);
	RUN(one_update_may_unlink_and_replace_the_same_manifest);
	RUN(pitfall_an_old_install_after_unlink_is_refused);
	RUN(a_replayed_unlink_after_reinstall_is_refused);
	RUN(a_tam_unlinks_only_in_its_scope);
	RUN(a_signer_that_is_trusted_no_more_does_not_keep_its_components_here);
	RUN(a_component_stays_until_the_last_reference_is_gone);
	RUN(what_another_manifest_refers_to_is_not_altered);
	RUN(a_reference_to_content_that_is_not_there_is_refused);
}

/* Install `sequence` of HELLO if the installed version is as in match. */
static void
install_after(
    const char *token, uint64_t sequence, uint8_t comparison, uint8_t major)
{
	/* override-parameters {28: << [comparison, [major]] >>}, version */
	uint8_t first[] = { 0x14, 0xa1, 0x18, 28, 0x44, 0x82, comparison, 0x81,
		major, 0x18, 28, 15 };
	struct world_manifest m = world_hello(sequence, V2);

	m.set_version = PST_BYTES_LIT("\x82\x02\x05");
	m.first = (struct pst_bytes){ first, sizeof(first) };
	m.first_count = 4;
	world_install(token, &m);
}

static void
a_version_is_kept_and_compared(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	/* What is not installed has no version. */
	install_after("token-00", 1, PST_SUIT_VERSION_LESSER, 9);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	m.set_version = PST_BYTES_LIT("\x82\x01\x03");
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_RELEASE), 1);
	install_after("token-02", 2, PST_SUIT_VERSION_GREATER_EQUAL, 2);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK(world_holds(HELLO, V1));
	CHECK_EQ(world_reopen(), PST_OK);
	install_after("token-03", 2, PST_SUIT_VERSION_EQUAL, 1);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V2));
	/* Now it is [2, 5]. */
	CHECK_EQ(count(PST_REG_RELEASE), 1);
	install_after("token-04", 3, PST_SUIT_VERSION_LESSER, 2);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	install_after("token-05", 3, PST_SUIT_VERSION_EQUAL, 2);
	CHECK(world_success());
}

static void
a_version_goes_with_its_manifest(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.set_version = PST_BYTES_LIT("\x81\x01");
	world_install("token-01", &m);
	CHECK(world_success());
	m = world_hello(2, V2);
	world_install("token-02", &m);
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_RELEASE), 0);
	m.sequence = 3;
	m.set_version = PST_BYTES_LIT("\x81\x03");
	world_install("token-03", &m);
	CHECK_EQ(count(PST_REG_RELEASE), 1);
	unlink_hello("token-04");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_RELEASE), 0);
}

/* use-before 100 */
static const uint8_t before_100[] = { 0x14, 0xa1, 0x04, 0x18, 100, 0x04, 15 };

static void
install_before_100(const char *token, uint64_t now_s, bool trusted)
{
	struct world_manifest m = world_hello(1, V1);

	w.clock.now_s = now_s;
	w.clock.trusted = trusted;
	m.first = (struct pst_bytes){ before_100, sizeof(before_100) };
	m.first_count = 4;
	world_install(token, &m);
}

static void
use_before_needs_a_time_that_can_be_relied_on(void)
{
	BEGIN();
	install_before_100("token-01", 100, true);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	install_before_100("token-02", 99, false);
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_SUIT_CONDITION));
	CHECK(world_holds(HELLO, NULL));
	install_before_100("token-03", 99, true);
	CHECK(world_success());
}

/* {label: value} and a command that this agent does not have. */
static void
refused_command(
    const char *token, struct pst_bytes commands, enum pst_err reason)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	m.first = commands;
	m.first_count = 4;
	world_install(token, &m);
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, reason));
	CHECK(world_report(&view));
	CHECK_EQ(view.reason, pst_suit_reason_of(reason));
	CHECK(world_holds(HELLO, NULL));
}

static void
what_this_agent_has_no_port_for_is_not_supported(void)
{
	BEGIN();
	refused_command("token-01",
	    PST_BYTES_LIT("\x14\xa1\x18\x1a\x01\x18\x1a\x0f"),
	    PST_ERR_SUIT_COMMAND); /* minimum-battery */
	refused_command("token-02",
	    PST_BYTES_LIT("\x14\xa1\x18\x1b\x01\x18\x1b\x0f"),
	    PST_ERR_SUIT_COMMAND); /* update-authorized */
	refused_command("token-03",
	    PST_BYTES_LIT("\x14\xa1\x18\x1d\x43\xa1\x05\x01\x18\x1d\x0f"),
	    PST_ERR_SUIT_COMMAND); /* wait */
	refused_command("token-04",
	    PST_BYTES_LIT("\x14\xa1\x18\x1e\x43\xa1\x05\x01\x02\x0f"),
	    PST_ERR_SUIT_PARAMETER); /* component-metadata */
	refused_command("token-05",
	    PST_BYTES_LIT("\x14\xa1\x16\x00\x18\x1f\x0f"),
	    PST_ERR_SUIT_COMMAND); /* swap */
}

static void
refusing_cases(void)
{
	RUN(pitfall_a_downgrade_is_refused_and_reported);
	RUN(an_equal_number_with_another_digest_is_refused);
	RUN(an_old_update_is_refused_by_its_token);
	RUN(an_update_without_a_token_is_refused_the_second_time);
	RUN(the_token_of_a_refused_update_is_remembered);
	RUN(remembered_tokens_are_bounded_and_the_oldest_goes_first);
	RUN(a_wrong_signer_installs_nothing);
	RUN(components_must_be_in_the_signers_scope);
	RUN(components_must_be_in_the_tams_scope);
	RUN(replacing_a_manifest_removes_nothing_out_of_scope);
	RUN(a_replay_through_another_session_is_refused);
	RUN(an_empty_scope_reaches_nothing);
	RUN(a_root_manifest_needs_an_identifier);
	RUN(content_and_manifests_do_not_share_identifiers);
	RUN(a_manifest_for_another_device_is_refused);
	RUN(a_payload_that_does_not_match_leaves_nothing_behind);
	RUN(a_payload_that_cannot_be_had_leaves_nothing_behind);
	RUN(a_full_store_is_told_and_leaves_the_old_state);
	RUN(a_damaged_envelope_is_an_error_without_a_report);
	RUN(every_truncation_of_a_manifest_is_refused);
}

void
update_cases(void)
{
	RUN(installs_and_reports_with_the_token_as_nonce);
	RUN(a_fetch_asks_for_each_byte_once);
	RUN(an_update_without_a_token_gets_an_answer_without);
	RUN(installs_integrated_and_fetched_components_together);
	RUN(two_fetches_of_one_manifest_are_kept_apart);
	RUN(a_higher_sequence_number_replaces);
	RUN(a_version_without_a_component_drops_it);
	RUN(the_same_manifest_again_is_a_success_and_nothing_is_done);
	RUN(one_update_is_one_transaction);
	RUN(a_version_is_kept_and_compared);
	RUN(a_version_goes_with_its_manifest);
	RUN(use_before_needs_a_time_that_can_be_relied_on);
	RUN(what_this_agent_has_no_port_for_is_not_supported);
	refusing_cases();
	removing_cases();
	RUN(a_manifest_may_name_this_device_and_its_slot);
	RUN(a_chunk_may_be_larger_than_the_buffer);
	RUN(an_answer_without_room_for_reports_comes_without);
	RUN(components_are_listed_one_by_one);
	RUN(an_error_code_of_the_tam_is_answered_and_logged);
	RUN(an_attestation_result_is_kept);
	RUN(another_update_is_busy_while_one_is_under_way);
	RUN(another_tams_query_is_answered_while_an_update_waits);
	RUN(an_interrupted_update_is_continued_by_a_policy_check);
	RUN(an_interrupted_update_ends_with_the_trust_in_its_tam);
	RUN(an_encrypted_payload_that_was_cut_begins_anew);
	RUN(encrypted_content_is_all_or_nothing);
	RUN(resume_without_an_update_is_refused);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
