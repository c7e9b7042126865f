/*
 * The capability report against what a run does: every command, parameter and
 * section is tried, with every function that a host may lack there and not.
 * And reports in too little room.
 */
#include <postern/suit_report.h>
#include <stdlib.h>

#include "draft.h"
#include "suit_test.h"

enum { LABELS = 64, ROOM = 2048 };

/* The labels and algorithms that a capability report lists. */
struct listed {
	uint64_t set[16]; /* by element, of labels 0 to 63 */
	int32_t algs[64];
	size_t alg_count;
	struct pst_bytes components; /* the list, encoded */
};

static void
read_set(struct pst_cbor_reader *r, struct listed *out, int64_t element)
{
	size_t i, n = pst_cbor_array(r, 1, 64);
	int64_t v;

	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		v = pst_cbor_int(r, INT32_MIN, INT32_MAX);
		if (element == 4)
			out->algs[out->alg_count++] = (int32_t)v;
		else if (v < 0 || v >= LABELS)
			pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
		else
			out->set[element] |= (uint64_t)1 << v;
	}
}

static struct listed
read_capabilities(struct pst_bytes in)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	struct listed out;
	size_t n;

	memset(&out, 0, sizeof(out));
	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, 16, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		int64_t element = pst_cbor_key(&r, &seen);

		if (element == 1)
			out.components = pst_cbor_item(&r);
		else
			read_set(&r, &out, element & 15);
	}
	if (pst_cbor_end(&r) != PST_OK)
		abort();
	return out;
}

static struct pst_bytes
written(const struct pst_suit_capabilities *c)
{
	static uint8_t buf[ROOM];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_suit_capabilities_put(&w, c);
	if (w.err != PST_OK)
		abort();
	return pst_cbor_written(&w);
}

static bool
has(uint64_t set, int label)
{
	return (set >> label & 1) != 0;
}

/* --- hosts that lack something -------------------------------------------- */

/* Takes one function away from the world's host; false: there are no more. */
static bool
take_away(struct pst_suit_host *h, int which)
{
	switch (which) {
	case 0: /* nothing */
		break;
	case 1:
		h->now = NULL;
		break;
	case 2:
		h->battery = NULL;
		break;
	case 3:
		h->authorized = NULL;
		break;
	case 4:
		h->version = NULL;
		break;
	case 5:
		h->wait = NULL;
		break;
	case 6:
		h->swap = NULL;
		break;
	case 7:
		h->invoke = NULL;
		break;
	case 8:
		h->unlink = NULL;
		break;
	case 9:
		h->metadata = NULL;
		break;
	case 10:
		h->fetch_arguments = NULL;
		break;
	default:
		return false;
	}
	return true;
}

/* Run an install section in a world that lacks something. */
static enum pst_err
tried(const struct draft *d, int which)
{
	static const int install[] = { PST_SUIT_INSTALL, 0 };
	static struct pst_suit_manifest m;
	static struct world w;
	enum pst_err err = accepted(draft_make(d), &m);

	if (err != PST_OK)
		return err;
	world_init(&w);
	(void)take_away(&w.host, which);
	w.keys = &fixture()->keys;
	err = world_run(&w, &m, fixture()->crypto, install);
	world_free(&w);
	return err;
}

static struct listed
listed_without(int which)
{
	static struct world w;
	struct pst_suit_capabilities c = { fixture()->crypto, &w.host, true,
		NULL, 0 };

	world_init(&w);
	(void)take_away(&w.host, which);
	return read_capabilities(written(&c));
}

/* [label, 0]: as a policy it is right for most; where it is not, the argument
 * is what is refused. */
static bool
command_is_refused(int label, int which)
{
	uint8_t section[8];
	struct pst_cbor_writer w;
	struct draft d = { 0 };
	enum pst_err err;

	pst_cbor_writer_init(&w, section, sizeof(section));
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_uint(&w, (uint64_t)label);
	pst_cbor_put_uint(&w, 0);
	d.section = pst_cbor_written(&w);
	err = tried(&d, which);
	return err == PST_ERR_SUIT_COMMAND || err == PST_ERR_UNSUPPORTED;
}

