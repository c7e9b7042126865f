/*
 * Commands for dependencies (draft-ietf-suit-trust-domains, Sections 6 and 7).
 *
 * A dependency is run from the copy of its envelope that was authenticated,
 * whatever becomes of its component, so that nobody can change it in between
 * (RFC 9124, 4.2.18). What goes wrong here is an Abort, never a failed
 * condition: the texts say so for each.
 */
#include "suit_run.h"

/* The dependency is not there: the run remembers which, and where from. */
static enum pst_err
missing(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	run->missing = c->name;
	run->missing_uri = (struct pst_bytes){ NULL, 0 };
	(void)pst_suit_param_string(
	    run, c->component, PST_SUIT_PARAM_URI, &run->missing_uri);
	return PST_ERR_SUIT_DEPENDENCY_MISSING;
}

enum pst_err
pst_suit_missing(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    enum pst_err err)
{
	return pst_suit_dependency(run->m, c->index) ? missing(run, c) : err;
}

enum pst_err
pst_suit_measure_dependency(
    struct pst_suit_run *run, const struct pst_suit_command_now *c, int32_t alg)
{
	const struct pst_crypto *crypto = run->crypto;
	struct pst_suit_envelope env;
	struct pst_bytes bytes;
	enum pst_err err;
	size_t len = 0;

	run->measured_alg = 0;
	err = pst_suit_tree_read(run, c, &bytes);
	if (err != PST_OK)
		return err;
	/* What is no envelope matches no manifest's digest. */
	if (pst_suit_envelope_decode(bytes, &env, NULL) != PST_OK)
		return PST_ERR_NOT_FOUND;
	err = crypto->digest(
	    crypto->ctx, alg, &env.manifest_bstr, 1, run->measured, &len);
	if (err != PST_OK)
		return pst_suit_hard(err);
	run->measured_len = (uint8_t)len;
	run->measured_alg = alg;
	run->measured_component = c->component;
	run->measured_manifest = true;
	return PST_OK;
}

/* The sections of the procedure that a section is of, as far as who processes
 * dependencies is concerned. suit-uninstall stands alone. */
static uint32_t
procedure_of(enum pst_suit_label section)
{
	const uint32_t update = 1u << PST_SUIT_DEPENDENCY_RESOLUTION |
	    1u << PST_SUIT_PAYLOAD_FETCH |
	    1u << PST_SUIT_CANDIDATE_VERIFICATION | 1u << PST_SUIT_INSTALL;
	const uint32_t invocation = 1u << PST_SUIT_VALIDATE |
	    1u << PST_SUIT_LOAD | 1u << PST_SUIT_INVOKE;
	uint32_t bit = pst_suit_bit((int64_t)section);

	if (bit & update)
		return update;
	return bit & invocation ? invocation : 0;
}

static uint32_t
sections(const struct pst_suit_manifest *m)
{
	return m->sections | m->severed;
}

static enum pst_suit_label
section_now(const struct pst_suit_run *run)
{
	return (enum pst_suit_label)run->calls[run->call_depth - 1].section;
}

/*
 * "The dependent MUST populate all Command Sequences for each Procedure
 * specified by the Dependency" (Changes to Required Checks). In the shared
 * sequence it is not known yet which procedure that is: the section that comes
 * next says so.
 */
static enum pst_err
populated(const struct pst_suit_run *run, const struct pst_suit_loaded *l)
{
	const struct pst_suit_call *call = &run->calls[run->call_depth - 1];
	int section = call->after != 0 ? call->after : call->section;
	uint32_t all = procedure_of((enum pst_suit_label)section);

	return sections(&l->m) & all & ~sections(run->m)
	    ? PST_ERR_SUIT_DEPENDENCY
	    : PST_OK;
}

