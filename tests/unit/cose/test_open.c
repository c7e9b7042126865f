/*
 * Encrypt0, Encrypt and Mac: messages made here, with the port's primitives
 * and structures written out, and everything that must not open.
 */
#include <postern/cose_encrypt.h>
#include <stdlib.h>

#include "ports/mem/mem.h"
#include "ports/openssl/openssl.h"
#include "tests/test.h"

enum { TEXT_LEN = 100, MESSAGE_MAX = 4096 };

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static uint32_t kek, other_kek, direct, direct256, agent_key;
static struct pst_pubkey agent;
static uint8_t text[TEXT_LEN];
static const struct pst_bytes none = { NULL, 0 };

static uint32_t
secret(uint8_t fill, size_t len, int32_t alg)
{
	struct pst_key key;
	uint32_t number;

	memset(&key, 0, sizeof(key));
	key.pub.kty = PST_KTY_SYMMETRIC;
	key.pub.alg = alg;
	key.secret_len = len;
	memset(key.secret, fill, len);
	if (pst_openssl_add(port, &key, &number) != PST_OK)
		abort();
	return number;
}

static void
set_up(void)
{
	struct pst_key key;
	size_t i;

	port = pst_openssl_new();
	if (port == NULL || pst_key_generate(PST_ALG_ES256, &key) != PST_OK ||
	    pst_openssl_add(port, &key, &agent_key) != PST_OK)
		abort();
	agent = key.pub;
	crypto = pst_openssl_crypto(port);
	kek = secret(1, 16, 0);
	other_kek = secret(2, 16, 0);
	direct = secret(3, 16, PST_ALG_A128GCM);
	direct256 = secret(4, 32, 0);
	for (i = 0; i < TEXT_LEN; i++)
		text[i] = (uint8_t)(3 * i);
}

/* The keys that a case has, tried in this order; 0 ends them. */
static uint32_t ring[3];

static enum pst_err
find_secret(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    uint32_t *key, uint32_t *who)
{
	(void)ctx;
	(void)headers;
	if (attempt >= 3 || ring[attempt] == 0)
		return PST_ERR_NOT_FOUND;
	*key = ring[attempt];
	*who = (uint32_t)attempt + 7;
	return PST_OK;
}

static const struct pst_keys keys = { .find_secret = find_secret };

/* What a message is made of. */
struct plan {
	uint64_t kind;
	int32_t alg, recipient; /* recipient 0: Encrypt0 */
	bool detached, tagless;
	bool recipient_protected; /* alg of the recipient there */
	bool nested;
	size_t copies; /* recipients; the last one is good */
	struct pst_bytes kdf_other;
	struct pst_bytes aad;
};

struct made {
	uint8_t message[MESSAGE_MAX];
	struct pst_bytes all;
	uint8_t cipher[TEXT_LEN + 16];
	struct pst_bytes content;
};

static void
must(enum pst_err err)
{
	if (err != PST_OK)
		abort();
}

static struct pst_bytes
alg_map(uint8_t *buf, int32_t alg)
{
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, 16);
	pst_cbor_put_map(&w, 1);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_int(&w, alg);
	return pst_cbor_written(&w);
}

static size_t
key_len(int32_t alg)
{
	return alg == PST_ALG_A256GCM || alg == PST_ALG_A256CTR ||
		alg == PST_ALG_CHACHA_POLY || alg == PST_ALG_HMAC_256
	    ? 32
	    : 16;
}

static bool
is_ctr(int32_t alg)
{
	return alg == PST_ALG_A128CTR || alg == PST_ALG_A256CTR;
}

/* ["Encrypt0" / "Encrypt" / "MAC", protected, aad, ? payload] in one piece */
static struct pst_bytes
structure(const struct plan *p, uint8_t *buf)
{
	struct pst_cbor_writer w;
	uint8_t map[16];

	pst_cbor_writer_init(&w, buf, 512);
	pst_cbor_put_array(&w, p->kind == PST_TAG_MAC ? 4 : 3);
	pst_cbor_put_tstr(&w,
	    p->kind == PST_TAG_MAC	     ? PST_BYTES_LIT("MAC")
		: p->kind == PST_TAG_ENCRYPT ? PST_BYTES_LIT("Encrypt")
					     : PST_BYTES_LIT("Encrypt0"));
	pst_cbor_put_bstr(&w, alg_map(map, p->alg));
	pst_cbor_put_bstr(&w, p->aad);
	if (p->kind == PST_TAG_MAC)
		pst_cbor_put_bstr(&w, (struct pst_bytes){ text, TEXT_LEN });
	return pst_cbor_written(&w);
}

