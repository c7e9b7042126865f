/*
 * EAT Attestation Results. Names with a dot are Veraison's and those of the
 * drafts until 2025, names with an underscore of the newest; both are read.
 */
#include "ear.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SUBMODS_MAX 16

/* Labels of the CBOR form. */
enum {
	EAR_STATUS = 1000,
	EAR_VECTOR = 1001,
	EAR_VERIFIER = 1004,
	EAT_SUBMODS = 266
};

static const char *const claim_names[PST_EAR_CLAIMS] = { "instance-identity",
	"configuration", "executables", "file-system", "hardware",
	"runtime-opaque", "storage-opaque", "sourced-data" };

enum pst_ear_tier
pst_ear_tier_of(int8_t value)
{
	if (value >= -1 && value <= 1)
		return PST_EAR_NONE;
	if ((value >= 2 && value <= 31) || (value >= -32 && value <= -2))
		return PST_EAR_AFFIRMING;
	if ((value >= 32 && value <= 95) || (value >= -96 && value <= -33))
		return PST_EAR_WARNING;
	return PST_EAR_CONTRAINDICATED;
}

const char *
pst_ear_claim_name(enum pst_ear_claim claim)
{
	return claim_names[claim];
}

const char *
pst_ear_tier_name(enum pst_ear_tier tier)
{
	switch (tier) {
	case PST_EAR_AFFIRMING:
		return "affirming";
	case PST_EAR_WARNING:
		return "warning";
	case PST_EAR_CONTRAINDICATED:
		return "contraindicated";
	default:
		return "none";
	}
}

/* --- out of an appraisal ---------------------------------------------------
 */

/* A check that passes says nothing of the claim. */
#define SAYS_NOTHING 0

/* What a check of this name says, the worst of several. */
struct meaning {
	const char *check;
	enum pst_ear_claim claim;
	int8_t good, bad; /* AR4SI's values; SAYS_NOTHING: none */
};

static const struct meaning meanings[] = {
	{ "signature", PST_EAR_INSTANCE_IDENTITY, 2, 99 },
	{ "certificate", PST_EAR_INSTANCE_IDENTITY, 2, 97 },
	{ "chip", PST_EAR_INSTANCE_IDENTITY, 2, 97 },
	{ "binding", PST_EAR_INSTANCE_IDENTITY, 2, 96 },
	{ "realm-key", PST_EAR_INSTANCE_IDENTITY, 2, 96 },
	{ "quoting-key", PST_EAR_HARDWARE, 2, 97 },
	{ "qe-identity", PST_EAR_HARDWARE, 2, 97 },
	{ "tcb", PST_EAR_HARDWARE, 2, 32 },
	{ "tcb-level", PST_EAR_HARDWARE, 2, 32 },
	{ "platform", PST_EAR_HARDWARE, 2, 97 },
	{ "debug", PST_EAR_CONFIGURATION, 2, 96 },
	{ "reference", PST_EAR_EXECUTABLES, 3, 33 },
	{ "reference-values", PST_EAR_EXECUTABLES, 3, 33 },
	{ "pcrs", PST_EAR_EXECUTABLES, SAYS_NOTHING, 96 },
	{ "log", PST_EAR_EXECUTABLES, SAYS_NOTHING, 96 },
};

/* Values below zero are as bad as their tier, not better than all. */
static bool
is_worse(int8_t value, int8_t than)
{
	enum pst_ear_tier a = pst_ear_tier_of(value), b = pst_ear_tier_of(than);

	return a != b ? a > b : value > than;
}

static void
say(struct pst_ear *out, enum pst_ear_claim claim, int8_t value)
{
	if (out->has[claim] && !is_worse(value, out->vector[claim]))
		return;
	out->has[claim] = true;
	out->vector[claim] = value;
}

static void
worst(struct pst_ear *out)
{
	size_t i;

	for (i = 0; i < PST_EAR_CLAIMS; i++) {
		enum pst_ear_tier tier = pst_ear_tier_of(out->vector[i]);

		if (out->has[i] && tier > out->status)
			out->status = tier;
	}
}

