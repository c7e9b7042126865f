/*
 * For files of this port only.
 */
#ifndef PST_POSIX_INTERNAL_H
#define PST_POSIX_INTERNAL_H

#include <postern/store.h>

/** What errno means to a caller of the store. */
enum pst_err pst_posix_errno(void);

/** Write all of b where fd stands. */
enum pst_err pst_posix_write(int fd, struct pst_bytes b) PST_MUST_CHECK;

#endif
