/*
 * Limits and wishes of several uids, without sockets: tests run as one user.
 */
#include "broker/service.h"

#include "cases.h"
#include "test.h"

static struct service service;

static void
begin(uint32_t burst, uint32_t refill_s)
{
	memset(&service, 0, sizeof(service));
	service.config.burst = burst;
	service.config.refill_s = refill_s;
	(void)pthread_mutex_init(&service.lock, NULL);
}

static void
one_uid_does_not_use_up_what_another_has(void)
{
	uint32_t wait_s;

	begin(2, 100);
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(!pst_service_peer_take(&service, 1, &wait_s));
	CHECK(wait_s > 0 && wait_s <= 100);
	CHECK(pst_service_peer_take(&service, 2, &wait_s));
}

/* What a uid has used up is not forgotten because others come. */
static void
a_uid_cannot_be_pushed_out_of_the_table(void)
{
	uint32_t wait_s;
	uid_t uid;

	begin(1, 100);
	for (uid = 1; uid <= SERVICE_UIDS_MAX; uid++)
		CHECK(pst_service_peer_take(&service, uid, &wait_s));
	/* No room: the newcomer is refused, nobody is let off. */
	CHECK(!pst_service_peer_take(&service, 1000, &wait_s));
	CHECK(!pst_service_peer_take(&service, 1, &wait_s));
	CHECK(!pst_service_peer_open(&service, 1000));
	/* One that has all its tokens back makes room. */
	service.peer[5].counted_ms -= 100000;
	CHECK(pst_service_peer_take(&service, 1000, &wait_s));
	CHECK(!pst_service_peer_take(&service, 1, &wait_s));
}

static void
tokens_come_back_one_by_one(void)
{
	uint32_t wait_s;

	begin(3, 10);
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	service.peer[SERVICE_UIDS_MAX - 1].counted_ms -= 10000;
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(!pst_service_peer_take(&service, 1, &wait_s));
	/* However long it was away, there are never more than burst. */
	service.peer[SERVICE_UIDS_MAX - 1].counted_ms = 0;
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(pst_service_peer_take(&service, 1, &wait_s));
	CHECK(!pst_service_peer_take(&service, 1, &wait_s));
}

static void
a_component_is_unneeded_when_the_last_uid_says_so(void)
{
	struct pst_bytes a = PST_BYTES_LIT("\x81\x41"
					   "a");
	struct pst_bytes b = PST_BYTES_LIT("\x81\x41"
					   "b");

	begin(1, 1);
	CHECK(pst_service_want(&service, 1, 0, a));
	CHECK(pst_service_want(&service, 1, 0, a));
	CHECK(pst_service_want(&service, 2, 0, a));
	CHECK(pst_service_want(&service, 2, 1, a));
	CHECK(pst_service_want(&service, 2, 0, b));
	CHECK(!pst_service_unwant(&service, 1, 0, a));
	/* Nobody takes away what others want by asking twice. */
	CHECK(!pst_service_unwant(&service, 1, 0, a));
	CHECK(!pst_service_unwant(&service, 3, 0, b));
	CHECK(pst_service_unwant(&service, 2, 0, a));
	CHECK(pst_service_unwant(&service, 2, 1, a));
	/* Root speaks for everybody. */
	CHECK(pst_service_unwant(&service, 0, 0, b));
	CHECK(pst_service_unwant(&service, 3, 0, b));
}

static void
the_table_of_wishes_is_bounded(void)
{
	uint8_t id[4] = { 0x81, 0x42, 0, 0 };
	struct pst_bytes name = { id, sizeof(id) };
	size_t i;

	begin(1, 1);
	for (i = 0; i < SERVICE_WANTS_MAX; i++) {
		id[2] = (uint8_t)(i >> 4);
		id[3] = (uint8_t)(i & 15);
		CHECK(pst_service_want(&service, 1, 0, name));
	}
	/* What is wanted already is no new wish. */
	CHECK(pst_service_want(&service, 1, 0, name));
	CHECK(!pst_service_want(&service, 2, 0, name));
	CHECK(pst_service_unwant(&service, 1, 0, name));
	CHECK(pst_service_want(&service, 2, 0, name));
}

void
peer_cases(void)
{
	RUN(one_uid_does_not_use_up_what_another_has);
	RUN(a_uid_cannot_be_pushed_out_of_the_table);
	RUN(tokens_come_back_one_by_one);
	RUN(a_component_is_unneeded_when_the_last_uid_says_so);
	RUN(the_table_of_wishes_is_bounded);
	broker_cases += test_cases;
	broker_failures += test_failures;
}
