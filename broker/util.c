#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PAUSE_STEP_MS 50 /* how soon a stop is noticed */

uint64_t
pst_broker_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool
pst_broker_stopped(const struct pst_broker_config *config)
{
	return config->stop != NULL && atomic_load(config->stop);
}

bool
pst_broker_pause(const struct pst_broker_config *config, uint64_t wait_ms)
{
	uint64_t end = pst_broker_now_ms() + wait_ms;
	uint64_t now;
	struct timespec step;

	while (!pst_broker_stopped(config)) {
		now = pst_broker_now_ms();
		if (now >= end)
			return true;
		step.tv_sec = 0;
		step.tv_nsec = 1000000L *
		    (long)(end - now < PAUSE_STEP_MS ? end - now
						     : PAUSE_STEP_MS);
		(void)nanosleep(&step, NULL);
	}
	return false;
}

uint32_t
pst_broker_jitter(uint32_t n)
{
	uint32_t r;

	if (n == 0 || getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		return 0;
	return r % n;
}

void
pst_broker_defaults(struct pst_broker_config *config)
{
	if (config->connect_ms == 0)
		config->connect_ms = 10000;
	if (config->exchange_ms == 0)
		config->exchange_ms = 60000;
	if (config->stall_s == 0)
		config->stall_s = 30;
	if (config->retries == 0)
		config->retries = 2;
	if (config->retries == PST_BROKER_NO_RETRIES)
		config->retries = 0;
	if (config->retry_ms == 0)
		config->retry_ms = 500;
}

void
pst_broker_log(
    const struct pst_broker_config *config, bool error, const char *format, ...)
{
	char line[1024];
	va_list ap;

	if (config->log == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	config->log(config->ctx, error, line);
}

const char *
pst_broker_uri_shown(const char *uri, char out[PST_BROKER_SHOWN_MAX])
{
	const char *host = strstr(uri, "://");
	size_t scheme, len, user;

	host = host != NULL ? host + 3 : uri;
	scheme = (size_t)(host - uri);
	len = strcspn(host, "?#");
	/* "user:password@" stands before the first slash only */
	user = strcspn(host, "@/?#");
	if (host[user] == '@') {
		host += user + 1;
		len -= user + 1;
	}
	if (scheme > 8)
		scheme = 8;
	(void)snprintf(out, PST_BROKER_SHOWN_MAX, "%.*s%.*s", (int)scheme, uri,
	    (int)(len < PST_BROKER_SHOWN_MAX ? len : PST_BROKER_SHOWN_MAX),
	    host);
	return out;
}
