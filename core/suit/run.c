/*
 * The interpreter: a machine with a stack of its own, so that nothing here
 * recurses and a run can stop at a fetch and go on much later
 * (draft-ietf-suit-manifest, Sections 6.4, 6.5, 8.4.6).
 *
 * A frame is a running sequence. The bottom frame is a section, the shared
 * sequence before it in the same way; try-each and run-sequence put a frame
 * on top. code is the content of the section, and every sequence inside it is
 * part of it, so an offset into code names a command and is what a
 * SUIT_Record wants.
 *
 * A frame's at is the present command, next the one after it. When the
 * component index is a list or true, the present command stays until it was
 * carried out for each component: index is then the position among them, and
 * a sequence that a command starts sees one component only. A frame of
 * try-each has its present alternative in at and left, and the ones after it
 * in other_at and other_len. The component index belongs to a frame: what a
 * nested sequence sets does not outlive it.
 *
 * A failed condition takes frames off until one forgives it: try-each, while
 * soft failure is true, by starting its next alternative, and run-sequence by
 * ending. try-each with soft failure false ends the run (Section 8.4.8.17);
 * run-sequence with soft failure false hands the failure to what encloses it.
 * A failed directive ends the run in any case.
 *
 * phase: idle (a section may be begun, depth is 0), running (inside a call),
 * waiting (at the fetch of fetch_component, or, when event is not 0, at a wait,
 * which is then carried out again), failed (err says why, for good).
 */
#include "suit_run.h"

/* The manifest that runs. */
static struct pst_suit_call *
present(struct pst_suit_run *run)
{
	return &run->calls[run->call_depth - 1];
}

static void
stack_pop(struct pst_suit_run *run)
{
	run->depth--;
	if (run->loose_depth <= run->depth)
		return;
	run->loose_depth = 0;
	memset(run->targets, 0, sizeof(run->targets));
	memset(run->sources, 0, sizeof(run->sources));
}

/* Has this frame's present command to be repeated for other components? */
static uint32_t
rounds(const struct pst_suit_run *run, const struct pst_suit_frame *f)
{
	switch (f->index_kind) {
	case INDEX_LIST:
		return f->list_len;
	case INDEX_ALL:
		return run->m->index_count;
	default:
		return 1;
	}
}

/* The present command is done for the present component. */
static void
advance(struct pst_suit_run *run)
{
	struct pst_suit_frame *f = pst_suit_top(run);

	if (f->index_kind == INDEX_LIST || f->index_kind == INDEX_ALL) {
		if (++f->index < rounds(run, f))
			return;
		f->index = 0;
	}
	f->at = f->next;
	f->left--;
}

/* The component that a frame's present command is for. */
static uint32_t
component(const struct pst_suit_run *run, const struct pst_suit_frame *f)
{
	if (f->index_kind == INDEX_LIST)
		return pst_suit_index_entry(run->code, f->list_at, f->index);
	return f->index;
}

/*
 * Section 6.7: how a sequence that run-sequence starts may set the component
 * index while strict order is false: once, first, when the index is one
 * component; not at all when the index is preset for it.
 */
static enum indexing
indexing_inside(const struct pst_suit_frame *parent, enum frame_kind kind)
{
	if (parent->indexing != INDEXING_FREE)
		return INDEXING_NEVER;
	if (kind != FRAME_RUN_SEQUENCE || parent->strict_order)
		return INDEXING_FREE;
	return parent->index_kind == INDEX_ONE ? INDEXING_FIRST
					       : INDEXING_NEVER;
}

/* Make the sequence in code[at..] the one that frame f runs. */
static enum pst_err
sequence(struct pst_suit_run *run, struct pst_suit_frame *f, uint32_t at,
    uint32_t len)
{
	struct pst_cbor_reader r;
	enum pst_err err;
	uint32_t count;

	err = pst_suit_sequence(run->code, at, len, &f->at, &count);
	f->left = (uint16_t)count;
	if (err != PST_OK || f->indexing != INDEXING_FIRST)
		return err;
	pst_cbor_reader_init(&r, run->code);
	r.at = f->at;
	if (pst_cbor_int(&r, INT32_MIN, INT32_MAX) !=
	    PST_SUIT_DIR_SET_COMPONENT_INDEX)
		return PST_ERR_SUIT_COMMAND;
	return PST_OK;
}

