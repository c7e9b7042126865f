/* The keys of a developer's file; docs/manifests.md tells what they mean. */
#include "form.h"

/* clang-format off */
#define FIELDS(f) .fields = (f), .count = sizeof(f) / sizeof((f)[0])
/* clang-format on */

static const struct form file = { FORM_FILE, .name = "file" };
static const struct form matches = { FORM_MATCHES, .name = "version-matches" };
static const struct form set_version = { FORM_WRAP, .inner = &form_version };
static const struct form coswid = { FORM_SECTION, .inner = &form_bytes };
static const struct form flag_or_sequence = { FORM_FLAG_OR,
	.inner = &form_sequence };

static const struct form recipients = { FORM_LIST, .inner = &file };
static const struct form_field encrypt_fields[] = {
	{ 0, "to", &recipients, "key files of the recipients" },
	{ 1, "alg", &form_text, "a128gcm, unless it is another one" },
	{ 2, "out", &file, "where the ciphertext of a uri's file goes" },
};
const struct form form_encrypt = { FORM_MAP, "encrypt",
	FIELDS(encrypt_fields) };

/* --- components ------------------------------------------------------------
 */

#define COMPONENT_FIELDS \
	{ SOURCE_COMPONENT, "component", &form_id, \
		"its identifier: elements joined by /" }, \
	    { SOURCE_PAYLOAD, "payload", &file, \
		    "a file that travels in the envelope" }, \
	    { SOURCE_URI, "uri", &form_text, "where devices fetch it" }, \
	    { SOURCE_CONTENT, "content", &file, \
		    "a small file that stands in the manifest" }, \
	    { SOURCE_INSTALLED, "installed", &file, \
		    "a file that devices have and verify" }, \
	    { SOURCE_DEPENDENCY, "dependency", &file, \
		    "a signed envelope that this manifest depends on" }, \
	    { SOURCE_NAME, "name", &form_text, \
		    "what an integrated payload is called in the envelope" }, \
	    { SOURCE_PREFIX, "prefix", &form_id, \
		    "goes before the dependency's component identifiers" }, \
	    { SOURCE_ENCRYPTION, "encryption-info", &file, \
		    "a file with the COSE_Encrypt of an encrypted payload" }, \
	    { SOURCE_ENCRYPT, "encrypt", &form_encrypt, \
		    "encrypts the payload when the manifest is created" }, \
	    { SOURCE_PLAINTEXT, "plaintext", &file, \
		    "what the payload decrypts to, for digest and size" }, \
	    { SOURCE_FILE, "file", &file, "a local copy of what uri gives" }, \
	    { SOURCE_DIGEST, "digest", &form_digest, \
		    "of the image, where no file is at hand" }, \
	    { SOURCE_SIZE, "size", &form_uint, "bytes of the image" }, \
	    { SOURCE_VENDOR_ID, "vendor-id", &form_uuid, \
		    "the vendor that a device must be of" }, \
	    { SOURCE_CLASS_ID, "class-id", &form_uuid, \
		    "the class that a device must be of" }, \
	    { SOURCE_DEVICE_ID, "device-id", &form_uuid, \
		    "the one device that it is for" }, \
	    { SOURCE_REQUIRES, "requires-version", &matches, \
		    "what the installed version must be" }, \
	    { SOURCE_VERSION, "version", &form_text, "for people" }, \
	    { SOURCE_VENDOR, "vendor", &form_text, "for people" }, \
	    { SOURCE_MODEL, "model", &form_text, "for people" }, \
	{ \
		SOURCE_DESCRIPTION, "component-description", &form_text, \
		    "for people" \
	}

static const struct form_field component_fields[] = {
	COMPONENT_FIELDS,
	{ SOURCE_INVOKE, "invoke", &form_bool, "transfer control to it" },
};
const struct form form_source_component = { FORM_MAP, "component-source",
	FIELDS(component_fields) };
static const struct form components = { FORM_COMPONENTS, .name = "components" };

/* --- the envelope -----------------------------------------------------------
 */

static const struct form_field severable_fields[] = {
	{ PST_SUIT_COSWID, "coswid", NULL, NULL },
	{ PST_SUIT_DEPENDENCY_RESOLUTION, "dependency-resolution", NULL, NULL },
	{ PST_SUIT_PAYLOAD_FETCH, "payload-fetch", NULL, NULL },
	{ PST_SUIT_CANDIDATE_VERIFICATION, "candidate-verification", NULL,
	    NULL },
	{ PST_SUIT_INSTALL, "install", NULL, NULL },
	{ PST_SUIT_TEXT, "text", NULL, NULL },
};
const struct form form_severable = { FORM_NAMES, "severable",
	FIELDS(severable_fields) };

