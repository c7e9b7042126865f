/*
 * What a signature covers only by digest: integrated payloads and integrated
 * dependencies, against the image digests that the command sequences set.
 *
 * Core walks sequences too, but as a device does that refuses what it cannot
 * run. A developer wants to know whether any manifest of the specifications
 * is what was signed, so this walk follows every command that has a name and
 * judges nothing but digests. It recurses at most PST_SUIT_DEPTH_MAX deep
 * into sequences and NESTED_MAX deep into dependencies.
 */
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

enum { DIGESTS_MAX = 256, URIS_MAX = 256, NESTED_MAX = 4 };

struct check {
	const struct pst_suit_manifest *m;
	struct cli_keyring *ring;
	const char *path;
	uint64_t dependencies; /* bit n: component n is one */
	uint64_t encrypted;    /* then a digest may be of the plaintext */
	struct check_digest {
		uint64_t components;
		struct pst_suit_digest digest;
	} digest[DIGESTS_MAX];
	size_t digests;
	struct check_uri {
		uint64_t components;
		struct pst_bytes uri;
	} uri[URIS_MAX];
	size_t uris;
};

_Static_assert(PST_SUIT_COMPONENTS_MAX <= 64, "components are bits here");

static void
digest(struct check *c, struct pst_cbor_reader *r, uint64_t components)
{
	struct pst_cbor_reader inner;
	struct pst_bytes b = pst_cbor_bstr(r, 1, SIZE_MAX);
	struct check_digest *d;

	if (c->digests == DIGESTS_MAX) {
		pst_cbor_fail(r, PST_ERR_LIMIT);
		return;
	}
	pst_cbor_reader_init(&inner, b);
	d = &c->digest[c->digests++];
	d->components = components;
	d->digest = pst_suit_digest_read(&inner);
	if (pst_cbor_ok(r) && pst_cbor_end(&inner) != PST_OK)
		pst_cbor_fail(r, inner.err);
}

static void
uri(struct check *c, struct pst_cbor_reader *r, uint64_t components)
{
	struct check_uri *u;

	if (c->uris == URIS_MAX) {
		pst_cbor_fail(r, PST_ERR_LIMIT);
		return;
	}
	u = &c->uri[c->uris++];
	u->components = components;
	u->uri = pst_cbor_tstr(r, 0, PST_SUIT_URI_MAX);
}

static void
parameters(struct check *c, struct pst_cbor_reader *r, uint64_t components)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 64, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case PST_SUIT_PARAM_IMAGE_DIGEST:
			digest(c, r, components);
			break;
		case PST_SUIT_PARAM_URI:
			uri(c, r, components);
			break;
		case PST_SUIT_PARAM_ENCRYPTION_INFO:
			c->encrypted |= components;
			pst_cbor_skip(r);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
}

static uint64_t
component_bit(struct pst_cbor_reader *r)
{
	return (uint64_t)1 << pst_cbor_uint(r, PST_SUIT_COMPONENTS_MAX - 1);
}

/* IndexArg: a number, true for all, or a list. */
static uint64_t
index_argument(struct pst_cbor_reader *r)
{
	uint64_t bits = 0;
	size_t n;

	switch (pst_cbor_peek(r)) {
	case PST_CBOR_SIMPLE:
		return pst_cbor_bool(r) ? UINT64_MAX : 0;
	case PST_CBOR_ARRAY:
		n = pst_cbor_array(r, 1, PST_SUIT_COMPONENTS_MAX);
		while (n-- > 0 && pst_cbor_ok(r))
			bits |= component_bit(r);
		return bits;
	default:
		return component_bit(r);
	}
}

static void sequence(struct check *c, struct pst_cbor_reader *r,
    uint64_t *components, unsigned int depth);

static void
alternatives(struct check *c, struct pst_cbor_reader *r, uint64_t *components,
    unsigned int depth)
{
	size_t n = pst_cbor_array(r, 1, PST_SUIT_COMMANDS_MAX);
	uint64_t each;

	while (n-- > 0 && pst_cbor_ok(r)) {
		each = *components;
		if (pst_cbor_peek(r) == PST_CBOR_SIMPLE)
			pst_cbor_null(r);
		else
			sequence(c, r, &each, depth);
	}
}

/* { + component => parameters } */
static void
override_multiple(
    struct check *c, struct pst_cbor_reader *r, uint64_t *components)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PST_SUIT_COMPONENTS_MAX, &seen);
	int64_t label;

	while (n-- > 0 && pst_cbor_ok(r)) {
		label = pst_cbor_key(r, &seen);
		if (label < 0 || label >= PST_SUIT_COMPONENTS_MAX) {
			pst_cbor_fail(r, PST_ERR_SUIT_COMPONENT);
			continue;
		}
		/* The last one stays the present one. */
		*components = (uint64_t)1 << label;
		parameters(c, r, *components);
	}
}

