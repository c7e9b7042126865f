/*
 * Durability, in order: an object's bytes are synced by object_finish, and so
 * is the directory that names it; only then may a registry that names it be
 * committed. Nothing here repairs: a registry that does not check is reported
 * as damaged and stays as it is.
 */
#include "posix.h"
#include "posix_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* magic, generation (8), length (8), SHA-256 of these and the content */
#define MAGIC "PSTREG01"
#define FIELDS 24
#define HEADER (FIELDS + 32)
#define OBJECT_NAME 17

static void
put64(uint8_t *to, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--) {
		to[i] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t
get64(const uint8_t *from)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | from[i];
	return v;
}

static enum pst_err
digest(struct pst_bytes fields, struct pst_bytes content, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	if (ctx == NULL)
		return PST_ERR_CRYPTO;
	good = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, fields.ptr, fields.len) == 1 &&
	    EVP_DigestUpdate(ctx, content.ptr, content.len) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? PST_OK : PST_ERR_CRYPTO;
}

/* --- registry ------------------------------------------------------------ */

static enum pst_err
read_fully(int fd, uint8_t *to, size_t len)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = read(fd, to + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PST_ERR_STORE;
		if (n == 0)
			return PST_ERR_STORE_DAMAGED;
		at += (size_t)n;
	}
	return PST_OK;
}

/* Checks everything but the digest; *len is the content's size. */
static enum pst_err
read_header(int fd, uint8_t header[HEADER], uint64_t *len)
{
	struct stat st;
	enum pst_err err;

	err = read_fully(fd, header, HEADER);
	if (err != PST_OK)
		return err;
	if (fstat(fd, &st) != 0)
		return PST_ERR_STORE;
	*len = get64(header + 16);
	if (memcmp(header, MAGIC, 8) != 0 || get64(header + 8) == 0 ||
	    *len != (uint64_t)st.st_size - HEADER)
		return PST_ERR_STORE_DAMAGED;
	return PST_OK;
}

static enum pst_err
read_registry(int fd, uint8_t *buf, size_t cap, size_t *len, uint64_t *gen)
{
	uint8_t header[HEADER], sum[32];
	uint64_t size;
	enum pst_err err;

	err = read_header(fd, header, &size);
	if (err != PST_OK)
		return err;
	if (size > cap)
		return PST_ERR_SPACE;
	err = read_fully(fd, buf, (size_t)size);
	if (err == PST_OK)
		err = digest((struct pst_bytes){ header, FIELDS },
		    (struct pst_bytes){ buf, (size_t)size }, sum);
	if (err != PST_OK)
		return err;
	if (memcmp(sum, header + FIELDS, sizeof(sum)) != 0)
		return PST_ERR_STORE_DAMAGED;
	*len = (size_t)size;
	*gen = get64(header + 8);
	return PST_OK;
}

