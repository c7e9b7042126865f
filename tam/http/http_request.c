/*
 * One request: refused by its headers, or gathered, handled and answered.
 *
 * A refusal is decided at the headers and, when the body is of a bearable
 * size, sent after the body was read and dropped: answering earlier closes the
 * connection, and a client that is still sending may never see the answer. A
 * body that is too large, framing that cannot be trusted, and a client that
 * waits for "100 Continue" are answered at once.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <postern/teep.h>

#include "http_header.h"
#include "http_internal.h"

/* A body that was refused is read no further than this many times the limit,
 * when its length was not said. */
enum { DROP_FACTOR = 4 };
enum { BODY_FIRST = 4096 };

/* Answers without content. */
enum answer {
	ANSWER_NONE, /* not decided */
	NO_CONTENT,
	BAD_REQUEST,
	NOT_FOUND,
	NOT_ALLOWED,
	NOT_ACCEPTABLE,
	LENGTH_REQUIRED,
	TOO_LARGE,
	UNSUPPORTED_TYPE,
	FAILED,
	OVERLOADED,
	STOPPING
};

#define STRING_(x) #x
#define STRING(x) STRING_(x)

static const struct {
	unsigned status;
	const char *header, *value;
	bool close;
	const char *reason; /* for the log */
} answers[] = {
	[NO_CONTENT] = { 204, NULL, NULL, false, NULL },
	[BAD_REQUEST] = { 400, NULL, NULL, true, "malformed request" },
	[NOT_FOUND] = { 404, NULL, NULL, false, "no such resource" },
	[NOT_ALLOWED] = { 405, "Allow", "POST", false, "not a POST" },
	[NOT_ACCEPTABLE] = { 406, NULL, NULL, false,
	    "Accept does not allow " PST_TEEP_MEDIA_TYPE },
	[LENGTH_REQUIRED] = { 411, NULL, NULL, true, "no Content-Length" },
	[TOO_LARGE] = { 413, NULL, NULL, true, "message is too large" },
	[UNSUPPORTED_TYPE] = { 415, NULL, NULL, false,
	    "Content-Type is not " PST_TEEP_MEDIA_TYPE },
	[FAILED] = { 500, NULL, NULL, false, NULL },
	[OVERLOADED] = { 503, "Retry-After", STRING(PST_HTTP_RETRY_AFTER_S),
	    false, "overloaded" },
	[STOPPING] = { 503, "Retry-After", STRING(PST_HTTP_RETRY_AFTER_S), true,
	    "shutting down" },
};
#define ANSWERS (sizeof(answers) / sizeof(*answers))
_Static_assert(ANSWERS <= EMPTY_RESPONSES, "room for each");

/** A request: first so that the exchange is its address. */
struct request {
	struct pst_http_exchange x;
	struct pst_http_instance *in;
	struct MHD_Connection *c;
	struct timespec begun;
	enum answer answer; /* when it has no content */
	bool handled;	    /* a handler has or had it: counted in working */
	bool later;
	bool typed;	  /* Content-Type is there, and right */
	uint64_t length;  /* Content-Length; UINT64_MAX: not said */
	uint64_t dropped; /* body bytes that were not kept */
	uint8_t *body;
	size_t cap; /* of body; counted in bodies */
	void *msg;  /* answer with content */
	size_t msg_len;
	size_t reserved; /* for an answer; counted in answers */
	bool answered;
};

bool
pst_http_responses_make(struct MHD_Response **out)
{
	size_t i;
	bool ok = true;

	for (i = NO_CONTENT; i < ANSWERS && ok; i++) {
		out[i] = MHD_create_response_from_buffer(
		    0, NULL, MHD_RESPMEM_PERSISTENT);
		if (out[i] == NULL)
			return false;
		ok = MHD_add_response_header(out[i], "Server", "Postern") ==
		    MHD_YES;
		if (ok && answers[i].header != NULL)
			ok = MHD_add_response_header(out[i], answers[i].header,
				 answers[i].value) == MHD_YES;
		if (ok && answers[i].close)
			ok = MHD_add_response_header(
				 out[i], "Connection", "close") == MHD_YES;
	}
	return ok;
}

void
pst_http_responses_free(struct MHD_Response **in)
{
	size_t i;

	for (i = 0; i < EMPTY_RESPONSES; i++) {
		if (in[i] != NULL)
			MHD_destroy_response(in[i]);
		in[i] = NULL;
	}
}

/* --- headers ----------------------------------------------------------- */

/** What the headers of a request said. */
struct headers {
	struct pst_http_accept accept;
	unsigned types, lengths, codings; /* how many there were */
	bool type_right;
	bool chunked;
	bool encoded; /* Content-Encoding: nothing defines one for TEEP */
	bool expects; /* "100-continue" */
	uint64_t length;
	bool bad;
};

