/*
 * postern manifest run: the interpreter of the agent, on a directory instead
 * of a TEE. For developers, before they publish.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "diag/component.h"
#include "diag/diag.h"
#include "directory.h"
#include "manifest.h"
#include "yaml.h"

const char cli_manifest_run_help[] =
    "Authenticates each envelope and runs its payload-fetch, install and\n"
    "validate sections, with the files of a directory as components: the\n"
    "component uuid:.../ta is the file DIR/uuid:.../ta. Nothing is changed\n"
    "unless all of a manifest succeeded. Prints the SUIT report of each; the\n"
    "exit status is 1 when one reports a failure. Sequence numbers are kept "
    "in\n"
    "DIR/.postern, so that a downgrade is refused as on a device.\n"
    "\n  -k, --key KEY       a trusted signer's key; may be given several "
    "times\n"
    "  --root DIR          the directory; made when it is not there\n"
    "  --device FILE       YAML: vendor-id, class-id, device-id, time,\n"
    "                      battery, authorized, versions\n"
    "  --payload URI=FILE  what fetching this URI gives; may be given "
    "several\n"
    "                      times\n"
    "  --uninstall         run the uninstall section instead\n"
    "  --report FILE       write the last report, encoded\n"
    "  --json              print reports as JSON, one a line\n";

/* Working memory of a run: more than an agent has. */
enum {
	PARAMS = 1024,
	WORK = 65536,
	ARENA = 4 << 20, /* dependencies */
	RECORDS = 65536,
	REPORT = RECORDS + PST_SUIT_REPORT_OVERHEAD + PST_SUIT_URI_MAX,
	PAYLOADS_MAX = 64
};

struct payload {
	const char *uri; /* not zero-terminated */
	size_t uri_len;
	const char *path;
};

struct runner {
	struct cli_keyring ring;
	struct cli_directory dir;
	const char *root, *device, *report_path;
	struct payload payload[PAYLOADS_MAX];
	size_t payloads;
	bool uninstall, json;
	/* of the present manifest */
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_suit_run run;
	struct pst_suit_report report;
	struct pst_suit_param params[PARAMS];
	uint8_t work[WORK], records[RECORDS], encoded[REPORT];
	_Alignas(max_align_t) uint8_t arena[ARENA];
};

static const struct payload *
find_payload(const struct runner *r, struct pst_bytes uri)
{
	size_t i;

	for (i = 0; i < r->payloads; i++) {
		if (r->payload[i].uri_len == uri.len &&
		    memcmp(r->payload[i].uri, uri.ptr, uri.len) == 0)
			return &r->payload[i];
	}
	return NULL;
}

/* Give the run what it waits for, a chunk at a time; it may ask for another
 * payload at the end of one. */
static enum pst_err
feed(struct runner *r, FILE *f)
{
	static uint8_t buf[65536];
	struct pst_bytes chunk = { buf, 0 };
	struct pst_bytes uri = r->run.fetch_uri;
	enum pst_err err = PST_ERR_AGAIN;
	bool last = false;

	while (
	    err == PST_ERR_AGAIN && !last && r->run.fetch_uri.ptr == uri.ptr) {
		chunk.len = fread(buf, 1, sizeof(buf), f);
		if (ferror(f))
			return pst_suit_resume(
			    &r->run, PST_ERR_FETCH, chunk, true);
		last = chunk.len < sizeof(buf);
		err = pst_suit_resume(&r->run, PST_OK, chunk, last);
	}
	return err;
}

static enum pst_err
fetch(struct runner *r)
{
	const struct payload *p = find_payload(r, r->run.fetch_uri);
	struct pst_bytes none = { NULL, 0 };
	FILE *f = p != NULL ? fopen(p->path, "rb") : NULL;
	enum pst_err err;

	if (f == NULL) {
		(void)cli_fail("no payload for %.*s%s%s",
		    (int)r->run.fetch_uri.len,
		    (const char *)r->run.fetch_uri.ptr,
		    p != NULL ? ": " : "; see --payload",
		    p != NULL ? strerror(errno) : "");
		return pst_suit_resume(&r->run, PST_ERR_FETCH, none, true);
	}
	err = feed(r, f);
	fclose(f);
	return err;
}

/* Nothing changes here while one waits. */
static enum pst_err
give_up(struct runner *r)
{
	struct pst_bytes none = { NULL, 0 };

	(void)cli_fail("the manifest waits for event %u, which does not come "
		       "on this device; see --device",
	    r->run.event);
	return pst_suit_resume(&r->run, PST_ERR_SUIT_OPERATION, none, true);
}

static enum pst_err
section(struct runner *r, enum pst_suit_label label)
{
	enum pst_err err = pst_suit_run(&r->run, label);

	while (err == PST_ERR_AGAIN)
		err = r->run.event != 0 ? give_up(r) : fetch(r);
	return err;
}

