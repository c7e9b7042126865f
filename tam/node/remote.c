#include <tam/node/remote.h>

#include <stdio.h>
#include <string.h>

/* What is known of Evidence before anybody judged it. */
enum known {
	NOTHING, /* the local Verifier refuses it, and says why */
	OPENED,	 /* its signature is by an enrolled key */
	SAID	 /* its own word, until the Verifier vouches for it */
};

static bool
no_key(enum pst_err err)
{
	return err == PST_ERR_COSE_KEY || err == PST_ERR_COSE_CERT ||
	    err == PST_ERR_COSE_CERT_EXPIRED;
}

/* Sets evidence and nonce. */
static enum known
look(struct pst_tam_remote_verifier *v, struct pst_bytes format,
    struct pst_bytes payload)
{
	const struct pst_appraisal *a = &v->local->last;

	if (a->opened) {
		pst_unverified_forms(payload, format, &v->evidence);
		v->nonce =
		    a->user_data.len > 0 ? a->user_data : a->claims.nonce;
		return OPENED;
	}
	if (!no_key(a->why) ||
	    pst_unverified_read(
		v->engine->crypto, payload, format, &v->evidence) != PST_OK)
		return NOTHING;
	/* Genuine, but whose? Anybody's machine would do for any device. */
	if (v->evidence.identity.len == 0)
		return NOTHING;
	v->nonce = v->evidence.nonce;
	return SAID;
}

/* A Verifier is asked about an answer to a challenge of ours, and nothing
 * else: its sessions need a nonce, and strangers are to cost it nothing. */
static enum pst_err
check_challenge(
    const struct pst_tam_remote_verifier *v, enum known known, uint64_t now_s)
{
	uint64_t expires_s;

	return pst_tam_challenge_check(v->engine,
	    known == OPENED ? v->local->last.claims.nonce
			    : v->evidence.challenge,
	    now_s, &expires_s);
}

/*
 * What the Evidence says, now that somebody vouched for it. The nonce of the
 * result is user data of the Evidence, challenge and thumbprint, or its
 * eat_nonce: so it is this Evidence that was judged.
 */
static void
fill(struct pst_tam_remote_verifier *v, enum known known,
    struct pst_tam_appraisal *out)
{
	if (known == OPENED) {
		pst_tam_local_verifier_fill(v->local, out);
	} else {
		out->technology =
		    (struct pst_bytes){ (const uint8_t *)v->evidence.technology,
			    strlen(v->evidence.technology) };
		out->attester = v->evidence.identity;
		out->nonce = v->evidence.challenge;
		out->has_key = v->evidence.has_agent_key;
		out->key = v->evidence.agent_key;
		out->key_id = v->evidence.thumbprint;
		out->issued_s = v->ear.iat;
		out->expires_s = v->ear.has_exp ? v->ear.exp : 0;
	}
	out->genuine = true;
	out->err = PST_OK;
	out->verdict = v->verdict;
}

/* Why a result was not affirming, for the log. */
static void
note_vector(struct pst_tam_remote_verifier *v)
{
	size_t i;

	for (i = 0; i < PST_EAR_CLAIMS; i++) {
		if (!v->ear.has[i] ||
		    pst_ear_tier_of(v->ear.vector[i]) <= PST_EAR_AFFIRMING)
			continue;
		(void)snprintf(v->note, sizeof(v->note),
		    "the Verifier says %s: %s %d",
		    pst_ear_tier_name(v->ear.status),
		    pst_ear_claim_name((enum pst_ear_claim)i),
		    v->ear.vector[i]);
		return;
	}
	(void)snprintf(v->note, sizeof(v->note), "the Verifier says %s",
	    pst_ear_tier_name(v->ear.status));
}

/* For the record: what the judge said, not what was checked here. */
static void
put_verdict(struct pst_tam_remote_verifier *v)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, v->verdict_bytes, sizeof(v->verdict_bytes));
	pst_tam_verdict_put(&w, &v->ear);
	v->verdict = pst_cbor_written(&w);
}

/*
 * A result that is not by its key, of another nonce or too old says nothing
 * about the device, good or bad: as if nobody had been asked.
 */
