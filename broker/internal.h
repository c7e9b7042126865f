/* What the broker's files share. */
#ifndef POSTERN_BROKER_INTERNAL_H
#define POSTERN_BROKER_INTERNAL_H

#include "broker.h"

#include <tee_client_api.h>

/* Exchanges of one session: a TEEP session needs three, and a few more when
 * cipher suites or versions are renegotiated. */
#define PST_BROKER_MESSAGES_MAX 16
/* Payloads of one session: 64 components with some alternatives each. */
#define PST_BROKER_FETCHES_MAX 512
/* TAMs of one policy check; the agent holds PST_AGENT_TAMS_MAX. */
#define PST_BROKER_SESSIONS_MAX (2 * PST_AGENT_TAMS_MAX)
#define PST_BROKER_REDIRECTS_MAX 5 /* of a payload; TEEP follows none */
#define PST_BROKER_URI_MAX 4096	   /* of a redirect's target */
#define PST_BROKER_ETAG_MAX 128
/* A wait that a server asks for is kept inside a session up to this. */
#define PST_BROKER_PATIENCE_MS 10000

/* --- tee.c: the agent -------------------------------------------------- */

struct pst_broker_tee {
	const char *name;
	bool context_open, session_open;
	TEEC_Context context;
	TEEC_Session session;
	uint8_t *buf;	    /* replies, PST_AGENT_TA_REPLY_MAX bytes */
	TEEC_Result result; /* of the last call, for the message */
	bool unreached;	    /* it was the TEE that was not reached */
};

/** What the agent answered. Views the buffer of the TEE. */
struct pst_broker_reply {
	enum pst_agent_do what;
	uint32_t session;
	struct pst_bytes uri;
	struct pst_bytes message;
	uint64_t offset;
	enum pst_err reason;
};

/** Connect to the agent unless it is connected. */
enum pst_err pst_broker_tee_open(struct pst_broker_tee *t) PST_MUST_CHECK;
void pst_broker_tee_close(struct pst_broker_tee *t);

/** One command of the agent TA; uri may be empty. */
enum pst_err pst_broker_tee_invoke(struct pst_broker_tee *t,
    enum pst_agent_ta_command command, uint32_t session, uint32_t flags,
    struct pst_bytes in, struct pst_bytes uri,
    struct pst_broker_reply *out) PST_MUST_CHECK;

/** LIST; the reply's bytes as they are. */
enum pst_err pst_broker_tee_list(
    struct pst_broker_tee *t, struct pst_bytes *out) PST_MUST_CHECK;

/** STATUS; likewise. */
enum pst_err pst_broker_tee_status(
    struct pst_broker_tee *t, struct pst_bytes *out) PST_MUST_CHECK;
/** Keys that content may be encrypted to, encoded. Views the handle. */
enum pst_err pst_broker_tee_keys(
    struct pst_broker_tee *t, struct pst_bytes *out) PST_MUST_CHECK;

/** Where a TEE is: its name, or what the environment or the default says. */
const char *pst_broker_tee_path(const char *name);

/** A sentence about the last call that failed, and what to do. */
void pst_broker_tee_why(const struct pst_broker_tee *t, char *out, size_t cap);

/** The reply to a command, as bytes of the agent (postern/agent_ta.h). */
enum pst_err pst_broker_reply_decode(
    struct pst_bytes in, struct pst_broker_reply *out) PST_MUST_CHECK;

/* --- headers.c --------------------------------------------------------- */

struct pst_http_headers {
	long status;	/* 0: no status line yet, or not a number */
	bool teep_type; /* Content-Type is that of TEEP */
	/* Content-Range of a 206 or 416 (RFC 9110, Section 14.4) */
	bool range_start_known, range_total_known;
	uint64_t range_start, range_total;
	uint32_t retry_after_s;		/* 0 when not said; at most a day */
	char etag[PST_BROKER_ETAG_MAX]; /* empty unless strong */
};

/** Read one line; a status line begins anew. */
void pst_http_header(struct pst_http_headers *h, const char *line, size_t len);

/* --- http.c: the network ----------------------------------------------- */

struct pst_http; /* a libcurl handle and what a transfer needs */

struct pst_http *pst_http_client_new(const struct pst_broker_config *config);
void pst_http_client_free(struct pst_http *h);

struct pst_http_answer {
	long status;		/* HTTP status; 0: there was none */
	struct pst_bytes body;	/* views the handle; dies with the next call */
	uint32_t retry_after_s; /* 0 when not said */
	bool unsent;		/* no connection: the request did not go out */
	char why[256];
};

/**
 * POST a TEEP message, or nothing for a new session
 * (draft-ietf-teep-otrp-over-http, Section 4).
 *
 * @retval PST_OK      2xx; an empty body ends the session
 * @retval PST_ERR_IO  anything else; out says what
 */
enum pst_err pst_http_post(struct pst_http *h, const char *uri,
    struct pst_bytes message, struct pst_http_answer *out) PST_MUST_CHECK;

/** Takes the next bytes of a payload; anything but PST_OK stops. */
typedef enum pst_err pst_http_sink(void *ctx, struct pst_bytes bytes);

struct pst_http_get {
	const char *uri;
	uint64_t offset; /* of the first byte that is wanted */
	pst_http_sink *sink;
	void *ctx;
	char why[256]; /* set on failure */
};

/**
 * Stream a payload from an offset to its end, resuming a broken transfer.
 *
 * @retval PST_ERR_FETCH  it could not be had whole; get->why says why
 * @retval otherwise      what the sink answered
 */
enum pst_err
pst_http_get(struct pst_http *h, struct pst_http_get *get) PST_MUST_CHECK;

/** Sleep unless stopped; false when stopped. */
bool pst_broker_pause(const struct pst_broker_config *config, uint64_t wait_ms);
bool pst_broker_stopped(const struct pst_broker_config *config);
/** Milliseconds of a clock that only goes forward. */
uint64_t pst_broker_now_ms(void);
/** A uniform number below n, for jitter. */
uint32_t pst_broker_jitter(uint32_t n);

/** The defaults for what is zero. */
void pst_broker_defaults(struct pst_broker_config *config);

/** A URI for logs and messages: without user, password, query, fragment, for
 * those may be secrets of a download; cut to what fits. */
const char *
pst_broker_uri_shown(const char *uri, char out[PST_BROKER_SHOWN_MAX]);

void pst_broker_log(const struct pst_broker_config *config, bool error,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
