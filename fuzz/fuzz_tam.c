/*
 * Any HTTP body into the TAM's engine. The cryptography is a double that
 * accepts every signature and MAC, so that what lies behind them is reached;
 * there is one device, with an Update pending, and two manifests for it.
 *
 * Whatever comes, the reply is nothing or a message that decodes, and what
 * was not answered changed no more than a used-up token.
 */
#include <tam/engine/engine.h>
#include <tam/engine/plan.h>

#include <string.h>

#include "fuzz.h"

static const struct pst_bytes none = { NULL, 0 };

static bool
supports(void *ctx, int32_t alg)
{
	(void)ctx;
	(void)alg;
	return true;
}

static enum pst_err
random_bytes(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	memset(out, 'r', len);
	return PST_OK;
}

/* One digest for everything: any kid of 32 k names the device. */
static enum pst_err
digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *hash, size_t *len)
{
	(void)ctx;
	(void)alg;
	(void)parts;
	(void)n;
	memset(hash, 'k', 32);
	*len = 32;
	return PST_OK;
}

static enum pst_err
sign(void *ctx, uint32_t key, int32_t alg, const struct pst_bytes *parts,
    size_t n, uint8_t *sig, size_t *len)
{
	(void)ctx;
	(void)key;
	(void)alg;
	(void)parts;
	(void)n;
	memset(sig, 's', 64);
	*len = 64;
	return PST_OK;
}

static enum pst_err
verify(void *ctx, const struct pst_pubkey *pub, int32_t alg,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	(void)ctx;
	(void)pub;
	(void)alg;
	(void)parts;
	(void)n;
	return sig.len == 64 ? PST_OK : PST_ERR_COSE_SIGNATURE;
}

static enum pst_err
mac(void *ctx, uint32_t key, int32_t alg, const struct pst_bytes *parts,
    size_t n, uint8_t *tag, size_t *len)
{
	(void)ctx;
	(void)key;
	(void)alg;
	(void)parts;
	(void)n;
	memset(tag, 'm', 32);
	*len = 32;
	return PST_OK;
}

static const struct pst_crypto crypto = { .supports = supports,
	.random = random_bytes,
	.digest = digest,
	.sign = sign,
	.verify = verify,
	.mac = mac };

/* --- one device -------------------------------------------------------- */

/* [h'61', 'manifest'] and [h'62', 'manifest'], with digests 11… and 22… */
static const uint8_t id_a[] = "\x82\x41\x61\x48manifest";
static const uint8_t id_b[] = "\x82\x41\x62\x48manifest";
static const uint8_t part_a[] = "\x81\x41\x61";
static const uint8_t token[] = "tttttttttttttttttttttttttttttttt";
static uint8_t digest_a[32], digest_b[32];
static uint8_t pending[256], ledger[256];
static struct pst_tam_target targets[2];
static struct pst_tam_device device;

#define VIEW(a) ((struct pst_bytes){ (a), sizeof(a) - 1 })

static void
device_init(void)
{
	const uint8_t *zero = digest_a;
	struct pst_cbor_writer w;
	struct pst_tam_plan plan;
	struct pst_tam_state s;

	memset(digest_b, 0x22, sizeof(digest_b));
	targets[0] = (struct pst_tam_target){ .manifest = 1,
		.manifest_id = VIEW(id_a),
		.digest = { PST_ALG_SHA256, { zero, 32 } },
		.sequence = 3,
		.envelope_len = 1,
		.components = { VIEW(part_a), 1 } };
	targets[1] = (struct pst_tam_target){ .manifest = 2,
		.manifest_id = VIEW(id_b),
		.digest = { PST_ALG_SHA256, { digest_b, 32 } },
		.sequence = 3,
		.envelope_len = 1,
		.components = { none, 0 },
		.on_request = true };
	memset(&plan, 0, sizeof(plan));
	plan.send[0] = &targets[0];
	plan.send_count = 1;
	plan.unlink[0] = VIEW(id_b);
	plan.unlink_count = 1;
	memset(&s, 0, sizeof(s));
	s.targets = targets;
	s.target_count = 2;
	device.id = 1;
	device.status = PST_TAM_ACTIVE;
	device.name = PST_BYTES_LIT("d");
	device.attester = PST_BYTES_LIT("attester");
	device.has_key = true;
	device.key.kty = PST_KTY_EC2;
	device.key.crv = PST_CRV_P256;
	device.key.coord_len = 32;
	device.token = VIEW(token);
	device.token_expires_s = UINT64_MAX;
	pst_cbor_writer_init(&w, pending, sizeof(pending));
	pst_tam_pending_put(&w, &plan);
	device.pending = pst_cbor_written(&w);
	pst_cbor_writer_init(&w, ledger, sizeof(ledger));
	pst_tam_ledger_sent(&w, &s, &plan);
	device.ledger = pst_cbor_written(&w);
	MUST(device.pending.len > 0 && device.ledger.len > 0);
}

static enum pst_err
by_key(void *ctx, const uint8_t thumbprint[PST_THUMBPRINT_LEN],
    struct pst_tam_device *out)
{
	(void)ctx;
	(void)thumbprint;
	*out = device;
	return PST_OK;
}

static enum pst_err
by_attester(void *ctx, struct pst_bytes attester, struct pst_tam_device *out)
{
	(void)ctx;
	(void)attester;
	*out = device;
	return PST_OK;
}

