/*
 * The network side of the broker. A handle carries out one transfer at a time
 * and keeps its connections between them.
 *
 * struct transfer is the state of one request: what the header lines said so
 * far, where the body goes, and why it was stopped.
 */
#include "internal.h"

#include <postern/teep.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifndef PST_VERSION
#define PST_VERSION "0"
#endif

/* Below this many bytes a second a transfer counts as stalled. */
#define STALL_BYTES_S 64
/* Fetched since the last failure, it makes the next failure a first one. */
#define PROGRESS_BYTES 65536
/* Breaks of one payload, however much came between them. */
#define BREAKS_MAX 64

struct pst_http {
	CURL *easy;
	struct pst_broker_config config;
	char error[CURL_ERROR_SIZE];
	uint8_t *body; /* of an answer to POST */
	size_t body_cap;
};

struct transfer {
	struct pst_http *http;

	struct pst_http_headers headers; /* of the present response */

	/* POST: the body is kept; GET: it goes to the sink */
	size_t body_len;
	struct pst_http_get *get;
	uint64_t at;   /* GET: bytes of the payload delivered so far */
	uint64_t skip; /* of this response, because they were had before */
	const char *known_etag;

	enum pst_err err; /* why a callback stopped the transfer */
	const char *reason;
};

struct pst_http *
pst_http_client_new(const struct pst_broker_config *config)
{
	struct pst_http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->config = *config;
	pst_broker_defaults(&h->config);
	h->easy = curl_easy_init();
	if (h->easy == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

void
pst_http_client_free(struct pst_http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->easy);
	free(h->body);
	free(h);
	curl_global_cleanup();
}

/* --- callbacks --------------------------------------------------------- */

static size_t
on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	pst_http_header(&t->headers, line, size * count);
	return size * count;
}

static int
on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct pst_http *h = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return pst_broker_stopped(&h->config);
}

/* --- one request ------------------------------------------------------- */

/* Only what can stand in a request line goes there. */
static bool
uri_ok(const char *uri)
{
	const char *p;

	if (strncasecmp(uri, "http://", 7) != 0 &&
	    strncasecmp(uri, "https://", 8) != 0)
		return false;
	for (p = uri; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return p - uri <= PST_BROKER_URI_MAX;
}

static bool
is_https(const char *uri)
{
	return strncasecmp(uri, "https://", 8) == 0;
}

static size_t
discard(char *data, size_t size, size_t count, void *ctx)
{
	(void)data, (void)ctx;
	return size * count;
}

/* What every request has in common. */
static void
prepare(struct pst_http *h, struct transfer *t, const char *uri)
{
	CURL *e = h->easy;

	h->error[0] = '\0';
	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, uri);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	/* draft-ietf-teep-otrp-over-http, Section 4: TEEP redirects MUST NOT
	 * be followed; those of payloads are followed one by one in get_once,
	 * where each hop is judged. */
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "postern/" PST_VERSION);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(
	    e, CURLOPT_CONNECTTIMEOUT_MS, (long)h->config.connect_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_S);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)h->config.stall_s);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (h->config.cacert != NULL) {
		/* These and no others: not the system's folder beside them. */
		curl_easy_setopt(e, CURLOPT_CAINFO, h->config.cacert);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, h);
}

static CURLcode
perform(struct pst_http *h, const char *const *lines, size_t count)
{
	struct curl_slist *list = NULL, *longer;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	size_t i;

	for (i = 0; i < count; i++) {
		longer = curl_slist_append(list, lines[i]);
		if (longer == NULL)
			goto free_list;
		list = longer;
	}
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, list);
	code = curl_easy_perform(h->easy);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
free_list:
	curl_slist_free_all(list);
	return code;
}

/* Nothing of the request reached the server: it may be repeated. */
static bool
never_sent(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY ||
	    code == CURLE_COULDNT_CONNECT;
}

static const char *
curl_says(const struct pst_http *h, CURLcode code)
{
	return h->error[0] != '\0' ? h->error : curl_easy_strerror(code);
}

/* How long to wait before attempt n (0 is the first repetition). */
static uint64_t
backoff_ms(const struct pst_http *h, uint32_t n, uint32_t asked_s)
{
	uint64_t wait_ms = (uint64_t)h->config.retry_ms << (n < 6 ? n : 6);

	wait_ms += pst_broker_jitter((uint32_t)(wait_ms / 4 + 1));
	if (asked_s != 0 && wait_ms < (uint64_t)asked_s * 1000)
		wait_ms = (uint64_t)asked_s * 1000;
	return wait_ms;
}

