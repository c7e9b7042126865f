/*
 * postern manifest schema: the JSON Schema of a manifest's source, for
 * editors, printed from the tables that the source is read by.
 */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "form/form.h"
#include "manifest.h"

struct schema {
	json_t *definitions;
};

static const struct form component = { FORM_COMPONENT, .name = "component" };

static json_t *of_form(struct schema *s, const struct form *f);

static json_t *
type(const char *name)
{
	return json_pack("{s:s}", "type", name);
}

/* What YAML may make of a scalar that is a text here. */
static json_t *
text_like(void)
{
	return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *
pattern(const char *regex)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", regex);
}

static json_t *
number(bool negative)
{
	json_t *integer = type("integer");

	if (!negative)
		json_object_set_new(integer, "minimum", json_integer(0));
	return json_pack("{s:[o,o]}", "anyOf", integer,
	    pattern(negative ? "^-?(0x[0-9a-fA-F]+|[0-9]+)$"
			     : "^(0x[0-9a-fA-F]+|[0-9]+)$"));
}

/* {name: value} and nothing else */
static json_t *
only(const char *name, json_t *value)
{
	return json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object",
	    "properties", name, value, "required", name, "additionalProperties",
	    0);
}

static json_t *
reference(const char *name)
{
	return json_pack(
	    "{s:o}", "$ref", json_sprintf("#/definitions/%s", name));
}

static json_t *
names(const struct form *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->count; i++)
		json_array_append_new(list, json_string(f->fields[i].name));
	return json_pack("{s:o}", "enum", list);
}

/* --- structures --------------------------------------------------------------
 */

/* A value in its form, or raw. */
static json_t *
value(struct schema *s, const struct form *f, const char *what)
{
	json_t *v =
	    json_pack("{s:[o,o]}", "anyOf", of_form(s, f), reference("raw"));

	if (what != NULL)
		json_object_set_new(v, "description", json_string(what));
	return v;
}

static json_t *
properties(struct schema *s, const struct form *f)
{
	json_t *out = json_object();
	size_t i;

	for (i = 0; i < f->count; i++)
		json_object_set_new(out, f->fields[i].name,
		    value(s, f->fields[i].form, f->fields[i].what));
	if (f->each_name != NULL)
		json_object_set_new(out, f->each_name, of_form(s, f->each));
	return out;
}

static json_t *
map(struct schema *s, const struct form *f)
{
	return json_pack("{s:s, s:o, s:{s:o}, s:b}", "type", "object",
	    "properties", properties(s, f), "patternProperties",
	    "^-?(0x[0-9a-fA-F]+|[0-9]+)$", value(s, &form_any, NULL),
	    "additionalProperties", 0);
}

static json_t *
tuple(struct schema *s, const struct form *f)
{
	return json_pack("{s:s, s:o, s:b}", "type", "object", "properties",
	    properties(s, f), "additionalProperties", 0);
}

static json_t *
list(struct schema *s, const struct form *inner)
{
	return json_pack("{s:[{s:s, s:o}, o]}", "anyOf", "type", "array",
	    "items", value(s, inner, NULL), value(s, inner, NULL));
}

/* A command's name alone, or with its argument. */
static json_t *
commands(struct schema *s, const struct form *f)
{
	json_t *alone = json_array();
	json_t *one = map(s, f);
	size_t i;

	json_object_set_new(one, "minProperties", json_integer(1));
	json_object_set_new(one, "maxProperties", json_integer(1));
	for (i = 0; i < f->count; i++) {
		if (f->fields[i].form->kind == FORM_BITS)
			json_array_append_new(
			    alone, json_string(f->fields[i].name));
	}
	return json_pack("{s:s, s:{s:[{s:o}, o]}}", "type", "array", "items",
	    "anyOf", "enum", alone, one);
}

static json_t *
structure(struct schema *s, const struct form *f)
{
	switch (f->kind) {
	case FORM_INDEX:
		return json_pack("{s:[{s:s}, o]}", "anyOf", "const", "all",
		    list(s, &component));
	case FORM_MAP:
		return map(s, f);
	case FORM_EACH:
		return json_pack("{s:s, s:o}", "type", "object",
		    "additionalProperties", value(s, f->inner, NULL));
	case FORM_LIST:
		return list(s, f->inner);
	case FORM_TUPLE:
		return tuple(s, f);
	case FORM_WRAP:
		return of_form(s, f->inner);
	case FORM_SECTION:
		return json_pack("{s:[o,o]}", "anyOf", of_form(s, f->inner),
		    only("digest", of_form(s, &form_digest)));
	case FORM_COMMANDS:
		return commands(s, f);
	case FORM_TRIES:
		return json_pack("{s:s, s:{s:[o,o,o]}}", "type", "array",
		    "items", "anyOf", of_form(s, f->inner), type("null"),
		    reference("raw"));
	case FORM_COMPONENTS:
		return list(s, &form_source_component);
	case FORM_FLAG_OR:
		return json_pack("{s:[o,o]}", "anyOf", of_form(s, &form_bool),
		    of_form(s, f->inner));
	case FORM_NAMES:
		return json_pack("{s:[{s:s, s:o}, o]}", "anyOf", "type",
		    "array", "items", names(f), names(f));
	default:
		return type("string");
	}
}

