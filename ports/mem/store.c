/*
 * A store in memory. A call can fail (fault), and the power can go during a
 * write (cut_at): from then on every call fails until pst_mem_store_reboot,
 * which keeps the last registry and finished objects and tears the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
pst_mem_store_init(struct pst_mem_store *m)
{
	memset(m, 0, sizeof(*m));
	m->room_bytes = SIZE_MAX;
}

void
pst_mem_store_free(struct pst_mem_store *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		free(m->objects[i].data);
	free(m->objects);
	free(m->registry);
	pst_mem_store_init(m);
}

/* The position of id, or where it belongs. */
static size_t
position(const struct pst_mem_store *m, uint64_t id)
{
	size_t i;

	for (i = 0; i < m->count && m->objects[i].id < id; i++)
		continue;
	return i;
}

static struct pst_mem_object *
find(struct pst_mem_store *m, uint64_t id)
{
	size_t i = position(m, id);

	return i < m->count && m->objects[i].id == id ? &m->objects[i] : NULL;
}

/* Every call passes here. *last: the power goes during this write. */
static enum pst_err
enter(struct pst_mem_store *m, bool writes, bool *last)
{
	enum pst_err err;

	*last = false;
	if (m->off)
		return PST_ERR_STORE;
	err = pst_mem_fault(&m->fault);
	if (err != PST_OK || !writes)
		return err;
	m->writes++;
	if (m->cut_at == 0 || m->writes != m->cut_at)
		return PST_OK;
	m->off = true;
	*last = true;
	return m->cut == PST_MEM_CUT_BEFORE ? PST_ERR_STORE : PST_OK;
}

/* What the caller of a write is told: nothing good once the power is off. */
static enum pst_err
leave(const struct pst_mem_store *m, enum pst_err err)
{
	return m->off ? PST_ERR_STORE : err;
}

static enum pst_err
load(void *ctx, uint8_t *buf, size_t cap, size_t *len)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, false, &last);

	*len = 0;
	if (err != PST_OK)
		return err;
	if (m->registry_len > cap)
		return PST_ERR_SPACE;
	if (m->registry_len > 0)
		memcpy(buf, m->registry, m->registry_len);
	*len = m->registry_len;
	return PST_OK;
}

static enum pst_err
commit(void *ctx, struct pst_bytes registry)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, true, &last);
	uint8_t *copy;

	if ((err != PST_OK && !(m->late && !m->off)) ||
	    (last && m->cut == PST_MEM_CUT_TORN))
		return leave(m, err);
	copy = malloc(registry.len + 1);
	if (copy == NULL)
		return PST_ERR_STORE;
	memcpy(copy, registry.ptr, registry.len);
	free(m->registry);
	m->registry = copy;
	m->registry_len = registry.len;
	m->commits++;
	m->denied += err != PST_OK;
	return leave(m, err);
}

static enum pst_err
object_create(void *ctx, uint64_t id)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, true, &last);
	size_t at = position(m, id);

	if (err != PST_OK || (last && m->cut == PST_MEM_CUT_TORN))
		return leave(m, err);
	if (at < m->count && m->objects[at].id == id) {
		m->objects[at].len = 0;
		m->objects[at].finished = false;
		return leave(m, PST_OK);
	}
	if (m->count == m->cap) {
		size_t cap = m->cap == 0 ? 16 : 2 * m->cap;
		void *more = realloc(m->objects, cap * sizeof(m->objects[0]));

		if (more == NULL)
			return PST_ERR_STORE;
		m->objects = more;
		m->cap = cap;
	}
	memmove(&m->objects[at + 1], &m->objects[at],
	    (m->count - at) * sizeof(m->objects[0]));
	memset(&m->objects[at], 0, sizeof(m->objects[at]));
	m->objects[at].id = id;
	m->count++;
	return leave(m, PST_OK);
}

static size_t
used(const struct pst_mem_store *m)
{
	size_t i, sum = 0;

	for (i = 0; i < m->count; i++)
		sum += m->objects[i].len;
	return sum;
}

static enum pst_err
append(struct pst_mem_object *o, struct pst_bytes chunk)
{
	if (chunk.len > o->cap - o->len) {
		size_t cap = 2 * (o->len + chunk.len);
		uint8_t *more = realloc(o->data, cap);

		if (more == NULL)
			return PST_ERR_STORE;
		o->data = more;
		o->cap = cap;
	}
	if (chunk.len > 0)
		memcpy(o->data + o->len, chunk.ptr, chunk.len);
	o->len += chunk.len;
	return PST_OK;
}

