/*
 * Manifests that depend on each other: what refers to what, what is shared,
 * and what is left when one goes.
 */
#include "agent/registry.h"

#include <postern/suit_encode.h>

#include "cases.h"
#include "test.h"
#include "tree.h"

#define BEGIN() CHECK(world_begin())

#define DEP \
	ID("\xaa\x43" \
	   "dep")
#define DEEP \
	ID("\xaa\x44" \
	   "deep")
#define SHARED \
	ID("\xaa\x46" \
	   "shared")
#define OWN_A \
	ID("\xaa\x42" \
	   "oa")
#define OWN_B \
	ID("\xaa\x42" \
	   "ob")
#define ROOT_A \
	ID("\xaa\x42" \
	   "ra")
#define ROOT_B \
	ID("\xaa\x42" \
	   "rb")
#define AT_LEAF "https://files.example/leaf"

static struct tree leaf, middle, a, b;

static size_t
count(enum pst_reg_kind kind)
{
	return pst_reg_count(&w.agent.registry, kind, PST_REG_ANY, PST_REG_ANY);
}

static bool
refers(struct pst_bytes from, struct pst_bytes to)
{
	return pst_reg_count(&w.agent.registry, PST_REG_LINK, from, to) == 1;
}

static bool
there(struct pst_bytes id)
{
	struct pst_agent_component c;

	return pst_agent_component(&w.agent, id, &c) == PST_OK;
}

/* A dependency with one fetched image. */
static void
make_leaf(struct tree *t, uint64_t sequence, const char *payload)
{
	memset(t, 0, sizeof(*t));
	t->sequence = sequence;
	t->count = 1;
	t->part[0].id = SHARED;
	t->part[0].uri = AT_LEAF;
	t->part[0].payload = payload;
	tree_make(t);
}

/* A root with an image of its own and a dependency in its envelope. */
static void
make_root(struct tree *t, struct pst_bytes id, struct pst_bytes own,
    uint64_t sequence, const struct tree *dependency)
{
	memset(t, 0, sizeof(*t));
	t->id = id;
	t->sequence = sequence;
	t->count = 2;
	t->part[0].id = DEP;
	t->part[0].uri = "#dependency";
	t->part[0].dependency = dependency;
	t->part[1].id = own;
	t->part[1].uri = "#own";
	t->part[1].payload = "of the root";
}

static void
install_both(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	make_root(&b, ROOT_B, OWN_B, 1, &leaf);
	tree_install(&b, ONE, "token-b1");
	CHECK(world_success());
}

/* --- installing ---------------------------------------------------------- */

static void
an_integrated_dependency_is_installed_with_its_image(void)
{
	struct pst_suit_report_view view;
	struct pst_agent_component c;

	BEGIN();
	make_leaf(&leaf, 7, "shared content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	CHECK(world_report(&view));
	CHECK(view.success);
	CHECK(world_holds(SHARED, "shared content"));
	CHECK(world_holds(OWN_A, "of the root"));
	CHECK(refers(ROOT_A, DEP) && refers(ROOT_A, OWN_A));
	CHECK(refers(DEP, SHARED));
	CHECK_EQ(count(PST_REG_LINK), 3);
	CHECK_EQ(pst_agent_component(&w.agent, SHARED, &c), PST_OK);
	CHECK_EQ(c.sequence, 7);
	CHECK(world_tidy());
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_COMPONENT), 0);
	CHECK_EQ(count(PST_REG_MANIFEST), 1);
	CHECK(world_tidy());
}

static void
a_dependency_is_fetched_like_a_payload(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	a.part[0].uri = "https://files.example/dependency";
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	CHECK(world_holds(SHARED, "shared content"));
	CHECK(world_tidy());
}

