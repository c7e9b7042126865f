/*
 * What the Verifier in process believes, out of the store: every kind of
 * file, what is refused, and that a change reaches those who hold the old.
 */
#include "pki.h"
#include "world.h"

#include <stdlib.h>
#include <tam/node/trust.h>

static struct world w;
static char note[PST_TAM_NOTE_MAX];
static EVP_PKEY *key;
static X509 *root;
static uint8_t root_der[2048], crl_der[2048];

static bool
begin(void)
{
	struct pki_wanted wanted = { .name = "root",
		.ca = true,
		.from_s = 1600000000,
		.until_s = 2600000000 };

	key = EVP_EC_gen("P-384");
	root = pki_certificate(&wanted, key, NULL, NULL);
	return world_open(&w) && root != NULL;
}

static void
end(void)
{
	X509_free(root);
	EVP_PKEY_free(key);
	world_close(&w);
}

#define BEGIN() CHECK(begin())
#define END() end()

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static enum pst_err
would_fit(enum pst_tam_endorsement_kind kind, struct pst_bytes content)
{
	struct pst_tam_endorsement e = {
		.kind = kind, .name = "it", .content = content
	};
	struct pst_tam_trust *t;
	enum pst_err err;

	note[0] = '\0';
	err = pst_tam_trust_load(w.reader, w.crypto, &e, &t, note);
	pst_tam_trust_drop(&t);
	return err;
}

static enum pst_err
put(enum pst_tam_endorsement_kind kind, const char *name,
    struct pst_bytes content)
{
	struct pst_tam_endorsement e = {
		.kind = kind, .name = name, .content = content
	};

	return pst_tam_endorsement_put(w.store, "test", &e, w.now_s);
}

static void
every_kind_takes_what_it_is_and_nothing_else(void)
{
	struct pst_bytes cert, crl, rules = text("{\"snp\": {\"vmpl\": [0]}}");
	size_t i;

	BEGIN();
	cert = pki_der(root, root_der, sizeof(root_der));
	crl = pki_crl(
	    root, key, NULL, 1600000000, 2600000000, crl_der, sizeof(crl_der));
	CHECK(cert.len > 0 && crl.len > 0);
	CHECK_EQ(would_fit(PST_TAM_VENDOR_ROOT, cert), PST_OK);
	CHECK_EQ(would_fit(PST_TAM_DEVICE_ROOT, cert), PST_OK);
	CHECK_EQ(would_fit(PST_TAM_COLLATERAL, cert), PST_OK);
	CHECK_EQ(would_fit(PST_TAM_COLLATERAL, crl), PST_OK);
	CHECK_EQ(would_fit(PST_TAM_CRL, crl), PST_OK);
	CHECK_EQ(would_fit(PST_TAM_REFERENCE, rules), PST_OK);

	CHECK_EQ(would_fit(PST_TAM_VENDOR_ROOT, crl), PST_ERR_COSE_CERT);
	CHECK_EQ(would_fit(PST_TAM_DEVICE_ROOT, rules), PST_ERR_COSE_CERT);
	CHECK_EQ(would_fit(PST_TAM_CRL, cert), PST_ERR_COSE_CERT);
	CHECK(strstr(note, "crl it: not a CRL") != NULL);
	CHECK_EQ(would_fit(PST_TAM_REFERENCE, cert), PST_ERR_ARG);
	CHECK(strstr(note, "reference it") != NULL);
	CHECK_EQ(would_fit(PST_TAM_REFERENCE, text("{\"nothing\": {}, 1}")),
	    PST_ERR_ARG);
	/* a certificate that lost its end, wherever */
	for (i = 1; i < cert.len; i += 37) {
		struct pst_bytes cut = { cert.ptr, i };

		CHECK(would_fit(PST_TAM_VENDOR_ROOT, cut) != PST_OK);
		CHECK(would_fit(PST_TAM_DEVICE_ROOT, cut) != PST_OK);
	}
	END();
}

static void
roots_of_devices_are_kept_apart_from_vendors(void)
{
	struct pst_tam_trust *t = NULL;
	const struct pst_bytes *roots;
	struct pst_bytes cert;
	size_t count;

	BEGIN();
	cert = pki_der(root, root_der, sizeof(root_der));
	CHECK_EQ(put(PST_TAM_VENDOR_ROOT, "amd", cert), PST_OK);
	CHECK_EQ(
	    pst_tam_trust_load(w.reader, w.crypto, NULL, &t, note), PST_OK);
	(void)pst_tam_trust_roots(t, &count);
	CHECK_EQ(count, 0);
	pst_tam_trust_drop(&t);
	CHECK_EQ(put(PST_TAM_DEVICE_ROOT, "factory", cert), PST_OK);
	CHECK_EQ(
	    pst_tam_trust_load(w.reader, w.crypto, NULL, &t, note), PST_OK);
	roots = pst_tam_trust_roots(t, &count);
	CHECK_EQ(count, 1);
	CHECK(count == 1 && pst_equal(roots[0], cert));
	pst_tam_trust_drop(&t);
	CHECK(t == NULL);
	END();
}

/* What does not load takes the place of nothing: whoever asks is told. */
static void
a_row_that_went_bad_is_an_error(void)
{
	struct pst_tam_trust *t = NULL;

	BEGIN();
	CHECK_EQ(put(PST_TAM_REFERENCE, "rotten", text("not JSON")), PST_OK);
	CHECK_EQ(pst_tam_trust_load(w.reader, w.crypto, NULL, &t, note),
	    PST_ERR_ARG);
	CHECK(t == NULL);
	CHECK(strstr(note, "rotten") != NULL);
	/* another one beside it does not help */
	CHECK_EQ(would_fit(PST_TAM_REFERENCE, text("{}")), PST_ERR_ARG);
	END();
}

static void
a_change_reaches_everybody_once(void)
{
	struct pst_tam_trust_cell cell;
	struct pst_tam_trust *one = NULL, *two = NULL, *before;

	BEGIN();
	pst_tam_trust_cell_init(&cell);
	CHECK_EQ(pst_tam_trust_refresh(&cell, w.reader, w.crypto, &one, note),
	    PST_OK);
	CHECK_EQ(pst_tam_trust_refresh(&cell, w.reader, w.crypto, &two, note),
	    PST_OK);
	CHECK(one != NULL && one == two);
	before = one;
	CHECK_EQ(put(PST_TAM_REFERENCE, "r", text("{}")), PST_OK);
	CHECK_EQ(pst_tam_trust_refresh(&cell, w.reader, w.crypto, &one, note),
	    PST_OK);
	CHECK(one != before);
	/* the other one still holds what was */
	CHECK(two == before);
	CHECK_EQ(pst_tam_trust_refresh(&cell, w.reader, w.crypto, &two, note),
	    PST_OK);
	CHECK(two == one);
	/* what cannot be loaded leaves both where they are, and says so */
	CHECK_EQ(put(PST_TAM_REFERENCE, "r", text("?")), PST_OK);
	CHECK_EQ(pst_tam_trust_refresh(&cell, w.reader, w.crypto, &one, note),
	    PST_ERR_ARG);
	CHECK(one == two);
	pst_tam_trust_drop(&one);
	pst_tam_trust_drop(&two);
	pst_tam_trust_cell_close(&cell);
	END();
}

int
main(void)
{
	RUN(every_kind_takes_what_it_is_and_nothing_else);
	RUN(roots_of_devices_are_kept_apart_from_vendors);
	RUN(a_row_that_went_bad_is_an_error);
	RUN(a_change_reaches_everybody_once);
	TEST_END();
}
