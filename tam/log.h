/*
 * Log lines of the server: one write(2) each, so lines of several threads
 * never mix. A line says what happened and to whom; it never holds a body, a
 * token or a key.
 */
#ifndef POSTERN_TAM_LOG_H
#define POSTERN_TAM_LOG_H

#include <postern/base.h>

#define PST_LOG_LINE_MAX 1024 /* longer lines are cut */

enum pst_log_level {
	PST_LOG_ERROR, /* the server cannot do its work */
	PST_LOG_WARN,  /* an operator should look */
	PST_LOG_INFO,  /* one line a message, and life of the server */
	PST_LOG_DEBUG  /* also what the HTTP library says */
};

struct pst_log {
	int fd;
	enum pst_log_level level;
};

/** @return false when name is no level */
bool pst_log_level_parse(const char *name, enum pst_log_level *out);

/** Would a line of this level be written? */
bool pst_log_wants(const struct pst_log *log, enum pst_log_level level);

/**
 * Make text that somebody else chose fit for a log or a terminal, in place:
 * control characters (C1 in UTF-8 too) and those that turn the direction of
 * writing become '?', a byte each.
 */
void pst_text_clean(char *text, size_t len);

/** Write a line: time, level, text, cleaned by pst_text_clean. */
void pst_log(const struct pst_log *log, enum pst_log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
