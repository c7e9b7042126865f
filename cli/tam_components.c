/* postern tam publish, components, assign, anchors, audit, status. */
#include <stdlib.h>
#include <string.h>

#include <postern/teep.h>

#include "tam.h"

/* --- publish, components ----------------------------------------------- */

static void
print_published_as(const char *what, const json_t *m)
{
	printf("%s %s sequence %" JSON_INTEGER_FORMAT " (%s)\n", what,
	    tam_text(m, "manifest"),
	    json_integer_value(json_object_get(m, "sequence")),
	    tam_text(m, "digest"));
}

static void
print_published(const json_t *m)
{
	print_published_as("published", m);
}

static void
print_published_before(const json_t *m)
{
	print_published_as("already published:", m);
}

static int
publish(const struct tam_args *a, const char *path)
{
	struct tam_request r = { .method = "POST",
		.path = "/components",
		.type = "application/suit-envelope+cbor" };
	struct cli_file f;
	json_t *m = NULL;
	long http;
	int status;

	if (cli_read(path, PST_MESSAGE_MAX, &f) != CLI_DONE)
		return CLI_REFUSED;
	r.body = f.ptr;
	r.len = f.len;
	status = tam_call(a, &r, &m, &http);
	cli_file_free(&f);
	if (status != CLI_DONE)
		return cli_fail("%s was not published", path);
	return tam_show(
	    a, m, http == 201 ? print_published : print_published_before);
}

int
tam_publish(int argc, char **argv)
{
	int i, status = CLI_DONE;
	struct tam_args a;

	if (tam_parse(&a, argc, argv, TAM_JSON, 1, CLI_MANY) != CLI_DONE)
		return CLI_USAGE;
	for (i = 0; i < a.count; i++) {
		if (publish(&a, a.word[i]) != CLI_DONE)
			status = CLI_REFUSED;
	}
	return status;
}

static void
print_manifest(const json_t *m)
{
	json_t *c, *list = json_object_get(m, "components");
	size_t i;

	printf("%s  sequence %" JSON_INTEGER_FORMAT "  %s  signer %s  %s\n",
	    tam_text(m, "manifest"),
	    json_integer_value(json_object_get(m, "sequence")),
	    tam_text(m, "published"), tam_text(m, "signer"),
	    tam_text(m, "digest"));
	json_array_foreach(list, i, c)
	{
		const char *text = json_string_value(c);

		printf("    %s\n", text != NULL ? text : "-");
	}
}

int
tam_components(int argc, char **argv)
{
	struct tam_args a;

	if (tam_parse(&a, argc, argv, TAM_JSON | TAM_LIMIT, 0, 0) != CLI_DONE)
		return CLI_USAGE;
	return tam_list(&a, "/components", NULL,
	    "MANIFEST, AND THE COMPONENTS IN IT", print_manifest);
}

/* --- assign ------------------------------------------------------------ */

static void
print_assignment(const json_t *o)
{
	bool all = strcmp(tam_text(o, "scope"), "all") == 0;

	printf("%s  to %s%s%s%s%s%s\n", tam_text(o, "component"),
	    tam_text(o, "scope"), all ? "" : " ",
	    all ? "" : tam_text(o, "target"),
	    json_is_true(json_object_get(o, "on-request")) ? "  on request"
							   : "",
	    json_is_true(json_object_get(o, "remediation")) ? "  remediation"
							    : "",
	    json_is_false(json_object_get(o, "published"))
		? "  (not published yet)"
		: "");
}

/** Whom a --to names. */
struct whom {
	const char *scope;
	const char *target; /* NULL for all */
};

/** A name looked for among groups. */
struct wanted {
	const char *name;
	bool found;
};

static bool
page_has(const json_t *page, const char *name)
{
	json_t *item, *items = json_object_get(page, "items");
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (strcmp(tam_text(item, "name"), name) == 0)
			return true;
	}
	return false;
}

static int
find_group(const struct tam_args *a, struct wanted *w)
{
	char query[96], cursor[32] = "0";
	struct tam_request r = {
		.method = "GET", .path = "/groups", .query = query
	};
	bool more = true;
	json_t *page;

	while (more && !w->found) {
		snprintf(query, sizeof(query), "limit=500&cursor=%s", cursor);
		if (tam_call(a, &r, &page, NULL) != CLI_DONE)
			return CLI_REFUSED;
		w->found = page_has(page, w->name);
		more = json_is_string(json_object_get(page, "next"));
		snprintf(cursor, sizeof(cursor), "%s", tam_text(page, "next"));
		json_decref(page);
	}
	return CLI_DONE;
}

