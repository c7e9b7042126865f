/*
 * The builder, signing and severing; what they write is read back by the
 * decoder and run on the device in memory.
 */
#include <stdlib.h>

#include "suit_test.h"

static const uint8_t vendor[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static const uint8_t class_id[16] = { 0xc1 };
static const uint8_t device[16] = { 0xde };
static uint8_t buffer[3][1 << 16];

static struct pst_bytes
id16(const uint8_t *v)
{
	return (struct pst_bytes){ v, 16 };
}

/* SHA-256 of data in static memory. */
static struct pst_suit_digest
sha256(struct pst_bytes data)
{
	static uint8_t room[8][PST_DIGEST_MAX];
	static size_t next;
	struct pst_suit_digest d = { PST_ALG_SHA256, { room[next++ % 8], 0 } };

	if (fixture()->crypto->digest(fixture()->crypto->ctx, PST_ALG_SHA256,
		&data, 1, room[(next - 1) % 8], &d.bytes.len) != PST_OK)
		abort();
	return d;
}

/* Three components: from a URI, from the envelope, from the manifest. */
static struct pst_suit_build
three(struct pst_suit_build_component c[3])
{
	struct pst_suit_build b;
	int i;

	memset(&b, 0, sizeof(b));
	memset(c, 0, 3 * sizeof(*c));
	for (i = 0; i < 3; i++) {
		c[i].vendor_id = id16(vendor);
		c[i].class_id = id16(class_id);
		c[i].image_bytes = UINT64_MAX;
	}
	c[0].id = component_id("from-uri");
	c[0].source = PST_SUIT_FROM_URI;
	c[0].uri = B("https://example.org/ta");
	c[0].digest = sha256(B("far away"));
	c[0].image_bytes = 8;
	c[0].device_id = id16(device);
	c[1].id = component_id("from-envelope");
	c[1].source = PST_SUIT_FROM_ENVELOPE;
	c[1].uri = B("#tc");
	c[1].data = B("travels along");
	c[1].text_version = B("1.2");
	c[2].id = component_id("from-manifest");
	c[2].source = PST_SUIT_FROM_CONTENT;
	c[2].data = B("{}");
	c[2].text_vendor = B("Vendor");
	b.sequence = 300;
	b.component_id = component_id("manifest");
	b.reference_uri = B("https://example.org/m.suit");
	b.components = c;
	b.count = 3;
	b.uninstall = true;
	b.language = B("en");
	b.text_manifest = B("what it is");
	return b;
}

static struct pst_bytes
build(int which, const struct pst_suit_build *b)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buffer[which], sizeof(buffer[which]));
	if (pst_suit_build(&w, fixture()->crypto, b) != PST_OK)
		return (struct pst_bytes){ NULL, 0 };
	return pst_cbor_written(&w);
}

static struct pst_bytes
sign_with(int which, struct pst_bytes in, uint64_t kind,
    const struct pst_signer *signer)
{
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buffer[which], sizeof(buffer[which]));
	if (pst_suit_envelope_decode(in, &env, NULL) != PST_OK ||
	    pst_suit_sign(&w, &env, fixture()->crypto, kind, signer, 1) !=
		PST_OK)
		return (struct pst_bytes){ NULL, 0 };
	return pst_cbor_written(&w);
}

static void
built_signed_and_run(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_bytes out;
	static struct world w;

	out = build(0, &b);
	CHECK(out.len > 0);
	CHECK_EQ(authentic(out, &m), PST_ERR_SUIT_UNSIGNED);
	out = sign_with(1, out, PST_TAG_SIGN1, &fixture()->signer);
	CHECK_EQ(authentic(out, &m), PST_OK);
	CHECK_EQ(m.who, 7);
	CHECK_EQ(m.sequence, 300);
	CHECK_EQ(m.components.count, 3);
	CHECK(pst_equal(m.component_id, b.component_id));
	CHECK(pst_equal(m.reference_uri, b.reference_uri));
	CHECK(pst_suit_section(&m, PST_SUIT_TEXT).len > 0);
	world_init(&w);
	world_serve(&w, "https://example.org/ta", B("far away"));
	CHECK_EQ(world_run(&w, &m, fixture()->crypto, world_update), PST_OK);
	CHECK(world_holds(&w, c[0].id, B("far away")));
	CHECK(world_holds(&w, c[1].id, B("travels along")));
	CHECK(world_holds(&w, c[2].id, B("{}")));
	CHECK_EQ(world_run(&w, &m, fixture()->crypto,
		     (const int[]){ PST_SUIT_UNINSTALL, 0 }),
	    PST_OK);
	CHECK_EQ(world_find(&w, c[2].id)->unlinks, 1);
	world_free(&w);
}

