#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/suit_encode.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* [h'8d82573a926d4754935332dc29997f74', 'ta'] */
static const uint8_t hello[] = { 0x82, 0x50, 0x8d, 0x82, 0x57, 0x3a, 0x92, 0x6d,
	0x47, 0x54, 0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74, 0x42, 't',
	'a' };
static const uint8_t hello_manifest[] = { 0x82, 0x50, 0x8d, 0x82, 0x57, 0x3a,
	0x92, 0x6d, 0x47, 0x54, 0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74,
	0x48, 'm', 'a', 'n', 'i', 'f', 'e', 's', 't' };
#define PERSONAL \
	0x82, 0x50, 0x7a, 0x32, 0x7a, 0x25, 0x12, 0x7c, 0x43, 0x35, 0x8d, \
	    0x58, 0x0b, 0x9b, 0x19, 0x55, 0x26, 0xc7
static const uint8_t personal[] = { PERSONAL, 0x42, 't', 'a' };
static const uint8_t personal_config[] = { PERSONAL, 0x46, 'c', 'o', 'n', 'f',
	'i', 'g' };
static const uint8_t personal_manifest[] = { PERSONAL, 0x48, 'm', 'a', 'n', 'i',
	'f', 'e', 's', 't' };
static const uint8_t vendor[16] = "\x11\x11\x11\x11\x11\x11\x11\x11";

/* --- making -------------------------------------------------------------- */

static bool
make_key(struct device *d, const char *name, struct pst_signer *signer)
{
	struct pst_key key;
	char path[160];
	uint32_t number;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	good = pst_key_generate(PST_ALG_ESP256, &key) == PST_OK &&
	    pst_openssl_add(d->outside, &key, &number) == PST_OK &&
	    pst_openssl_signer(d->outside, number, 0, signer) == PST_OK &&
	    pst_key_write(path, &key, PST_KEY_PEM, false) == PST_OK;
	pst_key_wipe(&key);
	return good;
}

bool
device_make(struct device *d, const char *extra)
{
	FILE *f;

	memset(d, 0, sizeof(*d));
	strcpy(d->dir, "/tmp/postern-device-XXXXXX");
	d->outside = pst_openssl_new();
	if (d->outside == NULL || mkdtemp(d->dir) == NULL ||
	    chmod(d->dir, 0711) != 0)
		return false;
	snprintf(d->socket, sizeof(d->socket), "%s/sock", d->dir);
	snprintf(d->state, sizeof(d->state), "%s/state", d->dir);
	snprintf(d->config, sizeof(d->config), "%s/tee.yaml", d->dir);
	snprintf(d->log, sizeof(d->log), "%s/log", d->dir);
	if (!make_key(d, "tam.pem", &d->tam) ||
	    !make_key(d, "signer.pem", &d->signer))
		return false;
	f = fopen(d->config, "w");
	if (f == NULL)
		return false;
	fprintf(f,
	    "device:\n"
	    "  vendor-id: 11111111-1111-1111-0000-000000000000\n"
	    "  oemid: '894823'\n"
	    "  hwmodel: board\n"
	    "  hwversion: '1.0'\n"
	    "tams:\n"
	    "  - name: demo\n"
	    "    uri: http://127.0.0.1:9/tam\n"
	    "    keys: [tam.pem]\n"
	    "    confidential-transport: true\n"
	    "    prefixes: ['uuid:8d82573a-926d-4754-9353-32dc29997f74', "
	    "'uuid:7a327a25-127c-4335-8d58-0b9b195526c7']\n"
	    "signers:\n"
	    "  - name: developer\n"
	    "    key: signer.pem\n"
	    "    prefixes: ['uuid:8d82573a-926d-4754-9353-32dc29997f74', "
	    "'uuid:7a327a25-127c-4335-8d58-0b9b195526c7']\n"
	    "%s",
	    extra);
	return fclose(f) == 0;
}