/* A bare name is a group's or a device's, when only one of them has it. */
static int
find_name(const struct tam_args *a, struct whom *out)
{
	struct tam_request r = { .method = "GET",
		.path = "/devices/*",
		.one = a->to,
		.quiet_404 = true };
	struct wanted group = { a->to, false };
	long http = 0;

	if (find_group(a, &group) != CLI_DONE)
		return CLI_REFUSED;
	if (tam_call(a, &r, NULL, &http) != CLI_DONE && http != 404)
		return CLI_REFUSED;
	if (group.found && http != 404)
		return cli_fail("%s is a group and a device: say group:%s or "
				"device:%s",
		    a->to, a->to, a->to);
	if (!group.found && http == 404)
		return cli_fail("no group and no device is called %s", a->to);
	*out = (struct whom){ group.found ? "group" : "device", a->to };
	return CLI_DONE;
}

static int
resolve(const struct tam_args *a, struct whom *out)
{
	if (strcmp(a->to, "all") == 0)
		*out = (struct whom){ "all", NULL };
	else if (strncmp(a->to, "group:", 6) == 0)
		*out = (struct whom){ "group", a->to + 6 };
	else if (strncmp(a->to, "device:", 7) == 0)
		*out = (struct whom){ "device", a->to + 7 };
	else
		return find_name(a, out);
	return CLI_DONE;
}

static void
print_assigned(const json_t *o)
{
	fputs("assigned ", stdout);
	print_assignment(o);
}

static int
assign(const struct tam_args *a, const struct whom *to)
{
	json_t *done,
	    *body = json_pack("{s:s, s:s, s:b, s:b}", "component", a->word[0],
		"scope", to->scope, "on-request", a->on_request, "remediation",
		a->remediation);

	if (to->target != NULL)
		json_object_set_new(body, "target", json_string(to->target));
	if (tam_send(a, "POST", "/assignments", NULL, body, &done, NULL) !=
	    CLI_DONE)
		return CLI_REFUSED;
	if (json_is_false(json_object_get(done, "published")))
		cli_warn("no published manifest has %s: devices get it once "
			 "one is published",
		    tam_text(done, "component"));
	return tam_show(a, done, print_assigned);
}

static int
unassign(const struct tam_args *a, const struct whom *to)
{
	char *component = tam_escape(a->word[0]);
	char *target = tam_escape(to->target != NULL ? to->target : "");
	struct tam_request r = { .method = "DELETE", .path = "/assignments" };
	char query[4096];
	int status;

	if (component == NULL || target == NULL)
		status = cli_fail("out of memory");
	else if (snprintf(query, sizeof(query), "component=%s&scope=%s%s%s",
		     component, to->scope, to->target ? "&target=" : "",
		     target) >= (int)sizeof(query))
		status = cli_fail("too long a name");
	else
		status = CLI_DONE;
	free(component);
	free(target);
	if (status != CLI_DONE)
		return status;
	r.query = query;
	if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("no longer assigned: %s\n", a->word[0]);
	return CLI_DONE;
}

int
tam_assign(int argc, char **argv)
{
	struct tam_args a;
	struct whom to = { NULL, NULL };

	if (tam_parse(&a, argc, argv,
		TAM_JSON | TAM_TO | TAM_ON_REQUEST | TAM_REMEDIATION |
		    TAM_REMOVE | TAM_LIMIT,
		0, 1) != CLI_DONE)
		return CLI_USAGE;
	if (a.count == 0 &&
	    (a.to != NULL || a.remove || a.on_request || a.remediation))
		return cli_usage(a.command, "which component?");
	if (a.count == 0)
		return tam_list(&a, "/assignments", NULL,
		    "COMPONENT, AND WHO SHOULD HAVE IT", print_assignment);
	if (a.to == NULL)
		return cli_usage(a.command,
		    "--to is needed: all, or the name of a group or device");
	if (a.remove + a.on_request + a.remediation > 1)
		return cli_usage(a.command,
		    "--remove, --on-request and --remediation exclude each "
		    "other");
	if (resolve(&a, &to) != CLI_DONE)
		return CLI_REFUSED;
	return a.remove ? unassign(&a, &to) : assign(&a, &to);
}

/* --- anchors ----------------------------------------------------------- */

static void
print_anchor(const json_t *o)
{
	const json_t *key = json_object_get(o, "key");
	json_t *p, *list = json_object_get(o, "prefixes");
	size_t i;

	printf("%-9s %-24s %-8s %s\n", tam_text(o, "kind"), tam_text(o, "name"),
	    tam_text(key, "curve"), tam_text(key, "thumbprint"));
	json_array_foreach(list, i, p)
	{
		const char *text = json_string_value(p);

		printf("          for %s\n", text != NULL ? text : "-");
	}
}

