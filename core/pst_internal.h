/*
 * For files of the core only: small helpers that need no header of their own.
 */
#ifndef PST_INTERNAL_H
#define PST_INTERNAL_H

#include <postern/base.h>
#include <string.h>

/** Copy that accepts an empty view, whose pointer may be NULL. */
static inline void
pst_copy(void *to, struct pst_bytes from)
{
	if (from.len > 0)
		memcpy(to, from.ptr, from.len);
}

/** Public bytes are equal. For secrets and digests there is pst_equal. */
static inline bool
pst_same(struct pst_bytes a, struct pst_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
