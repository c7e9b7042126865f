/*
 * Reports on their way: signed, with a MAC, encrypted, both; and everything
 * that must not open one.
 */
#include <postern/suit_report.h>
#include <stdlib.h>

#include "suit_test.h"

enum { ROOM = 4096 };

/* A signer or a recipient with both halves of its key. */
struct party {
	struct pst_signer signer;
	struct pst_pubkey pub;
};

static void
shared_key(struct pst_key *key)
{
	memset(key, 0, sizeof(*key));
	key->pub.kty = PST_KTY_SYMMETRIC;
	key->secret_len = 16;
	memset(key->secret, 7, 16);
}

static struct party
party(int32_t alg)
{
	struct party p;
	struct pst_key key;

	memset(&p, 0, sizeof(p));
	if (alg == PST_ALG_A128GCM)
		shared_key(&key);
	else if (pst_key_generate(alg, &key) != PST_OK)
		abort();
	if (pst_openssl_add(fixture()->port, &key, &p.signer.key) != PST_OK)
		abort();
	p.signer.alg = alg;
	p.pub = key.pub;
	pst_key_wipe(&key);
	return p;
}

/* The keys that a reader has. */
struct reader {
	struct party signer, recipient;
	struct pst_keys signers, recipients;
	struct pst_suit_report_open_args args;
};

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	const struct reader *r = ctx;

	(void)headers;
	if (attempt > 0 || r->signer.pub.kty == 0)
		return PST_ERR_NOT_FOUND;
	*key = r->signer.pub;
	*who = 5;
	return PST_OK;
}

static enum pst_err
find_mac(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	const struct reader *r = ctx;

	(void)headers;
	if (attempt > 0 || r->signer.pub.kty != PST_KTY_SYMMETRIC)
		return PST_ERR_NOT_FOUND;
	*key = r->signer.signer.key;
	*who = 5;
	return PST_OK;
}

static enum pst_err
find_recipient(void *ctx, const struct pst_cose_headers *headers,
    size_t attempt, uint32_t *key, uint32_t *who)
{
	const struct reader *r = ctx;

	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = r->recipient.signer.key;
	*who = 6;
	return PST_OK;
}

static void
reader_init(struct reader *r, struct party signer, struct party recipient)
{
	memset(r, 0, sizeof(*r));
	r->signer = signer;
	r->recipient = recipient;
	r->signers.ctx = r;
	r->signers.find = find;
	r->signers.find_secret = find_mac;
	r->recipients.ctx = r;
	r->recipients.find_secret = find_recipient;
	r->args.signers = &r->signers;
	r->args.recipients = &r->recipients;
}

static const int32_t signing[] = { 0, PST_ALG_ESP256, PST_ALG_ED25519,
	PST_ALG_HMAC_256 };
static const int32_t sealing[] = { 0, PST_ALG_A128GCM, PST_ALG_CHACHA_POLY,
	PST_ALG_A128CTR };
enum { WAYS = 4 };

static struct party
signer_of(int way)
{
	static struct party made[WAYS];

	if (made[way].signer.alg == 0 && signing[way] != 0)
		made[way] = party(signing[way]);
	return made[way];
}

static struct party
recipient(void)
{
	static struct party made;

	if (made.signer.alg == 0)
		made = party(PST_ALG_ESP256);
	return made;
}

/* A report of a failure, with a record and a nonce. */
static struct pst_bytes
plain_report(void)
{
	static uint8_t out[512];
	static const uint8_t zeros[32];
	uint8_t records[128];
	struct pst_suit_digest digest = { PST_ALG_SHA256,
		{ zeros, sizeof(zeros) } };
	struct pst_suit_report r;
	struct pst_cbor_writer w;

	pst_suit_report_init(&r, records, sizeof(records));
	pst_suit_report_add(&r, B("\x85\x80\x14\x05\x00\xa0"));
	r.err = PST_ERR_SUIT_CONDITION;
	r.reason = PST_SUIT_REASON_CONDITION_FAILED;
	r.record.section = PST_SUIT_INSTALL;
	pst_cbor_writer_init(&w, out, sizeof(out));
	if (pst_suit_report_encode(&w, &r, B("https://x.example/m"), &digest,
		B("nonce678")) != PST_OK)
		abort();
	return pst_cbor_written(&w);
}

struct protected
{
	uint8_t bytes[ROOM];
	size_t len;
};

