/*
 * Memory (GlobalPlatform TEE Internal Core API 1.3, Section 4.11). The heap
 * is libc's; each block is counted against TA_DATA_SIZE.
 */
#include "runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tee_api.h>
#include <unistd.h>

/* Before each block; keeps the block aligned for any type. */
union block {
	size_t size;
	max_align_t align;
};

static size_t used;
static const void *instance_data;

/* Room for one more block of `size`, next to `others` bytes? */
static bool
fits(size_t size, size_t others)
{
	size_t limit = pst_ta_runtime.head->data_size;

	return others <= limit && size <= limit - others;
}

void *
TEE_Malloc(size_t size, uint32_t hint)
{
	union block *b;

	/* Zeros satisfy every hint. */
	(void)hint;
	if (!fits(size, used))
		return NULL;
	b = calloc(1, sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	used += size;
	return b + 1;
}

void *
TEE_Realloc(void *buffer, size_t newSize)
{
	union block *b, *n;
	size_t old;

	if (buffer == NULL)
		return TEE_Malloc(newSize, TEE_MALLOC_FILL_ZERO);
	b = (union block *)buffer - 1;
	old = b->size;
	if (!fits(newSize, used - old))
		return NULL;
	n = realloc(b, sizeof(*b) + newSize);
	if (n == NULL)
		return NULL;
	if (newSize > old)
		memset((uint8_t *)(n + 1) + old, 0, newSize - old);
	n->size = newSize;
	used = used - old + newSize;
	return n + 1;
}

void
TEE_Free(void *buffer)
{
	union block *b;

	if (buffer == NULL)
		return;
	b = (union block *)buffer - 1;
	used -= b->size;
	free(b);
}

void *
TEE_MemMove(void *dest, const void *src, size_t size)
{
	return size == 0 ? dest : memmove(dest, src, size);
}

void *
TEE_MemFill(void *buff, uint32_t x, size_t size)
{
	return size == 0 ? buff : memset(buff, (int)(x & 0xff), size);
}

int32_t
TEE_MemCompare(const void *buffer1, const void *buffer2, size_t size)
{
	const uint8_t *a = buffer1, *b = buffer2;
	int32_t result = 0, diff, first;
	size_t i;

	/* Section 4.11.8: the sign of the first difference, in constant time:
	 * walking backwards, each difference replaces the one after it. */
	for (i = size; i-- > 0;) {
		diff = (int32_t)a[i] - (int32_t)b[i];
		first = -(int32_t)((uint32_t)(diff | -diff) >> 31);
		result = (result & ~first) | (diff & first);
	}
	return result;
}

void
TEE_SetInstanceData(const void *instanceData)
{
	instance_data = instanceData;
}

const void *
TEE_GetInstanceData(void)
{
	return instance_data;
}

/* --- TEE_CheckMemoryAccessRights ----------------------------------------- */

static bool
overlaps(uintptr_t from, uintptr_t last, const TEE_Param *p)
{
	uintptr_t start = (uintptr_t)p->memref.buffer;

	return p->memref.size > 0 && from <= start + (p->memref.size - 1) &&
	    start <= last;
}

static bool
is_clients(uintptr_t from, uintptr_t last)
{
	size_t i;

	for (i = 0; i < TEE_NUM_PARAMS; i++)
		if (overlaps(from, last, &pst_ta_runtime.memrefs[i]))
			return true;
	return false;
}

/*
 * The kernel is asked by copying the byte out and, for writing, in again: it
 * answers EFAULT where an access of ours would be a fault.
 */
static bool
probe(uintptr_t at, uint32_t flags)
{
	/* The address comes from the TA and may be wrong: never dereferenced.
	 */
	void *p = (void *)at;

	if (pwrite(pst_ta_runtime.probe, p, 1, 0) != 1)
		return false;
	if ((flags & TEE_MEMORY_ACCESS_WRITE) == 0)
		return true;
	return pread(pst_ta_runtime.probe, p, 1, 0) == 1;
}

TEE_Result
TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, size_t size)
{
	uintptr_t at = (uintptr_t)buffer, last;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	if (size == 0)
		return TEE_SUCCESS;
	if (buffer == NULL || size - 1 > UINTPTR_MAX - at)
		return TEE_ERROR_ACCESS_DENIED;
	last = at + (size - 1);
	if ((accessFlags & TEE_MEMORY_ACCESS_ANY_OWNER) == 0 &&
	    is_clients(at, last))
		return TEE_ERROR_ACCESS_DENIED;
	while (probe(at, accessFlags)) {
		if (last - at < page - at % page)
			return TEE_SUCCESS;
		at += page - at % page;
	}
	return TEE_ERROR_ACCESS_DENIED;
}
