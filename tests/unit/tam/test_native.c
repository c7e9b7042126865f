/*
 * Evidence of hardware as the TAM's own Verifier sees it: SEV-SNP reports by a
 * test vendor, with files out of the store. Whose it is, and why it is refused.
 */
#include "pki.h"
#include "world.h"

#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <tam/node/appraise.h>
#include <tam/node/trust.h>

#define OID_AMD "1.3.6.1.4.1.3704.1."

enum {
	REPORT_LEN = 1184,
	SIGNED_LEN = 0x2a0,
	AT_POLICY = 0x08,
	AT_ALGORITHM = 0x34,
	AT_REPORT_DATA = 0x50,
	AT_MEASUREMENT = 0x90,
	AT_TCB = 0x180,
	AT_CHIP = 0x1a0,
	AT_R = 0x2a0,
	AT_S = 0x2e8,
	NUMBER_LEN = 48,
	DEBUG_BYTE = 0x0a, /* bit 19 of the policy is bit 3 of this byte */
	MICROCODE = 0x187
};

static const struct pki_wanted ark = { "ARK", true, 1600000000, 2600000000,
	NULL };

static struct world w;
static struct agent a, b;
static EVP_PKEY *ark_key, *vcek_key;
static X509 *root, *vcek;
static uint8_t report[REPORT_LEN], evidence[8192];
static struct pst_tam_trust *trust;
static struct pst_tam_local_verifier verifier;
static struct pst_tam_appraiser appraiser;
static struct pst_tam_appraisal said;

/* --- a vendor, a chip, a report ----------------------------------------- */

/* The chip's certificate says of the TCB what the report says. */
static X509 *
certify(void)
{
	static const char *const oids[] = { OID_AMD "3.1", OID_AMD "3.2",
		OID_AMD "3.3", OID_AMD "3.8" };
	static const size_t at[] = { 0, 1, 6, 7 };
	uint8_t der[4][3];
	struct pki_extension x[6] = { 0 };
	struct pki_wanted wanted = { "VCEK", false, 1600000000, 2600000000, x };
	size_t i;

	for (i = 0; i < 4; i++) {
		der[i][0] = 0x02;
		der[i][1] = 1;
		der[i][2] = report[AT_TCB + at[i]];
		x[i].oid = oids[i];
		x[i].der = (struct pst_bytes){ der[i], 3 };
	}
	x[4].oid = OID_AMD "4";
	x[4].der = (struct pst_bytes){ report + AT_CHIP, 64 };
	return pki_certificate(&wanted, vcek_key, root, ark_key);
}

static void
fill_report(const struct agent *agent)
{
	memset(report, 0, sizeof(report));
	report[0] = 2;
	report[AT_POLICY + 2] = 2; /* the bit that must be one */
	report[AT_ALGORITHM] = 1;
	memset(report + AT_REPORT_DATA, 0x4e, 32);
	CHECK_EQ(pst_cose_thumbprint(
		     w.crypto, &agent->pub, report + AT_REPORT_DATA + 32),
	    PST_OK);
	memset(report + AT_MEASUREMENT, 0xaa, 48);
	memset(report + AT_TCB, 7, 8);
	memset(report + AT_CHIP, 0xc1, 64);
}

static void
put_number(size_t at, const BIGNUM *n)
{
	CHECK_EQ(BN_bn2lebinpad(n, report + at, NUMBER_LEN), NUMBER_LEN);
}

static void
sign_report(void)
{
	uint8_t der[160];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = NULL;

	if (ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, vcek_key) == 1 &&
	    EVP_DigestSign(ctx, der, &len, report, SIGNED_LEN) == 1)
		sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	CHECK(sig != NULL);
	put_number(AT_R, ECDSA_SIG_get0_r(sig));
	put_number(AT_S, ECDSA_SIG_get0_s(sig));
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* A table of one entry, then one of zeros, then the certificate. */
static struct pst_bytes
table(void)
{
	static const uint8_t guid[16] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64,
		0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
	static uint8_t out[4096];
	struct pst_bytes der = pki_der(vcek, out + 48, sizeof(out) - 48);

	memset(out, 0, 48);
	memcpy(out, guid, sizeof(guid));
	out[16] = 48;
	out[20] = (uint8_t)der.len;
	out[21] = (uint8_t)(der.len >> 8);
	return (struct pst_bytes){ out, der.len + 48 };
}

