/*
 * The YAML that a developer writes. What is accepted gives the same envelope
 * each time, and where that is one that can be taken apart, YAML again that
 * gives it. Files are not read: each has the same few bytes.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* All of it but what reads files. */
#define cli_read cli_read_file
#include "cli/file.c"
#undef cli_read
#include "cli/manifest.h"
#include "cli/manifest_source.h"
#include "fuzz.h"

int cli_read(const char *path, size_t max, struct cli_file *out);

static struct cli_keyring ring;
static FILE *nowhere;

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(nowhere, fmt, ap);
	va_end(ap);
	return CLI_REFUSED;
}

void
cli_warn(const char *fmt, ...)
{
	(void)fmt;
}

int
cli_usage(const char *command, const char *fmt, ...)
{
	(void)command;
	(void)fmt;
	return CLI_USAGE;
}

int
cli_read(const char *path, size_t max, struct cli_file *out)
{
	(void)path;
	out->ptr = calloc(1, 8);
	if (out->ptr == NULL || max < 3)
		return CLI_REFUSED;
	memcpy(out->ptr, "\xd8\x60\x80", 3);
	out->len = 3;
	return CLI_DONE;
}

static int
encode(struct pst_bytes text, struct cli_file *out)
{
	struct cli_source *s = calloc(1, sizeof(*s));
	int status;

	MUST(s != NULL);
	status = cli_source_parse(s, ring.crypto, "input", text);
	if (status == CLI_DONE)
		status = cli_source_encode(s, ring.crypto, out);
	cli_source_close(s);
	free(s);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes text = { data, size };
	struct cli_file first = { NULL, 0 }, second = { NULL, 0 };
	struct pst_suit_envelope env;

	if (ring.crypto == NULL) {
		nowhere = fopen("/dev/null", "w");
		MUST(nowhere != NULL);
		MUST(cli_keyring_open(&ring) == CLI_DONE);
	}
	/* Some files are measured as streams, without cli_read. */
	if (size > 65536 || memchr(data, '/', size) != NULL)
		return 0;
	if (encode(text, &first) != CLI_DONE)
		return 0;
	MUST(encode(text, &second) == CLI_DONE);
	MUST(pst_equal(cli_bytes(&first), cli_bytes(&second)));
	if (pst_suit_envelope_decode(cli_bytes(&first), &env, NULL) == PST_OK)
		MUST(cli_manifest_yaml("input", cli_bytes(&first), &env,
			 ring.crypto, true, NULL, nowhere) == CLI_DONE);
	cli_file_free(&first);
	cli_file_free(&second);
	return 0;
}
