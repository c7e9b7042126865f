/*
 * The TEEP Agent (RFC 9397, Section 6.2.1; draft-ietf-teep-protocol, Section
 * 7.2) as a pure engine. It decides; a host carries out what it returns.
 *
 * Nothing blocks: crypto, store and clock are synchronous and local; a payload
 * from elsewhere is an effect (PST_AGENT_FETCH) that pst_agent_resume answers.
 * The engine may be destroyed at any such point and opened again: it continues
 * from the journal in its registry.
 */
#ifndef POSTERN_AGENT_H
#define POSTERN_AGENT_H

#include <postern/eat.h>
#include <postern/store.h>
#include <postern/teep.h>

#define PST_AGENT_TAMS_MAX 8
#define PST_AGENT_TAM_KEYS_MAX 4
#define PST_AGENT_VERIFIERS_MAX 4 /* of one TAM */
#define PST_AGENT_SIGNERS_MAX 16
#define PST_AGENT_PREFIXES_MAX 8
#define PST_AGENT_SECRETS_MAX 16
#define PST_AGENT_URI_MAX 512	 /* bytes of a TAM URI */
#define PST_AGENT_NAME_MAX 64	 /* bytes of a TAM's name */
#define PST_AGENT_FORMAT_MAX 255 /* bytes of a media type that is kept */
/*
 * Update tokens that are remembered for each TAM, the oldest goes first. An
 * Update older than that is told by its sequence numbers alone, which say
 * nothing of an unlink: so this is a number of changes that a device does not
 * see while somebody keeps an old message for it. About 60 bytes each.
 */
#ifndef PST_AGENT_TOKENS_MAX
#define PST_AGENT_TOKENS_MAX 64
#endif
/* Errors to senders that could not be authenticated, for each TAM and minute.
 */
#define PST_AGENT_ERRORS_PER_MINUTE 4
/* A TAM that has to attest has so long to answer a challenge, ... */
#define PST_AGENT_CHALLENGE_S 600
/* ... may show a Result without one that was made so long ago, ... */
#define PST_AGENT_RESULT_AGE_S (24 * 3600)
/* ... is trusted so long, ... */
#define PST_AGENT_ATTESTED_S 3600
/* ... and its Verifier's clock may differ so much. */
#define PST_AGENT_SKEW_S 60
/* A TAM that refused a passport gets Evidence for so long. */
#define PST_AGENT_REFUSED_S (24 * 3600)
/* Components that applications wait for, all TAMs together. */
#define PST_AGENT_REQUESTS_MAX 32
/* The same component is not asked for again within this time. */
#define PST_AGENT_REQUEST_INTERVAL_S 60
/* Components and root manifests: what a tc-list can hold. Each TAM has an
 * equal share of them, and of the room for what is remembered of those that
 * were uninstalled (docs/decisions/0042). */
#define PST_AGENT_INSTALLED_MAX PST_TEEP_ITEMS_MAX
/*
 * Bytes of a payload whose image-size nobody set, when the configuration says
 * nothing else: nothing in the manifest bounds what a server sends.
 */
#ifndef PST_AGENT_PAYLOAD_MAX
#define PST_AGENT_PAYLOAD_MAX (64ull << 20)
#endif
/* Fetches of one Update that can be continued after a restart. */
#define PST_AGENT_FETCHES_MAX 128

/**
 * What may be done to the components under a prefix
 * (draft-ietf-suit-manifest, Section 9, third model); zero: everything.
 */
struct pst_agent_rights {
	bool some_commands;   /* those in `commands` only */
	bool some_parameters; /* likewise */
	uint64_t commands;    /* bit n: command n */
	uint64_t parameters;  /* bit n: parameter n */
};

/**
 * Component identifiers that an anchor may touch: encoded prefixes. Where
 * several cover a component each grants what it lists.
 */
struct pst_agent_scope {
	size_t count;
	struct pst_bytes prefix[PST_AGENT_PREFIXES_MAX];
	struct pst_agent_rights rights[PST_AGENT_PREFIXES_MAX];
};

/** A trusted TAM. Its index in the configuration names its session. */
struct pst_agent_tam {
	struct pst_bytes name; /* stable across restarts; keys the registry */
	struct pst_bytes uri;
	size_t key_count; /* raw keys */
	struct pst_pubkey keys[PST_AGENT_TAM_KEYS_MAX];
	struct pst_bytes root; /* DER of a trusted certificate; may be empty */
	/*
	 * EC2 key that SUIT Reports and Evidence to it are encrypted to. With
	 * kty 0 reports are as private as the transport, and Evidence goes
	 * only where that is said to suffice.
	 */
	struct pst_pubkey encryption_key;
	bool confidential_transport;
	bool sign_reports; /* each, besides the message that it is in */
	/*
	 * Verifiers whose Attestation Results about this TAM count. With any,
	 * the TAM has to attest before it gets Evidence or changes anything.
	 */
	size_t verifier_count;
	struct pst_pubkey verifiers[PST_AGENT_VERIFIERS_MAX];
	/*
	 * Name of the TAM whose Attestation Result this one is shown in place
	 * of Evidence, when it goes by time; empty: none.
	 */
	struct pst_bytes passport;
	struct pst_agent_scope scope;
};

