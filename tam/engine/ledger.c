/*
 * The ledger of a device: one line for each manifest that this TAM sent to
 * it, so that an assignment that is taken back leads to an unlink, and a
 * manifest that failed is not sent again at every poll.
 *
 *	ledger = [* [manifest-component-id, SUIT_Digest, failures: uint,
 *	    retry_s: uint, reason: uint]]
 *
 * It lives in the device's row: one read and one write with everything else.
 */
#include <tam/engine/plan.h>

#include <string.h>

/* Twice a line a target: lines of what is being unlinked remain a while. */
#define LINES_MAX (2 * PST_TAM_TARGETS_MAX)

enum pst_err
pst_tam_ledger_read(struct pst_bytes ledger, struct pst_list *lines)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(lines, 0, sizeof(*lines));
	if (ledger.len == 0)
		return PST_OK;
	pst_cbor_reader_init(&r, ledger);
	*lines = pst_cbor_list(&r, 0, LINES_MAX);
	err = pst_cbor_end(&r);
	if (err != PST_OK)
		memset(lines, 0, sizeof(*lines));
	return err;
}

bool
pst_tam_ledger_next(struct pst_list *lines, struct pst_tam_entry *out)
{
	struct pst_cbor_reader r;
	struct pst_bytes item;
	struct pst_tam_entry e;

	memset(out, 0, sizeof(*out));
	if (!pst_list_next(lines, &item))
		return false;
	pst_cbor_reader_init(&r, item);
	(void)pst_cbor_array(&r, 5, 5);
	e.manifest_id = pst_cbor_item(&r);
	e.digest = pst_suit_digest_read(&r);
	e.failures = (uint32_t)pst_cbor_uint(&r, UINT32_MAX);
	e.retry_s = pst_cbor_uint(&r, UINT64_MAX);
	e.reason = (uint32_t)pst_cbor_uint(&r, UINT32_MAX);
	if (pst_cbor_end(&r) != PST_OK)
		return false;
	*out = e;
	return true;
}

static void
put_line(struct pst_cbor_writer *w, const struct pst_tam_entry *e)
{
	pst_cbor_put_array(w, 5);
	pst_cbor_put_raw(w, e->manifest_id);
	pst_suit_digest_put(w, &e->digest);
	pst_cbor_put_uint(w, e->failures);
	pst_cbor_put_uint(w, e->retry_s);
	pst_cbor_put_uint(w, e->reason);
}

static bool
reported(struct pst_list list, struct pst_bytes id)
{
	struct pst_teep_tc tc;

	while (pst_teep_next_tc(&list, &tc)) {
		if (pst_tam_same(tc.component_id, id))
			return true;
	}
	return false;
}

static const struct pst_tam_target *
sent(const struct pst_tam_plan *plan, struct pst_bytes id)
{
	size_t i;

	for (i = 0; i < plan->send_count; i++) {
		if (pst_tam_same(plan->send[i]->manifest_id, id))
			return plan->send[i];
	}
	return NULL;
}

static bool
target(const struct pst_tam_state *s, struct pst_bytes id)
{
	size_t i;

	for (i = 0; i < s->target_count; i++) {
		if (pst_tam_same(s->targets[i].manifest_id, id))
			return true;
	}
	return false;
}

/* The line of what is sent now keeps its count of failures only for the very
 * same manifest. */
static void
put_sent(struct pst_cbor_writer *w, struct pst_bytes ledger,
    const struct pst_tam_target *t)
{
	struct pst_tam_entry e, line;
	struct pst_list lines;

	memset(&line, 0, sizeof(line));
	line.manifest_id = t->manifest_id;
	line.digest = t->digest;
	if (pst_tam_ledger_read(ledger, &lines) == PST_OK) {
		while (pst_tam_ledger_next(&lines, &e)) {
			if (pst_tam_same(e.manifest_id, t->manifest_id) &&
			    pst_tam_digest_equal(&e.digest, &t->digest))
				line = e;
		}
	}
	put_line(w, &line);
}

static bool
has_line(struct pst_bytes ledger, struct pst_bytes id)
{
	struct pst_list lines;
	struct pst_tam_entry e;

	if (pst_tam_ledger_read(ledger, &lines) != PST_OK)
		return false;
	while (pst_tam_ledger_next(&lines, &e)) {
		if (pst_tam_same(e.manifest_id, id))
			return true;
	}
	return false;
}

/* What is unlinked without having been sent from here gets a line too, so
 * that an unlink that fails waits. */