static bool
named(struct pst_bytes a, const char *b)
{
	return a.len == strlen(b) &&
	    strncasecmp((const char *)a.ptr, b, a.len) == 0;
}

/* Digits alone, so that no two readers of the request disagree. */
static bool
length_of(struct pst_bytes in, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < in.len; i++) {
		if (in.ptr[i] < '0' || in.ptr[i] > '9')
			return false;
		if (n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(in.ptr[i] - '0');
	}
	*out = n;
	return in.len > 0;
}

static void
content_type(struct headers *h, struct pst_bytes value)
{
	struct pst_http_media m;

	h->types++;
	if (pst_http_media_type(value, &m) == PST_OK)
		h->type_right =
		    pst_http_media_is(&m, "application", "teep+cbor");
}

static enum MHD_Result
header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
    const char *val, size_t val_len)
{
	struct pst_bytes name = { (const uint8_t *)key, key_len };
	struct pst_bytes value = { (const uint8_t *)val, val_len };
	struct headers *h = cls;

	(void)kind;
	if (named(name, "Accept")) {
		pst_http_accept_add(&h->accept, value);
	} else if (named(name, "Content-Type")) {
		content_type(h, value);
	} else if (named(name, "Content-Length")) {
		h->lengths++;
		h->bad |= !length_of(value, &h->length);
	} else if (named(name, "Transfer-Encoding")) {
		h->codings++;
		h->chunked = named(value, "chunked");
	} else if (named(name, "Content-Encoding")) {
		h->encoded |= value.len > 0 && !named(value, "identity");
	} else if (named(name, "Expect")) {
		h->expects = true;
	}
	return MHD_YES;
}

/*
 * Two lengths, a length beside a coding, or a coding other than chunked: a
 * proxy may see another end of the request than we do (RFC 9112, Sections
 * 6.1 and 6.3).
 */
static bool
framing_is_sound(const struct headers *h, const char *version)
{
	if (h->bad || h->lengths > 1 || h->codings > 1)
		return false;
	if (h->codings == 0)
		return true;
	return h->chunked && h->lengths == 0 &&
	    strcmp(version, MHD_HTTP_VERSION_1_0) != 0;
}

static enum answer
judge_headers(const struct headers *h, size_t body_max)
{
	enum pst_err accepts = pst_http_accepts(&h->accept);

	if (h->types > 1)
		return BAD_REQUEST;
	/* It announces a body that nothing delimits. */
	if (h->types == 1 && h->lengths == 0 && h->codings == 0)
		return LENGTH_REQUIRED;
	if ((h->types == 1 && !h->type_right) || h->encoded)
		return UNSUPPORTED_TYPE;
	/* An empty POST has no Content-Type (Section 5.1.1). */
	if (h->types == 0 && h->length > 0 && h->length != UINT64_MAX)
		return UNSUPPORTED_TYPE;
	if (accepts == PST_ERR_NOT_FOUND)
		return NOT_ACCEPTABLE;
	if (accepts != PST_OK)
		return BAD_REQUEST;
	if (h->length != UINT64_MAX && h->length > body_max)
		return TOO_LARGE;
	return ANSWER_NONE;
}

static const struct {
	const char *path;
	enum pst_http_hint hint;
} paths[] = {
	{ "/tam", PST_HTTP_NO_HINT },
	{ "/tam/esp256", PST_HTTP_ESP256 },
	{ "/tam/ed25519", PST_HTTP_ED25519 },
};

static bool
find_path(const char *url, enum pst_http_hint *hint)
{
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (strcmp(paths[i].path, url) != 0)
			continue;
		*hint = paths[i].hint;
		return true;
	}
	return false;
}

/** Read and judge the headers; *now is set when the answer cannot wait. */
static enum answer
judge(struct request *r, const char *url, const char *method,
    const char *version, bool *now)
{
	struct pst_http *http = r->in->http;
	struct headers h = { .length = UINT64_MAX };
	enum answer a;

	pst_http_accept_init(&h.accept, "application", "teep+cbor");
	MHD_get_connection_values_n(r->c, MHD_HEADER_KIND, header, &h);
	r->length = h.length;
	r->typed = h.types == 1;
	*now = true;
	if (!framing_is_sound(&h, version))
		return BAD_REQUEST;
	if (atomic_load(&http->draining) || atomic_load(&r->in->closing))
		return STOPPING;
	if (!find_path(url, &r->x.hint))
		a = NOT_FOUND;
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		a = NOT_ALLOWED;
	else
		a = judge_headers(&h, http->config.body_max);
	*now = a != ANSWER_NONE &&
	    (answers[a].close || h.expects ||
		(h.length != UINT64_MAX && h.length > http->config.body_max));
	return a;
}

/* --- body -------------------------------------------------------------- */