static void
three_levels_are_installed_and_removed(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "deep down");
	memset(&middle, 0, sizeof(middle));
	middle.sequence = 1;
	middle.count = 2;
	middle.part[0].id = DEEP;
	middle.part[0].uri = "#deep";
	middle.part[0].dependency = &leaf;
	middle.part[1].id = HELLO;
	middle.part[1].uri = "#hello";
	middle.part[1].payload = "in the middle";
	tree_make(&middle);
	make_root(&a, ROOT_A, OWN_A, 1, &middle);
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	CHECK(world_holds(SHARED, "deep down"));
	CHECK(world_holds(HELLO, "in the middle"));
	CHECK(refers(ROOT_A, DEP) && refers(DEP, DEEP) && refers(DEEP, SHARED));
	/* The lowest is a dependency of another root as well. */
	make_root(&b, ROOT_B, OWN_B, 1, &leaf);
	b.part[0].id = DEEP;
	tree_install(&b, ONE, "token-b1");
	CHECK(world_success());
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK(world_success());
	CHECK(!there(DEP) && !there(HELLO));
	CHECK(world_holds(SHARED, "deep down"));
	CHECK(refers(DEEP, SHARED));
	tree_remove(ROOT_B, ONE, "token-b2");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_COMPONENT), 0);
	CHECK(world_tidy());
}

static void
a_leaf_that_fails_leaves_nothing_installed(void)
{
	struct pst_suit_report_view view;

	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	leaf.part[0].wrong = true;
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_make(&leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	CHECK(world_report(&view));
	CHECK(!view.success);
	/* It was the dependency's command that failed. */
	CHECK_EQ(view.record.walk_len, 1);
	CHECK_EQ(view.record.walk[0], 0);
	CHECK(!there(DEP) && !there(SHARED) && !there(OWN_A));
	CHECK_EQ(w.store.count, 0);
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_MANIFEST), 0);
	leaf.part[0].wrong = false;
	tree_make(&leaf);
	tree_install(&a, ONE, "token-a2");
	CHECK(world_success());
}

/* --- sharing ------------------------------------------------------------- */

static void
a_shared_dependency_stays_until_its_last_root_goes(void)
{
	install_both();
	CHECK_CASE();
	CHECK(refers(ROOT_A, DEP) && refers(ROOT_B, DEP));
	CHECK_EQ(count(PST_REG_LINK), 5);
	CHECK(world_tidy());
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK(world_success());
	CHECK(!there(OWN_A));
	CHECK(world_holds(SHARED, "shared content"));
	CHECK(refers(ROOT_B, DEP) && refers(DEP, SHARED));
	/* What is gone once is not taken away a second time. */
	tree_remove(ROOT_A, ONE, "token-a3");
	CHECK(world_success());
	CHECK(world_holds(SHARED, "shared content"));
	tree_remove(ROOT_B, ONE, "token-b2");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_COMPONENT), 0);
	CHECK(world_tidy());
}

static void
shared_content_comes_once(void)
{
	uint32_t before;

	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	before = w.fetches;
	CHECK(before > 0);
	make_root(&b, ROOT_B, OWN_B, 1, &leaf);
	b.part[0].uri = "https://files.example/dependency";
	tree_install(&b, ONE, "token-b1");
	CHECK(world_success());
	CHECK_EQ(w.fetches, before);
	CHECK(refers(ROOT_B, DEP));
}

static void
a_shared_dependency_is_not_altered(void)
{
	install_both();
	CHECK_CASE();
	make_leaf(&leaf, 2, "another content");
	make_root(&b, ROOT_B, OWN_B, 2, &leaf);
	tree_install(&b, ONE, "token-b2");
	CHECK(world_failed(
	    PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED, PST_ERR_AGENT_IN_USE));
	CHECK(world_holds(SHARED, "shared content"));
	CHECK(world_tidy());
	/* Not even what it refers to, through another dependency. */
	make_root(&b, ROOT_B, OWN_B, 2, &leaf);
	b.part[0].id = DEEP;
	tree_install(&b, ONE, "token-b3");
	CHECK_EQ(w.out.reason, PST_ERR_AGENT_IN_USE);
	CHECK(world_holds(SHARED, "shared content"));
	/* The other one gone, it is this root's alone. */
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK(world_success());
	make_root(&b, ROOT_B, OWN_B, 2, &leaf);
	tree_install(&b, ONE, "token-b4");
	CHECK(world_success());
	CHECK(world_holds(SHARED, "another content"));
	CHECK_EQ(count(PST_REG_LINK), 3);
	CHECK(world_tidy());
}

/* --- replacing ----------------------------------------------------------- */

