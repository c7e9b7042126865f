/*
 * AMD SEV-SNP attestation reports (SEV Secure Nested Paging Firmware ABI,
 * ATTESTATION_REPORT): signed by the chip's VCEK, or by the host's VLEK, whose
 * certificate hangs under ASK (or ASVK) and ARK.
 *
 * The report's layout is fixed; numbers are little-endian. What the VCEK's
 * extensions say of chip and TCB must be what the report says: a certificate
 * of an older TCB would vouch for a firmware that is not there any more.
 */
#include <string.h>

#include "cert.h"
#include "internal.h"

#define REPORT_LEN 1184
#define SIGNED_LEN 0x2a0
#define NUMBER_LEN 48 /* of a signature's 72 bytes, the rest are zero */
#define NUMBER_ROOM 72

#define POLICY_DEBUG (UINT64_C(1) << 19)
#define POLICY_ONE (UINT64_C(1) << 17) /* must be 1 */
#define POLICY_ZERO_FROM 26	       /* bits from here must be 0 */

#define OID_AMD "1.3.6.1.4.1.3704.1."

enum {
	AT_VERSION = 0x00,
	AT_GUEST_SVN = 0x04,
	AT_POLICY = 0x08,
	AT_FAMILY = 0x10,
	AT_IMAGE = 0x20,
	AT_VMPL = 0x30,
	AT_ALGORITHM = 0x34,
	AT_PLATFORM_INFO = 0x40,
	AT_SIGNER = 0x48,
	AT_REPORT_DATA = 0x50,
	AT_MEASUREMENT = 0x90,
	AT_HOST_DATA = 0xc0,
	AT_ID_KEY = 0xe0,
	AT_AUTHOR_KEY = 0x110,
	AT_REPORTED_TCB = 0x180,
	AT_CPUID = 0x188,
	AT_CHIP_ID = 0x1a0,
	AT_COMMITTED_TCB = 0x1e0,
	AT_LAUNCH_TCB = 0x1f0,
	AT_R = 0x2a0,
	AT_S = 0x2e8
};

enum { SIGNER_VCEK = 0, SIGNER_VLEK = 1 };

/* Certificates of the table that the host hands to the guest. */
static const uint8_t guid_vcek[16] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45,
	0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
static const uint8_t guid_vlek[16] = { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48,
	0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 };

static struct pst_bytes
field(struct pst_bytes report, size_t at, size_t len)
{
	return (struct pst_bytes){ report.ptr + at, len };
}

/* --- the certificates --------------------------------------------------- */

/* Entries of 24 bytes, GUID, offset and length, until a GUID of zeros. */
static enum pst_err
read_table(struct pst_bytes table, STACK_OF(X509) * certs, int *leaf)
{
	static const uint8_t none[16];
	size_t at;

	for (at = 0; at + 24 <= table.len; at += 24) {
		const uint8_t *e = table.ptr + at;
		uint64_t offset = pst_le(e + 16, 4), len = pst_le(e + 20, 4);
		int n = sk_X509_num(certs);
		enum pst_err err;

		if (memcmp(e, none, sizeof(none)) == 0)
			return PST_OK;
		if (offset > table.len || len > table.len - offset ||
		    n >= PST_CERTS_MAX)
			return PST_ERR_COSE_CERT;
		err = pst_certs_push(certs,
		    (struct pst_bytes){ table.ptr + offset, (size_t)len });
		if (err != PST_OK)
			return err;
		if (memcmp(e, guid_vcek, sizeof(guid_vcek)) == 0 ||
		    memcmp(e, guid_vlek, sizeof(guid_vlek)) == 0)
			*leaf = n;
	}
	return PST_ERR_COSE_CERT;
}

static bool
is_leaf(X509 *x)
{
	struct pst_bytes value;

	return pst_cert_extension(x, OID_AMD "3.1", &value);
}

/* The certificate that signed: out of the evidence, else of the collateral. */
static X509 *
find_leaf(const struct pst_verifier *v, STACK_OF(X509) * certs, int leaf)
{
	STACK_OF(X509) *more =
	    v->endorsements != NULL ? v->endorsements->between : NULL;
	int i;

	if (leaf >= 0)
		return sk_X509_value(certs, leaf);
	for (i = 0; i < sk_X509_num(certs); i++)
		if (is_leaf(sk_X509_value(certs, i)))
			return sk_X509_value(certs, i);
	for (i = 0; i < sk_X509_num(more); i++)
		if (is_leaf(sk_X509_value(more, i)))
			return sk_X509_value(more, i);
	return NULL;
}

