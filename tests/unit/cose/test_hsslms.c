/*
 * HSS/LMS: signatures of an independent signer (tests/vectors/make_cose.py),
 * every byte of them changed, and keys and messages of COSE (RFC 8778).
 */
#include <postern/cose.h>
#include <stdlib.h>

#include "cose/hsslms.h"
#include "ports/mem/mem.h"
#include "ports/openssl/openssl.h"
#include "tests/test.h"

enum { CASES = 2, ITEM_MAX = 4096 };

struct item {
	uint8_t bytes[ITEM_MAX];
	size_t len;
};

static struct {
	struct item key, message, signature;
} cases[CASES];

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static const struct pst_bytes none = { NULL, 0 };

static void
from_hex(const char *hex, struct item *out)
{
	unsigned int v;

	for (out->len = 0; sscanf(hex + 2 * out->len, "%2x", &v) == 1;)
		out->bytes[out->len++] = (uint8_t)v;
}

static bool
load(const char *path)
{
	static char hex[2 * ITEM_MAX];
	FILE *f = fopen(path, "r");
	char line[2 * ITEM_MAX + 32], name[16];
	int n, items = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%d %15s %8191s", &n, name, hex) != 3 ||
		    n < 1 || n > CASES)
			continue;
		items++;
		from_hex(hex,
		    name[0] == 'p'	 ? &cases[n - 1].key
			: name[0] == 'm' ? &cases[n - 1].message
					 : &cases[n - 1].signature);
	}
	if (f != NULL)
		fclose(f);
	return items == 3 * CASES;
}

static struct pst_bytes
view(const struct item *i)
{
	return (struct pst_bytes){ i->bytes, i->len };
}

static enum pst_err
verify(size_t n, const struct pst_crypto *by)
{
	struct pst_bytes message = view(&cases[n].message);
	struct pst_bytes parts[3] = { { message.ptr, 5 }, none,
		{ message.ptr + 5, message.len - 5 } };

	return pst_hss_verify(
	    by, view(&cases[n].key), parts, 3, view(&cases[n].signature));
}

static void
signatures_of_two_levels_verify(void)
{
	CHECK_EQ(cases[0].key.len, PST_HSS_PUB_LEN);
	CHECK_EQ(verify(0, crypto), PST_OK);
	CHECK_EQ(verify(1, crypto), PST_OK);
}

static void
every_byte_of_key_and_message_counts(void)
{
	size_t n, i;

	for (n = 0; n < CASES; n++) {
		for (i = 0; i < cases[n].key.len; i++) {
			cases[n].key.bytes[i] ^= 1;
			CHECK(verify(n, crypto) != PST_OK);
			cases[n].key.bytes[i] ^= 1;
		}
		for (i = 0; i < cases[n].message.len; i++) {
			cases[n].message.bytes[i] ^= 0x80;
			CHECK_EQ(verify(n, crypto), PST_ERR_COSE_SIGNATURE);
			cases[n].message.bytes[i] ^= 0x80;
		}
		CHECK_EQ(verify(n, crypto), PST_OK);
	}
}

static void
every_byte_of_the_signature_counts(void)
{
	size_t n, i;

	for (n = 0; n < CASES; n++) {
		for (i = 0; i < cases[n].signature.len; i++) {
			cases[n].signature.bytes[i] ^= 4;
			CHECK_EQ(verify(n, crypto), PST_ERR_COSE_SIGNATURE);
			cases[n].signature.bytes[i] ^= 4;
		}
	}
}

static void
refuses_every_truncation(void)
{
	size_t n, len;

	for (n = 0; n < CASES; n++) {
		len = cases[n].signature.len;
		for (; cases[n].signature.len > 0;) {
			cases[n].signature.len--;
			CHECK_EQ(verify(n, crypto), PST_ERR_COSE_SIGNATURE);
		}
		/* and a byte too many */
		cases[n].signature.len = len + 1;
		CHECK_EQ(verify(n, crypto), PST_ERR_COSE_SIGNATURE);
		cases[n].signature.len = len;
		len = cases[n].key.len;
		for (; cases[n].key.len > 0;) {
			cases[n].key.len--;
			CHECK_EQ(verify(n, crypto), PST_ERR_COSE_KEY_FORMAT);
		}
		cases[n].key.len = len + 1;
		CHECK_EQ(verify(n, crypto), PST_ERR_COSE_KEY_FORMAT);
		cases[n].key.len = len;
	}
}

/* Offset and value in a key: levels 1..8, LMS 5..9, LMOTS 1..4. */
static void
parameter_sets_have_their_bounds(void)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool fits;
	} rows[] = {
		{ 3, 0, false },
		{ 3, 1, true },
		{ 3, 8, true },
		{ 3, 9, false },
		{ 7, 4, false },
		{ 7, 5, true },
		{ 7, 9, true },
		{ 7, 10, false },
		{ 11, 0, false },
		{ 11, 1, true },
		{ 11, 4, true },
		{ 11, 5, false },
		{ 0, 1, false },
		{ 4, 1, false },
		{ 8, 1, false },
	};
	struct item key;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		key = cases[0].key;
		key.bytes[rows[i].at] = rows[i].value;
		CHECK_EQ(pst_hss_key_fits(view(&key)), rows[i].fits);
	}
}

