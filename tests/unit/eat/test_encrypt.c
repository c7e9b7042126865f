/*
 * EATs encrypted to a recipient. Foreign messages are made with the COSE
 * encoder, whose own tests compare it with published vectors.
 */
#include <postern/eat_encrypt.h>

#include "ports/openssl/openssl.h"
#include "test.h"

#define EAT PST_BYTES_LIT("\xd2\x84\x41\xa0\xa0\x43 no EAT, but bytes")

static const struct pst_bytes none = { NULL, 0 };
static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static struct pst_pubkey ours;
static uint32_t our_number, other_number;

static bool
make_key(int32_t alg, uint32_t *number, struct pst_pubkey *pub)
{
	struct pst_key key;
	bool ok;

	ok = pst_key_generate(alg, &key) == PST_OK &&
	    pst_openssl_add(port, &key, number) == PST_OK;
	if (pub != NULL)
		*pub = key.pub;
	pst_key_wipe(&key);
	return ok;
}

/* ctx is the number of the private key that there is. */
static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)headers;
	*key = *(uint32_t *)ctx;
	*who = 0;
	return attempt == 0 ? PST_OK : PST_ERR_NOT_FOUND;
}

static enum pst_err
opened(struct pst_bytes in, uint32_t *by, struct pst_bytes *plain)
{
	static uint8_t out[512];
	const struct pst_keys keys = { .ctx = by, .find_secret = find_secret };

	return pst_eat_decrypt(in, crypto, &keys, out, sizeof(out), plain);
}

static uint8_t buf[512], work[512];

static struct pst_bytes
encrypted(int32_t alg)
{
	size_t len = EAT.len;

	memcpy(buf, EAT.ptr, EAT.len);
	if (pst_eat_encrypt(crypto, alg, &ours, buf, sizeof(buf), &len, work,
		sizeof(work)) != PST_OK)
		return none;
	return (struct pst_bytes){ buf, len };
}

static void
what_is_encrypted_is_read_by_its_recipient_alone(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_CHACHA_POLY };
	struct pst_bytes msg, plain;
	size_t i;

	for (i = 0; i < 2; i++) {
		msg = encrypted(algs[i]);
		CHECK(msg.len > EAT.len);
		CHECK(msg.len <= EAT.len + PST_EAT_ENCRYPT_OVERHEAD);
		CHECK(pst_eat_encrypted(msg));
		CHECK_EQ(opened(msg, &our_number, &plain), PST_OK);
		CHECK(pst_equal(plain, EAT));
		CHECK_EQ(
		    opened(msg, &other_number, &plain), PST_ERR_COSE_DECRYPT);
		CHECK_EQ(plain.len, 0);
	}
}

static void
every_room_is_enough_or_refused(void)
{
	uint8_t small[512];
	struct pst_bytes plain, msg;
	size_t cap, len, fits = 0;
	enum pst_err err;

	for (cap = EAT.len; cap < 400; cap++) {
		len = EAT.len;
		memcpy(small, EAT.ptr, EAT.len);
		err = pst_eat_encrypt(crypto, PST_ALG_A128GCM, &ours, small,
		    cap, &len, work, sizeof(work));
		if (err != PST_OK) {
			CHECK_EQ(len, 0);
			CHECK_EQ(fits, 0);
			continue;
		}
		fits++;
		msg = (struct pst_bytes){ small, len };
		CHECK_EQ(opened(msg, &our_number, &plain), PST_OK);
	}
	CHECK(fits > 0);
	len = EAT.len;
	CHECK_EQ(pst_eat_encrypt(crypto, PST_ALG_A128GCM, &ours, small,
		     sizeof(small), &len, work, EAT.len + PST_AEAD_TAG_LEN - 1),
	    PST_ERR_SPACE);
}

/* AES-CTR without a digest of the content protects nothing. */
static void
only_authenticated_ciphers_are_sent(void)
{
	CHECK_EQ(encrypted(PST_ALG_A128CTR).len, 0);
}

/* Another message for our key; kdf and form vary. */
static struct pst_bytes
foreign(int32_t alg, struct pst_bytes kdf, bool untagged, bool detached)
{
	struct pst_cose_recipient to = { PST_ALG_ECDH_ES_A128KW, 0, &ours,
		{ NULL, 0 } };
	struct pst_cose_encrypt_args args = { .alg = alg,
		.untagged = untagged,
		.detached = detached,
		.kdf_other = kdf,
		.unauthenticated = true,
		.recipients = &to,
		.count = 1 };
	struct pst_cbor_writer w;
	size_t content;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	if (pst_cose_encrypt(&w, crypto, &args, EAT, work, &content) != PST_OK)
		return none;
	return pst_cbor_written(&w);
}

/* "The TAM MUST support each cipher suite": CTR is one of them. */
static void
all_ciphers_of_the_profiles_are_read(void)
{
	static const int32_t algs[] = { PST_ALG_A128CTR, PST_ALG_A128GCM,
		PST_ALG_CHACHA_POLY };
	struct pst_bytes plain;
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(
		    opened(foreign(algs[i], PST_COSE_KDF_EAT, i == 1, false),
			&our_number, &plain),
		    PST_OK);
		CHECK(pst_equal(plain, EAT));
	}
}

