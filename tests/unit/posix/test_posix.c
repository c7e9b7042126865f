#include "posix.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char top[64];
static int serial;

/* A fresh place for a store; cleaned up at the end of main. */
static const char *
place(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%d", top, serial++);
	return path;
}

static struct pst_bytes
bytes(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static bool
holds(const struct pst_store *p, const char *want)
{
	uint8_t buf[256];
	size_t len = 99;

	return p->load(p->ctx, buf, sizeof(buf), &len) == PST_OK &&
	    len == strlen(want) && memcmp(buf, want, len) == 0;
}

static void
new_store_is_empty_and_private(void)
{
	const char *dir = place();
	struct pst_posix_store s;
	struct pst_store p;
	struct stat st;
	uint64_t id = 0;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK(holds(&p, ""));
	CHECK_EQ(p.object_next(p.ctx, &id), PST_ERR_NOT_FOUND);
	CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
	pst_posix_store_close(&s);
	pst_posix_store_close(&s);
}

static void
existing_folder_is_narrowed(void)
{
	const char *dir = place();
	struct pst_posix_store s;
	struct stat st;

	CHECK(mkdir(dir, 0700) == 0 && chmod(dir, 0755) == 0);
	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
	pst_posix_store_close(&s);
}

static void
second_process_finds_it_busy(void)
{
	const char *dir = place();
	struct pst_posix_store s, t;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	CHECK_EQ(pst_posix_store_open(&t, dir), PST_ERR_BUSY);
	pst_posix_store_close(&s);
	CHECK_EQ(pst_posix_store_open(&t, dir), PST_OK);
	pst_posix_store_close(&t);
}

static void
path_that_is_no_folder_is_refused(void)
{
	struct pst_posix_store s;

	CHECK_EQ(pst_posix_store_open(&s, "/dev/null"), PST_ERR_STORE);
	CHECK_EQ(pst_posix_store_open(&s, "/dev/null/x"), PST_ERR_STORE);
}

static void
commit_outlives_the_process(void)
{
	const char *dir = place();
	struct pst_posix_store s;
	struct pst_store p;
	uint8_t buf[4];
	size_t len;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.commit(p.ctx, bytes("one")), PST_OK);
	CHECK_EQ(p.commit(p.ctx, bytes("second")), PST_OK);
	CHECK(holds(&p, "second"));
	CHECK_EQ(p.load(p.ctx, buf, sizeof(buf), &len), PST_ERR_SPACE);
	CHECK_EQ(len, 0);
	pst_posix_store_close(&s);

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	CHECK_EQ(s.generation, 2);
	CHECK(holds(&p, "second"));
	CHECK_EQ(p.commit(p.ctx, bytes("")), PST_OK);
	CHECK(holds(&p, ""));
	CHECK_EQ(s.generation, 3);
	pst_posix_store_close(&s);
}

static void
objects_are_written_in_chunks_and_read_within_bounds(void)
{
	struct pst_posix_store s;
	struct pst_store p;
	uint8_t buf[8];
	uint64_t size;
	size_t len;

	CHECK_EQ(pst_posix_store_open(&s, place()), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.object_append(p.ctx, 7, bytes("x")), PST_ERR_NOT_FOUND);
	CHECK_EQ(p.object_finish(p.ctx, 7), PST_ERR_NOT_FOUND);
	CHECK_EQ(p.object_create(p.ctx, 7), PST_OK);
	CHECK_EQ(p.object_append(p.ctx, 7, bytes("abc")), PST_OK);
	CHECK_EQ(p.object_create(p.ctx, UINT64_MAX), PST_OK);
	CHECK_EQ(p.object_append(p.ctx, 7, bytes("")), PST_OK);
	CHECK_EQ(p.object_append(p.ctx, 7, bytes("defgh")), PST_OK);
	CHECK_EQ(p.object_finish(p.ctx, 7), PST_OK);
	CHECK_EQ(p.object_size(p.ctx, 7, &size), PST_OK);
	CHECK_EQ(size, 8);
	CHECK_EQ(p.object_read(p.ctx, 7, 0, buf, 8, &len), PST_OK);
	CHECK(len == 8 && memcmp(buf, "abcdefgh", 8) == 0);
	CHECK_EQ(p.object_read(p.ctx, 7, 7, buf, 8, &len), PST_OK);
	CHECK(len == 1 && buf[0] == 'h');
	CHECK_EQ(p.object_read(p.ctx, 7, 8, buf, 8, &len), PST_OK);
	CHECK_EQ(len, 0);
	CHECK_EQ(p.object_read(p.ctx, 7, UINT64_MAX, buf, 8, &len), PST_OK);
	CHECK_EQ(len, 0);
	CHECK_EQ(p.object_read(p.ctx, 8, 0, buf, 8, &len), PST_ERR_NOT_FOUND);
	CHECK_EQ(p.object_size(p.ctx, 8, &size), PST_ERR_NOT_FOUND);
	CHECK_EQ(p.object_create(p.ctx, 7), PST_OK);
	CHECK_EQ(p.object_size(p.ctx, 7, &size), PST_OK);
	CHECK_EQ(size, 0);
	pst_posix_store_close(&s);
}

