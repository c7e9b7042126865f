#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "form/form.h"

static const struct form_field *
next_fact(struct cli_yaml *y, yaml_node_t *map, size_t i, size_t count,
    const char **name, const char **text, yaml_node_t **key)
{
	static const struct form_field found;
	yaml_node_t *value;

	if (!cli_yaml_pair(y, map, i, key, &value))
		return NULL;
	*name = cli_yaml_string(*key);
	*text = cli_yaml_string(value);
	if (count < PST_SUIT_COMPONENTS_MAX && *name != NULL && *text != NULL)
		return &found;
	cli_yaml_fail(y, *key, "expected at most %d of NAME: VALUE",
	    PST_SUIT_COMPONENTS_MAX);
	return NULL;
}

/* Encoded, for a component; as it is, for another device. */
static bool
fact_id(struct cli_directory_fact *f, const char *name, bool component)
{
	if (component)
		return pst_component_parse(
			   name, f->id, sizeof(f->id), &f->id_len) == PST_OK;
	f->id_len = strlen(name);
	if (f->id_len > sizeof(f->id))
		return false;
	memcpy(f->id, name, f->id_len);
	return true;
}

static bool
fact_value(struct cli_directory_fact *f, const char *text, bool slot)
{
	struct pst_cbor_integer v;

	if (!slot)
		return cli_version_parse(text, f->version, &f->len);
	if (!form_number(text, &v) || v.negative)
		return false;
	f->slot = v.magnitude;
	return true;
}

/* A mapping of components, or of other devices, to versions or slots. */
static void
facts(struct cli_yaml *y, yaml_node_t *root, const char *key,
    struct cli_directory_fact *list, size_t *count)
{
	bool slot = strcmp(key, "slots") == 0;
	bool component = strcmp(key, "devices") != 0;
	yaml_node_t *map = cli_yaml_get(y, root, key);
	const char *name, *text;
	yaml_node_t *at;
	size_t i;

	if (map == NULL)
		return;
	if (map->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(y, map, "%s: expected a mapping", key);
		return;
	}
	for (i = 0; next_fact(y, map, i, *count, &name, &text, &at) != NULL;
	     i++) {
		struct cli_directory_fact *f = &list[*count];

		if (fact_id(f, name, component) && fact_value(f, text, slot))
			++*count;
		else
			cli_yaml_fail(y, at, "%s: expected %s: %s", key,
			    component ? "COMPONENT" : "DEVICE",
			    slot ? "a number" : "a version like 1.2.3");
	}
}

/* A number that may be negative. */
static bool
state(struct cli_yaml *y, yaml_node_t *root, const char *key, int64_t *out)
{
	const char *text = cli_yaml_text(y, root, key);
	struct pst_cbor_integer v;

	if (text == NULL)
		return false;
	if (!form_number(text, &v) || v.magnitude > INT64_MAX) {
		cli_yaml_fail(y, cli_yaml_get(y, root, key),
		    "%s: expected a number", key);
		return false;
	}
	*out = v.negative ? -1 - (int64_t)v.magnitude : (int64_t)v.magnitude;
	return true;
}

static void
knowledge(struct cli_directory *d, struct cli_yaml *y, yaml_node_t *root)
{
	const char *when = cli_yaml_text(y, root, "time");

	d->has_time = when != NULL;
	if (when != NULL && !cli_time_parse(when, &d->time_s))
		cli_yaml_fail(y, cli_yaml_get(y, root, "time"),
		    "time: expected a time like 2027-01-31T12:00:00Z");
	d->has_battery = cli_yaml_get(y, root, "battery") != NULL;
	d->battery_mwh = cli_yaml_number(y, root, "battery", 0);
	d->has_authorized = cli_yaml_get(y, root, "authorized") != NULL;
	d->authorized = cli_yaml_flag(y, root, "authorized", false);
	d->has_power = state(y, root, "power", &d->power);
	d->has_network = state(y, root, "network", &d->network);
	facts(y, root, "versions", d->version, &d->version_count);
	facts(y, root, "slots", d->slot, &d->slot_count);
	facts(y, root, "devices", d->other, &d->other_count);
}

/* Keys that the device has, relative to its file. */
static void
keys(struct cli_keyring *ring, struct cli_yaml *y, yaml_node_t *root)
{
	yaml_node_t *list = cli_yaml_get(y, root, "keys");
	yaml_node_t *n;
	const char *name;
	char *path;
	size_t i;

	for (i = 0; list != NULL && (n = cli_yaml_element(y, list, i)) != NULL;
	     i++) {
		name = cli_yaml_string(n);
		path = name != NULL ? form_path(y, name) : NULL;
		if (path == NULL || cli_keyring_add(ring, path) != CLI_DONE)
			cli_yaml_fail(y, n, "keys: expected paths of keys");
		else
			ring->key[ring->count - 1].opens_only = true;
		free(path);
		if (y->failed)
			return;
		/* Its path is for messages; the list's is there as long. */
		ring->key[ring->count - 1].path = "a key of the device";
	}
}

static void
device(struct cli_directory *d, struct cli_keyring *ring, struct cli_yaml *y,
    yaml_node_t *root)
{
	d->has_vendor = cli_yaml_uuid(y, root, "vendor-id", d->vendor);
	d->has_class = cli_yaml_uuid(y, root, "class-id", d->class_id);
	d->has_device = cli_yaml_uuid(y, root, "device-id", d->device);
	knowledge(d, y, root);
	keys(ring, y, root);
}

int
cli_device_read(
    struct cli_directory *d, struct cli_keyring *ring, const char *path)
{
	static const char *const known[] = { "vendor-id", "class-id",
		"device-id", "time", "battery", "authorized", "power",
		"network", "versions", "slots", "devices", "keys", NULL };
	struct cli_yaml y;
	yaml_node_t *root;
	int status = cli_yaml_read(&y, path);

	if (status != CLI_DONE)
		return status;
	root = cli_yaml_root(&y);
	/* The configuration of a TEE has them under "device". */
	if (root != NULL && cli_yaml_get(&y, root, "device") != NULL)
		root = cli_yaml_get(&y, root, "device");
	else if (root != NULL)
		cli_yaml_keys(&y, root, known);
	if (root != NULL && root->type != YAML_MAPPING_NODE)
		cli_yaml_fail(&y, root, "device: expected a mapping");
	else if (root != NULL)
		device(d, ring, &y, root);
	cli_yaml_close(&y);
	return y.failed ? CLI_REFUSED : CLI_DONE;
}
