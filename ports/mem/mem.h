/*
 * A world in memory, for tests: a store, a clock, a crypto port and an
 * attester that fail on demand, and a store whose power can be cut.
 *
 * Every port counts its calls in a struct pst_mem_fault. A test runs a
 * scenario once to learn the count, then again with each call failing.
 */
#ifndef POSTERN_MEM_H
#define POSTERN_MEM_H

#include <postern/crypto.h>
#include <postern/eat.h>
#include <postern/eat_keys.h>
#include <postern/store.h>

/** Which call of a port fails. Calls are numbered from 1. */
struct pst_mem_fault {
	uint64_t calls;	   /* made so far */
	uint64_t fail_at;  /* 0: none fails */
	bool sticky;	   /* all later calls fail too */
	enum pst_err with; /* what they return */
	uint64_t failed;   /* calls that failed */
};

/** Count a call; PST_OK, or the error that it has to return. */
enum pst_err pst_mem_fault(struct pst_mem_fault *f) PST_MUST_CHECK;

/** What is left of the write during which the power goes. */
enum pst_mem_cut {
	PST_MEM_CUT_BEFORE = 0, /* it did not happen */
	PST_MEM_CUT_AFTER = 1,	/* it happened; nobody was told */
	PST_MEM_CUT_TORN = 2	/* half of an append; else as BEFORE */
};

struct pst_mem_object {
	uint64_t id;
	uint8_t *data;
	size_t len, cap;
	bool finished; /* survives a power cut whole */
};

/** The caller's memory; contents are on the heap. */
struct pst_mem_store {
	uint8_t *registry;
	size_t registry_len;
	struct pst_mem_object *objects; /* in ascending order of id */
	size_t count, cap;
	size_t room_bytes; /* for objects; STORE_FULL beyond it */
	struct pst_mem_fault fault;
	bool late;	 /* a commit that fails has happened all the same */
	uint64_t writes; /* calls that change something, made so far */
	uint64_t cut_at; /* the write at which the power goes; 0: never */
	enum pst_mem_cut cut;
	bool off; /* power is off: every call fails */
	uint64_t commits;
	uint64_t denied; /* of these, reported as failures */
};

void pst_mem_store_init(struct pst_mem_store *m);
void pst_mem_store_free(struct pst_mem_store *m);

/** The port; it keeps m. */
struct pst_store pst_mem_store_port(struct pst_mem_store *m);

/**
 * Power is back: objects that were not finished have lost their second half,
 * and no further cut is planned.
 */
void pst_mem_store_reboot(struct pst_mem_store *m);

/** Make to equal to from, faults and plans left out; false: no memory. */
bool
pst_mem_store_copy(struct pst_mem_store *to, const struct pst_mem_store *from);

struct pst_mem_clock {
	uint64_t now_s;
	bool trusted;
	struct pst_mem_fault fault;
};

struct pst_clock pst_mem_clock_port(struct pst_mem_clock *m);

/** Wraps another crypto port. `supports` is not counted: it cannot fail. */
struct pst_mem_crypto {
	const struct pst_crypto *inner;
	struct pst_mem_fault fault;
	uint64_t verified;  /* signatures that were tried */
	uint32_t hashing;   /* hash handles that are open */
	uint32_t ciphering; /* cipher handles that are open */
};

struct pst_crypto pst_mem_crypto_port(struct pst_mem_crypto *m);

/** Wraps another attester; without one it gives `fixed`. */
struct pst_mem_attester {
	const struct pst_attester *inner;
	struct pst_bytes fixed;
	struct pst_mem_fault fault;
	uint8_t challenge[512]; /* of the last call */
	size_t challenge_len;
	uint8_t keys[PST_EAT_KEYS_MAX]; /* likewise */
	size_t keys_len;
};

struct pst_attester pst_mem_attester_port(struct pst_mem_attester *m);

#endif
