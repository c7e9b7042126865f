/*
 * The life of the HTTP server: start, reload, drain, stop. The listening
 * socket is ours; an instance of the library listens on a duplicate. To read
 * new certificates a second instance is started beside the first, which then
 * accepts no more and is retired when its requests are done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <postern/teep.h>

#include "http_internal.h"

enum {
	CONNECTION_MEMORY = 16384, /* headers, and the window of a body */
	FILE_MAX = 1 << 20,	   /* a certificate or key file */
	TICK_MIN_MS = 20,
	TICK_MAX_MS = 1000,
	BACKLOG = 1024,
	THREADS_MAX = 256
};

/* RFC 9325, Section 3.1: TLS 1.2 and 1.3. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

void
pst_http_config_init(struct pst_http_config *config)
{
	memset(config, 0, sizeof(*config));
	config->listen_fd = -1;
	config->connections_max = PST_HTTP_CONNECTIONS_MAX;
	config->per_address_max = PST_HTTP_PER_ADDRESS_MAX;
	config->body_max = PST_MESSAGE_MAX;
	config->bodies_max = PST_HTTP_BODIES_MAX;
	config->answers_max = PST_HTTP_ANSWERS_MAX;
	config->request_ms = PST_HTTP_REQUEST_MS;
	config->idle_s = PST_HTTP_IDLE_S;
}

/* --- addresses --------------------------------------------------------- */

/* Numeric addresses only: what is bound does not depend on a name service. */
static struct addrinfo *
resolve(const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *list = NULL;
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t len;

	if (colon == NULL || colon == text || colon[1] < '0' || colon[1] > '9')
		return NULL;
	if (strtoul(colon + 1, NULL, 10) > 65535)
		return NULL;
	len = (size_t)(colon - text);
	if (text[0] == '[' && len >= 2 && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return NULL;
	}
	if (len >= sizeof(host))
		return NULL;
	memcpy(host, text, len);
	host[len] = 0;
	return getaddrinfo(host, colon + 1, &hints, &list) == 0 ? list : NULL;
}

bool
pst_http_address_valid(const char *text)
{
	struct addrinfo *list = resolve(text);

	if (list == NULL)
		return false;
	freeaddrinfo(list);
	return true;
}

bool
pst_http_loopback(const char *text)
{
	struct addrinfo *list = resolve(text);
	struct sockaddr_in6 a6;
	struct sockaddr_in a4;
	bool loopback = false;

	if (list != NULL && list->ai_family == AF_INET) {
		memcpy(&a4, list->ai_addr, sizeof(a4));
		loopback = ntohl(a4.sin_addr.s_addr) >> 24 == 127;
	} else if (list != NULL && list->ai_family == AF_INET6) {
		memcpy(&a6, list->ai_addr, sizeof(a6));
		loopback = IN6_IS_ADDR_LOOPBACK(&a6.sin6_addr);
	}
	if (list != NULL)
		freeaddrinfo(list);
	return loopback;
}

static int
bound(const struct addrinfo *a)
{
	int fd, on = 1, saved;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    a->ai_protocol);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

enum pst_err
pst_http_listen(const char *text, int *fd)
{
	struct addrinfo *list = resolve(text);
	int saved;

	*fd = -1;
	if (list == NULL)
		return PST_ERR_ARG;
	*fd = bound(list);
	saved = errno;
	freeaddrinfo(list);
	errno = saved;
	return *fd < 0 ? PST_ERR_IO : PST_OK;
}

void
pst_http_address(int fd, char *out, size_t cap)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char host[64], port[16];

	snprintf(out, cap, "?");
	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(out, cap, a.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
	    port);
}

/* --- instances --------------------------------------------------------- */