static void
a_version_may_have_other_dependencies(void)
{
	install_both();
	CHECK_CASE();
	/* B: its own, kept elsewhere, with another image. */
	make_leaf(&leaf, 1, "only of b");
	leaf.part[0].id = HELLO;
	leaf.part[0].uri = "https://files.example/only-b";
	tree_make(&leaf);
	make_root(&b, ROOT_B, OWN_B, 2, &leaf);
	b.part[0].id = DEEP;
	tree_install(&b, ONE, "token-b2");
	CHECK(world_success());
	CHECK(world_holds(HELLO, "only of b"));
	CHECK(world_holds(SHARED, "shared content"));
	CHECK(refers(ROOT_B, DEEP) && !refers(ROOT_B, DEP));
	/* And then none at all. */
	memset(&b, 0, sizeof(b));
	b.id = ROOT_B;
	b.sequence = 3;
	b.count = 1;
	b.part[0].id = OWN_B;
	b.part[0].uri = "#own";
	b.part[0].payload = "alone";
	tree_install(&b, ONE, "token-b3");
	CHECK(world_success());
	CHECK(!there(DEEP) && !there(HELLO));
	CHECK(world_holds(SHARED, "shared content"));
	/* A without it: the last reference is gone. */
	b.id = ROOT_A;
	b.sequence = 2;
	b.part[0].id = OWN_A;
	tree_install(&b, ONE, "token-a2");
	CHECK(world_success());
	CHECK(!there(DEP) && !there(SHARED));
	CHECK_EQ(count(PST_REG_LINK), 2);
	CHECK(world_tidy());
}

static void
a_dependency_forgotten_by_its_root_goes_with_it(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	a.no_uninstall = true;
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_COMPONENT), 0);
	CHECK(world_tidy());
}

static void
versions_of_dependencies_are_kept_with_them(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	leaf.set_version = PST_BYTES_LIT("\x82\x01\x02");
	tree_make(&leaf);
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_RELEASE), 1);
	tree_remove(ROOT_A, ONE, "token-a2");
	CHECK_EQ(count(PST_REG_RELEASE), 0);
}

/* --- rights -------------------------------------------------------------- */

static void
a_dependency_is_authenticated(void)
{
	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	leaf.signer = EVE;
	tree_make(&leaf);
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK_EQ(w.out.reason, PST_ERR_COSE_SIGNATURE);
	CHECK(!there(DEP));
}

static void
a_dependency_has_its_own_signers_rights(void)
{
	BEGIN();
	/* BOB reaches bb only, whoever depends on him. */
	make_leaf(&leaf, 1, "shared content");
	leaf.signer = BOB;
	tree_make(&leaf);
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	leaf.part[0].id = WORLD;
	tree_make(&leaf);
	tree_install(&a, ONE, "token-a2");
	CHECK(world_success());
	CHECK(world_holds(WORLD, "shared content"));
	/* A TAM removes only what it reaches, dependencies included. */
	w.tams[ONE].scope.count = 1;
	tree_remove(ROOT_A, ONE, "token-a3");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	CHECK(world_holds(WORLD, "shared content"));
	w.tams[ONE].scope.count = 2;
	tree_remove(ROOT_A, ONE, "token-a4");
	CHECK(world_success());
}

static void
a_dependency_is_not_rolled_back(void)
{
	BEGIN();
	make_leaf(&leaf, 5, "new content");
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK(world_success());
	/* Its author signed this once; a root that wants it is newer. */
	make_leaf(&leaf, 4, "old content");
	make_root(&a, ROOT_A, OWN_A, 2, &leaf);
	tree_install(&a, ONE, "token-a2");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_SEQUENCE);
	CHECK(world_holds(SHARED, "new content"));
	/* It is older than a root manifest of its name, which is gone. */
	make_leaf(&leaf, 5, "as a root");
	leaf.id = ROOT_B;
	leaf.part[0].id = OWN_B;
	tree_install(&leaf, ONE, "token-b1");
	CHECK(world_success());
	tree_remove(ROOT_B, ONE, "token-b2");
	CHECK(world_success());
	leaf.sequence = 4;
	tree_make(&leaf);
	make_root(&b, ROOT_A, OWN_A, 3, &leaf);
	b.part[0].id = DEEP;
	tree_install(&b, ONE, "token-a3");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_SEQUENCE);
	leaf.sequence = 6;
	tree_make(&leaf);
	make_root(&b, ROOT_A, OWN_A, 3, &leaf);
	b.part[0].id = DEEP;
	tree_install(&b, ONE, "token-a4");
	CHECK(world_success());
	CHECK(world_holds(OWN_B, "as a root"));
}

