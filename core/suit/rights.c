/*
 * Access control (draft-ietf-suit-manifest, Section 9; RFC 9124, 4.3.13).
 *
 * A command is its own manifest's act, and each parameter that it takes is an
 * act of the manifest that set it: a dependent that presets what its
 * dependency would set must have the right to say so. Only where a payload
 * comes from is free, for the bytes are judged by digest.
 */
#include "suit_run.h"

enum pst_err
pst_suit_may(struct pst_suit_run *run, uint32_t number, uint32_t place,
    enum pst_suit_act_kind kind, int64_t label)
{
	const struct pst_suit_act act = { kind, label };
	struct pst_bytes name = run->name;
	enum pst_err err;

	if (name.len == 0 || run->name_of != place)
		name = pst_suit_run_place(run, place);
	err = run->host->authorise(
	    run->host->ctx, pst_suit_tree_manifest(run, number), name, act);
	/* No failed condition, which could be forgiven, and no wait. */
	return err == PST_ERR_SUIT_CONDITION || err == PST_ERR_AGAIN
	    ? PST_ERR_SUIT_UNAUTHORISED
	    : err;
}

/* Does a command take this parameter? What a custom one takes only the host
 * knows. */
static bool
takes(int32_t id, const struct pst_suit_trait *t, int32_t label)
{
	if (pst_suit_custom(id))
		return label != PST_SUIT_PARAM_URI;
	return label >= 0 && label < 32 && t->takes >> label & 1;
}

enum pst_err
pst_suit_authorised(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	const struct pst_suit_trait *t = pst_suit_trait_of(c->id);
	const struct pst_suit_param *p = run->memory.params;
	enum pst_err err;
	uint32_t i;

	if (!t->component)
		return PST_OK;
	err = pst_suit_may(run, pst_suit_number(run), c->component,
	    PST_SUIT_ACT_COMMAND, c->id);
	for (i = 0; err == PST_OK && i < run->param_count; i++) {
		if (p[i].component == c->component &&
		    takes(c->id, t, p[i].label))
			err = pst_suit_may(run, p[i].setter, c->component,
			    PST_SUIT_ACT_PARAMETER, p[i].label);
	}
	return err;
}
