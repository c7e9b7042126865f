/*
 * The verifier in process: one interface to the appraisal of Evidence of any
 * technology, and to the check of Attestation Results that another Verifier
 * signed (RFC 9334; draft-ietf-teep-protocol, Section 7.1.1).
 *
 * It works in two steps, because the Evidence itself may say which key must
 * have signed the message that it came in:
 *
 *   open   the payload's own signature by an enrolled attestation key (or a
 *          trusted Verifier's), and its claims, without believing them yet
 *   judge  challenge, time, debug state, and that it is bound to the key that
 *          verified the TEEP message
 *
 * Between the two the caller looks for the agent's key (pst_agent_keys_init)
 * and verifies the message. A technology that is not known is refused.
 */
#ifndef POSTERN_VERIFIER_H
#define POSTERN_VERIFIER_H

#include <postern/eat.h>
#include <postern/eat_keys.h>

#include "endorsements.h"

/* Checks of one appraisal; one for each rule of the policy is among them. */
#define PST_APPRAISAL_CHECKS_MAX 64
/* Claims of one piece of Evidence that policy may look at. */
#define PST_APPRAISAL_CLAIMS_MAX 192
/* Bytes of claims that are not in the Evidence as they are shown. */
#define PST_APPRAISAL_STORE 8192
/* Tokens in one token that have signers of their own. */
#define PST_APPRAISAL_NESTED_MAX 4
/* `who` of a key that was found in Evidence, not in an anchor. */
#define PST_WHO_EVIDENCE UINT32_MAX

struct pst_verifier {
	const struct pst_crypto *crypto;
	/* enrolled attestation keys; who names the enrolment */
	const struct pst_keys *attesters;
	/* Verifiers whose Attestation Results are believed; NULL: none */
	const struct pst_keys *verifiers;
	uint64_t skew_s;    /* difference of clocks that is tolerated */
	uint64_t max_age_s; /* of iat, where no challenge proves freshness */
	bool allow_debug;   /* accept a device whose debugging is enabled */
	/* anchors, collateral and Reference Values; NULL: there are none */
	const struct pst_endorsements *endorsements;
	/* refuse a technology that no Reference Value speaks of */
	bool need_reference;
	/* but not these: bit n is technology n of pst_verifier_technology */
	uint32_t any_software;
};

/** One thing that was looked at, for display and for the audit log. */
struct pst_appraisal_check {
	const char *what; /* a word, static: "signature", "nonce" … */
	enum pst_err err; /* PST_OK, or what is wrong with it */
	const char *why; /* more about it, static or of the verifier; or NULL */
};

enum pst_claim_kind { PST_CLAIM_BYTES, PST_CLAIM_UINT, PST_CLAIM_TEXT };

/** One claim, in the words of its technology (docs/attestation.md). */
struct pst_claim {
	/* as Reference Values name it; static, or kept in the appraisal */
	const char *name;
	enum pst_claim_kind kind;
	struct pst_bytes bytes; /* bytes and text */
	uint64_t n;		/* uint */
};

/** What says how fresh a token is that stands in another. */
struct pst_appraisal_nested {
	struct pst_bytes nonce; /* empty: none */
	bool has_iat;
	uint64_t iat; /* seconds since 1970 */
};

/**
 * What became of one attestation payload. Views the payload and itself, so it
 * is not to be copied.
 */
struct pst_appraisal {
	bool opened;		/* signature verified, claims decoded */
	bool accepted;		/* judged, and nothing was wrong */
	bool is_result;		/* an Attestation Result, not Evidence */
	enum pst_err why;	/* the first thing that was wrong */
	const char *technology; /* static: "eat", "result" …; never NULL */
	size_t check_count;
	struct pst_appraisal_check checks[PST_APPRAISAL_CHECKS_MAX];
	size_t claim_count;
	struct pst_claim claim[PST_APPRAISAL_CLAIMS_MAX];
	/* what a native format has in place of eat_nonce and cnf: 64 bytes, or
	 * as many as its format holds; empty for an EAT */
	struct pst_bytes user_data;
	bool debug;			    /* the TEE can be debugged */
	struct pst_eat claims;		    /* valid when opened */
	struct pst_pubkey key;		    /* that signed the payload */
	uint8_t key_id[PST_THUMBPRINT_LEN]; /* its thumbprint */
	/* what names the attester where certificates vouch for its key, and
	 * the key was not enrolled: chip-id, PPID, module-id; or empty */
	struct pst_bytes identity;
	uint32_t who;	    /* as the key source named it */
	bool has_agent_key; /* cnf carries a COSE_Key */
	struct pst_pubkey agent_key;
	size_t nested_count;
	struct pst_appraisal_nested nested[PST_APPRAISAL_NESTED_MAX];
	struct pst_eat_keys device_keys; /* attested with it */
	size_t stored;
	uint8_t store[PST_APPRAISAL_STORE];
};

/**
 * Verify the payload's signature and read its claims.
 *
 * @param format  its media type; empty: none was given, which means an
 *                Attestation Result of the TEEP profile
 * @param now_s   time to judge certificates at, seconds since 1970
 * @param out     always filled in; out->why is what is returned
 *
 * @retval PST_ERR_UNSUPPORTED     no technology for this format
 * @retval PST_ERR_COSE_KEY        no enrolled, or no trusted, key
 * @retval PST_ERR_COSE_SIGNATURE  does not verify
 */
enum pst_err pst_verifier_open(const struct pst_verifier *v,
    struct pst_bytes payload, struct pst_bytes format, uint64_t now_s,
    struct pst_appraisal *out) PST_MUST_CHECK;

/**
 * Judge what was opened: sets accepted, why and the checks.
 *
 * @param challenge  that the TAM sent; empty in timestamp mode
 * @param agent      key that verified the TEEP message; NULL only where a
 *                   payload is shown to a person outside of a message
 * @param now_s      seconds since 1970
 * @return out->why: PST_OK when accepted
 */
enum pst_err pst_verifier_judge(const struct pst_verifier *v,
    struct pst_bytes challenge, const struct pst_pubkey *agent, uint64_t now_s,
    struct pst_appraisal *out) PST_MUST_CHECK;

/** Both steps, where the agent's key is known beforehand. */
enum pst_err pst_verifier_appraise(const struct pst_verifier *v,
    struct pst_bytes payload, struct pst_bytes format,
    struct pst_bytes challenge, const struct pst_pubkey *agent, uint64_t now_s,
    struct pst_appraisal *out) PST_MUST_CHECK;

/** The name and media types of technology n; false when there are no more. */
bool pst_verifier_technology(
    size_t n, const char **name, const char *const **formats);

/** Its bit in a set of technologies; 0 when there is none of this name. */
uint32_t pst_verifier_technology_bit(const char *name);

/** Is this a media type that can be appraised? */
bool pst_verifier_knows(struct pst_bytes format);

/**
 * Where the key of a TEEP message's sender is looked for (design: "Who is
 * it?"): first among keys that are enrolled, then in the cnf claim of
 * Evidence that was opened. A key from Evidence has who PST_WHO_EVIDENCE, and
 * the message counts for nothing until the Evidence was judged.
 */
struct pst_agent_keys {
	const struct pst_keys *enrolled;      /* may be NULL */
	const struct pst_appraisal *evidence; /* may be NULL */
};

/** Make a key source for pst_cose_verify; keeps `from`. */
void pst_agent_keys_init(struct pst_keys *out, struct pst_agent_keys *from);

#endif
