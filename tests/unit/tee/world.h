/*
 * A TEE for tests: the server in a process of its own, on a folder of images
 * named by UUID, with a pseudo-TA that tells it to look at the folder again.
 */
#ifndef WORLD_H
#define WORLD_H

#include <sys/types.h>
#include <tee_client_api.h>

struct world {
	char dir[64];
	char socket[96];
	char log[96];
	pid_t pid;
};

#define CONTROL_UUID \
	{ \
		0xc0c0c0c0, 0x1111, 0x2222, \
		{ \
			0x33, 0x33, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44 \
		} \
	}
enum { CONTROL_CHANGED = 1, CONTROL_PROCESSES = 2 };

/** Start a TEE. @return 0 when it could not be. */
int world_begin(struct world *w, unsigned call_ms);
/** End it with SIGTERM. @return its exit status, or -1 */
int world_end(struct world *w);
/** Put a file of the build, or nothing (NULL), under a UUID. */
int world_install(const struct world *w, const char *uuid, const char *file);
/** Give a TA an object, or take it away (content NULL). */
int world_object(const struct world *w, const char *uuid, const char *name,
    const void *content, size_t len);
/** Does the log of the TEE have this text? */
int world_logged(const struct world *w, const char *text);

#endif
