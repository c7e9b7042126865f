/*
 * The HTTP binding against a handler that echoes: what a request must look
 * like, what an answer looks like, limits, slow clients, late answers.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_client.h"
#include "tam/http/http_internal.h"
#include "test.h"

#define TYPE "application/teep+cbor"
#define HOST "Host: tam.test\r\n"
#define ACCEPT "Accept: " TYPE "\r\n"
#define CONTENT "Content-Type: " TYPE "\r\n"
#define EMPTY "Content-Length: 0\r\n"
#define TINY CONTENT "Content-Length: 4\r\n"

enum { BODY_MAX = 40000, REQUEST_MS = 600, HOLD = 100 };

static struct pst_http *server;
static int port, listener;
static atomic_int handled;
static struct pst_log quiet;

static void
nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* --- the handler ------------------------------------------------------- */

static void
echo(struct pst_http_exchange *x)
{
	char *copy = malloc(x->body.len + 1);

	if (copy == NULL)
		abort();
	copy[0] = (char)('0' + x->hint);
	if (x->body.len > 0)
		memcpy(copy + 1, x->body.ptr, x->body.len);
	pst_http_reply(x, 200, copy, x->body.len + 1);
}

static void *
answer_later(void *arg)
{
	nap(50);
	echo(arg);
	return NULL;
}

static bool
says(const struct pst_http_exchange *x, const char *word)
{
	return x->body.len == strlen(word) &&
	    memcmp(x->body.ptr, word, x->body.len) == 0;
}

/* Some bodies say what to do. */
static void
handler(void *ctx, struct pst_http_exchange *x)
{
	pthread_t thread;

	(void)ctx;
	atomic_fetch_add(&handled, 1);
	if (says(x, "none")) {
		pst_http_reply(x, 204, NULL, 0);
	} else if (says(x, "busy")) {
		pst_http_reply(x, 503, NULL, 0);
	} else if (says(x, "fail")) {
		pst_http_reply(x, 500, NULL, 0);
	} else if (says(x, "hold") && !pst_http_reserve(x, HOLD)) {
		pst_http_reply(x, 503, NULL, 0);
	} else if (says(x, "late") || says(x, "hold")) {
		pst_http_later(x);
		if (pthread_create(&thread, NULL, answer_later, x) != 0)
			abort();
		pthread_detach(thread);
	} else {
		echo(x);
	}
}

static bool
start_with(struct pst_http_config *c)
{
	char address[80];

	if (pst_http_listen("127.0.0.1:0", &listener) != PST_OK)
		return false;
	pst_http_address(listener, address, sizeof(address));
	port = atoi(strrchr(address, ':') + 1);
	c->listen_fd = listener;
	c->body_max = BODY_MAX;
	c->handler = handler;
	c->log = &quiet;
	return pst_http_start(&server, c) == PST_OK;
}

static bool
start(void)
{
	struct pst_http_config c;

	pst_http_config_init(&c);
	c.threads = 2;
	return start_with(&c);
}

static void
stop(void)
{
	pst_http_free(&server);
	close(listener);
}

/* --- requests and their answers ---------------------------------------- */

