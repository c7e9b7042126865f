#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/diag/component.h"
#include "ports/openssl/openssl.h"

#include "admin_internal.h"

json_t *
pst_admin_text(const char *text)
{
	json_t *j = json_string(text);

	return j != NULL ? j : json_string("?");
}

json_t *
pst_admin_time(uint64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;
	char text[40];

	if (s == 0 || gmtime_r(&t, &tm) == NULL)
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static void
hex(char *out, struct pst_bytes b)
{
	size_t i;

	for (i = 0; i < b.len; i++)
		sprintf(out + 2 * i, "%02x", b.ptr[i]);
	out[2 * b.len] = 0;
}

json_t *
pst_admin_hex(struct pst_bytes b)
{
	char *text = malloc(2 * b.len + 1);
	json_t *j;

	if (text == NULL)
		return NULL;
	hex(text, b);
	j = json_string(text);
	free(text);
	return j;
}

json_t *
pst_admin_digest(const struct pst_suit_digest *d)
{
	char text[2 * PST_DIGEST_MAX + 1];
	const char *name = pst_alg_name(d->alg);

	if (d->alg == 0 || d->bytes.len > PST_DIGEST_MAX)
		return json_null();
	hex(text, d->bytes);
	if (d->alg == PST_ALG_SHA256)
		name = "sha-256";
	return json_sprintf("%s:%s", name != NULL ? name : "?", text);
}

json_t *
pst_admin_component(struct pst_bytes id)
{
	char text[PST_COMPONENT_TEXT_MAX];

	if (pst_component_print(id, text, sizeof(text)) != PST_OK)
		return json_null();
	return json_string(text);
}

static const char *
key_kind(const struct pst_pubkey *key)
{
	switch (key->crv) {
	case PST_CRV_P256:
		return "P-256";
	case PST_CRV_P384:
		return "P-384";
	case PST_CRV_P521:
		return "P-521";
	case PST_CRV_ED25519:
		return "Ed25519";
	default:
		return "?";
	}
}

json_t *
pst_admin_key(struct pst_admin_call *c, const struct pst_pubkey *key)
{
	uint8_t t[PST_THUMBPRINT_LEN];

	if (pst_cose_thumbprint(c->crypto, key, t) != PST_OK)
		return json_null();
	return json_pack("{s:s, s:o}", "curve", key_kind(key), "thumbprint",
	    pst_admin_hex((struct pst_bytes){ t, sizeof(t) }));
}

enum pst_err
pst_admin_refuse(
    struct pst_admin_call *c, enum pst_err err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->note, sizeof(c->note), fmt, ap);
	va_end(ap);
	return err;
}

enum pst_err
pst_admin_component_read(struct pst_admin_call *c, const char *text,
    uint8_t out[PST_SUIT_ID_MAX], struct pst_bytes *id)
{
	size_t len;

	if (pst_component_parse(text, out, PST_SUIT_ID_MAX, &len) != PST_OK)
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "not a component identifier: write its elements with / "
		    "between them, as uuid:... or hex:... or plain text");
	*id = (struct pst_bytes){ out, len };
	return PST_OK;
}

enum pst_err
pst_admin_key_read(
    struct pst_admin_call *c, const char *text, struct pst_pubkey *out)
{
	struct pst_bytes in = { (const uint8_t *)text, strlen(text) };
	struct pst_key key;
	const char *why = NULL;
	bool secret;

	if (pst_key_parse(in, &key, &why) != PST_OK)
		return pst_admin_refuse(c, PST_ERR_COSE_KEY_FORMAT, "key: %s",
		    why != NULL ? why : "not a key");
	secret = key.secret_len > 0;
	*out = key.pub;
	pst_key_wipe(&key);
	if (secret)
		return pst_admin_refuse(c, PST_ERR_COSE_KEY_FORMAT,
		    "key: this is a private key; send the public one");
	if (pst_pubkey_published(out))
		return pst_admin_refuse(c, PST_ERR_EAT_REFUSED,
		    "key: its private part was published, so that anybody can "
		    "sign with it");
	return PST_OK;
}

enum pst_err
pst_admin_unpack(struct pst_admin_call *c, const char *fmt, ...)
{
	json_error_t error;
	va_list ap;
	int bad;

	va_start(ap, fmt);
	bad = json_vunpack_ex(c->in, &error, JSON_STRICT, fmt, ap);
	va_end(ap);
	if (bad != 0)
		return pst_admin_refuse(c, PST_ERR_ARG, "%s", error.text);
	return PST_OK;
}

/* --- pages ------------------------------------------------------------- */

size_t
pst_admin_page_begin(struct pst_admin_page *p, struct pst_admin_call *c)
{
	*p = (struct pst_admin_page){ .c = c, .items = json_array() };
	return c->limit + 1;
}

bool
pst_admin_page_add(struct pst_admin_page *p, int64_t id, json_t *item)
{
	if (json_array_size(p->items) >= p->c->limit) {
		p->more = true;
		json_decref(item);
		return false;
	}
	/* Out of memory: the page ends here and pst_admin_page_end fails. */
	if (json_array_append_new(p->items, item) != 0) {
		json_decref(p->items);
		p->items = NULL;
		return false;
	}
	p->last = id;
	return true;
}

enum pst_err
pst_admin_page_end(struct pst_admin_page *p, enum pst_err err)
{
	json_t *next = json_null();

	if (err == PST_OK && p->items == NULL)
		err = PST_ERR_IO;
	if (err != PST_OK) {
		json_decref(p->items);
		return err;
	}
	if (p->more)
		next = json_sprintf("%lld", (long long)p->last);
	p->c->out = json_pack("{s:o, s:o}", "items", p->items, "next", next);
	return p->c->out != NULL ? PST_OK : PST_ERR_IO;
}
