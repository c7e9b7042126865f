/*
 * SUIT manifests: envelope, authentication, the command interpreter, reports
 * (draft-ietf-suit-manifest, draft-ietf-suit-trust-domains,
 * draft-ietf-suit-report).
 *
 * The order is: pst_suit_envelope_decode (shape only, nothing trusted),
 * pst_suit_authenticate (signature, then manifest digest, then the manifest
 * is parsed), then pst_suit_run_begin and a pst_suit_run for each section.
 */
#ifndef POSTERN_SUIT_H
#define POSTERN_SUIT_H

#include <postern/cose_encrypt.h>
#include <postern/suit_limits.h>

#define PST_TAG_SUIT_ENVELOPE 107
#define PST_TAG_SUIT_MANIFEST 1070

/** Envelope and manifest labels; the sections among them name procedures. */
enum pst_suit_label {
	PST_SUIT_AUTHENTICATION = 2, /* envelope */
	PST_SUIT_MANIFEST = 3,	     /* envelope */
	PST_SUIT_VERSION = 1,
	PST_SUIT_SEQUENCE = 2,
	PST_SUIT_COMMON = 3,
	PST_SUIT_REFERENCE_URI = 4,
	PST_SUIT_COMPONENT_ID = 5,
	PST_SUIT_SET_VERSION = 6,
	PST_SUIT_VALIDATE = 7,
	PST_SUIT_LOAD = 8,
	PST_SUIT_INVOKE = 9,
	PST_SUIT_COSWID = 14,
	PST_SUIT_DEPENDENCY_RESOLUTION = 15,
	PST_SUIT_PAYLOAD_FETCH = 16,
	PST_SUIT_CANDIDATE_VERIFICATION = 18,
	PST_SUIT_INSTALL = 20,
	PST_SUIT_TEXT = 23,
	PST_SUIT_UNINSTALL = 24
};
#define PST_SUIT_LABEL_MAX 24

/** Labels inside suit-common. */
enum pst_suit_common {
	PST_SUIT_DEPENDENCIES = 1,
	PST_SUIT_COMPONENTS = 2,
	PST_SUIT_SHARED_SEQUENCE = 4
};

/** Conditions and directives share one number space. */
enum pst_suit_command {
	PST_SUIT_COND_VENDOR = 1,
	PST_SUIT_COND_CLASS = 2,
	PST_SUIT_COND_IMAGE_MATCH = 3,
	PST_SUIT_COND_USE_BEFORE = 4,
	PST_SUIT_COND_COMPONENT_SLOT = 5,
	PST_SUIT_COND_CHECK_CONTENT = 6,
	PST_SUIT_COND_DEPENDENCY_INTEGRITY = 7,
	PST_SUIT_COND_IS_DEPENDENCY = 8,
	PST_SUIT_DIR_PROCESS_DEPENDENCY = 11,
	PST_SUIT_DIR_SET_COMPONENT_INDEX = 12,
	PST_SUIT_COND_ABORT = 14,
	PST_SUIT_DIR_TRY_EACH = 15,
	PST_SUIT_DIR_WRITE = 18,
	PST_SUIT_DIR_SET_PARAMETERS = 19,
	PST_SUIT_DIR_OVERRIDE_PARAMETERS = 20,
	PST_SUIT_DIR_FETCH = 21,
	PST_SUIT_DIR_COPY = 22,
	PST_SUIT_DIR_INVOKE = 23,
	PST_SUIT_COND_DEVICE = 24,
	PST_SUIT_COND_IMAGE_NOT_MATCH = 25,
	PST_SUIT_COND_MINIMUM_BATTERY = 26,
	PST_SUIT_COND_UPDATE_AUTHORIZED = 27,
	PST_SUIT_COND_VERSION = 28,
	PST_SUIT_DIR_WAIT = 29,
	PST_SUIT_DIR_SWAP = 31,
	PST_SUIT_DIR_RUN_SEQUENCE = 32,
	PST_SUIT_DIR_UNLINK = 33,
	PST_SUIT_DIR_OVERRIDE_MULTIPLE = 34,
	PST_SUIT_DIR_COPY_PARAMS = 35
};

enum pst_suit_parameter {
	PST_SUIT_PARAM_VENDOR = 1,
	PST_SUIT_PARAM_CLASS = 2,
	PST_SUIT_PARAM_IMAGE_DIGEST = 3,
	PST_SUIT_PARAM_USE_BEFORE = 4,
	PST_SUIT_PARAM_COMPONENT_SLOT = 5,
	PST_SUIT_PARAM_STRICT_ORDER = 12,
	PST_SUIT_PARAM_SOFT_FAILURE = 13,
	PST_SUIT_PARAM_IMAGE_SIZE = 14,
	PST_SUIT_PARAM_CONTENT = 18,
	PST_SUIT_PARAM_ENCRYPTION_INFO = 19,
	PST_SUIT_PARAM_URI = 21,
	PST_SUIT_PARAM_SOURCE_COMPONENT = 22,
	PST_SUIT_PARAM_INVOKE_ARGS = 23,
	PST_SUIT_PARAM_DEVICE = 24,
	PST_SUIT_PARAM_FETCH_ARGUMENTS = 25,
	PST_SUIT_PARAM_MINIMUM_BATTERY = 26,
	PST_SUIT_PARAM_UPDATE_PRIORITY = 27,
	PST_SUIT_PARAM_VERSION = 28,
	PST_SUIT_PARAM_WAIT_INFO = 29,
	PST_SUIT_PARAM_COMPONENT_METADATA = 30
};

