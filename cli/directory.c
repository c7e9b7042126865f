#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "diag/diag.h"

/*
 * The path of a component under the root: its text, a directory an element.
 * Elements that mean something to a file system are refused rather than
 * rewritten: a tool that puts them elsewhere would hide what they are.
 */
enum pst_err
cli_directory_path(struct pst_bytes id, char out[CLI_DIRECTORY_PATH])
{
	const char *p;
	size_t n;

	if (pst_component_print(id, out, CLI_DIRECTORY_PATH) != PST_OK)
		return PST_ERR_SUIT_COMPONENT;
	for (p = out;; p += n + 1) {
		n = strcspn(p, "/");
		if (n == 0 || n > 255 || p[0] == '.')
			return PST_ERR_SUIT_COMPONENT;
		if (p[n] == '\0')
			return PST_OK;
	}
}

/* Open one more directory and close the one before; -1 with errno. */
static int
descend(int fd, const char *name, bool make)
{
	int next = -1, why;

	if (!make || mkdirat(fd, name, 0755) == 0 || errno == EEXIST)
		next = openat(
		    fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	why = errno;
	close(fd);
	errno = why;
	return next;
}

static void
tell_not_followed(struct cli_directory *d, const char *path)
{
	if ((errno != ENOTDIR && errno != ELOOP) || d->told)
		return;
	d->told = true;
	(void)cli_fail("%s/%s: a link, or no directory: it is not followed",
	    d->root, path);
}

int
cli_directory_parent(
    struct cli_directory *d, const char *path, bool make, const char **leaf)
{
	char name[CLI_DIRECTORY_PATH];
	const char *p, *end;
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);

	for (p = path; fd >= 0 && (end = strchr(p, '/')) != NULL; p = end + 1) {
		memcpy(name, p, (size_t)(end - p));
		name[end - p] = '\0';
		fd = descend(fd, name, make);
	}
	if (fd < 0)
		tell_not_followed(d, path);
	*leaf = p;
	return fd;
}

void
cli_directory_staged(uint32_t index, char out[CLI_DIRECTORY_PATH])
{
	snprintf(out, CLI_DIRECTORY_PATH, "staged-%u", index);
}

/* --- what the interpreter asks ------------------------------------------ */

/* While it is not. */
static void
growing(uint32_t index, char out[CLI_DIRECTORY_PATH])
{
	snprintf(out, CLI_DIRECTORY_PATH, "new-%u", index);
}

static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, struct pst_suit_act act)
{
	char path[CLI_DIRECTORY_PATH];

	(void)ctx;
	(void)m;
	(void)act;
	return cli_directory_path(component, path);
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

static const struct cli_directory_fact *
fact(const struct cli_directory_fact *list, size_t count, struct pst_bytes id)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (list[i].id_len == id.len &&
		    memcmp(list[i].id, id.ptr, id.len) == 0)
			return &list[i];
	}
	return NULL;
}

static enum pst_err
slot(void *ctx, struct pst_bytes component, uint64_t number)
{
	const struct cli_directory *d = ctx;
	const struct cli_directory_fact *f =
	    fact(d->slot, d->slot_count, component);

	return number == (f != NULL ? f->slot : 0) ? PST_OK
						   : PST_ERR_SUIT_CONDITION;
}

