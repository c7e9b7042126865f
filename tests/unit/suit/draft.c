#include "draft.h"

#include <stdlib.h>

#include "suit_test.h"

enum { ROOM = 1 << 18 };

static uint8_t manifest[ROOM], whole[ROOM];

struct pst_bytes
draft_component(size_t n)
{
	static uint8_t room[4][8];
	static unsigned int next;
	uint8_t *id = room[next++ % 4];

	memcpy(id,
	    "\x81\x43"
	    "c",
	    3);
	id[3] = (uint8_t)(n >> 8);
	id[4] = (uint8_t)n;
	return (struct pst_bytes){ id, 5 };
}

static void
put_wrapped(struct pst_cbor_writer *w, uint64_t label, struct pst_bytes content)
{
	if (content.len == 0)
		return;
	pst_cbor_put_uint(w, label);
	pst_cbor_put_bstr(w, content);
}

/* A text of that many letters. */
static void
put_text(struct pst_cbor_writer *w, size_t len)
{
	static uint8_t text[ROOM];

	memset(text, 'u', len);
	pst_cbor_put_tstr(w, (struct pst_bytes){ text, len });
}

static void
put_common(struct pst_cbor_writer *w, const struct draft *d)
{
	size_t i, n = d->components > 0 ? d->components : 1;
	size_t mark = pst_cbor_wrap_begin(w);

	pst_cbor_put_map(w, 1u + (d->dependencies > 0) + (d->shared.len > 0));
	if (d->dependencies > 0) {
		pst_cbor_put_uint(w, PST_SUIT_DEPENDENCIES);
		pst_cbor_put_map(w, d->dependencies);
		for (i = 0; i < d->dependencies; i++) {
			pst_cbor_put_uint(w, i);
			pst_cbor_put_map(w, d->prefix);
			if (d->prefix)
				pst_cbor_put_raw(w, B("\x01\x81\x41p"));
		}
	}
	pst_cbor_put_uint(w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(w, n);
	for (i = 0; i < n; i++)
		pst_cbor_put_raw(w,
		    i == 0 && d->first_id.len > 0 ? d->first_id
						  : draft_component(i));
	put_wrapped(w, PST_SUIT_SHARED_SEQUENCE, d->shared);
	pst_cbor_wrap_bstr(w, mark);
}

static struct pst_bytes
put_manifest(const struct draft *d)
{
	enum pst_suit_label label = d->label != 0 ? d->label : PST_SUIT_INSTALL;
	struct pst_cbor_writer w;
	size_t mark;

	pst_cbor_writer_init(&w, manifest, sizeof(manifest));
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_map(&w,
	    3u + (d->uri_len > 0) + (d->set_version.len > 0) +
		(d->section.len > 0));
	pst_cbor_put_uint(&w, PST_SUIT_VERSION);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_uint(&w, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(&w, 1);
	pst_cbor_put_uint(&w, PST_SUIT_COMMON);
	put_common(&w, d);
	if (d->uri_len > 0) {
		pst_cbor_put_uint(&w, PST_SUIT_REFERENCE_URI);
		put_text(&w, d->uri_len);
	}
	put_wrapped(&w, PST_SUIT_SET_VERSION, d->set_version);
	put_wrapped(&w, label, d->section);
	pst_cbor_wrap_bstr(&w, mark);
	if (w.err != PST_OK)
		abort();
	return pst_cbor_written(&w);
}

static void
put_authentication(
    struct pst_cbor_writer *w, const struct draft *d, struct pst_bytes content)
{
	const struct pst_crypto *c = fixture()->crypto;
	uint8_t bytes[PST_DIGEST_MAX];
	struct pst_suit_digest digest = { PST_ALG_SHA256, { bytes, 0 } };
	size_t i, outer = pst_cbor_wrap_begin(w), inner;

	if (c->digest(c->ctx, PST_ALG_SHA256, &content, 1, bytes,
		&digest.bytes.len) != PST_OK)
		abort();
	pst_cbor_put_array(w, 1 + d->blocks);
	inner = pst_cbor_wrap_begin(w);
	pst_suit_digest_put(w, &digest);
	pst_cbor_wrap_bstr(w, inner);
	for (i = 0; i < d->blocks; i++)
		pst_cbor_put_bstr(w, B("block"));
	pst_cbor_wrap_bstr(w, outer);
}

struct pst_bytes
draft_make(const struct draft *d)
{
	struct pst_bytes content = put_manifest(d);
	struct pst_cbor_writer w;
	char name[8];
	size_t i;

	pst_cbor_writer_init(&w, whole, sizeof(whole));
	pst_cbor_put_map(&w, 2 + d->payloads + (d->payload_name_len > 0));
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	put_authentication(&w, d, content);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, content);
	for (i = 0; i < d->payloads; i++) {
		snprintf(name, sizeof(name), "#%zu", i % 10000);
		pst_cbor_put_tstr(&w,
		    (struct pst_bytes){ (const uint8_t *)name, strlen(name) });
		pst_cbor_put_bstr(&w, B(""));
	}
	if (d->payload_name_len > 0) {
		put_text(&w, d->payload_name_len);
		pst_cbor_put_bstr(&w, B(""));
	}
	if (w.err != PST_OK)
		abort();
	return pst_cbor_written(&w);
}
