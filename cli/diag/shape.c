/* How shapes are followed, and what values mean. The tables are in
 * tables.c. */
#include <string.h>
#include <time.h>

#include "component.h"
#include "walk.h"

/* Shapes that are tried for one item, the first included. */
enum { ALTS_MAX = 4 };

static bool
fits(enum shape_kind kind, enum pst_cbor_type type)
{
	switch (kind) {
	case SHAPE_ANY:
		return true;
	case SHAPE_MAP:
		return type == PST_CBOR_MAP;
	case SHAPE_ARRAY:
	case SHAPE_LIST:
	case SHAPE_PAIRS:
		return type == PST_CBOR_ARRAY;
	case SHAPE_CBOR:
	case SHAPE_GUESS:
	case SHAPE_BYTES:
		return type == PST_CBOR_BSTR;
	case SHAPE_TAGS:
		return type == PST_CBOR_TAG;
	default:
		return type == PST_CBOR_UINT || type == PST_CBOR_NINT;
	}
}

const struct pst_shape *
shape_fits(const struct pst_shape *shape, enum pst_cbor_type type)
{
	int i;

	for (i = 0; shape != NULL && i < ALTS_MAX; i++) {
		if (fits(shape->kind, type))
			return shape;
		shape = shape->alt;
	}
	return NULL;
}

const struct shape_field *
shape_field(const struct pst_shape *shape, int64_t label)
{
	size_t i;

	for (i = 0; i < shape->count; i++) {
		if (shape->fields[i].label == label)
			return &shape->fields[i];
	}
	return NULL;
}

/* Bytes that are text: shown between quotes, in a comment, so without the
 * slash that would end it. */
static bool
readable(struct pst_bytes b)
{
	size_t i;

	if (b.len == 0 || b.len > NOTE_MAX - 3)
		return false;
	for (i = 0; i < b.len; i++) {
		if (b.ptr[i] < ' ' || b.ptr[i] > '~' || b.ptr[i] == '/')
			return false;
	}
	return true;
}

static void
bytes_note(struct pst_bytes b, char note[NOTE_MAX])
{
	char uuid[37];

	if (readable(b)) {
		snprintf(
		    note, NOTE_MAX, "'%.*s'", (int)b.len, (const char *)b.ptr);
	} else if (b.len == 16) {
		pst_uuid_print(b.ptr, uuid);
		snprintf(note, NOTE_MAX, "uuid %s", uuid);
	}
}

static void
bits_note(const struct pst_shape *shape, uint64_t bits, char note[NOTE_MAX])
{
	size_t len = 0;
	size_t i;
	int n;

	for (i = 0; i < shape->count; i++) {
		if ((bits >> shape->fields[i].label & 1) == 0)
			continue;
		n = snprintf(note + len, NOTE_MAX - len, "%s%s",
		    len > 0 ? ", " : "", shape->fields[i].name);
		if (n < 0 || (size_t)n >= NOTE_MAX - len)
			return;
		len += (size_t)n;
	}
}

static void
time_note(const struct pst_cbor_head *h, char note[NOTE_MAX])
{
	time_t t = (time_t)h->arg;
	struct tm tm;

	/* The year 9999. */
	if (h->type != PST_CBOR_UINT || h->arg > 253402300799u ||
	    gmtime_r(&t, &tm) == NULL)
		return;
	(void)strftime(note, NOTE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void
shape_note(const struct pst_shape *shape, const struct diag_event *ev,
    char note[NOTE_MAX])
{
	const struct pst_cbor_head *h = &ev->head;
	const struct shape_field *field;

	note[0] = '\0';
	if (h->type == PST_CBOR_BSTR)
		bytes_note(ev->bytes, note);
	if (shape == NULL)
		return;
	if (shape->kind == SHAPE_TIME)
		time_note(h, note);
	if (shape->kind == SHAPE_BITS && h->type == PST_CBOR_UINT)
		bits_note(shape, h->arg, note);
	if (shape->kind != SHAPE_ENUM || h->arg > INT64_MAX - 1)
		return;
	field = shape_field(shape,
	    h->type == PST_CBOR_NINT ? -1 - (int64_t)h->arg : (int64_t)h->arg);
	if (field != NULL)
		snprintf(note, NOTE_MAX, "%s", field->name);
}
