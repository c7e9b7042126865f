/* postern tam: the table of subcommands, options, and the server. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <tam/serve.h>

#include "ports/openssl/openssl.h"
#include "tam.h"
#include "verifier/verifier.h"

#define STATE_HELP \
	"  --state DIR  state folder of the TAM; default: the environment\n" \
	"               variable POSTERN_TAM_STATE, else " TAM_STATE "\n"
#define JSON_HELP "  --json       print JSON\n"
#define LIMIT_HELP "  --limit N    print at most N\n"

/* --- options ----------------------------------------------------------- */

const char *
tam_state(const char *given)
{
	const char *env = getenv("POSTERN_TAM_STATE");

	if (given != NULL)
		return given;
	return env != NULL && env[0] != 0 ? env : TAM_STATE;
}

/* In the order of enum tam_option, from 1. */
static const struct option long_options[] = {
	{ "state", required_argument, NULL, 0 },
	{ "json", no_argument, NULL, TAM_JSON },
	{ "key", required_argument, NULL, TAM_KEY },
	{ "kind", required_argument, NULL, TAM_KIND },
	{ "prefix", required_argument, NULL, TAM_PREFIX },
	{ "to", required_argument, NULL, TAM_TO },
	{ "on-request", no_argument, NULL, TAM_ON_REQUEST },
	{ "remediation", no_argument, NULL, TAM_REMEDIATION },
	{ "remove", no_argument, NULL, TAM_REMOVE },
	{ "limit", required_argument, NULL, TAM_LIMIT },
	{ "failed", no_argument, NULL, TAM_FAILED },
	{ "format", required_argument, NULL, TAM_FORMAT },
	{ "technology", required_argument, NULL, TAM_TECHNOLOGY },
	{ "identity", required_argument, NULL, TAM_IDENTITY },
	{ "certificate", required_argument, NULL, TAM_CERTIFICATE },
	{ "attester", required_argument, NULL, TAM_ATTESTER },
	{ "file", required_argument, NULL, TAM_FILE },
	{ NULL, 0, NULL, 0 },
};

static bool
count(const char *text, long max, long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*out = strtol(text, &end, 10);
	return *end == 0 && *out >= 1 && *out <= max;
}

static bool
take_attester(struct tam_args *a, int option)
{
	switch (option) {
	case TAM_TECHNOLOGY:
		a->technology = optarg;
		return true;
	case TAM_IDENTITY:
		a->identity = optarg;
		return true;
	case TAM_CERTIFICATE:
		a->certificate = optarg;
		return true;
	case TAM_ATTESTER:
		a->attester = optarg;
		return true;
	default:
		return false;
	}
}

static bool
take(struct tam_args *a, int option)
{
	switch (option) {
	case 0:
		a->state = optarg;
		return true;
	case TAM_JSON:
		a->json = true;
		return true;
	case TAM_KEY:
		a->key = optarg;
		return true;
	case TAM_KIND:
		a->kind = optarg;
		return true;
	case TAM_PREFIX:
		if (a->prefixes >= TAM_PREFIXES_MAX)
			return false;
		a->prefix[a->prefixes++] = optarg;
		return true;
	case TAM_TO:
		a->to = optarg;
		return true;
	case TAM_REMEDIATION:
		a->remediation = true;
		return true;
	case TAM_ON_REQUEST:
		a->on_request = true;
		return true;
	case TAM_REMOVE:
		a->remove = true;
		return true;
	case TAM_FAILED:
		a->failed = true;
		return true;
	case TAM_FILE:
		a->file = optarg;
		return true;
	case TAM_FORMAT:
		a->format = optarg;
		return strcmp(optarg, "jwt") == 0 || strcmp(optarg, "cwt") == 0;
	case TAM_LIMIT:
		return count(optarg, 1000000000, &a->limit);
	default:
		return take_attester(a, option);
	}
}

