/*
 * EAT (RFC 9711) as CWT claims, and the TEEP EAT profile
 * (draft-ietf-teep-protocol, Section 5).
 */
#ifndef POSTERN_EAT_H
#define POSTERN_EAT_H

#include <postern/suit.h>

/* Attestation Results of the TEEP profile; also what a missing format means. */
#define PST_EAT_TEEP_PROFILE "urn:ietf:rfc:rfcXXXX"
#define PST_EAT_TEEP_FORMAT \
	"application/eat+cwt; eat_profile=urn:ietf:rfc:rfcXXXX"
/*
 * Evidence that an agent of this project signs with its attestation key: the
 * TEEP profile's claims, under a profile URI of its own so that nobody takes
 * it for an Attestation Result (docs/interop.md).
 */
#define PST_EAT_EVIDENCE_PROFILE "urn:uuid:5b0f4b4e-6c1d-4f0e-9a53-2f0d3f1c7a10"
#define PST_EAT_EVIDENCE_FORMAT \
	"application/eat+cwt; eat_profile=\"" PST_EAT_EVIDENCE_PROFILE "\""

/*
 * Evidence that is no EAT, with what a TAM needs beside it (docs/interop.md):
 * the quote's own media type, the quote, the agent's COSE_Key whose thumbprint
 * it holds, the challenge if only its digest is in it, and parts such as
 * certificates or logs.
 */
#define PST_EVIDENCE_FORMAT "application/vnd.postern.evidence+cbor"
enum pst_evidence_label {
	PST_EVIDENCE_TYPE = 1,
	PST_EVIDENCE_PAYLOAD = 2,
	PST_EVIDENCE_KEY = 3,
	PST_EVIDENCE_CHALLENGE = 4,
	PST_EVIDENCE_PARTS = 5,
	PST_EVIDENCE_KEYS = 6 /* token of pst_eat_keys_sign */
};
/* What the TEEP key says of the device's other keys (postern/eat_keys.h). */
#define PST_EAT_KEYS_PROFILE "urn:uuid:0d9f6b0e-58a4-4f0b-8c2e-6a1f3e7b9c24"

#define PST_EAT_NONCE_MIN 8 /* bytes; RFC 9711, Section 4.1 */
#define PST_EAT_NONCE_MAX 64
#define PST_EAT_UEID_MAX 33 /* bytes; RFC 9711, Section 4.2.1 */
#define PST_EAT_CLAIMS_MAX 64
#define PST_EAT_MANIFESTS_MAX 16
#define PST_EAT_SUBMODS_MAX 31
#define PST_EAT_MODULE_NAME_MAX 64 /* bytes */

/**
 * Are two media types the same? Parameters are compared as RFC 9110 says: in
 * any order, names without regard to case, values quoted or not.
 *
 * @return false also when either is no media type
 */
bool pst_media_type_same(struct pst_bytes a, struct pst_bytes b);

enum pst_eat_claim {
	PST_CWT_ISS = 1,
	PST_CWT_EXP = 4,
	PST_CWT_NBF = 5,
	PST_CWT_IAT = 6,
	PST_CWT_CNF = 8,
	PST_EAT_NONCE = 10,
	PST_EAT_UEID = 256,
	PST_EAT_OEMID = 258,
	PST_EAT_HWMODEL = 259,
	PST_EAT_HWVERSION = 260,
	PST_EAT_UPTIME = 261,
	PST_EAT_OEMBOOT = 262,
	PST_EAT_DBGSTAT = 263,
	PST_EAT_PROFILE = 265,
	PST_EAT_SUBMODS = 266,
	PST_EAT_BOOTCOUNT = 267,
	PST_EAT_BOOTSEED = 268,
	PST_EAT_SWNAME = 270,
	PST_EAT_SWVERSION = 271,
	PST_EAT_MANIFESTS = 272,
	PST_EAT_MEASUREMENTS = 273,
	PST_EAT_MEASRES = 274,
	PST_EAT_INTUSE = 275,
	/* private use (RFC 8392, Section 9.1): postern/eat_keys.h */
	PST_EAT_KEYS = -70001
};

/** The claims that Postern reads or writes; absent ones are empty or 0. */
struct pst_eat {
	struct pst_bytes iss;	/* text */
	struct pst_bytes nonce; /* 8..64 bytes */
	struct pst_bytes ueid;	/* 7..33 bytes */
	/*
	 * 3 or 16 bytes; to be written also 4, a PEN in big-endian order. A
	 * PEN that was read is in oemid_pen, with oemid_is_pen.
	 */
	struct pst_bytes oemid;
	uint32_t oemid_pen;
	bool oemid_is_pen;
	struct pst_bytes hwmodel;   /* 1..32 bytes */
	struct pst_bytes hwversion; /* text */
	struct pst_bytes swname;    /* text */
	struct pst_bytes swversion; /* text */
	struct pst_bytes profile;   /* text (URI) */
	bool profile_is_oid;	    /* an OID instead: no profile known here */
	struct pst_bytes cnf_kid;   /* cnf {3: kid} */
	struct pst_bytes cnf_key;   /* cnf {1: COSE_Key}, encoded */
	struct pst_list manifests;  /* [content-format, bstr] items */
	struct pst_list measurements;
	/* [system, [+ [id, result]]] items, checked */
	struct pst_list measres;
	/* name and value, alternating (postern/eat_modules.h) */
	struct pst_list submods;
	struct pst_bytes bootseed;
	struct pst_bytes keys;	/* other keys of the device: an encoded map */
	uint64_t iat, exp, nbf; /* seconds since 1970 */
	uint64_t uptime;	/* seconds */
	uint64_t bootcount;
	uint32_t dbgstat; /* 0 enabled .. 4 disabled fully */
	int32_t intuse;	  /* 1 generic .. 5 proof of possession */
	bool has_iat, has_exp, has_nbf, has_dbgstat, has_uptime, has_bootcount;
	bool has_intuse, has_oemboot, oemboot;
};

