/*
 * postern-tee as a program: the agent through libteec, TAs that it installed,
 * and what is left when anybody ends in the middle.
 */
#include "device.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct device d;
static TEEC_Context ctx;
static struct reply r;
static const TEEC_UUID agent_uuid = PST_AGENT_TA_UUID;
static const struct pst_bytes nothing = { NULL, 0 };

static TEEC_Result
open_agent(TEEC_Session *s)
{
	return TEEC_OpenSession(
	    &ctx, s, &agent_uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
}

static bool
connect_tee(void)
{
	return TEEC_InitializeContext(d.socket, &ctx) == TEEC_SUCCESS;
}

/* Does hello-client print this of a TA, or (status 1) complain of this? */
static bool
ta_says(const char *uuid, const char *want, int status)
{
	char command[300], line[200] = "";
	FILE *f;
	int got;

	snprintf(command, sizeof(command),
	    "%s/examples/hello-client --tee %s %s 2>&1", PST_BUILD_DIR,
	    d.socket, uuid);
	f = popen(command, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		strcpy(line, "nothing\n");
	got = pclose(f);
	if (strstr(line, want) != NULL && WEXITSTATUS(got) == status)
		return true;
	printf("  %d: %s", WEXITSTATUS(got), line);
	return false;
}

static bool
hello_says(const char *want, int status)
{
	return ta_says("", want, status);
}

/* Hand the payload down from where the agent wants it, in pieces. */
static bool
transfer(TEEC_Session *s, const char *file, size_t piece)
{
	struct pst_bytes all = build_file(file), part;
	size_t at;
	bool last;

	while (r.what == PST_AGENT_FETCH) {
		at = (size_t)r.offset;
		if (at > all.len)
			return false;
		part.ptr = all.ptr + at;
		part.len = all.len - at < piece ? all.len - at : piece;
		last = at + part.len == all.len;
		if (!ask_agent(s, &r, PST_AGENT_TA_CHUNK,
			last ? PST_AGENT_TA_LAST : 0, part))
			return false;
	}
	return r.what == PST_AGENT_SEND;
}

static bool
install(const char *token, uint64_t sequence, const char *file)
{
	TEEC_Session s;
	bool good;

	if (open_agent(&s) != TEEC_SUCCESS)
		return false;
	good = ask_agent(&s, &r, PST_AGENT_TA_MESSAGE, 0,
		   tam_update(&d, token, sequence, file)) &&
	    transfer(&s, file, PST_AGENT_TA_CHUNK_MAX);
	TEEC_CloseSession(&s);
	return good;
}

/* --- the program --------------------------------------------------------- */

static void
state_is_private_and_public_keys_are_there(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = { { "", 0700 }, { "keys", 0700 }, { "keys/teep.pem", 0600 },
		{ "keys/attestation.pem", 0600 }, { "agent.pub.pem", 0644 },
		{ "attestation.pub.pem", 0644 }, { "store", 0700 } };
	struct pst_key a, b;
	char path[200];
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", d.state, files[i].name);
		CHECK(stat(path, &st) == 0);
		CHECK_EQ(st.st_mode & 07777, files[i].mode);
	}
	snprintf(path, sizeof(path), "%s/agent.pub.pem", d.state);
	CHECK_EQ(pst_key_read(path, &a, NULL), PST_OK);
	snprintf(path, sizeof(path), "%s/attestation.pub.pem", d.state);
	CHECK_EQ(pst_key_read(path, &b, NULL), PST_OK);
	CHECK(a.secret_len == 0 && !pst_pubkey_equal(&a.pub, &b.pub));
	CHECK(device_logged(&d, "a TEE for development"));
}

static void
state_has_one_tee_at_a_time(void)
{
	CHECK_EQ(device_refused(&d), 1);
	CHECK(device_logged(&d, "another TEE uses this state"));
}

/* --- the agent's commands ------------------------------------------------ */

static void
policy_check_gives_each_tam_once_a_round(void)
{
	TEEC_Session s;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_POLICY_CHECK, PST_AGENT_TA_FORCE, nothing));
	CHECK_EQ(r.what, PST_AGENT_CONNECT);
	CHECK(r.uri.len == 22 &&
	    memcmp(r.uri.ptr, "http://127.0.0.1:9/tam", 22) == 0);
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_POLICY_CHECK, PST_AGENT_TA_FORCE, nothing));
	CHECK_EQ(r.what, PST_AGENT_NOTHING);
	TEEC_CloseSession(&s);
}

