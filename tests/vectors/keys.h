/* The public keys that a row names in "key", as a source of keys. */
#ifndef POSTERN_VECTORS_KEYS_H
#define POSTERN_VECTORS_KEYS_H

#include <postern/cose.h>

#include "runner.h"

enum { VECTOR_KEYS_MAX = 4 };

struct vector_keys {
	struct pst_pubkey key[VECTOR_KEYS_MAX];
	size_t count;
	struct pst_keys source; /* gives each key in turn */
};

/** Load them; false, with v->why, when one is damaged. */
bool vector_keys_load(struct vector *v, struct vector_keys *out);

#endif
