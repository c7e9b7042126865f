#include "manifest_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "diag/component.h"
#include "form/form.h"
#include "progress.h"

/* Bytes of a content that stands in the manifest. */
enum { CONTENT_MAX = 65536 };

static struct pst_bytes
view(const char *text)
{
	struct pst_bytes b = { (const uint8_t *)text, 0 };

	if (text != NULL)
		b.len = strlen(text);
	return b;
}

static struct pst_bytes
text(struct cli_yaml *y, yaml_node_t *map, const char *key)
{
	return view(cli_yaml_text(y, map, key));
}

static struct pst_bytes
uri(struct cli_yaml *y, yaml_node_t *map)
{
	struct pst_bytes u = text(y, map, "uri");

	if (u.len > PST_SUIT_URI_MAX)
		cli_yaml_fail(y, cli_yaml_get(y, map, "uri"),
		    "uri: longer than %d bytes", PST_SUIT_URI_MAX);
	return u;
}

uint32_t
cli_section_bit(const char *name)
{
	const struct form_field *f = form_by_name(&form_severable, name);

	return f != NULL ? (uint32_t)1 << f->label : 0;
}

/* The whole content of a file that a key names. */
static void
read_data(struct cli_source *s, yaml_node_t *map, const char *key, size_t max,
    struct cli_file *out)
{
	const char *name = cli_yaml_text(&s->yaml, map, key);
	char *path = name != NULL ? form_path(&s->yaml, name) : NULL;

	if (path == NULL || cli_read(path, max, out) != CLI_DONE)
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, key),
		    "%s: not read", key);
	free(path);
}

/* digest-algorithm is that of images as well; a wrong one is said elsewhere. */
static int32_t
digest_alg(const struct cli_source *s)
{
	struct cli_yaml y = s->yaml;
	const char *name =
	    cli_yaml_text(&y, cli_yaml_root(&y), "digest-algorithm");
	const struct form_field *f =
	    name != NULL ? form_by_name(&form_digest_alg, name) : NULL;

	return f != NULL ? (int32_t)f->label : PST_ALG_SHA256;
}

static enum pst_err
hash_file(const struct pst_crypto *c, FILE *f, const char *name, int32_t alg,
    uint8_t *digest, size_t *digest_len, uint64_t *size)
{
	struct cli_progress progress;
	uint8_t buf[65536];
	struct pst_bytes chunk = { buf, 0 };
	uint32_t hash;
	size_t len;
	enum pst_err err = c->hash_begin(c->ctx, alg, &hash);

	*size = 0;
	if (err != PST_OK)
		return err;
	cli_progress_begin(&progress, name, cli_progress_size(f));
	while (
	    err == PST_OK && (chunk.len = fread(buf, 1, sizeof(buf), f)) > 0) {
		err = c->hash_update(c->ctx, hash, chunk);
		*size += chunk.len;
		cli_progress_add(&progress, chunk.len);
	}
	cli_progress_end(&progress);
	if (ferror(f) && err == PST_OK)
		err = PST_ERR_IO;
	if (err == PST_OK)
		return c->hash_end(c->ctx, hash, digest, digest_len);
	(void)!c->hash_end(c->ctx, hash, NULL, &len);
	return err;
}

/* Digest and size of what is fetched, or there already, from a local copy; it
 * is streamed, for it may be large. */
static void
measure(struct cli_source *s, const struct pst_crypto *crypto, yaml_node_t *map,
    const char *key, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	const char *name = cli_yaml_text(&s->yaml, map, key);
	char *path = name != NULL ? form_path(&s->yaml, name) : NULL;
	FILE *f = path != NULL ? fopen(path, "rb") : NULL;
	enum pst_err err = PST_ERR_IO;

	if (f == NULL) {
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, key),
		    "%s: %s", name != NULL ? name : key, strerror(errno));
	} else {
		err = hash_file(crypto, f, name, digest_alg(s), own->digest,
		    &c->digest.bytes.len, &c->image_bytes);
		fclose(f);
		if (err != PST_OK)
			cli_yaml_fail(&s->yaml,
			    cli_yaml_get(&s->yaml, map, key), "%s: %s", name,
			    pst_err_name(err));
	}
	c->digest.alg = digest_alg(s);
	c->digest.bytes.ptr = own->digest;
	free(path);
}

