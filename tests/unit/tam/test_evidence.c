/*
 * Evidence that was encrypted to the TAM, or to somebody else.
 */
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

int
main(void)
{
	RUN(encrypted_evidence_is_appraised);
	RUN(evidence_for_somebody_else_proves_nothing);
	RUN(a_tam_without_the_key_cannot_read_it);
	RUN(stolen_evidence_is_refused_under_cover_too);
	RUN(a_verifier_gets_the_plaintext);
	TEST_END();
}
