/* draft-ietf-suit-report. */
#include "tables.h"

static const struct shape_field reasons[] = {
	{ 0, "ok", NULL },
	{ 1, "cbor-parse", NULL },
	{ 2, "cose-unsupported", NULL },
	{ 3, "alg-unsupported", NULL },
	{ 4, "unauthorised", NULL },
	{ 5, "command-unsupported", NULL },
	{ 6, "component-unsupported", NULL },
	{ 7, "component-unauthorised", NULL },
	{ 8, "parameter-unsupported", NULL },
	{ 9, "severing-unsupported", NULL },
	{ 10, "condition-failed", NULL },
	{ 11, "operation-failed", NULL },
	{ 12, "invoke-pending", NULL },
};
static const struct pst_shape reason = { SHAPE_ENUM, FIELDS(reasons) };

static const struct shape_field record_fields[] = {
	{ 0, "manifest-id", NULL },
	{ 1, "manifest-section", &shape_section },
	{ 2, "section-offset", NULL },
	{ 3, "component-index", NULL },
	{ 4, "properties", &shape_parameters },
};

/* system-property-claims: a component's parameters. Label 0 is its id. */
static const struct pst_shape digest_bstr = { SHAPE_CBOR,
	.inner = &shape_digest };
static const struct shape_field property_fields[] = {
	{ 0, "system-component-id", &shape_component },
	{ 1, "suit-parameter-vendor-identifier", &shape_bytes },
	{ 2, "suit-parameter-class-identifier", &shape_bytes },
	{ 3, "suit-parameter-image-digest", &digest_bstr },
	{ 5, "suit-parameter-component-slot", NULL },
	{ 14, "suit-parameter-image-size", NULL },
	{ 18, "suit-parameter-content", &shape_bytes },
	{ 21, "suit-parameter-uri", NULL },
	{ 24, "suit-parameter-device-identifier", &shape_bytes },
	{ 28, "suit-parameter-version", NULL },
};
const struct pst_shape shape_property_claims = { SHAPE_MAP,
	"system-property-claims", FIELDS(property_fields) };
static const struct pst_shape record = { SHAPE_ARRAY, "SUIT_Record",
	FIELDS(record_fields), .alt = &shape_property_claims };
static const struct pst_shape records = { SHAPE_LIST, .inner = &record };

static const struct shape_field result_fields[] = {
	{ 5, "suit-report-result-code", NULL },
	{ 6, "suit-report-result-record", &record },
	{ 7, "suit-report-result-reason", &reason },
};
static const struct pst_shape result = { SHAPE_MAP, NULL,
	FIELDS(result_fields) };

static const struct shape_field reference_fields[] = {
	{ 0, "manifest-uri", NULL },
	{ 1, "manifest-digest", &shape_digest },
};
static const struct pst_shape reference = { SHAPE_ARRAY, "SUIT_Reference",
	FIELDS(reference_fields) };

static const struct pst_shape component_list = { SHAPE_LIST,
	.inner = &shape_component };
static const struct pst_shape command_list = { SHAPE_LIST,
	.inner = &shape_command_name };
static const struct pst_shape parameter_list = { SHAPE_LIST,
	.inner = &shape_parameter_name };
static const struct pst_shape alg_list = { SHAPE_LIST, .inner = &shape_alg };
static const struct pst_shape section_list = { SHAPE_LIST,
	.inner = &shape_section };
static const struct shape_field capability_fields[] = {
	{ 1, "suit-component-capabilities", &component_list },
	{ 2, "suit-command-capabilities", &command_list },
	{ 3, "suit-parameters-capabilities", &parameter_list },
	{ 4, "suit-crypt-algo-capabilities", &alg_list },
	{ 5, "suit-envelope-capabilities", NULL },
	{ 6, "suit-manifest-capabilities", &section_list },
	{ 7, "suit-common-capabilities", NULL },
	{ 8, "suit-text-capabilities", NULL },
	{ 9, "suit-text-component-capabilities", NULL },
	{ 10, "suit-dependency-capabilities", NULL },
};
static const struct pst_shape capabilities = { SHAPE_MAP,
	"SUIT_Capability_Report", FIELDS(capability_fields) };

static const struct shape_field report_fields[] = {
	{ 2, "suit-report-nonce", NULL },
	{ 3, "suit-report-records", &records },
	{ 4, "suit-report-result", &result },
	{ 5, "suit-report-result-code", NULL },
	{ 6, "suit-report-result-record", &record },
	{ 7, "suit-report-result-reason", &reason },
	{ 8, "suit-report-capability-report", &capabilities },
	{ 99, "suit-reference", &reference },
};
const struct pst_shape shape_report = { SHAPE_MAP, "SUIT_Report",
	FIELDS(report_fields) };

const char *
pst_diag_suit_reason(int64_t number)
{
	const struct shape_field *f = shape_field(&reason, number);

	return f != NULL ? f->name : NULL;
}
