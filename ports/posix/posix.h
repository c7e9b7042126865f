/*
 * The agent's store on files, and the machine's clock.
 *
 * A store is a directory: `registry` (what was last committed), `objects/`
 * (one file an object, named by its number in 16 hexadecimal digits) and
 * `lock`. The registry is replaced by writing `registry.new`, fsync, rename
 * and fsync of the directory, so a cut at any point leaves the old or the new
 * one. Its header has a generation, which each commit raises by one, and a
 * SHA-256 over everything else: it finds damage, it is no seal against
 * somebody who can write the directory.
 */
#ifndef POSTERN_POSIX_H
#define POSTERN_POSIX_H

#include <postern/store.h>

/* Longest path of a store's directory. */
#define PST_POSIX_PATH_MAX 4096

struct pst_posix_store {
	int dir;
	int objects;
	int lock;
	uint64_t generation; /* of the registry on disk; 0: there is none */
	int append;	     /* descriptor of append_id, or -1 */
	uint64_t append_id;
};

/**
 * Open a store, making it when it is not there, and lock it.
 *
 * @param s    owns descriptors until pst_posix_store_close
 * @param dir  made with mode 0700; an existing one is narrowed to that
 *
 * @retval PST_ERR_BUSY   another process has it open
 * @retval PST_ERR_STORE  it cannot be made, or is somebody else's
 */
enum pst_err
pst_posix_store_open(struct pst_posix_store *s, const char *dir) PST_MUST_CHECK;

/** Unlock and close. Safe to call twice. */
void pst_posix_store_close(struct pst_posix_store *s);

/** Fill in a port that uses s; keeps s. */
void pst_posix_store_port(struct pst_posix_store *s, struct pst_store *out);

/**
 * The system clock. It counts as trusted: whoever runs this TEE sets the
 * machine's time as well.
 */
void pst_posix_clock(struct pst_clock *out);

/**
 * Write all of a file in one step: temporary file beside it, fsync, rename,
 * fsync of the directory.
 *
 * @param dir   descriptor of the directory
 * @param name  of the file; `name` + ".new" is overwritten
 * @param mode  of the file
 */
enum pst_err pst_posix_replace(int dir, const char *name, unsigned mode,
    const struct pst_bytes *parts, size_t count) PST_MUST_CHECK;

#endif
