/*
 * Quotes that an attacker with a genuine key, or none, puts together: PCR
 * values that are cut elsewhere, logs whose header lies about digests.
 */
#include "verifier/endorsements.h"
#include "verifier/verifier.h"

#include "ports/openssl/openssl.h"
#include "test.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>

enum { ALG_SHA1 = 0x04, ALG_SHA256 = 0x0b, ALG_SHA384 = 0x0c };

static const struct pst_crypto *crypto;
static struct pst_pubkey device;
static struct pst_signer signer;
static struct pst_endorsements *policy;

static enum pst_err
find_one(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = *(const struct pst_pubkey *)ctx;
	*who = 7;
	return PST_OK;
}

static struct pst_keys keys = { .ctx = &device, .find = find_one };

/* Bytes that are put one after another. */
struct bytes {
	uint8_t b[4096];
	size_t len;
};

static void
put(struct bytes *to, const void *from, size_t len)
{
	if (len > 0)
		memcpy(to->b + to->len, from, len);
	to->len += len;
}

static void
put_be(struct bytes *to, uint64_t v, size_t len)
{
	while (len-- > 0)
		to->b[to->len++] = len < 8 ? (uint8_t)(v >> (8 * len)) : 0;
}

static void
put_le(struct bytes *to, uint64_t v, size_t len)
{
	for (; len > 0; len--, v >>= 8)
		to->b[to->len++] = (uint8_t)v;
}

/* Values of PCRs, as whoever makes the Evidence cuts them. */
struct pcr {
	uint8_t number;
	struct pst_bytes value;
};

static struct bytes quote, sig, pcrs, log_file, cert_part;

static struct pst_bytes
view(const struct bytes *b)
{
	return (struct pst_bytes){ b->b, b->len };
}

/* A quote over `all`, the selected values one after another, signed. */
static void
make_quote(uint16_t alg, uint32_t selected, struct pst_bytes all)
{
	static const uint8_t extra[64] = { 1, 2, 3 };
	uint8_t digest[PST_DIGEST_MAX], raw[PST_SIGNATURE_MAX];
	size_t len = 0;
	struct pst_bytes q;

	CHECK_EQ(
	    crypto->digest(crypto->ctx, PST_ALG_SHA256, &all, 1, digest, &len),
	    PST_OK);
	quote.len = 0;
	put_be(&quote, 0xff544347, 4);
	put_be(&quote, 0x8018, 2);
	put_be(&quote, 0, 2);
	put_be(&quote, sizeof(extra), 2);
	put(&quote, extra, sizeof(extra));
	put_be(&quote, 0, 8 + 4 + 4);
	put_be(&quote, 1, 1);
	put_be(&quote, 1, 8);
	put_be(&quote, 1, 4);
	put_be(&quote, alg, 2);
	put_be(&quote, 3, 1);
	put_le(&quote, selected, 3);
	put_be(&quote, len, 2);
	put(&quote, digest, len);
	q = view(&quote);
	CHECK_EQ(
	    crypto->sign(crypto->ctx, signer.key, signer.alg, &q, 1, raw, &len),
	    PST_OK);
	CHECK_EQ(len, 64);
	sig.len = 0;
	put_be(&sig, 0x18, 2);
	put_be(&sig, ALG_SHA256, 2);
	put_be(&sig, 32, 2);
	put(&sig, raw, 32);
	put_be(&sig, 32, 2);
	put(&sig, raw + 32, 32);
}

/* {alg: {+ pcr: bstr}} */
static void
make_map(uint16_t alg, const struct pcr *list, size_t n)
{
	struct pst_cbor_writer w;
	size_t i;

	pst_cbor_writer_init(&w, pcrs.b, sizeof(pcrs.b));
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, alg);
	pst_cbor_put_map(&w, n);
	for (i = 0; i < n; i++) {
		pst_cbor_put_uint(&w, list[i].number);
		pst_cbor_put_bstr(&w, list[i].value);
	}
	pcrs.len = w.len;
}