/** How a version is compared (update-management, suit-parameter-version). */
enum pst_suit_comparison {
	PST_SUIT_VERSION_GREATER = 1,
	PST_SUIT_VERSION_GREATER_EQUAL = 2,
	PST_SUIT_VERSION_EQUAL = 3,
	PST_SUIT_VERSION_LESSER_EQUAL = 4,
	PST_SUIT_VERSION_LESSER = 5
};

/** Wait events (update-management, suit-parameter-wait-info). */
enum pst_suit_event {
	PST_SUIT_EVENT_NONE = 0,
	PST_SUIT_EVENT_AUTHORIZATION = 1,
	PST_SUIT_EVENT_POWER = 2,
	PST_SUIT_EVENT_NETWORK = 3,
	PST_SUIT_EVENT_OTHER_DEVICE_VERSION = 4,
	PST_SUIT_EVENT_TIME = 5,
	PST_SUIT_EVENT_TIME_OF_DAY = 6,
	PST_SUIT_EVENT_DAY_OF_WEEK = 7,
	PST_SUIT_EVENT_TIME_OF_DAY_UTC = 8,
	PST_SUIT_EVENT_DAY_OF_WEEK_UTC = 9
};

/** suit-report-result-reason (draft-ietf-suit-report, Section 4.2). */
enum pst_suit_reason {
	PST_SUIT_REASON_OK = 0,
	PST_SUIT_REASON_CBOR_PARSE = 1,
	PST_SUIT_REASON_COSE_UNSUPPORTED = 2,
	PST_SUIT_REASON_ALG_UNSUPPORTED = 3,
	PST_SUIT_REASON_UNAUTHORISED = 4,
	PST_SUIT_REASON_COMMAND_UNSUPPORTED = 5,
	PST_SUIT_REASON_COMPONENT_UNSUPPORTED = 6,
	PST_SUIT_REASON_COMPONENT_UNAUTHORISED = 7,
	PST_SUIT_REASON_PARAMETER_UNSUPPORTED = 8,
	PST_SUIT_REASON_SEVERING_UNSUPPORTED = 9,
	PST_SUIT_REASON_CONDITION_FAILED = 10,
	PST_SUIT_REASON_OPERATION_FAILED = 11,
	PST_SUIT_REASON_INVOKE_PENDING = 12
};

struct pst_suit_digest {
	int32_t alg; /* a hash of enum pst_alg; 0 when there is none */
	struct pst_bytes bytes;
};

/** SUIT_Component_Identifier: an array of 1.. byte strings, checked. */
bool pst_component_id_valid(struct pst_bytes encoded);

/** Does id begin with every element of prefix? Both are encoded arrays. */
bool pst_component_id_under(struct pst_bytes id, struct pst_bytes prefix);

/** Read [alg, bstr]; the length must be that of the algorithm. */
struct pst_suit_digest pst_suit_digest_read(struct pst_cbor_reader *r);
void
pst_suit_digest_put(struct pst_cbor_writer *w, const struct pst_suit_digest *d);

/** An envelope taken apart; nothing in it is trusted yet. Views its input. */
struct pst_suit_envelope {
	struct pst_bytes
	    digest_content; /* encoded SUIT_Digest, what is signed */
	struct pst_suit_digest digest;
	struct pst_list blocks;		/* bstr items, authentication blocks */
	struct pst_bytes manifest_bstr; /* with its bstr head: what is hashed */
	struct pst_bytes members;	/* all pairs of the envelope, encoded */
	uint32_t member_count;
	uint32_t members_at; /* offset of members in the input */
};

/**
 * Take an envelope apart, tagged (107) or not.
 *
 * The authentication wrapper must come before the manifest (Section 8.3).
 */
enum pst_err pst_suit_envelope_decode(struct pst_bytes in,
    struct pst_suit_envelope *out, size_t *at) PST_MUST_CHECK;

/** The value of an envelope's text-keyed member: an integrated payload. */
bool pst_suit_integrated(const struct pst_suit_envelope *env,
    struct pst_bytes uri, struct pst_bytes *payload);

