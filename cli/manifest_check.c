/*
 * What a signature covers only by digest. That integrated payloads and
 * dependencies are what was signed for is the core's to judge, as it is where
 * an envelope is passed on; here the integrated dependencies are authenticated
 * as well, each by its own signature (trust-domains, Section 5). It recurses
 * at most PST_SUIT_TREE_DEPTH_MAX deep.
 */
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "manifest.h"

enum { URIS_MAX = 256 };

struct check {
	const struct pst_suit_manifest *m;
	struct cli_keyring *ring;
	const char *path;
	/* URIs that are set for dependencies */
	struct pst_bytes uri[URIS_MAX];
	size_t uris;
	bool encrypted;		 /* encryption-info is set for a dependency */
	struct pst_bytes absent; /* a fragment that names no payload */
};

/* A fragment can only mean an integrated payload: nobody fetches it. */
static void
note_absent(struct check *c, struct pst_bytes uri)
{
	struct pst_bytes payload;

	if (c->absent.len == 0 && uri.len > 0 && uri.ptr[0] == '#' &&
	    !pst_suit_integrated(&c->m->envelope, uri, &payload))
		c->absent = uri;
}

static void
tell_absent(const struct check *c)
{
	if (c->absent.len == 0)
		return;
	fprintf(stderr, "postern: warning: %s: integrated payload ", c->path);
	pst_print_safe(stderr, c->absent);
	fputs(" is not here; if it was severed, postern manifest sever --join"
	      " puts it in again\n",
	    stderr);
}

static enum pst_err
visit(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct check *c = ctx;
	bool dependency = pst_suit_dependency(c->m, component);
	struct pst_cbor_reader r;
	struct pst_bytes uri;

	(void)section;
	if (dependency && label == PST_SUIT_PARAM_ENCRYPTION_INFO)
		c->encrypted = true;
	if (label != PST_SUIT_PARAM_URI)
		return PST_OK;
	pst_cbor_reader_init(&r, value);
	uri = pst_cbor_tstr(&r, 0, PST_SUIT_URI_MAX);
	note_absent(c, uri);
	if (!dependency)
		return PST_OK;
	if (c->uris == URIS_MAX)
		return PST_ERR_LIMIT;
	c->uri[c->uris++] = uri;
	return PST_OK;
}

static int check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path, unsigned int nested);

/* Two URIs may name the same member, which is then looked at once. */
static bool
seen(const struct check *c, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++) {
		if (pst_equal(c->uri[k], c->uri[i]))
			return true;
	}
	return false;
}

static int
dependency(const struct check *c, struct pst_bytes member, unsigned int nested)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	enum pst_err err = pst_suit_envelope_decode(member, &env, NULL);

	/* Ciphertext is judged by whoever can decrypt it. */
	if (err != PST_OK && c->encrypted) {
		cli_warn("%s: an encrypted dependency is not checked", c->path);
		return CLI_DONE;
	}
	if (err == PST_OK && nested == PST_SUIT_TREE_DEPTH_MAX)
		err = PST_ERR_LIMIT;
	if (err == PST_OK)
		err = pst_suit_authenticate(
		    &env, c->ring->crypto, &c->ring->keys, &m, NULL);
	if (err != PST_OK)
		return cli_fail("%s: integrated dependency: %s", c->path,
		    pst_err_name(err));
	return check(c->ring, &m, c->path, nested + 1);
}

static int
dependencies(const struct check *c, unsigned int nested)
{
	struct pst_bytes member;
	int status = CLI_DONE;
	size_t i;

	for (i = 0; i < c->uris && status == CLI_DONE; i++) {
		if (!seen(c, i) &&
		    pst_suit_integrated(&c->m->envelope, c->uri[i], &member))
			status = dependency(c, member, nested);
	}
	return status;
}

/* Of the root only: the core goes through the tree itself. */
static int
payloads(const struct check *c)
{
	struct pst_bytes name;
	enum pst_err err =
	    pst_suit_integrated_check(c->m, c->ring->crypto, &name);

	if (err == PST_OK || err == PST_ERR_SUIT_SEVERED)
		return CLI_DONE;
	if (err == PST_ERR_SUIT_STRUCTURE && name.ptr != NULL)
		return cli_fail("%s: an integrated payload that the manifest "
				"does not name",
		    c->path);
	fprintf(stderr, "postern: %s: integrated payload ", c->path);
	pst_print_safe(stderr, name);
	fprintf(stderr, ": %s\n", pst_err_name(err));
	return CLI_REFUSED;
}

static int
check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path, unsigned int nested)
{
	struct check *c = calloc(1, sizeof(*c));
	struct pst_suit_images images;
	int status = CLI_DONE;
	enum pst_err err;

	if (c == NULL)
		return cli_fail("no memory");
	c->m = m;
	c->ring = ring;
	c->path = path;
	err = pst_suit_manifest_images(m, visit, c, &images);
	if (err == PST_ERR_SUIT_SEVERED)
		cli_warn("%s: a severed section is not here; what it says of "
			 "integrated payloads is not checked",
		    path);
	else if (err != PST_OK)
		status = cli_fail("%s: %s", path, pst_err_name(err));
	if (status == CLI_DONE && nested == 0)
		status = payloads(c);
	if (status == CLI_DONE)
		status = dependencies(c, nested);
	if (status == CLI_DONE)
		tell_absent(c);
	free(c);
	return status;
}

int
cli_manifest_check(struct cli_keyring *ring, const struct pst_suit_manifest *m,
    const char *path)
{
	return check(ring, m, path, 0);
}