static enum pst_err
load(void *ctx, uint8_t *buf, size_t cap, size_t *len)
{
	struct pst_posix_store *s = ctx;
	enum pst_err err;
	int fd;

	*len = 0;
	fd = openat(s->dir, "registry", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return PST_OK;
	if (fd < 0)
		return PST_ERR_STORE;
	err = read_registry(fd, buf, cap, len, &s->generation);
	close(fd);
	if (err != PST_OK && err != PST_ERR_SPACE && cap > 0)
		memset(buf, 0, cap);
	return err;
}

/* The generation of a registry that this process has not loaded. */
static enum pst_err
find_generation(struct pst_posix_store *s)
{
	uint8_t header[HEADER];
	uint64_t len;
	enum pst_err err;
	int fd;

	fd = openat(s->dir, "registry", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? PST_OK : PST_ERR_STORE;
	err = read_header(fd, header, &len);
	close(fd);
	if (err == PST_OK)
		s->generation = get64(header + 8);
	/* A damaged one may be replaced; load is who reports it. */
	return err == PST_ERR_STORE_DAMAGED ? PST_OK : err;
}

static enum pst_err
commit(void *ctx, struct pst_bytes registry)
{
	struct pst_posix_store *s = ctx;
	uint8_t header[HEADER];
	struct pst_bytes parts[2] = { { header, HEADER }, registry };
	enum pst_err err;

	if (s->generation == UINT64_MAX)
		return PST_ERR_LIMIT;
	memcpy(header, MAGIC, 8);
	put64(header + 8, s->generation + 1);
	put64(header + 16, registry.len);
	err = digest(
	    (struct pst_bytes){ header, FIELDS }, registry, header + FIELDS);
	if (err == PST_OK)
		err = pst_posix_replace(s->dir, "registry", 0600, parts, 2);
	if (err == PST_OK)
		s->generation++;
	return err;
}

/* --- objects ------------------------------------------------------------- */

static void
object_name(uint64_t id, char name[OBJECT_NAME])
{
	snprintf(name, OBJECT_NAME, "%016" PRIx64, id);
}

/* Exactly what object_name writes; anything else in the folder is not ours. */
static bool
object_id(const char *name, uint64_t *id)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < OBJECT_NAME - 1; i++) {
		if (name[i] >= '0' && name[i] <= '9')
			v = v << 4 | (uint64_t)(name[i] - '0');
		else if (name[i] >= 'a' && name[i] <= 'f')
			v = v << 4 | (uint64_t)(name[i] - 'a' + 10);
		else
			return false;
	}
	*id = v;
	return name[i] == '\0';
}

static void
append_end(struct pst_posix_store *s)
{
	if (s->append >= 0)
		close(s->append);
	s->append = -1;
}

