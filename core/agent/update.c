/*
 * An Update from its acceptance to its one commit (draft-ietf-teep-protocol,
 * Section 7.2.2). First the manifests to unlink, then those to install, all
 * in one transaction: it is committed once, or nothing of it happened.
 *
 * Whatever becomes of it, its token is remembered and refused from then on.
 * An Update without a token is remembered by the digest of its payload.
 */
#include "agent/agent_internal.h"

/* The Update Procedure (draft-ietf-suit-manifest, Section 8.4.6). */
static const enum pst_suit_label procedure[] = {
	PST_SUIT_PAYLOAD_FETCH,
	PST_SUIT_INSTALL,
	PST_SUIT_VALIDATE,
};
#define STEPS (sizeof(procedure) / sizeof(procedure[0]))

static struct pst_bytes
identity(const struct pst_agent *a)
{
	struct pst_bytes id = { a->update.identity, a->update.identity_len };

	return id;
}

/* What tells this Update from every other, out of a->in. */
static enum pst_err
identify(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	struct pst_bytes token = { a->token, a->token_len };

	u->token_len = a->token_len;
	pst_copy(u->token, token);
	if (u->token_len > 0) {
		u->identity_len = u->token_len;
		pst_copy(u->identity, token);
		return PST_OK;
	}
	u->identity_len = 32;
	return pst_agent_sha256(a, a->verified.payload, u->identity);
}

static bool
seen(const struct pst_agent *a)
{
	struct pst_reg_record r;

	return pst_reg_find(&a->registry, PST_REG_TOKEN,
	    pst_agent_tam_name(a, a->update.tam), identity(a), &r);
}

/* Remember it in reg; the oldest go first. */
static enum pst_err
note_identity(struct pst_agent *a, struct pst_registry *reg)
{
	struct pst_reg_record r = { .kind = PST_REG_TOKEN };

	r.key = pst_agent_tam_name(a, a->update.tam);
	r.other = identity(a);
	if (r.other.len == 0)
		return PST_OK;
	while (pst_reg_count(reg, PST_REG_TOKEN, r.key, PST_REG_ANY) >=
	    PST_AGENT_TOKENS_MAX)
		pst_reg_remove_first(reg, PST_REG_TOKEN, r.key, PST_REG_ANY);
	return pst_reg_add(reg, &r);
}

/* The TAM's own trouble with us, for the log (Section 4.4, err-code). */
static enum pst_err
told(const struct pst_teep_message *m)
{
	if (!PST_TEEP_HAS(m, PST_LABEL_ERR_CODE))
		return PST_OK;
	return m->err_code == PST_TEEP_ERR_ATTESTATION_REQUIRED
	    ? PST_ERR_TEEP_ATTEST
	    : PST_ERR_EAT_REFUSED;
}

/* An Attestation Result is kept for other relying parties (a passport). */
static enum pst_err
keep_result(struct pst_agent *a)
{
	const struct pst_teep_message *m = &a->in;

	a->update.result_object = 0;
	if (!PST_TEEP_HAS(m, PST_LABEL_ATTESTATION_PAYLOAD))
		return PST_OK;
	if (m->attestation_payload_format.len > PST_AGENT_FORMAT_MAX)
		return PST_ERR_LIMIT;
	a->update.result_object = pst_agent_object(a);
	a->update.result_format = m->attestation_payload_format;
	return pst_agent_object_store(
	    a, a->update.result_object, m->attestation_payload);
}

static enum pst_err
unlink_all(struct pst_agent *a)
{
	struct pst_list list = a->in.unneeded_manifest_list;
	struct pst_bytes id;
	enum pst_err err;

	while (pst_teep_next_item(&list, &id)) {
		err = pst_agent_manifest_unlink(a, id);
		if (err != PST_OK) {
			a->update.in_manifest = true;
			return err;
		}
	}
	return PST_OK;
}

