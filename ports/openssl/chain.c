/*
 * X.509 paths (RFC 5280) for x5chain. The time is the caller's: an agent may
 * trust another clock than the machine's.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* Level 2 of OpenSSL: at least 112 bits everywhere, no SHA-1. */
enum { AUTH_LEVEL = 2 };

static X509 *
parse(struct pst_bytes der)
{
	const uint8_t *p = der.ptr;
	X509 *x;

	if (der.len == 0 || der.len > INT32_MAX)
		return NULL;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p != der.ptr + der.len) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static STACK_OF(X509) * parse_all(const struct pst_bytes *certs, size_t n)
{
	STACK_OF(X509) *stack = sk_X509_new_null();
	size_t i;

	for (i = 0; stack != NULL && i < n; i++) {
		X509 *x = parse(certs[i]);

		if (x != NULL && sk_X509_push(stack, x) > 0)
			continue;
		X509_free(x);
		sk_X509_pop_free(stack, X509_free);
		stack = NULL;
	}
	return stack;
}

static X509_STORE *
store_of(STACK_OF(X509) * roots)
{
	X509_STORE *store = X509_STORE_new();
	int i;

	for (i = 0; store != NULL && i < sk_X509_num(roots); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) == 1)
			continue;
		X509_STORE_free(store);
		store = NULL;
	}
	return store;
}

/* Which root the path ended at. */
static bool
find_root(X509_STORE_CTX *ctx, STACK_OF(X509) * roots, size_t *root)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
	const X509 *last = sk_X509_value(path, sk_X509_num(path) - 1);
	int i;

	for (i = 0; last != NULL && i < sk_X509_num(roots); i++) {
		if (X509_cmp(last, sk_X509_value(roots, i)) == 0) {
			*root = (size_t)i;
			return true;
		}
	}
	return false;
}

static enum pst_err
failed(X509_STORE_CTX *ctx)
{
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return PST_ERR_COSE_CERT_EXPIRED;
	default:
		return PST_ERR_COSE_CERT;
	}
}

static enum pst_err
walk(X509_STORE_CTX *ctx, STACK_OF(X509) * roots, uint64_t now_s, size_t *root)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	if (now_s > INT64_MAX)
		return PST_ERR_CLOCK;
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, PST_X5CHAIN_MAX);
	/* An anchor may be an intermediate or the leaf itself. */
	X509_VERIFY_PARAM_set_flags(
	    param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
	if (X509_verify_cert(ctx) != 1)
		return failed(ctx);
	return find_root(ctx, roots, root) ? PST_OK : PST_ERR_COSE_CERT;
}

static enum pst_err
leaf_key(X509 *x, struct pst_pubkey *leaf)
{
	EVP_PKEY *pkey = X509_get0_pubkey(x);
	const char *why;
	struct pst_key key;

	/* A key that its issuer did not make for signatures makes none. */
	if ((X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE) == 0)
		return PST_ERR_COSE_CERT;
	if (pkey == NULL || pst_pkey_export(pkey, false, &key, &why) != PST_OK)
		return PST_ERR_COSE_CERT;
	*leaf = key.pub;
	return PST_OK;
}

enum pst_err
pst_port_chain(void *port, const struct pst_bytes *certs, size_t n,
    const struct pst_bytes *roots, size_t nroots, uint64_t now_s,
    struct pst_pubkey *leaf, size_t *root)
{
	STACK_OF(X509) *path = NULL;
	STACK_OF(X509) *anchors = NULL;
	X509_STORE *store = NULL;
	X509_STORE_CTX *ctx = NULL;
	enum pst_err err = PST_ERR_COSE_CERT;
	size_t at = 0;

	(void)port;
	memset(leaf, 0, sizeof(*leaf));
	*root = 0;
	if (n == 0 || n > PST_X5CHAIN_MAX)
		return PST_ERR_COSE_CERT;
	path = parse_all(certs, n);
	anchors = parse_all(roots, nroots);
	if (path == NULL || anchors == NULL)
		goto out;
	store = store_of(anchors);
	ctx = X509_STORE_CTX_new();
	if (store == NULL || ctx == NULL ||
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(path, 0), path) !=
		1) {
		err = PST_ERR_CRYPTO;
		goto out;
	}
	err = walk(ctx, anchors, now_s, &at);
	if (err == PST_OK)
		err = leaf_key(sk_X509_value(path, 0), leaf);
	if (err == PST_OK)
		*root = at;
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(anchors, X509_free);
	sk_X509_pop_free(path, X509_free);
	ERR_clear_error();
	return err;
}