static void
broker_that_vanished_in_a_round_does_not_empty_the_next(void)
{
	TEEC_Session s;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_POLICY_CHECK, PST_AGENT_TA_FORCE, nothing));
	CHECK_EQ(r.what, PST_AGENT_CONNECT);
	TEEC_CloseSession(&s);
	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_POLICY_CHECK, PST_AGENT_TA_FORCE, nothing));
	CHECK_EQ(r.what, PST_AGENT_CONNECT);
	TEEC_CloseSession(&s);
}

static void
small_reply_buffer_is_refused_before_anything_is_done(void)
{
	TEEC_Operation op = { 0 };
	TEEC_Session s;
	uint8_t b[100];

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT,
	    TEEC_MEMREF_TEMP_INPUT, TEEC_NONE, TEEC_MEMREF_TEMP_OUTPUT);
	op.params[0].value.b = PST_AGENT_TA_FORCE;
	op.params[3].tmpref = (TEEC_TempMemoryReference){ b, sizeof(b) };
	CHECK_EQ(TEEC_InvokeCommand(&s, PST_AGENT_TA_POLICY_CHECK, &op, NULL),
	    TEEC_ERROR_SHORT_BUFFER);
	CHECK_EQ(op.params[3].tmpref.size, PST_AGENT_TA_REPLY_MAX);
	/* the round has not begun */
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_POLICY_CHECK, PST_AGENT_TA_FORCE, nothing));
	CHECK_EQ(r.what, PST_AGENT_CONNECT);
	TEEC_CloseSession(&s);
}

static void
bad_commands_are_refused(void)
{
	static uint8_t big[PST_MESSAGE_MAX + 2];
	TEEC_Operation op = { 0 };
	TEEC_Session s;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(!ask_agent(&s, &r, 99, 0, nothing));
	CHECK_EQ(r.result, TEEC_ERROR_NOT_SUPPORTED);
	CHECK_EQ(TEEC_InvokeCommand(&s, PST_AGENT_TA_LIST, &op, NULL),
	    TEEC_ERROR_BAD_PARAMETERS);
	CHECK(!ask_agent(&s, &r, PST_AGENT_TA_MESSAGE, 0,
	    (struct pst_bytes){ big, sizeof(big) }));
	CHECK_EQ(r.result, TEEC_ERROR_EXCESS_DATA);
	/* one byte over the limit is an Error to the TAM, as the text says */
	CHECK(ask_agent(&s, &r, PST_AGENT_TA_MESSAGE, 0,
	    (struct pst_bytes){ big, PST_MESSAGE_MAX + 1 }));
	CHECK_EQ(r.reason, PST_ERR_TEEP_TOO_LARGE);
	CHECK(!ask_agent(&s, &r, PST_AGENT_TA_CHUNK, 0, nothing));
	CHECK_EQ(r.result, TEEC_ERROR_BAD_STATE);
	CHECK(!ask_agent(&s, &r, PST_AGENT_TA_CHUNK, 0,
	    (struct pst_bytes){ big, PST_AGENT_TA_CHUNK_MAX + 1 }));
	CHECK_EQ(r.result, TEEC_ERROR_EXCESS_DATA);
	CHECK(!ask_agent(
	    &s, &r, PST_AGENT_TA_REQUEST_TA, 0, PST_BYTES_LIT("no component")));
	CHECK_EQ(r.result, TEEC_ERROR_BAD_PARAMETERS);
	TEEC_CloseSession(&s);
}

static void
other_users_may_not_talk_to_the_agent(void)
{
	TEEC_Session s;
	TEEC_Result result;
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		SKIP("other_users_may_not_talk_to_the_agent", "not root");
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setuid(65533) != 0)
			_exit(1);
		result = open_agent(&s);
		_exit(result == TEEC_ERROR_ACCESS_DENIED ? 0 : 2);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

/* --- installing ---------------------------------------------------------- */