static void
become_tee(const struct device *d, int out)
{
	int log = open(d->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (log < 0 || dup2(out, 1) < 0 || dup2(log, 2) < 0)
		_exit(9);
	execl(PST_BUILD_DIR "/postern-tee", "postern-tee", "--state", d->state,
	    "--config", d->config, "--socket", d->socket, (char *)NULL);
	_exit(9);
}

bool
device_start(struct device *d)
{
	char line[200] = "";
	size_t len = 0;
	int pipes[2];

	if (pipe(pipes) != 0)
		return false;
	fflush(stdout);
	d->pid = fork();
	if (d->pid == 0)
		become_tee(d, pipes[1]);
	close(pipes[1]);
	while (len < sizeof(line) - 1 && read(pipes[0], line + len, 1) == 1 &&
	    line[len] != '\n')
		len++;
	close(pipes[0]);
	return d->pid > 0 && strncmp(line, "ready on /", 10) == 0;
}

static int
reap(struct device *d)
{
	int status = 0;

	if (d->pid <= 0 || waitpid(d->pid, &status, 0) != d->pid)
		return -1;
	d->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
device_stop(struct device *d, int sig)
{
	if (d->pid > 0)
		kill(d->pid, sig);
	return reap(d);
}

int
device_refused(struct device *d)
{
	struct device other = *d;

	if (device_start(&other)) {
		device_stop(&other, SIGKILL);
		return -2;
	}
	return reap(&other);
}

bool
device_logged(const struct device *d, const char *what)
{
	static char all[1 << 16];
	int fd = open(d->log, O_RDONLY);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	close(fd);
	all[n < 0 ? 0 : n] = '\0';
	return strstr(all, what) != NULL;
}

void
device_remove(struct device *d)
{
	pid_t pid;

	device_stop(d, SIGKILL);
	pst_openssl_free(&d->outside);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", d->dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

/* --- the broker ---------------------------------------------------------- */

static void
take_apart(struct reply *r)
{
	struct pst_cbor_reader c;

	pst_cbor_reader_init(&c, (struct pst_bytes){ r->bytes, r->len });
	pst_cbor_array(&c, 6, 6);
	r->what = pst_cbor_uint(&c, 3);
	r->session = pst_cbor_uint(&c, 7);
	r->uri = pst_cbor_tstr(&c, 0, 2048);
	r->message = pst_cbor_bstr(&c, 0, PST_MESSAGE_MAX);
	r->offset = pst_cbor_uint(&c, UINT64_MAX);
	r->reason = pst_cbor_uint(&c, 9999);
	if (pst_cbor_end(&c) != PST_OK)
		r->result = 1;
}

bool
ask_agent(TEEC_Session *s, struct reply *r, uint32_t command, uint32_t flags,
    struct pst_bytes in)
{
	static uint8_t empty;
	TEEC_Operation op;

	memset(&op, 0, sizeof(op));
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT,
	    TEEC_MEMREF_TEMP_INPUT, TEEC_NONE, TEEC_MEMREF_TEMP_OUTPUT);
	op.params[0].value.a = 0;
	op.params[0].value.b = flags;
	op.params[1].tmpref.buffer = &empty;
	if (in.len > 0)
		memcpy(&op.params[1].tmpref.buffer, &in.ptr, sizeof(void *));
	op.params[1].tmpref.size = in.len;
	op.params[3].tmpref.buffer = r->bytes;
	op.params[3].tmpref.size = sizeof(r->bytes);
	r->result = TEEC_InvokeCommand(s, command, &op, NULL);
	r->len = op.params[3].tmpref.size;
	if (r->result != TEEC_SUCCESS)
		return false;
	if (command != PST_AGENT_TA_LIST && command != PST_AGENT_TA_STATUS)
		take_apart(r);
	return r->result == TEEC_SUCCESS;
}

/* --- the TAM ------------------------------------------------------------- */

struct pst_bytes
build_file(const char *name)
{
	static uint8_t content[1 << 20];
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", PST_BUILD_DIR, name);
	fd = open(path, O_RDONLY);
	n = read(fd, content, sizeof(content));
	close(fd);
	if (n < 0)
		abort();
	return (struct pst_bytes){ content, (size_t)n };
}

/* A TA that is fetched. */
static struct pst_suit_build_component
fetched(struct device *d, struct pst_bytes id, struct pst_bytes image)
{
	static uint8_t digest[PST_DIGEST_MAX];
	const struct pst_crypto *crypto = pst_openssl_crypto(d->outside);
	size_t len;

	if (crypto->digest(
		crypto->ctx, PST_ALG_SHA256, &image, 1, digest, &len) != PST_OK)
		abort();
	return (struct pst_suit_build_component){
		.id = id,
		.source = PST_SUIT_FROM_URI,
		.uri = PST_BYTES_LIT("http://127.0.0.1:9/hello.ta"),
		.digest = { PST_ALG_SHA256, { digest, 32 } },
		.image_bytes = image.len,
		.vendor_id = { vendor, 16 },
	};
}

static struct pst_bytes
make_envelope(struct device *d, const struct pst_suit_build *build)
{
	static uint8_t plain[8192], signed_[8192];
	const struct pst_crypto *crypto = pst_openssl_crypto(d->outside);
	struct pst_suit_envelope env;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, plain, sizeof(plain));
	if (pst_suit_build(&w, crypto, build) != PST_OK ||
	    pst_suit_envelope_decode(pst_cbor_written(&w), &env, NULL) !=
		PST_OK)
		abort();
	pst_cbor_writer_init(&w, signed_, sizeof(signed_));
	if (pst_suit_sign(&w, &env, crypto, PST_TAG_SIGN1, &d->signer, 1) !=
	    PST_OK)
		abort();
	return pst_cbor_written(&w);
}

static struct pst_bytes
send_update(struct device *d, struct pst_teep_message *m, const char *token)
{
	static uint8_t plain[16384], out[20000];
	struct pst_cose_sign_args args = { .signers = &d->tam, .count = 1 };
	struct pst_cbor_writer w;

	m->type = PST_TEEP_UPDATE;
	m->present |= 1u << PST_LABEL_TOKEN;
	m->token = (struct pst_bytes){ (const uint8_t *)token, strlen(token) };
	pst_cbor_writer_init(&w, plain, sizeof(plain));
	if (pst_teep_encode(&w, m) != PST_OK)
		abort();
	args.payload = pst_cbor_written(&w);
	pst_cbor_writer_init(&w, out, sizeof(out));
	if (pst_cose_sign1(&w, pst_openssl_crypto(d->outside), &args) != PST_OK)
		abort();
	return pst_cbor_written(&w);
}

static struct pst_bytes
send_manifest(
    struct device *d, const struct pst_suit_build *build, const char *token)
{
	static uint8_t list[10000];
	struct pst_teep_message m = { 0 };
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, list, sizeof(list));
	pst_cbor_put_bstr(&w, make_envelope(d, build));
	m.present = 1u << PST_LABEL_MANIFEST_LIST;
	m.manifest_list.items = pst_cbor_written(&w);
	m.manifest_list.count = 1;
	return send_update(d, &m, token);
}

