/*
 * A developer's file to CBOR, by the tables. Maps come out in deterministic
 * order (RFC 8949, Section 4.2.1) whatever order the file has.
 *
 * The functions call one another recursively, at most FORM_DEPTH_MAX deep; an
 * alias of YAML may make a file much longer than it is, so nodes are counted.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag/diag.h"
#include "form.h"

/* --- files -----------------------------------------------------------------
 */

char *
form_path(const struct cli_yaml *y, const char *path)
{
	char *copy, *out = NULL;

	if (path[0] == '/' || strcmp(y->path, "-") == 0)
		return strdup(path);
	copy = strdup(y->path);
	if (copy == NULL || asprintf(&out, "%s/%s", dirname(copy), path) < 0)
		out = NULL;
	free(copy);
	return out;
}

bool
form_file(struct form_encoder *e, yaml_node_t *node, const char *key,
    struct cli_file *out)
{
	const char *name = cli_yaml_string(node);
	char *path = name != NULL ? form_path(e->yaml, name) : NULL;
	bool ok = path != NULL && cli_read(path, CLI_FILE_MAX, out) == CLI_DONE;

	if (!ok)
		cli_yaml_fail(e->yaml, node, "%s: not read", key);
	free(path);
	return ok;
}

/* --- names -----------------------------------------------------------------
 */

/* Letters to insert, delete or change between two names. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b), i, k, left, up;

	if (n >= 64 || strlen(a) >= 64)
		return SIZE_MAX;
	for (k = 0; k <= n; k++)
		row[k] = k;
	for (i = 1; a[i - 1] != '\0'; i++) {
		left = row[0];
		row[0] = i;
		for (k = 1; k <= n; k++) {
			up = row[k];
			left += a[i - 1] != b[k - 1];
			if (up + 1 < left)
				left = up + 1;
			if (row[k - 1] + 1 < left)
				left = row[k - 1] + 1;
			row[k] = left;
			left = up;
		}
	}
	return row[n];
}

const char *
form_nearest(const struct form *f, const char *name)
{
	const char *best = NULL;
	size_t least = 1 + strlen(name) / 3;
	size_t i, d;

	for (i = 0; i < f->count; i++) {
		d = distance(name, f->fields[i].name);
		if (d <= least && (best == NULL || d < least)) {
			best = f->fields[i].name;
			least = d;
		}
	}
	if (f->each_name != NULL && distance(name, f->each_name) <= least)
		best = f->each_name;
	return best;
}

static void
unknown(struct cli_yaml *y, const yaml_node_t *key, const struct form *f,
    const char *what)
{
	const char *name = cli_yaml_string(key);
	const char *near = name != NULL ? form_nearest(f, name) : NULL;

	cli_yaml_fail(y, key, "unknown %s: %s%s%s%s", what,
	    name != NULL ? name : "not a text",
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
}

void
form_keys(
    struct cli_yaml *y, yaml_node_t *map, const struct form *f, bool numbers)
{
	struct pst_cbor_integer label;
	yaml_node_t *key, *value;
	const char *name;
	size_t i;

	for (i = 0; cli_yaml_pair(y, map, i, &key, &value); i++) {
		name = cli_yaml_string(key);
		if (name == NULL ||
		    (form_by_name(f, name) == NULL &&
			!(numbers && form_number(name, &label))))
			unknown(y, key, f, "key");
		else if (cli_yaml_get(y, map, name) != value)
			cli_yaml_fail(y, key, "%s occurs twice", name);
	}
}

yaml_node_t *
form_only(struct form_encoder *e, yaml_node_t *node, const char *name)
{
	yaml_node_t *key, *value, *other;
	const char *text;

	if (!cli_yaml_pair(e->yaml, node, 0, &key, &value) ||
	    cli_yaml_pair(e->yaml, node, 1, &key, &other) ||
	    !cli_yaml_pair(e->yaml, node, 0, &key, &value))
		return NULL;
	text = cli_yaml_string(key);
	return text != NULL && strcmp(text, name) == 0 ? value : NULL;
}

/* --- maps -------------------------------------------------------------------
 */

