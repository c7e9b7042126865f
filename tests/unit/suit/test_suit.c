/*
 * What vectors cannot say: every truncation and every flipped byte, the
 * order of calls, full buffers, a device and a crypto port that fail.
 */
#include <stdlib.h>

#include "ports/mem/mem.h"
#include "suit_test.h"

static uint8_t buffer[2][1 << 14];
static const char URI[] = "https://x.example/p";

/* A signed envelope with an integrated payload and a severed install. */
static struct pst_bytes
signed_envelope(int which, enum pst_suit_source source)
{
	static const uint8_t vendor[16] = { 1 };
	static uint8_t digest[PST_DIGEST_MAX];
	struct fixture *f = fixture();
	struct pst_suit_build_component c;
	struct pst_suit_envelope env;
	struct pst_suit_build b;
	struct pst_cbor_writer w;
	struct pst_bytes data = B("payload");

	memset(&b, 0, sizeof(b));
	memset(&c, 0, sizeof(c));
	c.id = component_id("ta");
	c.source = source;
	c.uri =
	    source == PST_SUIT_FROM_URI ? B("https://x.example/p") : B("#tc");
	c.data = data;
	c.image_bytes = data.len;
	c.vendor_id = (struct pst_bytes){ vendor, 16 };
	if (source == PST_SUIT_FROM_URI) {
		c.digest.alg = PST_ALG_SHA256;
		c.digest.bytes.ptr = digest;
		if (f->crypto->digest(f->crypto->ctx, PST_ALG_SHA256, &data, 1,
			digest, &c.digest.bytes.len) != PST_OK)
			abort();
	}
	b.sequence = 1;
	b.components = &c;
	b.count = 1;
	b.uninstall = true;
	b.severable = 1u << PST_SUIT_INSTALL;
	b.component_id = component_id("manifest");
	pst_cbor_writer_init(&w, buffer[!which], sizeof(buffer[0]));
	if (pst_suit_build(&w, f->crypto, &b) != PST_OK ||
	    pst_suit_envelope_decode(pst_cbor_written(&w), &env, NULL) !=
		PST_OK)
		abort();
	pst_cbor_writer_init(&w, buffer[which], sizeof(buffer[0]));
	if (pst_suit_sign(&w, &env, f->crypto, PST_TAG_SIGN1, &f->signer, 1) !=
	    PST_OK)
		abort();
	return pst_cbor_written(&w);
}

/* Authenticate, install and validate; the device then holds the payload. */
static enum pst_err
installed(struct pst_bytes in, bool *right)
{
	static struct world w;
	struct pst_suit_manifest m;
	enum pst_err err = authentic(in, &m);

	if (err != PST_OK)
		return err;
	world_init(&w);
	world_serve(&w, URI, B("payload"));
	err = world_run(&w, &m, fixture()->crypto, world_update);
	*right = world_holds(&w, component_id("ta"), B("payload"));
	world_free(&w);
	return err;
}

static void
every_truncation_is_refused(void)
{
	struct pst_bytes in = signed_envelope(0, PST_SUIT_FROM_ENVELOPE);
	uint8_t *exact;
	bool right = false;
	size_t len;

	CHECK_EQ(installed(in, &right), PST_OK);
	CHECK(right);
	for (len = 0; len < in.len; len++) {
		/* A copy of its own, so that a sanitizer sees its end. */
		exact = malloc(len + 1);
		CHECK(exact != NULL);
		memcpy(exact, in.ptr, len);
		CHECK(installed((struct pst_bytes){ exact, len }, &right) !=
		    PST_OK);
		/* Untagged, too. */
		if (len > 2)
			CHECK(
			    installed((struct pst_bytes){ exact + 2, len - 2 },
				&right) != PST_OK);
		free(exact);
	}
}

/* A flipped bit is refused, or what is installed is still the right thing:
 * the name of a key is no part of what was signed. */
