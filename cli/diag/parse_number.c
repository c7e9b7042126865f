/* Integers in four bases, bignums, floats, and the numbers of tags. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/* Longer than any number that is written: a bignum of the limit has 155
 * digits in base 10 and 512 in base 2. */
enum { NUMBER_MAX = 600 };

/* A magnitude, big-endian. */
struct big {
	uint8_t bytes[PST_DIAG_BIGNUM_MAX];
	bool over;
};

static void
big_step(struct big *b, unsigned int base, unsigned int digit)
{
	unsigned int carry = digit;
	size_t i;

	for (i = sizeof(b->bytes); i-- > 0;) {
		carry += b->bytes[i] * base;
		b->bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	b->over |= carry != 0;
}

/* A negative number is stored as -1 - magnitude. */
static void
big_decrement(struct big *b)
{
	size_t i;

	for (i = sizeof(b->bytes); i-- > 0;) {
		if (b->bytes[i]-- != 0)
			return;
	}
}

static bool
big_is_zero(const struct big *b)
{
	size_t i;

	for (i = 0; i < sizeof(b->bytes); i++) {
		if (b->bytes[i] != 0)
			return false;
	}
	return true;
}

/* Takes at most 64 bits; true when that is all of it. */
static bool
big_small(const struct big *b, uint64_t *v)
{
	size_t i;

	*v = 0;
	for (i = 0; i < sizeof(b->bytes); i++) {
		if (i < sizeof(b->bytes) - 8 && b->bytes[i] != 0)
			return false;
		*v = *v << 8 | b->bytes[i];
	}
	return true;
}

/* RFC 8949, Section 3.4.3: tag 2 or 3 and the bytes without leading zeros. */
static void
put_big(struct parse *p, const struct big *b, bool negative)
{
	size_t skip = 0;
	size_t start;

	while (b->bytes[skip] == 0)
		skip++;
	parse_head(p, p->out_len, 6, negative ? 3 : 2, WIDTH_SHORTEST);
	start = p->out_len;
	parse_put(p, b->bytes + skip, sizeof(b->bytes) - skip);
	parse_head(p, start, 2, sizeof(b->bytes) - skip, WIDTH_SHORTEST);
}

static unsigned int
base_of(struct parse *p)
{
	if (parse_word(p, "0x") || parse_word(p, "0X"))
		return 16;
	if (parse_word(p, "0o"))
		return 8;
	if (parse_word(p, "0b"))
		return 2;
	return 10;
}

/* Digits of an integer; false when there are none or too many. */
static bool
integer(struct parse *p, struct big *b)
{
	unsigned int base = base_of(p);
	size_t n = 0;
	int d;

	for (;; n++, p->at++) {
		d = parse_digit(parse_peek(p, 0));
		if (d < 0 || (unsigned int)d >= base)
			break;
		big_step(b, base, (unsigned int)d);
	}
	if (n == 0)
		parse_fail(p, PST_ERR_ARG, "not an item");
	if (b->over)
		parse_fail(p, PST_ERR_LIMIT, "number is too large");
	return p->err == PST_OK;
}

static void
put_bits(struct parse *p, uint64_t bits, int width)
{
	static const uint8_t initial[] = { 0, 0xf9, 0xfa, 0xfb };
	size_t len = (size_t)1 << width;
	uint8_t out[9];
	size_t i;

	out[0] = initial[width];
	for (i = 0; i < len; i++)
		out[1 + i] = (uint8_t)(bits >> 8 * (len - 1 - i));
	parse_put(p, out, len + 1);
}

static void
put_double(struct parse *p, double v, int width)
{
	uint8_t out[9];
	struct pst_cbor_writer w;
	float single = (float)v;
	uint32_t bits32;
	uint64_t bits;

	pst_cbor_writer_init(&w, out, sizeof(out));
	pst_cbor_put_float(&w, v);
	if (width == WIDTH_SHORTEST) {
		parse_put(p, out, w.len);
		return;
	}
	if (width < 1 || w.len > 1 + ((size_t)1 << width)) {
		parse_fail(p, PST_ERR_ARG,
		    "does not fit the width that its indicator asks for");
		return;
	}
	memcpy(&bits, &v, sizeof(bits));
	memcpy(&bits32, &single, sizeof(bits32));
	if (width == 1)
		parse_put(p, out, w.len);
	else
		put_bits(p, width == 2 ? bits32 : bits, width);
}

void
parse_float_bits(struct parse *p)
{
	uint64_t bits = 0;
	int n = 0;
	int d;

	for (; n < 16 && (d = parse_digit(parse_peek(p, 0))) >= 0; n++) {
		bits = bits << 4 | (uint64_t)d;
		p->at++;
	}
	if ((n != 4 && n != 8 && n != 16) || !parse_word(p, "'")) {
		parse_fail(p, PST_ERR_ARG, "float has 4, 8 or 16 digits");
		return;
	}
	put_bits(p, bits, n == 4 ? 1 : n == 8 ? 2 : 3);
}

static bool
named(struct parse *p, bool negative)
{
	double v;

	if (parse_word(p, "Infinity"))
		v = negative ? -INFINITY : INFINITY;
	else if (!negative && parse_word(p, "NaN"))
		v = NAN;
	else
		return false;
	put_double(p, v, parse_width(p));
	return true;
}

/* The characters of a float from here, sign apart; 0 when it is none: it has
 * a point or an exponent. */
static size_t
float_len(const struct parse *p)
{
	bool hex = parse_peek(p, 0) == '0' &&
	    (parse_peek(p, 1) == 'x' || parse_peek(p, 1) == 'X');
	size_t n = hex ? 2 : 0;
	bool is_float = false;
	int c;

	for (; n < NUMBER_MAX && (c = parse_peek(p, n)) != -1; n++) {
		if (c == '.' ||
		    (hex ? c == 'p' || c == 'P' : c == 'e' || c == 'E')) {
			is_float = true;
		} else if (c == '+' || c == '-') {
			c = parse_peek(p, n - 1);
			if (hex ? c != 'p' && c != 'P' : c != 'e' && c != 'E')
				break;
		} else if (hex ? parse_digit(c) < 0 : c < '0' || c > '9') {
			break;
		}
	}
	return is_float ? n : 0;
}

static void
floating(struct parse *p, size_t len, bool negative)
{
	char text[NUMBER_MAX + 1];
	char *end;
	double v;

	memcpy(text, p->text + p->at, len);
	text[len] = '\0';
	errno = 0;
	v = strtod(text, &end);
	if (*end != '\0' || end == text || isinf(v) || text[0] == '.') {
		parse_fail(p, PST_ERR_ARG, "not a number");
		return;
	}
	p->at += len;
	put_double(p, negative ? -v : v, parse_width(p));
}

static void
whole(struct parse *p, struct big *b, bool negative)
{
	int width = parse_width(p);
	uint64_t v;

	if (negative && big_is_zero(b)) {
		parse_fail(p, PST_ERR_ARG, "-0 is no integer");
		return;
	}
	if (negative)
		big_decrement(b);
	if (big_small(b, &v))
		parse_head(p, p->out_len, negative ? 1 : 0, v, width);
	else if (width == WIDTH_SHORTEST)
		put_big(p, b, negative);
	else
		parse_fail(p, PST_ERR_ARG, "a bignum has no width");
}

/* A tag's number, its indicator and its bracket. */
static bool
tag(struct parse *p, const struct big *b)
{
	size_t start = p->at;
	int width = parse_width(p);
	uint64_t v;

	parse_blank(p);
	if (parse_peek(p, 0) != '(' || parse_peek(p, 1) == '_') {
		p->at = start;
		return false;
	}
	p->at++;
	if (!big_small(b, &v))
		parse_fail(p, PST_ERR_ARG, "no such tag");
	else
		parse_head(p, p->out_len, 6, v, width);
	return true;
}

bool
parse_number(struct parse *p)
{
	struct big b = { .over = false };
	bool negative = parse_word(p, "-");
	size_t len;

	if (named(p, negative))
		return false;
	len = float_len(p);
	if (len > 0) {
		floating(p, len, negative);
		return false;
	}
	if (!integer(p, &b))
		return false;
	if (!negative && tag(p, &b))
		return true;
	whole(p, &b, negative);
	return false;
}
