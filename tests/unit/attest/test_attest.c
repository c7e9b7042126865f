/*
 * Attesters, and what the Verifier makes of their Evidence: a TPM that swtpm
 * plays, and folders that look like the kernel's and Gramine's and hold
 * recorded reports (read in place; skipped without them).
 */
#include "ports/attest/attest.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/openssl/openssl.h"
#include "test.h"
#include "verifier/verifier.h"

extern char **environ;

enum { NOW = 1750000000 };
#define BLOB 65536

static struct pst_openssl *port;
static const struct pst_crypto *crypto;
static struct pst_pubkey agent, device;
static struct pst_signer agent_signer;
static uint8_t challenge_bytes[32];
static const struct pst_bytes challenge = { challenge_bytes, 32 };
static char dir[64];

/* --- one enrolled key ------------------------------------------------------
 */

static enum pst_err
find_one(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	(void)headers;
	*who = 7;
	if (attempt > 0)
		return PST_ERR_NOT_FOUND;
	memcpy(key, ctx, sizeof(*key));
	return PST_OK;
}

static struct pst_appraisal last;

static enum pst_err
appraise(const struct pst_verifier *v, struct pst_bytes evidence,
    struct pst_bytes format, struct pst_bytes nonce,
    const struct pst_pubkey *key)
{
	return pst_verifier_appraise(
	    v, evidence, format, nonce, key, NOW, &last);
}

static enum pst_err
check_of(const char *what)
{
	size_t i;

	for (i = 0; i < last.check_count; i++)
		if (strcmp(last.checks[i].what, what) == 0)
			return last.checks[i].err;
	return PST_ERR_NOT_FOUND;
}

/* --- TPM --------------------------------------------------------------------
 */

static pid_t tpm_pid;
static char tcti[128];

/* A socket has its name before anybody listens on it. */
static bool
listens(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	strcpy(sa.sun_path, path);
	good = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	close(fd);
	return good;
}

static bool
start_tpm(void)
{
	char state[96], server[128], ctrl[128];
	char *argv[] = { (char *)"swtpm", (char *)"socket", (char *)"--tpm2",
		(char *)"--tpmstate", state, (char *)"--server", server,
		(char *)"--ctrl", ctrl, (char *)"--flags",
		(char *)"not-need-init,startup-clear", NULL };
	char path[96];
	int i;

	snprintf(state, sizeof(state), "dir=%s", dir);
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(server, sizeof(server), "type=unixio,path=%s", path);
	snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s.ctrl", path);
	snprintf(tcti, sizeof(tcti), "swtpm:path=%s", path);
	if (posix_spawnp(&tpm_pid, "swtpm", NULL, NULL, argv, environ) != 0)
		return false;
	for (i = 0; i < 3000; i++) {
		if (listens(path))
			return true;
		usleep(10000);
	}
	return false;
}

static void
stop_tpm(void)
{
	kill(tpm_pid, SIGTERM);
	waitpid(tpm_pid, NULL, 0);
}

/* What content is encrypted to, to be attested beside the agent's key. */
static struct pst_bytes
other_keys(void)
{
	static uint8_t buf[PST_EAT_KEYS_MAX];
	const struct pst_eat_keys keys = { .encryption = device };
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, buf, sizeof(buf));
	pst_eat_keys_encode(&w, &keys);
	return pst_cbor_written(&w);
}

