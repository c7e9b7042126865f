/*
 * The TAM engine: it decides, its host does.
 *
 * One call takes one HTTP body and the time, and gives the bytes of the reply
 * and a list of changes that the host commits before it sends them. The
 * engine does no I/O of its own: records are read through a port, and
 * appraisal may be suspended. It keeps no session: a challenge proves itself
 * (tam/challenge.c), an Update's token lives in the device's row.
 *
 * An engine belongs to one thread at a time; two threads use two.
 */
#ifndef POSTERN_TAM_ENGINE_H
#define POSTERN_TAM_ENGINE_H

#include <postern/eat.h>
#include <postern/teep.h>

/* A challenge: key id, expiry, random, MAC (design: stateless). */
#define PST_TAM_CHALLENGE_LEN 32
/* Token of an Update: 256 random bits, so a guess is out of the question. */
#define PST_TAM_TOKEN_LEN 32
/* What names a device's attester: a thumbprint, or a ueid (at most 33). */
#define PST_TAM_ATTESTER_MAX 64
/* Components that one device may have; bounds a plan's memory. */
#define PST_TAM_TARGETS_MAX 256
/* SUIT Reports of one message that are kept; the rest is counted. */
#define PST_TAM_REPORTS_MAX 16
/* Challenge keys that are valid at one time: the present and the last. */
#define PST_TAM_MAC_KEYS_MAX 4
#define PST_TAM_NOTE_MAX 192
/* Evidence that is kept; a quote with a longer event log is not. */
#define PST_TAM_EVIDENCE_MAX 65536
/* Largest ledger of a device: twice PST_TAM_TARGETS_MAX lines. */
#define PST_TAM_LEDGER_MAX 262144
/*
 * Room that an Update needs beside its manifests: wrapper, token, unneeded
 * list. An envelope of up to PST_TAM_ENVELOPE_MAX always fits alone.
 */
#define PST_TAM_UPDATE_OVERHEAD 32768
#define PST_TAM_ENVELOPE_MAX (PST_MESSAGE_MAX - PST_TAM_UPDATE_OVERHEAD - 16)
/*
 * Scratch that always suffices: the manifest list, the payload that holds it
 * before it is signed, Evidence that was decrypted, and what is kept for the
 * device's row.
 */
#define PST_TAM_SCRATCH_MAX (3 * PST_MESSAGE_MAX + 2 * PST_TAM_LEDGER_MAX)

/* --- records ----------------------------------------------------------- */

enum pst_tam_status { PST_TAM_ACTIVE = 1, PST_TAM_REVOKED = 2 };

/** A device's row. Views memory of the records port. */
struct pst_tam_device {
	int64_t id;
	enum pst_tam_status status;
	struct pst_bytes name;
	/*
	 * Who attests for it: the one that was asked for, else the newest. Its
	 * Evidence counts only when it is of this technology; empty: any.
	 */
	struct pst_bytes attester;
	struct pst_bytes technology;
	struct pst_bytes attestation_key; /* COSE_Key; empty: by identity */
	struct pst_bytes x5chain; /* of that key, encoded; empty: none */
	bool has_key;
	struct pst_pubkey key; /* TEEP key that was last attested */
	struct pst_bytes
	    device_keys;	/* attested with it; pst_eat_keys_decode */
	struct pst_bytes token; /* of the pending Update; empty: none */
	uint64_t token_expires_s;
	struct pst_bytes pending;   /* what that Update carries (tam/plan.c) */
	struct pst_bytes ledger;    /* deliveries and failures (tam/plan.c) */
	struct pst_bytes tc_digest; /* SHA-256 of the last tc-list, or empty */
	uint64_t renegotiated_s;    /* when an Error was last answered */
};

/** A published manifest that a device should have, or may ask for. */
struct pst_tam_target {
	int64_t manifest;	      /* number in the store */
	struct pst_bytes manifest_id; /* suit-manifest-component-id, encoded */
	struct pst_suit_digest digest;
	uint64_t sequence;
	size_t envelope_len;
	struct pst_list components; /* SUIT_Component_Identifier items */
	bool on_request;	    /* only when the device asks for it */
	bool remediation;	    /* also when it is out of policy */
};

/**
 * Where the engine reads. Synchronous; every view stays valid until the next
 * call that takes a message.
 */
