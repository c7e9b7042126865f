/* Strings: quoted text, byte strings in their bases, side by side (RFC 8610,
 * Appendix G.1, G.2 and G.4). */
#include <string.h>

#include "parse.h"

int
parse_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void
put_utf8(struct parse *p, uint32_t c)
{
	uint8_t b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t i;

	for (i = n; i-- > 1; c >>= 6)
		b[i] = (uint8_t)(0x80 | (c & 0x3f));
	b[0] = (uint8_t)(first[n] | c);
	parse_put(p, b, n);
}

static uint32_t
four_digits(struct parse *p)
{
	uint32_t c = 0;
	int i, d;

	for (i = 0; i < 4; i++) {
		d = parse_digit(parse_peek(p, 0));
		if (d < 0) {
			parse_fail(p, PST_ERR_ARG, "\\u needs four digits");
			return 0;
		}
		c = c << 4 | (uint32_t)d;
		p->at++;
	}
	return c;
}

/* A \u escape after its u; two make one character beyond U+FFFF. */
static void
unicode(struct parse *p)
{
	uint32_t c = four_digits(p);
	uint32_t low;

	if (c >= 0xd800 && c < 0xdc00) {
		low = parse_word(p, "\\u") ? four_digits(p) : 0;
		if (low < 0xdc00 || low > 0xdfff) {
			parse_fail(p, PST_ERR_ARG, "half a surrogate pair");
			return;
		}
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		parse_fail(p, PST_ERR_ARG, "half a surrogate pair");
		return;
	}
	put_utf8(p, c);
}

static void
escape(struct parse *p)
{
	static const char names[] = "bfnrt\"'\\/";
	static const char values[] = "\b\f\n\r\t\"'\\/";
	int c = parse_peek(p, 0);
	const char *at = c > 0 ? strchr(names, c) : NULL;

	if (c == 'u') {
		p->at++;
		unicode(p);
		return;
	}
	if (at == NULL) {
		parse_fail(p, PST_ERR_ARG, "no such escape");
		return;
	}
	parse_put(p, (const uint8_t *)&values[at - names], 1);
	p->at++;
}

/* Text up to its quote; a literal line break belongs to it. */
static void
quoted(struct parse *p, int quote)
{
	int c;

	while ((c = parse_peek(p, 0)) != quote) {
		if (c < 0 || (c < ' ' && c != '\n' && c != '\r' && c != '\t')) {
			parse_fail(p, PST_ERR_ARG,
			    c < 0 ? "string does not end"
				  : "control character in a string");
			return;
		}
		p->at++;
		if (c == '\\')
			escape(p);
		else
			parse_put(p, &p->text[p->at - 1], 1);
	}
	p->at++;
}

/* RFC 4648: the value of a digit in an alphabet, or -1. */
static int
base_digit(int c, const char *alphabet, unsigned int bits)
{
	const char *at;

	if (c <= 0)
		return -1;
	if (bits == 6 && (c == '-' || c == '_'))
		return c == '-' ? 62 : 63;
	if (bits < 6 && c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	at = strchr(alphabet, c);
	return at == NULL ? -1 : (int)(at - alphabet);
}

/* Bits left over must be zero, and fewer than a digit brings. */
static void
base_end(struct parse *p, uint32_t held, unsigned int count, unsigned int bits)
{
	if (count >= bits || (held & ((1u << count) - 1)) != 0)
		parse_fail(p, PST_ERR_ARG, "digits do not make whole bytes");
	p->at++;
}

static void
based(struct parse *p, const char *alphabet, unsigned int bits)
{
	uint32_t held = 0;
	unsigned int count = 0;
	uint8_t b;
	int c, d;

	for (;;) {
		parse_blank(p);
		c = parse_peek(p, 0);
		if (c == '\'')
			break;
		if (c == '=' && bits >= 5) {
			p->at++;
			continue;
		}
		d = base_digit(c, alphabet, bits);
		if (d < 0) {
			parse_fail(p, PST_ERR_ARG, "not a digit of this base");
			return;
		}
		p->at++;
		held = (held << bits | (uint32_t)d) & 0xffff;
		count += bits;
		if (count < 8)
			continue;
		count -= 8;
		b = (uint8_t)(held >> count);
		parse_put(p, &b, 1);
	}
	base_end(p, held, count, bits);
}

static const char base16[] = "0123456789ABCDEF";
static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char base32hex[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* In base64 a slash is a digit and so starts no comment. */
static void
based64(struct parse *p)
{
	uint32_t held = 0;
	unsigned int count = 0;
	uint8_t b;
	int c, d;

	for (; (c = parse_peek(p, 0)) != '\''; p->at++) {
		if (c > 0 && strchr("= \t\r\n", c) != NULL)
			continue;
		d = base_digit(c, base64, 6);
		if (d < 0) {
			parse_fail(p, PST_ERR_ARG, "not a digit of this base");
			return;
		}
		held = (held << 6 | (uint32_t)d) & 0xffff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		b = (uint8_t)(held >> count);
		parse_put(p, &b, 1);
	}
	base_end(p, held, count, 6);
}

enum string_kind { NO_STRING, BYTES, TEXT, RAW_TEXT };

/* One string, its content put to the output. */
static enum string_kind
one(struct parse *p)
{
	if (parse_word(p, "\"")) {
		quoted(p, '"');
		return TEXT;
	}
	if (parse_word(p, "'"))
		quoted(p, '\'');
	else if (parse_word(p, "h'"))
		based(p, base16, 4);
	else if (parse_word(p, "b64'"))
		based64(p);
	else if (parse_word(p, "b32'"))
		based(p, base32, 5);
	else if (parse_word(p, "h32'"))
		based(p, base32hex, 5);
	else if (parse_word(p, "text'")) {
		based(p, base16, 4);
		return RAW_TEXT;
	} else {
		return NO_STRING;
	}
	return BYTES;
}

/* An indefinite-length string of no chunks: ''_ or ""_ . */
static bool
no_chunks(struct parse *p, size_t start, unsigned int major)
{
	uint8_t both[2] = { (uint8_t)(major << 5 | 31), 0xff };

	if (p->err != PST_OK || p->out_len != start || parse_peek(p, 0) != '_')
		return false;
	p->at++;
	parse_put(p, both, 2);
	return true;
}

bool
parse_string(struct parse *p)
{
	size_t start = p->out_len;
	size_t begin = p->at;
	enum string_kind kind = one(p);
	unsigned int major = kind == BYTES ? 2 : 3;
	struct pst_bytes content;
	int width;

	if (kind == NO_STRING)
		return false;
	width = parse_width(p);
	if (width == WIDTH_SHORTEST && no_chunks(p, start, major))
		return true;
	while (width == WIDTH_SHORTEST && p->err == PST_OK) {
		parse_blank(p);
		if (one(p) == NO_STRING)
			break;
		width = parse_width(p);
	}
	content = (struct pst_bytes){ NULL, 0 };
	if (p->out_len > start)
		content =
		    (struct pst_bytes){ p->out + start, p->out_len - start };
	if (kind == TEXT && p->err == PST_OK && !pst_utf8_valid(content)) {
		p->at = begin;
		parse_fail(p, PST_ERR_ARG, "text is not UTF-8");
	}
	parse_head(p, start, major, p->out_len - start, width);
	return true;
}
