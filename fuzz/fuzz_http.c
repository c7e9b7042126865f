/*
 * The header values of a request: first Accept headers, one a line, then all
 * of it as a Content-Type.
 */
#include <string.h>

#include "fuzz.h"
#include "tam/http/http_header.h"

static void
accept_lines(struct pst_bytes in, struct pst_http_accept *a)
{
	const uint8_t *end;

	pst_http_accept_init(a, "application", "teep+cbor");
	while (in.len > 0) {
		struct pst_bytes line = in;

		end = memchr(in.ptr, '\n', in.len);
		if (end != NULL)
			line.len = (size_t)(end - in.ptr);
		pst_http_accept_add(a, line);
		if (end == NULL)
			return;
		in.len -= line.len + 1;
		in.ptr += line.len + 1;
	}
}

static int
inside(struct pst_bytes outer, struct pst_bytes view)
{
	return view.ptr >= outer.ptr && view.len > 0 &&
	    view.ptr + view.len <= outer.ptr + outer.len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_bytes in = { data, size };
	struct pst_http_accept a;
	struct pst_http_media m;
	enum pst_err err;

	accept_lines(in, &a);
	MUST(a.ranges <= PST_HTTP_RANGES_MAX);
	MUST(a.quality <= 1000 && a.rank <= 4);
	err = pst_http_accepts(&a);
	MUST(err == PST_OK || err == PST_ERR_NOT_FOUND || err == PST_ERR_ARG ||
	    err == PST_ERR_LIMIT);
	MUST(err != PST_OK || a.rank > 0);
	if (pst_http_media_type(in, &m) == PST_OK)
		MUST(inside(in, m.type) && inside(in, m.subtype));
	else
		MUST(m.type.ptr == NULL && m.subtype.len == 0);
	return 0;
}
