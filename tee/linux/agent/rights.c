#include "rights.h"

#include <postern/suit.h>

#include <string.h>

struct name {
	int label;
	const char *name;
};

/* Those that change or use a component: conditions need no leave. */
static const struct name commands[] = {
	{ PST_SUIT_DIR_PROCESS_DEPENDENCY, "process-dependency" },
	{ PST_SUIT_DIR_WRITE, "write" },
	{ PST_SUIT_DIR_FETCH, "fetch" },
	{ PST_SUIT_DIR_COPY, "copy" },
	{ PST_SUIT_DIR_INVOKE, "invoke" },
	{ PST_SUIT_DIR_WAIT, "wait" },
	{ PST_SUIT_DIR_SWAP, "swap" },
	{ PST_SUIT_DIR_UNLINK, "unlink" },
};

/* Those that a component's signer has to approve of. The URI is free. */
static const struct name parameters[] = {
	{ PST_SUIT_PARAM_IMAGE_DIGEST, "image-digest" },
	{ PST_SUIT_PARAM_IMAGE_SIZE, "image-size" },
	{ PST_SUIT_PARAM_CONTENT, "content" },
	{ PST_SUIT_PARAM_ENCRYPTION_INFO, "encryption-info" },
	{ PST_SUIT_PARAM_SOURCE_COMPONENT, "source-component" },
	{ PST_SUIT_PARAM_INVOKE_ARGS, "invoke-args" },
};

static int
find(const struct name *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].label;
	return 0;
}

int
pst_rights_command(const char *name)
{
	return find(commands, sizeof(commands) / sizeof(commands[0]), name);
}

int
pst_rights_parameter(const char *name)
{
	return find(
	    parameters, sizeof(parameters) / sizeof(parameters[0]), name);
}
