/*
 * The faulty store itself: it fails the call that it was told to, and after a
 * cut it holds the old registry or the new one.
 */
#include <mem.h>

#include "cases.h"
#include "test.h"

static struct pst_mem_store m;
static struct pst_store s;

static const struct pst_bytes old_reg = { (const uint8_t *)"old", 3 };
static const struct pst_bytes new_reg = { (const uint8_t *)"newer", 5 };

static void
begin(void)
{
	pst_mem_store_free(&m);
	s = pst_mem_store_port(&m);
}

/* Four writes: create, append, finish, commit. */
static enum pst_err
scenario(void)
{
	enum pst_err err;

	err = s.object_create(s.ctx, 7);
	if (err == PST_OK)
		err = s.object_append(s.ctx, 7, PST_BYTES_LIT("content!"));
	if (err == PST_OK)
		err = s.object_finish(s.ctx, 7);
	if (err == PST_OK)
		err = s.commit(s.ctx, new_reg);
	return err;
}

static void
holds_what_was_written(void)
{
	uint8_t buf[16];
	size_t len;
	uint64_t id = 0, size;

	begin();
	CHECK_EQ(s.load(s.ctx, buf, sizeof(buf), &len), PST_OK);
	CHECK_EQ(len, 0);
	CHECK_EQ(scenario(), PST_OK);
	CHECK_EQ(m.writes, 4);
	CHECK_EQ(s.load(s.ctx, buf, sizeof(buf), &len), PST_OK);
	CHECK_EQ(len, new_reg.len);
	CHECK_EQ(s.object_next(s.ctx, &id), PST_OK);
	CHECK_EQ(id, 7);
	CHECK_EQ(s.object_size(s.ctx, 7, &size), PST_OK);
	CHECK_EQ(size, 8);
	CHECK_EQ(s.object_read(s.ctx, 7, 6, buf, sizeof(buf), &len), PST_OK);
	CHECK(len == 2 && memcmp(buf, "t!", 2) == 0);
	CHECK_EQ(s.object_read(s.ctx, 7, 8, buf, sizeof(buf), &len), PST_OK);
	CHECK_EQ(len, 0);
	CHECK_EQ(s.object_remove(s.ctx, 7), PST_OK);
	CHECK_EQ(s.object_remove(s.ctx, 7), PST_OK);
	CHECK_EQ(s.object_next(s.ctx, &id), PST_ERR_NOT_FOUND);
}

static void
fails_the_call_that_it_was_told_to(void)
{
	uint64_t n;

	for (n = 1; n <= 4; n++) {
		begin();
		m.fault.fail_at = n;
		m.fault.with = PST_ERR_IO;
		CHECK_EQ(scenario(), PST_ERR_IO);
		CHECK_EQ(m.fault.calls, n);
		CHECK_EQ(m.registry_len, 0);
	}
	begin();
	m.fault.fail_at = 5;
	m.fault.with = PST_ERR_IO;
	CHECK_EQ(scenario(), PST_OK);
}

static void
a_cut_leaves_the_old_registry_or_the_new_one(void)
{
	uint8_t buf[16];
	size_t len;
	uint64_t n;
	int cut;

	for (cut = PST_MEM_CUT_BEFORE; cut <= PST_MEM_CUT_TORN; cut++) {
		for (n = 1; n <= 4; n++) {
			bool fresh = n == 4 && cut == PST_MEM_CUT_AFTER;

			begin();
			CHECK_EQ(s.commit(s.ctx, old_reg), PST_OK);
			m.writes = 0;
			m.cut_at = n;
			m.cut = (enum pst_mem_cut)cut;
			CHECK_EQ(scenario(), PST_ERR_STORE);
			CHECK_EQ(s.load(s.ctx, buf, sizeof(buf), &len),
			    PST_ERR_STORE);
			pst_mem_store_reboot(&m);
			CHECK_EQ(s.load(s.ctx, buf, sizeof(buf), &len), PST_OK);
			CHECK_EQ(len, fresh ? new_reg.len : old_reg.len);
		}
	}
}

static void
a_full_store_refuses_and_keeps_the_object(void)
{
	uint64_t size;

	begin();
	CHECK_EQ(scenario(), PST_OK);
	m.room_bytes = 10;
	CHECK_EQ(s.object_append(s.ctx, 7, PST_BYTES_LIT("abc")),
	    PST_ERR_STORE_FULL);
	CHECK_EQ(s.object_size(s.ctx, 7, &size), PST_OK);
	CHECK_EQ(size, 8);
	CHECK_EQ(s.object_append(s.ctx, 7, PST_BYTES_LIT("ab")), PST_OK);
}

void
mem_cases(void)
{
	pst_mem_store_init(&m);
	RUN(holds_what_was_written);
	RUN(fails_the_call_that_it_was_told_to);
	RUN(a_cut_leaves_the_old_registry_or_the_new_one);
	RUN(a_full_store_refuses_and_keeps_the_object);
	pst_mem_store_free(&m);
	agent_cases += test_cases;
	agent_failures += test_failures;
}