/* The KEK of an ECDH-ES+A128KW recipient; mine is the ephemeral key. */
static void
agreed(const struct plan *p, struct pst_pubkey *mine, uint8_t out[16])
{
	uint8_t context[128], map[16], z[PST_COORD_MAX];
	struct pst_secret ikm = { 0, { z, 0 } };
	struct pst_cbor_writer w;
	int i;

	must(crypto->ecdh_ephemeral(
	    crypto->ctx, &agent, mine, z, &ikm.bytes.len));
	pst_cbor_writer_init(&w, context, sizeof(context));
	pst_cbor_put_array(&w, 4);
	pst_cbor_put_int(&w, PST_ALG_A128KW);
	for (i = 0; i < 2; i++)
		pst_cbor_put_raw(&w, PST_BYTES_LIT("\x83\xf6\xf6\xf6"));
	pst_cbor_put_array(&w, p->kdf_other.ptr != NULL ? 3 : 2);
	pst_cbor_put_uint(&w, 128);
	pst_cbor_put_bstr(&w, alg_map(map, p->recipient));
	if (p->kdf_other.ptr != NULL)
		pst_cbor_put_bstr(&w, p->kdf_other);
	must(crypto->hkdf(crypto->ctx, PST_ALG_SHA256, ikm, none,
	    pst_cbor_written(&w), out, 16));
}

static void
put_recipient(struct pst_cbor_writer *w, const struct plan *p,
    struct pst_bytes cek, bool good)
{
	bool agree = p->recipient == PST_ALG_ECDH_ES_A128KW;
	struct pst_secret by = { good ? kek : other_kek, { NULL, 0 } };
	uint8_t wrapped[80], map[16], derived[16];
	struct pst_pubkey mine;
	size_t len = 0;

	if (agree) {
		agreed(p, &mine, derived);
		by = (struct pst_secret){ 0, { derived, 16 } };
	}
	if (p->recipient != PST_ALG_DIRECT)
		must(crypto->wrap(
		    crypto->ctx, by, PST_ALG_A128KW, cek, wrapped, &len));
	pst_cbor_put_array(w, p->nested ? 4 : 3);
	pst_cbor_put_bstr(w,
	    agree || p->recipient_protected ? alg_map(map, p->recipient)
					    : none);
	if (agree) {
		pst_cbor_put_map(w, 1);
		pst_cbor_put_int(w, -1);
		pst_cose_key_encode(w, &mine, none);
	} else {
		pst_cbor_put_raw(w,
		    p->recipient_protected ? PST_BYTES_LIT("\xa0")
					   : alg_map(map, p->recipient));
	}
	pst_cbor_put_bstr(w, (struct pst_bytes){ wrapped, len });
	if (p->nested)
		pst_cbor_put_raw(w, PST_BYTES_LIT("\x80"));
}

static void
encrypt(const struct plan *p, struct pst_secret key, struct made *m)
{
	static const uint8_t iv[16] = "0123456789abcdef";
	uint8_t buf[512];
	struct pst_bytes aad = structure(p, buf);
	uint32_t h;

	if (p->kind == PST_TAG_MAC) {
		m->content = (struct pst_bytes){ text, TEXT_LEN };
		return;
	}
	must(crypto->cipher_begin(crypto->ctx, p->alg, true, key,
	    (struct pst_bytes){ iv, is_ctr(p->alg) ? 16 : 12 }, &aad,
	    is_ctr(p->alg) ? 0 : 1, &h));
	must(crypto->cipher_update(
	    crypto->ctx, h, (struct pst_bytes){ text, TEXT_LEN }, m->cipher));
	must(crypto->cipher_end(crypto->ctx, h, m->cipher + TEXT_LEN));
	m->content = (struct pst_bytes){ m->cipher,
		TEXT_LEN + (is_ctr(p->alg) ? 0u : 16u) };
}

static void
put_headers(struct pst_cbor_writer *w, const struct plan *p)
{
	uint8_t map[16];

	pst_cbor_put_bstr(w, is_ctr(p->alg) ? none : alg_map(map, p->alg));
	if (p->kind == PST_TAG_MAC) {
		pst_cbor_put_map(w, 0);
		return;
	}
	pst_cbor_put_map(w, is_ctr(p->alg) ? 2 : 1);
	if (is_ctr(p->alg)) {
		pst_cbor_put_uint(w, 1);
		pst_cbor_put_int(w, p->alg);
	}
	pst_cbor_put_uint(w, 5);
	pst_cbor_put_bstr(w,
	    is_ctr(p->alg) ? PST_BYTES_LIT("0123456789abcdef")
			   : PST_BYTES_LIT("0123456789ab"));
}

