/*
 * Trees of manifests: what damage does to them, what memory they need, and
 * what the interface tells of them. The trees are rows of
 * tests/vectors/suit/vectors.jsonl.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suit_test.h"

enum { CAP = 8192 };

static struct world world;
static struct pst_key keys[2];
static const int update[] = { PST_SUIT_DEPENDENCY_RESOLUTION,
	PST_SUIT_PAYLOAD_FETCH, PST_SUIT_CANDIDATE_VERIFICATION,
	PST_SUIT_INSTALL, PST_SUIT_VALIDATE, 0 };

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt >= 2)
		return PST_ERR_NOT_FOUND;
	*key = keys[attempt].pub;
	*who = 40 + (uint32_t)attempt;
	return PST_OK;
}

static const struct pst_keys signers = { NULL, find, NULL, false };

static struct pst_bytes
vector(const char *name, uint8_t out[CAP])
{
	char path[256];
	struct pst_bytes b = { out, 0 };
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), PST_SOURCE_DIR "/tests/vectors/suit/%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		abort();
	b.len = fread(out, 1, CAP, f);
	fclose(f);
	if (b.len == 0 || b.len == CAP)
		abort();
	return b;
}

static void
load_keys(void)
{
	static const char *const names[] = { "keys/signer.cose_key",
		"keys/author.cose_key" };
	uint8_t buf[CAP];
	const char *why;
	size_t i;

	for (i = 0; i < 2; i++)
		if (pst_key_parse(vector(names[i], buf), &keys[i], &why) !=
		    PST_OK)
			abort();
}

/* Begin with the root `in` on a new device. */
static enum pst_err
open_root(struct pst_bytes in, struct pst_suit_manifest *m)
{
	struct pst_suit_envelope env;
	enum pst_err err;

	world_free(&world);
	world_init(&world);
	world.keys = &signers;
	err = pst_suit_envelope_decode(in, &env, NULL);
	if (err == PST_OK)
		err = pst_suit_authenticate(
		    &env, fixture()->crypto, &signers, m, NULL);
	return err;
}

/* Did a tree with the components leaf and root install them? */
static enum pst_err
installed(struct pst_bytes in, bool *right)
{
	struct pst_suit_manifest m;
	enum pst_err err = open_root(in, &m);

	if (err == PST_OK)
		err = world_run(&world, &m, fixture()->crypto, update);
	*right = err == PST_OK &&
	    world_holds(&world, component_id("leaf"), B("leaf")) &&
	    world_holds(&world, component_id("root"), B("root"));
	return err;
}

static void
every_truncation_of_a_tree_is_refused(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	size_t len = in.len;
	bool right;

	CHECK_EQ(installed(in, &right), PST_OK);
	CHECK(right);
	for (in.len = 0; in.len < len; in.len++)
		CHECK(installed(in, &right) != PST_OK);
}

/* The dependency is in the envelope, where the root's signature does not
 * cover it. */
static void
every_flipped_bit_of_a_tree_is_refused_or_has_no_effect(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	size_t i, unharmed = 0;
	bool right;
	int bit;

	for (i = 0; i < in.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			buf[i] ^= (uint8_t)(1 << bit);
			if (installed(in, &right) == PST_OK) {
				CHECK(right);
				unharmed++;
			}
			buf[i] ^= (uint8_t)(1 << bit);
		}
	}
	/* Nothing is in these envelopes that is not needed. */
	CHECK_EQ(unharmed, 0);
}

/* A dependency that is fetched, cut short or with bytes after it. */
static void
a_dependency_is_one_whole_envelope(void)
{
	uint8_t root[CAP], buf[CAP];
	struct pst_bytes in = vector("tree-fetched.cbor", root);
	struct pst_bytes dep = vector("tree-integrated.cbor", buf);
	struct pst_suit_manifest m;
	struct pst_bytes payload;
	size_t len;

	/* Both have the same one. */
	CHECK_EQ(open_root(dep, &m), PST_OK);
	CHECK(pst_suit_integrated(&m.envelope, B("#dep"), &payload));
	for (len = 0; len <= payload.len; len++) {
		enum pst_err err;

		CHECK_EQ(open_root(in, &m), PST_OK);
		world_serve(&world, "https://x.example/dependency",
		    (struct pst_bytes){ payload.ptr, len });
		err = world_run(&world, &m, fixture()->crypto, update);
		CHECK_EQ(err == PST_OK, len == payload.len);
		CHECK(err == PST_OK ||
		    !world_holds(&world, component_id("leaf"), B("leaf")));
	}
}

