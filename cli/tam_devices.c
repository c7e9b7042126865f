/* postern tam devices, groups. */
#include <stdlib.h>
#include <string.h>

#include "tam.h"

/* --- devices ----------------------------------------------------------- */

static const char *
attestation_of(const json_t *device)
{
	return tam_text(json_object_get(device, "attestation"), "last");
}

static void
print_groups(const json_t *device)
{
	json_t *name, *list = json_object_get(device, "groups");
	size_t i;

	json_array_foreach(list, i, name)
	    printf("%s%s", i > 0 ? "," : "", json_string_value(name));
	if (json_array_size(list) == 0)
		putchar('-');
	putchar('\n');
}

static void
print_device(const json_t *d)
{
	printf("%-24s %-8s %-20s %-32s ", tam_text(d, "name"),
	    tam_text(d, "status"), tam_text(d, "seen"), attestation_of(d));
	print_groups(d);
}

static const char devices_heading[] = "NAME                     STATUS   "
				      "LAST SEEN            "
				      "LAST ATTESTATION                 GROUPS";

static void
print_inventory(const json_t *device)
{
	json_t *c, *list = json_object_get(device, "components");
	size_t i;

	if (json_array_size(list) == 0) {
		puts("components:   none reported");
		return;
	}
	puts("components:");
	json_array_foreach(list, i, c)
	{
		printf("  %s", tam_text(c, "component"));
		if (json_is_true(json_object_get(c, "manifest")))
			printf("  sequence %" JSON_INTEGER_FORMAT,
			    json_integer_value(json_object_get(c, "sequence")));
		printf("  %s\n", tam_text(c, "digest"));
	}
}

/* Where a manifest stopped: section and byte, command, component, and which
 * manifest of a tree. */
static void
print_place(const json_t *why)
{
	json_t *index, *walk = json_object_get(why, "manifest-id");
	json_int_t section =
	    json_integer_value(json_object_get(why, "section"));
	size_t i;

	if (section == 0) {
		fputs("before any command ran", stdout);
		return;
	}
	printf("in %s, byte %" JSON_INTEGER_FORMAT,
	    tam_text(why, "section-name"),
	    json_integer_value(json_object_get(why, "offset")));
	if (json_is_string(json_object_get(why, "command")))
		printf(": %s", tam_text(why, "command"));
	printf(", component %" JSON_INTEGER_FORMAT,
	    json_integer_value(json_object_get(why, "component-index")));
	if (json_is_string(json_object_get(why, "component")))
		printf(" (%s)", tam_text(why, "component"));
	json_array_foreach(walk, i, index) printf("%s%" JSON_INTEGER_FORMAT,
	    i == 0 ? ", of dependency " : ".", json_integer_value(index));
}

/* When the last Update failed and why, and where its manifest stopped. */
static void
print_failure(const json_t *report)
{
	const json_t *why = json_object_get(report, "failure");

	if (!json_is_object(report)) {
		puts("last failure: none");
		return;
	}
	printf("last failure: %s  %s", tam_text(report, "at"),
	    tam_text(report, "manifest"));
	if (json_is_object(why))
		printf("  %s: %s", tam_text(why, "reason"),
		    tam_text(why, "meaning"));
	if (json_is_string(json_object_get(report, "msg")))
		printf("  \"%s\"", tam_text(report, "msg"));
	putchar('\n');
	if (!json_is_object(why))
		return;
	fputs("              ", stdout);
	print_place(why);
	putchar('\n');
}

static void
print_attesters(const json_t *list)
{
	const json_t *item;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		printf("attester:     %s  %s, by %s%s%s\n",
		    tam_text(item, "attester"),
		    json_is_null(json_object_get(item, "technology"))
			? "any technology"
			: tam_text(item, "technology"),
		    tam_text(item, "by"),
		    json_is_string(json_object_get(item, "voucher"))
			? ", vouched for by "
			: "",
		    json_is_string(json_object_get(item, "voucher"))
			? tam_text(item, "voucher")
			: "");
	}
}

static void
print_reasons(const json_t *list)
{
	json_t *why;
	size_t i;

	json_array_foreach(list, i, why)
	    printf("              %s\n", json_string_value(why));
}

