/*
 * The broker: the normal-world side of TEEP (RFC 9397, Section 6). It carries
 * messages between an agent, reached through the TEE Client API, and TAMs,
 * reached over HTTP(S), and streams payloads down to the agent. It decides
 * nothing and is trusted with nothing.
 */
#ifndef POSTERN_BROKER_H
#define POSTERN_BROKER_H

#include <postern/agent_ta.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PST_BROKER_WHY_MAX 384
/* A URI as it is shown: without user, password, query and fragment. */
#define PST_BROKER_SHOWN_MAX 160
#define PST_BROKER_NO_RETRIES UINT32_MAX

/** How a session, or a piece of work that needed none, went. */
struct pst_broker_result {
	const char *tee;		/* the TEE's name */
	char tam[PST_BROKER_SHOWN_MAX]; /* empty when no TAM was contacted */
	enum pst_err err;		/* PST_OK: done */
	char why[PST_BROKER_WHY_MAX];	/* what went wrong and what to do */
	uint32_t messages;		/* exchanges with the TAM */
	uint32_t payloads;		/* payloads fetched to their end */
	uint64_t payload_bytes;
	uint64_t took_ms;
	uint32_t retry_after_s; /* what the TAM asked for; 0: nothing */
};

/** Kept by the broker until it is freed. Zero fields take the defaults. */
struct pst_broker_config {
	const char *tee;	 /* for TEEC_InitializeContext; NULL: default */
	const char *cacert;	 /* PEM file of trusted CAs; NULL: system's */
	uint32_t connect_ms;	 /* default 10 000 */
	uint32_t exchange_ms;	 /* one POST and its answer; default 60 000 */
	uint32_t stall_s;	 /* slower than 64 B/s this long; default 30 */
	uint32_t retries;	 /* default 2; PST_BROKER_NO_RETRIES: none */
	uint32_t retry_ms;	 /* before the first retry; default 500 */
	const atomic_bool *stop; /* ends what is under way; may be NULL */
	void *ctx;
	/* one line about one step; error: it went wrong. May be NULL. */
	void (*log)(void *ctx, bool error, const char *line);
	/* a session ended. May be NULL. */
	void (*session)(void *ctx, const struct pst_broker_result *result);
	/* the agent has so many bytes of a payload, uri being as it is shown
	 * in logs; end: no more come. May be NULL. */
	void (*payload)(
	    void *ctx, const char *uri, uint64_t have_bytes, bool end);
};

struct pst_broker;

/** Installed components, one call each. Views that die with the call. */
typedef void
pst_broker_component_fn(void *ctx, const struct pst_agent_component *component);

/** @return NULL when memory or libcurl fails; free it with pst_broker_free */
struct pst_broker *pst_broker_new(const struct pst_broker_config *config);
void pst_broker_free(struct pst_broker *b);

/**
 * RequestPolicyCheck for each TAM, one after the other; a TAM that fails does
 * not keep the others waiting.
 *
 * @param out  the first failure, else the sum of all sessions
 * @return out->err
 */
enum pst_err pst_broker_sync(struct pst_broker *b, bool force,
    struct pst_broker_result *out) PST_MUST_CHECK;

/**
 * RequestTA; done when the component is installed afterwards.
 *
 * @param component  encoded SUIT_Component_Identifier
 * @param tam_uri    a suggestion, or NULL
 * @retval PST_ERR_NOT_FOUND  the sessions went well, the component is absent
 */
enum pst_err
pst_broker_request(struct pst_broker *b, struct pst_bytes component,
    const char *tam_uri, struct pst_broker_result *out) PST_MUST_CHECK;

/** UnrequestTA. */
enum pst_err pst_broker_unrequest(struct pst_broker *b,
    struct pst_bytes component, struct pst_broker_result *out) PST_MUST_CHECK;

/** What the agent has installed. */
enum pst_err pst_broker_list(struct pst_broker *b, pst_broker_component_fn *fn,
    void *ctx, struct pst_broker_result *out) PST_MUST_CHECK;

/** A process that runs a Trusted Application. */
struct pst_broker_process {
	uint8_t uuid[16];
	uint64_t sequence; /* of the manifest that it was installed by */
	uint32_t pid;
	uint32_t sessions;
	bool busy; /* in a call */
};

typedef void
pst_broker_process_fn(void *ctx, const struct pst_broker_process *process);

/** Which Trusted Applications run. */
enum pst_err
pst_broker_processes(struct pst_broker *b, pst_broker_process_fn *fn, void *ctx,
    struct pst_broker_result *out) PST_MUST_CHECK;

/** A COSE_Key, encoded, and the kid in it. */
typedef void
pst_broker_key_fn(void *ctx, struct pst_bytes cose_key, struct pst_bytes kid);

/** Public keys that content may be encrypted to; the device's own first. */
enum pst_err pst_broker_keys(struct pst_broker *b, pst_broker_key_fn *fn,
    void *ctx, struct pst_broker_result *out) PST_MUST_CHECK;

/* --- the service for applications -------------------------------------- */

#define PST_BROKER_TEES_MAX 8
#define PST_BROKER_LINE_MAX 4096 /* bytes of a request or an answer */
#define PST_BROKER_SOCKET "/run/postern/broker.sock"

/** Reads a component's textual form; encoded form is at most cap bytes. */
typedef enum pst_err
pst_broker_parse_fn(const char *text, uint8_t *buf, size_t cap, size_t *len);

struct pst_broker_serve {
	struct pst_broker_config broker; /* tee, stop and session are unused */
	const char *const *tees;	 /* names; NULL entries: the default */
	size_t tee_count;		 /* 1..PST_BROKER_TEES_MAX */
	const char *socket;		 /* path; NULL: no socket */
	uint32_t socket_mode;		 /* 0: 0660 */
	uint32_t interval_s;		 /* between policy checks; 0: 3600 */
	uint32_t burst;	   /* requests a peer uid may have at once; 0: 8 */
	uint32_t refill_s; /* it regains one in this time; 0: 10 */
	pst_broker_parse_fn *parse;
	atomic_bool *stop; /* set by the caller's signal handler */
	int wake_fd;	   /* readable when stop was set; -1: none */
};

/**
 * Check policies on a timer and serve applications until stopped. Takes over
 * a listening socket passed by systemd (LISTEN_FDS) and tells it READY.
 *
 * One request a line: {"command":"request","component":"uuid:…/ta",
 * "tam":"https://…","tee":"name"}, command being request, unrequest, sync or
 * ping; one answer a line: {"status":"done"|"failed"|"refused","message":…}.
 */
enum pst_err
pst_broker_serve(const struct pst_broker_serve *serve) PST_MUST_CHECK;

/**
 * Ask a running service to do something and wait for its answer.
 *
 * @param line    the request, one line of JSON without its end
 * @param answer  receives the answer, terminated
 */
enum pst_err pst_broker_ask(const char *socket, const char *line, char *answer,
    size_t cap) PST_MUST_CHECK;

#endif
