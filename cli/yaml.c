#include "yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diag/component.h"

/* Is there another document after the one that was loaded? */
static bool
goes_on(yaml_parser_t *parser, yaml_mark_t *at)
{
	yaml_document_t next;
	bool more;

	if (!yaml_parser_load(parser, &next)) {
		*at = parser->problem_mark;
		return true;
	}
	more = yaml_document_get_root_node(&next) != NULL;
	*at = next.start_mark;
	yaml_document_delete(&next);
	return more;
}

int
cli_yaml_parse(struct cli_yaml *y, const char *path, struct pst_bytes text)
{
	yaml_parser_t parser;
	yaml_mark_t at;
	int status = CLI_DONE;

	y->path = path;
	if (!yaml_parser_initialize(&parser))
		return cli_fail("%s: no memory", y->path);
	yaml_parser_set_input_string(&parser, text.ptr, text.len);
	y->open = yaml_parser_load(&parser, &y->document) != 0;
	if (!y->open)
		status = y->quiet
		    ? CLI_REFUSED
		    : cli_fail("%s:%zu:%zu: %s", y->path,
			  parser.problem_mark.line + 1,
			  parser.problem_mark.column + 1,
			  parser.problem != NULL ? parser.problem : "not YAML");
	else if (goes_on(&parser, &at)) {
		status = y->quiet ? CLI_REFUSED
				  : cli_fail("%s:%zu:%zu: one document was "
					     "expected, and no more",
					y->path, at.line + 1, at.column + 1);
		cli_yaml_close(y);
	}
	yaml_parser_delete(&parser);
	return status;
}

int
cli_yaml_read(struct cli_yaml *y, const char *path)
{
	struct cli_file f;
	int status;

	memset(y, 0, sizeof(*y));
	status = cli_read(path, CLI_YAML_MAX, &f);
	if (status != CLI_DONE)
		return status;
	status = cli_yaml_parse(y, path, cli_bytes(&f));
	cli_file_free(&f);
	return status;
}

void
cli_yaml_close(struct cli_yaml *y)
{
	if (y->open)
		yaml_document_delete(&y->document);
	y->open = false;
}

void
cli_yaml_fail(struct cli_yaml *y, const yaml_node_t *at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!y->quiet)
		(void)cli_fail("%s:%zu:%zu: %s", y->path,
		    at != NULL ? at->start_mark.line + 1 : 1,
		    at != NULL ? at->start_mark.column + 1 : 1, text);
	y->failed = true;
}

yaml_node_t *
cli_yaml_root(struct cli_yaml *y)
{
	yaml_node_t *root = yaml_document_get_root_node(&y->document);

	if (root != NULL && root->type == YAML_MAPPING_NODE)
		return root;
	cli_yaml_fail(y, root, "expected a mapping of keys to values");
	return NULL;
}

const char *
cli_yaml_string(const yaml_node_t *n)
{
	if (n == NULL || n->type != YAML_SCALAR_NODE ||
	    strlen((const char *)n->data.scalar.value) != n->data.scalar.length)
		return NULL;
	return (const char *)n->data.scalar.value;
}

static bool
listed(const char *name, const char *const *known)
{
	for (; *known != NULL; known++) {
		if (strcmp(name, *known) == 0)
			return true;
	}
	return false;
}

void
cli_yaml_keys(struct cli_yaml *y, yaml_node_t *map, const char *const *known)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	yaml_node_pair_t *q;
	yaml_node_t *key;
	const char *name;

	for (; p < map->data.mapping.pairs.top; p++) {
		key = yaml_document_get_node(&y->document, p->key);
		name = cli_yaml_string(key);
		if (name == NULL || !listed(name, known)) {
			cli_yaml_fail(y, key, "unknown key: %s",
			    name != NULL ? name : "not a text");
			continue;
		}
		for (q = map->data.mapping.pairs.start; q < p; q++) {
			const char *other = cli_yaml_string(
			    yaml_document_get_node(&y->document, q->key));

			if (other != NULL && strcmp(name, other) == 0)
				cli_yaml_fail(y, key, "%s occurs twice", name);
		}
	}
}

bool
cli_yaml_pair(struct cli_yaml *y, yaml_node_t *map, size_t i, yaml_node_t **key,
    yaml_node_t **value)
{
	yaml_node_pair_t *p;

	if (map->type != YAML_MAPPING_NODE)
		return false;
	p = map->data.mapping.pairs.start;
	if (i >= (size_t)(map->data.mapping.pairs.top - p))
		return false;
	*key = yaml_document_get_node(&y->document, p[i].key);
	*value = yaml_document_get_node(&y->document, p[i].value);
	return true;
}

yaml_node_t *
cli_yaml_get(struct cli_yaml *y, yaml_node_t *map, const char *key)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	const char *name;

	for (; p < map->data.mapping.pairs.top; p++) {
		name = cli_yaml_string(
		    yaml_document_get_node(&y->document, p->key));
		if (name != NULL && strcmp(name, key) == 0)
			return yaml_document_get_node(&y->document, p->value);
	}
	return NULL;
}

const char *
cli_yaml_text(struct cli_yaml *y, yaml_node_t *map, const char *key)
{
	yaml_node_t *n = cli_yaml_get(y, map, key);
	const char *text = cli_yaml_string(n);

	if (n == NULL)
		return NULL;
	if (text != NULL && *text != '\0')
		return text;
	cli_yaml_fail(y, n, "%s: expected a text", key);
	return NULL;
}

const char *
cli_yaml_scalar(struct cli_yaml *y, int node)
{
	return cli_yaml_string(yaml_document_get_node(&y->document, node));
}

uint64_t
cli_yaml_number(
    struct cli_yaml *y, yaml_node_t *map, const char *key, uint64_t otherwise)
{
	const char *text = cli_yaml_text(y, map, key);
	unsigned long long v;
	char *end;

	if (text == NULL)
		return otherwise;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0)
		return v;
	cli_yaml_fail(y, cli_yaml_get(y, map, key),
	    "%s: expected a number of 0 or more", key);
	return otherwise;
}

bool
cli_yaml_flag(
    struct cli_yaml *y, yaml_node_t *map, const char *key, bool otherwise)
{
	const char *text = cli_yaml_text(y, map, key);

	if (text == NULL)
		return otherwise;
	if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0)
		return true;
	if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
		return false;
	cli_yaml_fail(
	    y, cli_yaml_get(y, map, key), "%s: expected true or false", key);
	return otherwise;
}

bool
cli_yaml_uuid(
    struct cli_yaml *y, yaml_node_t *map, const char *key, uint8_t out[16])
{
	const char *text = cli_yaml_text(y, map, key);

	if (text == NULL)
		return false;
	if (pst_uuid_parse(text, strlen(text), out))
		return true;
	cli_yaml_fail(y, cli_yaml_get(y, map, key), "%s: expected a UUID", key);
	return false;
}

yaml_node_t *
cli_yaml_element(struct cli_yaml *y, yaml_node_t *list, size_t i)
{
	yaml_node_item_t *start;
	size_t count;

	if (list->type != YAML_SEQUENCE_NODE)
		return i == 0 ? list : NULL;
	start = list->data.sequence.items.start;
	count = (size_t)(list->data.sequence.items.top - start);
	return i < count ? yaml_document_get_node(&y->document, start[i])
			 : NULL;
}