/* --- a hostile root ------------------------------------------------------ */

/* Where BOB, who reaches bb only, keeps somebody's genuine manifest. */
#define TAKEN \
	ID("\xbb\x45" \
	   "taken")
#define TAKER \
	ID("\xbb\x45" \
	   "taker")
#define AT_MIRROR "https://mirror.example/leaf"
static const struct pst_bytes nothing;

/* {1: 1, 2: sequence, 3: <<{1: {0: {}}, 2: ids}>>, 5: id, 20: <<install>>};
 * without dependency and id when that is empty. */
static struct pst_bytes
raw_manifest(struct pst_bytes id, uint64_t sequence,
    const struct pst_bytes *ids, size_t n, struct pst_bytes install)
{
	static uint8_t out[1024];
	bool root = id.len > 0;
	struct pst_cbor_writer c;
	size_t mark, i;

	pst_cbor_writer_init(&c, out, sizeof(out));
	pst_cbor_put_map(&c, root ? 5 : 4);
	pst_cbor_put_uint(&c, PST_SUIT_VERSION);
	pst_cbor_put_uint(&c, 1);
	pst_cbor_put_uint(&c, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(&c, sequence);
	pst_cbor_put_uint(&c, PST_SUIT_COMMON);
	mark = pst_cbor_wrap_begin(&c);
	pst_cbor_put_map(&c, root ? 2 : 1);
	if (root)
		pst_cbor_put_raw(&c, PST_BYTES_LIT("\x01\xa1\x00\xa0"));
	pst_cbor_put_uint(&c, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(&c, n);
	for (i = 0; i < n; i++)
		pst_cbor_put_raw(&c, ids[i]);
	pst_cbor_wrap_bstr(&c, mark);
	if (root) {
		pst_cbor_put_uint(&c, PST_SUIT_COMPONENT_ID);
		pst_cbor_put_raw(&c, id);
	}
	pst_cbor_put_uint(&c, PST_SUIT_INSTALL);
	pst_cbor_put_bstr(&c, install);
	return pst_cbor_written(&c);
}

/* A manifest, signed; members are text keys and their values. */
static void
raw_tree(struct tree *t, int signer, struct pst_bytes manifest,
    const struct pst_suit_pair *members, size_t n)
{
	static uint8_t out[TREE_BYTES_MAX];
	struct pst_suit_parts parts = {
		.manifest = manifest, .members = members, .member_count = n
	};
	struct pst_cbor_writer c;

	memset(t, 0, sizeof(*t));
	t->signer = signer;
	pst_cbor_writer_init(&c, out, sizeof(out));
	CHECK_EQ(pst_suit_assemble(&c, pst_openssl_crypto(w.outside), &parts),
	    PST_OK);
	tree_sign(t, pst_cbor_written(&c));
}

/* bstr .cbor SUIT_Digest */
static void
put_digest(struct pst_cbor_writer *c, const uint8_t digest[32])
{
	struct pst_suit_digest d = { PST_ALG_SHA256, { digest, 32 } };
	size_t mark = pst_cbor_wrap_begin(c);

	pst_suit_digest_put(c, &d);
	pst_cbor_wrap_bstr(c, mark);
}

/* Values of {3: digest, 14: size, 21: uri}, of which `which` has bits. */
static void
put_parameters(struct pst_cbor_writer *c, uint32_t which, const char *payload,
    const char *uri)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(w.outside);
	struct pst_bytes p = { (const uint8_t *)payload, strlen(payload) };
	struct pst_bytes u = { (const uint8_t *)uri, strlen(uri) };
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;

	CHECK_EQ(
	    crypto->digest(crypto->ctx, PST_ALG_SHA256, &p, 1, digest, &len),
	    PST_OK);
	pst_cbor_put_map(c,
	    (which >> PST_SUIT_PARAM_IMAGE_DIGEST & 1) +
		(which >> PST_SUIT_PARAM_IMAGE_SIZE & 1) +
		(which >> PST_SUIT_PARAM_URI & 1));
	if (which >> PST_SUIT_PARAM_IMAGE_DIGEST & 1) {
		pst_cbor_put_uint(c, PST_SUIT_PARAM_IMAGE_DIGEST);
		put_digest(c, digest);
	}
	if (which >> PST_SUIT_PARAM_IMAGE_SIZE & 1) {
		pst_cbor_put_uint(c, PST_SUIT_PARAM_IMAGE_SIZE);
		pst_cbor_put_uint(c, p.len);
	}
	if (which >> PST_SUIT_PARAM_URI & 1) {
		pst_cbor_put_uint(c, PST_SUIT_PARAM_URI);
		pst_cbor_put_tstr(c, u);
	}
}

#define ALL_THREE \
	(1u << PST_SUIT_PARAM_IMAGE_DIGEST | 1u << PST_SUIT_PARAM_IMAGE_SIZE | \
	    1u << PST_SUIT_PARAM_URI)

/* ANNE's manifest, which sets what it needs with set-parameters. */
static void
make_genuine(void)
{
	const struct pst_bytes ids[] = { SHARED };
	struct pst_cbor_writer c;
	uint8_t install[256];

	pst_cbor_writer_init(&c, install, sizeof(install));
	pst_cbor_put_array(&c, 6);
	pst_cbor_put_uint(&c, PST_SUIT_DIR_SET_PARAMETERS);
	put_parameters(&c, ALL_THREE, "genuine", AT_LEAF);
	pst_cbor_put_raw(&c, PST_BYTES_LIT("\x15\x00\x03\x00"));
	raw_tree(&leaf, ANNE,
	    raw_manifest(nothing, 1, ids, 1, pst_cbor_written(&c)), NULL, 0);
}

/* BOB's, which presets some of it. */
static void
make_taker(uint64_t sequence, uint32_t which, const char *payload)
{
	const struct pst_bytes ids[] = { TAKEN, SHARED };
	static uint8_t value[TREE_BYTES_MAX];
	struct pst_suit_pair member = { .key = PST_BYTES_LIT("\x62#d") };
	struct pst_cbor_writer c;
	uint8_t install[512];

	pst_cbor_writer_init(&c, value, sizeof(value));
	pst_cbor_put_bstr(&c, leaf.envelope);
	member.value = pst_cbor_written(&c);
	pst_cbor_writer_init(&c, install, sizeof(install));
	pst_cbor_put_array(&c, 16);
	pst_cbor_put_raw(&c, PST_BYTES_LIT("\x0c\x00\x14\xa2\x03"));
	put_digest(&c, leaf.digest);
	pst_cbor_put_raw(
	    &c, PST_BYTES_LIT("\x15\x62#d\x15\x00\x07\x00\x0c\x01\x14"));
	put_parameters(&c, which, payload, AT_MIRROR);
	pst_cbor_put_raw(&c, PST_BYTES_LIT("\x0c\x00\x0b\x00"));
	raw_tree(&a, BOB,
	    raw_manifest(TAKER, sequence, ids, 2, pst_cbor_written(&c)),
	    &member, 1);
}

static void
send_taker(const char *token)
{
	struct world_update u = { .tam = ONE, .token = token, .manifests = 1 };

	u.manifest[0].raw = a.envelope;
	world_update(&u);
}

/*
 * Somebody who may do nothing with a component wraps the manifest of one who
 * may, and presets what that one would set.
 */
static void
a_hostile_root_says_only_where_bytes_come_from(void)
{
	struct world_image mirror = { .id = SHARED, .uri = AT_MIRROR };
	struct world_image home = { .id = SHARED, .uri = AT_LEAF };

	BEGIN();
	mirror.payload = PST_BYTES_LIT("evil!!!");
	world_serve(&mirror);
	home.payload = PST_BYTES_LIT("genuine");
	world_serve(&home);
	make_genuine();
	make_taker(1, ALL_THREE, "evil!!!");
	send_taker("token-h1");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	make_taker(1, 1u << PST_SUIT_PARAM_IMAGE_DIGEST, "evil!!!");
	send_taker("token-h2");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	make_taker(1, 1u << PST_SUIT_PARAM_IMAGE_SIZE, "genuine");
	send_taker("token-h3");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	/* The URI is free; what comes from there is not. */
	make_taker(1, 1u << PST_SUIT_PARAM_URI, "");
	send_taker("token-h4");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_CONDITION);
	CHECK(!there(SHARED) && !there(TAKEN));
	mirror.payload = PST_BYTES_LIT("genuine");
	world_serve(&mirror);
	make_taker(2, 1u << PST_SUIT_PARAM_URI, "");
	send_taker("token-h5");
	CHECK(world_success());
	CHECK(world_holds(SHARED, "genuine"));
	/* And it has no reference of its own to what it only listed. */
	CHECK(refers(TAKEN, SHARED));
	CHECK(!refers(TAKER, SHARED));
}

