/* What postern tee needs of postern broker. */
#ifndef PST_CLI_BROKER_H
#define PST_CLI_BROKER_H

#include "cli.h"

/** The subcommand tee status. */
int cli_broker_status(int argc, char **argv);

#endif
