/*
 * Sessions and HTTP of the Verifier's service. One thread serves all: an
 * appraisal takes less than a millisecond and keeps nothing.
 *
 * Sessions are in a table of fixed size. A client's address has a share of
 * it: whoever opens more pushes out his own, the answered ones first. In a full
 * table sessions that had their answer give way; those that still wait for
 * Evidence never do, and the next client is told to come back.
 */
#include "serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ports/openssl/openssl.h"
#include "session.h"
#include "tam/http/http_header.h"

#define API PST_SESSION_API
#define SESSION_SUBTYPE "vnd.veraison.challenge-response-session+json"
#define DISCOVERY_SUBTYPE "vnd.veraison.discovery+json"
#define DISCOVERY_TYPE "application/" DISCOVERY_SUBTYPE
#define PROBLEM_TYPE "application/problem+json"
#define ID_LEN 16
#define UUID_LEN 36
#define NONCE_DEFAULT 32
#define TYPE_MAX 256
#define PEER_LEN 9
#define RETRY_S "5"
/* A client that sends more than it may is read so far, to be told. */
#define DRAIN_MAX (4 * PST_VERIFIER_EVIDENCE_MAX)
#define STOP_STEP_NS 10000000

struct session {
	uint8_t id[ID_LEN];
	bool used, complete;
	uint64_t serial;	/* grows from session to session */
	uint8_t peer[PEER_LEN]; /* who opened it */
	uint64_t expires_s;
	size_t nonce_len;
	uint8_t nonce[PST_EAT_NONCE_MAX];
	char *evidence_type, *evidence64, *result; /* owned */
	size_t held;				   /* bytes of evidence64 */
};

struct pst_verifier_service {
	struct pst_verifier_serve config;
	struct MHD_Daemon *mhd;
	struct session *sessions;
	uint64_t serial;    /* of the newest session */
	size_t held;	    /* by all sessions; PST_VERIFIER_HELD_MAX at most */
	atomic_uint active; /* requests that have no answer yet */
	struct pst_appraisal appraisal;
};

/* A request while its body comes. */
struct request {
	uint8_t *body;
	size_t len, cap;
	size_t dropped; /* bytes beyond the limit */
	bool too_large;
	time_t began_s;
};

/* --- answers -----------------------------------------------------------------
 */

