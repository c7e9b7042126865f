/*
 * The file that a developer writes, as the description that core/suit builds
 * an envelope from. docs/manifests.md has its keys.
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
	uint8_t digest[PST_DIGEST_MAX];
	char name[16]; /* of an integrated payload */
	uint8_t requires[PST_SUIT_BUILD_REQUIRES][CLI_VERSION_MATCH_MAX];
	struct cli_file data;
};

struct cli_source {
	struct cli_yaml yaml;
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
void cli_source_close(struct cli_source *s);

/** The bit of a section by its name, "install"; 0 for none. */
uint32_t cli_section_bit(const char *name);

#endif
