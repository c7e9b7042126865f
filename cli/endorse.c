#include "endorse.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
cli_endorse(
    struct pst_endorsements *e, enum pst_endorsement_use use, const char *path)
{
	const char *why = "";
	struct cli_file f;
	enum pst_err err;
	int status;

	status = cli_read(path, CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	err = pst_endorsements_add(e, use, cli_bytes(&f), &why);
	cli_file_free(&f);
	if (err != PST_OK)
		return cli_fail("%s: %s", path, why);
	return CLI_DONE;
}

/* A file of a folder of anchors holds certificates, or a key. */
static int
add_anchor(
    struct pst_endorsements *e, struct cli_keyring *ring, const char *path)
{
	struct cli_file f;
	enum pst_err err;
	int status;

	status = cli_read(path, CLI_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	err = pst_endorsements_add(e, PST_ENDORSE_ANCHOR, cli_bytes(&f), NULL);
	cli_file_free(&f);
	if (err == PST_OK)
		return CLI_DONE;
	return cli_keyring_add(ring, path);
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int
cli_endorse_anchors(
    struct pst_endorsements *e, struct cli_keyring *ring, const char *folder)
{
	struct dirent **list = NULL;
	int status = CLI_DONE;
	int i, n = scandir(folder, &list, visible, alphasort);
	char path[4096];

	if (n < 0)
		return cli_fail("%s: %s", folder, strerror(errno));
	for (i = 0; i < n; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder,
			list[i]->d_name) >= sizeof(path))
			status = cli_fail("%s: name too long", folder);
		if (status == CLI_DONE)
			status = add_anchor(e, ring, path);
		free(list[i]);
	}
	free(list);
	return status;
}

int
cli_endorse_keys(const struct pst_endorsements *e, struct cli_keyring *ring)
{
	size_t n, over = pst_endorsements_passed_over(e);
	const struct pst_pubkey *key;

	for (n = 0; (key = pst_endorsements_key(e, n)) != NULL; n++) {
		struct cli_keyring_entry *entry;

		if (ring->count == CLI_KEYS_MAX)
			return cli_fail("more than %d keys", CLI_KEYS_MAX);
		entry = &ring->key[ring->count++];
		memset(entry, 0, sizeof(*entry));
		entry->path = "CoRIM";
		entry->pub = *key;
		if (pst_cose_thumbprint(ring->crypto, key, entry->thumbprint) !=
		    PST_OK)
			return cli_fail("a key of a CoRIM is not usable");
	}
	if (over > 0)
		cli_warn("%zu values of CoRIMs are of kinds that are not "
			 "used",
		    over);
	return CLI_DONE;
}
