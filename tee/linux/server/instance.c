#include "internal.h"

#include "component.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* Lines that one TA may log a second. */
#define TRACE_LINES_MAX 100
#define TRACE_BYTES_MAX 512

static void
say(const struct instance *i, const char *what)
{
	char uuid[37];

	pst_uuid_print(i->ta.uuid, uuid);
	pst_tee_log("TA %s (process %ld) %s", uuid, (long)i->pid, what);
}

/* Why it is about to be killed. */
static void
blame(struct instance *i, const char *why)
{
	say(i, why);
	i->blamed = true;
}

/* --- sessions and queue -------------------------------------------------- */

struct instance *
pst_instance_new(
    struct pst_tee *tee, const struct pst_tee_ta *ta, uint32_t *result)
{
	struct instance *i;
	enum pst_err err;

	*result = TEEC_ERROR_BUSY;
	if (tee->instance_count >= PST_TEE_INSTANCES_MAX)
		return NULL;
	*result = TEEC_ERROR_OUT_OF_MEMORY;
	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return NULL;
	i->tee = tee;
	i->ta = *ta;
	i->source.kind = KIND_INSTANCE;
	err = pst_spawn(tee, ta, &i->pid, &i->source.fd);
	if (err != PST_OK) {
		pst_tee_log("a TA cannot be started: %s", pst_err_name(err));
		if (err == PST_ERR_STORE_DAMAGED)
			*result = TEEC_ERROR_SECURITY;
		free(i);
		return NULL;
	}
	i->deadline_ms = pst_tee_now_ms() + PST_TEE_START_MS;
	i->next = tee->instances;
	tee->instances = i;
	tee->instance_count++;
	if (!pst_tee_watch(tee, &i->source, EPOLLIN)) {
		pst_instance_kill(i, TEEC_ERROR_OUT_OF_MEMORY);
		return NULL;
	}
	return i;
}

bool
pst_instance_attach(struct instance *i, struct conn *c)
{
	uint32_t n;

	for (n = 0; n < PST_HOST_SESSIONS_MAX; n++) {
		if (i->slots[n] != NULL)
			continue;
		i->slots[n] = c;
		i->sessions++;
		c->inst = i;
		c->slot = n;
		return true;
	}
	return false;
}

static bool
is_current(const struct instance *i)
{
	const struct pst_tee_catalog *cat = &i->tee->options->catalog;
	struct pst_tee_ta now;

	return cat->find(cat->ctx, i->ta.uuid, &now) == PST_OK &&
	    pst_tee_same_ta(&now, &i->ta);
}

void
pst_instance_end_when_idle(struct instance *i)
{
	const uint32_t keep =
	    TA_FLAG_SINGLE_INSTANCE | TA_FLAG_INSTANCE_KEEP_ALIVE;
	struct pst_wire_msg *m = &i->tee->out;

	if (i->sessions > 0 || i->state != INSTANCE_READY)
		return;
	if ((i->flags & keep) == keep && is_current(i))
		return;
	pst_wire_init(m, PST_WIRE_DESTROY);
	i->state = INSTANCE_ENDING;
	i->deadline_ms = pst_tee_now_ms() + PST_TEE_END_MS;
	if (pst_wire_send(i->source.fd, m, false) != PST_OK)
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
}

void
pst_instance_detach(struct conn *c)
{
	struct instance *i = c->inst;

	if (i == NULL)
		return;
	i->slots[c->slot] = NULL;
	i->sessions--;
	c->inst = NULL;
	pst_instance_end_when_idle(i);
}

static void
kick(struct instance *i)
{
	struct conn *c = i->first;
	uint32_t ms = i->tee->options->call_ms;

	if (i->state != INSTANCE_READY || i->running != NULL || c == NULL)
		return;
	i->first = c->queued_after;
	if (i->first == NULL)
		i->last = NULL;
	i->running = c;
	i->cancelled = false;
	c->phase = PHASE_RUNNING;
	c->call->head.session = c->slot;
	i->deadline_ms = pst_tee_now_ms() + (ms != 0 ? ms : PST_TEE_CALL_MS);
	/* A TA that answers one call at a time has room for the next. */
	if (pst_wire_send(i->source.fd, c->call, false) != PST_OK)
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
	else
		pst_wire_clear(c->call);
}

void
pst_instance_enqueue(struct conn *c)
{
	struct instance *i = c->inst;

	c->phase = PHASE_QUEUED;
	c->queued_after = NULL;
	if (i->last != NULL)
		i->last->queued_after = c;
	else
		i->first = c;
	i->last = c;
	kick(i);
}

void
pst_instance_unqueue(struct conn *c)
{
	struct instance *i = c->inst;
	struct conn **at = &i->first, *before = NULL;

	while (*at != NULL && *at != c) {
		before = *at;
		at = &before->queued_after;
	}
	if (*at == NULL)
		return;
	*at = c->queued_after;
	if (i->last == c)
		i->last = before;
}

void
pst_instance_cancel(struct instance *i)
{
	static struct pst_wire_msg m;

	/* Once a call: a client must not fill a TA's socket, which is how
	 * other clients' calls reach it. */
	if (i->cancelled)
		return;
	i->cancelled = true;
	pst_wire_init(&m, PST_WIRE_CANCEL);
	/* A TA that has no room for it is at work and will end by its time. */
	(void)!pst_wire_send(i->source.fd, &m, false);
}

/* --- the end ------------------------------------------------------------- */

static void
say_how_it_ended(const struct instance *i, int status)
{
	char text[80];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(text, sizeof(text), "made a forbidden system call");
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "ended by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text), "ended with status %d",
		    WEXITSTATUS(status));
	say(i, text);
}

