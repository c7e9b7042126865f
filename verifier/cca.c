/*
 * Arm CCA attestation tokens (Arm CCA Security Model; RMM specification,
 * draft-ffm-rats-cca-token): a platform token by the CPAK, which is enrolled,
 * and a realm token by the RAK, which the realm token carries and the
 * platform token binds: its nonce is the hash of the RAK's bytes.
 *
 * Three forms are in use: tag 399 around two byte strings, and tag 907 (CMW)
 * around two records of a content format and a byte string.
 */
#include <string.h>

#include "policy.h"
#include "token.h"

#define TAG_CCA 399
#define TAG_CMW 907
#define CF_EAT_CWT 263

enum { LABEL_PLATFORM = 44234, LABEL_REALM = 44241 };

/* A point on P-384, not compressed. */
#define RAK_POINT_LEN 97

enum {
	P_PROFILE,
	P_NONCE,
	P_IMPLEMENTATION,
	P_INSTANCE,
	P_CONFIGURATION,
	P_LIFE_CYCLE,
	P_HASH,
	P_SOFTWARE,
	P_SERVICE,
	P_ROWS
};
static const struct pst_token_claim platform[P_ROWS] = {
	[P_PROFILE] = { 265, "platform-profile", PST_CLAIM_TEXT, true, 1, 128 },
	[P_NONCE] = { 10, "platform-nonce", PST_CLAIM_BYTES, true, 32, 64 },
	[P_IMPLEMENTATION] = { 2396, "implementation-id", PST_CLAIM_BYTES, true,
	    32, 32 },
	[P_INSTANCE] = { 256, "instance-id", PST_CLAIM_BYTES, true, 33, 33 },
	[P_CONFIGURATION] = { 2401, "configuration", PST_CLAIM_BYTES, true, 1,
	    1024 },
	[P_LIFE_CYCLE] = { 2395, "life-cycle", PST_CLAIM_UINT, true, 0, 0 },
	[P_HASH] = { 2402, "platform-hash", PST_CLAIM_TEXT, true, 1, 16 },
	[P_SOFTWARE] = { 2399, NULL, PST_CLAIM_BYTES, true, 0, 0 },
	[P_SERVICE] = { 2400, "verification-service", PST_CLAIM_TEXT, false, 1,
	    256 },
};

enum { R_CHALLENGE, R_RPV, R_HASH, R_RAK, R_RIM, R_REM, R_RAK_HASH, R_ROWS };
static const struct pst_token_claim realm[R_ROWS] = {
	[R_CHALLENGE] = { 10, "realm-challenge", PST_CLAIM_BYTES, true, 64,
	    64 },
	[R_RPV] = { 44235, "personalization", PST_CLAIM_BYTES, true, 64, 64 },
	[R_HASH] = { 44236, "realm-hash", PST_CLAIM_TEXT, true, 1, 16 },
	[R_RAK] = { 44237, "realm-key", PST_CLAIM_BYTES, true, 32, 256 },
	[R_RIM] = { 44238, "initial-measurement", PST_CLAIM_BYTES, true, 32,
	    64 },
	[R_REM] = { 44239, NULL, PST_CLAIM_BYTES, true, 0, 0 },
	[R_RAK_HASH] = { 44240, "realm-key-hash", PST_CLAIM_TEXT, true, 1, 16 },
};

struct tokens {
	struct pst_bytes platform, realm;
};

static bool
is(struct pst_bytes text, const char *what)
{
	return pst_equal(
	    text, (struct pst_bytes){ (const uint8_t *)what, strlen(what) });
}

/* One of the two: a byte string, or in a CMW record. */
static struct pst_bytes
record(struct pst_cbor_reader *r, bool cmw)
{
	if (cmw) {
		(void)pst_cbor_array(r, 2, 2);
		if (pst_cbor_uint(r, UINT64_MAX) != CF_EAT_CWT)
			pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	}
	return pst_cbor_bstr(r, 1, SIZE_MAX);
}

