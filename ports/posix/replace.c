#include "posix.h"
#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum pst_err
pst_posix_errno(void)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return PST_ERR_STORE_FULL;
	return PST_ERR_STORE;
}

enum pst_err
pst_posix_write(int fd, struct pst_bytes b)
{
	size_t at = 0;
	ssize_t n;

	while (at < b.len) {
		n = write(fd, b.ptr + at, b.len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pst_posix_errno();
		at += (size_t)n;
	}
	return PST_OK;
}

static enum pst_err
write_durably(int fd, const struct pst_bytes *parts, size_t count)
{
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; i < count && err == PST_OK; i++)
		err = pst_posix_write(fd, parts[i]);
	if (err == PST_OK && fsync(fd) != 0)
		err = pst_posix_errno();
	return err;
}

enum pst_err
pst_posix_replace(int dir, const char *name, unsigned mode,
    const struct pst_bytes *parts, size_t count)
{
	char temp[256];
	enum pst_err err;
	int fd, n;

	n = snprintf(temp, sizeof(temp), "%s.new", name);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return PST_ERR_ARG;
	/* What a cut left of an earlier attempt may have another mode. */
	if (unlinkat(dir, temp, 0) != 0 && errno != ENOENT)
		return pst_posix_errno();
	fd = openat(
	    dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return pst_posix_errno();
	err = write_durably(fd, parts, count);
	if (close(fd) != 0 && err == PST_OK)
		err = pst_posix_errno();
	if (err == PST_OK && renameat(dir, temp, dir, name) != 0)
		err = pst_posix_errno();
	if (err != PST_OK) {
		(void)unlinkat(dir, temp, 0);
		return err;
	}
	return fsync(dir) == 0 ? PST_OK : pst_posix_errno();
}
