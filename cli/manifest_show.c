/*
 * postern manifest show: what an envelope is about, for a person or as JSON.
 * The summary is made once, as JSON; the text is that, told otherwise
 * (cli/manifest_tell.c).
 */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "diag/component.h"
#include "diag/diag.h"
#include "manifest.h"
#include "manifest_words.h"
#include "version.h"

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
digest(const struct pst_suit_digest *d)
{
	json_t *out = json_object();

	put(out, "alg", cli_words_alg(d->alg));
	put(out, "bytes", cli_words_hex(d->bytes));
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
			put(one, "alg", cli_words_alg(h.alg));
			if (h.kid.len > 0)
				put(one, "kid", cli_words_hex(h.kid));
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
	json_t *out = json_array();
	size_t i;
	json_t *c;

	/* Dependencies that are not among the components come after them. */
	for (i = 0; i < m->index_count; i++)
		(void)json_array_append_new(out, json_object());
	json_array_foreach(out, i, c)
	{
		put(c, "component",
		    cli_words_component(pst_suit_component(m, i)));
		if (pst_suit_dependency(m, i))
			put(c, "dependency", json_true());
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
	json_t *name = cli_words_component(id);
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

/* --- who signed it, and what is odd about it -------------------------------
 */

/* The keys of the ring by which it is signed, one after the other. */
static json_t *
signers(struct cli_keyring *ring, const struct pst_suit_envelope *env)
{
	json_t *out = json_array();
	struct pst_suit_manifest m;
	size_t i;

	for (i = 0; i < ring->count; i++) {
		ring->only = &ring->key[i];
		if (pst_suit_authenticate(
			env, ring->crypto, &ring->keys, &m, NULL) == PST_OK)
			(void)json_array_append_new(
			    out, json_string(ring->key[i].path));
	}
	ring->only = NULL;
	return out;
}

static void
warn(json_t *to, const char *text)
{
	(void)json_array_append_new(to, json_string(text));
}

static void
warn_of_components(const struct pst_suit_manifest *m,
    const struct pst_suit_images *images, json_t *to)
{
	char id[PST_COMPONENT_TEXT_MAX];
	size_t i;

	for (i = 0; i < m->components.count; i++) {
		if (!pst_suit_has(images->written, i) ||
		    pst_suit_has(images->verified, i) ||
		    pst_component_print(
			pst_suit_component(m, i), id, sizeof(id)) != PST_OK)
			continue;
		(void)json_array_append_new(to,
		    json_sprintf("%s is written and nothing verifies it", id));
	}
}

static void
warn_of_payloads(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, json_t *to)
{
	struct pst_bytes name;
	enum pst_err err = pst_suit_integrated_check(m, crypto, &name);

	if (err == PST_ERR_SUIT_DIGEST)
		warn(to, "a payload in the envelope is not what was signed");
	if (err == PST_ERR_SUIT_STRUCTURE && name.ptr != NULL)
		warn(to, "the envelope has a payload that no command fetches");
}

/* Why a device, or its owner, may not like it. */
static json_t *
warnings(struct cli_keyring *ring, const struct pst_suit_manifest *m)
{
	struct pst_suit_images images;
	json_t *out = json_array();
	enum pst_err err;

	if (m->envelope.blocks.count == 0)
		warn(out, "it is not signed: see postern manifest sign");
	if (m->sequence == 0)
		warn(out, "its sequence number is 0: it supersedes nothing");
	if (m->component_id.len == 0)
		warn(out,
		    "it has no identifier of its own: a TEEP agent "
		    "refuses it, for it could not be removed");
	if (m->severed != 0)
		warn(out,
		    "a section was severed and is not here: what it "
		    "does is not told");
	if (!(m->sections & 1u << PST_SUIT_UNINSTALL))
		warn(out,
		    "it has no uninstall section: what it installs "
		    "stays");
	err = pst_suit_manifest_images(m, NULL, NULL, &images);
	if (err == PST_OK) {
		warn_of_components(m, &images, out);
		warn_of_payloads(m, ring->crypto, out);
	} else if (err != PST_ERR_SUIT_SEVERED) {
		(void)json_array_append_new(out,
		    json_sprintf("a device refuses it: %s", pst_err_name(err)));
	}
	return out;
}

static json_t *
summary(struct cli_keyring *ring, const struct pst_suit_manifest *m)
{
	json_t *out = json_object();
	json_t *list = components(m);
	char version[CLI_VERSION_TEXT_MAX];

	put(out, "manifest", cli_words_component(m->component_id));
	put(out, "sequence",
	    m->sequence <= INT64_MAX
		? json_integer((json_int_t)m->sequence)
		: json_sprintf("%llu", (unsigned long long)m->sequence));
	cli_version_print(pst_suit_set_version(m), version);
	if (version[0] != '\0')
		put(out, "set-version", json_string(version));
	put(out, "digest", digest(&m->digest));
	if (m->reference_uri.len > 0)
		put(out, "reference-uri", text(m->reference_uri));
	put(out, "bytes",
	    json_integer((
		json_int_t)(m->envelope.members_at + m->envelope.members.len)));
	put(out, "manifest-bytes",
	    json_integer((json_int_t)m->envelope.manifest_bstr.len));
	texts(m, out, list);
	put(out, "components", list);
	put(out, "sections", sections(m->sections));
	put(out, "severed", sections(m->severed));
	put(out, "integrated", integrated(&m->envelope));
	put(out, "signatures", signatures(&m->envelope));
	if (ring->count > 0)
		put(out, "signed-by", signers(ring, &m->envelope));
	put(out, "does", cli_words_steps(m));
	put(out, "encryption", cli_words_encryption(m));
	put(out, "warnings", warnings(ring, m));
	return out;
}

int
cli_manifest_summary(struct cli_keyring *ring,
    const struct pst_suit_manifest *m, FILE *f, bool json)
{
	json_t *out = summary(ring, m);
	bool foreign = ring->count > 0 &&
	    json_array_size(json_object_get(out, "signed-by")) == 0;

	if (json) {
		(void)json_dumpf(out, f, JSON_COMPACT | JSON_ENSURE_ASCII);
		fputc('\n', f);
	} else {
		cli_manifest_tell(out, f);
	}
	json_decref(out);
	return foreign ? CLI_REFUSED : CLI_DONE;
}

enum show_as { AS_TEXT, AS_JSON, AS_YAML };

static int
show_file(struct cli_keyring *ring, const char *path, enum show_as as,
    bool blocks, const char *payloads)
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
		status = cli_manifest_yaml(path, cli_bytes(&file), &env,
		    ring->crypto, blocks, payloads, stdout);
	} else {
		err = pst_suit_accept(&env, ring->crypto, &m, &at);
		if (err != PST_OK)
			status = cli_fail(
			    "%s: %s at byte %zu", path, pst_err_name(err), at);
		else
			status = cli_manifest_summary(
			    ring, &m, stdout, as == AS_JSON);
		if (err == PST_OK && status != CLI_DONE)
			(void)cli_fail("%s: none of the keys signed it", path);
	}
	cli_file_free(&file);
	return status;
}

