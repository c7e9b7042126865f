/*
 * Diagnostic notation to CBOR: structure. Content is encoded as it is read
 * and its head is inserted in front when its length is known, so that nothing
 * is read twice; depth times length bounds the moves.
 *
 * The functions call one another recursively, at most PST_DIAG_DEPTH_MAX deep.
 */
#include "parse.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void
parse_fail(struct parse *p, enum pst_err err, const char *why)
{
	if (p->err != PST_OK)
		return;
	p->err = err;
	p->why = why;
}

int
parse_peek(const struct parse *p, size_t ahead)
{
	if (p->err != PST_OK || ahead >= p->len - p->at)
		return -1;
	return p->text[p->at + ahead];
}

bool
parse_word(struct parse *p, const char *word)
{
	size_t n = strlen(word);

	if (p->err != PST_OK || n > p->len - p->at ||
	    memcmp(p->text + p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

static void
line_comment(struct parse *p)
{
	while (parse_peek(p, 0) != -1 && parse_peek(p, 0) != '\n')
		p->at++;
}

/* RFC 8610, Appendix G.6: between slashes; and to the end of a line after
 * "#" or "//", as other tools write them. */
static void
slash_comment(struct parse *p)
{
	size_t start = p->at++;

	if (parse_peek(p, 0) == '/') {
		line_comment(p);
		return;
	}
	while (parse_peek(p, 0) != -1 && parse_peek(p, 0) != '/')
		p->at++;
	if (parse_peek(p, 0) == '/') {
		p->at++;
		return;
	}
	p->at = start;
	parse_fail(p, PST_ERR_ARG, "comment does not end");
}

void
parse_blank(struct parse *p)
{
	int c;

	while ((c = parse_peek(p, 0)) != -1) {
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			p->at++;
		else if (c == '#')
			line_comment(p);
		else if (c == '/')
			slash_comment(p);
		else
			return;
	}
}

int
parse_width(struct parse *p)
{
	int c = parse_peek(p, 1);

	if (parse_peek(p, 0) != '_')
		return WIDTH_SHORTEST;
	if (c == 'i') {
		p->at += 2;
		return WIDTH_IMMEDIATE;
	}
	if (c >= '0' && c <= '3') {
		p->at += 2;
		return c - '0';
	}
	return WIDTH_SHORTEST;
}

static bool
room(struct parse *p, size_t more)
{
	size_t cap = p->out_cap > 0 ? p->out_cap : FIRST_CAP;
	uint8_t *grown;

	if (p->err != PST_OK)
		return false;
	if (more <= p->out_cap - p->out_len)
		return true;
	while (cap - p->out_len < more)
		cap *= 2;
	grown = realloc(p->out, cap);
	if (grown == NULL) {
		parse_fail(p, PST_ERR_IO, "no memory");
		return false;
	}
	p->out = grown;
	p->out_cap = cap;
	return true;
}

void
parse_put(struct parse *p, const uint8_t *bytes, size_t len)
{
	if (len == 0 || !room(p, len))
		return;
	memcpy(p->out + p->out_len, bytes, len);
	p->out_len += len;
}

/* The additional information of a head, and how many bytes follow it. */
static uint8_t
head_form(uint64_t arg, int width, size_t *len)
{
	static const uint64_t beyond[] = { 0x100, 0x10000, 0x100000000 };
	int fits = 0;

	*len = 0;
	while (fits < 3 && arg >= beyond[fits])
		fits++;
	if (width == WIDTH_IMMEDIATE || (width == WIDTH_SHORTEST && arg < 24))
		return arg < 24 ? (uint8_t)arg : 31;
	if (width == WIDTH_SHORTEST)
		width = fits;
	*len = (size_t)1 << width;
	return width < fits ? 31 : (uint8_t)(24 + width);
}

void
parse_head(
    struct parse *p, size_t where, unsigned int major, uint64_t arg, int width)
{
	uint8_t head[9];
	size_t len, i;
	uint8_t info = head_form(arg, width, &len);

	if (info == 31) {
		parse_fail(p, PST_ERR_ARG,
		    "does not fit the width that its indicator asks for");
		return;
	}
	if (!room(p, len + 1))
		return;
	head[0] = (uint8_t)(major << 5 | info);
	for (i = 0; i < len; i++)
		head[1 + i] = (uint8_t)(arg >> 8 * (len - 1 - i));
	memmove(p->out + where + len + 1, p->out + where, p->out_len - where);
	memcpy(p->out + where, head, len + 1);
	p->out_len += len + 1;
}

static void item(struct parse *p);

static void
byte(struct parse *p, uint8_t b)
{
	parse_put(p, &b, 1);
}

/* One element, or a pair. */
static void
element(struct parse *p, bool pair)
{
	item(p);
	if (!pair)
		return;
	if (parse_peek(p, 0) == ':')
		p->at++;
	else
		parse_fail(p, PST_ERR_ARG, "expected ':'");
	item(p);
}

/* Elements up to a closing word; a comma may follow the last. */
static uint64_t
elements(struct parse *p, const char *close, bool pairs)
{
	uint64_t n = 0;

	parse_blank(p);
	while (p->err == PST_OK && !parse_word(p, close)) {
		element(p, pairs);
		n++;
		if (parse_peek(p, 0) == ',') {
			p->at++;
			parse_blank(p);
		} else if (p->err == PST_OK && !parse_word(p, close)) {
			parse_fail(p, PST_ERR_ARG,
			    "expected ',' or a closing bracket");
		} else {
			break;
		}
	}
	return n;
}

static void
container(struct parse *p, unsigned int major, const char *close)
{
	size_t start = p->out_len;
	int width = parse_width(p);
	uint64_t n;

	if (width == WIDTH_SHORTEST && parse_peek(p, 0) == '_') {
		p->at++;
		byte(p, (uint8_t)(major << 5 | 31));
		(void)elements(p, close, major == 5);
		byte(p, 0xff);
		return;
	}
	n = elements(p, close, major == 5);
	parse_head(p, start, major, n, width);
}

/* RFC 8949, Section 3.2.3: every chunk is a definite string of one type. */
static void
chunks(struct parse *p)
{
	size_t start = p->out_len;
	size_t at;
	uint8_t major;

	byte(p, 0);
	do {
		parse_blank(p);
		at = p->out_len;
		if (!parse_string(p)) {
			parse_fail(p, PST_ERR_ARG, "expected a string");
			return;
		}
		if (p->err != PST_OK)
			return;
		major = p->out[at] >> 5;
		if (at == start + 1)
			p->out[start] = (uint8_t)(major << 5 | 31);
		if (p->out[start] >> 5 != major || (p->out[at] & 31) == 31)
			parse_fail(p, PST_ERR_ARG,
			    "not a chunk of the same kind of string");
		parse_blank(p);
	} while (parse_word(p, ","));
	if (!parse_word(p, ")"))
		parse_fail(p, PST_ERR_ARG, "expected ',' or ')'");
	byte(p, 0xff);
}

/* RFC 8610, Appendix G.3. */
static void
embedded(struct parse *p)
{
	size_t start = p->out_len;

	(void)elements(p, ">>", false);
	parse_head(p, start, 2, p->out_len - start, parse_width(p));
}

static void
tagged(struct parse *p)
{
	item(p);
	if (!parse_word(p, ")"))
		parse_fail(p, PST_ERR_ARG, "expected ')'");
}

static void
simple_value(struct parse *p)
{
	unsigned int v = 0;
	int digits = 0;
	int c;

	parse_blank(p);
	for (; (c = parse_peek(p, 0)) >= '0' && c <= '9' && digits < 4;
	     digits++, p->at++)
		v = v * 10 + (unsigned int)(c - '0');
	parse_blank(p);
	if (digits == 0 || !parse_word(p, ")") || v > 255 ||
	    (v >= 24 && v < 32)) {
		parse_fail(p, PST_ERR_ARG, "no such simple value");
		return;
	}
	if (v >= 32)
		byte(p, 0xf8);
	byte(p, (uint8_t)(v < 24 ? 0xe0 | v : v));
}

static bool
word(struct parse *p)
{
	static const struct {
		const char *name;
		uint8_t encoded;
	} words[] = { { "false", 0xf4 }, { "true", 0xf5 }, { "null", 0xf6 },
		{ "undefined", 0xf7 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!parse_word(p, words[i].name))
			continue;
		byte(p, words[i].encoded);
		return true;
	}
	if (parse_word(p, "simple(")) {
		simple_value(p);
		return true;
	}
	if (parse_word(p, "float'")) {
		parse_float_bits(p);
		return true;
	}
	return false;
}

static void
bare_item(struct parse *p)
{
	if (parse_word(p, "["))
		container(p, 4, "]");
	else if (parse_word(p, "{"))
		container(p, 5, "}");
	else if (parse_word(p, "<<"))
		embedded(p);
	else if (parse_word(p, "(_"))
		chunks(p);
	else if (!word(p) && !parse_string(p) && parse_number(p))
		tagged(p);
}

static void
item(struct parse *p)
{
	parse_blank(p);
	if (p->depth == PST_DIAG_DEPTH_MAX) {
		parse_fail(p, PST_ERR_LIMIT, "nested too deeply");
		return;
	}
	p->depth++;
	bare_item(p);
	p->depth--;
	parse_blank(p);
}

static void
locate(const struct parse *p, struct pst_diag_fault *fault)
{
	size_t i;

	fault->at = p->at;
	fault->why = p->why;
	fault->line = 1;
	fault->column = 1;
	for (i = 0; i < p->at; i++) {
		fault->column++;
		if (p->text[i] == '\n') {
			fault->line++;
			fault->column = 1;
		}
	}
}

enum pst_err
pst_diag_parse(struct pst_bytes text, uint8_t **out, size_t *len,
    struct pst_diag_fault *fault)
{
	struct parse p = { .text = text.ptr, .len = text.len };

	/* From here on there is a buffer, whatever the text. */
	if (room(&p, FIRST_CAP))
		item(&p);
	if (p.err == PST_OK && p.at < p.len)
		parse_fail(&p, PST_ERR_ARG, "more than one item");
	*out = NULL;
	*len = 0;
	if (p.err != PST_OK) {
		locate(&p, fault);
		free(p.out);
		return p.err;
	}
	*out = p.out;
	*len = p.out_len;
	return PST_OK;
}
