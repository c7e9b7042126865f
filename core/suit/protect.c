/*
 * SUIT_Report_Protected and the encryption inside it, both directions
 * (draft-ietf-suit-report, Section "SUIT_Report Container";
 * draft-ietf-teep-protocol, Section "EATs and SUIT Reports").
 */
#include <postern/suit_report.h>

#include "suit_internal.h"

size_t
pst_suit_report_overhead(const struct pst_suit_report_cover *cover)
{
	size_t n = 0;

	if (cover->to != NULL)
		n += PST_SUIT_REPORT_ENCRYPT_OVERHEAD;
	if (cover->signer != NULL)
		n += PST_SUIT_REPORT_SIGN_OVERHEAD;
	return n;
}

static bool
is_hmac(int32_t alg)
{
	return alg == PST_ALG_HMAC_256_64 || alg == PST_ALG_HMAC_256 ||
	    alg == PST_ALG_HMAC_384 || alg == PST_ALG_HMAC_512;
}

/* The message is written over the plaintext, which the ciphertext in work
 * replaces before. */
static enum pst_err
encrypt(const struct pst_crypto *crypto,
    const struct pst_suit_report_cover *cover, uint8_t *buf, size_t cap,
    size_t *len, uint8_t *work)
{
	struct pst_cose_recipient to = { PST_ALG_ECDH_ES_A128KW, 0, cover->to,
		cover->to_kid };
	struct pst_cose_encrypt_args args = { 0 };
	struct pst_bytes report = { buf, *len };
	struct pst_cbor_writer w;
	size_t content;
	enum pst_err err;

	args.alg = cover->alg;
	args.kdf_other = PST_COSE_KDF_REPORT;
	args.unauthenticated = cover->signer != NULL;
	args.recipients = &to;
	args.count = 1;
	pst_cbor_writer_init(&w, buf, cap);
	err = pst_cose_encrypt(&w, crypto, &args, report, work, &content);
	*len = err == PST_OK ? w.len : 0;
	return err;
}

/* The signed message is made in work and brought back. */
static enum pst_err
sign(const struct pst_crypto *crypto, const struct pst_signer *signer,
    uint8_t *buf, size_t cap, size_t *len, uint8_t *work, size_t work_cap)
{
	struct pst_cose_sign_args args = { 0 };
	struct pst_cbor_writer w;
	enum pst_err err;

	args.payload = (struct pst_bytes){ buf, *len };
	args.signers = signer;
	args.count = 1;
	*len = 0;
	pst_cbor_writer_init(&w, work, work_cap);
	err = is_hmac(signer->alg) ? pst_cose_mac0(&w, crypto, &args)
				   : pst_cose_sign1(&w, crypto, &args);
	if (err == PST_OK && w.len > cap)
		err = PST_ERR_SPACE;
	if (err != PST_OK)
		return err;
	memcpy(buf, work, w.len);
	*len = w.len;
	return PST_OK;
}

enum pst_err
pst_suit_report_protect(const struct pst_crypto *crypto,
    const struct pst_suit_report_cover *cover, uint8_t *buf, size_t cap,
    size_t *len, uint8_t *work, size_t work_cap)
{
	size_t overhead = pst_suit_report_overhead(cover);
	enum pst_err err = PST_OK;

	if (cover->to != NULL && !PST_SUIT_WITH_ENCRYPTION) {
		*len = 0;
		return PST_ERR_UNSUPPORTED;
	}
	if (overhead > 0 &&
	    (work_cap < overhead || work_cap - overhead < *len)) {
		*len = 0;
		return PST_ERR_SPACE;
	}
	if (PST_SUIT_WITH_ENCRYPTION && cover->to != NULL)
		err = encrypt(crypto, cover, buf, cap, len, work);
	if (err == PST_OK && cover->signer != NULL)
		err =
		    sign(crypto, cover->signer, buf, cap, len, work, work_cap);
	if (err != PST_OK)
		*len = 0;
	return err;
}

/* --- reading ------------------------------------------------------------ */

enum layer { LAYER_NONE, LAYER_SIGNATURE, LAYER_ENCRYPTION, LAYER_UNKNOWN };

/* An untagged array: an Encrypt0 has three elements, and of four the last is
 * the recipients of an Encrypt, or a signature or tag. */
static enum layer
untagged(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 3, 4);
	size_t i;

	if (n == 3)
		return LAYER_ENCRYPTION;
	for (i = 0; i < 3; i++)
		pst_cbor_skip(r);
	return pst_cbor_peek(r) == PST_CBOR_ARRAY ? LAYER_ENCRYPTION
						  : LAYER_SIGNATURE;
}

