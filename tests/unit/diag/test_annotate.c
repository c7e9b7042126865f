/*
 * Annotations: what a thing is recognised as, the name of a label of every
 * table, what values mean, and what is opened.
 */
#include <diag.h>
#include <stdlib.h>

#include "test.h"

static char *
annotated(const char *notation, const char **what)
{
	struct pst_bytes text = { (const uint8_t *)notation, strlen(notation) };
	const struct pst_shape *shape;
	struct pst_diag_fault fault;
	struct pst_bytes in;
	uint8_t *bytes;
	char *out = NULL;
	size_t len;
	FILE *f;

	if (pst_diag_parse(text, &bytes, &in.len, &fault) != PST_OK) {
		printf("  %s: %s at %zu\n", notation, fault.why, fault.at);
		return NULL;
	}
	in.ptr = bytes;
	f = open_memstream(&out, &len);
	shape = pst_diag_guess(in, what);
	if (pst_diag_print(f, in, PST_DIAG_ANNOTATED, shape, NULL) != PST_OK)
		fputs("failed", f);
	fclose(f);
	free(bytes);
	return out;
}

/* One item of each kind, as its text has it, and what it is. */
static void
things_are_recognised(void)
{
	static const struct {
		const char *notation, *what;
	} things[] = {
		{ "107({3: h'00'})", "SUIT_Envelope" },
		{ "{2: h'00', 3: h'00'}", "SUIT_Envelope" },
		{ "{3: h'00', \"#tc\": h'00'}", "SUIT_Envelope" },
		{ "{1: 1, 2: 7, 3: h'00'}", "SUIT_Manifest" },
		{ "[-16, h'00']", "SUIT_Digest" },
		{ "{99: [], 3: [], 4: true}", "SUIT_Report" },
		{ "{0: ['x'], 3: h'00'}", "system-property-claims" },
		{ "[1, {}, [], [], 0]", "TEEP QueryRequest" },
		{ "[2, {}]", "TEEP QueryResponse" },
		{ "[3, {}]", "TEEP Update" },
		{ "[5, {}]", "TEEP Success" },
		{ "[6, {}, 1]", "TEEP Error" },
		{ "18([h'', {}, h'', h''])", "COSE_Sign1" },
		{ "[h'', {}, h'', h'']", "COSE_Sign1" },
		{ "[h'', {}, null, [[h'', {}, h'']]]", "COSE_Sign" },
		{ "98([h'', {}, h'', []])", "COSE_Sign" },
		{ "17([h'', {}, h'', h''])", "COSE_Mac0" },
		{ "[h'', {}, h'', h'', []]", "COSE_Mac" },
		{ "[h'', {}, h'']", "COSE_Encrypt0" },
		{ "96([h'', {}, h'', []])", "COSE_Encrypt" },
		{ "61(18([h'', {}, h'', h'']))", "CWT" },
		{ "{1: 2, -1: 1}", "COSE_Key" },
		{ "{10: h'00'}", "claims" },
		{ "{256: h'00'}", "claims" },
		{ "{1: \"me\", 4: 1}", "claims" },
		{ "{8: {}}", "claims" },
	};
	const char *what;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		out = annotated(things[i].notation, &what);
		CHECK(out != NULL);
		if (what == NULL || strcmp(what, things[i].what) != 0)
			printf("  %s: %s\n", things[i].notation,
			    what != NULL ? what : "nothing");
		CHECK(what != NULL && strcmp(what, things[i].what) == 0);
		free(out);
	}
}

static void
other_things_are_not(void)
{
	static const char *const others[] = { "1", "[]", "{}", "[1, 2]",
		"[4, {}]", "[0, {}]", "[7, {}]", "\"x\"", "{\"a\": 1}",
		"[_ 1, {}]", "4711(1)", "[h'', 1, h'']", "{1: 9}" };
	const char *what;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		out = annotated(others[i], &what);
		CHECK(out != NULL);
		CHECK(what == NULL);
		free(out);
	}
}

