/*
 * The TAM's store on SQLite: devices, what they report, manifests, groups,
 * assignments, anchors, spent challenges, audit. Plain SQL.
 *
 * One writer thread commits batches; each thread that reads has a reader of
 * its own. A commit is durable when its completion is called.
 */
#ifndef POSTERN_TAM_STORE_H
#define POSTERN_TAM_STORE_H

#include <tam/engine/engine.h>

/* A batch ends at so many changes or when the oldest waited so long. */
#define PST_TAM_BATCH_MAX 256
#define PST_TAM_BATCH_MS 2
/* Lists of changes that wait; one more is PST_ERR_BUSY. */
#define PST_TAM_QUEUE_MAX 4096
#define PST_TAM_NAME_MAX 128 /* bytes of a name that an operator gives */
/* Reports and audit rows that are kept, newest first. */
#define PST_TAM_REPORTS_KEPT 64	  /* a device */
#define PST_TAM_AUDIT_KEPT 100000 /* in all */
/*
 * Versions of a manifest whose envelope is kept. Older ones keep their row, so
 * that reports can name them, but nothing would send them again.
 */
#define PST_TAM_ENVELOPES_KEPT 3

struct pst_tam_store;  /* the database and its writer */
struct pst_tam_reader; /* one thread's view of it */

/**
 * Open or create the database at path and start the writer. An older schema
 * is brought up to date first, in one transaction.
 *
 * @param note  receives one line for people when it fails; may be NULL
 *
 * @retval PST_ERR_STORE_DAMAGED  not a database, or fails its check
 * @retval PST_ERR_UNSUPPORTED    written by a newer version
 * @retval PST_ERR_STORE          cannot be opened
 */
