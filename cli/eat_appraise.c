/*
 * postern eat appraise: what a Verifier says of one piece of Evidence, and
 * why. Anchors, collateral and the time are given; nothing is fetched.
 */
#include <getopt.h>
#include <jansson.h>
#include <postern/teep.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diag/diag.h"
#include "eat.h"
#include "endorse.h"
#include "keyring.h"
#include "verifier/verifier.h"

/* Clocks may differ by this much. */
enum { SKEW_S = 60, MAX_AGE_S = 3600 };

struct appraise_args {
	struct cli_keyring ring;
	struct pst_endorsements *endorsements;
	const char *evidence, *format, *anchors;
	uint64_t now_s;
	struct pst_bytes nonce;
	uint8_t nonce_bytes[PST_CHALLENGE_MAX];
	bool json, allow_debug, need_reference;
};

static int
set_time(struct appraise_args *a, const char *command, const char *text)
{
	struct tm tm;
	const char *end;
	time_t t;

	memset(&tm, 0, sizeof(tm));
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	t = end != NULL && *end == '\0' ? timegm(&tm) : -1;
	if (t < 0)
		return cli_usage(command,
		    "--time needs a time such as 2026-01-31T12:00:00Z");
	a->now_s = (uint64_t)t;
	return CLI_DONE;
}

enum {
	EVIDENCE = 256,
	FORMAT,
	ANCHORS,
	COLLATERAL,
	REFERENCE,
	NONCE,
	TIME,
	JSON,
	DEBUG,
	NEED
};

static int
option(struct appraise_args *a, char **argv, int c)
{
	switch (c) {
	case 'k':
		return cli_keyring_add(&a->ring, optarg);
	case EVIDENCE:
		a->evidence = optarg;
		return CLI_DONE;
	case FORMAT:
		a->format = optarg;
		return CLI_DONE;
	case ANCHORS:
		a->anchors = optarg;
		return CLI_DONE;
	case COLLATERAL:
		return cli_endorse(
		    a->endorsements, PST_ENDORSE_COLLATERAL, optarg);
	case REFERENCE:
		return cli_endorse(
		    a->endorsements, PST_ENDORSE_REFERENCE, optarg);
	case NONCE:
		if (cli_hex(optarg, a->nonce_bytes, sizeof(a->nonce_bytes),
			&a->nonce.len) &&
		    a->nonce.len > 0)
			return CLI_DONE;
		return cli_usage(argv[0],
		    "--nonce needs 1 to %d bytes in hexadecimal",
		    PST_CHALLENGE_MAX);
	case TIME:
		return set_time(a, argv[0], optarg);
	case JSON:
		a->json = true;
		return CLI_DONE;
	case DEBUG:
		a->allow_debug = true;
		return CLI_DONE;
	case NEED:
		a->need_reference = true;
		return CLI_DONE;
	default:
		return cli_usage(argv[0], "unknown option");
	}
}

static int
options(struct appraise_args *a, int argc, char **argv)
{
	static const struct option known[] = {
		{ "evidence", required_argument, NULL, EVIDENCE },
		{ "format", required_argument, NULL, FORMAT },
		{ "anchors", required_argument, NULL, ANCHORS },
		{ "key", required_argument, NULL, 'k' },
		{ "collateral", required_argument, NULL, COLLATERAL },
		{ "reference", required_argument, NULL, REFERENCE },
		{ "nonce", required_argument, NULL, NONCE },
		{ "time", required_argument, NULL, TIME },
		{ "allow-debug", no_argument, NULL, DEBUG },
		{ "need-reference", no_argument, NULL, NEED },
		{ "json", no_argument, NULL, JSON },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	a->nonce.ptr = a->nonce_bytes;
	a->now_s = (uint64_t)time(NULL);
	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1)
		status = option(a, argv, c);
	if (status == CLI_DONE)
		status = cli_operands(argc, argv, optind, 0, 0);
	if (status != CLI_DONE)
		return status;
	if (a->evidence == NULL || a->format == NULL)
		return cli_usage(argv[0], "--evidence and --format are needed");
	if (a->anchors != NULL)
		status =
		    cli_endorse_anchors(a->endorsements, &a->ring, a->anchors);
	if (status == CLI_DONE)
		status = cli_endorse_keys(a->endorsements, &a->ring);
	return status;
}

static json_t *
value(const struct pst_claim *c)
{
	json_t *j;
	char *hex;

	/* Jansson has no larger number; as text it is exact. */
	if (c->kind == PST_CLAIM_UINT && c->n > INT64_MAX)
		return json_sprintf("%llu", (unsigned long long)c->n);
	if (c->kind == PST_CLAIM_UINT)
		return json_integer((json_int_t)c->n);
	if (c->kind == PST_CLAIM_TEXT)
		return json_stringn((const char *)c->bytes.ptr, c->bytes.len);
	hex = malloc(2 * c->bytes.len + 1);
	if (hex == NULL)
		return NULL;
	cli_hex_text(c->bytes.ptr, c->bytes.len, hex);
	j = json_string(hex);
	free(hex);
	return j;
}

