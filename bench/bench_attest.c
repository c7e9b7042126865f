/*
 * Appraisals of published Evidence, read in place, against the bare signature
 * checks that each needs: of P-256, P-384 and RSA-4096 as many as there are
 * signatures on the way from the Evidence to the anchor, collateral and CRLs
 * included.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "ports/openssl/openssl.h"
#include "verifier/verifier.h"

#define FILE_MAX 262144

/* One kind of signature, made here, to be checked again and again. */
struct bare {
	EVP_PKEY *key;
	const char *hash;
	uint8_t sig[1024];
	size_t len;
};
static struct bare p256, p384, rsa;
static const uint8_t message[64];

struct row {
	const char *name, *technology, *file;
	const char *anchors[2], *collateral[3], *key;
	uint64_t now_s;
	unsigned p256, p384, rsa; /* signatures */
};

static const struct row rows[] = {
	{ "attest_psa", "psa", "psa/tfm_psa-2_0_0_sign1.bin", { NULL },
	    { NULL }, "psa/tfm_public.pem", 1750000000, 1, 0, 0 },
	{ "attest_cca", "cca", "cca/tfrmm_cca_token.cbor", { NULL }, { NULL },
	    "cca/tfrmm_cca_platform.pub.pem", 1750000000, 0, 2, 0 },
	{ "attest_tpm", "tpm", "tpm/q_ecc.msg", { NULL },
	    { "tpm/q_ecc.sig", "tpm/q_ecc.pcrs", NULL }, "tpm/ak_ecc.pub.pem",
	    1750000000, 1, 0, 0 },
	{ "attest_snp", "snp", "snp/veraison_genoa_report.bin",
	    { "snp/roots_ask_ark_genoa.pem", NULL },
	    { "snp/veraison_genoa_auxblob.bin", NULL }, NULL, 1750000000, 0, 1,
	    1 },
	{ "attest_nitro", "nitro", "nitro/evervault_beta_valid.bin",
	    { "nitro/aws_nitro_root.der", NULL }, { NULL }, NULL, 1665651490, 0,
	    5, 0 },
	/* Quote, quoting enclave, two certificates and two CRLs of its path,
	 * TCB information and identity with a certificate and a CRL each. */
	{ "attest_dcap", "dcap", "dcap/phala_tdx_v4.quote",
	    { "dcap/intel_root_ca.der", NULL },
	    { "dcap/phala_tdx_v4.collateral.json", NULL }, NULL, 1750809600, 12,
	    0, 0 },
};

struct job {
	const struct row *row;
	struct pst_verifier verifier;
	struct pst_bytes evidence, format;
	struct pst_appraisal result;
};

static struct pst_pubkey attester;

static enum pst_err
find_one(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*who = 0;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = attester;
	return PST_OK;
}

static void
appraise(void *ctx)
{
	const struct pst_bytes none = { NULL, 0 };
	struct job *j = ctx;

	bench_must(pst_verifier_appraise(&j->verifier, j->evidence, j->format,
		       none, NULL, j->row->now_s, &j->result) == PST_OK,
	    j->row->name);
}

static void
check(const struct bare *b)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	bench_must(c != NULL &&
		EVP_DigestVerifyInit_ex(
		    c, NULL, b->hash, NULL, NULL, b->key, NULL) == 1 &&
		EVP_DigestVerify(c, b->sig, b->len, message, sizeof(message)) ==
		    1,
	    "EVP_DigestVerify");
	EVP_MD_CTX_free(c);
}

static void
bare_checks(void *ctx)
{
	const struct row *r = ((struct job *)ctx)->row;
	unsigned i;

	for (i = 0; i < r->p256; i++)
		check(&p256);
	for (i = 0; i < r->p384; i++)
		check(&p384);
	for (i = 0; i < r->rsa; i++)
		check(&rsa);
}

static void
make(struct bare *b, EVP_PKEY *key, const char *hash)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	b->key = key;
	b->hash = hash;
	b->len = sizeof(b->sig);
	bench_must(key != NULL && c != NULL &&
		EVP_DigestSignInit_ex(c, NULL, hash, NULL, NULL, key, NULL) ==
		    1 &&
		EVP_DigestSign(c, b->sig, &b->len, message, sizeof(message)) ==
		    1,
	    "EVP_DigestSign");
	EVP_MD_CTX_free(c);
}

static bool
load(const char *name, uint8_t *out, size_t *len)
{
	char path[512];
	FILE *f;

	snprintf(
	    path, sizeof(path), "%s/vectors/attest/%s", PST_SHARED_DIR, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	*len = fread(out, 1, FILE_MAX, f);
	fclose(f);
	return true;
}

static bool
add(struct pst_endorsements *e, enum pst_endorsement_use use, const char *name)
{
	static uint8_t file[FILE_MAX];
	size_t len;

	return load(name, file, &len) &&
	    pst_endorsements_add(
		e, use, (struct pst_bytes){ file, len }, NULL) == PST_OK;
}

static bool
set_up(struct job *j, struct pst_endorsements *e, uint8_t *evidence)
{
	static uint8_t file[FILE_MAX];
	const struct row *r = j->row;
	struct pst_key key;
	bool good = true;
	size_t i, len;

	for (i = 0; good && i < 2 && r->anchors[i] != NULL; i++)
		good = add(e, PST_ENDORSE_ANCHOR, r->anchors[i]);
	for (i = 0; good && i < 3 && r->collateral[i] != NULL; i++)
		good = add(e, PST_ENDORSE_COLLATERAL, r->collateral[i]);
	if (good && r->key != NULL) {
		good = load(r->key, file, &len) &&
		    pst_key_parse(
			(struct pst_bytes){ file, len }, &key, NULL) == PST_OK;
		if (good)
			attester = key.pub;
	}
	j->format = (struct pst_bytes){ (const uint8_t *)r->technology,
		strlen(r->technology) };
	j->evidence.ptr = evidence;
	return good && load(r->file, evidence, &j->evidence.len);
}

static void
one(const struct row *r, const struct pst_crypto *crypto)
{
	static uint8_t evidence[FILE_MAX];
	static struct job j;
	struct pst_endorsements *e = pst_endorsements_new();
	struct pst_keys keys = { .find = find_one };
	struct bench_case c = { r->name, appraise, &j,
		"its bare signature checks", bare_checks, &j };

	bench_must(e != NULL, "memory");
	memset(&j, 0, sizeof(j));
	j.row = r;
	j.verifier.crypto = crypto;
	j.verifier.attesters = &keys;
	j.verifier.endorsements = e;
	j.verifier.max_age_s = 3600;
	if (set_up(&j, e, evidence))
		bench_rate(&c);
	else
		bench_absent(r->name, "the samples are not there");
	pst_endorsements_free(&e);
}

void
bench_attest(void)
{
	struct pst_openssl *port = pst_openssl_new();
	size_t i;

	bench_must(port != NULL, "memory");
	make(&p256, EVP_EC_gen("P-256"), "SHA256");
	make(&p384, EVP_EC_gen("P-384"), "SHA384");
	make(&rsa, EVP_RSA_gen(4096), "SHA384");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bench_wanted(rows[i].name))
			one(&rows[i], pst_openssl_crypto(port));
	EVP_PKEY_free(p256.key);
	EVP_PKEY_free(p384.key);
	EVP_PKEY_free(rsa.key);
	pst_openssl_free(&port);
}
