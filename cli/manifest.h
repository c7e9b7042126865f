/* What the files of postern manifest share. */
#ifndef PST_CLI_MANIFEST_H
#define PST_CLI_MANIFEST_H

#include <jansson.h>
#include <postern/suit_encode.h>

#include "keyring.h"

/** Read an envelope and take it apart; file must outlive env. */
int cli_envelope_read(
    const char *path, struct cli_file *file, struct pst_suit_envelope *env);

/** Likewise of a file that was read; env views it. */
int cli_envelope_decode(const char *path, const struct cli_file *file,
    struct pst_suit_envelope *env);

/** Something that writes an envelope; run once to count and once to write. */
typedef enum pst_err cli_envelope_writer(struct pst_cbor_writer *w, void *ctx);

/** Let it write to memory; `from` is what messages name. Owns *out. */
int cli_envelope_make(cli_envelope_writer *writer, void *ctx, const char *from,
    struct cli_file *out);

/** Let it write to a file. */
int cli_envelope_write(
    cli_envelope_writer *writer, void *ctx, const char *from, const char *to);

/** The name of an envelope member or manifest section; NULL for none. */
const char *cli_section_name(int label);

/**
 * Check a manifest that was authenticated: that its command sequences are
 * well-formed, that each integrated payload has the digest that they set, and
 * that each integrated dependency is authentic and has its own.
 *
 * @return CLI_DONE, or CLI_REFUSED after saying what is wrong
 */
int cli_manifest_check(struct cli_keyring *ring,
    const struct pst_suit_manifest *m, const char *path);

/**
 * What a manifest is about, for a person or as JSON; vouches for nothing but
 * the signatures by keys of the ring, if it has any.
 *
 * @return CLI_REFUSED when the ring has keys and none of them signed it
 */
int cli_manifest_summary(struct cli_keyring *ring,
    const struct pst_suit_manifest *m, FILE *f, bool json);

/** Print a summary, a JSON object, as text. */
void cli_manifest_tell(const json_t *summary, FILE *f);

/**
 * Write an envelope as a source that gives its members again.
 *
 * @param blocks    authentication too: then it gives the very same bytes
 * @param payloads  a directory that integrated payloads are written to; NULL:
 *                  they stand in the source
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
int cli_manifest_yaml(const char *path, struct pst_bytes in,
    const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    bool blocks, const char *payloads, FILE *f);

int cli_manifest_schema(int argc, char **argv);
int cli_manifest_template(const char *name);
int cli_manifest_run(int argc, char **argv);
int cli_manifest_show(int argc, char **argv);
int cli_manifest_sign(int argc, char **argv);
int cli_manifest_encrypt(int argc, char **argv);
int cli_manifest_sever(int argc, char **argv);
extern const char cli_manifest_run_help[];
extern const char cli_manifest_sign_help[];
extern const char cli_manifest_encrypt_help[];
extern const char cli_manifest_sever_help[];

#endif
