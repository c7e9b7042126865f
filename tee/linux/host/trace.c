#include "runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <trace.h>

static int shown = TRACE_MAX;

void
trace_set_level(int level)
{
	shown = level < TRACE_MIN ? TRACE_MIN : level;
}

int
trace_get_level(void)
{
	return shown;
}

static void
send_line(int level, const char *line)
{
	static struct pst_wire_msg m;

	pst_wire_init(&m, PST_WIRE_TRACE);
	m.head.command = (uint32_t)level;
	pst_wire_put_text(&m, line);
	/* A TEE that cannot take it loses a line, never the TA's time. */
	(void)!pst_wire_send(pst_ta_runtime.fd, &m, false);
}

void
trace_printf(
    const char *func, int line, int level, bool level_ok, const char *fmt, ...)
{
	char text[MAX_PRINT_SIZE];
	va_list ap;
	int n = 0;

	if (level > shown)
		return;
	if (level_ok && func != NULL)
		n = snprintf(text, sizeof(text), "%s:%d ", func, line);
	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	send_line(level, text);
}

void
dhex_dump(const char *func, int line, int level, const void *buf, int len)
{
	const uint8_t *b = buf;
	char text[16 * 3 + 1];
	int i, k;

	(void)func;
	(void)line;
	if (level > shown)
		return;
	for (i = 0; i < len; i += 16) {
		for (k = 0; k < 16 && i + k < len; k++)
			snprintf(text + 3 * k, 4, "%02x ", b[i + k]);
		send_line(level, text);
	}
}