static struct pst_bytes
contain(const struct agent *agent)
{
	struct pst_cbor_writer o, k;
	uint8_t key[256];

	pst_cbor_writer_init(&k, key, sizeof(key));
	pst_cose_key_encode(&k, &agent->pub, (struct pst_bytes){ NULL, 0 });
	pst_cbor_writer_init(&o, evidence, sizeof(evidence));
	pst_cbor_put_map(&o, 4);
	pst_cbor_put_uint(&o, 1);
	pst_cbor_put_tstr(
	    &o, PST_BYTES_LIT("application/vnd.postern.sev-snp-report"));
	pst_cbor_put_uint(&o, 2);
	pst_cbor_put_bstr(&o, (struct pst_bytes){ report, sizeof(report) });
	pst_cbor_put_uint(&o, 3);
	pst_cbor_put_bstr(&o, pst_cbor_written(&k));
	pst_cbor_put_uint(&o, 5);
	pst_cbor_put_array(&o, 1);
	pst_cbor_put_bstr(&o, table());
	return pst_cbor_written(&o);
}

/* --- the TAM's side ------------------------------------------------------ */

static bool
put(enum pst_tam_endorsement_kind kind, const char *name,
    struct pst_bytes content)
{
	struct pst_tam_endorsement e = {
		.kind = kind, .name = name, .content = content
	};

	return pst_tam_endorsement_put(w.store, "test", &e, w.now_s) == PST_OK;
}

/* What the store holds now, as a worker has it before a message. */
static bool
load(void)
{
	char note[PST_TAM_NOTE_MAX];

	pst_tam_trust_drop(&trust);
	if (pst_tam_trust_load(w.reader, w.crypto, NULL, &trust, note) !=
	    PST_OK)
		return false;
	verifier.verifier.endorsements = pst_tam_trust_endorsements(trust);
	return true;
}

static bool
policy(const char *rules)
{
	return put(PST_TAM_REFERENCE, "board",
		   (struct pst_bytes){
		       (const uint8_t *)rules, strlen(rules) }) &&
	    load();
}

static const char measured[] =
    "{\"snp\": {\"measurement\": [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"],"
    " \"tcb-microcode\": {\"min\": 7}}}";

static bool
begin(void)
{
	uint8_t der[2048];

	ark_key = EVP_EC_gen("P-384");
	vcek_key = EVP_EC_gen("P-384");
	root = pki_certificate(&ark, ark_key, NULL, NULL);
	if (!world_open(&w) || root == NULL ||
	    !agent_new(&w, &a, PST_ALG_ESP256) ||
	    !agent_new(&w, &b, PST_ALG_ESP256))
		return false;
	pst_tam_local_verifier_init(&verifier, w.crypto, &w.engine.policy,
	    &w.records, w.reader, &appraiser);
	fill_report(&a);
	vcek = certify();
	return vcek != NULL &&
	    put(PST_TAM_VENDOR_ROOT, "ark", pki_der(root, der, sizeof(der))) &&
	    policy(measured);
}

static void
end(void)
{
	pst_tam_trust_drop(&trust);
	X509_free(vcek);
	X509_free(root);
	EVP_PKEY_free(vcek_key);
	EVP_PKEY_free(ark_key);
	world_close(&w);
}

#define BEGIN() CHECK(begin())
#define END() end()

static enum pst_err
judge(void)
{
	sign_report();
	if (appraiser.appraise(appraiser.ctx,
		PST_BYTES_LIT(PST_EVIDENCE_FORMAT), contain(&a), w.now_s,
		&said) != PST_OK)
		return PST_ERR_STATE;
	return said.err;
}

