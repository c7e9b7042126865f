/* What a manifest will do, in words. */
#ifndef PST_CLI_MANIFEST_WORDS_H
#define PST_CLI_MANIFEST_WORDS_H

#include <jansson.h>
#include <postern/suit.h>

/**
 * The steps of every section that is there, in the order in which a device
 * goes through them: [{"section", "steps": [{"text", "steps"?}]}]. What is
 * not understood is said to be so.
 */
json_t *cli_words_steps(const struct pst_suit_manifest *m);

/** Who can decrypt: [{"component", "alg", "recipients": [{"alg", "kid"}]}]. */
json_t *cli_words_encryption(const struct pst_suit_manifest *m);

/** Text of an encoded identifier; NULL for none. */
json_t *cli_words_component(struct pst_bytes id);

/** Name of an algorithm, or its number. */
json_t *cli_words_alg(int64_t alg);

/** Lower-case digits of at most 256 bytes. */
json_t *cli_words_hex(struct pst_bytes b);

#endif
