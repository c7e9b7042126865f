#include "counter_ta.h"

#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

static uint32_t count;

TEE_Result
TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void
TA_DestroyEntryPoint(void)
{
}

TEE_Result
TA_OpenSessionEntryPoint(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS],
    void **sessionContext)
{
	(void)paramTypes;
	(void)params;
	(void)sessionContext;
	return TEE_SUCCESS;
}

void
TA_CloseSessionEntryPoint(void *sessionContext)
{
	(void)sessionContext;
}

static TEE_Result
say(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	char text[32];
	size_t cap = params[0].memref.size, len;

	if (paramTypes !=
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_NONE,
		TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;
	len = (size_t)snprintf(
	    text, sizeof(text), "counted to %u", (unsigned)(count + 1));
	params[0].memref.size = len;
	if (cap < len)
		return TEE_ERROR_SHORT_BUFFER;
	count++;
	TEE_MemMove(params[0].memref.buffer, text, len);
	return TEE_SUCCESS;
}

static TEE_Result
add(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	if (paramTypes !=
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, TEE_PARAM_TYPE_NONE,
		TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;
	if (params[0].value.a > UINT32_MAX - count)
		return TEE_ERROR_OVERFLOW;
	count += params[0].value.a;
	params[0].value.a = count;
	return TEE_SUCCESS;
}

TEE_Result
TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID,
    uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	(void)sessionContext;
	switch (commandID) {
	case COUNTER_CMD_SAY:
		return say(paramTypes, params);
	case COUNTER_CMD_ADD:
		return add(paramTypes, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
