#include "probe_ta.h"
#include "test.h"
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define PROBE "11111111-2222-3333-4444-555555555555"
#define HELLO "8d82573a-926d-4754-9353-32dc29997f74"
#define COUNTER "2b1d1f6e-0c57-4c8e-9a0b-5d3f0a4be9c1"
#define PERSONAL "7a327a25-127c-4335-8d58-0b9b195526c7"
#define CALL_MS 1500

static struct world w;
static TEEC_Context ctx;
static const TEEC_UUID probe = PROBE_UUID;
static const TEEC_UUID control = CONTROL_UUID;

static TEEC_Result
open_probe(TEEC_Session *s)
{
	return TEEC_OpenSession(
	    &ctx, s, &probe, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
}

static TEEC_Result
invoke(TEEC_Session *s, uint32_t command)
{
	return TEEC_InvokeCommand(s, command, NULL, NULL);
}

static TEEC_Result
invoke_value(TEEC_Session *s, uint32_t command, uint32_t a, uint32_t *origin)
{
	TEEC_Operation op = { 0 };

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, 0, 0, 0);
	op.params[0].value.a = a;
	return TEEC_InvokeCommand(s, command, &op, origin);
}

static uint32_t
ask_value(TEEC_Session *s, uint32_t command)
{
	TEEC_Operation op = { 0 };

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0);
	if (TEEC_InvokeCommand(s, command, &op, NULL) != TEEC_SUCCESS)
		return 0;
	return op.params[0].value.a;
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* How many TA processes and sessions the TEE has, after it has settled. */
static bool
settles_at(uint32_t processes, uint32_t sessions)
{
	TEEC_Session s;
	TEEC_Operation op;
	int i;

	if (TEEC_OpenSession(&ctx, &s, &control, TEEC_LOGIN_PUBLIC, NULL, NULL,
		NULL) != TEEC_SUCCESS)
		return false;
	for (i = 0; i < 300; i++) {
		memset(&op, 0, sizeof(op));
		op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0);
		TEEC_InvokeCommand(&s, CONTROL_PROCESSES, &op, NULL);
		if (op.params[0].value.a == processes &&
		    op.params[0].value.b == sessions)
			break;
		sleep_ms(10);
	}
	TEEC_CloseSession(&s);
	return i < 300;
}

static void
tell_changed(void)
{
	TEEC_Session s;

	if (TEEC_OpenSession(&ctx, &s, &control, TEEC_LOGIN_PUBLIC, NULL, NULL,
		NULL) != TEEC_SUCCESS)
		return;
	invoke(&s, CONTROL_CHANGED);
	TEEC_CloseSession(&s);
}

/* --- the client API ------------------------------------------------------ */

static void
context_needs_a_tee(void)
{
	TEEC_Context c;
	char path[200];

	CHECK_EQ(TEEC_InitializeContext("/nonexistent/sock", &c),
	    TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK_EQ(TEEC_InitializeContext(w.log, &c), TEEC_ERROR_ITEM_NOT_FOUND);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	CHECK_EQ(TEEC_InitializeContext(path, &c), TEEC_ERROR_BAD_PARAMETERS);
	CHECK_EQ(TEEC_InitializeContext(NULL, NULL), TEEC_ERROR_BAD_PARAMETERS);
	setenv("POSTERN_TEE_SOCKET", w.socket, 1);
	CHECK_EQ(TEEC_InitializeContext(NULL, &c), TEEC_SUCCESS);
	TEEC_FinalizeContext(&c);
	TEEC_FinalizeContext(NULL);
}

static void
uninstalled_ta_is_not_found(void)
{
	TEEC_UUID other = { 1, 2, 3, { 4 } };
	TEEC_Session s;
	uint32_t origin = 0;

	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &s, &other, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin),
	    TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK_EQ(origin, TEEC_ORIGIN_TEE);
}

static void
bad_arguments_are_refused_before_the_tee(void)
{
	TEEC_Operation op = { 0 };
	TEEC_SharedMemory m = { 0 };
	TEEC_Session s;
	uint32_t origin;
	char byte;

	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &s, &probe, TEEC_LOGIN_USER, NULL, NULL, &origin),
	    TEEC_ERROR_NOT_SUPPORTED);
	CHECK_EQ(origin, TEEC_ORIGIN_API);
	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &s, NULL, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &s, &probe, TEEC_LOGIN_PUBLIC, &byte, NULL, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	CHECK_EQ(invoke(&s, 1), TEEC_ERROR_BAD_PARAMETERS);
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	op.paramTypes = 4;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_ECHO, &op, &origin),
	    TEEC_ERROR_BAD_PARAMETERS);
	op.paramTypes = 0x10000;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_ECHO, &op, &origin),
	    TEEC_ERROR_BAD_PARAMETERS);
	op.paramTypes = TEEC_MEMREF_TEMP_INPUT;
	op.params[0].tmpref.size = 1;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_ECHO, &op, &origin),
	    TEEC_ERROR_BAD_PARAMETERS);
	op.params[0].tmpref.buffer = &byte;
	op.params[0].tmpref.size = TEEC_CONFIG_SHAREDMEM_MAX_SIZE + 1;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_ECHO, &op, &origin),
	    TEEC_ERROR_OUT_OF_MEMORY);
	op.paramTypes = TEEC_MEMREF_WHOLE;
	op.params[0].memref.parent = &m;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_ECHO, &op, &origin),
	    TEEC_ERROR_BAD_PARAMETERS);
	CHECK_EQ(origin, TEEC_ORIGIN_API);
	TEEC_CloseSession(&s);
	TEEC_CloseSession(&s);
}