static int
print_json(const struct pst_appraisal *ap)
{
	json_t *root = json_object(), *checks = json_array(),
	       *claims = json_array();
	size_t i;

	json_object_set_new(root, "accepted", json_boolean(ap->accepted));
	json_object_set_new(root, "technology", json_string(ap->technology));
	for (i = 0; i < ap->check_count; i++) {
		const struct pst_appraisal_check *c = &ap->checks[i];

		json_array_append_new(checks,
		    json_pack("{s:s, s:b, s:s*, s:s*}", "check", c->what,
			"passed", c->err == PST_OK, "error",
			c->err != PST_OK ? pst_err_name(c->err) : NULL, "why",
			c->why));
	}
	for (i = 0; i < ap->claim_count; i++)
		json_array_append_new(claims,
		    json_pack("{s:s, s:o}", "claim", ap->claim[i].name, "value",
			value(&ap->claim[i])));
	json_object_set_new(root, "checks", checks);
	json_object_set_new(root, "claims", claims);
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return ap->accepted ? CLI_DONE : CLI_REFUSED;
}

static void
print_claim(const struct pst_claim *c)
{
	size_t i;

	printf("  ");
	pst_print_safe(stdout, cli_text(c->name));
	for (i = strlen(c->name); i < 19; i++)
		putchar(' ');
	if (c->kind == PST_CLAIM_UINT)
		printf("%llu", (unsigned long long)c->n);
	else if (c->kind == PST_CLAIM_TEXT)
		pst_print_safe(stdout, c->bytes);
	for (i = 0; c->kind == PST_CLAIM_BYTES && i < c->bytes.len; i++)
		printf("%02x", c->bytes.ptr[i]);
	putchar('\n');
}

static int
print_text(const struct appraise_args *a, const struct pst_appraisal *ap)
{
	size_t i;

	printf(
	    "%s: %s\n", ap->technology, ap->accepted ? "accepted" : "refused");
	for (i = 0; i < ap->check_count; i++) {
		const struct pst_appraisal_check *c = &ap->checks[i];

		printf("  %-11s %s", c->what,
		    c->err == PST_OK ? "good" : pst_err_name(c->err));
		if (c->why != NULL)
			printf(" (%s)", c->why);
		putchar('\n');
	}
	if (ap->claim_count > 0)
		puts("claims:");
	for (i = 0; i < ap->claim_count; i++)
		print_claim(&ap->claim[i]);
	if (ap->accepted)
		return CLI_DONE;
	return cli_fail("%s: refused: %s", a->evidence, pst_err_name(ap->why));
}

static int
judge(struct appraise_args *a, struct pst_bytes evidence)
{
	static struct pst_appraisal result;
	struct pst_verifier v = { .crypto = a->ring.crypto,
		.attesters = &a->ring.keys,
		.verifiers = &a->ring.keys,
		.skew_s = SKEW_S,
		.max_age_s = MAX_AGE_S,
		.allow_debug = a->allow_debug,
		.endorsements = a->endorsements,
		.need_reference = a->need_reference };
	struct pst_bytes format = { (const uint8_t *)a->format,
		strlen(a->format) };

	/* Refusals are told with everything else that was found. */
	if (pst_verifier_open(&v, evidence, format, a->now_s, &result) ==
		PST_OK &&
	    pst_verifier_judge(&v, a->nonce, NULL, a->now_s, &result) != PST_OK)
		result.accepted = false;
	return a->json ? print_json(&result) : print_text(a, &result);
}

static int
with_evidence(struct appraise_args *a)
{
	struct cli_file f;
	int status = cli_read(a->evidence, CLI_FILE_MAX, &f);

	if (status != CLI_DONE)
		return status;
	status = judge(a, cli_bytes(&f));
	cli_file_free(&f);
	return status;
}

int
cli_eat_appraise(int argc, char **argv)
{
	struct appraise_args a = { .json = false };
	int status = cli_keyring_open(&a.ring);

	a.endorsements = pst_endorsements_new();
	if (status == CLI_DONE && a.endorsements == NULL)
		status = cli_fail("out of memory");
	if (status == CLI_DONE)
		status = options(&a, argc, argv);
	if (status == CLI_DONE)
		status = with_evidence(&a);
	pst_endorsements_free(&a.endorsements);
	cli_keyring_close(&a.ring);
	return status;
}
