/*
 * postern manifest show: what an envelope is about, for a person or as JSON.
 * The summary is made once, as JSON; the text is that, printed otherwise.
 */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "diag/component.h"
#include "diag/diag.h"
#include "manifest.h"
#include "version.h"

static json_t *
hex(struct pst_bytes b)
{
	char text[2 * 256 + 1];

	if (b.len > 256)
		b.len = 256;
	cli_hex_text(b.ptr, b.len, text);
	return json_string(text);
}

static json_t *
text(struct pst_bytes b)
{
	/* NULL for what is not UTF-8: the caller's set then does nothing. */
	return json_stringn((const char *)b.ptr, b.len);
}

static void
put(json_t *to, const char *name, json_t *value)
{
	if (value != NULL)
		(void)json_object_set_new(to, name, value);
}

static json_t *
component_text(struct pst_bytes id)
{
	char out[PST_COMPONENT_TEXT_MAX];

	if (id.len == 0 || pst_component_print(id, out, sizeof(out)) != PST_OK)
		return NULL;
	return json_string(out);
}

static json_t *
algorithm(int32_t alg)
{
	const char *name = pst_alg_name(alg);
	char number[16];

	if (alg == PST_ALG_SHA256)
		name = "SHA-256";
	if (name != NULL)
		return json_string(name);
	snprintf(number, sizeof(number), "%d", alg);
	return json_string(number);
}

static json_t *
digest(const struct pst_suit_digest *d)
{
	json_t *out = json_object();

	put(out, "alg", algorithm(d->alg));
	put(out, "bytes", hex(d->bytes));
	return out;
}

/* Who claims to have signed, unverified. */
static json_t *
signatures(const struct pst_suit_envelope *env)
{
	struct pst_list blocks = env->blocks;
	json_t *out = json_array();
	struct pst_cose_headers h;
	struct pst_cose_message cose;
	struct pst_cbor_reader r;
	struct pst_bytes item, sig;
	json_t *one;
	size_t i;

	while (pst_list_next(&blocks, &item)) {
		pst_cbor_reader_init(&r, item);
		item = pst_cbor_bstr(&r, 0, SIZE_MAX);
		if (pst_cose_parse(item, PST_TAG_SIGN1, &cose, NULL) != PST_OK)
			continue;
		for (i = 0; pst_cose_signature(&cose, i, &h, &sig); i++) {
			one = json_object();
			put(one, "kind", json_string(cli_cose_name(cose.kind)));
			put(one, "alg", algorithm(h.alg));
			if (h.kid.len > 0)
				put(one, "kid", hex(h.kid));
			(void)json_array_append_new(out, one);
		}
	}
	return out;
}

/* One version condition more; all of them have to hold. */
static void requires(json_t *c, struct pst_bytes match)
{
	static const char name[] = "requires-version";
	const char *before = json_string_value(json_object_get(c, name));
	char one[CLI_VERSION_TEXT_MAX];

	cli_version_match_print(match, one);
	if (before == NULL)
		put(c, name, json_string(one));
	else if (strstr(before, one) == NULL)
		put(c, name, json_sprintf("%s, %s", before, one));
}

/* A parameter into its component; a value that is set again stays once. */
static enum pst_err
parameter(void *ctx, enum pst_suit_label section, uint32_t index,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	json_t *c = json_array_get(ctx, index);
	struct pst_suit_digest d;
	struct pst_cbor_reader r;
	struct pst_bytes v;
	char uuid[37], when[32];

	(void)section;
	pst_cbor_reader_init(&r, value);
	if (label == PST_SUIT_PARAM_URI) {
		v = pst_cbor_tstr(&r, 0, PST_SUIT_URI_MAX);
		put(c, "uri", text(v));
	} else if (label == PST_SUIT_PARAM_IMAGE_SIZE) {
		put(c, "size",
		    json_integer((json_int_t)pst_cbor_uint(&r, INT64_MAX)));
	} else if (label == PST_SUIT_PARAM_USE_BEFORE) {
		cli_time_print(pst_cbor_uint(&r, UINT64_MAX), when);
		put(c, "use-before", json_string(when));
	} else if (label == PST_SUIT_PARAM_VERSION) {
		requires(c, pst_cbor_bstr(&r, 0, SIZE_MAX));
	} else if (label == PST_SUIT_PARAM_IMAGE_DIGEST) {
		v = pst_cbor_bstr(&r, 0, SIZE_MAX);
		pst_cbor_reader_init(&r, v);
		d = pst_suit_digest_read(&r);
		if (pst_cbor_ok(&r))
			put(c, "digest", digest(&d));
	} else if (pst_cbor_peek(&r) == PST_CBOR_BSTR) {
		v = pst_cbor_bstr(&r, 0, SIZE_MAX);
		if (v.len != 16)
			return PST_OK;
		pst_uuid_print(v.ptr, uuid);
		if (label == PST_SUIT_PARAM_VENDOR)
			put(c, "vendor-id", json_string(uuid));
		if (label == PST_SUIT_PARAM_CLASS)
			put(c, "class-id", json_string(uuid));
		if (label == PST_SUIT_PARAM_DEVICE)
			put(c, "device-id", json_string(uuid));
	}
	return PST_OK;
}