static void
values_travel_in_both_directions(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint32_t origin;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	op.paramTypes = TEEC_PARAM_TYPES(
	    TEEC_VALUE_INPUT, TEEC_VALUE_OUTPUT, TEEC_VALUE_INOUT, TEEC_NONE);
	op.params[0].value = (TEEC_Value){ 1, 0xffffffff };
	op.params[1].value = (TEEC_Value){ 77, 78 };
	op.params[2].value = (TEEC_Value){ 10, 20 };
	CHECK_EQ(
	    TEEC_InvokeCommand(&s, PROBE_VALUES, &op, &origin), TEEC_SUCCESS);
	CHECK_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	CHECK(op.params[0].value.a == 1);
	CHECK(op.params[1].value.a == 0xffffffff && op.params[1].value.b == 1);
	CHECK(op.params[2].value.a == 11 && op.params[2].value.b == 19);
	CHECK_EQ(
	    invoke_value(&s, PROBE_RESULT, 0x12345678, &origin), 0x12345678);
	CHECK_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	TEEC_CloseSession(&s);
}

static void
echo_of(TEEC_Session *s, size_t len, size_t cap, TEEC_Result want)
{
	TEEC_Operation op = { 0 };
	uint8_t *in = malloc(len + 1), *out = malloc(cap + 1);
	TEEC_Result got;
	size_t i;
	bool same;

	for (i = 0; i < len; i++)
		in[i] = (uint8_t)(i * 7 + i / 251);
	memset(out, 0xee, cap + 1);
	op.paramTypes = TEEC_PARAM_TYPES(
	    TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT, 0, 0);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ in, len };
	op.params[1].tmpref = (TEEC_TempMemoryReference){ out, cap };
	got = TEEC_InvokeCommand(s, PROBE_ECHO, &op, NULL);
	same = want != TEEC_SUCCESS || memcmp(in, out, len) == 0;
	same = same && out[cap] == 0xee;
	free(in);
	free(out);
	CHECK_EQ(got, want);
	CHECK_EQ(op.params[1].tmpref.size, len);
	CHECK(same);
}

static void
memory_of_every_size_travels(void)
{
	static const size_t sizes[] = { 0, 1, 100, 32767, 32768, 32769, 65536,
		1048576 + 1024, TEEC_CONFIG_SHAREDMEM_MAX_SIZE };
	TEEC_Session s;
	size_t i;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		echo_of(&s, sizes[i], sizes[i], TEEC_SUCCESS);
		CHECK_CASE();
	}
	echo_of(&s, 100, 99, TEEC_ERROR_SHORT_BUFFER);
	CHECK_CASE();
	echo_of(&s, 50000, 49999, TEEC_ERROR_SHORT_BUFFER);
	CHECK_CASE();
	echo_of(&s, 100, 200, TEEC_SUCCESS);
	TEEC_CloseSession(&s);
}

static void
shared_memory_is_used_whole_and_in_part(void)
{
	TEEC_SharedMemory m = { .size = 100,
		.flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT };
	uint8_t own[10] = { 0 };
	TEEC_SharedMemory r = { .buffer = own,
		.size = 10,
		.flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT };
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint8_t *b;

	CHECK_EQ(TEEC_AllocateSharedMemory(&ctx, &m), TEEC_SUCCESS);
	CHECK_EQ(TEEC_RegisterSharedMemory(&ctx, &r), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	b = m.buffer;
	b[9] = b[10] = b[19] = b[20] = 5;
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INOUT, 0, 0, 0);
	op.params[0].memref =
	    (TEEC_RegisteredMemoryReference){ &m, .size = 10, .offset = 10 };
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_INOUT, &op, NULL), TEEC_SUCCESS);
	CHECK(b[9] == 5 && b[10] == 6 && b[19] == 6 && b[20] == 5);
	op.params[0].memref.offset = 91;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_INOUT, &op, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	op.params[0].memref.offset = SIZE_MAX;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_INOUT, &op, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_WHOLE, 0, 0, 0);
	op.params[0].memref = (TEEC_RegisteredMemoryReference){ .parent = &r };
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_INOUT, &op, NULL), TEEC_SUCCESS);
	CHECK(own[0] == 1 && own[9] == 1);
	CHECK_EQ(op.params[0].memref.size, 10);
	r.flags = TEEC_MEM_INPUT;
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_OUTPUT, 0, 0, 0);
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_NEED, &op, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	TEEC_CloseSession(&s);
	TEEC_ReleaseSharedMemory(&m);
	CHECK(m.buffer == NULL && m.size == 0);
	TEEC_ReleaseSharedMemory(&r);
	CHECK(r.buffer == own);
	m.flags = 4;
	CHECK_EQ(
	    TEEC_AllocateSharedMemory(&ctx, &m), TEEC_ERROR_BAD_PARAMETERS);
	m.flags = 1;
	m.size = TEEC_CONFIG_SHAREDMEM_MAX_SIZE + 1;
	CHECK_EQ(TEEC_AllocateSharedMemory(&ctx, &m), TEEC_ERROR_OUT_OF_MEMORY);
}

static void
short_buffer_says_how_much_is_needed(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint8_t b[1000];

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT, 0, 0, 0);
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_NEED, &op, NULL),
	    TEEC_ERROR_SHORT_BUFFER);
	CHECK_EQ(op.params[0].tmpref.size, 1000);
	op.params[0].tmpref.buffer = b;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_NEED, &op, NULL), TEEC_SUCCESS);
	CHECK(b[0] == 0x5a && b[999] == 0x5a);
	TEEC_CloseSession(&s);
}

