/*
 * Comparing media types with their parameters (RFC 9110, Section 8.3.1): type
 * and parameter names without regard to case, values exactly, parameters in
 * any order, a value quoted or not. draft-ietf-teep-protocol writes a URI
 * without quotes, RFC 9782 with them; both are read.
 */
#include <postern/eat.h>

#include "../pst_internal.h"

/* A parameter as it stands; a quoted value without its quotes. */
struct parameter {
	struct pst_bytes name, value;
	bool quoted;
};

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool
same_word(struct pst_bytes a, struct pst_bytes b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

static void
drop(struct pst_bytes *s, size_t n)
{
	s->ptr += n;
	s->len -= n;
}

static void
skip_space(struct pst_bytes *s)
{
	while (s->len > 0 && (*s->ptr == ' ' || *s->ptr == '\t'))
		drop(s, 1);
}

/* Visible characters up to one of `stop` or a space; may be empty. */
static struct pst_bytes
word(struct pst_bytes *s, uint8_t stop)
{
	struct pst_bytes out = { s->ptr, 0 };

	while (s->len > 0 && *s->ptr > ' ' && *s->ptr < 0x7f &&
	    *s->ptr != ';' && *s->ptr != '"' && *s->ptr != ',' &&
	    *s->ptr != stop) {
		out.len++;
		drop(s, 1);
	}
	return out;
}

/* The inside of a quoted string, escapes left in; false when it never ends. */
static bool
quoted(struct pst_bytes *s, struct pst_bytes *out)
{
	drop(s, 1);
	out->ptr = s->ptr;
	out->len = 0;
	while (s->len > 0 && *s->ptr != '"') {
		size_t n = *s->ptr == '\\' ? 2 : 1;

		if (n > s->len)
			return false;
		out->len += n;
		drop(s, n);
	}
	if (s->len == 0)
		return false;
	drop(s, 1);
	return true;
}

/* The next parameter; *ok is false when there is rubbish instead. */
static bool
next_parameter(struct pst_bytes *s, struct parameter *p, bool *ok)
{
	skip_space(s);
	if (s->len == 0)
		return false;
	*ok = false;
	if (*s->ptr != ';')
		return false;
	drop(s, 1);
	skip_space(s);
	if (s->len == 0 || *s->ptr == ';') {
		/* An empty parameter is allowed and means nothing. */
		p->name.len = 0;
		*ok = true;
		return true;
	}
	p->name = word(s, '=');
	if (p->name.len == 0 || s->len == 0 || *s->ptr != '=')
		return false;
	drop(s, 1);
	p->quoted = s->len > 0 && *s->ptr == '"';
	if (p->quoted) {
		*ok = quoted(s, &p->value);
		return *ok;
	}
	p->value = word(s, ';');
	*ok = p->value.len > 0;
	return *ok;
}

/* The next character of a value, an escape resolved; -1 at its end. */
static int
next_char(const struct parameter *p, size_t *at)
{
	if (p->quoted && *at < p->value.len && p->value.ptr[*at] == '\\')
		++*at;
	return *at < p->value.len ? p->value.ptr[(*at)++] : -1;
}

static bool
same_value(const struct parameter *a, const struct parameter *b)
{
	size_t i = 0, j = 0;
	int c;

	do {
		c = next_char(a, &i);
		if (c != next_char(b, &j))
			return false;
	} while (c != -1);
	return true;
}

/* Does every parameter of `from` occur in `in` with the same value? */
static bool
contained(struct pst_bytes from, struct pst_bytes in)
{
	struct parameter p, q;
	struct pst_bytes rest;
	bool ok = true, found;

	while (next_parameter(&from, &p, &ok)) {
		if (p.name.len == 0)
			continue;
		found = false;
		rest = in;
		while (!found && next_parameter(&rest, &q, &ok))
			found = same_word(p.name, q.name) && same_value(&p, &q);
		if (!found)
			return false;
	}
	return ok;
}

bool
pst_media_type_same(struct pst_bytes a, struct pst_bytes b)
{
	struct pst_bytes type_a, type_b;

	skip_space(&a);
	skip_space(&b);
	type_a = word(&a, ';');
	type_b = word(&b, ';');
	/* Containment both ways: the same set, a repeated name included. */
	return type_a.len > 0 && same_word(type_a, type_b) && contained(a, b) &&
	    contained(b, a);
}