static void
another_device_is_refused(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	static struct world w;

	world_init(&w);
	world_serve(&w, "https://example.org/ta", B("far away"));
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	w.device = id16(class_id);
	CHECK_EQ(world_run(&w, &m, fixture()->crypto, world_update),
	    PST_ERR_SUIT_CONDITION);
	CHECK_EQ(w.log_len, 0);
	world_free(&w);
}

static void
early_fetch_is_payload_fetch(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	static struct world w;

	b.early = true;
	world_init(&w);
	world_serve(&w, "https://example.org/ta", B("far away"));
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK(m.sections >> PST_SUIT_PAYLOAD_FETCH & 1);
	CHECK_EQ(world_run(&w, &m, fixture()->crypto,
		     (const int[]){ PST_SUIT_PAYLOAD_FETCH, 0 }),
	    PST_OK);
	CHECK(world_holds(&w, c[0].id, B("far away")));
	CHECK(!world_find(&w, c[2].id)->present);
	world_free(&w);
}

static void
a_version_and_what_it_needs(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	static struct world w;
	struct world_component *there;
	int early;

	b.set_version = B("\x82\x02\x01");
	b.use_before_s = 1000;
	c[1].requires[0] = B("\x82\x02\x81\x01"); /* at least 1 */
	c[1].requires[1] = B("\x82\x05\x81\x02"); /* below 2 */
	for (early = 0; early < 2; early++) {
		b.early = early;
		world_init(&w);
		world_serve(&w, "https://example.org/ta", B("far away"));
		CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
		CHECK(pst_equal(pst_suit_set_version(&m), b.set_version));
		there = world_find(&w, c[1].id);
		w.now_s = 999;
		CHECK_EQ(world_run(&w, &m, fixture()->crypto, world_update),
		    PST_ERR_SUIT_CONDITION);
		memcpy(there->version, "\x82\x01\x09", 3);
		there->version_len = 3;
		w.now_s = 1000;
		CHECK_EQ(world_run(&w, &m, fixture()->crypto, world_update),
		    PST_ERR_SUIT_CONDITION);
		CHECK_EQ(w.log_len, 0);
		w.now_s = 999;
		CHECK_EQ(
		    world_run(&w, &m, fixture()->crypto, world_update), PST_OK);
		/* It still validates, and goes, when the time is over. */
		w.now_s = 1000;
		memcpy(there->version, "\x82\x02\x01", 3);
		CHECK_EQ(world_run(&w, &m, fixture()->crypto,
			     (const int[]){
				 PST_SUIT_VALIDATE, PST_SUIT_UNINSTALL, 0 }),
		    PST_OK);
		world_free(&w);
	}
}

static void
refuses_versions_that_are_none(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_cbor_writer w;

	pst_cbor_writer_count(&w);
	b.set_version = B("\x80");
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_ARG);
	b.set_version = B("\x81\x01");
	c[2].requires[1] = B("\x82\x06\x81\x01");
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_ARG);
	c[2].requires[1] = B("\x82\x01\x81\x01\x00");
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_ARG);
	c[2].requires[1] = B("\x82\x01\x81\x01");
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_OK);
}

static void
severable_sections_move_to_the_envelope(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	struct pst_bytes out, payload;
	struct pst_suit_digest identity;
	const uint32_t both = 1u << PST_SUIT_INSTALL | 1u << PST_SUIT_TEXT;

	b.severable = both | 1u << PST_SUIT_PAYLOAD_FETCH;
	out = sign_with(1, build(0, &b), PST_TAG_SIGN1, &fixture()->signer);
	CHECK_EQ(pst_suit_envelope_decode(out, &env, NULL), PST_OK);
	CHECK_EQ(pst_suit_members(&env), both);
	CHECK_EQ(authentic(out, &m), PST_OK);
	CHECK_EQ(m.severed, 0);
	identity = m.digest;
	pst_cbor_writer_init(&w, buffer[2], sizeof(buffer[2]));
	CHECK_EQ(pst_suit_sever(&w, &env, 1u << PST_SUIT_TEXT, true), PST_OK);
	out = pst_cbor_written(&w);
	CHECK_EQ(authentic(out, &m), PST_OK);
	CHECK_EQ(m.severed, 1u << PST_SUIT_TEXT);
	CHECK(pst_suit_section(&m, PST_SUIT_INSTALL).len > 0);
	CHECK(!pst_suit_integrated(&m.envelope, B("#tc"), &payload));
	CHECK(pst_equal(m.digest.bytes, identity.bytes));
}

