/*
 * Objects in storage (GlobalPlatform TEE Internal Core API 1.3, Chapter 5), as
 * far as they can be read: the TA's personalization data. An object comes from
 * the TEE when it is opened, all of it in a sealed memfd, and is read from
 * there.
 *
 * Where the API has no return code for a mistake of the TA, it panics.
 */
#include "runtime.h"

#include <errno.h>
#include <string.h>
#include <tee_api.h>
#include <unistd.h>

/* Each holds a descriptor; see RLIMIT_NOFILE in enter.c. */
#define OBJECTS_MAX 8
#define ENUMERATORS_MAX 8

struct __TEE_ObjectHandle {
	bool open;
	int fd; /* -1: no content */
	uint32_t flags;
	size_t size;
	size_t at;
};

struct __TEE_ObjectEnumHandle {
	bool allocated;
	bool started;
	bool begun; /* id is the last that was given out */
	uint8_t id[TEE_OBJECT_ID_MAX_LEN];
	size_t id_len;
};

static struct __TEE_ObjectHandle objects[OBJECTS_MAX];
static struct __TEE_ObjectEnumHandle enumerators[ENUMERATORS_MAX];

/* --- asking the TEE ------------------------------------------------------ */

/*
 * The TEE answers in order; before its answer only a cancellation of the call
 * that is under way can come.
 */
static void
ask(struct pst_wire_msg *m)
{
	if (pst_wire_send(pst_ta_runtime.fd, m, true) != PST_OK)
		pst_ta_panic(TEE_ERROR_COMMUNICATION);
	for (;;) {
		if (pst_wire_recv(pst_ta_runtime.fd, m, true) != PST_OK)
			pst_ta_panic(TEE_ERROR_COMMUNICATION);
		if (m->head.op == PST_WIRE_OBJECT)
			return;
		if (m->head.op != PST_WIRE_CANCEL)
			pst_ta_panic(TEE_ERROR_COMMUNICATION);
		pst_ta_runtime.cancelled = true;
		pst_wire_clear(m);
	}
}

static struct pst_wire_msg *
ask_about(enum pst_wire_op op, bool has_id, const void *id, size_t len)
{
	static struct pst_wire_msg m;

	pst_wire_init(&m, op);
	m.head.command = has_id;
	if (len > 0)
		memcpy(m.data, id, len);
	m.head.len = (uint32_t)len;
	ask(&m);
	return &m;
}

/* --- objects ------------------------------------------------------------- */

static struct __TEE_ObjectHandle *
free_object(void)
{
	size_t i;

	for (i = 0; i < OBJECTS_MAX; i++)
		if (!objects[i].open)
			return &objects[i];
	return NULL;
}

static struct __TEE_ObjectHandle *
valid(TEE_ObjectHandle object)
{
	size_t i;

	for (i = 0; i < OBJECTS_MAX; i++)
		if (object == &objects[i] && object->open)
			return object;
	pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
}

static TEE_Result
check_flags(uint32_t flags)
{
	const uint32_t writing =
	    TEE_DATA_FLAG_ACCESS_WRITE | TEE_DATA_FLAG_ACCESS_WRITE_META;
	const uint32_t known = writing | TEE_DATA_FLAG_ACCESS_READ |
	    TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE;

	if ((flags & ~known) != 0)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	return (flags & writing) == 0 ? TEE_SUCCESS : TEE_ERROR_ACCESS_DENIED;
}

static TEE_Result
open_object(struct __TEE_ObjectHandle *o, const void *id, size_t len)
{
	struct pst_wire_msg *m = ask_about(PST_WIRE_OBJECT_OPEN, true, id, len);
	const struct pst_wire_param *p = &m->head.params[0];

	if (m->head.result == TEE_SUCCESS) {
		if (m->fd_count != (p->have > 0))
			pst_ta_panic(TEE_ERROR_COMMUNICATION);
		o->size = p->have;
		o->fd = p->have > 0 ? m->fds[0] : -1;
		m->fd_count = 0; /* the object's now */
		o->open = true;
	}
	pst_wire_clear(m);
	return m->head.result;
}

TEE_Result
TEE_OpenPersistentObject(uint32_t storageID, const void *objectID,
    size_t objectIDLen, uint32_t flags, TEE_ObjectHandle *object)
{
	struct __TEE_ObjectHandle *o;
	TEE_Result res;

	if (object == NULL || objectIDLen > TEE_OBJECT_ID_MAX_LEN ||
	    (objectID == NULL && objectIDLen > 0))
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	*object = TEE_HANDLE_NULL;
	res = check_flags(flags);
	if (storageID != TEE_STORAGE_PERSO)
		return TEE_ERROR_ITEM_NOT_FOUND;
	if (res != TEE_SUCCESS)
		return res;
	o = free_object();
	if (o == NULL)
		return TEE_ERROR_OUT_OF_MEMORY;
	*o = (struct __TEE_ObjectHandle){ .flags = flags };
	res = open_object(o, objectID, objectIDLen);
	if (res == TEE_SUCCESS)
		*object = o;
	return res;
}

void
TEE_CloseObject(TEE_ObjectHandle object)
{
	struct __TEE_ObjectHandle *o;

	if (object == TEE_HANDLE_NULL)
		return;
	o = valid(object);
	if (o->fd >= 0)
		close(o->fd);
	o->open = false;
}

static void
describe(TEE_ObjectInfo *info, uint64_t size)
{
	*info = (TEE_ObjectInfo){
		.objectType = TEE_TYPE_DATA,
		.objectUsage = TEE_USAGE_DEFAULT,
		.dataSize = (size_t)size,
		.handleFlags =
		    TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED,
	};
}