static void
ta_is_installed_updated_and_not_downgraded(void)
{
	CHECK(hello_says("TEEC_ERROR_ITEM_NOT_FOUND", 1));
	CHECK(install("token-01", 1, "examples/hello-v1.ta"));
	CHECK(hello_says("hello from version 1\n", 0));
	CHECK(install("token-02", 2, "examples/hello-v2.ta"));
	CHECK(hello_says("hello from version 2\n", 0));
	(void)install("token-03", 1, "examples/hello-v1.ta");
	CHECK_EQ(r.what, PST_AGENT_SEND);
	CHECK(r.reason != PST_OK);
	CHECK(hello_says("hello from version 2\n", 0));
}

/* What was told to end before has ended. r is the reply to STATUS. */
static bool
one_process_is_left(TEEC_Session *s)
{
	struct pst_cbor_reader c;
	int i;

	for (i = 0; i < 500; i++) {
		if (!ask_agent(s, &r, PST_AGENT_TA_STATUS, 0, nothing))
			return false;
		pst_cbor_reader_init(&c, (struct pst_bytes){ r.bytes, r.len });
		if (pst_cbor_array(&c, 0, 9) == 1)
			return true;
		usleep(20000);
	}
	return false;
}

static void
list_and_status_say_what_is_there(void)
{
	static const TEEC_UUID hello = { 0x8d82573a, 0x926d, 0x4754,
		{ 0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74 } };
	struct pst_cbor_reader c;
	TEEC_Session s, ta;
	struct pst_bytes id;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &ta, &hello, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
	    TEEC_SUCCESS);
	CHECK(ask_agent(&s, &r, PST_AGENT_TA_LIST, 0, nothing));
	pst_cbor_reader_init(&c, (struct pst_bytes){ r.bytes, r.len });
	CHECK_EQ(pst_cbor_array(&c, 1, 1), 1);
	CHECK_EQ(pst_cbor_array(&c, 4, 4), 4);
	id = pst_cbor_item(&c);
	CHECK(pst_component_id_valid(id) && id.len == 21);
	CHECK_EQ(pst_cbor_uint(&c, 100), 2);
	CHECK_EQ(pst_cbor_uint(&c, UINT64_MAX),
	    build_file("examples/hello-v2.ta").len);
	CHECK_EQ(pst_suit_digest_read(&c).alg, PST_ALG_SHA256);
	CHECK_EQ(pst_cbor_end(&c), PST_OK);
	CHECK(one_process_is_left(&s));
	pst_cbor_reader_init(&c, (struct pst_bytes){ r.bytes, r.len });
	CHECK_EQ(pst_cbor_array(&c, 1, 1), 1);
	CHECK_EQ(pst_cbor_array(&c, 5, 5), 5);
	CHECK(pst_cbor_bstr(&c, 16, 16).ptr[0] == 0x8d);
	CHECK_EQ(pst_cbor_uint(&c, 100), 2);
	CHECK(pst_cbor_uint(&c, UINT32_MAX) > 1);
	CHECK_EQ(pst_cbor_uint(&c, 100), 1);
	CHECK(!pst_cbor_bool(&c));
	CHECK_EQ(pst_cbor_end(&c), PST_OK);
	TEEC_CloseSession(&ta);
	TEEC_CloseSession(&s);
}

/* Does `postern tee status` print this? */
static bool
status_says(const char *options, const char *want)
{
	char command[300], text[2000];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "%s/postern tee status --tee %s %s",
	    PST_BUILD_DIR, d.socket, options);
	f = popen(command, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	return pclose(f) == 0 && strstr(text, want) != NULL;
}

/* Likewise, once a TA that was told to end has ended. */
static bool
status_comes_to(const char *options, const char *want)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (status_says(options, want))
			return true;
		usleep(20000);
	}
	return false;
}

static void
status_command_names_what_runs(void)
{
	static const TEEC_UUID hello = { 0x8d82573a, 0x926d, 0x4754,
		{ 0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74 } };
	TEEC_Session ta;

	CHECK(status_says("", "answers, 1 components installed\n"));
	CHECK(status_comes_to(
	    "--json", "\"processes\":[],\"encryption-keys\":["));
	CHECK(status_says("--json", "\"}],\"reachable\":true}"));
	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &ta, &hello, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
	    TEEC_SUCCESS);
	CHECK(status_says(
	    "", "uuid:8d82573a-926d-4754-9353-32dc29997f74/ta  sequence 2, "));
	CHECK(status_says("--json", "\"sessions\":1,\"busy\":false}]"));
	TEEC_CloseSession(&ta);
}

