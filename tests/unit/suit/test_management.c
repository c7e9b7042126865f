/*
 * Update management: versions, and the structures that its parameters hold.
 * The commands are in tests/vectors/suit.
 */
#include <stdlib.h>

#include "core/suit/suit_run.h"
#include "draft.h"
#include "suit_test.h"

/* A parameter's value, which is a bstr, judged as a run judges it. */
static enum pst_err
judged(int64_t label, struct pst_bytes value)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	pst_cbor_reader_init(&r, value);
	err = pst_suit_param_check(&r, label, 1);
	return err != PST_OK ? err : pst_cbor_end(&r);
}

static const struct {
	int64_t label;
	struct pst_bytes content;
} structures[] = {
	/* [2, [1, 2, -1, 3]] */
	{ PST_SUIT_PARAM_VERSION,
	    { (const uint8_t *)"\x82\x02\x84\x01\x02\x20\x03", 7 } },
	/* {1: -5, 4: [h'64', [[1, [1]], [5, [2]]]], 5: 1000, 9: 6} */
	{ PST_SUIT_PARAM_WAIT_INFO,
	    { (const uint8_t *)"\xa4\x01\x24\x04\x82\x41\x64\x82\x82\x01\x81"
			       "\x01\x82\x05\x81\x02\x05\x19\x03\xe8\x09\x06",
		22 } },
	/* {1: 7, 2: {"u": 6, 5: 4}, 5: 3, 6: 1(0), 8: h'aa'} */
	{ PST_SUIT_PARAM_COMPONENT_METADATA,
	    { (const uint8_t *)"\xa5\x01\x07\x02\xa2\x61\x75\x06\x05\x04\x05"
			       "\x03\x06\xc1\x00\x08\x41\xaa",
		18 } },
};
#define STRUCTURES (sizeof(structures) / sizeof(structures[0]))

static struct pst_bytes
wrap(struct pst_bytes content)
{
	static uint8_t buf[64];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cbor_put_bstr(&w, content);
	return pst_cbor_written(&w);
}

static void
structures_are_read_and_no_truncation_is(void)
{
	struct pst_bytes part;
	size_t i;

	for (i = 0; i < STRUCTURES; i++) {
		part = structures[i].content;
		CHECK_EQ(judged(structures[i].label, wrap(part)), PST_OK);
		while (part.len-- > 0)
			CHECK_EQ(judged(structures[i].label, wrap(part)),
			    PST_ERR_SUIT_PARAMETER);
	}
}

/* With a bit flipped it is another good one, or refused as a parameter. */
static void
every_flipped_bit_is_another_value_or_refused(void)
{
	uint8_t copy[32];
	struct pst_bytes in = { copy, 0 };
	enum pst_err err;
	size_t i, bit, good = 0, bad = 0;

	for (i = 0; i < STRUCTURES; i++) {
		in.len = structures[i].content.len;
		for (bit = 0; bit < 8 * in.len; bit++) {
			memcpy(copy, structures[i].content.ptr, in.len);
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			err = judged(structures[i].label, wrap(in));
			CHECK(err == PST_OK || err == PST_ERR_SUIT_PARAMETER);
			good += err == PST_OK;
			bad += err != PST_OK;
		}
	}
	CHECK(good > 0 && bad > good);
}

static void
a_version_that_is_none_is_not_compared(void)
{
	struct pst_bytes match = B("\x82\x03\x82\x01\x02"), part = match;
	struct pst_bytes version = B("\x83\x01\x02\x07");

	CHECK_EQ(pst_suit_version_compare(match, version), PST_OK);
	while (part.len-- > 0)
		CHECK_EQ(pst_suit_version_compare(part, version),
		    PST_ERR_SUIT_PARAMETER);
	while (version.len-- > 0)
		CHECK_EQ(pst_suit_version_compare(match, version),
		    PST_ERR_SUIT_PARAMETER);
	CHECK_EQ(pst_suit_version_compare(match, B("\x81\x01\x00")),
	    PST_ERR_SUIT_PARAMETER);
	CHECK(!pst_suit_version_valid(B("\x80")));
	CHECK(!pst_suit_version_valid(B("")));
}