static void
output_that_the_ta_does_not_write_is_zero(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	static uint8_t b[40000];
	size_t i;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT, 0, 0, 0);
	memset(b, 1, sizeof(b));
	op.params[0].tmpref = (TEEC_TempMemoryReference){ b, sizeof(b) };
	CHECK_EQ(
	    TEEC_InvokeCommand(&s, PROBE_UNWRITTEN, &op, NULL), TEEC_SUCCESS);
	for (i = 0; i < sizeof(b); i++)
		CHECK(b[i] == 0);
	TEEC_CloseSession(&s);
}

static void
null_references_reach_the_ta_as_null(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	char b;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	op.paramTypes =
	    TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, TEEC_MEMREF_TEMP_INPUT,
		TEEC_MEMREF_TEMP_INOUT, TEEC_MEMREF_TEMP_OUTPUT);
	op.params[2].tmpref.buffer = &b;
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_TYPES, &op, NULL), TEEC_SUCCESS);
	CHECK_EQ(op.params[0].value.a, 0x675);
	CHECK_EQ(op.params[0].value.b, 1u << 1 | 1u << 3);
	TEEC_CloseSession(&s);
}

static void
open_entry_point_may_refuse(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint32_t origin;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, 0, 0, 0);
	op.params[0].value.a = TEEC_ERROR_SECURITY;
	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &s, &probe, TEEC_LOGIN_PUBLIC, NULL, &op, &origin),
	    TEEC_ERROR_SECURITY);
	CHECK_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	CHECK(settles_at(0, 0));
}

/* --- the internal API ---------------------------------------------------- */

static void
internal_api_holds(void)
{
	static const uint32_t commands[] = { PROBE_MEMORY, PROBE_PROPERTIES,
		PROBE_TIME, PROBE_RANDOM, PROBE_TRACE };
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint8_t b[5000] = { 0 };
	size_t i;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		CHECK_EQ(invoke(&s, commands[i]), TEEC_SUCCESS);
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, 0, 0, 0);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ b, sizeof(b) };
	CHECK_EQ(TEEC_InvokeCommand(&s, PROBE_RIGHTS, &op, NULL), TEEC_SUCCESS);
	TEEC_CloseSession(&s);
}

static void
trace_reaches_the_log_without_control_characters(void)
{
	CHECK(world_logged(&w, "a line with ?[31mcolour? and a second line"));
	CHECK(!world_logged(&w, "\033"));
}

/* --- personalization data ------------------------------------------------ */

static TEEC_Result
open_object(TEEC_Session *s, const char *name)
{
	TEEC_Operation op = { 0 };
	char copy[65];

	snprintf(copy, sizeof(copy), "%s", name);
	op.paramTypes = TEEC_PARAM_TYPES(
	    TEEC_MEMREF_TEMP_INPUT, TEEC_VALUE_INPUT, TEEC_NONE, TEEC_NONE);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ copy, strlen(copy) };
	op.params[1].value.a = 1; /* TEE_DATA_FLAG_ACCESS_READ */
	return TEEC_InvokeCommand(s, PROBE_OPEN, &op, NULL);
}

static bool
object_reads(TEEC_Session *s, const char *want)
{
	TEEC_Operation op = { 0 };
	char got[64];

	op.paramTypes = TEEC_PARAM_TYPES(
	    TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ got, sizeof(got) };
	return TEEC_InvokeCommand(s, PROBE_READ, &op, NULL) == TEEC_SUCCESS &&
	    op.params[0].tmpref.size == strlen(want) &&
	    memcmp(got, want, strlen(want)) == 0;
}

static bool
give_objects(void)
{
	static uint8_t large[300000], huge[PST_WIRE_MEMREF_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 7);
	return world_object(&w, PROBE, "config", "the content", 11) &&
	    world_object(&w, PROBE, "empty", "", 0) &&
	    world_object(&w, PROBE, "large", large, sizeof(large)) &&
	    world_object(&w, PROBE, "huge", huge, sizeof(huge)) &&
	    world_object(&w, PROBE, "damaged", "damaged", 7) &&
	    world_object(&w, HELLO, "secret", "of another", 10);
}

static void
personalization_data_is_read_and_never_written(void)
{
	TEEC_Session s;

	CHECK(give_objects());
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK_EQ(invoke(&s, PROBE_OBJECTS), TEEC_SUCCESS);
	CHECK(world_logged(&w, "cannot have its data"));
	TEEC_CloseSession(&s);
}

