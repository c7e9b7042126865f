#include "operation.h"

/* A parameter's buffer, whichever kind of reference it is. */
struct place {
	uint32_t type; /* enum pst_wire_type */
	uint8_t *ptr;
	size_t size;
	size_t *updated; /* where an output's size goes */
};

static uint32_t
wire_type(uint32_t flags)
{
	switch (flags & (TEEC_MEM_INPUT | TEEC_MEM_OUTPUT)) {
	case TEEC_MEM_INPUT:
		return PST_WIRE_MEMREF_INPUT;
	case TEEC_MEM_OUTPUT:
		return PST_WIRE_MEMREF_OUTPUT;
	case TEEC_MEM_INPUT | TEEC_MEM_OUTPUT:
		return PST_WIRE_MEMREF_INOUT;
	default:
		return PST_WIRE_NONE;
	}
}

static bool
whole(TEEC_Parameter *p, struct place *at)
{
	const TEEC_SharedMemory *parent = p->memref.parent;

	if (parent == NULL)
		return false;
	at->type = wire_type(parent->flags);
	at->ptr = parent->buffer;
	at->size = parent->size;
	at->updated = &p->memref.size;
	return at->type != PST_WIRE_NONE;
}

/* Its direction must be one of those that the memory was made for. */
static bool
partial(TEEC_Parameter *p, uint32_t type, struct place *at)
{
	const TEEC_SharedMemory *parent = p->memref.parent;
	uint32_t flags = type - TEEC_MEMREF_PARTIAL_INPUT + 1;

	if (parent == NULL || (parent->flags & flags) != flags)
		return false;
	if (p->memref.offset > parent->size ||
	    p->memref.size > parent->size - p->memref.offset)
		return false;
	at->type = wire_type(flags);
	at->ptr = (uint8_t *)parent->buffer + p->memref.offset;
	at->size = p->memref.size;
	at->updated = &p->memref.size;
	return true;
}

static bool
temporary(TEEC_Parameter *p, uint32_t type, struct place *at)
{
	at->type = type;
	at->ptr = p->tmpref.buffer;
	at->size = p->tmpref.size;
	at->updated = &p->tmpref.size;
	return at->ptr != NULL || at->size == 0;
}

static bool
find_place(TEEC_Parameter *p, uint32_t type, struct place *at)
{
	switch (type) {
	case TEEC_NONE:
	case TEEC_VALUE_INPUT:
	case TEEC_VALUE_OUTPUT:
	case TEEC_VALUE_INOUT:
		*at = (struct place){ .type = type };
		return true;
	case TEEC_MEMREF_TEMP_INPUT:
	case TEEC_MEMREF_TEMP_OUTPUT:
	case TEEC_MEMREF_TEMP_INOUT:
		return temporary(p, type, at);
	case TEEC_MEMREF_WHOLE:
		return whole(p, at);
	case TEEC_MEMREF_PARTIAL_INPUT:
	case TEEC_MEMREF_PARTIAL_OUTPUT:
	case TEEC_MEMREF_PARTIAL_INOUT:
		return partial(p, type, at);
	default:
		return false;
	}
}

static TEEC_Result
pack_memref(struct pst_wire_msg *m, size_t i, const struct place *at)
{
	struct pst_wire_param *w = &m->head.params[i];

	if (at->size > TEEC_CONFIG_SHAREDMEM_MAX_SIZE)
		return TEEC_ERROR_OUT_OF_MEMORY;
	w->size = (uint32_t)at->size;
	w->null = at->ptr == NULL;
	if (!pst_wire_is_input(at->type))
		return TEEC_SUCCESS;
	return pst_wire_put(m, i, at->ptr, at->size) == PST_OK
	    ? TEEC_SUCCESS
	    : TEEC_ERROR_OUT_OF_MEMORY;
}

TEEC_Result
pst_teec_pack(const TEEC_Operation *op, struct pst_wire_msg *m)
{
	TEEC_Operation copy;
	TEEC_Result res;
	struct place at;
	uint32_t i;

	if (op == NULL)
		return TEEC_SUCCESS;
	if (op->paramTypes > 0xFFFF)
		return TEEC_ERROR_BAD_PARAMETERS;
	copy = *op;
	for (i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++) {
		if (!find_place(&copy.params[i],
			TEEC_PARAM_TYPE_GET(op->paramTypes, i), &at))
			return TEEC_ERROR_BAD_PARAMETERS;
		m->head.params[i].type = at.type;
		if (pst_wire_is_memref(at.type)) {
			res = pack_memref(m, i, &at);
			if (res != TEEC_SUCCESS)
				return res;
		} else if (pst_wire_is_input(at.type)) {
			m->head.params[i].a = op->params[i].value.a;
			m->head.params[i].b = op->params[i].value.b;
		}
	}
	return TEEC_SUCCESS;
}

static TEEC_Result
unpack_one(TEEC_Parameter *p, const struct place *at,
    const struct pst_wire_msg *m, size_t i)
{
	const struct pst_wire_param *w = &m->head.params[i];

	if (!pst_wire_is_output(at->type))
		return TEEC_SUCCESS;
	if (!pst_wire_is_memref(at->type)) {
		p->value.a = w->a;
		p->value.b = w->b;
		return TEEC_SUCCESS;
	}
	if (pst_wire_get(m, i, at->ptr) != PST_OK)
		return TEEC_ERROR_COMMUNICATION;
	*at->updated = w->size;
	return TEEC_SUCCESS;
}

TEEC_Result
pst_teec_unpack(TEEC_Operation *op, const struct pst_wire_msg *m)
{
	struct place at[TEEC_CONFIG_PAYLOAD_REF_COUNT];
	TEEC_Result res = TEEC_SUCCESS;
	uint32_t i;

	if (op == NULL)
		return TEEC_SUCCESS;
	for (i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++) {
		if (!find_place(&op->params[i],
			TEEC_PARAM_TYPE_GET(op->paramTypes, i), &at[i]))
			return TEEC_ERROR_BAD_PARAMETERS;
		if (m->head.params[i].type != at[i].type ||
		    m->head.params[i].have > at[i].size)
			return TEEC_ERROR_COMMUNICATION;
	}
	for (i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++)
		if (res == TEEC_SUCCESS)
			res = unpack_one(&op->params[i], &at[i], m, i);
	return res;
}
