/*
 * A QueryResponse (draft-ietf-teep-protocol, Section 7.1.1).
 *
 * The message is authentic by now. What is left is whether it is fresh,
 * whether the device passed attestation, and what to send it. Nothing of the
 * device's lists is used before attestation passed, but for one thing: a
 * device that is out of policy is not sent a remedy that it says it has.
 */
#include <tam/engine/engine_internal.h>

#include <stdio.h>
#include <string.h>

/* An Update that says why there is none. It has no token: nothing awaits the
 * answer, which ends the session with 204 (no loop). */
static enum pst_err
refuse(struct pst_tam_turn *t, enum pst_teep_code code, enum pst_err why,
    const char *text)
{
	struct pst_teep_message m;
	enum pst_err err;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_UPDATE;
	m.err_code = (uint32_t)code;
	m.err_msg = (struct pst_bytes){ (const uint8_t *)text, strlen(text) };
	m.present = 1u << PST_LABEL_ERR_CODE | 1u << PST_LABEL_ERR_MSG;
	err = pst_tam_send(t->e, t->out, &m, t->suite, t->scratch_len);
	if (err != PST_OK)
		return err;
	t->out->event = PST_TAM_EV_REFUSED;
	t->out->err = why;
	pst_tam_note(t->out, "device %.*s refused: %s", (int)t->device.name.len,
	    (const char *)t->device.name.ptr, text);
	return PST_OK;
}

/* What the Verifier found, when that is why the device is refused. */
static struct pst_bytes
reasons(const struct pst_tam_turn *t, enum pst_err why)
{
	if (t->foreign || why != t->appraisal.err)
		return (struct pst_bytes){ NULL, 0 };
	return t->appraisal.reasons;
}

/* Remembered for the operator. */
static void
record_failure(struct pst_tam_turn *t, enum pst_err why)
{
	t->out->changes.what |= PST_TAM_ATTESTED;
	t->out->changes.attested = why;
	t->out->changes.reasons = reasons(t, why);
	if (t->foreign)
		return;
	t->out->changes.claims = t->appraisal.claims;
	t->out->changes.verdict = t->appraisal.verdict;
}

/* The first reason, for the log. */
static void
note_refused(struct pst_tam_turn *t, enum pst_err why, const char *text)
{
	struct pst_bytes first = reasons(t, why);
	size_t len = 0;

	while (len < first.len && first.ptr[len] != '\n')
		len++;
	pst_tam_note(t->out, "device %.*s refused: %s%s%.*s",
	    (int)t->device.name.len, (const char *)t->device.name.ptr, text,
	    len > 0 ? ": " : "", (int)len, (const char *)first.ptr);
}

/* The message is used up, so that repeating it costs the TAM no second
 * signature. */
static enum pst_err
fail_attestation(struct pst_tam_turn *t, enum pst_err why)
{
	char text[PST_ERR_MSG_MAX];
	enum pst_err err;

	if (t->device.status != PST_TAM_ACTIVE)
		(void)snprintf(text, sizeof(text), "the device is revoked");
	else
		(void)snprintf(text, sizeof(text), "attestation failed: %s",
		    pst_err_name(why));
	record_failure(t, why);
	if (t->device.token.len > 0)
		t->out->changes.what |= PST_TAM_WITHDRAW;
	err = refuse(t, PST_TEEP_ERR_ATTESTATION_REQUIRED, why, text);
	if (err == PST_OK)
		note_refused(t, why, text);
	return err;
}

/* --- freshness --------------------------------------------------------- */

/* What has no nonce is known again by its digest until it is too old. */
static enum pst_err
spend_message(struct pst_tam_turn *t, uint64_t expires_s)
{
	const struct pst_crypto *c = t->e->crypto;
	struct pst_tam_changes *ch = &t->out->changes;
	uint8_t digest[PST_DIGEST_MAX];
	size_t len;
	enum pst_err err;

	err = c->digest(c->ctx, PST_ALG_SHA256, &t->body, 1, digest, &len);
	if (err != PST_OK)
		return err;
	memcpy(ch->challenge, digest, sizeof(ch->challenge));
	ch->challenge_expires_s = expires_s;
	ch->what |= PST_TAM_SPEND;
	return PST_OK;
}

/* How old a payload without a challenge of ours may be; 0: there must be one.
 */
