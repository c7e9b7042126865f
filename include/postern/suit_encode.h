/*
 * Making SUIT envelopes: build from a description, sign, sever
 * (draft-ietf-suit-manifest, Sections 7 and 8; draft-ietf-suit-trust-domains,
 * Sections 5 and 7). Output is deterministic: the same description gives the
 * same bytes, in the order of RFC 8949, Section 4.2.1.
 *
 * The order is: pst_suit_build, then pst_suit_sign once for each signer, then
 * perhaps pst_suit_sever. Each writes a whole envelope to a writer; with one
 * that only counts, they tell how much room is needed.
 */
#ifndef POSTERN_SUIT_ENCODE_H
#define POSTERN_SUIT_ENCODE_H

#include <postern/suit.h>

/** Where the bytes of a component come from. */
enum pst_suit_source {
	/* fetched from uri; digest and image_bytes are the caller's */
	PST_SUIT_FROM_URI = 0,
	/* data travels in the envelope under the name uri, "#tc" for one */
	PST_SUIT_FROM_ENVELOPE = 1,
	/* data stands in the manifest, for suit-directive-write: keep it small
	 */
	PST_SUIT_FROM_CONTENT = 2,
	/* data is already on the device: it is only verified */
	PST_SUIT_FROM_DEVICE = 3
};

#define PST_SUIT_BUILD_REQUIRES 2 /* from a version, up to a version */

/** One component of a manifest. All views are borrowed. */
struct pst_suit_build_component {
	struct pst_bytes id; /* encoded SUIT_Component_Identifier */
	enum pst_suit_source source;
	struct pst_bytes uri;  /* UTF-8, no terminating zero */
	struct pst_bytes data; /* FROM_ENVELOPE, FROM_CONTENT */
	/* of the image; with data and alg 0 the digest is computed (SHA-256)
	 * and image_bytes is the length of data */
	struct pst_suit_digest digest;
	uint64_t image_bytes; /* UINT64_MAX: the manifest does not say */
	/* RFC 9562 UUIDs, 16 bytes, or empty: no such condition */
	struct pst_bytes vendor_id, class_id, device_id;
	bool invoke; /* the invoke section transfers control to it */
	/* what the version that is installed must be, each an encoded
	 * SUIT_Parameter_Version_Match, or empty: no such condition */
	struct pst_bytes requires[PST_SUIT_BUILD_REQUIRES];
	/* encoded COSE_Encrypt, tagged, or empty: the payload is as it is; with
	 * it digest and image_bytes are those of the plaintext */
	struct pst_bytes encryption_info;
	/* it is a manifest that this one depends on: FROM_URI or
	 * FROM_ENVELOPE; digest is that of its manifest, image_bytes that of
	 * its envelope, sections has bit n for each section n that it has,
	 * prefix is its suit-dependency-prefix or empty */
	bool dependency;
	uint32_t sections;
	struct pst_bytes prefix;
	/* suit-text; each empty when there is none */
	struct pst_bytes text_vendor, text_model, text_description,
	    text_version;
};

/** A whole manifest. All views are borrowed. */
struct pst_suit_build {
	uint64_t sequence;
	struct pst_bytes component_id;	/* suit-manifest-component-id, encoded;
					   empty: none */
	struct pst_bytes reference_uri; /* empty: none */
	const struct pst_suit_build_component *components;
	size_t count;	/* 1..PST_SUIT_COMPONENTS_MAX */
	bool early;	/* fetch in suit-payload-fetch, not in suit-install */
	bool uninstall; /* write suit-uninstall: unlink of every component */
	struct pst_bytes set_version; /* encoded [+int], or empty: none */
	/* seconds since 1970 from which it is not to be installed any more;
	 * 0: no such condition */
	uint64_t use_before_s;
	/* suit-text: the tag of its language ("en"), what the manifest and
	 * the update are; without a language there is no suit-text */
	struct pst_bytes language, text_manifest, text_update;
	/* bit n: section n moves to the envelope, its digest to the manifest;
	 * 15 dependency-resolution, 16 payload-fetch,
	 * 18 candidate-verification, 20 install, 23 text */
	uint32_t severable;
};

/**
 * Write an envelope (tagged 107) with the manifest's digest and without
 * authentication blocks. Nothing is verified by whoever merely received it:
 * a processor refuses it until it is signed.
 *
 * The shared sequence sets digest, size and identifiers of each component and
 * checks the identifiers; install, or payload-fetch when it comes first,
 * checks time and versions before anything else; install fetches (or writes)
 * and verifies; validate verifies; uninstall unlinks. Dependencies are fetched
 * in dependency-resolution, and each section that one has is processed first
 * in the same section here.
 *
 * @param crypto  for SHA-256
 *
 * @retval PST_ERR_ARG    the description cannot be written: no component, an
 *                        invalid identifier, one that occurs twice, a text
 *                        that is not UTF-8, no digest for what is fetched,
 *                        two integrated payloads of one name
 * @retval PST_ERR_LIMIT  a limit of suit.h is exceeded
 * @retval PST_ERR_SPACE  w is too small; w->len tells how much is needed
 */
