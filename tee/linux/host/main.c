/*
 * postern-ta-host: one instance of one Trusted Application. Started by
 * postern-tee with its socket, the TA's image and nothing else; not for use by
 * hand.
 */
#include "runtime.h"
#include "sandbox.h"
#include "ta.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../host_fds.h"

static struct pst_wire_msg msg;

/* Say why the TA cannot run, and end. */
static void __noreturn
fail(const char *why)
{
	pst_wire_init(&msg, PST_WIRE_FAILED);
	pst_wire_put_text(&msg, why);
	(void)!pst_wire_send(PST_HOST_SOCKET, &msg, true);
	_exit(1);
}

static void
describe(const struct pst_sandbox *got)
{
	char line[160];

	if (got->network && got->root)
		return;
	snprintf(line, sizeof(line),
	    "sandbox: %s network namespace, %s root, %s Landlock: seccomp %s",
	    got->network ? "own" : "no own", got->root ? "empty" : "no empty",
	    got->landlock ? "with" : "without",
	    got->landlock ? "and Landlock protect" : "alone protects");
	pst_wire_init(&msg, PST_WIRE_TRACE);
	msg.head.command = 1;
	pst_wire_put_text(&msg, line);
	(void)!pst_wire_send(PST_HOST_SOCKET, &msg, true);
}

static void
enter_sandbox(void)
{
	struct pst_sandbox got;

	pst_ta_runtime.fd = PST_HOST_SOCKET;
	pst_ta_runtime.probe = memfd_create("probe", MFD_CLOEXEC);
	if (pst_ta_runtime.probe < 0)
		fail("no memory for the probe");
	if (pst_sandbox_enter(&got) != PST_OK)
		fail("the sandbox cannot be entered");
	describe(&got);
	if (pst_sandbox_filter(PST_HOST_IMAGE) != PST_OK)
		fail("the seccomp filter cannot be installed");
}

/* The parent may have ended before it could be watched. */
static bool
orphaned(const char *parent)
{
	char now[16];

	snprintf(now, sizeof(now), "%ld", (long)getppid());
	return strcmp(now, parent) != 0;
}

int
main(int argc, char **argv)
{
	uint8_t uuid[16];
	const char *why;
	enum pst_err err;

	if (argc != 3 || !pst_ta_uuid_parse(argv[1], uuid)) {
		fprintf(stderr, "postern-ta-host is started by postern-tee\n");
		return 2;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || orphaned(argv[2]))
		return 1;
	enter_sandbox();
	why = pst_ta_load(uuid);
	if (why != NULL)
		fail(why);
	if (pst_sandbox_seal() != PST_OK)
		fail("the seccomp filter cannot be sealed");
	pst_wire_init(&msg, PST_WIRE_READY);
	msg.head.command = pst_ta_runtime.head->flags;
	if (pst_wire_send(PST_HOST_SOCKET, &msg, true) != PST_OK)
		_exit(1);
	for (;;) {
		err = pst_wire_recv(PST_HOST_SOCKET, &msg, true);
		if (err != PST_OK)
			_exit(err == PST_ERR_NOT_FOUND ? 0 : 1);
		pst_ta_serve(&msg);
		pst_wire_clear(&msg);
	}
}
