/* postern inspect: any file of these protocols, annotated. */
#include <getopt.h>

#include "cli.h"
#include "diag/diag.h"

const char cli_inspect_help[] =
    "Prints annotated diagnostic notation of any CBOR, COSE, SUIT, TEEP,\n"
    "EAT or report file: names of labels, algorithms, commands and reasons,\n"
    "and what is inside byte strings. Nothing is verified. What is printed\n"
    "can be encoded again with `postern cbor encode`, unless a byte string of\n"
    "more than 256 bytes was cut, which a comment then says. Where the file "
    "is\n"
    "malformed, what precedes is printed, then the reason and the offset;\n"
    "the exit status is then 1.\n"
    "\n  --full  all bytes of every byte string\n"
    "  --json  a tree of nodes with offsets and names instead, nothing cut\n";

static void
print_json(struct pst_bytes in, const struct pst_shape *shape, const char *what,
    enum pst_err *err, size_t *at)
{
	fputs("{\"what\":", stdout);
	if (what != NULL)
		printf("\"%s\"", what);
	else
		fputs("null", stdout);
	printf(",\"size\":%zu,\"item\":", in.len);
	*err = pst_diag_check(in, at);
	/* A file that does not even begin with a head has no node. */
	if (*err != PST_OK && *at == 0)
		fputs("null", stdout);
	else
		*err = pst_diag_print(stdout, in, PST_DIAG_JSON, shape, at);
	if (*err != PST_OK)
		printf(",\"error\":{\"reason\":\"%s\",\"offset\":%zu}",
		    pst_err_name(*err), *at);
	fputs("}\n", stdout);
}

static void
print_text(struct pst_bytes in, const struct pst_shape *shape, const char *what,
    enum pst_diag_form form, enum pst_err *err, size_t *at)
{
	printf("/ %s, %zu bytes /\n", what != NULL ? what : "CBOR", in.len);
	*err = pst_diag_print(stdout, in, form, shape, at);
	putchar('\n');
	if (*err != PST_OK)
		printf("/ stops at byte %zu: %s /\n", *at, pst_err_name(*err));
}

static int
inspect(const char *path, enum pst_diag_form form)
{
	const struct pst_shape *shape;
	const char *what;
	struct cli_file f;
	enum pst_err err;
	size_t at = 0;
	int status = cli_read(path, CLI_FILE_MAX, &f);

	if (status != CLI_DONE)
		return status;
	shape = pst_diag_guess(cli_bytes(&f), &what);
	if (form == PST_DIAG_JSON)
		print_json(cli_bytes(&f), shape, what, &err, &at);
	else
		print_text(cli_bytes(&f), shape, what, form, &err, &at);
	if (err != PST_OK)
		status = cli_fail(
		    "%s: stops at byte %zu: %s", path, at, pst_err_name(err));
	cli_file_free(&f);
	return status;
}

int
cli_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "full", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	enum pst_diag_form form = PST_DIAG_BRIEF;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j' && c != 'f')
			return cli_usage(argv[0], "unknown option");
		/* JSON has everything: both together are JSON. */
		if (form != PST_DIAG_JSON)
			form = c == 'j' ? PST_DIAG_JSON : PST_DIAG_ANNOTATED;
	}
	c = cli_operands(argc, argv, optind, 1, 1);
	return c != CLI_DONE ? c : inspect(argv[optind], form);
}