/* Put a frame for one component on top of the present one. */
static enum pst_err
push(struct pst_suit_run *run, enum frame_kind kind)
{
	struct pst_suit_frame *parent = pst_suit_top(run);
	struct pst_suit_frame *f = parent + 1;

	if (run->depth - present(run)->base > PST_SUIT_DEPTH_MAX ||
	    run->depth == PST_SUIT_FRAMES_MAX)
		return PST_ERR_LIMIT;
	memset(f, 0, sizeof(*f));
	f->kind = (uint8_t)kind;
	f->index_kind = INDEX_ONE;
	f->index = (uint16_t)component(run, parent);
	f->strict_order =
	    kind == FRAME_RUN_SEQUENCE ? true : parent->strict_order;
	f->indexing = (uint8_t)indexing_inside(parent, kind);
	run->depth++;
	return PST_OK;
}

/* Begin the bottom frame of the present call with the section's content. */
static enum pst_err
section_begin(struct pst_suit_run *run, int32_t section, struct pst_bytes code)
{
	struct pst_suit_call *call = present(run);
	struct pst_suit_frame *f = &run->frames[call->base];

	memset(f, 0, sizeof(*f));
	run->code = code;
	run->depth = call->base + 1u;
	call->section = (uint8_t)section;
	call->commands = 0;
	run->report->record.section = section;
	run->report->record.offset = 0;
	run->report->record.component = 0;
	f->kind = FRAME_SECTION;
	/* Section 6.2: with more than one component each sequence MUST begin
	 * with set-component-index; there is no index before it. */
	f->index_kind = run->m->index_count == 1 ? INDEX_ONE : INDEX_NONE;
	f->strict_order = true;
	return sequence(run, f, 0, (uint32_t)code.len);
}

/*
 * Start the next alternative of the try-each on top. nil does nothing and
 * succeeds (Section 8.4.10.2).
 */
static enum pst_err
alternative(struct pst_suit_run *run)
{
	struct pst_suit_frame *f = pst_suit_top(run);
	struct pst_suit_frame *parent = f - 1;
	struct pst_cbor_reader r;
	struct pst_bytes content;

	pst_cbor_reader_init(&r, run->code);
	r.at = f->other_at;
	if (pst_cbor_peek(&r) == PST_CBOR_SIMPLE) {
		stack_pop(run);
		advance(run);
		return PST_OK;
	}
	content = pst_cbor_bstr(&r, 1, SIZE_MAX);
	f->other_at = (uint32_t)r.at;
	f->other_len--;
	f->soft_failure = true;
	f->index_kind = INDEX_ONE;
	f->index = (uint16_t)component(run, parent);
	f->strict_order = parent->strict_order;
	f->indexing = (uint8_t)indexing_inside(parent, FRAME_TRY_EACH);
	return sequence(run, f, (uint32_t)(content.ptr - run->code.ptr),
	    (uint32_t)content.len);
}

static enum pst_err
do_try_each(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	uint32_t first, count;
	enum pst_err err;

	err = pst_suit_alternatives(run->code, c->arg, &first, &count);
	if (err == PST_OK)
		err = push(run, FRAME_TRY_EACH);
	if (err != PST_OK)
		return err;
	pst_suit_top(run)->other_at = first;
	pst_suit_top(run)->other_len = (uint16_t)count;
	return alternative(run);
}

static enum pst_err
do_run_sequence(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_cbor_reader r;
	struct pst_bytes content;
	enum pst_err err;

	pst_cbor_reader_init(&r, run->code);
	r.at = c->arg;
	content = pst_cbor_bstr(&r, 1, SIZE_MAX);
	if (!pst_cbor_ok(&r))
		return r.err;
	err = push(run, FRAME_RUN_SEQUENCE);
	if (err != PST_OK)
		return err;
	return sequence(run, pst_suit_top(run),
	    (uint32_t)(content.ptr - run->code.ptr), (uint32_t)content.len);
}

