/*
 * What may be published, and what is refused with which reason.
 */
#include "world.h"

#include <postern/suit_encode.h>

static struct world w;
static struct agent dev, other; /* their TEEP keys sign manifests here */
static char note[PST_TAM_NOTE_MAX];
static struct pst_tam_manifest published;

static const struct pst_bytes none = { NULL, 0 };

static bool
add_signer(const struct agent *a, const char *name, const char *prefix)
{
	struct pst_tam_anchor anchor = { .kind = PST_TAM_SIGNER,
		.name = name,
		.key = a->pub,
		.prefixes = { component(prefix), 1 } };

	return pst_tam_anchor_add(w.store, "test", &anchor, 1) == PST_OK;
}

static bool
begin(void)
{
	return world_open(&w) && agent_new(&w, &dev, PST_ALG_ESP256) &&
	    agent_new(&w, &other, PST_ALG_ED25519) &&
	    add_signer(&dev, "dev", "app") && add_signer(&other, "other", "o");
}

#define BEGIN() CHECK(begin())
#define END() world_close(&w)

static struct pst_bytes
sign(struct pst_bytes unsigned_envelope, const struct agent *by)
{
	static uint8_t out[WORLD_BUFFER];
	struct pst_suit_envelope env;
	struct pst_cbor_writer o;

	pst_cbor_writer_init(&o, out, sizeof(out));
	if (pst_suit_envelope_decode(unsigned_envelope, &env, NULL) != PST_OK ||
	    pst_suit_sign(&o, &env, w.crypto, PST_TAG_SIGN1, &by->signer, 1) !=
		PST_OK)
		return none;
	return pst_cbor_written(&o);
}

static struct pst_bytes
id2(const char *a, const char *b)
{
	static uint8_t pool[8][64];
	static unsigned next;
	struct pst_cbor_writer o;

	pst_cbor_writer_init(&o, pool[next++ % 8], sizeof(pool[0]));
	pst_cbor_put_array(&o, 2);
	pst_cbor_put_bstr(
	    &o, (struct pst_bytes){ (const uint8_t *)a, strlen(a) });
	pst_cbor_put_bstr(
	    &o, (struct pst_bytes){ (const uint8_t *)b, strlen(b) });
	return pst_cbor_written(&o);
}

static struct pst_suit_build_component part;

/* [app, ta], integrated; rows change what they are about. */
static struct pst_suit_build
plain(uint64_t sequence)
{
	struct pst_suit_build b;

	memset(&b, 0, sizeof(b));
	memset(&part, 0, sizeof(part));
	part.id = id2("app", "ta");
	part.source = PST_SUIT_FROM_ENVELOPE;
	part.uri = PST_BYTES_LIT("#tc");
	part.data = PST_BYTES_LIT("the code");
	b.sequence = sequence;
	b.component_id = id2("app", "manifest");
	b.components = &part;
	b.count = 1;
	b.uninstall = true;
	return b;
}

static struct pst_bytes
make(const struct pst_suit_build *b, const struct agent *by)
{
	static uint8_t out[WORLD_BUFFER];
	struct pst_cbor_writer o;

	pst_cbor_writer_init(&o, out, sizeof(out));
	if (pst_suit_build(&o, w.crypto, b) != PST_OK)
		return none;
	return sign(pst_cbor_written(&o), by);
}

static enum pst_err
publish(struct pst_bytes envelope)
{
	return pst_tam_publish(w.store, w.reader, w.crypto, "test", envelope,
	    w.now_s, &published, note);
}

static enum pst_err
publish_built(const struct pst_suit_build *b, const struct agent *by)
{
	return publish(make(b, by));
}

static bool
take_manifest(void *ctx, const struct pst_tam_manifest *row)
{
	*(size_t *)ctx += strcmp(row->signer, "dev") == 0 &&
	    row->sequence == 1 && row->components.count == 1 &&
	    pst_equal(row->manifest_id, id2("app", "manifest"));
	return true;
}

