/* postern cose: check or decrypt a COSE message. */
#include <getopt.h>
#include <postern/cose_encrypt.h>
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "keyring.h"

struct verify {
	struct cli_keyring ring;
	struct cli_file file, detached;
	struct pst_bytes aad;
	const char *payload, *out;
	bool json;
};

/* external_aad is short in every protocol that has one. */
enum { AAD_MAX = 4096 };

static void
print_good(const struct verify *v, const struct pst_cose_message *msg,
    size_t index, const struct pst_verified *who)
{
	const struct cli_keyring_entry *e = &v->ring.key[who->who];
	const char *alg = pst_alg_name(who->alg);
	char thumbprint[2 * PST_THUMBPRINT_LEN + 1];

	cli_hex_text(e->thumbprint, sizeof(e->thumbprint), thumbprint);
	if (!v->json) {
		printf("%s, %s: verified with %s\n  key %s\n",
		    cli_cose_name(msg->kind), alg != NULL ? alg : "?", e->path,
		    thumbprint);
		return;
	}
	printf("{\"index\":%zu,\"verified\":true,\"alg\":%d,\"key\":", index,
	    who->alg);
	pst_json_string(stdout,
	    (struct pst_bytes){ (const uint8_t *)e->path, strlen(e->path) });
	printf(",\"thumbprint\":\"%s\"}", thumbprint);
}

static void
print_bad(const struct verify *v, const struct pst_cose_message *msg,
    size_t index, enum pst_err err)
{
	if (v->json)
		printf("{\"index\":%zu,\"verified\":false,\"reason\":\"%s\"}",
		    index, pst_err_name(err));
	else if (msg->kind == PST_TAG_SIGN)
		printf("%s, signature %zu: %s\n", cli_cose_name(msg->kind),
		    index, pst_err_name(err));
}

/**
 * Every signature, one line each.
 *
 * @return PST_OK when one verified, else what was wrong with the first
 */
static enum pst_err
each(const struct verify *v, const struct pst_cose_message *msg,
    struct pst_bytes payload)
{
	enum pst_err first = PST_ERR_COSE_KEY;
	struct pst_verified who;
	bool good = false;
	enum pst_err err;
	size_t i;

	for (i = 0; i <= PST_COSE_SIGNERS_MAX; i++) {
		err = pst_cose_verify_at(msg, i, payload, v->ring.crypto,
		    &v->ring.keys, v->aad, &who);
		if (err == PST_ERR_NOT_FOUND)
			break;
		if (v->json && i > 0)
			putchar(',');
		if (err == PST_OK)
			print_good(v, msg, i, &who);
		else
			print_bad(v, msg, i, err);
		first = i == 0 ? err : first;
		good = good || err == PST_OK;
	}
	return good ? PST_OK : first;
}

/* The payload or ciphertext: inside, or the file that --payload names. */
static int
content_of(struct verify *v, const char *path, bool detached,
    struct pst_bytes inside, struct pst_bytes *out)
{
	if (detached && v->payload == NULL)
		return cli_fail(
		    "%s: the payload is detached (--payload)", path);
	if (!detached && v->payload != NULL)
		return cli_fail("%s: the payload is inside", path);
	*out = detached ? cli_bytes(&v->detached) : inside;
	return CLI_DONE;
}

static struct pst_bytes
message_of(const struct verify *v)
{
	return cli_without_cwt_tag(cli_bytes(&v->file));
}

static int
parse_sealed(struct verify *v, const char *path, struct pst_cose_sealed *msg)
{
	size_t at;
	enum pst_err err = pst_cose_sealed_parse(message_of(v), msg, &at);

	if (err != PST_OK)
		return cli_fail(
		    "%s: %s at byte %zu", path, pst_err_name(err), at);
	return CLI_DONE;
}

/* What SuppPubInfo.other may be, of COSE itself, SUIT and TEEP. A message does
 * not say, and the key wrap behind it tells which one was meant. */
enum { CONTEXTS = 4 };

static struct pst_bytes
kdf_other(int i)
{
	const struct pst_bytes none = { NULL, 0 };

	switch (i) {
	case 1:
		return PST_COSE_KDF_SUIT;
	case 2:
		return PST_COSE_KDF_REPORT;
	case 3:
		return PST_COSE_KDF_EAT;
	default:
		return none;
	}
}

