#include "hello_ta.h"

#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

#ifndef HELLO_VERSION
#error "HELLO_VERSION is the version as a string"
#endif

TEE_Result
TA_CreateEntryPoint(void)
{
	DMSG("created");
	return TEE_SUCCESS;
}

void
TA_DestroyEntryPoint(void)
{
	DMSG("destroyed");
}

TEE_Result
TA_OpenSessionEntryPoint(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS],
    void **sessionContext)
{
	(void)params;
	(void)sessionContext;
	if (paramTypes !=
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE,
		TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;
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
	static const char text[] = "hello from version " HELLO_VERSION;
	const size_t len = sizeof(text) - 1;
	size_t cap = params[0].memref.size;

	if (paramTypes !=
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_NONE,
		TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;
	params[0].memref.size = len;
	if (cap < len)
		return TEE_ERROR_SHORT_BUFFER;
	TEE_MemMove(params[0].memref.buffer, text, len);
	return TEE_SUCCESS;
}

TEE_Result
TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID,
    uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	(void)sessionContext;
	if (commandID == HELLO_CMD_SAY)
		return say(paramTypes, params);
	return TEE_ERROR_NOT_SUPPORTED;
}
