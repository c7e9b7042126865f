/*
 * postern manifest sign: authentication blocks by keys in files, in tokens,
 * and by signers elsewhere, who get bytes and give back a signature.
 */
#include <getopt.h>
#include <postern/suit_encode.h>
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "manifest.h"

/* HSS of eight levels with trees of height 25: below 70 KiB. */
enum { MADE_MAX = 131072 };

struct sign {
	struct cli_keyring ring;
	int32_t alg; /* 0: each key's default */
	const char *out, *tbs, *attach;
	bool json;
	/* of the block under work */
	struct pst_suit_envelope env;
	struct pst_signer signer;
	struct pst_suit_sign_args how;
	uint8_t raw[2 * PST_COORD_MAX]; /* a signature that came in DER */
};

static bool
is_mac(int32_t alg)
{
	return alg >= PST_ALG_HMAC_256_64 && alg <= PST_ALG_HMAC_512;
}

/* --- which key, which blocks -------------------------------------------- */

static int
alg_fits(const struct sign *s, const struct cli_keyring_entry *e, int32_t alg)
{
	bool symmetric = e->pub.kty == PST_KTY_SYMMETRIC;
	const char *name = pst_alg_name(alg);

	if (symmetric ? is_mac(alg) && (e->pub.alg == 0 || e->pub.alg == alg)
		      : pst_alg_fits(&e->pub, alg))
		return CLI_DONE;
	if (s->alg == 0)
		return cli_fail("%s: a key that signs nothing", e->path);
	return cli_fail("%s: no key for %s", e->path, name ? name : "this");
}

/* Who signs, by the public part alone: the kid is the key's thumbprint. */
static int
choose(struct sign *s, const struct cli_keyring_entry *e)
{
	struct pst_key key = { .pub = e->pub };
	int32_t alg = s->alg != 0 ? s->alg : pst_key_default_alg(&key);
	int status = alg_fits(s, e, alg);

	s->signer = (struct pst_signer){
		.key = e->number, .alg = alg, .kid_len = PST_THUMBPRINT_LEN
	};
	memcpy(s->signer.kid, e->thumbprint, PST_THUMBPRINT_LEN);
	s->how =
	    (struct pst_suit_sign_args){ .kind = is_mac(alg) ? PST_TAG_MAC0
							     : PST_TAG_SIGN1,
		    .signers = &s->signer,
		    .count = 1 };
	return status;
}

/* Was a block made by the one key that the ring is narrowed to? */
static bool
made_by(const struct sign *s, struct pst_bytes item)
{
	const struct cli_keyring_entry *e = s->ring.only;
	struct pst_bytes kid = { e->thumbprint, PST_THUMBPRINT_LEN };
	struct pst_cose_message msg;
	struct pst_cose_headers headers;
	struct pst_verified who;
	struct pst_bytes content, signature;
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, item);
	content = pst_cbor_bstr(&r, 0, SIZE_MAX);
	if (pst_cose_parse(content, PST_TAG_SIGN1, &msg, NULL) != PST_OK ||
	    msg.kind != s->how.kind)
		return false;
	if (pst_cose_signature(&msg, 0, &headers, &signature) &&
	    pst_equal(headers.kid, kid))
		return true;
	return msg.detached &&
	    pst_cose_verify_detached(&msg, s->env.digest_content,
		s->ring.crypto, &s->ring.keys, (struct pst_bytes){ NULL, 0 },
		&who) == PST_OK;
}

/* A key's new block takes the place of those that it made before. */
static void
find_replaced(struct sign *s)
{
	struct pst_list blocks = s->env.blocks;
	struct pst_bytes item;
	uint32_t bit = 1;

	for (; pst_list_next(&blocks, &item); bit <<= 1)
		if (made_by(s, item))
			s->how.replaced |= bit;
}

/* --- signing ------------------------------------------------------------- */

static enum pst_err
put_block(struct pst_cbor_writer *w, void *ctx)
{
	const struct sign *s = ctx;

	return pst_suit_sign_with(w, &s->env, s->ring.crypto, &s->how);
}

/* Replace the envelope in `file` by one with another block. */
static int
add_block(struct sign *s, const char *from, struct cli_file *file)
{
	struct cli_file next;
	int status;

	find_replaced(s);
	status = cli_envelope_make(put_block, s, from, &next);
	if (status != CLI_DONE)
		return status;
	cli_file_free(file);
	*file = next;
	return CLI_DONE;
}

static int
sign_with(struct sign *s, struct cli_keyring_entry *e, const char *from,
    struct cli_file *file)
{
	int status = cli_envelope_decode(from, file, &s->env);

