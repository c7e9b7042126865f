/*
 * The five TEEP messages (draft-ietf-teep-protocol, Section 4): encode,
 * decode and validate. Reading and writing stand side by side, messages in
 * core/teep/message.c, driven by one table of options, and what their lists
 * hold in core/teep/item.c.
 *
 * One struct serves all five: `present` says which options are there, and the
 * table says which may be. Lists are views of encoded items, checked when the
 * message is decoded and taken apart one at a time by the pst_teep_next_*.
 */
#ifndef POSTERN_TEEP_H
#define POSTERN_TEEP_H

#include <postern/suit.h>

#define PST_TEEP_MEDIA_TYPE "application/teep+cbor"

/*
 * A whole message, COSE wrapper included. 1 MiB suits a Linux TEE; a small
 * TEE builds with 65536. It bounds memory, not payloads: those stream.
 */
#ifndef PST_MESSAGE_MAX
#define PST_MESSAGE_MAX 1048576
#endif

#define PST_TOKEN_MIN 8 /* bytes; Section 4.2 */
#define PST_TOKEN_MAX 64
#define PST_CHALLENGE_MIN 8
#define PST_CHALLENGE_MAX 512
#define PST_ERR_MSG_MAX 128
#define PST_ERR_LANG_MAX 35
#define PST_TEEP_OPTIONS_MAX 32 /* entries of an options map */
#define PST_TEEP_ITEMS_MAX 256	/* entries of a list in a message */

enum pst_teep_type {
	PST_TEEP_QUERY_REQUEST = 1,
	PST_TEEP_QUERY_RESPONSE = 2,
	PST_TEEP_UPDATE = 3,
	PST_TEEP_SUCCESS = 5,
	PST_TEEP_ERROR = 6
};

/** Option labels, and bit numbers in `present` (Section 6). */
enum pst_teep_label {
	PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES = 1,
	PST_LABEL_CHALLENGE = 2,
	PST_LABEL_VERSIONS = 3,
	PST_LABEL_SUPPORTED_SUIT_COSE_PROFILES = 4,
	PST_LABEL_SELECTED_VERSION = 6,
	PST_LABEL_ATTESTATION_PAYLOAD = 7,
	PST_LABEL_TC_LIST = 8,
	PST_LABEL_EXT_LIST = 9,
	PST_LABEL_MANIFEST_LIST = 10,
	PST_LABEL_MSG = 11,
	PST_LABEL_ERR_MSG = 12,
	PST_LABEL_ATTESTATION_PAYLOAD_FORMAT = 13,
	PST_LABEL_REQUESTED_TC_LIST = 14,
	PST_LABEL_UNNEEDED_MANIFEST_LIST = 15,
	PST_LABEL_COMPONENT_ID = 16,
	PST_LABEL_TC_MANIFEST_SEQUENCE_NUMBER = 17,
	PST_LABEL_HAVE_BINARY = 18,
	PST_LABEL_SUIT_REPORTS = 19,
	PST_LABEL_TOKEN = 20,
	PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS = 21,
	PST_LABEL_ERR_LANG = 22,
	PST_LABEL_ERR_CODE = 23
};
#define PST_TEEP_HAS(m, label) (((m)->present >> (label)) & 1u)

/** Error codes on the wire (Section 4.6). */
enum pst_teep_code {
	PST_TEEP_ERR_PERMANENT_ERROR = 1,
	PST_TEEP_ERR_UNSUPPORTED_EXTENSION = 2,
	PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS = 3,
	PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION = 4,
	PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES = 5,
	PST_TEEP_ERR_BAD_CERTIFICATE = 6,
	PST_TEEP_ERR_ATTESTATION_REQUIRED = 7,
	PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT = 8,
	PST_TEEP_ERR_CERTIFICATE_EXPIRED = 9,
	PST_TEEP_ERR_TEMPORARY_ERROR = 10,
	PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED = 17
};

