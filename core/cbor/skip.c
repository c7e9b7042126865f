/*
 * Skipping whole items, well-formedness, UTF-8 and float values. Nesting is
 * followed with a small array: no recursion (RFC 8949, Appendix C, says what
 * is well-formed).
 */
#include <postern/cbor.h>

#include "../pst_internal.h"
#include "quick.h"

/* What is still expected at one level of nesting. */
enum level_kind {
	COUNTED, /* `left` items */
	OPEN,	 /* items until break */
	PAIRS,	 /* likewise, of an indefinite-length map: an even number */
	CHUNKS	 /* definite strings of one type until break */
};

struct level {
	uint64_t left; /* COUNTED: items; PAIRS: 1 inside a pair */
	uint8_t kind;
	uint8_t type; /* CHUNKS: of which string type */
};

struct stack {
	struct level level[PST_CBOR_DEPTH_MAX];
	size_t depth;
};

static void
push(struct pst_cbor_reader *r, struct stack *s, enum level_kind kind,
    uint64_t left, enum pst_cbor_type type)
{
	if (s->depth == PST_CBOR_DEPTH_MAX) {
		pst_cbor_fail(r, PST_ERR_CBOR_DEPTH);
		return;
	}
	s->level[s->depth].kind = (uint8_t)kind;
	s->level[s->depth].left = left;
	s->level[s->depth].type = (uint8_t)type;
	s->depth++;
}

/* One item is complete: close every level that this completes. */
static void
complete(struct stack *s)
{
	while (s->depth > 0) {
		struct level *top = &s->level[s->depth - 1];

		if (top->kind == PAIRS)
			top->left ^= 1;
		if (top->kind != COUNTED || --top->left > 0)
			return;
		s->depth--;
	}
}

static void
skip_string(
    struct pst_cbor_reader *r, struct stack *s, const struct pst_cbor_head *h)
{
	if (h->indefinite) {
		push(r, s, CHUNKS, 0, h->type);
		return;
	}
	if (h->arg > r->in.len - r->at) {
		pst_cbor_fail(r, PST_ERR_CBOR_END);
		return;
	}
	r->at += (size_t)h->arg;
	complete(s);
}

static void
skip_container(
    struct pst_cbor_reader *r, struct stack *s, const struct pst_cbor_head *h)
{
	bool map = h->type == PST_CBOR_MAP;

	if (h->indefinite) {
		push(r, s, map ? PAIRS : OPEN, 0, h->type);
		return;
	}
	/* Every item takes a byte: this also keeps arg * 2 from wrapping. */
	if (h->arg > r->in.len - r->at) {
		pst_cbor_fail(r, PST_ERR_CBOR_END);
		return;
	}
	if (h->arg == 0)
		complete(s);
	else
		push(r, s, COUNTED, map ? h->arg * 2 : h->arg, h->type);
}

static void
skip_break(struct pst_cbor_reader *r, struct stack *s)
{
	const struct level *top;

	if (s->depth == 0) {
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
		return;
	}
	top = &s->level[s->depth - 1];
	if (top->kind == COUNTED || (top->kind == PAIRS && top->left == 1)) {
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
		return;
	}
	s->depth--;
	complete(s);
}

/* Inside an indefinite-length string only definite chunks of its type. */
static bool
chunk_fits(const struct stack *s, const struct pst_cbor_head *h)
{
	const struct level *top;

	if (s->depth == 0)
		return true;
	top = &s->level[s->depth - 1];
	if (top->kind != CHUNKS || h->type == PST_CBOR_BREAK)
		return true;
	return (uint8_t)h->type == top->type && !h->indefinite;
}

static void
skip_one(struct pst_cbor_reader *r, struct stack *s)
{
	size_t start = r->at;
	struct pst_cbor_head h;
	enum pst_err err;

	pst_cbor_head(r, &h);
	if (r->err == PST_OK && !chunk_fits(s, &h))
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
	if (r->err == PST_OK) {
		switch (h.type) {
		case PST_CBOR_BSTR:
		case PST_CBOR_TSTR:
			skip_string(r, s, &h);
			break;
		case PST_CBOR_ARRAY:
		case PST_CBOR_MAP:
			skip_container(r, s, &h);
			break;
		case PST_CBOR_TAG:
			push(r, s, COUNTED, 1, h.type);
			break;
		case PST_CBOR_BREAK:
			skip_break(r, s);
			break;
		default:
			complete(s);
		}
	}
	err = r->err;
	if (err != PST_OK)
		r->at = start;
}

