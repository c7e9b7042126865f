/*
 * Who vouches for an envelope (draft-ietf-suit-manifest, Sections 6.2, 8.3).
 * Signatures are over the SUIT_Digest; only when one verified is the manifest
 * looked at.
 */
#include "suit_internal.h"

/*
 * One authentication block. The CDDL has tagged messages only, and Section
 * 8.3 a detached payload: the SUIT_Digest at the beginning of the list.
 */
static enum pst_err
block(const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_bytes content, uint32_t *who)
{
	struct pst_cose_message msg;
	struct pst_verified verified;
	struct pst_bytes no_aad = { NULL, 0 };
	enum pst_err err;

	err = pst_cose_parse(content, PST_TAG_SIGN1, &msg, NULL);
	if (err != PST_OK)
		return err;
	if (!msg.tagged || !msg.detached)
		return PST_ERR_COSE_STRUCTURE;
	err = pst_cose_verify_detached(
	    &msg, env->digest_content, crypto, keys, no_aad, &verified);
	if (err == PST_OK)
		*who = verified.who;
	return err;
}

/* Which of two failures says more about why nobody vouches for an envelope. */
static enum pst_err
telling(enum pst_err a, enum pst_err b)
{
	if (a == PST_ERR_SUIT_UNSIGNED || b == PST_ERR_COSE_SIGNATURE)
		return b;
	return a;
}

enum pst_err
pst_suit_signatures(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_keys *keys, uint32_t *who,
    size_t *at)
{
	enum pst_err err, first = PST_ERR_SUIT_UNSIGNED;
	struct pst_list blocks = env->blocks;
	struct pst_cbor_reader r;
	struct pst_bytes item;

	while (pst_list_next(&blocks, &item)) {
		pst_cbor_reader_init(&r, item);
		err = block(
		    env, crypto, keys, pst_cbor_bstr(&r, 0, SIZE_MAX), who);
		if (err == PST_OK)
			return PST_OK;
		first = telling(first, err);
	}
	if (at != NULL)
		*at = env->members_at +
		    (size_t)(env->digest_content.ptr - env->members.ptr);
	return first;
}

enum pst_err
pst_suit_authenticate(const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_keys *keys,
    struct pst_suit_manifest *out, size_t *at)
{
	uint32_t who = 0;
	enum pst_err err;

	err = pst_suit_signatures(env, crypto, keys, &who, at);
	if (err != PST_OK)
		return err;
	err = pst_suit_accept(env, crypto, out, at);
	if (err == PST_OK)
		out->who = who;
	return err;
}
