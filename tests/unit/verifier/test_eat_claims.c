/*
 * What an EAT's submodules, measurements and manifests give to the policy, and
 * how fresh nested tokens must be. Tokens are signed here by fresh keys: the
 * device's, and another attester's in the device.
 */
#include <postern/eat_measured.h>
#include <postern/eat_modules.h>
#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"
#include "verifier/verifier.h"

enum { NOW = 1700000000, SKEW = 60, MAX_AGE = 600 };
enum { DEVICE, INNER, STRANGER, PARTIES };

static const struct pst_bytes none = { NULL, 0 };
static const struct pst_crypto *crypto;
static struct pst_openssl *port;
static struct pst_pubkey pubs[PARTIES];
static struct pst_signer signers[PARTIES];
static struct pst_bytes challenge;

/* The device's key and the inner attester's. */
static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt > INNER)
		return PST_ERR_NOT_FOUND;
	*key = pubs[attempt];
	*who = (uint32_t)attempt;
	return PST_OK;
}

static const struct pst_keys keys = { .find = find };

struct buffer {
	uint8_t bytes[16384];
	size_t len;
};

static struct pst_bytes
bytes(const struct buffer *b)
{
	return (struct pst_bytes){ b->bytes, b->len };
}

/* What is given to the token under test, beside what the profile requires. */
static struct pst_eat extra;
static struct buffer modules;
static size_t module_count;

static void
start(void)
{
	memset(&extra, 0, sizeof(extra));
	modules.len = 0;
	module_count = 0;
}

static void
add_module(const char *name, enum pst_eat_module_kind kind, struct pst_bytes in,
    int32_t alg)
{
	struct pst_eat_module m = { { (const uint8_t *)name, strlen(name) },
		kind, in, alg };
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, modules.bytes + modules.len,
	    sizeof(modules.bytes) - modules.len);
	pst_eat_module_put(&w, &m);
	modules.len += pst_cbor_written(&w).len;
	module_count++;
}

static void
encode(struct buffer *out, const struct pst_eat *e)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, out->bytes, sizeof(out->bytes));
	pst_eat_encode(&w, e);
	out->len = pst_cbor_written(&w).len;
}

static void
sign(struct buffer *out, const struct buffer *payload, size_t by, bool tag)
{
	struct pst_cose_sign_args args;
	struct pst_cbor_writer w;

	memset(&args, 0, sizeof(args));
	args.payload = bytes(payload);
	args.signers = &signers[by];
	args.count = 1;
	pst_cbor_writer_init(&w, out->bytes, sizeof(out->bytes));
	if (tag)
		pst_cbor_put_tag(&w, PST_TAG_CWT);
	if (pst_cose_sign1(&w, crypto, &args) != PST_OK)
		abort();
	out->len = w.len;
}

static struct pst_appraisal a;

/* The token with `extra` and the submodules, in a bundle with one set when
 * that has a name. */