static void
a_tpm_attests(void)
{
	struct pst_attest_tpm *tpm = NULL;
	struct pst_attester a;
	struct pst_keys keys = { .find = find_one };
	struct pst_verifier v = { .crypto = crypto, .attesters = &keys };
	struct pst_pubkey enrolled;
	struct pst_bytes format = { NULL, 0 };
	static uint8_t out[BLOB];
	const char *why = NULL;
	struct pst_bytes e = { out, 0 };
	struct pst_key key;

	CHECK_EQ(pst_attest_tpm_open(crypto, tcti, 0x00800f, NULL, &tpm, &why),
	    PST_OK);
	if (tpm == NULL)
		return;
	pst_attest_tpm_init(&a, tpm);
	enrolled = *pst_attest_tpm_key(tpm);
	keys.ctx = &enrolled;
	CHECK_EQ(a.evidence(a.ctx,
		     &(struct pst_attest_request){ .challenge = challenge,
			 .key = &agent,
			 .signer = &agent_signer,
			 .keys = other_keys(),
			 .now_s = NOW },
		     out, sizeof(out), &e.len, &format),
	    PST_OK);
	CHECK_EQ(appraise(&v, e, format, challenge, &agent), PST_OK);
	CHECK(strcmp(last.technology, "tpm") == 0);
	CHECK_EQ(check_of("pcrs"), PST_OK);
	CHECK(last.has_agent_key && pst_pubkey_equal(&last.agent_key, &agent));
	CHECK(pst_equal(last.claims.nonce, challenge));
	CHECK_EQ(check_of("keys"), PST_OK);
	CHECK(pst_pubkey_equal(&last.device_keys.encryption, &device));
	/* Another challenge, another key. */
	CHECK_EQ(appraise(&v, e, format,
		     PST_BYTES_LIT("another challenge of 32 bytes!!!"), &agent),
	    PST_ERR_EAT_NONCE);
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	CHECK_EQ(
	    appraise(&v, e, format, challenge, &key.pub), PST_ERR_EAT_BINDING);
	/* Enrolled is another TPM. */
	enrolled = key.pub;
	CHECK(appraise(&v, e, format, challenge, &agent) != PST_OK);
	CHECK_EQ(check_of("signature"), PST_ERR_COSE_SIGNATURE);
	pst_attest_tpm_close(&tpm);
	CHECK(tpm == NULL);
}

static void
the_attestation_key_is_the_same_after_a_restart(void)
{
	struct pst_attest_tpm *tpm = NULL;
	struct pst_pubkey first;
	const char *why;

	CHECK_EQ(
	    pst_attest_tpm_open(crypto, tcti, 1, NULL, &tpm, &why), PST_OK);
	if (tpm == NULL)
		return;
	first = *pst_attest_tpm_key(tpm);
	pst_attest_tpm_close(&tpm);
	CHECK_EQ(
	    pst_attest_tpm_open(crypto, tcti, 1, NULL, &tpm, &why), PST_OK);
	CHECK(tpm != NULL && pst_pubkey_equal(&first, pst_attest_tpm_key(tpm)));
	pst_attest_tpm_close(&tpm);
}

static void
a_tpm_that_is_not_there(void)
{
	struct pst_attest_tpm *tpm = NULL;
	const char *why = NULL;

	CHECK_EQ(pst_attest_tpm_open(
		     crypto, "swtpm:path=/nonexistent", 1, NULL, &tpm, &why),
	    PST_ERR_IO);
	CHECK(tpm == NULL && why != NULL);
}

/* --- folders ----------------------------------------------------------------
 */

static bool
copy(const char *from, const char *to)
{
	static uint8_t bytes[BLOB];
	FILE *f = fopen(from, "rb");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	f = fopen(to, "wb");
	if (f == NULL)
		return false;
	fwrite(bytes, 1, n, f);
	fclose(f);
	return true;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	if (f != NULL) {
		fputs(text, f);
		fclose(f);
	}
}

#define SAMPLE(name) PST_SHARED_DIR "/vectors/attest/" name

/* A report that was recorded holds the user data of its day, so all is good
 * but nonce and binding. */
