/*
 * What every layer shares: views of bytes, error codes, secret-safe helpers.
 */
#ifndef POSTERN_BASE_H
#define POSTERN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PST_MUST_CHECK __attribute__((warn_unused_result))

/** A read-only view of bytes that somebody else owns. */
struct pst_bytes {
	const uint8_t *ptr; /* may be NULL when len is 0 */
	size_t len;
};

/** A view of a string literal or array, without a terminating zero. */
#define PST_BYTES_LIT(s) \
	((struct pst_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

/**
 * What went wrong. Zero is success; the hundreds name the layer that refused.
 *
 * A number, once released, keeps its meaning: it appears in SUIT Reports
 * (suit-report-result-code) and in logs.
 */
enum pst_err {
	PST_OK = 0,

	/* anybody */
	PST_ERR_ARG = 1,	 /* a caller's value is out of its domain */
	PST_ERR_SPACE = 2,	 /* the caller's buffer is too small */
	PST_ERR_LIMIT = 3,	 /* a named limit of this build is exceeded */
	PST_ERR_UNSUPPORTED = 4, /* known, not implemented here */
	PST_ERR_NOT_FOUND = 5,
	PST_ERR_STATE = 6, /* not legal in this state */
	PST_ERR_BUSY = 7,  /* another session holds what is needed */
	PST_ERR_AGAIN = 8, /* stopped at an effect; resume continues */

	/* core/cbor: RFC 8949 */
	PST_ERR_CBOR_END = 100,	      /* input ended inside an item */
	PST_ERR_CBOR_MALFORMED = 101, /* not well-formed */
	PST_ERR_CBOR_TYPE = 102,      /* another type was expected */
	PST_ERR_CBOR_RANGE = 103,     /* value, length or count out of bounds */
	PST_ERR_CBOR_PREFERRED = 104, /* not the shortest form */
	PST_ERR_CBOR_INDEFINITE = 105, /* indefinite length where refused */
	PST_ERR_CBOR_DEPTH = 106, /* nested deeper than PST_CBOR_DEPTH_MAX */
	PST_ERR_CBOR_DUPLICATE = 107, /* a map label occurs twice */
	PST_ERR_CBOR_UTF8 = 108,      /* text that is not UTF-8 */
	PST_ERR_CBOR_TRAILING = 109,  /* bytes after the item */
	PST_ERR_CBOR_ORDER = 110,     /* map not in deterministic order */

	/* core/cose: RFC 9052 */
	PST_ERR_COSE_STRUCTURE = 200,
	PST_ERR_COSE_ALG = 201,	      /* algorithm absent, unknown or refused */
	PST_ERR_COSE_CRIT = 202,      /* a critical header is not understood */
	PST_ERR_COSE_KEY = 203,	      /* no key for this message */
	PST_ERR_COSE_SIGNATURE = 204, /* does not verify */
	PST_ERR_COSE_KEY_FORMAT = 205,
	PST_ERR_COSE_CERT = 206, /* certificate path not acceptable */
	PST_ERR_COSE_CERT_EXPIRED = 207,
	PST_ERR_COSE_DECRYPT = 208, /* does not decrypt with this key */

	/* core/suit: draft-ietf-suit-manifest; order as the report's reasons */
	PST_ERR_SUIT_STRUCTURE = 300,
	PST_ERR_SUIT_VERSION = 301,
	PST_ERR_SUIT_UNSIGNED = 302,	 /* no authentication block */
	PST_ERR_SUIT_DIGEST = 303,	 /* a digest does not match its bytes */
	PST_ERR_SUIT_SEQUENCE = 304,	 /* not newer than what is installed */
	PST_ERR_SUIT_COMMAND = 305,	 /* command unknown or not supported */
	PST_ERR_SUIT_COMPONENT = 306,	 /* component index or id not usable */
	PST_ERR_SUIT_UNAUTHORISED = 307, /* component not the signer's */
	PST_ERR_SUIT_PARAMETER = 308,	 /* unknown, missing or ill-typed */
	PST_ERR_SUIT_SEVERED = 309,	 /* a severed section is not there */
	PST_ERR_SUIT_CONDITION = 310,	 /* a condition failed */
	PST_ERR_SUIT_OPERATION = 311,	 /* a directive failed */
	PST_ERR_SUIT_UNVERIFIED = 312,	 /* written, but nothing checked it */
	PST_ERR_SUIT_DEPENDENCY = 313,	 /* not processed as it must be */
	PST_ERR_SUIT_DEPENDENCY_MISSING = 314, /* it is not there */
	PST_ERR_SUIT_RECIPIENT = 320, /* encrypted, and not to this device */

	/* core/eat: RFC 9711 */
	PST_ERR_EAT_CLAIM = 400,   /* a claim is missing or ill-typed */
	PST_ERR_EAT_PROFILE = 401, /* another profile */
	PST_ERR_EAT_NONCE = 402,   /* not the nonce that was asked for */
	PST_ERR_EAT_EXPIRED = 403, /* outside its time of validity */
	PST_ERR_EAT_BINDING = 404, /* cnf is not the key that signed */
	PST_ERR_EAT_REFUSED = 405, /* genuine, but policy says no */
	PST_ERR_EAT_DIGEST = 406,  /* detached claims are not those signed */

	/* core/teep: draft-ietf-teep-protocol */
	PST_ERR_TEEP_TYPE = 500,  /* unknown or unexpected message type */
	PST_ERR_TEEP_FIELD = 501, /* a field is missing or must be absent */
	PST_ERR_TEEP_TOKEN = 502, /* token unknown, used or expired */
	PST_ERR_TEEP_VERSION = 503,
	PST_ERR_TEEP_SUITE = 504,
	PST_ERR_TEEP_FRESHNESS = 505,
	PST_ERR_TEEP_REPORT = 506, /* SUIT Report of an unsupported profile */
	PST_ERR_TEEP_ATTEST = 507, /* attestation is required */
	PST_ERR_TEEP_TOO_LARGE = 508, /* over PST_MESSAGE_MAX */

	/* core/agent */
	PST_ERR_AGENT_TAM = 600,     /* no such TAM, or not an anchored one */
	PST_ERR_AGENT_REPLAY = 601,  /* an Update token that was seen before */
	PST_ERR_AGENT_RATE = 602,    /* too many; try later */
	PST_ERR_AGENT_IN_USE = 603,  /* refused while something depends on it */
	PST_ERR_AGENT_EXPOSED = 604, /* Evidence would travel in clear */

	/* ports */
	PST_ERR_STORE = 700, /* storage failed; nothing was committed */
	PST_ERR_STORE_FULL = 701,
	PST_ERR_STORE_DAMAGED =
	    702,	      /* stored state fails its integrity check */
	PST_ERR_CRYPTO = 703, /* the library failed, not the input */
	PST_ERR_FETCH = 704,  /* a payload could not be had */
	PST_ERR_CLOCK = 705,
	PST_ERR_IO = 706
};

/**
 * The name of an error as a short lower-case phrase, for logs and messages.
 *
 * @return a static string; "unknown error" for a number that is none
 */
const char *pst_err_name(enum pst_err err);

/**
 * Compare two byte strings in time that depends only on their lengths.
 *
 * @return true when lengths and bytes are equal
 */
bool pst_equal(struct pst_bytes a, struct pst_bytes b);

/** Overwrite len bytes with zeros in a way that no compiler removes. */
void pst_wipe(void *ptr, size_t len);

#endif
