/* Paths and queries of the admin API: what is found, decoded and refused. */
#include <stdlib.h>

#include "tam/admin/admin_internal.h"
#include "test.h"

static struct pst_admin_call call;
static char allow[PST_ADMIN_ALLOW_LEN];

static const struct pst_admin_route *
find(const char *method, const char *url)
{
	memset(&call, 0, sizeof(call));
	return pst_admin_route_find(&call, url, method, allow, sizeof(allow));
}

static void
names_are_decoded(void)
{
	static const struct {
		const char *url, *first, *second;
	} rows[] = {
		{ "/api/v1/devices/one", "one", "" },
		{ "/api/v1/devices/a%2Fb", "a/b", "" },
		{ "/api/v1/devices/%2e%2E%2f", "../", "" },
		{ "/api/v1/devices/a*b", "a*b", "" },
		{ "/api/v1/devices/%25", "%", "" },
		{ "/api/v1/devices/%c3%bc", "\xc3\xbc", "" },
		{ "/api/v1/anchors/signer/x", "signer", "x" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK(find("DELETE", rows[i].url) != NULL);
		CHECK(strcmp(call.arg[0], rows[i].first) == 0);
		CHECK(strcmp(call.arg[1], rows[i].second) == 0);
	}
}

static void
other_paths_are_no_resources(void)
{
	static const char *const urls[] = { "", "/", "/api", "/api/v1",
		"/api/v1/", "/api/v2/devices", "/api/v1devices",
		"/api/v1/devices/", "/api/v1//devices", "/api/v1/devices//",
		"/api/v1/devices/a/", "/api/v1/devices/a/b",
		"/api/v1/devices/a/status/", "/api/v1/device",
		"/api/v1/devicesx", "/api/v1/devices/%", "/api/v1/devices/%4",
		"/api/v1/devices/%4g", "/api/v1/devices/%00",
		"/api/v1/devices/a%00b", "/API/v1/devices",
		"/api/v1/groups/a/members", "/api/v1/groups/a/members/" };
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		if (find("GET", urls[i]) != NULL || allow[0] != 0)
			printf("  %s\n", urls[i]);
		CHECK(find("GET", urls[i]) == NULL);
		CHECK(allow[0] == 0);
	}
}

static void
another_method_is_told_which_there_are(void)
{
	CHECK(find("PATCH", "/api/v1/devices") == NULL);
	CHECK(strcmp(allow, "GET, POST") == 0);
	CHECK(find("GET", "/api/v1/groups/a/members/b") == NULL);
	CHECK(strcmp(allow, "PUT, DELETE") == 0);
	CHECK(find("get", "/api/v1/devices") == NULL);
	CHECK(find("HEAD", "/api/v1/assignments") == NULL);
	CHECK(strcmp(allow, "GET, POST, DELETE") == 0);
}

static void
a_name_has_a_bound(void)
{
	char url[64 + 3 * (PST_TAM_NAME_MAX + 1)] = "/api/v1/devices/";
	size_t start = strlen(url), i;

	for (i = 0; i < PST_TAM_NAME_MAX; i++)
		strcat(url, "%41");
	CHECK(find("GET", url) != NULL);
	CHECK_EQ(strlen(call.arg[0]), PST_TAM_NAME_MAX);
	strcat(url, "A");
	CHECK(find("GET", url) == NULL);
	/* Every truncation is another name or none, never a read too far. */
	for (i = strlen(url) - 1; i > start; i--) {
		char *copy = strndup(url, i);

		CHECK(copy != NULL);
		CHECK_EQ(find("GET", copy) != NULL, (i - start) % 3 == 0);
		free(copy);
	}
}

static bool
takes(const char *url, const char *key, const char *val)
{
	const struct pst_admin_route *route = find("GET", url);

	return route != NULL && pst_admin_query_take(&call, route, key, val);
}

static void
query_values_are_bounded(void)
{
	static const char *const bad_limits[] = { "", "0", "1001", "-1", "+1",
		"1.0", " 1", "0x1", "99999999999999999999", "1%00", "%", "1%" };
	size_t i;

	CHECK(takes("/api/v1/devices", "limit", "1"));
	CHECK_EQ(call.limit, 1);
	CHECK(takes("/api/v1/devices", "limit", "%31000"));
	CHECK_EQ(call.limit, PST_ADMIN_LIMIT_MAX);
	CHECK(takes("/api/v1/devices", "cursor", "9223372036854770000"));
	CHECK(call.after == 9223372036854770000);
	for (i = 0; i < sizeof(bad_limits) / sizeof(*bad_limits); i++)
		CHECK(!takes("/api/v1/devices", "limit", bad_limits[i]));
	CHECK(!takes("/api/v1/devices", "limit", NULL));
	CHECK(!takes("/api/v1/devices", "cursor", "9223372036854775808"));
	CHECK(!takes("/api/v1/devices", "LIMIT", "1"));
	CHECK(!takes("/api/v1/devices", "component", "x"));
	CHECK(!takes("/api/v1/devices/a", "limit", "1"));
}

static void
a_query_parameter_counts_once(void)
{
	const struct pst_admin_route *route = find("GET", "/api/v1/devices");

	CHECK(route != NULL);
	CHECK(pst_admin_query_take(&call, route, "limit", "1"));
	CHECK(pst_admin_query_take(&call, route, "cursor", "1"));
	CHECK(!pst_admin_query_take(&call, route, "limit", "1"));
	CHECK(call.note[0] != 0);
}

static void
long_query_values_are_refused_not_cut(void)
{
	const struct pst_admin_route *route;
	char text[PST_ADMIN_TEXT_LEN + 2];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	route = find("DELETE", "/api/v1/assignments");
	CHECK(route != NULL);
	CHECK(!pst_admin_query_take(&call, route, "component", text));
	text[PST_ADMIN_TEXT_LEN - 1] = 0;
	route = find("DELETE", "/api/v1/assignments");
	CHECK(pst_admin_query_take(&call, route, "component", text));
	CHECK_EQ(strlen(call.component), PST_ADMIN_TEXT_LEN - 1);
	text[PST_TAM_NAME_MAX + 1] = 0;
	CHECK(!pst_admin_query_take(&call, route, "target", text));
	CHECK(!pst_admin_query_take(&call, route, "scope", text));
}

int
main(void)
{
	RUN(names_are_decoded);
	RUN(other_paths_are_no_resources);
	RUN(another_method_is_told_which_there_are);
	RUN(a_name_has_a_bound);
	RUN(query_values_are_bounded);
	RUN(a_query_parameter_counts_once);
	RUN(long_query_values_are_refused_not_cut);
	TEST_END();
}