static void
lose_session(struct conn *c, uint32_t result)
{
	bool had_call = c->phase != PHASE_NONE;
	uint32_t op = had_call ? c->call->head.op : 0;

	c->inst = NULL;
	c->dead = c->open;
	c->open = false;
	if (!had_call) {
		if (c->source.fd < 0)
			c->done = true;
		return;
	}
	if (op == PST_WIRE_CLOSE)
		result = TEEC_SUCCESS;
	pst_conn_result(c, result);
	pst_conn_finished(c);
}

void
pst_instance_kill(struct instance *i, uint32_t result)
{
	bool expected = i->state == INSTANCE_ENDING;
	struct conn *c;
	int status = 0;
	uint32_t n;

	i->state = INSTANCE_DEAD;
	i->deadline_ms = UINT64_MAX;
	pst_tee_unwatch(i->tee, &i->source);
	/* Its own child, not reaped before: the number is still its own. */
	(void)kill(i->pid, SIGKILL);
	while (waitpid(i->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!i->blamed &&
	    (!expected || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		say_how_it_ended(i, status);
	i->first = i->last = i->running = NULL;
	for (n = 0; n < PST_HOST_SESSIONS_MAX; n++) {
		c = i->slots[n];
		i->slots[n] = NULL;
		if (c != NULL)
			lose_session(c, result);
	}
	i->sessions = 0;
	pst_conn_retry_waiting(i->tee);
}

void
pst_instance_removed(struct instance *i)
{
	blame(i, "is not installed any more");
	pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
}

void
pst_instance_expired(struct instance *i)
{
	blame(i, "took too long");
	pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
}

/* --- messages of the process --------------------------------------------- */

/* Printable ASCII of what the TA or the loader said. */
static void
clean_text(const struct pst_wire_msg *m, char out[TRACE_BYTES_MAX])
{
	size_t i;

	for (i = 0; i < m->head.len && i < TRACE_BYTES_MAX - 1; i++)
		out[i] = m->data[i] >= ' ' && m->data[i] < 0x7f
		    ? (char)m->data[i]
		    : '?';
	while (i > 0 && out[i - 1] == '?' && m->data[i - 1] == '\n')
		i--;
	out[i] = '\0';
}

void
pst_instance_say(struct instance *i, const char *what)
{
	uint64_t now_s = pst_tee_now_ms() / 1000;

	if (now_s != i->trace_s) {
		i->trace_s = now_s;
		i->trace_lines = 0;
	}
	i->trace_lines++;
	if (i->trace_lines > TRACE_LINES_MAX)
		return;
	say(i, what);
	if (i->trace_lines == TRACE_LINES_MAX)
		say(i, "says too much; the rest of this second is dropped");
}

static void
on_trace(struct instance *i, const struct pst_wire_msg *m)
{
	char text[TRACE_BYTES_MAX + 8];

	memcpy(text, "says: ", 6);
	clean_text(m, text + 6);
	pst_instance_say(i, text);
}

static void
on_failed(struct instance *i, const struct pst_wire_msg *m)
{
	char text[TRACE_BYTES_MAX + 16];

	memcpy(text, "cannot run: ", 12);
	clean_text(m, text + 12);
	blame(i, text);
	pst_instance_kill(i, TEEC_ERROR_BAD_FORMAT);
}

static void
on_panic(struct instance *i, const struct pst_wire_msg *m)
{
	char text[40];

	snprintf(text, sizeof(text), "panicked: 0x%08x", m->head.result);
	blame(i, text);
	pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
}

static void
on_ready(struct instance *i, const struct pst_wire_msg *m)
{
	i->state = INSTANCE_READY;
	i->flags = m->head.command;
	i->deadline_ms = UINT64_MAX;
	kick(i);
	/* Whoever wanted it may have left meanwhile. */
	if (i->state == INSTANCE_READY)
		pst_instance_end_when_idle(i);
	pst_conn_retry_waiting(i->tee);
}

static void
on_reply(struct instance *i, struct pst_wire_msg *m)
{
	struct conn *c = i->running;
	uint32_t op = c->call->head.op;

	i->running = NULL;
	i->deadline_ms = UINT64_MAX;
	m->head.origin = TEEC_ORIGIN_TRUSTED_APP;
	if (op == PST_WIRE_OPEN)
		c->open = m->head.result == TEEC_SUCCESS;
	else if (op == PST_WIRE_CLOSE)
		c->open = false;
	pst_conn_reply(c, m);
	pst_conn_finished(c);
	if (i->state == INSTANCE_READY)
		kick(i);
}

void
pst_instance_event(struct instance *i)
{
	struct pst_wire_msg *m = &i->tee->in;
	enum pst_err err = pst_wire_recv(i->source.fd, m, false);

	if (err == PST_ERR_AGAIN)
		return;
	if (err != PST_OK)
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
	else if (m->head.op == PST_WIRE_TRACE)
		on_trace(i, m);
	else if (m->head.op == PST_WIRE_FAILED)
		on_failed(i, m);
	else if (m->head.op == PST_WIRE_PANIC)
		on_panic(i, m);
	else if (m->head.op == PST_WIRE_READY && i->state == INSTANCE_STARTING)
		on_ready(i, m);
	else if (m->head.op == PST_WIRE_REPLY && i->running != NULL &&
	    m->head.session == i->running->slot)
		on_reply(i, m);
	else if (m->head.op == PST_WIRE_OBJECT_OPEN ||
	    m->head.op == PST_WIRE_OBJECT_NEXT)
		pst_object_request(i, m);
	else
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
	if (err == PST_OK)
		pst_wire_clear(m);
}