static void
every_flipped_bit_is_refused_or_has_no_effect(void)
{
	struct pst_bytes in = signed_envelope(0, PST_SUIT_FROM_ENVELOPE);
	size_t i, unharmed = 0;
	bool right;
	int bit;

	for (i = 0; i < in.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			buffer[0][i] ^= (uint8_t)(1 << bit);
			right = false;
			if (installed(in, &right) == PST_OK) {
				CHECK(right);
				unharmed++;
			}
			buffer[0][i] ^= (uint8_t)(1 << bit);
		}
	}
	/* The kid: 32 bytes in an unprotected header. */
	CHECK(unharmed <= 8 * 34);
	CHECK_EQ(installed(in, &right), PST_OK);
}

static void
offsets_point_at_the_fault(void)
{
	struct pst_bytes in = signed_envelope(0, PST_SUIT_FROM_ENVELOPE);
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	const uint8_t *version;
	size_t at = 0;

	CHECK_EQ(pst_suit_envelope_decode(
		     (struct pst_bytes){ in.ptr, in.len - 1 }, &env, &at),
	    PST_ERR_CBOR_END);
	CHECK(at < in.len);
	CHECK_EQ(pst_suit_envelope_decode(in, &env, &at), PST_OK);
	CHECK_EQ(at, in.len);
	/* The manifest's map begins 01 01, version 1. */
	version = memmem(in.ptr, in.len, "\x01\x01\x02\x01\x03", 5);
	CHECK(version != NULL);
	at = 0;
	CHECK_EQ(pst_suit_accept(&env, fixture()->crypto, &m, &at), PST_OK);
	buffer[0][version - in.ptr + 1] = 2;
	CHECK_EQ(pst_suit_accept(&env, fixture()->crypto, &m, &at),
	    PST_ERR_SUIT_DIGEST);
	CHECK_EQ(m.components.count, 0);
}

static void
contexts_are_small(void)
{
	CHECK(sizeof(struct pst_suit_manifest) + sizeof(struct pst_suit_run) <=
	    2304);
}

/* --- identifiers and digests --------------------------------------------- */

static void
prefixes_are_whole_elements(void)
{
	struct pst_bytes ab = B("\x82\x41"
				"a\x41"
				"b");

	CHECK(pst_component_id_under(ab, ab));
	CHECK(pst_component_id_under(ab,
	    B("\x81\x41"
	      "a")));
	CHECK(!pst_component_id_under(ab,
	    B("\x81\x41"
	      "b")));
	CHECK(!pst_component_id_under(ab, B("\x81\x40")));
	CHECK(!pst_component_id_under(B("\x81\x42"
					"ab"),
	    B("\x81\x41"
	      "a")));
	CHECK(!pst_component_id_under(B("\x81\x41"
					"a"),
	    ab));
	CHECK(!pst_component_id_under(ab, B("\x80")));
	CHECK(!pst_component_id_under(ab, B("")));
	CHECK(!pst_component_id_under(B("\x80"), B("\x80")));
	CHECK(!pst_component_id_under(ab,
	    B("\x81\x41"
	      "a\x41")));
}

static void
identifiers_are_checked(void)
{
	CHECK(pst_component_id_valid(B("\x81\x40")));
	CHECK(!pst_component_id_valid(B("")));
	CHECK(!pst_component_id_valid(B("\x80")));
	CHECK(!pst_component_id_valid(B("\x81\x61"
					"a")));
	CHECK(!pst_component_id_valid(B("\x81\x41")));
	CHECK(!pst_component_id_valid(B("\x81\x41"
					"aa")));
	CHECK(!pst_component_id_valid(B("\x9f\x40\xff")));
}