/* A report to the same key cannot be passed off as Evidence. */
static void
another_context_gives_another_key(void)
{
	struct pst_bytes plain;

	CHECK_EQ(
	    opened(foreign(PST_ALG_A128GCM, PST_COSE_KDF_REPORT, false, false),
		&our_number, &plain),
	    PST_ERR_COSE_DECRYPT);
	CHECK_EQ(
	    opened(foreign(PST_ALG_A128GCM, PST_COSE_KDF_SUIT, false, false),
		&our_number, &plain),
	    PST_ERR_COSE_DECRYPT);
	CHECK_EQ(opened(foreign(PST_ALG_A128GCM, none, false, false),
		     &our_number, &plain),
	    PST_ERR_COSE_DECRYPT);
}

/* "the content MUST NOT be detached" */
static void
detached_content_is_refused(void)
{
	struct pst_bytes plain;

	CHECK_EQ(opened(foreign(PST_ALG_A128GCM, PST_COSE_KDF_EAT, false, true),
		     &our_number, &plain),
	    PST_ERR_COSE_STRUCTURE);
}

static void
a_cwt_tag_may_stand_before_it(void)
{
	uint8_t tagged[512] = { 0xd8, 0x3d };
	struct pst_bytes msg = encrypted(PST_ALG_A128GCM), plain;

	memcpy(tagged + 2, msg.ptr, msg.len);
	msg = (struct pst_bytes){ tagged, msg.len + 2 };
	CHECK(pst_eat_encrypted(msg));
	CHECK_EQ(opened(msg, &our_number, &plain), PST_OK);
	CHECK(pst_equal(plain, EAT));
}

static void
other_payloads_do_not_look_encrypted(void)
{
	const struct pst_bytes payloads[] = {
		PST_BYTES_LIT(""),
		PST_BYTES_LIT("\xd2\x84\x41\xa0\xa0\x41 \x41s"),
		PST_BYTES_LIT("\x84\x41\xa0\xa0\x41 \x41s"),
		PST_BYTES_LIT("\xd8\x3d\xd2\x84\x41\xa0\xa0\x41 \x41s"),
		PST_BYTES_LIT("\xa3\x01\x60\x02\x40\x03\x40"),
		PST_BYTES_LIT("\x83\x01\x02\x03"),
		PST_BYTES_LIT("\x84\x01\x02\x03\x80"),
		PST_BYTES_LIT("\x83\x40"),
		PST_BYTES_LIT("\x02\x00\x00\x00 a report of SEV-SNP"),
	};
	size_t i;

	for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		CHECK(!pst_eat_encrypted(payloads[i]));
}

/* Nothing of a message that was touched comes out, but an alternative form
 * of the same message may: a bit of the head of its tag. */
static void
truncated_and_flipped_messages_do_not_open(void)
{
	uint8_t copy[512];
	struct pst_bytes msg = encrypted(PST_ALG_A128GCM), in, plain;
	size_t i;

	for (i = 0; i < msg.len; i++) {
		in = (struct pst_bytes){ msg.ptr, i };
		CHECK(opened(in, &our_number, &plain) != PST_OK);
		memcpy(copy, msg.ptr, msg.len);
		copy[i] ^= 1;
		in = (struct pst_bytes){ copy, msg.len };
		if (opened(in, &our_number, &plain) == PST_OK)
			CHECK(pst_equal(plain, EAT));
	}
}

/* A port that fails leaves nothing that could be sent. */
static void
a_key_that_cannot_agree_is_refused(void)
{
	struct pst_pubkey bad = ours;
	size_t len = EAT.len;

	bad.kty = PST_KTY_OKP;
	memcpy(buf, EAT.ptr, EAT.len);
	CHECK(pst_eat_encrypt(crypto, PST_ALG_A128GCM, &bad, buf, sizeof(buf),
		  &len, work, sizeof(work)) != PST_OK);
	CHECK_EQ(len, 0);
}

int
main(void)
{
	port = pst_openssl_new();
	if (port == NULL || (crypto = pst_openssl_crypto(port)) == NULL ||
	    !make_key(PST_ALG_ESP256, &our_number, &ours) ||
	    !make_key(PST_ALG_ESP256, &other_number, NULL))
		return 1;
	RUN(what_is_encrypted_is_read_by_its_recipient_alone);
	RUN(every_room_is_enough_or_refused);
	RUN(only_authenticated_ciphers_are_sent);
	RUN(all_ciphers_of_the_profiles_are_read);
	RUN(another_context_gives_another_key);
	RUN(detached_content_is_refused);
	RUN(a_cwt_tag_may_stand_before_it);
	RUN(other_payloads_do_not_look_encrypted);
	RUN(truncated_and_flipped_messages_do_not_open);
	RUN(a_key_that_cannot_agree_is_refused);
	pst_openssl_free(&port);
	TEST_END();
}
