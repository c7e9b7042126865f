/* postern eat: show and check Entity Attestation Tokens (RFC 9711). */
#include <getopt.h>
#include <postern/eat.h>
#include <postern/teep.h>
#include <string.h>
#include <time.h>

#include "diag/diag.h"
#include "eat.h"
#include "keyring.h"

/* Clocks may differ by this much. */
enum { SKEW_S = 60 };

struct eat_args {
	struct cli_keyring ring;
	struct pst_bytes nonce;
	uint8_t nonce_bytes[PST_CHALLENGE_MAX];
	bool json;
};

static int
options(struct eat_args *a, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "nonce", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	a->nonce.ptr = a->nonce_bytes;
	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1) {
		if (c == 'k')
			status = cli_keyring_add(&a->ring, optarg);
		else if (c == 'j')
			a->json = true;
		else if (c != 'n')
			status = cli_usage(argv[0], "unknown option");
		else if (!cli_hex(optarg, a->nonce_bytes,
			     sizeof(a->nonce_bytes), &a->nonce.len) ||
		    a->nonce.len == 0)
			status = cli_usage(argv[0],
			    "--nonce needs 1 to %d bytes in hexadecimal",
			    PST_CHALLENGE_MAX);
	}
	if (status != CLI_DONE)
		return status;
	return cli_operands(argc, argv, optind, 1, 1);
}

static int
print(struct pst_bytes item, bool json, const char *verdict)
{
	const struct pst_shape *shape;
	const char *what;
	enum pst_err err;
	size_t at = 0;

	shape = pst_diag_guess(item, &what);
	if (json)
		printf("{%s\"item\":", verdict);
	err = pst_diag_print(stdout, item,
	    json ? PST_DIAG_JSON : PST_DIAG_ANNOTATED, shape, &at);
	fputs(json ? "}\n" : "\n", stdout);
	if (err != PST_OK)
		return cli_fail("stops at byte %zu: %s", at, pst_err_name(err));
	return CLI_DONE;
}

/* RFC 9711: the nonce that was asked for, and the times that the token gives.
 * A nonce longer than the claim holds is compared by its digest. */
static enum pst_err
check(const struct eat_args *a, const struct pst_eat *eat)
{
	uint8_t want[PST_EAT_NONCE_MAX];
	struct pst_bytes nonce = { want, 0 };
	enum pst_err err;

	err = pst_eat_nonce_of(a->ring.crypto, a->nonce, want, &nonce.len);
	if (err != PST_OK)
		return err;
	if (nonce.len > 0 && !pst_equal(nonce, eat->nonce))
		return PST_ERR_EAT_NONCE;
	return pst_eat_check_times(eat, (uint64_t)time(NULL), SKEW_S);
}

static int
verify_message(
    struct eat_args *a, const char *path, const struct cli_message *m)
{
	struct pst_eat eat;
	enum pst_err err;
	size_t at = 0;

	err = pst_eat_decode(&m->verified, &eat, &at);
	if (err != PST_OK)
		return cli_fail("%s: %s at byte %zu of the claims", path,
		    pst_err_name(err), at);
	err = check(a, &eat);
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	return print(m->verified.payload, a->json, "\"verified\":true,");
}

static int
verify_file(struct eat_args *a, const char *command, const char *path)
{
	struct cli_message m;
	struct cli_file f;
	int status;

	if (a->ring.count == 0)
		return cli_usage(command, "a key is needed (--key)");
	status = cli_read(path, CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	status = cli_unwrap(&a->ring, command, path, cli_bytes(&f), &m);
	if (status == CLI_DONE && !m.wrapped)
		status = cli_fail("%s: claims without a signature", path);
	if (status == CLI_DONE)
		status = verify_message(a, path, &m);
	cli_file_free(&f);
	return status;
}

static int
verify(int argc, char **argv)
{
	struct eat_args a = { .json = false };
	int status = cli_keyring_open(&a.ring);

	if (status == CLI_DONE)
		status = options(&a, argc, argv);
	if (status == CLI_DONE)
		status = verify_file(&a, argv[0], argv[optind]);
	cli_keyring_close(&a.ring);
	return status;
}

static int
show(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct cli_file f;
	bool json = false;
	int status, c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c != 'j')
			return cli_usage(argv[0], "unknown option");
		json = true;
	}
	status = cli_operands(argc, argv, optind, 1, 1);
	if (status == CLI_DONE)
		status = cli_read(argv[optind], CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	status = print(cli_bytes(&f), json, "");
	cli_file_free(&f);
	return status;
}

const struct cli_command cli_eat[] = {
	{ "show", "[--json] FILE|-", "print a token or claims, unverified",
	    "Nothing is verified.\n\n  --json  print JSON\n", show, NULL },
	{ "verify", "--key KEY... [--nonce HEX] [--json] FILE|-",
	    "check a token's signature, claims, nonce and times",
	    "Checks the signature, the types of the known claims, the nonce\n"
	    "when one is given, and exp, nbf and iat against the clock, with\n"
	    "60 seconds of tolerance.\n"
	    "\n  -k, --key KEY  the attestation key; may be given several "
	    "times\n"
	    "  --nonce HEX    the nonce that was asked for\n"
	    "  --json         print JSON\n",
	    verify, NULL },
	{ "appraise",
	    "--evidence FILE --format TYPE [--anchors DIR] [--key KEY]...\n"
	    "          [--collateral FILE]... [--reference FILE]... [--nonce "
	    "HEX]\n"
	    "          [--time RFC3339] [--allow-debug] [--need-reference] "
	    "[--json]",
	    "judge Evidence as a Verifier does, and say why",
	    "Checks signatures, certificates up to the anchors, revocation "
	    "where\n"
	    "there are CRLs, the nonce, debug state and Reference Values, and\n"
	    "prints each check and every claim. Nothing is fetched.\n"
	    "\n  --evidence FILE    the Evidence\n"
	    "  --format TYPE      its media type, or the name of its "
	    "technology\n"
	    "  --anchors DIR      certificates and attestation keys that are "
	    "trusted\n"
	    "  -k, --key KEY      an attestation key; may be given several "
	    "times\n"
	    "  --collateral FILE  certificates, CRLs, vendors' collateral\n"
	    "  --reference FILE   Reference Values, JSON\n"
	    "  --nonce HEX        the challenge\n"
	    "  --time RFC3339     when to judge; the default is now\n"
	    "  --allow-debug      accept an environment that can be debugged\n"
	    "  --need-reference   refuse what no Reference Value speaks of\n"
	    "  --json             print JSON\n",
	    cli_eat_appraise, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