static struct cli_directory_file *
file_of(struct cli_directory *d, uint32_t index)
{
	return index < PST_SUIT_PLACES_MAX ? &d->file[index] : NULL;
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
	static const struct cli_directory_metadata none;
	struct cli_directory *d = ctx;
	struct cli_directory_file *f = file_of(d, index);
	char name[CLI_DIRECTORY_PATH];

	(void)component;
	(void)size_bytes;
	if (f == NULL)
		return PST_ERR_LIMIT;
	close_file(f);
	if (!f->next_set)
		f->next = none;
	f->next_set = false;
	growing(index, name);
	f->fd = openat(d->private_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	f->touched |= f->fd >= 0;
	return f->fd >= 0 ? PST_OK : PST_ERR_STORE;
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
	char from[CLI_DIRECTORY_PATH], to[CLI_DIRECTORY_PATH];
	struct cli_directory *d = ctx;
	struct cli_directory_file *f = file_of(d, index);
	bool synced;

	if (f == NULL || f->fd < 0)
		return PST_ERR_STATE;
	synced = fsync(f->fd) == 0;
	close_file(f);
	growing(index, from);
	cli_directory_staged(index, to);
	if (!synced || renameat(d->private_fd, from, d->private_fd, to) != 0)
		return PST_ERR_STORE;
	f->staged = true;
	f->deleted = false;
	f->now = f->next;
	return PST_OK;
}

static int
open_content(struct cli_directory *d, uint32_t index, struct pst_bytes id)
{
	const struct cli_directory_file *f = file_of(d, index);
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
	char name[CLI_DIRECTORY_PATH];
	const char *leaf;
	int parent, fd;

	if (f == NULL || f->deleted || cli_directory_path(id, name) != PST_OK)
		return -1;
	if (f->staged) {
		cli_directory_staged(index, name);
		return openat(d->private_fd, name, flags);
	}
	parent = cli_directory_parent(d, name, false, &leaf);
	if (parent < 0)
		return -1;
	fd = openat(parent, leaf, flags);
	if (fd < 0)
		tell_not_followed(d, name);
	close(parent);
	return fd;
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

/* The file of a place by its identifier. */
static struct cli_directory_file *
file_named(struct cli_directory *d, struct pst_bytes component)
{
	struct pst_bytes id;
	uint32_t i;

	for (i = 0; i < d->run->place_count; i++) {
		id = pst_suit_run_place(d->run, i);
		if (id.len == component.len &&
		    memcmp(id.ptr, component.ptr, id.len) == 0)
			return file_of(d, i);
	}
	return NULL;
}

static enum pst_err
unlink_component(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes component)
{
	struct cli_directory_file *f = file_named(ctx, component);

	(void)m;
	if (f == NULL)
		return PST_ERR_SUIT_COMPONENT;
	close_file(f);
	f->staged = false;
	f->deleted = true;
	return PST_OK;
}

static enum pst_err
references(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes component, bool *others)
{
	(void)m;
	return cli_directory_others(ctx, component, others);
}

/* --- swap ---------------------------------------------------------------- */

static bool
copy_bytes(int from, int to)
{
	uint8_t buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t)n) != n)
			return false;
	}
	return n == 0 && fsync(to) == 0;
}

/* Have a component's content staged, as it is now; PST_ERR_NOT_FOUND when it
 * has none. */