static void
make(const struct plan *p, struct made *m)
{
	uint8_t cek_bytes[32], buf[512], tag[PST_DIGEST_MAX];
	struct pst_bytes cek = { cek_bytes, key_len(p->alg) };
	struct pst_secret key = { 0, cek };
	struct pst_bytes mac = { tag, 0 }, tbs;
	struct pst_cbor_writer w;
	size_t i;

	memset(cek_bytes, 9, sizeof(cek_bytes));
	if (p->recipient == 0 || p->recipient == PST_ALG_DIRECT)
		key = (struct pst_secret){
			key_len(p->alg) == 32 ? direct256 : direct, none
		};
	encrypt(p, key, m);
	pst_cbor_writer_init(&w, m->message, sizeof(m->message));
	if (!p->tagless)
		pst_cbor_put_tag(&w, p->kind);
	pst_cbor_put_array(&w,
	    p->kind == PST_TAG_MAC	     ? 5
		: p->kind == PST_TAG_ENCRYPT ? 4
					     : 3);
	put_headers(&w, p);
	if (p->detached)
		pst_cbor_put_null(&w);
	else
		pst_cbor_put_bstr(&w, m->content);
	if (p->kind == PST_TAG_MAC) {
		tbs = structure(p, buf);
		must(crypto->mac_with(
		    crypto->ctx, key, p->alg, &tbs, 1, tag, &mac.len));
		pst_cbor_put_bstr(&w, mac);
	}
	if (p->kind != PST_TAG_ENCRYPT0) {
		pst_cbor_put_array(&w, p->copies);
		for (i = 0; i < p->copies; i++)
			put_recipient(&w, p, cek, i + 1 == p->copies);
	}
	m->all = pst_cbor_written(&w);
	if (m->all.len == 0)
		abort();
}

static const struct plan gcm_kw = { PST_TAG_ENCRYPT, PST_ALG_A128GCM,
	PST_ALG_A128KW, .copies = 1 };
static const struct plan ctr_kw = { PST_TAG_ENCRYPT, PST_ALG_A128CTR,
	PST_ALG_A128KW, .copies = 1, .detached = true };
static const struct plan encrypt0 = { .kind = PST_TAG_ENCRYPT0,
	.alg = PST_ALG_A128GCM };
static const struct plan mac_kw = { PST_TAG_MAC, PST_ALG_HMAC_256,
	PST_ALG_A128KW, .copies = 1 };

/* Open with what is in ring and args; text must come out. */
static enum pst_err
open_with(const struct pst_crypto *by, struct pst_bytes in,
    struct pst_bytes detached, const struct pst_cose_open_args *args)
{
	uint8_t out[TEXT_LEN + 64];
	struct pst_cose_sealed msg;
	struct pst_verified verified;
	struct pst_bytes content;
	enum pst_err err = pst_cose_sealed_parse(in, &msg, NULL);
	size_t len = 0, i;

	if (err != PST_OK)
		return err;
	content = msg.detached ? detached : msg.content;
	if (msg.kind == PST_TAG_MAC) {
		err = pst_cose_mac_verify(&msg, content, by, args, &verified);
		return err;
	}
	if (content.len > sizeof(out))
		return PST_ERR_SPACE;
	memset(out, 0xee, sizeof(out));
	err = pst_cose_decrypt(&msg, content, by, args, out, &len, NULL);
	if (err == PST_OK && (len != TEXT_LEN || memcmp(out, text, len) != 0))
		return PST_ERR_STATE;
	/* nothing that is not authentic is left behind */
	for (i = 0; err != PST_OK && i < sizeof(out); i++) {
		if (out[i] != 0xee && out[i] != 0)
			return PST_ERR_STATE;
	}
	return err;
}

static enum pst_err
opens(const struct plan *p)
{
	struct pst_cose_open_args args = { .keys = &keys,
		.aad = p->aad,
		.kdf_other = p->kdf_other,
		.unauthenticated = is_ctr(p->alg) };
	struct made m;

	make(p, &m);
	return open_with(crypto, m.all, m.content, &args);
}

static void
use(uint32_t first, uint32_t second)
{
	ring[0] = first;
	ring[1] = second;
	ring[2] = 0;
}

static void
every_way_opens(void)
{
	static const int32_t ciphers[] = { PST_ALG_A128GCM, PST_ALG_A256GCM,
		PST_ALG_CHACHA_POLY, PST_ALG_A128CTR, PST_ALG_A256CTR };
	static const int32_t ways[] = { 0, PST_ALG_DIRECT, PST_ALG_A128KW,
		PST_ALG_ECDH_ES_A128KW };
	size_t i, j, k;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 4; j++) {
			for (k = 0; k < 4; k++) {
				struct plan p = { ways[j] == 0
					    ? PST_TAG_ENCRYPT0
					    : PST_TAG_ENCRYPT,
					ciphers[i], ways[j], k & 1, k & 2,
					.copies = 1 };

				/* its key is for GCM */
				if (ciphers[i] == PST_ALG_A128CTR && j < 2)
					continue;
				p.aad = PST_BYTES_LIT("aad");
				use(j == 3		       ? agent_key
					: j == 2	       ? kek
					: key_len(p.alg) == 32 ? direct256
							       : direct,
				    0);
				CHECK_EQ(opens(&p), PST_OK);
			}
		}
	}
}

