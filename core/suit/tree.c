/*
 * The manifests of a run and their components (draft-ietf-suit-trust-domains,
 * Section 6). A component identifier that several manifests have is one place.
 */
#include "suit_run.h"

/* Dependency `number`; NULL when there is none. */
static const struct pst_suit_loaded *
loaded(const struct pst_suit_run *run, uint32_t number)
{
	const struct pst_suit_loaded *l = run->loaded;

	while (l != NULL && l->number != number)
		l = l->next;
	return l;
}

const struct pst_suit_manifest *
pst_suit_tree_manifest(const struct pst_suit_run *run, uint32_t number)
{
	const struct pst_suit_loaded *l;

	if (number == 0)
		return run->root;
	l = loaded(run, number);
	return l != NULL ? &l->m : NULL;
}

const struct pst_suit_manifest *
pst_suit_run_manifest(
    const struct pst_suit_run *run, uint32_t number, uint32_t *place)
{
	const struct pst_suit_loaded *l = loaded(run, number);

	*place = l != NULL ? l->place : UINT32_MAX;
	return pst_suit_tree_manifest(run, number);
}

uint32_t
pst_suit_run_place_of(
    const struct pst_suit_run *run, uint32_t number, size_t index)
{
	const struct pst_suit_loaded *l = loaded(run, number);

	if (number == 0 && index < run->root->index_count)
		return (uint32_t)index;
	if (l == NULL || index >= l->m.index_count)
		return UINT32_MAX;
	return l->components[index].place;
}

uint32_t
pst_suit_place(const struct pst_suit_run *run, uint32_t index)
{
	uint32_t place =
	    pst_suit_run_place_of(run, pst_suit_number(run), index);

	/* A manifest without components has the index 0 all the same. */
	return place == UINT32_MAX ? 0 : place;
}

struct pst_bytes
pst_suit_run_place(const struct pst_suit_run *run, uint32_t index)
{
	const struct pst_suit_loaded *l;
	struct pst_bytes id = { NULL, 0 };
	uint32_t i;

	if (index < run->root->index_count)
		return pst_suit_component(run->root, index);
	for (l = run->loaded; l != NULL; l = l->next) {
		for (i = 0; i < l->m.index_count; i++) {
			if (l->components[i].place != index)
				continue;
			id.ptr = l->components[i].id;
			id.len = l->components[i].id_len;
			return id;
		}
	}
	return id;
}