/* A DER INTEGER of one byte; false when the extension is not that. */
static bool
small(X509 *cert, const char *oid, uint8_t *out)
{
	struct pst_bytes v;

	if (!pst_cert_extension(cert, oid, &v) || v.len < 3 || v.len > 4 ||
	    v.ptr[0] != 0x02 || (size_t)v.ptr[1] + 2 != v.len)
		return false;
	/* 128 to 255 have a byte of zero before them. */
	if (v.len == 4 && v.ptr[2] != 0)
		return false;
	*out = v.ptr[v.len - 1];
	return true;
}

/* Turin has another layout of the TCB, and an eight-byte chip id. */
static bool
is_turin(X509 *cert)
{
	uint8_t unused;

	return small(cert, OID_AMD "3.9", &unused);
}

static enum pst_err
check_tcb(X509 *cert, const uint8_t *tcb, const char **why)
{
	static const struct {
		const char *oid;
		uint8_t at, at_turin; /* 0xff: not there */
	} parts[] = {
		{ OID_AMD "3.9", 0xff, 0 },
		{ OID_AMD "3.1", 0, 1 },
		{ OID_AMD "3.2", 1, 2 },
		{ OID_AMD "3.3", 6, 3 },
		{ OID_AMD "3.8", 7, 7 },
	};
	bool turin = is_turin(cert);
	uint8_t value;
	size_t i;

	*why = "the certificate is of another TCB than reported";
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint8_t at = turin ? parts[i].at_turin : parts[i].at;

		if (at == 0xff)
			continue;
		if (!small(cert, parts[i].oid, &value) || value != tcb[at])
			return PST_ERR_COSE_CERT;
	}
	*why = NULL;
	return PST_OK;
}

/* Only a VCEK is of one chip. */
static enum pst_err
check_chip(X509 *cert, struct pst_bytes chip, const char **why)
{
	struct pst_bytes id;

	*why = "the certificate is of another chip";
	if (!pst_cert_extension(cert, OID_AMD "4", &id) ||
	    (id.len != chip.len && id.len != 8))
		return PST_ERR_COSE_CERT;
	if (memcmp(id.ptr, chip.ptr, id.len) != 0)
		return PST_ERR_COSE_CERT;
	*why = NULL;
	return PST_OK;
}

/* --- the report ---------------------------------------------------------- */

static enum pst_err
check_signature(X509 *cert, struct pst_bytes report)
{
	uint8_t r[NUMBER_LEN], s[NUMBER_LEN], der[160];
	struct pst_bytes part = field(report, 0, SIGNED_LEN);
	size_t i;

	for (i = NUMBER_LEN; i < NUMBER_ROOM; i++)
		if (report.ptr[AT_R + i] != 0 || report.ptr[AT_S + i] != 0)
			return PST_ERR_COSE_SIGNATURE;
	for (i = 0; i < NUMBER_LEN; i++) {
		r[NUMBER_LEN - 1 - i] = report.ptr[AT_R + i];
		s[NUMBER_LEN - 1 - i] = report.ptr[AT_S + i];
	}
	return pst_signature_check(X509_get0_pubkey(cert), "SHA384", 0, &part,
	    1, (struct pst_bytes){ der, pst_ecdsa_der(r, s, NUMBER_LEN, der) });
}

static bool
is_zero(struct pst_bytes b)
{
	size_t i;

	for (i = 0; i < b.len; i++)
		if (b.ptr[i] != 0)
			return false;
	return true;
}

static void
put_tcb(struct pst_appraisal *out, const uint8_t *tcb, bool turin)
{
	pst_claim_uint(out, "tcb-bootloader", tcb[turin ? 1 : 0]);
	pst_claim_uint(out, "tcb-tee", tcb[turin ? 2 : 1]);
	pst_claim_uint(out, "tcb-snp", tcb[turin ? 3 : 6]);
	pst_claim_uint(out, "tcb-microcode", tcb[7]);
	if (turin)
		pst_claim_uint(out, "tcb-fmc", tcb[0]);
}

static void
put_claims(struct pst_bytes r, bool turin, struct pst_appraisal *out)
{
	uint64_t policy = pst_le(r.ptr + AT_POLICY, 8);

	pst_claim_uint(out, "version", pst_le(r.ptr + AT_VERSION, 4));
	pst_claim_uint(out, "guest-svn", pst_le(r.ptr + AT_GUEST_SVN, 4));
	pst_claim_uint(out, "policy", policy);
	pst_claim_bytes(out, "family-id", field(r, AT_FAMILY, 16));
	pst_claim_bytes(out, "image-id", field(r, AT_IMAGE, 16));
	pst_claim_uint(out, "vmpl", pst_le(r.ptr + AT_VMPL, 4));
	pst_claim_uint(
	    out, "platform-info", pst_le(r.ptr + AT_PLATFORM_INFO, 8));
	pst_claim_bytes(out, "measurement", field(r, AT_MEASUREMENT, 48));
	pst_claim_bytes(out, "host-data", field(r, AT_HOST_DATA, 32));
	pst_claim_bytes(out, "id-key-digest", field(r, AT_ID_KEY, 48));
	pst_claim_bytes(out, "author-key-digest", field(r, AT_AUTHOR_KEY, 48));
	pst_claim_bytes(out, "chip-id", field(r, AT_CHIP_ID, 64));
	put_tcb(out, r.ptr + AT_REPORTED_TCB, turin);
	out->debug = (policy & POLICY_DEBUG) != 0;
	out->claims.ueid = field(r, AT_CHIP_ID, 33);
	/* All chips that hide it have one name, which is nobody's. */
	if (!is_zero(field(r, AT_CHIP_ID, 64)))
		out->identity = field(r, AT_CHIP_ID, 64);
}