/** A manifest whose signature and digest were checked. Views its envelope. */
struct pst_suit_manifest {
	struct pst_suit_envelope envelope;
	struct pst_suit_digest digest; /* of the manifest: its identity */
	uint32_t who;		       /* signer, as the key source named it */
	uint64_t sequence;
	struct pst_bytes reference_uri; /* empty when absent */
	struct pst_bytes component_id; /* suit-manifest-component-id, encoded */
	struct pst_list components;    /* SUIT_Component_Identifier items */
	struct pst_bytes shared_sequence; /* content; empty when absent */
	struct pst_list dependencies;	  /* uint and metadata, alternating */
	/* component indices: components, and after them dependencies that are
	 * not among these (docs/interop.md) */
	uint32_t index_count;
	uint32_t sections; /* bit n: section n is usable, digest checked */
	uint32_t severed;  /* bit n: section n was severed and is not there */
	/* where each section's bstr begins, counted from envelope.members */
	uint32_t section_at[PST_SUIT_SECTION_COUNT];
};

/** Content of a command sequence or text; empty when there is none. */
struct pst_bytes
pst_suit_section(const struct pst_suit_manifest *m, enum pst_suit_label label);

/**
 * Verify signatures and the manifest's digest, then parse the manifest and
 * compare every severed member with its digest (Sections 6.2, 8.3, 8.7).
 *
 * An envelope member that the manifest does not name by digest and that is
 * no integrated payload is refused. At least one authentication block must
 * verify with a key of `keys`; blocks of unknown kinds are passed over. A
 * block is tagged and its payload is detached, as the CDDL has it.
 *
 * The sequence number is not compared with anything: what is installed is
 * the caller's to know (PST_ERR_SUIT_SEQUENCE).
 *
 * @param at  offset of the first fault in what was decoded; may be NULL
 *
 * @retval PST_ERR_SUIT_UNSIGNED  there is no authentication block
 * @retval PST_ERR_COSE_KEY       no block is by a key of `keys`
 * @retval PST_ERR_COSE_SIGNATURE a block names such a key and is not by it
 * @retval PST_ERR_SUIT_DIGEST    the manifest, or a severed member, is not
 *                                what was signed
 */
enum pst_err pst_suit_authenticate(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_suit_manifest *out, size_t *at) PST_MUST_CHECK;

/**
 * Likewise without signatures, for an envelope that the caller vouches for:
 * its own store, or a tool that shows it. Digests are still compared.
 */
enum pst_err pst_suit_accept(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, struct pst_suit_manifest *out,
    size_t *at) PST_MUST_CHECK;

/** Component `index` as an encoded identifier; empty when out of range. */
struct pst_bytes
pst_suit_component(const struct pst_suit_manifest *m, size_t index);

/** Is component `index` in suit-dependencies? */
bool pst_suit_dependency(const struct pst_suit_manifest *m, size_t index);

/* --- versions ----------------------------------------------------------- */

/**
 * SUIT_Condition_Version_Comparison_Value: 1 to PST_SUIT_VERSION_MAX
 * integers. A version's text and build metadata are not in it.
 */
bool pst_suit_version_valid(struct pst_bytes encoded);

/** The version that the manifest gives what it installs; empty: none. */
struct pst_bytes pst_suit_set_version(const struct pst_suit_manifest *m);

/**
 * Does a version have what SUIT_Parameter_Version_Match asks for?
 *
 * The integers of match decide, as far as they go. Where version has fewer
 * the missing ones count as 0, so that 1 is 1.0 and above 1.0-rc
 * (docs/interop.md).
 *
 * @param match    encoded [comparison, [+int]]
 * @param version  encoded [+int]
 * @retval PST_ERR_SUIT_CONDITION  it does not
 * @retval PST_ERR_SUIT_PARAMETER  one of them is not what it must be
 */
enum pst_err pst_suit_version_compare(
    struct pst_bytes match, struct pst_bytes version) PST_MUST_CHECK;

/* --- what a manifest would do ------------------------------------------ */

/** What the command sequences of a manifest say, without running them. */
struct pst_suit_images {
	/* bit n % 64 of word n / 64 is component n */
	/* an image-digest is set for it outside suit-uninstall */
	uint64_t digests[PST_SUIT_COMPONENT_WORDS];
	/* fetch, copy or write may change it */
	uint64_t written[PST_SUIT_COMPONENT_WORDS];
	/* image-match, check-content or the tag of an AEAD may verify it, or
	 * what is copied or decrypted from it, after such a command, in the
	 * same section or a later one, or write may fill it */
	uint64_t verified[PST_SUIT_COMPONENT_WORDS];
	/* suit-uninstall unlinks it */
	uint64_t unlinked[PST_SUIT_COMPONENT_WORDS];
	/* a command acts on it or copies from it, or a parameter other than
	 * uri is set for it: where bytes come from is free (Section 9) */
	uint64_t acted[PST_SUIT_COMPONENT_WORDS];
	bool install;	/* there is suit-install or suit-payload-fetch */
	bool validate;	/* there is suit-validate */
	bool uninstall; /* there is suit-uninstall */
};

