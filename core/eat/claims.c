/*
 * EAT claims-sets (RFC 9711, Section 4): reading, writing, and the checks of
 * the TEEP profile (draft-ietf-teep-protocol, Section 5). Labels rise in the
 * order of enum pst_eat_claim, which is also deterministic order.
 */
#include <postern/eat.h>

#include "../pst_internal.h"

enum {
	CNF_KEY = 1, /* RFC 8747, Section 3.1 */
	CNF_KID = 3,
	UEID_MIN = 7, /* bytes; RFC 9711, Section 4.2.1 */
	OEMID_IEEE = 3,
	OEMID_PEN = 4, /* how struct pst_eat holds a number to be written */
	OEMID_RANDOM = 16,
	HWMODEL_MAX = 32,
	DBGSTAT_MAX = 4,
	TEXT_MAX = 1024, /* longest text that is looked at */
	CNF_MAX = 8,	 /* members of a cnf map */
	CONTENT_FORMAT_MAX = 65535,
	RESULT_MAX = 4,	 /* of a comparison: absent */
	RESULTS_MAX = 64 /* groups, and results of one */
};

/* Sizes are the claim's own, so a wrong one is a fault of the claim. */
static void
claim_fault(struct pst_cbor_reader *r, bool fault)
{
	if (fault)
		pst_cbor_fail(r, PST_ERR_EAT_CLAIM);
}

/* A PEN is an unsigned integer, the other two forms are byte strings. */
static void
oemid(struct pst_cbor_reader *r, struct pst_eat *e)
{
	if (pst_cbor_peek(r) == PST_CBOR_UINT) {
		e->oemid_pen = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
		e->oemid_is_pen = true;
		return;
	}
	e->oemid = pst_cbor_bstr(r, OEMID_IEEE, OEMID_RANDOM);
	claim_fault(
	    r, e->oemid.len != OEMID_IEEE && e->oemid.len != OEMID_RANDOM);
}

/* [version: tstr, ?scheme]; the scheme is not needed to compare for equality
 * and is passed over. */
static struct pst_bytes
version(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 1, 2);
	struct pst_bytes out = pst_cbor_tstr(r, 0, TEXT_MAX);

	if (n == 2)
		pst_cbor_skip(r);
	return out;
}

/* cnf = {1: COSE_Key} or {3: kid}, or both for the same key. */
static void
confirmation(struct pst_cbor_reader *r, struct pst_eat *e)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, CNF_MAX, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case CNF_KEY:
			claim_fault(r, pst_cbor_peek(r) != PST_CBOR_MAP);
			e->cnf_key = pst_cbor_item(r);
			break;
		case CNF_KID:
			e->cnf_kid = pst_cbor_bstr(r, 1, PST_KID_MAX);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
}

/* [+ [content-format, bstr]]: manifests and measurements alike. */
static struct pst_list
formatted(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	size_t n = pst_cbor_array(r, 1, PST_EAT_MANIFESTS_MAX);
	size_t start = r->at;
	size_t i;

	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		(void)pst_cbor_array(r, 2, 2);
		(void)pst_cbor_uint(r, CONTENT_FORMAT_MAX);
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
	}
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

/* Text or bytes: what names a measurement (Section 4.2.16). */
static void
result_id(struct pst_cbor_reader *r)
{
	if (pst_cbor_peek(r) == PST_CBOR_TSTR)
		(void)pst_cbor_tstr(r, 0, TEXT_MAX);
	else
		(void)pst_cbor_bstr(r, 0, TEXT_MAX);
}

/* [+ [system, [+ [id, result]]]] */
static struct pst_list
results(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	size_t n = pst_cbor_array(r, 1, RESULTS_MAX);
	size_t start = r->at, i, k;

	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		(void)pst_cbor_array(r, 2, 2);
		(void)pst_cbor_tstr(r, 0, TEXT_MAX);
		k = pst_cbor_array(r, 1, RESULTS_MAX);
		while (k-- > 0 && pst_cbor_ok(r)) {
			(void)pst_cbor_array(r, 2, 2);
			result_id(r);
			claim_fault(r, pst_cbor_uint(r, RESULT_MAX) == 0);
		}
	}
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