/* The file of tpm2-tools likewise: at most eight values. */
static void
make_tool_file(
    uint16_t alg, uint32_t selected, const struct pcr *list, size_t n)
{
	size_t i;

	memset(&pcrs, 0, sizeof(pcrs));
	put_le(&pcrs, 1, 4);
	put_le(&pcrs, alg, 2);
	put_le(&pcrs, 3, 1);
	put_le(&pcrs, selected, 3);
	pcrs.len = 132;
	put_le(&pcrs, 1, 4);
	put_le(&pcrs, n, 4);
	for (i = 0; i < n; i++) {
		pcrs.len = 132 + 4 + 4 + 66 * i;
		put_le(&pcrs, list[i].value.len, 2);
		put(&pcrs, list[i].value.ptr, list[i].value.len);
	}
	pcrs.len = 132 + 4 + 532;
}

/* A log of one algorithm whose digests are said to be so long. */
static void
make_log(uint16_t alg, uint16_t len)
{
	log_file.len = 0;
	put_le(&log_file, 0, 4);
	put_le(&log_file, 3, 4);
	put_le(&log_file, 0, 20 - 8);
	put_le(&log_file, 0, 8);
	put_le(&log_file, 16 + 8 + 4 + 4 + 1, 4);
	put(&log_file, "Spec ID Event03", 16);
	put_le(&log_file, 0, 8);
	put_le(&log_file, 1, 4);
	put_le(&log_file, alg, 2);
	put_le(&log_file, len, 2);
	put_le(&log_file, 0, 1);
}

static void
add_event(uint32_t pcr, uint32_t type, uint16_t alg, size_t len,
    struct pst_bytes event)
{
	put_le(&log_file, pcr, 4);
	put_le(&log_file, type, 4);
	put_le(&log_file, 1, 4);
	put_le(&log_file, alg, 2);
	memset(log_file.b + log_file.len, 0x11, len);
	log_file.len += len;
	put_le(&log_file, event.len, 4);
	put(&log_file, event.ptr, event.len);
}

static enum pst_err
appraise(struct pst_appraisal *a, bool with_log)
{
	static uint8_t container[16384];
	struct pst_verifier v = {
		.crypto = crypto, .attesters = &keys, .endorsements = policy
	};
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, container, sizeof(container));
	pst_cbor_put_map(&w, 3);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_tstr(
	    &w, PST_BYTES_LIT("application/vnd.postern.tpm-quote"));
	pst_cbor_put_uint(&w, 2);
	pst_cbor_put_bstr(&w, view(&quote));
	pst_cbor_put_uint(&w, 5);
	pst_cbor_put_array(&w, 2 + (size_t)with_log + (cert_part.len > 0));
	pst_cbor_put_bstr(&w, view(&sig));
	pst_cbor_put_bstr(&w, view(&pcrs));
	if (with_log)
		pst_cbor_put_bstr(&w, view(&log_file));
	if (cert_part.len > 0)
		pst_cbor_put_bstr(&w, view(&cert_part));
	if (w.err != PST_OK)
		return PST_ERR_STATE;
	return pst_verifier_appraise(&v, pst_cbor_written(&w),
	    PST_BYTES_LIT(PST_EVIDENCE_FORMAT), (struct pst_bytes){ NULL, 0 },
	    NULL, 1700000000, a);
}

static bool
failed(const struct pst_appraisal *a, const char *what)
{
	size_t i;

	for (i = 0; i < a->check_count; i++)
		if (strcmp(a->checks[i].what, what) == 0 &&
		    a->checks[i].err != PST_OK)
			return true;
	return false;
}

/* Values of PCRs, 32 bytes each. */
static uint8_t bank[24 * 32];

static struct pst_bytes
values(size_t from, size_t n)
{
	return (struct pst_bytes){ bank + 32 * from, 32 * n };
}

/* Reference Values: PCR 7 is 32 bytes of 3. */
static void
set_policy(void)
{
	static const char rule[] = "{\"tpm\": {\"pcr7\": [\""
				   "0303030303030303030303030303030303030303"
				   "030303030303030303030303\"]}}";
	const char *why;
	size_t i;

	for (i = 0; i < 24; i++)
		memset(bank + 32 * i, (int)i, 32);
	pst_endorsements_free(&policy);
	policy = pst_endorsements_new();
	CHECK(policy != NULL);
	CHECK_EQ(pst_endorsements_add(
		     policy, PST_ENDORSE_REFERENCE, PST_BYTES_LIT(rule), &why),
	    PST_OK);
}