static bool
known(int64_t id)
{
	/* Conditions and directives that a specification names. */
	static const uint64_t bits = 0xfbffcd9feu;

	return id < 0 || (id < 64 && (bits >> id & 1) != 0);
}

static void
command(struct check *c, struct pst_cbor_reader *r, uint64_t *components,
    unsigned int depth)
{
	int64_t id = pst_cbor_int(r, INT64_MIN, 255);

	switch (id) {
	case PST_SUIT_DIR_SET_COMPONENT_INDEX:
		*components = index_argument(r);
		break;
	case PST_SUIT_DIR_SET_PARAMETERS:
	case PST_SUIT_DIR_OVERRIDE_PARAMETERS:
		parameters(c, r, *components);
		break;
	case PST_SUIT_DIR_OVERRIDE_MULTIPLE:
		override_multiple(c, r, components);
		break;
	case PST_SUIT_DIR_TRY_EACH:
		alternatives(c, r, components, depth + 1);
		break;
	case PST_SUIT_DIR_RUN_SEQUENCE:
		sequence(c, r, components, depth + 1);
		break;
	default:
		if (!known(id))
			pst_cbor_fail(r, PST_ERR_SUIT_COMMAND);
		pst_cbor_skip(r);
	}
}

static enum pst_err
commands(struct check *c, struct pst_bytes code, uint64_t *components,
    unsigned int depth)
{
	struct pst_cbor_reader r;
	size_t n;

	pst_cbor_reader_init(&r, code);
	n = pst_cbor_array(&r, 2, 2 * PST_SUIT_COMMANDS_MAX);
	if (n % 2 != 0)
		pst_cbor_fail(&r, PST_ERR_SUIT_STRUCTURE);
	for (; n > 0 && pst_cbor_ok(&r); n -= 2)
		command(c, &r, components, depth);
	return pst_cbor_end(&r);
}

/* A sequence in a byte string, inside another. */
static void
sequence(struct check *c, struct pst_cbor_reader *r, uint64_t *components,
    unsigned int depth)
{
	struct pst_bytes code = pst_cbor_bstr(r, 1, SIZE_MAX);
	enum pst_err err = PST_ERR_LIMIT;

	if (!pst_cbor_ok(r))
		return;
	if (depth <= PST_SUIT_DEPTH_MAX)
		err = commands(c, code, components, depth);
	if (err != PST_OK)
		pst_cbor_fail(r, err);
}

static enum pst_err
walk(struct check *c)
{
	static const enum pst_suit_label sections[] = {
		PST_SUIT_DEPENDENCY_RESOLUTION, PST_SUIT_PAYLOAD_FETCH,
		PST_SUIT_CANDIDATE_VERIFICATION, PST_SUIT_INSTALL,
		PST_SUIT_VALIDATE, PST_SUIT_LOAD, PST_SUIT_INVOKE,
		PST_SUIT_UNINSTALL
	};
	uint64_t components = 1; /* Section 6.4: index 0 at first */
	struct pst_bytes code;
	enum pst_err err = PST_OK;
	size_t i;

	if (c->m->shared_sequence.len > 0)
		err = commands(c, c->m->shared_sequence, &components, 0);
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		code = pst_suit_section(c->m, sections[i]);
		components = 1;
		if (err == PST_OK && code.len > 0)
			err = commands(c, code, &components, 0);
	}
	return err;
}

static void
mark_dependencies(struct check *c)
{
	struct pst_list list = c->m->dependencies;
	struct pst_cbor_reader r;
	struct pst_bytes item;

	while (pst_list_next(&list, &item)) {
		pst_cbor_reader_init(&r, item);
		c->dependencies |= component_bit(&r);
		if (!pst_list_next(&list, &item))
			return;
	}
}

static bool
digest_is(const struct check *c, const struct pst_suit_digest *d,
    struct pst_bytes payload)
{
	uint8_t out[PST_DIGEST_MAX];
	struct pst_bytes computed = { out, 0 };

	return c->ring->crypto->digest(c->ring->crypto->ctx, d->alg, &payload,
		   1, out, &computed.len) == PST_OK &&
	    pst_equal(computed, d->bytes);
}

/* Does one of the digests that are set for these components fit? True too
 * when there is none. */