static enum pst_err
stage(struct cli_directory *d, uint32_t index, struct pst_bytes component)
{
	struct cli_directory_file *f = file_of(d, index);
	char name[CLI_DIRECTORY_PATH];
	int from, to;
	bool ok;

	if (f == NULL)
		return PST_ERR_LIMIT;
	if (f->staged)
		return PST_OK;
	from = open_content(d, index, component);
	if (from < 0)
		return PST_ERR_NOT_FOUND;
	cli_directory_staged(index, name);
	to = openat(d->private_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	ok = to >= 0 && copy_bytes(from, to);
	close(from);
	if (to >= 0)
		close(to);
	f->staged = to >= 0;
	return ok ? PST_OK : PST_ERR_STORE;
}

static enum pst_err
rename_staged(const struct cli_directory *d, uint32_t from, uint32_t to)
{
	char a[CLI_DIRECTORY_PATH], b[CLI_DIRECTORY_PATH];

	cli_directory_staged(from, a);
	cli_directory_staged(to, b);
	return renameat(d->private_fd, a, d->private_fd, b) == 0
	    ? PST_OK
	    : PST_ERR_STORE;
}

/* A component without content gets the other's, which then has none. */
static enum pst_err
swap(void *ctx, uint32_t index, struct pst_bytes component,
    uint32_t source_index, struct pst_bytes source)
{
	const uint32_t between = PST_SUIT_PLACES_MAX;
	struct cli_directory *d = ctx;
	struct cli_directory_file *a = file_of(d, index),
				  *b = file_of(d, source_index), kept;
	enum pst_err err = stage(d, source_index, source);
	enum pst_err other;

	if (err != PST_OK)
		return err;
	other = stage(d, index, component);
	if (other != PST_OK && other != PST_ERR_NOT_FOUND)
		return other;
	if (other == PST_OK)
		err = rename_staged(d, index, between);
	if (err == PST_OK)
		err = rename_staged(d, source_index, index);
	if (err == PST_OK && other == PST_OK)
		err = rename_staged(d, between, source_index);
	kept = *a;
	*a = *b;
	*b = kept;
	a->staged = true;
	a->deleted = false;
	b->staged = other == PST_OK;
	b->deleted = !b->staged;
	a->touched = b->touched = true;
	return err;
}

/* --- metadata --------------------------------------------------------------
 */

/*
 * What a directory can do of suit-meta-default-permissions: read, write and
 * execute, for everybody alike. Reading attributes and permissions goes
 * without saying.
 */
static enum pst_err
permissions(struct cli_directory_metadata *f, uint64_t bits)
{
	const uint64_t implied = 1u << 4 | 1u << 5 | 1u << 12;

	if ((bits & ~(implied | 7u)) != 0)
		return PST_ERR_SUIT_PARAMETER;
	f->mode = (bits & 1 ? 0111 : 0) | (bits & 2 ? 0222 : 0) |
	    (bits & 4 ? 0444 : 0);
	f->has_mode = true;
	return PST_OK;
}

/* Users, groups, roles and creation times have no meaning here: what asks for
 * them is refused rather than forgotten. */
static enum pst_err
one_metadata(
    struct cli_directory_metadata *f, struct pst_cbor_reader *r, int64_t label)
{
	switch (label) {
	case 1:
		return permissions(f, pst_cbor_uint(r, UINT64_MAX));
	case 5:
		return pst_cbor_uint(r, 3) == 1 ? PST_OK
						: PST_ERR_SUIT_PARAMETER;
	case 6:
		(void)pst_cbor_tag(r);
		f->mtime_s = pst_cbor_uint(r, INT32_MAX);
		f->has_mtime = true;
		return PST_OK;
	default:
		return PST_ERR_SUIT_PARAMETER;
	}
}

static enum pst_err
metadata(void *ctx, uint32_t index, struct pst_bytes component,
    struct pst_bytes encoded)
{
	static const struct cli_directory_metadata none;
	struct cli_directory_file *f = file_of(ctx, index);
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err = PST_OK;
	size_t n;

	(void)component;
	if (f == NULL)
		return PST_ERR_LIMIT;
	f->next = none;
	f->next_set = true;
	pst_cbor_reader_init(&r, encoded);
	n = pst_cbor_map(&r, 16, &seen);
	while (n-- > 0 && pst_cbor_ok(&r) && err == PST_OK)
		err = one_metadata(&f->next, &r, pst_cbor_key(&r, &seen));
	return err == PST_OK ? pst_cbor_end(&r) : err;
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
	const struct cli_directory_fact *v =
	    fact(d->version, d->version_count, component);

	if (v == NULL)
		return PST_ERR_NOT_FOUND;
	*out = (struct pst_bytes){ v->version, v->len };
	return PST_OK;
}

static enum pst_err
state(bool known, int64_t is, struct pst_bytes value)
{
	struct pst_cbor_reader r;
	int64_t wanted;

	pst_cbor_reader_init(&r, value);
	wanted = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
	if (!known || pst_cbor_end(&r) != PST_OK)
		return PST_ERR_UNSUPPORTED;
	return wanted == is ? PST_OK : PST_ERR_AGAIN;
}

/* [device, [+version match]] */
static enum pst_err
other_device(const struct cli_directory *d, struct pst_bytes value)
{
	const struct cli_directory_fact *f;
	struct pst_cbor_reader r;
	struct pst_bytes version_of;
	enum pst_err err = PST_OK;
	size_t n;

	pst_cbor_reader_init(&r, value);
	(void)pst_cbor_array(&r, 2, 2);
	f = fact(d->other, d->other_count, pst_cbor_bstr(&r, 0, SIZE_MAX));
	if (f == NULL)
		return PST_ERR_UNSUPPORTED;
	version_of = (struct pst_bytes){ f->version, f->len };
	n = pst_cbor_array(&r, 1, PST_SUIT_COMPONENTS_MAX);
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(&r))
		err = pst_suit_version_compare(pst_cbor_item(&r), version_of);
	return err == PST_ERR_SUIT_CONDITION ? PST_ERR_AGAIN : err;
}

