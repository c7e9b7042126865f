/*
 * postern/agent_ta.h on top of the engine. A command is carried out at once;
 * the engine itself suspends where something from outside is needed, so a
 * payload's chunks are answered one by one and others are served in between.
 *
 * While the agent waits for a payload, the client that was told to fetch it
 * owns the transfer: only its chunks count. When it vanishes the transfer is
 * nobody's, and the next policy check, of whomever, continues it.
 */
#include "agent_ta.h"
#include "changes.h"

#include <postern/agent_state.h>
#include <postern/agent_ta.h>

#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>
#include <unistd.h>

struct session {
	uint64_t client; /* 0: free */
	bool in_round;	 /* of policy checks, which others have to wait for */
};

struct pst_agent_ta {
	struct pst_agent *agent;
	const struct pst_store *store;
	const struct pst_crypto *crypto;
	struct pst_tee *tee;
	uint32_t broker_uid;
	uint64_t fetcher; /* the client that fetches a payload; 0: none */
	struct session sessions[PST_AGENT_TA_SESSIONS_MAX];
	uint8_t in[PST_MESSAGE_MAX + 1]; /* copied in before it is looked at */
	size_t in_len;
	uint8_t uri[PST_AGENT_URI_MAX];
	size_t uri_len;
	struct pst_changes changes;
	uint8_t reply[PST_AGENT_TA_REPLY_MAX];
	size_t reply_len;
};

/* --- sessions ------------------------------------------------------------ */

static struct session *
find_session(struct pst_agent_ta *t, uint64_t client)
{
	size_t i;

	for (i = 0; i < PST_AGENT_TA_SESSIONS_MAX; i++)
		if (t->sessions[i].client == client)
			return &t->sessions[i];
	return NULL;
}

static uint32_t
open_session(void *ctx, uint64_t client, uint32_t uid)
{
	struct pst_agent_ta *t = ctx;
	struct session *s;

	if (uid != 0 && uid != geteuid() && uid != t->broker_uid)
		return TEEC_ERROR_ACCESS_DENIED;
	s = find_session(t, 0);
	if (s == NULL)
		return TEEC_ERROR_BUSY;
	memset(s, 0, sizeof(*s));
	s->client = client;
	return TEEC_SUCCESS;
}

/* Whether it said so or vanished: nobody has to wait for it any more. */
static void
close_session(void *ctx, uint64_t client)
{
	struct pst_agent_ta *t = ctx;
	struct session *s = find_session(t, client);

	if (s == NULL)
		return;
	if (s->in_round)
		pst_agent_new_round(t->agent);
	if (t->fetcher == client)
		t->fetcher = 0;
	memset(s, 0, sizeof(*s));
}

/* --- results ------------------------------------------------------------- */

static uint32_t
result_of(enum pst_err err)
{
	switch (err) {
	case PST_OK:
		return TEEC_SUCCESS;
	case PST_ERR_ARG:
	case PST_ERR_SUIT_COMPONENT:
		return TEEC_ERROR_BAD_PARAMETERS;
	case PST_ERR_SPACE:
	case PST_ERR_LIMIT:
		return TEEC_ERROR_OUT_OF_MEMORY;
	case PST_ERR_UNSUPPORTED:
		return TEEC_ERROR_NOT_SUPPORTED;
	case PST_ERR_NOT_FOUND:
	case PST_ERR_AGENT_TAM:
		return TEEC_ERROR_ITEM_NOT_FOUND;
	case PST_ERR_STATE:
		return TEEC_ERROR_BAD_STATE;
	case PST_ERR_BUSY:
	case PST_ERR_AGENT_RATE:
		return TEEC_ERROR_BUSY;
	case PST_ERR_TEEP_TOO_LARGE:
		return TEEC_ERROR_EXCESS_DATA;
	case PST_ERR_STORE_FULL:
		return TEEC_ERROR_STORAGE_NO_SPACE;
	default:
		return TEEC_ERROR_GENERIC;
	}
}

static void
put_reply(struct pst_agent_ta *t, const struct pst_agent_out *out)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, t->reply, sizeof(t->reply));
	pst_cbor_put_array(&w, 6);
	pst_cbor_put_uint(&w, out->what);
	pst_cbor_put_uint(&w, out->tam);
	pst_cbor_put_tstr(&w, out->uri);
	pst_cbor_put_bstr(&w, out->message);
	pst_cbor_put_uint(&w, out->offset);
	pst_cbor_put_uint(&w, out->reason);
	t->reply_len = w.err == PST_OK ? w.len : 0;
}

