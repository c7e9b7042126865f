/*
 * CBOR as text for people: diagnostic notation (RFC 8949, Section 8; RFC 8610,
 * Appendix G) both ways, the same with annotations, JSON, and a listing.
 *
 * What is printed in notation and parsed again gives the same bytes, whatever
 * well-formed encoding they are: encodings that are not preferred are shown
 * with encoding indicators, NaNs with a payload as float'...', and text that
 * is not UTF-8 as text'...' with hexadecimal digits, the one form that is
 * this project's own. Control characters never reach the output as such.
 */
#ifndef POSTERN_DIAG_H
#define POSTERN_DIAG_H

#include <postern/cbor.h>
#include <stdio.h>

/*
 * Nesting that is printed and parsed, opened byte strings included. More than
 * any real item has, and small enough for fixed memory.
 */
#define PST_DIAG_DEPTH_MAX 1024
/* Bytes of a bignum that is written as a decimal number. */
#define PST_DIAG_BIGNUM_MAX 64
/* Longer byte strings are cut in PST_DIAG_BRIEF. */
#define PST_DIAG_BRIEF_MAX 256

enum pst_diag_form {
	PST_DIAG_LINE,	    /* notation on one line */
	PST_DIAG_PRETTY,    /* notation on several */
	PST_DIAG_ANNOTATED, /* likewise, with names and opened byte strings */
	PST_DIAG_BRIEF,	    /* likewise; long byte strings are cut */
	PST_DIAG_JSON,	    /* a tree of nodes with offsets and names */
	PST_DIAG_LIST	    /* a line for each head: offset, bytes, meaning */
};

/** What a structure is, for the annotations; from pst_diag_guess. */
struct pst_shape;

/**
 * Guess what an item is from its tag and labels: a SUIT envelope, a TEEP
 * message, a COSE structure, claims, a report, a key.
 *
 * @param what  set to its name, or NULL when nothing was recognised
 * @return NULL when nothing was recognised
 */
const struct pst_shape *pst_diag_guess(struct pst_bytes in, const char **what);

/**
 * Print one item to f. What precedes a fault is printed too, and JSON is
 * closed properly.
 *
 * @param shape  what it is, or NULL; used by ANNOTATED and JSON
 * @param at     offset where it stopped; may be NULL
 * @retval PST_ERR_CBOR_...  not exactly one well-formed item of a depth of at
 *                           most PST_DIAG_DEPTH_MAX
 * @retval PST_ERR_IO        no memory
 */
enum pst_err
pst_diag_print(FILE *f, struct pst_bytes in, enum pst_diag_form form,
    const struct pst_shape *shape, size_t *at) PST_MUST_CHECK;

/** Names that the drafts give a command and a section of a SUIT manifest; NULL
 * for a number that has none. */
const char *pst_diag_suit_command(int64_t id);
const char *pst_diag_suit_section(int64_t label);
/** Likewise a reason of a SUIT report. */
const char *pst_diag_suit_reason(int64_t reason);

/** Is it exactly one well-formed item? As pst_diag_print, without output. */
enum pst_err pst_diag_check(struct pst_bytes in, size_t *at) PST_MUST_CHECK;

/** Where a notation is wrong. */
struct pst_diag_fault {
	size_t at; /* offset in the text */
	size_t line, column;
	const char *why; /* static */
};

/**
 * Encode one item of diagnostic notation.
 *
 * @param out    set to memory that the caller frees; NULL on error
 * @param fault  filled in on error
 * @retval PST_ERR_ARG    not the notation of exactly one item
 * @retval PST_ERR_LIMIT  nested over PST_DIAG_DEPTH_MAX
 * @retval PST_ERR_IO     no memory
 */
enum pst_err pst_diag_parse(struct pst_bytes text, uint8_t **out, size_t *len,
    struct pst_diag_fault *fault) PST_MUST_CHECK;

/**
 * Print text that somebody else may have chosen: what a terminal would obey
 * is escaped, and bytes that are no UTF-8.
 */
void pst_print_safe(FILE *f, struct pst_bytes text);

/** Print text as a JSON string, quotes included. */
void pst_json_string(FILE *f, struct pst_bytes text);

#endif
