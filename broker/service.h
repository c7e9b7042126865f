/*
 * What the files of the service share: serve.c (threads and connections),
 * requests.c (one line in, one line out), peers.c (limits of a uid),
 * listen.c (sockets and systemd).
 */
#ifndef POSTERN_BROKER_SERVICE_H
#define POSTERN_BROKER_SERVICE_H

#include "internal.h"

#include <pthread.h>
#include <sys/types.h>

#define SERVICE_CLIENTS_MAX 32	 /* connections at one time */
#define SERVICE_CLIENTS_EACH 8	 /* of one uid */
#define SERVICE_UIDS_MAX 64	 /* whose limits are remembered */
#define SERVICE_WANTS_MAX 256	 /* components that applications asked for */
#define SERVICE_IDLE_S 30	 /* a connection that sends nothing ends */
#define SERVICE_SEND_S 5	 /* an answer that is not taken is dropped */
#define SERVICE_FIRST_RETRY_S 30 /* after a policy check that failed */

struct service;

/** One TEE: its broker is used by one thread at a time. */
struct service_tee {
	struct service *service;
	const char *name; /* for people: where it is */
	struct pst_broker *broker;
	pthread_mutex_t lock;
	pthread_t timer;
	bool has_timer;
};

/** What a uid may still do. Tokens come back one in refill_s. */
struct service_peer {
	bool used;
	uid_t uid;
	uint32_t tokens;
	uint64_t counted_ms; /* when tokens was last brought up to date */
	uint32_t connections;
};

/** A component that a uid asked for and did not give back. */
struct service_want {
	uid_t uid;
	size_t tee;
	size_t len; /* of id; 0: free */
	uint8_t id[PST_SUIT_ID_MAX];
};

struct service_client {
	struct service *service;
	bool used;
	atomic_bool done; /* the thread may be joined */
	int fd;
	uid_t uid;
	pthread_t thread;
};

struct service {
	struct pst_broker_serve config; /* with the defaults filled in */
	size_t tee_count;
	struct service_tee tee[PST_BROKER_TEES_MAX];

	pthread_mutex_t lock;	 /* of all that follows */
	pthread_cond_t stopping; /* timers wait here */
	struct service_peer peer[SERVICE_UIDS_MAX];
	struct service_want want[SERVICE_WANTS_MAX];
	struct service_client client[SERVICE_CLIENTS_MAX];
};

bool pst_service_stopped(const struct service *s);

/** Answer one line; both are terminated, without an end of line. */
void pst_service_answer(struct service *s, uid_t uid, const char *line,
    char answer[PST_BROKER_LINE_MAX]);
/** An answer that says no. */
void pst_service_refuse(char answer[PST_BROKER_LINE_MAX], const char *why);

/** Count a connection of a uid; false when it has too many. */
bool pst_service_peer_open(struct service *s, uid_t uid);
void pst_service_peer_close(struct service *s, uid_t uid);
/** Take a token; false, with the wait, when the uid has none left. */
bool pst_service_peer_take(struct service *s, uid_t uid, uint32_t *wait_s);

/** Remember that a uid wants a component; false when the table is full. */
bool
pst_service_want(struct service *s, uid_t uid, size_t tee, struct pst_bytes id);
/**
 * A uid does not want it any more.
 *
 * @return true when nobody else does
 */
bool pst_service_unwant(
    struct service *s, uid_t uid, size_t tee, struct pst_bytes id);

/** The socket to accept from; *created when it must be unlinked in the end. */
enum pst_err pst_service_listen(
    const struct pst_broker_serve *serve, int *fd, bool *created);
/** Tell the service manager, if there is one (sd_notify). */
void pst_service_notify(const char *state);

#endif
