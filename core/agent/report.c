/*
 * SUIT Reports of the Update under way: made as manifests are processed, and
 * protected as the TAM's anchor entry asks before they leave
 * (draft-ietf-teep-protocol, Section "EATs and SUIT Reports").
 *
 * memory.report has finished reports in its first half, one behind the other,
 * and in the second half the records of the present one. These are in its
 * report once that is written, so then the half is free to work in.
 */
#include <postern/suit_report.h>

#include "agent/agent_internal.h"

static size_t
half(const struct pst_agent *a)
{
	return a->memory.report_cap / 2;
}

void
pst_agent_report_begin(struct pst_agent *a)
{
	memset(&a->update.envelope, 0, sizeof(a->update.envelope));
	memset(&a->update.manifest, 0, sizeof(a->update.manifest));
	memset(a->update.unlinked, 0, sizeof(a->update.unlinked));
	pst_suit_report_init(&a->update.report, a->memory.report + half(a),
	    a->memory.report_cap - half(a));
}

/* How the TAM of this Update gets its reports; kid is a buffer for it. */
static enum pst_err
cover(const struct pst_agent *a, uint8_t kid[PST_THUMBPRINT_LEN],
    struct pst_suit_report_cover *out)
{
	const struct pst_agent_tam *tam = &a->config->tams[a->update.tam];

	memset(out, 0, sizeof(*out));
	if (tam->sign_reports)
		out->signer = &a->config->report_key;
	if (tam->encryption_key.kty == 0)
		return PST_OK;
	out->to = &tam->encryption_key;
	out->to_kid = (struct pst_bytes){ kid, PST_THUMBPRINT_LEN };
	out->alg = pst_agent_content_alg(a);
	return pst_cose_thumbprint(a->ports.crypto, out->to, kid);
}

/* What this device can do for this TAM, in the report of a failure to do more
 * (draft-ietf-suit-report, Section 4.2). */
static struct pst_suit_capabilities
capabilities(const struct pst_agent *a)
{
	const struct pst_agent_scope *scope =
	    &a->config->tams[a->update.tam].scope;
	struct pst_suit_capabilities c = { a->ports.crypto, &a->update.host,
		a->memory.suit.arena != NULL, scope->prefix, scope->count };

	return c;
}

/* Its records were where the work was done. */
static void
drop_records(struct pst_suit_report *r)
{
	r->dropped += r->count;
	r->count = 0;
	r->records.len = 0;
}

/*
 * Write the report as one byte string, protected. What cannot be protected
 * as the configuration asks does not leave the device.
 */
static enum pst_err
put_report(struct pst_agent *a, struct pst_cbor_writer *w)
{
	struct pst_agent_update *u = &a->update;
	struct pst_bytes nonce = { u->token, u->token_len };
	uint8_t kid[PST_THUMBPRINT_LEN];
	const struct pst_suit_capabilities can = capabilities(a);
	struct pst_suit_report_cover how;
	size_t cap = w->cap, overhead, len;
	enum pst_err err = cover(a, kid, &how);

	overhead = pst_suit_report_overhead(&how);
	if (err != PST_OK)
		return err;
	if (cap < overhead)
		return PST_ERR_SPACE;
	/* Records give way to what is around them. */
	w->cap = cap - overhead;
	u->report.capabilities =
	    pst_suit_reason_lacks(u->report.reason) ? &can : NULL;
	err = pst_suit_report_encode(w, &u->report, u->manifest.reference_uri,
	    &u->envelope.digest, nonce);
	u->report.capabilities = NULL;
	if (err != PST_OK)
		return err;
	len = w->len;
	err = pst_suit_report_protect(a->ports.crypto, &how, w->buf, cap, &len,
	    a->memory.report + half(a), a->memory.report_cap - half(a));
	if (overhead > 0)
		drop_records(&u->report);
	w->cap = cap;
	w->len = len;
	pst_cbor_wrap_bstr(w, 0);
	return err != PST_OK ? err : w->err;
}

void
pst_agent_manifest_report(struct pst_agent *a, enum pst_err err)
{
	struct pst_agent_update *u = &a->update;
	struct pst_suit_report *r = &u->report;
	struct pst_cbor_writer w;

	/* The transaction is one: with a failure the others did not happen. */
	if (err != PST_OK) {
		u->reports_len = 0;
		u->reports_count = 0;
		if (r->err == PST_OK) {
			r->err = err;
			r->reason = pst_suit_reason_of(err);
		}
	}
	/* What could not be read, or is not in memory, has no digest to report
	 * about. */
	if (!u->loaded || u->envelope.digest.alg == PST_ALG_NONE)
		return;
	pst_cbor_writer_init(
	    &w, a->memory.report + u->reports_len, half(a) - u->reports_len);
	if (put_report(a, &w) != PST_OK)
		return;
	u->reports_len += w.len;
	u->reports_count++;
}
