#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "diag/component.h"

/* Where staged content and sequence numbers are, under the root. No component
 * has this name: the text of one that would is written as hex. */
#define PRIVATE ".postern"

enum { NAME_CAP = PST_COMPONENT_TEXT_MAX + 64 };

/*
 * The path of a component under the root: its text, a directory an element.
 * Elements that mean something to a file system are refused rather than
 * rewritten: a tool that puts them elsewhere would hide what they are.
 */
static enum pst_err
path_of(struct pst_bytes id, char out[NAME_CAP])
{
	const char *p;
	size_t n;

	if (pst_component_print(id, out, NAME_CAP) != PST_OK)
		return PST_ERR_SUIT_COMPONENT;
	for (p = out;; p += n + 1) {
		n = strcspn(p, "/");
		if (n == 0 || n > 255 || p[0] == '.')
			return PST_ERR_SUIT_COMPONENT;
		if (p[n] == '\0')
			return PST_OK;
	}
}

static void
staged_name(uint32_t index, char out[NAME_CAP])
{
	snprintf(out, NAME_CAP, PRIVATE "/staged-%u", index);
}

static enum pst_err
make_parents(const struct cli_directory *d, char *path)
{
	char *p;
	int failed = 0;

	for (p = strchr(path, '/'); p != NULL && failed == 0;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		failed = mkdirat(d->fd, path, 0755) != 0 && errno != EEXIST;
		*p = '/';
	}
	return failed == 0 ? PST_OK : PST_ERR_IO;
}

/* --- what the interpreter asks ------------------------------------------ */

static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, struct pst_suit_act act)
{
	char path[NAME_CAP];

	(void)ctx;
	(void)m;
	(void)act;
	return path_of(component, path);
}

static enum pst_err
identify(void *ctx, struct pst_bytes component, enum pst_suit_parameter what,
    struct pst_bytes uuid)
{
	const struct cli_directory *d = ctx;
	const uint8_t *mine = NULL;

	(void)component;
	if (what == PST_SUIT_PARAM_VENDOR && d->has_vendor)
		mine = d->vendor;
	if (what == PST_SUIT_PARAM_CLASS && d->has_class)
		mine = d->class_id;
	if (what == PST_SUIT_PARAM_DEVICE && d->has_device)
		mine = d->device;
	if (mine != NULL && uuid.len == 16 && memcmp(mine, uuid.ptr, 16) == 0)
		return PST_OK;
	return PST_ERR_SUIT_CONDITION;
}

