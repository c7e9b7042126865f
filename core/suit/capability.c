/*
 * SUIT_Capability_Report (draft-ietf-suit-report, Section "Capability
 * Reporting"). Nothing is listed here that is known elsewhere: commands come
 * from their traits, parameters from the function that judges their values,
 * members and sections from the sets that are accepted, algorithms from the
 * port.
 */
#include <postern/suit_report.h>

#include "suit_run.h"

enum {
	CAPABLE_COMPONENTS = 1,
	CAPABLE_COMMANDS = 2,
	CAPABLE_PARAMETERS = 3,
	CAPABLE_ALGORITHMS = 4,
	CAPABLE_ENVELOPE = 5,
	CAPABLE_MANIFEST = 6,
	CAPABLE_COMMON = 7,
	CAPABLE_TEXT = 8,
	CAPABLE_TEXT_COMPONENT = 9,
	CAPABLE_DEPENDENCY = 10
};

/* The greatest label that any registry of SUIT has. */
#define LABEL_MAX 63

bool
pst_suit_reason_lacks(enum pst_suit_reason reason)
{
	switch (reason) {
	case PST_SUIT_REASON_COSE_UNSUPPORTED:
	case PST_SUIT_REASON_ALG_UNSUPPORTED:
	case PST_SUIT_REASON_COMMAND_UNSUPPORTED:
	case PST_SUIT_REASON_COMPONENT_UNSUPPORTED:
	case PST_SUIT_REASON_PARAMETER_UNSUPPORTED:
	case PST_SUIT_REASON_SEVERING_UNSUPPORTED:
		return true;
	default:
		return false;
	}
}

bool
pst_suit_host_does(const struct pst_suit_host *host, int64_t command)
{
	switch (command) {
	case PST_SUIT_COND_USE_BEFORE:
		return host->now != NULL;
	case PST_SUIT_COND_MINIMUM_BATTERY:
		return host->battery != NULL;
	case PST_SUIT_COND_UPDATE_AUTHORIZED:
		return host->authorized != NULL;
	case PST_SUIT_COND_VERSION:
		return host->version != NULL;
	case PST_SUIT_DIR_WAIT:
		return host->wait != NULL;
	case PST_SUIT_DIR_SWAP:
		return host->swap != NULL;
	case PST_SUIT_DIR_INVOKE:
		return host->invoke != NULL;
	case PST_SUIT_DIR_UNLINK:
		return host->unlink != NULL;
	default:
		return true;
	}
}

bool
pst_suit_host_takes(const struct pst_suit_host *host,
    const struct pst_crypto *crypto, int64_t parameter)
{
	switch (parameter) {
	case PST_SUIT_PARAM_COMPONENT_METADATA:
		return host->metadata != NULL;
	case PST_SUIT_PARAM_FETCH_ARGUMENTS:
		return host->fetch_arguments != NULL;
	case PST_SUIT_PARAM_ENCRYPTION_INFO:
		return crypto->cipher_begin != NULL;
	default:
		return true;
	}
}

/* --- sets of labels ------------------------------------------------------ */

static void
put_set(struct pst_cbor_writer *w, unsigned int label, uint64_t set)
{
	size_t n = 0, mark;
	unsigned int i;

	pst_cbor_put_uint(w, label);
	mark = pst_cbor_wrap_begin(w);
	for (i = 0; i <= LABEL_MAX; i++) {
		if ((set >> i & 1) == 0)
			continue;
		pst_cbor_put_uint(w, i);
		n++;
	}
	pst_cbor_wrap_array(w, mark, n);
}

static bool
is_of_dependencies(int64_t command)
{
	return command == PST_SUIT_COND_DEPENDENCY_INTEGRITY ||
	    command == PST_SUIT_COND_IS_DEPENDENCY ||
	    command == PST_SUIT_DIR_PROCESS_DEPENDENCY;
}

static uint64_t
commands(const struct pst_suit_capabilities *c)
{
	uint64_t set = 0;
	int64_t i;

	for (i = 0; i <= LABEL_MAX; i++) {
		if (pst_suit_command_refused(i, false) != PST_OK ||
		    !pst_suit_host_does(c->host, i) ||
		    (!c->dependencies && is_of_dependencies(i)))
			continue;
		set |= (uint64_t)1 << i;
	}
	return set;
}

static uint64_t
parameters(const struct pst_suit_capabilities *c)
{
	uint64_t set = 0;
	int64_t i;

	for (i = 0; i <= LABEL_MAX; i++) {
		if (pst_suit_param_known(i) &&
		    pst_suit_host_takes(c->host, c->crypto, i))
			set |= (uint64_t)1 << i;
	}
	return set;
}

/* --- algorithms ---------------------------------------------------------- */

/* What a manifest may name: digests, authentication, and, for content, key
 * distribution and ciphers. The port says which of them it has. */