/* What stands in the annotated form. */
static const struct {
	const char *notation, *shown;
} names[] = {
	{ "107({2: <<[<<[-16, h'']>>]>>})",
	    "/ suit-authentication-wrapper / 2: <<" },
	{ "107({15: h''})", "/ suit-dependency-resolution / 15: h''" },
	{ "107({18: h''})", "/ suit-candidate-verification / 18" },
	{ "107({\"#tc\": h'00'})",
	    "/ integrated payload or dependency / \"#tc\": h'00'" },
	{ "1070({5: [h'000102030405060708090a0b0c0d0e0f', 'manifest']})",
	    "uuid 00010203-0405-0607-0809-0a0b0c0d0e0f /, "
	    "h'6d616e6966657374' / 'manifest' /" },
	{ "1070({24: <<[33, 2]>>})",
	    "/ suit-directive-unlink / 33, 2 / record-on-failure /" },
	{ "1070({20: [-16, h'00']})",
	    "/ suit-install / 20: / SUIT_Digest / [" },
	{ "1070({3: <<{1: {0: {1: ['x']}}}>>})",
	    "/ suit-dependency-prefix / 1: [h'78' / 'x' /]" },
	{ "1070({7: <<[15, [<<[3, 15]>>, null]]>>})",
	    "/ suit-condition-image-match / 3, 15" },
	{ "1070({7: <<[32, <<[8, 0]>>]>>})",
	    "/ suit-condition-is-dependency / 8, 0" },
	{ "1070({7: <<[20, {14: 5}]>>})",
	    "/ suit-parameter-image-size / 14: 5" },
	{ "1070({23: <<{\"en\": {1: \"d\"}}>>})",
	    "/ suit-text-manifest-description / 1" },
	{ "{99: [\"\", [-16, h'']], 4: {7: 10}}",
	    "/ suit-report-result-reason / 7: 10 / condition-failed /" },
	{ "{99: [\"\", [-16, h'']], 3: [[[], 20, 7, 0, {}]]}",
	    "/ manifest-section / 20 / suit-install /" },
	{ "{99: 1, 8: {10: [1]}}", "/ suit-dependency-capabilities / 10" },
	{ "{99: 1, 8: {1: [['a', true]], 2: [3], 3: [14], 4: [-9], 6: [20]}}",
	    "[3 / suit-condition-image-match /]" },
	{ "{99: 1, 8: {3: [14], 4: [-9]}}",
	    "[14 / suit-parameter-image-size /]" },
	{ "{99: 1, 8: {4: [-9], 6: [20]}}", "[-9 / ESP256 /]" },
	{ "18([<<{1: -9}>>, {}, <<{99: [\"\", [-16, h'']], 4: true}>>, h''])",
	    "/ suit-report-result / 4: true" },
	{ "[6, {}, 17]", "17 / ERR_MANIFEST_PROCESSING_FAILED /" },
	{ "[1, {21: [0, 1]}, [[[18, -19]]], [[-16, -9, -29, 1]], 15]",
	    "/ supported-freshness-mechanisms / 21: [0 / nonce /, 1 / "
	    "timestamp /]" },
	{ "[1, {}, [[[18, -19]]], [], 0]",
	    "[18 / COSE_Sign1 /, -19 / Ed25519 /]" },
	{ "[1, {}, [], [[-16, -9, -29, -65534]], 0]",
	    "-29 / ECDH-ES + A128KW /, -65534 / A128CTR /" },
	{ "[1, {}, [], [], 10]", "10 / trusted-components, suit-reports /" },
	{ "[3, {10: [<<{3: <<{1: 1}>>}>>]}]",
	    "/ suit-manifest-version / 1: 1" },
	{ "[2, {7: <<18([<<{1: -9}>>, {}, <<{265: \"urn:x\"}>>, h''])>>}]",
	    "/ eat_profile / 265: \"urn:x\"" },
	{ "[5, {19: [<<{99: [\"\", [-16, h'']], 4: true}>>]}]",
	    "/ suit-report-result / 4: true" },
	{ "17([<<{1: 5}>>, {}, h'', h''])", "5 / HMAC 256-256 /" },
	{ "18([<<{1: -46, 2: [4]}>>, {33: h'00'}, null, h''])",
	    "/ x5chain / 33" },
	{ "{1: 1, 3: -19, -1: 6}", "/ crv or k / -1: 6 / Ed25519 /" },
	{ "{10: h'00', 6: 1}", "/ iat / 6: 1 / 1970-01-01T00:00:01Z /" },
	{ "{10: h'00', 263: 3}", "3 / disabled permanently /" },
	{ "{10: h'00', 266: {\"m\": {256: h'00'}}}", "/ ueid / 256" },
	{ "24(<<[2, {}]>>)", "2 / TEEP-TYPE-query-response /" },
	{ "24(h'82')", "24(h'82')" },
};

