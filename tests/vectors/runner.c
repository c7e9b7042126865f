#include "runner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory that a row holds on to. */
struct held {
	struct held *next;
	uint8_t bytes[];
};

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(1);
}

static uint8_t *
hold(struct vector *v, size_t len)
{
	struct held *h = malloc(sizeof(*h) + len + 1);

	if (h == NULL)
		die("no memory", v->id);
	h->next = v->files;
	v->files = h;
	return h->bytes;
}

static void
release(struct vector *v)
{
	struct held *h = v->files;

	while (h != NULL) {
		struct held *next = h->next;

		free(h);
		h = next;
	}
	v->files = NULL;
}

struct pst_bytes
vector_file(struct vector *v, const char *name)
{
	struct pst_bytes out = { NULL, 0 };
	char path[1024];
	uint8_t *bytes;
	long size;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", v->dir, name);
	f = fopen(path, "rb");
	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		die("cannot be read", path);
	size = ftell(f);
	rewind(f);
	if (size < 0)
		die("cannot be read", path);
	bytes = hold(v, (size_t)size);
	if (fread(bytes, 1, (size_t)size, f) != (size_t)size)
		die("cannot be read", path);
	fclose(f);
	out.ptr = bytes;
	out.len = (size_t)size;
	return out;
}

struct pst_bytes
vector_hex(struct vector *v, const char *hex)
{
	struct pst_bytes out = { NULL, 0 };
	uint8_t *bytes;
	unsigned int b;

	if (hex == NULL)
		return out;
	bytes = hold(v, strlen(hex) / 2);
	for (; hex[0] != '\0'; hex += 2) {
		if (hex[1] == '\0' || sscanf(hex, "%2x", &b) != 1)
			die("not hexadecimal", v->id);
		bytes[out.len++] = (uint8_t)b;
	}
	out.ptr = bytes;
	return out;
}

const char *
vector_text(const struct vector *v, const char *name)
{
	return json_string_value(json_object_get(v->row, name));
}

bool
vector_expects(const struct vector *v, const char *words)
{
	return strncmp(v->expected, words, strlen(words)) == 0;
}

enum vector_result
vector_fail(struct vector *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(v->why, sizeof(v->why), format, args);
	va_end(args);
	return VECTOR_FAIL;
}

enum vector_result
vector_skip(struct vector *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(v->why, sizeof(v->why), format, args);
	va_end(args);
	return VECTOR_SKIP;
}

static enum vector_result
row(const char *line, size_t len, const char *dir, vector_check *check)
{
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct vector v = { .dir = dir };
	enum vector_result result;

	/* Some rows have integers past 64 bits. */
	if (json == NULL)
		json = json_loadb(line, len,
		    JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	v.row = json;
	v.id = vector_text(&v, "id");
	v.expected = vector_text(&v, "expected");
	if (v.id == NULL || v.expected == NULL)
		die("a row without id or expected", dir);
	if (vector_text(&v, "file") != NULL)
		v.data = vector_file(&v, vector_text(&v, "file"));
	result = check(&v);
	if (result == VECTOR_FAIL)
		printf("FAIL %s: %s (expected: %s)\n", v.id, v.why, v.expected);
	if (result == VECTOR_SKIP)
		printf("skip %s: %s\n", v.id, v.why);
	release(&v);
	json_decref(json);
	return result;
}

int
vectors_run(const char *list, vector_check *check)
{
	size_t count[3] = { 0, 0, 0 };
	char dir[1024];
	char *line = NULL;
	char *slash;
	size_t cap = 0;
	ssize_t len;
	FILE *f = fopen(list, "r");

	if (f == NULL) {
		printf("skipped: %s is absent\n", list);
		return 77;
	}
	(void)snprintf(dir, sizeof(dir), "%s", list);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
	while ((len = getline(&line, &cap, f)) > 0) {
		if (len > 1)
			count[row(line, (size_t)len, dir, check)]++;
	}
	free(line);
	fclose(f);
	printf("%s: %zu passed, %zu failed, %zu skipped\n", list,
	    count[VECTOR_PASS], count[VECTOR_FAIL], count[VECTOR_SKIP]);
	return count[VECTOR_FAIL] > 0 || count[VECTOR_PASS] == 0 ? 1 : 0;
}
