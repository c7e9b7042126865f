/* Between the files of postern eat. */
#ifndef PST_CLI_EAT_H
#define PST_CLI_EAT_H

/** postern eat appraise */
int cli_eat_appraise(int argc, char **argv);

#endif
