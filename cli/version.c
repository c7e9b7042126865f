#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Decimal digits at *p, which moves behind them. */
static bool
number(const char **p, int64_t *out)
{
	long long v;
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	v = strtoll(*p, &end, 10);
	*p = end;
	*out = v;
	return errno == 0;
}

/* The class of a pre-release, below every number of a release. */
static bool
prerelease(const char **p, int64_t *out)
{
	static const struct {
		const char *name;
		int64_t value;
	} classes[] = { { "rc", -1 }, { "beta", -2 }, { "alpha", -3 } };
	size_t i, n;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		n = strlen(classes[i].name);
		if (strncmp(*p, classes[i].name, n) != 0)
			continue;
		*out = classes[i].value;
		*p += n;
		return true;
	}
	return false;
}

/* The integers of the version at *p; 0 when there is none. */
static size_t
integers(const char **p, int64_t v[PST_SUIT_VERSION_MAX])
{
	bool pre = false;
	size_t n = 0;

	for (;;) {
		if (n == PST_SUIT_VERSION_MAX || !number(p, &v[n++]))
			return 0;
		if (**p == '-' && !pre) {
			pre = true;
			++*p;
			if (n == PST_SUIT_VERSION_MAX ||
			    !prerelease(p, &v[n++]))
				return 0;
		}
		if (**p != '.')
			return n;
		++*p;
	}
}

static bool
put_version(const char **p, struct pst_cbor_writer *w)
{
	int64_t v[PST_SUIT_VERSION_MAX];
	size_t i, n = integers(p, v);

	pst_cbor_put_array(w, n);
	for (i = 0; i < n; i++)
		pst_cbor_put_int(w, v[i]);
	return n > 0 && w->err == PST_OK;
}

bool
cli_version_parse(const char *text, uint8_t out[CLI_VERSION_MAX], size_t *len)
{
	struct pst_cbor_writer w;
	bool ok;

	pst_cbor_writer_init(&w, out, CLI_VERSION_MAX);
	ok = put_version(&text, &w) && *text == '\0';
	*len = ok ? w.len : 0;
	return ok;
}

/* The signs are those of suit-text-version-required. */
static enum pst_suit_comparison
comparison(const char **p)
{
	char sign = **p;
	bool equal;

	if (sign != '<' && sign != '=' && sign != '>')
		return (enum pst_suit_comparison)0;
	++*p;
	equal = **p == '=' && sign != '=';
	if (equal)
		++*p;
	if (sign == '=')
		return PST_SUIT_VERSION_EQUAL;
	if (sign == '<')
		return equal ? PST_SUIT_VERSION_LESSER_EQUAL
			     : PST_SUIT_VERSION_LESSER;
	return equal ? PST_SUIT_VERSION_GREATER_EQUAL
		     : PST_SUIT_VERSION_GREATER;
}

static void
spaces(const char **p)
{
	while (**p == ' ')
		++*p;
}

bool
cli_version_match(
    const char **text, uint8_t out[CLI_VERSION_MATCH_MAX], size_t *len)
{
	struct pst_cbor_writer w;
	enum pst_suit_comparison sign;

	spaces(text);
	sign = comparison(text);
	spaces(text);
	pst_cbor_writer_init(&w, out, CLI_VERSION_MATCH_MAX);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_uint(&w, (uint64_t)sign);
	if (sign == 0 || !put_version(text, &w))
		return false;
	*len = w.len;
	spaces(text);
	if (**text == '\0')
		return true;
	if (*(*text)++ != ',')
		return false;
	spaces(text);
	return **text != '\0';
}

bool
cli_time_parse(const char *text, uint64_t *seconds)
{
	struct tm tm;
	const char *rest = text;
	int64_t v;
	time_t t;

	if (number(&rest, &v) && *rest == '\0') {
		*seconds = (uint64_t)v;
		return true;
	}
	memset(&tm, 0, sizeof(tm));
	rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (rest == NULL || *rest != '\0')
		return false;
	/* A day that the month does not have would become another one. */
	v = tm.tm_mday;
	t = timegm(&tm);
	*seconds = (uint64_t)t;
	return t >= 0 && tm.tm_mday == v;
}

/* --- back to text ------------------------------------------------------- */

/* Can it be written as people write versions? */
static bool
plain(const int64_t *v, size_t n)
{
	bool pre = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (v[i] >= 0)
			continue;
		if (pre || i == 0 || v[i] < -3)
			return false;
		pre = true;
	}
	return true;
}

static void
print_integers(const int64_t *v, size_t n, char *out, size_t cap)
{
	static const char *const classes[] = { "rc", "beta", "alpha" };
	bool words = plain(v, n);
	size_t i, len = 0;

	if (!words)
		len += (size_t)snprintf(out, cap, "[");
	for (i = 0; i < n && len < cap; i++) {
		if (words && v[i] < 0)
			len += (size_t)snprintf(
			    out + len, cap - len, "-%s", classes[-v[i] - 1]);
		else
			len += (size_t)snprintf(out + len, cap - len, "%s%lld",
			    i == 0	? ""
				: words ? "."
					: ",",
			    (long long)v[i]);
	}
	if (!words && len < cap)
		snprintf(out + len, cap - len, "]");
}

void
cli_version_print(struct pst_bytes version, char out[CLI_VERSION_TEXT_MAX])
{
	int64_t v[PST_SUIT_VERSION_MAX];
	struct pst_cbor_reader r;
	size_t i, n;

	out[0] = '\0';
	if (!pst_suit_version_valid(version))
		return;
	pst_cbor_reader_init(&r, version);
	n = pst_cbor_array(&r, 1, PST_SUIT_VERSION_MAX);
	for (i = 0; i < n; i++)
		v[i] = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
	print_integers(v, n, out, CLI_VERSION_TEXT_MAX);
}

void
cli_version_match_print(struct pst_bytes match, char out[CLI_VERSION_TEXT_MAX])
{
	static const char *const signs[] = { "", ">", ">=", "=", "<=", "<" };
	char text[CLI_VERSION_TEXT_MAX];
	struct pst_cbor_reader r;
	struct pst_bytes version;
	uint64_t sign;

	out[0] = '\0';
	pst_cbor_reader_init(&r, match);
	(void)pst_cbor_array(&r, 2, 2);
	sign = pst_cbor_uint(&r, PST_SUIT_VERSION_LESSER);
	version = pst_cbor_item(&r);
	if (pst_cbor_end(&r) != PST_OK)
		return;
	cli_version_print(version, text);
	snprintf(out, CLI_VERSION_TEXT_MAX, "%s%.*s", signs[sign],
	    CLI_VERSION_TEXT_MAX - 4, text);
}

void
cli_time_print(uint64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	/* Up to the end of the year 9999, as RFC 3339 has it. */
	if (seconds > 253402300799u || gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 32, "%llu", (unsigned long long)seconds);
}
