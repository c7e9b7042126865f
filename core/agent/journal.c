/*
 * How an Update outlives its engine. While a payload is fetched the registry
 * has a JOURNAL record, which names an object with the whole Update message,
 * and a FETCH record for each fetch that was begun. To go on, the message is
 * verified and processed again from its beginning; a fetch that is recorded
 * is not repeated but continued where its object ends.
 *
 * Nothing is committed for a chunk: the object's own size says how much is
 * there. Once a fetch, and once an Update that fetches, the registry is.
 */
#include "agent/agent_internal.h"

void
pst_agent_journal_clear(struct pst_registry *reg)
{
	pst_reg_remove(reg, PST_REG_JOURNAL, PST_REG_ANY, PST_REG_ANY);
	pst_reg_remove(reg, PST_REG_FETCH, PST_REG_ANY, PST_REG_ANY);
}

void
pst_agent_journal_open(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	struct pst_reg_record r;
	uint32_t i;

	if (!pst_reg_find(
		&a->registry, PST_REG_JOURNAL, PST_REG_ANY, PST_REG_ANY, &r))
		return;
	for (i = 0; i < a->config->tam_count; i++) {
		if (!pst_same(pst_agent_tam_name(a, i), r.key))
			continue;
		u->active = true;
		u->journalled = true;
		u->tam = i;
		u->message_object = r.n[0];
		return;
	}
	/* Its TAM is trusted no more. */
	pst_agent_journal_clear(&a->registry);
}

enum pst_err
pst_agent_journal_load(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err;

	if (u->loaded)
		return PST_OK;
	if (!u->journalled)
		return PST_ERR_STATE;
	/* To the same place: the run views it. */
	err = pst_agent_object_load(a, u->message_object, a->memory.message,
	    a->memory.message_cap, &u->message_len);
	u->loaded = err == PST_OK;
	return err;
}

static enum pst_err
note_message(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	struct pst_reg_record r = { .kind = PST_REG_JOURNAL };
	struct pst_bytes message = { a->memory.message, u->message_len };
	enum pst_err err;

	u->message_object = pst_agent_object(a);
	err = pst_agent_object_store(a, u->message_object, message);
	if (err != PST_OK)
		return err;
	r.key = pst_agent_tam_name(a, u->tam);
	r.n[0] = u->message_object;
	return pst_agent_note(a, &a->registry, &r);
}

/* A fetch is known by its URI, what decrypts it, the manifest's place and the
 * component. */
static void
fetch_place(const struct pst_agent *a, uint8_t out[PST_REG_PLACE_LEN])
{
	const struct pst_agent_update *u = &a->update;
	size_t i;

	for (i = 0; i < 4; i++) {
		out[i] = (uint8_t)(u->place >> (24 - 8 * i));
		out[4 + i] = (uint8_t)(u->fetch_index >> (24 - 8 * i));
	}
}

static bool
find_fetch(const struct pst_agent *a, struct pst_reg_record *r)
{
	const struct pst_agent_update *u = &a->update;
	struct pst_bytes uri = { u->fetch_uri, sizeof(u->fetch_uri) };
	uint8_t place[PST_REG_PLACE_LEN];
	struct pst_bytes other = { place, sizeof(place) };

	fetch_place(a, place);
	return pst_reg_find(&a->registry, PST_REG_FETCH, uri, other, r);
}

static enum pst_err
note_fetch(struct pst_agent *a, bool complete)
{
	const struct pst_agent_update *u = &a->update;
	struct pst_reg_record r = { .kind = PST_REG_FETCH };
	uint8_t place[PST_REG_PLACE_LEN];

	if (pst_reg_count(&a->registry, PST_REG_FETCH, PST_REG_ANY,
		PST_REG_ANY) >= PST_AGENT_FETCHES_MAX)
		return PST_ERR_LIMIT;
	fetch_place(a, place);
	r.key.ptr = u->fetch_uri;
	r.key.len = sizeof(u->fetch_uri);
	r.other.ptr = place;
	r.other.len = sizeof(place);
	r.n[0] = u->fetch_object;
	r.n[1] = complete;
	return pst_agent_note(a, &a->registry, &r);
}