static enum pst_err
judge_with(struct pst_endorsements *policy, const char *set_name,
    const struct buffer *set)
{
	static struct buffer payload, token, bundle;
	static uint8_t print[PST_THUMBPRINT_LEN];
	struct pst_verifier v = { .crypto = crypto,
		.attesters = &keys,
		.endorsements = policy,
		.skew_s = SKEW,
		.max_age_s = MAX_AGE };
	struct pst_eat_bundle b = { .token = none };
	struct pst_eat e = extra;
	struct pst_cbor_writer w;
	uint8_t pair[2048];

	if (pst_cose_thumbprint(crypto, &pubs[STRANGER], print) != PST_OK)
		abort();
	e.ueid = PST_BYTES_LIT("\1device");
	e.oemid = PST_BYTES_LIT("oem");
	e.hwmodel = PST_BYTES_LIT("model");
	e.hwversion = PST_BYTES_LIT("1");
	e.profile = PST_BYTES_LIT(PST_EAT_EVIDENCE_PROFILE);
	e.cnf_kid = (struct pst_bytes){ print, sizeof(print) };
	e.nonce = challenge;
	if (e.manifests.count == 0)
		e.manifests =
		    (struct pst_list){ PST_BYTES_LIT("\x82\x18\x3c\x40"), 1 };
	e.submods = (struct pst_list){ bytes(&modules), 2 * module_count };
	encode(&payload, &e);
	sign(&token, &payload, DEVICE, set_name != NULL);
	if (set_name == NULL)
		return pst_verifier_appraise(&v, bytes(&token),
		    PST_BYTES_LIT("eat"), challenge, &pubs[STRANGER], NOW, &a);
	pst_cbor_writer_init(&w, pair, sizeof(pair));
	pst_cbor_put_tstr(&w,
	    (struct pst_bytes){ (const uint8_t *)set_name, strlen(set_name) });
	pst_cbor_put_bstr(&w, bytes(set));
	b.token = pst_eat_without_tag(bytes(&token));
	b.sets = (struct pst_list){ pst_cbor_written(&w), 2 };
	pst_cbor_writer_init(&w, bundle.bytes, sizeof(bundle.bytes));
	pst_eat_bundle_put(&w, &b);
	return pst_verifier_appraise(&v, pst_cbor_written(&w),
	    PST_BYTES_LIT("application/eat-bun+cbor; "
			  "eat_profile=\"" PST_EAT_EVIDENCE_PROFILE "\""),
	    challenge, &pubs[STRANGER], NOW, &a);
}

static enum pst_err
judge(void)
{
	return judge_with(NULL, NULL, NULL);
}

static enum pst_err
judge_by(const char *rules)
{
	struct pst_endorsements *e = pst_endorsements_new();
	struct pst_bytes json = { (const uint8_t *)rules, strlen(rules) };
	enum pst_err err = PST_ERR_ARG;

	if (e != NULL &&
	    pst_endorsements_add(e, PST_ENDORSE_REFERENCE, json, NULL) ==
		PST_OK)
		err = judge_with(e, NULL, NULL);
	pst_endorsements_free(&e);
	return err;
}

static size_t
claims_of(const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < a.claim_count; i++)
		n += strcmp(a.claim[i].name, name) == 0;
	return n;
}

static bool
failed(const char *what)
{
	size_t i;

	for (i = 0; i < a.check_count; i++)
		if (strcmp(a.checks[i].what, what) == 0 &&
		    a.checks[i].err != PST_OK)
			return true;
	return false;
}

/* --- measurements and manifests ------------------------------------------ */

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_A "6161616161616161616161616161616161616161616161616161616161616161"
#define HEX_B "6262626262626262626262626262626262626262626262626262626262626262"

static void
put_content(struct pst_cbor_writer *w, uint16_t format, struct pst_bytes in)
{
	struct pst_eat_content c = { format, in };

	pst_eat_content_put(w, &c);
}

static void
put_measured(struct pst_cbor_writer *w, struct pst_bytes name,
    struct pst_bytes version, struct pst_bytes value)
{
	struct pst_eat_measured m = { name, version, PST_ALG_SHA256, value };
	struct pst_cbor_writer one;
	uint8_t buf[256];

	pst_cbor_writer_init(&one, buf, sizeof(buf));
	pst_eat_measured_put(&one, &m);
	put_content(w, PST_FORMAT_MEASURED_COMPONENT, pst_cbor_written(&one));
}

