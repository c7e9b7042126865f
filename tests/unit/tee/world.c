#include "world.h"

#include "component.h"
#include "server/tee.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the server's process ------------------------------------------------ */

static struct pst_tee *server;
static int ready_pipe;

static int
open_image(void *ctx, const uint8_t uuid[16])
{
	char text[37], path[160];

	pst_uuid_print(uuid, text);
	snprintf(path, sizeof(path), "%s/%s.ta", (const char *)ctx, text);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static enum pst_err
find(void *ctx, const uint8_t uuid[16], struct pst_tee_ta *out)
{
	int fd = open_image(ctx, uuid);
	struct stat st;

	if (fd < 0)
		return PST_ERR_NOT_FOUND;
	memset(out, 0, sizeof(*out));
	memcpy(out->uuid, uuid, 16);
	if (fstat(fd, &st) == 0) {
		out->object = st.st_ino;
		out->sequence = (uint64_t)st.st_mtim.tv_nsec;
		out->size_bytes = (uint64_t)st.st_size;
	}
	close(fd);
	return PST_OK;
}

static enum pst_err
image(void *ctx, const struct pst_tee_ta *ta, int to)
{
	int fd = open_image(ctx, ta->uuid);
	ssize_t n = -1;

	if (fd >= 0)
		n = sendfile(to, fd, NULL, ta->size_bytes);
	close(fd);
	return n == (ssize_t)ta->size_bytes ? PST_OK : PST_ERR_STORE_DAMAGED;
}

static uint32_t
control_open(void *ctx, uint64_t client, uint32_t uid)
{
	(void)ctx;
	(void)client;
	return uid == geteuid() ? TEEC_SUCCESS : TEEC_ERROR_ACCESS_DENIED;
}

static void
control_invoke(void *ctx, uint64_t client, const struct pst_wire_msg *in,
    struct pst_wire_msg *out)
{
	struct pst_tee_process p;
	size_t cursor = 0;

	(void)ctx;
	(void)client;
	if (in->head.command == CONTROL_CHANGED) {
		pst_tee_catalog_changed(server);
	} else if (in->head.params[0].type == PST_WIRE_VALUE_OUTPUT) {
		while (pst_tee_process_next(server, &cursor, &p)) {
			out->head.params[0].a++;
			out->head.params[0].b += p.sessions;
		}
	}
}

static void
control_close(void *ctx, uint64_t client)
{
	(void)ctx;
	(void)client;
}

static void
ready(const char *socket)
{
	(void)socket;
	if (write(ready_pipe, "r", 1) != 1)
		_exit(3);
}

static void
serve(struct world *w, unsigned call_ms)
{
	static const struct pst_tee_pseudo control = {
		.uuid = { 0xc0, 0xc0, 0xc0, 0xc0, 0x11, 0x11, 0x22, 0x22, 0x33,
		    0x33, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44 },
		.open = control_open,
		.invoke = control_invoke,
		.close = control_close,
	};
	const struct pst_tee_options options = {
		.socket = w->socket,
		.socket_mode = 0600,
		.host = PST_BUILD_DIR "/postern-ta-host",
		.call_ms = call_ms,
		.catalog = { w->dir, find, image },
		.pseudo = &control,
		.ready = ready,
	};
	int log = open(w->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	enum pst_err err;

	/* A test that dies leaves nothing running. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (log < 0 || dup2(log, 2) < 0)
		exit(3);
	server = pst_tee_new(&options);
	if (server == NULL)
		exit(3);
	err = pst_tee_run(server);
	pst_tee_free(server);
	exit(err == PST_OK ? 0 : 4);
}

/* --- the tests' side ----------------------------------------------------- */

int
world_begin(struct world *w, unsigned call_ms)
{
	int pipes[2];
	char c;

	strcpy(w->dir, "/tmp/postern-tee-XXXXXX");
	if (mkdtemp(w->dir) == NULL || pipe(pipes) != 0)
		return 0;
	snprintf(w->socket, sizeof(w->socket), "%s/sock", w->dir);
	snprintf(w->log, sizeof(w->log), "%s/log", w->dir);
	fflush(stdout);
	w->pid = fork();
	if (w->pid == 0) {
		close(pipes[0]);
		ready_pipe = pipes[1];
		serve(w, call_ms);
	}
	close(pipes[1]);
	call_ms = read(pipes[0], &c, 1) == 1;
	close(pipes[0]);
	return w->pid > 0 && call_ms;
}

static void
remove_tree(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

int
world_end(struct world *w)
{
	int status = -1;

	if (w->pid > 0) {
		kill(w->pid, SIGTERM);
		if (waitpid(w->pid, &status, 0) != w->pid)
			status = -1;
	}
	if (access(w->socket, F_OK) == 0)
		status = -1;
	remove_tree(w->dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
world_install(const struct world *w, const char *uuid, const char *file)
{
	char from[256], to[160], temp[168];
	struct stat st;
	int in, out, good;

	snprintf(to, sizeof(to), "%s/%s.ta", w->dir, uuid);
	if (file == NULL)
		return unlink(to) == 0;
	snprintf(from, sizeof(from), "%s/%s", PST_BUILD_DIR, file);
	snprintf(temp, sizeof(temp), "%s.new", to);
	in = open(from, O_RDONLY);
	out = open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	good = in >= 0 && out >= 0 && fstat(in, &st) == 0 &&
	    sendfile(out, in, NULL, (size_t)st.st_size) == st.st_size &&
	    rename(temp, to) == 0;
	close(in);
	close(out);
	return good;
}

int
world_logged(const struct world *w, const char *text)
{
	static char all[1 << 16];
	int fd = open(w->log, O_RDONLY);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	close(fd);
	if (n < 0)
		return 0;
	all[n] = '\0';
	return strstr(all, text) != NULL;
}