static enum pst_err
slot(void *ctx, struct pst_bytes component, uint64_t number)
{
	(void)ctx;
	(void)component;
	return number == 0 ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static struct cli_directory_file *
file_of(struct cli_directory *d, uint32_t index)
{
	return index < PST_SUIT_COMPONENTS_MAX ? &d->file[index] : NULL;
}

static void
close_file(struct cli_directory_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static enum pst_err
write_begin(
    void *ctx, uint32_t index, struct pst_bytes component, uint64_t size_bytes)
{
	struct cli_directory *d = ctx;
	struct cli_directory_file *f = file_of(d, index);
	char name[NAME_CAP];

	(void)component;
	(void)size_bytes;
	if (f == NULL)
		return PST_ERR_LIMIT;
	close_file(f);
	staged_name(index, name);
	f->fd = openat(d->fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	f->staged = f->fd >= 0;
	f->deleted = false;
	return f->staged ? PST_OK : PST_ERR_STORE;
}

static enum pst_err
write_chunk(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	struct cli_directory_file *f = file_of(ctx, index);
	ssize_t n;

	if (f == NULL || f->fd < 0)
		return PST_ERR_STATE;
	while (chunk.len > 0) {
		n = write(f->fd, chunk.ptr, chunk.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return errno == ENOSPC ? PST_ERR_STORE_FULL
					       : PST_ERR_STORE;
		chunk.ptr += n;
		chunk.len -= (size_t)n;
	}
	return PST_OK;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	struct cli_directory_file *f = file_of(ctx, index);
	bool synced;

	if (f == NULL || f->fd < 0)
		return PST_ERR_STATE;
	synced = fsync(f->fd) == 0;
	close_file(f);
	return synced ? PST_OK : PST_ERR_STORE;
}

static int
open_content(struct cli_directory *d, uint32_t index, struct pst_bytes id)
{
	const struct cli_directory_file *f = file_of(d, index);
	char name[NAME_CAP];

	if (f == NULL || f->deleted || path_of(id, name) != PST_OK)
		return -1;
	if (f->staged)
		staged_name(index, name);
	return openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static enum pst_err
read_content(void *ctx, uint32_t index, struct pst_bytes component, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	int fd = open_content(ctx, index, component);
	ssize_t n;

	*len = 0;
	if (fd < 0)
		return PST_ERR_NOT_FOUND;
	n = at <= INT64_MAX ? pread(fd, out, cap, (off_t)at) : -1;
	close(fd);
	if (n < 0)
		return PST_ERR_STORE;
	*len = (size_t)n;
	return PST_OK;
}

static enum pst_err
unlink_component(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes component)
{
	struct cli_directory *d = ctx;
	struct pst_list list = m->components;
	struct pst_bytes id;
	uint32_t i;

	for (i = 0; pst_list_next(&list, &id); i++) {
		if (id.len != component.len || i == PST_SUIT_COMPONENTS_MAX ||
		    memcmp(id.ptr, component.ptr, id.len) != 0)
			continue;
		close_file(&d->file[i]);
		d->file[i].staged = false;
		d->file[i].deleted = true;
		return PST_OK;
	}
	return PST_ERR_SUIT_COMPONENT;
}

/* --- update management -------------------------------------------------- */

static enum pst_err
now(void *ctx, uint64_t *seconds)
{
	const struct cli_directory *d = ctx;

	*seconds = d->has_time ? d->time_s : (uint64_t)time(NULL);
	return PST_OK;
}

static enum pst_err
battery(void *ctx, uint64_t *mwh)
{
	const struct cli_directory *d = ctx;

	*mwh = d->battery_mwh;
	return PST_OK;
}

static enum pst_err
authorized(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, int64_t priority)
{
	const struct cli_directory *d = ctx;

	(void)m;
	(void)component;
	(void)priority;
	return d->authorized ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
version(void *ctx, struct pst_bytes component, struct pst_bytes *out)
{
	const struct cli_directory *d = ctx;
	const struct cli_directory_version *v;
	size_t i;

	for (i = 0; i < d->version_count; i++) {
		v = &d->version[i];
		if (v->id_len != component.len ||
		    memcmp(v->id, component.ptr, v->id_len) != 0)
			continue;
		out->ptr = v->version;
		out->len = v->len;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* Beside times, which are the clock's, a directory knows one event. */
static enum pst_err
wait_event(void *ctx, struct pst_bytes component, enum pst_suit_event event,
    struct pst_bytes value)
{
	const struct cli_directory *d = ctx;

	(void)component;
	(void)value;
	if (event != PST_SUIT_EVENT_AUTHORIZATION || !d->has_authorized)
		return PST_ERR_UNSUPPORTED;
	return d->authorized ? PST_OK : PST_ERR_AGAIN;
}

/* --- begin and end ------------------------------------------------------ */

int
cli_directory_open(struct cli_directory *d, const char *root)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->root = root;
	d->fd = -1;
	for (i = 0; i < PST_SUIT_COMPONENTS_MAX; i++)
		d->file[i].fd = -1;
	if (mkdir(root, 0755) != 0 && errno != EEXIST)
		return cli_fail("%s: %s", root, strerror(errno));
	d->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0 ||
	    (mkdirat(d->fd, PRIVATE, 0755) != 0 && errno != EEXIST))
		return cli_fail("%s: %s", root, strerror(errno));
	d->host = (struct pst_suit_host){ .ctx = d,
		.authorise = authorise,
		.identify = identify,
		.slot = slot,
		.write_begin = write_begin,
		.write = write_chunk,
		.write_end = write_end,
		.read = read_content,
		.unlink = unlink_component,
		.now = now,
		.version = version,
		.wait = wait_event };
	return CLI_DONE;
}

void
cli_directory_close(struct cli_directory *d)
{
	if (d->fd < 0)
		return;
	cli_directory_discard(d);
	close(d->fd);
	d->fd = -1;
}

void
cli_directory_begin(struct cli_directory *d, const struct pst_suit_manifest *m)
{
	cli_directory_discard(d);
	d->manifest = m;
	d->host.battery = d->has_battery ? battery : NULL;
	d->host.authorized = d->has_authorized ? authorized : NULL;
}

void
cli_directory_discard(struct cli_directory *d)
{
	char name[NAME_CAP];
	uint32_t i;

	for (i = 0; i < PST_SUIT_COMPONENTS_MAX; i++) {
		close_file(&d->file[i]);
		if (d->file[i].staged) {
			staged_name(i, name);
			unlinkat(d->fd, name, 0);
		}
		d->file[i].staged = false;
		d->file[i].deleted = false;
	}
}

/* One small file a manifest: its sequence number and its digest. */
static enum pst_err
record_name(const struct pst_suit_manifest *m, char out[NAME_CAP])
{
	char text[PST_COMPONENT_TEXT_MAX];
	char *p;

	if (m->component_id.len == 0)
		return PST_ERR_NOT_FOUND;
	if (pst_component_print(m->component_id, text, sizeof(text)) != PST_OK)
		return PST_ERR_SUIT_COMPONENT;
	for (p = text; *p != '\0'; p++) {
		if (*p == '/')
			*p = '%';
	}
	if (strlen(text) > 200)
		return PST_ERR_LIMIT;
	snprintf(out, NAME_CAP, PRIVATE "/manifest-%s", text);
	return PST_OK;
}

static void
record_text(const struct pst_suit_manifest *m, char out[256])
{
	size_t len = (size_t)snprintf(out, 256, "%llu %d ",
	    (unsigned long long)m->sequence, m->digest.alg);
	size_t i;

	for (i = 0; i < m->digest.bytes.len && len + 3 < 256; i++, len += 2)
		snprintf(out + len, 3, "%02x", m->digest.bytes.ptr[i]);
	snprintf(out + len, 256 - len, "\n");
}

enum pst_err
cli_directory_sequence(
    struct cli_directory *d, const struct pst_suit_manifest *m)
{
	char name[NAME_CAP], want[256], have[256];
	unsigned long long sequence;
	enum pst_err err = record_name(m, name);
	ssize_t n;
	int fd;

	/* A manifest without a name of its own supersedes nothing. */
	if (err != PST_OK)
		return err == PST_ERR_NOT_FOUND ? PST_OK : err;
	fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? PST_OK : PST_ERR_STORE;
	n = read(fd, have, sizeof(have) - 1);
	close(fd);
	if (n <= 0)
		return PST_ERR_STORE_DAMAGED;
	have[n] = '\0';
	if (sscanf(have, "%llu ", &sequence) != 1)
		return PST_ERR_STORE_DAMAGED;
	record_text(m, want);
	if (m->sequence > sequence || strcmp(have, want) == 0)
		return PST_OK;
	return PST_ERR_SUIT_SEQUENCE;
}

static enum pst_err
write_record(struct cli_directory *d)
{
	char name[NAME_CAP], text[256];
	enum pst_err err = record_name(d->manifest, name);
	size_t len;
	int fd;
	bool ok;

	if (err != PST_OK)
		return err == PST_ERR_NOT_FOUND ? PST_OK : err;
	record_text(d->manifest, text);
	len = strlen(text);
	fd = openat(d->fd, PRIVATE "/record",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return PST_ERR_STORE;
	ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	close(fd);
	if (!ok || renameat(d->fd, PRIVATE "/record", d->fd, name) != 0)
		return PST_ERR_STORE;
	return PST_OK;
}

static enum pst_err
commit_one(struct cli_directory *d, uint32_t index)
{
	struct cli_directory_file *f = &d->file[index];
	char from[NAME_CAP], to[NAME_CAP];
	enum pst_err err;

	if (!f->staged && !f->deleted)
		return PST_OK;
	err = path_of(pst_suit_component(d->manifest, index), to);
	if (err == PST_OK && f->deleted)
		return unlinkat(d->fd, to, 0) == 0 || errno == ENOENT
		    ? PST_OK
		    : PST_ERR_STORE;
	staged_name(index, from);
	if (err == PST_OK)
		err = make_parents(d, to);
	if (err == PST_OK && renameat(d->fd, from, d->fd, to) != 0)
		err = PST_ERR_STORE;
	if (err == PST_OK)
		f->staged = false;
	return err;
}

enum pst_err
cli_directory_commit(struct cli_directory *d)
{
	/* The number first: a cut between the two leaves an old component
	 * that the same manifest may complete, never one that an older
	 * manifest may take back. */
	enum pst_err err = write_record(d);
	uint32_t i;

	for (i = 0; i < PST_SUIT_COMPONENTS_MAX && err == PST_OK; i++)
		err = commit_one(d, i);
	cli_directory_discard(d);
	return err;
}
