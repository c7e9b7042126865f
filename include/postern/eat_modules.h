/*
 * What an EAT holds beside its own claims (RFC 9711, Sections 4.2.18 and 5):
 * submodules as claims-sets, nested tokens and digests of claims-sets that
 * travel apart; and the Detached EAT Bundle that brings these along.
 *
 * A tree of submodules is walked with a queue that the caller provides: there
 * is no recursion, and both its size and its depth are bounded.
 */
#ifndef POSTERN_EAT_MODULES_H
#define POSTERN_EAT_MODULES_H

#include <postern/eat.h>

#define PST_TAG_UCCS 601 /* claims without a signature: never accepted */
#define PST_TAG_EAT_BUNDLE 602

/* Claims-sets of one token in all, its own included. */
#define PST_EAT_NODES_MAX 32
/* Submodules of submodules; the token itself is at depth 0. */
#define PST_EAT_DEPTH_MAX 8

/** What a submodule is: by the type of its value, as the text says. */
enum pst_eat_module_kind {
	PST_EAT_MODULE_CLAIMS,	/* map: claims-set, under the same signature */
	PST_EAT_MODULE_TOKEN,	/* bstr: a token of its own, with a tag */
	PST_EAT_MODULE_DIGEST,	/* array: digest of a detached claims-set */
	PST_EAT_MODULE_JSON,	/* tstr: a token in JSON, which is not read */
	PST_EAT_MODULE_DETACHED /* in a tree: such a claims-set, compared */
};

/** One submodule. Views the claims-set that it is in. */
struct pst_eat_module {
	struct pst_bytes name; /* text, 1..PST_EAT_MODULE_NAME_MAX bytes */
	enum pst_eat_module_kind kind;
	/* the encoded map, the token, the digest or the text */
	struct pst_bytes bytes;
	int32_t alg; /* of a digest: enum pst_alg; PST_ALG_NONE: not known */
};

/**
 * Take the first submodule off a list that pst_eat_decode made.
 *
 * @return false when there are no more
 */
bool pst_eat_module_next(struct pst_list *submods, struct pst_eat_module *out);

/** Write name and value: a pair of the map that pst_eat_encode writes. */
void
pst_eat_module_put(struct pst_cbor_writer *w, const struct pst_eat_module *m);

/** A Detached EAT Bundle taken apart; nothing in it is trusted yet. */
struct pst_eat_bundle {
	struct pst_bytes token; /* COSE message, without CWT tag */
	struct pst_list sets;	/* name and bstr, alternating; never empty */
};

/** Does it look like a bundle: tag 602, or an array of two without a tag? */
bool pst_eat_bundle_is(struct pst_bytes in);

/**
 * Take a bundle apart, tagged or not. The token must be a tagged CWT, for a
 * bundle in a bundle is not allowed and a token in JSON not read.
 *
 * @param at  offset of the first fault; may be NULL
 * @retval PST_ERR_UNSUPPORTED  another kind of token is in it
 */
enum pst_err pst_eat_bundle_decode(
    struct pst_bytes in, struct pst_eat_bundle *out, size_t *at) PST_MUST_CHECK;

/** Write a bundle with its tag; the lists are as struct pst_eat_bundle has. */
void pst_eat_bundle_put(
    struct pst_cbor_writer *w, const struct pst_eat_bundle *bundle);

/** What is behind a CWT tag 61, which is allowed and never needed. */
struct pst_bytes pst_eat_without_tag(struct pst_bytes token);

/** One claims-set of a token, and where in it that is. */
struct pst_eat_node {
	struct pst_bytes name; /* of the submodule; empty for the token */
	enum pst_eat_module_kind kind;
	size_t parent; /* index; 0 for the token itself */
	size_t token;  /* index of the node whose signature covers it */
	size_t depth;
	/* all zero for a DIGEST: its claims-set did not come along */
	struct pst_eat claims;
	struct pst_bytes digest;      /* of a DIGEST */
	struct pst_pubkey key;	      /* of a TOKEN: that verified it */
	uint32_t who;		      /* of a TOKEN: as the key source said */
	struct pst_eat_bundle bundle; /* of a TOKEN: that it came in */
};

/** A token with all its submodules, parents before children. 25 KiB. */
struct pst_eat_tree {
	size_t count;
	struct pst_eat_node node[PST_EAT_NODES_MAX];
};

/** Where reading a tree stopped. */
struct pst_eat_fault {
	struct pst_bytes module; /* its name; empty: the token itself */
	size_t at;	/* offset in its claims or, if it is a token, in that */
	bool signature; /* a nested token did not verify */
};

/**
 * Read a token's claims and those of all its submodules. Nested tokens must
 * verify with one signature by a key of `keys`; detached claims-sets must have
 * the digests that the token has of them, and each must be of one. What cannot
 * be verified refuses the whole.
 *
 * @param token   payload that verified
 * @param bundle  that it came in; NULL: in none
 * @param keys    for nested tokens; NULL: none is accepted
 * @param out     views token and bundle; count is 0 on error
 * @param fault   set on error; may be NULL
 *
 * @retval PST_ERR_EAT_CLAIM       a claim of one of them is ill-typed
 * @retval PST_ERR_EAT_DIGEST      detached claims are not those signed
 * @retval PST_ERR_COSE_KEY, PST_ERR_COSE_SIGNATURE  of a nested token
 * @retval PST_ERR_UNSUPPORTED     a token in JSON, or without a signature
 * @retval PST_ERR_LIMIT           too many, or nested too deep
 */
enum pst_err pst_eat_tree_read(const struct pst_verified *token,
    const struct pst_eat_bundle *bundle, const struct pst_crypto *crypto,
    const struct pst_keys *keys, struct pst_eat_tree *out,
    struct pst_eat_fault *fault) PST_MUST_CHECK;

/**
 * The names of a node's ancestors and its own, each followed by a slash; empty
 * for the token itself.
 *
 * @return the length; 0 also when cap is too small
 */
size_t pst_eat_tree_path(
    const struct pst_eat_tree *tree, size_t n, uint8_t *out, size_t cap);

#endif