/* Whatever room there is, a tree runs or it is told that it is too little. */
static void
an_arena_suffices_or_is_a_limit(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-two-levels.cbor", buf);
	uint8_t other[CAP];
	struct pst_bytes mid = vector("tree-two-levels-dependency.cbor", other);
	struct pst_suit_manifest m;
	size_t cap, enough = 0;

	for (cap = 0; cap < 4096; cap++) {
		enum pst_err err;

		CHECK_EQ(open_root(in, &m), PST_OK);
		world_serve(&world, "https://x.example/dependency", mid);
		world.memory.arena_cap = cap;
		err = world_run(&world, &m, fixture()->crypto, update);
		CHECK(err == PST_OK || err == PST_ERR_LIMIT);
		CHECK(err == PST_OK || enough == 0);
		if (err == PST_OK && enough == 0)
			enough = cap;
	}
	/* As the header says: two dependencies, four components. */
	CHECK(enough > 0);
	CHECK(enough <= mid.len + 512 + 2 * PST_SUIT_LOADED_BYTES + 4 * 16);
	CHECK_EQ(open_root(in, &m), PST_OK);
	world.memory.arena = NULL;
	CHECK_EQ(world_begin(&world, &world.run, &m, fixture()->crypto),
	    PST_ERR_LIMIT);
}

/* An odd address is as good as any. */
static void
an_arena_may_begin_anywhere(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	struct pst_suit_manifest m;
	size_t i;

	for (i = 0; i < 16; i++) {
		CHECK_EQ(open_root(in, &m), PST_OK);
		world.memory.arena += i;
		world.memory.arena_cap -= i;
		CHECK_EQ(
		    world_run(&world, &m, fixture()->crypto, update), PST_OK);
	}
}

static void
a_run_tells_its_manifests_and_places(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	const struct pst_suit_manifest *dep;
	struct pst_suit_manifest m;
	struct pst_suit_run *run = &world.run;
	uint32_t place = 0;

	CHECK_EQ(open_root(in, &m), PST_OK);
	pst_suit_report_init(
	    &world.report, world.records, sizeof(world.records));
	CHECK_EQ(world_begin(&world, run, &m, fixture()->crypto), PST_OK);
	CHECK_EQ(run->loaded_count, 0);
	CHECK(pst_suit_run_manifest(run, 1, &place) == NULL);
	CHECK_EQ(pst_suit_run(run, PST_SUIT_DEPENDENCY_RESOLUTION), PST_OK);
	CHECK_EQ(run->loaded_count, 1);
	CHECK(pst_suit_run_manifest(run, 0, &place) == &m);
	CHECK_EQ(place, UINT32_MAX);
	dep = pst_suit_run_manifest(run, 1, &place);
	CHECK(dep != NULL && dep->who == 40);
	CHECK_EQ(place, 0);
	CHECK_EQ(run->place_count, 3);
	CHECK(pst_equal(pst_suit_run_place(run, 0), component_id("dep")));
	CHECK(pst_equal(pst_suit_run_place(run, 1), component_id("root")));
	CHECK(pst_equal(pst_suit_run_place(run, 2), component_id("leaf")));
	CHECK_EQ(pst_suit_run_place(run, 3).len, 0);
	CHECK_EQ(pst_suit_run_place_of(run, 0, 1), 1);
	CHECK_EQ(pst_suit_run_place_of(run, 1, 0), 2);
	CHECK_EQ(pst_suit_run_place_of(run, 1, 1), UINT32_MAX);
	CHECK_EQ(pst_suit_run_place_of(run, 2, 0), UINT32_MAX);
	CHECK_EQ(pst_suit_run(run, PST_SUIT_INSTALL), PST_OK);
	CHECK_EQ(pst_suit_run_end(run), PST_OK);
}

