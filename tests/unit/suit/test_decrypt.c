/*
 * Encrypted payloads while they are processed: what is left of them, what can
 * be seen before the tag, interruptions, and ports that fail.
 */
#include <stdlib.h>
#include <string.h>

#include "ports/mem/mem.h"
#include "suit_test.h"

enum { PLAIN_LEN = 700, CAP = 4096 };
#define URI B("https://x.example/c")

/* A payload, and the manifest that fetches or copies it. */
struct made {
	struct pst_suit_manifest m;
	uint8_t envelope[CAP];
	size_t envelope_len;
	uint8_t info[256];
	size_t info_len;
	uint8_t content[PLAIN_LEN + PST_AEAD_TAG_LEN];
	size_t content_len;
};

static struct world world;
static uint8_t plain[PLAIN_LEN];
static uint32_t kek;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	if (attempt > 0 || headers->alg != PST_ALG_A128KW)
		return PST_ERR_NOT_FOUND;
	*key = kek;
	*who = 0;
	return PST_OK;
}

static const struct pst_keys secrets = { NULL, NULL, find_secret, false };

static struct pst_bytes
written(const uint8_t *buf, size_t len)
{
	return (struct pst_bytes){ buf, len };
}

static void
seal(struct made *p, int32_t alg)
{
	struct pst_cose_recipient to = { PST_ALG_A128KW, kek, NULL,
		{ NULL, 0 } };
	struct pst_cose_encrypt_args args = { .alg = alg,
		.detached = true,
		.unauthenticated = true,
		.recipients = &to,
		.count = 1 };
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, p->info, sizeof(p->info));
	must(pst_cose_encrypt(&w, fixture()->crypto, &args,
		 written(plain, PLAIN_LEN), p->content,
		 &p->content_len) == PST_OK);
	p->info_len = w.len;
}

static void
put_command(struct pst_cbor_writer *w, int64_t id, uint64_t arg)
{
	pst_cbor_put_int(w, id);
	pst_cbor_put_uint(w, arg);
}

/* Fetch into component 0 and decrypt on the way. */
static void
put_fetch(struct pst_cbor_writer *w, const struct made *p)
{
	pst_cbor_put_array(w, 6);
	put_command(w, PST_SUIT_DIR_SET_COMPONENT_INDEX, 0);
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 2);
	pst_cbor_put_int(w, PST_SUIT_PARAM_ENCRYPTION_INFO);
	pst_cbor_put_bstr(w, written(p->info, p->info_len));
	pst_cbor_put_int(w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(w, URI);
	put_command(w, PST_SUIT_DIR_FETCH, 15);
}

/* Decrypt what component 1 holds into component 0. */
static void
put_copy(struct pst_cbor_writer *w, const struct made *p)
{
	pst_cbor_put_array(w, 6);
	put_command(w, PST_SUIT_DIR_SET_COMPONENT_INDEX, 0);
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 2);
	pst_cbor_put_int(w, PST_SUIT_PARAM_ENCRYPTION_INFO);
	pst_cbor_put_bstr(w, written(p->info, p->info_len));
	put_command(w, PST_SUIT_PARAM_SOURCE_COMPONENT, 1);
	put_command(w, PST_SUIT_DIR_COPY, 15);
}

/* The image-digest of the plaintext, for the present component. */
static void
put_digest(struct pst_cbor_writer *w)
{
	struct pst_suit_digest d = { PST_ALG_SHA256, { NULL, 0 } };
	struct pst_bytes in = written(plain, PLAIN_LEN);
	const struct pst_crypto *c = fixture()->crypto;
	uint8_t hash[PST_DIGEST_MAX];
	size_t mark;

	must(c->digest(c->ctx, d.alg, &in, 1, hash, &d.bytes.len) == PST_OK);
	d.bytes.ptr = hash;
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 1);
	pst_cbor_put_int(w, PST_SUIT_PARAM_IMAGE_DIGEST);
	mark = pst_cbor_wrap_begin(w);
	pst_suit_digest_put(w, &d);
	pst_cbor_wrap_bstr(w, mark);
}

