/*
 * The claims of an EAT and of its submodules in the words that Reference
 * Values use. A submodule's stand behind its name, "OS/measurement"; those
 * about a named component have it in parentheses, "measurement(boot)", beside
 * the claim without a name that lists them all.
 */
#include <postern/eat_measured.h>
#include <postern/eat_modules.h>
#include <stdio.h>
#include <string.h>

#include "eat_claims.h"

/* The longest name of a claim; a rule cannot have a longer one. */
#define CLAIM_NAME_MAX sizeof(((struct pst_rule *)0)->claim)

/* Whose claims are put, and where they go. */
struct put {
	struct pst_appraisal *out;
	struct pst_bytes prefix; /* path of the submodule, with its slash */
};

static bool
printable(struct pst_bytes name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
			return false;
	return true;
}

/*
 * prefix what "(" of ")", kept in the appraisal; NULL when no rule could name
 * it. What needs no prefix and is of nothing stays as it is.
 */
static const char *
named(struct put *p, const char *what, struct pst_bytes of)
{
	char text[CLAIM_NAME_MAX];
	struct pst_bytes kept;
	int n;

	if (p->prefix.len == 0 && of.len == 0)
		return what;
	if (p->prefix.len + strlen(what) + of.len + 3 > sizeof(text) ||
	    !printable(of))
		return NULL;
	n = snprintf(text, sizeof(text), "%.*s%s%s%.*s%s", (int)p->prefix.len,
	    (const char *)p->prefix.ptr, what, of.len > 0 ? "(" : "",
	    (int)of.len, of.len > 0 ? (const char *)of.ptr : "",
	    of.len > 0 ? ")" : "");
	kept = pst_appraisal_keep(
	    p->out, (struct pst_bytes){ (const uint8_t *)text, (size_t)n + 1 });
	return (const char *)kept.ptr;
}

static const struct pst_bytes nothing = { NULL, 0 };

static void
put_bytes(struct put *p, const char *what, struct pst_bytes of,
    struct pst_bytes value)
{
	const char *name = named(p, what, of);

	if (name != NULL)
		pst_claim_bytes(p->out, name, value);
}

static void
put_text(struct put *p, const char *what, struct pst_bytes of,
    struct pst_bytes value)
{
	const char *name = value.len > 0 ? named(p, what, of) : NULL;

	if (name != NULL)
		pst_claim_text(p->out, name, value);
}

static void
put_uint(struct put *p, const char *what, bool has, uint64_t value)
{
	const char *name = has ? named(p, what, nothing) : NULL;

	if (name != NULL)
		pst_claim_uint(p->out, name, value);
}

/* --- measurements and manifests ------------------------------------------ */

/* In the list of all, and under its own name. */
static void
put_digest(struct put *p, const char *what, struct pst_bytes of,
    struct pst_bytes value)
{
	put_bytes(p, what, nothing, value);
	if (of.len > 0)
		put_bytes(p, what, of, value);
}

/* Our own older agents, and others, call it plain CBOR. */
static enum pst_err
put_component(struct put *p, const struct pst_eat_content *c)
{
	struct pst_eat_measured m;
	enum pst_err err = pst_eat_measured_decode(c->bytes, &m);

	if (err != PST_OK && c->format == PST_FORMAT_CBOR) {
		put_bytes(p, "measurement", nothing, c->bytes);
		return PST_OK;
	}
	if (err != PST_OK)
		return err;
	put_digest(p, "measurement", m.name, m.value);
	put_text(p, "version", m.name, m.version);
	return PST_OK;
}

/* RFC 9711, Section 4.2.15: "it MUST be an evidence CoSWID, not a payload
 * CoSWID"; for manifests (4.2.14) the other way round. */
