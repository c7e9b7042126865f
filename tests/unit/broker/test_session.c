/*
 * Sessions: what an agent (a double of the TEE Client API) and a TAM (a
 * scripted server) make the broker do.
 */
#include "broker/internal.h"

#include <stdlib.h>

#include "cases.h"
#include "double.h"
#include "server.h"
#include "test.h"

/* [h'7461'], encoded */
#define COMPONENT "\x81\x42ta"

static struct pst_broker_config config;
static struct pst_broker_result res;
static struct pst_broker *broker;
static struct server *tam;
static char uri[8][64];
static int sessions;

static void
count_sessions(void *ctx, const struct pst_broker_result *result)
{
	(void)ctx;
	sessions += result->tam[0] != '\0';
}

static void
begin(void)
{
	double_reset();
	sessions = 0;
	memset(&config, 0, sizeof(config));
	config.exchange_ms = 2000;
	config.connect_ms = 2000;
	config.retries = 1;
	config.retry_ms = 1;
	config.session = count_sessions;
	tam = server_start(false);
	broker = pst_broker_new(&config);
	(void)snprintf(uri[0], sizeof(uri[0]), "%s/tam", server_base(tam));
	(void)snprintf(uri[1], sizeof(uri[1]), "%s/other", server_base(tam));
	(void)snprintf(uri[2], sizeof(uri[2]), "%s/p", server_base(tam));
}

static void
end(void)
{
	pst_broker_free(broker);
	server_stop(tam);
}

static void
agent(enum pst_agent_do what, uint32_t session, const char *to,
    const char *message)
{
	double_reply(&(struct agent_reply){
	    .what = what, .session = session, .uri = to, .message = message });
}

static void
agent_is_done(void)
{
	agent(PST_AGENT_NOTHING, 0, NULL, NULL);
}

static void
agent_wants(uint32_t session, uint64_t offset)
{
	double_reply(&(struct agent_reply){ .what = PST_AGENT_FETCH,
	    .session = session,
	    .uri = uri[2],
	    .offset = offset });
}

static void
no_content(void)
{
	server_reply(tam,
	    &(struct server_step){ .text = "HTTP/1.1 204 No Content\r\n\r\n" });
}

static bool
told(size_t n, uint32_t command, uint32_t session)
{
	return n < double_count() && double_call(n)->command == command &&
	    double_call(n)->session == session;
}

/* Connect, QueryRequest, QueryResponse, Update, Success, 204. */
static void
a_whole_session(void)
{
	begin();
	agent(PST_AGENT_CONNECT, 3, uri[0], NULL);
	server_reply_teep(tam, "query-request");
	agent(PST_AGENT_SEND, 3, uri[0], "query-response");
	server_reply_teep(tam, "update");
	agent(PST_AGENT_SEND, 3, uri[0], "success");
	no_content();
	agent_is_done(); /* no other TAM is due */
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK_EQ(res.messages, 3);
	CHECK_EQ(sessions, 1);
	CHECK(strcmp(res.tam, uri[0]) == 0);
	CHECK_EQ(double_count(), 4);
	CHECK(told(0, PST_AGENT_TA_POLICY_CHECK, 0));
	CHECK_EQ(double_call(0)->flags, 0);
	CHECK(told(1, PST_AGENT_TA_MESSAGE, 3));
	CHECK(strcmp(double_call(1)->first, "query-request") == 0);
	CHECK(told(2, PST_AGENT_TA_MESSAGE, 3));
	CHECK(strcmp(double_call(2)->first, "update") == 0);
	CHECK(strstr(server_request(tam, 1), "\r\n\r\nquery-response"));
	CHECK(strstr(server_request(tam, 2), "\r\n\r\nsuccess"));
	end();
	CHECK_EQ(double_open(), 0);
}

static char logged[4096];

static void
keep_log(void *ctx, bool error, const char *line)
{
	size_t at = strlen(logged);

	(void)ctx;
	(void)error;
	(void)snprintf(logged + at, sizeof(logged) - at, "%s\n", line);
}

static bool
has_secret(const char *text)
{
	return strstr(text, "secret") != NULL || strstr(text, "user") != NULL;
}

