/*
 * PSA attestation tokens (RFC 9783), in the three profiles that devices have:
 * the RFC's, psa/2.0.0 before it, and PSA_IOT_PROFILE_1 with its negative
 * labels. Signed, or under a MAC, by the device's Initial Attestation Key,
 * which is enrolled by its instance-id.
 *
 * The nonce is 64 bytes here: challenge and thumbprint (design.md, section 5).
 */
#include <string.h>

#include "policy.h"
#include "token.h"

enum {
	PROFILE,
	CLIENT,
	LIFE_CYCLE,
	IMPLEMENTATION,
	BOOT_SEED,
	CERTIFICATION,
	SOFTWARE,
	NO_SOFTWARE,
	NONCE,
	INSTANCE,
	SERVICE,
	ROWS
};

#define COMMON(profile, client, cycle, impl, seed, cert, soft, none, nonce, \
    instance, service) \
	{ \
		[PROFILE] = { profile, "profile", PST_CLAIM_TEXT, false, 1, \
			256 }, \
		[CLIENT] = { client, NULL, PST_CLAIM_UINT, true, 0, 0 }, \
		[LIFE_CYCLE] = { cycle, "life-cycle", PST_CLAIM_UINT, true, 0, \
			0 }, \
		[IMPLEMENTATION] = { impl, "implementation-id", \
			PST_CLAIM_BYTES, true, 32, 32 }, \
		[BOOT_SEED] = { seed, "boot-seed", PST_CLAIM_BYTES, false, 8, \
			32 }, \
		[CERTIFICATION] = { cert, "certification-reference", \
			PST_CLAIM_TEXT, false, 1, 64 }, \
		[SOFTWARE] = { soft, NULL, PST_CLAIM_BYTES, false, 0, 0 }, \
		[NO_SOFTWARE] = { none, "no-software", PST_CLAIM_UINT, false, \
			0, 0 }, \
		[NONCE] = { nonce, "nonce", PST_CLAIM_BYTES, true, 32, 64 }, \
		[INSTANCE] = { instance, "instance-id", PST_CLAIM_BYTES, true, \
			33, 33 }, \
		[SERVICE] = { service, "verification-service", PST_CLAIM_TEXT, \
			false, 1, 256 }, \
	}

/* No claim has this label: what a profile lacks. */
#define NO_LABEL INT64_MAX

static const struct profile {
	const char *name; /* NULL: PSA_IOT_PROFILE_1 */
	struct pst_token_claim table[ROWS];
} profiles[] = {
	{ "tag:psacertified.org,2023:psa#tfm",
	    COMMON(265, 2394, 2395, 2396, 268, 2398, 2399, NO_LABEL, 10, 256,
		2400) },
	{ "http://arm.com/psa/2.0.0",
	    COMMON(265, 2394, 2395, 2396, 2397, 2398, 2399, NO_LABEL, 10, 256,
		2400) },
	/* Its labels are nobody else's, so they tell it, whatever it calls
	 * itself. */
	{ NULL,
	    COMMON(-75000, -75001, -75002, -75003, -75004, -75005, -75006,
		-75007, -75008, -75009, -75010) },
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

/* The profile that a token says it has; NULL for one that is none here. */
static const struct profile *
profile_of(struct pst_bytes claims, struct pst_token_value *values)
{
	size_t i;

	for (i = 0; i < PROFILES; i++) {
		const char *name = profiles[i].name;
		struct pst_bytes said;

		if (pst_token_read(claims, profiles[i].table, ROWS, values) !=
		    PST_OK)
			continue;
		said = values[PROFILE].bytes;
		if (name == NULL ||
		    pst_equal(said,
			(struct pst_bytes){
			    (const uint8_t *)name, strlen(name) }))
			return &profiles[i];
	}
	return NULL;
}

/* The instance-id in a payload that is not verified: only a name to look for
 * the key that then must verify. */
static struct pst_bytes
instance_of(struct pst_bytes token)
{
	struct pst_token_value values[ROWS];
	struct pst_cose_message msg;

	if (pst_cose_parse(token, PST_TAG_SIGN1, &msg, NULL) != PST_OK ||
	    profile_of(msg.payload, values) == NULL)
		return (struct pst_bytes){ NULL, 0 };
	return values[INSTANCE].bytes;
}

static enum pst_err
check_software(struct pst_appraisal *out, const struct pst_token_value *values)
{
	if (values[SOFTWARE].there)
		return pst_token_software(out, values[SOFTWARE].item);
	/* Nothing was measured, and the token says so. */
	return values[NO_SOFTWARE].n == 1 ? PST_OK : PST_ERR_EAT_CLAIM;
}

static void
put_claims(const struct profile *p, const struct pst_token_value *values,
    struct pst_appraisal *out)
{
	pst_token_claims(out, p->table, ROWS, values);
	out->claims.nonce = values[NONCE].bytes;
	out->claims.ueid = values[INSTANCE].bytes;
	out->claims.profile = values[PROFILE].bytes;
	out->debug = !pst_token_secured(values[LIFE_CYCLE].n);
}

static void
open_token(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	struct pst_token_value values[ROWS];
	const struct profile *p = NULL;
	struct pst_verified verified;
	enum pst_err err;

	(void)now_s;
	err = pst_token_verify(
	    v, in->payload, instance_of(in->payload), &verified);
	pst_appraisal_add(out, "signature", err);
	if (err != PST_OK)
		return;
	out->key = verified.key;
	out->who = verified.who;
	p = profile_of(verified.payload, values);
	err = p != NULL ? check_software(out, values) : PST_ERR_EAT_CLAIM;
	pst_appraisal_add(out, "claims", err);
	if (err != PST_OK)
		return;
	put_claims(p, values, out);
	pst_native_user_data(v, in, values[NONCE].bytes, out);
}

static enum pst_err
say(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_said *out)
{
	struct pst_token_value values[ROWS];
	struct pst_cose_message msg;
	enum pst_err err;

	(void)crypto;
	err = pst_cose_parse(in->payload, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && profile_of(msg.payload, values) == NULL)
		err = PST_ERR_EAT_PROFILE;
	if (err != PST_OK)
		return err;
	out->nonce = values[NONCE].bytes;
	out->identity = values[INSTANCE].bytes;
	return PST_OK;
}

static const char *const formats[] = {
	"application/eat+cwt; "
	"eat_profile=\"tag:psacertified.org,2023:psa#tfm\"",
	"application/eat+cwt; "
	"eat_profile=\"tag:psacertified.org,2019:psa#legacy\"",
	"application/eat-cwt; profile=\"http://arm.com/psa/2.0.0\"",
	"application/eat+cwt; eat_profile=\"http://arm.com/psa/2.0.0\"",
	"application/psa-attestation-token", NULL
};

const struct pst_technology pst_technology_psa = { "psa", formats, false,
	open_token, pst_native_judge, say };
