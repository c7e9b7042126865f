/*
 * A directory as a device: components are files, named by the text of their
 * identifier. What a run writes is staged beside and becomes visible by
 * renames when it is committed.
 */
#ifndef PST_CLI_DIRECTORY_H
#define PST_CLI_DIRECTORY_H

#include <postern/suit.h>

#include "cli.h"
#include "version.h"

struct cli_directory {
	const char *root;
	int fd; /* of root */
	bool has_vendor, has_class, has_device;
	uint8_t vendor[16], class_id[16], device[16];
	/* what the device knows, for update management */
	bool has_time, has_battery, has_authorized, authorized;
	uint64_t time_s; /* else this machine's clock */
	uint64_t battery_mwh;
	struct cli_directory_version {
		uint8_t id[PST_SUIT_ID_MAX];
		size_t id_len;
		uint8_t version[CLI_VERSION_MAX];
		size_t len;
	} version[PST_SUIT_COMPONENTS_MAX];
	size_t version_count;
	/* the manifest that runs */
	const struct pst_suit_manifest *manifest;
	struct cli_directory_file {
		bool staged;  /* there is new content */
		bool deleted; /* the file goes at commit */
		int fd;	      /* while it is written */
	} file[PST_SUIT_COMPONENTS_MAX];
	struct pst_suit_host host; /* to be given to the interpreter */
};

/** Open root, making it when it is not there. @return CLI_DONE or CLI_REFUSED
 */
int cli_directory_open(struct cli_directory *d, const char *root);
void cli_directory_close(struct cli_directory *d);

/** Begin with a manifest: nothing is staged. What the device knows is set. */
void
cli_directory_begin(struct cli_directory *d, const struct pst_suit_manifest *m);

/**
 * Is the manifest newer than what was run here, or the same?
 *
 * @retval PST_ERR_SUIT_SEQUENCE  it is older, or another of the same number
 */
enum pst_err cli_directory_sequence(
    struct cli_directory *d, const struct pst_suit_manifest *m) PST_MUST_CHECK;

/** Make what was staged visible, and remember the manifest's sequence. */
enum pst_err cli_directory_commit(struct cli_directory *d) PST_MUST_CHECK;

/** Forget what was staged. */
void cli_directory_discard(struct cli_directory *d);

#endif