/* The key that is made at the first start, and is another one than the others
 * of the device. */
static void
status_command_shows_what_to_encrypt_to(void)
{
	static const char *const others[] = { "agent", "attestation" };
	struct pst_key key, other;
	uint8_t kid[PST_THUMBPRINT_LEN];
	char path[200], want[100] = "encryption key ";
	size_t i, len = strlen(want);

	snprintf(path, sizeof(path), "%s/encryption.pub.pem", d.state);
	CHECK_EQ(pst_key_read(path, &key, NULL), PST_OK);
	CHECK(key.pub.kty == PST_KTY_EC2 && key.pub.crv == PST_CRV_P256);
	CHECK_EQ(key.secret_len, 0);
	CHECK_EQ(pst_key_thumbprint(&key, kid), PST_OK);
	for (i = 0; i < sizeof(kid); i++)
		snprintf(want + len + 2 * i, 3, "%02x", kid[i]);
	CHECK(status_says("", want));
	CHECK(status_says("--json", want + len));
	CHECK(status_says("", "COSE_Key a5010202582"));
	for (i = 0; i < 2; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s.pub.pem", d.state, others[i]);
		CHECK_EQ(pst_key_read(path, &other, NULL), PST_OK);
		CHECK(!pst_pubkey_equal(&key.pub, &other.pub));
	}
	snprintf(path, sizeof(path), "%s/keys/encryption.pem", d.state);
	CHECK(!pst_key_file_exposed(path));
	CHECK_EQ(pst_key_read(path, &other, NULL), PST_OK);
	CHECK(other.secret_len > 0);
	pst_key_wipe(&other);
}

static void
removal_ends_sessions_and_the_ta(void)
{
	static const TEEC_UUID hello = { 0x8d82573a, 0x926d, 0x4754,
		{ 0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74 } };
	TEEC_Session s, ta;

	CHECK_EQ(TEEC_OpenSession(
		     &ctx, &ta, &hello, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
	    TEEC_SUCCESS);
	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(
	    &s, &r, PST_AGENT_TA_MESSAGE, 0, tam_removal(&d, "token-04")));
	CHECK_EQ(r.what, PST_AGENT_SEND);
	CHECK_EQ(
	    TEEC_InvokeCommand(&ta, 0, NULL, NULL), TEEC_ERROR_TARGET_DEAD);
	TEEC_CloseSession(&ta);
	TEEC_CloseSession(&s);
	CHECK(hello_says("TEEC_ERROR_ITEM_NOT_FOUND", 1));
}

static void
log_says_what_was_done_and_why_not(void)
{
	static const char hello[] =
	    "uuid:8d82573a-926d-4754-9353-32dc29997f74/ta, sequence";
	char line[200];

	snprintf(line, sizeof(line), "agent: installed %s 1\n", hello);
	CHECK(device_logged(&d, line));
	snprintf(line, sizeof(line), "agent: updated %s 2\n", hello);
	CHECK(device_logged(&d, line));
	snprintf(line, sizeof(line), "agent: removed %s 2\n", hello);
	CHECK(device_logged(&d, line));
	snprintf(line, sizeof(line), "answers TAM demo with an Error: %s\n",
	    pst_err_name(PST_ERR_SUIT_SEQUENCE));
	CHECK(device_logged(&d, line));
	CHECK(device_logged(&d, "is not installed any more"));
	CHECK(!device_logged(&d, "PRIVATE"));
}

/* --- in the middle of a transfer ----------------------------------------- */

