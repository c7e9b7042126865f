/*
 * What the agent wants done, done: connect, send, fetch, until it wants
 * nothing more (draft-ietf-teep-otrp-over-http, Section 5).
 */
#include "internal.h"

#include <postern/teep.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* TAMs that failed and are left alone for a while. */
#define BACKOFF_SLOTS PST_BROKER_SESSIONS_MAX
#define BACKOFF_FIRST_S 5
#define BACKOFF_MAX_S 3600

struct backoff {
	char uri[PST_AGENT_URI_MAX + 1];
	uint32_t failures;
	uint64_t until_ms;
};

struct pst_broker {
	struct pst_broker_config config;
	struct pst_broker_tee tee;
	struct pst_http *http;
	struct backoff backoff[BACKOFF_SLOTS];
};

struct pst_broker *
pst_broker_new(const struct pst_broker_config *config)
{
	struct pst_broker *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->config = *config;
	b->tee.name = config->tee;
	b->http = pst_http_client_new(config);
	if (b->http == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
pst_broker_free(struct pst_broker *b)
{
	if (b == NULL)
		return;
	pst_broker_tee_close(&b->tee);
	pst_http_client_free(b->http);
	free(b);
}

/* --- results ----------------------------------------------------------- */

static void
result_begin(const struct pst_broker *b, struct pst_broker_result *res)
{
	memset(res, 0, sizeof(*res));
	res->tee = pst_broker_tee_path(b->config.tee);
	res->took_ms = pst_broker_now_ms(); /* until result_end */
}

static enum pst_err
result_end(struct pst_broker_result *res)
{
	res->took_ms = pst_broker_now_ms() - res->took_ms;
	return res->err;
}

/* The first thing that went wrong is what is told. */
static void __attribute__((format(printf, 3, 4))) went_wrong(
    struct pst_broker_result *res, enum pst_err err, const char *format, ...)
{
	va_list ap;

	if (res->err != PST_OK)
		return;
	res->err = err;
	va_start(ap, format);
	(void)vsnprintf(res->why, sizeof(res->why), format, ap);
	va_end(ap);
}

/* Work that has not begun is not begun any more once a stop was asked for. */
static bool
stopped(const struct pst_broker *b, struct pst_broker_result *res)
{
	if (!pst_broker_stopped(&b->config))
		return false;
	went_wrong(res, PST_ERR_AGAIN, "stopped");
	return true;
}

/* A call to the agent failed: there is no reply to go on with. */
static enum pst_err
tee_failed(
    struct pst_broker *b, struct pst_broker_result *res, enum pst_err err)
{
	char why[sizeof(res->why)];

	pst_broker_tee_why(&b->tee, why, sizeof(why));
	went_wrong(res, err, "%s", why);
	return err;
}

/* --- leaving a TAM alone ----------------------------------------------- */

static struct backoff *
backoff_of(struct pst_broker *b, const char *uri)
{
	struct backoff *slot, *oldest = &b->backoff[0];
	size_t i;

	for (i = 0; i < BACKOFF_SLOTS; i++) {
		slot = &b->backoff[i];
		if (strcmp(slot->uri, uri) == 0)
			return slot;
		if (slot->until_ms < oldest->until_ms)
			oldest = slot;
	}
	memset(oldest, 0, sizeof(*oldest));
	(void)snprintf(oldest->uri, sizeof(oldest->uri), "%s", uri);
	return oldest;
}

static void
backoff_set(struct pst_broker *b, const char *uri, uint32_t asked_s)
{
	struct backoff *slot = backoff_of(b, uri);
	uint32_t shift = slot->failures < 10 ? slot->failures : 10;
	uint64_t wait_s = (uint64_t)BACKOFF_FIRST_S << shift;

	if (wait_s > BACKOFF_MAX_S)
		wait_s = BACKOFF_MAX_S;
	if (wait_s < asked_s)
		wait_s = asked_s;
	wait_s += pst_broker_jitter((uint32_t)(wait_s / 4 + 1));
	slot->failures++;
	slot->until_ms = pst_broker_now_ms() + wait_s * 1000;
}

/* --- one exchange with a TAM ------------------------------------------- */

static bool
to_text(struct pst_bytes in, char *out, size_t cap)
{
	if (in.len == 0 || in.len >= cap ||
	    memchr(in.ptr, '\0', in.len) != NULL)
		return false;
	memcpy(out, in.ptr, in.len);
	out[in.len] = '\0';
	return true;
}

/* ProcessError: the session is over; tell the agent. */
static enum pst_err
tell_unreachable(
    struct pst_broker *b, uint32_t session, struct pst_broker_result *res)
{
	struct pst_broker_reply reply;
	struct pst_bytes none = { NULL, 0 };
	enum pst_err err;

	err = pst_broker_tee_invoke(
	    &b->tee, PST_AGENT_TA_ERROR, session, 0, none, none, &reply);
	return err == PST_OK ? PST_OK : tee_failed(b, res, err);
}

static void
log_exchange(struct pst_broker *b, const char *tam, struct pst_bytes message,
    const struct pst_http_answer *a, uint64_t took_ms)
{
	char sent[48] = "connect";

	if (message.len != 0)
		(void)snprintf(
		    sent, sizeof(sent), "sent %zu bytes", message.len);
	if (a->body.len != 0)
		pst_broker_log(&b->config, false,
		    "%s: %s, got %zu bytes, %" PRIu64 " ms", tam, sent,
		    a->body.len, took_ms);
	else
		pst_broker_log(&b->config, false,
		    "%s: %s, session ended, %" PRIu64 " ms", tam, sent,
		    took_ms);
}

static bool
tam_is_left_alone(
    struct pst_broker *b, const char *uri, struct pst_broker_result *res)
{
	uint64_t until_ms = backoff_of(b, uri)->until_ms;
	uint64_t now_ms = pst_broker_now_ms();

	if (now_ms >= until_ms)
		return false;
	res->retry_after_s = (uint32_t)((until_ms - now_ms + 999) / 1000);
	went_wrong(res, PST_ERR_IO,
	    "%s failed lately; left alone for %" PRIu32 " s more", res->tam,
	    res->retry_after_s);
	return true;
}

/* POST what the agent gave; its answer becomes the next reply. */
static enum pst_err
relay(struct pst_broker *b, struct pst_broker_reply *reply,
    struct pst_broker_result *res)
{
	struct pst_bytes message = { NULL, 0 }, none = { NULL, 0 };
	struct pst_http_answer answer;
	char uri[PST_AGENT_URI_MAX + 1];
	uint32_t session = reply->session;
	uint64_t began;
	enum pst_err err;

	if (!to_text(reply->uri, uri, sizeof(uri))) {
		went_wrong(res, PST_ERR_ARG, "agent gave no usable TAM URI");
		return tell_unreachable(b, session, res);
	}
	/* What is told and logged has no password in it. */
	(void)pst_broker_uri_shown(uri, res->tam);
	reply->what = PST_AGENT_NOTHING;
	if (tam_is_left_alone(b, uri, res))
		return tell_unreachable(b, session, res);
	if (reply->message.len != 0)
		message = reply->message;
	began = pst_broker_now_ms();
	err = pst_http_post(b->http, uri, message, &answer);
	res->messages++;
	if (err != PST_OK) {
		went_wrong(res, PST_ERR_IO, "TAM %s: %s", res->tam, answer.why);
		res->retry_after_s = answer.retry_after_s;
		backoff_set(b, uri, answer.retry_after_s);
		return tell_unreachable(b, session, res);
	}
	backoff_of(b, uri)->failures = 0;
	log_exchange(
	    b, res->tam, message, &answer, pst_broker_now_ms() - began);
	if (answer.body.len == 0)
		return PST_OK; /* the TAM has nothing more to say */
	err = pst_broker_tee_invoke(&b->tee, PST_AGENT_TA_MESSAGE, session, 0,
	    answer.body, none, reply);
	return err == PST_OK ? PST_OK : tee_failed(b, res, err);
}

/* --- one payload ------------------------------------------------------- */

struct fetch {
	struct pst_broker *b;
	struct pst_broker_reply reply; /* to the last chunk */
	uint32_t session;
	uint64_t at;	  /* bytes of the payload that the agent has */
	bool answered;	  /* a chunk was sent: reply is valid */
	enum pst_err err; /* of the TEE */
	size_t fill;
	uint8_t chunk[PST_AGENT_TA_CHUNK_MAX];
	char uri[PST_SUIT_URI_MAX + 1];
	char shown[PST_BROKER_SHOWN_MAX]; /* uri for logs */
};

static void
told(const struct fetch *f, bool end)
{
	const struct pst_broker_config *c = &f->b->config;

	if (c->payload != NULL)
		c->payload(c->ctx, f->shown, f->at, end);
}

static enum pst_err
send_chunk(struct fetch *f, uint32_t flags)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_bytes chunk = { f->chunk, f->fill };

	f->err = pst_broker_tee_invoke(&f->b->tee, PST_AGENT_TA_CHUNK,
	    f->session, flags, chunk, none, &f->reply);
	f->answered = f->err == PST_OK;
	f->at += f->fill;
	f->fill = 0;
	told(f, false);
	return f->err;
}

/* Does the agent still want the next bytes of the same payload? */
static bool
wants_more(const struct fetch *f)
{
	const struct pst_broker_reply *r = &f->reply;

	return r->what == PST_AGENT_FETCH && r->session == f->session &&
	    r->offset == f->at && r->uri.len == strlen(f->uri) &&
	    memcmp(r->uri.ptr, f->uri, r->uri.len) == 0;
}

static enum pst_err
on_bytes(void *ctx, struct pst_bytes bytes)
{
	struct fetch *f = ctx;
	size_t n;

	while (bytes.len != 0) {
		/* Flushed before it is added to, so the last chunk is never
		 * empty only because the payload's size is a multiple. */
		if (f->fill == sizeof(f->chunk)) {
			if (send_chunk(f, 0) != PST_OK)
				return f->err;
			if (!wants_more(f))
				return PST_ERR_STATE;
		}
		n = sizeof(f->chunk) - f->fill;
		if (n > bytes.len)
			n = bytes.len;
		memcpy(f->chunk + f->fill, bytes.ptr, n);
		f->fill += n;
		bytes.ptr += n;
		bytes.len -= n;
	}
	return PST_OK;
}

/* The payload could not be had: the agent may know another source. */
static enum pst_err
give_up(struct fetch *f, const char *why)
{
	/* A stop is no failure of the payload: the agent's journal keeps what
	 * came, and the next session goes on from there. */
	if (pst_broker_stopped(&f->b->config))
		return PST_ERR_AGAIN;
	pst_broker_log(&f->b->config, true, "%s: %s", f->shown, why);
	f->fill = 0;
	return send_chunk(f, PST_AGENT_TA_FAILED);
}

static enum pst_err
stream(struct fetch *f, uint64_t offset, struct pst_broker_result *res)
{
	struct pst_http_get get = {
		.uri = f->uri, .offset = offset, .sink = on_bytes, .ctx = f
	};
	uint64_t began = pst_broker_now_ms();
	enum pst_err err;

	f->at = offset;
	err = pst_http_get(f->b->http, &get);
	if (err == PST_OK) {
		err = send_chunk(f, PST_AGENT_TA_LAST);
		res->payloads++;
		pst_broker_log(&f->b->config, false,
		    "%s: fetched %" PRIu64 " bytes from byte %" PRIu64
		    ", %" PRIu64 " ms",
		    f->shown, f->at - offset, offset,
		    pst_broker_now_ms() - began);
	} else if (f->err == PST_OK && f->answered && !wants_more(f)) {
		pst_broker_log(&f->b->config, true,
		    "%s: the agent wants no more of it", f->shown);
		err = PST_OK;
	} else if (f->err == PST_OK) {
		err = give_up(f, get.why);
		if (err == PST_OK || f->err == PST_OK)
			(void)snprintf(res->why, sizeof(res->why),
			    "payload %.160s: %.160s", f->shown, get.why);
	}
	told(f, true);
	res->payload_bytes += f->at - offset;
	return err;
}

static enum pst_err
fetch(struct pst_broker *b, struct pst_broker_reply *reply,
    struct pst_broker_result *res)
{
	struct fetch *f = calloc(1, sizeof(*f));
	enum pst_err err;

	if (f == NULL) {
		went_wrong(res, PST_ERR_SPACE, "out of memory");
		return PST_ERR_SPACE;
	}
	f->b = b;
	f->session = reply->session;
	if (to_text(reply->uri, f->uri, sizeof(f->uri))) {
		(void)pst_broker_uri_shown(f->uri, f->shown);
		err = stream(f, reply->offset, res);
	} else {
		err = give_up(f, "agent gave no usable payload URI");
	}
	if (err == PST_OK)
		*reply = f->reply;
	else if (err == PST_ERR_AGAIN)
		went_wrong(res, err, "stopped");
	else
		(void)tee_failed(b, res, err);
	free(f);
	return err;
}

/* --- a session --------------------------------------------------------- */

static enum pst_err
step(struct pst_broker *b, struct pst_broker_reply *reply, uint32_t *fetches,
    struct pst_broker_result *res)
{
	if (reply->what == PST_AGENT_FETCH) {
		if (++*fetches <= PST_BROKER_FETCHES_MAX)
			return fetch(b, reply, res);
	} else if (res->messages < PST_BROKER_MESSAGES_MAX) {
		return relay(b, reply, res);
	}
	went_wrong(res, PST_ERR_LIMIT, "session with %s does not end; given up",
	    res->tam);
	reply->what = PST_AGENT_NOTHING;
	return tell_unreachable(b, reply->session, res);
}

/* Carry out what the agent wants until it wants nothing. */
static enum pst_err
drive(struct pst_broker *b, struct pst_broker_reply *reply,
    struct pst_broker_result *res)
{
	uint32_t fetches = 0;
	enum pst_err err = PST_OK;

	for (;;) {
		if (reply->reason != PST_OK && res->err == PST_OK) {
			char seen[PST_BROKER_WHY_MAX / 2];

			/* what a failed payload left says more */
			(void)snprintf(seen, sizeof(seen), "%.180s", res->why);
			went_wrong(res, reply->reason, "agent refused: %s%s%s",
			    pst_err_name(reply->reason), seen[0] ? "; " : "",
			    seen);
		}
		if (reply->what == PST_AGENT_NOTHING)
			break;
		if (stopped(b, res))
			break;
		err = step(b, reply, &fetches, res);
		if (err != PST_OK)
			break;
	}
	if (res->err == PST_OK)
		res->why[0] = '\0';
	return res->err;
}

static void
session_ended(struct pst_broker *b, struct pst_broker_result *res)
{
	(void)result_end(res);
	if (b->config.session != NULL && res->tam[0] != '\0')
		b->config.session(b->config.ctx, res);
}

/* --- what callers ask for ---------------------------------------------- */

static void
add_up(struct pst_broker_result *sum, const struct pst_broker_result *res)
{
	if (sum->err == PST_OK && res->err != PST_OK) {
		sum->err = res->err;
		memcpy(sum->why, res->why, sizeof(sum->why));
	}
	if (res->tam[0] != '\0')
		memcpy(sum->tam, res->tam, sizeof(sum->tam));
	sum->messages += res->messages;
	sum->payloads += res->payloads;
	sum->payload_bytes += res->payload_bytes;
	if (res->retry_after_s > sum->retry_after_s)
		sum->retry_after_s = res->retry_after_s;
}

/*
 * One TAM of a round: the agent gives each once and then nothing, which ends
 * it. What it gives first may be an Update that was interrupted.
 *
 * @return true when there is no more to do
 */
static bool
policy_session(struct pst_broker *b, bool force, struct pst_broker_result *res)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_broker_reply reply;
	bool last;
	enum pst_err err;

	if (stopped(b, res))
		return true;
	err = pst_broker_tee_invoke(&b->tee, PST_AGENT_TA_POLICY_CHECK, 0,
	    force ? PST_AGENT_TA_FORCE : 0, none, none, &reply);
	if (err != PST_OK) {
		(void)tee_failed(b, res, err);
		return true;
	}
	last = reply.what == PST_AGENT_NOTHING;
	err = drive(b, &reply, res);
	return last || err == PST_ERR_AGAIN || !b->tee.session_open;
}

