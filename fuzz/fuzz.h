/*
 * A fuzz target defines LLVMFuzzerTestOneInput. In an ordinary build replay.c
 * gives it a main that runs it over files and folders, so that the corpus is
 * replayed by the tests; with POSTERN_FUZZ libFuzzer drives it.
 */
#ifndef POSTERN_FUZZ_H
#define POSTERN_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A property that must hold for every input. */
#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
			    __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

#endif
