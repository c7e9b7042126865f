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
 * A call is a manifest that runs: the root, and above it dependencies that
 * process-dependency, or the unlink of one, called. Its frames begin at base;
 * m and code are the topmost call's. A failed condition that nothing in a call
 * forgives is an Abort, which ends the run: a try-each of the dependent does
 * not forgive it (trust-domains, suit-directive-process-dependency).
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
	/* A dependency is processed where its dependent may do things in any
	 * order, and is part of that. */
	f->strict_order = call->base == 0 || (f - 1)->strict_order;
	return sequence(run, f, 0, (uint32_t)code.len);
}

/* The shared sequence first, then the section (Section 8.4.5). */
static enum pst_err
call_begin(struct pst_suit_run *run, int32_t section)
{
	const struct pst_suit_manifest *m = run->m;

	if (m->shared_sequence.len > 0) {
		present(run)->after = (uint8_t)section;
		return section_begin(run, PST_SUIT_COMMON, m->shared_sequence);
	}
	return section_begin(
	    run, section, pst_suit_section(m, (enum pst_suit_label)section));
}

enum pst_err
pst_suit_call_root(struct pst_suit_run *run, enum pst_suit_label section)
{
	memset(&run->calls[0], 0, sizeof(run->calls[0]));
	run->call_depth = 1;
	run->call_count = 0;
	run->report->record.walk_len = 0;
	return call_begin(run, (int32_t)section);
}

enum pst_err
pst_suit_call(struct pst_suit_run *run, const struct pst_suit_loaded *l,
    uint32_t index, enum pst_suit_label section, bool again)
{
	struct pst_suit_record *record = &run->report->record;
	struct pst_suit_call *call = &run->calls[run->call_depth];

	if (run->call_depth > PST_SUIT_TREE_DEPTH_MAX ||
	    run->depth == PST_SUIT_FRAMES_MAX ||
	    run->call_count == PST_SUIT_CALLS_MAX)
		return PST_ERR_LIMIT;
	memset(call, 0, sizeof(*call));
	call->manifest = l->number;
	call->base = (uint8_t)run->depth;
	call->component = (uint16_t)index;
	call->again = again;
	run->call_depth++;
	run->call_count++;
	run->m = &l->m;
	run->name.len = 0;
	record->walk[record->walk_len++] = (uint16_t)index;
	return call_begin(run, (int32_t)section);
}
_Static_assert(PST_SUIT_TREE_DEPTH_MAX <= PST_SUIT_WALK_MAX, "a walk fits");

