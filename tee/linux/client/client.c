/*
 * A context is only an address: each session is a connection of its own, so
 * that the TEE closes it when this process ends, whatever the reason.
 */
#include "operation.h"

#include <postern/agent_ta.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct pst_teec_session {
	int fd;
	pthread_mutex_t lock; /* one call at a time */
	struct pst_wire_msg msg;
};

/* Protects imp.session of operations between a call and its cancellation. */
static pthread_mutex_t cancel_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- connection ---------------------------------------------------------- */

static TEEC_Result
connect_result(int e)
{
	if (e == EACCES || e == EPERM)
		return TEEC_ERROR_ACCESS_DENIED;
	if (e == ENOENT || e == ECONNREFUSED || e == ENOTDIR)
		return TEEC_ERROR_ITEM_NOT_FOUND;
	return TEEC_ERROR_COMMUNICATION;
}

static TEEC_Result
hello(int fd, struct pst_wire_msg *m)
{
	enum pst_err err;
	TEEC_Result res;

	pst_wire_init(m, PST_WIRE_HELLO);
	m->head.command = PST_WIRE_VERSION;
	/*
	 * A TEE with too many clients says so and closes at once. Then sending
	 * may fail, and the first reading reports a reset before the message.
	 */
	(void)!pst_wire_send(fd, m, true);
	err = pst_wire_recv(fd, m, true);
	if (err == PST_ERR_NOT_FOUND)
		err = pst_wire_recv(fd, m, true);
	if (err != PST_OK)
		return TEEC_ERROR_COMMUNICATION;
	res = m->head.op == PST_WIRE_REPLY ? m->head.result
					   : TEEC_ERROR_COMMUNICATION;
	pst_wire_clear(m);
	return res;
}

static TEEC_Result
dial(const char *path, struct pst_wire_msg *m, int *out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	TEEC_Result res;
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return TEEC_ERROR_BAD_PARAMETERS;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return TEEC_ERROR_OUT_OF_MEMORY;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		res = connect_result(errno);
	else
		res = hello(fd, m);
	if (res != TEEC_SUCCESS)
		close(fd);
	else
		*out = fd;
	return res;
}

TEEC_Result
TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
	struct pst_wire_msg *m;
	TEEC_Result res;
	int fd;

	if (context == NULL)
		return TEEC_ERROR_BAD_PARAMETERS;
	context->imp.path = NULL;
	if (name == NULL)
		name = secure_getenv("POSTERN_TEE_SOCKET");
	if (name == NULL || *name == '\0')
		name = PST_TEE_SOCKET;
	m = malloc(sizeof(*m));
	if (m == NULL)
		return TEEC_ERROR_OUT_OF_MEMORY;
	res = dial(name, m, &fd);
	free(m);
	if (res != TEEC_SUCCESS)
		return res;
	close(fd);
	context->imp.path = strdup(name);
	return context->imp.path != NULL ? TEEC_SUCCESS
					 : TEEC_ERROR_OUT_OF_MEMORY;
}

void
TEEC_FinalizeContext(TEEC_Context *context)
{
	if (context == NULL)
		return;
	free(context->imp.path);
	context->imp.path = NULL;
}

/* --- shared memory ------------------------------------------------------- */

static TEEC_Result
check_memory(const TEEC_Context *context, const TEEC_SharedMemory *m)
{
	const uint32_t known = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT;

	if (context == NULL || context->imp.path == NULL || m == NULL)
		return TEEC_ERROR_BAD_PARAMETERS;
	if (m->flags == 0 || (m->flags & ~known) != 0)
		return TEEC_ERROR_BAD_PARAMETERS;
	if (m->size > TEEC_CONFIG_SHAREDMEM_MAX_SIZE)
		return TEEC_ERROR_OUT_OF_MEMORY;
	return TEEC_SUCCESS;
}