static void
kdf_contexts_are_told_apart(void)
{
	const struct pst_bytes others[] = { none, PST_COSE_KDF_SUIT,
		PST_COSE_KDF_REPORT, PST_COSE_KDF_EAT };
	struct pst_cose_open_args args = { .keys = &keys };
	struct plan p = gcm_kw;
	struct made m;
	size_t i, j;

	use(agent_key, 0);
	p.recipient = PST_ALG_ECDH_ES_A128KW;
	for (i = 0; i < 4; i++) {
		p.kdf_other = others[i];
		make(&p, &m);
		for (j = 0; j < 4; j++) {
			args.kdf_other = others[j];
			CHECK_EQ(open_with(crypto, m.all, none, &args),
			    i == j ? PST_OK : PST_ERR_COSE_DECRYPT);
		}
	}
}

static void
ctr_only_for_who_asks(void)
{
	struct pst_cose_open_args args = { .keys = &keys };
	struct made m;

	use(kek, 0);
	make(&ctr_kw, &m);
	CHECK_EQ(open_with(crypto, m.all, m.content, &args), PST_ERR_COSE_ALG);
	args.unauthenticated = true;
	CHECK_EQ(open_with(crypto, m.all, m.content, &args), PST_OK);
}

static void
mac_verifies_and_what_it_covers(void)
{
	struct pst_cose_open_args args = { .keys = &keys };
	struct plan p = mac_kw;
	struct made m;

	use(other_kek, kek);
	p.aad = PST_BYTES_LIT("a");
	CHECK_EQ(opens(&p), PST_OK);
	make(&p, &m);
	CHECK_EQ(open_with(crypto, m.all, none, &args), PST_ERR_COSE_SIGNATURE);
	p.recipient = PST_ALG_DIRECT;
	use(direct256, 0);
	CHECK_EQ(opens(&p), PST_OK);
}

static void
the_right_key_is_found(void)
{
	struct plan p = gcm_kw;

	use(other_kek, kek);
	CHECK_EQ(opens(&p), PST_OK);
	use(other_kek, 0);
	CHECK_EQ(opens(&p), PST_ERR_COSE_DECRYPT);
	use(0, 0);
	CHECK_EQ(opens(&p), PST_ERR_COSE_KEY);
	/* a key of another length, then a wrong one, then the right one */
	use(direct256, direct);
	CHECK_EQ(opens(&encrypt0), PST_OK);
	ring[0] = other_kek;
	CHECK_EQ(opens(&encrypt0), PST_OK);
	use(direct256, other_kek);
	CHECK_EQ(opens(&encrypt0), PST_ERR_COSE_DECRYPT);
	/* a signature's or a private key is no secret */
	use(agent_key, 0);
	CHECK(opens(&encrypt0) != PST_OK);
	CHECK(opens(&gcm_kw) != PST_OK);
}

static void
recipients_have_their_bounds(void)
{
	struct plan p = gcm_kw;

	use(kek, 0);
	p.copies = PST_COSE_RECIPIENTS_MAX;
	CHECK_EQ(opens(&p), PST_OK);
	p.copies++;
	CHECK_EQ(opens(&p), PST_ERR_CBOR_RANGE);
	p.copies = 0;
	CHECK_EQ(opens(&p), PST_ERR_CBOR_RANGE);
	p.copies = 1;
	p.nested = true;
	CHECK_EQ(opens(&p), PST_ERR_UNSUPPORTED);
	p.nested = false;
	p.recipient_protected = true;
	CHECK_EQ(opens(&p), PST_ERR_COSE_STRUCTURE);
	/* RFC 9052, 8.5.1: a direct key is the only recipient's */
	p.recipient_protected = false;
	p.recipient = PST_ALG_DIRECT;
	use(direct, 0);
	CHECK_EQ(opens(&p), PST_OK);
	p.copies = 2;
	CHECK_EQ(opens(&p), PST_ERR_COSE_STRUCTURE);
	p.copies = 1;
	p.recipient = PST_ALG_HSS_LMS;
	CHECK_EQ(opens(&p), PST_ERR_COSE_ALG);
}

static void
refuses_every_truncation_and_flip(void)
{
	const struct plan *plans[] = { &gcm_kw, &encrypt0, &mac_kw };
	struct pst_cose_open_args args = { .keys = &keys };
	struct made m;
	size_t i, j;

	for (i = 0; i < 3; i++) {
		use(kek, direct);
		make(plans[i], &m);
		CHECK_EQ(open_with(crypto, m.all, none, &args), PST_OK);
		for (j = 0; j < m.all.len; j++) {
			struct pst_bytes cut = { m.message, j };

			CHECK(open_with(crypto, cut, none, &args) != PST_OK);
			m.message[j] ^= 0x10;
			CHECK(open_with(crypto, m.all, none, &args) != PST_OK);
			m.message[j] ^= 0x10;
		}
		m.message[m.all.len] = 0;
		m.all.len++;
		CHECK_EQ(open_with(crypto, m.all, none, &args),
		    PST_ERR_CBOR_TRAILING);
	}
}

