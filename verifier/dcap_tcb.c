/*
 * Intel's collateral for DCAP (Intel, "API for the Provisioning Certification
 * Service", versions 3 and 4): TCB information and the identity of the quoting
 * enclave. Both are JSON whose exact text is signed, so the text is cut out
 * and checked before it is read.
 *
 * Files: what Intel's service answers, {"tcbInfo": …, "signature": hex} and
 * {"enclaveIdentity": …, "signature": hex}; or a bundle that has the texts as
 * strings, with chains and CRLs beside them.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dcap.h"
#include "policy.h"

#define HEX_MAX (2u << 20)

static const char *const status_names[] = {
	[PST_TCB_UP_TO_DATE] = "UpToDate",
	[PST_TCB_SW_HARDENING] = "SWHardeningNeeded",
	[PST_TCB_CONFIGURATION] = "ConfigurationNeeded",
	[PST_TCB_CONFIGURATION_AND_SW_HARDENING] =
	    "ConfigurationAndSWHardeningNeeded",
	[PST_TCB_OUT_OF_DATE] = "OutOfDate",
	[PST_TCB_OUT_OF_DATE_CONFIGURATION] = "OutOfDateConfigurationNeeded",
	[PST_TCB_REVOKED] = "Revoked",
	[PST_TCB_UNKNOWN] = "NotSupported",
};

const char *
pst_tcb_status_name(enum pst_tcb_status status)
{
	return status_names[status];
}

static enum pst_tcb_status
status_of(const json_t *level)
{
	const char *s = json_string_value(json_object_get(level, "tcbStatus"));
	size_t i;

	for (i = 0; s != NULL && i < PST_TCB_UNKNOWN; i++)
		if (strcmp(s, status_names[i]) == 0)
			return (enum pst_tcb_status)i;
	return PST_TCB_UNKNOWN;
}

/* --- JSON and hexadecimal ----------------------------------------------------
 */

static int
nibble(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	    : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					 : -1;
}