TEEC_Result
TEEC_RegisterSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
	TEEC_Result res = check_memory(context, sharedMem);

	if (res != TEEC_SUCCESS)
		return res;
	if (sharedMem->buffer == NULL)
		return TEEC_ERROR_BAD_PARAMETERS;
	sharedMem->imp.allocated = NULL;
	return TEEC_SUCCESS;
}

TEEC_Result
TEEC_AllocateSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
	TEEC_Result res = check_memory(context, sharedMem);

	if (res != TEEC_SUCCESS)
		return res;
	/* A size of 0 gives a buffer as well (Section 4.5.9). */
	sharedMem->buffer = calloc(1, sharedMem->size + (sharedMem->size == 0));
	sharedMem->imp.allocated = sharedMem->buffer;
	return sharedMem->buffer != NULL ? TEEC_SUCCESS
					 : TEEC_ERROR_OUT_OF_MEMORY;
}

void
TEEC_ReleaseSharedMemory(TEEC_SharedMemory *sharedMemory)
{
	if (sharedMemory == NULL)
		return;
	/* Registered memory stays the caller's (Section 4.5.10). */
	if (sharedMemory->imp.allocated != NULL) {
		free(sharedMemory->imp.allocated);
		sharedMemory->buffer = NULL;
		sharedMemory->size = 0;
	}
	sharedMemory->imp.allocated = NULL;
}

/* --- calls --------------------------------------------------------------- */

static void
set_cancellable(TEEC_Operation *op, struct pst_teec_session *s)
{
	if (op == NULL)
		return;
	pthread_mutex_lock(&cancel_lock);
	op->imp.session = s;
	op->started = s != NULL;
	pthread_mutex_unlock(&cancel_lock);
}

void
TEEC_RequestCancellation(TEEC_Operation *operation)
{
	/* Only a head: the session's own message belongs to the call. */
	static struct pst_wire_msg m;

	if (operation == NULL)
		return;
	pthread_mutex_lock(&cancel_lock);
	if (operation->started && operation->imp.session != NULL) {
		pst_wire_init(&m, PST_WIRE_CANCEL);
		/* A TEE that is gone ends the call by itself. */
		if (pst_wire_send(operation->imp.session->fd, &m, false) !=
		    PST_OK)
			operation->started = 0;
	}
	pthread_mutex_unlock(&cancel_lock);
}

/* One message and its answer. On return s->msg has the answer's outputs. */
static TEEC_Result
exchange(struct pst_teec_session *s, TEEC_Operation *op, uint32_t *origin)
{
	enum pst_err err;

	*origin = TEEC_ORIGIN_COMMS;
	err = pst_wire_send(s->fd, &s->msg, true);
	pst_wire_clear(&s->msg);
	if (err == PST_OK) {
		set_cancellable(op, s);
		err = pst_wire_recv(s->fd, &s->msg, true);
		set_cancellable(op, NULL);
	}
	/* A TEE that ends takes its TAs with it (Section 4.4.2). */
	if (err == PST_ERR_NOT_FOUND || err == PST_ERR_IO)
		return TEEC_ERROR_TARGET_DEAD;
	if (err != PST_OK)
		return TEEC_ERROR_COMMUNICATION;
	if (s->msg.head.op != PST_WIRE_REPLY)
		return TEEC_ERROR_COMMUNICATION;
	*origin = s->msg.head.origin;
	return s->msg.head.result;
}

static TEEC_Result
run(struct pst_teec_session *s, TEEC_Operation *op, uint32_t *origin)
{
	TEEC_Result res, unpacked;

	*origin = TEEC_ORIGIN_API;
	res = pst_teec_pack(op, &s->msg);
	if (res != TEEC_SUCCESS) {
		pst_wire_clear(&s->msg);
		return res;
	}
	res = exchange(s, op, origin);
	/* An answer that came from the TEE itself has no outputs. */
	if (*origin == TEEC_ORIGIN_TRUSTED_APP || res == TEEC_SUCCESS) {
		unpacked = pst_teec_unpack(op, &s->msg);
		if (unpacked != TEEC_SUCCESS) {
			*origin = TEEC_ORIGIN_COMMS;
			res = unpacked;
		}
	}
	pst_wire_clear(&s->msg);
	return res;
}

