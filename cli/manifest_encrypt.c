/*
 * postern manifest encrypt: a payload for its recipients. The ciphertext and
 * the SUIT_Encryption_Info go to files that a manifest's source names.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "encrypt.h"
#include "manifest.h"
#include "manifest_evidence.h"
#include "progress.h"

struct encrypt {
	struct cli_keyring ring; /* recipients, then keys that open */
	const char *key[CLI_KEYS_MAX];
	size_t key_count, recipients;
	struct cli_evidence_args device;
	const char *rewrap; /* NULL: a payload is encrypted */
	int32_t alg;
	const char *from;
	char *out, *info; /* owned */
	bool force, json;
	struct cli_output cipher;
	struct cli_encrypted done;
};

static const char *
default_name(const char *given)
{
	return given != NULL ? given : "A128GCM";
}

/* --- what is said of it ----------------------------------------------------
 */

static void
json_part(const char *name, uint64_t bytes, const uint8_t *sha256, FILE *f)
{
	char digest[2 * 32 + 1];

	cli_hex_text(sha256, 32, digest);
	fprintf(f, "\"%s\":{\"bytes\":%llu,\"sha-256\":\"%s\"}", name,
	    (unsigned long long)bytes, digest);
}

static void
print_json(const struct encrypt *e, FILE *f)
{
	fprintf(f, "{\"alg\":%d,\"name\":\"%s\",\"recipients\":%zu,", e->alg,
	    pst_alg_name(e->alg), e->ring.count);
	json_part("plaintext", e->done.plain_bytes, e->done.plain_sha256, f);
	fputc(',', f);
	json_part("ciphertext", e->done.cipher_bytes, e->done.cipher_sha256, f);
	fputs("}\n", f);
}

static void
print_key(FILE *f, const char *key, const char *value)
{
	fprintf(f, "  %s: ", key);
	pst_print_safe(f, cli_text(value));
	fputc('\n', f);
}

static void
print_text(const struct encrypt *e, FILE *f)
{
	char digest[2 * 32 + 1];

	cli_hex_text(e->done.plain_sha256, 32, digest);
	fprintf(f, "encrypted with %s to %zu %s; for the manifest's source:\n",
	    pst_alg_name(e->alg), e->ring.count,
	    e->ring.count == 1 ? "recipient" : "recipients");
	print_key(f, "payload", e->out);
	print_key(f, "encryption-info", e->info);
	if (strcmp(e->from, "-") != 0)
		print_key(f, "plaintext", e->from);
	else
		fprintf(f, "  digest: sha-256:%s\n  size: %llu\n", digest,
		    (unsigned long long)e->done.plain_bytes);
}

static void
say(const struct encrypt *e)
{
	FILE *f = strcmp(e->out, "-") == 0 ? stderr : stdout;

	if (e->json)
		print_json(e, f);
	else
		print_text(e, f);
}

/* --- files -----------------------------------------------------------------
 */

static int
encrypt_stream(struct encrypt *e, FILE *in)
{
	struct cli_output info;
	struct pst_bytes content = { e->done.info, 0 };
	int status = cli_output_open(&info, e->info, 0644, e->force);

	if (status != CLI_DONE)
		return status;
	status = cli_encrypt(&e->ring, e->alg, e->from, in, cli_output_write,
	    &e->cipher, &e->done);
	content.len = e->done.info_len;
	if (status == CLI_DONE && !cli_output_write(&info, content))
		status = cli_fail("%s: %s", e->info, strerror(errno));
	/* An information without its ciphertext is worth nothing. */
	if (status == CLI_DONE)
		status = cli_output_commit(&e->cipher);
	if (status == CLI_DONE)
		status = cli_output_commit(&info);
	cli_output_abandon(&info);
	return status;
}

static int
encrypt_file(struct encrypt *e)
{
	bool standard = strcmp(e->from, "-") == 0;
	FILE *in = standard ? stdin : fopen(e->from, "rb");
	int status;

	if (in == NULL)
		return cli_fail("%s: %s", e->from, strerror(errno));
	if (e->json)
		cli_progress_off();
	status = cli_output_open(&e->cipher, e->out, 0644, e->force);
	if (status == CLI_DONE)
		status = encrypt_stream(e, in);
	cli_output_abandon(&e->cipher);
	if (!standard)
		fclose(in);
	if (status == CLI_DONE)
		say(e);
	return status;
}