static enum pst_err
split(struct pst_bytes in, struct tokens *t)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	uint64_t tag;
	size_t n;

	memset(t, 0, sizeof(*t));
	pst_cbor_reader_init(&r, in);
	tag = pst_cbor_tag(&r);
	if (tag != TAG_CCA && tag != TAG_CMW)
		return PST_ERR_EAT_CLAIM;
	n = pst_cbor_map(&r, 3, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case LABEL_PLATFORM:
			t->platform = record(&r, tag == TAG_CMW);
			break;
		case LABEL_REALM:
			t->realm = record(&r, tag == TAG_CMW);
			break;
		default:
			/* "__cmwc_t" of a collection */
			if (!pst_equal(seen.key, PST_BYTES_LIT("\x68__cmwc_t")))
				pst_cbor_fail(&r, PST_ERR_EAT_CLAIM);
			pst_cbor_skip(&r);
		}
	}
	if (pst_cbor_end(&r) != PST_OK || t->platform.len == 0 ||
	    t->realm.len == 0)
		return PST_ERR_EAT_CLAIM;
	return PST_OK;
}

static enum pst_err
realm_key(struct pst_bytes rak, struct pst_pubkey *key)
{
	enum pst_err err;

	if (rak.len == RAK_POINT_LEN && rak.ptr[0] == 4) {
		memset(key, 0, sizeof(*key));
		key->kty = PST_KTY_EC2;
		key->crv = PST_CRV_P384;
		key->coord_len = 48;
		memcpy(key->x, rak.ptr + 1, 48);
		memcpy(key->y, rak.ptr + 49, 48);
		return PST_OK;
	}
	err = pst_cose_key_decode(rak, key, NULL, NULL);
	if (err == PST_OK &&
	    (key->kty != PST_KTY_EC2 || key->crv != PST_CRV_P384))
		err = PST_ERR_COSE_KEY_FORMAT;
	return err;
}

static enum pst_err
one_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	memcpy(key, ctx, sizeof(*key));
	return PST_OK;
}

/* The realm token holds the key that it is signed by; whose key that is, the
 * platform token says. */
static enum pst_err
open_realm(const struct pst_verifier *v, struct pst_bytes token,
    struct pst_token_value *values)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	struct pst_pubkey key;
	struct pst_keys keys = { .ctx = &key, .find = one_key };
	enum pst_err err;

	err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		err = pst_token_read(msg.payload, realm, R_ROWS, values);
	if (err == PST_OK)
		err = realm_key(values[R_RAK].bytes, &key);
	if (err == PST_OK)
		err = pst_cose_verify(&msg, v->crypto, &keys, none, &verified);
	return err;
}

static int32_t
hash_alg(struct pst_bytes name)
{
	if (is(name, "sha-256"))
		return PST_ALG_SHA256;
	if (is(name, "sha-384"))
		return PST_ALG_SHA384;
	return is(name, "sha-512") ? PST_ALG_SHA512 : PST_ALG_NONE;
}

static enum pst_err
check_tie(const struct pst_verifier *v, const struct pst_token_value *p,
    const struct pst_token_value *r)
{
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 };
	int32_t alg = hash_alg(r[R_RAK_HASH].bytes);
	enum pst_err err;

	if (alg == PST_ALG_NONE)
		return PST_ERR_COSE_ALG;
	err = v->crypto->digest(
	    v->crypto->ctx, alg, &r[R_RAK].bytes, 1, digest, &got.len);
	if (err == PST_OK && !pst_equal(got, p[P_NONCE].bytes))
		err = PST_ERR_EAT_BINDING;
	return err;
}

/* Four measurements that the realm may extend. */
static enum pst_err
extensible(struct pst_appraisal *out, struct pst_bytes list)
{
	static const char *const names[4] = { "extended-measurement-0",
		"extended-measurement-1", "extended-measurement-2",
		"extended-measurement-3" };
	struct pst_cbor_reader r;
	size_t i;

	pst_cbor_reader_init(&r, list);
	(void)pst_cbor_array(&r, 4, 4);
	for (i = 0; i < 4 && pst_cbor_ok(&r); i++)
		pst_claim_bytes(out, names[i], pst_cbor_bstr(&r, 32, 64));
	return pst_cbor_end(&r) == PST_OK ? PST_OK : PST_ERR_EAT_CLAIM;
}