/* A header that an answer may have beside those that all have. */
struct extra {
	const char *name, *value;
};

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, const char *type, char *text,
    const struct extra *extra)
{
	struct MHD_Response *r;
	enum MHD_Result done = MHD_NO;

	if (text == NULL)
		return MHD_NO;
	r = MHD_create_response_from_buffer(
	    strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(text);
		return MHD_NO;
	}
	if (type != NULL)
		(void)MHD_add_response_header(
		    r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (extra != NULL)
		(void)MHD_add_response_header(r, extra->name, extra->value);
	(void)MHD_add_response_header(
	    r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static char *
dump(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	return text;
}

static enum MHD_Result
problem_with(struct MHD_Connection *c, unsigned status, const char *title,
    const char *detail, const struct extra *extra)
{
	return answer(c, status, PROBLEM_TYPE,
	    dump(json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank",
		"title", title, "status", (int)status, "detail", detail)),
	    extra);
}

static enum MHD_Result
problem(struct MHD_Connection *c, unsigned status, const char *title,
    const char *detail)
{
	return problem_with(c, status, title, detail, NULL);
}

/* RFC 9110, Section 15.5.6: the answer MUST say what is allowed. */
static enum MHD_Result
not_allowed(struct MHD_Connection *c, const char *methods)
{
	const struct extra allow = { MHD_HTTP_HEADER_ALLOW, methods };

	return problem_with(c, 405, "Method Not Allowed", "see Allow", &allow);
}

static enum MHD_Result
accept_one(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (value != NULL && strcasecmp(name, MHD_HTTP_HEADER_ACCEPT) == 0)
		pst_http_accept_add(cls,
		    (struct pst_bytes){
			(const uint8_t *)value, strlen(value) });
	return MHD_YES;
}

/* A client without Accept takes what comes (RFC 9110, Section 12.5.1). */
static bool
accepts(struct MHD_Connection *c, const char *subtype)
{
	struct pst_http_accept a;

	if (MHD_lookup_connection_value(
		c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT) == NULL)
		return true;
	pst_http_accept_init(&a, "application", subtype);
	MHD_get_connection_values(c, MHD_HEADER_KIND, accept_one, &a);
	return pst_http_accepts(&a) == PST_OK;
}

static enum MHD_Result
not_acceptable(struct MHD_Connection *c, const char *type)
{
	return problem(c, 406, "Not Acceptable", type);
}

/* --- base64, identifiers
 * ------------------------------------------------------ */

/* Padded, of the ordinary alphabet; malloc'd. */
static char *
base64(struct pst_bytes in)
{
	char *out = malloc(4 * in.len / 3 + 8);

	if (out != NULL)
		EVP_EncodeBlock((unsigned char *)out, in.ptr, (int)in.len);
	return out;
}

static void
uuid_text(const uint8_t id[ID_LEN], char out[UUID_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t i, n = 0;

	for (i = 0; i < ID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = digits[id[i] >> 4];
		out[n++] = digits[id[i] & 15];
	}
	out[n] = '\0';
}

/* --- sessions
 * ------------------------------------------------------------------ */

static void
drop(struct pst_verifier_service *v, struct session *s)
{
	v->held -= s->held;
	free(s->evidence_type);
	free(s->evidence64);
	free(s->result);
	memset(s, 0, sizeof(*s));
}

/* Room for so much Evidence: sessions that had theirs go, the oldest first. */
static void
make_room(struct pst_verifier_service *v, size_t len)
{
	while (v->held + len > PST_VERIFIER_HELD_MAX) {
		struct session *oldest = NULL;
		size_t i;

		for (i = 0; i < PST_VERIFIER_SESSIONS_MAX; i++) {
			struct session *s = &v->sessions[i];

			if (s->held > 0 &&
			    (oldest == NULL || s->serial < oldest->serial))
				oldest = s;
		}
		if (oldest == NULL)
			return;
		drop(v, oldest);
	}
}

/* Family and address; of IPv6 the network, which one client has whole. */
static void
peer_of(struct MHD_Connection *c, uint8_t out[PEER_LEN])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info != NULL ? info->client_addr : NULL;

	memset(out, 0, PEER_LEN);
	if (a != NULL && a->sa_family == AF_INET) {
		out[0] = 4;
		memcpy(out + 1, &((const struct sockaddr_in *)a)->sin_addr, 4);
	} else if (a != NULL && a->sa_family == AF_INET6) {
		out[0] = 6;
		memcpy(
		    out + 1, &((const struct sockaddr_in6 *)a)->sin6_addr, 8);
	}
}

/* Answered ones first, then the oldest. */
static struct session *
rather(struct session *a, struct session *b)
{
	if (a == NULL || b->complete != a->complete)
		return a == NULL || b->complete ? b : a;
	return b->serial < a->serial ? b : a;
}

/* Where a session of this peer goes; NULL: nowhere at the moment. */
static struct session *
place(struct pst_verifier_service *v, const uint8_t peer[PEER_LEN])
{
	struct session *empty = NULL, *own = NULL, *any = NULL;
	uint64_t now_s = (uint64_t)time(NULL);
	size_t i, owned = 0;

	for (i = 0; i < PST_VERIFIER_SESSIONS_MAX; i++) {
		struct session *s = &v->sessions[i];

		if (s->used && s->expires_s < now_s)
			drop(v, s);
		if (!s->used) {
			empty = s;
			continue;
		}
		any = rather(any, s);
		if (memcmp(s->peer, peer, PEER_LEN) != 0)
			continue;
		own = rather(own, s);
		owned++;
	}
	if (owned >= PST_VERIFIER_PER_ADDRESS_MAX)
		return own;
	if (empty != NULL)
		return empty;
	return any->complete ? any : NULL;
}

static struct session *
find(struct pst_verifier_service *v, const char *name)
{
	uint64_t now_s = (uint64_t)time(NULL);
	char text[UUID_LEN + 1];
	size_t i;

	if (strlen(name) != UUID_LEN)
		return NULL;
	for (i = 0; i < PST_VERIFIER_SESSIONS_MAX; i++) {
		struct session *s = &v->sessions[i];

		if (!s->used)
			continue;
		if (s->expires_s < now_s) {
			drop(v, s);
			continue;
		}
		uuid_text(s->id, text);
		if (memcmp(text, name, UUID_LEN) == 0)
			return s;
	}
	return NULL;
}

static json_t *
accepted_types(void)
{
	json_t *list = json_array();
	const char *const *formats = NULL;
	const char *name;
	size_t n, k;

	for (n = 0; pst_verifier_technology(n, &name, &formats); n++)
		for (k = 0; formats[k] != NULL; k++)
			json_array_append_new(list, json_string(formats[k]));
	json_array_append_new(list, json_string(PST_EVIDENCE_FORMAT));
	return list;
}

static char *
session_json(const struct session *s)
{
	struct pst_bytes nonce = { s->nonce, s->nonce_len };
	char text[PST_SESSION_NONCE_TEXT], when[32];
	time_t t = (time_t)s->expires_s;
	struct tm tm;
	json_t *j;

	pst_session_nonce_text(nonce, text);
	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	j = json_pack("{s:s, s:s, s:s, s:o}", "nonce", text, "expiry", when,
	    "status", s->complete ? "complete" : "waiting", "accept",
	    accepted_types());
	if (s->complete) {
		json_object_set_new(j, "evidence",
		    json_pack("{s:s, s:s}", "type", s->evidence_type, "value",
			s->evidence64));
		json_object_set_new(j, "result", json_string(s->result));
	}
	return dump(j);
}

/* The nonce that was given, or so many random bytes. */
static bool
choose_nonce(
    struct pst_verifier_service *v, struct MHD_Connection *c, struct session *s)
{
	const struct pst_crypto *crypto = v->config.verifier->crypto;
	const char *given =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "nonce");
	const char *size =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "nonceSize");
	char *end = NULL;
	unsigned long n = NONCE_DEFAULT;

	if (given != NULL)
		return size == NULL &&
		    pst_session_nonce_read(given, s->nonce, &s->nonce_len);
	if (size != NULL)
		n = strtoul(size, &end, 10);
	if ((end != NULL && (*end != '\0' || end == size)) ||
	    n < PST_EAT_NONCE_MIN || n > PST_EAT_NONCE_MAX)
		return false;
	s->nonce_len = n;
	return crypto->random(crypto->ctx, s->nonce, n) == PST_OK;
}

