/*
 * Key files: what they are is told by their content. One format each in
 * keypem.c, keycose.c and keyjwk.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

void
pst_key_wipe(struct pst_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

static bool
begins_with(struct pst_bytes in, const char *text)
{
	size_t n = strlen(text);

	return in.len >= n && memcmp(in.ptr, text, n) == 0;
}

static bool
contains(struct pst_bytes in, const char *text)
{
	return in.len > 0 && memmem(in.ptr, in.len, text, strlen(text)) != NULL;
}

/* The first byte that is no white space; 0 when there is none. */
static uint8_t
first_visible(struct pst_bytes in)
{
	size_t i;

	for (i = 0; i < in.len; i++) {
		if (in.ptr[i] != ' ' && (in.ptr[i] < '\t' || in.ptr[i] > '\r'))
			return in.ptr[i];
	}
	return 0;
}

/* A private part that is not the public part's is a trap: refuse it when the
 * file is read, not when the first signature fails somewhere else. */
static enum pst_err
check_pair(const struct pst_key *key, const char **why)
{
	EVP_PKEY *pkey;

	/* Of HSS-LMS the core has checked all that can be. */
	if (key->pub.kty == PST_KTY_SYMMETRIC ||
	    key->pub.kty == PST_KTY_HSS_LMS)
		return PST_OK;
	pkey = key->secret_len > 0 ? pst_pkey_private(key)
				   : pst_pkey_public(&key->pub);
	EVP_PKEY_free(pkey);
	if (pkey != NULL)
		return PST_OK;
	*why = key->secret_len > 0
	    ? "the private part does not belong to the public one"
	    : "the public key is no point of its curve";
	return PST_ERR_COSE_KEY_FORMAT;
}

static enum pst_err
parse_any(struct pst_bytes in, struct pst_key *out, const char **why)
{
	/* A PEM file may begin with comments, but not with CBOR. */
	if (begins_with(in, "-----BEGIN") || contains(in, "\n-----BEGIN"))
		return pst_key_from_pem(in, out, why);
	if (first_visible(in) == '{')
		return pst_key_from_jwk(in, out, why);
	if (in.len > 0 && in.ptr[0] >> 5 == PST_CBOR_MAP)
		return pst_key_from_cose(in, out, why);
	*why = in.len == 0 ? "the file is empty"
			   : "neither PEM nor COSE_Key nor JWK";
	return PST_ERR_COSE_KEY_FORMAT;
}

enum pst_err
pst_key_parse(struct pst_bytes in, struct pst_key *out, const char **why)
{
	const char *unused;
	enum pst_err err;

	if (why == NULL)
		why = &unused;
	*why = "the key is damaged";
	memset(out, 0, sizeof(*out));
	err = parse_any(in, out, why);
	if (err == PST_OK && out->pub.y_sign != 0) {
		*why = "the public key is no point of its curve";
		err = pst_port_expand(NULL, &out->pub);
	}
	if (err == PST_OK)
		err = check_pair(out, why);
	if (err != PST_OK)
		pst_key_wipe(out);
	ERR_clear_error();
	return err;
}

/* The whole of an open file into buf, of at most cap bytes. */
static bool
read_all(int fd, uint8_t *buf, size_t cap, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len < cap) {
		n = read(fd, buf + *len, cap - *len);
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		*len += (size_t)n;
	}
	return true;
}

