/* What has which name, label and type. */
#include <string.h>

#include "form.h"

/* clang-format off */
#define FIELDS(f) .fields = (f), .count = sizeof(f) / sizeof((f)[0])
/* clang-format on */

const struct form form_any = { FORM_ANY, .name = "notation" };
const struct form form_bytes = { FORM_BYTES, .name = "bytes" };
const struct form form_text = { FORM_TEXT, .name = "string" };
const struct form form_uint = { FORM_UINT, .name = "unsigned" };
const struct form form_id = { FORM_ID, .name = "identifier" };
const struct form form_digest = { FORM_DIGEST, .name = "digest" };
const struct form form_bool = { FORM_BOOL, .name = "flag" };
const struct form form_time = { FORM_TIME, .name = "time" };
const struct form form_uuid = { FORM_UUID, .name = "uuid" };
const struct form form_size = { FORM_SIZE, .name = "size" };
static const struct form integer = { FORM_INT, .name = "integer" };
static const struct form epoch = { FORM_EPOCH, .name = "epoch" };
static const struct form actor = { FORM_ACTOR, .name = "actor" };
static const struct form component = { FORM_COMPONENT, .name = "component" };

const struct form form_version = { FORM_VERSION, .name = "version" };
const struct form form_match = { FORM_MATCH, .name = "version-match" };
static const struct form digest_bstr = { FORM_WRAP, .inner = &form_digest };
static const struct form match_bstr = { FORM_WRAP, .inner = &form_match };

/* --- parameters ------------------------------------------------------------
 */

static const struct form matches = { FORM_LIST, .inner = &form_match };
static const struct form_field other_fields[] = {
	{ 0, "device", &form_bytes, "the other device's identifier" },
	{ 1, "versions", &matches, "conditions that its version must meet" },
};
static const struct form other = { FORM_TUPLE, FIELDS(other_fields) };
static const struct form_field event_fields[] = {
	{ 1, "authorization", &integer, "a priority; smaller is more urgent" },
	{ 2, "power", &integer, "a power state" },
	{ 3, "network", &integer, "a network state" },
	{ 4, "other-device-version", &other, NULL },
	{ 5, "time", &form_time, NULL },
	{ 6, "time-of-day", &form_uint, "seconds since midnight" },
	{ 7, "day-of-week", &form_uint, "days since Sunday" },
	{ 8, "time-of-day-utc", &form_uint, "seconds since midnight" },
	{ 9, "day-of-week-utc", &form_uint, "days since Sunday" },
};
static const struct form events = { FORM_MAP, "wait-info",
	FIELDS(event_fields) };
static const struct form events_bstr = { FORM_WRAP, .inner = &events };

static const struct form_field permission_fields[] = {
	{ 0, "traverse_exec", NULL, NULL },
	{ 1, "create_write", NULL, NULL },
	{ 2, "list_read", NULL, NULL },
	{ 3, "createdir_append", NULL, NULL },
	{ 4, "read_attr", NULL, NULL },
	{ 5, "read_perm", NULL, NULL },
	{ 6, "change_perm", NULL, NULL },
	{ 7, "change_owner", NULL, NULL },
	{ 8, "write_attr", NULL, NULL },
	{ 9, "recurse_delete", NULL, NULL },
	{ 10, "delete", NULL, NULL },
	{ 11, "sync", NULL, NULL },
	{ 12, "read_attr_ex", NULL, NULL },
	{ 13, "write_attr_ex", NULL, NULL },
};
static const struct form permissions = { FORM_BITS, "permissions",
	FIELDS(permission_fields) };
static const struct form permission_map = { FORM_EACH, .keys = &actor,
	.inner = &permissions };