int
tam_parse(struct tam_args *a, int argc, char **argv, unsigned allowed, int from,
    int to)
{
	int option, index = 0;

	memset(a, 0, sizeof(*a));
	a->command = argv[0];
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, &index)) !=
	    -1) {
		if (option == ':')
			return cli_usage(
			    a->command, "%s needs a value", argv[optind - 1]);
		if (option == '?' ||
		    (option != 0 && ((unsigned)option & allowed) == 0))
			return cli_usage(a->command, "no such option: %s",
			    option == '?' ? argv[optind - 1]
					  : long_options[index].name);
		if (!take(a, option))
			return cli_usage(a->command, "--%s: not usable: %s",
			    long_options[index].name, optarg);
	}
	a->state = tam_state(a->state);
	a->count = argc - optind;
	a->word = argv + optind;
	return cli_operands(argc, argv, optind, from, to);
}

int
tam_public_key(const char *path, char **pem)
{
	uint8_t out[PST_KEY_ENCODED_MAX + 1];
	const char *why = NULL;
	struct pst_key key;
	enum pst_err err;
	size_t len = 0;

	*pem = NULL;
	if (pst_key_read(path, &key, &why) != PST_OK)
		return cli_fail(
		    "%s: %s", path, why != NULL ? why : "cannot be read");
	/* Of a private key only the public part leaves this process. */
	err = pst_key_encode(
	    &key, PST_KEY_PEM, false, out, PST_KEY_ENCODED_MAX, &len);
	pst_key_wipe(&key);
	if (err != PST_OK)
		return cli_fail("%s: has no public part", path);
	out[len] = 0;
	*pem = strdup((const char *)out);
	return *pem != NULL ? CLI_DONE : cli_fail("out of memory");
}

/* --- serve ------------------------------------------------------------- */

enum serve_option {
	S_STATE,
	S_LISTEN,
	S_URI,
	S_CERT,
	S_KEY,
	S_LEVEL,
	S_INSECURE,
	S_THREADS,
	S_CONNECTIONS,
	S_PER_ADDRESS,
	S_TIMEOUT,
	S_CHALLENGE,
	S_VERIFIER,
	S_VERIFIER_KEY,
	S_VERIFIER_CA,
	S_VERIFIER_TIMEOUT,
	S_TOKEN,
	S_RETURN_RESULT,
	S_RESULT_LIFE,
	S_PASSPORT_AGE,
	S_TIMESTAMP_AGE,
	S_ALLOW_DEBUG,
	S_ANY_SOFTWARE
};

static const struct option serve_options[] = {
	{ "state", required_argument, NULL, S_STATE },
	{ "listen", required_argument, NULL, S_LISTEN },
	{ "uri", required_argument, NULL, S_URI },
	{ "tls-cert", required_argument, NULL, S_CERT },
	{ "tls-key", required_argument, NULL, S_KEY },
	{ "log-level", required_argument, NULL, S_LEVEL },
	{ "insecure-http", no_argument, NULL, S_INSECURE },
	{ "threads", required_argument, NULL, S_THREADS },
	{ "max-connections", required_argument, NULL, S_CONNECTIONS },
	{ "max-per-address", required_argument, NULL, S_PER_ADDRESS },
	{ "timeout", required_argument, NULL, S_TIMEOUT },
	{ "verifier", required_argument, NULL, S_VERIFIER },
	{ "verifier-key", required_argument, NULL, S_VERIFIER_KEY },
	{ "verifier-ca", required_argument, NULL, S_VERIFIER_CA },
	{ "verifier-timeout", required_argument, NULL, S_VERIFIER_TIMEOUT },
	{ "challenge-lifetime", required_argument, NULL, S_CHALLENGE },
	{ "token-lifetime", required_argument, NULL, S_TOKEN },
	{ "return-result", no_argument, NULL, S_RETURN_RESULT },
	{ "result-lifetime", required_argument, NULL, S_RESULT_LIFE },
	{ "passport-age", required_argument, NULL, S_PASSPORT_AGE },
	{ "timestamp-age", required_argument, NULL, S_TIMESTAMP_AGE },
	{ "allow-debug", no_argument, NULL, S_ALLOW_DEBUG },
	{ "any-software", required_argument, NULL, S_ANY_SOFTWARE },
	{ NULL, 0, NULL, 0 },
};

