#include <tam/node/keys.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static enum pst_err
say(char *note, enum pst_err err, const char *path, const char *what)
{
	if (note != NULL)
		(void)snprintf(
		    note, PST_TAM_NOTE_MAX, "%.120s: %.60s", path, what);
	return err;
}

static bool
join(char out[PATH_BYTES], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_BYTES, "%s/%s", dir, name);

	return n > 0 && n < PATH_BYTES;
}

/* --- folders ----------------------------------------------------------- */

static enum pst_err
make_folder(const char *path, char *note)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return PST_OK;
	return say(note, PST_ERR_IO, path, strerror(errno));
}

/* The folder and what is missing above it, for its owner only. */
static enum pst_err
make_folders(const char *dir, char *note)
{
	char path[PATH_BYTES];
	enum pst_err err;
	size_t i, len = strlen(dir);

	if (len == 0 || len >= sizeof(path))
		return say(note, PST_ERR_ARG, dir, "not a usable path");
	memcpy(path, dir, len + 1);
	for (i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		err = make_folder(path, note);
		if (err != PST_OK)
			return err;
		path[i] = i < len ? '/' : '\0';
	}
	return PST_OK;
}

/* --- pairs of keys ------------------------------------------------------ */

/* A key that others can read is one that they may have copied. */
static enum pst_err
read_private(const char *path, struct pst_key *out, char *note)
{
	const char *why = NULL;
	enum pst_err err;

	if (pst_key_file_exposed(path))
		return say(note, PST_ERR_IO, path,
		    "others can read this private key; chmod 600");
	err = pst_key_read(path, out, &why);
	if (err == PST_ERR_IO)
		return say(note, err, path, strerror(errno));
	if (err != PST_OK)
		return say(note, err, path, why != NULL ? why : "no key");
	if (out->secret_len == 0 || pst_key_published(out)) {
		pst_key_wipe(out);
		return say(note, PST_ERR_COSE_KEY_FORMAT, path,
		    "not a private key of our own");
	}
	return PST_OK;
}

static enum pst_err
read_or_make(const char *path, int32_t alg, enum pst_key_format format,
    struct pst_key *out, char *note)
{
	enum pst_err err;

	if (access(path, F_OK) == 0)
		return read_private(path, out, note);
	err = pst_key_generate(alg, out);
	if (err == PST_OK)
		err = pst_key_write(path, out, format, true);
	if (err == PST_OK)
		return PST_OK;
	pst_key_wipe(out);
	return say(note, err, path,
	    err == PST_ERR_IO ? strerror(errno) : pst_err_name(err));
}

/* The public key is for people and devices; it is written once, and must be
 * that of the private one. */
static enum pst_err
publish(const char *path, const struct pst_key *key, char *note)
{
	struct pst_key there;
	enum pst_err err;

	err = pst_key_write(path, key, PST_KEY_PEM, false);
	if (err != PST_ERR_STATE)
		return err == PST_OK ? PST_OK
				     : say(note, err, path, strerror(errno));
	err = pst_key_read(path, &there, NULL);
	if (err != PST_OK)
		return say(note, err, path, pst_err_name(err));
	if (!pst_pubkey_equal(&there.pub, &key->pub))
		err = say(note, PST_ERR_STATE, path,
		    "is not the public key of keys/");
	pst_key_wipe(&there);
	return err;
}

static enum pst_err
key_pair(const char *dir, const char *name, int32_t alg, struct pst_key *out,
    char *note)
{
	char path[PATH_BYTES], file[64];
	enum pst_err err;

	(void)snprintf(file, sizeof(file), "keys/%s.pem", name);
	if (!join(path, dir, file))
		return PST_ERR_ARG;
	err = read_or_make(path, alg, PST_KEY_PEM, out, note);
	if (err != PST_OK)
		return err;
	if (pst_key_default_alg(out) != alg)
		return say(
		    note, PST_ERR_COSE_ALG, path, "a key of another algorithm");
	(void)snprintf(file, sizeof(file), "%s.pub.pem", name);
	if (!join(path, dir, file))
		return PST_ERR_ARG;
	return publish(path, out, note);
}

