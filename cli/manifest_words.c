/*
 * The walk over command sequences that tells what they do. It judges nothing:
 * core does that when a manifest runs. It recurses at most WORDS_DEPTH deep.
 */
#include "manifest_words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diag/component.h"
#include "diag/diag.h"
#include "form/form.h"
#include "keyring.h"
#include "manifest.h"
#include "version.h"

enum { WORDS_DEPTH = 16, WORDS_MAX = 128, NAMES_SHOWN = 4 };

/* What commands refer to, of one component. */
struct set {
	struct pst_bytes uri, source, content, info, version, wait;
};

struct words {
	const struct pst_suit_manifest *m;
	struct set set[WORDS_MAX];
	bool current[WORDS_MAX];
	size_t count; /* of component indices */
	unsigned int depth;
};

/* --- small ones ----------------------------------------------------------- */

json_t *
cli_words_hex(struct pst_bytes b)
{
	char text[2 * 256 + 1];

	if (b.len > 256)
		b.len = 256;
	cli_hex_text(b.ptr, b.len, text);
	return json_string(text);
}

json_t *
cli_words_alg(int64_t alg)
{
	const char *name = alg >= INT32_MIN && alg <= INT32_MAX
	    ? pst_alg_name((int32_t)alg)
	    : NULL;

	if (alg == PST_ALG_SHA256)
		name = "SHA-256";
	if (name != NULL)
		return json_string(name);
	return json_sprintf("%lld", (long long)alg);
}

json_t *
cli_words_component(struct pst_bytes id)
{
	char out[PST_COMPONENT_TEXT_MAX];

	if (id.len == 0 || pst_component_print(id, out, sizeof(out)) != PST_OK)
		return NULL;
	return json_string(out);
}

/* Text that somebody else wrote, and that may be no UTF-8. */
static char *
safe(struct pst_bytes text)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	if (f == NULL)
		return NULL;
	pst_print_safe(f, text);
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}

static void
component_name(const struct words *w, size_t i, struct form_text *t)
{
	char out[PST_COMPONENT_TEXT_MAX];
	struct pst_bytes id = pst_suit_component(w->m, i);

	if (id.len > 0 && pst_component_print(id, out, sizeof(out)) == PST_OK)
		form_put(t, "%s", out);
	else if (pst_suit_dependency(w->m, i))
		form_put(t, "dependency %zu", i);
	else
		form_put(t, "component %zu", i);
}

static size_t
selected(const struct words *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->count; i++)
		n += w->current[i];
	return n;
}

/* The components that a command is about. */
static void
put_names(const struct words *w, struct form_text *t)
{
	size_t i, n = selected(w), shown = 0;

	if (n == w->count && n > 1) {
		form_put(t, "every component");
		return;
	}
	if (n == 0)
		form_put(t, "no component");
	for (i = 0; i < w->count && shown < NAMES_SHOWN; i++) {
		if (!w->current[i])
			continue;
		if (shown > 0)
			form_put(t, ", ");
		component_name(w, i, t);
		shown++;
	}
	if (shown < n)
		form_put(t, " and %zu more", n - shown);
}

static const struct set *
first(const struct words *w)
{
	static const struct set none;
	size_t i;

	for (i = 0; i < w->count; i++) {
		if (w->current[i])
			return &w->set[i];
	}
	return &none;
}

/* --- parameters --------------------------------------------------------------
 */

static struct pst_bytes *
slot_of(struct set *s, int64_t label)
{
	switch (label) {
	case PST_SUIT_PARAM_URI:
		return &s->uri;
	case PST_SUIT_PARAM_SOURCE_COMPONENT:
		return &s->source;
	case PST_SUIT_PARAM_CONTENT:
		return &s->content;
	case PST_SUIT_PARAM_ENCRYPTION_INFO:
		return &s->info;
	case PST_SUIT_PARAM_VERSION:
		return &s->version;
	case PST_SUIT_PARAM_WAIT_INFO:
		return &s->wait;
	default:
		return NULL;
	}
}

static void
remember(struct words *w, int64_t label, struct pst_bytes value)
{
	struct pst_bytes *slot;
	size_t i;

	for (i = 0; i < w->count; i++) {
		slot = w->current[i] ? slot_of(&w->set[i], label) : NULL;
		if (slot != NULL)
			*slot = value;
	}
}

