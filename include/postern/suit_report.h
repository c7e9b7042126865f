/*
 * SUIT Reports: capabilities, and on their way: signed, authenticated with a
 * MAC, encrypted
 * (draft-ietf-suit-report, Section "SUIT_Report Container"; TEEP's profile of
 * the encryption is in draft-ietf-teep-protocol, Section "EATs and SUIT
 * Reports"). What a report says is in postern/suit.h.
 *
 * On the wire: SUIT_Report, or COSE_Encrypt around it, and either of them may
 * be the payload of a COSE_Sign1 or a COSE_Mac0.
 */
#ifndef POSTERN_SUIT_REPORT_H
#define POSTERN_SUIT_REPORT_H

#include <postern/cose_encrypt.h>
#include <postern/suit.h>

/* The most bytes that each layer adds to a report. */
#define PST_SUIT_REPORT_SIGN_OVERHEAD (PST_COSE_SIGN1_OVERHEAD + 8)
#define PST_SUIT_REPORT_ENCRYPT_OVERHEAD 384

/* --- capabilities ------------------------------------------------------- */

/** Whose capabilities a report says beside those of this build. */
struct pst_suit_capabilities {
	const struct pst_crypto *crypto; /* its algorithms */
	/* a member that is NULL takes its command, or parameter, away */
	const struct pst_suit_host *host;
	bool dependencies; /* runs get an arena for them */
	/* encoded prefixes under which there may be components; count 0: there
	 * may be any */
	const struct pst_bytes *prefixes;
	size_t count;
};

/**
 * Write SUIT_Capability_Report (draft-ietf-suit-report, Section "Capability
 * Reporting"): what a run with these would not refuse as unsupported.
 */
void pst_suit_capabilities_put(
    struct pst_cbor_writer *w, const struct pst_suit_capabilities *c);

/**
 * Is this a failure that a capability report explains: "a manifest attempts to
 * use a capability that the Manifest Processor does not implement"?
 */
bool pst_suit_reason_lacks(enum pst_suit_reason reason);

/* --- protection --------------------------------------------------------- */

/** How a report leaves the device. Both members NULL: as it is. */
struct pst_suit_report_cover {
	/* makes a Sign1, or, with an HMAC, a Mac0; NULL: not signed */
	const struct pst_signer *signer;
	/* EC2 key that it is encrypted to (ECDH-ES+A128KW); NULL: not */
	const struct pst_pubkey *to;
	struct pst_bytes to_kid; /* empty: none is sent */
	/* of the content, with `to`: an AEAD, or AES-CTR, which a signature
	 * must cover */
	int32_t alg;
};

/** The most bytes that pst_suit_report_protect adds. */
size_t pst_suit_report_overhead(const struct pst_suit_report_cover *cover);

/**
 * Protect a report where it stands: encrypt it, then sign what came of that.
 *
 * @param buf   the report in its first *len bytes; on success the protected
 *              form is there, on failure nothing of use
 * @param len   set to the bytes of the protected form; 0 on failure
 * @param work  *len + pst_suit_report_overhead bytes, overwritten
 *
 * @retval PST_ERR_SPACE        one of the buffers is too small
 * @retval PST_ERR_UNSUPPORTED  the port, or this build, does not encrypt
 */
enum pst_err pst_suit_report_protect(const struct pst_crypto *crypto,
    const struct pst_suit_report_cover *cover, uint8_t *buf, size_t cap,
    size_t *len, uint8_t *work, size_t work_cap) PST_MUST_CHECK;

/** What was around a report. */
enum pst_suit_report_form {
	PST_SUIT_REPORT_SIGNED = 1 << 0,    /* Sign1 */
	PST_SUIT_REPORT_MAC = 1 << 1,	    /* Mac0 */
	PST_SUIT_REPORT_ENCRYPTED = 1 << 2, /* Encrypt or Encrypt0 */
};

struct pst_suit_report_open_args {
	/* who may sign (find) or make a MAC (find_secret); NULL: nobody */
	const struct pst_keys *signers;
	/* find_secret has the keys that open; NULL: there are none */
	const struct pst_keys *recipients;
	/* The report came inside a message that was verified. Else AES-CTR,
	 * which authenticates nothing, needs a signature around it. */
	bool authentic;
};

struct pst_suit_report_opened {
	uint32_t form; /* bits of enum pst_suit_report_form */
	/* signer's key, alg and `who` when it is signed; views in or out */
	struct pst_verified report;
};

/**
 * Take a report out of what protects it. Tags may be missing, and the
 * plaintext may be wrapped in a byte string (docs/interop.md).
 *
 * A report that is neither signed nor encrypted comes back as it is: whether
 * that is enough, opened->form lets the caller say.
 *
 * @param out     receives the plaintext of an encrypted report; its
 *                ciphertext is never longer than in
 * @param opened  views in, or out
 *
 * @retval PST_ERR_COSE_KEY        no key for it
 * @retval PST_ERR_COSE_SIGNATURE  altered, or by another key
 * @retval PST_ERR_COSE_DECRYPT    altered, or for another key
 * @retval PST_ERR_COSE_STRUCTURE  no SUIT_Report_Protected
 * @retval PST_ERR_SPACE           cap is smaller than the ciphertext
 */
enum pst_err
pst_suit_report_open(struct pst_bytes in, const struct pst_crypto *crypto,
    const struct pst_suit_report_open_args *args, uint8_t *out, size_t cap,
    struct pst_suit_report_opened *opened) PST_MUST_CHECK;

#endif
