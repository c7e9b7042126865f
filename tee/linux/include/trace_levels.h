/* How much a Trusted Application says. */
#ifndef TRACE_LEVELS_H
#define TRACE_LEVELS_H

#define TRACE_MIN 0
#define TRACE_ERROR TRACE_MIN + 1
#define TRACE_INFO TRACE_MIN + 2
#define TRACE_DEBUG TRACE_MIN + 3
#define TRACE_FLOW TRACE_MIN + 4
#define TRACE_MAX TRACE_FLOW

#define TRACE_PRINTF_LEVEL TRACE_ERROR

#endif
