#include "manifest_source.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "diag/component.h"

/* Bytes of a content that stands in the manifest. */
enum { CONTENT_MAX = 65536 };

static const char *const manifest_keys[] = { "sequence", "manifest-id",
	"reference-uri", "components", "description", "update-description",
	"language", "severable", "early-fetch", "uninstall", "set-version",
	"use-before",
	/* of a single component, written here for short */
	"component", "payload", "content", "installed", "uri", "file", "digest",
	"size", "vendor-id", "class-id", "device-id", "invoke",
	"requires-version", "version", "vendor", "model",
	"component-description", NULL };

static const char *const component_keys[] = { "component", "payload", "content",
	"installed", "uri", "file", "digest", "size", "vendor-id", "class-id",
	"device-id", "invoke", "requires-version", "version", "vendor", "model",
	"component-description", NULL };

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

uint32_t
cli_section_bit(const char *name)
{
	static const struct {
		const char *name;
		enum pst_suit_label label;
	} sections[] = { { "payload-fetch", PST_SUIT_PAYLOAD_FETCH },
		{ "install", PST_SUIT_INSTALL }, { "text", PST_SUIT_TEXT } };
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strcmp(name, sections[i].name) == 0)
			return (uint32_t)1 << sections[i].label;
	}
	return 0;
}

/* A path in the source is relative to the source. */
static char *
beside(const struct cli_source *s, const char *path)
{
	char *copy, *out = NULL;

	if (path[0] == '/' || strcmp(s->yaml.path, "-") == 0)
		return strdup(path);
	copy = strdup(s->yaml.path);
	if (copy == NULL || asprintf(&out, "%s/%s", dirname(copy), path) < 0)
		out = NULL;
	free(copy);
	return out;
}

/* The whole content of a file that a key names. */
static void
read_data(struct cli_source *s, yaml_node_t *map, const char *key, size_t max,
    struct cli_file *out)
{
	const char *name = cli_yaml_text(&s->yaml, map, key);
	char *path = name != NULL ? beside(s, name) : NULL;

	if (path == NULL || cli_read(path, max, out) != CLI_DONE)
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, key),
		    "%s: not read", key);
	free(path);
}

static enum pst_err
hash_file(const struct pst_crypto *c, FILE *f, uint8_t *digest, uint64_t *size)
{
	uint8_t buf[65536];
	struct pst_bytes chunk = { buf, 0 };
	uint32_t hash;
	size_t len;
	enum pst_err err = c->hash_begin(c->ctx, PST_ALG_SHA256, &hash);

	*size = 0;
	if (err != PST_OK)
		return err;
	while (
	    err == PST_OK && (chunk.len = fread(buf, 1, sizeof(buf), f)) > 0) {
		err = c->hash_update(c->ctx, hash, chunk);
		*size += chunk.len;
	}
	if (ferror(f) && err == PST_OK)
		err = PST_ERR_IO;
	if (err == PST_OK)
		return c->hash_end(c->ctx, hash, digest, &len);
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
	char *path = name != NULL ? beside(s, name) : NULL;
	FILE *f = path != NULL ? fopen(path, "rb") : NULL;
	enum pst_err err = PST_ERR_IO;

	if (f == NULL) {
		cli_yaml_fail(&s->yaml, cli_yaml_get(&s->yaml, map, key),
		    "%s: %s", name != NULL ? name : key, strerror(errno));
	} else {
		err = hash_file(crypto, f, own->digest, &c->image_bytes);
		fclose(f);
		if (err != PST_OK)
			cli_yaml_fail(&s->yaml,
			    cli_yaml_get(&s->yaml, map, key), "%s: %s", name,
			    pst_err_name(err));
	}
	c->digest.alg = PST_ALG_SHA256;
	c->digest.bytes = (struct pst_bytes){ own->digest, 32 };
	free(path);
}

/* digest: sha-256:HEX, for a payload that is not at hand. */
static void
given_digest(struct cli_source *s, yaml_node_t *map,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	static const char prefix[] = "sha-256:";
	const char *value = cli_yaml_text(&s->yaml, map, "digest");
	size_t n = strlen(prefix);

	c->image_bytes = cli_yaml_number(&s->yaml, map, "size", UINT64_MAX);
	if (value == NULL || strncmp(value, prefix, n) != 0 ||
	    strlen(value) != n + 64 ||
	    !pst_hex_parse(value + n, 64, own->digest)) {
		cli_yaml_fail(&s->yaml, map,
		    "a uri needs a file, or a digest: sha-256:HEX");
		return;
	}
	c->digest.alg = PST_ALG_SHA256;
	c->digest.bytes = (struct pst_bytes){ own->digest, 32 };
}