/**
 * A trusted Trusted Component Signer: a public key of any kind that verifies
 * (EC2, OKP, HSS-LMS), or a secret that it shares with this device. For a
 * secret key.kty is PST_KTY_SYMMETRIC and key.alg the MAC (0: HMAC 256/256).
 */
struct pst_agent_signer {
	struct pst_pubkey key;
	uint32_t secret; /* the port's number for it; else 0 */
	struct pst_agent_scope scope;
};

/**
 * A key that content is encrypted to: a key encryption key, or an EC2 private
 * one for ECDH-ES. It is used for nothing else, and no other key for this.
 */
struct pst_agent_secret {
	uint32_t key;	       /* the port's number for it */
	int32_t wrap;	       /* A128KW, A192KW, A256KW; 0: pub is EC2 */
	struct pst_pubkey pub; /* of an EC2 key */
	uint8_t kid[PST_THUMBPRINT_LEN]; /* its thumbprint */
	struct pst_bytes other_kid;	 /* another name for it, or empty */
};

/** Kept by the agent until it is closed. */
struct pst_agent_config {
	const struct pst_agent_tam *tams;
	size_t tam_count;
	const struct pst_agent_signer *signers;
	size_t signer_count;
	const struct pst_agent_secret *secrets; /* to decrypt content with */
	size_t secret_count;
	struct pst_signer key; /* signs TEEP messages; kid is its thumbprint */
	struct pst_pubkey pub;
	/* signs SUIT Reports, where a TAM wants that; Evidence attests it */
	struct pst_signer report_key;
	struct pst_pubkey report_pub; /* kty 0: there is none */
	/* one of `secrets`, that Evidence attests for those who encrypt to this
	 * device; kty 0: none */
	struct pst_pubkey encryption_pub;
	uint32_t suites;	    /* PST_SUITE_* that the agent accepts */
	struct pst_bytes vendor_id; /* UUIDs, 16 bytes each; empty: no match */
	struct pst_bytes class_id;
	struct pst_bytes device_id;
	uint32_t policy_interval_s; /* a TAM is due again after this time */
	uint64_t payload_max;	    /* 0: PST_AGENT_PAYLOAD_MAX */
};

struct pst_agent_ports {
	const struct pst_crypto *crypto;
	const struct pst_store *store;
	const struct pst_clock *clock;
	const struct pst_attester *attester;
};

/**
 * Buffers that the caller provides and keeps. Sizes bound what the agent can
 * hold: too small gives PST_ERR_LIMIT or PST_ERR_SPACE, never less.
 *
 * A QueryResponse lists what the registry holds in about as many bytes, so
 * message and out want room for that, the Evidence and a signature. Stored
 * envelopes are read into out, and pass through it on their way to the store.
 */
struct pst_agent_memory {
	uint8_t *registry;   /* what is committed */
	uint8_t *staged;     /* what an Update is changing it to */
	size_t registry_cap; /* of each */
	uint8_t *message; /* the message that is being processed, copied in */
	size_t message_cap;
	uint8_t *out; /* the message that is returned */
	size_t out_cap;
	uint8_t *report; /* SUIT Reports of the Update under way */
	size_t report_cap;
	struct pst_suit_memory suit; /* of the SUIT processor */
};

/** What the host has to do next. */
enum pst_agent_do {
	PST_AGENT_NOTHING = 0, /* done: no data is passed back */
	PST_AGENT_CONNECT,     /* POST an empty body to uri */
	PST_AGENT_SEND,	       /* POST message to uri */
	PST_AGENT_FETCH	       /* get uri from byte offset; then resume */
};

/** Views the agent's memory; good until the next call. */
struct pst_agent_out {
	enum pst_agent_do what;
	uint32_t tam; /* names the session in later calls */
	struct pst_bytes uri;
	struct pst_bytes message;
	uint64_t offset;
	enum pst_err reason; /* why an Error message was made; for the log */
};

/** Something installed. Views the agent's registry. */
struct pst_agent_component {
	struct pst_bytes id; /* encoded */
	uint64_t object;     /* in the store */
	uint64_t size_bytes;
	struct pst_suit_digest digest;
	/* where the first manifest that references it is kept: a root manifest
	 * under its own identifier, a dependency in a component */
	struct pst_bytes manifest_id;
	uint64_t sequence; /* of that manifest */
};

