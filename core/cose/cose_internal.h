/*
 * For files of core/cose only.
 */
#ifndef PST_COSE_INTERNAL_H
#define PST_COSE_INTERNAL_H

#include <postern/cose.h>

/**
 * Read the two buckets of one signature or message (RFC 9052, Section 3).
 *
 * @param protected    content of the bstr: empty or one map
 * @param unprotected  the encoded map
 * @param out          zeroed on failure
 */
enum pst_err pst_cose_headers_read(struct pst_bytes protected,
    struct pst_bytes unprotected, struct pst_cose_headers *out) PST_MUST_CHECK;

#endif
