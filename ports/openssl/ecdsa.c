/*
 * ECDSA signatures: COSE has r || s, each as long as the curve's order (RFC
 * 9053, Section 2.1); OpenSSL has DER, SEQUENCE { INTEGER, INTEGER }.
 */
#include <string.h>

#include "internal.h"

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_LONG_1 = 0x81 };

/* One INTEGER: no leading zeros, but one before a high bit. */
static size_t
put_integer(uint8_t *to, const uint8_t *v, size_t len)
{
	size_t zero;

	while (len > 1 && v[0] == 0) {
		v++;
		len--;
	}
	zero = v[0] >> 7;
	to[0] = DER_INTEGER;
	to[1] = (uint8_t)(len + zero);
	to[2] = 0;
	memcpy(to + 2 + zero, v, len);
	return 2 + zero + len;
}

size_t
pst_ecdsa_to_der(struct pst_bytes raw, uint8_t der[ECDSA_DER_MAX])
{
	uint8_t content[2 * (3 + PST_COORD_MAX)];
	size_t half = raw.len / 2;
	size_t head = 2;
	size_t len;

	if (raw.len == 0 || raw.len % 2 != 0 || half > PST_COORD_MAX)
		return 0;
	len = put_integer(content, raw.ptr, half);
	len += put_integer(content + len, raw.ptr + half, half);
	der[0] = DER_SEQUENCE;
	if (len > 127) {
		der[1] = DER_LONG_1;
		head = 3;
	}
	der[head - 1] = (uint8_t)len;
	memcpy(der + head, content, len);
	return head + len;
}

/* One INTEGER into len bytes, from the left of in. */
static bool
get_integer(struct pst_bytes *in, uint8_t *to, size_t len)
{
	size_t n;

	if (in->len < 2 || in->ptr[0] != DER_INTEGER ||
	    in->ptr[1] > in->len - 2 || in->ptr[1] == 0)
		return false;
	n = in->ptr[1];
	in->ptr += 2;
	in->len -= 2;
	memset(to, 0, len);
	if (n > len && in->ptr[0] == 0) {
		in->ptr++;
		in->len--;
		n--;
	}
	if (n > len)
		return false;
	memcpy(to + len - n, in->ptr, n);
	in->ptr += n;
	in->len -= n;
	return true;
}

bool
pst_ecdsa_from_der(struct pst_bytes der, uint8_t *raw, size_t coord_len)
{
	size_t head = 2;

	if (der.len < 3 || der.ptr[0] != DER_SEQUENCE)
		return false;
	if (der.ptr[1] == DER_LONG_1)
		head = 3;
	else if (der.ptr[1] > 127)
		return false;
	if (der.ptr[head - 1] != der.len - head)
		return false;
	der.ptr += head;
	der.len -= head;
	return get_integer(&der, raw, coord_len) &&
	    get_integer(&der, raw + coord_len, coord_len) && der.len == 0;
}