void
pst_ear_of(const struct pst_appraisal *a, struct pst_ear *out)
{
	size_t i, k;

	memset(out, 0, sizeof(*out));
	out->submods = 1;
	for (i = 0; i < a->check_count; i++) {
		const struct pst_appraisal_check *c = &a->checks[i];

		for (k = 0; k < sizeof(meanings) / sizeof(meanings[0]); k++) {
			int8_t value = c->err == PST_OK ? meanings[k].good
							: meanings[k].bad;

			if (value != SAYS_NOTHING &&
			    strcmp(c->what, meanings[k].check) == 0)
				say(out, meanings[k].claim, value);
		}
	}
	worst(out);
	/* Whatever it was that was wrong, this is no affirmation. */
	if (!a->accepted && out->status < PST_EAR_CONTRAINDICATED)
		out->status = PST_EAR_CONTRAINDICATED;
}

/* --- base64url (RFC 7515, Section 2) -----------------------------------------
 */

static size_t
encode64(struct pst_bytes in, char *out)
{
	size_t i,
	    n = (size_t)EVP_EncodeBlock(
		(unsigned char *)out, in.ptr, (int)in.len);

	while (n > 0 && out[n - 1] == '=')
		n--;
	for (i = 0; i < n; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return n;
}

static int
digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	/* Veraison's padded form of nonces has the other alphabet. */
	if (c == '-' || c == '+')
		return 62;
	return c == '_' || c == '/' ? 63 : -1;
}

/* out has room for in.len bytes. */
static bool
decode64(struct pst_bytes in, uint8_t *out, size_t *len)
{
	uint32_t bits = 0;
	size_t i, held = 0;

	while (in.len > 0 && in.ptr[in.len - 1] == '=')
		in.len--;
	*len = 0;
	for (i = 0; i < in.len; i++) {
		int d = digit(in.ptr[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (uint32_t)d;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[(*len)++] = (uint8_t)(bits >> held);
		}
	}
	/* What is left over is no whole byte, and zero. */
	return held < 6 && (bits & ((1u << held) - 1)) == 0;
}

/* --- JWT ---------------------------------------------------------------------
 */

static const char *
jws_name(int32_t alg)
{
	switch (alg) {
	case PST_ALG_ES256:
	case PST_ALG_ESP256:
		return "ES256";
	case PST_ALG_ES384:
		return "ES384";
	case PST_ALG_ES512:
		return "ES512";
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
		return "EdDSA";
	default:
		return NULL;
	}
}

static json_t *
submod(const struct pst_ear *ear)
{
	json_t *vector = json_object();
	size_t i;

	for (i = 0; i < PST_EAR_CLAIMS; i++)
		if (ear->has[i])
			json_object_set_new(vector, claim_names[i],
			    json_integer(ear->vector[i]));
	return json_pack("{s:s, s:o}", "ear.status",
	    pst_ear_tier_name(ear->status), "ear.trustworthiness-vector",
	    vector);
}

static char *
claims_json(const struct pst_ear *ear, const struct pst_ear_args *args)
{
	char nonce[2 * PST_EAT_NONCE_MAX], ueid[2 * PST_EAT_UEID_MAX];
	json_t *root;
	char *text;
	size_t n;

	root = json_pack("{s:s, s:I, s:{s:s, s:s}, s:{s:o}}", "eat_profile",
	    PST_EAR_PROFILE, "iat", (json_int_t)ear->iat, "ear.verifier-id",
	    "developer", args->developer, "build", args->build, "submods",
	    args->submod, submod(ear));
	if (root == NULL)
		return NULL;
	if (ear->has_exp)
		json_object_set_new(
		    root, "exp", json_integer((json_int_t)ear->exp));
	if (ear->nonce_len > 0) {
		n = encode64(
		    (struct pst_bytes){ ear->nonce, ear->nonce_len }, nonce);
		json_object_set_new(root, "eat_nonce", json_stringn(nonce, n));
	}
	if (args->ueid.len > 0 && args->ueid.len <= PST_EAT_UEID_MAX)
		json_object_set_new(root, "ueid",
		    json_stringn(ueid, encode64(args->ueid, ueid)));
	text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text;
}

enum pst_err
pst_ear_write_jwt(const struct pst_ear *ear, const struct pst_ear_args *args,
    char *out, size_t cap, size_t *len)
{
	const struct pst_crypto *c = args->crypto;
	const char *alg = jws_name(args->signer->alg);
	char *text = claims_json(ear, args);
	uint8_t sig[PST_SIGNATURE_MAX];
	struct pst_bytes all = { (const uint8_t *)out, 0 };
	size_t n, sig_len = 0;
	char header[64];
	enum pst_err err = PST_ERR_SPACE;
	int h;

	*len = 0;
	if (text == NULL || alg == NULL) {
		free(text);
		return alg == NULL ? PST_ERR_COSE_ALG : PST_ERR_LIMIT;
	}
	h = snprintf(
	    header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\"}", alg);
	n = strlen(text);
	if (cap >= 4 * (n + sizeof(header) + sizeof(sig)) / 3 + 16) {
		all.len = encode64(
		    (struct pst_bytes){ (const uint8_t *)header, (size_t)h },
		    out);
		out[all.len++] = '.';
		all.len +=
		    encode64((struct pst_bytes){ (const uint8_t *)text, n },
			out + all.len);
		err = c->sign(c->ctx, args->signer->key, args->signer->alg,
		    &all, 1, sig, &sig_len);
	}
	free(text);
	if (err != PST_OK)
		return err;
	out[all.len++] = '.';
	*len = all.len +
	    encode64((struct pst_bytes){ sig, sig_len }, out + all.len);
	return PST_OK;
}

/* --- reading JSON
 * -------------------------------------------------------------- */

static const json_t *
either(const json_t *map, const char *dotted, const char *newer)
{
	const json_t *j = json_object_get(map, dotted);

	return j != NULL ? j : json_object_get(map, newer);
}

static bool
tier_json(const json_t *j, enum pst_ear_tier *out)
{
	static const enum pst_ear_tier tiers[] = { PST_EAR_NONE,
		PST_EAR_AFFIRMING, PST_EAR_WARNING, PST_EAR_CONTRAINDICATED };
	const char *s = json_string_value(j);
	size_t i;

	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (s != NULL ? strcmp(s, pst_ear_tier_name(tiers[i])) == 0
			      : json_is_integer(j) &&
			    json_integer_value(j) == (json_int_t)tiers[i]) {
			*out = tiers[i];
			return true;
		}
	}
	return false;
}

