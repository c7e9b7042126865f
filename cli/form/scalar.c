/* Scalars: text to bytes and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag/component.h"
#include "cli/diag/diag.h"
#include "cli/version.h"
#include "form.h"

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static struct pst_bytes
view(const char *text)
{
	return (struct pst_bytes){ (const uint8_t *)text, strlen(text) };
}

bool
form_number(const char *text, struct pst_cbor_integer *out)
{
	const char *digits = text + (*text == '-');
	unsigned long long v;
	char *end;

	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	v = strtoull(digits, &end, 0);
	if (*end != '\0' || errno != 0 || (digits != text && v == 0))
		return false;
	out->negative = digits != text;
	out->magnitude = out->negative ? v - 1 : v;
	return true;
}

static const char *
number(const char *text, bool negative, struct pst_cbor_writer *w)
{
	struct pst_cbor_integer v;

	if (!form_number(text, &v))
		return "a number";
	if (v.negative && !negative)
		return "a number of 0 or more";
	pst_cbor_put_integer(w, v);
	return NULL;
}

static const char *
boolean(const char *text, struct pst_cbor_writer *w)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "false") != 0 && strcmp(text, "no") != 0)
		return "true or false";
	pst_cbor_put_bool(w, yes);
	return NULL;
}

static const char *
put_text(const char *text, struct pst_cbor_writer *w)
{
	if (!pst_utf8_valid(view(text)))
		return "UTF-8";
	pst_cbor_put_tstr(w, view(text));
	return NULL;
}

static const char *
put_hex(const char *digits, struct pst_cbor_writer *w)
{
	size_t n = strlen(digits);
	uint8_t *out = malloc(n / 2 + 1);
	const char *wrong = "pairs of hexadecimal digits";

	if (out == NULL)
		return "less data; there is no memory";
	if (pst_hex_parse(digits, n, out)) {
		pst_cbor_put_bstr(w, (struct pst_bytes){ out, n / 2 });
		wrong = NULL;
	}
	free(out);
	return wrong;
}

static const char *
put_uuid(const char *text, struct pst_cbor_writer *w)
{
	uint8_t uuid[16];

	if (!pst_uuid_parse(text, strlen(text), uuid))
		return "a UUID";
	pst_cbor_put_bstr(w, (struct pst_bytes){ uuid, sizeof(uuid) });
	return NULL;
}

/* As an element of a component identifier is written. */
static const char *
bytes(const char *text, struct pst_cbor_writer *w)
{
	if (begins(text, "hex:"))
		return put_hex(text + 4, w);
	if (begins(text, "uuid:"))
		return put_uuid(text + 5, w);
	pst_cbor_put_bstr(w, view(text));
	return NULL;
}

static const char *
uuid_or_hex(const char *text, struct pst_cbor_writer *w)
{
	if (begins(text, "hex:"))
		return put_hex(text + 4, w);
	return put_uuid(text, w);
}

static const struct {
	const char *name;
	int32_t alg;
} digests[] = { { "sha-256", PST_ALG_SHA256 }, { "sha-384", PST_ALG_SHA384 },
	{ "sha-512", PST_ALG_SHA512 }, { "shake128", PST_ALG_SHAKE128 },
	{ "shake256", PST_ALG_SHAKE256 } };

/* "sha-256:" and its digits. */
static const char *
digest(const char *text, struct pst_cbor_writer *w)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest d = { 0, { out, 0 } };
	size_t i, n;

	for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		n = strlen(digests[i].name);
		if (!begins(text, digests[i].name) || text[n] != ':')
			continue;
		text += n + 1;
		d.bytes.len = strlen(text) / 2;
		if (d.bytes.len > sizeof(out) ||
		    !pst_hex_parse(text, strlen(text), out))
			break;
		d.alg = digests[i].alg;
		pst_suit_digest_put(w, &d);
		return NULL;
	}
	return "a digest like sha-256:HEX";
}

static const char *
identifier(const char *text, struct pst_cbor_writer *w)
{
	uint8_t id[PST_SUIT_ID_MAX];
	size_t len;

	if (pst_component_parse(text, id, sizeof(id), &len) != PST_OK)
		return "a component identifier like uuid:UUID/ta";
	pst_cbor_put_raw(w, (struct pst_bytes){ id, len });
	return NULL;
}

static const char *
when(const char *text, struct pst_cbor_writer *w)
{
	uint64_t seconds;

	if (!cli_time_parse(text, &seconds))
		return "a time like 2027-01-31T12:00:00Z";
	pst_cbor_put_uint(w, seconds);
	return NULL;
}

static const char *
version(const char *text, struct pst_cbor_writer *w)
{
	uint8_t out[CLI_VERSION_MAX];
	size_t len;

	if (!cli_version_parse(text, out, &len))
		return "a version like 1.2.3 or 1.2-rc.1";
	pst_cbor_put_raw(w, (struct pst_bytes){ out, len });
	return NULL;
}

static const char *
match(const char *text, struct pst_cbor_writer *w)
{
	uint8_t out[CLI_VERSION_MATCH_MAX];
	size_t len;

	if (!cli_version_match(&text, out, &len) || *text != '\0')
		return "a condition like >=1.0";
	pst_cbor_put_raw(w, (struct pst_bytes){ out, len });
	return NULL;
}