static void
components_are_looked_at_by_their_names(void)
{
	struct pst_cbor_writer w;
	uint8_t buf[512];

	start();
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	put_measured(&w, PST_BYTES_LIT("boot"), PST_BYTES_LIT("1.2"),
	    PST_BYTES_LIT(DIGEST_A));
	put_measured(&w, PST_BYTES_LIT("kernel"), PST_BYTES_LIT("6.1"),
	    PST_BYTES_LIT(DIGEST_B));
	extra.measurements = (struct pst_list){ pst_cbor_written(&w), 2 };
	CHECK_EQ(judge(), PST_OK);
	CHECK_EQ(claims_of("measurement"), 2);
	CHECK_EQ(claims_of("measurement(boot)"), 1);
	CHECK_EQ(claims_of("version(kernel)"), 1);
	CHECK_EQ(judge_by("{\"eat\": {\"measurement\": [\"" HEX_A "\", \"" HEX_B
			  "\"], \"version(boot)\": [\"1.2\"]}}"),
	    PST_OK);
	/* Each of the two may be either, unless it is asked for by name. */
	CHECK_EQ(judge_by("{\"eat\": {\"measurement(boot)\": [\"" HEX_A
			  "\"], \"measurement(kernel)\": [\"" HEX_B "\"]}}"),
	    PST_OK);
	CHECK_EQ(judge_by("{\"eat\": {\"measurement(boot)\": [\"" HEX_B
			  "\"], \"measurement(kernel)\": [\"" HEX_A "\"]}}"),
	    PST_ERR_EAT_REFUSED);
	CHECK_EQ(judge_by("{\"eat\": {\"measurement\": [\"" HEX_A "\"]}}"),
	    PST_ERR_EAT_REFUSED);
}

static enum pst_err
with_measurement(uint16_t format, struct pst_bytes in)
{
	struct pst_cbor_writer w;
	uint8_t buf[512];

	start();
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	put_content(&w, format, in);
	extra.measurements = (struct pst_list){ pst_cbor_written(&w), 1 };
	return judge();
}

static void
what_a_format_promises_must_be_there(void)
{
	CHECK_EQ(with_measurement(
		     PST_FORMAT_MEASURED_COMPONENT, PST_BYTES_LIT("\xa0")),
	    PST_ERR_EAT_CLAIM);
	CHECK(failed("claims"));
	CHECK(with_measurement(PST_FORMAT_COSWID, PST_BYTES_LIT("\xa0")) !=
	    PST_OK);
	CHECK(with_measurement(PST_FORMAT_SUIT_REPORT, PST_BYTES_LIT("\xa0")) !=
	    PST_OK);
	/* A format that is not known is bytes. */
	CHECK_EQ(
	    with_measurement(PST_FORMAT_CBOR, PST_BYTES_LIT("\xa0")), PST_OK);
	CHECK_EQ(claims_of("measurement"), 1);
	CHECK_EQ(with_measurement(4711, PST_BYTES_LIT("x")), PST_OK);
	CHECK_EQ(claims_of("measurement"), 1);
}

/* RFC 9711, Sections 4.2.14 and 4.2.15: measured software is an evidence
 * CoSWID, a manifest a payload CoSWID. One file "f" with its SHA-256. */
static void
a_coswid_is_of_the_kind_its_claim_wants(void)
{
	static const char tail[] =
	    "\xa2\x18\x18\x61\x66\x07\x82\x01\x58\x20" DIGEST_A;
	static const char head[] = "\xa5\x00\x61\x69\x0c\x00\x01\x61\x6e"
				   "\x02\x81\xa2\x18\x1f\x61\x63\x18\x21\x01";
	uint8_t tag[128];
	size_t n = sizeof(head) - 1;
	struct pst_bytes swid = { tag, n + 3 + sizeof(tail) - 1 };
	struct pst_cbor_writer w;
	uint8_t buf[256];

	memcpy(tag, head, n);
	memcpy(tag + n, "\x03\xa1\x11", 3);
	memcpy(tag + n + 3, tail, sizeof(tail) - 1);
	CHECK_EQ(with_measurement(PST_FORMAT_COSWID, swid), PST_OK);
	CHECK_EQ(claims_of("measurement(f)"), 1);
	start();
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	put_content(&w, PST_FORMAT_COSWID, swid);
	extra.manifests = (struct pst_list){ pst_cbor_written(&w), 1 };
	CHECK_EQ(judge(), PST_ERR_EAT_CLAIM);
	/* The same as a payload. */
	tag[n] = 0x06;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	put_content(&w, PST_FORMAT_COSWID, swid);
	extra.manifests = (struct pst_list){ pst_cbor_written(&w), 1 };
	CHECK_EQ(judge(), PST_OK);
	CHECK_EQ(claims_of("manifest(f)"), 1);
	CHECK_EQ(with_measurement(PST_FORMAT_COSWID, swid), PST_ERR_EAT_CLAIM);
}

