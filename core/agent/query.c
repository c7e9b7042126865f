/*
 * QueryRequest in, QueryResponse out (draft-ietf-teep-protocol, Sections 4.2,
 * 4.3 and 7.2.1).
 */
#include "agent/agent_internal.h"

uint32_t
pst_agent_own_suite(const struct pst_agent *a)
{
	return pst_teep_suite_of(a->config->key.alg);
}

/* Time as a proof of freshness needs a clock that one can rely on. */
uint32_t
pst_agent_freshness(const struct pst_agent *a)
{
	const struct pst_clock *clock = a->ports.clock;
	uint32_t have = 1u << PST_FRESHNESS_NONCE;
	uint64_t now_s = 0;
	bool trusted = false;

	if (clock->now(clock->ctx, &now_s, &trusted) == PST_OK && trusted)
		have |= 1u << PST_FRESHNESS_TIMESTAMP;
	return have;
}

/*
 * A report is a map, or COSE around one. This agent reads none of them, but
 * says when one is in a form that it could not read (Section 7.2.1).
 */
static bool
report_readable(struct pst_agent *a, struct pst_bytes report)
{
	struct pst_cose_headers h;
	struct pst_bytes signature;
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, report);
	if (pst_cbor_peek(&r) == PST_CBOR_MAP)
		return true;
	if (pst_cose_parse(report, PST_TAG_SIGN1, &a->cose, NULL) != PST_OK ||
	    a->cose.kind != PST_TAG_SIGN1)
		return false;
	if (!pst_cose_signature(&a->cose, 0, &h, &signature))
		return false;
	return a->ports.crypto->supports(a->ports.crypto->ctx, h.alg);
}

static bool
reports_readable(struct pst_agent *a)
{
	struct pst_list reports = a->in.suit_reports;
	struct pst_bytes report;

	while (pst_teep_next_bstr(&reports, &report)) {
		if (!report_readable(a, report))
			return false;
	}
	return true;
}

/*
 * How the evidence shall be shown to be fresh: with the challenge, or by its
 * time. Where both are possible the nonce is: it proves more than a clock.
 */
static enum pst_err
choose_freshness(struct pst_agent *a, const struct pst_teep_message *m)
{
	uint32_t have = pst_agent_freshness(a);

	a->by_time = (have & 1u << PST_FRESHNESS_TIMESTAMP) &&
	    pst_teep_pick_freshness(m, 1u << PST_FRESHNESS_TIMESTAMP) != 0;
	if (!(m->data_items & PST_TEEP_ITEM_ATTESTATION))
		return PST_OK;
	/* Without a challenge there is no nonce to put into evidence. */
	if (!PST_TEEP_HAS(m, PST_LABEL_CHALLENGE))
		have &= ~(1u << PST_FRESHNESS_NONCE);
	if (pst_teep_pick_freshness(m, have) != 0)
		return PST_OK;
	/* Nonce was offered and is supported, but not sent. */
	if (pst_teep_pick_freshness(m, 1u << PST_FRESHNESS_NONCE) != 0)
		return PST_ERR_TEEP_FIELD;
	return PST_ERR_TEEP_FRESHNESS;
}

/* This and what follows stand apart so that their frames are not below the
 * making of Evidence. */
static __attribute__((noinline)) enum pst_err
negotiate(struct pst_agent *a)
{
	const struct pst_teep_message *m = &a->in;

	enum pst_err err;

	if (!pst_teep_offers_version(m, 0))
		return PST_ERR_TEEP_VERSION;
	/* Before it learns anything else (Section 7.2.1). */
	err = pst_agent_attested_check(a);
	if (err != PST_OK)
		return err;
	if (!(m->suites & pst_agent_own_suite(a)))
		return PST_ERR_TEEP_SUITE;
	if (!reports_readable(a))
		return PST_ERR_TEEP_REPORT;
	return choose_freshness(a, m);
}

/*
 * Keep what an unsolicited QueryResponse will need: the text admits one when
 * the last QueryRequest had neither token nor challenge and the TAM's key is
 * known and does not expire. Written only when something changed.
 */
static __attribute__((noinline)) enum pst_err
remember(struct pst_agent *a)
{
	const struct pst_teep_message *m = &a->in;
	struct pst_reg_record had, r = { .kind = PST_REG_TAM };
	bool known;

	r.key = pst_agent_tam_name(a, a->tam);
	known =
	    pst_reg_find(&a->registry, PST_REG_TAM, r.key, PST_REG_ANY, &had);
	if (known) {
		r.n[0] = had.n[0];
		r.n[1] = had.n[1] - PST_FACTS(had.n[1]);
	}
	if (!PST_TEEP_HAS(m, PST_LABEL_TOKEN) &&
	    !PST_TEEP_HAS(m, PST_LABEL_CHALLENGE) &&
	    !pst_agent_by_certificate(a))
		r.n[1] |= PST_FACT_UNSOLICITED;
	r.n[2] = m->data_items;
	if (known && had.n[1] == r.n[1] && had.n[2] == r.n[2])
		return PST_OK;
	if (pst_reg_put(&a->registry, &r) != PST_OK)
		return PST_ERR_SPACE;
	return pst_agent_commit(a);
}

static struct pst_list
list_since(const struct pst_cbor_writer *w, size_t mark, size_t count)
{
	struct pst_list list = { { w->buf + mark, w->len - mark }, count };

	return list;
}

static void
put_manifest(struct pst_cbor_writer *w, const struct pst_reg_record *r)
{
	struct pst_teep_tc tc = { 0 };

	tc.component_id = r->key;
	tc.digest_alg = -(int32_t)r->n[2];
	tc.digest = r->data;
	pst_teep_put_tc(w, &tc);
}

