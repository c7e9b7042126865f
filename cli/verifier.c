/* postern verifier: the Verifier as a service of its own. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endorse.h"
#include "tam/http/http.h"
#include "verifier/serve.h"

#define LISTEN "127.0.0.1:8282"
enum {
	SKEW_S = 60,
	MAX_AGE_S = 300,
	LIFETIME_S = 3600,
	LIFETIME_MAX_S = 604800
};

struct serve_args {
	struct cli_keyring attesters, signer;
	struct pst_endorsements *endorsements;
	const char *listen, *anchors, *tls_cert, *tls_key;
	uint64_t lifetime_s;
	bool allow_debug, need_reference;
	struct cli_file cert, key; /* PEM, when there is TLS */
};

enum {
	ANCHORS = 256,
	ATTESTER,
	COLLATERAL,
	REFERENCE,
	LISTENER,
	TLS_CERT,
	TLS_KEY,
	LIFETIME,
	DEBUG,
	ANY
};

static int
set_lifetime(struct serve_args *a, const char *command)
{
	char *end = NULL;
	unsigned long n = strtoul(optarg, &end, 10);

	if (*optarg < '0' || *optarg > '9' || *end != '\0' || n == 0 ||
	    n > LIFETIME_MAX_S)
		return cli_usage(command, "--lifetime needs 1 to %d seconds",
		    LIFETIME_MAX_S);
	a->lifetime_s = n;
	return CLI_DONE;
}

static int
option(struct serve_args *a, char **argv, int c)
{
	switch (c) {
	case 'k':
		return cli_keyring_add(&a->signer, optarg);
	case ATTESTER:
		return cli_keyring_add(&a->attesters, optarg);
	case COLLATERAL:
		return cli_endorse(
		    a->endorsements, PST_ENDORSE_COLLATERAL, optarg);
	case REFERENCE:
		return cli_endorse(
		    a->endorsements, PST_ENDORSE_REFERENCE, optarg);
	case LIFETIME:
		return set_lifetime(a, argv[0]);
	case ANCHORS:
		a->anchors = optarg;
		return CLI_DONE;
	case LISTENER:
		a->listen = optarg;
		return CLI_DONE;
	case TLS_CERT:
		a->tls_cert = optarg;
		return CLI_DONE;
	case TLS_KEY:
		a->tls_key = optarg;
		return CLI_DONE;
	case DEBUG:
		a->allow_debug = true;
		return CLI_DONE;
	case ANY:
		a->need_reference = false;
		return CLI_DONE;
	default:
		return cli_usage(argv[0], "unknown option");
	}
}

static int
check(const struct serve_args *a, const char *command)
{
	if (a->signer.count != 1)
		return cli_usage(
		    command, "one key that signs results is needed (--key)");
	if ((a->tls_cert == NULL) != (a->tls_key == NULL))
		return cli_usage(
		    command, "--tls-cert and --tls-key go together");
	/* Evidence identifies devices, and results are believed. */
	if (a->tls_cert == NULL && !pst_http_loopback(a->listen))
		return cli_usage(command,
		    "without TLS it listens on this host only: give --tls-cert "
		    "and --tls-key, or a loopback address to --listen");
	return CLI_DONE;
}

static int
options(struct serve_args *a, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "anchors", required_argument, NULL, ANCHORS },
		{ "attester", required_argument, NULL, ATTESTER },
		{ "collateral", required_argument, NULL, COLLATERAL },
		{ "reference", required_argument, NULL, REFERENCE },
		{ "listen", required_argument, NULL, LISTENER },
		{ "tls-cert", required_argument, NULL, TLS_CERT },
		{ "tls-key", required_argument, NULL, TLS_KEY },
		{ "lifetime", required_argument, NULL, LIFETIME },
		{ "allow-debug", no_argument, NULL, DEBUG },
		{ "any-software", no_argument, NULL, ANY },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	a->listen = LISTEN;
	a->lifetime_s = LIFETIME_S;
	a->need_reference = true;
	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1)
		status = option(a, argv, c);
	if (status == CLI_DONE)
		status = cli_operands(argc, argv, optind, 0, 0);
	if (status == CLI_DONE)
		status = check(a, argv[0]);
	if (status == CLI_DONE && a->anchors != NULL)
		status = cli_endorse_anchors(
		    a->endorsements, &a->attesters, a->anchors);
	if (status == CLI_DONE)
		status = cli_endorse_keys(a->endorsements, &a->attesters);
	return status;
}

static int
open_socket(const char *address, int *fd)
{
	switch (pst_http_listen(address, fd)) {
	case PST_OK:
		return CLI_DONE;
	case PST_ERR_ARG:
		return cli_fail("%s: not a numeric ADDRESS:PORT", address);
	default:
		return cli_fail("%s: %s", address, strerror(errno));
	}
}

static int
read_tls(struct serve_args *a)
{
	int status = CLI_DONE;

	if (a->tls_cert == NULL)
		return CLI_DONE;
	if (pst_key_file_exposed(a->tls_key))
		cli_warn("%s can be read by others", a->tls_key);
	status = cli_read(a->tls_cert, CLI_FILE_MAX, &a->cert);
	if (status == CLI_DONE)
		status = cli_read(a->tls_key, CLI_FILE_MAX, &a->key);
	return status;
}

