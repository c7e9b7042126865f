/* Numbers, floats and simple values as notation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

const char *
diag_indicator(const struct pst_cbor_head *h)
{
	static const char *const by_width[9] = { "", "_0", "_1", "", "_2", "",
		"", "", "_3" };
	static const uint64_t least[9] = { 0, 24, 0x100, 0, 0x10000, 0, 0, 0,
		0x100000000 };
	struct pst_cbor_writer w;

	if (h->indefinite || h->type == PST_CBOR_SIMPLE)
		return "";
	if (h->type != PST_CBOR_FLOAT)
		return h->arg >= least[h->arg_len] ? "" : by_width[h->arg_len];
	pst_cbor_writer_count(&w);
	pst_cbor_put_float(&w, pst_cbor_float_value(h));
	return w.len == 1u + h->arg_len ? "" : by_width[h->arg_len];
}

/* Move the point of "d.ddd" by exponent places; 1e-6 <= |v| < 1e21. */
static void
positional(const char *digits, int exponent, char *out)
{
	int n = (int)strlen(digits);
	int i;

	if (exponent < 0) {
		*out++ = '0';
		*out++ = '.';
		for (i = -1; i > exponent; i--)
			*out++ = '0';
		strcpy(out, digits);
		return;
	}
	for (i = 0; i <= exponent; i++)
		*out++ = i < n ? digits[i] : '0';
	*out++ = '.';
	strcpy(out, i < n ? digits + i : "0");
}

/* printf rounds a tie to even, where the digit above may be the one that
 * reads back: 2^-24 in 16 digits. */
static bool
reads_back_rounded_up(char *text, double v)
{
	char *last = strchr(text, 'e') - 1;

	if (*last < '0' || *last > '8')
		return false;
	(*last)++;
	return strtod(text, NULL) == v;
}

void
diag_double(double v, char out[48])
{
	char text[32], digits[24];
	int precision, exponent;
	size_t n = 0;
	const char *p;

	for (precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, v);
		if (strtod(text, NULL) == v || reads_back_rounded_up(text, v))
			break;
	}
	p = text;
	if (*p == '-')
		*out++ = *p++;
	for (; *p != 'e'; p++) {
		if (*p != '.')
			digits[n++] = *p;
	}
	digits[n] = '\0';
	exponent = (int)strtol(p + 1, NULL, 10);
	/* Between these the notation of RFC 8949, Appendix A has no exponent.
	 */
	if (v == 0 || (exponent >= -6 && exponent < 21)) {
		positional(digits, exponent, out);
		return;
	}
	snprintf(out, 40, "%c.%se%+d", digits[0], n > 1 ? digits + 1 : "0",
	    exponent);
}

void
diag_decimal(struct pst_bytes number, bool add_one, char out[176])
{
	uint8_t work[PST_DIAG_BIGNUM_MAX + 1] = { 0 };
	size_t len = sizeof(work);
	size_t at = 175;
	unsigned int rest, any;
	size_t i;

	memcpy(work + len - number.len, number.ptr, number.len);
	for (i = len; add_one && i-- > 0;)
		add_one = ++work[i] == 0;
	out[at] = '\0';
	do {
		rest = 0;
		any = 0;
		for (i = 0; i < len; i++) {
			rest = rest << 8 | work[i];
			work[i] = (uint8_t)(rest / 10);
			any |= work[i];
			rest %= 10;
		}
		out[--at] = (char)('0' + rest);
	} while (any != 0);
	memmove(out, out + at, 176 - at);
}

static void
negative(FILE *f, uint64_t magnitude)
{
	if (magnitude == UINT64_MAX)
		fputs("-18446744073709551616", f);
	else
		fprintf(f, "-%llu", (unsigned long long)magnitude + 1);
}

static void
bignum(FILE *f, const struct diag_event *ev)
{
	char text[176];
	bool minus = ev->head.arg == 3;

	diag_decimal(ev->bytes, minus, text);
	fprintf(f, "%s%s", minus ? "-" : "", text);
}

/* A NaN other than the one of RFC 8949, Appendix A has a payload to keep. */
static bool
plain_nan(const struct pst_cbor_head *h)
{
	static const uint64_t quiet[9] = { 0, 0, 0x7e00, 0, 0x7fc00000, 0, 0, 0,
		0x7ff8000000000000 };

	return h->arg == quiet[h->arg_len];
}

static void
floating(FILE *f, const struct pst_cbor_head *h)
{
	static const char *const nan[9] = { "", "", "NaN", "", "NaN_2", "", "",
		"", "NaN_3" };
	double v = pst_cbor_float_value(h);
	char text[48];

	if (isnan(v) && plain_nan(h)) {
		fputs(nan[h->arg_len], f);
		return;
	}
	if (isnan(v)) {
		fprintf(f, "float'%0*llx'", 2 * h->arg_len,
		    (unsigned long long)h->arg);
		return;
	}
	if (isinf(v))
		fputs(v < 0 ? "-Infinity" : "Infinity", f);
	else {
		diag_double(v, text);
		fputs(text, f);
	}
	fputs(diag_indicator(h), f);
}

static void
simple(FILE *f, uint64_t v)
{
	static const char *const names[] = { "false", "true", "null",
		"undefined" };

	if (v >= 20 && v <= 23)
		fputs(names[v - 20], f);
	else
		fprintf(f, "simple(%llu)", (unsigned long long)v);
}

void
diag_scalar(FILE *f, const struct diag_event *ev)
{
	const struct pst_cbor_head *h = &ev->head;

	if (ev->bignum) {
		bignum(f, ev);
	} else if (h->type == PST_CBOR_FLOAT) {
		floating(f, h);
	} else if (h->type == PST_CBOR_SIMPLE) {
		simple(f, h->arg);
	} else if (h->type == PST_CBOR_NINT) {
		negative(f, h->arg);
		fputs(diag_indicator(h), f);
	} else {
		fprintf(
		    f, "%llu%s", (unsigned long long)h->arg, diag_indicator(h));
	}
}