static enum MHD_Result
new_session(struct pst_verifier_service *v, struct MHD_Connection *c)
{
	const struct pst_crypto *crypto = v->config.verifier->crypto;
	struct session fresh = { .used = true };
	char location[16 + UUID_LEN] = "session/";
	const struct extra where = { MHD_HTTP_HEADER_LOCATION, location };
	const struct extra later = { MHD_HTTP_HEADER_RETRY_AFTER, RETRY_S };
	struct session *s;

	if (!accepts(c, SESSION_SUBTYPE))
		return not_acceptable(c, PST_SESSION_TYPE);
	if (!choose_nonce(v, c, &fresh))
		return problem(c, 400, "Bad Request",
		    "nonce or nonceSize, of 8 to 64 bytes");
	if (crypto->random(crypto->ctx, fresh.id, ID_LEN) != PST_OK)
		return problem(
		    c, 500, "Internal Server Error", "no random bytes");
	fresh.expires_s = (uint64_t)time(NULL) + PST_VERIFIER_SESSION_S;
	peer_of(c, fresh.peer);
	s = place(v, fresh.peer);
	if (s == NULL)
		return problem_with(c, 503, "Service Unavailable",
		    "there are too many sessions", &later);
	drop(v, s);
	fresh.serial = ++v->serial;
	*s = fresh;
	uuid_text(s->id, location + strlen("session/"));
	return answer(c, 201, PST_SESSION_TYPE, session_json(s), &where);
}

/* --- appraisal
 * -------------------------------------------------------------------- */

/* What the session shows from now on. */
static enum pst_err
complete(struct pst_verifier_service *v, struct session *s,
    struct pst_bytes type, struct pst_bytes evidence, const char *token)
{
	size_t held = 4 * evidence.len / 3 + 8;

	make_room(v, held);
	s->result = strdup(token);
	s->evidence64 = base64(evidence);
	s->evidence_type = strndup((const char *)type.ptr, type.len);
	s->held = held;
	v->held += held;
	s->complete = s->result != NULL && s->evidence64 != NULL &&
	    s->evidence_type != NULL;
	if (s->complete)
		return PST_OK;
	drop(v, s);
	return PST_ERR_LIMIT;
}

static enum pst_err
appraise(struct pst_verifier_service *v, struct session *s,
    struct pst_bytes type, struct pst_bytes evidence)
{
	struct pst_appraisal *a = &v->appraisal;
	struct pst_bytes nonce = { s->nonce, s->nonce_len };
	struct pst_ear_args args = { v->config.crypto, v->config.signer, NULL,
		v->config.developer, v->config.build, { NULL, 0 } };
	uint64_t now_s = (uint64_t)time(NULL);
	char token[4096];
	struct pst_ear ear;
	size_t len;
	enum pst_err err;