static int
add_anchor(const struct tam_args *a, const char *name)
{
	json_t *body, *prefixes, *done;
	char *pem;
	size_t i;

	if (a->kind == NULL || a->key == NULL)
		return cli_usage(a->command,
		    "add needs --kind, and --key FILE of a signer, verifier or "
		    "author, else --file FILE");
	if (tam_public_key(a->key, &pem) != CLI_DONE)
		return CLI_REFUSED;
	prefixes = json_array();
	for (i = 0; i < a->prefixes; i++)
		json_array_append_new(prefixes, json_string(a->prefix[i]));
	body = json_pack("{s:s, s:s, s:s, s:o}", "kind", a->kind, "name", name,
	    "key", pem, "prefixes", prefixes);
	free(pem);
	if (tam_send(a, "POST", "/anchors", NULL, body, &done, NULL) !=
	    CLI_DONE)
		return CLI_REFUSED;
	return tam_show(a, done, print_anchor);
}

static int
remove_anchor(const struct tam_args *a, const char *name)
{
	struct tam_request r = { .method = "DELETE",
		.path = "/anchors/*/*",
		.one = a->kind,
		.two = name };

	if (a->kind == NULL)
		return cli_usage(a->command, "remove needs --kind");
	if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("removed %s\n", name);
	return CLI_DONE;
}

static const struct tam_source anchor_sources[] = {
	{ "/anchors", NULL,
	    "KIND      NAME                     CURVE    THUMBPRINT",
	    print_anchor },
	{ "/endorsements", NULL,
	    "KIND         NAME                     BYTES    ADDED",
	    tam_print_file },
};

static int
about_file(const struct tam_args *a, const char *word, const char *name)
{
	if (a->key != NULL || a->prefixes > 0)
		return cli_usage(
		    a->command, "%s: has --file, no key and prefix", a->kind);
	if (word[0] == 's')
		return tam_show_file(a, name);
	return word[0] == 'a' ? tam_add_file(a, name)
			      : tam_remove_file(a, name);
}

int
tam_anchors(int argc, char **argv)
{
	struct tam_args a;
	const char *word;

	if (tam_parse(&a, argc, argv,
		TAM_JSON | TAM_KIND | TAM_KEY | TAM_FILE | TAM_PREFIX |
		    TAM_LIMIT,
		0, 2) != CLI_DONE)
		return CLI_USAGE;
	word = a.count > 0 ? a.word[0] : "list";
	if (strcmp(word, "list") == 0 && a.count <= 1)
		return tam_lists(&a, anchor_sources, 2);
	if (strcmp(word, "add") != 0 && strcmp(word, "remove") != 0 &&
	    strcmp(word, "show") != 0)
		return cli_usage(a.command, "no such word: %s", word);
	if (a.count != 2)
		return cli_usage(a.command, "%s needs a name", word);
	if (tam_is_file_kind(a.kind))
		return about_file(&a, word, a.word[1]);
	if (word[0] == 's')
		return cli_usage(
		    a.command, "show needs --kind of a file, as vendor-root");
	return word[0] == 'a' ? add_anchor(&a, a.word[1])
			      : remove_anchor(&a, a.word[1]);
}

/* --- audit, status ----------------------------------------------------- */

static void
print_audit(const json_t *o)
{
	printf("%s  %-16s %-12s %s\n", tam_text(o, "at"), tam_text(o, "who"),
	    tam_text(o, "what"), tam_text(o, "detail"));
}

int
tam_audit(int argc, char **argv)
{
	struct tam_args a;

	if (tam_parse(&a, argc, argv, TAM_JSON | TAM_LIMIT, 0, 0) != CLI_DONE)
		return CLI_USAGE;
	return tam_list(&a, "/audit", NULL,
	    "AT                    WHO              WHAT         DETAIL",
	    print_audit);
}

static void
print_status(const json_t *o)
{
	static const char *const members[] = { "devices", "manifests",
		"reports", "audit" };
	size_t i;

	printf("%-10s %s\n", "uri", tam_text(o, "uri"));
	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		printf("%-10s %" JSON_INTEGER_FORMAT "\n", members[i],
		    json_integer_value(json_object_get(o, members[i])));
}

int
tam_status(int argc, char **argv)
{
	struct tam_request r = { .method = "GET", .path = "/status" };
	struct tam_args a;
	json_t *status;

	if (tam_parse(&a, argc, argv, TAM_JSON, 0, 0) != CLI_DONE)
		return CLI_USAGE;
	if (tam_call(&a, &r, &status, NULL) != CLI_DONE)
		return CLI_REFUSED;
	return tam_show(&a, status, print_status);
}
