/* postern broker: the normal-world side, by hand or as a service. */
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "diag/component.h"
#include "diag/diag.h"
#include "keyring.h"
#include "progress.h"

struct args {
	const char *tee[PST_BROKER_TEES_MAX];
	size_t tees;
	const char *tam, *cacert, *socket;
	unsigned long interval_s;
	bool due, json, verbose;
	struct cli_progress progress; /* of the payload that comes */
	bool begun;
};

static int
options(struct args *a, const char *allowed, int argc, char **argv, int from,
    int to)
{
	static const struct option known[] = {
		{ "tee", required_argument, NULL, 't' },
		{ "tam", required_argument, NULL, 'u' },
		{ "cacert", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "interval", required_argument, NULL, 'i' },
		{ "due", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	char *end = NULL;
	int c;

	memset(a, 0, sizeof(*a));
	while ((c = getopt_long(argc, argv, "v", known, NULL)) != -1) {
		if (c == '?' || strchr(allowed, c) == NULL)
			return cli_usage(argv[0], "unknown option");
		if (c == 't' && a->tees == PST_BROKER_TEES_MAX)
			return cli_usage(
			    argv[0], "more than %d TEEs", PST_BROKER_TEES_MAX);
		if (c == 't')
			a->tee[a->tees++] = optarg;
		if (c == 'i')
			a->interval_s = strtoul(optarg, &end, 10);
		if (c == 'i' &&
		    (*end != '\0' || a->interval_s == 0 ||
			a->interval_s > UINT32_MAX))
			return cli_usage(argv[0], "--interval needs seconds");
		a->tam = c == 'u' ? optarg : a->tam;
		a->cacert = c == 'c' ? optarg : a->cacert;
		a->socket = c == 's' ? optarg : a->socket;
		a->due |= c == 'd';
		a->json |= c == 'j';
		a->verbose |= c == 'v';
	}
	/* The library's default: an environment variable or a well-known
	 * path. */
	if (a->tees == 0)
		a->tees = 1;
	return cli_operands(argc, argv, optind, from, to);
}

static struct pst_bytes
view(const char *text)
{
	return (struct pst_bytes){ (const uint8_t *)text, strlen(text) };
}

static void
json_member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	pst_json_string(stdout, view(value));
}

static void
on_log(void *ctx, bool error, const char *line)
{
	struct args *a = ctx;

	if (!error && !a->verbose)
		return;
	if (a->begun)
		cli_progress_end(&a->progress);
	fputs("postern: ", stderr);
	pst_print_safe(stderr, view(line));
	fputc('\n', stderr);
}

static void
on_session(void *ctx, const struct pst_broker_result *r)
{
	const struct args *a = ctx;

	if (a->json) {
		printf("{\"done\":%s", r->err == PST_OK ? "true" : "false");
		json_member("tee", r->tee != NULL ? r->tee : "");
		json_member("tam", r->tam);
		if (r->err != PST_OK)
			json_member("why", r->why);
		printf(",\"messages\":%u,\"payloads\":%u,\"payload_bytes\":%llu"
		       ",\"took_ms\":%llu}\n",
		    r->messages, r->payloads,
		    (unsigned long long)r->payload_bytes,
		    (unsigned long long)r->took_ms);
	} else if (r->tam[0] != '\0') {
		pst_print_safe(stdout, view(r->tam));
		fputs(": ", stdout);
		pst_print_safe(
		    stdout, view(r->err == PST_OK ? "done" : r->why));
		printf(", %u messages, %u payloads, %llu ms\n", r->messages,
		    r->payloads, (unsigned long long)r->took_ms);
	}
	fflush(stdout);
}

static void
on_payload(void *ctx, const char *uri, uint64_t have_bytes, bool end)
{
	struct args *a = ctx;

	if (end) {
		cli_progress_end(&a->progress);
		a->begun = false;
		return;
	}
	if (!a->begun)
		cli_progress_begin(&a->progress, uri, 0);
	a->begun = true;
	cli_progress_add(&a->progress, have_bytes - a->progress.done);
}

static void
config_of(struct args *a, const char *tee, struct pst_broker_config *config)
{
	*config = (struct pst_broker_config){ .tee = tee,
		.cacert = a->cacert,
		.ctx = a,
		.log = on_log,
		.session = on_session };
}

/* One thing to do with one broker. */
typedef enum pst_err work(struct pst_broker *b, const struct args *a,
    struct pst_bytes component, struct pst_broker_result *out);

/* Why, and of which TEE when there are several and it does not say. */
static int
explain(const struct args *a, size_t i, const struct pst_broker_result *r)
{
	const char *why = r->why[0] != '\0' ? r->why : pst_err_name(r->err);

	if (a->tees > 1 && strstr(why, a->tee[i]) == NULL)
		return cli_fail("%s: %s", a->tee[i], why);
	return cli_fail("%s", why);
}

/* Do it with each TEE; one that fails does not keep the others waiting. */
static int
with_each(struct args *a, work *what, struct pst_bytes component)
{
	struct pst_broker_result result;
	struct pst_broker_config config;
	struct pst_broker *b;
	int status = CLI_DONE;
	size_t i;

	for (i = 0; i < a->tees; i++) {
		config_of(a, a->tee[i], &config);
		config.payload = a->json ? NULL : on_payload;
		memset(&result, 0, sizeof(result));
		b = pst_broker_new(&config);
		if (b == NULL)
			return cli_fail("the broker does not start");
		if (what(b, a, component, &result) != PST_OK)
			status = explain(a, i, &result);
		pst_broker_free(b);
	}
	return status;
}

static enum pst_err
do_sync(struct pst_broker *b, const struct args *a, struct pst_bytes component,
    struct pst_broker_result *out)
{
	(void)component;
	return pst_broker_sync(b, !a->due, out);
}

static void
say(struct pst_bytes component, const char *what)
{
	char id[PST_COMPONENT_TEXT_MAX];

	if (pst_component_print(component, id, sizeof(id)) == PST_OK)
		printf("%s: %s\n", id, what);
}

static enum pst_err
do_request(struct pst_broker *b, const struct args *a,
    struct pst_bytes component, struct pst_broker_result *out)
{
	enum pst_err err = pst_broker_request(b, component, a->tam, out);

	if (err == PST_OK && !a->json)
		say(component, "installed");
	return err;
}

static enum pst_err
do_unrequest(struct pst_broker *b, const struct args *a,
    struct pst_bytes component, struct pst_broker_result *out)
{
	enum pst_err err = pst_broker_unrequest(b, component, out);

	if (err == PST_OK && !a->json)
		say(component, "not needed any more");
	return err;
}

/* --- what is installed -------------------------------------------------- */

struct listing {
	bool json;
	size_t count;
};

static void
print_component(void *ctx, const struct pst_agent_component *c)
{
	struct listing *l = ctx;
	char id[PST_COMPONENT_TEXT_MAX];
	char digest[2 * PST_DIGEST_MAX + 1] = "";

	if (pst_component_print(c->id, id, sizeof(id)) != PST_OK)
		snprintf(id, sizeof(id), "?");
	if (c->digest.bytes.len <= PST_DIGEST_MAX)
		cli_hex_text(c->digest.bytes.ptr, c->digest.bytes.len, digest);
	if (l->json)
		printf("%s{\"component\":\"%s\",\"sequence\":%llu,"
		       "\"size\":%llu,\"digest\":\"%s\"}",
		    l->count > 0 ? "," : "", id,
		    (unsigned long long)c->sequence,
		    (unsigned long long)c->size_bytes, digest);
	else
		printf("%s  sequence %llu, %llu bytes, %s\n", id,
		    (unsigned long long)c->sequence,
		    (unsigned long long)c->size_bytes, digest);
	l->count++;
}

static enum pst_err
do_list(struct pst_broker *b, const struct args *a, struct pst_bytes component,
    struct pst_broker_result *out)
{
	struct listing l = { a->json, 0 };
	enum pst_err err;

	(void)component;
	if (a->json)
		fputs("{\"components\":[", stdout);
	err = pst_broker_list(b, print_component, &l, out);
	if (a->json)
		printf(
		    "],\"reachable\":%s}\n", err == PST_OK ? "true" : "false");
	return err;
}

static void
count_component(void *ctx, const struct pst_agent_component *c)
{
	(void)c;
	((struct listing *)ctx)->count++;
}

static void
print_process(void *ctx, const struct pst_broker_process *p)
{
	struct listing *l = ctx;
	char uuid[37];

	pst_uuid_print(p->uuid, uuid);
	if (l->json)
		printf("%s{\"ta\":\"%s\",\"sequence\":%llu,\"pid\":%lu,"
		       "\"sessions\":%lu,\"busy\":%s}",
		    l->count > 0 ? "," : "", uuid,
		    (unsigned long long)p->sequence, (unsigned long)p->pid,
		    (unsigned long)p->sessions, p->busy ? "true" : "false");
	else
		printf("uuid:%s/ta  sequence %llu, process %lu, "
		       "%lu sessions%s\n",
		    uuid, (unsigned long long)p->sequence,
		    (unsigned long)p->pid, (unsigned long)p->sessions,
		    p->busy ? ", in a call" : "");
	l->count++;
}

static void
print_key(void *ctx, struct pst_bytes cose_key, struct pst_bytes kid)
{
	struct listing *l = ctx;
	char id[2 * PST_KID_MAX + 1] = "", key[1024] = "";

	if (kid.len <= PST_KID_MAX)
		cli_hex_text(kid.ptr, kid.len, id);
	if (cose_key.len < sizeof(key) / 2)
		cli_hex_text(cose_key.ptr, cose_key.len, key);
	if (l->json)
		printf("%s{\"kid\":\"%s\",\"cose-key\":\"%s\"}",
		    l->count > 0 ? "," : "", id, key);
	else
		printf("%s %s\n  COSE_Key %s\n",
		    l->count > 0 ? "decryption key" : "encryption key", id,
		    key);
	l->count++;
}

static enum pst_err
do_status(struct pst_broker *b, const struct args *a,
    struct pst_bytes component, struct pst_broker_result *out)
{
	struct listing l = { a->json, 0 }, running = { a->json, 0 };
	struct listing keys = { a->json, 0 };
	enum pst_err err = pst_broker_list(b, count_component, &l, out);

	(void)component;
	if (a->json)
		printf("{\"components\":%zu,\"processes\":[", l.count);
	else if (err == PST_OK)
		printf("%s: answers, %zu components installed\n",
		    out->tee != NULL ? out->tee : "TEE", l.count);
	if (err == PST_OK)
		err = pst_broker_processes(b, print_process, &running, out);
	if (a->json)
		printf("],\"encryption-keys\":[");
	if (err == PST_OK)
		err = pst_broker_keys(b, print_key, &keys, out);
	if (a->json)
		printf(
		    "],\"reachable\":%s}\n", err == PST_OK ? "true" : "false");
	return err;
}

/* --- subcommands -------------------------------------------------------- */

static int
sync_command(int argc, char **argv)
{
	struct pst_bytes none = { NULL, 0 };
	struct args a;
	int status = options(&a, "tcdjv", argc, argv, 0, 0);

	return status != CLI_DONE ? status : with_each(&a, do_sync, none);
}

static int
with_component(int argc, char **argv, const char *allowed, work *what)
{
	uint8_t id[PST_SUIT_ID_MAX];
	struct pst_bytes component = { id, 0 };
	struct args a;
	int status = options(&a, allowed, argc, argv, 1, 1);

	if (status != CLI_DONE)
		return status;
	if (pst_component_parse(argv[optind], id, sizeof(id), &component.len) !=
	    PST_OK)
		return cli_usage(
		    argv[0], "not a component identifier: %s", argv[optind]);
	return with_each(&a, what, component);
}

static int
request(int argc, char **argv)
{
	return with_component(argc, argv, "tucjv", do_request);
}

static int
unrequest(int argc, char **argv)
{
	return with_component(argc, argv, "tcjv", do_unrequest);
}

static int
list(int argc, char **argv)
{
	struct pst_bytes none = { NULL, 0 };
	struct args a;
	int status = options(&a, "tjv", argc, argv, 0, 0);

	return status != CLI_DONE ? status : with_each(&a, do_list, none);
}

int
cli_broker_status(int argc, char **argv)
{
	struct pst_bytes none = { NULL, 0 };
	struct args a;
	int status = options(&a, "tj", argc, argv, 0, 0);

	return status != CLI_DONE ? status : with_each(&a, do_status, none);
}

/* --- serve -------------------------------------------------------------- */

static atomic_bool stop;
static int wake[2];

static void
on_signal(int number)
{
	int saved = errno;

	(void)number;
	atomic_store(&stop, true);
	(void)!write(wake[1], "", 1);
	errno = saved;
}

static bool
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	return pipe2(wake, O_CLOEXEC | O_NONBLOCK) == 0 &&
	    sigemptyset(&action.sa_mask) == 0 &&
	    sigaction(SIGINT, &action, NULL) == 0 &&
	    sigaction(SIGTERM, &action, NULL) == 0 &&
	    signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

static int
serve(int argc, char **argv)
{
	struct pst_broker_serve s = { .socket = PST_BROKER_SOCKET };
	struct args a;
	enum pst_err err;
	int status = options(&a, "tcsiv", argc, argv, 0, 0);

	if (status != CLI_DONE)
		return status;
	if (!catch_signals())
		return cli_fail("signals: %s", strerror(errno));
	a.verbose = true;
	config_of(&a, NULL, &s.broker);
	s.tees = a.tee;
	s.tee_count = a.tees;
	if (a.socket != NULL)
		s.socket = a.socket;
	s.interval_s = (uint32_t)a.interval_s;
	s.parse = pst_component_parse;
	s.stop = &stop;
	s.wake_fd = wake[0];
	err = pst_broker_serve(&s);
	if (err == PST_ERR_SPACE)
		return cli_fail("out of memory");
	/* What is wrong with the socket was logged. */
	return err == PST_OK ? CLI_DONE : CLI_REFUSED;
}

#define TEE_OPTION \
	"\n  --tee PATH     a TEE's socket; may be given several times\n" \
	"                 (default: POSTERN_TEE_SOCKET, else\n" \
	"                 /run/postern/tee.sock)\n"
#define COMMON \
	"  --cacert FILE  trusted CA certificates (default: the system's)\n" \
	"  --json         print a line of JSON a session\n" \
	"  -v, --verbose  say each step on standard error\n"

const struct cli_command cli_broker[] = {
	{ "sync", "[--tee PATH]... [--due] [--json]",
	    "let the agent ask its TAMs for changes",
	    "A policy check with every TAM that the agent trusts.\n" TEE_OPTION
	    "  --due          only TAMs whose interval is over\n" COMMON,
	    sync_command, NULL },
	{ "request", "[--tee PATH]... [--tam URI] [--json] COMPONENT",
	    "ask for a component on behalf of an application",
	    "Done when the component is installed afterwards.\n" TEE_OPTION
	    "  --tam URI      a suggestion; one of the agent's TAMs\n" COMMON,
	    request, NULL },
	{ "unrequest", "[--tee PATH]... [--json] COMPONENT",
	    "say that no application needs a component any more",
	    TEE_OPTION COMMON, unrequest, NULL },
	{ "list", "[--tee PATH]... [--json]", "list what is installed",
	    TEE_OPTION "  --json         print JSON\n", list, NULL },
	{ "serve",
	    "[--tee PATH]... [--socket PATH] [--interval SECONDS] [--cacert "
	    "FILE]",
	    "check policies on a timer and serve applications",
	    "Runs until SIGTERM. Applications write a line of JSON to the\n"
	    "socket: "
	    "{\"command\":\"request\",\"component\":\"...\"}.\n" TEE_OPTION
	    "  --socket PATH       for applications (default:\n"
	    "                      /run/postern/broker.sock)\n"
	    "  --interval SECONDS  between policy checks (default: 3600)\n"
	    "  --cacert FILE       trusted CA certificates\n",
	    serve, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
