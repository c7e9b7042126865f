/*
 * postern teep and postern report: does a message conform to its text? It is
 * decoded by the parser that the protocols use, then shown annotated.
 */
#include <getopt.h>
#include <postern/suit_report.h>
#include <postern/teep.h>
#include <string.h>

#include "diag/diag.h"
#include "keyring.h"

/* What conforms, decoded: a name for it, or what is wrong and where. */
typedef enum pst_err
decode_one(const struct pst_verified *in, const char **what, size_t *at);

static enum pst_err
teep_message(const struct pst_verified *in, const char **what, size_t *at)
{
	static const char *const names[] = { "", "QueryRequest",
		"QueryResponse", "Update", "", "Success", "Error" };
	struct pst_teep_message m;
	enum pst_err err;

	/* The limit of every receiver (PST_MESSAGE_MAX). */
	if (in->payload.len > PST_MESSAGE_MAX)
		return PST_ERR_TEEP_TOO_LARGE;
	err = pst_teep_decode(in, &m, at);
	if (err == PST_OK)
		*what = names[m.type];
	return err;
}

/* A record of a report by itself, as a tc-list has them: it conforms when a
 * report that holds it does. */
static enum pst_err
property_claims(struct pst_bytes item, const char **what)
{
	static uint8_t records[CLI_FILE_MAX], whole[CLI_FILE_MAX];
	static const uint8_t zeros[32];
	struct pst_suit_digest digest = { PST_ALG_SHA256,
		{ zeros, sizeof(zeros) } };
	struct pst_bytes none = { NULL, 0 };
	struct pst_suit_report_view view;
	struct pst_suit_report report;
	struct pst_verified in;
	struct pst_cbor_writer w;
	enum pst_err err;

	*what = "system-property-claims";
	pst_suit_report_init(&report, records, sizeof(records));
	pst_suit_report_add(&report, item);
	pst_cbor_writer_init(&w, whole, sizeof(whole));
	err = pst_suit_report_encode(&w, &report, none, &digest, none);
	if (err != PST_OK || report.dropped > 0)
		return err != PST_OK ? err : PST_ERR_LIMIT;
	in = pst_verified_by_caller(pst_cbor_written(&w));
	return pst_suit_report_decode(&in, &view, NULL);
}

/* What a report says of a failure, in words; empty when there is none. */
static char words[256];

static void
put_words(const struct pst_suit_report_view *v)
{
	const char *reason = pst_diag_suit_reason(v->reason);
	const char *section = pst_diag_suit_section(v->record.section);
	size_t i, n;

	words[0] = '\0';
	if (v->success)
		return;
	snprintf(words, sizeof(words), "%s, in %s, byte %u, component %u",
	    reason != NULL ? reason : "a reason that is not known",
	    section != NULL ? section : "no section",
	    (unsigned)v->record.offset, (unsigned)v->record.component);
	for (i = 0; i < v->record.walk_len; i++) {
		n = strlen(words);
		snprintf(words + n, sizeof(words) - n, "%s%u",
		    i == 0 ? ", of dependency " : ".",
		    (unsigned)v->record.walk[i]);
	}
}

static enum pst_err
suit_report(const struct pst_verified *in, const char **what, size_t *at)
{
	struct pst_suit_report_view view;
	const char *guess;
	enum pst_err err;

	if (pst_diag_guess(in->payload, &guess) != NULL && guess != NULL &&
	    strcmp(guess, "system-property-claims") == 0)
		return property_claims(in->payload, what);
	err = pst_suit_report_decode(in, &view, at);
	if (err != PST_OK)
		return err;
	*what =
	    view.success ? "SUIT report of success" : "SUIT report of failure";
	put_words(&view);
	return PST_OK;
}

/* One of the two commands: how a file is taken out of what is around it, and
 * what is to be inside. */
struct kind {
	int (*unwrap)(struct cli_keyring *ring, const char *command,
	    const char *path, struct pst_bytes in, struct cli_message *out);
	decode_one *one;
};