/** Is the bit of component index set? */
static inline bool
pst_suit_has(const uint64_t *words, size_t index)
{
	return index < PST_SUIT_COMPONENTS_MAX &&
	    (words[index / 64] >> (index % 64) & 1);
}

/**
 * Called for each parameter that a sequence sets, in the manifest's order.
 * The same value comes again for each component that it is set for, but not
 * for one that copy-params copies it to. What it returns, unless PST_OK, ends
 * the walk.
 *
 * @param value  the encoded value: a bstr, tstr, uint …
 */
typedef enum pst_err pst_suit_visit(void *ctx, enum pst_suit_label section,
    uint32_t component, enum pst_suit_parameter label, struct pst_bytes value);

/**
 * Walk all sequences of a manifest, every alternative of a try-each
 * included, and tell what they name: for a TAM that decides what it
 * publishes, and for tools. Structure and commands are judged as a run does.
 *
 * @param visit  may be NULL
 * @param out    set only on success
 *
 * @retval PST_ERR_SUIT_SEVERED  a section was severed and is not there
 * @retval otherwise             as pst_suit_run: what a device would refuse
 */
enum pst_err pst_suit_manifest_images(const struct pst_suit_manifest *m,
    pst_suit_visit *visit, void *ctx,
    struct pst_suit_images *out) PST_MUST_CHECK;

/**
 * Do the integrated payloads of the envelope have the digests that the
 * manifest sets (draft-ietf-suit-manifest, Section 7.5)? For each component
 * whose URI names a payload, one of its image digests must be the payload's.
 * The signature does not cover them, so who passes an envelope on asks this.
 * Of what is encrypted only a device that decrypts it can tell: a payload is
 * passed over where encryption-info is set for the component, or where no
 * digest is, and encryption-info for a component that has a source. Where no
 * digest is set and the manifest has dependencies one of these may set it.
 *
 * A payload for a dependency is an envelope, and the digest is its manifest's;
 * the integrated payloads in it are judged in the same way, at most
 * PST_SUIT_TREE_DEPTH_MAX deep. Signatures are not looked at.
 *
 * @param name  set to the key of the payload at fault; a view, or empty
 *
 * @retval PST_ERR_SUIT_DIGEST     the payload is not what was signed for
 * @retval PST_ERR_LIMIT           dependencies within dependencies, too deep
 * @retval PST_ERR_SUIT_STRUCTURE  no command names the payload
 * @retval otherwise               as pst_suit_manifest_images
 */
enum pst_err pst_suit_integrated_check(const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, struct pst_bytes *name) PST_MUST_CHECK;

/* --- report ------------------------------------------------------------ */

/** Where a command stands: SUIT_Record (draft-ietf-suit-report, Section 3). */
struct pst_suit_record {
	int32_t section;
	uint32_t offset;
	uint32_t component; /* index in the manifest that ran */
	/* manifest-id: component indices of dependencies, from the root to the
	 * manifest that ran; none: the root itself */
	uint16_t walk[PST_SUIT_WALK_MAX];
	uint8_t walk_len;
};

/**
 * A report in the making. Records go into the caller's buffer as they happen.
 * When it is full a record that does not fit is dropped whole, and `dropped`
 * counts it; smaller ones that come later are still kept. The result, and
 * where processing stopped, need no room there: they always come.
 */
struct pst_suit_report {
	struct pst_cbor_writer records;
	size_t count;
	size_t dropped;
	enum pst_err err; /* PST_OK, or why processing failed */
	enum pst_suit_reason reason;
	struct pst_suit_record record; /* where it failed */
	/* said too, when there is room (postern/suit_report.h); NULL: not */
	const struct pst_suit_capabilities *capabilities;
};

/* Room that the result takes beside records, reference URI and nonce. */
#define PST_SUIT_REPORT_OVERHEAD 192

void pst_suit_report_init(struct pst_suit_report *r, uint8_t *buf, size_t cap);

/** Append system-property-claims or a SUIT_Record, already encoded. */
void pst_suit_report_add(struct pst_suit_report *r, struct pst_bytes item);

/**
 * Write the SUIT_Report (Section 4).
 *
 * When w has not room for everything the capability report is left out, then
 * the last records, one by one: with PST_SUIT_REPORT_OVERHEAD bytes and those
 * of URI and nonce the result is always written.
 *
 * @param reference_uri  suit-reference-uri; empty when the manifest has none
 * @param manifest       its digest, as the envelope has it
 * @param nonce          the Update's token; empty: no suit-report-nonce
 */
enum pst_err pst_suit_report_encode(struct pst_cbor_writer *w,
    const struct pst_suit_report *r, struct pst_bytes reference_uri,
    const struct pst_suit_digest *manifest,
    struct pst_bytes nonce) PST_MUST_CHECK;