static void
digest_lengths_belong_to_algorithms(void)
{
	static const struct {
		int alg;
		size_t len;
	} rows[] = { { PST_ALG_SHA256, 32 }, { PST_ALG_SHAKE128, 32 },
		{ PST_ALG_SHA384, 48 }, { PST_ALG_SHA512, 64 },
		{ PST_ALG_SHAKE256, 64 } };
	static const uint8_t bytes[65];
	struct pst_suit_digest d, back;
	struct pst_cbor_writer w;
	struct pst_cbor_reader r;
	uint8_t out[128];
	size_t i, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (len = rows[i].len - 1; len <= rows[i].len + 1; len++) {
			d.alg = rows[i].alg;
			d.bytes = (struct pst_bytes){ bytes, len };
			pst_cbor_writer_init(&w, out, sizeof(out));
			pst_suit_digest_put(&w, &d);
			pst_cbor_reader_init(&r, pst_cbor_written(&w));
			back = pst_suit_digest_read(&r);
			CHECK_EQ(pst_cbor_ok(&r), len == rows[i].len);
			CHECK_EQ(
			    back.alg, len == rows[i].len ? rows[i].alg : 0);
		}
	}
}

/* --- the order of calls ----------------------------------------------------
 */

static struct world world;
static struct pst_suit_manifest manifest;

static enum pst_err
begin(struct pst_suit_run *run)
{
	pst_suit_report_init(
	    &world.report, world.records, sizeof(world.records));
	return world_begin(&world, run, &manifest, fixture()->crypto);
}

/* A run that waits for its payload. */
static enum pst_err
waiting(struct pst_suit_run *run)
{
	world_free(&world);
	world_init(&world);
	if (authentic(signed_envelope(0, PST_SUIT_FROM_URI), &manifest) !=
	    PST_OK)
		abort();
	if (begin(run) != PST_OK)
		abort();
	return pst_suit_run(run, PST_SUIT_INSTALL);
}

static void
calls_out_of_order_are_refused(void)
{
	struct pst_suit_run run;
	struct pst_bytes none = { NULL, 0 };

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_VALIDATE), PST_ERR_STATE);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_STATE);
	CHECK_EQ(pst_suit_resume(&run, PST_OK, B("payload"), true), PST_OK);
	CHECK_EQ(pst_suit_resume(&run, PST_OK, none, true), PST_ERR_STATE);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_TEXT), PST_ERR_STATE);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_SEQUENCE), PST_ERR_STATE);
	CHECK_EQ(pst_suit_run(&run, (enum pst_suit_label)200), PST_ERR_STATE);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_VALIDATE), PST_OK);
	CHECK_EQ(pst_suit_run_end(&run), PST_OK);
	pst_suit_run_abandon(&run);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_VALIDATE), PST_ERR_STATE);
}

static void
a_failure_is_for_good(void)
{
	struct pst_suit_run run;
	struct pst_bytes none = { NULL, 0 };

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_resume(&run, PST_OK, B("PAYLOAD"), true),
	    PST_ERR_SUIT_CONDITION);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_INSTALL), PST_ERR_SUIT_CONDITION);
	CHECK_EQ(
	    pst_suit_resume(&run, PST_OK, none, true), PST_ERR_SUIT_CONDITION);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_SUIT_CONDITION);
	CHECK_EQ(world.report.reason, PST_SUIT_REASON_CONDITION_FAILED);
	CHECK_EQ(world.report.record.section, PST_SUIT_INSTALL);
	/* The digest that was found is told. */
	CHECK_EQ(world.report.count, 2);
	pst_suit_run_abandon(&run);
	CHECK_EQ(pst_suit_run_end(&run), PST_ERR_SUIT_CONDITION);
}

static void
a_payload_that_cannot_be_had_ends_the_run(void)
{
	static const enum pst_err rows[][2] = { { PST_ERR_FETCH,
						    PST_ERR_FETCH },
		{ PST_ERR_NOT_FOUND, PST_ERR_NOT_FOUND },
		{ PST_ERR_AGAIN, PST_ERR_FETCH },
		{ PST_ERR_SUIT_CONDITION, PST_ERR_FETCH } };
	struct pst_suit_run run;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
		CHECK_EQ(pst_suit_resume(&run, PST_OK, B("pay"), false),
		    PST_ERR_AGAIN);
		CHECK_EQ(pst_suit_resume(&run, rows[i][0], B("load"), true),
		    rows[i][1]);
		CHECK_EQ(world.report.reason, PST_SUIT_REASON_OPERATION_FAILED);
	}
}