/* Is this among the reasons, and is the device only out of policy? */
static bool
refused_for(const char *why, bool out_of_policy)
{
	char text[PST_TAM_REASONS_MAX + 1];

	memcpy(text, said.reasons.ptr, said.reasons.len);
	text[said.reasons.len] = '\0';
	if (strstr(text, why) != NULL && said.out_of_policy == out_of_policy)
		return true;
	printf("  %s\n", text);
	return false;
}

/* --- tests --------------------------------------------------------------- */

static void
a_good_report_names_its_chip(void)
{
	BEGIN();
	CHECK_EQ(judge(), PST_OK);
	CHECK(said.genuine && !said.out_of_policy && said.reasons.len == 0);
	CHECK(pst_equal(
	    said.attester, (struct pst_bytes){ report + AT_CHIP, 64 }));
	CHECK(pst_equal(said.technology, PST_BYTES_LIT("snp")));
	CHECK(said.has_key && pst_pubkey_equal(&said.key, &a.pub));
	CHECK(pst_equal(
	    said.nonce, (struct pst_bytes){ report + AT_REPORT_DATA, 32 }));
	END();
}

/* A key that a row holds, tried before, says nothing about such a report. */
static void
a_chip_that_hides_its_name_is_nobody(void)
{
	BEGIN();
	memset(report + AT_CHIP, 0, 64);
	X509_free(vcek);
	vcek = certify();
	CHECK(vcek != NULL);
	memset(verifier.tried_by, 0xc1, sizeof(verifier.tried_by));
	verifier.tried_by_len = 64;
	CHECK_EQ(judge(), PST_OK);
	CHECK_EQ(said.attester.len, 0);
	END();
}

static void
software_and_firmware_are_out_of_policy(void)
{
	BEGIN();
	report[AT_MEASUREMENT] ^= 1;
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(refused_for("reference (measurement)", true));
	report[AT_MEASUREMENT] ^= 1;
	report[MICROCODE] = 6;
	X509_free(vcek);
	vcek = certify();
	CHECK(vcek != NULL);
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(refused_for("reference (tcb-microcode)", true));
	/* both at once */
	report[AT_MEASUREMENT] ^= 1;
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(refused_for("reference (measurement)", true));
	CHECK(refused_for("reference (tcb-microcode)", true));
	END();
}

static void
anything_else_is_no_case_for_a_remedy(void)
{
	BEGIN();
	report[DEBUG_BYTE] |= 8;
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(refused_for("debug", false));
	verifier.verifier.allow_debug = true;
	CHECK_EQ(judge(), PST_OK);
	verifier.verifier.allow_debug = false;
	report[DEBUG_BYTE] ^= 8;
	/* the certificate is of another firmware, or of another chip */
	report[MICROCODE] = 8;
	CHECK(judge() != PST_OK);
	CHECK(refused_for("tcb", false));
	report[MICROCODE] = 7;
	report[AT_CHIP] ^= 1;
	CHECK(judge() != PST_OK);
	CHECK(refused_for("chip", false));
	report[AT_CHIP] ^= 1;
	/* for another agent's key than the one that travels with it */
	CHECK_EQ(
	    pst_cose_thumbprint(w.crypto, &b.pub, report + AT_REPORT_DATA + 32),
	    PST_OK);
	CHECK_EQ(judge(), PST_ERR_EAT_BINDING);
	CHECK(refused_for("binding", false));
	END();
}

static void
roots_and_values_come_and_go(void)
{
	BEGIN();
	CHECK_EQ(pst_tam_endorsement_remove(
		     w.store, "test", PST_TAM_REFERENCE, "board", w.now_s),
	    PST_OK);
	CHECK(load());
	CHECK_EQ(judge(), PST_ERR_EAT_REFUSED);
	CHECK(refused_for("reference-values (none", false));
	CHECK(policy(measured));
	CHECK_EQ(judge(), PST_OK);
	CHECK_EQ(pst_tam_endorsement_remove(
		     w.store, "test", PST_TAM_VENDOR_ROOT, "ark", w.now_s),
	    PST_OK);
	CHECK(load());
	CHECK(judge() != PST_OK);
	CHECK(refused_for("certificate", false));
	END();
}