/* Steps 1 to 3 of suit-condition-dependency-integrity. */
static enum pst_err
verify(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    struct pst_suit_loaded **out)
{
	struct pst_suit_digest want;
	enum pst_err err;

	if (!pst_suit_wanted(run, c->component, &want))
		return PST_ERR_SUIT_PARAMETER;
	/* Wherever this is called from, who set the digest answers for it. */
	err = pst_suit_may(run,
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_IMAGE_DIGEST),
	    c->component, PST_SUIT_ACT_PARAMETER, PST_SUIT_PARAM_IMAGE_DIGEST);
	if (err != PST_OK)
		return err;
	*out = pst_suit_tree_verified(run, c->component);
	if (*out != NULL && (*out)->m.digest.alg == want.alg &&
	    pst_equal((*out)->m.digest.bytes, want.bytes))
		return PST_OK;
	/* Another one is wanted now. */
	if (*out != NULL)
		(*out)->contexts &= ~(1u << pst_suit_number(run));
	err = pst_suit_tree_load(run, c, &want, out);
	if (err == PST_ERR_NOT_FOUND)
		return missing(run, c);
	if (err == PST_OK)
		err = populated(run, *out);
	if (err != PST_OK)
		return pst_suit_hard(err);
	pst_suit_verified(run, c->component,
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_IMAGE_DIGEST));
	return PST_OK;
}

enum pst_err
pst_suit_do_dependency_integrity(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_suit_loaded *l;

	if (!pst_suit_dependency(run->m, c->index))
		return PST_ERR_SUIT_DEPENDENCY;
	return verify(run, c, &l);
}

enum pst_err
pst_suit_do_is_dependency(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	return pst_suit_dependency(run->m, c->index) ? PST_OK
						     : PST_ERR_SUIT_CONDITION;
}

/*
 * The dependency, if it was the target of dependency-integrity in this
 * context. The Encrypted Manifest Template has image-match in its place: then
 * the integrity is verified here, before anything of it is run
 * (docs/interop.md).
 */
static enum pst_err
target(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    struct pst_suit_loaded **out)
{
	*out = pst_suit_tree_verified(run, c->component);
	if (*out != NULL)
		return PST_OK;
	if (!pst_suit_is_set(run->matched, c->component))
		return PST_ERR_SUIT_DEPENDENCY;
	return verify(run, c, out);
}

/* Is the dependency one of the manifests that run already? */
static bool
runs(const struct pst_suit_run *run, const struct pst_suit_loaded *l)
{
	const struct pst_suit_manifest *m;
	uint32_t i, place;

	for (i = 0; i < run->call_depth; i++) {
		m = pst_suit_run_manifest(run, run->calls[i].manifest, &place);
		if (place == l->place ||
		    (m->digest.alg == l->m.digest.alg &&
			pst_equal(m->digest.bytes, l->m.digest.bytes)))
			return true;
	}
	return false;
}

/* Does anybody else refer to the dependency? */
static enum pst_err
others_refer(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    bool *others)
{
	*others = false;
	if (run->host->references == NULL)
		return PST_OK;
	return pst_suit_hard(
	    run->host->references(run->host->ctx, run->m, c->name, others));
}

/* Run a section of the dependency, if it has it. */
static enum pst_err
run_section(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    const struct pst_suit_loaded *l, enum pst_suit_label section, bool again)
{
	uint32_t bit = pst_suit_bit((int64_t)section);

	if (runs(run, l))
		return PST_ERR_SUIT_DEPENDENCY;
	if (l->m.severed & bit)
		return PST_ERR_SUIT_SEVERED;
	if (!(l->m.sections & bit))
		return PST_OK;
	return pst_suit_call(run, l, c->index, section, again);
}

static void
note_done(struct pst_suit_run *run, uint32_t index)
{
	struct pst_bytes prefix;
	uint32_t ordinal;

	if (pst_suit_dependency_find(run->m, index, &ordinal, &prefix))
		run->calls[run->call_depth - 1].done |= 1u << ordinal;
}

/* "If the current Component is True, then this Directive applies to all
 * Dependencies": what is none is passed over, and only then. */
static bool
all(struct pst_suit_run *run)
{
	return pst_suit_top(run)->index_kind == INDEX_ALL;
}

enum pst_err
pst_suit_do_process_dependency(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	enum pst_suit_label section = section_now(run);
	struct pst_suit_loaded *l;
	bool others = false;
	enum pst_err err;

	if (!pst_suit_dependency(run->m, c->index))
		return all(run) ? PST_OK : PST_ERR_SUIT_DEPENDENCY;
	err = target(run, c, &l);
	if (err == PST_OK)
		err = populated(run, l);
	if (err == PST_OK && section == PST_SUIT_UNINSTALL)
		err = others_refer(run, c, &others);
	if (err != PST_OK)
		return err;
	note_done(run, c->index);
	/* What others use is not taken away from them. */
	if (others || (section == PST_SUIT_UNINSTALL && l->uninstalled))
		return PST_OK;
	return run_section(run, c, l, section, false);
}

