/*
 * Names of SUIT commands and parameters that a signer may be given.
 */
#ifndef PST_TEE_RIGHTS_H
#define PST_TEE_RIGHTS_H

#include <stdint.h>

/** The label of a command ("fetch") or parameter ("image-digest"); 0: none. */
int pst_rights_command(const char *name);
int pst_rights_parameter(const char *name);

#endif
