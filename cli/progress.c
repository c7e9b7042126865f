#include "progress.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "diag/diag.h"

/* Work that is over by then shows nothing; a line stays readable. */
enum { FIRST_MS = 500, EVERY_MS = 200 };

/* Of a name: its end says more than its beginning. */
enum { NAME_MAX_SHOWN = 40 };

static bool off;

void
cli_progress_off(void)
{
	off = true;
}

static int64_t
now_ms(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t
cli_progress_size(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)
	    ? (uint64_t)st.st_size
	    : 0;
}

void
cli_progress_begin(struct cli_progress *p, const char *what, uint64_t total)
{
	*p = (struct cli_progress){ .what = what, .total = total };
	p->next_ms = off || isatty(2) != 1 ? -1 : now_ms() + FIRST_MS;
}

static double
mib(uint64_t bytes)
{
	return (double)bytes / 1048576;
}

/* \r returns to the beginning, ESC [ K clears what was longer before. */
static void
show(struct cli_progress *p)
{
	size_t len = strlen(p->what);
	const char *name =
	    len > NAME_MAX_SHOWN ? p->what + len - NAME_MAX_SHOWN : p->what;

	fputs("\r\033[K", stderr);
	pst_print_safe(
	    stderr, (struct pst_bytes){ (const uint8_t *)name, strlen(name) });
	if (p->total >= p->done && p->total > 0)
		fprintf(stderr, ": %.1f of %.1f MiB, %d %%", mib(p->done),
		    mib(p->total),
		    (int)(100 * (double)p->done / (double)p->total));
	else
		fprintf(stderr, ": %.1f MiB", mib(p->done));
	fflush(stderr);
	p->shown = true;
}

void
cli_progress_add(struct cli_progress *p, uint64_t bytes)
{
	int64_t now;

	p->done += bytes;
	if (p->next_ms < 0)
		return;
	now = now_ms();
	if (now < p->next_ms)
		return;
	show(p);
	p->next_ms = now + EVERY_MS;
}

void
cli_progress_end(struct cli_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	p->next_ms = -1;
}
