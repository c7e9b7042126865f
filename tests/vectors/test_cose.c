/*
 * COSE vectors: published ones (argument: shared) and the project's own.
 */
#include <postern/cose_encrypt.h>
#include <stdlib.h>
#include <string.h>

#include "ports/openssl/openssl.h"
#include "runner.h"

enum { KEYS_MAX = 4 };

static struct pst_openssl *port;

/* The keys that a row gives. */
struct given {
	struct pst_key key[KEYS_MAX];
	uint32_t number[KEYS_MAX]; /* of secret and private ones */
	size_t count;
};

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct given *g = ctx;

	(void)headers;
	if (attempt >= g->count)
		return PST_ERR_NOT_FOUND;
	*key = g->key[attempt].pub;
	*who = (uint32_t)attempt;
	return PST_OK;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	struct given *g = ctx;

	(void)headers;
	if (attempt >= g->count)
		return PST_ERR_NOT_FOUND;
	if (g->key[attempt].pub.kty != PST_KTY_SYMMETRIC)
		return PST_ERR_COSE_KEY;
	*key = g->number[attempt];
	*who = (uint32_t)attempt;
	return PST_OK;
}

static bool
load_keys(struct vector *v, struct given *g)
{
	const json_t *keys = json_object_get(v->row, "keys");
	const char *why = "";
	size_t i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < json_array_size(keys) && i < KEYS_MAX; i++) {
		const char *name = json_string_value(json_array_get(keys, i));

		if (pst_key_parse(vector_file(v, name), &g->key[i], &why) !=
		    PST_OK) {
			vector_fail(v, "%s: %s", name, why);
			return false;
		}
		if (g->key[i].secret_len > 0 &&
		    pst_openssl_add(port, &g->key[i], &g->number[i]) !=
			PST_OK) {
			vector_fail(v, "%s: not taken", name);
			return false;
		}
		g->count++;
	}
	return true;
}

/* external_aad is the message's, or one a signer. */
static struct pst_bytes
aad_of(struct vector *v, size_t signer)
{
	const json_t *list = json_object_get(v->row, "external_aad_per_signer");

	if (list != NULL)
		return vector_hex(
		    v, json_string_value(json_array_get(list, signer)));
	return vector_hex(v, vector_text(v, "external_aad"));
}

static enum pst_err
verify_all(struct vector *v, const struct pst_cose_message *msg,
    const struct pst_keys *keys, struct pst_bytes payload)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(port);
	struct pst_verified out;
	enum pst_err err;
	size_t i;

	for (i = 0; i <= PST_COSE_SIGNERS_MAX; i++) {
		err = pst_cose_verify_at(
		    msg, i, payload, crypto, keys, aad_of(v, i), &out);
		if (err == PST_ERR_NOT_FOUND && i > 0)
			return PST_OK;
		if (err != PST_OK)
			return err;
	}
	return PST_ERR_LIMIT;
}

/*
 * A row whose crit names a parameter that nobody here understands, and whose
 * signature is good: the refusal must be for crit and nothing else.
 */
static enum vector_result
genuine_but_critical(struct vector *v, const struct pst_cose_message *msg,
    struct given *g, enum pst_err err)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(port);
	struct pst_cose_headers headers;
	struct pst_bytes sig, tbs;
	struct pst_cbor_writer w;
	uint8_t buf[512];

	if (err != PST_ERR_COSE_CRIT)
		return vector_fail(v, "not refused for crit: %d", err);
	if (!pst_cose_signature(msg, 0, &headers, &sig))
		return vector_fail(v, "no signature");
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_cbor_put_array(&w, 5);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("Signature"));
	pst_cbor_put_bstr(&w, msg->protected);
	pst_cbor_put_bstr(&w, headers.protected);
	pst_cbor_put_bstr(&w, aad_of(v, 0));
	pst_cbor_put_bstr(&w, msg->payload);
	tbs = pst_cbor_written(&w);
	err = crypto->verify(
	    crypto->ctx, &g->key[0].pub, headers.alg, &tbs, 1, sig);
	return err == PST_OK ? VECTOR_PASS
			     : vector_fail(v, "signature: %d", err);
}

