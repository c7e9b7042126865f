/*
 * Limits of a uid: RFC 9397, Section 9.3, wants a broker that cannot be made
 * to flood an agent or a TAM by one application.
 */
#include "service.h"

#include <string.h>

/* Bring tokens up to date. Whole tokens only; the rest stays in the clock. */
static void
refill(const struct service *s, struct service_peer *p, uint64_t now_ms)
{
	uint64_t each_ms = (uint64_t)s->config.refill_s * 1000;
	uint64_t gained = (now_ms - p->counted_ms) / each_ms;

	if (gained >= s->config.burst - p->tokens) {
		p->tokens = s->config.burst;
		p->counted_ms = now_ms;
		return;
	}
	p->tokens += (uint32_t)gained;
	p->counted_ms += gained * each_ms;
}

/* The uid's entry, made when there is none; NULL when all are in use. One
 * that is full again and has no connection says nothing and is reused. */
static struct service_peer *
peer_of(struct service *s, uid_t uid)
{
	uint64_t now_ms = pst_broker_now_ms();
	struct service_peer *p, *unused = NULL;
	size_t i;

	for (i = 0; i < SERVICE_UIDS_MAX; i++) {
		p = &s->peer[i];
		if (p->used)
			refill(s, p, now_ms);
		if (p->used && p->uid == uid)
			return p;
		if (!p->used ||
		    (p->tokens == s->config.burst && p->connections == 0))
			unused = p;
	}
	if (unused == NULL)
		return NULL;
	*unused = (struct service_peer){ .used = true,
		.uid = uid,
		.tokens = s->config.burst,
		.counted_ms = now_ms };
	return unused;
}

bool
pst_service_peer_open(struct service *s, uid_t uid)
{
	struct service_peer *p;
	bool allowed;

	(void)pthread_mutex_lock(&s->lock);
	p = peer_of(s, uid);
	allowed = p != NULL && p->connections < SERVICE_CLIENTS_EACH;
	if (allowed)
		p->connections++;
	(void)pthread_mutex_unlock(&s->lock);
	return allowed;
}

void
pst_service_peer_close(struct service *s, uid_t uid)
{
	struct service_peer *p;

	(void)pthread_mutex_lock(&s->lock);
	p = peer_of(s, uid);
	if (p != NULL && p->connections > 0)
		p->connections--;
	(void)pthread_mutex_unlock(&s->lock);
}

bool
pst_service_peer_take(struct service *s, uid_t uid, uint32_t *wait_s)
{
	struct service_peer *p;
	bool allowed;

	*wait_s = s->config.refill_s;
	(void)pthread_mutex_lock(&s->lock);
	p = peer_of(s, uid);
	allowed = p != NULL && p->tokens > 0;
	if (allowed)
		p->tokens--;
	else if (p != NULL)
		*wait_s -=
		    (uint32_t)((pst_broker_now_ms() - p->counted_ms) / 1000);
	(void)pthread_mutex_unlock(&s->lock);
	return allowed;
}

/* --- who wants what ---------------------------------------------------- */

static bool
names(const struct service_want *w, size_t tee, struct pst_bytes id)
{
	return w->len != 0 && w->tee == tee && w->len == id.len &&
	    memcmp(w->id, id.ptr, id.len) == 0;
}

bool
pst_service_want(struct service *s, uid_t uid, size_t tee, struct pst_bytes id)
{
	struct service_want *w, *unused = NULL;
	size_t i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < SERVICE_WANTS_MAX; i++) {
		w = &s->want[i];
		if (w->len == 0)
			unused = w;
		if (names(w, tee, id) && w->uid == uid)
			break;
	}
	if (i == SERVICE_WANTS_MAX && unused != NULL &&
	    id.len <= sizeof(unused->id)) {
		unused->uid = uid;
		unused->tee = tee;
		memcpy(unused->id, id.ptr, id.len);
		unused->len = id.len;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return i < SERVICE_WANTS_MAX || unused != NULL;
}

bool
pst_service_unwant(
    struct service *s, uid_t uid, size_t tee, struct pst_bytes id)
{
	bool others = false;
	size_t i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < SERVICE_WANTS_MAX; i++) {
		if (!names(&s->want[i], tee, id))
			continue;
		/* root speaks for everybody */
		if (s->want[i].uid == uid || uid == 0)
			s->want[i].len = 0;
		else
			others = true;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return !others;
}
