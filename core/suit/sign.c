/*
 * Envelopes rewritten: with another authentication block, or without some of
 * their members. Everything else stays as it was, byte for byte.
 */
#include <postern/suit_encode.h>

#include "suit_internal.h"

/* The pairs of an envelope, one after another. */
struct pairs {
	struct pst_cbor_reader r;
	size_t left;
	int64_t label; /* or PST_CBOR_KEY_OTHER for a payload */
	struct pst_bytes pair;
};

static void
pairs_init(struct pairs *p, const struct pst_suit_envelope *env)
{
	pst_cbor_reader_init(&p->r, env->members);
	p->left = env->member_count;
}

static bool
pairs_next(struct pairs *p)
{
	size_t start = p->r.at;

	if (p->left == 0 || !pst_cbor_ok(&p->r))
		return false;
	p->left--;
	p->label = PST_CBOR_KEY_OTHER;
	if (pst_cbor_peek(&p->r) == PST_CBOR_UINT)
		p->label = pst_cbor_int(&p->r, 0, INT64_MAX);
	else
		pst_cbor_skip(&p->r);
	pst_cbor_skip(&p->r);
	p->pair.ptr = p->r.in.ptr + start;
	p->pair.len = p->r.at - start;
	return pst_cbor_ok(&p->r);
}

uint32_t
pst_suit_members(const struct pst_suit_envelope *env)
{
	struct pairs p;
	uint32_t all = 0;

	pairs_init(&p, env);
	while (pairs_next(&p))
		all |= pst_suit_bit(p.label) & PST_SUIT_SEVERABLE;
	return all;
}

static enum pst_err
put_block(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    uint64_t kind, const struct pst_cose_sign_args *args)
{
	switch (kind) {
	case PST_TAG_SIGN1:
		return pst_cose_sign1(w, crypto, args);
	case PST_TAG_SIGN:
		return pst_cose_sign(w, crypto, args);
	case PST_TAG_MAC0:
		return pst_cose_mac0(w, crypto, args);
	default:
		return PST_ERR_ARG;
	}
}

/* Is block i one of those that a new one replaces? */
static bool
replaced(const struct pst_suit_sign_args *how, size_t i)
{
	return i < PST_SUIT_AUTH_MAX && (how->replaced >> i & 1) != 0;
}

static size_t
kept(const struct pst_suit_envelope *env, const struct pst_suit_sign_args *how)
{
	size_t i, n = 0;

	for (i = 0; i < env->blocks.count; i++)
		n += !replaced(how, i);
	return n;
}

/* The wrapper with the blocks that stay and a new one. */
static enum pst_err
put_wrapper(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_suit_sign_args *how,
    const struct pst_cose_sign_args *args)
{
	struct pst_list blocks = env->blocks;
	struct pst_bytes item;
	size_t outer, inner, i;
	enum pst_err err;

	pst_cbor_put_uint(w, PST_SUIT_AUTHENTICATION);
	outer = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 2 + kept(env, how));
	pst_cbor_put_bstr(w, env->digest_content);
	for (i = 0; pst_list_next(&blocks, &item); i++)
		if (!replaced(how, i))
			pst_cbor_put_raw(w, item);
	inner = pst_cbor_wrap_begin(w);
	err = put_block(w, crypto, how->kind, args);
	pst_cbor_wrap_bstr(w, inner);
	pst_cbor_wrap_bstr(w, outer);
	return err;
}

/* Section 8.3: what is signed is the SUIT_Digest, detached. */
static struct pst_cose_sign_args
block_args(
    const struct pst_suit_envelope *env, const struct pst_suit_sign_args *how)
{
	struct pst_cose_sign_args args;

	memset(&args, 0, sizeof(args));
	args.payload = env->digest_content;
	args.detached = true;
	args.signers = how->signers;
	args.count = how->count;
	args.made = how->made;
	return args;
}

enum pst_err
pst_suit_sign_with(struct pst_cbor_writer *w,
    const struct pst_suit_envelope *env, const struct pst_crypto *crypto,
    const struct pst_suit_sign_args *how)
{
	struct pst_cose_sign_args args = block_args(env, how);
	struct pairs p;
	enum pst_err err;

	if (kept(env, how) >= PST_SUIT_AUTH_MAX)
		return PST_ERR_LIMIT;
	if (how->count == 0 || (how->count > 1 && how->kind != PST_TAG_SIGN))
		return PST_ERR_ARG;
	/* Section 8.3: signers MUST verify the digest first. */
	err = pst_suit_digest_check(crypto, &env->digest, env->manifest_bstr);
	if (err != PST_OK)
		return err;
	pst_cbor_put_tag(w, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(w, env->member_count);
	pairs_init(&p, env);
	while (err == PST_OK && pairs_next(&p)) {
		if (p.label == PST_SUIT_AUTHENTICATION)
			err = put_wrapper(w, env, crypto, how, &args);
		else
			pst_cbor_put_raw(w, p.pair);
	}
	return err != PST_OK ? err : w->err;
}

enum pst_err
pst_suit_sign(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, uint64_t kind,
    const struct pst_signer *signers, size_t count)
{
	struct pst_suit_sign_args how;

	memset(&how, 0, sizeof(how));
	how.kind = kind;
	how.signers = signers;
	how.count = count;
	return pst_suit_sign_with(w, env, crypto, &how);
}

enum pst_err
pst_suit_tbs(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    const struct pst_crypto *crypto, const struct pst_suit_sign_args *how)
{
	struct pst_cose_sign_args args = block_args(env, how);
	enum pst_err err =
	    pst_suit_digest_check(crypto, &env->digest, env->manifest_bstr);

	return err != PST_OK ? err : pst_cose_tbs(w, how->kind, &args);
}

/* Does a pair stay? */
static bool
stays(const struct pairs *p, uint32_t sections, bool payloads)
{
	if (p->label == PST_CBOR_KEY_OTHER)
		return !payloads;
	return !(pst_suit_bit(p->label) & sections & PST_SUIT_SEVERABLE);
}

enum pst_err
pst_suit_sever(struct pst_cbor_writer *w, const struct pst_suit_envelope *env,
    uint32_t sections, bool payloads)
{
	struct pairs p;
	size_t n = 0;

	pairs_init(&p, env);
	while (pairs_next(&p))
		n += stays(&p, sections, payloads);
	pst_cbor_put_tag(w, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(w, n);
	pairs_init(&p, env);
	while (pairs_next(&p))
		if (stays(&p, sections, payloads))
			pst_cbor_put_raw(w, p.pair);
	return w->err;
}