static void
commands_are_those_that_are_not_refused(void)
{
	static struct world w;
	struct listed l;
	int label, which;

	world_init(&w);
	for (which = 0; take_away(&w.host, which); which++) {
		l = listed_without(which);
		for (label = 0; label < LABELS; label++) {
			if (has(l.set[2], label) ==
			    command_is_refused(label, which))
				printf("  command %d, host %d\n", label, which);
			CHECK_EQ(has(l.set[2], label),
			    !command_is_refused(label, which));
		}
	}
}

/* Values, one of which is good for each parameter that there is. */
static const struct pst_bytes values[] = {
	{ (const uint8_t *)"\x00", 1 },
	{ (const uint8_t *)"\x01", 1 },
	{ (const uint8_t *)"\xf5", 1 },
	{ (const uint8_t *)"\x61u", 2 },
	{ (const uint8_t *)"\x50"
			   "0123456789abcdef",
	    17 },
	/* <<[-16, 32 bytes]>> */
	{ (const uint8_t *)"\x58\x24\x82\x2f\x58\x20"
			   "0123456789abcdef0123456789abcdef",
	    38 },
	/* <<[3, [1]]>>, <<{1: 1}>> */
	{ (const uint8_t *)"\x44\x82\x03\x81\x01", 5 },
	{ (const uint8_t *)"\x43\xa1\x01\x01", 4 },
	/* <<96([h'', {1: -65534, 5: 16 bytes}, nil, [[h'', {1: -3}, 24 bytes]]
	 * ])>> */
	{ (const uint8_t *)"\x58\x3c\xd8\x60\x84\x40\xa2\x01\x39\xff\xfd\x05"
			   "\x50"
			   "0123456789abcdef"
			   "\xf6\x81\x83\x40\xa1\x01\x22\x58\x18"
			   "0123456789abcdef01234567",
	    62 },
};
#define VALUES (sizeof(values) / sizeof(values[0]))