static void
counting_tells_the_exact_size(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_cbor_writer w;
	struct pst_bytes out;
	size_t need, cap;

	b.severable = 1u << PST_SUIT_INSTALL | 1u << PST_SUIT_TEXT;
	pst_cbor_writer_count(&w);
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_OK);
	need = w.len;
	out = build(0, &b);
	CHECK_EQ(out.len, need);
	for (cap = 0; cap < need; cap++) {
		pst_cbor_writer_init(&w, buffer[1], cap);
		CHECK_EQ(
		    pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_SPACE);
	}
}

static void
building_is_deterministic(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_bytes one = build(0, &b), two = build(1, &b);

	CHECK(one.len > 0);
	CHECK(pst_equal(one, two));
}

/* Keys of every map in a sequence of bytes are in bytewise order: the text
 * section and the payloads, whose order the caller does not choose. */
static void
payloads_are_in_deterministic_order(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_bytes out;
	const char *longer, *shorter, *last;
	int i;

	for (i = 0; i < 3; i++) {
		c[i].source = PST_SUIT_FROM_ENVELOPE;
		c[i].digest.alg = 0;
		c[i].data = B("x");
	}
	c[0].uri = B("#bbb");
	c[1].uri = B("#c");
	c[2].uri = B("#aaa");
	out = build(0, &b);
	CHECK(out.len > 0);
	/* The names occur again in the manifest, before the members. */
	shorter = memmem(out.ptr, out.len, "b#cAx", 5);
	longer = memmem(out.ptr, out.len, "d#aaaAx", 7);
	last = memmem(out.ptr, out.len, "d#bbbAx", 7);
	CHECK(shorter != NULL && longer != NULL && last != NULL);
	CHECK(shorter < longer && longer < last);
}

static void
every_kind_of_block(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_bytes plain = build(0, &b);

	CHECK_EQ(authentic(
		     sign_with(1, plain, PST_TAG_SIGN, &fixture()->signer), &m),
	    PST_OK);
	CHECK_EQ(m.who, 7);
	CHECK_EQ(
	    authentic(sign_with(1, plain, PST_TAG_MAC0, &fixture()->mac), &m),
	    PST_OK);
	CHECK_EQ(m.who, 8);
	CHECK_EQ(sign_with(1, plain, 61, &fixture()->signer).len, 0);
}

static void
a_second_signature_keeps_the_first(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_suit_envelope env;
	struct pst_bytes out;
	int i;

	out = sign_with(1, build(0, &b), PST_TAG_MAC0, &fixture()->mac);
	out = sign_with(0, out, PST_TAG_SIGN1, &fixture()->signer);
	CHECK_EQ(authentic(out, &m), PST_OK);
	CHECK_EQ(m.envelope.blocks.count, 2);
	CHECK_EQ(m.who, 8);
	for (i = 2; i < PST_SUIT_AUTH_MAX; i++)
		out = sign_with(
		    i % 2 ? 0 : 1, out, PST_TAG_SIGN1, &fixture()->signer);
	CHECK_EQ(pst_suit_envelope_decode(out, &env, NULL), PST_OK);
	CHECK_EQ(env.blocks.count, PST_SUIT_AUTH_MAX);
	CHECK_EQ(sign_with(2, out, PST_TAG_SIGN1, &fixture()->signer).len, 0);
}

