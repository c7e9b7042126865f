#include "cases.h"
#include "test.h"

int cbor_cases, cbor_failures;

int
main(void)
{
	reader_cases();
	writer_cases();
	test_cases = cbor_cases;
	test_failures = cbor_failures;
	TEST_END();
}
