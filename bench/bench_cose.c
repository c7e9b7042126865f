/*
 * COSE_Sign1 against bare OpenSSL EVP: the same bytes are signed, with a
 * context made for each message, as a program does that keeps none.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "bench.h"
#include "sample.h"

struct suite {
	const struct pst_signer *signer;
	struct pst_bytes message; /* COSE_Sign1, to be verified */
	struct pst_bytes tbs;	  /* what EVP signs */
	EVP_PKEY *pkey;
	const EVP_MD *md;
	uint8_t sig[160];
	size_t sig_len;
	uint8_t buf[1024], tbs_buf[1024];
};

static const struct pst_bytes none = { NULL, 0 };

static struct pst_cose_sign_args
args_of(const struct suite *s)
{
	return (struct pst_cose_sign_args){
		.payload = sample()->encoded[SAMPLE_QUERY_REQUEST],
		.signers = s->signer,
		.count = 1
	};
}

static void
sign1(void *ctx)
{
	struct suite *s = ctx;
	struct pst_cose_sign_args args = args_of(s);
	struct pst_cbor_writer w;
	uint8_t out[512];

	pst_cbor_writer_init(&w, out, sizeof(out));
	bench_must(
	    pst_cose_sign1(&w, sample()->crypto, &args) == PST_OK, "signing");
}

static void
verify1(void *ctx)
{
	struct suite *s = ctx;
	struct pst_cose_message msg;
	struct pst_verified v;

	bench_must(
	    pst_cose_parse(s->message, PST_TAG_SIGN1, &msg, NULL) == PST_OK &&
		pst_cose_verify(
		    &msg, sample()->crypto, &sample_keys, none, &v) == PST_OK,
	    "verifying");
}

static void
evp_sign(void *ctx)
{
	struct suite *s = ctx;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[160];
	size_t len = sizeof(sig);

	bench_must(c != NULL &&
		EVP_DigestSignInit(c, NULL, s->md, NULL, s->pkey) == 1 &&
		EVP_DigestSign(c, sig, &len, s->tbs.ptr, s->tbs.len) == 1,
	    "EVP_DigestSign");
	EVP_MD_CTX_free(c);
}

static void
evp_verify(void *ctx)
{
	struct suite *s = ctx;
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	bench_must(c != NULL &&
		EVP_DigestVerifyInit(c, NULL, s->md, NULL, s->pkey) == 1 &&
		EVP_DigestVerify(
		    c, s->sig, s->sig_len, s->tbs.ptr, s->tbs.len) == 1,
	    "EVP_DigestVerify");
	EVP_MD_CTX_free(c);
}

/* Sig_structure, so that both sides hash the same number of bytes. */
static void
make_tbs(struct suite *s)
{
	uint8_t protected[8];
	struct pst_cbor_writer w;
	size_t len;

	pst_cbor_writer_init(&w, protected, sizeof(protected));
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, PST_COSE_ALG);
	pst_cbor_put_int(&w, s->signer->alg);
	len = w.len;
	pst_cbor_writer_init(&w, s->tbs_buf, sizeof(s->tbs_buf));
	pst_cbor_put_array(&w, 4);
	pst_cbor_put_tstr(&w, PST_BYTES_LIT("Signature1"));
	pst_cbor_put_bstr(&w, (struct pst_bytes){ protected, len });
	pst_cbor_put_bstr(&w, none);
	pst_cbor_put_bstr(&w, sample()->encoded[SAMPLE_QUERY_REQUEST]);
	s->tbs = pst_cbor_written(&w);
}

static void
set_up(struct suite *s, const struct pst_signer *signer, EVP_PKEY *pkey,
    const EVP_MD *md)
{
	struct pst_cose_sign_args args;
	struct pst_cbor_writer w;
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(s, 0, sizeof(*s));
	s->signer = signer;
	s->pkey = pkey;
	s->md = md;
	make_tbs(s);
	args = args_of(s);
	pst_cbor_writer_init(&w, s->buf, sizeof(s->buf));
	bench_must(
	    pst_cose_sign1(&w, sample()->crypto, &args) == PST_OK, "signing");
	s->message = pst_cbor_written(&w);
	s->sig_len = sizeof(s->sig);
	bench_must(c != NULL && pkey != NULL &&
		EVP_DigestSignInit(c, NULL, md, NULL, pkey) == 1 &&
		EVP_DigestSign(
		    c, s->sig, &s->sig_len, s->tbs.ptr, s->tbs.len) == 1,
	    "EVP_DigestSign");
	EVP_MD_CTX_free(c);
}

static void
measure(struct suite *s, const char *sign_name, const char *verify_name)
{
	struct bench_case sign = { sign_name, sign1, s,
		"EVP_DigestSign, fresh context", evp_sign, s };
	struct bench_case verify = { verify_name, verify1, s,
		"EVP_DigestVerify, fresh context", evp_verify, s };

	bench_rate(&sign);
	bench_rate(&verify);
}

void
bench_cose(void)
{
	static struct suite s;

	set_up(&s, &sample()->esp256, EVP_EC_gen("P-256"), EVP_sha256());
	measure(&s, "sign1_sign_esp256", "sign1_verify_esp256");
	EVP_PKEY_free(s.pkey);
	set_up(&s, &sample()->ed25519, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
	    NULL);
	measure(&s, "sign1_sign_ed25519", "sign1_verify_ed25519");
	EVP_PKEY_free(s.pkey);
}