enum pst_err
pst_agent_journal_suspend(struct pst_agent *a)
{
	struct pst_agent_update *u = &a->update;
	enum pst_err err = PST_OK;

	if (!u->fetching)
		return PST_ERR_STATE;
	if (u->journalled && u->fetch_noted)
		return PST_OK;
	if (!u->journalled)
		err = note_message(a);
	if (err == PST_OK && !u->fetch_noted)
		err = note_fetch(a, false);
	if (err == PST_OK)
		err = pst_agent_commit(a);
	if (err != PST_OK)
		return err;
	u->journalled = true;
	u->fetch_noted = true;
	return PST_OK;
}

/* 0xff stands in no URI. */
static enum pst_err
fetch_key(struct pst_agent *a, struct pst_bytes uri, struct pst_bytes info)
{
	const struct pst_crypto *c = a->ports.crypto;
	const struct pst_bytes parts[] = { uri, PST_BYTES_LIT("\xff"), info };
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;
	enum pst_err err;

	err = c->digest(
	    c->ctx, PST_ALG_SHA256, parts, info.len > 0 ? 3 : 1, digest, &len);
	if (err == PST_OK && len != sizeof(a->update.fetch_uri))
		err = PST_ERR_CRYPTO;
	if (err == PST_OK)
		memcpy(a->update.fetch_uri, digest, len);
	return err;
}

enum pst_err
pst_agent_journal_ask(void *ctx, uint32_t index, struct pst_bytes component,
    struct pst_bytes uri, struct pst_bytes info, uint64_t *have, bool *complete)
{
	struct pst_agent *a = ctx;
	struct pst_agent_update *u = &a->update;
	const struct pst_store *s = a->ports.store;
	struct pst_reg_record r;
	enum pst_err err;

	*have = 0;
	*complete = false;
	u->fetch_lost = false;
	if (u->uninstall)
		return PST_ERR_SUIT_OPERATION;
	u->fetching = false;
	err = pst_agent_wanted_fetch(
	    a, index, component, uri, info.len == 0, have, complete);
	if (err != PST_OK || *complete)
		return err;
	err = fetch_key(a, uri, info);
	if (err != PST_OK)
		return err;
	u->fetching = true;
	u->fetch_begun = false;
	u->fetch_index = index;
	u->fetch_object = 0;
	u->fetch_noted = find_fetch(a, &r);
	if (!u->fetch_noted)
		return PST_OK;
	u->fetch_object = r.n[0];
	err = s->object_size(s->ctx, r.n[0], have);
	if (err == PST_ERR_NOT_FOUND) {
		*have = 0;
		return PST_OK;
	}
	if (err != PST_OK)
		return err;
	*complete = r.n[1] == 1;
	/* What is decrypted is not gone on with in its middle. */
	if (info.len > 0 && !*complete) {
		u->fetch_lost = *have > 0;
		*have = 0;
	}
	if (*have == 0 && !*complete)
		return PST_OK;
	/* Go on in it, as if write_begin had been called. */
	err = pst_agent_host_place(a, index, component, r.n[0]);
	if (err != PST_OK)
		return err;
	u->open_bytes = *have;
	u->fetch_begun = true;
	u->fetching = !*complete;
	u->open = !*complete;
	return PST_OK;
}

void
pst_agent_journal_complete(struct pst_agent *a)
{
	/*
	 * Of equal size in place of the old one. It reaches the store with the
	 * next commit; until then the fetch counts as one whose last chunk is
	 * still to come, and so does it when there was no room.
	 */
	if (a->update.fetch_noted && note_fetch(a, true) != PST_OK)
		return;
}
