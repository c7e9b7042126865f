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

/* Bytes of the character at t that is not to be shown; 0 when it may be. */
static size_t
unfit(const unsigned char *t, size_t len)
{
	if (t[0] < ' ' || t[0] == 0x7f)
		return 1;
	/* U+0080 to U+009F */
	if (len >= 2 && t[0] == 0xc2 && t[1] >= 0x80 && t[1] <= 0x9f)
		return 2;
	if (len < 3 || t[0] != 0xe2)
		return 0;
	/* U+2028 to U+202E; U+2066 to U+2069 */
	if ((t[1] == 0x80 && t[2] >= 0xa8 && t[2] <= 0xae) ||
	    (t[1] == 0x81 && t[2] >= 0xa6 && t[2] <= 0xa9))
		return 3;
	return 0;
}

void
pst_text_clean(char *text, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		n = unfit((const unsigned char *)text + i, len - i);
		memset(text + i, '?', n);
		i += n > 0 ? n : 1;
	}
}

void
pst_log(
    const struct pst_log *log, enum pst_log_level level, const char *fmt, ...)
{
	char line[PST_LOG_LINE_MAX];
	va_list ap;
	size_t len;
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
	pst_text_clean(line, len);
	line[len++] = '\n';
	/* A log that cannot be written is no reason to stop serving. */
	if (write(log->fd, line, len) < 0)
		return;
}
