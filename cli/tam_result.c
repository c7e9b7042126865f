/* postern tam devices result, evidence: an EAR for relying parties, and what
 * the device itself sent. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tam.h"

static void
print_jwt(const json_t *result)
{
	puts(tam_text(result, "jwt"));
}

static int
nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The server writes lower-case hexadecimal. */
static int
write_binary(json_t *result, const char *member, const char *what)
{
	const char *hex = tam_text(result, member);

	if (isatty(STDOUT_FILENO)) {
		json_decref(result);
		return cli_fail("%s is binary: direct it into a file", what);
	}
	for (; hex[0] != 0 && hex[1] != 0; hex += 2)
		putchar(nibble(hex[0]) << 4 | nibble(hex[1]));
	json_decref(result);
	return CLI_DONE;
}

int
tam_device_result(const struct tam_args *a, const char *name)
{
	struct tam_request r = {
		.method = "GET", .path = "/devices/*/result", .one = name
	};
	json_t *result;

	if (tam_call(a, &r, &result, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json && a->format != NULL && strcmp(a->format, "cwt") == 0)
		return write_binary(result, "cwt", "a CWT");
	return tam_show(a, result, print_jwt);
}

int
tam_device_evidence(const struct tam_args *a, const char *name)
{
	struct tam_request r = {
		.method = "GET", .path = "/devices/*/evidence", .one = name
	};
	json_t *evidence;

	if (tam_call(a, &r, &evidence, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		return write_binary(evidence, "evidence", "Evidence");
	return tam_show(a, evidence, NULL);
}
