/* Between the attesters of this folder. */
#ifndef PST_ATTEST_INTERNAL_H
#define PST_ATTEST_INTERNAL_H

#include "attest.h"

#define PST_ATTEST_USER_DATA 64

/** Challenge and thumbprint, as the user data of a quote. */
enum pst_err pst_attest_user_data(const struct pst_crypto *crypto,
    const struct pst_attest_request *q,
    uint8_t out[PST_ATTEST_USER_DATA]) PST_MUST_CHECK;

/** What goes into a container. */
struct pst_attest_evidence {
	const char *type; /* media type of the quote */
	struct pst_bytes quote;
	struct pst_bytes challenge; /* empty: the quote has it in clear */
	struct pst_bytes parts[4];
	size_t part_count;
};

/**
 * Write the container (verifier/container.c reads it). The device's other keys
 * are signed with the TEEP key, whose thumbprint the quote has.
 *
 * @param format  set to its media type
 * @retval PST_ERR_SPACE  it does not fit
 */
enum pst_err pst_attest_write(const struct pst_crypto *crypto,
    const struct pst_attest_request *q, const struct pst_attest_evidence *e,
    uint8_t *out, size_t cap, size_t *len,
    struct pst_bytes *format) PST_MUST_CHECK;

/**
 * A whole file, or attribute of the kernel, of at most cap bytes.
 *
 * @retval PST_ERR_IO     errno says why
 * @retval PST_ERR_SPACE  longer than cap
 */
enum pst_err pst_attest_read(
    const char *path, uint8_t *out, size_t cap, size_t *len) PST_MUST_CHECK;

/** Write all of it at once, as the kernel's attributes want it. */
enum pst_err
pst_attest_put(const char *path, struct pst_bytes bytes) PST_MUST_CHECK;

#endif
