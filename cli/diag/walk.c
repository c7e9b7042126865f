/*
 * The walk. A stack of frames instead of recursion; one reader over the whole
 * input, so that every offset is an offset of the file. A byte string is
 * opened only when its content was found well-formed, so faults are always
 * those of the outermost item.
 *
 * A frame is what encloses the next item. left counts the items that are
 * still to come: pairs count double, a tag has one, the content of a byte
 * string ends at an offset instead, and an indefinite length at its break.
 */
#include "walk.h"

#include <stdlib.h>

struct frame {
	enum diag_in in;
	bool indefinite, tight, lines;
	struct pst_cbor_head head;
	uint64_t left;
	size_t count; /* items so far */
	size_t end;   /* IN_BSTR: where the content ends */
	const struct pst_shape *shape;
	int64_t label; /* MAP, PAIRS: the last label or command */
	bool label_known;
	bool label_text;
};

struct walk {
	struct pst_cbor_reader r;
	struct diag_sink *sink;
	struct frame *stack;
	unsigned int depth;  /* frames in use */
	unsigned int lines;  /* of these, ones that break lines */
	unsigned int opened; /* of these, opened byte strings */
};

/* Items that a container may have to be put on one line. */
enum { TIGHT_ITEMS = 8, TIGHT_BYTES = 28 };

/* Byte strings opened inside one another. Each is checked before it is
 * opened, so this bounds the work; a report of a manifest inside a message
 * inside a message needs 12. */
enum { OPENED_MAX = 32 };

static struct frame *
top(struct walk *w)
{
	return &w->stack[w->depth - 1];
}

static bool
ended(const struct walk *w, const struct frame *f)
{
	if (f->in == IN_BSTR)
		return w->r.at >= f->end;
	return !f->indefinite && f->left == 0;
}

/* Is what follows the head just read a few scalars? Looks, never fails. */
static bool
few_scalars(const struct walk *w, const struct pst_cbor_head *h)
{
	struct pst_cbor_reader r = w->r;
	struct pst_cbor_head item;
	uint64_t n = h->type == PST_CBOR_MAP ? 2 * h->arg : h->arg;
	uint64_t i;

	if (h->indefinite || h->arg > TIGHT_ITEMS)
		return false;
	for (i = 0; i < n; i++) {
		pst_cbor_head(&r, &item);
		if (item.type >= PST_CBOR_ARRAY && item.type <= PST_CBOR_TAG)
			return false;
		if (item.type == PST_CBOR_BSTR || item.type == PST_CBOR_TSTR) {
			if (item.indefinite || item.arg > TIGHT_BYTES)
				return false;
			r.at += (size_t)item.arg;
		}
		if (r.err != PST_OK || r.at > r.in.len ||
		    r.at - w->r.at > TIGHT_BYTES)
			return false;
	}
	return true;
}

static bool
push(struct walk *w, enum diag_in in, const struct pst_cbor_head *h,
    const struct pst_shape *shape, size_t at)
{
	struct frame *f;

	if (w->depth == PST_DIAG_DEPTH_MAX) {
		w->r.at = at;
		pst_cbor_fail(&w->r, PST_ERR_CBOR_DEPTH);
		return false;
	}
	f = &w->stack[w->depth++];
	*f = (struct frame){ .in = in, .head = *h, .shape = shape };
	f->indefinite = h->indefinite;
	return true;
}

/* The shape and the name that an element of an array or map has. */
static const struct pst_shape *
element(struct frame *f, struct diag_event *ev)
{
	const struct pst_shape *s = f->shape;
	const struct shape_field *field = NULL;

	if (s->kind == SHAPE_LIST)
		return s->inner;
	if (s->kind == SHAPE_ARRAY) {
		field = shape_field(s, (int64_t)f->count);
		if (field != NULL)
			ev->name = field->name;
		return field != NULL ? field->shape : s->inner;
	}
	/* MAP and PAIRS: a label, and what belongs to it. */
	if (f->count % 2 == 0)
		return s->keys;
	if (f->label_known)
		field = shape_field(s, f->label);
	return field != NULL ? field->shape : s->inner;
}

/* The shape that an item has from what encloses it. */
static const struct pst_shape *
role(struct frame *f, struct diag_event *ev)
{
	const struct shape_field *field;

	if (f->shape == NULL || f->in == IN_CHUNKS)
		return NULL;
	if (f->in == IN_ARRAY || f->in == IN_MAP)
		return element(f, ev);
	if (f->in != IN_TAG)
		return f->shape;
	field = shape_field(f->shape, f->label);
	return field != NULL ? field->shape : NULL;
}

static bool
has_labels(const struct frame *f)
{
	return (f->in == IN_MAP || f->in == IN_ARRAY) && f->shape != NULL &&
	    (f->shape->kind == SHAPE_PAIRS || f->shape->kind == SHAPE_MAP);
}

