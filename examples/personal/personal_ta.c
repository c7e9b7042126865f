#include "personal_ta.h"

#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

static const char config[] = "config";

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
copy_out(TEE_ObjectHandle object, void *buffer, size_t *size)
{
	size_t cap = *size;
	TEE_ObjectInfo info;
	TEE_Result res;

	res = TEE_GetObjectInfo1(object, &info);
	if (res != TEE_SUCCESS)
		return res;
	*size = info.dataSize;
	if (cap < info.dataSize)
		return TEE_ERROR_SHORT_BUFFER;
	return TEE_ReadObjectData(object, buffer, cap, size);
}

static TEE_Result
say(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	TEE_ObjectHandle object;
	TEE_Result res;

	if (paramTypes !=
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_NONE,
		TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;
	res = TEE_OpenPersistentObject(TEE_STORAGE_PERSO, config,
	    sizeof(config) - 1, TEE_DATA_FLAG_ACCESS_READ, &object);
	if (res != TEE_SUCCESS)
		return res;
	res = copy_out(object, params[0].memref.buffer, &params[0].memref.size);
	TEE_CloseObject(object);
	return res;
}

TEE_Result
TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID,
    uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS])
{
	(void)sessionContext;
	if (commandID == PERSONAL_CMD_SAY)
		return say(paramTypes, params);
	return TEE_ERROR_NOT_SUPPORTED;
}
