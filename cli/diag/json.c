/*
 * JSON: a tree of nodes. Each node has an offset and a type, and a name, a
 * structure and a meaning where they are known. A map's entries are arrays of
 * a label and a value, because a label can be anything.
 */
#include <math.h>

#include "walk.h"

/* Integers that every JSON reader keeps exactly (RFC 8259, Section 6). */
#define SAFE_INTEGER 9007199254740991u

void
pst_json_string(FILE *f, struct pst_bytes text)
{
	if (pst_utf8_valid(text))
		diag_quoted(f, text);
	else
		fputs("\"\"", f);
}

static struct pst_bytes
view(const char *s)
{
	struct pst_bytes b = { (const uint8_t *)s, 0 };

	while (s[b.len] != '\0')
		b.len++;
	return b;
}

static void
member(FILE *f, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	fprintf(f, ",\"%s\":", key);
	diag_quoted(f, view(value));
}

static void
between(struct diag_sink *s, const struct diag_event *ev)
{
	bool pair = ev->in == IN_MAP;

	if (ev->index > 0 &&
	    (ev->in == IN_ARRAY || ev->in == IN_CHUNKS ||
		(pair && ev->index % 2 == 0)))
		fputc(',', s->f);
	if (pair)
		fputc(ev->index % 2 == 0 ? '[' : ',', s->f);
}

static const char *
type_name(const struct diag_event *ev)
{
	static const char *const names[] = { "unsigned", "negative", "bytes",
		"text", "array", "map", "tag", "simple", "float" };

	return ev->bignum ? "bignum" : names[ev->head.type];
}

static void
begin(struct diag_sink *s, const struct diag_event *ev)
{
	between(s, ev);
	fprintf(s->f, "{\"offset\":%zu,\"type\":\"%s\"", ev->at, type_name(ev));
	if (ev->head.indefinite)
		fputs(",\"indefinite\":true", s->f);
	member(s->f, "name", ev->name);
	member(s->f, "structure", ev->type);
	member(s->f, "meaning", ev->note);
}

static bool
safe(const struct diag_event *ev)
{
	const struct pst_cbor_head *h = &ev->head;

	if (ev->bignum)
		return false;
	if (h->type == PST_CBOR_FLOAT)
		return isfinite(pst_cbor_float_value(h));
	return h->arg < SAFE_INTEGER;
}

/* A number as such where JSON can hold it, else its notation as a string. */
static void
number(struct diag_sink *s, const struct diag_event *ev)
{
	struct diag_event plain = *ev;
	bool quoted = !safe(ev);
	char text[48];

	/* How it was encoded is not part of its value. */
	if (ev->head.type != PST_CBOR_FLOAT)
		plain.head.arg_len = 8;
	if (ev->head.type != PST_CBOR_FLOAT && plain.head.arg <= UINT32_MAX)
		plain.head.arg_len = 0;
	if (quoted)
		fputc('"', s->f);
	if (ev->head.type == PST_CBOR_FLOAT && !quoted) {
		diag_double(pst_cbor_float_value(&ev->head), text);
		fputs(text, s->f);
	} else {
		diag_scalar(s->f, &plain);
	}
	if (quoted)
		fputc('"', s->f);
}

static void
json_item(struct diag_sink *s, const struct diag_event *ev)
{
	enum pst_cbor_type type = ev->head.type;

	begin(s, ev);
	if (!ev->bignum && type == PST_CBOR_TSTR && pst_utf8_valid(ev->bytes)) {
		fputs(",\"value\":", s->f);
		diag_quoted(s->f, ev->bytes);
	} else if (!ev->bignum &&
	    (type == PST_CBOR_BSTR || type == PST_CBOR_TSTR)) {
		fputs(",\"hex\":\"", s->f);
		diag_hex(s->f, ev->bytes);
		fputc('"', s->f);
	} else if (type == PST_CBOR_SIMPLE &&
	    (ev->head.arg < 20 || ev->head.arg > 22)) {
		fprintf(
		    s->f, ",\"simple\":%llu", (unsigned long long)ev->head.arg);
	} else {
		fputs(",\"value\":", s->f);
		if (type == PST_CBOR_SIMPLE)
			diag_scalar(s->f, ev);
		else
			number(s, ev);
	}
	fputs(ev->in == IN_MAP && ev->index % 2 == 1 ? "}]" : "}", s->f);
}

static void
json_open(struct diag_sink *s, const struct diag_event *ev)
{
	begin(s, ev);
	if (ev->inner)
		fputs(",\"cbor\":", s->f);
	else if (ev->head.type == PST_CBOR_TAG)
		fprintf(s->f, ",\"number\":\"%llu\",\"item\":",
		    (unsigned long long)ev->head.arg);
	else if (ev->head.type == PST_CBOR_MAP)
		fputs(",\"entries\":[", s->f);
	else if (ev->head.type == PST_CBOR_ARRAY)
		fputs(",\"items\":[", s->f);
	else
		fputs(",\"chunks\":[", s->f);
}

static void
json_close(struct diag_sink *s, const struct diag_event *ev)
{
	bool one = ev->inner || ev->head.type == PST_CBOR_TAG;

	if (one && ev->index == 0)
		fputs("null", s->f);
	/* A label whose value did not come, before a fault. */
	if (ev->head.type == PST_CBOR_MAP && ev->index % 2 == 1)
		fputc(']', s->f);
	fputs(one ? "}" : "]}", s->f);
	if (ev->ends_pair)
		fputc(']', s->f);
}

const struct diag_sink diag_json_sink = {
	.item = json_item,
	.open = json_open,
	.close = json_close,
	.annotate = true,
	.close_all = true,
	.merge = true,
};
