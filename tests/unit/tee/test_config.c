#include "agent/config.h"
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[128], why[600];

#define DEVICE \
	"device:\n  oemid: '894823'\n  hwmodel: board\n  hwversion: '1'\n"
#define TAM_HEAD "tams:\n  - name: one\n    uri: http://tam.example/tam\n"
#define TAM TAM_HEAD "    keys: [key.pem]\n    prefixes: [a]\n"
#define SIGNER "signers:\n  - {name: dev, key: key.pem, prefixes: [a/b, c]}\n"
#define GOOD DEVICE TAM SIGNER

static struct pst_config *
read_text(const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
	why[0] = '\0';
	return pst_config_read(path, why, sizeof(why));
}

static void
small_configuration_has_defaults(void)
{
	struct pst_config *c = read_text(GOOD);

	CHECK(c != NULL);
	CHECK_EQ(c->tam_count, 1);
	CHECK_EQ(c->signer_count, 1);
	CHECK_EQ(c->signers[0].scope.count, 2);
	CHECK(c->signers[0].scope.prefix[0].len == 5);
	CHECK_EQ(c->tams[0].key_count, 1);
	CHECK_EQ(c->tams[0].encryption_key.kty, 0);
	CHECK(!c->tams[0].confidential_transport);
	CHECK(!c->tams[0].sign_reports);
	CHECK_EQ(c->suites, PST_SUITE_ESP256 | PST_SUITE_ED25519);
	CHECK_EQ(c->first_suite, PST_ALG_ESP256);
	CHECK(c->oemid_len == 3 && c->oemid[0] == 0x89);
	CHECK(c->ueid_len == 0 && !c->has_vendor);
	CHECK_EQ(c->socket_mode, 0600);
	CHECK_EQ(c->policy_interval_s, 3600);
	pst_config_free(c);
}

static void
every_key_is_read(void)
{
	struct pst_config *c = read_text(
	    "device:\n"
	    "  vendor-id: 00112233-4455-6677-8899-aabbccddeeff\n"
	    "  class-id: 10112233-4455-6677-8899-aabbccddeeff\n"
	    "  device-id: 20112233-4455-6677-8899-aabbccddeeff\n"
	    "  oemid: 000102030405060708090a0b0c0d0e0f\n"
	    "  hwmodel: abcdefghijklmnopqrstuvwxyz012345\n"
	    "  hwversion: '2.1'\n"
	    "  debug: true\n" TAM "    encryption-key: tam.pem\n"
	    "    confidential-transport: true\n"
	    "    sign-reports: true\n" SIGNER "ueid: '01020304050607'\n"
	    "suites: [ed25519]\n"
	    "policy-interval: 60\n"
	    "call-timeout: 5\n"
	    "payload-max: 1000000\n"
	    "socket-mode: '0660'\n"
	    "broker-uid: 1000\n");

	CHECK(c != NULL);
	CHECK(c->has_vendor && c->vendor_id[15] == 0xff);
	CHECK(c->has_class && c->class_id[0] == 0x10);
	CHECK(c->has_device && c->device_id[0] == 0x20);
	CHECK_EQ(c->oemid_len, 16);
	CHECK_EQ(c->ueid_len, 7);
	CHECK_EQ(c->suites, PST_SUITE_ED25519);
	CHECK_EQ(c->first_suite, PST_ALG_ED25519);
	CHECK_EQ(c->policy_interval_s, 60);
	CHECK_EQ(c->call_timeout_s, 5);
	CHECK_EQ(c->payload_max, 1000000);
	CHECK_EQ(c->socket_mode, 0660);
	CHECK_EQ(c->broker_uid, 1000);
	CHECK(c->debug);
	CHECK_EQ(c->tams[0].encryption_key.kty, PST_KTY_EC2);
	CHECK(c->tams[0].confidential_transport);
	CHECK(c->tams[0].sign_reports);
	pst_config_free(c);
}

