/*
 * CBOR (RFC 8949): a zero-copy reader with a sticky error, and a writer that
 * emits Core Deterministic Encoding (Section 4.2.1) as far as one item can
 * tell: shortest heads, definite lengths, shortest floats. Map order is the
 * caller's.
 *
 * Nothing here allocates, recurses or keeps state outside its arguments.
 */
#ifndef POSTERN_CBOR_H
#define POSTERN_CBOR_H

#include <postern/base.h>

/*
 * Nesting that skip and the well-formedness check follow. The deepest
 * structure of the specifications in use (an Update with a manifest with
 * nested try-each, each wrapped in a bstr that resets the depth) needs 9.
 */
#define PST_CBOR_DEPTH_MAX 16

/** Major types, and what major type 7 splits into. */
enum pst_cbor_type {
	PST_CBOR_UINT = 0,
	PST_CBOR_NINT = 1,
	PST_CBOR_BSTR = 2,
	PST_CBOR_TSTR = 3,
	PST_CBOR_ARRAY = 4,
	PST_CBOR_MAP = 5,
	PST_CBOR_TAG = 6,
	PST_CBOR_SIMPLE = 7, /* false, true, null, undefined, other simple */
	PST_CBOR_FLOAT = 8,  /* half, single or double */
	PST_CBOR_BREAK = 9,  /* the end of an indefinite-length item */
	PST_CBOR_NONE = 10   /* no more input, or the reader has failed */
};

/** What a reader refuses beyond what is not well-formed. */
enum pst_cbor_profile {
	/* definite lengths and shortest heads: what all protocols here use */
	PST_CBOR_STRICT = 0,
	/* anything well-formed: for the inspector and foreign evidence */
	PST_CBOR_ANY = 1
};

struct pst_cbor_reader {
	struct pst_bytes in;
	size_t at;	  /* next unread byte; on error, where it was */
	enum pst_err err; /* first error; sticky */
	enum pst_cbor_profile profile;
};

/** One decoded initial byte with its argument (RFC 8949, Section 3). */
struct pst_cbor_head {
	enum pst_cbor_type type;
	uint64_t arg;	 /* value, length, count, tag number, float bits */
	uint8_t arg_len; /* argument bytes after the initial byte: 0,1,2,4,8 */
	bool indefinite; /* type is BSTR, TSTR, ARRAY or MAP */
};

/** An integer of CBOR's full range, -2^64 .. 2^64-1. */
struct pst_cbor_integer {
	bool negative; /* the value is -1 - magnitude */
	uint64_t magnitude;
};

/**
 * Labels of the map that is being read, to refuse a second occurrence.
 *
 * Works for labels of any type and number: 0..63 are bits, anything else is
 * compared with the encoded labels that were read before it. What is between
 * them has to be passed over each time: a map that is made to cost more of
 * that than of reading it is refused (PST_ERR_LIMIT).
 */
struct pst_cbor_seen {
	struct pst_bytes key; /* the last label, encoded */
	size_t start;	      /* offset of the map's first label */
	size_t done;	      /* pairs begun so far */
	size_t walked;	      /* heads passed over to compare labels */
	uint64_t small;
};

/* Heads that comparing the labels of a map may pass over, beside four for
 * each byte of the map. */
#define PST_CBOR_WALK_MIN 8192

/** Encoded items one after another, without the array around them. */
struct pst_list {
	struct pst_bytes items;
	size_t count;
};

/** What pst_cbor_key returns for a label that is no int64 (a text, say). */
#define PST_CBOR_KEY_OTHER INT64_MIN

/* --- reader ------------------------------------------------------------ */

/** Begin to read in; the reader views it. Profile PST_CBOR_STRICT. */
void pst_cbor_reader_init(struct pst_cbor_reader *r, struct pst_bytes in);

/** Likewise with a profile. */
void pst_cbor_reader_init_profile(struct pst_cbor_reader *r,
    struct pst_bytes in, enum pst_cbor_profile profile);

/** True while nothing has failed. */
static inline bool
pst_cbor_ok(const struct pst_cbor_reader *r)
{
	return r->err == PST_OK;
}

/** Make the reader fail at its present offset; an earlier error stays. */
void pst_cbor_fail(struct pst_cbor_reader *r, enum pst_err err);

/**
 * The type of the next item without moving.
 *
 * @return PST_CBOR_NONE at the end or after a failure
 */
enum pst_cbor_type pst_cbor_peek(const struct pst_cbor_reader *r);

/** Read one head, of any type; on failure h is a zeroed PST_CBOR_NONE. */
void pst_cbor_head(struct pst_cbor_reader *r, struct pst_cbor_head *h);

/** An unsigned integer of at most max. 0 on failure, as below. */
uint64_t pst_cbor_uint(struct pst_cbor_reader *r, uint64_t max);

/** An integer in min..max. */
int64_t pst_cbor_int(struct pst_cbor_reader *r, int64_t min, int64_t max);

/** An integer of CBOR's full range. */
struct pst_cbor_integer pst_cbor_integer(struct pst_cbor_reader *r);

/** A byte string of min..max bytes, as a view; empty on failure. */
struct pst_bytes
pst_cbor_bstr(struct pst_cbor_reader *r, size_t min, size_t max);

/** A text string of min..max bytes that is valid UTF-8, as a view. */
struct pst_bytes
pst_cbor_tstr(struct pst_cbor_reader *r, size_t min, size_t max);

/** Enter an array of min..max elements; returns how many. */
size_t pst_cbor_array(struct pst_cbor_reader *r, size_t min, size_t max);

