#include <postern/base.h>

const char *
pst_err_name(enum pst_err err)
{
	switch (err) {
	case PST_OK:
		return "ok";
	case PST_ERR_ARG:
		return "argument out of its domain";
	case PST_ERR_SPACE:
		return "buffer too small";
	case PST_ERR_LIMIT:
		return "a limit of this build is exceeded";
	case PST_ERR_UNSUPPORTED:
		return "not supported";
	case PST_ERR_NOT_FOUND:
		return "not found";
	case PST_ERR_STATE:
		return "not legal in this state";
	case PST_ERR_BUSY:
		return "busy with another session";
	case PST_ERR_AGAIN:
		return "waiting for a payload";
	case PST_ERR_CBOR_END:
		return "input ends inside an item";
	case PST_ERR_CBOR_MALFORMED:
		return "not well-formed CBOR";
	case PST_ERR_CBOR_TYPE:
		return "another CBOR type was expected";
	case PST_ERR_CBOR_RANGE:
		return "value, length or count out of bounds";
	case PST_ERR_CBOR_PREFERRED:
		return "not the shortest encoding";
	case PST_ERR_CBOR_INDEFINITE:
		return "indefinite length is not allowed here";
	case PST_ERR_CBOR_DEPTH:
		return "nested too deeply";
	case PST_ERR_CBOR_DUPLICATE:
		return "a map label occurs twice";
	case PST_ERR_CBOR_UTF8:
		return "text is not UTF-8";
	case PST_ERR_CBOR_TRAILING:
		return "bytes after the end";
	case PST_ERR_CBOR_ORDER:
		return "map is not in deterministic order";
	case PST_ERR_COSE_STRUCTURE:
		return "not a COSE message of a known kind";
	case PST_ERR_COSE_ALG:
		return "algorithm absent or not accepted";
	case PST_ERR_COSE_CRIT:
		return "a critical header is not understood";
	case PST_ERR_COSE_KEY:
		return "no trusted key for this message";
	case PST_ERR_COSE_SIGNATURE:
		return "signature does not verify";
	case PST_ERR_COSE_KEY_FORMAT:
		return "not a usable key";
	case PST_ERR_COSE_CERT:
		return "certificate path is not acceptable";
	case PST_ERR_COSE_CERT_EXPIRED:
		return "a certificate is not valid at this time";
	case PST_ERR_COSE_DECRYPT:
		return "does not decrypt";
	case PST_ERR_SUIT_STRUCTURE:
		return "not a SUIT envelope or manifest";
	case PST_ERR_SUIT_VERSION:
		return "manifest version is not supported";
	case PST_ERR_SUIT_UNSIGNED:
		return "manifest has no authentication block";
	case PST_ERR_SUIT_DIGEST:
		return "digest does not match";
	case PST_ERR_SUIT_SEQUENCE:
		return "sequence number is not newer";
	case PST_ERR_SUIT_COMMAND:
		return "command is not supported";
	case PST_ERR_SUIT_COMPONENT:
		return "component is not usable";
	case PST_ERR_SUIT_UNAUTHORISED:
		return "component is outside the signer's or TAM's scope";
	case PST_ERR_SUIT_PARAMETER:
		return "parameter is missing, ill-typed or not supported";
	case PST_ERR_SUIT_SEVERED:
		return "a severed section is not in the envelope";
	case PST_ERR_SUIT_CONDITION:
		return "a condition failed";
	case PST_ERR_SUIT_OPERATION:
		return "a directive failed";
	case PST_ERR_SUIT_UNVERIFIED:
		return "content was written that nothing verified";
	case PST_ERR_SUIT_DEPENDENCY:
		return "a dependency is not processed as it must be";
	case PST_ERR_SUIT_DEPENDENCY_MISSING:
		return "a dependency is not there";
	case PST_ERR_SUIT_RECIPIENT:
		return "encrypted, and not to this device";
	case PST_ERR_EAT_CLAIM:
		return "a claim is missing or ill-typed";
	case PST_ERR_EAT_PROFILE:
		return "another EAT profile";
	case PST_ERR_EAT_NONCE:
		return "nonce is not the one that was asked for";
	case PST_ERR_EAT_EXPIRED:
		return "token is outside its time of validity";
	case PST_ERR_EAT_BINDING:
		return "token is bound to another key";
	case PST_ERR_EAT_REFUSED:
		return "attestation does not satisfy the policy";
	case PST_ERR_EAT_DIGEST:
		return "detached claims are not those that were signed";
	case PST_ERR_TEEP_TYPE:
		return "unknown or unexpected TEEP message";
	case PST_ERR_TEEP_FIELD:
		return "a TEEP field is missing or not allowed";
	case PST_ERR_TEEP_TOKEN:
		return "token is unknown, used or expired";
	case PST_ERR_TEEP_VERSION:
		return "no common TEEP version";
	case PST_ERR_TEEP_SUITE:
		return "no common TEEP cipher suite";
	case PST_ERR_TEEP_FRESHNESS:
		return "no common freshness mechanism";
	case PST_ERR_TEEP_REPORT:
		return "SUIT Report of an unsupported profile";
	case PST_ERR_TEEP_ATTEST:
		return "attestation is required";
	case PST_ERR_TEEP_TOO_LARGE:
		return "message is too large";
	case PST_ERR_AGENT_TAM:
		return "no such TAM is trusted";
	case PST_ERR_AGENT_REPLAY:
		return "Update was seen before";
	case PST_ERR_AGENT_RATE:
		return "too many requests";
	case PST_ERR_AGENT_IN_USE:
		return "something depends on it";
	case PST_ERR_AGENT_EXPOSED:
		return "no key to encrypt Evidence to this TAM";
	case PST_ERR_STORE:
		return "storage failed";
	case PST_ERR_STORE_FULL:
		return "storage is full";
	case PST_ERR_STORE_DAMAGED:
		return "stored state is damaged";
	case PST_ERR_CRYPTO:
		return "cryptographic library failed";
	case PST_ERR_FETCH:
		return "payload could not be fetched";
	case PST_ERR_CLOCK:
		return "clock failed";
	case PST_ERR_IO:
		return "input or output failed";
	}
	return "unknown error";
}
