/*
 * Parameters (draft-ietf-suit-manifest, Sections 8.4.8, 8.4.10.3;
 * draft-ietf-suit-trust-domains, Section 6.3.1). The table keeps where a
 * value is encoded, after its type was judged once.
 *
 * Each entry says which manifest set it, so that a dependency's defaults can
 * be told from what its dependent preset; with one manifest that is 0.
 */
#include "suit_run.h"

/* Vendor: a UUID, or a Private Enterprise Number (tag 112). A number is at
 * most 8 bytes, so that its encoding is never 16 bytes long like a UUID. */
#define TAG_PEN 112
#define PEN_MAX 8
#define UUID_LEN 16

static void
vendor(struct pst_cbor_reader *r)
{
	if (pst_cbor_tag_optional(r, TAG_PEN))
		(void)pst_cbor_bstr(r, 1, PEN_MAX);
	else
		(void)pst_cbor_bstr(r, UUID_LEN, UUID_LEN);
}

static void
digest(struct pst_cbor_reader *r)
{
	struct pst_cbor_reader in;

	pst_cbor_reader_init(&in, pst_cbor_bstr(r, 1, SIZE_MAX));
	(void)pst_suit_digest_read(&in);
	pst_cbor_fail(r, pst_cbor_end(&in));
}

static void
encryption_info(struct pst_cbor_reader *r)
{
	struct pst_bytes info = pst_cbor_bstr(r, 1, SIZE_MAX);

	if (pst_cbor_ok(r) && pst_suit_encryption_info_check(info) != PST_OK)
		pst_cbor_fail(r, PST_ERR_SUIT_PARAMETER);
}

/* bstr .cbor something */
static void
wrapped(struct pst_cbor_reader *r, void (*read)(struct pst_cbor_reader *r))
{
	struct pst_cbor_reader in;

	pst_cbor_reader_init(&in, pst_cbor_bstr(r, 1, SIZE_MAX));
	read(&in);
	pst_cbor_fail(r, pst_cbor_end(&in));
}

static void
source_component(struct pst_cbor_reader *r, size_t count)
{
	if (pst_cbor_uint(r, UINT64_MAX) >= count)
		pst_cbor_fail(r, PST_ERR_SUIT_COMPONENT);
}

/* int / bool / tstr / bstr */
static void
custom(struct pst_cbor_reader *r)
{
	switch (pst_cbor_peek(r)) {
	case PST_CBOR_BSTR:
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	case PST_CBOR_TSTR:
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		break;
	case PST_CBOR_SIMPLE:
		(void)pst_cbor_bool(r);
		break;
	default:
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
	}
}

/* Is a parameter in this build (postern/suit_limits.h)? */
static bool
built(int64_t label)
{
	switch (label) {
	case PST_SUIT_PARAM_USE_BEFORE:
	case PST_SUIT_PARAM_MINIMUM_BATTERY:
	case PST_SUIT_PARAM_UPDATE_PRIORITY:
	case PST_SUIT_PARAM_VERSION:
		return PST_SUIT_WITH_UPDATE_MANAGEMENT;
	case PST_SUIT_PARAM_WAIT_INFO:
		return PST_SUIT_WITH_WAIT;
	case PST_SUIT_PARAM_COMPONENT_METADATA:
		return PST_SUIT_WITH_METADATA;
	case PST_SUIT_PARAM_ENCRYPTION_INFO:
		return PST_SUIT_WITH_ENCRYPTION;
	default:
		return true;
	}
}

