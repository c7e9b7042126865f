/*
 * Lines for the TEE's log. They leave the TA process as messages to the TEE,
 * which cleans, limits and prints them; a TA has no standard output.
 */
#ifndef TRACE_H
#define TRACE_H

#include <compiler.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <trace_levels.h>

#ifndef TRACE_LEVEL
#ifdef CFG_TEE_TA_LOG_LEVEL
#define TRACE_LEVEL CFG_TEE_TA_LOG_LEVEL
#else
#define TRACE_LEVEL TRACE_INFO
#endif
#endif

/* Longest line; the rest is cut off. */
#define MAX_PRINT_SIZE 256

void trace_printf(const char *func, int line, int level, bool level_ok,
    const char *fmt, ...) __printf(5, 6);
void trace_set_level(int level);
int trace_get_level(void);
void dhex_dump(const char *func, int line, int level, const void *buf, int len);

/* A line that is compiled away still has its arguments checked. */
#define trace_printf_helper(level, level_ok, ...) \
	do { \
		if ((level) <= (TRACE_LEVEL)) \
			trace_printf(__func__, __LINE__, (level), (level_ok), \
			    __VA_ARGS__); \
	} while (0)

#define MSG(...) trace_printf_helper(0, false, __VA_ARGS__)
#define EMSG(...) trace_printf_helper(TRACE_ERROR, true, __VA_ARGS__)
#define IMSG(...) trace_printf_helper(TRACE_INFO, true, __VA_ARGS__)
#define DMSG(...) trace_printf_helper(TRACE_DEBUG, true, __VA_ARGS__)
#define FMSG(...) trace_printf_helper(TRACE_FLOW, true, __VA_ARGS__)
#define MSG_RAW(...) trace_printf_helper(0, false, __VA_ARGS__)
#define EMSG_RAW(...) trace_printf_helper(TRACE_ERROR, false, __VA_ARGS__)
#define IMSG_RAW(...) trace_printf_helper(TRACE_INFO, false, __VA_ARGS__)
#define DMSG_RAW(...) trace_printf_helper(TRACE_DEBUG, false, __VA_ARGS__)
#define FMSG_RAW(...) trace_printf_helper(TRACE_FLOW, false, __VA_ARGS__)
#define INMSG(...) FMSG("> " __VA_ARGS__)
#define OUTMSG(...) FMSG("< " __VA_ARGS__)
#define OUTRMSG(r) \
	do { \
		OUTMSG("r=[%x]", r); \
		return r; \
	} while (0)
#define DHEXDUMP(buf, len) \
	do { \
		if ((TRACE_DEBUG) <= (TRACE_LEVEL)) \
			dhex_dump(__func__, __LINE__, (TRACE_DEBUG), (buf), \
			    (int)(len)); \
	} while (0)

#endif