static bool
vector_json(const json_t *map, struct pst_ear *out)
{
	const json_t *v;
	const char *name;
	size_t i;

	if (map == NULL)
		return true;
	if (!json_is_object(map))
		return false;
	for (void *it = json_object_iter((json_t *)(uintptr_t)map); it != NULL;
	     it = json_object_iter_next((json_t *)(uintptr_t)map, it)) {
		name = json_object_iter_key(it);
		v = json_object_iter_value(it);
		for (i = 0; i < PST_EAR_CLAIMS; i++)
			if (strcmp(name, claim_names[i]) == 0)
				break;
		if (i == PST_EAR_CLAIMS || !json_is_integer(v) ||
		    json_integer_value(v) < INT8_MIN ||
		    json_integer_value(v) > INT8_MAX)
			return false;
		say(out, (enum pst_ear_claim)i, (int8_t)json_integer_value(v));
	}
	return true;
}

static enum pst_err
submods_json(const json_t *map, struct pst_ear *out)
{
	enum pst_ear_tier tier;
	json_t *m = (json_t *)(uintptr_t)map;
	void *it;

	if (!json_is_object(map) || json_object_size(map) == 0 ||
	    json_object_size(map) > SUBMODS_MAX)
		return PST_ERR_EAT_CLAIM;
	for (it = json_object_iter(m); it != NULL;
	     it = json_object_iter_next(m, it)) {
		const json_t *one = json_object_iter_value(it);

		if (!tier_json(
			either(one, "ear.status", "ear_status"), &tier) ||
		    !vector_json(either(one, "ear.trustworthiness-vector",
				     "ear_trustworthiness_vector"),
			out))
			return PST_ERR_EAT_CLAIM;
		/* One that was not appraised spoils the whole as well. */
		if (tier == PST_EAR_NONE)
			tier = PST_EAR_CONTRAINDICATED;
		if (tier > out->status)
			out->status = tier;
		out->submods++;
	}
	worst(out);
	return PST_OK;
}

