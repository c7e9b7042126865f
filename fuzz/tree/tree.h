/*
 * What the fuzz target of trees is made of: a crypto port that is none but
 * whose digests and tags mean something (port.c), manifests made from a program
 * of bytes (program.c), and a device that keeps its own account of why each
 * content may be believed (device.c).
 */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include <postern/suit.h>
#include <postern/suit_encode.h>

#include "../fuzz.h"
#include "tests/unit/suit/world.h"

/* --- port.c --------------------------------------------------------------- */

extern const struct pst_crypto port;
extern const struct pst_keys port_keys;
extern const struct pst_signer port_signer;

/** What stands for a digest: its first eight bytes. */
uint64_t port_value(int32_t alg, struct pst_bytes in);

/** Forget what was computed and opened. Nothing may be held. */
void port_reset(void);

/** Was this digest computed since port_reset? */
bool port_computed(uint64_t value);

/** Hash and cipher handles that are not released. */
int port_held(void);

/** A decryption that came to its end. */
struct opened {
	bool ended, tagged;
	uint64_t ciphertext; /* its SHA-256 value, tag not included */
};
extern struct opened port_opened;

/* --- program.c ------------------------------------------------------------ */

enum { GENE = 8, MANIFESTS = 3, PLAIN = 6, LETTERS = 7, ENVELOPE_MAX = 16384 };

enum said { SAID_DIGEST, SAID_CONTENT };

/** A manifest of the tree says what a component is to hold. */
struct saying {
	uint8_t letter; /* number of the component's name */
	uint8_t kind;
	uint64_t value; /* of the digest, or the content's SHA-256 value */
};

struct program {
	struct pst_bytes genes; /* not used yet */
	bool over;
	const uint8_t *header;
	uint8_t envelope[MANIFESTS][ENVELOPE_MAX];
	struct pst_bytes made[MANIFESTS];	   /* 0 is the root */
	uint8_t digest[MANIFESTS][PST_DIGEST_MAX]; /* SHA-256, then SHA-512 */
	uint8_t digest512[MANIFESTS][PST_DIGEST_MAX];
	struct saying said[1024];
	size_t said_count;
	uint8_t copied[256][2]; /* parameters go from one name to another */
	size_t copied_count;
	bool full; /* more than there is room for: not judged */
};

/** Make the tree that the bytes describe; false when it is too large. */
bool program_make(struct program *p, struct pst_bytes bytes);

/** What is served under a URI; ptr NULL: nothing. */
struct pst_bytes program_serve(const struct program *p, struct pst_bytes uri);

/** Number of a component's name, by the last byte of its identifier. */
uint8_t program_letter(struct pst_bytes id);

/** Identifier of name n, encoded. */
struct pst_bytes program_id(uint8_t n);

/* --- device.c ------------------------------------------------------------- */

enum { PLACES = 24, OBJECTS = 512, URI_KEPT = 32 };

/** A content that some component had. It never changes. */
struct object {
	const uint8_t *data;
	size_t len;
	uint64_t values[4]; /* digests of it, and of its manifest */
	uint32_t letters;   /* components that had it */
	int source;	    /* object it was copied from; -1: none */
	bool decrypted, tagged;
	uint64_t ciphertext;
	bool good;
};

struct place {
	uint8_t name[PST_SUIT_ID_MAX];
	size_t name_len;
	int installed, staged; /* objects; -1: none */
	bool written;	       /* in this run */
	bool gone;	       /* unlinked, or swapped with nothing */
	bool from_uri;	       /* what is staged, or open, was fetched */
	uint8_t uri[URI_KEPT];
	size_t uri_len;
	uint64_t info;
	int kept; /* of an earlier run of the same fetch; -1: none */
	bool kept_complete;
	uint8_t kept_uri[URI_KEPT];
	size_t kept_uri_len;
	uint64_t kept_info;
};

struct device {
	const struct program *program;
	struct world *world;
	struct place places[PLACES];
	size_t count;
	struct object objects[OBJECTS];
	size_t object_count;
	uint8_t heap[1 << 19];
	size_t heap_used;
	uint8_t building[ENVELOPE_MAX];
	size_t building_len;
	int open;    /* place that is being written; -1: none */
	int reading; /* object that was read since it was opened; -1: none */
	uint64_t next_info;
	bool full; /* too much for this account */
	size_t calls;
};

/** A device as it is before the update; its host functions are in w. */
void device_init(struct device *d, struct world *w, const struct program *p);

/** The run was interrupted: fetches can go on, the rest is gone. */
void device_restart(struct device *d);

/** The open component is being filled from this URI. */
void device_fetching(struct device *d, struct pst_bytes uri);

/** Every content that was written may be believed. */
bool device_holds(struct device *d);

/** Do two devices hold the same? */
bool device_same(const struct device *a, const struct device *b);

#endif