static void
value(struct pst_cbor_reader *r, int64_t label, size_t count)
{
	if (!built(label)) {
		pst_cbor_fail(r, PST_ERR_SUIT_PARAMETER);
		return;
	}
	switch (label) {
	case PST_SUIT_PARAM_VENDOR:
		vendor(r);
		break;
	case PST_SUIT_PARAM_CLASS:
	case PST_SUIT_PARAM_DEVICE:
		(void)pst_cbor_bstr(r, UUID_LEN, UUID_LEN);
		break;
	case PST_SUIT_PARAM_IMAGE_DIGEST:
		digest(r);
		break;
	case PST_SUIT_PARAM_COMPONENT_SLOT:
		(void)pst_cbor_uint(r, UINT64_MAX);
		break;
	case PST_SUIT_PARAM_IMAGE_SIZE:
		/* The greatest number means that no size is set. */
		(void)pst_cbor_uint(r, UINT64_MAX - 1);
		break;
	case PST_SUIT_PARAM_USE_BEFORE:
	case PST_SUIT_PARAM_MINIMUM_BATTERY:
		(void)pst_cbor_uint(r, UINT64_MAX);
		break;
	case PST_SUIT_PARAM_UPDATE_PRIORITY:
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
		break;
	case PST_SUIT_PARAM_VERSION:
		if (PST_SUIT_WITH_UPDATE_MANAGEMENT)
			wrapped(r, pst_suit_version_match_read);
		break;
	case PST_SUIT_PARAM_WAIT_INFO:
		if (PST_SUIT_WITH_WAIT)
			wrapped(r, pst_suit_wait_info_read);
		break;
	case PST_SUIT_PARAM_COMPONENT_METADATA:
		if (PST_SUIT_WITH_METADATA)
			wrapped(r, pst_suit_metadata_read);
		break;
	case PST_SUIT_PARAM_STRICT_ORDER:
	case PST_SUIT_PARAM_SOFT_FAILURE:
		(void)pst_cbor_bool(r);
		break;
	case PST_SUIT_PARAM_CONTENT:
	case PST_SUIT_PARAM_INVOKE_ARGS:
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	case PST_SUIT_PARAM_URI:
		(void)pst_cbor_tstr(r, 1, PST_SUIT_URI_MAX);
		break;
	case PST_SUIT_PARAM_SOURCE_COMPONENT:
		source_component(r, count);
		break;
	case PST_SUIT_PARAM_ENCRYPTION_INFO:
		encryption_info(r);
		break;
	case PST_SUIT_PARAM_FETCH_ARGUMENTS:
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	default:
		if (pst_suit_custom(label))
			custom(r);
		else
			/* A command that needs an unknown one would do
			 * something else without it. */
			pst_cbor_fail(r, PST_ERR_SUIT_PARAMETER);
	}
}

bool
pst_suit_param_known(int64_t label)
{
	struct pst_bytes none = { NULL, 0 };
	struct pst_cbor_reader r;

	/* Of a parameter that is known the value is missed. */
	pst_cbor_reader_init(&r, none);
	value(&r, label, 1);
	return r.err != PST_ERR_SUIT_PARAMETER;
}

enum pst_err
pst_suit_param_check(struct pst_cbor_reader *r, int64_t label, size_t count)
{
	value(r, label, count);
	if (r->err >= PST_ERR_CBOR_END && r->err <= PST_ERR_CBOR_ORDER)
		r->err = PST_ERR_SUIT_PARAMETER;
	return r->err;
}

/* The entry of a parameter; NULL when it is not set. */
static struct pst_suit_param *
find(const struct pst_suit_run *run, uint32_t component, int64_t label)
{
	struct pst_suit_param *p = run->memory.params;
	uint32_t i;

	for (i = 0; i < run->param_count; i++)
		if (p[i].label == label && p[i].component == component)
			return &p[i];
	return NULL;
}

const struct pst_suit_param *
pst_suit_param_find(
    const struct pst_suit_run *run, uint32_t component, int64_t label)
{
	return find(run, component, label);
}

/* Soft failure exists inside try-each and run-sequence only; setting it
 * elsewhere causes an Abort (Section 8.4.8.17). */
static enum pst_err
set_soft_failure(struct pst_suit_frame *f, bool v)
{
	if (f->kind == FRAME_SECTION)
		return PST_ERR_SUIT_PARAMETER;
	f->soft_failure = v;
	return PST_OK;
}

/* Commands are carried out one after another in either case, which is one of
 * the orders that False permits; what changes is what is refused. */
static enum pst_err
set_strict_order(struct pst_suit_run *run, bool v)
{
	pst_suit_top(run)->strict_order = v;
	if (v && run->loose_depth == run->depth) {
		run->loose_depth = 0;
		memset(run->targets, 0, sizeof(run->targets));
		memset(run->sources, 0, sizeof(run->sources));
	}
	return PST_OK;
}

/*
 * Section 6.1: what would be passed over must not be set. A custom parameter
 * MUST NOT be in the shared sequence (Section 8.4.8.18).
 */
