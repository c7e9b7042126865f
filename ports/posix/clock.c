#include "posix.h"

#include <time.h>

static enum pst_err
now(void *ctx, uint64_t *seconds, bool *trusted)
{
	struct timespec ts;

	(void)ctx;
	*seconds = 0;
	*trusted = false;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0)
		return PST_ERR_CLOCK;
	*seconds = (uint64_t)ts.tv_sec;
	*trusted = true;
	return PST_OK;
}

void
pst_posix_clock(struct pst_clock *out)
{
	out->ctx = NULL;
	out->now = now;
}