static void
objects_are_listed_in_order_and_strangers_passed_over(void)
{
	const char *dir = place();
	static const uint64_t ids[] = { 5, 0, UINT64_MAX, 1ull << 40 };
	struct pst_posix_store s;
	struct pst_store p;
	char path[256];
	uint64_t id;
	size_t i;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	pst_posix_store_port(&s, &p);
	for (i = 0; i < 4; i++)
		CHECK_EQ(p.object_create(p.ctx, ids[i]), PST_OK);
	snprintf(path, sizeof(path), "%s/objects/000000000000000A", dir);
	CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	id = 0;
	CHECK(p.object_next(p.ctx, &id) == PST_OK && id == 0);
	id = 1;
	CHECK(p.object_next(p.ctx, &id) == PST_OK && id == 5);
	id = 6;
	CHECK(p.object_next(p.ctx, &id) == PST_OK && id == 1ull << 40);
	CHECK_EQ(p.object_remove(p.ctx, UINT64_MAX), PST_OK);
	CHECK_EQ(p.object_remove(p.ctx, UINT64_MAX), PST_OK);
	id = (1ull << 40) + 1;
	CHECK_EQ(p.object_next(p.ctx, &id), PST_ERR_NOT_FOUND);
	pst_posix_store_close(&s);
}

static void
full_store_leaves_the_object_as_it_was(void)
{
	struct pst_posix_store s;
	struct pst_store p;
	struct rlimit old, small = { 4, RLIM_INFINITY };
	uint64_t size;
	enum pst_err err;

	CHECK_EQ(pst_posix_store_open(&s, place()), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.object_create(p.ctx, 1), PST_OK);
	CHECK_EQ(p.object_append(p.ctx, 1, bytes("abc")), PST_OK);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = p.object_append(p.ctx, 1, bytes("defg"));
	(void)setrlimit(RLIMIT_FSIZE, &old);
	CHECK_EQ(err, PST_ERR_STORE_FULL);
	CHECK_EQ(p.object_size(p.ctx, 1, &size), PST_OK);
	CHECK_EQ(size, 3);
	CHECK_EQ(p.object_append(p.ctx, 1, bytes("defg")), PST_OK);
	pst_posix_store_close(&s);
}

static void
failed_commit_keeps_the_old_registry(void)
{
	struct pst_posix_store s;
	struct pst_store p;
	struct rlimit old, small = { 60, RLIM_INFINITY };
	enum pst_err err;

	CHECK_EQ(pst_posix_store_open(&s, place()), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.commit(p.ctx, bytes("old")), PST_OK);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = p.commit(p.ctx, bytes("new and longer"));
	(void)setrlimit(RLIMIT_FSIZE, &old);
	CHECK_EQ(err, PST_ERR_STORE_FULL);
	CHECK(holds(&p, "old"));
	pst_posix_store_close(&s);
}

/* Open the store as it is now and load its registry. */
static enum pst_err
reload(const char *dir)
{
	struct pst_posix_store s;
	struct pst_store p;
	uint8_t buf[64];
	size_t len;
	enum pst_err err;

	err = pst_posix_store_open(&s, dir);
	if (err != PST_OK)
		return err;
	pst_posix_store_port(&s, &p);
	err = p.load(p.ctx, buf, sizeof(buf), &len);
	pst_posix_store_close(&s);
	return err;
}

static void
every_flipped_byte_and_truncation_is_damage(void)
{
	const char *dir = place();
	struct pst_posix_store s;
	struct pst_store p;
	char path[256];
	uint8_t b[128], bad;
	ssize_t size, i;
	int fd;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.commit(p.ctx, bytes("registry")), PST_OK);
	pst_posix_store_close(&s);
	snprintf(path, sizeof(path), "%s/registry", dir);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	size = read(fd, b, sizeof(b));
	CHECK_EQ(size, 56 + 8);
	for (i = 0; i < size; i++) {
		bad = b[i] ^ 1;
		CHECK(pwrite(fd, &bad, 1, i) == 1);
		CHECK_EQ(reload(dir), PST_ERR_STORE_DAMAGED);
		CHECK(pwrite(fd, &b[i], 1, i) == 1);
	}
	CHECK_EQ(reload(dir), PST_OK);
	for (i = size - 1; i >= 0; i--) {
		CHECK(ftruncate(fd, i) == 0);
		CHECK_EQ(reload(dir), PST_ERR_STORE_DAMAGED);
	}
	CHECK(pwrite(fd, b, (size_t)size, 0) == size);
	CHECK(pwrite(fd, b, 1, size) == 1);
	CHECK_EQ(reload(dir), PST_ERR_STORE_DAMAGED);
	close(fd);
}

