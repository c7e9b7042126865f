/*
 * Inside the library: the walk over an item, what it tells its sinks, and the
 * shapes that it follows.
 */
#ifndef PST_DIAG_WALK_H
#define PST_DIAG_WALK_H

#include "diag.h"

/* What encloses an item. */
enum diag_in {
	IN_NOTHING, /* the outermost item */
	IN_ARRAY,
	IN_MAP,
	IN_TAG,
	IN_CHUNKS, /* an indefinite-length string */
	IN_BSTR	   /* a byte string whose content is shown as CBOR */
};

enum { NOTE_MAX = 96 };

struct diag_event {
	size_t at;		   /* of the item's head, in the input */
	struct pst_cbor_head head; /* of the item, or of what is closed */
	struct pst_bytes bytes;	   /* content of a definite string */
	bool bignum;		   /* a tag with its bytes, as one number */
	bool inner;		   /* OPEN, CLOSE: a byte string's content */
	enum diag_in in;	   /* what encloses it */
	size_t index;		   /* items before it in there */
	bool ends_pair;		   /* CLOSE: it was a value of a map */
	bool argument;		   /* of the command before it */
	bool tight;		   /* what encloses it fits on a line */
	bool opens_tight;	   /* it fits on a line itself */
	unsigned int depth;	   /* containers that break lines around it */
	unsigned int level;	   /* containers of any kind around it */
	const char *name;	   /* of the role: a label, a position */
	const char *type;	   /* of the structure */
	char note[NOTE_MAX];	   /* what the value means, or empty */
};

struct diag_sink {
	FILE *f;
	void (*item)(struct diag_sink *s, const struct diag_event *ev);
	void (*open)(struct diag_sink *s, const struct diag_event *ev);
	void (*close)(struct diag_sink *s, const struct diag_event *ev);
	bool annotate;	/* follow shapes */
	bool close_all; /* close what is open after a fault too */
	bool merge;	/* show bignums as numbers */
	bool lines;	/* break lines */
	bool brief;	/* cut long byte strings */
	size_t cut;	/* strings that were cut */
};

/** Walk over exactly one item; shape may be NULL. */
enum pst_err diag_walk(struct diag_sink *s, struct pst_bytes in,
    const struct pst_shape *shape, size_t *at);

/* --- shapes ------------------------------------------------------------ */

enum shape_kind {
	SHAPE_ANY,
	SHAPE_MAP,   /* fields by label */
	SHAPE_ARRAY, /* fields by position; inner: further elements */
	SHAPE_LIST,  /* inner: every element */
	SHAPE_PAIRS, /* [command, argument, ...]: fields by command */
	SHAPE_CBOR,  /* a byte string; inner: its content */
	SHAPE_GUESS, /* a byte string; its content is guessed */
	SHAPE_TAGS,  /* fields by tag number; NULL shape: as any */
	SHAPE_ENUM,  /* a number with a name from fields */
	SHAPE_BITS,  /* bits with names from fields */
	SHAPE_TIME,  /* seconds since 1970 */
	SHAPE_BYTES  /* a UUID when 16 bytes, else text if it is */
};

struct shape_field {
	int64_t label;
	const char *name;
	const struct pst_shape *shape;
};

struct pst_shape {
	enum shape_kind kind;
	const char *name; /* of the structure; may be NULL */
	const struct shape_field *fields;
	size_t count;
	const struct pst_shape *inner; /* MAP: values of other labels */
	const struct pst_shape *keys;  /* MAP: labels that are arrays */
	const char *others;	       /* MAP: name of text labels */
	const struct pst_shape *alt;   /* when the type does not fit */
};

/** The shape that an item of this type can have: shape, an alt, or NULL. */
const struct pst_shape *
shape_fits(const struct pst_shape *shape, enum pst_cbor_type type);

const struct shape_field *
shape_field(const struct pst_shape *shape, int64_t label);

/** Every tag with a name. */
extern const struct pst_shape shape_tags;
/** Byte strings that nothing is known of. */
extern const struct pst_shape shape_bytes;

/** Write what a scalar value means; note is empty when there is nothing. */
void shape_note(const struct pst_shape *shape, const struct diag_event *ev,
    char note[NOTE_MAX]);

/* --- text -------------------------------------------------------------- */

/** The encoding indicator of a head: "", or "_0" to "_3". */
const char *diag_indicator(const struct pst_cbor_head *h);

/** The shortest decimal that reads back as v, with a '.' always. */
void diag_double(double v, char out[48]);

/** Decimal digits of a big-endian number of at most PST_DIAG_BIGNUM_MAX. */
void diag_decimal(struct pst_bytes number, bool add_one, char out[176]);

/** A number, float or simple value as notation. */
void diag_scalar(FILE *f, const struct diag_event *ev);

/** Text between quotes, escaped as JSON is; and what a terminal obeys. */
void diag_quoted(FILE *f, struct pst_bytes text);

void diag_hex(FILE *f, struct pst_bytes bytes);

extern const struct diag_sink diag_text_sink;
extern const struct diag_sink diag_json_sink;
extern const struct diag_sink diag_list_sink;

#endif
