/*
 * Certificate paths, over certificates that are made here.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "ports/openssl/openssl.h"
#include "test.h"

enum { T0 = 1700000000, YEAR = 365 * 86400 };

struct made {
	X509 *x;
	EVP_PKEY *key;
	struct pst_bytes der;
};

static const struct pst_crypto *c;
static struct made root, inter, leaf, other, encipher;

static void
extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (ext == NULL || X509_add_ext(x, ext, -1) != 1)
		abort();
	X509_EXTENSION_free(ext);
}

static void
key_id(X509 *x, const struct made *issuer)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	extension(x, NID_subject_key_identifier, "hash");
	X509V3_set_ctx(&ctx, issuer != NULL ? issuer->x : x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(
	    NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	if (ext == NULL || X509_add_ext(x, ext, -1) != 1)
		abort();
	X509_EXTENSION_free(ext);
}

static void
make(struct made *m, const char *name, const struct made *issuer, bool ca,
    const char *usage, long from, long to)
{
	X509_NAME *subject;
	uint8_t *der = NULL;
	int len;

	m->key = EVP_EC_gen("P-256");
	m->x = X509_new();
	if (m->key == NULL || m->x == NULL)
		abort();
	X509_set_version(m->x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m->x), 1 + rand() % 100000);
	ASN1_TIME_set(X509_getm_notBefore(m->x), T0 + from);
	ASN1_TIME_set(X509_getm_notAfter(m->x), T0 + to);
	subject = X509_get_subject_name(m->x);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    m->x, issuer != NULL ? X509_get_subject_name(issuer->x) : subject);
	X509_set_pubkey(m->x, m->key);
	extension(m->x, NID_basic_constraints,
	    ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extension(m->x, NID_key_usage, usage);
	key_id(m->x, issuer);
	if (X509_sign(
		m->x, issuer != NULL ? issuer->key : m->key, EVP_sha256()) == 0)
		abort();
	len = i2d_X509(m->x, &der);
	m->der = (struct pst_bytes){ der, (size_t)len };
}

static enum pst_err
chain(const struct pst_bytes *certs, size_t n, const struct pst_bytes *roots,
    size_t nroots, uint64_t now, struct pst_pubkey *pub, size_t *at)
{
	return c->chain(c->ctx, certs, n, roots, nroots, now, pub, at);
}

static void
a_path_gives_the_leafs_key(void)
{
	struct pst_bytes certs[] = { leaf.der, inter.der };
	struct pst_bytes roots[] = { other.der, root.der };
	struct pst_bytes pinned[] = { leaf.der };
	struct pst_pubkey pub;
	size_t at;

	CHECK_EQ(chain(certs, 2, roots, 2, T0 + 10, &pub, &at), PST_OK);
	CHECK_EQ(at, 1);
	CHECK(pub.kty == PST_KTY_EC2 && pub.crv == PST_CRV_P256);
	/* an intermediate, or the leaf itself, may be the anchor */
	CHECK_EQ(chain(certs, 1, &inter.der, 1, T0 + 10, &pub, &at), PST_OK);
	CHECK_EQ(chain(certs, 1, pinned, 1, T0 + 10, &pub, &at), PST_OK);
}

static void
time_is_the_callers(void)
{
	struct pst_bytes certs[] = { leaf.der, inter.der };
	struct pst_pubkey pub;
	size_t at;

	CHECK_EQ(chain(certs, 2, &root.der, 1, T0, &pub, &at), PST_OK);
	CHECK_EQ(chain(certs, 2, &root.der, 1, T0 - 1, &pub, &at),
	    PST_ERR_COSE_CERT_EXPIRED);
	CHECK_EQ(pub.kty, 0);
	CHECK_EQ(
	    chain(certs, 2, &root.der, 1, T0 + YEAR - 1, &pub, &at), PST_OK);
	CHECK_EQ(chain(certs, 2, &root.der, 1, T0 + YEAR + 1, &pub, &at),
	    PST_ERR_COSE_CERT_EXPIRED);
}