struct pst_agent; /* complete in postern/agent_state.h */

/**
 * Open: load the registry, drop objects that nothing names.
 *
 * @retval PST_ERR_STORE_DAMAGED  the registry is not what was committed
 */
enum pst_err pst_agent_open(struct pst_agent *a,
    const struct pst_agent_config *config, const struct pst_agent_ports *ports,
    const struct pst_agent_memory *memory) PST_MUST_CHECK;

/** Forget secrets and handles. The store keeps what was committed. */
void pst_agent_close(struct pst_agent *a);

/**
 * RequestTA: an application needs this component.
 *
 * @param component  encoded SUIT_Component_Identifier
 * @param tam_uri    the application's suggestion, or empty; used only when it
 *                   names an anchored TAM
 * @param out        NOTHING when it is installed or was asked for lately
 * @retval PST_ERR_AGENT_RATE  there are too many requests, or it was asked for
 *                             and withdrawn within the interval
 */
enum pst_err
pst_agent_request_ta(struct pst_agent *a, struct pst_bytes component,
    struct pst_bytes tam_uri, struct pst_agent_out *out) PST_MUST_CHECK;

/**
 * UnrequestTA: no application needs this component any more.
 *
 * @retval PST_ERR_AGENT_RATE  that was said, and taken back by a RequestTA,
 *                             within the interval
 */
enum pst_err pst_agent_unrequest_ta(struct pst_agent *a,
    struct pst_bytes component, struct pst_agent_out *out) PST_MUST_CHECK;

/**
 * RequestPolicyCheck: one TAM that is due, or NOTHING when none is left. An
 * Update that was interrupted is continued first: FETCH when it waits for a
 * payload, SEND when it has come to its end. Each TAM is given once until
 * there was NOTHING.
 *
 * @param force  every TAM is due
 */
enum pst_err pst_agent_policy_check(
    struct pst_agent *a, bool force, struct pst_agent_out *out) PST_MUST_CHECK;

/**
 * The host that asked has vanished: the next policy check begins a round of
 * its own and gives every TAM that is due, those given before too.
 */
void pst_agent_new_round(struct pst_agent *a);

/**
 * ProcessTeepMessage: a message came from the TAM of this session. It is
 * copied into the agent's memory before it is looked at.
 *
 * @param out  the answer; an Error message is an answer too
 * @retval PST_ERR_BUSY  this TAM's session or another Update is under way
 */
enum pst_err pst_agent_message(struct pst_agent *a, uint32_t tam,
    struct pst_bytes message, struct pst_agent_out *out) PST_MUST_CHECK;

/**
 * Answer to PST_AGENT_FETCH: a chunk from out->offset on, or why there is
 * none. The chunk is copied before it is looked at.
 *
 * After a power cut the offset may be the payload's size: answer with an empty
 * last chunk (an HTTP server answers such a range with 416). An encrypted
 * payload begins anew then: a chunk from its middle is passed over, and FETCH
 * is for byte 0. So a host keeps the engine while it comes.
 *
 * @param status  PST_OK or PST_ERR_FETCH
 * @param last    the payload ends with this chunk
 * @param out     FETCH again, or the answer to the Update
 * @retval PST_ERR_STATE  no Update of this TAM waits for a payload
 */
enum pst_err pst_agent_resume(struct pst_agent *a, uint32_t tam,
    enum pst_err status, struct pst_bytes chunk, bool last,
    struct pst_agent_out *out) PST_MUST_CHECK;

/** ProcessError: the host could not reach this TAM. */
enum pst_err pst_agent_error(struct pst_agent *a, uint32_t tam) PST_MUST_CHECK;

/** PST_PROFILE_* of what this agent can verify and decrypt; or 0. */
uint32_t pst_agent_profiles(const struct pst_agent *a);

/** Find an installed component by its encoded identifier. */
enum pst_err pst_agent_component(const struct pst_agent *a, struct pst_bytes id,
    struct pst_agent_component *out) PST_MUST_CHECK;

/**
 * The next installed component.
 *
 * @param cursor  0 at first; changed by each call
 * @retval PST_ERR_NOT_FOUND  there are no more
 */
enum pst_err pst_agent_component_next(const struct pst_agent *a, size_t *cursor,
    struct pst_agent_component *out) PST_MUST_CHECK;

/**
 * The Attestation Result that this TAM passed back last (its "passport").
 *
 * @param out     receives it, at most cap bytes
 * @param format  its media type; empty: the TEEP profile's. Views the
 *                registry
 * @retval PST_ERR_NOT_FOUND  none has come
 */
enum pst_err pst_agent_result(struct pst_agent *a, uint32_t tam, uint8_t *out,
    size_t cap, size_t *len, struct pst_bytes *format) PST_MUST_CHECK;

#endif