static void
objects_of_another_ta_are_not_found(void)
{
	TEEC_Session s;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK_EQ(open_object(&s, "secret"), TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK_EQ(open_object(&s, "ta"), TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK_EQ(open_object(&s, "config"), TEEC_SUCCESS);
	TEEC_CloseSession(&s);
}

static void
open_object_stays_what_it_was(void)
{
	TEEC_Session s;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK_EQ(open_object(&s, "config"), TEEC_SUCCESS);
	CHECK(world_object(&w, PROBE, "config", "another text", 12));
	CHECK(object_reads(&s, "the content"));
	CHECK_EQ(open_object(&s, "config"), TEEC_SUCCESS);
	CHECK(object_reads(&s, "another text"));
	CHECK(world_object(&w, PROBE, "config", NULL, 0));
	CHECK_EQ(open_object(&s, "config"), TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK(world_object(&w, PROBE, "config", "the content", 11));
	TEEC_CloseSession(&s);
}

static void
mistake_with_an_object_is_a_panic(void)
{
	TEEC_Session s;
	uint32_t i;

	for (i = 0; i < MISTAKE_COUNT; i++) {
		CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
		CHECK_EQ(invoke_value(&s, PROBE_MISTAKE, i, NULL),
		    TEEC_ERROR_TARGET_DEAD);
		TEEC_CloseSession(&s);
	}
	CHECK(world_logged(&w, "panicked: 0xffff0006"));
	CHECK(world_logged(&w, "panicked: 0xffff0003"));
	CHECK(!world_logged(&w, "panicked: 0xffff000e"));
}

/* Its memory is the TEE's: contents that it asked for and did not take. */
static void
ta_that_reads_no_answers_is_ended(void)
{
	TEEC_Session s;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK_EQ(invoke(&s, PROBE_GREEDY), TEEC_ERROR_TARGET_DEAD);
	TEEC_CloseSession(&s);
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK_EQ(open_object(&s, "large"), TEEC_SUCCESS);
	TEEC_CloseSession(&s);
}

static void
image_that_asks_while_it_is_loaded_is_not_started(void)
{
	TEEC_Session s;

	CHECK(world_install(&w, PROBE, "tests/probe-early.ta"));
	CHECK_EQ(open_probe(&s), TEEC_ERROR_TARGET_DEAD);
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	TEEC_CloseSession(&s);
}

/* --- instances and versions ---------------------------------------------- */

static void
each_session_has_a_process_unless_it_is_shared(void)
{
	TEEC_Session a, b;

	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&b), TEEC_SUCCESS);
	CHECK(ask_value(&a, PROBE_PID) != ask_value(&b, PROBE_PID));
	CHECK(settles_at(2, 2));
	TEEC_CloseSession(&a);
	TEEC_CloseSession(&b);
	CHECK(settles_at(0, 0));

	CHECK(world_install(&w, PROBE, "tests/probe-shared.ta"));
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&b), TEEC_SUCCESS);
	CHECK_EQ(ask_value(&a, PROBE_PID), ask_value(&b, PROBE_PID));
	CHECK_EQ(ask_value(&a, PROBE_SESSIONS), 2);
	CHECK(settles_at(1, 2));
	TEEC_CloseSession(&a);
	CHECK_EQ(ask_value(&b, PROBE_SESSIONS), 1);
	TEEC_CloseSession(&b);
	CHECK(settles_at(0, 0));
}

static void
single_session_instance_is_busy_for_a_second(void)
{
	TEEC_Session a, b;

	CHECK(world_install(&w, PROBE, "tests/probe-single.ta"));
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&b), TEEC_ERROR_BUSY);
	TEEC_CloseSession(&a);
	CHECK_EQ(open_probe(&b), TEEC_SUCCESS);
	TEEC_CloseSession(&b);
	CHECK(settles_at(0, 0));
}

static void
kept_instance_stays_until_its_ta_changes(void)
{
	TEEC_Session a, b;
	uint32_t pid;

	CHECK(world_install(&w, PROBE, "tests/probe-kept.ta"));
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	pid = ask_value(&a, PROBE_PID);
	TEEC_CloseSession(&a);
	CHECK(settles_at(1, 0));
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(ask_value(&a, PROBE_PID), pid);
	/* an update: this session goes on, the next has the new version */
	CHECK(world_install(&w, PROBE, "tests/probe-kept.ta"));
	tell_changed();
	CHECK_EQ(ask_value(&a, PROBE_PID), pid);
	CHECK_EQ(open_probe(&b), TEEC_SUCCESS);
	CHECK(ask_value(&b, PROBE_PID) != pid);
	TEEC_CloseSession(&a);
	CHECK(settles_at(1, 1));
	TEEC_CloseSession(&b);
	CHECK(settles_at(1, 0));
	CHECK(world_install(&w, PROBE, NULL));
	tell_changed();
	CHECK(settles_at(0, 0));
}

static void
removed_ta_loses_its_sessions(void)
{
	TEEC_Session s;
	uint32_t origin;

	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	CHECK(world_install(&w, PROBE, NULL));
	tell_changed();
	CHECK_EQ(
	    invoke_value(&s, PROBE_RESULT, 0, &origin), TEEC_ERROR_TARGET_DEAD);
	CHECK_EQ(origin, TEEC_ORIGIN_TEE);
	TEEC_CloseSession(&s);
	CHECK_EQ(open_probe(&s), TEEC_ERROR_ITEM_NOT_FOUND);
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
}

static void
many_clients_at_once_get_their_sessions(void)
{
	TEEC_Session s[20];
	int i, k;

	CHECK(world_install(&w, PROBE, "tests/probe-shared.ta"));
	for (i = 0; i < 20; i++)
		CHECK_EQ(open_probe(&s[i]), TEEC_SUCCESS);
	for (k = 0; k < 3; k++)
		for (i = 0; i < 20; i++)
			CHECK_EQ(ask_value(&s[i], PROBE_SESSIONS), 20);
	for (i = 0; i < 20; i++)
		TEEC_CloseSession(&s[i]);
	CHECK(settles_at(0, 0));
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
}

static void
limits_of_processes_and_clients_hold(void)
{
	static TEEC_Session s[70];
	TEEC_Context c;
	int i, open = 0;

	for (i = 0; i < 33; i++) {
		if (open_probe(&s[open]) == TEEC_SUCCESS)
			open++;
	}
	CHECK_EQ(open, 32);
	CHECK_EQ(open_probe(&s[32]), TEEC_ERROR_BUSY);
	while (open > 0)
		TEEC_CloseSession(&s[--open]);
	CHECK(settles_at(0, 0));
	/* one user has half of the connections */
	for (i = 0; i < 70; i++) {
		if (TEEC_OpenSession(&ctx, &s[open], &control,
			TEEC_LOGIN_PUBLIC, NULL, NULL, NULL) == TEEC_SUCCESS)
			open++;
	}
	CHECK_EQ(open, 64);
	CHECK_EQ(TEEC_InitializeContext(w.socket, &c), TEEC_ERROR_BUSY);
	while (open > 0)
		TEEC_CloseSession(&s[--open]);
	CHECK(settles_at(0, 0));
}

/* --- images -------------------------------------------------------------- */