/* An Update is accepted and the first 1000 bytes of its payload are there. */
static bool
begin_transfer(TEEC_Session *s, const char *token, uint64_t sequence)
{
	struct pst_bytes first;

	if (!ask_agent(s, &r, PST_AGENT_TA_MESSAGE, 0,
		tam_update(&d, token, sequence, "examples/hello-v1.ta")) ||
	    r.what != PST_AGENT_FETCH || r.offset != 0)
		return false;
	first = build_file("examples/hello-v1.ta");
	first.len = 1000;
	return ask_agent(s, &r, PST_AGENT_TA_CHUNK, 0, first) &&
	    r.what == PST_AGENT_FETCH && r.offset == 1000;
}

static void
transfer_belongs_to_one_client_and_blocks_no_other(void)
{
	TEEC_Session s, t;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK_EQ(open_agent(&t), TEEC_SUCCESS);
	CHECK(begin_transfer(&s, "token-10", 10));
	CHECK(!ask_agent(&t, &r, PST_AGENT_TA_CHUNK, 0, PST_BYTES_LIT("x")));
	CHECK_EQ(r.result, TEEC_ERROR_BUSY);
	CHECK(!ask_agent(&t, &r, PST_AGENT_TA_POLICY_CHECK, 0, nothing));
	CHECK_EQ(r.result, TEEC_ERROR_BUSY);
	CHECK(!ask_agent(&t, &r, PST_AGENT_TA_MESSAGE, 0,
	    tam_update(&d, "token-11", 11, "examples/hello-v1.ta")));
	CHECK_EQ(r.result, TEEC_ERROR_BUSY);
	CHECK(ask_agent(&t, &r, PST_AGENT_TA_LIST, 0, nothing));
	/* its own pieces count, small as they are */
	r.what = PST_AGENT_FETCH;
	r.offset = 1000;
	CHECK(transfer(&s, "examples/hello-v1.ta", 700));
	CHECK(hello_says("hello from version 1\n", 0));
	TEEC_CloseSession(&t);
	TEEC_CloseSession(&s);
}

static void
next_policy_check_continues_what_a_vanished_broker_left(void)
{
	TEEC_Session s;
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (open_agent(&s) != TEEC_SUCCESS ||
		    !begin_transfer(&s, "token-12", 12))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(&s, &r, PST_AGENT_TA_POLICY_CHECK, 0, nothing));
	CHECK_EQ(r.what, PST_AGENT_FETCH);
	CHECK_EQ(r.offset, 1000);
	CHECK(transfer(&s, "examples/hello-v1.ta", 65536));
	TEEC_CloseSession(&s);
}

static void
message_of_a_tam_ends_what_a_vanished_broker_left(void)
{
	TEEC_Session s;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(begin_transfer(&s, "token-13", 13));
	TEEC_CloseSession(&s);
	CHECK(install("token-14", 14, "examples/hello-v2.ta"));
	CHECK(hello_says("hello from version 2\n", 0));
}

static void
killed_tee_finds_the_old_state_and_continues(void)
{
	TEEC_Session s;

	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(begin_transfer(&s, "token-15", 15));
	CHECK_EQ(device_stop(&d, SIGKILL), -1);
	TEEC_CloseSession(&s);
	CHECK(device_start(&d));
	CHECK(hello_says("hello from version 2\n", 0));
	CHECK_EQ(open_agent(&s), TEEC_SUCCESS);
	CHECK(ask_agent(&s, &r, PST_AGENT_TA_POLICY_CHECK, 0, nothing));
	CHECK_EQ(r.what, PST_AGENT_FETCH);
	CHECK(transfer(&s, "examples/hello-v1.ta", 65536));
	TEEC_CloseSession(&s);
	CHECK(hello_says("hello from version 1\n", 0));
}

/* --- damage and the end -------------------------------------------------- */

static bool
flip_last_byte(const char *path)
{
	int fd = open(path, O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t b = 0;
	bool good = size > 0 && pread(fd, &b, 1, size - 1) == 1;

	b ^= 1;
	good = good && pwrite(fd, &b, 1, size - 1) == 1;
	close(fd);
	return good;
}

static void
damaged_image_is_not_started(void)
{
	char folder[160], path[440];
	struct dirent *e;
	DIR *dir;
	size_t n = 0;

	snprintf(folder, sizeof(folder), "%s/store/objects", d.state);
	dir = opendir(folder);
	CHECK(dir != NULL);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n += flip_last_byte(path);
	}
	closedir(dir);
	CHECK(n > 0);
	CHECK(hello_says("TEEC_ERROR_SECURITY", 1));
}

