/*
 * What may be published. A manifest that a device could not install, update
 * or remove cleanly is refused here, where somebody reads the reason.
 */
#include "store_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Signer anchors that are tried. */
#define SIGNERS_MAX 256

struct signer {
	char name[PST_TAM_NAME_MAX + 1];
	struct pst_pubkey key;
	uint8_t thumbprint[PST_THUMBPRINT_LEN];
	struct pst_list prefixes; /* items are owned */
	uint8_t *bytes;
};

struct signers {
	const struct pst_crypto *crypto;
	struct signer list[SIGNERS_MAX];
	size_t count;
	enum pst_err err;
};

static enum pst_err no(char *note, enum pst_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum pst_err
no(char *note, enum pst_err err, const char *format, ...)
{
	va_list args;

	if (note == NULL)
		return err;
	va_start(args, format);
	(void)vsnprintf(note, PST_TAM_NOTE_MAX, format, args);
	va_end(args);
	return err;
}

/* --- the signers ------------------------------------------------------- */

static bool
add_signer(void *ctx, const struct pst_tam_anchor *row)
{
	struct signers *all = ctx;
	struct signer *s;

	if (row->kind != PST_TAM_SIGNER)
		return true;
	if (all->count == SIGNERS_MAX) {
		all->err = PST_ERR_LIMIT;
		return false;
	}
	s = &all->list[all->count];
	memset(s, 0, sizeof(*s));
	(void)snprintf(s->name, sizeof(s->name), "%s", row->name);
	s->key = row->key;
	s->bytes = malloc(row->prefixes.items.len + 1);
	if (s->bytes == NULL) {
		all->err = PST_ERR_LIMIT;
		return false;
	}
	if (row->prefixes.items.len > 0)
		memcpy(
		    s->bytes, row->prefixes.items.ptr, row->prefixes.items.len);
	s->prefixes.count = row->prefixes.count;
	s->prefixes.items =
	    (struct pst_bytes){ s->bytes, row->prefixes.items.len };
	if (pst_cose_thumbprint(all->crypto, &s->key, s->thumbprint) == PST_OK)
		all->count++;
	else
		free(s->bytes);
	return true;
}

static void
signers_free(struct signers *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		free(all->list[i].bytes);
	free(all);
}

/* The signers that a kid names, or all when there is none that we know. */
static enum pst_err
find_signer(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct signers *all = ctx;
	size_t i, n = 0;

	for (i = 0; i < all->count; i++) {
		const struct signer *s = &all->list[i];

		if (headers->kid.len == PST_THUMBPRINT_LEN &&
		    memcmp(headers->kid.ptr, s->thumbprint,
			PST_THUMBPRINT_LEN) != 0)
			continue;
		if (n++ != attempt)
			continue;
		*key = s->key;
		*who = (uint32_t)i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

static bool
within(const struct signer *s, struct pst_bytes id)
{
	struct pst_list list = s->prefixes;
	struct pst_bytes prefix;

	while (pst_list_next(&list, &prefix)) {
		if (pst_component_id_under(id, prefix))
			return true;
	}
	return false;
}

/* --- the checks -------------------------------------------------------- */

/*
 * Both what the manifest acts on and its own name: whoever may use the name
 * may supersede what stands under it. A component that is listed only to say
 * where a dependency finds its payload is another signer's
 * (docs/decisions/0033).
 */
static enum pst_err
check_prefixes(const struct pst_suit_manifest *m,
    const struct pst_suit_images *images, const struct signer *s, char *note)
{
	struct pst_list list = m->components;
	struct pst_bytes id;
	size_t i = 0;

	if (!within(s, m->component_id))
		return no(note, PST_ERR_SUIT_UNAUTHORISED,
		    "the manifest-component-id is outside the prefixes of"
		    " signer %s",
		    s->name);
	for (; pst_list_next(&list, &id); i++) {
		if (pst_suit_has(images->acted, i) && !within(s, id))
			return no(note, PST_ERR_SUIT_UNAUTHORISED,
			    "component %zu is outside the prefixes of signer"
			    " %s",
			    i, s->name);
	}
	return PST_OK;
}

static enum pst_err
check_images(const struct pst_suit_manifest *m,
    const struct pst_suit_images *images, char *note)
{
	size_t i;

	if (!images->uninstall)
		return no(note, PST_ERR_SUIT_STRUCTURE,
		    "it has no uninstall section");
	for (i = 0; i < m->components.count; i++) {
		if (!pst_suit_has(images->written, i))
			continue;
		if (!pst_suit_has(images->digests, i) ||
		    !pst_suit_has(images->verified, i))
			return no(note, PST_ERR_SUIT_STRUCTURE,
			    "component %zu is written and its image digest"
			    " is not checked",
			    i);
	}
	return PST_OK;
}

/* The signature covers an integrated payload only by its digest. */
static enum pst_err
check_payloads(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, char *note)
{
	struct pst_bytes name;
	enum pst_err err = pst_suit_integrated_check(m, crypto, &name);
	int shown = name.len < 32 ? (int)name.len : 32;

	if (err == PST_ERR_SUIT_DIGEST)
		return no(note, err,
		    "integrated payload \"%.*s\" is not what was signed for",
		    shown, (const char *)name.ptr);
	if (err == PST_ERR_SUIT_STRUCTURE && name.len > 0)
		return no(note, err,
		    "no command uses integrated payload \"%.*s\"", shown,
		    (const char *)name.ptr);
	if (err != PST_OK)
		return no(note, err, "%s", pst_err_name(err));
	return PST_OK;
}

static enum pst_err
check(const struct pst_suit_manifest *m, const struct signers *all, char *note)
{
	struct pst_suit_images images;
	enum pst_err err;

	if (m->component_id.len == 0)
		return no(note, PST_ERR_SUIT_STRUCTURE,
		    "it has no manifest-component-id");
	if (m->sequence > INT64_MAX)
		return no(note, PST_ERR_SUIT_SEQUENCE,
		    "sequence number above %" PRId64, INT64_MAX);
	if (m->who >= all->count)
		return PST_ERR_COSE_KEY;
	err = pst_suit_manifest_images(m, NULL, NULL, &images);
	if (err != PST_OK)
		return no(note, err, "a device would refuse it: %s",
		    pst_err_name(err));
	err = check_prefixes(m, &images, &all->list[m->who], note);
	if (err != PST_OK)
		return err;
	err = check_images(m, &images, note);
	if (err != PST_OK)
		return err;
	return check_payloads(m, all->crypto, note);
}

/*
 * The components that the manifest brings: a device keeps nothing for it that
 * its signer does not reach. Copied into the reader's room, for a list has no
 * gaps.
 */
static enum pst_err
brought(const struct pst_suit_manifest *m, const struct signer *s,
    struct pst_tam_reader *reader, struct pst_list *out)
{
	struct pst_list list = m->components;
	uint8_t *at = pst_tam_reader_room(reader, list.items.len);
	struct pst_bytes id;

	if (at == NULL)
		return PST_ERR_LIMIT;
	*out = (struct pst_list){ .items = { at, 0 } };
	while (pst_list_next(&list, &id)) {
		if (!within(s, id))
			continue;
		memcpy(at + out->items.len, id.ptr, id.len);
		out->items.len += id.len;
		out->count++;
	}
	return PST_OK;
}

static enum pst_err
authenticate(struct signers *all, struct pst_bytes envelope,
    struct pst_suit_manifest *m, char *note)
{
	struct pst_keys keys = { .ctx = all, .find = find_signer };
	struct pst_suit_envelope env;
	size_t at = 0;
	enum pst_err err;

	if (envelope.len > PST_TAM_ENVELOPE_MAX)
		return no(note, PST_ERR_TEEP_TOO_LARGE,
		    "%zu bytes; an Update carries %zu", envelope.len,
		    (size_t)PST_TAM_ENVELOPE_MAX);
	err = pst_suit_envelope_decode(envelope, &env, &at);
	if (err != PST_OK)
		return no(note, err, "no SUIT envelope: %s at byte %zu",
		    pst_err_name(err), at);
	err = pst_suit_authenticate(&env, all->crypto, &keys, m, &at);
	if (err == PST_ERR_COSE_KEY)
		return no(note, err,
		    "not authentic: no trusted key for this message; trust its"
		    " signer first: postern tam anchors add NAME --kind signer"
		    " --key FILE --prefix COMPONENT");
	if (err != PST_OK)
		return no(note, err, "not authentic: %s", pst_err_name(err));
	return PST_OK;
}

static enum pst_err
publish(struct pst_tam_store *store, struct pst_tam_reader *reader,
    struct signers *all, const char *who, struct pst_bytes envelope,
    uint64_t now_s, struct pst_tam_manifest *out, char *note)
{
	struct pst_tam_publication p = { .who = who };
	struct pst_suit_manifest m;
	enum pst_err err;

	err = authenticate(all, envelope, &m, note);
	if (err == PST_OK)
		err = check(&m, all, note);
	if (err == PST_OK)
		err = brought(
		    &m, &all->list[m.who], reader, &p.manifest.components);
	if (err != PST_OK)
		return err;
	p.manifest.manifest_id = m.component_id;
	p.manifest.sequence = m.sequence;
	p.manifest.digest = m.digest;
	p.manifest.envelope = envelope;
	p.manifest.envelope_len = envelope.len;
	p.manifest.signer = all->list[m.who].name;
	p.manifest.published_s = now_s;
	err = pst_tam_store_work(store, pst_tam_manifest_store, &p);
	if (err == PST_ERR_SUIT_SEQUENCE)
		return no(note, err,
		    "sequence number %" PRIu64
		    " is not above what is published",
		    m.sequence);
	if (err != PST_OK)
		return no(note, err, "%s", pst_err_name(err));
	if (out != NULL) {
		*out = p.manifest;
		out->signer = NULL; /* it does not outlive this call */
	}
	return PST_OK;
}

enum pst_err
pst_tam_publish(struct pst_tam_store *store, struct pst_tam_reader *reader,
    const struct pst_crypto *crypto, const char *who, struct pst_bytes envelope,
    uint64_t now_s, struct pst_tam_manifest *m, char note[PST_TAM_NOTE_MAX])
{
	struct signers *all = calloc(1, sizeof(*all));
	enum pst_err err;

	if (note != NULL)
		note[0] = '\0';
	if (m != NULL)
		memset(m, 0, sizeof(*m));
	if (all == NULL)
		return PST_ERR_LIMIT;
	all->crypto = crypto;
	err = pst_tam_list_anchors(reader, 0, SIZE_MAX, add_signer, all);
	if (err == PST_OK)
		err = all->err;
	if (err == PST_OK)
		err =
		    publish(store, reader, all, who, envelope, now_s, m, note);
	signers_free(all);
	return err;
}
