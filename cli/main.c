/*
 * postern: one program with subcommands. This file finds the subcommand in
 * the tables, answers help and turns results into exit statuses.
 */
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "diag/diag.h"

/* Names in a command: a group, a subcommand and one more for later. */
enum { LEVELS_MAX = 3, COMMAND_MAX = 128 };

/* Longer messages are cut. */
enum { MESSAGE_MAX = 4096 };

/* A message may quote what somebody else wrote. */
static void
message(const char *kind, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	fflush(stdout);
	fprintf(stderr, "postern: %s", kind);
	pst_print_safe(
	    stderr, (struct pst_bytes){ (const uint8_t *)text, strlen(text) });
	fputc('\n', stderr);
}

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", fmt, ap);
	va_end(ap);
	return CLI_REFUSED;
}

void
cli_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("warning: ", fmt, ap);
	va_end(ap);
}

int
cli_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return cli_fail("output could not be written");
}

static const struct cli_command *
in_table(const struct cli_command *table, const char *name)
{
	for (; table->name != NULL; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

/**
 * Follow words down the tables.
 *
 * @param used  set to the words that name the command
 * @param path  set to "postern" and these words
 * @return NULL when the first word is no command
 */
static const struct cli_command *
find(int argc, char **argv, int *used, char path[COMMAND_MAX])
{
	const struct cli_command *table = cli_commands;
	const struct cli_command *found = NULL, *next;
	size_t len;

	snprintf(path, COMMAND_MAX, "postern");
	*used = 0;
	while (table != NULL && *used < argc && *used < LEVELS_MAX) {
		next = in_table(table, argv[*used]);
		if (next == NULL)
			break;
		found = next;
		len = strlen(path);
		snprintf(path + len, COMMAND_MAX - len, " %s", found->name);
		table = found->sub;
		(*used)++;
	}
	return found;
}

static void
list(FILE *f, const struct cli_command *table)
{
	for (; table->name != NULL; table++)
		fprintf(f, "  %-12s %s\n", table->name, table->what);
}

static void
synopsis(FILE *f, const char *path, const struct cli_command *c)
{
	const struct cli_command *s;

	if (c->run != NULL) {
		fprintf(
		    f, "usage: %s%s%s\n", path, c->args[0] ? " " : "", c->args);
		return;
	}
	fprintf(f, "usage: %s ", path);
	for (s = c->sub; s->name != NULL; s++)
		fprintf(f, "%s%s", s == c->sub ? "" : "|", s->name);
	fputs(" ...\n", f);
}

static void
help(const char *path, const struct cli_command *c)
{
	synopsis(stdout, path, c);
	printf("\n%s: %s.\n", path, c->what);
	if (c->help != NULL)
		printf("\n%s", c->help);
	if (c->sub == NULL)
		return;
	fputs("\nSubcommands:\n", stdout);
	list(stdout, c->sub);
	printf("\nSee also: postern help %s SUBCOMMAND\n",
	    path + strlen("postern "));
}

static void
overview(FILE *f)
{
	fputs("usage: postern COMMAND [SUBCOMMAND] [OPTION]... [FILE]...\n"
	      "\nProvisions Trusted Execution Environments over TEEP.\n"
	      "\nCommands:\n",
	    f);
	list(f, cli_commands);
	fputs("  help         explain a command\n"
	      "\nFILE may be - for standard input. Exit status: 0 done, 1\n"
	      "refused or failed, 2 wrong usage.\n"
	      "See also: postern help COMMAND, postern --version\n",
	    f);
}

/* Every command, one a line: for completion and for tests. */
static void
all_commands(const struct cli_command *table)
{
	const struct cli_command *s;

	for (; table->name != NULL; table++) {
		if (table->run != NULL)
			printf("%s\n", table->name);
		for (s = table->sub; s != NULL && s->name != NULL; s++)
			printf("%s %s\n", table->name, s->name);
	}
}

static int
unknown(const char *path, const char *word, const struct cli_command *group)
{
	fprintf(stderr, "%s: no such command: %s\n", path, word);
	if (group != NULL)
		synopsis(stderr, path, group);
	else
		fputs("see: postern help\n", stderr);
	return CLI_USAGE;
}

static int
help_command(int argc, char **argv)
{
	char path[COMMAND_MAX];
	const struct cli_command *c;
	int used;

	if (argc == 0) {
		overview(stdout);
		return CLI_DONE;
	}
	if (strcmp(argv[0], "--commands") == 0) {
		all_commands(cli_commands);
		return CLI_DONE;
	}
	c = find(argc, argv, &used, path);
	if (c == NULL || used < argc)
		return unknown(
		    path, argv[used], c != NULL && c->sub ? c : NULL);
	help(path, c);
	return CLI_DONE;
}

int
cli_usage(const char *command, const char *fmt, ...)
{
	char words[COMMAND_MAX], path[COMMAND_MAX];
	char *argv[LEVELS_MAX + 1];
	const struct cli_command *c;
	int argc = 0, used;
	char *word, *rest;
	va_list ap;

	va_start(ap, fmt);
	fflush(stdout);
	fprintf(stderr, "%s: ", command);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	snprintf(words, sizeof(words), "%s", command);
	(void)strtok_r(words, " ", &rest);
	while (argc < LEVELS_MAX && (word = strtok_r(NULL, " ", &rest)) != NULL)
		argv[argc++] = word;
	c = find(argc, argv, &used, path);
	if (c != NULL)
		synopsis(stderr, path, c);
	return CLI_USAGE;
}

static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int
dispatch(int argc, char **argv)
{
	static char path[COMMAND_MAX];
	const struct cli_command *c;
	int used;

	c = find(argc, argv, &used, path);
	if (c == NULL)
		return unknown("postern", argv[0], NULL);
	if (wants_help(argc - used, argv + used)) {
		help(path, c);
		return CLI_DONE;
	}
	if (c->run == NULL && used == argc) {
		synopsis(stderr, path, c);
		return CLI_USAGE;
	}
	if (c->run == NULL)
		return unknown(path, argv[used], c);
	/* The subcommand's own name is its argv[0]. */
	argv[used - 1] = path;
	return c->run(argc - used + 1, argv + used - 1);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		overview(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("postern " PST_VERSION);
		return cli_finish(CLI_DONE);
	}
	if (strcmp(argv[1], "help") == 0)
		return cli_finish(help_command(argc - 2, argv + 2));
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cli_finish(help_command(0, NULL));
	return cli_finish(dispatch(argc - 1, argv + 1));
}
