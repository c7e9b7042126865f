/*
 * The device: what its components hold, and why. The account is kept by what
 * passes through the host's functions and through the crypto port; it knows
 * what the manifests say and nothing of the state of the run.
 */
#include <string.h>

#include "tree.h"

static struct device *now;

static struct place *
place_of(struct device *d, struct pst_bytes name)
{
	struct place *p;
	size_t i;

	for (i = 0; i < d->count; i++) {
		p = &d->places[i];
		if (p->name_len == name.len &&
		    memcmp(p->name, name.ptr, name.len) == 0)
			return p;
	}
	MUST(d->count < PLACES && name.len <= sizeof(p->name));
	p = &d->places[d->count++];
	memset(p, 0, sizeof(*p));
	memcpy(p->name, name.ptr, name.len);
	p->name_len = name.len;
	p->installed = p->staged = p->kept = -1;
	return p;
}

static uint32_t
letter_of(const struct place *p)
{
	return 1u << program_letter((struct pst_bytes){ p->name, p->name_len });
}

static int
content(const struct place *p)
{
	if (p->staged >= 0)
		return p->staged;
	return p->gone ? -1 : p->installed;
}

/* A new content, copied; -1 when there is no room. */
static int
object(struct device *d, struct pst_bytes data, uint32_t letters)
{
	struct object *o = &d->objects[d->object_count];
	struct pst_suit_envelope env;

	if (d->object_count == OBJECTS ||
	    data.len > sizeof(d->heap) - d->heap_used) {
		d->full = true;
		return -1;
	}
	memset(o, 0, sizeof(*o));
	if (data.len > 0)
		memcpy(d->heap + d->heap_used, data.ptr, data.len);
	o->data = d->heap + d->heap_used;
	o->len = data.len;
	d->heap_used += data.len;
	o->source = -1;
	o->letters = letters;
	o->values[0] = o->values[2] = port_value(PST_ALG_SHA256, data);
	o->values[1] = o->values[3] = port_value(PST_ALG_SHA512, data);
	if (pst_suit_envelope_decode(data, &env, NULL) == PST_OK) {
		o->values[2] = port_value(PST_ALG_SHA256, env.manifest_bstr);
		o->values[3] = port_value(PST_ALG_SHA512, env.manifest_bstr);
	}
	return (int)d->object_count++;
}

/* --- why a content may be believed ---------------------------------------- */

static bool
fits(const struct object *o, const struct saying *s)
{
	size_t i;

	if (!(o->letters >> s->letter & 1))
		return false;
	if (s->kind == SAID_CONTENT)
		return s->value == o->values[0] ||
		    (o->decrypted && s->value == o->ciphertext);
	for (i = 0; i < 4; i++)
		if (s->value == o->values[i])
			return port_computed(s->value);
	return false;
}

static bool
said(const struct program *p, const struct object *o)
{
	size_t i;

	for (i = 0; i < p->said_count; i++)
		if (fits(o, &p->said[i]))
			return true;
	return false;
}

/* A copy is what it was copied from; and a ciphertext is what its plaintext
 * is. */
static bool
spread(struct device *d)
{
	bool more = false;
	size_t i;

	for (i = 0; i < d->object_count; i++) {
		struct object *o = &d->objects[i];
		struct object *s = o->source < 0 ? o : &d->objects[o->source];

		if (!o->good && s->good)
			more = o->good = true;
		if (o->good && o->decrypted && !s->good)
			more = s->good = true;
	}
	return more;
}

bool
device_holds(struct device *d)
{
	size_t i;

	if (d->full || d->program->full)
		return true;
	for (i = 0; i < d->object_count; i++) {
		struct object *o = &d->objects[i];

		o->good = o->tagged || said(d->program, o);
	}
	while (spread(d))
		;
	for (i = 0; i < d->count; i++) {
		const struct place *p = &d->places[i];

		if (p->written && p->staged >= 0 && !d->objects[p->staged].good)
			return false;
	}
	return true;
}

/* --- the host's functions --------------------------------------------------
 */

