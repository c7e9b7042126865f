/*
 * The broker's network side against a scripted server: real HTTP and TLS on
 * loopback.
 */
#include "broker/internal.h"

#include <stdlib.h>

#include "cases.h"
#include "server.h"
#include "test.h"

static const struct pst_bytes empty = { NULL, 0 };
static struct pst_broker_config config;
static struct pst_http *http;
static struct server *server;

static void
begin(bool tls)
{
	memset(&config, 0, sizeof(config));
	config.connect_ms = 2000;
	config.exchange_ms = 1000;
	config.stall_s = 1;
	config.retries = 2;
	config.retry_ms = 1;
	server = server_start(tls);
	if (tls)
		config.cacert = server_cacert(server);
	http = pst_http_client_new(&config);
}

static void
end(void)
{
	pst_http_client_free(http);
	server_stop(server);
}

static const char *
url(const char *path)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s%s", server_base(server), path);
	return text;
}

static void
reply(const char *text)
{
	server_reply(server, &(struct server_step){ .text = text });
}

static enum pst_err
post(struct pst_bytes message, struct pst_http_answer *a)
{
	return pst_http_post(http, url("/tam"), message, a);
}

static bool
asked(size_t n, const char *header)
{
	return strcasestr(server_request(server, n), header) != NULL;
}

/* --- POST -------------------------------------------------------------- */

/* draft-ietf-teep-otrp-over-http, Section 5.1 */
static void
an_empty_post_has_accept_and_no_content_type(void)
{
	struct pst_http_answer a;

	begin(false);
	server_reply_teep(server, "hello");
	CHECK_EQ(post(empty, &a), PST_OK);
	CHECK(pst_equal(a.body, PST_BYTES_LIT("hello")));
	CHECK(strncmp(server_request(server, 0), "POST /tam HTTP/1.1\r\n",
		  20) == 0);
	CHECK(asked(0, "\r\nAccept: application/teep+cbor\r\n"));
	CHECK(asked(0, "\r\nContent-Length: 0\r\n"));
	CHECK(asked(0, "\r\nUser-Agent: postern/"));
	CHECK(!asked(0, "\r\nContent-Type:"));
	CHECK(!asked(0, "\r\nExpect:"));
	CHECK(!asked(0, "\r\nCookie:"));
	end();
}

static void
a_message_is_posted_with_its_type(void)
{
	struct pst_http_answer a;

	begin(false);
	reply("HTTP/1.1 204 No Content\r\n\r\n");
	CHECK_EQ(post(PST_BYTES_LIT("message"), &a), PST_OK);
	CHECK_EQ(a.body.len, 0);
	CHECK_EQ(a.status, 204);
	CHECK(asked(0, "\r\nAccept: application/teep+cbor\r\n"));
	CHECK(asked(0, "\r\nContent-Type: application/teep+cbor\r\n"));
	CHECK(asked(0, "\r\nContent-Length: 7\r\n"));
	CHECK(asked(0, "\r\n\r\nmessage"));
	end();
}

/* "Redirects MUST NOT be automatically followed." */
static void
a_redirect_of_teep_is_refused(void)
{
	static const int codes[] = { 301, 302, 303, 307, 308 };
	struct pst_http_answer a;
	char text[256];
	size_t i;

	begin(false);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "HTTP/1.1 %d Elsewhere\r\nLocation: %s/other\r\n"
		    "Content-Length: 0\r\n\r\n",
		    codes[i], server_base(server));
		reply(text);
		CHECK_EQ(post(PST_BYTES_LIT("message"), &a), PST_ERR_IO);
		CHECK_EQ(a.status, codes[i]);
		CHECK(strstr(a.why, "redirect") != NULL);
		CHECK_EQ(server_count(server), i + 1);
	}
	end();
}