static enum pst_err
read_result(struct pst_tam_remote_verifier *v, uint64_t now_s)
{
	const struct pst_tam_policy *p = &v->engine->policy;
	enum pst_err err;

	err = pst_ear_read_jwt(
	    v->engine->crypto, &v->key, v->answer->token, &v->ear);
	if (err == PST_OK)
		err = pst_ear_check(
		    &v->ear, v->nonce, now_s, p->skew_s, p->challenge_life_s);
	if (err == PST_ERR_EAT_REFUSED)
		note_vector(v);
	if (err == PST_OK || err == PST_ERR_EAT_REFUSED) {
		put_verdict(v);
		return err;
	}
	(void)snprintf(v->note, sizeof(v->note), "the Verifier's result: %s",
	    pst_err_name(err));
	return PST_ERR_FETCH;
}

/* Whose Evidence it is only a signature can tell, which was verified here or
 * by nobody. */
static enum pst_err
refuse(struct pst_tam_remote_verifier *v, enum known known, enum pst_err err,
    struct pst_tam_appraisal *out)
{
	if (known == OPENED)
		fill(v, known, out);
	out->err = err;
	return PST_OK;
}

static enum pst_err
conclude(struct pst_tam_remote_verifier *v, enum known known, uint64_t now_s,
    struct pst_tam_appraisal *out)
{
	enum pst_err err = v->answer->err;

	if (err == PST_OK)
		err = read_result(v, now_s);
	else
		(void)snprintf(v->note, sizeof(v->note), "the Verifier: %s",
		    v->answer->note);
	switch (err) {
	case PST_OK:
		fill(v, known, out);
		return PST_OK;
	case PST_ERR_EAT_REFUSED:
	case PST_ERR_EAT_CLAIM:
	case PST_ERR_UNSUPPORTED:
		return refuse(v, known, err, out);
	default:
		return err;
	}
}

/* The local Verifier's words about what is nobody's Evidence. */
static enum pst_err
not_genuine(struct pst_tam_remote_verifier *v, struct pst_bytes format,
    struct pst_bytes payload, uint64_t now_s, struct pst_tam_appraisal *out)
{
	enum pst_err err;

	err = v->results.appraise(v->results.ctx, format, payload, now_s, out);
	/* Enrolled in this moment: the next message is asked about. */
	if (err == PST_OK && out->genuine) {
		memset(out, 0, sizeof(*out));
		out->err = PST_ERR_COSE_KEY;
	}
	return err;
}

static enum pst_err
appraise(void *ctx, struct pst_bytes format, struct pst_bytes payload,
    uint64_t now_s, struct pst_tam_appraisal *out)
{
	struct pst_tam_remote_verifier *v = ctx;
	struct pst_tam_local_verifier *local = v->local;
	enum known known;
	enum pst_err err;

	memset(out, 0, sizeof(*out));
	v->note[0] = '\0';
	v->verdict = (struct pst_bytes){ NULL, 0 };
	err = pst_verifier_open(
	    &local->verifier, payload, format, now_s, &local->last);
	if (err >= PST_ERR_STORE)
		return err;
	/* An Attestation Result was judged already, by whom we trust or not. */
	if (local->last.is_result)
		return v->results.appraise(
		    v->results.ctx, format, payload, now_s, out);
	known = look(v, format, payload);
	if (known == NOTHING)
		return not_genuine(v, format, payload, now_s, out);
	err = check_challenge(v, known, now_s);
	if (err == PST_ERR_EAT_NONCE || err == PST_ERR_EAT_EXPIRED)
		return refuse(v, known, err, out);
	if (err != PST_OK)
		return err;
	return v->answer != NULL ? conclude(v, known, now_s, out)
				 : PST_ERR_AGAIN;
}

void
pst_tam_remote_verifier_init(struct pst_tam_remote_verifier *v,
    const struct pst_pubkey *key, const struct pst_tam_engine *engine,
    struct pst_tam_local_verifier *local, struct pst_tam_appraiser *appraiser)
{
	memset(v, 0, sizeof(*v));
	v->engine = engine;
	v->local = local;
	v->key = *key;
	v->results = *appraiser;
	*appraiser = (struct pst_tam_appraiser){ v, appraise };
}
