/*
 * The agent and the world in memory that it is tested in. What drives the
 * engine runs in four modes: payloads whole or a byte at a time, the engine
 * kept or destroyed and rebuilt after every call.
 */
#include "cases.h"
#include "test.h"
#include "world.h"

int agent_cases, agent_failures;

static const struct world_mode modes[] = {
	{ "whole payloads", SIZE_MAX, false },
	{ "single bytes", 1, false },
	{ "whole payloads, engine rebuilt", SIZE_MAX, true },
	{ "single bytes, engine rebuilt", 1, true },
};

int
main(void)
{
	size_t i;

	mem_cases();
	registry_cases();
	if (!world_init()) {
		printf("no keys could be made\n");
		return 1;
	}
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		printf("-- %s\n", modes[i].name);
		w.mode = modes[i];
		query_cases();
		evidence_cases();
		passport_cases();
		request_cases();
		limit_cases();
		report_cases();
		key_cases();
		update_cases();
		tree_cases();
		fault_cases();
	}
	world_done();
	test_cases = agent_cases;
	test_failures = agent_failures;
	TEST_END();
}
