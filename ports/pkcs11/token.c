/*
 * Modules, tokens and PINs; signing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { SLOTS_MAX = 64 };

static const char scheme[] = "pkcs11:";

bool
pst_p11_is_uri(const char *text)
{
	return strncmp(text, scheme, sizeof(scheme) - 1) == 0;
}

void
pst_p11_free(struct pst_p11_key **held)
{
	struct pst_p11_key *key = *held;

	if (key == NULL)
		return;
	/* Closing the last session logs out as well. */
	if (key->open)
		(void)key->f->C_CloseSession(key->session);
	if (key->modules != NULL)
		p11_kit_modules_finalize_and_release(key->modules);
	if (key->module != NULL) {
		(void)p11_kit_module_finalize(key->module);
		p11_kit_module_release(key->module);
	}
	p11_kit_uri_free(key->uri);
	pst_wipe(key, sizeof(*key));
	free(key);
	*held = NULL;
}

void
pst_p11_public(const struct pst_p11_key *key, struct pst_pubkey *out)
{
	*out = key->pub;
}

/* --- the URI ---------------------------------------------------------------
 */

const char *
pst_p11_pin_file(const struct pst_p11_key *key)
{
	const char *source = p11_kit_uri_get_pin_source(key->uri);

	if (source == NULL || strncmp(source, "file:", 5) != 0)
		return NULL;
	source += 5;
	/* file:///path and file:/path are the same (RFC 8089). */
	return strncmp(source, "///", 3) == 0 ? source + 2 : source;
}

static enum pst_err
parse(struct pst_p11_key *key, const char *uri, const char **why)
{
	int rc;

	key->uri = p11_kit_uri_new();
	*why = "no memory";
	if (key->uri == NULL)
		return PST_ERR_CRYPTO;
	rc = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, key->uri);
	*why = "not a PKCS#11 URI (RFC 7512)";
	if (rc != P11_KIT_URI_OK)
		return PST_ERR_ARG;
	*why = "the URI has a part that is not understood";
	if (p11_kit_uri_any_unrecognized(key->uri))
		return PST_ERR_ARG;
	*why = "a PIN has no place in a URI, where others see it: use "
	       "pin-source=file:PATH";
	if (p11_kit_uri_get_pin_value(key->uri) != NULL)
		return PST_ERR_ARG;
	*why = "pin-source must be a file: with an absolute path";
	if (p11_kit_uri_get_pin_source(key->uri) != NULL &&
	    (pst_p11_pin_file(key) == NULL || pst_p11_pin_file(key)[0] != '/'))
		return PST_ERR_ARG;
	return PST_OK;
}

/* --- the token -------------------------------------------------------------
 */

static enum pst_err
load(struct pst_p11_key *key, const char **why)
{
	const char *path = p11_kit_uri_get_module_path(key->uri);

	*why = "the PKCS#11 module cannot be loaded";
	if (path == NULL) {
		key->modules = p11_kit_modules_load_and_initialize(0);
		return key->modules != NULL ? PST_OK : PST_ERR_NOT_FOUND;
	}
	key->module = p11_kit_module_load(path, 0);
	if (key->module == NULL)
		return PST_ERR_NOT_FOUND;
	if (p11_kit_module_initialize(key->module) == CKR_OK)
		return PST_OK;
	p11_kit_module_release(key->module);
	key->module = NULL;
	return PST_ERR_NOT_FOUND;
}

static bool
module_fits(struct pst_p11_key *key, CK_FUNCTION_LIST *f)
{
	const char *want = p11_kit_uri_get_module_name(key->uri);
	CK_INFO info;
	char *name;
	bool same = true;

	if (want != NULL) {
		name = p11_kit_module_get_name(f);
		same = name != NULL && strcmp(name, want) == 0;
		free(name);
	}
	return same && f->C_GetInfo(&info) == CKR_OK &&
	    p11_kit_uri_match_module_info(key->uri, &info) == 1;
}

static bool
token_fits(struct pst_p11_key *key, CK_FUNCTION_LIST *f, CK_SLOT_ID slot,
    CK_TOKEN_INFO *token)
{
	CK_SLOT_ID want = p11_kit_uri_get_slot_id(key->uri);
	CK_SLOT_INFO info;

	if (want != (CK_SLOT_ID)-1 && want != slot)
		return false;
	return f->C_GetSlotInfo(slot, &info) == CKR_OK &&
	    p11_kit_uri_match_slot_info(key->uri, &info) == 1 &&
	    f->C_GetTokenInfo(slot, token) == CKR_OK &&
	    (token->flags & CKF_TOKEN_INITIALIZED) != 0 &&
	    p11_kit_uri_match_token_info(key->uri, token) == 1;
}