static enum pst_err
object_append(void *ctx, uint64_t id, struct pst_bytes chunk)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, true, &last);
	struct pst_mem_object *o = find(m, id);

	if (err != PST_OK)
		return err;
	if (o == NULL)
		return leave(m, PST_ERR_NOT_FOUND);
	if (used(m) > m->room_bytes || chunk.len > m->room_bytes - used(m))
		return leave(m, PST_ERR_STORE_FULL);
	if (last && m->cut == PST_MEM_CUT_TORN)
		chunk.len /= 2;
	o->finished = false;
	return leave(m, append(o, chunk));
}

static enum pst_err
object_finish(void *ctx, uint64_t id)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, true, &last);
	struct pst_mem_object *o = find(m, id);

	if (err != PST_OK || (last && m->cut == PST_MEM_CUT_TORN))
		return leave(m, err);
	if (o == NULL)
		return leave(m, PST_ERR_NOT_FOUND);
	o->finished = true;
	return leave(m, PST_OK);
}

static enum pst_err
object_read(
    void *ctx, uint64_t id, uint64_t at, uint8_t *out, size_t cap, size_t *len)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, false, &last);
	struct pst_mem_object *o = find(m, id);

	*len = 0;
	if (err != PST_OK)
		return err;
	if (o == NULL)
		return PST_ERR_NOT_FOUND;
	if (at >= o->len)
		return PST_OK;
	*len = o->len - (size_t)at < cap ? o->len - (size_t)at : cap;
	memcpy(out, o->data + at, *len);
	return PST_OK;
}

static enum pst_err
object_size(void *ctx, uint64_t id, uint64_t *bytes)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, false, &last);
	struct pst_mem_object *o = find(m, id);

	*bytes = 0;
	if (err != PST_OK)
		return err;
	if (o == NULL)
		return PST_ERR_NOT_FOUND;
	*bytes = o->len;
	return PST_OK;
}

static enum pst_err
object_remove(void *ctx, uint64_t id)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, true, &last);
	size_t at = position(m, id);

	if (err != PST_OK || (last && m->cut == PST_MEM_CUT_TORN))
		return leave(m, err);
	if (at == m->count || m->objects[at].id != id)
		return leave(m, PST_OK);
	free(m->objects[at].data);
	m->count--;
	memmove(&m->objects[at], &m->objects[at + 1],
	    (m->count - at) * sizeof(m->objects[0]));
	return leave(m, PST_OK);
}

static enum pst_err
object_next(void *ctx, uint64_t *id)
{
	struct pst_mem_store *m = ctx;
	bool last;
	enum pst_err err = enter(m, false, &last);
	size_t at = position(m, *id);

	if (err != PST_OK)
		return err;
	if (at == m->count)
		return PST_ERR_NOT_FOUND;
	*id = m->objects[at].id;
	return PST_OK;
}

struct pst_store
pst_mem_store_port(struct pst_mem_store *m)
{
	struct pst_store port = {
		.ctx = m,
		.load = load,
		.commit = commit,
		.object_create = object_create,
		.object_append = object_append,
		.object_finish = object_finish,
		.object_read = object_read,
		.object_size = object_size,
		.object_remove = object_remove,
		.object_next = object_next,
	};

	return port;
}

void
pst_mem_store_reboot(struct pst_mem_store *m)
{
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (!m->objects[i].finished)
			m->objects[i].len /= 2;
	}
	m->off = false;
	m->cut_at = 0;
	memset(&m->fault, 0, sizeof(m->fault));
}

static bool
copy_bytes(uint8_t **to, const uint8_t *from, size_t len)
{
	*to = malloc(len + 1);
	if (*to == NULL)
		return false;
	if (len > 0)
		memcpy(*to, from, len);
	return true;
}

bool
pst_mem_store_copy(struct pst_mem_store *to, const struct pst_mem_store *from)
{
	struct pst_mem_store m;
	size_t i;

	pst_mem_store_init(&m);
	m.room_bytes = from->room_bytes;
	if (!copy_bytes(&m.registry, from->registry, from->registry_len))
		return false;
	m.registry_len = from->registry_len;
	m.objects = calloc(from->count + 1, sizeof(m.objects[0]));
	if (m.objects == NULL)
		goto fail;
	m.cap = from->count + 1;
	for (i = 0; i < from->count; i++) {
		m.objects[i] = from->objects[i];
		m.objects[i].cap = from->objects[i].len;
		if (!copy_bytes(&m.objects[i].data, from->objects[i].data,
			from->objects[i].len))
			goto fail;
		m.count++;
	}
	pst_mem_store_free(to);
	*to = m;
	return true;

fail:
	pst_mem_store_free(&m);
	return false;
}
