/*
 * From a developer's file to an envelope. First the sections that follow from
 * the components are generated, as core/suit does; then what the file spells
 * out replaces them; then what is severable moves to the envelope.
 *
 * All parts are encoded into one arena. When it is too small everything is
 * done again with a larger one.
 */
#include <stdlib.h>
#include <string.h>

#include "form/form.h"
#include "manifest_source.h"

enum {
	PARTS_MAX = 128,
	COMMON_MAX = 16,
	ARENA_FIRST = 1 << 20,
	ARENA_MAX = 8 * CLI_FILE_MAX
};

struct pairs {
	struct pst_suit_pair pair[PARTS_MAX];
	size_t count;
};

struct parts {
	struct cli_source *s;
	yaml_node_t *root;
	struct form_encoder e;
	struct pst_cbor_writer arena;
	struct pairs manifest, common, members;
	struct pst_bytes blocks[PST_SUIT_AUTH_MAX];
	struct pst_suit_parts whole;
	enum pst_err err; /* not of the file */
};

static void
fail(struct parts *p, enum pst_err err)
{
	if (p->err == PST_OK)
		p->err = err;
}

static bool
stopped(const struct parts *p)
{
	return p->err != PST_OK || p->arena.err != PST_OK || p->s->yaml.failed;
}

/* What was written since mark, once it is known to be there. */
static struct pst_bytes
since(const struct parts *p, size_t mark)
{
	struct pst_bytes b = { NULL, 0 };

	if (p->arena.err == PST_OK)
		b = (struct pst_bytes){ p->arena.buf + mark,
			p->arena.len - mark };
	return b;
}

static bool
same(struct pst_bytes a, struct pst_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static struct pst_bytes *
value_of(struct pairs *pairs, struct pst_bytes key)
{
	size_t i;

	for (i = 0; i < pairs->count; i++) {
		if (same(pairs->pair[i].key, key))
			return &pairs->pair[i].value;
	}
	return NULL;
}

/* Add a pair, or replace its value. */
static void
set(struct parts *p, struct pairs *pairs, struct pst_bytes key,
    struct pst_bytes value)
{
	struct pst_bytes *there = value_of(pairs, key);

	if (there != NULL)
		*there = value;
	else if (pairs->count == PARTS_MAX)
		fail(p, PST_ERR_LIMIT);
	else
		pairs->pair[pairs->count++] =
		    (struct pst_suit_pair){ key, value };
}

static struct pst_bytes
label(struct parts *p, int64_t number)
{
	size_t mark = p->arena.len;

	pst_cbor_put_int(&p->arena, number);
	return since(p, mark);
}

static struct pst_bytes
encode(struct parts *p, yaml_node_t *node, const struct form *f)
{
	size_t mark = p->arena.len;

	form_encode(&p->e, node, f);
	return since(p, mark);
}

/* --- what is generated ------------------------------------------------------
 */

/* The pairs of a map that this program wrote. */
static void
take_map(struct parts *p, struct pst_bytes in, struct pairs *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_bytes key;
	size_t n;

	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, PARTS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		key = pst_cbor_item(&r);
		set(p, out, key, pst_cbor_item(&r));
	}
	if (pst_cbor_end(&r) != PST_OK)
		fail(p, r.err);
}

static struct pst_bytes
content(struct pst_bytes bstr)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, bstr);
	return pst_cbor_bstr(&r, 0, SIZE_MAX);
}

static void
generate(struct parts *p, const struct pst_crypto *crypto)
{
	size_t i, mark = p->arena.len;
	struct pst_suit_envelope env;
	struct pst_bytes *common;
	enum pst_err err = pst_suit_build(&p->arena, crypto, &p->s->build);

	if (err == PST_OK)
		err = pst_suit_envelope_decode(since(p, mark), &env, NULL);
	if (err == PST_ERR_SPACE)
		return;
	fail(p, err);
	if (stopped(p))
		return;
	take_map(p, content(env.manifest_bstr), &p->manifest);
	common = value_of(&p->manifest, label(p, PST_SUIT_COMMON));
	if (common != NULL)
		take_map(p, content(*common), &p->common);
	for (i = 0; i < p->s->build.count; i++) {
		const struct pst_suit_build_component *c = &p->s->component[i];
		struct pst_bytes key;

		if (c->source != PST_SUIT_FROM_ENVELOPE)
			continue;
		mark = p->arena.len;
		pst_cbor_put_tstr(&p->arena, c->uri);
		key = since(p, mark);
		mark = p->arena.len;
		pst_cbor_put_bstr(&p->arena, c->data);
		set(p, &p->members, key, since(p, mark));
	}
}