/* --- POST -------------------------------------------------------------- */

static size_t
stop(struct transfer *t, enum pst_err err, const char *reason)
{
	t->err = err;
	t->reason = reason;
	return 0; /* fewer bytes than were given: libcurl stops */
}

static bool
body_room(struct pst_http *h, size_t want)
{
	size_t cap = h->body_cap == 0 ? 4096 : h->body_cap;
	uint8_t *longer;

	if (want <= h->body_cap)
		return true;
	while (cap < want)
		cap *= 2;
	longer = realloc(h->body, cap);
	if (longer == NULL)
		return false;
	h->body = longer;
	h->body_cap = cap;
	return true;
}

static size_t
on_answer(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	if (t->headers.status < 200 || t->headers.status > 299)
		return len; /* an error page; nobody reads it */
	if (len > PST_MESSAGE_MAX - t->body_len)
		return stop(t, PST_ERR_TEEP_TOO_LARGE,
		    "answer is larger than a TEEP message may be");
	if (!body_room(t->http, t->body_len + len))
		return stop(t, PST_ERR_SPACE, "out of memory");
	memcpy(t->http->body + t->body_len, data, len);
	t->body_len += len;
	return len;
}

static CURLcode
post_once(struct pst_http *h, const char *uri, struct pst_bytes message,
    struct transfer *t)
{
	/* An empty POST opens a session and has no type (Section 5.1). "Expect"
	 * is libcurl's idea for large bodies; not every server knows it. */
	const char *const lines[] = { "Accept: " PST_TEEP_MEDIA_TYPE, "Expect:",
		message.len == 0 ? "Content-Type:"
				 : "Content-Type: " PST_TEEP_MEDIA_TYPE };

	memset(t, 0, sizeof(*t));
	t->http = h;
	prepare(h, t, uri);
	curl_easy_setopt(
	    h->easy, CURLOPT_TIMEOUT_MS, (long)h->config.exchange_ms);
	curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(
	    h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message.len);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS,
	    message.len == 0 ? "" : (const char *)message.ptr);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, t);
	return perform(h, lines, sizeof(lines) / sizeof(lines[0]));
}

/* Turn what happened into an answer; PST_OK only for a usable 2xx. */
static enum pst_err
judge_post(struct pst_http *h, CURLcode code, const struct transfer *t,
    struct pst_http_answer *out)
{
	out->status = t->headers.status;
	out->retry_after_s = t->headers.retry_after_s;
	out->unsent = never_sent(code);
	if (t->err != PST_OK) {
		(void)snprintf(out->why, sizeof(out->why), "%s", t->reason);
		return PST_ERR_IO;
	}
	if (code != CURLE_OK) {
		(void)snprintf(
		    out->why, sizeof(out->why), "%s", curl_says(h, code));
		return PST_ERR_IO;
	}
	if (t->headers.status >= 300 && t->headers.status <= 399) {
		(void)snprintf(out->why, sizeof(out->why),
		    "HTTP %ld: a redirect, which TEEP forbids to follow; "
		    "set the TAM's real URI in the agent",
		    t->headers.status);
		return PST_ERR_IO;
	}
	if (t->headers.status < 200 || t->headers.status > 299) {
		(void)snprintf(
		    out->why, sizeof(out->why), "HTTP %ld", t->headers.status);
		return PST_ERR_IO;
	}
	if (t->body_len != 0 && !t->headers.teep_type) {
		(void)snprintf(out->why, sizeof(out->why),
		    "HTTP %ld, but its body is not " PST_TEEP_MEDIA_TYPE
		    "; is this URI a TAM's?",
		    t->headers.status);
		return PST_ERR_IO;
	}
	out->body = (struct pst_bytes){ h->body, t->body_len };
	return PST_OK;
}

/* 429 and 503 were not acted upon; neither was what was never sent. */
static bool
may_repeat_post(const struct pst_http_answer *a)
{
	return a->unsent || a->status == 429 || a->status == 503;
}

