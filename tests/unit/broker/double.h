/*
 * A double of the TEE Client API at link level: an agent that answers with
 * the next reply of a script and remembers what it was told.
 */
#ifndef BROKER_TEST_DOUBLE_H
#define BROKER_TEST_DOUBLE_H

#include <postern/agent_ta.h>

enum { CALLS_MAX = 64 };

/** A scripted reply, or a failure of the call. */
struct agent_reply {
	enum pst_agent_do what;
	uint32_t session;
	const char *uri; /* NULL: empty */
	const char *message;
	uint64_t offset;
	enum pst_err reason;
	uint32_t fails; /* a TEEC_Result; 0: the call succeeds */
	bool rubbish;	/* a reply that is no reply */
};

/** What the agent was told. */
struct agent_call {
	uint32_t command, session, flags;
	size_t len;	/* of what parameter 1 held */
	char first[32]; /* its first bytes, terminated */
	char uri[64];	/* parameter 2 */
	char tee[16];	/* which one */
};

void double_reset(void);
void double_reply(const struct agent_reply *reply);
/** What LIST answers: encoded component identifiers, one a call. */
void double_installed(const char *id);
/** Only this TEE has them; NULL: each. */
void double_installed_in(const char *tee);
size_t double_count(void);
const struct agent_call *double_call(size_t n);
/** Contexts and sessions that are open now; commands that ran at one time. */
int double_open(void);
int double_at_once(void);
/** Commands take this long. */
void double_slow(int ms);

#endif
