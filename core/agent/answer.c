/*
 * What the agent sends: signing, and the Error message that the text asks for
 * (draft-ietf-teep-protocol, Section 4.6).
 */
#include "agent/agent_internal.h"

#define MINUTE_S 60

void
pst_agent_answer_begin(struct pst_agent *a, enum pst_teep_type type)
{
	memset(&a->answer, 0, sizeof(a->answer));
	a->answer.type = type;
}

void
pst_agent_answer_token(struct pst_agent *a, struct pst_bytes token)
{
	if (token.len == 0)
		return;
	a->answer.token = token;
	a->answer.present |= 1u << PST_LABEL_TOKEN;
}

static void
address(const struct pst_agent *a, uint32_t tam, struct pst_agent_out *out)
{
	out->tam = tam;
	out->uri = a->config->tams[tam].uri;
}

void
pst_agent_connect(struct pst_agent *a, uint32_t tam, struct pst_agent_out *out)
{
	address(a, tam, out);
	out->what = PST_AGENT_CONNECT;
}

enum pst_err
pst_agent_send(struct pst_agent *a, uint32_t tam, struct pst_agent_out *out)
{
	struct pst_cose_sign_args args = { 0 };
	struct pst_cbor_writer w;
	enum pst_err err;

	/* The message of an Update that waits is read again when it goes on. */
	a->update.loaded = false;
	pst_cbor_writer_init(&w, a->memory.message, a->memory.message_cap);
	err = pst_teep_encode(&w, &a->answer);
	if (err != PST_OK)
		return err;
	args.payload = pst_cbor_written(&w);
	args.signers = &a->config->key;
	args.count = 1;
	pst_cbor_writer_init(&w, a->memory.out, a->memory.out_cap);
	err = pst_cose_sign1(&w, a->ports.crypto, &args);
	if (err != PST_OK)
		return err;
	address(a, tam, out);
	out->what = PST_AGENT_SEND;
	out->message = pst_cbor_written(&w);
	return PST_OK;
}

/*
 * Errors to a sender that is not known cost a signature each: no more than a
 * few a minute. A clock that fails, or goes back, begins a new minute at most
 * once a call, which is no worse than no clock.
 */
static bool
may_answer_a_stranger(struct pst_agent *a)
{
	struct pst_agent_errors *e = &a->errors[a->tam];
	const struct pst_clock *clock = a->ports.clock;
	uint64_t now_s = 0;
	bool trusted = false;

	if (clock->now(clock->ctx, &now_s, &trusted) != PST_OK)
		now_s = e->since_s;
	if (now_s < e->since_s || now_s - e->since_s >= MINUTE_S) {
		e->since_s = now_s;
		e->count = 0;
	}
	if (e->count >= PST_AGENT_ERRORS_PER_MINUTE)
		return false;
	e->count++;
	return true;
}

/* "supplying the supported-freshness-mechanisms and challenge if needed"
 * (Section 7.2.1). Without a challenge only time is left. */
static void
ask_to_attest(struct pst_agent *a)
{
	struct pst_teep_message *m = &a->answer;

	if (!pst_agent_must_attest(a, a->tam))
		return;
	m->freshness = pst_agent_freshness(a);
	m->present |= 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
	if (pst_agent_attested_ask(a, &m->challenge) == PST_OK)
		m->present |= 1u << PST_LABEL_CHALLENGE;
}

/* Lists that the text makes mandatory for a code. */
static void
add_lists(struct pst_agent *a)
{
	static const uint8_t version_0[] = { 0 };
	struct pst_teep_message *m = &a->answer;

	switch (m->err_code) {
	case PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES:
		/* Those that go in both directions. */
		m->suites = pst_agent_own_suite(a);
		m->present |= 1u << PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES;
		break;
	case PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS:
		m->freshness = pst_agent_freshness(a);
		m->present |= 1u << PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS;
		break;
	case PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION:
		m->versions.items.ptr = version_0;
		m->versions.items.len = sizeof(version_0);
		m->versions.count = 1;
		m->present |= 1u << PST_LABEL_VERSIONS;
		break;
	case PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT:
		/* "+" in the CDDL: a device without a key to decrypt with
		 * names the profile of its signatures. */
		m->profiles = pst_agent_profiles(a);
		if (m->profiles == 0)
			m->profiles = pst_agent_own_suite(a) == PST_SUITE_ESP256
			    ? PST_PROFILE_ESP256_A128CTR
			    : PST_PROFILE_ED25519_A128CTR;
		m->present |= 1u << PST_LABEL_SUPPORTED_SUIT_COSE_PROFILES;
		break;
	case PST_TEEP_ERR_ATTESTATION_REQUIRED:
		ask_to_attest(a);
		break;
	default:
		break;
	}
}

/* A stranger learns that it was refused, and nothing else. */
static uint32_t
code_for_stranger(enum pst_err err)
{
	uint32_t code = pst_teep_code_of(err);

	switch (code) {
	case PST_TEEP_ERR_BAD_CERTIFICATE:
	case PST_TEEP_ERR_CERTIFICATE_EXPIRED:
	case PST_TEEP_ERR_TEMPORARY_ERROR:
		return code;
	default:
		return PST_TEEP_ERR_PERMANENT_ERROR;
	}
}

static void
err_msg(struct pst_agent *a, enum pst_err err)
{
	const char *name = pst_err_name(err);
	size_t len = 0;

	while (len < PST_ERR_MSG_MAX && name[len] != '\0')
		len++;
	a->answer.err_msg.ptr = (const uint8_t *)name;
	a->answer.err_msg.len = len;
	a->answer.present |= 1u << PST_LABEL_ERR_MSG;
}

void
pst_agent_error_begin(struct pst_agent *a, enum pst_err err)
{
	pst_agent_answer_begin(a, PST_TEEP_ERROR);
	a->answer.err_code = pst_teep_code_of(err);
	/* It would only attest in the same way again. */
	if (a->tam_refused)
		a->answer.err_code = PST_TEEP_ERR_PERMANENT_ERROR;
	err_msg(a, err);
	add_lists(a);
}

enum pst_err
pst_agent_refuse(struct pst_agent *a, enum pst_err err, bool authentic,
    struct pst_agent_out *out)
{
	struct pst_bytes token = { a->token, a->token_len };

	out->reason = err;
	out->tam = a->tam;
	if (authentic) {
		pst_agent_error_begin(a, err);
		pst_agent_answer_token(a, token);
		return pst_agent_send(a, a->tam, out);
	}
	if (!may_answer_a_stranger(a)) {
		out->what = PST_AGENT_NOTHING;
		return PST_OK;
	}
	pst_agent_answer_begin(a, PST_TEEP_ERROR);
	a->answer.err_code = code_for_stranger(err);
	err_msg(a, err);
	return pst_agent_send(a, a->tam, out);
}