static enum pst_err
procedure(struct runner *r)
{
	enum pst_err err;

	if (r->uninstall) {
		err = section(r, PST_SUIT_UNINSTALL);
	} else {
		err = section(r, PST_SUIT_DEPENDENCY_RESOLUTION);
		if (err == PST_OK)
			err = section(r, PST_SUIT_PAYLOAD_FETCH);
		if (err == PST_OK)
			err = section(r, PST_SUIT_CANDIDATE_VERIFICATION);
		if (err == PST_OK)
			err = section(r, PST_SUIT_INSTALL);
		if (err == PST_OK)
			err = section(r, PST_SUIT_VALIDATE);
	}
	if (err == PST_OK)
		err = pst_suit_run_end(&r->run);
	return err;
}

static enum pst_err
process(struct runner *r)
{
	const struct pst_suit_run_args args = {
		r->ring.crypto, &r->dir.host, &r->report, &r->ring.keys,
		{ r->params, PARAMS, r->work, WORK, r->arena, sizeof(r->arena) }
	};
	enum pst_err err;

	err = pst_suit_authenticate(
	    &r->env, r->ring.crypto, &r->ring.keys, &r->m, NULL);
	if (err == PST_OK)
		err = cli_directory_sequence(&r->dir, &r->m);
	if (err != PST_OK)
		return err;
	cli_directory_begin(&r->dir, &r->m);
	err = pst_suit_run_begin(&r->run, &r->m, &args);
	if (err == PST_OK)
		err = procedure(r);
	pst_suit_run_abandon(&r->run);
	if (err == PST_OK)
		return cli_directory_commit(&r->dir);
	cli_directory_discard(&r->dir);
	return err;
}

static int
print_report(struct runner *r, enum pst_err why)
{
	struct pst_cbor_writer w;
	struct pst_bytes none = { NULL, 0 };
	const struct pst_shape *shape;
	struct pst_bytes out;
	const char *what;
	enum pst_err err;

	/* A failure outside of any command is reported too. */
	if (r->report.err == PST_OK && why != PST_OK) {
		r->report.err = why;
		r->report.reason = pst_suit_reason_of(why);
	}
	pst_cbor_writer_init(&w, r->encoded, sizeof(r->encoded));
	err = pst_suit_report_encode(
	    &w, &r->report, r->m.reference_uri, &r->env.digest, none);
	if (err != PST_OK)
		return cli_fail("the report: %s", pst_err_name(err));
	out = pst_cbor_written(&w);
	shape = pst_diag_guess(out, &what);
	err = pst_diag_print(stdout, out,
	    r->json ? PST_DIAG_JSON : PST_DIAG_ANNOTATED, shape, NULL);
	putchar('\n');
	if (err == PST_OK && r->report_path != NULL)
		return cli_write(r->report_path, out, 0644);
	return err == PST_OK ? CLI_DONE : CLI_REFUSED;
}

static int
run_file(struct runner *r, const char *path)
{
	struct cli_file file;
	enum pst_err err;
	int status = cli_envelope_read(path, &file, &r->env);

	if (status != CLI_DONE)
		return status;
	memset(&r->m, 0, sizeof(r->m));
	pst_suit_report_init(&r->report, r->records, sizeof(r->records));
	err = process(r);
	status = print_report(r, err);
	if (err != PST_OK)
		status = cli_fail("%s: %s", path, pst_err_name(err));
	cli_file_free(&file);
	return status;
}

/* versions: a mapping of components to what they are. */
static void
read_versions(struct cli_directory *d, struct cli_yaml *y, yaml_node_t *map)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start;
	struct cli_directory_version *v;
	const char *name, *text;

	for (; p < map->data.mapping.pairs.top; p++) {
		name = cli_yaml_scalar(y, p->key);
		text = cli_yaml_scalar(y, p->value);
		v = &d->version[d->version_count];
		if (d->version_count == PST_SUIT_COMPONENTS_MAX ||
		    name == NULL || text == NULL ||
		    pst_component_parse(
			name, v->id, sizeof(v->id), &v->id_len) != PST_OK ||
		    !cli_version_parse(text, v->version, &v->len)) {
			cli_yaml_fail(y, map,
			    "versions: expected at most %d of COMPONENT: 1.2.3",
			    PST_SUIT_COMPONENTS_MAX);
			return;
		}
		d->version_count++;
	}
}

