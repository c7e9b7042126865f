#include "test.h"
#include "wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];
static struct pst_wire_msg m, got;

static enum pst_err
raw(const void *bytes, size_t len)
{
	if (send(pair[0], bytes, len, 0) != (ssize_t)len)
		return PST_ERR_IO;
	return pst_wire_recv(pair[1], &got, false);
}

/* A message with something of everything. */
static void
sample(uint8_t content[100])
{
	size_t i;

	for (i = 0; i < 100; i++)
		content[i] = (uint8_t)i;
	pst_wire_init(&m, PST_WIRE_INVOKE);
	m.head.params[0].type = PST_WIRE_MEMREF_INPUT;
	m.head.params[0].size = 100;
	m.head.params[1].type = PST_WIRE_VALUE_INOUT;
	m.head.params[1].a = 7;
	m.head.params[2].type = PST_WIRE_MEMREF_OUTPUT;
	m.head.params[2].size = 50;
	if (pst_wire_put(&m, 0, content, 100) != PST_OK)
		abort();
}

static void
messages_arrive_as_they_were_sent(void)
{
	uint8_t content[100], back[100];

	sample(content);
	CHECK_EQ(pst_wire_send(pair[0], &m, false), PST_OK);
	CHECK_EQ(pst_wire_recv(pair[1], &got, false), PST_OK);
	CHECK(memcmp(&m.head, &got.head, sizeof(m.head)) == 0);
	CHECK_EQ(pst_wire_get(&got, 0, back), PST_OK);
	CHECK(memcmp(back, content, 100) == 0);
	CHECK_EQ(pst_wire_recv(pair[1], &got, false), PST_ERR_AGAIN);
}

static void
large_content_travels_sealed(void)
{
	static uint8_t big[PST_WIRE_MEMREF_MAX + 1], back[PST_WIRE_MEMREF_MAX];
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i % 253);
	pst_wire_init(&m, PST_WIRE_INVOKE);
	for (i = 0; i < 4; i++) {
		m.head.params[i].type = PST_WIRE_MEMREF_INPUT;
		m.head.params[i].size = PST_WIRE_MEMREF_MAX;
		CHECK_EQ(pst_wire_put(&m, i, big, PST_WIRE_MEMREF_MAX), PST_OK);
	}
	CHECK_EQ(m.fd_count, 4);
	CHECK_EQ(pst_wire_put(&m, 0, big, sizeof(big)), PST_ERR_LIMIT);
	CHECK_EQ(pst_wire_send(pair[0], &m, false), PST_OK);
	pst_wire_clear(&m);
	CHECK_EQ(pst_wire_recv(pair[1], &got, false), PST_OK);
	CHECK(write(got.fds[0], "x", 1) < 0);
	CHECK(ftruncate(got.fds[0], 1) < 0);
	CHECK_EQ(pst_wire_get(&got, 3, back), PST_OK);
	CHECK(memcmp(big, back, sizeof(back)) == 0);
	pst_wire_clear(&got);
}

static void
every_length_but_the_right_one_is_refused(void)
{
	uint8_t content[100];
	size_t good, i;

	sample(content);
	good = sizeof(m.head) + m.head.len;
	CHECK_EQ(raw(&m, good), PST_OK);
	for (i = 1; i < good; i++)
		CHECK_EQ(raw(&m, i), PST_ERR_ARG);
	CHECK_EQ(raw(&m, good + 1), PST_ERR_ARG);
	/* longer than any message */
	CHECK_EQ(raw(&m, sizeof(m.head) + sizeof(m.data)), PST_ERR_ARG);
}

struct bad_head {
	const char *why;
	size_t at; /* word of the head */
	uint32_t value;
};
#define WORD(member) (offsetof(struct pst_wire_head, member) / 4)

