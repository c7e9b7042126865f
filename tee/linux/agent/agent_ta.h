/*
 * The agent as a pseudo-TA and as the catalog of installed TAs.
 */
#ifndef PST_TEE_AGENT_TA_H
#define PST_TEE_AGENT_TA_H

#include "server/tee.h"
#include <postern/agent.h>

/* Sessions with the agent at one time. */
#define PST_AGENT_TA_SESSIONS_MAX 16

struct pst_agent_ta;

/**
 * @param agent   opened; kept
 * @param store   the agent's; kept
 * @param crypto  kept
 * @param broker_uid  a user that may talk to the agent, besides root and the
 *                    user of this process
 * @return NULL when memory is short
 */
struct pst_agent_ta *
pst_agent_ta_new(struct pst_agent *agent, const struct pst_store *store,
    const struct pst_crypto *crypto, uint32_t broker_uid);

void pst_agent_ta_free(struct pst_agent_ta *t);

/** Fill in what the server asks for; keeps t. */
void pst_agent_ta_interfaces(struct pst_agent_ta *t,
    struct pst_tee_catalog *catalog, struct pst_tee_pseudo *pseudo);

/** The server that is to hear of changes and is asked for its processes. */
void pst_agent_ta_attach(struct pst_agent_ta *t, struct pst_tee *tee);

#endif
