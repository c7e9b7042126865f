/* CWT and EAT: RFC 8392, RFC 8747, RFC 9711, RFC 9783. */
#include "tables.h"

static const struct shape_field cnf_fields[] = {
	{ 1, "COSE_Key", &shape_cose_key },
	{ 2, "Encrypted_COSE_Key", NULL },
	{ 3, "kid", &shape_bytes },
	{ 5, "ckt", NULL },
};
static const struct pst_shape cnf = { SHAPE_MAP, NULL, FIELDS(cnf_fields) };

static const struct shape_field debug_states[] = {
	{ 0, "enabled", NULL },
	{ 1, "disabled", NULL },
	{ 2, "disabled since boot", NULL },
	{ 3, "disabled permanently", NULL },
	{ 4, "disabled fully and permanently", NULL },
};
static const struct pst_shape debug_state = { SHAPE_ENUM,
	FIELDS(debug_states) };

static const struct shape_field uses[] = {
	{ 1, "generic", NULL },
	{ 2, "registration", NULL },
	{ 3, "provisioning", NULL },
	{ 4, "CSR", NULL },
	{ 5, "PoP", NULL },
};
static const struct pst_shape use = { SHAPE_ENUM, FIELDS(uses) };

static const struct shape_field location_fields[] = {
	{ 1, "latitude", NULL },
	{ 2, "longitude", NULL },
	{ 3, "altitude", NULL },
	{ 4, "accuracy", NULL },
	{ 5, "altitude-accuracy", NULL },
	{ 6, "heading", NULL },
	{ 7, "speed", NULL },
	{ 8, "timestamp", &shape_time },
	{ 9, "age", NULL },
};
static const struct pst_shape location = { SHAPE_MAP, NULL,
	FIELDS(location_fields) };

static const struct shape_field content_fields[] = {
	{ 0, "content-type", NULL },
	{ 1, "content-format", &shape_guess },
};
static const struct pst_shape content = { SHAPE_ARRAY, NULL,
	FIELDS(content_fields) };
static const struct pst_shape contents = { SHAPE_LIST, .inner = &content };

static const struct pst_shape submodules;

/* A nested token, or another module's claims. */
static const struct pst_shape submodule = { SHAPE_GUESS, .alt = &shape_claims };
static const struct pst_shape submodules = { SHAPE_MAP, NULL,
	.inner = &submodule, .others = "submodule" };

/* Of this project's Evidence profile (postern/eat_keys.h). */
static const struct shape_field keys_fields[] = {
	{ 1, "encryption", &shape_cose_key },
	{ 2, "SUIT Reports", &shape_cose_key },
};
static const struct pst_shape keys = { SHAPE_MAP, NULL, FIELDS(keys_fields) };

static const struct shape_field claims[] = {
	{ 1, "iss", NULL },
	{ 2, "sub", NULL },
	{ 3, "aud", NULL },
	{ 4, "exp", &shape_time },
	{ 5, "nbf", &shape_time },
	{ 6, "iat", &shape_time },
	{ 7, "cti", &shape_bytes },
	{ 8, "cnf", &cnf },
	{ 10, "eat_nonce", NULL },
	{ 256, "ueid", NULL },
	{ 257, "sueids", NULL },
	{ 258, "oemid", NULL },
	{ 259, "hwmodel", NULL },
	{ 260, "hwversion", NULL },
	{ 261, "uptime", NULL },
	{ 262, "oemboot", NULL },
	{ 263, "dbgstat", &debug_state },
	{ 264, "location", &location },
	{ 265, "eat_profile", NULL },
	{ 266, "submods", &submodules },
	{ 267, "bootcount", NULL },
	{ 268, "bootseed", NULL },
	{ 269, "dloas", NULL },
	{ 270, "swname", NULL },
	{ 271, "swversion", NULL },
	{ 272, "manifests", &contents },
	{ 273, "measurements", &contents },
	{ 274, "measres", NULL },
	{ 275, "intuse", &use },
	{ 2394, "psa-client-id", NULL },
	{ 2395, "psa-security-lifecycle", NULL },
	{ 2396, "psa-implementation-id", NULL },
	{ 2398, "psa-certification-reference", NULL },
	{ 2399, "psa-software-components", NULL },
	{ 2400, "psa-verification-service-indicator", NULL },
	{ -70001, "device keys", &keys },
};
const struct pst_shape shape_claims = { SHAPE_MAP, "claims", FIELDS(claims),
	.others = "claim" };

static const struct pst_shape bundle_claims = { SHAPE_MAP, NULL,
	.inner = &shape_guess, .others = "detached claims" };
static const struct shape_field bundle_fields[] = {
	{ 0, "main token", &shape_guess },
	{ 1, "detached claims sets", &bundle_claims },
};
const struct pst_shape shape_bundle = { SHAPE_ARRAY, "detached EAT bundle",
	FIELDS(bundle_fields) };
