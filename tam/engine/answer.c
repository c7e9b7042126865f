/*
 * Success and Error (draft-ietf-teep-protocol, Sections 4.5, 4.6 and 7.1.2).
 *
 * With a token it is the answer to an Update: the token must be the one in
 * the device's row, and is used up whatever else the message holds. Without
 * one an Error may ask for another QueryRequest; a Success, or an Error to an
 * Update that only carried an err-code, ends the session.
 */
#include <postern/eat_keys.h>
#include <postern/suit_report.h>
#include <tam/engine/engine_internal.h>

#include <stdio.h>
#include <string.h>

/* Both kinds of answer may be refused for the token alone. */
static enum pst_err
check_token(struct pst_tam_turn *t)
{
	const char *why = NULL;

	if (t->device.token.len == 0)
		why = "no Update is pending";
	else if (!pst_equal(t->msg.token, t->device.token))
		why = "token of another Update";
	else if (t->device.token_expires_s <= t->now_s)
		why = "token expired";
	if (why == NULL)
		return PST_OK;
	(void)pst_tam_drop(t->out, PST_ERR_TEEP_TOKEN, "device %.*s: %s",
	    (int)t->device.name.len, (const char *)t->device.name.ptr, why);
	return PST_ERR_TEEP_TOKEN;
}

/* --- SUIT Reports ------------------------------------------------------ */

static void
keep_report(struct pst_tam_changes *ch, const struct pst_suit_report_view *v,
    struct pst_bytes raw)
{
	struct pst_tam_report *r;

	if (ch->report_count == PST_TAM_REPORTS_MAX)
		return;
	r = &ch->reports[ch->report_count++];
	r->manifest = v->manifest;
	r->success = v->success;
	r->code = v->code;
	r->reason = v->reason;
	r->record = v->record;
	r->raw = raw;
}

/* pst_keys.find: the key that was attested for reports; of a device that has
 * none, the one that signed the message. */
static enum pst_err
report_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct pst_tam_turn *t = ctx;
	struct pst_eat_keys keys;

	(void)headers;
	*who = 0;
	if (attempt > 0 ||
	    pst_eat_keys_decode(t->device.device_keys, &keys) != PST_OK)
		return PST_ERR_NOT_FOUND;
	*key = keys.report.kty != 0 ? keys.report : t->key;
	return PST_OK;
}

/*
 * Plain, signed, encrypted or both (Section 8.2). It came inside a message
 * that verified. A plaintext is kept in scratch, for the store.
 */
static enum pst_err
open_report(struct pst_tam_turn *t, struct pst_bytes raw,
    struct pst_verified *out, struct pst_suit_report_view *view)
{
	struct pst_keys signers = { .ctx = t, .find = report_key };
	struct pst_keys recipients = pst_tam_recipients(t);
	struct pst_suit_report_open_args args = { &signers, &recipients, true };
	struct pst_suit_report_opened opened;
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_tam_scratch(t, &w);
	err = pst_suit_report_open(
	    raw, t->e->crypto, &args, w.buf, w.cap, &opened);
	if (err == PST_OK)
		err = pst_suit_report_decode(&opened.report, view, NULL);
	if (err != PST_OK)
		return err;
	/* What was decrypted is no longer than the report that came. */
	if (opened.form & PST_SUIT_REPORT_ENCRYPTED)
		t->scratch_len += raw.len;
	*out = opened.report;
	return PST_OK;
}

/* Reports that could not be read, and why the last one could not. */
struct unread {
	size_t count;
	enum pst_err err;
};

/*
 * Section 7.1.2: a report whose nonce is not the Update's token makes the
 * whole message void. One that cannot be read is counted and passed over.
 */