static void
faults_of_the_port_are_errors(void)
{
	struct pst_mem_crypto mem = { .inner = crypto };
	struct pst_crypto faulty = pst_mem_crypto_port(&mem);
	uint64_t calls, i;

	CHECK_EQ(verify(0, &faulty), PST_OK);
	calls = mem.fault.calls;
	/* the first calls, and some of the many that are alike */
	for (i = 1; i <= calls; i += i < 300 ? 1 : 97) {
		mem.fault = (struct pst_mem_fault){ .fail_at = i,
			.with = PST_ERR_CRYPTO };
		CHECK_EQ(verify(0, &faulty), PST_ERR_CRYPTO);
		CHECK_EQ(mem.hashing, 0);
	}
}

static struct pst_bytes
cose_key(struct pst_cbor_writer *w, uint8_t *buf, struct pst_bytes pub)
{
	pst_cbor_writer_init(w, buf, 256);
	pst_cbor_put_map(w, 2);
	pst_cbor_put_int(w, 1);
	pst_cbor_put_int(w, PST_KTY_HSS_LMS);
	pst_cbor_put_int(w, -1);
	pst_cbor_put_bstr(w, pub);
	return pst_cbor_written(w);
}

static void
cose_keys_decode_and_encode(void)
{
	uint8_t buf[256], again[256], thumb[PST_THUMBPRINT_LEN];
	struct pst_cbor_writer w;
	struct pst_pubkey key;
	struct pst_bytes in = cose_key(&w, buf, view(&cases[0].key));
	struct pst_bytes cut, short_pub = view(&cases[0].key);
	struct pst_key file;
	size_t i;

	CHECK_EQ(pst_cose_key_decode(in, &key, NULL, NULL), PST_OK);
	CHECK_EQ(key.coord_len, PST_HSS_PUB_LEN);
	CHECK(memcmp(key.x, cases[0].key.bytes, PST_HSS_PUB_LEN) == 0);
	CHECK(pst_alg_fits(&key, PST_ALG_HSS_LMS));
	CHECK(!pst_alg_fits(&key, PST_ALG_ES256));
	pst_cbor_writer_init(&w, again, sizeof(again));
	pst_cose_key_encode(&w, &key, none);
	CHECK(pst_equal(pst_cbor_written(&w), in));
	CHECK_EQ(pst_cose_thumbprint(crypto, &key, thumb), PST_OK);
	CHECK_EQ(pst_key_parse(in, &file, NULL), PST_OK);
	CHECK_EQ(pst_key_default_alg(&file), PST_ALG_HSS_LMS);
	for (i = 0; i < in.len; i++) {
		cut = (struct pst_bytes){ in.ptr, i };
		CHECK(pst_cose_key_decode(cut, &key, NULL, NULL) != PST_OK);
	}
	/* another key type, or a length of another set */
	buf[2] = PST_KTY_OKP;
	CHECK(pst_cose_key_decode(in, &key, NULL, NULL) != PST_OK);
	short_pub.len--;
	in = cose_key(&w, buf, short_pub);
	CHECK(pst_cose_key_decode(in, &key, NULL, NULL) != PST_OK);
}

static enum pst_err
find(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	*key = *(struct pst_pubkey *)ctx;
	*who = 1;
	return PST_OK;
}

/* A Sign1 of that algorithm gets to the verification, and no further: who
 * could sign it is not here. */
static void
messages_are_verified_by_hashing(void)
{
	uint8_t buf[256], msg[ITEM_MAX];
	struct pst_cbor_writer w;
	struct pst_pubkey key;
	struct pst_keys keys = { .ctx = &key, .find = find };
	struct pst_mem_crypto mem = { .inner = crypto };
	struct pst_crypto counted = pst_mem_crypto_port(&mem);
	struct pst_cose_message m;
	struct pst_verified out;

	CHECK_EQ(pst_cose_key_decode(
		     cose_key(&w, buf, view(&cases[0].key)), &key, NULL, NULL),
	    PST_OK);
	pst_cbor_writer_init(&w, msg, sizeof(msg));
	pst_cbor_put_tag(&w, PST_TAG_SIGN1);
	pst_cbor_put_array(&w, 4);
	pst_cbor_put_bstr(&w, PST_BYTES_LIT("\xa1\x01\x38\x2d"));
	pst_cbor_put_map(&w, 0);
	pst_cbor_put_bstr(&w, view(&cases[0].message));
	pst_cbor_put_bstr(&w, view(&cases[0].signature));
	CHECK_EQ(pst_cose_parse(pst_cbor_written(&w), PST_TAG_SIGN1, &m, NULL),
	    PST_OK);
	CHECK_EQ(pst_cose_verify(&m, &counted, &keys, none, &out),
	    PST_ERR_COSE_SIGNATURE);
	CHECK(mem.fault.calls > 100);
	CHECK_EQ(mem.verified, 0);
}

int
main(void)
{
	if (!load(PST_SOURCE_DIR "/tests/vectors/cose/hss-cases.txt")) {
		printf("no test cases\n");
		return 1;
	}
	port = pst_openssl_new();
	if (port == NULL)
		return 1;
	crypto = pst_openssl_crypto(port);
	RUN(signatures_of_two_levels_verify);
	RUN(every_byte_of_key_and_message_counts);
	RUN(every_byte_of_the_signature_counts);
	RUN(refuses_every_truncation);
	RUN(parameter_sets_have_their_bounds);
	RUN(faults_of_the_port_are_errors);
	RUN(cose_keys_decode_and_encode);
	RUN(messages_are_verified_by_hashing);
	pst_openssl_free(&port);
	TEST_END();
}