/* Fetch the ciphertext into component 1. */
static void
put_source(struct pst_cbor_writer *w)
{
	put_command(w, PST_SUIT_DIR_SET_COMPONENT_INDEX, 1);
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 1);
	pst_cbor_put_int(w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(w, URI);
	put_command(w, PST_SUIT_DIR_FETCH, 15);
}

static void
put_copy_match(struct pst_cbor_writer *w, const struct made *p, bool before)
{
	pst_cbor_put_array(w, 18);
	if (before)
		put_source(w);
	put_command(w, PST_SUIT_DIR_SET_COMPONENT_INDEX, 0);
	pst_cbor_put_int(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 2);
	pst_cbor_put_int(w, PST_SUIT_PARAM_ENCRYPTION_INFO);
	pst_cbor_put_bstr(w, written(p->info, p->info_len));
	put_command(w, PST_SUIT_PARAM_SOURCE_COMPONENT, 1);
	put_command(w, PST_SUIT_DIR_COPY, 15);
	if (!before)
		put_source(w);
	put_command(w, PST_SUIT_DIR_SET_COMPONENT_INDEX, 0);
	put_digest(w);
	put_command(w, PST_SUIT_COND_IMAGE_MATCH, 15);
}

/* Fetched, decrypted, and the plaintext compared with its digest. */
static void
put_match_after(struct pst_cbor_writer *w, const struct made *p)
{
	put_copy_match(w, p, true);
}

/* Likewise, but the source was written again before the comparison. */
static void
put_match_stale(struct pst_cbor_writer *w, const struct made *p)
{
	put_copy_match(w, p, false);
}

static void
put_manifest(struct pst_cbor_writer *w, struct pst_bytes install)
{
	uint8_t common[128];
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, common, sizeof(common));
	pst_cbor_put_map(&c, 1);
	pst_cbor_put_uint(&c, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(&c, 2);
	pst_cbor_put_raw(&c, component_id("a"));
	pst_cbor_put_raw(&c, component_id("b"));
	pst_cbor_put_map(w, 4);
	put_command(w, PST_SUIT_VERSION, 1);
	put_command(w, PST_SUIT_SEQUENCE, 1);
	pst_cbor_put_uint(w, PST_SUIT_COMMON);
	pst_cbor_put_bstr(w, pst_cbor_written(&c));
	pst_cbor_put_uint(w, PST_SUIT_INSTALL);
	pst_cbor_put_bstr(w, install);
}

/* An envelope that nobody signed: the caller vouches for it. */
static void
put_envelope(struct made *p, struct pst_bytes manifest)
{
	struct pst_suit_digest d = { PST_ALG_SHA256, { NULL, 0 } };
	const struct pst_crypto *c = fixture()->crypto;
	uint8_t hash[PST_DIGEST_MAX], item[64], wrapper[80], bstr[CAP];
	struct pst_cbor_writer w, m;
	struct pst_bytes in;

	pst_cbor_writer_init(&m, bstr, sizeof(bstr));
	pst_cbor_put_bstr(&m, manifest);
	in = pst_cbor_written(&m);
	must(c->digest(c->ctx, d.alg, &in, 1, hash, &d.bytes.len) == PST_OK);
	d.bytes.ptr = hash;
	pst_cbor_writer_init(&m, item, sizeof(item));
	pst_suit_digest_put(&m, &d);
	pst_cbor_writer_init(&w, wrapper, sizeof(wrapper));
	pst_cbor_put_array(&w, 1);
	pst_cbor_put_bstr(&w, pst_cbor_written(&m));
	pst_cbor_writer_init(&m, p->envelope, sizeof(p->envelope));
	pst_cbor_put_map(&m, 2);
	pst_cbor_put_uint(&m, PST_SUIT_AUTHENTICATION);
	pst_cbor_put_bstr(&m, pst_cbor_written(&w));
	pst_cbor_put_uint(&m, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&m, in);
	must(m.err == PST_OK);
	p->envelope_len = m.len;
}