static enum layer
layer_of(struct pst_bytes in)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, in);
	switch (pst_cbor_peek(&r)) {
	case PST_CBOR_MAP:
		return LAYER_NONE;
	case PST_CBOR_ARRAY:
		return untagged(&r);
	case PST_CBOR_TAG:
		break;
	default:
		return LAYER_UNKNOWN;
	}
	switch (pst_cbor_tag(&r)) {
	case PST_TAG_SIGN1:
	case PST_TAG_MAC0:
		return LAYER_SIGNATURE;
	case PST_TAG_ENCRYPT:
	case PST_TAG_ENCRYPT0:
		return LAYER_ENCRYPTION;
	default:
		return LAYER_UNKNOWN;
	}
}

static enum pst_err
open_signature(struct pst_bytes in, const struct pst_crypto *crypto,
    const struct pst_keys *signers, struct pst_suit_report_opened *out)
{
	static const struct pst_bytes none = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_cose_headers h;
	struct pst_bytes sig;
	enum pst_err err;

	err = pst_cose_parse(in, PST_TAG_SIGN1, &msg, NULL);
	if (err != PST_OK)
		return err;
	/* Without a tag the algorithm tells a Mac0 from a Sign1. */
	if (!msg.tagged && pst_cose_signature(&msg, 0, &h, &sig) &&
	    is_hmac(h.alg))
		msg.kind = PST_TAG_MAC0;
	if (signers == NULL)
		return PST_ERR_COSE_KEY;
	err = pst_cose_verify(&msg, crypto, signers, none, &out->report);
	if (err == PST_OK)
		out->form |= msg.kind == PST_TAG_MAC0 ? PST_SUIT_REPORT_MAC
						      : PST_SUIT_REPORT_SIGNED;
	return err;
}

/* SUIT_Report_plaintext is a bstr that contains a SUIT_Report, which may mean
 * that a bstr was encrypted: see docs/interop.md. */
static enum pst_err
without_wrapper(struct pst_bytes *plain)
{
	struct pst_cbor_reader r;
	struct pst_bytes inner;
	enum pst_err err;

	pst_cbor_reader_init(&r, *plain);
	if (pst_cbor_peek(&r) != PST_CBOR_BSTR)
		return PST_OK;
	inner = pst_cbor_bstr(&r, 0, SIZE_MAX);
	err = pst_cbor_end(&r);
	if (err == PST_OK)
		*plain = inner;
	return err;
}

static enum pst_err
open_encryption(struct pst_bytes in, const struct pst_crypto *crypto,
    const struct pst_suit_report_open_args *args, uint8_t *buf, size_t cap,
    struct pst_suit_report_opened *out)
{
	const uint32_t authenticated =
	    PST_SUIT_REPORT_SIGNED | PST_SUIT_REPORT_MAC;
	struct pst_cose_open_args how = { 0 };
	struct pst_cose_sealed msg;
	struct pst_bytes plain = { buf, 0 };
	enum pst_err err;

	if (!PST_SUIT_WITH_ENCRYPTION)
		return PST_ERR_UNSUPPORTED;
	err = pst_cose_sealed_parse(in, &msg, NULL);
	if (err != PST_OK)
		return err;
	/* "the content MUST NOT be detached" */
	if (msg.kind == PST_TAG_MAC || msg.detached)
		return PST_ERR_COSE_STRUCTURE;
	if (args->recipients == NULL)
		return PST_ERR_COSE_KEY;
	if (msg.content.len > cap)
		return PST_ERR_SPACE;
	how.keys = args->recipients;
	how.kdf_other = PST_COSE_KDF_REPORT;
	how.unauthenticated =
	    args->authentic || (out->form & authenticated) != 0;
	err = pst_cose_decrypt(
	    &msg, msg.content, crypto, &how, buf, &plain.len, NULL);
	if (err == PST_OK)
		err = without_wrapper(&plain);
	if (err != PST_OK)
		return err;
	out->form |= PST_SUIT_REPORT_ENCRYPTED;
	out->report.payload = plain;
	return PST_OK;
}

enum pst_err
pst_suit_report_open(struct pst_bytes in, const struct pst_crypto *crypto,
    const struct pst_suit_report_open_args *args, uint8_t *out, size_t cap,
    struct pst_suit_report_opened *opened)
{
	struct pst_suit_report_opened o;
	enum pst_err err = PST_OK;

	memset(opened, 0, sizeof(*opened));
	memset(&o, 0, sizeof(o));
	o.report = pst_verified_by_caller(in);
	if (layer_of(in) == LAYER_SIGNATURE)
		err = open_signature(in, crypto, args->signers, &o);
	if (err == PST_OK && layer_of(o.report.payload) == LAYER_ENCRYPTION)
		err = open_encryption(
		    o.report.payload, crypto, args, out, cap, &o);
	if (err == PST_OK && layer_of(o.report.payload) != LAYER_NONE)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		*opened = o;
	return err;
}