struct pst_tam_records {
	void *ctx;
	/** The device whose TEEP key has this thumbprint (RFC 9679). */
	enum pst_err (*device_by_key)(void *ctx,
	    const uint8_t thumbprint[PST_THUMBPRINT_LEN],
	    struct pst_tam_device *out);
	/** The device that this attester speaks for. */
	enum pst_err (*device_by_attester)(
	    void *ctx, struct pst_bytes attester, struct pst_tam_device *out);
	/**
	 * The newest published manifest of each component that is assigned to
	 * the device, in the order in which they are to be installed.
	 *
	 * @retval PST_ERR_LIMIT  more than PST_TAM_TARGETS_MAX
	 */
	enum pst_err (*targets)(void *ctx, const struct pst_tam_device *device,
	    const struct pst_tam_target **list, size_t *count);
	/** The envelope of a target; the view lives until the next one. */
	enum pst_err (*envelope)(
	    void *ctx, int64_t manifest, struct pst_bytes *out);
};

/* --- appraisal --------------------------------------------------------- */

/** What a Verifier says of a payload. Views the payload or the Verifier. */
struct pst_tam_appraisal {
	/*
	 * Its signature verified: the fields below are what it says. False
	 * with err PST_OK is impossible.
	 */
	bool genuine;
	enum pst_err err; /* PST_OK: the device is trustworthy */
	bool is_result;	  /* an Attestation Result, not Evidence */
	/*
	 * Genuine, fresh, of a platform in good standing, and nothing is wrong
	 * but the software: what it runs, or how old its firmware is. Such a
	 * device may be given what brings it back into policy.
	 */
	bool out_of_policy;
	/* what was wrong, a line of UTF-8 for each check that failed */
	struct pst_bytes reasons;
	/*
	 * Who attested; empty: only the key says. When the payload is not
	 * genuine: who is named in it, for the log alone.
	 */
	struct pst_bytes attester;
	struct pst_bytes technology; /* of the Evidence: "eat", "tpm" … */
	struct pst_bytes nonce;	     /* empty: none */
	bool has_key;		     /* cnf carries a COSE_Key: key */
	struct pst_pubkey key;
	struct pst_bytes key_id; /* cnf's kid: a thumbprint; may be empty */
	struct pst_bytes device_keys; /* others, as the claim has them */
	uint64_t issued_s;	      /* 0: not said */
	uint64_t expires_s;	      /* 0: not said */
	struct pst_bytes claims;      /* encoded claims-set, for the record */
	/*
	 * The TEEP profile's claims about the device, without times, nonce and
	 * cnf: what an Attestation Result will say. NULL: none can be made.
	 */
	const struct pst_eat *subject;
	struct pst_bytes verdict; /* for the record; its host's own encoding */
	struct pst_bytes result;  /* to hand back in an Update; may be empty */
	struct pst_bytes result_format; /* media type; empty: the default */
};

/** The Verifier, as the engine sees it. */
struct pst_tam_appraiser {
	void *ctx;
	/**
	 * Appraise a payload of a QueryResponse. It is unverified bytes.
	 *
	 * @param format  its media type; empty when the message had none: then
	 *                only a Result of a trusted Verifier may be genuine
	 * @retval PST_OK         out is set; out->err says what came of it
	 * @retval PST_ERR_AGAIN  the answer comes later: the engine returns
	 *                        this too, and the host calls
	 *                        pst_tam_message again with the appraisal
	 * @retval otherwise      no Verifier could be asked: 503
	 */
	enum pst_err (*appraise)(void *ctx, struct pst_bytes format,
	    struct pst_bytes payload, uint64_t now_s,
	    struct pst_tam_appraisal *out);
};

/* --- what came of a message -------------------------------------------- */

enum pst_tam_change {
	/* the challenge is used up; a second use refuses the whole list */
	PST_TAM_SPEND = 1 << 0,
	/* the device attested: time, outcome and claims */
	PST_TAM_ATTESTED = 1 << 1,
	PST_TAM_KEY = 1 << 2,	    /* its TEEP key is another one now */
	PST_TAM_INVENTORY = 1 << 3, /* tc_list replaces what was recorded */
	PST_TAM_UPDATE = 1 << 4,    /* a new token and pending Update */
	/* token is used up; if it is not the row's the list is refused */
	PST_TAM_ANSWER = 1 << 5,
	PST_TAM_MERGE = 1 << 6,	 /* installed and removed, into the inventory */
	PST_TAM_LEDGER = 1 << 7, /* ledger replaces the row's */
	PST_TAM_REPORT = 1 << 8, /* the device answered an Update */
	PST_TAM_RENEGOTIATED = 1 << 9,
	/* without PST_TAM_UPDATE: a pending Update is withdrawn */
	PST_TAM_WITHDRAW = 1 << 10,
	PST_TAM_DEVICE_KEYS = 1 << 11, /* other attested keys than before */
	PST_TAM_EVIDENCE = 1 << 12     /* what the device attested with */
};

