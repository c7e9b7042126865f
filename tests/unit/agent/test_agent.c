/*
 * The agent and the world in memory that it is tested in.
 */
#include "cases.h"
#include "test.h"

int agent_cases, agent_failures;

int
main(void)
{
	mem_cases();
	registry_cases();
	test_cases = agent_cases;
	test_failures = agent_failures;
	TEST_END();
}
