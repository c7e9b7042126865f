/* postern cbor: well-formedness and diagnostic notation. */
#include <getopt.h>
#include <stdlib.h>

#include "cli.h"
#include "diag/diag.h"

/* Notation is longer than what it stands for: a half is three bytes and up to
 * 22 characters. */
#define NOTATION_MAX (8 * (size_t)CLI_FILE_MAX)

static int
refuse(const char *path, enum pst_err err, size_t at)
{
	return cli_fail("%s: %s at byte %zu", path, pst_err_name(err), at);
}

static int
print(const char *path, enum pst_diag_form form)
{
	struct cli_file f;
	enum pst_err err;
	size_t at = 0;
	int status = cli_read(path, CLI_FILE_MAX, &f);

	if (status != CLI_DONE)
		return status;
	err = pst_diag_print(stdout, cli_bytes(&f), form, NULL, &at);
	if (form != PST_DIAG_LIST)
		putchar('\n');
	if (err != PST_OK)
		status = refuse(path, err, at);
	cli_file_free(&f);
	return status;
}

/* One option that picks a form. */
static int
with_form(int argc, char **argv, const char *option, enum pst_diag_form plain,
    enum pst_diag_form other)
{
	const struct option options[] = { { option, no_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 } };
	enum pst_diag_form form = plain;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'o')
			return cli_usage(argv[0], "unknown option");
		form = other;
	}
	c = cli_operands(argc, argv, optind, 1, 1);
	return c != CLI_DONE ? c : print(argv[optind], form);
}

static int
decode(int argc, char **argv)
{
	return with_form(argc, argv, "json", PST_DIAG_LIST, PST_DIAG_JSON);
}

static int
diag(int argc, char **argv)
{
	return with_form(argc, argv, "pretty", PST_DIAG_LINE, PST_DIAG_PRETTY);
}

static int
encode_file(const char *path, const char *out)
{
	struct pst_diag_fault fault;
	struct cli_file f;
	struct pst_bytes encoded;
	uint8_t *bytes;
	enum pst_err err;
	int status = cli_read(path, NOTATION_MAX, &f);

	if (status != CLI_DONE)
		return status;
	err = pst_diag_parse(cli_bytes(&f), &bytes, &encoded.len, &fault);
	encoded.ptr = bytes;
	if (err != PST_OK)
		status = cli_fail("%s:%zu:%zu: %s", path, fault.line,
		    fault.column, fault.why);
	else
		status = cli_write(out, encoded, 0644);
	free(bytes);
	cli_file_free(&f);
	return status;
}

static int
encode(int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' }, { NULL, 0, NULL, 0 }
	};
	const char *out = "-";
	int c;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c != 'o')
			return cli_usage(argv[0], "unknown option");
		out = optarg;
	}
	c = cli_operands(argc, argv, optind, 1, 1);
	return c != CLI_DONE ? c : encode_file(argv[optind], out);
}

const struct cli_command cli_cbor[] = {
	{ "decode", "[--json] FILE|-", "check that it is one well-formed item",
	    "Lists every head with its offset and what it says. The exit\n"
	    "status is 0 when the bytes are exactly one well-formed item\n"
	    "(RFC 8949, Section 1.2), else 1 and the reason with the offset.\n"
	    "\n  --json  a tree of nodes with offsets instead\n",
	    decode, NULL },
	{ "diag", "[--pretty] FILE|-", "print diagnostic notation",
	    "Encodings that are not the preferred ones are marked, so that\n"
	    "`postern cbor encode` gives back the same bytes.\n"
	    "\n  --pretty  break lines and indent\n",
	    diag, NULL },
	{ "encode", "[-o FILE] FILE|-", "encode diagnostic notation",
	    "Reads the notation of RFC 8949, Section 8 and RFC 8610,\n"
	    "Appendix G: comments, h'', b64'', <<...>>, indicators.\n"
	    "\n  -o, --out FILE  write there instead of to standard output\n",
	    encode, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