static void
a_manifest_is_named_by_its_uri(void)
{
	struct pst_suit_digest d = { PST_ALG_SHA256, PST_BYTES_LIT(DIGEST_A) };
	struct pst_cbor_writer w, one;
	uint8_t buf[256], ref[128];

	start();
	pst_cbor_writer_init(&one, ref, sizeof(ref));
	pst_cbor_put_array(&one, 2);
	pst_cbor_put_tstr(&one, PST_BYTES_LIT("urn:x"));
	pst_suit_digest_put(&one, &d);
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	put_content(&w, PST_FORMAT_SUIT_REPORT, pst_cbor_written(&one));
	extra.manifests = (struct pst_list){ pst_cbor_written(&w), 1 };
	CHECK_EQ(judge_by("{\"eat\": {\"manifest-uri\": [\"urn:x\"], "
			  "\"manifest-digest(urn:x)\": [\"" HEX_A "\"]}}"),
	    PST_OK);
	CHECK_EQ(judge_by("{\"eat\": {\"manifest-digest\": [\"" HEX_B "\"]}}"),
	    PST_ERR_EAT_REFUSED);
}

/* --- submodules ----------------------------------------------------------- */

static struct buffer inner, inner_token;

/* A claims-set with a name, a debug state and, unless 0, a time. */
static void
make_inner(const char *name, uint32_t debug, uint64_t iat)
{
	struct pst_eat e;

	memset(&e, 0, sizeof(e));
	e.swname = (struct pst_bytes){ (const uint8_t *)name, strlen(name) };
	e.has_dbgstat = true;
	e.dbgstat = debug;
	e.has_iat = iat > 0;
	e.iat = iat;
	encode(&inner, &e);
}

static void
submodules_have_their_names_in_front(void)
{
	start();
	make_inner("linux", 4, 0);
	add_module("OS", PST_EAT_MODULE_CLAIMS, bytes(&inner), 0);
	CHECK_EQ(judge_by("{\"eat\": {\"OS/sw-name\": [\"linux\"], "
			  "\"OS/debug-state\": [4]}}"),
	    PST_OK);
	CHECK_EQ(claims_of("OS/sw-name"), 1);
	CHECK_EQ(claims_of("sw-name"), 0);
	CHECK_EQ(judge_by("{\"eat\": {\"sw-name\": [\"linux\"]}}"),
	    PST_ERR_EAT_REFUSED);
}

/* It could say that it is a claim of another module, or of none. */
static void
a_name_that_could_be_anothers_is_refused(void)
{
	static const char *const bad[] = { "OS/TEE", "a(b", "a\nb", "a\x7f" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start();
		make_inner("linux", 4, 0);
		add_module(bad[i], PST_EAT_MODULE_CLAIMS, bytes(&inner), 0);
		CHECK_EQ(judge(), PST_ERR_EAT_CLAIM);
		CHECK(failed("submodule"));
	}
}

static void
a_submodule_that_can_be_debugged_makes_the_device_so(void)
{
	start();
	make_inner("linux", 0, 0);
	add_module("OS", PST_EAT_MODULE_CLAIMS, bytes(&inner), 0);
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(failed("debug"));
}

static void
a_submodules_times_hold(void)
{
	start();
	make_inner("linux", 4, NOW + SKEW + 1);
	add_module("OS", PST_EAT_MODULE_CLAIMS, bytes(&inner), 0);
	CHECK_EQ(judge(), PST_ERR_EAT_EXPIRED);
	CHECK(failed("submodule"));
}