/* Likewise of what is in memory. */
static void
measure_data(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	enum pst_err err;

	c->digest.alg = digest_alg(s);
	c->digest.bytes.ptr = own->digest;
	err = crypto->digest(crypto->ctx, c->digest.alg, &c->data, 1,
	    own->digest, &c->digest.bytes.len);
	if (err != PST_OK)
		cli_yaml_fail(&s->yaml, map, "%s", pst_err_name(err));
}

/* digest: sha-256:HEX, for a payload that is not at hand. */
static void
given_digest(struct cli_source *s, yaml_node_t *map,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	static const struct pst_list none = { { NULL, 0 }, 0 };
	const char *value = cli_yaml_text(&s->yaml, map, "digest");
	struct pst_cbor_writer w;
	struct pst_cbor_reader r;

	c->image_bytes = cli_yaml_number(&s->yaml, map, "size", UINT64_MAX);
	if (value == NULL) {
		cli_yaml_fail(&s->yaml, map,
		    "a file of the image is needed, or a digest: sha-256:HEX");
		return;
	}
	pst_cbor_writer_init(&w, own->digest, sizeof(own->digest));
	if (form_scalar(&form_digest, value, &none, &w) != NULL) {
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, "digest"),
		    "digest: expected one like sha-256:HEX");
		return;
	}
	pst_cbor_reader_init(&r, pst_cbor_written(&w));
	c->digest = pst_suit_digest_read(&r);
	if (pst_cbor_end(&r) != PST_OK)
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, "digest"),
		    "digest: not as long as those of its algorithm");
}

/* Of an encrypted payload the image is what it decrypts to. */
static void
describe(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, const char *key, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	bool sealed = cli_yaml_get(&s->yaml, map, "encryption-info") != NULL;

	if (sealed)
		key = "plaintext";
	if (cli_yaml_get(&s->yaml, map, key) != NULL)
		measure(s, crypto, map, key, c, own);
	else
		given_digest(s, map, c, own);
}

static void
from_uri(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	c->source = PST_SUIT_FROM_URI;
	c->uri = uri(&s->yaml, map);
	describe(s, crypto, map, "file", c, own);
}

/* What an integrated payload is called: its name, or one of our own. */
static void
name_of(struct cli_source *s, yaml_node_t *map, size_t index,
    const char *otherwise, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	c->source = PST_SUIT_FROM_ENVELOPE;
	c->uri = text(&s->yaml, map, "name");
	if (c->uri.len > 0)
		return;
	if (index == 0)
		snprintf(own->name, sizeof(own->name), "#%s", otherwise);
	else
		snprintf(
		    own->name, sizeof(own->name), "#%s%zu", otherwise, index);
	c->uri = view(own->name);
}

static void
from_envelope(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, size_t index, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	read_data(s, map, "payload", CLI_FILE_MAX, &own->data);
	name_of(s, map, index, "tc", c, own);
	c->data = cli_bytes(&own->data);
	c->image_bytes = own->data.len;
	if (cli_yaml_get(&s->yaml, map, "encryption-info") != NULL)
		describe(s, crypto, map, "plaintext", c, own);
	else
		measure_data(s, crypto, map, c, own);
}

static void
from_content(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	read_data(s, map, "content", CONTENT_MAX, &own->data);
	c->source = PST_SUIT_FROM_CONTENT;
	c->data = cli_bytes(&own->data);
	c->image_bytes = own->data.len;
	if (cli_yaml_get(&s->yaml, map, "encryption-info") != NULL)
		describe(s, crypto, map, "plaintext", c, own);
	else
		measure_data(s, crypto, map, c, own);
}

