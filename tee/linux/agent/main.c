/*
 * postern-tee: the Linux TEE with the TEEP agent in it.
 */
#include "agent_ta.h"
#include "attestation.h"
#include "component.h"
#include "config.h"
#include "device.h"
#include "posix.h"

#include <postern/agent_state.h>
#include <postern/agent_ta.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is installed and remembered: some 200 bytes a component. */
#define REGISTRY_MAX (512u << 10)
#define REPORT_MAX (64u << 10)
#define WORK_MAX (64u << 10)
/* Each component of a manifest may have each parameter set. */
#define PARAMS_MAX (PST_SUIT_PLACES_MAX * 16)
#define ARENA_MAX (1 << 20)

struct memory {
	uint8_t registry[REGISTRY_MAX];
	uint8_t staged[REGISTRY_MAX];
	uint8_t message[PST_MESSAGE_MAX];
	uint8_t out[PST_MESSAGE_MAX];
	uint8_t report[REPORT_MAX];
	uint8_t work[WORK_MAX];
	struct pst_suit_param params[PARAMS_MAX];
	_Alignas(8) uint8_t arena[ARENA_MAX]; /* dependencies */
};

struct options {
	const char *state;
	const char *config;
	const char *socket;
};

/* Everything that lives as long as the program. */
struct tee {
	struct options options;
	char host[PATH_MAX];
	struct pst_config *config;
	struct pst_posix_store files;
	struct pst_store store;
	struct pst_clock clock;
	struct pst_device device;
	struct pst_attestation attestation;
	struct pst_attester attester;
	struct pst_agent_config agent_config;
	struct pst_agent agent;
	struct memory memory;
	struct pst_tee_options server_options;
	struct pst_tee_pseudo pseudo;
	struct pst_agent_ta *agent_ta;
	struct pst_tee *server;
};

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "postern-tee: %s: %s\n", what, why);
	return 1;
}

/* --- this process -------------------------------------------------------- */

/* Keys are in its memory: no core file, no debugger of the same user. */
static bool
protect_memory(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/* postern-ta-host is beside this program and never searched for. */
static bool
find_host(char out[PATH_MAX])
{
	static const char name[] = "postern-ta-host";
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL ||
	    (size_t)(slash + 1 - out) + sizeof(name) > PATH_MAX)
		return false;
	strcpy(slash + 1, name);
	return access(out, X_OK) == 0;
}

static void
say_what_it_is(const struct options *o)
{
	if (access("/dev/sev-guest", F_OK) == 0 ||
	    access("/dev/tdx_guest", F_OK) == 0) {
		fprintf(stderr,
		    "postern-tee: in a confidential VM; keys are files in "
		    "%s/keys, protected as this VM's disk is\n",
		    o->state);
		return;
	}
	fprintf(stderr,
	    "postern-tee: on a plain machine this is a TEE for development: "
	    "its keys are files in %s/keys (insecure), and whoever is root "
	    "here can read them\n",
	    o->state);
}

/* --- the agent ----------------------------------------------------------- */

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static int
set_evidence(struct tee *t)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(t->device.openssl);
	const struct pst_config *c = t->config;
	const struct pst_device *d = &t->device;
	const char *why = NULL;

	t->attestation.software = (struct pst_eat_attester){
		.crypto = crypto,
		.key = d->attestation,
		.ueid = { d->ueid, d->ueid_len },
		.oemid = { c->oemid, c->oemid_len },
		.hwmodel = text(c->hwmodel),
		.hwversion = text(c->hwversion),
		/* The agent's own, as a URI (the TEEP profile's swname). */
		.swname = text("urn:uuid:6a0cf1b5-38f6-4d8b-8a3b-6d6f0f6e7e01"),
		.swversion = text(POSTERN_VERSION),
		.software = { PST_ALG_SHA256,
		    { d->software, sizeof(d->software) } },
		.debug_enabled = c->debug,
	};
	if (pst_attestation_open(
		&t->attestation, c, crypto, &t->attester, &why) != PST_OK)
		return fail("attestation", why != NULL ? why : "failed");
	/* A TPM's key is what is enrolled, in place of the one in a file. */
	if (t->attestation.tpm != NULL &&
	    pst_device_publish(t->options.state, "attestation.pub.pem",
		pst_attest_tpm_key(t->attestation.tpm)) != PST_OK)
		return fail("attestation.pub.pem", strerror(errno));
	return 0;
}

static void
set_agent_config(struct tee *t)
{
	const struct pst_config *c = t->config;
	struct pst_agent_config *a = &t->agent_config;

	a->tams = c->tams;
	a->tam_count = c->tam_count;
	a->signers = c->signers;
	a->signer_count = c->signer_count;
	a->secrets = t->device.secrets;
	a->secret_count = t->device.secret_count;
	a->key = t->device.key;
	a->pub = t->device.pub;
	a->report_key = t->device.report;
	a->report_pub = t->device.report_pub;
	a->encryption_pub = t->device.secrets[0].pub;
	a->suites = c->suites;
	if (c->has_vendor)
		a->vendor_id = (struct pst_bytes){ c->vendor_id, 16 };
	if (c->has_class)
		a->class_id = (struct pst_bytes){ c->class_id, 16 };
	if (c->has_device)
		a->device_id = (struct pst_bytes){ c->device_id, 16 };
	a->policy_interval_s = c->policy_interval_s;
	a->payload_max = c->payload_max;
}

