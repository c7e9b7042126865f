/*
 * The directives that change what a component holds
 * (draft-ietf-suit-manifest, Sections 8.4.10.4 to 8.4.10.6 and 8.4.10.9).
 *
 * A component is open from write_begin to write_end; what it held before is
 * what others see until then. While it is open fetch_component names it,
 * fetch_at counts the payload as it comes, put_bytes what the host was given,
 * which differs from it while decrypting, and image_bytes is what that must
 * come to. vouched says whether something verified what is being written, and
 * voucher which manifest said what it must be. What one manifest has vouched
 * for in one component counts in another only with its right to say so there;
 * and what comes out of a decryption counts as verified only when whoever gave
 * the encryption-info may write the component himself: with a key of his own
 * choice any ciphertext is authentic (docs/decisions/0103).
 *
 * origin names, for what was decrypted from another component, that component
 * for as long as neither has changed: to verify the one is to verify the
 * other, for a cipher gives only one plaintext for a ciphertext, and the other
 * way round.
 */
#include "suit_run.h"

/*
 * Section 6.7: while strict order is false a component MUST NOT be both a
 * target and a source; that would be a race where commands are run in
 * parallel, and the result must not depend on who runs them.
 */
static enum pst_err
unordered(
    struct pst_suit_run *run, uint32_t target, bool has_source, uint32_t source)
{
	if (pst_suit_top(run)->strict_order)
		return PST_OK;
	if (run->loose_depth == 0)
		run->loose_depth = run->depth;
	pst_suit_set(run->targets, target);
	if (has_source)
		pst_suit_set(run->sources, source);
	if (pst_suit_is_set(run->sources, target) ||
	    (has_source && pst_suit_is_set(run->targets, source)))
		return PST_ERR_SUIT_OPERATION;
	return PST_OK;
}

void
pst_suit_origin_drop(struct pst_suit_run *run, uint32_t component)
{
	size_t i;

	run->origin[component] = 0;
	for (i = 0; i < run->place_count; i++)
		if (run->origin[i] == component + 1)
			run->origin[i] = 0;
}

/* A component cannot be its own origin, nor be written without losing what
 * came from it: there is no circle. */
void
pst_suit_verified(struct pst_suit_run *run, uint32_t component, uint8_t voucher)
{
	pst_suit_set(run->checked, component);
	run->vouchers[component] = voucher;
	while (run->origin[component] != 0) {
		component = run->origin[component] - 1u;
		pst_suit_set(run->checked, component);
		run->vouchers[component] = voucher;
	}
}

/* May manifest `number` do this, so that its word counts? */
static bool
counts(struct pst_suit_run *run, uint8_t number, uint32_t component,
    enum pst_suit_act_kind kind, int64_t label)
{
	return number == pst_suit_number(run) ||
	    (pst_suit_tree_manifest(run, number) != NULL &&
		pst_suit_may(run, number, component, kind, label) == PST_OK);
}

/* Is what was verified in one component verified in another? */
static bool
stays(struct pst_suit_run *run, uint32_t from, uint32_t to)
{
	return pst_suit_is_set(run->checked, from) &&
	    counts(run, run->vouchers[from], to, PST_SUIT_ACT_PARAMETER,
		PST_SUIT_PARAM_IMAGE_DIGEST);
}

uint8_t
pst_suit_setter(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label)
{
	const struct pst_suit_param *p =
	    pst_suit_param_find(run, component, label);

	return p != NULL ? p->setter : pst_suit_number(run);
}

/* From here on the content is new, and nothing has verified it. */
static void
content_changes(struct pst_suit_run *run, uint32_t component)
{
	pst_suit_set(run->written, component);
	pst_suit_clear(run->checked, component);
	pst_suit_integrity_drop(run, component);
	if (run->measured_component == component)
		run->measured_alg = 0;
	pst_suit_origin_drop(run, component);
	run->fetch_at = 0;
	run->put_bytes = 0;
	run->vouched = false;
	run->fetch_component = component;
	run->image_bytes = pst_suit_param_uint(
	    run, component, PST_SUIT_PARAM_IMAGE_SIZE, UINT64_MAX);
}

/* Metadata is applied at fetch, copy and write (update-management,
 * suit-parameter-component-metadata). That the host has the function was
 * checked when the parameter was set. */
