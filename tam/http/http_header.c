#include <string.h>

#include "http_header.h"

/* A place in a header's value. Nothing but take and its kin moves it. */
struct scan {
	struct pst_bytes in;
	size_t at;
};

static int
peek(const struct scan *s)
{
	return s->at < s->in.len ? s->in.ptr[s->at] : -1;
}

static bool
take(struct scan *s, int c)
{
	if (peek(s) != c)
		return false;
	s->at++;
	return true;
}

/* OWS: RFC 9110, Section 5.6.3. */
static void
spaces(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t')
		s->at++;
}

/* tchar: RFC 9110, Section 5.6.2. */
static bool
is_tchar(int c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	/* strchr would find the terminating zero. */
	return c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
token(struct scan *s, struct pst_bytes *out)
{
	size_t start = s->at;

	while (is_tchar(peek(s)))
		s->at++;
	out->ptr = s->in.ptr + start;
	out->len = s->at - start;
	return out->len > 0;
}

/* qdtext and quoted-pair: RFC 9110, Section 5.6.4. */
static bool
is_quotable(int c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* The rest of a quoted-string, its opening quote already taken. */
static bool
quoted(struct scan *s)
{
	while (is_quotable(peek(s))) {
		if (take(s, '"'))
			return true;
		if (take(s, '\\') && !is_quotable(peek(s)))
			return false;
		s->at++;
	}
	return false;
}

/* An unquoted weight is a token, so the view holds no quotes to undo. */
static bool
value(struct scan *s, struct pst_bytes *out)
{
	*out = (struct pst_bytes){ NULL, 0 };
	if (take(s, '"'))
		return quoted(s);
	return token(s, out);
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ): Section
 * 12.4.2. */
static bool
quality(struct pst_bytes in, uint16_t *out)
{
	static const uint16_t unit[] = { 100, 10, 1 };
	unsigned q;
	size_t i;

	if (in.len == 0 || in.len > 5 || (in.ptr[0] != '0' && in.ptr[0] != '1'))
		return false;
	if (in.len > 1 && in.ptr[1] != '.')
		return false;
	q = (unsigned)(in.ptr[0] - '0') * 1000u;
	for (i = 2; i < in.len; i++) {
		if (in.ptr[i] < '0' || in.ptr[i] > '9')
			return false;
		q += (unsigned)(in.ptr[i] - '0') * unit[i - 2];
	}
	if (q > 1000)
		return false;
	*out = (uint16_t)q;
	return true;
}

static bool
equal_nocase(struct pst_bytes a, const char *b)
{
	size_t i;

	if (a.len != strlen(b))
		return false;
	for (i = 0; i < a.len; i++) {
		uint8_t c = a.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != (uint8_t)b[i])
			return false;
	}
	return true;
}

/*
 * parameters = *( OWS ";" OWS [ parameter ] ): RFC 9110, Section 5.6.6. In a
 * range, q ends the media type's own parameters; what follows it is an
 * extension of older texts and is checked and passed over.
 */
static bool
parameters(struct scan *s, bool range, struct pst_http_media *m)
{
	struct pst_bytes name, val;
	bool weighed = false;

	for (;;) {
		spaces(s);
		if (!take(s, ';'))
			return true;
		spaces(s);
		if (!is_tchar(peek(s)))
			continue;
		if (!token(s, &name))
			return false;
		if (!take(s, '=')) {
			if (weighed)
				continue;
			return false;
		}
		if (!value(s, &val))
			return false;
		if (weighed)
			continue;
		if (!range || !equal_nocase(name, "q")) {
			m->has_parameters = true;
			continue;
		}
		if (!quality(val, &m->quality))
			return false;
		weighed = true;
	}
}

static bool
is_star(struct pst_bytes t)
{
	return t.len == 1 && t.ptr[0] == '*';
}

static bool
media(struct scan *s, bool range, struct pst_http_media *m)
{
	memset(m, 0, sizeof(*m));
	m->quality = 1000;
	if (!token(s, &m->type) || !take(s, '/') || !token(s, &m->subtype))
		return false;
	if (!range && (is_star(m->type) || is_star(m->subtype)))
		return false;
	/* A star names every type only together with every subtype. */
	if (is_star(m->type) && !is_star(m->subtype))
		return false;
	return parameters(s, range, m);
}

enum pst_err
pst_http_media_type(struct pst_bytes in, struct pst_http_media *out)
{
	struct scan s = { in, 0 };

	spaces(&s);
	if (!media(&s, false, out) || s.at != in.len) {
		memset(out, 0, sizeof(*out));
		return PST_ERR_ARG;
	}
	return PST_OK;
}

bool
pst_http_media_is(
    const struct pst_http_media *m, const char *type, const char *subtype)
{
	return equal_nocase(m->type, type) && equal_nocase(m->subtype, subtype);
}

void
pst_http_accept_init(
    struct pst_http_accept *a, const char *type, const char *subtype)
{
	memset(a, 0, sizeof(*a));
	a->type = type;
	a->subtype = subtype;
}

/*
 * How closely a range names the wanted type: 0 not at all, 4 exactly. One
 * with parameters stands below the bare name: the type has none, and unknown
 * ones are ignored (RFC 2045, Section 5) rather than made a refusal.
 */
static uint8_t
rank_of(const struct pst_http_accept *a, const struct pst_http_media *m)
{
	if (is_star(m->type))
		return 1;
	if (!equal_nocase(m->type, a->type))
		return 0;
	if (is_star(m->subtype))
		return 2;
	if (!equal_nocase(m->subtype, a->subtype))
		return 0;
	return m->has_parameters ? 3 : 4;
}

static void
weigh(struct pst_http_accept *a, const struct pst_http_media *m)
{
	uint8_t rank = rank_of(a, m);

	if (rank == 0 || rank < a->rank)
		return;
	/* Said twice: the friendlier reading. */
	if (rank == a->rank && m->quality < a->quality)
		return;
	a->rank = rank;
	a->quality = m->quality;
}

void
pst_http_accept_add(struct pst_http_accept *a, struct pst_bytes in)
{
	struct scan s = { in, 0 };
	struct pst_http_media m;

	while (a->err == PST_OK) {
		spaces(&s);
		/* Empty list elements count for nothing: Section 5.6.1.2. */
		if (take(&s, ','))
			continue;
		if (peek(&s) < 0)
			return;
		if (a->ranges >= PST_HTTP_RANGES_MAX) {
			a->err = PST_ERR_LIMIT;
			return;
		}
		a->ranges++;
		if (!media(&s, true, &m) || (peek(&s) >= 0 && !take(&s, ','))) {
			a->err = PST_ERR_ARG;
			return;
		}
		weigh(a, &m);
	}
}

enum pst_err
pst_http_accepts(const struct pst_http_accept *a)
{
	if (a->err != PST_OK)
		return a->err;
	return a->rank > 0 && a->quality > 0 ? PST_OK : PST_ERR_NOT_FOUND;
}