struct pst_bytes
tam_update(
    struct device *d, const char *token, uint64_t sequence, const char *file)
{
	const struct pst_bytes id = { hello, sizeof(hello) };
	const struct pst_suit_build_component c =
	    fetched(d, id, build_file(file));
	const struct pst_suit_build build = {
		.sequence = sequence,
		.component_id = { hello_manifest, sizeof(hello_manifest) },
		.components = &c,
		.count = 1,
		.uninstall = true,
	};

	return send_manifest(d, &build, token);
}

struct pst_bytes
tam_personal(
    struct device *d, const char *token, uint64_t sequence, const char *config)
{
	const struct pst_bytes id = { personal, sizeof(personal) };
	const struct pst_suit_build_component c[] = {
		fetched(d, id, build_file("examples/personal.ta")),
		{
		    .id = { personal_config, sizeof(personal_config) },
		    .source = PST_SUIT_FROM_CONTENT,
		    .data = { (const uint8_t *)config, strlen(config) },
		},
	};
	const struct pst_suit_build build = {
		.sequence = sequence,
		.component_id = { personal_manifest,
		    sizeof(personal_manifest) },
		.components = c,
		.count = 2,
		.uninstall = true,
	};

	return send_manifest(d, &build, token);
}

struct pst_bytes
tam_removal(struct device *d, const char *token)
{
	struct pst_teep_message m = { 0 };

	m.present = 1u << PST_LABEL_UNNEEDED_MANIFEST_LIST;
	m.unneeded_manifest_list.items =
	    (struct pst_bytes){ hello_manifest, sizeof(hello_manifest) };
	m.unneeded_manifest_list.count = 1;
	return send_update(d, &m, token);
}