static enum pst_err
nested(size_t by, uint64_t iat, struct pst_bytes nonce)
{
	struct pst_eat e;

	start();
	memset(&e, 0, sizeof(e));
	e.swname = PST_BYTES_LIT("optee");
	e.has_iat = iat > 0;
	e.iat = iat;
	e.nonce = nonce;
	encode(&inner, &e);
	sign(&inner_token, &inner, by, true);
	add_module("TEE", PST_EAT_MODULE_TOKEN, bytes(&inner_token), 0);
	return judge();
}

static void
a_nested_token_needs_a_key_that_is_known(void)
{
	CHECK_EQ(nested(INNER, NOW, none), PST_OK);
	CHECK_EQ(claims_of("TEE/key"), 1);
	CHECK_EQ(claims_of("TEE/sw-name"), 1);
	CHECK_EQ(nested(STRANGER, NOW, none), PST_ERR_COSE_SIGNATURE);
	CHECK(failed("submodule") && !a.opened);
}

/* The one around it could have kept it for years. */
static void
a_nested_token_is_fresh_by_itself(void)
{
	CHECK_EQ(nested(INNER, 0, challenge), PST_OK);
	CHECK_EQ(nested(INNER, 0, none), PST_ERR_EAT_NONCE);
	CHECK(failed("submodule") && a.opened);
	CHECK_EQ(nested(INNER, 0, PST_BYTES_LIT("another challenge")),
	    PST_ERR_EAT_NONCE);
	CHECK_EQ(nested(INNER, NOW - MAX_AGE, none), PST_OK);
	CHECK_EQ(nested(INNER, NOW - MAX_AGE - 1, none), PST_ERR_EAT_EXPIRED);
	CHECK_EQ(nested(INNER, NOW - MAX_AGE - 1, challenge), PST_OK);
}

static void
detached_claims_come_in_a_bundle(void)
{
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes d = { digest, 0 };
	struct pst_bytes in;

	start();
	make_inner("linux", 4, 0);
	in = bytes(&inner);
	CHECK_EQ(
	    crypto->digest(crypto->ctx, PST_ALG_SHA256, &in, 1, digest, &d.len),
	    PST_OK);
	add_module("OS", PST_EAT_MODULE_DIGEST, d, PST_ALG_SHA256);
	CHECK_EQ(judge_with(NULL, "OS", &inner), PST_OK);
	CHECK_EQ(claims_of("OS/sw-name"), 1);
	/* Without them the digest is a claim. */
	CHECK_EQ(judge(), PST_OK);
	CHECK_EQ(claims_of("OS/digest"), 1);
	CHECK_EQ(claims_of("OS/sw-name"), 0);
	inner.bytes[inner.len - 1] ^= 1;
	CHECK(judge_with(NULL, "OS", &inner) != PST_OK);
	CHECK(failed("submodule") || failed("claims"));
}

int
main(void)
{
	size_t i;

	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	challenge = PST_BYTES_LIT("0123456789abcdef0123456789abcdef");
	for (i = 0; i < PARTIES; i++) {
		struct pst_key key;
		uint32_t number;

		if (pst_key_generate(PST_ALG_ESP256, &key) != PST_OK)
			return 1;
		pubs[i] = key.pub;
		if (pst_openssl_add(port, &key, &number) != PST_OK ||
		    pst_openssl_signer(port, number, 0, &signers[i]) != PST_OK)
			return 1;
	}
	RUN(components_are_looked_at_by_their_names);
	RUN(what_a_format_promises_must_be_there);
	RUN(a_coswid_is_of_the_kind_its_claim_wants);
	RUN(a_manifest_is_named_by_its_uri);
	RUN(submodules_have_their_names_in_front);
	RUN(a_name_that_could_be_anothers_is_refused);
	RUN(a_submodule_that_can_be_debugged_makes_the_device_so);
	RUN(a_submodules_times_hold);
	RUN(a_nested_token_needs_a_key_that_is_known);
	RUN(a_nested_token_is_fresh_by_itself);
	RUN(detached_claims_come_in_a_bundle);
	pst_openssl_free(&port);
	TEST_END();
}
