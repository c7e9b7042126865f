/*
 * The service's socket, made here or passed by systemd, and the client side
 * of it.
 */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PASSED_FD 3 /* the first of LISTEN_FDS: sd_listen_fds(3) */
#define BACKLOG 16
/* A session with a slow TAM and a large payload takes minutes. */
#define ANSWER_S 900

static bool
address_of(const char *path, struct sockaddr_un *a)
{
	size_t len = strlen(path);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (len == 0 || len >= sizeof(a->sun_path))
		return false;
	memcpy(a->sun_path, path, len);
	return true;
}

static int
socket_option(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value
								     : -1;
}

/* Is it a listening UNIX stream socket, and not something else? */
static bool
fit(int fd)
{
	return socket_option(fd, SO_DOMAIN) == AF_UNIX &&
	    socket_option(fd, SO_TYPE) == SOCK_STREAM &&
	    socket_option(fd, SO_ACCEPTCONN) == 1;
}

/* A socket of systemd's, or -1. Its environment is not passed on. */
static int
passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	int fd = -1;

	if (pid != NULL && count != NULL &&
	    strtol(pid, NULL, 10) == (long)getpid() &&
	    strtol(count, NULL, 10) >= 1 && fit(PASSED_FD)) {
		fd = PASSED_FD;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return fd;
}

/* Does somebody answer there? Else what lies there is left over. */
static bool
in_use(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used;

	if (fd < 0)
		return true;
	used = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	(void)close(fd);
	return used;
}

/* Remove a socket that nobody serves any more, and nothing but a socket. */
static void
remove_leftover(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
}

static int
bind_with_mode(const struct sockaddr_un *a, uint32_t mode)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t old;
	int result;

	if (fd < 0)
		return -1;
	/* The mode holds from the first moment; no threads run yet. */
	old = umask((mode_t)~mode & 0777);
	result = bind(fd, (const struct sockaddr *)a, sizeof(*a));
	(void)umask(old);
	if (result == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

enum pst_err
pst_service_listen(const struct pst_broker_serve *serve, int *fd, bool *created)
{
	struct sockaddr_un a;

	*created = false;
	*fd = passed();
	if (*fd >= 0 || serve->socket == NULL)
		return PST_OK;
	if (!address_of(serve->socket, &a)) {
		pst_broker_log(&serve->broker, true,
		    "%s: path is too long for a socket", serve->socket);
		return PST_ERR_ARG;
	}
	if (in_use(&a)) {
		pst_broker_log(&serve->broker, true,
		    "%s: another broker serves here, or it is not ours",
		    serve->socket);
		return PST_ERR_BUSY;
	}
	remove_leftover(serve->socket);
	*fd = bind_with_mode(&a, serve->socket_mode);
	if (*fd < 0) {
		pst_broker_log(&serve->broker, true, "%s: %s", serve->socket,
		    strerror(errno));
		return PST_ERR_IO;
	}
	*created = true;
	return PST_OK;
}

void
pst_service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a;
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !address_of(path, &a))
		return;
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&a, len);
	(void)close(fd);
}

/* --- asking ------------------------------------------------------------ */

static enum pst_err
send_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return PST_ERR_IO;
		text += n;
		len -= (size_t)n;
	}
	return PST_OK;
}

static enum pst_err
receive_line(int fd, char *answer, size_t cap)
{
	size_t len = 0;
	ssize_t n;
	char *end;

	for (;;) {
		if (len == cap)
			return PST_ERR_SPACE;
		n = recv(fd, answer + len, cap - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return PST_ERR_IO;
		end = memchr(answer + len, '\n', (size_t)n);
		if (end != NULL) {
			*end = '\0';
			return PST_OK;
		}
		len += (size_t)n;
	}
}

enum pst_err
pst_broker_ask(const char *path, const char *line, char *answer, size_t cap)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct sockaddr_un a;
	enum pst_err err = PST_ERR_IO;
	int fd;

	if (cap == 0)
		return PST_ERR_SPACE;
	answer[0] = '\0';
	if (!address_of(path != NULL ? path : PST_BROKER_SOCKET, &a) ||
	    strchr(line, '\n') != NULL || strlen(line) >= PST_BROKER_LINE_MAX)
		return PST_ERR_ARG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return PST_ERR_IO;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		err = send_all(fd, line, strlen(line));
	if (err == PST_OK)
		err = send_all(fd, "\n", 1);
	if (err == PST_OK)
		err = receive_line(fd, answer, cap);
	if (err != PST_OK)
		answer[0] = '\0';
	(void)close(fd);
	return err;
}
