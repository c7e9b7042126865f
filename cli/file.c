/* Files, operands and values of options. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "diag/component.h"

enum { FIRST_CAP = 65536 };

/* Read to the end or to one byte more than max. */
static bool
read_all(FILE *f, size_t max, struct cli_file *out)
{
	size_t cap = 0;
	uint8_t *grown;

	do {
		if (cap - out->len < 2) {
			cap = cap > 0 ? cap * 2 : FIRST_CAP;
			grown = realloc(out->ptr, cap);
			if (grown == NULL)
				return false;
			out->ptr = grown;
		}
		out->len +=
		    fread(out->ptr + out->len, 1, cap - out->len - 1, f);
	} while (!feof(f) && !ferror(f) && out->len <= max);
	out->ptr[out->len] = 0;
	return !ferror(f);
}

int
cli_read(const char *path, size_t max, struct cli_file *out)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	FILE *f = standard ? stdin : fopen(path, "rb");
	int saved;
	bool ok;

	*out = (struct cli_file){ NULL, 0 };
	if (f == NULL)
		return cli_fail("%s: %s", name, strerror(errno));
	errno = 0;
	ok = read_all(f, max, out);
	saved = errno;
	if (!standard)
		fclose(f);
	if (ok && out->len <= max)
		return CLI_DONE;
	cli_file_free(out);
	if (!ok)
		return cli_fail("%s: %s", name, strerror(saved));
	return cli_fail("%s: larger than %zu bytes", name, max);
}

void
cli_file_free(struct cli_file *f)
{
	/* It may have been a key. */
	if (f->ptr != NULL)
		pst_wipe(f->ptr, f->len);
	free(f->ptr);
	*f = (struct cli_file){ NULL, 0 };
}

struct pst_bytes
cli_bytes(const struct cli_file *f)
{
	return (struct pst_bytes){ f->ptr, f->len };
}

struct pst_bytes
cli_text(const char *text)
{
	return (struct pst_bytes){ (const uint8_t *)text, strlen(text) };
}

static bool
write_all(int fd, struct pst_bytes b)
{
	ssize_t n;

	while (b.len > 0) {
		n = write(fd, b.ptr, b.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b.ptr += n;
		b.len -= (size_t)n;
	}
	return true;
}

static bool
is_text(struct pst_bytes b)
{
	size_t i;

	for (i = 0; i < b.len; i++) {
		if (b.ptr[i] > '~' || (b.ptr[i] < ' ' && b.ptr[i] != '\n'))
			return false;
	}
	return true;
}

/* A device, a pipe or a socket: to write to, not to put a file in its place. */
static bool
is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode);
}

static int
write_special(const char *path, struct pst_bytes content)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int saved;
	bool ok = fd >= 0 && write_all(fd, content);

	saved = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		saved = errno;
		ok = false;
	}
	return ok ? CLI_DONE : cli_fail("%s: %s", path, strerror(saved));
}

int
cli_write(const char *path, struct pst_bytes content, unsigned int mode)
{
	char *temporary = NULL;
	int fd, saved;
	bool ok;

	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO) && !is_text(content))
			return cli_fail("this is no text for a terminal; name "
					"a file or redirect");
		fwrite(content.ptr, 1, content.len, stdout);
		return CLI_DONE;
	}
	if (is_special(path))
		return write_special(path, content);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return cli_fail("%s: no memory", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		saved = errno;
		free(temporary);
		return cli_fail("%s: %s", path, strerror(saved));
	}
	ok = fchmod(fd, mode) == 0 && write_all(fd, content) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && rename(temporary, path) == 0;
	saved = errno;
	if (!ok)
		unlink(temporary);
	free(temporary);
	if (!ok)
		return cli_fail("%s: %s", path, strerror(saved));
	return CLI_DONE;
}

int
cli_must_not_exist(const char *path, bool force)
{
	struct stat st;

	if (strcmp(path, "-") == 0 || lstat(path, &st) != 0)
		return CLI_DONE;
	if (is_special(path))
		return cli_fail("%s is no regular file", path);
	if (force)
		return CLI_DONE;
	return cli_fail("%s exists; --force overwrites it", path);
}

int
cli_output_open(
    struct cli_output *o, const char *path, unsigned int mode, bool force)
{
	int saved, status = cli_must_not_exist(path, force);

	*o = (struct cli_output){ path, NULL, STDOUT_FILENO, force };
	if (status != CLI_DONE)
		return status;
	if (strcmp(path, "-") == 0)
		return isatty(STDOUT_FILENO)
		    ? cli_fail("this is no text for a terminal; name a file "
			       "or redirect")
		    : CLI_DONE;
	if (asprintf(&o->temporary, "%s.XXXXXX", path) < 0) {
		o->temporary = NULL;
		return cli_fail("%s: no memory", path);
	}
	o->fd = mkostemp(o->temporary, O_CLOEXEC);
	if (o->fd >= 0 && fchmod(o->fd, mode) == 0)
		return CLI_DONE;
	saved = errno;
	if (o->fd >= 0)
		cli_output_abandon(o);
	free(o->temporary);
	o->temporary = NULL;
	return cli_fail("%s: %s", path, strerror(saved));
}

bool
cli_output_write(void *output, struct pst_bytes chunk)
{
	const struct cli_output *o = output;

	return write_all(o->fd, chunk);
}

int
cli_output_commit(struct cli_output *o)
{
	unsigned int how = o->force ? 0 : RENAME_NOREPLACE;
	int saved;
	bool ok;

	if (o->temporary == NULL)
		return CLI_DONE;
	ok = fsync(o->fd) == 0;
	ok = close(o->fd) == 0 && ok;
	o->fd = -1;
	ok = ok &&
	    renameat2(AT_FDCWD, o->temporary, AT_FDCWD, o->path, how) == 0;
	saved = errno;
	if (ok) {
		free(o->temporary);
		o->temporary = NULL;
		return CLI_DONE;
	}
	cli_output_abandon(o);
	return cli_fail("%s: %s", o->path, strerror(saved));
}

void
cli_output_abandon(struct cli_output *o)
{
	if (o->temporary == NULL)
		return;
	if (o->fd >= 0)
		close(o->fd);
	unlink(o->temporary);
	free(o->temporary);
	o->temporary = NULL;
}

int
cli_operands(int argc, char **argv, int at, int from, int to)
{
	int n = argc - at;

	if (n < from)
		return cli_usage(argv[0], "too few arguments");
	if (n > to)
		return cli_usage(
		    argv[0], "too many arguments: %s", argv[at + to]);
	return CLI_DONE;
}

bool
cli_hex(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	size_t digits = strlen(text);

	*len = digits / 2;
	return *len <= cap && pst_hex_parse(text, digits, out);
}