/* An envelope around a manifest, unsigned. */
static struct pst_bytes
envelope(struct pst_bytes content)
{
	static uint8_t buf[512];
	uint8_t digest[PST_DIGEST_MAX], bstr[256];
	struct pst_suit_digest d = { PST_ALG_SHA256, { digest, 0 } };
	struct pst_cbor_writer w, m;
	struct pst_bytes manifest;
	size_t outer, inner;

	pst_cbor_writer_init(&m, bstr, sizeof(bstr));
	pst_cbor_put_bstr(&m, content);
	manifest = pst_cbor_written(&m);
	if (fixture()->crypto->digest(fixture()->crypto->ctx, PST_ALG_SHA256,
		&manifest, 1, digest, &d.bytes.len) != PST_OK)
		abort();
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cbor_put_map(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	outer = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 1);
	inner = pst_cbor_wrap_begin(&w);
	pst_suit_digest_put(&w, &d);
	pst_cbor_wrap_bstr(&w, inner);
	pst_cbor_wrap_bstr(&w, outer);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, manifest);
	return pst_cbor_written(&w);
}

/* A run that waits: {1: 1, 2: 1, 3: <<{2: [[h'63']]}>>, 20: <<[20, {29: <<{3:
 * 1}>>}, 15, [<<[29, 2]>>, <<[20, {18: h''}]>>]]>>}: a wait for the network in
 * a try-each, whose other alternative succeeds. */
static enum pst_err
waiting(struct world *w)
{
	static struct pst_suit_manifest m;
	struct pst_cbor_writer c;
	uint8_t buf[128];
	size_t section, part;

	pst_cbor_writer_init(&c, buf, sizeof(buf));
	pst_cbor_put_map(&c, 4);
	pst_cbor_put_raw(
	    &c, B("\x01\x01\x02\x01\x03\x46\xa1\x02\x81\x81\x41\x63"));
	pst_cbor_put_uint(&c, PST_SUIT_INSTALL);
	section = pst_cbor_wrap_begin(&c);
	pst_cbor_put_array(&c, 4);
	pst_cbor_put_raw(&c, B("\x14\xa1\x18\x1d\x43\xa1\x03\x01\x0f\x82"));
	part = pst_cbor_wrap_begin(&c);
	pst_cbor_put_raw(&c, B("\x82\x18\x1d\x02"));
	pst_cbor_wrap_bstr(&c, part);
	part = pst_cbor_wrap_begin(&c);
	pst_cbor_put_raw(&c, B("\x82\x14\xa1\x12\x40"));
	pst_cbor_wrap_bstr(&c, part);
	pst_cbor_wrap_bstr(&c, section);
	if (accepted(envelope(pst_cbor_written(&c)), &m) != PST_OK)
		abort();
	world_init(w);
	w->events_after = -1;
	pst_suit_report_init(&w->report, w->records, sizeof(w->records));
	if (world_begin(w, &w->run, &m, fixture()->crypto) != PST_OK)
		abort();
	return pst_suit_run(&w->run, PST_SUIT_INSTALL);
}

static void
a_wait_that_is_given_up_is_no_failed_condition(void)
{
	static const enum pst_err status[] = { PST_ERR_SUIT_CONDITION,
		PST_ERR_AGAIN, PST_ERR_SUIT_OPERATION };
	struct pst_bytes none = { NULL, 0 };
	static struct world w;
	size_t i;

	for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		CHECK_EQ(waiting(&w), PST_ERR_AGAIN);
		CHECK_EQ(w.run.event, PST_SUIT_EVENT_NETWORK);
		CHECK_EQ(pst_suit_resume(&w.run, status[i], none, true),
		    PST_ERR_SUIT_OPERATION);
		CHECK_EQ(w.report.record.section, PST_SUIT_INSTALL);
		CHECK_EQ(w.report.reason, PST_SUIT_REASON_OPERATION_FAILED);
		CHECK_EQ(pst_suit_run_end(&w.run), PST_ERR_SUIT_OPERATION);
		world_free(&w);
	}
}