/* The label of a submodule: text, as short as it is shown. */
static void
module_name(struct pst_cbor_reader *r, struct pst_bytes encoded)
{
	struct pst_cbor_reader name;

	pst_cbor_reader_init(&name, encoded);
	(void)pst_cbor_tstr(&name, 1, PST_EAT_MODULE_NAME_MAX);
	if (!pst_cbor_ok(&name))
		pst_cbor_fail(r, name.err);
}

/* "The CBOR item type indicates the type of the submodule" (4.2.18). */
static void
module_value(struct pst_cbor_reader *r)
{
	switch (pst_cbor_peek(r)) {
	case PST_CBOR_MAP:
		pst_cbor_skip(r);
		break;
	case PST_CBOR_BSTR:
		(void)pst_cbor_bstr(r, 1, SIZE_MAX);
		break;
	case PST_CBOR_TSTR:
		(void)pst_cbor_tstr(r, 1, SIZE_MAX);
		break;
	default:
		(void)pst_cbor_array(r, 2, 2);
		if (pst_cbor_peek(r) == PST_CBOR_TSTR)
			(void)pst_cbor_tstr(r, 1, TEXT_MAX);
		else
			(void)pst_cbor_int(r, INT32_MIN, INT32_MAX);
		(void)pst_cbor_bstr(r, 1, PST_DIGEST_MAX);
	}
}

static struct pst_list
submodules(struct pst_cbor_reader *r)
{
	struct pst_list out = { { NULL, 0 }, 0 };
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, PST_EAT_SUBMODS_MAX, &seen);
	size_t start = r->at, i;

	claim_fault(r, n == 0);
	for (i = 0; i < n && pst_cbor_ok(r); i++) {
		(void)pst_cbor_key(r, &seen);
		if (pst_cbor_ok(r))
			module_name(r, seen.key);
		module_value(r);
	}
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = 2 * n;
	return out;
}

/* A URI; an OID (a byte string) names no profile that is known here. */
static void
profile(struct pst_cbor_reader *r, struct pst_eat *e)
{
	if (pst_cbor_peek(r) == PST_CBOR_BSTR) {
		(void)pst_cbor_bstr(r, 1, TEXT_MAX);
		e->profile_is_oid = true;
		return;
	}
	e->profile = pst_cbor_tstr(r, 1, TEXT_MAX);
}

/* RFC 9711, Section 4.3.1: iat is an integer; so are exp and nbf here. */
static void
number(struct pst_cbor_reader *r, uint64_t *value, bool *has)
{
	*value = pst_cbor_uint(r, UINT64_MAX);
	*has = true;
}

static void
boot_claim(struct pst_cbor_reader *r, int64_t label, struct pst_eat *e)
{
	switch (label) {
	case PST_EAT_UPTIME:
		number(r, &e->uptime, &e->has_uptime);
		break;
	case PST_EAT_OEMBOOT:
		e->oemboot = pst_cbor_bool(r);
		e->has_oemboot = true;
		break;
	case PST_EAT_BOOTCOUNT:
		number(r, &e->bootcount, &e->has_bootcount);
		break;
	case PST_EAT_BOOTSEED:
		e->bootseed = pst_cbor_bstr(r, 1, TEXT_MAX);
		break;
	case PST_EAT_INTUSE:
		e->intuse = (int32_t)pst_cbor_int(r, INT32_MIN, INT32_MAX);
		e->has_intuse = true;
		break;
	default:
		/* "The receiver of an EAT … MUST NOT error out on claims it
		 * does not understand." */
		pst_cbor_skip(r);
	}
}

