/* SUIT: manifest, trust domains, update management, encryption. */
#include "tables.h"

static const struct shape_field digest_fields[] = {
	{ 0, "algorithm-id", &shape_alg },
	{ 1, "digest-bytes", NULL },
};
const struct pst_shape shape_digest = { SHAPE_ARRAY, "SUIT_Digest",
	FIELDS(digest_fields) };
static const struct pst_shape digest_bstr = { SHAPE_CBOR,
	.inner = &shape_digest };

const struct pst_shape shape_component = { SHAPE_LIST, .inner = &shape_bytes };
static const struct pst_shape components = { SHAPE_LIST,
	.inner = &shape_component };

/* --- parameters --- */

static const struct shape_field comparisons[] = {
	{ 1, "greater", NULL },
	{ 2, "greater-equal", NULL },
	{ 3, "equal", NULL },
	{ 4, "lesser-equal", NULL },
	{ 5, "lesser", NULL },
};
static const struct pst_shape comparison = { SHAPE_ENUM, FIELDS(comparisons) };
static const struct shape_field version_fields[] = {
	{ 0, "comparison", &comparison },
	{ 1, "version", NULL },
};
static const struct pst_shape version = { SHAPE_ARRAY, NULL,
	FIELDS(version_fields) };
static const struct pst_shape version_bstr = { SHAPE_CBOR, .inner = &version };
static const struct pst_shape versions = { SHAPE_LIST, .inner = &version };

static const struct shape_field other_fields[] = {
	{ 0, "other-device", &shape_bytes },
	{ 1, "other-device-version", &versions },
};
static const struct pst_shape other = { SHAPE_ARRAY, NULL,
	FIELDS(other_fields) };
static const struct shape_field events[] = {
	{ 1, "authorization", NULL },
	{ 2, "power", NULL },
	{ 3, "network", NULL },
	{ 4, "other-device-version", &other },
	{ 5, "time", &shape_time },
	{ 6, "time-of-day", NULL },
	{ 7, "day-of-week", NULL },
	{ 8, "time-of-day-utc", NULL },
	{ 9, "day-of-week-utc", NULL },
};
static const struct pst_shape wait_info = { SHAPE_MAP, "SUIT_Wait_Event",
	FIELDS(events) };
static const struct pst_shape wait_bstr = { SHAPE_CBOR, .inner = &wait_info };

static const struct shape_field permission_bits[] = {
	{ 0, "traverse_exec", NULL },
	{ 1, "create_write", NULL },
	{ 2, "list_read", NULL },
	{ 3, "createdir_append", NULL },
	{ 4, "read_attr", NULL },
	{ 5, "read_perm", NULL },
	{ 6, "change_perm", NULL },
	{ 7, "change_owner", NULL },
	{ 8, "write_attr", NULL },
	{ 9, "recurse_delete", NULL },
	{ 10, "delete", NULL },
	{ 11, "sync", NULL },
	{ 12, "read_attr_ex", NULL },
	{ 13, "write_attr_ex", NULL },
};
static const struct pst_shape permissions = { SHAPE_BITS,
	FIELDS(permission_bits) };
static const struct pst_shape permission_map = { SHAPE_MAP, NULL,
	.inner = &permissions, .keys = &shape_bytes };
static const struct shape_field file_types[] = {
	{ 1, "regular", NULL },
	{ 2, "directory", NULL },
	{ 3, "symlink", NULL },
};
static const struct pst_shape file_type = { SHAPE_ENUM, FIELDS(file_types) };
static const struct shape_field metadata_fields[] = {
	{ 1, "default-permissions", &permissions },
	{ 2, "user-permissions", &permission_map },
	{ 3, "group-permissions", &permission_map },
	{ 4, "role-permissions", &permission_map },
	{ 5, "file-type", &file_type },
	{ 6, "modification-time", NULL },
	{ 7, "creation-time", NULL },
	{ 8, "creator", NULL },
};
static const struct pst_shape metadata = { SHAPE_MAP, "SUIT_Component_Metadata",
	FIELDS(metadata_fields) };
static const struct pst_shape metadata_bstr = { SHAPE_CBOR,
	.inner = &metadata };

/* firmware-encryption: a COSE_Encrypt, tagged. */
const struct pst_shape shape_encryption_info = { SHAPE_CBOR,
	.inner = &shape_tags };

