/*
 * The conditions and directives that ask something of the device
 * (draft-ietf-suit-manifest, Sections 8.4.9 and 8.4.10;
 * draft-ietf-suit-trust-domains, Section 6.3).
 *
 * A condition that fails answers PST_ERR_SUIT_CONDITION, which soft failure
 * may forgive; everything else that goes wrong ends the run.
 */
#include "suit_run.h"

/* A condition's answer: that it failed is soft, that it broke is not. */
static enum pst_err
soft(enum pst_err err)
{
	return err == PST_ERR_AGAIN ? PST_ERR_SUIT_OPERATION : err;
}

enum pst_err
pst_suit_do_identify(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	enum pst_suit_parameter what = c->id == PST_SUIT_COND_VENDOR
	    ? PST_SUIT_PARAM_VENDOR
	    : c->id == PST_SUIT_COND_CLASS ? PST_SUIT_PARAM_CLASS
					   : PST_SUIT_PARAM_DEVICE;
	struct pst_cbor_reader r;
	struct pst_bytes id;

	if (!pst_suit_param(run, c->component, what, &r))
		return PST_ERR_SUIT_CONDITION;
	/* A PEN is given with its tag, a UUID bare. */
	if (pst_cbor_peek(&r) == PST_CBOR_TAG)
		id = pst_cbor_item(&r);
	else
		id = pst_cbor_bstr(&r, 0, SIZE_MAX);
	return soft(run->host->identify(run->host->ctx, c->name, what, id));
}

enum pst_err
pst_suit_do_slot(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_cbor_reader r;

	if (!pst_suit_param(
		run, c->component, PST_SUIT_PARAM_COMPONENT_SLOT, &r))
		return PST_ERR_SUIT_CONDITION;
	if (run->host->slot == NULL)
		return PST_ERR_UNSUPPORTED;
	return soft(run->host->slot(
	    run->host->ctx, c->name, pst_cbor_uint(&r, UINT64_MAX)));
}

enum pst_err
pst_suit_do_abort(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	(void)run;
	(void)c;
	return PST_ERR_SUIT_CONDITION;
}

/* --- digests of content ------------------------------------------------ */

void
pst_suit_hash_drop(struct pst_suit_run *run)
{
	if (!run->hashing)
		return;
	run->hashing = false;
	(void)run->crypto->hash_end(run->crypto->ctx, run->hash, NULL, NULL);
}

enum pst_err
pst_suit_hash_begin(struct pst_suit_run *run, int32_t alg)
{
	enum pst_err err;

	pst_suit_hash_drop(run);
	run->measured_alg = 0;
	run->measured_manifest = false;
	err = run->crypto->hash_begin(run->crypto->ctx, alg, &run->hash);
	if (err != PST_OK)
		return pst_suit_hard(err);
	run->hashing = true;
	/* Kept here until hash_end makes it true. */
	run->measured_len = 0;
	return PST_OK;
}

enum pst_err
pst_suit_hash_update(struct pst_suit_run *run, struct pst_bytes chunk)
{
	if (!run->hashing || chunk.len == 0)
		return PST_OK;
	return pst_suit_hard(
	    run->crypto->hash_update(run->crypto->ctx, run->hash, chunk));
}

enum pst_err
pst_suit_hash_end(struct pst_suit_run *run, uint32_t component, int32_t alg)
{
	enum pst_err err;
	size_t len = 0;

	if (!run->hashing)
		return PST_OK;
	run->hashing = false;
	err = run->crypto->hash_end(
	    run->crypto->ctx, run->hash, run->measured, &len);
	if (err != PST_OK)
		return pst_suit_hard(err);
	run->measured_len = (uint8_t)len;
	run->measured_alg = alg;
	run->measured_component = component;
	return PST_OK;
}

bool
pst_suit_wanted(const struct pst_suit_run *run, uint32_t component,
    struct pst_suit_digest *d)
{
	struct pst_cbor_reader r;
	struct pst_bytes content;

	if (!pst_suit_param_string(
		run, component, PST_SUIT_PARAM_IMAGE_DIGEST, &content))
		return false;
	pst_cbor_reader_init(&r, content);
	*d = pst_suit_digest_read(&r);
	return pst_cbor_ok(&r);
}

int32_t
pst_suit_wanted_alg(const struct pst_suit_run *run, uint32_t component)
{
	struct pst_suit_digest d;

	return pst_suit_wanted(run, component, &d) ? d.alg : PST_ALG_SHA256;
}

enum pst_err
pst_suit_read_chunk(struct pst_suit_run *run, uint32_t component,
    struct pst_bytes name, uint64_t at, struct pst_bytes *chunk)
{
	enum pst_err err;

	chunk->ptr = run->memory.work;
	chunk->len = 0;
	err = run->host->read(run->host->ctx, component, name, at,
	    run->memory.work, run->memory.work_cap, &chunk->len);
	if (err == PST_OK && chunk->len > run->memory.work_cap)
		err = PST_ERR_SUIT_OPERATION;
	return pst_suit_hard(err);
}

/* The digest of what the component holds at this moment, by reading it. */
static enum pst_err
measure(
    struct pst_suit_run *run, const struct pst_suit_command_now *c, int32_t alg)
{
	struct pst_bytes chunk;
	uint64_t at = 0;
	enum pst_err err;