static enum pst_err
steps(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	while (u->step < STEPS) {
		err = pst_suit_run(&u->run, procedure[u->step]);
		if (err != PST_OK)
			return err;
		u->step++;
	}
	return pst_agent_manifest_end(a);
}

/*
 * Process what is left.
 *
 * @retval PST_OK         everything is staged
 * @retval PST_ERR_AGAIN  a payload is wanted
 */
static enum pst_err
go(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	struct pst_bytes envelope;
	enum pst_err err = PST_OK;

	while (err == PST_OK) {
		if (u->running)
			err = steps(a);
		else if (pst_teep_next_bstr(&u->manifests, &envelope))
			err = pst_agent_manifest_begin(a, envelope);
		else
			return PST_OK;
	}
	u->in_manifest = err != PST_ERR_AGAIN;
	return err;
}

/* Begin to process the decoded Update in a->in, for the first time or anew. */
static enum pst_err
start(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	u->loaded = true;
	u->running = false;
	u->place = 0;
	u->reports_len = 0;
	u->reports_count = 0;
	u->in_manifest = false;
	memset(&u->envelope, 0, sizeof(u->envelope));
	u->told = told(&a->in);
	u->manifests = a->in.manifest_list;
	err = pst_agent_stage(a);
	if (err == PST_OK)
		err = keep_result(a);
	if (err == PST_OK)
		err = unlink_all(a);
	if (err == PST_OK)
		err = go(a);
	return err;
}

/* Is this record of the registry to stay as it is, beside what is staged? */
static bool
stays(const struct pst_agent *a, const struct pst_reg_record *r)
{
	struct pst_bytes tam = pst_agent_tam_name(a, a->update.tam);
	struct pst_reg_record found;

	switch (r->kind) {
	case PST_REG_REQUEST:
		/* It has come. */
		return !pst_reg_find(
		    &a->staged, PST_REG_COMPONENT, r->key, PST_REG_ANY, &found);
	case PST_REG_UNNEEDED:
		return pst_reg_find(&a->staged, PST_REG_MANIFEST, r->key,
			   PST_REG_ANY, &found) &&
		    found.n[1] != 0;
	case PST_REG_RESULT:
		return a->update.result_object == 0 || !pst_same(r->key, tam);
	case PST_REG_TOKEN:
	case PST_REG_TAM:
		return true;
	default:
		/* Staged, or of the journal, or written anew. */
		return false;
	}
}

/* Entries of the tc-list of a TAM that reaches everything. */
static size_t
installed(const struct pst_registry *reg)
{
	struct pst_reg_record r;
	size_t at = 0, n = 0;

	while (pst_reg_next(reg, &at, &r))
		n += r.kind == PST_REG_COMPONENT ||
		    (r.kind == PST_REG_MANIFEST && r.n[1] != 0);
	return n;
}

/* Complete a->staged to a whole registry. */
static enum pst_err
join(struct pst_agent *a)
{
	const struct pst_agent_update *u = &a->update;
	struct pst_reg_record r, result = { .kind = PST_REG_RESULT };
	size_t at = 0;
	enum pst_err err = PST_OK;

	while (err == PST_OK && pst_reg_next(&a->registry, &at, &r)) {
		if (!stays(a, &r))
			continue;
		/* A TAM that finds fault with an answer has to ask again. */
		if (r.kind == PST_REG_TAM && u->told != PST_OK &&
		    pst_same(r.key, pst_agent_tam_name(a, u->tam)))
			r.n[1] = 0;
		err = pst_reg_add(&a->staged, &r);
	}
	if (err == PST_OK && u->result_object != 0) {
		result.key = pst_agent_tam_name(a, u->tam);
		result.other = u->result_format;
		result.n[0] = u->result_object;
		err = pst_reg_add(&a->staged, &result);
	}
	if (err == PST_OK)
		err = note_identity(a, &a->staged);
	if (err == PST_OK && installed(&a->staged) > PST_AGENT_INSTALLED_MAX)
		err = PST_ERR_LIMIT;
	return err;
}