/* --- commands ------------------------------------------------------------ */

static void
put_list(struct pst_agent_ta *t)
{
	struct pst_agent_component c;
	struct pst_cbor_writer w;
	size_t cursor = 0, n = 0;

	while (pst_agent_component_next(t->agent, &cursor, &c) == PST_OK)
		n++;
	pst_cbor_writer_init(&w, t->reply, sizeof(t->reply));
	pst_cbor_put_array(&w, n);
	cursor = 0;
	while (pst_agent_component_next(t->agent, &cursor, &c) == PST_OK) {
		pst_cbor_put_array(&w, 4);
		pst_cbor_put_raw(&w, c.id);
		pst_cbor_put_uint(&w, c.sequence);
		pst_cbor_put_uint(&w, c.size_bytes);
		pst_suit_digest_put(&w, &c.digest);
	}
	t->reply_len = w.err == PST_OK ? w.len : 0;
}

static void
put_processes(struct pst_agent_ta *t)
{
	struct pst_tee_process p;
	struct pst_cbor_writer w;
	size_t cursor = 0, n = 0;

	while (pst_tee_process_next(t->tee, &cursor, &p))
		n++;
	pst_cbor_writer_init(&w, t->reply, sizeof(t->reply));
	pst_cbor_put_array(&w, n);
	cursor = 0;
	while (pst_tee_process_next(t->tee, &cursor, &p)) {
		pst_cbor_put_array(&w, 5);
		pst_cbor_put_bstr(&w, (struct pst_bytes){ p.ta.uuid, 16 });
		pst_cbor_put_uint(&w, p.ta.sequence);
		pst_cbor_put_uint(&w, p.pid);
		pst_cbor_put_uint(&w, p.sessions);
		pst_cbor_put_bool(&w, p.busy);
	}
	t->reply_len = w.err == PST_OK ? w.len : 0;
}

static void
put_keys(struct pst_agent_ta *t)
{
	const struct pst_agent_config *c = t->agent->config;
	const struct pst_agent_secret *s = c->secrets;
	struct pst_cbor_writer w;
	size_t i, n = 0;

	for (i = 0; i < c->secret_count; i++)
		n += s[i].wrap == 0;
	pst_cbor_writer_init(&w, t->reply, sizeof(t->reply));
	pst_cbor_put_array(&w, n);
	for (i = 0; i < c->secret_count; i++) {
		if (s[i].wrap == 0)
			pst_cose_key_encode(&w, &s[i].pub,
			    (struct pst_bytes){ s[i].kid, sizeof(s[i].kid) });
	}
	t->reply_len = w.err == PST_OK ? w.len : 0;
}

static enum pst_err
policy_check(struct pst_agent_ta *t, struct session *s, uint32_t flags,
    struct pst_agent_out *out)
{
	enum pst_err err;

	err = pst_agent_policy_check(
	    t->agent, (flags & PST_AGENT_TA_FORCE) != 0, out);
	/* After an error it is in the middle of the round still. */
	if (err == PST_OK && out->what != PST_AGENT_FETCH)
		s->in_round = out->what == PST_AGENT_CONNECT;
	return err;
}

static enum pst_err
chunk(struct pst_agent_ta *t, uint32_t tam, uint32_t flags,
    struct pst_agent_out *out)
{
	struct pst_bytes in = { t->in, t->in_len };

	if (t->in_len > PST_AGENT_TA_CHUNK_MAX)
		return PST_ERR_TEEP_TOO_LARGE;
	return pst_agent_resume(t->agent, tam,
	    (flags & PST_AGENT_TA_FAILED) != 0 ? PST_ERR_FETCH : PST_OK, in,
	    (flags & PST_AGENT_TA_LAST) != 0, out);
}

/*
 * A transfer that nobody carries out is in this message's way. What it was
 * for is not installed, so its TAM will send it again.
 */
static bool
abandon_transfer(struct pst_agent_ta *t)
{
	struct pst_bytes nothing = { NULL, 0 };
	struct pst_agent_out out;
	uint32_t tam;

	if (t->fetcher != 0)
		return false;
	for (tam = 0; tam < PST_AGENT_TAMS_MAX; tam++)
		if (pst_agent_resume(t->agent, tam, PST_ERR_FETCH, nothing,
			false, &out) == PST_OK)
			return true;
	return false;
}

