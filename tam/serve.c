#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <tam/admin/admin.h>
#include <tam/http/http.h>
#include <tam/node/node.h>
#include <tam/serve.h>

#include "ports/openssl/openssl.h"

enum { FILES_WANTED = 65536, PATH_LEN = 4096 };

/** Workers that no request has at the moment. */
struct pool {
	pthread_mutex_t lock;
	struct idle *idle;
};
struct idle {
	struct idle *next;
	struct pst_tam_worker *worker;
};

struct server {
	const struct pst_tam_serve *options;
	struct pst_log log;
	int lock_fd;
	int listen_fd;
	struct pst_tam_node *node;
	struct pool pool;
	struct pst_http *http;
	struct pst_remote *remote; /* NULL: Evidence is judged in process */
	struct pst_admin *admin;
};

void
pst_tam_serve_init(struct pst_tam_serve *s)
{
	memset(s, 0, sizeof(*s));
	s->listen = PST_TAM_LISTEN;
	s->connections_max = PST_HTTP_CONNECTIONS_MAX;
	s->per_address_max = PST_HTTP_PER_ADDRESS_MAX;
	s->request_s = PST_HTTP_REQUEST_MS / 1000;
	s->verifier_s = PST_REMOTE_TOTAL_MS / 1000;
	s->level = PST_LOG_INFO;
	pst_tam_policy_default(&s->policy);
}

/* --- workers ----------------------------------------------------------- */

/* As many are made as threads ever want one at the same time. */
static struct idle *
pool_take(struct server *s)
{
	struct idle *i;

	pthread_mutex_lock(&s->pool.lock);
	i = s->pool.idle;
	if (i != NULL)
		s->pool.idle = i->next;
	pthread_mutex_unlock(&s->pool.lock);
	if (i != NULL)
		return i;
	i = calloc(1, sizeof(*i));
	if (i == NULL || pst_tam_worker_new(s->node, &i->worker) == PST_OK)
		return i;
	free(i);
	return NULL;
}

static void
pool_give(struct server *s, struct idle *i)
{
	pthread_mutex_lock(&s->pool.lock);
	i->next = s->pool.idle;
	s->pool.idle = i;
	pthread_mutex_unlock(&s->pool.lock);
}

static void
pool_free(struct server *s)
{
	struct idle *i;

	while ((i = s->pool.idle) != NULL) {
		s->pool.idle = i->next;
		pst_tam_worker_free(&i->worker);
		free(i);
	}
}

/* --- a message --------------------------------------------------------- */

/** A reply that waits for its changes to be durable. */
struct waiting {
	struct pst_http_exchange *x;
	void *msg;
	size_t len;
};

/* Kinds of message received and sent, for the log. */
static const struct {
	const char *got, *sent;
} events[] = {
	[PST_TAM_EV_QUERY] = { "connect", "QueryRequest" },
	[PST_TAM_EV_UPDATE] = { "QueryResponse", "Update" },
	[PST_TAM_EV_CURRENT] = { "QueryResponse", NULL },
	[PST_TAM_EV_REFUSED] = { "QueryResponse", "Update" },
	[PST_TAM_EV_SUCCESS] = { "Success", NULL },
	[PST_TAM_EV_FAILURE] = { "Error", NULL },
	[PST_TAM_EV_DROPPED] = { NULL, NULL },
};

static void
describe(struct pst_http_exchange *x, const struct pst_tam_output *out)
{
	size_t event = (size_t)out->event;

	snprintf(x->device, sizeof(x->device), "%.*s",
	    (int)out->device_name.len, (const char *)out->device_name.ptr);
	if (event < sizeof(events) / sizeof(*events)) {
		x->message = events[event].got;
		if (out->reply_len > 0)
			x->answered = events[event].sent;
	}
	if (out->note[0] != 0)
		snprintf(x->reason, sizeof(x->reason), "%s", out->note);
	else if (out->err != PST_OK)
		snprintf(
		    x->reason, sizeof(x->reason), "%s", pst_err_name(out->err));
}

static void
reply(struct pst_http_exchange *x, void *msg, size_t len)
{
	pst_http_reply(x, len > 0 ? 200 : 204, msg, len);
}

static void
fail(struct pst_http_exchange *x, enum pst_err err)
{
	x->answered = NULL;
	if (x->reason[0] == 0)
		snprintf(x->reason, sizeof(x->reason), "%s", pst_err_name(err));
	pst_http_reply(x, 503, NULL, 0);
}

