/*
 * Floating point (RFC 8949, Section 3.3): only the inspector and the notation
 * tools use it, so that a device's agent links without a float in it.
 */
#include <postern/cbor.h>

#include "../pst_internal.h"

/* Half as double bits: 1 sign, 5 exponent (bias 15), 10 fraction. */
static uint64_t
half_to_double(uint64_t h)
{
	uint64_t sign = (h & 0x8000) << 48;
	uint64_t exponent = h >> 10 & 31;
	uint64_t fraction = h & 0x3ff;

	if (exponent == 31)
		return sign | 0x7ff0000000000000 | fraction << 42;
	if (exponent == 0) {
		if (fraction == 0)
			return sign;
		/* Subnormal: shift until the leading one is implicit. */
		exponent = 1;
		while ((fraction & 0x400) == 0) {
			fraction <<= 1;
			exponent--;
		}
		fraction &= 0x3ff;
	}
	return sign | (exponent + 1023 - 15) << 52 | fraction << 42;
}

double
pst_cbor_float_value(const struct pst_cbor_head *h)
{
	uint64_t bits = h->arg;
	uint32_t bits32 = (uint32_t)h->arg;
	float single;
	double out;

	if (h->arg_len == 4) {
		memcpy(&single, &bits32, sizeof(single));
		return (double)single;
	}
	if (h->arg_len == 2)
		bits = half_to_double(h->arg);
	memcpy(&out, &bits, sizeof(out));
	return out;
}

/* The half with the same value as these double bits, if there is one. */
static bool
double_to_half(uint64_t bits, uint16_t *half)
{
	uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
	int exponent = (int)(bits >> 52 & 0x7ff);
	uint64_t fraction = bits & 0xfffffffffffff;
	uint64_t h, mask;
	unsigned int drop = 42;

	if (exponent == 0x7ff) {
		h = 0x7c00 | fraction >> 42;
		mask = 0x3ffffffffff;
	} else if (exponent == 0 && fraction == 0) {
		*half = sign;
		return true;
	} else if (exponent - 1023 > 15 || exponent - 1023 < -24) {
		return false;
	} else if (exponent - 1023 >= -14) {
		h = (uint64_t)(exponent - 1023 + 15) << 10 | fraction >> 42;
		mask = 0x3ffffffffff;
	} else {
		fraction |= (uint64_t)1 << 52;
		drop = (unsigned int)(42 - 14 - (exponent - 1023));
		h = fraction >> drop;
		mask = ((uint64_t)1 << drop) - 1;
	}
	if ((fraction & mask) != 0)
		return false;
	*half = (uint16_t)(sign | h);
	return true;
}

static void
put_float_bits(
    struct pst_cbor_writer *w, uint8_t info, uint64_t bits, size_t len)
{
	uint8_t out[9];
	size_t i;

	out[0] = (uint8_t)(7 << 5 | info);
	for (i = 0; i < len; i++)
		out[1 + i] = (uint8_t)(bits >> 8 * (len - 1 - i));
	pst_cbor_put_raw(w, (struct pst_bytes){ out, len + 1 });
}

void
pst_cbor_put_float(struct pst_cbor_writer *w, double v)
{
	uint64_t bits;
	uint32_t bits32;
	uint16_t half;
	float single = (float)v;
	double back = (double)single;
	uint64_t back_bits;

	memcpy(&bits, &v, sizeof(bits));
	memcpy(&back_bits, &back, sizeof(back_bits));
	if (double_to_half(bits, &half)) {
		put_float_bits(w, 25, half, 2);
	} else if (back_bits == bits) {
		memcpy(&bits32, &single, sizeof(bits32));
		put_float_bits(w, 26, bits32, 4);
	} else {
		put_float_bits(w, 27, bits, 8);
	}
}