static enum pst_err
read_reports(struct pst_tam_turn *t, struct unread *unread)
{
	struct pst_list list = t->msg.suit_reports;
	struct pst_suit_report_view view;
	struct pst_verified report;
	struct pst_bytes raw;
	enum pst_err err;

	*unread = (struct unread){ 0, PST_OK };
	while (pst_teep_next_bstr(&list, &raw)) {
		err = open_report(t, raw, &report, &view);
		if (err != PST_OK) {
			unread->count++;
			unread->err = err;
			continue;
		}
		if (!pst_equal(view.nonce, t->device.token))
			return PST_ERR_TEEP_TOKEN;
		keep_report(&t->out->changes, &view, report.payload);
	}
	return PST_OK;
}

/* How many reports came, for a log line. */
static void
count_reports(
    char out[80], const struct pst_tam_turn *t, const struct unread *unread)
{
	size_t read = t->out->changes.report_count;

	if (unread->count == 0)
		(void)snprintf(out, 80, "%zu reports", read);
	else
		(void)snprintf(out, 80, "%zu reports, %zu unread: %s", read,
		    unread->count, pst_err_name(unread->err));
}

/* --- the answer to an Update ------------------------------------------- */

static enum pst_err
settle_ledger(struct pst_tam_turn *t, bool failed)
{
	struct pst_tam_changes *ch = &t->out->changes;
	struct pst_tam_outcome o;
	struct pst_cbor_writer w;
	enum pst_err err;

	memset(&o, 0, sizeof(o));
	o.reports = ch->reports;
	o.report_count = ch->report_count;
	o.failed = failed;
	o.penalty = t->msg.err_code != PST_TEEP_ERR_TEMPORARY_ERROR;
	o.now_s = t->now_s;
	o.backoff_s = t->e->policy.backoff_s;
	o.backoff_max_s = t->e->policy.backoff_max_s;
	err = pst_tam_pending_read(t->device.pending, &o.installed, &o.removed);
	if (err != PST_OK)
		return PST_ERR_STORE_DAMAGED;
	pst_tam_scratch(t, &w);
	pst_tam_ledger_answered(&w, t->device.ledger, &o);
	if (w.err != PST_OK)
		return w.err;
	ch->ledger = pst_tam_kept(t, &w);
	ch->what |= PST_TAM_LEDGER;
	if (failed)
		return PST_OK;
	ch->installed = o.installed;
	ch->removed = o.removed;
	ch->what |= PST_TAM_MERGE;
	return PST_OK;
}

static bool
any_failure(const struct pst_tam_changes *ch)
{
	size_t i;

	for (i = 0; i < ch->report_count; i++) {
		if (!ch->reports[i].success)
			return true;
	}
	return false;
}

/* A device's words in a log line: short, one line, nothing that a terminal
 * acts upon. */
static void
quote(char out[64], struct pst_bytes text)
{
	size_t i, n = text.len < 63 ? text.len : 63;

	for (i = 0; i < n; i++) {
		char c = (char)text.ptr[i];

		out[i] = c >= ' ' && c <= '~' && c != '"' ? c : '?';
	}
	out[n] = '\0';
}

static void
note_failure(struct pst_tam_turn *t, const struct unread *unread)
{
	const struct pst_tam_changes *ch = &t->out->changes;
	enum pst_suit_reason reason = PST_SUIT_REASON_OK;
	char text[64], reports[80];
	size_t i;

	for (i = 0; i < ch->report_count; i++) {
		if (!ch->reports[i].success)
			reason = ch->reports[i].reason;
	}
	quote(text, ch->msg);
	count_reports(reports, t, unread);
	pst_tam_note(t->out,
	    "device %.*s failed: error %u, SUIT reason %d (%s): %s",
	    (int)t->device.name.len, (const char *)t->device.name.ptr,
	    (unsigned)t->msg.err_code, (int)reason, reports, text);
}