static bool
payload_fits(
    const struct check *c, uint64_t components, struct pst_bytes payload)
{
	bool any = false;
	size_t i;

	for (i = 0; i < c->digests; i++) {
		if ((c->digest[i].components & components) == 0)
			continue;
		any = true;
		if (digest_is(c, &c->digest[i].digest, payload))
			return true;
	}
	/* Ciphertext: whether the digest is of it or of what it decrypts to
	 * is known when it was decrypted. */
	return !any || (c->encrypted & components) != 0;
}

static bool
dependency_fits(const struct check *c, uint64_t components,
    const struct pst_suit_digest *manifest)
{
	const struct check_digest *d;
	size_t i;

	for (i = 0; i < c->digests; i++) {
		d = &c->digest[i];
		if ((d->components & components) != 0 &&
		    d->digest.alg == manifest->alg &&
		    pst_equal(d->digest.bytes, manifest->bytes))
			return true;
	}
	return false;
}

static int check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path, unsigned int nested);

/* trust-domains, Section 5: the image digest of a dependency is that of its
 * manifest, and it is authenticated by itself. */
static int
dependency(const struct check *c, uint64_t components, struct pst_bytes member,
    unsigned int nested)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	enum pst_err err = pst_suit_envelope_decode(member, &env, NULL);

	if (err == PST_OK && nested == NESTED_MAX)
		err = PST_ERR_LIMIT;
	if (err == PST_OK && !dependency_fits(c, components, &env.digest))
		err = PST_ERR_SUIT_DIGEST;
	if (err == PST_OK)
		err = pst_suit_authenticate(
		    &env, c->ring->crypto, &c->ring->keys, &m, NULL);
	if (err != PST_OK)
		return cli_fail("%s: integrated dependency: %s", c->path,
		    pst_err_name(err));
	return check(c->ring, &m, c->path, nested + 1);
}

static int
members(const struct check *c, unsigned int nested)
{
	int status = CLI_DONE;
	struct pst_bytes member;
	uint64_t components;
	size_t i;

	for (i = 0; i < c->uris && status == CLI_DONE; i++) {
		components = c->uri[i].components;
		if (!pst_suit_integrated(
			&c->m->envelope, c->uri[i].uri, &member))
			continue;
		if ((components & c->dependencies) != 0)
			status = dependency(c, components, member, nested);
		else if (!payload_fits(c, components, member))
			status = cli_fail("%s: integrated payload %.*s: %s",
			    c->path, (int)c->uri[i].uri.len,
			    (const char *)c->uri[i].uri.ptr,
			    pst_err_name(PST_ERR_SUIT_DIGEST));
	}
	return status;
}

static bool
is_named(const struct check *c, struct pst_bytes name)
{
	size_t i;

	for (i = 0; i < c->uris; i++) {
		if (pst_equal(c->uri[i].uri, name))
			return true;
	}
	return false;
}

/* A payload that no command names is covered by no digest. Where a section
 * is not here it may be named there. */
static int
strangers(const struct check *c)
{
	struct pst_cbor_reader r;
	struct pst_bytes name;
	size_t i;

	if (c->m->severed != 0)
		return CLI_DONE;
	pst_cbor_reader_init(&r, c->m->envelope.members);
	for (i = 0; i < c->m->envelope.member_count; i++) {
		name = (struct pst_bytes){ NULL, 0 };
		if (pst_cbor_peek(&r) == PST_CBOR_TSTR)
			name = pst_cbor_tstr(&r, 0, SIZE_MAX);
		else
			pst_cbor_skip(&r);
		pst_cbor_skip(&r);
		if (name.ptr != NULL && !is_named(c, name))
			return cli_fail("%s: an integrated payload that the "
					"manifest does not name",
			    c->path);
	}
	return CLI_DONE;
}

static int
check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path, unsigned int nested)
{
	struct check *c = calloc(1, sizeof(*c));
	enum pst_err err;
	int status;

	if (c == NULL)
		return cli_fail("no memory");
	c->m = m;
	c->ring = ring;
	c->path = path;
	mark_dependencies(c);
	err = walk(c);
	if (err != PST_OK)
		status = cli_fail("%s: %s", path, pst_err_name(err));
	else
		status = members(c, nested);
	if (status == CLI_DONE)
		status = strangers(c);
	if (status == CLI_DONE && m->severed != 0)
		cli_warn("%s: a severed section is not here; what it says of "
			 "integrated payloads is not checked",
		    path);
	free(c);
	return status;
}

int
cli_manifest_check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path)
{
	return check(ring, m, path, 0);
}