static bool
time_json(const json_t *map, const char *name, bool *has, uint64_t *out)
{
	const json_t *j = json_object_get(map, name);

	*has = j != NULL;
	if (j == NULL)
		return true;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = (uint64_t)json_integer_value(j);
	return true;
}

static bool
nonce_json(const json_t *j, struct pst_ear *out)
{
	const char *s = json_string_value(j);
	size_t n = s != NULL ? strlen(s) : 0;
	uint8_t bytes[4 * PST_EAT_NONCE_MAX];

	if (j == NULL)
		return true;
	if (n == 0 || n > sizeof(bytes) ||
	    !decode64((struct pst_bytes){ (const uint8_t *)s, n }, bytes, &n) ||
	    n < PST_EAT_NONCE_MIN || n > PST_EAT_NONCE_MAX)
		return false;
	memcpy(out->nonce, bytes, n);
	out->nonce_len = n;
	return true;
}

static bool
profile_is(struct pst_bytes profile)
{
	return pst_equal(profile, PST_BYTES_LIT(PST_EAR_PROFILE)) ||
	    pst_equal(profile, PST_BYTES_LIT(PST_EAR_PROFILE_DRAFT));
}

static enum pst_err
claims_of(const json_t *root, struct pst_ear *out)
{
	const char *p = json_string_value(json_object_get(root, "eat_profile"));

	if (p == NULL ||
	    !profile_is((struct pst_bytes){ (const uint8_t *)p, strlen(p) }))
		return PST_ERR_EAT_PROFILE;
	if (!time_json(root, "iat", &out->has_iat, &out->iat) ||
	    !time_json(root, "exp", &out->has_exp, &out->exp) ||
	    !nonce_json(json_object_get(root, "eat_nonce"), out))
		return PST_ERR_EAT_CLAIM;
	return submods_json(json_object_get(root, "submods"), out);
}

/* One of the three parts of a JWT, off the front. */
static bool
part(struct pst_bytes *in, bool last, struct pst_bytes *out)
{
	const uint8_t *dot = memchr(in->ptr, '.', in->len);

	if ((dot == NULL) != last)
		return false;
	out->ptr = in->ptr;
	out->len = dot != NULL ? (size_t)(dot - in->ptr) : in->len;
	in->ptr += out->len + (dot != NULL);
	in->len -= out->len + (dot != NULL);
	return out->len > 0;
}