static void
print_whole_device(const json_t *d)
{
	const json_t *attestation = json_object_get(d, "attestation");
	const json_t *key = json_object_get(d, "teep-key");

	printf("name:         %s\n", tam_text(d, "name"));
	printf("status:       %s\n", tam_text(d, "status"));
	printf("enrolled:     %s\n", tam_text(d, "enrolled"));
	print_attesters(json_object_get(d, "attesters"));
	printf("last seen:    %s\n", tam_text(d, "seen"));
	printf("attested:     %s (last outcome: %s)\n",
	    tam_text(attestation, "passed"), tam_text(attestation, "last"));
	print_reasons(json_object_get(attestation, "why"));
	printf("teep key:     %s %s\n", tam_text(key, "curve"),
	    tam_text(key, "thumbprint"));
	printf("update sent:  %s\n",
	    json_is_string(json_object_get(d, "update-pending-until"))
		? "answer outstanding"
		: "none outstanding");
	print_failure(json_object_get(d, "last-failure"));
	fputs("groups:       ", stdout);
	print_groups(d);
	print_inventory(d);
}

/* The last report of a page that is a failure, or what was before. Owned. */
static json_t *
last_failure(json_t *page, json_t *before)
{
	json_t *item, *items = json_object_get(page, "items");
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (json_is_true(json_object_get(item, "success")))
			continue;
		json_decref(before);
		before = json_incref(item);
	}
	return before;
}

/* Reports are listed from the oldest on: the last failure is on the last page
 * that has one. */
static int
add_failure(const struct tam_args *a, const char *name, json_t *device)
{
	char query[96], cursor[32] = "0";
	struct tam_request r = { .method = "GET",
		.path = "/devices/*/reports",
		.one = name,
		.query = query };
	json_t *page, *failure = NULL;
	bool more = true;

	while (more) {
		snprintf(query, sizeof(query), "limit=100&cursor=%s", cursor);
		if (tam_call(a, &r, &page, NULL) != CLI_DONE) {
			json_decref(failure);
			return CLI_REFUSED;
		}
		failure = last_failure(page, failure);
		more = json_is_string(json_object_get(page, "next"));
		snprintf(cursor, sizeof(cursor), "%s", tam_text(page, "next"));
		json_decref(page);
	}
	json_object_set_new(
	    device, "last-failure", failure != NULL ? failure : json_null());
	return CLI_DONE;
}

