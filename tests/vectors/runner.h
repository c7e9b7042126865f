/*
 * Runs a check over every row of a vectors.jsonl: the published ones, read in
 * place and never copied, and the project's own.
 */
#ifndef POSTERN_VECTORS_RUNNER_H
#define POSTERN_VECTORS_RUNNER_H

#include <jansson.h>
#include <postern/base.h>

enum vector_result { VECTOR_PASS, VECTOR_FAIL, VECTOR_SKIP };

struct vector {
	const json_t *row;
	const char *dir;       /* of the list; paths in a row start there */
	const char *id;	       /* never NULL */
	const char *expected;  /* never NULL */
	struct pst_bytes data; /* the bytes of "file" */
	char why[256];	       /* set by vector_fail and vector_skip */
	void *files;	       /* what vector_file read; freed by the runner */
};

typedef enum vector_result vector_check(struct vector *v);

/**
 * Check every row of a list.
 *
 * @param list  path of a vectors.jsonl
 * @return what main returns: 0, 1 when a row failed or the list is damaged or
 *         empty, 77 when the list is absent
 */
int vectors_run(const char *list, vector_check *check);

/** Say why, printf-like; returns VECTOR_FAIL or VECTOR_SKIP. */
enum vector_result vector_fail(struct vector *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum vector_result vector_skip(struct vector *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A text member, or NULL. */
const char *vector_text(const struct vector *v, const char *name);
/** Does `expected` begin with these words? */
bool vector_expects(const struct vector *v, const char *words);
/** A file beside the list; lives as long as the row. Ends the program when it
 * cannot be read: a list that names it is damaged. */
struct pst_bytes vector_file(struct vector *v, const char *name);
/** Hexadecimal text as bytes; lives as long as the row. NULL reads as empty. */
struct pst_bytes vector_hex(struct vector *v, const char *hex);

#endif
