/*
 * Updates: what is installed, replaced, refused and removed.
 */
#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"
#define V2 "hello, the second"

static void
begin(void)
{
	CHECK(world_begin());
}

#define BEGIN() \
	do { \
		begin(); \
		CHECK_CASE(); \
	} while (0)

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
}

void
update_cases(void)
{
	RUN(installs_and_reports_with_the_token_as_nonce);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
