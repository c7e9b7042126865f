/*
 * Manifests that depend on each other, for tests: what pst_suit_build writes,
 * signed by one of the world's signers.
 */
#ifndef AGENT_TREE_H
#define AGENT_TREE_H

#include "world.h"

#define TREE_PARTS_MAX 4
#define TREE_BYTES_MAX 12288

/* Sections that pst_suit_build gives a manifest with an image. */
#define TREE_LEAF \
	(1u << PST_SUIT_INSTALL | 1u << PST_SUIT_VALIDATE | \
	    1u << PST_SUIT_UNINSTALL)

struct tree;

/** A component of a manifest: an image or a dependency. */
struct tree_part {
	struct pst_bytes id;
	const char *uri; /* "#…" travels in the envelope */
	const char *payload;
	const struct tree *dependency; /* in place of payload */
	bool wrong;	/* the server has something else under this URI */
	bool encrypted; /* to the device; payload is the plaintext */
};

/** A manifest, and its envelope once it was made. */
struct tree {
	struct pst_bytes id; /* manifest-component-id; empty: none */
	uint64_t sequence;
	int signer;
	size_t count;
	struct tree_part part[TREE_PARTS_MAX];
	struct pst_bytes set_version;
	bool no_uninstall;
	/* made */
	uint32_t sections;
	uint8_t digest[32];
	struct pst_bytes envelope;
	uint8_t bytes[TREE_BYTES_MAX];
};

/** Make the envelope, dependencies first; and let the server have parts. */
void tree_make(struct tree *t);

/** Sign an envelope that was made otherwise. */
void tree_sign(struct tree *t, struct pst_bytes plain);

/** Make it and send it in an Update of this TAM. */
void tree_install(struct tree *t, int tam, const char *token);

/** An Update that unlinks a root manifest. */
void tree_remove(struct pst_bytes id, int tam, const char *token);

#endif