void
form_sort(
    struct pst_cbor_writer *w, size_t mark, const size_t *starts, size_t count)
{
	size_t i, k, end, len = w->len - mark;
	uint8_t *copy;
	size_t *order;

	if (w->err != PST_OK || w->buf == NULL || count < 2)
		return;
	copy = malloc(len);
	order = malloc(count * sizeof(*order));
	if (copy == NULL || order == NULL) {
		w->err = PST_ERR_IO;
	} else {
		memcpy(copy, w->buf + mark, len);
		for (i = 0; i < count; i++) {
			/* Keys differ, so their pairs do before either ends. */
			for (k = i; k > 0 &&
			     memcmp(copy + starts[order[k - 1]] - mark,
				 copy + starts[i] - mark,
				 len -
				     (starts[i] > starts[order[k - 1]]
					     ? starts[i]
					     : starts[order[k - 1]]) +
				     mark) > 0;
			     k--)
				order[k] = order[k - 1];
			order[k] = i;
		}
		w->len = mark;
		for (i = 0; i < count; i++) {
			k = order[i];
			end = k + 1 < count ? starts[k + 1] : mark + len;
			pst_cbor_put_raw(w,
			    (struct pst_bytes){
				copy + starts[k] - mark, end - starts[k] });
		}
	}
	free(copy);
	free(order);
}

/* A map being written. */
struct pairs {
	size_t mark, count, cap;
	size_t *starts;
};

static bool
pair_begin(struct form_encoder *e, struct pairs *p)
{
	size_t cap = p->cap == 0 ? 16 : 2 * p->cap;
	size_t *more;

	if (p->count == p->cap) {
		more = realloc(p->starts, cap * sizeof(*more));
		if (more == NULL) {
			e->w->err = PST_ERR_IO;
			return false;
		}
		p->starts = more;
		p->cap = cap;
	}
	p->starts[p->count++] = e->w->len;
	return true;
}

/* The key of the pair that was begun must be a new one. */
static void
pair_key(struct form_encoder *e, const struct pairs *p, yaml_node_t *key)
{
	const struct pst_cbor_writer *w = e->w;
	size_t at = p->starts[p->count - 1];
	size_t i;

	for (i = 0; i + 1 < p->count && w->err == PST_OK; i++) {
		if (w->len - at <= w->len - p->starts[i] &&
		    memcmp(w->buf + p->starts[i], w->buf + at, w->len - at) ==
			0)
			cli_yaml_fail(e->yaml, key, "%s occurs twice",
			    cli_yaml_string(key) != NULL ? cli_yaml_string(key)
							 : "a key");
	}
}

static void each(struct form_encoder *e, yaml_node_t *node,
    const struct form *f, struct pairs *p);

/* One pair of a map with names: by its name, or by its label. */
static void
field(struct form_encoder *e, yaml_node_t *key, yaml_node_t *value,
    const struct form *f, struct pairs *p)
{
	const char *name = cli_yaml_string(key);
	const struct form_field *known =
	    name != NULL ? form_by_name(f, name) : NULL;
	struct pst_cbor_integer label;

	if (name != NULL && f->each_name != NULL &&
	    strcmp(name, f->each_name) == 0) {
		each(e, value, f->each, p);
		return;
	}
	if (known == NULL && (name == NULL || !form_number(name, &label))) {
		unknown(e->yaml, key, f, "key");
		return;
	}
	if (!pair_begin(e, p))
		return;
	if (known != NULL)
		pst_cbor_put_int(e->w, known->label);
	else
		pst_cbor_put_integer(e->w, label);
	pair_key(e, p, key);
	form_encode(e, value, known != NULL ? known->form : &form_any);
}

static void
each(struct form_encoder *e, yaml_node_t *node, const struct form *f,
    struct pairs *p)
{
	yaml_node_t *key, *value;
	size_t i;

	if (node->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(e->yaml, node, "expected a mapping");
		return;
	}
	for (i = 0; cli_yaml_pair(e->yaml, node, i, &key, &value); i++) {
		if (e->yaml->failed || !pair_begin(e, p))
			return;
		form_encode(e, key, f->keys);
		pair_key(e, p, key);
		form_encode(e, value, f->inner);
	}
}

