#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 32

void
pst_tee_log(const char *fmt, ...)
{
	va_list ap;

	fputs("postern-tee: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

uint64_t
pst_tee_now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool
pst_tee_watch(struct pst_tee *tee, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	return epoll_ctl(tee->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0;
}

void
pst_tee_rewatch(struct pst_tee *tee, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	/* Cannot fail for a descriptor that is watched. */
	(void)epoll_ctl(tee->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

/*
 * Unwatched by name: until a new process has closed its copy, closing alone
 * would leave epoll watching it.
 */
void
pst_tee_unwatch(struct pst_tee *tee, struct source *s)
{
	if (s->fd < 0)
		return;
	(void)epoll_ctl(tee->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

bool
pst_tee_same_ta(const struct pst_tee_ta *a, const struct pst_tee_ta *b)
{
	const struct pst_tee_content *ac = &a->content, *bc = &b->content;

	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	    ac->object == bc->object && a->sequence == b->sequence &&
	    ac->digest_len == bc->digest_len &&
	    memcmp(ac->digest, bc->digest, ac->digest_len) == 0;
}

/* --- listening ----------------------------------------------------------- */

/* A socket that nobody serves any more is replaced, anything else is not. */
static bool
clear_path(const struct sockaddr_un *sa)
{
	struct stat st;
	bool answered;
	int fd;

	if (lstat(sa->sun_path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	answered = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0;
	close(fd);
	return !answered && unlink(sa->sun_path) == 0;
}

static int
listen_at(const char *path, mode_t mode)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, bad;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		pst_tee_log("%s: the path of a socket has at most %zu bytes",
		    path, sizeof(sa.sun_path) - 1);
		return -1;
	}
	strcpy(sa.sun_path, path);
	if (!clear_path(&sa)) {
		pst_tee_log("%s: in use", path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Made with its permissions, never wider for a moment. */
	old = umask(0777 & ~mode);
	bad = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0;
	umask(old);
	if (!bad && listen(fd, 64) == 0)
		return fd;
	pst_tee_log("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * A client's message may bring four descriptors, and it may be queued. With
 * fewer than all clients can bring together, accepting would fail for ever.
 */
static bool
have_descriptors(void)
{
	const rlim_t need = PST_TEE_CLIENTS_MAX * (1 + PST_WIRE_PARAMS) +
	    PST_TEE_INSTANCES_MAX * 2 + 64;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return false;
	if (r.rlim_cur >= need)
		return true;
	r.rlim_cur = need;
	if (r.rlim_max >= need && setrlimit(RLIMIT_NOFILE, &r) == 0)
		return true;
	pst_tee_log("needs %lu open files (ulimit -n)", (unsigned long)need);
	return false;
}

struct pst_tee *
pst_tee_new(const struct pst_tee_options *options)
{
	struct pst_tee *tee = calloc(1, sizeof(*tee));

	if (tee == NULL)
		return NULL;
	tee->options = options;
	tee->epoll = epoll_create1(EPOLL_CLOEXEC);
	tee->listen = (struct source){ KIND_LISTEN, -1 };
	tee->signals = (struct source){ KIND_SIGNAL, take_signals() };
	if (have_descriptors() && tee->epoll >= 0 && tee->signals.fd >= 0)
		tee->listen.fd =
		    listen_at(options->socket, (mode_t)options->socket_mode);
	if (tee->listen.fd >= 0 && pst_tee_watch(tee, &tee->listen, EPOLLIN) &&
	    pst_tee_watch(tee, &tee->signals, EPOLLIN)) {
		if (options->ready != NULL)
			options->ready(options->socket);
		return tee;
	}
	pst_tee_free(tee);
	return NULL;
}

/* --- the loop ------------------------------------------------------------ */

static void
sweep(struct pst_tee *tee)
{
	struct conn **c = &tee->conns, *cd;
	struct instance **i = &tee->instances, *id;

	while ((cd = *c) != NULL) {
		if (!cd->done) {
			c = &cd->next;
			continue;
		}
		*c = cd->next;
		tee->conn_count--;
		free(cd->reply);
		free(cd);
	}
	while ((id = *i) != NULL) {
		if (id->state != INSTANCE_DEAD) {
			i = &id->next;
			continue;
		}
		*i = id->next;
		tee->instance_count--;
		free(id);
	}
}

static void
dispatch(struct pst_tee *tee, const struct epoll_event *e)
{
	struct source *s = e->data.ptr;

	if (s->fd < 0)
		return;
	switch (s->kind) {
	case KIND_LISTEN:
		pst_conn_accept(tee);
		break;
	case KIND_SIGNAL:
		tee->stop = true;
		break;
	case KIND_CONN:
		pst_conn_event((struct conn *)s, e->events);
		break;
	case KIND_INSTANCE:
		pst_instance_event((struct instance *)s);
		break;
	}
}

static bool
idle(const struct conn *c)
{
	return !c->open && !c->pseudo && !c->dead && c->phase == PHASE_NONE;
}

static uint64_t
next_deadline(const struct pst_tee *tee)
{
	const struct instance *i;
	const struct conn *c;
	uint64_t at = UINT64_MAX;

	for (i = tee->instances; i != NULL; i = i->next)
		if (i->deadline_ms < at)
			at = i->deadline_ms;
	for (c = tee->conns; c != NULL; c = c->next)
		if (idle(c) && c->deadline_ms < at)
			at = c->deadline_ms;
	return at;
}

static void
expire(struct pst_tee *tee)
{
	uint64_t now = pst_tee_now_ms();
	struct instance *i;
	struct conn *c;

	for (i = tee->instances; i != NULL; i = i->next)
		if (i->state != INSTANCE_DEAD && i->deadline_ms <= now)
			pst_instance_expired(i);
	for (c = tee->conns; c != NULL; c = c->next)
		if (!c->done && idle(c) && c->deadline_ms <= now)
			pst_conn_gone(c);
}

static int
wait_ms(const struct pst_tee *tee)
{
	uint64_t at = next_deadline(tee), now;

	if (at == UINT64_MAX)
		return -1;
	now = pst_tee_now_ms();
	if (at <= now)
		return 0;
	return at - now > 60000 ? 60000 : (int)(at - now) + 1;
}

/* An older version goes on until its sessions end; a removed TA does not. */
static void
follow_catalog(struct pst_tee *tee)
{
	const struct pst_tee_catalog *cat = &tee->options->catalog;
	struct pst_tee_ta now;
	struct instance *i;

	if (!tee->changed)
		return;
	tee->changed = false;
	for (i = tee->instances; i != NULL; i = i->next) {
		if (i->state == INSTANCE_DEAD)
			continue;
		if (cat->find(cat->ctx, i->ta.uuid, &now) == PST_OK)
			pst_instance_end_when_idle(i);
		else
			pst_instance_removed(i);
	}
}

enum pst_err
pst_tee_run(struct pst_tee *tee)
{
	struct epoll_event events[EVENTS];
	int i, n;

	while (!tee->stop) {
		n = epoll_wait(tee->epoll, events, EVENTS, wait_ms(tee));
		if (n < 0 && errno != EINTR)
			return PST_ERR_IO;
		for (i = 0; i < n; i++)
			dispatch(tee, &events[i]);
		follow_catalog(tee);
		expire(tee);
		sweep(tee);
	}
	return PST_OK;
}

/* --- status -------------------------------------------------------------- */

void
pst_tee_catalog_changed(struct pst_tee *tee)
{
	tee->changed = true;
}

bool
pst_tee_process_next(
    const struct pst_tee *tee, size_t *cursor, struct pst_tee_process *out)
{
	const struct instance *i = tee->instances;
	size_t n;

	for (n = 0; i != NULL && n < *cursor; n++)
		i = i->next;
	if (i == NULL)
		return false;
	*cursor += 1;
	out->ta = i->ta;
	out->pid = (uint32_t)i->pid;
	out->sessions = i->sessions;
	out->busy = i->running != NULL;
	return true;
}

void
pst_tee_free(struct pst_tee *tee)
{
	struct instance *i;
	struct conn *c;

	if (tee == NULL)
		return;
	for (c = tee->conns; c != NULL; c = c->next)
		if (!c->done)
			pst_conn_gone(c);
	for (i = tee->instances; i != NULL; i = i->next) {
		i->blamed = true;
		if (i->state != INSTANCE_DEAD)
			pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
	}
	sweep(tee);
	if (tee->listen.fd >= 0) {
		close(tee->listen.fd);
		(void)unlink(tee->options->socket);
	}
	if (tee->signals.fd >= 0)
		close(tee->signals.fd);
	if (tee->epoll >= 0)
		close(tee->epoll);
	free(tee);
}