int
cli_manifest_show(int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "yaml", no_argument, NULL, 'y' },
		{ "authentication", no_argument, NULL, 'a' },
		{ "payloads", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	enum show_as as = AS_TEXT;
	struct cli_keyring ring;
	const char *payloads = NULL;
	bool blocks = false;
	int status = cli_keyring_open(&ring);
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1) {
		if (c == '?')
			status = cli_usage(argv[0], "unknown option");
		else if (c == 'k')
			status = cli_keyring_add(&ring, optarg);
		else if (c == 'a')
			blocks = true;
		else if (c == 'p')
			payloads = optarg;
		else if (as != AS_TEXT && as != (c == 'j' ? AS_JSON : AS_YAML))
			status = cli_usage(argv[0], "either --json or --yaml");
		else
			as = c == 'j' ? AS_JSON : AS_YAML;
	}
	if (status == CLI_DONE && (blocks || payloads != NULL) && as != AS_YAML)
		status = cli_usage(
		    argv[0], "--authentication and --payloads are for --yaml");
	if (status == CLI_DONE)
		status = cli_operands(argc, argv, optind, 1, 1);
	if (status == CLI_DONE)
		status = show_file(&ring, argv[optind], as, blocks, payloads);
	cli_keyring_close(&ring);
	return status;
}