static void
a_body_of_another_type_is_refused(void)
{
	struct pst_http_answer a;

	begin(false);
	reply("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	      "Content-Length: 5\r\n\r\nlogin");
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	CHECK_EQ(a.body.len, 0);
	CHECK(strstr(a.why, "application/teep+cbor") != NULL);
	end();
	begin(false);
	reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	reply("HTTP/1.1 200 OK\r\nContent-Type: application/teep+cbor2\r\n"
	      "Content-Length: 2\r\n\r\nno");
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	reply("HTTP/1.1 200 OK\r\nContent-Type: Application/TEEP+CBOR; q=1\r\n"
	      "Content-Length: 3\r\n\r\nyes");
	CHECK_EQ(post(empty, &a), PST_OK);
	CHECK_EQ(a.body.len, 3);
	end();
}

static void
a_truncated_body_is_refused(void)
{
	struct pst_http_answer a;

	begin(false);
	server_reply(server,
	    &(struct server_step){ .text =
				       "HTTP/1.1 200 OK\r\n"
				       "Content-Type: application/teep+cbor\r\n"
				       "Content-Length: 10\r\n\r\nhalf",
		.end = true });
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	CHECK_EQ(a.body.len, 0);
	CHECK_EQ(server_count(server), 1);
	server_reply(server,
	    &(struct server_step){
		.text = "HTTP/1.1 200 OK\r\n"
			"Content-Type: application/teep+cbor\r\n"
			"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		.end = true });
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	end();
}

static void
an_answer_of_the_limit_passes_and_one_byte_more_does_not(void)
{
	struct pst_http_answer a;
	char text[256];
	size_t more;

	for (more = 0; more < 2; more++) {
		begin(false);
		config.exchange_ms = 10000;
		(void)snprintf(text, sizeof(text),
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Type: application/teep+cbor\r\n"
		    "Content-Length: %zu\r\n\r\n",
		    PST_MESSAGE_MAX + more);
		server_reply(server,
		    &(struct server_step){
			.text = text, .fill = PST_MESSAGE_MAX + more });
		CHECK_EQ(post(empty, &a), more ? PST_ERR_IO : PST_OK);
		CHECK_EQ(a.body.len, more ? 0 : PST_MESSAGE_MAX);
		CHECK(!more || strstr(a.why, "larger") != NULL);
		end();
	}
	/* Without a length as well. */
	begin(false);
	server_reply(server,
	    &(struct server_step){
		.text = "HTTP/1.1 200 OK\r\n"
			"Content-Type: application/teep+cbor\r\n\r\n",
		.fill = PST_MESSAGE_MAX + 1,
		.end = true });
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	end();
}

static void
a_slow_tam_is_given_up(void)
{
	struct pst_http_answer a;
	uint64_t began;

	begin(false);
	server_reply(server,
	    &(struct server_step){
		.text = "HTTP/1.1 204 No Content\r\n\r\n", .delay_ms = 5000 });
	began = pst_broker_now_ms();
	CHECK_EQ(post(PST_BYTES_LIT("message"), &a), PST_ERR_IO);
	CHECK(pst_broker_now_ms() - began < 3000);
	/* It may have been acted upon: it is not sent again. */
	CHECK_EQ(server_count(server), 1);
	CHECK(!a.unsent);
	end();
}

static void
retry_after_is_honoured(void)
{
	struct pst_http_answer a;
	uint64_t began;

	begin(false);
	reply("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n"
	      "Content-Length: 0\r\n\r\n");
	server_reply_teep(server, "hello");
	began = pst_broker_now_ms();
	CHECK_EQ(post(PST_BYTES_LIT("message"), &a), PST_OK);
	CHECK(pst_broker_now_ms() - began >= 1000);
	CHECK_EQ(server_count(server), 2);
	CHECK(asked(1, "\r\n\r\nmessage"));
	/* More patience than a session has: later, says the answer. */
	reply("HTTP/1.1 503 Busy\r\nRetry-After: 7200\r\n"
	      "Content-Length: 0\r\n\r\n");
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	CHECK_EQ(a.retry_after_s, 7200);
	CHECK_EQ(server_count(server), 3);
	/* Nobody makes us wait for a week. */
	reply("HTTP/1.1 429 Slow down\r\nRetry-After: 9999999\r\n"
	      "Content-Length: 0\r\n\r\n");
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	CHECK_EQ(a.retry_after_s, 86400);
	/* A date in the past asks for nothing. */
	reply("HTTP/1.1 503 Busy\r\n"
	      "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"
	      "Content-Length: 0\r\n\r\n");
	reply("HTTP/1.1 204 No Content\r\n\r\n");
	CHECK_EQ(post(empty, &a), PST_OK);
	end();
}

static void
other_failures_are_not_repeated(void)
{
	static const int codes[] = { 400, 404, 406, 413, 415, 500, 502 };
	struct pst_http_answer a;
	char text[128];
	size_t i;

	begin(false);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", codes[i]);
		reply(text);
		CHECK_EQ(post(empty, &a), PST_ERR_IO);
		CHECK_EQ(a.status, codes[i]);
		CHECK_EQ(server_count(server), i + 1);
	}
	end();
}

static void
only_http_and_https_uris_are_used(void)
{
	static const char *const bad[] = { "ftp://127.0.0.1/tam",
		"file:///etc/passwd", "tam", "", "http:/tam",
		"http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y" };
	struct pst_http_answer a;
	size_t i;

	begin(false);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(pst_http_post(http, bad[i], empty, &a), PST_ERR_IO);
		CHECK_EQ(a.status, 0);
	}
	end();
}

static void
a_tam_that_is_not_there_is_tried_again(void)
{
	struct pst_http_answer a;
	char gone[256];

	begin(false);
	(void)snprintf(gone, sizeof(gone), "%s", url("/"));
	end();
	begin(false);
	CHECK_EQ(pst_http_post(http, gone, empty, &a), PST_ERR_IO);
	CHECK(a.unsent);
	CHECK(a.why[0] != '\0');
	end();
}

/* pitfalls, Attestation: TLS is unchecked by default. */
static void
an_untrusted_certificate_is_refused(void)
{
	struct pst_http_answer a;
	struct pst_http *other;

	begin(true);
	server_reply_teep(server, "hello");
	CHECK_EQ(post(empty, &a), PST_OK);
	config.cacert = NULL;
	other = pst_http_client_new(&config);
	CHECK_EQ(pst_http_post(other, url("/tam"), empty, &a), PST_ERR_IO);
	CHECK(strstr(a.why, "certificate") != NULL);
	CHECK_EQ(server_count(server), 1);
	pst_http_client_free(other);
	end();
}

/* --- GET --------------------------------------------------------------- */

struct sunk {
	size_t len;
	size_t limit; /* refuse what goes past it; 0: none */
	bool all_x;
};

static enum pst_err
sink(void *ctx, struct pst_bytes bytes)
{
	struct sunk *s = ctx;
	size_t i;

	for (i = 0; i < bytes.len; i++)
		s->all_x &= bytes.ptr[i] == 'x';
	s->len += bytes.len;
	return s->limit != 0 && s->len > s->limit ? PST_ERR_LIMIT : PST_OK;
}

static enum pst_err
get(const char *path, uint64_t offset, struct sunk *s)
{
	static struct pst_http_get g;
	enum pst_err err;

	memset(s, 0, sizeof(*s));
	s->all_x = true;
	memset(&g, 0, sizeof(g));
	g.uri = url(path);
	g.offset = offset;
	g.sink = sink;
	g.ctx = s;
	err = pst_http_get(http, &g);
	if (err != PST_OK && g.why[0] == '\0')
		return PST_ERR_STATE; /* a failure says why */
	return err;
}

static void
part(const char *head, size_t fill, bool cut)
{
	server_reply(server,
	    &(struct server_step){ .text = head, .fill = fill, .end = cut });
}

static void
a_payload_is_streamed(void)
{
	struct sunk s;

	begin(false);
	part(
	    "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", 300000, false);
	CHECK_EQ(get("/p?token=1", 0, &s), PST_OK);
	CHECK_EQ(s.len, 300000);
	CHECK(s.all_x);
	CHECK(!asked(0, "\r\nRange:"));
	CHECK(asked(0, "GET /p?token=1 HTTP/1.1\r\n"));
	part("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, false);
	CHECK_EQ(get("/empty", 0, &s), PST_OK);
	CHECK_EQ(s.len, 0);
	end();
}

static void
a_broken_transfer_is_resumed_by_range(void)
{
	struct sunk s;

	begin(false);
	part("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n"
	     "Content-Length: 200000\r\n\r\n",
	    100000, true);
	part("HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\n"
	     "Content-Range: bytes 100000-199999/200000\r\n"
	     "Content-Length: 100000\r\n\r\n",
	    100000, false);
	CHECK_EQ(get("/p", 0, &s), PST_OK);
	CHECK_EQ(s.len, 200000);
	CHECK(asked(1, "\r\nRange: bytes=100000-\r\n"));
	CHECK(asked(1, "\r\nIf-Range: \"v1\"\r\n"));
	end();
}

static void
a_server_without_ranges_is_read_over(void)
{
	struct sunk s;

	begin(false);
	part("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 400, true);
	part("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 1000, false);
	CHECK_EQ(get("/p", 0, &s), PST_OK);
	CHECK_EQ(s.len, 1000);
	/* The agent itself may ask for the middle. */
	part("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 1000, false);
	CHECK_EQ(get("/p", 900, &s), PST_OK);
	CHECK_EQ(s.len, 100);
	CHECK(asked(2, "\r\nRange: bytes=900-\r\n"));
	/* Shorter than what was had before: it is another payload. */
	part("HTTP/1.1 200 OK\r\nContent-Length: 800\r\n\r\n", 800, false);
	CHECK_EQ(get("/p", 900, &s), PST_ERR_FETCH);
	CHECK_EQ(s.len, 0);
	end();
}

static void
a_payload_that_changed_is_refused(void)
{
	struct sunk s;

	begin(false);
	part("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n"
	     "Content-Length: 1000\r\n\r\n",
	    400, true);
	part("HTTP/1.1 200 OK\r\nETag: \"v2\"\r\n"
	     "Content-Length: 1000\r\n\r\n",
	    1000, false);
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(s.len, 400);
	end();
}

static void
a_range_that_was_not_asked_for_is_refused(void)
{
	static const char *const heads[] = {
		"HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/20\r\n"
		"Content-Length: 10\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Range: bytes 11-19/20\r\n"
		"Content-Length: 9\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Range: lines 10-19/20\r\n"
		"Content-Length: 10\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Length: 10\r\n\r\n",
	};
	struct sunk s;
	size_t i;

	begin(false);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		part(heads[i], 10, true);
		CHECK_EQ(get("/p", 10, &s), PST_ERR_FETCH);
		CHECK_EQ(s.len, 0);
	}
	end();
}

static void
a_payload_that_is_all_there_ends_with_416(void)
{
	struct sunk s;

	begin(false);
	part("HTTP/1.1 416 Past\r\nContent-Range: bytes */500\r\n"
	     "Content-Length: 0\r\n\r\n",
	    0, false);
	CHECK_EQ(get("/p", 500, &s), PST_OK);
	CHECK_EQ(s.len, 0);
	part("HTTP/1.1 416 Past\r\nContent-Range: bytes */400\r\n"
	     "Content-Length: 0\r\n\r\n",
	    0, false);
	CHECK_EQ(get("/p", 500, &s), PST_ERR_FETCH);
	end();
}

static void
a_payload_that_is_not_there_fails_at_once(void)
{
	struct sunk s;

	begin(false);
	part("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\noops", 0,
	    false);
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(s.len, 0);
	CHECK_EQ(server_count(server), 1);
	/* What may pass is tried again, but not for ever. */
	part("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, false);
	part("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, false);
	part("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, false);
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(server_count(server), 4);
	end();
}

static void
a_payload_that_stalls_is_given_up(void)
{
	struct sunk s;
	uint64_t began;

	begin(false);
	config.retries = PST_BROKER_NO_RETRIES;
	pst_http_client_free(http);
	http = pst_http_client_new(&config);
	server_reply(server,
	    &(struct server_step){
		.text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
		.delay_ms = 8000 });
	began = pst_broker_now_ms();
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK(pst_broker_now_ms() - began < 6000);
	end();
}

static void
the_sink_can_stop_a_payload(void)
{
	struct pst_http_get g = { .sink = sink };
	struct sunk s = { .limit = 5 };

	begin(false);
	part(
	    "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 100000, false);
	g.uri = url("/p");
	g.ctx = &s;
	CHECK_EQ(pst_http_get(http, &g), PST_ERR_LIMIT);
	CHECK_EQ(server_count(server), 1);
	end();
}

static void
redirect_to(const char *target)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
	    "Content-Length: 0\r\n\r\n",
	    target);
	reply(text);
}

static void
a_payload_is_redirected_five_times_from_https_to_https(void)
{
	struct sunk s;
	int i;

	begin(true);
	for (i = 0; i < 5; i++)
		redirect_to("/next");
	part("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 9, false);
	CHECK_EQ(get("/p", 0, &s), PST_OK);
	CHECK_EQ(s.len, 9);
	CHECK_EQ(server_count(server), 6);
	for (i = 0; i < 6; i++)
		redirect_to("/next");
	part("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 9, false);
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(s.len, 0);
	CHECK_EQ(server_count(server), 12);
	end();
}

static void
a_payload_does_not_go_down_to_http(void)
{
	struct server *plain = server_start(false);
	struct sunk s;

	begin(true);
	redirect_to(server_base(plain));
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(server_count(plain), 0);
	redirect_to("file:///etc/passwd");
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(s.len, 0);
	end();
	begin(false);
	redirect_to(server_base(plain));
	CHECK_EQ(get("/p", 0, &s), PST_ERR_FETCH);
	CHECK_EQ(server_count(plain), 0);
	end();
	server_stop(plain);
}

static void
a_stop_ends_what_is_under_way(void)
{
	static atomic_bool stop;
	struct pst_http_answer a;
	uint64_t began;

	begin(false);
	atomic_store(&stop, true);
	config.stop = &stop;
	pst_http_client_free(http);
	http = pst_http_client_new(&config);
	server_reply(server,
	    &(struct server_step){
		.text = "HTTP/1.1 204 No Content\r\n\r\n", .delay_ms = 5000 });
	began = pst_broker_now_ms();
	CHECK_EQ(post(empty, &a), PST_ERR_IO);
	CHECK(pst_broker_now_ms() - began < 1500);
	end();
}

/* Nothing secret reaches a log. */
static void
a_shown_uri_has_no_credentials(void)
{
	char shown[PST_BROKER_SHOWN_MAX];

	CHECK(strcmp(pst_broker_uri_shown(
			 "https://u:p@h.example/a?sig=1#f", shown),
		  "https://h.example/a") == 0);
	CHECK(strcmp(pst_broker_uri_shown("https://h.example/a@b", shown),
		  "https://h.example/a@b") == 0);
	CHECK(strcmp(pst_broker_uri_shown("nonsense", shown), "nonsense") == 0);
}

void
http_cases(void)
{
	RUN(an_empty_post_has_accept_and_no_content_type);
	RUN(a_message_is_posted_with_its_type);
	RUN(a_redirect_of_teep_is_refused);
	RUN(a_body_of_another_type_is_refused);
	RUN(a_truncated_body_is_refused);
	RUN(an_answer_of_the_limit_passes_and_one_byte_more_does_not);
	RUN(a_slow_tam_is_given_up);
	RUN(retry_after_is_honoured);
	RUN(other_failures_are_not_repeated);
	RUN(only_http_and_https_uris_are_used);
	RUN(a_tam_that_is_not_there_is_tried_again);
	RUN(an_untrusted_certificate_is_refused);
	RUN(a_payload_is_streamed);
	RUN(a_broken_transfer_is_resumed_by_range);
	RUN(a_server_without_ranges_is_read_over);
	RUN(a_payload_that_changed_is_refused);
	RUN(a_range_that_was_not_asked_for_is_refused);
	RUN(a_payload_that_is_all_there_ends_with_416);
	RUN(a_payload_that_is_not_there_fails_at_once);
	RUN(a_payload_that_stalls_is_given_up);
	RUN(the_sink_can_stop_a_payload);
	RUN(a_payload_is_redirected_five_times_from_https_to_https);
	RUN(a_payload_does_not_go_down_to_http);
	RUN(a_stop_ends_what_is_under_way);
	RUN(a_shown_uri_has_no_credentials);
	broker_cases += test_cases;
	broker_failures += test_failures;
}
