/* Diagnostic notation, on one line or several, with annotations or without. */
#include <string.h>

#include "walk.h"

/* Deeper than this lines are no longer indented more: the output stays
 * linear in the input. */
enum { INDENT_MAX = 32, INDENT = 2 };

/* Bytes that are left of a string that is cut. */
enum { BRIEF_SHOWN = 32 };

void
diag_hex(FILE *f, struct pst_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		fputc(digits[bytes.ptr[i] >> 4], f);
		fputc(digits[bytes.ptr[i] & 15], f);
	}
}

/* One code point of valid UTF-8; len is set to its bytes. */
static uint32_t
code_point(const uint8_t *p, size_t *len)
{
	uint32_t c = p[0];
	size_t i;

	*len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*len == 1)
		return c;
	c &= 0x3fu >> (*len - 1);
	for (i = 1; i < *len; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/*
 * Would a terminal obey it or a reader not see it? C0, DEL and C1 controls,
 * marks of direction (Unicode TR 36), separators of lines, the byte order
 * mark, tags.
 */
static bool
unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	    (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static void
escaped(FILE *f, uint32_t c)
{
	static const char letters[] = "\b\t\n\f\r";
	static const char names[] = "btnfr";
	const char *p = c != 0 && c < 0x20 ? strchr(letters, (int)c) : NULL;

	if (p != NULL)
		fprintf(f, "\\%c", names[p - letters]);
	else if (c < 0x10000)
		fprintf(f, "\\u%04x", c);
	else
		fprintf(f, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
		    0xdc00 + (c & 0x3ff));
}

void
diag_quoted(FILE *f, struct pst_bytes text)
{
	size_t at = 0, len;
	uint32_t c;

	fputc('"', f);
	for (; at < text.len; at += len) {
		c = code_point(text.ptr + at, &len);
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", (int)c);
		else if (unsafe(c))
			escaped(f, c);
		else
			fwrite(text.ptr + at, 1, len, f);
	}
	fputc('"', f);
}

/* The bytes of the character that begins here; 0 when none does. */
static size_t
character(struct pst_bytes text)
{
	uint8_t b = text.ptr[0];
	struct pst_bytes one = { text.ptr, 1 };

	if (b >= 0x80)
		one.len = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
	return one.len <= text.len && pst_utf8_valid(one) ? one.len : 0;
}

void
pst_print_safe(FILE *f, struct pst_bytes text)
{
	size_t len;
	uint32_t c;

	while (text.len > 0) {
		len = character(text);
		if (len == 0) {
			fprintf(f, "\\x%02x", text.ptr[0]);
			len = 1;
		} else {
			c = code_point(text.ptr, &len);
			if (unsafe(c))
				escaped(f, c);
			else
				fwrite(text.ptr, 1, len, f);
		}
		text.ptr += len;
		text.len -= len;
	}
}

/* A slash would end the comment: "HMAC 256/256" is written with a hyphen. */
static void
comment(FILE *f, const char *text)
{
	fputs("/ ", f);
	for (; *text != '\0'; text++)
		fputc(*text == '/' ? '-' : *text, f);
	fputs(" /", f);
}

static void
new_line(struct diag_sink *s, unsigned int depth)
{
	if (depth > INDENT_MAX)
		depth = INDENT_MAX;
	fprintf(s->f, "\n%*s", (int)(depth * INDENT), "");
}

/* What stands between an item and what is before it. */
static void
before(struct diag_sink *s, const struct diag_event *ev)
{
	bool value = ev->in == IN_MAP && ev->index % 2 == 1;

	if (ev->in == IN_ARRAY || ev->in == IN_MAP) {
		if (value)
			fputs(": ", s->f);
		else if (ev->index > 0)
			fputc(',', s->f);
		if (!value && s->lines && !ev->tight && !ev->argument)
			new_line(s, ev->depth);
		else if (!value && ev->index > 0)
			fputc(' ', s->f);
	} else if (ev->in == IN_CHUNKS) {
		fputs(ev->index > 0 ? ", " : "(_ ", s->f);
	}
	if (!s->annotate)
		return;
	if (ev->name != NULL) {
		comment(s->f, ev->name);
		fputc(' ', s->f);
	} else if (ev->type != NULL) {
		comment(s->f, ev->type);
		fputc(' ', s->f);
	}
}

/* Bytes up to the closing quote. What is cut is no notation any more, so that
 * nobody encodes it again by mistake. */
static void
string_digits(struct diag_sink *s, const struct diag_event *ev)
{
	struct pst_bytes shown = ev->bytes;

	if (!s->brief || shown.len <= PST_DIAG_BRIEF_MAX) {
		diag_hex(s->f, shown);
		fprintf(s->f, "'%s", diag_indicator(&ev->head));
		return;
	}
	shown.len = BRIEF_SHOWN;
	diag_hex(s->f, shown);
	fprintf(s->f, "...'%s / %zu of %zu bytes left out /",
	    diag_indicator(&ev->head), ev->bytes.len - shown.len,
	    ev->bytes.len);
	s->cut++;
}

static void
text_item(struct diag_sink *s, const struct diag_event *ev)
{
	before(s, ev);
	if (ev->bignum ||
	    (ev->head.type != PST_CBOR_BSTR &&
		ev->head.type != PST_CBOR_TSTR)) {
		diag_scalar(s->f, ev);
	} else if (ev->head.type == PST_CBOR_TSTR &&
	    pst_utf8_valid(ev->bytes)) {
		diag_quoted(s->f, ev->bytes);
		fputs(diag_indicator(&ev->head), s->f);
	} else {
		fputs(ev->head.type == PST_CBOR_TSTR ? "text'" : "h'", s->f);
		string_digits(s, ev);
	}
	if (s->annotate && ev->note[0] != '\0') {
		fputc(' ', s->f);
		comment(s->f, ev->note);
	}
}

static void
text_open(struct diag_sink *s, const struct diag_event *ev)
{
	const struct pst_cbor_head *h = &ev->head;
	const char *indicator = diag_indicator(h);

	before(s, ev);
	if (ev->inner) {
		fputs("<<", s->f);
	} else if (h->type == PST_CBOR_TAG) {
		fprintf(s->f, "%llu%s(", (unsigned long long)h->arg, indicator);
	} else if (h->type == PST_CBOR_ARRAY || h->type == PST_CBOR_MAP) {
		fputc(h->type == PST_CBOR_MAP ? '{' : '[', s->f);
		if (h->indefinite)
			indicator = "_";
		fputs(indicator, s->f);
		if (*indicator != '\0' && (!s->lines || ev->opens_tight))
			fputc(' ', s->f);
	}
	/* A string of no chunks has a notation of its own, so the bracket of
	 * one with chunks waits for the first. */
}

/* The end of a tag, or of something with nothing in it. */
static const char *
empty_close(const struct pst_cbor_head *h)
{
	switch (h->type) {
	case PST_CBOR_BSTR:
		return "''_";
	case PST_CBOR_TSTR:
		return "\"\"_";
	case PST_CBOR_ARRAY:
		return "]";
	case PST_CBOR_MAP:
		return "}";
	default:
		return ")";
	}
}

static void
text_close(struct diag_sink *s, const struct diag_event *ev)
{
	const struct pst_cbor_head *h = &ev->head;

	if (ev->inner) {
		fprintf(s->f, ">>%s", diag_indicator(h));
		return;
	}
	if (h->type == PST_CBOR_TAG || ev->index == 0) {
		fputs(empty_close(h), s->f);
		return;
	}
	if (h->type == PST_CBOR_BSTR || h->type == PST_CBOR_TSTR) {
		fputc(')', s->f);
		return;
	}
	if (s->lines && !ev->tight && ev->index > 0)
		new_line(s, ev->depth);
	fputc(h->type == PST_CBOR_MAP ? '}' : ']', s->f);
}

const struct diag_sink diag_text_sink = {
	.item = text_item,
	.open = text_open,
	.close = text_close,
};
