#include "internal.h"

#include "component.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef PST_SANITIZED
#define KEEP_STDERR true /* a sanitizer's report goes there */
#else
#define KEEP_STDERR false
#endif

/* A container's filter may not know close_range. */
static void
close_from(int first)
{
	struct rlimit r;
	rlim_t fd;

	if (close_range((unsigned)first, ~0u, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		_exit(127);
	for (fd = (rlim_t)first; fd < r.rlim_cur; fd++)
		(void)close((int)fd);
}

/* Between fork and exec: system calls only. */
static void __attribute__((noreturn))
become_host(const char *path, char *const argv[], int sock, int image)
{
	char *const env[] = { NULL };
	sigset_t none;
	int null;

	/* A terminal's signals are for the server. */
	(void)setsid();
	/* Out of the way of the numbers that they are to have. */
	sock = fcntl(sock, F_DUPFD, 10);
	image = fcntl(image, F_DUPFD, 10);
	null = open("/dev/null", O_RDWR);
	if (sock < 0 || image < 0 || null < 0)
		_exit(127);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    (!KEEP_STDERR && dup2(null, 2) < 0) ||
	    dup2(sock, PST_HOST_SOCKET) < 0 || dup2(image, PST_HOST_IMAGE) < 0)
		_exit(127);
	close_from(PST_HOST_FIRST_CLOSED);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(path, argv, env);
	_exit(127);
}

static enum pst_err
start(struct pst_tee *tee, const struct pst_tee_ta *ta, int image, pid_t *pid,
    int *fd)
{
	char uuid[37], parent[16], name[] = "postern-ta-host";
	char *argv[] = { name, uuid, parent, NULL };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return PST_ERR_IO;
	pst_uuid_print(ta->uuid, uuid);
	snprintf(parent, sizeof(parent), "%ld", (long)getpid());
	*pid = fork();
	if (*pid == 0)
		become_host(tee->options->host, argv, pair[1], image);
	close(pair[1]);
	if (*pid < 0) {
		close(pair[0]);
		return PST_ERR_IO;
	}
	*fd = pair[0];
	return PST_OK;
}

enum pst_err
pst_spawn(struct pst_tee *tee, const struct pst_tee_ta *ta, pid_t *pid, int *fd)
{
	enum pst_err err;
	int image;

	err = pst_content_memfd(tee, &ta->content, PST_TEE_IMAGE_MAX, &image);
	if (err != PST_OK)
		return err;
	err = start(tee, ta, image, pid, fd);
	close(image);
	return err;
}
