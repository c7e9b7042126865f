/*
 * postern manifest show --yaml: an envelope as the file that it could have
 * been made from. Whatever is written here is read again and encoded before
 * it is shown; when that does not give the same bytes a plainer form is
 * tried: the manifest as bytes, then the whole envelope in notation.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "form/form.h"
#include "manifest.h"
#include "manifest_source.h"

enum level { LEVEL_NAMES, LEVEL_MANIFEST, LEVEL_ENVELOPE, LEVELS };

struct yaml {
	const struct pst_suit_envelope *env;
	struct pst_bytes in; /* the whole envelope */
	const struct pst_crypto *crypto;
	bool authentication;
	const char *payloads; /* a directory for them; or NULL */
	size_t payload_count;
	bool failed; /* and said why */
	struct form_decoder d;
	int32_t digest_alg;
	uint32_t severable; /* bit n: section n is in the envelope */
};

static struct pst_bytes
content(struct pst_bytes bstr)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, bstr);
	return pst_cbor_bstr(&r, 0, SIZE_MAX);
}

/* The value of a key in the envelope; false when there is none. */
static bool
member(const struct yaml *y, struct pst_bytes key, struct pst_bytes *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes k;
	size_t n = y->env->member_count;

	pst_cbor_reader_init(&r, y->env->members);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		k = pst_cbor_item(&r);
		*out = pst_cbor_item(&r);
		if (pst_cbor_ok(&r) && k.len == key.len &&
		    memcmp(k.ptr, key.ptr, k.len) == 0)
			return true;
	}
	return false;
}

/* Is this the digest of the section that the envelope has under the key? */
static bool
is_severed(const struct yaml *y, struct pst_bytes key, struct pst_bytes value,
    struct pst_bytes *section)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest said, found;
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, value);
	said = pst_suit_digest_read(&r);
	return pst_cbor_end(&r) == PST_OK && said.alg == y->digest_alg &&
	    member(y, key, section) &&
	    pst_suit_digest_of(y->crypto, said.alg, *section, out, &found) ==
	    PST_OK &&
	    pst_equal(said.bytes, found.bytes);
}

/* --- the manifest -----------------------------------------------------------
 */

/* suit-common's members stand at the top when they are all known. */
static bool
common(struct yaml *y, struct pst_bytes value)
{
	static const struct form ids = { FORM_LIST, .inner = &form_id };
	struct pst_cbor_seen seen;
	struct pst_cbor_reader r, inner;
	struct pst_bytes item;
	int64_t label, last = 0;
	size_t n;

	pst_cbor_reader_init(&r, content(value));
	n = pst_cbor_map(&r, 3, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &seen);
		item = pst_cbor_item(&r);
		if (!pst_cbor_ok(&r) || label <= last)
			return false;
		last = label;
		if (label == PST_SUIT_COMPONENTS) {
			pst_cbor_reader_init(&inner, item);
			y->d.ids = pst_cbor_list(&inner, 0, SIZE_MAX);
			if (!form_try(&y->d, "components", item, &ids, 0))
				return false;
		} else if (label == PST_SUIT_DEPENDENCIES) {
			form_write(
			    &y->d, "dependencies", item, &form_dependencies, 0);
		} else if (label == PST_SUIT_SHARED_SEQUENCE) {
			form_write(
			    &y->d, "shared-sequence", item, &form_sequence, 0);
		} else {
			return false;
		}
	}
	return pst_cbor_end(&r) == PST_OK && (seen.small & 1u << 2) != 0;
}

static void
put_common(struct yaml *y, struct pst_bytes value)
{
	size_t mark = y->d.out.len;

	if (common(y, value))
		return;
	y->d.out.len = mark;
	form_write(&y->d, "common", value, &form_common, 0);
}

static bool
manifest_pair(struct yaml *y, struct pst_bytes key, struct pst_bytes value)
{
	static const struct form integer = { .kind = FORM_INT };
	const struct form_field *f = NULL;
	const struct form *form = &form_any;
	struct pst_bytes section;
	struct pst_cbor_reader r;
	int64_t label;
	char *name;

	pst_cbor_reader_init(&r, key);
	label = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
	if (pst_cbor_end(&r) == PST_OK && label < SOURCE_COMPONENT)
		f = form_by_label(&form_source, label);
	if (label == PST_SUIT_VERSION && value.len == 1 && value.ptr[0] == 1)
		return true;
	if (f != NULL && label == PST_SUIT_COMMON) {
		put_common(y, value);
		return true;
	}
	if (is_severed(y, key, value, &section)) {
		y->severable |=
		    label >= 0 && label < 32 ? (uint32_t)1 << label : 0;
		value = section;
	}
	if (f != NULL)
		form = f->form->kind == FORM_FLAG_OR ? f->form->inner : f->form;
	name = f != NULL ? strdup(f->name) : form_scalar_text(&integer, key);
	if (name == NULL)
		return false;
	form_write(&y->d, name, value, form, 0);
	free(name);
	return true;
}

