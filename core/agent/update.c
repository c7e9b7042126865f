/*
 * An Update while it is processed (draft-ietf-teep-protocol, Section 7.2.2):
 * first the manifests to unlink, then those to install, all in one
 * transaction. What becomes of it is in settle.c.
 */
#include "agent/agent_internal.h"

/* The Update Procedure (draft-ietf-suit-manifest, Section 8.4.6). */
static const enum pst_suit_label procedure[] = {
	PST_SUIT_DEPENDENCY_RESOLUTION,
	PST_SUIT_PAYLOAD_FETCH,
	PST_SUIT_CANDIDATE_VERIFICATION,
	PST_SUIT_INSTALL,
	PST_SUIT_VALIDATE,
};
#define STEPS (sizeof(procedure) / sizeof(procedure[0]))

/* A TAM that only refuses says the same each time. */
static bool
changes_nothing(const struct pst_teep_message *m)
{
	return !PST_TEEP_HAS(m, PST_LABEL_MANIFEST_LIST) &&
	    !PST_TEEP_HAS(m, PST_LABEL_UNNEEDED_MANIFEST_LIST) &&
	    !PST_TEEP_HAS(m, PST_LABEL_ATTESTATION_PAYLOAD);
}

/* What tells this Update from every other, out of a->in; nothing needs to when
 * it has no token and changes nothing. */
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
	u->identity_len = 0;
	if (changes_nothing(&a->in))
		return PST_OK;
	u->identity_len = 32;
	return pst_agent_sha256(a, a->verified.payload, u->identity);
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
	if (err == PST_OK && pst_agent_update_seen(a))
		err = PST_ERR_AGENT_REPLAY;
	if (err != PST_OK)
		return pst_agent_refuse(a, err, true, out);
	u->active = true;
	return pst_agent_settle(a, start(a), out);
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

enum pst_err
pst_agent_update_continue(struct pst_agent *a, struct pst_agent_out *out)
{
	bool authentic;
	enum pst_err err;

	if (a->update.waiting) {
		err = pst_agent_journal_load(a);
		if (err != PST_OK)
			return pst_agent_settle(a, err, out);
		pst_agent_settle_ask(a, out);
		return PST_OK;
	}
	err = revive(a, &authentic);
	return authentic ? pst_agent_settle(a, err, out)
			 : pst_agent_settle_drop(a, err, out);
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
			return pst_agent_settle_drop(a, err, out);
		if (err != PST_ERR_AGAIN)
			return pst_agent_settle(a, err, out);
		/* The chunk is from the middle of what begins anew. Its tag
		 * may have hidden the first 16 bytes of it from the store, but
		 * no host sends chunks like that. */
		if (u->fetch_lost && status == PST_OK)
			return pst_agent_settle(a, err, out);
	} else {
		err = pst_agent_journal_load(a);
		if (err != PST_OK)
			return pst_agent_settle(a, err, out);
	}
	u->waiting = false;
	err = take_chunk(a, status, chunk, last);
	if (err == PST_OK) {
		u->step++;
		err = go(a);
	} else {
		u->in_manifest = err != PST_ERR_AGAIN;
	}
	return pst_agent_settle(a, err, out);
}
