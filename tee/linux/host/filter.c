/*
 * The seccomp filters. Opening a file is never allowed, not even while the TA
 * is loaded: the loader's openat traps, and the handler answers the one name
 * PST_SANDBOX_IMAGE with a copy of the image's descriptor. So a constructor in
 * a hostile image finds the same walls as the rest of it.
 *
 * A system call that is not on the list ends the process. In a build with
 * sanitizers it fails with EPERM instead, because their run-time tries calls
 * that it can do without (madvise hints, reading /proc), and new code may be
 * mapped, because it does so; everything else is the same.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(PST_SANITIZED)
#define RELAXED true
#else
#define RELAXED false
#endif
const bool pst_sandbox_relaxed = RELAXED;

#define REFUSE (RELAXED ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS)

/* Allowed whatever their arguments are. */
static const int always[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(close),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(memfd_create),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Only until the TA is loaded; pst_sandbox_seal takes them away. */
static const int while_loading[] = {
	SCMP_SYS(prctl),
	SCMP_SYS(seccomp),
	SCMP_SYS(rt_sigaction),
};

/* Calls of the sanitizers' run-time that it does not do without. */
static const int for_sanitizers[] = {
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sched_getaffinity),
};

static int
allow(scmp_filter_ctx ctx, const int *calls, size_t count)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < count; i++)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return bad;
}
#define ALLOW(ctx, list) allow(ctx, list, sizeof(list) / sizeof((list)[0]))

/* Memory that is not code; seals of memfds; a signal to this process. */
static int
allow_by_argument(scmp_filter_ctx ctx, bool code)
{
	const uint64_t mask = code ? 0 : PROT_EXEC;
	int bad = 0;

	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, mask, 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, mask, 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS, 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS, 0));
	/* abort() */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return bad;
}

static int
fill(scmp_filter_ctx ctx, bool loading)
{
	int bad = 0;

	/* Another architecture's numbers would mean other calls. */
	bad |= seccomp_attr_set(
	    ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	bad |= ALLOW(ctx, always);
	bad |= allow_by_argument(ctx, loading || RELAXED);
	if (RELAXED)
		bad |= ALLOW(ctx, for_sanitizers);
	if (!loading)
		return bad;
	bad |= ALLOW(ctx, while_loading);
	bad |= seccomp_rule_add(ctx, SCMP_ACT_TRAP, SCMP_SYS(openat), 0);
	bad |= seccomp_rule_add(ctx, SCMP_ACT_TRAP, SCMP_SYS(newfstatat), 0);
	return bad;
}

static enum pst_err
apply(bool loading)
{
	scmp_filter_ctx ctx = seccomp_init(REFUSE);
	int bad;

	if (ctx == NULL)
		return PST_ERR_STATE;
	bad = fill(ctx, loading);
	if (bad == 0)
		bad = seccomp_load(ctx);
	seccomp_release(ctx);
	return bad == 0 ? PST_OK : PST_ERR_STATE;
}

/* --- the loader's calls -------------------------------------------------- */

static int image_copy = -1;

#if defined(__x86_64__)
#define ARG(uc, n) \
	((uc)->uc_mcontext.gregs[(n) == 0 ? REG_RDI \
		: (n) == 1		  ? REG_RSI \
					  : REG_RDX])
#define RESULT(uc) ((uc)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARG(uc, n) ((uc)->uc_mcontext.regs[n])
#define RESULT(uc) ((uc)->uc_mcontext.regs[0])
#else
#error "the sandbox knows x86-64 and AArch64"
#endif

/* The loader closes what it gets, so it can have it once. */
static long
emulate_openat(const char *path)
{
	int fd = image_copy;

	if (strcmp(path, PST_SANDBOX_IMAGE) != 0 || fd < 0)
		return -ENOENT;
	image_copy = -1;
	return fd;
}

/* Only the form that means fstat: by descriptor, never by name. */
static long
emulate_newfstatat(int fd, const char *path, void *to)
{
	if (path != NULL && *path != '\0')
		return -EACCES;
	return syscall(SYS_fstat, fd, to) == 0 ? 0 : -errno;
}

static void
on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	int saved = errno;
	long result = -EPERM;

	(void)sig;
	if (info->si_syscall == SYS_openat)
		result = emulate_openat((const char *)ARG(uc, 1));
	else if (info->si_syscall == SYS_newfstatat)
		result = emulate_newfstatat((int)ARG(uc, 0),
		    (const char *)ARG(uc, 1), (void *)ARG(uc, 2));
	RESULT(uc) = (__typeof__(RESULT(uc)))result;
	errno = saved;
}

enum pst_err
pst_sandbox_filter(int image)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_sigsys;
	sa.sa_flags = SA_SIGINFO;
	image_copy = image;
	if (sigaction(SIGSYS, &sa, NULL) != 0)
		return PST_ERR_STATE;
	return apply(true);
}

enum pst_err
pst_sandbox_seal(void)
{
	if (image_copy >= 0)
		close(image_copy);
	image_copy = -1;
	return apply(false);
}
