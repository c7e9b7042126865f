#include "server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct step {
	struct server_step step;
	char *text;
};

struct server {
	int listen_fd, conn_fd;
	SSL_CTX *tls;
	SSL *ssl;
	char base[64], cacert[64];
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock;
	struct step script[SERVER_STEPS_MAX];
	size_t steps, next;
	char *requests[SERVER_STEPS_MAX];
	size_t count;
};

static void
fatal(const char *what)
{
	perror(what);
	abort();
}

/* --- TLS --------------------------------------------------------------- */

static X509 *
certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSION *san;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"127.0.0.1", -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	san = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_NAME_free(name);
	if (X509_sign(x, key, EVP_sha256()) == 0)
		fatal("X509_sign");
	return x;
}

static void
start_tls(struct server *s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate(key);
	int fd;
	FILE *f;

	(void)snprintf(s->cacert, sizeof(s->cacert), "/tmp/broker-XXXXXX");
	fd = mkstemp(s->cacert);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL || PEM_write_X509(f, x) != 1 || fclose(f) != 0)
		fatal("certificate");
	s->tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate(s->tls, x) != 1 ||
	    SSL_CTX_use_PrivateKey(s->tls, key) != 1)
		fatal("SSL_CTX");
	X509_free(x);
	EVP_PKEY_free(key);
}

/* --- a connection ------------------------------------------------------ */

static void
hang_up(struct server *s)
{
	if (s->ssl != NULL) {
		(void)SSL_shutdown(s->ssl);
		SSL_free(s->ssl);
		s->ssl = NULL;
	}
	if (s->conn_fd >= 0)
		(void)close(s->conn_fd);
	s->conn_fd = -1;
}

static void
take_connection(struct server *s)
{
	hang_up(s);
	s->conn_fd = accept(s->listen_fd, NULL, NULL);
	if (s->conn_fd < 0 || s->tls == NULL)
		return;
	s->ssl = SSL_new(s->tls);
	SSL_set_fd(s->ssl, s->conn_fd);
	if (SSL_accept(s->ssl) != 1)
		hang_up(s);
}

static int
receive(struct server *s, char *buf, size_t cap)
{
	if (s->ssl != NULL)
		return SSL_read(s->ssl, buf, (int)cap);
	return (int)recv(s->conn_fd, buf, cap, 0);
}

static bool
transmit(struct server *s, const char *bytes, size_t len)
{
	while (len > 0) {
		int n = s->ssl != NULL
		    ? SSL_write(s->ssl, bytes, (int)len)
		    : (int)send(s->conn_fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static size_t
content_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");

	return at != NULL ? strtoul(at + 17, NULL, 10) : 0;
}

/* A whole request, or false when the peer went away. */
static bool
read_request(struct server *s, char **out)
{
	size_t cap = SERVER_HEAD_MAX, len = 0, want = 0;
	char *buf = malloc(cap + 1), *end;
	int n;

	for (;;) {
		n = receive(s, buf + len, cap - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end != NULL && want == 0) {
			want = (size_t)(end - buf) + 4 + content_length(buf);
			if (want > cap) {
				cap = want;
				buf = realloc(buf, cap + 1);
			}
		}
		if (end != NULL && len >= want) {
			*out = buf;
			return true;
		}
	}
	free(buf);
	return false;
}

static void
nap(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

static void
answer(struct server *s, const struct step *step)
{
	static const char fill[4096] = "";
	char block[sizeof(fill)];
	size_t left = step->step.fill, n;
	bool ok;
	int waited;

	for (waited = 0; waited < step->step.delay_ms && !atomic_load(&s->stop);
	     waited += 20)
		nap(20);
	memset(block, 'x', sizeof(block));
	ok = transmit(s, step->text, strlen(step->text));
	while (ok && left > 0) {
		n = left < sizeof(block) ? left : sizeof(block);
		ok = transmit(s, block, n);
		left -= n;
	}
	if (!ok || step->step.end)
		hang_up(s);
}

static void
serve_request(struct server *s)
{
	static const struct step none = { { .end = true },
		"HTTP/1.1 599 script is over\r\nContent-Length: 0\r\n\r\n" };
	const struct step *step = &none;
	char *request;

	if (!read_request(s, &request)) {
		hang_up(s);
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	if (s->count < SERVER_STEPS_MAX)
		s->requests[s->count++] = request;
	if (s->next < s->steps)
		step = &s->script[s->next++];
	(void)pthread_mutex_unlock(&s->lock);
	answer(s, step);
}

static void *
run(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[2];

	while (!atomic_load(&s->stop)) {
		fds[0] = (struct pollfd){ s->listen_fd, POLLIN, 0 };
		fds[1] = (struct pollfd){ s->conn_fd, POLLIN, 0 };
		if (s->ssl != NULL && SSL_pending(s->ssl) > 0)
			serve_request(s);
		else if (poll(fds, 2, 50) <= 0)
			continue;
		else if (fds[1].revents != 0)
			serve_request(s);
		else if (fds[0].revents != 0)
			take_connection(s);
	}
	return NULL;
}

/* --- for the tests ----------------------------------------------------- */

struct server *
server_start(bool tls)
{
	struct server *s = calloc(1, sizeof(*s));
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->conn_fd = -1;
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->listen_fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(s->listen_fd, 8) != 0 ||
	    getsockname(s->listen_fd, (struct sockaddr *)&a, &len) != 0)
		fatal("listen");
	(void)snprintf(s->base, sizeof(s->base), "http%s://127.0.0.1:%u",
	    tls ? "s" : "", (unsigned)ntohs(a.sin_port));
	(void)pthread_mutex_init(&s->lock, NULL);
	if (tls)
		start_tls(s);
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		fatal("pthread_create");
	return s;
}

void
server_stop(struct server *s)
{
	size_t i;

	atomic_store(&s->stop, true);
	(void)pthread_join(s->thread, NULL);
	hang_up(s);
	(void)close(s->listen_fd);
	if (s->tls != NULL) {
		SSL_CTX_free(s->tls);
		(void)unlink(s->cacert);
	}
	for (i = 0; i < s->steps; i++)
		free(s->script[i].text);
	for (i = 0; i < s->count; i++)
		free(s->requests[i]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *
server_base(const struct server *s)
{
	return s->base;
}

const char *
server_cacert(const struct server *s)
{
	return s->cacert;
}

void
server_reply(struct server *s, const struct server_step *step)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->steps == SERVER_STEPS_MAX)
		abort();
	s->script[s->steps].step = *step;
	s->script[s->steps].text = strdup(step->text);
	s->steps++;
	(void)pthread_mutex_unlock(&s->lock);
}

void
server_reply_teep(struct server *s, const char *body)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/teep+cbor\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
	server_reply(s, &(struct server_step){ .text = text });
}

size_t
server_count(struct server *s)
{
	size_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->count;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

const char *
server_request(struct server *s, size_t n)
{
	const char *text = "";

	(void)pthread_mutex_lock(&s->lock);
	if (n < s->count)
		text = s->requests[n];
	(void)pthread_mutex_unlock(&s->lock);
	return text;
}
