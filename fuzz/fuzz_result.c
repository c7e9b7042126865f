/*
 * What a TAM reads of a Verifier elsewhere, and before it asks: the session's
 * JSON, an EAR as a JWT, and what Evidence says of itself. As a token nothing
 * is signed; as the claims of one the input is signed here, since only then
 * they are read.
 */
#include <string.h>

#include "fuzz.h"
#include "ports/openssl/openssl.h"
#include "verifier/ear.h"
#include "verifier/session.h"
#include "verifier/unverified.h"

enum { CLAIMS_MAX = 8192, NOW = 1700000000 };

static const struct pst_crypto *crypto;
static struct pst_key key;
static struct pst_signer signer;

static void
set_up(void)
{
	struct pst_openssl *port = pst_openssl_new();
	uint32_t number;

	crypto = pst_openssl_crypto(port);
	MUST(pst_key_generate(PST_ALG_ESP256, &key) == PST_OK);
	MUST(pst_openssl_add(port, &key, &number) == PST_OK);
	MUST(pst_openssl_signer(port, number, PST_ALG_ESP256, &signer) ==
	    PST_OK);
}

static size_t
base64url(struct pst_bytes in, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789-_";
	uint32_t bits = 0;
	size_t i, held = 0, n = 0;

	for (i = 0; i < in.len; i++) {
		bits = bits << 8 | in.ptr[i];
		for (held += 8; held >= 6; held -= 6)
			out[n++] = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		out[n++] = digits[bits << (6 - held) & 63];
	return n;
}

static void
session(struct pst_bytes in)
{
	struct pst_session s;

	if (pst_session_read(in, &s) != PST_OK) {
		MUST(s.root == NULL);
		return;
	}
	MUST(s.nonce_len >= PST_EAT_NONCE_MIN);
	MUST(s.nonce_len <= PST_EAT_NONCE_MAX);
	MUST(s.status != PST_SESSION_COMPLETE || s.result.len > 0);
	(void)pst_session_accepts(&s, PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT));
	pst_session_free(&s);
}

static void
signed_claims(struct pst_bytes in)
{
	const struct pst_bytes head = PST_BYTES_LIT("{\"alg\":\"ES256\"}");
	static char text[4 * CLAIMS_MAX / 3 + 256];
	uint8_t sig[PST_SIGNATURE_MAX];
	struct pst_bytes covered = { (const uint8_t *)text, 0 };
	struct pst_bytes whole = { sig, 0 };
	struct pst_ear ear;
	size_t n;

	if (in.len > CLAIMS_MAX)
		return;
	n = base64url(head, text);
	text[n++] = '.';
	n += base64url(in, text + n);
	covered.len = n;
	MUST(crypto->sign(crypto->ctx, signer.key, signer.alg, &covered, 1, sig,
		 &whole.len) == PST_OK);
	text[n++] = '.';
	n += base64url(whole, text + n);
	covered.len = n;
	if (pst_ear_read_jwt(crypto, &key.pub, covered, &ear) != PST_OK)
		return;
	MUST(ear.submods > 0 && ear.nonce_len <= sizeof(ear.nonce));
	/* The nonce of this question is in no input. */
	MUST(pst_ear_check(&ear, PST_BYTES_LIT("a nonce of nobody's"), NOW, 60,
		 600) != PST_OK);
}

static void
evidence(struct pst_bytes in, struct pst_bytes format)
{
	static struct pst_unverified u;
	static uint8_t room[1 << 16];
	struct pst_bytes bytes;
	size_t i;

	if (pst_unverified_read(crypto, in, format, &u) == PST_OK) {
		MUST(u.nonce.len >= PST_EAT_NONCE_MIN);
		MUST(u.nonce.len <= PST_EAT_NONCE_MAX);
		MUST(u.challenge.len > 0 && u.challenge.len <= u.nonce.len);
	}
	MUST(u.form_count > 0 && u.form_count <= PST_FORMS_MAX);
	for (i = 0; i < u.form_count; i++)
		if (pst_unverified_form(&u, i, room, sizeof(room), &bytes) ==
		    PST_OK)
			MUST(bytes.ptr != NULL || bytes.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	const char *const *formats;
	struct pst_ear ear;
	const char *name;
	size_t n;

	if (crypto == NULL)
		set_up();
	session(in);
	MUST(pst_ear_read_jwt(crypto, &key.pub, in, &ear) != PST_OK);
	signed_claims(in);
	for (n = 0; pst_verifier_technology(n, &name, &formats); n++)
		evidence(in,
		    (struct pst_bytes){ (const uint8_t *)name, strlen(name) });
	evidence(in, PST_BYTES_LIT(PST_EVIDENCE_FORMAT));
	evidence(in, PST_BYTES_LIT("application/vnd.veraison.tsm-report+cbor"));
	return 0;
}
