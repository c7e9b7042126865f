/*
 * Run a fuzz target over every file below the arguments, each input also with
 * every byte flipped once and at every truncation when it is small.
 */
#include <ftw.h>
#include <string.h>

#include "fuzz.h"

enum { SMALL = 2048, LARGEST = 1 << 22 };

/* Bytes from one variant to the next; where a sanitizer makes a target slow,
 * some of them. */
#ifndef REPLAY_STEP
#define REPLAY_STEP 1
#endif

static size_t files;

/* An exact-size heap copy, so that a sanitizer sees one byte too many. */
static void
one(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
with_variants(uint8_t *data, size_t len)
{
	size_t i;

	one(data, len);
	if (len > SMALL)
		return;
	for (i = 0; i < len; i += REPLAY_STEP) {
		one(data, i);
		data[i] ^= (uint8_t)(1u << (i & 7));
		one(data, len);
		data[i] ^= (uint8_t)(1u << (i & 7));
	}
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint8_t *data;
	FILE *f;
	size_t len;

	(void)ftw;
	if (type != FTW_F || st->st_size > LARGEST)
		return 0;
	f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return 1;
	}
	data = malloc((size_t)st->st_size + 1);
	if (data == NULL)
		abort();
	len = fread(data, 1, (size_t)st->st_size, f);
	fclose(f);
	with_variants(data, len);
	free(data);
	files++;
	return 0;
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		/* A folder of published vectors may be absent. */
		if (nftw(argv[i], visit, 16, FTW_PHYS) != 0)
			fprintf(stderr, "%s: not read\n", argv[i]);
	}
	printf("%zu files replayed\n", files);
	return files == 0 ? 77 : 0;
}