static enum pst_err
metadata(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes value;

	if (!PST_SUIT_WITH_METADATA ||
	    !pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_COMPONENT_METADATA, &value))
		return PST_OK;
	return pst_suit_hard(
	    run->host->metadata(run->host->ctx, c->component, c->name, value));
}

static enum pst_err
write_begin(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    uint64_t size_bytes)
{
	return pst_suit_hard(run->host->write_begin(
	    run->host->ctx, c->component, c->name, size_bytes));
}

enum pst_err
pst_suit_append(struct pst_suit_run *run, struct pst_bytes chunk)
{
	enum pst_err err;

	if (chunk.len == 0)
		return PST_OK;
	if (run->put_bytes > run->image_bytes ||
	    chunk.len > run->image_bytes - run->put_bytes)
		return PST_ERR_SUIT_OPERATION;
	err = run->host->write(run->host->ctx, run->fetch_component, chunk);
	if (err != PST_OK)
		return pst_suit_hard(err);
	run->put_bytes += chunk.len;
	return pst_suit_hash_update(run, chunk);
}

/* A piece of the payload, as it came. */
static enum pst_err
put(struct pst_suit_run *run, struct pst_bytes chunk)
{
	return run->decrypting ? pst_suit_decrypt(run, chunk)
			       : pst_suit_append(run, chunk);
}

/* The payload is whole. Of an AEAD the tag is checked first. */
static enum pst_err
write_end(struct pst_suit_run *run)
{
	uint32_t component = run->fetch_component;
	enum pst_err err = PST_OK;

	if (run->decrypting)
		err = pst_suit_decrypt_end(run);
	if (err == PST_OK && run->image_bytes != UINT64_MAX &&
	    run->put_bytes != run->image_bytes)
		err = PST_ERR_SUIT_OPERATION;
	if (err == PST_OK)
		err = pst_suit_hard(
		    run->host->write_end(run->host->ctx, component));
	if (err == PST_OK)
		err = pst_suit_hash_end(
		    run, component, pst_suit_wanted_alg(run, component));
	if (err == PST_OK && run->vouched)
		pst_suit_verified(run, component, run->voucher);
	return err;
}

enum pst_err
pst_suit_fetch_more(struct pst_suit_run *run, struct pst_bytes chunk, bool last)
{
	enum pst_err err = put(run, chunk);

	run->fetch_at += chunk.len;
	return err == PST_OK && last ? write_end(run) : err;
}

/* Without a digest nobody may ever ask for the hash: what a tag verifies, and
 * what the manifest has itself, can do without. */
static bool
hashed(const struct pst_suit_run *run, const struct pst_suit_command_now *c,
    bool encrypted)
{
	return pst_suit_param_find(
		   run, c->component, PST_SUIT_PARAM_IMAGE_DIGEST) != NULL ||
	    (!encrypted && c->id != PST_SUIT_DIR_WRITE);
}

/* What is encrypted has another size than the image, as a rule. */
static enum pst_err
open_target(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    uint64_t payload_bytes)
{
	struct pst_bytes info;
	bool encrypted = pst_suit_encrypted(run, c->component, &info);
	enum pst_err err = PST_OK;

	if (encrypted) {
		err = pst_suit_decrypt_begin(run, info);
		run->sealer = pst_suit_setter(
		    run, c->component, PST_SUIT_PARAM_ENCRYPTION_INFO);
		run->sealer_counts = counts(run, run->sealer, c->component,
		    PST_SUIT_ACT_COMMAND, c->id);
	}
	if (err == PST_OK)
		err = write_begin(
		    run, c, encrypted ? run->image_bytes : payload_bytes);
	if (err == PST_OK && hashed(run, c, encrypted))
		err = pst_suit_hash_begin(
		    run, pst_suit_wanted_alg(run, c->component));
	return err;
}

/* A payload that came in the envelope. */
static enum pst_err
fetch_integrated(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    struct pst_bytes payload)
{
	enum pst_err err = open_target(run, c, payload.len);

	if (err == PST_OK)
		err = pst_suit_fetch_more(run, payload, true);
	return err;
}

/*
 * What an interrupted run left is not hashed again here: image-match reads it
 * when it is whole. Of what was decrypted the host ended only what had a tag
 * that held, with this very encryption-info.
 */