/* FILE.enc and FILE.info, unless they are named. */
static int
names(struct encrypt *e, const char *command, const char *out, const char *info)
{
	bool standard = strcmp(e->from, "-") == 0;
	bool ok = true;

	if (standard && (out == NULL || info == NULL))
		return cli_usage(command,
		    "standard input has no name: --out and --info are needed");
	if (info != NULL && strcmp(info, "-") == 0)
		return cli_usage(command, "--info needs a file");
	if (out != NULL)
		e->out = strdup(out);
	else
		ok = asprintf(&e->out, "%s.enc", e->from) >= 0;
	if (info != NULL)
		e->info = strdup(info);
	else
		ok = asprintf(&e->info, "%s.info", e->from) >= 0 && ok;
	if (!ok || e->out == NULL || e->info == NULL)
		return cli_fail("no memory");
	return CLI_DONE;
}

/* --- other recipients --------------------------------------------------------
 */

static int
rewrap(struct encrypt *e)
{
	struct cli_output out;
	struct cli_file info;
	struct pst_bytes content = { e->done.info, 0 };
	int status = cli_read(e->rewrap, CLI_ENCRYPTION_INFO_MAX, &info);

	if (status != CLI_DONE)
		return status;
	status = cli_rewrap(
	    &e->ring, e->recipients, e->rewrap, cli_bytes(&info), &e->done);
	cli_file_free(&info);
	if (status == CLI_DONE)
		status = cli_output_open(&out, e->info, 0644, e->force);
	if (status != CLI_DONE)
		return status;
	content.len = e->done.info_len;
	if (!cli_output_write(&out, content))
		status = cli_fail("%s: %s", e->info, strerror(errno));
	if (status == CLI_DONE)
		status = cli_output_commit(&out);
	cli_output_abandon(&out);
	return status;
}

/* --- the command -----------------------------------------------------------
 */

/* The content stays: there is no payload, and nothing to choose for it. */
static int
rewrap_options(struct encrypt *e, int argc, char **argv, const char *alg,
    const char *out, const char *info)
{
	size_t i;
	int status = cli_operands(argc, argv, optind, 0, 0);

	if (status != CLI_DONE)
		return status;
	if (alg != NULL || out != NULL || e->json)
		return cli_usage(argv[0], "--rewrap leaves the content alone");
	if (info == NULL)
		return cli_usage(argv[0], "--rewrap writes to --info FILE");
	e->info = strdup(info);
	if (e->info == NULL)
		return cli_fail("no memory");
	for (i = 0; status == CLI_DONE && i < e->key_count; i++)
		status = cli_keyring_add(&e->ring, e->key[i]);
	return status;
}

static void
device_option(struct cli_evidence_args *d, int c)
{
	d->evidence = c == 'E' ? optarg : d->evidence;
	d->anchors = c == 'A' ? optarg : d->anchors;
	d->reference = c == 'R' ? optarg : d->reference;
}

static int
device_recipient(struct encrypt *e, const char *command)
{
	const struct cli_evidence_args *d = &e->device;
	bool all =
	    d->evidence != NULL && d->anchors != NULL && d->reference != NULL;

	if (all)
		return cli_evidence_recipient(d, &e->ring);
	if (d->evidence == NULL && d->anchors == NULL && d->reference == NULL)
		return CLI_DONE;
	return cli_usage(
	    command, "--to-evidence, --anchors and --reference go together");
}

