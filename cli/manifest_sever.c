/* postern manifest sever: take an envelope apart. */
#include <getopt.h>
#include <postern/suit_encode.h>
#include <string.h>

#include "manifest.h"
#include "manifest_source.h"

struct sever {
	struct pst_suit_envelope env;
	uint32_t sections;
	bool payloads;
};

static enum pst_err
sever_some(struct pst_cbor_writer *w, void *ctx)
{
	const struct sever *s = ctx;

	return pst_suit_sever(w, &s->env, s->sections, s->payloads);
}

static int
sever_options(struct sever *s, const char **out, int argc, char **argv)
{
	static const struct option known[] = {
		{ "section", required_argument, NULL, 's' },
		{ "payloads", no_argument, NULL, 'p' },
		{ "out", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t bit;
	int c;

	while ((c = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (c == 'o') {
			*out = optarg;
		} else if (c == 'p') {
			s->payloads = true;
		} else if (c == 's') {
			bit = cli_section_bit(optarg);
			if (bit == 0)
				return cli_usage(argv[0],
				    "no severable section: %s", optarg);
			s->sections |= bit;
		} else {
			return cli_usage(argv[0], "unknown option");
		}
	}
	if (s->sections == 0 && !s->payloads)
		s->sections = UINT32_MAX;
	return cli_operands(argc, argv, optind, 1, 1);
}

int
cli_manifest_sever(int argc, char **argv)
{
	struct sever s = { .payloads = false };
	const char *out = NULL;
	struct cli_file file;
	int status = sever_options(&s, &out, argc, argv);

	if (status == CLI_DONE)
		status = cli_envelope_read(argv[optind], &file, &s.env);
	if (status != CLI_DONE)
		return status;
	/* Only what the envelope carries, and not more than that is. */
	s.sections &= pst_suit_members(&s.env);
	status = cli_envelope_write(
	    sever_some, &s, argv[optind], out != NULL ? out : argv[optind]);
	cli_file_free(&file);
	return status;
}

const char cli_manifest_sever_help[] =
    "Signatures stay valid. In place, unless an output is named.\n"
    "\n  --section NAME  payload-fetch, install or text; may be given\n"
    "                  several times; without it, all of them\n"
    "  --payloads      leave out integrated payloads\n"
    "  -o, --out FILE  write there; - for standard output\n";
