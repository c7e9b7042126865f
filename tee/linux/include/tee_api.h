/*
 * Functions of the GlobalPlatform TEE Internal Core API 1.3. What is not here
 * does not exist: a TA that needs it does not link.
 */
#ifndef TEE_API_H
#define TEE_API_H

#include <tee_api_types.h>

/* --- properties (Section 4.4) -------------------------------------------- */

/* valueBuffer may be NULL with a *valueBufferLen of 0 to ask for the size. */
TEE_Result TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator,
    const char *name, char *valueBuffer, size_t *valueBufferLen);
TEE_Result TEE_GetPropertyAsBool(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, bool *value);
TEE_Result TEE_GetPropertyAsU32(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, uint32_t *value);
TEE_Result TEE_GetPropertyAsUUID(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, TEE_UUID *value);
TEE_Result TEE_GetPropertyAsIdentity(TEE_PropSetHandle propsetOrEnumerator,
    const char *name, TEE_Identity *value);

/* --- panics (Section 4.8) ------------------------------------------------ */

void __noreturn TEE_Panic(TEE_Result panicCode);

/* --- cancellation (Section 4.10) ----------------------------------------- */

/* Cancellation is masked until a TA unmasks it. */
bool TEE_GetCancellationFlag(void);
bool TEE_UnmaskCancellation(void);
bool TEE_MaskCancellation(void);

/* --- memory (Section 4.11) ----------------------------------------------- */

TEE_Result
TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, size_t size);
void TEE_SetInstanceData(const void *instanceData);
const void *TEE_GetInstanceData(void);
/* The sum of what is allocated is at most TA_DATA_SIZE. */
void *TEE_Malloc(size_t size, uint32_t hint);
void *TEE_Realloc(void *buffer, size_t newSize);
void TEE_Free(void *buffer);
void *TEE_MemMove(void *dest, const void *src, size_t size);
/* In time that depends on size only. */
int32_t TEE_MemCompare(const void *buffer1, const void *buffer2, size_t size);
void *TEE_MemFill(void *buff, uint32_t x, size_t size);

/* --- objects in storage (Chapter 5) -------------------------------------- */

/*
 * TEE_STORAGE_PERSO has what was installed for this TA beside its image: the
 * component [its UUID, name] is the data object `name`. It is read only:
 * opening it for writing is TEE_ERROR_ACCESS_DENIED. Other storage does not
 * exist: TEE_ERROR_ITEM_NOT_FOUND.
 */
TEE_Result TEE_OpenPersistentObject(uint32_t storageID, const void *objectID,
    size_t objectIDLen, uint32_t flags, TEE_ObjectHandle *object);
TEE_Result
TEE_GetObjectInfo1(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo);
void TEE_CloseObject(TEE_ObjectHandle object);
TEE_Result TEE_ReadObjectData(
    TEE_ObjectHandle object, void *buffer, size_t size, size_t *count);
TEE_Result
TEE_SeekObjectData(TEE_ObjectHandle object, intmax_t offset, TEE_Whence whence);

TEE_Result
TEE_AllocatePersistentObjectEnumerator(TEE_ObjectEnumHandle *objectEnumerator);
void TEE_FreePersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator);
void TEE_ResetPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator);
TEE_Result TEE_StartPersistentObjectEnumerator(
    TEE_ObjectEnumHandle objectEnumerator, uint32_t storageID);
/* objectID has room for TEE_OBJECT_ID_MAX_LEN bytes; objectInfo may be NULL. */
TEE_Result TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
    TEE_ObjectInfo *objectInfo, void *objectID, size_t *objectIDLen);

/* --- random (Section 6.11) ----------------------------------------------- */

void TEE_GenerateRandom(void *randomBuffer, size_t randomBufferLen);

/* --- time (Chapter 7) ---------------------------------------------------- */

void TEE_GetSystemTime(TEE_Time *time);
TEE_Result TEE_Wait(uint32_t timeout);
void TEE_GetREETime(TEE_Time *time);

#endif