enum pst_err
pst_file_read(
    const char *path, size_t max, uint8_t **out, size_t *len, const char **why)
{
	uint8_t *buf = malloc(max + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = buf != NULL && fd >= 0 && read_all(fd, buf, max + 1, len);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	if (ok && *len <= max) {
		*out = buf;
		return PST_OK;
	}
	if (buf != NULL)
		OPENSSL_cleanse(buf, max + 1);
	free(buf);
	*out = NULL;
	errno = saved;
	*why = ok ? "the file is too long" : strerror(saved);
	return ok ? PST_ERR_LIMIT : PST_ERR_IO;
}

enum pst_err
pst_key_read(const char *path, struct pst_key *out, const char **why)
{
	const char *unused;
	uint8_t *data;
	size_t len = 0;
	enum pst_err err;

	if (why == NULL)
		why = &unused;
	memset(out, 0, sizeof(*out));
	err = pst_file_read(path, PST_KEY_FILE_MAX, &data, &len, why);
	if (err != PST_OK)
		return err;
	err = pst_key_parse((struct pst_bytes){ data, len }, out, why);
	OPENSSL_cleanse(data, len);
	free(data);
	return err;
}

bool
pst_key_file_exposed(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0;
}

enum pst_err
pst_key_encode(const struct pst_key *key, enum pst_key_format format,
    bool secret, uint8_t *out, size_t cap, size_t *len)
{
	enum pst_err err = PST_ERR_ARG;

	*len = 0;
	if (secret ? key->secret_len == 0 : key->pub.kty == PST_KTY_SYMMETRIC)
		return PST_ERR_ARG;
	switch (format) {
	case PST_KEY_PEM:
		err = pst_key_to_pem(key, secret, out, cap, len);
		break;
	case PST_KEY_COSE:
		err = pst_key_to_cose(key, secret, out, cap, len);
		break;
	case PST_KEY_JWK:
		err = pst_key_to_jwk(key, secret, out, cap, len);
		break;
	}
	if (err != PST_OK) {
		OPENSSL_cleanse(out, cap);
		*len = 0;
	}
	return err;
}

static bool
write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static enum pst_err
write_new(const char *path, mode_t mode, const uint8_t *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int saved;
	bool ok;

	if (fd < 0)
		return errno == EEXIST ? PST_ERR_STATE : PST_ERR_IO;
	/* The umask may take away from 0644, nothing adds to 0600. */
	ok = write_all(fd, data, len);
	saved = errno;
	ok = close(fd) == 0 && ok;
	if (ok)
		return PST_OK;
	(void)unlink(path);
	errno = saved;
	return PST_ERR_IO;
}

enum pst_err
pst_key_write(const char *path, const struct pst_key *key,
    enum pst_key_format format, bool secret)
{
	uint8_t data[PST_KEY_ENCODED_MAX];
	size_t len;
	enum pst_err err;

	err = pst_key_encode(key, format, secret, data, sizeof(data), &len);
	if (err == PST_OK)
		err = write_new(path, secret ? 0600 : 0644, data, len);
	OPENSSL_cleanse(data, sizeof(data));
	return err;
}

static EVP_PKEY *
generate_pair(int32_t alg)
{
	switch (alg) {
	case PST_ALG_ES256:
	case PST_ALG_ESP256:
	case PST_ALG_ECDH_ES_A128KW:
		return EVP_EC_gen("P-256");
	case PST_ALG_ES384:
		return EVP_EC_gen("P-384");
	case PST_ALG_ES512:
		return EVP_EC_gen("P-521");
	case PST_ALG_EDDSA:
	case PST_ALG_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return NULL;
	}
}

static size_t
secret_key_len(int32_t alg)
{
	switch (alg) {
	case PST_ALG_A128KW:
		return 16;
	case PST_ALG_A192KW:
		return 24;
	case PST_ALG_A256KW:
		return 32;
	case PST_ALG_HMAC_256_64:
	case PST_ALG_HMAC_256:
		return 32;
	case PST_ALG_HMAC_384:
		return 48;
	case PST_ALG_HMAC_512:
		return 64;
	default:
		return 0;
	}
}

static bool
for_encryption(int32_t alg)
{
	return alg == PST_ALG_A128KW || alg == PST_ALG_A192KW ||
	    alg == PST_ALG_A256KW || alg == PST_ALG_ECDH_ES_A128KW;
}

enum pst_err
pst_key_generate(int32_t alg, struct pst_key *out)
{
	const char *why;
	EVP_PKEY *pkey;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	out->secret_len = secret_key_len(alg);
	if (out->secret_len > 0) {
		out->pub.kty = PST_KTY_SYMMETRIC;
		out->pub.alg = for_encryption(alg) ? alg : PST_ALG_NONE;
		if (RAND_priv_bytes(out->secret, (int)out->secret_len) == 1)
			return PST_OK;
		pst_key_wipe(out);
		return PST_ERR_CRYPTO;
	}
	pkey = generate_pair(alg);
	if (pkey == NULL)
		return PST_ERR_COSE_ALG;
	err = pst_pkey_export(pkey, true, out, &why);
	EVP_PKEY_free(pkey);
	out->pub.alg = for_encryption(alg) ? alg : PST_ALG_NONE;
	return err == PST_OK ? PST_OK : PST_ERR_CRYPTO;
}

/* RFC 9679, Section 4.4: {1: 4, -1: k} */
static enum pst_err
secret_thumbprint(const struct pst_key *key, uint8_t *out)
{
	uint8_t input[PST_SECRET_MAX + 8];
	struct pst_cbor_writer w;
	unsigned int len = 0;
	bool ok;

	pst_cbor_writer_init(&w, input, sizeof(input));
	pst_cbor_put_map(&w, 2);
	pst_cbor_put_int(&w, 1);
	pst_cbor_put_int(&w, PST_KTY_SYMMETRIC);
	pst_cbor_put_int(&w, -1);
	pst_cbor_put_bstr(
	    &w, (struct pst_bytes){ key->secret, key->secret_len });
	ok = w.err == PST_OK &&
	    EVP_Digest(input, w.len, out, &len, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(input, sizeof(input));
	return ok ? PST_OK : PST_ERR_CRYPTO;
}

static enum pst_err
one_digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	unsigned int got = 0;

	(void)ctx;
	if (alg != PST_ALG_SHA256 || n != 1 ||
	    EVP_Digest(
		parts[0].ptr, parts[0].len, out, &got, EVP_sha256(), NULL) != 1)
		return PST_ERR_CRYPTO;
	*len = got;
	return PST_OK;
}

enum pst_err
pst_key_thumbprint(const struct pst_key *key, uint8_t out[PST_THUMBPRINT_LEN])
{
	static const struct pst_crypto crypto = { .digest = one_digest,
		.expand = pst_port_expand };

	if (key->pub.kty == PST_KTY_SYMMETRIC)
		return secret_thumbprint(key, out);
	return pst_cose_thumbprint(&crypto, &key->pub, out);
}

int32_t
pst_key_default_alg(const struct pst_key *key)
{
	if (key->pub.alg != PST_ALG_NONE)
		return key->pub.alg;
	if (key->pub.kty == PST_KTY_SYMMETRIC)
		return PST_ALG_HMAC_256;
	if (key->pub.kty == PST_KTY_HSS_LMS)
		return PST_ALG_HSS_LMS;
	switch (key->pub.crv) {
	case PST_CRV_P256:
		return PST_ALG_ESP256;
	case PST_CRV_P384:
		return PST_ALG_ES384;
	case PST_CRV_P521:
		return PST_ALG_ES512;
	case PST_CRV_ED25519:
		return PST_ALG_ED25519;
	default:
		return PST_ALG_NONE;
	}
}

int32_t
pst_key_wrap_alg(const struct pst_key *key)
{
	static const struct {
		int32_t alg;
		size_t len;
	} rows[] = {
		{ PST_ALG_A128KW, 16 },
		{ PST_ALG_A192KW, 24 },
		{ PST_ALG_A256KW, 32 },
	};
	size_t i;

	if (key->pub.kty != PST_KTY_SYMMETRIC)
		return PST_ALG_NONE;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (key->secret_len == rows[i].len &&
		    (key->pub.alg == PST_ALG_NONE ||
			key->pub.alg == rows[i].alg))
			return rows[i].alg;
	}
	return PST_ALG_NONE;
}

