/*
 * Run the fuzz target of trees over numbered programs, and over
 * files: fuzz-tree COUNT [FILE...]
 */
#include <stdio.h>
#include <stdlib.h>

#include "../fuzz.h"

enum { HEADER = 16, GENE = 8, GENES = 60, FILE_MAX = 1 << 16 };

/* xorshift64*: the same programs everywhere */
static uint8_t
next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint8_t)(*state * 0x2545f4914f6cdd1du >> 56);
}

static void
one(const uint8_t *data, size_t len)
{
	(void)LLVMFuzzerTestOneInput(data, len);
}

static void
numbered(uint64_t number)
{
	static uint8_t program[HEADER + GENE * GENES];
	uint64_t state = 0x9e3779b97f4a7c15u * (number + 1);
	size_t i, len = HEADER + GENE * (4 + number % (GENES - 3));

	for (i = 0; i < len; i++)
		program[i] = next(&state);
	one(program, len);
}

static void
file(const char *path)
{
	static uint8_t data[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	one(data, len);
}

int
main(int argc, char **argv)
{
	unsigned long count, i;

	if (argc < 2)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	for (i = 0; i < count; i++)
		numbered(i);
	for (i = 2; i < (unsigned long)argc; i++)
		file(argv[i]);
	printf("%lu programs run\n", count);
	return 0;
}