static void
put_component(struct pst_cbor_writer *w, const struct pst_reg_record *r)
{
	struct pst_teep_tc tc = { 0 };

	tc.component_id = r->key;
	tc.digest_alg = PST_ALG_SHA256;
	tc.digest = r->data;
	tc.image_size = r->n[1];
	tc.has_image_size = true;
	pst_teep_put_tc(w, &tc);
}

/*
 * What this TAM may see: components in its scope, and each root manifest by
 * its component identifier with the manifest's digest, for a tc-list has no
 * sequence numbers and a planner has to tell versions apart.
 */
static void
tc_list(struct pst_agent *a, uint32_t tam, struct pst_cbor_writer *w)
{
	struct pst_reg_record r;
	size_t at = 0, mark = w->len, count = 0;

	while (pst_reg_next(&a->registry, &at, &r)) {
		if (!pst_agent_tam_covers(a, tam, r.key))
			continue;
		if (r.kind == PST_REG_COMPONENT)
			put_component(w, &r);
		else if (r.kind == PST_REG_MANIFEST && r.n[1] != 0)
			put_manifest(w, &r);
		else
			continue;
		count++;
	}
	/* The list has one entry or more; with none it is left out. */
	if (count == 0)
		return;
	a->answer.tc_list = list_since(w, mark, count);
	a->answer.present |= 1u << PST_LABEL_TC_LIST;
}

static void
requested_list(struct pst_agent *a, uint32_t tam, struct pst_cbor_writer *w)
{
	struct pst_teep_requested want = { 0 };
	struct pst_reg_record r;
	size_t at = 0, mark = w->len, count = 0;

	while (pst_reg_seek(&a->registry, &at, PST_REG_REQUEST, PST_REG_ANY,
	    pst_agent_tam_name(a, tam), &r)) {
		if (r.n[1] != 0)
			continue;
		want.component_id = r.key;
		pst_teep_put_requested(w, &want);
		count++;
	}
	if (count == 0)
		return;
	a->answer.requested_tc_list = list_since(w, mark, count);
	a->answer.present |= 1u << PST_LABEL_REQUESTED_TC_LIST;
}

static void
unneeded_list(struct pst_agent *a, uint32_t tam, struct pst_cbor_writer *w)
{
	struct pst_reg_record r;
	size_t at = 0, mark = w->len, count = 0;

	while (pst_reg_seek(&a->registry, &at, PST_REG_UNNEEDED, PST_REG_ANY,
	    PST_REG_ANY, &r)) {
		if (r.n[1] != 0 || !pst_agent_tam_covers(a, tam, r.key))
			continue;
		pst_cbor_put_raw(w, r.key);
		count++;
	}
	if (count == 0)
		return;
	a->answer.unneeded_manifest_list = list_since(w, mark, count);
	a->answer.present |= 1u << PST_LABEL_UNNEEDED_MANIFEST_LIST;
}

static __attribute__((noinline)) void
put_lists(struct pst_agent *a, uint32_t tam, uint32_t items,
    struct pst_cbor_writer *w)
{
	if (items & PST_TEEP_ITEM_TRUSTED_COMPONENTS)
		tc_list(a, tam, w);
	requested_list(a, tam, w);
	unneeded_list(a, tam, w);
	/*
	 * No extension is defined and no SUIT Report is made at boot: both
	 * lists would be empty, which their syntax does not admit.
	 */
}

/* Parts are put together in memory.out, which the message then replaces. */
static enum pst_err
respond(struct pst_agent *a, uint32_t tam, uint32_t items,
    struct pst_bytes challenge, struct pst_bytes token,
    struct pst_agent_out *out)
{
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_agent_answer_begin(a, PST_TEEP_QUERY_RESPONSE);
	pst_agent_answer_token(a, token);
	pst_cbor_writer_init(&w, a->memory.out, a->memory.out_cap);
	if (items & PST_TEEP_ITEM_ATTESTATION) {
		err = pst_agent_evidence(a, tam, challenge, &w);
		if (err != PST_OK)
			return err;
	}
	put_lists(a, tam, items, &w);
	if (w.err != PST_OK)
		return w.err;
	return pst_agent_send(a, tam, out);
}

enum pst_err
pst_agent_query(struct pst_agent *a, struct pst_agent_out *out)
{
	struct pst_bytes token = { a->token, a->token_len };
	struct pst_bytes challenge = { NULL, 0 };
	enum pst_err err;

	err = negotiate(a);
	if (err == PST_OK)
		err = remember(a);
	if (err != PST_OK)
		return err;
	if (PST_TEEP_HAS(&a->in, PST_LABEL_CHALLENGE))
		challenge = a->in.challenge;
	return respond(a, a->tam, a->in.data_items, challenge, token, out);
}

enum pst_err
pst_agent_unsolicited(
    struct pst_agent *a, uint32_t tam, struct pst_agent_out *out)
{
	uint32_t timestamp = 1u << PST_FRESHNESS_TIMESTAMP;
	struct pst_reg_record r;

	/* Section 7.2: all three conditions; the key of a TAM that is kept in
	 * the configuration does not expire. */
	if (!pst_reg_find(&a->registry, PST_REG_TAM, pst_agent_tam_name(a, tam),
		PST_REG_ANY, &r) ||
	    PST_FACTS(r.n[1]) != PST_FACT_UNSOLICITED ||
	    !(pst_agent_freshness(a) & timestamp) ||
	    pst_agent_must_attest(a, tam))
		return PST_ERR_STATE;
	a->by_time = true;
	return respond(a, tam, (uint32_t)(r.n[2] & UINT32_MAX), PST_NOTHING,
	    PST_NOTHING, out);
}
