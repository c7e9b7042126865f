/*
 * Whole sessions over HTTP: a TAM process on loopback, real agents in this
 * one. Reported is the TAM process's CPU time a completed session. The bound
 * is what no TAM can do without: a process that carries out the cryptographic
 * operations of each message, under as many devices' keys, and answers a
 * constant of the same length with the same HTTP library, under a client that
 * computes as much as agents do. Both sides of
 * the comparison so share the machine in the same way.
 */
#include <math.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tam/serve.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "fleet.h"
#include "http_load.h"
#include "sample.h"

enum {
	BATCH = 256, /* sessions of a round; the best round counts */
	ROUNDS = 4,
	DEVICES = BATCH * ROUNDS,
	LANES = 64 /* agents that talk at the same time */
};

struct row {
	const char *name, *rate_name;
	const char *path;
	uint32_t suite; /* hint; 0: both signatures */
	bool fresh;	/* TCP */
	bool poll;	/* nothing is to be done */
	const char *note;
};

/* --- processes ---------------------------------------------------------- */

struct process {
	pid_t pid;
	uint16_t port;
};

/* Fork; the child runs body and tells its port on stdout. */
static void
start(struct process *p, int (*body)(void *), void *ctx)
{
	char line[128];
	char *colon;
	int fds[2];
	FILE *f;

	fflush(NULL);
	bench_must(pipe(fds) == 0, "pipe");
	p->pid = fork();
	bench_must(p->pid >= 0, "fork");
	if (p->pid == 0) {
		close(fds[0]);
		if (dup2(fds[1], STDOUT_FILENO) < 0)
			_exit(1);
		_exit(body(ctx));
	}
	close(fds[1]);
	f = fdopen(fds[0], "r");
	bench_must(f != NULL && fgets(line, sizeof(line), f) != NULL,
	    "starting a server");
	fclose(f);
	colon = strrchr(line, ':');
	bench_must(colon != NULL, "reading a port");
	p->port = (uint16_t)atoi(colon + 1);
}

static void
stop(struct process *p)
{
	int status;

	bench_must(
	    kill(p->pid, SIGTERM) == 0 && waitpid(p->pid, &status, 0) == p->pid,
	    "stopping a server");
}

