#include "world.h"

#include "component.h"
#include "server/tee.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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

/* A content is the file of a TA or of an object, known by its inode. */
static enum pst_err
content_of(const char *path, struct pst_tee_content *out, uint64_t *sequence)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return PST_ERR_NOT_FOUND;
	out->object = st.st_ino;
	out->size_bytes = (uint64_t)st.st_size;
	*sequence = (uint64_t)st.st_mtim.tv_nsec;
	return PST_OK;
}

static enum pst_err
find(void *ctx, const uint8_t uuid[16], struct pst_tee_ta *out)
{
	char text[37], path[160];

	pst_uuid_print(uuid, text);
	snprintf(path, sizeof(path), "%s/%s.ta", (const char *)ctx, text);
	memset(out, 0, sizeof(*out));
	memcpy(out->uuid, uuid, 16);
	return content_of(path, &out->content, &out->sequence);
}

static enum pst_err
object(void *ctx, const uint8_t uuid[16], struct pst_bytes id,
    struct pst_tee_object *out)
{
	char text[37], path[240];
	uint64_t sequence;

	pst_uuid_print(uuid, text);
	snprintf(path, sizeof(path), "%s/%s.%.*s.object", (const char *)ctx,
	    text, (int)id.len, (const char *)id.ptr);
	memset(out, 0, sizeof(*out));
	memcpy(out->id, id.ptr, id.len);
	out->id_len = id.len;
	return content_of(path, &out->content, &sequence);
}

/* The name in a file's; false for files of others. */
static bool
object_name(const char *file, const uint8_t uuid[16], struct pst_bytes *name)
{
	const char *end = strstr(file, ".object");
	char text[37];

	pst_uuid_print(uuid, text);
	if (end == NULL || strncmp(file, text, 36) != 0)
		return false;
	name->ptr = (const uint8_t *)file + 37;
	name->len = (size_t)(end - (file + 37));
	return true;
}

static int
compare(struct pst_bytes a, struct pst_bytes b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return memcmp(a.ptr, b.ptr, a.len);
}

static enum pst_err
object_next(void *ctx, const uint8_t uuid[16], const struct pst_bytes *after,
    struct pst_tee_object *out)
{
	struct pst_bytes name, best = { NULL, 0 };
	char kept[PST_WIRE_OBJECT_ID_MAX];
	struct dirent *e;
	DIR *d = opendir(ctx);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!object_name(e->d_name, uuid, &name) ||
		    (after != NULL && compare(name, *after) <= 0) ||
		    (best.ptr != NULL && compare(name, best) >= 0))
			continue;
		memcpy(kept, name.ptr, name.len);
		best = (struct pst_bytes){ (const uint8_t *)kept, name.len };
	}
	if (d != NULL)
		closedir(d);
	return best.ptr != NULL ? object(ctx, uuid, best, out)
				: PST_ERR_NOT_FOUND;
}

static int
open_content(const char *dir, uint64_t inode)
{
	char path[400];
	struct dirent *e;
	DIR *d = opendir(dir);
	int fd = -1;

	while (d != NULL && fd < 0 && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_ino == inode)
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (d != NULL)
		closedir(d);
	return fd;
}

/* A file that begins with "damaged" is not what was installed. */
static enum pst_err
copy(void *ctx, const struct pst_tee_content *content, int to)
{
	int fd = open_content(ctx, content->object);
	char first[7] = "";
	ssize_t n = -1;

	if (fd >= 0 && pread(fd, first, 7, 0) >= 0 &&
	    memcmp(first, "damaged", 7) != 0)
		n = sendfile(to, fd, NULL, content->size_bytes);
	if (fd >= 0)
		close(fd);
	return n == (ssize_t)content->size_bytes ? PST_OK
						 : PST_ERR_STORE_DAMAGED;
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
		.catalog = { w->dir, find, object_next, object, copy },
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
world_object(const struct world *w, const char *uuid, const char *name,
    const void *content, size_t len)
{
	char path[240];
	int fd, good;

	snprintf(path, sizeof(path), "%s/%s.%s.object", w->dir, uuid, name);
	if (content == NULL)
		return unlink(path) == 0;
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	good = fd >= 0 && write(fd, content, len) == (ssize_t)len;
	close(fd);
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
