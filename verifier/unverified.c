#include "unverified.h"

#include <string.h>

#include "internal.h"

#define HALF PST_THUMBPRINT_LEN

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

/* --- what a session is about -------------------------------------------- */

/* The key travels beside the quote; its thumbprint in it, or hashed. */
static enum pst_err
key_beside(const struct pst_crypto *crypto, struct pst_bytes encoded,
    struct pst_unverified *out, uint8_t print[HALF])
{
	enum pst_err err;

	err = pst_cose_key_decode(encoded, &out->agent_key, NULL, NULL);
	if (err == PST_OK)
		err = pst_cose_thumbprint(crypto, &out->agent_key, print);
	return err == PST_OK ? PST_OK : PST_ERR_EAT_CLAIM;
}

/* A format with room for a digest only: both halves stand in the container,
 * and the digest is of them. */
static enum pst_err
unfold(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_unverified *out)
{
	struct pst_bytes whole = { out->both, sizeof(out->both) };
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 };
	enum pst_err err;

	memcpy(out->both, in->challenge.ptr, HALF);
	err = key_beside(crypto, in->agent_key, out, out->both + HALF);
	if (err == PST_OK)
		err = crypto->digest(
		    crypto->ctx, PST_ALG_SHA256, &whole, 1, digest, &got.len);
	if (err == PST_OK && !pst_equal(got, out->nonce))
		err = PST_ERR_EAT_BINDING;
	if (err == PST_OK)
		out->nonce = whole;
	return err;
}

static enum pst_err
bind(const struct pst_crypto *crypto, const struct pst_evidence *in,
    const struct pst_said *said, struct pst_unverified *out)
{
	uint8_t print[HALF];
	enum pst_err err;

	out->nonce = said->nonce;
	if (said->key.len > 0) {
		out->challenge = said->nonce;
		out->has_agent_key = true;
		return key_beside(crypto, said->key, out, print);
	}
	if (out->nonce.len == HALF && in->challenge.len == HALF &&
	    in->agent_key.len > 0) {
		err = unfold(crypto, in, out);
		if (err != PST_OK)
			return err;
	}
	out->challenge = out->nonce;
	if (out->nonce.len != 2 * HALF)
		return PST_OK;
	out->challenge.len = HALF;
	out->thumbprint = (struct pst_bytes){ out->nonce.ptr + HALF, HALF };
	if (in->agent_key.len == 0)
		return PST_OK;
	err = key_beside(crypto, in->agent_key, out, print);
	if (err == PST_OK &&
	    !pst_equal(
		out->thumbprint, (struct pst_bytes){ print, sizeof(print) }))
		err = PST_ERR_EAT_BINDING;
	out->has_agent_key = err == PST_OK;
	return err;
}

/* SEV-SNP hides the chip-id like this: all chips that do have one name. */
static bool
is_zero(struct pst_bytes identity)
{
	size_t i;

	for (i = 0; i < identity.len; i++)
		if (identity.ptr[i] != 0)
			return false;
	return true;
}

enum pst_err
pst_unverified_read(const struct pst_crypto *crypto, struct pst_bytes payload,
    struct pst_bytes format, struct pst_unverified *out)
{
	const struct pst_technology *t;
	struct pst_said said = { .nonce = { NULL, 0 } };
	struct pst_bytes inner = format;
	struct pst_evidence in;
	enum pst_err err;

	pst_unverified_forms(payload, format, out);
	err = pst_container_open(payload, &inner, &in);
	if (err != PST_OK)
		return err;
	t = pst_technology_of(inner);
	if (t == NULL || t->say == NULL)
		return PST_ERR_UNSUPPORTED;
	out->technology = t->name;
	err = t->say(crypto, &in, &said);
	if (err != PST_OK)
		return PST_ERR_EAT_CLAIM;
	if (said.nonce.len < PST_EAT_NONCE_MIN ||
	    said.nonce.len > PST_EAT_NONCE_MAX)
		return PST_ERR_EAT_CLAIM;
	if (!is_zero(said.identity))
		out->identity = said.identity;
	if (said.identity.ptr == said.print) {
		memcpy(out->print, said.print, sizeof(out->print));
		out->identity.ptr = out->print;
		/* Without its container the certificate, which names the
		 * attester, would not be judged. */
		out->form_count = 1;
	}
	return bind(crypto, &in, &said, out);
}

/* --- ways to hand it in -------------------------------------------------- */

static void
add_form(
    struct pst_unverified *out, struct pst_bytes format, struct pst_bytes bytes)
{
	out->form[out->form_count++] =
	    (struct pst_evidence_form){ format, bytes };
}

void
pst_unverified_forms(struct pst_bytes payload, struct pst_bytes format,
    struct pst_unverified *out)
{
	const struct pst_bytes written = { NULL, 0 };
	const struct pst_technology *t;
	struct pst_bytes inner = format;
	struct pst_evidence in;

	memset(out, 0, sizeof(*out));
	out->technology = "unknown";
	add_form(out, format, payload);
	if (!pst_container_is(format) ||
	    pst_container_open(payload, &inner, &in) != PST_OK ||
	    pst_media_type_same(format, text(PST_TSM_FORMAT)))
		return;
	add_form(out, inner, in.payload);
	t = pst_technology_of(inner);
	if (t == NULL || pst_container_provider(t->name) == NULL ||
	    in.part_count > 1)
		return;
	add_form(out, text(PST_TSM_FORMAT), written);
	out->technology = t->name;
	out->report = in.payload;
	if (in.part_count == 1)
		out->certificates = in.part[0];
}

enum pst_err
pst_unverified_form(const struct pst_unverified *u, size_t i, uint8_t *out,
    size_t cap, struct pst_bytes *bytes)
{
	struct pst_cbor_writer w;

	*bytes = u->form[i].bytes;
	if (bytes->ptr != NULL)
		return PST_OK;
	pst_cbor_writer_init(&w, out, cap);
	pst_cbor_put_map(&w, 3);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("auxblob"));
	pst_cbor_put_bstr(&w, u->certificates);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("outblob"));
	pst_cbor_put_bstr(&w, u->report);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("provider"));
	pst_cbor_put_tstr(&w, text(pst_container_provider(u->technology)));
	if (w.err != PST_OK)
		return w.err;
	*bytes = pst_cbor_written(&w);
	return PST_OK;
}