void
pst_suit_dependency_ran(struct pst_suit_run *run)
{
	const struct pst_suit_call *call = &run->calls[run->call_depth - 1];
	struct pst_suit_loaded *l;

	if (call->section != PST_SUIT_UNINSTALL)
		return;
	for (l = run->loaded; l != NULL; l = l->next)
		if (l->number == call->manifest)
			l->uninstalled = true;
}

/*
 * "At the end of each section in the dependent: The corresponding section in
 * each Dependency has been executed, if present" (Changes to Required Checks).
 * What cannot be looked at is not executed either; only an uninstall does not
 * need what is gone.
 */
static enum pst_err
done(struct pst_suit_run *run, struct pst_suit_command_now *c)
{
	enum pst_suit_label section = section_now(run);
	struct pst_suit_loaded *l;
	enum pst_err err;

	err = target(run, c, &l);
	if (err == PST_ERR_SUIT_DEPENDENCY && section == PST_SUIT_UNINSTALL)
		return PST_OK;
	if (err == PST_OK && sections(&l->m) & pst_suit_bit((int64_t)section))
		err = PST_ERR_SUIT_DEPENDENCY;
	return err;
}

enum pst_err
pst_suit_dependencies_done(struct pst_suit_run *run)
{
	struct pst_suit_command_now c;
	struct pst_bytes prefix;
	enum pst_err err = PST_OK;
	uint32_t ordinal;

	memset(&c, 0, sizeof(c));
	for (; err == PST_OK && c.index < run->m->index_count; c.index++) {
		if (!pst_suit_dependency_find(
			run->m, c.index, &ordinal, &prefix) ||
		    run->calls[run->call_depth - 1].done >> ordinal & 1)
			continue;
		c.component = pst_suit_place(run, c.index);
		c.name = pst_suit_run_place(run, c.component);
		run->report->record.component = c.index;
		err = done(run, &c);
	}
	return err;
}

/* --- unlink -------------------------------------------------------------- */

/*
 * Before the last reference to a dependency goes its suit-uninstall runs, and
 * unlink is carried out again after it (suit-directive-unlink).
 *
 * @param begun  it runs now
 */
static enum pst_err
uninstall(
    struct pst_suit_run *run, const struct pst_suit_command_now *c, bool *begun)
{
	uint32_t calls = run->call_depth;
	struct pst_suit_loaded *l;
	bool others;
	enum pst_err err = others_refer(run, c, &others);

	*begun = false;
	if (err != PST_OK || others)
		return err;
	l = pst_suit_tree_verified(run, c->component);
	if (l == NULL)
		err = verify(run, c, &l);
	/* There is nothing to uninstall with. */
	if (err == PST_ERR_SUIT_DEPENDENCY_MISSING)
		return PST_OK;
	if (err != PST_OK || l->uninstalled)
		return err;
	err = run_section(run, c, l, PST_SUIT_UNINSTALL, true);
	*begun = run->call_depth != calls;
	return err;
}

enum pst_err
pst_suit_do_unlink(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	bool begun = false;
	enum pst_err err = PST_OK;

	if (run->host->unlink == NULL)
		return PST_ERR_UNSUPPORTED;
	if (pst_suit_dependency(run->m, c->index))
		err = uninstall(run, c, &begun);
	if (err != PST_OK || begun)
		return err;
	err = pst_suit_hard(run->host->unlink(run->host->ctx, run->m, c->name));
	if (err != PST_OK)
		return err;
	/* What was known of its content is not known of what is there now. */
	if (run->measured_component == c->component)
		run->measured_alg = 0;
	pst_suit_clear(run->written, c->component);
	pst_suit_clear(run->checked, c->component);
	pst_suit_origin_drop(run, c->component);
	pst_suit_integrity_drop(run, c->component);
	note_done(run, c->index);
	return PST_OK;
}
