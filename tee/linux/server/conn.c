#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- connections --------------------------------------------------------- */

static size_t
of_user(const struct pst_tee *tee, uid_t uid)
{
	const struct conn *c;
	size_t n = 0;

	for (c = tee->conns; c != NULL; c = c->next)
		n += c->uid == uid;
	return n;
}

static bool
admit(struct pst_tee *tee, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	struct conn *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	if (tee->conn_count >= PST_TEE_CLIENTS_MAX ||
	    of_user(tee, who.uid) >= PST_TEE_CLIENTS_PER_USER_MAX)
		return false;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return false;
	c->source = (struct source){ KIND_CONN, fd };
	c->tee = tee;
	c->uid = who.uid;
	c->number = ++tee->next_number;
	c->deadline_ms = pst_tee_now_ms() + PST_TEE_HELLO_MS;
	if (!pst_tee_watch(tee, &c->source, EPOLLIN)) {
		free(c);
		return false;
	}
	c->next = tee->conns;
	tee->conns = c;
	tee->conn_count++;
	return true;
}

/* One too many is told so, as far as it listens. */
static void
turn_away(struct pst_tee *tee, int fd)
{
	pst_wire_init(&tee->out, PST_WIRE_REPLY);
	tee->out.head.result = TEEC_ERROR_BUSY;
	tee->out.head.origin = TEEC_ORIGIN_TEE;
	(void)!pst_wire_send(fd, &tee->out, false);
	close(fd);
}

void
pst_conn_accept(struct pst_tee *tee)
{
	int fd =
	    accept4(tee->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && !admit(tee, fd))
		turn_away(tee, fd);
}

static void
drop_call(struct conn *c)
{
	if (c->call != NULL) {
		pst_wire_clear(c->call);
		free(c->call);
	}
	c->call = NULL;
	c->phase = PHASE_NONE;
}

/* Queue a CLOSE that nobody asked for. */
static void
close_orphan(struct conn *c)
{
	c->call = malloc(sizeof(*c->call));
	if (c->call == NULL) {
		/* The TA cannot be told; so it may not go on either. */
		pst_instance_kill(c->inst, TEEC_ERROR_TARGET_DEAD);
		return;
	}
	pst_wire_init(c->call, PST_WIRE_CLOSE);
	pst_instance_enqueue(c);
}

/* The client is gone and no call is left. */
static void
wind_up(struct conn *c)
{
	if (c->open) {
		close_orphan(c);
		return;
	}
	pst_instance_detach(c);
	c->done = true;
}

void
pst_conn_gone(struct conn *c)
{
	pst_tee_unwatch(c->tee, &c->source);
	if (c->pseudo)
		c->tee->options->pseudo->close(
		    c->tee->options->pseudo->ctx, c->number);
	c->pseudo = false;
	if (c->phase == PHASE_RUNNING) {
		pst_instance_cancel(c->inst);
		return;
	}
	if (c->phase == PHASE_QUEUED)
		pst_instance_unqueue(c);
	drop_call(c);
	wind_up(c);
}

void
pst_conn_finished(struct conn *c)
{
	drop_call(c);
	c->deadline_ms = pst_tee_now_ms() + PST_TEE_HELLO_MS;
	if (c->source.fd < 0)
		wind_up(c);
	else if (!c->open)
		pst_instance_detach(c);
}

/* --- replies ------------------------------------------------------------- */

/* The message is kept until the client has room; it reads nothing before. */
static bool
keep_reply(struct conn *c, struct pst_wire_msg *m)
{
	c->reply = malloc(sizeof(*c->reply));
	if (c->reply == NULL)
		return false;
	memcpy(c->reply, m, sizeof(*m));
	m->fd_count = 0;
	pst_tee_rewatch(c->tee, &c->source, EPOLLOUT);
	return true;
}

void
pst_conn_reply(struct conn *c, struct pst_wire_msg *m)
{
	enum pst_err err;

	if (c->source.fd < 0)
		return;
	m->head.session = 0;
	err = pst_wire_send(c->source.fd, m, false);
	/* Without its answer it would wait for ever; the end it sees. */
	if (err == PST_ERR_AGAIN && !keep_reply(c, m))
		(void)shutdown(c->source.fd, SHUT_RDWR);
	/* A client that is gone shows at its next event. */
}

