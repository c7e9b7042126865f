/*
 * How reports leave the device: plain inside the message, signed, encrypted to
 * the TAM, both (draft-ietf-teep-protocol, "EATs and SUIT Reports").
 */
#include <postern/suit_report.h>

#include "cases.h"
#include "test.h"
#include "world.h"

#define V1 "one"

#define BEGIN() CHECK(world_begin())

/* The TAM's key for reports, whose private half is outside. */
static uint32_t tam_number;
static struct pst_pubkey tam_pub;

static bool
tam_key(void)
{
	struct pst_key key;
	bool ok;

	if (tam_number != 0)
		return true;
	ok = pst_key_generate(PST_ALG_ESP256, &key) == PST_OK &&
	    pst_openssl_add(w.outside, &key, &tam_number) == PST_OK;
	tam_pub = key.pub;
	pst_key_wipe(&key);
	return ok;
}

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	*key = w.config.report_pub;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

/* Only for a recipient that is named by the thumbprint of the TAM's key. */
static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	uint8_t kid[PST_THUMBPRINT_LEN];

	(void)ctx;
	*key = tam_number;
	*who = 0;
	if (pst_cose_thumbprint(pst_openssl_crypto(w.outside), &tam_pub, kid) !=
		PST_OK ||
	    !pst_equal(headers->kid, (struct pst_bytes){ kid, sizeof(kid) }))
		return PST_ERR_NOT_FOUND;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

/* Open the first report of the answer, which came like `form` says. */
static bool
came_as(uint32_t form, struct pst_suit_report_view *view)
{
	static uint8_t plain[8192];
	const struct pst_keys keys = { .find = find,
		.find_secret = find_secret };
	struct pst_suit_report_open_args args = { &keys, &keys, false };
	struct pst_list list = w.answer.suit_reports;
	struct pst_suit_report_opened o;
	struct pst_bytes raw;

	return pst_teep_next_bstr(&list, &raw) &&
	    pst_suit_report_open(raw, pst_openssl_crypto(w.outside), &args,
		plain, sizeof(plain), &o) == PST_OK &&
	    o.form == form &&
	    pst_suit_report_decode(&o.report, view, NULL) == PST_OK;
}

/* An Update that succeeds and one that fails, each with its report. */
static bool
both_come_as(uint32_t form)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	world_install("token-01", &m);
	if (!world_success() || !came_as(form, &view) || !view.success ||
	    !pst_equal(view.nonce, PST_BYTES_LIT("token-01")))
		return false;
	m.sequence = 0;
	world_install("token-02", &m);
	return w.answer.type == PST_TEEP_ERROR && came_as(form, &view) &&
	    view.reason == PST_SUIT_REASON_OPERATION_FAILED &&
	    pst_equal(view.nonce, PST_BYTES_LIT("token-02"));
}

static void
a_report_comes_as_the_anchor_of_the_tam_says(void)
{
	CHECK(tam_key());
	BEGIN();
	CHECK(both_come_as(0));
	BEGIN();
	w.tams[ONE].sign_reports = true;
	CHECK(both_come_as(PST_SUIT_REPORT_SIGNED));
	BEGIN();
	w.tams[ONE].encryption_key = tam_pub;
	CHECK(both_come_as(PST_SUIT_REPORT_ENCRYPTED));
	BEGIN();
	w.tams[ONE].sign_reports = true;
	w.tams[ONE].encryption_key = tam_pub;
	CHECK(both_come_as(PST_SUIT_REPORT_SIGNED | PST_SUIT_REPORT_ENCRYPTED));
}

static void
another_tams_key_changes_nothing(void)
{
	CHECK(tam_key());
	BEGIN();
	w.tams[TWO].encryption_key = tam_pub;
	w.tams[TWO].sign_reports = true;
	CHECK(both_come_as(0));
}

/* A report that is to be encrypted never leaves in clear. */
static void
without_ciphers_there_is_no_report(void)
{
	struct world_manifest m = world_hello(1, V1);

	CHECK(tam_key());
	BEGIN();
	w.tams[ONE].encryption_key = tam_pub;
	w.crypto_port.cipher_begin = NULL;
	world_install("token-01", &m);
	w.crypto_port = pst_mem_crypto_port(&w.crypto);
	CHECK(world_success());
	CHECK_EQ(w.answer.suit_reports.count, 0);
	CHECK(pst_equal(w.answer.token, PST_BYTES_LIT("token-01")));
	CHECK(world_tidy());
}

/* Whatever room there is: a report that opens, or none; the answer comes. */
static void
reports_fit_the_room_or_do_not_come(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;
	bool some = false, none = false;
	size_t cap;

	CHECK(tam_key());
	for (cap = 0; cap <= 2048; cap += 61) {
		BEGIN();
		w.tams[ONE].sign_reports = true;
		w.tams[ONE].encryption_key = tam_pub;
		w.memory.report_cap = cap;
		CHECK_EQ(world_reopen(), PST_OK);
		world_install("token-01", &m);
		CHECK(world_success());
		if (w.answer.suit_reports.count == 0) {
			none = true;
			continue;
		}
		some = true;
		CHECK(came_as(
		    PST_SUIT_REPORT_SIGNED | PST_SUIT_REPORT_ENCRYPTED, &view));
	}
	CHECK(some && none);
}

/* draft-ietf-suit-report, Section 4.2: a capability report is needed when "a
 * manifest attempts to use a capability that the Manifest Processor does not
 * implement". Its components are those that the TAM reaches. */
static void
what_is_not_supported_is_answered_with_what_is(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;

	BEGIN();
	m.first = PST_BYTES_LIT("\x18\x3e\x00");
	m.first_count = 2;
	world_install("token-01", &m);
	CHECK(came_as(0, &view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_COMMAND_UNSUPPORTED);
	CHECK(view.capability_report.len > 40);
	CHECK_EQ(memcmp(view.capability_report.ptr + 1,
		     "\x01\x82\x82\x41\xaa\xf5\x82\x41\xbb\xf5", 10),
	    0);
	m.first_count = 0;
	m.other_vendor = true;
	world_install("token-02", &m);
	CHECK(came_as(0, &view));
	CHECK_EQ(view.reason, PST_SUIT_REASON_CONDITION_FAILED);
	CHECK_EQ(view.capability_report.len, 0);
}

/* Every operation of the crypto port fails once: what comes is protected. */
static void
a_port_that_fails_gives_no_report_away(void)
{
	struct world_manifest m = world_hello(1, V1);
	struct pst_suit_report_view view;
	uint32_t n;

	CHECK(tam_key());
	for (n = 1; n < 60; n++) {
		BEGIN();
		w.tams[ONE].encryption_key = tam_pub;
		w.crypto.fault.fail_at = n;
		w.crypto.fault.with = PST_ERR_CRYPTO;
		world_install("token-01", &m);
		memset(&w.crypto.fault, 0, sizeof(w.crypto.fault));
		if (w.answer.suit_reports.count > 0)
			CHECK(came_as(PST_SUIT_REPORT_ENCRYPTED, &view));
		CHECK_EQ(w.crypto.ciphering, 0);
	}
}

void
report_cases(void)
{
	RUN(a_report_comes_as_the_anchor_of_the_tam_says);
	RUN(another_tams_key_changes_nothing);
	RUN(without_ciphers_there_is_no_report);
	RUN(reports_fit_the_room_or_do_not_come);
	RUN(what_is_not_supported_is_answered_with_what_is);
	RUN(a_port_that_fails_gives_no_report_away);
	agent_cases += test_cases;
	agent_failures += test_failures;
	test_cases = test_failures = 0;
}