static enum pst_err
mac_in_any_context(struct verify *v, const struct pst_cose_sealed *msg,
    struct pst_bytes payload, struct pst_verified *who)
{
	struct pst_cose_open_args args = { .keys = &v->ring.keys,
		.aad = v->aad };
	enum pst_err err = PST_ERR_COSE_KEY;
	int i;

	for (i = 0; i < CONTEXTS && err != PST_OK; i++) {
		args.kdf_other = kdf_other(i);
		err = pst_cose_mac_verify(
		    msg, payload, v->ring.crypto, &args, who);
	}
	return err;
}

/* COSE_Mac has one tag, whoever its recipients are. */
static int
check_mac(struct verify *v, const char *path)
{
	struct pst_cose_message kind = { .kind = PST_TAG_MAC };
	struct pst_cose_sealed msg;
	struct pst_verified who;
	struct pst_bytes payload;
	enum pst_err err;
	int status = parse_sealed(v, path, &msg);

	if (status == CLI_DONE)
		status =
		    content_of(v, path, msg.detached, msg.content, &payload);
	if (status != CLI_DONE)
		return status;
	err = mac_in_any_context(v, &msg, payload, &who);
	if (v->json)
		printf("{\"kind\":\"COSE_Mac\",\"signatures\":[");
	if (err == PST_OK)
		print_good(v, &kind, 0, &who);
	else
		print_bad(v, &kind, 0, err);
	if (v->json)
		printf(
		    "],\"verified\":%s}\n", err == PST_OK ? "true" : "false");
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	return v->out != NULL ? cli_write(v->out, payload, 0644) : CLI_DONE;
}

static int
check(struct verify *v, const char *path)
{
	struct pst_cose_message msg;
	struct pst_bytes payload;
	enum pst_err err;
	int status;

	if (cli_cose_kind(cli_bytes(&v->file)) == PST_TAG_MAC)
		return check_mac(v, path);
	status = cli_cose_parse(&v->ring, path, cli_bytes(&v->file), &msg);
	if (status == CLI_DONE)
		status =
		    content_of(v, path, msg.detached, msg.payload, &payload);
	if (status != CLI_DONE)
		return status;
	if (v->json)
		printf("{\"kind\":\"%s\",\"signatures\":[",
		    cli_cose_name(msg.kind));
	err = each(v, &msg, payload);
	if (v->json)
		printf(
		    "],\"verified\":%s}\n", err == PST_OK ? "true" : "false");
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	return v->out != NULL ? cli_write(v->out, payload, 0644) : CLI_DONE;
}

static int
options(struct verify *v, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "aad", required_argument, NULL, 'a' },
		{ "payload", required_argument, NULL, 'p' },
		{ "out", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static uint8_t aad[AAD_MAX];
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:o:", known, NULL)) != -1) {
		if (c == 'k')
			status = cli_keyring_add(&v->ring, optarg);
		else if (c == 'p')
			v->payload = optarg;
		else if (c == 'o')
			v->out = optarg;
		else if (c == 'j')
			v->json = true;
		else if (c != 'a')
			return cli_usage(argv[0], "unknown option");
		else if (!cli_hex(optarg, aad, sizeof(aad), &v->aad.len))
			return cli_usage(argv[0], "--aad needs hexadecimal");
	}
	v->aad.ptr = aad;
	if (status != CLI_DONE)
		return status;
	if (v->ring.count == 0)
		return cli_usage(argv[0], "a key is needed (--key)");
	return cli_operands(argc, argv, optind, 1, 1);
}

/* What is done with a message and its keys. */
typedef int work(struct verify *v, const char *path);

static int
with_message(int argc, char **argv, work *what)
{
	struct verify v = { .json = false };
	int status = cli_keyring_open(&v.ring);

	v.ring.keys.alg_unprotected = true;
	if (status == CLI_DONE)
		status = options(&v, argc, argv);
	if (status == CLI_DONE)
		status = cli_read(argv[optind], CLI_FILE_MAX, &v.file);
	if (status == CLI_DONE && v.payload != NULL)
		status = cli_read(v.payload, CLI_FILE_MAX, &v.detached);
	if (status == CLI_DONE)
		status = what(&v, argv[optind]);
	cli_file_free(&v.file);
	cli_file_free(&v.detached);
	cli_keyring_close(&v.ring);
	return status;
}