static const struct form_field file_type_fields[] = {
	{ 1, "regular", NULL, NULL },
	{ 2, "directory", NULL, NULL },
	{ 3, "symlink", NULL, NULL },
};
static const struct form file_type = { FORM_ENUM, FIELDS(file_type_fields) };
static const struct form_field metadata_fields[] = {
	{ 1, "default-permissions", &permissions, NULL },
	{ 2, "user-permissions", &permission_map, NULL },
	{ 3, "group-permissions", &permission_map, NULL },
	{ 4, "role-permissions", &permission_map, NULL },
	{ 5, "file-type", &file_type, NULL },
	{ 6, "modification-time", &epoch, NULL },
	{ 7, "creation-time", &epoch, NULL },
	{ 8, "creator", &actor, NULL },
};
static const struct form metadata = { FORM_MAP, "component-metadata",
	FIELDS(metadata_fields) };
static const struct form metadata_bstr = { FORM_WRAP, .inner = &metadata };

static const struct form_field parameter_fields[] = {
	{ 1, "vendor-id", &form_uuid, "the vendor that a device must be of" },
	{ 2, "class-id", &form_uuid, "the class that a device must be of" },
	{ 3, "image-digest", &digest_bstr, "digest of the component's image" },
	{ 4, "use-before", &form_time, "from when on it is not installed" },
	{ 5, "component-slot", &form_uint, NULL },
	{ 12, "strict-order", &form_bool, NULL },
	{ 13, "soft-failure", &form_bool, NULL },
	{ 14, "image-size", &form_size, "bytes of the image" },
	{ 18, "content", &form_bytes, "what write writes" },
	{ 19, "encryption-info", &form_bytes,
	    "a tagged COSE_Encrypt, as manifest encrypt writes it" },
	{ 21, "uri", &form_text, "where fetch gets the payload" },
	{ 22, "source-component", &component, "what copy and swap read" },
	{ 23, "invoke-args", &form_bytes, NULL },
	{ 24, "device-id", &form_uuid, "the one device that it is for" },
	{ 25, "fetch-arguments", &form_bytes, NULL },
	{ 26, "minimum-battery", &form_uint, "mWh" },
	{ 27, "update-priority", &integer, "smaller is more urgent" },
	{ 28, "version", &match_bstr, "what the installed version must be" },
	{ 29, "wait-info", &events_bstr, "the events that wait waits for" },
	{ 30, "component-metadata", &metadata_bstr, NULL },
};
const struct form form_parameters = { FORM_MAP, "parameters",
	FIELDS(parameter_fields) };

/* --- commands --------------------------------------------------------------
 */

static const struct form_field policy_fields[] = {
	{ 0, "record-success", NULL, NULL },
	{ 1, "record-failure", NULL, NULL },
	{ 2, "sysinfo-success", NULL, NULL },
	{ 3, "sysinfo-failure", NULL, NULL },
};
static const struct form policy = { FORM_BITS, "reporting-policy",
	FIELDS(policy_fields) };

const struct form form_index = { FORM_INDEX, .name = "component-index" };
static const struct form tries = { FORM_TRIES, .name = "try-each",
	.inner = &form_sequence };
static const struct form parameters_each = { FORM_EACH, .keys = &component,
	.inner = &form_parameters };
static const struct form parameter_label = { FORM_PARAMETER, "parameter-name",
	FIELDS(parameter_fields) };
static const struct form parameter_list = { FORM_LIST,
	.inner = &parameter_label };
static const struct form copied = { FORM_EACH, .keys = &component,
	.inner = &parameter_list };

