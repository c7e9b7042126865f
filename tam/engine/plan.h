/*
 * The planner: what a device should have against what it reports. Used by
 * the engine only. Pure; nothing here signs, reads or keeps anything.
 */
#ifndef POSTERN_TAM_PLAN_H
#define POSTERN_TAM_PLAN_H

#include <tam/engine/engine.h>

/* Bytes of the unneeded list in one Update; the rest goes next time. */
#define PST_TAM_UNLINK_BYTES 16384

/** What the planner looks at. All borrowed. */
struct pst_tam_state {
	const struct pst_tam_target *targets;
	size_t target_count;
	struct pst_list reported;  /* tc-list */
	struct pst_list requested; /* requested-tc-list */
	struct pst_list unneeded;  /* unneeded-manifest-list */
	struct pst_bytes ledger;
	uint64_t now_s;
	size_t room; /* bytes for envelopes */
	bool remedy; /* only targets for remediation; nothing is unlinked */
};

struct pst_tam_plan {
	const struct pst_tam_target *send[PST_TAM_TARGETS_MAX];
	size_t send_count;
	struct pst_bytes unlink[PST_TAM_TARGETS_MAX];
	size_t unlink_count;
	size_t backing_off; /* wanted, but failed not long ago */
	size_t later;	    /* wanted, but did not fit */
	size_t refused;	    /* asked for, but not assigned */
};

/**
 * Compare. A target is sent when its manifest digest is not the reported one
 * and it is assigned, or is on request and asked for or installed. A manifest
 * is unlinked when it is on request and unneeded, or when this TAM delivered
 * it and it is assigned no more. What failed waits for its time.
 */
enum pst_err pst_tam_plan_make(
    const struct pst_tam_state *s, struct pst_tam_plan *out) PST_MUST_CHECK;

/** Write what an Update carries, for the device's row. */
void
pst_tam_pending_put(struct pst_cbor_writer *w, const struct pst_tam_plan *plan);
/** Read it back: what a Success confirms. */
enum pst_err pst_tam_pending_read(struct pst_bytes pending,
    struct pst_list *installed, struct pst_list *removed) PST_MUST_CHECK;

/**
 * A line of the ledger: a manifest that this TAM sent to the device, and how
 * that went.
 */
struct pst_tam_entry {
	struct pst_bytes manifest_id;  /* encoded */
	struct pst_suit_digest digest; /* of the manifest last sent */
	uint32_t failures;	       /* in a row */
	uint64_t retry_s;	       /* not again before */
	uint32_t reason;	       /* enum pst_suit_reason of the last */
};

/** Take the next line off; false at the end. */
bool pst_tam_ledger_next(struct pst_list *lines, struct pst_tam_entry *out);
/** The lines of an encoded ledger; an empty one has none. */
enum pst_err pst_tam_ledger_read(
    struct pst_bytes ledger, struct pst_list *lines) PST_MUST_CHECK;

/**
 * Write the ledger as it is once the plan's Update is sent: lines of what was
 * sent are added or replaced, lines of what is neither reported nor a target
 * go.
 */
void pst_tam_ledger_sent(struct pst_cbor_writer *w,
    const struct pst_tam_state *s, const struct pst_tam_plan *plan);

/** What an answer says about the manifests of the pending Update. */
struct pst_tam_outcome {
	const struct pst_tam_report *reports;
	size_t report_count;
	bool failed;  /* Error: what no report names failed too */
	bool penalty; /* failures back off; not after a temporary error */
	struct pst_list installed, removed; /* pending */
	uint64_t now_s;
	uint32_t backoff_s, backoff_max_s;
};

/** Write the ledger as it is after an answer. */
void pst_tam_ledger_answered(struct pst_cbor_writer *w, struct pst_bytes ledger,
    const struct pst_tam_outcome *o);

/** Plain equality, for what is no secret. */
bool pst_tam_same(struct pst_bytes a, struct pst_bytes b);

/** Are both digests there, of one algorithm, and equal? */
bool pst_tam_digest_equal(
    const struct pst_suit_digest *a, const struct pst_suit_digest *b);

#endif
