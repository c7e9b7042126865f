/*
 * postern manifest sever: what stands in an envelope beside its manifest is
 * taken out, to files if wanted, and put in again. The manifest has the
 * digests of sections, and its commands those of payloads.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <postern/suit_encode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "diag/component.h"
#include "diag/diag.h"
#include "manifest.h"
#include "manifest_source.h"

static const char section_suffix[] = ".section";
static const char payload_suffix[] = ".payload";

/* One member beside wrapper and manifest. */
struct member {
	struct pst_suit_pair pair;
	struct pst_bytes content; /* of its bstr */
	int64_t label;		  /* or PST_CBOR_KEY_OTHER: a payload */
	struct pst_bytes name;	  /* of a payload */
	bool out;		  /* it is taken out */
};

struct sever {
	struct cli_keyring ring; /* for its crypto */
	struct cli_file file;
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	uint32_t sections;
	const char *payload[PST_SUIT_MEMBERS_MAX];
	size_t payload_count;
	bool payloads, force, json;
	const char *out, *dir, *join;
	struct member member[PST_SUIT_MEMBERS_MAX];
	size_t count;
	uint8_t *owned[2 * PST_SUIT_MEMBERS_MAX]; /* of what is put in */
	size_t owned_count;
	struct pst_bytes block[PST_SUIT_AUTH_MAX];
};

/* --- the envelope -----------------------------------------------------------
 */

static struct pst_bytes
since(const struct pst_cbor_reader *r, size_t start)
{
	return (struct pst_bytes){ r->in.ptr + start, r->at - start };
}

static void
read_member(struct pst_cbor_reader *r, struct member *m)
{
	size_t start = r->at;

	m->label = PST_CBOR_KEY_OTHER;
	if (pst_cbor_peek(r) == PST_CBOR_UINT)
		m->label = pst_cbor_int(r, 0, INT64_MAX);
	else
		m->name = pst_cbor_tstr(r, 0, SIZE_MAX);
	m->pair.key = since(r, start);
	start = r->at;
	m->content = pst_cbor_bstr(r, 0, SIZE_MAX);
	m->pair.value = since(r, start);
}

/* The envelope was decoded: it has at most that many members. */
static void
read_members(struct sever *s)
{
	size_t n = s->env.member_count;
	struct pst_cbor_reader r;
	struct member m;

	pst_cbor_reader_init(&r, s->env.members);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		memset(&m, 0, sizeof(m));
		read_member(&r, &m);
		if (m.label != PST_SUIT_AUTHENTICATION &&
		    m.label != PST_SUIT_MANIFEST)
			s->member[s->count++] = m;
	}
}

static enum pst_err
put_envelope(struct pst_cbor_writer *w, void *ctx)
{
	struct sever *s = ctx;
	struct pst_suit_pair pairs[PST_SUIT_MEMBERS_MAX];
	struct pst_suit_parts parts = {
		.digest = s->env.digest, .members = pairs, .blocks = s->block
	};
	struct pst_list blocks = s->env.blocks;
	struct pst_cbor_reader r;
	struct pst_bytes item;
	size_t i;

	pst_cbor_reader_init(&r, s->env.manifest_bstr);
	parts.manifest = pst_cbor_bstr(&r, 0, SIZE_MAX);
	while (pst_list_next(&blocks, &item)) {
		pst_cbor_reader_init(&r, item);
		s->block[parts.block_count++] = pst_cbor_bstr(&r, 0, SIZE_MAX);
	}
	for (i = 0; i < s->count; i++)
		if (!s->member[i].out)
			pairs[parts.member_count++] = s->member[i].pair;
	return pst_suit_assemble(w, s->ring.crypto, &parts);
}

/* Digests that the manifest has; signatures are not asked for. */
static int
accept_all(struct sever *s, const char *path)
{
	size_t at = 0;
	enum pst_err err = pst_suit_accept(&s->env, s->ring.crypto, &s->m, &at);

	if (err == PST_OK)
		return CLI_DONE;
	return cli_fail("%s: %s", path, pst_err_name(err));
}