/* RFC 9052, Section 4.4, with the SUIT_Digest as the payload. */
static void
what_is_signed_can_be_signed_elsewhere(void)
{
	static const uint8_t head[] = "\x84\x6aSignature1\x43\xa1\x01\x28\x40";
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_signer signer = fixture()->signer;
	struct pst_suit_sign_args how = {
		.kind = PST_TAG_SIGN1, .signers = &signer, .count = 1
	};
	uint8_t made[PST_SIGNATURE_MAX];
	struct pst_suit_manifest m;
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	struct pst_bytes tbs;

	signer.alg = PST_ALG_ESP256;
	CHECK_EQ(pst_suit_envelope_decode(build(0, &b), &env, NULL), PST_OK);
	pst_cbor_writer_init(&w, buffer[1], sizeof(buffer[1]));
	CHECK_EQ(pst_suit_tbs(&w, &env, crypto, &how), PST_OK);
	tbs = pst_cbor_written(&w);
	CHECK_EQ(tbs.len, sizeof(head) - 1 + 2 + env.digest_content.len);
	CHECK(memcmp(tbs.ptr, head, sizeof(head) - 1) == 0);
	CHECK(memcmp(tbs.ptr + sizeof(head) + 1, env.digest_content.ptr,
		  env.digest_content.len) == 0);
	CHECK_EQ(crypto->sign(crypto->ctx, signer.key, signer.alg, &tbs, 1,
		     made, &how.made.len),
	    PST_OK);
	how.made.ptr = made;
	pst_cbor_writer_init(&w, buffer[2], sizeof(buffer[2]));
	CHECK_EQ(pst_suit_sign_with(&w, &env, crypto, &how), PST_OK);
	CHECK_EQ(authentic(pst_cbor_written(&w), &m), PST_OK);
	/* another one in its place */
	CHECK_EQ(
	    pst_suit_envelope_decode(pst_cbor_written(&w), &env, NULL), PST_OK);
	how.replaced = 1;
	made[0] ^= 1;
	pst_cbor_writer_init(&w, buffer[1], sizeof(buffer[1]));
	CHECK_EQ(pst_suit_sign_with(&w, &env, crypto, &how), PST_OK);
	CHECK_EQ(authentic(pst_cbor_written(&w), &m), PST_ERR_COSE_SIGNATURE);
	CHECK_EQ(
	    pst_suit_envelope_decode(pst_cbor_written(&w), &env, NULL), PST_OK);
	CHECK_EQ(env.blocks.count, 1);
	how.kind = PST_TAG_SIGN;
	CHECK_EQ(pst_suit_sign_with(&w, &env, crypto, &how), PST_ERR_ARG);
	CHECK_EQ(pst_suit_tbs(&w, &env, crypto, &how), PST_ERR_ARG);
}

static void
signing_checks_the_digest_first(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;
	struct pst_bytes out = build(0, &b);
	uint8_t *at = memmem(buffer[0], out.len, "https://example.org/m", 21);

	CHECK(at != NULL);
	*at = 'H';
	CHECK_EQ(pst_suit_envelope_decode(out, &env, NULL), PST_OK);
	pst_cbor_writer_init(&w, buffer[1], sizeof(buffer[1]));
	CHECK_EQ(pst_suit_sign(&w, &env, fixture()->crypto, PST_TAG_SIGN1,
		     &fixture()->signer, 1),
	    PST_ERR_SUIT_DIGEST);
	CHECK_EQ(w.len, 0);
}

/* What a description may not say; each row changes one thing. */
static void
refuses_descriptions_that_cannot_be_written(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b;
	struct pst_cbor_writer w;
	int row;

	for (row = 0; row < 14; row++) {
		b = three(c);
		switch (row) {
		case 0:
			b.count = 0;
			break;
		case 1:
			c[0].id = B("\x80"); /* no element */
			break;
		case 2:
			c[1].id = c[0].id;
			break;
		case 3:
			c[0].digest.alg = 0; /* nothing to compute it from */
			break;
		case 4:
			c[0].digest.bytes.len = 31;
			break;
		case 5:
			c[0].uri.len = 0;
			break;
		case 6:
			c[0].uri = B("\xff");
			break;
		case 7:
			c[0].vendor_id.len = 15;
			break;
		case 8:
			c[2].source = PST_SUIT_FROM_ENVELOPE;
			c[2].uri = c[1].uri;
			break;
		case 9:
			b.severable = 1u << PST_SUIT_VALIDATE;
			break;
		case 10:
			b.component_id = B("\x01");
			break;
		case 11:
			c[2].source = (enum pst_suit_source)9;
			break;
		case 12:
			c[2].text_version = B("\xc0\x80");
			break;
		default:
			c[2].source = PST_SUIT_FROM_DEVICE;
		}
		pst_cbor_writer_init(&w, buffer[0], sizeof(buffer[0]));
		CHECK_EQ(
		    pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_ARG);
		CHECK_EQ(w.len, 0);
	}
}

