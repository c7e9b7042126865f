/*
 * What postern manifest does with a manifest that somebody else wrote: the
 * check of digests in its sequences, the summary, and the YAML that gives the
 * same bytes again, whatever they are. The input is an envelope, or else the
 * manifest: then an envelope with the right digest is put around it, so that
 * what follows the comparison of digests is reached, and an integrated payload.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "cli/manifest.h"
#include "fuzz.h"

static struct cli_keyring ring;
static FILE *nowhere;

/* The program's messages, which would only fill the log here. */
int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(nowhere, fmt, ap);
	va_end(ap);
	return CLI_REFUSED;
}

void
cli_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(nowhere, fmt, ap);
	va_end(ap);
}

int
cli_usage(const char *command, const char *fmt, ...)
{
	(void)command;
	(void)fmt;
	return CLI_USAGE;
}

static void
put_digest(struct pst_cbor_writer *w, struct pst_bytes manifest)
{
	uint8_t head[9], out[PST_DIGEST_MAX];
	struct pst_suit_digest d = { PST_ALG_SHA256, { out, 0 } };
	struct pst_cbor_writer h;
	struct pst_bytes parts[2];
	size_t inner, outer;

	/* The digest covers the head of the byte string. */
	pst_cbor_writer_init(&h, head, sizeof(head));
	pst_cbor_put_head(&h, PST_CBOR_BSTR, manifest.len);
	parts[0] = pst_cbor_written(&h);
	parts[1] = manifest;
	MUST(ring.crypto->digest(ring.crypto->ctx, d.alg, parts, 2, out,
		 &d.bytes.len) == PST_OK);
	outer = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 1);
	inner = pst_cbor_wrap_begin(w);
	pst_suit_digest_put(w, &d);
	pst_cbor_wrap_bstr(w, inner);
	pst_cbor_wrap_bstr(w, outer);
}

static struct pst_bytes
envelope(struct pst_bytes manifest, uint8_t *buf, size_t cap)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, cap);
	pst_cbor_put_map(&w, 3);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	put_digest(&w, manifest);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_bstr(&w, manifest);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("#tc"));
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("payload"));
	MUST(w.err == PST_OK);
	return pst_cbor_written(&w);
}

/* With and without its signatures. */
static void
again(struct pst_bytes in, const struct pst_suit_envelope *env)
{
	MUST(cli_manifest_yaml("input", in, env, ring.crypto, true, NULL,
		 nowhere) == CLI_DONE);
	MUST(cli_manifest_yaml("input", in, env, ring.crypto, false, NULL,
		 nowhere) == CLI_DONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;
	struct pst_bytes in;
	uint8_t *buf;

	if (ring.crypto == NULL) {
		nowhere = fopen("/dev/null", "w");
		MUST(nowhere != NULL);
		MUST(cli_keyring_open(&ring) == CLI_DONE);
	}
	if (size > 65536)
		return 0;
	in = (struct pst_bytes){ data, size };
	if (pst_suit_envelope_decode(in, &env, NULL) == PST_OK)
		again(in, &env);
	buf = malloc(size + 256);
	MUST(buf != NULL);
	in = envelope((struct pst_bytes){ data, size }, buf, size + 256);
	if (pst_suit_envelope_decode(in, &env, NULL) != PST_OK) {
		free(buf);
		return 0;
	}
	again(in, &env);
	if (pst_suit_accept(&env, ring.crypto, &m, NULL) == PST_OK) {
		(void)cli_manifest_check(&ring, &m, "input");
		(void)cli_manifest_summary(&ring, &m, nowhere, false);
		(void)cli_manifest_summary(&ring, &m, nowhere, true);
	}
	free(buf);
	return 0;
}