/* The Update is over; nothing of it views memory any more. */
static void
end(struct pst_agent *a)
{
	if (a->update.running)
		pst_suit_run_abandon(&a->update.run);
	a->update.running = false;
	a->update.waiting = false;
	a->update.journalled = false;
	a->update.active = false;
}

/* Send a->answer with token and reports; without these if there is no room. */
static enum pst_err
answer(struct pst_agent *a, struct pst_agent_out *out)
{
	const struct pst_agent_update *u = &a->update;
	struct pst_bytes token = { u->token, u->token_len };
	uint32_t reports = 1u << PST_LABEL_SUIT_REPORTS;
	enum pst_err err;

	pst_agent_answer_token(a, token);
	if (u->reports_count == 0)
		return pst_agent_send(a, u->tam, out);
	a->answer.suit_reports.items.ptr = a->memory.report;
	a->answer.suit_reports.items.len = u->reports_len;
	a->answer.suit_reports.count = u->reports_count;
	a->answer.present |= reports;
	err = pst_agent_send(a, u->tam, out);
	if (err != PST_ERR_SPACE)
		return err;
	a->answer.present &= ~reports;
	return pst_agent_send(a, u->tam, out);
}

/* The Update is remembered, and its journal closed. */
static void
forget(struct pst_agent *a)
{
	enum pst_err err;

	end(a);
	pst_agent_journal_clear(&a->registry);
	err = note_identity(a, &a->registry);
	if (err == PST_OK)
		err = pst_agent_commit(a);
	else
		pst_agent_reload(a);
	/* Still in the store's journal: it will be taken up again. */
	if (err != PST_OK && a->open)
		pst_agent_journal_open(a);
	else
		pst_agent_collect(a);
}

/*
 * A manifest that was not processed is one thing to the TAM, whatever was
 * wrong with it; the report says what. What may go better next time keeps its
 * own code.
 */
static enum pst_err
fail(struct pst_agent *a, enum pst_err err, struct pst_agent_out *out)
{
	pst_agent_manifest_report(a, err);
	forget(a);
	pst_agent_error_begin(a, err);
	if (a->update.in_manifest &&
	    a->answer.err_code != PST_TEEP_ERR_TEMPORARY_ERROR)
		a->answer.err_code = PST_TEEP_ERR_MANIFEST_PROCESSING_FAILED;
	out->reason = err;
	return answer(a, out);
}

static enum pst_err
succeed(struct pst_agent *a, struct pst_agent_out *out)
{
	enum pst_err err;

	a->update.in_manifest = true;
	err = join(a);
	if (err == PST_OK)
		err = pst_agent_commit_staged(a);
	/* The store may have done it before it failed: then it is done. */
	if (err != PST_OK && !(a->open && seen(a)))
		return fail(a, err, out);
	end(a);
	pst_agent_collect(a);
	pst_agent_answer_begin(a, PST_TEEP_SUCCESS);
	out->reason = a->update.told;
	return answer(a, out);
}

static void
ask(struct pst_agent *a, struct pst_agent_out *out)
{
	out->what = PST_AGENT_FETCH;
	out->tam = a->update.tam;
	out->uri = a->update.run.fetch_uri;
	out->offset = a->update.run.fetch_at;
}

/* Turn the outcome of start or go into what the host has to do. */
static enum pst_err
settle(struct pst_agent *a, enum pst_err err, struct pst_agent_out *out)
{
	if (err == PST_ERR_AGAIN) {
		err = pst_agent_journal_suspend(a);
		a->update.waiting = err == PST_OK;
		if (err == PST_OK) {
			ask(a, out);
			return PST_OK;
		}
	}
	if (err != PST_OK)
		return fail(a, err, out);
	return succeed(a, out);
}

