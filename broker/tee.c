/* The agent's commands through the TEE Client API. */
#include "internal.h"

#include <postern/cbor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum pst_err
pst_broker_tee_open(struct pst_broker_tee *t)
{
	static const TEEC_UUID agent = PST_AGENT_TA_UUID;
	uint32_t origin;

	if (t->buf == NULL)
		t->buf = malloc(PST_AGENT_TA_REPLY_MAX);
	if (t->buf == NULL) {
		t->result = TEEC_ERROR_OUT_OF_MEMORY;
		return PST_ERR_SPACE;
	}
	t->unreached = false;
	if (!t->context_open) {
		t->result = TEEC_InitializeContext(t->name, &t->context);
		t->unreached = t->result != TEEC_SUCCESS;
		if (t->unreached)
			return PST_ERR_IO;
		t->context_open = true;
	}
	if (t->session_open)
		return PST_OK;
	t->result = TEEC_OpenSession(&t->context, &t->session, &agent,
	    TEEC_LOGIN_PUBLIC, NULL, NULL, &origin);
	if (t->result != TEEC_SUCCESS) {
		/* A context of a TEE that was restarted is of no use. */
		TEEC_FinalizeContext(&t->context);
		t->context_open = false;
		return PST_ERR_IO;
	}
	t->session_open = true;
	return PST_OK;
}

/* The API takes void * for input; the TEE only reads it. */
static TEEC_TempMemoryReference
input(struct pst_bytes in)
{
	static uint8_t nothing;
	TEEC_TempMemoryReference ref = { .buffer = &nothing, .size = in.len };

	if (in.len != 0)
		memcpy(&ref.buffer, &in.ptr, sizeof(ref.buffer));
	return ref;
}

static void
forget_session(struct pst_broker_tee *t)
{
	if (t->session_open)
		TEEC_CloseSession(&t->session);
	if (t->context_open)
		TEEC_FinalizeContext(&t->context);
	t->session_open = t->context_open = false;
}

void
pst_broker_tee_close(struct pst_broker_tee *t)
{
	forget_session(t);
	free(t->buf);
	t->buf = NULL;
}

/* A dead agent, or a TEE that was restarted, comes back with the next
 * session. */
static bool
session_lost(const struct pst_broker_tee *t)
{
	return t->result == TEEC_ERROR_TARGET_DEAD ||
	    t->result == TEEC_ERROR_COMMUNICATION;
}

/* Commands that begin something: an agent that never saw the session can
 * carry them out just as well. */
static bool
begins(enum pst_agent_ta_command command)
{
	return command == PST_AGENT_TA_POLICY_CHECK ||
	    command == PST_AGENT_TA_REQUEST_TA ||
	    command == PST_AGENT_TA_UNREQUEST_TA ||
	    command == PST_AGENT_TA_LIST;
}

static enum pst_err
invoke(struct pst_broker_tee *t, enum pst_agent_ta_command command,
    TEEC_Operation *op)
{
	uint32_t origin;
	enum pst_err err = pst_broker_tee_open(t);

	if (err != PST_OK)
		return err;
	op->params[3].tmpref.buffer = t->buf;
	op->params[3].tmpref.size = PST_AGENT_TA_REPLY_MAX;
	t->result =
	    TEEC_InvokeCommand(&t->session, (uint32_t)command, op, &origin);
	if (t->result == TEEC_SUCCESS)
		return PST_OK;
	if (session_lost(t))
		forget_session(t);
	return t->result == TEEC_ERROR_BUSY ? PST_ERR_BUSY : PST_ERR_IO;
}

static enum pst_err
call(struct pst_broker_tee *t, enum pst_agent_ta_command command,
    uint32_t session, uint32_t flags, struct pst_bytes in, struct pst_bytes uri,
    struct pst_bytes *reply)
{
	bool old = t->session_open;
	TEEC_Operation op;
	enum pst_err err;

	memset(&op, 0, sizeof(op));
	op.paramTypes =
	    (uint32_t)TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_MEMREF_TEMP_INPUT,
		uri.len != 0 ? TEEC_MEMREF_TEMP_INPUT : TEEC_NONE,
		TEEC_MEMREF_TEMP_OUTPUT);
	op.params[0].value.a = session;
	op.params[0].value.b = flags;
	op.params[1].tmpref = input(in);
	if (uri.len != 0)
		op.params[2].tmpref = input(uri);
	err = invoke(t, command, &op);
	if (err != PST_OK && old && !t->session_open && begins(command))
		err = invoke(t, command, &op);
	if (err != PST_OK)
		return err;
	if (op.params[3].tmpref.size > PST_AGENT_TA_REPLY_MAX)
		return PST_ERR_SPACE;
	*reply = (struct pst_bytes){ t->buf, op.params[3].tmpref.size };
	return PST_OK;
}