static enum vector_result
check_payload(struct vector *v, struct pst_bytes payload)
{
	const char *hex = vector_text(v, "plaintext_hex");

	if (hex != NULL && !pst_equal(payload, vector_hex(v, hex)))
		return vector_fail(v, "another payload");
	return VECTOR_PASS;
}

static enum vector_result
check_message(struct vector *v, uint64_t untagged, struct given *g)
{
	struct pst_keys keys = { g, find, find_secret,
		.alg_unprotected = true };
	const char *detached = vector_text(v, "payload");
	bool reject = vector_expects(v, "must be rejected");
	struct pst_cose_message msg;
	struct pst_bytes payload;
	enum pst_err err;

	err = pst_cose_parse(v->data, untagged, &msg, NULL);
	if (err != PST_OK)
		return reject ? VECTOR_PASS
			      : vector_fail(v, "parse: %s", pst_err_name(err));
	payload = msg.detached ? vector_hex(v, detached) : msg.payload;
	err = verify_all(v, &msg, &keys, payload);
	if (vector_text(v, "crit_note") != NULL)
		return genuine_but_critical(v, &msg, g, err);
	if (reject)
		return err != PST_OK ? VECTOR_PASS : vector_fail(v, "accepted");
	if (err != PST_OK)
		return vector_fail(v, "verify: %s", pst_err_name(err));
	return check_payload(v, payload);
}

/* A COSE_KeySet: every key decodes, private parts match. */
static enum vector_result
check_keyset(struct vector *v)
{
	struct pst_cbor_reader r;
	struct pst_bytes item;
	struct pst_list list;
	struct pst_key key;
	const char *why = "";
	size_t pairs = 0, total;

	pst_cbor_reader_init(&r, v->data);
	list = pst_cbor_list(&r, 1, 64);
	if (pst_cbor_end(&r) != PST_OK)
		return vector_fail(v, "not an array");
	total = list.count;
	while (pst_list_next(&list, &item)) {
		if (pst_key_parse(item, &key, &why) != PST_OK)
			return vector_fail(v, "key: %s", why);
		pairs += key.pub.kty == PST_KTY_EC2 && key.secret_len > 0;
		pst_key_wipe(&key);
	}
	if (total != 7 || pairs != 4)
		return vector_fail(v, "%zu keys, %zu pairs", total, pairs);
	return VECTOR_PASS;
}