static int
show(const struct tam_args *a, const char *name)
{
	struct tam_request r = {
		.method = "GET", .path = "/devices/*", .one = name
	};
	json_t *device;

	if (tam_call(a, &r, &device, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (add_failure(a, name, device) != CLI_DONE) {
		json_decref(device);
		return CLI_REFUSED;
	}
	return tam_show(a, device, print_whole_device);
}

static void
print_status_of(const json_t *d)
{
	printf("%s is %s\n", tam_text(d, "name"), tam_text(d, "status"));
}

static int
set_status(const struct tam_args *a, const char *name, const char *status)
{
	json_t *device;

	if (tam_send(a, "PUT", "/devices/*/status", name,
		json_pack("{s:s}", "status", status), &device,
		NULL) != CLI_DONE)
		return CLI_REFUSED;
	return tam_show(a, device, print_status_of);
}

static int
forget(const struct tam_args *a, const char *path, const char *name)
{
	struct tam_request r = {
		.method = "DELETE", .path = path, .one = name
	};

	if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("removed %s\n", name);
	return CLI_DONE;
}

static void
print_report(const json_t *r)
{
	const json_t *failure = json_object_get(r, "failure");
	bool success = json_is_true(json_object_get(r, "success"));

	printf("%s  %-20s %-8s %s", tam_text(r, "at"), tam_text(r, "device"),
	    success ? "success" : "FAILED", tam_text(r, "manifest"));
	if (json_is_object(failure))
		printf("  %s: %s (", tam_text(failure, "reason"),
		    tam_text(failure, "meaning"));
	if (json_is_object(failure)) {
		print_place(failure);
		putchar(')');
	}
	if (json_is_string(json_object_get(r, "msg")))
		printf("  \"%s\"", tam_text(r, "msg"));
	putchar('\n');
}

static int
reports(const struct tam_args *a, const char *name)
{
	return tam_list(a, name != NULL ? "/devices/*/reports" : "/reports",
	    name,
	    "AT                    DEVICE               OUTCOME  MANIFEST",
	    print_report);
}

static int
one_device(const struct tam_args *a, const char *word, const char *name)
{
	if (strcmp(word, "show") == 0)
		return show(a, name);
	if (strcmp(word, "revoke") == 0)
		return set_status(a, name, "revoked");
	if (strcmp(word, "activate") == 0)
		return set_status(a, name, "active");
	if (strcmp(word, "remove") == 0)
		return forget(a, "/devices/*", name);
	if (strcmp(word, "evidence") == 0)
		return tam_device_evidence(a, name);
	if (strcmp(word, "result") == 0)
		return tam_device_result(a, name);
	if (strcmp(word, "add-key") == 0)
		return tam_add_key(a, name);
	if (strcmp(word, "remove-key") == 0)
		return tam_remove_key(a, name);
	return cli_usage(a->command, "no such word: %s", word);
}

int
tam_devices(int argc, char **argv)
{
	const char *word = "list", *name = NULL;
	struct tam_args a;

	if (tam_parse(&a, argc, argv,
		TAM_JSON | TAM_KEY | TAM_LIMIT | TAM_FAILED | TAM_FORMAT |
		    TAM_TECHNOLOGY | TAM_IDENTITY | TAM_CERTIFICATE |
		    TAM_ATTESTER,
		0, 2) != CLI_DONE)
		return CLI_USAGE;
	if (a.count > 0)
		word = a.word[0];
	if (a.count > 1)
		name = a.word[1];
	if (strcmp(word, "list") == 0 && name == NULL)
		return tam_list(
		    &a, "/devices", NULL, devices_heading, print_device);
	if (strcmp(word, "enroll") == 0)
		return tam_enroll(&a, name);
	if (strcmp(word, "reports") == 0)
		return reports(&a, name);
	if (name == NULL)
		return cli_usage(a.command, "%s needs a device's name", word);
	return one_device(&a, word, name);
}

/* --- groups ------------------------------------------------------------ */

static void
print_group(const json_t *g)
{
	printf("%-24s %" JSON_INTEGER_FORMAT "\n", tam_text(g, "name"),
	    json_integer_value(json_object_get(g, "members")));
}

static int
add_group(const struct tam_args *a, const char *name)
{
	if (tam_send(a, "POST", "/groups", NULL,
		json_pack("{s:s}", "name", name), NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("group %s\n", name);
	return CLI_DONE;
}

static int
members(const struct tam_args *a, const char *method, const char *what)
{
	struct tam_request r = { .method = method,
		.path = "/groups/*/members/*",
		.one = a->word[1] };
	int i;

	for (i = 2; i < a->count; i++) {
		r.two = a->word[i];
		if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
			return CLI_REFUSED;
		if (!a->json)
			printf("%s %s %s\n", r.two, what, r.one);
	}
	return CLI_DONE;
}

int
tam_groups(int argc, char **argv)
{
	struct tam_args a;
	const char *word;

	if (tam_parse(&a, argc, argv, TAM_JSON | TAM_LIMIT, 0, CLI_MANY) !=
	    CLI_DONE)
		return CLI_USAGE;
	word = a.count > 0 ? a.word[0] : "list";
	if (strcmp(word, "list") == 0 && a.count <= 1)
		return tam_list(&a, "/groups", NULL,
		    "NAME                     DEVICES", print_group);
	if (strcmp(word, "add") == 0 && a.count == 2)
		return add_group(&a, a.word[1]);
	if (strcmp(word, "remove") == 0 && a.count == 2)
		return forget(&a, "/groups/*", a.word[1]);
	if (strcmp(word, "join") == 0 && a.count >= 3)
		return members(&a, "PUT", "joined");
	if (strcmp(word, "leave") == 0 && a.count >= 3)
		return members(&a, "DELETE", "left");
	return cli_usage(a.command, "not understood: %s", word);
}