/* The encryption key was for SUIT Reports alone once, and named so. Devices
 * have it, so it stays the key that it is. */
static enum pst_err
take_former_name(const char *dir, const char *was, const char *is, char *note)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	if (!join(from, dir, was) || !join(to, dir, is))
		return PST_ERR_ARG;
	if (access(to, F_OK) == 0 || access(from, F_OK) != 0)
		return PST_OK;
	if (rename(from, to) != 0)
		return say(note, PST_ERR_IO, from, strerror(errno));
	return PST_OK;
}

/* --- challenge keys ---------------------------------------------------- */

/* challenge-<id>-<created>.cose; nothing else is one of ours. */
static bool
parse_name(const char *name, unsigned *id, uint64_t *created_s)
{
	char again[64];

	if (sscanf(name, "challenge-%u-%" SCNu64 ".cose", id, created_s) != 2)
		return false;
	(void)snprintf(again, sizeof(again), "challenge-%u-%" PRIu64 ".cose",
	    *id, *created_s);
	return *id <= UINT8_MAX && strcmp(again, name) == 0;
}

static bool
challenge_path(
    char out[PATH_BYTES], const char *dir, unsigned id, uint64_t created_s)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "keys/challenge-%u-%" PRIu64 ".cose",
	    id, created_s);
	return join(out, dir, name);
}

/* Keep the newest, in order of age. The one that falls out is wiped. */
static void
insert(struct pst_tam_keys *k, struct pst_tam_challenge_key *new)
{
	size_t i = 0, n = k->challenge_count;

	while (i < n && k->challenge[i].created_s < new->created_s)
		i++;
	if (n == PST_TAM_MAC_KEYS_MAX && i == 0) {
		pst_key_wipe(&new->key);
		return;
	}
	if (n == PST_TAM_MAC_KEYS_MAX) {
		pst_key_wipe(&k->challenge[0].key);
		memmove(&k->challenge[0], &k->challenge[1],
		    (--i) * sizeof(k->challenge[0]));
	} else {
		memmove(&k->challenge[i + 1], &k->challenge[i],
		    (n - i) * sizeof(k->challenge[0]));
		k->challenge_count++;
	}
	k->challenge[i] = *new;
	pst_wipe(new, sizeof(*new));
}

static enum pst_err
load_challenge(
    struct pst_tam_keys *k, const char *name, size_t *count, char *note)
{
	struct pst_tam_challenge_key new;
	char path[PATH_BYTES];
	unsigned id;
	enum pst_err err;

	memset(&new, 0, sizeof(new));
	if (!parse_name(name, &id, &new.created_s))
		return PST_OK;
	if (++*count > PST_TAM_CHALLENGE_FILES_MAX)
		return say(note, PST_ERR_LIMIT, k->dir,
		    "too many challenge keys in keys/");
	if (!challenge_path(path, k->dir, id, new.created_s))
		return PST_ERR_ARG;
	new.id = (uint8_t)id;
	err = read_private(path, &new.key, note);
	if (err == PST_OK)
		insert(k, &new);
	return err;
}

static enum pst_err
load_challenges(struct pst_tam_keys *k, char *note)
{
	char path[PATH_BYTES];
	enum pst_err err = PST_OK;
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	if (!join(path, k->dir, "keys"))
		return PST_ERR_ARG;
	dir = opendir(path);
	if (dir == NULL)
		return say(note, PST_ERR_IO, path, strerror(errno));
	while (err == PST_OK && (entry = readdir(dir)) != NULL)
		err = load_challenge(k, entry->d_name, &n, note);
	(void)closedir(dir);
	return err;
}

