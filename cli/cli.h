/*
 * What the files of the command line share. A subcommand is a row of a table
 * and a function; its file holds both.
 */
#ifndef PST_CLI_H
#define PST_CLI_H

#include <postern/base.h>
#include <stdio.h>

/* Operands without a bound. */
#define CLI_MANY 1000000

/** Exit statuses of every subcommand. */
enum cli_status {
	CLI_DONE = 0,
	CLI_REFUSED = 1, /* refused or failed; the reason is on stderr */
	CLI_USAGE = 2	 /* wrong usage */
};

/** One subcommand, or a group of them. */
struct cli_command {
	const char *name;
	const char *args; /* after the name, as a synopsis */
	const char *what; /* one line, lower case, no full stop */
	const char *help; /* options and details, whole lines; may be NULL */
	/* NULL for a group. argv[0] is the whole command: "postern cbor diag".
	 * -h and --help do not get here. */
	int (*run)(int argc, char **argv);
	const struct cli_command *sub; /* of a group; ends with name NULL */
};

/**
 * Say what is wrong with the command line and how it is used.
 *
 * @param command  argv[0] of a subcommand
 * @return CLI_USAGE
 */
int cli_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Say on stderr why a command failed: "postern: ...".
 *
 * @return CLI_REFUSED
 */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Likewise, without failing. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A file that is read whole: a message, a manifest, a key. What is larger is
 * a payload, and those are streamed.
 */
#define CLI_FILE_MAX 16777216

/** The bytes of a file. Owns them. */
struct cli_file {
	uint8_t *ptr; /* not NULL once read; a zero byte follows the last */
	size_t len;
};

/**
 * Read a whole file, or standard input for "-".
 *
 * @param max  bytes that are accepted
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
int cli_read(const char *path, size_t max, struct cli_file *out);
void cli_file_free(struct cli_file *f);
struct pst_bytes cli_bytes(const struct cli_file *f);
/** A text without its zero byte; views it. */
struct pst_bytes cli_text(const char *text);

/**
 * Write a whole file so that a reader sees the old one or the new one.
 *
 * @param mode  its permissions
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
int cli_write(const char *path, struct pst_bytes content, unsigned int mode);

/** A file of any size that is being written; a reader sees it whole or not. */
struct cli_output {
	const char *path; /* borrowed; "-" for standard output */
	char *temporary;  /* NULL: standard output */
	int fd;
	bool force; /* may take the place of another file */
};

/**
 * Begin a file. One that exists is refused unless force is set.
 *
 * @param mode  its permissions
 * @return CLI_DONE, then it is to be committed or abandoned; or CLI_REFUSED
 *         after saying why
 */
int cli_output_open(
    struct cli_output *o, const char *path, unsigned int mode, bool force);
/** A cli_sink of cli/encrypt.h; errno says why it failed. */
bool cli_output_write(void *output, struct pst_bytes chunk);
/** Show the file under its name. @return as cli_output_open */
int cli_output_commit(struct cli_output *o);
/** Leave nothing behind; accepts one that was committed or not opened. */
void cli_output_abandon(struct cli_output *o);

/** Refuse to overwrite: CLI_REFUSED after saying so when a file exists. */
int cli_must_not_exist(const char *path, bool force);

/**
 * Check that from.. to operands follow the options.
 *
 * @param at  optind
 * @return CLI_DONE or CLI_USAGE after saying what is missing
 */
int cli_operands(int argc, char **argv, int at, int from, int to);

/** Read an option's value of hexadecimal digits; out has cap bytes. */
bool cli_hex(const char *text, uint8_t *out, size_t cap, size_t *len);

/**
 * Finish output: data that did not reach stdout is a failure.
 *
 * @return status, or CLI_REFUSED when stdout has failed
 */
int cli_finish(int status);

/* Tables of the groups, each in the file of its name. */
extern const struct cli_command cli_commands[];
extern const struct cli_command cli_broker[];
extern const struct cli_command cli_cbor[];
extern const struct cli_command cli_cose[];
extern const struct cli_command cli_eat[];
extern const struct cli_command cli_key[];
extern const struct cli_command cli_manifest[];
extern const struct cli_command cli_report[];
extern const struct cli_command cli_tee[];
extern const struct cli_command cli_teep[];
extern const struct cli_command cli_tam[]; /* cli/tam.c */
extern const struct cli_command cli_verifier[];

/* Commands without subcommands. */
int cli_inspect(int argc, char **argv);
extern const char cli_inspect_help[];

#endif