/* --- what the file spells out -----------------------------------------------
 */

static void
component_ids(struct parts *p, yaml_node_t *list)
{
	static const struct form ids = { FORM_LIST, .inner = &form_id };
	struct pst_cbor_reader r;
	struct pst_bytes *there;

	if (list != NULL && !p->s->generated)
		set(p, &p->common, label(p, PST_SUIT_COMPONENTS),
		    encode(p, list, &ids));
	there = value_of(&p->common, label(p, PST_SUIT_COMPONENTS));
	if (there == NULL || stopped(p))
		return;
	pst_cbor_reader_init(&r, *there);
	p->e.ids = pst_cbor_list(&r, 0, SIZE_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		p->e.ids.count = 0;
}

static bool
is_flag(const yaml_node_t *node, const struct form *f)
{
	return f->kind == FORM_FLAG_OR && node->type == YAML_SCALAR_NODE;
}

/* A key of the manifest or of common. */
static void
spelled(struct parts *p, yaml_node_t *key, yaml_node_t *node)
{
	const char *name = cli_yaml_string(key);
	const struct form_field *f = form_by_name(&form_source, name);
	struct pst_cbor_integer number;
	struct pst_bytes id;
	size_t mark;

	if (f == NULL && form_number(name, &number)) {
		mark = p->arena.len;
		pst_cbor_put_integer(&p->arena, number);
		id = since(p, mark);
		if (value_of(&p->manifest, id) != NULL)
			cli_yaml_fail(
			    &p->s->yaml, key, "%s is there already", name);
		set(p, &p->manifest, id, encode(p, node, &form_any));
		return;
	}
	if (f->label == SOURCE_DEPENDENCIES || f->label == SOURCE_SHARED) {
		id = label(p,
		    f->label == SOURCE_SHARED ? PST_SUIT_SHARED_SEQUENCE
					      : PST_SUIT_DEPENDENCIES);
		set(p, &p->common, id, encode(p, node, f->form));
	} else if (f->label < SOURCE_COMPONENT && !is_flag(node, f->form)) {
		id = label(p, f->label);
		set(p, &p->manifest, id,
		    encode(p, node,
			f->form->kind == FORM_FLAG_OR ? f->form->inner
						      : f->form));
	}
}

static void
put_map(struct parts *p, const struct pairs *pairs)
{
	enum pst_err err;

	if (stopped(p))
		return;
	err = pst_suit_pairs_put(&p->arena, pairs->pair, pairs->count);
	if (err != PST_ERR_SPACE)
		fail(p, err);
}

static void
spell(struct parts *p)
{
	struct cli_yaml *y = &p->s->yaml;
	struct pst_bytes one = label(p, 1), id = label(p, PST_SUIT_VERSION);
	yaml_node_t *key, *value;
	size_t i, mark;

	set(p, &p->manifest, id, one);
	component_ids(p, cli_yaml_get(y, p->root, "components"));
	for (i = 0; !stopped(p) && cli_yaml_pair(y, p->root, i, &key, &value);
	     i++)
		spelled(p, key, value);
	if (cli_yaml_get(y, p->root, "common") != NULL)
		return;
	id = label(p, PST_SUIT_COMMON);
	mark = p->arena.len;
	put_map(p, &p->common);
	pst_cbor_wrap_bstr(&p->arena, mark);
	set(p, &p->manifest, id, since(p, mark));
}

/* --- the envelope
 * ------------------------------------------------------------- */

static void
sever(struct parts *p, yaml_node_t *n, const struct pst_crypto *crypto)
{
	const char *name = cli_yaml_string(n);
	const struct form_field *f =
	    name != NULL ? form_by_name(&form_severable, name) : NULL;
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest digest;
	struct pst_bytes id, *there;
	enum pst_err err;
	size_t mark;

	if (f == NULL) {
		cli_yaml_fail(&p->s->yaml, n,
		    "severable: expected payload-fetch, install, text, "
		    "dependency-resolution, candidate-verification or coswid");
		return;
	}
	id = label(p, f->label);
	there = value_of(&p->manifest, id);
	if (stopped(p))
		return;
	/* A list of what may be severed, whether or not it is there. */
	if (there == NULL && p->s->generated)
		return;
	if (there == NULL || there->ptr[0] >> 5 != PST_CBOR_BSTR) {
		cli_yaml_fail(
		    &p->s->yaml, n, "%s: there is no such section", name);
		return;
	}
	err = pst_suit_digest_of(
	    crypto, p->whole.digest_alg, *there, out, &digest);
	if (err != PST_OK) {
		fail(p, err);
		return;
	}
	set(p, &p->members, id, *there);
	mark = p->arena.len;
	pst_suit_digest_put(&p->arena, &digest);
	*there = since(p, mark);
}

static void
sever_all(struct parts *p, const struct pst_crypto *crypto)
{
	yaml_node_t *list = cli_yaml_get(&p->s->yaml, p->root, "severable");
	yaml_node_t *n;
	size_t i;

	for (i = 0; list != NULL && !stopped(p) &&
	     (n = cli_yaml_element(&p->s->yaml, list, i)) != NULL;
	     i++)
		sever(p, n, crypto);
}

static void
further_members(struct parts *p)
{
	static const struct {
		const char *key;
		const struct form *form;
	} from[] = { { "integrated", &form_integrated },
		{ "envelope", &form_members } };
	yaml_node_t *node;
	struct pst_bytes map;
	size_t i;

	for (i = 0; i < 2 && !stopped(p); i++) {
		node = cli_yaml_get(&p->s->yaml, p->root, from[i].key);
		if (node == NULL)
			continue;
		map = encode(p, node, from[i].form);
		if (!stopped(p))
			take_map(p, map, &p->members);
	}
}

static void
authentication(struct parts *p)
{
	yaml_node_t *node =
	    cli_yaml_get(&p->s->yaml, p->root, "authentication");
	yaml_node_t *list, *n;
	struct pst_cbor_reader r;
	struct pst_bytes item;
	size_t i;

	if (node == NULL)
		return;
	if (node->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(&p->s->yaml, node, "expected a mapping");
		return;
	}
	form_keys(&p->s->yaml, node, &form_authentication, false);
	n = cli_yaml_get(&p->s->yaml, node, "digest");
	if (n != NULL) {
		item = encode(p, n, &form_digest);
		if (stopped(p))
			return;
		pst_cbor_reader_init(&r, item);
		p->whole.digest = pst_suit_digest_read(&r);
		if (pst_cbor_end(&r) != PST_OK)
			cli_yaml_fail(&p->s->yaml, n, "not a digest");
	}
	list = cli_yaml_get(&p->s->yaml, node, "blocks");
	for (i = 0; list != NULL &&
	     (n = cli_yaml_element(&p->s->yaml, list, i)) != NULL;
	     i++) {
		if (i == PST_SUIT_AUTH_MAX) {
			cli_yaml_fail(&p->s->yaml, n, "more than %d blocks",
			    PST_SUIT_AUTH_MAX);
			return;
		}
		item = encode(p, n, &form_bytes);
		if (stopped(p))
			return;
		p->blocks[i] = content(item);
		p->whole.block_count = i + 1;
	}
}

static void
settings(struct parts *p)
{
	yaml_node_t *node =
	    cli_yaml_get(&p->s->yaml, p->root, "digest-algorithm");
	struct pst_cbor_reader r;
	struct pst_bytes alg;

	p->whole.digest_alg = PST_ALG_SHA256;
	p->whole.untagged =
	    !cli_yaml_flag(&p->s->yaml, p->root, "tagged", true);
	if (node == NULL)
		return;
	alg = encode(p, node, &form_digest_alg);
	if (stopped(p))
		return;
	pst_cbor_reader_init(&r, alg);
	p->whole.digest_alg = (int32_t)pst_cbor_int(&r, INT32_MIN, INT32_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		cli_yaml_fail(&p->s->yaml, node, "not a digest algorithm");
}

/* The content of suit-manifest: from its parts, or as it is given. */
static struct pst_bytes
manifest(struct parts *p, const struct pst_crypto *crypto)
{
	yaml_node_t *given = cli_yaml_get(&p->s->yaml, p->root, "manifest");
	struct pst_bytes none = { NULL, 0 };
	struct pst_bytes item;
	size_t mark;

	if (given != NULL) {
		item = encode(p, given, &form_bytes);
		return stopped(p) ? none : content(item);
	}
	if (p->s->generated)
		generate(p, crypto);
	if (!stopped(p))
		spell(p);
	sever_all(p, crypto);
	mark = p->arena.len;
	put_map(p, &p->manifest);
	return since(p, mark);
}

/* The envelope as the last thing in the arena. */
static struct pst_bytes
envelope(struct parts *p, const struct pst_crypto *crypto)
{
	yaml_node_t *given = cli_yaml_get(&p->s->yaml, p->root, "raw-envelope");
	struct pst_bytes none = { NULL, 0 };
	enum pst_err err;
	size_t mark;

	if (given != NULL)
		return encode(p, given, &form_any);
	settings(p);
	p->whole.manifest = manifest(p, crypto);
	further_members(p);
	authentication(p);
	if (stopped(p))
		return none;
	p->whole.members = p->members.pair;
	p->whole.member_count = p->members.count;
	p->whole.blocks = p->blocks;
	mark = p->arena.len;
	err = pst_suit_assemble(&p->arena, crypto, &p->whole);
	if (err != PST_ERR_SPACE)
		fail(p, err);
	return since(p, mark);
}

static int
copy_out(const struct parts *p, struct pst_bytes env, struct cli_file *out)
{
	if (p->s->yaml.failed)
		return CLI_REFUSED;
	if (p->err != PST_OK)
		return cli_fail("%s: %s", p->s->yaml.path,
		    p->err == PST_ERR_ARG
			? "this cannot be written: a text is not UTF-8, or a "
			  "component or a name occurs twice"
			: pst_err_name(p->err));
	out->ptr = malloc(env.len + 1);
	if (out->ptr == NULL)
		return cli_fail("%s: no memory", p->s->yaml.path);
	memcpy(out->ptr, env.ptr, env.len);
	out->ptr[env.len] = 0;
	out->len = env.len;
	return CLI_DONE;
}

/* One try with an arena of cap bytes; *more: it was too small. */
static int
attempt(struct cli_source *s, const struct pst_crypto *crypto, size_t cap,
    struct cli_file *out, bool *more)
{
	struct parts *p = calloc(1, sizeof(*p));
	uint8_t *arena = malloc(cap);
	struct pst_bytes env;
	int status = CLI_REFUSED;

	*more = false;
	if (p == NULL || arena == NULL) {
		status = cli_fail("%s: no memory", s->yaml.path);
	} else {
		pst_cbor_writer_init(&p->arena, arena, cap);
		p->s = s;
		p->root = cli_yaml_root(&s->yaml);
		p->e.yaml = &s->yaml;
		p->e.w = &p->arena;
		p->e.crypto = crypto;
		env = envelope(p, crypto);
		*more = p->arena.err == PST_ERR_SPACE && !s->yaml.failed;
		if (!*more)
			status = copy_out(p, env, out);
	}
	free(arena);
	free(p);
	return status;
}

int
cli_source_encode(
    struct cli_source *s, const struct pst_crypto *crypto, struct cli_file *out)
{
	size_t cap = ARENA_FIRST;
	bool more = true;
	int status = CLI_REFUSED;

	while (more && cap <= ARENA_MAX) {
		status = attempt(s, crypto, cap, out, &more);
		cap *= 4;
	}
	return more ? cli_fail("%s: too large", s->yaml.path) : status;
}