static enum pst_err
write_begin(
    void *ctx, uint32_t index, struct pst_bytes name, uint64_t size_bytes)
{
	struct place *p = place_of(now, name);

	(void)ctx;
	(void)index;
	(void)size_bytes;
	now->calls++;
	now->open = (int)(p - now->places);
	now->reading = -1;
	now->building_len = 0;
	p->from_uri = false;
	port_opened.ended = false;
	return PST_OK;
}

static enum pst_err
write_chunk(void *ctx, uint32_t index, struct pst_bytes chunk)
{
	(void)ctx;
	(void)index;
	now->calls++;
	MUST(now->open >= 0);
	if (chunk.len > sizeof(now->building) - now->building_len) {
		now->full = true;
		return PST_ERR_LIMIT;
	}
	if (chunk.len > 0)
		memcpy(now->building + now->building_len, chunk.ptr, chunk.len);
	now->building_len += chunk.len;
	return PST_OK;
}

static enum pst_err
write_end(void *ctx, uint32_t index)
{
	struct pst_bytes data = { now->building, now->building_len };
	struct place *p;
	struct object *o;

	(void)ctx;
	(void)index;
	now->calls++;
	MUST(now->open >= 0);
	p = &now->places[now->open];
	p->staged = object(now, data, letter_of(p));
	now->open = -1;
	if (p->staged < 0)
		return PST_ERR_LIMIT;
	p->written = true;
	p->gone = false;
	o = &now->objects[p->staged];
	o->source = now->reading;
	o->decrypted = port_opened.ended;
	o->tagged = port_opened.ended && port_opened.tagged;
	o->ciphertext = port_opened.ciphertext;
	/* Only what was decrypted, or is the same, came from what was read. */
	if (o->source >= 0 && !o->decrypted)
		MUST(o->values[0] == now->objects[o->source].values[0]);
	return PST_OK;
}

static enum pst_err
read_content(void *ctx, uint32_t index, struct pst_bytes name, uint64_t at,
    uint8_t *out, size_t cap, size_t *len)
{
	struct world *w = ctx;
	int n = content(place_of(now, name));

	(void)index;
	now->calls++;
	if (n < 0)
		return PST_ERR_NOT_FOUND;
	now->reading = n;
	*len = at < now->objects[n].len ? now->objects[n].len - (size_t)at : 0;
	if (*len > cap)
		*len = cap;
	if (w->read_max != 0 && *len > w->read_max)
		*len = w->read_max;
	if (*len > 0)
		memcpy(out, now->objects[n].data + at, *len);
	return PST_OK;
}

/* What an interrupted run of the same manifest has left of this fetch. */
static enum pst_err
fetched(void *ctx, uint32_t index, struct pst_bytes name, struct pst_bytes uri,
    struct pst_bytes info, uint64_t *have, bool *complete)
{
	struct place *p = place_of(now, name);
	int kept = p->kept;
	uint64_t of = port_value(PST_ALG_SHA256, info);

	(void)ctx;
	(void)index;
	now->calls++;
	now->next_info = of;
	*have = 0;
	*complete = false;
	p->kept = -1;
	if (kept < 0 || p->kept_info != of || p->kept_uri_len != uri.len ||
	    memcmp(p->kept_uri, uri.ptr, uri.len) != 0 ||
	    (info.len > 0 && !p->kept_complete))
		return PST_OK;
	*have = now->objects[kept].len;
	*complete = p->kept_complete;
	if (*complete) {
		p->staged = kept;
		p->written = true;
		p->gone = false;
	} else if (*have > 0) {
		memcpy(now->building, now->objects[kept].data, *have);
		now->building_len = *have;
		now->open = (int)(p - now->places);
		now->reading = -1;
		port_opened.ended = false;
	}
	p->from_uri = true;
	memcpy(p->uri, uri.ptr, uri.len);
	p->uri_len = uri.len;
	p->info = of;
	return PST_OK;
}

static enum pst_err
unlink_component(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name)
{
	struct place *p = place_of(now, name);

	(void)ctx;
	(void)m;
	now->calls++;
	p->staged = -1;
	p->written = false;
	p->gone = true;
	return PST_OK;
}

static void
give(struct place *p, int n)
{
	p->staged = n;
	p->written = true;
	p->gone = n < 0;
	p->from_uri = false;
	if (n >= 0)
		now->objects[n].letters |= letter_of(p);
}