static void
accepts_what_was_quoted(void)
{
	const struct pcr good[2] = { { 7, values(3, 1) },
		{ 16, values(5, 1) } };
	uint8_t all[64];
	struct pst_appraisal a;

	set_policy();
	memcpy(all, bank + 3 * 32, 32);
	memcpy(all + 32, bank + 5 * 32, 32);
	make_quote(
	    ALG_SHA256, 1u << 7 | 1u << 16, (struct pst_bytes){ all, 64 });
	make_map(ALG_SHA256, good, 2);
	CHECK_EQ(appraise(&a, false), PST_OK);
	make_tool_file(ALG_SHA256, 1u << 7 | 1u << 16, good, 2);
	CHECK_EQ(appraise(&a, false), PST_OK);
}

/*
 * The digest is of values one after another, so it holds as well for values
 * that are cut elsewhere. PCR 16 can be brought to any value that PCR 7 ever
 * had; it must not be taken for it.
 */
static void
values_are_not_cut_elsewhere(void)
{
	/* Really PCR 0, 7 and 16 are 1, 2 and 3. */
	const uint32_t selected = 1u << 0 | 1u << 7 | 1u << 16;
	const struct pcr tool[3] = { { 0, values(1, 2) }, { 7, values(3, 1) },
		{ 16, { bank, 0 } } };
	/* Really PCR 0, 7, 16, 22 and 23 are 1 to 5. */
	const struct pcr map[5] = { { 0, values(1, 2) }, { 7, values(3, 1) },
		{ 16, { bank + 4 * 32, 20 } },
		{ 22, { bank + 4 * 32 + 20, 22 } },
		{ 23, { bank + 4 * 32 + 42, 22 } } };
	struct pst_appraisal a;

	set_policy();
	make_quote(ALG_SHA256, selected, values(1, 3));
	make_tool_file(ALG_SHA256, selected, tool, 3);
	CHECK(appraise(&a, false) != PST_OK);
	CHECK(failed(&a, "pcrs"));
	make_quote(ALG_SHA256, selected | 1u << 22 | 1u << 23, values(1, 5));
	make_map(ALG_SHA256, map, 5);
	CHECK(appraise(&a, false) != PST_OK);
	CHECK(failed(&a, "pcrs"));
}

static void
banks_of_weak_or_unknown_hashes_are_refused(void)
{
	const struct pcr list[1] = { { 7, { bank + 3 * 32, 20 } } };
	const struct pcr longer[1] = { { 7, values(3, 1) } };
	struct pst_appraisal a;

	set_policy();
	make_quote(ALG_SHA1, 1u << 7, list[0].value);
	make_map(ALG_SHA1, list, 1);
	CHECK(appraise(&a, false) != PST_OK);
	CHECK(failed(&a, "pcrs"));
	make_quote(0x12, 1u << 7, longer[0].value);
	make_map(0x12, longer, 1);
	CHECK(appraise(&a, false) != PST_OK);
	CHECK(failed(&a, "pcrs"));
}

/* The log says how long digests are; the hash says what is true. */
static void
a_log_does_not_choose_the_length_of_digests(void)
{
	static const uint16_t lengths[] = { 2000, 0, 1, 20, 31, 33, 48, 64, 65,
		1500, 2000 };
	const struct pcr good[1] = { { 7, values(3, 1) } };
	const struct pst_bytes start = { (const uint8_t *)"StartupLocality\0\3",
		17 };
	const struct pst_bytes nothing = { NULL, 0 };
	struct pst_appraisal a;
	size_t i;

	set_policy();
	make_quote(ALG_SHA256, 1u << 7, values(3, 1));
	make_map(ALG_SHA256, good, 1);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_log(ALG_SHA256, lengths[i]);
		add_event(0, 3, ALG_SHA256, lengths[i], start);
		CHECK(appraise(&a, true) != PST_OK);
		CHECK(failed(&a, "log"));
		make_log(ALG_SHA256, lengths[i]);
		add_event(7, 1, ALG_SHA256, lengths[i], nothing);
		CHECK(appraise(&a, true) != PST_OK);
		CHECK(failed(&a, "log"));
	}
	make_log(ALG_SHA256, 32);
	add_event(0, 3, ALG_SHA256, 32, start);
	CHECK_EQ(appraise(&a, true), PST_OK);
}

