#include "changes.h"

#include "component.h"
#include "server/tee.h"

#include <postern/agent_state.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
say(const char *what, struct pst_bytes id, uint64_t sequence)
{
	char text[PST_COMPONENT_TEXT_MAX];

	if (pst_component_print(id, text, sizeof(text)) != PST_OK)
		return;
	pst_tee_log("agent: %s %s, sequence %" PRIu64, what, text, sequence);
}

static struct pst_changes_entry *
find(struct pst_changes *c, struct pst_bytes id)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->entry[i].id_len == id.len &&
		    memcmp(c->entry[i].id, id.ptr, id.len) == 0)
			return &c->entry[i];
	return NULL;
}

static void
remember(struct pst_changes *c, const struct pst_agent_component *now)
{
	struct pst_changes_entry *e = find(c, now->id);

	if (e == NULL) {
		if (c->count == PST_CHANGES_MAX ||
		    now->id.len > PST_SUIT_ID_MAX)
			return;
		e = &c->entry[c->count++];
		memcpy(e->id, now->id.ptr, now->id.len);
		e->id_len = now->id.len;
	}
	e->object = now->object;
	e->sequence = now->sequence;
	e->seen = true;
}

static bool
compare(struct pst_changes *c, const struct pst_agent_component *now)
{
	const struct pst_changes_entry *e = find(c, now->id);
	bool same = e != NULL && e->object == now->object &&
	    e->sequence == now->sequence;

	/* What could not be remembered may have changed. */
	if (e == NULL && c->count == PST_CHANGES_MAX)
		return true;
	if (!same)
		say(e == NULL ? "installed" : "updated", now->id,
		    now->sequence);
	remember(c, now);
	return !same;
}

static bool
drop_removed(struct pst_changes *c)
{
	struct pst_changes_entry *e;
	bool changed = false;
	size_t i = 0;

	while (i < c->count) {
		e = &c->entry[i];
		if (e->seen) {
			e->seen = false;
			i++;
			continue;
		}
		say("removed", (struct pst_bytes){ e->id, e->id_len },
		    e->sequence);
		*e = c->entry[--c->count];
		changed = true;
	}
	return changed;
}

void
pst_changes_begin(struct pst_changes *c, const struct pst_agent *agent)
{
	struct pst_agent_component now;
	size_t cursor = 0, i;

	c->count = 0;
	while (pst_agent_component_next(agent, &cursor, &now) == PST_OK)
		remember(c, &now);
	for (i = 0; i < c->count; i++)
		c->entry[i].seen = false;
}

bool
pst_changes_say(struct pst_changes *c, const struct pst_agent *agent)
{
	struct pst_agent_component now;
	bool changed = false;
	size_t cursor = 0;

	/* An agent that has to be opened again says nothing of its state. */
	if (!agent->open)
		return false;
	while (pst_agent_component_next(agent, &cursor, &now) == PST_OK)
		changed |= compare(c, &now);
	return drop_removed(c) || changed;
}

void
pst_changes_say_refusal(
    const struct pst_agent *agent, const struct pst_agent_out *out)
{
	struct pst_bytes name = { NULL, 0 };

	if (out->tam < agent->config->tam_count)
		name = agent->config->tams[out->tam].name;
	pst_tee_log("agent: answers TAM %.*s with an Error: %s", (int)name.len,
	    (const char *)name.ptr, pst_err_name(out->reason));
}
