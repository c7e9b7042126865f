/*
 * Evidence that was encrypted to the TAM, or to somebody else.
 */
#include <postern/eat_keys.h>

#include "world.h"

static struct world w;
static struct agent a, b;

static bool
begin(void)
{
	return world_open(&w) &&
	    agent_enroll(&w, &a, PST_ALG_ESP256, "alpha") &&
	    agent_enroll(&w, &b, PST_ALG_ED25519, "beta") &&
	    world_publish(&w, "x", 1, 0x11, 100) &&
	    world_assign(&w, "x", false);
}

#define BEGIN() CHECK(begin())
#define END() world_close(&w)

static size_t
updates(void)
{
	return w.msg.type == PST_TEEP_UPDATE ? w.msg.manifest_list.count : 0;
}

static bool
refused(enum pst_err why)
{
	return w.msg.type == PST_TEEP_UPDATE && updates() == 0 &&
	    w.msg.err_code == PST_TEEP_ERR_ATTESTATION_REQUIRED &&
	    w.out.err == why;
}

static void
encrypted_evidence_is_appraised(void)
{
	BEGIN();
	w.evidence_to = &w.encryption_pub;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	CHECK(world_session(&w, &b));
	CHECK_EQ(updates(), 1);
	END();
}

/* Whoever can be authenticated without it is told; others are dropped. */
static void
evidence_for_somebody_else_proves_nothing(void)
{
	BEGIN();
	w.evidence_to = &b.pub;
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	CHECK(world_session(&w, &a));
	CHECK_EQ(w.out.event, PST_TAM_EV_DROPPED);
	w.evidence_to = NULL;
	CHECK(world_session(&w, &a));
	CHECK_EQ(updates(), 1);
	w.evidence_to = &b.pub;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_ERR_COSE_DECRYPT));
	END();
}

static void
a_tam_without_the_key_cannot_read_it(void)
{
	BEGIN();
	CHECK(world_session(&w, &a));
	w.engine.encryption_key = 0;
	w.evidence_to = &w.encryption_pub;
	CHECK(world_session(&w, &a));
	CHECK(refused(PST_ERR_COSE_KEY));
	END();
}

/* A ciphertext is no shield: what is in it is another device's. */
static void
stolen_evidence_is_refused_under_cover_too(void)
{
	BEGIN();
	CHECK(world_session(&w, &b));
	w.evidence_to = &w.encryption_pub;
	w.evidence_of = &a;
	CHECK(world_session(&w, &b));
	CHECK(refused(PST_ERR_EAT_BINDING));
	END();
}

/* The Verifier may answer later: it gets what was decrypted. */
static void
a_verifier_gets_the_plaintext(void)
{
	struct pst_tam_appraisal later;
	uint8_t challenge[PST_TAM_CHALLENGE_LEN];
	struct pst_bytes body;

	BEGIN();
	w.evidence_to = &w.encryption_pub;
	CHECK(world_connect(&w, 0));
	memcpy(challenge, w.msg.challenge.ptr, sizeof(challenge));
	body = agent_response(
	    &w, &a, (struct pst_bytes){ challenge, sizeof(challenge) });
	w.appraise_later = true;
	CHECK_EQ(pst_tam_message(&w.engine, body, NULL, w.now_s, &w.out),
	    PST_ERR_AGAIN);
	CHECK(w.out.payload.len > 0 && w.out.payload.ptr[0] == 0xd2);
	w.appraise_later = false;
	CHECK_EQ(w.appraiser.appraise(
		     &w, w.out.format, w.out.payload, w.now_s, &later),
	    PST_OK);
	CHECK(later.genuine);
	CHECK_EQ(
	    pst_tam_message(&w.engine, body, &later, w.now_s, &w.out), PST_OK);
	CHECK_EQ(w.out.event, PST_TAM_EV_UPDATE);
	END();
}

static struct pst_bytes
attests(const struct pst_pubkey *report)
{
	static uint8_t buf[PST_EAT_KEYS_MAX];
	struct pst_eat_keys keys = { .report = *report };
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, buf, sizeof(buf));
	pst_eat_keys_encode(&c, &keys);
	return pst_cbor_written(&c);
}

