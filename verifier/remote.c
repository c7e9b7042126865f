/*
 * Threads and queue. A job is repeated while its time allows when the Verifier
 * was not reached or said that it is overloaded; when all tries failed nobody
 * else is made to wait for the same for a moment (rest_until_ms).
 */
#include "remote_internal.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 3200
#define URI_MAX 1024

struct thread {
	struct pst_remote *remote;
	pthread_t id;
	struct pst_remote_ask ask;
};

struct pst_remote {
	struct pst_remote_config config;
	pthread_mutex_t lock; /* of the queue and rest_until_ms */
	pthread_cond_t wake;
	struct pst_remote_job *first, **last;
	unsigned queued;
	int64_t rest_until_ms;
	atomic_bool stop;
	unsigned thread_count;
	struct thread *thread;
};

void
pst_remote_config_init(struct pst_remote_config *config)
{
	memset(config, 0, sizeof(*config));
	config->threads = PST_REMOTE_THREADS;
	config->queue_max = PST_REMOTE_QUEUE_MAX;
	config->request_ms = PST_REMOTE_REQUEST_MS;
	config->total_ms = PST_REMOTE_TOTAL_MS;
	config->rest_ms = PST_REMOTE_REST_MS;
}

/* --- the URI -------------------------------------------------------------- */

static bool
has(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return there;
}

static bool
is(CURLU *u, CURLUPart part, const char *wanted)
{
	char *text = NULL;
	bool same = curl_url_get(u, part, &text, 0) == CURLUE_OK &&
	    strcmp(text, wanted) == 0;

	curl_free(text);
	return same;
}

static bool
on_this_host(CURLU *u)
{
	struct in_addr a;
	char *host = NULL;
	bool yes = is(u, CURLUPART_HOST, "localhost") ||
	    is(u, CURLUPART_HOST, "[::1]");

	if (!yes && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    inet_pton(AF_INET, host, &a) == 1)
		yes = ntohl(a.s_addr) >> 24 == 127;
	curl_free(host);
	return yes;
}

const char *
pst_remote_uri_refused(const char *uri)
{
	CURLU *u = curl_url();
	const char *why = NULL;

	if (u == NULL || strlen(uri) > URI_MAX ||
	    curl_url_set(u, CURLUPART_URL, uri, 0) != CURLUE_OK)
		why = "not a URI";
	else if (has(u, CURLUPART_USER) || has(u, CURLUPART_QUERY) ||
	    has(u, CURLUPART_FRAGMENT))
		why = "user, query and fragment are not for a Verifier's URI";
	else if (is(u, CURLUPART_SCHEME, "http") && !on_this_host(u))
		why = "http is for this host alone: give an https URI";
	else if (!is(u, CURLUPART_SCHEME, "http") &&
	    !is(u, CURLUPART_SCHEME, "https"))
		why = "not an https URI";
	curl_url_cleanup(u);
	return why;
}

/* --- jobs ----------------------------------------------------------------- */

static void
job_free(struct pst_remote_job *job)
{
	size_t i;

	for (i = 0; job != NULL && i < job->form_count; i++) {
		free(job->form[i].format);
		free(job->form[i].bytes);
	}
	free(job);
}

/* What goes into a header line must not end it. */
static bool
is_line(struct pst_bytes text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	return text.len > 0 && text.len <= 256;
}

static bool
copy_form(struct pst_remote_job *job, const struct pst_unverified *u, size_t i)
{
	struct pst_bytes format = u->form[i].format, bytes = u->form[i].bytes;
	size_t n = job->form_count;
	size_t cap = bytes.ptr != NULL
	    ? bytes.len
	    : u->report.len + u->certificates.len + PST_FORM_OVERHEAD;

	if (!is_line(format))
		return true; /* nobody can accept it */
	job->form[n].format = strndup((const char *)format.ptr, format.len);
	job->form[n].bytes = malloc(cap + 1);
	job->form_count++;
	if (job->form[n].format == NULL || job->form[n].bytes == NULL)
		return false;
	if (pst_unverified_form(u, i, job->form[n].bytes, cap, &bytes) !=
	    PST_OK)
		return false;
	if (bytes.ptr != job->form[n].bytes)
		memcpy(job->form[n].bytes, bytes.ptr, bytes.len);
	job->form[n].len = bytes.len;
	return true;
}

static struct pst_remote_job *
job_new(const struct pst_unverified *u, struct pst_bytes nonce)
{
	struct pst_remote_job *job = calloc(1, sizeof(*job));
	size_t i;

	if (job == NULL)
		return NULL;
	memcpy(job->nonce, nonce.ptr, nonce.len);
	job->nonce_len = nonce.len;
	for (i = 0; i < u->form_count; i++) {
		if (copy_form(job, u, i))
			continue;
		job_free(job);
		return NULL;
	}
	return job;
}

