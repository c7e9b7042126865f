/*
 * TEEP messages, bare or in COSE, and the SUIT envelopes published with them:
 * each row against what it expects. A row of the project's own that must be
 * rejected also says with which error ("err").
 */
#include <postern/cose_encrypt.h>
#include <postern/teep.h>
#include <string.h>

#include "keys.h"
#include "ports/openssl/openssl.h"
#include "runner.h"

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static const struct pst_bytes none = { NULL, 0 };

/* --- what the row says about the content ------------------------------- */

static const char *const type_names[] = { NULL, "query-request",
	"query-response", "update", NULL, "success", "error" };

/* Labels that this version knows; the rest was skipped. */
static bool
known(uint32_t label)
{
	return label >= 1 && label <= 23 && label != 5;
}

static uint32_t
options_of(const json_t *info)
{
	const json_t *list = json_object_get(info, "options");
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		uint32_t label =
		    (uint32_t)json_integer_value(json_array_get(list, i));

		if (known(label))
			bits |= 1u << label;
	}
	return bits;
}

static enum vector_result
compare(struct vector *v, const struct pst_teep_message *m)
{
	const json_t *info =
	    json_object_get(json_object_get(v->row, "teep"), "info");
	const char *type = json_string_value(json_object_get(info, "type"));
	const json_t *n;

	if (type == NULL)
		return vector_fail(v, "the row has no type");
	if (strcmp(type, type_names[m->type]) != 0)
		return vector_fail(v, "type %s", type_names[m->type]);
	if (options_of(info) != m->present)
		return vector_fail(v, "options %x", m->present);
	n = json_object_get(info, "err_code");
	if (n != NULL && json_integer_value(n) != m->err_code)
		return vector_fail(v, "err-code %u", m->err_code);
	n = json_object_get(info, "data_item_requested");
	if (n != NULL && json_integer_value(n) != m->data_items)
		return vector_fail(v, "data-item-requested %u", m->data_items);
	n = json_object_get(info, "manifests");
	if (n != NULL && json_array_size(n) != m->manifest_list.count)
		return vector_fail(v, "%zu manifests", m->manifest_list.count);
	return VECTOR_PASS;
}

/* What was decoded is written again and decodes to the same. */
static enum vector_result
round_trip(struct vector *v, const struct pst_teep_message *m)
{
	static uint8_t out[65536];
	struct pst_teep_message again, sent = *m;
	struct pst_cbor_writer w;
	struct pst_verified bytes;
	bool both = m->type == PST_TEEP_QUERY_REQUEST &&
	    PST_TEEP_HAS(m, PST_LABEL_TOKEN) &&
	    (m->data_items & PST_TEEP_ITEM_ATTESTATION) != 0;

	pst_cbor_writer_init(&w, out, sizeof(out));
	if (both) {
		/* Published, but not what we send: docs/interop.md. */
		if (pst_teep_encode(&w, m) != PST_ERR_TEEP_FIELD)
			return vector_fail(v, "sent with token and challenge");
		sent.present &= ~(1u << PST_LABEL_TOKEN);
	}
	if (sent.type == PST_TEEP_QUERY_REQUEST &&
	    (sent.suites == 0 || sent.profiles == 0))
		return VECTOR_PASS; /* only suites that we do not have */
	if (pst_teep_encode(&w, &sent) != PST_OK)
		return vector_fail(v, "does not encode");
	bytes = pst_verified_by_caller(pst_cbor_written(&w));
	if (pst_teep_decode(&bytes, &again, NULL) != PST_OK)
		return vector_fail(v, "does not decode again");
	return again.present == sent.present && again.type == sent.type
	    ? VECTOR_PASS
	    : vector_fail(v, "decodes to something else");
}

/* --- reaching the message ---------------------------------------------- */

static enum pst_err
open_cose(
    struct vector *v, const struct vector_keys *keys, struct pst_verified *out)
{
	struct pst_cose_message msg;
	enum pst_err err;

	err = pst_cose_parse(v->data, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK)
		err = pst_cose_verify(&msg, crypto, &keys->source, none, out);
	return err;
}

/* A row with keys is in COSE; one without is the message itself. */
static enum pst_err
decode(struct vector *v, const struct vector_keys *keys,
    struct pst_teep_message *m, int32_t *alg)
{
	struct pst_verified bytes = pst_verified_by_caller(v->data);
	enum pst_err err = PST_OK;

	*alg = 0;
	if (keys->count > 0)
		err = open_cose(v, keys, &bytes);
	if (err != PST_OK)
		return err;
	*alg = bytes.alg;
	return pst_teep_decode(&bytes, m, NULL);
}

/* --- expectations ------------------------------------------------------ */

/* Why a published row must be rejected, and what we then say. */
static const struct {
	const char *reason;
	enum pst_err err;
} reasons[] = { { "signature does not verify", PST_ERR_COSE_SIGNATURE },
	{ "algorithm absent", PST_ERR_COSE_ALG },
	{ "when only the TAM keys are trusted", PST_ERR_COSE_SIGNATURE },
	{ "token size", PST_ERR_CBOR_RANGE },
	{ "challenge size", PST_ERR_CBOR_RANGE },
	{ "unknown message type", PST_ERR_TEEP_TYPE },
	{ "no message type", PST_ERR_CBOR_RANGE },
	{ "options is not a map", PST_ERR_CBOR_TYPE },
	{ "duplicate map key", PST_ERR_CBOR_DUPLICATE },
	{ "5 elements needed", PST_ERR_CBOR_RANGE },
	{ "err-code missing", PST_ERR_CBOR_RANGE },
	{ "trailing data", PST_ERR_CBOR_TRAILING },
	{ "3 elements", PST_ERR_CBOR_RANGE },
	{ "token is an int", PST_ERR_CBOR_TYPE } };

