/*
 * The admin API's socket, requests and answers. One thread serves it, in the
 * order of arrival: a call may wait for the disk, and an operator's calls are
 * few.
 */
#include <errno.h>
#include <microhttpd.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin_internal.h"
#include "tam/http/http_header.h"

enum { BACKLOG = 64, CONNECTIONS = 64, IDLE_S = 30 };
/* A refused body is read and dropped up to here, so that a client that is
 * still sending sees the answer. */
enum { DROP_MAX = 16 << 20 };

struct pst_admin {
	struct pst_admin_config config;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;
	struct MHD_Daemon *mhd;
	struct pst_tam_worker *worker;
};

/** A request while it is read. */
struct request {
	struct pst_admin_call call;
	const struct pst_admin_route *route; /* NULL: refused already */
	unsigned refused;		     /* the status, or 0 */
	char allow[PST_ADMIN_ALLOW_LEN];     /* of a 405; else empty */
	size_t max;			     /* of the body */
	uint64_t length;		     /* that was announced */
	uint64_t dropped;
	uint8_t *body;
	size_t cap;
};

/* --- answers ----------------------------------------------------------- */

/** The one place where an error becomes a status. */
static unsigned
status_of(enum pst_err err)
{
	switch (err) {
	case PST_ERR_ARG:
	case PST_ERR_LIMIT:
		return 400;
	case PST_ERR_NOT_FOUND:
		return 404;
	case PST_ERR_STATE:
	case PST_ERR_SUIT_SEQUENCE:
		return 409;
	case PST_ERR_TEEP_TOO_LARGE:
		return 413;
	case PST_ERR_BUSY:
	case PST_ERR_STORE:
	case PST_ERR_STORE_FULL:
		return 503;
	case PST_ERR_IO:
	case PST_ERR_CRYPTO:
	case PST_ERR_STORE_DAMAGED:
	case PST_ERR_CLOCK:
		return 500;
	default:
		/* CBOR, COSE, SUIT: well understood, and refused. */
		return 422;
	}
}

static const char *
title_of(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 422:
		return "Unprocessable Content";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/* RFC 9457; code and reason are the error's own. */
static json_t *
problem(unsigned status, enum pst_err err, const char *detail)
{
	json_t *j = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank",
	    "title", title_of(status), "status", (int)status, "detail",
	    pst_admin_text(detail));

	if (err != PST_OK)
		json_object_set_new(j, "code", json_integer((int)err));
	return j;
}

static bool
add_headers(struct MHD_Response *resp, unsigned status, const char *allow)
{
	const char *type =
	    status < 400 ? "application/json" : "application/problem+json";
	bool ok = true;

	if (status != 204)
		ok = MHD_add_response_header(resp, "Content-Type", type);
	ok = ok &&
	    MHD_add_response_header(
		resp, "X-Content-Type-Options", "nosniff") &&
	    MHD_add_response_header(resp, "Cache-Control", "no-store");
	if (allow != NULL && allow[0] != 0)
		ok = ok && MHD_add_response_header(resp, "Allow", allow);
	if (status == 503)
		ok = ok && MHD_add_response_header(resp, "Retry-After", "5");
	return ok;
}

/** Send; json is owned and may be NULL. */
static enum MHD_Result
send_json(
    struct MHD_Connection *c, unsigned status, const char *allow, json_t *json)
{
	char *text = NULL;
	struct MHD_Response *resp;
	enum MHD_Result ok;

	if (status != 204) {
		text = json_dumps(json, JSON_INDENT(2));
		json_decref(json);
		if (text == NULL)
			return MHD_NO;
	}
	resp = MHD_create_response_from_buffer(
	    text != NULL ? strlen(text) : 0, text, MHD_RESPMEM_MUST_FREE);
	if (resp == NULL) {
		free(text);
		return MHD_NO;
	}
	ok = add_headers(resp, status, allow)
	    ? MHD_queue_response(c, status, resp)
	    : MHD_NO;
	MHD_destroy_response(resp);
	return ok;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, struct request *r)
{
	return send_json(
	    c, r->refused, r->allow, problem(r->refused, PST_OK, r->call.note));
}

