#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static const char *const names[] = { "error", "warn", "info", "debug" };

bool
pst_log_level_parse(const char *name, enum pst_log_level *out)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum pst_log_level)i;
		return true;
	}
	return false;
}

bool
pst_log_wants(const struct pst_log *log, enum pst_log_level level)
{
	return level <= log->level;
}

static size_t
prefix(char *line, enum pst_log_level level)
{
	struct timespec now;
	struct tm tm;
	size_t len;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(line, PST_LOG_LINE_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line + len, PST_LOG_LINE_MAX - len, ".%03ldZ %s ",
	    now.tv_nsec / 1000000, names[level]);
	return n > 0 ? len + (size_t)n : len;
}

void
pst_log(
    const struct pst_log *log, enum pst_log_level level, const char *fmt, ...)
{
	char line[PST_LOG_LINE_MAX];
	va_list ap;
	size_t len, i;
	int n;

	if (!pst_log_wants(log, level))
		return;
	len = prefix(line, level);
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n;
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	for (i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* A log that cannot be written is no reason to stop serving. */
	if (write(log->fd, line, len) < 0)
		return;
}
