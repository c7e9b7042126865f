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

/* Checks of one appraisal: the list below has 8, technologies add theirs. */
#define PST_APPRAISAL_CHECKS_MAX 16
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
};

/** One thing that was looked at, for display and for the audit log. */
struct pst_appraisal_check {
	const char *what; /* a word, static: "signature", "nonce" … */
	enum pst_err err; /* PST_OK, or what is wrong with it */
};

/** What became of one attestation payload. Views the payload. */
struct pst_appraisal {
	bool opened;		/* signature verified, claims decoded */
	bool accepted;		/* judged, and nothing was wrong */
	bool is_result;		/* an Attestation Result, not Evidence */
	enum pst_err why;	/* the first thing that was wrong */
	const char *technology; /* static: "eat", "result" …; never NULL */
	size_t check_count;
	struct pst_appraisal_check checks[PST_APPRAISAL_CHECKS_MAX];
	struct pst_eat claims;		    /* valid when opened */
	struct pst_pubkey key;		    /* that signed the payload */
	uint8_t key_id[PST_THUMBPRINT_LEN]; /* its thumbprint */
	uint32_t who;			    /* as the key source named it */
	bool has_agent_key;		    /* cnf carries a COSE_Key */
	struct pst_pubkey agent_key;
};

/**
 * Verify the payload's signature and read its claims.
 *
 * @param format  its media type; empty: none was given, which means an
 *                Attestation Result of the TEEP profile
 * @param out     always filled in; out->why is what is returned
 *
 * @retval PST_ERR_UNSUPPORTED     no technology for this format
 * @retval PST_ERR_COSE_KEY        no enrolled, or no trusted, key
 * @retval PST_ERR_COSE_SIGNATURE  does not verify
 */
enum pst_err
pst_verifier_open(const struct pst_verifier *v, struct pst_bytes payload,
    struct pst_bytes format, struct pst_appraisal *out) PST_MUST_CHECK;

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