static enum pst_err
protect(struct protected *p, int sign, int seal)
{
	static uint8_t work[ROOM];
	struct party signer = signer_of(sign), to = recipient();
	struct pst_suit_report_cover cover = { 0 };
	struct pst_bytes report = plain_report();

	if (signing[sign] != 0)
		cover.signer = &signer.signer;
	if (sealing[seal] != 0)
		cover.to = &to.pub;
	cover.alg = sealing[seal];
	cover.to_kid = B("TAM");
	memcpy(p->bytes, report.ptr, report.len);
	p->len = report.len;
	return pst_suit_report_protect(fixture()->crypto, &cover, p->bytes,
	    sizeof(p->bytes), &p->len, work, sizeof(work));
}

static enum pst_err
opened(const struct reader *r, const uint8_t *in, size_t len,
    struct pst_suit_report_opened *o)
{
	static uint8_t out[ROOM];

	return pst_suit_report_open((struct pst_bytes){ in, len },
	    fixture()->crypto, &r->args, out, sizeof(out), o);
}

static bool
is_the_report(const struct pst_suit_report_opened *o)
{
	return pst_equal(o->report.payload, plain_report());
}

static uint32_t
form_of(int sign, int seal)
{
	uint32_t form = sealing[seal] != 0 ? PST_SUIT_REPORT_ENCRYPTED : 0;

	if (signing[sign] == PST_ALG_HMAC_256)
		return form | PST_SUIT_REPORT_MAC;
	return signing[sign] != 0 ? form | PST_SUIT_REPORT_SIGNED : form;
}

static bool
possible(int sign, int seal)
{
	return sealing[seal] != PST_ALG_A128CTR || signing[sign] != 0;
}

/* Calls f with each way that a report can be protected, and its reader. */
static void
each_way(
    void (*f)(const struct protected *p, struct reader *r, int sign, int seal))
{
	static struct protected p;
	struct reader r;
	int sign, seal;

	for (sign = 0; sign < WAYS; sign++) {
		for (seal = 0; seal < WAYS; seal++) {
			if (!possible(sign, seal))
				continue;
			CHECK_EQ(protect(&p, sign, seal), PST_OK);
			reader_init(&r, signer_of(sign), recipient());
			f(&p, &r, sign, seal);
			CHECK_CASE();
		}
	}
}

static void
goes_round(const struct protected *p, struct reader *r, int sign, int seal)
{
	struct pst_suit_report_opened o;
	struct pst_suit_report_view view;

	CHECK_EQ(opened(r, p->bytes, p->len, &o), PST_OK);
	CHECK_EQ(o.form, form_of(sign, seal));
	CHECK(is_the_report(&o));
	CHECK_EQ(o.report.alg, signing[sign]);
	CHECK_EQ(o.report.who, signing[sign] != 0 ? 5 : 0);
	CHECK_EQ(pst_suit_report_decode(&o.report, &view, NULL), PST_OK);
	CHECK_EQ(view.reason, PST_SUIT_REASON_CONDITION_FAILED);
	if (sealing[seal] != 0)
		CHECK(memmem(p->bytes, p->len, "x.example", 9) == NULL);
}

static void
every_way_of_protection_goes_round(void)
{
	each_way(goes_round);
}

/* d2, d1: one byte of tag; d8 60: two. */
static void
opens_untagged(const struct protected *p, struct reader *r, int sign, int seal)
{
	size_t tag = signing[sign] != 0 ? 1 : sealing[seal] != 0 ? 2 : 0;
	struct pst_suit_report_opened o;

	CHECK_EQ(opened(r, p->bytes + tag, p->len - tag, &o), PST_OK);
	CHECK_EQ(o.form, form_of(sign, seal));
	CHECK(is_the_report(&o));
}

static void
tags_may_be_missing(void)
{
	each_way(opens_untagged);
}

static void
refuses_other_keys(
    const struct protected *p, struct reader *r, int sign, int seal)
{
	struct pst_suit_report_opened o;
	struct reader other = *r;

	if (signing[sign] != 0) {
		reader_init(&other, party(signing[sign]), r->recipient);
		CHECK_EQ(opened(&other, p->bytes, p->len, &o),
		    PST_ERR_COSE_SIGNATURE);
		other.args.signers = NULL;
		CHECK_EQ(
		    opened(&other, p->bytes, p->len, &o), PST_ERR_COSE_KEY);
	}
	if (sealing[seal] != 0) {
		reader_init(&other, r->signer, party(PST_ALG_ESP256));
		CHECK_EQ(
		    opened(&other, p->bytes, p->len, &o), PST_ERR_COSE_DECRYPT);
		other.args.recipients = NULL;
		CHECK_EQ(
		    opened(&other, p->bytes, p->len, &o), PST_ERR_COSE_KEY);
	}
	CHECK_EQ(o.report.payload.len,
	    form_of(sign, seal) == 0 ? o.report.payload.len : 0);
}