static enum pst_err
enqueue(struct pst_remote *r, struct pst_remote_job *job)
{
	int64_t now = pst_remote_now_ms();
	enum pst_err err = PST_OK;

	job->until_ms = now + r->config.total_ms;
	pthread_mutex_lock(&r->lock);
	if (atomic_load(&r->stop) || now < r->rest_until_ms ||
	    r->queued == r->config.queue_max) {
		err = PST_ERR_BUSY;
	} else {
		*r->last = job;
		r->last = &job->next;
		r->queued++;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

enum pst_err
pst_remote_submit(struct pst_remote *r, const struct pst_unverified *evidence,
    struct pst_bytes nonce, pst_remote_done *done, void *ctx)
{
	struct pst_remote_job *job;
	enum pst_err err;

	if (nonce.len < PST_EAT_NONCE_MIN || nonce.len > PST_EAT_NONCE_MAX)
		return PST_ERR_ARG;
	job = job_new(evidence, nonce);
	if (job == NULL)
		return PST_ERR_LIMIT;
	if (job->form_count == 0) {
		job_free(job);
		return PST_ERR_UNSUPPORTED;
	}
	job->done = done;
	job->ctx = ctx;
	err = enqueue(r, job);
	if (err != PST_OK)
		job_free(job);
	return err;
}

/* --- threads -------------------------------------------------------------- */

static struct pst_remote_job *
next_job(struct pst_remote *r)
{
	struct pst_remote_job *job;

	pthread_mutex_lock(&r->lock);
	while (r->first == NULL && !atomic_load(&r->stop))
		pthread_cond_wait(&r->wake, &r->lock);
	job = r->first;
	if (job != NULL) {
		r->first = job->next;
		if (r->first == NULL)
			r->last = &r->first;
		r->queued--;
	}
	pthread_mutex_unlock(&r->lock);
	return job;
}

static bool
resting(struct pst_remote *r)
{
	bool yes;

	pthread_mutex_lock(&r->lock);
	yes = pst_remote_now_ms() < r->rest_until_ms;
	pthread_mutex_unlock(&r->lock);
	return yes;
}

static void
rest(struct pst_remote *r)
{
	pthread_mutex_lock(&r->lock);
	r->rest_until_ms = pst_remote_now_ms() + r->config.rest_ms;
	pthread_mutex_unlock(&r->lock);
}

static enum pst_err
try_until_late(struct pst_remote *r, struct pst_remote_ask *a,
    const struct pst_remote_job *job)
{
	int64_t wait_ms = BACKOFF_FIRST_MS;
	enum pst_err err;
	bool again;

	for (;;) {
		err = pst_remote_session(a, job, &again);
		if (err == PST_OK || !again)
			return err;
		if (pst_remote_now_ms() + wait_ms >= job->until_ms)
			break;
		pst_remote_nap(&r->stop, wait_ms);
		if (atomic_load(&r->stop))
			return err;
		if (wait_ms < BACKOFF_MAX_MS)
			wait_ms *= 2;
	}
	rest(r);
	return err;
}

static void
run(struct pst_remote *r, struct pst_remote_ask *a, struct pst_remote_job *job)
{
	struct pst_remote_answer answer = { .err = PST_ERR_FETCH };

	a->token = NULL;
	snprintf(a->note, sizeof(a->note), "it failed a moment ago");
	/* Waited too long in the queue: whoever asked is gone. */
	if (atomic_load(&r->stop))
		snprintf(a->note, sizeof(a->note), "the server stops");
	else if (!resting(r) && pst_remote_now_ms() < job->until_ms)
		answer.err = try_until_late(r, a, job);
	if (answer.err == PST_OK)
		answer.token = (struct pst_bytes){ (const uint8_t *)a->token,
			strlen(a->token) };
	answer.note = a->note;
	job->done(job->ctx, &answer);
	free(a->token);
	a->token = NULL;
	job_free(job);
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct pst_remote_job *job;

	while ((job = next_job(t->remote)) != NULL)
		run(t->remote, &t->ask, job);
	return NULL;
}

static bool
thread_start(struct pst_remote *r, struct thread *t)
{
	t->remote = r;
	t->ask.config = &r->config;
	t->ask.stop = &r->stop;
	t->ask.easy = curl_easy_init();
	if (t->ask.easy == NULL)
		return false;
	if (pthread_create(&t->id, NULL, thread_main, t) == 0)
		return true;
	curl_easy_cleanup(t->ask.easy);
	return false;
}

static bool
cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

enum pst_err
pst_remote_start(
    struct pst_remote **out, const struct pst_remote_config *config)
{
	struct pst_remote *r;

	*out = NULL;
	if (pst_remote_uri_refused(config->uri) != NULL)
		return PST_ERR_ARG;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return PST_ERR_IO;
	r = calloc(1, sizeof(*r));
	if (r != NULL)
		r->thread = calloc(config->threads, sizeof(*r->thread));
	if (r == NULL || r->thread == NULL || !cond_init(&r->wake)) {
		free(r != NULL ? r->thread : NULL);
		free(r);
		curl_global_cleanup();
		return PST_ERR_IO;
	}
	(void)pthread_mutex_init(&r->lock, NULL);
	r->config = *config;
	r->last = &r->first;
	while (r->thread_count < config->threads) {
		if (!thread_start(r, &r->thread[r->thread_count])) {
			pst_remote_free(&r);
			return PST_ERR_IO;
		}
		r->thread_count++;
	}
	*out = r;
	return PST_OK;
}

void
pst_remote_stop(struct pst_remote *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	atomic_store(&r->stop, true);
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void
pst_remote_free(struct pst_remote **remote)
{
	struct pst_remote *r = *remote;
	unsigned i;

	*remote = NULL;
	if (r == NULL)
		return;
	pst_remote_stop(r);
	/* Each thread answers what is queued before it ends. */
	for (i = 0; i < r->thread_count; i++) {
		pthread_join(r->thread[i].id, NULL);
		curl_easy_cleanup(r->thread[i].ask.easy);
		free(r->thread[i].ask.body);
	}
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r->thread);
	free(r);
	curl_global_cleanup();
}