static int
print(const struct cli_message *m, const char *what, bool json)
{
	const struct pst_bytes payload = m->verified.payload;
	const struct pst_shape *shape;
	const char *guess;
	enum pst_err err;

	shape = pst_diag_guess(payload, &guess);
	if (json)
		printf("{\"what\":\"%s\",\"cose\":%s%s%s,\"decrypted\":%s,"
		       "\"item\":",
		    what, m->wrapped ? "\"" : "",
		    m->wrapped ? cli_cose_name(m->kind) : "null",
		    m->wrapped ? "\"" : "", m->decrypted ? "true" : "false");
	else
		printf("/ %s%s%s%s /\n", what,
		    m->decrypted ? ", decrypted" : "",
		    m->wrapped ? ", verified " : "",
		    m->wrapped ? cli_cose_name(m->kind) : "");
	if (!json && words[0] != '\0')
		printf("/ %s /\n", words);
	err = pst_diag_print(stdout, payload,
	    json ? PST_DIAG_JSON : PST_DIAG_ANNOTATED, shape, NULL);
	fputs(json ? "}\n" : "\n", stdout);
	return err == PST_OK ? CLI_DONE : cli_fail("%s", pst_err_name(err));
}

/* SUIT_Report_Protected, and what may be encrypted in it or by itself. */
static int
open_report(struct cli_keyring *ring, const char *command, const char *path,
    struct pst_bytes in, struct cli_message *out)
{
	static uint8_t plain[CLI_FILE_MAX];
	struct pst_suit_report_open_args args = { &ring->keys, &ring->keys,
		false };
	struct pst_suit_report_opened o;
	enum pst_err err;

	*out = (struct cli_message){ .wrapped = false };
	if (cli_is_cose(in) && ring->count == 0)
		return cli_usage(
		    command, "%s is in COSE: its key is needed (--key)", path);
	err = pst_suit_report_open(
	    in, ring->crypto, &args, plain, sizeof(plain), &o);
	/* What is no report at all is told by the decoder, with the place. */
	if (err != PST_OK && !cli_is_cose(in)) {
		out->verified = pst_verified_by_caller(in);
		return CLI_DONE;
	}
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	out->wrapped =
	    (o.form & (PST_SUIT_REPORT_SIGNED | PST_SUIT_REPORT_MAC)) != 0;
	out->kind = o.form & PST_SUIT_REPORT_MAC ? PST_TAG_MAC0 : PST_TAG_SIGN1;
	out->decrypted = (o.form & PST_SUIT_REPORT_ENCRYPTED) != 0;
	out->verified = o.report;
	return CLI_DONE;
}

static int
decode(struct cli_keyring *ring, const char *command, const char *path,
    const struct kind *kind, bool json)
{
	struct cli_message m;
	struct cli_file f;
	const char *what = "";
	enum pst_err err;
	size_t at = 0;
	int status = cli_read(path, CLI_FILE_MAX, &f);

	if (status == CLI_DONE)
		status = kind->unwrap(ring, command, path, cli_bytes(&f), &m);
	if (status != CLI_DONE) {
		cli_file_free(&f);
		return status;
	}
	err = kind->one(&m.verified, &what, &at);
	if (err == PST_OK)
		status = print(&m, what, json);
	else
		status = cli_fail("%s: does not conform: %s at byte %zu%s",
		    path, pst_err_name(err), at,
		    m.wrapped || m.decrypted ? " of the payload" : "");
	cli_file_free(&f);
	return status;
}

static int
run(int argc, char **argv, const struct kind *kind)
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
	if (status == CLI_DONE)
		status = cli_operands(argc, argv, optind, 1, 1);
	if (status == CLI_DONE)
		status = decode(&ring, argv[0], argv[optind], kind, json);
	cli_keyring_close(&ring);
	return status;
}

static int
teep_decode(int argc, char **argv)
{
	static const struct kind kind = { cli_unwrap, teep_message };

	return run(argc, argv, &kind);
}

static int
report_decode(int argc, char **argv)
{
	static const struct kind kind = { open_report, suit_report };

	return run(argc, argv, &kind);
}

#define OPTIONS(key) \
	"\n  -k, --key KEY  " key "; needed\n" \
	"                 when there is one; may be given several times\n" \
	"  --json         print JSON\n"

const struct cli_command cli_teep[] = {
	{ "decode", "[--key KEY]... [--json] FILE|-",
	    "check and print a TEEP message",
	    "The message is bare or in COSE. The exit status is 0 when it\n"
	    "conforms to draft-ietf-teep-protocol, Section 4.\n" OPTIONS(
		"a key that the wrapper must verify with"),
	    teep_decode, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

const struct cli_command cli_report[] = {
	{ "decode", "[--key KEY]... [--json] FILE|-",
	    "check and print a SUIT report",
	    "The report is bare, signed (COSE_Sign1, COSE_Mac0), encrypted\n"
	    "(COSE_Encrypt, COSE_Encrypt0) or both. The exit status is 0 when\n"
	    "it conforms to draft-ietf-suit-report, whatever it "
	    "reports.\n" OPTIONS(
		"a key that verifies or opens what is around it"),
	    report_decode, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