static enum MHD_Result
answer(struct MHD_Connection *c, struct request *r, enum pst_err err)
{
	struct pst_admin_call *call = &r->call;
	json_t *out = call->out;
	unsigned status;

	call->out = NULL;
	if (err == PST_OK)
		return send_json(c, call->status, NULL, out);
	json_decref(out);
	status = status_of(err);
	return send_json(c, status, NULL,
	    problem(
		status, err, call->note[0] ? call->note : pst_err_name(err)));
}

/* --- reading a request ------------------------------------------------- */

static void
forbid(struct request *r, unsigned status, const char *why)
{
	r->refused = status;
	snprintf(r->call.note, sizeof(r->call.note), "%s", why);
}

/* The library would decode before the path is split, and a name with an
 * encoded slash would fall apart. */
static size_t
leave_encoded(void *cls, struct MHD_Connection *c, char *s)
{
	(void)cls;
	(void)c;
	return strlen(s);
}

static enum MHD_Result
query(void *cls, enum MHD_ValueKind kind, const char *key, const char *val)
{
	struct request *r = cls;

	(void)kind;
	if (pst_admin_query_take(&r->call, r->route, key, val))
		return MHD_YES;
	r->refused = 400;
	return MHD_NO;
}

static void
find_route(struct request *r, const char *url, const char *method)
{
	r->route = pst_admin_route_find(
	    &r->call, url, method, r->allow, sizeof(r->allow));
	if (r->route == NULL && r->allow[0] == 0)
		forbid(r, 404, "no such resource");
	else if (r->route == NULL)
		forbid(r, 405, "the resource does not know this method");
}

/* --- headers ----------------------------------------------------------- */

static const struct {
	const char *type, *subtype;
	size_t max;
} bodies[] = {
	[PST_ADMIN_NO_BODY] = { NULL, NULL, 0 },
	[PST_ADMIN_JSON] = { "application", "json", PST_ADMIN_JSON_MAX },
	[PST_ADMIN_ENVELOPE] = { "application", "suit-envelope+cbor",
	    PST_TAM_ENVELOPE_MAX },
	[PST_ADMIN_FILE] = { "application", "octet-stream",
	    PST_TAM_ENDORSEMENT_MAX },
};

struct headers {
	struct pst_http_accept json;
	bool accepts; /* there is an Accept header */
	const char *type;
	unsigned types;
	const char *length;
};

static enum MHD_Result
header(void *cls, enum MHD_ValueKind kind, const char *key, const char *val)
{
	struct headers *h = cls;
	struct pst_bytes value = { (const uint8_t *)val,
		val != NULL ? strlen(val) : 0 };

	(void)kind;
	if (strcasecmp(key, "Accept") == 0) {
		h->accepts = true;
		pst_http_accept_add(&h->json, value);
	} else if (strcasecmp(key, "Content-Type") == 0) {
		h->types++;
		h->type = val;
	} else if (strcasecmp(key, "Content-Length") == 0) {
		h->length = val;
	}
	return MHD_YES;
}

static bool
type_is(const struct headers *h, enum pst_admin_body body)
{
	struct pst_http_media m;
	struct pst_bytes value;

	if (h->types != 1 || h->type == NULL)
		return false;
	value = (struct pst_bytes){ (const uint8_t *)h->type, strlen(h->type) };
	return pst_http_media_type(value, &m) == PST_OK &&
	    pst_http_media_is(&m, bodies[body].type, bodies[body].subtype);
}