static void
a_payload_without_end_is_cut_at_image_size(void)
{
	struct pst_suit_run run;
	int i;

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	CHECK_EQ(run.fetch_at, 0);
	for (i = 0; i < 7; i++)
		CHECK_EQ(pst_suit_resume(&run, PST_OK, B("x"), false),
		    PST_ERR_AGAIN);
	CHECK_EQ(run.fetch_at, 7);
	CHECK_EQ(
	    pst_suit_resume(&run, PST_OK, (struct pst_bytes){ NULL, 0 }, false),
	    PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_resume(&run, PST_OK, B("x"), false),
	    PST_ERR_SUIT_OPERATION);
	CHECK_EQ(world.c[0].next_len, 7);
}

/* What an interrupted run left must have the size that the manifest says. */
static void
a_fetch_that_was_complete_has_its_size_checked(void)
{
	static const char *const left[] = { "payload", "payloads", "pay" };
	struct pst_suit_run run;
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
		pst_suit_run_abandon(&run);
		world_install(&world, component_id("ta"),
		    (struct pst_bytes){
			(const uint8_t *)left[i], strlen(left[i]) });
		world.c[0].open = false;
		world.c[0].complete = true;
		memcpy(world.c[0].uri, URI, sizeof(URI) - 1);
		world.c[0].uri_len = sizeof(URI) - 1;
		CHECK_EQ(begin(&run), PST_OK);
		CHECK_EQ(pst_suit_run(&run, PST_SUIT_INSTALL),
		    i == 0 ? PST_OK : PST_ERR_SUIT_OPERATION);
	}
}

/* The port has a handful of hash handles; a run that is given up while it
 * waits, or that fails, returns its own. */
static void
abandoned_runs_hold_nothing(void)
{
	struct pst_suit_run run;
	int i;

	for (i = 0; i < 100; i++) {
		CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
		if (i % 2 == 0) {
			CHECK_EQ(pst_suit_resume(&run, PST_ERR_FETCH,
				     (struct pst_bytes){ NULL, 0 }, true),
			    PST_ERR_FETCH);
			continue;
		}
		pst_suit_run_abandon(&run);
		pst_suit_run_abandon(&run);
	}
}

static void
two_runs_at_once(void)
{
	struct pst_suit_run a, b;

	CHECK_EQ(waiting(&a), PST_ERR_AGAIN);
	CHECK_EQ(begin(&b), PST_OK);
	CHECK_EQ(pst_suit_run(&b, PST_SUIT_INSTALL), PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_resume(&a, PST_OK, B("pay"), false), PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_resume(&b, PST_OK, B("nothing"), true),
	    PST_ERR_SUIT_CONDITION);
	CHECK_EQ(a.fetch_at, 3);
	pst_suit_run_abandon(&a);
}

static void
working_memory_has_bounds(void)
{
	struct pst_suit_run run;
	size_t cap;

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	pst_suit_run_abandon(&run);
	world.memory.work_cap = PST_SUIT_WORK_MIN - 1;
	CHECK_EQ(begin(&run), PST_ERR_ARG);
	world.memory.work_cap = PST_SUIT_WORK_MIN;
	/* vendor, digest, size, and the URI. */
	for (cap = 0; cap < 4; cap++) {
		world.memory.param_cap = cap;
		CHECK_EQ(begin(&run), PST_OK);
		CHECK_EQ(pst_suit_run(&run, PST_SUIT_INSTALL), PST_ERR_LIMIT);
	}
	world.memory.param_cap = 4;
	CHECK_EQ(begin(&run), PST_OK);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_INSTALL), PST_ERR_AGAIN);
	pst_suit_run_abandon(&run);
}