static double
cpu_ns(const struct process *p)
{
	struct timespec t;
	clockid_t clock;

	bench_must(clock_getcpuclockid(p->pid, &clock) == 0 &&
		clock_gettime(clock, &t) == 0,
	    "a process's clock");
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
tam_body(void *ctx)
{
	const struct fleet *f = ctx;
	struct pst_tam_serve o;

	pst_tam_serve_init(&o);
	o.dir = f->dir;
	o.listen = "127.0.0.1:0";
	o.threads = 1;
	o.per_address_max = 0;
	o.level = PST_LOG_WARN;
	return pst_tam_serve_run(&o);
}

/* --- the bound ---------------------------------------------------------- */

/* Of the TAM's answers; the last one of a session is empty. */
enum { QUERY_REQUEST_BYTES = 288, UPDATE_BYTES = 4552, ANSWERS = 3 };

/* Lengths tell the bare server which message of a session it got. */
static struct pst_bytes
message_of(unsigned exchange)
{
	struct pst_bytes none = { NULL, 0 };

	if (exchange == 0)
		return none;
	return sample()
	    ->encoded[exchange == 1 ? SAMPLE_QUERY_RESPONSE : SAMPLE_SUCCESS];
}

static struct pst_bytes signature; /* of the QueryRequest, by esp256 */

static void
sign_once(const struct pst_signer *key)
{
	const struct pst_crypto *crypto = sample()->crypto;
	struct pst_bytes m = sample()->encoded[SAMPLE_QUERY_REQUEST];
	/* the Ed25519 signature is not the one that is verified */
	static uint8_t kept[PST_SIGNATURE_MAX], other[PST_SIGNATURE_MAX];
	uint8_t *out = key->alg == PST_ALG_ESP256 ? kept : other;
	size_t len;

	bench_must(crypto->sign(crypto->ctx, key->key, key->alg, &m, 1, out,
		       &len) == PST_OK,
	    "signing");
	if (key->alg == PST_ALG_ESP256)
		signature = (struct pst_bytes){ out, len };
}

static void
verify_once(void)
{
	const struct pst_crypto *crypto = sample()->crypto;
	struct pst_bytes m = sample()->encoded[SAMPLE_QUERY_REQUEST];

	bench_must(crypto->verify(crypto->ctx, &sample()->esp256_pub,
		       PST_ALG_ESP256, &m, 1, signature) == PST_OK,
	    "verifying");
}

/* What a device signs, by its two keys; each device has keys of its own. */
struct bare_device {
	uint8_t evidence[PST_SIGNATURE_MAX], message[PST_SIGNATURE_MAX];
	size_t evidence_len, message_len;
};

struct bare {
	const struct row *row;
	const struct fleet *fleet;
	struct bare_device *devices;
	size_t responses, successes; /* so far: whose turn it is */
	uint32_t mac_key;
	struct MHD_Response *answers[ANSWERS];
};

static void
devices_sign(struct bare *b)
{
	const struct pst_crypto *c = sample()->crypto;
	struct pst_bytes m = sample()->encoded[SAMPLE_QUERY_RESPONSE];
	size_t i;

	b->devices = calloc(b->fleet->count, sizeof(*b->devices));
	bench_must(b->devices != NULL, "memory");
	for (i = 0; i < b->fleet->count; i++) {
		const struct fleet_device *from = &b->fleet->devices[i];
		struct bare_device *d = &b->devices[i];

		bench_must(c->sign(c->ctx, from->eat.key.key, PST_ALG_ESP256,
			       &m, 1, d->evidence, &d->evidence_len) == PST_OK,
		    "signing");
		bench_must(c->sign(c->ctx, from->key.key, PST_ALG_ESP256, &m, 1,
			       d->message, &d->message_len) == PST_OK,
		    "signing");
	}
}

static void
verify_device(const struct bare *b, size_t turn, bool evidence)
{
	const struct pst_crypto *c = sample()->crypto;
	struct pst_bytes m = sample()->encoded[SAMPLE_QUERY_RESPONSE];
	const struct fleet_device *from =
	    &b->fleet->devices[turn % b->fleet->count];
	const struct bare_device *d = &b->devices[turn % b->fleet->count];
	struct pst_bytes sig = { d->message, d->message_len };

	if (evidence)
		sig = (struct pst_bytes){ d->evidence, d->evidence_len };
	bench_must(c->verify(c->ctx, evidence ? &from->attestation : &from->pub,
		       PST_ALG_ESP256, &m, 1, sig) == PST_OK,
	    "verifying");
}

static void
challenge_mac(const struct bare *b)
{
	const struct pst_crypto *c = sample()->crypto;
	struct pst_bytes m = { sample()->encoded[SAMPLE_QUERY_REQUEST].ptr,
		40 };
	uint8_t out[PST_DIGEST_MAX];
	size_t len;

	bench_must(c->mac(c->ctx, b->mac_key, PST_ALG_HMAC_256, &m, 1, out,
		       &len) == PST_OK,
	    "a MAC");
}

static void
random_once(void)
{
	const struct pst_crypto *c = sample()->crypto;
	uint8_t out[16];

	bench_must(c->random(c->ctx, out, sizeof(out)) == PST_OK, "random");
}

static void
sign_update(void)
{
	const struct pst_crypto *c = sample()->crypto;
	static const uint8_t bytes[UPDATE_BYTES];
	struct pst_bytes m = { bytes, sizeof(bytes) };
	uint8_t out[PST_SIGNATURE_MAX];
	size_t len;

	bench_must(c->sign(c->ctx, sample()->esp256.key, PST_ALG_ESP256, &m, 1,
		       out, &len) == PST_OK,
	    "signing");
}

/* What the TAM cannot do without. A QueryRequest has a challenge, and a
 * signature a suite; a QueryResponse, its Evidence and the challenge are
 * verified, and an Update has a token and is signed; its Success is verified.
 * Which answer is next. */
static unsigned
needed(struct bare *b, size_t body_len)
{
	if (body_len == 0) {
		random_once();
		challenge_mac(b);
		sign_once(&sample()->esp256);
		if (b->row->suite == 0)
			sign_once(&sample()->ed25519);
		return 0;
	}
	if (body_len != message_of(1).len) {
		verify_device(b, b->successes++, false);
		return 2;
	}
	verify_device(b, b->responses, true);
	verify_device(b, b->responses++, false);
	challenge_mac(b);
	if (b->row->poll)
		return 2;
	random_once();
	sign_update();
	return 1;
}

static enum MHD_Result
bare_answer(void *ctx, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct bare *b = ctx;
	/* lengths, plus one, of the bodies of connections by descriptor */
	static size_t got[1024];
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	size_t *mine = &got[info->connect_fd & 1023];
	unsigned which;

	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = mine;
		*mine = 0;
		return MHD_YES;
	}
	if (*len > 0) {
		*mine += *len;
		*len = 0;
		return MHD_YES;
	}
	which = needed(b, *mine);
	return MHD_queue_response(c,
	    which == 2 ? MHD_HTTP_NO_CONTENT : MHD_HTTP_OK, b->answers[which]);
}