static enum pst_err
put_coswid(struct put *p, const char *what, const struct pst_eat_content *c,
    bool evidence)
{
	struct pst_coswid swid;
	struct pst_coswid_file f;
	enum pst_err err = pst_coswid_decode(c->bytes, &swid);

	if (err == PST_OK && (evidence ? swid.has_payload : swid.has_evidence))
		err = PST_ERR_EAT_CLAIM;
	if (err != PST_OK)
		return err;
	put_text(p, "version", swid.name, swid.version);
	while (pst_coswid_next(&swid, &f))
		if (f.alg != PST_ALG_NONE)
			put_digest(p, what, f.name, f.digest);
	return PST_OK;
}

/* A report that is not protected by itself: the token is signed. */
static enum pst_err
put_report(struct put *p, const struct pst_eat_content *c)
{
	struct pst_verified bytes = pst_verified_by_caller(c->bytes);
	struct pst_suit_report_view r;
	enum pst_err err;

	if (c->bytes.len == 0 || c->bytes.ptr[0] >> 5 != PST_CBOR_MAP) {
		put_bytes(p, "measurement", nothing, c->bytes);
		return PST_OK;
	}
	err = pst_suit_report_decode(&bytes, &r, NULL);
	if (err != PST_OK)
		return err;
	put_digest(p, "report-digest", r.uri, r.manifest.bytes);
	put_uint(p, "report-success", true, r.success);
	return PST_OK;
}

static enum pst_err
put_measurement(struct put *p, const struct pst_eat_content *c)
{
	switch (c->format) {
	case PST_FORMAT_CBOR:
	case PST_FORMAT_MEASURED_COMPONENT:
		return put_component(p, c);
	case PST_FORMAT_COSWID:
		return put_coswid(p, "measurement", c, true);
	case PST_FORMAT_SUIT_REPORT:
		return put_report(p, c);
	default:
		put_bytes(p, "measurement", nothing, c->bytes);
		return PST_OK;
	}
}

static enum pst_err
put_manifest(struct put *p, const struct pst_eat_content *c)
{
	struct pst_suit_digest digest;
	struct pst_bytes uri;
	enum pst_err err;

	if (c->format == PST_FORMAT_COSWID)
		return put_coswid(p, "manifest", c, false);
	if (c->format != PST_FORMAT_SUIT_REPORT) {
		put_bytes(p, "manifest", nothing, c->bytes);
		return PST_OK;
	}
	err = pst_eat_suit_reference(c->bytes, &uri, &digest);
	if (err != PST_OK)
		return err;
	put_text(p, "manifest-uri", nothing, uri);
	put_digest(p, "manifest-digest", uri, digest.bytes);
	return PST_OK;
}

static enum pst_err
put_contents(struct put *p, const struct pst_eat *e)
{
	struct pst_list list = e->manifests;
	struct pst_eat_content c;
	enum pst_err err = PST_OK;

	while (err == PST_OK && pst_eat_content_next(&list, &c))
		err = put_manifest(p, &c);
	list = e->measurements;
	while (err == PST_OK && pst_eat_content_next(&list, &c))
		err = put_measurement(p, &c);
	return err;
}

/* [system, [+ [id, result]]] items, checked when they were decoded. */
static void
put_results(struct put *p, struct pst_list list)
{
	struct pst_cbor_reader r;
	struct pst_bytes item;
	size_t n;

	while (pst_list_next(&list, &item)) {
		pst_cbor_reader_init(&r, item);
		(void)pst_cbor_array(&r, 2, 2);
		pst_cbor_skip(&r);
		n = pst_cbor_array(&r, 1, SIZE_MAX);
		while (n-- > 0 && pst_cbor_ok(&r)) {
			(void)pst_cbor_array(&r, 2, 2);
			pst_cbor_skip(&r);
			put_uint(p, "measurement-result", true,
			    pst_cbor_uint(&r, UINT64_MAX));
		}
	}
}

/* --- one claims-set ------------------------------------------------------- */

