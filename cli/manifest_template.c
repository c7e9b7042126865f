/* postern manifest create --template: sources to begin with. */
#include <stdio.h>
#include <string.h>

#include "manifest.h"
#include "templates.h"

static const struct {
	const char *name, *what;
	const unsigned char *text;
	size_t len;
} templates[] = {
	{ "ta", "a TA that travels in its manifest", template_ta,
	    sizeof(template_ta) },
	{ "ta-uri", "a TA that devices fetch", template_ta_uri,
	    sizeof(template_ta_uri) },
	{ "components", "several components, together or not at all",
	    template_components, sizeof(template_components) },
	{ "personalization", "data for one device, encrypted",
	    template_personalization, sizeof(template_personalization) },
	{ "personalization-group", "data for a group of devices, encrypted",
	    template_personalization_group,
	    sizeof(template_personalization_group) },
	{ "encrypted-author", "data for a distributor to pass on",
	    template_encrypted_author, sizeof(template_encrypted_author) },
	{ "distributor", "the key to such data for devices",
	    template_distributor, sizeof(template_distributor) },
	{ "dependency", "a manifest that needs another", template_dependency,
	    sizeof(template_dependency) },
	{ "uninstall", "what happens when it is removed", template_uninstall,
	    sizeof(template_uninstall) },
	{ "sections", "every section spelled out", template_sections,
	    sizeof(template_sections) },
};

int
cli_manifest_template(const char *name)
{
	size_t i, n = sizeof(templates) / sizeof(templates[0]);

	for (i = 0; i < n && strcmp(name, "list") != 0; i++) {
		if (strcmp(name, templates[i].name) != 0)
			continue;
		fwrite(templates[i].text, 1, templates[i].len, stdout);
		return CLI_DONE;
	}
	if (strcmp(name, "list") != 0)
		return cli_fail(
		    "no template %s; --template list names them", name);
	for (i = 0; i < n; i++)
		printf("%-22s %s\n", templates[i].name, templates[i].what);
	return CLI_DONE;
}
