/*
 * Diagnostic notation: what is printed, in each form that is notation, parses
 * to the same bytes. And the parser eats anything; what it made is printed
 * and parsed again.
 */
#include <diag.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static char *
printed(struct pst_bytes in, enum pst_diag_form form, size_t *len,
    enum pst_err *err)
{
	const struct pst_shape *shape;
	const char *what;
	char *text = NULL;
	size_t at;
	FILE *f = open_memstream(&text, len);

	MUST(f != NULL);
	shape = pst_diag_guess(in, &what);
	*err = pst_diag_print(f, in, form, shape, &at);
	MUST(at <= in.len);
	fclose(f);
	return text;
}

/* Nothing that a terminal obeys, apart from the line breaks. */
static void
is_harmless(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		MUST((unsigned char)text[i] >= ' ' || text[i] == '\n');
}

static void
round_trip(struct pst_bytes in)
{
	static const enum pst_diag_form forms[] = { PST_DIAG_LINE,
		PST_DIAG_PRETTY, PST_DIAG_ANNOTATED, PST_DIAG_JSON,
		PST_DIAG_LIST };
	struct pst_diag_fault fault;
	enum pst_err err, check;
	uint8_t *out;
	size_t i, len, back;
	char *text;

	check = pst_diag_check(in, NULL);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		text = printed(in, forms[i], &len, &err);
		MUST(err == check);
		is_harmless(text, len);
		if (err == PST_OK && i < 3) {
			MUST(pst_diag_parse(
				 (struct pst_bytes){ (uint8_t *)text, len },
				 &out, &back, &fault) == PST_OK);
			MUST(back == in.len && memcmp(out, in.ptr, back) == 0);
			free(out);
		}
		free(text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_diag_fault fault;
	uint8_t *out;
	size_t len;

	round_trip(in);
	if (pst_diag_parse(in, &out, &len, &fault) == PST_OK) {
		MUST(pst_diag_check((struct pst_bytes){ out, len }, NULL) ==
		    PST_OK);
		round_trip((struct pst_bytes){ out, len });
		free(out);
	} else {
		MUST(out == NULL && fault.at <= size && fault.why != NULL);
	}
	return 0;
}