static enum pst_err
has_use(struct pst_suit_run *run, uint32_t component, int64_t label,
    struct pst_bytes value_)
{
	const struct pst_suit_host *host = run->host;
	const struct pst_suit_call *call = &run->calls[run->call_depth - 1];
	bool usable = true;

	if (label == PST_SUIT_PARAM_COMPONENT_METADATA)
		usable = host->metadata != NULL;
	else if (label == PST_SUIT_PARAM_ENCRYPTION_INFO)
		usable = run->crypto->cipher_begin != NULL;
	else if (label == PST_SUIT_PARAM_FETCH_ARGUMENTS)
		usable = host->fetch_arguments != NULL;
	else if (pst_suit_custom(label))
		usable =
		    host->parameter != NULL && call->section != PST_SUIT_COMMON;
	if (!usable)
		return PST_ERR_SUIT_PARAMETER;
	if (!pst_suit_custom(label))
		return PST_OK;
	return pst_suit_hard(host->parameter(host->ctx, run->m,
	    pst_suit_run_place(run, component), label, value_));
}

static enum pst_err
store(struct pst_suit_run *run, uint32_t component, int64_t label,
    struct pst_bytes item, bool replace)
{
	const uint8_t *at = item.ptr;
	enum pst_err err;
	struct pst_suit_param *p = find(run, component, label);

	if (label == PST_SUIT_PARAM_SOFT_FAILURE)
		return set_soft_failure(pst_suit_top(run), *at == 0xf5);
	if (label == PST_SUIT_PARAM_STRICT_ORDER)
		return set_strict_order(run, *at == 0xf5);
	err = has_use(run, component, label, item);
	if (err != PST_OK)
		return err;
	if (p != NULL && !replace)
		return PST_OK;
	if (p == NULL) {
		if (run->param_count == run->memory.param_cap)
			return PST_ERR_LIMIT;
		p = &run->memory.params[run->param_count++];
	}
	p->label = (int32_t)label;
	p->component = (uint16_t)component;
	p->setter = pst_suit_number(run);
	p->origin = p->setter;
	p->value = at;
	return PST_OK;
}
_Static_assert(PST_SUIT_PLACES_MAX <= UINT16_MAX, "place fits a param");

/* {+ parameters}, for one component, which is a place. */
static enum pst_err
assign(struct pst_suit_run *run, struct pst_cbor_reader *r, uint32_t component,
    bool replace)
{
	struct pst_cbor_seen seen;
	enum pst_err err = PST_OK;
	size_t n;

	n = pst_cbor_map(r, SIZE_MAX, &seen);
	if (pst_cbor_ok(r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_key(r, &seen);
		struct pst_bytes item = { r->in.ptr + r->at, r->at };

		if (!pst_cbor_ok(r))
			break;
		err = pst_suit_param_check(r, label, run->m->index_count);
		item.len = r->at - item.len;
		if (err == PST_OK)
			err = store(run, component, label, item, replace);
	}
	return err != PST_OK ? err : r->err;
}

/* The argument of set-parameters or override-parameters, read only here. */
static enum pst_err
parameters(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    bool replace)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	pst_cbor_reader_init(&r, run->code);
	r.at = c->arg;
	err = assign(run, &r, c->component, replace);
	pst_suit_top(run)->next = (uint32_t)r.at;
	return err;
}

enum pst_err
pst_suit_do_override_parameters(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	return parameters(run, c, true);
}

enum pst_err
pst_suit_do_set_parameters(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	return parameters(run, c, false);
}

/* {+ uint => {+ parameters}} */
enum pst_err
pst_suit_override_multiple(
    struct pst_suit_run *run, uint32_t arg, uint32_t *last)
{
	size_t n, count = run->m->index_count;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err = PST_OK;

