/*
 * The TAM engine in process: an empty POST becomes a QueryRequest. The bound
 * is what it cannot do without: the challenge's random bytes and MAC, and the
 * signatures.
 */
#include <string.h>
#include <tam/node/node.h>
#include <time.h>

#include "bench.h"
#include "fleet.h"
#include "sample.h"

struct connect {
	struct pst_tam_worker *worker;
	uint32_t suite;
	uint64_t now_s;
};

static void
query(void *ctx)
{
	const struct connect *c = ctx;
	const struct pst_tam_output *out;

	bench_must(
	    pst_tam_worker_handle(c->worker, c->suite,
		(struct pst_bytes){ NULL, 0 }, c->now_s, &out) == PST_OK &&
		out->reply_len > 0,
	    "an empty POST");
}

static uint32_t mac_key;

static void
bound(void *ctx)
{
	const struct connect *c = ctx;
	const struct pst_crypto *crypto = sample()->crypto;
	struct pst_bytes m = sample()->encoded[SAMPLE_QUERY_REQUEST];
	uint8_t out[PST_SIGNATURE_MAX];
	size_t len;
	bool ok;

	ok = crypto->random(crypto->ctx, out, 16) == PST_OK &&
	    crypto->mac(crypto->ctx, mac_key, PST_ALG_HMAC_256, &m, 1, out,
		&len) == PST_OK;
	if (c->suite != PST_SUITE_ED25519)
		ok = ok &&
		    crypto->sign(crypto->ctx, sample()->esp256.key,
			PST_ALG_ESP256, &m, 1, out, &len) == PST_OK;
	if (c->suite != PST_SUITE_ESP256)
		ok = ok &&
		    crypto->sign(crypto->ctx, sample()->ed25519.key,
			PST_ALG_ED25519, &m, 1, out, &len) == PST_OK;
	bench_must(ok, "the bound");
}

static void
make_mac_key(void)
{
	struct pst_key key;

	bench_must(pst_key_generate(PST_ALG_HMAC_256, &key) == PST_OK &&
		pst_openssl_add(sample()->port, &key, &mac_key) == PST_OK,
	    "making a key");
}

void
bench_tam(void)
{
	static const struct {
		const char *name;
		uint32_t suite;
	} rows[] = { { "tam_query_request_esp256", PST_SUITE_ESP256 },
		{ "tam_query_request_ed25519", PST_SUITE_ED25519 },
		{ "tam_query_request_both", 0 } };
	struct connect c = { .now_s = (uint64_t)time(NULL) };
	struct pst_tam_node *node;
	struct fleet fleet;
	size_t i;

	if (!bench_wanted(rows[0].name) && !bench_wanted(rows[1].name) &&
	    !bench_wanted(rows[2].name))
		return;
	make_mac_key();
	fleet_init(&fleet, 1);
	bench_must(pst_tam_node_open(fleet.dir, NULL, &node, NULL) == PST_OK &&
		pst_tam_worker_new(node, &c.worker) == PST_OK,
	    "opening a TAM");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench_case row = { rows[i].name, query, &c,
			"signatures, MAC and random bytes alone", bound, &c };

		c.suite = rows[i].suite;
		bench_rate(&row);
	}
	pst_tam_worker_free(&c.worker);
	pst_tam_node_close(&node);
	fleet_wipe(&fleet);
}