static void
a_root_needs_leave_to_process_a_dependency(void)
{
	struct pst_agent_scope *s = &w.signers[ANNE].scope;

	BEGIN();
	make_leaf(&leaf, 1, "shared content");
	leaf.signer = MAC;
	tree_make(&leaf);
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	s->rights[0].some_commands = true;
	s->rights[0].commands = (uint64_t)1 << PST_SUIT_DIR_FETCH;
	tree_install(&a, ONE, "token-a1");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	s->rights[0].commands |= (uint64_t)1 << PST_SUIT_DIR_PROCESS_DEPENDENCY;
	tree_install(&a, ONE, "token-a2");
	CHECK(world_success());
	memset(&s->rights[0], 0, sizeof(s->rights[0]));
}

/* --- dependencies that others have --------------------------------------- */

/* TWO has the dependency, in a root manifest of its own: bb only. */
#define FAR \
	ID("\xbb\x43" \
	   "far")
#define FAR_ROOT \
	ID("\xbb\x44" \
	   "root")

static void
make_far(void)
{
	make_leaf(&leaf, 1, "of the other TAM");
	leaf.signer = BOB;
	leaf.part[0].id = WORLD;
	tree_make(&leaf);
	/* ONE's manifest depends on it and says who has it. */
	make_root(&a, ROOT_A, OWN_A, 1, &leaf);
	a.part[0].id = FAR;
	a.part[0].uri = "https://two.example/tam";
	/* TWO's own. */
	memset(&b, 0, sizeof(b));
	b.id = FAR_ROOT;
	b.sequence = 1;
	b.signer = BOB;
	b.count = 1;
	b.part[0].id = FAR;
	b.part[0].uri = "#far";
	b.part[0].dependency = &leaf;
}