/* [32, <<[20, {label: value}]>>]: soft-failure can be set in there only. */
static bool
parameter_is_refused(int label, int which)
{
	uint8_t section[128];
	struct pst_cbor_writer w;
	struct draft d = { 0 };
	size_t i, mark;

	for (i = 0; i < VALUES; i++) {
		pst_cbor_writer_init(&w, section, sizeof(section));
		pst_cbor_put_array(&w, 2);
		pst_cbor_put_uint(&w, PST_SUIT_DIR_RUN_SEQUENCE);
		mark = pst_cbor_wrap_begin(&w);
		pst_cbor_put_array(&w, 2);
		pst_cbor_put_uint(&w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		pst_cbor_put_map(&w, 1);
		pst_cbor_put_uint(&w, (uint64_t)label);
		pst_cbor_put_raw(&w, values[i]);
		pst_cbor_wrap_bstr(&w, mark);
		d.section = pst_cbor_written(&w);
		if (tried(&d, which) == PST_OK)
			return false;
	}
	return true;
}

static void
parameters_are_those_that_are_not_refused(void)
{
	static struct world w;
	struct listed l;
	int label, which;

	world_init(&w);
	for (which = 0; take_away(&w.host, which); which++) {
		l = listed_without(which);
		for (label = 0; label < LABELS; label++) {
			if (has(l.set[3], label) ==
			    parameter_is_refused(label, which))
				printf(
				    "  parameter %d, host %d\n", label, which);
			CHECK_EQ(has(l.set[3], label),
			    !parameter_is_refused(label, which));
		}
	}
}

/* A member with an empty sequence, digest or version in it. */
static bool
member_is_refused(int label)
{
	static const struct pst_bytes contents[] = {
		{ (const uint8_t *)"\x82\x0c\x00", 3 },
		{ (const uint8_t *)"\x81\x01", 2 },
		{ (const uint8_t *)"\xa0", 1 },
	};
	struct draft d = { 0 };
	size_t i;

	for (i = 0; i < 3; i++) {
		d.label = (enum pst_suit_label)label;
		d.section = contents[i];
		if (tried(&d, 0) == PST_OK)
			return false;
	}
	return true;
}

static void
sections_are_those_that_are_not_refused(void)
{
	struct listed l = listed_without(0);
	int label;

	/* 1 to 5 are no sections: draft.c writes the first three in any case,
	 * and the others are texts and identifiers. */
	CHECK_EQ(l.set[6] & 0x3f, 0x3e | (l.set[6] & 1));
	for (label = 6; label < LABELS; label++) {
		if (has(l.set[6], label) == member_is_refused(label))
			printf("  member %d\n", label);
		CHECK_EQ(has(l.set[6], label), !member_is_refused(label));
	}
	/* What the envelope may have is severed from the manifest. */
	CHECK_EQ(l.set[5] & ~(l.set[6] | 0xc), 0);
	CHECK_EQ(l.set[7], 0x16);
}

static void
algorithms_are_the_ports(void)
{
	const struct pst_crypto *c = fixture()->crypto;
	struct listed l = listed_without(0);
	bool hss = false, ctr = false;
	size_t i;

	CHECK(l.alg_count > 5);
	for (i = 0; i < l.alg_count; i++) {
		hss = hss || l.algs[i] == PST_ALG_HSS_LMS;
		ctr = ctr || l.algs[i] == PST_ALG_A128CTR;
		CHECK(l.algs[i] == PST_ALG_HSS_LMS ||
		    c->supports(c->ctx, l.algs[i]));
	}
	CHECK(hss);
	CHECK_EQ(ctr, PST_SUIT_WITH_ENCRYPTION);
}

static void
a_port_without_ciphers_lists_none(void)
{
	struct pst_crypto bare = *fixture()->crypto;
	static struct world w;
	struct pst_suit_capabilities c = { &bare, &w.host, false, NULL, 0 };
	struct listed l;
	size_t i;

	world_init(&w);
	bare.cipher_begin = NULL;
	l = read_capabilities(written(&c));
	for (i = 0; i < l.alg_count; i++)
		CHECK(l.algs[i] != PST_ALG_A128CTR &&
		    l.algs[i] != PST_ALG_A128KW);
	CHECK(!has(l.set[3], PST_SUIT_PARAM_ENCRYPTION_INFO));
	/* No arena: no dependencies. */
	CHECK(!has(l.set[2], PST_SUIT_DIR_PROCESS_DEPENDENCY));
	CHECK(!has(l.set[7], PST_SUIT_DEPENDENCIES));
}

static void
components_are_prefixes_with_a_wild_card(void)
{
	static struct world w;
	struct pst_bytes prefixes[2] = { B("\x81\x41"
					   "a"),
		B("\x82\x41"
		  "b\x41"
		  "c") };
	struct pst_suit_capabilities c = { fixture()->crypto, &w.host, true,
		prefixes, 2 };

	world_init(&w);
	CHECK(pst_equal(read_capabilities(written(&c)).components,
	    B("\x82\x82\x41"
	      "a\xf5\x83\x41"
	      "b\x41"
	      "c\xf5")));
	c.count = 0;
	CHECK(pst_equal(
	    read_capabilities(written(&c)).components, B("\x81\x81\xf5")));
}

/* --- reasons -------------------------------------------------------------- */

static const struct {
	enum pst_err err;
	enum pst_suit_reason reason;
} reasons[] = {
	{ PST_OK, PST_SUIT_REASON_OK },
	{ PST_ERR_SUIT_STRUCTURE, PST_SUIT_REASON_CBOR_PARSE },
	{ PST_ERR_SUIT_VERSION, PST_SUIT_REASON_CBOR_PARSE },
	{ PST_ERR_SUIT_UNSIGNED, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_SUIT_DIGEST, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_SUIT_SEQUENCE, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_SUIT_COMMAND, PST_SUIT_REASON_COMMAND_UNSUPPORTED },
	{ PST_ERR_SUIT_COMPONENT, PST_SUIT_REASON_COMPONENT_UNSUPPORTED },
	{ PST_ERR_SUIT_UNAUTHORISED, PST_SUIT_REASON_COMPONENT_UNAUTHORISED },
	{ PST_ERR_SUIT_PARAMETER, PST_SUIT_REASON_PARAMETER_UNSUPPORTED },
	{ PST_ERR_SUIT_SEVERED, PST_SUIT_REASON_SEVERING_UNSUPPORTED },
	{ PST_ERR_SUIT_CONDITION, PST_SUIT_REASON_CONDITION_FAILED },
	{ PST_ERR_SUIT_OPERATION, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_SUIT_UNVERIFIED, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_SUIT_DEPENDENCY, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_SUIT_DEPENDENCY_MISSING, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_SUIT_RECIPIENT, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_UNSUPPORTED, PST_SUIT_REASON_COMMAND_UNSUPPORTED },
	{ PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_COSE_STRUCTURE, PST_SUIT_REASON_COSE_UNSUPPORTED },
	{ PST_ERR_COSE_CRIT, PST_SUIT_REASON_COSE_UNSUPPORTED },
	{ PST_ERR_COSE_ALG, PST_SUIT_REASON_ALG_UNSUPPORTED },
	{ PST_ERR_COSE_KEY, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_COSE_SIGNATURE, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_COSE_KEY_FORMAT, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_COSE_CERT, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_COSE_CERT_EXPIRED, PST_SUIT_REASON_UNAUTHORISED },
	{ PST_ERR_CBOR_END, PST_SUIT_REASON_CBOR_PARSE },
	{ PST_ERR_CBOR_ORDER, PST_SUIT_REASON_CBOR_PARSE },
	{ PST_ERR_STORE, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_FETCH, PST_SUIT_REASON_OPERATION_FAILED },
	{ PST_ERR_CRYPTO, PST_SUIT_REASON_OPERATION_FAILED },
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

static bool
has_a_row(enum pst_err err)
{
	size_t i;

	for (i = 0; i < REASONS; i++)
		if (reasons[i].err == err)
			return true;
	return false;
}

/* A number of the range of SUIT that has a name and no row is an error that
 * nobody gave a reason. */
static void
every_error_has_its_reason(void)
{
	const char *unknown = pst_err_name((enum pst_err)399);
	size_t i;
	int err;

	for (i = 0; i < REASONS; i++) {
		if (pst_suit_reason_of(reasons[i].err) != reasons[i].reason)
			printf("  %s\n", pst_err_name(reasons[i].err));
		CHECK_EQ(pst_suit_reason_of(reasons[i].err), reasons[i].reason);
	}
	for (err = 300; err < 399; err++) {
		if (strcmp(pst_err_name((enum pst_err)err), unknown) == 0)
			continue;
		if (!has_a_row((enum pst_err)err))
			printf("  %d has no row\n", err);
		CHECK(has_a_row((enum pst_err)err));
	}
}

/* --- too little room --------------------------------------------------------
 */

static const struct pst_suit_digest digest = { PST_ALG_SHA256,
	{ (const uint8_t *)"0123456789abcdef0123456789abcdef", 32 } };

/* Records of 6 and more bytes, each other than the one before. */
static struct pst_bytes
some_record(size_t n)
{
	static uint8_t buf[32];
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cbor_put_array(&w, 5);
	pst_cbor_put_array(&w, 0);
	pst_cbor_put_uint(&w, 20);
	pst_cbor_put_uint(&w, n % 3 == 0 ? 70000 + n : n);
	pst_cbor_put_uint(&w, 0);
	pst_cbor_put_map(&w, 0);
	return pst_cbor_written(&w);
}

enum { RECORDS = 40 };

/* Whatever the caller's buffer for records holds: a record is there whole or
 * not at all, in order, and every other one is counted. */
static void
a_full_buffer_of_records_drops_them_whole(void)
{
	uint8_t buf[RECORDS * 12];
	struct pst_suit_report r;
	struct pst_list kept;
	struct pst_bytes item;
	size_t cap, i, fit;

	for (cap = 0; cap <= sizeof(buf); cap++) {
		memset(buf, 0xee, sizeof(buf));
		pst_suit_report_init(&r, buf, cap);
		for (i = 0; i < RECORDS; i++)
			pst_suit_report_add(&r, some_record(i));
		CHECK_EQ(r.count + r.dropped, RECORDS);
		CHECK(r.records.len <= cap);
		for (i = cap; i < sizeof(buf); i++)
			CHECK_EQ(buf[i], 0xee);
		kept.items = pst_cbor_written(&r.records);
		kept.count = r.count;
		for (i = 0, fit = 0; i < RECORDS; i++) {
			if (some_record(i).len > cap - fit)
				continue;
			CHECK(pst_list_next(&kept, &item));
			CHECK(pst_equal(item, some_record(i)));
			fit += item.len;
		}
		CHECK(!pst_list_next(&kept, &item));
	}
}

/* The whole report in every room: nothing, or the result with as many of the
 * first records as fit, and the capabilities when all fits. */
static void
a_report_in_any_room_says_what_matters_most(void)
{
	static uint8_t records[RECORDS * 12], buf[ROOM];
	static struct world w;
	struct pst_suit_capabilities can = { fixture()->crypto, &w.host, true,
		NULL, 0 };
	struct pst_bytes uri = B("https://x.example/m"), nonce = B("nonce678");
	struct pst_suit_report_view view;
	struct pst_cbor_writer c, all;
	struct pst_verified in;
	struct pst_suit_report r;
	size_t i, cap, least = SIZE_MAX, seen = 0, previous = 0;

	world_init(&w);
	pst_suit_report_init(&r, records, sizeof(records));
	for (i = 0; i < RECORDS; i++)
		pst_suit_report_add(&r, some_record(i));
	r.err = PST_ERR_SUIT_COMMAND;
	r.reason = PST_SUIT_REASON_COMMAND_UNSUPPORTED;
	r.record.section = 20;
	r.record.offset = 1234;
	r.capabilities = &can;
	pst_cbor_writer_count(&all);
	CHECK_EQ(pst_suit_report_encode(&all, &r, uri, &digest, nonce), PST_OK);
	CHECK(all.len <= sizeof(buf));
	for (cap = 0; cap <= all.len; cap++) {
		pst_cbor_writer_init(&c, buf, cap);
		if (pst_suit_report_encode(&c, &r, uri, &digest, nonce) !=
		    PST_OK) {
			CHECK_EQ(c.err, PST_ERR_SPACE);
			CHECK_EQ(least, SIZE_MAX);
			continue;
		}
		least = cap < least ? cap : least;
		in = pst_verified_by_caller(pst_cbor_written(&c));
		CHECK_EQ(pst_suit_report_decode(&in, &view, NULL), PST_OK);
		CHECK_EQ(view.reason, PST_SUIT_REASON_COMMAND_UNSUPPORTED);
		CHECK_EQ(view.code, PST_ERR_SUIT_COMMAND);
		CHECK_EQ(view.record.offset, 1234);
		CHECK(pst_equal(view.nonce, nonce));
		CHECK_EQ(view.capability_report.len > 0, cap == all.len);
		CHECK(view.records.count >= previous);
		previous = view.records.count;
		for (i = 0; pst_list_next(&view.records, &in.payload); i++)
			CHECK(pst_equal(in.payload, some_record(i)));
		seen |= i == 0 ? 1 : i == RECORDS ? 2 : 4;
	}
	CHECK(least <= PST_SUIT_REPORT_OVERHEAD + uri.len + nonce.len);
	CHECK_EQ(seen, 7);
}

int
main(void)
{
	RUN(commands_are_those_that_are_not_refused);
	RUN(parameters_are_those_that_are_not_refused);
	RUN(sections_are_those_that_are_not_refused);
	RUN(algorithms_are_the_ports);
	RUN(a_port_without_ciphers_lists_none);
	RUN(components_are_prefixes_with_a_wild_card);
	RUN(every_error_has_its_reason);
	RUN(a_full_buffer_of_records_drops_them_whole);
	RUN(a_report_in_any_room_says_what_matters_most);
	TEST_END();
}