static void
bad_configurations_are_refused_with_line_and_reason(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "expected here" },
		{ "just text", ":1: 'key: value' lines" },
		{ "[a, b]", ":1: 'key: value' lines" },
		{ DEVICE TAM, "'signers' is missing" },
		{ DEVICE SIGNER, "'tams' is missing" },
		{ TAM SIGNER, "'device' is missing" },
		{ GOOD "colour: red\n", "unknown key 'colour'" },
		{ GOOD "policy-interval: 0\n", "number from 1" },
		{ GOOD "policy-interval: 100000001\n", "number from 1" },
		{ GOOD "policy-interval: 12x\n", "number from 1" },
		{ GOOD "policy-interval: -1\n", "number from 1" },
		{ GOOD "policy-interval: [1]\n", "plain value" },
		{ GOOD "policy-interval: 1\npolicy-interval: 2\n", "twice" },
		{ GOOD "suites: []\n", "at least one suite" },
		{ GOOD "suites: [es384]\n", "esp256 or ed25519" },
		{ GOOD "suites: esp256\n", "a list is expected" },
		{ GOOD "ueid: '010203040506'\n", "7 to 33 bytes" },
		{ GOOD "ueid: xx\n", "7 to 33 bytes" },
		{ GOOD "socket-mode: '0800'\n", "number from 0" },
		{ GOOD "socket-mode: '1000'\n", "number from 0" },
		{ "device:\n  oemid: '01020304'\n  hwmodel: a\n"
		  "  hwversion: b\n" TAM SIGNER,
		    "3 or 16 bytes" },
		{ "device:\n  oemid: '010203'\n  hwmodel: ''\n"
		  "  hwversion: b\n" TAM SIGNER,
		    "1 to 32 bytes" },
		{ "device:\n  oemid: '010203'\n"
		  "  hwmodel: abcdefghijklmnopqrstuvwxyz0123456\n"
		  "  hwversion: b\n" TAM SIGNER,
		    "1 to 32 bytes" },
		{ "device:\n  debug: yes\n" TAM SIGNER, "true or false" },
		{ "device:\n  vendor-id: 1234\n" TAM SIGNER, "a UUID" },
		{ DEVICE TAM_HEAD "    prefixes: [a]\n" SIGNER,
		    "'keys' or 'root' is needed" },
		{ DEVICE TAM_HEAD "    keys: [key.pem]\n" SIGNER,
		    "'prefixes' is missing" },
		{ DEVICE TAM_HEAD "    keys: [none.pem]\n    prefixes: []\n",
		    "none.pem: No such file" },
		{ DEVICE TAM_HEAD "    keys: [junk]\n    prefixes: []\n",
		    "junk: " },
		{ DEVICE TAM_HEAD "    root: key.pem\n    prefixes: []\n",
		    "key.pem: " },
		{ DEVICE TAM_HEAD
		    "    keys: [key.pem]\n    prefixes: ['a//b']\n",
		    "not a component identifier" },
		{ DEVICE TAM "    encryption-key: key.pem\n" SIGNER,
		    "encryption-key is a key that signs" },
		{ DEVICE TAM "    report-key: key.pem\n" SIGNER,
		    "report-key is encryption-key now" },
		{ DEVICE TAM "    encryption-key: edwards.pem\n" SIGNER,
		    ":10: an EC key is needed" },
		{ DEVICE TAM "    encryption-key: none.pem\n" SIGNER,
		    "none.pem: No such file" },
		{ DEVICE TAM "    sign-reports: 1\n" SIGNER, "true or false" },
		{ DEVICE "tams: [{name: a, uri: 'ftp://x', keys: [key.pem], "
			 "prefixes: []}]\n",
		    "http:// or https://" },
		{ DEVICE "tams:\n"
			 "  - {name: a, uri: 'http://x', keys: [key.pem], "
			 "prefixes: []}\n"
			 "  - {name: a, uri: 'http://y', keys: [key.pem], "
			 "prefixes: []}\n" SIGNER,
		    "two TAMs named 'a'" },
		{ DEVICE "tams: [x, x, x, x, x, x, x, x, x]\n" SIGNER,
		    "at most 8 entries" },
		{ GOOD "x: [\n", ":" },
		{ GOOD "\"socket-mode\\0x\": '0600'\n", "zero byte" },
		{ DEVICE "tams: &a [*a]\n" SIGNER, "lines are expected" },
	};
	struct pst_config *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = read_text(rows[i].text);
		if (c != NULL || strstr(why, rows[i].why) == NULL ||
		    strstr(why, path) == NULL)
			printf("  %zu: wanted '%s', got '%s'\n", i, rows[i].why,
			    why);
		CHECK(c == NULL);
		CHECK(strstr(why, rows[i].why) != NULL);
	}
}

