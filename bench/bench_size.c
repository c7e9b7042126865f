/*
 * Code size, stack and contexts: bench/size/measure.py compiles and counts.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static bool
any_wanted(void)
{
	return bench_wanted("code_size") || bench_wanted("stack_") ||
	    bench_wanted("context_");
}

static void
line(const char *text)
{
	json_t *row = json_loads(text, 0, NULL);
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *unit = json_string_value(json_object_get(row, "unit"));
	const char *note = json_string_value(json_object_get(row, "note"));
	double value = json_number_value(json_object_get(row, "value"));

	bench_must(name != NULL && unit != NULL, "reading measure.py's output");
	if (bench_wanted(name))
		bench_print(name, value, unit, 0, 0, note);
	json_decref(row);
}

void
bench_size(void)
{
	static const char command[] =
	    "python3 '" PST_SOURCE_DIR
	    "/bench/size/measure.py' '" PST_SOURCE_DIR "'";
	char text[512];
	FILE *f;

	if (!any_wanted())
		return;
	f = popen(command, "r");
	bench_must(f != NULL, "python3");
	while (fgets(text, sizeof(text), f) != NULL)
		line(text);
	bench_must(pclose(f) == 0, "bench/size/measure.py");
}