static void
map(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	struct pairs p = { pst_cbor_wrap_begin(e->w), 0, 0, NULL };
	yaml_node_t *key, *value;
	size_t i;

	if (f->kind == FORM_EACH) {
		each(e, node, f, &p);
	} else if (node->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(e->yaml, node, "expected a mapping");
	} else {
		for (i = 0; cli_yaml_pair(e->yaml, node, i, &key, &value); i++)
			field(e, key, value, f, &p);
	}
	if (!e->yaml->failed)
		form_sort(e->w, p.mark, p.starts, p.count);
	pst_cbor_wrap_map(e->w, p.mark, p.count);
	free(p.starts);
}

/* --- arrays ------------------------------------------------------------------
 */

static void
list(struct form_encoder *e, yaml_node_t *node, const struct form *inner)
{
	size_t i, mark = pst_cbor_wrap_begin(e->w);
	yaml_node_t *n;

	/* A single value is a list of itself. */
	for (i = 0; (n = cli_yaml_element(e->yaml, node, i)) != NULL; i++)
		form_encode(e, n, inner);
	pst_cbor_wrap_array(e->w, mark, i);
}

static void
tuple(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	yaml_node_t *value;
	size_t i;

	if (node->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(e->yaml, node, "expected a mapping");
		return;
	}
	form_keys(e->yaml, node, f, false);
	pst_cbor_put_array(e->w, f->count);
	for (i = 0; i < f->count; i++) {
		value = cli_yaml_get(e->yaml, node, f->fields[i].name);
		if (value == NULL)
			cli_yaml_fail(
			    e->yaml, node, "%s is needed", f->fields[i].name);
		else
			form_encode(e, value, f->fields[i].form);
	}
}

/* A list of names, one bit each. */
static void
bits(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	const struct form_field *known;
	const char *name;
	yaml_node_t *n;
	uint64_t v = 0;
	size_t i;

	for (i = 0; (n = cli_yaml_element(e->yaml, node, i)) != NULL; i++) {
		name = cli_yaml_string(n);
		known = name != NULL ? form_by_name(f, name) : NULL;
		if (known == NULL)
			unknown(e->yaml, n, f, "name");
		else
			v |= (uint64_t)1 << known->label;
	}
	pst_cbor_put_uint(e->w, v);
}

static void
integers(struct form_encoder *e, yaml_node_t *node)
{
	static const struct form integer = { .kind = FORM_INT };

	list(e, node, &integer);
}

static void
component_index(struct form_encoder *e, yaml_node_t *node)
{
	static const struct form one = { .kind = FORM_COMPONENT };
	const char *text = cli_yaml_string(node);

	if (text != NULL && strcmp(text, "all") == 0)
		pst_cbor_put_bool(e->w, true);
	else if (node->type == YAML_SEQUENCE_NODE)
		list(e, node, &one);
	else
		form_encode(e, node, &one);
}

/* --- command sequences
 * ---------------------------------------------------------
 */

static void
command_id(struct form_encoder *e, yaml_node_t *key, const struct form *f,
    const struct form_field **known)
{
	const char *name = cli_yaml_string(key);
	struct pst_cbor_integer id;

	*known = name != NULL ? form_by_name(f, name) : NULL;
	if (*known != NULL)
		pst_cbor_put_int(e->w, (*known)->label);
	else if (name != NULL && form_number(name, &id))
		pst_cbor_put_integer(e->w, id);
	else
		unknown(e->yaml, key, f, "command");
}

