/*
 * The table of commands, in the order in which help lists them.
 *
 * A group is one line here and a table in a file of its own.
 */
#include <stddef.h>

#include "cli.h"

const struct cli_command cli_commands[] = {
	{ "inspect", "[--full] [--json] FILE|-",
	    "print any file of these protocols, annotated", cli_inspect_help,
	    cli_inspect, NULL },
	{ "cbor", "", "check, print and write CBOR", NULL, NULL, cli_cbor },
	{ "cose", "", "check COSE messages", NULL, NULL, cli_cose },
	{ "key", "", "make, convert and name keys", NULL, NULL, cli_key },
	{ "manifest", "", "make, sign, check and run SUIT manifests", NULL,
	    NULL, cli_manifest },
	{ "teep", "", "check TEEP messages", NULL, NULL, cli_teep },
	{ "report", "", "check SUIT reports", NULL, NULL, cli_report },
	{ "eat", "", "show and check attestation tokens", NULL, NULL, cli_eat },
	{ "tam", "", "run a TAM and say what devices get", NULL, NULL,
	    cli_tam },
	{ "tee", "", "run the Linux TEE", NULL, NULL, cli_tee },
	{ "broker", "", "carry messages between a TEE and its TAMs", NULL, NULL,
	    cli_broker },
	{ "verifier", "", "appraise Evidence for others", NULL, NULL,
	    cli_verifier },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