/* What came before the last but one can verify nothing that is in time. */
static void
remove_old(struct pst_tam_keys *k)
{
	char path[PATH_BYTES];
	struct pst_tam_challenge_key *old = &k->challenge[0];

	while (k->challenge_count > 2) {
		if (challenge_path(path, k->dir, old->id, old->created_s))
			(void)unlink(path);
		pst_key_wipe(&old->key);
		k->challenge_count--;
		memmove(&k->challenge[0], &k->challenge[1],
		    k->challenge_count * sizeof(k->challenge[0]));
	}
}

bool
pst_tam_keys_due(const struct pst_tam_keys *k, uint64_t now_s)
{
	if (k->challenge_count == 0)
		return true;
	return now_s >=
	    k->challenge[k->challenge_count - 1].created_s + PST_TAM_ROTATE_S;
}

enum pst_err
pst_tam_keys_rotate(struct pst_tam_keys *k, uint64_t now_s)
{
	struct pst_tam_challenge_key new;
	char path[PATH_BYTES];
	enum pst_err err;

	memset(&new, 0, sizeof(new));
	new.created_s = now_s;
	if (k->challenge_count > 0)
		new.id = (uint8_t)(k->challenge[k->challenge_count - 1].id + 1);
	if (!challenge_path(path, k->dir, new.id, now_s))
		return PST_ERR_ARG;
	err = pst_key_generate(PST_ALG_HMAC_256, &new.key);
	if (err == PST_OK)
		err = pst_key_write(path, &new.key, PST_KEY_COSE, true);
	if (err != PST_OK) {
		pst_key_wipe(&new.key);
		return err;
	}
	insert(k, &new);
	remove_old(k);
	return PST_OK;
}

/* --- all of them ------------------------------------------------------- */

static enum pst_err
open_all(struct pst_tam_keys *k, uint64_t now_s, char *note)
{
	char path[PATH_BYTES];
	enum pst_err err;

	err = make_folders(k->dir, note);
	if (err == PST_OK && !join(path, k->dir, "keys"))
		err = PST_ERR_ARG;
	if (err == PST_OK)
		err = make_folder(path, note);
	if (err == PST_OK)
		err = key_pair(
		    k->dir, "tam-esp256", PST_ALG_ESP256, &k->esp256, note);
	if (err == PST_OK)
		err = key_pair(
		    k->dir, "tam-ed25519", PST_ALG_ED25519, &k->ed25519, note);
	if (err == PST_OK)
		err = take_former_name(k->dir, "keys/tam-report.pem",
		    "keys/tam-encryption.pem", note);
	if (err == PST_OK)
		err = take_former_name(k->dir, "tam-report.pub.pem",
		    "tam-encryption.pub.pem", note);
	/* A key on P-256 agrees and signs; this one never signs. */
	if (err == PST_OK)
		err = key_pair(k->dir, "tam-encryption", PST_ALG_ESP256,
		    &k->encryption, note);
	if (err == PST_OK)
		err = key_pair(
		    k->dir, "tam-verifier", PST_ALG_ESP256, &k->verifier, note);
	if (err == PST_OK)
		err = load_challenges(k, note);
	if (err == PST_OK && k->challenge_count == 0)
		err = pst_tam_keys_rotate(k, now_s);
	return err;
}

enum pst_err
pst_tam_keys_open(const char *dir, uint64_t now_s, struct pst_tam_keys *out,
    char note[PST_TAM_NOTE_MAX])
{
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	if (note != NULL)
		note[0] = '\0';
	out->dir = strdup(dir);
	if (out->dir == NULL)
		return PST_ERR_LIMIT;
	err = open_all(out, now_s, note);
	if (err == PST_OK)
		return PST_OK;
	if (note != NULL && note[0] == '\0')
		(void)say(note, err, dir, pst_err_name(err));
	pst_tam_keys_close(out);
	return err;
}

void
pst_tam_keys_close(struct pst_tam_keys *k)
{
	free(k->dir);
	pst_wipe(k, sizeof(*k));
}