/* Its identity is its manifest's digest, its size that of the envelope. */
static void
from_dependency(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, size_t index, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	yaml_node_t *node = cli_yaml_get(&s->yaml, map, "dependency");
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	enum pst_err err;

	read_data(s, map, "dependency", CLI_FILE_MAX, &own->data);
	if (s->yaml.failed)
		return;
	err = pst_suit_envelope_decode(cli_bytes(&own->data), &env, NULL);
	if (err == PST_OK)
		err = pst_suit_accept(&env, crypto, &m, NULL);
	if (err != PST_OK) {
		cli_yaml_fail(&s->yaml, node, "dependency: not a manifest: %s",
		    pst_err_name(err));
		return;
	}
	c->dependency = true;
	c->sections = m.sections | m.severed;
	c->digest = m.digest;
	c->image_bytes = own->data.len;
	c->data = cli_bytes(&own->data);
	c->source = PST_SUIT_FROM_URI;
	c->uri = uri(&s->yaml, map);
	if (c->uri.len == 0)
		name_of(s, map, index, "dependency", c, own);
}

/* --- encrypt ---------------------------------------------------------------
 */

/* The path of a file that a node names, NULL and failed when it names none. */
static void
path_of(struct cli_source *s, yaml_node_t *map, yaml_node_t *node,
    const char *key, char **out)
{
	const char *name = node != NULL ? cli_yaml_string(node) : NULL;

	*out =
	    name != NULL && name[0] != '\0' ? form_path(&s->yaml, name) : NULL;
	if (*out == NULL)
		cli_yaml_fail(&s->yaml, node != NULL ? node : map,
		    "encrypt: %s: expected a file", key);
}

static void
recipients(
    struct cli_source *s, yaml_node_t *map, struct cli_source_encrypt *what)
{
	yaml_node_t *list = cli_yaml_get(&s->yaml, map, "to");
	yaml_node_t *n;
	size_t i;

	for (i = 0;
	     list != NULL && (n = cli_yaml_element(&s->yaml, list, i)) != NULL;
	     i++) {
		if (i == CLI_SOURCE_RECIPIENTS_MAX) {
			cli_yaml_fail(&s->yaml, n,
			    "encrypt: more than %d recipients",
			    CLI_SOURCE_RECIPIENTS_MAX);
			return;
		}
		path_of(s, map, n, "to", &what->to[i]);
		what->count = i + 1;
	}
	if (i == 0)
		cli_yaml_fail(
		    &s->yaml, map, "encrypt: to is needed, its recipients");
}

static void
encrypt_to(struct cli_source *s, yaml_node_t *map, const char *key, bool far,
    struct cli_source_encrypt *what, struct cli_source_component *own)
{
	yaml_node_t *how = cli_yaml_get(&s->yaml, map, "encrypt");
	yaml_node_t *to = cli_yaml_get(&s->yaml, how, "out");
	char *from = NULL, *out = NULL;

	form_keys(&s->yaml, how, &form_encrypt, false);
	what->alg = cli_yaml_text(&s->yaml, how, "alg");
	recipients(s, how, what);
	path_of(s, map, cli_yaml_get(&s->yaml, map, key), key, &from);
	if (far)
		path_of(s, how, to, "out", &out);
	else if (to != NULL)
		cli_yaml_fail(
		    &s->yaml, to, "encrypt: out: only where devices fetch it");
	what->from = from;
	what->out = out;
	if (!s->yaml.failed) {
		cli_file_free(&own->data);
		if (s->encryptor(what, &own->data, &own->info) != CLI_DONE)
			cli_yaml_fail(&s->yaml, how, "encrypt: not done");
	}
	free(from);
	free(out);
}

/* The bytes of a component, encrypted to the recipients that it names; what
 * is under key is the plaintext. */