enum pst_err
pst_http_post(struct pst_http *h, const char *uri, struct pst_bytes message,
    struct pst_http_answer *out)
{
	char shown[PST_BROKER_SHOWN_MAX];
	struct transfer t;
	enum pst_err err;
	uint64_t wait_ms;
	uint32_t n;

	for (n = 0;; n++) {
		memset(out, 0, sizeof(*out));
		if (!uri_ok(uri)) {
			(void)snprintf(out->why, sizeof(out->why),
			    "not an http or https URI");
			return PST_ERR_IO;
		}
		err = judge_post(h, post_once(h, uri, message, &t), &t, out);
		if (err == PST_OK || n >= h->config.retries ||
		    !may_repeat_post(out) || pst_broker_stopped(&h->config))
			return err;
		wait_ms = backoff_ms(h, n, out->retry_after_s);
		if (wait_ms > PST_BROKER_PATIENCE_MS)
			return err;
		pst_broker_log(&h->config, true,
		    "%s: %s; again in %" PRIu64 " ms",
		    pst_broker_uri_shown(uri, shown), out->why, wait_ms);
		if (!pst_broker_pause(&h->config, wait_ms))
			return err;
	}
}

/* --- GET --------------------------------------------------------------- */

/* Is this response's body the payload, and where does it begin? */
static bool
body_position(struct transfer *t)
{
	if (t->headers.status == 206) {
		if (t->headers.range_start_known &&
		    t->headers.range_start == t->at)
			return true;
		(void)stop(t, PST_ERR_FETCH,
		    "server sent another range than was asked for");
		return false;
	}
	if (t->known_etag[0] != '\0' && t->headers.etag[0] != '\0' &&
	    strcmp(t->known_etag, t->headers.etag) != 0) {
		(void)stop(t, PST_ERR_FETCH,
		    "payload changed on the server while it was fetched");
		return false;
	}
	t->skip = t->at; /* no ranges here: pass over what we have */
	return true;
}

static size_t
on_payload(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;
	size_t skip;
	struct pst_bytes bytes;

	if (t->headers.status != 200 && t->headers.status != 206)
		return len; /* an error page; nobody reads it */
	if (t->body_len == 0 && !body_position(t))
		return 0;
	t->body_len += len;
	skip = t->skip < len ? (size_t)t->skip : len;
	t->skip -= skip;
	bytes = (struct pst_bytes){ (const uint8_t *)data + skip, len - skip };
	if (bytes.len == 0)
		return len;
	t->err = t->get->sink(t->get->ctx, bytes);
	if (t->err != PST_OK)
		return 0;
	t->at += bytes.len;
	return len;
}

/* Ask for the rest; a tag makes a changed payload come whole (13.1.5). */
static CURLcode
get_request(struct pst_http *h, const char *uri, struct transfer *t)
{
	char range[64], if_range[PST_BROKER_ETAG_MAX + 16];
	const char *lines[3] = { "Accept: */*" };
	size_t n = 1;

	prepare(h, t, uri);
	curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_payload);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, t);
	if (t->at != 0) {
		(void)snprintf(
		    range, sizeof(range), "Range: bytes=%" PRIu64 "-", t->at);
		lines[n++] = range;
	}
	if (t->at != 0 && t->known_etag[0] != '\0') {
		(void)snprintf(
		    if_range, sizeof(if_range), "If-Range: %s", t->known_etag);
		lines[n++] = if_range;
	}
	return perform(h, lines, n);
}

/* Where a redirect points, if we may go there; else NULL with t->reason. */
static const char *
redirect_target(struct pst_http *h, struct transfer *t, uint32_t hops)
{
	char *to = NULL;

	if (hops >= PST_BROKER_REDIRECTS_MAX) {
		(void)stop(t, PST_ERR_FETCH, "more than 5 redirects");
		return NULL;
	}
	if (curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &to) != 0 ||
	    to == NULL || !uri_ok(to)) {
		(void)stop(t, PST_ERR_FETCH,
		    "redirect to something that is no http or https URI");
		return NULL;
	}
	/* Only to https: a redirect that anybody on the way could have made
	 * leads to a server that must prove who it is. */
	if (!is_https(to)) {
		(void)stop(t, PST_ERR_FETCH, "redirect to http refused");
		return NULL;
	}
	return to;
}

