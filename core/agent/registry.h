/*
 * The agent's registry: what it knows about itself across restarts, as one
 * sequence of CBOR records (RFC 8742) in one buffer. All records have one
 * shape, [kind, key, other, data, n0, n1, n2, n3]; the table in registry.c
 * says what the fields mean in each kind and bounds them.
 *
 * A reference count is not stored: it is the number of LINK records that name
 * a component, so a manifest cannot be counted twice and no count can go
 * wrong.
 */
#ifndef PST_AGENT_REGISTRY_H
#define PST_AGENT_REGISTRY_H

#include <postern/agent_state.h>

#define PST_REG_VERSION 1
#define PST_REG_FIELDS 8
#define PST_REG_NUMBERS 4
#define PST_REG_PLACE_LEN 8

/* Kinds are stored: a number keeps its meaning. */
enum pst_reg_kind {
	PST_REG_HEAD = 0, /* n0 version, n1 next object number */
	/* key component id, data SHA-256, n0 object, n1 bytes, n2 of a
	 * dependency its sequence number, n3 1 while it is not measured */
	PST_REG_COMPONENT = 1,
	/* key root manifest id, or component id of a dependency, other
	 * component id: the manifest refers to it; n3 a mark (links.c) */
	PST_REG_LINK = 2,
	/*
	 * key manifest id, other TAM, data manifest digest, n0 sequence, n1
	 * object with its envelope (0: a tombstone), n2 hash, as -alg
	 */
	PST_REG_MANIFEST = 3,
	PST_REG_TOKEN = 4, /* key TAM, other token: an Update was seen */
	/* key TAM, n0 object with the Update under way */
	PST_REG_JOURNAL = 5,
	/*
	 * key SHA-256 of the URI, other the manifest's place in the Update and
	 * the index of the component, n0 object, n1 1 when it is complete
	 */
	PST_REG_FETCH = 6,
	/* key TAM, n0 last contact, n1 PST_FACT_* bits, n2 data items,
	 * n3 1 when it is due at once */
	PST_REG_TAM = 7,
	/* key component id, other TAM, data the TAM whose manifest depends on
	 * it (empty: an application does), n0 when it was asked for, n1 1
	 * when it was withdrawn since, n2 1 when the TAM is due at once */
	PST_REG_REQUEST = 8,
	/* key manifest id, n0 when it was said, n1 1 when it was taken back */
	PST_REG_UNNEEDED = 9,
	/* key TAM, other media type, n0 object, an Attestation Result */
	PST_REG_RESULT = 10,
	/* key manifest id or component id of a dependency, data its
	 * set-version, encoded */
	PST_REG_RELEASE = 11,
	/* as COMPONENT, of one that others refer to and that is being written;
	 * never committed */
	PST_REG_PRIOR = 12
};
#define PST_REG_KINDS 13

/* What is remembered of a TAM (PST_REG_TAM, n1). */
#define PST_FACT_UNSOLICITED 1u /* QueryRequest had no token, no challenge */
#define PST_FACT_UNREACHABLE 2u /* ProcessError since the last one */
/* From this bit on: when it refused a passport, in seconds; 0: it did not. */
#define PST_FACT_REFUSED_SHIFT 8
#define PST_FACTS(n) ((n) & ((1u << PST_FACT_REFUSED_SHIFT) - 1))

struct pst_reg_record {
	enum pst_reg_kind kind;
	struct pst_bytes key;
	struct pst_bytes other;
	struct pst_bytes data;
	uint64_t n[PST_REG_NUMBERS];
	size_t start; /* where it was read; not stored */
};

/* Matches any value of a field. */
#define PST_REG_ANY ((struct pst_bytes){ NULL, SIZE_MAX })

/** Check a loaded registry as a whole: every record is one of the table's. */
enum pst_err pst_reg_check(const struct pst_registry *reg) PST_MUST_CHECK;

/** The record at *at, which moves on; false at the end. */
bool pst_reg_next(
    const struct pst_registry *reg, size_t *at, struct pst_reg_record *r);

/** The next record of this kind, key and other, from *at. */
bool
pst_reg_seek(const struct pst_registry *reg, size_t *at, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other, struct pst_reg_record *r);

/** The first such record. */
bool pst_reg_find(const struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other, struct pst_reg_record *r);

size_t pst_reg_count(const struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other);

/**
 * Append a record, whose fields may view this registry.
 *
 * @retval PST_ERR_SPACE  the registry is full; it is as it was
 * @retval PST_ERR_ARG    a field is out of its kind's bounds
 */
enum pst_err pst_reg_add(
    struct pst_registry *reg, const struct pst_reg_record *r) PST_MUST_CHECK;

/** Likewise, in place of the one with the same kind, key and other. */
enum pst_err pst_reg_put(
    struct pst_registry *reg, const struct pst_reg_record *r) PST_MUST_CHECK;

/**
 * Write the numbers of r, which was read and changed without becoming longer
 * or shorter, in their place.
 */
void pst_reg_renumber(struct pst_registry *reg, const struct pst_reg_record *r);

/**
 * Remove the record r that was read last and ended at *end; reading goes on
 * at *end, with what came behind it.
 */
void pst_reg_cut(
    struct pst_registry *reg, const struct pst_reg_record *r, size_t *end);

/**
 * Remove all such records; views of the registry are void afterwards. The
 * arguments must not view the registry.
 */
void pst_reg_remove(struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other);

/** Remove the first such record only. */
void pst_reg_remove_first(struct pst_registry *reg, enum pst_reg_kind kind,
    struct pst_bytes key, struct pst_bytes other);

/** Is the kind one that an Update changes in its transaction? */
bool pst_reg_transactional(enum pst_reg_kind kind);

/** Bytes that a record takes. */
size_t pst_reg_size(const struct pst_reg_record *r);

/** Does any record name this object? */
bool pst_reg_names(const struct pst_registry *reg, uint64_t object);

#endif