/* A label or a command: its name, and the value that follows depends on it. */
static void
label(struct frame *f, struct diag_event *ev)
{
	const struct shape_field *field;
	bool number =
	    ev->head.type == PST_CBOR_UINT || ev->head.type == PST_CBOR_NINT;

	f->label_known = number && ev->head.arg < INT64_MAX;
	if (!f->label_known) {
		if (ev->head.type == PST_CBOR_TSTR)
			ev->name = f->shape->others;
		return;
	}
	f->label = ev->head.type == PST_CBOR_NINT ? -1 - (int64_t)ev->head.arg
						  : (int64_t)ev->head.arg;
	field = shape_field(f->shape, f->label);
	if (field != NULL)
		ev->name = field->name;
}

static void
place(struct walk *w, struct frame *f, struct diag_event *ev)
{
	ev->in = f->in;
	ev->index = f->count;
	ev->tight = f->tight;
	ev->depth = w->lines;
	ev->level = w->depth - 1;
}

static void
taken(struct frame *f)
{
	f->count++;
	if (!f->indefinite && f->in != IN_BSTR)
		f->left--;
}

/* Is it a byte string whose content is to be shown as CBOR, and as what? */
static bool
opens(const struct walk *w, const struct pst_shape *shape,
    struct pst_bytes content, const struct pst_shape **inner)
{
	const char *what;

	if (shape == NULL || content.len == 0 || w->opened == OPENED_MAX)
		return false;
	*inner = shape->inner;
	if (shape->kind == SHAPE_CBOR)
		return pst_diag_check(content, NULL) == PST_OK;
	if (shape->kind != SHAPE_GUESS || content.len < 2)
		return false;
	/* Numbers and strings are too likely to be something else. */
	if (content.ptr[0] >> 5 < PST_CBOR_ARRAY ||
	    content.ptr[0] >> 5 > PST_CBOR_TAG ||
	    pst_diag_check(content, NULL) != PST_OK)
		return false;
	*inner = pst_diag_guess(content, &what);
	return true;
}

static void
string(struct walk *w, struct diag_event *ev, const struct pst_shape *shape)
{
	const struct pst_shape *inner = NULL;
	struct frame *f;

	if (ev->head.arg > w->r.in.len - w->r.at) {
		w->r.at = ev->at;
		pst_cbor_fail(&w->r, PST_ERR_CBOR_END);
		return;
	}
	ev->bytes =
	    (struct pst_bytes){ w->r.in.ptr + w->r.at, (size_t)ev->head.arg };
	if (ev->head.type != PST_CBOR_BSTR || !w->sink->annotate ||
	    !opens(w, shape, ev->bytes, &inner)) {
		w->r.at += ev->bytes.len;
		shape_note(shape, ev, ev->note);
		w->sink->item(w->sink, ev);
		return;
	}
	if (!push(w, IN_BSTR, &ev->head, inner, ev->at))
		return;
	f = top(w);
	f->end = w->r.at + ev->bytes.len;
	w->opened++;
	ev->inner = true;
	w->sink->open(w->sink, ev);
}

/* RFC 8949, Section 3.4.3: can this tag and what follows be one number? Only
 * when the number's own encoding is the one that is written for it. */
static bool
bignum(struct walk *w, struct diag_event *ev)
{
	struct pst_cbor_reader r = w->r;
	struct pst_cbor_head h;

	if (!w->sink->merge || ev->head.arg_len != 0 ||
	    (ev->head.arg != 2 && ev->head.arg != 3))
		return false;
	pst_cbor_head(&r, &h);
	if (r.err != PST_OK || h.type != PST_CBOR_BSTR || h.indefinite ||
	    *diag_indicator(&h) != '\0' || h.arg < 9 ||
	    h.arg > PST_DIAG_BIGNUM_MAX || h.arg > r.in.len - r.at ||
	    r.in.ptr[r.at] == 0)
		return false;
	ev->bytes = (struct pst_bytes){ r.in.ptr + r.at, (size_t)h.arg };
	ev->bignum = true;
	w->r.at = r.at + ev->bytes.len;
	w->sink->item(w->sink, ev);
	return true;
}

static void
tag(struct walk *w, struct diag_event *ev, const struct pst_shape *shape)
{
	const struct shape_field *field = NULL;
	struct frame *f;

	if (bignum(w, ev))
		return;
	if (w->sink->annotate && ev->head.arg <= INT64_MAX) {
		if (shape == NULL || shape->kind != SHAPE_TAGS)
			shape = &shape_tags;
		field = shape_field(shape, (int64_t)ev->head.arg);
		if (field == NULL) {
			shape = &shape_tags;
			field = shape_field(shape, (int64_t)ev->head.arg);
		}
	}
	if (field != NULL)
		ev->type = field->name;
	if (!push(w, IN_TAG, &ev->head, shape, ev->at))
		return;
	f = top(w);
	f->left = 1;
	f->label = (int64_t)(ev->head.arg & INT64_MAX);
	w->sink->open(w->sink, ev);
}

/* Can all that a shape adds to an item stand on one line with it? */
static bool
may_be_tight(const struct pst_shape *shape)
{
	if (shape == NULL)
		return true;
	if (shape->kind == SHAPE_ARRAY)
		return shape->count > 0 && shape->fields[0].name == NULL;
	return shape->kind == SHAPE_LIST && shape->inner != NULL &&
	    shape->inner->kind != SHAPE_CBOR &&
	    shape->inner->kind != SHAPE_GUESS;
}

