/* What a device attested with last, for who will not take this TAM's word. */
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"

static void
take(
    void *ctx, uint64_t at_s, struct pst_bytes format, struct pst_bytes payload)
{
	struct pst_admin_call *c = ctx;

	c->out = json_pack("{s:s, s:o, s:o, s:o}", "name", c->arg[0],
	    "attested", pst_admin_time(at_s), "format",
	    json_stringn((const char *)format.ptr, format.len), "evidence",
	    pst_admin_hex(payload));
}

static bool
exists(void *ctx, const struct pst_tam_device_row *row)
{
	(void)row;
	*(bool *)ctx = true;
	return false;
}

static enum pst_err
device_evidence(struct pst_admin_call *c)
{
	bool known = false;
	enum pst_err err;

	err = pst_tam_find_evidence(c->reader, c->arg[0], take, c);
	if (err != PST_ERR_NOT_FOUND)
		return err;
	err = pst_tam_find_device(c->reader, c->arg[0], exists, &known);
	if (err == PST_ERR_NOT_FOUND)
		return pst_admin_refuse(
		    c, err, "no device is called %s", c->arg[0]);
	if (err != PST_OK)
		return err;
	return pst_admin_refuse(c, PST_ERR_STATE,
	    "%s has not been accepted by its own Evidence yet, or that is too "
	    "long to be kept",
	    c->arg[0]);
}

const struct pst_admin_route pst_admin_evidence_routes[] = {
	{ "GET", "/devices/*/evidence", 0, PST_ADMIN_NO_BODY, device_evidence },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