/** One SUIT Report that arrived. */
struct pst_tam_report {
	struct pst_suit_digest manifest;
	bool success;
	int64_t code;
	enum pst_suit_reason reason;
	struct pst_suit_record record; /* where it failed */
	struct pst_bytes raw;
};

/**
 * All that one message changes; applied whole or not at all. Views the
 * message, the engine's buffers and the records: the store copies it.
 */
struct pst_tam_changes {
	uint32_t what; /* PST_TAM_* bits; 0: nothing to commit */
	int64_t device;
	uint64_t now_s;

	uint8_t challenge[PST_TAM_CHALLENGE_LEN];
	uint64_t challenge_expires_s;

	enum pst_err attested;	  /* PST_OK or why not */
	struct pst_bytes reasons; /* more about it, lines of UTF-8, or empty */
	struct pst_bytes claims;
	struct pst_bytes verdict;
	struct pst_pubkey key;
	uint8_t thumbprint[PST_THUMBPRINT_LEN];
	struct pst_bytes device_keys;
	struct pst_bytes evidence; /* decrypted */
	struct pst_bytes evidence_format;

	struct pst_list tc_list; /* system-property-claims */
	uint8_t tc_digest[32];
	struct pst_list installed; /* system-property-claims */
	struct pst_list removed;   /* component identifiers */

	uint8_t token[PST_TAM_TOKEN_LEN];
	uint64_t token_expires_s;
	struct pst_bytes pending;
	struct pst_bytes ledger;

	bool success;	      /* of PST_TAM_REPORT */
	uint32_t err_code;    /* of an Error; 0 for a Success */
	struct pst_bytes msg; /* msg or err-msg, UTF-8 */
	struct pst_tam_report reports[PST_TAM_REPORTS_MAX];
	size_t report_count;
};

/** What happened, for the log and the counters. */
enum pst_tam_event {
	PST_TAM_EV_QUERY = 1,	/* QueryRequest sent */
	PST_TAM_EV_UPDATE = 2,	/* Update with something to do */
	PST_TAM_EV_CURRENT = 3, /* nothing to do */
	PST_TAM_EV_REFUSED = 4, /* Update with an err-code */
	PST_TAM_EV_SUCCESS = 5, /* a Success was recorded */
	PST_TAM_EV_FAILURE = 6, /* an Error was recorded */
	PST_TAM_EV_DROPPED = 7	/* not answered: see err and note */
};

/**
 * The result of one call. The caller sets the four buffer members and keeps
 * them; everything else is set by the call.
 */
struct pst_tam_output {
	uint8_t *reply; /* PST_MESSAGE_MAX to hold any Update */
	size_t reply_cap;
	uint8_t *scratch; /* PST_TAM_SCRATCH_MAX to make any Update */
	size_t scratch_cap;

	size_t reply_len; /* 0: 204 No Content */
	enum pst_tam_event event;
	enum pst_err err;	      /* why it was dropped or refused */
	char note[PST_TAM_NOTE_MAX];  /* one line for the log; nothing secret */
	int64_t device;		      /* 0: not known */
	struct pst_bytes device_name; /* views the records; empty: not known */
	struct pst_tam_changes changes;

	/* with PST_ERR_AGAIN: what is to be appraised, decrypted; views the
	 * message or scratch */
	struct pst_bytes payload;
	struct pst_bytes format;
};

/* --- the engine -------------------------------------------------------- */

struct pst_tam_signer {
	uint32_t suite; /* one PST_SUITE_* bit */
	struct pst_signer key;
};

/** A cluster key for challenges. It signs from from_s, verifies to until_s. */
struct pst_tam_mac_key {
	uint8_t id;
	uint32_t key; /* of the crypto port */
	uint64_t from_s;
	uint64_t until_s;
};