static void
image_that_is_no_ta_is_refused(void)
{
	static const char *const files[] = { "libteec.so.1",
		"examples/hello-client", "CMakeCache.txt",
		/* a TA, but of another UUID */
		"examples/hello-v1.ta" };
	TEEC_Session s;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CHECK(world_install(&w, PROBE, files[i]));
		CHECK_EQ(open_probe(&s), TEEC_ERROR_BAD_FORMAT);
	}
	CHECK(world_logged(&w, "the TA's UUID is another"));
	CHECK(settles_at(0, 0));
}

static void
hostile_constructor_cannot_open_files(void)
{
	TEEC_Session s;
	TEEC_Result result;

	CHECK(world_install(&w, PROBE, "tests/probe-constructor.ta"));
	result = open_probe(&s);
	CHECK_EQ(result, TEEC_ERROR_ACCESS_DENIED);
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
	CHECK(settles_at(0, 0));
}

/* --- hostile and broken TAs ---------------------------------------------- */

static void
forbidden_system_calls_kill_or_fail(void)
{
	TEEC_Session s;
	TEEC_Result result;
	uint32_t i, last = EVIL_COUNT;

#ifdef PST_SANITIZED
	last = EVIL_MAP_CODE;
#endif
	for (i = 0; i < last; i++) {
		CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
		result = invoke_value(&s, PROBE_SYSCALL, i, NULL);
		TEEC_CloseSession(&s);
		if (result == TEEC_SUCCESS)
			printf("  the TA was let do %u\n", i);
#ifdef PST_SANITIZED
		CHECK(result == TEEC_ERROR_TARGET_DEAD ||
		    result == TEEC_ERROR_ACCESS_DENIED);
#else
		CHECK_EQ(result, TEEC_ERROR_TARGET_DEAD);
#endif
	}
#ifndef PST_SANITIZED
	CHECK(world_logged(&w, "made a forbidden system call"));
#endif
	CHECK(settles_at(0, 0));
}

static void
dies_alone(uint32_t command)
{
	TEEC_Session bad, good;
	uint32_t origin = 0;

	CHECK_EQ(open_probe(&good), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&bad), TEEC_SUCCESS);
	CHECK_EQ(TEEC_InvokeCommand(&bad, command, NULL, &origin),
	    TEEC_ERROR_TARGET_DEAD);
	CHECK_EQ(origin, TEEC_ORIGIN_TEE);
	CHECK_EQ(invoke(&bad, PROBE_MEMORY), TEEC_ERROR_TARGET_DEAD);
	CHECK_EQ(invoke(&good, PROBE_MEMORY), TEEC_SUCCESS);
	TEEC_CloseSession(&bad);
	TEEC_CloseSession(&good);
	CHECK_EQ(open_probe(&good), TEEC_SUCCESS);
	TEEC_CloseSession(&good);
}

static void
panic_takes_only_its_own_sessions(void)
{
	dies_alone(PROBE_PANIC);
	CHECK_CASE();
	CHECK(world_logged(&w, "panicked: 0x0000dead"));
}

static void
crash_takes_only_its_own_sessions(void)
{
	dies_alone(PROBE_CRASH);
}

static void
endless_recursion_takes_only_its_own_sessions(void)
{
	dies_alone(PROBE_OVERFLOW);
}

static void
endless_loop_ends_at_its_time(void)
{
	long start = now_ms();

	dies_alone(PROBE_LOOP);
	CHECK_CASE();
	CHECK(now_ms() - start >= CALL_MS - 50);
	CHECK(now_ms() - start < CALL_MS + 5000);
	CHECK(world_logged(&w, "took too long"));
}

static void
panic_of_a_shared_instance_ends_all_its_sessions(void)
{
	TEEC_Session a, b;

	CHECK(world_install(&w, PROBE, "tests/probe-shared.ta"));
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&b), TEEC_SUCCESS);
	CHECK_EQ(invoke(&a, PROBE_PANIC), TEEC_ERROR_TARGET_DEAD);
	CHECK_EQ(invoke(&b, PROBE_MEMORY), TEEC_ERROR_TARGET_DEAD);
	TEEC_CloseSession(&a);
	TEEC_CloseSession(&b);
	CHECK_EQ(open_probe(&a), TEEC_SUCCESS);
	CHECK_EQ(ask_value(&a, PROBE_SESSIONS), 1);
	TEEC_CloseSession(&a);
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
}

/* --- cancellation and clients that vanish -------------------------------- */

struct waiting {
	TEEC_Session session;
	TEEC_Operation op;
	uint32_t command;
	TEEC_Result result;
	uint32_t origin;
};

static void *
wait_in_thread(void *arg)
{
	struct waiting *t = arg;

	t->result =
	    TEEC_InvokeCommand(&t->session, t->command, &t->op, &t->origin);
	return NULL;
}

static void
begin_wait(struct waiting *t, pthread_t *thread, uint32_t command, uint32_t ms)
{
	memset(&t->op, 0, sizeof(t->op));
	t->op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, 0, 0, 0);
	t->op.params[0].value.a = ms;
	t->command = command;
	pthread_create(thread, NULL, wait_in_thread, t);
	sleep_ms(150);
}

/* A client that cancels without end does not end a TA that others use. */
static void
many_cancellations_harm_no_other_session(void)
{
	static struct waiting t, other;
	pthread_t first, second;
	int i;

	CHECK(world_install(&w, PROBE, "tests/probe-shared.ta"));
	CHECK_EQ(open_probe(&t.session), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&other.session), TEEC_SUCCESS);
	begin_wait(&t, &first, PROBE_LATE_OPEN, 1000);
	begin_wait(&other, &second, PROBE_WAIT, 1);
	for (i = 0; i < 2000; i++) {
		TEEC_RequestCancellation(&t.op);
		usleep(100);
	}
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	CHECK_EQ(t.result, TEEC_SUCCESS);
	CHECK_EQ(other.result, TEEC_SUCCESS);
	CHECK_EQ(ask_value(&other.session, PROBE_SESSIONS), 2);
	TEEC_CloseSession(&t.session);
	TEEC_CloseSession(&other.session);
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
}