/* The tokens of one module that fit; the first is kept. */
static size_t
tokens_of(struct pst_p11_key *key, CK_FUNCTION_LIST *f, CK_SLOT_ID *first)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_TOKEN_INFO token;
	size_t fit = 0;
	CK_ULONG i;

	if (!module_fits(key, f) ||
	    f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return 0;
	for (i = 0; i < count; i++) {
		if (!token_fits(key, f, slots[i], &token))
			continue;
		if (fit++ == 0 && key->f == NULL) {
			key->f = f;
			key->token = token;
			*first = slots[i];
		}
	}
	return fit;
}

static enum pst_err
open_token(struct pst_p11_key *key, const char **why)
{
	CK_SLOT_ID slot = 0;
	size_t fit = 0, i;
	CK_RV rv;

	if (key->module != NULL)
		fit = tokens_of(key, key->module, &slot);
	for (i = 0; key->modules != NULL && key->modules[i] != NULL; i++)
		fit += tokens_of(key, key->modules[i], &slot);
	if (fit != 1) {
		*why = fit == 0
		    ? "no such token"
		    : "the URI fits several tokens; name one by token=";
		return PST_ERR_NOT_FOUND;
	}
	rv = key->f->C_OpenSession(
	    slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
	*why = p11_kit_strerror(rv);
	key->open = rv == CKR_OK;
	return key->open ? PST_OK : PST_ERR_CRYPTO;
}

/* --- the PIN ---------------------------------------------------------------
 */

/* The first line of the file. */
static bool
pin_from_file(const char *path, char *pin, const char **why)
{
	FILE *f = fopen(path, "r");
	bool ok;

	*why = "the file of pin-source cannot be read";
	if (f == NULL)
		return false;
	setvbuf(f, NULL, _IONBF, 0);
	ok = fgets(pin, PST_P11_PIN_MAX + 1, f) != NULL;
	fclose(f);
	pin[strcspn(pin, "\r\n")] = '\0';
	return ok && pin[0] != '\0';
}

static bool
get_pin(struct pst_p11_key *key, const char **why)
{
	const char *path = pst_p11_pin_file(key);
	char label[sizeof(key->token.label) + 1];
	size_t n = sizeof(key->token.label);

	if (key->pin[0] != '\0')
		return true;
	if (path != NULL)
		return pin_from_file(path, key->pin, why);
	while (n > 0 && key->token.label[n - 1] == ' ')
		n--;
	memcpy(label, key->token.label, n);
	label[n] = '\0';
	*why = "the token wants a PIN: pin-source=file:PATH in the URI, or a "
	       "terminal to ask at";
	return key->prompt != NULL &&
	    key->prompt->ask(key->prompt->ctx, label, key->pin) &&
	    key->pin[0] != '\0';
}

static const char *
login_why(CK_RV rv)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return "the PIN is wrong";
	case CKR_PIN_LOCKED:
		return "the PIN is locked after too many wrong ones";
	case CKR_PIN_EXPIRED:
		return "the PIN has expired";
	default:
		return p11_kit_strerror(rv);
	}
}