static void
skip_any(struct pst_cbor_reader *r)
{
	struct stack s;

	s.depth = 0;
	do {
		skip_one(r, &s);
	} while (s.depth > 0 && pst_cbor_ok(r));
}

/* The next head; on failure the reader stands where the head begins. */
static bool
next(struct pst_cbor_reader *r, uint8_t *major, uint64_t *arg)
{
	struct pst_cbor_head h;
	size_t n = pst_cbor_quick(r, major, arg);

	r->at += n;
	if (n > 0)
		return true;
	pst_cbor_head(r, &h);
	*major = (uint8_t)h.type;
	*arg = h.arg;
	return pst_cbor_ok(r);
}

static void
fail_back(struct pst_cbor_reader *r, size_t start, enum pst_err err)
{
	r->at = start;
	pst_cbor_fail(r, err);
}

/*
 * As skip_any where every length is definite, which is all that the strict
 * profile lets through: a level is then no more than a count.
 */
static void
skip_definite(struct pst_cbor_reader *r)
{
	uint64_t left[PST_CBOR_DEPTH_MAX];
	size_t depth = 0;

	for (;;) {
		size_t start = r->at;
		uint64_t arg, items = 0;
		uint8_t major;

		if (!next(r, &major, &arg))
			return;
		/* Every item takes a byte: this bounds counts as well, and
		 * keeps arg * 2 from wrapping. */
		if (major >= PST_CBOR_BSTR && major <= PST_CBOR_MAP &&
		    arg > r->in.len - r->at) {
			fail_back(r, start, PST_ERR_CBOR_END);
			return;
		}
		if (major == PST_CBOR_BSTR || major == PST_CBOR_TSTR)
			r->at += (size_t)arg;
		else if (major == PST_CBOR_ARRAY)
			items = arg;
		else if (major == PST_CBOR_MAP)
			items = arg * 2;
		else if (major == PST_CBOR_TAG)
			items = 1;
		if (items > 0) {
			if (depth == PST_CBOR_DEPTH_MAX) {
				fail_back(r, start, PST_ERR_CBOR_DEPTH);
				return;
			}
			left[depth++] = items;
			continue;
		}
		while (depth > 0 && --left[depth - 1] == 0)
			depth--;
		if (depth == 0)
			return;
	}
}

void
pst_cbor_skip(struct pst_cbor_reader *r)
{
	if (r->profile == PST_CBOR_STRICT)
		skip_definite(r);
	else
		skip_any(r);
}

enum pst_err
pst_cbor_well_formed(struct pst_bytes in, size_t *at)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	pst_cbor_reader_init_profile(&r, in, PST_CBOR_ANY);
	pst_cbor_skip(&r);
	err = pst_cbor_end(&r);
	if (at != NULL)
		*at = r.at;
	return err;
}

/* How many continuation bytes a lead byte announces, and the least and
 * greatest first continuation byte (RFC 3629, Section 4); 0xff: no lead. */
static uint8_t
utf8_lead(uint8_t b, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (b >= 0xc2 && b <= 0xdf)
		return 1;
	if (b >= 0xe0 && b <= 0xef) {
		if (b == 0xe0)
			*low = 0xa0;
		if (b == 0xed)
			*high = 0x9f;
		return 2;
	}
	if (b >= 0xf0 && b <= 0xf4) {
		if (b == 0xf0)
			*low = 0x90;
		if (b == 0xf4)
			*high = 0x8f;
		return 3;
	}
	return 0xff;
}

bool
pst_utf8_valid(struct pst_bytes text)
{
	size_t i = 0;
	uint8_t low, high, more;

	while (i < text.len) {
		if (text.ptr[i] < 0x80) {
			i++;
			continue;
		}
		more = utf8_lead(text.ptr[i++], &low, &high);
		if (more == 0xff || more > text.len - i)
			return false;
		for (; more > 0; more--, i++) {
			if (text.ptr[i] < low || text.ptr[i] > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}
