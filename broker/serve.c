/*
 * The broker as a service: a timer for each TEE, a thread for each connection
 * of an application, and one thread that accepts.
 *
 * A TEE's broker is used under that TEE's lock, so an agent has one session
 * at a time and several TEEs work side by side. To stop, the caller sets
 * *stop: what is under way ends within a moment (the agent keeps its journal
 * and goes on from there), timers are woken, connections are shut down, and
 * every thread is joined before this returns.
 */
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

bool
pst_service_stopped(const struct service *s)
{
	return atomic_load(s->config.stop);
}

/* --- policy checks ----------------------------------------------------- */

/* Wait until a time of the monotonic clock; false when stopped before. */
static bool
wait_until(struct service *s, uint64_t until_ms)
{
	struct timespec t = { .tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000L };
	int result = 0;

	(void)pthread_mutex_lock(&s->lock);
	while (!pst_service_stopped(s) && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&s->stopping, &s->lock, &t);
	(void)pthread_mutex_unlock(&s->lock);
	return !pst_service_stopped(s);
}

/* Seconds to the next check: the interval, or less after a failure, or what
 * the TAM asked for; with jitter, so that devices do not come together. */
static uint64_t
pause_s(const struct service *s, const struct pst_broker_result *res,
    uint32_t failures)
{
	uint32_t shift = failures < 8 ? failures : 8;
	uint64_t wait_s = s->config.interval_s;

	if (failures > 0 &&
	    (uint64_t)SERVICE_FIRST_RETRY_S << (shift - 1) < wait_s)
		wait_s = (uint64_t)SERVICE_FIRST_RETRY_S << (shift - 1);
	if (wait_s < res->retry_after_s)
		wait_s = res->retry_after_s;
	return wait_s + pst_broker_jitter((uint32_t)(wait_s / 10 + 1));
}

static void *
timer(void *arg)
{
	struct service_tee *tee = arg;
	struct service *s = tee->service;
	struct pst_broker_result res;
	uint32_t failures = 0;
	enum pst_err err;

	do {
		(void)pthread_mutex_lock(&tee->lock);
		err = pst_broker_sync(tee->broker, false, &res);
		(void)pthread_mutex_unlock(&tee->lock);
		failures = err == PST_OK ? 0 : failures + 1;
		if (err != PST_OK && !pst_service_stopped(s))
			pst_broker_log(&s->config.broker, true,
			    "policy check: %s", res.why);
	} while (wait_until(
	    s, pst_broker_now_ms() + pause_s(s, &res, failures) * 1000));
	return NULL;
}

/* --- connections ------------------------------------------------------- */

