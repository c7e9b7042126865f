/*
 * The keys that a command was given, as a key source for the core, and the
 * crypto port that they live in.
 */
#ifndef PST_CLI_KEYRING_H
#define PST_CLI_KEYRING_H

#include "cli.h"
#include "token.h"

/* --key may be given this often: for each recipient of a payload, too. */
#define CLI_KEYS_MAX 32

struct cli_keyring {
	struct pst_openssl *port;
	const struct pst_crypto *crypto;
	struct pst_keys keys; /* finds every key that fits the algorithm */
	size_t count;
	size_t secrets; /* of these, symmetric ones */
	/* when not NULL, the one entry that keys finds */
	const struct cli_keyring_entry *only;
	struct cli_keyring_entry {
		const char *path;	   /* or the URI of a token's key */
		bool opens_only;	   /* it decrypts, and is no signer's */
		struct pst_p11_key *token; /* owned by the port; or NULL */
		struct pst_pubkey pub;
		uint32_t number;   /* of a private or secret key; else 0 */
		size_t secret_len; /* bytes of a secret one */
		size_t kid_len;
		uint8_t kid[PST_KID_MAX]; /* that the file names */
		uint8_t thumbprint[PST_THUMBPRINT_LEN];
	} key[CLI_KEYS_MAX];
};

/** @return CLI_DONE, or CLI_REFUSED after saying why */
int cli_keyring_open(struct cli_keyring *ring);
/** Accepts one that was not opened. */
void cli_keyring_close(struct cli_keyring *ring);

/**
 * Read a key file: PEM, COSE_Key or JWK; public, private or symmetric; or find
 * the key of a pkcs11: URI in its token.
 */
int cli_keyring_add(struct cli_keyring *ring, const char *path);

/** Add a public key that came otherwise; keeps its name, for messages. */
int cli_keyring_add_public(
    struct cli_keyring *ring, const char *name, const struct pst_pubkey *pub);

/**
 * Make sure that an entry can sign: warn when others can read its file, log
 * in to its token.
 *
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
int cli_keyring_unlock(const struct cli_keyring_entry *e);

/* --- messages --- */

/** A message out of its COSE wrapper, or bare. Views the bytes given. */
struct cli_message {
	bool wrapped;		      /* in COSE; a key was needed */
	bool decrypted;		      /* a report that was encrypted */
	uint64_t kind;		      /* PST_TAG_* of the wrapper */
	struct pst_verified verified; /* its payload */
};

/** Is it a COSE message, tagged, untagged or in a CWT tag? */
bool cli_is_cose(struct pst_bytes in);

/** What is inside a CWT tag (RFC 8392, Section 6), or in itself. */
struct pst_bytes cli_without_cwt_tag(struct pst_bytes in);

/** What kind of COSE message it is, by its tag or its shape; 0: none. */
uint64_t cli_cose_kind(struct pst_bytes in);

/**
 * Take a COSE message apart; what four elements mean without a tag depends on
 * the keys.
 */
int cli_cose_parse(const struct cli_keyring *ring, const char *path,
    struct pst_bytes in, struct pst_cose_message *out);

/**
 * Take a message out of its wrapper, which must verify with a key of the
 * ring. A bare one is vouched for by whoever named the file.
 *
 * @return CLI_DONE; CLI_USAGE when a key is needed and none was given;
 *         CLI_REFUSED after saying why
 */
int cli_unwrap(struct cli_keyring *ring, const char *command, const char *path,
    struct pst_bytes in, struct cli_message *out);

/** "Sign1", "Sign", "Mac0" … */
const char *cli_cose_name(uint64_t tag);

/** Lower-case digits; out has 2 * len + 1. */
void cli_hex_text(const uint8_t *bytes, size_t len, char *out);

#endif