static void
bad_heads_are_refused(void)
{
	static const struct bad_head rows[] = {
		{ "no operation", WORD(op), 0 },
		{ "one past the operations", WORD(op), PST_WIRE_DESTROY + 1 },
		{ "parameters where there are none", WORD(op), PST_WIRE_CLOSE },
		{ "no such type", WORD(params[1].type), 4 },
		{ "one past the types", WORD(params[1].type), 8 },
		{ "value with a size", WORD(params[1].size), 1 },
		{ "value with content", WORD(params[1].have), 1 },
		{ "value with a place", WORD(params[1].where), 1 },
		{ "null value", WORD(params[1].null), 1 },
		{ "more content than size", WORD(params[0].size), 99 },
		{ "less content than length", WORD(params[0].have), 99 },
		{ "more content than length", WORD(params[0].have), 101 },
		{ "content nowhere", WORD(params[0].where), 0 },
		{ "content in a memfd that is not there", WORD(params[0].where),
		    PST_WIRE_MEMFD },
		{ "no such place", WORD(params[0].where), 3 },
		{ "null with content", WORD(params[0].null), 1 },
		{ "null of 2", WORD(params[2].null), 2 },
		{ "place without content", WORD(params[2].where), 1 },
		{ "length one off", WORD(len), 101 },
		{ "length that wraps", WORD(len), UINT32_MAX },
	};
	uint8_t content[100];
	uint32_t word;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sample(content);
		word = rows[i].value;
		memcpy((uint8_t *)&m.head + rows[i].at * 4, &word, 4);
		if (raw(&m, sizeof(m.head) + 100) != PST_ERR_ARG)
			printf("  accepted: %s\n", rows[i].why);
		CHECK_EQ(raw(&m, sizeof(m.head) + 100), PST_ERR_ARG);
	}
}

/* A message whose first parameter is in descriptor fd. */
static enum pst_err
with_fd(int fd, uint32_t have, uint32_t count)
{
	uint32_t i;

	pst_wire_init(&m, PST_WIRE_INVOKE);
	m.head.params[0].type = PST_WIRE_MEMREF_INPUT;
	m.head.params[0].size = PST_WIRE_MEMREF_MAX;
	m.head.params[0].have = have;
	m.head.params[0].where = PST_WIRE_MEMFD;
	for (i = 0; i < count; i++)
		m.fds[i] = fd;
	m.fd_count = count;
	if (pst_wire_send(pair[0], &m, false) != PST_OK)
		return PST_ERR_IO;
	m.fd_count = 0;
	return pst_wire_recv(pair[1], &got, false);
}

static void
descriptors_must_be_sealed_memory_of_the_stated_size(void)
{
	int good = pst_wire_memfd("t", "0123456789", 10), fd, before;

	CHECK_EQ(with_fd(good, 10, 1), PST_OK);
	pst_wire_clear(&got);
	before = dup(0);
	close(before);
	CHECK_EQ(with_fd(good, 9, 1), PST_ERR_ARG);
	CHECK_EQ(with_fd(good, 11, 1), PST_ERR_ARG);
	CHECK_EQ(with_fd(good, 10, 0), PST_ERR_ARG);
	/* one more than is named */
	CHECK_EQ(with_fd(good, 10, 2), PST_ERR_ARG);
	fd = open("/dev/zero", O_RDONLY);
	CHECK_EQ(with_fd(fd, 10, 1), PST_ERR_ARG);
	close(fd);
	fd = memfd_create("t", MFD_ALLOW_SEALING);
	CHECK(write(fd, "0123456789", 10) == 10);
	CHECK_EQ(with_fd(fd, 10, 1), PST_ERR_ARG);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	CHECK_EQ(with_fd(fd, 10, 1), PST_ERR_ARG);
	close(fd);
	/* nothing of what was refused stays open */
	fd = dup(0);
	CHECK_EQ(fd, before);
	close(fd);
	close(good);
}

static void
every_flipped_bit_is_refused_or_harmless(void)
{
	static uint8_t back[PST_WIRE_MEMREF_MAX];
	uint8_t content[100];
	size_t i, k, bits = (sizeof(m.head) + 100) * 8;

	for (i = 0; i < bits; i++) {
		sample(content);
		((uint8_t *)&m.head)[i / 8] ^= (uint8_t)(1u << i % 8);
		if (raw(&m, sizeof(m.head) + 100) != PST_OK)
			continue;
		for (k = 0; k < PST_WIRE_PARAMS; k++)
			CHECK_EQ(pst_wire_get(&got, k, back), PST_OK);
	}
}

static void
closed_end_is_seen(void)
{
	close(pair[0]);
	CHECK_EQ(pst_wire_recv(pair[1], &got, true), PST_ERR_NOT_FOUND);
	pst_wire_init(&m, PST_WIRE_HELLO);
	CHECK_EQ(pst_wire_send(pair[1], &m, true), PST_ERR_IO);
}

int
main(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return 1;
	RUN(messages_arrive_as_they_were_sent);
	RUN(large_content_travels_sealed);
	RUN(every_length_but_the_right_one_is_refused);
	RUN(bad_heads_are_refused);
	RUN(descriptors_must_be_sealed_memory_of_the_stated_size);
	RUN(every_flipped_bit_is_refused_or_harmless);
	RUN(closed_end_is_seen);
	TEST_END();
}
