/*
 * SUIT Reports as they arrive: whatever opens is inside its buffers and is
 * decoded, nothing that others made opens, and what is protected here comes
 * back as it was.
 */
#include <postern/suit_report.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"

enum { PLAIN_MAX = 4096, ROOM = PLAIN_MAX + 1024 };

static struct pst_openssl *port;
static struct pst_signer signer;
static struct pst_pubkey signer_pub, to;
static uint32_t private;

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = signer_pub;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = private;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static void
set_up(void)
{
	struct pst_key key;

	port = pst_openssl_new();
	MUST(port != NULL);
	MUST(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK);
	MUST(pst_openssl_add(port, &key, &private) == PST_OK);
	to = key.pub;
	MUST(pst_key_generate(PST_ALG_ED25519, &key) == PST_OK);
	MUST(pst_openssl_add(port, &key, &signer.key) == PST_OK);
	signer.alg = PST_ALG_ED25519;
	signer_pub = key.pub;
}

static bool
inside(struct pst_bytes view, const uint8_t *buf, size_t len)
{
	return view.len == 0 ||
	    (view.ptr >= buf && view.len <= len &&
		(size_t)(view.ptr - buf) <= len - view.len);
}

static enum pst_err
opened(struct pst_bytes in, bool authentic, uint8_t *out, size_t cap,
    struct pst_suit_report_opened *o)
{
	static const struct pst_keys keys = { .find = find,
		.find_secret = find_secret };
	struct pst_suit_report_open_args args = { &keys, &keys, authentic };
	struct pst_suit_report_view view;
	enum pst_err err;
	size_t at;

	err = pst_suit_report_open(
	    in, pst_openssl_crypto(port), &args, out, cap, o);
	if (err != PST_OK)
		return err;
	MUST(inside(o->report.payload, in.ptr, in.len) ||
	    inside(o->report.payload, out, cap));
	if (pst_suit_report_decode(&o->report, &view, &at) != PST_OK)
		MUST(at <= o->report.payload.len);
	return PST_OK;
}

/* The keys are fresh: what came from elsewhere is neither signed nor
 * encrypted, or does not open. */
static void
raw(struct pst_bytes in, uint8_t *out)
{
	struct pst_suit_report_opened o;
	int authentic;

	for (authentic = 0; authentic < 2; authentic++) {
		if (opened(in, authentic != 0, out, in.len, &o) != PST_OK)
			continue;
		MUST(o.form == 0);
		MUST(o.report.payload.ptr == in.ptr);
	}
}

static void
round_trip(struct pst_bytes in, bool sign, bool seal)
{
	static uint8_t buf[ROOM], work[ROOM], out[ROOM];
	struct pst_suit_report_cover cover = { sign ? &signer : NULL,
		seal ? &to : NULL, { NULL, 0 }, PST_ALG_CHACHA_POLY };
	struct pst_suit_report_opened o;
	size_t len = in.len;

	memcpy(buf, in.ptr, in.len);
	MUST(pst_suit_report_protect(pst_openssl_crypto(port), &cover, buf,
		 sizeof(buf), &len, work, sizeof(work)) == PST_OK);
	if (opened((struct pst_bytes){ buf, len }, false, out, sizeof(out),
		&o) != PST_OK)
		return;
	/* a byte string around an encrypted report is taken off */
	MUST(o.report.payload.len <= in.len);
	MUST(memcmp(o.report.payload.ptr,
		 in.ptr + (in.len - o.report.payload.len),
		 o.report.payload.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data + 1, size - 1 };
	uint8_t *out;

	if (port == NULL)
		set_up();
	if (size < 2)
		return 0;
	if ((data[0] & 3) == 0) {
		out = malloc(in.len);
		MUST(out != NULL);
		raw(in, out);
		free(out);
	} else if (in.len <= PLAIN_MAX) {
		round_trip(in, (data[0] & 1) != 0, (data[0] & 2) != 0);
	}
	return 0;
}
