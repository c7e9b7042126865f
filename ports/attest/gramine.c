/*
 * Gramine's /dev/attestation (Gramine, "Attestation and Secret Provisioning"):
 * write user_report_data, then read quote. One enclave has one of each, and
 * the agent is its only user.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define PATH_LEN 512

static bool
member(const struct pst_attest_gramine *g, const char *name, char out[PATH_LEN])
{
	int n = snprintf(out, PATH_LEN, "%s/%s", g->path, name);

	return n > 0 && n < PATH_LEN;
}

static enum pst_err
quote(const struct pst_attest_gramine *g, struct pst_bytes user_data,
    uint8_t *out, size_t *len)
{
	char path[PATH_LEN];
	enum pst_err err;

	if (!member(g, "user_report_data", path))
		return PST_ERR_LIMIT;
	err = pst_attest_put(path, user_data);
	if (err != PST_OK)
		return err;
	if (!member(g, "quote", path))
		return PST_ERR_LIMIT;
	return pst_attest_read(path, out, PST_ATTEST_BLOB_MAX, len);
}

static enum pst_err
evidence(void *ctx, const struct pst_attest_request *q, uint8_t *out,
    size_t cap, size_t *len, struct pst_bytes *format)
{
	const struct pst_attest_gramine *g = ctx;
	struct pst_attest_evidence e = {
		.type = "application/vnd.postern.dcap-quote"
	};
	uint8_t user_data[PST_ATTEST_USER_DATA];
	uint8_t *blob = malloc(PST_ATTEST_BLOB_MAX);
	enum pst_err err;

	if (blob == NULL)
		return PST_ERR_LIMIT;
	err = pst_attest_user_data(g->crypto, q, user_data);
	if (err == PST_OK)
		err =
		    quote(g, (struct pst_bytes){ user_data, sizeof(user_data) },
			blob, &e.quote.len);
	e.quote.ptr = blob;
	if (err == PST_OK)
		err = pst_attest_write(g->crypto, q, &e, out, cap, len, format);
	free(blob);
	return err;
}

void
pst_attest_gramine_init(struct pst_attester *out, struct pst_attest_gramine *g)
{
	out->ctx = g;
	out->evidence = evidence;
}
