/*
 * EATs under cover: what an agent says of its device is for the TAM and for
 * nobody between them (draft-ietf-teep-protocol, Section "EATs and SUIT
 * Reports"; RFC 9711, Section 7).
 *
 * The EAT, or other Evidence, is signed first and then becomes the content of
 * a COSE_Encrypt with ECDH-ES+A128KW, whose KDF context says "EAT Encryption".
 * Its media type stays what it was.
 */
#ifndef POSTERN_EAT_ENCRYPT_H
#define POSTERN_EAT_ENCRYPT_H

#include <postern/cose_encrypt.h>

/* What encryption adds to a payload, at most. */
#define PST_EAT_ENCRYPT_OVERHEAD 384

/**
 * Encrypt a payload where it stands.
 *
 * @param alg       of the content: an AEAD
 * @param to        EC2 key of the recipient; its thumbprint becomes the kid
 * @param buf       has the payload in *len bytes, and cap bytes of room: *len
 *                  and PST_EAT_ENCRYPT_OVERHEAD always suffice
 * @param len       set to the bytes of the message; 0 on error
 * @param work      *len + PST_AEAD_TAG_LEN bytes, not part of buf; borrowed
 * @retval PST_ERR_SPACE  buf or work has too little room
 */
enum pst_err pst_eat_encrypt(const struct pst_crypto *crypto, int32_t alg,
    const struct pst_pubkey *to, uint8_t *buf, size_t cap, size_t *len,
    uint8_t *work, size_t work_cap) PST_MUST_CHECK;

/**
 * Does this payload look like an encrypted one? By its shape alone: a
 * COSE_Encrypt or COSE_Encrypt0, tagged or not, perhaps with the tag of a CWT
 * before it. No quote, certificate or signed EAT has that shape.
 */
bool pst_eat_encrypted(struct pst_bytes payload);

/**
 * Decrypt such a payload. What comes out is authentic only when its own
 * signature, or that of the message around it, was verified: profiles with
 * AES-CTR protect nothing but confidentiality, and the TAM "MUST support each"
 * of them.
 *
 * @param keys   find_secret is asked for the recipient's key
 * @param out    cap bytes; payload.len always suffice
 * @param plain  set to a view of out
 *
 * @retval PST_ERR_COSE_STRUCTURE  no such message, or detached content, which
 *                                 the text forbids
 * @retval PST_ERR_COSE_KEY        it is for none of the keys
 * @retval PST_ERR_COSE_DECRYPT    nor does one of them open it
 */
enum pst_err pst_eat_decrypt(struct pst_bytes payload,
    const struct pst_crypto *crypto, const struct pst_keys *keys, uint8_t *out,
    size_t cap, struct pst_bytes *plain) PST_MUST_CHECK;

#endif
