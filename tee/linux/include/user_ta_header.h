/*
 * What a Trusted Application says of itself. A TA writes
 * user_ta_header_defines.h with TA_UUID, TA_FLAGS, TA_STACK_SIZE and
 * TA_DATA_SIZE, and user_ta_header.c makes this out of it.
 */
#ifndef USER_TA_HEADER_H
#define USER_TA_HEADER_H

#include <tee_api_types.h>

/* TA_FLAGS */
#define TA_FLAG_USER_MODE 0
#define TA_FLAG_EXEC_DDR 0
#define TA_FLAG_SINGLE_INSTANCE (1u << 2)
#define TA_FLAG_MULTI_SESSION (1u << 3)
#define TA_FLAG_INSTANCE_KEEP_ALIVE (1u << 4)
#define TA_FLAG_SECURE_DATA_PATH (1u << 5)
#define TA_FLAG_REMAP_SUPPORT (1u << 6)
#define TA_FLAG_CACHE_MAINTENANCE (1u << 7)
#define TA_FLAG_CONCURRENT (1u << 8)
#define TA_FLAG_DEVICE_ENUM (1u << 9)
#define TA_FLAG_INSTANCE_KEEP_CRASHED (1u << 13)

enum user_ta_prop_type {
	USER_TA_PROP_TYPE_BOOL,		/* bool */
	USER_TA_PROP_TYPE_U32,		/* uint32_t */
	USER_TA_PROP_TYPE_UUID,		/* TEE_UUID */
	USER_TA_PROP_TYPE_IDENTITY,	/* TEE_Identity */
	USER_TA_PROP_TYPE_STRING,	/* zero-terminated */
	USER_TA_PROP_TYPE_BINARY_BLOCK, /* zero-terminated Base64 */
	USER_TA_PROP_TYPE_U64,		/* uint64_t */
	USER_TA_PROP_TYPE_INVALID
};

struct user_ta_property {
	const char *name;
	enum user_ta_prop_type type;
	const void *value;
};

/* Changes with the layout of struct ta_head and of what it points at. */
#define TA_HEAD_VERSION 1

struct ta_head {
	uint32_t version; /* TA_HEAD_VERSION */
	uint32_t flags;
	TEE_UUID uuid;
	size_t stack_size;
	size_t data_size;
	const struct user_ta_property *props;
	size_t num_props;
};

extern const struct ta_head ta_head;

#endif