	/* What is wrong is told in the result. */
	err = pst_verifier_open(v->config.verifier, evidence, type, now_s, a);
	if (err == PST_OK)
		err = pst_verifier_judge(
		    v->config.verifier, nonce, NULL, now_s, a);
	if (err >= PST_ERR_STORE)
		return err;
	if (v->config.log != NULL)
		v->config.log(v->config.log_ctx, a);
	pst_ear_of(a, &ear);
	ear.has_iat = ear.has_exp = true;
	ear.iat = now_s;
	ear.exp = now_s + v->config.lifetime_s;
	ear.nonce_len = s->nonce_len;
	memcpy(ear.nonce, s->nonce, s->nonce_len);
	args.submod = a->technology;
	err = pst_ear_write_jwt(&ear, &args, token, sizeof(token) - 1, &len);
	if (err != PST_OK)
		return err;
	token[len] = '\0';
	return complete(v, s, type, evidence, token);
}

/* The types that are taken, in Accept (RFC 9110, Section 12.5.1). */
static enum MHD_Result
not_taken(struct MHD_Connection *c)
{
	json_t *list = accepted_types(), *item;
	char types[2048] = "";
	const struct extra accept = { MHD_HTTP_HEADER_ACCEPT, types };
	size_t i, len = 0;

	json_array_foreach(list, i, item)
	{
		const char *type = json_string_value(item);
		size_t n = strlen(type);

		if (len + n + 3 > sizeof(types))
			break;
		if (len > 0) {
			memcpy(types + len, ", ", 2);
			len += 2;
		}
		memcpy(types + len, type, n + 1);
		len += n;
	}
	json_decref(list);
	return problem_with(c, 415, "Unsupported Media Type",
	    "see Accept, or \"accept\" of the session", &accept);
}

static enum MHD_Result
submit(struct pst_verifier_service *v, struct MHD_Connection *c,
    struct session *s, const struct request *r)
{
	const char *type = MHD_lookup_connection_value(
	    c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	struct pst_bytes format = { (const uint8_t *)type,
		type != NULL ? strlen(type) : 0 };

	if (!accepts(c, SESSION_SUBTYPE))
		return not_acceptable(c, PST_SESSION_TYPE);
	if (s->complete)
		return problem(
		    c, 400, "Bad Request", "the session has had its Evidence");
	if (r->too_large)
		return problem(
		    c, 413, "Content Too Large", "Evidence of more than 1 MiB");
	if (format.len == 0 || format.len > TYPE_MAX ||
	    !pst_verifier_knows(format))
		return not_taken(c);
	if (appraise(v, s, format, (struct pst_bytes){ r->body, r->len }) !=
	    PST_OK)
		return problem(c, 500, "Internal Server Error",
		    "the appraisal could not be made");
	return answer(c, 200, PST_SESSION_TYPE, session_json(s), NULL);
}

/* --- discovery
 * -------------------------------------------------------------------- */

static json_t *
own_jwk(const struct pst_verifier_service *v)
{
	struct pst_key key = { .pub = *v->config.signer_pub };
	uint8_t text[PST_KEY_ENCODED_MAX];
	size_t len;

	if (pst_key_encode(
		&key, PST_KEY_JWK, false, text, sizeof(text), &len) != PST_OK)
		return NULL;
	return json_loadb((const char *)text, len, 0, NULL);
}

static enum MHD_Result
discovery(struct pst_verifier_service *v, struct MHD_Connection *c)
{
	json_t *j = json_pack("{s:o?, s:o, s:s, s:s, s:{s:s, s:s}}",
	    "ear-verification-key", own_jwk(v), "media-types", accepted_types(),
	    "version", v->config.build, "service-state", "READY",
	    "api-endpoints", "newChallengeResponseSession", API "newSession",
	    "challengeResponseSession", API "session/{id}");

	if (!accepts(c, DISCOVERY_SUBTYPE)) {
		json_decref(j);
		return not_acceptable(c, DISCOVERY_TYPE);
	}
	return answer(c, 200, DISCOVERY_TYPE, dump(j), NULL);
}

/* --- requests
 * ---------------------------------------------------------------------- */

static enum MHD_Result
of_session(struct pst_verifier_service *v, struct MHD_Connection *c,
    const char *name, const char *method, const struct request *r)
{
	struct session *s = find(v, name);

	if (s == NULL)
		return problem(c, 404, "Not Found", "there is no such session");
	if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
		return submit(v, c, s, r);
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 &&
	    !accepts(c, SESSION_SUBTYPE))
		return not_acceptable(c, PST_SESSION_TYPE);
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
		return answer(c, 200, PST_SESSION_TYPE, session_json(s), NULL);
	if (strcmp(method, MHD_HTTP_METHOD_DELETE) != 0)
		return not_allowed(c, "GET, POST, DELETE");
	drop(v, s);
	return answer(c, 204, NULL, strdup(""), NULL);
}