static enum vector_result
rejected(struct vector *v, enum pst_err err)
{
	const json_t *own = json_object_get(v->row, "err");
	size_t i;

	if (own != NULL)
		return err == (enum pst_err)json_integer_value(own)
		    ? VECTOR_PASS
		    : vector_fail(v, "%s", pst_err_name(err));
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strstr(v->expected, reasons[i].reason) == NULL)
			continue;
		return err == reasons[i].err
		    ? VECTOR_PASS
		    : vector_fail(v, "%s", pst_err_name(err));
	}
	return vector_fail(v, "unknown reason");
}

static enum vector_result
accepted(struct vector *v, const struct vector_keys *keys,
    const struct pst_teep_message *m, int32_t alg)
{
	enum vector_result result;
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "alg %d signature", alg);
	if (keys->count > 0 && strstr(v->expected, wanted) == NULL)
		return vector_fail(v, "signed with %d", alg);
	result = compare(v, m);
	return result == VECTOR_PASS ? round_trip(v, m) : result;
}

/* What an envelope would write, encrypted. */
struct sealed_content {
	struct pst_bytes content, info;
};

static enum pst_err
note_sealed(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct sealed_content *out = ctx;
	struct pst_cbor_reader r;

	(void)section;
	(void)component;
	pst_cbor_reader_init(&r, value);
	if (label == PST_SUIT_PARAM_CONTENT)
		out->content = pst_cbor_bstr(&r, 0, SIZE_MAX);
	if (label == PST_SUIT_PARAM_ENCRYPTION_INFO)
		out->info = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return PST_OK;
}

static enum pst_err
device_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)headers;
	*key = *(uint32_t *)ctx;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

/* "encrypted content decrypts with agent-p256 (…) to '…'" */
static enum vector_result
decrypts(struct vector *v, const struct pst_suit_manifest *m)
{
	const json_t *said =
	    json_object_get(json_object_get(v->row, "suit"), "decryption");
	const char *plain = json_string_value(
	    json_object_get(json_array_get(said, 0), "plaintext"));
	struct sealed_content found = { none, none };
	struct pst_suit_images images;
	struct pst_cose_sealed sealed;
	struct pst_key key;
	uint32_t number = 0;
	struct pst_keys device = { &number, NULL, device_secret, false };
	const struct pst_cose_open_args args = { .keys = &device,
		.kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = true,
		.wrapped = true };
	uint8_t out[256];
	size_t len = 0;

	if (plain == NULL ||
	    pst_key_parse(vector_file(v, "keys/agent-p256.priv.pem"), &key,
		NULL) != PST_OK ||
	    pst_openssl_add(port, &key, &number) != PST_OK)
		return vector_fail(v, "row not understood");
	if (pst_suit_manifest_images(m, note_sealed, &found, &images) !=
		PST_OK ||
	    found.content.len > sizeof(out) ||
	    pst_cose_sealed_parse(found.info, &sealed, NULL) != PST_OK ||
	    pst_cose_decrypt(&sealed, found.content, crypto, &args, out, &len,
		NULL) != PST_OK)
		return vector_fail(v, "the content does not decrypt");
	if (len != strlen(plain) || memcmp(out, plain, len) != 0)
		return vector_fail(v, "another plaintext");
	return VECTOR_PASS;
}

/* A SUIT envelope of the draft's examples: signature and digests. */
static enum vector_result
envelope(struct vector *v, const struct vector_keys *keys)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_bytes payload;
	enum pst_err err;

	err = pst_suit_envelope_decode(v->data, &env, NULL);
	if (err == PST_OK)
		err = pst_suit_authenticate(
		    &env, crypto, &keys->source, &m, NULL);
	if (err != PST_OK)
		return vector_fail(v, "%s", pst_err_name(err));
	if (strstr(v->expected, "integrated payload") != NULL &&
	    !pst_suit_integrated(&env, PST_BYTES_LIT("#tc"), &payload))
		return vector_fail(v, "no integrated payload");
	if (strstr(v->expected, "encrypted content decrypts") != NULL)
		return decrypts(v, &m);
	return VECTOR_PASS;
}

static enum vector_result
check(struct vector *v)
{
	struct pst_teep_message m;
	struct vector_keys keys;
	enum pst_err err;
	int32_t alg;

	if (!vector_keys_load(v, &keys))
		return VECTOR_FAIL;
	if (json_object_get(v->row, "suit") != NULL)
		return envelope(v, &keys);
	err = decode(v, &keys, &m, &alg);
	if (vector_expects(v, "must be rejected"))
		return rejected(v, err);
	if (err != PST_OK)
		return vector_fail(v, "%s", pst_err_name(err));
	return accepted(v, &keys, &m, alg);
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
	crypto = pst_openssl_crypto(port);
	result = vectors_run(argv[1], check);
	pst_openssl_free(&port);
	return result;
}