/* A value as its form has it, on one line; or how long it is. */
static void
put_value(struct form_text *t, const struct form *f, struct pst_bytes item)
{
	struct form_decoder d = { .depth = 0 };
	struct pst_bytes line;

	if (form_try(&d, "", item, f, 0) && !d.out.failed && d.out.len < 160 &&
	    memchr(d.out.ptr, '\n', d.out.len - 1) == NULL)
		line = (struct pst_bytes){ (const uint8_t *)d.out.ptr + 2,
			d.out.len - 3 };
	else
		line = (struct pst_bytes){ NULL, 0 };
	if (line.len > 0)
		form_put(t, "%.*s", (int)line.len, (const char *)line.ptr);
	else
		form_put(t, "(%zu bytes)", item.len);
	free(d.out.ptr);
}

static void
parameters(struct words *w, struct pst_bytes map, struct form_text *t)
{
	const struct form_field *f;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_bytes value;
	const char *comma = "";
	int64_t label;
	size_t n;

	pst_cbor_reader_init(&r, map);
	n = pst_cbor_map(&r, WORDS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &seen);
		value = pst_cbor_item(&r);
		if (!pst_cbor_ok(&r))
			return;
		remember(w, label, value);
		f = form_by_label(&form_parameters, label);
		if (f != NULL)
			form_put(t, "%s%s = ", comma, f->name);
		else
			form_put(
			    t, "%sparameter %lld = ", comma, (long long)label);
		put_value(t, f != NULL ? f->form : &form_any, value);
		comma = ", ";
	}
}

/* --- commands
 * ------------------------------------------------------------------ */

static const struct {
	int64_t label;
	const char *before; /* the components */
} phrases[] = {
	{ PST_SUIT_COND_VENDOR, "check that the device is of the vendor, for" },
	{ PST_SUIT_COND_CLASS, "check that the device is of the class, for" },
	{ PST_SUIT_COND_DEVICE, "check that it is this device, for" },
	{ PST_SUIT_COND_IMAGE_MATCH, "verify the digest of" },
	{ PST_SUIT_COND_IMAGE_NOT_MATCH,
	    "go on only with another content than image-digest in" },
	{ PST_SUIT_COND_USE_BEFORE, "check the time, for" },
	{ PST_SUIT_COND_COMPONENT_SLOT, "check the current slot of" },
	{ PST_SUIT_COND_CHECK_CONTENT, "compare content with" },
	{ PST_SUIT_COND_DEPENDENCY_INTEGRITY,
	    "verify digest and signature of the dependency" },
	{ PST_SUIT_COND_IS_DEPENDENCY, "go on only with a dependency:" },
	{ PST_SUIT_DIR_PROCESS_DEPENDENCY,
	    "run the same section of the dependency" },
	{ PST_SUIT_COND_ABORT, "give up, for" },
	{ PST_SUIT_DIR_INVOKE, "start" },
	{ PST_SUIT_COND_MINIMUM_BATTERY, "check the battery, for" },
	{ PST_SUIT_COND_UPDATE_AUTHORIZED, "ask whether it may go on, for" },
	{ PST_SUIT_DIR_UNLINK, "remove" },
};

static const char *
phrase(int64_t label)
{
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].label == label)
			return phrases[i].before;
	}
	return NULL;
}

static void
put_source(const struct words *w, struct form_text *t)
{
	struct pst_cbor_reader r;
	uint64_t i;

	pst_cbor_reader_init(&r, first(w)->source);
	i = pst_cbor_uint(&r, WORDS_MAX);
	if (pst_cbor_ok(&r))
		component_name(w, (size_t)i, t);
	else
		form_put(t, "what source-component says");
}

static void
put_uri(const struct words *w, struct form_text *t)
{
	struct pst_cbor_reader r;
	struct pst_bytes uri, payload;
	char *text;

	pst_cbor_reader_init(&r, first(w)->uri);
	uri = pst_cbor_tstr(&r, 0, SIZE_MAX);
	text = safe(uri);
	form_put(
	    t, "%s", !pst_cbor_ok(&r) || text == NULL ? "what uri says" : text);
	if (pst_cbor_ok(&r) &&
	    pst_suit_integrated(&w->m->envelope, uri, &payload))
		form_put(t, " (in the envelope)");
	free(text);
}