static int
verify(int argc, char **argv)
{
	return with_message(argc, argv, check);
}

/* Is the algorithm of the content one that authenticates nothing? */
static bool
malleable(const struct pst_cose_sealed *msg)
{
	return msg->protected.len == 0;
}

static int
decrypt_to(struct verify *v, const char *path,
    const struct pst_cose_sealed *msg, struct pst_bytes content, uint8_t *plain)
{
	struct pst_cose_open_args args = {
		.keys = &v->ring.keys, .aad = v->aad, .unauthenticated = true
	};
	struct pst_bytes out = { plain, 0 };
	enum pst_err err = PST_ERR_COSE_KEY;
	int i;

	for (i = 0; i < CONTEXTS && err != PST_OK; i++) {
		args.kdf_other = kdf_other(i);
		err = pst_cose_decrypt(
		    msg, content, v->ring.crypto, &args, plain, &out.len, NULL);
	}
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	if (malleable(msg))
		cli_warn("%s: nothing authenticates this plaintext", path);
	if (v->out != NULL)
		return cli_write(v->out, out, 0600);
	if (fwrite(out.ptr, 1, out.len, stdout) != out.len)
		return cli_fail("standard output: cannot write");
	return CLI_DONE;
}

static int
open_message(struct verify *v, const char *path)
{
	uint64_t kind = cli_cose_kind(cli_bytes(&v->file));
	uint8_t major = v->file.len > 0 ? cli_bytes(&v->file).ptr[0] >> 5 : 0;
	/* Without a tag an Encrypt has the shape of a Sign: it is what this
	 * command is for. */
	bool either = kind == PST_TAG_SIGN && major == PST_CBOR_ARRAY;
	struct pst_cose_sealed msg;
	struct pst_bytes content;
	uint8_t *plain;
	int status;

	if (kind != PST_TAG_ENCRYPT0 && kind != PST_TAG_ENCRYPT && !either)
		return cli_fail(
		    "%s: %s is not encrypted", path, cli_cose_name(kind));
	status = parse_sealed(v, path, &msg);
	if (status == CLI_DONE)
		status =
		    content_of(v, path, msg.detached, msg.content, &content);
	if (status != CLI_DONE)
		return status;
	plain = malloc(content.len + 1);
	if (plain == NULL)
		return cli_fail("out of memory");
	status = decrypt_to(v, path, &msg, content, plain);
	pst_wipe(plain, content.len);
	free(plain);
	return status;
}

static int
decrypt(int argc, char **argv)
{
	return with_message(argc, argv, open_message);
}

const struct cli_command cli_cose[] = {
	{ "verify",
	    "--key KEY... [--aad HEX] [--payload FILE] [--out FILE] [--json] "
	    "FILE|-",
	    "check the signatures or the MAC of a message",
	    "COSE_Sign1, COSE_Sign, COSE_Mac0 and COSE_Mac, tagged or not, "
	    "also in a\n"
	    "CWT tag. Done when one signature verifies with one of the keys.\n"
	    "\n  -k, --key KEY    PEM, COSE_Key or JWK; may be given several "
	    "times\n"
	    "  --aad HEX        external_aad\n"
	    "  --payload FILE   the payload, when it is detached\n"
	    "  -o, --out FILE   write the payload that verified\n"
	    "  --json           print JSON\n",
	    verify, NULL },
	{ "decrypt",
	    "--key KEY... [--aad HEX] [--payload FILE] [--out FILE] FILE|-",
	    "decrypt a message",
	    "COSE_Encrypt0 and COSE_Encrypt, tagged or not. A key is a secret "
	    "one, or\n"
	    "the private key of an ECDH recipient. Of AES-CTR, which "
	    "authenticates\n"
	    "nothing, there is a warning. Without --out the plaintext goes "
	    "to\n"
	    "standard output.\n"
	    "\n  -k, --key KEY    PEM, COSE_Key or JWK; may be given several "
	    "times\n"
	    "  --aad HEX        external_aad\n"
	    "  --payload FILE   the ciphertext, when it is detached\n"
	    "  -o, --out FILE   write the plaintext\n",
	    decrypt, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