/* In chunks of every size; whole says whether all of it comes. */
static enum pst_err
stream(const struct plan *p, size_t chunk, size_t cut, size_t *got)
{
	struct pst_cose_open_args args = { .keys = &keys,
		.unauthenticated = true };
	uint8_t out[TEXT_LEN + 64];
	struct pst_cose_opening o;
	struct pst_cose_sealed msg;
	struct made m;
	size_t next = 0, at = 0, len;
	enum pst_err err;

	make(p, &m);
	must(pst_cose_sealed_parse(m.all, &msg, NULL));
	must(pst_cose_open_begin(&o, &msg, crypto, &args, &next));
	*got = 0;
	while (at < m.content.len - cut) {
		size_t n = m.content.len - cut - at;

		n = n < chunk ? n : chunk;
		must(pst_cose_open_update(&o,
		    (struct pst_bytes){ m.content.ptr + at, n }, out + *got,
		    &len));
		at += n;
		*got += len;
	}
	err = pst_cose_open_end(&o);
	if (memcmp(out, text, *got) != 0 ||
	    pst_cose_open_end(&o) != PST_ERR_STATE ||
	    pst_cose_open_update(&o, none, out, &len) != PST_ERR_STATE)
		return PST_ERR_STATE;
	return err;
}

/* Likewise in place: each chunk comes behind what the one before left. */
static enum pst_err
stream_in_place(const struct plan *p, size_t chunk, size_t cut, size_t *got)
{
	struct pst_cose_open_args args = { .keys = &keys,
		.unauthenticated = true };
	uint8_t buf[PST_AEAD_TAG_LEN + TEXT_LEN + 64];
	struct pst_cose_opening o;
	struct pst_cose_sealed msg;
	struct pst_bytes plain;
	struct made m;
	size_t next = 0, at = 0, n;
	bool right = true;

	make(p, &m);
	must(pst_cose_sealed_parse(m.all, &msg, NULL));
	must(pst_cose_open_begin(&o, &msg, crypto, &args, &next));
	for (*got = 0; at < m.content.len - cut; at += n) {
		n = m.content.len - cut - at;
		n = n < chunk ? n : chunk;
		memset(buf, 0xa5, sizeof(buf));
		memcpy(buf + PST_AEAD_TAG_LEN, m.content.ptr + at, n);
		must(pst_cose_open_in_place(
		    &o, buf + PST_AEAD_TAG_LEN, n, &plain));
		right = right && plain.ptr >= buf &&
		    plain.ptr + plain.len <= buf + PST_AEAD_TAG_LEN + n &&
		    memcmp(plain.ptr, text + *got, plain.len) == 0;
		*got += plain.len;
	}
	return right ? pst_cose_open_end(&o) : PST_ERR_STATE;
}

static void
streams_in_chunks_of_any_size(void)
{
	struct plan p = gcm_kw;
	size_t chunk, got;

	use(kek, 0);
	p.detached = true;
	for (chunk = 1; chunk <= TEXT_LEN + 17; chunk++) {
		CHECK_EQ(stream(&p, chunk, 0, &got), PST_OK);
		CHECK_EQ(got, TEXT_LEN);
		CHECK_EQ(stream(&ctr_kw, chunk, 0, &got), PST_OK);
		CHECK_EQ(got, TEXT_LEN);
		CHECK_EQ(stream(&p, chunk, 1, &got), PST_ERR_COSE_DECRYPT);
		CHECK_EQ(stream_in_place(&p, chunk, 0, &got), PST_OK);
		CHECK_EQ(got, TEXT_LEN);
		CHECK_EQ(stream_in_place(&ctr_kw, chunk, 0, &got), PST_OK);
		CHECK_EQ(got, TEXT_LEN);
		CHECK_EQ(
		    stream_in_place(&p, chunk, 1, &got), PST_ERR_COSE_DECRYPT);
		CHECK_EQ(stream(&p, chunk, TEXT_LEN + 1, &got),
		    PST_ERR_COSE_DECRYPT);
		CHECK_EQ(got, 0);
	}
}