static enum pst_err
check_form(struct pst_bytes r, const char **why)
{
	uint64_t policy, signer;

	*why = "not the length of a report";
	if (r.len != REPORT_LEN)
		return PST_ERR_EAT_CLAIM;
	*why = "version, algorithm or signing key of another kind";
	policy = pst_le(r.ptr + AT_POLICY, 8);
	signer = pst_le(r.ptr + AT_SIGNER, 4) >> 2 & 7;
	if (pst_le(r.ptr + AT_VERSION, 4) < 2 ||
	    pst_le(r.ptr + AT_ALGORITHM, 4) != 1 ||
	    (signer != SIGNER_VCEK && signer != SIGNER_VLEK))
		return PST_ERR_EAT_CLAIM;
	*why = "the policy has reserved bits";
	if ((policy & POLICY_ONE) == 0 || policy >> POLICY_ZERO_FROM != 0)
		return PST_ERR_EAT_CLAIM;
	*why = NULL;
	return PST_OK;
}

static void
open_by(const struct pst_verifier *v, const struct pst_evidence *in, X509 *cert,
    STACK_OF(X509) * certs, uint64_t now_s, struct pst_appraisal *out)
{
	struct pst_bytes r = in->payload;
	bool vcek = (pst_le(r.ptr + AT_SIGNER, 4) >> 2 & 7) == SIGNER_VCEK;
	const char *why = NULL;
	enum pst_err err;

	err = pst_cert_path(v->endorsements, cert, certs, now_s, &why);
	pst_appraisal_note(out, "certificate", err, why);
	pst_appraisal_add(out, "signature", check_signature(cert, r));
	err = check_tcb(cert, r.ptr + AT_REPORTED_TCB, &why);
	pst_appraisal_note(out, "tcb", err, why);
	if (vcek) {
		err = check_chip(cert, field(r, AT_CHIP_ID, 64), &why);
		pst_appraisal_note(out, "chip", err, why);
	}
	put_claims(r, is_turin(cert), out);
	pst_native_user_data(v, in, field(r, AT_REPORT_DATA, 64), out);
}

static enum pst_err
gather(const struct pst_verifier *v, const struct pst_evidence *in,
    STACK_OF(X509) * certs, int *leaf)
{
	const struct pst_endorsements *e = v->endorsements;
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; err == PST_OK && i < in->part_count; i++)
		err = read_table(in->part[i], certs, leaf);
	/* A table that was given as a file is no certificate to anybody else.
	 */
	for (i = 0; *leaf < 0 && e != NULL && i < e->collateral_count; i++)
		if (read_table(e->collateral[i], certs, leaf) != PST_OK)
			*leaf = -1;
	return err;
}

static void
open_report(const struct pst_verifier *v, const struct pst_evidence *in,
    uint64_t now_s, struct pst_appraisal *out)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	const char *why = NULL;
	enum pst_err err = check_form(in->payload, &why);
	X509 *cert = NULL;
	int leaf = -1;

	pst_appraisal_note(out, "format", err, why);
	if (err == PST_OK)
		err = certs != NULL ? gather(v, in, certs, &leaf)
				    : PST_ERR_CRYPTO;
	if (err == PST_OK)
		cert = find_leaf(v, certs, leaf);
	if (cert != NULL)
		open_by(v, in, cert, certs, now_s, out);
	else if (out->why == PST_OK)
		pst_appraisal_note(out, "certificate", PST_ERR_COSE_CERT,
		    "there is no VCEK or VLEK certificate");
	sk_X509_pop_free(certs, X509_free);
}

static enum pst_err
say(const struct pst_crypto *crypto, const struct pst_evidence *in,
    struct pst_said *out)
{
	const char *why = NULL;
	enum pst_err err = check_form(in->payload, &why);

	(void)crypto;
	if (err != PST_OK)
		return err;
	out->nonce = field(in->payload, AT_REPORT_DATA, 64);
	out->identity = field(in->payload, AT_CHIP_ID, 64);
	return PST_OK;
}

static const char *const formats[] = { "application/vnd.postern.sev-snp-report",
	NULL };

const struct pst_technology pst_technology_snp = { "snp", formats, false,
	open_report, pst_native_judge, say };
