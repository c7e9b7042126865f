/*
 * Calls: parameters are copied out of the message, each memory reference into
 * a block of its own; after the call, outputs go back as far as the TA says
 * that it filled them.
 */
#include "../host_fds.h"
#include "entry.h"
#include "runtime.h"
#include "ta.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct session {
	bool open;
	void *context;
};

static struct session sessions[PST_HOST_SESSIONS_MAX];
static bool created;

/* --- parameters ---------------------------------------------------------- */

static uint32_t
param_types(const struct pst_wire_msg *m)
{
	const struct pst_wire_param *p = m->head.params;

	return TEE_PARAM_TYPES(p[0].type, p[1].type, p[2].type, p[3].type);
}

static void
unpack_memref(const struct pst_wire_msg *m, size_t i, TEE_Param *p)
{
	const struct pst_wire_param *w = &m->head.params[i];

	if (w->size > PST_WIRE_MEMREF_MAX)
		pst_ta_panic(TEE_ERROR_COMMUNICATION);
	p->memref.size = w->size;
	if (w->null)
		return;
	/* Zeros: what the TA does not write says nothing about this process. */
	p->memref.buffer = calloc(1, w->size + (w->size == 0));
	if (p->memref.buffer == NULL)
		pst_ta_panic(TEE_ERROR_OUT_OF_MEMORY);
	if (pst_wire_get(m, i, p->memref.buffer) != PST_OK)
		pst_ta_panic(TEE_ERROR_COMMUNICATION);
	pst_ta_runtime.memrefs[i] = *p;
}

static void
unpack(const struct pst_wire_msg *m, TEE_Param params[TEE_NUM_PARAMS])
{
	size_t i;

	memset(params, 0, TEE_NUM_PARAMS * sizeof(params[0]));
	for (i = 0; i < TEE_NUM_PARAMS; i++) {
		if (pst_wire_is_memref(m->head.params[i].type)) {
			unpack_memref(m, i, &params[i]);
		} else if (pst_wire_is_input(m->head.params[i].type)) {
			params[i].value.a = m->head.params[i].a;
			params[i].value.b = m->head.params[i].b;
		}
	}
}

/* The TA may say that it would need more room than there is. */
static void
pack_memref(struct pst_wire_msg *reply, size_t i, const TEE_Param *p)
{
	const TEE_Param *given = &pst_ta_runtime.memrefs[i];
	struct pst_wire_param *w = &reply->head.params[i];

	w->size =
	    p->memref.size > UINT32_MAX ? UINT32_MAX : (uint32_t)p->memref.size;
	w->null = given->memref.buffer == NULL;
	if (w->null || p->memref.size > given->memref.size)
		return;
	/* From the block that was given, wherever the TA points now. */
	if (pst_wire_put(reply, i, given->memref.buffer, p->memref.size) !=
	    PST_OK)
		pst_ta_panic(TEE_ERROR_OUT_OF_MEMORY);
}

static void
pack(struct pst_wire_msg *reply, const struct pst_wire_msg *request,
    const TEE_Param params[TEE_NUM_PARAMS])
{
	size_t i;

	for (i = 0; i < TEE_NUM_PARAMS; i++) {
		reply->head.params[i].type = request->head.params[i].type;
		if (!pst_wire_is_output(request->head.params[i].type))
			continue;
		if (pst_wire_is_memref(request->head.params[i].type)) {
			pack_memref(reply, i, &params[i]);
		} else {
			reply->head.params[i].a = params[i].value.a;
			reply->head.params[i].b = params[i].value.b;
		}
	}
}

static void
release(void)
{
	size_t i;

	for (i = 0; i < TEE_NUM_PARAMS; i++) {
		free(pst_ta_runtime.memrefs[i].memref.buffer);
		pst_ta_runtime.memrefs[i] = (TEE_Param){ 0 };
	}
}

/* --- calls --------------------------------------------------------------- */

static void
set_client(const struct pst_wire_head *h)
{
	TEE_UUID *u = &pst_ta_runtime.client.uuid;
	const uint8_t *b = h->uuid;

	pst_ta_runtime.client.login = h->login;
	u->timeLow = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
	u->timeMid = (uint16_t)(b[4] << 8 | b[5]);
	u->timeHiAndVersion = (uint16_t)(b[6] << 8 | b[7]);
	memcpy(u->clockSeqAndNode, b + 8, 8);
	pst_ta_runtime.cancelled = false;
	pst_ta_runtime.unmasked = false;
}

static TEE_Result
open_session(struct session *s, uint32_t types, TEE_Param *params)
{
	TEE_Result res;

	if (!created) {
		res = pst_ta_entry.create();
		if (res != TEE_SUCCESS)
			return res;
		created = true;
	}
	s->context = NULL;
	res = pst_ta_entry.open(types, params, &s->context);
	s->open = res == TEE_SUCCESS;
	return res;
}

static TEE_Result
call(const struct pst_wire_msg *m, struct session *s, TEE_Param *params)
{
	switch (m->head.op) {
	case PST_WIRE_OPEN:
		return open_session(s, param_types(m), params);
	case PST_WIRE_INVOKE:
		return pst_ta_entry.invoke(
		    s->context, m->head.command, param_types(m), params);
	default:
		s->open = false;
		pst_ta_entry.close(s->context);
		return TEE_SUCCESS;
	}
}

static void
answer_call(const struct pst_wire_msg *m)
{
	static struct pst_wire_msg reply;
	TEE_Param params[TEE_NUM_PARAMS];
	struct session *s;

	/* postern-tee keeps the numbers; anything else is not it. */
	if (m->head.session >= PST_HOST_SESSIONS_MAX)
		_exit(1);
	s = &sessions[m->head.session];
	if (s->open == (m->head.op == PST_WIRE_OPEN))
		_exit(1);
	set_client(&m->head);
	unpack(m, params);
	pst_wire_init(&reply, PST_WIRE_REPLY);
	reply.head.session = m->head.session;
	reply.head.origin = TEE_ORIGIN_TRUSTED_APP;
	reply.head.result = call(m, s, params);
	pack(&reply, m, params);
	release();
	if (pst_wire_send(PST_HOST_SOCKET, &reply, true) != PST_OK)
		_exit(1);
	pst_wire_clear(&reply);
}

void
pst_ta_serve(struct pst_wire_msg *m)
{
	switch (m->head.op) {
	case PST_WIRE_OPEN:
	case PST_WIRE_INVOKE:
	case PST_WIRE_CLOSE:
		answer_call(m);
		break;
	case PST_WIRE_CANCEL:
		/* Of a call that has been answered meanwhile. */
		break;
	case PST_WIRE_DESTROY:
		if (created)
			pst_ta_entry.destroy();
		_exit(0);
	default:
		_exit(1);
	}
}
