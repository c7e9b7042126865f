/*
 * RequestTA, UnrequestTA, RequestPolicyCheck and ProcessError (RFC 9397,
 * Section 6.2.1; draft-ietf-teep-protocol, Section 7.2).
 *
 * All of them come from the normal world, which may be hostile: repeated
 * requests are declined, and their number is bounded (RFC 9397, Section 9.3).
 */
#include "agent/agent_internal.h"

static enum pst_err
begin(const struct pst_agent *a, struct pst_bytes component,
    struct pst_agent_out *out)
{
	memset(out, 0, sizeof(*out));
	if (!a->open)
		return PST_ERR_STATE;
	if (component.len > PST_SUIT_ID_MAX ||
	    !pst_component_id_valid(component))
		return PST_ERR_ARG;
	return PST_OK;
}

static enum pst_err
now(const struct pst_agent *a, uint64_t *now_s)
{
	const struct pst_clock *clock = a->ports.clock;
	bool trusted = false;

	return clock->now(clock->ctx, now_s, &trusted);
}

static bool
within(uint64_t now_s, uint64_t then_s, uint64_t interval_s)
{
	/* A clock that went back says nothing about the time that passed. */
	return now_s >= then_s && now_s - then_s < interval_s;
}

/*
 * The caller's suggestion counts only when it names an anchored TAM that may
 * install the component; else the first such TAM of the configuration.
 */
static enum pst_err
choose_tam(const struct pst_agent *a, struct pst_bytes component,
    struct pst_bytes uri, uint32_t *tam)
{
	uint32_t i, found = UINT32_MAX;

	for (i = 0; i < a->config->tam_count; i++) {
		if (!pst_agent_tam_covers(a, i, component))
			continue;
		if (uri.len > 0 && pst_same(a->config->tams[i].uri, uri)) {
			*tam = i;
			return PST_OK;
		}
		if (found == UINT32_MAX)
			found = i;
	}
	*tam = found;
	return found == UINT32_MAX ? PST_ERR_AGENT_TAM : PST_OK;
}

/* Room for one more request: the oldest goes when its time is over. */
static enum pst_err
make_room(struct pst_agent *a, uint64_t now_s)
{
	struct pst_reg_record r;
	size_t at = 0;

	if (pst_reg_count(&a->registry, PST_REG_REQUEST, PST_REG_ANY,
		PST_REG_ANY) < PST_AGENT_REQUESTS_MAX)
		return PST_OK;
	/* They stand in the order of their times. */
	if (!pst_reg_seek(&a->registry, &at, PST_REG_REQUEST, PST_REG_ANY,
		PST_REG_ANY, &r) ||
	    within(now_s, r.n[0], PST_AGENT_REQUEST_INTERVAL_S))
		return PST_ERR_AGENT_RATE;
	pst_reg_remove_first(
	    &a->registry, PST_REG_REQUEST, PST_REG_ANY, PST_REG_ANY);
	return PST_OK;
}

/*
 * This manifest is not needed any more. It may be said again within the
 * interval only when it was not taken back: every such change is a commit and
 * a session.
 */
static enum pst_err
mark(struct pst_agent *a, struct pst_bytes manifest, uint64_t now_s,
    bool *changed)
{
	struct pst_reg_record r = { .kind = PST_REG_UNNEEDED }, had;

	if (pst_reg_find(
		&a->registry, PST_REG_UNNEEDED, manifest, PST_REG_ANY, &had)) {
		if (had.n[1] == 0)
			return PST_OK;
		if (within(now_s, had.n[0], PST_AGENT_REQUEST_INTERVAL_S))
			return PST_ERR_AGENT_RATE;
	}
	*changed = true;
	r.key = manifest;
	r.n[0] = now_s;
	return pst_reg_put(&a->registry, &r);
}

/* It is needed again, which may be said at any time. */
static enum pst_err
unmark(struct pst_agent *a, struct pst_bytes manifest, bool *changed)
{
	struct pst_reg_record r;

	if (!pst_reg_find(
		&a->registry, PST_REG_UNNEEDED, manifest, PST_REG_ANY, &r) ||
	    r.n[1] != 0)
		return PST_OK;
	*changed = true;
	r.n[1] = 1;
	return pst_reg_put(&a->registry, &r);
}