enum pst_err
pst_broker_sync(struct pst_broker *b, bool force, struct pst_broker_result *out)
{
	struct pst_broker_result res;
	bool last = false;
	int i;

	result_begin(b, out);
	for (i = 0; i < PST_BROKER_SESSIONS_MAX && !last; i++) {
		result_begin(b, &res);
		last = policy_session(b, force, &res);
		session_ended(b, &res);
		add_up(out, &res);
	}
	return result_end(out);
}

struct search {
	struct pst_bytes id;
	bool found;
};

static void
compare(void *ctx, const struct pst_agent_component *component)
{
	struct search *s = ctx;

	if (pst_equal(s->id, component->id))
		s->found = true;
}

enum pst_err
pst_broker_request(struct pst_broker *b, struct pst_bytes component,
    const char *tam_uri, struct pst_broker_result *out)
{
	struct pst_broker_reply reply;
	struct search search = { component, false };
	struct pst_broker_result listed;
	struct pst_bytes uri = { (const uint8_t *)tam_uri,
		tam_uri != NULL ? strlen(tam_uri) : 0 };
	enum pst_err err;

	result_begin(b, out);
	if (stopped(b, out))
		return result_end(out);
	err = pst_broker_tee_invoke(
	    &b->tee, PST_AGENT_TA_REQUEST_TA, 0, 0, component, uri, &reply);
	if (err != PST_OK) {
		(void)tee_failed(b, out, err);
		return result_end(out);
	}
	(void)drive(b, &reply, out);
	session_ended(b, out);
	if (out->err != PST_OK)
		return out->err;
	err = pst_broker_list(b, compare, &search, &listed);
	if (err != PST_OK)
		went_wrong(out, err, "%s", listed.why);
	else if (!search.found && out->tam[0] == '\0')
		went_wrong(out, PST_ERR_NOT_FOUND,
		    "the agent asked no TAM: none may provide this component, "
		    "or it was asked for a short while ago");
	else if (!search.found)
		went_wrong(out, PST_ERR_NOT_FOUND,
		    "the TAM %.200s was asked and did not provide it",
		    out->tam);
	return out->err;
}

