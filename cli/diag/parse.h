/* Inside the library: the parser of notation, one struct in three files. */
#ifndef PST_DIAG_PARSE_H
#define PST_DIAG_PARSE_H

#include "diag.h"

/* No encoding indicator; "_i"; else 0..3 as in "_0" to "_3". */
enum { WIDTH_SHORTEST = -1, WIDTH_IMMEDIATE = -2 };

struct parse {
	const uint8_t *text;
	size_t len, at;
	uint8_t *out;
	size_t out_len, out_cap;
	enum pst_err err; /* first error; sticky */
	const char *why;
	unsigned int depth;
};

/* Fail where the text stands. */
void parse_fail(struct parse *p, enum pst_err err, const char *why);

/* The character at an offset from here, or -1 at the end or after a failure. */
int parse_peek(const struct parse *p, size_t ahead);
/* Pass over a word if it is next. */
bool parse_word(struct parse *p, const char *word);
/* Pass over white space and comments. */
void parse_blank(struct parse *p);
/* An encoding indicator, if there is one. */
int parse_width(struct parse *p);

void parse_put(struct parse *p, const uint8_t *bytes, size_t len);
/* A head of this major type, inserted at an earlier place of the output. */
void parse_head(
    struct parse *p, size_t where, unsigned int major, uint64_t arg, int width);

/* One string in quotes or several side by side; true when one was there. */
bool parse_string(struct parse *p);
/* A number, or a tag up to its bracket; true when the latter. */
bool parse_number(struct parse *p);
/* float'...' after its prefix. */
void parse_float_bits(struct parse *p);

int parse_digit(int c);

#endif