static void
another_key_opens_nothing(void)
{
	each_way(refuses_other_keys);
}

/* The signer of one kind of key, tried with a message of another. */
static void
refuses_other_algs(
    const struct protected *p, struct reader *r, int sign, int seal)
{
	struct pst_suit_report_opened o;
	struct reader other;
	int i;

	(void)seal;
	for (i = 1; i < WAYS && signing[sign] != 0; i++) {
		if (i == sign)
			continue;
		reader_init(&other, signer_of(i), r->recipient);
		CHECK(opened(&other, p->bytes, p->len, &o) != PST_OK);
	}
}

static void
a_key_of_another_algorithm_verifies_nothing(void)
{
	each_way(refuses_other_algs);
}

/* What changes without notice is in an unprotected header: a kid. */
static void
refuses_changes(const struct protected *p, struct reader *r, int sign, int seal)
{
	static struct protected bad;
	struct pst_suit_report_opened o;
	size_t i, unharmed = 0;

	if (form_of(sign, seal) == 0)
		return;
	bad = *p;
	for (i = 0; i < p->len; i++) {
		bad.bytes[i] ^= 1;
		if (opened(r, bad.bytes, bad.len, &o) == PST_OK) {
			CHECK(is_the_report(&o));
			unharmed++;
		}
		bad.bytes[i] ^= 1;
	}
	/* The recipient's kid, its label and head; a tag that another may
	 * stand in for is not among them. */
	CHECK(unharmed <= 6);
}

static void
an_altered_report_is_refused(void)
{
	each_way(refuses_changes);
}

static void
refuses_truncation(
    const struct protected *p, struct reader *r, int sign, int seal)
{
	struct pst_suit_report_opened o;
	uint8_t *exact;
	size_t len;

	if (form_of(sign, seal) == 0)
		return;
	for (len = 0; len < p->len; len++) {
		exact = malloc(len + 1);
		CHECK(exact != NULL);
		memcpy(exact, p->bytes, len);
		CHECK(opened(r, exact, len, &o) != PST_OK);
		free(exact);
	}
}

static void
every_truncation_is_refused(void)
{
	each_way(refuses_truncation);
}

/* draft-ietf-suit-report, Section "SUIT_Report Container": AES-CTR "is not
 * integrity protected and authenticated". */
static void
ctr_needs_something_that_authenticates(void)
{
	static uint8_t content[ROOM];
	static struct protected p;
	struct party to = recipient();
	struct pst_cose_recipient recipient = { PST_ALG_ECDH_ES_A128KW, 0,
		&to.pub, { NULL, 0 } };
	struct pst_cose_encrypt_args args = { 0 };
	struct pst_suit_report_opened o;
	struct pst_cbor_writer w;
	struct reader r;
	size_t len;

	CHECK_EQ(protect(&p, 0, 3), PST_ERR_COSE_ALG);
	CHECK_EQ(p.len, 0);
	args.alg = PST_ALG_A128CTR;
	args.unauthenticated = true;
	args.kdf_other = PST_COSE_KDF_REPORT;
	args.recipients = &recipient;
	args.count = 1;
	pst_cbor_writer_init(&w, p.bytes, sizeof(p.bytes));
	CHECK_EQ(pst_cose_encrypt(&w, fixture()->crypto, &args, plain_report(),
		     content, &len),
	    PST_OK);
	reader_init(&r, signer_of(1), to);
	CHECK_EQ(opened(&r, p.bytes, w.len, &o), PST_ERR_COSE_ALG);
	r.args.authentic = true;
	CHECK_EQ(opened(&r, p.bytes, w.len, &o), PST_OK);
	CHECK(is_the_report(&o));
}

/* --- other shapes --------------------------------------------------------- */

struct shape {
	struct pst_bytes plain, other; /* plaintext, SuppPubInfo.other */
	bool detached;
	enum pst_err want;
};

