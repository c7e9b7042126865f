/*
 * Payload encryption (draft-ietf-suit-firmware-encryption): a payload of any
 * size to recipients, as a ciphertext and a SUIT_Encryption_Info.
 */
#ifndef PST_CLI_ENCRYPT_H
#define PST_CLI_ENCRYPT_H

#include <postern/cose_encrypt.h>

#include "keyring.h"
#include "manifest_source.h"

/* Room for a SUIT_Encryption_Info with all its recipients: each has an
 * ephemeral key, a kid and a wrapped key. */
#define CLI_ENCRYPTION_INFO_MAX \
	(128 + PST_COSE_RECIPIENTS_MAX * (size_t)(192 + PST_KID_MAX))

/** What a payload was, and what it became. */
struct cli_encrypted {
	uint64_t plain_bytes, cipher_bytes;
	uint8_t plain_sha256[32], cipher_sha256[32];
	uint8_t info[CLI_ENCRYPTION_INFO_MAX]; /* tagged COSE_Encrypt */
	size_t info_len;
};

/** Takes ciphertext as it comes; false when it cannot be kept. */
typedef bool cli_sink(void *ctx, struct pst_bytes chunk);

/**
 * A content encryption algorithm by its name; one that is none of them is a
 * usage error of the caller's to report.
 *
 * @return 0 for none
 */
int32_t cli_content_alg(const char *name);

/**
 * Encrypt what `in` gives to every key of the ring, under a fresh content key
 * and IV: an EC key by ECDH-ES+A128KW, a symmetric one by AES key wrap.
 *
 * @param name  of the plaintext, for messages
 * @return CLI_DONE, or CLI_REFUSED after saying why; then what the sink got
 *         is to be thrown away
 */
int cli_encrypt(const struct cli_keyring *ring, int32_t alg, const char *name,
    FILE *in, cli_sink *sink, void *ctx, struct cli_encrypted *out);

/**
 * Write a SUIT_Encryption_Info again for others; the ciphertext stays what it
 * is.
 *
 * @param recipients  the first entries of the ring; the rest open it
 * @param name  of the information, for messages
 */
int cli_rewrap(struct cli_keyring *ring, size_t recipients, const char *name,
    struct pst_bytes info, struct cli_encrypted *out);

/** Encrypt a component's bytes as its source asks: a cli_source_encryptor. */
int cli_encrypt_component(const struct cli_source_encrypt *what,
    struct cli_file *data, struct cli_file *info);

#endif
