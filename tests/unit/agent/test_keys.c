/*
 * Which keys manifests are verified and content is decrypted with, and what an
 * anchor's scope lets its signer do.
 */
#include "agent/agent_internal.h"

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "the first version of hello"
#define V2 "hello, again and longer"

#define BEGIN() CHECK(world_begin())

/* --- signers ------------------------------------------------------------- */

static void
a_manifest_may_be_under_a_mac(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.signer = MAC;
	world_install("token-01", &m);
	CHECK(world_success());
	CHECK(world_holds(HELLO, V1));
	/* Its anchor reaches no further. */
	m.id = WORLD_MANIFEST;
	m.image[0].id = WORLD;
	world_install("token-02", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	/* Without that anchor nobody vouches for it. */
	m = world_hello(2, V2);
	m.signer = MAC;
	w.config.signer_count = MAC;
	world_install("token-03", &m);
	CHECK_EQ(w.out.reason, PST_ERR_COSE_KEY);
	CHECK(world_holds(HELLO, V1));
}

/* A MAC under another length than the anchor's is not looked at. */
static void
a_shared_secret_has_one_algorithm(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	m.signer = MAC;
	w.signers[MAC].key.alg = PST_ALG_HMAC_512;
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_COSE_KEY);
	w.signer_key[MAC].alg = PST_ALG_HMAC_256_64;
	w.signers[MAC].key.alg = PST_ALG_NONE;
	world_install("token-02", &m);
	w.signer_key[MAC].alg = PST_ALG_HMAC_256;
	CHECK_EQ(w.out.reason, PST_ERR_COSE_KEY);
	world_install("token-03", &m);
	CHECK(world_success());
}

/* --- secrets ------------------------------------------------------------- */

static struct pst_agent_secret secrets[3];

static enum pst_err
open_with(size_t count)
{
	w.config.secrets = secrets;
	w.config.secret_count = count;
	return world_reopen();
}

static void
done_with_secrets(void)
{
	w.config.secret_count = 0;
	w.config.secrets = NULL;
}

static void
kinds_of_keys_are_not_mixed_up(void)
{
	BEGIN();
	memset(secrets, 0, sizeof(secrets));
	secrets[0].key = 77;
	secrets[0].pub = w.signer_pub[ANNE];
	CHECK_EQ(open_with(1), PST_OK);
	/* The agent's signing key is no key for ECDH. */
	secrets[0].pub = w.config.pub;
	CHECK_EQ(open_with(1), PST_ERR_ARG);
	secrets[0].pub = w.signer_pub[ANNE];
	secrets[0].key = w.config.key.key;
	CHECK_EQ(open_with(1), PST_ERR_ARG);
	secrets[0].key = w.mac_secret;
	CHECK_EQ(open_with(1), PST_ERR_ARG);
	secrets[0].key = 0;
	CHECK_EQ(open_with(1), PST_ERR_ARG);
	secrets[0].key = 77;
	secrets[0].pub.kty = PST_KTY_OKP;
	CHECK_EQ(open_with(1), PST_ERR_ARG);
	/* A public key with a secret, a symmetric one without. */
	done_with_secrets();
	w.signers[ANNE].secret = 5;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	w.signers[ANNE].secret = 0;
	w.signers[MAC].secret = 0;
	CHECK_EQ(world_reopen(), PST_ERR_ARG);
	CHECK(world_begin());
}

/* Which keys are given for a recipient, as numbers, one decimal digit each. */
static uint32_t
given(int32_t alg, struct pst_bytes kid)
{
	struct pst_keys keys = pst_agent_signer_keys(&w.agent);
	struct pst_cose_headers h = { .alg = alg, .kid = kid };
	uint32_t key, who, all = 0;
	size_t i;

	for (i = 0; i < 9; i++) {
		if (keys.find_secret(keys.ctx, &h, i, &key, &who) != PST_OK)
			break;
		all = all * 10 + key % 10;
	}
	return all;
}