static json_t *
components(const struct pst_suit_manifest *m)
{
	struct pst_suit_images images;
	struct pst_list list = m->components;
	json_t *out = json_array();
	struct pst_bytes id;
	json_t *c;

	while (pst_list_next(&list, &id)) {
		c = json_object();
		put(c, "component", component_text(id));
		(void)json_array_append_new(out, c);
	}
	/* As far as it goes: a severed section is simply not told about. */
	if (pst_suit_manifest_images(m, parameter, out, &images) != PST_OK)
		return out;
	return out;
}

static json_t *
sections(uint32_t bits)
{
	json_t *out = json_array();
	int i;

	for (i = 0; i <= PST_SUIT_LABEL_MAX; i++) {
		if ((bits >> i & 1) != 0 && cli_section_name(i) != NULL)
			(void)json_array_append_new(
			    out, json_string(cli_section_name(i)));
	}
	return out;
}

/* Members with a text for a label: integrated payloads. */
static json_t *
integrated(const struct pst_suit_envelope *env)
{
	json_t *out = json_object();
	struct pst_cbor_reader r;
	struct pst_bytes name, value;
	size_t i;

	pst_cbor_reader_init(&r, env->members);
	for (i = 0; i < env->member_count && pst_cbor_ok(&r); i++) {
		if (pst_cbor_peek(&r) != PST_CBOR_TSTR) {
			pst_cbor_skip(&r);
			pst_cbor_skip(&r);
			continue;
		}
		name = pst_cbor_tstr(&r, 0, PST_SUIT_URI_MAX);
		value = pst_cbor_bstr(&r, 0, SIZE_MAX);
		if (pst_cbor_ok(&r))
			(void)json_object_setn_new(out, (const char *)name.ptr,
			    name.len, json_integer((json_int_t)value.len));
	}
	return out;
}

/* suit-text: version and description by component, the manifest's own. */
static void
component_texts(struct pst_cbor_reader *r, json_t *c)
{
	static const char *const names[] = { NULL, "vendor", "model", NULL,
		NULL, "description", "version" };
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 64, &seen);
	struct pst_bytes v;
	int64_t label;

	while (n-- > 0 && pst_cbor_ok(r)) {
		label = pst_cbor_key(r, &seen);
		if (label < 1 || label > 6 || names[label] == NULL) {
			pst_cbor_skip(r);
			continue;
		}
		v = pst_cbor_tstr(r, 0, SIZE_MAX);
		if (pst_cbor_ok(r) && c != NULL)
			put(c, names[label], text(v));
	}
}

static json_t *
component_of(json_t *list, struct pst_bytes id)
{
	json_t *name = component_text(id);
	json_t *c, *found = NULL;
	size_t i;

	json_array_foreach(list, i, c)
	{
		if (json_equal(json_object_get(c, "component"), name))
			found = c;
	}
	json_decref(name);
	return found;
}

static void
texts(const struct pst_suit_manifest *m, json_t *out, json_t *list)
{
	struct pst_bytes section = pst_suit_section(m, PST_SUIT_TEXT);
	struct pst_cbor_seen seen, inner;
	struct pst_cbor_reader r;
	struct pst_bytes v;
	int64_t label;
	size_t n;

	pst_cbor_reader_init(&r, section);
	/* The first language is enough here. */
	if (section.len == 0 || pst_cbor_map(&r, 64, &seen) == 0)
		return;
	(void)pst_cbor_key(&r, &seen);
	n = pst_cbor_map(&r, 64, &inner);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &inner);
		if (label == PST_CBOR_KEY_OTHER) {
			component_texts(&r, component_of(list, inner.key));
		} else if (label == 1 || label == 2) {
			v = pst_cbor_tstr(&r, 0, SIZE_MAX);
			put(out,
			    label == 1 ? "description" : "update-description",
			    text(v));
		} else {
			pst_cbor_skip(&r);
		}
	}
}

