#include "probe_ta.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <unistd.h>

#define TYPES(a, b, c) \
	TEE_PARAM_TYPES(TEE_PARAM_TYPE_##a, TEE_PARAM_TYPE_##b, \
	    TEE_PARAM_TYPE_##c, TEE_PARAM_TYPE_NONE)
#define NEED(t) \
	do { \
		if (types != (t)) \
			return TEE_ERROR_BAD_PARAMETERS; \
	} while (0)
/* Each check has a number that the test prints. */
#define HOLDS(n, cond) \
	do { \
		if (!(cond)) { \
			EMSG("check %d: %s", n, #cond); \
			return TEE_ERROR_GENERIC; \
		} \
	} while (0)

static uint32_t sessions;

#ifdef PROBE_EARLY_CONSTRUCTOR
/* Asks the TEE for something before it is anything to the TEE. */
static void __attribute__((constructor)) early_constructor(void)
{
	TEE_ObjectHandle o;

	(void)TEE_OpenPersistentObject(
	    TEE_STORAGE_PERSO, "config", 6, TEE_DATA_FLAG_ACCESS_READ, &o);
}
#endif

#ifdef PROBE_HOSTILE_CONSTRUCTOR
static long constructor_opened = -100;

/* Runs while the loader loads, before anything looks at this TA. */
static void __attribute__((constructor)) hostile_constructor(void)
{
	constructor_opened = syscall(SYS_openat, AT_FDCWD, "/etc/passwd", 0);
	if (constructor_opened < 0)
		constructor_opened =
		    syscall(SYS_openat, AT_FDCWD, "/trusted-application", 0);
}
#endif

TEE_Result
TA_CreateEntryPoint(void)
{
#ifdef PROBE_HOSTILE_CONSTRUCTOR
	if (constructor_opened < 0)
		return TEE_ERROR_ACCESS_DENIED;
#endif
	return TEE_SUCCESS;
}

void
TA_DestroyEntryPoint(void)
{
}

TEE_Result
TA_OpenSessionEntryPoint(
    uint32_t types, TEE_Param params[TEE_NUM_PARAMS], void **context)
{
	if (TEE_PARAM_TYPE_GET(types, 0) == TEE_PARAM_TYPE_VALUE_INPUT &&
	    params[0].value.a != 0)
		return params[0].value.a;
	*context = TEE_Malloc(16, 0);
	sessions++;
	return *context != NULL ? TEE_SUCCESS : TEE_ERROR_OUT_OF_MEMORY;
}

void
TA_CloseSessionEntryPoint(void *context)
{
	TEE_Free(context);
	sessions--;
}

/* --- parameters ---------------------------------------------------------- */

static TEE_Result
echo(uint32_t types, TEE_Param *p)
{
	size_t cap = p[1].memref.size;

	NEED(TYPES(MEMREF_INPUT, MEMREF_OUTPUT, NONE));
	p[1].memref.size = p[0].memref.size;
	if (cap < p[0].memref.size)
		return TEE_ERROR_SHORT_BUFFER;
	TEE_MemMove(p[1].memref.buffer, p[0].memref.buffer, p[0].memref.size);
	return TEE_SUCCESS;
}

static TEE_Result
values(uint32_t types, TEE_Param *p)
{
	NEED(TYPES(VALUE_INPUT, VALUE_OUTPUT, VALUE_INOUT));
	if (p[1].value.a != 0 || p[1].value.b != 0)
		return TEE_ERROR_BAD_STATE;
	p[1].value.a = p[0].value.b;
	p[1].value.b = p[0].value.a;
	p[2].value.a++;
	p[2].value.b--;
	p[0].value.a = 99;
	return TEE_SUCCESS;
}

static TEE_Result
inout(uint32_t types, TEE_Param *p)
{
	uint8_t *b = p[0].memref.buffer;
	size_t i;

	NEED(TYPES(MEMREF_INOUT, NONE, NONE));
	for (i = 0; i < p[0].memref.size; i++)
		b[i]++;
	return TEE_SUCCESS;
}

static TEE_Result
need(uint32_t types, TEE_Param *p)
{
	size_t cap = p[0].memref.size;

	NEED(TYPES(MEMREF_OUTPUT, NONE, NONE));
	p[0].memref.size = 1000;
	if (cap < 1000)
		return TEE_ERROR_SHORT_BUFFER;
	TEE_MemFill(p[0].memref.buffer, 0x5a, 1000);
	return TEE_SUCCESS;
}

static TEE_Result
seen_types(uint32_t types, TEE_Param *p)
{
	uint32_t i, nulls = 0;

	for (i = 1; i < 4; i++)
		if (TEE_PARAM_TYPE_GET(types, i) >=
			TEE_PARAM_TYPE_MEMREF_INPUT &&
		    p[i].memref.buffer == NULL)
			nulls |= 1u << i;
	p[0].value.a = types >> 4;
	p[0].value.b = nulls;
	return TEE_SUCCESS;
}

/* --- the API ------------------------------------------------------------- */

static TEE_Result
memory(void)
{
	uint8_t *a, *b;
	size_t i;

	a = TEE_Malloc(1000, TEE_MALLOC_FILL_ZERO);
	HOLDS(1, a != NULL && ((uintptr_t)a & 15) == 0);
	for (i = 0; i < 1000; i++)
		HOLDS(2, a[i] == 0);
	TEE_MemFill(a, 0x1ff, 1000);
	HOLDS(3, a[0] == 0xff && a[999] == 0xff);
	a = TEE_Realloc(a, 2000);
	HOLDS(4, a != NULL && a[999] == 0xff && a[1000] == 0);
	/* TA_DATA_SIZE is 1 MiB */
	HOLDS(5, TEE_Malloc(1024 * 1024, 0) == NULL);
	HOLDS(6, TEE_Malloc(SIZE_MAX, 0) == NULL);
	HOLDS(7, TEE_Realloc(a, 2 * 1024 * 1024) == NULL && a[5] == 0xff);
	b = TEE_Malloc(1000 * 1024, 0);
	HOLDS(8, b != NULL);
	TEE_Free(b);
	b = TEE_Malloc(0, 0);
	HOLDS(9, b != NULL);
	TEE_Free(b);
	TEE_Free(NULL);
	TEE_Free(a);
	HOLDS(10, TEE_MemCompare("abc", "abd", 3) < 0);
	HOLDS(11,
	    TEE_MemCompare("\xff"
			   "bc",
		"\x01"
		"zz",
		3) > 0);
	HOLDS(12, TEE_MemCompare("abc", "abc", 3) == 0);
	HOLDS(13, TEE_MemCompare("abc", "xyz", 0) == 0);
	HOLDS(14, TEE_MemCompare("aXc", "abz", 3) < 0);
	TEE_SetInstanceData("x");
	HOLDS(15, *(const char *)TEE_GetInstanceData() == 'x');
	return TEE_SUCCESS;
}

static TEE_Result
rights(uint32_t types, TEE_Param *p)
{
	const uint32_t rd = TEE_MEMORY_ACCESS_READ;
	const uint32_t wr = rd | TEE_MEMORY_ACCESS_WRITE;
	const uint32_t any = TEE_MEMORY_ACCESS_ANY_OWNER;
	static const char constant[] = "in read-only memory";
	uint8_t *c = p[0].memref.buffer, local[8] = { 1, 2 };
	size_t n = p[0].memref.size;

	NEED(TYPES(MEMREF_INPUT, NONE, NONE));
#define RIGHTS TEE_CheckMemoryAccessRights
	HOLDS(1, RIGHTS(wr, local, 8) == TEE_SUCCESS && local[1] == 2);
	HOLDS(2, RIGHTS(wr, NULL, 0) == TEE_SUCCESS);
	HOLDS(3, RIGHTS(rd, NULL, 1) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(4, RIGHTS(rd, (void *)constant, 8) == TEE_SUCCESS);
	HOLDS(5, RIGHTS(wr, (void *)constant, 8) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(6, RIGHTS(rd, (void *)4096, 8) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(7, RIGHTS(rd, local, SIZE_MAX) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(8, RIGHTS(rd, local, 1ull << 40) == TEE_ERROR_ACCESS_DENIED);
	/* the client's memory is not the TA's own */
	HOLDS(9, RIGHTS(rd, c, n) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(10, RIGHTS(rd, c + n - 1, 1) == TEE_ERROR_ACCESS_DENIED);
	HOLDS(11, RIGHTS(rd | any, c, n) == TEE_SUCCESS);
	return TEE_SUCCESS;
}

static TEE_Result
properties(void)
{
	const TEE_PropSetHandle ta = TEE_PROPSET_CURRENT_TA;
	TEE_UUID u, mine = PROBE_UUID;
	TEE_Identity id;
	char text[64];
	size_t len;
	uint32_t n;
	bool b;

	len = sizeof(text);
	HOLDS(1,
	    TEE_GetPropertyAsString(ta, "gpd.ta.version", text, &len) ==
		    TEE_SUCCESS &&
		len == 4 && strcmp(text, "7.1") == 0);
	len = 3;
	HOLDS(2,
	    TEE_GetPropertyAsString(ta, "org.example.text", text, &len) ==
		    TEE_ERROR_SHORT_BUFFER &&
		len == 10 && strcmp(text, "so") == 0);
	len = sizeof(text);
	HOLDS(3,
	    TEE_GetPropertyAsString(ta, "gpd.ta.appID", text, &len) ==
		    TEE_SUCCESS &&
		strcmp(text, "11111111-2222-3333-4444-555555555555") == 0);
	HOLDS(4,
	    TEE_GetPropertyAsU32(ta, "org.example.number", &n) == TEE_SUCCESS &&
		n == 16);
	HOLDS(5,
	    TEE_GetPropertyAsU32(ta, "org.example.text", &n) ==
		TEE_ERROR_BAD_FORMAT);
	HOLDS(6,
	    TEE_GetPropertyAsU32(ta, "org.example.none", &n) ==
		TEE_ERROR_ITEM_NOT_FOUND);
	HOLDS(7,
	    TEE_GetPropertyAsBool(ta, "gpd.ta.multiSession", &b) ==
		TEE_SUCCESS);
	HOLDS(8,
	    TEE_GetPropertyAsUUID(ta, "gpd.ta.appID", &u) == TEE_SUCCESS &&
		memcmp(&u, &mine, sizeof(u)) == 0);
	HOLDS(9,
	    TEE_GetPropertyAsIdentity(TEE_PROPSET_CURRENT_CLIENT,
		"gpd.client.identity", &id) == TEE_SUCCESS &&
		id.login == TEE_LOGIN_PUBLIC);
	len = sizeof(text);
	HOLDS(10,
	    TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION,
		"gpd.tee.apiversion", text, &len) == TEE_SUCCESS);
	return TEE_SUCCESS;
}

static TEE_Result
times(void)
{
	TEE_Time a, b;

	TEE_GetSystemTime(&a);
	HOLDS(1, TEE_Wait(30) == TEE_SUCCESS);
	TEE_GetSystemTime(&b);
	HOLDS(2, (b.seconds - a.seconds) * 1000 + b.millis - a.millis >= 30);
	TEE_GetREETime(&a);
	HOLDS(3, a.seconds > 1700000000 && a.millis < 1000);
	HOLDS(4, !TEE_GetCancellationFlag());
	HOLDS(5, TEE_UnmaskCancellation());
	HOLDS(6, !TEE_UnmaskCancellation());
	HOLDS(7, !TEE_MaskCancellation());
	return TEE_SUCCESS;
}

static TEE_Result
randomness(void)
{
	uint8_t a[600] = { 0 }, b[600] = { 0 };
	size_t i, zeros = 0;

	TEE_GenerateRandom(a, sizeof(a));
	TEE_GenerateRandom(b, sizeof(b));
	for (i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	HOLDS(1, zeros < 30 && memcmp(a, b, sizeof(a)) != 0);
	return TEE_SUCCESS;
}

static TEE_Result
waiting(uint32_t types, TEE_Param *p, bool unmask)
{
	NEED(TYPES(VALUE_INPUT, NONE, NONE));
	if (unmask)
		(void)TEE_UnmaskCancellation();
	return TEE_Wait(p[0].value.a);
}

/* --- objects ------------------------------------------------------------- */

#define READ_FLAG TEE_DATA_FLAG_ACCESS_READ
#define OPEN(name, flags, o) \
	TEE_OpenPersistentObject( \
	    TEE_STORAGE_PERSO, name, strlen(name), flags, o)

static TEE_ObjectHandle kept;

static TEE_Result
whole_object(void)
{
	char text[32] = "";
	TEE_ObjectInfo info;
	TEE_ObjectHandle o;
	size_t n = 99;

	HOLDS(1, OPEN("config", READ_FLAG, &o) == TEE_SUCCESS);
	HOLDS(2, TEE_GetObjectInfo1(o, &info) == TEE_SUCCESS);
	HOLDS(3, info.objectType == TEE_TYPE_DATA && info.dataSize == 11);
	HOLDS(4, info.dataPosition == 0 && info.objectSize == 0);
	HOLDS(5,
	    info.handleFlags ==
		(READ_FLAG | TEE_HANDLE_FLAG_PERSISTENT |
		    TEE_HANDLE_FLAG_INITIALIZED));
	HOLDS(6, TEE_ReadObjectData(o, text, 4, &n) == TEE_SUCCESS && n == 4);
	HOLDS(7, memcmp(text, "the ", 4) == 0);
	HOLDS(8,
	    TEE_ReadObjectData(o, text, sizeof(text), &n) == TEE_SUCCESS &&
		n == 7 && memcmp(text, "content", 7) == 0);
	HOLDS(9, TEE_ReadObjectData(o, text, 4, &n) == TEE_SUCCESS && n == 0);
	HOLDS(10, TEE_ReadObjectData(o, NULL, 0, &n) == TEE_SUCCESS && n == 0);
	TEE_GetObjectInfo1(o, &info);
	HOLDS(11, info.dataPosition == 11);
	TEE_CloseObject(o);
	TEE_CloseObject(TEE_HANDLE_NULL);
	return TEE_SUCCESS;
}

static char
byte_here(TEE_ObjectHandle o)
{
	char c = '-';
	size_t n;

	(void)TEE_ReadObjectData(o, &c, 1, &n);
	return n == 1 ? c : '-';
}

static TEE_Result
seeking(void)
{
	const intmax_t most = TEE_DATA_MAX_POSITION;
	TEE_ObjectHandle o;
	TEE_ObjectInfo info;

#define SEEK TEE_SeekObjectData
	HOLDS(20, OPEN("config", READ_FLAG, &o) == TEE_SUCCESS);
	HOLDS(21, SEEK(o, 4, TEE_DATA_SEEK_SET) == 0 && byte_here(o) == 'c');
	HOLDS(22, SEEK(o, -2, TEE_DATA_SEEK_CUR) == 0 && byte_here(o) == ' ');
	HOLDS(23, SEEK(o, -1, TEE_DATA_SEEK_END) == 0 && byte_here(o) == 't');
	HOLDS(24, SEEK(o, -50, TEE_DATA_SEEK_END) == 0 && byte_here(o) == 't');
	HOLDS(25, SEEK(o, INTMAX_MIN, TEE_DATA_SEEK_CUR) == 0);
	HOLDS(26, byte_here(o) == 't');
	HOLDS(27, SEEK(o, 5, TEE_DATA_SEEK_END) == 0 && byte_here(o) == '-');
	HOLDS(28, SEEK(o, most, TEE_DATA_SEEK_SET) == 0 && byte_here(o) == '-');
	HOLDS(29, SEEK(o, 1, TEE_DATA_SEEK_CUR) == TEE_ERROR_OVERFLOW);
	HOLDS(30, SEEK(o, INTMAX_MAX, TEE_DATA_SEEK_END) == TEE_ERROR_OVERFLOW);
	TEE_GetObjectInfo1(o, &info);
	HOLDS(31, info.dataPosition == TEE_DATA_MAX_POSITION);
	TEE_CloseObject(o);
	return TEE_SUCCESS;
}

static TEE_Result
other_objects(void)
{
	static uint8_t all[300000];
	TEE_ObjectHandle o, more[9];
	uint32_t i, opened;
	size_t n, k;

	HOLDS(40, OPEN("empty", READ_FLAG, &o) == TEE_SUCCESS);
	HOLDS(41, byte_here(o) == '-');
	TEE_CloseObject(o);
	HOLDS(42, OPEN("large", READ_FLAG, &o) == TEE_SUCCESS);
	HOLDS(43,
	    TEE_ReadObjectData(o, all, sizeof(all), &n) == TEE_SUCCESS &&
		n == sizeof(all));
	for (k = 0; k < sizeof(all); k++)
		HOLDS(44, all[k] == (uint8_t)(k * 7));
	TEE_CloseObject(o);
	HOLDS(45, OPEN("none", READ_FLAG, &o) == TEE_ERROR_ITEM_NOT_FOUND);
	HOLDS(46, o == TEE_HANDLE_NULL);
	HOLDS(47, OPEN("damaged", READ_FLAG, &o) == TEE_ERROR_CORRUPT_OBJECT);
	HOLDS(48, OPEN("huge", READ_FLAG, &o) == TEE_ERROR_OUT_OF_MEMORY);
	for (opened = 0; opened < 9; opened++)
		if (OPEN("config", READ_FLAG, &more[opened]) != TEE_SUCCESS)
			break;
	HOLDS(49, opened == 8);
	for (i = 0; i < opened; i++)
		TEE_CloseObject(more[i]);
	HOLDS(50, OPEN("config", READ_FLAG, &o) == TEE_SUCCESS);
	TEE_CloseObject(o);
	return TEE_SUCCESS;
}

static TEE_Result
no_writing(void)
{
	const uint32_t share =
	    TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE;
	TEE_ObjectHandle o;

	HOLDS(60,
	    OPEN("config", READ_FLAG | TEE_DATA_FLAG_ACCESS_WRITE, &o) ==
		TEE_ERROR_ACCESS_DENIED);
	HOLDS(61,
	    OPEN("config", TEE_DATA_FLAG_ACCESS_WRITE_META, &o) ==
		TEE_ERROR_ACCESS_DENIED);
	HOLDS(62, o == TEE_HANDLE_NULL);
	HOLDS(63, OPEN("config", READ_FLAG | share, &o) == TEE_SUCCESS);
	TEE_CloseObject(o);
	HOLDS(64,
	    TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, "config", 6,
		READ_FLAG, &o) == TEE_ERROR_ITEM_NOT_FOUND);
	return TEE_SUCCESS;
}

static TEE_Result
enumeration(void)
{
	static const char *const names[] = { "huge", "empty", "large", "config",
		"damaged" };
	char id[TEE_OBJECT_ID_MAX_LEN];
	TEE_ObjectEnumHandle e;
	TEE_ObjectInfo info;
	size_t i, n;

#define NEXT(info) TEE_GetNextPersistentObject(e, info, id, &n)
	HOLDS(80, TEE_AllocatePersistentObjectEnumerator(&e) == TEE_SUCCESS);
	HOLDS(81, NEXT(NULL) == TEE_ERROR_ITEM_NOT_FOUND);
	HOLDS(82,
	    TEE_StartPersistentObjectEnumerator(e, TEE_STORAGE_PRIVATE) ==
		TEE_ERROR_ITEM_NOT_FOUND);
	HOLDS(83,
	    TEE_StartPersistentObjectEnumerator(e, TEE_STORAGE_PERSO) ==
		TEE_SUCCESS);
	for (i = 0; i < 5; i++) {
		HOLDS(84, NEXT(&info) == TEE_SUCCESS && n == strlen(names[i]));
		HOLDS(85, memcmp(id, names[i], n) == 0);
		HOLDS(86, info.objectType == TEE_TYPE_DATA);
		HOLDS(87, i != 3 || info.dataSize == 11);
	}
	HOLDS(88, NEXT(&info) == TEE_ERROR_ITEM_NOT_FOUND);
	TEE_ResetPersistentObjectEnumerator(e);
	HOLDS(89, NEXT(&info) == TEE_ERROR_ITEM_NOT_FOUND);
	TEE_FreePersistentObjectEnumerator(e);
	TEE_FreePersistentObjectEnumerator(TEE_HANDLE_NULL);
	return TEE_SUCCESS;
}

static TEE_Result
objects(void)
{
	TEE_Result res = whole_object();

	if (res == TEE_SUCCESS)
		res = seeking();
	if (res == TEE_SUCCESS)
		res = other_objects();
	if (res == TEE_SUCCESS)
		res = no_writing();
	return res == TEE_SUCCESS ? enumeration() : res;
}

static TEE_Result
open_kept(uint32_t types, TEE_Param *p)
{
	NEED(TYPES(MEMREF_INPUT, VALUE_INPUT, NONE));
	TEE_CloseObject(kept);
	return TEE_OpenPersistentObject(TEE_STORAGE_PERSO, p[0].memref.buffer,
	    p[0].memref.size, p[1].value.a, &kept);
}

static TEE_Result
late_open(uint32_t types, TEE_Param *p)
{
	TEE_ObjectHandle o;
	TEE_Result res = waiting(types, p, false);

	if (res == TEE_SUCCESS)
		res = OPEN("config", READ_FLAG, &o);
	if (res == TEE_SUCCESS)
		TEE_CloseObject(o);
	return res;
}

static TEE_Result
read_kept(uint32_t types, TEE_Param *p)
{
	NEED(TYPES(MEMREF_OUTPUT, NONE, NONE));
	return TEE_ReadObjectData(
	    kept, p[0].memref.buffer, p[0].memref.size, &p[0].memref.size);
}

/* What the library would send, on the socket that it uses. */
static TEE_Result
greedy(void)
{
	struct {
		uint32_t head[39]; /* op first, length of data last */
		char data[6];
	} message = { { 12 }, "large" };
	const size_t len = sizeof(message.head) + 5;
	int i;

	message.head[38] = 5;
	for (i = 0; i < 300; i++)
		if (write(3, &message, len) != (ssize_t)len)
			return TEE_ERROR_COMMUNICATION;
	TEE_Wait(1000);
	return TEE_SUCCESS;
}

static TEE_Result
mistake(uint32_t what)
{
	TEE_ObjectHandle o = TEE_HANDLE_NULL;
	char name[TEE_OBJECT_ID_MAX_LEN + 1] = "", c;
	TEE_ObjectInfo info;
	size_t n;

	if (what != MISTAKE_NO_HANDLE)
		(void)OPEN("config", READ_FLAG, &o);
	switch (what) {
	case MISTAKE_NO_HANDLE:
		return TEE_GetObjectInfo1(o, &info);
	case MISTAKE_CLOSED_HANDLE:
		TEE_CloseObject(o);
		return TEE_ReadObjectData(o, &c, 1, &n);
	case MISTAKE_LONG_NAME:
		return TEE_OpenPersistentObject(
		    TEE_STORAGE_PERSO, name, sizeof(name), READ_FLAG, &o);
	case MISTAKE_UNKNOWN_FLAG:
		return OPEN("config", READ_FLAG | 0x8000, &o);
	case MISTAKE_NOT_FOR_READING:
		(void)OPEN("config", TEE_DATA_FLAG_SHARE_READ, &o);
		return TEE_ReadObjectData(o, &c, 1, &n);
	case MISTAKE_WHENCE:
		return TEE_SeekObjectData(o, 0, 3);
	case MISTAKE_BUFFER:
		return TEE_ReadObjectData(o, (void *)(uintptr_t)4096, 4, &n);
	default:
		TEE_ResetPersistentObjectEnumerator(
		    (TEE_ObjectEnumHandle)(void *)&info);
		return TEE_SUCCESS;
	}
}

/* --- hostility ----------------------------------------------------------- */

static long
evil(uint32_t what)
{
	struct iovec v = { &v, sizeof(v) };
	char *none[] = { NULL };
	struct stat st;

	switch (what) {
	case EVIL_SOCKET:
		return socket(AF_INET, SOCK_STREAM, 0);
	case EVIL_OPEN:
		return open("/etc/passwd", O_RDONLY);
	case EVIL_OPENAT:
		return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
	case EVIL_STAT:
		return stat("/etc/passwd", &st);
	case EVIL_FORK:
		return fork();
	case EVIL_CLONE_THREAD:
		return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case EVIL_EXEC:
		return execve("/bin/true", none, none);
	case EVIL_KILL_PARENT:
		return kill(getppid(), SIGTERM);
	case EVIL_PTRACE:
		return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	case EVIL_SETNS:
		return setns(0, 0);
	case EVIL_UNSHARE:
		return unshare(CLONE_NEWUSER);
	case EVIL_MOUNT:
		return mount("none", "/", "tmpfs", 0, NULL);
	case EVIL_SECCOMP:
		return syscall(SYS_seccomp, 0, 0, NULL);
	case EVIL_READ_MEMORY:
		return process_vm_readv(getppid(), &v, 1, &v, 1, 0);
	case EVIL_IO_URING:
		return syscall(425, 1, &st);
	case EVIL_PRCTL:
		return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	case EVIL_MAP_CODE:
		return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		    ? -1
		    : 0;
	default:
		return 0;
	}
}

static TEE_Result
try_evil(uint32_t types, TEE_Param *p)
{
	NEED(TYPES(VALUE_INPUT, NONE, NONE));
	return evil(p[0].value.a) < 0 ? TEE_ERROR_ACCESS_DENIED : TEE_SUCCESS;
}

static uint32_t __attribute__((noinline)) recurse(volatile uint32_t n)
{
	volatile uint8_t frame[4096];

	frame[n % 4096] = 1;
	return recurse(n + 1) + frame[(n + 1) % 4096];
}

TEE_Result
TA_InvokeCommandEntryPoint(void *context, uint32_t command, uint32_t types,
    TEE_Param p[TEE_NUM_PARAMS])
{
	volatile uint32_t forever = 1;

	(void)context;
	switch (command) {
	case PROBE_ECHO:
		return echo(types, p);
	case PROBE_VALUES:
		return values(types, p);
	case PROBE_INOUT:
		return inout(types, p);
	case PROBE_NEED:
		return need(types, p);
	case PROBE_UNWRITTEN:
		return TEE_SUCCESS;
	case PROBE_TYPES:
		return seen_types(types, p);
	case PROBE_RESULT:
		return p[0].value.a;
	case PROBE_MEMORY:
		return memory();
	case PROBE_RIGHTS:
		return rights(types, p);
	case PROBE_PROPERTIES:
		return properties();
	case PROBE_TIME:
		return times();
	case PROBE_RANDOM:
		return randomness();
	case PROBE_WAIT:
		return waiting(types, p, true);
	case PROBE_WAIT_MASKED:
		return waiting(types, p, false);
	case PROBE_TRACE:
		EMSG("a line with \033[31mcolour\n and a second line");
		DHEXDUMP("0123456789abcdefg", 17);
		return TEE_SUCCESS;
	case PROBE_PID:
		p[0].value.a = (uint32_t)getpid();
		return TEE_SUCCESS;
	case PROBE_SYSCALL:
		return try_evil(types, p);
	case PROBE_PANIC:
		TEE_Panic(0xdead);
	case PROBE_CRASH:
		*(volatile int *)(uintptr_t)8 = 1;
		return TEE_SUCCESS;
	case PROBE_LOOP:
		while (forever)
			;
		return TEE_SUCCESS;
	case PROBE_OVERFLOW:
		return recurse(0);
	case PROBE_SESSIONS:
		p[0].value.a = sessions;
		return TEE_SUCCESS;
	case PROBE_OBJECTS:
		return objects();
	case PROBE_OPEN:
		return open_kept(types, p);
	case PROBE_READ:
		return read_kept(types, p);
	case PROBE_LATE_OPEN:
		return late_open(types, p);
	case PROBE_GREEDY:
		return greedy();
	case PROBE_MISTAKE:
		return mistake(p[0].value.a);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