/* A device that claims to have read more than was asked for. */
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

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	pst_suit_run_abandon(&run);
	world.host.read = lying_read;
	CHECK_EQ(begin(&run), PST_OK);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_VALIDATE), PST_ERR_SUIT_OPERATION);
}

static void
what_a_device_cannot_do_is_not_supported(void)
{
	struct pst_suit_run run;

	CHECK_EQ(waiting(&run), PST_ERR_AGAIN);
	pst_suit_run_abandon(&run);
	world.host.unlink = NULL;
	CHECK_EQ(begin(&run), PST_OK);
	CHECK_EQ(pst_suit_run(&run, PST_SUIT_UNINSTALL), PST_ERR_UNSUPPORTED);
	CHECK_EQ(world.report.reason, PST_SUIT_REASON_COMMAND_UNSUPPORTED);
}

/* Every call of the crypto port fails in turn; nothing is accepted, and no
 * run ends well. */
static void
a_failing_crypto_port_accepts_nothing(void)
{
	struct pst_mem_crypto mem;
	struct pst_crypto crypto;
	struct pst_bytes in = signed_envelope(0, PST_SUIT_FROM_ENVELOPE);
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	static struct world w;
	enum pst_err err;
	uint64_t calls, n;

	memset(&mem, 0, sizeof(mem));
	CHECK_EQ(pst_suit_envelope_decode(in, &env, NULL), PST_OK);
	for (n = 0, calls = 1; n <= calls; n++) {
		mem.inner = fixture()->crypto;
		memset(&mem.fault, 0, sizeof(mem.fault));
		mem.fault.fail_at = n;
		mem.fault.with = PST_ERR_CRYPTO;
		crypto = pst_mem_crypto_port(&mem);
		err = pst_suit_authenticate(
		    &env, &crypto, &fixture()->keys, &m, NULL);
		if (err == PST_OK) {
			world_init(&w);
			err = world_run(&w, &m, &crypto, world_update);
			world_free(&w);
		}
		CHECK_EQ(mem.hashing, 0);
		if (n == 0) {
			CHECK_EQ(err, PST_OK);
			calls = mem.fault.calls;
			CHECK(calls >= 4);
		} else {
			CHECK_EQ(mem.fault.failed, 1);
			CHECK(err != PST_OK);
		}
	}
}

/* --- reports ----------------------------------------------------------------
 */

static struct pst_suit_digest
some_digest(void)
{
	static const uint8_t bytes[32] = { 0xd1 };

	return (struct pst_suit_digest){ PST_ALG_SHA256, { bytes, 32 } };
}

static void
the_report_of_every_failure_can_be_read(void)
{
	struct pst_suit_digest d = some_digest();
	struct pst_suit_report_view view;
	struct pst_suit_report r;
	struct pst_cbor_writer w;
	struct pst_verified in;
	uint8_t out[512];
	int err, i;

	for (err = 0; err < 800; err++) {
		pst_suit_report_init(&r, NULL, 0);
		r.err = (enum pst_err)err;
		r.reason = pst_suit_reason_of(r.err);
		r.record.section = PST_SUIT_INSTALL;
		r.record.offset = UINT32_MAX;
		r.record.component = UINT32_MAX;
		for (i = 0; i < PST_SUIT_TREE_DEPTH_MAX; i++)
			r.record.walk[i] = UINT16_MAX;
		r.record.walk_len = PST_SUIT_TREE_DEPTH_MAX;
		pst_cbor_writer_init(&w, out, sizeof(out));
		CHECK_EQ(
		    pst_suit_report_encode(&w, &r, B("u"), &d, B("12345678")),
		    PST_OK);
		in = pst_verified_by_caller(pst_cbor_written(&w));
		CHECK_EQ(pst_suit_report_decode(&in, &view, NULL), PST_OK);
		CHECK_EQ(view.success, err == 0);
		CHECK_EQ(view.code, err);
		CHECK_EQ(view.reason, r.reason);
		CHECK(view.reason <= PST_SUIT_REASON_INVOKE_PENDING);
		CHECK((view.reason == PST_SUIT_REASON_OK) == (err == 0));
		CHECK(pst_equal(view.nonce, B("12345678")));
		CHECK(pst_equal(view.manifest.bytes, d.bytes));
		if (err != 0)
			CHECK(memcmp(&view.record, &r.record,
				  sizeof(r.record)) == 0);
	}
}