static enum pst_err
login(struct pst_p11_key *key, CK_USER_TYPE as, const char **why)
{
	bool pad = (key->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	CK_RV rv;

	if (!pad && !get_pin(key, why))
		return PST_ERR_COSE_KEY;
	rv = key->f->C_Login(key->session, as,
	    pad ? NULL : (unsigned char *)key->pin, pad ? 0 : strlen(key->pin));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return PST_OK;
	pst_wipe(key->pin, sizeof(key->pin));
	*why = login_why(rv);
	return PST_ERR_COSE_KEY;
}

/* Another key of the same token may have logged in for all. */
static bool
needs_login(struct pst_p11_key *key)
{
	CK_SESSION_INFO info;

	if ((key->token.flags & CKF_LOGIN_REQUIRED) == 0)
		return false;
	return key->f->C_GetSessionInfo(key->session, &info) != CKR_OK ||
	    info.state != CKS_RO_USER_FUNCTIONS;
}

static enum pst_err
log_in(struct pst_p11_key *key, const char **why)
{
	enum pst_err err = PST_OK;

	if (key->logged_in)
		return PST_OK;
	if (needs_login(key))
		err = login(key, CKU_USER, why);
	key->logged_in = err == PST_OK;
	return err;
}

/* --- the key ---------------------------------------------------------------
 */

enum pst_err
pst_p11_unlock(struct pst_p11_key *key, const char **why)
{
	enum pst_err err = PST_OK;

	if (key->private != 0)
		return PST_OK;
	err = log_in(key, why);
	if (err == PST_OK &&
	    pst_p11_find(key, CKO_PRIVATE_KEY, &key->private, why) != PST_OK)
		err = PST_ERR_COSE_KEY;
	if (err == PST_OK)
		key->always_authenticate =
		    pst_p11_flag(key, key->private, CKA_ALWAYS_AUTHENTICATE);
	return err;
}

/* The public object where it is shown to everybody; else what the token tells
 * its user of it, or of the private one. */
static enum pst_err
find_public(struct pst_p11_key *key, const char **why)
{
	CK_OBJECT_HANDLE object = 0;
	enum pst_err err = pst_p11_find(key, CKO_PUBLIC_KEY, &object, why);

	if (err == PST_ERR_NOT_FOUND && log_in(key, why) == PST_OK) {
		err = pst_p11_find(key, CKO_PUBLIC_KEY, &object, why);
		if (err == PST_ERR_NOT_FOUND)
			err = pst_p11_find(key, CKO_PRIVATE_KEY, &object, why);
	}
	return err == PST_OK ? pst_p11_read_public(key, object, why) : err;
}

enum pst_err
pst_p11_open(const char *uri, const struct pst_p11_prompt *prompt,
    struct pst_p11_key **out, const char **why)
{
	struct pst_p11_key *key = calloc(1, sizeof(*key));
	enum pst_err err;

	*out = NULL;
	*why = "no memory";
	if (key == NULL)
		return PST_ERR_CRYPTO;
	key->prompt = prompt;
	err = parse(key, uri, why);
	if (err == PST_OK)
		err = load(key, why);
	if (err == PST_OK)
		err = open_token(key, why);
	if (err == PST_OK)
		err = find_public(key, why);
	if (err != PST_OK)
		pst_p11_free(&key);
	*out = key;
	return err;
}

/* --- signing ---------------------------------------------------------------
 */

static enum pst_err
sign(void *ctx, int32_t alg, struct pst_bytes tbs, uint8_t *sig, size_t *len)
{
	struct pst_p11_key *key = ctx;
	CK_MECHANISM how = { CKM_ECDSA, NULL, 0 };
	CK_ULONG got = PST_SIGNATURE_MAX;
	const char *why;
	enum pst_err err = pst_p11_unlock(key, &why);
	CK_RV rv;

	(void)alg;
	*len = 0;
	if (err != PST_OK)
		return err;
	/* FIPS 186-4, Section 6.4: of a digest that is longer than the order
	 * the leftmost bits count. */
	if (key->pub.kty == PST_KTY_OKP)
		how.mechanism = CKM_EDDSA;
	else if (tbs.len > key->pub.coord_len)
		tbs.len = key->pub.coord_len;
	rv = key->f->C_SignInit(key->session, &how, key->private);
	if (rv == CKR_OK && key->always_authenticate &&
	    login(key, CKU_CONTEXT_SPECIFIC, &why) != PST_OK)
		return PST_ERR_COSE_KEY;
	/* Cryptoki has no const; it only reads. */
	if (rv == CKR_OK)
		rv = key->f->C_Sign(key->session,
		    (unsigned char *)(uintptr_t)tbs.ptr, tbs.len, sig, &got);
	if (rv != CKR_OK)
		return PST_ERR_CRYPTO;
	*len = got;
	return PST_OK;
}

static void
close_key(void *ctx)
{
	struct pst_p11_key *key = ctx;

	pst_p11_free(&key);
}

enum pst_err
pst_p11_add(struct pst_openssl *port, struct pst_p11_key *key, uint32_t *number)
{
	const struct pst_external it = { key, sign, close_key };

	return pst_openssl_add_external(port, &key->pub, &it, number);
}
