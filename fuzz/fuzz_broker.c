/*
 * What the broker reads from others: header lines of a server, the agent's
 * replies, and the lines of applications. The agent is a double that has the
 * input for its list of components and wants nothing; no network is used.
 */
#include <string.h>

#include "broker/service.h"
#include "fuzz.h"

static struct pst_bytes input;

TEEC_Result
TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
	(void)name, (void)context;
	return TEEC_SUCCESS;
}

void
TEEC_FinalizeContext(TEEC_Context *context)
{
	(void)context;
}

TEEC_Result
TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
    const TEEC_UUID *destination, uint32_t connectionMethod,
    const void *connectionData, TEEC_Operation *operation,
    uint32_t *returnOrigin)
{
	(void)context, (void)session, (void)destination, (void)operation;
	(void)connectionMethod, (void)connectionData, (void)returnOrigin;
	return TEEC_SUCCESS;
}

void
TEEC_CloseSession(TEEC_Session *session)
{
	(void)session;
}

TEEC_Result
TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID,
    TEEC_Operation *operation, uint32_t *returnOrigin)
{
	/* [0, 0, "", h'', 0, 0]: nothing is wanted */
	static const uint8_t nothing[] = { 0x86, 0, 0, 0x60, 0x40, 0, 0 };
	TEEC_TempMemoryReference *out = &operation->params[3].tmpref;
	struct pst_bytes reply = { nothing, sizeof(nothing) };

	(void)session, (void)returnOrigin;
	if (commandID == PST_AGENT_TA_LIST)
		reply = input;
	if (reply.len > out->size)
		return TEEC_ERROR_SHORT_BUFFER;
	if (reply.len > 0)
		memcpy(out->buffer, reply.ptr, reply.len);
	out->size = reply.len;
	return TEEC_SUCCESS;
}

static enum pst_err
parse(const char *text, uint8_t *buf, size_t cap, size_t *len)
{
	*len = strnlen(text, cap);
	memcpy(buf, text, *len);
	return PST_OK;
}

static struct service *
the_service(void)
{
	static const char *const tees[] = { "one" };
	static const struct pst_broker_config config;
	static struct service s;

	if (s.tee_count == 1)
		return &s;
	s.config.tees = tees;
	s.config.parse = parse;
	s.config.burst = UINT32_MAX;
	s.config.refill_s = 1;
	(void)pthread_mutex_init(&s.lock, NULL);
	(void)pthread_mutex_init(&s.tee[0].lock, NULL);
	s.tee[0].name = tees[0];
	s.tee[0].broker = pst_broker_new(&config);
	MUST(s.tee[0].broker != NULL);
	s.tee_count = 1;
	return &s;
}

static void
line_of_an_application(const uint8_t *data, size_t size)
{
	char line[PST_BROKER_LINE_MAX], answer[PST_BROKER_LINE_MAX];
	struct service *s = the_service();

	if (size >= sizeof(line) || memchr(data, '\n', size) != NULL)
		return;
	memcpy(line, data, size);
	line[size] = '\0';
	memset(s->want, 0, sizeof(s->want));
	pst_service_answer(s, 1000, line, answer);
	MUST(strncmp(answer, "{\"status\":\"", 11) == 0);
	MUST(memchr(answer, '\n', strlen(answer)) == NULL);
}

static void
see(void *ctx, const struct pst_agent_component *c)
{
	(void)ctx;
	MUST(c->id.len > 0);
	MUST(c->id.ptr != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_http_headers headers = { 0 };
	struct pst_broker_result res;
	struct pst_broker_reply reply;
	struct pst_broker *broker = the_service()->tee[0].broker;
	size_t at, n;

	input = (struct pst_bytes){ data, size };
	line_of_an_application(data, size);
	if (pst_broker_list(broker, see, NULL, &res) != PST_OK)
		MUST(res.why[0] != '\0');
	if (pst_broker_reply_decode(input, &reply) == PST_OK)
		MUST(reply.what <= PST_AGENT_FETCH);
	for (at = 0; at < size; at += n) {
		const uint8_t *end = memchr(data + at, '\n', size - at);

		n = end != NULL ? (size_t)(end - data) - at + 1 : size - at;
		pst_http_header(&headers, (const char *)data + at, n);
		MUST(strlen(headers.etag) < sizeof(headers.etag));
		MUST(headers.retry_after_s <= 86400);
	}
	return 0;
}
