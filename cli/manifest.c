/* postern manifest: make, sign, take apart and check SUIT envelopes. */
#include "manifest.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "diag/component.h"
#include "encrypt.h"
#include "manifest_source.h"

/* --- create ------------------------------------------------------------ */

/* What can be written is not always what a device runs. */
static void
judge(const struct pst_crypto *crypto, const char *from, struct pst_bytes in)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_images images;
	enum pst_err err = pst_suit_envelope_decode(in, &env, NULL);

	if (err == PST_OK)
		err = pst_suit_accept(&env, crypto, &m, NULL);
	if (err == PST_OK)
		err = pst_suit_manifest_images(&m, NULL, NULL, &images);
	if (err != PST_OK && err != PST_ERR_SUIT_SEVERED)
		cli_warn("%s: a device refuses this manifest: %s", from,
		    pst_err_name(err));
}

static int
create_file(const char *from, const char *to)
{
	struct cli_source *s = calloc(1, sizeof(*s));
	struct cli_file out = { NULL, 0 };
	struct cli_keyring ring;
	int status;

	if (s == NULL)
		return cli_fail("no memory");
	s->encryptor = cli_encrypt_component;
	status = cli_keyring_open(&ring);
	if (status == CLI_DONE)
		status = cli_source_read(s, ring.crypto, from);
	if (status == CLI_DONE)
		status = cli_source_encode(s, ring.crypto, &out);
	if (status == CLI_DONE)
		status = cli_write(to, cli_bytes(&out), 0644);
	if (status == CLI_DONE)
		judge(ring.crypto, from, cli_bytes(&out));
	cli_file_free(&out);
	cli_source_close(s);
	cli_keyring_close(&ring);
	free(s);
	return status;
}

static int
create(int argc, char **argv)
{
	static const struct option known[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "template", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	const char *out = "-", *template = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (c == '?')
			return cli_usage(argv[0], "unknown option");
		if (c == 't')
			template = optarg;
		else
			out = optarg;
	}
	if (template != NULL) {
		c = cli_operands(argc, argv, optind, 0, 0);
		return c != CLI_DONE ? c : cli_manifest_template(template);
	}
	c = cli_operands(argc, argv, optind, 1, 1);
	return c != CLI_DONE ? c : create_file(argv[optind], out);
}

/* --- verify ------------------------------------------------------------ */

static void
print_verified(const struct cli_keyring *ring,
    const struct pst_suit_manifest *m, bool json)
{
	const char *path = ring->key[m->who].path;
	char digest[2 * PST_DIGEST_MAX + 1];
	char id[PST_COMPONENT_TEXT_MAX];

	cli_hex_text(m->digest.bytes.ptr, m->digest.bytes.len, digest);
	if (m->component_id.len == 0 ||
	    pst_component_print(m->component_id, id, sizeof(id)) != PST_OK)
		id[0] = '\0';
	if (json)
		printf("{\"verified\":true,\"sequence\":%llu,"
		       "\"manifest\":\"%s\",\"digest\":\"%s\",\"key\":%u}\n",
		    (unsigned long long)m->sequence, id, digest, m->who);
	else
		printf("verified with %s: %s%ssequence %llu, digest %s\n", path,
		    id, id[0] != '\0' ? ", " : "",
		    (unsigned long long)m->sequence, digest);
}

static int
verify_file(struct cli_keyring *ring, const char *path, bool json)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct cli_file file;
	enum pst_err err;
	size_t at = 0;
	int status = cli_envelope_read(path, &file, &env);

	if (status != CLI_DONE)
		return status;
	err = pst_suit_authenticate(&env, ring->crypto, &ring->keys, &m, &at);
	if (err != PST_OK)
		status = cli_fail("%s: %s", path, pst_err_name(err));
	else
		status = cli_manifest_check(ring, &m, path);
	if (status == CLI_DONE)
		print_verified(ring, &m, json);
	cli_file_free(&file);
	return status;
}