/* However often the host looks, it is one command. */
static void
a_wait_may_be_looked_at_any_number_of_times(void)
{
	struct pst_bytes chunk = B("not a payload");
	static struct world w;
	int i;

	CHECK_EQ(waiting(&w), PST_ERR_AGAIN);
	CHECK_EQ(pst_suit_run_end(&w.run), PST_ERR_STATE);
	for (i = 0; i < 2 * PST_SUIT_COMMANDS_MAX; i++)
		if (pst_suit_resume(&w.run, PST_OK, chunk, i % 2 == 0) !=
		    PST_ERR_AGAIN)
			break;
	CHECK_EQ(i, 2 * PST_SUIT_COMMANDS_MAX);
	w.events_after = 0;
	CHECK_EQ(pst_suit_resume(&w.run, PST_OK, chunk, false), PST_OK);
	CHECK_EQ(pst_suit_run_end(&w.run), PST_OK);
	CHECK_EQ(w.log_len, 0);
	world_free(&w);
}

/* --- what was measured --------------------------------------------------- */

/* Run [20, {label: value}, condition, policy]; the first record or claims. */
static struct pst_bytes
record_of(struct world *w, struct pst_bytes section, enum pst_err want)
{
	static const int install[] = { PST_SUIT_INSTALL, 0 };
	static struct pst_suit_manifest m;
	struct pst_list list = { { NULL, 0 }, 0 };
	struct pst_bytes item = { NULL, 0 };
	struct draft d = { .section = section };

	if (accepted(draft_make(&d), &m) != PST_OK ||
	    world_run(w, &m, fixture()->crypto, install) != want)
		return item;
	list.items = pst_cbor_written(&w->report.records);
	list.count = w->report.count;
	(void)pst_list_next(&list, &item);
	return item;
}

/* draft-ietf-suit-report, Section 3: "the 'reason' is typically the actual
 * value". 2 and 8: record and claims of a failure; 4: claims of a success. */
static void
records_have_what_was_measured(void)
{
	struct pst_bytes name = draft_component(0), is;
	static struct world w;

	world_init(&w);
	w.battery_mwh = 23;
	w.now_s = 1000;
	world_find(&w, name)->version_len = 3;
	memcpy(world_find(&w, name)->version, "\x82\x01\x02", 3);
	/* [20, {26: 1000}, 26, 2] */
	is = record_of(&w, B("\x84\x14\xa1\x18\x1a\x19\x03\xe8\x18\x1a\x02"),
	    PST_ERR_SUIT_CONDITION);
	CHECK(pst_equal(is, B("\x85\x80\x14\x08\x00\xa1\x18\x1a\x17")));
	/* [20, {26: 20}, 26, 4] */
	is = record_of(&w, B("\x84\x14\xa1\x18\x1a\x14\x18\x1a\x04"), PST_OK);
	CHECK(pst_equal(is,
	    B("\xa2\x00\x81\x43"
	      "c\x00\x00\x18\x1a\x17")));
	/* [20, {4: 1000}, 4, 2] */
	is = record_of(&w, B("\x84\x14\xa1\x04\x19\x03\xe8\x04\x02"),
	    PST_ERR_SUIT_CONDITION);
	CHECK(pst_equal(is, B("\x85\x80\x14\x07\x00\xa1\x04\x19\x03\xe8")));
	/* [20, {28: <<[1, [2]]>>}, 28, 2] */
	is = record_of(&w,
	    B("\x84\x14\xa1\x18\x1c\x44\x82\x01\x81\x02\x18\x1c\x02"),
	    PST_ERR_SUIT_CONDITION);
	CHECK(pst_equal(
	    is, B("\x85\x80\x14\x0a\x00\xa1\x18\x1c\x45\x82\x03\x82\x01\x02")));
	/* what cannot be measured is not told */
	w.no_clock = true;
	is = record_of(&w, B("\x84\x14\xa1\x04\x19\x03\xe8\x04\x02"),
	    PST_ERR_SUIT_CONDITION);
	CHECK(pst_equal(is, B("\x85\x80\x14\x07\x00\xa0")));
	world_free(&w);
}

int
main(void)
{
	RUN(records_have_what_was_measured);
	RUN(structures_are_read_and_no_truncation_is);
	RUN(every_flipped_bit_is_another_value_or_refused);
	RUN(a_version_that_is_none_is_not_compared);
	RUN(a_wait_that_is_given_up_is_no_failed_condition);
	RUN(a_wait_may_be_looked_at_any_number_of_times);
	TEST_END();
}