static uint32_t
oldest(const struct pst_tam_turn *t)
{
	const struct pst_tam_policy *p = &t->e->policy;

	if (t->appraisal.is_result)
		return p->passport_age_s;
	return p->timestamps ? p->payload_age_s : 0;
}

/*
 * Passport or timestamp mode: iat is there and recent, exp not passed. An
 * unsolicited QueryResponse ends here when only nonces are accepted.
 */
static enum pst_err
fresh_by_time(struct pst_tam_turn *t)
{
	const struct pst_tam_appraisal *a = &t->appraisal;
	const struct pst_tam_policy *p = &t->e->policy;
	const uint32_t age_s = oldest(t);
	enum pst_err err;

	if (age_s == 0 || a->issued_s == 0) {
		err = spend_message(t, t->now_s + p->challenge_life_s);
		return err == PST_OK ? PST_ERR_EAT_NONCE : err;
	}
	if (a->issued_s > t->now_s + p->skew_s ||
	    t->now_s > a->issued_s + age_s + p->skew_s ||
	    (a->expires_s != 0 && t->now_s > a->expires_s + p->skew_s))
		return PST_ERR_EAT_EXPIRED;
	return spend_message(t, a->issued_s + age_s + p->skew_s + 1);
}

/*
 * Is it the answer to a QueryRequest of ours, for the first time? A payload
 * whose signature did not verify proves nothing about its nonce.
 */
static enum pst_err
fresh(struct pst_tam_turn *t)
{
	struct pst_tam_changes *ch = &t->out->changes;
	const struct pst_tam_appraisal *a = &t->appraisal;
	enum pst_err err;

	if (!a->genuine || t->foreign)
		return spend_message(
		    t, t->now_s + t->e->policy.challenge_life_s);
	if (a->nonce.len == 0)
		return fresh_by_time(t);
	err = pst_tam_challenge_check(
	    t->e, a->nonce, t->now_s, &ch->challenge_expires_s);
	/* A passport's nonce may be its Verifier's: then its time counts. */
	if (err == PST_ERR_EAT_NONCE && a->is_result && oldest(t) > 0)
		return fresh_by_time(t);
	if (err != PST_OK)
		return err;
	memcpy(ch->challenge, a->nonce.ptr, PST_TAM_CHALLENGE_LEN);
	ch->what |= PST_TAM_SPEND;
	return PST_OK;
}

/* --- attestation ------------------------------------------------------- */

/* Section 7.1.1.1: cnf is the key that signed this very message. */
static bool
bound(const struct pst_tam_turn *t)
{
	const struct pst_tam_appraisal *a = &t->appraisal;

	if (a->has_key)
		return pst_pubkey_equal(&a->key, &t->key);
	return pst_tam_same(a->key_id,
	    (struct pst_bytes){ t->thumbprint, sizeof(t->thumbprint) });
}

/* A key may change, a device reset has a new one; but not to another's. */
static enum pst_err
key_change(struct pst_tam_turn *t)
{
	const struct pst_tam_records *rec = t->e->records;
	struct pst_tam_changes *ch = &t->out->changes;
	struct pst_tam_device other;
	enum pst_err err;

	if (t->device.has_key && pst_pubkey_equal(&t->device.key, &t->key))
		return PST_OK;
	err = rec->device_by_key(rec->ctx, t->thumbprint, &other);
	/* It may be the device itself: another message of it was quicker. */
	if (err == PST_OK && other.id != t->device.id)
		return PST_ERR_EAT_BINDING;
	if (err == PST_OK)
		return PST_OK;
	if (err != PST_ERR_NOT_FOUND)
		return err;
	ch->key = t->key;
	memcpy(ch->thumbprint, t->thumbprint, sizeof(ch->thumbprint));
	ch->what |= PST_TAM_KEY;
	return PST_OK;
}

static enum pst_err
attested(const struct pst_tam_turn *t)
{
	if (!t->appraised)
		return PST_ERR_TEEP_ATTEST;
	if (t->device.status != PST_TAM_ACTIVE)
		return PST_ERR_EAT_REFUSED;
	if (!t->appraisal.genuine && t->appraisal.err == PST_OK)
		return PST_ERR_COSE_SIGNATURE;
	if (t->appraisal.err != PST_OK)
		return t->appraisal.err;
	if (t->foreign || !bound(t))
		return PST_ERR_EAT_BINDING;
	return PST_OK;
}