/* Beside times in UTC, which are the clock's. Nothing changes while one
 * waits: an event has come, or it does not. */
static enum pst_err
wait_event(void *ctx, struct pst_bytes component, enum pst_suit_event event,
    struct pst_bytes value)
{
	const struct cli_directory *d = ctx;

	(void)component;
	switch (event) {
	case PST_SUIT_EVENT_AUTHORIZATION:
		if (!d->has_authorized)
			return PST_ERR_UNSUPPORTED;
		return d->authorized ? PST_OK : PST_ERR_AGAIN;
	case PST_SUIT_EVENT_POWER:
		return state(d->has_power, d->power, value);
	case PST_SUIT_EVENT_NETWORK:
		return state(d->has_network, d->network, value);
	case PST_SUIT_EVENT_OTHER_DEVICE_VERSION:
		return other_device(d, value);
	default:
		return PST_ERR_UNSUPPORTED;
	}
}

/* Nothing runs here: it is told what would. */
static enum pst_err
invoke(void *ctx, struct pst_bytes component, struct pst_bytes args)
{
	char text[PST_COMPONENT_TEXT_MAX];
	enum pst_err err = pst_component_print(component, text, sizeof(text));

	(void)ctx;
	if (err != PST_OK)
		return err;
	fprintf(stderr, "postern: a device would invoke %s", text);
	if (args.len > 0)
		fputs(" with ", stderr);
	pst_print_safe(stderr, args);
	fputc('\n', stderr);
	return PST_OK;
}

/* --- begin and end ------------------------------------------------------ */

int
cli_directory_open(struct cli_directory *d, const char *root)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->root = root;
	d->fd = d->private_fd = -1;
	for (i = 0; i < PST_SUIT_PLACES_MAX; i++)
		d->file[i].fd = -1;
	if (mkdir(root, 0755) != 0 && errno != EEXIST)
		return cli_fail("%s: %s", root, strerror(errno));
	d->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return cli_fail("%s: %s", root, strerror(errno));
	if (mkdirat(d->fd, CLI_DIRECTORY_PRIVATE, 0755) == 0 || errno == EEXIST)
		d->private_fd = openat(d->fd, CLI_DIRECTORY_PRIVATE,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->private_fd < 0)
		return cli_fail(
		    "%s/%s: %s", root, CLI_DIRECTORY_PRIVATE, strerror(errno));
	d->host = (struct pst_suit_host){ .ctx = d,
		.authorise = authorise,
		.identify = identify,
		.slot = slot,
		.write_begin = write_begin,
		.write = write_chunk,
		.write_end = write_end,
		.read = read_content,
		.unlink = unlink_component,
		.references = references,
		.invoke = invoke,
		.metadata = metadata,
		.swap = swap,
		.now = now,
		.version = version,
		.wait = wait_event };
	return CLI_DONE;
}

void
cli_directory_close(struct cli_directory *d)
{
	if (d->private_fd >= 0) {
		cli_directory_discard(d);
		close(d->private_fd);
	}
	if (d->fd >= 0)
		close(d->fd);
	d->fd = d->private_fd = -1;
}

void
cli_directory_begin(struct cli_directory *d, const struct pst_suit_run *run)
{
	cli_directory_discard(d);
	d->run = run;
	d->host.battery = d->has_battery ? battery : NULL;
	d->host.authorized = d->has_authorized ? authorized : NULL;
}

void
cli_directory_discard(struct cli_directory *d)
{
	char name[CLI_DIRECTORY_PATH];
	uint32_t i;

	for (i = 0; i < PST_SUIT_PLACES_MAX; i++) {
		close_file(&d->file[i]);
		cli_directory_staged(i, name);
		if (d->file[i].staged)
			unlinkat(d->private_fd, name, 0);
		growing(i, name);
		if (d->file[i].touched)
			unlinkat(d->private_fd, name, 0);
		d->file[i] = (struct cli_directory_file){ .fd = -1 };
	}
}
