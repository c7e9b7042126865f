/* postern tee: start the Linux TEE, and ask whether it is there. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"

/* The TEE host is installed beside this program, and never searched for: a
 * search path is no place to find a TEE in. */
static bool
beside(const char *name, char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL)
		return false;
	slash[1] = '\0';
	if (strlen(out) + strlen(name) >= PATH_MAX)
		return false;
	strcat(out, name);
	return true;
}

static int
serve(int argc, char **argv)
{
	char path[PATH_MAX];

	(void)argc;
	if (!beside("postern-tee", path))
		return cli_fail("the program's own folder is not known");
	argv[0] = path;
	execv(path, argv);
	return cli_fail("%s: %s", path, strerror(errno));
}

static int
status(int argc, char **argv)
{
	return cli_broker_status(argc, argv);
}

const struct cli_command cli_tee[] = {
	{ "serve", "--state DIR --config FILE [--socket PATH]",
	    "run the Linux TEE with its agent",
	    "Starts postern-tee, which is beside this program, and prints\n"
	    "`ready on PATH`. On a plain machine it is a TEE for development,\n"
	    "and says so.\n"
	    "\n  --state DIR     store and device keys; made when it is not "
	    "there\n"
	    "  --config FILE   YAML: device, tams, signers\n"
	    "  --socket PATH   where clients connect\n",
	    serve, NULL },
	{ "status", "[--tee PATH] [--json]", "say whether a TEE answers",
	    "Asks the agent what is installed, which Trusted Applications "
	    "run,\n"
	    "and which keys content may be encrypted to for this device. Done\n"
	    "when it answers.\n"
	    "\n  --tee PATH  the TEE's socket (default: POSTERN_TEE_SOCKET,\n"
	    "              else /run/postern/tee.sock)\n"
	    "  --json      print JSON\n",
	    status, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