static int
verify(int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct cli_keyring ring;
	bool json = false;
	int status = cli_keyring_open(&ring);
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1) {
		if (c == 'k')
			status = cli_keyring_add(&ring, optarg);
		else if (c == 'j')
			json = true;
		else
			status = cli_usage(argv[0], "unknown option");
	}
	if (status == CLI_DONE && ring.count == 0)
		status = cli_usage(argv[0], "a key is needed (--key)");
	if (status == CLI_DONE)
		status = cli_operands(argc, argv, optind, 1, 1);
	if (status == CLI_DONE)
		status = verify_file(&ring, argv[optind], json);
	cli_keyring_close(&ring);
	return status;
}

const struct cli_command cli_manifest[] = {
	{ "create", "[-o FILE] SOURCE.yaml|- | --template NAME",
	    "make an envelope from its source",
	    "The envelope is not signed yet: see postern manifest sign. The\n"
	    "keys of the source are in docs/manifests.md; paths in it are\n"
	    "relative to it.\n"
	    "\n  -o, --out FILE   write there instead of to standard output\n"
	    "  --template NAME  print a source to begin with; list names "
	    "them\n",
	    create, NULL },
	{ "schema", "", "print the JSON Schema of a source",
	    "For editors: in the first line of a source, for those that use\n"
	    "yaml-language-server, write\n"
	    "# yaml-language-server: $schema=FILE\n",
	    cli_manifest_schema, NULL },
	{ "sign",
	    "--key KEY... [--alg ALG] [--export-tbs FILE|--attach FILE] "
	    "[--json] [-o FILE] FILE|-",
	    "add signatures", cli_manifest_sign_help, cli_manifest_sign, NULL },
	{ "encrypt",
	    "--to KEY... [--to-evidence FILE --anchors DIR --reference FILE] "
	    "[--alg ALG] [--out FILE] [--info FILE] [--force] [--json] FILE|- "
	    "| --rewrap INFO --key KEY...",
	    "encrypt a payload to its recipients", cli_manifest_encrypt_help,
	    cli_manifest_encrypt, NULL },
	{ "sever",
	    "[--section NAME]... [--payload NAME]... [--payloads] "
	    "[--to DIR|--join DIR] [--force] [--json] [-o FILE] FILE|-",
	    "leave out what can be severed, or put it in again",
	    cli_manifest_sever_help, cli_manifest_sever, NULL },
	{ "verify", "--key KEY... [--json] FILE|-",
	    "check signature and digests",
	    "Authenticates the manifest, and checks every severed section and\n"
	    "every integrated payload against the digest that was signed.\n"
	    "\n  -k, --key KEY  a trusted signer's key; may be given several "
	    "times\n"
	    "  --json         print JSON\n",
	    verify, NULL },
	{ "show",
	    "[--key KEY]... [--json | --yaml [--authentication] "
	    "[--payloads DIR]] FILE|-",
	    "tell what a manifest is and does",
	    "Without a key nothing is verified but digests; with keys, it is\n"
	    "told which of them signed it, and the exit status is 1 when none "
	    "did.\n"
	    "See also postern inspect.\n"
	    "\n  -k, --key KEY     a signer's key; may be given several times\n"
	    "  --json            print JSON\n"
	    "  --yaml            print a source that gives the same manifest "
	    "again\n"
	    "  --authentication  with its signatures: then create gives the "
	    "very\n"
	    "                    same envelope\n"
	    "  --payloads DIR    integrated payloads go to files there\n",
	    cli_manifest_show, NULL },
	{ "run",
	    "--key KEY... --root DIR [--device FILE] [--payload URI=FILE]... "
	    "[--uninstall | --invoke] [--report FILE] [--json] FILE...",
	    "run a manifest's procedure in a directory", cli_manifest_run_help,
	    cli_manifest_run, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
