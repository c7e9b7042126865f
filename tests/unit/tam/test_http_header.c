#include <stdlib.h>

#include "tam/http/http_header.h"
#include "test.h"

static struct pst_bytes
view(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static enum pst_err
accepts(const char *first, const char *second)
{
	struct pst_http_accept a;

	pst_http_accept_init(&a, "application", "teep+cbor");
	if (first != NULL)
		pst_http_accept_add(&a, view(first));
	if (second != NULL)
		pst_http_accept_add(&a, view(second));
	return pst_http_accepts(&a);
}

static const struct {
	const char *value;
	enum pst_err want;
	const char *why;
} accept_rows[] = {
	{ "application/teep+cbor", PST_OK, "the type itself" },
	{ "Application/TEEP+CBOR", PST_OK, "names ignore case" },
	{ "text/html, application/teep+cbor", PST_OK, "second of a list" },
	{ "text/html,application/teep+cbor", PST_OK, "no space" },
	{ "application/*", PST_OK, "any subtype" },
	{ "*/*", PST_OK, "anything" },
	{ "*/*;q=0.001", PST_OK, "the least that is not zero" },
	{ "text/html;q=0.9, */*;q=0.1", PST_OK, "the star of a browser" },
	{ "application/teep+cbor;q=1.000", PST_OK, "full weight" },
	{ "application/teep+cbor;q=1.", PST_OK, "a point and no digit" },
	{ "application/teep+cbor ; q=0.5", PST_OK, "spaces about it" },
	{ "application/teep+cbor;Q=0.5", PST_OK, "Q is q" },
	{ "application/teep+cbor;v=1", PST_OK, "unknown parameter" },
	{ "application/teep+cbor;v=\"a,b;q=0\"", PST_OK, "quoted" },
	{ "application/teep+cbor;v=\"a\\\"b\"", PST_OK, "quoted pair" },
	{ "application/teep+cbor;q=1;ext", PST_OK, "extension, bare" },
	{ "application/teep+cbor;q=1;e=\"x\"", PST_OK, "extension" },
	{ "application/teep+cbor;", PST_OK, "empty parameter" },
	{ ", ,application/teep+cbor,,", PST_OK, "empty elements" },
	{ "\tapplication/teep+cbor\t", PST_OK, "tabs" },
	{ "application/teep+cbor, */*;q=0", PST_OK, "closest range wins" },
	{ "*/*;q=0, application/*", PST_OK, "in any order" },
	{ "application/teep+cbor;v=1;q=0, application/teep+cbor", PST_OK,
	    "the bare name is closer" },
	{ "application/teep+cbor;q=0, application/teep+cbor", PST_OK,
	    "said twice" },
	{ "", PST_ERR_NOT_FOUND, "an empty list" },
	{ "text/html", PST_ERR_NOT_FOUND, "another type" },
	{ "application/cbor", PST_ERR_NOT_FOUND, "another subtype" },
	{ "application/teep", PST_ERR_NOT_FOUND, "a prefix" },
	{ "application/teep+cbor2", PST_ERR_NOT_FOUND, "a longer name" },
	{ "application/*+cbor", PST_ERR_NOT_FOUND, "no such wildcard" },
	{ "application/teep+cbor;q=0", PST_ERR_NOT_FOUND, "refused" },
	{ "application/teep+cbor;q=0.000", PST_ERR_NOT_FOUND, "refused" },
	{ "*/*;q=0", PST_ERR_NOT_FOUND, "nothing is wanted" },
	{ "application/teep+cbor;q=0, */*", PST_ERR_NOT_FOUND, "but this" },
	{ "*/*, application/*;q=0", PST_ERR_NOT_FOUND, "but these" },
	{ "application", PST_ERR_ARG, "no subtype" },
	{ "application/", PST_ERR_ARG, "empty subtype" },
	{ "/teep+cbor", PST_ERR_ARG, "empty type" },
	{ "*", PST_ERR_ARG, "a bare star" },
	{ "*/teep+cbor", PST_ERR_ARG, "star before a subtype" },
	{ "application/teep+cbor text/html", PST_ERR_ARG, "no comma" },
	{ "application /teep+cbor", PST_ERR_ARG, "space in a type" },
	{ "application/teep+cbor;q", PST_ERR_ARG, "q without a value" },
	{ "application/teep+cbor;q=", PST_ERR_ARG, "empty weight" },
	{ "application/teep+cbor;q=2", PST_ERR_ARG, "over 1" },
	{ "application/teep+cbor;q=1.001", PST_ERR_ARG, "over 1" },
	{ "application/teep+cbor;q=0.0001", PST_ERR_ARG, "four digits" },
	{ "application/teep+cbor;q=-0", PST_ERR_ARG, "a sign" },
	{ "application/teep+cbor;q=.5", PST_ERR_ARG, "no digit" },
	{ "application/teep+cbor;q=0x", PST_ERR_ARG, "no point" },
	{ "application/teep+cbor;q=\"1\"", PST_ERR_ARG, "quoted weight" },
	{ "application/teep+cbor;q =1", PST_ERR_ARG, "space before =" },
	{ "application/teep+cbor;v=\"a", PST_ERR_ARG, "open quote" },
	{ "application/teep+cbor;v=\"a\\", PST_ERR_ARG, "open pair" },
	{ "application/teep+cbor;v=\"\x7f\"", PST_ERR_ARG, "DEL" },
	{ "application/teep+cbor, \x01", PST_ERR_ARG, "control" },
	{ "application/teep+cbor, (", PST_ERR_ARG, "delimiter" },
};

/* pitfalls.md, Servers: Accept compared for equality. */
static void
accept_is_a_list_with_quality_values(void)
{
	size_t i;

	for (i = 0; i < sizeof(accept_rows) / sizeof(*accept_rows); i++) {
		enum pst_err got = accepts(accept_rows[i].value, NULL);

		if (got != accept_rows[i].want)
			printf("  %s (%s)\n", accept_rows[i].value,
			    accept_rows[i].why);
		CHECK_EQ(got, accept_rows[i].want);
	}
}

static void
a_request_without_accept_accepts_nothing(void)
{
	CHECK_EQ(accepts(NULL, NULL), PST_ERR_NOT_FOUND);
}

static void
several_accept_headers_are_one_list(void)
{
	CHECK_EQ(accepts("text/html", "application/teep+cbor"), PST_OK);
	CHECK_EQ(
	    accepts("*/*", "application/teep+cbor;q=0"), PST_ERR_NOT_FOUND);
	CHECK_EQ(
	    accepts("application/teep+cbor;q=0", "*/*"), PST_ERR_NOT_FOUND);
	/* A list does not run on from one header into the next. */
	CHECK_EQ(accepts("application/", "teep+cbor"), PST_ERR_ARG);
	CHECK_EQ(accepts("application/teep+cbor", "("), PST_ERR_ARG);
}

static void
the_number_of_ranges_is_bounded(void)
{
	struct pst_http_accept a;
	size_t i;

	pst_http_accept_init(&a, "application", "teep+cbor");
	for (i = 0; i < PST_HTTP_RANGES_MAX - 1; i++)
		pst_http_accept_add(&a, view("text/html"));
	pst_http_accept_add(&a, view("application/teep+cbor"));
	CHECK_EQ(pst_http_accepts(&a), PST_OK);
	pst_http_accept_add(&a, view(",,"));
	CHECK_EQ(pst_http_accepts(&a), PST_OK);
	pst_http_accept_add(&a, view("text/html"));
	CHECK_EQ(pst_http_accepts(&a), PST_ERR_LIMIT);
}

static const struct {
	const char *value;
	bool ok;
} type_rows[] = {
	{ "application/teep+cbor", true },
	{ "APPLICATION/Teep+Cbor", true },
	{ " application/teep+cbor ", true },
	{ "application/teep+cbor; charset=utf-8", true },
	{ "application/teep+cbor;a=b;c=\"d\"", true },
	{ "application/teep+cbor;q=7", true }, /* no weight in a type */
	{ "application/teep+cbor;", true },
	{ "application/cbor", false },
	{ "application/teep+cbor, application/teep+cbor", false },
	{ "application/teep+cbor x", false },
	{ "application/teep+cbor;a", false },
	{ "application/teep+cbor;a=", false },
	{ "application/teep+cbor;a=\"", false },
	{ "application/*", false },
	{ "*/*", false },
	{ "teep+cbor", false },
	{ "", false },
};

static void
content_type_may_have_parameters(void)
{
	struct pst_http_media m;
	size_t i;

	for (i = 0; i < sizeof(type_rows) / sizeof(*type_rows); i++) {
		bool ok = pst_http_media_type(view(type_rows[i].value), &m) ==
			PST_OK &&
		    pst_http_media_is(&m, "application", "teep+cbor");

		if (ok != type_rows[i].ok)
			printf("  %s\n", type_rows[i].value);
		CHECK_EQ(ok, type_rows[i].ok);
	}
}

/* Exact-size heap copies, so that a sanitizer sees a byte too many. */
static void
no_truncation_or_flip_reads_too_far(void)
{
	static const char good[] =
	    "text/html;level=1;q=0.25, application/teep+cbor;v=\"a\\\"\";q=1";
	struct pst_http_accept a;
	struct pst_http_media m;
	size_t len, flip;

	for (len = 0; len < sizeof(good); len++) {
		for (flip = 0; flip <= len; flip++) {
			uint8_t *copy = malloc(len > 0 ? len : 1);

			CHECK(copy != NULL);
			memcpy(copy, good, len);
			if (flip < len)
				copy[flip] ^= 0x80;
			pst_http_accept_init(&a, "application", "teep+cbor");
			pst_http_accept_add(
			    &a, (struct pst_bytes){ copy, len });
			/* A byte over 0x7e is in no token. */
			if (flip < len)
				CHECK(a.err == PST_ERR_ARG ||
				    memchr(good, '"', flip) != NULL);
			(void)!pst_http_media_type(
			    (struct pst_bytes){ copy, len }, &m);
			free(copy);
		}
	}
}

int
main(void)
{
	RUN(accept_is_a_list_with_quality_values);
	RUN(a_request_without_accept_accepts_nothing);
	RUN(several_accept_headers_are_one_list);
	RUN(the_number_of_ranges_is_bounded);
	RUN(content_type_may_have_parameters);
	RUN(no_truncation_or_flip_reads_too_far);
	TEST_END();
}