static void
what_is_no_path_is_refused(void)
{
	struct pst_bytes certs[] = { leaf.der, inter.der };
	struct pst_bytes cut = { leaf.der.ptr, leaf.der.len - 1 };
	struct pst_bytes wrong[] = { encipher.der, inter.der };
	struct pst_bytes many[PST_X5CHAIN_MAX + 1];
	uint8_t *flipped = malloc(leaf.der.len);
	struct pst_bytes bad = { flipped, leaf.der.len };
	struct pst_pubkey pub;
	size_t at, i;

	CHECK(flipped != NULL);
	CHECK_EQ(chain(certs, 1, &root.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	CHECK_EQ(chain(certs, 2, &other.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	CHECK_EQ(
	    chain(certs, 2, NULL, 0, T0 + 1, &pub, &at), PST_ERR_COSE_CERT);
	CHECK_EQ(chain(certs, 0, &root.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	CHECK_EQ(chain(&cut, 1, &inter.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	/* a key that may only encipher signs nothing */
	CHECK_EQ(chain(wrong, 2, &root.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	for (i = 0; i <= PST_X5CHAIN_MAX; i++)
		many[i] = i == 0 ? leaf.der : inter.der;
	CHECK_EQ(
	    chain(many, PST_X5CHAIN_MAX + 1, &root.der, 1, T0 + 1, &pub, &at),
	    PST_ERR_COSE_CERT);
	memcpy(flipped, leaf.der.ptr, leaf.der.len);
	for (i = 0; i < leaf.der.len; i++) {
		flipped[i] ^= 1;
		CHECK(
		    chain(&bad, 1, &inter.der, 1, T0 + 1, &pub, &at) != PST_OK);
		flipped[i] ^= 1;
	}
	free(flipped);
}

static void
certificate_files_are_read(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct pst_certs certs;
	struct pst_cbor_writer w;
	const char *why = NULL;
	struct pst_bytes in;
	uint8_t buf[4096];
	char *data;
	long len;
	int i;

	CHECK_EQ(pst_certs_parse(leaf.der, &certs, &why), PST_OK);
	CHECK(certs.count == 1 && pst_equal(certs.cert[0], leaf.der));
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_certs_x5chain(&w, &certs);
	CHECK_EQ(buf[0] >> 5, PST_CBOR_BSTR);
	pst_certs_free(&certs);
	CHECK(PEM_write_bio_X509(bio, leaf.x) &&
	    PEM_write_bio_X509(bio, inter.x));
	len = BIO_get_mem_data(bio, &data);
	in = (struct pst_bytes){ (uint8_t *)data, (size_t)len };
	CHECK_EQ(pst_certs_parse(in, &certs, &why), PST_OK);
	CHECK(certs.count == 2 && pst_equal(certs.cert[1], inter.der));
	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_certs_x5chain(&w, &certs);
	CHECK_EQ(buf[0], 0x82);
	pst_certs_free(&certs);
	CHECK(certs.count == 0);
	for (i = 2; i <= PST_X5CHAIN_MAX; i++)
		CHECK(PEM_write_bio_X509(bio, inter.x));
	len = BIO_get_mem_data(bio, &data);
	in = (struct pst_bytes){ (uint8_t *)data, (size_t)len };
	CHECK_EQ(pst_certs_parse(in, &certs, &why), PST_ERR_LIMIT);
	data[200] = '!';
	CHECK_EQ(pst_certs_parse(in, &certs, &why), PST_ERR_COSE_CERT);
	CHECK_EQ(pst_certs_parse(PST_BYTES_LIT("nothing"), &certs, &why),
	    PST_ERR_COSE_CERT);
	in = (struct pst_bytes){ leaf.der.ptr, leaf.der.len - 1 };
	CHECK_EQ(pst_certs_parse(in, &certs, &why), PST_ERR_COSE_CERT);
	BIO_free(bio);
}

static void
drop(struct made *m)
{
	union {
		const uint8_t *view;
		uint8_t *own;
	} p = { m->der.ptr };

	OPENSSL_free(p.own);
	X509_free(m->x);
	EVP_PKEY_free(m->key);
}

int
main(void)
{
	struct pst_openssl *o = pst_openssl_new();

	if (o == NULL)
		return 1;
	c = pst_openssl_crypto(o);
	make(&root, "root", NULL, true, "critical,keyCertSign", -YEAR,
	    10 * YEAR);
	make(&other, "other", NULL, true, "critical,keyCertSign", -YEAR,
	    10 * YEAR);
	make(&inter, "inter", &root, true, "critical,keyCertSign", -YEAR,
	    5 * YEAR);
	make(
	    &leaf, "leaf", &inter, false, "critical,digitalSignature", 0, YEAR);
	make(&encipher, "leaf", &inter, false, "critical,keyEncipherment", 0,
	    YEAR);
	RUN(a_path_gives_the_leafs_key);
	RUN(time_is_the_callers);
	RUN(what_is_no_path_is_refused);
	RUN(certificate_files_are_read);
	drop(&root);
	drop(&other);
	drop(&inter);
	drop(&leaf);
	drop(&encipher);
	pst_openssl_free(&o);
	TEST_END();
}
