/*
 * For the files of core/suit only.
 */
#ifndef PST_SUIT_INTERNAL_H
#define PST_SUIT_INTERNAL_H

#include <postern/suit.h>

#include "../pst_internal.h"

/** A bit of a set of labels; 0 for a label that is no section or member. */
static inline uint32_t
pst_suit_bit(int64_t label)
{
	return label >= 0 && label <= PST_SUIT_LABEL_MAX ? (uint32_t)1 << label
							 : 0;
}

/** Is a command or parameter custom (Sections 8.4.8.18 and 8.4.11)? */
static inline bool
pst_suit_custom(int64_t label)
{
	return label < -256 && label >= INT32_MIN;
}

/** Sections: members of a manifest whose value is wrapped in a bstr. */
#define PST_SUIT_SECTIONS \
	(1u << PST_SUIT_SET_VERSION | 1u << PST_SUIT_VALIDATE | \
	    1u << PST_SUIT_LOAD | 1u << PST_SUIT_INVOKE | \
	    1u << PST_SUIT_COSWID | 1u << PST_SUIT_DEPENDENCY_RESOLUTION | \
	    1u << PST_SUIT_PAYLOAD_FETCH | \
	    1u << PST_SUIT_CANDIDATE_VERIFICATION | 1u << PST_SUIT_INSTALL | \
	    1u << PST_SUIT_TEXT | 1u << PST_SUIT_UNINSTALL)

/**
 * Sections that may stand in the envelope with a digest in their place.
 * draft-ietf-suit-trust-domains has 18 among the envelope's members and
 * not among the manifest's choices; it is read as severable.
 */
#define PST_SUIT_SEVERABLE \
	(1u << PST_SUIT_COSWID | 1u << PST_SUIT_DEPENDENCY_RESOLUTION | \
	    1u << PST_SUIT_PAYLOAD_FETCH | \
	    1u << PST_SUIT_CANDIDATE_VERIFICATION | 1u << PST_SUIT_INSTALL | \
	    1u << PST_SUIT_TEXT)

/**
 * A count that was read, held against a limit of this build: 0, and a reader
 * that fails with `over`, when it exceeds max.
 */
static inline size_t
pst_suit_at_most(
    struct pst_cbor_reader *r, size_t n, size_t max, enum pst_err over)
{
	if (n > max)
		pst_cbor_fail(r, over);
	return n > max ? 0 : n;
}

/** Bytes of a digest by algorithm; 0 for one that is no digest. */
size_t pst_suit_digest_len(int32_t alg);

/** Does one authentication block verify? As pst_suit_authenticate. */
enum pst_err pst_suit_signatures(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_keys *keys, uint32_t *who,
    size_t *at) PST_MUST_CHECK;

/** Is digest that of the concatenated parts? */
enum pst_err pst_suit_digest_check(const struct pst_crypto *crypto,
    const struct pst_suit_digest *digest, struct pst_bytes what) PST_MUST_CHECK;

/**
 * The entry of suit-dependencies for a component index; false when it has
 * none.
 *
 * @param ordinal  set to the entry's place among the others
 * @param prefix   set to suit-dependency-prefix; empty when there is none
 */
bool pst_suit_dependency_find(const struct pst_suit_manifest *m, size_t index,
    uint32_t *ordinal, struct pst_bytes *prefix);

/** Read SUIT_Parameter_Version_Match and judge it. */
void pst_suit_version_match_read(struct pst_cbor_reader *r);

/** A member of the envelope with an integer label, as an encoded bstr. */
bool pst_suit_member(
    const struct pst_suit_envelope *env, int64_t label, struct pst_bytes *item);

/** Write a SUIT_Record; `properties` pairs of its last map are to follow. */
void pst_suit_record_put(struct pst_cbor_writer *w,
    const struct pst_suit_record *record, size_t properties);

/** Keep what was written since mark as one record, or, if it did not fit,
 * none of it. */
void pst_suit_report_keep(struct pst_suit_report *r, size_t mark);

#endif
