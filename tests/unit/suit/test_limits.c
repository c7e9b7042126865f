/*
 * Every limit of postern/suit_limits.h: what reaches it is taken, and what is
 * one more is refused, with the reason that the header promises. Built with
 * each profile of the limits. Those of a tree
 * of manifests are in test_tree.c and tests/vectors/suit.
 */
#include <stdlib.h>

#include "draft.h"
#include "suit_test.h"

static uint8_t room[2][1 << 17];

/* A writer into memory that stays as long as the next but one does. */
static void
begin(struct pst_cbor_writer *w)
{
	static unsigned int next;

	pst_cbor_writer_init(w, room[next++ % 2], sizeof(room[0]));
}

/* set-component-index 0 */
static void
put_nothing(struct pst_cbor_writer *w)
{
	pst_cbor_put_uint(w, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_uint(w, 0);
}

/* --- one function a limit: a manifest with n of what it limits ----------- */

static void
components(struct draft *d, size_t n)
{
	d->components = n;
}

static void
dependencies(struct draft *d, size_t n)
{
	d->components = n;
	d->dependencies = n;
}

static void
members(struct draft *d, size_t n)
{
	d->payloads = n - 2;
}

static void
blocks(struct draft *d, size_t n)
{
	d->blocks = n;
}

static void
reference_uri(struct draft *d, size_t n)
{
	d->uri_len = n;
}

static void
payload_name(struct draft *d, size_t n)
{
	d->payload_name_len = n;
}

/* An identifier of n bytes, in one element. */
static void
id_bytes(struct draft *d, size_t n)
{
	static uint8_t zeros[PST_SUIT_ID_MAX + 8];
	struct pst_cbor_writer w;
	size_t head = n > 26 + 255 ? 4 : n > 26 ? 3 : 2;

	begin(&w);
	pst_cbor_put_array(&w, 1);
	pst_cbor_put_bstr(&w, (struct pst_bytes){ zeros, n - head });
	if (w.len != n)
		abort();
	d->first_id = pst_cbor_written(&w);
}

static void
id_parts(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;

	begin(&w);
	pst_cbor_put_array(&w, n);
	while (n-- > 0)
		pst_cbor_put_bstr(&w, B("p"));
	d->first_id = pst_cbor_written(&w);
}

static void
commands_of_a_sequence(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;

	begin(&w);
	pst_cbor_put_array(&w, 2 * n);
	while (n-- > 0)
		put_nothing(&w);
	d->section = pst_cbor_written(&w);
}

/* [32, <<[n / 2 commands]>>, 32, <<[the rest]>>]: no sequence is too long. */
static void
commands_of_a_section(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;
	size_t mark, part, half = (n - 2) / 2;
	int i;

	begin(&w);
	pst_cbor_put_array(&w, 4);
	for (i = 0; i < 2; i++) {
		part = i == 0 ? half : n - 2 - half;
		pst_cbor_put_uint(&w, PST_SUIT_DIR_RUN_SEQUENCE);
		mark = pst_cbor_wrap_begin(&w);
		pst_cbor_put_array(&w, 2 * part);
		while (part-- > 0)
			put_nothing(&w);
		pst_cbor_wrap_bstr(&w, mark);
	}
	d->section = pst_cbor_written(&w);
}

/* n sequences, each in the one before. */
static void
depth(struct draft *d, size_t n)
{
	uint8_t inner[256];
	struct pst_cbor_writer w;
	size_t len = 3;

	memcpy(inner, "\x82\x0c\x00", len);
	while (n-- > 0) {
		begin(&w);
		pst_cbor_put_array(&w, 2);
		pst_cbor_put_uint(&w, PST_SUIT_DIR_RUN_SEQUENCE);
		pst_cbor_put_bstr(&w, (struct pst_bytes){ inner, len });
		len = w.len;
		memcpy(inner, w.buf, len);
	}
	d->section = pst_cbor_written(&w);
}

/* [20, {label: value}]; the value is what the caller writes next. */
static void
begin_parameter(struct pst_cbor_writer *w, enum pst_suit_parameter label)
{
	begin(w);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 1);
	pst_cbor_put_uint(w, label);
}