static bool
number(unsigned *out, long max)
{
	long n;

	if (!count(optarg, max, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static bool
serve_take(struct pst_tam_serve *s, int option)
{
	switch (option) {
	case S_STATE:
		s->dir = optarg;
		return true;
	case S_LISTEN:
		s->listen = optarg;
		return true;
	case S_URI:
		s->uri = optarg;
		return strncmp(optarg, "https://", 8) == 0 ||
		    strncmp(optarg, "http://", 7) == 0;
	case S_CERT:
		s->cert = optarg;
		return true;
	case S_KEY:
		s->key = optarg;
		return true;
	case S_VERIFIER:
		s->verifier = optarg;
		return true;
	case S_VERIFIER_KEY:
		s->verifier_key = optarg;
		return true;
	case S_VERIFIER_CA:
		s->verifier_ca = optarg;
		return true;
	case S_VERIFIER_TIMEOUT:
		return number(&s->verifier_s, 600);
	case S_LEVEL:
		return pst_log_level_parse(optarg, &s->level);
	case S_INSECURE:
		s->insecure_http = true;
		return true;
	case S_THREADS:
		return number(&s->threads, 256);
	case S_CONNECTIONS:
		return number(&s->connections_max, 1000000);
	case S_PER_ADDRESS:
		return number(&s->per_address_max, 1000000);
	case S_CHALLENGE:
		return number(&s->policy.challenge_life_s, 86400);
	case S_TOKEN:
		return number(&s->policy.token_life_s, 30 * 86400);
	case S_RETURN_RESULT:
		s->policy.return_result = true;
		return true;
	case S_RESULT_LIFE:
		return number(&s->policy.result_life_s, 366 * 86400);
	case S_PASSPORT_AGE:
		return number(&s->policy.passport_age_s, 366 * 86400);
	case S_ALLOW_DEBUG:
		s->policy.allow_debug = true;
		return true;
	case S_ANY_SOFTWARE:
		s->policy.any_software |= pst_verifier_technology_bit(optarg);
		return pst_verifier_technology_bit(optarg) != 0;
	case S_TIMESTAMP_AGE:
		s->policy.timestamps = true;
		return number(&s->policy.payload_age_s, 366 * 86400);
	default:
		return number(&s->request_s, 3600);
	}
}

int
tam_serve(int argc, char **argv)
{
	struct pst_tam_serve s;
	int option, index = 0;

	pst_tam_serve_init(&s);
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", serve_options, &index)) !=
	    -1) {
		if (option == ':')
			return cli_usage(
			    argv[0], "%s needs a value", argv[optind - 1]);
		if (option == '?')
			return cli_usage(
			    argv[0], "no such option: %s", argv[optind - 1]);
		if (!serve_take(&s, option))
			return cli_usage(argv[0], "--%s: not usable: %s",
			    serve_options[index].name, optarg);
	}
	if (cli_operands(argc, argv, optind, 0, 0) != CLI_DONE)
		return CLI_USAGE;
	if ((s.cert == NULL) != (s.key == NULL))
		return cli_usage(
		    argv[0], "--tls-cert and --tls-key belong together");
	if ((s.verifier == NULL) != (s.verifier_key == NULL) ||
	    (s.verifier == NULL && s.verifier_ca != NULL))
		return cli_usage(argv[0],
		    "--verifier and --verifier-key belong together, and "
		    "--verifier-ca to them");
	s.dir = tam_state(s.dir);
	return pst_tam_serve_run(&s) == 0 ? CLI_DONE : CLI_REFUSED;
}

/* --- the table --------------------------------------------------------- */

static const char serve_help[] =
    "Serves TEEP over HTTP at /tam (and /tam/esp256, /tam/ed25519: answers\n"
    "with one signature), and the admin API on DIR/admin.sock, until it gets\n"
    "SIGTERM. The first start makes DIR with fresh keys. Prints \"listening\n"
    "on ADDRESS:PORT\" when it is ready; log lines go to stderr.\n"
    "\n" STATE_HELP
    "  --listen ADDRESS:PORT  numeric; port 0: any; default " PST_TAM_LISTEN
    "\n"
    "  --uri URI              by which agents reach this TAM\n"
    "  --tls-cert FILE        PEM, certificate chain; SIGHUP reads it again\n"
    "  --tls-key FILE         PEM, its private key\n"
    "  --insecure-http        listen beyond this host without TLS\n"
    "  --verifier URI         let this Verifier judge Evidence, by Veraison's\n"
    "                         challenge-response API; https, or http on this\n"
    "                         host\n"
    "  --verifier-key FILE    its public key, which signs its results\n"
    "  --verifier-ca FILE     PEM, the CAs of its certificate; default: the\n"
    "                         system's\n"
    "  --verifier-timeout SECONDS  for its answer, with every try; then 503;\n"
    "                         default 20\n"
    "  --log-level LEVEL      error, warn, info (default) or debug\n"
    "  --threads N            default: one a core\n"
    "  --max-connections N    default 4096\n"
    "  --max-per-address N    default 256\n"
    "  --timeout SECONDS      for a client to send a request; default 30\n"
    "  --challenge-lifetime SECONDS  for a device to answer a QueryRequest;\n"
    "                         default 600\n"
    "  --token-lifetime SECONDS  for a device to answer an Update, downloads\n"
    "                         included; default 43200\n"
    "  --return-result        give a device an Attestation Result when it is\n"
    "                         accepted: a passport for other TAMs\n"
    "  --result-lifetime SECONDS  of Attestation Results; default 86400\n"
    "  --passport-age SECONDS  accept a Result of a trusted Verifier that was\n"
    "                         made at most so long ago; without this, only\n"
    "                         one that answers a challenge\n"
    "  --timestamp-age SECONDS  accept Evidence that was made at most so long\n"
    "                         ago; without this, only what answers a\n"
    "                         challenge\n"
    "  --allow-debug          accept environments that can be debugged\n"
    "  --any-software TECHNOLOGY  accept Evidence of it (psa, cca, snp, dcap,\n"
    "                         tpm or nitro) although there are no Reference\n"
    "                         Values for it; may be given several times\n";

static const char publish_help[] =
    "Checks signed manifests against the signer anchors and publishes them.\n"
    "Assigned devices get the newest one at their next contact. Publishing\n"
    "the same file again changes nothing.\n\n" STATE_HELP JSON_HELP;

static const char devices_help[] =
    "  list              all devices (the same without a word)\n"
    "  show NAME         one device and what it reported to have\n"
    "  enroll [NAME]     accept a device: by its attestation key (--key,\n"
    "                    --certificate) or by what its Evidence names it\n"
    "  add-key NAME      another key of a device, beside the one it has\n"
    "  remove-key NAME   take one back (--attester)\n"
    "  revoke NAME       give it nothing any more\n"
    "  activate NAME     take a revocation back\n"
    "  remove NAME       forget it\n"
    "  reports [NAME]    what devices answered to Updates\n"
    "  evidence NAME     what it attested with last, as it came: for those\n"
    "                    who encrypt to it (postern manifest encrypt)\n"
    "  result NAME       what its last appraisal came to, signed: an EAR for\n"
    "                    relying parties\n\n"
    "  --key FILE   public attestation key: PEM, COSE_Key or JWK\n"
    "  --certificate FILE  its certificate instead, PEM, with those that\n"
    "               lead to an anchor; checked with each Evidence\n"
    "  --technology NAME   that it attests with: eat (default), tpm, psa,\n"
    "               cca, snp, dcap, nitro; no other counts\n"
    "  --identity VALUE    what names it in its Evidence, in hexadecimal or\n"
    "               as text:WORD: chip-id, instance-id, module-id\n"
    "  --attester HEX      as `show` lists it\n"
    "  --failed     only reports of failures\n"
    "  --format F   of a result: jwt (default) or cwt\n" STATE_HELP JSON_HELP
	LIMIT_HELP;

static const char components_help[] =
    "Lists published manifests.\n\n" STATE_HELP JSON_HELP LIMIT_HELP;

static const char groups_help[] =
    "  list                  all groups (the same without a word)\n"
    "  add NAME              make a group\n"
    "  remove NAME           forget it and its assignments\n"
    "  join GROUP DEVICE...  put devices into a group\n"
    "  leave GROUP DEVICE... take them out\n\n" STATE_HELP JSON_HELP LIMIT_HELP;

static const char assign_help[] =
    "Says which devices should have a component: all, a group or one device.\n"
    "Without a component, lists what is assigned. A component is written with\n"
    "a slash between its elements: uuid:8-4-4-4-12/ta, hex:00ff or text.\n\n"
    "  --to WHOM     all, a name, or group:NAME or device:NAME\n"
    "  --on-request  install it only when a device asks for it\n"
    "  --remediation  install it also when a device is genuine, but what it\n"
    "                runs is out of policy\n"
    "  --remove      take the assignment back; devices remove the "
    "component\n" STATE_HELP JSON_HELP LIMIT_HELP;

static const char anchors_help[] =
    "  list         all anchors (the same without a word)\n"
    "  add NAME     trust a key (--key) or a file (--file); a file replaces\n"
    "               the one of this kind and name\n"
    "  show NAME    a file, when it is text\n"
    "  remove NAME  trust it no longer\n\n"
    "  --kind KIND  of keys: signer (of manifests), verifier (of Attestation\n"
    "               Results) or author (of CoRIMs). Of files: vendor-root\n"
    "               (certificates under which platforms attest), device-root\n"
    "               (certificates above agents' x5chain), collateral (more\n"
    "               certificates, vendors' TCB information), crl, or\n"
    "               reference (Reference Values: JSON or a CoRIM)\n"
    "  --key FILE          public key: PEM, COSE_Key or JWK\n"
    "  --file FILE         PEM, DER, JSON or CBOR\n"
    "  --prefix COMPONENT  what a signer may sign for; several are "
    "allowed\n" STATE_HELP JSON_HELP LIMIT_HELP;

static const char audit_help[] =
    "Lists who changed what, oldest first.\n\n" STATE_HELP JSON_HELP LIMIT_HELP;

static const char status_help[] =
    "Shows whether the TAM answers, and what it holds.\n\n" STATE_HELP
	JSON_HELP;

const struct cli_command cli_tam[] = {
	{ "serve", "[OPTION]...", "run the TAM", serve_help, tam_serve, NULL },
	{ "status", "[OPTION]...", "what a running TAM holds", status_help,
	    tam_status, NULL },
	{ "publish", "[OPTION]... FILE...", "publish signed manifests",
	    publish_help, tam_publish, NULL },
	{ "devices", "[OPTION]... [WORD [NAME]]", "devices and their reports",
	    devices_help, tam_devices, NULL },
	{ "components", "[OPTION]...", "published components", components_help,
	    tam_components, NULL },
	{ "groups", "[OPTION]... [WORD NAME...]", "groups of devices",
	    groups_help, tam_groups, NULL },
	{ "assign", "[OPTION]... [COMPONENT --to WHOM]",
	    "say which devices should have a component", assign_help,
	    tam_assign, NULL },
	{ "anchors", "[OPTION]... [WORD NAME]",
	    "keys and files that are trusted", anchors_help, tam_anchors,
	    NULL },
	{ "audit", "[OPTION]...", "who changed what", audit_help, tam_audit,
	    NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
