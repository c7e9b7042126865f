/*
 * One request of an application: a line of JSON in, a line of JSON out.
 */
#include "service.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What a line said; strings belong to the JSON value. */
struct request {
	const char *command;
	const char *component;
	const char *tam;
	const char *tee;
};

static void
put(char answer[PST_BROKER_LINE_MAX], const char *status, const char *message,
    const struct pst_broker_result *res)
{
	json_t *o =
	    json_pack("{s:s, s:s}", "status", status, "message", message);
	size_t n = 0;

	if (o != NULL && res != NULL) {
		(void)json_object_set_new(o, "tee", json_string(res->tee));
		if (res->tam[0] != '\0')
			(void)json_object_set_new(
			    o, "tam", json_string(res->tam));
		(void)json_object_set_new(
		    o, "took_ms", json_integer((json_int_t)res->took_ms));
		if (res->retry_after_s != 0)
			(void)json_object_set_new(o, "retry_after_s",
			    json_integer(res->retry_after_s));
	}
	if (o != NULL)
		n = json_dumpb(
		    o, answer, PST_BROKER_LINE_MAX - 1, JSON_COMPACT);
	if (n == 0 || n >= PST_BROKER_LINE_MAX)
		n = (size_t)snprintf(answer, PST_BROKER_LINE_MAX,
		    "{\"status\":\"failed\",\"message\":\"out of memory\"}");
	answer[n] = '\0';
	json_decref(o);
}

void
pst_service_refuse(char answer[PST_BROKER_LINE_MAX], const char *why)
{
	put(answer, "refused", why, NULL);
}

static void
put_result(char answer[PST_BROKER_LINE_MAX],
    const struct pst_broker_result *res, enum pst_err err)
{
	char text[128];

	if (err != PST_OK) {
		put(answer, "failed", res->why, res);
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "%" PRIu32 " messages, %" PRIu32 " payloads, %" PRIu64 " bytes",
	    res->messages, res->payloads, res->payload_bytes);
	put(answer, "done", text, res);
}

/* Every member must be known and a text: a misspelt one is not overlooked. */
static const char *
read_members(json_t *o, struct request *r)
{
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value)
	{
		if (!json_is_string(value))
			return "members are texts";
		if (strcmp(name, "command") == 0)
			r->command = json_string_value(value);
		else if (strcmp(name, "component") == 0)
			r->component = json_string_value(value);
		else if (strcmp(name, "tam") == 0)
			r->tam = json_string_value(value);
		else if (strcmp(name, "tee") == 0)
			r->tee = json_string_value(value);
		else
			return "unknown member; known are command, component, "
			       "tam, tee";
	}
	return r->command != NULL ? NULL : "no command";
}

struct search {
	struct pst_bytes id;
	bool found;
};

static void
compare(void *ctx, const struct pst_agent_component *component)
{
	struct search *search = ctx;

	if (pst_equal(search->id, component->id))
		search->found = true;
}

/*
 * The TEE for a component when the application named none: the one that has
 * it, else the first (draft-ietf-teep-otrp-over-http, Section 5.1).
 */
static struct service_tee *
tee_with(struct service *s, struct pst_bytes id)
{
	struct pst_broker_result res;
	struct search search = { id, false };
	size_t i;

	for (i = 0; s->tee_count > 1 && i < s->tee_count; i++) {
		(void)pthread_mutex_lock(&s->tee[i].lock);
		if (pst_broker_list(s->tee[i].broker, compare, &search, &res) !=
		    PST_OK)
			search.found = false; /* it may be down */
		(void)pthread_mutex_unlock(&s->tee[i].lock);
		if (search.found)
			return &s->tee[i];
	}
	return &s->tee[0];
}

/* The TEE that a request names; the first when it names none. */
static struct service_tee *
tee_of(struct service *s, const struct request *r)
{
	size_t i;

	if (r->tee == NULL)
		return &s->tee[0];
	for (i = 0; i < s->tee_count; i++) {
		if (strcmp(s->tee[i].name, r->tee) == 0)
			return &s->tee[i];
	}
	return NULL;
}