static void
put_content(const struct words *w, struct form_text *t)
{
	struct pst_cbor_reader r;
	size_t n;

	pst_cbor_reader_init(&r, first(w)->content);
	n = pst_cbor_bstr(&r, 0, SIZE_MAX).len;
	if (pst_cbor_ok(&r))
		form_put(t, "%zu bytes of content", n);
	else
		form_put(t, "what content says");
}

static const char *
decrypts(const struct words *w)
{
	return first(w)->info.len > 0 ? " and decrypt" : "";
}

/* Commands whose sentence is not only about their components. */
static bool
special(const struct words *w, int64_t label, struct form_text *t)
{
	switch (label) {
	case PST_SUIT_DIR_FETCH:
		form_put(t, "fetch%s ", decrypts(w));
		put_uri(w, t);
		form_put(t, " into ");
		break;
	case PST_SUIT_DIR_WRITE:
		form_put(t, "write%s ", decrypts(w));
		put_content(w, t);
		form_put(t, " into ");
		break;
	case PST_SUIT_DIR_COPY:
		form_put(t, "copy%s ", decrypts(w));
		put_source(w, t);
		form_put(t, " into ");
		break;
	case PST_SUIT_DIR_SWAP:
		form_put(t, "exchange ");
		put_source(w, t);
		form_put(t, " and ");
		break;
	case PST_SUIT_COND_VERSION:
		form_put(t, "check that the installed version is ");
		put_value(t, form_by_label(&form_parameters, 28)->form,
		    first(w)->version);
		form_put(t, ", of ");
		break;
	case PST_SUIT_DIR_WAIT:
		form_put(t, "wait for the events that are set, for ");
		break;
	default:
		return false;
	}
	put_names(w, t);
	return true;
}

/* --- the walk
 * --------------------------------------------------------------------- */

static json_t *
step(struct form_text *t, json_t *inner)
{
	json_t *text = json_stringn(t->ptr != NULL ? t->ptr : "", t->len);
	json_t *out = json_object();

	(void)json_object_set_new(
	    out, "text", text != NULL ? text : json_string("?"));
	if (inner != NULL)
		(void)json_object_set_new(out, "steps", inner);
	free(t->ptr);
	*t = (struct form_text){ NULL, 0, 0, false };
	return out;
}

static void
select_index(struct words *w, struct pst_bytes argument)
{
	struct pst_cbor_reader r;
	size_t i, n = 1;
	uint64_t index;

	pst_cbor_reader_init(&r, argument);
	for (i = 0; i < WORDS_MAX; i++)
		w->current[i] = false;
	if (pst_cbor_peek(&r) == PST_CBOR_SIMPLE) {
		for (i = 0; i < w->count; i++)
			w->current[i] = true;
		return;
	}
	if (pst_cbor_peek(&r) == PST_CBOR_ARRAY)
		n = pst_cbor_array(&r, 0, WORDS_MAX);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		index = pst_cbor_uint(&r, WORDS_MAX - 1);
		if (pst_cbor_ok(&r) && index < w->count)
			w->current[index] = true;
	}
}

static json_t *sequence(struct words *w, struct pst_bytes code);

static struct pst_bytes
inside(struct pst_bytes bstr)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, bstr);
	return pst_cbor_bstr(&r, 0, SIZE_MAX);
}

/* What a nested sequence selects and sets stays in it, for the words. */
static json_t *
nested(struct words *w, struct pst_bytes bstr)
{
	struct words *copy;
	json_t *out;

	if (w->depth == WORDS_DEPTH)
		return json_array();
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return json_array();
	*copy = *w;
	copy->depth++;
	out = sequence(copy, inside(bstr));
	free(copy);
	return out;
}