static enum pst_err
fetch_on(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    struct pst_bytes info, bool complete)
{
	uint8_t by =
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_ENCRYPTION_INFO);

	if (!complete)
		return PST_ERR_AGAIN;
	if (run->image_bytes != UINT64_MAX &&
	    run->put_bytes != run->image_bytes)
		return PST_ERR_SUIT_OPERATION;
	if (info.len > 0 && pst_suit_encryption_info_aead(info) &&
	    counts(run, by, c->component, PST_SUIT_ACT_COMMAND, c->id))
		pst_suit_verified(run, c->component, by);
	return PST_OK;
}

/* That the host has the function was checked when the parameter was set. */
static enum pst_err
fetch_arguments(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes value;

	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_FETCH_ARGUMENTS, &value))
		return PST_OK;
	return pst_suit_hard(run->host->fetch_arguments(
	    run->host->ctx, c->component, c->name, run->fetch_uri, value));
}

static enum pst_err
fetch_elsewhere(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	const struct pst_suit_host *host = run->host;
	struct pst_bytes info;
	bool complete = false;
	bool encrypted = pst_suit_encrypted(run, c->component, &info);
	uint64_t have = 0;
	enum pst_err err;

	/* A fragment of this envelope that is not there (RFC 3986, 4.4). */
	if (run->fetch_uri.ptr[0] == '#')
		return pst_suit_missing(run, c, PST_ERR_FETCH);
	err = fetch_arguments(run, c);
	if (err != PST_OK)
		return err;
	if (host->fetched != NULL) {
		err = host->fetched(host->ctx, c->component, c->name,
		    run->fetch_uri, info, &have, &complete);
		if (err == PST_ERR_FETCH)
			return pst_suit_missing(run, c, err);
		if (err != PST_OK)
			return pst_suit_hard(err);
	}
	/* No cipher goes on in the middle of what it has to authenticate. */
	if (encrypted && !complete)
		have = 0;
	run->fetch_at = have;
	run->put_bytes = have;
	if (have > 0 || complete)
		return fetch_on(run, c, info, complete);
	err = open_target(run, c, run->image_bytes);
	return err == PST_OK ? PST_ERR_AGAIN : err;
}

/* A payload of the envelope that the URI was written for: that of the manifest
 * that set it; or of the one that runs, whose default is the same URI. */
static bool
integrated(const struct pst_suit_run *run, const struct pst_suit_command_now *c,
    struct pst_bytes *payload)
{
	const struct pst_suit_param *p =
	    pst_suit_param_find(run, c->component, PST_SUIT_PARAM_URI);
	const struct pst_suit_manifest *m =
	    pst_suit_tree_manifest(run, p->origin);

	return pst_suit_integrated(&m->envelope, run->fetch_uri, payload) ||
	    pst_suit_integrated(&run->m->envelope, run->fetch_uri, payload);
}

enum pst_err
pst_suit_do_fetch(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes payload;
	enum pst_err err;

	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_URI, &run->fetch_uri))
		return PST_ERR_SUIT_PARAMETER;
	err = unordered(run, c->component, false, 0);
	if (err != PST_OK)
		return err;
	pst_suit_hash_drop(run);
	content_changes(run, c->component);
	err = metadata(run, c);
	if (err != PST_OK)
		return err;
	if (integrated(run, c, &payload))
		return fetch_integrated(run, c, payload);
	return fetch_elsewhere(run, c);
}

/* The bytes are a signed manifest's own, so they need no further check, unless
 * that manifest may say them and yet not write them. */
enum pst_err
pst_suit_do_write(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes content;
	enum pst_err err;

	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_CONTENT, &content))
		return PST_ERR_SUIT_PARAMETER;
	err = unordered(run, c->component, false, 0);
	if (err != PST_OK)
		return err;
	content_changes(run, c->component);
	err = metadata(run, c);
	if (err == PST_OK)
		err = open_target(run, c, content.len);
	run->voucher =
	    pst_suit_setter(run, c->component, PST_SUIT_PARAM_CONTENT);
	run->vouched = counts(
	    run, run->voucher, c->component, PST_SUIT_ACT_COMMAND, c->id);
	if (err == PST_OK)
		err = put(run, content);
	if (err == PST_OK)
		err = write_end(run);
	return err;
}