static void
encrypt(struct cli_source *s, yaml_node_t *map, const char *key,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	yaml_node_t *how = cli_yaml_get(&s->yaml, map, "encrypt");
	struct cli_source_encrypt what = { .count = 0 };

	if (how == NULL || s->yaml.failed)
		return;
	/* A dependency's digest stands in its plaintext, which goes. */
	if (c->digest.bytes.ptr != own->digest)
		memmove(own->digest, c->digest.bytes.ptr, c->digest.bytes.len);
	c->digest.bytes.ptr = own->digest;
	if (cli_yaml_get(&s->yaml, map, "encryption-info") != NULL)
		cli_yaml_fail(&s->yaml, how,
		    "encrypt: encryption-info says that it is encrypted");
	else if (c->source == PST_SUIT_FROM_DEVICE)
		cli_yaml_fail(
		    &s->yaml, how, "encrypt: nothing travels to the device");
	else if (how->type != YAML_MAPPING_NODE)
		cli_yaml_fail(&s->yaml, how, "encrypt: expected a mapping");
	else if (s->encryptor == NULL)
		cli_yaml_fail(&s->yaml, how, "encrypt: not possible here");
	else
		encrypt_to(
		    s, map, key, c->source == PST_SUIT_FROM_URI, &what, own);
	while (what.count > 0)
		free(what.to[--what.count]);
	c->encryption_info = cli_bytes(&own->info);
	if (c->source != PST_SUIT_FROM_URI)
		c->data = cli_bytes(&own->data);
}

/* Exactly one of the keys says where the bytes come from; a dependency may
 * be fetched. */
static void
source(struct cli_source *s, const struct pst_crypto *crypto, yaml_node_t *map,
    size_t index, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	static const char *const keys[] = { "payload", "uri", "content",
		"installed", "dependency" };
	int which = -1;
	int i;

	for (i = 0; i < 5; i++) {
		if (cli_yaml_get(&s->yaml, map, keys[i]) == NULL)
			continue;
		if (which >= 0 && !(which == 1 && i == 4))
			cli_yaml_fail(&s->yaml, map, "both %s and %s",
			    keys[which], keys[i]);
		which = i;
	}
	if (which < 0)
		cli_yaml_fail(&s->yaml, map,
		    "one of payload, uri, content, installed and dependency "
		    "is needed");
	if (which == 0)
		from_envelope(s, crypto, map, index, c, own);
	if (which == 1)
		from_uri(s, crypto, map, c, own);
	if (which == 2)
		from_content(s, crypto, map, c, own);
	if (which == 3) {
		c->source = PST_SUIT_FROM_DEVICE;
		measure(s, crypto, map, "installed", c, own);
	}
	if (which == 4)
		from_dependency(s, crypto, map, index, c, own);
	if (which >= 0)
		encrypt(s, map, which == 1 ? "file" : keys[which], c, own);
}

static void identifier(struct cli_source *s, yaml_node_t *map, const char *key,
    uint8_t id[PST_SUIT_ID_MAX], struct pst_bytes *out);

/* What belongs to some sources only. */
static void
extras(struct cli_source *s, yaml_node_t *map,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	static const struct {
		const char *key, *needs;
	} pairs[] = { { "prefix", "dependency" }, { "file", "uri" },
		{ "plaintext", "encryption-info" } };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (cli_yaml_get(&s->yaml, map, pairs[i].key) != NULL &&
		    cli_yaml_get(&s->yaml, map, pairs[i].needs) == NULL)
			cli_yaml_fail(&s->yaml,
			    cli_yaml_get(&s->yaml, map, pairs[i].key),
			    "%s: only with %s", pairs[i].key, pairs[i].needs);
	}
	if (cli_yaml_get(&s->yaml, map, "name") != NULL &&
	    c->source != PST_SUIT_FROM_ENVELOPE)
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, "name"),
		    "name: only of what travels in the envelope");
	if (cli_yaml_get(&s->yaml, map, "prefix") != NULL)
		identifier(s, map, "prefix", own->prefix, &c->prefix);
	if (cli_yaml_get(&s->yaml, map, "encryption-info") == NULL)
		return;
	read_data(s, map, "encryption-info", CONTENT_MAX, &own->info);
	c->encryption_info = cli_bytes(&own->info);
	if (c->encryption_info.len == 0 || c->encryption_info.ptr[0] != 0xd8)
		cli_yaml_fail(&s->yaml,
		    cli_yaml_get(&s->yaml, map, "encryption-info"),
		    "encryption-info: not a tagged COSE_Encrypt");
}