/* The root manifests that refer to a component: unneeded, or needed again. */
static enum pst_err
mark_manifests(struct pst_agent *a, struct pst_bytes component, bool unneeded,
    uint64_t now_s, bool *changed)
{
	static const struct pst_registry nothing;
	struct pst_registry *reg = &a->registry;
	struct pst_reg_record link, root, whose = { .kind = PST_REG_COMPONENT };
	uint8_t id[PST_SUIT_ID_MAX];
	size_t at = 0;
	enum pst_err err = PST_OK;

	*changed = false;
	while (err == PST_OK &&
	    pst_reg_seek(
		reg, &at, PST_REG_LINK, PST_REG_ANY, component, &link)) {
		/* A mark that is put elsewhere moves what comes behind it. */
		struct pst_bytes manifest = { id, link.key.len };
		bool moved = false;

		pst_copy(id, link.key);
		if (!pst_reg_find(
			reg, PST_REG_MANIFEST, manifest, PST_REG_ANY, &root))
			continue;
		err = unneeded ? mark(a, manifest, now_s, &moved)
			       : unmark(a, manifest, &moved);
		if (moved)
			at = 0;
		*changed = *changed || moved;
	}
	if (err != PST_OK || !*changed || !unneeded)
		return err;
	whose.key = component;
	return pst_agent_share_check(
	    a, &nothing, reg, pst_agent_payer(reg, &whose));
}

static bool
installed(const struct pst_agent *a, struct pst_bytes component)
{
	struct pst_reg_record r;

	return pst_reg_find(
	    &a->registry, PST_REG_COMPONENT, component, PST_REG_ANY, &r);
}

static enum pst_err
needed_again(struct pst_agent *a, struct pst_bytes component)
{
	bool changed = false;
	enum pst_err err;

	err = mark_manifests(a, component, false, 0, &changed);
	if (err != PST_OK)
		pst_agent_reload(a);
	if (err != PST_OK || !changed)
		return err;
	return pst_agent_commit(a);
}

enum pst_err
pst_agent_request_note(
    struct pst_agent *a, struct pst_reg_record *r, bool *lately)
{
	struct pst_reg_record had;
	uint64_t now_s = 0;
	enum pst_err err;

	*lately = false;
	err = now(a, &now_s);
	if (err != PST_OK)
		return err;
	if (pst_reg_find(
		&a->registry, PST_REG_REQUEST, r->key, PST_REG_ANY, &had)) {
		*lately = within(now_s, had.n[0], PST_AGENT_REQUEST_INTERVAL_S);
		if (*lately)
			return had.n[1] == 0 ? PST_OK : PST_ERR_AGENT_RATE;
		pst_reg_remove(
		    &a->registry, PST_REG_REQUEST, r->key, PST_REG_ANY);
	}
	err = make_room(a, now_s);
	if (err != PST_OK)
		return err;
	r->n[0] = now_s;
	err = pst_agent_note(a, &a->registry, r);
	if (err == PST_OK)
		return pst_agent_commit(a);
	pst_agent_reload(a);
	return err;
}

enum pst_err
pst_agent_request_ta(struct pst_agent *a, struct pst_bytes component,
    struct pst_bytes tam_uri, struct pst_agent_out *out)
{
	struct pst_reg_record r = { .kind = PST_REG_REQUEST, .key = component };
	uint32_t tam = 0;
	bool lately = false;
	enum pst_err err;

	err = begin(a, component, out);
	if (err != PST_OK)
		return err;
	if (installed(a, component))
		return needed_again(a, component);
	err = choose_tam(a, component, tam_uri, &tam);
	if (err != PST_OK)
		return err;
	r.other = pst_agent_tam_name(a, tam);
	err = pst_agent_request_note(a, &r, &lately);
	if (err != PST_OK || lately)
		return err;
	if (pst_agent_unsolicited(a, tam, out) == PST_OK)
		return PST_OK;
	pst_agent_connect(a, tam, out);
	return PST_OK;
}

/* The TAM that brought the component, if it may still remove it. */
static bool
installer(const struct pst_agent *a, struct pst_bytes component, uint32_t *tam)
{
	struct pst_reg_record link, m;

	if (!pst_reg_find(
		&a->registry, PST_REG_LINK, PST_REG_ANY, component, &link) ||
	    !pst_reg_find(
		&a->registry, PST_REG_MANIFEST, link.key, PST_REG_ANY, &m))
		return false;
	for (*tam = 0; *tam < a->config->tam_count; (*tam)++) {
		if (pst_same(pst_agent_tam_name(a, *tam), m.other))
			return pst_agent_tam_covers(a, *tam, m.key);
	}
	return false;
}

/* Its time is kept, so that it is not asked for again at once. In its place:
 * requests stand in the order of their times. */
static bool
withdraw(struct pst_agent *a, struct pst_bytes component)
{
	struct pst_reg_record r;

	if (!pst_reg_find(
		&a->registry, PST_REG_REQUEST, component, PST_REG_ANY, &r) ||
	    r.n[1] != 0)
		return false;
	r.n[1] = 1;
	pst_reg_renumber(&a->registry, &r);
	return true;
}

