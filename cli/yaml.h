/*
 * YAML files that people write: mappings of known keys, errors with file and
 * line. A thin layer over a libyaml document.
 */
#ifndef PST_CLI_YAML_H
#define PST_CLI_YAML_H

#include <yaml.h>

#include "cli.h"

/* A file that a person wrote, or that has an envelope's bytes in digits. */
#define CLI_YAML_MAX (3 * CLI_FILE_MAX)

struct cli_yaml {
	const char *path;
	yaml_document_t document;
	bool open;
	bool quiet;  /* what is wrong is not said */
	bool failed; /* sticky: something was wrong and was said */
};

/** @return CLI_DONE, or CLI_REFUSED after saying what is wrong and where */
int cli_yaml_read(struct cli_yaml *y, const char *path);
void cli_yaml_close(struct cli_yaml *y);

/** Likewise from memory; path names it in messages. y is zero, or quiet. */
int cli_yaml_parse(struct cli_yaml *y, const char *path, struct pst_bytes text);

/** The outermost mapping; NULL, and failed, when there is none. */
yaml_node_t *cli_yaml_root(struct cli_yaml *y);

/** Fail at a node: "path:line:column: ...". */
void cli_yaml_fail(struct cli_yaml *y, const yaml_node_t *at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/**
 * Fail when the mapping has a key that is not listed, or one twice.
 *
 * @param known  ends with NULL
 */
void
cli_yaml_keys(struct cli_yaml *y, yaml_node_t *map, const char *const *known);

/** The value of a key; NULL when there is none. */
yaml_node_t *
cli_yaml_get(struct cli_yaml *y, yaml_node_t *map, const char *key);

/** Text of a scalar, never empty, zero-terminated; NULL when the key is
 * absent, or, with failed, when it is something else. */
const char *
cli_yaml_text(struct cli_yaml *y, yaml_node_t *map, const char *key);

/** Text of a scalar, perhaps empty; NULL when it is something else. */
const char *cli_yaml_string(const yaml_node_t *node);

/** Pair i of a mapping; false past its end, and when it is none. */
bool cli_yaml_pair(struct cli_yaml *y, yaml_node_t *map, size_t i,
    yaml_node_t **key, yaml_node_t **value);

/** Text of the scalar with this number; NULL when it is something else. */
const char *cli_yaml_scalar(struct cli_yaml *y, int node);

/** An unsigned number; otherwise when the key is absent. */
uint64_t cli_yaml_number(
    struct cli_yaml *y, yaml_node_t *map, const char *key, uint64_t otherwise);

/** true or false, yes or no. */
bool cli_yaml_flag(
    struct cli_yaml *y, yaml_node_t *map, const char *key, bool otherwise);

/** A UUID; false when the key is absent or, with failed, not a UUID. */
bool cli_yaml_uuid(
    struct cli_yaml *y, yaml_node_t *map, const char *key, uint8_t out[16]);

/** Element i of a sequence, or NULL past its end. A scalar is a sequence of
 * itself. */
yaml_node_t *cli_yaml_element(struct cli_yaml *y, yaml_node_t *list, size_t i);

#endif
