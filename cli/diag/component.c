#include "component.h"

#include <stdio.h>
#include <string.h>

enum { UUID_LEN = 16, UUID_TEXT = 36, HEX_PREFIX = 4, UUID_PREFIX = 5 };

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
pst_hex_parse(const char *text, size_t digits, uint8_t *out)
{
	size_t i;
	int hi, lo;

	if (digits % 2 != 0)
		return false;
	for (i = 0; i < digits; i += 2) {
		hi = digit(text[i]);
		lo = digit(text[i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* Is a hyphen due before byte i of a UUID's text? */
static bool
hyphen_before(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

bool
pst_uuid_parse(const char *text, size_t len, uint8_t out[16])
{
	size_t i;

	if (len != UUID_TEXT)
		return false;
	for (i = 0; i < UUID_LEN; i++) {
		if (hyphen_before(i) && *text++ != '-')
			return false;
		if (!pst_hex_parse(text, 2, out + i))
			return false;
		text += 2;
	}
	return true;
}

void
pst_uuid_print(const uint8_t uuid[16], char out[37])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < UUID_LEN; i++) {
		if (hyphen_before(i))
			*out++ = '-';
		*out++ = digits[uuid[i] >> 4];
		*out++ = digits[uuid[i] & 15];
	}
	*out = '\0';
}

static bool
prefixed(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(s, prefix, n) == 0;
}

/* Can these bytes stand for themselves? */
static bool
plain(const char *s, size_t len)
{
	size_t i;

	if (len == 0 || prefixed(s, len, "uuid:") || prefixed(s, len, "hex:"))
		return false;
	for (i = 0; i < len; i++) {
		if (s[i] < ' ' || s[i] > '~' || s[i] == '/')
			return false;
	}
	return true;
}

static enum pst_err
element_parse(struct pst_cbor_writer *w, const char *s, size_t len)
{
	uint8_t bytes[PST_SUIT_ID_MAX];
	struct pst_bytes v = { bytes, 0 };

	if (prefixed(s, len, "uuid:")) {
		v.len = UUID_LEN;
		if (!pst_uuid_parse(s + UUID_PREFIX, len - UUID_PREFIX, bytes))
			return PST_ERR_ARG;
	} else if (prefixed(s, len, "hex:")) {
		v.len = (len - HEX_PREFIX) / 2;
		if (v.len > sizeof(bytes))
			return PST_ERR_LIMIT;
		if (!pst_hex_parse(s + HEX_PREFIX, len - HEX_PREFIX, bytes))
			return PST_ERR_ARG;
	} else if (plain(s, len)) {
		v = (struct pst_bytes){ (const uint8_t *)s, len };
	} else {
		return PST_ERR_ARG;
	}
	pst_cbor_put_bstr(w, v);
	return PST_OK;
}

enum pst_err
pst_component_parse(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	struct pst_cbor_writer w;
	enum pst_err err;
	size_t count = 0;
	size_t mark, n;

	*len = 0;
	pst_cbor_writer_init(&w, out, cap);
	mark = pst_cbor_wrap_begin(&w);
	for (;;) {
		n = strcspn(text, "/");
		if (++count > PST_SUIT_ID_PARTS_MAX)
			return PST_ERR_LIMIT;
		err = element_parse(&w, text, n);
		if (err != PST_OK)
			return err;
		if (text[n] == '\0')
			break;
		text += n + 1;
	}
	pst_cbor_wrap_array(&w, mark, count);
	if (w.len > PST_SUIT_ID_MAX)
		return PST_ERR_LIMIT;
	if (w.err == PST_OK)
		*len = w.len;
	return w.err;
}

/* A string that grows in a fixed buffer; once full it stays full. */
struct text {
	char *out;
	size_t cap, len;
	bool full;
};

static void
add(struct text *t, const char *s, size_t len)
{
	if (t->full || len >= t->cap - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->out + t->len, s, len);
	t->len += len;
	t->out[t->len] = '\0';
}

static void
element_print(struct text *t, struct pst_bytes v)
{
	char uuid[UUID_TEXT + 1], pair[3];
	size_t i;

	if (plain((const char *)v.ptr, v.len)) {
		add(t, (const char *)v.ptr, v.len);
		return;
	}
	if (v.len == UUID_LEN) {
		pst_uuid_print(v.ptr, uuid);
		add(t, "uuid:", UUID_PREFIX);
		add(t, uuid, UUID_TEXT);
		return;
	}
	add(t, "hex:", HEX_PREFIX);
	for (i = 0; i < v.len; i++) {
		snprintf(pair, sizeof(pair), "%02x", v.ptr[i]);
		add(t, pair, 2);
	}
}

enum pst_err
pst_component_print(struct pst_bytes id, char *out, size_t cap)
{
	struct text t = { out, cap, 0, false };
	struct pst_cbor_reader r;
	struct pst_bytes v;
	size_t n, i;

	if (cap == 0)
		return PST_ERR_SPACE;
	out[0] = '\0';
	pst_cbor_reader_init(&r, id);
	n = pst_cbor_array(&r, 1, PST_SUIT_ID_PARTS_MAX);
	for (i = 0; i < n && pst_cbor_ok(&r); i++) {
		v = pst_cbor_bstr(&r, 0, PST_SUIT_ID_MAX);
		if (i > 0)
			add(&t, "/", 1);
		element_print(&t, v);
	}
	if (pst_cbor_end(&r) == PST_OK && !t.full)
		return PST_OK;
	out[0] = '\0';
	return r.err != PST_OK ? r.err : PST_ERR_SPACE;
}
