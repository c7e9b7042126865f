#include "keys.h"

#include <string.h>

#include "ports/openssl/openssl.h"

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct vector_keys *k = ctx;

	(void)headers;
	if (attempt >= k->count)
		return PST_ERR_NOT_FOUND;
	*key = k->key[attempt];
	*who = (uint32_t)attempt;
	return PST_OK;
}

static bool
load(struct vector *v, struct vector_keys *out, const char *name)
{
	const char *why = "";
	struct pst_key key;

	if (pst_key_parse(vector_file(v, name), &key, &why) != PST_OK) {
		(void)vector_fail(v, "%s: %s", name, why);
		return false;
	}
	out->key[out->count++] = key.pub;
	pst_key_wipe(&key);
	return true;
}

bool
vector_keys_load(struct vector *v, struct vector_keys *out)
{
	const json_t *names = json_object_get(v->row, "key");
	size_t i;

	memset(out, 0, sizeof(*out));
	out->source.ctx = out;
	out->source.find = find;
	if (json_is_string(names))
		return load(v, out, json_string_value(names));
	for (i = 0; i < json_array_size(names) && i < VECTOR_KEYS_MAX; i++) {
		if (!load(v, out, json_string_value(json_array_get(names, i))))
			return false;
	}
	return true;
}