static enum pst_err
message(struct pst_agent_ta *t, uint32_t tam, struct pst_agent_out *out)
{
	struct pst_bytes in = { t->in, t->in_len };
	enum pst_err err;

	err = pst_agent_message(t->agent, tam, in, out);
	if (err == PST_ERR_BUSY && abandon_transfer(t))
		err = pst_agent_message(t->agent, tam, in, out);
	return err;
}

/* Would this command disturb a transfer that another client carries out? */
static bool
disturbs(
    const struct pst_agent_ta *t, const struct session *s, uint32_t command)
{
	if (t->fetcher == 0 || t->fetcher == s->client)
		return false;
	return command == PST_AGENT_TA_CHUNK ||
	    command == PST_AGENT_TA_POLICY_CHECK;
}

static enum pst_err
run(struct pst_agent_ta *t, struct session *s, uint32_t command, uint32_t tam,
    uint32_t flags, struct pst_agent_out *out)
{
	struct pst_bytes in = { t->in, t->in_len },
			 uri = { t->uri, t->uri_len };
	enum pst_err err;

	switch (command) {
	case PST_AGENT_TA_REQUEST_TA:
		return pst_agent_request_ta(t->agent, in, uri, out);
	case PST_AGENT_TA_UNREQUEST_TA:
		return pst_agent_unrequest_ta(t->agent, in, out);
	case PST_AGENT_TA_MESSAGE:
		return message(t, tam, out);
	case PST_AGENT_TA_POLICY_CHECK:
		return policy_check(t, s, flags, out);
	case PST_AGENT_TA_ERROR:
		err = pst_agent_error(t->agent, tam);
		out->tam = tam;
		return err;
	case PST_AGENT_TA_CHUNK:
		return chunk(t, tam, flags, out);
	default:
		return PST_ERR_UNSUPPORTED;
	}
}

static uint32_t
carry_out(struct pst_agent_ta *t, struct session *s, uint32_t command,
    uint32_t tam, uint32_t flags)
{
	struct pst_agent_out out;
	enum pst_err err;

	if (command == PST_AGENT_TA_LIST) {
		put_list(t);
	} else if (command == PST_AGENT_TA_STATUS) {
		put_processes(t);
	} else if (command == PST_AGENT_TA_KEYS) {
		put_keys(t);
	} else if (disturbs(t, s, command)) {
		return TEEC_ERROR_BUSY;
	} else {
		memset(&out, 0, sizeof(out));
		err = run(t, s, command, tam, flags, &out);
		/* Whatever it said, it may have installed or removed. */
		if (pst_changes_say(&t->changes, t->agent))
			pst_tee_catalog_changed(t->tee);
		if (err != PST_OK)
			return result_of(err);
		if (out.reason != PST_OK)
			pst_changes_say_refusal(t->agent, &out);
		if (t->fetcher == s->client)
			t->fetcher = 0;
		if (out.what == PST_AGENT_FETCH)
			t->fetcher = s->client;
		put_reply(t, &out);
	}
	return t->reply_len > 0 ? TEEC_SUCCESS : TEEC_ERROR_OUT_OF_MEMORY;
}

/* --- parameters ---------------------------------------------------------- */

static bool
copy_in(const struct pst_wire_msg *m, size_t index, uint8_t *to, size_t cap,
    size_t *len)
{
	*len = m->head.params[index].have;
	return *len <= cap && pst_wire_get(m, index, to) == PST_OK;
}

/* postern/agent_ta.h: the same four parameters for every command. */
static uint32_t
check_params(const struct pst_wire_msg *m)
{
	const struct pst_wire_param *p = m->head.params;

	if (p[0].type != PST_WIRE_VALUE_INPUT ||
	    p[1].type != PST_WIRE_MEMREF_INPUT ||
	    (p[2].type != PST_WIRE_NONE &&
		p[2].type != PST_WIRE_MEMREF_INPUT) ||
	    p[3].type != PST_WIRE_MEMREF_OUTPUT)
		return TEEC_ERROR_BAD_PARAMETERS;
	if (p[2].type != PST_WIRE_NONE &&
	    m->head.command != PST_AGENT_TA_REQUEST_TA)
		return TEEC_ERROR_BAD_PARAMETERS;
	if (p[3].size < PST_AGENT_TA_REPLY_MAX)
		return TEEC_ERROR_SHORT_BUFFER;
	return TEEC_SUCCESS;
}

static void
invoke(void *ctx, uint64_t client, const struct pst_wire_msg *in,
    struct pst_wire_msg *out)
{
	struct pst_agent_ta *t = ctx;
	struct session *s = find_session(t, client);
	struct pst_wire_param *p = &out->head.params[3];
	uint32_t result = check_params(in);

