/*
 * Key files: what is read, what is refused and with which words.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/openssl/openssl.h"
#include "test.h"

static char dir[64];

static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool
same_key(const struct pst_key *a, const struct pst_key *b)
{
	if (a->secret_len != b->secret_len ||
	    memcmp(a->secret, b->secret, a->secret_len) != 0)
		return false;
	if (a->pub.kty == PST_KTY_SYMMETRIC)
		return b->pub.kty == PST_KTY_SYMMETRIC;
	return pst_pubkey_equal(&a->pub, &b->pub);
}

/* A truncated file is no key. */
static void
truncations(const struct pst_key *key, enum pst_key_format format)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key cut;
	size_t len, i;

	CHECK_EQ(
	    pst_key_encode(key, format, true, buf, sizeof(buf), &len), PST_OK);
	/* a PEM file may lack its last line feed */
	for (i = 0; i + 2 < len; i++) {
		CHECK(pst_key_parse((struct pst_bytes){ buf, i }, &cut, NULL) !=
		    PST_OK);
		CHECK(cut.secret_len == 0);
	}
}

static const int32_t algs[] = { PST_ALG_ESP256, PST_ALG_ES384, PST_ALG_ES512,
	PST_ALG_ED25519, PST_ALG_HMAC_256 };
enum { ALGS = sizeof(algs) / sizeof(algs[0]) };

static void
round_trip(const struct pst_key *key, enum pst_key_format format, bool secret)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key back, want = *key;
	size_t len;

	CHECK_EQ(pst_key_encode(key, format, secret, buf, sizeof(buf), &len),
	    PST_OK);
	CHECK_EQ(
	    pst_key_parse((struct pst_bytes){ buf, len }, &back, NULL), PST_OK);
	if (!secret)
		want.secret_len = 0;
	CHECK(same_key(&want, &back));
	CHECK_EQ(pst_key_encode(key, format, secret, buf, len - 1, &len),
	    PST_ERR_SPACE);
	CHECK_EQ(len, 0);
}

static void
every_format_goes_out_and_in(void)
{
	struct pst_key key;
	size_t i;
	int n;

	for (i = 0; i < ALGS; i++) {
		/* scalars with leading zeros come up by chance */
		for (n = 0; n < 12; n++) {
			bool oct = algs[i] == PST_ALG_HMAC_256;

			CHECK_EQ(pst_key_generate(algs[i], &key), PST_OK);
			round_trip(&key, PST_KEY_COSE, true);
			CHECK_CASE();
			round_trip(&key, PST_KEY_JWK, true);
			CHECK_CASE();
			if (n == 0) {
				truncations(&key, PST_KEY_COSE);
				CHECK_CASE();
				truncations(&key, PST_KEY_JWK);
				CHECK_CASE();
			}
			if (oct)
				continue;
			if (n == 0)
				truncations(&key, PST_KEY_PEM);
			CHECK_CASE();
			round_trip(&key, PST_KEY_PEM, true);
			CHECK_CASE();
			round_trip(&key, PST_KEY_PEM, false);
			CHECK_CASE();
			round_trip(&key, PST_KEY_COSE, false);
			CHECK_CASE();
			round_trip(&key, PST_KEY_JWK, false);
			CHECK_CASE();
		}
	}
}

static void
a_symmetric_key_has_no_public_part(void)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key key;
	size_t len;

	CHECK_EQ(pst_key_generate(PST_ALG_HMAC_256, &key), PST_OK);
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_JWK, false, buf, sizeof(buf), &len),
	    PST_ERR_ARG);
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_PEM, true, buf, sizeof(buf), &len),
	    PST_ERR_UNSUPPORTED);
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	key.secret_len = 0;
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_PEM, true, buf, sizeof(buf), &len),
	    PST_ERR_ARG);
	CHECK_EQ(pst_key_generate(PST_ALG_A128KW, &key), PST_OK);
	CHECK_EQ(key.secret_len, 16);
	CHECK_EQ(key.pub.alg, PST_ALG_A128KW);
	CHECK_EQ(pst_key_generate(PST_ALG_A128GCM, &key), PST_ERR_COSE_ALG);
}

