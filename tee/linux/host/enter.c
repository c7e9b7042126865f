#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody: the user that owns nothing. */
#define NOBODY 65534

static bool
limit(int what, rlim_t value)
{
	struct rlimit r = { value, value };

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

static bool
set_limits(void)
{
	/* Descriptors: socket, image, probe, streams, four memfds and four in
	 * a message, open objects. Files: memfds for outputs. */
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 32) &&
	    limit(RLIMIT_FSIZE, 8u << 20) && limit(RLIMIT_MEMLOCK, 0) &&
	    limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_NPROC, 1) &&
	    (pst_sandbox_relaxed || limit(RLIMIT_AS, PST_SANDBOX_SPACE_BYTES));
}

/* --- namespaces ---------------------------------------------------------- */

static bool
separate(struct pst_sandbox *got)
{
	const int spaces = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC |
	    CLONE_NEWUTS | CLONE_NEWCGROUP;

	/* Root may do without a user namespace; others get one, if the
	 * administrator lets them. */
	got->network =
	    unshare(spaces) == 0 || unshare(CLONE_NEWUSER | spaces) == 0;
	return got->network;
}

/*
 * An empty read-only file system becomes the root, and the old one is gone
 * from this namespace. /proc is only a place that exists to mount it on.
 */
static bool
empty_root(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *at = "/proc";

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	if (mount("none", at, "tmpfs", flags, "size=4k,nr_inodes=2,mode=555") !=
	    0)
		return false;
	if (chdir(at) != 0)
		return false;
	/* A root that cannot be pivoted (an initramfs) is left by chroot. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		(void)umount2(".", MNT_DETACH);
	else if (chroot(".") != 0)
		return false;
	if (chdir("/") != 0)
		return false;
	(void)mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL);
	return true;
}

/* --- Landlock ------------------------------------------------------------ */

/* No rule follows, so every kind of access that is handled is denied. */
static bool
deny_files(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE |
		    LANDLOCK_ACCESS_FS_WRITE_FILE |
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
		    LANDLOCK_ACCESS_FS_REMOVE_DIR |
		    LANDLOCK_ACCESS_FS_REMOVE_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		    LANDLOCK_ACCESS_FS_MAKE_FIFO |
		    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	bool done;

	if (fd < 0)
		return false;
	done = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0;
	close((int)fd);
	return done;
}

/* --- privileges ---------------------------------------------------------- */

static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &head, none) == 0;
}

/*
 * Root becomes nobody. A user namespace without a mapping for nobody has no
 * other user to become (EINVAL), and its root is none outside: there,
 * dropping the capabilities has to do.
 */
static bool
drop_root(void)
{
	if (geteuid() != 0)
		return true;
	/* May be denied in a user namespace; groups open nothing here. */
	(void)setgroups(0, NULL);
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0)
		return errno == EINVAL;
	return setresuid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL;
}

enum pst_err
pst_sandbox_enter(struct pst_sandbox *got)
{
	memset(got, 0, sizeof(*got));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return PST_ERR_STATE;
	if (separate(got))
		got->root = empty_root();
	got->landlock = deny_files();
	if (!drop_root() || !drop_capabilities())
		return PST_ERR_STATE;
	/* A change of user clears both. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return PST_ERR_STATE;
	return set_limits() ? PST_OK : PST_ERR_STATE;
}