/* A report with records, into records of cap bytes. */
static void
some_report(struct pst_suit_report *r, uint8_t *records, size_t cap, int count)
{
	struct pst_cbor_writer w;
	uint8_t item[64];
	int i;

	pst_suit_report_init(r, records, cap);
	for (i = 0; i < count; i++) {
		pst_cbor_writer_init(&w, item, sizeof(item));
		pst_cbor_put_array(&w, 5);
		pst_cbor_put_array(&w, 0);
		pst_cbor_put_int(&w, PST_SUIT_INSTALL);
		pst_cbor_put_uint(&w, (uint64_t)i * 40);
		pst_cbor_put_uint(&w, 0);
		pst_cbor_put_map(&w, 0);
		pst_suit_report_add(r, pst_cbor_written(&w));
	}
	r->err = PST_ERR_SUIT_CONDITION;
	r->reason = pst_suit_reason_of(r->err);
}

static void
records_that_do_not_fit_are_counted(void)
{
	struct pst_suit_report r;
	uint8_t records[512];
	size_t cap;

	for (cap = 0; cap < sizeof(records); cap++) {
		memset(records, 0xee, sizeof(records));
		some_report(&r, records, cap, 30);
		CHECK_EQ(r.count + r.dropped, 30);
		CHECK(r.records.len <= cap);
		CHECK_EQ(r.records.err, PST_OK);
		CHECK_EQ(records[cap], 0xee);
	}
	CHECK_EQ(r.dropped, 0);
}

/* Whatever room there is, from PST_SUIT_REPORT_OVERHEAD on, the result fits;
 * the last records are what is left out. */
static void
the_result_fits_when_records_do_not(void)
{
	struct pst_suit_digest d = some_digest();
	struct pst_suit_report_view view;
	struct pst_suit_report r;
	struct pst_cbor_writer w;
	struct pst_verified in;
	uint8_t records[1024], out[1024];
	size_t cap, last = 0;
	enum pst_err err;

	some_report(&r, records, sizeof(records), 60);
	CHECK_EQ(r.dropped, 0);
	for (cap = 0; cap < sizeof(out); cap++) {
		pst_cbor_writer_init(&w, out, cap);
		err =
		    pst_suit_report_encode(&w, &r, B("uri"), &d, B("12345678"));
		if (err != PST_OK) {
			CHECK_EQ(err, PST_ERR_SPACE);
			CHECK(cap < PST_SUIT_REPORT_OVERHEAD + 11);
			continue;
		}
		in = pst_verified_by_caller(pst_cbor_written(&w));
		CHECK_EQ(pst_suit_report_decode(&in, &view, NULL), PST_OK);
		CHECK(view.records.count >= last);
		CHECK_EQ(view.reason, PST_SUIT_REASON_CONDITION_FAILED);
		last = view.records.count;
	}
	CHECK_EQ(last, 60);
}

static void
a_counting_writer_tells_the_size_of_a_report(void)
{
	struct pst_suit_digest d = some_digest();
	struct pst_suit_report r;
	struct pst_cbor_writer count, w;
	uint8_t records[1024], out[1024];

	some_report(&r, records, sizeof(records), 60);
	pst_cbor_writer_count(&count);
	CHECK_EQ(
	    pst_suit_report_encode(&count, &r, B("uri"), &d, B("")), PST_OK);
	pst_cbor_writer_init(&w, out, sizeof(out));
	CHECK_EQ(pst_suit_report_encode(&w, &r, B("uri"), &d, B("")), PST_OK);
	CHECK_EQ(w.len, count.len);
}