static void
a_password_in_a_tams_uri_is_not_told(void)
{
	char with[120];

	begin();
	pst_broker_free(broker);
	logged[0] = '\0';
	config.log = keep_log;
	broker = pst_broker_new(&config);
	(void)snprintf(with, sizeof(with), "http://user:secret@%s/tam?secret",
	    server_base(tam) + strlen("http://"));
	agent(PST_AGENT_CONNECT, 3, with, NULL);
	server_reply(tam,
	    &(struct server_step){
		.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" });
	server_reply_teep(tam, "query-request");
	agent(PST_AGENT_SEND, 3, with, "query-response");
	server_reply(tam,
	    &(struct server_step){
		.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" });
	agent_is_done();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK_EQ(server_count(tam), 3);
	CHECK(strcmp(res.tam, uri[0]) == 0);
	CHECK(strstr(res.why, "HTTP 404") != NULL && !has_secret(res.why));
	CHECK(strstr(logged, "again in") != NULL);
	CHECK(strstr(logged, "got 13 bytes") != NULL && !has_secret(logged));
	end();
}

static void
nothing_to_do_is_success(void)
{
	begin();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, true, &res), PST_OK);
	CHECK_EQ(double_call(0)->flags, PST_AGENT_TA_FORCE);
	CHECK_EQ(server_count(tam), 0);
	CHECK_EQ(sessions, 0);
	end();
}

/* Also when the agent first goes on with an Update of the same TAM. */
static void
every_tam_of_a_round_has_its_session(void)
{
	begin();
	agent(PST_AGENT_SEND, 0, uri[0], "success of yesterday");
	no_content();
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	no_content();
	agent(PST_AGENT_CONNECT, 1, uri[1], NULL);
	no_content();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, true, &res), PST_OK);
	CHECK_EQ(sessions, 3);
	CHECK_EQ(server_count(tam), 3);
	CHECK(strncmp(server_request(tam, 2), "POST /other ", 12) == 0);
	CHECK_EQ(double_count(), 4);
	end();
}

/* "calls the TEEP Agent's ProcessError API", and goes on with the next. */
static void
a_tam_that_fails_does_not_keep_others_waiting(void)
{
	begin();
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	server_reply(tam,
	    &(struct server_step){
		.text = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" });
	agent_is_done(); /* to ProcessError */
	agent(PST_AGENT_CONNECT, 1, uri[1], NULL);
	no_content();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK(strstr(res.why, "HTTP 500") != NULL);
	CHECK(told(1, PST_AGENT_TA_ERROR, 0));
	CHECK(told(2, PST_AGENT_TA_POLICY_CHECK, 0));
	CHECK_EQ(server_count(tam), 2);
	/* The one that failed is left alone for a while. */
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	agent_is_done();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, true, &res), PST_ERR_IO);
	CHECK_EQ(server_count(tam), 2);
	CHECK(res.retry_after_s > 0);
	end();
}

static void
a_redirect_is_told_to_the_agent_as_an_error(void)
{
	char text[200];

	begin();
	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 307 Elsewhere\r\nLocation: %s\r\n"
	    "Content-Length: 0\r\n\r\n",
	    uri[1]);
	agent(PST_AGENT_CONNECT, 2, uri[0], NULL);
	server_reply(tam, &(struct server_step){ .text = text });
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK(told(1, PST_AGENT_TA_ERROR, 2));
	CHECK_EQ(server_count(tam), 1);
	end();
}

static void
a_session_that_does_not_end_is_ended(void)
{
	int i;

	begin();
	for (i = 0; i < PST_BROKER_MESSAGES_MAX + 1; i++) {
		agent(PST_AGENT_SEND, 0, uri[0], "again");
		server_reply_teep(tam, "again");
	}
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_LIMIT);
	CHECK_EQ(server_count(tam), PST_BROKER_MESSAGES_MAX);
	end();
}

static void
an_agents_refusal_is_told(void)
{
	begin();
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	server_reply_teep(tam, "update");
	double_reply(&(struct agent_reply){ .what = PST_AGENT_SEND,
	    .uri = uri[0],
	    .message = "error",
	    .reason = PST_ERR_SUIT_SEQUENCE });
	no_content();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_SUIT_SEQUENCE);
	CHECK(strstr(res.why, pst_err_name(PST_ERR_SUIT_SEQUENCE)) != NULL);
	CHECK_EQ(res.messages, 2);
	end();
}

static void
a_tee_that_fails_ends_the_session(void)
{
	begin();
	double_reply(&(struct agent_reply){ .fails = TEEC_ERROR_TARGET_DEAD });
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK(strstr(res.why, "died") != NULL);
	CHECK_EQ(double_open(), 0);
	/* The next piece of work connects again. */
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK_EQ(double_open(), 2);
	double_reply(&(struct agent_reply){ .fails = TEEC_ERROR_BUSY });
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_BUSY);
	double_reply(&(struct agent_reply){ .rubbish = true });
	CHECK(pst_broker_sync(broker, false, &res) != PST_OK);
	CHECK(res.why[0] != '\0');
	end();
	CHECK_EQ(double_open(), 0);
}