/** data-item-requested bits (Section 4.2). */
#define PST_TEEP_ITEM_ATTESTATION 1u
#define PST_TEEP_ITEM_TRUSTED_COMPONENTS 2u
#define PST_TEEP_ITEM_EXTENSIONS 4u
#define PST_TEEP_ITEM_SUIT_REPORTS 8u

#define PST_FRESHNESS_NONCE 0
#define PST_FRESHNESS_TIMESTAMP 1

/** Cipher suites of this build, as bits; each is one sign1 operation. */
#define PST_SUITE_ED25519 1u /* [[18, -19]] */
#define PST_SUITE_ESP256 2u  /* [[18, -9]] */

/** SUIT COSE profiles (draft-ietf-suit-mti), as bits, in the text's order. */
#define PST_PROFILE_ESP256_A128CTR 1u
#define PST_PROFILE_ED25519_A128CTR 2u
#define PST_PROFILE_ESP256_A128GCM 4u
#define PST_PROFILE_ED25519_CHACHA 8u

struct pst_teep_message {
	enum pst_teep_type type;
	uint32_t present; /* bit n: option label n is there */

	struct pst_bytes token;
	struct pst_bytes challenge;
	struct pst_bytes attestation_payload;
	struct pst_bytes attestation_payload_format; /* UTF-8 */
	struct pst_bytes msg;			     /* UTF-8 */
	struct pst_bytes err_msg;		     /* UTF-8 */
	struct pst_bytes err_lang;

	struct pst_list versions;		/* uint .size 4 */
	struct pst_list ext_list;		/* uint .size 4 */
	struct pst_list suit_reports;		/* bstr */
	struct pst_list tc_list;		/* system-property-claims */
	struct pst_list requested_tc_list;	/* requested-tc-info */
	struct pst_list unneeded_manifest_list; /* component ids */
	struct pst_list manifest_list;		/* bstr .cbor envelope */

	/*
	 * Those that this build knows. In a QueryRequest suites, profiles and
	 * data_items are elements of the message, not options, and err_code is
	 * one in an Error: their bits of `present` stay clear.
	 */
	uint32_t suites;    /* PST_SUITE_* */
	uint32_t profiles;  /* PST_PROFILE_* */
	uint32_t freshness; /* bit n: mechanism n */
	uint32_t selected_version;
	uint32_t data_items; /* PST_TEEP_ITEM_*; unknown bits are kept */
	uint32_t err_code;   /* Error's third element, or Update's option */
};

/**
 * Decode and validate a message (Sections 4 and 4.1.2).
 *
 * Unknown options are skipped; known ones are checked for type, size and for
 * being allowed in this type of message. Duplicates, surplus elements and
 * trailing bytes are refused. Rules that join fields are checked too: when a
 * QueryRequest's attestation bit is clear there is a token, no challenge and
 * no freshness list; err_code is not 0. A token beside the attestation bit is
 * accepted, for the published example has one (docs/interop.md); encode
 * refuses to send it.
 *
 * Lists have at least one item: what has none is absent, so a missing tc-list
 * or ext-list means that there is nothing to list.
 *
 * An error code above 32 bits becomes UINT32_MAX; any that is not in enum
 * pst_teep_code is an unknown error, not a fault.
 *
 * @param out  views the payload; zeroed on error
 * @param at   offset of the first fault in the payload; may be NULL
 */
enum pst_err pst_teep_decode(const struct pst_verified *in,
    struct pst_teep_message *out, size_t *at) PST_MUST_CHECK;

/**
 * The attestation payload of a QueryResponse whose signature is NOT verified
 * yet, to find the key that must have signed it (the Evidence binds it).
 * Nothing else of such a message may be looked at.
 *
 * @param unverified  payload of the COSE message
 * @param payload     views unverified; judge it as hostile bytes
 * @param format      empty when there is none
 *
 * @retval PST_ERR_NOT_FOUND  a QueryResponse without attestation payload
 * @retval PST_ERR_TEEP_TYPE  another message
 */