/* Note it; *changed: its TAM is to hear of it. Apart for its frame. */
static __attribute__((noinline)) enum pst_err
note_unneeded(struct pst_agent *a, struct pst_bytes component, bool *changed)
{
	uint64_t now_s = 0;
	bool asked;
	enum pst_err err = now(a, &now_s);

	if (err != PST_OK)
		return err;
	asked = withdraw(a, component);
	err = mark_manifests(a, component, true, now_s, changed);
	if (err != PST_OK) {
		pst_agent_reload(a);
		return err;
	}
	return asked || *changed ? pst_agent_commit(a) : PST_OK;
}

enum pst_err
pst_agent_unrequest_ta(
    struct pst_agent *a, struct pst_bytes component, struct pst_agent_out *out)
{
	uint32_t tam = 0;
	bool changed = false;
	enum pst_err err;

	err = begin(a, component, out);
	if (err == PST_OK)
		err = note_unneeded(a, component, &changed);
	if (err != PST_OK || !changed)
		return err;
	if (installer(a, component, &tam) ||
	    choose_tam(a, component, PST_NOTHING, &tam) == PST_OK)
		pst_agent_connect(a, tam, out);
	return PST_OK;
}

static bool
due(const struct pst_agent *a, uint32_t tam, uint64_t now_s)
{
	struct pst_reg_record r;

	return !pst_reg_find(&a->registry, PST_REG_TAM,
		   pst_agent_tam_name(a, tam), PST_REG_ANY, &r) ||
	    r.n[3] != 0 ||
	    !within(now_s, r.n[0], a->config->policy_interval_s) ||
	    pst_agent_wanted_due(a, tam);
}

static enum pst_err
note_contact(struct pst_agent *a, uint32_t tam, uint64_t now_s)
{
	struct pst_reg_record r;

	if (!pst_reg_find(&a->registry, PST_REG_TAM, pst_agent_tam_name(a, tam),
		PST_REG_ANY, &r)) {
		memset(&r, 0, sizeof(r));
		r.kind = PST_REG_TAM;
		r.key = pst_agent_tam_name(a, tam);
	}
	r.n[0] = now_s;
	r.n[3] = 0;
	if (pst_reg_put(&a->registry, &r) != PST_OK)
		return PST_ERR_SPACE;
	pst_agent_wanted_asked(a, tam);
	return pst_agent_commit(a);
}

/*
 * A TAM is given once in a round; the call that finds none left ends it, so
 * a host that asks until there is nothing gets each one once.
 *
 * Apart, so that its frame is not below an Update that is continued.
 */
static __attribute__((noinline)) enum pst_err
next_due(struct pst_agent *a, bool force, struct pst_agent_out *out)
{
	uint64_t now_s = 0;
	uint32_t i;
	enum pst_err err;

	err = now(a, &now_s);
	if (err != PST_OK)
		return err;
	for (i = 0; i < a->config->tam_count; i++) {
		if (a->round & (1u << i) || !(force || due(a, i, now_s)))
			continue;
		err = note_contact(a, i, now_s);
		if (err != PST_OK)
			return err;
		a->round |= 1u << i;
		pst_agent_connect(a, i, out);
		return PST_OK;
	}
	a->round = 0;
	return PST_OK;
}

enum pst_err
pst_agent_policy_check(
    struct pst_agent *a, bool force, struct pst_agent_out *out)
{
	memset(out, 0, sizeof(*out));
	if (!a->open)
		return PST_ERR_STATE;
	if (a->update.active)
		return pst_agent_update_continue(a, out);
	return next_due(a, force, out);
}

void
pst_agent_new_round(struct pst_agent *a)
{
	a->round = 0;
}

enum pst_err
pst_agent_error(struct pst_agent *a, uint32_t tam)
{
	struct pst_reg_record r;

	if (!a->open)
		return PST_ERR_STATE;
	if (tam >= a->config->tam_count)
		return PST_ERR_AGENT_TAM;
	/* No unsolicited QueryResponse until it has asked again. */
	if (!pst_reg_find(&a->registry, PST_REG_TAM, pst_agent_tam_name(a, tam),
		PST_REG_ANY, &r) ||
	    !(r.n[1] & PST_FACT_UNSOLICITED))
		return PST_OK;
	r.n[1] |= PST_FACT_UNREACHABLE;
	if (pst_reg_put(&a->registry, &r) != PST_OK)
		return PST_ERR_SPACE;
	return pst_agent_commit(a);
}
