/*
 * The software attester: Evidence about the device as an EAT, signed as a
 * CWT by an attestation key that is not the TEEP key (RFC 9711;
 * draft-ietf-teep-protocol, Section 5).
 *
 * cnf carries the TEEP key itself beside its thumbprint, so that whoever
 * verified the Evidence has the key that must have signed the message.
 */
#include <postern/eat_measured.h>

#include "../pst_internal.h"

enum { NAME_MAX = 64 }; /* bytes of swname and of swversion */

/* [content-format, bstr .cbor what is written between begin and end]. */
static size_t
item_begin(struct pst_cbor_writer *w, enum pst_content_format format)
{
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, (uint64_t)format);
	return pst_cbor_wrap_begin(w);
}

/*
 * manifests: "the manifest body contains a SUIT_Reference" (Section 5): an
 * array of URI and digest, as draft-ietf-suit-report has it. swname "holds
 * the URI of the SUIT manifest for that component".
 */
static void
manifest_item(struct pst_cbor_writer *w, const struct pst_eat_attester *s)
{
	size_t mark = item_begin(w, PST_FORMAT_SUIT_REPORT);

	pst_cbor_put_array(w, 2);
	pst_cbor_put_tstr(w, s->swname);
	pst_suit_digest_put(w, &s->software);
	pst_cbor_wrap_bstr(w, mark);
}

static void
measurement_item(struct pst_cbor_writer *w, const struct pst_eat_attester *s)
{
	struct pst_eat_measured m = { .name = s->swname,
		.version = s->swversion,
		.alg = s->software.alg,
		.value = s->software.bytes };
	size_t mark = item_begin(w, PST_FORMAT_MEASURED_COMPONENT);

	pst_eat_measured_put(w, &m);
	pst_cbor_wrap_bstr(w, mark);
}

static void
device_claims(const struct pst_eat_attester *s, struct pst_eat *e)
{
	e->ueid = s->ueid;
	e->oemid = s->oemid;
	e->hwmodel = s->hwmodel;
	e->hwversion = s->hwversion;
	e->swname = s->swname;
	e->swversion = s->swversion;
	e->profile = PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE);
	e->has_dbgstat = true;
	/* "Disabled" promises the least of the levels above "enabled". */
	e->dbgstat = s->debug_enabled ? 0 : 1;
}

/*
 * Sign the claims: they are written to the end of out, whatever they view in
 * front of that, and then copied into the message that starts at out. So no
 * second buffer is needed.
 */
static enum pst_err
sign(const struct pst_eat_attester *s, const struct pst_eat *e, uint8_t *out,
    size_t cap, size_t scratch, size_t *len)
{
	struct pst_cose_sign_args args;
	struct pst_cbor_writer w;
	enum pst_err err;
	size_t n;

	pst_cbor_writer_count(&w);
	pst_eat_encode(&w, e);
	n = w.len;
	if (n > cap - scratch)
		return PST_ERR_SPACE;
	pst_cbor_writer_init(&w, out + cap - n, n);
	pst_eat_encode(&w, e);
	memset(&args, 0, sizeof(args));
	args.payload = pst_cbor_written(&w);
	args.signers = &s->key;
	args.count = 1;
	pst_cbor_writer_init(&w, out, cap - n);
	err = pst_cose_sign1(&w, s->crypto, &args);
	if (err == PST_OK)
		*len = w.len;
	return err;
}

/* What was written since mark. */
static struct pst_bytes
since(const struct pst_cbor_writer *w, size_t mark)
{
	return (struct pst_bytes){ w->buf + mark, w->len - mark };
}

/* Write the encoded parts of the claims to out; returns how long they are. */
static enum pst_err
encoded_claims(const struct pst_eat_attester *s, const struct pst_pubkey *key,
    struct pst_eat *e, uint8_t *out, size_t cap, size_t *scratch)
{
	struct pst_cbor_writer w;
	size_t key_end, manifest_end;

	pst_cbor_writer_init(&w, out, cap);
	pst_cose_key_encode(&w, key, (struct pst_bytes){ NULL, 0 });
	key_end = w.len;
	manifest_item(&w, s);
	manifest_end = w.len;
	measurement_item(&w, s);
	if (w.err != PST_OK)
		return w.err;
	e->cnf_key = (struct pst_bytes){ out, key_end };
	e->measurements = (struct pst_list){ since(&w, manifest_end), 1 };
	w.len = manifest_end;
	e->manifests = (struct pst_list){ since(&w, key_end), 1 };
	*scratch = manifest_end + e->measurements.items.len;
	return PST_OK;
}

static enum pst_err
evidence(void *ctx, const struct pst_attest_request *q, uint8_t *out,
    size_t cap, size_t *len, struct pst_bytes *format)
{
	const struct pst_eat_attester *s = ctx;
	uint8_t thumbprint[PST_THUMBPRINT_LEN], nonce[PST_EAT_NONCE_MAX];
	struct pst_eat e;
	enum pst_err err;
	size_t n, scratch;

	*len = 0;
	/* What the profile requires must be configured. */
	if (s->swname.len == 0 || s->swname.len > NAME_MAX ||
	    s->swversion.len > NAME_MAX || s->software.alg == 0)
		return PST_ERR_ARG;
	memset(&e, 0, sizeof(e));
	err = pst_cose_thumbprint(s->crypto, q->key, thumbprint);
	if (err == PST_OK)
		err = pst_eat_nonce_of(s->crypto, q->challenge, nonce, &n);
	if (err == PST_OK)
		err = encoded_claims(s, q->key, &e, out, cap, &scratch);
	if (err != PST_OK)
		return err;
	e.nonce = (struct pst_bytes){ nonce, n };
	e.cnf_kid = (struct pst_bytes){ thumbprint, sizeof(thumbprint) };
	e.has_iat = true;
	e.iat = q->now_s;
	e.keys = q->keys;
	device_claims(s, &e);
	if (pst_eat_check_claims(&e) != PST_OK)
		return PST_ERR_ARG;
	err = sign(s, &e, out, cap, scratch, len);
	if (err == PST_OK)
		*format = PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT);
	return err;
}

void
pst_eat_attester_init(struct pst_attester *out, struct pst_eat_attester *s)
{
	out->ctx = s;
	out->evidence = evidence;
}