	if (status == CLI_DONE && e->number == 0)
		return cli_fail("%s: no private key in it; for a signer "
				"elsewhere see --export-tbs",
		    e->path);
	if (status == CLI_DONE)
		status = choose(s, e);
	if (status != CLI_DONE)
		return status;
	status = cli_keyring_unlock(e);
	if (status != CLI_DONE)
		return status;
	if (pst_pubkey_published(&e->pub))
		cli_warn(
		    "%s: this key was published; it protects nothing", e->path);
	s->ring.only = e;
	status = add_block(s, from, file);
	s->ring.only = NULL;
	return status;
}

static int
sign_all(struct sign *s, const char *from, struct cli_file *file)
{
	int status = CLI_DONE;
	size_t i;

	for (i = 0; status == CLI_DONE && i < s->ring.count; i++)
		status = sign_with(s, &s->ring.key[i], from, file);
	return status;
}

/* --- signers elsewhere ---------------------------------------------------- */

static enum pst_err
put_tbs(struct pst_cbor_writer *w, void *ctx)
{
	const struct sign *s = ctx;

	return pst_suit_tbs(w, &s->env, s->ring.crypto, &s->how);
}

/* What a signer makes of these bytes. */
static const char *
instruction(int32_t alg)
{
	switch (alg) {
	case PST_ALG_ESP256:
	case PST_ALG_ES256:
		return "ECDSA over their SHA-256, as r || s or in DER";
	case PST_ALG_ES384:
		return "ECDSA over their SHA-384, as r || s or in DER";
	case PST_ALG_ES512:
		return "ECDSA over their SHA-512, as r || s or in DER";
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
		return "Ed25519 over the bytes themselves, not a hash of them";
	case PST_ALG_HSS_LMS:
		return "HSS/LMS (RFC 8554) over the bytes themselves";
	case PST_ALG_HMAC_256:
		return "HMAC with SHA-256, all 32 bytes of it";
	default:
		return "the MAC of this algorithm";
	}
}

static void
print_exported(const struct sign *s, const char *from, size_t len)
{
	const char *name = pst_alg_name(s->signer.alg);
	FILE *f = strcmp(s->tbs, "-") == 0 ? stderr : stdout;

	if (s->json) {
		fprintf(f, "{\"tbs\":");
		pst_json_string(f, cli_text(s->tbs));
		fprintf(f, ",\"bytes\":%zu,\"alg\":%d,\"name\":\"%s\"}\n", len,
		    s->signer.alg, name != NULL ? name : "");
		return;
	}
	fprintf(f, "%zu bytes to be signed with %s: %s\n", len,
	    name != NULL ? name : "?", instruction(s->signer.alg));
	fprintf(f,
	    "then: postern manifest sign --attach SIGNATURE --key KEY%s%s ",
	    s->alg != 0 ? " --alg " : "", s->alg != 0 ? name : "");
	pst_print_safe(f, cli_text(from));
	fputc('\n', f);
}

static int
export_tbs(struct sign *s, const char *from, struct cli_file *file)
{
	struct cli_file tbs;
	int status = cli_envelope_decode(from, file, &s->env);

	if (status == CLI_DONE)
		status = choose(s, &s->ring.key[0]);
	if (status == CLI_DONE)
		status = cli_envelope_make(put_tbs, s, from, &tbs);
	if (status != CLI_DONE)
		return status;
	status = cli_write(s->tbs, cli_bytes(&tbs), 0644);
	if (status == CLI_DONE)
		print_exported(s, from, tbs.len);
	cli_file_free(&tbs);
	return status;
}

/* OpenSSL and many tokens' tools write ECDSA in DER; COSE wants r || s. */
static struct pst_bytes
without_der(struct sign *s, const struct pst_pubkey *pub, struct pst_bytes made)
{
	size_t len = 2 * (size_t)pub->coord_len;

	if (pub->kty != PST_KTY_EC2 || made.len == len ||
	    !pst_ecdsa_from_der(made, s->raw, pub->coord_len))
		return made;
	return (struct pst_bytes){ s->raw, len };
}

/* Does the last block of an envelope verify with the ring's one key? */
static bool
last_verifies(struct sign *s, const char *from, const struct cli_file *file)
{
	struct pst_list blocks;
	struct pst_bytes item = { NULL, 0 }, last = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_cbor_reader r;
	struct pst_verified who;

	if (cli_envelope_decode(from, file, &s->env) != CLI_DONE)
		return false;
	blocks = s->env.blocks;
	while (pst_list_next(&blocks, &item))
		last = item;
	pst_cbor_reader_init(&r, last);
	last = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return pst_cose_parse(last, PST_TAG_SIGN1, &msg, NULL) == PST_OK &&
	    msg.detached &&
	    pst_cose_verify_detached(&msg, s->env.digest_content,
		s->ring.crypto, &s->ring.keys, (struct pst_bytes){ NULL, 0 },
		&who) == PST_OK;
}