static bool
send_line(int fd, char answer[PST_BROKER_LINE_MAX])
{
	size_t len = strlen(answer);
	size_t at = 0;
	ssize_t n;

	answer[len++] = '\n'; /* in place of the terminating zero */
	while (at < len) {
		n = send(fd, answer + at, len - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Take the first line out of buf; what follows it moves to the front. */
static bool
take_line(char *buf, size_t *len, char line[PST_BROKER_LINE_MAX])
{
	char *end = memchr(buf, '\n', *len);
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - buf);
	memcpy(line, buf, n);
	line[n] = '\0';
	/* A zero inside would hide the rest of the line from the parser. */
	if (memchr(line, '\0', n) != NULL)
		line[0] = '\0';
	*len -= n + 1;
	memmove(buf, end + 1, *len);
	return true;
}

static void
converse(struct service_client *c)
{
	char buf[PST_BROKER_LINE_MAX], line[PST_BROKER_LINE_MAX];
	char answer[PST_BROKER_LINE_MAX];
	size_t len = 0;
	ssize_t n;

	while (!pst_service_stopped(c->service)) {
		if (take_line(buf, &len, line)) {
			pst_service_answer(c->service, c->uid, line, answer);
			if (!send_line(c->fd, answer))
				return;
			continue;
		}
		if (len == sizeof(buf)) {
			pst_service_refuse(answer, "line is too long");
			(void)send_line(c->fd, answer);
			return;
		}
		n = recv(c->fd, buf + len, sizeof(buf) - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		len += (size_t)n;
	}
}

static void *
client(void *arg)
{
	struct service_client *c = arg;

	converse(c);
	(void)shutdown(c->fd, SHUT_RDWR);
	pst_service_peer_close(c->service, c->uid);
	atomic_store(&c->done, true);
	return NULL;
}

/* Join what has ended, or, in the end, everything. */
static void
reap(struct service *s, bool all)
{
	struct service_client *c;
	size_t i;

	for (i = 0; i < SERVICE_CLIENTS_MAX; i++) {
		c = &s->client[i];
		if (!c->used || (!all && !atomic_load(&c->done)))
			continue;
		(void)pthread_join(c->thread, NULL);
		(void)close(c->fd);
		c->used = false;
	}
}

static struct service_client *
free_client(struct service *s)
{
	size_t i;

	reap(s, false);
	for (i = 0; i < SERVICE_CLIENTS_MAX; i++) {
		if (!s->client[i].used)
			return &s->client[i];
	}
	return NULL;
}

static void
set_timeouts(int fd)
{
	const struct timeval idle = { .tv_sec = SERVICE_IDLE_S };
	const struct timeval slow = { .tv_sec = SERVICE_SEND_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slow, sizeof(slow));
}

static bool
start_client(struct service *s, int fd, uid_t uid)
{
	struct service_client *c = free_client(s);

	if (c == NULL || !pst_service_peer_open(s, uid))
		return false;
	c->service = s;
	c->fd = fd;
	c->uid = uid;
	atomic_store(&c->done, false);
	c->used = pthread_create(&c->thread, NULL, client, c) == 0;
	if (!c->used)
		pst_service_peer_close(s, uid);
	return c->used;
}

static void
accept_one(struct service *s, int listen_fd)
{
	char answer[PST_BROKER_LINE_MAX];
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		/* Out of descriptors: not at once again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			(void)pst_broker_pause(&s->config.broker, 100);
		return;
	}
	set_timeouts(fd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	    start_client(s, fd, who.uid))
		return;
	pst_service_refuse(answer, "too many connections");
	(void)send_line(fd, answer);
	(void)close(fd);
}

/* Accept until stopped. Without a wake_fd a stop is noticed in a second. */
static void
accept_all(struct service *s, int listen_fd)
{
	struct pollfd fds[2] = { { .fd = listen_fd, .events = POLLIN },
		{ .fd = s->config.wake_fd, .events = POLLIN } };
	int timeout_ms = s->config.wake_fd < 0 ? 1000 : -1;

	while (!pst_service_stopped(s)) {
		if (poll(fds, 2, timeout_ms) <= 0)
			continue; /* a time-out, or a signal */
		if (fds[0].revents != 0)
			accept_one(s, listen_fd);
		/* Readable without a stop: somebody else's business. */
		if (fds[1].revents != 0 && !pst_service_stopped(s))
			(void)pst_broker_pause(&s->config.broker, 100);
	}
}

/* --- the whole --------------------------------------------------------- */

static bool
sound(const struct pst_broker_serve *c)
{
	return c->tees != NULL && c->tee_count >= 1 &&
	    c->tee_count <= PST_BROKER_TEES_MAX && c->parse != NULL &&
	    c->stop != NULL;
}

static void
defaults(struct pst_broker_serve *c)
{
	if (c->socket_mode == 0)
		c->socket_mode = 0660;
	if (c->interval_s == 0)
		c->interval_s = 3600;
	if (c->burst == 0)
		c->burst = 8;
	if (c->refill_s == 0)
		c->refill_s = 10;
	c->broker.stop = c->stop;
	c->broker.session = NULL;
}

static struct service *
service_new(const struct pst_broker_serve *config)
{
	struct service *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return NULL;
	s->config = *config;
	defaults(&s->config);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->stopping, &attr);
	(void)pthread_condattr_destroy(&attr);
	return s;
}

static void
service_free(struct service *s)
{
	size_t i;

	for (i = 0; i < s->tee_count; i++) {
		pst_broker_free(s->tee[i].broker);
		(void)pthread_mutex_destroy(&s->tee[i].lock);
	}
	(void)pthread_cond_destroy(&s->stopping);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Brokers are made before any thread is: libcurl starts up in them. */
static enum pst_err
add_tees(struct service *s)
{
	struct pst_broker_config config = s->config.broker;
	struct service_tee *tee;
	size_t i;

	for (i = 0; i < s->config.tee_count; i++) {
		tee = &s->tee[i];
		config.tee = s->config.tees[i];
		tee->service = s;
		tee->name = pst_broker_tee_path(config.tee);
		tee->broker = pst_broker_new(&config);
		if (tee->broker == NULL)
			return PST_ERR_SPACE;
		(void)pthread_mutex_init(&tee->lock, NULL);
		s->tee_count++;
	}
	return PST_OK;
}

static enum pst_err
start_timers(struct service *s)
{
	size_t i;

	for (i = 0; i < s->tee_count; i++) {
		s->tee[i].has_timer = pthread_create(&s->tee[i].timer, NULL,
					  timer, &s->tee[i]) == 0;
		if (!s->tee[i].has_timer)
			return PST_ERR_SPACE;
	}
	return PST_OK;
}

static void
stop_all(struct service *s)
{
	size_t i;

	atomic_store(s->config.stop, true);
	(void)pthread_mutex_lock(&s->lock);
	(void)pthread_cond_broadcast(&s->stopping);
	(void)pthread_mutex_unlock(&s->lock);
	for (i = 0; i < SERVICE_CLIENTS_MAX; i++) {
		if (s->client[i].used)
			(void)shutdown(s->client[i].fd, SHUT_RD);
	}
	reap(s, true);
	for (i = 0; i < s->tee_count; i++) {
		if (s->tee[i].has_timer)
			(void)pthread_join(s->tee[i].timer, NULL);
	}
}

static enum pst_err
run(struct service *s)
{
	bool created;
	int fd;
	enum pst_err err = pst_service_listen(&s->config, &fd, &created);

	if (err != PST_OK)
		return err;
	err = start_timers(s);
	if (err == PST_OK) {
		pst_service_notify("READY=1");
		accept_all(s, fd);
		pst_service_notify("STOPPING=1");
	}
	/* No new applications while the present ones are served out. */
	if (created)
		(void)unlink(s->config.socket);
	if (fd >= 0)
		(void)close(fd);
	stop_all(s);
	return err;
}

enum pst_err
pst_broker_serve(const struct pst_broker_serve *serve)
{
	struct service *s;
	enum pst_err err;

	if (!sound(serve))
		return PST_ERR_ARG;
	s = service_new(serve);
	if (s == NULL)
		return PST_ERR_SPACE;
	err = add_tees(s);
	if (err == PST_OK)
		err = run(s);
	service_free(s);
	return err;
}
