/* A bare HTTP client for tests: bytes out, bytes in, nothing interpreted. */
#ifndef POSTERN_TESTS_HTTP_CLIENT_H
#define POSTERN_TESTS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct reply {
	int status; /* 0: the connection ended, or nothing came in time */
	char head[4096];
	char body[65536];
	size_t body_len;
	bool closed; /* the server ended the connection after it */
};

int client_open(int port);
bool client_send(int fd, const void *data, size_t len);
/* Read one response; what comes after it stays in the socket. */
void client_read(int fd, struct reply *r);
/* Does the peer end the connection within so many milliseconds? */
bool client_ended(int fd, int within_ms);
/* A request on a connection of its own. */
void client_ask(int port, const char *request, struct reply *r);
/* Is there a header line with this name, and, unless NULL, this value? */
bool reply_has(const struct reply *r, const char *name, const char *value);

#endif