static void
kid_and_alg_survive(void)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key key, back;
	size_t len;
	int format;

	CHECK_EQ(pst_key_generate(PST_ALG_ES256, &key), PST_OK);
	key.pub.alg = PST_ALG_ES256;
	memcpy(key.kid, "mine", 4);
	key.kid_len = 4;
	for (format = PST_KEY_COSE; format <= PST_KEY_JWK; format++) {
		CHECK_EQ(pst_key_encode(&key, (enum pst_key_format)format, true,
			     buf, sizeof(buf), &len),
		    PST_OK);
		CHECK_EQ(
		    pst_key_parse((struct pst_bytes){ buf, len }, &back, NULL),
		    PST_OK);
		CHECK_EQ(back.pub.alg, PST_ALG_ES256);
		CHECK(back.kid_len == 4 && memcmp(back.kid, "mine", 4) == 0);
	}
	/* bytes that are no text become base64url in a JWK */
	memcpy(key.kid, "\x00\xff\"\\", 4);
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_JWK, false, buf, sizeof(buf), &len),
	    PST_OK);
	CHECK_EQ(
	    pst_key_parse((struct pst_bytes){ buf, len }, &back, NULL), PST_OK);
	CHECK(back.kid_len == 6 && memcmp(back.kid, "AP8iXA", 6) == 0);
	/* 48 bytes are the most that can be read again in that form */
	memset(key.kid, 0xff, sizeof(key.kid));
	key.kid_len = 48;
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_JWK, false, buf, sizeof(buf), &len),
	    PST_OK);
	CHECK_EQ(
	    pst_key_parse((struct pst_bytes){ buf, len }, &back, NULL), PST_OK);
	key.kid_len = 49;
	CHECK_EQ(
	    pst_key_encode(&key, PST_KEY_JWK, false, buf, sizeof(buf), &len),
	    PST_ERR_SPACE);
}

static void
refused(
    const char *what, struct pst_bytes in, enum pst_err want, const char *words)
{
	const char *why = NULL;
	struct pst_key key;
	enum pst_err err = pst_key_parse(in, &key, &why);

	if (err != want || why == NULL || strstr(why, words) == NULL)
		printf("  %s: %d, %s\n", what, err, why ? why : "(null)");
	CHECK_EQ(err, want);
	CHECK(why != NULL && strstr(why, words) != NULL);
	CHECK(key.secret_len == 0 && key.pub.kty == 0);
}