/* Runs in the store's writer. */
static void
committed(void *ctx, enum pst_err err)
{
	struct waiting *w = ctx;

	if (err == PST_OK) {
		reply(w->x, w->msg, w->len);
		free(w);
		return;
	}
	free(w->msg);
	/* A replay gets no answer; nor does a device that is gone. */
	if (err == PST_ERR_TEEP_TOKEN || err == PST_ERR_NOT_FOUND) {
		w->x->answered = NULL;
		snprintf(w->x->reason, sizeof(w->x->reason), "%s",
		    pst_err_name(err));
		reply(w->x, NULL, 0);
	} else {
		fail(w->x, err);
	}
	free(w);
}

static void
commit_then_reply(struct server *s, struct pst_http_exchange *x,
    const struct pst_tam_output *out, void *msg)
{
	struct waiting *w = calloc(1, sizeof(*w));
	enum pst_err err;

	if (w == NULL) {
		free(msg);
		fail(x, PST_ERR_IO);
		return;
	}
	*w = (struct waiting){ x, msg, out->reply_len };
	pst_http_later(x);
	err = pst_tam_store_submit(
	    pst_tam_node_store(s->node), &out->changes, committed, w);
	if (err == PST_OK)
		return;
	free(msg);
	free(w);
	fail(x, err);
}

static void
answer(struct server *s, struct pst_http_exchange *x,
    const struct pst_tam_output *out)
{
	void *msg = NULL;

	if (out->reply_len > 0) {
		/* The worker's buffer is another request's in a moment. */
		if (pst_http_reserve(x, out->reply_len))
			msg = malloc(out->reply_len);
		if (msg == NULL) {
			fail(x, PST_ERR_BUSY);
			return;
		}
		memcpy(msg, out->reply, out->reply_len);
	}
	if (out->changes.what != 0)
		commit_then_reply(s, x, out, msg);
	else
		reply(x, msg, out->reply_len);
}

static uint32_t
suite_of(enum pst_http_hint hint)
{
	if (hint == PST_HTTP_ESP256)
		return PST_SUITE_ESP256;
	return hint == PST_HTTP_ED25519 ? PST_SUITE_ED25519 : 0;
}

/* --- a Verifier elsewhere ---------------------------------------------- */

/** A message whose Evidence somebody else judges; its connection rests. */
struct asking {
	struct server *server;
	struct pst_http_exchange *x;
};

/* What the Verifier said belongs to the reason, whatever the engine's is. */
static void
add_note(struct pst_http_exchange *x, const char *note)
{
	size_t len = strlen(x->reason);

	if (note[0] == 0)
		return;
	snprintf(x->reason + len, sizeof(x->reason) - len, "%s%s",
	    len > 0 ? "; " : "", note);
}

/* Runs in a thread of the remote Verifier. */
static void
judged(void *ctx, const struct pst_remote_answer *verdict)
{
	struct asking *a = ctx;
	struct server *s = a->server;
	struct pst_http_exchange *x = a->x;
	struct idle *i = pool_take(s);
	const struct pst_tam_output *out;
	enum pst_err err;

	free(a);
	if (i == NULL) {
		fail(x, PST_ERR_BUSY);
		return;
	}
	err = pst_tam_worker_resume(
	    i->worker, x->body, verdict, (uint64_t)time(NULL), &out);
	if (err == PST_OK)
		describe(x, out);
	add_note(x, pst_tam_worker_verifier_note(i->worker));
	if (err == PST_OK)
		answer(s, x, out);
	else
		fail(x, err);
	pool_give(s, i);
}

static void
ask(struct server *s, struct pst_http_exchange *x, struct pst_tam_worker *w)
{
	struct asking *a = calloc(1, sizeof(*a));
	enum pst_err err = PST_ERR_BUSY;

	pst_http_later(x);
	if (a != NULL) {
		*a = (struct asking){ s, x };
		err = pst_tam_worker_submit(w, s->remote, judged, a);
	}
	if (err == PST_OK)
		return;
	free(a);
	snprintf(x->reason, sizeof(x->reason), "%s",
	    "the Verifier is overloaded or was not reached a moment ago");
	fail(x, err);
}

static void
message(void *ctx, struct pst_http_exchange *x)
{
	struct server *s = ctx;
	struct idle *i = pool_take(s);
	const struct pst_tam_output *out;
	enum pst_err err;

	if (i == NULL) {
		fail(x, PST_ERR_BUSY);
		return;
	}
	err = pst_tam_worker_handle(
	    i->worker, suite_of(x->hint), x->body, (uint64_t)time(NULL), &out);
	if (err != PST_ERR_AGAIN)
		describe(x, out);
	if (err == PST_OK) {
		answer(s, x, out);
	} else if (err == PST_ERR_AGAIN) {
		ask(s, x, i->worker);
	} else {
		fail(x, err);
	}
	pool_give(s, i);
}

/* --- before it serves -------------------------------------------------- */