static void
bare_prepare(struct bare *b)
{
	static uint8_t bytes[UPDATE_BYTES];
	static const size_t len[ANSWERS] = { QUERY_REQUEST_BYTES, UPDATE_BYTES,
		0 };
	struct pst_key key;
	size_t i;

	devices_sign(b);
	bench_must(pst_key_generate(PST_ALG_HMAC_256, &key) == PST_OK &&
		pst_openssl_add(sample()->port, &key, &b->mac_key) == PST_OK,
	    "making a key");
	for (i = 0; i < ANSWERS; i++)
		b->answers[i] = MHD_create_response_from_buffer(
		    len[i], bytes, MHD_RESPMEM_PERSISTENT);
}

static int
bare_body(void *ctx)
{
	struct bare *b = ctx;
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *d;
	sigset_t set;
	size_t i;
	int sig;

	bare_prepare(b);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
	    bare_answer, b, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
	    MHD_OPTION_END);
	if (d == NULL)
		return 1;
	info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
	printf("listening on 127.0.0.1:%u\n", info->port);
	fflush(stdout);
	(void)sigwait(&set, &sig);
	MHD_stop_daemon(d);
	for (i = 0; i < ANSWERS; i++)
		MHD_destroy_response(b->answers[i]);
	free(b->devices);
	return 0;
}

struct bare_client {
	unsigned exchanges; /* of a session */
	unsigned done[LANES];
};

static enum load_next
bare_step(void *ctx, unsigned lane, int status, struct pst_bytes body,
    struct pst_bytes *next)
{
	struct bare_client *c = ctx;

	(void)body;
	if (status == 0)
		c->done[lane] = 0;
	/* about what an agent computes for each message */
	verify_once();
	sign_once(&sample()->esp256);
	if (c->done[lane] == c->exchanges)
		return LOAD_DONE;
	*next = message_of(c->done[lane]++);
	return LOAD_SEND;
}

/* CPU time of the bare server, a session. */
static double
bound_ns(const struct row *row, const struct fleet *fleet)
{
	struct bare_client client = { .exchanges = row->poll ? 2 : 3 };
	struct load l = { .path = "/tam",
		.lanes = LANES,
		.runs = BATCH,
		.fresh = row->fresh,
		.step = bare_step,
		.ctx = &client };
	struct bare b = { .row = row, .fleet = fleet };
	struct process p;
	double before, ns = INFINITY;
	int i;

	sign_once(&sample()->esp256);
	start(&p, bare_body, &b);
	l.port = p.port;
	for (i = 0; i < ROUNDS; i++) {
		before = cpu_ns(&p);
		load_run(&l);
		ns = fmin(ns, (cpu_ns(&p) - before) / BATCH);
	}
	stop(&p);
	return ns;
}

/* --- sessions ----------------------------------------------------------- */

struct sessions {
	struct fleet *fleet;
	struct fleet_agent *agents; /* one a lane */
	size_t next_device;
	size_t updates; /* sessions that installed something */
};

/* What the agent wants done, as the load's next step. */
static enum load_next
follow(struct sessions *s, struct fleet_agent *a,
    const struct pst_agent_out *out, struct pst_bytes *next)
{
	if (out->what == PST_AGENT_NOTHING) {
		pst_agent_close(&a->agent);
		return LOAD_DONE;
	}
	bench_must(
	    out->what == PST_AGENT_CONNECT || out->what == PST_AGENT_SEND,
	    "a session without fetches");
	bench_must(out->reason == PST_OK, "a session without errors");
	(void)s;
	*next = out->message;
	if (out->what == PST_AGENT_CONNECT)
		next->len = 0;
	return LOAD_SEND;
}