enum pst_err
pst_broker_unrequest(struct pst_broker *b, struct pst_bytes component,
    struct pst_broker_result *out)
{
	struct pst_broker_reply reply;
	struct pst_bytes none = { NULL, 0 };
	enum pst_err err;

	result_begin(b, out);
	if (stopped(b, out))
		return result_end(out);
	err = pst_broker_tee_invoke(
	    &b->tee, PST_AGENT_TA_UNREQUEST_TA, 0, 0, component, none, &reply);
	if (err != PST_OK) {
		(void)tee_failed(b, out, err);
		return result_end(out);
	}
	(void)drive(b, &reply, out);
	session_ended(b, out);
	return out->err;
}

/* [component id, sequence, size, digest] */
static void
component_entry(
    struct pst_cbor_reader *r, struct pst_agent_component *component)
{
	memset(component, 0, sizeof(*component));
	(void)pst_cbor_array(r, 4, 4);
	if (pst_cbor_peek(r) == PST_CBOR_BSTR)
		component->id = pst_cbor_bstr(r, 1, PST_SUIT_ID_MAX);
	else
		component->id = pst_cbor_item(r);
	component->sequence = pst_cbor_uint(r, UINT64_MAX);
	component->size_bytes = pst_cbor_uint(r, UINT64_MAX);
	component->digest = pst_suit_digest_read(r);
}