/* Exactly len bytes of hexadecimal. */
static bool
hex(const json_t *j, uint8_t *out, size_t len)
{
	const char *s = json_string_value(j);
	size_t i;

	if (s == NULL || strlen(s) != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool
same_hex(const json_t *j, struct pst_bytes want)
{
	uint8_t got[64];

	return want.len <= sizeof(got) && hex(j, got, want.len) &&
	    pst_equal((struct pst_bytes){ got, want.len }, want);
}

/* value & mask of the enclave, both in the identity, are equal. */
static bool
masked(const json_t *map, const char *name, const char *mask_name,
    struct pst_bytes value)
{
	uint8_t want[16], mask[16];
	size_t i;

	if (value.len > sizeof(want) ||
	    !hex(json_object_get(map, name), want, value.len) ||
	    !hex(json_object_get(map, mask_name), mask, value.len))
		return false;
	for (i = 0; i < value.len; i++)
		if ((value.ptr[i] & mask[i]) != (want[i] & mask[i]))
			return false;
	return true;
}

static bool
number(const json_t *map, const char *name, int64_t *out)
{
	const json_t *j = json_object_get(map, name);

	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = json_integer_value(j);
	return true;
}

static bool
when(const json_t *map, const char *name, int64_t *out)
{
	const char *s = json_string_value(json_object_get(map, name));
	const char *end;
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	end = s != NULL ? strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (end == NULL || *end != '\0')
		return false;
	*out = timegm(&tm);
	return true;
}

static bool
current(const json_t *map, uint64_t now_s)
{
	int64_t from, to;

	return when(map, "issueDate", &from) && when(map, "nextUpdate", &to) &&
	    (int64_t)now_s >= from && (int64_t)now_s <= to;
}

/* --- signed texts
 * ------------------------------------------------------------- */

/* The end of a JSON object that begins at `at`; 0 when it has none. */
static size_t
object_end(struct pst_bytes in, size_t at)
{
	bool quoted = false;
	size_t depth = 0;

	for (; at < in.len; at++) {
		char c = (char)in.ptr[at];

		if (quoted) {
			if (c == '\\')
				at++;
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			return at + 1;
		}
	}
	return 0;
}

/* {"name": {…}, …} as it is written; the name must come first. */
static bool
member_text(struct pst_bytes in, const char *name, struct pst_bytes *out)
{
	char want[64];
	size_t at = 0, n;
	int len = snprintf(want, sizeof(want), "\"%s\"", name);

	while (at < in.len && (in.ptr[at] == '{' || isspace(in.ptr[at])))
		at++;
	n = (size_t)len;
	if (n > in.len - at || memcmp(in.ptr + at, want, n) != 0)
		return false;
	at += n;
	while (at < in.len && (in.ptr[at] == ':' || isspace(in.ptr[at])))
		at++;
	if (at == in.len || in.ptr[at] != '{')
		return false;
	n = object_end(in, at);
	if (n == 0)
		return false;
	*out = (struct pst_bytes){ in.ptr + at, n - at };
	return true;
}

/* Which of the two, under Intel's name and under the bundle's. */
struct kind {
	const char *member, *text, *signature;
};
static const struct kind tcb_kind = { "tcbInfo", "tcb_info",
	"tcb_info_signature" };
static const struct kind qe_kind = { "enclaveIdentity", "qe_identity",
	"qe_identity_signature" };

/* Signed by a certificate of the collateral that leads to an anchor. */
static enum pst_err
check_text(const struct pst_verifier *v, struct pst_bytes text,
    const uint8_t signature[64], uint64_t now_s, const char **why)
{
	const struct pst_endorsements *e = v->endorsements;
	struct pst_bytes der;
	uint8_t buf[160];
	int i;

	der.ptr = buf;
	der.len = pst_ecdsa_der(signature, signature + 32, 32, buf);
	*why = "no certificate of the collateral signed it";
	for (i = 0; i < sk_X509_num(e->between); i++) {
		X509 *x = sk_X509_value(e->between, i);
		char name[64];

		/* Intel signs it by one that is for nothing else. */
		if (X509_NAME_get_text_by_NID(X509_get_subject_name(x),
			NID_commonName, name, sizeof(name)) < 0 ||
		    strcmp(name, "Intel SGX TCB Signing") != 0 ||
		    pst_signature_check(X509_get0_pubkey(x), "SHA256", 0, &text,
			1, der) != PST_OK)
			continue;
		return pst_cert_path(e, x, NULL, now_s, why);
	}
	return PST_ERR_COSE_SIGNATURE;
}

/* The signed object of a kind in one file, checked and parsed; NULL and *err
 * PST_ERR_NOT_FOUND when the file has none. */
static json_t *
signed_object(const struct pst_verifier *v, struct pst_bytes file,
    const struct kind *kind, uint64_t now_s, enum pst_err *err,
    const char **why)
{
	json_t *root = json_loadb((const char *)file.ptr, file.len, 0, NULL);
	const char *inner =
	    json_string_value(json_object_get(root, kind->text));
	struct pst_bytes text;
	uint8_t signature[64];
	json_t *object = NULL;
	bool is;

	*err = PST_ERR_NOT_FOUND;
	if (inner != NULL) {
		text =
		    (struct pst_bytes){ (const uint8_t *)inner, strlen(inner) };
		is = hex(json_object_get(root, kind->signature), signature, 64);
	} else {
		is = member_text(file, kind->member, &text) &&
		    hex(json_object_get(root, "signature"), signature, 64);
	}
	if (is) {
		*err = check_text(v, text, signature, now_s, why);
		if (*err == PST_OK)
			object = json_loadb((const char *)text.ptr, text.len,
			    JSON_REJECT_DUPLICATES, NULL);
		if (*err == PST_OK && !json_is_object(object)) {
			*err = PST_ERR_EAT_CLAIM;
			*why = "the signed text is no JSON object";
		}
	}
	json_decref(root);
	return object;
}

/* --- the quoting enclave
 * -------------------------------------------------------- */

static bool
is_qe(const json_t *id, const struct pst_dcap_platform *p)
{
	const char *name = json_string_value(json_object_get(id, "id"));

	return name != NULL && strcmp(name, p->tdx ? "TD_QE" : "QE") == 0;
}

static bool
qe_matches(const json_t *id, const struct pst_dcap_platform *p)
{
	const uint8_t *r = p->qe.ptr;
	uint8_t misc[4] = { r[19], r[18], r[17], r[16] };
	int64_t product;

	return number(id, "isvprodid", &product) &&
	    (uint64_t)product == pst_le(r + 256, 2) &&
	    same_hex(json_object_get(id, "mrsigner"),
		(struct pst_bytes){ r + 128, 32 }) &&
	    masked(id, "miscselect", "miscselectMask",
		(struct pst_bytes){ misc, 4 }) &&
	    masked(id, "attributes", "attributesMask",
		(struct pst_bytes){ r + 48, 16 });
}

/* The first level that is not above svn; levels go from new to old. */
static const json_t *
isv_level(const json_t *levels, uint64_t svn)
{
	const json_t *level;
	size_t i;

	json_array_foreach(levels, i, level)
	{
		int64_t at;

		if (number(json_object_get(level, "tcb"), "isvsvn", &at) &&
		    svn >= (uint64_t)at)
			return level;
	}
	return NULL;
}

/* --- levels
 * --------------------------------------------------------------------- */

struct found {
	bool any; /* signed TCB information of this platform */
	enum pst_tcb_status status;
};

static void
advisories(struct pst_appraisal *out, const json_t *level)
{
	const json_t *list = json_object_get(level, "advisoryIDs"), *a;
	size_t i;

	json_array_foreach(list, i, a)
	{
		const char *s = json_string_value(a);

		if (s != NULL)
			pst_claim_text(out, "advisory",
			    pst_appraisal_keep(out,
				(struct pst_bytes){
				    (const uint8_t *)s, strlen(s) }));
	}
}

/* Of two parts of a platform the worse counts; out of date and in need of
 * configuration is a status of its own. */
static enum pst_tcb_status
worse(enum pst_tcb_status a, enum pst_tcb_status b)
{
	enum pst_tcb_status high = a > b ? a : b, low = a > b ? b : a;

	if (high == PST_TCB_OUT_OF_DATE &&
	    (low == PST_TCB_CONFIGURATION ||
		low == PST_TCB_CONFIGURATION_AND_SW_HARDENING))
		return PST_TCB_OUT_OF_DATE_CONFIGURATION;
	return high;
}

static bool
component(const json_t *tcb, const char *list, size_t i, int64_t *svn)
{
	char name[32];

	if (json_object_get(tcb, list) != NULL)
		return number(
		    json_array_get(json_object_get(tcb, list), i), "svn", svn);
	/* Version 2 of the format. */
	(void)snprintf(name, sizeof(name), "sgxtcbcomp%02zusvn", i + 1);
	return number(tcb, name, svn);
}

static bool
reaches(const json_t *tcb, const struct pst_dcap_platform *p)
{
	int64_t svn;
	size_t i;

	for (i = 0; i < PST_DCAP_COMPONENTS; i++)
		if (!component(tcb, "sgxtcbcomponents", i, &svn) ||
		    p->component[i] < svn)
			return false;
	if (!number(tcb, "pcesvn", &svn) || p->pce_svn < svn)
		return false;
	/* The first two are the module's, judged by its own identity. */
	i = p->tdx && p->tee_tcb_svn.ptr[1] > 0 ? 2 : 0;
	for (; p->tdx && i < PST_DCAP_COMPONENTS; i++)
		if (!component(tcb, "tdxtcbcomponents", i, &svn) ||
		    p->tee_tcb_svn.ptr[i] < svn)
			return false;
	return true;
}

static enum pst_tcb_status
platform_level(const json_t *info, const struct pst_dcap_platform *p,
    struct pst_appraisal *out)
{
	const json_t *level;
	size_t i;

	json_array_foreach(json_object_get(info, "tcbLevels"), i, level)
	{
		if (!reaches(json_object_get(level, "tcb"), p))
			continue;
		advisories(out, level);
		return status_of(level);
	}
	return PST_TCB_UNKNOWN;
}

static bool
module_matches(const json_t *module, const struct pst_dcap_platform *p)
{
	return same_hex(
		   json_object_get(module, "mrsigner"), p->mr_seam_signer) &&
	    masked(module, "attributes", "attributesMask", p->seam_attributes);
}

/* The TDX module, by its major version in tee_tcb_svn[1]. */
static enum pst_tcb_status
module_level(const json_t *info, const struct pst_dcap_platform *p,
    struct pst_appraisal *out)
{
	const json_t *id, *level;
	char want[16];
	size_t i;

	if (p->tee_tcb_svn.ptr[1] == 0)
		return module_matches(json_object_get(info, "tdxModule"), p)
		    ? PST_TCB_UP_TO_DATE
		    : PST_TCB_UNKNOWN;
	(void)snprintf(want, sizeof(want), "TDX_%02X", p->tee_tcb_svn.ptr[1]);
	json_array_foreach(json_object_get(info, "tdxModuleIdentities"), i, id)
	{
		const char *name = json_string_value(json_object_get(id, "id"));

		if (name == NULL || strcmp(name, want) != 0)
			continue;
		level = isv_level(
		    json_object_get(id, "tcbLevels"), p->tee_tcb_svn.ptr[0]);
		if (level == NULL || !module_matches(id, p))
			return PST_TCB_UNKNOWN;
		advisories(out, level);
		return status_of(level);
	}
	return PST_TCB_UNKNOWN;
}

static bool
is_platform(const json_t *info, const struct pst_dcap_platform *p)
{
	const char *id = json_string_value(json_object_get(info, "id"));
	int64_t version, type = 0;

	/* How components are compared is known of type 0 only. */
	if (!number(info, "version", &version) || version < 2 || version > 3 ||
	    (json_object_get(info, "tcbType") != NULL &&
		!number(info, "tcbType", &type)) ||
	    type != 0)
		return false;
	/* Version 2 has no id, and is of SGX. */
	if (id == NULL ? p->tdx : strcmp(id, p->tdx ? "TDX" : "SGX") != 0)
		return false;
	return same_hex(json_object_get(info, "fmspc"), p->fmspc) &&
	    same_hex(json_object_get(info, "pceId"), p->pce_id);
}

/* --- both
 * ----------------------------------------------------------------------- */

static void
use_tcb(const json_t *info, const struct pst_dcap_platform *p, uint64_t now_s,
    struct found *f, struct pst_appraisal *out)
{
	if (!is_platform(info, p) || f->any)
		return;
	f->any = true;
	pst_appraisal_note(out, "collateral",
	    current(info, now_s) ? PST_OK : PST_ERR_EAT_EXPIRED,
	    "TCB information");
	f->status = platform_level(info, p, out);
	if (p->tdx)
		f->status = worse(f->status, module_level(info, p, out));
}

static void
use_qe(const json_t *id, const struct pst_dcap_platform *p, uint64_t now_s,
    struct found *f, struct pst_appraisal *out)
{
	const json_t *level;

	if (!is_qe(id, p) || f->any)
		return;
	f->any = true;
	pst_appraisal_note(out, "collateral",
	    current(id, now_s) ? PST_OK : PST_ERR_EAT_EXPIRED,
	    "identity of the quoting enclave");
	pst_appraisal_note(out, "qe-identity",
	    qe_matches(id, p) ? PST_OK : PST_ERR_EAT_REFUSED, NULL);
	level = isv_level(
	    json_object_get(id, "tcbLevels"), pst_le(p->qe.ptr + 258, 2));
	f->status = level != NULL ? status_of(level) : PST_TCB_UNKNOWN;
}

static void
look(const struct pst_verifier *v, const struct pst_dcap_platform *p,
    uint64_t now_s, const struct kind *kind, struct found *f,
    struct pst_appraisal *out)
{
	const struct pst_endorsements *e = v->endorsements;
	size_t i;

	for (i = 0; i < e->collateral_count; i++) {
		const char *why = NULL;
		enum pst_err err;
		json_t *object =
		    signed_object(v, e->collateral[i], kind, now_s, &err, &why);

		if (err != PST_OK && err != PST_ERR_NOT_FOUND)
			pst_appraisal_note(out, "collateral", err, why);
		else if (object != NULL && kind == &tcb_kind)
			use_tcb(object, p, now_s, f, out);
		else if (object != NULL)
			use_qe(object, p, now_s, f, out);
		json_decref(object);
	}
}

void
pst_dcap_collateral(const struct pst_verifier *v,
    const struct pst_dcap_platform *p, uint64_t now_s,
    struct pst_appraisal *out)
{
	struct found tcb = { false, PST_TCB_UNKNOWN };
	struct found qe = { false, PST_TCB_UNKNOWN };
	enum pst_tcb_status status;
	const char *name;

	if (v->endorsements != NULL) {
		look(v, p, now_s, &tcb_kind, &tcb, out);
		look(v, p, now_s, &qe_kind, &qe, out);
	}
	if (!tcb.any || !qe.any) {
		pst_appraisal_note(out, "collateral", PST_ERR_NOT_FOUND,
		    tcb.any ? "no identity of this quoting enclave"
			    : "no TCB information of this platform");
		return;
	}
	status = worse(tcb.status, qe.status);
	name = pst_tcb_status_name(status);
	pst_claim_text(out, "tcb-status",
	    (struct pst_bytes){ (const uint8_t *)name, strlen(name) });
	/* Policy may take a platform that is not up to date, by saying so. */
	pst_appraisal_note(out, "tcb-level",
	    status == PST_TCB_UP_TO_DATE ||
		    (status < PST_TCB_REVOKED &&
			pst_rules_have(v, "dcap", "tcb-status"))
		? PST_OK
		: PST_ERR_EAT_REFUSED,
	    name);
}

/* --- bundles
 * -------------------------------------------------------------------- */

static enum pst_err
add_crl(struct pst_endorsements *e, const json_t *j)
{
	const char *s = json_string_value(j);
	size_t len = s != NULL ? strlen(s) / 2 : 0;
	uint8_t *der;
	enum pst_err err = PST_ERR_COSE_CERT;

	if (s == NULL)
		return PST_OK;
	if (len == 0 || len > HEX_MAX)
		return PST_ERR_COSE_CERT;
	der = malloc(len);
	if (der != NULL && hex(j, der, len))
		err = pst_endorsements_crl(e, (struct pst_bytes){ der, len });
	free(der);
	return err;
}

static enum pst_err
add_chain(struct pst_endorsements *e, const json_t *j)
{
	const char *s = json_string_value(j);

	if (s == NULL)
		return PST_OK;
	return pst_certs_push(
	    e->between, (struct pst_bytes){ (const uint8_t *)s, strlen(s) });
}

enum pst_err
pst_dcap_bundle(struct pst_endorsements *e, struct pst_bytes json)
{
	static const char *const chains[] = { "pck_crl_issuer_chain",
		"tcb_info_issuer_chain", "qe_identity_issuer_chain",
		"pck_certificate_chain" };
	static const char *const crls[] = { "root_ca_crl", "pck_crl" };
	json_t *root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; err == PST_OK && i < sizeof(chains) / sizeof(*chains); i++)
		err = add_chain(e, json_object_get(root, chains[i]));
	for (i = 0; err == PST_OK && i < sizeof(crls) / sizeof(*crls); i++)
		err = add_crl(e, json_object_get(root, crls[i]));
	json_decref(root);
	return err;
}