enum pst_err
pst_suit_build(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_suit_build *what) PST_MUST_CHECK;

/** A pair of a map, key and value encoded. */
struct pst_suit_pair {
	struct pst_bytes key, value;
};

/** A manifest and what stands around it. All views are borrowed. */
struct pst_suit_parts {
	bool untagged;			     /* leave out tag 107 */
	int32_t digest_alg;		     /* of the manifest; 0: SHA-256 */
	struct pst_suit_digest digest;	     /* alg 0: it is computed */
	struct pst_bytes manifest;	     /* content of suit-manifest */
	const struct pst_suit_pair *members; /* severed members, payloads */
	size_t member_count;
	const struct pst_bytes *blocks; /* authentication blocks */
	size_t block_count;
};

/**
 * Write an envelope from its parts, members in deterministic order. Nothing
 * is judged: a key below 4 among the members gives an envelope that no one
 * accepts.
 *
 * @retval PST_ERR_CBOR_DUPLICATE  two members have the same key
 * @retval PST_ERR_LIMIT           more than PST_SUIT_MEMBERS_MAX, or blocks
 */
enum pst_err
pst_suit_assemble(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_suit_parts *parts) PST_MUST_CHECK;

/**
 * Write a map in deterministic order (RFC 8949, Section 4.2.1).
 *
 * @retval PST_ERR_CBOR_DUPLICATE  a key occurs twice
 */
enum pst_err pst_suit_pairs_put(struct pst_cbor_writer *w,
    const struct pst_suit_pair *pairs, size_t count) PST_MUST_CHECK;

/** The digest of an encoded item, as severed members have it. */
enum pst_err pst_suit_digest_of(const struct pst_crypto *crypto, int32_t alg,
    struct pst_bytes item, uint8_t out[PST_DIGEST_MAX],
    struct pst_suit_digest *digest) PST_MUST_CHECK;

/**
 * Write the envelope again with one more authentication block. The manifest's
 * digest is compared first, as Section 8.3 demands of signers.
 *
 * @param env     taken apart by pst_suit_envelope_decode; views stay in its
 *                input, which must not be w's buffer
 * @param kind    PST_TAG_SIGN1, PST_TAG_SIGN or PST_TAG_MAC0
 * @param signers count of them; 1 unless kind is PST_TAG_SIGN
 *
 * @retval PST_ERR_SUIT_DIGEST  the manifest is not the one of the digest
 */
enum pst_err
pst_suit_sign(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, uint64_t kind,
    const struct pst_signer *signers, size_t count) PST_MUST_CHECK;

/** A new authentication block. All views are borrowed. */
struct pst_suit_sign_args {
	uint64_t kind; /* PST_TAG_SIGN1, PST_TAG_SIGN or PST_TAG_MAC0 */
	const struct pst_signer *signers;
	size_t count;	   /* 1 unless kind is PST_TAG_SIGN */
	uint32_t replaced; /* bit n: block n of the envelope goes */
	/* a signature or MAC that was made elsewhere, by signers[0] over what
	 * pst_suit_tbs wrote; ptr NULL: the port makes it */
	struct pst_bytes made;
};

/** As pst_suit_sign; nobody checks here that what was made elsewhere fits. */
enum pst_err pst_suit_sign_with(struct pst_cbor_writer *w,
    const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    const struct pst_suit_sign_args *how) PST_MUST_CHECK;

/**
 * Write exactly the bytes that signers[0] has to sign or to MAC (RFC 9052,
 * Sections 4.4 and 6.3), for a signer elsewhere. Only its alg counts.
 *
 * @retval PST_ERR_SUIT_DIGEST  the manifest is not the one of the digest
 */
enum pst_err pst_suit_tbs(struct pst_cbor_writer *w,
    const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    const struct pst_suit_sign_args *how) PST_MUST_CHECK;

/**
 * Write the envelope again without some of its members. Signatures stay
 * valid (Section 8.5).
 *
 * @param sections  bit n: leave out section n, if it stands in the envelope
 * @param payloads  leave out integrated payloads as well
 */
enum pst_err
pst_suit_sever(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    uint32_t sections, bool payloads) PST_MUST_CHECK;

/** The severable sections that an envelope carries: bit n is section n. */
uint32_t pst_suit_members(const struct pst_suit_envelope *env);

#endif
