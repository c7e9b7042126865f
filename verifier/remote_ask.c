/*
 * One session of the challenge-response API. Whatever the Verifier answers is
 * hostile until its result's signature was checked, which is not done here;
 * here it must keep to the API, in bounds, and speak of our nonce.
 */
#include "remote_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session.h"

#define POLL_FIRST_MS 100
#define POLL_MAX_MS 1000
/* What is told to the Verifier that its session is over may take so long. */
#define CLOSE_MS 1000

int64_t
pst_remote_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
pst_remote_nap(const atomic_bool *stop, int64_t ms)
{
	struct timespec t = { 0, 10000000 };
	int64_t until = pst_remote_now_ms() + ms;

	while (!atomic_load(stop) && pst_remote_now_ms() < until)
		nanosleep(&t, NULL);
}

static enum pst_err fail(struct pst_remote_ask *a, enum pst_err err,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum pst_err
fail(struct pst_remote_ask *a, enum pst_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(a->note, sizeof(a->note), format, args);
	va_end(args);
	return err;
}

/* --- one request --------------------------------------------------------- */

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct pst_remote_ask *a = ctx;
	size_t len = size * count, cap = a->cap > 0 ? a->cap : 4096;
	uint8_t *more;

	if (len > PST_REMOTE_ANSWER_MAX - a->len) {
		a->too_large = true;
		return 0;
	}
	while (cap < a->len + len)
		cap *= 2;
	if (cap > a->cap) {
		more = realloc(a->body, cap);
		if (more == NULL)
			return 0;
		a->body = more;
		a->cap = cap;
	}
	memcpy(a->body + a->len, data, len);
	a->len += len;
	return len;
}

static int
on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct pst_remote_ask *ask = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(ask->stop);
}

static void
prepare(struct pst_remote_ask *a, const char *url, int64_t limit_ms)
{
	const struct pst_remote_config *config = a->config;
	CURL *e = a->easy;

	a->error[0] = '\0';
	a->len = 0;
	a->too_large = false;
	a->status = 0;
	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	/* No proxy of the environment: Evidence goes to the Verifier alone. */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_USERAGENT, "postern");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, a->error);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (config->ca != NULL) {
		curl_easy_setopt(e, CURLOPT_CAINFO, config->ca);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, a);
}

static bool
add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

/* @return PST_OK with a->status set, whatever it is */
static enum pst_err
perform(struct pst_remote_ask *a, const char *type)
{
	char line[sizeof("Content-Type: ") + 256];
	struct curl_slist *list = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	snprintf(line, sizeof(line), "Content-Type:%s%s",
	    type != NULL ? " " : "", type != NULL ? type : "");
	if (add_line(&list, "Accept: " PST_SESSION_TYPE) &&
	    add_line(&list, "Expect:") && add_line(&list, line)) {
		curl_easy_setopt(a->easy, CURLOPT_HTTPHEADER, list);
		code = curl_easy_perform(a->easy);
	}
	curl_slist_free_all(list);
	if (code == CURLE_OK)
		curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &a->status);
	if (code == CURLE_OK)
		return PST_OK;
	if (a->too_large)
		return fail(a, PST_ERR_FETCH, "its answer is too large");
	return fail(a, PST_ERR_FETCH, "%s",
	    a->error[0] != '\0' ? a->error : curl_easy_strerror(code));
}

/* What is left of the job's time, for one request. */
static int64_t
limit(const struct pst_remote_ask *a)
{
	int64_t left = a->until_ms - pst_remote_now_ms();

	if (left > (int64_t)a->config->request_ms)
		return a->config->request_ms;
	return left > 1 ? left : 1;
}