#define PAGE 4096

/*
 * The registry of round n: n repeated, so that a mixture shows. Object n is
 * finished before it and the one before the last is removed after it.
 */
static void
commit_until_killed(const char *dir, uint32_t n, int acknowledge)
{
	static uint32_t content[PAGE];
	struct pst_bytes b = { (const uint8_t *)content, sizeof(content) };
	struct pst_posix_store s;
	struct pst_store p;
	size_t i;

	if (pst_posix_store_open(&s, dir) != PST_OK)
		_exit(1);
	pst_posix_store_port(&s, &p);
	for (;; n++) {
		for (i = 0; i < PAGE; i++)
			content[i] = n;
		if (p.object_create(p.ctx, n) != PST_OK ||
		    p.object_append(p.ctx, n, b) != PST_OK ||
		    p.object_finish(p.ctx, n) != PST_OK ||
		    p.commit(p.ctx, b) != PST_OK ||
		    write(acknowledge, &n, sizeof(n)) != sizeof(n) ||
		    p.object_remove(p.ctx, n - 1) != PST_OK)
			_exit(1);
	}
}

static uint32_t
last_acknowledged(int fd, uint32_t before)
{
	uint32_t n = before;

	while (read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		before = n;
	return before;
}

/* Old or new, whole, and with the object that it names. */
static void
check_round(const char *dir, uint32_t acknowledged, uint32_t *found)
{
	static uint32_t got[PAGE], object[PAGE];
	struct pst_posix_store s;
	struct pst_store p;
	size_t len, i;

	CHECK_EQ(pst_posix_store_open(&s, dir), PST_OK);
	pst_posix_store_port(&s, &p);
	CHECK_EQ(p.load(p.ctx, (uint8_t *)got, sizeof(got), &len), PST_OK);
	*found = len == 0 ? 0 : got[0];
	if (*found != 0) {
		CHECK_EQ(len, sizeof(got));
		CHECK_EQ(p.object_read(p.ctx, *found, 0, (uint8_t *)object,
			     sizeof(object), &len),
		    PST_OK);
		CHECK_EQ(len, sizeof(object));
	}
	for (i = 0; i < PAGE; i++)
		CHECK(got[i] == got[0] && (*found == 0 || object[i] == got[0]));
	CHECK(*found >= acknowledged && *found <= acknowledged + 1);
	pst_posix_store_close(&s);
}

/* Every other time it gets through at least one commit before its time runs. */
static void
wait_for_commit(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)poll(&p, 1, 10000);
}

static void
one_kill(const char *dir, uint32_t *n, long wait_us)
{
	struct timespec ts = { 0, wait_us * 1000 };
	uint32_t acknowledged;
	int pipes[2], status;
	pid_t pid;

	CHECK_EQ(pipe(pipes), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		commit_until_killed(dir, *n + 1, pipes[1]);
	close(pipes[1]);
	if (wait_us % 2 == 0)
		wait_for_commit(pipes[0]);
	nanosleep(&ts, NULL);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	acknowledged = last_acknowledged(pipes[0], *n);
	close(pipes[0]);
	check_round(dir, acknowledged, n);
}

static void
killed_in_a_commit_leaves_old_or_new(void)
{
	char dir[128];
	uint32_t n = 0;
	int i;

	snprintf(dir, sizeof(dir), "%s", place());
	for (i = 0; i < 60; i++) {
		one_kill(dir, &n, 1500 + 613 * (i % 17));
		CHECK_CASE();
	}
	CHECK(n > 10);
}

static void
clock_gives_this_time(void)
{
	struct pst_clock c;
	uint64_t s;
	bool trusted;

	pst_posix_clock(&c);
	CHECK_EQ(c.now(c.ctx, &s, &trusted), PST_OK);
	CHECK(trusted && s + 2 >= (uint64_t)time(NULL));
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
main(void)
{
	strcpy(top, "/tmp/postern-posix-XXXXXX");
	if (mkdtemp(top) == NULL)
		return 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	RUN(new_store_is_empty_and_private);
	RUN(existing_folder_is_narrowed);
	RUN(second_process_finds_it_busy);
	RUN(path_that_is_no_folder_is_refused);
	RUN(commit_outlives_the_process);
	RUN(objects_are_written_in_chunks_and_read_within_bounds);
	RUN(objects_are_listed_in_order_and_strangers_passed_over);
	RUN(full_store_leaves_the_object_as_it_was);
	RUN(failed_commit_keeps_the_old_registry);
	RUN(every_flipped_byte_and_truncation_is_damage);
	RUN(killed_in_a_commit_leaves_old_or_new);
	RUN(clock_gives_this_time);
	remove_tree(top);
	TEST_END();
}