/* Names of the IANA COSE Algorithms registry; JOSE calls HMAC otherwise. */
static const struct {
	int32_t alg;
	const char *name;
} algorithms[] = {
	{ PST_ALG_ESP256, "ESP256" },
	{ PST_ALG_ES256, "ES256" },
	{ PST_ALG_ES384, "ES384" },
	{ PST_ALG_ES512, "ES512" },
	{ PST_ALG_ED25519, "Ed25519" },
	{ PST_ALG_EDDSA, "EdDSA" },
	{ PST_ALG_HSS_LMS, "HSS-LMS" },
	{ PST_ALG_A128KW, "A128KW" },
	{ PST_ALG_A192KW, "A192KW" },
	{ PST_ALG_A256KW, "A256KW" },
	{ PST_ALG_A128GCM, "A128GCM" },
	{ PST_ALG_A192GCM, "A192GCM" },
	{ PST_ALG_A256GCM, "A256GCM" },
	{ PST_ALG_CHACHA_POLY, "ChaCha20/Poly1305" },
	{ PST_ALG_CHACHA_POLY, "chacha20-poly1305" },
	{ PST_ALG_A128CTR, "A128CTR" },
	{ PST_ALG_A192CTR, "A192CTR" },
	{ PST_ALG_A256CTR, "A256CTR" },
	{ PST_ALG_ECDH_ES_A128KW, "ECDH-ES+A128KW" },
	{ PST_ALG_HMAC_256, "HS256" },
	{ PST_ALG_HMAC_384, "HS384" },
	{ PST_ALG_HMAC_512, "HS512" },
};

int32_t
pst_alg_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcasecmp(name, algorithms[i].name) == 0)
			return algorithms[i].alg;
	}
	return PST_ALG_NONE;
}

const char *
pst_alg_name(int32_t alg)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].alg == alg)
			return algorithms[i].name;
	}
	return NULL;
}
