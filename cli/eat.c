/* postern eat: show and check Entity Attestation Tokens (RFC 9711). */
#include <getopt.h>
#include <postern/eat_modules.h>
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

/* A submodule's name is the device's: nothing of it reaches a terminal that
 * this would obey. */
static int
tell_fault(
    const char *path, enum pst_err err, const struct pst_eat_fault *fault)
{
	char name[PST_EAT_MODULE_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < fault->module.len; i++) {
		uint8_t c = fault->module.ptr[i];

		name[i] = (char)(c < ' ' || c > '~' ? '?' : c);
	}
	name[i] = '\0';
	if (i > 0)
		return cli_fail("%s: submodule \"%s\": %s at byte %zu of it",
		    path, name, pst_err_name(err), fault->at);
	return cli_fail("%s: %s at byte %zu of the claims", path,
	    pst_err_name(err), fault->at);
}

/* RFC 9711: the nonce that was asked for. One longer than the claim holds is
 * compared by its digest. */
static enum pst_err
check_nonce(const struct eat_args *a, const struct pst_eat *eat)
{
	uint8_t want[PST_EAT_NONCE_MAX];
	struct pst_bytes nonce = { want, 0 };
	enum pst_err err;

	err = pst_eat_nonce_of(a->ring.crypto, a->nonce, want, &nonce.len);
	if (err == PST_OK && nonce.len > 0 && !pst_equal(nonce, eat->nonce))
		err = PST_ERR_EAT_NONCE;
	return err;
}

/* All that the token holds: claims, submodules, nested tokens and detached
 * claims, each with the times that it gives. */
static int
verify_tree(struct eat_args *a, const char *path, const struct cli_message *m,
    const struct pst_eat_bundle *bundle)
{
	static struct pst_eat_tree tree;
	struct pst_eat_fault fault = { .at = 0 };
	enum pst_err err;
	size_t i;

	err = pst_eat_tree_read(
	    &m->verified, bundle, a->ring.crypto, &a->ring.keys, &tree, &fault);
	if (err != PST_OK)
		return tell_fault(path, err, &fault);
	err = check_nonce(a, &tree.node[0].claims);
	for (i = 0; i < tree.count && err == PST_OK; i++) {
		fault.module = tree.node[i].name;
		err = pst_eat_check_times(
		    &tree.node[i].claims, (uint64_t)time(NULL), SKEW_S);
	}
	if (err != PST_OK && fault.module.len > 0)
		return tell_fault(path, err, &fault);
	return err == PST_OK ? CLI_DONE
			     : cli_fail("%s: %s", path, pst_err_name(err));
}

static int
verify_bytes(struct eat_args *a, const char *command, const char *path,
    struct pst_bytes in)
{
	struct pst_eat_bundle bundle = { .token = in };
	struct cli_message m;
	enum pst_err err;
	size_t at;
	bool bundled = pst_eat_bundle_is(in);
	int status;

	err = bundled ? pst_eat_bundle_decode(in, &bundle, &at) : PST_OK;
	if (err != PST_OK)
		return cli_fail("%s: %s at byte %zu of the bundle", path,
		    pst_err_name(err), at);
	status = cli_unwrap(&a->ring, command, path, bundle.token, &m);
	if (status == CLI_DONE && !m.wrapped)
		status = cli_fail("%s: claims without a signature", path);
	if (status == CLI_DONE)
		status = verify_tree(a, path, &m, bundled ? &bundle : NULL);
	if (status != CLI_DONE)
		return status;
	return print(
	    bundled ? in : m.verified.payload, a->json, "\"verified\":true,");
}

static int
verify_file(struct eat_args *a, const char *command, const char *path)
{
	struct cli_file f;
	int status;

	if (a->ring.count == 0)
		return cli_usage(command, "a key is needed (--key)");
	status = cli_read(path, CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	status = verify_bytes(a, command, path, cli_bytes(&f));
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
	    "60 seconds of tolerance. Of submodules the same; nested tokens\n"
	    "need a key as well, and the detached claims of a bundle must\n"
	    "have the digests that the token gives.\n"
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