/* Whom the entries of a list are given to: one of the three. */
struct reader {
	pst_broker_component_fn *component;
	pst_broker_key_fn *key;
	pst_broker_process_fn *process;
	void *ctx;
};

typedef enum pst_err ask_fn(struct pst_broker_tee *t, struct pst_bytes *out);
/* Read one entry and give it, unless it cannot be read. */
typedef void entry_fn(struct pst_cbor_reader *r, const struct reader *to);

static enum pst_err
each(struct pst_broker *b, ask_fn *ask, entry_fn *entry,
    const struct reader *to, struct pst_broker_result *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes reply;
	size_t n;
	enum pst_err err;

	result_begin(b, out);
	err = ask(&b->tee, &reply);
	if (err == PST_OK) {
		pst_cbor_reader_init(&r, reply);
		n = pst_cbor_array(&r, 0, PST_AGENT_TA_REPLY_MAX);
		while (n-- > 0 && pst_cbor_ok(&r))
			entry(&r, to);
		err = pst_cbor_end(&r);
	}
	if (err != PST_OK)
		(void)tee_failed(b, out, err);
	return result_end(out);
}

static void
give_component(struct pst_cbor_reader *r, const struct reader *to)
{
	struct pst_agent_component component;

	component_entry(r, &component);
	if (pst_cbor_ok(r))
		to->component(to->ctx, &component);
}