/** A received report. Views its input. */
struct pst_suit_report_view {
	struct pst_bytes uri;
	struct pst_suit_digest manifest;
	struct pst_bytes nonce; /* empty when absent */
	struct pst_list records;
	bool success;
	int64_t code;
	enum pst_suit_reason reason;
	struct pst_suit_record record;
	struct pst_bytes capability_report; /* encoded; empty when absent */
};

/** Decode SUIT_Report (unprotected form). */
enum pst_err pst_suit_report_decode(const struct pst_verified *in,
    struct pst_suit_report_view *out, size_t *at) PST_MUST_CHECK;

/** The one place where an error becomes a report's reason. */
enum pst_suit_reason pst_suit_reason_of(enum pst_err err);

/* --- the interpreter --------------------------------------------------- */

/** What a manifest's signer is asked for (Section 9, third model). */
enum pst_suit_act_kind {
	PST_SUIT_ACT_HOLD,	/* have the component at all */
	PST_SUIT_ACT_COMMAND,	/* act on it: label is the command's */
	PST_SUIT_ACT_PARAMETER, /* say how: label is the parameter's */
};
struct pst_suit_act {
	enum pst_suit_act_kind kind;
	int64_t label; /* 0 for HOLD */
};

/**
 * What the interpreter asks of the device. Components are named by their
 * encoded identifier. All manifests of a run share one table of places: what
 * has the same identifier is the same place, and index is its number, less
 * than PST_SUIT_PLACES_MAX. The components of the root manifest have their own
 * index; those of dependencies follow as they are loaded.
 *
 * The manifest that is given is the one that acts, with its own signer.
 */
struct pst_suit_host {
	void *ctx;

	/**
	 * May the manifest's signer do this with this component (Section 9)?
	 * Asked for each component (HOLD) when processing begins and when a
	 * dependency is loaded, and before each command that reads or changes
	 * one: for the command, with the manifest that runs, and for each
	 * parameter but the URI that the command takes, with the manifest that
	 * set it.
	 *
	 * @retval PST_ERR_SUIT_UNAUTHORISED  no
	 * @retval PST_ERR_SUIT_COMPONENT     no such component can exist here
	 */
	enum pst_err (*authorise)(void *ctx, const struct pst_suit_manifest *m,
	    struct pst_bytes component, struct pst_suit_act act);

	/**
	 * Does the device have this vendor, class or device identifier?
	 *
	 * @param what  PST_SUIT_PARAM_VENDOR, _CLASS or _DEVICE
	 * @param uuid  the manifest's value
	 * @retval PST_ERR_SUIT_CONDITION  it does not
	 */
	enum pst_err (*identify)(void *ctx, struct pst_bytes component,
	    enum pst_suit_parameter what, struct pst_bytes uuid);

	/** Is slot the component's current slot? As identify. */
	enum pst_err (*slot)(
	    void *ctx, struct pst_bytes component, uint64_t slot);

	/**
	 * Replace a component's content: begin, chunks, end. Nothing is seen
	 * by others until the host commits.
	 *
	 * @param size_bytes  the image-size parameter; UINT64_MAX: not known
	 */
	enum pst_err (*write_begin)(void *ctx, uint32_t index,
	    struct pst_bytes component, uint64_t size_bytes);
	enum pst_err (*write)(
	    void *ctx, uint32_t index, struct pst_bytes chunk);
	enum pst_err (*write_end)(void *ctx, uint32_t index);

	/**
	 * Read a component's content as it is now: written in this run, else
	 * installed. What write_end has not ended is not content yet.
	 *
	 * @param len  bytes read; 0 at the end
	 * @retval PST_ERR_NOT_FOUND  the component has no content
	 */
	enum pst_err (*read)(void *ctx, uint32_t index,
	    struct pst_bytes component, uint64_t at, uint8_t *out, size_t cap,
	    size_t *len);

	/**
	 * What an interrupted earlier run of the same manifest left of this
	 * fetch, so that it can go on; or content that is there already and
	 * need not come again. When there is something, write_begin is not
	 * called: further chunks append to what is there. NULL: every fetch
	 * starts anew. Not asked for integrated payloads.
	 *
	 * @param info      encryption-info that the payload is decrypted with
	 *                  as it comes, empty: none. It is a part of what a
	 *                  fetch is known by. With one the run goes on only
	 *                  from what is complete: from anything less it calls
	 *                  write_begin and starts anew
	 * @param have      bytes that are there; 0: start anew
	 * @param complete  they are the whole payload; write_end was called
	 * @retval PST_ERR_FETCH  this URI is not one to fetch from
	 */
	enum pst_err (*fetched)(void *ctx, uint32_t index,
	    struct pst_bytes component, struct pst_bytes uri,
	    struct pst_bytes info, uint64_t *have, bool *complete);

