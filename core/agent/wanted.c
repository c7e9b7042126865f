/*
 * Dependencies that are there already, or not there at all (RFC 9397, Section
 * 4.4; trust-domains, Section 5).
 *
 * A URI of a dependency that is a provisioned TAM's is no payload's: it says
 * who has the dependency. What is not there becomes a requested component of
 * that TAM, which is due at once, and so is the TAM that waited for it when it
 * has come.
 */
#include "agent/agent_internal.h"

/* The number of the manifest whose command runs. */
static uint32_t
running(const struct pst_suit_run *run)
{
	return run->call_depth > 0 ? run->calls[run->call_depth - 1].manifest
				   : 0;
}

static bool
is_dependency(const struct pst_agent *a, uint32_t place)
{
	const struct pst_suit_run *run = &a->update.run;
	uint32_t number = running(run), i;

	for (i = 0; i < run->m->index_count; i++) {
		if (pst_suit_dependency(run->m, i) &&
		    pst_suit_run_place_of(run, number, i) == place)
			return true;
	}
	return false;
}

static bool
is_tam(const struct pst_agent *a, struct pst_bytes uri)
{
	size_t i;

	for (i = 0; i < a->config->tam_count; i++) {
		if (pst_same(a->config->tams[i].uri, uri))
			return true;
	}
	return false;
}

/* A provisioned TAM with this URI that may install the component. */
static bool
tam_at(const struct pst_agent *a, struct pst_bytes uri,
    struct pst_bytes component, uint32_t *tam)
{
	for (*tam = 0; *tam < a->config->tam_count; (*tam)++) {
		if (pst_same(a->config->tams[*tam].uri, uri) &&
		    pst_agent_tam_covers(a, *tam, component))
			return true;
	}
	return false;
}

/* What is to be compared with a digest: of a dependency, its manifest. The
 * envelope passes through memory.out, which is free while something is
 * installed. */
static enum pst_err
digest_of(struct pst_agent *a, bool dependency, const struct pst_reg_record *r,
    int32_t alg, uint8_t *out, size_t *len)
{
	const struct pst_crypto *c = a->ports.crypto;
	struct pst_suit_envelope env;
	struct pst_bytes bytes = { a->memory.out, 0 };
	enum pst_err err;

	if (!dependency) {
		if (alg != PST_ALG_SHA256 || r->n[3] != 0)
			return PST_ERR_NOT_FOUND;
		pst_copy(out, r->data);
		*len = r->data.len;
		return PST_OK;
	}
	err = pst_agent_object_load(
	    a, r->n[0], a->memory.out, a->memory.out_cap, &bytes.len);
	if (err == PST_OK)
		err = pst_suit_envelope_decode(bytes, &env, NULL);
	if (err == PST_OK)
		err = c->digest(c->ctx, alg, &env.manifest_bstr, 1, out, len);
	return err;
}

/* Does the component hold what its image-digest asks for? */
static bool
holds(struct pst_agent *a, uint32_t place, bool dependency,
    const struct pst_reg_record *r)
{
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 }, value;
	struct pst_suit_digest want;
	struct pst_cbor_reader in;

	if (!pst_suit_run_parameter(
		&a->update.run, place, PST_SUIT_PARAM_IMAGE_DIGEST, &value))
		return false;
	pst_cbor_reader_init(&in, value);
	pst_cbor_reader_init(&in, pst_cbor_bstr(&in, 1, SIZE_MAX));
	want = pst_suit_digest_read(&in);
	if (!pst_cbor_ok(&in))
		return false;
	return digest_of(a, dependency, r, want.alg, digest, &got.len) ==
	    PST_OK &&
	    pst_equal(got, want.bytes);
}

enum pst_err
pst_agent_wanted_fetch(struct pst_agent *a, uint32_t place,
    struct pst_bytes component, struct pst_bytes uri, bool plain,
    uint64_t *have, bool *there)
{
	bool dependency = is_dependency(a, place);
	bool elsewhere = dependency && is_tam(a, uri);
	struct pst_reg_record r;

	*there = false;
	/* What others refer to need not come a second time. */
	if ((elsewhere || (plain && pst_agent_links_others(a, component))) &&
	    pst_reg_find(
		&a->staged, PST_REG_COMPONENT, component, PST_REG_ANY, &r) &&
	    holds(a, place, dependency, &r)) {
		*there = true;
		return a->ports.store->object_size(
		    a->ports.store->ctx, r.n[0], have);
	}
	return elsewhere ? PST_ERR_FETCH : PST_OK;
}