static void
uri(struct draft *d, size_t n)
{
	static uint8_t text[PST_SUIT_URI_MAX + 1];
	struct pst_cbor_writer w;

	memset(text, 'u', sizeof(text));
	begin_parameter(&w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(&w, (struct pst_bytes){ text, n });
	d->section = pst_cbor_written(&w);
}

static void
put_version(struct pst_cbor_writer *w, size_t n)
{
	pst_cbor_put_array(w, n);
	while (n-- > 0)
		pst_cbor_put_uint(w, 1);
}

static void
version(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;
	size_t mark;

	begin_parameter(&w, PST_SUIT_PARAM_VERSION);
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_VERSION_EQUAL);
	put_version(&w, n);
	pst_cbor_wrap_bstr(&w, mark);
	d->section = pst_cbor_written(&w);
}

static void
set_version(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;

	begin(&w);
	put_version(&w, n);
	d->set_version = pst_cbor_written(&w);
}

/* [12, [0, 0, ...], 14, 0]: more indices than there can be components. */
static void
indices(struct draft *d, size_t n)
{
	struct pst_cbor_writer w;

	begin(&w);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_uint(&w, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_array(&w, n);
	while (n-- > 0)
		pst_cbor_put_uint(&w, 0);
	d->section = pst_cbor_written(&w);
}

#define MANAGED PST_SUIT_WITH_UPDATE_MANAGEMENT

static const struct {
	const char *name;
	void (*make)(struct draft *d, size_t n);
	size_t max;
	bool built; /* with this build's switches */
	bool read;  /* refused when it is read, not when it runs */
	enum pst_err err;
	enum pst_suit_reason reason;
} limits[] = {
	{ "components", components, PST_SUIT_COMPONENTS_MAX, true, true,
	    PST_ERR_SUIT_COMPONENT, PST_SUIT_REASON_COMPONENT_UNSUPPORTED },
	{ "bytes of an identifier", id_bytes, PST_SUIT_ID_MAX, true, true,
	    PST_ERR_SUIT_COMPONENT, PST_SUIT_REASON_COMPONENT_UNSUPPORTED },
	{ "elements of an identifier", id_parts, PST_SUIT_ID_PARTS_MAX, true,
	    true, PST_ERR_SUIT_COMPONENT,
	    PST_SUIT_REASON_COMPONENT_UNSUPPORTED },
	{ "indices", indices, PST_SUIT_COMPONENTS_MAX, true, false,
	    PST_ERR_SUIT_COMPONENT, PST_SUIT_REASON_COMPONENT_UNSUPPORTED },
	{ "bytes of a URI", uri, PST_SUIT_URI_MAX, true, false,
	    PST_ERR_SUIT_PARAMETER, PST_SUIT_REASON_PARAMETER_UNSUPPORTED },
	{ "integers of a version", version, PST_SUIT_VERSION_MAX, MANAGED,
	    false, PST_ERR_SUIT_PARAMETER,
	    PST_SUIT_REASON_PARAMETER_UNSUPPORTED },
	{ "integers of set-version", set_version, PST_SUIT_VERSION_MAX, MANAGED,
	    true, PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ "dependencies", dependencies, PST_SUIT_DEPENDENCIES_MAX, true, true,
	    PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ "members", members, PST_SUIT_MEMBERS_MAX, true, true, PST_ERR_LIMIT,
	    PST_SUIT_REASON_OPERATION_FAILED },
	{ "blocks", blocks, PST_SUIT_AUTH_MAX, true, true, PST_ERR_LIMIT,
	    PST_SUIT_REASON_OPERATION_FAILED },
	{ "bytes of a reference URI", reference_uri, PST_SUIT_URI_MAX, true,
	    true, PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ "bytes of a payload's name", payload_name, PST_SUIT_URI_MAX, true,
	    true, PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ "commands of a sequence", commands_of_a_sequence,
	    PST_SUIT_COMMANDS_MAX, true, false, PST_ERR_LIMIT,
	    PST_SUIT_REASON_OPERATION_FAILED },
	{ "commands of a section", commands_of_a_section, PST_SUIT_COMMANDS_MAX,
	    true, false, PST_ERR_LIMIT, PST_SUIT_REASON_OPERATION_FAILED },
	{ "depth", depth, PST_SUIT_DEPTH_MAX, true, false, PST_ERR_LIMIT,
	    PST_SUIT_REASON_OPERATION_FAILED },
};
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

/* Read a manifest and run its install section. */
static enum pst_err
tried(const struct draft *d, bool *read, enum pst_suit_reason *reason)
{
	static const int install[] = { PST_SUIT_INSTALL, 0 };
	static struct pst_suit_manifest m;
	static struct world w;
	enum pst_err err = accepted(draft_make(d), &m);

	*read = err == PST_OK;
	*reason = pst_suit_reason_of(err);
	if (err != PST_OK || d->section.len == 0)
		return err;
	world_init(&w);
	err = world_run(&w, &m, fixture()->crypto, install);
	*reason = w.report.reason;
	world_free(&w);
	return err;
}

static void
what_reaches_a_limit_is_taken_and_one_more_has_its_reason(void)
{
	enum pst_suit_reason reason;
	struct draft d;
	bool read;
	size_t i;

	for (i = 0; i < LIMITS; i++) {
		if (!limits[i].built)
			continue;
		memset(&d, 0, sizeof(d));
		limits[i].make(&d, limits[i].max);
		if (tried(&d, &read, &reason) != PST_OK)
			printf("  %s\n", limits[i].name);
		CHECK_EQ(tried(&d, &read, &reason), PST_OK);
		memset(&d, 0, sizeof(d));
		limits[i].make(&d, limits[i].max + 1);
		if (tried(&d, &read, &reason) != limits[i].err)
			printf("  %s\n", limits[i].name);
		CHECK_EQ(tried(&d, &read, &reason), limits[i].err);
		CHECK_EQ(read, !limits[i].read);
		CHECK_EQ(reason, limits[i].reason);
	}
}

/* The caller's memory for parameters is a limit too. */
static void
a_parameter_too_many_is_told(void)
{
	static const int install[] = { PST_SUIT_INSTALL, 0 };
	static struct pst_suit_manifest m;
	static struct world w;
	struct draft d = { 0 };
	size_t cap;

	/* [20, {14: 1, 21: "u", 24: 16 bytes}] */
	d.section = B("\x82\x14\xa3\x0e\x01\x15\x61u\x18\x18\x50"
		      "0123456789abcdef");
	CHECK_EQ(accepted(draft_make(&d), &m), PST_OK);
	for (cap = 0; cap <= 3; cap++) {
		world_init(&w);
		w.memory.param_cap = cap;
		CHECK_EQ(world_run(&w, &m, fixture()->crypto, install),
		    cap < 3 ? PST_ERR_LIMIT : PST_OK);
		if (cap < 3)
			CHECK_EQ(
			    w.report.reason, PST_SUIT_REASON_OPERATION_FAILED);
		world_free(&w);
	}
}

/* The numbers that the profiles promise. */
static void
the_profile_is_what_it_says(void)
{
	printf("  run %zu bytes, manifest %zu\n", sizeof(struct pst_suit_run),
	    sizeof(struct pst_suit_manifest));
#ifdef PST_SUIT_PROFILE_SMALL
	CHECK(sizeof(struct pst_suit_run) <= 1024);
	CHECK(PST_SUIT_COMPONENTS_MAX >= 8 && PST_SUIT_DEPENDENCIES_MAX >= 4);
#else
	CHECK(PST_SUIT_COMPONENTS_MAX >= 64);
	CHECK(PST_SUIT_DEPENDENCIES_MAX >= 16);
	CHECK(PST_SUIT_TREE_DEPTH_MAX >= 8 && PST_SUIT_DEPTH_MAX >= 8);
	CHECK(PST_SUIT_URI_MAX >= 2048);
#endif
}

int
main(void)
{
	RUN(what_reaches_a_limit_is_taken_and_one_more_has_its_reason);
	RUN(a_parameter_too_many_is_told);
	RUN(the_profile_is_what_it_says);
	TEST_END();
}