/* A name alone has the usual reporting policy for its argument. */
static void
command(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	const struct form_field *known;
	yaml_node_t *key, *value, *more;

	if (node->type == YAML_SCALAR_NODE) {
		command_id(e, node, f, &known);
		if (known != NULL && known->form->kind != FORM_BITS)
			cli_yaml_fail(
			    e->yaml, node, "%s needs an argument", known->name);
		if (known == NULL && !e->yaml->failed)
			cli_yaml_fail(e->yaml, node,
			    "a command that has a "
			    "number needs an argument");
		pst_cbor_put_uint(e->w, FORM_POLICY);
		return;
	}
	if (!cli_yaml_pair(e->yaml, node, 0, &key, &value) ||
	    cli_yaml_pair(e->yaml, node, 1, &more, &more)) {
		cli_yaml_fail(e->yaml, node,
		    "expected a command, or one command: argument");
		return;
	}
	command_id(e, key, f, &known);
	form_encode(e, value, known != NULL ? known->form : &form_any);
}

static void
commands(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	size_t i, mark = pst_cbor_wrap_begin(e->w);
	yaml_node_t *n;

	if (node->type != YAML_SEQUENCE_NODE) {
		cli_yaml_fail(e->yaml, node, "expected a list of commands");
		return;
	}
	for (i = 0; (n = cli_yaml_element(e->yaml, node, i)) != NULL; i++)
		command(e, n, f);
	pst_cbor_wrap_array(e->w, mark, 2 * i);
}

static bool
is_null(const yaml_node_t *n)
{
	const char *text = cli_yaml_string(n);

	return text != NULL &&
	    n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 ||
		*text == '\0');
}

static void
tries(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	size_t i, mark = pst_cbor_wrap_begin(e->w);
	yaml_node_t *n;

	if (node->type != YAML_SEQUENCE_NODE) {
		cli_yaml_fail(e->yaml, node, "expected a list of sequences");
		return;
	}
	for (i = 0; (n = cli_yaml_element(e->yaml, node, i)) != NULL; i++) {
		if (is_null(n))
			pst_cbor_put_null(e->w);
		else
			form_encode(e, n, f->inner);
	}
	pst_cbor_wrap_array(e->w, mark, i);
}

/* --- what is taken from elsewhere --------------------------------------------
 */

static void
raw(struct form_encoder *e, yaml_node_t *node)
{
	const char *text = cli_yaml_string(node);
	struct pst_diag_fault fault = { 0, 0, 0, NULL };
	uint8_t *out = NULL;
	size_t len = 0;

	if (text == NULL) {
		cli_yaml_fail(e->yaml, node, "expected diagnostic notation");
		return;
	}
	if (pst_diag_parse(
		(struct pst_bytes){ (const uint8_t *)text, strlen(text) }, &out,
		&len, &fault) != PST_OK)
		cli_yaml_fail(e->yaml, node, "notation: %s at character %zu",
		    fault.why != NULL ? fault.why : "not one item",
		    fault.at + 1);
	else
		pst_cbor_put_raw(e->w, (struct pst_bytes){ out, len });
	free(out);
}

/* {file: PATH}, {cbor: NOTATION}, {text: TEXT} as a byte string */
static void
bytes(struct form_encoder *e, yaml_node_t *node)
{
	yaml_node_t *value = form_only(e, node, "file");
	struct cli_file file;
	size_t mark;

	if (value != NULL) {
		if (!form_file(e, value, "file", &file))
			return;
		pst_cbor_put_bstr(e->w, cli_bytes(&file));
		cli_file_free(&file);
		return;
	}
	value = form_only(e, node, "cbor");
	if (value != NULL) {
		mark = pst_cbor_wrap_begin(e->w);
		raw(e, value);
		pst_cbor_wrap_bstr(e->w, mark);
		return;
	}
	cli_yaml_fail(e->yaml, node,
	    "expected text, hex:, uuid:, {file: PATH} or {cbor: NOTATION}");
}

static void
computed(struct form_encoder *e, yaml_node_t *node, struct pst_bytes data)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest d = { PST_ALG_SHA256, { out, 0 } };

	if (e->crypto->digest(
		e->crypto->ctx, d.alg, &data, 1, out, &d.bytes.len) != PST_OK)
		cli_yaml_fail(e->yaml, node, "no digest could be made");
	else
		pst_suit_digest_put(e->w, &d);
}

