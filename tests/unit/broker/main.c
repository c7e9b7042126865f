#include "cases.h"
#include "test.h"

#include <stdlib.h>

int broker_cases, broker_failures;

int
main(void)
{
	/* Loopback is reached directly, whatever the machine's proxy is. */
	(void)setenv("no_proxy", "127.0.0.1", 1);
	(void)unsetenv("http_proxy");
	(void)unsetenv("https_proxy");
	http_cases();
	session_cases();
	peer_cases();
	serve_cases();
	test_cases = broker_cases;
	test_failures = broker_failures;
	TEST_END();
}