static enum pst_err
append_begin(struct pst_posix_store *s, uint64_t id, int flags)
{
	char name[OBJECT_NAME];

	append_end(s);
	object_name(id, name);
	s->append = openat(s->objects, name,
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (s->append < 0)
		return errno == ENOENT ? PST_ERR_NOT_FOUND : pst_posix_errno();
	s->append_id = id;
	return PST_OK;
}

static enum pst_err
object_remove(void *ctx, uint64_t id)
{
	struct pst_posix_store *s = ctx;
	char name[OBJECT_NAME];

	if (s->append >= 0 && s->append_id == id)
		append_end(s);
	object_name(id, name);
	if (unlinkat(s->objects, name, 0) != 0 && errno != ENOENT)
		return PST_ERR_STORE;
	return PST_OK;
}

static enum pst_err
object_create(void *ctx, uint64_t id)
{
	enum pst_err err = object_remove(ctx, id);

	return err != PST_OK ? err : append_begin(ctx, id, O_CREAT | O_EXCL);
}

static enum pst_err
object_append(void *ctx, uint64_t id, struct pst_bytes chunk)
{
	struct pst_posix_store *s = ctx;
	struct stat st;
	enum pst_err err;

	if (s->append < 0 || s->append_id != id) {
		err = append_begin(s, id, 0);
		if (err != PST_OK)
			return err;
	}
	if (fstat(s->append, &st) != 0)
		return PST_ERR_STORE;
	err = pst_posix_write(s->append, chunk);
	if (err != PST_OK && ftruncate(s->append, st.st_size) != 0)
		return PST_ERR_STORE;
	return err;
}

static enum pst_err
object_finish(void *ctx, uint64_t id)
{
	struct pst_posix_store *s = ctx;
	enum pst_err err = PST_OK;

	if (s->append < 0 || s->append_id != id)
		err = append_begin(s, id, 0);
	if (err != PST_OK)
		return err;
	if (fsync(s->append) != 0 || fsync(s->objects) != 0)
		err = pst_posix_errno();
	append_end(s);
	return err;
}

static enum pst_err
object_open(const struct pst_posix_store *s, uint64_t id, int *fd)
{
	char name[OBJECT_NAME];

	object_name(id, name);
	*fd = openat(s->objects, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return errno == ENOENT ? PST_ERR_NOT_FOUND : PST_ERR_STORE;
	return PST_OK;
}

static enum pst_err
object_read(
    void *ctx, uint64_t id, uint64_t at, uint8_t *out, size_t cap, size_t *len)
{
	enum pst_err err;
	ssize_t n;
	int fd;

	*len = 0;
	err = object_open(ctx, id, &fd);
	if (err != PST_OK)
		return err;
	if (at > INT64_MAX) {
		close(fd);
		return PST_OK;
	}
	do {
		n = pread(fd, out, cap, (off_t)at);
	} while (n < 0 && errno == EINTR);
	close(fd);
	if (n < 0)
		return PST_ERR_STORE;
	*len = (size_t)n;
	return PST_OK;
}

static enum pst_err
object_size(void *ctx, uint64_t id, uint64_t *bytes)
{
	struct stat st;
	enum pst_err err;
	int fd;

	*bytes = 0;
	err = object_open(ctx, id, &fd);
	if (err != PST_OK)
		return err;
	err = fstat(fd, &st) == 0 ? PST_OK : PST_ERR_STORE;
	close(fd);
	if (err == PST_OK)
		*bytes = (uint64_t)st.st_size;
	return err;
}

static enum pst_err
object_next(void *ctx, uint64_t *id)
{
	struct pst_posix_store *s = ctx;
	uint64_t one, best = 0;
	bool found = false;
	struct dirent *e;
	DIR *d;
	int fd;

	fd = openat(s->objects, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return PST_ERR_STORE;
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return PST_ERR_STORE;
	}
	errno = 0;
	while ((e = readdir(d)) != NULL) {
		if (!object_id(e->d_name, &one) || one < *id)
			continue;
		if (!found || one < best)
			best = one;
		found = true;
	}
	fd = errno;
	closedir(d);
	if (fd != 0)
		return PST_ERR_STORE;
	if (found)
		*id = best;
	return found ? PST_OK : PST_ERR_NOT_FOUND;
}

/* --- opening ------------------------------------------------------------- */

static enum pst_err
open_dir(int at, const char *name, int *fd)
{
	struct stat st;

	if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
		return PST_ERR_STORE;
	*fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return PST_ERR_STORE;
	/* Whoever owns the folder can replace what is in it. */
	if (fstat(*fd, &st) != 0 || st.st_uid != geteuid())
		return PST_ERR_STORE;
	if ((st.st_mode & 07777) != 0700 && fchmod(*fd, 0700) != 0)
		return PST_ERR_STORE;
	return PST_OK;
}

static enum pst_err
take_lock(struct pst_posix_store *s)
{
	s->lock = openat(
	    s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return PST_ERR_STORE;
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return PST_OK;
	return errno == EWOULDBLOCK ? PST_ERR_BUSY : PST_ERR_STORE;
}

enum pst_err
pst_posix_store_open(struct pst_posix_store *s, const char *dir)
{
	enum pst_err err;

	memset(s, 0, sizeof(*s));
	s->dir = s->objects = s->lock = s->append = -1;
	if (strlen(dir) >= PST_POSIX_PATH_MAX)
		return PST_ERR_ARG;
	err = open_dir(AT_FDCWD, dir, &s->dir);
	if (err == PST_OK)
		err = take_lock(s);
	if (err == PST_OK)
		err = open_dir(s->dir, "objects", &s->objects);
	if (err == PST_OK)
		err = find_generation(s);
	if (err != PST_OK)
		pst_posix_store_close(s);
	return err;
}

void
pst_posix_store_close(struct pst_posix_store *s)
{
	int *fds[] = { &s->append, &s->objects, &s->lock, &s->dir };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

void
pst_posix_store_port(struct pst_posix_store *s, struct pst_store *out)
{
	*out = (struct pst_store){
		.ctx = s,
		.load = load,
		.commit = commit,
		.object_create = object_create,
		.object_append = object_append,
		.object_finish = object_finish,
		.object_read = object_read,
		.object_size = object_size,
		.object_remove = object_remove,
		.object_next = object_next,
	};
}
