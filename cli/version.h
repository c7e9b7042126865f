/*
 * Versions and times as people write them, for manifests and devices.
 */
#ifndef PST_CLI_VERSION_H
#define PST_CLI_VERSION_H

#include <postern/suit.h>

/* Bytes of an encoded version, and of one with its comparison. */
#define CLI_VERSION_MAX (1 + 9 * PST_SUIT_VERSION_MAX)
#define CLI_VERSION_MATCH_MAX (2 + CLI_VERSION_MAX)

/**
 * "1.2.3-rc.4" as SUIT_Condition_Version_Comparison_Value: numbers, then
 * perhaps alpha, beta or rc with numbers of its own. Build metadata and other
 * pre-releases have no encoding (update-management, suit-parameter-version).
 */
bool
cli_version_parse(const char *text, uint8_t out[CLI_VERSION_MAX], size_t *len);

/**
 * The first condition of ">=1.0, <2" as SUIT_Parameter_Version_Match; *text
 * moves behind it and its comma, to the end after the last.
 */
bool cli_version_match(
    const char **text, uint8_t out[CLI_VERSION_MATCH_MAX], size_t *len);

/* Characters of a version, or of one with its comparison, and the zero. */
#define CLI_VERSION_TEXT_MAX (4 + 21 * PST_SUIT_VERSION_MAX)

/** A version as it is written; its integers in brackets when it is none of
 * those that cli_version_parse reads. Empty when it is no version. */
void
cli_version_print(struct pst_bytes version, char out[CLI_VERSION_TEXT_MAX]);

/** Likewise with its comparison. */
void
cli_version_match_print(struct pst_bytes match, char out[CLI_VERSION_TEXT_MAX]);

/** As cli_time_parse reads it. */
void cli_time_print(uint64_t seconds, char out[32]);

/** Seconds since 1970, or a time of RFC 3339 in UTC, 2027-01-31T12:00:00Z. */
bool cli_time_parse(const char *text, uint64_t *seconds);

#endif