static void
library_says(void *cls, const char *fmt, va_list ap)
{
	const struct pst_http *http = cls;
	char text[512];
	size_t len;

	if (!pst_log_wants(http->config.log, PST_LOG_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = 0;
	pst_log(http->config.log, PST_LOG_DEBUG, "http %s", text);
}

/** A whole small file as a string; NULL and a log line when not. */
static char *
slurp(const struct pst_http *http, const char *path)
{
	char *text = malloc(FILE_MAX);
	ssize_t n, len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (text != NULL && fd >= 0 && len < FILE_MAX) {
		n = read(fd, text + len, (size_t)(FILE_MAX - len));
		if (n <= 0)
			break;
		len += n;
	}
	if (fd < 0)
		pst_log(http->config.log, PST_LOG_ERROR, "cannot read %s: %s",
		    path, strerror(errno));
	else
		close(fd);
	if (text != NULL && fd >= 0 && len > 0 && len < FILE_MAX) {
		text[len] = 0;
		return text;
	}
	if (fd >= 0)
		pst_log(http->config.log, PST_LOG_ERROR,
		    "%s is empty or too large", path);
	free(text);
	return NULL;
}

enum { OPTIONS_MAX = 20 };

struct options {
	struct MHD_OptionItem item[OPTIONS_MAX];
	size_t count;
};

static void
option(struct options *o, enum MHD_OPTION name, intptr_t value, void *ptr)
{
	o->item[o->count++] = (struct MHD_OptionItem){ name, value, ptr };
}

static unsigned
threads_of(const struct pst_http_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->threads > 0)
		return config->threads;
	return cores < 1	  ? 1
	    : cores > THREADS_MAX ? THREADS_MAX
				  : (unsigned)cores;
}

static void
set_options(struct options *o, struct pst_http_instance *in, int fd, char *cert,
    char *key)
{
	const struct pst_http_config *c = &in->http->config;
	unsigned threads = threads_of(c);

	option(o, MHD_OPTION_LISTEN_SOCKET, fd, NULL);
	if (threads > 1)
		option(o, MHD_OPTION_THREAD_POOL_SIZE, threads, NULL);
	option(o, MHD_OPTION_CONNECTION_LIMIT,
	    c->connections_max > threads ? c->connections_max : threads, NULL);
	if (c->per_address_max > 0)
		option(o, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		    c->per_address_max, NULL);
	option(o, MHD_OPTION_CONNECTION_TIMEOUT, c->idle_s, NULL);
	option(o, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL);
	option(o, MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL);
	option(o, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)pst_http_request_done,
	    in);
	option(o, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)pst_http_conn_notify,
	    in);
	if (cert != NULL) {
		option(o, MHD_OPTION_HTTPS_MEM_CERT, 0, cert);
		option(o, MHD_OPTION_HTTPS_MEM_KEY, 0, key);
		option(o, MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)TLS_PRIORITIES);
	}
	option(o, MHD_OPTION_END, 0, NULL);
}