static bool
manifest(struct yaml *y)
{
	struct pst_bytes key, value;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, content(y->env->manifest_bstr));
	n = pst_cbor_map(&r, 100, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		key = pst_cbor_item(&r);
		value = pst_cbor_item(&r);
		if (!pst_cbor_ok(&r) || !manifest_pair(y, key, value))
			return false;
	}
	return pst_cbor_end(&r) == PST_OK;
}

static void
put_severable(struct yaml *y)
{
	const char *comma = "";
	size_t i;

	if (y->severable == 0)
		return;
	form_put(&y->d.out, "severable: [");
	for (i = 0; i < form_severable.count; i++) {
		if ((y->severable >> form_severable.fields[i].label & 1) == 0)
			continue;
		form_put(
		    &y->d.out, "%s%s", comma, form_severable.fields[i].name);
		comma = ", ";
	}
	form_put(&y->d.out, "]\n");
}

/* --- what is around it -------------------------------------------------------
 */

/* Write a payload to a file of its own, named after it as far as a file may
 * be, and put {file: PATH}. */
static void
put_file(struct yaml *y, struct pst_bytes name, struct pst_bytes payload)
{
	char safe[65], *path = NULL;
	struct pst_bytes text;
	size_t i;

	for (i = 0; i < name.len && i + 1 < sizeof(safe); i++)
		safe[i] = isalnum(name.ptr[i]) || name.ptr[i] == '.' ||
			name.ptr[i] == '-'
		    ? (char)name.ptr[i]
		    : '_';
	safe[i] = '\0';
	if (asprintf(
		&path, "%s/%zu-%s", y->payloads, y->payload_count++, safe) < 0)
		path = NULL;
	text.ptr = (const uint8_t *)path;
	text.len = path != NULL ? strlen(path) : 0;
	if (path == NULL || !pst_utf8_valid(text)) {
		(void)cli_fail("%s: not a path for a source", y->payloads);
		y->failed = true;
	} else if (cli_write(path, payload, 0644) != CLI_DONE) {
		y->failed = true;
	} else {
		form_put(&y->d.out, "{file: ");
		form_put_quoted(&y->d.out, text);
		form_put(&y->d.out, "}");
	}
	free(path);
}

static void
put_named(
    struct yaml *y, struct pst_bytes key, struct pst_bytes value, bool *begun)
{
	struct pst_cbor_reader r;
	struct pst_bytes name;

	pst_cbor_reader_init(&r, key);
	name = pst_cbor_tstr(&r, 0, SIZE_MAX);
	if (!*begun)
		form_put(&y->d.out, "integrated:\n");
	*begun = true;
	form_put(&y->d.out, "  ");
	form_put_quoted(&y->d.out, name);
	form_put(&y->d.out, ": ");
	if (y->payloads != NULL)
		put_file(y, name, content(value));
	else
		form_put_bytes(&y->d.out, content(value));
	form_put(&y->d.out, "\n");
}

/* Members that the manifest does not name by their digest. */
static void
put_stranger(struct yaml *y, int64_t label, struct pst_bytes value, bool *begun)
{
	char name[24];

	if (!*begun)
		form_put(&y->d.out, "envelope:\n");
	*begun = true;
	snprintf(name, sizeof(name), "%lld", (long long)label);
	form_write(&y->d, name, value, &form_any, 2);
}

static void
members(struct yaml *y, bool text)
{
	struct pst_bytes key, value;
	struct pst_cbor_reader r, k;
	bool begun = false;
	int64_t label;
	size_t i;

	pst_cbor_reader_init(&r, y->env->members);
	for (i = 0; i < y->env->member_count && pst_cbor_ok(&r); i++) {
		bool named = pst_cbor_peek(&r) == PST_CBOR_TSTR;

		key = pst_cbor_item(&r);
		value = pst_cbor_item(&r);
		if (named && text)
			put_named(y, key, value, &begun);
		if (named || text)
			continue;
		pst_cbor_reader_init(&k, key);
		label = pst_cbor_int(&k, 0, 31);
		if (label != PST_SUIT_AUTHENTICATION &&
		    label != PST_SUIT_MANIFEST &&
		    (y->severable >> label & 1) == 0)
			put_stranger(y, label, value, &begun);
	}
}