/* Nothing is begun, and the agent is not disturbed. */
static void
a_stopped_broker_begins_nothing(void)
{
	static atomic_bool stop;

	begin();
	pst_broker_free(broker);
	atomic_store(&stop, true);
	config.stop = &stop;
	broker = pst_broker_new(&config);
	CHECK_EQ(pst_broker_sync(broker, true, &res), PST_ERR_AGAIN);
	CHECK_EQ(
	    pst_broker_request(broker, PST_BYTES_LIT(COMPONENT), NULL, &res),
	    PST_ERR_AGAIN);
	CHECK_EQ(pst_broker_unrequest(broker, PST_BYTES_LIT(COMPONENT), &res),
	    PST_ERR_AGAIN);
	CHECK_EQ(double_count(), 0);
	end();
}

/* A service keeps its session for days; the TEE may not last as long. */
static void
a_tee_that_was_restarted_is_found_again(void)
{
	begin();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	double_reply(
	    &(struct agent_reply){ .fails = TEEC_ERROR_COMMUNICATION });
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK_EQ(double_open(), 2);
	CHECK_EQ(double_count(), 3);
	/* Once: a TEE that dies of the command is not killed again. */
	double_reply(&(struct agent_reply){ .fails = TEEC_ERROR_TARGET_DEAD });
	double_reply(&(struct agent_reply){ .fails = TEEC_ERROR_TARGET_DEAD });
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK_EQ(double_count(), 5);
	/* A message belongs to the session that was lost. */
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	server_reply_teep(tam, "query-request");
	double_reply(
	    &(struct agent_reply){ .fails = TEEC_ERROR_COMMUNICATION });
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK_EQ(double_count(), 7);
	end();
}

static void
a_tee_that_is_not_there_is_said_so(void)
{
	begin();
	pst_broker_free(broker);
	config.tee = "absent";
	broker = pst_broker_new(&config);
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_IO);
	CHECK(
	    strstr(res.why, "no TEE is running at absent; start it: ") != NULL);
	end();
}

/* --- payloads ---------------------------------------------------------- */

static void
payload(const char *head, size_t fill, bool cut)
{
	server_reply(tam,
	    &(struct server_step){ .text = head, .fill = fill, .end = cut });
}

/* In chunks of the largest size, the last one flagged and never alone. */
static void
a_payload_is_handed_down_in_chunks(void)
{
	const size_t chunk = PST_AGENT_TA_CHUNK_MAX;
	char head[96];

	begin();
	(void)snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", 2 * chunk);
	agent_wants(1, 0);
	payload(head, 2 * chunk, false);
	agent_wants(1, chunk);
	agent(PST_AGENT_SEND, 1, uri[0], "success");
	no_content();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK_EQ(res.payloads, 1);
	CHECK_EQ(res.payload_bytes, 2 * chunk);
	CHECK(told(1, PST_AGENT_TA_CHUNK, 1));
	CHECK_EQ(double_call(1)->flags, 0);
	CHECK_EQ(double_call(1)->len, chunk);
	CHECK(told(2, PST_AGENT_TA_CHUNK, 1));
	CHECK_EQ(double_call(2)->flags, PST_AGENT_TA_LAST);
	CHECK_EQ(double_call(2)->len, chunk);
	end();
}

static void
a_payload_goes_on_where_the_agent_stopped(void)
{
	begin();
	agent_wants(0, 40);
	payload("HTTP/1.1 206 P\r\nContent-Range: bytes 40-49/50\r\n"
		"Content-Length: 10\r\n\r\n",
	    10, false);
	agent_is_done();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK(strstr(server_request(tam, 0), "Range: bytes=40-\r\n"));
	CHECK_EQ(double_call(1)->len, 10);
	CHECK_EQ(double_call(1)->flags, PST_AGENT_TA_LAST);
	end();
}

static void
a_payload_that_cannot_be_had_is_told_to_the_agent(void)
{
	begin();
	agent_wants(0, 0);
	payload("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, false);
	double_reply(&(struct agent_reply){ .what = PST_AGENT_SEND,
	    .uri = uri[0],
	    .message = "error",
	    .reason = PST_ERR_FETCH });
	no_content();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_FETCH);
	CHECK(told(1, PST_AGENT_TA_CHUNK, 0));
	CHECK_EQ(double_call(1)->flags, PST_AGENT_TA_FAILED);
	CHECK_EQ(double_call(1)->len, 0);
	CHECK(strstr(res.why, "HTTP 404") != NULL);
	end();
}

