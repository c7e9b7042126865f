/*
 * For the files of core/cose that open messages.
 */
#ifndef PST_COSE_SEALED_H
#define PST_COSE_SEALED_H

#include <postern/cose_encrypt.h>

#include "cose_internal.h"

/** A content key for one message: wiped by whoever has it. */
struct pst_content_key {
	struct pst_secret secret; /* views bytes, unless the port has it */
	uint32_t who;
	uint8_t bytes[PST_CEK_MAX];
};

/** Bytes of a content key of alg; 0 for an algorithm that is none. */
size_t pst_cose_key_len(int32_t alg);

/**
 * The content key of candidate *next or the first one after it that is one;
 * *next is moved beyond it.
 *
 * @param alg  what it will be used with
 * @retval PST_ERR_COSE_KEY  no key is left
 */
enum pst_err
pst_cose_content_key(const struct pst_cose_sealed *msg, int32_t alg,
    const struct pst_crypto *crypto, const struct pst_cose_open_args *args,
    size_t *next, struct pst_content_key *out) PST_MUST_CHECK;

/** Read recipient `index`; false when there is none. */
bool pst_cose_recipient(const struct pst_cose_sealed *msg, size_t index,
    struct pst_cose_headers *headers, struct pst_bytes *unprotected,
    struct pst_bytes *wrapped);

bool pst_cose_is_ctr(int32_t alg);
bool pst_cose_is_aead(int32_t alg);

/** The key wrap behind an ECDH-ES algorithm; 0: there is none. */
int32_t pst_cose_es_wrap(int32_t alg);

/** COSE_KDF_Context without parties, for a key of alg. */
void pst_cose_plain_context(struct pst_cbor_writer *w, int32_t alg,
    struct pst_bytes protected, struct pst_bytes other);

/** Room for it: `other` of the protocols here has at most 23 bytes. */
#define PST_PLAIN_CONTEXT_MAX 128

#endif
