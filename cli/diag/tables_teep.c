/* draft-ietf-teep-protocol. */
#include "tables.h"

static const struct shape_field types[] = {
	{ 1, "TEEP-TYPE-query-request", NULL },
	{ 2, "TEEP-TYPE-query-response", NULL },
	{ 3, "TEEP-TYPE-update", NULL },
	{ 5, "TEEP-TYPE-success", NULL },
	{ 6, "TEEP-TYPE-error", NULL },
};
static const struct pst_shape type = { SHAPE_ENUM, FIELDS(types) };

static const struct shape_field error_codes[] = {
	{ 1, "ERR_PERMANENT_ERROR", NULL },
	{ 2, "ERR_UNSUPPORTED_EXTENSION", NULL },
	{ 3, "ERR_UNSUPPORTED_FRESHNESS_MECHANISMS", NULL },
	{ 4, "ERR_UNSUPPORTED_MSG_VERSION", NULL },
	{ 5, "ERR_UNSUPPORTED_CIPHER_SUITES", NULL },
	{ 6, "ERR_BAD_CERTIFICATE", NULL },
	{ 7, "ERR_ATTESTATION_REQUIRED", NULL },
	{ 8, "ERR_UNSUPPORTED_SUIT_REPORT", NULL },
	{ 9, "ERR_CERTIFICATE_EXPIRED", NULL },
	{ 10, "ERR_TEMPORARY_ERROR", NULL },
	{ 17, "ERR_MANIFEST_PROCESSING_FAILED", NULL },
};
static const struct pst_shape error_code = { SHAPE_ENUM, FIELDS(error_codes) };

static const struct shape_field mechanisms[] = {
	{ 0, "nonce", NULL },
	{ 1, "timestamp", NULL },
};
static const struct pst_shape mechanism = { SHAPE_ENUM, FIELDS(mechanisms) };
static const struct pst_shape mechanism_list = { SHAPE_LIST,
	.inner = &mechanism };

static const struct shape_field item_bits[] = {
	{ 0, "attestation", NULL },
	{ 1, "trusted-components", NULL },
	{ 2, "extensions", NULL },
	{ 3, "suit-reports", NULL },
};
static const struct pst_shape items = { SHAPE_BITS, FIELDS(item_bits) };

/* [COSE structure as a CoAP content format, algorithm] */
static const struct shape_field operations[] = {
	{ 16, "COSE_Encrypt0", NULL },
	{ 17, "COSE_Mac0", NULL },
	{ 18, "COSE_Sign1", NULL },
	{ 96, "COSE_Encrypt", NULL },
	{ 97, "COSE_Mac", NULL },
	{ 98, "COSE_Sign", NULL },
};
static const struct pst_shape operation_kind = { SHAPE_ENUM,
	FIELDS(operations) };
static const struct shape_field operation_fields[] = {
	{ 0, NULL, &operation_kind },
	{ 1, NULL, &shape_alg },
};
static const struct pst_shape operation = { SHAPE_ARRAY, NULL,
	FIELDS(operation_fields) };
static const struct pst_shape suite = { SHAPE_LIST, .inner = &operation };
static const struct pst_shape suites = { SHAPE_LIST, .inner = &suite };

static const struct pst_shape profile = { SHAPE_LIST, .inner = &shape_alg };
static const struct pst_shape profiles = { SHAPE_LIST, .inner = &profile };

static const struct pst_shape tc_list = { SHAPE_LIST,
	.inner = &shape_property_claims };
static const struct pst_shape component_list = { SHAPE_LIST,
	.inner = &shape_component };
/* Untagged in the CDDL and in every example; a tag is shown as a tag. */
static const struct pst_shape envelope_bstr = { SHAPE_CBOR,
	.inner = &shape_envelope };
static const struct pst_shape envelope_list = { SHAPE_LIST,
	.inner = &envelope_bstr };
static const struct pst_shape report_list = { SHAPE_LIST,
	.inner = &shape_guess };

static const struct shape_field requested_fields[] = {
	{ 16, "component-id", &shape_component },
	{ 17, "tc-manifest-sequence-number", NULL },
	{ 18, "have-binary", NULL },
};
static const struct pst_shape requested = { SHAPE_MAP, NULL,
	FIELDS(requested_fields) };
static const struct pst_shape requested_list = { SHAPE_LIST,
	.inner = &requested };

static const struct shape_field options_fields[] = {
	{ 1, "supported-teep-cipher-suites", &suites },
	{ 2, "challenge", NULL },
	{ 3, "versions", NULL },
	{ 4, "supported-suit-cose-profiles", &profiles },
	{ 6, "selected-version", NULL },
	{ 7, "attestation-payload", &shape_guess },
	{ 8, "tc-list", &tc_list },
	{ 9, "ext-list", NULL },
	{ 10, "manifest-list", &envelope_list },
	{ 11, "msg", NULL },
	{ 12, "err-msg", NULL },
	{ 13, "attestation-payload-format", NULL },
	{ 14, "requested-tc-list", &requested_list },
	{ 15, "unneeded-manifest-list", &component_list },
	{ 16, "component-id", &shape_component },
	{ 17, "tc-manifest-sequence-number", NULL },
	{ 18, "have-binary", NULL },
	{ 19, "suit-reports", &report_list },
	{ 20, "token", NULL },
	{ 21, "supported-freshness-mechanisms", &mechanism_list },
	{ 22, "err-lang", NULL },
	{ 23, "err-code", &error_code },
};
static const struct pst_shape options = { SHAPE_MAP, NULL,
	FIELDS(options_fields) };

static const struct shape_field query_request_fields[] = {
	{ 0, "type", &type },
	{ 1, "options", &options },
	{ 2, "supported-teep-cipher-suites", &suites },
	{ 3, "supported-suit-cose-profiles", &profiles },
	{ 4, "data-item-requested", &items },
};
static const struct shape_field error_fields[] = {
	{ 0, "type", &type },
	{ 1, "options", &options },
	{ 2, "err-code", &error_code },
};

const struct pst_shape shape_query_request = { SHAPE_ARRAY, "TEEP QueryRequest",
	FIELDS(query_request_fields) };
const struct pst_shape shape_query_response = { SHAPE_ARRAY,
	"TEEP QueryResponse", .fields = error_fields, .count = 2 };
const struct pst_shape shape_update = { SHAPE_ARRAY, "TEEP Update",
	.fields = error_fields, .count = 2 };
const struct pst_shape shape_success = { SHAPE_ARRAY, "TEEP Success",
	.fields = error_fields, .count = 2 };
const struct pst_shape shape_error = { SHAPE_ARRAY, "TEEP Error",
	FIELDS(error_fields) };