/* Every call of the port fails once: an error, and no handle left open. */
static void
faults_of_the_port_are_errors(void)
{
	const struct plan *plans[] = { &gcm_kw, &mac_kw, &encrypt0, &gcm_kw };
	struct pst_cose_open_args args = { .keys = &keys };
	struct pst_mem_crypto mem = { .inner = crypto };
	struct pst_crypto faulty = pst_mem_crypto_port(&mem);
	struct made m;
	uint64_t calls, i;
	size_t j;

	for (j = 0; j < 4; j++) {
		struct plan p = *plans[j];

		use(kek, 0);
		if (j == 2)
			use(direct, 0);
		if (j == 3) {
			p.recipient = PST_ALG_ECDH_ES_A128KW;
			use(agent_key, 0);
		}
		make(&p, &m);
		mem.fault = (struct pst_mem_fault){ 0 };
		CHECK_EQ(open_with(&faulty, m.all, none, &args), PST_OK);
		calls = mem.fault.calls;
		CHECK(calls > 0);
		for (i = 1; i <= calls; i++) {
			mem.fault = (struct pst_mem_fault){ .fail_at = i,
				.with = PST_ERR_CRYPTO };
			CHECK_EQ(open_with(&faulty, m.all, none, &args),
			    PST_ERR_CRYPTO);
			CHECK_EQ(mem.ciphering, 0);
		}
	}
}

static void
a_port_without_ciphers_says_so(void)
{
	struct pst_crypto bare = *crypto;
	struct pst_cose_open_args args = { .keys = &keys };
	struct made m;

	use(kek, 0);
	bare.cipher_begin = NULL;
	bare.mac_with = NULL;
	make(&gcm_kw, &m);
	CHECK_EQ(open_with(&bare, m.all, none, &args), PST_ERR_UNSUPPORTED);
	make(&mac_kw, &m);
	CHECK_EQ(open_with(&bare, m.all, none, &args), PST_ERR_UNSUPPORTED);
}

/* What the core writes, the core opens, and only so. */
static enum pst_err
round_trip(struct pst_cose_encrypt_args *args, bool zero, uint32_t key)
{
	static uint8_t buf[MESSAGE_MAX], content[TEXT_LEN + PST_AEAD_TAG_LEN];
	struct pst_cose_open_args how = { .keys = &keys,
		.aad = args->aad,
		.kdf_other = args->kdf_other,
		.unauthenticated = args->unauthenticated };
	struct pst_bytes plain = { text, TEXT_LEN };
	struct pst_cbor_writer w;
	size_t len = 0;
	enum pst_err err;

	use(key, 0);
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	err = (zero ? pst_cose_encrypt0 : pst_cose_encrypt)(
	    &w, crypto, args, plain, content, &len);
	if (err != PST_OK)
		return w.err == err ? err : PST_ERR_STATE;
	return open_with(crypto, pst_cbor_written(&w),
	    (struct pst_bytes){ content, len }, &how);
}

static void
what_is_written_opens(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_A256GCM,
		PST_ALG_CHACHA_POLY, PST_ALG_A128CTR, PST_ALG_A256CTR };
	struct pst_cose_recipient to[2] = { { PST_ALG_A128KW, other_kek, NULL,
						PST_BYTES_LIT("first") },
		{ PST_ALG_ECDH_ES_A128KW, 0, &agent, PST_BYTES_LIT("agent") } };
	struct pst_cose_encrypt_args args = { .recipients = to, .count = 2 };
	size_t i;

	args.kdf_other = PST_COSE_KDF_SUIT;
	for (i = 0; i < 10; i++) {
		args.alg = algs[i / 2];
		args.detached = i % 2 == 1;
		args.unauthenticated = is_ctr(args.alg);
		args.aad = is_ctr(args.alg) ? none : PST_BYTES_LIT("aad");
		CHECK_EQ(round_trip(&args, false, other_kek), PST_OK);
		CHECK_EQ(round_trip(&args, false, kek), PST_ERR_COSE_DECRYPT);
		args.recipients = &to[1];
		args.count = 1;
		CHECK_EQ(round_trip(&args, false, agent_key), PST_OK);
		args.recipients = to;
		args.count = 2;
	}
}

/* Encrypt in chunks, in place; PST_OK when the message opens to the text. */
static enum pst_err
sealed_in_chunks(const struct pst_crypto *with,
    const struct pst_cose_encrypt_args *args, size_t chunk)
{
	static uint8_t buf[MESSAGE_MAX], content[TEXT_LEN + PST_AEAD_TAG_LEN];
	struct pst_cose_open_args how = { .keys = &keys,
		.kdf_other = args->kdf_other,
		.unauthenticated = args->unauthenticated };
	struct pst_cose_sealing s;
	struct pst_cbor_writer w;
	size_t at = 0, n, tag;
	enum pst_err err;

	memcpy(content, text, TEXT_LEN);
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	err = pst_cose_encrypt_begin(&s, &w, with, args);
	for (; err == PST_OK && at < TEXT_LEN; at += n) {
		n = TEXT_LEN - at < chunk ? TEXT_LEN - at : chunk;
		err = pst_cose_encrypt_update(
		    &s, (struct pst_bytes){ content + at, n }, content + at);
	}
	if (err == PST_OK)
		err = pst_cose_encrypt_end(&s, content + TEXT_LEN, &tag);
	if (err != PST_OK)
		return s.running ? PST_ERR_STATE : err;
	if (pst_cose_encrypt_end(&s, content, &n) != PST_ERR_STATE)
		return PST_ERR_ARG;
	return open_with(crypto, pst_cbor_written(&w),
	    (struct pst_bytes){ content, TEXT_LEN + tag }, &how);
}