static json_t *
alternatives(struct words *w, struct pst_bytes argument)
{
	struct form_text t = { NULL, 0, 0, false };
	json_t *out = json_array();
	struct pst_cbor_reader r;
	struct pst_bytes one;
	size_t i, n;

	pst_cbor_reader_init(&r, argument);
	n = pst_cbor_array(&r, 0, PST_SUIT_COMMANDS_MAX);
	for (i = 0; i < n && pst_cbor_ok(&r); i++) {
		one = pst_cbor_item(&r);
		if (one.len == 1 && one.ptr[0] == 0xf6) {
			form_put(&t, "or nothing");
			(void)json_array_append_new(out, step(&t, NULL));
			continue;
		}
		form_put(&t, i == 0 ? "either" : "or");
		(void)json_array_append_new(out, step(&t, nested(w, one)));
	}
	return out;
}

/* override-multiple: parameters of several components */
static json_t *
each_component(struct words *w, struct pst_bytes argument)
{
	struct form_text t = { NULL, 0, 0, false };
	json_t *out = json_array();
	struct pst_cbor_reader r;
	struct pst_bytes index;
	size_t n;
	struct pst_cbor_seen seen;

	pst_cbor_reader_init(&r, argument);
	n = pst_cbor_map(&r, WORDS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		index = pst_cbor_item(&r);
		select_index(w, index);
		form_put(&t, "for ");
		put_names(w, &t);
		form_put(&t, ": ");
		parameters(w, pst_cbor_item(&r), &t);
		(void)json_array_append_new(out, step(&t, NULL));
	}
	return out;
}

/* One command; NULL where it is told with what follows. */
static json_t *
command(struct words *w, int64_t label, struct pst_bytes argument)
{
	struct form_text t = { NULL, 0, 0, false };
	const char *before = phrase(label);
	json_t *inner = NULL;

	switch (label) {
	case PST_SUIT_DIR_SET_COMPONENT_INDEX:
		select_index(w, argument);
		return NULL;
	case PST_SUIT_DIR_SET_PARAMETERS:
	case PST_SUIT_DIR_OVERRIDE_PARAMETERS:
		form_put(&t,
		    label == PST_SUIT_DIR_SET_PARAMETERS
			? "set, unless it is set, for "
			: "set for ");
		put_names(w, &t);
		form_put(&t, ": ");
		parameters(w, argument, &t);
		break;
	case PST_SUIT_DIR_OVERRIDE_MULTIPLE:
		form_put(&t, "set");
		inner = each_component(w, argument);
		break;
	case PST_SUIT_DIR_TRY_EACH:
		form_put(&t, "do the first of these that succeeds");
		inner = alternatives(w, argument);
		break;
	case PST_SUIT_DIR_RUN_SEQUENCE:
		form_put(&t, "do, for ");
		put_names(w, &t);
		inner = nested(w, argument);
		break;
	case PST_SUIT_DIR_COPY_PARAMS:
		form_put(&t, "take over parameters of other components");
		break;
	default:
		if (special(w, label, &t))
			break;
		if (before != NULL) {
			form_put(&t, "%s ", before);
			put_names(w, &t);
		} else {
			form_put(&t, "command %lld, which has no name here",
			    (long long)label);
		}
	}
	return step(&t, inner);
}

static json_t *
sequence(struct words *w, struct pst_bytes code)
{
	struct form_text t = { NULL, 0, 0, false };
	json_t *out = json_array();
	struct pst_cbor_reader r;
	struct pst_bytes argument;
	int64_t label;
	json_t *one;
	size_t n;

	pst_cbor_reader_init(&r, code);
	n = pst_cbor_array(&r, 0, 2 * PST_SUIT_COMMANDS_MAX);
	for (; n >= 2 && pst_cbor_ok(&r); n -= 2) {
		label = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
		argument = pst_cbor_item(&r);
		one = pst_cbor_ok(&r) ? command(w, label, argument) : NULL;
		if (one != NULL)
			(void)json_array_append_new(out, one);
	}
	if (n != 0 || pst_cbor_end(&r) != PST_OK) {
		form_put(&t, "something that is no command sequence");
		(void)json_array_append_new(out, step(&t, NULL));
	}
	return out;
}

/* Section 6.4: component 0 at first. */
static void
begin(struct words *w)
{
	size_t i;

	for (i = 0; i < WORDS_MAX; i++)
		w->current[i] = i == 0;
}

