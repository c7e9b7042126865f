/*
 * Compiled with every Trusted Application: makes its header out of its
 * user_ta_header_defines.h.
 */
#include <user_ta_header.h>

#include <tee_ta_api.h>
#include <user_ta_header_defines.h>

#ifndef TA_DESCRIPTION
#define TA_DESCRIPTION ""
#endif
#ifndef TA_VERSION
#define TA_VERSION ""
#endif
#ifndef TA_CURRENT_TA_EXT_PROPERTIES
#define TA_CURRENT_TA_EXT_PROPERTIES
#endif
#define HAS(flag) (((TA_FLAGS) & (flag)) != 0)

static const bool single_instance = HAS(TA_FLAG_SINGLE_INSTANCE);
static const bool multi_session = HAS(TA_FLAG_MULTI_SESSION);
static const bool keep_alive = HAS(TA_FLAG_INSTANCE_KEEP_ALIVE);
static const uint32_t data_size = TA_DATA_SIZE;
static const uint32_t stack_size = TA_STACK_SIZE;
static const TEE_UUID uuid = TA_UUID;

/* GlobalPlatform TEE Internal Core API, Section 4.5. */
static const struct user_ta_property props[] = {
	{ "gpd.ta.appID", USER_TA_PROP_TYPE_UUID, &uuid },
	{ "gpd.ta.singleInstance", USER_TA_PROP_TYPE_BOOL, &single_instance },
	{ "gpd.ta.multiSession", USER_TA_PROP_TYPE_BOOL, &multi_session },
	{ "gpd.ta.instanceKeepAlive", USER_TA_PROP_TYPE_BOOL, &keep_alive },
	{ "gpd.ta.dataSize", USER_TA_PROP_TYPE_U32, &data_size },
	{ "gpd.ta.stackSize", USER_TA_PROP_TYPE_U32, &stack_size },
	{ "gpd.ta.version", USER_TA_PROP_TYPE_STRING, TA_VERSION },
	{ "gpd.ta.description", USER_TA_PROP_TYPE_STRING, TA_DESCRIPTION },
	TA_CURRENT_TA_EXT_PROPERTIES
};

const struct ta_head TA_EXPORT ta_head = {
	.version = TA_HEAD_VERSION,
	.flags = TA_FLAGS,
	.uuid = TA_UUID,
	.stack_size = TA_STACK_SIZE,
	.data_size = TA_DATA_SIZE,
	.props = props,
	.num_props = sizeof(props) / sizeof(props[0]),
};