static void
every_truncation_of_a_report_is_refused(void)
{
	struct pst_suit_digest d = some_digest();
	struct pst_suit_report_view view;
	struct pst_suit_report r;
	struct pst_cbor_writer w;
	struct pst_verified in;
	uint8_t records[256], out[512], *exact;
	struct pst_bytes all;
	size_t len, i;
	int bit;

	some_report(&r, records, sizeof(records), 3);
	pst_cbor_writer_init(&w, out, sizeof(out));
	CHECK_EQ(
	    pst_suit_report_encode(&w, &r, B("uri"), &d, B("nonce")), PST_OK);
	all = pst_cbor_written(&w);
	for (len = 0; len < all.len; len++) {
		exact = malloc(len + 1);
		CHECK(exact != NULL);
		memcpy(exact, all.ptr, len);
		in = pst_verified_by_caller((struct pst_bytes){ exact, len });
		CHECK(pst_suit_report_decode(&in, &view, NULL) != PST_OK);
		free(exact);
	}
	for (i = 0; i < all.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			out[i] ^= (uint8_t)(1 << bit);
			in = pst_verified_by_caller(all);
			/* It may say something else; it must not crash. */
			(void)!pst_suit_report_decode(&in, &view, NULL);
			out[i] ^= (uint8_t)(1 << bit);
		}
	}
}

/* Reports that are none, as hexadecimal notation of one small digest. */
static void
refuses_reports_that_are_none(void)
{
#define REF \
	"\x18\x63\x82\x61u\x82\x2f\x58\x20" \
	"0123456789abcdef0123456789abcdef"
	const struct {
		const char *why;
		struct pst_bytes in;
		enum pst_err err;
	} rows[] = {
		{ "as it should be", B("\xa3\x03\x80\x04\xf5" REF), PST_OK },
		{ "an extension", B("\xa4\x03\x80\x04\xf5\x0a\x80" REF),
		    PST_OK },
		{ "trailing byte", B("\xa3\x03\x80\x04\xf5" REF "\x00"),
		    PST_ERR_CBOR_TRAILING },
		{ "no reference", B("\xa2\x03\x80\x04\xf5"),
		    PST_ERR_SUIT_STRUCTURE },
		{ "no records", B("\xa2\x04\xf5" REF), PST_ERR_SUIT_STRUCTURE },
		{ "no result", B("\xa2\x03\x80" REF), PST_ERR_SUIT_STRUCTURE },
		{ "result twice", B("\xa4\x03\x80\x04\xf5\x04\xf5" REF),
		    PST_ERR_CBOR_DUPLICATE },
		{ "result false", B("\xa3\x03\x80\x04\xf4" REF),
		    PST_ERR_SUIT_STRUCTURE },
		{ "result empty", B("\xa3\x03\x80\x04\xa0" REF),
		    PST_ERR_SUIT_STRUCTURE },
		{ "result without record",
		    B("\xa3\x03\x80\x04\xa2\x05\x01\x07\x01" REF),
		    PST_ERR_SUIT_STRUCTURE },
		{ "result",
		    B("\xa3\x03\x80\x04\xa3\x05\x01\x06\x85\x80\x14\x00\x00"
		      "\xa0\x07\x0a" REF),
		    PST_OK },
		{ "record of four",
		    B("\xa3\x03\x81\x84\x80\x14\x00\x00\x04\xf5" REF),
		    PST_ERR_CBOR_RANGE },
		{ "record with a negative offset",
		    B("\xa3\x03\x81\x85\x80\x14\x20\x00\xa0\x04\xf5" REF),
		    PST_ERR_CBOR_TYPE },
		{ "claims without component",
		    B("\xa3\x03\x81\xa2\x01\x40\x02\x40\x04\xf5" REF),
		    PST_ERR_SUIT_STRUCTURE },
		{ "claims without a claim",
		    B("\xa3\x03\x81\xa1\x00\x81\x40\x04\xf5" REF),
		    PST_ERR_CBOR_RANGE },
		{ "claims",
		    B("\xa3\x03\x81\xa2\x00\x81\x40\x0e\x01\x04\xf5" REF),
		    PST_OK },
		{ "nonce of text", B("\xa4\x02\x61n\x03\x80\x04\xf5" REF),
		    PST_ERR_CBOR_TYPE },
		{ "capabilities in an array",
		    B("\xa4\x03\x80\x04\xf5\x08\x80" REF), PST_ERR_CBOR_TYPE },
		{ "an array", B("\x80"), PST_ERR_CBOR_TYPE },
		{ "nothing", B(""), PST_ERR_CBOR_END },
	};
#undef REF
	struct pst_suit_report_view view;
	struct pst_verified in;
	size_t i, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = pst_verified_by_caller(rows[i].in);
		if (pst_suit_report_decode(&in, &view, &at) != rows[i].err)
			printf("  %s\n", rows[i].why);
		CHECK_EQ(pst_suit_report_decode(&in, &view, &at), rows[i].err);
		CHECK(at <= rows[i].in.len);
	}
}

