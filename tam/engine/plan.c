/*
 * The planner. tc-list has no sequence numbers, so what is installed is
 * recognised by the digest of its manifest: the agent lists each root
 * manifest as {0: manifest-component-id, 3: digest}.
 *
 * Lists are short (PST_TAM_TARGETS_MAX at most) and are walked, not indexed.
 */
#include <tam/engine/plan.h>

#include <string.h>

bool
pst_tam_digest_equal(
    const struct pst_suit_digest *a, const struct pst_suit_digest *b)
{
	return a->alg != 0 && a->alg == b->alg && pst_equal(a->bytes, b->bytes);
}

bool
pst_tam_same(struct pst_bytes a, struct pst_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The reported entry of this manifest or component. */
static bool
find_reported(
    const struct pst_tam_state *s, struct pst_bytes id, struct pst_teep_tc *tc)
{
	struct pst_list list = s->reported;

	while (pst_teep_next_tc(&list, tc)) {
		if (pst_tam_same(tc->component_id, id))
			return true;
	}
	return false;
}

static bool
list_has(struct pst_list list, struct pst_bytes id)
{
	struct pst_bytes item;

	while (pst_list_next(&list, &item)) {
		if (pst_tam_same(item, id))
			return true;
	}
	return false;
}

static bool
provides(const struct pst_tam_target *t, struct pst_bytes component)
{
	return pst_tam_same(t->manifest_id, component) ||
	    list_has(t->components, component);
}

/* Does the device ask for what t brings, in a version that t satisfies? */
static bool
asked_for(const struct pst_tam_state *s, const struct pst_tam_target *t)
{
	struct pst_list list = s->requested;
	struct pst_teep_requested r;

	while (pst_teep_next_requested(&list, &r)) {
		if (provides(t, r.component_id) && r.sequence <= t->sequence)
			return true;
	}
	return false;
}

static size_t
refused_requests(const struct pst_tam_state *s)
{
	struct pst_list list = s->requested;
	struct pst_teep_requested r;
	size_t refused = 0, i;

	while (pst_teep_next_requested(&list, &r)) {
		for (i = 0; i < s->target_count; i++) {
			if (provides(&s->targets[i], r.component_id))
				break;
		}
		if (i == s->target_count)
			refused++;
	}
	return refused;
}

static bool
entry_of(const struct pst_tam_state *s, struct pst_bytes manifest_id,
    struct pst_tam_entry *out)
{
	struct pst_list lines;

	if (pst_tam_ledger_read(s->ledger, &lines) != PST_OK)
		return false;
	while (pst_tam_ledger_next(&lines, out)) {
		if (pst_tam_same(out->manifest_id, manifest_id))
			return true;
	}
	return false;
}

/* Did exactly this manifest fail so lately that it has to wait? */
static bool
waits(const struct pst_tam_state *s, const struct pst_tam_target *t)
{
	struct pst_tam_entry e;

	return entry_of(s, t->manifest_id, &e) && e.retry_s > s->now_s &&
	    pst_tam_digest_equal(&e.digest, &t->digest);
}

/* An unlink fails for what is installed, whatever is newest here. */
static bool
unlink_waits(const struct pst_tam_state *s, struct pst_bytes manifest_id)
{
	struct pst_tam_entry e;

	return entry_of(s, manifest_id, &e) && e.retry_s > s->now_s;
}

static void
add_unlink(struct pst_tam_plan *p, struct pst_bytes id, size_t *bytes)
{
	if (p->unlink_count == PST_TAM_TARGETS_MAX ||
	    id.len > PST_TAM_UNLINK_BYTES - *bytes) {
		p->later++;
		return;
	}
	p->unlink[p->unlink_count++] = id;
	*bytes += id.len;
}

/* What fits goes now, the rest with the next session. */
static void
add_send(struct pst_tam_plan *p, const struct pst_tam_target *t, size_t *room)
{
	const size_t head = 9;

	if (p->send_count == PST_TAM_TARGETS_MAX || t->envelope_len > *room ||
	    *room - t->envelope_len < head) {
		p->later++;
		return;
	}
	p->send[p->send_count++] = t;
	*room -= t->envelope_len + head;
}

static void
judge_target(const struct pst_tam_state *s, const struct pst_tam_target *t,
    struct pst_tam_plan *p, size_t *room, size_t *unlink_bytes)
{
	struct pst_teep_tc tc;
	struct pst_suit_digest have = { 0, { NULL, 0 } };
	bool installed = find_reported(s, t->manifest_id, &tc);
	bool asked = t->on_request && asked_for(s, t);

	if (installed)
		have = (struct pst_suit_digest){ tc.digest_alg, tc.digest };
	if (t->on_request && installed && !asked &&
	    list_has(s->unneeded, t->manifest_id)) {
		if (unlink_waits(s, t->manifest_id))
			p->backing_off++;
		else
			add_unlink(p, t->manifest_id, unlink_bytes);
		return;
	}
	if (t->on_request && !installed && !asked)
		return;
	if (pst_tam_digest_equal(&have, &t->digest))
		return;
	if (waits(s, t)) {
		p->backing_off++;
		return;
	}
	add_send(p, t, room);
}

static bool
is_target(const struct pst_tam_state *s, struct pst_bytes manifest_id)
{
	size_t i;

	for (i = 0; i < s->target_count; i++) {
		if (pst_tam_same(s->targets[i].manifest_id, manifest_id))
			return true;
	}
	return false;
}

/*
 * Unlink what this TAM delivered and nobody assigns any more. Manifests that
 * it never sent are somebody else's and stay.
 */
static enum pst_err
judge_ledger(
    const struct pst_tam_state *s, struct pst_tam_plan *p, size_t *bytes)
{
	struct pst_list lines;
	struct pst_tam_entry e;
	struct pst_teep_tc tc;
	enum pst_err err;

	err = pst_tam_ledger_read(s->ledger, &lines);
	if (err != PST_OK)
		return err;
	while (pst_tam_ledger_next(&lines, &e)) {
		if (is_target(s, e.manifest_id) ||
		    !find_reported(s, e.manifest_id, &tc))
			continue;
		if (e.retry_s > s->now_s)
			p->backing_off++;
		else
			add_unlink(p, e.manifest_id, bytes);
	}
	return PST_OK;
}

enum pst_err
pst_tam_plan_make(const struct pst_tam_state *s, struct pst_tam_plan *out)
{
	size_t i, room = s->room, bytes = 0;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < s->target_count; i++)
		if (!s->remedy || s->targets[i].remediation)
			judge_target(s, &s->targets[i], out, &room, &bytes);
	if (s->remedy)
		return PST_OK;
	out->refused = refused_requests(s);
	return judge_ledger(s, out, &bytes);
}