static void
a_good_manifest_is_published_and_sent(void)
{
	struct pst_suit_build b;
	struct pst_bytes envelope, sent;
	size_t n = 0;

	BEGIN();
	b = plain(1);
	envelope = make(&b, &dev);
	CHECK_EQ(publish(envelope), PST_OK);
	CHECK_EQ(published.sequence, 1);
	CHECK(published.id > 0);
	CHECK_EQ(
	    pst_tam_list_manifests(w.reader, 0, 10, take_manifest, &n), PST_OK);
	CHECK_EQ(n, 1);
	CHECK(agent_enroll(&w, &other, PST_ALG_ESP256, "alpha"));
	CHECK_EQ(pst_tam_assign(w.store, "test", id2("app", "ta"), PST_TAM_ALL,
		     NULL, false, 1),
	    PST_OK);
	CHECK(world_session(&w, &other));
	CHECK(pst_teep_next_bstr(&w.msg.manifest_list, &sent));
	CHECK(pst_equal(sent, envelope));
	END();
}

static void
the_same_again_changes_nothing(void)
{
	struct pst_tam_counts c;
	struct pst_suit_build b;

	BEGIN();
	b = plain(1);
	CHECK_EQ(publish_built(&b, &dev), PST_OK);
	CHECK_EQ(publish_built(&b, &dev), PST_OK);
	CHECK_EQ(pst_tam_count(w.reader, &c), PST_OK);
	CHECK_EQ(c.manifests, 1);
	END();
}

/* pitfalls.md, Manifests: the sequence number is read and never compared: a
 * downgrade installs. */
static void
a_sequence_number_must_grow(void)
{
	struct pst_suit_build b;

	BEGIN();
	b = plain(5);
	CHECK_EQ(publish_built(&b, &dev), PST_OK);
	b = plain(4);
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_SUIT_SEQUENCE);
	b = plain(5);
	part.data = PST_BYTES_LIT("other code");
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_SUIT_SEQUENCE);
	CHECK(strstr(note, "5") != NULL);
	b = plain(6);
	CHECK_EQ(publish_built(&b, &dev), PST_OK);
	/* what was published before is not the newest any more */
	b = plain(5);
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_SUIT_SEQUENCE);
	END();
}

static void
without_manifest_component_id_is_refused(void)
{
	struct pst_suit_build b;

	BEGIN();
	b = plain(1);
	b.component_id = none;
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_SUIT_STRUCTURE);
	CHECK(strstr(note, "manifest-component-id") != NULL);
	END();
}

static void
without_uninstall_is_refused(void)
{
	struct pst_suit_build b;

	BEGIN();
	b = plain(1);
	b.uninstall = false;
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_SUIT_STRUCTURE);
	CHECK(strstr(note, "uninstall") != NULL);
	END();
}