static void
running_call_is_cancelled(void)
{
	static struct waiting t;
	pthread_t thread;
	long start = now_ms();

	CHECK_EQ(open_probe(&t.session), TEEC_SUCCESS);
	begin_wait(&t, &thread, PROBE_WAIT, 1400);
	TEEC_RequestCancellation(&t.op);
	pthread_join(thread, NULL);
	CHECK_EQ(t.result, TEEC_ERROR_CANCEL);
	CHECK_EQ(t.origin, TEEC_ORIGIN_TRUSTED_APP);
	CHECK(now_ms() - start < 1300);
	/* masked, it goes on; and the next call does not see it */
	begin_wait(&t, &thread, PROBE_WAIT_MASKED, 400);
	TEEC_RequestCancellation(&t.op);
	pthread_join(thread, NULL);
	CHECK_EQ(t.result, TEEC_SUCCESS);
	begin_wait(&t, &thread, PROBE_WAIT, 10);
	pthread_join(thread, NULL);
	CHECK_EQ(t.result, TEEC_SUCCESS);
	TEEC_RequestCancellation(&t.op);
	TEEC_RequestCancellation(NULL);
	TEEC_CloseSession(&t.session);
}

static void
queued_call_is_cancelled_before_the_ta_sees_it(void)
{
	static struct waiting a, b;
	pthread_t ta, tb;

	CHECK(world_install(&w, PROBE, "tests/probe-shared.ta"));
	CHECK_EQ(open_probe(&a.session), TEEC_SUCCESS);
	CHECK_EQ(open_probe(&b.session), TEEC_SUCCESS);
	begin_wait(&a, &ta, PROBE_WAIT, 800);
	begin_wait(&b, &tb, PROBE_PANIC, 0);
	TEEC_RequestCancellation(&b.op);
	pthread_join(tb, NULL);
	CHECK_EQ(b.result, TEEC_ERROR_CANCEL);
	CHECK_EQ(b.origin, TEEC_ORIGIN_TEE);
	pthread_join(ta, NULL);
	CHECK_EQ(a.result, TEEC_SUCCESS);
	TEEC_CloseSession(&a.session);
	TEEC_CloseSession(&b.session);
	CHECK(settles_at(0, 0));
}

static void
vanished_client_has_its_sessions_closed(void)
{
	TEEC_Session s;
	pid_t pid;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		TEEC_Session a, b;

		/* one idle session and one in a call */
		if (open_probe(&a) != TEEC_SUCCESS ||
		    open_probe(&b) != TEEC_SUCCESS)
			_exit(1);
		invoke_value(&b, PROBE_WAIT, 1400, NULL);
		_exit(2);
	}
	CHECK(settles_at(1, 3));
	sleep_ms(150);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	waitpid(pid, NULL, 0);
	CHECK(settles_at(1, 1));
	CHECK_EQ(ask_value(&s, PROBE_SESSIONS), 1);
	TEEC_CloseSession(&s);
	CHECK(settles_at(0, 0));
	CHECK(world_install(&w, PROBE, "tests/probe-plain.ta"));
}

/* --- hostile clients ----------------------------------------------------- */

static int
dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strcpy(sa.sun_path, w.socket);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		return -1;
	return fd;
}

static bool
hung_up(int fd)
{
	char c[64];

	return recv(fd, c, sizeof(c), 0) <= 0;
}

static void
bad_messages_end_the_connection(void)
{
	static struct pst_wire_msg m;
	char junk[300];
	int fd;

	memset(junk, 0xff, sizeof(junk));
	fd = dial();
	CHECK(send(fd, junk, sizeof(junk), 0) > 0 && hung_up(fd));
	close(fd);
	/* before the greeting */
	pst_wire_init(&m, PST_WIRE_OPEN);
	fd = dial();
	CHECK(pst_wire_send(fd, &m, true) == PST_OK && hung_up(fd));
	close(fd);
	/* another version */
	pst_wire_init(&m, PST_WIRE_HELLO);
	m.head.command = PST_WIRE_VERSION + 1;
	fd = dial();
	CHECK(pst_wire_send(fd, &m, true) == PST_OK && hung_up(fd));
	close(fd);
	/* what only a TA process says */
	m.head.command = PST_WIRE_VERSION;
	fd = dial();
	CHECK(pst_wire_send(fd, &m, true) == PST_OK);
	CHECK(pst_wire_recv(fd, &m, true) == PST_OK && m.head.result == 0);
	pst_wire_init(&m, PST_WIRE_READY);
	CHECK(pst_wire_send(fd, &m, true) == PST_OK && hung_up(fd));
	close(fd);
	CHECK(settles_at(0, 0));
}