static void
a_revoked_chip_is_refused(void)
{
	uint8_t der[2048];

	BEGIN();
	CHECK(put(PST_TAM_CRL, "none",
	    pki_crl(root, ark_key, NULL, 1600000000, 2600000000, der,
		sizeof(der))));
	CHECK(load());
	CHECK_EQ(judge(), PST_OK);
	CHECK(put(PST_TAM_CRL, "none",
	    pki_crl(root, ark_key, vcek, 1600000000, 2600000000, der,
		sizeof(der))));
	CHECK(load());
	CHECK(judge() != PST_OK);
	CHECK(refused_for("certificate", false));
	END();
}

/* --- in sessions --------------------------------------------------------- */

static bool
enroll(const char *name, const char *technology)
{
	struct pst_tam_attester by = { .technology = technology,
		.identity = { report + AT_CHIP, 64 } };
	int64_t id;

	return pst_tam_device_enroll(w.store, w.crypto, "test", name, &by,
		   w.now_s, &id) == PST_OK;
}

/* A device with its chip, and something to install. */
static bool
begin_session(void)
{
	if (!begin() || !enroll("one", "snp"))
		return false;
	w.engine.appraiser = &appraiser;
	return world_publish(&w, "app", 1, 0x11, 100) &&
	    world_assign(&w, "app", false);
}

/* The body that answers the TAM's challenge: the report is for one agent, and
 * the sender signs the message. */
static struct pst_bytes
respond(const struct agent *of, const struct agent *sender)
{
	struct pst_teep_message m;

	memset(&m, 0, sizeof(m));
	if (!world_connect(&w, 0) || w.msg.challenge.len != 32)
		return (struct pst_bytes){ NULL, 0 };
	memcpy(report + AT_REPORT_DATA, w.msg.challenge.ptr, 32);
	if (pst_cose_thumbprint(
		w.crypto, &of->pub, report + AT_REPORT_DATA + 32) != PST_OK)
		return (struct pst_bytes){ NULL, 0 };
	sign_report();
	m.type = PST_TEEP_QUERY_RESPONSE;
	m.attestation_payload = contain(of);
	m.attestation_payload_format = PST_BYTES_LIT(PST_EVIDENCE_FORMAT);
	m.present = 1u << PST_LABEL_ATTESTATION_PAYLOAD |
	    1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	return agent_sign(&w, sender, &m);
}

static size_t
components(void)
{
	return w.out.reply_len > 0 && w.msg.type == PST_TEEP_UPDATE
	    ? w.msg.manifest_list.count
	    : 0;
}

struct shown {
	enum pst_err attested;
	char reasons[256];
};

static bool
take_device(void *ctx, const struct pst_tam_device_row *row)
{
	struct shown *s = ctx;

	s->attested = row->attested;
	(void)snprintf(s->reasons, sizeof(s->reasons), "%s", row->reasons);
	return false;
}

/* What `devices show` and the log say of the device. */
static bool
told(enum pst_err attested, const char *why)
{
	struct shown s = { .attested = PST_ERR_STATE };

	if (pst_tam_find_device(w.reader, "one", take_device, &s) != PST_OK)
		return false;
	if (s.attested == attested && strstr(s.reasons, why) != NULL &&
	    strstr(w.out.note, why) != NULL)
		return true;
	printf("  %d, %s; %s\n", (int)s.attested, s.reasons, w.out.note);
	return false;
}

static void
a_good_device_gets_its_component_once(void)
{
	struct pst_bytes body;

	CHECK(begin_session());
	body = respond(&a, &a);
	CHECK(world_deliver(&w, body));
	CHECK_EQ(components(), 1);
	/* the very message once more */
	CHECK(world_deliver(&w, body));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	CHECK_EQ(components(), 0);
	END();
}

