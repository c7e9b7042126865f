/*
 * The claim with a device's other keys, and the token that carries it where
 * the Evidence is no EAT.
 */
#include <postern/eat.h>
#include <postern/eat_keys.h>

#include "../pst_internal.h"

enum {
	KEY_ENCRYPTION = 1,
	KEY_REPORT = 2,
	KEYS_COUNT = 4 /* members of a map that is looked at */
};

void
pst_eat_keys_encode(struct pst_cbor_writer *w, const struct pst_eat_keys *keys)
{
	const struct pst_bytes no_kid = { NULL, 0 };
	bool encryption = keys->encryption.kty != 0;
	bool report = keys->report.kty != 0;

	pst_cbor_put_map(w, (size_t)encryption + (size_t)report);
	if (encryption) {
		pst_cbor_put_uint(w, KEY_ENCRYPTION);
		pst_cose_key_encode(w, &keys->encryption, no_kid);
	}
	if (report) {
		pst_cbor_put_uint(w, KEY_REPORT);
		pst_cose_key_encode(w, &keys->report, no_kid);
	}
}

static void
read_key(struct pst_cbor_reader *r, struct pst_pubkey *out)
{
	struct pst_bytes key = pst_cbor_item(r);

	if (pst_cbor_ok(r) &&
	    pst_cose_key_decode(key, out, NULL, NULL) != PST_OK)
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
}

enum pst_err
pst_eat_keys_decode(struct pst_bytes in, struct pst_eat_keys *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (in.len == 0)
		return PST_OK;
	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, KEYS_COUNT, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case KEY_ENCRYPTION:
			read_key(&r, &out->encryption);
			break;
		case KEY_REPORT:
			read_key(&r, &out->report);
			break;
		default:
			pst_cbor_skip(&r);
		}
	}
	if (pst_cbor_end(&r) == PST_OK &&
	    (out->encryption.kty == 0 || out->encryption.kty == PST_KTY_EC2))
		return PST_OK;
	memset(out, 0, sizeof(*out));
	return PST_ERR_EAT_CLAIM;
}

enum pst_err
pst_eat_keys_sign(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_signer *signer, struct pst_bytes keys)
{
	uint8_t claims[PST_EAT_KEYS_MAX + 128];
	struct pst_cose_sign_args args = { .signers = signer, .count = 1 };
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, claims, sizeof(claims));
	pst_cbor_put_map(&c, 2);
	pst_cbor_put_uint(&c, PST_EAT_PROFILE);
	pst_cbor_put_tstr(&c, PST_BYTES_LIT(PST_EAT_KEYS_PROFILE));
	pst_cbor_put_int(&c, PST_EAT_KEYS);
	pst_cbor_put_raw(&c, keys);
	if (c.err != PST_OK)
		return c.err;
	args.payload = pst_cbor_written(&c);
	return pst_cose_sign1(w, crypto, &args);
}

/* pst_keys.find: one key, whatever its name is. */
static enum pst_err
only_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = *(const struct pst_pubkey *)ctx;
	return PST_OK;
}

enum pst_err
pst_eat_keys_open(struct pst_bytes token, const struct pst_crypto *crypto,
    const struct pst_pubkey *key, struct pst_bytes *keys)
{
	struct pst_pubkey by = *key;
	const struct pst_keys source = { .ctx = &by, .find = only_key };
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	struct pst_eat e;
	enum pst_err err;

	*keys = (struct pst_bytes){ NULL, 0 };
	err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		err = pst_cose_verify(&msg, crypto, &source, no_aad, &verified);
	if (err == PST_OK)
		err = pst_eat_decode(&verified, &e, NULL);
	if (err == PST_OK &&
	    !pst_same(e.profile, PST_BYTES_LIT(PST_EAT_KEYS_PROFILE)))
		err = PST_ERR_EAT_PROFILE;
	if (err == PST_OK)
		*keys = e.keys;
	return err;
}