static void
make(struct made *p, int32_t alg,
    void (*put)(struct pst_cbor_writer *w, const struct made *p))
{
	uint8_t install[1024], manifest[CAP];
	struct pst_cbor_writer i, m;

	memset(p, 0, sizeof(*p));
	seal(p, alg);
	pst_cbor_writer_init(&i, install, sizeof(install));
	put(&i, p);
	pst_cbor_writer_init(&m, manifest, sizeof(manifest));
	put_manifest(&m, pst_cbor_written(&i));
	must(i.err == PST_OK && m.err == PST_OK);
	put_envelope(p, pst_cbor_written(&m));
	must(accepted(written(p->envelope, p->envelope_len), &p->m) == PST_OK);
	world_free(&world);
	world_init(&world);
	world.keys = &secrets;
	world_install(&world, component_id("a"), B("old"));
	world_install(
	    &world, component_id("b"), written(p->content, p->content_len));
}

static enum pst_err
start(struct pst_suit_run *run, const struct made *p,
    const struct pst_crypto *crypto)
{
	enum pst_err err;

	memset(run, 0xa5, sizeof(*run));
	memset(world.work, 0xa5, sizeof(world.work));
	pst_suit_report_init(
	    &world.report, world.records, sizeof(world.records));
	err = world_begin(&world, run, &p->m, crypto);
	return err == PST_OK ? pst_suit_run(run, PST_SUIT_INSTALL) : err;
}

/* The part of the payload from `at` on, and whether it is the last. */
static enum pst_err
give(struct pst_suit_run *run, const struct made *p, size_t at, size_t n)
{
	world.fetched_uri = run->fetch_uri;
	return pst_suit_resume(
	    run, PST_OK, written(p->content + at, n), at + n == p->content_len);
}

static bool
all(const void *memory, size_t len, uint8_t value)
{
	const uint8_t *p = memory;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* The work buffer was never used, or is wiped. */
static bool
holds_nothing(const struct pst_suit_run *run)
{
	return (all(world.work, sizeof(world.work), 0) ||
		   all(world.work, sizeof(world.work), 0xa5)) &&
	    all(&run->opening, sizeof(run->opening), 0) && !run->decrypting;
}

/* A ciphertext counts as verified when its plaintext is: that which it was
 * decrypted from, not what came into its place. */
static void
the_source_is_verified_as_it_was_decrypted(void)
{
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_suit_run run;
	struct made p;

	make(&p, PST_ALG_A128CTR, put_match_after);
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	CHECK_EQ(give(&run, &p, 0, p.content_len), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_OK);
	make(&p, PST_ALG_A128CTR, put_match_stale);
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	CHECK_EQ(give(&run, &p, 0, p.content_len), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_SUIT_UNVERIFIED);
}

static void
nothing_of_the_plaintext_stays(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_A128CTR };
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_suit_run run;
	struct made p;
	size_t i;

	for (i = 0; i < 2; i++) {
		make(&p, algs[i], put_fetch);
		CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
		CHECK_EQ(give(&run, &p, 0, 300), PST_ERR_AGAIN);
		CHECK(!holds_nothing(&run));
		CHECK_EQ(give(&run, &p, 300, p.content_len - 300), PST_OK);
		CHECK(holds_nothing(&run));
		make(&p, algs[i], put_copy);
		CHECK_EQ(start(&run, &p, crypto), PST_OK);
		CHECK(holds_nothing(&run));
		CHECK(world_holds(
		    &world, component_id("a"), written(plain, PLAIN_LEN)));
		/* Given up, refused by the host, and cut off by it. */
		make(&p, algs[i], put_fetch);
		CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
		CHECK_EQ(give(&run, &p, 0, 300), PST_ERR_AGAIN);
		pst_suit_run_abandon(&run);
		CHECK(holds_nothing(&run));
		make(&p, algs[i], put_fetch);
		CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
		world.fail_write = PST_ERR_STORE_FULL;
		CHECK_EQ(give(&run, &p, 0, 300), PST_ERR_STORE_FULL);
		CHECK(holds_nothing(&run));
		make(&p, algs[i], put_fetch);
		CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
		CHECK_EQ(give(&run, &p, 0, 300), PST_ERR_AGAIN);
		CHECK_EQ(pst_suit_resume(&run, PST_ERR_FETCH,
			     (struct pst_bytes){ NULL, 0 }, true),
		    PST_ERR_FETCH);
		CHECK(holds_nothing(&run));
	}
}