/** Enter a map of at most max pairs and begin seen; returns how many. */
size_t
pst_cbor_map(struct pst_cbor_reader *r, size_t max, struct pst_cbor_seen *seen);

/**
 * The next label of a map, refused when it occurred before in this map, or
 * when finding that out costs too much.
 *
 * @return the label when it is an integer that int64 holds, except
 *         INT64_MIN; else PST_CBOR_KEY_OTHER, and seen->key has it encoded.
 *         PST_CBOR_KEY_OTHER on failure.
 */
int64_t pst_cbor_key(struct pst_cbor_reader *r, struct pst_cbor_seen *seen);

bool pst_cbor_bool(struct pst_cbor_reader *r);
void pst_cbor_null(struct pst_cbor_reader *r);

/** A tag number; the tagged item follows. */
uint64_t pst_cbor_tag(struct pst_cbor_reader *r);

/** Skip tag `tag` if it is next; returns whether it was. */
bool pst_cbor_tag_optional(struct pst_cbor_reader *r, uint64_t tag);

/**
 * Take the next bytes if they are exactly `encoded`, one item or several in
 * their shortest form: how a closed set of constant values is recognised.
 */
bool pst_cbor_match(struct pst_cbor_reader *r, struct pst_bytes encoded);

/** Skip one whole item of any type, checking that it is well-formed. */
void pst_cbor_skip(struct pst_cbor_reader *r);

/** Skip one whole item and return a view of its encoding. */
struct pst_bytes pst_cbor_item(struct pst_cbor_reader *r);

/** Enter an array of min..max elements, skip them and return them as a list. */
struct pst_list
pst_cbor_list(struct pst_cbor_reader *r, size_t min, size_t max);

/**
 * Take the first item off a list that was read by pst_cbor_list.
 *
 * @return false when the list is empty
 */
bool pst_list_next(struct pst_list *list, struct pst_bytes *item);

/**
 * End the reading: every byte must have been used.
 *
 * @return the sticky error, or PST_ERR_CBOR_TRAILING
 */
enum pst_err pst_cbor_end(struct pst_cbor_reader *r) PST_MUST_CHECK;

/**
 * Is `in` exactly one well-formed item (RFC 8949, Section 1.2 and App. C)?
 *
 * Text is not checked for UTF-8: that is validity, not well-formedness.
 *
 * @param at  set to the offset where it stopped; may be NULL
 */
enum pst_err
pst_cbor_well_formed(struct pst_bytes in, size_t *at) PST_MUST_CHECK;

/** Is `text` valid UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool pst_utf8_valid(struct pst_bytes text);

/** The value of a float head: arg as IEEE 754 bits of arg_len bytes. */
double pst_cbor_float_value(const struct pst_cbor_head *h);

/* --- writer ------------------------------------------------------------ */

/**
 * A writer into the caller's buffer, or, with buf NULL, one that only counts.
 *
 * The error is sticky: PST_ERR_SPACE once cap is exceeded. len goes on
 * counting so that a caller learns how much would have been needed.
 */
struct pst_cbor_writer {
	uint8_t *buf;
	size_t cap;
	size_t len;
	enum pst_err err;
};

void pst_cbor_writer_init(struct pst_cbor_writer *w, uint8_t *buf, size_t cap);
/** A writer that counts only. */
void pst_cbor_writer_count(struct pst_cbor_writer *w);

void pst_cbor_put_uint(struct pst_cbor_writer *w, uint64_t v);
void pst_cbor_put_int(struct pst_cbor_writer *w, int64_t v);
void pst_cbor_put_integer(struct pst_cbor_writer *w, struct pst_cbor_integer v);
void pst_cbor_put_bstr(struct pst_cbor_writer *w, struct pst_bytes v);
/** The caller vouches that v is UTF-8. */
void pst_cbor_put_tstr(struct pst_cbor_writer *w, struct pst_bytes v);
void pst_cbor_put_array(struct pst_cbor_writer *w, size_t count);
void pst_cbor_put_map(struct pst_cbor_writer *w, size_t pairs);
void pst_cbor_put_tag(struct pst_cbor_writer *w, uint64_t tag);
void pst_cbor_put_bool(struct pst_cbor_writer *w, bool v);
void pst_cbor_put_null(struct pst_cbor_writer *w);
/** Simple value 0..23 or 32..255; others make the writer fail. */
void pst_cbor_put_simple(struct pst_cbor_writer *w, uint8_t v);
/** The shortest of half, single and double that keeps the value. */
void pst_cbor_put_float(struct pst_cbor_writer *w, double v);
/** Bytes that are already encoded, one item or several. */
void pst_cbor_put_raw(struct pst_cbor_writer *w, struct pst_bytes encoded);
/** A head of bstr or any other type whose content is written next. */
void pst_cbor_put_head(
    struct pst_cbor_writer *w, enum pst_cbor_type type, uint64_t arg);

/**
 * Wrap what is written between begin and end into one byte string, or into
 * an array or a map of as many elements as are known only at the end.
 *
 * @return a mark for the matching end
 */
size_t pst_cbor_wrap_begin(struct pst_cbor_writer *w);
void pst_cbor_wrap_bstr(struct pst_cbor_writer *w, size_t mark);
void pst_cbor_wrap_array(struct pst_cbor_writer *w, size_t mark, size_t count);
void pst_cbor_wrap_map(struct pst_cbor_writer *w, size_t mark, size_t pairs);

/** What was written so far, as a view of the buffer; empty after an error. */
struct pst_bytes pst_cbor_written(const struct pst_cbor_writer *w);

#endif