static void
put_uuid(const TEEC_UUID *u, uint8_t out[16])
{
	out[0] = (uint8_t)(u->timeLow >> 24);
	out[1] = (uint8_t)(u->timeLow >> 16);
	out[2] = (uint8_t)(u->timeLow >> 8);
	out[3] = (uint8_t)u->timeLow;
	out[4] = (uint8_t)(u->timeMid >> 8);
	out[5] = (uint8_t)u->timeMid;
	out[6] = (uint8_t)(u->timeHiAndVersion >> 8);
	out[7] = (uint8_t)u->timeHiAndVersion;
	memcpy(out + 8, u->clockSeqAndNode, 8);
}

static void
session_free(struct pst_teec_session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static TEEC_Result
session_new(const char *path, struct pst_teec_session **out)
{
	struct pst_teec_session *s = malloc(sizeof(*s));
	TEEC_Result res;

	if (s == NULL)
		return TEEC_ERROR_OUT_OF_MEMORY;
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	res = dial(path, &s->msg, &s->fd);
	if (res != TEEC_SUCCESS)
		session_free(s);
	else
		*out = s;
	return res;
}

static TEEC_Result
open_session(const TEEC_Context *context, const TEEC_UUID *destination,
    TEEC_Operation *operation, struct pst_teec_session **out, uint32_t *origin)
{
	struct pst_teec_session *s;
	TEEC_Result res;

	*origin = TEEC_ORIGIN_COMMS;
	res = session_new(context->imp.path, &s);
	if (res != TEEC_SUCCESS)
		return res;
	pst_wire_init(&s->msg, PST_WIRE_OPEN);
	put_uuid(destination, s->msg.head.uuid);
	s->msg.head.login = TEEC_LOGIN_PUBLIC;
	res = run(s, operation, origin);
	if (res != TEEC_SUCCESS)
		session_free(s);
	else
		*out = s;
	return res;
}

TEEC_Result
TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
    const TEEC_UUID *destination, uint32_t connectionMethod,
    const void *connectionData, TEEC_Operation *operation,
    uint32_t *returnOrigin)
{
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res;

	if (session != NULL)
		session->imp.session = NULL;
	if (context == NULL || context->imp.path == NULL || session == NULL ||
	    destination == NULL)
		res = TEEC_ERROR_BAD_PARAMETERS;
	else if (connectionMethod != TEEC_LOGIN_PUBLIC)
		res = TEEC_ERROR_NOT_SUPPORTED;
	else if (connectionData != NULL)
		res = TEEC_ERROR_BAD_PARAMETERS;
	else
		res = open_session(context, destination, operation,
		    &session->imp.session, &origin);
	if (returnOrigin != NULL)
		*returnOrigin = origin;
	return res;
}

TEEC_Result
TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID,
    TEEC_Operation *operation, uint32_t *returnOrigin)
{
	uint32_t origin = TEEC_ORIGIN_API;
	struct pst_teec_session *s;
	TEEC_Result res;

	if (session == NULL || session->imp.session == NULL) {
		res = TEEC_ERROR_BAD_PARAMETERS;
	} else {
		s = session->imp.session;
		pthread_mutex_lock(&s->lock);
		pst_wire_init(&s->msg, PST_WIRE_INVOKE);
		s->msg.head.command = commandID;
		res = run(s, operation, &origin);
		pthread_mutex_unlock(&s->lock);
	}
	if (returnOrigin != NULL)
		*returnOrigin = origin;
	return res;
}

void
TEEC_CloseSession(TEEC_Session *session)
{
	struct pst_teec_session *s;
	uint32_t origin;

	if (session == NULL || session->imp.session == NULL)
		return;
	s = session->imp.session;
	session->imp.session = NULL;
	pst_wire_init(&s->msg, PST_WIRE_CLOSE);
	/* Whatever the answer, the session is over. */
	(void)run(s, NULL, &origin);
	session_free(s);
}
