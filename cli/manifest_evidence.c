/*
 * postern manifest encrypt --to-evidence: the appraisal is made here, by
 * anchors that its user chose, as of now.
 */
#include "manifest_evidence.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "endorse.h"
#include "verifier/verifier.h"

/*
 * Evidence was fresh to the TAM, whose challenge it answers. Nobody challenged
 * the device for this reader: an age is all that is left.
 */
enum { SKEW_S = 60, MAX_AGE_S = 30 * 24 * 3600, MAJOR_MAP = 5 };

/* A container is a map, a token is an array or a tag. */
static struct pst_bytes
format_of(struct pst_bytes evidence)
{
	if (evidence.len > 0 && evidence.ptr[0] >> 5 == MAJOR_MAP)
		return PST_BYTES_LIT(PST_EVIDENCE_FORMAT);
	return PST_BYTES_LIT(PST_EAT_EVIDENCE_FORMAT);
}

static int
refused(const char *path, const struct pst_appraisal *ap)
{
	size_t i;

	for (i = 0; i < ap->check_count; i++) {
		const struct pst_appraisal_check *c = &ap->checks[i];

		if (c->err != PST_OK)
			return cli_fail("%s: refused: %s: %s%s%s%s", path,
			    c->what, pst_err_name(c->err),
			    c->why != NULL ? " (" : "",
			    c->why != NULL ? c->why : "",
			    c->why != NULL ? ")" : "");
	}
	return cli_fail("%s: refused: %s", path, pst_err_name(ap->why));
}

static int
appraise(const struct cli_evidence_args *a, const struct cli_keyring *anchors,
    const struct pst_endorsements *endorsements, struct pst_bytes evidence,
    struct pst_pubkey *out)
{
	static struct pst_appraisal result;
	const struct pst_bytes no_challenge = { NULL, 0 };
	uint64_t now_s = (uint64_t)time(NULL);
	struct pst_verifier v = { .crypto = anchors->crypto,
		.attesters = &anchors->keys,
		.verifiers = &anchors->keys,
		.skew_s = SKEW_S,
		.max_age_s = MAX_AGE_S,
		.endorsements = endorsements,
		.need_reference = true };

	if (pst_verifier_open(
		&v, evidence, format_of(evidence), now_s, &result) != PST_OK ||
	    pst_verifier_judge(&v, no_challenge, NULL, now_s, &result) !=
		PST_OK ||
	    !result.accepted)
		return refused(a->evidence, &result);
	if (result.device_keys.encryption.kty == 0)
		return cli_fail("%s: it attests no key to encrypt to; the "
				"device has none, or its agent is too old",
		    a->evidence);
	*out = result.device_keys.encryption;
	return CLI_DONE;
}

static int
with_evidence(const struct cli_evidence_args *a,
    const struct cli_keyring *anchors,
    const struct pst_endorsements *endorsements, struct pst_pubkey *out)
{
	struct cli_file f;
	int status = cli_read(a->evidence, CLI_FILE_MAX, &f);

	if (status != CLI_DONE)
		return status;
	status = appraise(a, anchors, endorsements, cli_bytes(&f), out);
	cli_file_free(&f);
	return status;
}

static int
attested_key(const struct cli_evidence_args *a, struct cli_keyring *anchors,
    struct pst_pubkey *out)
{
	struct pst_endorsements *e = pst_endorsements_new();
	int status = CLI_DONE;

	if (e == NULL)
		return cli_fail("out of memory");
	status = cli_endorse_anchors(e, anchors, a->anchors);
	if (status == CLI_DONE)
		status = cli_endorse(e, PST_ENDORSE_REFERENCE, a->reference);
	if (status == CLI_DONE)
		status = cli_endorse_keys(e, anchors);
	if (status == CLI_DONE)
		status = with_evidence(a, anchors, e, out);
	pst_endorsements_free(&e);
	return status;
}

int
cli_evidence_recipient(
    const struct cli_evidence_args *a, struct cli_keyring *ring)
{
	struct cli_keyring *anchors = calloc(1, sizeof(*anchors));
	struct pst_pubkey key;
	int status;

	if (anchors == NULL)
		return cli_fail("out of memory");
	status = cli_keyring_open(anchors);
	if (status == CLI_DONE)
		status = attested_key(a, anchors, &key);
	cli_keyring_close(anchors);
	free(anchors);
	if (status != CLI_DONE)
		return status;
	return cli_keyring_add_public(ring, a->evidence, &key);
}