	err = pst_suit_hash_begin(run, alg);
	if (err != PST_OK)
		return err;
	do {
		err =
		    pst_suit_read_chunk(run, c->component, c->name, at, &chunk);
		if (err == PST_OK)
			err = pst_suit_hash_update(run, chunk);
		at += chunk.len;
	} while (err == PST_OK && chunk.len > 0);
	if (err == PST_OK)
		err = pst_suit_hash_end(run, c->component, alg);
	pst_suit_hash_drop(run);
	return err;
}

/* Is the content what the image-digest says? PST_ERR_NOT_FOUND: there is no
 * content. */
static enum pst_err
compare_image(
    struct pst_suit_run *run, const struct pst_suit_command_now *c, bool *same)
{
	struct pst_suit_digest d;
	struct pst_bytes got = { run->measured, 0 };
	enum pst_err err = PST_OK;

	if (!pst_suit_wanted(run, c->component, &d))
		return PST_ERR_SUIT_CONDITION;
	if (pst_suit_dependency(run->m, c->index))
		err = pst_suit_measure_dependency(run, c, d.alg);
	else if (run->measured_alg != d.alg || run->measured_manifest ||
	    run->measured_component != c->component)
		err = measure(run, c, d.alg);
	if (err != PST_OK)
		return err;
	got.len = run->measured_len;
	*same = pst_equal(got, d.bytes);
	return PST_OK;
}

enum pst_err
pst_suit_do_image_match(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	bool same;
	enum pst_err err = compare_image(run, c, &same);

	if (err == PST_ERR_NOT_FOUND)
		return PST_ERR_SUIT_CONDITION;
	if (err != PST_OK)
		return err;
	if (!same)
		return PST_ERR_SUIT_CONDITION;
	pst_suit_verified(run, c->component,
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_IMAGE_DIGEST));
	if (pst_suit_dependency(run->m, c->index))
		pst_suit_set(run->matched, c->component);
	return PST_OK;
}

/* update-management: a component without content matches no digest. */
enum pst_err
pst_suit_do_image_not_match(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	bool same;
	enum pst_err err = compare_image(run, c, &same);

	if (err == PST_ERR_NOT_FOUND)
		return PST_OK;
	if (err == PST_OK && same)
		return PST_ERR_SUIT_CONDITION;
	return err;
}

/*
 * Section 8.4.9.3: no early exit. All content up to the parameter's length is
 * compared whatever differs; only lengths show in the time taken.
 */
enum pst_err
pst_suit_do_check_content(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes want, part, chunk;
	bool same = true;
	size_t at = 0;
	enum pst_err err;

	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_CONTENT, &want))
		return PST_ERR_SUIT_CONDITION;
	for (;;) {
		err =
		    pst_suit_read_chunk(run, c->component, c->name, at, &chunk);
		if (err == PST_ERR_NOT_FOUND)
			return PST_ERR_SUIT_CONDITION;
		if (err != PST_OK)
			return err;
		if (chunk.len == 0)
			break;
		if (chunk.len > want.len - at)
			return PST_ERR_SUIT_CONDITION;
		part.ptr = want.ptr + at;
		part.len = chunk.len;
		same = pst_equal(part, chunk) && same;
		at += chunk.len;
	}
	if (at != want.len || !same)
		return PST_ERR_SUIT_CONDITION;
	pst_suit_verified(run, c->component,
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_CONTENT));
	return PST_OK;
}

void
pst_suit_custom_argument(struct pst_cbor_reader *r)
{
	switch (pst_cbor_peek(r)) {
	case PST_CBOR_BSTR:
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	case PST_CBOR_TSTR:
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		break;
	case PST_CBOR_SIMPLE:
		pst_cbor_null(r);
		break;
	default:
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
	}
}

/*
 * Section 8.4.11. It may be a condition, which only the host knows, and it may
 * change the component: what was verified before is to be verified again.
 */
enum pst_err
pst_suit_do_custom(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes argument;
	struct pst_cbor_reader r;

	if (run->host->command == NULL)
		return PST_ERR_SUIT_COMMAND;
	pst_cbor_reader_init(&r, run->code);
	r.at = c->arg;
	pst_suit_custom_argument(&r);
	if (!pst_cbor_ok(&r))
		return r.err;
	argument.ptr = run->code.ptr + c->arg;
	argument.len = r.at - c->arg;
	pst_suit_clear(run->checked, c->component);
	pst_suit_origin_drop(run, c->component);
	pst_suit_integrity_drop(run, c->component);
	if (run->measured_component == c->component)
		run->measured_alg = 0;
	return soft(run->host->command(
	    run->host->ctx, run->m, c->component, c->name, c->id, argument));
}

enum pst_err
pst_suit_do_invoke(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes args = { NULL, 0 };

	if (run->host->invoke == NULL)
		return PST_ERR_UNSUPPORTED;
	/* Section 6.3: an error, or an invoked image that was verified. */
	if (pst_suit_is_set(run->written, c->component) &&
	    !pst_suit_is_set(run->checked, c->component))
		return PST_ERR_SUIT_UNVERIFIED;
	(void)pst_suit_param_string(
	    run, c->component, PST_SUIT_PARAM_INVOKE_ARGS, &args);
	return pst_suit_hard(run->host->invoke(run->host->ctx, c->name, args));
}
