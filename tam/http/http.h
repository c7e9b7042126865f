/*
 * TEEP over HTTP, the server's side (draft-ietf-teep-otrp-over-http): checks
 * a request as the binding asks, gathers its body within limits, hands it to
 * the TAM and sends what the TAM answers. It knows nothing of TEEP but the
 * media type.
 *
 * One thread a core, each with an epoll set of its own. A handler may answer
 * at once, or call pst_http_later and answer from any thread when, say, a
 * commit is done: the connection rests meanwhile and holds no thread.
 */
#ifndef POSTERN_TAM_HTTP_H
#define POSTERN_TAM_HTTP_H

#include <postern/base.h>

#include "tam/log.h"

/* Defaults of the limits; each can be set. */
#define PST_HTTP_CONNECTIONS_MAX 4096 /* 16 KiB of memory each */
#define PST_HTTP_PER_ADDRESS_MAX 256  /* a site behind one address */
/* All request bodies together: a stalled upload of each connection must not
 * add up to PST_HTTP_CONNECTIONS_MAX messages of the largest size. */
#define PST_HTTP_BODIES_MAX ((size_t)64 << 20)
/* All answers together, from the moment that room is asked for until they are
 * sent: clients that read slowly hold no more than this. */
#define PST_HTTP_ANSWERS_MAX ((size_t)256 << 20)
#define PST_HTTP_RATE_MIN 8192 /* bytes a second; a slower reader is closed */
#define PST_HTTP_REQUEST_MS 30000 /* to send a request, or take an answer */
#define PST_HTTP_IDLE_S 60	  /* between two requests of a connection */
#define PST_HTTP_DRAIN_MS 10000	  /* for requests at shutdown */
#define PST_HTTP_RETRY_AFTER_S 5  /* what a 503 asks a client to wait */

struct pst_http;

/** What the path of the TAM URI asks for. */
enum pst_http_hint {
	PST_HTTP_NO_HINT, /* /tam */
	PST_HTTP_ESP256,  /* /tam/esp256 */
	PST_HTTP_ED25519  /* /tam/ed25519 */
};

/**
 * One request and its answer. The handler reads the first part, may write
 * the second for the log, and leaves the rest alone.
 */
struct pst_http_exchange {
	enum pst_http_hint hint;
	struct pst_bytes body; /* empty: a new session (ProcessConnect) */
	char peer[64];	       /* address and port, for the log */

	char device[136];     /* the device's name; empty: not known */
	const char *message;  /* kind of message received; static, or NULL */
	const char *answered; /* kind of message sent; static, or NULL */
	char reason[192];     /* what came of it, one line; may be empty */

	void *private;
};

/**
 * Receives one message. It ends with pst_http_reply, or with pst_http_later
 * and a pst_http_reply by whatever it then started. Runs in several threads;
 * must not block.
 */
typedef void pst_http_handler(void *ctx, struct pst_http_exchange *x);

struct pst_http_config {
	int listen_fd;	  /* bound and listening; kept open by the server */
	const char *cert; /* PEM file, chain; NULL: no TLS. Kept. */
	const char *key;  /* PEM file. Kept. */
	unsigned threads; /* 0: one a core */
	unsigned connections_max;
	unsigned per_address_max; /* 0: no limit */
	size_t body_max;	  /* bytes of one request */
	size_t bodies_max;	  /* bytes of all requests under way */
	size_t answers_max;	  /* bytes of all answers under way */
	unsigned request_ms;
	unsigned idle_s;
	pst_http_handler *handler;
	void *ctx;
	const struct pst_log *log; /* kept */
};

/** Set every limit to its default and leave the rest zero. */
void pst_http_config_init(struct pst_http_config *config);

/**
 * Open a listening socket on a numeric address.
 *
 * @param text  "ADDRESS:PORT" or "[ADDRESS]:PORT"; port 0: any
 * @param fd    set to the socket
 *
 * @retval PST_ERR_ARG  text is not such an address
 * @retval PST_ERR_IO   the system refused; errno says why
 */
enum pst_err pst_http_listen(const char *text, int *fd) PST_MUST_CHECK;

/** Is a numeric "ADDRESS:PORT" on this host only? False when it is none. */
bool pst_http_loopback(const char *text);

/** Is it ADDRESS:PORT with a numeric address? */
bool pst_http_address_valid(const char *text);

/** The address of a socket as "ADDRESS:PORT". */
void pst_http_address(int fd, char *out, size_t cap);

/**
 * Start serving.
 *
 * @retval PST_ERR_IO  the certificate, the key or a thread; the log says
 */
enum pst_err pst_http_start(
    struct pst_http **out, const struct pst_http_config *config) PST_MUST_CHECK;

/**
 * Read the certificate files again. Connections under way keep the old
 * certificate; when the new files are not usable, so do new ones.
 */
enum pst_err pst_http_reload(struct pst_http *http) PST_MUST_CHECK;

/**
 * Accept no more connections, answer new requests with 503, and wait at most
 * timeout_ms for the others. Whoever answers later must still be running.
 */
void pst_http_drain(struct pst_http *http, unsigned timeout_ms);

/**
 * Close every connection and free. Each pst_http_later must have had its
 * answer, or get it from another thread: this waits.
 */
void pst_http_free(struct pst_http **http);

/**
 * The answer will come later. To be called in the handler's thread, before
 * anything is started that may answer; where it was called already, again
 * from anywhere, which does nothing.
 */
void pst_http_later(struct pst_http_exchange *x);

/**
 * Is there room for an answer of len bytes? To be asked in the handler,
 * before anything is done that an answer tells of: false means 503.
 */
bool pst_http_reserve(struct pst_http_exchange *x, size_t len) PST_MUST_CHECK;

/**
 * Answer. From any thread, once; x is not to be touched afterwards.
 *
 * @param status  200 with a message, 204 without one, 503 when overloaded,
 *                500 when the TAM failed
 * @param msg     from malloc, owned; NULL when there is none
 */
void pst_http_reply(
    struct pst_http_exchange *x, unsigned status, void *msg, size_t len);

#endif