enum pst_err pst_teep_peek_evidence(struct pst_bytes unverified,
    struct pst_bytes *payload, struct pst_bytes *format) PST_MUST_CHECK;

/**
 * Encode a message; options come out in ascending order of label.
 *
 * With a writer that counts, the size is measured by the same code.
 *
 * Items of lists are the caller's: built with pst_teep_put_*, or copied from
 * where they were checked.
 *
 * @retval PST_ERR_TEEP_FIELD  the message breaks a rule that decode checks, or
 *                             one that only a sender is held to: no token
 *                             beside the attestation bit, and the list that
 *                             belongs to an error code (Section 4.6)
 */
enum pst_err pst_teep_encode(
    struct pst_cbor_writer *w, const struct pst_teep_message *m) PST_MUST_CHECK;

/** requested-tc-info (Section 4.3). */
struct pst_teep_requested {
	struct pst_bytes component_id; /* encoded SUIT_Component_Identifier */
	uint64_t sequence;	       /* minimum; 0 when absent */
	bool has_sequence;
	bool have_binary;
};

/** One system-property-claims of a tc-list (draft-ietf-suit-report, 4). */
struct pst_teep_tc {
	struct pst_bytes component_id; /* encoded SUIT_Component_Identifier */
	int32_t digest_alg;	       /* 0 when there is no image-digest */
	struct pst_bytes digest;
	uint64_t image_size;
	bool has_image_size;
};

/**
 * Take the next item off a list; list shrinks from the front.
 *
 * @return false when the list is empty. Items were checked by decode. Use the
 *         function that fits the list; next_item is for those of component
 *         identifiers.
 */
bool pst_teep_next_item(struct pst_list *list, struct pst_bytes *item);
bool pst_teep_next_bstr(struct pst_list *list, struct pst_bytes *content);
bool pst_teep_next_uint(struct pst_list *list, uint32_t *number);
bool pst_teep_next_tc(struct pst_list *list, struct pst_teep_tc *tc);
bool
pst_teep_next_requested(struct pst_list *list, struct pst_teep_requested *r);

/** Append an item to a list that is being built in w. */
void pst_teep_put_tc(struct pst_cbor_writer *w, const struct pst_teep_tc *tc);
void pst_teep_put_requested(
    struct pst_cbor_writer *w, const struct pst_teep_requested *r);

/**
 * Negotiation: the mechanism to use out of what one side offers and the other
 * has. Suites and freshness mechanisms are sets, without an order of
 * preference; the choice is fixed so that both ends make the same.
 *
 * @return one bit, or 0 when nothing is common: ERR_UNSUPPORTED_CIPHER_SUITES,
 *         ERR_UNSUPPORTED_FRESHNESS_MECHANISMS
 */
uint32_t pst_teep_pick_suite(uint32_t offered, uint32_t mine);
uint32_t pst_teep_pick_profile(uint32_t offered, uint32_t mine);
uint32_t
pst_teep_pick_freshness(const struct pst_teep_message *m, uint32_t mine);

/** The signature algorithm of one suite, and back; 0 when there is none. */
int32_t pst_teep_suite_alg(uint32_t suite);
uint32_t pst_teep_suite_of(int32_t alg);

/** Does a QueryRequest offer this version? No list means version 0 only. */
bool
pst_teep_offers_version(const struct pst_teep_message *m, uint32_t version);

/**
 * The one place where an error becomes a wire code (Section 4.6).
 *
 * @return never 0
 */
enum pst_teep_code pst_teep_code_of(enum pst_err err);

/**
 * What an attestation payload is, by its format (Section 4.2): a missing
 * format, or the TEEP profile's media type, is an Attestation Result.
 */
bool pst_teep_is_result(const struct pst_teep_message *m);

#endif