static json_t *
object64(struct pst_bytes in)
{
	uint8_t *bytes = malloc(in.len + 1);
	json_t *j = NULL;
	size_t n = 0;

	if (bytes != NULL && decode64(in, bytes, &n))
		j = json_loadb(
		    (const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
	free(bytes);
	if (!json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* The header names the algorithm; the key decides which it may be. */
static enum pst_err
header_alg(struct pst_bytes header, const struct pst_pubkey *key, int32_t *alg)
{
	static const int32_t algs[] = { PST_ALG_ES256, PST_ALG_ES384,
		PST_ALG_ES512, PST_ALG_EDDSA };
	json_t *j = object64(header);
	const char *name = json_string_value(json_object_get(j, "alg"));
	enum pst_err err = j != NULL ? PST_ERR_COSE_ALG : PST_ERR_EAT_CLAIM;
	size_t i;

	if (json_object_get(j, "crit") != NULL)
		name = NULL;
	for (i = 0; name != NULL && i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (strcmp(name, jws_name(algs[i])) != 0 ||
		    !pst_alg_fits(key, algs[i]))
			continue;
		*alg = algs[i];
		err = PST_OK;
	}
	json_decref(j);
	return err;
}

enum pst_err
pst_ear_read_jwt(const struct pst_crypto *crypto, const struct pst_pubkey *key,
    struct pst_bytes jwt, struct pst_ear *out)
{
	struct pst_bytes header, payload, signature, rest = jwt, covered;
	uint8_t sig[PST_SIGNATURE_MAX + 3];
	int32_t alg = 0;
	size_t sig_len;
	json_t *root;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	if (jwt.len == 0 || jwt.len > PST_EAR_TOKEN_MAX ||
	    !part(&rest, false, &header) || !part(&rest, false, &payload) ||
	    !part(&rest, true, &signature) ||
	    signature.len > 4 * PST_SIGNATURE_MAX / 3 + 3 ||
	    !decode64(signature, sig, &sig_len))
		return PST_ERR_EAT_CLAIM;
	err = header_alg(header, key, &alg);
	if (err != PST_OK)
		return err;
	covered.ptr = jwt.ptr;
	covered.len = (size_t)(payload.ptr + payload.len - jwt.ptr);
	err = crypto->verify(crypto->ctx, key, alg, &covered, 1,
	    (struct pst_bytes){ sig, sig_len });
	if (err != PST_OK)
		return err;
	root = object64(payload);
	err = root != NULL ? claims_of(root, out) : PST_ERR_EAT_CLAIM;
	json_decref(root);
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

/* --- CWT
 * ------------------------------------------------------------------------ */

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static void
put_submod(struct pst_cbor_writer *w, const struct pst_ear *ear)
{
	size_t i, n = 0;

	for (i = 0; i < PST_EAR_CLAIMS; i++)
		n += ear->has[i];
	pst_cbor_put_map(w, 1 + (n > 0));
	pst_cbor_put_uint(w, EAR_STATUS);
	pst_cbor_put_uint(w, (uint64_t)ear->status);
	if (n == 0)
		return;
	pst_cbor_put_uint(w, EAR_VECTOR);
	pst_cbor_put_map(w, n);
	for (i = 0; i < PST_EAR_CLAIMS; i++) {
		if (!ear->has[i])
			continue;
		pst_cbor_put_uint(w, i);
		pst_cbor_put_int(w, ear->vector[i]);
	}
}

static void
put_claims(struct pst_cbor_writer *w, const struct pst_ear *ear,
    const struct pst_ear_args *args)
{
	pst_cbor_put_map(w,
	    4 + (size_t)ear->has_exp + (ear->nonce_len > 0) +
		(args->ueid.len > 0));
	if (ear->has_exp) {
		pst_cbor_put_uint(w, PST_CWT_EXP);
		pst_cbor_put_uint(w, ear->exp);
	}
	pst_cbor_put_uint(w, PST_CWT_IAT);
	pst_cbor_put_uint(w, ear->iat);
	if (ear->nonce_len > 0) {
		pst_cbor_put_uint(w, PST_EAT_NONCE);
		pst_cbor_put_bstr(
		    w, (struct pst_bytes){ ear->nonce, ear->nonce_len });
	}
	if (args->ueid.len > 0) {
		pst_cbor_put_uint(w, PST_EAT_UEID);
		pst_cbor_put_bstr(w, args->ueid);
	}
	pst_cbor_put_uint(w, PST_EAT_PROFILE);
	pst_cbor_put_tstr(w, PST_BYTES_LIT(PST_EAR_PROFILE_DRAFT));
	pst_cbor_put_uint(w, EAT_SUBMODS);
	pst_cbor_put_map(w, 1);
	pst_cbor_put_tstr(w, text(args->submod));
	put_submod(w, ear);
	pst_cbor_put_uint(w, EAR_VERIFIER);
	pst_cbor_put_map(w, 2);
	pst_cbor_put_uint(w, 0);
	pst_cbor_put_tstr(w, text(args->developer));
	pst_cbor_put_uint(w, 1);
	pst_cbor_put_tstr(w, text(args->build));
}

enum pst_err
pst_ear_write_cwt(const struct pst_ear *ear, const struct pst_ear_args *args,
    uint8_t *out, size_t cap, size_t *len)
{
	struct pst_cose_sign_args sign = { .signers = args->signer,
		.count = 1 };
	uint8_t claims[1024];
	struct pst_cbor_writer w;
	enum pst_err err;

	*len = 0;
	pst_cbor_writer_init(&w, claims, sizeof(claims));
	put_claims(&w, ear, args);
	if (w.err != PST_OK)
		return w.err;
	sign.payload = pst_cbor_written(&w);
	pst_cbor_writer_init(&w, out, cap);
	err = pst_cose_sign1(&w, args->crypto, &sign);
	if (err == PST_OK)
		*len = w.len;
	return err;
}

static void
vector_cbor(struct pst_cbor_reader *r, struct pst_ear *out)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PST_EAR_CLAIMS, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t claim = pst_cbor_key(r, &seen);

		if (claim < 0 || claim >= PST_EAR_CLAIMS)
			pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
		else
			say(out, (enum pst_ear_claim)claim,
			    (int8_t)pst_cbor_int(r, INT8_MIN, INT8_MAX));
	}
}

static void
submod_cbor(struct pst_cbor_reader *r, struct pst_ear *out)
{
	enum pst_ear_tier tier = PST_EAR_CONTRAINDICATED;
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, SUBMODS_MAX, &seen);
	uint64_t status;
	bool has = false;

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case EAR_STATUS:
			status = pst_cbor_uint(r, PST_EAR_CONTRAINDICATED);
			has = status == PST_EAR_NONE ||
			    status == PST_EAR_AFFIRMING ||
			    status == PST_EAR_WARNING ||
			    status == PST_EAR_CONTRAINDICATED;
			if (status != PST_EAR_NONE)
				tier = (enum pst_ear_tier)status;
			break;
		case EAR_VECTOR:
			vector_cbor(r, out);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
	if (!has)
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	if (tier > out->status)
		out->status = tier;
	out->submods++;
}

static void
submods_cbor(struct pst_cbor_reader *r, struct pst_ear *out)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, SUBMODS_MAX, &seen);

	if (n == 0)
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
	while (n-- > 0 && pst_cbor_ok(r)) {
		(void)pst_cbor_key(r, &seen);
		submod_cbor(r, out);
	}
}

