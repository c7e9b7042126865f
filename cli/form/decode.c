/*
 * CBOR to the YAML form, by the tables. A value that its form does not
 * express, because it is of another type, not in deterministic encoding or
 * order, or too long, is written raw; so nothing is lost.
 *
 * The functions call one another recursively, at most FORM_DEPTH_MAX deep.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag/component.h"
#include "cli/diag/diag.h"
#include "form.h"

/* --- text -------------------------------------------------------------------
 */

static bool
room(struct form_text *t, size_t n)
{
	size_t cap = t->cap == 0 ? 4096 : t->cap;
	char *more;

	if (t->failed)
		return false;
	while (cap - t->len <= n)
		cap *= 2;
	if (cap == t->cap)
		return true;
	more = realloc(t->ptr, cap);
	t->failed = more == NULL;
	if (t->failed)
		return false;
	t->ptr = more;
	t->cap = cap;
	return true;
}

void
form_put(struct form_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !room(t, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(t->ptr + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

/* Bytes of the UTF-8 character at p, and its number. */
static size_t
character(const uint8_t *p, uint32_t *out)
{
	size_t i, n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	*out = n == 1 ? *p : *p & (0x7fu >> n);
	for (i = 1; i < n; i++)
		*out = *out << 6 | (p[i] & 0x3fu);
	return n;
}

/* What neither YAML nor a terminal takes for something else. */
static bool
harmless(uint32_t c)
{
	if (c < 0x80)
		return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
	return c >= 0xa1 && c != 0xad && c != 0x61c &&
	    !(c >= 0x2000 && c < 0x2070) && !(c >= 0xd800 && c < 0xf900) &&
	    !(c >= 0xfe00 && c < 0x10000) && c < 0xe0000;
}

void
form_put_quoted(struct form_text *t, struct pst_bytes text)
{
	uint32_t c;
	size_t i, n;

	form_put(t, "\"");
	for (i = 0; i < text.len; i += n) {
		n = character(text.ptr + i, &c);
		if (harmless(c))
			form_put(t, "%.*s", (int)n, (const char *)text.ptr + i);
		else if (c == '"' || c == '\\')
			form_put(t, "\\%c", (int)c);
		else if (c == '\n')
			form_put(t, "\\n");
		else if (c < 0x10000)
			form_put(t, "\\u%04x", c);
		else
			form_put(t, "\\U%08x", c);
	}
	form_put(t, "\"");
}

void
form_put_bytes(struct form_text *t, struct pst_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	bool plain = bytes.len > 0 && bytes.len <= 256;
	size_t i;

	for (i = 0; i < bytes.len && plain; i++)
		plain = bytes.ptr[i] >= ' ' && bytes.ptr[i] < 0x7f;
	if (plain && (bytes.len < 4 || memcmp(bytes.ptr, "hex:", 4) != 0) &&
	    (bytes.len < 5 || memcmp(bytes.ptr, "uuid:", 5) != 0)) {
		form_put_quoted(t, bytes);
		return;
	}
	/* Without digits the colon would make it a key. */
	if (bytes.len == 0) {
		form_put(t, "\"hex:\"");
		return;
	}
	form_put(t, "hex:");
	if (!room(t, 2 * bytes.len + 1))
		return;
	for (i = 0; i < bytes.len; i++) {
		t->ptr[t->len++] = digits[bytes.ptr[i] >> 4];
		t->ptr[t->len++] = digits[bytes.ptr[i] & 15];
	}
	t->ptr[t->len] = '\0';
}

/* "name:", or "-" in a list, or nothing at a place that is begun. */
static void
begin(struct form_decoder *d, const char *name, int indent)
{
	if (name == NULL)
		form_put(&d->out, "%*s-", indent, "");
	else
		form_put(&d->out, "%*s%s:", indent, "", name);
}

static bool
notation(struct form_text *t, struct pst_bytes item)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	enum pst_err err;

	if (f == NULL)
		return false;
	err = pst_diag_print(f, item, PST_DIAG_LINE, NULL, NULL);
	if (fclose(f) != 0)
		err = PST_ERR_IO;
	if (err == PST_OK)
		form_put_quoted(
		    t, (struct pst_bytes){ (const uint8_t *)text, len });
	free(text);
	return err == PST_OK;
}

/* --- scalars
 * ------------------------------------------------------------------ */

/* Words that YAML, or a reader of it, takes for themselves only. */
static bool
bare(const char *text)
{
	static const char other[] = "abcdefghijklmnopqrstuvwxyz-_";
	size_t n = strspn(text, other);

	return text[0] != '-' && text[0] != '_' && text[n] == '\0' && n > 0 &&
	    strcmp(text, "null") != 0 && strcmp(text, "yes") != 0 &&
	    strcmp(text, "no") != 0 && strcmp(text, "on") != 0 &&
	    strcmp(text, "off") != 0 && strcmp(text, "y") != 0 &&
	    strcmp(text, "n") != 0 && strcmp(text, "true") != 0 &&
	    strcmp(text, "false") != 0;
}

static bool
is_number(const char *text)
{
	struct pst_cbor_integer v;

	return form_number(text, &v) && text[0] != '0';
}

static void
put_scalar(struct form_text *t, const struct form *f, const char *text)
{
	bool number = strcmp(text, "0") == 0 || is_number(text);
	bool as_is = bare(text);

	if (f->kind == FORM_BOOL)
		as_is = true;
	else if (f->kind == FORM_UUID || f->kind == FORM_DIGEST)
		as_is = true;
	else if (f->kind != FORM_TEXT && f->kind != FORM_VERSION &&
	    f->kind != FORM_ACTOR && number)
		as_is = true;
	else if (f->kind == FORM_ACTOR && number)
		as_is = true;
	if (as_is)
		form_put(t, "%s", text);
	else
		form_put_quoted(t,
		    (struct pst_bytes){ (const uint8_t *)text, strlen(text) });
}

/* Text and bytes may be of any length. */
static bool
long_scalar(struct form_decoder *d, struct pst_bytes item, const struct form *f)
{
	struct pst_cbor_reader r;
	struct pst_bytes v;

	pst_cbor_reader_init(&r, item);
	if (f->kind == FORM_TEXT) {
		v = pst_cbor_tstr(&r, 0, SIZE_MAX);
		if (pst_cbor_end(&r) != PST_OK ||
		    (v.len > 0 && memchr(v.ptr, 0, v.len) != NULL))
			return false;
		form_put(&d->out, " ");
		form_put_quoted(&d->out, v);
		return true;
	}
	v = pst_cbor_bstr(&r, 0, SIZE_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		return false;
	/* Something tagged is worth being read. */
	if (v.len > 2 && v.ptr[0] >> 5 == PST_CBOR_TAG &&
	    pst_diag_check(v, NULL) == PST_OK) {
		form_put(&d->out, " {cbor: ");
		if (notation(&d->out, v)) {
			form_put(&d->out, "}");
			return true;
		}
		return false;
	}
	form_put(&d->out, " ");
	form_put_bytes(&d->out, v);
	return true;
}

static bool
scalar(struct form_decoder *d, struct pst_bytes item, const struct form *f)
{
	char *text;

	if (f->kind == FORM_TEXT || f->kind == FORM_BYTES)
		return long_scalar(d, item, f);
	text = form_scalar_text(f, item);
	if (text == NULL)
		return false;
	form_put(&d->out, " ");
	put_scalar(&d->out, f, text);
	free(text);
	return true;
}

static bool
any(struct form_decoder *d, struct pst_bytes item)
{
	form_put(&d->out, " ");
	return notation(&d->out, item);
}

static bool
integers(struct form_decoder *d, struct pst_bytes item)
{
	struct pst_cbor_reader r;
	size_t i, n;

	pst_cbor_reader_init(&r, item);
	n = pst_cbor_array(&r, 1, 64);
	form_put(&d->out, " [");
	for (i = 0; i < n && pst_cbor_ok(&r); i++)
		form_put(&d->out, "%s%lld", i == 0 ? "" : ", ",
		    (long long)pst_cbor_int(&r, INT64_MIN + 1, INT64_MAX));
	form_put(&d->out, "]");
	return pst_cbor_end(&r) == PST_OK;
}

/* [+int] as it is, where it is no version that has a text. */
static bool
version(struct form_decoder *d, struct pst_bytes item, const struct form *f)
{
	return scalar(d, item, f) || integers(d, item);
}

/* Several bits of a set. */
static bool
bits(struct form_decoder *d, struct pst_bytes item, const struct form *f)
{
	struct pst_cbor_reader r;
	const char *comma = "";
	uint64_t v;
	size_t i;

	pst_cbor_reader_init(&r, item);
	v = pst_cbor_uint(&r, UINT64_MAX);
	if (pst_cbor_end(&r) != PST_OK || v >> f->count != 0 ||
	    (v & (v - 1)) == 0 || v == ((uint64_t)1 << f->count) - 1)
		return scalar(d, item, f);
	form_put(&d->out, " [");
	for (i = 0; i < f->count; i++) {
		if ((v >> f->fields[i].label & 1) == 0)
			continue;
		form_put(&d->out, "%s%s", comma, f->fields[i].name);
		comma = ", ";
	}
	form_put(&d->out, "]");
	return true;
}

/* --- structures
 * ------------------------------------------------------------------ */

/* Is the key after the one before it, as deterministic encoding has them? */
static bool
in_order(struct pst_bytes before, struct pst_bytes key)
{
	size_t n = before.len < key.len ? before.len : key.len;

	return before.len == 0 || memcmp(before.ptr, key.ptr, n) < 0;
}

static struct pst_cbor_head
head_of(struct pst_bytes item)
{
	struct pst_cbor_reader r;
	struct pst_cbor_head h;

	pst_cbor_reader_init(&r, item);
	pst_cbor_head(&r, &h);
	return h;
}

/* A map's key as text in YAML. */
static char *
key_text(struct pst_bytes key, const struct form *f)
{
	struct form_text t = { NULL, 0, 0, false };
	char *text = form_scalar_text(f, key);

	if (text == NULL)
		return NULL;
	put_scalar(&t, f, text);
	free(text);
	return t.ptr;
}

static bool
each_pair(struct form_decoder *d, struct pst_bytes key, struct pst_bytes value,
    const struct form *f, int indent)
{
	char *name = key_text(key, f->keys);

	if (name == NULL)
		return false;
	form_write(d, name, value, f->inner, indent);
	free(name);
	return true;
}

static bool
field_pair(struct form_decoder *d, struct pst_bytes key, struct pst_bytes value,
    const struct form *f, int indent)
{
	static const struct form integer = { .kind = FORM_INT };
	const struct form_field *field;
	struct pst_cbor_reader r;
	char *text = form_scalar_text(&integer, key);

	if (text == NULL)
		return false;
	pst_cbor_reader_init(&r, key);
	field = form_by_label(f, pst_cbor_int(&r, INT64_MIN, INT64_MAX));
	if (field != NULL && pst_cbor_ok(&r))
		form_write(d, field->name, value, field->form, indent);
	else
		form_write(d, text, value, &form_any, indent);
	free(text);
	return true;
}

static bool
pair(struct form_decoder *d, struct pst_bytes key, struct pst_bytes value,
    const struct form *f, int indent, bool *nested)
{
	if (f->kind == FORM_EACH)
		return each_pair(d, key, value, f, indent);
	if (f->each == NULL || head_of(key).type != PST_CBOR_ARRAY)
		return !*nested && field_pair(d, key, value, f, indent);
	/* Arrays sort after integers, so they are the last keys. */
	if (!*nested)
		form_put(&d->out, "%*s%s:\n", indent, "", f->each_name);
	*nested = true;
	return each_pair(d, key, value, f->each, indent + 2);
}

static bool
map(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	struct pst_bytes key, before = { NULL, 0 }, value;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	bool nested = false;
	size_t n;

	pst_cbor_reader_init(&r, item);
	n = pst_cbor_map(&r, 4096, &seen);
	form_put(&d->out, n == 0 ? " {}\n" : "\n");
	while (n-- > 0 && pst_cbor_ok(&r)) {
		key = pst_cbor_item(&r);
		value = pst_cbor_item(&r);
		if (!pst_cbor_ok(&r) || !in_order(before, key) ||
		    !pair(d, key, value, f, indent + 2, &nested))
			return false;
		before = key;
	}
	return pst_cbor_end(&r) == PST_OK;
}

static bool
list(struct form_decoder *d, struct pst_bytes item, const struct form *inner,
    int indent)
{
	struct pst_cbor_reader r;
	size_t n;

	pst_cbor_reader_init(&r, item);
	n = pst_cbor_array(&r, 0, 4096);
	form_put(&d->out, n == 0 ? " []\n" : "\n");
	while (n-- > 0 && pst_cbor_ok(&r))
		form_write(d, NULL, pst_cbor_item(&r), inner, indent + 2);
	return pst_cbor_end(&r) == PST_OK;
}

static bool
tuple(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	struct pst_cbor_reader r;
	size_t i;

	pst_cbor_reader_init(&r, item);
	(void)pst_cbor_array(&r, f->count, f->count);
	form_put(&d->out, "\n");
	for (i = 0; i < f->count && pst_cbor_ok(&r); i++)
		form_write(d, f->fields[i].name, pst_cbor_item(&r),
		    f->fields[i].form, indent + 2);
	return pst_cbor_end(&r) == PST_OK;
}

static void
comment(struct form_decoder *d, struct pst_bytes index)
{
	struct pst_list list = d->ids;
	char text[PST_COMPONENT_TEXT_MAX];
	struct pst_cbor_reader r;
	struct pst_bytes id;
	uint64_t i;

	pst_cbor_reader_init(&r, index);
	i = pst_cbor_uint(&r, UINT64_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		return;
	do {
		if (!pst_list_next(&list, &id))
			return;
	} while (i-- > 0);
	if (pst_component_print(id, text, sizeof(text)) == PST_OK)
		form_put(&d->out, " # %s", text);
}

static bool
component_index(struct form_decoder *d, struct pst_bytes item, int indent)
{
	static const struct form one = { .kind = FORM_COMPONENT };
	struct pst_cbor_reader r;

	switch (head_of(item).type) {
	case PST_CBOR_SIMPLE:
		pst_cbor_reader_init(&r, item);
		form_put(&d->out, " all\n");
		return pst_cbor_bool(&r) && pst_cbor_end(&r) == PST_OK;
	case PST_CBOR_ARRAY:
		return list(d, item, &one, indent);
	default:
		if (!scalar(d, item, &one))
			return false;
		comment(d, item);
		form_put(&d->out, "\n");
		return true;
	}
}

static bool
usual_policy(struct pst_bytes item)
{
	return item.len == 1 && item.ptr[0] == FORM_POLICY;
}

static bool
command(struct form_decoder *d, struct pst_bytes id, struct pst_bytes argument,
    const struct form *f, int indent)
{
	static const struct form integer = { .kind = FORM_INT };
	const struct form_field *field;
	struct pst_cbor_reader r;
	char *text = form_scalar_text(&integer, id);
	char *name = NULL;

	if (text == NULL)
		return false;
	pst_cbor_reader_init(&r, id);
	field = form_by_label(f, pst_cbor_int(&r, INT64_MIN, INT64_MAX));
	if (field != NULL && field->form->kind == FORM_BITS &&
	    usual_policy(argument)) {
		form_put(&d->out, "%*s- %s\n", indent, "", field->name);
	} else if (asprintf(&name, "- %s",
		       field != NULL ? field->name : text) >= 0) {
		/* What the argument has below it stands right of the "-". */
		form_put(&d->out, "%*s", indent, "");
		form_write(d, name, argument,
		    field != NULL ? field->form : &form_any, -indent - 2);
		free(name);
	} else {
		d->out.failed = true;
	}
	free(text);
	return true;
}

static bool
commands(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	struct pst_bytes id, argument;
	struct pst_cbor_reader r;
	size_t n;

	pst_cbor_reader_init(&r, item);
	n = pst_cbor_array(&r, 0, 2 * PST_SUIT_COMMANDS_MAX);
	if (n % 2 != 0)
		return false;
	form_put(&d->out, n == 0 ? " []\n" : "\n");
	for (; n > 0 && pst_cbor_ok(&r); n -= 2) {
		id = pst_cbor_item(&r);
		argument = pst_cbor_item(&r);
		if (!pst_cbor_ok(&r) ||
		    !command(d, id, argument, f, indent + 2))
			return false;
	}
	return pst_cbor_end(&r) == PST_OK;
}

static bool
tries(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	struct pst_cbor_reader r;
	struct pst_bytes one;
	size_t n;

	pst_cbor_reader_init(&r, item);
	n = pst_cbor_array(&r, 0, PST_SUIT_COMMANDS_MAX);
	form_put(&d->out, n == 0 ? " []\n" : "\n");
	while (n-- > 0 && pst_cbor_ok(&r)) {
		one = pst_cbor_item(&r);
		if (one.len == 1 && one.ptr[0] == 0xf6)
			form_put(&d->out, "%*s- null\n", indent + 2, "");
		else
			form_write(d, NULL, one, f->inner, indent + 2);
	}
	return pst_cbor_end(&r) == PST_OK;
}

static bool value(struct form_decoder *d, struct pst_bytes item,
    const struct form *f, int indent);

static bool
wrapped(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	struct pst_cbor_reader r;
	struct pst_bytes content;

	pst_cbor_reader_init(&r, item);
	content = pst_cbor_bstr(&r, 1, SIZE_MAX);
	/* Not raw inside: {raw: ...} here would be the byte string. */
	return pst_cbor_end(&r) == PST_OK &&
	    value(d, content, f->inner, indent);
}

static bool
section(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	char *text;

	if (head_of(item).type != PST_CBOR_ARRAY)
		return f->inner->kind == FORM_BYTES
		    ? value(d, item, f->inner, indent)
		    : wrapped(d, item, f, indent);
	text = form_scalar_text(&form_digest, item);
	if (text == NULL)
		return false;
	form_put(&d->out, "\n%*sdigest: %s\n", indent + 2, "", text);
	free(text);
	return true;
}

static bool
line(struct form_decoder *d, bool ok)
{
	if (ok)
		form_put(&d->out, "\n");
	return ok;
}

/* A value after "name:" with the end of its line. */
static bool
value(struct form_decoder *d, struct pst_bytes item, const struct form *f,
    int indent)
{
	switch (f->kind) {
	case FORM_MAP:
	case FORM_EACH:
		return map(d, item, f, indent);
	case FORM_LIST:
		return list(d, item, f->inner, indent);
	case FORM_TUPLE:
		return tuple(d, item, f, indent);
	case FORM_INDEX:
		return component_index(d, item, indent);
	case FORM_COMMANDS:
		return commands(d, item, f, indent);
	case FORM_TRIES:
		return tries(d, item, f, indent);
	case FORM_WRAP:
		return wrapped(d, item, f, indent);
	case FORM_SECTION:
		return section(d, item, f, indent);
	case FORM_ANY:
		return line(d, any(d, item));
	case FORM_BITS:
		return line(d, bits(d, item, f));
	case FORM_VERSION:
		return line(d, version(d, item, f));
	default:
		return line(d, scalar(d, item, f));
	}
}

bool
form_try(struct form_decoder *d, const char *name, struct pst_bytes item,
    const struct form *f, int indent)
{
	struct form_text *t = &d->out;
	size_t mark = t->len;
	bool ok = false;

	/* Below zero: the line is begun. */
	if (indent >= 0)
		begin(d, name, indent);
	else
		form_put(t, "%s:", name);
	if (d->depth < FORM_DEPTH_MAX) {
		d->depth++;
		ok = value(d, item, f, indent >= 0 ? indent : -indent);
		d->depth--;
	}
	if (!ok && t->ptr != NULL) {
		t->len = mark;
		t->ptr[mark] = '\0';
	}
	return ok;
}

void
form_write(struct form_decoder *d, const char *name, struct pst_bytes item,
    const struct form *f, int indent)
{
	if (form_try(d, name, item, f, indent))
		return;
	if (indent >= 0)
		begin(d, name, indent);
	else
		form_put(&d->out, "%s:", name);
	form_put(&d->out, " {raw: ");
	if (!notation(&d->out, item))
		d->out.failed = true;
	form_put(&d->out, "}\n");
}