static void
second_call_before_the_answer_ends_the_connection(void)
{
	static struct pst_wire_msg m;
	int fd = dial();

	pst_wire_init(&m, PST_WIRE_HELLO);
	m.head.command = PST_WIRE_VERSION;
	CHECK(pst_wire_send(fd, &m, true) == PST_OK);
	CHECK(pst_wire_recv(fd, &m, true) == PST_OK);
	/* no session yet: an answer, not an end */
	pst_wire_init(&m, PST_WIRE_INVOKE);
	CHECK(pst_wire_send(fd, &m, true) == PST_OK);
	CHECK(pst_wire_recv(fd, &m, true) == PST_OK);
	CHECK_EQ(m.head.result, TEEC_ERROR_BAD_STATE);
	pst_wire_init(&m, PST_WIRE_OPEN);
	memcpy(m.head.uuid, "\x11\x11\x11\x11\x22\x22\x33\x33", 8);
	memcpy(m.head.uuid + 8, "\x44\x44\x55\x55\x55\x55\x55\x55", 8);
	CHECK(pst_wire_send(fd, &m, true) == PST_OK);
	CHECK(pst_wire_send(fd, &m, true) == PST_OK);
	CHECK(hung_up(fd));
	close(fd);
	CHECK(settles_at(0, 0));
}

/* --- examples ------------------------------------------------------------ */

static bool
client_says(const char *uuid, const char *want, int status)
{
	char command[400], line[100] = "";
	FILE *f;
	int got;

	snprintf(command, sizeof(command),
	    "%s/examples/hello-client --tee %s %s 2>&1", PST_BUILD_DIR,
	    w.socket, uuid);
	f = popen(command, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		strcpy(line, "nothing");
	got = pclose(f);
	if (strstr(line, want) != NULL && WEXITSTATUS(got) == status)
		return true;
	printf("  %d: %s", WEXITSTATUS(got), line);
	return false;
}

static void
examples_answer_and_an_update_is_seen(void)
{
	CHECK(client_says("", "TEEC_ERROR_ITEM_NOT_FOUND", 1));
	CHECK(world_install(&w, HELLO, "examples/hello-v1.ta"));
	CHECK(client_says("", "hello from version 1\n", 0));
	CHECK(world_install(&w, HELLO, "examples/hello-v2.ta"));
	CHECK(client_says(HELLO, "hello from version 2\n", 0));
	CHECK(world_install(&w, HELLO, NULL));
	CHECK(client_says(HELLO, "TEEC_ERROR_ITEM_NOT_FOUND", 1));
	CHECK(world_install(&w, COUNTER, "examples/counter.ta"));
	CHECK(client_says(COUNTER, "counted to 1\n", 0));
	CHECK(client_says(COUNTER, "counted to 2\n", 0));
	CHECK(world_install(&w, PERSONAL, "examples/personal.ta"));
	CHECK(client_says(PERSONAL, "TEEC_ERROR_ITEM_NOT_FOUND", 1));
	CHECK(world_object(&w, PERSONAL, "config", "for this device", 15));
	CHECK(client_says(PERSONAL, "for this device\n", 0));
	CHECK(client_says("no-uuid", "usage", 2));
}

/* --- the development kit ------------------------------------------------- */

static int
make_in(const char *folder, const char *arguments)
{
	char command[700];

	/* Not the flags of a make that runs these tests. */
	snprintf(command, sizeof(command),
	    "env -u MAKEFLAGS make -s -C %s O=%s/kit "
	    "TA_DEV_KIT_DIR=%s/ta-dev-kit %s >%s/make.log 2>&1",
	    folder, w.dir, PST_BUILD_DIR, arguments, w.dir);
	return system(command);
}

static void
development_kit_builds_what_runs(void)
{
	char to[200], from[200];

	CHECK_EQ(
	    make_in(PST_SOURCE_DIR "/examples/hello", "HELLO_VERSION=77"), 0);
	snprintf(from, sizeof(from), "%s/kit/%s.ta", w.dir, HELLO);
	snprintf(to, sizeof(to), "%s/%s.ta", w.dir, HELLO);
	CHECK_EQ(rename(from, to), 0);
	CHECK(client_says("", "hello from version 77\n", 0));
	CHECK(world_install(&w, HELLO, NULL));
}

static bool
write_file(const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	f = fopen(path, "w");
	return f != NULL && fputs(text, f) >= 0 && fclose(f) == 0;
}

/* A function of the API that this TEE does not have is no surprise later. */
static void
absent_function_does_not_link(void)
{
	char path[160];

	CHECK(write_file("Makefile",
	    "BINARY = 8d82573a-926d-4754-9353-32dc29997f74\n"
	    "include $(TA_DEV_KIT_DIR)/mk/ta_dev_kit.mk\n"));
	CHECK(write_file("sub.mk",
	    "srcs-y += absent.c\nglobal-incdirs-y += " PST_SOURCE_DIR
	    "/examples/hello\n"
	    "cppflags-y += -DHELLO_VERSION='\"1\"'\n"));
	CHECK(write_file("absent.c",
	    "#include <tee_internal_api.h>\n"
	    "TEE_Result TEE_AllocateOperation(void **, int, int, int);\n"
	    "TEE_Result TA_CreateEntryPoint(void)\n"
	    "{ void *p; return TEE_AllocateOperation(&p, 1, 2, 3); }\n"));
	CHECK(make_in(w.dir, "") != 0);
	snprintf(path, sizeof(path),
	    "grep -q 'undefined reference to .TEE_AllocateOperation' "
	    "%s/make.log",
	    w.dir);
	CHECK_EQ(system(path), 0);
}

/* --- the end of a TEE ---------------------------------------------------- */

static bool
alive(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0;
}

static void
killed_tee_takes_its_processes_with_it(void)
{
	struct world v;
	TEEC_Context c;
	TEEC_Session s;
	uint32_t pid;
	int i;

	CHECK(world_begin(&v, 0));
	CHECK(world_install(&v, PROBE, "tests/probe-plain.ta"));
	CHECK_EQ(TEEC_InitializeContext(v.socket, &c), TEEC_SUCCESS);
	CHECK_EQ(TEEC_OpenSession(
		     &c, &s, &probe, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
	    TEEC_SUCCESS);
	pid = ask_value(&s, PROBE_PID);
	CHECK(pid != 0 && alive(pid));
	CHECK_EQ(kill(v.pid, SIGKILL), 0);
	CHECK_EQ(invoke(&s, PROBE_MEMORY), TEEC_ERROR_TARGET_DEAD);
	TEEC_CloseSession(&s);
	TEEC_FinalizeContext(&c);
	waitpid(v.pid, NULL, 0);
	v.pid = 0;
	for (i = 0; i < 200 && alive(pid); i++)
		sleep_ms(10);
	CHECK(!alive(pid));
	/* what is left of its socket is replaced */
	CHECK_EQ(access(v.socket, F_OK), 0);
	unlink(v.socket);
	world_end(&v);
}

static void
signal_ends_the_tee_and_its_processes(void)
{
	TEEC_Session s;
	uint32_t pid;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	pid = ask_value(&s, PROBE_PID);
	CHECK(pid != 0 && alive(pid));
	CHECK_EQ(world_end(&w), 0);
	CHECK(!alive(pid));
	CHECK_EQ(invoke(&s, PROBE_MEMORY), TEEC_ERROR_TARGET_DEAD);
	TEEC_CloseSession(&s);
}

/* --- where namespaces are denied ----------------------------------------- */

static bool
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good =
	    fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* From here on no process of this test can have a namespace of its own. */
static bool
deny_namespaces(void)
{
	static const char *const kinds[] = { "user", "net", "mnt", "ipc" };
	char map[32], path[64];
	size_t i;

	snprintf(map, sizeof(map), "0 %d 1", (int)geteuid());
	if (unshare(CLONE_NEWUSER) != 0 ||
	    !write_text("/proc/self/uid_map", map))
		return false;
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces",
		    kinds[i]);
		if (!write_text(path, "0"))
			return false;
	}
	return true;
}