static enum pst_err
answer(struct pst_tam_turn *t, bool failed, struct pst_bytes text)
{
	struct pst_tam_changes *ch = &t->out->changes;
	struct unread unread;
	char reports[80];
	enum pst_err err;

	if (check_token(t) != PST_OK)
		return PST_OK;
	ch->what |= PST_TAM_ANSWER;
	memcpy(ch->token, t->device.token.ptr, sizeof(ch->token));
	if (read_reports(t, &unread) != PST_OK) {
		ch->report_count = 0;
		return pst_tam_drop(t->out, PST_ERR_TEEP_TOKEN,
		    "device %.*s: SUIT Report of another Update",
		    (int)t->device.name.len, (const char *)t->device.name.ptr);
	}
	/* A Success that reports a failure is a failure. */
	failed = failed || any_failure(ch);
	ch->what |= PST_TAM_REPORT;
	ch->success = !failed;
	ch->err_code = t->msg.err_code;
	ch->msg = text;
	err = settle_ledger(t, failed);
	if (err != PST_OK)
		return err;
	t->out->event = failed ? PST_TAM_EV_FAILURE : PST_TAM_EV_SUCCESS;
	if (failed)
		note_failure(t, &unread);
	if (failed)
		return PST_OK;
	count_reports(reports, t, &unread);
	pst_tam_note(t->out, "device %.*s succeeded (%s)",
	    (int)t->device.name.len, (const char *)t->device.name.ptr, reports);
	return PST_OK;
}

enum pst_err
pst_tam_on_success(struct pst_tam_turn *t)
{
	if (!PST_TEEP_HAS(&t->msg, PST_LABEL_TOKEN))
		return pst_tam_drop(t->out, PST_OK,
		    "device %.*s: end of session", (int)t->device.name.len,
		    (const char *)t->device.name.ptr);
	return answer(t, false, t->msg.msg);
}

/* --- an Error to a QueryRequest ---------------------------------------- */

/*
 * Ask again in a way that the agent can take (Section 4.6). Once in a while
 * only: an agent that refuses this too must not keep the TAM signing.
 */
static enum pst_err
ask_again(struct pst_tam_turn *t, uint32_t suite, uint32_t freshness)
{
	if (t->device.renegotiated_s + t->e->policy.renegotiate_s > t->now_s)
		return pst_tam_drop(t->out, PST_ERR_BUSY,
		    "device %.*s: asked again too soon",
		    (int)t->device.name.len, (const char *)t->device.name.ptr);
	t->out->changes.what |= PST_TAM_RENEGOTIATED;
	return pst_tam_query(t->e, t->out, suite, freshness, t->now_s);
}

static enum pst_err
give_up(struct pst_tam_turn *t, enum pst_err why, const char *text)
{
	return pst_tam_drop(t->out, why, "device %.*s: error %u: %s",
	    (int)t->device.name.len, (const char *)t->device.name.ptr,
	    (unsigned)t->msg.err_code, text);
}

static enum pst_err
renegotiate(struct pst_tam_turn *t)
{
	uint32_t suite, freshness;

	switch (t->msg.err_code) {
	case PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES:
		suite =
		    pst_teep_pick_suite(t->msg.suites, pst_tam_suites(t->e));
		if (suite == 0)
			return give_up(
			    t, PST_ERR_TEEP_SUITE, "no cipher suite in common");
		return ask_again(t, suite, 0);
	case PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS:
		freshness = t->msg.freshness & pst_tam_freshness(t->e);
		if (freshness == 0)
			return give_up(t, PST_ERR_TEEP_FRESHNESS,
			    "no freshness mechanism in common");
		return ask_again(t, t->suite, freshness);
	case PST_TEEP_ERR_ATTESTATION_REQUIRED:
		return give_up(t, PST_ERR_UNSUPPORTED,
		    "the agent asks the TAM to attest; it has no Evidence");
	default:
		return give_up(t, PST_OK, "the agent cannot go on");
	}
}

enum pst_err
pst_tam_on_error(struct pst_tam_turn *t)
{
	if (PST_TEEP_HAS(&t->msg, PST_LABEL_TOKEN))
		return answer(t, true, t->msg.err_msg);
	return renegotiate(t);
}