static void
section(struct words *w, const char *name, struct pst_bytes code, json_t *out)
{
	json_t *one;

	if (code.len == 0)
		return;
	begin(w);
	one = json_object();
	(void)json_object_set_new(one, "section", json_string(name));
	(void)json_object_set_new(one, "steps", sequence(w, code));
	(void)json_array_append_new(out, one);
}

json_t *
cli_words_steps(const struct pst_suit_manifest *m)
{
	static const enum pst_suit_label order[] = {
		PST_SUIT_DEPENDENCY_RESOLUTION, PST_SUIT_PAYLOAD_FETCH,
		PST_SUIT_CANDIDATE_VERIFICATION, PST_SUIT_INSTALL,
		PST_SUIT_VALIDATE, PST_SUIT_LOAD, PST_SUIT_INVOKE,
		PST_SUIT_UNINSTALL
	};
	struct words *w = calloc(1, sizeof(*w));
	json_t *out = json_array();
	size_t i;

	if (w == NULL)
		return out;
	w->m = m;
	w->count = m->index_count < WORDS_MAX ? m->index_count : WORDS_MAX;
	section(w, "shared-sequence", m->shared_sequence, out);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		section(w, cli_section_name((int)order[i]),
		    pst_suit_section(m, order[i]), out);
	free(w);
	return out;
}

/* --- encryption
 * -------------------------------------------------------------------- */

/* alg and kid of a layer, from either bucket. */
static void
header_map(struct pst_bytes map, json_t *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct pst_bytes kid;
	int64_t label, alg;
	size_t n;

	pst_cbor_reader_init(&r, map);
	n = map.len > 0 ? pst_cbor_map(&r, 64, &seen) : 0;
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &seen);
		if (label == 1 &&
		    (pst_cbor_peek(&r) == PST_CBOR_UINT ||
			pst_cbor_peek(&r) == PST_CBOR_NINT)) {
			alg = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
			if (pst_cbor_ok(&r))
				(void)json_object_set_new(
				    out, "alg", cli_words_alg(alg));
		} else if (label == 4 && pst_cbor_peek(&r) == PST_CBOR_BSTR) {
			kid = pst_cbor_bstr(&r, 0, SIZE_MAX);
			(void)json_object_set_new(
			    out, "kid", cli_words_hex(kid));
		} else {
			pst_cbor_skip(&r);
		}
	}
}

static json_t *
recipient(struct pst_bytes item)
{
	json_t *out = json_object();
	struct pst_cbor_reader r;
	struct pst_bytes protected, unprotected;

	pst_cbor_reader_init(&r, item);
	(void)pst_cbor_array(&r, 3, 4);
	protected = pst_cbor_bstr(&r, 0, SIZE_MAX);
	unprotected = pst_cbor_item(&r);
	if (!pst_cbor_ok(&r))
		return out;
	header_map(protected, out);
	header_map(unprotected, out);
	return out;
}

struct encryption {
	const struct pst_suit_manifest *m;
	json_t *out;
};

static enum pst_err
info(void *ctx, enum pst_suit_label label, uint32_t component,
    enum pst_suit_parameter parameter, struct pst_bytes value)
{
	struct encryption *e = ctx;
	struct pst_cose_sealed sealed;
	struct pst_bytes item;
	json_t *one, *list, *name;

	(void)label;
	if (parameter != PST_SUIT_PARAM_ENCRYPTION_INFO)
		return PST_OK;
	one = json_object();
	list = json_array();
	name = cli_words_component(pst_suit_component(e->m, component));
	if (name != NULL)
		(void)json_object_set_new(one, "component", name);
	if (pst_cose_sealed_parse(inside(value), &sealed, NULL) == PST_OK) {
		header_map(sealed.protected, one);
		header_map(sealed.unprotected, one);
		while (pst_list_next(&sealed.recipients, &item))
			(void)json_array_append_new(list, recipient(item));
	}
	(void)json_object_set_new(one, "recipients", list);
	(void)json_array_append_new(e->out, one);
	return PST_OK;
}

json_t *
cli_words_encryption(const struct pst_suit_manifest *m)
{
	struct encryption e = { m, json_array() };
	struct pst_suit_images images;

	/* As far as the sequences are understood. */
	(void)!pst_suit_manifest_images(m, info, &e, &images);
	return e.out;
}