static void
what_is_encrypted_in_chunks_opens(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_CHACHA_POLY,
		PST_ALG_A128CTR, PST_ALG_A256CTR };
	struct pst_cose_recipient to[2] = { { PST_ALG_A128KW, kek, NULL,
						{ NULL, 0 } },
		{ PST_ALG_ECDH_ES_A128KW, 0, &agent, PST_BYTES_LIT("agent") } };
	struct pst_cose_encrypt_args args = { .recipients = to, .count = 2 };
	struct pst_mem_crypto mem = { .inner = crypto };
	struct pst_crypto faulty = pst_mem_crypto_port(&mem);
	uint64_t calls, i;
	size_t chunk, j;

	args.kdf_other = PST_COSE_KDF_SUIT;
	for (j = 0; j < 4; j++) {
		args.alg = algs[j];
		args.detached = true;
		args.unauthenticated = is_ctr(args.alg);
		for (chunk = 1; chunk <= TEXT_LEN; chunk++) {
			use(chunk % 2 ? kek : agent_key, 0);
			CHECK_EQ(
			    sealed_in_chunks(crypto, &args, chunk), PST_OK);
		}
		mem.fault = (struct pst_mem_fault){ 0 };
		CHECK_EQ(sealed_in_chunks(&faulty, &args, 16), PST_OK);
		calls = mem.fault.calls;
		for (i = 1; i <= calls; i++) {
			mem.fault = (struct pst_mem_fault){ .fail_at = i,
				.with = PST_ERR_CRYPTO };
			CHECK_EQ(sealed_in_chunks(&faulty, &args, 16),
			    PST_ERR_CRYPTO);
			CHECK_EQ(mem.ciphering, 0);
		}
		args.detached = false;
		CHECK_EQ(sealed_in_chunks(crypto, &args, 16), PST_ERR_ARG);
	}
}

/* Write msg again for `to`; PST_OK when that opens to the text as it was. */
static enum pst_err
rewrapped(const struct pst_crypto *with, struct pst_bytes msg,
    struct pst_bytes content, const struct pst_cose_encrypt_args *to,
    uint32_t opens)
{
	static uint8_t buf[MESSAGE_MAX];
	struct pst_cose_open_args how = { .keys = &keys,
		.kdf_other = to->kdf_other,
		.unauthenticated = true };
	struct pst_cose_sealed sealed;
	struct pst_cbor_writer w;
	enum pst_err err;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	err = pst_cose_sealed_parse(msg, &sealed, NULL);
	if (err == PST_OK)
		err = pst_cose_rewrap(&w, with, &sealed, &how, to);
	if (err != PST_OK)
		return err;
	use(opens, 0);
	return open_with(crypto, pst_cbor_written(&w), content, &how);
}