/* --- what is taken out ------------------------------------------------------
 */

static int
choose_section(struct sever *s, const char *path, int label)
{
	uint32_t bit = (uint32_t)1 << label;

	if ((s->sections & bit) == 0 || (s->m.severed & bit) != 0 ||
	    (pst_suit_members(&s->env) & bit) != 0)
		return CLI_DONE;
	if ((s->m.sections & bit) != 0)
		return cli_fail("%s: %s stands in the manifest itself; what "
				"is to be severed is listed as severable in "
				"its source",
		    path, cli_section_name(label));
	return cli_fail("%s: there is no %s", path, cli_section_name(label));
}

struct named {
	struct pst_bytes name;
	bool found;
};

static enum pst_err
visit(void *ctx, enum pst_suit_label section, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes value)
{
	struct named *n = ctx;
	struct pst_cbor_reader r;

	(void)section;
	(void)component;
	if (label != PST_SUIT_PARAM_URI)
		return PST_OK;
	pst_cbor_reader_init(&r, value);
	if (pst_equal(pst_cbor_tstr(&r, 0, SIZE_MAX), n->name))
		n->found = true;
	return PST_OK;
}

/* One that is not there any more is left out already; one that no command
 * names is a mistake. */
static int
choose_payload(struct sever *s, const char *path, const char *name)
{
	struct named n = { cli_text(name), false };
	struct pst_suit_images images;
	enum pst_err err;
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->member[i].label != PST_CBOR_KEY_OTHER ||
		    !pst_equal(s->member[i].name, n.name))
			continue;
		s->member[i].out = true;
		return CLI_DONE;
	}
	err = pst_suit_manifest_images(&s->m, visit, &n, &images);
	if (n.found || err == PST_ERR_SUIT_SEVERED)
		return CLI_DONE;
	return cli_fail("%s: no payload is called %s", path, name);
}

static int
choose(struct sever *s, const char *path)
{
	int status = CLI_DONE;
	int label;
	size_t i;

	for (label = 0; status == CLI_DONE && label <= PST_SUIT_LABEL_MAX;
	     label++)
		status = choose_section(s, path, label);
	for (i = 0; status == CLI_DONE && i < s->payload_count; i++)
		status = choose_payload(s, path, s->payload[i]);
	if (s->sections == 0 && s->payload_count == 0 && !s->payloads)
		s->sections = UINT32_MAX;
	for (i = 0; status == CLI_DONE && i < s->count; i++) {
		struct member *m = &s->member[i];

		if (m->label == PST_CBOR_KEY_OTHER)
			m->out |= s->payloads;
		else
			m->out = (s->sections >> m->label & 1) != 0;
	}
	return status;
}

/* --- their files ------------------------------------------------------------
 */

static bool
plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A payload's name may be any text, a URI for one: what could mean something
 * in a path is percent-encoded, so that it can be read back. */
static bool
encode_name(struct pst_bytes name, char out[NAME_MAX + 1])
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0, i;

	for (i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];

		if (len + 3 + sizeof(payload_suffix) > NAME_MAX)
			return false;
		if (plain(c)) {
			out[len++] = (char)c;
			continue;
		}
		out[len++] = '%';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	memcpy(out + len, payload_suffix, sizeof(payload_suffix));
	return true;
}

/* The path of a member's file; the caller frees it. */
static char *
file_of(const struct sever *s, const struct member *m)
{
	char name[NAME_MAX + 1];
	char *path = NULL;
	int n;

	if (m->label != PST_CBOR_KEY_OTHER)
		n = asprintf(&path, "%s/%s%s", s->dir,
		    cli_section_name((int)m->label), section_suffix);
	else if (encode_name(m->name, name))
		n = asprintf(&path, "%s/%s", s->dir, name);
	else
		return NULL;
	return n >= 0 ? path : NULL;
}