static enum pst_err
put_claims(struct put *p, const struct pst_eat *e)
{
	if (e->ueid.len > 0)
		put_bytes(p, "ueid", nothing, e->ueid);
	if (e->hwmodel.len > 0)
		put_bytes(p, "hwmodel", nothing, e->hwmodel);
	put_text(p, "hwversion", nothing, e->hwversion);
	put_uint(p, "oemid", e->oemid_is_pen, e->oemid_pen);
	if (e->oemid.len > 0)
		put_bytes(p, "oemid", nothing, e->oemid);
	put_text(p, "sw-name", nothing, e->swname);
	put_text(p, "sw-version", nothing, e->swversion);
	put_uint(p, "debug-state", e->has_dbgstat, e->dbgstat);
	put_uint(p, "oem-boot", e->has_oemboot, e->oemboot);
	put_uint(p, "boot-count", e->has_bootcount, e->bootcount);
	put_results(p, e->measres);
	/* A submodule that can be debugged opens a way into the rest. */
	if (e->has_dbgstat && e->dbgstat == 0)
		p->out->debug = true;
	return put_contents(p, e);
}

/* A slash or a parenthesis in a name would make it another's. */
static bool
good_name(struct pst_bytes name)
{
	return printable(name) && memchr(name.ptr, '/', name.len) == NULL &&
	    memchr(name.ptr, '(', name.len) == NULL;
}

static enum pst_err
put_key(
    const struct pst_verifier *v, struct put *p, const struct pst_eat_node *n)
{
	uint8_t print[PST_THUMBPRINT_LEN];
	enum pst_err err = pst_cose_thumbprint(v->crypto, &n->key, print);

	if (err == PST_OK)
		put_bytes(p, "key", nothing,
		    pst_appraisal_keep(
			p->out, (struct pst_bytes){ print, sizeof(print) }));
	return err;
}

/* What tells, when it is judged, how fresh a nested token is. */
static enum pst_err
note_nested(struct pst_appraisal *out, const struct pst_eat_node *n)
{
	struct pst_appraisal_nested *nested;

	if (out->nested_count == PST_APPRAISAL_NESTED_MAX)
		return PST_ERR_LIMIT;
	nested = &out->nested[out->nested_count++];
	nested->nonce = n->claims.nonce;
	nested->has_iat = n->claims.has_iat;
	nested->iat = n->claims.iat;
	return PST_OK;
}

static enum pst_err
put_node(const struct pst_verifier *v, const struct pst_eat_tree *tree,
    size_t i, uint64_t now_s, struct pst_appraisal *out)
{
	const struct pst_eat_node *n = &tree->node[i];
	uint8_t path[CLAIM_NAME_MAX];
	struct put p = { out, { path, 0 } };
	enum pst_err err = PST_OK;

	p.prefix.len = pst_eat_tree_path(tree, i, path, sizeof(path));
	if (i > 0 && (p.prefix.len == 0 || !good_name(n->name)))
		return PST_ERR_EAT_CLAIM;
	if (i > 0 && n->kind == PST_EAT_MODULE_DIGEST) {
		put_bytes(&p, "digest", nothing, n->digest);
		return PST_OK;
	}
	if (i > 0 && n->kind == PST_EAT_MODULE_TOKEN) {
		err = put_key(v, &p, n);
		if (err == PST_OK)
			err = note_nested(out, n);
	}
	/* The token's own times are judged with its challenge. */
	if (err == PST_OK && i > 0)
		err = pst_eat_check_times(&n->claims, now_s, v->skew_s);
	return err == PST_OK ? put_claims(&p, &n->claims) : err;
}

void
pst_eat_put_claims(const struct pst_verifier *v,
    const struct pst_eat_tree *tree, uint64_t now_s, struct pst_appraisal *out)
{
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; i < tree->count && err == PST_OK; i++)
		err = put_node(v, tree, i, now_s, out);
	if (err != PST_OK)
		pst_appraisal_note(out, i == 1 ? "claims" : "submodule", err,
		    i == 1 ? "manifests or measurements" : NULL);
	else if (tree->count > 1)
		pst_appraisal_add(out, "submodule", PST_OK);
}
