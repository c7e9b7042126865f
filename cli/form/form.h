/*
 * The YAML form of SUIT structures. One set of tables says what has which
 * name, label and type; a developer's file is encoded by it, an envelope is
 * written back by it, and the JSON Schema for editors is printed from it, so
 * that the three know the same names.
 *
 * What a table has no name for, or what is encoded in another way than ours,
 * stands as {raw: NOTATION}: bytes in diagnostic notation, taken as they are.
 */
#ifndef PST_CLI_FORM_H
#define PST_CLI_FORM_H

#include <postern/suit.h>

#include "cli/yaml.h"

enum form_kind {
	/* one scalar */
	FORM_UINT,
	FORM_INT,
	FORM_BOOL,
	FORM_TEXT,
	FORM_BYTES,	/* text, hex:, uuid:; or {file:}, {cbor:} */
	FORM_UUID,	/* bytes that are a UUID, as a rule */
	FORM_DIGEST,	/* sha-256:HEX; or {file:}, {manifest:} */
	FORM_SIZE,	/* a number; or {file:} */
	FORM_ID,	/* SUIT_Component_Identifier */
	FORM_TIME,	/* seconds since 1970 */
	FORM_EPOCH,	/* likewise in tag 1 */
	FORM_VERSION,	/* [+int] */
	FORM_MATCH,	/* SUIT_Parameter_Version_Match */
	FORM_ENUM,	/* a number with a name from fields */
	FORM_BITS,	/* bits with names from fields */
	FORM_COMPONENT, /* a component's index, or its identifier */
	FORM_ACTOR,	/* UUID, bytes, text or number */
	FORM_PARAMETER, /* a parameter's label by its name */
	FORM_ANY,	/* diagnostic notation */
	/* structures */
	FORM_INDEX,    /* one component, all, or a list */
	FORM_MAP,      /* fields by name; each: under one of them */
	FORM_EACH,     /* keys of a form, values of inner */
	FORM_LIST,     /* of inner */
	FORM_TUPLE,    /* an array, its elements by name */
	FORM_WRAP,     /* a byte string with inner in it */
	FORM_SECTION,  /* likewise, or the digest of one */
	FORM_COMMANDS, /* a command sequence; fields are the commands */
	FORM_TRIES,    /* try-each: sequences, then perhaps null */
	/* only in a developer's file: what something is made of */
	FORM_FILE,	 /* a path, relative to the file */
	FORM_MATCHES,	 /* several version conditions in one text */
	FORM_COMPONENTS, /* identifiers, or mappings that say more */
	FORM_FLAG_OR,	 /* true or false; or inner */
	FORM_NAMES	 /* a list of names from fields */
};

struct form_field {
	int64_t label;
	const char *name;
	const struct form *form;
	const char *what; /* for editors; may be NULL */
};

struct form {
	enum form_kind kind;
	const char *name; /* in the schema; NULL: written out in place */
	const struct form_field *fields;
	size_t count;
	const struct form *inner;
	const struct form *keys; /* EACH */
	/* MAP: what stands under the name `each`: pairs whose keys are arrays
	 */
	const char *each_name;
	const struct form *each;
};

extern const struct form form_any, form_bytes, form_text, form_uint, form_id,
    form_digest, form_commands, form_dependencies, form_text_map, form_section,
    form_sequence, form_version, form_bool, form_time, form_uuid, form_size,
    form_match, form_parameters, form_index, form_common;

/* --- a developer's file -------------------------------------------------- */

/* Its keys that are no labels of a manifest. */
enum form_source_label {
	SOURCE_COMPONENT = 200, /* of one component, from here */
	SOURCE_PAYLOAD,
	SOURCE_URI,
	SOURCE_CONTENT,
	SOURCE_INSTALLED,
	SOURCE_DEPENDENCY,
	SOURCE_NAME,
	SOURCE_PREFIX,
	SOURCE_ENCRYPTION,
	SOURCE_ENCRYPT,
	SOURCE_PLAINTEXT,
	SOURCE_FILE,
	SOURCE_DIGEST,
	SOURCE_SIZE,
	SOURCE_VENDOR_ID,
	SOURCE_CLASS_ID,
	SOURCE_DEVICE_ID,
	SOURCE_REQUIRES,
	SOURCE_VERSION,
	SOURCE_VENDOR,
	SOURCE_MODEL,
	SOURCE_DESCRIPTION,
	SOURCE_INVOKE,
	SOURCE_ABOUT, /* of all that is generated */
	SOURCE_UPDATE,
	SOURCE_LANGUAGE,
	SOURCE_EARLY,
	SOURCE_USE_BEFORE,
	SOURCE_COMPONENTS = 300, /* of suit-common */
	SOURCE_DEPENDENCIES,
	SOURCE_SHARED,
	SOURCE_SEVERABLE = 400, /* of the envelope */
	SOURCE_DIGEST_ALG,
	SOURCE_INTEGRATED,
	SOURCE_TAGGED,
	SOURCE_AUTHENTICATION,
	SOURCE_MANIFEST,
	SOURCE_MEMBERS,
	SOURCE_RAW
};