/* --- the Update -------------------------------------------------------- */

/* The manifest-list or the unneeded-manifest-list of the plan. */
static enum pst_err
put_lists(struct pst_tam_turn *t, const struct pst_tam_plan *plan,
    struct pst_teep_message *m)
{
	const struct pst_tam_records *rec = t->e->records;
	struct pst_cbor_writer w;
	struct pst_bytes envelope;
	enum pst_err err;
	size_t i;

	pst_tam_scratch(t, &w);
	for (i = 0; i < plan->send_count; i++) {
		err =
		    rec->envelope(rec->ctx, plan->send[i]->manifest, &envelope);
		if (err != PST_OK)
			return err;
		pst_cbor_put_bstr(&w, envelope);
	}
	if (w.err != PST_OK)
		return w.err;
	m->manifest_list.count = plan->send_count;
	m->manifest_list.items = pst_tam_kept(t, &w);
	pst_tam_scratch(t, &w);
	for (i = 0; i < plan->unlink_count; i++)
		pst_cbor_put_raw(&w, plan->unlink[i]);
	if (w.err != PST_OK)
		return w.err;
	m->unneeded_manifest_list.count = plan->unlink_count;
	m->unneeded_manifest_list.items = pst_tam_kept(t, &w);
	if (plan->send_count > 0)
		m->present |= 1u << PST_LABEL_MANIFEST_LIST;
	if (plan->unlink_count > 0)
		m->present |= 1u << PST_LABEL_UNNEEDED_MANIFEST_LIST;
	return PST_OK;
}

/* The row that the answer will find: token, expiry, what was sent. */
static enum pst_err
put_pending(struct pst_tam_turn *t, const struct pst_tam_plan *plan)
{
	const struct pst_crypto *c = t->e->crypto;
	struct pst_tam_changes *ch = &t->out->changes;
	struct pst_cbor_writer w;
	enum pst_err err;

	err = c->random(c->ctx, ch->token, sizeof(ch->token));
	if (err != PST_OK)
		return err;
	ch->token_expires_s = t->now_s + t->e->policy.token_life_s;
	pst_tam_scratch(t, &w);
	pst_tam_pending_put(&w, plan);
	if (w.err != PST_OK)
		return w.err;
	ch->pending = pst_tam_kept(t, &w);
	ch->what |= PST_TAM_UPDATE;
	return PST_OK;
}

/* What the Verifier gave to be handed on, else a Result of our own. Nobody's
 * passport is made a newer one. */
static enum pst_err
put_result(struct pst_tam_turn *t, struct pst_teep_message *m)
{
	const struct pst_tam_appraisal *a = &t->appraisal;
	enum pst_err err;

	if (!t->e->policy.return_result || a->is_result || t->remedy)
		return PST_OK;
	m->attestation_payload = a->result;
	if (a->result.len == 0) {
		err = pst_tam_result_make(t, &m->attestation_payload);
		if (err != PST_OK || m->attestation_payload.len == 0)
			return err;
	}
	m->present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD;
	if (a->result.len == 0 || a->result_format.len == 0)
		return PST_OK;
	m->attestation_payload_format = a->result_format;
	m->present |= 1u << PST_LABEL_ATTESTATION_PAYLOAD_FORMAT;
	return PST_OK;
}

static enum pst_err
send_update(struct pst_tam_turn *t, const struct pst_tam_plan *plan)
{
	struct pst_tam_changes *ch = &t->out->changes;
	struct pst_teep_message m;
	enum pst_err err;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_UPDATE;
	err = put_result(t, &m);
	if (err == PST_OK)
		err = put_lists(t, plan, &m);
	if (err == PST_OK)
		err = put_pending(t, plan);
	if (err != PST_OK)
		return err;
	m.token = (struct pst_bytes){ ch->token, sizeof(ch->token) };
	m.present |= 1u << PST_LABEL_TOKEN;
	err = pst_tam_send(t->e, t->out, &m, t->suite, t->scratch_len);
	if (err != PST_OK)
		return err;
	t->out->event = PST_TAM_EV_UPDATE;
	if (t->remedy)
		return PST_OK;
	pst_tam_note(t->out, "device %.*s: %zu to install, %zu to remove%s",
	    (int)t->device.name.len, (const char *)t->device.name.ptr,
	    plan->send_count, plan->unlink_count,
	    plan->later > 0 ? ", more next time" : "");
	return PST_OK;
}