/* Not for a component, so it is carried out once whatever the index was. */
static enum pst_err
set_component_index(struct pst_suit_run *run, uint32_t arg)
{
	struct pst_suit_frame *f = pst_suit_top(run);
	struct pst_suit_index index;
	enum pst_err err;

	if (f->indexing == INDEXING_NEVER)
		return PST_ERR_SUIT_COMMAND;
	err = pst_suit_index_read(run->code, arg, run->m->index_count, &index);
	if (err != PST_OK)
		return err;
	if (f->indexing == INDEXING_FIRST)
		f->indexing = INDEXING_NEVER;
	f->index_kind = (uint8_t)index.kind;
	f->index = (uint16_t)index.one;
	f->list_at = index.list_at;
	f->list_len = (uint16_t)index.list_len;
	f->at = f->next;
	f->left--;
	return PST_OK;
}

/*
 * "Purely an encoding alias for set-component-index and override-parameters"
 * (update-management, suit-directive-override-multiple), for several indices:
 * so it stands where any index may be set.
 */
static enum pst_err
override_multiple(struct pst_suit_run *run, uint32_t arg)
{
	struct pst_suit_frame *f = pst_suit_top(run);
	uint32_t last = 0;
	enum pst_err err;

	if (f->indexing != INDEXING_FREE)
		return PST_ERR_SUIT_COMMAND;
	err = pst_suit_override_multiple(run, arg, &last);
	if (err != PST_OK)
		return err;
	f->index_kind = INDEX_ONE;
	f->index = (uint16_t)last;
	f->at = f->next;
	f->left--;
	return PST_OK;
}

/* Does this command say itself which component it is for? */
static bool
indexes(int32_t id)
{
	return id == PST_SUIT_DIR_SET_COMPONENT_INDEX ||
	    id == PST_SUIT_DIR_OVERRIDE_MULTIPLE;
}

/* Who carries out a command; NULL: nobody, it is refused. */
static pst_suit_action *
action(int32_t id)
{
	static pst_suit_action *const actions[] = {
		[PST_SUIT_COND_VENDOR] = pst_suit_do_identify,
		[PST_SUIT_COND_CLASS] = pst_suit_do_identify,
		[PST_SUIT_COND_IMAGE_MATCH] = pst_suit_do_image_match,
		[PST_SUIT_COND_USE_BEFORE] = pst_suit_do_use_before,
		[PST_SUIT_COND_COMPONENT_SLOT] = pst_suit_do_slot,
		[PST_SUIT_COND_CHECK_CONTENT] = pst_suit_do_check_content,
		[PST_SUIT_COND_ABORT] = pst_suit_do_abort,
		[PST_SUIT_DIR_TRY_EACH] = do_try_each,
		[PST_SUIT_DIR_WRITE] = pst_suit_do_write,
		[PST_SUIT_DIR_SET_PARAMETERS] = pst_suit_do_set_parameters,
		[PST_SUIT_DIR_OVERRIDE_PARAMETERS] =
		    pst_suit_do_override_parameters,
		[PST_SUIT_DIR_FETCH] = pst_suit_do_fetch,
		[PST_SUIT_DIR_COPY] = pst_suit_do_copy,
		[PST_SUIT_DIR_INVOKE] = pst_suit_do_invoke,
		[PST_SUIT_COND_DEVICE] = pst_suit_do_identify,
		[PST_SUIT_COND_IMAGE_NOT_MATCH] = pst_suit_do_image_not_match,
		[PST_SUIT_COND_MINIMUM_BATTERY] = pst_suit_do_minimum_battery,
		[PST_SUIT_COND_UPDATE_AUTHORIZED] =
		    pst_suit_do_update_authorized,
		[PST_SUIT_COND_VERSION] = pst_suit_do_version,
		[PST_SUIT_DIR_WAIT] = pst_suit_do_wait,
		[PST_SUIT_DIR_SWAP] = pst_suit_do_swap,
		[PST_SUIT_DIR_RUN_SEQUENCE] = do_run_sequence,
		[PST_SUIT_DIR_UNLINK] = pst_suit_do_unlink,
		[PST_SUIT_DIR_COPY_PARAMS] = pst_suit_do_copy_params,
	};

	if (id < 0 || (size_t)id >= sizeof(actions) / sizeof(actions[0]))
		return NULL;
	return actions[id];
}