static void
what_is_wrapped_again_opens_for_others_only(void)
{
	static const int32_t algs[] = { PST_ALG_A128GCM, PST_ALG_CHACHA_POLY,
		PST_ALG_A128CTR, PST_ALG_A256CTR };
	static uint8_t buf[MESSAGE_MAX], content[TEXT_LEN + PST_AEAD_TAG_LEN];
	struct pst_cose_recipient first = { PST_ALG_A128KW, kek, NULL,
		{ NULL, 0 } };
	struct pst_cose_recipient other = { PST_ALG_ECDH_ES_A128KW, 0, &agent,
		{ NULL, 0 } };
	struct pst_cose_encrypt_args args = { .detached = true,
		.unauthenticated = true,
		.recipients = &first,
		.count = 1 };
	struct pst_cose_encrypt_args to = { .kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = true,
		.recipients = &other,
		.count = 1 };
	struct pst_mem_crypto mem = { .inner = crypto };
	struct pst_crypto faulty = pst_mem_crypto_port(&mem);
	struct pst_bytes msg, sealed = { content, 0 };
	struct pst_cbor_writer w;
	uint64_t calls, i;
	size_t j;

	for (j = 0; j < 4; j++) {
		args.alg = algs[j];
		pst_cbor_writer_init(&w, buf, sizeof(buf));
		CHECK_EQ(pst_cose_encrypt(&w, crypto, &args,
			     (struct pst_bytes){ text, TEXT_LEN }, content,
			     &sealed.len),
		    PST_OK);
		msg = pst_cbor_written(&w);
		use(kek, 0);
		CHECK_EQ(
		    rewrapped(crypto, msg, sealed, &to, agent_key), PST_OK);
		use(kek, 0);
		CHECK(rewrapped(crypto, msg, sealed, &to, kek) != PST_OK);
		use(agent_key, 0);
		CHECK_EQ(rewrapped(crypto, msg, sealed, &to, agent_key),
		    PST_ERR_COSE_KEY);
		use(kek, 0);
		mem.fault = (struct pst_mem_fault){ 0 };
		CHECK_EQ(
		    rewrapped(&faulty, msg, sealed, &to, agent_key), PST_OK);
		calls = mem.fault.calls;
		CHECK(calls > 2);
		for (i = 1; i <= calls; i++) {
			use(kek, 0);
			mem.fault = (struct pst_mem_fault){ .fail_at = i,
				.with = PST_ERR_CRYPTO };
			CHECK_EQ(
			    rewrapped(&faulty, msg, sealed, &to, agent_key),
			    PST_ERR_CRYPTO);
		}
	}
	use(kek, 0);
	to.recipients = &first;
	first.alg = PST_ALG_DIRECT;
	CHECK_EQ(rewrapped(crypto, msg, sealed, &to, kek), PST_ERR_ARG);
	to.recipients = &other;
	args.recipients = &first;
	first.key = direct;
	args.alg = PST_ALG_A128GCM;
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	CHECK_EQ(
	    pst_cose_encrypt(&w, crypto, &args,
		(struct pst_bytes){ text, TEXT_LEN }, content, &sealed.len),
	    PST_OK);
	use(direct, 0);
	CHECK_EQ(
	    rewrapped(crypto, pst_cbor_written(&w), sealed, &to, agent_key),
	    PST_ERR_COSE_STRUCTURE);
}

static void
direct_keys_and_what_is_refused(void)
{
	struct pst_cose_recipient to[2] = { { PST_ALG_DIRECT, direct, NULL,
						{ NULL, 0 } },
		{ PST_ALG_A128KW, kek, NULL, { NULL, 0 } } };
	struct pst_cose_encrypt_args args = {
		.alg = PST_ALG_A128GCM, .recipients = to, .count = 1
	};

	CHECK_EQ(round_trip(&args, false, direct), PST_OK);
	CHECK_EQ(round_trip(&args, true, direct), PST_OK);
	args.count = 2;
	CHECK_EQ(round_trip(&args, false, direct), PST_ERR_ARG);
	CHECK_EQ(round_trip(&args, true, direct), PST_ERR_ARG);
	args.count = 0;
	CHECK_EQ(round_trip(&args, false, direct), PST_ERR_ARG);
	args.count = PST_COSE_RECIPIENTS_MAX + 1;
	CHECK_EQ(round_trip(&args, false, direct), PST_ERR_ARG);
	args.count = 1;
	args.recipients = &to[1];
	CHECK_EQ(round_trip(&args, true, kek), PST_ERR_ARG);
	args.alg = PST_ALG_A128CTR;
	CHECK_EQ(round_trip(&args, false, kek), PST_ERR_COSE_ALG);
	args.unauthenticated = true;
	CHECK_EQ(round_trip(&args, false, kek), PST_OK);
	args.aad = PST_BYTES_LIT("aad");
	CHECK_EQ(round_trip(&args, false, kek), PST_ERR_ARG);
	args.alg = PST_ALG_HMAC_256;
	CHECK_EQ(round_trip(&args, false, kek), PST_ERR_COSE_ALG);
	args.alg = PST_ALG_A128GCM;
	to[1].alg = PST_ALG_ECDH_ES_HKDF_256;
	CHECK_EQ(round_trip(&args, false, kek), PST_ERR_COSE_ALG);
	to[1].alg = PST_ALG_ECDH_ES_A128KW;
	CHECK_EQ(round_trip(&args, false, kek), PST_ERR_ARG);
}

int
main(void)
{
	set_up();
	RUN(every_way_opens);
	RUN(kdf_contexts_are_told_apart);
	RUN(ctr_only_for_who_asks);
	RUN(mac_verifies_and_what_it_covers);
	RUN(the_right_key_is_found);
	RUN(recipients_have_their_bounds);
	RUN(refuses_every_truncation_and_flip);
	RUN(streams_in_chunks_of_any_size);
	RUN(faults_of_the_port_are_errors);
	RUN(what_is_written_opens);
	RUN(what_is_encrypted_in_chunks_opens);
	RUN(what_is_wrapped_again_opens_for_others_only);
	RUN(direct_keys_and_what_is_refused);
	RUN(a_port_without_ciphers_says_so);
	pst_openssl_free(&port);
	TEST_END();
}