static void
identifier(struct cli_source *s, yaml_node_t *map, const char *key,
    uint8_t id[PST_SUIT_ID_MAX], struct pst_bytes *out)
{
	const char *value = cli_yaml_text(&s->yaml, map, key);
	enum pst_err err;

	out->ptr = id;
	if (value == NULL) {
		if (!s->yaml.failed)
			cli_yaml_fail(&s->yaml, map, "%s is needed", key);
		return;
	}
	err = pst_component_parse(value, id, PST_SUIT_ID_MAX, &out->len);
	if (err != PST_OK)
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, key),
		    "%s: not a component identifier: %s", key,
		    err == PST_ERR_ARG ? "expected elements joined by /, each "
					 "a text, uuid:... or hex:..."
				       : pst_err_name(err));
}

static void
uuid(struct cli_source *s, yaml_node_t *map, const char *key, uint8_t bytes[16],
    struct pst_bytes *out)
{
	if (cli_yaml_uuid(&s->yaml, map, key, bytes))
		*out = (struct pst_bytes){ bytes, 16 };
}

/* requires-version: ">=1.0, <2" */
static void requires(struct cli_source *s, yaml_node_t *map,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	const char *p = cli_yaml_text(&s->yaml, map, "requires-version");
	size_t i;

	for (i = 0; p != NULL && *p != '\0'; i++) {
		if (i < PST_SUIT_BUILD_REQUIRES &&
		    cli_version_match(
			&p, own->requires[i], &c -> requires[i].len)) {
			c->requires[i].ptr = own->requires[i];
			continue;
		}
		cli_yaml_fail(&s->yaml,
		    cli_yaml_get(&s->yaml, map, "requires-version"),
		    "requires-version: expected at most %d conditions like "
		    "\">=1.0, <2\"",
		    PST_SUIT_BUILD_REQUIRES);
		return;
	}
}

static void
component(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, size_t index)
{
	struct pst_suit_build_component *c = &s->component[index];
	struct cli_source_component *own = &s->owned[index];
	struct cli_yaml *y = &s->yaml;
	yaml_node_t *n;

	c->image_bytes = UINT64_MAX;
	identifier(s, map, "component", own->id, &c->id);
	source(s, crypto, map, index, c, own);
	if (!y->failed)
		extras(s, map, c, own);
	uuid(s, map, "vendor-id", own->vendor, &c->vendor_id);
	uuid(s, map, "class-id", own->class_id, &c->class_id);
	uuid(s, map, "device-id", own->device, &c->device_id);
	n = cli_yaml_get(y, map, "invoke");
	if (n != NULL && n->type == YAML_SCALAR_NODE)
		c->invoke = cli_yaml_flag(y, map, "invoke", false);
	requires(s, map, c, own);
	c->text_vendor = text(y, map, "vendor");
	c->text_model = text(y, map, "model");
	c->text_description = text(y, map, "component-description");
	c->text_version = text(y, map, "version");
}

static bool
has_text(const struct cli_source *s)
{
	const struct pst_suit_build_component *c;
	size_t i;

	for (i = 0; i < s->build.count; i++) {
		c = &s->component[i];
		if (c->text_vendor.len + c->text_model.len +
			c->text_description.len + c->text_version.len >
		    0)
			return true;
	}
	return s->build.text_manifest.len + s->build.text_update.len > 0;
}

