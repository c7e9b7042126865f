/*
 * Encryption of EATs to a recipient, both directions
 * (draft-ietf-teep-protocol, Section "EATs and SUIT Reports").
 */
#include <postern/eat_encrypt.h>

#include "../pst_internal.h"

/* The message is written over the payload, which is encrypted in work before.
 */
enum pst_err
pst_eat_encrypt(const struct pst_crypto *crypto, int32_t alg,
    const struct pst_pubkey *to, uint8_t *buf, size_t cap, size_t *len,
    uint8_t *work, size_t work_cap)
{
	uint8_t kid[PST_THUMBPRINT_LEN];
	struct pst_cose_recipient recipient = { PST_ALG_ECDH_ES_A128KW, 0, to,
		{ kid, sizeof(kid) } };
	struct pst_cose_encrypt_args args = { 0 };
	struct pst_bytes payload = { buf, *len };
	struct pst_cbor_writer w;
	size_t content;
	enum pst_err err;

	*len = 0;
	if (work_cap < PST_AEAD_TAG_LEN ||
	    work_cap - PST_AEAD_TAG_LEN < payload.len)
		return PST_ERR_SPACE;
	err = pst_cose_thumbprint(crypto, to, kid);
	if (err != PST_OK)
		return err;
	/* "the content MUST NOT be detached" */
	args.alg = alg;
	args.kdf_other = PST_COSE_KDF_EAT;
	args.recipients = &recipient;
	args.count = 1;
	pst_cbor_writer_init(&w, buf, cap);
	err = pst_cose_encrypt(&w, crypto, &args, payload, work, &content);
	*len = err == PST_OK ? w.len : 0;
	return err;
}

/* --- reading ------------------------------------------------------------ */

static struct pst_bytes
without_cwt_tag(struct pst_bytes payload)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, payload);
	if (!pst_cbor_tag_optional(&r, PST_TAG_CWT))
		return payload;
	return (struct pst_bytes){ payload.ptr + r.at, payload.len - r.at };
}

/* Without a tag, four elements are an Encrypt when the last one is the list
 * of recipients: a Sign1 has its signature there. */
static bool
untagged(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 3, 4), i;

	for (i = 0; i < 3; i++)
		pst_cbor_skip(r);
	return pst_cbor_ok(r) && (n == 3 || pst_cbor_peek(r) == PST_CBOR_ARRAY);
}

bool
pst_eat_encrypted(struct pst_bytes payload)
{
	struct pst_cose_sealed msg;
	struct pst_cbor_reader r;
	uint64_t tag;

	payload = without_cwt_tag(payload);
	pst_cbor_reader_init(&r, payload);
	switch (pst_cbor_peek(&r)) {
	case PST_CBOR_TAG:
		tag = pst_cbor_tag(&r);
		return tag == PST_TAG_ENCRYPT || tag == PST_TAG_ENCRYPT0;
	case PST_CBOR_ARRAY:
		return untagged(&r) &&
		    pst_cose_sealed_parse(payload, &msg, NULL) == PST_OK;
	default:
		return false;
	}
}

enum pst_err
pst_eat_decrypt(struct pst_bytes payload, const struct pst_crypto *crypto,
    const struct pst_keys *keys, uint8_t *out, size_t cap,
    struct pst_bytes *plain)
{
	struct pst_cose_open_args how = { 0 };
	struct pst_cose_sealed msg;
	size_t len = 0;
	enum pst_err err;

	*plain = (struct pst_bytes){ NULL, 0 };
	err = pst_cose_sealed_parse(without_cwt_tag(payload), &msg, NULL);
	if (err != PST_OK)
		return err;
	if (msg.kind == PST_TAG_MAC || msg.detached)
		return PST_ERR_COSE_STRUCTURE;
	if (msg.content.len > cap)
		return PST_ERR_SPACE;
	how.keys = keys;
	how.kdf_other = PST_COSE_KDF_EAT;
	how.unauthenticated = true;
	err =
	    pst_cose_decrypt(&msg, msg.content, crypto, &how, out, &len, NULL);
	if (err == PST_OK)
		*plain = (struct pst_bytes){ out, len };
	return err;
}
