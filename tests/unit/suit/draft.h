/*
 * Manifests made member by member, so that each can be as large, and as
 * strange, as a test wants it. Unsigned: pst_suit_accept takes them.
 */
#ifndef SUIT_DRAFT_H
#define SUIT_DRAFT_H

#include <postern/suit.h>

/** Zero: one component and nothing to do. All views are borrowed. */
struct draft {
	size_t components;	      /* named 'c', 0, 1 …; 0: one */
	struct pst_bytes first_id;    /* encoded; instead of the first */
	size_t dependencies;	      /* the first so many components */
	size_t uri_len;		      /* of a reference URI; 0: none */
	bool prefix;		      /* each with a prefix, ["p"] */
	struct pst_bytes set_version; /* encoded [+int]; empty: none */
	struct pst_bytes shared;      /* sequence; empty: none */
	enum pst_suit_label label;    /* of `section`; 0: install */
	struct pst_bytes section;     /* its content; empty: none */
	size_t payloads;	      /* empty ones, in the envelope */
	size_t payload_name_len;      /* of one more; 0: none */
	size_t blocks;		      /* authentication blocks, of nobody */
};

/** The envelope, in memory that the next call reuses. */
struct pst_bytes draft_make(const struct draft *d);

/** Component n: ['c' n], encoded; memory of 4 calls. */
struct pst_bytes draft_component(size_t n);

#endif
