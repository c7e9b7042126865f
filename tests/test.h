/*
 * A test program is a list of RUN(case) in main and ends with TEST_END. A
 * case is a function that CHECKs; the first failed CHECK ends the case.
 */
#ifndef POSTERN_TEST_H
#define POSTERN_TEST_H

#include <stdio.h>
#include <string.h>

/* Each file that includes this has counters of its own; some use a few. */
#define TEST_UNUSED __attribute__((unused))
static int test_failed TEST_UNUSED; /* in the present case */
static int test_cases TEST_UNUSED, test_failures TEST_UNUSED;
static int test_skipped TEST_UNUSED;

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			printf("  %s:%d: not true: %s\n", __FILE__, __LINE__, \
			    #cond); \
			test_failed = 1; \
			return; \
		} \
	} while (0)

#define CHECK_EQ(got, want) \
	do { \
		long long got_ = (long long)(got); \
		long long want_ = (long long)(want); \
		if (got_ != want_) { \
			printf("  %s:%d: %s is %lld, not %lld\n", __FILE__, \
			    __LINE__, #got, got_, want_); \
			test_failed = 1; \
			return; \
		} \
	} while (0)

/* For helpers that a case calls: stop the case when the helper failed. */
#define CHECK_CASE() \
	do { \
		if (test_failed) \
			return; \
	} while (0)

#define RUN(name) \
	do { \
		test_failed = 0; \
		name(); \
		test_cases++; \
		test_failures += test_failed; \
		printf("%s %s\n", test_failed ? "FAIL" : "ok  ", #name); \
	} while (0)

#define SKIP(name, why) \
	do { \
		test_skipped++; \
		printf("skip %s: %s\n", name, why); \
	} while (0)

#define TEST_END() \
	do { \
		printf("%d passed, %d failed, %d skipped\n", \
		    test_cases - test_failures, test_failures, test_skipped); \
		if (test_failures) \
			return 1; \
		return test_cases == 0 && test_skipped ? 77 : 0; \
	} while (0)

#endif