static void
refuses_too_many_components(void)
{
	static struct pst_suit_build_component c[PST_SUIT_COMPONENTS_MAX + 1];
	struct pst_suit_build b;
	struct pst_cbor_writer w;
	struct pst_suit_manifest m;
	char name[16];
	size_t i;

	memset(&b, 0, sizeof(b));
	for (i = 0; i <= PST_SUIT_COMPONENTS_MAX; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		c[i].id = component_id(name);
		c[i].source = PST_SUIT_FROM_CONTENT;
		c[i].data = B("v");
	}
	b.components = c;
	b.count = PST_SUIT_COMPONENTS_MAX;
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK_EQ(m.components.count, PST_SUIT_COMPONENTS_MAX);
	b.count++;
	pst_cbor_writer_init(&w, buffer[0], sizeof(buffer[0]));
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_LIMIT);
}

static void
refuses_too_many_dependencies(void)
{
	static struct pst_suit_build_component c[PST_SUIT_DEPENDENCIES_MAX + 1];
	struct pst_suit_build b;
	struct pst_cbor_writer w;
	struct pst_suit_manifest m;
	char name[16];
	size_t i;

	memset(&b, 0, sizeof(b));
	for (i = 0; i <= PST_SUIT_DEPENDENCIES_MAX; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		c[i].id = component_id(name);
		c[i].uri = B("https://example.org/m");
		c[i].digest = sha256(B("manifest"));
		c[i].image_bytes = 100;
		c[i].dependency = true;
		c[i].sections = 1u << PST_SUIT_INSTALL;
	}
	b.components = c;
	b.count = PST_SUIT_DEPENDENCIES_MAX;
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK_EQ(m.dependencies.count, 2 * PST_SUIT_DEPENDENCIES_MAX);
	b.count++;
	pst_cbor_writer_init(&w, buffer[0], sizeof(buffer[0]));
	CHECK_EQ(pst_suit_build(&w, fixture()->crypto, &b), PST_ERR_LIMIT);
}

/* --- what a manifest would do -------------------------------------------- */

struct seen {
	int uris, vendors, classes, digests;
	bool stop;
};

static enum pst_err
visit(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct seen *s = ctx;

	(void)component;
	if (s->stop)
		return PST_ERR_LIMIT;
	if (value.len == 0)
		return PST_ERR_ARG;
	s->uris += label == PST_SUIT_PARAM_URI && section == PST_SUIT_INSTALL;
	s->vendors += label == PST_SUIT_PARAM_VENDOR;
	s->classes += label == PST_SUIT_PARAM_CLASS;
	s->digests += label == PST_SUIT_PARAM_IMAGE_DIGEST;
	return PST_OK;
}

static void
the_walk_tells_what_a_manifest_does(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_suit_images images;
	struct seen s = { 0 };

	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK_EQ(pst_suit_manifest_images(&m, visit, &s, &images), PST_OK);
	CHECK(images.install && images.validate && images.uninstall);
	CHECK_EQ(images.digests[0], 7);
	CHECK_EQ(images.written[0], 7);
	CHECK_EQ(images.verified[0], 7);
	CHECK_EQ(images.unlinked[0], 7);
	CHECK_EQ(images.acted[0], 7);
	CHECK_EQ(s.uris, 2);
	CHECK_EQ(s.vendors, 3);
	CHECK_EQ(s.classes, 3);
	CHECK_EQ(s.digests, 3);
	s.stop = true;
	CHECK_EQ(
	    pst_suit_manifest_images(&m, visit, &s, &images), PST_ERR_LIMIT);
	b.uninstall = false;
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK_EQ(pst_suit_manifest_images(&m, NULL, NULL, &images), PST_OK);
	CHECK(!images.uninstall);
	CHECK_EQ(images.unlinked[0], 0);
}

