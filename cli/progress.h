/*
 * Progress of long work, for a person at a terminal: one line on standard
 * error that is written over and goes in the end. Nothing is written when that
 * is no terminal, nor before the work has taken a while.
 */
#ifndef PST_CLI_PROGRESS_H
#define PST_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cli_progress {
	const char *what; /* borrowed */
	uint64_t total;	  /* bytes; 0: not known */
	uint64_t done;
	int64_t next_ms; /* when it is written again; -1: never */
	bool shown;
};

/**
 * Begin with a piece of work.
 *
 * @param what   a file or URI; kept
 * @param total  bytes of it; 0: not known
 */
void
cli_progress_begin(struct cli_progress *p, const char *what, uint64_t total);

/** So many bytes more are done. */
void cli_progress_add(struct cli_progress *p, uint64_t bytes);

/** The work is done, or given up; may be called again. */
void cli_progress_end(struct cli_progress *p);

/** No command of this run shows progress any more. */
void cli_progress_off(void);

/** Bytes of what is read; 0 when it is no regular file. */
uint64_t cli_progress_size(FILE *f);

#endif
