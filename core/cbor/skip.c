/*
 * Skipping whole items, well-formedness, UTF-8 and float values. Nesting is
 * followed with a small array: no recursion (RFC 8949, Appendix C, says what
 * is well-formed).
 */
#include <postern/cbor.h>

#include "../pst_internal.h"
#include "quick.h"

/* What is still expected at one level of nesting. */
enum level {
	COUNTED, /* `left` items */
	OPEN,	 /* items until break */
	PAIRS,	 /* likewise, of an indefinite-length map: an even number */
	BYTES,	 /* definite byte strings until break */
	TEXTS	 /* definite text strings until break */
};

struct stack {
	/* COUNTED: items to come; PAIRS: 1 inside a pair */
	uint32_t left[PST_CBOR_DEPTH_MAX];
	uint8_t kind[PST_CBOR_DEPTH_MAX];
	size_t depth;
};

static enum pst_err
push(struct stack *s, enum level kind, uint32_t left)
{
	if (s->depth >= PST_CBOR_DEPTH_MAX)
		return PST_ERR_CBOR_DEPTH;
	s->kind[s->depth] = (uint8_t)kind;
	s->left[s->depth] = left;
	s->depth++;
	return PST_OK;
}

/* One item is complete: close every level that this completes. */
static enum pst_err
complete(struct stack *s)
{
	while (s->depth > 0) {
		size_t top = s->depth - 1;

		if (s->kind[top] == PAIRS)
			s->left[top] ^= 1;
		if (s->kind[top] != COUNTED || --s->left[top] > 0)
			break;
		s->depth--;
	}
	return PST_OK;
}

static enum pst_err
at_break(struct stack *s)
{
	size_t top;

	if (s->depth == 0)
		return PST_ERR_CBOR_MALFORMED;
	top = s->depth - 1;
	if (s->kind[top] == COUNTED ||
	    (s->kind[top] == PAIRS && s->left[top] == 1))
		return PST_ERR_CBOR_MALFORMED;
	s->depth--;
	return complete(s);
}

static enum pst_err
string(
    struct pst_cbor_reader *r, struct stack *s, const struct pst_cbor_head *h)
{
	size_t at = r->at;
	size_t left = r->in.len - at;
	uint64_t len = h->arg;

	if (h->indefinite)
		return push(s, h->type == PST_CBOR_BSTR ? BYTES : TEXTS, 0);
	if (len > left)
		return PST_ERR_CBOR_END;
	r->at = at + (size_t)len;
	return complete(s);
}

static enum pst_err
container(const struct pst_cbor_reader *r, struct stack *s,
    const struct pst_cbor_head *h)
{
	bool map = h->type == PST_CBOR_MAP;

	if (h->indefinite)
		return push(s, map ? PAIRS : OPEN, 0);
	/* Every item takes a byte. */
	if (h->arg > r->in.len - r->at)
		return PST_ERR_CBOR_END;
	/* Twice the count must fit a level: only an input of 2 GiB can have
	 * more items in one container. */
	if (h->arg > UINT32_MAX / 2)
		return PST_ERR_LIMIT;
	if (h->arg == 0)
		return complete(s);
	return push(s, COUNTED, (uint32_t)h->arg << (map ? 1 : 0));
}

/* Inside an indefinite-length string only definite chunks of its type. */
static bool
chunk_fits(const struct stack *s, const struct pst_cbor_head *h)
{
	uint8_t kind = s->depth > 0 ? s->kind[s->depth - 1] : COUNTED;

	if (kind < BYTES || h->type == PST_CBOR_BREAK)
		return true;
	return h->type == (kind == BYTES ? PST_CBOR_BSTR : PST_CBOR_TSTR) &&
	    !h->indefinite;
}

static enum pst_err
skip_one(
    struct pst_cbor_reader *r, struct stack *s, const struct pst_cbor_head *h)
{
	if (!chunk_fits(s, h))
		return PST_ERR_CBOR_MALFORMED;
	switch (h->type) {
	case PST_CBOR_BSTR:
	case PST_CBOR_TSTR:
		return string(r, s, h);
	case PST_CBOR_ARRAY:
	case PST_CBOR_MAP:
		return container(r, s, h);
	case PST_CBOR_TAG:
		return push(s, COUNTED, 1);
	case PST_CBOR_BREAK:
		return at_break(s);
	default:
		return complete(s);
	}
}

/* The next head; a failure leaves the reader where the head begins. */
static inline void
next(struct pst_cbor_reader *r, struct pst_cbor_head *h)
{
	uint8_t major;
	size_t n = pst_cbor_quick(r, &major, &h->arg);

	if (n == 0) {
		pst_cbor_head(r, h);
		return;
	}
	h->type = (enum pst_cbor_type)major;
	h->indefinite = false;
	r->at += n;
}

/* Not inlined: its levels would be set up for every number that is skipped. */
static __attribute__((noinline)) size_t
skip_nested(struct pst_cbor_reader *r)
{
	struct pst_cbor_head h;
	struct stack s = { .depth = 0 };
	enum pst_err err;
	size_t start, heads = 0;

	do {
		start = r->at;
		next(r, &h);
		heads++;
		if (r->err != PST_OK)
			return heads;
		err = skip_one(r, &s, &h);
		if (err != PST_OK) {
			r->at = start;
			r->err = err;
			return heads;
		}
	} while (s.depth > 0);
	return heads;
}

size_t
pst_cbor_skip_heads(struct pst_cbor_reader *r)
{
	uint8_t major;
	uint64_t arg;
	size_t n = pst_cbor_quick(r, &major, &arg);
	size_t at = r->at + n;
	size_t left = r->in.len - at;

	/* Most items are numbers and short strings: they need no levels. */
	if (n > 0 && (major <= PST_CBOR_NINT || major == PST_CBOR_SIMPLE)) {
		r->at = at;
		return 1;
	}
	if (n > 0 && major <= PST_CBOR_TSTR && arg <= left) {
		r->at = at + (size_t)arg;
		return 1;
	}
	return skip_nested(r);
}

void
pst_cbor_skip(struct pst_cbor_reader *r)
{
	(void)pst_cbor_skip_heads(r);
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
		if (more == 0xff)
			return false;
		for (; more > 0; more--, i++) {
			if (i >= text.len || text.ptr[i] < low ||
			    text.ptr[i] > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}
