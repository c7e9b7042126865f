/*
 * CBOR and the five TEEP messages. The baseline is libcbor, the library that
 * Debian has: its generic decoder and encoder on the same bytes.
 */
#include <cbor.h>
#include <stdio.h>

#include "bench.h"
#include "sample.h"

struct message {
	struct pst_bytes bytes;
	const struct pst_teep_message *content;
	cbor_item_t *tree;
};

static uint8_t out[4096];

static void
decode(void *ctx)
{
	const struct message *m = ctx;
	struct pst_verified v = pst_verified_by_caller(m->bytes);
	struct pst_teep_message got;

	bench_must(pst_teep_decode(&v, &got, NULL) == PST_OK, "decoding");
}

static void
encode(void *ctx)
{
	const struct message *m = ctx;
	struct pst_cbor_writer w;

	pst_cbor_writer_init(&w, out, sizeof(out));
	bench_must(pst_teep_encode(&w, m->content) == PST_OK, "encoding");
}

static void
libcbor_decode(void *ctx)
{
	const struct message *m = ctx;
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(m->bytes.ptr, m->bytes.len, &result);

	bench_must(item != NULL, "libcbor");
	cbor_decref(&item);
}

static void
libcbor_encode(void *ctx)
{
	const struct message *m = ctx;

	bench_must(cbor_serialize(m->tree, out, sizeof(out)) == m->bytes.len,
	    "libcbor");
}

static void
well_formed(void *ctx)
{
	const struct message *m = ctx;

	bench_must(
	    pst_cbor_well_formed(m->bytes, NULL) == PST_OK, "well-formedness");
}

static void
load(struct message *m, struct pst_bytes bytes)
{
	struct cbor_load_result result;

	m->bytes = bytes;
	m->tree = cbor_load(bytes.ptr, bytes.len, &result);
	bench_must(m->tree != NULL, "libcbor");
}

void
bench_cbor(void)
{
	static struct message m;
	struct bench_case c = { "cbor_well_formed_update", well_formed, &m,
		"libcbor cbor_load", libcbor_decode, &m };

	load(&m, sample()->encoded[SAMPLE_UPDATE]);
	bench_rate(&c);
	cbor_decref(&m.tree);
}

void
bench_teep(void)
{
	static struct message m;
	char name[64];
	int i;

	for (i = 0; i < 2 * SAMPLE_COUNT; i++) {
		enum sample_message which = (enum sample_message)(i / 2);
		bool dec = i % 2 == 0;
		struct bench_case c = { name, dec ? decode : encode, &m,
			dec ? "libcbor cbor_load" : "libcbor cbor_serialize",
			dec ? libcbor_decode : libcbor_encode, &m };

		(void)snprintf(name, sizeof(name), "teep_%s_%s",
		    dec ? "decode" : "encode", sample_name(which));
		load(&m, sample()->encoded[which]);
		m.content = &sample()->message[which];
		bench_rate(&c);
		cbor_decref(&m.tree);
	}
}
