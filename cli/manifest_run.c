/*
 * postern manifest run: the interpreter of the agent, on a directory instead
 * of a TEE. For developers, before they publish.
 */
#include <errno.h>
#include <getopt.h>
#include <postern/suit_report.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "diag/component.h"
#include "diag/diag.h"
#include "manifest.h"
#include "progress.h"

const char cli_manifest_run_help[] =
    "Authenticates each envelope and runs its sections up to validate, and\n"
    "those of its dependencies, with the files of a directory as components: "
    "the\n"
    "component uuid:.../ta is the file DIR/uuid:.../ta. Nothing is changed\n"
    "unless all of a manifest succeeded. Prints the SUIT report of each; the\n"
    "exit status is 1 when one reports a failure. Sequence numbers are kept "
    "in\n"
    "DIR/.postern, so that a downgrade is refused as on a device.\n"
    "A FILE that another depends on is not run by itself: it is what fetching\n"
    "the dependency gives.\n"
    "\n  -k, --key KEY       a trusted signer's key, or a private or "
    "symmetric\n"
    "                      one that decrypts; may be given several times\n"
    "  --root DIR          the directory; made when it is not there\n"
    "  --device FILE       YAML: what the device is and knows\n"
    "  --payload URI=FILE  what fetching this URI gives; may be given "
    "several\n"
    "                      times\n"
    "  --uninstall         run the uninstall section instead\n"
    "  --invoke            run validate, load and invoke instead, as at a "
    "start;\n"
    "                      what would be invoked is said, nothing is\n"
    "  --report FILE       write the last report, encoded\n"
    "  --json              print reports as JSON, one a line\n";

/* Working memory of a run: more than an agent has. */
enum {
	PARAMS = 1024,
	WORK = 65536,
	ARENA = 4 << 20, /* dependencies */
	RECORDS = 65536,
	REPORT = RECORDS + PST_SUIT_REPORT_OVERHEAD + PST_SUIT_URI_MAX,
	PAYLOADS_MAX = 64,
	FILES_MAX = 256
};

struct payload {
	const char *uri; /* not zero-terminated */
	size_t uri_len;
	const char *path;
};

/* An operand. */
struct envelope {
	const char *path;
	struct cli_file file;
	struct pst_suit_envelope env;
	bool needed; /* another one depends on it */
};