static int
attach_made(struct sign *s, const char *from, struct cli_file *file,
    struct cli_file *made)
{
	struct cli_keyring_entry *e = &s->ring.key[0];
	int status = cli_envelope_decode(from, file, &s->env);

	if (status == CLI_DONE)
		status = choose(s, e);
	if (status != CLI_DONE)
		return status;
	s->how.made = without_der(s, &e->pub, cli_bytes(made));
	s->ring.only = e;
	status = add_block(s, from, file);
	if (status == CLI_DONE && !last_verifies(s, from, file))
		status = cli_fail("%s: not a signature of %s by the key %s; "
				  "nothing was written",
		    s->attach, from, e->path);
	s->ring.only = NULL;
	return status;
}

static int
attach(struct sign *s, const char *from, struct cli_file *file)
{
	struct cli_file made;
	int status = cli_read(s->attach, MADE_MAX, &made);

	if (status != CLI_DONE)
		return status;
	status = attach_made(s, from, file, &made);
	cli_file_free(&made);
	return status;
}

/* --- the command ---------------------------------------------------------- */

static int
option(struct sign *s, const char *command, int c)
{
	switch (c) {
	case 'k':
		return cli_keyring_add(&s->ring, optarg);
	case 'o':
		s->out = optarg;
		return CLI_DONE;
	case 'a':
		s->alg = pst_alg_by_name(optarg);
		if (s->alg == 0)
			return cli_usage(
			    command, "unknown algorithm: %s", optarg);
		return CLI_DONE;
	case 't':
		s->tbs = optarg;
		return CLI_DONE;
	case 'A':
		s->attach = optarg;
		return CLI_DONE;
	case 'j':
		s->json = true;
		return CLI_DONE;
	case 'i':
		return CLI_DONE;
	default:
		return cli_usage(command, "unknown option");
	}
}

static int
options(struct sign *s, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "alg", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ "export-tbs", required_argument, NULL, 't' },
		{ "attach", required_argument, NULL, 'A' },
		{ "json", no_argument, NULL, 'j' },
		{ "in-place", no_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:a:o:", known, NULL)) != -1)
		status = option(s, argv[0], c);
	if (status != CLI_DONE)
		return status;
	if (s->ring.count == 0)
		return cli_usage(argv[0], "a key is needed (--key)");
	if (s->tbs != NULL && s->attach != NULL)
		return cli_usage(argv[0], "either --export-tbs or --attach");
	if ((s->tbs != NULL || s->attach != NULL) && s->ring.count != 1)
		return cli_usage(argv[0], "one key at a time");
	if (s->tbs != NULL && s->out != NULL)
		return cli_usage(argv[0], "--export-tbs writes no envelope");
	return cli_operands(argc, argv, optind, 1, 1);
}

static int
sign_file(struct sign *s, const char *from)
{
	struct cli_file file;
	int status = cli_read(from, CLI_FILE_MAX, &file);

	if (status != CLI_DONE)
		return status;
	if (s->tbs != NULL)
		status = export_tbs(s, from, &file);
	else if (s->attach != NULL)
		status = attach(s, from, &file);
	else
		status = sign_all(s, from, &file);
	if (status == CLI_DONE && s->tbs == NULL)
		status = cli_write(
		    s->out != NULL ? s->out : from, cli_bytes(&file), 0644);
	cli_file_free(&file);
	return status;
}

int
cli_manifest_sign(int argc, char **argv)
{
	struct sign s = { .alg = 0 };
	int status = cli_keyring_open(&s.ring);

	if (status == CLI_DONE)
		status = options(&s, argc, argv);
	if (status == CLI_DONE)
		status = sign_file(&s, argv[optind]);
	cli_keyring_close(&s.ring);
	return status;
}

const char cli_manifest_sign_help[] =
    "Each key adds an authentication block, or replaces the one that it made\n"
    "before. In place, unless an output is named; nothing is written unless\n"
    "every key has signed.\n"
    "\nA signer elsewhere, an HSM or one that keeps the state of an HSS/LMS\n"
    "key, gets the bytes of --export-tbs and gives back what --attach takes;\n"
    "then KEY is its public key.\n"
    "\n  -k, --key KEY      the signer's private key, or a pkcs11: URI of "
    "one;\n"
    "                     a symmetric one makes a MAC; may be given several\n"
    "                     times\n"
    "  -a, --alg ALG      instead of the key's default, esp256 or ed25519:\n"
    "                     es256, eddsa, hs384 ...\n"
    "  -o, --out FILE     write there; - for standard output\n"
    "  --export-tbs FILE  write exactly the bytes to be signed, and say how\n"
    "  --attach FILE      add this signature or MAC, once it verified\n"
    "  --json             print what --export-tbs says as JSON\n";