/* [what, session, uri, message, offset, reason] */
enum pst_err
pst_broker_reply_decode(struct pst_bytes in, struct pst_broker_reply *out)
{
	struct pst_broker_reply reply;
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(&reply, 0, sizeof(reply));
	pst_cbor_reader_init(&r, in);
	(void)pst_cbor_array(&r, 6, 6);
	reply.what = (enum pst_agent_do)pst_cbor_uint(&r, PST_AGENT_FETCH);
	reply.session = (uint32_t)pst_cbor_uint(&r, UINT32_MAX);
	reply.uri = pst_cbor_tstr(&r, 0, PST_SUIT_URI_MAX);
	reply.message = pst_cbor_bstr(&r, 0, PST_MESSAGE_MAX);
	reply.offset = pst_cbor_uint(&r, UINT64_MAX);
	reply.reason = (enum pst_err)pst_cbor_uint(&r, 9999);
	err = pst_cbor_end(&r);
	if (err == PST_OK)
		*out = reply;
	return err;
}

enum pst_err
pst_broker_tee_invoke(struct pst_broker_tee *t,
    enum pst_agent_ta_command command, uint32_t session, uint32_t flags,
    struct pst_bytes in, struct pst_bytes uri, struct pst_broker_reply *out)
{
	struct pst_bytes reply;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	err = call(t, command, session, flags, in, uri, &reply);
	if (err != PST_OK)
		return err;
	return pst_broker_reply_decode(reply, out);
}

enum pst_err
pst_broker_tee_list(struct pst_broker_tee *t, struct pst_bytes *out)
{
	struct pst_bytes none = { NULL, 0 };

	return call(t, PST_AGENT_TA_LIST, 0, 0, none, none, out);
}

enum pst_err
pst_broker_tee_status(struct pst_broker_tee *t, struct pst_bytes *out)
{
	struct pst_bytes none = { NULL, 0 };

	return call(t, PST_AGENT_TA_STATUS, 0, 0, none, none, out);
}

enum pst_err
pst_broker_tee_keys(struct pst_broker_tee *t, struct pst_bytes *out)
{
	struct pst_bytes none = { NULL, 0 };

	return call(t, PST_AGENT_TA_KEYS, 0, 0, none, none, out);
}

const char *
pst_broker_tee_path(const char *name)
{
	if (name == NULL)
		name = secure_getenv("POSTERN_TEE_SOCKET");
	return name != NULL && *name != '\0' ? name : PST_TEE_SOCKET;
}

/* NULL: nothing that is known */
static const char *
meaning(const struct pst_broker_tee *t)
{
	switch (t->result) {
	case TEEC_SUCCESS:
		return "the agent's reply cannot be read: broker and agent "
		       "are of different versions";
	case TEEC_ERROR_COMMUNICATION:
		return "the connection was lost; try again";
	case TEEC_ERROR_TARGET_DEAD:
		return "the agent died; try again, it continues where it "
		       "stopped";
	case TEEC_ERROR_ITEM_NOT_FOUND:
		return "there is no agent in it";
	case TEEC_ERROR_BUSY:
		return "the agent is busy with another session; try again";
	case TEEC_ERROR_ACCESS_DENIED:
		return "access to it is denied to this user";
	case TEEC_ERROR_OUT_OF_MEMORY:
		return "out of memory";
	case TEEC_ERROR_BAD_PARAMETERS:
		return "the agent refused the parameters";
	case TEEC_ERROR_SHORT_BUFFER:
		return "the agent's reply is larger than a TEEP message may be";
	default:
		return NULL;
	}
}

void
pst_broker_tee_why(const struct pst_broker_tee *t, char *out, size_t cap)
{
	const char *path = pst_broker_tee_path(t->name), *known = meaning(t);

	if (t->unreached && t->result == TEEC_ERROR_BAD_PARAMETERS)
		(void)snprintf(out, cap,
		    "TEE %.200s: the path of a socket has at most %zu bytes",
		    path, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	else if (t->unreached &&
	    (t->result == TEEC_ERROR_ITEM_NOT_FOUND ||
		t->result == TEEC_ERROR_COMMUNICATION))
		(void)snprintf(out, cap,
		    "no TEE is running at %s; start it: postern tee serve "
		    "--state DIR --config FILE --socket %s",
		    path, path);
	else if (known != NULL)
		(void)snprintf(out, cap, "TEE %s: %s", path, known);
	else
		(void)snprintf(out, cap, "TEE %s: failed with 0x%08x", path,
		    (unsigned)t->result);
}