TEE_Result
TEE_GetObjectInfo1(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo)
{
	const struct __TEE_ObjectHandle *o = valid(object);

	if (objectInfo == NULL)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	describe(objectInfo, o->size);
	objectInfo->dataPosition = o->at;
	objectInfo->handleFlags |= o->flags;
	return TEE_SUCCESS;
}

/* --- data ---------------------------------------------------------------- */

static void
read_content(const struct __TEE_ObjectHandle *o, uint8_t *to, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = pread(o->fd, to + done, size - done, (off_t)(o->at + done));
		if (n < 0 && errno == EINTR)
			continue;
		/* EFAULT is a buffer that is none; the rest cannot be. */
		if (n <= 0)
			pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
		done += (size_t)n;
	}
}

TEE_Result
TEE_ReadObjectData(
    TEE_ObjectHandle object, void *buffer, size_t size, size_t *count)
{
	struct __TEE_ObjectHandle *o = valid(object);
	size_t left = o->at < o->size ? o->size - o->at : 0;

	if (count == NULL || (buffer == NULL && size > 0))
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if ((o->flags & TEE_DATA_FLAG_ACCESS_READ) == 0)
		pst_ta_panic(TEE_ERROR_ACCESS_CONFLICT);
	if (size > left)
		size = left;
	read_content(o, buffer, size);
	o->at += size;
	*count = size;
	return TEE_SUCCESS;
}

/* Before the beginning is the beginning; past the end is a place. */
TEE_Result
TEE_SeekObjectData(TEE_ObjectHandle object, intmax_t offset, TEE_Whence whence)
{
	struct __TEE_ObjectHandle *o = valid(object);
	const intmax_t most = TEE_DATA_MAX_POSITION;
	intmax_t from = 0;

	if (whence == TEE_DATA_SEEK_CUR)
		from = (intmax_t)o->at;
	else if (whence == TEE_DATA_SEEK_END)
		from = (intmax_t)o->size;
	else if (whence != TEE_DATA_SEEK_SET)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if (offset > most - from)
		return TEE_ERROR_OVERFLOW;
	o->at = offset < -from ? 0 : (size_t)(from + offset);
	return TEE_SUCCESS;
}

/* --- enumerators --------------------------------------------------------- */

static struct __TEE_ObjectEnumHandle *
valid_enumerator(TEE_ObjectEnumHandle e)
{
	size_t i;

	for (i = 0; i < ENUMERATORS_MAX; i++)
		if (e == &enumerators[i] && e->allocated)
			return e;
	pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
}

TEE_Result
TEE_AllocatePersistentObjectEnumerator(TEE_ObjectEnumHandle *objectEnumerator)
{
	size_t i;

	if (objectEnumerator == NULL)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	*objectEnumerator = TEE_HANDLE_NULL;
	for (i = 0; i < ENUMERATORS_MAX; i++) {
		if (enumerators[i].allocated)
			continue;
		enumerators[i] =
		    (struct __TEE_ObjectEnumHandle){ .allocated = true };
		*objectEnumerator = &enumerators[i];
		return TEE_SUCCESS;
	}
	return TEE_ERROR_OUT_OF_MEMORY;
}

void
TEE_FreePersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator)
{
	if (objectEnumerator != TEE_HANDLE_NULL)
		valid_enumerator(objectEnumerator)->allocated = false;
}

void
TEE_ResetPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator)
{
	if (objectEnumerator != TEE_HANDLE_NULL)
		valid_enumerator(objectEnumerator)->started = false;
}

TEE_Result
TEE_StartPersistentObjectEnumerator(
    TEE_ObjectEnumHandle objectEnumerator, uint32_t storageID)
{
	struct __TEE_ObjectEnumHandle *e = valid_enumerator(objectEnumerator);
	struct pst_wire_msg *m;

	e->started = false;
	e->begun = false;
	e->id_len = 0;
	if (storageID != TEE_STORAGE_PERSO)
		return TEE_ERROR_ITEM_NOT_FOUND;
	m = ask_about(PST_WIRE_OBJECT_NEXT, false, NULL, 0);
	e->started = m->head.result == TEE_SUCCESS;
	pst_wire_clear(m);
	return m->head.result;
}

/* The TEE is asked for what comes after the last: what is installed or removed
 * meanwhile neither repeats nor hides another object. */
TEE_Result
TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
    TEE_ObjectInfo *objectInfo, void *objectID, size_t *objectIDLen)
{
	struct __TEE_ObjectEnumHandle *e = valid_enumerator(objectEnumerator);
	const struct pst_wire_param *p;
	struct pst_wire_msg *m;

	if (objectID == NULL || objectIDLen == NULL)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	if (!e->started)
		return TEE_ERROR_ITEM_NOT_FOUND;
	m = ask_about(PST_WIRE_OBJECT_NEXT, e->begun, e->id, e->id_len);
	p = m->head.params;
	if (m->head.result == TEE_SUCCESS) {
		if (p[0].have > sizeof(e->id) ||
		    pst_wire_get(m, 0, e->id) != PST_OK)
			pst_ta_panic(TEE_ERROR_COMMUNICATION);
		e->id_len = p[0].have;
		e->begun = true;
		memcpy(objectID, e->id, e->id_len);
		*objectIDLen = e->id_len;
		if (objectInfo != NULL)
			describe(objectInfo, (uint64_t)p[1].b << 32 | p[1].a);
	}
	pst_wire_clear(m);
	return m->head.result;
}