/* --- one step ----------------------------------------------------------- */

/* Read the present command. It becomes where a failure would be reported. */
static void
command(struct pst_suit_run *run, struct pst_suit_command_now *c)
{
	struct pst_suit_frame *f = pst_suit_top(run);
	struct pst_cbor_reader r;

	/* The sequence was read once, by sequence(): all that can fail is a
	 * policy that is none. Who sets parameters reads on to f->next. */
	pst_cbor_reader_init(&r, run->code);
	r.at = f->at;
	c->id = (int32_t)pst_cbor_int(&r, INT32_MIN, INT32_MAX);
	c->arg = (uint32_t)r.at;
	c->policy = 0;
	if (pst_suit_trait_of(c->id)->policy)
		c->policy = (uint8_t)pst_cbor_uint(&r, PST_SUIT_POLICY_MAX);
	else if (c->id != PST_SUIT_DIR_OVERRIDE_PARAMETERS &&
	    c->id != PST_SUIT_DIR_SET_PARAMETERS)
		pst_cbor_skip(&r);
	c->fault = r.err;
	f->next = (uint32_t)r.at;
	c->index = f->index_kind == INDEX_NONE ? 0 : component(run, f);
	c->component = pst_suit_place(run, c->index);
	if (run->name.len == 0 || run->name_of != c->component) {
		run->name = pst_suit_run_place(run, c->component);
		run->name_of = c->component;
	}
	c->name = run->name;
	run->report->record.offset = f->at;
	run->report->record.component = c->index;
}

/* Everything that must hold before a command touches anything. */
static enum pst_err
permitted(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	enum pst_err err;

	err = pst_suit_command_refused(
	    c->id, present(run)->section == PST_SUIT_COMMON);
	if (err != PST_OK)
		return err;
	if (c->fault != PST_OK)
		return c->fault;
	if (indexes(c->id))
		return PST_OK;
	if (pst_suit_top(run)->index_kind == INDEX_NONE)
		return PST_ERR_SUIT_COMPONENT;
	return pst_suit_authorised(run, c);
}

/* A sequence came to its end: what started it is done. */
static enum pst_err
sequence_done(struct pst_suit_run *run)
{
	struct pst_suit_call *call = present(run);
	int32_t after = call->after;

	stack_pop(run);
	if (run->depth > call->base) {
		advance(run);
		return PST_OK;
	}
	if (after == 0) {
		run->call_depth--;
		return PST_OK;
	}
	call->after = 0;
	return section_begin(
	    run, after, pst_suit_section(run->m, (enum pst_suit_label)after));
}

static enum pst_err
step(struct pst_suit_run *run)
{
	struct pst_suit_command_now c;
	uint32_t depth = run->depth;
	enum pst_err err;

	if (pst_suit_top(run)->left == 0)
		return sequence_done(run);
	command(run, &c);
	if (++present(run)->commands > PST_SUIT_COMMANDS_MAX)
		return PST_ERR_LIMIT;
	err = permitted(run, &c);
	if (err != PST_OK)
		return err;
	if (c.id == PST_SUIT_DIR_SET_COMPONENT_INDEX)
		return set_component_index(run, c.arg);
	if (c.id == PST_SUIT_DIR_OVERRIDE_MULTIPLE)
		return override_multiple(run, c.arg);
	if (c.id == PST_SUIT_DIR_TRY_EACH || c.id == PST_SUIT_DIR_RUN_SEQUENCE)
		return action(c.id)(run, &c);
	err = action(c.id)(run, &c);
	if (err == PST_ERR_AGAIN)
		return err;
	pst_suit_command_record(run, &c, err == PST_OK);
	if (err == PST_OK && run->depth == depth)
		advance(run);
	return err;
}

