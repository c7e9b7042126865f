#include "session.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz"
			     "0123456789-_";

void
pst_session_nonce_text(struct pst_bytes nonce, char out[PST_SESSION_NONCE_TEXT])
{
	uint32_t bits = 0;
	size_t i, held = 0, n = 0;

	for (i = 0; i < nonce.len && i < PST_EAT_NONCE_MAX; i++) {
		bits = bits << 8 | nonce.ptr[i];
		for (held += 8; held >= 6; held -= 6)
			out[n++] = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		out[n++] = digits[bits << (6 - held) & 63];
	out[n] = '\0';
}

/* A query turns '+' into a space. */
static const char *
digit(char c)
{
	if (c == '+' || c == ' ')
		c = '-';
	return strchr(digits, c == '/' ? '_' : c);
}

bool
pst_session_nonce_read(
    const char *text, uint8_t out[PST_EAT_NONCE_MAX], size_t *len)
{
	uint32_t bits = 0;
	size_t held = 0, n = 0;

	for (; *text != '\0' && *text != '='; text++) {
		const char *d = digit(*text);

		if (d == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(d - digits);
		held += 6;
		if (held < 8)
			continue;
		if (n == PST_EAT_NONCE_MAX)
			return false;
		held -= 8;
		out[n++] = (uint8_t)(bits >> held);
	}
	while (*text == '=')
		text++;
	*len = n;
	return *text == '\0' && held < 6 && n >= PST_EAT_NONCE_MIN;
}

static bool
status_of(const char *text, enum pst_session_status *out)
{
	static const char *const names[] = {
		[PST_SESSION_WAITING] = "waiting",
		[PST_SESSION_PROCESSING] = "processing",
		[PST_SESSION_COMPLETE] = "complete",
		[PST_SESSION_FAILED] = "failed",
	};
	size_t i;

	for (i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*out = (enum pst_session_status)i;
		return true;
	}
	return false;
}

static bool
members(struct pst_session *s)
{
	const char *nonce =
	    json_string_value(json_object_get(s->root, "nonce"));
	const json_t *result = json_object_get(s->root, "result");

	if (!status_of(json_string_value(json_object_get(s->root, "status")),
		&s->status) ||
	    nonce == NULL ||
	    !pst_session_nonce_read(nonce, s->nonce, &s->nonce_len))
		return false;
	/* null, or absent, until the session is complete */
	if (result != NULL && !json_is_null(result) && !json_is_string(result))
		return false;
	s->result.ptr = (const uint8_t *)json_string_value(result);
	s->result.len = json_string_length(result);
	return s->status != PST_SESSION_COMPLETE || s->result.len > 0;
}

enum pst_err
pst_session_read(struct pst_bytes json, struct pst_session *out)
{
	memset(out, 0, sizeof(*out));
	out->root = json_loadb(
	    (const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(out->root) && members(out))
		return PST_OK;
	pst_session_free(out);
	return PST_ERR_EAT_CLAIM;
}

void
pst_session_free(struct pst_session *s)
{
	json_decref(s->root);
	memset(s, 0, sizeof(*s));
}

bool
pst_session_accepts(const struct pst_session *s, struct pst_bytes format)
{
	const json_t *list = json_object_get(s->root, "accept"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct pst_bytes type = { (const uint8_t *)json_string_value(
					      item),
			json_string_length(item) };

		if (type.len > 0 && pst_media_type_same(type, format))
			return true;
	}
	return false;
}
