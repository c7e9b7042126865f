#include "double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct agent_reply script[CALLS_MAX];
static struct agent_call calls[CALLS_MAX];
static const char *installed[8];
static const char *installed_in;
static size_t replies, next, count, installed_count;
static int open_count, running, most, slow_ms;

void
double_reset(void)
{
	(void)pthread_mutex_lock(&lock);
	memset(calls, 0, sizeof(calls));
	replies = next = count = installed_count = 0;
	installed_in = NULL;
	running = most = slow_ms = 0;
	(void)pthread_mutex_unlock(&lock);
}

void
double_reply(const struct agent_reply *reply)
{
	(void)pthread_mutex_lock(&lock);
	if (replies == CALLS_MAX)
		abort();
	script[replies++] = *reply;
	(void)pthread_mutex_unlock(&lock);
}

void
double_installed(const char *id)
{
	(void)pthread_mutex_lock(&lock);
	installed[installed_count++] = id;
	(void)pthread_mutex_unlock(&lock);
}

void
double_installed_in(const char *tee)
{
	installed_in = tee;
}

size_t
double_count(void)
{
	size_t n;

	(void)pthread_mutex_lock(&lock);
	n = count;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

const struct agent_call *
double_call(size_t n)
{
	return &calls[n];
}

int
double_open(void)
{
	return open_count;
}

int
double_at_once(void)
{
	return most;
}

void
double_slow(int ms)
{
	slow_ms = ms;
}

/* --- TEE Client API ---------------------------------------------------- */

TEEC_Result
TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
	if (name != NULL && strcmp(name, "absent") == 0)
		return TEEC_ERROR_ITEM_NOT_FOUND;
	context->imp.path = strdup(name != NULL ? name : "default");
	(void)pthread_mutex_lock(&lock);
	open_count++;
	(void)pthread_mutex_unlock(&lock);
	return TEEC_SUCCESS;
}

void
TEEC_FinalizeContext(TEEC_Context *context)
{
	free(context->imp.path);
	(void)pthread_mutex_lock(&lock);
	open_count--;
	(void)pthread_mutex_unlock(&lock);
}

TEEC_Result
TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
    const TEEC_UUID *destination, uint32_t connectionMethod,
    const void *connectionData, TEEC_Operation *operation,
    uint32_t *returnOrigin)
{
	static const TEEC_UUID agent = PST_AGENT_TA_UUID;

	(void)connectionData, (void)operation;
	/* The double needs of a session only which TEE it is of. */
	memcpy(&session->imp.session, &context->imp.path, sizeof(void *));
	*returnOrigin = TEEC_ORIGIN_TEE;
	if (connectionMethod != TEEC_LOGIN_PUBLIC ||
	    memcmp(destination, &agent, sizeof(agent)) != 0)
		return TEEC_ERROR_ITEM_NOT_FOUND;
	(void)pthread_mutex_lock(&lock);
	open_count++;
	(void)pthread_mutex_unlock(&lock);
	return TEEC_SUCCESS;
}

void
TEEC_CloseSession(TEEC_Session *session)
{
	(void)session;
	(void)pthread_mutex_lock(&lock);
	open_count--;
	(void)pthread_mutex_unlock(&lock);
}

static struct pst_bytes
text(const char *s)
{
	return (
	    struct pst_bytes){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

static void
put_reply(struct pst_cbor_writer *w, const struct agent_reply *r)
{
	pst_cbor_put_array(w, r->rubbish ? 5 : 6);
	pst_cbor_put_uint(w, (uint64_t)r->what);
	pst_cbor_put_uint(w, r->session);
	pst_cbor_put_tstr(w, text(r->uri));
	pst_cbor_put_bstr(w, text(r->message));
	pst_cbor_put_uint(w, r->offset);
	if (!r->rubbish)
		pst_cbor_put_uint(w, (uint64_t)r->reason);
}

/* [[component id, sequence, size, [alg, digest]], …] */
static void
put_list(struct pst_cbor_writer *w, const char *tee)
{
	static const uint8_t digest[32];
	size_t n = installed_count, i;

	if (installed_in != NULL && strcmp(installed_in, tee) != 0)
		n = 0;
	pst_cbor_put_array(w, n);
	for (i = 0; i < n; i++) {
		pst_cbor_put_array(w, 4);
		pst_cbor_put_raw(w, text(installed[i]));
		pst_cbor_put_uint(w, 7);
		pst_cbor_put_uint(w, 100);
		pst_cbor_put_array(w, 2);
		pst_cbor_put_int(w, PST_ALG_SHA256);
		pst_cbor_put_bstr(w, (struct pst_bytes){ digest, 32 });
	}
}

static void
remember(const char *tee, uint32_t command, const TEEC_Operation *op)
{
	const TEEC_TempMemoryReference *in = &op->params[1].tmpref;
	const TEEC_TempMemoryReference *uri = &op->params[2].tmpref;
	struct agent_call *c = &calls[count++];
	size_t n;

	c->command = command;
	(void)snprintf(c->tee, sizeof(c->tee), "%s", tee);
	c->session = op->params[0].value.a;
	c->flags = op->params[0].value.b;
	c->len = in->size;
	n = in->size < sizeof(c->first) ? in->size : sizeof(c->first) - 1;
	memcpy(c->first, in->buffer, n);
	if (TEEC_PARAM_TYPE_GET(op->paramTypes, 2) == TEEC_MEMREF_TEMP_INPUT &&
	    uri->size < sizeof(c->uri))
		memcpy(c->uri, uri->buffer, uri->size);
}

static TEEC_Result
command_locked(const char *tee, uint32_t command, TEEC_Operation *op)
{
	struct agent_reply nothing = { .what = PST_AGENT_NOTHING };
	const struct agent_reply *r = &nothing;
	struct pst_cbor_writer w;

	if (op->params[3].tmpref.size < PST_AGENT_TA_REPLY_MAX ||
	    TEEC_PARAM_TYPE_GET(op->paramTypes, 0) != TEEC_VALUE_INPUT ||
	    TEEC_PARAM_TYPE_GET(op->paramTypes, 3) != TEEC_MEMREF_TEMP_OUTPUT)
		return TEEC_ERROR_BAD_PARAMETERS;
	pst_cbor_writer_init(
	    &w, op->params[3].tmpref.buffer, op->params[3].tmpref.size);
	if (command == PST_AGENT_TA_LIST) {
		put_list(&w, tee);
	} else {
		if (count < CALLS_MAX)
			remember(tee, command, op);
		if (next < replies)
			r = &script[next++];
		if (r->fails != 0)
			return r->fails;
		put_reply(&w, r);
	}
	op->params[3].tmpref.size = w.len;
	return w.err == PST_OK ? TEEC_SUCCESS : TEEC_ERROR_SHORT_BUFFER;
}

TEEC_Result
TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID,
    TEEC_Operation *operation, uint32_t *returnOrigin)
{
	struct timespec t = { .tv_nsec = slow_ms * 1000000L };
	TEEC_Result result;
	const char *tee;

	memcpy(&tee, &session->imp.session, sizeof(tee));
	*returnOrigin = TEEC_ORIGIN_TRUSTED_APP;
	(void)pthread_mutex_lock(&lock);
	running++;
	if (running > most)
		most = running;
	(void)pthread_mutex_unlock(&lock);
	(void)nanosleep(&t, NULL);
	(void)pthread_mutex_lock(&lock);
	running--;
	result = command_locked(tee, commandID, operation);
	(void)pthread_mutex_unlock(&lock);
	return result;
}
