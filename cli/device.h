/* What manifest run --device says of a device. */
#ifndef PST_CLI_DEVICE_H
#define PST_CLI_DEVICE_H

#include "directory.h"
#include "keyring.h"

/**
 * Read the YAML file of a device: its identifiers, what it knows, and keys
 * that decrypt for it and are trusted for nothing else.
 *
 * @return CLI_DONE, or CLI_REFUSED after saying what is wrong and where
 */
int cli_device_read(
    struct cli_directory *d, struct cli_keyring *ring, const char *path);

#endif