/* {file: PATH}, or {manifest: PATH} for the identity of a dependency */
static void
digest(struct form_encoder *e, yaml_node_t *node)
{
	yaml_node_t *value = form_only(e, node, "file");
	struct pst_suit_envelope env;
	struct cli_file file;

	if (value != NULL) {
		if (!form_file(e, value, "file", &file))
			return;
		computed(e, value, cli_bytes(&file));
		cli_file_free(&file);
		return;
	}
	value = form_only(e, node, "manifest");
	if (value == NULL) {
		cli_yaml_fail(e->yaml, node,
		    "expected sha-256:HEX, {file: PATH} or {manifest: PATH}");
		return;
	}
	if (!form_file(e, value, "manifest", &file))
		return;
	if (pst_suit_envelope_decode(cli_bytes(&file), &env, NULL) != PST_OK)
		cli_yaml_fail(e->yaml, value, "not a SUIT envelope");
	else
		pst_suit_digest_put(e->w, &env.digest);
	cli_file_free(&file);
}

static void
size(struct form_encoder *e, yaml_node_t *node)
{
	yaml_node_t *value = form_only(e, node, "file");
	struct cli_file file;

	if (value == NULL) {
		cli_yaml_fail(
		    e->yaml, node, "expected a number or {file: PATH}");
	} else if (form_file(e, value, "file", &file)) {
		pst_cbor_put_uint(e->w, file.len);
		cli_file_free(&file);
	}
}

/* --- all of it
 * ------------------------------------------------------------------ */

static void
structure(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	size_t mark;

	switch (f->kind) {
	case FORM_MAP:
	case FORM_EACH:
		map(e, node, f);
		break;
	case FORM_LIST:
		list(e, node, f->inner);
		break;
	case FORM_TUPLE:
		tuple(e, node, f);
		break;
	case FORM_INDEX:
		component_index(e, node);
		break;
	case FORM_COMMANDS:
		commands(e, node, f);
		break;
	case FORM_TRIES:
		tries(e, node, f);
		break;
	case FORM_SECTION:
		if (f->inner->kind == FORM_BYTES) {
			form_encode(e, node, f->inner);
			break;
		}
		/* fall through */
	case FORM_WRAP:
		mark = pst_cbor_wrap_begin(e->w);
		form_encode(e, node, f->inner);
		pst_cbor_wrap_bstr(e->w, mark);
		break;
	case FORM_BYTES:
		bytes(e, node);
		break;
	case FORM_DIGEST:
		digest(e, node);
		break;
	case FORM_SIZE:
		size(e, node);
		break;
	case FORM_BITS:
		bits(e, node, f);
		break;
	case FORM_VERSION:
		integers(e, node);
		break;
	default:
		cli_yaml_fail(e->yaml, node, "expected a single value");
	}
}

static void
scalar(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	const char *text = cli_yaml_string(node);
	const char *wrong = "text without zeros";

	if (text != NULL)
		wrong = form_scalar(f, text, &e->ids, e->w);
	if (wrong != NULL)
		cli_yaml_fail(e->yaml, node, "expected %s", wrong);
}

static bool
is_scalar(const struct form *f)
{
	return f->kind <= FORM_ANY;
}

void
form_encode(struct form_encoder *e, yaml_node_t *node, const struct form *f)
{
	yaml_node_t *value;

	if (e->yaml->failed)
		return;
	if (e->depth == FORM_DEPTH_MAX || e->nodes == FORM_NODES_MAX) {
		cli_yaml_fail(e->yaml, node, "nested or repeated too much");
		return;
	}
	e->depth++;
	e->nodes++;
	value = form_only(e, node, "raw");
	if (value != NULL && value->type == YAML_SCALAR_NODE)
		raw(e, value);
	else if (f->kind == FORM_SECTION &&
	    (value = form_only(e, node, "digest")) != NULL &&
	    value->type == YAML_SCALAR_NODE)
		form_encode(e, value, &form_digest);
	else if (f->kind == FORM_ANY)
		raw(e, node);
	else if (node->type == YAML_SCALAR_NODE && is_scalar(f))
		scalar(e, node, f);
	else
		structure(e, node, f);
	e->depth--;
}