/* Another source that the agent knows is tried; then all is well. */
static void
an_alternative_payload_makes_good(void)
{
	begin();
	agent_wants(0, 0);
	payload("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, false);
	agent_wants(0, 0);
	payload("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 3, false);
	agent_is_done();
	agent_is_done();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_OK);
	CHECK_EQ(res.why[0], '\0');
	end();
}

static void
the_agent_can_stop_a_payload(void)
{
	char head[96];

	begin();
	(void)snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
	    4 * PST_AGENT_TA_CHUNK_MAX);
	agent_wants(0, 0);
	payload(head, 4 * PST_AGENT_TA_CHUNK_MAX, false);
	double_reply(&(struct agent_reply){ .what = PST_AGENT_SEND,
	    .uri = uri[0],
	    .message = "error",
	    .reason = PST_ERR_SUIT_OPERATION });
	no_content();
	CHECK_EQ(pst_broker_sync(broker, false, &res), PST_ERR_SUIT_OPERATION);
	CHECK_EQ(double_call(1)->flags, 0);
	CHECK(!told(2, PST_AGENT_TA_CHUNK, 0));
	end();
}

/* --- applications ------------------------------------------------------ */

static void
a_request_is_done_when_it_is_installed(void)
{
	begin();
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	no_content();
	double_installed(COMPONENT);
	CHECK_EQ(pst_broker_request(broker, PST_BYTES_LIT(COMPONENT),
		     "https://tam.example/", &res),
	    PST_OK);
	CHECK(told(0, PST_AGENT_TA_REQUEST_TA, 0));
	CHECK(strcmp(double_call(0)->first, COMPONENT) == 0);
	CHECK(strcmp(double_call(0)->uri, "https://tam.example/") == 0);
	end();
}

static void
a_request_that_brought_nothing_is_not_found(void)
{
	begin();
	agent(PST_AGENT_CONNECT, 0, uri[0], NULL);
	no_content();
	double_installed("\x81\x42tb");
	CHECK_EQ(
	    pst_broker_request(broker, PST_BYTES_LIT(COMPONENT), NULL, &res),
	    PST_ERR_NOT_FOUND);
	CHECK(strstr(res.why, uri[0]) != NULL);
	CHECK_EQ(double_call(0)->uri[0], '\0');
	end();
}

static void
an_unrequest_is_passed_on(void)
{
	begin();
	agent_is_done();
	CHECK_EQ(pst_broker_unrequest(broker, PST_BYTES_LIT(COMPONENT), &res),
	    PST_OK);
	CHECK(told(0, PST_AGENT_TA_UNREQUEST_TA, 0));
	end();
}

static size_t listed;

static void
see(void *ctx, const struct pst_agent_component *c)
{
	(void)ctx;
	listed += pst_equal(c->id, PST_BYTES_LIT(COMPONENT)) &&
	    c->sequence == 7 && c->size_bytes == 100 &&
	    c->digest.bytes.len == 32;
}

static void
components_are_listed(void)
{
	begin();
	listed = 0;
	double_installed(COMPONENT);
	CHECK_EQ(pst_broker_list(broker, see, NULL, &res), PST_OK);
	CHECK_EQ(listed, 1);
	end();
}

void
session_cases(void)
{
	RUN(a_whole_session);
	RUN(a_password_in_a_tams_uri_is_not_told);
	RUN(nothing_to_do_is_success);
	RUN(every_tam_of_a_round_has_its_session);
	RUN(a_tam_that_fails_does_not_keep_others_waiting);
	RUN(a_redirect_is_told_to_the_agent_as_an_error);
	RUN(a_session_that_does_not_end_is_ended);
	RUN(an_agents_refusal_is_told);
	RUN(a_tee_that_fails_ends_the_session);
	RUN(a_stopped_broker_begins_nothing);
	RUN(a_tee_that_was_restarted_is_found_again);
	RUN(a_tee_that_is_not_there_is_said_so);
	RUN(a_payload_is_handed_down_in_chunks);
	RUN(a_payload_goes_on_where_the_agent_stopped);
	RUN(a_payload_that_cannot_be_had_is_told_to_the_agent);
	RUN(an_alternative_payload_makes_good);
	RUN(the_agent_can_stop_a_payload);
	RUN(a_request_is_done_when_it_is_installed);
	RUN(a_request_that_brought_nothing_is_not_found);
	RUN(an_unrequest_is_passed_on);
	RUN(components_are_listed);
	broker_cases += test_cases;
	broker_failures += test_failures;
}
