/*
 * Panic, cancellation, random numbers and time.
 */
#include "runtime.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <tee_api.h>
#include <time.h>
#include <unistd.h>

struct pst_ta_runtime pst_ta_runtime = { .fd = -1, .probe = -1 };

void
pst_ta_panic(uint32_t code)
{
	static struct pst_wire_msg m;

	pst_wire_init(&m, PST_WIRE_PANIC);
	m.head.result = code;
	/* The TEE sees the end of this process in any case. */
	if (pst_wire_send(pst_ta_runtime.fd, &m, true) != PST_OK)
		_exit(1);
	_exit(2);
}

void
TEE_Panic(TEE_Result panicCode)
{
	pst_ta_panic(panicCode);
}

/* --- cancellation (Section 4.10) ----------------------------------------- */

/* While a call runs nothing but its cancellation comes. */
static bool
take_cancellation(void)
{
	static struct pst_wire_msg m;

	if (pst_ta_runtime.cancelled)
		return true;
	if (pst_wire_recv(pst_ta_runtime.fd, &m, false) != PST_OK)
		return false;
	if (m.head.op == PST_WIRE_CANCEL)
		pst_ta_runtime.cancelled = true;
	pst_wire_clear(&m);
	return pst_ta_runtime.cancelled;
}

bool
TEE_GetCancellationFlag(void)
{
	return pst_ta_runtime.unmasked && take_cancellation();
}

bool
TEE_UnmaskCancellation(void)
{
	bool was_masked = !pst_ta_runtime.unmasked;

	pst_ta_runtime.unmasked = true;
	return was_masked;
}

bool
TEE_MaskCancellation(void)
{
	bool was_masked = !pst_ta_runtime.unmasked;

	pst_ta_runtime.unmasked = false;
	return was_masked;
}

/* --- random -------------------------------------------------------------- */

void
TEE_GenerateRandom(void *randomBuffer, size_t randomBufferLen)
{
	uint8_t *to = randomBuffer;
	ssize_t n;

	while (randomBufferLen > 0) {
		n = getrandom(to, randomBufferLen, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			pst_ta_panic(TEE_ERROR_GENERIC);
		to += n;
		randomBufferLen -= (size_t)n;
	}
}

/* --- time ---------------------------------------------------------------- */

static void
read_clock(clockid_t clock, TEE_Time *t)
{
	struct timespec ts;

	if (t == NULL || clock_gettime(clock, &ts) != 0)
		pst_ta_panic(TEE_ERROR_BAD_PARAMETERS);
	t->seconds = (uint32_t)ts.tv_sec;
	t->millis = (uint32_t)(ts.tv_nsec / 1000000);
}

void
TEE_GetSystemTime(TEE_Time *time)
{
	read_clock(CLOCK_MONOTONIC, time);
}

void
TEE_GetREETime(TEE_Time *time)
{
	read_clock(CLOCK_REALTIME, time);
}

static uint64_t
now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

TEE_Result
TEE_Wait(uint32_t timeout)
{
	uint64_t end = now_ms() + timeout, now;
	struct pollfd p = { .fd = -1, .events = POLLIN };
	int step;

	while ((now = now_ms()) < end || timeout == TEE_TIMEOUT_INFINITE) {
		if (TEE_GetCancellationFlag())
			return TEE_ERROR_CANCEL;
		/* Masked: time alone ends it. */
		p.fd = pst_ta_runtime.unmasked ? pst_ta_runtime.fd : -1;
		step = timeout == TEE_TIMEOUT_INFINITE || end - now > 60000
		    ? 60000
		    : (int)(end - now);
		if (poll(&p, 1, step) > 0 && (p.revents & POLLIN) == 0)
			pst_ta_panic(TEE_ERROR_COMMUNICATION);
	}
	return TEE_SUCCESS;
}
