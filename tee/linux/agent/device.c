#include "device.h"

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct work {
	struct pst_device *d;
	const char *dir;
	char *why;
	size_t why_cap;
};

static enum pst_err
failed(const struct work *w, enum pst_err err, const char *what,
    const char *reason)
{
	snprintf(w->why, w->why_cap, "%s/%s: %s", w->dir, what,
	    reason != NULL	    ? reason
		: err == PST_ERR_IO ? strerror(errno)
				    : pst_err_name(err));
	return err;
}

/* --- keys ---------------------------------------------------------------- */

static enum pst_err
generate(const char *path, int32_t alg)
{
	struct pst_key key;
	enum pst_err err;

	err = pst_key_generate(alg, &key);
	if (err == PST_OK)
		err = pst_key_write(path, &key, PST_KEY_PEM, true);
	pst_key_wipe(&key);
	return err;
}

/* Written anew each time: it is always this key's. */
enum pst_err
pst_device_publish(
    const char *folder, const char *name, const struct pst_pubkey *pub)
{
	struct pst_key key = { .pub = *pub };
	uint8_t pem[PST_KEY_ENCODED_MAX];
	struct pst_bytes part = { pem, 0 };
	enum pst_err err;
	int dir;

	err = pst_key_encode(
	    &key, PST_KEY_PEM, false, pem, sizeof(pem), &part.len);
	if (err != PST_OK)
		return err;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return PST_ERR_IO;
	err = pst_posix_replace(dir, name, 0644, &part, 1);
	close(dir);
	return err;
}

static enum pst_err
take_key(const struct work *w, const char *name, int32_t alg,
    struct pst_signer *signer, struct pst_pubkey *pub)
{
	char path[PATH_MAX];
	const char *why = NULL;
	uint32_t number = 0;
	enum pst_err err;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	if (access(path, F_OK) != 0) {
		err = generate(path, alg);
		if (err != PST_OK)
			return failed(w, err, name, NULL);
	}
	if (pst_key_file_exposed(path))
		return failed(
		    w, PST_ERR_STATE, name, "others can read this key");
	err = pst_openssl_add_file(w->d->openssl, path, &number, pub, &why);
	if (err == PST_OK)
		err = pst_openssl_signer(w->d->openssl, number, 0, signer);
	if (err != PST_OK)
		return failed(w, err, name, why);
	if (pst_pubkey_published(pub))
		return failed(w, PST_ERR_STATE, name,
		    "the private part of this key was published");
	return PST_OK;
}

static bool
in_suites(int32_t alg, uint32_t suites)
{
	return (alg == PST_ALG_ESP256 && (suites & PST_SUITE_ESP256) != 0) ||
	    (alg == PST_ALG_ED25519 && (suites & PST_SUITE_ED25519) != 0);
}

static enum pst_err
take_keys(const struct work *w, const struct pst_config *c)
{
	struct pst_device *d = w->d;
	char keys[PATH_MAX];
	enum pst_err err;

	snprintf(keys, sizeof(keys), "%s/keys", w->dir);
	if (mkdir(keys, 0700) != 0 && errno != EEXIST)
		return failed(w, PST_ERR_IO, "keys", NULL);
	err = take_key(w, "keys/teep.pem", c->first_suite, &d->key, &d->pub);
	if (err != PST_OK)
		return err;
	if (!in_suites(d->key.alg, c->suites))
		return failed(w, PST_ERR_ARG, "keys/teep.pem",
		    "the key is of no suite in the configuration");
	err = take_key(w, "keys/attestation.pem", PST_ALG_ESP256,
	    &d->attestation, &d->attestation_pub);
	if (err != PST_OK)
		return err;
	err = take_key(
	    w, "keys/report.pem", c->first_suite, &d->report, &d->report_pub);
	if (err != PST_OK)
		return err;
	if (pst_pubkey_equal(&d->report_pub, &d->pub))
		return failed(w, PST_ERR_STATE, "keys/report.pem",
		    "a key of its own is needed to sign reports");
	err = pst_device_publish(w->dir, "agent.pub.pem", &d->pub);
	if (err != PST_OK)
		return failed(w, err, "agent.pub.pem", NULL);
	err = pst_device_publish(
	    w->dir, "attestation.pub.pem", &d->attestation_pub);
	return err == PST_OK ? PST_OK
			     : failed(w, err, "attestation.pub.pem", NULL);
}

/* --- keys of others, and for encryption ---------------------------------- */

/* Into the port, which keeps it; the copy is gone. */
static enum pst_err
take_secret(struct pst_device *d, struct pst_key *key, uint32_t *number)
{
	enum pst_err err = pst_openssl_add(d->openssl, key, number);

	pst_key_wipe(key);
	return err;
}

static enum pst_err
take_signer_secrets(const struct work *w, struct pst_config *c)
{
	size_t i;
	enum pst_err err = PST_OK;

	for (i = 0; i < c->signer_count && err == PST_OK; i++) {
		if (c->signers[i].key.kty == PST_KTY_SYMMETRIC)
			err = take_secret(
			    w->d, &c->signer_secrets[i], &c->signers[i].secret);
	}
	return err == PST_OK ? PST_OK : failed(w, err, "signers", NULL);
}

static bool
same_secret(const struct pst_key *a, const struct pst_key *b)
{
	return pst_equal((struct pst_bytes){ a->secret, a->secret_len },
	    (struct pst_bytes){ b->secret, b->secret_len });
}

