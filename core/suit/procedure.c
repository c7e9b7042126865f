/*
 * A run from its beginning to its end: sections of the root manifest one after
 * another, each with what it processes of dependencies
 * (draft-ietf-suit-manifest, Sections 6.1, 6.3, 8.4.6).
 */
#include "suit_run.h"

/* What run->procedure says. */
enum { PROCEDURE_UPDATE = 1, PROCEDURE_INVOCATION, PROCEDURE_UNINSTALL };

enum pst_err
pst_suit_supported(const struct pst_suit_manifest *m)
{
	uint32_t i, ordinal, all = m->sections | m->severed;
	struct pst_bytes prefix;

	if (all & ~PST_SUIT_SECTIONS_BUILT)
		return PST_ERR_UNSUPPORTED;
	if (PST_SUIT_WITH_DEPENDENCY_PREFIX)
		return PST_OK;
	for (i = 0; i < m->components.count; i++)
		if (pst_suit_dependency_find(m, i, &ordinal, &prefix) &&
		    prefix.len > 0)
			return PST_ERR_UNSUPPORTED;
	return PST_OK;
}

static enum pst_err
components_allowed(struct pst_suit_run *run)
{
	const struct pst_suit_act hold = { PST_SUIT_ACT_HOLD, 0 };
	enum pst_err err = PST_OK;
	uint32_t i;

	for (i = 0; err == PST_OK && i < run->place_count; i++) {
		run->report->record.component = i;
		err = run->host->authorise(run->host->ctx, run->root,
		    pst_suit_run_place(run, i), hold);
	}
	return err;
}

enum pst_err
pst_suit_run_begin(struct pst_suit_run *run, const struct pst_suit_manifest *m,
    const struct pst_suit_run_args *args)
{
	enum pst_err err;

	/* Section 6.1: no parameter outlives another run. */
	memset(run, 0, sizeof(*run));
	run->root = m;
	run->m = m;
	run->crypto = args->crypto;
	run->host = args->host;
	run->report = args->report;
	run->keys = args->keys;
	run->memory = args->memory;
	run->place_count = (uint16_t)m->index_count;
	if (run->memory.work == NULL ||
	    run->memory.work_cap < PST_SUIT_WORK_MIN)
		return pst_suit_fail(run, PST_ERR_ARG);
	err = pst_suit_supported(m);
	if (err == PST_OK && m->dependencies.count > 0 &&
	    run->memory.arena == NULL)
		err = PST_ERR_LIMIT;
	if (err == PST_OK)
		err = components_allowed(run);
	return err == PST_OK ? PST_OK : pst_suit_fail(run, err);
}

/*
 * Results of dependency-integrity end with the procedure
 * (suit-condition-dependency-integrity). suit-validate is part of the Update
 * Procedure and of the Invocation Procedure (Section 8.4.6).
 */
static void
procedure(struct pst_suit_run *run, enum pst_suit_label section)
{
	uint8_t now = PROCEDURE_UPDATE;

	if (section == PST_SUIT_UNINSTALL)
		now = PROCEDURE_UNINSTALL;
	else if (section == PST_SUIT_LOAD || section == PST_SUIT_INVOKE)
		now = PROCEDURE_INVOCATION;
	else if (section == PST_SUIT_VALIDATE &&
	    run->procedure != PROCEDURE_UPDATE)
		now = PROCEDURE_INVOCATION;
	if (run->procedure != now)
		pst_suit_integrity_drop(run, PST_SUIT_PLACES_MAX);
	run->procedure = now;
}

enum pst_err
pst_suit_run(struct pst_suit_run *run, enum pst_suit_label section)
{
	const uint32_t sequences = PST_SUIT_SECTIONS &
	    ~(1u << PST_SUIT_TEXT | 1u << PST_SUIT_COSWID |
		1u << PST_SUIT_SET_VERSION);
	const struct pst_suit_manifest *m = run->root;
	uint32_t bit = pst_suit_bit((int64_t)section) & sequences;
	enum pst_err err;

	if (run->phase == PHASE_FAILED)
		return run->err;
	if (run->phase != PHASE_IDLE || bit == 0)
		return PST_ERR_STATE;
	run->report->record.section = (int32_t)section;
	run->report->record.offset = 0;
	run->report->record.component = 0;
	if (m->severed & bit)
		return pst_suit_fail(run, PST_ERR_SUIT_SEVERED);
	if (!(m->sections & bit))
		return PST_OK;
	procedure(run, section);
	err = pst_suit_call_root(run, section);
	return err == PST_OK ? pst_suit_go(run) : pst_suit_fail(run, err);
}

enum pst_err
pst_suit_resume(struct pst_suit_run *run, enum pst_err status,
    struct pst_bytes chunk, bool last)
{
	bool waits = run->event != PST_SUIT_EVENT_NONE;
	enum pst_err err = status;

	if (run->phase == PHASE_FAILED)
		return run->err;
	if (run->phase != PHASE_WAITING)
		return PST_ERR_STATE;
	if (err == PST_ERR_AGAIN || err == PST_ERR_SUIT_CONDITION)
		err = waits ? PST_ERR_SUIT_OPERATION : PST_ERR_FETCH;
	if (err == PST_OK && waits)
		return pst_suit_go(run);
	if (err == PST_OK)
		err = pst_suit_fetch_more(run, chunk, last);
	if (err == PST_OK && !last)
		return PST_ERR_AGAIN;
	return pst_suit_go_on(run, err, status != PST_OK && !waits);
}

/* The first component that was written and not verified since; or none. */
static bool
unverified(const struct pst_suit_run *run, uint32_t *index)
{
	size_t i;

	for (i = 0; i < run->place_count; i++) {
		uint64_t open = run->written[i / 64] & ~run->checked[i / 64];

		*index = (uint32_t)i;
		if (open >> (i % 64) & 1)
			return true;
	}
	return false;
}

enum pst_err
pst_suit_run_end(struct pst_suit_run *run)
{
	uint32_t index;

	if (run->phase == PHASE_FAILED)
		return run->err;
	if (run->phase != PHASE_IDLE)
		return PST_ERR_STATE;
	pst_suit_integrity_drop(run, PST_SUIT_PLACES_MAX);
	if (!unverified(run, &index))
		return PST_OK;
	run->report->record.offset = 0;
	pst_suit_place_record(run, index, &run->report->record);
	return pst_suit_fail(run, PST_ERR_SUIT_UNVERIFIED);
}

void
pst_suit_run_abandon(struct pst_suit_run *run)
{
	if (run->crypto != NULL) {
		pst_suit_hash_drop(run);
		pst_suit_decrypt_drop(run);
	}
	run->phase = PHASE_FAILED;
	if (run->err == PST_OK)
		run->err = PST_ERR_STATE;
}