/* What the device knows, for the commands of update management. */
static void
read_facts(struct cli_directory *d, struct cli_yaml *y, yaml_node_t *root)
{
	const char *when = cli_yaml_text(y, root, "time");
	yaml_node_t *versions = cli_yaml_get(y, root, "versions");

	d->has_time = when != NULL;
	if (when != NULL && !cli_time_parse(when, &d->time_s))
		cli_yaml_fail(y, cli_yaml_get(y, root, "time"),
		    "time: expected a time like 2027-01-31T12:00:00Z");
	d->has_battery = cli_yaml_get(y, root, "battery") != NULL;
	d->battery_mwh = cli_yaml_number(y, root, "battery", 0);
	d->has_authorized = cli_yaml_get(y, root, "authorized") != NULL;
	d->authorized = cli_yaml_flag(y, root, "authorized", false);
	if (versions != NULL && versions->type != YAML_MAPPING_NODE)
		cli_yaml_fail(y, versions, "versions: expected a mapping");
	else if (versions != NULL)
		read_versions(d, y, versions);
}

static int
read_device(struct runner *r)
{
	static const char *const keys[] = { "vendor-id", "class-id",
		"device-id", "time", "battery", "authorized", "versions",
		NULL };
	struct cli_yaml y;
	yaml_node_t *root;
	int status = cli_yaml_read(&y, r->device);

	if (status != CLI_DONE)
		return status;
	root = cli_yaml_root(&y);
	/* The configuration of a TEE has them under "device". */
	if (root != NULL && cli_yaml_get(&y, root, "device") != NULL)
		root = cli_yaml_get(&y, root, "device");
	else if (root != NULL)
		cli_yaml_keys(&y, root, keys);
	if (root != NULL && root->type != YAML_MAPPING_NODE) {
		cli_yaml_fail(&y, root, "device: expected a mapping");
	} else if (root != NULL) {
		r->dir.has_vendor =
		    cli_yaml_uuid(&y, root, "vendor-id", r->dir.vendor);
		r->dir.has_class =
		    cli_yaml_uuid(&y, root, "class-id", r->dir.class_id);
		r->dir.has_device =
		    cli_yaml_uuid(&y, root, "device-id", r->dir.device);
		read_facts(&r->dir, &y, root);
	}
	cli_yaml_close(&y);
	return y.failed ? CLI_REFUSED : CLI_DONE;
}

/* URI=FILE: a URI may have a '=' of its own, so the file is after the last. */
static int
add_payload(struct runner *r, const char *command, const char *arg)
{
	const char *last = strrchr(arg, '=');
	struct payload *p = &r->payload[r->payloads];

	if (last == NULL || last == arg || last[1] == '\0')
		return cli_usage(command, "--payload needs URI=FILE");
	if (r->payloads == PAYLOADS_MAX)
		return cli_fail("more than %d payloads", PAYLOADS_MAX);
	p->uri = arg;
	p->uri_len = (size_t)(last - arg);
	p->path = last + 1;
	r->payloads++;
	return CLI_DONE;
}

static int
options(struct runner *r, int argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "root", required_argument, NULL, 'r' },
		{ "device", required_argument, NULL, 'd' },
		{ "payload", required_argument, NULL, 'p' },
		{ "report", required_argument, NULL, 'o' },
		{ "uninstall", no_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "k:", known, NULL)) != -1) {
		if (c == 'k')
			status = cli_keyring_add(&r->ring, optarg);
		else if (c == 'p')
			status = add_payload(r, argv[0], optarg);
		else if (c == '?')
			return cli_usage(argv[0], "unknown option");
		r->root = c == 'r' ? optarg : r->root;
		r->device = c == 'd' ? optarg : r->device;
		r->report_path = c == 'o' ? optarg : r->report_path;
		r->uninstall |= c == 'u';
		r->json |= c == 'j';
	}
	if (status != CLI_DONE)
		return status;
	if (r->ring.count == 0)
		return cli_usage(argv[0], "a key is needed (--key)");
	if (r->root == NULL)
		return cli_usage(argv[0], "a directory is needed (--root)");
	return cli_operands(argc, argv, optind, 1, CLI_MANY);
}

int
cli_manifest_run(int argc, char **argv)
{
	struct runner *r = calloc(1, sizeof(*r));
	int status, i;

	if (r == NULL)
		return cli_fail("no memory");
	r->dir.fd = -1;
	status = cli_keyring_open(&r->ring);
	if (status == CLI_DONE)
		status = options(r, argc, argv);
	i = optind;
	if (status == CLI_DONE)
		status = cli_directory_open(&r->dir, r->root);
	if (status == CLI_DONE && r->device != NULL)
		status = read_device(r);
	/* One that fails ends it, as the manifests of an Update do. */
	for (; status == CLI_DONE && i < argc; i++)
		status = run_file(r, argv[i]);
	cli_directory_close(&r->dir);
	cli_keyring_close(&r->ring);
	free(r);
	return status;
}