static const struct {
	const char *request;
	int status;
	const char *why;
} rows[] = {
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", 200,
	    "an empty POST needs no Content-Type" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT "\r\n", 200,
	    "without a length it is empty" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT EMPTY "\r\n", 200,
	    "an empty POST may have the right Content-Type" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbody", 200, "" },
	{ "POST /tam/esp256 HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", 200, "" },
	{ "POST /tam/ed25519 HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", 200, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST "accept: */*;q=0.1\r\n" EMPTY "\r\n",
	    200, "a wildcard with a quality value" },
	{ "POST /tam HTTP/1.1\r\n" HOST
	  "Accept: text/html, application/*;q=0.3\r\n" EMPTY "\r\n",
	    200, "a list" },
	{ "POST /tam HTTP/1.1\r\n" HOST "Accept: text/html\r\n" ACCEPT EMPTY
	  "\r\n",
	    200, "two Accept headers" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT
	  "Content-Type: Application/TEEP+cbor; a=\"b\"\r\n"
	  "Content-Length: 4\r\n\r\nbody",
	    200, "a Content-Type with a parameter" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Transfer-Encoding: chunked\r\n\r\n"
	  "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
	    200, "chunks" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT
	  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    200, "an empty body in chunks" },
	{ "POST /tam HTTP/1.0\r\n" ACCEPT TINY "\r\nbody", 200, "HTTP/1.0" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nnone", 204, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate", 200, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nfail", 500, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbusy", 503, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST EMPTY "\r\n", 406, "no Accept" },
	{ "POST /tam HTTP/1.1\r\n" HOST "Accept:\r\n" EMPTY "\r\n", 406,
	    "empty Accept" },
	{ "POST /tam HTTP/1.1\r\n" HOST "Accept: text/html\r\n" EMPTY "\r\n",
	    406, "" },
	{ "POST /tam HTTP/1.1\r\n" HOST "Accept: " TYPE ";q=0, */*\r\n" EMPTY
	  "\r\n",
	    406, "refused by name" },
	{ "POST /tam HTTP/1.1\r\n" HOST "Accept: " TYPE ";q=7\r\n" EMPTY "\r\n",
	    400, "no such quality" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT "Content-Length: 4\r\n\r\nbody",
	    415, "a body without Content-Type" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT
	  "Content-Type: application/cbor\r\nContent-Length: 4\r\n\r\nbody",
	    415, "another type" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT
	  "Content-Type: application/cbor\r\n" EMPTY "\r\n",
	    415, "another type on an empty body" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT
	  "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n0\r\n\r\n",
	    415, "chunks without Content-Type" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY
	  "Content-Encoding: gzip\r\n\r\nbody",
	    415, "compressed" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT CONTENT
	  "Content-Length: 4\r\n\r\nbody",
	    400, "two types" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT "\r\nbody", 411,
	    "a type and no length" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Content-Length: 40001\r\n\r\n",
	    413, "a byte too many is announced" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Content-Length: 40001\r\nExpect: 100-continue\r\n\r\n",
	    413, "no 100 for what is refused" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY
	  "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n0\r\n\r\n",
	    400, "a length and chunks" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY
	  "Content-Length: 5\r\n\r\nbody",
	    400, "two lengths" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nbo\r\n0\r\n\r\n",
	    400, "another coding" },
	{ "POST /tam HTTP/1.0\r\n" ACCEPT CONTENT
	  "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n0\r\n\r\n",
	    400, "chunks in HTTP/1.0" },
	{ "GET /tam HTTP/1.1\r\n" HOST ACCEPT "\r\n", 405, "" },
	{ "PUT /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbody", 405, "" },
	{ "DELETE /tam/esp256 HTTP/1.1\r\n" HOST "\r\n", 405, "" },
	{ "OPTIONS /tam HTTP/1.1\r\n" HOST "\r\n", 405, "" },
	{ "TRACE /tam HTTP/1.1\r\n" HOST "\r\n", 405, "" },
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "POST /tam/ HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", 404, "" },
	{ "POST /tam/es256 HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", 404, "" },
	{ "GET /keys/tam-esp256.pem HTTP/1.1\r\n" HOST "\r\n", 404,
	    "no file is served" },
	{ "GET /tam/../keys/tam-esp256.pem HTTP/1.1\r\n" HOST "\r\n", 404,
	    "however it is spelled" },
	{ "GET /%2e%2e/keys HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "GET /api/v1/devices HTTP/1.1\r\n" HOST "\r\n", 404,
	    "no administration over TCP" },
};

/* Refused before we see them, by the library. */
static const struct {
	const char *request;
	int status;
	const char *why;
} library_rows[] = {
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Content-Length: +4\r\n\r\nbody",
	    400, "a sign" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Content-Length: 4, 4\r\n\r\nbody",
	    400, "a list of lengths" },
	{ "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	  "Content-Length: 99999999999999999999\r\n\r\nbody",
	    413, "over 64 bits" },
	{ "POST /tam HTTP/1.1\r\n" ACCEPT EMPTY "\r\n", 400, "no Host" },
	{ "nonsense\r\n\r\n", 0, "no request at all: no answer" },
};

/* pitfalls.md, Servers: nearly every problem is answered with HTTP 500. */
static void
each_problem_has_its_own_status(void)
{
	struct reply r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		client_ask(port, rows[i].request, &r);
		if (r.status != rows[i].status)
			printf("  %s\n  (%s)\n", rows[i].request, rows[i].why);
		CHECK_EQ(r.status, rows[i].status);
	}
	for (i = 0; i < sizeof(library_rows) / sizeof(*library_rows); i++) {
		client_ask(port, library_rows[i].request, &r);
		if (r.status != library_rows[i].status)
			printf("  %s\n  (%s)\n", library_rows[i].request,
			    library_rows[i].why);
		CHECK_EQ(r.status, library_rows[i].status);
	}
}

