#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int world_update[] = { PST_SUIT_PAYLOAD_FETCH, PST_SUIT_INSTALL,
	PST_SUIT_VALIDATE, 0 };

static void
note(struct world *w, const char *what, uint64_t n)
{
	size_t room = sizeof(w->log) - w->log_len;
	int len = snprintf(w->log + w->log_len, room, "%s %llu, ", what,
	    (unsigned long long)n);

	if (len > 0 && (size_t)len < room)
		w->log_len += (size_t)len;
	else
		w->log[w->log_len] = 0;
}

static bool
same(struct pst_bytes a, struct pst_bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct world_component *
world_find(struct world *w, struct pst_bytes name)
{
	struct world_component *c;
	size_t i;

	for (i = 0; i < w->count; i++) {
		c = &w->c[i];
		if (same((struct pst_bytes){ c->name, c->name_len }, name))
			return c;
	}
	if (w->count == WORLD_COMPONENTS || name.len > PST_SUIT_ID_MAX)
		abort();
	c = &w->c[w->count++];
	memcpy(c->name, name.ptr, name.len);
	c->name_len = name.len;
	return c;
}

static bool
has_right(const struct world *w, uint32_t who, struct pst_bytes name,
    struct pst_suit_act act)
{
	size_t i;

	for (i = 0; i < w->rights_count; i++) {
		const struct world_right *r = &w->rights[i];
		bool fits = r->parameter == 0 ||
		    (act.kind == PST_SUIT_ACT_PARAMETER &&
			act.label == r->parameter);

		if (r->who == who && same(r->name, name) && fits)
			return true;
	}
	return w->rights_count == 0;
}

static enum pst_err
authorise(void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name,
    struct pst_suit_act act)
{
	struct world *w = ctx;

	w->authorised++;
	if (act.kind != PST_SUIT_ACT_HOLD && !has_right(w, m->who, name, act))
		return PST_ERR_SUIT_UNAUTHORISED;
	if (act.kind != PST_SUIT_ACT_PARAMETER && w->refuse == act.label &&
	    (w->refuse_name.len == 0 || same(w->refuse_name, name)))
		return w->refuse_with;
	return PST_OK;
}

static enum pst_err
identify(void *ctx, struct pst_bytes name, enum pst_suit_parameter what,
    struct pst_bytes uuid)
{
	struct world *w = ctx;
	struct pst_bytes have = what == PST_SUIT_PARAM_VENDOR ? w->vendor
	    : what == PST_SUIT_PARAM_CLASS		      ? w->class_id
							      : w->device;

	(void)name;
	if (have.len == 0 || same(have, uuid))
		return PST_OK;
	return PST_ERR_SUIT_CONDITION;
}

static enum pst_err
slot(void *ctx, struct pst_bytes name, uint64_t n)
{
	struct world_component *c = world_find(ctx, name);

	return !c->has_slot || c->slot == n ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
write_begin(
    void *ctx, uint32_t index, struct pst_bytes name, uint64_t size_bytes)
{
	struct world *w = ctx;
	struct world_component *c = world_find(w, name);

	(void)size_bytes;
	note(w, "begin", index);
	w->now_index = (uint64_t)(c - w->c);
	free(c->next);
	c->next = NULL;
	c->next_len = 0;
	c->open = true;
	c->complete = false;
	c->uri_len = 0;
	return PST_OK;
}

static enum pst_err
write_chunk(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	struct world *w = ctx;
	struct world_component *c = &w->c[w->now_index];

	(void)index;
	if (w->fail_write != PST_OK)
		return w->fail_write;
	if (!c->open)
		abort();
	c->next = realloc(c->next, c->next_len + chunk.len);
	if (c->next == NULL)
		abort();
	memcpy(c->next + c->next_len, chunk.ptr, chunk.len);
	c->next_len += chunk.len;
	return PST_OK;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	struct world *w = ctx;
	struct world_component *c = &w->c[w->now_index];

	note(w, "end", index);
	free(c->data);
	c->data = c->next;
	c->len = c->next_len;
	c->next = NULL;
	c->next_len = 0;
	c->present = true;
	c->open = false;
	c->complete = true;
	return PST_OK;
}

static enum pst_err
read_content(void *ctx, uint32_t index, struct pst_bytes name, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	struct world *w = ctx;
	struct world_component *c = world_find(w, name);

	(void)index;
	if (!c->present)
		return PST_ERR_NOT_FOUND;
	*len = at < c->len ? c->len - (size_t)at : 0;
	if (*len > cap)
		*len = cap;
	if (w->read_max != 0 && *len > w->read_max)
		*len = w->read_max;
	if (*len > 0)
		memcpy(out, c->data + at, *len);
	return PST_OK;
}

static enum pst_err
fetched(void *ctx, uint32_t index, struct pst_bytes name, struct pst_bytes uri,
    struct pst_bytes info, uint64_t *have, bool *complete)
{
	struct world *w = ctx;
	struct world_component *c = world_find(w, name);
	struct pst_bytes old = { c->uri, c->uri_len };

	*have = 0;
	*complete = false;
	w->next_info = info;
	if (same(old, uri) && same(c->info, info) && (c->open || c->complete)) {
		*have = c->complete ? c->len : c->next_len;
		*complete = c->complete;
		w->now_index = (uint64_t)(c - w->c);
		note(w, "on", index);
	}
	return PST_OK;
}

static enum pst_err
unlink_component(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name)
{
	struct world *w = ctx;

	(void)m;
	world_find(w, name)->unlinks++;
	note(w, "unlink", (uint64_t)(world_find(w, name) - w->c));
	return PST_OK;
}

static enum pst_err
invoke(void *ctx, struct pst_bytes name, struct pst_bytes args)
{
	struct world *w = ctx;

	world_find(w, name)->invokes++;
	note(w, "invoke", args.len);
	return PST_OK;
}

static enum pst_err
now(void *ctx, uint64_t *seconds)
{
	struct world *w = ctx;

	/* Ten seconds go by in each wait. */
	*seconds = w->now_s + 10 * (uint64_t)w->waits;
	return w->no_clock ? PST_ERR_CLOCK : PST_OK;
}

static enum pst_err
battery(void *ctx, uint64_t *mwh)
{
	struct world *w = ctx;

	*mwh = w->battery_mwh;
	return PST_OK;
}

static enum pst_err
authorized(void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name,
    int64_t priority)
{
	struct world *w = ctx;

	(void)m;
	(void)name;
	return priority <= w->priority_max ? PST_OK : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
version(void *ctx, struct pst_bytes name, struct pst_bytes *out)
{
	struct world_component *c = world_find(ctx, name);

	out->ptr = c->version;
	out->len = c->version_len;
	return c->version_len > 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static enum pst_err
wait_event(void *ctx, struct pst_bytes name, enum pst_suit_event event,
    struct pst_bytes value)
{
	struct world *w = ctx;

	(void)name;
	if (event == w->no_event || value.len == 0)
		return PST_ERR_UNSUPPORTED;
	return w->waits < w->events_after || w->events_after < 0 ? PST_ERR_AGAIN
								 : PST_OK;
}

static enum pst_err
metadata(
    void *ctx, uint32_t index, struct pst_bytes name, struct pst_bytes content)
{
	struct world *w = ctx;

	(void)name;
	(void)content;
	note(w, "metadata", index);
	return PST_OK;
}

static void
exchange(struct world_component *a, struct world_component *b)
{
	uint8_t *data = a->data;
	size_t len = a->len;
	bool present = a->present;

	a->data = b->data;
	a->len = b->len;
	a->present = b->present;
	b->data = data;
	b->len = len;
	b->present = present;
}

static enum pst_err
swap(void *ctx, uint32_t index, struct pst_bytes name, uint32_t source_index,
    struct pst_bytes source)
{
	struct world *w = ctx;
	struct world_component *b = world_find(w, source);
	struct world_component *a = world_find(w, name);

	if (!b->present)
		return PST_ERR_NOT_FOUND;
	if (w->swaps == WORLD_SWAPS)
		return PST_ERR_LIMIT; /* no more can be undone */
	note(w, "swap", index);
	note(w, "with", source_index);
	exchange(a, b);
	w->swapped[w->swaps][0] = a;
	w->swapped[w->swaps++][1] = b;
	return PST_OK;
}

static enum pst_err
references(void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name,
    bool *others)
{
	const struct world *w = ctx;
	size_t i;

	(void)m;
	*others = false;
	for (i = 0; i < w->others_count; i++)
		*others = *others || same(w->others[i], name);
	return PST_OK;
}

static enum pst_err
accept_dependency(void *ctx, const struct pst_suit_manifest *m, uint32_t index,
    struct pst_bytes name)
{
	const struct world *w = ctx;

	(void)index;
	(void)name;
	return m->sequence < w->oldest ? PST_ERR_SUIT_SEQUENCE : PST_OK;
}

static enum pst_err
custom_command(void *ctx, const struct pst_suit_manifest *m, uint32_t index,
    struct pst_bytes name, int64_t label, struct pst_bytes argument)
{
	struct world *w = ctx;
	struct pst_bytes value;

	(void)m;
	(void)name;
	if (label != -300)
		return PST_ERR_SUIT_COMMAND;
	note(w, "custom", index);
	return pst_suit_run_parameter(&w->run, index, label, &value) &&
		same(value, argument)
	    ? PST_OK
	    : PST_ERR_SUIT_CONDITION;
}

static enum pst_err
custom_parameter(void *ctx, const struct pst_suit_manifest *m,
    struct pst_bytes name, int64_t label, struct pst_bytes value)
{
	(void)ctx;
	(void)m;
	(void)name;
	return label == -300 && value.len <= 9 ? PST_OK
					       : PST_ERR_SUIT_PARAMETER;
}

static enum pst_err
fetch_arguments(void *ctx, uint32_t index, struct pst_bytes name,
    struct pst_bytes uri, struct pst_bytes arguments)
{
	(void)name;
	(void)uri;
	note(ctx, "arguments", index);
	return arguments.len > 0 ? PST_OK : PST_ERR_SUIT_PARAMETER;
}

void
world_custom(struct world *w)
{
	w->host.command = custom_command;
	w->host.parameter = custom_parameter;
	w->host.fetch_arguments = fetch_arguments;
}

void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->host = (struct pst_suit_host){ w, authorise, identify, slot,
		write_begin, write_chunk, write_end, read_content, fetched,
		unlink_component, invoke, now, battery, authorized, version,
		wait_event, metadata, swap, references, accept_dependency, NULL,
		NULL, NULL };
	w->refuse = INT64_MIN;
	w->refuse_with = PST_ERR_SUIT_UNAUTHORISED;
	w->memory.params = w->params;
	w->memory.param_cap = WORLD_PARAMS;
	w->memory.work = w->work;
	w->memory.work_cap = sizeof(w->work);
	w->memory.arena = w->arena;
	w->memory.arena_cap = sizeof(w->arena);
}

void
world_free(struct world *w)
{
	size_t i;

	for (i = 0; i < w->count; i++) {
		free(w->c[i].data);
		free(w->c[i].next);
	}
	w->count = 0;
}

void
world_install(struct world *w, struct pst_bytes name, struct pst_bytes content)
{
	struct world_component *c = world_find(w, name);

	free(c->data);
	c->data = malloc(content.len + 1);
	if (c->data == NULL)
		abort();
	if (content.len > 0)
		memcpy(c->data, content.ptr, content.len);
	c->len = content.len;
	c->present = true;
}

void
world_serve(struct world *w, const char *uri, struct pst_bytes data)
{
	w->payload[w->payload_count++] = (struct world_payload){ uri, data };
}

bool
world_holds(struct world *w, struct pst_bytes name, struct pst_bytes content)
{
	struct world_component *c = world_find(w, name);

	return c->present && !c->open &&
	    same((struct pst_bytes){ c->data, c->len }, content);
}

static const struct world_payload *
served(const struct world *w, struct pst_bytes uri)
{
	size_t i;

	for (i = 0; i < w->payload_count; i++) {
		const char *name = w->payload[i].uri;

		if (same((struct pst_bytes){ (const uint8_t *)name,
			     strlen(name) },
			uri))
			return &w->payload[i];
	}
	return NULL;
}

/* The host's journal: which payload the open component is being filled with. */
static void
journal(struct world *w)
{
	struct world_component *c = &w->c[w->now_index];

	memcpy(c->uri, w->run.fetch_uri.ptr, w->run.fetch_uri.len);
	c->uri_len = w->run.fetch_uri.len;
	c->info = w->next_info;
}

/* Time goes by; a device that never sees the event gives up. */
static enum pst_err
look_again(struct world *w)
{
	struct pst_bytes none = { NULL, 0 };

	note(w, "wait", w->run.event);
	w->suspensions++;
	return pst_suit_resume(&w->run,
	    w->waits++ < WORLD_WAITS ? PST_OK : PST_ERR_BUSY, none, false);
}

static enum pst_err
deliver(struct world *w)
{
	const struct world_payload *p = served(w, w->run.fetch_uri);
	struct world_payload any = { "", w->serve_any };
	struct pst_bytes chunk = { NULL, 0 };
	uint64_t at = w->run.fetch_at;

	w->fetched_uri = w->run.fetch_uri;
	w->suspensions++;
	journal(w);
	if (w->run.image_bytes < any.data.len)
		any.data.len = (size_t)w->run.image_bytes;
	if (p == NULL && any.data.len > 0)
		p = &any;
	if (p == NULL)
		return pst_suit_resume(&w->run, PST_ERR_FETCH, chunk, true);
	if (at > p->data.len)
		abort();
	chunk.ptr = p->data.ptr + at;
	chunk.len = p->data.len - (size_t)at;
	if (w->chunk != 0 && chunk.len > w->chunk)
		chunk.len = w->chunk;
	return pst_suit_resume(
	    &w->run, PST_OK, chunk, at + chunk.len == p->data.len);
}

enum pst_err
world_begin(struct world *w, struct pst_suit_run *run,
    const struct pst_suit_manifest *m, const struct pst_crypto *crypto)
{
	const struct pst_suit_run_args args = { crypto, &w->host, &w->report,
		w->keys, w->memory };

	return pst_suit_run_begin(run, m, &args);
}

static enum pst_err
begin(struct world *w, const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto)
{
	/* What a run that ended early has done is not seen by the next. */
	while (w->swaps > 0) {
		w->swaps--;
		exchange(w->swapped[w->swaps][0], w->swapped[w->swaps][1]);
	}
	/* What a caller's memory holds before must not matter. */
	memset(&w->run, 0xa5, sizeof(w->run));
	pst_suit_report_init(&w->report, w->records, sizeof(w->records));
	return world_begin(w, &w->run, m, crypto);
}

/* What was not written to its end is dropped with the transaction. */
static void
drop_open(struct world *w)
{
	size_t i;

	for (i = 0; i < w->count; i++) {
		free(w->c[i].next);
		w->c[i].next = NULL;
		w->c[i].next_len = 0;
		w->c[i].open = false;
	}
}

enum pst_err
world_run(struct world *w, const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, const int *sections)
{
	enum pst_err err;
	size_t i;

again:
	err = begin(w, m, crypto);
	for (i = 0; err == PST_OK && sections[i] != 0; i++) {
		err = pst_suit_run(&w->run, (enum pst_suit_label)sections[i]);
		while (err == PST_ERR_AGAIN) {
			err = w->run.event != 0 ? look_again(w) : deliver(w);
			/* Two payloads in turn for one component would never
			 * both be complete if every chunk were the last. */
			if (w->rebuild && err == PST_ERR_AGAIN &&
			    w->suspensions < WORLD_REBUILDS) {
				pst_suit_run_abandon(&w->run);
				goto again;
			}
		}
	}
	if (err == PST_OK)
		err = pst_suit_run_end(&w->run);
	pst_suit_run_abandon(&w->run);
	if (err != PST_OK)
		drop_open(w);
	return err;
}