	t->reply_len = 0;
	if (result == TEEC_ERROR_SHORT_BUFFER)
		p->size = PST_AGENT_TA_REPLY_MAX;
	if (result == TEEC_SUCCESS && s == NULL)
		result = TEEC_ERROR_BAD_STATE;
	if (result == TEEC_SUCCESS &&
	    (!copy_in(in, 1, t->in, sizeof(t->in), &t->in_len) ||
		!copy_in(in, 2, t->uri, sizeof(t->uri), &t->uri_len)))
		result = TEEC_ERROR_EXCESS_DATA;
	if (result == TEEC_SUCCESS)
		result = carry_out(t, s, in->head.command, in->head.params[0].a,
		    in->head.params[0].b);
	if (result == TEEC_SUCCESS) {
		p->size = (uint32_t)t->reply_len;
		if (pst_wire_put(out, 3, t->reply, t->reply_len) != PST_OK)
			result = TEEC_ERROR_OUT_OF_MEMORY;
	}
	out->head.result = result;
}

/* --- the catalog --------------------------------------------------------- */

/* A TA is the component [uuid, 'ta']; [uuid, name] is an object of it. */
#define IMAGE_NAME PST_BYTES_LIT("ta")
/* Heads of an array and of two strings, a UUID and a name. */
#define COMPONENT_MAX (1 + 1 + 16 + 2 + PST_WIRE_OBJECT_ID_MAX)

static struct pst_bytes
component_id(
    const uint8_t uuid[16], struct pst_bytes name, uint8_t room[COMPONENT_MAX])
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, room, COMPONENT_MAX);
	pst_cbor_put_array(&w, 2);
	pst_cbor_put_bstr(&w, (struct pst_bytes){ uuid, 16 });
	pst_cbor_put_bstr(&w, name);
	return (struct pst_bytes){ room, w.err == PST_OK ? w.len : 0 };
}