static void
post(struct pst_remote_ask *a, const uint8_t *bytes, size_t len)
{
	curl_easy_setopt(a->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(a->easy, CURLOPT_POSTFIELDS,
	    bytes != NULL ? (const char *)bytes : "");
	curl_easy_setopt(a->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
}

/* May another try end otherwise? 408, 429 and 5xx pass. */
static bool
passes(const struct pst_remote_ask *a, enum pst_err err)
{
	if (err != PST_OK)
		return !a->too_large;
	return a->status == 408 || a->status == 429 || a->status >= 500;
}

/* --- the session's address ------------------------------------------------ */

static bool
same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = NULL, *y = NULL;
	bool same;

	same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    strcmp(x, y) == 0;
	curl_free(x);
	curl_free(y);
	return same;
}

/* Location is relative to what was asked. A Verifier must not send Evidence to
 * another host than the operator named. From curl_free's allocator. */
static char *
session_url(const char *asked, const char *location)
{
	CURLU *base = curl_url(), *u = curl_url();
	char *out = NULL;

	if (base != NULL && u != NULL &&
	    curl_url_set(base, CURLUPART_URL, asked, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, asked, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    same_part(base, u, CURLUPART_SCHEME) &&
	    same_part(base, u, CURLUPART_HOST) &&
	    same_part(base, u, CURLUPART_PORT) &&
	    curl_url_get(u, CURLUPART_URL, &out, 0) != CURLUE_OK)
		out = NULL;
	curl_url_cleanup(base);
	curl_url_cleanup(u);
	return out;
}

static bool
new_session_url(const struct pst_remote_ask *a,
    const struct pst_remote_job *job, char *out, size_t cap)
{
	char nonce[PST_SESSION_NONCE_TEXT];
	size_t len = strlen(a->config->uri);
	int n;

	while (len > 0 && a->config->uri[len - 1] == '/')
		len--;
	pst_session_nonce_text(
	    (struct pst_bytes){ job->nonce, job->nonce_len }, nonce);
	n = snprintf(out, cap, "%.*s" PST_SESSION_API "newSession?nonce=%s",
	    (int)len, a->config->uri, nonce);
	return n > 0 && (size_t)n < cap;
}

/* --- the session ---------------------------------------------------------- */

/* A session that speaks of another nonce is not ours. */
static enum pst_err
read_session(struct pst_remote_ask *a, const struct pst_remote_job *job,
    struct pst_session *s)
{
	struct pst_bytes ours = { job->nonce, job->nonce_len };
	enum pst_err err;

	err = pst_session_read((struct pst_bytes){ a->body, a->len }, s);
	if (err != PST_OK)
		return fail(a, PST_ERR_FETCH, "its answer is not a session");
	if (pst_equal(ours, (struct pst_bytes){ s->nonce, s->nonce_len }))
		return PST_OK;
	pst_session_free(s);
	return fail(a, PST_ERR_FETCH, "its session has another nonce");
}

/* Which form it takes; form_count: none of them. */
static size_t
choose(const struct pst_session *s, const struct pst_remote_job *job)
{
	size_t i;

	for (i = 0; i < job->form_count; i++) {
		const char *f = job->form[i].format;

		if (pst_session_accepts(
			s, (struct pst_bytes){ (const uint8_t *)f, strlen(f) }))
			return i;
	}
	return i;
}

static enum pst_err
open_session(struct pst_remote_ask *a, const struct pst_remote_job *job,
    char **url, size_t *form, bool *again)
{
	struct curl_header *location = NULL;
	char asked[2048];
	struct pst_session s;
	enum pst_err err;

	if (!new_session_url(a, job, asked, sizeof(asked)))
		return fail(a, PST_ERR_FETCH, "its URI is too long");
	prepare(a, asked, limit(a));
	post(a, NULL, 0);
	err = perform(a, NULL);
	*again = passes(a, err);
	if (err != PST_OK)
		return err;
	if (a->status != 201)
		return fail(
		    a, PST_ERR_FETCH, "newSession: HTTP status %ld", a->status);
	if (curl_easy_header(a->easy, "Location", 0, CURLH_HEADER, -1,
		&location) != CURLHE_OK)
		return fail(
		    a, PST_ERR_FETCH, "newSession: there is no Location");
	*url = session_url(asked, location->value);
	if (*url == NULL)
		return fail(
		    a, PST_ERR_FETCH, "newSession: Location is elsewhere");
	err = read_session(a, job, &s);
	if (err != PST_OK)
		return err;
	*form = choose(&s, job);
	pst_session_free(&s);
	if (*form < job->form_count)
		return PST_OK;
	return fail(
	    a, PST_ERR_UNSUPPORTED, "it does not take %s", job->form[0].format);
}

static enum pst_err
hand_in(struct pst_remote_ask *a, const struct pst_remote_job *job,
    const char *url, size_t form, bool *again)
{
	enum pst_err err;

	prepare(a, url, limit(a));
	post(a, job->form[form].bytes, job->form[form].len);
	err = perform(a, job->form[form].format);
	*again = passes(a, err);
	if (err != PST_OK || a->status == 200 || a->status == 202)
		return err;
	if (a->status == 415)
		return fail(a, PST_ERR_UNSUPPORTED, "it does not take %s",
		    job->form[form].format);
	if (a->status == 400 || a->status == 413)
		return fail(a, PST_ERR_EAT_CLAIM,
		    "it does not read the Evidence: HTTP status %ld",
		    a->status);
	return fail(a, PST_ERR_FETCH, "Evidence: HTTP status %ld", a->status);
}

/* The result of what a->body shows; PST_ERR_AGAIN: it is still at work. */
static enum pst_err
take_result(struct pst_remote_ask *a, const struct pst_remote_job *job)
{
	struct pst_session s;
	enum pst_err err = read_session(a, job, &s);

	if (err != PST_OK)
		return err;
	if (s.status == PST_SESSION_COMPLETE) {
		a->token = strndup((const char *)s.result.ptr, s.result.len);
		if (a->token == NULL)
			err = fail(a, PST_ERR_FETCH, "out of memory");
	} else if (s.status == PST_SESSION_FAILED) {
		err = fail(a, PST_ERR_FETCH, "its appraisal failed");
	} else {
		err = PST_ERR_AGAIN;
	}
	pst_session_free(&s);
	return err;
}

static enum pst_err
await(struct pst_remote_ask *a, const struct pst_remote_job *job,
    const char *url, bool *again)
{
	int64_t wait_ms = POLL_FIRST_MS;
	enum pst_err err;

	for (;;) {
		*again = false;
		err = take_result(a, job);
		if (err != PST_ERR_AGAIN)
			return err;
		if (pst_remote_now_ms() + wait_ms >= a->until_ms)
			return fail(a, PST_ERR_FETCH, "no result in time");
		pst_remote_nap(a->stop, wait_ms);
		wait_ms = 2 * wait_ms < POLL_MAX_MS ? 2 * wait_ms : POLL_MAX_MS;
		prepare(a, url, limit(a));
		err = perform(a, NULL);
		*again = passes(a, err);
		if (err != PST_OK)
			return err;
		if (a->status != 200 && a->status != 202)
			return fail(a, PST_ERR_FETCH,
			    "session: HTTP status %ld", a->status);
	}
}

/* It would expire by itself: whether this works changes nothing. */
static void
close_session(struct pst_remote_ask *a, const char *url)
{
	char kept[PST_REMOTE_NOTE_MAX];

	memcpy(kept, a->note, sizeof(kept));
	prepare(a, url, CLOSE_MS);
	curl_easy_setopt(a->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	(void)perform(a, NULL);
	memcpy(a->note, kept, sizeof(kept));
}

enum pst_err
pst_remote_session(
    struct pst_remote_ask *a, const struct pst_remote_job *job, bool *again)
{
	char *url = NULL;
	size_t form = 0;
	enum pst_err err;

	a->note[0] = '\0';
	a->until_ms = job->until_ms;
	*again = false;
	err = open_session(a, job, &url, &form, again);
	if (err == PST_OK)
		err = hand_in(a, job, url, form, again);
	if (err == PST_OK)
		err = await(a, job, url, again);
	if (url != NULL && !atomic_load(a->stop))
		close_session(a, url);
	curl_free(url);
	return err;
}