static void
judge_headers(struct request *r, struct MHD_Connection *c)
{
	struct headers h = { .accepts = false };
	int64_t length = 0;

	pst_http_accept_init(&h.json, "application", "json");
	MHD_get_connection_values(c, MHD_HEADER_KIND, header, &h);
	if (h.accepts && pst_http_accepts(&h.json) != PST_OK) {
		forbid(r, 406, "answers are application/json");
		return;
	}
	r->max = bodies[r->route->body].max;
	if (r->route->body != PST_ADMIN_NO_BODY &&
	    !type_is(&h, r->route->body)) {
		forbid(r, 415, "the body is of another Content-Type");
		return;
	}
	if (h.length != NULL && !pst_admin_number(h.length, INT64_MAX, &length))
		forbid(r, 400, "Content-Length is not a number");
	r->length = (uint64_t)length;
	if (r->length > r->max)
		forbid(r, 413, "the body is too large");
}

/* --- who --------------------------------------------------------------- */

/* The socket's mode keeps others out; this holds if somebody loosens it. */
static bool
identify(struct MHD_Connection *c, char who[PST_ADMIN_WHO_LEN])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct passwd pw, *found = NULL;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char buf[1024];

	if (info == NULL ||
	    getsockopt(
		info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	if (cred.uid != 0 && cred.uid != geteuid())
		return false;
	(void)getpwuid_r(cred.uid, &pw, buf, sizeof(buf), &found);
	if (found != NULL)
		snprintf(who, PST_ADMIN_WHO_LEN, "local:%.48s", pw.pw_name);
	else
		snprintf(who, PST_ADMIN_WHO_LEN, "local:%lu",
		    (unsigned long)cred.uid);
	return true;
}

/* --- a request's life -------------------------------------------------- */

static struct request *
request_new(struct pst_admin *admin)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->call.store = pst_tam_node_store(admin->config.node);
	r->call.reader = pst_tam_worker_reader(admin->worker);
	r->call.crypto = pst_tam_worker_crypto(admin->worker);
	r->call.uri = admin->config.uri;
	r->call.result_key = pst_tam_worker_result_key(admin->worker);
	r->call.result_life_s =
	    pst_tam_worker_policy(admin->worker)->result_life_s;
	r->call.now_s = (uint64_t)time(NULL);
	r->call.limit = PST_ADMIN_LIMIT;
	r->call.status = 200;
	return r;
}

static enum MHD_Result
begin(struct pst_admin *admin, struct MHD_Connection *c, const char *url,
    const char *method, void **ctx)
{
	struct request *r = request_new(admin);

	if (r == NULL)
		return MHD_NO;
	*ctx = r;
	if (!identify(c, r->call.who))
		forbid(r, 403, "this socket is its owner's");
	if (r->refused == 0)
		find_route(r, url, method);
	if (r->refused == 0)
		MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, query, r);
	if (r->refused == 0)
		judge_headers(r, c);
	return r->length > DROP_MAX ? refuse(c, r) : MHD_YES;
}

static bool
room(struct request *r, size_t want)
{
	size_t cap = r->cap > 0 ? r->cap : 4096;
	uint8_t *grown;

	while (cap < want)
		cap *= 2;
	if (cap == r->cap)
		return true;
	grown = realloc(r->body, cap);
	if (grown == NULL)
		return false;
	r->body = grown;
	r->cap = cap;
	return true;
}

/** @return false when the connection is to be closed without an answer */
static bool
gather(struct request *r, const char *data, size_t len)
{
	size_t have = r->call.body.len;

	if (r->refused == 0 && len > r->max - have)
		forbid(r, 413, "the body is too large");
	if (r->refused == 0 && !room(r, have + len))
		forbid(r, 503, "out of memory");
	if (r->refused != 0) {
		r->dropped += len;
		return r->dropped <= DROP_MAX;
	}
	memcpy(r->body + have, data, len);
	r->call.body = (struct pst_bytes){ r->body, have + len };
	return true;
}

static enum pst_err
parse_body(struct request *r)
{
	struct pst_admin_call *call = &r->call;
	json_error_t error;

	if (r->route->body != PST_ADMIN_JSON)
		return PST_OK;
	call->in = json_loadb((const char *)call->body.ptr, call->body.len,
	    JSON_REJECT_DUPLICATES, &error);
	if (call->in == NULL)
		return pst_admin_refuse(call, PST_ERR_ARG,
		    "body: not JSON: %.100s, at byte %d", error.text,
		    error.position);
	if (!json_is_object(call->in))
		return pst_admin_refuse(
		    call, PST_ERR_ARG, "body: not an object");
	return PST_OK;
}