static json_t *
summary(const struct pst_suit_manifest *m)
{
	json_t *out = json_object();
	json_t *list = components(m);
	char version[CLI_VERSION_TEXT_MAX];

	put(out, "manifest", component_text(m->component_id));
	put(out, "sequence", json_integer((json_int_t)m->sequence));
	cli_version_print(pst_suit_set_version(m), version);
	if (version[0] != '\0')
		put(out, "set-version", json_string(version));
	put(out, "digest", digest(&m->digest));
	if (m->reference_uri.len > 0)
		put(out, "reference-uri", text(m->reference_uri));
	texts(m, out, list);
	put(out, "components", list);
	put(out, "sections", sections(m->sections));
	put(out, "severed", sections(m->severed));
	put(out, "integrated", integrated(&m->envelope));
	put(out, "signatures", signatures(&m->envelope));
	return out;
}

/* --- as text ----------------------------------------------------------- */

static void
print_value(FILE *f, const json_t *v)
{
	struct pst_bytes b;

	if (json_is_string(v)) {
		b = (struct pst_bytes){ (const uint8_t *)json_string_value(v),
			json_string_length(v) };
		pst_json_string(f, b);
	} else if (json_is_integer(v)) {
		fprintf(f, "%lld", (long long)json_integer_value(v));
	}
}

/* A summary has three levels: the envelope, a list, its members. */
static void
print_object(FILE *f, const json_t *object, int indent)
{
	const char *name;
	const json_t *v, *e;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)object, name, v)
	{
		/* Names of integrated payloads are not ours. */
		fprintf(f, "%*s", indent, "");
		pst_print_safe(f,
		    (struct pst_bytes){ (const uint8_t *)name, strlen(name) });
		fputc(':', f);
		if (!json_is_object(v) && !json_is_array(v)) {
			fputc(' ', f);
			print_value(f, v);
		}
		fputc('\n', f);
		if (json_is_object(v) && indent < 6)
			print_object(f, v, indent + 2);
		json_array_foreach(v, i, e)
		{
			if (json_is_object(e) && indent < 6) {
				fprintf(f, "%*s-\n", indent + 2, "");
				print_object(f, e, indent + 4);
			} else {
				fprintf(f, "%*s- ", indent + 2, "");
				print_value(f, e);
				fputc('\n', f);
			}
		}
	}
}

void
cli_manifest_summary(const struct pst_suit_manifest *m, FILE *f, bool json)
{
	json_t *out = summary(m);

	if (json) {
		(void)json_dumpf(out, f, JSON_COMPACT | JSON_ENSURE_ASCII);
		fputc('\n', f);
	} else {
		print_object(f, out, 0);
	}
	json_decref(out);
}

enum show_as { AS_TEXT, AS_JSON, AS_YAML };

static int
show_file(const struct cli_keyring *ring, const char *path, enum show_as as,
    bool blocks)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct cli_file file;
	enum pst_err err;
	size_t at = 0;
	int status = cli_envelope_read(path, &file, &env);

	if (status != CLI_DONE)
		return status;
	/* Shown to a person, and not acted upon. */
	if (as == AS_YAML) {
		status = cli_manifest_yaml(
		    path, cli_bytes(&file), &env, ring->crypto, blocks, stdout);
	} else {
		err = pst_suit_accept(&env, ring->crypto, &m, &at);
		if (err != PST_OK)
			status = cli_fail(
			    "%s: %s at byte %zu", path, pst_err_name(err), at);
		else
			cli_manifest_summary(&m, stdout, as == AS_JSON);
	}
	cli_file_free(&file);
	return status;
}

int
cli_manifest_show(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "yaml", no_argument, NULL, 'y' },
		{ "authentication", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	enum show_as as = AS_TEXT;
	struct cli_keyring ring;
	bool blocks = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return cli_usage(argv[0], "unknown option");
		if (c == 'a')
			blocks = true;
		else
			as = c == 'j' ? AS_JSON : AS_YAML;
	}
	if (blocks && as != AS_YAML)
		return cli_usage(argv[0], "--authentication is for --yaml");
	status = cli_operands(argc, argv, optind, 1, 1);
	if (status != CLI_DONE)
		return status;
	status = cli_keyring_open(&ring);
	if (status == CLI_DONE)
		status = show_file(&ring, argv[optind], as, blocks);
	cli_keyring_close(&ring);
	return status;
}