static const struct form_field command_fields[] = {
	{ 1, "check-vendor-id", &policy, "is the device of vendor-id?" },
	{ 2, "check-class-id", &policy, "is the device of class-id?" },
	{ 3, "image-match", &policy, "has the component image-digest?" },
	{ 4, "check-use-before", &policy, "is it before use-before?" },
	{ 5, "check-component-slot", &policy, NULL },
	{ 6, "check-content", &policy, "has the component this content?" },
	{ 7, "dependency-integrity", &policy,
	    "is the dependency the manifest of image-digest, and authentic?" },
	{ 8, "is-dependency", &policy, NULL },
	{ 11, "process-dependency", &policy,
	    "run the same section of the dependency" },
	{ 12, "set-component-index", &form_index, NULL },
	{ 14, "abort", &policy, NULL },
	{ 15, "try-each", &tries, "the first sequence that succeeds" },
	{ 18, "write", &policy, "write content" },
	{ 19, "set-parameters", &form_parameters,
	    "set what is not set already" },
	{ 20, "override-parameters", &form_parameters, NULL },
	{ 21, "fetch", &policy, "get the payload of uri" },
	{ 22, "copy", &policy, "copy source-component" },
	{ 23, "invoke", &policy, "transfer control" },
	{ 24, "check-device-id", &policy, "has the device device-id?" },
	{ 25, "image-not-match", &policy, NULL },
	{ 26, "check-minimum-battery", &policy, NULL },
	{ 27, "check-update-authorized", &policy, NULL },
	{ 28, "check-version", &policy, "meets the installed one version?" },
	{ 29, "wait", &policy, "wait for wait-info" },
	{ 31, "swap", &policy, "exchange with source-component" },
	{ 32, "run-sequence", &form_sequence, NULL },
	{ 33, "unlink", &policy, "give up the component" },
	{ 34, "override-multiple", &parameters_each, NULL },
	{ 35, "copy-params", &copied, "parameters of other components" },
};
const struct form form_commands = { FORM_COMMANDS, "commands",
	FIELDS(command_fields) };
const struct form form_sequence = { FORM_WRAP, .inner = &form_commands };
const struct form form_section = { FORM_SECTION, .inner = &form_commands };

/* --- text -------------------------------------------------------------------
 */

static const struct form_field component_text_fields[] = {
	{ 1, "vendor-name", &form_text, NULL },
	{ 2, "model-name", &form_text, NULL },
	{ 3, "vendor-domain", &form_text, NULL },
	{ 4, "model-info", &form_text, NULL },
	{ 5, "component-description", &form_text, NULL },
	{ 6, "component-version", &form_text, NULL },
	{ 7, "version-required", &form_text, NULL },
	{ 8, "current-version", &form_text, NULL },
};
static const struct form component_text = { FORM_MAP, "component-text",
	FIELDS(component_text_fields) };
static const struct form component_texts = { FORM_EACH, .keys = &form_id,
	.inner = &component_text };
static const struct form_field language_fields[] = {
	{ 1, "manifest-description", &form_text, NULL },
	{ 2, "update-description", &form_text, NULL },
	{ 3, "json-source", &form_text, NULL },
	{ 4, "yaml-source", &form_text, NULL },
};
static const struct form language = { FORM_MAP, "language-text",
	FIELDS(language_fields), .each_name = "components",
	.each = &component_texts };
static const struct form languages = { FORM_EACH, .keys = &form_text,
	.inner = &language };
const struct form form_text_map = { FORM_SECTION, .inner = &languages };

/* --- common ------------------------------------------------------------------
 */

static const struct form_field dependency_fields[] = {
	{ 1, "prefix", &form_id,
	    "goes before every component identifier of the dependency" },
};
static const struct form dependency = { FORM_MAP, "dependency",
	FIELDS(dependency_fields) };
const struct form form_dependencies = { FORM_EACH, .keys = &component,
	.inner = &dependency };
static const struct form ids = { FORM_LIST, .inner = &form_id };
static const struct form_field common_fields[] = {
	{ 1, "dependencies", &form_dependencies, NULL },
	{ 2, "components", &ids, NULL },
	{ 4, "shared-sequence", &form_sequence, NULL },
};
static const struct form common = { FORM_MAP, "common", FIELDS(common_fields) };
const struct form form_common = { FORM_WRAP, .inner = &common };

/* --- names
 * -------------------------------------------------------------------- */

const struct form_field *
form_by_name(const struct form *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (strcmp(f->fields[i].name, name) == 0)
			return &f->fields[i];
	}
	return NULL;
}

const struct form_field *
form_by_label(const struct form *f, int64_t label)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (f->fields[i].label == label)
			return &f->fields[i];
	}
	return NULL;
}