static enum pst_err
open_agent(struct tee *t)
{
	struct memory *m = &t->memory;
	const struct pst_agent_ports ports = {
		.crypto = pst_openssl_crypto(t->device.openssl),
		.store = &t->store,
		.clock = &t->clock,
		.attester = &t->attester,
	};
	const struct pst_agent_memory memory = {
		.registry = m->registry,
		.staged = m->staged,
		.registry_cap = sizeof(m->registry),
		.message = m->message,
		.message_cap = sizeof(m->message),
		.out = m->out,
		.out_cap = sizeof(m->out),
		.report = m->report,
		.report_cap = sizeof(m->report),
		.suit = { m->params, PARAMS_MAX, m->work, sizeof(m->work),
		    m->arena, sizeof(m->arena) },
	};

	set_agent_config(t);
	return pst_agent_open(&t->agent, &t->agent_config, &ports, &memory);
}

/* --- opening, in the order of what needs what ---------------------------- */

static int
open_state(struct tee *t)
{
	char path[PATH_MAX], why[512] = "";
	const char *dir = t->options.state;
	enum pst_err err;

	/* Narrow before anything is in it. */
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(dir, strerror(errno));
	if (chmod(dir, 0700) != 0)
		return fail(dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/store", dir);
	err = pst_posix_store_open(&t->files, path);
	if (err == PST_ERR_BUSY)
		return fail(dir, "another TEE uses this state");
	if (err != PST_OK)
		return fail(path, pst_err_name(err));
	pst_posix_store_port(&t->files, &t->store);
	pst_posix_clock(&t->clock);
	err = pst_device_open(&t->device, dir, t->config, why, sizeof(why));
	return err == PST_OK ? 0 : fail("device", why);
}

static void
ready(const char *socket)
{
	printf("ready on %s\n", socket);
	fflush(stdout);
}

/* The folder of the default path is made; any other is the caller's. */
static void
make_run_folder(const char *socket)
{
	if (strcmp(socket, PST_TEE_SOCKET) == 0)
		(void)!mkdir("/run/postern", 0755);
}

static int
open_server(struct tee *t)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(t->device.openssl);
	const struct pst_config *c = t->config;
	struct pst_tee_options *o = &t->server_options;

	t->agent_ta =
	    pst_agent_ta_new(&t->agent, &t->store, crypto, c->broker_uid);
	if (t->agent_ta == NULL)
		return fail("agent", "out of memory");
	pst_agent_ta_interfaces(t->agent_ta, &o->catalog, &t->pseudo);
	o->socket = t->options.socket;
	o->socket_mode = c->socket_mode;
	o->host = t->host;
	o->call_ms = c->call_timeout_s * 1000;
	o->pseudo = &t->pseudo;
	o->ready = ready;
	make_run_folder(o->socket);
	t->server = pst_tee_new(o);
	if (t->server == NULL)
		return 1;
	pst_agent_ta_attach(t->agent_ta, t->server);
	return 0;
}

static int
open_all(struct tee *t)
{
	char why[512] = "";
	enum pst_err err;
	int status;

	if (!protect_memory())
		return fail("memory", "cannot be protected");
	if (!find_host(t->host))
		return fail("postern-ta-host",
		    "is not beside this program, or not executable");
	t->config = pst_config_read(t->options.config, why, sizeof(why));
	if (t->config == NULL)
		return fail("configuration", why);
	status = open_state(t);
	if (status == 0)
		status = set_evidence(t);
	if (status != 0)
		return status;
	err = open_agent(t);
	if (err == PST_ERR_STORE_DAMAGED)
		return fail(t->options.state,
		    "the registry is damaged and is left as it is; move the "
		    "store away to begin anew");
	if (err != PST_OK)
		return fail("agent", pst_err_name(err));
	say_what_it_is(&t->options);
	return open_server(t);
}

static void
close_all(struct tee *t)
{
	pst_tee_free(t->server);
	pst_agent_ta_free(t->agent_ta);
	if (t->agent.config != NULL)
		pst_agent_close(&t->agent);
	pst_attestation_close(&t->attestation);
	pst_device_close(&t->device);
	if (t->store.ctx != NULL)
		pst_posix_store_close(&t->files);
	pst_config_free(t->config);
}

/* --- command line -------------------------------------------------------- */

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: postern-tee --state DIR --config FILE [--socket PATH]\n"
	    "\n"
	    "Runs the Linux TEE with its TEEP agent and prints `ready on PATH`"
	    ".\n\n"
	    "  --state DIR    store and device keys; made when it is not "
	    "there\n"
	    "  --config FILE  YAML: device, tams, signers\n"
	    "  --socket PATH  where clients connect (environment: "
	    "POSTERN_TEE_SOCKET;\n"
	    "                 else " PST_TEE_SOCKET ")\n");
}

/* -1: go on; else the exit status */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "state", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 's') {
			o->state = optarg;
		} else if (c == 'c') {
			o->config = optarg;
		} else if (c == 'k') {
			o->socket = optarg;
		} else {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (o->socket == NULL)
		o->socket = getenv("POSTERN_TEE_SOCKET");
	if (o->socket == NULL || *o->socket == '\0')
		o->socket = PST_TEE_SOCKET;
	if (optind == argc && o->state != NULL && o->config != NULL)
		return -1;
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct tee *t = calloc(1, sizeof(*t));
	int status;

	if (t == NULL)
		return fail("memory", "there is none");
	status = parse_options(argc, argv, &t->options);
	if (status >= 0) {
		free(t);
		return status;
	}
	status = open_all(t);
	if (status == 0 && pst_tee_run(t->server) != PST_OK)
		status = fail("server", "stopped by an error");
	close_all(t);
	free(t);
	return status;
}
