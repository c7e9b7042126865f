/*
 * Properties by name (GlobalPlatform TEE Internal Core API 1.3, Sections 4.4
 * to 4.7): of this TA, of its client, of this TEE.
 */
#include "runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tee_api.h>

/* Longest number, UUID or identity as text. */
#define TEXT_MAX 64

static const uint32_t internal_version = TEE_CORE_API_MAJOR_VERSION << 24 |
    TEE_CORE_API_MINOR_VERSION << 16 | TEE_CORE_API_MAINTENANCE_VERSION << 8;
/* Section 7.2: the system clock is the kernel's monotonic clock. */
static const uint32_t protection_level = 100;

static const struct user_ta_property tee_props[] = {
	{ "gpd.tee.apiversion", USER_TA_PROP_TYPE_STRING, "1.3" },
	{ "gpd.tee.description", USER_TA_PROP_TYPE_STRING,
	    "Postern, the Linux TEE" },
	{ "gpd.tee.internalCore.version", USER_TA_PROP_TYPE_U32,
	    &internal_version },
	{ "gpd.tee.systemTime.protectionLevel", USER_TA_PROP_TYPE_U32,
	    &protection_level },
};

static const struct user_ta_property client_props[] = {
	{ "gpd.client.identity", USER_TA_PROP_TYPE_IDENTITY,
	    &pst_ta_runtime.client },
};

static const struct user_ta_property *
find_in(const struct user_ta_property *set, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(set[i].name, name) == 0)
			return &set[i];
	return NULL;
}

static const struct user_ta_property *
find(TEE_PropSetHandle set, const char *name)
{
	if (name == NULL)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if (set == TEE_PROPSET_CURRENT_TA)
		return find_in(pst_ta_runtime.head->props,
		    pst_ta_runtime.head->num_props, name);
	if (set == TEE_PROPSET_CURRENT_CLIENT)
		return find_in(client_props, 1, name);
	if (set == TEE_PROPSET_TEE_IMPLEMENTATION)
		return find_in(
		    tee_props, sizeof(tee_props) / sizeof(tee_props[0]), name);
	/* Enumerators do not exist here: any other handle is a TA's fault. */
	pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
}

static void
uuid_text(const TEE_UUID *u, char *to, size_t cap)
{
	const uint8_t *n = u->clockSeqAndNode;

	snprintf(to, cap,
	    "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    u->timeLow, u->timeMid, u->timeHiAndVersion, n[0], n[1], n[2], n[3],
	    n[4], n[5], n[6], n[7]);
}

static void
identity_text(const TEE_Identity *id, char *to, size_t cap)
{
	int n = snprintf(to, cap, "%08" PRIX32 ":", id->login);

	if (n > 0 && (size_t)n < cap)
		uuid_text(&id->uuid, to + n, cap - (size_t)n);
}

/* The value as text; numbers are printed into `room`. */
static const char *
text_of(const struct user_ta_property *p, char room[TEXT_MAX])
{
	switch (p->type) {
	case USER_TA_PROP_TYPE_BOOL:
		return *(const bool *)p->value ? "true" : "false";
	case USER_TA_PROP_TYPE_U32:
		snprintf(
		    room, TEXT_MAX, "%" PRIu32, *(const uint32_t *)p->value);
		return room;
	case USER_TA_PROP_TYPE_U64:
		snprintf(
		    room, TEXT_MAX, "%" PRIu64, *(const uint64_t *)p->value);
		return room;
	case USER_TA_PROP_TYPE_UUID:
		uuid_text(p->value, room, TEXT_MAX);
		return room;
	case USER_TA_PROP_TYPE_IDENTITY:
		identity_text(p->value, room, TEXT_MAX);
		return room;
	default:
		return p->value;
	}
}

TEE_Result
TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator, const char *name,
    char *valueBuffer, size_t *valueBufferLen)
{
	const struct user_ta_property *p = find(propsetOrEnumerator, name);
	char room[TEXT_MAX];
	const char *text;
	size_t cap, need;

	if (valueBufferLen == NULL ||
	    (valueBuffer == NULL && *valueBufferLen != 0))
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if (p == NULL)
		return TEE_ERROR_ITEM_NOT_FOUND;
	text = text_of(p, room);
	need = strlen(text) + 1;
	cap = *valueBufferLen;
	*valueBufferLen = need;
	if (cap > 0) {
		strncpy(valueBuffer, text, cap - 1);
		valueBuffer[cap - 1] = '\0';
	}
	return need > cap ? TEE_ERROR_SHORT_BUFFER : TEE_SUCCESS;
}

static TEE_Result
typed(TEE_PropSetHandle set, const char *name, enum user_ta_prop_type type,
    void *value, size_t size)
{
	const struct user_ta_property *p = find(set, name);

	if (value == NULL)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if (p == NULL)
		return TEE_ERROR_ITEM_NOT_FOUND;
	if (p->type != type)
		return TEE_ERROR_BAD_FORMAT;
	memcpy(value, p->value, size);
	return TEE_SUCCESS;
}

TEE_Result
TEE_GetPropertyAsBool(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, bool *value)
{
	return typed(propsetOrEnumerator, name, USER_TA_PROP_TYPE_BOOL, value,
	    sizeof(*value));
}

TEE_Result
TEE_GetPropertyAsU32(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, uint32_t *value)
{
	return typed(propsetOrEnumerator, name, USER_TA_PROP_TYPE_U32, value,
	    sizeof(*value));
}

TEE_Result
TEE_GetPropertyAsUUID(
    TEE_PropSetHandle propsetOrEnumerator, const char *name, TEE_UUID *value)
{
	return typed(propsetOrEnumerator, name, USER_TA_PROP_TYPE_UUID, value,
	    sizeof(*value));
}

TEE_Result
TEE_GetPropertyAsIdentity(TEE_PropSetHandle propsetOrEnumerator,
    const char *name, TEE_Identity *value)
{
	return typed(propsetOrEnumerator, name, USER_TA_PROP_TYPE_IDENTITY,
	    value, sizeof(*value));
}