	/** Drop this manifest's reference to a component (trust-domains). */
	enum pst_err (*unlink)(void *ctx, const struct pst_suit_manifest *m,
	    struct pst_bytes component);

	/** Transfer control to a component. PST_ERR_UNSUPPORTED where none. */
	enum pst_err (*invoke)(
	    void *ctx, struct pst_bytes component, struct pst_bytes args);

	/*
	 * Update management and swap. A member that is NULL makes its
	 * command, or parameter, one that is not supported.
	 */

	/**
	 * Seconds since 1970-01-01, for use-before and wait.
	 *
	 * @retval PST_ERR_CLOCK  there is no time that can be relied on: the
	 *                        condition fails, the event has not come
	 */
	enum pst_err (*now)(void *ctx, uint64_t *seconds);

	/** The battery's level in mWh, for minimum-battery. */
	enum pst_err (*battery)(void *ctx, uint64_t *mwh);

	/**
	 * Does the application, or its user, let this update go on?
	 *
	 * @param priority  smaller is more urgent
	 * @retval PST_ERR_SUIT_CONDITION  no
	 */
	enum pst_err (*authorized)(void *ctx, const struct pst_suit_manifest *m,
	    struct pst_bytes component, int64_t priority);

	/**
	 * The version of what the component holds.
	 *
	 * @param version  encoded [+int]; good until the next call
	 * @retval PST_ERR_NOT_FOUND  it has none: the condition fails
	 */
	enum pst_err (*version)(
	    void *ctx, struct pst_bytes component, struct pst_bytes *version);

	/**
	 * Has an event come? Asked for every event of wait-info except time
	 * in UTC, for which `now` serves, and asked again at each
	 * pst_suit_resume.
	 *
	 * @param value  its encoded argument
	 * @retval PST_ERR_AGAIN        not yet
	 * @retval PST_ERR_UNSUPPORTED  this device will never know; the run
	 *                              fails with PST_ERR_SUIT_PARAMETER
	 */
	enum pst_err (*wait)(void *ctx, struct pst_bytes component,
	    enum pst_suit_event event, struct pst_bytes value);

	/**
	 * SUIT_Component_Metadata, checked, for the content that comes next:
	 * called before the fetched, or else write_begin, of a fetch, copy or
	 * write. What it names is the signer's word: the host judges it.
	 */
	enum pst_err (*metadata)(void *ctx, uint32_t index,
	    struct pst_bytes component, struct pst_bytes metadata);

	/**
	 * Exchange the contents of two components, in one step or so that an
	 * interrupted run can go on. Seen by others from the commit on.
	 *
	 * @retval PST_ERR_NOT_FOUND  the source has no content
	 */
	enum pst_err (*swap)(void *ctx, uint32_t index,
	    struct pst_bytes component, uint32_t source_index,
	    struct pst_bytes source);

	/**
	 * Does anybody but this manifest refer to a dependency? Asked before
	 * its suit-uninstall runs (trust-domains, suit-directive-unlink).
	 * NULL: nobody does.
	 */
	enum pst_err (*references)(void *ctx, const struct pst_suit_manifest *m,
	    struct pst_bytes component, bool *others);

	/**
	 * A dependency was authenticated, in a component: may it be processed?
	 * The place for a rollback check of its sequence number
	 * (draft-ietf-suit-manifest, Section 6.2). NULL: it may.
	 *
	 * @retval PST_ERR_SUIT_SEQUENCE  it is older than what was here
	 */
	enum pst_err (*accept)(void *ctx, const struct pst_suit_manifest *m,
	    uint32_t index, struct pst_bytes component);

	/**
	 * suit-parameter-fetch-arguments for the fetch that comes next: called
	 * before the fetched, or else write_begin, of a fetch that leaves the
	 * envelope.
	 */
	enum pst_err (*fetch_arguments)(void *ctx, uint32_t index,
	    struct pst_bytes component, struct pst_bytes uri,
	    struct pst_bytes arguments);

	/**
	 * A custom command (label less than -256). It may change what the
	 * component holds: the manifest has to verify that again.
	 * pst_suit_run_parameter tells what is set for the component.
	 *
	 * @param argument  encoded: bstr, tstr, int or null
	 * @retval PST_ERR_SUIT_COMMAND    there is no such command here
	 * @retval PST_ERR_SUIT_CONDITION  it is a condition, and failed
	 */
	enum pst_err (*command)(void *ctx, const struct pst_suit_manifest *m,
	    uint32_t index, struct pst_bytes component, int64_t label,
	    struct pst_bytes argument);

	/**
	 * Is there such a custom parameter (label less than -256)?
	 *
	 * @param value  encoded: int, bool, tstr or bstr
	 * @retval PST_ERR_SUIT_PARAMETER  no, or not with this value
	 */
	enum pst_err (*parameter)(void *ctx, const struct pst_suit_manifest *m,
	    struct pst_bytes component, int64_t label, struct pst_bytes value);
};

