/*
 * The summary of a manifest as text: first what it is and who signed it, then
 * what it touches, what it does step by step, and what is odd about it. What
 * others wrote is printed so that no terminal obeys it.
 */
#include <string.h>

#include "diag/diag.h"
#include "manifest.h"

static const char *
string(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
print(FILE *f, const char *text)
{
	pst_print_safe(
	    f, (struct pst_bytes){ (const uint8_t *)text, strlen(text) });
}

static void
value(FILE *f, const json_t *v)
{
	if (json_is_string(v))
		print(f, json_string_value(v));
	else
		fprintf(f, "%lld", (long long)json_integer_value(v));
}

/* The label and the value, if there is one. */
static void
line(FILE *f, int indent, const char *label, const json_t *object,
    const char *name)
{
	const json_t *v = json_object_get(object, name);

	if (v == NULL)
		return;
	fprintf(f, "%*s%s", indent, "", label);
	value(f, v);
	fputc('\n', f);
}

static void
digest_line(FILE *f, int indent, const json_t *object)
{
	const json_t *d = json_object_get(object, "digest");

	if (d != NULL)
		fprintf(f, "%*s%s %s\n", indent, "", string(d, "alg"),
		    string(d, "bytes"));
}

/* --- signatures ------------------------------------------------------------
 */

static void
signers(FILE *f, const json_t *summary)
{
	const json_t *by = json_object_get(summary, "signed-by");
	const json_t *list = json_object_get(summary, "signatures");
	const json_t *e;
	size_t i;

	json_array_foreach(by, i, e)
	{
		fputs("  signed by ", f);
		print(f, json_string_value(e));
		fputc('\n', f);
	}
	if (by != NULL && json_array_size(by) == 0)
		fputs("  signed by none of the keys\n", f);
	json_array_foreach(list, i, e)
	{
		fprintf(f, "  %s %s", string(e, "kind"), string(e, "alg"));
		if (string(e, "kid") != NULL)
			fprintf(f, ", kid %s", string(e, "kid"));
		fputs(by == NULL ? ", not checked: see --key\n" : "\n", f);
	}
	if (json_array_size(list) == 0)
		fputs("  not signed\n", f);
}

/* --- components -------------------------------------------------------------
 */

static void
component(FILE *f, size_t i, const json_t *c)
{
	fprintf(f, "  %zu  ", i);
	if (string(c, "component") != NULL)
		print(f, string(c, "component"));
	fputs(
	    json_object_get(c, "dependency") != NULL ? " (a manifest)\n" : "\n",
	    f);
	if (json_object_get(c, "size") != NULL)
		fprintf(f, "     %lld bytes\n",
		    (long long)json_integer_value(json_object_get(c, "size")));
	digest_line(f, 5, c);
	line(f, 5, "from ", c, "uri");
	line(f, 5, "vendor ", c, "vendor-id");
	line(f, 5, "class ", c, "class-id");
	line(f, 5, "device ", c, "device-id");
	line(f, 5, "use before ", c, "use-before");
	line(f, 5, "if installed is ", c, "requires-version");
	line(f, 5, "version ", c, "version");
	line(f, 5, "vendor name ", c, "vendor");
	line(f, 5, "model ", c, "model");
	line(f, 5, "", c, "description");
}

static void
components(FILE *f, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "components");
	const json_t *c;
	size_t i;

	fputs("components\n", f);
	json_array_foreach(list, i, c) component(f, i, c);
}

static void
payloads(FILE *f, const json_t *summary)
{
	json_t *map = json_object_get(summary, "integrated");
	const char *name;
	const json_t *size;

	if (json_object_size(map) > 0)
		fputs("in the envelope\n", f);
	json_object_foreach(map, name, size)
	{
		fputs("  ", f);
		print(f, name);
		fprintf(
		    f, ", %lld bytes\n", (long long)json_integer_value(size));
	}
}

static void
encryption(FILE *f, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "encryption");
	const json_t *e, *r;
	size_t i, k;

	if (json_array_size(list) > 0)
		fputs("encrypted\n", f);
	json_array_foreach(list, i, e)
	{
		fputs("  ", f);
		print(f,
		    string(e, "component") != NULL ? string(e, "component")
						   : "a dependency");
		fprintf(f, ", %s, to\n",
		    string(e, "alg") != NULL ? string(e, "alg") : "?");
		json_array_foreach(json_object_get(e, "recipients"), k, r)
		{
			fprintf(f, "    %s",
			    string(r, "alg") != NULL ? string(r, "alg") : "?");
			if (string(r, "kid") != NULL)
				fprintf(f, ", kid %s", string(r, "kid"));
			fputc('\n', f);
		}
	}
}

/* --- steps
 * -------------------------------------------------------------------- */

static const char *
heading(const char *section)
{
	static const char *const names[][2] = {
		{ "shared-sequence", "before each of these" },
		{ "dependency-resolution", "to get its dependencies" },
		{ "payload-fetch", "to fetch in advance" },
		{ "candidate-verification", "before it is installed" },
		{ "install", "to install" },
		{ "validate", "to validate" },
		{ "load", "to load" },
		{ "invoke", "to start" },
		{ "uninstall", "to remove" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(section, names[i][0]) == 0)
			return names[i][1];
	}
	return section;
}

/* Nested as deep as cli/manifest_words.c went. */
static void
steps(FILE *f, const json_t *list, int indent)
{
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s)
	{
		fprintf(f, "%*s%zu. ", indent, "", i + 1);
		print(f, string(s, "text"));
		fputc('\n', f);
		steps(f, json_object_get(s, "steps"), indent + 3);
	}
}

static void
sections(FILE *f, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "does");
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s)
	{
		fprintf(f, "%s (%s)\n", heading(string(s, "section")),
		    string(s, "section"));
		steps(f, json_object_get(s, "steps"), 2);
	}
}

static void
warnings(FILE *f, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "warnings");
	const json_t *w;
	size_t i;

	json_array_foreach(list, i, w)
	{
		fputs("warning: ", f);
		print(f, json_string_value(w));
		fputc('\n', f);
	}
}

void
cli_manifest_tell(const json_t *summary, FILE *f)
{
	if (string(summary, "manifest") != NULL)
		print(f, string(summary, "manifest"));
	else
		fputs("a manifest without identifier", f);
	fputs(", sequence ", f);
	value(f, json_object_get(summary, "sequence"));
	if (string(summary, "set-version") != NULL)
		fprintf(f, ", version %s", string(summary, "set-version"));
	fputc('\n', f);
	line(f, 2, "", summary, "description");
	line(f, 2, "", summary, "update-description");
	line(f, 2, "at ", summary, "reference-uri");
	digest_line(f, 2, summary);
	fprintf(f, "  %lld bytes, the manifest itself %lld\n",
	    (long long)json_integer_value(json_object_get(summary, "bytes")),
	    (long long)json_integer_value(
		json_object_get(summary, "manifest-bytes")));
	signers(f, summary);
	components(f, summary);
	payloads(f, summary);
	encryption(f, summary);
	sections(f, summary);
	warnings(f, summary);
}
