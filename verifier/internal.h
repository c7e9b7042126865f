/* One technology of attestation, as verifier.c uses it. */
#ifndef PST_VERIFIER_INTERNAL_H
#define PST_VERIFIER_INTERNAL_H

#include "verifier.h"

/* Pieces that come with one payload in a container. */
#define PST_EVIDENCE_PARTS_MAX 8

/** A payload taken out of its container, nothing checked. */
struct pst_evidence {
	struct pst_bytes payload;
	/* certificates, logs: what the technology looks for itself */
	struct pst_bytes part[PST_EVIDENCE_PARTS_MAX];
	size_t part_count;
	struct pst_bytes agent_key; /* COSE_Key of the agent; empty: none */
	struct pst_bytes challenge; /* that was hashed; empty: none */
	struct pst_bytes keys;	    /* token by the agent's key; empty: none */
};

/** What a payload that is not verified says of itself; views it, and this. */
struct pst_said {
	struct pst_bytes nonce;	   /* as its signed part has it */
	struct pst_bytes identity; /* of the attester; empty: none */
	struct pst_bytes key;	   /* the agent's COSE_Key in it, or empty */
	uint8_t print[PST_THUMBPRINT_LEN];
};

struct pst_technology {
	const char *name;
	/* media types of its payloads; the name is accepted as well */
	const char *const *formats;
	bool is_result;

	/**
	 * Verify and decode. Sets claims, key, who and agent_key; adds checks.
	 */
	void (*open)(const struct pst_verifier *v,
	    const struct pst_evidence *in, uint64_t now_s,
	    struct pst_appraisal *out);

	/** Everything that is left to check. */
	void (*judge)(const struct pst_verifier *v, struct pst_bytes challenge,
	    const struct pst_pubkey *agent, uint64_t now_s,
	    struct pst_appraisal *out);

	/**
	 * Read what an unverified payload says of itself; NULL where it names
	 * no attester that its signer is sure to be.
	 */
	enum pst_err (*say)(const struct pst_crypto *crypto,
	    const struct pst_evidence *in, struct pst_said *out);
};

extern const struct pst_technology pst_technology_eat;
extern const struct pst_technology pst_technology_result;
extern const struct pst_technology pst_technology_snp;
extern const struct pst_technology pst_technology_nitro;
extern const struct pst_technology pst_technology_psa;
extern const struct pst_technology pst_technology_cca;
extern const struct pst_technology pst_technology_tpm;
extern const struct pst_technology pst_technology_dcap;

/** The technology of a media type, or of a name; NULL: there is none. */
const struct pst_technology *pst_technology_of(struct pst_bytes format);

/** Is there a technology of this name? */
bool pst_technology_is(const char *name);

/** Note the outcome of a check; the first failure becomes out->why. */
void pst_appraisal_add(
    struct pst_appraisal *out, const char *what, enum pst_err err);
/** Likewise with words about it, static or of the verifier. */
void pst_appraisal_note(struct pst_appraisal *out, const char *what,
    enum pst_err err, const char *why);

/** Claims for the policy; more than there is room for fail the appraisal. */
void pst_claim_bytes(
    struct pst_appraisal *out, const char *name, struct pst_bytes value);
void
pst_claim_uint(struct pst_appraisal *out, const char *name, uint64_t value);
void pst_claim_text(
    struct pst_appraisal *out, const char *name, struct pst_bytes value);
/** Read out->claims.keys, if it is there, into out->device_keys. */
void pst_appraisal_device_keys(struct pst_appraisal *out);
/** Copy bytes that would not outlive the opening into the appraisal. */
struct pst_bytes
pst_appraisal_keep(struct pst_appraisal *out, struct pst_bytes value);

/* --- native.c: formats that are not EATs -------------------------------- */

/**
 * What the user data of a native format says (design.md, section 5): the
 * challenge, 32 bytes, and the thumbprint of the agent's key, 32 bytes. Sets
 * user_data, claims.nonce, claims.cnf_kid and, if in carries a COSE_Key with
 * that thumbprint, agent_key.
 */
void pst_native_user_data(const struct pst_verifier *v,
    const struct pst_evidence *in, struct pst_bytes user_data,
    struct pst_appraisal *out);

/** Nonce, binding, debug state and Reference Values. */
void pst_native_judge(const struct pst_verifier *v, struct pst_bytes challenge,
    const struct pst_pubkey *agent, uint64_t now_s, struct pst_appraisal *out);

/* --- container.c -------------------------------------------------------- */

/**
 * Take a payload out of a container whose media type is format, and set
 * format to that of what is inside; bytes that are in none stay as they are.
 *
 * @retval PST_ERR_EAT_CLAIM  not such a container
 */
enum pst_err pst_container_open(struct pst_bytes payload,
    struct pst_bytes *format, struct pst_evidence *out) PST_MUST_CHECK;

/* Linux's configfs-tsm, as Veraison writes it down. */
#define PST_TSM_FORMAT "application/vnd.veraison.tsm-report+cbor"

/** The kernel's provider of a technology's reports; NULL: there is none. */
const char *pst_container_provider(const char *technology);

/** Is this the media type of a container? */
bool pst_container_is(struct pst_bytes format);

/* --- integers at an offset that was checked ------------------------------ */

static inline uint64_t
pst_le(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	while (len-- > 0)
		v = v << 8 | p[len];
	return v;
}

static inline uint64_t
pst_be(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

#endif