#define MAC_SIGNER "signers: [{name: d, key: mac.jwk, prefixes: [a]}]\n"

static void
secrets_are_read_and_kept_apart(void)
{
	struct pst_config *c =
	    read_text(DEVICE TAM MAC_SIGNER "decryption: [kek.jwk, ec.pem]\n");

	CHECK(c != NULL);
	CHECK_EQ(c->signers[0].key.kty, PST_KTY_SYMMETRIC);
	CHECK_EQ(c->signer_secrets[0].secret_len, 32);
	CHECK_EQ(c->decryption_count, 2);
	CHECK_EQ(pst_key_wrap_alg(&c->decryption[0]), PST_ALG_A256KW);
	CHECK_EQ(c->decryption[1].pub.kty, PST_KTY_EC2);
	CHECK(c->decryption[1].secret_len > 0);
	pst_config_free(c);
}

static void
prefixes_may_say_what_is_granted(void)
{
	struct pst_config *c = read_text(DEVICE TAM
	    "signers:\n"
	    "  - name: d\n"
	    "    key: key.pem\n"
	    "    prefixes:\n"
	    "      - a\n"
	    "      - {prefix: b, commands: [fetch, unlink]}\n"
	    "      - {prefix: c, commands: [], parameters: [image-digest]}\n");
	const struct pst_agent_scope *s;

	CHECK(c != NULL);
	s = &c->signers[0].scope;
	CHECK_EQ(s->count, 3);
	CHECK(!s->rights[0].some_commands && !s->rights[0].some_parameters);
	CHECK(s->rights[1].some_commands && !s->rights[1].some_parameters);
	CHECK_EQ(s->rights[1].commands,
	    (uint64_t)1 << PST_SUIT_DIR_FETCH |
		(uint64_t)1 << PST_SUIT_DIR_UNLINK);
	CHECK(s->rights[2].some_commands && s->rights[2].commands == 0);
	CHECK_EQ(s->rights[2].parameters, 1u << PST_SUIT_PARAM_IMAGE_DIGEST);
	pst_config_free(c);
}

static void
bad_keys_and_rights_are_refused(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ DEVICE TAM "signers: [{name: d, key: open.jwk, "
			     "prefixes: [a]}]\n",
		    "others can read" },
		{ GOOD "decryption: [open.jwk]\n", "others can read" },
		{ GOOD "decryption: [key.pem]\n", "private part is needed" },
		{ GOOD "decryption: [ed.pem]\n", "neither an EC key" },
		{ GOOD "decryption: [none]\n", "No such file" },
		{ DEVICE TAM_HEAD
		    "    keys: [mac.jwk]\n    prefixes: [a]\n" SIGNER,
		    "not a public key" },
		{ DEVICE TAM "signers: [{name: d, key: key.pem, "
			     "prefixes: [{prefix: a, commands: [shout]}]}]\n",
		    "'shout' is nothing" },
		{ DEVICE TAM "signers: [{name: d, key: key.pem, "
			     "prefixes: [{prefix: a, parameters: [uri]}]}]\n",
		    "'uri' is nothing" },
		{ DEVICE TAM "signers: [{name: d, key: key.pem, "
			     "prefixes: [{commands: []}]}]\n",
		    "'prefix' is missing" },
	};
	struct pst_config *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = read_text(rows[i].text);
		if (c != NULL || strstr(why, rows[i].why) == NULL)
			printf("  %zu: wanted '%s', got '%s'\n", i, rows[i].why,
			    why);
		CHECK(c == NULL);
		CHECK(strstr(why, rows[i].why) != NULL);
	}
}