void
pst_conn_result(struct conn *c, uint32_t result)
{
	struct pst_wire_msg *out = &c->tee->out;

	pst_wire_init(out, PST_WIRE_REPLY);
	out->head.result = result;
	out->head.origin = TEEC_ORIGIN_TEE;
	pst_conn_reply(c, out);
}

static void
flush(struct conn *c)
{
	enum pst_err err = pst_wire_send(c->source.fd, c->reply, false);

	if (err == PST_ERR_AGAIN)
		return;
	pst_wire_clear(c->reply);
	free(c->reply);
	c->reply = NULL;
	pst_tee_rewatch(c->tee, &c->source, EPOLLIN);
}

/* --- requests ------------------------------------------------------------ */

static void
pseudo_open(struct conn *c)
{
	const struct pst_tee_pseudo *p = c->tee->options->pseudo;
	struct pst_wire_msg *out = &c->tee->out;

	pst_wire_init(out, PST_WIRE_REPLY);
	out->head.origin = TEEC_ORIGIN_TRUSTED_APP;
	out->head.result = p->open(p->ctx, c->number, c->uid);
	c->pseudo = out->head.result == TEEC_SUCCESS;
	for (size_t i = 0; i < PST_WIRE_PARAMS; i++)
		out->head.params[i].type = c->tee->in.head.params[i].type;
	pst_conn_reply(c, out);
}

static void
pseudo_call(struct conn *c, const struct pst_wire_msg *in)
{
	const struct pst_tee_pseudo *p = c->tee->options->pseudo;
	struct pst_wire_msg *out = &c->tee->out;

	pst_wire_init(out, PST_WIRE_REPLY);
	out->head.origin = TEEC_ORIGIN_TRUSTED_APP;
	for (size_t i = 0; i < PST_WIRE_PARAMS; i++)
		out->head.params[i].type = in->head.params[i].type;
	if (in->head.op == PST_WIRE_CLOSE) {
		c->pseudo = false;
		c->deadline_ms = pst_tee_now_ms() + PST_TEE_HELLO_MS;
		p->close(p->ctx, c->number);
	} else {
		p->invoke(p->ctx, c->number, in, out);
	}
	pst_conn_reply(c, out);
	pst_wire_clear(out);
}

/* A single instance takes further sessions only when its flags say so. */
static struct instance *
find_instance(struct pst_tee *tee, const struct pst_tee_ta *ta)
{
	struct instance *i;

	for (i = tee->instances; i != NULL; i = i->next) {
		if (i->state == INSTANCE_DEAD || !pst_tee_same_ta(&i->ta, ta))
			continue;
		if (i->state == INSTANCE_STARTING ||
		    (i->flags & TA_FLAG_SINGLE_INSTANCE) != 0)
			return i;
	}
	return NULL;
}

static void
refuse(struct conn *c, uint32_t result)
{
	pst_conn_result(c, result);
	pst_conn_finished(c);
}

static void
join(struct conn *c, struct instance *i)
{
	if (i->state == INSTANCE_READY && i->sessions > 0 &&
	    (i->flags & TA_FLAG_MULTI_SESSION) == 0)
		refuse(c, TEEC_ERROR_BUSY);
	else if (!pst_instance_attach(i, c))
		refuse(c, TEEC_ERROR_BUSY);
	else
		pst_instance_enqueue(c);
}

void
pst_conn_place(struct conn *c)
{
	const struct pst_tee_catalog *cat = &c->tee->options->catalog;
	struct instance *i;
	struct pst_tee_ta ta;
	uint32_t result;
	enum pst_err err;

	err = cat->find(cat->ctx, c->call->head.uuid, &ta);
	if (err != PST_OK) {
		refuse(c,
		    err == PST_ERR_NOT_FOUND ? TEEC_ERROR_ITEM_NOT_FOUND
					     : TEEC_ERROR_GENERIC);
		return;
	}
	i = find_instance(c->tee, &ta);
	if (i != NULL && i->state != INSTANCE_READY) {
		/* What its flags say decides; or it has to end first. */
		c->phase = PHASE_WAITING;
		return;
	}
	if (i == NULL)
		i = pst_instance_new(c->tee, &ta, &result);
	if (i == NULL)
		refuse(c, result);
	else
		join(c, i);
}

