/*
 * hello-client [--tee SOCKET] [UUID]: asks a Trusted Application for its text
 * and prints it. Ends with 0, with 1 when the TA could not be asked, and with
 * 2 when it was called wrongly.
 */
#include "hello_ta.h"

#include <stdio.h>
#include <string.h>
#include <tee_client_api.h>

static const struct {
	TEEC_Result result;
	const char *name;
} names[] = {
	{ TEEC_ERROR_ACCESS_DENIED, "TEEC_ERROR_ACCESS_DENIED" },
	{ TEEC_ERROR_BAD_FORMAT, "TEEC_ERROR_BAD_FORMAT" },
	{ TEEC_ERROR_BUSY, "TEEC_ERROR_BUSY" },
	{ TEEC_ERROR_COMMUNICATION, "TEEC_ERROR_COMMUNICATION" },
	{ TEEC_ERROR_ITEM_NOT_FOUND, "TEEC_ERROR_ITEM_NOT_FOUND" },
	{ TEEC_ERROR_NOT_SUPPORTED, "TEEC_ERROR_NOT_SUPPORTED" },
	{ TEEC_ERROR_SECURITY, "TEEC_ERROR_SECURITY" },
	{ TEEC_ERROR_TARGET_DEAD, "TEEC_ERROR_TARGET_DEAD" },
};

static int
failed(const char *what, TEEC_Result result)
{
	const char *name = "error";
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].result == result)
			name = names[i].name;
	fprintf(stderr, "hello-client: %s: %s (0x%08x)\n", what, name,
	    (unsigned)result);
	return 1;
}

static bool
parse_uuid(const char *text, TEEC_UUID *u)
{
	unsigned v[11];
	size_t i;
	int end = 0;

	if (sscanf(text, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x%n", &v[0],
		&v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9],
		&v[10], &end) != 11 ||
	    end != 36 || text[36] != '\0')
		return false;
	u->timeLow = v[0];
	u->timeMid = (uint16_t)v[1];
	u->timeHiAndVersion = (uint16_t)v[2];
	for (i = 0; i < 8; i++)
		u->clockSeqAndNode[i] = (uint8_t)v[3 + i];
	return true;
}

static int
ask(TEEC_Session *session)
{
	TEEC_Operation op;
	TEEC_Result result;
	char text[256];

	memset(&op, 0, sizeof(op));
	op.paramTypes = TEEC_PARAM_TYPES(
	    TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	op.params[0].tmpref.buffer = text;
	op.params[0].tmpref.size = sizeof(text);
	result = TEEC_InvokeCommand(session, HELLO_CMD_SAY, &op, NULL);
	if (result != TEEC_SUCCESS)
		return failed("the Trusted Application did not answer", result);
	printf("%.*s\n", (int)op.params[0].tmpref.size, text);
	return 0;
}

static int
run(const char *tee, const TEEC_UUID *uuid)
{
	TEEC_Context context;
	TEEC_Session session;
	TEEC_Result result;
	int status;

	result = TEEC_InitializeContext(tee, &context);
	if (result != TEEC_SUCCESS)
		return failed("no TEE", result);
	result = TEEC_OpenSession(
	    &context, &session, uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
	if (result == TEEC_SUCCESS) {
		status = ask(&session);
		TEEC_CloseSession(&session);
	} else {
		status = failed("no session", result);
	}
	TEEC_FinalizeContext(&context);
	return status;
}

int
main(int argc, char **argv)
{
	TEEC_UUID uuid = HELLO_TA_UUID;
	const char *tee = NULL;
	int i = 1;

	if (i + 1 < argc && strcmp(argv[i], "--tee") == 0) {
		tee = argv[i + 1];
		i += 2;
	}
	if (i < argc && !parse_uuid(argv[i++], &uuid))
		i = argc + 1;
	if (i != argc) {
		fprintf(stderr, "usage: hello-client [--tee SOCKET] [UUID]\n");
		return 2;
	}
	return run(tee, &uuid);
}