static enum pst_err
claims_cbor(struct pst_bytes in, struct pst_ear *out)
{
	struct pst_bytes profile = { NULL, 0 }, nonce;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, PST_EAT_CLAIMS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case PST_EAT_PROFILE:
			profile = pst_cbor_tstr(&r, 1, 256);
			break;
		case PST_CWT_IAT:
			out->iat = pst_cbor_uint(&r, INT64_MAX);
			out->has_iat = true;
			break;
		case PST_CWT_EXP:
			out->exp = pst_cbor_uint(&r, INT64_MAX);
			out->has_exp = true;
			break;
		case PST_EAT_NONCE:
			nonce = pst_cbor_bstr(
			    &r, PST_EAT_NONCE_MIN, PST_EAT_NONCE_MAX);
			if (pst_cbor_ok(&r))
				memcpy(out->nonce, nonce.ptr, nonce.len);
			out->nonce_len = nonce.len;
			break;
		case EAT_SUBMODS:
			submods_cbor(&r, out);
			break;
		default:
			pst_cbor_skip(&r);
		}
	}
	if (pst_cbor_end(&r) != PST_OK || out->submods == 0)
		return PST_ERR_EAT_CLAIM;
	worst(out);
	return profile_is(profile) ? PST_OK : PST_ERR_EAT_PROFILE;
}

enum pst_err
pst_ear_read_cwt(const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_bytes cwt, struct pst_ear *out)
{
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	err = pst_cose_parse(cwt, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && msg.kind != PST_TAG_SIGN1)
		err = PST_ERR_COSE_STRUCTURE;
	if (err == PST_OK)
		err = pst_cose_verify(&msg, crypto, keys, no_aad, &verified);
	if (err == PST_OK)
		err = claims_cbor(verified.payload, out);
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

/* --- what a relying party asks
 * --------------------------------------------------- */

enum pst_err
pst_ear_check(const struct pst_ear *ear, struct pst_bytes nonce, uint64_t now_s,
    uint64_t skew_s, uint64_t max_age_s)
{
	struct pst_bytes has = { ear->nonce, ear->nonce_len };

	if (nonce.len > 0 && !pst_equal(has, nonce))
		return PST_ERR_EAT_NONCE;
	if (!ear->has_iat || ear->iat > now_s + skew_s ||
	    (now_s > ear->iat && now_s - ear->iat > max_age_s) ||
	    (ear->has_exp && now_s > ear->exp + skew_s))
		return PST_ERR_EAT_EXPIRED;
	return ear->status == PST_EAR_AFFIRMING ? PST_OK : PST_ERR_EAT_REFUSED;
}
