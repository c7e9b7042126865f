/* The public face of the printers. */
#include "walk.h"

static void
ignore(struct diag_sink *s, const struct diag_event *ev)
{
	(void)s;
	(void)ev;
}

enum pst_err
pst_diag_check(struct pst_bytes in, size_t *at)
{
	struct diag_sink s = {
		.item = ignore, .open = ignore, .close = ignore
	};

	return diag_walk(&s, in, NULL, at);
}

enum pst_err
pst_diag_print(FILE *f, struct pst_bytes in, enum pst_diag_form form,
    const struct pst_shape *shape, size_t *at)
{
	struct diag_sink s = diag_text_sink;
	enum pst_err err;

	if (form == PST_DIAG_JSON)
		s = diag_json_sink;
	if (form == PST_DIAG_LIST)
		s = diag_list_sink;
	s.f = f;
	if (form != PST_DIAG_LIST)
		s.merge = true;
	s.brief = form == PST_DIAG_BRIEF;
	if (form == PST_DIAG_ANNOTATED || s.brief)
		s.annotate = true;
	s.lines = form == PST_DIAG_PRETTY || s.annotate;
	err = diag_walk(&s, in, s.annotate ? shape : NULL, at);
	if (s.cut > 0)
		fprintf(f,
		    "\n/ %zu long byte string%s cut: --full prints all /",
		    s.cut, s.cut > 1 ? "s were" : " was");
	return err;
}