static enum MHD_Result
route(struct pst_verifier_service *v, struct MHD_Connection *c, const char *url,
    const char *method, const struct request *r)
{
	static const char session[] = API "session/";
	bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;

	if (strcmp(url, API "newSession") == 0)
		return post ? new_session(v, c) : not_allowed(c, "POST");
	if (strncmp(url, session, strlen(session)) == 0)
		return of_session(v, c, url + strlen(session), method, r);
	if (strcmp(url, "/.well-known/veraison/verification") == 0)
		return strcmp(method, MHD_HTTP_METHOD_GET) == 0
		    ? discovery(v, c)
		    : not_allowed(c, "GET");
	return problem(c, 404, "Not Found", "no such resource");
}

/* Keep what is within the limit; the rest is read and dropped. */
static bool
gather(struct request *r, const char *data, size_t len)
{
	uint8_t *more;
	size_t cap;

	if (r->too_large || len > PST_VERIFIER_EVIDENCE_MAX - r->len) {
		r->too_large = true;
		r->dropped += len;
		return r->dropped <= DRAIN_MAX;
	}
	if (r->len + len > r->cap) {
		cap = 2 * r->cap > r->len + len ? 2 * r->cap : r->len + len;
		more = realloc(r->body, cap);
		if (more == NULL)
			return false;
		r->body = more;
		r->cap = cap;
	}
	memcpy(r->body + r->len, data, len);
	r->len += len;
	return true;
}

static enum MHD_Result
request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **ctx)
{
	struct pst_verifier_service *v = cls;
	struct request *r = *ctx;

	(void)version;
	if (r == NULL) {
		*ctx = r = calloc(1, sizeof(*r));
		if (r == NULL)
			return MHD_NO;
		r->began_s = time(NULL);
		atomic_fetch_add(&v->active, 1);
		return MHD_YES;
	}
	if (*size > 0) {
		/* Byte by byte nobody's connection is idle. */
		if (time(NULL) - r->began_s > PST_VERIFIER_REQUEST_S ||
		    !gather(r, data, *size))
			return MHD_NO;
		*size = 0;
		return MHD_YES;
	}
	return route(v, c, url, method, r);
}

static void
done(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode how)
{
	struct pst_verifier_service *v = cls;
	struct request *r = *ctx;

	(void)c;
	(void)how;
	if (r == NULL)
		return;
	atomic_fetch_sub(&v->active, 1);
	free(r->body);
	free(r);
	*ctx = NULL;
}

enum pst_err
pst_verifier_start(
    struct pst_verifier_service **out, const struct pst_verifier_serve *config)
{
	struct pst_verifier_service *v = calloc(1, sizeof(*v));
	bool tls = config->cert != NULL;

	*out = NULL;
	if (v != NULL)
		v->sessions =
		    calloc(PST_VERIFIER_SESSIONS_MAX, sizeof(*v->sessions));
	if (v == NULL || v->sessions == NULL) {
		free(v);
		return PST_ERR_LIMIT;
	}
	v->config = *config;
	v->mhd = MHD_start_daemon(
	    MHD_USE_EPOLL_INTERNAL_THREAD | (tls ? MHD_USE_TLS : 0), 0, NULL,
	    NULL, request, v, MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)PST_VERIFIER_CONNECTIONS_MAX,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)PST_VERIFIER_CONNECTIONS_MAX / 4,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PST_VERIFIER_REQUEST_S,
	    MHD_OPTION_NOTIFY_COMPLETED, done, v,
	    tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, config->cert,
	    MHD_OPTION_HTTPS_MEM_KEY, config->key_pem, MHD_OPTION_END);
	if (v->mhd == NULL) {
		pst_verifier_stop(&v);
		return PST_ERR_IO;
	}
	*out = v;
	return PST_OK;
}

/* Nobody new, and those who are here get their answer. */
static void
drain(struct pst_verifier_service *v)
{
	struct timespec step = { 0, STOP_STEP_NS };
	time_t until = time(NULL) + PST_VERIFIER_DRAIN_S;

	(void)MHD_quiesce_daemon(v->mhd);
	while (atomic_load(&v->active) > 0 && time(NULL) < until)
		nanosleep(&step, NULL);
}

void
pst_verifier_stop(struct pst_verifier_service **service)
{
	struct pst_verifier_service *v = *service;
	size_t i;

	*service = NULL;
	if (v == NULL)
		return;
	if (v->mhd != NULL) {
		drain(v);
		MHD_stop_daemon(v->mhd);
	}
	for (i = 0; i < PST_VERIFIER_SESSIONS_MAX; i++)
		drop(v, &v->sessions[i]);
	free(v->sessions);
	free(v);
}