enum pst_err pst_tam_store_open(const char *path, struct pst_tam_store **out,
    char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;

/** Commit what is queued, stop the writer, close. NULL is fine. */
void pst_tam_store_close(struct pst_tam_store **store);

/** A reader for the calling thread. */
enum pst_err pst_tam_reader_open(
    struct pst_tam_store *store, struct pst_tam_reader **out) PST_MUST_CHECK;
void pst_tam_reader_close(struct pst_tam_reader **reader);

/** Fill in the engine's records port; it keeps reader. */
void pst_tam_reader_records(
    struct pst_tam_reader *reader, struct pst_tam_records *out);

/** Called by the writer thread when a list is durable, or was refused. */
typedef void pst_tam_done(void *ctx, enum pst_err err);

/**
 * Queue a list of changes. It is copied whole.
 *
 * @param done  called once unless this returns an error; must not block
 *
 * done's err: PST_OK; PST_ERR_TEEP_TOKEN: a challenge or token was used
 * before, nothing was applied; PST_ERR_NOT_FOUND: the device is gone;
 * PST_ERR_STORE: could not be written.
 *
 * @retval PST_ERR_BUSY  the queue is full: 503
 */
enum pst_err pst_tam_store_submit(struct pst_tam_store *store,
    const struct pst_tam_changes *changes, pst_tam_done *done,
    void *ctx) PST_MUST_CHECK;

/** Likewise, and wait for the outcome. */
enum pst_err pst_tam_store_apply(struct pst_tam_store *store,
    const struct pst_tam_changes *changes) PST_MUST_CHECK;

/* --- what an operator does --------------------------------------------- *
 *
 * Each call is one transaction with one audit row, and returns when it is
 * durable. `who` is the operator, for the audit. Names are UTF-8, 1 to
 * PST_TAM_NAME_MAX bytes, without control characters: else PST_ERR_ARG.
 * Component identifiers are encoded (pst_component_parse).
 */

/** Who attests for a device: a key, or what Evidence says of its attester. */
struct pst_tam_attester {
	/* whose Evidence it is, in the Verifier's words: "eat", "tpm" …; "":
	 * any technology whose key this is */
	const char *technology;
	bool has_key;
	struct pst_pubkey key;
	/*
	 * What the Verifier names the attester by, 1 to PST_TAM_ATTESTER_MAX
	 * bytes: a claim (chip-id, instance-id …). Empty: the thumbprint of
	 * the key.
	 */
	struct pst_bytes identity;
	/* x5chain of the key, encoded: then Evidence counts only while the
	 * path leads to an anchor; empty: the key itself is trusted */
	struct pst_bytes x5chain;
	const char *origin; /* the factory that vouched; "": an operator */
	uint64_t since_s;   /* set by a listing */
};

/**
 * Enroll a device by its attester.
 *
 * @param name  NULL or "": the first 16 hexadecimal digits of what names the
 *              attester
 * @retval PST_ERR_STATE  another device has this name or attester; the same
 *                        attester under the same name is PST_OK
 * @retval PST_ERR_ARG    neither key nor identity; a technology that is none
 */
enum pst_err pst_tam_device_enroll(struct pst_tam_store *store,
    const struct pst_crypto *crypto, const char *who, const char *name,
    const struct pst_tam_attester *attester, uint64_t now_s,
    int64_t *id) PST_MUST_CHECK;
/**
 * Another attester of a device, beside those it has: so that a key can be
 * replaced while the old one still attests. The new one stands for the device
 * in listings.
 *
 * @retval PST_ERR_NOT_FOUND  no such device
 * @retval PST_ERR_STATE      it attests for another device
 */
enum pst_err pst_tam_attester_add(struct pst_tam_store *store,
    const struct pst_crypto *crypto, const char *who, const char *name,
    const struct pst_tam_attester *attester, uint64_t now_s) PST_MUST_CHECK;
/**
 * Take one back; what it attested before stays recorded.
 *
 * @retval PST_ERR_NOT_FOUND  no such device, or not its attester
 * @retval PST_ERR_STATE      it is the only one: remove or revoke the device
 */
enum pst_err
pst_tam_attester_remove(struct pst_tam_store *store, const char *who,
    const char *name, struct pst_bytes attester, uint64_t now_s) PST_MUST_CHECK;
/** Set a device's status; PST_TAM_REVOKED withdraws its pending Update. */
enum pst_err pst_tam_device_status(struct pst_tam_store *store, const char *who,
    const char *name, enum pst_tam_status status,
    uint64_t now_s) PST_MUST_CHECK;
/** Forget a device and everything that hangs on it. */
enum pst_err pst_tam_device_remove(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s) PST_MUST_CHECK;

enum pst_err pst_tam_group_add(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s) PST_MUST_CHECK;
enum pst_err pst_tam_group_remove(struct pst_tam_store *store, const char *who,
    const char *name, uint64_t now_s) PST_MUST_CHECK;
/** Put a device into a group, or with member false take it out. */
enum pst_err pst_tam_group_member(struct pst_tam_store *store, const char *who,
    const char *group, const char *device, bool member,
    uint64_t now_s) PST_MUST_CHECK;

enum pst_tam_scope { PST_TAM_ALL = 0, PST_TAM_GROUP = 1, PST_TAM_DEVICE = 2 };

/** When a device gets what is assigned to it. As stored. */
enum pst_tam_terms {
	PST_TAM_ALWAYS = 0,	/* whenever it attested */
	PST_TAM_ON_REQUEST = 1, /* when it asks for it, too */
	PST_TAM_REMEDIATION = 2 /* also when it is genuine but out of policy */
};

/**
 * Assign a component: to all devices, a group or one device.
 *
 * @param component   a component of some manifest, or a
 *                    manifest-component-id; may be published later
 * @param target      name of the group or device; ignored for PST_TAM_ALL
 * @retval PST_ERR_NOT_FOUND  no such group or device
 */
enum pst_err pst_tam_assign(struct pst_tam_store *store, const char *who,
    struct pst_bytes component, enum pst_tam_scope scope, const char *target,
    enum pst_tam_terms terms, uint64_t now_s) PST_MUST_CHECK;
/** Take an assignment back. Devices to which it was delivered unlink it. */
enum pst_err pst_tam_unassign(struct pst_tam_store *store, const char *who,
    struct pst_bytes component, enum pst_tam_scope scope, const char *target,
    uint64_t now_s) PST_MUST_CHECK;

enum pst_tam_anchor_kind {
	PST_TAM_SIGNER = 1,   /* of manifests */
	PST_TAM_VERIFIER = 2, /* of Attestation Results */
	PST_TAM_AUTHOR = 3    /* of CoRIMs: Reference Values that are signed */
};

/** A key that may sign what its kind says. */
struct pst_tam_anchor {
	int64_t id;
	enum pst_tam_anchor_kind kind;
	const char *name;
	struct pst_pubkey key;
	/*
	 * Encoded identifiers one after another: what a signer may sign for.
	 * None: nothing, for a signer; not used by the others.
	 */
	struct pst_list prefixes;
};

/** @retval PST_ERR_STATE  the name is taken by another key */
enum pst_err pst_tam_anchor_add(struct pst_tam_store *store, const char *who,
    const struct pst_tam_anchor *anchor, uint64_t now_s) PST_MUST_CHECK;
enum pst_err pst_tam_anchor_remove(struct pst_tam_store *store, const char *who,
    enum pst_tam_anchor_kind kind, const char *name,
    uint64_t now_s) PST_MUST_CHECK;

/** What a file is to the Verifier in process (verifier/endorsements.h). */
enum pst_tam_endorsement_kind {
	PST_TAM_VENDOR_ROOT = 1, /* certificates: anchors of vendors' chains */
	PST_TAM_DEVICE_ROOT = 2, /* certificates: anchors of agents' x5chain */
	PST_TAM_COLLATERAL = 3,	 /* certificates and files that help */
	PST_TAM_CRL = 4,
	PST_TAM_REFERENCE = 5 /* Reference Values */
};
#define PST_TAM_ENDORSEMENT_KINDS 6 /* one more than the last */
/** "vendor-root" … of a kind that is one. */
const char *pst_tam_endorsement_kind_name(enum pst_tam_endorsement_kind kind);
/* Bytes of one file: CRLs of large authorities have some megabytes. */
#define PST_TAM_ENDORSEMENT_MAX (8u << 20)
/* Files in all: every one is read when a node starts. */
#define PST_TAM_ENDORSEMENTS_MAX 256

/** A file as it was given. Nobody but its loader looks into it. */
struct pst_tam_endorsement {
	int64_t id;
	enum pst_tam_endorsement_kind kind;
	const char *name;
	uint64_t added_s;
	size_t size;
	struct pst_bytes content; /* empty where a listing leaves it out */
};

/**
 * Store a file under its kind and name; it replaces what was there. Whether
 * it is what it should be is the caller's to check first
 * (tam/node/trust.h).
 *
 * @retval PST_ERR_LIMIT  too long, or PST_TAM_ENDORSEMENTS_MAX are there
 */
enum pst_err
pst_tam_endorsement_put(struct pst_tam_store *store, const char *who,
    const struct pst_tam_endorsement *e, uint64_t now_s) PST_MUST_CHECK;
enum pst_err pst_tam_endorsement_remove(struct pst_tam_store *store,
    const char *who, enum pst_tam_endorsement_kind kind, const char *name,
    uint64_t now_s) PST_MUST_CHECK;

/** A manifest that was checked, ready to be stored. */
struct pst_tam_manifest {
	int64_t id;
	struct pst_bytes manifest_id; /* encoded */
	uint64_t sequence;
	struct pst_suit_digest digest;
	struct pst_list components; /* SUIT_Component_Identifier items */
	struct pst_bytes envelope;
	size_t envelope_len; /* in a listing, where envelope is empty */
	const char *signer;  /* anchor's name */
	uint64_t published_s;
};

/**
 * Check an envelope and publish it (draft-ietf-suit-manifest, Section 6.2).
 *
 * It must authenticate against a signer anchor and act within its prefixes;
 * have a manifest-component-id, an uninstall section and a digest for every
 * image; fit an Update; and have a sequence number above those published
 * under the same manifest-component-id. The very same manifest again is
 * PST_OK and changes nothing.
 *
 * Components outside them that it lists, but does not act on, are not among
 * those of m, and no assignment of them brings this manifest to a device.
 *
 * @param m     set to what was published; views envelope, and memory of reader
 *              until it publishes again; may be NULL
 * @param note  one line that says why not; may be NULL
 *
 * @retval PST_ERR_COSE_KEY, _SIGNATURE     no anchor signed it
 * @retval PST_ERR_SUIT_UNAUTHORISED        outside the signer's prefixes
 * @retval PST_ERR_SUIT_STRUCTURE           lacks what it must have
 * @retval PST_ERR_SUIT_DIGEST              an integrated payload is another
 *                                          than was signed for
 * @retval PST_ERR_SUIT_SEQUENCE            not newer
 * @retval PST_ERR_TEEP_TOO_LARGE           over PST_TAM_ENVELOPE_MAX
 */
enum pst_err pst_tam_publish(struct pst_tam_store *store,
    struct pst_tam_reader *reader, const struct pst_crypto *crypto,
    const char *who, struct pst_bytes envelope, uint64_t now_s,
    struct pst_tam_manifest *m, char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;

/* --- what an operator sees --------------------------------------------- *
 *
 * Listings call `each` for every row in ascending order of id, beginning
 * after `after` (0: from the start), until it returns false or limit rows
 * were given. Rows view memory that lives until each returns. A listing must
 * not call the same reader from `each`.
 */

struct pst_tam_device_row {
	int64_t id;
	const char *name;
	enum pst_tam_status status;
	struct pst_bytes attester; /* the newest of them */
	bool has_key;
	struct pst_pubkey key;
	uint64_t enrolled_s;
	uint64_t seen_s;	  /* 0: never */
	uint64_t attested_s;	  /* last time that it passed; 0: never */
	enum pst_err attested;	  /* outcome of the last appraisal */
	struct pst_bytes claims;  /* encoded, of the last appraisal */
	struct pst_bytes verdict; /* likewise (tam/node/verdict.h), or empty */
	uint64_t appraised_s;	  /* when that was; 0: never */
	const char *reasons;	  /* what was wrong, lines; "" when it passed */
	bool pending;		  /* an Update awaits its answer */
	uint64_t pending_expires_s;
	const char *groups; /* names, comma separated; "" when none */
};
typedef bool
pst_tam_each_device(void *ctx, const struct pst_tam_device_row *row);
enum pst_err pst_tam_list_devices(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_device *each, void *ctx) PST_MUST_CHECK;
/** One device by name; each is called once. */
enum pst_err pst_tam_find_device(struct pst_tam_reader *r, const char *name,
    pst_tam_each_device *each, void *ctx) PST_MUST_CHECK;

typedef bool
pst_tam_each_attester(void *ctx, const struct pst_tam_attester *row);
/** Those of a device, oldest first; identity is set in every row. */
enum pst_err pst_tam_list_attesters(struct pst_tam_reader *r, int64_t device,
    pst_tam_each_attester *each, void *ctx) PST_MUST_CHECK;

/**
 * What a device attested with last; give is called once.
 *
 * @retval PST_ERR_NOT_FOUND  there is none, or no such device
 */
typedef void pst_tam_give_evidence(void *ctx, uint64_t at_s,
    struct pst_bytes format, struct pst_bytes payload);
enum pst_err pst_tam_find_evidence(struct pst_tam_reader *r, const char *name,
    pst_tam_give_evidence *give, void *ctx) PST_MUST_CHECK;

/** One component that a device reported, or that a Success confirmed. */
struct pst_tam_inventory_row {
	struct pst_bytes component;    /* encoded identifier */
	struct pst_suit_digest digest; /* alg 0: none was reported */
	uint64_t image_size;
	bool has_image_size;
	uint64_t since_s;
	/* when the digest is that of a published manifest: its number */
	bool is_manifest;
	uint64_t sequence;
};
typedef bool
pst_tam_each_inventory(void *ctx, const struct pst_tam_inventory_row *row);
enum pst_err pst_tam_list_inventory(struct pst_tam_reader *r, int64_t device,
    pst_tam_each_inventory *each, void *ctx) PST_MUST_CHECK;

struct pst_tam_report_row {
	int64_t id;
	int64_t device;
	uint64_t at_s;
	bool success;	   /* of this manifest */
	uint32_t err_code; /* of the Error message; 0 for a Success */
	const char *msg;   /* "" when there was none */
	struct pst_suit_digest manifest; /* alg 0: message without a report */
	struct pst_bytes manifest_id;	 /* when published here; else empty */
	int64_t published;		 /* its number then; else 0 */
	int64_t code;
	enum pst_suit_reason reason;
	struct pst_suit_record record;
	struct pst_bytes raw; /* the SUIT_Report, encoded */
};
typedef bool
pst_tam_each_report(void *ctx, const struct pst_tam_report_row *row);
/** device 0: of all. Newest last, as every listing. */
enum pst_err
pst_tam_list_reports(struct pst_tam_reader *r, int64_t device, int64_t after,
    size_t limit, pst_tam_each_report *each, void *ctx) PST_MUST_CHECK;

typedef bool
pst_tam_each_manifest(void *ctx, const struct pst_tam_manifest *row);
/** The envelope is left out. */
enum pst_err pst_tam_list_manifests(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_manifest *each, void *ctx) PST_MUST_CHECK;

struct pst_tam_group_row {
	int64_t id;
	const char *name;
	uint64_t members;
};
typedef bool pst_tam_each_group(void *ctx, const struct pst_tam_group_row *row);
enum pst_err pst_tam_list_groups(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_group *each, void *ctx) PST_MUST_CHECK;

struct pst_tam_assignment_row {
	int64_t id;
	struct pst_bytes component; /* encoded identifier */
	enum pst_tam_scope scope;
	const char *target; /* name; "" for all */
	enum pst_tam_terms terms;
	bool published; /* some manifest provides it */
};
typedef bool
pst_tam_each_assignment(void *ctx, const struct pst_tam_assignment_row *row);
/** Does a published manifest have this component, or this name? */
enum pst_err pst_tam_published(struct pst_tam_reader *r,
    struct pst_bytes component, bool *published) PST_MUST_CHECK;
enum pst_err pst_tam_list_assignments(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_assignment *each, void *ctx) PST_MUST_CHECK;

typedef bool pst_tam_each_anchor(void *ctx, const struct pst_tam_anchor *row);
enum pst_err pst_tam_list_anchors(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_anchor *each, void *ctx) PST_MUST_CHECK;

typedef bool
pst_tam_each_endorsement(void *ctx, const struct pst_tam_endorsement *row);
/** @param contents  hand out the files as well */
enum pst_err
pst_tam_list_endorsements(struct pst_tam_reader *r, int64_t after, size_t limit,
    bool contents, pst_tam_each_endorsement *each, void *ctx) PST_MUST_CHECK;
/** One by kind and name, with its content; each is called once. */
enum pst_err pst_tam_find_endorsement(struct pst_tam_reader *r,
    enum pst_tam_endorsement_kind kind, const char *name,
    pst_tam_each_endorsement *each, void *ctx) PST_MUST_CHECK;
/** A number that is another one after every change of these rows. */
enum pst_err pst_tam_endorsement_generation(
    struct pst_tam_reader *r, int64_t *out) PST_MUST_CHECK;
/** Call read in one read transaction: all that it lists is of one moment. */
enum pst_err pst_tam_snapshot(struct pst_tam_reader *r,
    enum pst_err (*read)(void *ctx, struct pst_tam_reader *r),
    void *ctx) PST_MUST_CHECK;

struct pst_tam_audit_row {
	int64_t id;
	uint64_t at_s;
	const char *who;
	const char *what;   /* "publish", "assign", … */
	const char *detail; /* names, never a secret */
};
typedef bool pst_tam_each_audit(void *ctx, const struct pst_tam_audit_row *row);
enum pst_err pst_tam_list_audit(struct pst_tam_reader *r, int64_t after,
    size_t limit, pst_tam_each_audit *each, void *ctx) PST_MUST_CHECK;

/** Rows of each table, for metrics and tests. */
struct pst_tam_counts {
	uint64_t devices, manifests, spent, reports, inventory, audit;
};
enum pst_err pst_tam_count(
    struct pst_tam_reader *r, struct pst_tam_counts *out) PST_MUST_CHECK;

#endif
