/*
 * References between manifests and components as a graph (trust-domains,
 * suit-directive-unlink). A LINK is an edge: from where a manifest is kept, a
 * root manifest's identifier or a dependency's component, to a component. What
 * no root manifest reaches is gone. A count is not enough for that: two
 * dependencies may refer to each other's components.
 *
 * Edges are marked in their own records while a manifest is processed, so
 * there is no recursion and no memory for it: marks spread until nothing
 * changes, at most once for each level of a tree.
 */
#include "agent/agent_internal.h"

/* LINK records: n3 */
enum { UNMARKED = 0, MARKED = 1 };

static bool
is_root(const struct pst_registry *reg, struct pst_bytes id)
{
	struct pst_reg_record r;

	return pst_reg_find(reg, PST_REG_MANIFEST, id, PST_REG_ANY, &r) &&
	    r.n[1] != 0;
}

/* Does an edge that is marked lead to this component? */
static bool
reached(const struct pst_registry *reg, struct pst_bytes id)
{
	struct pst_reg_record link;
	size_t at = 0;

	while (pst_reg_seek(reg, &at, PST_REG_LINK, PST_REG_ANY, id, &link)) {
		if (link.n[3] == MARKED)
			return true;
	}
	return false;
}

/* One step further from where marks are; false: there is none. */
static bool
spread(struct pst_registry *reg)
{
	struct pst_reg_record link;
	bool changed = false;
	size_t at = 0;

	while (pst_reg_seek(
	    reg, &at, PST_REG_LINK, PST_REG_ANY, PST_REG_ANY, &link)) {
		if (link.n[3] == MARKED || !reached(reg, link.key))
			continue;
		link.n[3] = MARKED;
		pst_reg_renumber(reg, &link);
		changed = true;
	}
	return changed;
}

void
pst_agent_links_mark(struct pst_agent *a, struct pst_bytes but)
{
	struct pst_registry *reg = &a->staged;
	struct pst_reg_record link;
	size_t at = 0;

	while (pst_reg_seek(
	    reg, &at, PST_REG_LINK, PST_REG_ANY, PST_REG_ANY, &link)) {
		link.n[3] = is_root(reg, link.key) && !pst_same(link.key, but)
		    ? MARKED
		    : UNMARKED;
		pst_reg_renumber(reg, &link);
	}
	while (spread(reg))
		;
}

bool
pst_agent_links_others(const struct pst_agent *a, struct pst_bytes component)
{
	return reached(&a->staged, component);
}

bool
pst_agent_links_more(
    const struct pst_agent *a, struct pst_bytes by, struct pst_bytes component)
{
	struct pst_reg_record link;
	size_t at = 0;

	while (pst_reg_seek(
	    &a->staged, &at, PST_REG_LINK, PST_REG_ANY, component, &link)) {
		if (!pst_same(link.key, by))
			return true;
	}
	return false;
}

/* Edges that no root manifest leads to. The others are left without marks. */
static void
drop_links(struct pst_registry *reg)
{
	struct pst_reg_record link;
	size_t at = 0;

	while (pst_reg_seek(
	    reg, &at, PST_REG_LINK, PST_REG_ANY, PST_REG_ANY, &link)) {
		if (link.n[3] == UNMARKED) {
			pst_reg_cut(reg, &link, &at);
			continue;
		}
		link.n[3] = UNMARKED;
		pst_reg_renumber(reg, &link);
	}
}

/* Components that nothing refers to, as far as this TAM reaches them. */
static enum pst_err
drop_components(struct pst_agent *a)
{
	struct pst_registry *reg = &a->staged;
	struct pst_reg_record r, link;
	size_t at = 0;

	while (pst_reg_seek(
	    reg, &at, PST_REG_COMPONENT, PST_REG_ANY, PST_REG_ANY, &r)) {
		if (pst_reg_find(reg, PST_REG_LINK, PST_REG_ANY, r.key, &link))
			continue;
		if (!pst_agent_tam_covers(a, a->update.tam, r.key))
			return PST_ERR_SUIT_UNAUTHORISED;
		pst_reg_cut(reg, &r, &at);
	}
	return PST_OK;
}

/* Versions of manifests that are not there any more. */
static void
drop_releases(struct pst_registry *reg)
{
	struct pst_reg_record r, found;
	size_t at = 0;

	while (pst_reg_seek(
	    reg, &at, PST_REG_RELEASE, PST_REG_ANY, PST_REG_ANY, &r)) {
		if (!is_root(reg, r.key) &&
		    !pst_reg_find(
			reg, PST_REG_COMPONENT, r.key, PST_REG_ANY, &found))
			pst_reg_cut(reg, &r, &at);
	}
}

enum pst_err
pst_agent_links_sweep(struct pst_agent *a)
{
	enum pst_err err;

	pst_agent_links_mark(a, PST_NOTHING);
	drop_links(&a->staged);
	err = drop_components(a);
	if (err == PST_OK)
		drop_releases(&a->staged);
	return err;
}