enum pst_err
pst_agent_update_message(
    struct pst_agent *a, size_t len, struct pst_agent_out *out)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	memset(u, 0, sizeof(*u));
	pst_agent_host_init(a);
	u->tam = a->tam;
	u->message_len = len;
	err = identify(a);
	if (err == PST_OK && seen(a))
		err = PST_ERR_AGENT_REPLAY;
	if (err != PST_OK)
		return pst_agent_refuse(a, err, true, out);
	u->active = true;
	return settle(a, start(a), out);
}

/*
 * From the journal to where the Update stopped. Its message is verified like
 * any other: the anchors may have changed since.
 */
static enum pst_err
revive(struct pst_agent *a, bool *authentic)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	*authentic = false;
	a->tam = u->tam;
	err = pst_agent_journal_load(a);
	if (err == PST_OK)
		err = pst_agent_authenticate(a, u->message_len, authentic);
	if (err == PST_OK && a->in.type != PST_TEEP_UPDATE)
		err = PST_ERR_TEEP_TYPE;
	if (err == PST_OK)
		err = identify(a);
	if (err != PST_OK)
		return err;
	return start(a);
}

/* What cannot be verified any more is dropped. */
static enum pst_err
drop(struct pst_agent *a, enum pst_err err, struct pst_agent_out *out)
{
	end(a);
	pst_agent_journal_clear(&a->registry);
	if (pst_agent_commit(a) != PST_OK && a->open)
		pst_agent_journal_open(a);
	return pst_agent_refuse(a, err, false, out);
}

enum pst_err
pst_agent_update_continue(struct pst_agent *a, struct pst_agent_out *out)
{
	bool authentic;
	enum pst_err err;

	if (a->update.waiting) {
		err = pst_agent_journal_load(a);
		if (err != PST_OK)
			return fail(a, err, out);
		ask(a, out);
		return PST_OK;
	}
	err = revive(a, &authentic);
	return authentic ? settle(a, err, out) : drop(a, err, out);
}

/*
 * A chunk lies where the normal world can still change it: what is hashed and
 * what is written must be one copy. memory.out is free while a payload comes.
 */
static enum pst_err
take_chunk(
    struct pst_agent *a, enum pst_err status, struct pst_bytes chunk, bool last)
{
	struct pst_bytes part = { a->memory.out, 0 };
	enum pst_err err;

	if (status != PST_OK)
		return pst_suit_resume(
		    &a->update.run, status, PST_NOTHING, true);
	do {
		part.len = chunk.len;
		if (part.len > a->memory.out_cap)
			part.len = a->memory.out_cap;
		if (part.len > 0) {
			memcpy(a->memory.out, chunk.ptr, part.len);
			chunk.ptr += part.len;
			chunk.len -= part.len;
		}
		err = pst_suit_resume(
		    &a->update.run, PST_OK, part, last && chunk.len == 0);
	} while (err == PST_ERR_AGAIN && chunk.len > 0);
	return err;
}

enum pst_err
pst_agent_resume(struct pst_agent *a, uint32_t tam, enum pst_err status,
    struct pst_bytes chunk, bool last, struct pst_agent_out *out)
{
	struct pst_agent_update *u = &a->update;
	bool authentic;
	enum pst_err err = PST_OK;

	memset(out, 0, sizeof(*out));
	if (!a->open || !u->active || u->tam != tam)
		return PST_ERR_STATE;
	a->tam = tam;
	if (!u->waiting) {
		err = revive(a, &authentic);
		if (!authentic)
			return drop(a, err, out);
		if (err != PST_ERR_AGAIN)
			return settle(a, err, out);
	} else {
		err = pst_agent_journal_load(a);
		if (err != PST_OK)
			return fail(a, err, out);
	}
	u->waiting = false;
	err = take_chunk(a, status, chunk, last);
	if (err == PST_OK) {
		u->step++;
		err = go(a);
	} else {
		u->in_manifest = err != PST_ERR_AGAIN;
	}
	return settle(a, err, out);
}