static void
nobody_sees_what_the_tag_has_not_closed(void)
{
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_suit_run run;
	struct made p;
	struct world_component *c;
	size_t at;

	make(&p, PST_ALG_A128GCM, put_fetch);
	c = world_find(&world, component_id("a"));
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	for (at = 0; at < p.content_len - 1; at++) {
		CHECK_EQ(give(&run, &p, at, 1), PST_ERR_AGAIN);
		CHECK_EQ(c->len, 3);
		CHECK(memcmp(c->data, "old", 3) == 0);
	}
	CHECK_EQ(run.fetch_at, p.content_len - 1);
	p.content[at] ^= 1;
	CHECK_EQ(give(&run, &p, at, 1), PST_ERR_COSE_DECRYPT);
	CHECK_EQ(world.report.reason, PST_SUIT_REASON_OPERATION_FAILED);
	CHECK_EQ(c->len, 3);
	CHECK(memcmp(c->data, "old", 3) == 0);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_COSE_DECRYPT);
}

/* Noted as an agent does it, for the fetch that is under way. */
static void
note_fetch(struct pst_suit_run *run)
{
	struct world_component *c = world_find(&world, component_id("a"));

	memcpy(c->uri, run->fetch_uri.ptr, run->fetch_uri.len);
	c->uri_len = run->fetch_uri.len;
	c->info = world.next_info;
}

static void
an_interrupted_fetch_begins_anew(void)
{
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_suit_run run;
	struct made p, other;

	make(&p, PST_ALG_A128GCM, put_fetch);
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	note_fetch(&run);
	CHECK_EQ(give(&run, &p, 0, 300), PST_ERR_AGAIN);
	pst_suit_run_abandon(&run);
	/* The device would go on at 300 less a tag: the run does not. */
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	CHECK_EQ(run.fetch_at, 0);
	note_fetch(&run);
	CHECK_EQ(give(&run, &p, 0, p.content_len), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_OK);
	CHECK(
	    world_holds(&world, component_id("a"), written(plain, PLAIN_LEN)));
	/* What is complete is not fetched again, and its tag had held. */
	CHECK_EQ(start(&run, &p, crypto), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_OK);
	/* With another key it is another fetch. */
	other = p;
	seal(&other, PST_ALG_A128GCM);
	world_find(&world, component_id("a"))->info =
	    written(other.info, other.info_len);
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	CHECK_EQ(run.fetch_at, 0);
	pst_suit_run_abandon(&run);
}

/* Without a tag somebody else must have verified it, also when it was there. */
static void
a_complete_fetch_without_tag_is_not_verified(void)
{
	const struct pst_crypto *crypto = fixture()->crypto;
	struct pst_suit_run run;
	struct made p;

	make(&p, PST_ALG_A128CTR, put_fetch);
	CHECK_EQ(start(&run, &p, crypto), PST_ERR_AGAIN);
	note_fetch(&run);
	CHECK_EQ(give(&run, &p, 0, p.content_len), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_SUIT_UNVERIFIED);
	CHECK_EQ(start(&run, &p, crypto), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_SUIT_UNVERIFIED);
}