static bool
same_already(const char *path, struct pst_bytes content)
{
	FILE *f = fopen(path, "rb");
	uint8_t buf[4096];
	size_t n, at = 0;
	bool same = f != NULL;

	while (same && (n = fread(buf, 1, sizeof(buf), f)) > 0) {
		same = n <= content.len - at &&
		    memcmp(buf, content.ptr + at, n) == 0;
		at += n;
	}
	if (f != NULL)
		fclose(f);
	return same && at == content.len;
}

static int
write_member(const struct sever *s, const struct member *m)
{
	char *path = file_of(s, m);
	int status = CLI_DONE;

	if (path == NULL)
		return cli_fail("a payload's name is too long for a file");
	if (!same_already(path, m->content)) {
		status = cli_must_not_exist(path, s->force);
		if (status == CLI_DONE)
			status = cli_write(path, m->content, 0644);
	}
	free(path);
	return status;
}

static int
write_members(const struct sever *s)
{
	int status = CLI_DONE;
	size_t i;

	if (s->dir == NULL)
		return CLI_DONE;
	if (mkdir(s->dir, 0755) != 0 && errno != EEXIST)
		return cli_fail("%s: %s", s->dir, strerror(errno));
	for (i = 0; status == CLI_DONE && i < s->count; i++)
		if (s->member[i].out)
			status = write_member(s, &s->member[i]);
	return status;
}

/* --- putting in -------------------------------------------------------------
 */

/* An encoded key or value that lives as long as s. */
static struct pst_bytes
encoded(struct sever *s, enum pst_cbor_type type, struct pst_bytes content)
{
	struct pst_cbor_writer w;
	uint8_t *buf = malloc(content.len + 9);

	if (buf == NULL)
		return (struct pst_bytes){ NULL, 0 };
	s->owned[s->owned_count++] = buf;
	pst_cbor_writer_init(&w, buf, content.len + 9);
	pst_cbor_put_head(&w, type, content.len);
	pst_cbor_put_raw(&w, content);
	return pst_cbor_written(&w);
}

static struct pst_bytes
encoded_label(struct sever *s, int64_t label)
{
	struct pst_cbor_writer w;
	uint8_t *buf = malloc(9);

	if (buf == NULL)
		return (struct pst_bytes){ NULL, 0 };
	s->owned[s->owned_count++] = buf;
	pst_cbor_writer_init(&w, buf, 9);
	pst_cbor_put_int(&w, label);
	return pst_cbor_written(&w);
}

/* One member out of a file; it stays as it is when it is there already. */
static int
put_in(struct sever *s, const char *path, struct pst_bytes name, int64_t label)
{
	struct member m = { .label = label, .name = name };
	struct cli_file f;
	size_t i;
	int status;

	for (i = 0; i < s->count; i++) {
		if (s->member[i].label == label &&
		    (label != PST_CBOR_KEY_OTHER ||
			pst_equal(s->member[i].name, name)))
			return CLI_DONE;
	}
	if (s->count + 2 >= PST_SUIT_MEMBERS_MAX)
		return cli_fail("%s: more members than an envelope has", path);
	status = cli_read(path, CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	m.pair.key = label == PST_CBOR_KEY_OTHER
	    ? encoded(s, PST_CBOR_TSTR, name)
	    : encoded_label(s, label);
	m.pair.value = encoded(s, PST_CBOR_BSTR, cli_bytes(&f));
	cli_file_free(&f);
	if (m.pair.key.ptr == NULL || m.pair.value.ptr == NULL)
		return cli_fail("%s: no memory", path);
	s->member[s->count++] = m;
	return CLI_DONE;
}

/* What encode_name made; false when it is not of its making. */
static bool
decode_name(const char *text, size_t len, uint8_t *out, size_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < len; i++) {
		if (text[i] != '%') {
			out[(*n)++] = (uint8_t)text[i];
			continue;
		}
		if (len - i < 3 || !pst_hex_parse(text + i + 1, 2, out + *n))
			return false;
		(*n)++;
		i += 2;
	}
	return true;
}

static bool
ends_in(const char *name, const char *suffix, size_t *stem)
{
	size_t n = strlen(name), end = strlen(suffix);

	if (n <= end || strcmp(name + n - end, suffix) != 0)
		return false;
	*stem = n - end;
	return true;
}