static void
policy_check(bool force)
{
	w.err = pst_agent_policy_check(&w.agent, force, &w.out);
}

static void
query(int tam)
{
	struct pst_teep_message q = { .type = PST_TEEP_QUERY_REQUEST };

	q.suites = PST_SUITE_ESP256;
	q.profiles = PST_PROFILE_ESP256_A128CTR;
	q.data_items = PST_TEEP_ITEM_TRUSTED_COMPONENTS;
	q.token = PST_BYTES_LIT("query-token");
	q.present = 1u << PST_LABEL_TOKEN;
	world_send(tam, world_make_query(tam, &q));
}

static bool
asks_for(struct pst_bytes id)
{
	struct pst_list list = w.answer.requested_tc_list;
	struct pst_teep_requested r;

	while (pst_teep_next_requested(&list, &r)) {
		if (pst_equal(r.component_id, id))
			return true;
	}
	return false;
}

static void
a_missing_dependency_is_asked_of_its_tam(void)
{
	struct pst_suit_report_view view;

	BEGIN();
	/* Nobody is due. */
	policy_check(false);
	policy_check(false);
	policy_check(false);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	make_far();
	tree_install(&a, ONE, "token-a1");
	CHECK(world_failed(
	    PST_TEEP_ERR_TEMPORARY_ERROR, PST_ERR_SUIT_DEPENDENCY_MISSING));
	CHECK(world_report(&view));
	CHECK(!view.success);
	CHECK_EQ(w.fetches, 0);
	CHECK(!there(OWN_A) && !there(FAR));
	CHECK(world_tidy());
	/* The other TAM is due at once, is asked for it, and is not due again
	 * for that. */
	policy_check(false);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(w.out.tam, TWO);
	policy_check(false);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	query(TWO);
	CHECK(asks_for(FAR));
	tree_install(&b, TWO, "token-b1");
	CHECK(world_success());
	CHECK(world_holds(WORLD, "of the other TAM"));
	CHECK_EQ(count(PST_REG_REQUEST), 0);
	/* Then the one that waited for it is. */
	policy_check(false);
	CHECK_EQ(w.out.what, PST_AGENT_CONNECT);
	CHECK_EQ(w.out.tam, ONE);
	policy_check(false);
	CHECK_EQ(w.out.what, PST_AGENT_NOTHING);
	tree_install(&a, ONE, "token-a2");
	CHECK(world_success());
	CHECK(refers(ROOT_A, FAR) && refers(FAR_ROOT, FAR));
	/* It belongs to both. */
	tree_remove(FAR_ROOT, TWO, "token-b2");
	CHECK(world_success());
	CHECK(world_holds(WORLD, "of the other TAM"));
	tree_remove(ROOT_A, ONE, "token-a3");
	CHECK(world_success());
	CHECK_EQ(count(PST_REG_LINK) + count(PST_REG_COMPONENT), 0);
	CHECK(world_tidy());
}

