/* Envelopes in files, and the names of their sections. */
#include "manifest.h"

int
cli_envelope_read(
    const char *path, struct cli_file *file, struct pst_suit_envelope *env)
{
	enum pst_err err;
	size_t at = 0;
	int status = cli_read(path, CLI_FILE_MAX, file);

	if (status != CLI_DONE)
		return status;
	err = pst_suit_envelope_decode(cli_bytes(file), env, &at);
	if (err == PST_OK)
		return CLI_DONE;
	cli_file_free(file);
	return cli_fail("%s: %s at byte %zu", path, pst_err_name(err), at);
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