/* The attempt-th secret key, or private one where the algorithm agrees. */
static enum pst_err
find_opener(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	bool agree = headers->alg <= PST_ALG_ECDH_ES_HKDF_256 &&
	    headers->alg >= PST_ALG_ECDH_SS_A256KW;
	struct given *g = ctx;
	uint32_t i;

	for (i = 0; i < g->count; i++) {
		if (g->number[i] == 0 ||
		    agree == (g->key[i].pub.kty == PST_KTY_SYMMETRIC))
			continue;
		if (attempt-- > 0)
			continue;
		*key = g->number[i];
		*who = i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* A static key of the sender by its kid. */
static enum pst_err
find_sender(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct given *g = ctx;
	uint32_t i;

	for (i = 0; i < g->count && attempt == 0; i++) {
		struct pst_bytes kid = { g->key[i].kid, g->key[i].kid_len };

		if (!pst_equal(kid, headers->kid))
			continue;
		*key = g->key[i].pub;
		*who = i;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* By one recipient. */
static enum vector_result
open_one(struct vector *v, const struct pst_cose_sealed *msg,
    const struct pst_cose_open_args *args)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(port);
	struct pst_bytes content = msg->detached
	    ? vector_hex(v, vector_text(v, "content"))
	    : msg->content;
	uint8_t *plain = malloc(content.len + 1);
	struct pst_bytes out = { plain, 0 };
	struct pst_verified who;
	enum vector_result result = VECTOR_FAIL;
	enum pst_err err;

	if (plain == NULL)
		return vector_fail(v, "no memory");
	if (msg->kind == PST_TAG_MAC) {
		err = pst_cose_mac_verify(msg, content, crypto, args, &who);
		out = who.payload;
	} else {
		err = pst_cose_decrypt(
		    msg, content, crypto, args, plain, &out.len, NULL);
	}
	if (vector_expects(v, "must be rejected"))
		result =
		    err != PST_OK ? VECTOR_PASS : vector_fail(v, "accepted");
	else if (err != PST_OK)
		result = vector_fail(v, "open: %s", pst_err_name(err));
	else
		result = check_payload(v, out);
	free(plain);
	return result;
}

static enum vector_result
check_sealed(struct vector *v, struct given *g)
{
	struct pst_keys keys = { g, find_sender, find_opener,
		.alg_unprotected = true };
	struct pst_cose_open_args args = { .keys = &keys };
	enum vector_result result = VECTOR_PASS;
	struct pst_cose_sealed msg;
	enum pst_err err;
	size_t i;

	err = pst_cose_sealed_parse(v->data, &msg, NULL);
	if (err != PST_OK)
		return vector_expects(v, "must be rejected")
		    ? VECTOR_PASS
		    : vector_fail(v, "parse: %s", pst_err_name(err));
	args.aad = aad_of(v, 0);
	if (vector_text(v, "kdf_other") != NULL)
		args.kdf_other = vector_hex(v, vector_text(v, "kdf_other"));
	args.unauthenticated =
	    json_is_true(json_object_get(v->row, "unauthenticated"));
	if (msg.kind == PST_TAG_ENCRYPT0)
		return open_one(v, &msg, &args);
	args.one_recipient = true;
	for (i = 0; i < msg.recipients.count && result == VECTOR_PASS; i++) {
		args.recipient = i;
		result = open_one(v, &msg, &args);
	}
	return result;
}

/* Rows whose algorithms are in no profile of SUIT or TEEP. */
static const struct {
	const char *begins, *why;
} others[] = {
	{ "aes-ccm-", "AES-CCM is not supported" },
	{ "rfc8152-appendix-c-3-2", "direct+HKDF and AES-CCM" },
	{ "rfc8152-appendix-c-4-", "AES-CCM is not supported" },
	{ "cwt-a-5", "AES-CCM is not supported" },
	{ "cwt-a-6", "AES-CCM is not supported" },
	{ "rfc8152-appendix-c-5-1", "AES-CBC-MAC is not supported" },
	{ "rfc8152-appendix-c-5-3", "AES-CBC-MAC is not supported" },
	{ "aes-wrap-examples-aes-wrap-128-01", "AES-CBC-MAC" },
	{ "aes-wrap-examples-aes-wrap-192-01", "AES-CBC-MAC" },
	{ "aes-wrap-examples-aes-wrap-256-01", "AES-CBC-MAC" },
	{ "aes-gcm-examples-aes-gcm-05", "a partial IV and a base IV" },
	{ "x25519-", "X25519 is not supported" },
	{ "rfc8152-appendix-b", "recipients of recipients" },
};

static const char *
other(const struct vector *v)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(
			v->id, others[i].begins, strlen(others[i].begins)) == 0)
			return others[i].why;
	}
	return NULL;
}

/* AES-CBC-MAC belongs to no profile of SUIT or TEEP. */
static bool
is_aes_mac(const struct vector *v)
{
	return strcmp(v->id, "rfc8152-appendix-c-6-1") == 0;
}

static enum vector_result
check(struct vector *v)
{
	const char *kind = vector_text(v, "kind");
	enum vector_result result = VECTOR_FAIL;
	uint64_t untagged = PST_TAG_SIGN1;
	struct given g;
	bool sealed;
	size_t i;

	if (kind == NULL)
		return check_keyset(v);
	sealed = strncmp(kind, "COSE_Encrypt", 12) == 0 ||
	    strcmp(kind, "COSE_Mac") == 0;
	if (sealed && other(v) != NULL)
		return vector_skip(v, "%s", other(v));
	if (is_aes_mac(v))
		return vector_skip(v, "AES-CBC-MAC is not supported");
	if (strcmp(kind, "COSE_Mac0") == 0)
		untagged = PST_TAG_MAC0;
	if (load_keys(v, &g))
		result = sealed ? check_sealed(v, &g)
				: check_message(v, untagged, &g);
	for (i = 0; i < g.count; i++)
		pst_openssl_remove(port, g.number[i]);
	return result;
}

int
main(int argc, char **argv)
{
	int result;

	if (argc != 2)
		return 2;
	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	result = vectors_run(argv[1], check);
	pst_openssl_free(&port);
	return result;
}
