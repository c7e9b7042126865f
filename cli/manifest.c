/* postern manifest: make, sign, take apart and check SUIT envelopes. */
#include "manifest.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "diag/component.h"
#include "manifest_source.h"

/* Something that writes an envelope, run once to count and once to write. */
typedef enum pst_err envelope_writer(struct pst_cbor_writer *w, void *ctx);

static int
write_envelope(
    envelope_writer *writer, void *ctx, const char *from, const char *to)
{
	struct pst_cbor_writer w;
	uint8_t *buf;
	size_t cap;
	enum pst_err err;
	int status;

	pst_cbor_writer_count(&w);
	err = writer(&w, ctx);
	if (err != PST_OK)
		return cli_fail("%s: %s", from, pst_err_name(err));
	/* A signature may come out longer the second time, by little. */
	cap = w.len + PST_SIGNATURE_MAX;
	buf = malloc(cap);
	if (buf == NULL)
		return cli_fail("%s: no memory", from);
	pst_cbor_writer_init(&w, buf, cap);
	err = writer(&w, ctx);
	if (err != PST_OK)
		status = cli_fail("%s: %s", from, pst_err_name(err));
	else
		status = cli_write(to, pst_cbor_written(&w), 0644);
	free(buf);
	return status;
}

/* --- create ------------------------------------------------------------ */

struct create {
	const struct pst_crypto *crypto;
	const struct pst_suit_build *what;
};

static enum pst_err
build(struct pst_cbor_writer *w, void *ctx)
{
	const struct create *c = ctx;

	return pst_suit_build(w, c->crypto, c->what);
}

static int
create_file(const char *from, const char *to)
{
	struct cli_source *s = calloc(1, sizeof(*s));
	struct cli_keyring ring;
	struct create c;
	int status;

	if (s == NULL)
		return cli_fail("no memory");
	status = cli_keyring_open(&ring);
	if (status == CLI_DONE)
		status = cli_source_read(s, ring.crypto, from);
	c = (struct create){ ring.crypto, &s->build };
	if (status == CLI_DONE)
		status = write_envelope(build, &c, from, to);
	cli_source_close(s);
	cli_keyring_close(&ring);
	free(s);
	return status;
}

static int
create(int argc, char **argv)
{
	static const struct option known[] = {
		{ "out", required_argument, NULL, 'o' }, { NULL, 0, NULL, 0 }
	};
	const char *out = "-";
	int c;

	while ((c = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (c != 'o')
			return cli_usage(argv[0], "unknown option");
		out = optarg;
	}
	c = cli_operands(argc, argv, optind, 1, 1);
	return c != CLI_DONE ? c : create_file(argv[optind], out);
}

/* --- sign -------------------------------------------------------------- */

struct sign {
	struct cli_keyring ring;
	struct pst_suit_envelope env;
	struct pst_signer signer;
	uint64_t kind;
};

static enum pst_err
sign_one(struct pst_cbor_writer *w, void *ctx)
{
	const struct sign *s = ctx;

	return pst_suit_sign(
	    w, &s->env, s->ring.crypto, s->kind, &s->signer, 1);
}

static int
sign_with(struct sign *s, size_t i, const char *from, const char *to)
{
	struct pst_signer signers[CLI_KEYS_MAX];
	struct cli_file file;
	size_t count;
	int status = cli_keyring_signers(&s->ring, signers, &count);

	if (status == CLI_DONE)
		status = cli_envelope_read(from, &file, &s->env);
	if (status != CLI_DONE)
		return status;
	if (pst_pubkey_published(&s->ring.key[i].pub))
		cli_warn("%s: this key was published; it protects nothing",
		    s->ring.key[i].path);
	s->signer = signers[i];
	s->kind = s->ring.key[i].pub.kty == PST_KTY_SYMMETRIC ? PST_TAG_MAC0
							      : PST_TAG_SIGN1;
	status = write_envelope(sign_one, s, from, to);
	cli_file_free(&file);
	return status;
}

static int
sign_options(struct sign *s, const char **out, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "out", required_argument, NULL, 'o' },
		{ "in-place", no_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:o:", known, NULL)) != -1) {
		if (c == 'k')
			status = cli_keyring_add(&s->ring, optarg);
		else if (c == 'o')
			*out = optarg;
		else if (c != 'i')
			return cli_usage(argv[0], "unknown option");
	}
	if (status != CLI_DONE)
		return status;
	if (s->ring.count == 0)
		return cli_usage(argv[0], "a key is needed (--key)");
	return cli_operands(argc, argv, optind, 1, 1);
}

static int
sign(int argc, char **argv)
{
	struct sign s;
	const char *from, *out = NULL;
	int status = cli_keyring_open(&s.ring);
	size_t i;

	if (status == CLI_DONE)
		status = sign_options(&s, &out, argc, argv);
	from = argv[optind];
	if (status == CLI_DONE && out == NULL)
		out = from;
	if (status == CLI_DONE && s.ring.count > 1 && strcmp(out, "-") == 0)
		status = cli_usage(
		    argv[0], "with several keys the output is a file");
	/* Each key adds a block of its own to what the one before wrote. */
	for (i = 0; status == CLI_DONE && i < s.ring.count; i++)
		status = sign_with(&s, i, i == 0 ? from : out, out);
	cli_keyring_close(&s.ring);
	return status;
}

/* --- sever ------------------------------------------------------------- */

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

static int
sever(int argc, char **argv)
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
	status = write_envelope(
	    sever_some, &s, argv[optind], out != NULL ? out : argv[optind]);
	cli_file_free(&file);
	return status;
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
	{ "create", "[-o FILE] SOURCE.yaml|-",
	    "make an envelope from its source",
	    "The envelope is not signed yet: see postern manifest sign. The\n"
	    "keys of the source are in docs/manifests.md; paths in it are\n"
	    "relative to it.\n"
	    "\n  -o, --out FILE  write there instead of to standard output\n",
	    create, NULL },
	{ "sign", "--key KEY... [-o FILE] FILE|-", "add a signature",
	    "In place, unless an output is named.\n"
	    "\n  -k, --key KEY   the signer's private key; a symmetric one "
	    "makes a\n"
	    "                  MAC; each adds an authentication block\n"
	    "  -o, --out FILE  write there; - for standard output\n",
	    sign, NULL },
	{ "sever", "[--section NAME]... [--payloads] [-o FILE] FILE|-",
	    "leave out what can be severed",
	    "Signatures stay valid. In place, unless an output is named.\n"
	    "\n  --section NAME  payload-fetch, install or text; may be given\n"
	    "                  several times; without it, all of them\n"
	    "  --payloads      leave out integrated payloads\n"
	    "  -o, --out FILE  write there; - for standard output\n",
	    sever, NULL },
	{ "verify", "--key KEY... [--json] FILE|-",
	    "check signature and digests",
	    "Authenticates the manifest, and checks every severed section and\n"
	    "every integrated payload against the digest that was signed.\n"
	    "\n  -k, --key KEY  a trusted signer's key; may be given several "
	    "times\n"
	    "  --json         print JSON\n",
	    verify, NULL },
	{ "show", "[--json] FILE|-", "summarise an envelope, unverified",
	    "Nothing is verified but digests. See also postern inspect.\n"
	    "\n  --json  print JSON\n",
	    cli_manifest_show, NULL },
	{ "run",
	    "--key KEY... --root DIR [--device FILE] [--payload URI=FILE]... "
	    "[--uninstall] [--json] FILE...",
	    "run a manifest's procedure in a directory", cli_manifest_run_help,
	    cli_manifest_run, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