/* The manifest of [uuid, 'ta'] is by habit [uuid, 'manifest']: the first
 * component's identifier with its last element replaced. */
static void
default_manifest_id(struct cli_source *s)
{
	struct pst_cbor_reader r;
	struct pst_cbor_writer w;
	struct pst_bytes item;
	size_t n, i;

	pst_cbor_reader_init(&r, s->component[0].id);
	pst_cbor_writer_init(&w, s->manifest_id, sizeof(s->manifest_id));
	n = pst_cbor_array(&r, 1, PST_SUIT_ID_PARTS_MAX);
	if (n == 1)
		n = 2;
	pst_cbor_put_array(&w, n);
	for (i = 0; i + 1 < n; i++) {
		item = pst_cbor_item(&r);
		pst_cbor_put_raw(&w, item);
	}
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("manifest"));
	s->build.component_id = pst_cbor_written(&w);
	if (w.err != PST_OK || s->build.component_id.len == 0)
		cli_yaml_fail(&s->yaml, NULL, "manifest-id is needed");
}

static void
components(
    struct cli_source *s, const struct pst_crypto *crypto, yaml_node_t *root)
{
	yaml_node_t *list = cli_yaml_get(&s->yaml, root, "components");
	size_t i, dependencies = 0;
	yaml_node_t *n;

	if (list == NULL) {
		component(s, crypto, root, 0);
		s->build.count = 1;
		return;
	}
	if (cli_yaml_get(&s->yaml, root, "component") != NULL)
		cli_yaml_fail(&s->yaml, list, "both component and components");
	for (i = 0; (n = cli_yaml_element(&s->yaml, list, i)) != NULL; i++) {
		if (n->type != YAML_MAPPING_NODE ||
		    i == PST_SUIT_COMPONENTS_MAX) {
			cli_yaml_fail(&s->yaml, n,
			    "expected a mapping that says where the "
			    "component's bytes come from, at most %d of them",
			    PST_SUIT_COMPONENTS_MAX);
			return;
		}
		form_keys(&s->yaml, n, &form_source_component, false);
		component(s, crypto, n, i);
		dependencies += s->component[i].dependency;
		if (dependencies > PST_SUIT_DEPENDENCIES_MAX) {
			cli_yaml_fail(&s->yaml, n,
			    "a manifest has at most %d dependencies of its own",
			    PST_SUIT_DEPENDENCIES_MAX);
			return;
		}
	}
	s->build.count = i;
}

/* set-version and use-before */
static void
release(struct cli_source *s, yaml_node_t *root)
{
	const char *version = cli_yaml_text(&s->yaml, root, "set-version");
	const char *time = cli_yaml_text(&s->yaml, root, "use-before");
	struct pst_suit_build *b = &s->build;

	b->set_version.ptr = s->set_version;
	if (version != NULL &&
	    !cli_version_parse(version, s->set_version, &b->set_version.len))
		cli_yaml_fail(&s->yaml,
		    cli_yaml_get(&s->yaml, root, "set-version"),
		    "set-version: expected a version like 1.2.3 or 1.2-rc.1");
	if (time != NULL &&
	    (!cli_time_parse(time, &b->use_before_s) || b->use_before_s == 0))
		cli_yaml_fail(&s->yaml,
		    cli_yaml_get(&s->yaml, root, "use-before"),
		    "use-before: expected a time like 2027-01-31T12:00:00Z");
}

