/*
 * What becomes of an Update: its one commit, or nothing, and the answer.
 *
 * Whatever becomes of it, its token is remembered and refused from then on.
 * An Update without a token is remembered by the digest of its payload.
 */
#include "agent/agent_internal.h"

static struct pst_bytes
identity(const struct pst_agent *a)
{
	struct pst_bytes id = { a->update.identity, a->update.identity_len };

	return id;
}

bool
pst_agent_update_seen(const struct pst_agent *a)
{
	struct pst_reg_record r;

	/* Of whichever TAM: two entries may share a key, and the host chooses
	 * the session that a message is handed to. */
	return pst_reg_find(
	    &a->registry, PST_REG_TOKEN, PST_REG_ANY, identity(a), &r);
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
	return pst_agent_note_token(a, reg, &r);
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
		return r->n[1] == 0 &&
		    pst_reg_find(&a->staged, PST_REG_MANIFEST, r->key,
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

/*
 * A TAM that finds fault with an answer has to ask again. One that refuses a
 * passport gets Evidence, soon.
 */
static void
note_faults(const struct pst_agent *a, struct pst_reg_record *tam)
{
	const struct pst_agent_update *u = &a->update;
	const struct pst_clock *clock = a->ports.clock;
	uint64_t now_s = 0;
	bool trusted = false;

	if (u->told == PST_OK ||
	    !pst_same(tam->key, pst_agent_tam_name(a, u->tam)))
		return;
	tam->n[1] -= PST_FACTS(tam->n[1]);
	if (u->told != PST_ERR_TEEP_ATTEST ||
	    a->config->tams[u->tam].passport.len == 0 ||
	    clock->now(clock->ctx, &now_s, &trusted) != PST_OK ||
	    pst_agent_passport_refused(tam, now_s))
		return;
	tam->n[1] = now_s << PST_FACT_REFUSED_SHIFT;
	tam->n[3] = 1;
}

/* Complete a->staged to a whole registry. */
static enum pst_err
join(struct pst_agent *a)
{
	const struct pst_agent_update *u = &a->update;
	struct pst_reg_record r, result = { .kind = PST_REG_RESULT };
	size_t at = 0;
	enum pst_err err;

	err = pst_agent_share_check(
	    a, &a->registry, &a->staged, pst_agent_tam_name(a, u->tam));
	while (err == PST_OK && pst_reg_next(&a->registry, &at, &r)) {
		if (!stays(a, &r))
			continue;
		if (r.kind == PST_REG_TAM && pst_agent_wanted_came(a, r.key))
			r.n[3] = 1;
		if (r.kind == PST_REG_TAM)
			note_faults(a, &r);
		err = pst_reg_add(&a->staged, &r);
	}
	if (err == PST_OK && u->result_object != 0) {
		result.key = pst_agent_tam_name(a, u->tam);
		result.other = u->result_format;
		result.n[0] = u->result_object;
		err = pst_agent_note(a, &a->staged, &result);
	}
	return err == PST_OK ? note_identity(a, &a->staged) : err;
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
	/* It is on its way: the same Update may succeed when it has come. */
	if (err == PST_ERR_SUIT_DEPENDENCY_MISSING && a->open &&
	    pst_agent_wanted_request(a))
		a->answer.err_code = PST_TEEP_ERR_TEMPORARY_ERROR;
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
	if (err != PST_OK && !(a->open && pst_agent_update_seen(a)))
		return fail(a, err, out);
	end(a);
	pst_agent_collect(a);
	pst_agent_answer_begin(a, PST_TEEP_SUCCESS);
	out->reason = a->update.told;
	return answer(a, out);
}

void
pst_agent_settle_ask(const struct pst_agent *a, struct pst_agent_out *out)
{
	out->what = PST_AGENT_FETCH;
	out->tam = a->update.tam;
	out->uri = a->update.run.fetch_uri;
	out->offset = a->update.run.fetch_at;
}

enum pst_err
pst_agent_settle(
    struct pst_agent *a, enum pst_err err, struct pst_agent_out *out)
{
	if (err == PST_ERR_AGAIN) {
		err = pst_agent_journal_suspend(a);
		a->update.waiting = err == PST_OK;
		if (err == PST_OK) {
			pst_agent_settle_ask(a, out);
			return PST_OK;
		}
	}
	if (err != PST_OK)
		return fail(a, err, out);
	return succeed(a, out);
}

/* What cannot be verified any more is dropped. */
enum pst_err
pst_agent_settle_drop(
    struct pst_agent *a, enum pst_err err, struct pst_agent_out *out)
{
	end(a);
	pst_agent_journal_clear(&a->registry);
	if (pst_agent_commit(a) != PST_OK && a->open)
		pst_agent_journal_open(a);
	else
		pst_agent_collect(a);
	return pst_agent_refuse(a, err, false, out);
}