/**
 * One running sequence. All offsets count from the start of the section's
 * content, which is also what a SUIT_Record counts from.
 */
struct pst_suit_frame {
	uint32_t at;	    /* the present command */
	uint32_t next;	    /* the command after it */
	uint32_t list_at;   /* component indices, when index_kind is a list */
	uint32_t other_at;  /* try-each: the next alternative */
	uint16_t left;	    /* commands to come, the present one included */
	uint16_t index;	    /* component, or position in a list or in all */
	uint16_t list_len;  /* how many */
	uint16_t other_len; /* try-each: how many are left */
	uint8_t kind;	    /* section, try-each, run-sequence */
	uint8_t index_kind; /* none, one, list or all */
	bool soft_failure;
	bool strict_order;
	uint8_t indexing; /* whether set-component-index is legal here */
};

/** A manifest that runs: the root, or a dependency that was called. */
struct pst_suit_call {
	uint8_t manifest;   /* number of the manifest */
	uint8_t base;	    /* frames below this call */
	uint8_t section;    /* whose sequence runs now */
	uint8_t after;	    /* section to run after the shared sequence */
	uint16_t component; /* the dependency's index in its dependent */
	uint16_t commands;  /* run so far in this section */
	uint32_t done; /* bit n: dependency n was processed in this section */
	bool again;    /* the command that called is carried out again */
};

/** A parameter that is set: where its value is encoded. */
struct pst_suit_param {
	int32_t label;
	uint16_t component; /* place */
	uint8_t setter;	    /* number of the manifest that set it */
	uint8_t origin;	    /* of the one that the value is in */
	const uint8_t *value;
};

/** Working memory of a run: the caller's, kept until the run ends. */
struct pst_suit_memory {
	struct pst_suit_param *params; /* set at one time, all components */
	size_t param_cap;	       /* one too few is PST_ERR_LIMIT */
	uint8_t *work;		       /* chunk buffer for copies and digests */
	size_t work_cap;	       /* PST_SUIT_WORK_MIN or more */
	/*
	 * Where dependencies are kept: their envelopes, and about
	 * PST_SUIT_LOADED_BYTES and 16 bytes a component for each. Too small
	 * is PST_ERR_LIMIT; NULL: no manifest with dependencies can be run.
	 */
	uint8_t *arena;
	size_t arena_cap;
};
#define PST_SUIT_LOADED_BYTES (sizeof(struct pst_suit_manifest) + 96)

/** What a run uses; all of it is kept until the run ends. */
struct pst_suit_run_args {
	const struct pst_crypto *crypto;
	const struct pst_suit_host *host;
	struct pst_suit_report *report;
	/*
	 * Who may sign dependencies. NULL: a dependency is authenticated by
	 * its digest alone, for the caller's own store or a device with one
	 * level of access (trust-domains, Changes to Required Checks). Its
	 * find_secret gives the secrets of the device that open encrypted
	 * payloads: it is asked with the headers of a recipient, whose alg
	 * tells them from keys of a MAC.
	 */
	const struct pst_keys *keys;
	struct pst_suit_memory memory;
};

struct pst_suit_loaded; /* a dependency; private to core/suit */

/**
 * A manifest being processed. Private by agreement; memory is the caller's.
 * The essay at the top of core/suit/run.c says what each field means when.
 */