/* Section 4; pitfalls.md, Servers: Cache-Control is sent. */
static void
content_has_the_headers_of_the_binding(void)
{
	struct reply r;

	client_ask(port, "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", &r);
	CHECK_EQ(r.status, 200);
	CHECK(reply_has(&r, "Content-Type", TYPE));
	CHECK(reply_has(&r, "X-Content-Type-Options", "nosniff"));
	CHECK(reply_has(&r, "Content-Security-Policy", "default-src 'none'"));
	CHECK(reply_has(&r, "Referrer-Policy", "no-referrer"));
	CHECK(reply_has(&r, "Content-Length", "1"));
	CHECK(!reply_has(&r, "Cache-Control", NULL));
	CHECK(!reply_has(&r, "Set-Cookie", NULL));
	CHECK_EQ(r.body_len, 1);
}

static void
the_path_is_a_hint(void)
{
	struct reply r;

	client_ask(port, "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", &r);
	CHECK_EQ(r.body[0], '0' + PST_HTTP_NO_HINT);
	client_ask(
	    port, "POST /tam/esp256 HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", &r);
	CHECK_EQ(r.body[0], '0' + PST_HTTP_ESP256);
	client_ask(port,
	    "POST /tam/ed25519 HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", &r);
	CHECK_EQ(r.body[0], '0' + PST_HTTP_ED25519);
}

/* Only TEEP content may be sent, so a refusal has none. */
static void
refusals_have_no_content(void)
{
	struct reply r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].status == 200)
			continue;
		client_ask(port, rows[i].request, &r);
		CHECK_EQ(r.body_len, 0);
		CHECK(!reply_has(&r, "Content-Type", NULL));
		CHECK(!reply_has(&r, "Cache-Control", NULL));
	}
}

static void
not_allowed_says_what_is(void)
{
	struct reply r;

	client_ask(port, "GET /tam HTTP/1.1\r\n" HOST "\r\n", &r);
	CHECK_EQ(r.status, 405);
	CHECK(reply_has(&r, "Allow", "POST"));
}

static void
overload_says_when_to_come_back(void)
{
	struct reply r;

	client_ask(
	    port, "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbusy", &r);
	CHECK_EQ(r.status, 503);
	CHECK(reply_has(&r, "Retry-After", "5"));
}

/* --- connections ------------------------------------------------------- */

static void
a_connection_is_kept_even_after_a_refusal(void)
{
	static const char *const one[] = {
		"POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n",
		"POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nnone",
		"POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate",
		"POST /tam HTTP/1.1\r\n" HOST ACCEPT
		"Content-Length: 4\r\n\r\nbody",
		"POST /nowhere HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbody",
		"POST /tam HTTP/1.1\r\n" HOST TINY "\r\nbody",
		"POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbusy",
	};
	static const int want[] = { 200, 204, 200, 415, 404, 406, 503 };
	int fd = client_open(port);
	struct reply r;
	size_t i;

	for (i = 0; i < 3 * sizeof(one) / sizeof(*one); i++) {
		size_t n = i % (sizeof(one) / sizeof(*one));

		CHECK(client_send(fd, one[n], strlen(one[n])));
		client_read(fd, &r);
		CHECK_EQ(r.status, want[n]);
		CHECK(!r.closed);
	}
	close(fd);
}