/* Read a piece of the source and put it into the target. */
static enum pst_err
copy_chunk(struct pst_suit_run *run, uint32_t source, struct pst_bytes name,
    uint64_t at, size_t *len)
{
	struct pst_bytes chunk;
	enum pst_err err;

	if (run->decrypting)
		return pst_suit_decrypt_read(run, source, name, at, len);
	err = pst_suit_read_chunk(run, source, name, at, &chunk);
	*len = chunk.len;
	return err == PST_OK ? pst_suit_append(run, chunk) : err;
}

/* All of the source into the target, which is open. */
static enum pst_err
copy_content(struct pst_suit_run *run, uint32_t source, struct pst_bytes name)
{
	uint64_t at = 0;
	size_t len;
	enum pst_err err;

	do {
		err = copy_chunk(run, source, name, at, &len);
		at += len;
	} while (err == PST_OK && len > 0);
	/* A source without content makes the directive fail (8.4.10.5). */
	return err == PST_ERR_NOT_FOUND ? PST_ERR_SUIT_OPERATION : err;
}

/* Copy c's source into c's component. A copy of what was verified is verified,
 * and so is what is decrypted from it. */
static enum pst_err
copy_from(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    uint32_t source)
{
	struct pst_bytes name = pst_suit_run_place(run, source);
	bool decrypts;
	enum pst_err err;

	err = metadata(run, c);
	if (err == PST_OK)
		err = open_target(run, c, run->image_bytes);
	decrypts = run->decrypting;
	run->voucher = run->vouchers[source];
	run->vouched = stays(run, source, c->component);
	if (err == PST_OK)
		err = copy_content(run, source, name);
	if (err == PST_OK && decrypts)
		run->origin[c->component] = (uint16_t)(source + 1);
	if (err == PST_OK)
		err = write_end(run);
	pst_suit_hash_drop(run);
	return err;
}

/* The source-component of a copy or swap, which the signer may use. */
static enum pst_err
source_of(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    uint32_t *source)
{
	const struct pst_suit_param *p;
	struct pst_cbor_reader r;
	enum pst_err err;

	if (!pst_suit_param(
		run, c->component, PST_SUIT_PARAM_SOURCE_COMPONENT, &r))
		return PST_ERR_SUIT_PARAMETER;
	/* The index is one of the manifest that set it. */
	p = pst_suit_param_find(
	    run, c->component, PST_SUIT_PARAM_SOURCE_COMPONENT);
	*source = pst_suit_run_place_of(
	    run, p->origin, (size_t)pst_cbor_uint(&r, PST_SUIT_COMPONENTS_MAX));
	if (*source == c->component || *source >= run->place_count)
		return PST_ERR_SUIT_OPERATION;
	err = unordered(run, c->component, true, *source);
	if (err != PST_OK)
		return err;
	/* Section 9: fetching from a component needs approval as well. */
	return pst_suit_may(
	    run, pst_suit_number(run), *source, PST_SUIT_ACT_COMMAND, c->id);
}

enum pst_err
pst_suit_do_copy(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	uint32_t source;
	enum pst_err err = source_of(run, c, &source);

	if (err != PST_OK)
		return err;
	content_changes(run, c->component);
	return copy_from(run, c, source);
}

/* What was verified of a content stays so where the content goes. */
static void
swap_checked(struct pst_suit_run *run, uint32_t a, uint32_t b)
{
	bool a_stays = stays(run, a, b), b_stays = stays(run, b, a);
	uint8_t a_by = run->vouchers[a], b_by = run->vouchers[b];

	content_changes(run, b);
	content_changes(run, a);
	if (a_stays)
		pst_suit_verified(run, b, a_by);
	if (b_stays)
		pst_suit_verified(run, a, b_by);
}

/*
 * Section 8.4.10.9. Both components are target and source, which Section 6.7
 * forbids while strict order is false.
 */
enum pst_err
pst_suit_do_swap(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	uint32_t source;
	enum pst_err err;

	if (run->host->swap == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_top(run)->strict_order)
		return PST_ERR_SUIT_OPERATION;
	err = source_of(run, c, &source);
	if (err != PST_OK)
		return err;
	err = pst_suit_hard(run->host->swap(run->host->ctx, c->component,
	    c->name, source, pst_suit_run_place(run, source)));
	if (err == PST_OK)
		swap_checked(run, c->component, source);
	/* A source without content makes the directive fail. */
	return err == PST_ERR_NOT_FOUND ? PST_ERR_SUIT_OPERATION : err;
}