/* Nothing to do: 204, or the Attestation Result alone where it is wanted. */
static enum pst_err
send_nothing(struct pst_tam_turn *t, const struct pst_tam_plan *plan)
{
	struct pst_teep_message m;
	enum pst_err err;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_UPDATE;
	err = put_result(t, &m);
	if (err != PST_OK)
		return err;
	if (m.present != 0) {
		err = pst_tam_send(t->e, t->out, &m, t->suite, t->scratch_len);
		if (err != PST_OK)
			return err;
	}
	t->out->event = PST_TAM_EV_CURRENT;
	if (t->device.token.len > 0)
		t->out->changes.what |= PST_TAM_WITHDRAW;
	pst_tam_note(t->out,
	    "device %.*s: nothing to do (%zu backing off, %zu not assigned)",
	    (int)t->device.name.len, (const char *)t->device.name.ptr,
	    plan->backing_off, plan->refused);
	return PST_OK;
}

static enum pst_err
update_ledger(struct pst_tam_turn *t, const struct pst_tam_state *s,
    const struct pst_tam_plan *plan)
{
	struct pst_tam_changes *ch = &t->out->changes;
	struct pst_cbor_writer w;
	struct pst_bytes ledger;

	pst_tam_scratch(t, &w);
	pst_tam_ledger_sent(&w, s, plan);
	if (w.err != PST_OK)
		return w.err;
	ledger = pst_cbor_written(&w);
	if (pst_tam_same(ledger, t->device.ledger) ||
	    (t->device.ledger.len == 0 && ledger.len == 1))
		return PST_OK;
	ch->ledger = pst_tam_kept(t, &w);
	ch->what |= PST_TAM_LEDGER;
	return PST_OK;
}

static enum pst_err
plan(struct pst_tam_turn *t)
{
	const struct pst_tam_records *rec = t->e->records;
	struct pst_tam_state s;
	struct pst_tam_plan p;
	enum pst_err err;

	memset(&s, 0, sizeof(s));
	err = rec->targets(rec->ctx, &t->device, &s.targets, &s.target_count);
	/* A part of the list would unlink the rest: so nothing is done. */
	if (err == PST_ERR_LIMIT)
		return pst_tam_drop(t->out, err,
		    "device %.*s: more than %d components are assigned",
		    (int)t->device.name.len, (const char *)t->device.name.ptr,
		    PST_TAM_TARGETS_MAX);
	if (err != PST_OK)
		return err;
	s.reported = t->msg.tc_list;
	s.requested = t->msg.requested_tc_list;
	s.unneeded = t->msg.unneeded_manifest_list;
	s.ledger = t->device.ledger;
	s.now_s = t->now_s;
	s.remedy = t->remedy;
	if (t->out->reply_cap > PST_TAM_UPDATE_OVERHEAD)
		s.room = t->out->reply_cap - PST_TAM_UPDATE_OVERHEAD;
	err = pst_tam_plan_make(&s, &p);
	if (err == PST_OK)
		err = update_ledger(t, &s, &p);
	if (err != PST_OK)
		return err;
	if (p.send_count > 0 || p.unlink_count > 0)
		return send_update(t, &p);
	return t->remedy ? fail_attestation(t, t->appraisal.err)
			 : send_nothing(t, &p);
}

/* The inventory is written only when it changed: polls cost one row. */
static enum pst_err
inventory(struct pst_tam_turn *t)
{
	const struct pst_crypto *c = t->e->crypto;
	struct pst_tam_changes *ch = &t->out->changes;
	uint8_t digest[PST_DIGEST_MAX];
	size_t len;
	enum pst_err err;

	err = c->digest(
	    c->ctx, PST_ALG_SHA256, &t->msg.tc_list.items, 1, digest, &len);
	if (err != PST_OK)
		return err;
	memcpy(ch->tc_digest, digest, sizeof(ch->tc_digest));
	if (pst_tam_same(t->device.tc_digest,
		(struct pst_bytes){ ch->tc_digest, sizeof(ch->tc_digest) }))
		return PST_OK;
	ch->tc_list = t->msg.tc_list;
	ch->what |= PST_TAM_INVENTORY;
	return PST_OK;
}

