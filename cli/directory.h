/*
 * A directory as a device: components are files, named by the text of their
 * identifier. What a run writes is staged beside and becomes visible by
 * renames when it is committed. Each manifest that is installed has a small
 * record, with its sequence number and the components that it refers to.
 */
#ifndef PST_CLI_DIRECTORY_H
#define PST_CLI_DIRECTORY_H

#include <postern/suit.h>
#include <sys/stat.h>

#include "cli.h"
#include "diag/component.h"
#include "version.h"

/* Room for the path of a component under the root. */
#define CLI_DIRECTORY_PATH (PST_COMPONENT_TEXT_MAX + 64)

/* Where staged content and records are, under the root. No component has this
 * name: the text of one that would is written as hex. */
#define CLI_DIRECTORY_PRIVATE ".postern"

struct cli_directory {
	const char *root;
	int fd;		/* of root */
	int private_fd; /* of CLI_DIRECTORY_PRIVATE in it */
	bool told;	/* that something in it is not followed */
	bool has_vendor, has_class, has_device;
	uint8_t vendor[16], class_id[16], device[16];
	/* what the device knows, for update management */
	bool has_time, has_battery, has_authorized, authorized;
	bool has_power, has_network;
	uint64_t time_s; /* else this machine's clock */
	uint64_t battery_mwh;
	int64_t power, network;
	/* what is installed, where another slot than 0 runs, other devices */
	struct cli_directory_fact {
		uint8_t id[PST_SUIT_ID_MAX]; /* encoded, or a device's name */
		size_t id_len;
		uint8_t version[CLI_VERSION_MAX];
		size_t len;
		uint64_t slot;
	} version[PST_SUIT_COMPONENTS_MAX], slot[PST_SUIT_COMPONENTS_MAX],
	    other[PST_SUIT_COMPONENTS_MAX];
	size_t version_count, slot_count, other_count;
	/* the run, whose places the files are */
	const struct pst_suit_run *run;
	struct cli_directory_file {
		bool touched; /* something was begun to be written */
		bool staged;  /* there is new content */
		bool deleted; /* the file goes at commit */
		int fd;	      /* of what is being written */
		/* of the content that is there, and of what comes next */
		struct cli_directory_metadata {
			bool has_mode, has_mtime;
			mode_t mode;
			uint64_t mtime_s;
		} now, next;
		bool next_set; /* metadata came, write_begin follows */
	} file[PST_SUIT_PLACES_MAX];
	struct pst_suit_host host; /* to be given to the interpreter */
};

/** Open root, making it when it is not there. @return CLI_DONE or CLI_REFUSED
 */
int cli_directory_open(struct cli_directory *d, const char *root);
void cli_directory_close(struct cli_directory *d);

/** Begin with a run: nothing is staged. What the device knows is set. */
void
cli_directory_begin(struct cli_directory *d, const struct pst_suit_run *run);

/**
 * Is the manifest newer than what was run here, or the same?
 *
 * @retval PST_ERR_SUIT_SEQUENCE  it is older, or another of the same number
 */
enum pst_err cli_directory_sequence(
    struct cli_directory *d, const struct pst_suit_manifest *m) PST_MUST_CHECK;

/**
 * Make what was staged visible, and remember the root manifest: its sequence
 * number, and that it refers to the places of its run, unless they were
 * unlinked.
 *
 * @param gone  it was uninstalled and refers to nothing any more
 */
enum pst_err
cli_directory_commit(struct cli_directory *d, bool gone) PST_MUST_CHECK;

/** Forget what was staged. */
void cli_directory_discard(struct cli_directory *d);

/* --- between its files -------------------------------------------------- */

/** The path of a component; PST_ERR_SUIT_COMPONENT for one that a file system
 * would take for something else. */
enum pst_err cli_directory_path(
    struct pst_bytes id, char out[CLI_DIRECTORY_PATH]) PST_MUST_CHECK;

/**
 * Open the directory that a component is in. No symbolic link is followed, so
 * that it lies within the root.
 *
 * @param path  of cli_directory_path
 * @param make  make what is not there
 * @param leaf  set to the last element of path
 * @return the caller's descriptor, or -1 with errno
 */
int cli_directory_parent(
    struct cli_directory *d, const char *path, bool make, const char **leaf);

/** Where new content is when it is whole, in the private directory. */
void cli_directory_staged(uint32_t index, char out[CLI_DIRECTORY_PATH]);

/** Does the record of another manifest than the root refer to it? */
enum pst_err cli_directory_others(struct cli_directory *d,
    struct pst_bytes component, bool *others) PST_MUST_CHECK;

#endif
