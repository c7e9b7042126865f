/*
 * Encrypted content (draft-ietf-suit-firmware-encryption).
 *
 * While a component is filled whose encryption-info is set, every chunk goes
 * through a cipher on its way to the host. decrypting says so, opening is the
 * cipher. The plaintext goes out as it comes, but the host's write_end is
 * called only after the tag of an AEAD has held, and what is not ended nobody
 * sees. AES-CTR has no tag: what it gives counts as any other content that
 * was written and that something has to verify.
 */
#include "suit_run.h"

#include "../cose/sealed.h"
#include "../pst_internal.h"

#if PST_SUIT_WITH_ENCRYPTION

/*
 * SUIT_Encryption_Info is a COSE_Encrypt with tag 96. Its ciphertext may be a
 * bstr by the CDDL; here the payload is the component's content, so that a
 * second one would be one too many (docs/interop.md).
 */
static enum pst_err
parse(struct pst_bytes info, struct pst_cose_sealed *out)
{
	enum pst_err err = pst_cose_sealed_parse(info, out, NULL);

	if (err != PST_OK)
		return err;
	return out->tagged && out->kind == PST_TAG_ENCRYPT && out->detached
	    ? PST_OK
	    : PST_ERR_COSE_STRUCTURE;
}

enum pst_err
pst_suit_encryption_info_check(struct pst_bytes info)
{
	struct pst_cose_sealed sealed;

	return parse(info, &sealed);
}

bool
pst_suit_encryption_info_aead(struct pst_bytes info)
{
	struct pst_cose_headers h;
	struct pst_cose_sealed sealed;

	return parse(info, &sealed) == PST_OK &&
	    pst_cose_headers_read(sealed.protected, sealed.unprotected, &h) ==
	    PST_OK &&
	    pst_cose_is_aead(h.alg);
}

bool
pst_suit_encrypted(
    const struct pst_suit_run *run, uint32_t component, struct pst_bytes *info)
{
	info->ptr = NULL;
	info->len = 0;
	return pst_suit_param_string(
	    run, component, PST_SUIT_PARAM_ENCRYPTION_INFO, info);
}

/* Errors about the manifest's signers are not meant here. */
static enum pst_err
key_error(enum pst_err err)
{
	if (err == PST_ERR_COSE_KEY || err == PST_ERR_COSE_DECRYPT)
		return PST_ERR_SUIT_RECIPIENT;
	return pst_suit_hard(err);
}

enum pst_err
pst_suit_decrypt_begin(struct pst_suit_run *run, struct pst_bytes info)
{
	struct pst_cose_open_args args = { .keys = run->keys,
		.kdf_other = PST_COSE_KDF_SUIT,
		.unauthenticated = true,
		.wrapped = true };
	struct pst_cose_sealed sealed;
	size_t next = 0;
	enum pst_err err;

	pst_suit_decrypt_drop(run);
	if (run->keys == NULL)
		return PST_ERR_SUIT_RECIPIENT;
	err = parse(info, &sealed);
	if (err != PST_OK)
		return PST_ERR_SUIT_PARAMETER;
	err = pst_cose_open_begin(
	    &run->opening, &sealed, run->crypto, &args, &next);
	run->decrypting = err == PST_OK;
	if (err == PST_OK)
		return PST_OK;
	pst_cose_open_abort(&run->opening);
	return key_error(err);
}

/* Payload from memory that is not ours, piece by piece into the buffer. */
enum pst_err
pst_suit_decrypt(struct pst_suit_run *run, struct pst_bytes chunk)
{
	const size_t room = run->memory.work_cap - PST_AEAD_TAG_LEN;
	struct pst_bytes piece = chunk;
	struct pst_bytes plain = { run->memory.work, 0 };
	enum pst_err err = PST_OK;

	while (chunk.len > 0 && err == PST_OK) {
		piece.ptr = chunk.ptr;
		piece.len = chunk.len < room ? chunk.len : room;
		chunk.ptr += piece.len;
		chunk.len -= piece.len;
		err = pst_suit_hard(pst_cose_open_update(
		    &run->opening, piece, run->memory.work, &plain.len));
		if (err == PST_OK)
			err = pst_suit_append(run, plain);
	}
	return err;
}

enum pst_err
pst_suit_decrypt_read(struct pst_suit_run *run, uint32_t source,
    struct pst_bytes name, uint64_t at, size_t *len)
{
	uint8_t *buf = run->memory.work + PST_AEAD_TAG_LEN;
	size_t room = run->memory.work_cap - PST_AEAD_TAG_LEN;
	struct pst_bytes plain;
	enum pst_err err;

	*len = 0;
	err = run->host->read(run->host->ctx, source, name, at, buf, room, len);
	if (err == PST_OK && *len > room)
		err = PST_ERR_SUIT_OPERATION;
	if (err != PST_OK || *len == 0)
		return pst_suit_hard(err);
	err = pst_cose_open_in_place(&run->opening, buf, *len, &plain);
	return err == PST_OK ? pst_suit_append(run, plain) : pst_suit_hard(err);
}

enum pst_err
pst_suit_decrypt_end(struct pst_suit_run *run)
{
	bool aead = run->opening.tag_len > 0;
	enum pst_err err = pst_cose_open_end(&run->opening);

	pst_suit_decrypt_drop(run);
	if (err == PST_OK && aead && !run->vouched) {
		run->vouched = true;
		run->voucher = run->sealer;
	}
	run->vouched = run->vouched && run->sealer_counts;
	return pst_suit_hard(err);
}

void
pst_suit_decrypt_drop(struct pst_suit_run *run)
{
	if (!run->decrypting)
		return;
	run->decrypting = false;
	pst_cose_open_abort(&run->opening);
	pst_wipe(run->memory.work, run->memory.work_cap);
}

#else /* no encryption: nothing is ever decrypting, and no cipher is linked */

enum pst_err
pst_suit_encryption_info_check(struct pst_bytes info)
{
	(void)info;
	return PST_ERR_UNSUPPORTED;
}

bool
pst_suit_encryption_info_aead(struct pst_bytes info)
{
	(void)info;
	return false;
}

bool
pst_suit_encrypted(
    const struct pst_suit_run *run, uint32_t component, struct pst_bytes *info)
{
	(void)run;
	(void)component;
	info->ptr = NULL;
	info->len = 0;
	return false;
}

enum pst_err
pst_suit_decrypt_begin(struct pst_suit_run *run, struct pst_bytes info)
{
	(void)run;
	(void)info;
	return PST_ERR_UNSUPPORTED;
}

enum pst_err
pst_suit_decrypt(struct pst_suit_run *run, struct pst_bytes chunk)
{
	(void)run;
	(void)chunk;
	return PST_ERR_UNSUPPORTED;
}

enum pst_err
pst_suit_decrypt_read(struct pst_suit_run *run, uint32_t source,
    struct pst_bytes name, uint64_t at, size_t *len)
{
	(void)run;
	(void)source;
	(void)name;
	(void)at;
	*len = 0;
	return PST_ERR_UNSUPPORTED;
}

enum pst_err
pst_suit_decrypt_end(struct pst_suit_run *run)
{
	(void)run;
	return PST_ERR_UNSUPPORTED;
}

void
pst_suit_decrypt_drop(struct pst_suit_run *run)
{
	(void)run;
}

#endif
