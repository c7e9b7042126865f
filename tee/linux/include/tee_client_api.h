/*
 * GlobalPlatform TEE Client API 1.0 (GPD_SPE_007): how a normal-world program
 * talks to Trusted Applications. Link with -lteec.
 *
 * Contexts, sessions and commands; values and temporary, whole and partial
 * memory references; shared memory, allocated or registered; cancellation.
 * Memory is copied to and from the TEE with each call. Of the login methods
 * there is TEEC_LOGIN_PUBLIC; others are refused. One session may be used by
 * several threads; its calls run one after another.
 */
#ifndef TEE_CLIENT_API_H
#define TEE_CLIENT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Number of parameters of an operation. */
#define TEEC_CONFIG_PAYLOAD_REF_COUNT 4

/* Largest memory reference, in bytes. */
#define TEEC_CONFIG_SHAREDMEM_MAX_SIZE 4194304

/* Parameter types (Section 4.5.3). */
#define TEEC_NONE 0x00000000
#define TEEC_VALUE_INPUT 0x00000001
#define TEEC_VALUE_OUTPUT 0x00000002
#define TEEC_VALUE_INOUT 0x00000003
#define TEEC_MEMREF_TEMP_INPUT 0x00000005
#define TEEC_MEMREF_TEMP_OUTPUT 0x00000006
#define TEEC_MEMREF_TEMP_INOUT 0x00000007
#define TEEC_MEMREF_WHOLE 0x0000000C
#define TEEC_MEMREF_PARTIAL_INPUT 0x0000000D
#define TEEC_MEMREF_PARTIAL_OUTPUT 0x0000000E
#define TEEC_MEMREF_PARTIAL_INOUT 0x0000000F

/* Directions of shared memory. */
#define TEEC_MEM_INPUT 0x00000001
#define TEEC_MEM_OUTPUT 0x00000002

/* Return codes (Section 4.4.2). */
#define TEEC_SUCCESS 0x00000000
#define TEEC_ERROR_GENERIC 0xFFFF0000
#define TEEC_ERROR_ACCESS_DENIED 0xFFFF0001
#define TEEC_ERROR_CANCEL 0xFFFF0002
#define TEEC_ERROR_ACCESS_CONFLICT 0xFFFF0003
#define TEEC_ERROR_EXCESS_DATA 0xFFFF0004
#define TEEC_ERROR_BAD_FORMAT 0xFFFF0005
#define TEEC_ERROR_BAD_PARAMETERS 0xFFFF0006
#define TEEC_ERROR_BAD_STATE 0xFFFF0007
#define TEEC_ERROR_ITEM_NOT_FOUND 0xFFFF0008
#define TEEC_ERROR_NOT_IMPLEMENTED 0xFFFF0009
#define TEEC_ERROR_NOT_SUPPORTED 0xFFFF000A
#define TEEC_ERROR_NO_DATA 0xFFFF000B
#define TEEC_ERROR_OUT_OF_MEMORY 0xFFFF000C
#define TEEC_ERROR_BUSY 0xFFFF000D
#define TEEC_ERROR_COMMUNICATION 0xFFFF000E
#define TEEC_ERROR_SECURITY 0xFFFF000F
#define TEEC_ERROR_SHORT_BUFFER 0xFFFF0010
#define TEEC_ERROR_EXTERNAL_CANCEL 0xFFFF0011
#define TEEC_ERROR_TARGET_DEAD 0xFFFF3024
#define TEEC_ERROR_STORAGE_NO_SPACE 0xFFFF3041

/* Where a return code comes from. */
#define TEEC_ORIGIN_API 0x00000001
#define TEEC_ORIGIN_COMMS 0x00000002
#define TEEC_ORIGIN_TEE 0x00000003
#define TEEC_ORIGIN_TRUSTED_APP 0x00000004

/* Login methods (Section 4.5.4). */
#define TEEC_LOGIN_PUBLIC 0x00000000
#define TEEC_LOGIN_USER 0x00000001
#define TEEC_LOGIN_GROUP 0x00000002
#define TEEC_LOGIN_APPLICATION 0x00000004
#define TEEC_LOGIN_USER_APPLICATION 0x00000005
#define TEEC_LOGIN_GROUP_APPLICATION 0x00000006

