/*
 * bench [--json] [NAME-PREFIX…]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { ROUNDS = 9 };
/* Long enough that the clock does not matter, short enough that most rounds
 * are not interrupted. */
static const double round_ns = 20e6;

static bool json;
static int prefix_count;
static char **prefixes;

static double
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
run_ns(bench_op *op, void *ctx, long n)
{
	double start = now_ns();
	long i;

	for (i = 0; i < n; i++)
		op(ctx);
	return (now_ns() - start) / (double)n;
}

/* How many operations fill a round; also warms caches up. */
static long
count_for(bench_op *op, void *ctx)
{
	long n = 1;

	while (n < 1L << 30) {
		double ns = run_ns(op, ctx, n) * (double)n;

		if (ns > round_ns / 4)
			return (long)((double)n * round_ns / ns) + 1;
		n *= 2;
	}
	return n;
}

double
bench_ns(bench_op *op, void *ctx)
{
	long n = count_for(op, ctx);
	double best = INFINITY;
	int i;

	for (i = 0; i < ROUNDS; i++)
		best = fmin(best, run_ns(op, ctx, n));
	return best;
}

static void
pair(const struct bench_case *c, double *value, double *baseline)
{
	long n = count_for(c->op, c->ctx);
	long m = c->baseline ? count_for(c->baseline, c->baseline_ctx) : 0;
	int i;

	*value = INFINITY;
	*baseline = c->baseline ? INFINITY : 0;
	for (i = 0; i < ROUNDS; i++) {
		*value = fmin(*value, run_ns(c->op, c->ctx, n));
		if (c->baseline)
			*baseline = fmin(
			    *baseline, run_ns(c->baseline, c->baseline_ctx, m));
	}
}

void
bench_rate(const struct bench_case *c)
{
	double ns, base;

	if (!bench_wanted(c->name))
		return;
	pair(c, &ns, &base);
	bench_print(c->name, 1e9 / ns, "1/s", base > 0 ? 1e9 / base : 0,
	    base > 0 ? ns / base : 0, c->baseline_name);
}

void
bench_time(const struct bench_case *c)
{
	double ns, base;

	if (!bench_wanted(c->name))
		return;
	pair(c, &ns, &base);
	bench_print(c->name, ns, "ns", base, base > 0 ? ns / base : 0,
	    c->baseline_name);
}

static void
print_json(const char *name, double value, const char *unit, double baseline,
    double ratio, const char *note)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",", name, value,
	    unit);
	if (baseline > 0)
		printf("\"baseline\":%.6g,\"ratio\":%.4g", baseline, ratio);
	else
		printf("\"baseline\":null,\"ratio\":null");
	if (note != NULL)
		printf(",\"note\":\"%s\"", note);
	printf("}\n");
}

void
bench_print(const char *name, double value, const char *unit, double baseline,
    double ratio, const char *note)
{
	if (json) {
		print_json(name, value, unit, baseline, ratio, note);
	} else {
		printf("%-34s %14.6g %-6s", name, value, unit);
		if (baseline > 0)
			printf(" %14.6g %8.3f", baseline, ratio);
		else
			printf(" %14s %8s", "-", "-");
		printf("  %s\n", note != NULL ? note : "");
	}
	fflush(stdout);
}

void
bench_absent(const char *name, const char *why)
{
	if (bench_wanted(name))
		fprintf(stderr, "%s: not measured: %s\n", name, why);
}

void
bench_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s failed\n", what);
	/* Not exit: this may be a server's thread, which cannot end itself. */
	_exit(1);
}

bool
bench_wanted(const char *name)
{
	int i;

	for (i = 0; i < prefix_count; i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return prefix_count == 0;
}

/* What the numbers belong to; on stderr, so that stdout is measures only. */
static void
print_machine(void)
{
	struct utsname u;
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "model name", 10) == 0) {
			fprintf(stderr, "%s", line);
			break;
		}
	}
	if (f != NULL)
		fclose(f);
	if (uname(&u) == 0)
		fprintf(stderr, "%s %s, compiler %s\n", u.machine, u.release,
		    __VERSION__);
}

static int
usage(int code)
{
	fprintf(code ? stderr : stdout,
	    "usage: bench [--json] [NAME-PREFIX...]\n"
	    "One line a measure: name, value, unit, baseline, ratio, what the\n"
	    "baseline is. The ratio is time over the baseline's time; for\n"
	    "sessions it is the bound's CPU time over the TAM's.\n");
	return code;
}

int
main(int argc, char **argv)
{
	int i = 1;

	if (i < argc && strcmp(argv[i], "--help") == 0)
		return usage(0);
	if (i < argc && strcmp(argv[i], "--json") == 0) {
		json = true;
		i++;
	}
	if (i < argc && argv[i][0] == '-')
		return usage(2);
	prefixes = argv + i;
	prefix_count = argc - i;
	print_machine();
	bench_cbor();
	bench_teep();
	bench_cose();
	bench_suit();
	bench_examples();
	bench_decrypt();
	bench_tam();
	bench_sessions();
	bench_attest();
	bench_size();
	return 0;
}