static void
a_missing_dependency_is_named(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-missing.cbor", buf);
	struct pst_suit_manifest m;

	CHECK_EQ(open_root(in, &m), PST_OK);
	CHECK_EQ(world_run(&world, &m, fixture()->crypto, update),
	    PST_ERR_SUIT_DEPENDENCY_MISSING);
	CHECK(pst_equal(world.run.missing, component_id("dep")));
	CHECK(pst_equal(
	    world.run.missing_uri, B("https://x.example/dependency")));
	in = vector("tree-missing-content.cbor", buf);
	CHECK_EQ(open_root(in, &m), PST_OK);
	CHECK_EQ(world_run(&world, &m, fixture()->crypto, update),
	    PST_ERR_SUIT_DEPENDENCY_MISSING);
	CHECK(pst_equal(world.run.missing, component_id("dep")));
	CHECK_EQ(world.run.missing_uri.len, 0);
}

/* Written in the meantime by somebody else: what runs is what was verified. */
static void
a_dependency_runs_from_what_was_verified(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	struct pst_suit_manifest m;
	struct pst_suit_run *run = &world.run;

	CHECK_EQ(open_root(in, &m), PST_OK);
	pst_suit_report_init(
	    &world.report, world.records, sizeof(world.records));
	CHECK_EQ(world_begin(&world, run, &m, fixture()->crypto), PST_OK);
	CHECK_EQ(pst_suit_run(run, PST_SUIT_DEPENDENCY_RESOLUTION), PST_OK);
	world_install(&world, component_id("dep"), B("evil"));
	CHECK_EQ(pst_suit_run(run, PST_SUIT_INSTALL), PST_OK);
	CHECK(world_holds(&world, component_id("leaf"), B("leaf")));
}

/* Each call of the port fails once; then nothing may end well unless all of
 * it happened. */
static enum pst_err (*real_read)(
    void *, uint32_t, struct pst_bytes, uint64_t, uint8_t *, size_t, size_t *);
static int reads_left;

static enum pst_err
failing_read(void *ctx, uint32_t index, struct pst_bytes name, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	static const enum pst_err errors[] = { PST_ERR_IO, PST_ERR_AGAIN,
		PST_ERR_SUIT_CONDITION };

	if (reads_left-- == 0)
		return errors[at % 3];
	return real_read(ctx, index, name, at, out, cap, len);
}

static void
a_store_that_fails_ends_the_run(void)
{
	uint8_t buf[CAP];
	struct pst_bytes in = vector("tree-integrated.cbor", buf);
	struct pst_suit_manifest m;
	enum pst_err err = PST_ERR_IO;
	int i;

	for (i = 0; err != PST_OK && i < 100; i++) {
		CHECK_EQ(open_root(in, &m), PST_OK);
		real_read = world.host.read;
		world.host.read = failing_read;
		world.read_max = 100;
		reads_left = i;
		err = world_run(&world, &m, fixture()->crypto, update);
		CHECK(err != PST_ERR_AGAIN && err != PST_ERR_SUIT_CONDITION);
	}
	/* The envelope has several hundred bytes. */
	CHECK(i > 3 && i < 100);
	CHECK(world_holds(&world, component_id("leaf"), B("leaf")));
}

int
main(void)
{
	load_keys();
	RUN(every_truncation_of_a_tree_is_refused);
	RUN(every_flipped_bit_of_a_tree_is_refused_or_has_no_effect);
	RUN(a_dependency_is_one_whole_envelope);
	RUN(an_arena_suffices_or_is_a_limit);
	RUN(an_arena_may_begin_anywhere);
	RUN(a_run_tells_its_manifests_and_places);
	RUN(a_missing_dependency_is_named);
	RUN(a_dependency_runs_from_what_was_verified);
	RUN(a_store_that_fails_ends_the_run);
	world_free(&world);
	TEST_END();
}