static void
container(struct walk *w, struct diag_event *ev, const struct pst_shape *shape)
{
	bool map = ev->head.type == PST_CBOR_MAP;
	size_t left = w->r.in.len - w->r.at;
	struct frame *f;

	/* Every item takes a byte: a count past the input is a lie. */
	if (!ev->head.indefinite && ev->head.arg > (map ? left / 2 : left)) {
		w->r.at = ev->at;
		pst_cbor_fail(&w->r, PST_ERR_CBOR_END);
		return;
	}
	if (!push(w, map ? IN_MAP : IN_ARRAY, &ev->head, shape, ev->at))
		return;
	f = top(w);
	f->left = map ? 2 * ev->head.arg : ev->head.arg;
	f->tight = may_be_tight(shape) && few_scalars(w, &ev->head);
	f->lines = !f->tight;
	w->lines += f->lines;
	ev->opens_tight = f->tight;
	/* The tag has said it already. */
	if (shape != NULL && ev->in != IN_TAG)
		ev->type = shape->name;
	w->sink->open(w->sink, ev);
}

/* RFC 8949, Section 3.2.3: chunks are definite and of the same major type. */
static bool
chunk_allowed(const struct frame *f, const struct pst_cbor_head *h)
{
	return f->in != IN_CHUNKS ||
	    (h->type == f->head.type && !h->indefinite);
}

static void
item(struct walk *w, struct frame *f, struct diag_event *ev)
{
	const struct pst_shape *shape;
	enum pst_cbor_type type = ev->head.type;

	if (!chunk_allowed(f, &ev->head)) {
		w->r.at = ev->at;
		pst_cbor_fail(&w->r, PST_ERR_CBOR_MALFORMED);
		return;
	}
	place(w, f, ev);
	shape = role(f, ev);
	if (has_labels(f) && f->count % 2 == 0)
		label(f, ev);
	ev->argument = f->in == IN_ARRAY && has_labels(f) && f->count % 2 == 1;
	shape = shape_fits(shape, type);
	taken(f);
	if (type == PST_CBOR_TAG) {
		tag(w, ev, shape);
	} else if (type == PST_CBOR_ARRAY || type == PST_CBOR_MAP) {
		container(w, ev, shape);
	} else if (ev->head.indefinite) {
		if (push(w, IN_CHUNKS, &ev->head, NULL, ev->at))
			w->sink->open(w->sink, ev);
	} else if (type == PST_CBOR_BSTR || type == PST_CBOR_TSTR) {
		string(w, ev, shape);
	} else {
		shape_note(shape, ev, ev->note);
		w->sink->item(w->sink, ev);
	}
	/* What failed was not told to the sink. */
	if (!pst_cbor_ok(&w->r))
		f->count--;
}

static void
pop(struct walk *w)
{
	struct frame *f = top(w);
	struct diag_event ev = { .at = w->r.at, .head = f->head };

	w->lines -= f->lines;
	w->depth--;
	ev.inner = f->in == IN_BSTR;
	w->opened -= ev.inner;
	ev.index = f->count;
	ev.tight = f->tight;
	ev.depth = w->lines;
	ev.level = w->depth - 1;
	if (w->depth == 0)
		return;
	f = top(w);
	ev.ends_pair = f->in == IN_MAP && f->count % 2 == 0;
	w->sink->close(w->sink, &ev);
}

static void
step(struct walk *w)
{
	struct frame *f = top(w);
	struct diag_event ev = { .at = w->r.at };

	if (ended(w, f)) {
		pop(w);
		return;
	}
	pst_cbor_head(&w->r, &ev.head);
	if (w->r.err != PST_OK)
		return;
	if (ev.head.type != PST_CBOR_BREAK) {
		item(w, f, &ev);
		return;
	}
	if (f->indefinite && (f->in != IN_MAP || f->count % 2 == 0)) {
		pop(w);
		return;
	}
	w->r.at = ev.at;
	pst_cbor_fail(&w->r, PST_ERR_CBOR_MALFORMED);
}

enum pst_err
diag_walk(struct diag_sink *s, struct pst_bytes in,
    const struct pst_shape *shape, size_t *at)
{
	struct walk w = { .sink = s };
	struct pst_cbor_head none = { .type = PST_CBOR_NONE };
	enum pst_err err;

	w.stack = malloc(PST_DIAG_DEPTH_MAX * sizeof(*w.stack));
	if (w.stack == NULL)
		return PST_ERR_IO;
	pst_cbor_reader_init_profile(&w.r, in, PST_CBOR_ANY);
	(void)push(&w, IN_NOTHING, &none, shape, 0);
	top(&w)->left = 1;
	while (w.depth > 0 && pst_cbor_ok(&w.r))
		step(&w);
	while (w.depth > 0 && s->close_all)
		pop(&w);
	free(w.stack);
	err = pst_cbor_end(&w.r);
	if (at != NULL)
		*at = w.r.at;
	return err;
}