static void
from_uri(struct cli_source *s, const struct pst_crypto *crypto,
    yaml_node_t *map, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	c->source = PST_SUIT_FROM_URI;
	c->uri = text(&s->yaml, map, "uri");
	if (cli_yaml_get(&s->yaml, map, "file") == NULL)
		given_digest(s, map, c, own);
	else
		measure(s, crypto, map, "file", c, own);
}

static void
from_envelope(struct cli_source *s, yaml_node_t *map, size_t index,
    struct pst_suit_build_component *c, struct cli_source_component *own)
{
	read_data(s, map, "payload", CLI_FILE_MAX, &own->data);
	if (index == 0)
		snprintf(own->name, sizeof(own->name), "#tc");
	else
		snprintf(own->name, sizeof(own->name), "#tc%zu", index);
	c->source = PST_SUIT_FROM_ENVELOPE;
	c->uri = view(own->name);
	c->data = cli_bytes(&own->data);
	c->image_bytes = own->data.len;
}

/* Exactly one of the keys says where the bytes come from. */
static void
source(struct cli_source *s, const struct pst_crypto *crypto, yaml_node_t *map,
    size_t index, struct pst_suit_build_component *c,
    struct cli_source_component *own)
{
	static const char *const keys[] = { "payload", "uri", "content",
		"installed" };
	int which = -1;
	int i;

	for (i = 0; i < 4; i++) {
		if (cli_yaml_get(&s->yaml, map, keys[i]) == NULL)
			continue;
		if (which >= 0)
			cli_yaml_fail(&s->yaml, map, "both %s and %s",
			    keys[which], keys[i]);
		which = i;
	}
	if (which < 0)
		cli_yaml_fail(&s->yaml, map,
		    "one of payload, uri, content and installed is needed");
	if (which == 0)
		from_envelope(s, map, index, c, own);
	if (which == 1)
		from_uri(s, crypto, map, c, own);
	if (which == 2) {
		read_data(s, map, "content", CONTENT_MAX, &own->data);
		c->source = PST_SUIT_FROM_CONTENT;
		c->data = cli_bytes(&own->data);
		c->image_bytes = own->data.len;
	}
	if (which == 3) {
		c->source = PST_SUIT_FROM_DEVICE;
		measure(s, crypto, map, "installed", c, own);
	}
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
		    pst_err_name(err));
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

	c->image_bytes = UINT64_MAX;
	identifier(s, map, "component", own->id, &c->id);
	source(s, crypto, map, index, c, own);
	uuid(s, map, "vendor-id", own->vendor, &c->vendor_id);
	uuid(s, map, "class-id", own->class_id, &c->class_id);
	uuid(s, map, "device-id", own->device, &c->device_id);
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
	yaml_node_t *n;
	size_t i;

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
			    "expected at most %d mappings, one a component",
			    PST_SUIT_COMPONENTS_MAX);
			return;
		}
		cli_yaml_keys(&s->yaml, n, component_keys);
		component(s, crypto, n, i);
	}
	s->build.count = i;
}

static void
severable(struct cli_source *s, yaml_node_t *root)
{
	yaml_node_t *list = cli_yaml_get(&s->yaml, root, "severable");
	yaml_node_t *n;
	uint32_t bit;
	size_t i;

	for (i = 0;
	     list != NULL && (n = cli_yaml_element(&s->yaml, list, i)) != NULL;
	     i++) {
		bit = n->type == YAML_SCALAR_NODE
		    ? cli_section_bit((const char *)n->data.scalar.value)
		    : 0;
		if (bit == 0)
			cli_yaml_fail(&s->yaml, n,
			    "expected payload-fetch, install or text");
		s->build.severable |= bit;
	}
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

	cli_yaml_keys(y, root, manifest_keys);
	if (cli_yaml_get(y, root, "sequence") == NULL)
		cli_yaml_fail(y, root, "sequence is needed");
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
	b->uninstall = cli_yaml_flag(y, root, "uninstall", true);
	severable(s, root);
	release(s, root);
}

int
cli_source_read(
    struct cli_source *s, const struct pst_crypto *crypto, const char *path)
{
	yaml_node_t *root;
	int status = cli_yaml_read(&s->yaml, path);

	if (status != CLI_DONE)
		return status;
	root = cli_yaml_root(&s->yaml);
	if (root != NULL)
		whole(s, crypto, root);
	return s->yaml.failed ? CLI_REFUSED : CLI_DONE;
}

void
cli_source_close(struct cli_source *s)
{
	size_t i;

	for (i = 0; i < PST_SUIT_COMPONENTS_MAX; i++)
		cli_file_free(&s->owned[i].data);
	cli_yaml_close(&s->yaml);
}