struct pst_tam_policy {
	uint32_t data_items;	   /* PST_TEEP_ITEM_* asked for */
	uint32_t challenge_life_s; /* a QueryRequest may be answered so long */
	uint32_t token_life_s;	   /* an Update likewise; hours */
	uint32_t backoff_s;	   /* after a first failed install */
	uint32_t backoff_max_s;
	uint32_t
	    renegotiate_s; /* at most one answer to an Error in this time */
	bool timestamps;   /* accept a payload by its time, not a nonce */
	uint32_t payload_age_s; /* with timestamps: oldest iat */
	uint32_t skew_s;
	bool allow_debug; /* accept a device with debugging enabled */
	/* for the Verifier in process: technologies that are accepted without
	 * Reference Values, as its bits (verifier/verifier.h) */
	uint32_t any_software;
	bool return_result;	/* hand Attestation Results back to agents */
	uint32_t result_life_s; /* of those that the TAM makes */
	/* oldest iat of another Verifier's Attestation Result that carries no
	 * challenge of ours (a passport); 0: none is accepted */
	uint32_t passport_age_s;
};

/** The defaults, all safe: nonces only, 10 minutes, 12 hours. */
void pst_tam_policy_default(struct pst_tam_policy *p);

struct pst_tam_engine {
	const struct pst_crypto *crypto;
	const struct pst_tam_records *records;
	const struct pst_tam_appraiser *appraiser;
	struct pst_tam_policy policy;
	struct pst_tam_signer signers[2];
	size_t signer_count;
	struct pst_tam_mac_key mac_keys[PST_TAM_MAC_KEYS_MAX];
	size_t mac_count;
	/* of the crypto port: what agents encrypt SUIT Reports and Evidence to;
	 * 0: none */
	uint32_t encryption_key;
	/* signs Attestation Results; NULL: the TAM makes none */
	const struct pst_signer *result_key;
	/* DER roots of agents' certificates (x5chain); may be none */
	const struct pst_bytes *roots;
	size_t root_count;
};

/**
 * ProcessConnect: an empty POST (RFC 9397, Section 6.2.1). Gives a
 * QueryRequest and changes nothing.
 *
 * @param suite  a hint: the one PST_SUITE_* that the client named by its URI;
 *               0: none, COSE_Sign with one signature a suite
 *
 * @retval PST_OK  out->reply_len bytes are to be sent
 * @retval otherwise  the node is broken (random, signing): 503
 */
enum pst_err pst_tam_connect(struct pst_tam_engine *e, uint32_t suite,
    uint64_t now_s, struct pst_tam_output *out) PST_MUST_CHECK;

/**
 * ProcessTeepMessage: a body (draft-ietf-teep-protocol, Section 7.1).
 *
 * @param body       borrowed; out views it, so it stays until the changes
 *                   were given to the store
 * @param appraisal  NULL, or the answer to an earlier PST_ERR_AGAIN
 *
 * @retval PST_OK         commit out->changes if there are any, then send the
 *                        reply, or 204 when it is empty. When the commit
 *                        fails with PST_ERR_TEEP_TOKEN the message was a
 *                        replay: 204 and a log line
 * @retval PST_ERR_AGAIN  appraise out->payload, call again with the outcome
 * @retval otherwise      nothing was decided (store, crypto, Verifier): 503
 */
enum pst_err pst_tam_message(struct pst_tam_engine *e, struct pst_bytes body,
    const struct pst_tam_appraisal *appraisal, uint64_t now_s,
    struct pst_tam_output *out) PST_MUST_CHECK;

/* --- challenges -------------------------------------------------------- */

/** Make a challenge that is good until now_s + life. */
enum pst_err pst_tam_challenge_make(const struct pst_tam_engine *e,
    uint64_t now_s, uint8_t out[PST_TAM_CHALLENGE_LEN]) PST_MUST_CHECK;

/**
 * Is this one of ours, and not expired? Whether it was used is the store's
 * to say, when it is spent.
 *
 * @retval PST_ERR_EAT_NONCE    not made by this cluster
 * @retval PST_ERR_EAT_EXPIRED  it was, and is too old
 */
enum pst_err pst_tam_challenge_check(const struct pst_tam_engine *e,
    struct pst_bytes challenge, uint64_t now_s,
    uint64_t *expires_s) PST_MUST_CHECK;

#endif