static void
one_component(struct service *s, uid_t uid, const struct request *r,
    struct service_tee *tee, char answer[PST_BROKER_LINE_MAX])
{
	bool wanted = strcmp(r->command, "request") == 0;
	size_t index;
	struct pst_broker_result res;
	uint8_t buf[PST_SUIT_ID_MAX];
	struct pst_bytes id = { buf, 0 };
	enum pst_err err;

	if (r->component == NULL ||
	    s->config.parse(r->component, buf, sizeof(buf), &id.len) !=
		PST_OK ||
	    id.len == 0) {
		pst_service_refuse(answer, "component is not an identifier");
		return;
	}
	if (r->tam != NULL && strlen(r->tam) > PST_AGENT_URI_MAX) {
		pst_service_refuse(answer, "tam is too long for a URI");
		return;
	}
	if (r->tee == NULL)
		tee = tee_with(s, id);
	index = (size_t)(tee - s->tee);
	if (wanted && !pst_service_want(s, uid, index, id)) {
		pst_service_refuse(answer, "too many components are wanted");
		return;
	}
	if (!wanted && !pst_service_unwant(s, uid, index, id)) {
		put(answer, "done", "another application still needs it", NULL);
		return;
	}
	(void)pthread_mutex_lock(&tee->lock);
	err = wanted ? pst_broker_request(tee->broker, id, r->tam, &res)
		     : pst_broker_unrequest(tee->broker, id, &res);
	(void)pthread_mutex_unlock(&tee->lock);
	put_result(answer, &res, err);
}

/* The TEE that was named, or every one; the first failure is told. */
static void
sync_tees(struct service *s, const struct request *r, struct service_tee *tee,
    char answer[PST_BROKER_LINE_MAX])
{
	struct pst_broker_result res, failed;
	enum pst_err err, first = PST_OK;
	size_t i;

	for (i = 0; i < s->tee_count; i++) {
		if (r->tee != NULL && &s->tee[i] != tee)
			continue;
		(void)pthread_mutex_lock(&s->tee[i].lock);
		err = pst_broker_sync(s->tee[i].broker, true, &res);
		(void)pthread_mutex_unlock(&s->tee[i].lock);
		if (err != PST_OK && first == PST_OK) {
			first = err;
			failed = res;
		}
	}
	put_result(answer, first != PST_OK ? &failed : &res, first);
}

static void
carry_out(struct service *s, uid_t uid, const struct request *r,
    char answer[PST_BROKER_LINE_MAX])
{
	struct service_tee *tee = tee_of(s, r);
	char why[96];
	uint32_t wait_s;

	if (strcmp(r->command, "ping") == 0) {
		put(answer, "done", "running", NULL);
		return;
	}
	if (strcmp(r->command, "request") != 0 &&
	    strcmp(r->command, "unrequest") != 0 &&
	    strcmp(r->command, "sync") != 0) {
		pst_service_refuse(answer,
		    "unknown command; known are request, unrequest, sync, "
		    "ping");
		return;
	}
	if (tee == NULL) {
		pst_service_refuse(answer, "no TEE of that name");
		return;
	}
	if (!pst_service_peer_take(s, uid, &wait_s)) {
		(void)snprintf(why, sizeof(why),
		    "too many requests; try again in %" PRIu32 " s", wait_s);
		pst_service_refuse(answer, why);
		return;
	}
	if (strcmp(r->command, "sync") == 0)
		sync_tees(s, r, tee, answer);
	else
		one_component(s, uid, r, tee, answer);
}

void
pst_service_answer(struct service *s, uid_t uid, const char *line,
    char answer[PST_BROKER_LINE_MAX])
{
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	struct request r = { NULL, NULL, NULL, NULL };
	const char *why = "not a JSON object";

	if (json_is_object(o))
		why = read_members(o, &r);
	if (why != NULL)
		pst_service_refuse(answer, why);
	else
		carry_out(s, uid, &r, answer);
	json_decref(o);
}