static const struct shape_field parameters[] = {
	{ 1, "suit-parameter-vendor-identifier", &shape_bytes },
	{ 2, "suit-parameter-class-identifier", &shape_bytes },
	{ 3, "suit-parameter-image-digest", &digest_bstr },
	{ 4, "suit-parameter-use-before", &shape_time },
	{ 5, "suit-parameter-component-slot", NULL },
	{ 12, "suit-parameter-strict-order", NULL },
	{ 13, "suit-parameter-soft-failure", NULL },
	{ 14, "suit-parameter-image-size", NULL },
	{ 18, "suit-parameter-content", &shape_bytes },
	{ 19, "suit-parameter-encryption-info", &shape_encryption_info },
	{ 21, "suit-parameter-uri", NULL },
	{ 22, "suit-parameter-source-component", NULL },
	{ 23, "suit-parameter-invoke-args", &shape_bytes },
	{ 24, "suit-parameter-device-identifier", &shape_bytes },
	{ 25, "suit-parameter-fetch-arguments", &shape_bytes },
	{ 26, "suit-parameter-minimum-battery", NULL },
	{ 27, "suit-parameter-update-priority", NULL },
	{ 28, "suit-parameter-version", &version_bstr },
	{ 29, "suit-parameter-wait-info", &wait_bstr },
	{ 30, "suit-parameter-component-metadata", &metadata_bstr },
};
const struct pst_shape shape_parameters = { SHAPE_MAP, NULL,
	FIELDS(parameters) };
static const struct pst_shape parameters_each = { SHAPE_MAP, NULL,
	.inner = &shape_parameters };

/* --- commands --- */

static const struct shape_field policy_bits[] = {
	{ 0, "record-on-success", NULL },
	{ 1, "record-on-failure", NULL },
	{ 2, "sysinfo-success", NULL },
	{ 3, "sysinfo-failure", NULL },
};
static const struct pst_shape policy = { SHAPE_BITS, FIELDS(policy_bits) };

static const struct pst_shape sequence;
static const struct pst_shape sequence_bstr;
static const struct pst_shape alternatives = { SHAPE_LIST,
	.inner = &sequence_bstr };

static const struct shape_field commands[] = {
	{ 1, "suit-condition-vendor-identifier", &policy },
	{ 2, "suit-condition-class-identifier", &policy },
	{ 3, "suit-condition-image-match", &policy },
	{ 4, "suit-condition-use-before", &policy },
	{ 5, "suit-condition-component-slot", &policy },
	{ 6, "suit-condition-check-content", &policy },
	{ 7, "suit-condition-dependency-integrity", &policy },
	{ 8, "suit-condition-is-dependency", &policy },
	{ 11, "suit-directive-process-dependency", &policy },
	{ 12, "suit-directive-set-component-index", NULL },
	{ 14, "suit-condition-abort", &policy },
	{ 15, "suit-directive-try-each", &alternatives },
	{ 18, "suit-directive-write", &policy },
	{ 19, "suit-directive-set-parameters", &shape_parameters },
	{ 20, "suit-directive-override-parameters", &shape_parameters },
	{ 21, "suit-directive-fetch", &policy },
	{ 22, "suit-directive-copy", &policy },
	{ 23, "suit-directive-invoke", &policy },
	{ 24, "suit-condition-device-identifier", &policy },
	{ 25, "suit-condition-image-not-match", &policy },
	{ 26, "suit-condition-minimum-battery", &policy },
	{ 27, "suit-condition-update-authorized", &policy },
	{ 28, "suit-condition-version", &policy },
	{ 29, "suit-directive-wait", &policy },
	{ 31, "suit-directive-swap", &policy },
	{ 32, "suit-directive-run-sequence", &sequence_bstr },
	{ 33, "suit-directive-unlink", &policy },
	{ 34, "suit-directive-override-multiple", &parameters_each },
	{ 35, "suit-directive-copy-params", NULL },
};
static const struct pst_shape sequence = { SHAPE_PAIRS, NULL,
	FIELDS(commands) };
static const struct pst_shape sequence_bstr = { SHAPE_CBOR,
	.inner = &sequence };
/* In a manifest a severed section is its digest. */
static const struct pst_shape severable = { SHAPE_CBOR, .inner = &sequence,
	.alt = &shape_digest };

/* --- text --- */

static const struct shape_field component_texts[] = {
	{ 1, "suit-text-vendor-name", NULL },
	{ 2, "suit-text-model-name", NULL },
	{ 3, "suit-text-vendor-domain", NULL },
	{ 4, "suit-text-model-info", NULL },
	{ 5, "suit-text-component-description", NULL },
	{ 6, "suit-text-component-version", NULL },
	{ 7, "suit-text-version-required", NULL },
	{ 8, "suit-text-current-version", NULL },
};
static const struct pst_shape component_text = { SHAPE_MAP, NULL,
	FIELDS(component_texts) };
