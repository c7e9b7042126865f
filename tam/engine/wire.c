/*
 * What the TAM sends: QueryRequest, and signing whatever it sends.
 */
#include <tam/engine/engine_internal.h>

#include <string.h>

uint32_t
pst_tam_suites(const struct pst_tam_engine *e)
{
	uint32_t suites = 0;
	size_t i;

	for (i = 0; i < e->signer_count; i++)
		suites |= e->signers[i].suite;
	return suites;
}

/* A passport is fresh by its time, and only who may go by time presents one. */
uint32_t
pst_tam_freshness(const struct pst_tam_engine *e)
{
	const uint32_t nonce = 1u << PST_FRESHNESS_NONCE;

	if (e->policy.timestamps || e->policy.passport_age_s > 0)
		return nonce | 1u << PST_FRESHNESS_TIMESTAMP;
	return nonce;
}

void
pst_tam_scratch(struct pst_tam_turn *t, struct pst_cbor_writer *w)
{
	pst_cbor_writer_init(w, t->out->scratch + t->scratch_len,
	    t->out->scratch_cap - t->scratch_len);
}

struct pst_bytes
pst_tam_kept(struct pst_tam_turn *t, const struct pst_cbor_writer *w)
{
	struct pst_bytes kept = pst_cbor_written(w);

	t->scratch_len += kept.len;
	return kept;
}

/*
 * Section 8.1: the first QueryRequest is a COSE_Sign with one signature a
 * suite, so that an agent with any one of them can verify it; everything else
 * is a COSE_Sign1 of the suite that the agent uses. Tagged, always.
 */
static enum pst_err
sign(struct pst_tam_engine *e, struct pst_cbor_writer *w,
    struct pst_bytes payload, uint32_t suite)
{
	struct pst_signer signers[2];
	struct pst_cose_sign_args args = { .payload = payload,
		.signers = signers };
	size_t i;

	for (i = 0; i < e->signer_count; i++) {
		if (suite == 0 || e->signers[i].suite == suite)
			signers[args.count++] = e->signers[i].key;
	}
	if (args.count == 0)
		return PST_ERR_TEEP_SUITE;
	if (suite != 0)
		return pst_cose_sign1(w, e->crypto, &args);
	return pst_cose_sign(w, e->crypto, &args);
}

enum pst_err
pst_tam_send(struct pst_tam_engine *e, struct pst_tam_output *out,
    const struct pst_teep_message *m, uint32_t suite, size_t tail)
{
	struct pst_cbor_writer w;
	struct pst_bytes payload;
	enum pst_err err;

	pst_cbor_writer_init(&w, out->scratch + tail, out->scratch_cap - tail);
	err = pst_teep_encode(&w, m);
	if (err == PST_OK)
		err = w.err;
	if (err != PST_OK)
		return err;
	payload = pst_cbor_written(&w);
	pst_cbor_writer_init(&w, out->reply, out->reply_cap);
	err = sign(e, &w, payload, suite);
	if (err == PST_OK)
		err = w.err;
	if (err == PST_OK)
		out->reply_len = w.len;
	return err;
}

/*
 * Section 4.2: with the attestation bit there is no token, and the challenge
 * is what the answer is found by. The absence of a list of mechanisms means
 * nonces only.
 */
enum pst_err
pst_tam_query(struct pst_tam_engine *e, struct pst_tam_output *out,
    uint32_t suite, uint32_t freshness, uint64_t now_s)
{
	const uint32_t nonce = 1u << PST_FRESHNESS_NONCE;
	uint8_t challenge[PST_TAM_CHALLENGE_LEN];
	struct pst_teep_message m;
	enum pst_err err;

	memset(&m, 0, sizeof(m));
	m.type = PST_TEEP_QUERY_REQUEST;
	m.suites = suite != 0 ? suite : pst_tam_suites(e);
	m.profiles = PST_PROFILE_ESP256_A128CTR | PST_PROFILE_ED25519_A128CTR;
	m.data_items = e->policy.data_items | PST_TEEP_ITEM_ATTESTATION;
	if (freshness == 0)
		freshness = pst_tam_freshness(e);
	if (freshness != nonce) {
		m.freshness = freshness;
		m.present |= 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	}
	if ((freshness & nonce) != 0) {
		err = pst_tam_challenge_make(e, now_s, challenge);
		if (err != PST_OK)
			return err;
		m.challenge =
		    (struct pst_bytes){ challenge, sizeof(challenge) };
		m.present |= 1u << PST_LABEL_CHALLENGE;
	}
	err = pst_tam_send(e, out, &m, suite, 0);
	if (err == PST_OK) {
		out->event = PST_TAM_EV_QUERY;
		out->err = PST_OK;
	}
	return err;
}