/* --- what an Update carries -------------------------------------------- */

/* pending = [[* system-property-claims], [* SUIT_Component_Identifier]] */
void
pst_tam_pending_put(struct pst_cbor_writer *w, const struct pst_tam_plan *plan)
{
	size_t i;

	pst_cbor_put_array(w, 2);
	pst_cbor_put_array(w, plan->send_count);
	for (i = 0; i < plan->send_count; i++) {
		struct pst_teep_tc tc = {
			.component_id = plan->send[i]->manifest_id,
			.digest_alg = plan->send[i]->digest.alg,
			.digest = plan->send[i]->digest.bytes,
		};

		pst_teep_put_tc(w, &tc);
	}
	pst_cbor_put_array(w, plan->unlink_count);
	for (i = 0; i < plan->unlink_count; i++)
		pst_cbor_put_raw(w, plan->unlink[i]);
}

enum pst_err
pst_tam_pending_read(struct pst_bytes pending, struct pst_list *installed,
    struct pst_list *removed)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(installed, 0, sizeof(*installed));
	memset(removed, 0, sizeof(*removed));
	if (pending.len == 0)
		return PST_OK;
	pst_cbor_reader_init(&r, pending);
	(void)pst_cbor_array(&r, 2, 2);
	*installed = pst_cbor_list(&r, 0, PST_TAM_TARGETS_MAX);
	*removed = pst_cbor_list(&r, 0, PST_TAM_TARGETS_MAX);
	err = pst_cbor_end(&r);
	if (err != PST_OK) {
		memset(installed, 0, sizeof(*installed));
		memset(removed, 0, sizeof(*removed));
	}
	return err;
}
