/* What a directory remembers of manifests, and how a run becomes visible. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"

#define PREFIX "manifest-"

enum { LINE = 256, RECORD_MAX = PST_SUIT_PLACES_MAX * CLI_DIRECTORY_PATH };

/* --- records -------------------------------------------------------------- */

/* One small file a manifest. */
static enum pst_err
record_name(const struct pst_suit_manifest *m, char out[CLI_DIRECTORY_PATH])
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
	snprintf(out, CLI_DIRECTORY_PATH, PREFIX "%s", text);
	return PST_OK;
}

/* Its first line: what it is. */
static void
identity(const struct pst_suit_manifest *m, char out[LINE])
{
	size_t len = (size_t)snprintf(out, LINE, "%llu %d ",
	    (unsigned long long)m->sequence, m->digest.alg);
	size_t i;

	for (i = 0; i < m->digest.bytes.len && len + 3 < LINE; i++, len += 2)
		snprintf(out + len, 3, "%02x", m->digest.bytes.ptr[i]);
	snprintf(out + len, LINE - len, "\n");
}

static FILE *
open_record(const struct cli_directory *d, const char *name)
{
	FILE *f;
	int fd;

	fd = openat(d->private_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (f == NULL)
		close(fd);
	return f;
}

enum pst_err
cli_directory_sequence(
    struct cli_directory *d, const struct pst_suit_manifest *m)
{
	char name[CLI_DIRECTORY_PATH], want[LINE], have[LINE];
	unsigned long long sequence;
	enum pst_err err = record_name(m, name);
	bool read;
	FILE *f;

	/* A manifest without a name of its own supersedes nothing. */
	if (err != PST_OK)
		return err == PST_ERR_NOT_FOUND ? PST_OK : err;
	f = open_record(d, name);
	if (f == NULL)
		return errno == ENOENT ? PST_OK : PST_ERR_STORE;
	read = fgets(have, sizeof(have), f) != NULL;
	fclose(f);
	if (!read || sscanf(have, "%llu ", &sequence) != 1)
		return PST_ERR_STORE_DAMAGED;
	identity(m, want);
	if (m->sequence > sequence || strcmp(have, want) == 0)
		return PST_OK;
	return PST_ERR_SUIT_SEQUENCE;
}

/* Is the component among the lines after the first? */
static bool
refers(const struct cli_directory *d, const char *name, const char *component)
{
	FILE *f = open_record(d, name);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool found = false, first = true;

	while (f != NULL && !found && (n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		found = !first && strcmp(line, component) == 0;
		first = false;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

static DIR *
open_private(const struct cli_directory *d)
{
	int fd = openat(d->private_fd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

enum pst_err
cli_directory_others(
    struct cli_directory *d, struct pst_bytes component, bool *others)
{
	char text[CLI_DIRECTORY_PATH], own[CLI_DIRECTORY_PATH] = "";
	enum pst_err err = cli_directory_path(component, text);
	const struct dirent *e;
	DIR *dir;

	*others = false;
	if (err != PST_OK)
		return err;
	err = record_name(d->run->root, own);
	if (err != PST_OK && err != PST_ERR_NOT_FOUND)
		return err;
	dir = open_private(d);
	if (dir == NULL)
		return PST_ERR_STORE;
	while (!*others && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    strcmp(e->d_name, own) != 0)
			*others = refers(d, e->d_name, text);
	}
	closedir(dir);
	return PST_OK;
}

/* The record of the root manifest as it will be. */
static enum pst_err
record_text(const struct cli_directory *d, bool gone, char *out, size_t cap)
{
	char path[CLI_DIRECTORY_PATH];
	enum pst_err err = PST_OK;
	size_t len;
	uint32_t i;

	identity(d->run->root, out);
	len = strlen(out);
	for (i = 0; i < d->run->place_count && err == PST_OK; i++) {
		err = cli_directory_path(pst_suit_run_place(d->run, i), path);
		if (err != PST_OK || gone || d->file[i].deleted)
			continue;
		len += (size_t)snprintf(out + len, cap - len, "%s\n", path);
		if (len >= cap)
			err = PST_ERR_LIMIT;
	}
	return err;
}

static enum pst_err
write_record(struct cli_directory *d, bool gone)
{
	static const char fresh[] = "record";
	char name[CLI_DIRECTORY_PATH];
	enum pst_err err = record_name(d->run->root, name);
	char *text;
	size_t len;
	bool ok;
	int fd;

	if (err != PST_OK)
		return err == PST_ERR_NOT_FOUND ? PST_OK : err;
	text = malloc(RECORD_MAX + LINE);
	if (text == NULL)
		return PST_ERR_STORE;
	err = record_text(d, gone, text, RECORD_MAX + LINE);
	len = strlen(text);
	fd = err == PST_OK
	    ? openat(d->private_fd, fresh,
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644)
	    : -1;
	ok = fd >= 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	free(text);
	if (err == PST_OK &&
	    (!ok || renameat(d->private_fd, fresh, d->private_fd, name) != 0))
		err = PST_ERR_STORE;
	return err;
}

/* --- commit ----------------------------------------------------------------
 */

/* Mode and time of what was written, while it is staged. */
static enum pst_err
apply_metadata(const struct cli_directory *d, uint32_t index)
{
	const struct cli_directory_metadata *f = &d->file[index].now;
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
	char name[CLI_DIRECTORY_PATH];

	cli_directory_staged(index, name);
	times[1].tv_sec = (time_t)f->mtime_s;
	if (f->has_mtime &&
	    utimensat(d->private_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return PST_ERR_STORE;
	if (f->has_mode && fchmodat(d->private_fd, name, f->mode, 0) != 0)
		return PST_ERR_STORE;
	return PST_OK;
}

/* A component that somebody else refers to stays. */
static enum pst_err
remove_one(struct cli_directory *d, uint32_t index, const char *path)
{
	bool others;
	enum pst_err err =
	    cli_directory_others(d, pst_suit_run_place(d->run, index), &others);
	const char *leaf;
	int parent;
	bool gone;

	if (err != PST_OK || others)
		return err;
	parent = cli_directory_parent(d, path, false, &leaf);
	if (parent < 0)
		return errno == ENOENT ? PST_OK : PST_ERR_STORE;
	gone = unlinkat(parent, leaf, 0) == 0 || errno == ENOENT;
	close(parent);
	return gone ? PST_OK : PST_ERR_STORE;
}

/* A link that has the component's name is replaced. */
static enum pst_err
move_in(struct cli_directory *d, const char *from, const char *path)
{
	const char *leaf;
	int parent = cli_directory_parent(d, path, true, &leaf);
	bool moved;

	if (parent < 0)
		return PST_ERR_STORE;
	moved = renameat(d->private_fd, from, parent, leaf) == 0;
	close(parent);
	return moved ? PST_OK : PST_ERR_STORE;
}

static enum pst_err
commit_one(struct cli_directory *d, uint32_t index)
{
	struct cli_directory_file *f = &d->file[index];
	char from[CLI_DIRECTORY_PATH], to[CLI_DIRECTORY_PATH];
	enum pst_err err;

	if (!f->staged && !f->deleted)
		return PST_OK;
	err = cli_directory_path(pst_suit_run_place(d->run, index), to);
	if (err == PST_OK && f->deleted)
		return remove_one(d, index, to);
	cli_directory_staged(index, from);
	if (err == PST_OK)
		err = apply_metadata(d, index);
	if (err == PST_OK)
		err = move_in(d, from, to);
	if (err == PST_OK)
		f->staged = false;
	return err;
}

/* What has no place to go to is found out before anything is changed. */
static enum pst_err
make_parents(struct cli_directory *d)
{
	char path[CLI_DIRECTORY_PATH];
	const char *leaf;
	enum pst_err err = PST_OK;
	uint32_t i;
	int fd;

	for (i = 0; i < d->run->place_count && err == PST_OK; i++) {
		if (!d->file[i].staged)
			continue;
		err = cli_directory_path(pst_suit_run_place(d->run, i), path);
		if (err != PST_OK)
			break;
		fd = cli_directory_parent(d, path, true, &leaf);
		if (fd < 0)
			err = PST_ERR_STORE;
		else
			close(fd);
	}
	return err;
}

enum pst_err
cli_directory_commit(struct cli_directory *d, bool gone)
{
	enum pst_err err = make_parents(d);
	uint32_t i;

	/* The number first: a cut between the two leaves an old component
	 * that the same manifest may complete, never one that an older
	 * manifest may take back. */
	if (err == PST_OK)
		err = write_record(d, gone);
	for (i = 0; i < d->run->place_count && err == PST_OK; i++)
		err = commit_one(d, i);
	cli_directory_discard(d);
	return err;
}