/* What its SUIT Reports are verified with. An Attestation Result does not say:
 * what the device attested before stays. */
static void
keep_keys(struct pst_tam_turn *t)
{
	const struct pst_tam_appraisal *a = &t->appraisal;
	struct pst_tam_changes *ch = &t->out->changes;

	if (a->is_result || pst_tam_same(a->device_keys, t->device.device_keys))
		return;
	ch->device_keys = a->device_keys;
	ch->what |= PST_TAM_DEVICE_KEYS;
}

/* What a distributor may want to see before it encrypts to the device. */
static void
keep_evidence(struct pst_tam_turn *t)
{
	struct pst_tam_changes *ch = &t->out->changes;

	if (t->appraisal.is_result || t->evidence.len > PST_TAM_EVIDENCE_MAX)
		return;
	ch->evidence = t->evidence;
	ch->evidence_format = t->format;
	ch->what |= PST_TAM_EVIDENCE;
}

/*
 * Required items (Section 7.1.1). A list has at least one item on the wire,
 * so a device with nothing installed cannot send a tc-list: its absence means
 * none (docs/interop.md).
 */
static const char *
missing(const struct pst_tam_turn *t)
{
	if (t->msg.selected_version != 0)
		return "selected-version was not offered";
	if (PST_TEEP_HAS(&t->msg, PST_LABEL_TOKEN))
		return "token, where the QueryRequest had none";
	return NULL;
}

/* --- remediation ------------------------------------------------------- */

/* Only its software is wrong, and the key of this message is its own. */
static bool
remediable(const struct pst_tam_turn *t, enum pst_err why)
{
	const struct pst_tam_appraisal *a = &t->appraisal;

	return a->genuine && a->out_of_policy && why == a->err && !t->foreign &&
	    t->device.status == PST_TAM_ACTIVE && bound(t) &&
	    missing(t) == NULL;
}

/*
 * What brings the device back into policy, and nothing else: nothing is
 * unlinked, no Attestation Result is made. It has not passed, and its record
 * says so.
 */
static enum pst_err
remedy(struct pst_tam_turn *t, enum pst_err why)
{
	enum pst_err err = key_change(t);

	if (err == PST_ERR_EAT_BINDING)
		return fail_attestation(t, err);
	if (err != PST_OK)
		return err;
	record_failure(t, why);
	keep_keys(t);
	t->remedy = true;
	err = plan(t);
	if (err != PST_OK || t->out->event != PST_TAM_EV_UPDATE)
		return err;
	note_refused(t, why, "attestation failed, a remedy is sent");
	return PST_OK;
}

enum pst_err
pst_tam_on_response(struct pst_tam_turn *t)
{
	const char *why;
	enum pst_err err;

	/* What was appraised must be what was signed. */
	if (t->appraised &&
	    !pst_tam_same(t->payload, t->msg.attestation_payload))
		return pst_tam_drop(t->out, PST_ERR_TEEP_FIELD,
		    "attestation payload is not the appraised one");
	err = fresh(t);
	if (err == PST_ERR_EAT_NONCE && t->appraisal.nonce.len == 0)
		return fail_attestation(t, err);
	if (err == PST_ERR_EAT_NONCE || err == PST_ERR_EAT_EXPIRED)
		return pst_tam_drop(t->out, err, "device %.*s: %s",
		    (int)t->device.name.len, (const char *)t->device.name.ptr,
		    pst_err_name(err));
	if (err != PST_OK)
		return err;
	err = attested(t);
	if (err != PST_OK)
		return remediable(t, err) ? remedy(t, err)
					  : fail_attestation(t, err);
	why = missing(t);
	if (why != NULL)
		return refuse(
		    t, PST_TEEP_ERR_PERMANENT_ERROR, PST_ERR_TEEP_FIELD, why);
	err = key_change(t);
	if (err == PST_ERR_EAT_BINDING)
		return fail_attestation(t, err);
	if (err == PST_OK)
		err = inventory(t);
	if (err != PST_OK)
		return err;
	keep_keys(t);
	keep_evidence(t);
	t->out->changes.what |= PST_TAM_ATTESTED;
	t->out->changes.attested = PST_OK;
	t->out->changes.claims = t->appraisal.claims;
	t->out->changes.verdict = t->appraisal.verdict;
	return plan(t);
}
