/*
 * A whole device for tests: postern-tee as a program, with keys of a TAM and
 * of a signer that were made for it, and what a broker and a TAM do.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <postern/agent_ta.h>
#include <stdbool.h>
#include <sys/types.h>
#include <tee_client_api.h>

#include "ports/openssl/openssl.h"

struct device {
	char dir[64], socket[96], state[96], config[96], log[96];
	pid_t pid;
	struct pst_openssl *outside;
	struct pst_signer tam, signer;
};

/** Make keys and configuration; extra is appended to the configuration. */
bool device_make(struct device *d, const char *extra);
/** Start postern-tee. @return false when it did not get ready */
bool device_start(struct device *d);
/** @return its exit status; -1 for a signal */
int device_stop(struct device *d, int sig);
/** Start it where it will not get ready. @return its exit status */
int device_refused(struct device *d);
bool device_logged(const struct device *d, const char *what);
void device_remove(struct device *d);

/** A reply of the agent, with what it views. */
struct reply {
	uint64_t what, session, offset, reason;
	struct pst_bytes uri, message;
	TEEC_Result result;
	uint8_t bytes[PST_AGENT_TA_REPLY_MAX];
	size_t len;
};

/** Run a command of the agent; false when the result is not success. */
bool ask_agent(TEEC_Session *s, struct reply *r, uint32_t command,
    uint32_t flags, struct pst_bytes in);

/** What the TAM says: an Update that installs `file` under hello's name. */
struct pst_bytes tam_update(
    struct device *d, const char *token, uint64_t sequence, const char *file);
/** An Update that installs the personal TA and its `config`. */
struct pst_bytes tam_personal(
    struct device *d, const char *token, uint64_t sequence, const char *config);
/** An Update that removes hello. */
struct pst_bytes tam_removal(struct device *d, const char *token);

/** A file of the build. */
struct pst_bytes build_file(const char *name);

#endif
