/*
 * The benchmark suite: one line a measure.
 *
 * Times are CPU time of the thread, so that other work on the machine weighs
 * little. A measure and its baseline take turns in short rounds, and of each
 * the best round counts: what disturbs one disturbs the other.
 */
#ifndef POSTERN_BENCH_H
#define POSTERN_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/** One operation; ctx is what was given with it. */
typedef void bench_op(void *ctx);

struct bench_case {
	const char *name;
	bench_op *op;
	void *ctx;
	const char *baseline_name; /* what the baseline is, in words */
	bench_op *baseline;	   /* NULL: none */
	void *baseline_ctx;
};

/** Print operations a second and those of the baseline; the ratio is the time
 * of one over the other, so below 1 is faster. */
void bench_rate(const struct bench_case *c);

/** Likewise in nanoseconds an operation. */
void bench_time(const struct bench_case *c);

/** CPU nanoseconds of the best round. */
double bench_ns(bench_op *op, void *ctx);

/** Print a measure that was made otherwise. A baseline of 0 means none, and
 * then there is no ratio. note may be NULL. */
void bench_print(const char *name, double value, const char *unit,
    double baseline, double ratio, const char *note);

/** Say that a measure cannot be made here, and why. */
void bench_absent(const char *name, const char *why);

/** End the program: a measured operation failed, its time means nothing. */
void bench_must(bool ok, const char *what);

/** Is this measure wanted? Names may be given on the command line. */
bool bench_wanted(const char *name);

void bench_cbor(void);
void bench_teep(void);
void bench_cose(void);
void bench_suit(void);
void bench_examples(void);
void bench_decrypt(void);
void bench_tam(void);
void bench_sessions(void);
void bench_attest(void);
void bench_size(void);

#endif