static enum pst_err
swap(void *ctx, uint32_t index, struct pst_bytes name, uint32_t source_index,
    struct pst_bytes source)
{
	struct place *b = place_of(now, source);
	struct place *a = place_of(now, name);
	int had = content(a);

	(void)ctx;
	(void)index;
	(void)source_index;
	now->calls++;
	if (content(b) < 0)
		return PST_ERR_NOT_FOUND;
	give(a, content(b));
	give(b, had);
	return PST_OK;
}

/* Nothing is invoked that may not be believed. */
static enum pst_err
invoke(void *ctx, struct pst_bytes name, struct pst_bytes args)
{
	struct place *p = place_of(now, name);

	(void)ctx;
	(void)args;
	now->calls++;
	(void)device_holds(now);
	MUST(now->full || now->program->full || !p->written || p->staged < 0 ||
	    now->objects[p->staged].good);
	return PST_OK;
}

/* Time does not go by: a run that was interrupted sees what another does. */
static enum pst_err
clock_now(void *ctx, uint64_t *seconds)
{
	(void)ctx;
	*seconds = 100;
	return PST_OK;
}

void
device_fetching(struct device *d, struct pst_bytes uri)
{
	struct place *p;

	if (d->open < 0 || uri.len > URI_KEPT)
		return;
	p = &d->places[d->open];
	p->from_uri = true;
	memcpy(p->uri, uri.ptr, uri.len);
	p->uri_len = uri.len;
	p->info = d->next_info;
}

static void
install(struct device *d, uint8_t letter, struct pst_bytes data)
{
	struct place *p = place_of(d, program_id(letter));

	p->installed = object(d, data, 1u << letter);
}

void
device_init(struct device *d, struct world *w, const struct program *p)
{
	uint8_t i;

	memset(d, 0, offsetof(struct device, heap));
	d->heap_used = d->building_len = d->calls = 0;
	d->full = false;
	d->program = p;
	d->world = w;
	d->open = d->reading = -1;
	now = d;
	w->host.write_begin = write_begin;
	w->host.write = write_chunk;
	w->host.write_end = write_end;
	w->host.read = read_content;
	w->host.fetched = fetched;
	w->host.unlink = unlink_component;
	w->host.invoke = invoke;
	w->host.swap = swap;
	w->host.now = clock_now;
	for (i = 0; i < 3; i++)
		if (p->header[6] >> i & 1)
			install(d, i,
			    program_serve(p,
				i == 0	     ? PST_BYTES_LIT("p2")
				    : i == 1 ? PST_BYTES_LIT("g3")
					     : PST_BYTES_LIT("c2")));
	for (i = 1; i < MANIFESTS; i++)
		if (p->header[6] >> (2 + i) & 1)
			install(d, (uint8_t)(4 + i), p->made[i]);
}

/* What was fetched, whole or not, is kept; everything else begins anew. */
static void
keep(struct device *d, struct place *p)
{
	bool open = d->open == (int)(p - d->places);
	struct pst_bytes part = { d->building, d->building_len };

	if (p->from_uri && (open || p->staged >= 0)) {
		p->kept = open ? object(d, part, letter_of(p)) : p->staged;
		p->kept_complete = !open;
		p->kept_info = p->info;
		p->kept_uri_len = p->uri_len;
		memcpy(p->kept_uri, p->uri, p->uri_len);
	}
	p->staged = -1;
	p->written = p->gone = p->from_uri = false;
}

void
device_restart(struct device *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		keep(d, &d->places[i]);
	d->open = d->reading = -1;
}

static const struct place *
find(const struct device *d, const struct place *like)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->places[i].name_len == like->name_len &&
		    memcmp(d->places[i].name, like->name, like->name_len) == 0)
			return &d->places[i];
	return NULL;
}

bool
device_same(const struct device *a, const struct device *b)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct place *p = &a->places[i], *q = find(b, p);
		int x = content(p), y = q == NULL ? -1 : content(q);

		if ((x < 0) != (y < 0))
			return false;
		if (x >= 0 &&
		    (a->objects[x].len != b->objects[y].len ||
			a->objects[x].values[0] != b->objects[y].values[0]))
			return false;
	}
	return true;
}
