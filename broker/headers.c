/*
 * What the header lines of a response say, as far as it matters here. Lines
 * come from anybody: nothing is read past their end, numbers do not wrap.
 */
#include "internal.h"

#include <postern/teep.h>

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static bool
header_is(const char **line, size_t *len, const char *name)
{
	size_t n = strlen(name);

	if (*len <= n || strncasecmp(*line, name, n) != 0 || (*line)[n] != ':')
		return false;
	*line += n + 1;
	*len -= n + 1;
	while (*len > 0 && (**line == ' ' || **line == '\t')) {
		(*line)++;
		(*len)--;
	}
	while (*len > 0 && isspace((unsigned char)(*line)[*len - 1]))
		(*len)--;
	return true;
}

/* The type alone; parameters do not change what it is (RFC 9110, 8.3). */
static bool
is_teep_type(const char *value, size_t len)
{
	const char *semicolon = memchr(value, ';', len);

	if (semicolon != NULL)
		len = (size_t)(semicolon - value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	return len == strlen(PST_TEEP_MEDIA_TYPE) &&
	    strncasecmp(value, PST_TEEP_MEDIA_TYPE, len) == 0;
}

static bool
number(const char **s, const char *end, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	if (p == end || !isdigit((unsigned char)*p))
		return false;
	for (; p < end && isdigit((unsigned char)*p); p++) {
		if (v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	*s = p;
	*out = v;
	return true;
}

/* Content-Range: bytes 7-9/10, or, with 416, bytes * / 10 (RFC 9110, 14.4). */
static void
content_range(struct pst_http_headers *h, const char *value, size_t len)
{
	const char *end = value + len;
	uint64_t last;

	if (len < 6 || strncasecmp(value, "bytes ", 6) != 0)
		return;
	value += 6;
	if (number(&value, end, &h->range_start)) {
		h->range_start_known = true;
		if (value == end || *value++ != '-' ||
		    !number(&value, end, &last))
			return;
	} else if (value < end && *value == '*') {
		value++;
	}
	if (value < end && *value++ == '/')
		h->range_total_known = number(&value, end, &h->range_total);
}

/* Seconds or a date (RFC 9110, Section 10.2.3), at most a day. */
static uint32_t
retry_after(const char *value, size_t len)
{
	char text[64];
	const char *p = text;
	uint64_t s;
	time_t when, now;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, value, len);
	text[len] = '\0';
	if (!number(&p, text + len, &s)) {
		when = curl_getdate(text, NULL);
		now = time(NULL);
		if (when <= now)
			return 0;
		s = (uint64_t)(when - now);
	}
	return s > 86400 ? 86400 : (uint32_t)s;
}

static void
etag(struct pst_http_headers *h, const char *value, size_t len)
{
	size_t i;

	/* A weak tag does not promise equal bytes (RFC 9110, 8.8.1). */
	if (len < 2 || len >= sizeof(h->etag) || value[0] != '"' ||
	    value[len - 1] != '"')
		return;
	/* It is sent back in If-Range, and must not end that line. */
	for (i = 0; i < len; i++) {
		if ((unsigned char)value[i] <= ' ' || value[i] == 0x7f)
			return;
	}
	memcpy(h->etag, value, len);
	h->etag[len] = '\0';
}

static void
status_line(struct pst_http_headers *h, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	const char *end = line + len;
	uint64_t status = 0;

	if (space != NULL && ++space < end)
		(void)number(&space, end, &status);
	/* An interim or a proxy's answer may have come before this one. */
	memset(h, 0, sizeof(*h));
	h->status = status < 1000 ? (long)status : 0;
}

void
pst_http_header(struct pst_http_headers *h, const char *line, size_t len)
{
	const char *value = line;

	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		status_line(h, line, len);
	else if (header_is(&value, &len, "content-type"))
		h->teep_type = is_teep_type(value, len);
	else if (header_is(&value, &len, "content-range"))
		content_range(h, value, len);
	else if (header_is(&value, &len, "retry-after"))
		h->retry_after_s = retry_after(value, len);
	else if (header_is(&value, &len, "etag"))
		etag(h, value, len);
}
