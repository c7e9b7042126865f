#include "pst_internal.h"

/* Keeps the compiler from reasoning about memory that is about to die. */
static inline void
barrier(const void *ptr)
{
	__asm__ volatile("" : : "r"(ptr) : "memory");
}

bool
pst_equal(struct pst_bytes a, struct pst_bytes b)
{
	uint8_t diff = 0;
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		diff |= (uint8_t)(a.ptr[i] ^ b.ptr[i]);
	/* Without this a compiler may end the loop at the first difference. */
	__asm__ volatile("" : "+r"(diff));
	return diff == 0;
}

void
pst_wipe(void *ptr, size_t len)
{
	if (len == 0)
		return;
	memset(ptr, 0, len);
	barrier(ptr);
}
