/* postern tam anchors, for files: what the Verifier in process believes. */
#include <stdlib.h>
#include <string.h>

#include "tam.h"
#include "tam/store/store.h"

bool
tam_is_file_kind(const char *kind)
{
	int i;

	for (i = PST_TAM_VENDOR_ROOT;
	     kind != NULL && i < PST_TAM_ENDORSEMENT_KINDS; i++)
		if (strcmp(kind,
			pst_tam_endorsement_kind_name(
			    (enum pst_tam_endorsement_kind)i)) == 0)
			return true;
	return false;
}

void
tam_print_file(const json_t *o)
{
	printf("%-12s %-24s %-8" JSON_INTEGER_FORMAT " %s\n",
	    tam_text(o, "kind"), tam_text(o, "name"),
	    json_integer_value(json_object_get(o, "size")),
	    tam_text(o, "added"));
}

int
tam_add_file(const struct tam_args *a, const char *name)
{
	struct tam_request r = { .method = "PUT",
		.path = "/endorsements/*/*",
		.one = a->kind,
		.two = name,
		.type = "application/octet-stream" };
	struct cli_file f;
	json_t *done = NULL;
	int status;

	if (a->file == NULL)
		return cli_usage(a->command, "%s needs --file FILE", a->kind);
	if (cli_read(a->file, PST_TAM_ENDORSEMENT_MAX, &f) != CLI_DONE)
		return CLI_REFUSED;
	r.body = f.ptr;
	r.len = f.len;
	status = tam_call(a, &r, &done, NULL);
	cli_file_free(&f);
	if (status != CLI_DONE)
		return cli_fail("%s was not taken", a->file);
	return tam_show(a, done, tam_print_file);
}

static void
print_whole(const json_t *o)
{
	json_t *line, *lines = json_object_get(o, "lines");
	size_t i;

	tam_print_file(o);
	printf("sha-256 %s\n", tam_text(o, "sha-256"));
	if (!json_is_array(lines))
		puts("(binary, or too long to be shown)");
	json_array_foreach(lines, i, line) puts(json_string_value(line));
}

/* Line by line, so that each can be cleaned of what a terminal would obey. */
static void
split_text(json_t *file)
{
	const char *text = json_string_value(json_object_get(file, "text"));
	json_t *lines = json_array();
	size_t len;

	if (text == NULL) {
		json_decref(lines);
		return;
	}
	for (; *text != 0; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		json_array_append_new(lines,
		    json_stringn(text,
			len > 0 && text[len - 1] == '\r' ? len - 1 : len));
	}
	json_object_set_new(file, "lines", lines);
}

int
tam_show_file(const struct tam_args *a, const char *name)
{
	struct tam_request r = { .method = "GET",
		.path = "/endorsements/*/*",
		.one = a->kind,
		.two = name };
	json_t *file;

	if (tam_call(a, &r, &file, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		split_text(file);
	return tam_show(a, file, print_whole);
}

int
tam_remove_file(const struct tam_args *a, const char *name)
{
	struct tam_request r = { .method = "DELETE",
		.path = "/endorsements/*/*",
		.one = a->kind,
		.two = name };

	if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("removed %s\n", name);
	return CLI_DONE;
}
