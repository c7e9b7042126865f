#include "http_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum { LANES_MAX = 64, ANSWER_MAX = 65536, TIMEOUT_MS = 20000 };

struct lane {
	int fd;
	bool busy;
	char head[512];
	uint8_t answer[ANSWER_MAX + 1];
	size_t len;
};

static struct lane lanes[LANES_MAX];

static int
dial(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	bench_must(fd >= 0 &&
		connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0,
	    "connecting");
	return fd;
}

static void
attach(int epoll, struct lane *lane, uint16_t port)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = lane };

	lane->fd = dial(port);
	bench_must(
	    epoll_ctl(epoll, EPOLL_CTL_ADD, lane->fd, &ev) == 0, "epoll");
}

/* Head and body in one segment; loopback takes messages of this size whole. */
static void
post(const struct load *l, struct lane *lane, struct pst_bytes body)
{
	struct iovec parts[2];
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	union {
		const uint8_t *view;
		void *base;
	} b = { body.ptr };
	int n = snprintf(lane->head, sizeof(lane->head),
	    "POST %s HTTP/1.1\r\nHost: bench\r\n"
	    "Accept: application/teep+cbor\r\n%s"
	    "Content-Length: %zu\r\n%s\r\n",
	    l->path,
	    body.len > 0 ? "Content-Type: application/teep+cbor\r\n" : "",
	    body.len, l->fresh ? "Connection: close\r\n" : "");

	parts[0].iov_base = lane->head;
	parts[0].iov_len = (size_t)n;
	parts[1].iov_base = b.base;
	parts[1].iov_len = body.len;
	lane->len = 0;
	lane->busy = true;
	bench_must(sendmsg(lane->fd, &msg, MSG_NOSIGNAL) ==
		(ssize_t)((size_t)n + body.len),
	    "sending");
}

/* The answer, once it is whole: status, or 0. */
static int
whole(struct lane *lane, struct pst_bytes *body)
{
	const char *text = (const char *)lane->answer;
	const char *end, *length;
	size_t head, want = 0;

	lane->answer[lane->len] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return 0;
	head = (size_t)(end - text) + 4;
	length = strcasestr(text, "\r\nContent-Length:");
	if (length != NULL && length < end)
		want = (size_t)strtoul(length + 17, NULL, 10);
	bench_must(want <= ANSWER_MAX - head, "an answer that is too long");
	if (lane->len < head + want)
		return 0;
	*body = (struct pst_bytes){ lane->answer + head, want };
	return atoi(text + 9);
}

struct state {
	const struct load *l;
	int epoll;
	size_t begun, ended;
};

static void
drop(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

/* Go on with a lane until it waits for an answer or has nothing to do. */
static void
go_on(struct state *s, struct lane *lane, int status, struct pst_bytes body)
{
	const struct load *l = s->l;
	unsigned which = (unsigned)(lane - lanes);
	struct pst_bytes next = { NULL, 0 };

	if (l->fresh)
		drop(lane);
	for (;;) {
		if (status == 0 && s->begun++ >= l->runs)
			return;
		if (l->step(l->ctx, which, status, body, &next) == LOAD_SEND)
			break;
		s->ended++;
		status = 0;
	}
	if (lane->fd < 0)
		attach(s->epoll, lane, l->port);
	post(l, lane, next);
}

static void
readable(struct state *s, struct lane *lane)
{
	struct pst_bytes body = { NULL, 0 };
	ssize_t n;
	int status;

	n = read(lane->fd, lane->answer + lane->len, ANSWER_MAX - lane->len);
	bench_must(n > 0 && lane->busy, "reading an answer");
	lane->len += (size_t)n;
	status = whole(lane, &body);
	if (status == 0)
		return;
	lane->busy = false;
	go_on(s, lane, status, body);
}

void
load_run(const struct load *l)
{
	struct state s = { .l = l, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct pst_bytes none = { NULL, 0 };
	struct epoll_event ev[LANES_MAX];
	unsigned i;
	int n, k;

	bench_must(s.epoll >= 0 && l->lanes <= LANES_MAX, "epoll");
	for (i = 0; i < l->lanes; i++) {
		lanes[i].fd = -1;
		go_on(&s, &lanes[i], 0, none);
	}
	while (s.ended < l->runs) {
		n = epoll_wait(s.epoll, ev, LANES_MAX, TIMEOUT_MS);
		bench_must(n > 0, "waiting for an answer");
		for (k = 0; k < n; k++)
			readable(&s, ev[k].data.ptr);
	}
	for (i = 0; i < l->lanes; i++)
		drop(&lanes[i]);
	close(s.epoll);
}