/* A name from the table, or a number. */
static const char *
name(const struct form *f, const char *text, struct pst_cbor_writer *w)
{
	const struct form_field *field = form_by_name(f, text);

	if (field == NULL)
		return number(text, true, w) == NULL ? NULL : "a known name";
	pst_cbor_put_int(w, field->label);
	return NULL;
}

static const char *
bits(const struct form *f, const char *text, struct pst_cbor_writer *w)
{
	const struct form_field *field = form_by_name(f, text);

	if (field != NULL)
		pst_cbor_put_uint(w, (uint64_t)1 << field->label);
	else if (strcmp(text, "all") == 0)
		pst_cbor_put_uint(w, ((uint64_t)1 << f->count) - 1);
	else if (strcmp(text, "none") == 0)
		pst_cbor_put_uint(w, 0);
	else if (number(text, false, w) != NULL)
		return "all, none, a number or a list of known names";
	return NULL;
}

static const char *
component(
    const char *text, const struct pst_list *ids, struct pst_cbor_writer *w)
{
	struct pst_list list = *ids;
	uint8_t id[PST_SUIT_ID_MAX];
	struct pst_bytes item;
	uint64_t i;
	size_t len;

	if (number(text, false, w) == NULL)
		return NULL;
	if (pst_component_parse(text, id, sizeof(id), &len) != PST_OK)
		return "the number or the identifier of a component";
	for (i = 0; pst_list_next(&list, &item); i++) {
		if (item.len != len || memcmp(item.ptr, id, len) != 0)
			continue;
		pst_cbor_put_uint(w, i);
		return NULL;
	}
	return "one of the components";
}

static const char *
actor(const char *text, struct pst_cbor_writer *w)
{
	if (begins(text, "uuid:")) {
		pst_cbor_put_tag(w, 37);
		return put_uuid(text + 5, w);
	}
	if (begins(text, "hex:"))
		return put_hex(text + 4, w);
	if (number(text, true, w) == NULL)
		return NULL;
	return put_text(text, w);
}

static const char *
notation(const char *text, struct pst_cbor_writer *w)
{
	struct pst_diag_fault fault;
	uint8_t *out;
	size_t len;

	if (pst_diag_parse(view(text), &out, &len, &fault) != PST_OK)
		return "one item of diagnostic notation";
	pst_cbor_put_raw(w, (struct pst_bytes){ out, len });
	free(out);
	return NULL;
}

const char *
form_scalar(const struct form *f, const char *text, const struct pst_list *ids,
    struct pst_cbor_writer *w)
{
	switch (f->kind) {
	case FORM_UINT:
	case FORM_SIZE:
		return number(text, false, w);
	case FORM_INT:
		return number(text, true, w);
	case FORM_BOOL:
		return boolean(text, w);
	case FORM_TEXT:
		return put_text(text, w);
	case FORM_BYTES:
		return bytes(text, w);
	case FORM_UUID:
		return uuid_or_hex(text, w);
	case FORM_DIGEST:
		return digest(text, w);
	case FORM_ID:
		return identifier(text, w);
	case FORM_EPOCH:
		pst_cbor_put_tag(w, 1);
		return when(text, w);
	case FORM_TIME:
		return when(text, w);
	case FORM_VERSION:
		return version(text, w);
	case FORM_MATCH:
		return match(text, w);
	case FORM_ENUM:
	case FORM_PARAMETER:
		return name(f, text, w);
	case FORM_BITS:
		return bits(f, text, w);
	case FORM_COMPONENT:
		return component(text, ids, w);
	case FORM_ACTOR:
		return actor(text, w);
	case FORM_ANY:
		return notation(text, w);
	default:
		return "a mapping or a list";
	}
}

/* --- back to text -----------------------------------------------------------
 */

static bool
print_integer(struct pst_cbor_reader *r, char *out)
{
	struct pst_cbor_integer v = pst_cbor_integer(r);
	unsigned long long n = v.magnitude;

	/* -2^64 has no number that holds its digits. */
	if (v.negative && n == UINT64_MAX)
		return false;
	snprintf(out, FORM_SCALAR_MAX, "%s%llu", v.negative ? "-" : "",
	    v.negative ? n + 1 : n);
	return true;
}

static bool
print_digest(struct pst_cbor_reader *r, char *out)
{
	struct pst_suit_digest d = pst_suit_digest_read(r);
	size_t i, k, len = 0;

	for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		if (digests[i].alg == d.alg)
			len = (size_t)snprintf(
			    out, FORM_SCALAR_MAX, "%s:", digests[i].name);
	}
	for (k = 0; k < d.bytes.len; k++, len += 2)
		snprintf(
		    out + len, FORM_SCALAR_MAX - len, "%02x", d.bytes.ptr[k]);
	return d.alg != 0 && len > 0;
}