static const struct form_field digest_fields[] = {
	{ PST_ALG_SHA256, "sha-256", NULL, NULL },
	{ PST_ALG_SHA384, "sha-384", NULL, NULL },
	{ PST_ALG_SHA512, "sha-512", NULL, NULL },
	{ PST_ALG_SHAKE128, "shake128", NULL, NULL },
	{ PST_ALG_SHAKE256, "shake256", NULL, NULL },
};
const struct form form_digest_alg = { FORM_ENUM, "digest-algorithm",
	FIELDS(digest_fields) };
const struct form form_integrated = { FORM_EACH, .keys = &form_text,
	.inner = &form_bytes };
static const struct form blocks = { FORM_LIST, .inner = &form_bytes };
static const struct form_field authentication_fields[] = {
	{ 0, "digest", &form_digest, "of the manifest, if not the real one" },
	{ 1, "blocks", &blocks, "authentication blocks, as they are" },
};
const struct form form_authentication = { FORM_TUPLE, "authentication",
	FIELDS(authentication_fields) };
/* Labels only. */
const struct form form_members = { FORM_MAP, .name = "members" };

static const struct form_field source_fields[] = {
	{ 2, "sequence", &form_uint, "the sequence number" },
	{ 5, "manifest-id", &form_id, "the manifest's own identifier" },
	{ 4, "reference-uri", &form_text, "where the manifest can be had" },
	{ SOURCE_ABOUT, "description", &form_text, "for people" },
	{ SOURCE_UPDATE, "update-description", &form_text, "for people" },
	{ SOURCE_LANGUAGE, "language", &form_text, "of all texts" },
	COMPONENT_FIELDS,
	{ SOURCE_EARLY, "early-fetch", &form_bool,
	    "fetch in payload-fetch, before install begins" },
	{ SOURCE_USE_BEFORE, "use-before", &form_time,
	    "from when on it is not installed any more" },
	{ 6, "set-version", &set_version, "version of all its components" },
	{ SOURCE_COMPONENTS, "components", &components,
	    "identifiers, or mappings that say where their bytes are from" },
	{ SOURCE_DEPENDENCIES, "dependencies", &form_dependencies,
	    "components that are manifests" },
	{ SOURCE_SHARED, "shared-sequence", &form_sequence,
	    "runs before every other section" },
	{ 15, "dependency-resolution", &form_section, NULL },
	{ 16, "payload-fetch", &form_section, NULL },
	{ 18, "candidate-verification", &form_section, NULL },
	{ 20, "install", &form_section, NULL },
	{ 7, "validate", &form_sequence, NULL },
	{ 8, "load", &form_sequence, NULL },
	{ 9, "invoke", &flag_or_sequence, NULL },
	{ 24, "uninstall", &flag_or_sequence, NULL },
	{ 23, "text", &form_text_map, "texts by language" },
	{ 14, "coswid", &coswid, "a concise software identification tag" },
	{ SOURCE_SEVERABLE, "severable", &form_severable,
	    "sections that move to the envelope" },
	{ SOURCE_DIGEST_ALG, "digest-algorithm", &form_digest_alg,
	    "of the manifest and of severed sections" },
	{ SOURCE_INTEGRATED, "integrated", &form_integrated,
	    "payloads and dependencies in the envelope, by name" },
	{ SOURCE_TAGGED, "tagged", &form_bool, "false: no tag 107" },
	{ SOURCE_AUTHENTICATION, "authentication", &form_authentication,
	    "signatures of an envelope that is made again" },
	{ 1, "manifest-version", &form_uint, "1, as a rule" },
	{ 3, "common", &form_common, "suit-common, where it is unusual" },
	{ SOURCE_MANIFEST, "manifest", &form_bytes,
	    "the manifest's bytes, where nothing else expresses it" },
	{ SOURCE_MEMBERS, "envelope", &form_members,
	    "further members of the envelope, by label" },
	{ SOURCE_RAW, "raw-envelope", &form_any,
	    "the whole envelope in diagnostic notation" },
};
const struct form form_source = { FORM_MAP, "source", FIELDS(source_fields) };