static bool
reserve(atomic_size_t *held, size_t len, size_t max)
{
	size_t before = atomic_fetch_add(held, len);

	if (before <= max && len <= max - before)
		return true;
	atomic_fetch_sub(held, len);
	return false;
}

static void
drop_body(struct request *r)
{
	free(r->body);
	atomic_fetch_sub(&r->in->http->bodies, r->cap);
	r->body = NULL;
	r->cap = 0;
	r->x.body = (struct pst_bytes){ NULL, 0 };
}

/* Room for len bytes, doubling, so that memory follows what was sent and not
 * what was announced. */
static bool
room(struct request *r, size_t len)
{
	struct pst_http *http = r->in->http;
	size_t cap = r->cap > 0 ? r->cap : BODY_FIRST;
	uint8_t *grown;

	while (cap < len)
		cap *= 2;
	if (cap > r->length)
		cap = (size_t)r->length;
	if (cap <= r->cap)
		return len <= r->cap;
	if (!reserve(&http->bodies, cap - r->cap, http->config.bodies_max))
		return false;
	grown = realloc(r->body, cap);
	if (grown == NULL) {
		atomic_fetch_sub(&http->bodies, cap - r->cap);
		return false;
	}
	r->body = grown;
	r->cap = cap;
	return true;
}

/** @return false when the connection is to be closed without an answer */
static bool
gather(struct request *r, const char *data, size_t len)
{
	size_t max = r->in->http->config.body_max;

	if (r->answer == ANSWER_NONE && len > max - r->x.body.len)
		r->answer = TOO_LARGE;
	if (r->answer == ANSWER_NONE && !room(r, r->x.body.len + len))
		r->answer = OVERLOADED;
	if (r->answer != ANSWER_NONE) {
		drop_body(r);
		r->dropped += len;
		return r->dropped <= (uint64_t)DROP_FACTOR * max;
	}
	memcpy(r->body + r->x.body.len, data, len);
	r->x.body.ptr = r->body;
	r->x.body.len += len;
	return true;
}

/* --- answer ------------------------------------------------------------ */

/* What a name or a reason holds must not look like another field. */
static const char *
unquoted(char *out, size_t cap, const char *text)
{
	size_t i;

	for (i = 0; text[i] != 0 && i < cap - 1; i++)
		out[i] = text[i] == '"' ? '\'' : text[i];
	out[i] = 0;
	return out;
}

static void
log_request(const struct request *r, unsigned status)
{
	const struct pst_http_exchange *x = &r->x;
	const struct pst_log *log = r->in->http->config.log;
	const char *reason = x->reason[0] ? x->reason : NULL;
	char device[sizeof(x->device)], text[sizeof(x->reason)];
	struct timespec now;
	double ms;

	if (!pst_log_wants(log, PST_LOG_INFO))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (double)(now.tv_sec - r->begun.tv_sec) * 1e3 +
	    (double)(now.tv_nsec - r->begun.tv_nsec) / 1e6;
	if (reason == NULL && r->msg == NULL)
		reason = answers[r->answer].reason;
	if (status == 0)
		reason = "connection ended before the answer";
	pst_log(log, PST_LOG_INFO,
	    "teep peer=%s device=\"%s\" got=%s sent=%s status=%u reason=\"%s\" "
	    "ms=%.1f",
	    x->peer, unquoted(device, sizeof(device), x->device),
	    x->message ? x->message : "-", x->answered ? x->answered : "-",
	    status, unquoted(text, sizeof(text), reason ? reason : ""), ms);
}

/* Content is not to be treated as active by browsers (Section 4). There is no
 * Cache-Control: the binding forbids it. */
static const struct {
	const char *name, *value;
} content_headers[] = {
	{ "Content-Type", PST_TEEP_MEDIA_TYPE },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy", "default-src 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Server", "Postern" },
};

static struct MHD_Response *
with_content(struct request *r)
{
	struct MHD_Response *resp;
	size_t i;

	resp = MHD_create_response_from_buffer(
	    r->msg_len, r->msg, MHD_RESPMEM_MUST_FREE);
	if (resp == NULL)
		return NULL;
	r->msg = NULL; /* the response owns it now */
	for (i = 0; i < sizeof(content_headers) / sizeof(*content_headers);
	     i++) {
		if (MHD_add_response_header(resp, content_headers[i].name,
			content_headers[i].value) == MHD_YES)
			continue;
		MHD_destroy_response(resp);
		return NULL;
	}
	return resp;
}