static void
pipelined_posts_are_answered_in_order(void)
{
	static const char two[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate"
	    "POST /tam/esp256 HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbody";
	int fd = client_open(port);
	struct reply r;

	CHECK(client_send(fd, two, strlen(two)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK(r.body_len == 5 && memcmp(r.body, "0late", 5) == 0);
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK(r.body_len == 5 && memcmp(r.body, "1body", 5) == 0);
	close(fd);
}

static void
http_1_0_is_closed_and_may_be_kept(void)
{
	static const char plain[] =
	    "POST /tam HTTP/1.0\r\n" ACCEPT TINY "\r\nbody";
	static const char kept[] = "POST /tam HTTP/1.0\r\n" ACCEPT TINY
				   "Connection: Keep-Alive\r\n\r\nbody";
	int fd = client_open(port);
	struct reply r;

	CHECK(client_send(fd, kept, strlen(kept)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_send(fd, plain, strlen(plain)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_ended(fd, 5000));
	close(fd);
}

static void
a_client_that_waits_is_told_to_continue(void)
{
	static const char head[] = "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY
				   "Expect: 100-continue\r\n\r\n";
	int fd = client_open(port);
	struct reply r;

	CHECK(client_send(fd, head, strlen(head)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 100);
	CHECK(client_send(fd, "body", 4));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	close(fd);
}

static void
framing_that_cannot_be_trusted_ends_the_connection(void)
{
	/* The second request is inside what a proxy takes for the body. */
	static const char smuggled[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	    "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\nPOST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n";
	int fd = client_open(port);
	int before = atomic_load(&handled);
	struct reply r;

	CHECK(client_send(fd, smuggled, strlen(smuggled)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 400);
	CHECK(r.closed);
	CHECK(client_ended(fd, 5000));
	CHECK_EQ(atomic_load(&handled), before);
	close(fd);
}

/* --- limits ------------------------------------------------------------ */

static size_t
post(char *out, size_t cap, size_t body)
{
	size_t head = (size_t)snprintf(out, cap,
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	    "Content-Length: %zu\r\n\r\n",
	    body);

	memset(out + head, 'x', body);
	return head + body;
}

static void
a_body_of_the_limit_passes_and_one_byte_more_does_not(void)
{
	static char request[BODY_MAX + 1000];
	static struct reply r;
	int fd = client_open(port);

	CHECK(
	    client_send(fd, request, post(request, sizeof(request), BODY_MAX)));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK_EQ(r.body_len, BODY_MAX + 1);
	/* Headers alone: the refusal does not wait for the body. */
	CHECK(client_send(fd, request,
	    post(request, sizeof(request), BODY_MAX + 1) - BODY_MAX - 1));
	client_read(fd, &r);
	CHECK_EQ(r.status, 413);
	CHECK(r.closed);
	close(fd);
}

static bool
send_chunks(int fd, size_t count)
{
	static char chunk[1000];
	size_t i;

	memset(chunk, 'x', sizeof(chunk));
	for (i = 0; i < count; i++) {
		if (!client_send(fd, "3e8\r\n", 5) ||
		    !client_send(fd, chunk, sizeof(chunk)) ||
		    !client_send(fd, "\r\n", 2))
			return false;
	}
	return true;
}

static void
chunks_are_counted_too(void)
{
	static const char head[] = "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
				   "Transfer-Encoding: chunked\r\n\r\n";
	static struct reply r;
	int fd = client_open(port);

	CHECK(client_send(fd, head, strlen(head)));
	CHECK(send_chunks(fd, BODY_MAX / 1000));
	CHECK(client_send(fd, "0\r\n\r\n", 5));
	client_read(fd, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_send(fd, head, strlen(head)));
	CHECK(send_chunks(fd, BODY_MAX / 1000));
	CHECK(client_send(fd, "1\r\nx\r\n0\r\n\r\n", 11));
	client_read(fd, &r);
	CHECK_EQ(r.status, 413);
	close(fd);
}

/* One that never ends is not read for ever. */
static void
endless_chunks_are_cut_off(void)
{
	static const char head[] = "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
				   "Transfer-Encoding: chunked\r\n\r\n";
	int fd = client_open(port), i;
	bool going = true;

	CHECK(client_send(fd, head, strlen(head)));
	for (i = 0; i < 10000 && going; i++)
		going = send_chunks(fd, 1);
	CHECK(!going);
	close(fd);
}

static void
bodies_together_are_bounded(void)
{
	static char request[BODY_MAX + 1000];
	static struct reply r;
	struct pst_http_config c;
	int fds[4];
	size_t len, i;

	pst_http_config_init(&c);
	c.threads = 1;
	c.bodies_max = 2 * BODY_MAX + 10000;
	CHECK(start_with(&c));
	len = post(request, sizeof(request), BODY_MAX);
	for (i = 0; i < 3; i++) {
		fds[i] = client_open(port);
		CHECK(client_send(fds[i], request, len - 1));
		/* The first two take what there is. */
		while (
		    i < 2 && atomic_load(&server->bodies) < (i + 1) * BODY_MAX)
			nap(5);
	}
	for (i = 3; i-- > 0;) {
		CHECK(client_send(fds[i], "x", 1));
		client_read(fds[i], &r);
		CHECK_EQ(r.status, i < 2 ? 200 : 503);
		CHECK(i < 2 || reply_has(&r, "Retry-After", NULL));
	}
	/* What was reserved is free again. */
	for (i = 0; i < 3; i++) {
		CHECK(client_send(fds[i], request, len));
		client_read(fds[i], &r);
		CHECK_EQ(r.status, 200);
		close(fds[i]);
	}
	stop();
}

static void
answers_together_are_bounded(void)
{
	static const char hold[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nhold";
	int fds[5], i, round, held, refused;
	struct pst_http_config c;
	struct reply r;

	pst_http_config_init(&c);
	c.threads = 1;
	c.answers_max = 2 * HOLD + 50;
	CHECK(start_with(&c));
	for (round = 0; round < 3; round++) {
		held = refused = 0;
		for (i = 0; i < 5; i++) {
			fds[i] = client_open(port);
			CHECK(client_send(fds[i], hold, strlen(hold)));
		}
		for (i = 0; i < 5; i++) {
			client_read(fds[i], &r);
			held += r.status == 200;
			refused += r.status == 503;
			close(fds[i]);
		}
		CHECK_EQ(held + refused, 5);
		/* At least these; more when one was done before the rest. */
		CHECK(held >= 2);
	}
	CHECK_EQ(atomic_load(&server->answers) > 2 * HOLD + 50, false);
	stop();
}

static void
an_answer_without_room_is_refused(void)
{
	struct pst_http_config c;
	struct reply r;

	pst_http_config_init(&c);
	c.threads = 1;
	c.answers_max = HOLD - 1;
	CHECK(start_with(&c));
	client_ask(
	    port, "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nhold", &r);
	CHECK_EQ(r.status, 503);
	CHECK_EQ(atomic_load(&server->answers), 0);
	stop();
}

static int
count_served(int *fds, int n)
{
	static const char request[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n";
	struct reply r;
	int i, served = 0;

	for (i = 0; i < n; i++)
		fds[i] = client_open(port);
	for (i = 0; i < n; i++) {
		if (fds[i] < 0 ||
		    !client_send(fds[i], request, strlen(request)))
			continue;
		if (client_ended(fds[i], 0))
			continue;
		client_read(fds[i], &r);
		served += r.status == 200;
	}
	return served;
}

static void
connections_of_one_address_are_bounded(void)
{
	struct pst_http_config c;
	struct reply r;
	int fds[8], i;

	pst_http_config_init(&c);
	c.threads = 2;
	c.per_address_max = 3;
	CHECK(start_with(&c));
	CHECK_EQ(count_served(fds, 8), 3);
	for (i = 0; i < 8; i++)
		close(fds[i]);
	nap(100);
	client_ask(port, "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n", &r);
	CHECK_EQ(r.status, 200);
	stop();
}

/* --- slow clients ------------------------------------------------------ */

static bool
start_hasty(void)
{
	struct pst_http_config c;

	pst_http_config_init(&c);
	c.threads = 2;
	c.request_ms = REQUEST_MS;
	c.idle_s = 1;
	return start_with(&c);
}

/*
 * Every truncation of a request after `from` bytes, all at once: the library
 * may see the end of a half-closed connection only at the deadline.
 */
static void
truncations(const char *request, size_t from)
{
	int fds[256], before = atomic_load(&handled);
	struct reply r;
	size_t len;

	CHECK(strlen(request) <= 256);
	for (len = from; len < strlen(request); len++) {
		fds[len] = client_open(port);
		CHECK(client_send(fds[len], request, len));
		shutdown(fds[len], SHUT_WR);
	}
	for (len = from; len < strlen(request); len++) {
		client_read(fds[len], &r);
		CHECK(r.status == 0 || r.status == 400);
		close(fds[len]);
	}
	CHECK_EQ(atomic_load(&handled), before);
	client_ask(port, request, &r);
	CHECK_EQ(r.status, 200);
}

static void
a_truncated_request_reaches_no_handler(void)
{
	static const char chunked[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT CONTENT
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "4\r\nbody\r\n0\r\n\r\n";

	CHECK(start_hasty());
	truncations("POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nbody", 0);
	CHECK_CASE();
	truncations(chunked, (size_t)(strstr(chunked, "\r\n\r\n") - chunked));
	CHECK_CASE();
	stop();
}

/* A byte now and then: no silence for the library to notice. */
static bool
drips(const char *data, size_t len)
{
	int fd = client_open(port), ms = 0;
	bool ended = false;
	size_t i;

	for (i = 0; i < len && !ended; i++) {
		if (!client_send(fd, data + i, 1))
			ended = true;
		ended |= client_ended(fd, 40);
		ms += 40;
		/* Nobody gets ten times as long. */
		if (ms > 10 * REQUEST_MS)
			break;
	}
	close(fd);
	return ended;
}

static void
a_client_that_drips_is_closed(void)
{
	static char head[400], body[600];
	size_t len;

	CHECK(start_hasty());
	len = (size_t)snprintf(head, sizeof(head),
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT "X: %0200d\r\n", 0);
	CHECK(drips(head, len));
	len = post(body, sizeof(body), 300);
	CHECK(drips(body, len));
	stop();
}

static void
silence_and_idleness_are_closed(void)
{
	static const char one[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n";
	struct reply r;
	int idle, silent;

	CHECK(start_hasty());
	idle = client_open(port);
	silent = client_open(port);
	CHECK(client_send(idle, one, strlen(one)));
	client_read(idle, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_ended(silent, 5000));
	CHECK(client_ended(idle, 5000));
	close(idle);
	close(silent);
	stop();
}

/* Waiting for the TAM is not the client's slowness. */
static void
a_late_answer_is_no_timeout(void)
{
	struct pst_http_config c;
	struct reply r;
	int i;

	pst_http_config_init(&c);
	c.threads = 1;
	c.request_ms = 20;
	CHECK(start_with(&c));
	for (i = 0; i < 10; i++) {
		client_ask(port,
		    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate", &r);
		CHECK_EQ(r.status, 200);
	}
	stop();
}

/* --- late answers, stopping -------------------------------------------- */

static void
a_client_that_leaves_does_not_disturb_a_late_answer(void)
{
	static const char late[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate";
	struct reply r;
	int fd, i;

	for (i = 0; i < 50; i++) {
		fd = client_open(port);
		CHECK(client_send(fd, late, strlen(late)));
		close(fd);
	}
	client_ask(port, late, &r);
	CHECK_EQ(r.status, 200);
}

static void
draining_finishes_what_is_under_way(void)
{
	static const char late[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate";
	static const char one[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT EMPTY "\r\n";
	struct reply r;
	int busy, kept;

	CHECK(start());
	busy = client_open(port);
	kept = client_open(port);
	CHECK(client_send(kept, one, strlen(one)));
	client_read(kept, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_send(busy, late, strlen(late)));
	nap(20);
	pst_http_drain(server, 5000);
	client_read(busy, &r);
	CHECK_EQ(r.status, 200);
	CHECK(client_send(kept, one, strlen(one)));
	client_read(kept, &r);
	CHECK_EQ(r.status, 503);
	CHECK(reply_has(&r, "Retry-After", NULL));
	CHECK(r.closed);
	close(busy);
	close(kept);
	stop();
}

static void
stopping_waits_for_late_answers(void)
{
	static const char late[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate";
	int fds[20], i;

	CHECK(start());
	for (i = 0; i < 20; i++) {
		fds[i] = client_open(port);
		CHECK(client_send(fds[i], late, strlen(late)));
	}
	nap(20);
	stop();
	for (i = 0; i < 20; i++)
		close(fds[i]);
}

/* Without certificates too, a reload replaces the library's instance. */
static void
a_reload_loses_no_request(void)
{
	static const char late[] =
	    "POST /tam HTTP/1.1\r\n" HOST ACCEPT TINY "\r\nlate";
	struct pst_http_config c;
	struct reply r;
	int fd, i;

	pst_http_config_init(&c);
	c.threads = 2;
	c.request_ms = 200;
	CHECK(start_with(&c));
	for (i = 0; i < 5; i++) {
		fd = client_open(port);
		CHECK(client_send(fd, late, strlen(late)));
		nap(10);
		CHECK_EQ(pst_http_reload(server), PST_OK);
		client_read(fd, &r);
		CHECK_EQ(r.status, 200);
		close(fd);
		client_ask(port, late, &r);
		CHECK_EQ(r.status, 200);
		nap(60);
	}
	stop();
}

static void
certificates_that_cannot_be_read_are_refused(void)
{
	struct pst_http_config c;

	pst_http_config_init(&c);
	c.cert = "/nonexistent/cert.pem";
	c.key = "/nonexistent/key.pem";
	CHECK(!start_with(&c));
	close(listener);
	/* This file is no certificate. */
	c.cert = c.key = __FILE__;
	CHECK(!start_with(&c));
	close(listener);
}

/* --- addresses --------------------------------------------------------- */

static void
addresses_are_numeric(void)
{
	static const char *const bad[] = { "", ":", ":80", "80", "localhost:80",
		"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
		"127.0.0.1:8x", "::1:80", "[::1]", "[::1:80", "256.0.0.1:80",
		"127.0.0.1:99999999999999999999" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (pst_http_listen(bad[i], &fd) != PST_ERR_ARG)
			printf("  %s\n", bad[i]);
		CHECK_EQ(pst_http_listen(bad[i], &fd), PST_ERR_ARG);
		CHECK_EQ(fd, -1);
		CHECK(!pst_http_loopback(bad[i]));
	}
	CHECK(pst_http_loopback("127.0.0.1:80"));
	CHECK(pst_http_loopback("127.1.2.3:0"));
	CHECK(pst_http_loopback("[::1]:80"));
	CHECK(!pst_http_loopback("0.0.0.0:80"));
	CHECK(!pst_http_loopback("[::]:80"));
	CHECK(!pst_http_loopback("192.0.2.1:80"));
}

static void
log_lines_cannot_be_forged(void)
{
	char line[PST_LOG_LINE_MAX + 1], text[2 * PST_LOG_LINE_MAX];
	struct pst_log log = { .level = PST_LOG_INFO };
	enum pst_log_level level;
	int fds[2];
	ssize_t n;

	CHECK(pipe(fds) == 0);
	log.fd = fds[1];
	pst_log(&log, PST_LOG_DEBUG, "not written");
	pst_log(&log, PST_LOG_INFO, "name=%s",
	    "a\nb\x1b[2J\xc2\x9b\xe2\x80\xae\xc3\xbc");
	n = read(fds[0], line, sizeof(line));
	CHECK(n > 0);
	line[n - 1] = 0;
	CHECK(strstr(line, " info name=a?b?[2J?????\xc3\xbc") != NULL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	pst_log(&log, PST_LOG_ERROR, "%s", text);
	n = read(fds[0], line, sizeof(line));
	CHECK_EQ(n, PST_LOG_LINE_MAX);
	CHECK_EQ(line[n - 1], '\n');
	CHECK(pst_log_level_parse("debug", &level) && level == PST_LOG_DEBUG);
	CHECK(!pst_log_level_parse("loud", &level));
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	quiet = (struct pst_log){ 2,
		getenv("PST_TEST_LOG") ? PST_LOG_DEBUG : PST_LOG_ERROR };
	RUN(addresses_are_numeric);
	RUN(log_lines_cannot_be_forged);
	if (!start()) {
		puts("the server does not start");
		return 1;
	}
	RUN(each_problem_has_its_own_status);
	RUN(content_has_the_headers_of_the_binding);
	RUN(the_path_is_a_hint);
	RUN(refusals_have_no_content);
	RUN(not_allowed_says_what_is);
	RUN(overload_says_when_to_come_back);
	RUN(a_connection_is_kept_even_after_a_refusal);
	RUN(pipelined_posts_are_answered_in_order);
	RUN(http_1_0_is_closed_and_may_be_kept);
	RUN(a_client_that_waits_is_told_to_continue);
	RUN(framing_that_cannot_be_trusted_ends_the_connection);
	RUN(a_body_of_the_limit_passes_and_one_byte_more_does_not);
	RUN(chunks_are_counted_too);
	RUN(endless_chunks_are_cut_off);
	RUN(a_client_that_leaves_does_not_disturb_a_late_answer);
	stop();
	RUN(bodies_together_are_bounded);
	RUN(answers_together_are_bounded);
	RUN(an_answer_without_room_is_refused);
	RUN(connections_of_one_address_are_bounded);
	RUN(a_truncated_request_reaches_no_handler);
	RUN(a_client_that_drips_is_closed);
	RUN(silence_and_idleness_are_closed);
	RUN(a_late_answer_is_no_timeout);
	RUN(draining_finishes_what_is_under_way);
	RUN(stopping_waits_for_late_answers);
	RUN(a_reload_loses_no_request);
	RUN(certificates_that_cannot_be_read_are_refused);
	TEST_END();
}