void
pst_conn_retry_waiting(struct pst_tee *tee)
{
	struct conn *c;

	for (c = tee->conns; c != NULL; c = c->next)
		if (!c->done && c->phase == PHASE_WAITING)
			pst_conn_place(c);
}

/* The request is kept, with its descriptors, until the TA has answered. */
static bool
keep_call(struct conn *c, struct pst_wire_msg *m)
{
	c->call = malloc(sizeof(*c->call));
	if (c->call == NULL) {
		pst_conn_result(c, TEEC_ERROR_OUT_OF_MEMORY);
		return false;
	}
	memcpy(c->call, m, sizeof(*m));
	m->fd_count = 0;
	return true;
}

static void
on_open(struct conn *c, struct pst_wire_msg *m)
{
	const struct pst_tee_pseudo *p = c->tee->options->pseudo;

	if (c->open || c->pseudo || c->dead) {
		pst_conn_result(c, TEEC_ERROR_BAD_STATE);
		return;
	}
	if (m->head.login != TEEC_LOGIN_PUBLIC) {
		pst_conn_result(c, TEEC_ERROR_NOT_SUPPORTED);
		return;
	}
	if (p != NULL && memcmp(p->uuid, m->head.uuid, 16) == 0)
		pseudo_open(c);
	else if (keep_call(c, m))
		pst_conn_place(c);
}

static void
on_call(struct conn *c, struct pst_wire_msg *m)
{
	if (c->pseudo) {
		pseudo_call(c, m);
	} else if (c->dead) {
		pst_conn_result(c,
		    m->head.op == PST_WIRE_CLOSE ? TEEC_SUCCESS
						 : TEEC_ERROR_TARGET_DEAD);
	} else if (!c->open) {
		pst_conn_result(c, TEEC_ERROR_BAD_STATE);
	} else if (keep_call(c, m)) {
		/* These are the TEE's to say. */
		memset(c->call->head.uuid, 0, sizeof(c->call->head.uuid));
		c->call->head.login = TEEC_LOGIN_PUBLIC;
		pst_instance_enqueue(c);
	}
}

static void
on_cancel(struct conn *c)
{
	if (c->phase == PHASE_RUNNING) {
		pst_instance_cancel(c->inst);
		return;
	}
	if (c->phase == PHASE_NONE || c->call->head.op == PST_WIRE_CLOSE)
		return;
	if (c->phase == PHASE_QUEUED)
		pst_instance_unqueue(c);
	pst_conn_result(c, TEEC_ERROR_CANCEL);
	pst_conn_finished(c);
}

static bool
sizes_within_limits(const struct pst_wire_msg *m)
{
	size_t i;

	for (i = 0; i < PST_WIRE_PARAMS; i++)
		if (m->head.params[i].size > PST_WIRE_MEMREF_MAX)
			return false;
	return true;
}

/* False: not what libteec sends; the connection ends. */
static bool
request(struct conn *c, struct pst_wire_msg *m)
{
	if (!c->greeted) {
		c->greeted = m->head.op == PST_WIRE_HELLO &&
		    m->head.command == PST_WIRE_VERSION;
		if (c->greeted)
			pst_conn_result(c, TEEC_SUCCESS);
		return c->greeted;
	}
	if (m->head.op == PST_WIRE_CANCEL) {
		on_cancel(c);
		return true;
	}
	if (c->phase != PHASE_NONE || !sizes_within_limits(m))
		return false;
	switch (m->head.op) {
	case PST_WIRE_OPEN:
		on_open(c, m);
		return true;
	case PST_WIRE_INVOKE:
	case PST_WIRE_CLOSE:
		on_call(c, m);
		return true;
	default:
		return false;
	}
}

void
pst_conn_event(struct conn *c, uint32_t events)
{
	struct pst_wire_msg *m = &c->tee->in;
	enum pst_err err;
	bool good;

	if (c->reply != NULL) {
		if ((events & (EPOLLERR | EPOLLHUP)) != 0)
			pst_conn_gone(c);
		else
			flush(c);
		return;
	}
	err = pst_wire_recv(c->source.fd, m, false);
	if (err == PST_ERR_AGAIN)
		return;
	good = err == PST_OK && request(c, m);
	pst_wire_clear(m);
	if (!good)
		pst_conn_gone(c);
}