/* The challenge of one session does not serve in another. */
static void
a_replayed_report_is_refused(void)
{
	static uint8_t old[REPORT_LEN];
	struct pst_teep_message m;

	CHECK(begin_session());
	CHECK(world_deliver(&w, respond(&a, &a)));
	CHECK_EQ(components(), 1);
	memcpy(old, report, sizeof(old));
	CHECK(world_connect(&w, 0));
	memcpy(report, old, sizeof(old));
	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_QUERY_RESPONSE;
	m.attestation_payload = contain(&a);
	m.attestation_payload_format = PST_BYTES_LIT(PST_EVIDENCE_FORMAT);
	m.present = 1u << PST_LABEL_ATTESTATION_PAYLOAD |
	    1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	CHECK(world_deliver(&w, agent_sign(&w, &a, &m)));
	CHECK_EQ(w.committed, PST_ERR_TEEP_TOKEN);
	CHECK_EQ(components(), 0);
	END();
}

static void
a_bad_device_gets_nothing_and_the_operator_is_told(void)
{
	CHECK(begin_session());
	report[AT_MEASUREMENT] ^= 1;
	CHECK(world_deliver(&w, respond(&a, &a)));
	CHECK_EQ(components(), 0);
	CHECK(told(PST_ERR_EAT_REFUSED, "reference (measurement)"));
	report[AT_MEASUREMENT] ^= 1;
	report[DEBUG_BYTE] |= 8;
	CHECK(world_deliver(&w, respond(&a, &a)));
	CHECK_EQ(components(), 0);
	CHECK(told(PST_ERR_EAT_REFUSED, "debug"));
	report[DEBUG_BYTE] ^= 8;
	report[MICROCODE] = 6;
	X509_free(vcek);
	vcek = certify();
	CHECK(vcek != NULL);
	CHECK(world_deliver(&w, respond(&a, &a)));
	CHECK_EQ(components(), 0);
	CHECK(told(PST_ERR_EAT_REFUSED, "reference (tcb-microcode)"));
	END();
}

/* Evidence for b's key, of the same machine or another, in a's message. */
static void
stolen_evidence_is_refused(void)
{
	CHECK(begin_session());
	CHECK(world_deliver(&w, respond(&a, &a)));
	CHECK_EQ(components(), 1);
	CHECK(world_deliver(&w, respond(&b, &a)));
	CHECK_EQ(components(), 0);
	/* of a machine that is another device's */
	memset(report + AT_CHIP, 0xc2, 64);
	X509_free(vcek);
	vcek = certify();
	CHECK(vcek != NULL && enroll("two", "snp"));
	CHECK(world_deliver(&w, respond(&b, &a)));
	CHECK_EQ(components(), 0);
	CHECK_EQ(w.out.err, PST_ERR_EAT_BINDING);
	END();
}

static void
a_machine_that_is_not_enrolled_is_named(void)
{
	CHECK(begin_session());
	/* known as another technology's, whose claim has the same bytes */
	memset(report + AT_CHIP, 0xc3, 64);
	X509_free(vcek);
	vcek = certify();
	CHECK(vcek != NULL);
	CHECK(world_deliver(&w, respond(&b, &b)));
	CHECK_EQ(w.out.reply_len, 0);
	CHECK(strstr(w.out.note, "c3c3c3c3c3c3c3c3") != NULL);
	CHECK(enroll("three", "nitro"));
	CHECK(world_deliver(&w, respond(&b, &b)));
	CHECK_EQ(components(), 0);
	CHECK_EQ(w.out.reply_len, 0);
	END();
}

int
main(void)
{
	RUN(a_good_report_names_its_chip);
	RUN(a_chip_that_hides_its_name_is_nobody);
	RUN(software_and_firmware_are_out_of_policy);
	RUN(anything_else_is_no_case_for_a_remedy);
	RUN(roots_and_values_come_and_go);
	RUN(a_revoked_chip_is_refused);
	RUN(a_good_device_gets_its_component_once);
	RUN(a_replayed_report_is_refused);
	RUN(a_bad_device_gets_nothing_and_the_operator_is_told);
	RUN(stolen_evidence_is_refused);
	RUN(a_machine_that_is_not_enrolled_is_named);
	TEST_END();
}
