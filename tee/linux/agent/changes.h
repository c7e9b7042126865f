/*
 * What became of the installed components since they were looked at last, for
 * the log.
 */
#ifndef PST_TEE_CHANGES_H
#define PST_TEE_CHANGES_H

#include <postern/agent.h>

/* Components that are told apart in the log; beyond, only that there was a
 * change is noticed. */
#define PST_CHANGES_MAX 256

struct pst_changes_entry {
	uint8_t id[PST_SUIT_ID_MAX];
	size_t id_len;
	uint64_t object; /* each content has a number of its own */
	uint64_t sequence;
	bool seen;
};

struct pst_changes {
	size_t count;
	struct pst_changes_entry entry[PST_CHANGES_MAX];
};

/** Remember what is installed. */
void pst_changes_begin(struct pst_changes *c, const struct pst_agent *agent);

/**
 * Log what was installed, updated and removed since, and remember the rest.
 *
 * @return whether there was a change
 */
bool pst_changes_say(struct pst_changes *c, const struct pst_agent *agent);

/** Log why the agent answered with an Error. */
void pst_changes_say_refusal(
    const struct pst_agent *agent, const struct pst_agent_out *out);

#endif
