#include "entry.h"
#include "runtime.h"
#include "sandbox.h"
#include "ta.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Heap that a TA may ask for; RLIMIT_AS is the harder bound. */
#define DATA_MAX (128u << 20)

struct pst_ta_entry pst_ta_entry;

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
pst_ta_uuid_parse(const char *text, uint8_t out[16])
{
	size_t i, n = 0;
	int hi, lo;

	if (strlen(text) != 36)
		return false;
	for (i = 0; i < 36; i += 2) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			if (text[i++] != '-')
				return false;
		hi = hex_digit(text[i]);
		lo = hex_digit(text[i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[n++] = (uint8_t)(hi << 4 | lo);
	}
	return n == 16;
}

static bool
same_uuid(const TEE_UUID *u, const uint8_t b[16])
{
	return u->timeLow ==
	    ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
		b[3]) &&
	    u->timeMid == (b[4] << 8 | b[5]) &&
	    u->timeHiAndVersion == (b[6] << 8 | b[7]) &&
	    memcmp(u->clockSeqAndNode, b + 8, 8) == 0;
}

static const char *
check_head(const struct ta_head *h, const uint8_t uuid[16])
{
	if (h == NULL)
		return "the image has no ta_head";
	if (h->version != TA_HEAD_VERSION)
		return "the TA was built for another version of this TEE";
	if (!same_uuid(&h->uuid, uuid))
		return "the TA's UUID is another";
	if (h->data_size > DATA_MAX)
		return "TA_DATA_SIZE is over the limit";
	return NULL;
}

/* ISO C has no conversion from an object's to a function's address. */
static bool
look_up(void *handle, const char *name, void *to, size_t size)
{
	void *sym = dlsym(handle, name);

	if (sym == NULL || size != sizeof(sym))
		return false;
	memcpy(to, &sym, size);
	return true;
}
#define LOOK_UP(handle, name, to) look_up(handle, name, &(to), sizeof(to))

static const char *
find_entries(void *handle)
{
	struct pst_ta_entry *e = &pst_ta_entry;

	if (!LOOK_UP(handle, "TA_CreateEntryPoint", e->create) ||
	    !LOOK_UP(handle, "TA_DestroyEntryPoint", e->destroy) ||
	    !LOOK_UP(handle, "TA_OpenSessionEntryPoint", e->open) ||
	    !LOOK_UP(handle, "TA_CloseSessionEntryPoint", e->close) ||
	    !LOOK_UP(handle, "TA_InvokeCommandEntryPoint", e->invoke))
		return "the image lacks an entry point";
	return NULL;
}

const char *
pst_ta_load(const uint8_t uuid[16])
{
	const struct ta_head *head;
	const char *why;
	void *handle;

	handle = dlopen(PST_SANDBOX_IMAGE, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		why = dlerror();
		return why != NULL ? why : "the image cannot be loaded";
	}
	head = dlsym(handle, "ta_head");
	why = check_head(head, uuid);
	if (why != NULL)
		return why;
	pst_ta_runtime.head = head;
	return find_entries(handle);
}
