/*
 * What the files of the HTTP server share: http.c (its life), http_request.c
 * (a request) and http_conn.c (connections and their deadlines).
 */
#ifndef POSTERN_TAM_HTTP_INTERNAL_H
#define POSTERN_TAM_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http.h"

/* Statuses without content, each a response made once. */
enum { EMPTY_RESPONSES = 12 };

/** A connection: when it must have made progress. */
struct pst_http_conn {
	struct pst_http_conn *next, *prev;
	int fd;
	_Atomic int64_t deadline_ms;
};

/**
 * One instance of the HTTP library. A reload makes a new one; the old one
 * serves its connections until it is retired.
 *
 * `working` counts requests that a handler has and that may be suspended:
 * the library must not be stopped before it is 0. `open` counts all requests
 * under way. Once `closing` is set no request goes to a handler any more, so
 * that `working` falls to 0 and stays.
 */
struct pst_http_instance {
	struct pst_http *http;
	struct MHD_Daemon *mhd;
	struct pst_http_instance *next; /* of the retired ones */
	int64_t retired_ms;
	atomic_uint working;
	atomic_uint open;
	atomic_bool closing;
};

struct pst_http {
	struct pst_http_config config;
	struct pst_http_instance *current;
	struct pst_http_instance *retired;
	struct MHD_Response *empty[EMPTY_RESPONSES];
	atomic_size_t bodies;	     /* bytes of request bodies under way */
	atomic_size_t answers;	     /* bytes of answers, sent or to be sent */
	atomic_bool draining;	     /* answer new requests with 503 */
	pthread_mutex_t lock;	     /* of conns, retired and stop */
	pthread_cond_t wake;	     /* of the watch thread */
	struct pst_http_conn *conns; /* all that are open */
	bool stop;
	pthread_t watch;
};

int64_t pst_http_now_ms(void);

/* http_conn.c */
void pst_http_conn_notify(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_ConnectionNotificationCode code);
void pst_http_conn_deadline(struct MHD_Connection *c, int64_t deadline_ms);
void pst_http_conn_expire(struct pst_http *http);

/* http_request.c */
bool pst_http_responses_make(struct MHD_Response **out);
void pst_http_responses_free(struct MHD_Response **in);
enum MHD_Result pst_http_request(void *cls, struct MHD_Connection *c,
    const char *url, const char *method, const char *version, const char *data,
    size_t *size, void **ctx);
void pst_http_request_done(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode code);

#endif