static const int32_t open_algs[] = { PST_ALG_SHA256, PST_ALG_SHAKE128,
	PST_ALG_SHA384, PST_ALG_SHA512, PST_ALG_SHAKE256, PST_ALG_ES256,
	PST_ALG_EDDSA, PST_ALG_ESP256, PST_ALG_ED25519, PST_ALG_ES384,
	PST_ALG_ES512, PST_ALG_HMAC_256, PST_ALG_HMAC_384, PST_ALG_HMAC_512,
	PST_ALG_HSS_LMS };
static const int32_t sealed_algs[] = { PST_ALG_A128KW, PST_ALG_A192KW,
	PST_ALG_A256KW, PST_ALG_ECDH_ES_A128KW, PST_ALG_ECDH_ES_A192KW,
	PST_ALG_ECDH_ES_A256KW, PST_ALG_A128GCM, PST_ALG_A192GCM,
	PST_ALG_A256GCM, PST_ALG_CHACHA_POLY, PST_ALG_A128CTR, PST_ALG_A192CTR,
	PST_ALG_A256CTR };
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* HSS/LMS is the core's own, over the port's SHA-256. */
static size_t
put_algs(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const int32_t *list, size_t count)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		int32_t needs =
		    list[i] == PST_ALG_HSS_LMS ? PST_ALG_SHA256 : list[i];

		if (!crypto->supports(crypto->ctx, needs))
			continue;
		pst_cbor_put_int(w, list[i]);
		n++;
	}
	return n;
}

static void
put_algorithms(struct pst_cbor_writer *w, const struct pst_crypto *crypto)
{
	size_t n, mark;

	pst_cbor_put_uint(w, CAPABLE_ALGORITHMS);
	mark = pst_cbor_wrap_begin(w);
	n = put_algs(w, crypto, open_algs, COUNT(open_algs));
	if (PST_SUIT_WITH_ENCRYPTION && crypto->cipher_begin != NULL)
		n += put_algs(w, crypto, sealed_algs, COUNT(sealed_algs));
	pst_cbor_wrap_array(w, mark, n);
}

/* --- components ---------------------------------------------------------- */

/* [*bstr, true]: any component under the prefix. */
static void
put_prefix(struct pst_cbor_writer *w, struct pst_bytes prefix)
{
	struct pst_cbor_reader r;
	struct pst_list parts;

	pst_cbor_reader_init(&r, prefix);
	parts = pst_cbor_list(&r, 0, PST_SUIT_ID_PARTS_MAX);
	pst_cbor_put_array(w, parts.count + 1);
	pst_cbor_put_raw(w, parts.items);
	pst_cbor_put_bool(w, true);
}

static void
put_components(struct pst_cbor_writer *w, const struct pst_suit_capabilities *c)
{
	size_t i;

	pst_cbor_put_uint(w, CAPABLE_COMPONENTS);
	pst_cbor_put_array(w, c->count > 0 ? c->count : 1);
	if (c->count == 0)
		put_prefix(w, PST_BYTES_LIT("\x80"));
	for (i = 0; i < c->count; i++)
		put_prefix(w, c->prefixes[i]);
}

/* --- the report ---------------------------------------------------------- */

#define BIT(n) ((uint64_t)1 << (n))
#define BELOW(n) (BIT(n) - 2) /* labels 1 to n - 1 */

void
pst_suit_capabilities_put(
    struct pst_cbor_writer *w, const struct pst_suit_capabilities *c)
{
	const uint32_t sections = PST_SUIT_SECTIONS_BUILT;
	const uint64_t texts = BELOW(5);
	/* Texts are verified and passed over: 7 and 8 are update management's.
	 */
	const uint64_t component_texts =
	    PST_SUIT_WITH_UPDATE_MANAGEMENT ? BELOW(9) : BELOW(7);

	pst_cbor_put_map(w, PST_SUIT_WITH_DEPENDENCY_PREFIX ? 10 : 9);
	put_components(w, c);
	put_set(w, CAPABLE_COMMANDS, commands(c));
	put_set(w, CAPABLE_PARAMETERS, parameters(c));
	put_algorithms(w, c->crypto);
	put_set(w, CAPABLE_ENVELOPE,
	    BIT(PST_SUIT_AUTHENTICATION) | BIT(PST_SUIT_MANIFEST) |
		(PST_SUIT_SEVERABLE & sections));
	put_set(w, CAPABLE_MANIFEST,
	    BIT(PST_SUIT_VERSION) | BIT(PST_SUIT_SEQUENCE) |
		BIT(PST_SUIT_COMMON) | BIT(PST_SUIT_REFERENCE_URI) |
		BIT(PST_SUIT_COMPONENT_ID) | sections);
	put_set(w, CAPABLE_COMMON,
	    BIT(PST_SUIT_COMPONENTS) | BIT(PST_SUIT_SHARED_SEQUENCE) |
		(c->dependencies ? BIT(PST_SUIT_DEPENDENCIES) : 0));
	put_set(w, CAPABLE_TEXT, texts);
	put_set(w, CAPABLE_TEXT_COMPONENT, component_texts);
	if (PST_SUIT_WITH_DEPENDENCY_PREFIX)
		put_set(w, CAPABLE_DEPENDENCY, BIT(1));
}
