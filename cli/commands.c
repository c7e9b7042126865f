/*
 * The table of commands, in the order in which help lists them.
 *
 * A group is one line here and a table in a file of its own.
 */
#include <stddef.h>

#include "cli.h"

const struct cli_command cli_commands[] = {
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