/* A manifest that fetches and checks nothing, written by hand. */
static struct pst_bytes
unchecked(bool digest)
{
	static uint8_t out[1024];
	uint8_t manifest[512], hash[PST_DIGEST_MAX];
	struct pst_cbor_writer m, o;
	struct pst_bytes whole;
	size_t mark, len, digest_mark;

	pst_cbor_writer_init(&m, manifest, sizeof(manifest));
	mark = pst_cbor_wrap_begin(&m);
	pst_cbor_put_map(&m, 6);
	pst_cbor_put_uint(&m, PST_SUIT_VERSION);
	pst_cbor_put_uint(&m, 1);
	pst_cbor_put_uint(&m, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(&m, 1);
	pst_cbor_put_uint(&m, PST_SUIT_COMMON);
	len = pst_cbor_wrap_begin(&m);
	pst_cbor_put_map(&m, 1);
	pst_cbor_put_uint(&m, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(&m, 1);
	pst_cbor_put_raw(&m, id2("app", "ta"));
	pst_cbor_wrap_bstr(&m, len);
	pst_cbor_put_uint(&m, PST_SUIT_COMPONENT_ID);
	pst_cbor_put_raw(&m, id2("app", "manifest"));
	pst_cbor_put_uint(&m, PST_SUIT_INSTALL);
	len = pst_cbor_wrap_begin(&m);
	pst_cbor_put_array(&m, 4);
	pst_cbor_put_uint(&m, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(&m, digest ? 2 : 1);
	if (digest) {
		struct pst_suit_digest d = { PST_ALG_SHA256, digest_of(1) };

		pst_cbor_put_uint(&m, PST_SUIT_PARAM_IMAGE_DIGEST);
		digest_mark = pst_cbor_wrap_begin(&m);
		pst_suit_digest_put(&m, &d);
		pst_cbor_wrap_bstr(&m, digest_mark);
	}
	pst_cbor_put_uint(&m, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(&m, PST_BYTES_LIT("https://example.org/tc"));
	pst_cbor_put_uint(&m, PST_SUIT_DIR_FETCH);
	pst_cbor_put_uint(&m, 15);
	pst_cbor_wrap_bstr(&m, len);
	pst_cbor_put_uint(&m, PST_SUIT_UNINSTALL);
	len = pst_cbor_wrap_begin(&m);
	pst_cbor_put_array(&m, 2);
	pst_cbor_put_uint(&m, PST_SUIT_DIR_UNLINK);
	pst_cbor_put_uint(&m, 15);
	pst_cbor_wrap_bstr(&m, len);
	pst_cbor_wrap_bstr(&m, mark);
	whole = pst_cbor_written(&m);
	if (w.crypto->digest(
		w.crypto->ctx, PST_ALG_SHA256, &whole, 1, hash, &len) != PST_OK)
		return none;
	pst_cbor_writer_init(&o, out, sizeof(out));
	pst_cbor_put_tag(&o, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(&o, 2);
	pst_cbor_put_uint(&o, PST_SUIT_AUTHENTICATION);
	mark = pst_cbor_wrap_begin(&o);
	pst_cbor_put_array(&o, 1);
	digest_mark = pst_cbor_wrap_begin(&o);
	pst_cbor_put_array(&o, 2);
	pst_cbor_put_int(&o, PST_ALG_SHA256);
	pst_cbor_put_bstr(&o, (struct pst_bytes){ hash, 32 });
	pst_cbor_wrap_bstr(&o, digest_mark);
	pst_cbor_wrap_bstr(&o, mark);
	pst_cbor_put_uint(&o, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&o, whole);
	return sign(pst_cbor_written(&o), &dev);
}

static void
an_image_that_nothing_checks_is_refused(void)
{
	struct pst_bytes envelope;

	BEGIN();
	envelope = unchecked(false);
	CHECK(envelope.len > 0);
	CHECK_EQ(publish(envelope), PST_ERR_SUIT_STRUCTURE);
	CHECK(strstr(note, "image digest") != NULL);
	/* a digest that no command compares is none */
	envelope = unchecked(true);
	CHECK_EQ(publish(envelope), PST_ERR_SUIT_STRUCTURE);
	CHECK(strstr(note, "image digest") != NULL);
	END();
}

static void
a_signer_publishes_only_under_its_prefixes(void)
{
	struct pst_suit_build b;

	BEGIN();
	b = plain(1);
	CHECK_EQ(publish_built(&b, &other), PST_ERR_SUIT_UNAUTHORISED);
	CHECK(strstr(note, "other") != NULL);
	/* its own component under another's manifest-component-id */
	b = plain(1);
	part.id = id2("o", "ta");
	CHECK_EQ(publish_built(&b, &other), PST_ERR_SUIT_UNAUTHORISED);
	CHECK(strstr(note, "manifest-component-id") != NULL);
	/* another's component under its own name */
	b = plain(1);
	b.component_id = id2("o", "manifest");
	CHECK_EQ(publish_built(&b, &other), PST_ERR_SUIT_UNAUTHORISED);
	b = plain(1);
	part.id = id2("o", "ta");
	b.component_id = id2("o", "manifest");
	CHECK_EQ(publish_built(&b, &other), PST_OK);
	END();
}

/* Components [app, ta] and [o, ta]; the first is to be of size 1, and install
 * ends with what a row adds, of so many items. */
static struct pst_bytes
two_prefixes(struct pst_bytes more, size_t items)
{
	static uint8_t out[2048];
	uint8_t common[256], install[256], manifest[1024];
	struct pst_suit_pair pairs[] = { { .key = PST_BYTES_LIT("\x01"),
					     .value = PST_BYTES_LIT("\x01") },
		{ .key = PST_BYTES_LIT("\x02"),
		    .value = PST_BYTES_LIT("\x01") },
		{ .key = PST_BYTES_LIT("\x03") },
		{ .key = PST_BYTES_LIT("\x05"),
		    .value = id2("app", "manifest") },
		{ .key = PST_BYTES_LIT("\x14") },
		{ .key = PST_BYTES_LIT("\x18\x18"),
		    .value = PST_BYTES_LIT("\x46\x84\x0c\x00\x18\x21\x0f") } };
	struct pst_suit_parts parts;
	struct pst_cbor_writer o;
	size_t mark;

	pst_cbor_writer_init(&o, common, sizeof(common));
	mark = pst_cbor_wrap_begin(&o);
	pst_cbor_put_map(&o, 1);
	pst_cbor_put_uint(&o, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(&o, 2);
	pst_cbor_put_raw(&o, id2("app", "ta"));
	pst_cbor_put_raw(&o, id2("o", "ta"));
	pst_cbor_wrap_bstr(&o, mark);
	pairs[2].value = pst_cbor_written(&o);
	pst_cbor_writer_init(&o, install, sizeof(install));
	mark = pst_cbor_wrap_begin(&o);
	pst_cbor_put_array(&o, 4 + items);
	pst_cbor_put_raw(&o, PST_BYTES_LIT("\x0c\x00\x14\xa1\x0e\x01"));
	pst_cbor_put_raw(&o, more);
	pst_cbor_wrap_bstr(&o, mark);
	pairs[4].value = pst_cbor_written(&o);
	pst_cbor_writer_init(&o, manifest, sizeof(manifest));
	if (pst_suit_pairs_put(&o, pairs, 6) != PST_OK)
		return none;
	memset(&parts, 0, sizeof(parts));
	parts.manifest = pst_cbor_written(&o);
	pst_cbor_writer_init(&o, out, sizeof(out));
	if (pst_suit_assemble(&o, w.crypto, &parts) != PST_OK)
		return none;
	return sign(pst_cbor_written(&o), &dev);
}

static bool
take_components(void *ctx, const struct pst_tam_manifest *row)
{
	struct pst_list list = row->components;
	struct pst_bytes id;

	*(bool *)ctx = pst_list_next(&list, &id) && list.count == 0 &&
	    pst_equal(id, id2("app", "ta"));
	return false;
}

/* docs/decisions/0033 */
static void
a_foreign_component_may_be_listed_for_its_uri_only(void)
{
	/* what install says of component 1, and how many items that is */
	const struct {
		struct pst_bytes more;
		size_t items;
		bool refused;
	} rows[] = {
		{ PST_BYTES_LIT(""), 0, false },
		/* uri */
		{ PST_BYTES_LIT("\x0c\x01\x14\xa1\x15\x63://"), 4, false },
		/* copy-params of it */
		{ PST_BYTES_LIT("\x14\xa1\x15\x63://\x0c\x01\x18\x23\xa1\x00"
				"\x81\x15"),
		    6, false },
		/* a nested sequence, and abort in it, act on none */
		{ PST_BYTES_LIT("\x0c\x01\x18\x20\x43\x82\x0e\x0f"), 4, false },
		/* image-size, by override, in a list of both, and copied */
		{ PST_BYTES_LIT("\x0c\x01\x14\xa1\x0e\x01"), 4, true },
		{ PST_BYTES_LIT("\x0c\x82\x00\x01\x14\xa1\x0e\x01"), 4, true },
		{ PST_BYTES_LIT("\x14\xa1\x0e\x01\x0c\x01\x18\x23\xa1\x00"
				"\x81\x0e"),
		    6, true },
		{ PST_BYTES_LIT("\x18\x22\xa1\x01\xa1\x0e\x01"), 2, true },
		/* is-dependency, invoke for all, and in a try-each */
		{ PST_BYTES_LIT("\x0c\x01\x08\x0f"), 4, true },
		{ PST_BYTES_LIT("\x0c\xf5\x17\x0f"), 4, true },
		{ PST_BYTES_LIT(
		      "\x0c\x01\x0f\x83\x43\x82\x0e\x0f\x43\x82\x08\x0f\xf6"),
		    4, true },
		/* a source of component 0 */
		{ PST_BYTES_LIT("\x14\xa1\x16\x01"), 2, true },
		/* a custom command */
		{ PST_BYTES_LIT("\x0c\x01\x39\x01\x00\x60"), 4, true },
	};
	bool seen;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_bytes e;

		BEGIN();
		e = two_prefixes(rows[i].more, rows[i].items);
		CHECK(e.len > 0);
		CHECK_EQ(publish(e),
		    rows[i].refused ? PST_ERR_SUIT_UNAUTHORISED : PST_OK);
		CHECK(!rows[i].refused ||
		    strstr(note, "component 1 is outside") != NULL);
		seen = false;
		CHECK_EQ(pst_tam_list_manifests(
			     w.reader, 0, 1, take_components, &seen),
		    PST_OK);
		CHECK_EQ(seen, !rows[i].refused);
		CHECK(rows[i].refused || published.components.count == 1);
		END();
	}
}

/* Whoever is to have another's component does not get what only lists it. */
static void
what_only_lists_a_component_does_not_provide_it(void)
{
	bool found;

	BEGIN();
	CHECK_EQ(publish(two_prefixes(
		     PST_BYTES_LIT("\x0c\x01\x14\xa1\x15\x63://"), 4)),
	    PST_OK);
	CHECK_EQ(pst_tam_published(w.reader, id2("app", "ta"), &found), PST_OK);
	CHECK(found);
	CHECK_EQ(pst_tam_published(w.reader, id2("o", "ta"), &found), PST_OK);
	CHECK(!found);
	END();
}

static void
a_stranger_publishes_nothing(void)
{
	struct agent stranger;
	struct pst_suit_build b;

	BEGIN();
	CHECK(agent_new(&w, &stranger, PST_ALG_ESP256));
	b = plain(1);
	CHECK_EQ(publish_built(&b, &stranger), PST_ERR_COSE_KEY);
	/* under a kid that we know */
	memcpy(stranger.signer.kid, dev.signer.kid, PST_THUMBPRINT_LEN);
	CHECK_EQ(publish_built(&b, &stranger), PST_ERR_COSE_SIGNATURE);
	/* an anchor that was taken back */
	CHECK_EQ(
	    pst_tam_anchor_remove(w.store, "test", PST_TAM_SIGNER, "dev", 1),
	    PST_OK);
	CHECK_EQ(publish_built(&b, &dev), PST_ERR_COSE_KEY);
	END();
}

/* Without a kid every anchor is tried. */
static void
a_signer_among_many_is_found(void)
{
	struct agent last, many;
	struct pst_suit_build b;
	char name[8];
	unsigned i;

	BEGIN();
	CHECK(agent_new(&w, &many, PST_ALG_ESP256));
	CHECK(agent_new(&w, &last, PST_ALG_ESP256));
	for (i = 0; i < 253; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		CHECK(add_signer(&many, name, "app"));
	}
	CHECK(add_signer(&last, "z", "app"));
	last.signer.kid_len = 0;
	b = plain(1);
	CHECK_EQ(publish_built(&b, &last), PST_OK);
	many.signer.kid_len = 0;
	b = plain(2);
	CHECK_EQ(publish_built(&b, &many), PST_OK);
	/* one more than are tried */
	CHECK(add_signer(&many, "n", "app"));
	CHECK(add_signer(&many, "o", "app"));
	b = plain(3);
	CHECK_EQ(publish_built(&b, &last), PST_ERR_LIMIT);
	END();
}

static void
too_large_for_an_update_is_refused(void)
{
	static uint8_t big[PST_TAM_ENVELOPE_MAX + 1];

	BEGIN();
	CHECK_EQ(publish((struct pst_bytes){ big, sizeof(big) }),
	    PST_ERR_TEEP_TOO_LARGE);
	END();
}

static void
truncated_and_flipped_envelopes_are_refused(void)
{
	static uint8_t copy[WORLD_BUFFER];
	struct pst_tam_counts c;
	struct pst_suit_build b;
	struct pst_bytes e;
	size_t i, len;

	BEGIN();
	b = plain(1);
	e = make(&b, &dev);
	memcpy(copy, e.ptr, e.len);
	len = e.len;
	e.ptr = copy;
	for (e.len = 0; e.len < len; e.len++)
		CHECK(publish(e) != PST_OK);
	for (i = 0; i < len; i++) {
		copy[i] ^= 1;
		/* kid and tag are nobody's signature; all else is */
		if (publish(e) == PST_OK)
			CHECK(published.sequence == 1);
		copy[i] ^= 1;
	}
	CHECK_EQ(publish(e), PST_OK);
	CHECK_EQ(pst_tam_count(w.reader, &c), PST_OK);
	CHECK_EQ(c.manifests, 1);
	END();
}

int
main(void)
{
	RUN(a_good_manifest_is_published_and_sent);
	RUN(the_same_again_changes_nothing);
	RUN(a_sequence_number_must_grow);
	RUN(without_manifest_component_id_is_refused);
	RUN(without_uninstall_is_refused);
	RUN(an_image_that_nothing_checks_is_refused);
	RUN(a_signer_publishes_only_under_its_prefixes);
	RUN(a_foreign_component_may_be_listed_for_its_uri_only);
	RUN(what_only_lists_a_component_does_not_provide_it);
	RUN(a_stranger_publishes_nothing);
	RUN(a_signer_among_many_is_found);
	RUN(too_large_for_an_update_is_refused);
	RUN(truncated_and_flipped_envelopes_are_refused);
	TEST_END();
}