static enum MHD_Result
answer(struct request *r)
{
	struct pst_http *http = r->in->http;
	struct MHD_Response *resp;
	enum MHD_Result ok;

	if (r->handled)
		atomic_fetch_sub(&r->in->working, 1);
	r->handled = false;
	drop_body(r);
	pst_http_conn_deadline(r->c,
	    pst_http_now_ms() + http->config.request_ms +
		(int64_t)(r->msg_len * 1000 / PST_HTTP_RATE_MIN));
	r->answered = true;
	if (r->msg == NULL) {
		log_request(r, answers[r->answer].status);
		return MHD_queue_response(
		    r->c, answers[r->answer].status, http->empty[r->answer]);
	}
	log_request(r, MHD_HTTP_OK);
	resp = with_content(r);
	if (resp == NULL)
		return MHD_NO;
	ok = MHD_queue_response(r->c, MHD_HTTP_OK, resp);
	MHD_destroy_response(resp);
	return ok;
}

void
pst_http_later(struct pst_http_exchange *x)
{
	struct request *r = x->private;

	if (r->later)
		return;
	r->later = true;
	MHD_suspend_connection(r->c);
}

bool
pst_http_reserve(struct pst_http_exchange *x, size_t len)
{
	struct request *r = x->private;
	struct pst_http *http = r->in->http;

	if (!reserve(&http->answers, len, http->config.answers_max))
		return false;
	r->reserved += len;
	return true;
}

static enum answer
answer_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_NO_CONTENT:
		return NO_CONTENT;
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		return OVERLOADED;
	default:
		return FAILED;
	}
}

void
pst_http_reply(
    struct pst_http_exchange *x, unsigned status, void *msg, size_t len)
{
	struct request *r = x->private;

	if (status == MHD_HTTP_OK && msg != NULL && len > 0) {
		r->msg = msg;
		r->msg_len = len;
	} else {
		free(msg);
	}
	r->answer = answer_of(status);
	/* From here on the library's thread has the request. */
	if (r->later)
		MHD_resume_connection(r->c);
}

static enum MHD_Result
handle(struct request *r)
{
	struct pst_http *http = r->in->http;

	if (r->answer == ANSWER_NONE && r->x.body.len > 0 && !r->typed)
		r->answer = UNSUPPORTED_TYPE;
	if (r->answer != ANSWER_NONE)
		return answer(r);
	atomic_fetch_add(&r->in->working, 1);
	r->handled = true;
	/* After it was counted: see struct pst_http_instance. */
	if (atomic_load(&r->in->closing)) {
		r->answer = STOPPING;
		return answer(r);
	}
	pst_http_conn_deadline(r->c, INT64_MAX);
	http->config.handler(http->config.ctx, &r->x);
	return r->later ? MHD_YES : answer(r);
}

/* --- a request's life -------------------------------------------------- */

static void
peer_of(struct MHD_Connection *c, char *out, size_t cap)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;
	struct sockaddr_in6 a6;
	struct sockaddr_in a4;

	snprintf(out, cap, "-");
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET) {
		memcpy(&a4, sa, sizeof(a4));
		inet_ntop(AF_INET, &a4.sin_addr, text, sizeof(text));
		snprintf(out, cap, "%s:%u", text, ntohs(a4.sin_port));
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&a6, sa, sizeof(a6));
		inet_ntop(AF_INET6, &a6.sin6_addr, text, sizeof(text));
		snprintf(out, cap, "[%s]:%u", text, ntohs(a6.sin6_port));
	}
}

static enum MHD_Result
begin(struct pst_http_instance *in, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, void **ctx)
{
	struct request *r = calloc(1, sizeof(*r));
	bool now;

	if (r == NULL)
		return MHD_NO;
	*ctx = r;
	r->in = in;
	r->c = c;
	r->x.private = r;
	clock_gettime(CLOCK_MONOTONIC, &r->begun);
	atomic_fetch_add(&in->open, 1);
	peer_of(c, r->x.peer, sizeof(r->x.peer));
	r->answer = judge(r, url, method, version, &now);
	return now ? answer(r) : MHD_YES;
}

enum MHD_Result
pst_http_request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **ctx)
{
	struct request *r = *ctx;
	bool ok;

	if (r == NULL)
		return begin(cls, c, url, method, version, ctx);
	if (*size > 0) {
		ok = gather(r, data, *size);
		*size = 0;
		return ok ? MHD_YES : MHD_NO;
	}
	if (r->later)
		return answer(r);
	return handle(r);
}

void
pst_http_request_done(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct pst_http_instance *in = cls;
	const struct pst_http_config *config = &in->http->config;
	struct request *r = *ctx;

	(void)code;
	if (r == NULL)
		return;
	*ctx = NULL;
	if (!r->answered)
		log_request(r, 0);
	pst_http_conn_deadline(c,
	    pst_http_now_ms() + (int64_t)config->idle_s * 1000 +
		config->request_ms);
	if (r->handled)
		atomic_fetch_sub(&in->working, 1);
	drop_body(r);
	atomic_fetch_sub(&in->http->answers, r->reserved);
	free(r->msg);
	free(r);
	atomic_fetch_sub(&in->open, 1);
}