/* The key of RFC 9052's examples ("11"), whose private part was printed. */
static void
key_that_was_published_is_refused(void)
{
	char file[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s/published.jwk", dir);
	f = fopen(file, "w");
	CHECK(f != NULL);
	fputs("{\"kty\":\"EC\",\"crv\":\"P-256\","
	      "\"x\":\"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8\","
	      "\"y\":\"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4\"}",
	    f);
	fclose(f);
	CHECK(read_text(DEVICE TAM "signers: [{name: d, key: published.jwk, "
				   "prefixes: []}]\n") == NULL);
	CHECK(strstr(why, "was published") != NULL);
}

static void
files_that_are_none_are_refused(void)
{
	char name[200];

	snprintf(name, sizeof(name), "%s/none", dir);
	CHECK(pst_config_read(name, why, sizeof(why)) == NULL);
	CHECK(strstr(why, "/none: No such file") != NULL);
	CHECK(pst_config_read(dir, why, sizeof(why)) == NULL);
	CHECK(strstr(why, "not a file") != NULL);
	CHECK(pst_config_read("/dev/zero", why, sizeof(why)) == NULL);
	CHECK(strstr(why, "not a file") != NULL);
}

static void
every_truncation_is_refused_or_read(void)
{
	char text[sizeof(GOOD)];
	struct pst_config *c;
	size_t i;

	for (i = 0; i < sizeof(text) - 1; i++) {
		memcpy(text, GOOD, i);
		text[i] = '\0';
		c = read_text(text);
		CHECK(c != NULL || why[0] != '\0');
		pst_config_free(c);
	}
}

static bool
make_key(const char *name, int32_t alg, enum pst_key_format format, bool secret)
{
	struct pst_key key;
	char file[128];
	bool good;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	good = pst_key_generate(alg, &key) == PST_OK &&
	    pst_key_write(file, &key, format, secret) == PST_OK;
	pst_key_wipe(&key);
	return good;
}

static bool
make_files(void)
{
	struct pst_key key;
	char file[128];
	FILE *f;
	bool good;

	strcpy(dir, "/tmp/postern-config-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/tee.yaml", dir);
	snprintf(file, sizeof(file), "%s/key.pem", dir);
	good = pst_key_generate(PST_ALG_ESP256, &key) == PST_OK &&
	    pst_key_write(file, &key, PST_KEY_PEM, false) == PST_OK;
	pst_key_wipe(&key);
	snprintf(file, sizeof(file), "%s/edwards.pem", dir);
	good = good && pst_key_generate(PST_ALG_ED25519, &key) == PST_OK &&
	    pst_key_write(file, &key, PST_KEY_PEM, false) == PST_OK;
	pst_key_wipe(&key);
	snprintf(file, sizeof(file), "%s/junk", dir);
	f = fopen(file, "w");
	good = good && f != NULL && fputs("no key\n", f) > 0 && fclose(f) == 0;
	snprintf(file, sizeof(file), "%s/open.jwk", dir);
	return good &&
	    make_key("mac.jwk", PST_ALG_HMAC_256, PST_KEY_JWK, true) &&
	    make_key("kek.jwk", PST_ALG_HMAC_256, PST_KEY_JWK, true) &&
	    make_key("open.jwk", PST_ALG_HMAC_256, PST_KEY_JWK, true) &&
	    make_key("ec.pem", PST_ALG_ESP256, PST_KEY_PEM, true) &&
	    make_key("tam.pem", PST_ALG_ESP256, PST_KEY_PEM, false) &&
	    make_key("ed.pem", PST_ALG_ED25519, PST_KEY_PEM, true) &&
	    chmod(file, 0644) == 0;
}

int
main(void)
{
	pid_t pid;

	if (!make_files())
		return 1;
	RUN(small_configuration_has_defaults);
	RUN(every_key_is_read);
	RUN(bad_configurations_are_refused_with_line_and_reason);
	RUN(secrets_are_read_and_kept_apart);
	RUN(prefixes_may_say_what_is_granted);
	RUN(bad_keys_and_rights_are_refused);
	RUN(key_that_was_published_is_refused);
	RUN(files_that_are_none_are_refused);
	RUN(every_truncation_is_refused_or_read);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	TEST_END();
}
