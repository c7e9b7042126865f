/*
 * The file that a developer writes. Its components may say where their bytes
 * come from: then core/suit generates the sections. It may spell out sections
 * instead, or some of them. docs/manifests.md has its keys.
 */
#ifndef PST_CLI_MANIFEST_SOURCE_H
#define PST_CLI_MANIFEST_SOURCE_H

#include <postern/suit_encode.h>

#include "version.h"
#include "yaml.h"

/** One component and the memory that its description views. */
struct cli_source_component {
	uint8_t id[PST_SUIT_ID_MAX];
	uint8_t vendor[16], class_id[16], device[16];
	uint8_t digest[8 + PST_DIGEST_MAX]; /* or an encoded SUIT_Digest */
	uint8_t prefix[PST_SUIT_ID_MAX];
	char name[32]; /* of an integrated payload */
	uint8_t requires[PST_SUIT_BUILD_REQUIRES][CLI_VERSION_MATCH_MAX];
	struct cli_file data, info;
};

/* Recipients that `encrypt` names. */
#define CLI_SOURCE_RECIPIENTS_MAX 32

/** What `encrypt` of a component asks for. Paths are as they are opened. */
struct cli_source_encrypt {
	const char *from;
	const char *alg; /* NULL: the default */
	const char *out; /* NULL: the ciphertext is for the envelope */
	char *to[CLI_SOURCE_RECIPIENTS_MAX];
	size_t count;
};

/**
 * Encrypts a file; cli/encrypt.h has the one of the program.
 *
 * @param data  the ciphertext, unless it went to out; the caller frees it
 * @param info  the SUIT_Encryption_Info; the caller frees it
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
typedef int cli_source_encryptor(const struct cli_source_encrypt *what,
    struct cli_file *data, struct cli_file *info);

struct cli_source {
	struct cli_yaml yaml;
	cli_source_encryptor *encryptor; /* NULL: `encrypt` is refused */
	bool generated; /* build says what the sections are made of */
	struct pst_suit_build build; /* views everything below */
	uint8_t manifest_id[PST_SUIT_ID_MAX];
	uint8_t set_version[CLI_VERSION_MAX];
	struct pst_suit_build_component component[PST_SUIT_COMPONENTS_MAX];
	struct cli_source_component owned[PST_SUIT_COMPONENTS_MAX];
};

/**
 * Read a manifest's source and the files that it names, relative to it.
 *
 * @param s  to be closed in any case
 * @return CLI_DONE, or CLI_REFUSED after saying what is wrong and where
 */
int cli_source_read(
    struct cli_source *s, const struct pst_crypto *crypto, const char *path);
/** Likewise from memory; path names it. */
int cli_source_parse(struct cli_source *s, const struct pst_crypto *crypto,
    const char *path, struct pst_bytes source);

/**
 * Encode what was read: the sections that the file spells out, and around
 * them those that follow from its components (cli/manifest_parts.c).
 *
 * @param out  the envelope; the caller frees it
 */
int cli_source_encode(struct cli_source *s, const struct pst_crypto *crypto,
    struct cli_file *out);
void cli_source_close(struct cli_source *s);

/** The bit of a section by its name, "install"; 0 for none. */
uint32_t cli_section_bit(const char *name);

#endif