/* Take the topmost call, which is a dependency's, off. */
static void
call_pop(struct pst_suit_run *run)
{
	struct pst_suit_call *call;

	run->depth = present(run)->base;
	run->call_depth--;
	call = present(run);
	run->m = pst_suit_tree_manifest(run, call->manifest);
	run->code =
	    pst_suit_section(run->m, (enum pst_suit_label)call->section);
	run->name.len = 0;
	run->report->record.walk_len--;
	run->report->record.section = call->section;
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

#define MANAGED PST_SUIT_WITH_UPDATE_MANAGEMENT
/* What a switch turns off is not named, and so not linked. */
#define WHEN(with, action) ((with) ? (action) : NULL)

/* Who carries out a command; NULL: nobody, it is refused. */
static pst_suit_action *
action(int32_t id)
{
	static pst_suit_action *const actions[] = {
		[PST_SUIT_COND_VENDOR] = pst_suit_do_identify,
		[PST_SUIT_COND_CLASS] = pst_suit_do_identify,
		[PST_SUIT_COND_IMAGE_MATCH] = pst_suit_do_image_match,
		[PST_SUIT_COND_USE_BEFORE] =
		    WHEN(MANAGED, pst_suit_do_use_before),
		[PST_SUIT_COND_COMPONENT_SLOT] = pst_suit_do_slot,
		[PST_SUIT_COND_CHECK_CONTENT] = pst_suit_do_check_content,
		[PST_SUIT_COND_DEPENDENCY_INTEGRITY] =
		    pst_suit_do_dependency_integrity,
		[PST_SUIT_COND_IS_DEPENDENCY] = pst_suit_do_is_dependency,
		[PST_SUIT_DIR_PROCESS_DEPENDENCY] =
		    pst_suit_do_process_dependency,
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
		[PST_SUIT_COND_IMAGE_NOT_MATCH] =
		    WHEN(MANAGED, pst_suit_do_image_not_match),
		[PST_SUIT_COND_MINIMUM_BATTERY] =
		    WHEN(MANAGED, pst_suit_do_minimum_battery),
		[PST_SUIT_COND_UPDATE_AUTHORIZED] =
		    WHEN(MANAGED, pst_suit_do_update_authorized),
		[PST_SUIT_COND_VERSION] = WHEN(MANAGED, pst_suit_do_version),
		[PST_SUIT_DIR_WAIT] =
		    WHEN(PST_SUIT_WITH_WAIT, pst_suit_do_wait),
		[PST_SUIT_DIR_SWAP] =
		    WHEN(PST_SUIT_WITH_SWAP, pst_suit_do_swap),
		[PST_SUIT_DIR_RUN_SEQUENCE] = do_run_sequence,
		[PST_SUIT_DIR_UNLINK] = pst_suit_do_unlink,
		[PST_SUIT_DIR_COPY_PARAMS] =
		    WHEN(MANAGED, pst_suit_do_copy_params),
	};

	if (pst_suit_custom(id))
		return pst_suit_do_custom;
	if (id < 0 || (size_t)id >= sizeof(actions) / sizeof(actions[0]))
		return NULL;
	return actions[id];
}
#undef WHEN
#undef MANAGED

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

/* A dependency's section came to its end: so did the command for it, unless
 * that was only its beginning. */
static void
call_done(struct pst_suit_run *run)
{
	struct pst_suit_command_now c;
	bool again = present(run)->again;

	pst_suit_dependency_ran(run);
	call_pop(run);
	if (again)
		return;
	command(run, &c);
	pst_suit_command_record(run, &c, true);
	advance(run);
}

/* A sequence came to its end: what started it is done. */
static enum pst_err
sequence_done(struct pst_suit_run *run)
{
	struct pst_suit_call *call = present(run);
	int32_t after = call->after;
	enum pst_err err;

	if (run->depth > call->base + 1u) {
		stack_pop(run);
		advance(run);
		return PST_OK;
	}
	if (after != 0) {
		stack_pop(run);
		call->after = 0;
		return section_begin(run, after,
		    pst_suit_section(run->m, (enum pst_suit_label)after));
	}
	err = pst_suit_dependencies_done(run);
	if (err != PST_OK)
		return err;
	stack_pop(run);
	if (run->call_depth > 1)
		call_done(run);
	else
		run->call_depth = 0;
	return PST_OK;
}

static enum pst_err
step(struct pst_suit_run *run)
{
	struct pst_suit_command_now c;
	uint32_t calls = run->call_depth;
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
	if (PST_SUIT_WITH_UPDATE_MANAGEMENT &&
	    c.id == PST_SUIT_DIR_OVERRIDE_MULTIPLE)
		return override_multiple(run, c.arg);
	if (c.id == PST_SUIT_DIR_TRY_EACH || c.id == PST_SUIT_DIR_RUN_SEQUENCE)
		return action(c.id)(run, &c);
	err = action(c.id)(run, &c);
	if (err == PST_ERR_AGAIN || run->call_depth != calls)
		return err;
	pst_suit_command_record(run, &c, err == PST_OK);
	if (err == PST_OK)
		advance(run);
	return err;
}

/* A condition failed: look for the sequence that forgives it. */
static enum pst_err
forgive(struct pst_suit_run *run)
{
	struct pst_suit_frame *f;
	bool soft;

	while (run->depth > present(run)->base + 1u) {
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

/* "An Abort in a Dependency causes an Abort in the process-dependency of the
 * Dependent": what the policies of these commands say of a failure. */
static void
calls_failed(struct pst_suit_run *run)
{
	struct pst_suit_command_now c;

	while (run->call_depth > 1) {
		call_pop(run);
		command(run, &c);
		pst_suit_command_record(run, &c, false);
	}
}

/* The run is over; the report keeps the first reason and where it was. */
enum pst_err
pst_suit_fail(struct pst_suit_run *run, enum pst_err err)
{
	struct pst_suit_record record = run->report->record;

	pst_suit_hash_drop(run);
	pst_suit_decrypt_drop(run);
	calls_failed(run);
	run->report->record = record;
	run->phase = PHASE_FAILED;
	run->err = err;
	run->report->err = err;
	run->report->reason = pst_suit_reason_of(err);
	return err;
}

enum pst_err
pst_suit_go(struct pst_suit_run *run)
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
			return pst_suit_fail(run, err);
	}
	run->phase = PHASE_IDLE;
	return PST_OK;
}

enum pst_err
pst_suit_go_on(struct pst_suit_run *run, enum pst_err err, bool undelivered)
{
	struct pst_suit_command_now c;

	command(run, &c);
	if (undelivered)
		err = pst_suit_missing(run, &c, err);
	pst_suit_command_record(run, &c, err == PST_OK);
	if (err != PST_OK)
		return pst_suit_fail(run, err);
	advance(run);
	return pst_suit_go(run);
}