/* Fetch or copy to the end on a port that may fail. */
static enum pst_err
whole(const struct made *p, const struct pst_crypto *crypto)
{
	struct pst_suit_run run;
	enum pst_err err = start(&run, p, crypto);

	if (err == PST_ERR_AGAIN)
		err = give(&run, p, 0, 300);
	if (err == PST_ERR_AGAIN)
		err = give(&run, p, 300, p->content_len - 300);
	if (err == PST_OK)
		err = pst_suit_run_end(&run);
	pst_suit_run_abandon(&run);
	return holds_nothing(&run) ? err : PST_ERR_STATE;
}

static void
every_fault_of_the_port_is_an_error(void)
{
	struct pst_mem_crypto mem = { .inner = fixture()->crypto };
	struct pst_crypto faulty = pst_mem_crypto_port(&mem);
	uint64_t calls, i;
	struct made p;
	int way;

	for (way = 0; way < 2; way++) {
		make(&p, PST_ALG_A128GCM, way == 0 ? put_fetch : put_copy);
		mem.fault = (struct pst_mem_fault){ 0 };
		CHECK_EQ(whole(&p, &faulty), PST_OK);
		calls = mem.fault.calls;
		CHECK(calls > 5);
		for (i = 1; i <= calls; i++) {
			make(&p, PST_ALG_A128GCM,
			    way == 0 ? put_fetch : put_copy);
			mem.fault = (struct pst_mem_fault){ .fail_at = i,
				.with = PST_ERR_CRYPTO };
			CHECK_EQ(whole(&p, &faulty), PST_ERR_CRYPTO);
			CHECK_EQ(mem.ciphering, 0);
			CHECK_EQ(mem.hashing, 0);
		}
	}
}

static enum pst_err
lying_read(void *ctx, uint32_t index, struct pst_bytes name, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	(void)ctx;
	(void)index;
	(void)name;
	(void)at;
	(void)out;
	*len = cap + 1;
	return PST_OK;
}

static void
a_device_that_lies_about_lengths_is_refused(void)
{
	struct pst_suit_run run;
	struct made p;

	make(&p, PST_ALG_A128GCM, put_copy);
	world.host.read = lying_read;
	CHECK_EQ(start(&run, &p, fixture()->crypto), PST_ERR_SUIT_OPERATION);
	CHECK(holds_nothing(&run));
}

static void
a_port_without_ciphers_refuses_the_parameter(void)
{
	struct pst_crypto bare = *fixture()->crypto;
	struct pst_suit_run run;
	struct made p;

	bare.cipher_begin = NULL;
	make(&p, PST_ALG_A128GCM, put_copy);
	CHECK_EQ(start(&run, &p, &bare), PST_ERR_SUIT_PARAMETER);
}

int
main(void)
{
	static const uint8_t secret[16] = "test kek of suit";
	struct pst_key key = { .pub.kty = PST_KTY_SYMMETRIC,
		.secret_len = sizeof(secret) };
	size_t i;

	memcpy(key.secret, secret, sizeof(secret));
	must(pst_openssl_add(fixture()->port, &key, &kek) == PST_OK);
	for (i = 0; i < PLAIN_LEN; i++)
		plain[i] = (uint8_t)(7 * i + 1);
	RUN(the_source_is_verified_as_it_was_decrypted);
	RUN(nothing_of_the_plaintext_stays);
	RUN(nobody_sees_what_the_tag_has_not_closed);
	RUN(an_interrupted_fetch_begins_anew);
	RUN(a_complete_fetch_without_tag_is_not_verified);
	RUN(every_fault_of_the_port_is_an_error);
	RUN(a_device_that_lies_about_lengths_is_refused);
	RUN(a_port_without_ciphers_refuses_the_parameter);
	world_free(&world);
	TEST_END();
}