/* A dependency and an encrypted payload: what the description needs. */
static void
dependencies_and_ciphertext(void)
{
	struct pst_suit_build_component c[3];
	struct pst_suit_build b = three(c);
	struct pst_suit_manifest m;
	struct pst_suit_images images;

	c[0].dependency = true;
	c[0].sections = 1u << PST_SUIT_INSTALL;
	c[0].prefix = component_id("under");
	c[1].encryption_info = B("\xd8\x60\x84\x40\xa0\xf6\x80");
	/* Only the plaintext's digest is one of the image. */
	CHECK_EQ(build(0, &b).len, 0);
	c[1].digest = sha256(B("plaintext"));
	c[1].image_bytes = 9;
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK(pst_suit_dependency(&m, 0) && !pst_suit_dependency(&m, 1));
	CHECK(m.sections & 1u << PST_SUIT_DEPENDENCY_RESOLUTION);
	CHECK_EQ(pst_suit_section(&m, PST_SUIT_LOAD).len, 0);
	c[0].sections |= 1u << PST_SUIT_LOAD;
	CHECK_EQ(accepted(build(0, &b), &m), PST_OK);
	CHECK(pst_suit_section(&m, PST_SUIT_LOAD).len > 0);
	CHECK_EQ(pst_suit_manifest_images(&m, NULL, NULL, &images),
	    PST_ERR_SUIT_PARAMETER);
	c[0].source = PST_SUIT_FROM_CONTENT;
	CHECK_EQ(build(0, &b).len, 0);
	c[0].source = PST_SUIT_FROM_URI;
	c[0].dependency = false;
	CHECK_EQ(build(0, &b).len, 0);
}

static void
parts_are_put_together_in_order(void)
{
	static const char end[] = "\x14\x41x\x61#\x41z\x62#b\x41y";
	struct pst_suit_pair pairs[] = { { B("\x62#b"), B("\x41y") },
		{ B("\x14"), B("\x41x") }, { B("\x61#"), B("\x41z") } };
	const struct pst_bytes block = B("block");
	struct pst_suit_parts parts = { .manifest = B("\xa0"),
		.members = pairs,
		.member_count = 3,
		.blocks = &block,
		.block_count = 1 };
	struct pst_cbor_writer w;
	struct pst_suit_envelope env;
	struct pst_bytes out;

	pst_cbor_writer_init(&w, buffer[0], sizeof(buffer[0]));
	CHECK_EQ(pst_suit_assemble(&w, fixture()->crypto, &parts), PST_OK);
	out = pst_cbor_written(&w);
	CHECK_EQ(pst_suit_envelope_decode(out, &env, NULL), PST_OK);
	CHECK_EQ(env.blocks.count, 1);
	CHECK(memcmp(out.ptr + out.len - sizeof(end) + 1, end,
		  sizeof(end) - 1) == 0);
	pairs[2].key = pairs[0].key;
	CHECK_EQ(pst_suit_assemble(&w, fixture()->crypto, &parts),
	    PST_ERR_CBOR_DUPLICATE);
	CHECK_EQ(pst_suit_pairs_put(&w, pairs, 3), PST_ERR_CBOR_DUPLICATE);
	parts.member_count = PST_SUIT_MEMBERS_MAX;
	CHECK_EQ(
	    pst_suit_assemble(&w, fixture()->crypto, &parts), PST_ERR_LIMIT);
}

int
main(void)
{
	RUN(built_signed_and_run);
	RUN(another_device_is_refused);
	RUN(early_fetch_is_payload_fetch);
	RUN(severable_sections_move_to_the_envelope);
	RUN(counting_tells_the_exact_size);
	RUN(building_is_deterministic);
	RUN(payloads_are_in_deterministic_order);
	RUN(every_kind_of_block);
	RUN(a_second_signature_keeps_the_first);
	RUN(what_is_signed_can_be_signed_elsewhere);
	RUN(signing_checks_the_digest_first);
	RUN(refuses_descriptions_that_cannot_be_written);
	RUN(a_version_and_what_it_needs);
	RUN(refuses_versions_that_are_none);
	RUN(refuses_too_many_components);
	RUN(refuses_too_many_dependencies);
	RUN(the_walk_tells_what_a_manifest_does);
	RUN(dependencies_and_ciphertext);
	RUN(parts_are_put_together_in_order);
	TEST_END();
}