static const struct shape_field texts[] = {
	{ 1, "suit-text-manifest-description", NULL },
	{ 2, "suit-text-update-description", NULL },
	{ 3, "suit-text-manifest-json-source", NULL },
	{ 4, "suit-text-manifest-yaml-source", NULL },
};
static const struct pst_shape language_text = { SHAPE_MAP, NULL, FIELDS(texts),
	.inner = &component_text, .keys = &shape_component };
static const struct pst_shape text_map = { SHAPE_MAP, NULL,
	.inner = &language_text, .others = "language" };
static const struct pst_shape severable_text = { SHAPE_CBOR, .inner = &text_map,
	.alt = &shape_digest };

/* --- manifest and envelope --- */

static const struct shape_field dependency_fields[] = {
	{ 1, "suit-dependency-prefix", &shape_component },
};
static const struct pst_shape dependency = { SHAPE_MAP, NULL,
	FIELDS(dependency_fields) };
static const struct pst_shape dependencies = { SHAPE_MAP, NULL,
	.inner = &dependency };
static const struct shape_field common_fields[] = {
	{ 1, "suit-dependencies", &dependencies },
	{ 2, "suit-components", &components },
	{ 4, "suit-shared-sequence", &sequence_bstr },
};
static const struct pst_shape common = { SHAPE_MAP, "SUIT_Common",
	FIELDS(common_fields) };
static const struct pst_shape common_bstr = { SHAPE_CBOR, .inner = &common };
static const struct pst_shape opaque_or_digest = { SHAPE_GUESS,
	.alt = &shape_digest };
static const struct pst_shape any_bstr = { .kind = SHAPE_CBOR };

static const struct shape_field manifest_fields[] = {
	{ 1, "suit-manifest-version", NULL },
	{ 2, "suit-manifest-sequence-number", NULL },
	{ 3, "suit-common", &common_bstr },
	{ 4, "suit-reference-uri", NULL },
	{ 5, "suit-manifest-component-id", &shape_component },
	{ 6, "suit-set-version", &any_bstr },
	{ 7, "suit-validate", &sequence_bstr },
	{ 8, "suit-load", &sequence_bstr },
	{ 9, "suit-invoke", &sequence_bstr },
	{ 14, "suit-coswid", &opaque_or_digest },
	{ 15, "suit-dependency-resolution", &severable },
	{ 16, "suit-payload-fetch", &severable },
	{ 18, "suit-candidate-verification", &severable },
	{ 20, "suit-install", &severable },
	{ 23, "suit-text", &severable_text },
	{ 24, "suit-uninstall", &sequence_bstr },
};
const struct pst_shape shape_manifest = { SHAPE_MAP, "SUIT_Manifest",
	FIELDS(manifest_fields) };
static const struct pst_shape manifest_bstr = { SHAPE_CBOR,
	.inner = &shape_manifest };

/* The first element is a digest, the others are tagged COSE messages. */
static const struct pst_shape block = { SHAPE_CBOR, .inner = &shape_tags };
static const struct shape_field authentication_fields[] = {
	{ 0, "digest", &digest_bstr },
};
static const struct pst_shape authentication = { SHAPE_ARRAY,
	"SUIT_Authentication", FIELDS(authentication_fields), .inner = &block };
static const struct pst_shape authentication_bstr = { SHAPE_CBOR,
	.inner = &authentication };

static const struct shape_field envelope_fields[] = {
	{ 1, "suit-delegation", NULL },
	{ 2, "suit-authentication-wrapper", &authentication_bstr },
	{ 3, "suit-manifest", &manifest_bstr },
	{ 14, "suit-coswid", &shape_guess },
	{ 15, "suit-dependency-resolution", &sequence_bstr },
	{ 16, "suit-payload-fetch", &sequence_bstr },
	{ 18, "suit-candidate-verification", &sequence_bstr },
	{ 20, "suit-install", &sequence_bstr },
	{ 23, "suit-text", &severable_text },
};
const struct pst_shape shape_envelope = { SHAPE_MAP, "SUIT_Envelope",
	FIELDS(envelope_fields), .inner = &shape_guess,
	.others = "integrated payload or dependency" };

const struct pst_shape shape_section = { SHAPE_ENUM, FIELDS(manifest_fields) };
/* A command or a parameter that is named, not used. */
const struct pst_shape shape_command_name = { SHAPE_ENUM, FIELDS(commands) };
const struct pst_shape shape_parameter_name = { SHAPE_ENUM,
	FIELDS(parameters) };

const char *
pst_diag_suit_command(int64_t id)
{
	const struct shape_field *f = shape_field(&shape_command_name, id);

	return f != NULL ? f->name : NULL;
}

const char *
pst_diag_suit_section(int64_t label)
{
	const struct shape_field *f = shape_field(&shape_section, label);

	return f != NULL ? f->name : NULL;
}