/* --- what is not there --------------------------------------------------- */

/* Looking for a TAM among the URIs of the dependency that is missing. */
struct search {
	const struct pst_agent *a;
	uint32_t number; /* of the dependent */
	uint32_t tam;
	bool found;
};

static enum pst_err
look(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct search *s = ctx;
	const struct pst_suit_run *run = &s->a->update.run;
	uint32_t place = pst_suit_run_place_of(run, s->number, component);
	struct pst_cbor_reader r;

	(void)section;
	if (s->found || label != PST_SUIT_PARAM_URI ||
	    !pst_same(pst_suit_run_place(run, place), run->missing))
		return PST_OK;
	pst_cbor_reader_init(&r, value);
	s->found = tam_at(s->a, pst_cbor_tstr(&r, 1, PST_SUIT_URI_MAX),
	    run->missing, &s->tam);
	return PST_OK;
}

/* The URI that was set, else any other that its dependent would set. */
static __attribute__((noinline)) bool
find_tam(const struct pst_agent *a, uint32_t *tam)
{
	const struct pst_suit_run *run = &a->update.run;
	struct search s = { .a = a, .number = running(run) };
	struct pst_suit_images images;

	if (tam_at(a, run->missing_uri, run->missing, tam))
		return true;
	if (pst_suit_manifest_images(run->m, look, &s, &images) != PST_OK &&
	    !s.found)
		return false;
	*tam = s.tam;
	return s.found;
}

/* Due at once, whenever it was contacted last and whatever this round gave. */
static void
call(struct pst_agent *a, uint32_t tam)
{
	a->round &= ~(1u << tam);
}

bool
pst_agent_wanted_request(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	struct pst_reg_record r = { .kind = PST_REG_REQUEST };
	uint32_t tam = 0;
	bool lately = false;

	if (u->run.missing.len == 0 || !find_tam(a, &tam))
		return false;
	r.key = u->run.missing;
	r.other = pst_agent_tam_name(a, tam);
	r.data = pst_agent_tam_name(a, u->tam);
	r.n[2] = 1;
	if (pst_agent_request_note(a, &r, &lately) != PST_OK)
		return false;
	if (!lately)
		call(a, tam);
	return true;
}

bool
pst_agent_wanted_due(const struct pst_agent *a, uint32_t tam)
{
	struct pst_reg_record r;
	size_t at = 0;

	while (pst_reg_seek(&a->registry, &at, PST_REG_REQUEST, PST_REG_ANY,
	    pst_agent_tam_name(a, tam), &r)) {
		if (r.n[1] == 0 && r.n[2] != 0)
			return true;
	}
	return false;
}

void
pst_agent_wanted_asked(struct pst_agent *a, uint32_t tam)
{
	struct pst_reg_record r;
	size_t at = 0;

	while (pst_reg_seek(&a->registry, &at, PST_REG_REQUEST, PST_REG_ANY,
	    pst_agent_tam_name(a, tam), &r)) {
		r.n[2] = 0;
		pst_reg_renumber(&a->registry, &r);
	}
}

bool
pst_agent_wanted_came(struct pst_agent *a, struct pst_bytes tam)
{
	struct pst_reg_record r, found;
	size_t at = 0;
	uint32_t i;

	while (pst_reg_seek(
	    &a->registry, &at, PST_REG_REQUEST, PST_REG_ANY, PST_REG_ANY, &r)) {
		if (!pst_same(r.data, tam) ||
		    !pst_reg_find(&a->staged, PST_REG_COMPONENT, r.key,
			PST_REG_ANY, &found))
			continue;
		for (i = 0; i < a->config->tam_count; i++) {
			if (pst_same(pst_agent_tam_name(a, i), tam))
				call(a, i);
		}
		return true;
	}
	return false;
}