/* A condition failed: look for the sequence that forgives it. */
static enum pst_err
forgive(struct pst_suit_run *run)
{
	struct pst_suit_frame *f;
	bool soft;

	while (run->depth > 1) {
		f = pst_suit_top(run);
		soft = f->soft_failure;
		if (f->kind == FRAME_TRY_EACH && !soft)
			break;
		if (f->kind == FRAME_TRY_EACH && f->other_len > 0)
			return alternative(run);
		stack_pop(run);
		if (f->kind == FRAME_RUN_SEQUENCE && soft) {
			advance(run);
			return PST_OK;
		}
	}
	return PST_ERR_SUIT_CONDITION;
}

/* The run is over; the report keeps the first reason and where it was. */
static enum pst_err
fail(struct pst_suit_run *run, enum pst_err err)
{
	pst_suit_hash_drop(run);
	pst_suit_decrypt_drop(run);
	run->phase = PHASE_FAILED;
	run->err = err;
	run->report->err = err;
	run->report->reason = pst_suit_reason_of(err);
	return err;
}

static enum pst_err
go(struct pst_suit_run *run)
{
	enum pst_err err;

	run->phase = PHASE_RUNNING;
	while (run->depth > 0) {
		err = step(run);
		if (err == PST_ERR_SUIT_CONDITION)
			err = forgive(run);
		if (err == PST_ERR_AGAIN) {
			run->phase = PHASE_WAITING;
			return err;
		}
		if (err != PST_OK)
			return fail(run, err);
	}
	run->phase = PHASE_IDLE;
	return PST_OK;
}

/* --- the interface ------------------------------------------------------ */

enum pst_err
pst_suit_supported(const struct pst_suit_manifest *m)
{
	uint32_t all = m->sections | m->severed;

	if (m->dependencies.count > 0 ||
	    all & 1u << PST_SUIT_DEPENDENCY_RESOLUTION)
		return PST_ERR_SUIT_DEPENDENCY;
	/* Passing over it would say that something was done which was not. */
	if (all & 1u << PST_SUIT_CANDIDATE_VERIFICATION)
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
		return fail(run, PST_ERR_ARG);
	err = pst_suit_supported(m);
	if (err == PST_OK)
		err = components_allowed(run);
	return err == PST_OK ? PST_OK : fail(run, err);
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
		return fail(run, PST_ERR_SUIT_SEVERED);
	if (!(m->sections & bit))
		return PST_OK;
	memset(&run->calls[0], 0, sizeof(run->calls[0]));
	run->call_depth = 1;
	if (m->shared_sequence.len > 0) {
		run->calls[0].after = (uint8_t)section;
		err = section_begin(run, PST_SUIT_COMMON, m->shared_sequence);
	} else {
		err = section_begin(
		    run, (int32_t)section, pst_suit_section(m, section));
	}
	return err == PST_OK ? go(run) : fail(run, err);
}

enum pst_err
pst_suit_resume(struct pst_suit_run *run, enum pst_err status,
    struct pst_bytes chunk, bool last)
{
	struct pst_suit_command_now c;
	enum pst_err err = status;

	if (run->phase == PHASE_FAILED)
		return run->err;
	if (run->phase != PHASE_WAITING)
		return PST_ERR_STATE;
	if (err == PST_ERR_AGAIN || err == PST_ERR_SUIT_CONDITION)
		err = run->event != PST_SUIT_EVENT_NONE ? PST_ERR_SUIT_OPERATION
							: PST_ERR_FETCH;
	if (err == PST_OK && run->event != PST_SUIT_EVENT_NONE)
		return go(run);
	if (err == PST_OK)
		err = pst_suit_fetch_more(run, chunk, last);
	if (err == PST_OK && !last)
		return PST_ERR_AGAIN;
	command(run, &c);
	pst_suit_command_record(run, &c, err == PST_OK);
	if (err != PST_OK)
		return fail(run, err);
	advance(run);
	return go(run);
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
	if (!unverified(run, &index))
		return PST_OK;
	run->report->record.offset = 0;
	run->report->record.component = index;
	return fail(run, PST_ERR_SUIT_UNVERIFIED);
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