#define B(s) PST_BYTES_LIT(s)
#define X32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
refusals_say_why(void)
{
	const struct {
		const char *name;
		struct pst_bytes in;
		enum pst_err want;
		const char *words;
	} rows[] = {
		{ "empty", { NULL, 0 }, PST_ERR_COSE_KEY_FORMAT, "empty" },
		{ "text", B("hello"), PST_ERR_COSE_KEY_FORMAT, "neither PEM" },
		{ "json", B("{"), PST_ERR_COSE_KEY_FORMAT, "JSON" },
		{ "twice", B("{\"kty\":\"oct\",\"kty\":\"oct\",\"k\":\"AA\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "JSON" },
		{ "set", B("{\"keys\":[]}"), PST_ERR_UNSUPPORTED, "set" },
		{ "rsa", B("{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}"),
		    PST_ERR_UNSUPPORTED, "type" },
		{ "crv", B("{\"kty\":\"EC\",\"crv\":\"secp256k1\"}"),
		    PST_ERR_UNSUPPORTED, "P-256" },
		{ "okp on ec", B("{\"kty\":\"OKP\",\"crv\":\"P-256\"}"),
		    PST_ERR_UNSUPPORTED, "P-256" },
		{ "no y",
		    B("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "missing" },
		{ "short x",
		    B("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "length" },
		{ "no point",
		    B("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32
		      "\",\"y\":\"" X32 "\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "point" },
		{ "padding", B("{\"kty\":\"oct\",\"k\":\"AAECAw==\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "k of" },
		{ "bits left", B("{\"kty\":\"oct\",\"k\":\"AAF\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "k of" },
		{ "empty k", B("{\"kty\":\"oct\",\"k\":\"\"}"),
		    PST_ERR_COSE_KEY_FORMAT, "k of" },
		{ "alg", B("{\"kty\":\"oct\",\"k\":\"AAEC\",\"alg\":\"A1\"}"),
		    PST_ERR_UNSUPPORTED, "alg" },
		{ "cose type", B("\xa1\x01\x03"), PST_ERR_UNSUPPORTED, "type" },
		{ "cose cut", B("\xa2\x01\x04"), PST_ERR_COSE_KEY_FORMAT,
		    "well-formed" },
		{ "cose no k", B("\xa1\x01\x04"), PST_ERR_COSE_KEY_FORMAT,
		    "member" },
		{ "pem of what", B("-----BEGIN DH PARAMETERS-----\n"),
		    PST_ERR_COSE_KEY_FORMAT, "PEM" },
		{ "certificate", B("-----BEGIN CERTIFICATE-----\n"),
		    PST_ERR_COSE_KEY_FORMAT, "certificate" },
		{ "damaged pem",
		    B("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC "
		      "KEY-----\n"),
		    PST_ERR_COSE_KEY_FORMAT, "damaged" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refused(rows[i].name, rows[i].in, rows[i].want, rows[i].words);
		CHECK_CASE();
	}
}

static struct pst_bytes
pem_of(EVP_PKEY *pkey, const EVP_CIPHER *cipher, uint8_t *buf, size_t cap)
{
	struct pst_bytes out = { buf, 0 };
	BIO *bio = BIO_new(BIO_s_mem());
	char pass[] = "secret";
	int n = -1;

	if (bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher,
		cipher != NULL ? pass : NULL, cipher != NULL ? 6 : 0, NULL,
		NULL) == 1)
		n = BIO_read(bio, buf, (int)cap);
	BIO_free(bio);
	out.len = n > 0 ? (size_t)n : 0;
	return out;
}

static void
encrypted_and_foreign_pem_is_refused(void)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	EVP_PKEY *k1 = EVP_EC_gen("secp256k1");
	uint8_t buf[4096];

	CHECK(ec != NULL && rsa != NULL && k1 != NULL);
	refused("encrypted", pem_of(ec, EVP_aes_256_cbc(), buf, sizeof(buf)),
	    PST_ERR_UNSUPPORTED, "pass phrase");
	CHECK_CASE();
	refused("RSA", pem_of(rsa, NULL, buf, sizeof(buf)), PST_ERR_UNSUPPORTED,
	    "neither P-256");
	CHECK_CASE();
	refused("secp256k1", pem_of(k1, NULL, buf, sizeof(buf)),
	    PST_ERR_UNSUPPORTED, "neither P-256");
	CHECK_CASE();
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(k1);
}

/* RFC 5915 keys as `openssl ecparam -genkey` writes them: parameters first */
static void
sec1_pem_is_read(void)
{
	EVP_PKEY *ec = EVP_EC_gen("P-384");
	uint8_t buf[2048] = "comment\n-----BEGIN EC PARAMETERS-----\n"
			    "BgUrgQQAIg==\n-----END EC PARAMETERS-----\n";
	size_t at = strlen((char *)buf);
	BIO *bio = BIO_new(BIO_s_mem());
	struct pst_key key;
	int n;

	CHECK(ec != NULL && bio != NULL);
	CHECK(PEM_write_bio_PrivateKey_traditional(
		  bio, ec, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_read(bio, buf + at, (int)(sizeof(buf) - at));
	CHECK(n > 0);
	CHECK(strstr((char *)buf, "BEGIN EC PRIVATE KEY") != NULL);
	CHECK_EQ(pst_key_parse(
		     (struct pst_bytes){ buf, at + (size_t)n }, &key, NULL),
	    PST_OK);
	CHECK(key.pub.crv == PST_CRV_P384 && key.secret_len == 48);
	BIO_free(bio);
	EVP_PKEY_free(ec);
}

static void
a_private_part_must_be_the_public_ones(void)
{
	uint8_t buf[PST_KEY_ENCODED_MAX];
	struct pst_key a, b;
	struct pst_bytes in = { buf, 0 };
	size_t i;

	for (i = 0; i < ALGS - 1; i++) {
		CHECK_EQ(pst_key_generate(algs[i], &a), PST_OK);
		CHECK_EQ(pst_key_generate(algs[i], &b), PST_OK);
		memcpy(a.secret, b.secret, b.secret_len);
		CHECK_EQ(pst_key_encode(
			     &a, PST_KEY_COSE, true, buf, sizeof(buf), &in.len),
		    PST_OK);
		refused("mixed", in, PST_ERR_COSE_KEY_FORMAT, "belong");
		CHECK_CASE();
		CHECK_EQ(pst_key_encode(
			     &a, PST_KEY_PEM, true, buf, sizeof(buf), &in.len),
		    PST_ERR_COSE_KEY_FORMAT);
	}
}

static void
files_keep_their_mode_and_are_not_overwritten(void)
{
	const char *path = path_of("key.pem");
	struct pst_key key, back;
	const char *why = NULL;
	struct stat st;

	(void)umask(0);
	CHECK_EQ(pst_key_generate(PST_ALG_ED25519, &key), PST_OK);
	CHECK_EQ(pst_key_write(path, &key, PST_KEY_PEM, true), PST_OK);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(!pst_key_file_exposed(path));
	CHECK_EQ(pst_key_write(path, &key, PST_KEY_PEM, true), PST_ERR_STATE);
	CHECK_EQ(pst_key_read(path, &back, &why), PST_OK);
	CHECK(same_key(&key, &back));
	CHECK(chmod(path, 0640) == 0 && pst_key_file_exposed(path));
	CHECK(chmod(path, 0604) == 0 && pst_key_file_exposed(path));
	CHECK(chmod(path, 0400) == 0 && !pst_key_file_exposed(path));
	CHECK(unlink(path) == 0);
	CHECK_EQ(pst_key_read(path, &back, &why), PST_ERR_IO);
	CHECK(errno == ENOENT && back.secret_len == 0);
	CHECK_EQ(
	    pst_key_write(path_of("no/such/folder"), &key, PST_KEY_PEM, true),
	    PST_ERR_IO);
	CHECK_EQ(pst_key_read(dir, &back, &why), PST_ERR_IO);
	path = path_of("key.pub");
	CHECK_EQ(pst_key_write(path, &key, PST_KEY_PEM, false), PST_OK);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644);
	CHECK(unlink(path) == 0);
}

/* pitfall: every device shares one published demo key */
static void
published_keys_are_known(void)
{
	static const char name[] =
	    PST_SOURCE_DIR "/tests/vectors/cose/keys/test-p256.cose_key";
	struct pst_key key;
	const char *why = NULL;

	CHECK_EQ(pst_key_read(name, &key, &why), PST_OK);
	CHECK(pst_key_published(&key));
	CHECK(pst_pubkey_published(&key.pub));
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	CHECK(!pst_key_published(&key));
	/* RFC 8032, Section 7.1, test 1: by its public part */
	memset(&key, 0, sizeof(key));
	key.pub = (struct pst_pubkey){ .kty = PST_KTY_OKP,
		.crv = PST_CRV_ED25519,
		.coord_len = 32,
		.x = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5,
		    0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
		    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7,
		    0x07, 0x51, 0x1a } };
	CHECK(pst_key_published(&key));
}

/* each key of the vectors that has its private part is in the list */
static void
keys_of_the_published_vectors_are_known(void)
{
	static const char *const files[] = { "teep/keys/tam-ed25519.priv.pem",
		"teep/keys/tam-p256.priv.pem", "teep/keys/agent-p256.priv.pem",
		"suit/keys/suit-example-p256.priv.pem",
		"attest/eat/teep_verifier.priv.pem",
		"attest/eat/teep_attester.priv.pem",
		"attest/psa/rfc9783_es_iak.pem",
		"attest/psa/veraison_ec.p256.jwk" };
	char path[512];
	struct pst_key key;
	size_t i;

	if (access(PST_SHARED_DIR "/vectors", F_OK) != 0) {
		SKIP("keys_of_the_published_vectors_are_known", "no vectors");
		return;
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/vectors/%s",
		    PST_SHARED_DIR, files[i]);
		CHECK_EQ(pst_key_read(path, &key, NULL), PST_OK);
		if (!pst_key_published(&key))
			printf("  %s\n", files[i]);
		CHECK(pst_key_published(&key));
	}
}

static void
algorithms_have_names(void)
{
	CHECK_EQ(pst_alg_by_name("esp256"), PST_ALG_ESP256);
	CHECK_EQ(pst_alg_by_name("ES384"), PST_ALG_ES384);
	CHECK_EQ(pst_alg_by_name("Ed25519"), PST_ALG_ED25519);
	CHECK_EQ(pst_alg_by_name("md5"), PST_ALG_NONE);
	CHECK(strcmp(pst_alg_name(PST_ALG_EDDSA), "EdDSA") == 0);
	CHECK(pst_alg_name(12345) == NULL);
}

int
main(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test-keys-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	RUN(every_format_goes_out_and_in);
	RUN(a_symmetric_key_has_no_public_part);
	RUN(kid_and_alg_survive);
	RUN(refusals_say_why);
	RUN(encrypted_and_foreign_pem_is_refused);
	RUN(sec1_pem_is_read);
	RUN(a_private_part_must_be_the_public_ones);
	RUN(files_keep_their_mode_and_are_not_overwritten);
	RUN(published_keys_are_known);
	RUN(keys_of_the_published_vectors_are_known);
	RUN(algorithms_have_names);
	(void)rmdir(dir);
	TEST_END();
}