struct runner {
	struct cli_keyring ring;
	struct cli_directory dir;
	struct envelope *files;
	size_t file_count;
	const char *root, *device, *report_path;
	struct payload payload[PAYLOADS_MAX];
	size_t payloads;
	bool uninstall, invoke, json;
	/* of the present manifest */
	const struct envelope *now;
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

/* The digest in an encoded value of suit-parameter-image-digest. */
static struct pst_suit_digest
digest_in(struct pst_bytes value)
{
	struct pst_cbor_reader r;
	struct pst_suit_digest d;

	pst_cbor_reader_init(&r, value);
	pst_cbor_reader_init(&r, pst_cbor_bstr(&r, 0, SIZE_MAX));
	d = pst_suit_digest_read(&r);
	if (pst_cbor_end(&r) != PST_OK)
		d.alg = 0;
	return d;
}

static struct envelope *
find_envelope(const struct runner *r, const struct pst_suit_digest *d)
{
	size_t i;

	for (i = 0; i < r->file_count && d->alg != 0; i++) {
		if (r->files[i].env.digest.alg == d->alg &&
		    pst_equal(r->files[i].env.digest.bytes, d->bytes))
			return &r->files[i];
	}
	return NULL;
}

/* The operand whose manifest the fetched component is to be. */
static const struct envelope *
wanted(const struct runner *r)
{
	struct pst_suit_digest d;
	struct pst_bytes value;

	if (!pst_suit_run_parameter(&r->run, r->run.fetch_component,
		PST_SUIT_PARAM_IMAGE_DIGEST, &value))
		return NULL;
	d = digest_in(value);
	return find_envelope(r, &d);
}

/* Give the run what it waits for, a chunk at a time; it may ask for another
 * payload at the end of one. */
static enum pst_err
feed(struct runner *r, FILE *f, const char *path)
{
	static uint8_t buf[65536];
	struct cli_progress progress;
	struct pst_bytes chunk = { buf, 0 };
	struct pst_bytes uri = r->run.fetch_uri;
	enum pst_err err = PST_ERR_AGAIN;
	bool last = false;

	cli_progress_begin(&progress, path, cli_progress_size(f));
	while (
	    err == PST_ERR_AGAIN && !last && r->run.fetch_uri.ptr == uri.ptr) {
		chunk.len = fread(buf, 1, sizeof(buf), f);
		last = chunk.len < sizeof(buf);
		err = pst_suit_resume(
		    &r->run, ferror(f) ? PST_ERR_FETCH : PST_OK, chunk, last);
		cli_progress_add(&progress, chunk.len);
	}
	cli_progress_end(&progress);
	return err;
}

static enum pst_err
fetch(struct runner *r)
{
	const struct payload *p = find_payload(r, r->run.fetch_uri);
	const struct envelope *e = p == NULL ? wanted(r) : NULL;
	struct pst_bytes none = { NULL, 0 };
	FILE *f = p != NULL ? fopen(p->path, "rb") : NULL;
	enum pst_err err;

	if (e != NULL)
		return pst_suit_resume(
		    &r->run, PST_OK, cli_bytes(&e->file), true);
	if (f == NULL) {
		(void)cli_fail("no payload for %.*s%s%s",
		    (int)r->run.fetch_uri.len,
		    (const char *)r->run.fetch_uri.ptr,
		    p != NULL ? ": " : "; see --payload",
		    p != NULL ? strerror(errno) : "");
		return pst_suit_resume(&r->run, PST_ERR_FETCH, none, true);
	}
	err = feed(r, f, p->path);
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
	} else if (r->invoke) {
		err = section(r, PST_SUIT_VALIDATE);
		if (err == PST_OK)
			err = section(r, PST_SUIT_LOAD);
		if (err == PST_OK)
			err = section(r, PST_SUIT_INVOKE);
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

static void
say_missing(const struct runner *r)
{
	char id[PST_COMPONENT_TEXT_MAX];

	if (pst_component_print(r->run.missing, id, sizeof(id)) == PST_OK)
		(void)cli_fail("the dependency %s is not there; name its "
			       "envelope as a FILE, or with --payload",
		    id);
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
	    &r->now->env, r->ring.crypto, &r->ring.keys, &r->m, NULL);
	if (err == PST_OK)
		err = cli_directory_sequence(&r->dir, &r->m);
	if (err != PST_OK)
		return err;
	cli_directory_begin(&r->dir, &r->run);
	err = pst_suit_run_begin(&r->run, &r->m, &args);
	if (err == PST_OK)
		err = procedure(r);
	if (err == PST_OK)
		err = cli_directory_commit(&r->dir, r->uninstall);
	else
		cli_directory_discard(&r->dir);
	if (err == PST_ERR_SUIT_DEPENDENCY_MISSING)
		say_missing(r);
	pst_suit_run_abandon(&r->run);
	return err;
}

static int
print_report(struct runner *r, enum pst_err why)
{
	/* Components are files: there may be any. */
	const struct pst_suit_capabilities can = { r->ring.crypto, &r->dir.host,
		true, NULL, 0 };
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
	if (pst_suit_reason_lacks(r->report.reason))
		r->report.capabilities = &can;
	err = pst_suit_report_encode(
	    &w, &r->report, r->m.reference_uri, &r->now->env.digest, none);
	r->report.capabilities = NULL;
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
run_file(struct runner *r, const struct envelope *e)
{
	enum pst_err err;
	int status;

	r->now = e;
	memset(&r->m, 0, sizeof(r->m));
	pst_suit_report_init(&r->report, r->records, sizeof(r->records));
	err = process(r);
	status = print_report(r, err);
	if (err != PST_OK)
		status = cli_fail("%s: %s", e->path, pst_err_name(err));
	return status;
}

/* --- the operands -----------------------------------------------------------
 */

/* Mark what a manifest depends on. */
static enum pst_err
depends(void *ctx, enum pst_suit_label label, uint32_t component,
    enum pst_suit_parameter parameter, struct pst_bytes value)
{
	struct runner *r = ctx;
	struct pst_suit_digest d;
	struct envelope *e;

	(void)label;
	if (parameter != PST_SUIT_PARAM_IMAGE_DIGEST ||
	    !pst_suit_dependency(&r->m, component))
		return PST_OK;
	d = digest_in(value);
	e = find_envelope(r, &d);
	if (e != NULL)
		e->needed = true;
	return PST_OK;
}

/* What a manifest says is judged when it runs; here it only has to be its own,
 * so that no foreign file keeps another from being run. */
static void
mark_needed(struct runner *r)
{
	struct pst_suit_images images;
	size_t i;

	for (i = 0; i < r->file_count; i++) {
		if (pst_suit_authenticate(&r->files[i].env, r->ring.crypto,
			&r->ring.keys, &r->m, NULL) == PST_OK)
			(void)!pst_suit_manifest_images(
			    &r->m, depends, r, &images);
	}
}

static int
read_files(struct runner *r, char **paths, size_t count)
{
	struct envelope *e;
	int status = CLI_DONE;

	if (count > FILES_MAX)
		return cli_fail("more than %d files", FILES_MAX);
	r->files = calloc(count, sizeof(*r->files));
	if (r->files == NULL)
		return cli_fail("no memory");
	for (; status == CLI_DONE && r->file_count < count;) {
		e = &r->files[r->file_count];
		e->path = paths[r->file_count];
		status = cli_envelope_read(e->path, &e->file, &e->env);
		if (status == CLI_DONE)
			r->file_count++;
	}
	if (status == CLI_DONE)
		mark_needed(r);
	return status;
}

static void
free_files(struct runner *r)
{
	size_t i;

	for (i = 0; i < r->file_count; i++)
		cli_file_free(&r->files[i].file);
	free(r->files);
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
		{ "invoke", no_argument, NULL, 'i' },
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
		r->invoke |= c == 'i';
		r->json |= c == 'j';
	}
	if (r->json)
		cli_progress_off();
	if (status != CLI_DONE)
		return status;
	if (r->ring.count == 0)
		return cli_usage(argv[0], "a key is needed (--key)");
	if (r->uninstall && r->invoke)
		return cli_usage(argv[0], "--uninstall or --invoke, not both");
	if (r->root == NULL)
		return cli_usage(argv[0], "a directory is needed (--root)");
	return cli_operands(argc, argv, optind, 1, CLI_MANY);
}

int
cli_manifest_run(int argc, char **argv)
{
	struct runner *r = calloc(1, sizeof(*r));
	size_t i;
	int status;

	if (r == NULL)
		return cli_fail("no memory");
	r->dir.fd = r->dir.private_fd = -1;
	status = cli_keyring_open(&r->ring);
	if (status == CLI_DONE)
		status = options(r, argc, argv);
	if (status == CLI_DONE)
		status = cli_directory_open(&r->dir, r->root);
	if (status == CLI_DONE && r->device != NULL)
		status = cli_device_read(&r->dir, &r->ring, r->device);
	if (status == CLI_DONE)
		status = read_files(r, argv + optind, (size_t)(argc - optind));
	/* One that fails ends it, as the manifests of an Update do. */
	for (i = 0; status == CLI_DONE && i < r->file_count; i++) {
		if (!r->files[i].needed)
			status = run_file(r, &r->files[i]);
	}
	free_files(r);
	cli_directory_close(&r->dir);
	cli_keyring_close(&r->ring);
	free(r);
	return status;
}