	pst_cbor_reader_init(&r, run->code);
	r.at = arg;
	n = pst_cbor_map(&r, SIZE_MAX, &seen);
	if (pst_cbor_ok(&r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(&r)) {
		int64_t index = pst_cbor_key(&r, &seen);

		if (!pst_cbor_ok(&r))
			break;
		if (index < 0 || (uint64_t)index >= count)
			return PST_ERR_SUIT_COMPONENT;
		*last = (uint32_t)index;
		run->report->record.component = *last;
		err = assign(run, &r, pst_suit_place(run, *last), true);
	}
	return err != PST_OK ? err : r.err;
}

/*
 * Who copies a value answers for it from here on, but who set it must have had
 * the right to say it of this component too: its value is not laundered.
 */
static enum pst_err
copy_one(struct pst_suit_run *run, const struct pst_suit_param *p, uint32_t to)
{
	uint8_t setter = p->setter, origin = p->origin;
	int32_t label = p->label;
	struct pst_suit_param *copy;
	struct pst_bytes item;
	enum pst_err err = PST_OK;

	(void)pst_suit_run_parameter(run, p->component, label, &item);
	if (setter != pst_suit_number(run) && label != PST_SUIT_PARAM_URI)
		err = pst_suit_may(
		    run, setter, to, PST_SUIT_ACT_PARAMETER, label);
	if (err == PST_OK)
		err = store(run, to, label, item, true);
	copy = err == PST_OK ? find(run, to, label) : NULL;
	/* The value stays where it is: in another manifest, perhaps. */
	if (copy != NULL)
		copy->origin = origin;
	return err;
}

/* [+ int]: what the present component takes over from another. A value that
 * is not there cannot be copied, so the directive fails. */
static enum pst_err
copy_labels(struct pst_suit_run *run, struct pst_cbor_reader *r, uint32_t from,
    uint32_t to)
{
	size_t n = pst_cbor_array(r, 1, PST_SUIT_COMMANDS_MAX);
	enum pst_err err = PST_OK;

	while (n-- > 0 && err == PST_OK && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_int(r, INT32_MIN, INT32_MAX);
		const struct pst_suit_param *p = find(run, from, label);

		if (!pst_cbor_ok(r))
			break;
		if (p == NULL)
			return PST_ERR_SUIT_PARAMETER;
		err = copy_one(run, p, to);
	}
	return err != PST_OK ? err : r->err;
}

/* {+ uint => [+ int]} */
enum pst_err
pst_suit_do_copy_params(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	size_t n, count = run->m->index_count;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err = PST_OK;

	pst_cbor_reader_init(&r, run->code);
	r.at = c->arg;
	n = pst_cbor_map(&r, SIZE_MAX, &seen);
	if (pst_cbor_ok(&r) && n == 0)
		return PST_ERR_SUIT_STRUCTURE;
	while (n-- > 0 && err == PST_OK && pst_cbor_ok(&r)) {
		int64_t from = pst_cbor_key(&r, &seen);

		if (!pst_cbor_ok(&r))
			break;
		if (from < 0 || (uint64_t)from >= count)
			return PST_ERR_SUIT_COMPONENT;
		err = copy_labels(
		    run, &r, pst_suit_place(run, (uint32_t)from), c->component);
	}
	return err != PST_OK ? err : r.err;
}

/* A reader at a value, which stands in the envelope that it came in. */
static void
value_read(const struct pst_suit_run *run, const struct pst_suit_param *p,
    struct pst_cbor_reader *r)
{
	struct pst_bytes members =
	    pst_suit_tree_manifest(run, p->origin)->envelope.members;
	struct pst_bytes rest;

	rest.ptr = p->value;
	rest.len = members.len - (size_t)(p->value - members.ptr);
	pst_cbor_reader_init(r, rest);
}

bool
pst_suit_param(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, struct pst_cbor_reader *r)
{
	const struct pst_suit_param *p = find(run, component, (int64_t)label);

	if (p == NULL)
		return false;
	value_read(run, p, r);
	return true;
}

uint64_t
pst_suit_param_uint(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, uint64_t otherwise)
{
	struct pst_cbor_reader r;

	if (!pst_suit_param(run, component, label, &r))
		return otherwise;
	return pst_cbor_uint(&r, UINT64_MAX);
}

bool
pst_suit_param_string(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_head h;

	if (!pst_suit_param(run, component, label, &r))
		return false;
	pst_cbor_head(&r, &h);
	out->ptr = r.in.ptr + r.at;
	out->len = (size_t)h.arg;
	return true;
}

bool
pst_suit_run_parameter(const struct pst_suit_run *run, uint32_t index,
    int64_t label, struct pst_bytes *out)
{
	const struct pst_suit_param *p = find(run, index, label);
	struct pst_cbor_reader r;

	if (p == NULL)
		return false;
	value_read(run, p, &r);
	*out = pst_cbor_item(&r);
	return true;
}