/* --- certificates ------------------------------------------------------- */

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CHECK(x != NULL);
	X509_add_ext(cert, x, -1);
	X509_EXTENSION_free(x);
}

/* A certificate of its own key, or of one that `issuer` signs. */
static X509 *
make_cert(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by,
    const char *constraints, const char *usage)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), issuer == NULL ? 1 : 2);
	ASN1_TIME_set(X509_getm_notBefore(x), 1600000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 1800000000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    x, X509_get_subject_name(issuer != NULL ? issuer : x));
	X509_set_pubkey(x, key);
	add_extension(x, NID_basic_constraints, constraints);
	if (usage != NULL)
		add_extension(x, NID_ext_key_usage, usage);
	X509_sign(x, by, EVP_sha256());
	return x;
}

/* What the check of the certificate says of a quote beside it. */
static bool
certificate_is_good(X509 *leaf)
{
	struct pst_appraisal a;
	unsigned char *at = cert_part.b;

	cert_part.len = (size_t)i2d_X509(leaf, &at);
	X509_free(leaf);
	(void)appraise(&a, false);
	cert_part.len = 0;
	/* The quote is by another key, whatever the certificate is. */
	return failed(&a, "signature") && !failed(&a, "certificate");
}

/* What certifies other keys of an authority's certifies no quotes. */
static void
only_an_attestation_keys_certificate_counts(void)
{
	static const char ak[] = "2.23.133.8.3";
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = make_cert("CA", ca_key, NULL, ca_key, "CA:TRUE", NULL);
	unsigned char der[2048], *at = der;

	set_policy();
	make_quote(ALG_SHA256, 1u << 7, values(3, 1));
	make_map(ALG_SHA256, &(struct pcr){ 7, values(3, 1) }, 1);
	CHECK_EQ(
	    pst_endorsements_add(policy, PST_ENDORSE_ANCHOR,
		(struct pst_bytes){ der, (size_t)i2d_X509(ca, &at) }, NULL),
	    PST_OK);
	CHECK(certificate_is_good(
	    make_cert("AK", key, ca, ca_key, "CA:FALSE", ak)));
	CHECK(certificate_is_good(make_cert(
	    "AK", key, ca, ca_key, "CA:FALSE", "clientAuth,2.23.133.8.3")));
	CHECK(!certificate_is_good(
	    make_cert("web", key, ca, ca_key, "CA:FALSE", "serverAuth")));
	CHECK(!certificate_is_good(
	    make_cert("any", key, ca, ca_key, "CA:FALSE", NULL)));
	CHECK(!certificate_is_good(
	    make_cert("sub", key, ca, ca_key, "CA:TRUE", ak)));
	CHECK(!certificate_is_good(
	    make_cert("AK", key, ca, key, "CA:FALSE", ak)));
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
}

static void
make_key(struct pst_openssl *port)
{
	struct pst_key key;
	uint32_t number;

	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	device = key.pub;
	CHECK_EQ(pst_openssl_add(port, &key, &number), PST_OK);
	CHECK_EQ(pst_openssl_signer(port, number, 0, &signer), PST_OK);
}

int
main(void)
{
	struct pst_openssl *port = pst_openssl_new();

	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	make_key(port);
	if (test_failed)
		return 1;
	RUN(accepts_what_was_quoted);
	RUN(values_are_not_cut_elsewhere);
	RUN(banks_of_weak_or_unknown_hashes_are_refused);
	RUN(a_log_does_not_choose_the_length_of_digests);
	RUN(only_an_attestation_keys_certificate_counts);
	pst_endorsements_free(&policy);
	pst_openssl_free(&port);
	TEST_END();
}
