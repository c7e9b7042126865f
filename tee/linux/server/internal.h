/*
 * The server's parts among themselves.
 *
 * A connection is a session, and outlives its socket: when a client vanishes,
 * its TA still gets to close the session. Where a call is:
 *
 *   PHASE_NONE     no call
 *   PHASE_WAITING  an OPEN whose instance is starting or ending; no `inst`
 *   PHASE_QUEUED   in its instance's queue
 *   PHASE_RUNNING  the instance's `running`
 *
 * Both kinds of object are unlinked when the event that ended them has been
 * handled (pst_tee_sweep), so a pointer in the batch of events stays good.
 */
#ifndef PST_TEE_INTERNAL_H
#define PST_TEE_INTERNAL_H

#include "../host_fds.h"
#include "tee.h"

#include <sys/types.h>
#include <tee_client_api.h>
#include <user_ta_header.h>

enum kind { KIND_LISTEN, KIND_SIGNAL, KIND_CONN, KIND_INSTANCE };

/* First member of what epoll points at. */
struct source {
	enum kind kind;
	int fd;
};

enum phase { PHASE_NONE, PHASE_WAITING, PHASE_QUEUED, PHASE_RUNNING };

struct conn {
	struct source source; /* fd -1: the client is gone */
	struct pst_tee *tee;
	struct conn *next;
	uint64_t number;
	uid_t uid;
	bool greeted;
	bool pseudo; /* its session is with the pseudo-TA */
	bool open;   /* its TA knows the session */
	bool dead;   /* its TA ended */
	bool done;   /* to be swept */
	enum phase phase;
	struct instance *inst;
	uint32_t slot;
	struct conn *queued_after;
	struct pst_wire_msg *call;  /* while phase is not PHASE_NONE */
	struct pst_wire_msg *reply; /* that the client has no room for */
	uint64_t deadline_ms;	    /* without a session */
};

enum instance_state {
	INSTANCE_STARTING,
	INSTANCE_READY,
	INSTANCE_ENDING, /* DESTROY was sent */
	INSTANCE_DEAD	 /* to be swept */
};

struct instance {
	struct source source;
	struct pst_tee *tee;
	struct instance *next;
	enum instance_state state;
	pid_t pid;
	struct pst_tee_ta ta;
	uint32_t flags; /* TA_FLAG_* */
	struct conn *slots[PST_HOST_SESSIONS_MAX];
	uint32_t sessions; /* slots in use */
	bool blamed;	   /* why it ends has been logged */
	bool cancelled;	   /* the running call's TA was told */
	struct conn *first, *last, *running;
	uint64_t deadline_ms; /* UINT64_MAX: none */
	uint64_t trace_s;     /* the second that trace_lines counts */
	uint32_t trace_lines;
};

struct pst_tee {
	const struct pst_tee_options *options;
	int epoll;
	struct source listen, signals;
	struct conn *conns;
	struct instance *instances;
	size_t conn_count, instance_count;
	uint64_t next_number;
	bool stop;
	bool changed; /* the catalog; looked at after the event */
	struct pst_wire_msg in, out; /* of the event that is being handled */
};

/* server.c */
uint64_t pst_tee_now_ms(void);
bool pst_tee_watch(struct pst_tee *tee, struct source *s, uint32_t events);
void pst_tee_rewatch(struct pst_tee *tee, struct source *s, uint32_t events);
/** Stop watching and close; fd becomes -1. */
void pst_tee_unwatch(struct pst_tee *tee, struct source *s);
bool pst_tee_same_ta(const struct pst_tee_ta *a, const struct pst_tee_ta *b);

/* conn.c */
void pst_conn_accept(struct pst_tee *tee);
void pst_conn_event(struct conn *c, uint32_t events);
void pst_conn_gone(struct conn *c);
void pst_conn_reply(struct conn *c, struct pst_wire_msg *m);
void pst_conn_result(struct conn *c, uint32_t result);
/** Find or start an instance for a connection's OPEN. */
void pst_conn_place(struct conn *c);
/** After its call: drop it, and what follows when the client is gone. */
void pst_conn_finished(struct conn *c);
void pst_conn_retry_waiting(struct pst_tee *tee);

/* instance.c */
struct instance *pst_instance_new(
    struct pst_tee *tee, const struct pst_tee_ta *ta, uint32_t *result);
bool pst_instance_attach(struct instance *i, struct conn *c);
void pst_instance_detach(struct conn *c);
void pst_instance_enqueue(struct conn *c);
void pst_instance_unqueue(struct conn *c);
void pst_instance_cancel(struct instance *i);
void pst_instance_event(struct instance *i);
void pst_instance_expired(struct instance *i);
void pst_instance_removed(struct instance *i);
/** A line of the log because of what the TA did: so many a second. */
void pst_instance_say(struct instance *i, const char *what);
/** Without sessions it ends, unless it is to be kept alive. */
void pst_instance_end_when_idle(struct instance *i);
/** Kill it; every call that it holds gets `result`. */
void pst_instance_kill(struct instance *i, uint32_t result);

/* object.c */
/**
 * A sealed memfd with a content, checked against its digest.
 *
 * @param fd  the caller's to close, standing at its beginning
 * @retval PST_ERR_LIMIT          over `most` bytes
 * @retval PST_ERR_STORE_DAMAGED  it is not what was installed
 */
enum pst_err
pst_content_memfd(struct pst_tee *tee, const struct pst_tee_content *content,
    uint64_t most, int *fd) PST_MUST_CHECK;
/** Answer a TA that asks for an object of its own. */
void pst_object_request(struct instance *i, const struct pst_wire_msg *m);

/* spawn.c */
enum pst_err pst_spawn(struct pst_tee *tee, const struct pst_tee_ta *ta,
    pid_t *pid, int *fd) PST_MUST_CHECK;

#endif