static bool
print_name(const struct form *f, struct pst_cbor_reader *r, char *out)
{
	int64_t v = pst_cbor_int(r, INT64_MIN, INT64_MAX);
	const struct form_field *field = form_by_label(f, v);

	if (field != NULL)
		snprintf(out, FORM_SCALAR_MAX, "%s", field->name);
	else
		snprintf(out, FORM_SCALAR_MAX, "%lld", (long long)v);
	return true;
}

static bool
print_bits(const struct form *f, struct pst_cbor_reader *r, char *out)
{
	uint64_t v = pst_cbor_uint(r, UINT64_MAX);
	size_t i;

	snprintf(out, FORM_SCALAR_MAX, "%llu", (unsigned long long)v);
	if (v == 0)
		snprintf(out, FORM_SCALAR_MAX, "none");
	if (v == ((uint64_t)1 << f->count) - 1)
		snprintf(out, FORM_SCALAR_MAX, "all");
	for (i = 0; i < f->count; i++) {
		if (v == (uint64_t)1 << f->fields[i].label)
			snprintf(out, FORM_SCALAR_MAX, "%s", f->fields[i].name);
	}
	return true;
}

static bool
print_hex(struct pst_bytes v, const char *prefix, char *out)
{
	size_t i, len = (size_t)snprintf(out, FORM_SCALAR_MAX, "%s", prefix);

	if (v.len > 256)
		return false;
	for (i = 0; i < v.len; i++, len += 2)
		snprintf(out + len, FORM_SCALAR_MAX - len, "%02x", v.ptr[i]);
	return true;
}

static bool
print_uuid(struct pst_cbor_reader *r, const char *prefix, char *out)
{
	struct pst_bytes v = pst_cbor_bstr(r, 0, 256);
	char text[37];

	if (v.len != 16)
		return print_hex(v, "hex:", out);
	pst_uuid_print(v.ptr, text);
	snprintf(out, FORM_SCALAR_MAX, "%s%s", prefix, text);
	return true;
}

static bool
print_short_text(struct pst_cbor_reader *r, char *out)
{
	struct pst_bytes v = pst_cbor_tstr(r, 1, 256);

	if (v.len == 0 || memchr(v.ptr, 0, v.len) != NULL)
		return false;
	memcpy(out, v.ptr, v.len);
	out[v.len] = '\0';
	return true;
}

static bool
print_actor(struct pst_cbor_reader *r, char *out)
{
	switch (pst_cbor_peek(r)) {
	case PST_CBOR_TAG:
		return pst_cbor_tag(r) == 37 && print_uuid(r, "uuid:", out);
	case PST_CBOR_BSTR:
		return print_hex(pst_cbor_bstr(r, 0, 256), "hex:", out);
	case PST_CBOR_TSTR:
		return print_short_text(r, out);
	default:
		return print_integer(r, out);
	}
}

static bool
print_encoded(const struct form *f, struct pst_bytes item, char *out)
{
	out[0] = '\0';
	if (f->kind == FORM_ID)
		(void)!pst_component_print(item, out, FORM_SCALAR_MAX);
	else if (f->kind == FORM_VERSION)
		cli_version_print(item, out);
	else
		cli_version_match_print(item, out);
	return out[0] != '\0';
}

static bool
print_time(struct pst_cbor_reader *r, char *out)
{
	cli_time_print(pst_cbor_uint(r, UINT64_MAX), out);
	return true;
}

static bool
print(const struct form *f, struct pst_bytes item, char out[FORM_SCALAR_MAX])
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, item);
	switch (f->kind) {
	case FORM_BOOL:
		strcpy(out, pst_cbor_bool(&r) ? "true" : "false");
		return pst_cbor_ok(&r);
	case FORM_UUID:
		return print_uuid(&r, "", out);
	case FORM_DIGEST:
		return print_digest(&r, out);
	case FORM_ID:
	case FORM_VERSION:
	case FORM_MATCH:
		return print_encoded(f, item, out);
	case FORM_EPOCH:
		return pst_cbor_tag(&r) == 1 && print_time(&r, out);
	case FORM_TIME:
		return print_time(&r, out);
	case FORM_ENUM:
	case FORM_PARAMETER:
		return print_name(f, &r, out);
	case FORM_BITS:
		return print_bits(f, &r, out);
	case FORM_ACTOR:
		return print_actor(&r, out);
	case FORM_TEXT:
		return print_short_text(&r, out);
	case FORM_UINT:
	case FORM_INT:
	case FORM_SIZE:
	case FORM_COMPONENT:
		return print_integer(&r, out);
	default:
		return false;
	}
}

char *
form_scalar_text(const struct form *f, struct pst_bytes item)
{
	static const struct pst_list none = { { NULL, 0 }, 0 };
	uint8_t back[FORM_SCALAR_MAX];
	char text[FORM_SCALAR_MAX];
	struct pst_cbor_writer w;

	if (item.len > sizeof(back) || !print(f, item, text))
		return NULL;
	/* The one proof that counts: it gives these bytes again. */
	pst_cbor_writer_init(&w, back, sizeof(back));
	if (form_scalar(f, text, &none, &w) != NULL || w.err != PST_OK ||
	    w.len != item.len || memcmp(back, item.ptr, item.len) != 0)
		return NULL;
	return strdup(text);
}