struct pst_suit_run {
	const struct pst_suit_manifest *root;
	const struct pst_suit_manifest *m; /* the one that runs */
	const struct pst_crypto *crypto;
	const struct pst_suit_host *host;
	struct pst_suit_report *report;
	const struct pst_keys *keys;
	struct pst_suit_memory memory;
	enum pst_err err;
	struct pst_bytes code; /* content of the section that runs */
	struct pst_bytes name; /* identifier of component name_of; or empty */
	uint32_t name_of;
	uint32_t depth; /* frames in use */
	uint32_t param_count;
	uint8_t phase;	   /* idle, running, waiting, failed */
	uint8_t procedure; /* which one the last section was of */
	/* enum pst_suit_event that wait waits for; 0: for a payload */
	uint8_t event;
	uint8_t call_depth; /* calls in use */
	uint8_t call_count; /* in this section of the root */
	uint8_t loaded_count;
	uint16_t place_count;
	size_t arena_used;
	struct pst_suit_loaded *loaded; /* in the arena, the newest first */
	struct pst_suit_call calls[PST_SUIT_TREE_DEPTH_MAX + 1];
	struct pst_suit_frame frames[PST_SUIT_FRAMES_MAX];
	/* places whose content was written, and verified, in this run */
	uint64_t written[PST_SUIT_PLACE_WORDS];
	uint64_t checked[PST_SUIT_PLACE_WORDS];
	/* dependencies with which image-match succeeded */
	uint64_t matched[PST_SUIT_PLACE_WORDS];
	/* written to and read from since strict order was given up */
	uint64_t targets[PST_SUIT_PLACE_WORDS];
	uint64_t sources[PST_SUIT_PLACE_WORDS];
	uint32_t loose_depth; /* frames when it was given up; 0: it was not */
	/* the fetch that is under way */
	uint32_t fetch_component; /* place */
	struct pst_bytes fetch_uri;
	uint64_t fetch_at;    /* bytes of the payload that have come */
	uint64_t put_bytes;   /* bytes that the host was given to write */
	uint64_t image_bytes; /* what they must come to; UINT64_MAX: unknown */
	/* the cipher between them, and what verifies its result */
	struct pst_cose_opening opening;
	bool decrypting;
	bool sealer_counts;
	bool vouched;
	uint8_t sealer; /* the manifest that set encryption-info */
	uint8_t voucher;
	/* of what is checked: the manifest that said what it must be */
	uint8_t vouchers[PST_SUIT_PLACES_MAX];
	/* for what was decrypted from a place: its number and one */
	uint16_t origin[PST_SUIT_PLACES_MAX];
	/* the dependency that is not there, after
	 * PST_ERR_SUIT_DEPENDENCY_MISSING; views the manifests */
	struct pst_bytes missing;     /* its component */
	struct pst_bytes missing_uri; /* empty: none was set */
	uint32_t hash;		      /* handle, valid while hashing */
	bool hashing;
	bool measured_manifest; /* of the manifest in an envelope only */
	uint8_t measured_len;
	/* digest of what was last written, by fetch or copy */
	int32_t measured_alg; /* 0: nothing is measured */
	uint32_t measured_component;
	uint8_t measured[PST_DIGEST_MAX];
};

/**
 * Begin to process a manifest: check its components with host->authorise and
 * clear all parameters (Section 6.1).
 *
 * @param m     the root manifest; kept until the run ends
 * @param args  borrowed; what it names is kept until the run ends
 */
enum pst_err
pst_suit_run_begin(struct pst_suit_run *run, const struct pst_suit_manifest *m,
    const struct pst_suit_run_args *args) PST_MUST_CHECK;

/**
 * Run one section, the shared sequence first (Sections 6.4 and 8.4.5), and
 * with it the same section of dependencies that it processes.
 *
 * @retval PST_OK         done, or the manifest has no such section
 * @retval PST_ERR_AGAIN  if run->event is 0 a payload is wanted:
 *                        run->fetch_uri from byte run->fetch_at; else that
 *                        event has not come. Answer with pst_suit_resume
 * @retval PST_ERR_SUIT_DEPENDENCY_MISSING  a dependency is not there and
 *                        could not be fetched: run->missing
 * @retval otherwise      failed; the report says where and why
 */
enum pst_err pst_suit_run(
    struct pst_suit_run *run, enum pst_suit_label section) PST_MUST_CHECK;

/**
 * Give the run a piece of the payload that it waits for; or, when it waits
 * for an event, let it look again (chunk and last do not count then).
 *
 * @param status  PST_OK, or why the payload could not be had, or why the
 *                event is not waited for any more
 * @param chunk   next bytes; may be empty
 * @param last    the payload ends with this chunk
 * @return as pst_suit_run
 */
enum pst_err pst_suit_resume(struct pst_suit_run *run, enum pst_err status,
    struct pst_bytes chunk, bool last) PST_MUST_CHECK;

/**
 * May the result be committed? Every component that was written must have
 * been verified by image-match or check-content, or written by `write`; a
 * dependency by dependency-integrity as well.
 *
 * @retval PST_ERR_SUIT_UNVERIFIED  no
 */
enum pst_err pst_suit_run_end(struct pst_suit_run *run) PST_MUST_CHECK;

/** Release what the run holds in the crypto port. Safe at any time. */
void pst_suit_run_abandon(struct pst_suit_run *run);

/** The identifier of a place; empty when there is no such place. */
struct pst_bytes
pst_suit_run_place(const struct pst_suit_run *run, uint32_t index);

/**
 * A manifest of the run: 0 is the root, then dependencies as they were loaded,
 * up to run->loaded_count.
 *
 * @param place  set to the place of its envelope; UINT32_MAX for the root
 */
const struct pst_suit_manifest *pst_suit_run_manifest(
    const struct pst_suit_run *run, uint32_t number, uint32_t *place);

/** The place of component `index` of manifest `number`; or UINT32_MAX. */
uint32_t pst_suit_run_place_of(
    const struct pst_suit_run *run, uint32_t number, size_t index);

/** A parameter that is set for a place, encoded; false when it is not set. */
bool pst_suit_run_parameter(const struct pst_suit_run *run, uint32_t index,
    int64_t label, struct pst_bytes *value);

#endif
