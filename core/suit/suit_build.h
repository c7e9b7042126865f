/*
 * What the files that build a manifest share: build.c writes the manifest and
 * its envelope, sequences.c the command sequences.
 */
#ifndef PST_SUIT_BUILD_H
#define PST_SUIT_BUILD_H

#include <postern/suit_encode.h>

#include "suit_internal.h"

enum { SHA256_LEN = 32 };

/** A manifest being written. */
struct pst_suit_building {
	struct pst_cbor_writer *w;
	const struct pst_crypto *crypto;
	const struct pst_suit_build *what;
	enum pst_err err; /* of the crypto port */
};

/**
 * Write a sequence as an array in a bstr.
 *
 * @param label  of the section, or PST_SUIT_SHARED_SEQUENCE
 * @return       false when it has no command
 */
bool pst_suit_build_sequence(struct pst_suit_building *b, int label);

/** How many of the components are dependencies. */
size_t pst_suit_build_dependencies(const struct pst_suit_build *what);

#endif
