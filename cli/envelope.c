/* Envelopes in files, and the names of their sections. */
#include "manifest.h"

#include <stdlib.h>

int
cli_envelope_decode(const char *path, const struct cli_file *file,
    struct pst_suit_envelope *env)
{
	size_t at = 0;
	enum pst_err err = pst_suit_envelope_decode(cli_bytes(file), env, &at);

	if (err == PST_OK)
		return CLI_DONE;
	return cli_fail("%s: %s%s at byte %zu", path,
	    at == 0 ? "not a SUIT envelope: " : "", pst_err_name(err), at);
}

int
cli_envelope_read(
    const char *path, struct cli_file *file, struct pst_suit_envelope *env)
{
	int status = cli_read(path, CLI_FILE_MAX, file);

	if (status != CLI_DONE)
		return status;
	status = cli_envelope_decode(path, file, env);
	if (status != CLI_DONE)
		cli_file_free(file);
	return status;
}

int
cli_envelope_make(cli_envelope_writer *writer, void *ctx, const char *from,
    struct cli_file *out)
{
	struct pst_cbor_writer w;
	size_t cap;
	enum pst_err err;

	*out = (struct cli_file){ NULL, 0 };
	pst_cbor_writer_count(&w);
	err = writer(&w, ctx);
	if (err != PST_OK)
		return cli_fail("%s: %s", from, pst_err_name(err));
	/* A signature may come out longer the second time, by little. */
	cap = w.len + PST_SIGNATURE_MAX;
	out->ptr = calloc(1, cap + 1);
	if (out->ptr == NULL)
		return cli_fail("%s: no memory", from);
	pst_cbor_writer_init(&w, out->ptr, cap);
	err = writer(&w, ctx);
	out->len = w.len;
	if (err == PST_OK)
		return CLI_DONE;
	cli_file_free(out);
	return cli_fail("%s: %s", from, pst_err_name(err));
}

int
cli_envelope_write(
    cli_envelope_writer *writer, void *ctx, const char *from, const char *to)
{
	struct cli_file made;
	int status = cli_envelope_make(writer, ctx, from, &made);

	if (status != CLI_DONE)
		return status;
	status = cli_write(to, cli_bytes(&made), 0644);
	cli_file_free(&made);
	return status;
}

const char *
cli_section_name(int label)
{
	static const char *const names[PST_SUIT_LABEL_MAX + 1] = {
		[PST_SUIT_VALIDATE] = "validate",
		[PST_SUIT_LOAD] = "load",
		[PST_SUIT_INVOKE] = "invoke",
		[PST_SUIT_COSWID] = "coswid",
		[PST_SUIT_DEPENDENCY_RESOLUTION] = "dependency-resolution",
		[PST_SUIT_PAYLOAD_FETCH] = "payload-fetch",
		[PST_SUIT_CANDIDATE_VERIFICATION] = "candidate-verification",
		[PST_SUIT_INSTALL] = "install",
		[PST_SUIT_TEXT] = "text",
		[PST_SUIT_UNINSTALL] = "uninstall",
	};

	return label >= 0 && label <= PST_SUIT_LABEL_MAX ? names[label] : NULL;
}
