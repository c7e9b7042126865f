/*
 * Every row of the published CBOR vectors: what is well-formed prints as a
 * notation that parses to the same bytes and has the value that the row
 * gives; everything else is refused.
 */
#include <diag.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

static char *
notation(struct pst_bytes in, enum pst_err *err)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	*err = pst_diag_print(f, in, PST_DIAG_LINE, NULL, NULL);
	fclose(f);
	return text;
}

static bool
parses_to(const char *text, struct pst_bytes want)
{
	struct pst_diag_fault fault;
	struct pst_bytes in = { (const uint8_t *)text, strlen(text) };
	uint8_t *out;
	size_t len;
	bool same;

	if (pst_diag_parse(in, &out, &len, &fault) != PST_OK)
		return false;
	same = len == want.len && memcmp(out, want.ptr, len) == 0;
	free(out);
	return same;
}

/* Is it the value of the row, where the row has one that is text? Encoding
 * indicators and the kind of white space are no part of a value. */
static bool
has_value(const struct vector *v, const char *text)
{
	const char *want = vector_text(v, "diagnostic");
	size_t n = strcspn(text, "_");

	if (want == NULL)
		return true;
	if (text[n] == '_' && text[n + 1] >= '0' && text[n + 1] <= '3')
		return strlen(want) == n && strncmp(text, want, n) == 0;
	return strcmp(text, want) == 0;
}

static enum vector_result
check(struct vector *v)
{
	bool good = vector_expects(v, "decodes");
	enum vector_result result = VECTOR_PASS;
	enum pst_err err;
	char *text;

	if (!good && !vector_expects(v, "must be rejected"))
		return vector_fail(v, "not understood: %s", v->expected);
	text = notation(v->data, &err);
	if (good != (err == PST_OK))
		result = vector_fail(v, "%s", pst_err_name(err));
	else if (good && !parses_to(text, v->data))
		result = vector_fail(v, "%s is another item", text);
	else if (good && !has_value(v, text))
		result = vector_fail(v, "has not the value: %s", text);
	free(text);
	return result;
}

int
main(int argc, char **argv)
{
	return argc == 2 ? vectors_run(argv[1], check) : 2;
}