/* The answer to an Update, with a report that `by` signed; was it read? */
static bool
report_is_read(const struct pst_signer *by)
{
	uint8_t token[PST_TAM_TOKEN_LEN];
	struct pst_bytes t = { token, sizeof(token) };

	w.now_s += 3600;
	w.digest_salt++;
	if (!world_publish(&w, "x", 1 + w.digest_salt, 0x11, 100) ||
	    !world_session(&w, &a) || w.msg.token.len != sizeof(token))
		return false;
	memcpy(token, w.msg.token.ptr, sizeof(token));
	w.cover.signer = by;
	return world_deliver(
		   &w, agent_answer(&w, &a, t, 0, digest_of(0x11), t)) &&
	    w.out.event == PST_TAM_EV_SUCCESS &&
	    strstr(w.out.note, "unread") == NULL;
}

/* "A SUIT Report is created by a SUIT processor": its key is attested, and
 * from then on the TEEP key does not stand in for it. */
static void
a_signed_report_is_verified_by_the_attested_key(void)
{
	struct agent key;

	BEGIN();
	CHECK(agent_new(&w, &key, PST_ALG_ED25519));
	CHECK(report_is_read(&a.signer));
	CHECK(!report_is_read(&key.signer));
	w.device_keys = attests(&key.pub);
	CHECK(report_is_read(&key.signer));
	CHECK(!report_is_read(&a.signer));
	/* Another one is attested: the old one counts no more. */
	w.device_keys = attests(&b.pub);
	CHECK(report_is_read(&b.signer));
	CHECK(!report_is_read(&key.signer));
	/* None is, any more. */
	w.device_keys = (struct pst_bytes){ NULL, 0 };
	CHECK(report_is_read(&a.signer));
	END();
}

struct kept {
	size_t count;
	uint64_t at_s;
	uint8_t payload[1024];
	size_t len;
	bool format;
};

static void
keep(
    void *ctx, uint64_t at_s, struct pst_bytes format, struct pst_bytes payload)
{
	struct kept *k = ctx;

	k->count++;
	k->at_s = at_s;
	k->format = pst_equal(format, PST_BYTES_LIT("application/x-test"));
	k->len = payload.len;
	if (payload.len <= sizeof(k->payload))
		memcpy(k->payload, payload.ptr, payload.len);
}

/* What was accepted is kept as it was signed; what was not is not. */
static void
the_last_evidence_is_kept_decrypted(void)
{
	struct kept k = { .count = 0 }, again = { .count = 0 };

	BEGIN();
	CHECK_EQ(pst_tam_find_evidence(w.reader, "alpha", keep, &k),
	    PST_ERR_NOT_FOUND);
	w.evidence_to = &w.encryption_pub;
	CHECK(world_session(&w, &a));
	CHECK_EQ(pst_tam_find_evidence(w.reader, "alpha", keep, &k), PST_OK);
	CHECK_EQ(k.count, 1);
	CHECK_EQ(k.at_s, w.now_s);
	CHECK(k.format && k.payload[0] == 0xd2);
	w.now_s += 10;
	w.verdict_bad = true;
	CHECK(world_session(&w, &a));
	CHECK_EQ(
	    pst_tam_find_evidence(w.reader, "alpha", keep, &again), PST_OK);
	CHECK_EQ(again.at_s, k.at_s);
	CHECK_EQ(
	    pst_tam_device_remove(w.store, "test", "alpha", w.now_s), PST_OK);
	CHECK_EQ(pst_tam_find_evidence(w.reader, "alpha", keep, &k),
	    PST_ERR_NOT_FOUND);
	END();
}

int
main(void)
{
	RUN(a_signed_report_is_verified_by_the_attested_key);
	RUN(the_last_evidence_is_kept_decrypted);
	RUN(encrypted_evidence_is_appraised);
	RUN(evidence_for_somebody_else_proves_nothing);
	RUN(a_tam_without_the_key_cannot_read_it);
	RUN(stolen_evidence_is_refused_under_cover_too);
	RUN(a_verifier_gets_the_plaintext);
	TEST_END();
}