/* One use of a key could be made to serve the other. */
static bool
signs(const struct pst_device *d, const struct pst_config *c,
    const struct pst_key *key)
{
	bool symmetric = key->pub.kty == PST_KTY_SYMMETRIC;
	size_t i;

	if (!symmetric &&
	    (pst_pubkey_equal(&key->pub, &d->pub) ||
		pst_pubkey_equal(&key->pub, &d->attestation_pub) ||
		pst_pubkey_equal(&key->pub, &d->report_pub)))
		return true;
	for (i = 0; i < c->signer_count; i++) {
		if (symmetric ? same_secret(key, &c->signer_secrets[i])
			      : pst_pubkey_equal(&key->pub, &c->signers[i].key))
			return true;
	}
	return false;
}

static enum pst_err
take_decryption(
    struct pst_device *d, const struct pst_config *c, struct pst_key *key)
{
	struct pst_agent_secret *s = &d->secrets[d->secret_count];
	uint8_t *kid = d->kids[d->secret_count];
	enum pst_err err;

	if (signs(d, c, key))
		return PST_ERR_STATE;
	if (key->pub.kty == PST_KTY_EC2)
		s->pub = key->pub;
	else
		s->wrap = pst_key_wrap_alg(key);
	err = pst_key_thumbprint(key, s->kid);
	memcpy(kid, key->kid, key->kid_len);
	s->other_kid = (struct pst_bytes){ kid, key->kid_len };
	if (err == PST_OK)
		err = take_secret(d, key, &s->key);
	if (err == PST_OK)
		d->secret_count++;
	return err;
}

/* The device's own key, made at the first start, and what is configured. */
static enum pst_err
take_encryption(const struct work *w, struct pst_config *c)
{
	static const char name[] = "keys/encryption.pem";
	struct pst_device *d = w->d;
	struct pst_agent_secret *own = &d->secrets[0];
	struct pst_key key = { .secret_len = 0 };
	struct pst_signer named;
	size_t i;
	enum pst_err err;

	err = take_key(w, name, PST_ALG_ESP256, &named, &own->pub);
	if (err != PST_OK)
		return err;
	if (own->pub.kty != PST_KTY_EC2)
		return failed(w, PST_ERR_ARG, name, "not an EC key");
	key.pub = own->pub;
	if (signs(d, c, &key))
		return failed(w, PST_ERR_STATE, name, "a key that signs");
	own->key = named.key;
	memcpy(own->kid, named.kid, sizeof(own->kid));
	d->secret_count = 1;
	for (i = 0; i < c->decryption_count; i++) {
		err = take_decryption(d, c, &c->decryption[i]);
		if (err != PST_OK)
			return failed(w, err, "decryption",
			    err == PST_ERR_STATE ? "a key that signs" : NULL);
	}
	err = pst_device_publish(w->dir, "encryption.pub.pem", &own->pub);
	return err == PST_OK ? PST_OK
			     : failed(w, err, "encryption.pub.pem", NULL);
}

/* --- identity ------------------------------------------------------------ */

/*
 * RFC 9711, Section 4.2.1: type RAND (0x01) and 32 random bytes; a thumbprint
 * of a random key is as good, and lives as long as the key.
 */
static enum pst_err
name_device(struct pst_device *d, const struct pst_config *c)
{
	if (c->ueid_len > 0) {
		memcpy(d->ueid, c->ueid, c->ueid_len);
		d->ueid_len = c->ueid_len;
		return PST_OK;
	}
	d->ueid[0] = 0x01;
	d->ueid_len = 33;
	return pst_cose_thumbprint(
	    pst_openssl_crypto(d->openssl), &d->attestation_pub, d->ueid + 1);
}

static enum pst_err
hash_file(const struct pst_crypto *crypto, int fd, uint32_t hash)
{
	uint8_t chunk[16384];
	enum pst_err err = PST_OK;
	ssize_t n;

	while (err == PST_OK && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0)
			return PST_ERR_IO;
		err = crypto->hash_update(
		    crypto->ctx, hash, (struct pst_bytes){ chunk, (size_t)n });
	}
	return err;
}

/* What runs here measures itself: it says what it is, it proves nothing. */
static enum pst_err
measure(struct pst_device *d)
{
	const struct pst_crypto *crypto = pst_openssl_crypto(d->openssl);
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;
	uint32_t hash;
	enum pst_err err, end;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return PST_ERR_IO;
	err = crypto->hash_begin(crypto->ctx, PST_ALG_SHA256, &hash);
	if (err == PST_OK) {
		err = hash_file(crypto, fd, hash);
		end = crypto->hash_end(crypto->ctx, hash, digest, &len);
		err = err != PST_OK ? err : end;
	}
	close(fd);
	if (err == PST_OK)
		memcpy(d->software, digest, sizeof(d->software));
	return err;
}

enum pst_err
pst_device_open(struct pst_device *d, const char *dir, struct pst_config *c,
    char *why, size_t why_cap)
{
	struct work w = { d, dir, why, why_cap };
	enum pst_err err;

	memset(d, 0, sizeof(*d));
	d->openssl = pst_openssl_new();
	if (d->openssl == NULL)
		return failed(&w, PST_ERR_CRYPTO, "keys", NULL);
	err = take_keys(&w, c);
	if (err == PST_OK)
		err = take_encryption(&w, c);
	if (err == PST_OK)
		err = take_signer_secrets(&w, c);
	if (err == PST_OK) {
		err = name_device(d, c);
		if (err == PST_OK)
			err = measure(d);
		if (err != PST_OK)
			(void)failed(&w, err, "", NULL);
	}
	if (err != PST_OK)
		pst_device_close(d);
	return err;
}

void
pst_device_close(struct pst_device *d)
{
	pst_openssl_free(&d->openssl);
}
