/*
 * The reader. One function, take, moves the cursor; one function, head, reads
 * an initial byte; everything else is a check of what head gave.
 */
#include <postern/cbor.h>

#include "../pst_internal.h"
#include "quick.h"

void
pst_cbor_reader_init(struct pst_cbor_reader *r, struct pst_bytes in)
{
	pst_cbor_reader_init_profile(r, in, PST_CBOR_STRICT);
}

void
pst_cbor_reader_init_profile(struct pst_cbor_reader *r, struct pst_bytes in,
    enum pst_cbor_profile profile)
{
	r->in = in;
	r->at = 0;
	r->err = PST_OK;
	r->profile = profile;
}

void
pst_cbor_fail(struct pst_cbor_reader *r, enum pst_err err)
{
	if (r->err == PST_OK)
		r->err = err;
}

/* Fail at an offset other than the present one. */
static void
fail_at(struct pst_cbor_reader *r, size_t at, enum pst_err err)
{
	if (r->err != PST_OK)
		return;
	r->err = err;
	r->at = at;
}

/* The next n bytes. Compares before it adds, so that nothing wraps. */
static struct pst_bytes
take(struct pst_cbor_reader *r, uint64_t n)
{
	struct pst_bytes out = { NULL, 0 };
	size_t at = r->at;

	if (r->err != PST_OK)
		return out;
	if (n > r->in.len - at) {
		r->err = PST_ERR_CBOR_END;
		return out;
	}
	out.ptr = r->in.ptr + at;
	out.len = (size_t)n;
	r->at = at + (size_t)n;
	return out;
}