static void
note(void *ctx, const struct pst_appraisal *a)
{
	size_t i;

	(void)ctx;
	fprintf(stderr, "%s: %s", a->technology,
	    a->accepted ? "accepted" : "refused");
	for (i = 0; i < a->check_count; i++)
		if (a->checks[i].err != PST_OK)
			fprintf(stderr, "; %s: %s", a->checks[i].what,
			    pst_err_name(a->checks[i].err));
	fputc('\n', stderr);
}

/* Serve until a signal says that it is enough. */
static int
run(struct serve_args *a, const struct pst_verifier *v, int fd)
{
	struct pst_verifier_serve config = { .listen_fd = fd,
		.cert = (const char *)a->cert.ptr,
		.key_pem = (const char *)a->key.ptr,
		.verifier = v,
		.crypto = a->signer.crypto,
		.developer = "postern",
		.build = PST_VERSION,
		.lifetime_s = a->lifetime_s,
		.log = note };
	struct pst_verifier_service *service;
	struct pst_signer signer;
	char address[80];
	sigset_t set;
	int number;

	if (a->signer.key[0].number == 0 ||
	    pst_openssl_signer(
		a->signer.port, a->signer.key[0].number, 0, &signer) != PST_OK)
		return cli_fail(
		    "%s: not a private key that signs", a->signer.key[0].path);
	if (cli_keyring_unlock(&a->signer.key[0]) != CLI_DONE)
		return CLI_REFUSED;
	config.signer = &signer;
	config.signer_pub = &a->signer.key[0].pub;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (pst_verifier_start(&service, &config) != PST_OK)
		return cli_fail("the service does not start: is the "
				"certificate usable?");
	pst_http_address(fd, address, sizeof(address));
	printf("ready on %s\n", address);
	fflush(stdout);
	(void)sigwait(&set, &number);
	pst_verifier_stop(&service);
	return CLI_DONE;
}

static int
with_socket(struct serve_args *a)
{
	struct pst_verifier v = { .crypto = a->attesters.crypto,
		.attesters = &a->attesters.keys,
		.verifiers = NULL,
		.skew_s = SKEW_S,
		.max_age_s = MAX_AGE_S,
		.allow_debug = a->allow_debug,
		.endorsements = a->endorsements,
		.need_reference = a->need_reference };
	int fd = -1;
	int status = open_socket(a->listen, &fd);

	if (status != CLI_DONE)
		return status;
	status = run(a, &v, fd);
	close(fd);
	return status;
}

static int
serve(int argc, char **argv)
{
	struct serve_args a = { .listen = NULL };
	int status = cli_keyring_open(&a.attesters);

	if (status == CLI_DONE)
		status = cli_keyring_open(&a.signer);
	a.endorsements = pst_endorsements_new();
	if (status == CLI_DONE && a.endorsements == NULL)
		status = cli_fail("out of memory");
	if (status == CLI_DONE)
		status = options(&a, argc, argv);
	if (status == CLI_DONE)
		status = read_tls(&a);
	if (status == CLI_DONE)
		status = with_socket(&a);
	cli_file_free(&a.cert);
	cli_file_free(&a.key);
	pst_endorsements_free(&a.endorsements);
	cli_keyring_close(&a.signer);
	cli_keyring_close(&a.attesters);
	return status;
}

const struct cli_command cli_verifier[] = {
	{ "serve",
	    "--key KEY [--anchors DIR] [--attester KEY]...\n"
	    "          [--collateral FILE]... [--reference FILE]...\n"
	    "          [--listen ADDRESS:PORT] [--tls-cert FILE --tls-key "
	    "FILE]\n"
	    "          [--lifetime SECONDS] [--allow-debug] [--any-software]",
	    "appraise Evidence for others, over HTTP",
	    "Serves the challenge-response API that Veraison has: a client "
	    "gets\n"
	    "a nonce, sends Evidence, and gets a signed Attestation Result "
	    "(EAR).\n"
	    "Prints `ready on ADDRESS:PORT`; ends at SIGINT or SIGTERM.\n"
	    "\n  -k, --key KEY         private key that signs the results\n"
	    "  --anchors DIR         certificates and attestation keys that "
	    "are "
	    "trusted\n"
	    "  --attester KEY        an attestation key; may be given several "
	    "times\n"
	    "  --collateral FILE     certificates, CRLs, vendors' collateral\n"
	    "  --reference FILE      Reference Values, JSON\n"
	    "  --listen ADDRESS      where (default: " LISTEN ")\n"
	    "  --tls-cert, --tls-key PEM files; needed on other addresses "
	    "than\n"
	    "                        this host's own\n"
	    "  --lifetime SECONDS    of a result (default: 3600)\n"
	    "  --allow-debug         accept environments that can be debugged\n"
	    "  --any-software        accept Evidence that no Reference Value\n"
	    "                        speaks of\n",
	    serve, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