/* By length, then by bytes. */
static int
compare(struct pst_bytes a, struct pst_bytes b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

static enum pst_err
content_of(const struct pst_agent_component *c, struct pst_tee_content *out)
{
	if (c->digest.bytes.len > sizeof(out->digest))
		return PST_ERR_STORE_DAMAGED;
	out->object = c->object;
	out->size_bytes = c->size_bytes;
	out->digest_alg = c->digest.alg;
	out->digest_len = c->digest.bytes.len;
	memcpy(out->digest, c->digest.bytes.ptr, out->digest_len);
	return PST_OK;
}

static enum pst_err
find(void *ctx, const uint8_t uuid[16], struct pst_tee_ta *out)
{
	struct pst_agent_ta *t = ctx;
	struct pst_agent_component c;
	uint8_t room[COMPONENT_MAX];
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	err = pst_agent_component(
	    t->agent, component_id(uuid, IMAGE_NAME, room), &c);
	if (err != PST_OK)
		return err;
	memcpy(out->uuid, uuid, 16);
	out->sequence = c.sequence;
	return content_of(&c, &out->content);
}

static enum pst_err
object(void *ctx, const uint8_t uuid[16], struct pst_bytes id,
    struct pst_tee_object *out)
{
	struct pst_agent_ta *t = ctx;
	struct pst_agent_component c;
	uint8_t room[COMPONENT_MAX];
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	if (id.len > sizeof(out->id) || compare(id, IMAGE_NAME) == 0)
		return PST_ERR_NOT_FOUND;
	err = pst_agent_component(t->agent, component_id(uuid, id, room), &c);
	if (err != PST_OK)
		return err;
	if (id.len > 0)
		memcpy(out->id, id.ptr, id.len);
	out->id_len = id.len;
	return content_of(&c, &out->content);
}

/* The name in [uuid, name]; false for any other component. */
static bool
object_name(
    struct pst_bytes component, const uint8_t uuid[16], struct pst_bytes *name)
{
	struct pst_cbor_reader r;
	struct pst_bytes owner;

	pst_cbor_reader_init(&r, component);
	(void)pst_cbor_array(&r, 2, 2);
	owner = pst_cbor_bstr(&r, 16, 16);
	*name = pst_cbor_bstr(&r, 0, PST_WIRE_OBJECT_ID_MAX);
	return pst_cbor_end(&r) == PST_OK && memcmp(owner.ptr, uuid, 16) == 0 &&
	    compare(*name, IMAGE_NAME) != 0;
}

static enum pst_err
object_next(void *ctx, const uint8_t uuid[16], const struct pst_bytes *after,
    struct pst_tee_object *out)
{
	struct pst_agent_ta *t = ctx;
	struct pst_agent_component c;
	struct pst_bytes name, best;
	bool found = false;
	size_t cursor = 0;

	while (pst_agent_component_next(t->agent, &cursor, &c) == PST_OK) {
		if (!object_name(c.id, uuid, &name) ||
		    (after != NULL && compare(name, *after) <= 0) ||
		    (found && compare(name, best) >= 0))
			continue;
		best = name;
		found = true;
	}
	return found ? object(ctx, uuid, best, out) : PST_ERR_NOT_FOUND;
}

static enum pst_err
copy_content(struct pst_agent_ta *t, const struct pst_tee_content *content,
    int fd, uint32_t hash)
{
	const struct pst_store *st = t->store;
	uint8_t piece[16384];
	uint64_t at = 0;
	size_t n = 0;
	enum pst_err err;

	do {
		err = st->object_read(
		    st->ctx, content->object, at, piece, sizeof(piece), &n);
		if (err == PST_OK)
			err = t->crypto->hash_update(t->crypto->ctx, hash,
			    (struct pst_bytes){ piece, n });
		if (err == PST_OK && write(fd, piece, n) != (ssize_t)n)
			err = PST_ERR_IO;
		at += n;
		if (at > content->size_bytes)
			err = PST_ERR_STORE_DAMAGED;
	} while (err == PST_OK && n > 0);
	if (err == PST_OK && at != content->size_bytes)
		err = PST_ERR_STORE_DAMAGED;
	return err;
}

/* What is used is what was installed, whatever happened to the file. */
static enum pst_err
copy(void *ctx, const struct pst_tee_content *content, int fd)
{
	const struct pst_bytes want = { content->digest, content->digest_len };
	struct pst_agent_ta *t = ctx;
	uint8_t digest[PST_DIGEST_MAX];
	struct pst_bytes got = { digest, 0 };
	uint32_t hash;
	enum pst_err err, end;

	err = t->crypto->hash_begin(t->crypto->ctx, content->digest_alg, &hash);
	if (err != PST_OK)
		return err;
	err = copy_content(t, content, fd, hash);
	end = t->crypto->hash_end(t->crypto->ctx, hash, digest, &got.len);
	if (err == PST_OK)
		err = end;
	if (err == PST_OK && !pst_equal(got, want))
		err = PST_ERR_STORE_DAMAGED;
	return err;
}

/* --- making -------------------------------------------------------------- */

struct pst_agent_ta *
pst_agent_ta_new(struct pst_agent *agent, const struct pst_store *store,
    const struct pst_crypto *crypto, uint32_t broker_uid)
{
	struct pst_agent_ta *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->agent = agent;
	t->store = store;
	t->crypto = crypto;
	t->broker_uid = broker_uid;
	pst_changes_begin(&t->changes, agent);
	return t;
}

void
pst_agent_ta_free(struct pst_agent_ta *t)
{
	free(t);
}

void
pst_agent_ta_interfaces(struct pst_agent_ta *t, struct pst_tee_catalog *catalog,
    struct pst_tee_pseudo *pseudo)
{
	static const TEEC_UUID id = PST_AGENT_TA_UUID;

	*catalog =
	    (struct pst_tee_catalog){ t, find, object_next, object, copy };
	*pseudo = (struct pst_tee_pseudo){ .ctx = t,
		.open = open_session,
		.invoke = invoke,
		.close = close_session };
	pseudo->uuid[0] = (uint8_t)(id.timeLow >> 24);
	pseudo->uuid[1] = (uint8_t)(id.timeLow >> 16);
	pseudo->uuid[2] = (uint8_t)(id.timeLow >> 8);
	pseudo->uuid[3] = (uint8_t)id.timeLow;
	pseudo->uuid[4] = (uint8_t)(id.timeMid >> 8);
	pseudo->uuid[5] = (uint8_t)id.timeMid;
	pseudo->uuid[6] = (uint8_t)(id.timeHiAndVersion >> 8);
	pseudo->uuid[7] = (uint8_t)id.timeHiAndVersion;
	memcpy(pseudo->uuid + 8, id.clockSeqAndNode, 8);
}

void
pst_agent_ta_attach(struct pst_agent_ta *t, struct pst_tee *tee)
{
	t->tee = tee;
}
