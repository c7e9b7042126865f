/*
 * EAT Attestation Results (draft-ietf-rats-ear) with AR4SI's trustworthiness
 * vector (draft-ietf-rats-ar4si): what a Verifier tells other relying parties.
 * Written and read as a JWT and as a CWT.
 */
#ifndef POSTERN_EAR_H
#define POSTERN_EAR_H

#include "verifier.h"

/* What Veraison writes, and what the newest draft names. */
#define PST_EAR_PROFILE "tag:github.com,2023:veraison/ear"
#define PST_EAR_PROFILE_DRAFT "tag:ietf.org,2026:rats/ear#03"

#define PST_EAR_TOKEN_MAX 65536 /* bytes of a result that is read */

/** Tiers (AR4SI, Section 2.3.2). */
enum pst_ear_tier {
	PST_EAR_NONE = 0,
	PST_EAR_AFFIRMING = 2,
	PST_EAR_WARNING = 32,
	PST_EAR_CONTRAINDICATED = 96
};

/** Places in the vector (AR4SI, Section 2.3.1). */
enum pst_ear_claim {
	PST_EAR_INSTANCE_IDENTITY,
	PST_EAR_CONFIGURATION,
	PST_EAR_EXECUTABLES,
	PST_EAR_FILE_SYSTEM,
	PST_EAR_HARDWARE,
	PST_EAR_RUNTIME_OPAQUE,
	PST_EAR_STORAGE_OPAQUE,
	PST_EAR_SOURCED_DATA,
	PST_EAR_CLAIMS
};

struct pst_ear {
	enum pst_ear_tier status; /* the worst of all that were appraised */
	bool has[PST_EAR_CLAIMS];
	int8_t vector[PST_EAR_CLAIMS];
	size_t nonce_len; /* 0: there is none */
	uint8_t nonce[PST_EAT_NONCE_MAX];
	bool has_iat, has_exp;
	uint64_t iat, exp; /* seconds since 1970 */
	size_t submods;	   /* how many were appraised */
};

/** The tier of one value of the vector (attestation.md; AR4SI, 2.3.2). */
enum pst_ear_tier pst_ear_tier_of(int8_t value);
/** "instance-identity" … */
const char *pst_ear_claim_name(enum pst_ear_claim claim);
/** "affirming" … */
const char *pst_ear_tier_name(enum pst_ear_tier tier);

/** What an appraisal comes to, times and nonce left to the caller. */
void pst_ear_of(const struct pst_appraisal *a, struct pst_ear *out);

/** How a result is written. */
struct pst_ear_args {
	const struct pst_crypto *crypto;
	const struct pst_signer *signer;
	const char *submod;    /* name of what was appraised: the technology */
	const char *developer; /* of the Verifier */
	const char *build;
	struct pst_bytes ueid; /* of the device, as it is known; or empty */
};

/**
 * Write a result as a JWT in compact form (RFC 7519), without a terminating
 * zero.
 *
 * @retval PST_ERR_SPACE  cap is too small; 4096 always suffice
 */
enum pst_err
pst_ear_write_jwt(const struct pst_ear *ear, const struct pst_ear_args *args,
    char *out, size_t cap, size_t *len) PST_MUST_CHECK;

/** Likewise as a CWT, COSE_Sign1. */
enum pst_err
pst_ear_write_cwt(const struct pst_ear *ear, const struct pst_ear_args *args,
    uint8_t *out, size_t cap, size_t *len) PST_MUST_CHECK;

/**
 * Verify and read a JWT that a Verifier signed.
 *
 * @param key  the only key that may have signed it
 * @retval PST_ERR_COSE_ALG        alg is none, a MAC, or not of this key
 * @retval PST_ERR_COSE_SIGNATURE  not by that key
 * @retval PST_ERR_EAT_PROFILE     not a result of a profile that is known
 * @retval PST_ERR_EAT_CLAIM       a claim is missing or ill-typed
 */
enum pst_err
pst_ear_read_jwt(const struct pst_crypto *crypto, const struct pst_pubkey *key,
    struct pst_bytes jwt, struct pst_ear *out) PST_MUST_CHECK;

/** Likewise a CWT, by a key of `keys`. */
enum pst_err
pst_ear_read_cwt(const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_bytes cwt, struct pst_ear *out) PST_MUST_CHECK;

/**
 * Is a result that was read good for this nonce and time? Its status must be
 * affirming.
 *
 * @retval PST_ERR_EAT_NONCE, PST_ERR_EAT_EXPIRED, PST_ERR_EAT_REFUSED
 */
enum pst_err pst_ear_check(const struct pst_ear *ear, struct pst_bytes nonce,
    uint64_t now_s, uint64_t skew_s, uint64_t max_age_s) PST_MUST_CHECK;

#endif