/** Write the claims-set map in deterministic order. */
void pst_eat_encode(struct pst_cbor_writer *w, const struct pst_eat *eat);

/**
 * Read a claims-set; unknown claims are skipped, known ones type-checked, and
 * submodules told apart but not read (pst_eat_tree_read does). eat_nonce is
 * one byte string, as the TEEP profile has it.
 *
 * @param out  views the payload; zeroed on error
 * @retval PST_ERR_EAT_CLAIM  a known claim has the wrong type or size
 */
enum pst_err pst_eat_decode(const struct pst_verified *in, struct pst_eat *out,
    size_t *at) PST_MUST_CHECK;

/**
 * Check the TEEP profile: ueid, oemid, hwmodel, hwversion, manifests and cnf
 * are there, the profile is `profile`, the times hold at now_s with skew_s
 * allowed, the nonce is `nonce` (unless empty), and cnf names the key whose
 * thumbprint is given. The same in parts follows, for who reports on each.
 *
 * How old a token may be is the caller's to judge, from iat.
 *
 * @retval PST_ERR_EAT_CLAIM, _PROFILE, _NONCE, _EXPIRED, _BINDING
 */
enum pst_err pst_eat_check(const struct pst_eat *eat, struct pst_bytes profile,
    struct pst_bytes nonce, const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    const struct pst_crypto *crypto, uint64_t now_s,
    uint64_t skew_s) PST_MUST_CHECK;

/** Are the claims there that the TEEP profile requires? */
enum pst_err pst_eat_check_claims(const struct pst_eat *eat) PST_MUST_CHECK;

/** A token without eat_profile is of the TEEP profile, and of no other. */
enum pst_err pst_eat_check_profile(
    const struct pst_eat *eat, struct pst_bytes profile) PST_MUST_CHECK;

/** exp and nbf hold, and iat is not in the future. */
enum pst_err pst_eat_check_times(
    const struct pst_eat *eat, uint64_t now_s, uint64_t skew_s) PST_MUST_CHECK;

/** cnf names the key with this thumbprint, by kid, by COSE_Key, or by both. */
enum pst_err pst_eat_check_binding(const struct pst_eat *eat,
    const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    const struct pst_crypto *crypto) PST_MUST_CHECK;

/**
 * The eat_nonce for a challenge: the challenge itself when it fits, else its
 * SHA-256, for a challenge may have 512 bytes and a nonce 64
 * (docs/interop.md).
 *
 * @param len  0 for an empty challenge
 */
enum pst_err
pst_eat_nonce_of(const struct pst_crypto *crypto, struct pst_bytes challenge,
    uint8_t out[PST_EAT_NONCE_MAX], size_t *len) PST_MUST_CHECK;

/** What Evidence is wanted. Borrowed by the attester during the call. */
struct pst_attest_request {
	struct pst_bytes challenge;	 /* empty in timestamp mode */
	const struct pst_pubkey *key;	 /* the TEEP key, to be bound by cnf */
	const struct pst_signer *signer; /* signs with it; with keys */
	/* other keys of the device, to be attested (pst_eat_keys_encode);
	 * empty: there are none */
	struct pst_bytes keys;
	uint64_t now_s;
};

/** Makes Evidence about the device that the agent runs on. */
struct pst_attester {
	void *ctx;
	/**
	 * @param out     receives the Evidence, at most cap bytes
	 * @param format  set to its media type; static
	 */
	enum pst_err (*evidence)(void *ctx, const struct pst_attest_request *q,
	    uint8_t *out, size_t cap, size_t *len, struct pst_bytes *format);
};

/**
 * The software attester: an EAT signed by an attestation key (core/eat).
 *
 * The evidence buffer must hold the claims twice while they are signed: 2 KiB
 * always suffice. swversion may be empty; all else is required.
 */
struct pst_eat_attester {
	const struct pst_crypto *crypto;
	struct pst_signer key; /* the attestation key; not the TEEP key */
	struct pst_bytes ueid;
	struct pst_bytes oemid;
	struct pst_bytes hwmodel;
	struct pst_bytes hwversion;
	struct pst_bytes swname; /* URI of the agent's manifest, 64 bytes */
	struct pst_bytes swversion;
	struct pst_suit_digest software; /* measured digest of the agent */
	bool debug_enabled;
};

/** Fill in a pst_attester that uses s; keeps s. */
void
pst_eat_attester_init(struct pst_attester *out, struct pst_eat_attester *s);

#endif