static void
a_dependency_that_is_not_the_one_is_missing_too(void)
{
	BEGIN();
	make_far();
	tree_install(&b, TWO, "token-b1");
	CHECK(world_success());
	make_leaf(&leaf, 2, "a newer one");
	leaf.signer = BOB;
	leaf.part[0].id = WORLD;
	tree_make(&leaf);
	tree_install(&a, ONE, "token-a1");
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_DEPENDENCY_MISSING);
	query(TWO);
	CHECK(asks_for(FAR));
	b.sequence = 2;
	tree_install(&b, TWO, "token-b2");
	CHECK(world_success());
	tree_install(&a, ONE, "token-a2");
	CHECK(world_success());
	CHECK(world_holds(WORLD, "a newer one"));
}

static void
a_missing_dependency_is_asked_of_nobody_else(void)
{
	BEGIN();
	make_far();
	a.part[0].uri = "https://files.example/nothing";
	tree_make(&a);
	w.served_count = 0;
	{
		struct world_update u = { .token = "token-a1", .manifests = 1 };

		u.manifest[0].raw = a.envelope;
		world_update(&u);
	}
	CHECK(world_failed(PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED,
	    PST_ERR_SUIT_DEPENDENCY_MISSING));
	CHECK_EQ(count(PST_REG_REQUEST), 0);
	/* A TAM that does not reach the component cannot have it. */
	make_far();
	a.part[0].id = DEP;
	tree_install(&a, ONE, "token-a2");
	CHECK_EQ(w.answer.type, PST_TEEP_ERROR);
	CHECK_EQ(count(PST_REG_REQUEST), 0);
	/* A payload may have any URI. */
	make_far();
	a.count = 1;
	a.part[0] = (struct tree_part){ .id = OWN_A,
		.uri = "https://two.example/tam",
		.payload = "a payload" };
	tree_install(&a, ONE, "token-a3");
	CHECK(world_success());
}

void
tree_cases(void)
{
	RUN(an_integrated_dependency_is_installed_with_its_image);
	RUN(a_dependency_is_fetched_like_a_payload);
	RUN(three_levels_are_installed_and_removed);
	RUN(a_leaf_that_fails_leaves_nothing_installed);
	RUN(a_shared_dependency_stays_until_its_last_root_goes);
	RUN(shared_content_comes_once);
	RUN(a_shared_dependency_is_not_altered);
	RUN(a_version_may_have_other_dependencies);
	RUN(a_dependency_forgotten_by_its_root_goes_with_it);
	RUN(versions_of_dependencies_are_kept_with_them);
	RUN(a_dependency_is_authenticated);
	RUN(a_dependency_has_its_own_signers_rights);
	RUN(a_dependency_is_not_rolled_back);
	RUN(a_hostile_root_says_only_where_bytes_come_from);
	RUN(a_root_needs_leave_to_process_a_dependency);
	RUN(a_missing_dependency_is_asked_of_its_tam);
	RUN(a_dependency_that_is_not_the_one_is_missing_too);
	RUN(a_missing_dependency_is_asked_of_nobody_else);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