/* --- scalars
 * ------------------------------------------------------------------- */

static json_t *
bits(const struct form *f)
{
	json_t *one = names(f);
	json_t *more = json_deep_copy(one);

	json_array_append_new(
	    json_object_get(more, "enum"), json_string("all"));
	json_array_append_new(
	    json_object_get(more, "enum"), json_string("none"));
	return json_pack("{s:[o, o, {s:s, s:o}]}", "anyOf", more, number(false),
	    "type", "array", "items", one);
}

static json_t *
scalar(struct schema *s, const struct form *f)
{
	static const char uuid[] =
	    "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|"
	    "hex:([0-9a-fA-F]{2})*)$";

	switch (f->kind) {
	case FORM_UINT:
		return number(false);
	case FORM_SIZE:
		return json_pack("{s:[o,o]}", "anyOf", number(false),
		    only("file", type("string")));
	case FORM_INT:
		return number(true);
	case FORM_BOOL:
		return json_pack("{s:[b,b,s,s,s,s]}", "enum", 1, 0, "true",
		    "false", "yes", "no");
	case FORM_BYTES:
		return json_pack("{s:[o,o,o]}", "anyOf", text_like(),
		    only("file", type("string")), only("cbor", text_like()));
	case FORM_UUID:
		return pattern(uuid);
	case FORM_DIGEST:
		return json_pack("{s:[o,o,o]}", "anyOf",
		    pattern("^(sha-256|sha-384|sha-512|shake128|shake256):"
			    "([0-9a-fA-F]{2})+$"),
		    only("file", type("string")),
		    only("manifest", type("string")));
	case FORM_VERSION:
		return json_pack("{s:[o, {s:s, s:o}]}", "anyOf", text_like(),
		    "type", "array", "items", type("integer"));
	case FORM_MATCH:
		return pattern("^ *(<|<=|=|>=|>) *[0-9]");
	case FORM_ENUM:
	case FORM_PARAMETER:
		return json_pack("{s:[o,o]}", "anyOf", names(f), number(true));
	case FORM_BITS:
		return bits(f);
	case FORM_MATCHES:
		return pattern("^ *(<|<=|=|>=|>) *[0-9].*");
	case FORM_FILE:
		return type("string");
	default:
		break;
	}
	(void)s;
	return text_like();
}

/* A form, by reference when it has a name. */
static json_t *
of_form(struct schema *s, const struct form *f)
{
	json_t *made;

	if (f->name != NULL && json_object_get(s->definitions, f->name) != NULL)
		return reference(f->name);
	/* It may contain itself. */
	if (f->name != NULL)
		json_object_set_new(s->definitions, f->name, json_null());
	made = f->kind <= FORM_ANY || f->kind == FORM_FILE ||
		f->kind == FORM_MATCHES
	    ? scalar(s, f)
	    : structure(s, f);
	if (f->name == NULL)
		return made;
	json_object_set_new(s->definitions, f->name, made);
	return reference(f->name);
}

static json_t *
schema(void)
{
	struct schema s = { json_object() };
	json_t *components, *out;

	json_object_set_new(s.definitions, "raw", only("raw", text_like()));
	json_decref(of_form(&s, &form_source));
	/* An identifier alone is a component too. */
	components = json_pack("{s:s, s:{s:[o,o,o]}}", "type", "array", "items",
	    "anyOf", of_form(&s, &form_id), reference("component-source"),
	    reference("raw"));
	json_object_set_new(s.definitions, "components", components);
	out = json_pack("{s:s, s:s, s:s, s:[o], s:o}", "$schema",
	    "http://json-schema.org/draft-07/schema#", "title",
	    "Source of a SUIT manifest for postern manifest create",
	    "description",
	    "docs/manifests.md tells what the keys mean. Numbers as keys are "
	    "labels without a name.",
	    "allOf", reference("source"), "definitions", s.definitions);
	json_object_set_new(out, "anyOf",
	    json_pack("[{s:[s]}, {s:[s]}, {s:[s]}]", "required", "sequence",
		"required", "manifest", "required", "raw-envelope"));
	return out;
}

int
cli_manifest_schema(int argc, char **argv)
{
	static const struct option known[] = { { NULL, 0, NULL, 0 } };
	json_t *out;
	int status;

	if (getopt_long(argc, argv, "", known, NULL) != -1)
		return cli_usage(argv[0], "unknown option");
	status = cli_operands(argc, argv, optind, 0, 0);
	if (status != CLI_DONE)
		return status;
	out = schema();
	if (out == NULL || json_dumpf(out, stdout, JSON_INDENT(2)) != 0)
		status = cli_fail("the schema could not be written");
	putchar('\n');
	json_decref(out);
	return cli_finish(status);
}