/* One attempt from t->at on, redirects included. */
static CURLcode
get_once(struct pst_http *h, struct transfer *t)
{
	char uri[PST_BROKER_URI_MAX + 1];
	const char *to;
	uint32_t hops;
	CURLcode code;

	(void)snprintf(uri, sizeof(uri), "%s", t->get->uri);
	for (hops = 0;; hops++) {
		memset(&t->headers, 0, sizeof(t->headers));
		t->body_len = 0;
		t->skip = 0;
		code = get_request(h, uri, t);
		if (code != CURLE_OK || t->headers.status < 300 ||
		    t->headers.status > 399 || t->headers.status == 304)
			return code;
		to = redirect_target(h, t, hops);
		if (to == NULL)
			return CURLE_OK;
		/* `to` dies with the next request */
		(void)snprintf(uri, sizeof(uri), "%s", to);
	}
}

enum verdict { WHOLE, BROKEN, REFUSED };

static enum verdict
judge_get(struct pst_http *h, CURLcode code, struct transfer *t, char *why,
    size_t cap)
{
	if (t->err != PST_OK) {
		(void)snprintf(why, cap, "%s",
		    t->reason != NULL ? t->reason : "stopped by the agent");
		return REFUSED;
	}
	if (code != CURLE_OK) {
		(void)snprintf(why, cap, "%s", curl_says(h, code));
		return BROKEN;
	}
	/* All bytes were had before (RFC 9110, Section 15.5.17). */
	if (t->headers.status == 416 && t->at != 0 &&
	    t->headers.range_total_known && t->headers.range_total == t->at)
		return WHOLE;
	if (t->headers.status == 200 && t->body_len == 0 && !body_position(t)) {
		(void)snprintf(why, cap, "%s", t->reason);
		return REFUSED;
	}
	if (t->skip != 0) {
		(void)snprintf(why, cap,
		    "payload is shorter than what was fetched before");
		return REFUSED;
	}
	if (t->headers.status == 206 && t->headers.range_total_known &&
	    t->at < t->headers.range_total) {
		(void)snprintf(why, cap, "server sent a part of the rest");
		return BROKEN;
	}
	if (t->headers.status == 200 || t->headers.status == 206)
		return WHOLE;
	(void)snprintf(why, cap, "HTTP %ld", t->headers.status);
	/* Timeouts, rate limits and server errors may pass; 4xx will not. */
	return t->headers.status == 408 || t->headers.status == 429 ||
		t->headers.status >= 500
	    ? BROKEN
	    : REFUSED;
}

enum pst_err
pst_http_get(struct pst_http *h, struct pst_http_get *get)
{
	char tag[PST_BROKER_ETAG_MAX] = "", shown[PST_BROKER_SHOWN_MAX];
	struct transfer t = {
		.http = h, .get = get, .at = get->offset, .known_etag = tag
	};
	uint64_t since = t.at, wait_ms;
	uint32_t failures = 0, breaks;
	enum verdict v;

	if (!uri_ok(get->uri)) {
		(void)snprintf(
		    get->why, sizeof(get->why), "not an http or https URI");
		return PST_ERR_FETCH;
	}
	for (breaks = 0;; breaks++) {
		v = judge_get(
		    h, get_once(h, &t), &t, get->why, sizeof(get->why));
		if (v == WHOLE)
			return PST_OK;
		if (v == REFUSED)
			return t.err != PST_OK ? t.err : PST_ERR_FETCH;
		if (tag[0] == '\0' &&
		    (t.headers.status == 200 || t.headers.status == 206))
			memcpy(tag, t.headers.etag, sizeof(tag));
		failures = t.at - since >= PROGRESS_BYTES ? 0 : failures + 1;
		since = t.at;
		wait_ms = backoff_ms(h, failures, t.headers.retry_after_s);
		if (failures > h->config.retries || breaks >= BREAKS_MAX ||
		    wait_ms > PST_BROKER_PATIENCE_MS ||
		    pst_broker_stopped(&h->config))
			return PST_ERR_FETCH;
		pst_broker_log(&h->config, true,
		    "%s: %s; from byte %" PRIu64 " again in %" PRIu64 " ms",
		    pst_broker_uri_shown(get->uri, shown), get->why, t.at,
		    wait_ms);
		if (!pst_broker_pause(&h->config, wait_ms))
			return PST_ERR_FETCH;
	}
}