static void
only_a_report_for_this_purpose_opens(void)
{
	static uint8_t content[ROOM], wrapped[ROOM], bytes[ROOM];
	struct pst_bytes report = plain_report();
	struct party to = recipient();
	struct pst_cose_recipient recipient = { PST_ALG_ECDH_ES_A128KW, 0,
		&to.pub, { NULL, 0 } };
	struct pst_suit_report_opened o;
	struct pst_cbor_writer w;
	struct reader r;
	size_t i, len;

	pst_cbor_writer_init(&w, wrapped, sizeof(wrapped));
	pst_cbor_put_bstr(&w, report);
	{
		const struct shape shapes[] = {
			{ report, PST_COSE_KDF_REPORT, false, PST_OK },
			{ pst_cbor_written(&w), PST_COSE_KDF_REPORT, false,
			    PST_OK },
			{ report, PST_COSE_KDF_SUIT, false,
			    PST_ERR_COSE_DECRYPT },
			{ report, PST_COSE_KDF_EAT, false,
			    PST_ERR_COSE_DECRYPT },
			{ report, { NULL, 0 }, false, PST_ERR_COSE_DECRYPT },
			{ report, PST_COSE_KDF_REPORT, true,
			    PST_ERR_COSE_STRUCTURE },
			{ B("\x01"), PST_COSE_KDF_REPORT, false,
			    PST_ERR_COSE_STRUCTURE },
			{ B(""), PST_COSE_KDF_REPORT, false,
			    PST_ERR_COSE_STRUCTURE },
		};

		reader_init(&r, signer_of(1), to);
		for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			struct pst_cose_encrypt_args args = { 0 };

			args.alg = PST_ALG_A128GCM;
			args.detached = shapes[i].detached;
			args.kdf_other = shapes[i].other;
			args.recipients = &recipient;
			args.count = 1;
			pst_cbor_writer_init(&w, bytes, sizeof(bytes));
			CHECK_EQ(pst_cose_encrypt(&w, fixture()->crypto, &args,
				     shapes[i].plain, content, &len),
			    PST_OK);
			CHECK_EQ(opened(&r, bytes, w.len, &o), shapes[i].want);
			if (shapes[i].want == PST_OK)
				CHECK(is_the_report(&o));
		}
	}
}

static void
encrypt0_under_a_shared_key_opens(void)
{
	static uint8_t content[ROOM], bytes[ROOM];
	struct pst_cose_recipient direct = { PST_ALG_DIRECT, 0, NULL,
		{ NULL, 0 } };
	struct pst_cose_encrypt_args args = { 0 };
	struct pst_suit_report_opened o;
	struct party shared = party(PST_ALG_A128GCM);
	struct pst_cbor_writer w;
	struct reader r;
	size_t len;

	direct.key = shared.signer.key;
	args.alg = PST_ALG_A128GCM;
	args.recipients = &direct;
	args.count = 1;
	pst_cbor_writer_init(&w, bytes, sizeof(bytes));
	CHECK_EQ(pst_cose_encrypt0(&w, fixture()->crypto, &args, plain_report(),
		     content, &len),
	    PST_OK);
	reader_init(&r, signer_of(1), shared);
	CHECK_EQ(opened(&r, bytes, w.len, &o), PST_OK);
	CHECK_EQ(o.form, PST_SUIT_REPORT_ENCRYPTED);
	CHECK(is_the_report(&o));
}

/* One signature, and one encryption inside it: nothing else. */
static void
layers_stand_in_one_order(void)
{
	static struct protected p, twice;
	struct party signer = signer_of(1);
	struct pst_cose_sign_args args = { 0 };
	struct pst_suit_report_opened o;
	struct pst_cbor_writer w;
	struct reader r;

	reader_init(&r, signer, recipient());
	CHECK_EQ(protect(&p, 1, 0), PST_OK);
	args.payload = (struct pst_bytes){ p.bytes, p.len };
	args.signers = &signer.signer;
	args.count = 1;
	pst_cbor_writer_init(&w, twice.bytes, sizeof(twice.bytes));
	CHECK_EQ(pst_cose_sign1(&w, fixture()->crypto, &args), PST_OK);
	CHECK_EQ(opened(&r, twice.bytes, w.len, &o), PST_ERR_COSE_STRUCTURE);
	/* COSE_Sign is no SUIT_Report_Protected. */
	args.payload = plain_report();
	pst_cbor_writer_init(&w, twice.bytes, sizeof(twice.bytes));
	CHECK_EQ(pst_cose_sign(&w, fixture()->crypto, &args), PST_OK);
	CHECK_EQ(opened(&r, twice.bytes, w.len, &o), PST_ERR_COSE_STRUCTURE);
	/* A payload outside is nothing that this can read. */
	args.detached = true;
	pst_cbor_writer_init(&w, twice.bytes, sizeof(twice.bytes));
	CHECK_EQ(pst_cose_sign1(&w, fixture()->crypto, &args), PST_OK);
	CHECK_EQ(opened(&r, twice.bytes, w.len, &o), PST_ERR_COSE_STRUCTURE);
	CHECK_EQ(
	    opened(&r, (const uint8_t *)"\x01", 1, &o), PST_ERR_COSE_STRUCTURE);
	CHECK_EQ(
	    opened(&r, (const uint8_t *)"", 0, &o), PST_ERR_COSE_STRUCTURE);
}

