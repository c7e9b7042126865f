/*
 * The registry: records in, records out, and what a damaged one does.
 */
#include "agent/registry.h"

#include "cases.h"
#include "test.h"

static uint8_t buf[1024];
static struct pst_registry reg;

static const struct pst_bytes none = { NULL, 0 };
#define ID_A \
	PST_BYTES_LIT("\x81\x41" \
		      "a")
#define ID_B \
	PST_BYTES_LIT("\x81\x41" \
		      "b")
#define ID_M \
	PST_BYTES_LIT("\x81\x41" \
		      "m")

static struct pst_reg_record
record(enum pst_reg_kind kind, struct pst_bytes key, struct pst_bytes other,
    uint64_t n0)
{
	struct pst_reg_record r = { .kind = kind, .key = key, .other = other };

	r.n[0] = n0;
	return r;
}

static bool
add(enum pst_reg_kind kind, struct pst_bytes key, struct pst_bytes other,
    uint64_t n0)
{
	struct pst_reg_record r = record(kind, key, other, n0);

	return pst_reg_add(&reg, &r) == PST_OK;
}

static bool
begin(void)
{
	reg.buf = buf;
	reg.cap = sizeof(buf);
	reg.len = 0;
	return add(PST_REG_HEAD, none, none, PST_REG_VERSION) &&
	    add(PST_REG_LINK, ID_M, ID_A, 0) &&
	    add(PST_REG_LINK, ID_M, ID_B, 0) &&
	    add(PST_REG_UNNEEDED, ID_M, none, 0);
}

static void
records_come_back_as_they_were_added(void)
{
	struct pst_reg_record r;
	size_t at = 0;

	CHECK(begin());
	CHECK_EQ(pst_reg_check(&reg), PST_OK);
	CHECK(pst_reg_next(&reg, &at, &r));
	CHECK_EQ(r.kind, PST_REG_HEAD);
	CHECK_EQ(r.n[0], PST_REG_VERSION);
	CHECK(pst_reg_next(&reg, &at, &r));
	CHECK_EQ(r.kind, PST_REG_LINK);
	CHECK(pst_equal(r.key, ID_M));
	CHECK(pst_equal(r.other, ID_A));
	CHECK_EQ(pst_reg_count(&reg, PST_REG_LINK, ID_M, PST_REG_ANY), 2);
	CHECK_EQ(pst_reg_count(&reg, PST_REG_LINK, PST_REG_ANY, ID_B), 1);
	CHECK(!pst_reg_find(&reg, PST_REG_LINK, ID_A, PST_REG_ANY, &r));
}

static void
put_replaces_a_record_that_it_views(void)
{
	struct pst_reg_record r;

	CHECK(begin());
	CHECK(add(PST_REG_REQUEST, ID_A, PST_BYTES_LIT("tam"), 1));
	CHECK(add(PST_REG_REQUEST, ID_B, PST_BYTES_LIT("tam"), 2));
	CHECK(pst_reg_find(&reg, PST_REG_REQUEST, ID_A, PST_REG_ANY, &r));
	r.n[0] = 77;
	CHECK_EQ(pst_reg_put(&reg, &r), PST_OK);
	CHECK_EQ(pst_reg_count(&reg, PST_REG_REQUEST, ID_A, PST_REG_ANY), 1);
	CHECK(pst_reg_find(&reg, PST_REG_REQUEST, ID_A, PST_REG_ANY, &r));
	CHECK_EQ(r.n[0], 77);
	CHECK(pst_equal(r.other, PST_BYTES_LIT("tam")));
	CHECK(pst_reg_find(&reg, PST_REG_REQUEST, ID_B, PST_REG_ANY, &r));
	CHECK_EQ(r.n[0], 2);
	CHECK_EQ(pst_reg_check(&reg), PST_OK);
}

static void
removes_all_or_the_first(void)
{
	CHECK(begin());
	pst_reg_remove_first(&reg, PST_REG_LINK, ID_M, PST_REG_ANY);
	CHECK_EQ(pst_reg_count(&reg, PST_REG_LINK, ID_M, ID_A), 0);
	CHECK_EQ(pst_reg_count(&reg, PST_REG_LINK, ID_M, ID_B), 1);
	CHECK(begin());
	pst_reg_remove(&reg, PST_REG_LINK, ID_M, PST_REG_ANY);
	CHECK_EQ(
	    pst_reg_count(&reg, PST_REG_LINK, PST_REG_ANY, PST_REG_ANY), 0);
	CHECK_EQ(pst_reg_count(&reg, PST_REG_UNNEEDED, ID_M, none), 1);
	CHECK_EQ(pst_reg_check(&reg), PST_OK);
}

static void
a_full_registry_refuses_and_stays_as_it_was(void)
{
	struct pst_reg_record r = record(PST_REG_UNNEEDED, ID_A, none, 0);
	size_t len;

	CHECK(begin());
	len = reg.len;
	reg.cap = len + 5;
	CHECK_EQ(pst_reg_add(&reg, &r), PST_ERR_SPACE);
	CHECK_EQ(pst_reg_put(&reg, &r), PST_ERR_SPACE);
	CHECK_EQ(reg.len, len);
	CHECK_EQ(pst_reg_check(&reg), PST_OK);
}