static void
restart_keeps_keys_and_signal_ends_cleanly(void)
{
	struct pst_key a, b;
	char path[200];

	snprintf(path, sizeof(path), "%s/agent.pub.pem", d.state);
	CHECK_EQ(pst_key_read(path, &a, NULL), PST_OK);
	CHECK_EQ(device_stop(&d, SIGTERM), 0);
	CHECK(access(d.socket, F_OK) != 0);
	CHECK(device_start(&d));
	CHECK_EQ(pst_key_read(path, &b, NULL), PST_OK);
	CHECK(pst_pubkey_equal(&a.pub, &b.pub));
	CHECK_EQ(device_stop(&d, SIGINT), 0);
}

static void
damaged_registry_is_reported(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/store/registry", d.state);
	CHECK(flip_last_byte(path));
	CHECK_EQ(device_refused(&d), 1);
	CHECK(device_logged(&d, "the registry is damaged"));
	CHECK(flip_last_byte(path));
	CHECK(device_start(&d));
	CHECK_EQ(device_stop(&d, SIGTERM), 0);
}

static void
key_that_others_can_read_is_refused(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/keys/teep.pem", d.state);
	CHECK(chmod(path, 0644) == 0);
	CHECK_EQ(device_refused(&d), 1);
	CHECK(device_logged(&d, "others can read this key"));
	CHECK(chmod(path, 0600) == 0);
}

/* --- personalization data ------------------------------------------------ */

#define PERSONAL "7a327a25-127c-4335-8d58-0b9b195526c7"

static bool
personalize(const char *token, uint64_t sequence, const char *config)
{
	TEEC_Session s;
	bool good;

	if (open_agent(&s) != TEEC_SUCCESS)
		return false;
	good = ask_agent(&s, &r, PST_AGENT_TA_MESSAGE, 0,
		   tam_personal(&d, token, sequence, config)) &&
	    transfer(&s, "examples/personal.ta", PST_AGENT_TA_CHUNK_MAX);
	TEEC_CloseSession(&s);
	return good;
}

static void
ta_reads_what_it_was_personalized_with(void)
{
	CHECK(personalize("token-30", 1, "for the first"));
	CHECK(ta_says(PERSONAL, "for the first\n", 0));
	CHECK(personalize("token-31", 2, "for the second, longer"));
	CHECK(ta_says(PERSONAL, "for the second, longer\n", 0));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!device_make(&d, "socket-mode: '0666'\n") || !device_start(&d) ||
	    !connect_tee()) {
		printf("no TEE\n");
		return 1;
	}
	RUN(state_is_private_and_public_keys_are_there);
	RUN(state_has_one_tee_at_a_time);
	RUN(policy_check_gives_each_tam_once_a_round);
	RUN(broker_that_vanished_in_a_round_does_not_empty_the_next);
	RUN(small_reply_buffer_is_refused_before_anything_is_done);
	RUN(bad_commands_are_refused);
	RUN(other_users_may_not_talk_to_the_agent);
	RUN(ta_is_installed_updated_and_not_downgraded);
	RUN(list_and_status_say_what_is_there);
	RUN(status_command_names_what_runs);
	RUN(status_command_shows_what_to_encrypt_to);
	RUN(removal_ends_sessions_and_the_ta);
	RUN(log_says_what_was_done_and_why_not);
	RUN(transfer_belongs_to_one_client_and_blocks_no_other);
	RUN(next_policy_check_continues_what_a_vanished_broker_left);
	RUN(message_of_a_tam_ends_what_a_vanished_broker_left);
	RUN(killed_tee_finds_the_old_state_and_continues);
	RUN(damaged_image_is_not_started);
	RUN(ta_reads_what_it_was_personalized_with);
	RUN(restart_keeps_keys_and_signal_ends_cleanly);
	RUN(damaged_registry_is_reported);
	RUN(key_that_others_can_read_is_refused);
	if (test_failures > 0 && fork() == 0)
		execlp("cat", "cat", d.log, (char *)NULL);
	TEEC_FinalizeContext(&ctx);
	device_remove(&d);
	TEST_END();
}