static int
put_in_file(struct sever *s, const char *file)
{
	char path[PATH_MAX], section[NAME_MAX + 1];
	uint8_t name[NAME_MAX];
	struct pst_bytes called = { name, 0 };
	size_t stem;
	int label;

	if (snprintf(path, sizeof(path), "%s/%s", s->join, file) >=
	    (int)sizeof(path))
		return cli_fail("%s: the path is too long", file);
	if (ends_in(file, payload_suffix, &stem)) {
		if (!decode_name(file, stem, name, &called.len))
			return cli_fail("%s: not a payload's name", path);
		return put_in(s, path, called, PST_CBOR_KEY_OTHER);
	}
	if (!ends_in(file, section_suffix, &stem))
		return CLI_DONE;
	snprintf(section, sizeof(section), "%.*s", (int)stem, file);
	for (label = 0; label <= PST_SUIT_LABEL_MAX; label++)
		if ((cli_section_bit(section) >> label & 1) != 0)
			return put_in(s, path, called, label);
	return cli_fail("%s: no severable section has this name", path);
}

static int
put_in_all(struct sever *s)
{
	struct dirent **found;
	int status = CLI_DONE;
	int n = scandir(s->join, &found, NULL, alphasort);
	int i;

	if (n < 0)
		return cli_fail("%s: %s", s->join, strerror(errno));
	for (i = 0; i < n; i++) {
		if (status == CLI_DONE)
			status = put_in_file(s, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return status;
}

/* Is what was put in what was signed? */
static int
check_joined(struct sever *s, const char *path, const struct cli_file *made)
{
	struct pst_bytes name = { NULL, 0 };
	enum pst_err err;
	int status = cli_envelope_decode(path, made, &s->env);

	if (status == CLI_DONE)
		status = accept_all(s, path);
	if (status != CLI_DONE)
		return status;
	err = pst_suit_integrated_check(&s->m, s->ring.crypto, &name);
	/* What cannot be told while a section is missing is told later. */
	if (err == PST_OK || err == PST_ERR_SUIT_SEVERED)
		return CLI_DONE;
	return cli_fail("%s: payload %.*s: %s", path, (int)name.len,
	    name.len > 0 ? (const char *)name.ptr : "", pst_err_name(err));
}

static int
join(struct sever *s, const char *path)
{
	struct cli_file made;
	int status = put_in_all(s);

	if (status == CLI_DONE)
		status = cli_envelope_make(put_envelope, s, path, &made);
	if (status != CLI_DONE)
		return status;
	status = check_joined(s, path, &made);
	if (status == CLI_DONE)
		status = cli_write(
		    s->out != NULL ? s->out : path, cli_bytes(&made), 0644);
	cli_file_free(&made);
	return status;
}

/* --- the command ------------------------------------------------------------
 */

static void
print_member(const struct sever *s, const struct member *m, FILE *f, bool first)
{
	if (!s->json) {
		fputs("left out: ", f);
		if (m->label == PST_CBOR_KEY_OTHER)
			pst_print_safe(f, m->name);
		else
			fputs(cli_section_name((int)m->label), f);
		fprintf(f, ", %zu bytes\n", m->content.len);
		return;
	}
	fputs(first ? "{" : ",{", f);
	if (m->label == PST_CBOR_KEY_OTHER) {
		fputs("\"payload\":", f);
		pst_json_string(f, m->name);
	} else {
		fprintf(
		    f, "\"section\":\"%s\"", cli_section_name((int)m->label));
	}
	fprintf(f, ",\"bytes\":%zu}", m->content.len);
}

static void
print_severed(const struct sever *s, const char *to)
{
	FILE *f = strcmp(to, "-") == 0 ? stderr : stdout;
	bool first = true;
	size_t i;

	if (s->json)
		fputc('[', f);
	for (i = 0; i < s->count; i++) {
		if (!s->member[i].out)
			continue;
		print_member(s, &s->member[i], f, first);
		first = false;
	}
	if (s->json)
		fputs("]\n", f);
}

static int
sever(struct sever *s, const char *path)
{
	const char *to = s->out != NULL ? s->out : path;
	int status = choose(s, path);

	if (status == CLI_DONE)
		status = write_members(s);
	if (status == CLI_DONE)
		status = cli_envelope_write(put_envelope, s, path, to);
	if (status == CLI_DONE)
		print_severed(s, to);
	return status;
}

static int
option(struct sever *s, const char *command, int c)
{
	uint32_t bit;

	switch (c) {
	case 's':
		bit = cli_section_bit(optarg);
		if (bit == 0)
			return cli_usage(
			    command, "no severable section: %s", optarg);
		s->sections |= bit;
		return CLI_DONE;
	case 'P':
		if (s->payload_count == PST_SUIT_MEMBERS_MAX)
			return cli_usage(command, "too many payloads");
		s->payload[s->payload_count++] = optarg;
		return CLI_DONE;
	case 'p':
		s->payloads = true;
		return CLI_DONE;
	case 'd':
		s->dir = optarg;
		return CLI_DONE;
	case 'J':
		s->join = optarg;
		return CLI_DONE;
	case 'o':
		s->out = optarg;
		return CLI_DONE;
	case 'f':
		s->force = true;
		return CLI_DONE;
	case 'j':
		s->json = true;
		return CLI_DONE;
	default:
		return cli_usage(command, "unknown option");
	}
}

static int
options(struct sever *s, int argc, char **argv)
{
	static const struct option known[] = {
		{ "section", required_argument, NULL, 's' },
		{ "payload", required_argument, NULL, 'P' },
		{ "payloads", no_argument, NULL, 'p' },
		{ "to", required_argument, NULL, 'd' },
		{ "join", required_argument, NULL, 'J' },
		{ "out", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int status = CLI_DONE;
	int c;

	while (status == CLI_DONE &&
	    (c = getopt_long(argc, argv, "o:f", known, NULL)) != -1)
		status = option(s, argv[0], c);
	if (status != CLI_DONE)
		return status;
	if (s->join != NULL &&
	    (s->sections != 0 || s->payloads || s->payload_count > 0 ||
		s->dir != NULL))
		return cli_usage(argv[0], "--join takes nothing out");
	return cli_operands(argc, argv, optind, 1, 1);
}

static int
sever_file(struct sever *s, const char *path)
{
	int status = cli_envelope_read(path, &s->file, &s->env);

	if (status == CLI_DONE)
		status = accept_all(s, path);
	if (status != CLI_DONE)
		return status;
	read_members(s);
	return s->join != NULL ? join(s, path) : sever(s, path);
}

int
cli_manifest_sever(int argc, char **argv)
{
	struct sever *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return cli_fail("no memory");
	status = cli_keyring_open(&s->ring);
	if (status == CLI_DONE)
		status = options(s, argc, argv);
	if (status == CLI_DONE)
		status = sever_file(s, argv[optind]);
	while (s->owned_count > 0)
		free(s->owned[--s->owned_count]);
	cli_file_free(&s->file);
	cli_keyring_close(&s->ring);
	free(s);
	return status;
}

const char cli_manifest_sever_help[] =
    "Signatures stay valid, for the manifest keeps the digests. In place,\n"
    "unless an output is named; what is not there is left out already.\n"
    "\n  --section NAME  dependency-resolution, payload-fetch, install, text,\n"
    "                  candidate-verification or coswid; may be given several\n"
    "                  times; without it and payloads, all that are severable\n"
    "  --payload NAME  leave out this integrated payload; may be given "
    "several\n"
    "                  times\n"
    "  --payloads      leave out every integrated payload\n"
    "  --to DIR        write what is left out to files there, NAME.section\n"
    "                  and NAME.payload, the name percent-encoded\n"
    "  --join DIR      put such files into the envelope again, when they are\n"
    "                  what was signed\n"
    "  -o, --out FILE  write there; - for standard output\n"
    "  -f, --force     overwrite files of --to\n"
    "  --json          print what is left out as JSON\n";