/* The four types of an operation's parameters, in one number. */
#define TEEC_PARAM_TYPES(p0, p1, p2, p3) \
	((p0) | ((p1) << 4) | ((p2) << 8) | ((p3) << 12))
#define TEEC_PARAM_TYPE_GET(p, i) (((p) >> ((i)*4)) & 0xF)

typedef uint32_t TEEC_Result;

typedef struct {
	uint32_t timeLow;
	uint16_t timeMid;
	uint16_t timeHiAndVersion;
	uint8_t clockSeqAndNode[8];
} TEEC_UUID;

/** A TEE. `imp` belongs to the implementation, here and below. */
typedef struct {
	struct {
		char *path;
	} imp;
} TEEC_Context;

/** A connection with one Trusted Application. */
typedef struct {
	struct {
		struct pst_teec_session *session;
	} imp;
} TEEC_Session;

/** Memory that commands may refer to. */
typedef struct {
	void *buffer;
	size_t size;
	uint32_t flags; /* TEEC_MEM_* */
	struct {
		void *allocated; /* what Release frees; NULL: registered */
	} imp;
} TEEC_SharedMemory;

typedef struct {
	void *buffer;
	size_t size;
} TEEC_TempMemoryReference;

typedef struct {
	TEEC_SharedMemory *parent;
	size_t size;
	size_t offset;
} TEEC_RegisteredMemoryReference;

typedef struct {
	uint32_t a;
	uint32_t b;
} TEEC_Value;

typedef union {
	TEEC_TempMemoryReference tmpref;
	TEEC_RegisteredMemoryReference memref;
	TEEC_Value value;
} TEEC_Parameter;

typedef struct {
	uint32_t started; /* 0 before the operation may be cancelled */
	uint32_t paramTypes;
	TEEC_Parameter params[TEEC_CONFIG_PAYLOAD_REF_COUNT];
	struct {
		struct pst_teec_session *session; /* while it runs */
	} imp;
} TEEC_Operation;

/**
 * Find a TEE.
 *
 * @param name  path of its socket; NULL: the environment's
 *              POSTERN_TEE_SOCKET, else /run/postern/tee.sock
 *
 * @retval TEEC_ERROR_ITEM_NOT_FOUND  nothing listens there
 * @retval TEEC_ERROR_ACCESS_DENIED   this user may not connect
 */
TEEC_Result TEEC_InitializeContext(const char *name, TEEC_Context *context);

/** Forget a TEE. Every session has been closed before. */
void TEEC_FinalizeContext(TEEC_Context *context);

/** Let commands refer to the caller's memory. */
TEEC_Result
TEEC_RegisterSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem);

/** Allocate memory that commands may refer to. */
TEEC_Result
TEEC_AllocateSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem);

void TEEC_ReleaseSharedMemory(TEEC_SharedMemory *sharedMemory);

/**
 * Open a session with a Trusted Application.
 *
 * @param connectionMethod  TEEC_LOGIN_PUBLIC
 * @param connectionData    NULL
 * @param operation         parameters for the TA; may be NULL
 * @param returnOrigin      set to TEEC_ORIGIN_*; may be NULL
 *
 * @retval TEEC_ERROR_ITEM_NOT_FOUND  it is not installed
 * @retval TEEC_ERROR_BUSY            it has as many sessions as it can
 * @retval TEEC_ERROR_TARGET_DEAD     it ended while it was being opened
 */
TEEC_Result TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
    const TEEC_UUID *destination, uint32_t connectionMethod,
    const void *connectionData, TEEC_Operation *operation,
    uint32_t *returnOrigin);

void TEEC_CloseSession(TEEC_Session *session);

/**
 * Run a command in a session; blocks until the TA has answered.
 *
 * @retval TEEC_ERROR_TARGET_DEAD  the TA panicked, crashed or took too long
 * @retval TEEC_ERROR_CANCEL       cancelled before the TA saw it
 */
TEEC_Result TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID,
    TEEC_Operation *operation, uint32_t *returnOrigin);

/**
 * Ask that a running operation ends early; from another thread. A command
 * that the TA has not begun is answered with TEEC_ERROR_CANCEL; in a TA that
 * has begun, the cancellation flag is set.
 */
void TEEC_RequestCancellation(TEEC_Operation *operation);

#ifdef __cplusplus
}
#endif

#endif