static void
claim(struct pst_cbor_reader *r, int64_t label, struct pst_eat *e)
{
	switch (label) {
	case PST_CWT_ISS:
		e->iss = pst_cbor_tstr(r, 0, TEXT_MAX);
		break;
	case PST_CWT_EXP:
		number(r, &e->exp, &e->has_exp);
		break;
	case PST_CWT_NBF:
		number(r, &e->nbf, &e->has_nbf);
		break;
	case PST_CWT_IAT:
		number(r, &e->iat, &e->has_iat);
		break;
	case PST_CWT_CNF:
		confirmation(r, e);
		break;
	case PST_EAT_NONCE:
		/* The TEEP profile: "the value is a single bstr". */
		e->nonce =
		    pst_cbor_bstr(r, PST_EAT_NONCE_MIN, PST_EAT_NONCE_MAX);
		break;
	case PST_EAT_UEID:
		e->ueid = pst_cbor_bstr(r, UEID_MIN, PST_EAT_UEID_MAX);
		break;
	case PST_EAT_OEMID:
		oemid(r, e);
		break;
	case PST_EAT_HWMODEL:
		e->hwmodel = pst_cbor_bstr(r, 1, HWMODEL_MAX);
		break;
	case PST_EAT_HWVERSION:
		e->hwversion = version(r);
		break;
	case PST_EAT_DBGSTAT:
		e->dbgstat = (uint32_t)pst_cbor_uint(r, DBGSTAT_MAX);
		e->has_dbgstat = true;
		break;
	case PST_EAT_PROFILE:
		profile(r, e);
		break;
	case PST_EAT_SWNAME:
		e->swname = pst_cbor_tstr(r, 0, TEXT_MAX);
		break;
	case PST_EAT_SWVERSION:
		e->swversion = version(r);
		break;
	case PST_EAT_MANIFESTS:
		e->manifests = formatted(r);
		break;
	case PST_EAT_MEASUREMENTS:
		e->measurements = formatted(r);
		break;
	case PST_EAT_MEASRES:
		e->measres = results(r);
		break;
	case PST_EAT_SUBMODS:
		e->submods = submodules(r);
		break;
	case PST_EAT_KEYS:
		claim_fault(r, pst_cbor_peek(r) != PST_CBOR_MAP);
		e->keys = pst_cbor_item(r);
		break;
	default:
		boot_claim(r, label, e);
	}
}

/* A claim of the wrong type or size is a fault of the claim; input that is
 * damaged stays what it is. */
static enum pst_err
as_claim_error(enum pst_err err)
{
	if (err == PST_ERR_CBOR_TYPE || err == PST_ERR_CBOR_RANGE)
		return PST_ERR_EAT_CLAIM;
	return err;
}

enum pst_err
pst_eat_decode(const struct pst_verified *in, struct pst_eat *out, size_t *at)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err;
	int64_t label;
	size_t n;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, in->payload);
	n = pst_cbor_map(&r, PST_EAT_CLAIMS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		label = pst_cbor_key(&r, &seen);
		if (pst_cbor_ok(&r))
			claim(&r, label, out);
	}
	err = as_claim_error(pst_cbor_end(&r));
	if (err != PST_OK)
		memset(out, 0, sizeof(*out));
	if (at != NULL)
		*at = r.at;
	return err;
}

/* --- writing ----------------------------------------------------------- */

static void
put_text(
    struct pst_cbor_writer *w, enum pst_eat_claim label, struct pst_bytes text)
{
	if (text.len == 0)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_tstr(w, text);
}

static void
put_bytes(
    struct pst_cbor_writer *w, enum pst_eat_claim label, struct pst_bytes bytes)
{
	if (bytes.len == 0)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_bstr(w, bytes);
}

static void
put_version(
    struct pst_cbor_writer *w, enum pst_eat_claim label, struct pst_bytes text)
{
	if (text.len == 0)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_array(w, 1);
	pst_cbor_put_tstr(w, text);
}

static void
put_number(struct pst_cbor_writer *w, enum pst_eat_claim label, bool has,
    uint64_t value)
{
	if (!has)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_uint(w, value);
}

static void
put_list(struct pst_cbor_writer *w, enum pst_eat_claim label,
    const struct pst_list *list)
{
	if (list->count == 0)
		return;
	pst_cbor_put_uint(w, (uint64_t)label);
	pst_cbor_put_array(w, list->count);
	pst_cbor_put_raw(w, list->items);
}

static void
put_submodules(struct pst_cbor_writer *w, const struct pst_list *list)
{
	if (list->count == 0)
		return;
	pst_cbor_put_uint(w, PST_EAT_SUBMODS);
	pst_cbor_put_map(w, list->count / 2);
	pst_cbor_put_raw(w, list->items);
}