static bool
library_start(struct pst_http_instance *in, char *cert, char *key)
{
	struct options o = { .count = 0 };
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	int fd = fcntl(in->http->config.listen_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (cert != NULL)
		flags |= MHD_USE_TLS;
	set_options(&o, in, fd, cert, key);
	in->mhd = MHD_start_daemon(flags, 0, NULL, NULL, pst_http_request, in,
	    MHD_OPTION_EXTERNAL_LOGGER, library_says, in->http,
	    MHD_OPTION_ARRAY, o.item, MHD_OPTION_END);
	if (in->mhd == NULL)
		close(fd);
	return in->mhd != NULL;
}

static struct pst_http_instance *
instance_new(struct pst_http *http)
{
	const struct pst_http_config *c = &http->config;
	struct pst_http_instance *in = calloc(1, sizeof(*in));
	char *cert = NULL, *key = NULL;
	bool ok = in != NULL;

	if (in != NULL)
		in->http = http;
	if (ok && c->cert != NULL) {
		cert = slurp(http, c->cert);
		key = slurp(http, c->key);
		ok = cert != NULL && key != NULL;
	}
	if (ok && !library_start(in, cert, key)) {
		pst_log(c->log, PST_LOG_ERROR, "HTTP server did not start%s",
		    cert ? ": are certificate and key a pair?" : "");
		ok = false;
	}
	/* The library has parsed them. */
	if (key != NULL)
		pst_wipe(key, strlen(key));
	free(key);
	free(cert);
	if (ok)
		return in;
	free(in);
	return NULL;
}

static void
accept_no_more(struct pst_http_instance *in)
{
	int fd = MHD_quiesce_daemon(in->mhd);

	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

static void
instance_free(struct pst_http_instance *in)
{
	MHD_stop_daemon(in->mhd);
	free(in);
}

/* Stop retired instances whose requests are done or whose time is up. */
static void
retire(struct pst_http *http)
{
	struct pst_http_instance **p = &http->retired, *in;
	int64_t now = pst_http_now_ms();

	while ((in = *p) != NULL) {
		bool late = now - in->retired_ms > http->config.request_ms;

		if (late || atomic_load(&in->open) == 0)
			atomic_store(&in->closing, true);
		if (!atomic_load(&in->closing) ||
		    atomic_load(&in->working) > 0) {
			p = &in->next;
			continue;
		}
		*p = in->next;
		/* Stopping waits for threads that may want the lock. */
		pthread_mutex_unlock(&http->lock);
		instance_free(in);
		pthread_mutex_lock(&http->lock);
		p = &http->retired;
	}
}

static void *
watch(void *arg)
{
	struct pst_http *http = arg;
	unsigned tick = http->config.request_ms / 4;
	struct timespec until;

	if (tick < TICK_MIN_MS)
		tick = TICK_MIN_MS;
	if (tick > TICK_MAX_MS)
		tick = TICK_MAX_MS;
	pthread_mutex_lock(&http->lock);
	while (!http->stop) {
		int64_t at = pst_http_now_ms() + tick;

		until.tv_sec = at / 1000;
		until.tv_nsec = at % 1000 * 1000000;
		pthread_cond_timedwait(&http->wake, &http->lock, &until);
		retire(http);
		pthread_mutex_unlock(&http->lock);
		pst_http_conn_expire(http);
		pthread_mutex_lock(&http->lock);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* --- the server -------------------------------------------------------- */

static bool
cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

enum pst_err
pst_http_start(struct pst_http **out, const struct pst_http_config *config)
{
	struct pst_http *http = calloc(1, sizeof(*http));

	*out = NULL;
	if (http == NULL)
		return PST_ERR_IO;
	http->config = *config;
	if (pthread_mutex_init(&http->lock, NULL) != 0)
		goto free_http;
	if (!cond_init(&http->wake))
		goto free_lock;
	if (!pst_http_responses_make(http->empty))
		goto free_responses;
	http->current = instance_new(http);
	if (http->current == NULL)
		goto free_responses;
	if (pthread_create(&http->watch, NULL, watch, http) != 0)
		goto stop;
	*out = http;
	return PST_OK;

stop:
	instance_free(http->current);
free_responses:
	pst_http_responses_free(http->empty);
	pthread_cond_destroy(&http->wake);
free_lock:
	pthread_mutex_destroy(&http->lock);
free_http:
	free(http);
	return PST_ERR_IO;
}

enum pst_err
pst_http_reload(struct pst_http *http)
{
	struct pst_http_instance *fresh = instance_new(http);
	struct pst_http_instance *old = http->current;

	if (fresh == NULL)
		return PST_ERR_IO;
	http->current = fresh;
	accept_no_more(old);
	pthread_mutex_lock(&http->lock);
	old->retired_ms = pst_http_now_ms();
	old->next = http->retired;
	http->retired = old;
	pthread_mutex_unlock(&http->lock);
	return PST_OK;
}

static void
nap(void)
{
	struct timespec t = { 0, 5000000 };

	nanosleep(&t, NULL);
}

static unsigned
open_requests(struct pst_http *http)
{
	struct pst_http_instance *in;
	unsigned n = atomic_load(&http->current->open);

	pthread_mutex_lock(&http->lock);
	for (in = http->retired; in != NULL; in = in->next)
		n += atomic_load(&in->open);
	pthread_mutex_unlock(&http->lock);
	return n;
}

void
pst_http_drain(struct pst_http *http, unsigned timeout_ms)
{
	int64_t until = pst_http_now_ms() + timeout_ms;

	atomic_store(&http->draining, true);
	accept_no_more(http->current);
	while (open_requests(http) > 0 && pst_http_now_ms() < until)
		nap();
}

static void
instance_end(struct pst_http_instance *in)
{
	atomic_store(&in->closing, true);
	while (atomic_load(&in->working) > 0)
		nap();
	instance_free(in);
}

void
pst_http_free(struct pst_http **httpp)
{
	struct pst_http *http = *httpp;
	struct pst_http_instance *in;

	*httpp = NULL;
	if (http == NULL)
		return;
	pthread_mutex_lock(&http->lock);
	http->stop = true;
	pthread_cond_signal(&http->wake);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->watch, NULL);
	while ((in = http->retired) != NULL) {
		http->retired = in->next;
		instance_end(in);
	}
	instance_end(http->current);
	pst_http_responses_free(http->empty);
	pthread_cond_destroy(&http->wake);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