static int
complain(const struct server *s, const char *what, const char *why)
{
	pst_log(&s->log, PST_LOG_ERROR, "%s%s%s", what, why ? ": " : "",
	    why ? why : "");
	return 1;
}

/* The folders above the state folder, as the default path needs them. */
static void
make_parents(const char *dir)
{
	char path[PATH_LEN];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	if (path[0] == 0)
		return;
	for (slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		/* When it fails, so does making the folder itself. */
		(void)mkdir(path, 0755);
		*slash = '/';
	}
}

/* Two servers on one state folder would both think that they own it. */
static int
lock_state(struct server *s)
{
	char path[PATH_LEN];
	struct stat st;

	make_parents(s->options->dir);
	if (mkdir(s->options->dir, 0700) != 0 && errno != EEXIST)
		return complain(s, s->options->dir, strerror(errno));
	if (stat(s->options->dir, &st) != 0)
		return complain(s, s->options->dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return complain(s, s->options->dir, "is not a folder");
	if ((st.st_mode & 022) != 0)
		return complain(s, s->options->dir,
		    "others may write to it; chmod go-w it first");
	snprintf(path, sizeof(path), "%s/lock", s->options->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return complain(s, path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return complain(s, s->options->dir,
		    errno == EWOULDBLOCK ? "another TAM uses this state"
					 : strerror(errno));
	return 0;
}

/*
 * A key that came with some program or specification protects nothing, nor
 * does one that others can read.
 */
static int
check_key(const struct server *s, const char *path)
{
	struct pst_key key;
	bool published;

	if (pst_key_file_exposed(path))
		return complain(s, path,
		    "others can read this key; make a new one, or chmod 600 "
		    "it when nobody did");
	if (pst_key_read(path, &key, NULL) != PST_OK)
		return 0; /* no key of this kind: the node judges it */
	published = pst_key_published(&key);
	pst_key_wipe(&key);
	if (!published)
		return 0;
	return complain(
	    s, path, "this key was published; remove it and a new one is made");
}

static int
check_keys(const struct server *s)
{
	char folder[PATH_LEN], path[PATH_LEN + 256];
	struct dirent *e;
	DIR *d;
	int bad = 0;

	snprintf(folder, sizeof(folder), "%s/keys", s->options->dir);
	d = opendir(folder);
	if (d == NULL)
		return errno == ENOENT ? 0
				       : complain(s, folder, strerror(errno));
	while (bad == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		bad = check_key(s, path);
	}
	closedir(d);
	return bad;
}

static int
check_listen(const struct server *s)
{
	const struct pst_tam_serve *o = s->options;

	if (!pst_http_address_valid(o->listen))
		return complain(s, o->listen,
		    "is no ADDRESS:PORT with a numeric address, as "
		    "127.0.0.1:8080 or [::1]:8080");
	if ((o->cert == NULL) != (o->key == NULL))
		return complain(s,
		    "--tls-cert and --tls-key belong together; give both",
		    NULL);
	if (o->cert != NULL && pst_key_file_exposed(o->key))
		pst_log(&s->log, PST_LOG_WARN,
		    "%s: others can read this key; chmod 600 it", o->key);
	if (o->cert != NULL || pst_http_loopback(o->listen))
		return 0;
	if (!o->insecure_http)
		return complain(s, o->listen,
		    "is not on this host alone: give --tls-cert and --tls-key, "
		    "or --insecure-http to serve without TLS");
	pst_log(&s->log, PST_LOG_WARN,
	    "serving %s without TLS: messages are signed, but anybody on the "
	    "way sees which device asks and what it gets",
	    o->listen);
	return 0;
}

static void
raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	if (lim.rlim_cur >= FILES_WANTED)
		return;
	lim.rlim_cur =
	    lim.rlim_max < FILES_WANTED ? lim.rlim_max : FILES_WANTED;
	/* With fewer the library accepts fewer connections. */
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static int
open_listener(struct server *s)
{
	if (pst_http_listen(s->options->listen, &s->listen_fd) == PST_OK)
		return 0;
	return complain(s, s->options->listen, strerror(errno));
}

/* --- life -------------------------------------------------------------- */

static int
read_verifier_key(struct server *s, struct pst_key *key)
{
	const char *path = s->options->verifier_key;
	const char *why = NULL;

	if (pst_key_read(path, key, &why) != PST_OK)
		return complain(s, path, why != NULL ? why : strerror(errno));
	if (pst_key_published(key))
		return complain(s, path, "this key was published");
	if (key->pub.kty == PST_KTY_SYMMETRIC)
		return complain(s, path,
		    "results are signed: the Verifier's public key is needed");
	return 0;
}

static int
start_verifier(struct server *s)
{
	const struct pst_tam_serve *o = s->options;
	struct pst_remote_config c;
	struct pst_key key;
	const char *why;
	int status;

	if (o->verifier == NULL)
		return 0;
	why = pst_remote_uri_refused(o->verifier);
	if (why != NULL)
		return complain(s, o->verifier, why);
	if (o->verifier_ca != NULL && access(o->verifier_ca, R_OK) != 0)
		return complain(s, o->verifier_ca, strerror(errno));
	status = read_verifier_key(s, &key);
	if (status == 0)
		pst_tam_node_verifier(s->node, &key.pub);
	pst_key_wipe(&key);
	if (status != 0)
		return status;
	pst_remote_config_init(&c);
	c.uri = o->verifier;
	c.ca = o->verifier_ca;
	c.total_ms = o->verifier_s * 1000;
	if (pst_remote_start(&s->remote, &c) != PST_OK)
		return complain(s, o->verifier, "no threads for it");
	pst_log(&s->log, PST_LOG_INFO, "Evidence is judged by %s", o->verifier);
	return 0;
}

static int
start_http(struct server *s)
{
	const struct pst_tam_serve *o = s->options;
	struct pst_http_config c;

	pst_http_config_init(&c);
	c.listen_fd = s->listen_fd;
	c.cert = o->cert;
	c.key = o->key;
	c.threads = o->threads;
	c.connections_max = o->connections_max;
	c.per_address_max = o->per_address_max;
	c.request_ms = o->request_s * 1000;
	c.handler = message;
	c.ctx = s;
	c.log = &s->log;
	return pst_http_start(&s->http, &c) == PST_OK ? 0 : 1;
}

static int
start_admin(struct server *s)
{
	char path[PATH_LEN], note[PST_TAM_NOTE_MAX] = "";
	struct pst_admin_config c = {
		.node = s->node, .log = &s->log, .uri = s->options->uri
	};

	snprintf(path, sizeof(path), "%s/admin.sock", s->options->dir);
	c.path = path;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return complain(s, path,
		    "the path of a socket has at most 107 bytes; choose a "
		    "shorter --state");
	if (pst_admin_start(&s->admin, &c, note) == PST_OK)
		return 0;
	return complain(s, path, note);
}

static int
start(struct server *s)
{
	char note[PST_TAM_NOTE_MAX] = "";

	if (check_listen(s) != 0 || lock_state(s) != 0 || check_keys(s) != 0)
		return 1;
	if (open_listener(s) != 0)
		return 1;
	if (pst_tam_node_open(
		s->options->dir, &s->options->policy, &s->node, note) != PST_OK)
		return complain(s, s->options->dir, note);
	if (start_verifier(s) != 0 || start_admin(s) != 0 || start_http(s) != 0)
		return 1;
	return 0;
}

static void
stop(struct server *s)
{
	/* Whoever waits for a Verifier gets a 503: the TAM does not. */
	pst_remote_stop(s->remote);
	/* The writer runs until every answer that waits for it was given. */
	if (s->http != NULL)
		pst_http_drain(s->http, PST_HTTP_DRAIN_MS);
	pst_remote_free(&s->remote);
	pst_http_free(&s->http);
	pst_admin_free(&s->admin);
	pool_free(s);
	pst_tam_node_close(&s->node);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->pool.lock);
}

static void
ready(const struct server *s)
{
	char address[80];

	pst_http_address(s->listen_fd, address, sizeof(address));
	printf("listening on %s\n", address);
	fflush(stdout);
	pst_log(&s->log, PST_LOG_INFO, "listening on %s%s", address,
	    s->options->cert != NULL ? " with TLS" : "");
}

static void
reload(struct server *s)
{
	if (s->options->cert == NULL)
		return;
	if (pst_http_reload(s->http) == PST_OK)
		pst_log(&s->log, PST_LOG_INFO, "certificate read again");
	else
		pst_log(&s->log, PST_LOG_ERROR,
		    "certificate not changed; the old one stays in use");
}

static void
until_told(struct server *s, const sigset_t *set)
{
	int sig;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig == SIGHUP) {
			reload(s);
			continue;
		}
		pst_log(&s->log, PST_LOG_INFO, "stopping");
		return;
	}
}

int
pst_tam_serve_run(const struct pst_tam_serve *options)
{
	struct server s = {
		.options = options, .lock_fd = -1, .listen_fd = -1
	};
	sigset_t set;
	int status;

	s.log = (struct pst_log){ STDERR_FILENO, options->level };
	if (pthread_mutex_init(&s.pool.lock, NULL) != 0)
		return 1;
	/* Before there are threads: they inherit the mask. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	raise_files();
	status = start(&s);
	if (status == 0) {
		ready(&s);
		until_told(&s, &set);
	}
	stop(&s);
	return status;
}