static void
labels_and_values_have_names(void)
{
	const char *what;
	size_t i;
	char *out;
	bool there;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		out = annotated(names[i].notation, &what);
		there = out != NULL && strstr(out, names[i].shown) != NULL;
		if (!there)
			printf("  %s: no %s in\n%s\n", names[i].notation,
			    names[i].shown, out != NULL ? out : "");
		free(out);
		CHECK(there);
	}
}

/* Wrong types under known labels are shown as what they are. */
static void
ill_typed_values_are_still_shown(void)
{
	static const char *const ill[] = { "107(1)", "107({2: 1, 3: \"x\"})",
		"18(1)", "18([1, 2, 3, 4, 5])", "[1, {7: 5, 20: {}}]",
		"1070({7: <<[15]>>, 20: <<[15, 7, 20, 5]>>})",
		"{99: {}, 4: [], 3: {}}", "61(61(61({})))",
		"{10: 5, 8: [1], 4: -7}", "107({h'00': 1, [1]: 2})" };
	const char *what;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(ill) / sizeof(ill[0]); i++) {
		out = annotated(ill[i], &what);
		CHECK(out != NULL);
		CHECK(strstr(out, "failed") == NULL);
		free(out);
	}
}

/* Messages inside messages are opened so far and no further. */
static void
opening_has_a_bound(void)
{
	enum { LEVELS = 200 };
	static uint8_t a[LEVELS * 16], b[LEVELS * 16];
	struct pst_bytes in = { a, 0 };
	struct pst_cbor_writer w;
	const char *what, *p;
	char *out = NULL;
	size_t len, opened = 0;
	int i;
	FILE *f;

	for (i = 0; i < LEVELS; i++) {
		pst_cbor_writer_init(&w, b, sizeof(b));
		pst_cbor_put_tag(&w, 18);
		pst_cbor_put_array(&w, 4);
		pst_cbor_put_bstr(&w, (struct pst_bytes){ NULL, 0 });
		pst_cbor_put_map(&w, 0);
		pst_cbor_put_bstr(&w, in);
		pst_cbor_put_bstr(&w, (struct pst_bytes){ NULL, 0 });
		CHECK_EQ(w.err, PST_OK);
		memcpy(a, b, w.len);
		in.len = w.len;
	}
	f = open_memstream(&out, &len);
	CHECK_EQ(pst_diag_print(f, in, PST_DIAG_ANNOTATED,
		     pst_diag_guess(in, &what), NULL),
	    PST_OK);
	fclose(f);
	for (p = out; (p = strstr(p, "<<")) != NULL; p += 2)
		opened++;
	free(out);
	CHECK_EQ(opened, 32);
}

int
main(void)
{
	RUN(things_are_recognised);
	RUN(other_things_are_not);
	RUN(labels_and_values_have_names);
	RUN(ill_typed_values_are_still_shown);
	RUN(opening_has_a_bound);
	TEST_END();
}