static bool
put_unlinked(struct pst_cbor_writer *w, const struct pst_tam_state *s,
    struct pst_bytes id)
{
	struct pst_list list = s->reported;
	struct pst_tam_entry line;
	struct pst_teep_tc tc;

	if (has_line(s->ledger, id))
		return false;
	while (pst_teep_next_tc(&list, &tc)) {
		if (!pst_tam_same(tc.component_id, id) || tc.digest_alg == 0)
			continue;
		memset(&line, 0, sizeof(line));
		line.manifest_id = id;
		line.digest =
		    (struct pst_suit_digest){ tc.digest_alg, tc.digest };
		put_line(w, &line);
		return true;
	}
	return false;
}

void
pst_tam_ledger_sent(struct pst_cbor_writer *w, const struct pst_tam_state *s,
    const struct pst_tam_plan *plan)
{
	struct pst_list lines;
	struct pst_tam_entry e;
	size_t mark = pst_cbor_wrap_begin(w);
	size_t count = 0, i;

	if (pst_tam_ledger_read(s->ledger, &lines) != PST_OK)
		lines.count = 0;
	while (count < LINES_MAX && pst_tam_ledger_next(&lines, &e)) {
		if (sent(plan, e.manifest_id) != NULL)
			continue;
		if (!target(s, e.manifest_id) &&
		    !reported(s->reported, e.manifest_id))
			continue;
		put_line(w, &e);
		count++;
	}
	for (i = 0; i < plan->send_count && count < LINES_MAX; i++, count++)
		put_sent(w, s->ledger, plan->send[i]);
	for (i = 0; i < plan->unlink_count && count < LINES_MAX; i++)
		count += put_unlinked(w, s, plan->unlink[i]);
	pst_cbor_wrap_array(w, mark, count);
}

static const struct pst_tam_report *
report_of(const struct pst_tam_outcome *o, const struct pst_suit_digest *digest)
{
	size_t i;

	for (i = 0; i < o->report_count; i++) {
		if (pst_tam_digest_equal(&o->reports[i].manifest, digest))
			return &o->reports[i];
	}
	return NULL;
}

/* Does any report name a failure of what this ledger knows? Then that is the
 * cause, and the rest of the Update only went down with it. */
static bool
culprit_known(struct pst_list lines, const struct pst_tam_outcome *o)
{
	const struct pst_tam_report *r;
	struct pst_tam_entry e;

	while (pst_tam_ledger_next(&lines, &e)) {
		r = report_of(o, &e.digest);
		if (r != NULL && !r->success)
			return true;
	}
	return false;
}

static bool
part_of(const struct pst_tam_outcome *o, struct pst_bytes id)
{
	struct pst_list list = o->removed;
	struct pst_bytes item;

	if (reported(o->installed, id))
		return true;
	while (pst_list_next(&list, &item)) {
		if (pst_tam_same(item, id))
			return true;
	}
	return false;
}

static void
back_off(struct pst_tam_entry *e, const struct pst_tam_outcome *o,
    const struct pst_tam_report *r)
{
	uint64_t wait = o->backoff_s;
	uint32_t i;

	for (i = 0; i < e->failures && wait < o->backoff_max_s; i++)
		wait *= 2;
	if (wait > o->backoff_max_s)
		wait = o->backoff_max_s;
	if (e->failures < UINT32_MAX)
		e->failures++;
	e->retry_s = o->now_s + wait;
	e->reason = r != NULL ? (uint32_t)r->reason
			      : (uint32_t)PST_SUIT_REASON_OPERATION_FAILED;
}

void
pst_tam_ledger_answered(struct pst_cbor_writer *w, struct pst_bytes ledger,
    const struct pst_tam_outcome *o)
{
	const struct pst_tam_report *r;
	struct pst_list lines;
	struct pst_tam_entry e;
	size_t mark = pst_cbor_wrap_begin(w);
	size_t count = 0;
	bool known;

	if (pst_tam_ledger_read(ledger, &lines) != PST_OK)
		lines.count = 0;
	known = culprit_known(lines, o);
	for (; pst_tam_ledger_next(&lines, &e); count++) {
		r = report_of(o, &e.digest);
		if (part_of(o, e.manifest_id)) {
			bool bad = known ? r != NULL && !r->success : o->failed;

			if (bad && o->penalty)
				back_off(&e, o, r);
			else if (!bad && !o->failed)
				e.failures = 0, e.retry_s = 0, e.reason = 0;
		}
		put_line(w, &e);
	}
	pst_cbor_wrap_array(w, mark, count);
}