static int
options(struct encrypt *e, int argc, char **argv)
{
	static const struct option known[] = {
		{ "to", required_argument, NULL, 't' },
		{ "to-evidence", required_argument, NULL, 'E' },
		{ "anchors", required_argument, NULL, 'A' },
		{ "reference", required_argument, NULL, 'R' },
		{ "rewrap", required_argument, NULL, 'r' },
		{ "key", required_argument, NULL, 'k' },
		{ "alg", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ "info", required_argument, NULL, 'i' },
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *alg = NULL, *out = NULL, *info = NULL;
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "t:k:a:o:f", known, NULL)) != -1) {
		if (c == '?')
			return cli_usage(argv[0], "unknown option");
		if (c == 't')
			status = cli_keyring_add(&e->ring, optarg);
		if (c == 'k' && e->key_count == CLI_KEYS_MAX)
			return cli_usage(argv[0], "too many keys");
		if (c == 'k')
			e->key[e->key_count++] = optarg;
		if (c == 'E' && e->device.evidence != NULL)
			return cli_usage(argv[0], "one --to-evidence only");
		device_option(&e->device, c);
		e->rewrap = c == 'r' ? optarg : e->rewrap;
		alg = c == 'a' ? optarg : alg;
		out = c == 'o' ? optarg : out;
		info = c == 'i' ? optarg : info;
		e->force |= c == 'f';
		e->json |= c == 'j';
	}
	if (status == CLI_DONE)
		status = device_recipient(e, argv[0]);
	if (status != CLI_DONE)
		return status;
	if (e->ring.count == 0)
		return cli_usage(
		    argv[0], "a recipient is needed (--to or --to-evidence)");
	e->recipients = e->ring.count;
	if ((e->rewrap != NULL) != (e->key_count > 0))
		return cli_usage(
		    argv[0], "--rewrap needs a key that opens it (--key)");
	if (e->rewrap != NULL)
		return rewrap_options(e, argc, argv, alg, out, info);
	e->alg = cli_content_alg(default_name(alg));
	if (e->alg == 0)
		return cli_usage(argv[0], "no content encryption: %s", alg);
	status = cli_operands(argc, argv, optind, 1, 1);
	e->from = status == CLI_DONE ? argv[optind] : NULL;
	return status == CLI_DONE ? names(e, argv[0], out, info) : status;
}

int
cli_manifest_encrypt(int argc, char **argv)
{
	struct encrypt *e = calloc(1, sizeof(*e));
	int status;

	if (e == NULL)
		return cli_fail("no memory");
	status = cli_keyring_open(&e->ring);
	if (status == CLI_DONE)
		status = options(e, argc, argv);
	if (status == CLI_DONE)
		status = e->rewrap != NULL ? rewrap(e) : encrypt_file(e);
	cli_keyring_close(&e->ring);
	free(e->out);
	free(e->info);
	free(e);
	return status;
}

const char cli_manifest_encrypt_help[] =
    "Under a fresh content key and IV, each time: the same payload is never\n"
    "the same ciphertext. What is written is for the manifest's source, which\n"
    "the command prints; an envelope may be the payload, for a dependency.\n"
    "A payload of any size is read and written as it comes.\n"
    "\n  -t, --to KEY     a recipient, may be given several times: an "
    "elliptic\n"
    "                   curve key (ECDH-ES+A128KW), or a symmetric one of 16,\n"
    "                   24 or 32 bytes (AES key wrap)\n"
    "  --to-evidence FILE  a recipient: the device that made this Evidence "
    "at\n"
    "                   most 30 days ago (postern tam devices evidence); it "
    "is\n"
    "                   appraised here, whatever the TAM says of it\n"
    "  --anchors DIR    certificates and attestation keys that it is "
    "appraised by\n"
    "  --reference FILE Reference Values of its software\n"
    "  -a, --alg ALG    a128gcm (default), a256gcm, chacha20-poly1305; "
    "a128ctr\n"
    "                   and a256ctr authenticate nothing: the digest in the\n"
    "                   manifest does\n"
    "  -o, --out FILE   the ciphertext; without it FILE.enc\n"
    "  --info FILE      the SUIT_Encryption_Info; without it FILE.info\n"
    "  --rewrap INFO    write this SUIT_Encryption_Info again for the "
    "recipients\n"
    "                   of --to; the ciphertext stays: what a distributor "
    "does\n"
    "  -k, --key KEY    opens INFO\n"
    "  -f, --force      overwrite them\n"
    "  --json           print digests and sizes as JSON\n";
