/*
 * Messages between libteec, postern-tee and TA processes: what a hostile
 * client or TA sends. A first byte chooses how many sealed memfds came along.
 */
#include "fuzz.h"

#include "client/operation.h"
#include "wire.h"

#include <string.h>

#define MEMFD_BYTES 40000u

static struct pst_wire_msg m, back;
static uint8_t content[PST_WIRE_MEMREF_MAX];

/* Everything that a message may be used for once its shape was accepted. */
static void
use(void)
{
	TEEC_Operation op;
	uint32_t i;

	memset(&op, 0, sizeof(op));
	for (i = 0; i < PST_WIRE_PARAMS; i++) {
		MUST(m.head.params[i].have <= PST_WIRE_MEMREF_MAX);
		MUST(pst_wire_get(&m, i, content) == PST_OK);
		op.paramTypes |= m.head.params[i].type << (4 * i);
		if (!pst_wire_is_memref(m.head.params[i].type))
			continue;
		op.params[i].tmpref.buffer = content;
		op.params[i].tmpref.size = m.head.params[i].have;
	}
	(void)!pst_teec_unpack(&op, &m);
	pst_wire_init(&back, PST_WIRE_INVOKE);
	(void)!pst_teec_pack(&op, &back);
	pst_wire_clear(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t fds;

	if (size < 1 || size - 1 > sizeof(m.head) + sizeof(m.data))
		return 0;
	fds = data[0] % (PST_WIRE_PARAMS + 1);
	memset(&m, 0, sizeof(m));
	memcpy(&m.head, data + 1, size - 1);
	while (m.fd_count < fds) {
		m.fds[m.fd_count] =
		    pst_wire_memfd("fuzz", content, MEMFD_BYTES);
		MUST(m.fds[m.fd_count] >= 0);
		m.fd_count++;
	}
	if (pst_wire_check(&m, size - 1) == PST_OK)
		use();
	pst_wire_clear(&m);
	return 0;
}