/* --- sizes -----------------------------------------------------------------
 */

static void
overhead_covers_the_longest_keys(void)
{
	static uint8_t buf[ROOM], work[ROOM];
	struct party signer = party(PST_ALG_ES512), to = party(PST_ALG_ES512);
	struct pst_suit_report_cover cover = { 0 };
	uint8_t kid[PST_KID_MAX] = { 0 };
	struct pst_bytes report = plain_report();
	size_t len = report.len;

	signer.signer.kid_len = PST_KID_MAX;
	cover.signer = &signer.signer;
	cover.to = &to.pub;
	cover.to_kid = (struct pst_bytes){ kid, sizeof(kid) };
	cover.alg = PST_ALG_CHACHA_POLY;
	memcpy(buf, report.ptr, report.len);
	CHECK_EQ(
	    pst_suit_report_protect(fixture()->crypto, &cover, buf, sizeof(buf),
		&len, work, len + pst_suit_report_overhead(&cover)),
	    PST_OK);
	CHECK(len <= report.len + pst_suit_report_overhead(&cover));
}

static void
a_small_buffer_is_told(void)
{
	static uint8_t buf[ROOM], work[ROOM];
	struct party signer = signer_of(2), to = recipient();
	struct pst_suit_report_cover cover = {
		.signer = &signer.signer, .to = &to.pub, .alg = PST_ALG_A128GCM
	};
	struct pst_bytes report = plain_report();
	struct pst_suit_report_opened o;
	static struct protected p;
	struct reader r;
	size_t cap, len, need;
	enum pst_err err;

	CHECK_EQ(protect(&p, 2, 1), PST_OK);
	need = p.len - 1 - 3; /* as above, without the kid and its label */
	for (cap = report.len; cap < need + 8; cap++) {
		memcpy(buf, report.ptr, report.len);
		len = report.len;
		err = pst_suit_report_protect(fixture()->crypto, &cover, buf,
		    cap, &len, work, sizeof(work));
		CHECK_EQ(err, len > 0 ? PST_OK : PST_ERR_SPACE);
		CHECK(len <= cap);
		CHECK(len > 0 || cap < need + 2);
	}
	for (cap = 0; cap < report.len + pst_suit_report_overhead(&cover);
	     cap++) {
		len = report.len;
		CHECK_EQ(pst_suit_report_protect(fixture()->crypto, &cover, buf,
			     sizeof(buf), &len, work, cap),
		    PST_ERR_SPACE);
		CHECK_EQ(len, 0);
	}
	reader_init(&r, signer, to);
	for (cap = 0; cap < report.len + PST_AEAD_TAG_LEN; cap++)
		CHECK_EQ(
		    pst_suit_report_open((struct pst_bytes){ p.bytes, p.len },
			fixture()->crypto, &r.args, buf, cap, &o),
		    PST_ERR_SPACE);
}

int
main(void)
{
	RUN(every_way_of_protection_goes_round);
	RUN(tags_may_be_missing);
	RUN(another_key_opens_nothing);
	RUN(a_key_of_another_algorithm_verifies_nothing);
	RUN(an_altered_report_is_refused);
	RUN(every_truncation_is_refused);
	RUN(ctr_needs_something_that_authenticates);
	RUN(only_a_report_for_this_purpose_opens);
	RUN(encrypt0_under_a_shared_key_opens);
	RUN(layers_stand_in_one_order);
	RUN(overhead_covers_the_longest_keys);
	RUN(a_small_buffer_is_told);
	TEST_END();
}
