/*
 * Which resource a call is about: its path, method and query. Pure; names
 * come out decoded and bounded.
 */
#include <stdio.h>
#include <string.h>

#include "admin_internal.h"

#define PREFIX "/api/v1"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undo percent-encoding of len bytes; no zero may come out of it. */
static bool
decode(const char *in, size_t len, char *out, size_t cap)
{
	size_t i, n = 0;
	int hi, lo;

	for (i = 0; i < len; i++) {
		char c = in[i];

		if (c == '%') {
			if (len - i < 3)
				return false;
			hi = digit(in[i + 1]);
			lo = digit(in[i + 2]);
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi * 16 + lo);
			i += 2;
		}
		if (c == 0 || n + 1 >= cap)
			return false;
		out[n++] = c;
	}
	out[n] = 0;
	return true;
}

/** Does url match a route's path? Names go to call->arg. */
static bool
path_matches(const char *path, const char *url, struct pst_admin_call *call)
{
	size_t arg = 0, len;

	while (*path != 0 && *url != 0) {
		if (*path != '*') {
			if (*path++ != *url++)
				return false;
			continue;
		}
		len = strcspn(url, "/");
		if (arg >= PST_ADMIN_ARGS_MAX || len == 0 ||
		    !decode(url, len, call->arg[arg++], PST_ADMIN_NAME_LEN))
			return false;
		path++;
		url += len;
	}
	return *path == 0 && *url == 0;
}

static const struct pst_admin_route *const tables[] = {
	pst_admin_device_routes,
	pst_admin_result_routes,
	pst_admin_enroll_routes,
	pst_admin_evidence_routes,
	pst_admin_group_routes,
	pst_admin_component_routes,
	pst_admin_anchor_routes,
	pst_admin_endorsement_routes,
	pst_admin_node_routes,
};

static void
allow_add(char *allow, size_t cap, const char *method)
{
	size_t len = strlen(allow);

	snprintf(allow + len, cap - len, "%s%s", len > 0 ? ", " : "", method);
}

const struct pst_admin_route *
pst_admin_route_find(struct pst_admin_call *call, const char *url,
    const char *method, char *allow, size_t cap)
{
	const struct pst_admin_route *route;
	size_t i;

	allow[0] = 0;
	if (strncmp(url, PREFIX "/", strlen(PREFIX) + 1) != 0)
		return NULL;
	url += strlen(PREFIX);
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (route = tables[i]; route->method != NULL; route++) {
			if (!path_matches(route->path, url, call))
				continue;
			if (strcmp(route->method, method) == 0)
				return route;
			allow_add(allow, cap, route->method);
		}
	}
	return NULL;
}

/* --- query ------------------------------------------------------------- */

bool
pst_admin_number(const char *text, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (*text == 0)
		return false;
	for (; *text != 0; text++) {
		if (*text < '0' || *text > '9' || n > (max - 9) / 10)
			return false;
		n = n * 10 + (*text - '0');
	}
	*out = n;
	return true;
}

static bool
query_value(struct pst_admin_call *c, unsigned which, const char *raw)
{
	char text[PST_ADMIN_TEXT_LEN];
	int64_t n;

	if (!decode(raw, strlen(raw), text, sizeof(text)))
		return false;
	switch (which) {
	case PST_ADMIN_Q_LIMIT:
		if (!pst_admin_number(text, PST_ADMIN_LIMIT_MAX * 10 + 9, &n) ||
		    n < 1 || n > PST_ADMIN_LIMIT_MAX)
			return false;
		c->limit = (size_t)n;
		return true;
	case PST_ADMIN_Q_CURSOR:
		return pst_admin_number(text, INT64_MAX, &c->after);
	case PST_ADMIN_Q_COMPONENT:
		return snprintf(c->component, sizeof(c->component), "%s",
			   text) < (int)sizeof(c->component);
	case PST_ADMIN_Q_SCOPE:
		return snprintf(c->scope, sizeof(c->scope), "%s", text) <
		    (int)sizeof(c->scope);
	default:
		return snprintf(c->target, sizeof(c->target), "%s", text) <
		    (int)sizeof(c->target);
	}
}

static const struct {
	const char *name;
	unsigned bit;
} query_names[] = {
	{ "limit", PST_ADMIN_Q_LIMIT },
	{ "cursor", PST_ADMIN_Q_CURSOR },
	{ "component", PST_ADMIN_Q_COMPONENT },
	{ "scope", PST_ADMIN_Q_SCOPE },
	{ "target", PST_ADMIN_Q_TARGET },
};

bool
pst_admin_query_take(struct pst_admin_call *call,
    const struct pst_admin_route *route, const char *key, const char *val)
{
	unsigned bit = 0;
	size_t i;

	for (i = 0; i < sizeof(query_names) / sizeof(*query_names); i++) {
		if (strcmp(query_names[i].name, key) == 0)
			bit = query_names[i].bit;
	}
	if ((route->query & bit) == 0 || (call->query & bit) != 0) {
		snprintf(call->note, sizeof(call->note),
		    "a query parameter is unknown or repeated");
		return false;
	}
	call->query |= bit;
	if (val != NULL && query_value(call, bit, val))
		return true;
	snprintf(call->note, sizeof(call->note),
	    "a query parameter's value is not usable");
	return false;
}