static enum pst_err
list_targets(void *ctx, const struct pst_tam_device *d,
    const struct pst_tam_target **list, size_t *count)
{
	(void)ctx;
	(void)d;
	*list = targets;
	*count = 2;
	return PST_OK;
}

static enum pst_err
envelope(void *ctx, int64_t manifest, struct pst_bytes *out)
{
	static const uint8_t empty[] = { 0xa0 };

	(void)ctx;
	(void)manifest;
	*out = (struct pst_bytes){ empty, 1 };
	return PST_OK;
}

static const struct pst_tam_records records = { NULL, by_key, by_attester,
	list_targets, envelope };

/* The payload's first byte is the verdict, its end the nonce. */
static enum pst_err
appraise(void *ctx, struct pst_bytes format, struct pst_bytes payload,
    uint64_t now_s, struct pst_tam_appraisal *out)
{
	(void)ctx;
	memset(out, 0, sizeof(*out));
	out->err = PST_ERR_COSE_SIGNATURE;
	if (payload.len < 2 || payload.ptr[0] == 0)
		return PST_OK;
	out->genuine = true;
	out->err = payload.ptr[0] == 1 ? PST_OK : PST_ERR_EAT_REFUSED;
	out->is_result = format.len == 0;
	if (!out->is_result)
		out->attester = device.attester;
	out->has_key = true;
	out->key = device.key;
	if (payload.len >= 1 + PST_TAM_CHALLENGE_LEN)
		out->nonce = (struct pst_bytes){ payload.ptr + payload.len -
			    PST_TAM_CHALLENGE_LEN,
			PST_TAM_CHALLENGE_LEN };
	out->issued_s = now_s;
	out->claims = payload;
	return PST_OK;
}

static const struct pst_tam_appraiser appraiser = { NULL, appraise };

/* --- the target -------------------------------------------------------- */

static uint8_t reply[PST_MESSAGE_MAX], scratch[PST_TAM_SCRATCH_MAX];
static struct pst_tam_output out;
static struct pst_tam_engine engine;

static void
engine_init(void)
{
	pst_tam_policy_default(&engine.policy);
	engine.crypto = &crypto;
	engine.records = &records;
	engine.appraiser = &appraiser;
	engine.signers[0] = (struct pst_tam_signer){ PST_SUITE_ESP256,
		{ .key = 1, .alg = PST_ALG_ESP256 } };
	engine.signers[1] = (struct pst_tam_signer){ PST_SUITE_ED25519,
		{ .key = 2, .alg = PST_ALG_ED25519 } };
	engine.signer_count = 2;
	engine.mac_count = 1;
	engine.mac_keys[0].until_s = UINT64_MAX;
	out.reply = reply;
	out.reply_cap = sizeof(reply);
	out.scratch = scratch;
	out.scratch_cap = sizeof(scratch);
}

/* A reply is a signed message of a TAM, and carries what its event says. */
static void
check_reply(void)
{
	struct pst_cose_message m;
	struct pst_teep_message t;
	struct pst_verified v;

	MUST(pst_cose_parse((struct pst_bytes){ reply, out.reply_len },
		 PST_TAG_SIGN1, &m, NULL) == PST_OK);
	v = pst_verified_by_caller(m.payload);
	MUST(pst_teep_decode(&v, &t, NULL) == PST_OK);
	if (out.event == PST_TAM_EV_QUERY) {
		MUST(t.type == PST_TEEP_QUERY_REQUEST);
		return;
	}
	MUST(t.type == PST_TEEP_UPDATE);
	if (out.event == PST_TAM_EV_REFUSED) {
		MUST(t.err_code != 0);
		MUST(t.manifest_list.count == 0);
		MUST(t.unneeded_manifest_list.count == 0);
		return;
	}
	MUST(out.event == PST_TAM_EV_UPDATE);
	MUST(t.token.len == PST_TAM_TOKEN_LEN);
	MUST((out.changes.what & PST_TAM_SPEND) != 0);
	MUST(out.changes.attested == PST_OK);
}

static void
check_changes(void)
{
	const struct pst_tam_changes *ch = &out.changes;
	struct pst_list installed, removed, lines;

	MUST(ch->report_count <= PST_TAM_REPORTS_MAX);
	if (out.event == PST_TAM_EV_DROPPED)
		MUST((ch->what & ~(uint32_t)PST_TAM_ANSWER) == 0);
	if ((ch->what & PST_TAM_UPDATE) != 0)
		MUST(pst_tam_pending_read(ch->pending, &installed, &removed) ==
		    PST_OK);
	if ((ch->what & PST_TAM_LEDGER) != 0)
		MUST(pst_tam_ledger_read(ch->ledger, &lines) == PST_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	unsigned mode;

	if (!ready) {
		device_init();
		engine_init();
		ready = true;
	}
	for (mode = 0; mode < 2; mode++) {
		engine.policy.timestamps = mode == 1;
		MUST(pst_tam_message(&engine, (struct pst_bytes){ data, size },
			 NULL, 1800000000, &out) == PST_OK);
		MUST(memchr(out.note, '\0', sizeof(out.note)) != NULL);
		check_changes();
		if (out.reply_len > 0)
			check_reply();
	}
	return 0;
}