static void
a_recipient_is_served_by_keys_of_its_kind_and_name(void)
{
	const struct pst_bytes none = { NULL, 0 };
	struct pst_bytes kid = { secrets[1].kid, sizeof(secrets[1].kid) };

	BEGIN();
	memset(secrets, 0, sizeof(secrets));
	secrets[0].key = 1001;
	secrets[0].pub = w.signer_pub[ANNE];
	memset(secrets[0].kid, 1, sizeof(secrets[0].kid));
	secrets[1].key = 1002;
	secrets[1].pub = w.signer_pub[EVE];
	memset(secrets[1].kid, 2, sizeof(secrets[1].kid));
	secrets[1].other_kid = PST_BYTES_LIT("group");
	secrets[2].key = 1003;
	secrets[2].wrap = PST_ALG_A256KW;
	memset(secrets[2].kid, 3, sizeof(secrets[2].kid));
	CHECK_EQ(open_with(3), PST_OK);
	CHECK_EQ(given(PST_ALG_ECDH_ES_A128KW, none), 12);
	CHECK_EQ(given(PST_ALG_ECDH_ES_A128KW, kid), 2);
	CHECK_EQ(given(PST_ALG_ECDH_ES_A128KW, PST_BYTES_LIT("group")), 2);
	CHECK_EQ(given(PST_ALG_ECDH_ES_A128KW, PST_BYTES_LIT("nobody")), 0);
	CHECK_EQ(given(PST_ALG_A256KW, none), 3);
	CHECK_EQ(given(PST_ALG_A256KW, kid), 0);
	CHECK_EQ(given(PST_ALG_A128KW, none), 0);
	/* No profile uses a secret as it is, or agrees without a wrap. */
	CHECK_EQ(given(PST_ALG_DIRECT, none), 0);
	CHECK_EQ(given(PST_ALG_ECDH_ES_HKDF_256, none), 0);
	CHECK_EQ(given(PST_ALG_ECDH_SS_A128KW, none), 0);
	/* A MAC is checked with what signers share, and nothing else is. */
	CHECK_EQ(given(PST_ALG_HMAC_256, none), w.mac_secret % 10);
	CHECK_EQ(given(PST_ALG_A128GCM, none), 0);
	CHECK_EQ(pst_agent_profiles(&w.agent),
	    PST_PROFILE_ESP256_A128CTR | PST_PROFILE_ED25519_A128CTR |
		PST_PROFILE_ESP256_A128GCM | PST_PROFILE_ED25519_CHACHA);
	/* Without a key of its own a device has none of them. */
	secrets[0] = secrets[2];
	CHECK_EQ(open_with(1), PST_OK);
	CHECK_EQ(pst_agent_profiles(&w.agent), 0);
	done_with_secrets();
	CHECK(world_begin());
}

/* --- scopes -------------------------------------------------------------- */

#define BIT(label) ((uint64_t)1 << (label))

static struct pst_agent_rights *
rights(void)
{
	return &w.signers[ANNE].scope.rights[0];
}

static void
a_command_that_is_not_granted_is_refused(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	rights()->some_commands = true;
	rights()->commands = BIT(PST_SUIT_DIR_WRITE);
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	CHECK(world_report(&view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_COMPONENT_UNAUTHORISED);
	CHECK(world_holds(HELLO, NULL));
	rights()->commands |= BIT(PST_SUIT_DIR_FETCH);
	world_install("token-02", &m);
	CHECK(world_success());
	/* Another prefix may grant what this one does not. */
	m = world_hello(2, V2);
	rights()->commands = 0;
	w.signers[ANNE].scope.prefix[1] = HELLO;
	world_install("token-03", &m);
	CHECK(world_success());
	memset(rights(), 0, sizeof(*rights()));
}

static void
a_parameter_that_is_not_granted_is_refused(void)
{
	struct pst_agent_scope s = { .count = 1, .prefix = { PREFIX_AA } };

	s.rights[0].some_parameters = true;
	s.rights[0].parameters = BIT(PST_SUIT_PARAM_IMAGE_DIGEST);
	CHECK(pst_agent_scope_allows(
	    &s, HELLO, true, PST_SUIT_PARAM_IMAGE_DIGEST));
	CHECK(!pst_agent_scope_allows(&s, HELLO, true, PST_SUIT_PARAM_CONTENT));
	CHECK(!pst_agent_scope_allows(
	    &s, WORLD, true, PST_SUIT_PARAM_IMAGE_DIGEST));
	/* Commands are not restricted by that, custom ones neither. */
	CHECK(pst_agent_scope_allows(&s, HELLO, false, PST_SUIT_DIR_FETCH));
	CHECK(pst_agent_scope_allows(&s, HELLO, false, -300));
	/* What has no number in a list is in none. */
	s.rights[0].some_commands = true;
	s.rights[0].commands = UINT64_MAX;
	CHECK(!pst_agent_scope_allows(&s, HELLO, false, -300));
	CHECK(!pst_agent_scope_allows(&s, HELLO, false, 64));
	/* Conditions ask only whether the component is the signer's. */
	s.rights[0].commands = 0;
	CHECK(pst_agent_scope_allows(
	    &s, HELLO, false, PST_SUIT_COND_IMAGE_MATCH));
	CHECK(!pst_agent_scope_allows(
	    &s, WORLD, false, PST_SUIT_COND_IMAGE_MATCH));
}

static void
a_tam_can_be_restricted_likewise(void)
{
	struct world_manifest m = world_hello(1, V1);

	BEGIN();
	w.tams[ONE].scope.rights[0].some_commands = true;
	world_install("token-01", &m);
	CHECK_EQ(w.out.reason, PST_ERR_SUIT_UNAUTHORISED);
	memset(&w.tams[ONE].scope.rights[0], 0, sizeof(*rights()));
	world_install("token-02", &m);
	CHECK(world_success());
}

void
key_cases(void)
{
	RUN(a_manifest_may_be_under_a_mac);
	RUN(a_shared_secret_has_one_algorithm);
	RUN(kinds_of_keys_are_not_mixed_up);
	RUN(a_recipient_is_served_by_keys_of_its_kind_and_name);
	RUN(a_command_that_is_not_granted_is_refused);
	RUN(a_parameter_that_is_not_granted_is_refused);
	RUN(a_tam_can_be_restricted_likewise);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
