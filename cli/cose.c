/* postern cose: check a COSE message. */
#include <getopt.h>
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

static int
check(struct verify *v, const char *path)
{
	struct pst_cose_message msg;
	struct pst_bytes payload;
	enum pst_err err;
	int status;

	status = cli_cose_parse(&v->ring, path, cli_bytes(&v->file), &msg);
	if (status != CLI_DONE)
		return status;
	if (msg.detached && v->payload == NULL)
		return cli_fail(
		    "%s: the payload is detached (--payload)", path);
	if (!msg.detached && v->payload != NULL)
		return cli_fail("%s: the payload is inside", path);
	payload = msg.detached ? cli_bytes(&v->detached) : msg.payload;
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

static int
verify(int argc, char **argv)
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
		status = check(&v, argv[optind]);
	cli_file_free(&v.file);
	cli_file_free(&v.detached);
	cli_keyring_close(&v.ring);
	return status;
}

/* Which messages are encrypted is known; what decrypts them is not here yet,
 * and says so rather than "no such command". */
static int
decrypt(int argc, char **argv)
{
	struct verify v = { .json = false };
	struct pst_cose_message msg;
	int status = cli_keyring_open(&v.ring);

	if (status == CLI_DONE)
		status = options(&v, argc, argv);
	if (status == CLI_DONE)
		status = cli_read(argv[optind], CLI_FILE_MAX, &v.file);
	if (status == CLI_DONE)
		status = cli_cose_parse(
		    &v.ring, argv[optind], cli_bytes(&v.file), &msg);
	if (status == CLI_DONE)
		status = cli_fail("%s: %s is not encrypted", argv[optind],
		    cli_cose_name(msg.kind));
	cli_file_free(&v.file);
	cli_keyring_close(&v.ring);
	return status;
}

const struct cli_command cli_cose[] = {
	{ "verify",
	    "--key KEY... [--aad HEX] [--payload FILE] [--out FILE] [--json] "
	    "FILE|-",
	    "check the signatures or the MAC of a message",
	    "COSE_Sign1, COSE_Sign and COSE_Mac0, tagged or not, also in a "
	    "CWT\n"
	    "tag. Done when one signature verifies with one of the keys.\n"
	    "\n  -k, --key KEY    PEM, COSE_Key or JWK; may be given several "
	    "times\n"
	    "  --aad HEX        external_aad\n"
	    "  --payload FILE   the payload, when it is detached\n"
	    "  -o, --out FILE   write the payload that verified\n"
	    "  --json           print JSON\n",
	    verify, NULL },
	{ "decrypt",
	    "--key KEY... [--aad HEX] [--payload FILE] [--out FILE] FILE|-",
	    "decrypt a message: not supported by this version",
	    "Refuses every message, and says of what kind it is.\n"
	    "\n  -k, --key KEY    PEM, COSE_Key or JWK; may be given several "
	    "times\n"
	    "  --aad HEX        external_aad\n"
	    "  --payload FILE   the ciphertext, when it is detached\n"
	    "  -o, --out FILE   write the plaintext\n",
	    decrypt, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