static void
every_truncation_is_damage(void)
{
	size_t len, at;
	struct pst_reg_record r;

	CHECK(begin());
	len = reg.len;
	at = 0;
	for (reg.len = 0; reg.len < len; reg.len++) {
		/* Whole records are a registry again; anything else is not. */
		bool whole = false;
		size_t cut = reg.len;

		reg.len = len;
		for (at = 0; at < cut && pst_reg_next(&reg, &at, &r);)
			whole = at == cut;
		reg.len = cut;
		CHECK_EQ(pst_reg_check(&reg),
		    whole ? PST_OK : PST_ERR_STORE_DAMAGED);
	}
}

/* Without the checks of pst_reg_add. */
static void
put(const struct pst_reg_record *r)
{
	struct pst_cbor_writer w;
	size_t i;

	pst_cbor_writer_init(&w, buf + reg.len, sizeof(buf) - reg.len);
	pst_cbor_put_array(&w, PST_REG_FIELDS);
	pst_cbor_put_uint(&w, r->kind);
	pst_cbor_put_bstr(&w, r->key);
	pst_cbor_put_bstr(&w, r->other);
	pst_cbor_put_bstr(&w, r->data);
	for (i = 0; i < PST_REG_NUMBERS; i++)
		pst_cbor_put_uint(&w, r->n[i]);
	reg.len += w.len;
}

static void
bounds_of_fields_are_checked(void)
{
	static uint8_t long_id[PST_SUIT_ID_MAX + 1];
	static const struct {
		enum pst_reg_kind kind;
		size_t key, other, data;
	} rows[] = {
		{ PST_REG_HEAD, 1, 0, 0 },
		{ PST_REG_COMPONENT, 1, 0, 32 },
		{ PST_REG_COMPONENT, PST_SUIT_ID_MAX + 1, 0, 32 },
		{ PST_REG_COMPONENT, 3, 0, 31 },
		{ PST_REG_COMPONENT, 3, 0, 33 },
		{ PST_REG_LINK, 3, 1, 0 },
		{ PST_REG_MANIFEST, 3, 0, 32 },
		{ PST_REG_MANIFEST, 3, 4, 15 },
		{ PST_REG_TOKEN, 3, 7, 0 },
		{ PST_REG_TOKEN, 3, 65, 0 },
		{ PST_REG_FETCH, 31, 0, 0 },
		{ PST_REG_FETCH, 33, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_reg_record r = { .kind = rows[i].kind };

		r.key = (struct pst_bytes){ long_id, rows[i].key };
		r.other = (struct pst_bytes){ long_id, rows[i].other };
		r.data = (struct pst_bytes){ long_id, rows[i].data };
		CHECK(begin());
		CHECK_EQ(pst_reg_add(&reg, &r), PST_ERR_ARG);
		CHECK_EQ(pst_reg_check(&reg), PST_OK);
		put(&r);
		CHECK_EQ(pst_reg_check(&reg), PST_ERR_STORE_DAMAGED);
	}
}

static void
needs_exactly_one_head_of_this_version(void)
{
	CHECK(begin());
	CHECK(add(PST_REG_HEAD, none, none, PST_REG_VERSION));
	CHECK_EQ(pst_reg_check(&reg), PST_ERR_STORE_DAMAGED);
	reg.len = 0;
	CHECK_EQ(pst_reg_check(&reg), PST_ERR_STORE_DAMAGED);
	CHECK(add(PST_REG_HEAD, none, none, PST_REG_VERSION + 1));
	CHECK_EQ(pst_reg_check(&reg), PST_ERR_STORE_DAMAGED);
}

static void
flipped_bytes_never_lead_out_of_the_buffer(void)
{
	struct pst_reg_record r;
	size_t i, at, bit, good = 0;

	CHECK(begin());
	for (i = 0; i < reg.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			buf[i] ^= (uint8_t)(1u << bit);
			if (pst_reg_check(&reg) == PST_OK)
				good++;
			at = 0;
			while (pst_reg_next(&reg, &at, &r))
				CHECK(at <= reg.len);
			buf[i] ^= (uint8_t)(1u << bit);
		}
	}
	/* A digit of a number may change unseen, a frame may not. */
	CHECK(good < reg.len * 8 / 2);
	CHECK_EQ(pst_reg_check(&reg), PST_OK);
}

void
registry_cases(void)
{
	RUN(records_come_back_as_they_were_added);
	RUN(put_replaces_a_record_that_it_views);
	RUN(removes_all_or_the_first);
	RUN(a_full_registry_refuses_and_stays_as_it_was);
	RUN(every_truncation_is_damage);
	RUN(bounds_of_fields_are_checked);
	RUN(needs_exactly_one_head_of_this_version);
	RUN(flipped_bytes_never_lead_out_of_the_buffer);
	agent_cases += test_cases;
	agent_failures += test_failures;
}