static void
a_confidential_guest_attests(void)
{
	struct pst_attest_tsm t = {
		.crypto = crypto, .path = dir, .name = "report", .privlevel = -1
	};
	struct pst_endorsements *roots = pst_endorsements_new();
	struct pst_verifier v = { .crypto = crypto, .endorsements = roots };
	static uint8_t out[4 * BLOB], file[BLOB];
	struct pst_bytes format = { NULL, 0 }, e = { out, 0 };
	struct pst_attester a;
	char path[128];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/report", dir);
	CHECK_EQ(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/report/outblob", dir);
	if (!copy(SAMPLE("snp/veraison_genoa_report.bin"), path)) {
		pst_endorsements_free(&roots);
		return;
	}
	snprintf(path, sizeof(path), "%s/report/auxblob", dir);
	CHECK(copy(SAMPLE("snp/veraison_genoa_auxblob.bin"), path));
	snprintf(path, sizeof(path), "%s/report/provider", dir);
	put(path, "sev_guest\n");
	snprintf(path, sizeof(path), "%s/report/inblob", dir);
	put(path, "");
	snprintf(path, sizeof(path), "%s/report/generation", dir);
	put(path, "1\n");
	pst_attest_tsm_init(&a, &t);
	CHECK_EQ(a.evidence(a.ctx,
		     &(struct pst_attest_request){
			 .challenge = challenge, .key = &agent, .now_s = NOW },
		     out, sizeof(out), &e.len, &format),
	    PST_OK);
	f = fopen(SAMPLE("snp/roots_ask_ark_genoa.pem"), "rb");
	if (f != NULL) {
		n = fread(file, 1, sizeof(file), f);
		fclose(f);
	}
	CHECK_EQ(pst_endorsements_add(roots, PST_ENDORSE_ANCHOR,
		     (struct pst_bytes){ file, n }, NULL),
	    PST_OK);
	CHECK(appraise(&v, e, format, challenge, &agent) != PST_OK);
	CHECK(strcmp(last.technology, "snp") == 0);
	CHECK_EQ(check_of("certificate"), PST_OK);
	CHECK_EQ(check_of("signature"), PST_OK);
	CHECK_EQ(check_of("tcb"), PST_OK);
	CHECK_EQ(check_of("binding"), PST_ERR_EAT_BINDING);
	/* What we asked for is what the kernel was given. */
	snprintf(path, sizeof(path), "%s/report/inblob", dir);
	f = fopen(path, "rb");
	n = f != NULL ? fread(file, 1, sizeof(file), f) : 0;
	if (f != NULL)
		fclose(f);
	CHECK_EQ(n, 64);
	CHECK(memcmp(file, challenge_bytes, 32) == 0);
	/* A provider that nobody knows. */
	snprintf(path, sizeof(path), "%s/report/provider", dir);
	put(path, "other_guest\n");
	CHECK_EQ(a.evidence(a.ctx,
		     &(struct pst_attest_request){
			 .challenge = challenge, .key = &agent, .now_s = NOW },
		     out, sizeof(out), &e.len, &format),
	    PST_ERR_UNSUPPORTED);
	pst_endorsements_free(&roots);
}

static void
gramine_attests(void)
{
	struct pst_attest_gramine g = { .crypto = crypto, .path = dir };
	static uint8_t out[2 * BLOB];
	struct pst_verifier v = { .crypto = crypto };
	struct pst_bytes format = { NULL, 0 }, e = { out, 0 };
	struct pst_attester a;
	char path[128];

	pst_attest_gramine_init(&a, &g);
	CHECK_EQ(a.evidence(a.ctx,
		     &(struct pst_attest_request){
			 .challenge = challenge, .key = &agent, .now_s = NOW },
		     out, sizeof(out), &e.len, &format),
	    PST_ERR_IO);
	snprintf(path, sizeof(path), "%s/user_report_data", dir);
	put(path, "");
	snprintf(path, sizeof(path), "%s/quote", dir);
	if (!copy(SAMPLE("dcap/phala_sgx_v3.quote"), path))
		return;
	CHECK_EQ(a.evidence(a.ctx,
		     &(struct pst_attest_request){
			 .challenge = challenge, .key = &agent, .now_s = NOW },
		     out, sizeof(out), &e.len, &format),
	    PST_OK);
	/* No anchor is configured: the chain does not hold, all else does. */
	CHECK(appraise(&v, e, format, challenge, &agent) != PST_OK);
	CHECK(strcmp(last.technology, "dcap") == 0);
	CHECK_EQ(check_of("format"), PST_OK);
	CHECK_EQ(check_of("signature"), PST_OK);
	CHECK_EQ(check_of("certificate"), PST_ERR_COSE_CERT);
}

static void
set_up(void)
{
	struct pst_key key;
	uint32_t number = 0;

	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	device = key.pub;
	CHECK_EQ(pst_key_generate(PST_ALG_ESP256, &key), PST_OK);
	agent = key.pub;
	CHECK_EQ(pst_openssl_add(port, &key, &number), PST_OK);
	CHECK_EQ(
	    pst_openssl_signer(port, number, PST_ALG_ESP256, &agent_signer),
	    PST_OK);
	CHECK_EQ(crypto->random(crypto->ctx, challenge_bytes, 32), PST_OK);
}

int
main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/postern-attest-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	port = pst_openssl_new();
	crypto = pst_openssl_crypto(port);
	RUN(set_up);
	RUN(a_confidential_guest_attests);
	RUN(gramine_attests);
	RUN(a_tpm_that_is_not_there);
	if (start_tpm()) {
		RUN(a_tpm_attests);
		RUN(the_attestation_key_is_the_same_after_a_restart);
		stop_tpm();
	} else {
		SKIP("a_tpm_attests", "swtpm cannot be run");
	}
	pst_openssl_free(&port);
	TEST_END();
}