static void
log_call(const struct pst_admin *admin, const struct request *r,
    const char *url, const char *method, enum pst_err err)
{
	bool change = strcmp(method, "GET") != 0;

	pst_log(admin->config.log, change ? PST_LOG_INFO : PST_LOG_DEBUG,
	    "admin who=%s %s %.200s outcome=\"%s\"", r->call.who, method, url,
	    err == PST_OK	  ? "done"
		: r->call.note[0] ? r->call.note
				  : pst_err_name(err));
}

static enum MHD_Result
finish(struct pst_admin *admin, struct MHD_Connection *c, struct request *r,
    const char *url, const char *method)
{
	enum pst_err err;

	if (r->refused != 0)
		return refuse(c, r);
	err = parse_body(r);
	if (err == PST_OK)
		err = r->route->run(&r->call);
	log_call(admin, r, url, method, err);
	return answer(c, r, err);
}

static enum MHD_Result
request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **ctx)
{
	struct request *r = *ctx;
	bool ok;

	(void)version;
	if (r == NULL)
		return begin(cls, c, url, method, ctx);
	if (*size == 0)
		return finish(cls, c, r, url, method);
	ok = gather(r, data, *size);
	*size = 0;
	return ok ? MHD_YES : MHD_NO;
}

static void
done(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct request *r = *ctx;

	(void)cls;
	(void)c;
	(void)code;
	if (r == NULL)
		return;
	*ctx = NULL;
	json_decref(r->call.in);
	json_decref(r->call.out);
	free(r->body);
	free(r);
}

/* --- socket ------------------------------------------------------------ */

static bool
is_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The state folder is locked, so a socket that is there is a dead one's. */
static int
open_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, saved;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	if (is_socket(path))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		saved = errno;
		close(fd);
		fd = -1;
		errno = saved;
	}
	umask(old);
	return fd;
}

static bool
library_start(struct pst_admin *admin)
{
	admin->mhd = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL,
	    NULL, request, admin, MHD_OPTION_LISTEN_SOCKET, admin->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, done, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	return admin->mhd != NULL;
}

static enum pst_err
fail(char note[PST_TAM_NOTE_MAX], const char *why)
{
	snprintf(note, PST_TAM_NOTE_MAX, "%s", why);
	return PST_ERR_IO;
}

enum pst_err
pst_admin_start(struct pst_admin **out, const struct pst_admin_config *config,
    char note[PST_TAM_NOTE_MAX])
{
	struct pst_admin *admin = calloc(1, sizeof(*admin));
	enum pst_err err;

	*out = NULL;
	if (admin == NULL)
		return fail(note, "out of memory");
	admin->config = *config;
	admin->fd = open_socket(config->path);
	if (admin->fd < 0) {
		err = fail(note, strerror(errno));
		goto free_admin;
	}
	snprintf(admin->path, sizeof(admin->path), "%s", config->path);
	err = pst_tam_worker_new(config->node, &admin->worker);
	if (err != PST_OK) {
		fail(note, pst_err_name(err));
		goto close_socket;
	}
	if (!library_start(admin)) {
		err = fail(note, "the HTTP library did not start");
		goto free_worker;
	}
	*out = admin;
	return PST_OK;

free_worker:
	pst_tam_worker_free(&admin->worker);
close_socket:
	close(admin->fd);
	(void)unlink(config->path);
free_admin:
	free(admin);
	return err;
}

void
pst_admin_free(struct pst_admin **adminp)
{
	struct pst_admin *admin = *adminp;

	*adminp = NULL;
	if (admin == NULL)
		return;
	/* Closes the socket, too. */
	MHD_stop_daemon(admin->mhd);
	(void)unlink(admin->path);
	pst_tam_worker_free(&admin->worker);
	free(admin);
}