static void
log_says_that_seccomp_is_alone(void)
{
	TEEC_Session s;

	CHECK_EQ(open_probe(&s), TEEC_SUCCESS);
	TEEC_CloseSession(&s);
	CHECK(world_logged(&w, "no own network namespace, no empty root"));
}

/* What a container without namespaces leaves: the filter alone. */
static int
test_without_namespaces(void)
{
	RUN(log_says_that_seccomp_is_alone);
	RUN(hostile_constructor_cannot_open_files);
	RUN(forbidden_system_calls_kill_or_fail);
	RUN(internal_api_holds);
	RUN(memory_of_every_size_travels);
	RUN(personalization_data_is_read_and_never_written);
	RUN(examples_answer_and_an_update_is_seen);
	world_end(&w);
	TEST_END();
}

int
main(int argc, char **argv)
{
	bool denied = argc > 1 && strcmp(argv[1], "--no-namespaces") == 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (denied && !deny_namespaces()) {
		SKIP("all", "namespaces cannot be denied here");
		TEST_END();
	}
	if (!world_begin(&w, CALL_MS) ||
	    !world_install(&w, PROBE, "tests/probe-plain.ta") ||
	    TEEC_InitializeContext(w.socket, &ctx) != TEEC_SUCCESS) {
		printf("no TEE\n");
		return 1;
	}
	if (denied)
		return test_without_namespaces();
	RUN(context_needs_a_tee);
	RUN(uninstalled_ta_is_not_found);
	RUN(bad_arguments_are_refused_before_the_tee);
	RUN(values_travel_in_both_directions);
	RUN(memory_of_every_size_travels);
	RUN(shared_memory_is_used_whole_and_in_part);
	RUN(short_buffer_says_how_much_is_needed);
	RUN(output_that_the_ta_does_not_write_is_zero);
	RUN(null_references_reach_the_ta_as_null);
	RUN(open_entry_point_may_refuse);
	RUN(internal_api_holds);
	RUN(trace_reaches_the_log_without_control_characters);
	RUN(personalization_data_is_read_and_never_written);
	RUN(objects_of_another_ta_are_not_found);
	RUN(open_object_stays_what_it_was);
	RUN(mistake_with_an_object_is_a_panic);
	RUN(ta_that_reads_no_answers_is_ended);
	RUN(image_that_asks_while_it_is_loaded_is_not_started);
	RUN(each_session_has_a_process_unless_it_is_shared);
	RUN(single_session_instance_is_busy_for_a_second);
	RUN(kept_instance_stays_until_its_ta_changes);
	RUN(removed_ta_loses_its_sessions);
	RUN(many_clients_at_once_get_their_sessions);
	RUN(limits_of_processes_and_clients_hold);
	RUN(image_that_is_no_ta_is_refused);
	RUN(hostile_constructor_cannot_open_files);
	RUN(forbidden_system_calls_kill_or_fail);
	RUN(panic_takes_only_its_own_sessions);
	RUN(crash_takes_only_its_own_sessions);
	RUN(endless_recursion_takes_only_its_own_sessions);
	RUN(endless_loop_ends_at_its_time);
	RUN(panic_of_a_shared_instance_ends_all_its_sessions);
	RUN(running_call_is_cancelled);
	RUN(many_cancellations_harm_no_other_session);
	RUN(queued_call_is_cancelled_before_the_ta_sees_it);
	RUN(vanished_client_has_its_sessions_closed);
	RUN(bad_messages_end_the_connection);
	RUN(second_call_before_the_answer_ends_the_connection);
	RUN(examples_answer_and_an_update_is_seen);
	RUN(development_kit_builds_what_runs);
	RUN(absent_function_does_not_link);
	RUN(killed_tee_takes_its_processes_with_it);
	if (test_failures > 0)
		(void)!system("cat /tmp/postern-tee-*/log");
	RUN(signal_ends_the_tee_and_its_processes);
	TEEC_FinalizeContext(&ctx);
	TEST_END();
}