enum pst_err
pst_broker_list(struct pst_broker *b, pst_broker_component_fn *fn, void *ctx,
    struct pst_broker_result *out)
{
	const struct reader to = { .component = fn, .ctx = ctx };

	return each(b, pst_broker_tee_list, give_component, &to, out);
}

static void
give_key(struct pst_cbor_reader *r, const struct reader *to)
{
	struct pst_bytes item = pst_cbor_item(r), kid;
	struct pst_pubkey key;
	enum pst_err err;

	if (!pst_cbor_ok(r))
		return;
	err = pst_cose_key_decode(item, &key, &kid, NULL);
	if (err != PST_OK)
		pst_cbor_fail(r, err);
	else
		to->key(to->ctx, item, kid);
}

enum pst_err
pst_broker_keys(struct pst_broker *b, pst_broker_key_fn *fn, void *ctx,
    struct pst_broker_result *out)
{
	const struct reader to = { .key = fn, .ctx = ctx };

	return each(b, pst_broker_tee_keys, give_key, &to, out);
}

/* [UUID, sequence, process id, sessions, busy] */
static void
process_entry(struct pst_cbor_reader *r, struct pst_broker_process *process)
{
	struct pst_bytes uuid;

	memset(process, 0, sizeof(*process));
	(void)pst_cbor_array(r, 5, 5);
	uuid = pst_cbor_bstr(r, sizeof(process->uuid), sizeof(process->uuid));
	if (uuid.len == sizeof(process->uuid))
		memcpy(process->uuid, uuid.ptr, uuid.len);
	process->sequence = pst_cbor_uint(r, UINT64_MAX);
	process->pid = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
	process->sessions = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
	process->busy = pst_cbor_bool(r);
}

static void
give_process(struct pst_cbor_reader *r, const struct reader *to)
{
	struct pst_broker_process process;

	process_entry(r, &process);
	if (pst_cbor_ok(r))
		to->process(to->ctx, &process);
}

enum pst_err
pst_broker_processes(struct pst_broker *b, pst_broker_process_fn *fn, void *ctx,
    struct pst_broker_result *out)
{
	const struct reader to = { .process = fn, .ctx = ctx };

	return each(b, pst_broker_tee_status, give_process, &to, out);
}