/* Labels past 63 are compared with each other: without a bound on their
 * number a report of a megabyte would keep its reader busy for minutes. */
static void
properties_of_a_record_are_bounded(void)
{
	struct pst_suit_digest d = some_digest();
	struct pst_suit_report_view view;
	struct pst_suit_report r;
	struct pst_cbor_writer w;
	struct pst_verified in;
	uint8_t records[2048], item[1024], out[2048];
	uint64_t i, n;

	for (n = 64; n <= 65; n++) {
		pst_cbor_writer_init(&w, item, sizeof(item));
		pst_cbor_put_array(&w, 5);
		pst_cbor_put_array(&w, 0);
		pst_cbor_put_uint(&w, 20);
		pst_cbor_put_uint(&w, 1);
		pst_cbor_put_uint(&w, 0);
		pst_cbor_put_map(&w, (size_t)n);
		for (i = 0; i < n; i++) {
			pst_cbor_put_uint(&w, 1000 + i);
			pst_cbor_put_uint(&w, 0);
		}
		pst_suit_report_init(&r, records, sizeof(records));
		pst_suit_report_add(&r, pst_cbor_written(&w));
		pst_cbor_writer_init(&w, out, sizeof(out));
		CHECK_EQ(
		    pst_suit_report_encode(&w, &r, B("u"), &d, B("")), PST_OK);
		in = pst_verified_by_caller(pst_cbor_written(&w));
		CHECK_EQ(pst_suit_report_decode(&in, &view, NULL),
		    n == 64 ? PST_OK : PST_ERR_CBOR_RANGE);
	}
}

int
main(void)
{
	RUN(every_truncation_is_refused);
	RUN(every_flipped_bit_is_refused_or_has_no_effect);
	RUN(offsets_point_at_the_fault);
	RUN(contexts_are_small);
	RUN(prefixes_are_whole_elements);
	RUN(identifiers_are_checked);
	RUN(digest_lengths_belong_to_algorithms);
	RUN(calls_out_of_order_are_refused);
	RUN(a_failure_is_for_good);
	RUN(a_payload_that_cannot_be_had_ends_the_run);
	RUN(a_payload_without_end_is_cut_at_image_size);
	RUN(a_fetch_that_was_complete_has_its_size_checked);
	RUN(abandoned_runs_hold_nothing);
	RUN(two_runs_at_once);
	RUN(working_memory_has_bounds);
	RUN(a_device_that_lies_about_lengths_is_refused);
	RUN(what_a_device_cannot_do_is_not_supported);
	RUN(a_failing_crypto_port_accepts_nothing);
	RUN(the_report_of_every_failure_can_be_read);
	RUN(records_that_do_not_fit_are_counted);
	RUN(the_result_fits_when_records_do_not);
	RUN(a_counting_writer_tells_the_size_of_a_report);
	RUN(every_truncation_of_a_report_is_refused);
	RUN(refuses_reports_that_are_none);
	RUN(properties_of_a_record_are_bounded);
	world_free(&world);
	TEST_END();
}
