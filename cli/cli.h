/*
 * What the files of the command line share. A subcommand is a row of a table
 * and a function; its file holds both.
 */
#ifndef PST_CLI_H
#define PST_CLI_H

#include <postern/base.h>
#include <stdio.h>

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

/**
 * Finish output: data that did not reach stdout is a failure.
 *
 * @return status, or CLI_REFUSED when stdout has failed
 */
int cli_finish(int status);

/* Tables of the groups, each in the file of its name. */
extern const struct cli_command cli_commands[];
extern const struct cli_command cli_tam[]; /* cli/tam.c */

#endif
