/* A listing: a line for each head, with its offset, its bytes as far as they
 * fit and what it says. */
#include "walk.h"

enum { SHOWN_BYTES = 16, LEVEL_MAX = 16 };

static void
line(struct diag_sink *s, const struct diag_event *ev)
{
	static const char *const one[] = { "unsigned ", "negative ", "bytes ",
		"text ", "array of ", "map of pairs ", "tag ", "simple ",
		"float " };
	const struct pst_cbor_head *h = &ev->head;
	unsigned int level = ev->level < LEVEL_MAX ? ev->level : LEVEL_MAX;

	fprintf(
	    s->f, "%08zx  %*s%s", ev->at, (int)(2 * level), "", one[h->type]);
	if (h->indefinite)
		fputs("of indefinite length", s->f);
	else if (h->type == PST_CBOR_UINT || h->type == PST_CBOR_NINT ||
	    h->type >= PST_CBOR_SIMPLE)
		diag_scalar(s->f, ev);
	else
		fprintf(s->f, "%llu%s", (unsigned long long)h->arg,
		    diag_indicator(h));
}

static void
content(struct diag_sink *s, const struct diag_event *ev)
{
	struct pst_bytes shown = ev->bytes;

	if (shown.len > SHOWN_BYTES)
		shown.len = SHOWN_BYTES;
	fputs(": ", s->f);
	if (ev->head.type == PST_CBOR_TSTR && shown.len == ev->bytes.len &&
	    pst_utf8_valid(shown))
		diag_quoted(s->f, shown);
	else
		diag_hex(s->f, shown);
	if (shown.len < ev->bytes.len)
		fputs("...", s->f);
}

static void
list_item(struct diag_sink *s, const struct diag_event *ev)
{
	line(s, ev);
	if (ev->head.type == PST_CBOR_BSTR || ev->head.type == PST_CBOR_TSTR)
		content(s, ev);
	fputc('\n', s->f);
}

static void
list_open(struct diag_sink *s, const struct diag_event *ev)
{
	line(s, ev);
	fputc('\n', s->f);
}

static void
list_close(struct diag_sink *s, const struct diag_event *ev)
{
	if (ev->head.indefinite)
		fprintf(s->f, "%08zx  %*sbreak\n", ev->at - 1,
		    (int)(2 * (ev->level < LEVEL_MAX ? ev->level : LEVEL_MAX)),
		    "");
}

const struct diag_sink diag_list_sink = {
	.item = list_item,
	.open = list_open,
	.close = list_close,
};
