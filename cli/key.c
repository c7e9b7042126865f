/* postern key: make keys and turn their files into one another. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring.h"

/* PEM; JWK where that does not exist. */
enum { DEFAULT_FORMAT = -1 };

struct args {
	const char *alg, *out;
	int format; /* enum pst_key_format, or DEFAULT_FORMAT */
	bool force, public_only, json;
};

static bool
format_by_name(const char *name, int *format)
{
	static const char *const names[] = { "pem", "cose", "jwk" };
	size_t i;

	for (i = 0; i < 3; i++) {
		if (strcasecmp(name, names[i]) == 0) {
			*format = (int)i;
			return true;
		}
	}
	return false;
}

static int
options(struct args *a, const char *allowed, int argc, char **argv, int files)
{
	static const struct option known[] = {
		{ "alg", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ "format", required_argument, NULL, 't' },
		{ "to", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'f' },
		{ "public", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*a = (struct args){ .format = DEFAULT_FORMAT };
	while ((c = getopt_long(argc, argv, "a:o:f", known, NULL)) != -1) {
		if (c == '?' || strchr(allowed, c) == NULL)
			return cli_usage(argv[0], "unknown option");
		a->alg = c == 'a' ? optarg : a->alg;
		a->out = c == 'o' ? optarg : a->out;
		if (c == 't' && !format_by_name(optarg, &a->format))
			return cli_usage(argv[0], "unknown format: %s", optarg);
		a->force |= c == 'f';
		a->public_only |= c == 'p';
		a->json |= c == 'j';
	}
	return cli_operands(argc, argv, optind, files, files);
}

/* Of a token's key there is only the public part. */
static int
token_key(const char *uri, struct pst_key *key)
{
	struct pst_p11_key *token = NULL;
	int status = cli_token_open(uri, &token);

	memset(key, 0, sizeof(*key));
	if (status == CLI_DONE)
		pst_p11_public(token, &key->pub);
	pst_p11_free(&token);
	return status;
}

static int
read_key(const char *path, struct pst_key *key)
{
	struct cli_file f;
	const char *why = NULL;
	enum pst_err err;
	int status;

	if (pst_p11_is_uri(path))
		return token_key(path, key);
	status = cli_read(path, PST_KEY_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	err = pst_key_parse(cli_bytes(&f), key, &why);
	cli_file_free(&f);
	if (err == PST_OK)
		return CLI_DONE;
	return cli_fail("%s: %s", path, why != NULL ? why : pst_err_name(err));
}

/* Standard output may be a file that others can read. */
static void
warn_about_stdout(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		cli_warn("writing a private key to a file that others can "
			 "read; consider umask 077 or --out");
}

/* There is no PEM of a symmetric key, nor of one that must keep its alg; and
 * of HSS/LMS there is only the COSE_Key. */
static enum pst_key_format
format_of(const struct pst_key *key, const struct args *a)
{
	if (a->format != DEFAULT_FORMAT)
		return (enum pst_key_format)a->format;
	if (key->pub.kty == PST_KTY_HSS_LMS)
		return PST_KEY_COSE;
	return key->pub.kty == PST_KTY_SYMMETRIC ||
		key->pub.alg == PST_ALG_ECDH_ES_A128KW
	    ? PST_KEY_JWK
	    : PST_KEY_PEM;
}

static int
put_key(const struct pst_key *key, bool secret, const struct args *a)
{
	enum pst_key_format format = format_of(key, a);
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_bytes encoded = { buf, 0 };
	enum pst_err err;
	int status;

	if (a->out != NULL && strcmp(a->out, "-") != 0 && !a->force) {
		err = pst_key_write(a->out, key, format, secret);
		if (err == PST_ERR_STATE)
			return cli_fail(
			    "%s exists; --force overwrites it", a->out);
		if (err == PST_ERR_IO)
			return cli_fail("%s: %s", a->out, strerror(errno));
		if (err != PST_OK)
			return cli_fail("%s: %s", a->out, pst_err_name(err));
		return CLI_DONE;
	}
	err =
	    pst_key_encode(key, format, secret, buf, sizeof(buf), &encoded.len);
	if (err != PST_OK)
		return cli_fail("this key has no such form (--format)");
	if (secret && (a->out == NULL || strcmp(a->out, "-") == 0))
		warn_about_stdout();
	status = cli_write(
	    a->out != NULL ? a->out : "-", encoded, secret ? 0600 : 0644);
	pst_wipe(buf, sizeof(buf));
	return status;
}

static int
generate(int argc, char **argv)
{
	struct pst_key key;
	struct args a;
	int32_t alg;
	int status = options(&a, "aotf", argc, argv, 0);

	if (status != CLI_DONE)
		return status;
	alg = a.alg != NULL ? pst_alg_by_name(a.alg) : PST_ALG_ESP256;
	if (alg == 0)
		return cli_usage(argv[0], "unknown algorithm: %s", a.alg);
	if (pst_key_generate(alg, &key) != PST_OK)
		return cli_fail("a key of %s could not be made", a.alg);
	status = put_key(&key, true, &a);
	pst_key_wipe(&key);
	return status;
}

static int
from_file(const struct args *a, const char *path, bool public_only)
{
	struct pst_key key;
	bool secret;
	int status;

	if (!public_only && pst_p11_is_uri(path))
		return cli_fail("%s: the private part stays in its token; "
				"--public writes the other",
		    path);
	status = read_key(path, &key);
	if (status != CLI_DONE)
		return status;
	secret = key.secret_len > 0 && !public_only;
	if (public_only && key.pub.kty == PST_KTY_SYMMETRIC)
		status =
		    cli_fail("%s: a symmetric key has no public part", path);
	else
		status = put_key(&key, secret, a);
	pst_key_wipe(&key);
	return status;
}

static int
public_part(int argc, char **argv)
{
	struct args a;
	int status = options(&a, "otf", argc, argv, 1);

	if (status != CLI_DONE)
		return status;
	return from_file(&a, argv[optind], true);
}

static int
convert(int argc, char **argv)
{
	struct args a;
	int status = options(&a, "otfp", argc, argv, 1);

	if (status != CLI_DONE)
		return status;
	return from_file(&a, argv[optind], a.public_only);
}

static int
thumbprint(int argc, char **argv)
{
	uint8_t bytes[PST_THUMBPRINT_LEN];
	char text[2 * PST_THUMBPRINT_LEN + 1];
	struct pst_key key;
	struct args a;
	int32_t alg;
	enum pst_err err;
	int status = options(&a, "j", argc, argv, 1);

	if (status == CLI_DONE)
		status = read_key(argv[optind], &key);
	if (status != CLI_DONE)
		return status;
	err = pst_key_thumbprint(&key, bytes);
	alg = pst_key_default_alg(&key);
	if (err == PST_OK)
		cli_hex_text(bytes, sizeof(bytes), text);
	if (err != PST_OK)
		status = cli_fail("%s: %s", argv[optind], pst_err_name(err));
	else if (a.json)
		printf("{\"thumbprint\":\"%s\",\"alg\":%d,\"private\":%s}\n",
		    text, alg, key.secret_len > 0 ? "true" : "false");
	else
		puts(text);
	if (pst_key_published(&key))
		cli_warn("%s: the private part of this key was published",
		    argv[optind]);
	pst_key_wipe(&key);
	return status;
}

const struct cli_command cli_key[] = {
	{ "generate", "[--alg ALG] [-o FILE] [--format FORMAT] [--force]",
	    "make a private key",
	    "Writes to standard output, or to a new file of mode 0600.\n"
	    "\n  -a, --alg ALG     to sign: esp256 (default), es256, es384, "
	    "es512,\n"
	    "                    ed25519, hs256, hs384, hs512; to encrypt to:\n"
	    "                    ecdh-es+a128kw, a128kw, a192kw, a256kw\n"
	    "  -o, --out FILE    the file; it must not exist\n"
	    "  --format FORMAT   pem, cose, jwk; without it pem, or jwk for "
	    "what has\n"
	    "                    no PEM\n"
	    "  -f, --force       overwrite the file\n",
	    generate, NULL },
	{ "public", "[-o FILE] [--format FORMAT] [--force] FILE|-",
	    "take the public part of a key",
	    "\n  -o, --out FILE    write there; it must not exist\n"
	    "  --format FORMAT   pem (default where there is one), cose, jwk\n"
	    "  -f, --force       overwrite the file\n",
	    public_part, NULL },
	{ "thumbprint", "[--json] FILE|-", "print the thumbprint of a key",
	    "SHA-256 over the COSE_Key (RFC 9679), in hexadecimal: the kid of\n"
	    "what this key signs.\n"
	    "\n  --json  with the algorithm, and whether it is private\n",
	    thumbprint, NULL },
	{ "convert", "[--to FORMAT] [--public] [-o FILE] [--force] FILE|-",
	    "write a key in another format",
	    "A private key stays private unless --public is given.\n"
	    "\n  --to FORMAT      pem (default where there is one), cose, jwk\n"
	    "  --public         the public part only\n"
	    "  -o, --out FILE   write there; it must not exist\n"
	    "  -f, --force      overwrite the file\n",
	    convert, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