static uint64_t
big_endian(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

/* RFC 8949, Section 4.2.1: is `v` too small for an argument of `len` bytes? */
static bool
not_shortest(uint64_t v, uint8_t len)
{
	static const uint64_t least[9] = { 0, 24, 0x100, 0, 0x10000, 0, 0, 0,
		0x100000000 };

	return v < least[len];
}

/* Section 3.3: floats and simple values; two-byte simple values below 32 are
 * not well-formed. */
static void
major_seven(struct pst_cbor_reader *r, struct pst_cbor_head *h)
{
	h->type = PST_CBOR_SIMPLE;
	if (h->arg_len == 1 && h->arg < 32)
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
	if (h->arg_len > 1)
		h->type = PST_CBOR_FLOAT;
}

/* Additional information 31: an indefinite length, or break. */
static void
indefinite(struct pst_cbor_reader *r, struct pst_cbor_head *h, uint8_t major)
{
	if (major == 0 || major == 1 || major == 6) {
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
		return;
	}
	h->indefinite = true;
	h->type = major == 7 ? PST_CBOR_BREAK : (enum pst_cbor_type)major;
	if (r->profile == PST_CBOR_STRICT)
		pst_cbor_fail(r, PST_ERR_CBOR_INDEFINITE);
}

static void
read_head(struct pst_cbor_reader *r, struct pst_cbor_head *h, uint8_t initial)
{
	static const uint8_t lengths[4] = { 1, 2, 4, 8 };
	uint8_t major = initial >> 5;
	uint8_t info = initial & 31;
	struct pst_bytes arg;

	h->type = (enum pst_cbor_type)major;
	if (info < 24) {
		h->arg = info;
	} else if (info < 28) {
		h->arg_len = lengths[info - 24];
		//@ split h->arg_len;
		arg = take(r, h->arg_len);
		h->arg = big_endian(arg.ptr, arg.len);
		if (r->profile == PST_CBOR_STRICT && major != 7 &&
		    not_shortest(h->arg, h->arg_len))
			pst_cbor_fail(r, PST_ERR_CBOR_PREFERRED);
	} else if (info == 31) {
		indefinite(r, h, major);
	} else {
		pst_cbor_fail(r, PST_ERR_CBOR_MALFORMED);
	}
	if (major == 7 && !h->indefinite)
		major_seven(r, h);
}

void
pst_cbor_head(struct pst_cbor_reader *r, struct pst_cbor_head *h)
{
	size_t start = r->at;
	struct pst_bytes first;
	enum pst_err err;
	uint8_t major;
	size_t n;

	h->indefinite = false;
	n = pst_cbor_quick(r, &major, &h->arg);
	if (n > 0) {
		h->type = (enum pst_cbor_type)major;
		h->arg_len = (uint8_t)(n - 1);
		r->at += n;
		return;
	}
	h->type = PST_CBOR_NONE;
	h->arg = 0;
	h->arg_len = 0;
	first = take(r, 1);
	if (first.len == 0)
		return;
	read_head(r, h, first.ptr[0]);
	if (r->err == PST_OK)
		return;
	/* A head that fails is not half taken. */
	err = r->err;
	r->err = PST_OK;
	fail_at(r, start, err);
	h->type = PST_CBOR_NONE;
	h->arg = 0;
}

/* A head of one type with an argument of at most max, or failure where it
 * stood. */
static uint64_t
expect(struct pst_cbor_reader *r, enum pst_cbor_type type, uint64_t max)
{
	size_t start = r->at;
	struct pst_cbor_head h;
	uint8_t major;
	uint64_t arg;
	size_t n = pst_cbor_quick(r, &major, &arg);

	if (n > 0 && major == (uint8_t)type && arg <= max) {
		r->at += n;
		return arg;
	}
	pst_cbor_head(r, &h);
	if (r->err != PST_OK)
		return 0;
	if (h.type != type) {
		fail_at(r, start, PST_ERR_CBOR_TYPE);
	} else if (h.indefinite) {
		fail_at(r, start, PST_ERR_CBOR_INDEFINITE);
	} else if (h.arg > max) {
		fail_at(r, start, PST_ERR_CBOR_RANGE);
	} else {
		return h.arg;
	}
	return 0;
}

enum pst_cbor_type
pst_cbor_peek(const struct pst_cbor_reader *r)
{
	uint8_t b;

	if (r->err != PST_OK || r->at >= r->in.len)
		return PST_CBOR_NONE;
	b = r->in.ptr[r->at];
	if (b == 0xff)
		return PST_CBOR_BREAK;
	if (b >= 0xf9 && b <= 0xfb)
		return PST_CBOR_FLOAT;
	return (enum pst_cbor_type)(b >> 5);
}

uint64_t
pst_cbor_uint(struct pst_cbor_reader *r, uint64_t max)
{
	return expect(r, PST_CBOR_UINT, max);
}

struct pst_cbor_integer
pst_cbor_integer(struct pst_cbor_reader *r)
{
	struct pst_cbor_integer v = { false, 0 };
	enum pst_cbor_type type = pst_cbor_peek(r);

	v.negative = type == PST_CBOR_NINT;
	v.magnitude =
	    expect(r, v.negative ? PST_CBOR_NINT : PST_CBOR_UINT, UINT64_MAX);
	if (r->err != PST_OK)
		v.negative = false;
	return v;
}

/* -1 - m as int64; only for m <= INT64_MAX. */
static int64_t
to_int64(struct pst_cbor_integer v)
{
	return v.negative ? -1 - (int64_t)v.magnitude : (int64_t)v.magnitude;
}

int64_t
pst_cbor_int(struct pst_cbor_reader *r, int64_t min, int64_t max)
{
	size_t start = r->at;
	struct pst_cbor_integer v = pst_cbor_integer(r);
	int64_t i;

	if (r->err != PST_OK)
		return 0;
	if (v.magnitude > INT64_MAX) {
		fail_at(r, start, PST_ERR_CBOR_RANGE);
		return 0;
	}
	i = to_int64(v);
	if (i < min || i > max) {
		fail_at(r, start, PST_ERR_CBOR_RANGE);
		return 0;
	}
	return i;
}

static struct pst_bytes
string(
    struct pst_cbor_reader *r, enum pst_cbor_type type, size_t min, size_t max)
{
	size_t start = r->at;
	uint64_t len = expect(r, type, max);
	struct pst_bytes out;

	if (r->err == PST_OK && len < min)
		fail_at(r, start, PST_ERR_CBOR_RANGE);
	out = take(r, len);
	if (r->err == PST_ERR_CBOR_END)
		r->at = start;
	return out;
}

struct pst_bytes
pst_cbor_bstr(struct pst_cbor_reader *r, size_t min, size_t max)
{
	return string(r, PST_CBOR_BSTR, min, max);
}

struct pst_bytes
pst_cbor_tstr(struct pst_cbor_reader *r, size_t min, size_t max)
{
	size_t start = r->at;
	struct pst_bytes out = string(r, PST_CBOR_TSTR, min, max);

	if (pst_utf8_valid(out))
		return out;
	fail_at(r, start, PST_ERR_CBOR_UTF8);
	return (struct pst_bytes){ NULL, 0 };
}

/*
 * Every item takes a byte, so a count past the input is a lie; refusing it
 * here keeps every later loop short.
 */
static size_t
count(struct pst_cbor_reader *r, enum pst_cbor_type type, size_t min,
    size_t max, size_t bytes_each)
{
	size_t start = r->at;
	uint64_t n = expect(r, type, max);

	if (r->err == PST_OK && n < min)
		fail_at(r, start, PST_ERR_CBOR_RANGE);
	if (r->err == PST_OK && n > (r->in.len - r->at) / bytes_each)
		fail_at(r, start, PST_ERR_CBOR_END);
	return r->err == PST_OK ? (size_t)n : 0;
}

size_t
pst_cbor_array(struct pst_cbor_reader *r, size_t min, size_t max)
{
	return count(r, PST_CBOR_ARRAY, min, max, 1);
}

size_t
pst_cbor_map(struct pst_cbor_reader *r, size_t max, struct pst_cbor_seen *seen)
{
	size_t n = count(r, PST_CBOR_MAP, 0, max, 2);

	seen->key = (struct pst_bytes){ NULL, 0 };
	seen->start = r->at;
	seen->done = 0;
	seen->walked = 0;
	seen->small = 0;
	return n;
}

/*
 * Compare the label at seen->key with all before it: PST_ERR_CBOR_DUPLICATE
 * when it is among them. Quadratic, but only for labels outside 0..63. A
 * large value before many of them would make that the most of the work, so
 * what it may cost is bounded by the size of the map.
 */
static enum pst_err
compare_before(const struct pst_cbor_reader *r, struct pst_cbor_seen *seen)
{
	size_t most = PST_CBOR_WALK_MIN + 4 * (r->at - seen->start);
	struct pst_cbor_reader again;
	struct pst_bytes key;
	size_t i;

	pst_cbor_reader_init_profile(&again, r->in, r->profile);
	again.at = seen->start;
	for (i = 0; i < seen->done; i++) {
		//@ split again.at;
		key.ptr = again.in.ptr + again.at;
		seen->walked += pst_cbor_skip_heads(&again);
		key.len = (size_t)(again.in.ptr + again.at - key.ptr);
		if (pst_same(key, seen->key))
			return PST_ERR_CBOR_DUPLICATE;
		seen->walked += pst_cbor_skip_heads(&again);
		if (seen->walked > most)
			return PST_ERR_LIMIT;
	}
	return PST_OK;
}

/* A label of 0..63 in its quick form: the common case of pst_cbor_key. */
static bool
small_key(struct pst_cbor_reader *r, struct pst_cbor_seen *seen, int64_t *label)
{
	uint8_t major;
	uint64_t arg;
	size_t n = pst_cbor_quick(r, &major, &arg);

	if (n == 0 || major != PST_CBOR_UINT || arg >= 64 ||
	    (seen->small >> arg & 1) != 0)
		return false;
	seen->small |= (uint64_t)1 << arg;
	seen->key.ptr = r->in.ptr + r->at;
	seen->key.len = n;
	seen->done++;
	r->at += n;
	*label = (int64_t)arg;
	return true;
}

int64_t
pst_cbor_key(struct pst_cbor_reader *r, struct pst_cbor_seen *seen)
{
	size_t start = r->at;
	struct pst_cbor_integer v;
	enum pst_cbor_type type = pst_cbor_peek(r);
	bool integer = type == PST_CBOR_UINT || type == PST_CBOR_NINT;
	int64_t small;
	enum pst_err err = PST_OK;

	if (small_key(r, seen, &small))
		return small;
	v.negative = false;
	v.magnitude = 0;
	if (integer)
		v = pst_cbor_integer(r);
	else
		pst_cbor_skip(r);
	if (r->err != PST_OK)
		return PST_CBOR_KEY_OTHER;
	seen->key.ptr = r->in.ptr + start;
	seen->key.len = r->at - start;
	if (integer && !v.negative && v.magnitude < 64) {
		if ((seen->small >> v.magnitude & 1) != 0)
			err = PST_ERR_CBOR_DUPLICATE;
		seen->small |= (uint64_t)1 << v.magnitude;
	} else {
		err = compare_before(r, seen);
	}
	seen->done++;
	if (err != PST_OK) {
		fail_at(r, start, err);
		return PST_CBOR_KEY_OTHER;
	}
	if (!integer || v.magnitude > INT64_MAX)
		return PST_CBOR_KEY_OTHER;
	return to_int64(v);
}

/* Simple values that have a name (RFC 8949, Section 3.3). */
enum { FALSE_VALUE = 20, TRUE_VALUE = 21, NULL_VALUE = 22 };

bool
pst_cbor_bool(struct pst_cbor_reader *r)
{
	size_t start = r->at;
	uint64_t v = expect(r, PST_CBOR_SIMPLE, UINT8_MAX);

	if (r->err == PST_OK && v != FALSE_VALUE && v != TRUE_VALUE)
		fail_at(r, start, PST_ERR_CBOR_TYPE);
	return v == TRUE_VALUE;
}

void
pst_cbor_null(struct pst_cbor_reader *r)
{
	size_t start = r->at;
	uint64_t v = expect(r, PST_CBOR_SIMPLE, UINT8_MAX);

	if (r->err == PST_OK && v != NULL_VALUE)
		fail_at(r, start, PST_ERR_CBOR_TYPE);
}

uint64_t
pst_cbor_tag(struct pst_cbor_reader *r)
{
	return expect(r, PST_CBOR_TAG, UINT64_MAX);
}

bool
pst_cbor_tag_optional(struct pst_cbor_reader *r, uint64_t tag)
{
	size_t start = r->at;

	if (pst_cbor_peek(r) != PST_CBOR_TAG)
		return false;
	if (pst_cbor_tag(r) == tag)
		return r->err == PST_OK;
	if (r->err == PST_OK)
		r->at = start;
	return false;
}

bool
pst_cbor_match(struct pst_cbor_reader *r, struct pst_bytes encoded)
{
	struct pst_bytes next;

	if (r->err != PST_OK || encoded.len > r->in.len - r->at)
		return false;
	next = (struct pst_bytes){ r->in.ptr + r->at, encoded.len };
	if (!pst_same(next, encoded))
		return false;
	(void)take(r, encoded.len);
	return true;
}

struct pst_bytes
pst_cbor_item(struct pst_cbor_reader *r)
{
	struct pst_bytes out = { NULL, 0 };
	size_t start = r->at;

	pst_cbor_skip(r);
	if (r->err != PST_OK)
		return out;
	out.ptr = r->in.ptr + start;
	out.len = r->at - start;
	return out;
}

struct pst_list
pst_cbor_list(struct pst_cbor_reader *r, size_t min, size_t max)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	size_t n = pst_cbor_array(r, min, max);
	size_t start = r->at;
	size_t i;

	for (i = 0; i < n && r->err == PST_OK; i++)
		pst_cbor_skip(r);
	if (r->err != PST_OK)
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

bool
pst_list_next(struct pst_list *list, struct pst_bytes *item)
{
	struct pst_cbor_reader r = { list->items, 0, PST_OK, PST_CBOR_STRICT };

	if (list->count == 0)
		return false;
	pst_cbor_skip(&r);
	if (r.err != PST_OK) {
		list->count = 0;
		*item = (struct pst_bytes){ NULL, 0 };
		return false;
	}
	item->ptr = r.in.ptr;
	item->len = r.at;
	list->items.ptr += r.at;
	list->items.len -= r.at;
	list->count--;
	return true;
}

enum pst_err
pst_cbor_end(struct pst_cbor_reader *r)
{
	if (r->err == PST_OK && r->at != r->in.len)
		r->err = PST_ERR_CBOR_TRAILING;
	return r->err;
}
