#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

int
client_open(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
client_send(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
readable(int fd, int within_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, within_ms) == 1;
}

static bool
one_byte(int fd, char *c)
{
	return readable(fd, PATIENCE_MS) && recv(fd, c, 1, 0) == 1;
}

static const char *
find(const struct reply *r, const char *name)
{
	size_t len = strlen(name);
	const char *line = strstr(r->head, "\r\n");

	for (; line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

bool
reply_has(const struct reply *r, const char *name, const char *value)
{
	const char *at = find(r, name);

	if (at == NULL || value == NULL)
		return at != NULL;
	at += strspn(at, " ");
	return strncmp(at, value, strlen(value)) == 0 &&
	    at[strlen(value)] == '\r';
}

void
client_read(int fd, struct reply *r)
{
	const char *length;
	size_t n = 0, want = 0;
	char c;

	memset(r, 0, sizeof(*r));
	while (n < sizeof(r->head) - 1 && one_byte(fd, &c)) {
		r->head[n++] = c;
		if (n >= 4 && memcmp(r->head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	}
	if (n < 12 || memcmp(r->head, "HTTP/1.", 7) != 0)
		return;
	r->status = atoi(r->head + 9);
	length = find(r, "Content-Length");
	if (length != NULL)
		want = (size_t)strtoul(length, NULL, 10);
	while (r->body_len < want && r->body_len < sizeof(r->body) &&
	    one_byte(fd, &c))
		r->body[r->body_len++] = c;
	r->closed = reply_has(r, "Connection", "close");
}

bool
client_ended(int fd, int within_ms)
{
	char c;

	return readable(fd, within_ms) && recv(fd, &c, 1, MSG_PEEK) <= 0;
}

void
client_ask(int port, const char *request, struct reply *r)
{
	int fd = client_open(port);

	memset(r, 0, sizeof(*r));
	if (fd < 0)
		return;
	if (client_send(fd, request, strlen(request)))
		client_read(fd, r);
	close(fd);
}
