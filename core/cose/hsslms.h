/*
 * HSS/LMS verification, for files of core/cose and its test.
 */
#ifndef PST_HSSLMS_H
#define PST_HSSLMS_H

#include <postern/crypto.h>

/** Is it an HSS public key (RFC 8554, Section 6.1) of a set that is here? */
bool pst_hss_key_fits(struct pst_bytes key);

/**
 * Verify an HSS signature over the concatenation of n parts.
 *
 * @param key  PST_HSS_PUB_LEN bytes
 * @retval PST_ERR_COSE_SIGNATURE   does not verify, or is no signature
 * @retval PST_ERR_COSE_KEY_FORMAT  key has a set that is not supported
 */
enum pst_err pst_hss_verify(const struct pst_crypto *crypto,
    struct pst_bytes key, const struct pst_bytes *parts, size_t n,
    struct pst_bytes sig) PST_MUST_CHECK;

#endif
