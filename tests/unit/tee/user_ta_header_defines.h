#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include "probe_ta.h"

#define TA_UUID PROBE_UUID
#ifdef PROBE_FLAGS
#define TA_FLAGS PROBE_FLAGS
#else
#define TA_FLAGS TA_FLAG_EXEC_DDR
#endif
#define TA_STACK_SIZE (64 * 1024)
#define TA_DATA_SIZE (1024 * 1024)
#define TA_VERSION "7.1"
#define TA_DESCRIPTION "For tests"
#define TA_CURRENT_TA_EXT_PROPERTIES \
	{ "org.example.text", USER_TA_PROP_TYPE_STRING, "some text" }, \
	{ \
		"org.example.number", USER_TA_PROP_TYPE_U32, &(const uint32_t) \
		{ \
			0x10 \
		} \
	}

#endif