static void
put_confirmation(struct pst_cbor_writer *w, const struct pst_eat *e)
{
	bool key = e->cnf_key.len > 0, kid = e->cnf_kid.len > 0;

	if (!key && !kid)
		return;
	pst_cbor_put_uint(w, PST_CWT_CNF);
	pst_cbor_put_map(w, (size_t)key + (size_t)kid);
	if (key) {
		pst_cbor_put_uint(w, CNF_KEY);
		pst_cbor_put_raw(w, e->cnf_key);
	}
	if (kid) {
		pst_cbor_put_uint(w, CNF_KID);
		pst_cbor_put_bstr(w, e->cnf_kid);
	}
}

static void
put_oemid(struct pst_cbor_writer *w, const struct pst_eat *e)
{
	const uint8_t *p = e->oemid.ptr;
	uint32_t pen = e->oemid_pen;

	if (!e->oemid_is_pen && e->oemid.len != OEMID_PEN) {
		put_bytes(w, PST_EAT_OEMID, e->oemid);
		return;
	}
	if (e->oemid.len == OEMID_PEN)
		pen = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
	put_number(w, PST_EAT_OEMID, true, pen);
}

static size_t
claim_count(const struct pst_eat *e)
{
	size_t n = 0;

	n += e->iss.len > 0;
	n += e->has_exp;
	n += e->has_nbf;
	n += e->has_iat;
	n += e->cnf_key.len > 0 || e->cnf_kid.len > 0;
	n += e->nonce.len > 0;
	n += e->ueid.len > 0;
	n += e->oemid.len > 0 || e->oemid_is_pen;
	n += e->hwmodel.len > 0;
	n += e->hwversion.len > 0;
	n += e->has_uptime;
	n += e->has_oemboot;
	n += e->has_dbgstat;
	n += e->profile.len > 0;
	n += e->submods.count > 0;
	n += e->has_bootcount;
	n += e->bootseed.len > 0;
	n += e->swname.len > 0;
	n += e->swversion.len > 0;
	n += e->manifests.count > 0;
	n += e->measurements.count > 0;
	n += e->measres.count > 0;
	n += e->has_intuse;
	n += e->keys.len > 0;
	return n;
}

void
pst_eat_encode(struct pst_cbor_writer *w, const struct pst_eat *e)
{
	pst_cbor_put_map(w, claim_count(e));
	put_text(w, PST_CWT_ISS, e->iss);
	put_number(w, PST_CWT_EXP, e->has_exp, e->exp);
	put_number(w, PST_CWT_NBF, e->has_nbf, e->nbf);
	put_number(w, PST_CWT_IAT, e->has_iat, e->iat);
	put_confirmation(w, e);
	put_bytes(w, PST_EAT_NONCE, e->nonce);
	put_bytes(w, PST_EAT_UEID, e->ueid);
	put_oemid(w, e);
	put_bytes(w, PST_EAT_HWMODEL, e->hwmodel);
	put_version(w, PST_EAT_HWVERSION, e->hwversion);
	put_number(w, PST_EAT_UPTIME, e->has_uptime, e->uptime);
	if (e->has_oemboot) {
		pst_cbor_put_uint(w, PST_EAT_OEMBOOT);
		pst_cbor_put_bool(w, e->oemboot);
	}
	put_number(w, PST_EAT_DBGSTAT, e->has_dbgstat, e->dbgstat);
	put_text(w, PST_EAT_PROFILE, e->profile);
	put_submodules(w, &e->submods);
	put_number(w, PST_EAT_BOOTCOUNT, e->has_bootcount, e->bootcount);
	put_bytes(w, PST_EAT_BOOTSEED, e->bootseed);
	put_text(w, PST_EAT_SWNAME, e->swname);
	put_version(w, PST_EAT_SWVERSION, e->swversion);
	put_list(w, PST_EAT_MANIFESTS, &e->manifests);
	put_list(w, PST_EAT_MEASUREMENTS, &e->measurements);
	put_list(w, PST_EAT_MEASRES, &e->measres);
	if (e->has_intuse) {
		pst_cbor_put_uint(w, PST_EAT_INTUSE);
		pst_cbor_put_int(w, e->intuse);
	}
	if (e->keys.len > 0) {
		pst_cbor_put_int(w, PST_EAT_KEYS);
		pst_cbor_put_raw(w, e->keys);
	}
}

/* --- the TEEP profile -------------------------------------------------- */