static enum load_next
session_step(void *ctx, unsigned lane, int status, struct pst_bytes body,
    struct pst_bytes *next)
{
	struct sessions *s = ctx;
	struct fleet_agent *a = &s->agents[lane];
	struct pst_agent_component c;
	struct pst_agent_out out;
	size_t cursor = 0;

	if (status == 0) {
		fleet_agent_open(a, s->fleet, s->next_device++);
		bench_must(
		    pst_agent_policy_check(&a->agent, true, &out) == PST_OK,
		    "a policy check");
		return follow(s, a, &out, next);
	}
	if (status == 204) {
		s->updates +=
		    pst_agent_component_next(&a->agent, &cursor, &c) == PST_OK;
		pst_agent_close(&a->agent);
		return LOAD_DONE;
	}
	bench_must(status == 200, "an answer of the TAM");
	bench_must(
	    pst_agent_message(&a->agent, 0, body, &out) == PST_OK, "a message");
	return follow(s, a, &out, next);
}

static bool
wanted_row(const struct row *row)
{
	return bench_wanted(row->name) || bench_wanted(row->rate_name);
}

static void
measure(const struct row *row, struct fleet *fleet, struct process *tam)
{
	static struct fleet_agent agents[LANES];
	struct sessions s = { .fleet = fleet, .agents = agents };
	struct load l = { .port = tam->port,
		.path = row->path,
		.lanes = LANES,
		.runs = BATCH,
		.fresh = row->fresh,
		.step = session_step,
		.ctx = &s };
	double cpu = INFINITY, wall = INFINITY;
	double bound, before, began;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		before = cpu_ns(tam);
		began = wall_ns();
		load_run(&l);
		cpu = fmin(cpu, (cpu_ns(tam) - before) / BATCH);
		wall = fmin(wall, (wall_ns() - began) / BATCH);
	}
	bench_must(s.updates == DEVICES, "installing on every device");
	if (!wanted_row(row))
		return;
	bound = bound_ns(row, fleet);
	bench_print(
	    row->name, cpu / 1e3, "us", bound / 1e3, bound / cpu, row->note);
	bench_print(row->rate_name, 1e9 / wall, "1/s", 0, 0,
	    "wall clock, agents on the same machine");
}

static const struct row rows[] = {
	{ "tam_session_install_both", "tam_session_install_both_rate", "/tam",
	    0, false, false,
	    "bound; both suites, ESP256 agent, kept TCP, no TLS, plain" },
	{ "tam_session_poll_both", "tam_session_poll_both_rate", "/tam", 0,
	    false, true,
	    "bound; nothing to do; both suites, kept TCP, no TLS, plain" },
	{ "tam_session_install_esp256", "tam_session_install_esp256_rate",
	    "/tam/esp256", PST_SUITE_ESP256, false, false,
	    "bound; ESP256 only, kept TCP, no TLS, plain" },
	{ "tam_session_install_fresh", "tam_session_install_fresh_rate", "/tam",
	    0, true, false,
	    "bound; both suites, ESP256 agent, fresh TCP, no TLS, plain" },
};

static bool
wanted(size_t i)
{
	/* A poll follows the installation before it. */
	if (i + 1 < sizeof(rows) / sizeof(rows[0]) && rows[i + 1].poll &&
	    wanted_row(&rows[i + 1]))
		return true;
	return wanted_row(&rows[i]);
}

void
bench_sessions(void)
{
	struct fleet fleet;
	struct process tam;
	bool running = false;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!wanted(i))
			continue;
		if (running && !rows[i].poll) {
			stop(&tam);
			fleet_wipe(&fleet);
			running = false;
		}
		if (!running) {
			fleet_init(&fleet, DEVICES);
			start(&tam, tam_body, &fleet);
			running = true;
		}
		measure(&rows[i], &fleet, &tam);
	}
	if (!running)
		return;
	stop(&tam);
	fleet_wipe(&fleet);
}