static void
whole(struct cli_source *s, const struct pst_crypto *crypto, yaml_node_t *root)
{
	struct pst_suit_build *b = &s->build;
	struct cli_yaml *y = &s->yaml;
	yaml_node_t *n;

	b->sequence = cli_yaml_number(y, root, "sequence", 0);
	components(s, crypto, root);
	b->components = s->component;
	if (cli_yaml_get(y, root, "manifest-id") != NULL)
		identifier(
		    s, root, "manifest-id", s->manifest_id, &b->component_id);
	else if (!y->failed)
		default_manifest_id(s);
	b->reference_uri = text(y, root, "reference-uri");
	b->text_manifest = text(y, root, "description");
	b->text_update = text(y, root, "update-description");
	b->language = text(y, root, "language");
	if (b->language.len == 0 && has_text(s))
		b->language = PST_BYTES_LIT("en");
	b->early = cli_yaml_flag(y, root, "early-fetch", false);
	n = cli_yaml_get(y, root, "uninstall");
	b->uninstall = n == NULL || n->type != YAML_SCALAR_NODE ||
	    cli_yaml_flag(y, root, "uninstall", true);
	release(s, root);
}

/* Is there a key of what is generated, or a component that says more than
 * its identifier? */
static yaml_node_t *
describes(struct cli_source *s, yaml_node_t *root)
{
	yaml_node_t *key, *value, *n, *k, *v;
	const struct form_field *f;
	const char *name;
	size_t i, c;

	for (i = 0; cli_yaml_pair(&s->yaml, root, i, &key, &value); i++) {
		name = cli_yaml_string(key);
		f = name != NULL ? form_by_name(&form_source, name) : NULL;
		if (f == NULL)
			continue;
		if (f->label >= SOURCE_COMPONENT &&
		    f->label < SOURCE_COMPONENTS)
			return key;
		for (c = 0; f->label == SOURCE_COMPONENTS &&
		     (n = cli_yaml_element(&s->yaml, value, c)) != NULL;
		     c++)
			if (cli_yaml_pair(&s->yaml, n, 0, &k, &v) &&
			    (name = cli_yaml_string(k)) != NULL &&
			    strcmp(name, "raw") != 0)
				return n;
	}
	return NULL;
}

static void
judge(struct cli_source *s, const struct pst_crypto *crypto)
{
	static const char *const alone[] = { "raw-envelope", "manifest" };
	yaml_node_t *root = cli_yaml_root(&s->yaml);
	bool whole_given = false;
	size_t i;

	if (root == NULL)
		return;
	form_keys(&s->yaml, root, &form_source, true);
	for (i = 0; i < 2; i++)
		whole_given |= cli_yaml_get(&s->yaml, root, alone[i]) != NULL;
	if (whole_given)
		return;
	if (cli_yaml_get(&s->yaml, root, "sequence") == NULL)
		cli_yaml_fail(&s->yaml, root, "sequence is needed");
	s->generated = describes(s, root) != NULL;
	if (!s->generated &&
	    cli_yaml_get(&s->yaml, root, "components") == NULL &&
	    cli_yaml_get(&s->yaml, root, "common") == NULL)
		cli_yaml_fail(&s->yaml, root, "components are needed");
	if (s->generated)
		whole(s, crypto, root);
}

int
cli_source_parse(struct cli_source *s, const struct pst_crypto *crypto,
    const char *path, struct pst_bytes source)
{
	int status = cli_yaml_parse(&s->yaml, path, source);

	if (status == CLI_DONE)
		judge(s, crypto);
	return status == CLI_DONE && s->yaml.failed ? CLI_REFUSED : status;
}

int
cli_source_read(
    struct cli_source *s, const struct pst_crypto *crypto, const char *path)
{
	int status = cli_yaml_read(&s->yaml, path);

	if (status == CLI_DONE)
		judge(s, crypto);
	return status == CLI_DONE && s->yaml.failed ? CLI_REFUSED : status;
}

void
cli_source_close(struct cli_source *s)
{
	size_t i;

	for (i = 0; i < PST_SUIT_COMPONENTS_MAX; i++) {
		cli_file_free(&s->owned[i].data);
		cli_file_free(&s->owned[i].info);
	}
	cli_yaml_close(&s->yaml);
}