static bool
known_profile(struct pst_bytes profile)
{
	return is(profile, "http://arm.com/CCA-SSD/1.0.0") ||
	    is(profile, "tag:arm.com,2023:cca_platform#1.0.0");
}

static enum pst_err
open_platform(const struct pst_verifier *v, struct pst_bytes token,
    struct pst_token_value *values, struct pst_appraisal *out)
{
	struct pst_bytes name = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	enum pst_err err;

	/* Only a name to look for the key that then must verify. */
	if (pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL) == PST_OK &&
	    pst_token_read(msg.payload, platform, P_ROWS, values) == PST_OK)
		name = values[P_INSTANCE].bytes;
	err = pst_token_verify(v, token, name, &verified);
	pst_appraisal_note(out, "signature", err, "platform token");
	if (err != PST_OK)
		return err;
	out->key = verified.key;
	out->who = verified.who;
	err = pst_token_read(verified.payload, platform, P_ROWS, values);
	if (err == PST_OK && !known_profile(values[P_PROFILE].bytes))
		err = PST_ERR_EAT_PROFILE;
	if (err == PST_OK)
		err = pst_token_software(out, values[P_SOFTWARE].item);
	pst_appraisal_note(out, "claims", err, "platform token");
	return err;
}

static void
open_token(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	struct pst_token_value p[P_ROWS], r[R_ROWS];
	struct tokens t;
	enum pst_err err = split(in->payload, &t);

	(void)now_s;
	pst_appraisal_add(out, "format", err);
	if (err != PST_OK)
		return;
	err = open_platform(v, t.platform, p, out);
	if (err != PST_OK)
		return;
	err = open_realm(v, t.realm, r);
	pst_appraisal_note(out, "signature", err, "realm token");
	if (err != PST_OK)
		return;
	pst_appraisal_note(out, "realm-key", check_tie(v, p, r),
	    "the platform's nonce is the hash of the realm's key");
	pst_token_claims(out, platform, P_ROWS, p);
	pst_token_claims(out, realm, R_ROWS, r);
	pst_appraisal_note(
	    out, "claims", extensible(out, r[R_REM].item), "realm token");
	out->claims.ueid = p[P_INSTANCE].bytes;
	out->debug = !pst_token_secured(p[P_LIFE_CYCLE].n);
	pst_native_user_data(v, in, r[R_CHALLENGE].bytes, out);
}

static enum pst_err
say_part(struct pst_bytes token, const struct pst_token_claim *table, size_t n,
    struct pst_token_value *values)
{
	struct pst_cose_message msg;
	enum pst_err err = pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL);

	if (err == PST_OK)
		err = pst_token_read(msg.payload, table, n, values);
	return err;
}

static enum pst_err
say(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_said *out)
{
	struct pst_token_value p[P_ROWS], r[R_ROWS];
	struct tokens t;
	enum pst_err err = split(in->payload, &t);

	(void)crypto;
	if (err == PST_OK)
		err = say_part(t.platform, platform, P_ROWS, p);
	if (err == PST_OK)
		err = say_part(t.realm, realm, R_ROWS, r);
	if (err != PST_OK)
		return err;
	out->nonce = r[R_CHALLENGE].bytes;
	out->identity = p[P_INSTANCE].bytes;
	return PST_OK;
}

static const char *const formats[] = {
	"application/eat-collection; profile=\"http://arm.com/CCA-SSD/1.0.0\"",
	"application/eat+cwt; "
	"eat_profile=\"tag:arm.com,2023:cca_platform#1.0.0\"",
	"application/cmw+cbor", NULL
};

const struct pst_technology pst_technology_cca = { "cca", formats, false,
	open_token, pst_native_judge, say };