extern const struct form form_encrypt, form_source, form_source_component,
    form_severable, form_digest_alg, form_integrated, form_authentication,
    form_members;

/* Reporting policy of a command that names none: a failure is recorded. */
#define FORM_POLICY 2

/* Nested structures of one file, and nodes that are visited in all. */
enum { FORM_DEPTH_MAX = 48, FORM_NODES_MAX = 4000000 };

const struct form_field *form_by_name(const struct form *f, const char *name);
const struct form_field *form_by_label(const struct form *f, int64_t label);
/** The name that is most like an unknown one; NULL when none is. */
const char *form_nearest(const struct form *f, const char *name);
/** A label as a number; false when text is none. */
bool form_number(const char *text, struct pst_cbor_integer *out);

/* --- scalars ------------------------------------------------------------ */

/**
 * Encode a scalar's text.
 *
 * @param ids  components, for what names one by its identifier
 * @return NULL, or what was expected instead
 */
const char *form_scalar(const struct form *f, const char *text,
    const struct pst_list *ids, struct pst_cbor_writer *w);

/* Room for the text of any scalar but bytes and text. */
#define FORM_SCALAR_MAX 1100

/**
 * The text of an encoded scalar that form_scalar turns into the same bytes.
 *
 * @return memory that the caller frees; NULL when there is no such text
 */
char *form_scalar_text(const struct form *f, struct pst_bytes item);

/* --- reading a file ------------------------------------------------------ */

struct form_encoder {
	struct cli_yaml *yaml;
	struct pst_cbor_writer *w;
	const struct pst_crypto *crypto;
	struct pst_list ids; /* encoded component identifiers */
	unsigned int depth;
	size_t nodes;
};

/** Encode a node; what is wrong is said and sticks to e->yaml. */
void
form_encode(struct form_encoder *e, yaml_node_t *node, const struct form *f);

/** Is it {name: value} and nothing else? The value, or NULL. */
yaml_node_t *
form_only(struct form_encoder *e, yaml_node_t *node, const char *name);

/** Read a file that a node names, relative to the YAML file. */
bool form_file(struct form_encoder *e, yaml_node_t *node, const char *key,
    struct cli_file *out);
/** The path of such a file; the caller frees it. */
char *form_path(const struct cli_yaml *y, const char *path);

/** Fail when a key of a mapping is unknown or occurs twice; numbers: labels
 * without a name are known. */
void form_keys(
    struct cli_yaml *y, yaml_node_t *map, const struct form *f, bool numbers);

/** Put pairs of a map, written since mark, into deterministic order. */
void form_sort(
    struct pst_cbor_writer *w, size_t mark, const size_t *starts, size_t count);

/* --- writing one ---------------------------------------------------------- */

struct form_decoder {
	struct form_text {
		char *ptr;
		size_t len, cap;
		bool failed; /* no memory */
	} out;
	unsigned int depth;
	struct pst_list ids; /* components, to name them in comments */
};

/** Write "NAME: VALUE", the value in its form or raw. */
void form_write(struct form_decoder *d, const char *name, struct pst_bytes item,
    const struct form *f, int indent);
/** Can it be written in its form? Nothing is written if not. */
bool form_try(struct form_decoder *d, const char *name, struct pst_bytes item,
    const struct form *f, int indent);

void form_put(struct form_text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** Text in quotes, with nothing in it that a terminal obeys. */
void form_put_quoted(struct form_text *t, struct pst_bytes text);
/** Bytes as a scalar. */
void form_put_bytes(struct form_text *t, struct pst_bytes bytes);

#endif