enum pst_err
pst_eat_check_claims(const struct pst_eat *e)
{
	/* Section 5: "The following claims are required". */
	if (e->ueid.len == 0 || (e->oemid.len == 0 && !e->oemid_is_pen) ||
	    e->hwmodel.len == 0 || e->hwversion.len == 0 ||
	    e->manifests.count == 0 ||
	    (e->cnf_key.len == 0 && e->cnf_kid.len == 0))
		return PST_ERR_EAT_CLAIM;
	return PST_OK;
}

enum pst_err
pst_eat_check_profile(const struct pst_eat *e, struct pst_bytes wanted)
{
	/*
	 * eat_profile is not among the claims that the TEEP profile requires:
	 * a token without one is of the profile that its media type, or the
	 * absence of one, says. Evidence of ours always names its own.
	 */
	if (e->profile.len == 0 && !e->profile_is_oid &&
	    pst_same(wanted, PST_BYTES_LIT(PST_EAT_TEEP_PROFILE)))
		return PST_OK;
	return pst_same(e->profile, wanted) ? PST_OK : PST_ERR_EAT_PROFILE;
}

/* a - b, or 0 when that would be negative: times need no wrap. */
static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

enum pst_err
pst_eat_check_times(const struct pst_eat *e, uint64_t now_s, uint64_t skew_s)
{
	/* RFC 8392, Section 3.1.4: now must be before exp. */
	if (e->has_exp && less(now_s, skew_s) >= e->exp)
		return PST_ERR_EAT_EXPIRED;
	if (e->has_nbf && less(e->nbf, skew_s) > now_s)
		return PST_ERR_EAT_EXPIRED;
	if (e->has_iat && less(e->iat, skew_s) > now_s)
		return PST_ERR_EAT_EXPIRED;
	return PST_OK;
}

enum pst_err
pst_eat_check_binding(const struct pst_eat *e,
    const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    const struct pst_crypto *crypto)
{
	struct pst_bytes want = { thumbprint, PST_THUMBPRINT_LEN };
	uint8_t computed[PST_THUMBPRINT_LEN];
	struct pst_pubkey key;
	enum pst_err err;

	if (e->cnf_kid.len == 0 && e->cnf_key.len == 0)
		return PST_ERR_EAT_BINDING;
	if (e->cnf_kid.len > 0 && !pst_equal(e->cnf_kid, want))
		return PST_ERR_EAT_BINDING;
	if (e->cnf_key.len == 0)
		return PST_OK;
	/* A COSE_Key beside a kid must be the same key. */
	err = pst_cose_key_decode(e->cnf_key, &key, NULL, NULL);
	if (err != PST_OK)
		return PST_ERR_EAT_BINDING;
	err = pst_cose_thumbprint(crypto, &key, computed);
	if (err != PST_OK)
		return err;
	return pst_equal((struct pst_bytes){ computed, sizeof(computed) }, want)
	    ? PST_OK
	    : PST_ERR_EAT_BINDING;
}

enum pst_err
pst_eat_check(const struct pst_eat *e, struct pst_bytes wanted,
    struct pst_bytes nonce, const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    const struct pst_crypto *crypto, uint64_t now_s, uint64_t skew_s)
{
	enum pst_err err = pst_eat_check_profile(e, wanted);

	if (err == PST_OK)
		err = pst_eat_check_claims(e);
	if (err == PST_OK && nonce.len > 0 && !pst_equal(e->nonce, nonce))
		err = PST_ERR_EAT_NONCE;
	if (err == PST_OK)
		err = pst_eat_check_times(e, now_s, skew_s);
	if (err == PST_OK)
		err = pst_eat_check_binding(e, thumbprint, crypto);
	return err;
}

enum pst_err
pst_eat_nonce_of(const struct pst_crypto *crypto, struct pst_bytes challenge,
    uint8_t out[PST_EAT_NONCE_MAX], size_t *len)
{
	uint8_t digest[PST_DIGEST_MAX];
	enum pst_err err;

	*len = 0;
	if (challenge.len <= PST_EAT_NONCE_MAX) {
		pst_copy(out, challenge);
		*len = challenge.len;
		return PST_OK;
	}
	err = crypto->digest(
	    crypto->ctx, PST_ALG_SHA256, &challenge, 1, digest, len);
	if (err != PST_OK)
		return err;
	memcpy(out, digest, *len);
	return PST_OK;
}