static void
authentication(struct yaml *y)
{
	struct pst_list blocks = y->env->blocks;
	struct form_text *t = &y->d.out;
	uint8_t out[PST_DIGEST_MAX];
	struct pst_suit_digest found;
	struct pst_bytes item;

	form_put(t, "authentication:\n");
	if (pst_suit_digest_of(y->crypto, y->env->digest.alg,
		y->env->manifest_bstr, out, &found) != PST_OK ||
	    !pst_equal(found.bytes, y->env->digest.bytes))
		form_write(
		    &y->d, "digest", y->env->digest_content, &form_digest, 2);
	form_put(t, blocks.count == 0 ? "  blocks: []\n" : "  blocks:\n");
	while (pst_list_next(&blocks, &item)) {
		form_put(t, "    - ");
		form_put_bytes(t, content(item));
		form_put(t, "\n");
	}
}

static bool
by_names(struct yaml *y, enum level level)
{
	y->digest_alg = y->env->digest.alg;
	y->severable = 0;
	y->payload_count = 0;
	y->d.ids = (struct pst_list){ { NULL, 0 }, 0 };
	if (y->digest_alg != PST_ALG_SHA256)
		form_put(&y->d.out, "digest-algorithm: %s\n",
		    form_by_label(&form_digest_alg, y->digest_alg)->name);
	if (y->in.ptr[0] >> 5 != PST_CBOR_TAG)
		form_put(&y->d.out, "tagged: false\n");
	if (level == LEVEL_NAMES && !manifest(y))
		return false;
	if (level == LEVEL_MANIFEST) {
		form_put(&y->d.out, "manifest: ");
		form_put_bytes(&y->d.out, content(y->env->manifest_bstr));
		form_put(&y->d.out, "\n");
	}
	put_severable(y);
	members(y, true);
	members(y, false);
	if (y->authentication)
		authentication(y);
	return true;
}

/* --- is it the same again?
 * ----------------------------------------------------- */

/* Every member but the authentication, which signatures are part of. */
static bool
same_members(const struct yaml *y, struct pst_bytes in)
{
	struct pst_suit_envelope again;
	struct pst_cbor_reader r, o;
	struct pst_bytes key, value, k, v;
	size_t i;

	if (pst_suit_envelope_decode(in, &again, NULL) != PST_OK ||
	    again.member_count != y->env->member_count)
		return false;
	pst_cbor_reader_init(&r, y->env->members);
	pst_cbor_reader_init(&o, again.members);
	for (i = 0; i < again.member_count; i++) {
		key = pst_cbor_item(&r);
		value = pst_cbor_item(&r);
		k = pst_cbor_item(&o);
		v = pst_cbor_item(&o);
		if (!pst_equal(key, k) ||
		    (!(key.len == 1 && key.ptr[0] == PST_SUIT_AUTHENTICATION) &&
			!pst_equal(value, v)))
			return false;
	}
	return true;
}

static bool
same_again(const struct yaml *y)
{
	struct cli_source *s = calloc(1, sizeof(*s));
	struct cli_file out = { NULL, 0 };
	bool same = false;

	if (s == NULL)
		return false;
	s->yaml.quiet = true;
	/* From standard input, as it were: paths are not relative to it. */
	if (cli_source_parse(s, y->crypto, "-",
		(struct pst_bytes){ (const uint8_t *)y->d.out.ptr,
		    y->d.out.len }) == CLI_DONE &&
	    cli_source_encode(s, y->crypto, &out) == CLI_DONE)
		same = y->authentication ? pst_equal(cli_bytes(&out), y->in)
					 : same_members(y, cli_bytes(&out));
	cli_file_free(&out);
	cli_source_close(s);
	free(s);
	return same;
}

int
cli_manifest_yaml(const char *path, struct pst_bytes in,
    const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    bool blocks, const char *payloads, FILE *f)
{
	struct yaml y = { .env = env,
		.in = in,
		.crypto = crypto,
		.payloads = payloads,
		.authentication = blocks };
	int level, status = CLI_REFUSED;
	bool ok;

	for (level = 0; level < LEVELS && status != CLI_DONE && !y.failed;
	     level++) {
		y.d.out.len = 0;
		if (level == LEVEL_ENVELOPE) {
			form_write(&y.d, "raw-envelope", in, &form_any, 0);
			ok = true;
		} else {
			ok = by_names(&y, (enum level)level);
		}
		if (ok && !y.d.out.failed && same_again(&y))
			status = CLI_DONE;
	}
	if (status == CLI_DONE)
		fwrite(y.d.out.ptr, 1, y.d.out.len, f);
	else if (!y.failed)
		(void)cli_fail("%s: no YAML gives this envelope again", path);
	free(y.d.out.ptr);
	return status;
}
