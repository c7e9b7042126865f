/*
 * Linux's configfs-tsm (Documentation/ABI/testing/configfs-tsm-report): make
 * an entry, write the user data to inblob, read the report from outblob.
 *
 * The entry's generation counts writes to it. Somebody else's write between
 * ours and the reading gives a report about his data: then the generation has
 * moved on, and the report is thrown away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define PATH_LEN 512
#define NUMBER_LEN 32
#define TRIES 3

struct report {
	uint8_t *blob; /* PST_ATTEST_BLOB_MAX for each of the two */
	size_t out_len, aux_len;
	char provider[32];
};

static const struct provider {
	const char *name, *type;
} providers[] = {
	{ "sev_guest", "application/vnd.postern.sev-snp-report" },
	{ "tdx_guest", "application/vnd.postern.dcap-quote" },
	{ "arm_cca_guest",
	    "application/eat-collection; "
	    "profile=\"http://arm.com/CCA-SSD/1.0.0\"" },
};

static bool
attribute(const struct pst_attest_tsm *t, const char *name, char out[PATH_LEN])
{
	int n = snprintf(out, PATH_LEN, "%s/%s/%s", t->path, t->name, name);

	return n > 0 && n < PATH_LEN;
}

static enum pst_err
get(const struct pst_attest_tsm *t, const char *name, uint8_t *out, size_t cap,
    size_t *len)
{
	char path[PATH_LEN];

	if (!attribute(t, name, path))
		return PST_ERR_LIMIT;
	return pst_attest_read(path, out, cap, len);
}

static enum pst_err
put(const struct pst_attest_tsm *t, const char *name, struct pst_bytes bytes)
{
	char path[PATH_LEN];

	if (!attribute(t, name, path))
		return PST_ERR_LIMIT;
	return pst_attest_put(path, bytes);
}

static enum pst_err
get_text(
    const struct pst_attest_tsm *t, const char *name, char *out, size_t cap)
{
	size_t len = 0;
	enum pst_err err = get(t, name, (uint8_t *)out, cap - 1, &len);

	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return err;
}

static enum pst_err
set_privlevel(const struct pst_attest_tsm *t)
{
	char text[NUMBER_LEN];
	int n;

	if (t->privlevel < 0)
		return PST_OK;
	n = snprintf(text, sizeof(text), "%d", t->privlevel);
	return put(t, "privlevel",
	    (struct pst_bytes){ (const uint8_t *)text, (size_t)n });
}

/* One report, or PST_ERR_BUSY when somebody wrote in between. */
static enum pst_err
ask(const struct pst_attest_tsm *t, struct pst_bytes user_data,
    struct report *r)
{
	char before[NUMBER_LEN], after[NUMBER_LEN];
	uint8_t *aux = r->blob + PST_ATTEST_BLOB_MAX;
	enum pst_err err;

	err = put(t, "inblob", user_data);
	if (err == PST_OK)
		err = get_text(t, "generation", before, sizeof(before));
	if (err == PST_OK)
		err = get(
		    t, "outblob", r->blob, PST_ATTEST_BLOB_MAX, &r->out_len);
	if (err == PST_OK)
		err = get_text(t, "provider", r->provider, sizeof(r->provider));
	/* Certificates; not every provider has some. */
	if (err == PST_OK &&
	    get(t, "auxblob", aux, PST_ATTEST_BLOB_MAX, &r->aux_len) != PST_OK)
		r->aux_len = 0;
	if (err == PST_OK)
		err = get_text(t, "generation", after, sizeof(after));
	if (err == PST_OK && strcmp(before, after) != 0)
		err = PST_ERR_BUSY;
	return err;
}

static enum pst_err
report(const struct pst_attest_tsm *t, struct pst_bytes user_data,
    struct report *r)
{
	char path[PATH_LEN];
	enum pst_err err;
	int n, tries = TRIES;
	bool made;

	n = snprintf(path, sizeof(path), "%s/%s", t->path, t->name);
	if (n < 0 || n >= (int)sizeof(path))
		return PST_ERR_LIMIT;
	made = mkdir(path, 0700) == 0;
	/* Left over by a process that was killed: it is as good. */
	if (!made && errno != EEXIST)
		return PST_ERR_IO;
	err = set_privlevel(t);
	do {
		if (err == PST_OK || err == PST_ERR_BUSY)
			err = ask(t, user_data, r);
	} while (err == PST_ERR_BUSY && --tries > 0);
	if (made)
		(void)rmdir(path);
	return err;
}

static enum pst_err
write_out(const struct pst_attest_tsm *t, const struct report *r,
    const struct pst_attest_request *q, uint8_t *out, size_t cap, size_t *len,
    struct pst_bytes *format)
{
	struct pst_attest_evidence e = { .part_count = 0 };
	size_t i;

	for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (strcmp(r->provider, providers[i].name) == 0)
			e.type = providers[i].type;
	if (e.type == NULL)
		return PST_ERR_UNSUPPORTED;
	e.quote = (struct pst_bytes){ r->blob, r->out_len };
	e.parts[0] =
	    (struct pst_bytes){ r->blob + PST_ATTEST_BLOB_MAX, r->aux_len };
	e.part_count = r->aux_len > 0;
	return pst_attest_write(t->crypto, q, &e, out, cap, len, format);
}

static enum pst_err
evidence(void *ctx, const struct pst_attest_request *q, uint8_t *out,
    size_t cap, size_t *len, struct pst_bytes *format)
{
	const struct pst_attest_tsm *t = ctx;
	uint8_t user_data[PST_ATTEST_USER_DATA];
	struct report r = { .blob = malloc(2 * PST_ATTEST_BLOB_MAX) };
	enum pst_err err;

	if (r.blob == NULL)
		return PST_ERR_LIMIT;
	err = pst_attest_user_data(t->crypto, q, user_data);
	if (err == PST_OK)
		err = report(
		    t, (struct pst_bytes){ user_data, sizeof(user_data) }, &r);
	if (err == PST_OK)
		err = write_out(t, &r, q, out, cap, len, format);
	free(r.blob);
	return err;
}

void
pst_attest_tsm_init(struct pst_attester *out, struct pst_attest_tsm *t)
{
	out->ctx = t;
	out->evidence = evidence;
}
